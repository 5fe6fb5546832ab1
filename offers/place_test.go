package offers

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// scene is the input of one round.
type scene struct {
	reqs []Requirement
	pool []Offer
	used map[string][]uint64
}

func (s scene) place() []Result {
	return Place(s.reqs, s.pool, func(host string) []uint64 { return s.used[host] })
}

// drawScene draws a few hosts with several small offers each, so that most things are scarce.
func drawScene(t *rapid.T) scene {
	s := scene{used: map[string][]uint64{}}
	for h := range rapid.IntRange(0, 4).Draw(t, "hosts") {
		host := fmt.Sprintf("h%d", h)
		free := []Range{{1, 12}} // every port of a host is in one offer at most
		for range rapid.IntRange(1, 5).Draw(t, "offers") {
			o := Offer{ID: fmt.Sprintf("O%d", len(s.pool)), Host: host, AgentID: "agent-" + host, Role: "dev", Free: drawResources(t, "free")}
			o.Free.Ports = sharedRanges(free, o.Free.Ports)
			free = cutRanges(free, o.Free.Ports)
			switch rapid.IntRange(0, 9).Draw(t, "kind") {
			case 0, 1:
				o.Role = "other"
			case 2:
				o.AgentID = "twin-" + host
			case 3:
				o.Unavailable = true
			}
			s.pool = append(s.pool, o)
		}
		s.used[host] = rapid.SliceOfN(rapid.Uint64Range(1, 14), 0, 2).Draw(t, "used")
	}
	for i := range rapid.IntRange(1, 8).Draw(t, "requirements") {
		s.reqs = append(s.reqs, drawRequirement(t, i))
	}
	return s
}

func drawRequirement(t *rapid.T, i int) Requirement {
	r := Requirement{
		Subject: fmt.Sprintf("pod-%d", i),
		Host:    rapid.SampledFrom([]string{"", "", "h0", "h1", "h2", "h9"}).Draw(t, "host"),
		CPUs:    Milli(rapid.Int64Range(0, 3000).Draw(t, "cpus")),
		Mem:     Milli(rapid.Int64Range(0, 3000).Draw(t, "mem")),
		Disk:    Milli(rapid.SampledFrom([]int64{0, 0, 1000, -1}).Draw(t, "disk")),
	}
	for range rapid.IntRange(0, 2).Draw(t, "ports") {
		r.Ports = append(r.Ports, Port{Number: rapid.Uint64Range(1, 14).Draw(t, "port"), Unmanaged: rapid.Bool().Draw(t, "unmanaged")})
	}
	return r
}

// plain is the slow twin: it keeps books with maps, and scans everything each time.
type plain struct {
	scene
	left   map[string]*books // by agent and role
	placed map[string]int    // by host
	busy   map[string]bool   // by host and number
}

type books struct {
	host, agent, role string
	cpus, mem, disk   Milli
	ports             map[uint64]bool
	closed, used      bool
}

func slotKey(agent, role string) string { return agent + "/" + role }

func newPlain(s scene) *plain {
	p := &plain{scene: s, left: map[string]*books{}, placed: map[string]int{}, busy: map[string]bool{}}
	closed := map[string]bool{}
	for _, o := range s.pool {
		closed[o.AgentID] = closed[o.AgentID] || o.Unavailable
	}
	for _, o := range s.pool {
		key := slotKey(o.AgentID, o.Role)
		if p.left[key] == nil {
			p.left[key] = &books{host: o.Host, agent: o.AgentID, role: o.Role, ports: map[uint64]bool{}, closed: closed[o.AgentID]}
		}
		b := p.left[key]
		b.cpus, b.mem, b.disk = b.cpus+o.Free.CPUs, b.mem+o.Free.Mem, b.disk+o.Free.Disk
		for n := range numbers(o.Free.Ports) {
			b.ports[n] = true
		}
	}
	for host, used := range s.used {
		for _, n := range used {
			p.busy[fmt.Sprint(host, n)] = true
		}
	}
	return p
}

func (p *plain) fits(r Requirement, b *books) bool {
	if b.closed || r.Host != "" && r.Host != b.host {
		return false
	}
	for _, port := range r.Ports {
		if p.busy[fmt.Sprint(b.host, port.Number)] || !port.Unmanaged && !b.ports[port.Number] {
			return false
		}
	}
	return min(r.CPUs, r.Mem, r.Disk) >= 0 && r.CPUs <= b.cpus && r.Mem <= b.mem && r.Disk <= b.disk
}

