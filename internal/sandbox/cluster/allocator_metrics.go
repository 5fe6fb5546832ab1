package cluster

import (
	"slices"
	"strings"
)

// AllocatorMetrics are what the master's allocator shows of itself, by its names without "allocator/mesos/". Sizes are as in offers.
func (c *Cluster) AllocatorMetrics() map[string]float64 {
	values := map[string]float64{"allocation_runs": float64(c.allocationRuns())}
	all := amounts{}
	for _, role := range c.groupsOfRoles() {
		taken := c.taken(role)
		if !strings.Contains(role, "/") {
			all.add(taken)
		}
		if role == "" { // the last
			taken = all
		}
		for _, name := range sortedKeys(taken) {
			if taken[name] > 0 {
				values["quota/roles/"+role+"/resources/"+name+"/consumed"] = thousandths(taken[name])
			}
		}
	}
	for role, q := range c.registry.quotas {
		c.quotaMetrics(values, role, q)
	}
	for _, f := range c.frameworks {
		for _, role := range f.roles() {
			values["offer_filters/roles/"+role+"/active"] += float64(f.filtersOf(role))
			s := c.standing(role, func(_ *framework, other string) bool { return other == role })
			values["roles/"+role+"/shares/dominant"] = s.share / c.weight(role)
		}
	}
	return values
}

func (c *Cluster) quotaMetrics(values map[string]float64, role string, q quota) {
	prefix := "quota/roles/" + role + "/resources/"
	has := amounts{}
	for name, use := range c.rolesInUse() {
		if inGroup(name, role) {
			has.add(use.allocated.plus(use.offered).amounts())
		}
	}
	for what, sizes := range map[string]amounts{"/guarantee": q.guarantees, "/limit": q.limits} {
		for name, milli := range sizes {
			values[prefix+name+what] = thousandths(milli)
			values[prefix+name+"/offered_or_allocated"] = thousandths(has[name])
		}
	}
}

// Allocations counts how often the master that leads has looked for whom to offer something. It costs nothing.
func (c *Cluster) Allocations() int { return c.rounds.done }

// allocationRuns counts the rounds since this master leads, also those in which there was nothing to do, and all that something brought about
// between them.
func (c *Cluster) allocationRuns() int {
	if !c.leads() || c.now.Before(c.rounds.epoch) {
		return c.rounds.between
	}
	return c.rounds.between + int(c.now.Sub(c.rounds.epoch)/c.rounds.period) + 1
}

func (f *framework) filtersOf(role string) (n int) {
	for _, filter := range f.filters {
		if filter.role == role {
			n++
		}
	}
	return n
}

// groupsOfRoles are the roles that somebody has something for, with those above them, and "" for all.
func (c *Cluster) groupsOfRoles() []string {
	var groups []string
	for role := range c.rolesInUse() {
		for ; role != "" && !slices.Contains(groups, role); role = role[:max(0, strings.LastIndexByte(role, '/'))] {
			groups = append(groups, role)
		}
	}
	slices.Sort(groups)
	return append(groups, "")
}

func thousandths(milli int64) float64 { return float64(milli) / 1000 }
