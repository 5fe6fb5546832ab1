package offers

import (
	"cmp"
	"slices"
	"strings"
)

// pool is the offers of one round by host, and what the placements of the round have left of them.
type pool struct {
	hosts []host           // sorted by key
	rows  []capacity       // of the hosts, in the same order
	index map[string]int32 // of hosts, by key
	// claims says which slots hold something that is reserved, by the claim's id.
	claims map[string][]*slot
	// volumes says which slots have a volume on what the operator has reserved, by its persistence id.
	volumes map[string][]*slot
	census  *census
	// inverse of the average host's amounts, for comparing amounts of different resources.
	perCPU, perMem, perDisk float64
	// version counts the placements of the round.
	version int
	refused verdict
	scratch attempt
	need    need
}

// capacity is what is looked at first of every host: the largest amounts that any of its slots has, and its failure domain.
// Rows are small and lie side by side, because every placement without a host looks at all of them.
type capacity struct {
	cpus, mem, disk Milli
	domain          int32
}

// host is what is on offer from one host key: usually one slot; more if there are several roles, or several agents that
// claim to be the same host.
type host struct {
	key   string
	at    int32 // index in the pool
	slots []slot
}

// slot is what one agent has on offer for one role. Only what is in one slot may be combined.
type slot struct {
	host   *host
	offers []*Offer // sorted by id
	// unavailability is that of any of the agent's offers, nil if none is scheduled for maintenance.
	unavailability *Unavailability
	// bases are what new pods may take from: the first unreserved, the others reserved by the operator for a role.
	bases []base
	// all is the sum of the scalars of all bases.
	all Quantities
	// holdings are what pods of ours have reserved.
	holdings []holding
}

// base is resources that have the same stack of reservations.
type base struct {
	stack   []Reservation
	free    Quantities
	mounts  []Mount
	volumes []Resource // persistent ones
	// borrowed: mounts are those of an offer, and are copied before they are changed.
	borrowed bool
}

// holding is what one claim of ours has in a slot: one base for each stack.
type holding struct {
	service, pod, id string
	bases            []base
}

// newPool makes the indexes of a round in which at most so many pods are placed.
func newPool(offers []Offer, pods []Pod, placements int) *pool {
	sorted := sortOffers(offers)
	p := &pool{hosts: make([]host, 0, len(sorted)), index: make(map[string]int32, len(sorted))}
	// The arenas are as long as they can become, so that slices of them stay where they are.
	slots, bases := make([]slot, 0, len(sorted)), make([]base, len(sorted))
	for len(sorted) > 0 {
		n := prefix(sorted, func(a, b *Offer) bool { return a.Host == b.Host })
		first := len(slots)
		at := int32(len(p.hosts))
		p.hosts = append(p.hosts, host{key: sorted[0].Host, at: at})
		h := &p.hosts[at]
		for ofHost := sorted[:n]; len(ofHost) > 0; {
			k := prefix(ofHost, sameSlot)
			slots = append(slots, slot{host: h, offers: ofHost[:k:k], bases: bases[:1:1]})
			bases = bases[1:]
			slots[len(slots)-1].fill()
			ofHost = ofHost[k:]
		}
		h.slots = slots[first:len(slots):len(slots)]
		h.spreadMaintenance()
		p.index[h.key] = at
		sorted = sorted[n:]
	}
	p.census = newCensus(p, pods, placements)
	p.rows = make([]capacity, len(p.hosts))
	for i := range p.hosts {
		p.rows[i].domain = p.census.domainOf(p.hosts[i].site())
		p.refresh(&p.hosts[i])
	}
	p.weigh()
	p.findClaims()
	return p
}

// sortOffers sorts pointers to the offers by host, role, agent and id; an offer that is there twice counts once.
func sortOffers(offers []Offer) []*Offer {
	sorted := make([]*Offer, len(offers))
	for i := range offers {
		sorted[i] = &offers[i]
	}
	if !slices.IsSortedFunc(sorted, compareOffers) {
		slices.SortFunc(sorted, compareOffers)
	}
	return slices.CompactFunc(sorted, func(a, b *Offer) bool { return a.ID == b.ID && sameSlot(a, b) })
}

