package tracetest

import (
	"cmp"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox"
	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// reaction is how long a process takes from a signal to its end, as recorded.
const reaction = 80 * time.Millisecond

// machine is the Runner of a replay: its processes do what the recording says that they did.
type machine struct {
	r  *replay
	mu sync.Mutex
	// by container, and the last of each task, or of each executor id of those that are no task's
	processes map[string]*process
	latest    map[string]*process
	pids      int
}

// process is a container.
type process struct {
	start    cluster.StartProcess
	report   sandbox.Report
	pid      int
	started  bool
	signaled bool
	ended    bool
	pulled   bool                          // a Docker container's image
	checks   map[bool]cluster.PerformCheck // under way, by whether it is the health check
}

func newMachine(r *replay) *machine {
	return &machine{r: r, processes: map[string]*process{}, latest: map[string]*process{}, pids: 1000}
}

// Start notes a container. It starts when the recording says so.
func (m *machine) Start(start cluster.StartProcess, report sandbox.Report) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pids++
	p := &process{start: start, report: report, pid: m.pids, checks: map[bool]cluster.PerformCheck{}}
	m.processes[start.Container], m.latest[cmp.Or(start.Task, start.Executor)] = p, p
}

// Signal lets a process end as its command says.
func (m *machine) Signal(container string, signal cluster.Signal) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.processes[container]
	if p == nil || p.ended || p.signaled {
		return
	}
	status, ends := onSignal(p.start.Command.GetValue(), signal)
	if p.start.Docker {
		status, ends = m.dockerSignaled(p, signal)
	}
	if !ends {
		return
	}
	p.signaled = true
	if p.start.DefaultExecutor {
		return // see executorEnds
	}
	done := m.r.background()
	time.AfterFunc(reaction, func() { defer done(); m.exit(p, cluster.Exit{Status: status}) })
}

// onSignal is what becomes of a shell command that gets a signal.
func onSignal(command string, signal cluster.Signal) (status int, ends bool) {
	if signal == cluster.Kill {
		return int(syscall.SIGKILL), true
	}
	trap := regexp.MustCompile(`trap ['"](.*?)['"] (?:SIG)?TERM`).FindStringSubmatch(command)
	switch {
	case trap == nil:
		return int(syscall.SIGTERM), true
	case trap[1] == "":
		return 0, false
	}
	if exit := regexp.MustCompile(`exit (\d+)`).FindStringSubmatch(trap[1]); exit != nil {
		code, _ := strconv.Atoi(exit[1])
		return code << 8, true
	}
	return 0, false
}

// process is the last container of a task, or of an executor that is no task's, nil if there is none.
func (m *machine) process(name string) *process {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.latest[name]
}

// begin reports a process as started, once.
func (m *machine) begin(p *process) bool {
	m.mu.Lock()
	first := !p.started && !p.ended
	p.started = true
	m.mu.Unlock()
	if first {
		p.report.Started(p.pid)
	}
	return first
}

// exit reports the end of a process, once.
func (m *machine) exit(p *process, exit cluster.Exit) bool {
	m.begin(p)
	m.mu.Lock()
	first := !p.ended
	p.ended = true
	m.mu.Unlock()
	if first {
		p.report.Exited(exit)
	}
	return first
}

// stillRuns tells whether a process could do something by itself.
func (m *machine) stillRuns(p *process) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return p != nil && !p.ended && !p.signaled
}

// stimulus makes something happen around the sandbox because a line shows that it happened when the recording was made. It
// tells whether it did anything.
type stimulus func(r *replay, l *line) bool

// stimuli are tried in this order when a line's time has come and its event has not.
var stimuli = []stimulus{
	dockerStarts, dockerExits, processStarts, groupStarts, processExits, checkBrings, processFails, executorKilled, executorEnds, executorCalls, driverDeclines,
	operatorCalls, agentsEnd, agentLost, agentBack,
}

// processStarts: TASK_STARTING of a command task shows that its process was started.
func processStarts(r *replay, l *line) bool {
	status := l.at("update", "status")
	if dig(status, "source") != "SOURCE_EXECUTOR" {
		return false
	}
	id, _ := dig(status, "task_id", "value").(string)
	p := r.machine.process(id)
	return p != nil && !p.start.CustomExecutor && !p.start.Docker && r.machine.begin(p)
}

var (
	exitedWith = regexp.MustCompile(`^Command exited with status (\d+)$`)
	terminated = regexp.MustCompile(`^Command terminated with signal (.+)$`)
)

// processExits: the message of the last update of a command task tells how its process ended.
func processExits(r *replay, l *line) bool {
	id := l.text("update", "status", "task_id", "value")
	p := r.machine.process(id)
	if !r.machine.stillRuns(p) || p.start.CustomExecutor {
		return false
	}
	message := l.text("update", "status", "message")
	if m := exitedWith.FindStringSubmatch(message); m != nil {
		code, _ := strconv.Atoi(m[1])
		return r.machine.exit(p, cluster.Exit{Status: code << 8})
	}
	if m := terminated.FindStringSubmatch(message); m != nil {
		signals := map[string]syscall.Signal{
			"Killed": syscall.SIGKILL, "Terminated": syscall.SIGTERM, "Segmentation fault": syscall.SIGSEGV,
		}
		if signal, known := signals[m[1]]; known {
			return r.machine.exit(p, cluster.Exit{Status: int(signal)})
		}
	}
	return false
}
