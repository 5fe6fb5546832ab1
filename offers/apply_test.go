package offers

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-multierror"
	"pgregory.net/rapid"
)

func taskOf(id string, rs ...Resource) Task { return Task{ID: id, Resources: rs} }

func launchOf(tasks ...Task) Operation { return Operation{Type: Launch, Tasks: tasks} }

func opOf(t OperationType, rs ...Resource) Operation { return Operation{Type: t, Resources: rs} }

// The refusals of traces 03 and 07 are among these.
func TestApply(t *testing.T) {
	cpus, disk, mount := amountOf("cpus", 4), amountOf("disk", 100), amountOf("disk", 64).on(MountDisk, "/m1")
	path := amountOf("disk", 50).on(PathDisk, "/p1")
	ours := disk.reserved("dev")
	volume := amountOf("disk", 10).reserved("dev").volume("v")
	other := Reservation{Dynamic: true, Role: "dev", Principal: "other"}
	provided := func(r Resource) Resource { return r.with(func(r *Resource) { r.Provider = "rp" }) }
	as := func(r Resource, role string) Resource { return r.with(func(r *Resource) { r.Role = role }) }
	readOnly := volume.with(func(r *Resource) {
		r.Disk = &Disk{Persistence: r.Disk.Persistence, Volume: &DiskVolume{ReadOnly: true}}
	})
	executor := func(rs ...Resource) *Executor { return &Executor{ID: "x", Resources: rs} }
	one := amountOf("cpus", 1)
	revocable := one.with(func(r *Resource) { r.Revocable = true })
	shared := volume.with(func(r *Resource) { r.Shared = true })
	with := func(id string, e *Executor) Task { return Task{ID: id, Resources: Resources{one}, Executor: e} }
	for _, test := range []struct {
		what string
		have Resources
		op   Operation
		left Resources // if it is accepted
		err  string
	}{
		{"reserve a part", Resources{cpus}, opOf(Reserve, one.reserved("dev")),
			Resources{amountOf("cpus", 3), one.reserved("dev")}, ""},
		{"reserve all", Resources{cpus}, opOf(Reserve, cpus.reserved("dev")), Resources{cpus.reserved("dev")}, ""},
		{"reserve ports", Resources{portsOf(Range{1, 9})}, opOf(Reserve, portsOf(Range{4, 5}).reserved("dev")),
			Resources{portsOf(Range{1, 3}, Range{6, 9}), portsOf(Range{4, 5}).reserved("dev")}, ""},
		{"reserve more of it", Resources{cpus, one.reserved("dev")}, opOf(Reserve, cpus.reserved("dev")),
			Resources{amountOf("cpus", 5).reserved("dev")}, ""},
		{"refine a static reservation", Resources{as(one, "dev/sub").Push(Reservation{Role: "dev"})},
			opOf(Reserve, as(one, "dev/sub").Push(Reservation{Role: "dev"}).reserved("dev/sub")),
			Resources{as(one, "dev/sub").Push(Reservation{Role: "dev"}).reserved("dev/sub")}, ""},
		{"refine from nothing", Resources{as(one, "dev/sub")},
			opOf(Reserve, as(one, "dev/sub").reserved("dev/sub")),
			Resources{as(one, "dev/sub").reserved("dev/sub")}, ""},
		{"refine what is allocated to the outer role", Resources{one.reserved("dev")},
			opOf(Reserve, one.reserved("dev").reserved("dev/sub")), nil,
			`resource "cpus(allocated: dev)(reservations: [(DYNAMIC,dev,p1),(DYNAMIC,dev/sub,p1)]):1": ` +
				`reserved for role "dev/sub", allocated to role "dev"; allowed is one and the same`},
		{"reserve for another role", Resources{one}, opOf(Reserve, one.reserved("zzz")), nil,
			`resource "cpus(allocated: dev)(reservations: [(DYNAMIC,zzz,p1)]):1": ` +
				`reserved for role "zzz", allocated to role "dev"; allowed is one and the same`},
		{"reserve for all", Resources{one}, opOf(Reserve, one.reserved("*")), nil,
			`resource "cpus(allocated: dev)(reservations: [(DYNAMIC,*,p1)]):1": reservation for role "*"; ` +
				`allowed is any other role`},
		{"reserve for another principal", Resources{one}, opOf(Reserve, one.Push(other)), nil,
			`resource "cpus(allocated: dev)(reservations: [(DYNAMIC,dev,other)]):1": ` +
				`principal "other" of the reservation is not the framework's; allowed is "p1"`},
		{"reserve for no principal", Resources{one},
			opOf(Reserve, one.Push(Reservation{Dynamic: true, Role: "dev"})), nil,
			`resource "cpus(allocated: dev)(reservations: [(DYNAMIC,dev)]):1": ` +
				`principal "" of the reservation is not the framework's; allowed is "p1"`},
		{"reserve without reservation", Resources{one}, opOf(Reserve, one), nil,
			`resource "cpus(allocated: dev):1": not reserved dynamically; ` +
				`allowed is only what has a dynamic reservation last`},
		{"reserve statically", Resources{one}, opOf(Reserve, one.Push(Reservation{Role: "dev"})), nil,
			`resource "cpus(allocated: dev)(reservations: [(STATIC,dev)]):1": not reserved dynamically; ` +
				`allowed is only what has a dynamic reservation last`},
		{"reserve what is revocable", Resources{revocable}, opOf(Reserve, revocable.reserved("dev")), nil,
			`resource "cpus(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]){REV}:1": ` +
				`revocable and reserved dynamically; allowed is one of them`},
		{"reserve a volume", Resources{ours}, opOf(Reserve, volume), nil,
			`volume "v": is a persistent volume; allowed is only disk without persistence, so DESTROY it before`},
		{"reserve too much", Resources{cpus}, opOf(Reserve, amountOf("cpus", 100).reserved("dev")), nil,
			`resource "cpus(allocated: dev):100": not on offer; on offer are cpus(allocated: dev):4`},
		{"reserve too much with two", Resources{cpus},
			opOf(Reserve, amountOf("cpus", 3).reserved("dev"), amountOf("cpus", 2).reserved("dev", Label{"k", "v"})),
			nil, `resource "cpus(allocated: dev):2": not on offer; on offer are cpus(allocated: dev):1`},
		{"reserve a part of a mount", Resources{mount},
			opOf(Reserve, amountOf("disk", 10).on(MountDisk, "/m1").reserved("dev")), nil,
			`resource "disk(allocated: dev)[MOUNT:/m1]:10": not on offer; ` +
				`on offer are disk(allocated: dev)[MOUNT:/m1]:64`},
		{"reserve what is not there", Resources{cpus}, opOf(Reserve, amountOf("mem", 1).reserved("dev")), nil,
			`resource "mem(allocated: dev):1": not on offer; on offer are no mem`},
		{"reserve nothing", Resources{cpus}, opOf(Reserve), nil, `resources: none; allowed is at least one`},
		{"reserve for two roles", Resources{cpus, as(cpus, "qa")},
			opOf(Reserve, one.reserved("dev"), as(one, "qa").reserved("qa")), nil,
			`resource "cpus(allocated: qa)(reservations: [(DYNAMIC,qa,p1)]):1": ` +
				`allocated to role "qa" beside "dev"; allowed is one role`},
		{"reserve from two providers", Resources{cpus, provided(disk)},
			opOf(Reserve, one.reserved("dev"), provided(disk).reserved("dev")), nil,
			`resource "disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):100": ` +
				`resource provider "rp" beside ""; allowed is one`},
		{"many that are not it",
			Resources{one, one.reserved("a"), one.reserved("b"), one.reserved("c"), one.reserved("d"), one.reserved("e")},
			opOf(Reserve, cpus.reserved("dev")), nil, `resource "cpus(allocated: dev):4": not on offer; ` +
				`on offer are cpus(allocated: dev):1; cpus(allocated: dev)(reservations: [(DYNAMIC,a,p1)]):1; ` +
				`cpus(allocated: dev)(reservations: [(DYNAMIC,b,p1)]):1; ` +
				`cpus(allocated: dev)(reservations: [(DYNAMIC,c,p1)]):1 and 2 more`},

		{"unreserve a part", Resources{cpus.reserved("dev")}, opOf(Unreserve, one.reserved("dev")),
			Resources{one, amountOf("cpus", 3).reserved("dev")}, ""},
		{"unreserve for another principal", Resources{one.Push(other)}, opOf(Unreserve, one.Push(other)),
			Resources{one}, ""}, // a matter of permission
		{"unreserve what is static", Resources{one.Push(Reservation{Role: "dev"})},
			opOf(Unreserve, one.Push(Reservation{Role: "dev"})), nil,
			`resource "cpus(allocated: dev)(reservations: [(STATIC,dev)]):1": not reserved dynamically; ` +
				`allowed is only what has a dynamic reservation last`},
		{"unreserve what is unreserved", Resources{one}, opOf(Unreserve, one), nil,
			`resource "cpus(allocated: dev):1": not reserved dynamically; ` +
				`allowed is only what has a dynamic reservation last`},
		{"unreserve a volume", Resources{volume}, opOf(Unreserve, volume), nil,
			`volume "v": is a persistent volume; allowed is only disk without persistence, so DESTROY it before`},
		{"unreserve from two providers", Resources{one.reserved("dev"), provided(one.reserved("dev"))},
			opOf(Unreserve, one.reserved("dev"), provided(one.reserved("dev"))), nil,
			`resource "cpus(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):1": ` +
				`resource provider "rp" beside ""; allowed is one`},

		{"create on the root disk", Resources{ours}, opOf(Create, volume),
			Resources{amountOf("disk", 90).reserved("dev"), volume}, ""},
		{"create on a mount", Resources{mount.reserved("dev")}, opOf(Create, mount.reserved("dev").volume("v")),
			Resources{mount.reserved("dev").volume("v")}, ""},
		{"create on a static reservation", Resources{disk.Push(Reservation{Role: "dev"})},
			opOf(Create, disk.Push(Reservation{Role: "dev"}).volume("v")),
			Resources{disk.Push(Reservation{Role: "dev"}).volume("v")}, ""},
		{"create a shared one", Resources{ours}, opOf(Create, shared),
			Resources{amountOf("disk", 90).reserved("dev"), shared}, ""},
		{"create on a part of a mount", Resources{mount.reserved("dev")},
			opOf(Create, amountOf("disk", 10).on(MountDisk, "/m1").reserved("dev").volume("v")), nil,
			`resource "disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)])[MOUNT:/m1]:10": ` +
				`not on offer; on offer are disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)])[MOUNT:/m1]:64`},
		{"create on unreserved disk", Resources{disk}, opOf(Create, disk.volume("v")), nil,
			`volume "v": persistence on unreserved disk; allowed is reserved disk`},
		{"create no volume", Resources{ours}, opOf(Create, ours), nil,
			`resource "disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):100": has no persistence; ` +
				`allowed are persistent volumes`},
		{"create read-only", Resources{ours}, opOf(Create, readOnly), nil,
			`volume "v": is read-only; allowed is read-write`},
		{"create an id that is there", Resources{ours, volume}, opOf(Create, volume), nil,
			`volume "v": persistence id is in use in role "dev"; allowed is one that is new there`},
		{"create an id twice", Resources{ours}, opOf(Create, volume, volume), nil,
			`volume "v": persistence id is in use in role "dev"; allowed is one that is new there`},
		{"create an id of another role", Resources{as(ours, "dev"), disk.Push(Reservation{Role: "qa"}).volume("v")},
			opOf(Create, volume),
			Resources{amountOf("disk", 90).reserved("dev"), volume, disk.Push(Reservation{Role: "qa"}).volume("v")},
			""},
		{"create an invalid id", Resources{ours}, opOf(Create, ours.volume("a/b")), nil,
			`volume "a/b": persistence id is invalid; allowed are ` + allowedIDs},
		{"create for another principal", Resources{ours}, opOf(Create, volume.with(func(r *Resource) {
			r.Disk = &Disk{Persistence: &Persistence{ID: "v", Principal: "other"}, Volume: r.Disk.Volume}
		})), nil, `volume "v": principal "other" of the persistence is not the framework's; allowed is "p1"`},
		{"create for two roles", Resources{ours, as(ours, "qa")},
			opOf(Create, volume, as(disk.reserved("dev").volume("w"), "qa")), nil,
			`volume "w": allocated to role "qa" beside "dev"; allowed is one role`},
		{"create too much", Resources{ours}, opOf(Create, amountOf("disk", 101).reserved("dev").volume("v")), nil,
			`resource "disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):101": not on offer; ` +
				`on offer are disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):100`},
		{"create on unreserved disk that is there", Resources{disk}, opOf(Create, volume), nil,
			`resource "disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):10": not on offer; ` +
				`on offer are disk(allocated: dev):100`},

		{"destroy", Resources{ours, volume}, opOf(Destroy, volume),
			Resources{amountOf("disk", 110).reserved("dev")}, ""},
		{"destroy on a mount", Resources{mount.reserved("dev").volume("v")},
			opOf(Destroy, mount.reserved("dev").volume("v")), Resources{mount.reserved("dev")}, ""},
		{"destroy what is not there", Resources{ours}, opOf(Destroy, volume), nil,
			`volume "v": not on offer; on offer are disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):100`},
		{"destroy no volume", Resources{ours}, opOf(Destroy, ours), nil,
			`resource "disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):100": has no persistence; ` +
				`allowed are persistent volumes`},

		{"grow", Resources{ours, volume},
			Operation{Type: GrowVolume, Volume: volume, Addition: amountOf("disk", 20).reserved("dev")},
			Resources{amountOf("disk", 80).reserved("dev")}, ""},
		{"grow on a path", Resources{path.reserved("dev"), path.reserved("dev").volume("v")},
			Operation{Type: GrowVolume, Volume: path.reserved("dev").volume("v"), Addition: path.reserved("dev")},
			nil, ""},
		{"grow by nothing", Resources{ours, volume},
			Operation{Type: GrowVolume, Volume: volume, Addition: amountOf("disk", 0).reserved("dev")}, nil,
			`resource "disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):0": addition of 0; ` +
				`allowed is more than 0`},
		{"grow by unreserved disk", Resources{disk, volume},
			Operation{Type: GrowVolume, Volume: volume, Addition: disk}, nil,
			`resource "disk(allocated: dev):100": addition of another kind; ` +
				`allowed is more of "disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):10"`},
		{"grow by another disk", Resources{path.reserved("dev"), volume},
			Operation{Type: GrowVolume, Volume: volume, Addition: path.reserved("dev")}, nil,
			`resource "disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)])[PATH:/p1]:50": ` +
				`addition of another kind; allowed is more of "disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):10"`},
		{"grow by cpus", Resources{one.reserved("dev"), volume},
			Operation{Type: GrowVolume, Volume: volume, Addition: one.reserved("dev")}, nil,
			`resource "cpus(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):1": ` +
				`addition of another kind; allowed is more of "disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):10"`},
		{"grow a mount", Resources{mount.reserved("dev"), mount.reserved("dev").volume("v")},
			Operation{Type: GrowVolume, Volume: mount.reserved("dev").volume("v"), Addition: mount.reserved("dev")},
			nil, `volume "v": is on a MOUNT disk, which is used whole; allowed are the root disk and PATH disks`},
		{"grow what is shared", Resources{ours, shared}, Operation{Type: GrowVolume, Volume: shared, Addition: ours}, nil,
			`volume "v": is shared; allowed are volumes of one task`},
		{"grow what is provided", Resources{ours, volume},
			Operation{Type: GrowVolume, Volume: provided(volume), Addition: provided(ours)}, nil,
			`volume "v": comes from resource provider "rp"; allowed is the agent's own disk`},
		{"grow no volume", Resources{ours, volume}, Operation{Type: GrowVolume, Volume: ours, Addition: ours}, nil,
			`resource "disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):100": has no persistence; ` +
				`allowed are persistent volumes`},
		{"grow what is not there", Resources{ours}, Operation{Type: GrowVolume, Volume: volume, Addition: ours}, nil,
			`volume "v": not on offer; on offer are disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):100`},
		{"grow by what is not there", Resources{volume},
			Operation{Type: GrowVolume, Volume: volume, Addition: ours}, nil,
			`resource "disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):100": not on offer; ` +
				`on offer are no disk`},

		{"launch", Resources{cpus, volume}, launchOf(taskOf("t", one, volume)), Resources{amountOf("cpus", 3)}, ""},
		{"launch two", Resources{cpus}, launchOf(taskOf("t", one), taskOf("u", one)),
			Resources{amountOf("cpus", 2)}, ""},
		{"launch with an executor", Resources{cpus},
			launchOf(with("t", executor(one))),
			Resources{amountOf("cpus", 2)}, ""},
		{"launch with an executor without resources", Resources{cpus},
			launchOf(Task{ID: "t", Resources: Resources{one}, Executor: executor()}),
			Resources{amountOf("cpus", 3)}, ""},
		{"launch twice with one executor", Resources{cpus},
			launchOf(with("t", executor(one)), with("u", executor(one))),
			Resources{amountOf("cpus", 1)}, ""},
		{"launch twice with executors of one id", Resources{cpus},
			launchOf(with("t", executor(one)), with("u", executor())),
			nil, `task "u": executor "x": resources {}, but cpus(allocated: dev):1 before; allowed are the same`},
		{"launch with no cpus", Resources{cpus}, launchOf(taskOf("t", amountOf("cpus", 0))), Resources{cpus}, ""},
		{"launch without resources", Resources{cpus}, launchOf(taskOf("t")), nil,
			`task "t": resources: none; allowed is at least one`},
		{"launch nothing", Resources{cpus}, launchOf(), nil, `tasks: none; allowed is at least one`},
		{"launch less than nothing", Resources{cpus}, launchOf(taskOf("t", amountOf("cpus", -1))), nil,
			`task "t": resource "cpus(allocated: dev):-1": value -1 is negative; allowed is 0 or more`},
		{"launch too much", Resources{cpus}, launchOf(taskOf("t", amountOf("cpus", 100))), nil,
			`task "t": resource "cpus(allocated: dev):100": not on offer; on offer are cpus(allocated: dev):4`},
		{"launch too much with two", Resources{cpus},
			launchOf(taskOf("t", amountOf("cpus", 3)), taskOf("u", amountOf("cpus", 3))), nil,
			`task "u": resource "cpus(allocated: dev):3": not on offer; on offer are cpus(allocated: dev):1`},
		{"launch with a port that is gone", Resources{portsOf(Range{38000, 38499}, Range{38600, 38999})},
			launchOf(taskOf("t", portsOf(Range{38550, 38550}))), nil,
			`task "t": resource "ports(allocated: dev):[38550-38550]": not on offer; ` +
				`on offer are ports(allocated: dev):[38000-38499, 38600-38999]`},
		{"launch with one port for task and executor", Resources{portsOf(Range{1, 2})},
			launchOf(Task{ID: "t", Resources: Resources{portsOf(Range{1, 1})}, Executor: executor(portsOf(Range{1, 1}))}),
			nil,
			`task "t": resource "ports(allocated: dev):[1-1]": not on offer; on offer are ports(allocated: dev):[2-2]`},
		{"launch for another role", Resources{cpus}, launchOf(taskOf("t", as(one, "zzz"))), nil,
			`task "t": resource "cpus(allocated: zzz):1": not on offer; on offer are cpus(allocated: dev):4`},
		{"launch for two roles", Resources{cpus, as(cpus, "qa")}, launchOf(taskOf("t", one, as(one, "qa"))), nil,
			`task "t": resource "cpus(allocated: qa):1": allocated to role "qa" beside "dev"; allowed is one role`},
		{"launch with a reservation that is not there", Resources{cpus}, launchOf(taskOf("t", one.reserved("dev"))),
			nil, `task "t": resource "cpus(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):1": ` +
				`not on offer; on offer are cpus(allocated: dev):4`},
		{"launch with a volume twice", Resources{volume}, launchOf(taskOf("t", volume, volume)), nil,
			`task "t": volume "v": not on offer; on offer are no disk`},
		{"launch with cpus of both sorts", Resources{cpus, revocable}, launchOf(taskOf("t", one, revocable)), nil,
			`task "t": resource "cpus(allocated: dev){REV}:1": cpus both revocable and not; allowed is one of them`},
		{"launch from two providers", Resources{cpus, provided(disk)}, launchOf(taskOf("t", one, provided(disk))),
			Resources{amountOf("cpus", 3)}, ""},

		{"something else", Resources{cpus}, opOf("SHRINK_VOLUME", volume), nil,
			`operation "SHRINK_VOLUME" is unknown; allowed are [RESERVE UNRESERVE CREATE DESTROY GROW_VOLUME LAUNCH]`},
	} {
		left, err := test.have.Apply(test.op, "p1")
		if test.err == "" {
			if err != nil || !left.Equal(test.left) {
				t.Errorf("%s: got %s, %v; want %s", test.what, left, err, test.left)
			}
			continue
		}
		var refusal *OperationError
		if !errors.As(err, &refusal) || refusal.Type != test.op.Type {
			t.Errorf("%s: left is %s, the error is %#v", test.what, left, err)
			continue
		}
		if diff := cmp.Diff(string(test.op.Type)+": "+test.err, err.Error()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.what, diff)
		}
		if !left.Equal(test.have) {
			t.Errorf("%s: refused, but %s became %s", test.what, test.have, left)
		}
	}
}

