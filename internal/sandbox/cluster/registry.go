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

// armPruning finds out when the registry next has something to forget. Masters look for that in a beat of their own.
func (c *Cluster) armPruning() {
	var oldest time.Time
	for _, since := range []map[string]time.Time{c.registry.unreachable, c.registry.gone} {
		for _, t := range since {
			oldest = earlier(oldest, t)
		}
	}
	c.pruneAt = time.Time{}
	if !oldest.IsZero() {
		c.prune(oldest)
	}
}

// prune arms the moment for one that is unreachable or gone since then, unless there is an older one.
func (c *Cluster) prune(since time.Time) {
	if c.pruneAt.IsZero() {
		beats := since.Add(c.cfg.RegistryAge).Sub(c.started)/c.cfg.RegistryPruning + 1
		c.pruneAt = c.started.Add(max(beats, 1) * c.cfg.RegistryPruning)
	}
}

// pruneDue forgets agents that have been unreachable or gone for long, with the tasks that they had: to who asks they are unknown then, and they may
// register once more.
func (c *Cluster) pruneDue() {
	if !due(c.pruneAt, c.now) || !c.leads() {
		return
	}
	old := func(_ string, since time.Time) bool { return c.now.Sub(since) > c.cfg.RegistryAge }
	before := maps.Clone(c.registry.unreachable)
	maps.DeleteFunc(c.registry.unreachable, old)
	maps.DeleteFunc(c.registry.gone, old)
	for _, f := range c.frameworks {
		for _, id := range slices.Clone(f.unreachable.keys) {
			agent := f.unreachable.of[id].agent.id
			_, was := before[agent]
			if _, is := c.registry.unreachable[agent]; was && !is {
				f.unreachable.drop(id)
			}
		}
	}
	c.armPruning()
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
