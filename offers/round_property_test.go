package offers

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// offered is the sum of offers, each once however often it is held.
func offered(all []Offer, ids []string) (sum Resources) {
	seen := map[string]bool{}
	for _, o := range all {
		if !seen[o.ID] && (ids == nil || slices.Contains(ids, o.ID)) {
			seen[o.ID] = true
			sum = sum.Add(o.Resources())
		}
	}
	return sum
}

func operationsOf(r Round, results []Result, indices []int) (ops []Operation) {
	for _, i := range indices {
		p := results[i].Placement
		ops = append(ops, p.Operations...)
		if !p.Grows {
			ops = append(ops, p.Launch(r.Requirements[i].Task))
		}
	}
	return ops
}

func TestGroupsAreWhatMesosAccepts(t *testing.T) {
	seen := seen{}
	checkDrawn(t, 600, func(t *rapid.T) {
		r := scenes.Draw(t, "scene").Round
		results := Place(r)
		for i := range results {
			if results[i].Placement != nil && chance(t, 20, "dropped") {
				results[i].Placement = nil
				seen.note("dropped")
			}
		}
		checkAccepts(t, r, results, seen)
	})
	seen.atLeast(t, map[string]int{"dropped": 30, "several in one": 20, "a volume grows beside another pod": 1})
}

func checkAccepts(t tester, r Round, results []Result, seen seen) {
	t.Helper()
	accepts := Group(results)
	var used []string
	var all []int
	first := -1
	for _, a := range accepts {
		if len(a.Results) == 0 || a.Results[0] <= first || !slices.IsSorted(a.Results) || !slices.IsSorted(a.OfferIDs) {
			t.Fatalf("groups are not in the order of the placements: %+v", accepts)
		}
		first = a.Results[0]
		all = append(all, a.Results...)
		for _, id := range a.OfferIDs {
			if slices.Contains(used, id) {
				t.Fatalf("offer %s is accepted twice: %+v", id, accepts)
			}
			used = append(used, id)
			for _, o := range r.Offers {
				if o.ID == id && (o.AgentID != a.AgentID || o.Role != a.Role || o.Host != a.Host) {
					t.Fatalf("offer %s is of %s, role %s, and accepted with %+v", id, o.AgentID, o.Role, a)
				}
			}
		}
		before := offered(r.Offers, a.OfferIDs)
		left, launched, err := before.ApplyAll(operationsOf(r, results, a.Results), drawnPrincipal)
		if err != nil {
			t.Fatalf("Mesos would refuse something of %+v: %v", a, err)
		}
		if after := left.Add(launched).Quantities(); !before.Quantities().Equal(after) {
			t.Fatalf("of %s, %+v makes %s", before.Quantities(), a, after)
		}
		if len(a.Results) > 1 {
			seen.note("several in one")
			if slices.ContainsFunc(a.Results, func(i int) bool { return results[i].Placement.Grows }) {
				seen.note("a volume grows beside another pod")
			}
		}
	}
	slices.Sort(all)
	for i := range results {
		if _, grouped := slices.BinarySearch(all, i); grouped != (results[i].Placement != nil) {
			t.Fatalf("result %d has a placement: %t, is in a group: %t", i, !grouped, grouped)
		}
	}
	if len(slices.Compact(all)) != len(all) {
		t.Fatalf("a result is in two groups: %+v", accepts)
	}
}

func (s seen) atLeast(t *testing.T, want map[string]int) {
	t.Helper()
	if testing.Short() || t.Failed() {
		return
	}
	for _, what := range slices.Sorted(maps.Keys(want)) {
		if s[what] < want[what] {
			t.Errorf("drawn was %q %d times only, want %d", what, s[what], want[what])
		}
	}
}