func TestWithoutAPrincipalAnyWillDo(t *testing.T) {
	r := amountOf("disk", 1).Push(Reservation{Dynamic: true, Role: "dev", Principal: "other"})
	left, err := Resources{amountOf("disk", 1)}.Apply(opOf(Reserve, r), "")
	if err == nil {
		left, err = left.Apply(opOf(Create, r.volume("v")), "")
	}
	if err != nil || !left.Equal(Resources{r.volume("v")}) {
		t.Errorf("got %s, %v", left, err)
	}
}

func TestApplyAll(t *testing.T) {
	have := Resources{amountOf("cpus", 4), amountOf("disk", 100)}
	reserved := amountOf("disk", 10).reserved("dev")
	volume, grown := reserved.volume("v"), amountOf("disk", 20).reserved("dev").volume("v")
	disks := `disk(allocated: dev):70; disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):10`
	one := amountOf("cpus", 1)
	with := func(id string) Task {
		return Task{ID: id, Resources: Resources{one}, Executor: &Executor{ID: "x", Resources: Resources{one}}}
	}
	for _, test := range []struct {
		what           string
		ops            []Operation
		left, launched Resources
		errs           []string
	}{
		{"nothing", nil, have, nil, nil},
		{"a task with a new volume",
			[]Operation{opOf(Reserve, reserved), opOf(Create, volume), launchOf(taskOf("t", one, volume))},
			Resources{amountOf("cpus", 3), amountOf("disk", 90)}, Resources{one, volume}, nil},
		{"a task does not run elsewhere if its volume fails",
			[]Operation{opOf(Create, volume), launchOf(taskOf("t", one, volume), taskOf("u", one))},
			Resources{amountOf("cpus", 3), amountOf("disk", 100)}, Resources{one},
			[]string{
				`CREATE: resource "disk(allocated: dev)(reservations: [(DYNAMIC,dev,p1)]):10": ` +
					`not on offer; on offer are disk(allocated: dev):100`,
				`LAUNCH: task "t": volume "v": not on offer; on offer are disk(allocated: dev):100`,
			}},
		{"what has grown is not used",
			[]Operation{
				opOf(Reserve, amountOf("disk", 30).reserved("dev")), opOf(Create, volume),
				{Type: GrowVolume, Volume: volume, Addition: reserved},
				launchOf(taskOf("t", grown)), launchOf(taskOf("u", volume)), opOf(Destroy, grown), opOf(Create, volume),
			},
			Resources{amountOf("cpus", 4), amountOf("disk", 70), reserved, grown},
			nil,
			[]string{
				`LAUNCH: task "t": volume "v": not on offer; on offer are ` + disks,
				`LAUNCH: task "u": volume "v": not on offer; on offer are ` + disks,
				`DESTROY: volume "v": not on offer; on offer are ` + disks,
				`CREATE: volume "v": persistence id is in use in role "dev"; allowed is one that is new there`,
			}},
		{"an id is taken while a task has it",
			[]Operation{
				opOf(Reserve, amountOf("disk", 20).reserved("dev")), opOf(Create, volume), launchOf(taskOf("t", volume)),
				opOf(Create, volume),
			},
			Resources{amountOf("cpus", 4), amountOf("disk", 80), reserved}, Resources{volume},
			[]string{`CREATE: volume "v": persistence id is in use in role "dev"; allowed is one that is new there`}},
		{"an id is free when its volume is gone",
			[]Operation{opOf(Reserve, reserved), opOf(Create, volume), opOf(Destroy, volume), opOf(Create, volume)},
			Resources{amountOf("cpus", 4), amountOf("disk", 90), volume}, nil, nil},
		{"one executor for two launches",
			[]Operation{launchOf(with("t")), launchOf(with("u"))},
			Resources{one, amountOf("disk", 100)}, Resources{amountOf("cpus", 3)}, nil},
	} {
		left, launched, err := have.ApplyAll(test.ops, "p1")
		if !left.Equal(test.left) || !launched.Equal(test.launched) {
			t.Errorf("%s: left %s, launched %s; want %s and %s", test.what, left, launched, test.left, test.launched)
		}
		if diff := cmp.Diff(test.errs, texts(err)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.what, diff)
		}
		if refusal := (*OperationError)(nil); err != nil && !errors.As(err, &refusal) {
			t.Errorf("%s: no OperationError in a %T", test.what, err)
		}
	}
}

