package offers

import (
	"iter"
	"slices"
)

// choosePorts finds a number for every port: fixed ones first, then those that count from a base, then the others.
func (a *attempt) choosePorts() bool {
	n := a.n
	if len(n.Ports) == 0 {
		return true
	}
	a.numbers = slices.Grow(a.numbers, len(n.Ports))[:len(n.Ports)]
	clear(a.numbers)
	ok := a.fixedPorts()
	if n.loose && (ok || a.tell) {
		a.taken = a.pool.census.taken(a.host)
		a.avail = cutRanges(a.offeredPorts(), a.taken)
		ok = a.loosePorts() && ok
	}
	if ok {
		a.takePorts()
	}
	return ok
}

// fixedPorts sets the numbers that leave no choice.
func (a *attempt) fixedPorts() bool {
	n := a.n
	ok := true
	var clash []Range
	for _, number := range n.numbers {
		if a.pool.census.busy(a.host, number) {
			clash = append(clash, Range{number, number})
		}
	}
	if len(clash) > 0 {
		clash = Normalize(clash)
		ok = a.lack(lack{code: CodePortClash, resource: "ports", ports: clash})
	}
	if missing := cutRanges(a.missingPorts(n.fixed), clash); len(missing) > 0 {
		ok = a.lack(lack{code: CodePorts, resource: "ports", ports: missing, offered: a.offeredPorts()})
	}
	for i := range n.Ports {
		a.numbers[i], _ = n.numberOf(&n.Ports[i])
	}
	return ok
}

// missingPorts are those that no lane has.
func (a *attempt) missingPorts(ports []Range) []Range {
	for i := range a.lanes {
		for _, b := range [...]*base{a.lanes[i].own, a.lanes[i].free} {
			if b == nil {
				continue
			}
			if holdsRanges(b.free.Ports, ports) {
				return nil
			}
			ports = cutRanges(ports, b.free.Ports)
		}
	}
	return ports
}

// offeredPorts are those of all lanes.
func (a *attempt) offeredPorts() []Range {
	var all []Range
	for i := range a.lanes {
		if l := &a.lanes[i]; l.own != nil {
			all = joinRanges(all, l.own.free.Ports)
		}
		if l := &a.lanes[i]; l.free != nil {
			all = joinRanges(all, l.free.free.Ports)
		}
	}
	return all
}

// usable says whether a number may be given to a port that takes any.
func (a *attempt) usable(p *Port, number uint64) bool {
	if number == 0 || number > maxPort || slices.Contains(a.numbers, number) {
		return false
	}
	single := Range{number, number}
	if p.Unmanaged {
		return !holdsRange(a.taken, single)
	}
	return holdsRange(a.avail, single)
}

const maxPort = 65535

// loosePorts sets the numbers that leave a choice: with the base that the pod had before, or the lowest, but only one that
// leaves a number for each port that takes any.
func (a *attempt) loosePorts() bool {
	var based []int
	loose := a.loose[:0]
	for i := range a.n.Ports {
		switch p := &a.n.Ports[i]; {
		case p.Offset && a.n.PortBase.Number == 0:
			based = append(based, i)
		case !p.Offset && p.Number == 0:
			loose = append(loose, i)
		}
	}
	a.loose = loose
	switch {
	case len(based) == 0 && len(loose) == 1:
		return a.anyPort(loose[0])
	case len(based) == 0:
		return a.anyPorts(loose) || a.lackAny(loose)
	}
	base, ok := a.findBase(based, loose)
	if base == 0 {
		a.lackBase(based)
		a.lackAny(loose)
		return false
	}
	a.setBase(base, based)
	return ok && a.anyPorts(loose) || a.lackAny(loose)
}

// findBase is the base to use. If none leaves a number for each port that takes any, it is the first one from which all ports
// with an offset are free, and false.
func (a *attempt) findBase(based, loose []int) (first uint64, ok bool) {
	for base := range a.bases(based) {
		a.setBase(base, based)
		_, ok := a.match(loose)
		a.setBase(0, based)
		if ok {
			return base, true
		}
		if first > 0 {
			continue
		}
		first = base
		if _, ok := a.match(loose); !ok {
			break // it is not for the base
		}
	}
	return first, false
}

