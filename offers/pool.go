package offers

import (
	"cmp"
	"slices"
	"sort"
	"strings"
)

// pool is the offers of one round, by host, and what the placements of the round have left of them.
type pool struct {
	hosts []host // sorted by key
	used  func(host string) []uint64
}

// host is what is on offer from one host key: usually one slot; more if there are several roles, or several agents that
// claim to be the same host.
type host struct {
	key    string
	slots  []slot // sorted by role and agent
	placed int    // placements of this round
	cpus   Milli  // free in all slots that may be used
	// busy are numbers of ports that pods of ours have on the host; nil before somebody asked.
	busy []uint64
}

// slot is what one agent has on offer for one role. Only what is in one slot may be combined.
type slot struct {
	offer       *Offer // any of its offers, for what all of them say
	maintenance bool
	// fresh are the offers that no placement has touched, sorted by id.
	fresh []portion
	// taken are the ids of the offers that belong to the slot's ACCEPT, and rest is what is left of them.
	taken []string
	rest  Quantities
	// all is rest and fresh together.
	all Quantities
}

type portion struct {
	id   string
	free Quantities
}

func newPool(offers []Offer, used func(host string) []uint64) *pool {
	sorted := make([]*Offer, len(offers))
	for i := range offers {
		sorted[i] = &offers[i]
	}
	slices.SortFunc(sorted, compareOffers)
	sorted = slices.CompactFunc(sorted, func(a, b *Offer) bool { return a.ID == b.ID && sameSlot(a, b) })

	p := &pool{used: used, hosts: make([]host, 0, len(sorted))}
	// The arenas are as long as they can become, so that slices of them stay where they are.
	slots, portions := make([]slot, 0, len(sorted)), make([]portion, 0, len(sorted))
	for len(sorted) > 0 {
		n := prefix(sorted, func(a, b *Offer) bool { return a.Host == b.Host })
		begin := len(slots)
		for ofHost := sorted[:n]; len(ofHost) > 0; {
			k := prefix(ofHost, sameSlot)
			first := len(portions)
			for _, o := range ofHost[:k] {
				portions = append(portions, portion{o.ID, normalized(o.Free)})
			}
			slots = append(slots, newSlot(ofHost[:k], portions[first:len(portions):len(portions)]))
			ofHost = ofHost[k:]
		}
		p.hosts = append(p.hosts, newHost(sorted[0].Host, slots[begin:len(slots):len(slots)]))
		sorted = sorted[n:]
	}
	return p
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

func normalized(r Quantities) Quantities {
	r.Ports = Normalize(r.Ports)
	return r
}

func newSlot(offers []*Offer, fresh []portion) slot {
	s := slot{offer: offers[0], fresh: fresh, all: fresh[0].free}
	for _, f := range fresh[1:] {
		s.all = s.all.Add(f.free)
	}
	for _, o := range offers {
		s.maintenance = s.maintenance || o.Unavailable
	}
	return s
}

func newHost(key string, slots []slot) host {
	h := host{key: key, slots: slots}
	for i := range slots {
		s := &slots[i]
		// Maintenance is the agent's: what one of its offers says holds for all.
		s.maintenance = s.maintenance || slices.ContainsFunc(slots, func(t slot) bool {
			return t.maintenance && t.offer.AgentID == s.offer.AgentID
		})
		if !s.maintenance {
			h.cpus += s.all.CPUs
		}
	}
	return h
}

// find is the host with the key as a list of one, empty if it has nothing on offer.
func (p *pool) find(key string) []host {
	i := sort.Search(len(p.hosts), func(i int) bool { return p.hosts[i].key >= key })
	if i < len(p.hosts) && p.hosts[i].key == key {
		return p.hosts[i : i+1]
	}
	return nil
}

// clashes are the numbers that pods of ours already have on the host.
func (p *pool) clashes(h *host, numbers []uint64) []uint64 {
	if len(numbers) == 0 {
		return nil
	}
	if h.busy == nil {
		h.busy = []uint64{}
		if p.used != nil {
			h.busy = append(h.busy, p.used(h.key)...)
		}
	}
	if len(h.busy) == 0 {
		return nil
	}
	var clashes []uint64
	for _, n := range numbers {
		if slices.Contains(h.busy, n) {
			clashes = append(clashes, n)
		}
	}
	return clashes
}

// take takes what is needed from a slot that has it, and gives the ids of the offers that the slot's ACCEPT then names.
func (h *host) take(s *slot, n need) []string {
	s.widen(n.Quantities)
	s.rest = mustSub(s.rest, n.Quantities)
	s.all = mustSub(s.all, n.Quantities)
	h.cpus -= n.CPUs
	h.placed++
	h.busy = append(h.busy, n.numbers...)
	return slices.Clone(s.taken)
}

// widen moves as few fresh offers as suffice into the slot's ACCEPT. An ACCEPT needs one offer at least.
func (s *slot) widen(need Quantities) {
	picked := fewest(missing(s.rest, need), s.fresh)
	if len(picked) == 0 && len(s.taken) == 0 {
		picked = []int{0}
	}
	var left []portion
	for i, f := range s.fresh {
		if !slices.Contains(picked, i) {
			left = append(left, f)
			continue
		}
		s.taken = append(s.taken, f.id)
		s.rest = s.rest.Add(f.free)
	}
	s.fresh = left
	slices.Sort(s.taken)
}

// mustSub is for resources that were checked to be there.
func mustSub(a, b Quantities) Quantities {
	left, ok := a.Sub(b)
	if !ok {
		panic("offers: " + a.String() + " was found to contain " + b.String() + " and does not")
	}
	return left
}
