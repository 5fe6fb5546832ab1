package cluster

import (
	"maps"
	"slices"
	"time"
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
	admitted    map[string]string    // agents that belong to the cluster: their hostnames, by id
	unreachable map[string]time.Time // since when
	gone        map[string]time.Time
}

func newRegistry() registry {
	return registry{
		admitted: map[string]string{}, unreachable: map[string]time.Time{}, gone: map[string]time.Time{},
	}
}

// admit notes that an agent belongs to the cluster, as one that answers.
func (r *registry) admit(a *agent) {
	r.admitted[a.id] = a.hostname
	delete(r.unreachable, a.id)
}

// forget removes an agent as if it never had been.
func (r *registry) forget(id string) {
	delete(r.admitted, id)
	delete(r.unreachable, id)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
