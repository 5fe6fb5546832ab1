package offers

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Words for resources in tests.

func amountOf(name string, units float64) Resource {
	return Resource{Name: name, Scalar: Scalar(units), Role: "dev"}
}

func portsOf(ranges ...Range) Resource {
	return Resource{Name: "ports", Type: Ranges, Ranges: ranges, Role: "dev"}
}

func setOf(items ...string) Resource {
	return Resource{Name: "zones", Type: Set, Set: items, Role: "dev"}
}

func (r Resource) on(t SourceType, root string) Resource {
	r.Disk = &Disk{Source: Source{Type: t, Root: root}}
	return r
}

func (r Resource) reserved(role string, labels ...Label) Resource {
	return r.Push(Reservation{Dynamic: true, Role: role, Principal: "p1", Labels: labels})
}

// volume is r as the persistent volume id.
func (r Resource) volume(id string) Resource {
	d := diskOf(r.Disk)
	d.Persistence, d.Volume = &Persistence{ID: id, Principal: "p1"}, &DiskVolume{ContainerPath: "data"}
	r.Disk = &d
	return r
}

func (r Resource) with(change func(*Resource)) Resource {
	change(&r)
	return r
}

// The texts are those of trace 07, where it has them.
func TestResourcesReadAsMesosPrintsThem(t *testing.T) {
	provided := amountOf("disk", 5).on(MountDisk, "/csi").with(func(r *Resource) {
		r.Disk.Source.Provided = &Provided{ID: "id", Vendor: "vendor", Profile: "fast"}
	})
	for _, test := range []struct {
		r    Resource
		want string
	}{
		{amountOf("cpus", 100), "cpus(allocated: dev):100"},
		{amountOf("cpus", 3.9), "cpus(allocated: dev):3.9"},
		{Resource{Name: "cpus", Scalar: -1000}, "cpus:-1"},
		{portsOf(Range{38000, 38499}, Range{38600, 38999}), "ports(allocated: dev):[38000-38499, 38600-38999]"},
		{portsOf(Range{1234, 1234}), "ports(allocated: dev):[1234-1234]"},
		{Resource{Name: "ports", Type: Ranges, Ranges: []Range{{38010, 38001}}}, "ports:[38010-38001]"},
		{amountOf("disk", 64).on(MountDisk, "/m2"), "disk(allocated: dev)[MOUNT:/m2]:64"},
		{amountOf("disk", 1024).on(PathDisk, "/p1"), "disk(allocated: dev)[PATH:/p1]:1024"},
		{amountOf("cpus", 0.2).reserved("dev"), "cpus(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):0.2"},
		{amountOf("cpus", 0.1).Push(Reservation{Role: "dev"}), "cpus(allocated: dev)(reservations: [(STATIC,dev)]):0.1"},
		{
			amountOf("disk", 64).reserved("dev").volume("v1"),
			"disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)])[v1:data]:64",
		},
		{
			Resource{Name: "cpus", Scalar: 1000}.reserved("dev").reserved("dev/sub"),
			"cpus(reservations: [(DYNAMIC,dev,p1),(DYNAMIC,dev/sub,p1)]):1",
		},
		// These are not in the traces.
		{
			amountOf("disk", 64).on(MountDisk, "/m1").reserved("dev", Label{"k", "v"}, Label{"l", "w"}).volume("v1"),
			"disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1,{k: v, l: w})])[MOUNT:/m1,v1:data]:64",
		},
		{setOf("a", "b"), "zones(allocated: dev):{a, b}"},
		{provided, "disk(allocated: dev)[MOUNT(vendor,id,fast):/csi]:5"},
		{amountOf("disk", 5).on(BlockDisk, ""), "disk(allocated: dev)[BLOCK]:5"},
		{amountOf("disk", 5).on(RawDisk, ""), "disk(allocated: dev)[RAW]:5"},
		{Resource{Name: "cpus", Scalar: 1000, Revocable: true, Shared: true}, "cpus{REV}<SHARED>:1"},
	} {
		if got := test.r.String(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
	two := Resources{amountOf("cpus", 1), amountOf("mem", 32)}
	if got, want := two.String(), "cpus(allocated: dev):1; mem(allocated: dev):32"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := (Resources{}).String(); got != "{}" {
		t.Errorf("no resources print as %s", got)
	}
}

// Each line is a resource and one that differs from it in one thing only.
func TestWhatTellsResourcesApart(t *testing.T) {
	cpus, disk := amountOf("cpus", 1), amountOf("disk", 1).on(PathDisk, "/d").reserved("dev")
	volume := disk.volume("v")
	provided := func(p Provided) Resource {
		return disk.with(func(r *Resource) { r.Disk = &Disk{Source: Source{Type: PathDisk, Root: "/d", Provided: &p}} })
	}
	for _, test := range []struct {
		what string
		a, b Resource
		same bool
	}{
		{"name", cpus, amountOf("mem", 1), false},
		{"type", Resource{Name: "x", Scalar: 1}, Resource{Name: "x", Type: Set, Set: []string{"a"}}, false},
		{"allocation role", cpus, cpus.with(func(r *Resource) { r.Role = "qa" }), false},
		{"no allocation role", cpus, cpus.with(func(r *Resource) { r.Role = "" }), false},
		{"provider", cpus, cpus.with(func(r *Resource) { r.Provider = "rp" }), false},
		{"shared", cpus, cpus.with(func(r *Resource) { r.Shared = true }), false},
		{"revocable", cpus, cpus.with(func(r *Resource) { r.Revocable = true }), false},
		{"reserved", cpus, cpus.reserved("dev"), false},
		{"depth of the stack", cpus.reserved("dev"), cpus.reserved("dev").reserved("dev/sub"), false},
		{"role of the reservation", cpus.reserved("dev"), cpus.reserved("qa"), false},
		{"type of the reservation", cpus.Push(Reservation{Role: "dev"}),
			cpus.Push(Reservation{Role: "dev", Dynamic: true}), false},
		{"principal of the reservation", cpus.Push(Reservation{Role: "dev"}),
			cpus.Push(Reservation{Role: "dev", Principal: "p1"}), false},
		{"labels", cpus.reserved("dev"), cpus.reserved("dev", Label{"k", "v"}), false},
		{"order of labels", cpus.reserved("dev", Label{"k", "v"}, Label{"l", "w"}),
			cpus.reserved("dev", Label{"l", "w"}, Label{"k", "v"}), false},
		{"value of a label", cpus.reserved("dev", Label{"k", "v"}), cpus.reserved("dev", Label{"k", "w"}), false},
		{"source", disk, amountOf("disk", 1).reserved("dev"), false},
		{"type of source", disk, amountOf("disk", 1).on(MountDisk, "/d").reserved("dev"), false},
		{"root", disk, amountOf("disk", 1).on(PathDisk, "/e").reserved("dev"), false},
		{"provided", disk, provided(Provided{}), false},
		{"id", provided(Provided{}), provided(Provided{ID: "x"}), false},
		{"vendor", provided(Provided{}), provided(Provided{Vendor: "x"}), false},
		{"profile", provided(Provided{}), provided(Provided{Profile: "x"}), false},
		{"metadata", provided(Provided{}), provided(Provided{Metadata: []Label{{"k", "v"}}}), false},
		{"persistence", disk, volume, false},
		{"persistence id", disk.volume("w"), volume, false},
		{"principal of the persistence", volume, volume.with(func(r *Resource) {
			d := *r.Disk
			d.Persistence = &Persistence{ID: "v", Principal: "other"}
			r.Disk = &d
		}), true},
		{"container path", volume, volume.with(func(r *Resource) {
			d := *r.Disk
			d.Volume = &DiskVolume{ContainerPath: "elsewhere", ReadOnly: true}
			r.Disk = &d
		}), true},
		{"a disk that says nothing", amountOf("disk", 1),
			amountOf("disk", 1).with(func(r *Resource) { r.Disk = &Disk{} }), true},
		{"copies of what is pointed to", volume, disk.volume("v"), true},
		{"form of ranges", portsOf(Range{1, 2}, Range{3, 3}), portsOf(Range{1, 3}), true},
		{"order of a set", setOf("b", "a", "b"), setOf("a", "b"), true},
		{"amount", cpus, amountOf("cpus", 2), false},
		{"ranges", portsOf(Range{1, 2}), portsOf(Range{1, 3}), false},
		{"set", setOf("a"), setOf("a", "b"), false},
	} {
		if got := test.a.Equal(test.b); got != test.same {
			t.Errorf("%s: %s equals %s: %v", test.what, test.a, test.b, got)
		}
		if got := test.b.Equal(test.a); got != test.same {
			t.Errorf("%s: %s equals %s: %v", test.what, test.b, test.a, got)
		}
		if !test.a.Equal(test.a) || !test.b.Equal(test.b) {
			t.Errorf("%s: not equal to itself", test.what)
		}
		if got := (Resources{test.a}).Equal(Resources{test.b}); got != test.same {
			t.Errorf("%s: as resources they are equal: %v", test.what, got)
		}
	}
}

func TestAddAndNormalize(t *testing.T) {
	mount := amountOf("disk", 64).on(MountDisk, "/m1")
	raw, disk := amountOf("disk", 64).on(RawDisk, ""), amountOf("disk", 1)
	path := amountOf("disk", 64).on(PathDisk, "/p1")
	volume := amountOf("disk", 10).reserved("dev").volume("v")
	shared := volume.with(func(r *Resource) { r.Shared = true })
	for _, test := range []struct {
		what     string
		in, want Resources
	}{
		{"nothing", nil, nil},
		{"scalars add up", Resources{amountOf("cpus", 1), amountOf("cpus", 0.5)}, Resources{amountOf("cpus", 1.5)}},
		{"by name",
			Resources{setOf("a"), portsOf(Range{1, 1}), disk, amountOf("mem", 1), amountOf("cpus", 1), amountOf("gpus", 1)},
			Resources{amountOf("cpus", 1), amountOf("mem", 1), disk, portsOf(Range{1, 1}), amountOf("gpus", 1), setOf("a")}},
		{"unreserved first", Resources{amountOf("cpus", 1).reserved("dev"), amountOf("cpus", 2)},
			Resources{amountOf("cpus", 2), amountOf("cpus", 1).reserved("dev")}},
		{"empty ones go",
			Resources{amountOf("cpus", 0), portsOf(), setOf(), portsOf(Range{2, 1}), amountOf("disk", 0).on(MountDisk, "/m")},
			nil},
		{"negative ones go", Resources{amountOf("cpus", -1), amountOf("cpus", 2)}, Resources{amountOf("cpus", 2)}},
		{"ranges join", Resources{portsOf(Range{5, 6}), portsOf(Range{1, 4}, Range{8, 9})},
			Resources{portsOf(Range{1, 6}, Range{8, 9})}},
		{"sets join", Resources{setOf("c", "a"), setOf("b", "c")}, Resources{setOf("a", "b", "c")}},
		{"parts of a path add up", Resources{path, path}, Resources{path.with(func(r *Resource) { r.Scalar *= 2 })}},
		{"mounts never do", Resources{mount, mount}, Resources{mount, mount}},
		{"nor raw disks", Resources{raw, raw}, Resources{raw, raw}},
		{"nor volumes", Resources{volume, volume}, Resources{volume, volume}},
		{"nor what is shared", Resources{shared, shared}, Resources{shared, shared}},
		{"sums stop", Resources{{Name: "x", Scalar: math.MaxInt64}, {Name: "x", Scalar: 1}},
			Resources{{Name: "x", Scalar: math.MaxInt64}}},
		{"values of another type go", Resources{{Name: "x", Scalar: 1, Set: []string{"a"}}},
			Resources{{Name: "x", Scalar: 1}}},
	} {
		if diff := cmp.Diff(test.want.String(), test.in.Normalize().String()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.what, diff)
		}
		var sum Resources
		for _, r := range test.in {
			sum = sum.Add(Resources{r})
		}
		if diff := cmp.Diff(test.want.String(), sum.String()); diff != "" {
			t.Errorf("%s, one after the other: (-want +got)\n%s", test.what, diff)
		}
	}
}

func TestSub(t *testing.T) {
	mount, path := amountOf("disk", 64).on(MountDisk, "/m1"), amountOf("disk", 64).on(PathDisk, "/p1")
	volume := amountOf("disk", 10).reserved("dev").volume("v")
	part := func(r Resource) Resource { return r.with(func(r *Resource) { r.Scalar /= 2 }) }
	for _, test := range []struct {
		what string
		a, b Resources
		ok   bool
		left Resources
	}{
		{"nothing from nothing", nil, nil, true, nil},
		{"something from nothing", nil, Resources{amountOf("cpus", 1)}, false, nil},
		{"no cpus from nothing", nil, Resources{amountOf("cpus", 0)}, true, nil},
		{"a part", Resources{amountOf("cpus", 1)}, Resources{amountOf("cpus", 0.1)}, true,
			Resources{amountOf("cpus", 0.9)}},
		{"all", Resources{amountOf("cpus", 1)}, Resources{amountOf("cpus", 1)}, true, nil},
		{"too much", Resources{amountOf("cpus", 1)}, Resources{amountOf("cpus", 1.001)}, false, nil},
		{"too much in two parts", Resources{amountOf("cpus", 1)},
			Resources{amountOf("cpus", 0.6), amountOf("cpus", 0.6)}, false, nil},
		{"less than nothing", Resources{amountOf("cpus", 1)}, Resources{amountOf("cpus", -1)}, false, nil},
		{"less than nothing beside more", Resources{amountOf("cpus", 1)},
			Resources{amountOf("cpus", 1), amountOf("cpus", -1)}, false, nil},
		{"from two parts", Resources{amountOf("cpus", 1), amountOf("cpus", 1)}, Resources{amountOf("cpus", 2)},
			true, nil},
		{"reserved is not unreserved", Resources{amountOf("cpus", 1).reserved("dev")},
			Resources{amountOf("cpus", 1)}, false, nil},
		{"bare is not allocated", Resources{amountOf("cpus", 1)}, Resources{{Name: "cpus", Scalar: 1000}}, false,
			nil},
		{"ports", Resources{portsOf(Range{1, 9})}, Resources{portsOf(Range{3, 4}, Range{5, 5})}, true,
			Resources{portsOf(Range{1, 2}, Range{6, 9})}},
		{"a port twice", Resources{portsOf(Range{1, 9})}, Resources{portsOf(Range{3, 3}), portsOf(Range{3, 3})},
			false, nil},
		{"ports that are not all there", Resources{portsOf(Range{1, 9})}, Resources{portsOf(Range{9, 10})}, false,
			nil},
		{"items", Resources{setOf("a", "b", "c")}, Resources{setOf("b")}, true, Resources{setOf("a", "c")}},
		{"items that are not all there", Resources{setOf("a")}, Resources{setOf("a", "b")}, false, nil},
		{"a part of a path", Resources{path}, Resources{part(path)}, true, Resources{part(path)}},
		{"a mount", Resources{mount}, Resources{mount}, true, nil},
		{"a part of a mount", Resources{mount}, Resources{part(mount)}, false, nil},
		{"a mount twice", Resources{mount}, Resources{mount, mount}, false, nil},
		{"two mounts", Resources{mount, mount}, Resources{mount, mount}, true, nil},
		{"the smaller of two mounts", Resources{mount, part(mount)}, Resources{part(mount)}, true, Resources{mount}},
		{"a volume", Resources{volume}, Resources{volume}, true, nil},
		{"a part of a volume", Resources{volume}, Resources{part(volume)}, false, nil},
		{"a disk is no volume", Resources{amountOf("disk", 10).reserved("dev")}, Resources{volume}, false, nil},
		{"a volume is no disk", Resources{volume}, Resources{amountOf("disk", 10).reserved("dev")}, false, nil},
	} {
		left, ok := test.a.Sub(test.b)
		if ok != test.ok || left.String() != test.left.String() {
			t.Errorf("%s: %s - %s = %s, %v; want %s, %v", test.what, test.a, test.b, left, ok, test.left, test.ok)
		}
		if got := test.a.Contains(test.b); got != test.ok {
			t.Errorf("%s: %s contains %s: %v", test.what, test.a, test.b, got)
		}
	}
}

func TestPushAndPop(t *testing.T) {
	dev, sub := Reservation{Role: "dev"}, Reservation{Dynamic: true, Role: "dev/sub", Principal: "p1"}
	bare := amountOf("cpus", 1)
	r := bare.Push(dev).Push(sub)
	if r.Owner() != "dev/sub" || !r.Reserved() || !r.dynamic() {
		t.Errorf("%s belongs to %q, reserved %v", r, r.Owner(), r.Reserved())
	}
	once, ok := r.Pop()
	if !ok || !once.Equal(bare.Push(dev)) || once.dynamic() {
		t.Errorf("pop gives %s, %v", once, ok)
	}
	if other := once.Push(Reservation{Role: "dev/other"}); other.Owner() != "dev/other" || r.Owner() != "dev/sub" {
		t.Errorf("a push onto %s changes %s", other, r)
	}
	twice, ok := once.Pop()
	if !ok || !twice.Equal(bare) || twice.Reserved() || twice.Owner() != "" {
		t.Errorf("the second pop gives %s, %v", twice, ok)
	}
	if none, ok := twice.Pop(); ok || !none.Equal(bare) {
		t.Errorf("pop of unreserved resources gives %s, %v", none, ok)
	}
}

func TestReservationsAreNotShared(t *testing.T) {
	roomy := amountOf("cpus", 1)
	roomy.Reservations = make([]Reservation, 0, 4)
	a := roomy.Push(Reservation{Role: "a"})
	b := roomy.Push(Reservation{Role: "b"})
	twice := a.Push(Reservation{Role: "a/a"})
	popped, _ := twice.Pop()
	_ = append(popped.Reservations, Reservation{Role: "c"})
	if a.Owner() != "a" || b.Owner() != "b" || twice.Owner() != "a/a" {
		t.Errorf("one push writes over another: %s, %s, %s", a, b, twice)
	}
}

func TestQuantitiesOfResources(t *testing.T) {
	all := Resources{
		amountOf("cpus", 1), amountOf("cpus", 2).reserved("dev"), amountOf("mem", 32), amountOf("mem", -1),
		amountOf("gpus", 1),
		amountOf("disk", 1), amountOf("disk", 2).on(MountDisk, "/m"), amountOf("disk", 4).reserved("dev").volume("v"),
		portsOf(Range{5, 6}), portsOf(Range{1, 2}, Range{7, 7}).reserved("dev"), setOf("a"),
	}
	if got, want := all.Quantities().String(), "cpus:3;mem:32;disk:7;ports:[1-2,5-7]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// ledger is the plain twin of resources: what there is of everything, by its name in full.
type ledger struct {
	amounts map[string]int64 // of what can be divided; also one for each port and item of a set
	whole   map[string]int   // how many of each that cannot
}

// label says in full what r is, except how much of it, and whether it is used whole.
func (ledger) label(r Resource) (label string, whole bool) {
	label = fmt.Sprintf("%q %d for %q from %q %v %v", r.Name, r.Type, r.Role, r.Provider, r.Shared, r.Revocable)
	for _, res := range r.Reservations {
		label += fmt.Sprintf(" reserved %v %q %q %q", res.Dynamic, res.Role, res.Principal, res.Labels)
	}
	if r.Disk == nil {
		return label, r.Shared
	}
	label += fmt.Sprintf(" on %d %q", r.Disk.Source.Type, r.Disk.Source.Root)
	if p := r.Disk.Source.Provided; p != nil {
		label += fmt.Sprintf(" provided %q", fmt.Sprint(*p))
	}
	if p := r.Disk.Persistence; p != nil {
		return label + fmt.Sprintf(" volume %q", p.ID), true
	}
	return label, r.Shared || r.Disk.Source.Type > PathDisk
}

// lines are what r is in the ledger: amounts that can be divided, or one whole thing.
func (b ledger) lines(r Resource) (amounts map[string]int64, whole string) {
	label, isWhole := b.label(r)
	if isWhole {
		if r.Scalar == 0 {
			return nil, "" // nothing
		}
		return nil, fmt.Sprintf("%s: %d", label, r.Scalar)
	}
	amounts = map[string]int64{}
	switch r.Type {
	case Scalars:
		amounts[label] = int64(r.Scalar)
	case Ranges:
		for n := range numbers(r.Ranges) {
			amounts[fmt.Sprintf("%s: %d", label, n)] = 1
		}
	case Set:
		for _, item := range r.Set {
			amounts[label+": "+item] = 1
		}
	}
	return amounts, ""
}

func ledgerOf(rs Resources) ledger {
	b := ledger{amounts: map[string]int64{}, whole: map[string]int{}}
	for _, r := range rs {
		b.put(r)
	}
	return b
}

func (b ledger) put(r Resource) {
	amounts, whole := b.lines(r)
	if whole != "" && r.Scalar > 0 {
		b.whole[whole]++
	}
	for label, amount := range amounts {
		switch {
		case r.Type != Scalars:
			b.amounts[label] = 1
		case amount > 0:
			b.amounts[label] += amount
		}
	}
}

// take takes r out of the ledger, or says that it is not there and leaves them as they are.
func (b ledger) take(r Resource) bool {
	amounts, whole := b.lines(r)
	for label, amount := range amounts {
		if amount < 0 || b.amounts[label] < amount {
			return false
		}
	}
	if whole != "" && b.whole[whole] == 0 {
		return false
	}
	for label, amount := range amounts {
		if b.amounts[label] -= amount; b.amounts[label] == 0 {
			delete(b.amounts, label)
		}
	}
	if whole != "" {
		if b.whole[whole]--; b.whole[whole] == 0 {
			delete(b.whole, whole)
		}
	}
	return true
}

func (b ledger) clone() ledger {
	return ledger{amounts: maps.Clone(b.amounts), whole: maps.Clone(b.whole)}
}

func (b ledger) takeAll(rs Resources) (ledger, bool) {
	left := b.clone()
	for _, r := range rs {
		if !left.take(r) {
			return b, false
		}
	}
	return left, true
}

func (b ledger) equal(o ledger) bool {
	return maps.Equal(b.amounts, o.amounts) && maps.Equal(b.whole, o.whole)
}

// drawResource draws from a world so small that resources are often of one kind.
func drawResource(t *rapid.T) Resource {
	one := func(what string, of ...string) string { return rapid.SampledFrom(of).Draw(t, what) }
	r := Resource{Name: one("name", "cpus", "mem", "disk", "disk", "disk", "ports", "zones")}
	r.Role = one("role", "dev", "dev", "dev", "qa")
	switch r.Name {
	case "ports":
		r.Type, r.Ranges = Ranges, few(t, "ports")
	case "zones":
		r.Type, r.Set = Set, rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 4).Draw(t, "zones")
	default:
		r.Scalar = Milli(rapid.Int64Range(-1, 4).Draw(t, "amount"))
	}
	for range rapid.IntRange(0, 2).Draw(t, "reservations") {
		r = r.Push(drawReservation(t, one("reserved for", "dev", "dev/sub")))
	}
	r.Provider = one("provider", "", "", "", "", "rp")
	r.Revocable = rapid.IntRange(0, 9).Draw(t, "revocable") == 9
	if r.Name == "disk" && rapid.Bool().Draw(t, "with a disk") {
		r.Disk = drawDisk(t)
		r.Shared = r.Persistent() && rapid.Bool().Draw(t, "shared")
	}
	return r
}

func drawReservation(t *rapid.T, role string) Reservation {
	res := Reservation{Role: role, Dynamic: rapid.Bool().Draw(t, "dynamic")}
	if !res.Dynamic {
		return res
	}
	res.Principal = rapid.SampledFrom([]string{"p1", "p1", "p1", "p2", ""}).Draw(t, "principal")
	labels := [][]Label{nil, {{"k", "v"}}, {{"k", "v"}, {"l", "w"}}, {{"l", "w"}, {"k", "v"}}}
	res.Labels = rapid.SampledFrom(labels).Draw(t, "labels")
	return res
}

func drawDisk(t *rapid.T) *Disk {
	d := &Disk{Source: rapid.SampledFrom([]Source{
		{Type: PathDisk, Root: "/p1"}, {Type: PathDisk, Root: "/p2"},
		{Type: MountDisk, Root: "/m1"}, {Type: MountDisk, Root: "/m2"}, {Type: RawDisk},
		{Type: MountDisk, Root: "/m1", Provided: &Provided{ID: "x"}},
	}).Draw(t, "source")}
	if rapid.Bool().Draw(t, "persistent") {
		either := func(a, b string) string { return rapid.SampledFrom([]string{a, b}).Draw(t, a+" or "+b) }
		d.Persistence = &Persistence{ID: either("v1", "v2"), Principal: either("p1", "p2")}
		d.Volume = &DiskVolume{ContainerPath: either("x", "y")}
	}
	return d
}

func drawSome(t *rapid.T, name string) Resources {
	return rapid.SliceOfN(rapid.Custom(drawResource), 0, 8).Draw(t, name)
}

func shuffled(t *rapid.T, rs Resources) Resources { return rapid.Permutation(rs).Draw(t, "shuffled") }

// deepCopy shares nothing with rs, so that it shows what rs was before.
func deepCopy(rs Resources) Resources {
	c := slices.Clone(rs)
	for i := range c {
		c[i].Ranges, c[i].Set = slices.Clone(c[i].Ranges), slices.Clone(c[i].Set)
		c[i].Reservations = slices.Clone(c[i].Reservations)
		for j := range c[i].Reservations {
			c[i].Reservations[j].Labels = slices.Clone(c[i].Reservations[j].Labels)
		}
		if d := c[i].Disk; d != nil {
			disk := *d
			if d.Persistence != nil {
				p := *d.Persistence
				disk.Persistence = &p
			}
			if d.Volume != nil {
				v := *d.Volume
				disk.Volume = &v
			}
			c[i].Disk = &disk
		}
	}
	return c
}

// withoutCommon drops of b the ranges and sets that share something with a or with each other: Mesos never offers a port
// twice.
func withoutCommon(b, a Resources) Resources {
	there := ledgerOf(a)
	var out Resources
	for _, r := range b {
		amounts, _ := there.lines(r)
		common := false
		for label := range amounts {
			common = common || r.Type != Scalars && there.amounts[label] > 0
		}
		if !common {
			out, there = append(out, r), ledgerOf(append(slices.Clone(a), append(out, r)...))
		}
	}
	return out
}

func TestNormalFormIsUnique(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawSome(t, "a")
		n := a.Normalize()
		if again := n.Normalize(); !cmp.Equal(again, n) {
			t.Fatalf("normalizing again changes it: %s -> %s -> %s", a, n, again)
		}
		if !n.normal() {
			t.Fatalf("the normal form is not taken for one: %s", n)
		}
		if other := shuffled(t, a).Normalize(); !cmp.Equal(other, n) {
			t.Fatalf("the normal form depends on the order: %s, %s", n, other)
		}
		if !ledgerOf(n).equal(ledgerOf(a)) {
			t.Fatalf("normalizing changes what there is: %s -> %s", a, n)
		}
		if !n.Equal(a) || !a.Equal(n) {
			t.Fatalf("%s does not equal its normal form %s", a, n)
		}
		for i, r := range n {
			for _, o := range n[:i] {
				if sum := (Resources{o, r}).Normalize(); len(sum) != 2 {
					t.Fatalf("in normal form %s and %s could be one", o, r)
				}
			}
		}
	})
}

