package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// linked tells whether messages pass between an agent and the master that leads: the agent runs, both know each other,
// and no partition is between them. What either sends otherwise is lost.
func (a *agent) linked() bool { return a.member && a.connected && a.up && !a.severed }

// contact arranges that an agent registers, or registers again, after a while. Without a leading master it waits for one.
func (c *Cluster) contact(a *agent, after time.Duration) {
	a.registerAt = c.now.Add(after)
	if !c.leads() {
		a.registerAt = time.Time{} // lead will do this again
		a.backoff = after
	}
}

// registerDue lets the agents register whose time has come.
func (c *Cluster) registerDue() {
	for _, a := range slices.Clone(c.hosts) {
		if due(a.registerAt, c.now) {
			a.registerAt = time.Time{}
			if a.up && !a.partitioned && c.leads() {
				c.register(a)
			}
		}
	}
}

// register is an agent that presents itself to the master.
func (c *Cluster) register(a *agent) {
	_, gone := c.registry.gone[a.id]
	a.severed = false
	switch {
	case gone || c.isDown(a):
		c.shutDownAgent(a)
	case a.id == "":
		c.admitNew(a)
	case a.member:
		c.reconcileMember(a)
	default:
		c.readmit(a)
	}
}

// isDown tells whether an agent is on a machine that operators have taken down.
func (c *Cluster) isDown(a *agent) bool {
	m := c.machineOf(a)
	return m != nil && m.down
}

// admitNew gives an agent its id. One that was at the same address before is removed, with all of its tasks (F58): two processes do not share one, and the
// connection of the former is broken at the latest when the master hears of the new one, also if that came back in a partition that nobody noticed.
func (c *Cluster) admitNew(a *agent) {
	for _, old := range slices.Clone(c.agents) {
		if old.ip == a.ip && old.port == a.port {
			c.removeMember(old, "a new agent registered at the same address")
			c.tally["slave_removals/reason_registered"]++
		}
	}
	former := a.former
	a.id = c.nextAgentID()
	c.join(a)
	c.registered()
	c.emit(AgentRegistered{Agent: a.id, Former: former, Hostname: a.hostname})
	c.allocate([]*agent{a})
}

func (c *Cluster) nextAgentID() string {
	for {
		id := fmt.Sprintf("%s-S%d", c.masterID, c.agentsMade)
		c.agentsMade++
		if c.host(id) == nil {
			return id
		}
	}
}

// join makes an agent a member of the cluster with what it has and runs.
func (c *Cluster) join(a *agent) {
	a.member, a.connected = true, true
	a.unreachableAt, a.giveUpAt = time.Time{}, time.Time{}
	a.registered, a.reregistered = c.now, time.Time{}
	a.total, a.used, a.offered = a.owned, c.inUse(a), Resources{}
	a.expected = nil
	c.agents = append(c.agents, a)
	if !c.rounds.heldUntil.IsZero() && len(c.agents) >= c.rounds.expected {
		c.release()
	}
	c.registry.admit(a)
	delete(c.recovered, a.id)
	c.tellAgentAdded(a)
}

// inUse is what the tasks and executors of an agent use that the master accepts.
func (c *Cluster) inUse(a *agent) Resources {
	var used Resources
	for _, key := range a.tasks.keys {
		if t := a.tasks.of[key]; !terminal(t.latest) && !c.removed[t.framework.id] {
			used = used.plus(t.resources.allocated(""))
		}
	}
	for _, key := range a.executors.keys {
		if e := a.executors.of[key]; !c.removed[e.framework.id] {
			used = used.plus(e.resources.allocated(""))
		}
	}
	return used
}