func texts(err error) []string {
	all := (*multierror.Error)(nil)
	if !errors.As(err, &all) {
		return nil
	}
	var texts []string
	for _, e := range all.Errors {
		texts = append(texts, e.Error())
	}
	return texts
}

// world is the plain twin of an accept: three ledgers, and who has which volume.
type world struct {
	left, launched, grown ledger
	volumes               map[string]bool // by role and id
}

func worldOf(rs Resources) world {
	w := world{left: ledgerOf(rs), launched: ledgerOf(nil), grown: ledgerOf(nil), volumes: map[string]bool{}}
	for _, r := range rs {
		if r.Persistent() {
			w.volumes[w.volume(r)] = true
		}
	}
	return w
}

func (world) volume(r Resource) string { return r.Owner() + " " + r.Disk.Persistence.ID }

func (w world) clone() world {
	return world{left: w.left.clone(), launched: w.launched.clone(), grown: w.grown.clone(), volumes: maps.Clone(w.volumes)}
}

func (w world) agrees(c accept) bool {
	return ledgerOf(c.left).equal(w.left) && ledgerOf(c.launched).equal(w.launched) && ledgerOf(c.grown).equal(w.grown)
}

// apply does an operation the plain way; false, and any world, if it must be refused.
func (w world) apply(op Operation, principal string) (world, bool) {
	w = w.clone()
	switch op.Type {
	case Launch:
		for _, task := range op.Tasks {
			need := task.Resources
			if task.Executor != nil {
				need = slices.Concat(need, task.Executor.Resources)
			}
			for _, r := range need {
				if r.Check() != nil || r.Role != need[0].Role || !w.left.take(r) {
					return w, false
				}
				w.launched.put(r)
			}
		}
		return w, len(op.Tasks) > 0
	case GrowVolume:
		v, more := op.Volume, op.Addition
		sum := v
		sum.Scalar += more.Scalar
		bare := v.WithoutVolume()
		bare.Scalar = more.Scalar
		ok := v.Persistent() && v.Check() == nil && more.Check() == nil && more.Scalar > 0 && bare.Equal(more) &&
			v.Provider == "" && v.Disk.Source.Type <= PathDisk && w.left.take(v) && w.left.take(more)
		if ok {
			w.grown.put(sum)
		}
		return w, ok
	}
	for _, r := range op.Resources {
		if r.Check() != nil || r.Provider != op.Resources[0].Provider || !w.convert(op, r, principal) {
			return w, false
		}
	}
	// Only now: what an operation gives is not there for itself.
	for _, r := range op.Resources {
		switch outer, _ := r.Pop(); op.Type {
		case Reserve, Create:
			w.left.put(r)
		case Unreserve:
			w.left.put(outer)
		case Destroy:
			w.left.put(r.WithoutVolume())
		}
	}
	return w, len(op.Resources) > 0
}

