package cluster

import (
	"cmp"
	"fmt"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// commandLinger is how long the executor of a command task stays after the task has ended; for that time the agent
// takes no task with the same id. Recorded: refused after 0.6 s, taken after 3.6 s.
const commandLinger = time.Second

// AgentConfig describes an agent at registration.
type AgentConfig struct {
	ID         string // that it had before, and kept; "" for a new one. Must not be that of another agent
	Hostname   string
	IP         string // of the agent; tasks are told to be reachable there
	Port       int
	Resources  []mesos.Resource // what it has, reservations, disks and volumes included; see CheckResources
	Attributes []mesos.Attribute
}

// agent is one machine of the cluster, as the master sees it and as it sees itself.
type agent struct {
	id         string
	hostname   string
	ip         string
	port       int
	attributes []mesos.Attribute
	registered time.Time
	total      Resources
	used       Resources
	offered    Resources
	executors  ordered[*executorRun] // by executorKey
}

// executorRun is a container on an agent: an executor of a framework, or the one that Mesos makes for a command task.
type executorRun struct {
	id        string
	container string
	framework *framework
	agent     *agent
	command   bool // for a command task, whose id it has
	info      mesos.ExecutorInfo
	resources Resources
	task      *task   // of a command executor
	queued    []*task // waiting for the executor to subscribe

	started  bool
	pid      uint32
	stream   string // "" unless subscribed
	stopping bool   // told to end, or to be told when it subscribes
	killing  bool   // a command task that was told to end
	overdue  bool   // a command task that took longer than its max_completion_time

	registerBy  time.Time
	completeBy  time.Time
	killAt      time.Time
	lingerUntil time.Time

	// why the tasks of this executor will have failed when it ends
	outcome mesos.TaskState
	reason  mesos.TaskStatus_Reason
	message string
}

// AddAgent registers an agent and offers its resources at once.
func (c *Cluster) AddAgent(now time.Time, cfg AgentConfig) (id string, effects []Effect) {
	c.begin(now)
	a := &agent{
		id:       cmp.Or(cfg.ID, fmt.Sprintf("%s-S%d", c.cfg.MasterID, len(c.agents))),
		hostname: cfg.Hostname, ip: cfg.IP, port: cfg.Port,
		attributes: cfg.Attributes,
		registered: c.now,
		total:      parseResources(cfg.Resources),
	}
	c.agents = append(c.agents, a)
	c.allocate([]*agent{a})
	return a.id, c.end()
}

func (a *agent) free() Resources { return a.total.minus(a.used).minus(a.offered) }

// pid is how processes of Mesos address an agent.
func (a *agent) pid() string { return fmt.Sprintf("slave(1)@%s:%d", a.ip, a.port) }

// text is how a master names an agent in its messages.
func (a *agent) text() string {
	return fmt.Sprintf("%s at %s (%s)", a.id, a.pid(), a.hostname)
}

func (a *agent) url() *mesos.URL {
	hostname, ip, path := a.hostname, a.ip, "/slave(1)"
	return &mesos.URL{
		Scheme:  "http",
		Address: mesos.Address{Hostname: &hostname, IP: &ip, Port: int32(a.port)},
		Path:    &path,
	}
}

func (a *agent) info() mesos.AgentInfo {
	port := int32(a.port)
	return mesos.AgentInfo{
		ID: &mesos.AgentID{Value: a.id}, Hostname: a.hostname, Port: &port,
		Resources: a.total.wire(resourceForm{refined: true}), Attributes: a.attributes,
	}
}

func executorKey(framework, executor string) string { return framework + "/" + executor }

func (a *agent) executorOf(f *framework, id string) *executorRun {
	return a.executors.of[executorKey(f.id, id)]
}

// deliver brings a launched task to its agent. It gives what a new executor takes from the offers.
func (c *Cluster) deliver(t *task) Resources {
	if t.info.Executor == nil {
		c.deliverCommand(t)
		return Resources{}
	}
	if e := t.agent.executorOf(t.framework, t.info.Executor.ExecutorID.Value); e != nil {
		if e.stopping {
			c.agentStatus(t, e.id, mesos.TASK_DROPPED, mesos.REASON_EXECUTOR_TERMINATED, "Executor terminating")
			return Resources{}
		}
		t.executor = e
		c.remount(t)
		c.deliverTo(e, t)
		return Resources{}
	}
	e := &executorRun{id: t.info.Executor.ExecutorID.Value, framework: t.framework, agent: t.agent,
		info: *t.info.Executor, resources: parseResources(t.info.Executor.Resources)}
	t.agent.used = t.agent.used.plus(e.resources.allocated(""))
	e.registerBy = c.now.Add(c.cfg.RegistrationLimit)
	t.executor = e
	c.contain(e, t.info.Executor.Command)
	c.deliverTo(e, t)
	return e.resources
}

func (c *Cluster) deliverCommand(t *task) {
	if t.agent.executorOf(t.framework, t.id) != nil {
		c.agentStatus(t, t.id, mesos.TASK_DROPPED, mesos.REASON_TASK_INVALID,
			"Cannot reuse an already existing executor for a command task")
		return
	}
	if t.info.GetContainer().GetDocker() != nil {
		c.agentStatus(t, t.id, mesos.TASK_FAILED, mesos.REASON_CONTAINER_LAUNCH_FAILED,
			"Failed to launch container: this sandbox runs plain commands, no Docker containers")
		return
	}
	e := &executorRun{id: t.id, framework: t.framework, agent: t.agent, command: true, task: t}
	t.executor = e
	c.contain(e, t.info.Command)
}

// contain asks for the process of a new executor.
func (c *Cluster) contain(e *executorRun, command *mesos.CommandInfo) {
	e.container = c.newID()
	e.outcome, e.reason, e.message = mesos.TASK_FAILED, mesos.REASON_EXECUTOR_TERMINATED, "Executor terminated"
	e.agent.executors.put(executorKey(e.framework.id, e.id), e)
	c.containers[e.container] = e
	c.emit(StartProcess{
		Container: e.container, Agent: e.agent.id, Framework: e.framework.id, Executor: e.id,
		Command: command, User: cmp.Or(command.GetUser(), e.framework.info.User),
		CustomExecutor: !e.command, Checkpoint: e.framework.info.GetCheckpoint(), Volumes: e.volumes(),
	})
}

// ProcessStarted says that the process of a container runs. pid is that of its supervisor, told to schedulers as the
// executor's.
func (c *Cluster) ProcessStarted(now time.Time, container string, pid int) []Effect {
	c.begin(now)
	e := c.containers[container]
	if e == nil {
		return c.end()
	}
	e.started, e.pid = true, uint32(pid)
	if e.command && !terminal(e.task.latest) {
		if limit := e.task.info.GetMaxCompletionTime(); limit != nil {
			e.completeBy = c.now.Add(time.Duration(limit.Nanoseconds))
		}
		for _, state := range []mesos.TaskState{mesos.TASK_STARTING, mesos.TASK_RUNNING} {
			c.commandStatus(e, state, "")
		}
	}
	return c.end()
}

// ProcessFailed says that the process of a container could not be started, for example because a URI could not be
// fetched. problem becomes part of the message of the task's TASK_FAILED.
func (c *Cluster) ProcessFailed(now time.Time, container, problem string) []Effect {
	c.begin(now)
	if e := c.containers[container]; e != nil {
		e.reason, e.message = mesos.REASON_CONTAINER_LAUNCH_FAILED, "Failed to launch container: "+problem
		c.ended(e, Exit{Status: -1, Lost: true})
	}
	return c.end()
}

// ContainerRefused says that an agent could not even make room for a container, for example because the user is unknown.
// Tasks end as TASK_DROPPED with that message: nothing of them ever ran.
func (c *Cluster) ContainerRefused(now time.Time, container, message string) []Effect {
	c.begin(now)
	if e := c.containers[container]; e != nil {
		e.outcome, e.message = mesos.TASK_DROPPED, message
		c.ended(e, Exit{Status: -1, Lost: true})
		c.dropExecutor(e) // also that of a command task: there is nothing to linger
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
	c.begin(now)
	if e := c.containers[container]; e != nil {
		c.ended(e, exit)
	}
	return c.end()
}

func (c *Cluster) ended(e *executorRun, exit Exit) {
	if !e.command {
		c.executorEnded(e, exit)
		return
	}
	switch {
	case terminal(e.task.latest):
	case exit.Lost:
		c.agentStatus(e.task, e.id, e.outcome, e.reason, e.message)
	default:
		c.commandStatus(e, commandOutcome(e, exit), exitText(exit.Status))
	}
	e.killAt, e.completeBy = time.Time{}, time.Time{}
	e.lingerUntil = c.now.Add(commandLinger)
}

// commandOutcome is the terminal state of a command task. One that was told to end was killed, whatever it made of
// it.
func commandOutcome(e *executorRun, exit Exit) mesos.TaskState {
	switch {
	case e.overdue:
		return mesos.TASK_FAILED
	case e.killing:
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

// expire does what is due for one container.
func (c *Cluster) expire(e *executorRun) {
	if due(e.lingerUntil, c.now) {
		c.dropExecutor(e)
		return
	}
	if due(e.registerBy, c.now) {
		e.registerBy = time.Time{}
		e.stopping = true
		e.reason = mesos.REASON_EXECUTOR_REGISTRATION_TIMEOUT
		e.message = "Executor did not register within " + durationText(c.cfg.RegistrationLimit)
		c.emit(SignalProcess{Container: e.container, Signal: Kill})
	}
	if due(e.completeBy, c.now) {
		e.completeBy = time.Time{}
		if !e.killing {
			e.killing, e.overdue = true, true
			c.terminate(e)
		}
	}
	if due(e.killAt, c.now) {
		e.killAt = time.Time{}
		c.emit(SignalProcess{Container: e.container, Signal: Kill})
	}
}

func (c *Cluster) dropExecutor(e *executorRun) {
	e.agent.executors.drop(executorKey(e.framework.id, e.id))
	delete(c.containers, e.container)
}

// durationText prints a duration as Mesos does, with the largest unit that leaves no fraction: 4secs, 15mins.
func durationText(d time.Duration) string {
	units := []struct {
		size time.Duration
		name string
	}{
		{7 * 24 * time.Hour, "weeks"}, {24 * time.Hour, "days"}, {time.Hour, "hrs"}, {time.Minute, "mins"},
		{time.Second, "secs"}, {time.Millisecond, "ms"}, {time.Microsecond, "us"},
	}
	for _, unit := range units {
		if d >= unit.size && d%unit.size == 0 {
			return fmt.Sprintf("%d%s", d/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%dns", d)
}