func TestAddingIsCommutativeAndAssociative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawSome(t, "a"), drawSome(t, "b"), drawSome(t, "c")
		if x, y := a.Add(b), b.Add(a); !cmp.Equal(x, y) {
			t.Fatalf("a+b = %s, b+a = %s", x, y)
		}
		if x, y := a.Add(b).Add(c), a.Add(b.Add(c)); !cmp.Equal(x, y) {
			t.Fatalf("(a+b)+c = %s, a+(b+c) = %s", x, y)
		}
		if x := a.Add(nil); !cmp.Equal(x, a.Normalize()) {
			t.Fatalf("a+nothing = %s", x)
		}
	})
}

func TestWhatWasAddedCanBeTakenAwayAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := drawSome(t, "a").Normalize() // nothing contains what is negative
		b := withoutCommon(drawSome(t, "b").Normalize(), a)
		sum := a.Add(b)
		left, ok := sum.Sub(b)
		if !ok || !left.Equal(a) {
			t.Fatalf("(a+b)-b = %s, %v; a = %s, b = %s", left, ok, a, b)
		}
		if !sum.Contains(a) || !sum.Contains(b) {
			t.Fatalf("%s does not contain its parts %s and %s", sum, a, b)
		}
		if got, want := sum.Quantities(), a.Quantities().Add(b.Quantities()); !got.Equal(want) {
			t.Fatalf("quantities: %s, want %s", got, want)
		}
	})
}

