package machine

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// stranger is a task of ours that no pod has.
type stranger struct {
	Agent string    `json:"agent"`
	State TaskState `json:"state"`
	Since time.Time `json:"since,omitzero"` // that it is in this state
}

// takeStranger notes a task of ours that no pod has or had. It is shown to the operator, for as long as Mesos knows of it: one that it does not
// know, or that is on an agent that was marked gone, nobody can do anything about.
func (m *Machine) takeStranger(now time.Time, s TaskStatus) {
	before := len(m.strangers)
	known := m.strangers[s.TaskID]
	switch {
	case s.State.Terminal() || s.State == Unknown || s.State == GoneByOperator:
		delete(m.strangers, s.TaskID)
	default: // also what is out of sight: it may still run, and be back
		next := stranger{Agent: cmp.Or(s.AgentID, known.Agent), State: s.State, Since: known.Since}
		if known.State != s.State {
			next.Since, m.changed = now, true
		}
		m.strangers[s.TaskID] = next
	}
	m.changed = m.changed || before != len(m.strangers)
}

// strangerRefs are the strangers, to be asked about by name: of what it does not know any more Mesos says nothing when it is asked about everything, and
// an agent that never comes back would be shown for ever.
func (m *Machine) strangerRefs() []TaskRef {
	if len(m.strangers) == 0 {
		return nil
	}
	refs := make([]TaskRef, 0, len(m.strangers))
	for id, s := range m.strangers {
		refs = append(refs, TaskRef{TaskID: id, AgentID: s.Agent})
	}
	slices.SortFunc(refs, func(a, b TaskRef) int { return strings.Compare(a.TaskID, b.TaskID) })
	return refs
}

// hearsFirst is how long Mesos has to tell what runs, after it was asked about everything, before anything but scouts is launched by the records of an older
// process.
const hearsFirst = 3 * time.Second

// reasonReconciliation is that of statuses that answer a question.
const reasonReconciliation = "RECONCILIATION"

// hearsAgain is the least time between two of those questions: agents come back one by one, and the answer of a large cluster is long.
const hearsAgain = time.Second

// hearing is what a process that took over records has asked Mesos in this session about what these may not know. It tells of agents that it knows: of one
// that comes back later it has to be asked again.
type hearing struct {
	// Asked is when Mesos was asked about everything, by agent: those that it is known to have known then.
	Asked map[string]time.Time `json:"asked,omitempty"`
	Last  time.Time            `json:"last,omitzero"`
	// Named: since then it was asked about tasks by name.
	Named bool `json:"named,omitempty"`
	// Wanted: a pod waits for what Mesos tells of an agent that is not among those.
	Wanted bool `json:"wanted,omitempty"`
}

// hears notes that Mesos has answered a question about a task on an agent. If it was asked about everything last, it knew the agent then, and tells all that
// runs there.
func (h *hearing) hears(s TaskStatus) {
	answered := s.Source == "MASTER" && s.Reason == reasonReconciliation && !s.State.Unproven()
	if !answered || h.Named || h.Last.IsZero() {
		return
	}
	if _, asked := h.Asked[s.AgentID]; !asked {
		h.Asked[s.AgentID] = h.Last
	}
}

// noteNamed notes whether Mesos is asked about tasks by name after it was asked about everything. Mesos: a KILL of a task that it does not know is such a
// question.
func (m *Machine) noteNamed() {
	for _, c := range m.calls {
		switch c := c.(type) {
		case Reconcile:
			m.hearing.Named = len(c.Tasks) > 0
		case Kill:
			m.hearing.Named = true
		}
	}
}

// due says whether Mesos is to be asked now.
func (h *hearing) due(now time.Time) bool {
	return h.Wanted && !now.Before(h.Last.Add(hearsAgain))
}

// hasAsked notes that Mesos is asked about everything.
func (m *Machine) hasAsked(now time.Time) {
	h := &m.hearing
	h.Last, h.Wanted = now, false
	if h.Asked == nil {
		h.Asked = map[string]time.Time{}
	}
	for _, agents := range m.agents {
		for i := range agents {
			if _, asked := h.Asked[agents[i].id]; !asked {
				h.Asked[agents[i].id] = now
			}
		}
	}
}

