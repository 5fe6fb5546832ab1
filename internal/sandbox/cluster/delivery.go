package cluster

import (
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// Delivery is a message of the master to an agent that can get lost: a launch, or an operation on its resources. Neither
// is repeated; both sides find out when the agent registers again.
type Delivery struct {
	Agent     string
	Framework string
	Tasks     []string // of a launch
	Operation string   // type of an operation, such as RESERVE; "" for a launch
}

// reaches tells whether a message gets to its agent.
func (c *Cluster) reaches(a *agent, d Delivery) bool {
	d.Agent = a.id
	if a.linked() && (c.cfg.Lose == nil || !c.cfg.Lose(d)) {
		return true
	}
	c.undelivered(d)
	return false
}

// knows tells whether an agent has the reservations and volumes that resources are of. It has not if the operation that
// made them was lost.
func (a *agent) knows(resources Resources) bool {
	return a.owned.contains(resources.allocated("").where(checkpointed))
}

// untakeable says why an agent drops what it is to launch, "" if it does not: the master knows other resources than it, or another
// executor. info is nil for command tasks.
func (c *Cluster) untakeable(f *framework, info *mesos.ExecutorInfo, tasks ...*task) (mesos.TaskStatus_Reason, string) {
	a := tasks[0].agent
	for _, t := range tasks {
		if !a.knows(t.resources) {
			return mesos.REASON_RESOURCES_UNKNOWN,
				"The checkpointed resources being used by the task or task group are unknown to the agent"
		}
	}
	if info == nil {
		return 0, ""
	}
	id := info.ExecutorID.Value
	live := a.executorOf(f, id) != nil
	switch {
	case !live && !a.knows(parseResources(info.Resources)):
		return mesos.REASON_RESOURCES_UNKNOWN, "The checkpointed resources being used by the executor are unknown to the agent"
	case !live && a.owes(f, id, tasks):
		return mesos.REASON_EXECUTOR_TERMINATED, "Master wants to launch executor, but one already exists"
	case !live && a.expected[executorKey(f.id, id)]:
		return mesos.REASON_EXECUTOR_TERMINATED, "No executor is expected to launch and there is none running"
	}
	return 0, ""
}

// owes tells whether an executor that has ended is still on the agent's books, because its scheduler has not acknowledged the ends of all its tasks.
func (a *agent) owes(f *framework, executor string, but []*task) bool {
	return slices.ContainsFunc(a.tasks.keys, func(key string) bool {
		t := a.tasks.of[key]
		return t.framework == f && t.executor != nil && t.executor.id == executor && !slices.Contains(but, t)
	})
}

// drop is an agent that does not launch tasks. If the master thinks that their executor runs from now on, it is told that it does not.
func (c *Cluster) drop(f *framework, info *mesos.ExecutorInfo, reason mesos.TaskStatus_Reason, message string, tasks ...*task) {
	a := tasks[0].agent
	for _, t := range tasks {
		id := t.id
		if info != nil {
			id = info.ExecutorID.Value
		}
		c.agentStatus(t, id, mesos.TASK_DROPPED, reason, message)
	}
	if info == nil || a.executorOf(f, info.ExecutorID.Value) != nil || a.expected[executorKey(f.id, info.ExecutorID.Value)] {
		return
	}
	status := int32(-1)
	c.send(f, &scheduler.Event{Type: scheduler.Event_FAILURE, Failure: &scheduler.Event_Failure{
		AgentID: &mesos.AgentID{Value: a.id}, ExecutorID: &info.ExecutorID, Status: &status,
	}})
}
