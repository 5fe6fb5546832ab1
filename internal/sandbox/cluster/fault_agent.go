package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// reaping is how long an agent takes to find out that the process of a custom executor has ended before it came back
// (recorded: 0.6 s; until then it even takes the executor back).
const reaping = 500 * time.Millisecond

// commandPatience is how long the executor of a command task that has ended waits for its agent. If that is not back by
// then, nobody will know how the task ended (Mesos: the same, for executors that are not HTTP based).
const commandPatience = time.Second

// AgentStart is how the process of an agent starts again. The zero value is the same agent as before.
type AgentStart struct {
	NewID bool // it has forgotten its id (Mesos: meta/slaves/latest was removed); what runs on the machine is ended
	Wipe  bool // so it has forgotten its reservations and volumes: a fresh work directory. Implies NewID

	// Resources and Attributes are what the agent is configured with from now on; nil means as before. The agent does not
	// start if what it has reserved and made into volumes is no longer there, nor, unless it gets a new id, if it has
	// become less (Mesos: reconfiguration_policy=additive).
	Resources  []mesos.Resource
	Attributes []mesos.Attribute

	Delay time.Duration // how much later than usual it registers
}

// KillAgent ends the process of an agent as SIGKILL does. Its executors and their tasks go on if their framework
// checkpoints, and end otherwise. The master notices at once that the connection is gone, unless the agent is partitioned.
func (c *Cluster) KillAgent(now time.Time, id string) []Effect {
	c.begin(now, Entry{Name: "KillAgent", Agent: id})
	if a := c.host(id); a != nil && a.up {
		c.processGone(a)
		for _, key := range slices.Clone(a.executors.keys) {
			if e := a.executors.of[key]; !e.framework.info.GetCheckpoint() {
				c.abandon(e)
			}
		}
	}
	return c.end()
}

// StopAgent ends the process of an agent as SIGUSR1 does: it takes its leave of the master, which removes it with all of
// its tasks at once (F58), and ends what runs there. It can start again, with its id and its volumes.
func (c *Cluster) StopAgent(now time.Time, id string) []Effect {
	c.begin(now, Entry{Name: "StopAgent", Agent: id})
	if a := c.host(id); a != nil && a.up {
		if a.linked() {
			c.removeMember(a, "the agent unregistered")
			c.tally["messages_unregister_slave"]++
			c.tally["slave_removals/reason_unregistered"]++
		}
		c.shutDownAgent(a)
	}
	return c.end()
}

// RebootAgent restarts the machine of an agent: everything on it ends at once, and the agent stays away until StartAgent.
// It keeps its id, its reservations and its volumes.
func (c *Cluster) RebootAgent(now time.Time, id string) []Effect {
	c.begin(now, Entry{Name: "RebootAgent", Agent: id})
	if a := c.host(id); a != nil {
		c.processGone(a)
		for _, key := range slices.Clone(a.executors.keys) {
			e := a.executors.of[key]
			if !e.framework.info.GetCheckpoint() {
				c.abandon(e)
				continue
			}
			for _, p := range e.processes {
				c.signal(p, Kill)
				p.silence()
			}
			e.died, e.diedAt = &Exit{Lost: true}, c.now
		}
	}
	return c.end()
}

// recoveryTime is how long an agent that was started turns executors away. Recorded: less than half a second.
const recoveryTime = 200 * time.Millisecond

