package offers

import (
	"container/heap"
	"slices"
)

// Round is what is decided at one time.
type Round struct {
	// Requirements are what pods need, the most urgent first.
	Requirements []Requirement
	// Offers are all that are held.
	Offers []Offer
	// Pods are all pods of ours that have a place, also on hosts that have nothing on offer, and those of Requirements that
	// had one. They are counted where placement counts, their ports are kept free, and those that are bound may come back to
	// their host.
	Pods []Pod
}

// Result answers one requirement: a placement, or the reasons why there is none.
type Result struct {
	Placement *Placement
	// Refusals says of each host, in the order of host keys, everything that it lacks. It ends after MaxRefusals; Refused is
	// how many there are in all.
	Refusals []Refusal
	Refused  int
	// Hosts is how many hosts were asked: all on offer, or only the one to which the requirement is bound.
	Hosts int
	// Summary counts the hosts of each kind of refusal, most hosts first. A host that lacks two things counts in two. It ends
	// after MaxKinds.
	Summary []Tally
	// Nearest is the host that lacks least, of those that only lack something; nil if there is none.
	Nearest *Nearest
}

// Place finds resources for each requirement, in the order given, so that no two get the same ones. It gives one result
// for each.
//
// A requirement that is bound to a host looks at that host only; one that has something reserved, at the hosts where that is: at its own if it
// is among them, otherwise at those that have most of its volumes. Any other looks at all hosts, and takes the one whose failure domain
// (region and zone) has the fewest pods of the type; among those the one that has the fewest itself; among those the one that it fits best,
// which is the one with least left over, each resource measured by what an average host has; among those the first by key.
//
// Offers of one agent and role are used together, because freed resources come back as separate small offers (FACTS 19).
func Place(r Round) []Result {
	if len(r.Requirements) == 0 {
		return nil
	}
	p := newPool(r.Offers, r.Pods, len(r.Requirements))
	results := make([]Result, len(r.Requirements))
	for i := range r.Requirements {
		results[i] = p.place(&r.Requirements[i])
	}
	return results
}

func (p *pool) place(r *Requirement) Result {
	returning := p.census.leave(r.Subject)
	n := p.needOf(r)
	best, hosts := p.choose(n)
	if best == nil {
		refused := p.refuse(n, hosts)
		if returning {
			p.census.back(r.Subject)
		}
		return refused
	}
	a := &p.scratch
	if a.slot != best || !a.fits {
		a.try(n, best, false)
	}
	placement := a.placement()
	a.commit()
	p.version++
	p.refresh(best.host)
	p.census.settle(Pod{Name: r.Subject, PodType: r.PodType, Site: *best.host.site(), Ports: placement.Ports}, best.host)
	return Result{Hosts: len(hosts), Placement: placement}
}

// choose finds the slot to use, nil if none will do, and the hosts that were asked.
func (p *pool) choose(n *need) (*slot, []host) {
	switch {
	case n.Host != "":
		at, ok := p.index[n.Host]
		if !ok {
			return nil, nil
		}
		return p.slotOf(&p.hosts[at], n), p.hosts[at : at+1]
	case n.bound:
		return p.heldSlot(n), p.hosts
	}
	return p.best(n), p.hosts
}

// heldSlot is the first slot with something reserved for the pod that has all that is needed: what is reserved there, and
// the data in it, must not be made anew elsewhere.
func (p *pool) heldSlot(n *need) *slot {
	for _, s := range n.held {
		if p.admits(s, n) && p.scratch.init(p).try(n, s, false) {
			return s
		}
	}
	return nil
}

func (a *attempt) init(p *pool) *attempt {
	a.pool = p
	return a
}

// rank is what hosts are compared by, each part before the next; less is better.
type rank struct {
	domain, host int32
	left         float64
}

func (r rank) before(o rank) bool {
	switch {
	case r.domain != o.domain:
		return r.domain < o.domain
	case r.host != o.host:
		return r.host < o.host
	}
	return r.left < o.left
}

// best is the best slot for a need that may go anywhere.
func (p *pool) best(n *need) *slot {
	p.scratch.init(p)
	// The first choice almost always fits: every host is compared by what is cheap to compare, one is looked at closely.
	first, ok := p.first(n)
	if !ok {
		return nil
	}
	if s := p.slotOf(&p.hosts[first.at], n); s != nil && p.left(s, n) == first.left {
		return s
	}
	return p.bestOf(p.choices(n), n)
}

// choice is a host with the rank that it has at best: what it offers for several roles, or under several agents, is ranked by
// the one that fits best, which may turn out to lack something.
type choice struct {
	rank
	at   int
	slot *slot // the slot to be used, once that is known; then the rank is exact
}

func (c choice) before(o choice) bool {
	if c.rank == o.rank {
		return c.at < o.at
	}
	return c.rank.before(o.rank)
}

// first is the best choice.
func (p *pool) first(n *need) (best choice, ok bool) {
	for i := range p.rows {
		row := &p.rows[i]
		if row.cpus < n.least.CPUs || row.mem < n.least.Mem || row.disk < n.least.Disk {
			continue
		}
		c := choice{rank: rank{domain: n.spread.domain[row.domain], host: n.spread.host[i]}, at: i}
		if ok && !c.rank.before(best.rank) {
			continue // with nothing left over it would not be better either
		}
		var fits bool
		if c.left, fits = p.leastLeft(&p.hosts[i], n); !fits || ok && !c.rank.before(best.rank) {
			continue
		}
		if p.excluded(&p.hosts[i], n).code == "" {
			best, ok = c, true
		}
	}
	return best, ok
}

