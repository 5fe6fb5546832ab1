package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// process is what runs in one container: one task, or a custom executor. The caller runs it, or a Script plays it.
type process struct {
	container string
	executor  *executorRun
	task      *task // nil for that of a custom executor

	started bool
	pid     uint32
	killing bool // a task that was told to end
	overdue bool // a task that took longer than its max_completion_time
	play    *play
	checks  []*checking
	said    *mesos.TaskStatus // the last update of a task

	completeBy time.Time
	killAt     time.Time
	stopIn     *time.Duration // the grace of a KILL that has to wait until it has started

	// why the tasks will have failed if it ends without a word
	outcome mesos.TaskState
	reason  mesos.TaskStatus_Reason
	message string
}

// contain asks for a process in a container of an executor.
func (c *Cluster) contain(e *executorRun, t *task, container string, command *mesos.CommandInfo) *process {
	p := &process{container: container, executor: e, task: t}
	p.outcome, p.reason, p.message = mesos.TASK_FAILED, mesos.REASON_EXECUTOR_TERMINATED, "Executor terminated"
	e.processes = append(e.processes, p)
	c.processes[container] = p
	if p.play = c.doom(p, command); p.play != nil {
		return p
	}
	if script := c.scriptOf(p); script != nil {
		p.play = &play{script: *script, startAt: c.now.Add(script.StartDelay)}
		return p
	}
	image, _ := imageOf(p.containerInfo())
	start := StartProcess{
		Container: container, Parent: p.parent(), Agent: e.agent.id, Framework: e.framework.id, Executor: e.id,
		Command: command, User: cmp.Or(command.GetUser(), e.framework.info.User),
		CustomExecutor: e.kind == customExecutor, DefaultExecutor: e.kind == defaultExecutor && t == nil,
		Checkpoint: e.framework.info.GetCheckpoint(), Volumes: p.volumes(),
		ShutdownGrace: c.shutdownGrace(e), ReregistrationLimit: c.cfg.ReregistrationLimit,
		Image: image, ContainerInfo: p.containerInfo(), Docker: t != nil && p.docker(),
	}
	if t != nil {
		start.Task = t.id
	}
	c.emit(start)
	return p
}

// parent is the container that a process's own is within, "" if it is in none.
func (p *process) parent() string {
	if p.executor.kind == defaultExecutor && p.task != nil {
		return p.executor.container
	}
	return ""
}

// signal passes a signal to a process, whoever runs it.
func (c *Cluster) signal(p *process, signal Signal) {
	if p.play != nil {
		p.play.signal(c.now, signal)
		return
	}
	c.emit(SignalProcess{Container: p.container, Signal: signal})
}

// ProcessStarted says that the process of a container runs. pid is that of its supervisor, told to schedulers as the
// executor's.
func (c *Cluster) ProcessStarted(now time.Time, container string, pid int) []Effect {
	c.begin(now, Entry{Name: "ProcessStarted", Container: container, About: about(c, pid)})
	if p := c.processes[container]; p != nil {
		c.run(p, pid)
	}
	return c.end()
}

func (c *Cluster) run(p *process, pid int) {
	p.started, p.pid = true, uint32(pid)
	if e := p.executor; e.kind == defaultExecutor && p.task == nil {
		queued := e.queued
		e.queued = nil
		c.startGroups(e, queued)
	}
	if p.task == nil || terminal(p.task.latest) {
		return
	}
	c.starting(p)
	word := p.word(c, mesos.TASK_RUNNING)
	if p.docker() {
		word.Data = p.inspection(c.now)
	}
	c.say(p, word)
	if c.beginChecks(p); p.stopIn != nil {
		c.terminate(p, *p.stopIn)
	}
}

// starting is what the executor of a task says first, once.
func (c *Cluster) starting(p *process) {
	if p.said == nil {
		c.say(p, p.word(c, mesos.TASK_STARTING))
	}
	if limit := p.task.info.GetMaxCompletionTime(); limit != nil && p.completeBy.IsZero() {
		p.completeBy = c.now.Add(time.Duration(limit.Nanoseconds))
	}
}

// ProcessFailed says that the process of a container could not be started, for example because a URI could not be
// fetched. problem becomes part of the message of the task's TASK_FAILED.
func (c *Cluster) ProcessFailed(now time.Time, container, problem string) []Effect {
	c.begin(now, Entry{Name: "ProcessFailed", Container: container, Problem: problem})
	if p := c.processes[container]; p != nil {
		c.failedToStart(p, problem)
	}
	return c.end()
}

func (c *Cluster) failedToStart(p *process, problem string) {
	p.reason, p.message = mesos.REASON_CONTAINER_LAUNCH_FAILED, "Failed to launch container: "+problem
	c.ended(p, Exit{Status: -1, Lost: true})
}

// ContainerRefused says that an agent could not even make room for a container, for example because the user is unknown.
// Tasks end as TASK_DROPPED with that message: nothing of them ever ran.
func (c *Cluster) ContainerRefused(now time.Time, container, message string) []Effect {
	c.begin(now, Entry{Name: "ContainerRefused", Container: container, Problem: message})
	if p := c.processes[container]; p != nil {
		p.outcome, p.message = mesos.TASK_DROPPED, message
		c.ended(p, Exit{Status: -1, Lost: true})
		if p.executor.kind == commandExecutor && p.executor.died == nil {
			c.dropExecutor(p.executor) // there is nothing to linger
		}
	}
	return c.end()
}