// StartAgent starts the process of an agent that is down. It registers after its executors had time to come back to it
// and AgentStart.Delay. The error says why it ends at once instead.
func (c *Cluster) StartAgent(now time.Time, id string, start AgentStart) ([]Effect, error) {
	c.begin(now, Entry{Name: "StartAgent", Agent: id, About: about(c, start)})
	a := c.host(id)
	switch {
	case a == nil:
		return c.refusedStart(fmt.Errorf("agent %s: unknown", id))
	case a.up:
		return c.refusedStart(fmt.Errorf("agent %s: it runs", a.name()))
	}
	fresh := start.NewID || start.Wipe || a.id == ""
	owned, configured, err := a.restored(start, fresh)
	if err != nil {
		return c.refusedStart(err)
	}
	if start.Wipe {
		c.wipe(a)
	}
	if fresh && a.id != "" {
		a = c.succeed(a)
	}
	a.owned, a.configured = owned, configured
	if start.Attributes != nil {
		a.restyled = !slices.EqualFunc(a.attributes, start.Attributes, func(x, y mesos.Attribute) bool { return x.Equal(y) })
		a.attributes = start.Attributes
	}
	a.up, a.recovering = true, c.now.Add(recoveryTime)
	c.answerPings(a)
	patience := c.recoverExecutors(a)
	a.recovered = c.now.Add(patience)
	c.contact(a, patience+c.cfg.RegistrationDelay+start.Delay)
	return c.end(), nil
}

func (c *Cluster) refusedStart(err error) ([]Effect, error) {
	c.outcome(Entry{Problem: err.Error()})
	return c.end(), err
}

// restored is what an agent has after a start.
func (a *agent) restored(start AgentStart, fresh bool) (owned Resources, configured []mesos.Resource, err error) {
	configured = a.configured
	if start.Resources != nil {
		if err := CheckResources(start.Resources); err != nil {
			return owned, nil, fmt.Errorf("agent %s: resources: %w", a.name(), err)
		}
		configured = start.Resources
	}
	if !fresh && !parseResources(configured).contains(parseResources(a.configured)) {
		return owned, nil, errors.New("Incompatible agent info detected: the resources were reduced from " +
			parseResources(a.configured).String() + " to " + parseResources(configured).String())
	}
	var kept []mesos.Resource
	if !start.Wipe {
		kept = a.owned.where(checkpointed).wire(resourceForm{refined: true})
	}
	total, err := Restore(configured, kept)
	if err != nil {
		return owned, nil, err
	}
	return parseResources(total), configured, nil
}

// wipe removes what is in the work directory of an agent. Volumes on disks of their own lose only their names.
func (c *Cluster) wipe(a *agent) {
	for _, v := range placesOf(a.owned) {
		if v.Source == nil {
			c.emit(DestroyVolume{Agent: cmp.Or(a.id, a.former), Volume: v})
		}
	}
	c.emit(CheckpointResources{Agent: cmp.Or(a.id, a.former)})
}

// succeed puts a new agent without an id in the place of an old one. What the old one left running is ended: the new
// one finds containers that it does not know.
func (c *Cluster) succeed(old *agent) *agent {
	for _, key := range slices.Clone(old.executors.keys) {
		c.abandon(old.executors.of[key])
	}
	old.updates, old.tasks, old.operations = ordered[*updates]{}, ordered[*task]{}, nil
	a := &agent{
		hostname: old.hostname, ip: old.ip, port: old.port, attributes: old.attributes, partitioned: old.partitioned, severed: old.severed,
		former: old.id, handles: append(slices.Clone(old.handles), old.id),
	}
	c.hosts[slices.Index(c.hosts, old)] = a
	return a
}

// recoverExecutors is the first thing that an agent does: it finds the executors of before. Those that have ended
// meanwhile are reported as soon as it is registered; the others get time to come back. It gives that time.
func (c *Cluster) recoverExecutors(a *agent) time.Duration {
	if len(a.executors.keys) == 0 {
		return 0
	}
	for _, key := range slices.Clone(a.executors.keys) {
		e := a.executors.of[key]
		switch {
		case e.died == nil:
			e.returning = e.kind == customExecutor
			if e.returning {
				e.registerBy = c.now.Add(c.cfg.ReregistrationLimit)
			}
		case e.kind == commandExecutor && !e.died.Lost && c.now.Sub(e.diedAt) <= commandPatience:
			c.ended(e.processes[0], *e.died)
		case e.kind == customExecutor:
			e.noticeAt = a.recovering.Add(reaping)
		default:
			c.died(e)
		}
	}
	return c.cfg.ReregistrationLimit
}

