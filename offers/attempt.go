package offers

import "slices"

// attempt is one slot, looked at for one need. It is used again and again, to save memory.
type attempt struct {
	pool *pool
	n    *need
	host *host
	slot *slot
	// tell: go on after the first lack, to find all.
	tell    bool
	lacks   []lack
	lanes   []lane
	numbers []uint64 // by port of the requirement
	volumes []placedVolume
	mounts  []freeMount
	loose   []int     // ports that take any number
	taken   []Range   // numbers that other pods use on the host; only if ports have to be chosen
	avail   []Range   // numbers of managed ports that may be chosen
	found   Resources // the volumes as they are used
	// grown says that a volume must grow before the launch, fits that the slot has all that is needed.
	grown, fits bool
}

// lane is resources with one stack of reservations, as the pod gets them: what it has reserved already, and what it may take
// besides.
type lane struct {
	stack []Reservation
	own   *base // what the pod has reserved; nil if nothing
	free  *base // what may be taken; nil if nothing
	kept  *base // has a volume of the pod, and nothing that may be taken; nil if there is none
	// reserve: what is taken from free is reserved first.
	reserve          bool
	useOwn, useFree  Quantities
	newDisk          Milli   // of useOwn and useFree, for new volumes and for growth
	ownMounts, taken []Mount // of own and free that are used
}

// base is one of the lane's two sources.
func (l *lane) base(own bool) *base {
	if own {
		return l.own
	}
	return l.free
}

// placedVolume is a volume of the requirement with what it is made of.
type placedVolume struct {
	lane int
	// found is the volume that is there already; otherwise there is a mount, or a part of the root disk.
	found *Resource
	grow  Milli
	mount *Mount
	// own: the mount is reserved already.
	own bool
}

// try says whether the slot has what is needed. If not, lacks says what is missing.
func (a *attempt) try(n *need, s *slot, tell bool) bool {
	a.n, a.slot, a.host, a.tell = n, s, s.host, tell
	a.lacks, a.lanes, a.numbers, a.volumes, a.grown = a.lacks[:0], a.lanes[:0], a.numbers[:0], a.volumes[:0], false
	a.fits, a.found = false, a.found[:0]
	a.open()
	for _, check := range [...]func(*attempt) bool{(*attempt).checkHeld, (*attempt).choosePorts, (*attempt).takeScalars, (*attempt).takeVolumes} {
		if !check(a) && !tell {
			return false
		}
	}
	a.fits = len(a.lacks) == 0
	return a.fits
}

// lack notes that something is missing. It gives false, for callers to return.
func (a *attempt) lack(l lack) bool {
	a.lacks = append(a.lacks, l)
	return false
}

// open lists the lanes: those that the pod has something in first.
func (a *attempt) open() {
	n, s := a.n, a.slot
	var mine *holding
	if n.Claim != nil && len(n.held) > 0 {
		mine = s.find(n.Requirement)
	}
	if mine != nil {
		for i := range mine.bases {
			a.lanes = append(a.lanes, lane{stack: mine.bases[i].stack, own: &mine.bases[i]})
		}
	}
	// What the operator has reserved for the role itself is used up before what is unreserved.
	for i := len(s.bases) - 1; i >= 0; i-- {
		switch b := &s.bases[i]; {
		case a.n.eligible(b, s.role()):
			a.offer(b)
		case b.hasVolume(a.n):
			a.lanes = append(a.lanes, lane{stack: b.stack, kept: b})
		}
	}
}

// eligible says whether the pod may take from a base.
func (n *need) eligible(b *base, role string) bool {
	switch of := len(b.stack); {
	case n.PreReserved != "":
		return of == 1 && b.stack[0].Role == n.PreReserved
	case of == 0:
		return true
	}
	return b.stack[0].Role == role
}

// offer adds a base to the lanes. Mesos: a reservation can be refined only for a sub-role, so what is reserved for the role
// itself stays as it is.
func (a *attempt) offer(b *base) {
	claim := a.n.Claim
	if claim == nil || len(b.stack) > 0 && !subRole(a.slot.role(), b.stack[len(b.stack)-1].Role) {
		a.lanes = append(a.lanes, lane{stack: b.stack, free: b})
		return
	}
	for i := range a.lanes {
		l := &a.lanes[i]
		if l.own != nil && l.free == nil && len(l.stack) == len(b.stack)+1 &&
			sameStack(l.stack[:len(b.stack)], b.stack) && a.repeatable(l.stack[len(b.stack)]) {
			l.free, l.reserve = b, true
			return
		}
	}
	a.lanes = append(a.lanes, lane{stack: a.n.stackOn(b, a.slot.role()), free: b, reserve: true})
}