func TestTakingAgreesWithAPlainLedger(t *testing.T) {
	var yes, no int
	rapid.Check(t, func(t *rapid.T) {
		a := drawSome(t, "a")
		// Often a part of a, so that it is often contained.
		part := rapid.Custom(func(t *rapid.T) []Resource { return drawPart(t, a) })
		b := rapid.OneOf(rapid.SliceOfN(rapid.Custom(drawResource), 1, 3), part).Draw(t, "b")
		left, ok := a.Sub(b)
		twin, want := ledgerOf(a).takeAll(b)
		if ok != want {
			t.Fatalf("%s - %s: %v, want %v", a, Resources(b), ok, want)
		}
		if a.Contains(b) != ok {
			t.Fatalf("%s contains %s: %v, but Sub says %v", a, Resources(b), !ok, ok)
		}
		if !ok {
			no++
			if left != nil {
				t.Fatalf("something is left of what can't be taken: %s", left)
			}
			return
		}
		yes++
		if !ledgerOf(left).equal(twin) {
			t.Fatalf("%s - %s = %s, want %v", a, Resources(b), left, twin)
		}
		for _, r := range left {
			if r.empty() || r.Scalar < 0 {
				t.Fatalf("%s - %s leaves %s", a, Resources(b), r)
			}
		}
		if sum := left.Add(b); !sum.Equal(a) {
			t.Fatalf("(a-b)+b = %s, a = %s", sum, a)
		}
	})
	if !testing.Short() && (yes < 20 || no < 20) {
		t.Errorf("drawn were %d that are contained and %d that are not", yes, no)
	}
}