// died is an executor that is not there any more when its agent comes back. How its tasks ended nobody knows.
func (c *Cluster) died(e *executorRun) {
	if e.stream != "" {
		c.emit(CloseExecutor{Stream: e.stream})
		e.stream = ""
	}
	for _, t := range e.live() {
		c.agentStatus(t, e.id, mesos.TASK_FAILED, mesos.REASON_EXECUTOR_TERMINATED, "Executor terminated")
	}
	for _, p := range slices.Clone(e.processes) {
		c.forget(p)
	}
	c.dropExecutor(e)
}

// PartitionAgent cuts an agent off from the master, while both and the tasks go on. Neither notices at first: the
// master when it has missed enough pings, and schedulers in that their calls come to nothing. It is also what an agent
// that hangs looks like.
func (c *Cluster) PartitionAgent(now time.Time, id string) []Effect {
	c.begin(now, Entry{Name: "PartitionAgent", Agent: id})
	if a := c.host(id); a != nil && !a.partitioned {
		a.partitioned, a.severed, a.severedAt = true, true, c.now
		if a.member {
			c.missPings(a)
		}
	}
	return c.end()
}

// DisconnectAgent breaks the connection between agent and master, and nothing else. The master notices at once, and the agent by the next ping, which
// tells it that the master does not believe it to be connected: then it registers again.
func (c *Cluster) DisconnectAgent(now time.Time, id string) []Effect {
	c.begin(now, Entry{Name: "DisconnectAgent", Agent: id})
	if a := c.host(id); a != nil && a.linked() {
		c.lose(a)
		c.answerPings(a)
		pings := c.now.Sub(a.registered)/c.cfg.PingTimeout + 1
		c.contact(a, a.registered.Add(pings*c.cfg.PingTimeout).Sub(c.now)+c.cfg.RegistrationDelay)
	}
	return c.end()
}

// HealAgent ends a partition. The agent registers again soon.
func (c *Cluster) HealAgent(now time.Time, id string) []Effect {
	c.begin(now, Entry{Name: "HealAgent", Agent: id})
	if a := c.host(id); a != nil && a.partitioned {
		a.partitioned = false
		switch {
		case a.up:
			c.releaseMessages(a)
			c.answerPings(a)
			c.contact(a, c.cfg.RegistrationDelay)
		default:
			c.lose(a) // the master's next message is refused
		}
	}
	return c.end()
}

// DelayAgent makes an agent register so much later that has not registered yet, whether it starts, comes out of a
// partition or waits for a master.
func (c *Cluster) DelayAgent(now time.Time, id string, delay time.Duration) []Effect {
	c.begin(now, Entry{Name: "DelayAgent", Agent: id, About: about(c, delay)})
	if a := c.host(id); a != nil {
		if !a.registerAt.IsZero() {
			a.registerAt = a.registerAt.Add(delay)
		} else if a.up && !a.member {
			a.backoff += delay
		}
	}
	return c.end()
}

// AgentProcess is what is to know of an agent's process besides what the master knows of it.
type AgentProcess struct {
	ID         string    // that it has now; "" until it has registered for the first time
	Up         bool      // it runs
	RegisterAt time.Time // when it presents itself to the master; zero if it is registered, or can't
}

// AgentProcess gives it by the id that an agent has, or by any that it had before.
func (c *Cluster) AgentProcess(id string) AgentProcess {
	a := c.host(id)
	if a == nil {
		return AgentProcess{}
	}
	return AgentProcess{ID: a.id, Up: a.up, RegisterAt: a.registerAt}
}

// host finds an agent by the id that it has, or by any that it had before.
func (c *Cluster) host(id string) *agent {
	if id == "" {
		return nil
	}
	for _, a := range c.hosts {
		if a.id == id || slices.Contains(a.handles, id) {
			return a
		}
	}
	return nil
}

// name is for messages.
func (a *agent) name() string {
	if a.id == "" {
		return "at " + a.ip
	}
	return a.id
}

