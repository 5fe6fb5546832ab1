package offers

import "slices"

// Place finds resources for each requirement, in the order of reqs, so that no two get the same ones. It gives one result
// per requirement.
//
// A requirement that is bound to a host looks at that host only. Any other takes the host with the fewest placements of
// this round; among those the one with the most free cpus; among those the first by key. On a host, offers of which this
// round already uses a part come first, and as few further offers as suffice are added to them, all of one agent and role.
//
// Ports have fixed numbers. Managed ones must be on offer. No number may be in use by a pod of ours on the host, neither
// by one of this round nor according to used, which gives the unmanaged ports in use there and may be nil; it is asked at
// most once per host, and must leave out what the pods of reqs themselves had. A requirement may name one number twice (for tcp and udp) and then holds it once.
//
// Agents that are scheduled for maintenance get nothing. A negative amount fits nowhere.
func Place(reqs []Requirement, offers []Offer, used func(host string) []uint64) []Result {
	if len(reqs) == 0 {
		return nil
	}
	p := newPool(offers, used)
	results := make([]Result, len(reqs))
	for i, r := range reqs {
		results[i] = p.place(r)
	}
	return results
}

// need is what a requirement takes from a slot, and the numbers that must be free on its host.
type need struct {
	Quantities
	numbers []uint64 // of all ports, sorted
}

func needOf(r Requirement) need {
	n := need{Quantities: Quantities{CPUs: r.CPUs, Mem: r.Mem, Disk: r.Disk}}
	var managed []Range
	for _, p := range r.Ports {
		n.numbers = append(n.numbers, p.Number)
		if !p.Unmanaged {
			managed = append(managed, Range{p.Number, p.Number})
		}
	}
	slices.Sort(n.numbers)
	n.numbers = slices.Compact(n.numbers)
	n.Ports = Normalize(managed)
	return n
}

func (p *pool) place(r Requirement) Result {
	n := needOf(r)
	hosts := p.hosts
	if r.Host != "" {
		hosts = p.find(r.Host)
	}
	switch best := p.best(hosts, n); {
	case best != nil:
		return Result{Hosts: len(hosts), Placement: best.place(n)}
	case len(hosts) == 0 && r.Host != "":
		return p.absent(r.Host)
	}
	return p.refuse(hosts, n)
}

// best is the host that is to be used, nil if none will do.
func (p *pool) best(hosts []host, n need) *host {
	var best *host
	for i := range hosts {
		h := &hosts[i]
		if (best == nil || h.before(best)) && p.fits(h, n) {
			best = h
		}
	}
	return best
}

// place takes what is needed from a host that has it.
func (h *host) place(n need) *Placement {
	s := h.slotFor(n)
	o := s.offer
	return &Placement{
		Host: h.key, Hostname: o.Hostname, Address: o.Address, AgentID: o.AgentID, Role: o.Role,
		OfferIDs: h.take(s, n), Take: n.Quantities,
	}
}

// before says whether the host is to be taken before another; they are compared in the order of their keys.
func (h *host) before(other *host) bool {
	if h.placed != other.placed {
		return h.placed < other.placed
	}
	return h.cpus > other.cpus
}

func (p *pool) fits(h *host, n need) bool {
	return h.slotFor(n) != nil && len(p.clashes(h, n.numbers)) == 0
}

// slotFor is the slot of the host that is to be used, nil if none will do: one that the round already uses; among those
// the one with the most free cpus; among those the first by role and agent.
func (h *host) slotFor(n need) *slot {
	var best *slot
	for i := range h.slots {
		s := &h.slots[i]
		if s.maintenance || !s.all.Contains(n.Quantities) {
			continue
		}
		if best == nil || s.before(best) {
			best = s
		}
	}
	return best
}

func (s *slot) before(other *slot) bool {
	if open, otherOpen := len(s.taken) > 0, len(other.taken) > 0; open != otherOpen {
		return open
	}
	return s.all.CPUs > other.all.CPUs
}
