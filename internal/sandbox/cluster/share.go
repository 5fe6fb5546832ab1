package cluster

import (
	"slices"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Who of several is offered something is decided in two steps, as by Mesos: among the roles, then among the frameworks of
// the role. In both, the one with the smaller dominant share comes first, then the one that had fewer turns, then the one
// whose name is first. The shares of roles are divided by their weights.

// standing is what decides between two that want the same.
type standing struct {
	share float64 // the largest fraction of any scalar resource of the cluster
	turns int
	name  string
}

func (s standing) before(other standing) bool {
	switch {
	case s.share != other.share:
		return s.share < other.share
	case s.turns != other.turns:
		return s.turns < other.turns
	}
	return s.name < other.name
}

// turn is a framework with a role that it was offered something for.
type turn struct{ framework, role string }

func (c *Cluster) noteTurn(f *framework, role string) { c.turns[turn{f.id, role}]++ }

// forgetTurns forgets those of roles that nobody has any more, and of frameworks that have left.
func (c *Cluster) forgetTurns() {
	for t := range c.turns {
		f := c.frameworkByID(t.framework)
		if f == nil || !slices.Contains(f.roles(), t.role) {
			delete(c.turns, t)
		}
	}
}

// first is the claim whose turn it is; the zero claim if there is none. Shares are not looked at if there is only one.
func (c *Cluster) first(claims []claim) claim {
	if len(claims) == 0 {
		return claim{}
	}
	best := claims[0]
	for _, other := range claims[1:] {
		if c.precedes(other, best) {
			best = other
		}
	}
	return best
}

func (c *Cluster) precedes(x, y claim) bool {
	if x.role == y.role {
		one := func(z claim) standing {
			return c.standing(z.f.id, func(f *framework, role string) bool { return f == z.f && role == z.role })
		}
		return one(x).before(one(y))
	}
	a, b := fork(x.role, y.role)
	group := func(path string) standing {
		s := c.standing(path, func(_ *framework, role string) bool { return inGroup(role, path) })
		s.share /= c.weight(path)
		return s
	}
	return group(a).before(group(b))
}

// fork gives the highest groups of roles that two roles do not share. A role with roles below it stands among them as
// role/. of its own (a/b and a fork at a/b and a/.).
func fork(x, y string) (string, string) {
	a, b := strings.Split(x+"/.", "/"), strings.Split(y+"/.", "/")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return strings.Join(a[:i+1], "/"), strings.Join(b[:i+1], "/")
		}
	}
	return x, y
}

func inGroup(role, path string) bool {
	return role+"/." == path || role == path || below(role, path)
}

// standing adds up what frameworks have for some of their roles: what they are offered, and what their executors and tasks
// use.
func (c *Cluster) standing(name string, member func(f *framework, role string) bool) standing {
	s := standing{name: name}
	var has, total Resources
	for _, a := range c.agents {
		total = total.plus(a.total)
		for _, id := range a.executors.keys {
			if e := a.executors.of[id]; member(e.framework, e.resources.role()) {
				has = has.plus(e.resources)
			}
		}
	}
	for _, o := range c.offers {
		if member(o.framework, o.role) {
			has = has.plus(o.resources)
		}
	}
	for _, f := range c.frameworks {
		for _, id := range f.tasks.keys {
			if t := f.tasks.of[id]; !terminal(t.known) && member(f, t.role) {
				has = has.plus(t.resources)
			}
		}
		for _, role := range f.roles() {
			if member(f, role) {
				s.turns += c.turns[turn{f.id, role}]
			}
		}
	}
	for _, q := range total.list {
		if q.typ == mesos.SCALAR {
			s.share = max(s.share, float64(has.scalar(q.kind.name))/float64(total.scalar(q.kind.name)))
		}
	}
	return s
}

// role is the role that resources are allocated to, "" if there are none.
func (r Resources) role() string {
	for _, q := range r.list {
		return q.kind.allocation
	}
	return ""
}
