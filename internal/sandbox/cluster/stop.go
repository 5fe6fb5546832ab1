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
	e := t.executor
	if e == nil || terminal(t.latest) {
		return
	}
	if e.command {
		c.killCommand(e)
		return
	}
	c.killThrough(e, t, kill.KillPolicy)
}

// killCommand asks a command task to end and arms the SIGKILL. The grace is that of the task's own kill policy: the
// one in the call is not for command executors.
func (c *Cluster) killCommand(e *executorRun) {
	if !e.started {
		c.agentStatus(e.task, e.id, mesos.TASK_KILLED, mesos.REASON_TASK_KILLED_DURING_LAUNCH,
			"Killed before delivery to the executor")
		c.emit(SignalProcess{Container: e.container, Signal: Kill})
		return
	}
	if e.killing {
		return
	}
	e.killing = true
	if e.framework.has(mesos.FrameworkInfo_Capability_TASK_KILLING_STATE) {
		c.commandStatus(e, mesos.TASK_KILLING, "")
	}
	c.terminate(e)
}

func (c *Cluster) terminate(e *executorRun) {
	grace := c.cfg.KillGrace
	if policy := e.task.info.GetKillPolicy().GetGracePeriod(); policy != nil {
		grace = time.Duration(policy.Nanoseconds)
	}
	e.killAt = c.now.Add(grace)
	c.emit(SignalProcess{Container: e.container, Signal: Terminate})
}

// killThrough leaves the killing to a custom executor, unless it has not got the task yet.
func (c *Cluster) killThrough(e *executorRun, t *task, policy *mesos.KillPolicy) {
	waiting := slices.Index(e.queued, t)
	if waiting < 0 {
		c.sendExecutor(e, &executor.Event{Type: executor.Event_KILL, Kill: &executor.Event_Kill{
			TaskID: mesos.TaskID{Value: t.id}, KillPolicy: policy,
		}})
		return
	}
	e.queued = slices.Delete(e.queued, waiting, waiting+1)
	c.agentStatus(t, e.id, mesos.TASK_KILLED, mesos.REASON_TASK_KILLED_DURING_LAUNCH,
		"Killed before delivery to the executor")
	if len(e.live()) == 0 {
		e.stopping = true // it is told so if it ever subscribes
	}
}

// shutDownExecutor handles a SHUTDOWN call; one for an unknown executor is ignored.
func (c *Cluster) shutDownExecutor(f *framework, shutdown *scheduler.Call_Shutdown) {
	a := c.agentByID(shutdown.AgentID.Value)
	if a == nil {
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
	switch {
	case !e.started:
		c.emit(SignalProcess{Container: e.container, Signal: Kill})
	case !e.command:
		c.sendExecutor(e, &executor.Event{Type: executor.Event_SHUTDOWN})
		e.killAt = c.now.Add(c.shutdownGrace(e))
	case e.lingerUntil.IsZero() && !e.killing:
		e.killing = true
		c.terminate(e)
	}
}

func (c *Cluster) shutdownGrace(e *executorRun) time.Duration {
	if grace := e.info.GetShutdownGracePeriod(); grace != nil {
		return time.Duration(grace.Nanoseconds)
	}
	return c.cfg.ShutdownGrace
}

// freeAll gives back what a removed framework's executor and its tasks use, while they are still ending.
func (c *Cluster) freeAll(e *executorRun) {
	for _, t := range e.live() {
		c.free(t)
		t.latest = mesos.TASK_KILLED
	}
	e.agent.used = e.agent.used.minus(e.resources.allocated(""))
	e.resources = Resources{}
}

// live lists the tasks of an executor that have not ended, in the order of their launch.
func (e *executorRun) live() []*task {
	var live []*task
	for _, id := range e.framework.tasks.keys {
		if t := e.framework.tasks.of[id]; t.executor == e && !terminal(t.latest) {
			live = append(live, t)
		}
	}
	return live
}