func TestOrderDoesNotMatterAndArgumentsStayAsTheyAre(t *testing.T) {
	checkDrawn(t, 250, func(t *rapid.T) {
		s := scenes.Draw(t, "scene")
		before := copied(s)
		results := Place(s.Round)
		accepts := Group(results)
		copies := copied(results)
		for i := range results {
			if p := results[i].Placement; p != nil && !p.Grows {
				p.Launch(s.Requirements[i].Task)
			}
			Explain(s.Requirements[i], results[i])
		}
		releases := Unwanted(s.Offers, s.known)
		if !reflect.DeepEqual(before, s) {
			t.Fatalf("arguments were changed: %#v", s)
		}
		if !reflect.DeepEqual(copies, copied(results)) {
			t.Fatalf("results were changed by grouping, launching and explaining")
		}
		other := copied(s)
		other.Offers = rapid.Permutation(other.Offers).Draw(t, "offers")
		other.Pods = rapid.Permutation(other.Pods).Draw(t, "pods")
		again := Place(other.Round)
		if !reflect.DeepEqual(copied(again), copies) {
			t.Fatalf("in another order of offers and pods:\n%+v\nbefore:\n%+v", again, results)
		}
		if !reflect.DeepEqual(Group(again), accepts) || !reflect.DeepEqual(Unwanted(other.Offers, s.known), releases) {
			t.Fatalf("groups or releases depend on the order of offers")
		}
	})
}

// earlier is a placement of the round before. If it is unproven, only that is recorded which was before it was sent.
type earlier struct {
	*Placement
	unproven bool
}

// after is the round that follows when everything in it was done, and then all tasks ended: under new agent ids, with all that
// is recorded of those that were placed with a claim.
func after(t *rapid.T, r Round) (next Round, before []earlier) {
	results := Place(r)
	slots := map[[2]string]Resources{}
	sites := map[string]Site{}
	for _, o := range r.Offers {
		slots[[2]string{o.AgentID, o.Role}] = nil
		sites[o.AgentID] = o.Site
	}
	for k := range slots {
		var ids []string
		for _, o := range r.Offers {
			if o.AgentID == k[0] && o.Role == k[1] {
				ids = append(ids, o.ID)
			}
		}
		slots[k] = offered(r.Offers, ids)
	}
	for _, a := range Group(results) {
		k := [2]string{a.AgentID, a.Role}
		left, launched, err := slots[k].ApplyAll(operationsOf(r, results, a.Results), drawnPrincipal)
		if err != nil {
			t.Fatal(err)
		}
		slots[k] = left.Add(launched)
	}
	for _, k := range slices.SortedFunc(maps.Keys(slots), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		for i, part := range split(t, slots[k]) {
			o := offerOf(part)
			o.ID, o.AgentID, o.Role, o.Address, o.Site = fmt.Sprintf("n-%s-%s-%d", k[0], k[1], i), k[0]+"-new", k[1], "10.0.0.1", sites[k[0]]
			next.Offers = append(next.Offers, o)
		}
	}
	next.Pods = r.Pods
	for i, res := range results {
		p := res.Placement
		if p == nil {
			continue
		}
		req := copied(r.Requirements[i])
		next.Pods = slices.DeleteFunc(slices.Clone(next.Pods), func(o Pod) bool { return o.Name == req.Subject })
		if !p.Grows {
			next.Pods = append(next.Pods, Pod{Name: req.Subject, PodType: req.PodType, Site: p.Site, Ports: p.Ports})
		}
		if req.Claim == nil {
			continue
		}
		if !p.Held.Contains(p.Kept) || !req.Claim.Held.Contains(p.Kept) {
			t.Fatalf("%s had %s, has %s reserved afterwards and keeps %s", req.Subject, req.Claim.Held, p.Held, p.Kept)
		}
		req.Claim.Held = p.Kept
		unproven := !p.Grows && chance(t, 15, "nothing was heard of the task")
		next.Requirements, before = append(next.Requirements, req), append(before, earlier{p, unproven})
		if unproven {
			continue
		}
		for j := range p.Ports {
			if req.Ports[j].Offset {
				req.PortBase.Prior = p.Ports[j] - req.Ports[j].Number
			} else {
				req.Ports[j].Prior = p.Ports[j]
			}
		}
		if !p.Grows {
			req.Claim.Held = p.Held
			for j := range p.Volumes {
				req.Volumes[j].Prior = p.Volumes[j].ID
			}
		}
		next.Requirements[len(next.Requirements)-1] = req
	}
	return next, before
}

