package mesos

import (
	"maps"
	"sync"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/wire"
)

// Stats are what a Session has counted since it was made, and how it stands.
type Stats struct {
	Subscribed    bool
	Subscriptions uint64 // that stood; all but the first are reconnects
	Events        uint64 // HEARTBEATs included
	Skipped       uint64 // events that nobody uses, or that are not known
	Offers        uint64
	Bytes         uint64 // of events
	LastEvent     time.Time
	Queued        int // calls that wait in the lanes
	// Calls are the outcomes of calls other than SUBSCRIBE, by the names that Mesos has for them.
	Calls map[string]Outcomes
}

// Outcomes count calls by what came of them.
type Outcomes struct {
	Accepted  uint64
	Refused   uint64 // certainly not carried out, and the subscription stood
	Ambiguous uint64 // perhaps carried out
	Lost      uint64 // not carried out: the subscription was over
}

// Stats returns a snapshot. It may be asked from any goroutine, and never waits for the session's work.
func (s *Session) Stats() Stats {
	s.mu.Lock()
	sub := s.current
	s.mu.Unlock()
	out := s.counters.snapshot()
	if sub != nil {
		out.Queued = sub.queued()
	}
	return out
}

// counters gather Stats.
type counters struct {
	mu sync.Mutex
	s  Stats
}

func (c *counters) snapshot() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.s
	out.Calls = maps.Clone(c.s.Calls)
	return out
}

func (c *counters) subscribed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Subscribed = true
	c.s.Subscriptions++
}

func (c *counters) ended() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Subscribed = false
}

func (c *counters) event(bytes int, d wire.Decoded) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.s.Events++
	c.s.Bytes += uint64(bytes)
	c.s.LastEvent = time.Now()
	if d.Note != "" {
		c.s.Skipped++
	}
	for _, e := range d.Events {
		if o, ok := e.(machine.Offered); ok {
			c.s.Offers += uint64(len(o.Offers))
		}
	}
}

func (c *counters) outcome(call string, v wire.Verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.s.Calls == nil {
		c.s.Calls = make(map[string]Outcomes)
	}
	o := c.s.Calls[call]
	switch v {
	case wire.Accepted:
		o.Accepted++
	case wire.Refused:
		o.Refused++
	case wire.Ambiguous:
		o.Ambiguous++
	case wire.Lost:
		o.Lost++
	}
	c.s.Calls[call] = o
}