// choices are all hosts that may be used and have enough cpus, mem and disk.
func (p *pool) choices(n *need) []choice {
	var all []choice
	for i := range p.rows {
		row := &p.rows[i]
		if row.cpus < n.least.CPUs || row.mem < n.least.Mem || row.disk < n.least.Disk {
			continue
		}
		c := choice{rank: rank{domain: n.spread.domain[row.domain], host: n.spread.host[i]}, at: i}
		var fits bool
		if c.left, fits = p.leastLeft(&p.hosts[i], n); fits && p.excluded(&p.hosts[i], n).code == "" {
			all = append(all, c)
		}
	}
	return all
}

// leastLeft is what the host's best slot would have left over, if that is ever so little; false if none is large enough.
func (p *pool) leastLeft(h *host, n *need) (least float64, ok bool) {
	for i := range h.slots {
		s := &h.slots[i]
		if s.all.CPUs < n.least.CPUs || s.all.Mem < n.least.Mem || s.all.Disk < n.least.Disk {
			continue
		}
		if left := p.left(s, n); !ok || left < least {
			least, ok = left, true
		}
	}
	return least, ok
}

// bestOf looks closely at one choice after the other, best first.
func (p *pool) bestOf(all []choice, n *need) *slot {
	queue := choiceQueue(all)
	heap.Init(&queue)
	for queue.Len() > 0 {
		c := &queue[0]
		if c.slot != nil {
			return c.slot
		}
		s := p.slotOf(&p.hosts[c.at], n)
		if s == nil {
			heap.Pop(&queue)
			continue
		}
		c.slot, c.left = s, p.left(s, n)
		heap.Fix(&queue, 0)
	}
	return nil
}

// choiceQueue is a heap.
type choiceQueue []choice

func (q choiceQueue) Len() int           { return len(q) }
func (q choiceQueue) Less(i, j int) bool { return q[i].before(q[j]) }
func (q choiceQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *choiceQueue) Push(x any)        { *q = append(*q, x.(choice)) }
func (q *choiceQueue) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}

// left is how much a slot would have left over, as the sum of the shares of what there is of each resource in all. The
// conversions keep a compiler from fusing operations, which would make the result depend on the machine.
func (p *pool) left(s *slot, n *need) float64 {
	return float64(float64(s.all.CPUs-n.least.CPUs)*p.perCPU) + float64(float64(s.all.Mem-n.least.Mem)*p.perMem) +
		float64(float64(s.all.Disk-n.least.Disk)*p.perDisk)
}

// slotOf is the slot of the host that is to be used, nil if none will do: by the order of the requirement's roles, then the
// one that it fits best.
func (p *pool) slotOf(h *host, n *need) *slot {
	if p.excluded(h, n).code != "" {
		return nil
	}
	a := p.scratch.init(p)
	var best *slot
	for i := range h.slots {
		if s := &h.slots[i]; p.admits(s, n) && (best == nil || p.preferred(s, best, n)) && a.try(n, s, false) {
			best = s
		}
	}
	return best
}

// preferred says whether a slot of a host is to be taken before another one.
func (p *pool) preferred(s, other *slot, n *need) bool {
	if a, b := n.roleOrder(s), n.roleOrder(other); a != b {
		return a < b
	}
	return p.left(s, n) < p.left(other, n)
}

func (n *need) heldOn(h *host) bool {
	for _, s := range n.held {
		if s.host == h {
			return true
		}
	}
	return false
}

// roleOrder is the place of the slot's role in the requirement's order, the same for all if it has none.
func (n *need) roleOrder(s *slot) int {
	for i, role := range n.Roles {
		if role == s.role() {
			return i
		}
	}
	return len(n.Roles)
}

// admits says whether the slot comes into question, and may be used for all that is known about its agent.
func (p *pool) admits(s *slot, n *need) bool {
	return n.considers(s) && n.willDo(s) && (s.unavailability == nil || p.returns(n, s.host))
}

// considers says whether the slot comes into question: if something is reserved, only where that is.
func (n *need) considers(s *slot) bool { return !n.bound || slices.Contains(n.held, s) }

// willDo says whether the slot's role is one that the requirement takes. Mesos: nothing can be reserved for the role *.
func (n *need) willDo(s *slot) bool {
	return (len(n.Roles) == 0 || n.roleOrder(s) < len(n.Roles)) && (n.Claim == nil || s.role() != "*")
}

// returns says whether the pod comes back to where it must be: something is reserved for it there, or it is bound to the host
// and has been there. What binds new pods does not bind it. A pod that may go elsewhere is placed anew each time.
func (p *pool) returns(n *need, h *host) bool {
	return n.heldOn(h) || n.Host == h.key && p.census.lives(n.Subject, h)
}

// excluded says which rule keeps the pod from the host, whatever the host has; none if the code is empty.
func (p *pool) excluded(h *host, n *need) lack {
	if len(n.rules)+len(n.near)+len(n.apart) == 0 || p.returns(n, h) {
		return lack{}
	}
	for i := range n.rules {
		r := &n.rules[i]
		k := r.column.at(h)
		if k < 0 || r.tally != nil && r.tally.of(k) > r.limit {
			return lack{code: CodeConstraint, clause: r.clause, full: k >= 0}
		}
	}
	for i, s := range n.near {
		if s.all > 0 && s.host[h.at] == 0 {
			return lack{code: CodeColocate, text: n.Colocate[i]}
		}
	}
	for i, s := range n.apart {
		if s.host[h.at] > 0 {
			return lack{code: CodeAvoid, text: n.Avoid[i]}
		}
	}
	return lack{}
}