func TestPodsComeBackToWhatTheyHave(t *testing.T) {
	seen := seen{}
	checkDrawn(t, 500, func(t *rapid.T) {
		next, before := after(t, scenes.Draw(t, "scene").Round)
		for i, res := range Place(next) {
			r, p, was := next.Requirements[i], res.Placement, before[i]
			nothing := was.Held.IsZero() && len(was.Volumes) == 0 // then it may go anywhere
			places := slices.DeleteFunc(open(next).on(was.Host), func(s *bookSlot) bool { return !s.holds(&r) })
			switch {
			case p == nil && nothing:
				continue
			case p == nil:
				t.Fatalf("%s has no place: %s\nafter %+v\nin %#v", r.Subject, Explain(r, res), was, scene{Round: next})
			case nothing, len(places) > 1:
				continue
			case p.Host != was.Host || p.Role != was.Role || p.AgentID != was.AgentID+"-new":
				t.Fatalf("%s was on %s (%s, %s), and is placed on %s (%s, %s)", r.Subject, was.Host, was.Role, was.AgentID, p.Host, p.Role, p.AgentID)
			case p.Grows:
				t.Fatalf("%s grows a second time", r.Subject)
			case was.unproven:
				seen.note("nothing was heard of the task")
				continue
			case len(p.Operations) > 0:
				t.Fatalf("%s has all that it needs, and operations %v\nafter %+v\nin %#v", r.Subject, p.Operations, was, scene{Round: next})
			case !slices.Equal(p.Ports, was.Ports):
				t.Fatalf("%s had ports %v, and gets %v", r.Subject, was.Ports, p.Ports)
			case !p.Held.Equal(was.Held):
				t.Fatalf("%s had %s reserved, and gets %s", r.Subject, was.Held, p.Held)
			case !was.Grows && !slices.Equal(p.Executor.Quantities().Ports, was.Executor.Quantities().Ports):
				t.Fatalf("%s: its executor had %s, and gets %s", r.Subject, was.Executor, p.Executor)
			}
			for j := range p.Volumes {
				want := was.Volumes[j]
				want.New = false
				if p.Volumes[j] != want {
					t.Fatalf("%s had the volume %+v, and gets %+v", r.Subject, want, p.Volumes[j])
				}
			}
			seen.note("reuse under a new agent id")
			if was.Grows {
				seen.note("launch after growth")
			}
			if len(p.Volumes) > 0 && was.Held.IsZero() {
				seen.note("only volumes on what the operator reserved")
			}
		}
	})
	seen.atLeast(t, map[string]int{"reuse under a new agent id": 100, "launch after growth": 5, "nothing was heard of the task": 20, "only volumes on what the operator reserved": 1})
}

// What changes after pods have their places: needs grow and shrink, offers come in pieces, somebody else is faster.
func TestPlaceAgreesWithATwinLater(t *testing.T) {
	seen := seen{}
	checkDrawn(t, 500, func(t *rapid.T) {
		next, _ := after(t, scenes.Draw(t, "scene").Round)
		for i := range next.Requirements {
			changed(t, &next.Requirements[i])
		}
		next.Offers = slices.DeleteFunc(next.Offers, func(Offer) bool { return chance(t, 10, "offer comes later") })
		checkRound(t, next, seen)
		checkAccepts(t, next, Place(next), nil)
	})
	seen.atLeast(t, map[string]int{
		"volume grows": 3, "surplus is given back": 30, "only the difference is reserved": 30, "refused: held": 30, "refused: volume": 10,
	})
}

func changed(t *rapid.T, r *Requirement) {
	factor := func(m *Milli, label string) { *m = *m * oneOf[Milli](t, label, 2, 2, 2, 1, 4) / 2 }
	factor(&r.CPUs, "cpus")
	factor(&r.Mem, "mem")
	factor(&r.Disk, "disk")
	for i := range r.Volumes {
		factor(&r.Volumes[i].Size, "volume")
	}
	if len(r.Ports) > 0 && chance(t, 20, "a port less") {
		r.Ports = r.Ports[1:]
	}
	if chance(t, 20, "a port more") {
		r.Ports = append(r.Ports, Port{Name: "more"})
	}
	if chance(t, 10, "another principal") {
		r.Claim.Principal = drawnPrincipal
	}
}

// Reservations that belong to nobody.

// unwantedIn is what should be given back of the offers of one agent and role.
func unwantedIn(all Resources, wanted func(service, framework, pod, id string) bool) (some Resources, pods []string) {
	for _, res := range all {
		last, ok := res.lastReservation()
		if !ok || !last.Dynamic || res.Shared || res.Revocable {
			continue
		}
		of := func(key string) string { return labelOf(last.Labels, key) }
		pod, id := of("pod"), of("resource_id")
		if of("service") != "" && pod != "" && id != "" && wanted(of("service"), of("framework_id"), pod, id) {
			some, pods = append(some, res), append(pods, pod)
		}
	}
	slices.Sort(pods)
	return some, slices.Compact(pods)
}