// An Exit is how a process ended.
type Exit struct {
	Status int  // as of wait(2): the exit code times 256, or the number of the signal
	Lost   bool // nobody knows: the supervisor ended without saying how the process did
}

// ProcessExited says that all processes of a container are gone.
func (c *Cluster) ProcessExited(now time.Time, container string, exit Exit) []Effect {
	c.begin(now, Entry{Name: "ProcessExited", Container: container, About: about(c, exit)})
	if p := c.processes[container]; p != nil {
		c.ended(p, exit)
	}
	return c.end()
}

// TaskExited says that the process of a task has ended, whoever runs it: it is how a task with a Script comes to an end
// that its Script does not know of. It is void if there is no such process.
func (c *Cluster) TaskExited(now time.Time, frameworkID, taskID string, exit Exit) []Effect {
	c.begin(now, Entry{Name: "TaskExited", Framework: frameworkID, Task: taskID, About: about(c, exit)})
	for _, a := range c.hosts {
		if t := a.tasks.of[frameworkID+"/"+taskID]; t != nil && t.process != nil {
			c.ended(t.process, exit)
		}
	}
	return c.end()
}

func (c *Cluster) ended(p *process, exit Exit) {
	e := p.executor
	if e.orphan || !e.agent.up && (p.task == nil || e.kind == commandExecutor) {
		c.endedUnheard(p, exit)
		return
	}
	c.forget(p)
	switch {
	case e.kind == customExecutor:
		c.executorEnded(e, p, exit)
		return
	case p.task == nil:
		c.defaultExecutorExited(e, p, exit)
		return
	case terminal(p.task.latest):
	case exit.Lost && e.kind == defaultExecutor: // who is there, and can tell
		word := p.word(c, mesos.TASK_FAILED)
		word.Reason, word.Message = &p.reason, &p.message
		c.say(p, word)
	case exit.Lost:
		c.agentStatus(p.task, e.id, p.outcome, p.reason, p.message)
	default:
		word, text := p.word(c, p.outcomeOf(exit)), exitText(exit.Status)
		if p.docker() {
			text = dockerText(exit.Status)
		}
		word.Message = &text
		c.say(p, word)
	}
	if e.kind == defaultExecutor {
		c.endedInGroup(p, p.task.latest)
		return
	}
	e.lingerUntil = c.now.Add(commandLinger)
}

// forget takes a process out of all books but those of its task's updates.
// endedUnheard is an end that nobody waits for, or of which the agent will hear when it is back.
func (c *Cluster) endedUnheard(p *process, exit Exit) {
	e := p.executor
	if !e.orphan {
		if e.died == nil {
			e.died, e.diedAt = &exit, c.now
		}
		p.silence()
		for _, nested := range e.nested() { // in the container that has ended
			c.signal(nested, Kill)
			nested.silence()
		}
		return
	}
	c.forget(p)
	if e.kind == defaultExecutor && len(e.nested()) == 0 {
		for _, own := range slices.Clone(e.processes) {
			c.signal(own, Kill)
			c.forget(own)
		}
	}
	if len(e.processes) == 0 {
		c.dropExecutor(e)
		c.rounds.request(c.now)
	}
}

// silence is the end of all that a process would do.
func (p *process) silence() {
	p.killAt, p.completeBy, p.play, p.checks = time.Time{}, time.Time{}, nil, nil
}

func (c *Cluster) forget(p *process) {
	delete(c.processes, p.container)
	p.executor.processes = slices.DeleteFunc(p.executor.processes, func(other *process) bool { return other == p })
	if p.task != nil {
		p.task.process = nil
	}
}

// outcomeOf is the terminal state of a task. One that was told to end was killed, whatever it made of it.
func (p *process) outcomeOf(exit Exit) mesos.TaskState {
	switch {
	case p.overdue:
		return mesos.TASK_FAILED
	case p.killing:
		return mesos.TASK_KILLED
	case exit.Status == 0:
		return mesos.TASK_FINISHED
	}
	return mesos.TASK_FAILED
}

func exitText(status int) string {
	if signal := status & 0x7f; signal != 0 {
		return "Command terminated with signal " + signalName(signal)
	}
	return fmt.Sprintf("Command exited with status %d", status>>8)
}

// signalName is strsignal(3) for those that end a process.
func signalName(n int) string {
	names := map[int]string{
		1: "Hangup", 2: "Interrupt", 3: "Quit", 4: "Illegal instruction", 5: "Trace/breakpoint trap", 6: "Aborted",
		7: "Bus error", 8: "Floating point exception", 9: "Killed", 10: "User defined signal 1",
		11: "Segmentation fault", 12: "User defined signal 2", 13: "Broken pipe", 14: "Alarm clock", 15: "Terminated",
	}
	if name, known := names[n]; known {
		return name
	}
	return fmt.Sprintf("Unknown signal %d", n)
}

// expireProcess does what is due for one process.
func (c *Cluster) expireProcess(p *process) {
	if c.perform(p); c.processes[p.container] != p {
		return // it has ended
	}
	if due(p.completeBy, c.now) {
		p.completeBy = time.Time{}
		p.overdue = true
		c.terminate(p, 0)
	}
	if due(p.killAt, c.now) {
		p.killAt = time.Time{}
		c.signal(p, Kill)
	}
	c.runChecks(p)
}

func (p *process) nextWake() time.Time {
	next := earlier(p.completeBy, p.killAt)
	if p.play != nil {
		next = earlier(next, earlier(p.play.startAt, p.play.endAt))
	}
	for _, k := range p.checks {
		next = earlier(next, k.dueAt)
	}
	return next
}