// best is the place that the documented order names, empty if none fits.
func (p *plain) best(r Requirement) string {
	cpus := map[string]Milli{} // by host
	var fit []string
	for key, b := range p.left {
		if !b.closed {
			cpus[b.host] += b.cpus
		}
		if p.fits(r, b) {
			fit = append(fit, key)
		}
	}
	slices.SortFunc(fit, func(a, b string) int {
		x, y := p.left[a], p.left[b]
		return cmp.Or(
			cmp.Compare(p.placed[x.host], p.placed[y.host]),
			cmp.Compare(cpus[y.host], cpus[x.host]),
			cmp.Compare(x.host, y.host),
			compareBool(y.used, x.used),
			cmp.Compare(y.cpus, x.cpus),
			cmp.Compare(x.role, y.role),
			cmp.Compare(x.agent, y.agent),
		)
	})
	if len(fit) == 0 {
		return ""
	}
	return fit[0]
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func (p *plain) take(r Requirement, at *Placement) {
	b := p.left[slotKey(at.AgentID, at.Role)]
	b.cpus, b.mem, b.disk = b.cpus-r.CPUs, b.mem-r.Mem, b.disk-r.Disk
	for _, port := range r.Ports {
		p.busy[fmt.Sprint(b.host, port.Number)] = true
		if !port.Unmanaged {
			delete(b.ports, port.Number)
		}
	}
	b.used = true
	p.placed[b.host]++
}

func wanted(r Requirement) Quantities {
	want := Quantities{CPUs: r.CPUs, Mem: r.Mem, Disk: r.Disk}
	for _, port := range r.Ports {
		if !port.Unmanaged {
			want.Ports = joinRanges(want.Ports, []Range{{port.Number, port.Number}})
		}
	}
	return want
}

// sum is what the named offers hold together.
func (s scene) sum(ids []string) Quantities {
	var sum Quantities
	for _, o := range s.pool {
		if slices.Contains(ids, o.ID) {
			sum = sum.Add(o.Free)
		}
	}
	return sum
}

func TestPlaceAgreesWithThePlainTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		results := s.place()
		p := newPlain(s)
		for i, r := range s.reqs {
			res := results[i]
			want := p.best(r)
			if res.Placement == nil {
				if want != "" {
					t.Fatalf("%s is refused (%s), but it fits %s", r.Subject, Explain(r, res), want)
				}
				continue
			}
			at := res.Placement
			if got := slotKey(at.AgentID, at.Role); got != want || at.Host != p.left[want].host {
				t.Fatalf("%s is placed on %s; the order says %q", r.Subject, got, want)
			}
			if !slices.IsSorted(at.OfferIDs) || len(slices.Compact(slices.Clone(at.OfferIDs))) != len(at.OfferIDs) {
				t.Fatalf("%s: the offers are not in order: %v", r.Subject, at.OfferIDs)
			}
			if !at.Take.Equal(wanted(r)) {
				t.Fatalf("%s takes %s, not %s", r.Subject, at.Take, wanted(r))
			}
			p.take(r, at)
		}
	})
}

func TestAcceptsHoldWhatTheyLaunch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		results := s.place()
		for i := range results {
			if rapid.IntRange(0, 3).Draw(t, "dropped") == 0 {
				results[i].Placement = nil
			}
		}
		seen := map[string]bool{}
		grouped := 0
		for _, a := range Group(results) {
			left := s.sum(a.OfferIDs)
			for _, i := range a.Results {
				grouped++
				at := results[i].Placement
				if at.AgentID != a.AgentID || at.Role != a.Role || at.Host != a.Host {
					t.Fatalf("an ACCEPT mixes agents or roles: %+v in %+v", at, a)
				}
				var ok bool
				if left, ok = left.Sub(at.Take); !ok {
					t.Fatalf("the offers %v do not hold everything that is launched on them", a.OfferIDs)
				}
			}
			for _, id := range a.OfferIDs {
				if seen[id] {
					t.Fatalf("offer %s is accepted twice", id)
				}
				seen[id] = true
				o := s.pool[slices.IndexFunc(s.pool, func(o Offer) bool { return o.ID == id })]
				if o.AgentID != a.AgentID || o.Role != a.Role || o.Unavailable {
					t.Fatalf("offer %+v is accepted in %+v", o, a)
				}
			}
		}
		if placed := len(slices.DeleteFunc(slices.Clone(results), func(r Result) bool { return r.Placement == nil })); placed != grouped {
			t.Fatalf("%d placements, %d in ACCEPTs", placed, grouped)
		}
	})
}

// TestAsFewOffersAsSuffice tries all sets of further offers for every placement.
func TestAsFewOffersAsSuffice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		taken, names := map[string]Quantities{}, map[string][]string{}
		for i, res := range s.place() {
			at := res.Placement
			if at == nil {
				continue
			}
			key := slotKey(at.AgentID, at.Role)
			before := names[key]
			total := taken[key].Add(at.Take)
			var others []string
			for _, o := range s.pool {
				if slotKey(o.AgentID, o.Role) == key && !slices.Contains(before, o.ID) {
					others = append(others, o.ID)
				}
			}
			least := len(others) + 1
			for set := range 1 << len(others) {
				ids := slices.Clone(before)
				for n, id := range others {
					if set>>n&1 == 1 {
						ids = append(ids, id)
					}
				}
				if len(ids) > 0 && s.sum(ids).Contains(total) {
					least = min(least, bits.OnesCount(uint(set)))
				}
			}
			if got := len(at.OfferIDs) - len(before); got != least {
				t.Fatalf("%s adds %d offers to %v (%v), but %d suffice", s.reqs[i].Subject, got, before, at.OfferIDs, least)
			}
			taken[key], names[key] = total, at.OfferIDs
		}
	})
}

func TestTheOrderOfThePoolDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		want := s.place()
		s.pool = rapid.Permutation(s.pool).Draw(t, "shuffled")
		s.pool = append(s.pool, s.pool[:len(s.pool)/2]...) // and neither does an offer that is told twice
		before := slices.Clone(s.pool)
		if diff := gocmp.Diff(want, s.place()); diff != "" {
			t.Fatalf("(-want +got)\n%s", diff)
		}
		if diff := gocmp.Diff(before, s.pool); diff != "" {
			t.Fatalf("the pool was changed: (-want +got)\n%s", diff)
		}
	})
}

func TestRefusalsAreCompleteAndBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		for i, res := range s.place() {
			r := s.reqs[i]
			if refused := res.Placement == nil; refused != (len(res.Refusals) > 0) || refused != (len(res.Summary) > 0) || refused != (res.Refused > 0) {
				t.Fatalf("%s: neither placed nor refused, or both: %+v", r.Subject, res)
			}
			if text := Explain(r, res); text == "" || slices.Contains([]byte(text), '\n') {
				t.Fatalf("%s: explained in other than one line: %q", r.Subject, text)
			}
			sum := 0
			for _, k := range res.Summary {
				if k.Code != CodeNoOffer && k.Code != CodeOtherHost {
					sum += k.Hosts
				}
			}
			if res.Hosts > 0 && sum != res.Refused {
				t.Fatalf("%s: %d refusals, but %d in the summary", r.Subject, res.Refused, sum)
			}
		}
	})
}

// hosts are whole agents of one size.
func hosts(n int) []Offer {
	pool := make([]Offer, n)
	for i := range pool {
		host := fmt.Sprintf("node-%05d.example.com", i)
		pool[i] = Offer{
			ID: fmt.Sprintf("e2c4a1b8-O%d", i), AgentID: fmt.Sprintf("e2c4a1b8-S%d", i), Host: host, Hostname: host, Role: "quobyte",
			Free: Quantities{CPUs: 8000, Mem: 32768000, Disk: 100000000, Ports: []Range{{21000, 21011}, {31000, 32000}}},
		}
	}
	return pool
}

func TestManyRefusals(t *testing.T) {
	pool := hosts(100)
	r := Requirement{Subject: "api-0", CPUs: 9000, Ports: []Port{{Name: "rpc", Number: 80}}}
	res := Place([]Requirement{r}, pool, nil)[0]
	if len(res.Refusals) != MaxRefusals || res.Refused != 200 {
		t.Errorf("%d refusals of %d, want %d of 200", len(res.Refusals), res.Refused, MaxRefusals)
	}
	want := "0 of 100 hosts fit: 100 lack port 80 (offered: 21000-21011, 31000-32000), 100 lack cpus (need 9, have 8)"
	if diff := gocmp.Diff(want, Explain(r, res)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestManyOffersOfOneAgent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scene{}
		for i := range rapid.IntRange(maxExact+1, 2*maxExact).Draw(t, "offers") {
			s.pool = append(s.pool, Offer{ID: fmt.Sprintf("O%02d", i), Host: "h", AgentID: "a", Role: "dev", Free: drawResources(t, "free")})
		}
		s.reqs = []Requirement{{CPUs: Milli(rapid.Int64Range(0, 30000).Draw(t, "cpus")), Mem: Milli(rapid.Int64Range(0, 30000).Draw(t, "mem"))}}
		at := s.place()[0].Placement
		var all []string
		for _, o := range s.pool {
			all = append(all, o.ID)
		}
		want := wanted(s.reqs[0])
		if fits := s.sum(all).Contains(want); fits != (at != nil) {
			t.Fatalf("%s fits: %v, placed: %v", want, fits, at)
		}
		if at != nil && !s.sum(at.OfferIDs).Contains(want) {
			t.Fatalf("%v do not hold %s", at.OfferIDs, want)
		}
	})
}

func BenchmarkPlace(b *testing.B) {
	const pods, agents = 200, 10_000
	pool := hosts(agents)
	ports := []Port{{Name: "rpc", Number: 21004}, {Name: "http", Number: 21005}}
	for _, bench := range []struct {
		name string
		make func(i int) Requirement
	}{
		{"bound", func(i int) Requirement {
			return Requirement{Host: pool[i*37].Host, CPUs: 4000, Mem: 4096000, Disk: 32000, Ports: ports}
		}},
		{"free", func(int) Requirement { return Requirement{CPUs: 4000, Mem: 4096000, Disk: 32000, Ports: ports} }},
		{"refused", func(int) Requirement {
			return Requirement{CPUs: 9000, Mem: 4096000, Ports: []Port{{Name: "rpc", Number: 80}}}
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			reqs := make([]Requirement, pods)
			for i := range reqs {
				reqs[i] = bench.make(i)
			}
			used := func(string) []uint64 { return nil }
			b.ReportAllocs()
			for b.Loop() {
				Place(reqs, pool, used)
			}
		})
	}
}