// convert takes what one resource of an operation needs.
func (w world) convert(op Operation, r Resource, principal string) bool {
	outer, reserved := r.Pop()
	switch op.Type {
	case Reserve:
		last := r.Reservations
		return reserved && last[len(last)-1].Dynamic && last[len(last)-1].Principal == principal && r.Owner() == r.Role &&
			!r.Persistent() && r.Role == op.Resources[0].Role && w.left.take(outer)
	case Unreserve:
		return reserved && r.Reservations[len(r.Reservations)-1].Dynamic && !r.Persistent() && w.left.take(r)
	case Create:
		if !r.Persistent() || w.volumes[w.volume(r)] || r.Role != op.Resources[0].Role {
			return false
		}
		w.volumes[w.volume(r)] = true
		return r.Disk.Persistence.Principal == principal && !r.Disk.Volume.ReadOnly && w.left.take(r.WithoutVolume())
	case Destroy:
		if !r.Persistent() || !w.left.take(r) {
			return false
		}
		delete(w.volumes, w.volume(r))
		return true
	}
	return false
}

// drawOffer draws what an agent offers for the role dev/sub, a part of it reserved by the operator and a part by the
// framework; each port is there once.
func drawOffer(t *rapid.T) Resources {
	sub := func(r Resource) Resource { return r.with(func(r *Resource) { r.Role = "dev/sub" }) }
	static := func(r Resource) Resource { return sub(r).Push(Reservation{Role: "dev"}) }
	ours := func(r Resource) Resource { return sub(r).reserved("dev/sub") }
	amount := func(name string) Resource {
		return Resource{Name: name, Scalar: Milli(rapid.Int64Range(1, 9).Draw(t, name))}
	}
	offer := Resources{
		sub(amount("cpus")), static(amount("cpus")), sub(amount("disk")), static(amount("disk")), sub(portsOf(Range{1, 8})),
		static(portsOf(Range{11, 14})), sub(amount("disk").on(PathDisk, "/p1")), sub(setOf("a", "b", "c")),
		sub(amount("gpus")).with(func(r *Resource) { r.Scalar *= 1000 }),
		sub(amount("disk").on(PathDisk, "/csi")).with(func(r *Resource) { r.Provider = "rp" }),
		ours(amount("disk")), ours(amount("disk")).volume("v7"), ours(amount("disk").on(PathDisk, "/p1")).volume("v8"),
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "mounts") {
		offer = append(offer, sub(Resource{Name: "disk", Scalar: 5}.on(MountDisk, fmt.Sprintf("/m%d", i))))
	}
	return offer.Normalize()
}

