package cluster

import (
	"maps"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/maintenance"
)

// RegistryKind is where a master keeps what it must not forget.
type RegistryKind int

const (
	// Replicated is a log that every master reads when it begins to lead (Mesos: replicated_log). Agents of before are
	// "recovered" until they come back: nobody is told anything of their tasks, see F63.
	Replicated RegistryKind = iota
	// InMemory forgets everything with the master that had it (Mesos: in_memory), see F62.
	InMemory
)

// registry is what outlives the master that leads: which agents belong to the cluster, and what operators said of them.
type registry struct {
	admitted    map[string]mesos.AgentInfo // agents that belong to the cluster, by id
	unreachable map[string]time.Time       // since when
	gone        map[string]time.Time

	draining    map[string]*drain // agents that operators want emptied, by id
	deactivated map[string]bool   // agents whose resources are not offered, by id
	windows     []maintenance.Window
	machines    []*machine         // those in windows
	quotas      map[string]quota   // by role
	weights     map[string]float64 // by role
}

func newRegistry() registry {
	return registry{
		admitted: map[string]mesos.AgentInfo{}, unreachable: map[string]time.Time{}, gone: map[string]time.Time{},
		draining: map[string]*drain{}, deactivated: map[string]bool{}, quotas: map[string]quota{}, weights: map[string]float64{},
	}
}

// admit notes that an agent belongs to the cluster, as one that answers.
func (r *registry) admit(a *agent) {
	r.admitted[a.id] = a.shownInfo()
	delete(r.unreachable, a.id)
}

// giveUp notes that an agent belongs to the cluster but does not answer. What operators wanted of it stays.
func (r *registry) giveUp(id string, now time.Time) {
	delete(r.admitted, id)
	r.unreachable[id] = now
}

// forget removes an agent as if it never had been.
func (r *registry) forget(id string) {
	delete(r.admitted, id)
	delete(r.unreachable, id)
	delete(r.draining, id)
	delete(r.deactivated, id)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