func compareOffers(a, b *Offer) int {
	if c := strings.Compare(a.Host, b.Host); c != 0 {
		return c
	}
	return cmp.Or(strings.Compare(a.Role, b.Role), strings.Compare(a.AgentID, b.AgentID), strings.Compare(a.ID, b.ID))
}

func sameSlot(a, b *Offer) bool {
	return a.Host == b.Host && a.Role == b.Role && a.AgentID == b.AgentID
}

// prefix is how many elements at the beginning are like the first.
func prefix(offers []*Offer, like func(a, b *Offer) bool) int {
	n := 1
	for n < len(offers) && like(offers[0], offers[n]) {
		n++
	}
	return n
}

func (h *host) site() *Site { return &h.slots[0].offers[0].Site }

func (s *slot) role() string  { return s.offers[0].Role }
func (s *slot) agent() string { return s.offers[0].AgentID }

// fill sorts what is offered by its reservations.
func (s *slot) fill() {
	plain := &s.bases[0]
	for i, o := range s.offers {
		free := Quantities{max(0, o.Free.CPUs), max(0, o.Free.Mem), max(0, o.Free.Disk), Normalize(o.Free.Ports)}
		if i == 0 {
			plain.free, plain.mounts, plain.borrowed = free, o.Mounts, true
		} else {
			plain.add(free, o.Mounts)
		}
		for j := range o.Rest {
			s.sort(&o.Rest[j])
		}
		if s.unavailability == nil {
			s.unavailability = o.Unavailability
		}
		plain = &s.bases[0] // sort may have moved it
	}
	for i := range s.bases {
		s.all = s.all.addScalars(s.bases[i].free)
	}
}

// sort puts a resource that is not plain where it belongs. What nobody here has a use for is left out, and so left alone:
// shared and revocable resources, those of unknown names, disks of other kinds, and what others have reserved dynamically.
func (s *slot) sort(r *Resource) {
	if r.Shared || r.Revocable {
		return
	}
	owner, ours := ownerOf(r)
	switch {
	case ours:
		s.holding(owner).base(r.Reservations).take(r)
	case len(r.Reservations) == 1 && !r.Reservations[0].Dynamic:
		s.base(r.Reservations).take(r)
	case len(r.Reservations) == 0:
		s.bases[0].take(r)
	}
}

// owner is what the labels of a reservation say.
type owner struct{ framework, service, pod, id string }

// ownerOf reads the labels of the last reservation; false if it does not name a claim.
func ownerOf(r *Resource) (owner, bool) {
	n := len(r.Reservations)
	if n == 0 || !r.Reservations[n-1].Dynamic {
		return owner{}, false
	}
	var o owner
	for _, l := range r.Reservations[n-1].Labels {
		switch l.Key {
		case LabelFramework:
			o.framework = l.Value
		case LabelService:
			o.service = l.Value
		case LabelPod:
			o.pod = l.Value
		case LabelResource:
			o.id = l.Value
		}
	}
	return o, o.service != "" && o.pod != "" && o.id != ""
}

func (s *slot) holding(o owner) *holding {
	for i := range s.holdings {
		h := &s.holdings[i]
		if h.id == o.id && h.pod == o.pod && h.service == o.service {
			return h
		}
	}
	s.holdings = append(s.holdings, holding{service: o.service, pod: o.pod, id: o.id})
	return &s.holdings[len(s.holdings)-1]
}

func (h *holding) base(stack []Reservation) *base { return baseOf(&h.bases, stack) }
func (s *slot) base(stack []Reservation) *base    { return baseOf(&s.bases, stack) }

func sameStack(a, b []Reservation) bool { return slices.CompareFunc(a, b, compareReservations) == 0 }