// drawOperation draws one that often suits what is left, and a little wrong now and then.
// Its executors are new ones, which n tells apart; known ones are for the tables.
func drawOperation(t *rapid.T, left Resources, n int) Operation {
	types := []OperationType{Reserve, Reserve, Unreserve, Create, Create, Destroy, GrowVolume, Launch}
	op := Operation{Type: rapid.SampledFrom(types).Draw(t, "type")}
	switch op.Type {
	case Reserve:
		for _, r := range drawPieces(t, left, func(r Resource) bool { return !r.dynamic() }) {
			op.Resources = append(op.Resources, r.Push(drawOurs(t)))
		}
	case Unreserve:
		op.Resources = drawPieces(t, left, func(r Resource) bool { return r.dynamic() && !r.Persistent() })
	case Create:
		disk := func(r Resource) bool { return r.Name == "disk" && r.Reserved() && !r.Persistent() }
		for _, r := range drawPieces(t, left, disk) {
			r = r.volume(rapid.SampledFrom([]string{"v1", "v2", "v3", "v4", "v5", "v6"}).Draw(t, "id"))
			if seldom(t, 20) {
				r.Disk.Volume.ReadOnly = true
			}
			op.Resources = append(op.Resources, r)
		}
	case Destroy:
		op.Resources = drawPieces(t, left, Resource.Persistent)
	case GrowVolume:
		volumes := drawPieces(t, left, func(r Resource) bool { return r.Persistent() && !r.Disk.Source.Type.whole() })
		op.Volume = slices.Concat(volumes, left[:1])[0]
		bare := op.Volume.WithoutVolume()
		additions := drawPieces(t, left, func(r Resource) bool { return sameKind(&r, &bare) })
		op.Addition = slices.Concat(additions, Resources{bare})[0]
	case Launch:
		for i := range rapid.IntRange(1, 2).Draw(t, "tasks") {
			task := taskOf(fmt.Sprint(i), drawPieces(t, left, func(r Resource) bool { return r.Scalar%2 == 0 })...)
			if len(task.Resources) == 0 {
				task.Resources = left[:1]
			}
			if rapid.IntRange(0, 3).Draw(t, "with an executor") == 0 {
				cpus := drawPieces(t, left, func(r Resource) bool { return r.Name == "cpus" })
				task.Executor = &Executor{ID: fmt.Sprint(n, task.ID), Resources: cpus}
			}
			op.Tasks = append(op.Tasks, task)
		}
	}
	return op
}