func checkReleases(t tester, offers []Offer, releases []Release, wanted func(service, framework, pod, id string) bool, seen seen) {
	t.Helper()
	for _, s := range open(Round{Offers: offers}).slots {
		some, pods := unwantedIn(s.left, wanted)
		at := slices.IndexFunc(releases, func(r Release) bool { return r.AgentID == s.agent && r.Role == s.role })
		if len(some) == 0 {
			if at >= 0 {
				t.Fatalf("%+v gives back what is wanted", releases[at])
			}
			seen.note("nothing to give back")
			continue
		}
		if at < 0 {
			t.Fatalf("nothing is given back on %s in role %s, though %s is of nobody", s.agent, s.role, some)
		}
		r := releases[at]
		releases = slices.Delete(slices.Clone(releases), at, at+1)
		if r.Host != s.host || !slices.Equal(r.OfferIDs, s.ids) || !slices.Equal(r.Pods, pods) {
			t.Fatalf("%+v is about pods %v in offers %v on host %s", r, pods, s.ids, s.host)
		}
		left, _, err := s.left.ApplyAll(r.Operations, drawnPrincipal)
		if err != nil {
			t.Fatalf("Mesos would refuse something of %v: %v", r.Operations, err)
		}
		want, _ := s.left.Sub(some)
		for _, res := range some {
			if res.Persistent() {
				res = res.WithoutVolume()
				seen.note("destroyed")
			}
			res, _ = res.Pop()
			want = want.Add(Resources{res})
			seen.note("given back")
		}
		if !left.Equal(want) {
			t.Fatalf("%v leaves %s, want %s", r.Operations, left, want)
		}
		var types []string
		for _, op := range r.Operations {
			types = append(types, string(op.Type))
		}
		if text := strings.Join(slices.Compact(types), " "); !slices.Contains([]string{"UNRESERVE", "DESTROY UNRESERVE"}, text) {
			t.Fatalf("gives back by %s", text)
		}
	}
	if len(releases) > 0 {
		t.Fatalf("given back is what is not on offer: %+v", releases)
	}
}

func TestUnwantedIsWhatNoPodOwns(t *testing.T) {
	seen := seen{}
	checkDrawn(t, 500, func(t *rapid.T) {
		s := scenes.Draw(t, "scene")
		checkReleases(t, s.Offers, Unwanted(s.Offers, s.known), func(service, framework, pod, id string) bool {
			owner, known := s.known.Claims[pod]
			return service == drawnService && framework == drawnFramework && (!known || owner != "" && owner != id)
		}, seen)
		for _, k := range []Known{
			{Service: drawnService, Framework: drawnFramework, Claims: s.known.Claims},
			{Service: drawnService, Framework: drawnFramework, Complete: true},
			{Service: drawnService, Claims: s.known.Claims, Complete: true},
			{Framework: drawnFramework, Claims: s.known.Claims, Complete: true},
		} {
			if releases := Unwanted(s.Offers, k); len(releases) > 0 {
				t.Fatalf("knowing only %+v, it would give back %+v", k, releases)
			}
		}
		for _, r := range s.Requirements {
			if r.Claim == nil {
				continue
			}
			checkReleases(t, s.Offers, ReleaseClaim(s.Offers, r.Subject, *r.Claim), func(service, framework, pod, id string) bool {
				return service == drawnService && pod == r.Subject && id == r.Claim.ID
			}, nil)
		}
	})
	seen.atLeast(t, map[string]int{"given back": 100, "destroyed": 50, "nothing to give back": 50})
}