// readmit takes an agent that has its id from before: one that was unreachable, one that this master only knows from
// the registry, or one that it never heard of. Its tasks are the master's again; they may well run, also those that
// were reported as lost. The schedulers are told, unless the registry said that the agent would come (F58, F62, F63).
func (c *Cluster) readmit(a *agent) {
	message := "Unknown agent reregistered"
	if _, was := c.registry.unreachable[a.id]; was {
		message = "Unreachable agent re-reregistered"
	}
	silent := c.recovered[a.id]
	c.tally["messages_reregister_slave"]++
	c.tally["slave_reregistrations"]++
	for _, key := range a.tasks.keys {
		t := a.tasks.of[key]
		if c.removed[t.framework.id] {
			continue
		}
		f := c.recoverFramework(t.framework)
		f.unreachable.drop(t.id)
		if other := f.tasks.of[t.id]; other != nil && other != t {
			continue // the id was used again meanwhile: the master goes on with that
		}
		t.state, t.known, t.kill = t.latest, t.latest, nil
		f.tasks.put(t.id, t)
		f.completed = slices.DeleteFunc(f.completed, func(other *task) bool { return other.id == t.id })
		if !silent {
			c.sendStatus(f, c.reregistered(t, message))
		}
	}
	for _, key := range a.executors.keys {
		if e := a.executors.of[key]; !c.removed[e.framework.id] {
			c.recoverFramework(e.framework)
		}
	}
	for _, o := range a.operations {
		if !c.removed[o.framework.id] {
			c.recoverFramework(o.framework).operationByID.put(o.status.OperationID.Value, o)
		}
	}
	for _, f := range c.frameworks { // what the agent does not have any more is forgotten without a word
		for _, id := range slices.Clone(f.unreachable.keys) {
			if f.unreachable.of[id].agent == a {
				f.unreachable.drop(id)
			}
		}
	}
	c.join(a)
	a.reregistered = c.now
	c.tellDrain(a)
	c.welcome(a)
	c.checkDrained(a)
	c.allocate([]*agent{a})
}

func (c *Cluster) reregistered(t *task, message string) mesos.TaskStatus {
	status := c.status(t.id, t.state, mesos.SOURCE_MASTER)
	reason := mesos.REASON_AGENT_REREGISTERED
	status.Reason, status.Message, status.AgentID = &reason, &message, &mesos.AgentID{Value: t.agent.id}
	t.describe(&status)
	return status
}

// recoverFramework makes the master know a framework that an agent tells it of. Until its scheduler subscribes it is
// neither connected nor timed.
func (c *Cluster) recoverFramework(f *framework) *framework {
	if !slices.Contains(c.frameworks, f) {
		f.recovered = true
		c.frameworks = append(c.frameworks, f)
	}
	return f
}

// reconcileMember is a member that comes back before it was given up: both sides compare notes. Tasks that never
// reached the agent are dropped by it, and a KILL that it may have missed is sent again. What the agent has is right.
func (c *Cluster) reconcileMember(a *agent) {
	a.unreachableAt, a.giveUpAt = time.Time{}, time.Time{}
	changed := a.restyled || !same(a.total, a.owned)
	if !same(a.total, a.owned) {
		c.rescindAll(a)
	}
	if a.restyled { // who refused it may want it now
		c.dropFilters(a)
	}
	back := !a.connected
	a.connected, a.reregistered = true, c.now
	c.tally["messages_reregister_slave"]++
	missing := c.missingTasks(a)
	a.total, a.used, a.expected = a.owned, c.inUse(a), nil
	for _, key := range a.tasks.keys {
		t := a.tasks.of[key]
		t.known = t.latest
	}
	for _, t := range missing {
		a.used = a.used.plus(t.resources.allocated(""))
	}
	c.welcome(a)
	for _, t := range missing {
		a.tasks.put(taskKey(t.framework, t.id), t)
		c.agentStatus(t, "", mesos.TASK_DROPPED, mesos.REASON_RECONCILIATION,
			"Reconciliation: task unknown to the agent")
	}
	for _, key := range slices.Clone(a.tasks.keys) {
		if t := a.tasks.of[key]; t.kill != nil && !terminal(t.latest) && !c.removed[t.framework.id] {
			c.deliverKill(t, &scheduler.Call_Kill{TaskID: t.kill.TaskID}) // the master has not kept its kill policy
		}
	}
	c.tellDrain(a)
	c.checkDrained(a)
	switch {
	case !a.member:
	case changed: // as new members
		c.allocate([]*agent{a})
	case back:
		c.rounds.request(c.now)
	}
	c.missingOperations(a) // which the master asks for when it knows what the agent has
}

