package machine

import (
	"cmp"
	"fmt"
	"slices"
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

// hearsFirst is how long after the first subscription of a process nothing but scouts is launched by the records of an older one: Mesos, asked about
// everything, tells in that time what runs that they do not know. From agents that are not back yet it can't.
const hearsFirst = 3 * time.Second

// hears says whether that time is not over.
func (m *Machine) hears(now time.Time, p *Pod) bool {
	if !now.Before(m.hearsUntil) || p.Type == m.service.Scout() {
		return false
	}
	m.wakeAt(m.hearsUntil)
	return true
}

// hearing is why nothing is launched meanwhile.
func (m *Machine) hearing() plans.Hold {
	return plans.Hold{
		Code: plans.CodeUnknownTask, Subject: m.service.Name(), Since: m.connection.Since, Until: m.hearsUntil,
		Text: fmt.Sprintf("asks Mesos first what runs, until %s", m.hearsUntil.UTC().Format("15:04:05Z")),
	}
}

// namesake is the task of ours that bears a pod's name and that no record knows: the records are older than it, a backup perhaps. It may run on the
// pod's device, so no other is launched beside it. Empty: there is none. Scouts only look; there may be two.
func (m *Machine) namesake(p *Pod) string {
	if len(m.strangers) == 0 || p.Type == m.service.Scout() {
		return ""
	}
	first := ""
	for id := range m.strangers {
		if name, _, ours := strings.Cut(id, "__"); ours && name == p.Name+"-"+m.service.TaskName(p.Type) && (first == "" || id < first) {
			first = id
		}
	}
	return first
}

// taken is why a pod is not launched beside its namesake.
func (m *Machine) taken(p *Pod) plans.Hold {
	id := m.namesake(p)
	s := m.strangers[id]
	return plans.Hold{
		Code: plans.CodeUnknownTask, Subject: id,
		Text: fmt.Sprintf("task %s on agent %s, which is %s, bears the name of the pod and is on no record: the records are older than it. Start with those that know it, or end it: task kill %s",
			id, s.Agent, s.State, id),
	}
}
