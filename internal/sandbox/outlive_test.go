package sandbox_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// The task leaves a child in its group, a daemon in a session of its own, and a grandchild of that.
const family = `
sleep 1000 & echo $! > "$OUT/child"
setsid sh -c 'echo $$ > "$OUT/daemon"; sleep 1000 & echo $! > "$OUT/grandchild"; wait' &
echo $$ > "$OUT/task"
wait`

var members = []string{"task", "child", "daemon", "grandchild"}

// TestNothingOutlivesTheSandbox runs a sandbox as a process of its own and ends it in different ways.
func TestNothingOutlivesTheSandbox(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *exec.Cmd, io.Closer){
		"killed": func(t *testing.T, cmd *exec.Cmd, _ io.Closer) {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
		},
		"closed": func(t *testing.T, cmd *exec.Cmd, stdin io.Closer) {
			stdin.Close()
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "be-sandbox", t.TempDir())
			cmd.Stderr = os.Stderr
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer cmd.Process.Kill() //nolint:errcheck // it has usually ended
			master, err := bufio.NewReader(stdout).ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			c := newClient(t, strings.TrimSpace(master), protobufCodec())
			c.subscribe()
			pids, supervisor := startFamily(t, c)
			end(t, cmd, stdin)
			c.awaitGone(append(pids, supervisor)...)
		})
	}
}

func TestKillEndsTheWholeFamily(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	pids, supervisor := startFamily(t, c)
	c.kill("family")
	c.update("family", mesos.TASK_KILLED)
	c.awaitGone(append(pids, supervisor)...)
}

func TestTaskDiesWithItsSupervisor(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	c.launch(c.offer(), shell("t1", "exec sleep 1000"))
	supervisor := int(c.update("t1", mesos.TASK_STARTING).ContainerStatus.GetExecutorPID())
	c.update("t1", mesos.TASK_RUNNING)
	child := c.await("the task", func() (int, error) { return onlyChild(supervisor) })
	if err := syscall.Kill(supervisor, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	status := c.update("t1", mesos.TASK_FAILED)
	if status.GetReason() != mesos.REASON_EXECUTOR_TERMINATED || status.GetMessage() != "Executor terminated" {
		t.Errorf("status %v", status)
	}
	c.awaitGone(child)
}

func TestWhatATaskLeavesBehindIsKilled(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	out := t.TempDir()
	c.launch(c.offer(), shell("t1", fmt.Sprintf("setsid sleep 1000 & echo $! > %s/daemon; exit 5", out)))
	c.update("t1", mesos.TASK_STARTING)
	c.update("t1", mesos.TASK_RUNNING)
	c.update("t1", mesos.TASK_FAILED)
	pid, err := readPID(filepath.Join(out, "daemon"))
	if err != nil {
		t.Fatal(err)
	}
	if alive(pid) {
		t.Errorf("process %d lives although the end of its task was reported", pid)
	}
}

func startFamily(t *testing.T, c *client) (pids []int, supervisor int) {
	t.Helper()
	out := t.TempDir()
	c.launch(c.offer(), shell("family", "OUT="+out+"; export OUT"+family))
	supervisor = int(c.update("family", mesos.TASK_STARTING).ContainerStatus.GetExecutorPID())
	c.update("family", mesos.TASK_RUNNING)
	for _, name := range members {
		pid := c.await(name, func() (int, error) { return readPID(filepath.Join(out, name)) })
		if !alive(pid) {
			t.Fatalf("%s %d is not there to begin with", name, pid)
		}
		pids = append(pids, pid)
	}
	return pids, supervisor
}

// await polls for something that has no event of its own.
func (c *client) await(what string, look func() (int, error)) int {
	c.t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		value, err := look()
		if err == nil {
			return value
		}
		select {
		case <-ticker.C:
		case <-c.ctx.Done():
			c.t.Fatalf("waiting for %s: %v", what, err)
		}
	}
}

func (c *client) awaitGone(pids ...int) {
	c.t.Helper()
	for _, pid := range pids {
		c.await(fmt.Sprintf("the end of process %d", pid), func() (int, error) {
			if alive(pid) {
				return 0, errors.New("it is still alive")
			}
			return 0, nil
		})
	}
}

// alive tells whether a process runs. One that has ended but was not waited for does not.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return false
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return !strings.HasPrefix(rest, "Z")
}

func readPID(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var pid int
	_, err = fmt.Sscanln(string(text), &pid)
	return pid, err
}

func onlyChild(pid int) (int, error) {
	paths, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return 0, err
	}
	for _, path := range paths {
		if child, err := readPID(path); err == nil {
			return child, nil
		}
	}
	return 0, errors.New("no child yet")
}