// missingTasks are those of a member that the master knows and the agent does not.
func (c *Cluster) missingTasks(a *agent) []*task {
	var missing []*task
	for _, f := range c.frameworks {
		for _, id := range f.tasks.keys {
			if t := f.tasks.of[id]; t.agent == a && a.tasks.of[taskKey(f, id)] != t {
				missing = append(missing, t)
			}
		}
	}
	return missing
}

// missingOperations drops what the master knows and the agent does not. That is told once, without anything to acknowledge.
func (c *Cluster) missingOperations(a *agent) {
	a.hearNothing(c, "dropped")
	for _, f := range c.frameworks {
		for _, id := range slices.Clone(f.operationByID.keys) {
			if o := f.operationByID.of[id]; o.agent == a && !slices.Contains(a.operations, o) {
				f.operationByID.drop(id)
				c.tally["messages_operation_status_update"]++
				c.tally["valid_operation_status_updates"]++
				c.sendOperation(f, mesos.OperationStatus{
					OperationID: o.status.OperationID, State: mesos.OPERATION_DROPPED, AgentID: &mesos.AgentID{Value: a.id},
				})
			}
		}
	}
}

// welcome ends a registration at the agent: it ends what belongs to frameworks that are no more, and repeats its
// unacknowledged updates, once for being back and once for each scheduler that it is told of (recorded: two or three
// copies within milliseconds).
func (c *Cluster) welcome(a *agent) {
	for _, f := range c.completed {
		if a.has(f) {
			c.shutDownFramework(a, f)
		}
	}
	c.resumeAgent(a)
	for _, f := range c.frameworks {
		if f.stream != "" && a.has(f) {
			c.resumeAgent(a)
		}
	}
	for _, o := range a.operations {
		o.wait = c.cfg.RetryInterval
		c.tellOperation(o)
	}
}

// has tells whether an agent has anything of a framework.
func (a *agent) has(f *framework) bool {
	of := func(key string) bool { return a.tasks.of[key].framework == f }
	return slices.ContainsFunc(a.tasks.keys, of) || slices.ContainsFunc(a.executors.keys, func(key string) bool {
		return a.executors.of[key].framework == f
	})
}

// lose is an agent whose connection to the master has broken (F25): its offers are rescinded, and the pings begin to be
// missed. Tasks of frameworks that do not checkpoint are given up at once, PARTITION_AWARE or not (F57).
func (c *Cluster) lose(a *agent) {
	if !a.member {
		return
	}
	c.missPings(a)
	if !a.connected {
		return
	}
	a.connected, a.giveUpAt = false, c.now.Add(c.cfg.ReregisterTimeout)
	c.rescindAll(a)
	c.rescindInverse(a)
	for _, f := range c.frameworks {
		if f.info.GetCheckpoint() {
			continue
		}
		for _, t := range c.tasksOn(f, a) {
			if !terminal(t.known) {
				a.used = a.used.minus(t.resources.allocated(""))
			}
			c.loseTask(t, mesos.TASK_LOST, mesos.REASON_AGENT_DISCONNECTED, "Agent "+a.hostname+" disconnected")
		}
		for _, key := range a.executors.keys {
			if e := a.executors.of[key]; e.framework == f {
				a.used = a.used.minus(e.resources.allocated(""))
			}
		}
	}
	c.checkDrained(a)
}

// missPings arms the moment at which the master gives an agent up: it pings from the registration on, and the agent
// misses the next ping and those after it.
func (c *Cluster) missPings(a *agent) {
	if !a.unreachableAt.IsZero() {
		return
	}
	missed := (c.now.Sub(a.registered) + c.cfg.PingTimeout - 1) / c.cfg.PingTimeout
	a.unreachableAt = a.registered.Add((missed + time.Duration(c.cfg.PingTimeouts)) * c.cfg.PingTimeout)
}

// answerPings is a process at the address of members that pings reach: it answers them, whoever it is, long before it
// registers.
func (c *Cluster) answerPings(by *agent) {
	for _, a := range c.agents {
		if a.ip == by.ip && a.port == by.port && !by.partitioned {
			a.unreachableAt = time.Time{}
		}
	}
}