// hears says whether a pod waits for what Mesos tells of tasks that the records may not know. Scouts only look, and others that are not bound to a host
// wait no longer than for the first answer.
func (m *Machine) hears(now time.Time, p *Pod) bool {
	if m.hearsUntil.IsZero() || p.Type == m.service.Scout() { // nothing was launched before this process
		return false
	}
	waits := now.Before(m.hearsUntil)
	if waits {
		m.wakeAt(m.hearsUntil)
	}
	for i := range m.agents[p.Host] {
		waits = p.Bound && m.hearsOf(now, m.agents[p.Host][i].id) || waits
	}
	return waits
}

func (m *Machine) hearsOf(now time.Time, agent string) bool {
	h := &m.hearing
	asked, known := h.Asked[agent]
	end := asked.Add(hearsFirst)
	switch {
	case !known:
		h.Wanted = true
		m.wakeAt(later(now, h.Last.Add(hearsAgain)))
		return true
	case now.Before(end):
		m.wakeAt(end)
		return true
	}
	return false
}

// heardFirst is why a pod is not launched meanwhile.
func (m *Machine) heardFirst(now time.Time, p *Pod) plans.Hold {
	if now.Before(m.hearsUntil) {
		return plans.Hold{
			Code: plans.CodeUnknownTask, Subject: m.service.Name(), Since: m.connection.Since, Until: m.hearsUntil,
			Text: fmt.Sprintf("asks Mesos first what runs, until %s", m.hearsUntil.UTC().Format("15:04:05Z")),
		}
	}
	return plans.Hold{
		Code: plans.CodeUnknownTask, Subject: p.Host, Since: m.connection.Since,
		Text: fmt.Sprintf("asks Mesos first what runs on host %s, which was not offered before in this session", p.Host),
	}
}

// namesake is the task of ours that no record knows, and that bears a pod's name, or is one of its type on its host: the records are older than it, a backup
// perhaps. It may run on the pod's device, so no other is launched beside it. Empty: there is none. Scouts only look; there may be two.
func (m *Machine) namesake(p *Pod) string {
	if len(m.strangers) == 0 || p.Type == m.service.Scout() {
		return ""
	}
	first := ""
	for id, s := range m.strangers {
		if (m.bears(id, p.Name, p.Type) || p.Bound && m.isOf(id, p.Type) && m.isOn(s.Agent, p.Host)) && (first == "" || id < first) {
			first = id
		}
	}
	return first
}

// bears says whether a task was made for a pod of that name.
func (m *Machine) bears(task, pod, podType string) bool {
	name, _, ours := strings.Cut(task, "__")
	return ours && name == pod+"-"+m.service.TaskName(podType)
}

// isOf says whether a task was made for some pod of a type.
func (m *Machine) isOf(task, podType string) bool {
	index, ours := strings.CutPrefix(task, podType+"-")
	index, _, _ = strings.Cut(index, "-")
	_, err := strconv.ParseUint(index, 10, 64)
	return ours && err == nil && m.bears(task, podType+"-"+index, podType)
}

// isOn says whether an agent is that of a host, or claims to be.
func (m *Machine) isOn(agent, host string) bool {
	h := m.hosts[host]
	return h != nil && h.AgentID == agent || m.agents[host].find(agent) >= 0
}

// taken is why a pod is not launched beside its namesake.
func (m *Machine) taken(p *Pod) plans.Hold {
	id := m.namesake(p)
	s := m.strangers[id]
	what := "bears the name of the pod"
	if !m.bears(id, p.Name, p.Type) {
		what = fmt.Sprintf("is a %s on the pod's host", p.Type)
	}
	end := "or end it: task kill " + id
	if s.State.Unproven() {
		end = "or, " + whoKnows(p)
	}
	return plans.Hold{
		Code: plans.CodeUnknownTask, Subject: id,
		Text: fmt.Sprintf("task %s on agent %s, which is %s, %s and is on no record: the records are older than it. Start with those that know it, %s",
			id, s.Agent, s.State, what, end),
	}
}
