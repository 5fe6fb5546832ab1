package sandbox

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// SuperviseInherited is Supervise with the two descriptors that a sandbox starts its supervisors with. It is what a
// main function calls.
func SuperviseInherited(args []string) int {
	for _, fd := range []int{OrdersFD, ReportFD} {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
			fmt.Fprintf(os.Stderr, "supervisor: descriptor %d is not open: this command is started by a sandbox only\n", fd)
			return 2
		}
	}
	return Supervise(args, os.NewFile(OrdersFD, "orders"), os.NewFile(ReportFD, "report"))
}

// Supervise runs one task and ends with it. args[0] is whom it runs as, either "-" for this process's own user or
// UID:GID:GROUP,... with ids; args[1] is the file to execute, looked up in PATH; the rest is its argv, beginning with the
// name of the program. The task gets this process's environment, directory, stdout and stderr, and a process group of its
// own.
//
// Each byte read from orders is an order; its end means that the sandbox is gone, and everything that the task has
// started is killed. The same happens to what the task leaves behind when it ends. SIGTERM, SIGINT and SIGHUP are
// passed on to the group. Before it returns, Supervise writes the wait status of the task to report; the result is
// the exit status for this process: that of the task, 128 plus the signal if one ended it, or 1 if it could not be
// executed.
func Supervise(args []string, orders, report *os.File) int {
	defer report.Close()
	if len(args) < 3 {
		fmt.Fprintln(os.Stderr, "supervisor: want an account, the file to execute and its argv")
		return 2
	}
	// Pdeathsig strikes when the thread that started the task ends, so this one must live as long as the process.
	runtime.LockOSThread()
	unix.CloseOnExec(int(orders.Fd()))
	unix.CloseOnExec(int(report.Fd()))
	// A task that comes to the limit of limitFiles is to have an error, as on a full disk, and not to end. What is ignored is inherited.
	signal.Ignore(syscall.SIGXFSZ)
	// Daemons that the task starts become our children when their parents end; so we can find and kill them.
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

	status, err := superviseTask(args, orders)
	if err != nil {
		fmt.Fprintf(os.Stderr, "Failed to execute command: %v\n", err)
		status = 1 << 8 // what the command executor of Mesos makes of it: "exited with status 1"
	}
	fmt.Fprintln(report, int(status))
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

func superviseTask(args []string, orders *os.File) (syscall.WaitStatus, error) {
	credential, err := account(args[0]).credential()
	if err != nil {
		return 0, err
	}
	path, err := exec.LookPath(args[1])
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return 0, err
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	cmd := &exec.Cmd{
		Path: path, Args: args[2:], Stdout: os.Stdout, Stderr: os.Stderr,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: credential},
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	group := &taskGroup{pid: cmd.Process.Pid}
	go group.obey(orders) // ends with this process: a read from a pipe can't be called off
	go func() {
		for sig := range signals {
			group.signal(sig.(syscall.Signal))
		}
	}()
	awaitEnd(group.pid)
	group.end()
	_ = cmd.Wait() // what it says is in ProcessState
	killRest()
	return cmd.ProcessState.Sys().(syscall.WaitStatus), nil
}

// credential is nil for ownAccount.
func (a account) credential() (*syscall.Credential, error) {
	if a == ownAccount {
		return nil, nil
	}
	uid, gid, groups, err := a.ids()
	return &syscall.Credential{Uid: uid, Gid: gid, Groups: groups}, err
}

// awaitEnd waits for a child to end but leaves it as it is, so that its number stays taken.
func awaitEnd(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// taskGroup is the process group of the task. Its number may belong to somebody else once the task has been waited
// for, so signals stop before that.
type taskGroup struct {
	mu    sync.Mutex
	pid   int
	ended bool
}

func (g *taskGroup) signal(sig syscall.Signal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.ended {
		_ = syscall.Kill(-g.pid, sig)
	}
}

func (g *taskGroup) obey(orders *os.File) {
	var order [1]byte
	for {
		if n, err := orders.Read(order[:]); n == 0 || err != nil {
			g.killAll()
			return
		}
		switch order[0] {
		case orderTerminate:
			g.signal(syscall.SIGTERM)
		case orderKill:
			g.killAll()
		case orderFull:
			limitFiles(0)
		case orderSpace:
			limitFiles(unix.RLIM_INFINITY)
		}
	}
}

// killAll kills the task's group and everything else below this process. What is reparented meanwhile is found when
// the task has ended.
func (g *taskGroup) killAll() {
	g.signal(syscall.SIGKILL)
	for _, pid := range children() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

func (g *taskGroup) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ended = true
}

// limitFiles lets everything below this process write to files up to a size only, which is for all files alike. What is started meanwhile
// inherits that, unless its parent was not limited yet: so it looks again until it finds nobody new.
func limitFiles(size uint64) {
	limited := map[int]bool{}
	for more := true; more; {
		more = false
		for _, pid := range descendants(os.Getpid()) {
			if !limited[pid] {
				limited[pid], more = true, true
				_ = unix.Prlimit(pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}, nil) // who has ended writes nothing
			}
		}
	}
}

// killRest kills what the task has left behind, and waits for it: one generation after the other, since the children
// of the dead become ours.
func killRest() {
	for {
		rest, options := children(), 0
		if len(rest) == 0 {
			options = unix.WNOHANG // a kernel that doesn't list children must not make us wait for them
		}
		for _, pid := range rest {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		pid, err := syscall.Wait4(-1, nil, options, nil)
		if err != nil && !errors.Is(err, syscall.EINTR) || err == nil && pid == 0 {
			return // ECHILD: nobody is left
		}
	}
}

// children lists the processes whose parent is this one, dead ones that nobody has waited for included.
func children() []int { return childrenOf(os.Getpid()) }

// descendants lists all processes below one.
func descendants(pid int) []int {
	pids := childrenOf(pid)
	for _, child := range pids {
		pids = append(pids, descendants(child)...)
	}
	return pids
}

func childrenOf(pid int) []int {
	var pids []int
	paths, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // the thread ended while we looked
		}
		for _, word := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