// expel ends what a master knows of an agent.
func (a *agent) expel() {
	a.member, a.connected = false, false
	a.unreachableAt, a.giveUpAt = time.Time{}, time.Time{}
	a.unheard = nil
}

// unreachableDue gives up the agents that missed too many pings, and those that a new leader did not hear of in time.
func (c *Cluster) unreachableDue() {
	for _, a := range slices.Clone(c.agents) {
		switch {
		case due(a.unreachableAt, c.now):
			c.markUnreachable(a, "health check timed out")
		case due(a.giveUpAt, c.now):
			c.markUnreachable(a, "agent did not reregister within "+DurationText(c.cfg.ReregisterTimeout)+" after disconnecting")
		}
	}
	if !due(c.recoverBy, c.now) {
		return
	}
	c.recoverBy = time.Time{}
	for _, id := range sortedKeys(c.recovered) {
		if _, gone := c.registry.gone[id]; !gone {
			for _, name := range []string{"slave_removals", "slave_removals/reason_unhealthy", "recovery_slave_removals"} {
				c.tally[name]++
			}
			c.registry.giveUp(id, c.now)
			c.prune(c.now)
			c.sendAgentLost(id)
			delete(c.recovered, id)
		}
	}
}

// markUnreachable gives a member up. Its tasks may go on, and may come back (F57).
func (c *Cluster) markUnreachable(a *agent, message string) {
	c.registry.giveUp(a.id, c.now)
	c.prune(c.now)
	for _, name := range []string{"slave_unreachable_scheduled", "slave_unreachable_completed", "slave_removals", "slave_removals/reason_unhealthy"} {
		c.tally[name]++
	}
	c.operationsLost(a, mesos.OPERATION_UNREACHABLE, "Agent was marked unreachable")
	for _, f := range c.frameworks {
		state := mesos.TASK_UNREACHABLE
		if !f.partitionAware() {
			state = mesos.TASK_LOST
		}
		for _, t := range c.tasksOn(f, a) {
			status := c.lost(t, state, mesos.REASON_AGENT_REMOVED, message)
			status.UnreachableTime = &mesos.TimeInfo{Nanoseconds: c.now.UnixNano()}
			t.kill = nil
			c.transition(t, status)
			f.tasks.drop(t.id)
			f.unreachable.put(t.id, t)
			if surplus := len(f.unreachable.keys) - unreachableTasks; surplus > 0 {
				f.unreachable.drop(f.unreachable.keys[0])
			}
			c.sendStatus(f, status)
		}
	}
	c.leave(a)
}

// unreachableTasks is how many of them a master keeps for each framework.
const unreachableTasks = 1000

// removeMember ends the membership of an agent that will not come back as itself: it unregistered, its machine went
// down for maintenance, or another is in its place. All tasks are lost, at once, also for PARTITION_AWARE frameworks
// (F58); the master knows nothing of the agent from then on.
func (c *Cluster) removeMember(a *agent, cause string) {
	for _, f := range c.frameworks {
		for _, t := range c.tasksOn(f, a) {
			c.loseTask(t, mesos.TASK_LOST, mesos.REASON_AGENT_REMOVED, "Agent "+a.hostname+" removed: "+cause)
		}
	}
	c.registry.forget(a.id)
	c.leave(a)
	c.tally["slave_removals"]++
	c.tellAgentRemoved(a)
}

// leave ends a membership, whatever the reason.
func (c *Cluster) leave(a *agent) {
	c.rescindAll(a)
	c.rescindInverse(a)
	c.inverseAnswers = slices.DeleteFunc(c.inverseAnswers, func(w inverseAnswer) bool { return w.agent == a })
	for _, f := range c.frameworks {
		for _, id := range slices.Clone(f.operationByID.keys) {
			if f.operationByID.of[id].agent == a {
				f.operationByID.drop(id)
			}
		}
	}
	c.dropFilters(a) // if it comes back, it is new to everybody
	a.hearNothing(c, "")
	a.expel()
	a.used, a.offered = Resources{}, Resources{}
	c.agents = slices.DeleteFunc(c.agents, func(other *agent) bool { return other == a })
	c.sendAgentLost(a.id)
	c.rounds.request(c.now)
}

