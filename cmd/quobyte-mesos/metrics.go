package main

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/quobyte/mesos-framework/engine"
	"github.com/quobyte/mesos-framework/engine/api"
	"github.com/quobyte/mesos-framework/engine/mesos"
)

// loopMetrics are what tells of a disk or a ZooKeeper that is slow.
func loopMetrics(s engine.Stats) []api.Metric {
	one := func(name, help string, counter bool, value float64) api.Metric {
		return api.Metric{Name: name, Help: help, Counter: counter, Samples: []api.Sample{{Value: value}}}
	}
	return []api.Metric{
		one("framework_inbox_events", "Events and verbs that wait for the scheduler; at 1024 it reads no more of what the master sends.", false, float64(s.Events)),
		one("framework_inbox_offers", "Offers among the events that wait; at 20000 it reads no more of what the master sends.", false, float64(s.Offers)),
		one("framework_commits_total", "Commits of the durable state.", true, float64(s.Commits)),
		one("framework_commit_seconds_total", "What all commits took.", true, s.CommitTime.Seconds()),
		one("framework_commit_pending_seconds", "How long a commit has been under way, 0 if none is.", false, s.Committing.Seconds()),
		one("framework_clock_ahead_seconds", "By how much the scheduler's times are ahead of the time of day, because that was set back.", false, s.ClockAhead.Seconds()),
	}
}

// processMetrics are what the process takes. There are none where the system does not tell as Linux does.
func processMetrics() []api.Metric {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return nil
	}
	var size, resident int
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		return nil
	}
	return []api.Metric{{
		Name: "process_resident_memory_bytes", Help: "Memory of the framework's process that is not swapped out.",
		Samples: []api.Sample{{Value: float64(resident * os.Getpagesize())}},
	}}
}

// sessionMetrics are what the session with Mesos has counted.
func sessionMetrics(s mesos.Stats) []api.Metric {
	counter := func(name, help string, value uint64) api.Metric {
		return api.Metric{Name: name, Help: help, Counter: true, Samples: []api.Sample{{Value: float64(value)}}}
	}
	calls := api.Metric{Name: "framework_mesos_calls_total", Help: "Calls to the master by what came of them.", Counter: true}
	for _, name := range slices.Sorted(maps.Keys(s.Calls)) {
		o := s.Calls[name]
		for _, outcome := range []struct {
			name  string
			value uint64
		}{{"accepted", o.Accepted}, {"refused", o.Refused}, {"ambiguous", o.Ambiguous}, {"lost", o.Lost}} {
			calls.Samples = append(calls.Samples, api.Sample{Labels: []string{"call", name, "outcome", outcome.name}, Value: float64(outcome.value)})
		}
	}
	last := api.Metric{Name: "framework_mesos_last_event_timestamp_seconds", Help: "When the master was last heard, heartbeats included."}
	if !s.LastEvent.IsZero() {
		last.Samples = []api.Sample{{Value: float64(s.LastEvent.UnixMilli()) / 1000}}
	}
	return []api.Metric{
		counter("framework_mesos_subscriptions_total", "Subscriptions that stood.", s.Subscriptions),
		counter("framework_mesos_events_total", "Events of the master, heartbeats included.", s.Events),
		counter("framework_mesos_events_skipped_total", "Events that nobody uses, or that are not known.", s.Skipped),
		counter("framework_mesos_event_bytes_total", "Bytes of events.", s.Bytes),
		counter("framework_mesos_offers_total", "Offers.", s.Offers),
		{Name: "framework_mesos_calls_queued", Help: "Calls that wait to be sent.", Samples: []api.Sample{{Value: float64(s.Queued)}}},
		calls, last,
	}
}