// One host that has just what is needed, so that one volume or port must often give way to another.
func TestTightFits(t *testing.T) {
	seen := seen{}
	checkDrawn(t, 1500, func(t *rapid.T) {
		r := Requirement{Subject: "registry-0", PodType: "registry", Mem: 64000, Disk: oneOf[Milli](t, "disk", 0, 50000, 100000)}
		r.Claim = &Claim{Service: drawnService, Framework: drawnFramework, ID: "c0", Principal: drawnPrincipal}
		o := Offer{ID: "o", AgentID: "a", Role: "dev", Address: "10.0.0.1", Site: Site{Host: "h1", Hostname: "h1"}}
		o.Free.Mem, o.Free.Disk = 64000, oneOf[Milli](t, "free disk", 0, 50000, 100000, 150000)
		own := []Reservation{r.Claim.reservation(r.Subject, "dev")}
		o.Rest = plainResources(Quantities{Disk: oneOf[Milli](t, "own disk", 0, 50000, 100000)}, "dev", own)
		o.Rest = append(o.Rest, plainResources(Quantities{Disk: oneOf[Milli](t, "disk of the role", 0, 100000, 150000)}, "dev", []Reservation{{Role: "dev"}})...)
		for i := range upTo(t, 4, "volumes") {
			v := Volume{Name: fmt.Sprintf("v%d", i), ContainerPath: fmt.Sprintf("v%d", i), Type: oneOf(t, "type", MountVolume, MountVolume, RootVolume)}
			v.Size = oneOf[Milli](t, "size", 50000, 100000)
			if v.Type == MountVolume {
				v.Root = oneOf(t, "root", "", "", "/d1", "/d2", "/d3")
			}
			r.Volumes = append(r.Volumes, v)
		}
		for i := range upTo(t, 4, "disks") {
			m := Mount{Size: oneOf[Milli](t, "size of disk", 100000, 50000, 150000), Root: fmt.Sprintf("/d%d", i+1)}
			if chance(t, 25, "reserved disk") {
				o.Rest = append(o.Rest, m.resource("dev", own))
			} else {
				o.Mounts = append(o.Mounts, m)
			}
		}
		for i := range upTo(t, 4, "ports") {
			p := Port{Name: fmt.Sprintf("p%d", i), Offset: chance(t, 30, "offset")}
			if p.Offset {
				p.Number = uint64(upTo(t, 1, "number"))
			} else {
				first := 21000 + uint64(upTo(t, 3, "range"))
				p.Ranges = []Range{{first, first + uint64(upTo(t, 2, "range"))}}
				p.Prior = oneOf[uint64](t, "prior", 0, 21000, 21001, 21002, 21003)
			}
			r.Ports = append(r.Ports, p)
		}
		for n := uint64(21000); n < 21006; n++ {
			if chance(t, 75, "port") {
				o.Free.Ports = append(o.Free.Ports, Range{n, n})
			}
		}
		o.Free.Ports = Normalize(o.Free.Ports)
		checkRound(t, Round{Requirements: []Requirement{r}, Offers: []Offer{o}}, seen)
	})
	seen.atLeast(t, map[string]int{
		"placed": 50, "disks are divided though a simple way fails": 5, "base gives way to another port": 3, "number kept": 10, "number not kept": 3,
	})
}

// Many hosts, each of which lacks something else.

func TestRefusalsStaySmall(t *testing.T) {
	seen := seen{}
	checkDrawn(t, 60, func(t *rapid.T) {
		r := Requirement{Subject: "registry-0", PodType: "registry", CPUs: 1000, Mem: 64000}
		for i := range 1 + upTo(t, 6, "ports") {
			r.Ports = append(r.Ports, Port{Name: fmt.Sprintf("p%d", i), Number: 21000 + 2*uint64(i)})
		}
		if chance(t, 50, "loose ports") {
			r.Ports = append(r.Ports, Port{Name: "a", Ranges: []Range{{1, 2}}}, Port{Name: "b", Ranges: []Range{{1, 2}}}, Port{Name: "c", Ranges: []Range{{1, 2}}})
		}
		for i := range upTo(t, 7, "unmanaged ports") {
			r.Ports = append(r.Ports, Port{Name: fmt.Sprintf("u%d", i), Number: 100 + 2*uint64(i), Unmanaged: true})
		}
		round := Round{Requirements: []Requirement{r}}
		for i := range 15 + upTo(t, 50, "hosts") {
			key := fmt.Sprintf("h%02d", i)
			o := Offer{ID: "o-" + key, AgentID: "a-" + key, Role: "dev", Site: Site{Host: key, Hostname: key}, Free: Quantities{CPUs: 500, Mem: 128000}}
			other := Pod{Name: "other-" + key, PodType: "other", Site: o.Site}
			for _, p := range r.Ports {
				switch {
				case p.Number == 0 || chance(t, 50, "port"):
				case p.Unmanaged:
					other.Ports = append(other.Ports, p.Number)
				default:
					o.Free.Ports = append(o.Free.Ports, Range{p.Number, p.Number})
				}
			}
			round.Offers, round.Pods = append(round.Offers, o), append(round.Pods, other)
		}
		b, res := open(round), Place(round)
		c := &checking{tester: t, books: b, r: &r, res: &res[0], seen: seen}
		c.check()
		sum := 0
		for i, tally := range res[0].Summary {
			sum += tally.Hosts
			if tally.Code == CodeOther && i != len(res[0].Summary)-1 {
				t.Fatalf("further kinds of reasons are not the last: %v", res[0].Summary)
			}
			if tally.Code == CodeOther {
				seen.note("further kinds")
			}
		}
		if len(res[0].Refusals) == MaxRefusals && res[0].Refused > MaxRefusals {
			seen.note("further refusals")
		}
		if len(Explain(r, res[0])) > 1000 {
			t.Fatalf("Explain says too much: %s", Explain(r, res[0]))
		}
	})
	seen.atLeast(t, map[string]int{"further kinds": 5, "further refusals": 20})
}

