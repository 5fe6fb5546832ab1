package cluster

import mesos "github.com/mesos/mesos-go/api/v1/lib"

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

// dropUnknown refuses a task whose resources the agent does not know.
func (c *Cluster) dropUnknown(t *task) {
	c.agentStatus(t, "", mesos.TASK_DROPPED, mesos.REASON_RESOURCES_UNKNOWN,
		"The checkpointed resources being used by the task are unknown to the agent")
}