// dropFilters forgets what was refused of an agent.
func (c *Cluster) dropFilters(a *agent) {
	for _, f := range c.frameworks {
		f.filters = slices.DeleteFunc(f.filters, func(filter filter) bool { return filter.agent == a.id })
		f.inverseFilters = slices.DeleteFunc(f.inverseFilters, func(filter inverseFilter) bool { return filter.agent == a })
	}
	a.restyled = false
}

// sendAgentLost tells every scheduler, also those that have nothing there.
func (c *Cluster) sendAgentLost(id string) {
	for _, f := range c.frameworks {
		c.send(f, &scheduler.Event{Type: scheduler.Event_FAILURE, Failure: &scheduler.Event_Failure{
			AgentID: &mesos.AgentID{Value: id},
		}})
	}
}

func (c *Cluster) rescindAll(a *agent) {
	var held []*offer
	for _, o := range c.offers {
		if o.agent == a {
			held = append(held, o)
		}
	}
	slices.SortFunc(held, func(x, y *offer) int { return cmp.Compare(x.number, y.number) })
	for _, f := range c.frameworks {
		for _, o := range held {
			if o.framework == f {
				c.rescind(f, o)
			}
		}
	}
}

// tasksOn lists the tasks of a framework that the master has on an agent.
func (c *Cluster) tasksOn(f *framework, a *agent) []*task {
	var tasks []*task
	for _, id := range f.tasks.keys {
		if t := f.tasks.of[id]; t.agent == a {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

func (c *Cluster) lost(t *task, state mesos.TaskState, reason mesos.TaskStatus_Reason, message string) mesos.TaskStatus {
	status := c.status(t.id, state, mesos.SOURCE_MASTER)
	status.Reason, status.Message, status.AgentID = &reason, &message, &mesos.AgentID{Value: t.agent.id}
	if t.info.Executor != nil {
		status.ExecutorID = &mesos.ExecutorID{Value: t.info.Executor.ExecutorID.Value}
	}
	return status
}

// loseTask ends a task for the master. Whether the agent has it is another question.
func (c *Cluster) loseTask(t *task, state mesos.TaskState, reason mesos.TaskStatus_Reason, message string) {
	status := c.lost(t, state, reason, message)
	c.transition(t, status)
	c.sendStatus(t.framework, status)
	c.complete(t)
}

// transition is a change of a task that the master makes by itself.
func (c *Cluster) transition(t *task, status mesos.TaskStatus) {
	if !terminal(t.known) {
		c.countEnd(&status)
		if f := t.framework; terminal(status.GetState()) {
			f.count("tasks/terminal/"+strings.ToLower(status.GetState().String()), 1)
		}
	}
	t.state, t.known = status.GetState(), status.GetState()
	t.note(status)
	c.tellTaskUpdated(t, status)
}

// operationsLost tells of every operation on an agent that the master still knew of, also of one whose id another has taken
// (recorded). Nothing is repeated.
func (c *Cluster) operationsLost(a *agent, state mesos.OperationState, message string) {
	name := strings.ToLower(strings.TrimPrefix(state.String(), "OPERATION_"))
	a.hearNothing(c, name)
	for _, f := range c.frameworks {
		lost := slices.DeleteFunc(slices.Clone(a.operations), func(o *operation) bool { return o.framework != f })
		for _, id := range f.operationByID.keys {
			if o := f.operationByID.of[id]; o.agent == a && !slices.Contains(lost, o) {
				lost = append(lost, o)
			}
		}
		for _, o := range lost {
			if slices.Contains(a.operations, o) { // else the agent never heard of it
				c.countOperationState(o.kind, name)
			}
			c.sendOperation(f, mesos.OperationStatus{OperationID: o.status.OperationID, State: state,
				AgentID: &mesos.AgentID{Value: a.id}, Message: &message})
		}
	}
}