// A refusal is kept for the next pod like the one that was refused. That must not be told to one that differs.
func TestRefusalsAreOfTheirOwnPods(t *testing.T) {
	seen := seen{}
	checkDrawn(t, 600, func(t *rapid.T) {
		s := scenes.Draw(t, "scene")
		one, two := s.Requirements[:1], []Requirement{s.Requirements[0], s.near}
		alone := Place(Round{Requirements: two[1:], Offers: s.Offers, Pods: s.Pods})
		both := Place(Round{Requirements: two, Offers: s.Offers, Pods: s.Pods})
		switch {
		case both[0].Placement != nil:
			return
		case !reflect.DeepEqual(both[0], Place(Round{Requirements: one, Offers: s.Offers, Pods: s.Pods})[0]):
			t.Fatalf("the first pod's refusal depends on the second pod")
		case !reflect.DeepEqual(copied(both[1]), copied(alone[0])):
			t.Fatalf("%s is refused because of another pod: %s\nby itself: %s", s.near.Subject, Explain(s.near, both[1]), Explain(s.near, alone[0]))
		}
		if alone[0].Placement == nil && !reflect.DeepEqual(both[0], both[1]) {
			seen.note("different refusals")
		}
	})
	seen.atLeast(t, map[string]int{"different refusals": 50})
}

// What Validate refuses finds no place or some, but never a panic.
func TestPlaceNeverPanics(t *testing.T) {
	invalid := 0
	checkDrawn(t, 400, func(t *rapid.T) {
		s := scenes.Draw(t, "scene")
		for i := range s.Requirements {
			r := &s.Requirements[i]
			for range 1 + upTo(t, 2, "faults") {
				spoil(t, r)
			}
			if r.Validate() != nil {
				invalid++
			}
		}
		results := Place(s.Round)
		for i := range results {
			if Explain(s.Requirements[i], results[i]) == "" {
				t.Fatalf("Explain says nothing of %+v", results[i])
			}
			if p := results[i].Placement; p != nil && !p.Grows {
				p.Launch(s.Requirements[i].Task)
			}
		}
		Group(results)
	})
	if invalid < 100 && !testing.Short() {
		t.Errorf("drawn were %d requirements that are not valid", invalid)
	}
}

func spoil(t *rapid.T, r *Requirement) {
	odd := []Range{{5, 3}, {0, 2}, {65530, 70000}}
	switch upTo(t, 11, "fault") {
	case 0:
		r.CPUs = -1000
	case 1:
		r.Disk = -5
	case 2:
		r.Claim = nil
	case 3:
		r.Ports = append(r.Ports, Port{Name: "x", Unmanaged: true})
	case 4:
		r.Ports = append(r.Ports, Port{Name: "x", Offset: true, Number: 70000}, Port{Name: "y", Offset: true, Unmanaged: true})
	case 5:
		r.Ports = append(r.Ports, Port{Name: "x", Ranges: odd}, Port{Name: "y", Number: 1 << 40})
	case 6:
		r.PortBase.Ranges = odd
	case 7:
		r.Volumes = append(r.Volumes, Volume{}, Volume{Name: "n", Type: MountVolume}, Volume{Name: "m", Type: "odd", Size: -4})
	case 8:
		r.Executor = Quantities{CPUs: -5, Mem: 5, Ports: odd}
	case 9:
		r.Roles = append(r.Roles, "", "*")
	case 10:
		r.Subject, r.PodType = "", ""
	case 11:
		if r.Claim != nil {
			r.Claim.ID, r.Claim.Held = "", Quantities{CPUs: -5, Ports: odd}
		}
	}
}
