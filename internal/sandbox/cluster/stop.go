package cluster

import (
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// kill handles a KILL call. One for a task that the master does not know is answered as a reconciliation; one that
// names another agent than the task's is ignored.
func (c *Cluster) kill(f *framework, kill *scheduler.Call_Kill) {
	t := f.tasks.of[kill.TaskID.Value]
	if t == nil {
		c.reconcileOne(f, kill.TaskID.Value, kill.AgentID)
		return
	}
	if kill.AgentID != nil && kill.AgentID.Value != t.agent.id {
		return
	}
	t.kill = kill
	if t.agent.linked() {
		c.deliverKill(t, kill)
	}
}

// deliverKill is a KILL that reaches the agent. One that does not is sent again when the agent is back.
func (c *Cluster) deliverKill(t *task, kill *scheduler.Call_Kill) {
	switch a, key := t.agent, taskKey(t.framework, t.id); {
	case a.tasks.of[key] != t: // its launch was lost
		if a.has(t.framework) { // an agent that does not even know the framework says nothing
			a.tasks.put(key, t)
			c.agentStatus(t, "", mesos.TASK_DROPPED, mesos.REASON_EXECUTOR_TERMINATED, "Cannot find executor")
		}
	case t.executor == nil || terminal(t.latest):
	case t.executor.kind == customExecutor || t.process == nil:
		c.killThrough(t.executor, t, kill.KillPolicy)
	case kill.KillPolicy.GetGracePeriod() != nil && t.process.takesKillPolicy():
		c.stop(t.process, time.Duration(kill.KillPolicy.GracePeriod.Nanoseconds))
	default: // the kill policy of the call is not for command executors (F36)
		c.stop(t.process, t.process.ownGrace(c))
	}
}

// stop asks a task to end, or kills it if it has not even started. In a group the others follow when it has ended.
func (c *Cluster) stop(p *process, grace time.Duration) {
	switch {
	case p.started:
		c.terminate(p, grace)
		return
	case p.said != nil && p.docker(): // its executor looks for the container first
		p.stopIn = &grace
		return
	}
	if !terminal(p.task.latest) {
		c.agentStatus(p.task, p.executor.id, mesos.TASK_KILLED, mesos.REASON_TASK_KILLED_DURING_LAUNCH,
			"Killed before delivery to the executor")
	}
	c.signal(p, Kill)
}

// ownGrace is how long a task may take to end after SIGTERM if nobody else says so.
func (p *process) ownGrace(c *Cluster) time.Duration {
	if policy := p.task.info.GetKillPolicy().GetGracePeriod(); policy != nil {
		return time.Duration(policy.Nanoseconds)
	}
	if p.docker() {
		return c.cfg.ShutdownGrace
	}
	return c.cfg.KillGrace
}

// takesKillPolicy tells whether its executor heeds the kill policy of a KILL. That of plain commands does not (F36).
func (p *process) takesKillPolicy() bool { return p.executor.kind == defaultExecutor || p.docker() }

// terminate asks a task to end and arms the SIGKILL. Its checks are over. A second time changes nothing, but that a Docker
// container can be given less grace.
func (c *Cluster) terminate(p *process, grace time.Duration) {
	if p.killing {
		if p.docker() {
			p.killAt = earlier(p.killAt, c.now.Add(grace))
			c.signal(p, Terminate)
		}
		return
	}
	p.killing, p.checks, p.completeBy = true, nil, time.Time{}
	if !p.overdue && p.executor.framework.has(mesos.FrameworkInfo_Capability_TASK_KILLING_STATE) {
		c.say(p, p.word(c, mesos.TASK_KILLING))
	}
	p.killAt = c.now.Add(grace)
	c.signal(p, Terminate)
}

// killThrough leaves the killing to an executor, unless it has not got the task yet.
func (c *Cluster) killThrough(e *executorRun, t *task, policy *mesos.KillPolicy) {
	if !slices.Contains(e.queued, t) {
		c.sendExecutor(e, &executor.Event{Type: executor.Event_KILL, Kill: &executor.Event_Kill{
			TaskID: mesos.TaskID{Value: t.id}, KillPolicy: policy,
		}})
		return
	}
	killed := func(q *task) bool { return q == t || t.group != nil && q.group == t.group }
	message := "Killed before delivery to the executor"
	if t.group != nil {
		message = "A task within the task group was killed before delivery to the executor"
	}
	for _, q := range e.queued {
		if killed(q) {
			c.agentStatus(q, e.id, mesos.TASK_KILLED, mesos.REASON_TASK_KILLED_DURING_LAUNCH, message)
		}
	}
	e.queued = slices.DeleteFunc(e.queued, killed)
	if len(e.live()) == 0 {
		e.stopping = true // it is told so if it ever subscribes
	}
}

// shutDownExecutor handles a SHUTDOWN call; one for an unknown executor is ignored.
func (c *Cluster) shutDownExecutor(f *framework, shutdown *scheduler.Call_Shutdown) {
	a := c.agentByID(shutdown.AgentID.Value)
	if a == nil || !a.linked() {
		return
	}
	if e := a.executorOf(f, shutdown.ExecutorID.Value); e != nil {
		c.shutDown(e)
	}
}

// shutDown ends an executor with everything that it runs, by asking first.
func (c *Cluster) shutDown(e *executorRun) {
	if e.stopping {
		return
	}
	e.stopping = true
	if e.kind == customExecutor && e.processes[0].started {
		c.sendExecutor(e, &executor.Event{Type: executor.Event_SHUTDOWN})
		c.killLater(e)
		return
	}
	if e.kind == defaultExecutor {
		c.shutDownDefault(e)
		return
	}
	for _, p := range slices.Clone(e.processes) {
		if p.started {
			c.terminate(p, p.ownGrace(c))
		} else {
			c.signal(p, Kill)
		}
	}
}

// shutDownDefault lets a default executor kill its tasks, with a grace of its own, and then end.
func (c *Cluster) shutDownDefault(e *executorRun) {
	nested := e.nested()
	for _, p := range nested {
		c.stop(p, min(c.cfg.KillGrace, c.shutdownGrace(e)))
	}
	if len(nested) == 0 {
		c.endDefaultExecutor(e)
	}
}

// killLater gives a custom executor that was told to end its grace.
func (c *Cluster) killLater(e *executorRun) {
	for _, p := range e.processes {
		p.killAt = c.now.Add(c.shutdownGrace(e))
	}
}

func (c *Cluster) shutdownGrace(e *executorRun) time.Duration {
	if grace := e.info.GetShutdownGracePeriod(); grace != nil {
		return time.Duration(grace.Nanoseconds)
	}
	return c.cfg.ShutdownGrace
}

// freeAll gives back what a removed framework uses on a member, while its executors are still ending.
func (c *Cluster) freeAll(a *agent, f *framework) {
	for _, t := range c.tasksOn(f, a) {
		if !terminal(t.known) {
			a.used = a.used.minus(t.resources.allocated(""))
		}
	}
	for _, key := range a.executors.keys {
		if e := a.executors.of[key]; e.framework == f {
			a.used = a.used.minus(e.resources.allocated(""))
		}
	}
}

// shutDownFramework is an agent that hears that a framework was removed: it ends its executors and forgets the rest.
func (c *Cluster) shutDownFramework(a *agent, f *framework) {
	for _, key := range slices.Clone(a.executors.keys) {
		e := a.executors.of[key]
		if e.framework != f {
			continue
		}
		e.resources = Resources{}
		c.shutDown(e)
		for _, t := range e.live() {
			t.latest = mesos.TASK_KILLED
		}
		e.orphan = true
	}
	a.tasks.dropIf(func(t *task) bool { return t.framework == f })
	a.updates.dropIf(func(u *updates) bool { return u.framework == f })
	a.operations = slices.DeleteFunc(a.operations, func(o *operation) bool { return o.framework == f })
}

// live lists the tasks of an executor that have not ended, in the order of their launch.
func (e *executorRun) live() []*task {
	var live []*task
	for _, key := range e.agent.tasks.keys {
		if t := e.agent.tasks.of[key]; t.executor == e && !terminal(t.latest) {
			live = append(live, t)
		}
	}
	return live
}
