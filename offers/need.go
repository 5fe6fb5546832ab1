package offers

import "slices"

// need is a requirement, made ready to be compared with many hosts.
type need struct {
	*Requirement
	cpus, mem, disk Milli // of task and executor, without volumes
	// least is what a slot must have at least; more may be needed once what the pod has reserved is known.
	least Quantities
	// fixed are the managed ports with a fixed number, sorted; numbers are all with a fixed number.
	fixed   []Range
	numbers []uint64
	// loose says that ports have to be chosen.
	loose bool
	// held are the slots that have something that is reserved for the pod: of its host, if it is bound to one.
	held []*slot
	// stack is that of what is unreserved and gets reserved for the pod, in the role that was looked at last.
	stack []Reservation
	// bound: only those slots will do, because something is reserved, or recorded as reserved. Then elsewhere is a host where
	// that is; empty if nothing is on offer.
	bound     bool
	elsewhere string
	// rules are the clauses of the constraint.
	rules  []rule
	spread *spread
	near   []*spread // of Colocate
	apart  []*spread // of Avoid
}

// rule is a clause with what is needed to judge hosts by it.
type rule struct {
	clause *Clause
	column *column
	tally  *tally // nil if the clause does not count
	limit  int    // how many pods may be there already
}

func (p *pool) needOf(r *Requirement) *need {
	n := &p.need
	*n = need{
		Requirement: r, fixed: n.fixed[:0], numbers: n.numbers[:0], held: n.held[:0], rules: n.rules[:0], near: n.near[:0], apart: n.apart[:0],
	}
	n.cpus, n.mem, n.disk = r.CPUs+r.Executor.CPUs, r.Mem+r.Executor.Mem, r.Disk+r.Executor.Disk
	n.numberPorts()
	if r.Claim != nil {
		n.findHeld(p)
	}
	n.bound = len(n.held) > 0 || n.claimed()
	if len(n.held) == 0 {
		n.least = Quantities{CPUs: n.cpus, Mem: n.mem, Disk: n.disk + n.rootVolumes()}
	}
	n.read(p.census)
	return n
}

// findHeld finds what is there of the pod: reservations with its claim, and volumes with its ids on what the operator has
// reserved.
func (n *need) findHeld(p *pool) {
	for _, s := range p.claims[n.Claim.ID] {
		if s.find(n.Requirement) != nil {
			n.addHeld(s)
		}
	}
	for i := range n.Volumes {
		for _, s := range p.volumes[n.persistenceID(&n.Volumes[i])] {
			n.addHeld(s)
		}
	}
	if len(n.held) > 1 {
		n.keepOwn(p.census)
		n.elsewhere = n.held[0].host.key
	}
}

func (n *need) addHeld(s *slot) {
	if n.elsewhere == "" {
		n.elsewhere = s.host.key
	}
	if (n.Host == "" || n.Host == s.host.key) && !slices.Contains(n.held, s) {
		n.held = append(n.held, s)
	}
}

// keepOwn decides between several places with something of the pod: its own host, or those that have most of its volumes. The
// others are what an ACCEPT left behind whose launch failed.
func (n *need) keepOwn(c *census) {
	if own := func(s *slot) bool { return c.lives(n.Subject, s.host) }; slices.ContainsFunc(n.held, own) {
		n.held = slices.DeleteFunc(n.held, func(s *slot) bool { return !own(s) })
	}
	most := 0
	for _, s := range n.held {
		most = max(most, n.volumesIn(s))
	}
	n.held = slices.DeleteFunc(n.held, func(s *slot) bool { return n.volumesIn(s) < most })
}

// volumesIn is how many of the pod's volumes are in a slot.
func (n *need) volumesIn(s *slot) int {
	bases := s.bases
	if mine := s.find(n.Requirement); mine != nil {
		bases = slices.Concat(bases, mine.bases)
	}
	count := 0
	for i := range n.Volumes {
		id := n.persistenceID(&n.Volumes[i])
		if slices.ContainsFunc(bases, func(b base) bool { return b.has(id) }) {
			count++
		}
	}
	return count
}

func (b *base) has(id string) bool {
	return slices.ContainsFunc(b.volumes, func(r Resource) bool { return r.Disk.Persistence.ID == id })
}

// hasVolume says whether there is a volume of the pod.
func (b *base) hasVolume(n *need) bool {
	return n.Claim != nil && len(b.volumes) > 0 && slices.ContainsFunc(n.Volumes, func(v Volume) bool { return b.has(n.persistenceID(&v)) })
}

