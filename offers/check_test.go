package offers

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-multierror"
)

func TestCheck(t *testing.T) {
	cpus, disk := amountOf("cpus", 1), amountOf("disk", 10)
	volume := disk.reserved("dev").volume("v")
	id := func(id string) Resource { return disk.reserved("dev").volume(id) }
	for _, test := range []struct {
		what string
		r    Resource
		want string // the error, empty if there is none
	}{
		{"cpus", cpus, ""},
		{"no cpus", amountOf("cpus", 0), ""},
		{"no allocation role", Resource{Name: "cpus", Scalar: 1}, ""},
		{"ports", portsOf(Range{1, 2}, Range{3, 3}), ""},
		{"no ports", portsOf(), ""},
		{"a set", setOf("b", "a"), ""},
		{"a mount", disk.on(MountDisk, "/m"), ""},
		{"a raw disk", disk.on(RawDisk, ""), ""},
		{"a volume", volume, ""},
		{"a shared volume", volume.with(func(r *Resource) { r.Shared = true }), ""},
		{"a statically reserved volume", disk.Push(Reservation{Role: "dev"}).volume("v"), ""},
		{"refined", cpus.Push(Reservation{Role: "dev"}).reserved("dev/sub").reserved("dev/sub/sub"), ""},

		{"no name", Resource{Scalar: 1000}, `resource ":1": name is empty; allowed is any other`},
		{"type", Resource{Name: "x", Type: 3},
			`resource "x:0": type 3 is unknown; allowed are SCALAR, RANGES and SET`},
		{"negative", Resource{Name: "cpus", Scalar: -1000},
			`resource "cpus:-1": value -1 is negative; allowed is 0 or more`},
		{"a part of a gpu", Resource{Name: "gpus", Scalar: 500},
			`resource "gpus:0.5": value 0.5 is not a whole number; allowed are whole gpus`},
		{"a scalar too", Resource{Name: "p", Type: Ranges, Scalar: 1000},
			`resource "p:[]": type RANGES with the scalar 1; allowed is only the value of its type`},
		{"ranges too", Resource{Name: "p", Ranges: []Range{{1, 2}}},
			`resource "p:0": type SCALAR with the ranges 1-2; allowed is only the value of its type`},
		{"a set too", Resource{Name: "p", Set: []string{"a"}},
			`resource "p:0": type SCALAR with the set [a]; allowed is only the value of its type`},
		{"inverted", Resource{Name: "p", Type: Ranges, Ranges: []Range{{2, 1}}},
			`resource "p:[2-1]": range 2-1 ends before it begins; allowed are ranges from a lower to a higher number`},
		{"overlap", Resource{Name: "p", Type: Ranges, Ranges: []Range{{1, 2}, {2, 3}}},
			`resource "p:[1-2, 2-3]": ranges 1-2 and 2-3 overlap; allowed is each number once`},
		{"twice", Resource{Name: "z", Type: Set, Set: []string{"a", "a"}},
			`resource "z:{a, a}": item "a" is there twice; allowed is each item once`},

		{"allocated to no role", Resource{Name: "cpus", Role: "a//b"},
			`resource "cpus(allocated: a//b):0": allocation role "a//b" is no role; allowed are ` + allowedRoles},
		{"reserved for no role", Resource{Name: "cpus"}.Push(Reservation{Role: "-a"}),
			`resource "cpus(reservations: [(STATIC,-a)]):0": role of reservation "-a" is no role; ` +
				`allowed are ` + allowedRoles},
		{"reserved for all", Resource{Name: "cpus"}.Push(Reservation{Role: "*"}),
			`resource "cpus(reservations: [(STATIC,*)]):0": reservation for role "*"; allowed is any other role`},
		{"static on top", Resource{Name: "cpus"}.Push(Reservation{Role: "a"}).Push(Reservation{Role: "a/b"}),
			`resource "cpus(reservations: [(STATIC,a),(STATIC,a/b)]):0": ` +
				`reservation for role "a/b" is static inside another; allowed is that for the first`},
		{"no sub-role",
			Resource{Name: "cpus"}.Push(Reservation{Role: "a"}).Push(Reservation{Role: "ab", Dynamic: true}),
			`resource "cpus(reservations: [(STATIC,a),(DYNAMIC,ab)]):0": ` +
				`reservation for role "ab" inside that for "a"; allowed is a role below the latter`},
		{"the same role",
			Resource{Name: "cpus"}.Push(Reservation{Role: "a"}).Push(Reservation{Role: "a", Dynamic: true}),
			`resource "cpus(reservations: [(STATIC,a),(DYNAMIC,a)]):0": ` +
				`reservation for role "a" inside that for "a"; allowed is a role below the latter`},
		{"revocable", Resource{Name: "cpus", Revocable: true}.Push(Reservation{Role: "a", Dynamic: true}),
			`resource "cpus(reservations: [(DYNAMIC,a)]){REV}:0": revocable and reserved dynamically; ` +
				`allowed is one of them`},

		{"a disk elsewhere", Resource{Name: "mem"}.on(PathDisk, "/p"),
			`resource "mem[PATH:/p]:0": has a disk; allowed is that only for disk`},
		{"an empty disk", Resource{Name: "disk", Disk: &Disk{}},
			`resource "disk:0": disk has neither source nor persistence; allowed is no disk at all`},
		{"an unknown disk", Resource{Name: "disk"}.on(9, ""),
			`resource "disk[SourceType(9)]:0": type 9 of the disk is unknown; allowed are PATH, MOUNT, BLOCK and RAW`},
		{"a block disk with a path", Resource{Name: "disk"}.on(BlockDisk, "/b"),
			`resource "disk[BLOCK:/b]:0": disk has the root "/b"; allowed is that for PATH and MOUNT`},
		{"a root disk with an id", Resource{Name: "disk", Disk: &Disk{Source: Source{Provided: &Provided{ID: "x"}}}},
			`resource "disk[(,x,)]:0": root disk with id, vendor, profile or metadata; allowed are those for others`},
		{"no persistence", Resource{Name: "disk", Disk: &Disk{Volume: &DiskVolume{ContainerPath: "d"}}},
			`resource "disk[:d]:0": volume without persistence; allowed are only persistent volumes`},
		{"shared", Resource{Name: "cpus", Shared: true},
			`resource "cpus<SHARED>:0": shared; allowed is that only for persistent volumes`},

		{"unreserved", disk.volume("v"), `volume "v": persistence on unreserved disk; allowed is reserved disk`},
		{"no volume", volume.with(func(r *Resource) { r.Disk = &Disk{Persistence: &Persistence{ID: "v"}} }),
			`volume "v": persistence without a volume; allowed is one with a container path`},
		{"revocable volume", disk.Push(Reservation{Role: "dev"}).volume("v").with(func(r *Resource) { r.Revocable = true }),
			`volume "v": persistence on revocable disk; allowed is disk that stays`},
		{"no id", id(""), `volume "": persistence id is invalid; allowed are ` + allowedIDs},
		{"many", Resource{Name: "cpus", Scalar: -1000, Shared: true},
			`resource "cpus<SHARED>:-1": value -1 is negative; ` +
				`allowed is 0 or more; resource "cpus<SHARED>:-1": shared; allowed is that only for persistent volumes`},
		{"what looks like a format", Resource{Name: "%d", Scalar: -1000},
			`resource "%d:-1": value -1 is negative; allowed is 0 or more`},
	} {
		err, got := test.r.Check(), ""
		if err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.what, diff)
		}
		if all := (*multierror.Error)(nil); err != nil && !errors.As(err, &all) {
			t.Errorf("%s: the error is a %T", test.what, err)
		}
	}
}

func TestIDsAndRoles(t *testing.T) {
	for _, test := range []struct {
		text     string
		id, role bool
	}{
		{"", false, false},
		{".", false, false},
		{"..", false, false},
		{"...", true, true},
		{"*", true, true},
		{"a", true, true},
		{"a b", true, false},
		{"a/b", false, true},
		{"a\\b", false, true},
		{"a\tb", false, false},
		{"a\x7fb", false, false},
		{"ä", true, true},
		{"-a", true, false},
		{"a/-b", false, false},
		{"a-b", true, true},
		{"/a", false, false},
		{"a/", false, false},
		{"a//b", false, false},
		{"a/./b", false, false},
		{"a/../b", false, false},
		{"a/*", false, false},
		{strings.Repeat("a", 255), true, true},
		{strings.Repeat("a", 256), false, true},
		{strings.Repeat("ä", 128), false, true},
	} {
		if got := validID(test.text); got != test.id {
			t.Errorf("%q is an id: %v", test.text, got)
		}
		if got := validRole(test.text); got != test.role {
			t.Errorf("%q is a role: %v", test.text, got)
		}
	}
}