// processGone is the end of an agent's process, by whatever cause.
func (c *Cluster) processGone(a *agent) {
	if !a.up {
		return
	}
	a.up, a.registerAt = false, time.Time{}
	a.loseMessages()
	for _, key := range a.executors.keys {
		e := a.executors.of[key]
		e.registerBy, e.noticeAt, e.subscribed = time.Time{}, time.Time{}, false
		if e.stream != "" {
			c.emit(CloseExecutor{Stream: e.stream})
			e.stream = ""
		}
	}
	if a.partitioned {
		return
	}
	c.lose(a)
	for _, other := range c.agents { // among them what the agent was before it got another id
		if other.ip == a.ip && other.port == a.port {
			c.missPings(other)
		}
	}
}

// abandon ends an executor that nobody will ask after.
func (c *Cluster) abandon(e *executorRun) {
	e.orphan, e.stopping = true, true
	for _, p := range e.processes {
		c.signal(p, Kill)
	}
	for _, t := range e.live() {
		t.latest = mesos.TASK_KILLED
		e.agent.tasks.drop(taskKey(t.framework, t.id))
	}
	c.dropExecutor(e)
}

// shutDownAgent is an agent that ends everything that runs on it and then itself.
func (c *Cluster) shutDownAgent(a *agent) {
	for _, key := range slices.Clone(a.executors.keys) {
		e := a.executors.of[key]
		c.shutDown(e)
		for _, t := range e.live() {
			t.latest = mesos.TASK_KILLED
		}
		e.orphan = true
	}
	a.tasks, a.updates, a.operations, a.drain = ordered[*task]{}, ordered[*updates]{}, nil, nil
	a.up, a.registerAt = false, time.Time{}
	a.loseMessages()
	for _, key := range a.executors.keys {
		e := a.executors.of[key]
		e.registerBy, e.noticeAt = time.Time{}, time.Time{}
	}
	if !a.partitioned {
		c.lose(a)
	}
}

// MarkAgentGone says that an agent will never come back. The status is 404 if the master does not know it.
func (c *Cluster) MarkAgentGone(now time.Time, id string) (Answer, []Effect) {
	c.begin(now, Entry{Name: "MarkAgentGone", Agent: id})
	answer := c.markAgentGone(id)
	return c.answered(answer)
}

func (c *Cluster) markAgentGone(id string) Answer {
	_, gone := c.registry.gone[id]
	switch {
	case gone:
	case !c.knowsAgent(id):
		return Answer{Status: statusNotFound, Text: "Agent '" + id + "' not found"}
	default:
		c.markGone(c.agentByID(id), id)
	}
	return Answer{Status: statusOK}
}

const goneMessage = "Agent has been marked gone"

func (c *Cluster) markGone(a *agent, id string) {
	c.registry.forget(id)
	c.registry.gone[id] = c.now
	c.prune(c.now)
	if a == nil { // one that is recovered stays so: nobody hears anything of its tasks (Mesos: MESOS-9739)
		for _, f := range c.frameworks {
			for _, taskID := range slices.Clone(f.unreachable.keys) {
				if t := f.unreachable.of[taskID]; t.agent.id == id {
					f.unreachable.drop(taskID)
					c.goneTask(t)
				}
			}
		}
		return
	}
	linked := a.linked()
	c.operationsLost(a, mesos.OPERATION_GONE_BY_OPERATOR, goneMessage)
	for _, f := range c.frameworks {
		for _, t := range c.tasksOn(f, a) {
			c.goneTask(t)
		}
	}
	c.leave(a)
	c.tellAgentRemoved(a)
	if linked {
		c.shutDownAgent(a)
	}
}

func (c *Cluster) goneTask(t *task) {
	state, reason := mesos.TASK_GONE_BY_OPERATOR, mesos.REASON_AGENT_REMOVED_BY_OPERATOR
	if !t.framework.partitionAware() {
		state, reason = mesos.TASK_LOST, mesos.REASON_AGENT_REMOVED
	}
	c.loseTask(t, state, reason, goneMessage)
}