// drawPieces draws one or two pieces of what suits, or of anything now and then.
func drawPieces(t *rapid.T, left Resources, suits func(Resource) bool) Resources {
	var all Resources
	anything := seldom(t, 20)
	for _, r := range left {
		if anything || suits(r) {
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return nil
	}
	var pieces Resources
	for range rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "pieces") {
		r := rapid.SampledFrom(all).Draw(t, "piece of")
		switch {
		case r.whole():
		case r.Type == Ranges:
			first := r.Ranges[0]
			r.Ranges = []Range{{first.Begin, first.Begin + rapid.Uint64Range(0, (first.End-first.Begin)/2).Draw(t, "ports")}}
		case r.Type == Set:
			r.Set = r.Set[:1]
		case r.Name != "gpus":
			r.Scalar = Milli(rapid.Int64Range(1, int64(r.Scalar)/2+1).Draw(t, "amount"))
		}
		if seldom(t, 50) {
			r.Scalar++
		}
		if seldom(t, 50) {
			r.Role = "dev"
		}
		pieces = append(pieces, r)
	}
	return pieces
}

func drawOurs(t *rapid.T) Reservation {
	return Reservation{
		Dynamic:   !seldom(t, 20),
		Role:      mostly(t, "dev/sub", "dev"),
		Principal: mostly(t, "p1", "p2"),
		Labels:    rapid.SampledFrom([][]Label{nil, nil, {{"k", "v"}}}).Draw(t, "labels"),
	}
}

