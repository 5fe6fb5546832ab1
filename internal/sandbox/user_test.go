package sandbox_test

import (
	"bytes"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// stranger is a user that exists and does not run the tests.
func stranger(t *testing.T) *user.User {
	t.Helper()
	for _, id := range []string{"65534", "0"} {
		if found, err := user.LookupId(id); err == nil && found.Username != self() {
			return found
		}
	}
	t.Fatal("this machine has neither nobody nor root; the test needs one more user")
	return nil
}

func TestUnknownUser(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	nobody := "no-such-user"
	task, custom := shell("t1", "true"), withExecutor("t2")
	task.Command.User, custom.Executor.Command.User = &nobody, &nobody
	c.launch(c.offer(), task, custom)
	for _, id := range []string{"t1", "t2"} {
		c.wantDropped(id, nobody, "No such user 'no-such-user'")
	}
}

func TestUnknownUserOfAFramework(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.info.User = "no-such-user"
	c.subscribe()
	named := shell("named", "exit 3")
	me := self()
	named.Command.User = &me
	c.launch(c.offer(), shell("t1", "true"), named)
	c.wantDropped("t1", "no-such-user", "No such user 'no-such-user'")
	c.update("named", mesos.TASK_STARTING)
	c.update("named", mesos.TASK_RUNNING)
	c.update("named", mesos.TASK_FAILED)
}

// The user of a command counts if we may become that user, which is for root only.
func TestAnotherUser(t *testing.T) {
	dir := t.TempDir()
	s := start(t, oneAgent(dir))
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	other := stranger(t)
	fetched := filepath.Join(t.TempDir(), "fetched")
	if err := os.WriteFile(fetched, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	task := shell("t1", "id -u; id -g; touch made; echo >> fetched && trap '' TERM; echo ready > made; while :; do sleep 0.05; done")
	task.Command.User, task.Command.URIs = &other.Username, []mesos.CommandInfo_URI{{Value: fetched}}
	task.KillPolicy = &mesos.KillPolicy{GracePeriod: &mesos.DurationInfo{Nanoseconds: 1e6}}
	offer := c.offer()
	c.launch(offer, task)
	if os.Geteuid() != 0 {
		c.wantDropped("t1", other.Username, "Operation not permitted")
		return
	}
	c.update("t1", mesos.TASK_STARTING)
	c.update("t1", mesos.TASK_RUNNING)
	run := filepath.Join(dir, "slaves", offer.AgentID.Value, "frameworks", c.id, "executors", "t1", "runs", "latest")
	c.await("the task to be ready", func() (int, error) {
		text, err := os.ReadFile(filepath.Join(run, "made"))
		if err == nil && !bytes.Equal(text, []byte("ready\n")) {
			err = fmt.Errorf("made has %q", text)
		}
		return 0, err
	})
	if got, err := os.ReadFile(filepath.Join(run, "stdout")); err != nil || string(got) != other.Uid+"\n"+other.Gid+"\n" {
		t.Errorf("ids %q, %v; want %s and %s", got, err, other.Uid, other.Gid)
	}
	if text, err := os.ReadFile(filepath.Join(run, "stderr")); err != nil || len(text) > 0 {
		t.Errorf("stderr %q, %v", text, err)
	}
	c.kill("t1") // the supervisor stays root and may
	c.update("t1", mesos.TASK_KILLED)
	c.wantFiles(run, "made", "stderr", "stdout")
}

func (c *client) wantDropped(task, user, problem string) {
	c.t.Helper()
	status := c.update(task, mesos.TASK_DROPPED)
	if status.GetSource() != mesos.SOURCE_AGENT || status.GetReason() != mesos.REASON_EXECUTOR_TERMINATED || status.ContainerStatus != nil {
		c.t.Errorf("task %s: %v", task, status)
	}
	text := regexp.MustCompile(`^Failed to create executor directory '/[^']+/runs/[^/']+': Failed to chown directory to '` +
		regexp.QuoteMeta(user) + `': ` + regexp.QuoteMeta(problem) + `$`)
	if !text.MatchString(status.GetMessage()) {
		c.t.Errorf("task %s: message %q", task, status.GetMessage())
	}
}
