package cluster

import (
	"fmt"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
)

// commandLinger is how long the executor of a command task stays after the task has ended; for that time the agent
// takes no task with the same id (F40). Recorded: refused after 0.6 s, taken after 3.6 s. It sleeps for 1 s, and then has to
// be seen to be gone.
const commandLinger = 1200 * time.Millisecond

// executorKind tells who made an executor.
type executorKind int

const (
	commandExecutor executorKind = iota // by Mesos, for one task whose id it has
	customExecutor                      // by the framework
	defaultExecutor                     // by Mesos, for the task groups of a framework
)

// executorRun is an executor on an agent.
type executorRun struct {
	id        string
	kind      executorKind
	container string
	framework *framework
	agent     *agent
	info      mesos.ExecutorInfo
	resources Resources
	processes []*process // that have not ended
	queued    []*task    // waiting for the executor to subscribe; those of a group follow each other

	stream   string // "" unless its connection is there
	stopping bool   // told to end, or to be told when it subscribes
	done     bool   // a default executor that ends since it has nothing more to do

	subscribed bool // at its agent, since that has started

	returning bool  // its agent was started again
	orphan    bool  // nobody is to hear of its end
	died      *Exit // it has ended while its agent was down
	diedAt    time.Time
	noticeAt  time.Time // when its agent, back again, finds that out

	// unhealthy says that the health check of a task has failed too often. A default executor, which may have several
	// tasks, then calls all of them unhealthy when they end (Mesos: MESOS-8543).
	unhealthy bool

	registerBy  time.Time
	lingerUntil time.Time
	heartbeatAt time.Time // of one that is subscribed
}

// executorHeartbeat is how often an agent sends an executor a HEARTBEAT, first when it has been subscribed for that long. No flag of Mesos changes it.
const executorHeartbeat = 30 * time.Minute

func executorKey(framework, executor string) string { return framework + "/" + executor }

func (a *agent) executorOf(f *framework, id string) *executorRun {
	return a.executors.of[executorKey(f.id, id)]
}

// deliver brings a launched task to its agent. It gives what a new executor takes from the offers.
func (c *Cluster) deliver(t *task) Resources {
	if !c.reaches(t.agent, Delivery{Framework: t.framework.id, Tasks: []string{t.id}}) {
		return c.deliverNothing(t.agent, t.framework, t.info.Executor)
	}
	t.agent.tasks.put(taskKey(t.framework, t.id), t)
	if reason, message := c.untakeable(t.framework, t.info.Executor, t); message != "" {
		c.drop(t.framework, t.info.Executor, reason, message, t)
		return Resources{}
	}
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
	e := c.newExecutor(customExecutor, t.framework, t.agent, t.info.Executor.ExecutorID.Value)
	t.executor = e
	e.info, e.resources = *t.info.Executor, parseResources(t.info.Executor.Resources)
	t.agent.used = t.agent.used.plus(e.resources.allocated(""))
	e.registerBy = c.now.Add(c.cfg.RegistrationLimit)
	c.contain(e, nil, e.container, t.info.Executor.Command)
	c.deliverTo(e, t)
	return e.resources
}

// deliverNothing is a launch that is lost on its way. The master counts what it would use until it hears from the agent.
func (c *Cluster) deliverNothing(a *agent, f *framework, info *mesos.ExecutorInfo) Resources {
	if info == nil || a.executorOf(f, info.ExecutorID.Value) != nil {
		return Resources{}
	}
	if a.expected == nil {
		a.expected = map[string]bool{}
	}
	key := executorKey(f.id, info.ExecutorID.Value)
	if a.expected[key] {
		return Resources{} // it is counted already
	}
	a.expected[key] = true
	lost := parseResources(info.Resources)
	a.used = a.used.plus(lost.allocated(""))
	return lost
}

func (c *Cluster) deliverCommand(t *task) {
	if t.agent.executorOf(t.framework, t.id) != nil {
		c.agentStatus(t, t.id, mesos.TASK_DROPPED, mesos.REASON_TASK_INVALID,
			"Cannot reuse an already existing executor for a command task")
		return
	}
	if reason, message := c.unfitContainer(t.info.Container); message != "" {
		c.agentStatus(t, t.id, mesos.TASK_FAILED, reason, message)
		return
	}
	e := c.newExecutor(commandExecutor, t.framework, t.agent, t.id)
	t.executor = e
	t.process = c.contain(e, t, e.container, t.info.Command)
}

func (c *Cluster) newExecutor(kind executorKind, f *framework, a *agent, id string) *executorRun {
	e := &executorRun{id: id, kind: kind, framework: f, agent: a, container: c.newID()}
	a.executors.put(executorKey(f.id, id), e)
	return e
}

// expire does what is due for one executor and its processes.
func (c *Cluster) expire(e *executorRun) {
	if due(e.lingerUntil, c.now) {
		c.dropExecutor(e)
		return
	}
	if due(e.noticeAt, c.now) {
		e.noticeAt = time.Time{}
		c.died(e)
		return
	}
	if due(e.heartbeatAt, c.now) {
		e.heartbeatAt = c.now.Add(executorHeartbeat)
		c.sendExecutor(e, &executor.Event{Type: executor.Event_HEARTBEAT})
	}
	if due(e.registerBy, c.now) {
		e.registerBy = time.Time{}
		e.stopping = true
		for _, p := range e.processes {
			p.reason = mesos.REASON_EXECUTOR_REGISTRATION_TIMEOUT
			p.message = "Executor did not register within " + DurationText(c.cfg.RegistrationLimit)
			if e.returning {
				p.outcome, p.reason = mesos.TASK_GONE, mesos.REASON_EXECUTOR_REREGISTRATION_TIMEOUT
				p.message = "Executor did not reregister within " + DurationText(c.cfg.ReregistrationLimit)
			}
			c.signal(p, Kill)
		}
	}
	for _, p := range slices.Clone(e.processes) {
		c.expireProcess(p)
	}
}

// nextExpiry is when expire has something to do for one of the executors of an agent.
func (a *agent) nextExpiry() time.Time {
	var next time.Time
	for _, e := range a.executors.values {
		next = earlier(next, e.nextWake())
	}
	return next
}

func (e *executorRun) nextWake() time.Time {
	next := earlier(earlier(e.registerBy, e.lingerUntil), e.noticeAt)
	if e.stream != "" {
		next = earlier(next, e.heartbeatAt)
	}
	for _, p := range e.processes {
		next = earlier(next, p.nextWake())
	}
	return next
}

func (c *Cluster) dropExecutor(e *executorRun) {
	e.agent.executors.drop(executorKey(e.framework.id, e.id))
	e.agent.ended = append(e.agent.ended, e)
	if surplus := len(e.agent.ended) - completedExecutors; surplus > 0 {
		e.agent.ended = e.agent.ended[surplus:]
	}
	for _, p := range e.processes {
		delete(c.processes, p.container)
	}
}

// DurationText prints a duration as Mesos does, with the largest unit that leaves no fraction: 4secs, 15mins.
func DurationText(d time.Duration) string {
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
