package offers

import (
	"cmp"
	"slices"
	"strings"
)

// absent refuses for want of an offer from the host to which a requirement is bound.
func (p *pool) absent(key string) Result {
	none := Refusal{Code: CodeNoOffer, Host: key}
	res := Result{Refusals: []Refusal{none}, Refused: 1, Summary: []Tally{{Refusal: none, Hosts: 1}}}
	if n := len(p.hosts); n > 0 {
		res.Summary = append(res.Summary, Tally{Refusal: Refusal{Code: CodeOtherHost, Host: p.hosts[0].key}, Hosts: n})
	}
	return res
}

// refuse gathers why none of the hosts will do.
func (p *pool) refuse(hosts []host, n need) Result {
	if len(hosts) == 0 {
		none := Refusal{Code: CodeNoOffer}
		return Result{Refusals: []Refusal{none}, Refused: 1, Summary: []Tally{{Refusal: none}}}
	}
	g := gathering{result: Result{Hosts: len(hosts)}}
	for i := range hosts {
		g.host(p, &hosts[i], n)
	}
	return g.done()
}

// lack is a refusal before it is put in words: with ten thousand hosts, most are only counted.
type lack struct {
	code     Code
	resource string
	need     Milli   // of a scalar
	have     Milli   // of a scalar
	ports    []Range // that are missing or in use
	offered  []Range // ports on offer
}

func (l lack) refusal(host string) Refusal {
	r := Refusal{Code: l.code, Host: host, Resource: l.resource}
	switch l.code {
	case CodeScalar:
		r.Need, r.Have = l.need.String(), l.have.String()
	case CodePorts:
		r.Need, r.Have = showRanges(l.ports), showRanges(l.offered)
	case CodePortClash:
		r.Need = showRanges(l.ports)
	}
	return r
}

// appendLacks appends what the slot does not have. Ports that are busy are left out, because they are told apart.
func (s *slot) appendLacks(lacks []lack, n need, busy []Range) []lack {
	if !holdsRanges(s.all.Ports, n.Ports) {
		if ports := cutRanges(cutRanges(n.Ports, s.all.Ports), busy); len(ports) > 0 {
			lacks = append(lacks, lack{code: CodePorts, resource: "ports", ports: ports, offered: s.all.Ports})
		}
	}
	have := s.all.scalars()
	for i, want := range n.scalars() {
		if !enough(have[i].amount, want.amount) {
			lacks = append(lacks, lack{code: CodeScalar, resource: want.name, need: want.amount, have: have[i].amount})
		}
	}
	return lacks
}

// singles are the ranges of sorted numbers.
func singles(numbers []uint64) []Range {
	var ranges []Range
	for _, n := range numbers {
		ranges = append(ranges, Range{n, n})
	}
	return Normalize(ranges)
}

// gathering counts lacks of many hosts, and puts the first ones in words.
type gathering struct {
	result      Result
	kinds       []kind
	best, other []lack // kept from host to host, to save memory
}

// kind is lacks that differ only in what the hosts have.
type kind struct {
	lack
	host  string
	hosts int
	mixed bool
}

// host adds everything that keeps a host from having what is needed. If it has several slots, the one counts that comes
// nearest.
func (g *gathering) host(p *pool, h *host, n need) {
	busy := singles(p.clashes(h, n.numbers))
	usable := false
	for i := range h.slots {
		s := &h.slots[i]
		if s.maintenance {
			continue
		}
		g.other = s.appendLacks(g.other[:0], n, busy)
		if !usable || len(g.other) < len(g.best) {
			g.best, g.other = g.other, g.best
		}
		usable = true
	}
	if !usable {
		g.add(h.key, lack{code: CodeMaintenance})
		return
	}
	if len(busy) > 0 {
		g.add(h.key, lack{code: CodePortClash, resource: "ports", ports: busy})
	}
	for _, l := range g.best {
		g.add(h.key, l)
	}
}

func (g *gathering) add(host string, l lack) {
	g.result.Refused++
	if len(g.result.Refusals) < MaxRefusals {
		g.result.Refusals = append(g.result.Refusals, l.refusal(host))
	}
	for i := range g.kinds {
		k := &g.kinds[i]
		if k.code != l.code || k.resource != l.resource || !slices.Equal(k.ports, l.ports) {
			continue
		}
		k.hosts++
		k.mixed = k.mixed || k.have != l.have || !slices.Equal(k.offered, l.offered)
		k.have = max(k.have, l.have)
		return
	}
	g.kinds = append(g.kinds, kind{lack: l, host: host, hosts: 1})
}

func (g *gathering) done() Result {
	for _, k := range g.kinds {
		g.result.Summary = append(g.result.Summary, Tally{Refusal: k.refusal(k.host), Hosts: k.hosts, Mixed: k.mixed})
	}
	slices.SortStableFunc(g.result.Summary, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(b.Hosts, a.Hosts), strings.Compare(string(a.Code), string(b.Code)),
			strings.Compare(a.Resource, b.Resource), strings.Compare(a.Need, b.Need))
	})
	return g.result
}
