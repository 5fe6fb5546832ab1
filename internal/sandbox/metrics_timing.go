package sandbox

import (
	"slices"
	"sync/atomic"
	"time"
)

// waiting counts those that wait for their turn with the model: requests of HTTP that were not looked at yet, and all else (steps of requests, reports of
// processes, time). It is what a master calls its queue of events.
type waiting struct{ requests, steps atomic.Int64 }

// timings are those of the allocations of one master.
type timings struct {
	master string
	runs   timed // steps in which something was allocated
	late   timed // how late those were that come by the clock
}

// timings are those of the master that leads. It is called with the lock held.
func (s *Sandbox) timings() *timings {
	if master := s.cluster.MasterID(); s.timed.master != master {
		s.timed = timings{master: master}
	}
	return &s.timed
}

// timed is how long something took, the last times that it happened.
type timed struct {
	last []time.Duration // the latest at the end
}

// mostTimed is how many times are kept (Mesos: the same).
const mostTimed = 1000

func (t *timed) note(took time.Duration) {
	if t.last = append(t.last, took); len(t.last) > mostTimed {
		t.last = t.last[1:]
	}
}

// into adds what a master shows of such times, in milliseconds.
func (t *timed) into(values map[string]float64, name string) {
	if len(t.last) == 0 {
		return
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	values[name] = ms(t.last[len(t.last)-1])
	if len(t.last) < 2 {
		return
	}
	sorted := slices.Sorted(slices.Values(t.last))
	for suffix, rank := range map[string]float64{"min": 0, "p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999, "p9999": 0.9999, "max": 1} {
		at := rank * float64(len(sorted)-1)
		low, part := int(at), at-float64(int(at))
		high := min(low+1, len(sorted)-1)
		values[name+"/"+suffix] = ms(sorted[low])*(1-part) + ms(sorted[high])*part
	}
	values[name+"/count"] = float64(len(sorted))
}