// bases are those from which all ports with an offset are free, best first.
func (a *attempt) bases(based []int) iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		b := a.n.PortBase
		if b.Prior != 0 && (len(b.Ranges) == 0 || holdsRange(Normalize(b.Ranges), Range{b.Prior, b.Prior})) &&
			a.baseFits(b.Prior, based) && !yield(b.Prior) {
			return
		}
		for _, r := range a.baseRanges(based) {
			for base := r.Begin; base <= r.End; base++ {
				if !yield(base) {
					return
				}
			}
		}
	}
}

func (a *attempt) lackBase(based []int) bool {
	var offsets []Range
	for _, i := range based {
		offsets = append(offsets, Range{a.n.Ports[i].Number, a.n.Ports[i].Number})
	}
	l := lack{code: CodePortBase, resource: "ports", ports: Normalize(offsets), offered: a.avail}
	if allowed := Normalize(a.n.PortBase.Ranges); len(allowed) > 0 {
		l.name = showRanges(allowed)
	}
	return a.lack(l)
}

// baseRanges are all bases from which every port with an offset is free: the numbers that each of them may have, less its
// offset, and what is common to all.
func (a *attempt) baseRanges(based []int) []Range {
	bases := []Range{{1, maxPort}}
	if allowed := Normalize(a.n.PortBase.Ranges); len(allowed) > 0 {
		bases = commonRanges(bases, allowed)
	}
	var chosen []Range
	for _, number := range a.numbers {
		if number != 0 {
			chosen = append(chosen, Range{number, number})
		}
	}
	chosen = Normalize(chosen)
	for _, i := range based {
		p := &a.n.Ports[i]
		numbers := a.avail
		if p.Unmanaged {
			numbers = cutRanges([]Range{{1, maxPort}}, a.taken)
		}
		bases = commonRanges(bases, lower(cutRanges(numbers, chosen), p.Number))
	}
	return bases
}

// lower are the ranges with every number less by so much; numbers below 1 are left out.
func lower(ranges []Range, by uint64) []Range {
	var lowered []Range
	for _, r := range ranges {
		if r.End > by {
			lowered = append(lowered, Range{max(r.Begin, by+1) - by, r.End - by})
		}
	}
	return lowered
}

func (a *attempt) baseFits(number uint64, based []int) bool {
	for _, i := range based {
		if p := &a.n.Ports[i]; !a.usable(p, number+p.Number) {
			return false
		}
	}
	return true
}

// setBase sets the numbers of ports with an offset; base 0 takes them back.
func (a *attempt) setBase(base uint64, based []int) {
	for _, i := range based {
		if a.numbers[i] = 0; base > 0 {
			a.numbers[i] = base + a.n.Ports[i].Number
		}
	}
}

// anyPorts gives numbers to the ports that take any, if there is one for each.
func (a *attempt) anyPorts(loose []int) bool {
	match, ok := a.match(loose)
	if !ok {
		return false
	}
	for k, i := range loose {
		a.numbers[i], _ = match.of(k)
	}
	return true
}

// match finds a number for each of the ports that take any. Each may have been limited to ranges, so that one must sometimes
// give way to another: this is a matching, found by augmenting paths. With k ports, k candidates each are enough. A port keeps
// its number if that leaves one for each of the others.
func (a *attempt) match(loose []int) (*matching[uint64], bool) {
	candidates := a.allCandidates(loose)
	match, ok := matchAll(candidates)
	if !ok {
		return match, false
	}
	for k, i := range loose {
		all := candidates[k]
		if all[0] != a.n.Ports[i].Prior {
			continue
		}
		candidates[k] = all[:1]
		if keeping, kept := matchAll(candidates); kept {
			match = keeping
		} else {
			candidates[k] = all
		}
	}
	return match, true
}

func (a *attempt) allCandidates(loose []int) [][]uint64 {
	candidates := make([][]uint64, len(loose))
	for k, i := range loose {
		candidates[k] = a.candidates(&a.n.Ports[i], len(loose))
	}
	return candidates
}

// lackAny notes which ports are left without a number.
func (a *attempt) lackAny(loose []int) bool {
	match := matching[uint64]{candidates: a.allCandidates(loose)}
	ok := true
	for k, i := range loose {
		if !match.place(k) {
			ok = a.lackPort(i)
		}
	}
	return ok
}

