package cluster

import (
	"fmt"
	"slices"
	"time"
)

// MasterState is what a scheduler finds at the address of the master.
type MasterState int

const (
	// Leading masters serve every call.
	Leading MasterState = iota
	// Down means that nothing listens there.
	Down
	// Starting masters listen, but have no routes yet: 404 (F14).
	Starting
	// Leaderless masters wait for an election: 503 "No leader elected".
	Leaderless
	// Recovering masters lead, but have not read their registry: 503 "Master has not finished recovery".
	Recovering
)

// Stage is a part of the time without a leader.
type Stage struct {
	State MasterState
	For   time.Duration
}

// MasterFailover describes how another master takes over. The zero value is one that leads at once, with the agents
// back after the usual time.
type MasterFailover struct {
	// MasterID of the new leader. Default: one made with Config.NewID.
	MasterID string
	// Where it is, if that is somewhere else: IP is "" if it is not.
	IP, Hostname string
	Port         int

	Outage []Stage // before it leads, in their order

	// Delay is how long after that each agent registers again; Delays says so for single ones, by the id of an agent.
	// Default: Config.RegistrationDelay.
	Delay  time.Duration
	Delays map[string]time.Duration
}

// FailOver ends the leading master, and what it had in memory is lost: frameworks, tasks, offers, filters. Schedulers
// find their streams cut and may subscribe again as soon as Master says Leading; agents come back one by one.
func (c *Cluster) FailOver(now time.Time, failover MasterFailover) []Effect {
	c.begin(now, Entry{Name: "FailOver", About: about(c, failover)})
	c.forgetAll()
	c.next = failover
	c.stages, c.stageEnds = slices.Clone(failover.Outage), c.now
	if len(c.stages) == 0 {
		c.lead()
		return c.end()
	}
	c.stageEnds = c.now.Add(c.stages[0].For)
	return c.end()
}

// StopMaster ends the leading master and leaves the cluster without one, in that state, until FailOver.
func (c *Cluster) StopMaster(now time.Time, state MasterState) []Effect {
	c.begin(now, Entry{Name: "StopMaster", About: about(c, state)})
	c.forgetAll()
	c.stages, c.stageEnds = []Stage{{State: state}}, time.Time{}
	return c.end()
}

// Master tells what schedulers and operators find at the master's address.
func (c *Cluster) Master() MasterState {
	if len(c.stages) > 0 {
		return c.stages[0].State
	}
	return Leading
}

// MasterID is that of the master that leads, or led last.
func (c *Cluster) MasterID() string { return c.masterID }

// Unavailable is the answer to every call while there is no leader; a master that is down gives none. Its Status is 0 if
// calls are served.
func (c *Cluster) Unavailable() Answer {
	switch c.Master() {
	case Starting:
		return Answer{Status: statusNotFound, Text: "404 Not Found."}
	case Leaderless:
		return Answer{Status: statusUnavailable, Text: "No leader elected"}
	case Recovering:
		return Answer{Status: statusUnavailable, Text: "Master has not finished recovery"}
	case Down:
		return Answer{Status: statusUnavailable, Text: "connection refused"}
	}
	return Answer{}
}

func (c *Cluster) leads() bool { return len(c.stages) == 0 }

// forgetAll is the end of a master's memory.
func (c *Cluster) forgetAll() {
	for _, f := range c.frameworks {
		if f.stream != "" {
			c.emit(CutScheduler{Stream: f.stream})
		}
		f.forget()
	}
	for _, a := range c.agents {
		a.expel()
		a.used, a.offered = Resources{}, Resources{}
	}
	for _, a := range c.hosts {
		a.registerAt, a.backoff = time.Time{}, 0
		a.loseMessages()
	}
	for _, o := range c.operators {
		c.emit(CutOperator{Stream: o.id})
	}
	c.agents, c.frameworks, c.completed, c.operators = nil, nil, nil, nil
	c.removed, c.offers, c.recovered = map[string]bool{}, map[string]*offer{}, map[string]bool{}
	c.turns, c.inverse, c.inverseAnswers = map[turn]int{}, nil, nil
	c.recoverBy, c.pruneAt = time.Time{}, time.Time{}
	c.rounds = rounds{epoch: c.now, period: c.rounds.period}
}

// forget leaves of a framework what its agents know.
func (f *framework) forget() {
	*f = framework{id: f.id, info: f.info, suppressed: map[string]bool{}}
}

// advanceStage ends the stages that are over; after the last one the new master leads.
func (c *Cluster) advanceStage() {
	for due(c.stageEnds, c.now) {
		if c.stages = c.stages[1:]; len(c.stages) == 0 {
			c.lead()
			return
		}
		c.stageEnds = c.stageEnds.Add(c.stages[0].For)
	}
}

// lead is the beginning of a master: it reads the registry and waits for the agents.
func (c *Cluster) lead() {
	c.stageEnds = time.Time{}
	c.masterID = c.next.MasterID
	if c.masterID == "" {
		c.masterID = c.newID()
	}
	if c.next.IP != "" {
		c.cfg.IP, c.cfg.Port, c.cfg.Hostname = c.next.IP, c.next.Port, c.next.Hostname
	}
	c.offersMade, c.frameworksMade, c.agentsMade = 0, 0, 0
	c.rounds = rounds{epoch: c.now, period: c.rounds.period}
	c.started, c.tally = c.now, tally{}
	if c.cfg.Registry == InMemory {
		c.registry = newRegistry()
	}
	c.armPruning()
	c.hold()
	for id := range c.registry.admitted {
		c.recovered[id] = true
		c.recoverBy = c.now.Add(c.cfg.ReregisterTimeout)
	}
	for _, a := range c.hosts {
		after := c.cfg.RegistrationDelay
		if c.next.Delay > 0 {
			after = c.next.Delay
		}
		for _, id := range append(slices.Clone(a.handles), a.id) {
			if delay, ok := c.next.Delays[id]; ok {
				after = delay
			}
		}
		if a.up && !a.partitioned {
			a.registerAt, a.backoff = c.now.Add(max(after, a.backoff)), 0
		}
	}
}

// MasterAddress is where the master is that leads, or led last: IP and port.
func (c *Cluster) MasterAddress() string { return fmt.Sprintf("%s:%d", c.cfg.IP, c.cfg.Port) }
