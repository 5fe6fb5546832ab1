package machine

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/quobyte/mesos-framework/offers"
)

// nameOperations gives the operations before a pod's launch ids, so that Mesos tells how they went. Without, a refusal is silent,
// and all that is seen of it is a task that lacks resources (mesos-traces F51).
func (m *Machine) nameOperations(random [16]byte, p *Pod, ops []offers.Operation) []offers.Operation {
	if m.cfg.SilentOperations {
		return ops
	}
	for i := range ops {
		if ops[i].Type == offers.Launch {
			continue
		}
		unique := uuid.NewSHA1(uuid.UUID(random), []byte(fmt.Sprintf("operation/%s/%d", p.Name, i)))
		ops[i].ID = fmt.Sprintf("%s-%s__%s", strings.ToLower(string(ops[i].Type)), p.Name, unique)
		m.operations[ops[i].ID] = p.Name
	}
	return ops
}

// takeOperation notes how an operation went. What it made shows in later offers, which count; but why one was refused is told
// nowhere else.
func (m *Machine) takeOperation(now time.Time, s OperationStatus) {
	if len(s.UUID) > 0 {
		m.calls = append(m.calls, AcknowledgeOperation{OperationID: s.OperationID, AgentID: s.AgentID, Provider: s.Provider, UUID: s.UUID})
	}
	name, ours := m.operations[s.OperationID]
	delete(m.operations, s.OperationID)
	p := m.pods[name]
	if !ours || p == nil || s.State != "ERROR" && s.State != "FAILED" && s.State != "DROPPED" {
		return
	}
	kind, _, _ := strings.Cut(s.OperationID, "-"+name)
	why := fmt.Sprintf("Mesos refused to %s: %s", strings.ToUpper(kind), s.Message)
	if m.opRefused[name] == "" { // those that follow fail because the first one did
		m.opRefused[name] = why
	}
	if p.Claim != nil && p.Claim.Growing != 0 && strings.EqualFold(kind, string(offers.GrowVolume)) {
		m.notGrown(now, p, why)
	}
}
