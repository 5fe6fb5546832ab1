package machine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/quobyte/mesos-framework/offers"
)

// PodOperation is an operation before a pod's launch of which Mesos has not told how it went. It is taken off the record before what Mesos
// says is acknowledged.
type PodOperation struct {
	ID      string `json:"id"`
	AgentID string `json:"agent_id"`
}

// nameOperations gives the operations before a pod's launch ids, so that Mesos tells how they went. Without, a refusal is silent,
// and all that is seen of it is a task that lacks resources (mesos-traces F51). They take the place of those of an earlier launch, which are
// of no interest any more.
func (m *Machine) nameOperations(now time.Time, random [16]byte, p *Pod, at offers.Placement) []offers.Operation {
	m.forgetOperations(p)
	delete(m.opRefused, p.Name)
	if m.cfg.SilentOperations {
		return at.Operations
	}
	for i := range at.Operations {
		op := &at.Operations[i]
		if op.Type == offers.Launch {
			continue
		}
		unique := uuid.NewSHA1(uuid.UUID(random), []byte(fmt.Sprintf("operation/%s/%d", p.Name, i)))
		op.ID = fmt.Sprintf("%s-%s__%s", strings.ToLower(string(op.Type)), p.Name, unique)
		p.Operations = append(p.Operations, PodOperation{ID: op.ID, AgentID: at.AgentID})
		m.operations[op.ID] = p.Name
		m.opAsked[op.ID] = question{next: now.Add(stagingPatience)}
		m.touchPod(p)
	}
	return at.Operations
}

// forgetOperations asks no more how a pod's operations went.
func (m *Machine) forgetOperations(p *Pod) {
	for _, o := range slices.Clone(p.Operations) {
		m.strike(p, o.ID)
	}
}

// dropOperations: what was asked for with a call that failed is not done.
func (m *Machine) dropOperations(c Accept) {
	for i := range c.Operations {
		if p := m.pods[m.operations[c.Operations[i].ID]]; p != nil {
			m.strike(p, c.Operations[i].ID)
		}
	}
}

// strike takes an operation off the record.
func (m *Machine) strike(p *Pod, id string) {
	delete(m.operations, id)
	delete(m.opAsked, id)
	p.Operations = slices.DeleteFunc(p.Operations, func(o PodOperation) bool { return o.ID == id })
	m.touchPod(p)
}

// takeOperation notes how an operation went. What it made shows in later offers, which count; but why one was refused is told
// nowhere else.
func (m *Machine) takeOperation(now time.Time, s OperationStatus) {
	if m.acknowledge(now, s.UUID) {
		m.calls = append(m.calls, AcknowledgeOperation{OperationID: s.OperationID, AgentID: s.AgentID, Provider: s.Provider, UUID: s.UUID})
	}
	if r := m.releases[m.releasing[s.OperationID]]; r != nil {
		m.takeReleased(now, r, s)
		return
	}
	p := m.pods[m.operations[s.OperationID]]
	if p == nil {
		return
	}
	kind, _, _ := strings.Cut(s.OperationID, "-"+p.Name)
	kind = strings.ToUpper(kind)
	switch s.State {
	case "FINISHED":
		m.strike(p, s.OperationID)
	case "ERROR", "FAILED", "DROPPED":
		m.strike(p, s.OperationID)
		m.operationRefused(now, p, kind, fmt.Sprintf("Mesos refused to %s: %s", kind, kept(s.Message)))
	case "GONE_BY_OPERATOR": // whatever it made, nobody will ever be offered it
		m.strike(p, s.OperationID)
		m.operationLost(p, kind, fmt.Sprintf("%s: its agent was marked gone", kind))
	case "UNKNOWN":
		// The master holds the outcome until we have acknowledged it, and we do that only when it is off the record: so it never had the operation, or
		// has refused it and told nobody who was there to hear. But a master that has just started knows nothing of agents that are not back yet,
		// and says the same of them (mesos-traces F62).
		if p.Claim != nil && len(m.agents[p.Claim.Host]) > 0 {
			m.strike(p, s.OperationID)
			m.operationLost(p, kind, fmt.Sprintf("Mesos does not know of %s: it was refused, or never got there", kind))
			return
		}
		m.askAgain(now, s.OperationID)
	default: // UNREACHABLE, RECOVERING, PENDING: the agent will tell when it is back
		m.askAgain(now, s.OperationID)
	}
}

func (m *Machine) askAgain(now time.Time, id string) {
	if _, open := m.opAsked[id]; !open {
		m.opAsked[id] = question{next: now.Add(reconcileRetry[0])}
	}
}

// operationRefused notes why Mesos did not do what comes before a launch.
func (m *Machine) operationRefused(now time.Time, p *Pod, kind, why string) {
	m.noteRefusal(p, why)
	if p.Claim != nil && p.Claim.Growing != 0 && strings.EqualFold(kind, string(offers.GrowVolume)) {
		m.notGrown(now, p, why)
	}
}

// operationLost notes that nobody did, which is nobody's fault: a volume is let grow again without a wait.
func (m *Machine) operationLost(p *Pod, kind, why string) {
	m.noteRefusal(p, why)
	if p.Claim != nil && p.Claim.Growing != 0 && strings.EqualFold(kind, string(offers.GrowVolume)) {
		p.Claim.Growing = 0
		m.touchPod(p)
	}
}

// noteRefusal keeps the first: those that follow fail because of it.
func (m *Machine) noteRefusal(p *Pod, why string) {
	if m.opRefused[p.Name] == "" {
		m.opRefused[p.Name] = why
	}
}

// reconcileOperations asks Mesos how operations went: all that are on record after every subscription and every ReconcileInterval, and again
// those of which it said nothing, or nothing that settles it.
func (m *Machine) reconcileOperations(now time.Time, all bool) {
	if all {
		for _, p := range m.order {
			for _, o := range p.Operations {
				m.opAsked[o.ID] = question{next: now}
			}
		}
		for id := range m.releasing {
			m.opAsked[id] = question{next: now}
		}
	}
	if len(m.opAsked) == 0 {
		return
	}
	var batch []OperationRef
	for _, o := range m.openOperations() {
		q, open := m.opAsked[o.ID]
		switch {
		case !open:
			continue
		case now.Before(q.next):
			m.wakeAt(q.next)
			continue
		}
		batch = append(batch, OperationRef{OperationID: o.ID, AgentID: o.AgentID})
		next := now.Add(reconcileRetry[min(q.asked, len(reconcileRetry)-1)])
		m.opAsked[o.ID] = question{next: next, asked: q.asked + 1}
		m.wakeAt(next)
	}
	for part := range slices.Chunk(batch, reconcileBatch) {
		m.calls = append(m.calls, ReconcileOperations{Operations: part})
	}
}

// openOperations are those on record of which Mesos has not told how they went, in order.
func (m *Machine) openOperations() []PodOperation {
	var out []PodOperation
	for _, p := range m.order {
		out = append(out, p.Operations...)
	}
	for _, r := range m.sortedReleases() {
		out = append(out, r.Operations...)
	}
	return out
}
