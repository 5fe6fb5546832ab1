package machine

import (
	"slices"
	"time"
)

// clampTimes brings times from the records that lie in the future, because the clock was wrong, to where they can't hold anything up, and has
// that recorded: otherwise they would move with every start. What operators said and what was begun keep their order, a nanosecond apart: a restart
// concerns what was begun before it.
func (m *Machine) clampTimes(now time.Time) {
	clamp := func(key string, latest time.Time, times ...*time.Time) {
		for _, t := range times {
			if t.After(latest) {
				*t = latest
				m.dirty[key] = true
			}
		}
	}
	ahead := m.begunAfter(now)
	place := func(t time.Time) time.Time { return now.Add(time.Duration(1 + slices.IndexFunc(ahead, t.Equal))) }
	order := func(key string, times ...*time.Time) {
		for _, t := range times {
			clamp(key, place(*t), t)
		}
	}
	for _, h := range m.hosts {
		clamp(prefixHost+h.Key, now, &h.FirstSeen, &h.ReportedAt)
	}
	for _, p := range m.pods {
		order(prefixPod+p.Name, &p.CompletedAt, &p.BegunAt)
		clamp(prefixPod+p.Name, now, &p.Fallen)
		clamp(prefixPod+p.Name, now.Add(m.cfg.BackoffMax), &p.NextTry)
		if p.Stop != nil {
			order(prefixPod+p.Name, &p.Stop.At)
		}
		if t := p.Task; t != nil {
			order(prefixPod+p.Name, &t.LaunchedAt)
			clamp(prefixPod+p.Name, now, &t.StateAt, &t.Healthy)
		}
	}
	for key, f := range m.facts {
		if c := f.Clamped(place(f.At)); !c.At.Equal(f.At) {
			m.facts[key] = c
			m.dirty[key] = true
		}
	}
	if run := m.run.Clamped(now); !run.Equal(m.run) {
		m.run = run
		m.dirty[keyRun] = true
	}
}

// begunAfter are the times after now at which operators said something or pods were begun, in their order.
func (m *Machine) begunAfter(now time.Time) []time.Time {
	var ahead []time.Time
	add := func(times ...time.Time) {
		for _, t := range times {
			if t.After(now) {
				ahead = append(ahead, t)
			}
		}
	}
	for _, p := range m.pods {
		add(p.CompletedAt, p.BegunAt)
		if p.Stop != nil {
			add(p.Stop.At)
		}
		if p.Task != nil {
			add(p.Task.LaunchedAt)
		}
	}
	for _, f := range m.facts {
		add(f.At)
	}
	slices.SortFunc(ahead, time.Time.Compare)
	return slices.CompactFunc(ahead, time.Time.Equal)
}
