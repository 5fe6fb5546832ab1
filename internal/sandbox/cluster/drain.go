package cluster

import (
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// Drain is how an operator wants an agent emptied.
type Drain struct {
	MaxGrace *time.Duration // no task gets more time to end than this; nil leaves it to the tasks
	MarkGone bool           // when it is empty it is gone for ever
}

// drain is one under way, or over: then the agent is drained and waits for REACTIVATE_AGENT.
type drain struct {
	Drain
	began   time.Time
	drained bool
}

// DrainAgent deactivates an agent and has its tasks killed (F59). The status is 400 if the master does not know it.
func (c *Cluster) DrainAgent(now time.Time, id string, how Drain) (Answer, []Effect) {
	c.begin(now, Entry{Name: "DrainAgent", Agent: id, About: about(c, how)})
	answer := c.drainAgent(id, how)
	return c.answered(answer)
}

func (c *Cluster) drainAgent(id string, how Drain) Answer {
	if !c.knowsAgent(id) {
		return refused("Unknown agent")
	}
	if a := c.agentByID(id); a != nil {
		if m := c.machineOf(a); m != nil {
			return refused("Agent " + id + " is part of a maintenance schedule under Machine " + m.id.GetHostname() + " (" + m.id.GetIP() + ")")
		}
	}
	c.registry.draining[id] = &drain{Drain: how, began: c.now}
	c.deactivate(id)
	if a := c.agentByID(id); a != nil {
		c.tellDrain(a)
		c.checkDrained(a)
	}
	return Answer{Status: statusOK}
}

// DeactivateAgent stops the offers of an agent, also after it registers again; nothing else changes.
func (c *Cluster) DeactivateAgent(now time.Time, id string) (Answer, []Effect) {
	c.begin(now, Entry{Name: "DeactivateAgent", Agent: id})
	answer := c.deactivateAgent(id)
	return c.answered(answer)
}

func (c *Cluster) deactivateAgent(id string) Answer {
	if !c.knowsAgent(id) {
		return refused("Unknown agent")
	}
	c.deactivate(id)
	return Answer{Status: statusOK}
}

func (c *Cluster) deactivate(id string) {
	c.registry.deactivated[id] = true
	if a := c.agentByID(id); a != nil {
		c.rescindAll(a)
		c.rescindInverse(a)
	}
}

// ReactivateAgent ends a deactivation or a drain that is complete.
func (c *Cluster) ReactivateAgent(now time.Time, id string) (Answer, []Effect) {
	c.begin(now, Entry{Name: "ReactivateAgent", Agent: id})
	answer := c.reactivateAgent(id)
	return c.answered(answer)
}

func (c *Cluster) reactivateAgent(id string) Answer {
	switch d := c.registry.draining[id]; {
	case !c.registry.deactivated[id]:
		return refused("Agent is not deactivated")
	case d != nil && !d.drained:
		return refused("Agent is still in the DRAINING state")
	}
	delete(c.registry.deactivated, id)
	delete(c.registry.draining, id)
	a := c.agentByID(id)
	if a == nil { // it is done all the same
		return Answer{Status: statusConflict, Text: "Agent removed while processing the call"}
	}
	a.drain = nil
	c.rounds.request(c.now)
	return Answer{Status: statusOK}
}

// knowsAgent tells whether an agent belongs to the cluster, there or not.
func (c *Cluster) knowsAgent(id string) bool {
	_, unreachable := c.registry.unreachable[id]
	return unreachable || c.recovered[id] || c.agentByID(id) != nil
}

// offersFrom tells whether a member's resources are offered.
func (c *Cluster) offersFrom(a *agent) bool { return a.connected && !c.registry.deactivated[a.id] }

// tellDrain has an agent kill its tasks, and say why from then on. An agent that is away hears of it when it is back.
func (c *Cluster) tellDrain(a *agent) {
	d := c.registry.draining[a.id]
	if d == nil || !a.linked() || len(a.executors.keys) == 0 && len(a.operations) == 0 {
		return
	}
	a.drain = &d.Drain
	for _, key := range slices.Clone(a.tasks.keys) {
		t := a.tasks.of[key]
		kill := &scheduler.Call_Kill{TaskID: mesos.TaskID{Value: t.id}}
		if d.MaxGrace != nil && *d.MaxGrace < t.grace(c) {
			kill.KillPolicy = &mesos.KillPolicy{GracePeriod: &mesos.DurationInfo{Nanoseconds: int64(*d.MaxGrace)}}
		}
		c.deliverKill(t, kill)
	}
}

func (t *task) grace(c *Cluster) time.Duration {
	if policy := t.info.GetKillPolicy().GetGracePeriod(); policy != nil {
		return time.Duration(policy.Nanoseconds)
	}
	return c.cfg.KillGrace
}

// draining is what an agent that is being emptied makes of an update.
func (a *agent) draining(f *framework, status *mesos.TaskStatus) {
	if a.drain == nil || status.GetState() != mesos.TASK_KILLED && status.GetState() != mesos.TASK_KILLING {
		return
	}
	reason := mesos.REASON_AGENT_DRAINING
	status.Reason = &reason
	if a.drain.MarkGone && f.partitionAware() {
		state := mesos.TASK_GONE_BY_OPERATOR
		status.State = &state
	}
}

// checkDrained completes a drain: no task and no operation on the agent waits for anybody.
func (c *Cluster) checkDrained(a *agent) {
	d := c.registry.draining[a.id]
	if d == nil || d.drained || !a.member {
		return
	}
	for _, f := range c.frameworks {
		if len(c.tasksOn(f, a)) > 0 || slices.ContainsFunc(f.operationByID.keys, func(id string) bool {
			return f.operationByID.of[id].agent == a
		}) {
			return
		}
	}
	if d.MarkGone {
		c.markGone(a, a.id)
		return
	}
	d.drained, a.drain = true, nil
}

// wire is a drain as the operator API shows it.
func (d *drain) wire() *mesos.DrainInfo {
	info := &mesos.DrainInfo{State: mesos.DrainState_DRAINING, Config: mesos.DrainConfig{MarkGone: &d.MarkGone}}
	if d.drained {
		info.State = mesos.DrainState_DRAINED
	}
	if d.MaxGrace != nil {
		info.Config.MaxGracePeriod = &mesos.DurationInfo{Nanoseconds: int64(*d.MaxGrace)}
	}
	return info
}