func mostly(t *rapid.T, usual, rare string) string {
	if seldom(t, 15) {
		return rare
	}
	return usual
}

// seldom is true about once in n times. (Small and large numbers are drawn more often than those between.)
func seldom(t *rapid.T, n int) bool { return rapid.IntRange(0, n).Draw(t, "seldom") == n/2+1 }

// bare are the resources as the agent has them, without what frameworks made of them.
func bare(rs ...Resources) ledger {
	var all Resources
	for _, r := range slices.Concat(rs...) {
		r = r.WithoutVolume()
		r.Reservations = nil
		all = append(all, r)
	}
	return ledgerOf(all)
}

func inverse(op Operation) (Operation, bool) {
	switch op.Type {
	case Reserve:
		return opOf(Unreserve, op.Resources...), true
	case Create:
		return opOf(Destroy, op.Resources...), true
	case Unreserve:
		return opOf(Reserve, op.Resources...), true
	case Destroy:
		return opOf(Create, op.Resources...), true
	}
	return Operation{}, false
}

func deepOperation(op Operation) Operation {
	op.Resources = deepCopy(op.Resources)
	op.Volume, op.Addition = deepCopy(Resources{op.Volume})[0], deepCopy(Resources{op.Addition})[0]
	op.Tasks = slices.Clone(op.Tasks)
	for i := range op.Tasks {
		op.Tasks[i].Resources = deepCopy(op.Tasks[i].Resources)
		if e := op.Tasks[i].Executor; e != nil {
			executor := *e
			executor.Resources = deepCopy(e.Resources)
			op.Tasks[i].Executor = &executor
		}
	}
	return op
}

