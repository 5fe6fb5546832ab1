package cluster

import (
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// reconcile answers once for each entry of an explicit request, or once for each task that the master holds. There is
// no mark at the end, and nothing at all if there are no tasks.
func (c *Cluster) reconcile(f *framework, request *scheduler.Call_Reconcile) {
	if len(request.Tasks) == 0 {
		for _, id := range f.tasks.keys {
			c.sendLatest(f.tasks.of[id])
		}
		return
	}
	for _, entry := range request.Tasks {
		c.reconcileOne(f, entry.TaskID.Value, entry.AgentID)
	}
}

// reconcileOne tells what the master knows of one task. The agent id matters only for tasks that it does not know.
func (c *Cluster) reconcileOne(f *framework, id string, agentID *mesos.AgentID) {
	if t := f.tasks.of[id]; t != nil {
		c.sendLatest(t)
		return
	}
	if c.uncertain(agentID) {
		return
	}
	state, message := mesos.TASK_UNKNOWN, "Reconciliation: Task is unknown"
	since, unreachable := c.registry.unreachable[agentID.GetValue()]
	_, gone := c.registry.gone[agentID.GetValue()]
	switch {
	case c.agentByID(agentID.GetValue()) != nil:
		state, message = mesos.TASK_GONE, "Reconciliation: Task is unknown to the agent"
	case unreachable:
		state, message = mesos.TASK_UNREACHABLE, "Reconciliation: Task is unreachable"
	case gone:
		state, message = mesos.TASK_GONE_BY_OPERATOR, "Reconciliation: Task is gone"
	}
	if !f.partitionAware() {
		state = mesos.TASK_LOST
	}
	status := c.reconciled(id, state, message)
	status.AgentID = agentID
	if unreachable {
		status.UnreachableTime = &mesos.TimeInfo{Nanoseconds: since.UnixNano()}
	}
	c.sendStatus(f, status)
}

// uncertain tells whether a task may be on an agent that is known from the registry alone. Then there is no answer at
// all; without an agent id any such agent will do (F63).
func (c *Cluster) uncertain(agentID *mesos.AgentID) bool {
	if agentID == nil {
		return len(c.recovered) > 0
	}
	return c.recovered[agentID.Value]
}

func (c *Cluster) sendLatest(t *task) {
	status := c.reconciled(t.id, t.state, "Reconciliation: Latest task state")
	status.AgentID = &mesos.AgentID{Value: t.agent.id}
	t.describe(&status)
	c.sendStatus(t.framework, status)
}

// describe adds to a status of the master's own what it knows of the task.
func (t *task) describe(status *mesos.TaskStatus) {
	if t.info.Executor != nil {
		status.ExecutorID = &mesos.ExecutorID{Value: t.info.Executor.ExecutorID.Value}
	}
	if t.status != nil {
		status.ContainerStatus, status.Healthy = t.status.ContainerStatus, t.status.Healthy
		status.CheckStatus = t.status.CheckStatus
	}
}

func (c *Cluster) reconciled(id string, state mesos.TaskState, message string) mesos.TaskStatus {
	status := c.status(id, state, mesos.SOURCE_MASTER)
	reason := mesos.REASON_RECONCILIATION
	status.Reason, status.Message = &reason, &message
	return status
}