func baseOf(bases *[]base, stack []Reservation) *base {
	for i := range *bases {
		if sameStack((*bases)[i].stack, stack) {
			return &(*bases)[i]
		}
	}
	*bases = append(*bases, base{stack: stack})
	return &(*bases)[len(*bases)-1]
}

// take adds a resource; what is no cpus, mem, disk or ports is left out.
func (b *base) take(r *Resource) {
	d := r.Disk
	switch {
	case d != nil && d.Persistence != nil:
		b.volumes = append(b.volumes, *r)
	case d != nil && d.Source.Type == MountDisk:
		b.add(Quantities{}, []Mount{{Size: r.Scalar, Root: d.Source.Root, Provider: r.Provider, Provided: d.Source.Provided}})
	case d != nil && d.Source.Type != RootDisk || r.Provider != "":
	case r.Name == "ports" && r.Type == Ranges:
		b.add(Quantities{Ports: Normalize(r.Ranges)}, nil)
	case r.Type == Scalars:
		b.add(scalarOf(r.Name, r.Scalar), nil)
	}
}

func scalarOf(name string, amount Milli) Quantities {
	switch name {
	case "cpus":
		return Quantities{CPUs: amount}
	case "mem":
		return Quantities{Mem: amount}
	case "disk":
		return Quantities{Disk: amount}
	}
	return Quantities{}
}

func (b *base) add(q Quantities, mounts []Mount) {
	b.free = b.free.Add(q)
	if len(mounts) > 0 {
		b.own()
		b.mounts = append(b.mounts, mounts...)
	}
}

// own copies the mounts, so that they may be changed.
func (b *base) own() {
	if b.borrowed {
		b.mounts, b.borrowed = slices.Clone(b.mounts), false
	}
}

// spreadMaintenance: maintenance is the agent's, so what one of its offers says holds for all.
func (h *host) spreadMaintenance() {
	if len(h.slots) == 1 {
		return
	}
	for i := range h.slots {
		for j := range h.slots {
			if u := h.slots[j].unavailability; u != nil && h.slots[i].unavailability == nil && h.slots[i].agent() == h.slots[j].agent() {
				h.slots[i].unavailability = u
			}
		}
	}
}

// refresh brings a host's row up to date.
func (p *pool) refresh(h *host) {
	r := &p.rows[h.at]
	r.cpus, r.mem, r.disk = 0, 0, 0
	for i := range h.slots {
		all := h.slots[i].all
		r.cpus, r.mem, r.disk = max(r.cpus, all.CPUs), max(r.mem, all.Mem), max(r.disk, all.Disk)
	}
}

// weigh finds what an average host has.
func (p *pool) weigh() {
	var cpus, mem, disk float64
	for i := range p.rows {
		cpus += float64(p.rows[i].cpus)
		mem += float64(p.rows[i].mem)
		disk += float64(p.rows[i].disk)
	}
	p.perCPU, p.perMem, p.perDisk = 1/max(1, cpus), 1/max(1, mem), 1/max(1, disk)
}

// findClaims indexes what pods have reserved.
func (p *pool) findClaims() {
	for i := range p.hosts {
		for j := range p.hosts[i].slots {
			s := &p.hosts[i].slots[j]
			p.findVolumes(s)
			for k := range s.holdings {
				if p.claims == nil {
					p.claims = map[string][]*slot{}
				}
				id := s.holdings[k].id
				if at := p.claims[id]; len(at) == 0 || at[len(at)-1] != s {
					p.claims[id] = append(at, s)
				}
			}
		}
	}
}

// findVolumes indexes volumes on what stays as the operator has reserved it: there no label says whose they are.
func (p *pool) findVolumes(s *slot) {
	for i := range s.bases {
		for j := range s.bases[i].volumes {
			if p.volumes == nil {
				p.volumes = map[string][]*slot{}
			}
			id := s.bases[i].volumes[j].Disk.Persistence.ID
			p.volumes[id] = append(p.volumes[id], s)
		}
	}
}
