package machine

import (
	"fmt"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// pace bounds how many launches are on their way at once, when pods have come too late for their offers again and again: calls go one after the other, and over a
// slow line to a master that soon takes offers back the last of many would come too late each time, in whatever number they are sent. One drop, or two, are races
// that happen anywhere, and bound nothing.
type pace struct {
	Limit int       `json:"limit,omitempty"` // how many; 0: no bound
	Cut   time.Time `json:"cut,omitzero"`    // when the limit was last made smaller: later drops of launches from before say nothing new
	Late  time.Time `json:"late,omitzero"`   // when the last launch came too late
	Good  int       `json:"good,omitempty"`  // launches since that the limit became what it is that got there
}

// paceWindow is how long a launch counts as on its way: what Mesos has not said anything of by then is not in a queue any more.
const paceWindow = 15 * time.Second

// paceFor is how long launches are bounded after the last one that came too late.
const paceFor = 2 * time.Minute

// tooLate says that a launch came too late for its offers, and how often in a row that has happened to its pod.
func (m *Machine) tooLate(now time.Time, t *PodTask, inRow int) {
	if m.pace.Limit > 0 {
		m.pace.Late = now
	}
	if inRow <= freeRelaunches || !m.pace.Cut.IsZero() && !t.LaunchedAt.After(m.pace.Cut) {
		return
	}
	m.pace = pace{Limit: max(1, (m.onTheirWay(now)+1)/2), Cut: now, Late: now}
}

// gotThere says that a launch came to its agent.
func (m *Machine) gotThere(t *PodTask) {
	if m.pace.Limit == 0 || !t.LaunchedAt.After(m.pace.Cut) {
		return
	}
	if m.pace.Good++; m.pace.Good == m.pace.Limit {
		m.pace.Limit, m.pace.Good = m.pace.Limit+1, 0
	}
}

// onTheirWay counts the launches of which Mesos has said nothing yet.
func (m *Machine) onTheirWay(now time.Time) int {
	n := 0
	for _, p := range m.order {
		if p.Task != nil && p.Task.State == Staging && now.Sub(p.Task.LaunchedAt) < paceWindow {
			n++
		}
	}
	return n
}

// room is how many launches may be added now; -1: any number.
func (m *Machine) room(now time.Time) int {
	end := m.pace.Late.Add(paceFor)
	switch {
	case m.pace.Limit == 0:
		return -1
	case !now.Before(end):
		m.pace = pace{}
		return -1
	}
	room := m.pace.Limit - m.onTheirWay(now)
	if room <= 0 {
		m.wakeAt(now.Add(min(paceWindow, end.Sub(now)))) // unless something is heard before
	}
	return max(room, 0)
}

// paced is why a pod is not launched although it fits.
func (m *Machine) paced(p *Pod) plans.Hold {
	return plans.Hold{
		Code: plans.CodeLaunching, Subject: p.Name,
		Text: fmt.Sprintf("waits for launches that are on their way, at most %d at once: Mesos has taken back offers before others got there", m.pace.Limit),
	}
}