// anyPort is anyPorts for one port, where there is nothing to be divided.
func (a *attempt) anyPort(i int) bool {
	p := &a.n.Ports[i]
	if len(p.Ranges) > 0 || p.Unmanaged || p.Prior != 0 {
		if list := a.candidates(p, 1); len(list) > 0 {
			a.numbers[i] = list[0]
			return true
		}
		return a.lackPort(i)
	}
	for _, own := range [...]bool{true, false} {
		for j := range a.lanes {
			if number := a.firstPort(p, a.lanes[j].base(own)); number != 0 {
				a.numbers[i] = number
				return true
			}
		}
	}
	return a.lackPort(i)
}

// firstPort is the lowest number of a base that a port may have, 0 if there is none.
func (a *attempt) firstPort(p *Port, b *base) uint64 {
	if b == nil {
		return 0
	}
	ports := b.free.Ports
	if len(a.taken) > 0 {
		ports = cutRanges(ports, a.taken)
	}
	for _, r := range ports {
		for number := r.Begin; number <= min(r.End, maxPort); number++ {
			if a.usable(p, number) {
				return number
			}
		}
	}
	return 0
}

func (a *attempt) lackPort(i int) bool {
	p := &a.n.Ports[i]
	if p.Unmanaged { // nobody offers it, so others of ours have them all
		return a.lack(lack{code: CodePortAny, resource: "ports", name: p.Name, ports: Normalize(p.Ranges), text: "taken"})
	}
	return a.lack(lack{code: CodePortAny, resource: "ports", name: p.Name, ports: Normalize(p.Ranges), offered: a.avail})
}

// candidates are the first numbers that a port may have: the one it had, then what the pod has reserved, then the lowest.
func (a *attempt) candidates(p *Port, most int) []uint64 {
	var list []uint64
	add := func(number uint64) bool {
		if a.usable(p, number) && !slices.Contains(list, number) {
			list = append(list, number)
		}
		return len(list) < most
	}
	allowed := Normalize(p.Ranges)
	if p.Prior != 0 && (len(allowed) == 0 || holdsRange(allowed, Range{p.Prior, p.Prior})) && !add(p.Prior) {
		return list
	}
	for _, from := range a.portSources(p, allowed) {
		for _, r := range from {
			for number := r.Begin; number <= min(r.End, maxPort); number++ {
				if !add(number) {
					return list
				}
			}
		}
	}
	return list
}

// portSources is where a port's number may come from, best first.
func (a *attempt) portSources(p *Port, allowed []Range) [][]Range {
	if p.Unmanaged {
		return [][]Range{cutRanges(allowed, a.taken)}
	}
	var sources [][]Range
	for _, own := range [...]bool{true, false} {
		for i := range a.lanes {
			b := a.lanes[i].base(own)
			switch {
			case b == nil:
			case len(allowed) == 0:
				sources = append(sources, commonRanges(b.free.Ports, a.avail))
			default:
				sources = append(sources, commonRanges(allowed, commonRanges(b.free.Ports, a.avail)))
			}
		}
	}
	return sources
}

// takePorts books the numbers of managed ports.
func (a *attempt) takePorts() {
	var managed []Range
	if !a.n.loose {
		managed = slices.Clone(a.n.fixed) // which is used again for other requirements
	} else {
		for i, number := range a.numbers {
			if !a.n.Ports[i].Unmanaged {
				managed = append(managed, Range{number, number})
			}
		}
		managed = Normalize(managed)
	}
	for i := range a.lanes {
		if l := &a.lanes[i]; l.own != nil && len(managed) > 0 {
			l.useOwn.Ports = commonRanges(managed, l.own.free.Ports)
			managed = cutRanges(managed, l.useOwn.Ports)
		}
	}
	for i := range a.lanes {
		l := &a.lanes[i]
		switch {
		case l.free == nil || len(managed) == 0:
		case holdsRanges(l.free.free.Ports, managed):
			l.useFree.Ports, managed = managed, nil
		default:
			l.useFree.Ports = commonRanges(managed, l.free.free.Ports)
			managed = cutRanges(managed, l.useFree.Ports)
		}
	}
}