// drawPart draws parts of what is in a, with little changes now and then.
func drawPart(t *rapid.T, a Resources) Resources {
	var part Resources
	for _, r := range a.Normalize() {
		if rapid.IntRange(0, 2).Draw(t, "left out") == 0 {
			continue
		}
		if !r.whole() && r.Type == Scalars {
			r.Scalar = Milli(rapid.Int64Range(0, int64(r.Scalar)).Draw(t, "part"))
		}
		if r.Type == Ranges && rapid.Bool().Draw(t, "one range") {
			r.Ranges = r.Ranges[:1]
		}
		if rapid.IntRange(0, 15).Draw(t, "more") == 0 {
			r.Scalar++
		}
		part = append(part, r)
	}
	return shuffled(t, part)
}

func TestNothingIsChangedThatWasGiven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawSome(t, "a"), drawSome(t, "b")
		if rapid.Bool().Draw(t, "in normal form") {
			a, b = a.Normalize(), b.Normalize()
		}
		b = append(b, drawPart(t, a)...)
		wasA, wasB := deepCopy(a), deepCopy(b)
		x, y := a.Add(b), b.Add(a)
		z, ok := a.Add(b).Sub(b)
		n := a.Normalize()
		for _, result := range []Resources{x, y, z, n} { // whoever has a result may change the slice
			for i := range result {
				result[i] = result[i].Push(Reservation{Role: "x"})
			}
			_ = append(result, Resource{})
		}
		_ = fmt.Sprint(a.Contains(b), a.Equal(b), a.Quantities(), a, ok)
		for _, r := range a {
			r.Push(Reservation{Role: "x"})
			popped, _ := r.Pop()
			popped.Push(Reservation{Role: "x"})
			r.WithoutVolume()
		}
		if !cmp.Equal(a, wasA) || !cmp.Equal(b, wasB) {
			t.Fatalf("changed: %s -> %s, %s -> %s", wasA, a, wasB, b)
		}
	})
}

// largeOffer is what a storage host with twelve disks offers.
func largeOffer() Resources {
	var ranges []Range
	for i := range uint64(6) {
		ranges = append(ranges, Range{31000 + 100*i, 31050 + 100*i})
	}
	offer := Resources{amountOf("cpus", 32), amountOf("mem", 65536), amountOf("disk", 102400), portsOf(ranges...)}
	for i := range 12 {
		offer = append(offer, amountOf("disk", 1e6).on(MountDisk, fmt.Sprintf("/data/d%d", i)))
	}
	return offer.Normalize()
}

func wantOf(offer Resources) Resources {
	return Resources{amountOf("cpus", 1), amountOf("mem", 2048), portsOf(Range{31110, 31112}), offer[8]}
}

func BenchmarkResources(b *testing.B) {
	offer := largeOffer()
	want := wantOf(offer)
	left, ok := offer.Sub(want)
	if !ok {
		b.Fatalf("%s does not contain %s", offer, want)
	}
	b.Run("Add", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			left.Add(want)
		}
	})
	b.Run("Sub", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			offer.Sub(want)
		}
	})
	b.Run("Contains", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			offer.Contains(want)
		}
	})
}