// rootVolumes is the size of the ROOT volumes that the pod does not have yet.
func (n *need) rootVolumes() Milli {
	var sum Milli
	for i := range n.Volumes {
		if v := &n.Volumes[i]; v.Type != MountVolume && v.Prior == "" {
			sum += v.Size
		}
	}
	return sum
}

func (n *need) numberPorts() {
	for i := range n.Ports {
		number, fixed := n.numberOf(&n.Ports[i])
		if !fixed {
			n.loose = true
			continue
		}
		n.numbers = append(n.numbers, number)
		if !n.Ports[i].Unmanaged {
			n.fixed = append(n.fixed, Range{number, number})
		}
	}
	n.fixed = Normalize(n.fixed)
}

// numberOf is the number of a port, if no choice is left.
func (n *need) numberOf(p *Port) (uint64, bool) {
	switch {
	case !p.Offset:
		return p.Number, p.Number != 0
	case n.PortBase.Number != 0:
		return n.PortBase.Number + p.Number, true
	}
	return 0, false
}

// read looks up how pods are spread, as far as the requirement depends on it.
func (n *need) read(c *census) {
	if n.Host == "" {
		n.spread = c.spread(n.PodType)
	}
	for _, t := range n.Colocate {
		n.near = append(n.near, c.spread(t))
	}
	for _, t := range n.Avoid {
		n.apart = append(n.apart, c.spread(t))
	}
	for i := range n.Constraint.Clauses {
		clause := &n.Constraint.Clauses[i]
		r := rule{clause: clause, column: c.column(clause)}
		if clause.Counts() {
			r.tally = c.tally(clause, n.PodType)
			r.limit = r.tally.limit(clause)
		}
		n.rules = append(n.rules, r)
	}
}

// limit is how many pods a value may have for another one to be allowed there. Round robin allows the values that have
// fewest; with a number of values, every other is empty until so many are in use (SDK).
func (t *tally) limit(c *Clause) int {
	switch c.Operator {
	case OperatorUnique:
		return 0
	case OperatorMaxPer:
		return c.N - 1
	}
	least, values := t.least()
	if c.N > values {
		return 0
	}
	return least
}

// find is what the slot has of the requirement's claim, nil if nothing.
func (s *slot) find(r *Requirement) *holding {
	for i := range s.holdings {
		h := &s.holdings[i]
		if h.id == r.Claim.ID && h.pod == r.Subject && h.service == r.Claim.Service {
			return h
		}
	}
	return nil
}

// claimed says whether it is recorded that the pod has something that must be found again.
func (r *Requirement) claimed() bool {
	if r.Claim == nil {
		return false
	}
	return !r.Claim.Held.IsZero() || slices.ContainsFunc(r.Volumes, func(v Volume) bool { return v.Prior != "" })
}

// alike says whether two requirements differ in nothing that decides where they fit, as long as neither pod has a place or
// anything reserved.
func alike(a, b *Requirement) bool {
	return a.PodType == b.PodType && a.Host == b.Host && a.PreReserved == b.PreReserved &&
		a.CPUs == b.CPUs && a.Mem == b.Mem && a.Disk == b.Disk && a.Executor.Equal(b.Executor) && (a.Claim == nil) == (b.Claim == nil) &&
		slices.Equal(a.Roles, b.Roles) && slices.Equal(a.Colocate, b.Colocate) && slices.Equal(a.Avoid, b.Avoid) &&
		samePortBase(a.PortBase, b.PortBase) && slices.EqualFunc(a.Ports, b.Ports, samePort) &&
		slices.EqualFunc(a.Volumes, b.Volumes, sameVolume) && a.Constraint.String() == b.Constraint.String()
}

func samePortBase(a, b PortBase) bool {
	return a.Number == b.Number && a.Prior == b.Prior && slices.Equal(a.Ranges, b.Ranges)
}

// samePort compares what decides where a port fits, and its name, which refusals tell.
func samePort(a, b Port) bool {
	return a.Name == b.Name && a.Number == b.Number && a.Offset == b.Offset && a.Prior == b.Prior && a.Unmanaged == b.Unmanaged &&
		slices.Equal(a.Ranges, b.Ranges)
}

func sameVolume(a, b Volume) bool {
	return a.Name == b.Name && a.Type == b.Type && a.Size == b.Size && a.Root == b.Root && a.Prior == b.Prior &&
		slices.Equal(a.Profiles, b.Profiles)
}