// stackOn is the stack of what is reserved on top of a base. What is unreserved is the same everywhere.
func (n *need) stackOn(b *base, role string) []Reservation {
	if len(b.stack) == 0 && len(n.stack) > 0 && n.stack[0].Role == role {
		return n.stack
	}
	stack := append(slices.Clip(slices.Clone(b.stack)), n.Claim.reservation(n.Subject, role))
	if len(b.stack) == 0 {
		n.stack = stack
	}
	return stack
}

// repeatable says whether Mesos would let the framework make a reservation that the pod has once more.
func (a *attempt) repeatable(r Reservation) bool {
	return r.Role == a.slot.role() && r.Principal == a.n.Claim.Principal
}

// checkHeld: what is recorded as reserved must be on offer, before more is reserved in its place. Only what is still needed
// counts.
func (a *attempt) checkHeld() bool {
	claim := a.n.Claim
	if claim == nil || claim.Held.IsZero() {
		return true
	}
	var own Quantities
	for i := range a.lanes {
		if o := a.lanes[i].own; o != nil {
			own = own.Add(o.free)
		}
	}
	held, have := claim.Held.scalars(), own.scalars()
	ok := true
	for i, want := range [...]Milli{a.n.cpus, a.n.mem, a.n.disk} {
		if need := min(want, held[i].amount); have[i].amount < need {
			ok = a.lack(lack{code: CodeHeld, name: a.n.Subject, resource: held[i].name, need: need, have: have[i].amount})
		}
	}
	if missing := cutRanges(commonRanges(claim.Held.Ports, a.n.priorPorts()), own.Ports); len(missing) > 0 {
		ok = a.lack(lack{code: CodeHeld, name: a.n.Subject, resource: "ports", ports: missing, offered: own.Ports})
	}
	return ok
}

// priorPorts are the managed ports with a number that the pod wants again: a fixed one, or the one that it had.
func (n *need) priorPorts() []Range {
	prior := slices.Clone(n.fixed)
	for i := range n.Ports {
		p := &n.Ports[i]
		number := p.Prior
		if p.Offset && n.PortBase.Prior != 0 {
			number = n.PortBase.Prior + p.Number
		}
		if _, fixed := n.numberOf(p); !fixed && !p.Unmanaged && number != 0 {
			prior = append(prior, Range{number, number})
		}
	}
	return Normalize(prior)
}

// takeScalars takes cpus, mem and disk: first what the pod has reserved.
func (a *attempt) takeScalars() bool {
	ok := true
	for i, want := range [...]Milli{a.n.cpus, a.n.mem, a.n.disk} {
		if left := a.takeScalar(i, want); left > 0 || want < 0 {
			ok = a.lack(lack{code: CodeScalar, resource: scalarNames[i], need: want, have: want - left})
		}
	}
	return ok
}

// takeScalar takes an amount and says how much of it is missing. What the pod has reserved is used first, then what the
// operator has reserved for the role, then what is unreserved: so a pod that comes back needs nothing else than it had.
func (a *attempt) takeScalar(i int, left Milli) Milli {
	for j := range a.lanes {
		if l := &a.lanes[j]; l.own != nil {
			left -= move(l.own.free, &l.useOwn, i, left)
		}
	}
	for _, reserved := range [...]bool{true, false} {
		for j := range a.lanes {
			if l := &a.lanes[j]; l.free != nil && reserved == (len(l.free.stack) > 0) {
				left -= move(l.free.free, &l.useFree, i, left)
			}
		}
	}
	return left
}

// move moves up to an amount of one scalar from what is there to what is used, and says how much.
func move(from Quantities, used *Quantities, scalar int, most Milli) Milli {
	to := used.scalar(scalar)
	m := max(0, min(most, *from.scalar(scalar)-*to))
	*to += m
	return m
}

var scalarNames = [...]string{"cpus", "mem", "disk"}

const diskScalar = 2 // in scalarNames

func (q *Quantities) scalar(i int) *Milli {
	switch i {
	case 0:
		return &q.CPUs
	case 1:
		return &q.Mem
	}
	return &q.Disk
}

// subRole says whether a role lies strictly below another: dev/sub below dev.
func subRole(role, above string) bool {
	return len(role) > len(above)+1 && role[:len(above)] == above && role[len(above)] == '/'
}