func TestOperations(t *testing.T) {
	accepted, refusals := map[OperationType]int{}, map[OperationType]int{}
	rapid.Check(t, func(t *rapid.T) {
		offer := drawOffer(t)
		c, twin := accept{principal: "p1", left: offer}, worldOf(offer)
		var ops []Operation
		for n := range rapid.IntRange(1, 16).Draw(t, "operations") {
			if len(c.left) == 0 {
				break
			}
			op := drawOperation(t, c.left, n)
			wasLeft, wasOp := deepCopy(c.left), deepOperation(op)
			next, err := c.apply(op)
			if !cmp.Equal(c.left, wasLeft) || !cmp.Equal(op, wasOp) {
				t.Fatalf("%v\nchanged what it was given: %s -> %s", op, wasLeft, c.left)
			}
			then, allowed := twin.apply(op, "p1")
			if (err == nil) != allowed {
				t.Fatalf("%v\non %s: the plain twin allows it: %v; the error is %v", op, c.left, allowed, err)
			}
			if err != nil {
				refusals[op.Type]++
				if !cmp.Equal([]Resources{next.left, next.launched, next.grown}, []Resources{c.left, c.launched, c.grown}) {
					t.Fatalf("a refused operation changes something: %v", op)
				}
				if len(op.parts()) == 1 { // of several tasks, ApplyAll would launch the good ones
					ops = append(ops, op)
				}
				continue
			}
			ops = append(ops, op)
			accepted[op.Type]++
			if !then.agrees(next) {
				t.Fatalf("%v\non %s: left %s, launched %s, grown %s; the plain twin has %v",
					op, c.left, next.left, next.launched, next.grown, then)
			}
			checkConserved(t, op, c, next)
			checkUsable(t, op, next)
			checkInverse(t, op, c.left, next.left)
			if left, err := c.left.Apply(op, "p1"); err != nil || !cmp.Equal(left, next.left) {
				t.Fatalf("%v\nby itself leaves %s, %v; beside others %s", op, left, err, next.left)
			}
			c, twin = next, then
		}
		left, launched, _ := offer.ApplyAll(ops, "p1")
		if !left.Equal(c.left.Add(c.grown)) || !launched.Equal(c.launched) {
			t.Fatalf("all at once leave %s and launch %s; one after the other %s, grown %s, and %s",
				left, launched, c.left, c.grown, c.launched)
		}
	})
	for _, op := range []OperationType{Reserve, Unreserve, Create, Destroy, GrowVolume, Launch} {
		if !testing.Short() && (accepted[op] < 5 || refusals[op] < 1) {
			t.Errorf("%s was accepted %d times and refused %d times: the draw is too poor", op, accepted[op], refusals[op])
		}
	}
	t.Logf("accepted %v, refused %v", accepted, refusals)
}

// checkConserved: every operation conserves the sum.
func checkConserved(t *rapid.T, op Operation, before, after accept) {
	was := bare(before.left, before.launched, before.grown)
	is := bare(after.left, after.launched, after.grown)
	if !is.equal(was) {
		t.Fatalf("%v\nmakes %v of %v", op, is, was)
	}
	sum := func(a accept) Quantities { return slices.Concat(a.left, a.launched, a.grown).Quantities() }
	if !sum(before).Equal(sum(after)) {
		t.Fatalf("%v\nmakes %s of %s", op, sum(after), sum(before))
	}
}

// checkUsable: what is left is valid, nothing is ever negative, and nothing that was grown is there to be used.
func checkUsable(t *rapid.T, op Operation, after accept) {
	if !after.left.normal() {
		t.Fatalf("%v\nleaves what is not in normal form: %s", op, after.left)
	}
	for _, r := range after.left {
		if err := r.Check(); err != nil {
			t.Fatalf("%v\nleaves what is invalid: %v", op, err)
		}
		if r.Scalar < 0 {
			t.Fatalf("%v\nleaves %s", op, r)
		}
		for _, g := range after.grown {
			if r.Persistent() && r.Owner() == g.Owner() && r.Disk.Persistence.ID == g.Disk.Persistence.ID {
				t.Fatalf("%v\nleaves %s, though %s has grown", op, r, g)
			}
		}
	}
}

// checkInverse: RESERVE then UNRESERVE is identity, and so is CREATE then DESTROY; and the other way around.
func checkInverse(t *rapid.T, op Operation, before, after Resources) {
	undo, ok := inverse(op)
	if !ok {
		return
	}
	back, err := after.Apply(undo, "p1")
	if err != nil || !back.Equal(before) {
		t.Fatalf("%v\nand then %s leave %s, %v; before was %s", op, undo.Type, back, err, before)
	}
}
