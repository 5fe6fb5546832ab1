package offers

import (
	"flag"
	"fmt"
	"hash/fnv"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// checkDrawn is rapid.Check with draws of its own for each test, the same every time, and more of them than rapid would make.
// Go farther with -rapid.seed=… and -rapid.checks=….
func checkDrawn(t *testing.T, checks int, property func(*rapid.T)) {
	t.Helper()
	set := func(name, value string) func() {
		f := flag.Lookup(name)
		before := f.Value.String()
		if before != f.DefValue {
			return func() {}
		}
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
		return func() { flag.Set(name, before) }
	}
	h := fnv.New64a()
	h.Write([]byte(t.Name()))
	defer set("rapid.seed", strconv.FormatUint(h.Sum64(), 10))()
	if testing.Short() {
		checks /= 10
	}
	defer set("rapid.checks", strconv.Itoa(checks))()
	rapid.Check(t, property)
}

// evenly draws a number below 1024. rapid's own numbers, and its choice among samples, are small ones and first ones mostly,
// which leaves too little of what takes several things at once.
var evenly = rapid.Custom(func(t *rapid.T) int {
	n := 0
	for range 10 {
		n *= 2
		if rapid.Bool().Draw(t, "") {
			n++
		}
	}
	return n
})

// chance is true so many times in a hundred. It is false in the simplest case.
func chance(t *rapid.T, percent int, label string) bool {
	return evenly.Draw(t, label) >= 1024-percent*1024/100
}

// oneOf draws one of the values, all alike. The first is the simplest.
func oneOf[T any](t *rapid.T, label string, values ...T) T {
	return values[evenly.Draw(t, label)*len(values)/1024]
}

func upTo(t *rapid.T, most int, label string) int { return evenly.Draw(t, label) * (most + 1) / 1024 }

// scene is a round, and what the drawing of it knows besides.
type scene struct {
	Round
	// services' pods that are known, for Unwanted.
	known Known
	// near is like the first requirement, or nearly.
	near Requirement
}

const (
	drawnPrincipal = "p"
	drawnService   = "store"
	drawnFramework = "F1"
)

// drawing is a scene while it is being drawn.
type drawing struct {
	t     *rapid.T
	scene scene
	sites []Site
	slots []*drawnSlot
	roles []string // of offers
	// used are the ports of each agent that are given to some part of what it offers, or in use.
	used map[string]map[uint64]bool
	away map[string]bool // agents that are scheduled for maintenance
	next int             // for names of disks and foreign volumes
	// roomy: most of what is wanted fits.
	roomy bool
}

type drawnSlot struct {
	agent, role string
	site        Site
	all         Resources
}

var scenes = rapid.Custom(drawScene)

func drawScene(t *rapid.T) scene {
	d := &drawing{t: t, used: map[string]map[uint64]bool{}, away: map[string]bool{}}
	d.roomy = chance(t, 40, "roomy")
	d.next = 20
	d.hosts()
	d.agents()
	for i := range 1 + upTo(t, 4, "requirements") {
		if i > 0 && chance(t, 35, "like one before") {
			of := oneOf(t, "which", d.scene.Requirements...)
			if chance(t, 50, "the last") {
				of = d.scene.Requirements[i-1]
			}
			d.scene.Requirements = append(d.scene.Requirements, d.alike(of, i))
			continue
		}
		d.scene.Requirements = append(d.scene.Requirements, d.requirement(i))
	}
	d.scene.near = d.alike(d.scene.Requirements[0], 9)
	for range upTo(t, 4, "pods") {
		d.pod()
	}
	for i := range d.scene.Requirements {
		d.history(&d.scene.Requirements[i])
	}
	for _, s := range d.slots {
		d.fill(s)
	}
	d.offers()
	d.knowledge()
	return d.scene
}

func (d *drawing) hosts() {
	zones := []string{""}
	if chance(d.t, 60, "zones") {
		zones = []string{"z1", "z2", "z1", "z2", "z3", ""}
	}
	keyed := chance(d.t, 20, "keys are no hostnames")
	for i := range 1 + upTo(d.t, 3, "hosts") {
		s := Site{Host: fmt.Sprintf("h%d", i+1), Hostname: fmt.Sprintf("h%d", i+1), Zone: oneOf(d.t, "zone", zones...)}
		if keyed {
			s.Host = fmt.Sprintf("rack-%d", i+1)
		}
		if s.Zone != "" {
			s.Region = oneOf(d.t, "region", "r1", "r1", "r1", "r2")
		}
		s.Attributes = oneOf(d.t, "attributes", nil, attributes("rack=a"), attributes("rack=b"), attributes("rack=a", "ssd=yes"),
			attributes("rack=b", "rack=a"), attributes("Rack=a"))
		d.sites = append(d.sites, s)
	}
}

func (d *drawing) agents() {
	main := oneOf(d.t, "role", "dev", "dev/sub", "dev/sub", "pub/dev")
	second := oneOf(d.t, "second role", "ops", "ops", "*", "dev/other")
	d.roles = []string{main, second}
	for i, site := range d.sites {
		for j := range 1 + min(1, upTo(d.t, 4, "agents")/4) {
			agent := fmt.Sprintf("agent-%d-%d", i+1, j+1)
			d.used[agent] = map[uint64]bool{}
			d.away[agent] = chance(d.t, 12, "maintenance")
			d.slots = append(d.slots, &drawnSlot{agent: agent, role: main, site: site})
			if chance(d.t, 35, "offers for a second role") {
				d.slots = append(d.slots, &drawnSlot{agent: agent, role: second, site: site})
			}
		}
	}
}

// outer is the role above one; empty if there is none.
func outer(role string) string {
	above, _, below := strings.Cut(role, "/")
	if !below {
		return ""
	}
	return above
}

func (d *drawing) requirement(i int) Requirement {
	t := d.t
	r := Requirement{PodType: oneOf(t, "type", "registry", "registry", "data")}
	r.Subject = fmt.Sprintf("%s-%d", r.PodType, i)
	r.CPUs = oneOf[Milli](t, "cpus", 500, 1000, 2000, 0)
	r.Mem = oneOf[Milli](t, "mem", 64000, 128000, 256000)
	r.Disk = oneOf[Milli](t, "disk", 0, 0, 50000, 100000)
	if chance(t, 25, "executor") {
		r.Executor = Quantities{CPUs: 100, Mem: 32000, Disk: oneOf[Milli](t, "disk of executor", 0, 10000)}
		r.Task.Executor = &Executor{ID: "x-" + r.Subject, Command: Command{Value: "x", Env: []Var{{"X", "1"}}}}
		if chance(t, 50, "executor in a container") {
			r.Task.Executor.Container = &Container{Image: "x", Network: BridgeNetwork}
		}
	}
	if chance(t, 50, "container") {
		r.Task.Container = &Container{Image: "i", Network: oneOf(t, "network", BridgeNetwork, HostNetwork)}
	}
	r.Task.ID, r.Task.Name = "t-"+r.Subject, r.Subject
	if chance(t, 65, "claim") {
		r.Claim = &Claim{Service: drawnService, Framework: drawnFramework, ID: fmt.Sprintf("c%d", i), Principal: drawnPrincipal}
		kind := oneOf(t, "kind of volumes", "", "", RootVolume, MountVolume)
		for j := range upTo(t, 3, "volumes") {
			r.Volumes = append(r.Volumes, d.volume(j, kind))
		}
	}
	d.ports(&r)
	r.Roles = d.rolesFor(&r)
	main := d.roles[0]
	if chance(t, 20, "pre-reserved") {
		r.PreReserved = oneOf(t, "pre-reserved role", outer(main), outer(main), main)
	}
	d.placement(&r)
	if err := r.Validate(); err != nil {
		t.Fatalf("drawn is what is not valid: %v", err)
	}
	return r
}

// alike is another pod like the one of r, or nearly.
func (d *drawing) alike(r Requirement, i int) Requirement {
	r = copied(r)
	r.Subject = fmt.Sprintf("%s-%d", r.PodType, i)
	if r.Claim != nil {
		r.Claim.ID = fmt.Sprintf("c%d", i)
	}
	other := d.requirement(i)
	switch upTo(d.t, 12, "difference") {
	case 0:
		r.Roles, r.PreReserved = other.Roles, ""
		if r.Claim != nil && slices.Contains(r.Roles, "*") {
			r.Roles = nil
		}
	case 1, 9, 10, 11:
		r.Ports, r.PortBase, r.Task = other.Ports, other.PortBase, other.Task
		r.Executor = other.Executor
	case 2:
		r.CPUs, r.Mem, r.Disk = other.CPUs, other.Mem, other.Disk
	case 3:
		r.Constraint = other.Constraint
	case 4:
		r.Colocate, r.Avoid = other.Colocate, other.Avoid
	case 5:
		r.Host = other.Host
	case 6:
		if r.Claim != nil {
			r.Volumes = other.Volumes
		}
		if other.Claim == nil {
			r.Claim, r.Volumes = nil, nil
		}
	case 7:
		r.PreReserved = other.PreReserved
	case 8:
		r.PodType = other.PodType
	}
	if r.Task.ID = "t-" + r.Subject; r.Task.Executor != nil {
		r.Task.Executor.ID = "x-" + r.Subject
	}
	if err := r.Validate(); err != nil {
		d.t.Fatalf("drawn is what is not valid: %v", err)
	}
	return r
}

func (d *drawing) rolesFor(r *Requirement) []string {
	main, second := d.roles[0], d.roles[1]
	switch {
	case d.roomy && chance(d.t, 70, "any role"):
		return nil
	case r.Claim != nil && second == "*":
		return oneOf(d.t, "roles", nil, []string{main})
	case !d.roomy && chance(d.t, 12, "other roles"):
		return []string{second + "-x"}
	}
	return oneOf(d.t, "roles", nil, []string{main}, []string{main, second}, []string{second, main})
}

func (d *drawing) volume(j int, kind VolumeType) Volume {
	t := d.t
	v := Volume{Name: fmt.Sprintf("v%d", j), Type: RootVolume, ContainerPath: fmt.Sprintf("v%d", j)}
	v.Size = oneOf[Milli](t, "size", 100000, 50000, 150000, 200000)
	if kind == MountVolume || kind == "" && chance(t, 50, "mount") {
		v.Type = MountVolume
		v.Root = oneOf(t, "root", "", "", "", "/d1", "/d2")
		if kind == MountVolume {
			v.Root, v.Size = oneOf(t, "root", "", "", "/d1", "/d2", "/d3"), oneOf[Milli](t, "size", 50000, 100000)
		}
		v.Profiles = oneOf(t, "profiles", nil, nil, nil, []string{"fast"}, []string{"fast", ""})
	}
	return v
}

// taken says whether the requirement has a port with that number and protocol.
func (d *drawing) taken(r *Requirement, p Port) bool {
	return (p.Number != 0 || p.Offset) && slices.ContainsFunc(r.Ports, func(q Port) bool {
		return r.fixed(&q) == r.fixed(&p) && r.free(&q) == r.free(&p) && (q.Protocol == "udp") == (p.Protocol == "udp")
	})
}

func (d *drawing) ports(r *Requirement) {
	t := d.t
	n := upTo(t, 4, "ports")
	few := func(label string) []Range {
		first := 21000 + uint64(upTo(t, 5, label))
		return []Range{{first, first + uint64(upTo(t, 3, label))}}
	}
	for j := range n {
		p := Port{Name: fmt.Sprintf("p%d", j)}
		switch oneOf(t, "kind of port", "fixed", "any", "any in ranges", "any in ranges", "offset", "offset", "unmanaged", "unmanaged any", "unmanaged offset") {
		case "fixed":
			p.Number = 21000 + uint64(upTo(t, 7, "number"))
		case "any":
		case "any in ranges":
			p.Ranges = few("range")
		case "offset":
			p.Offset, p.Number = true, uint64(upTo(t, 2, "offset"))
		case "unmanaged":
			p.Number, p.Unmanaged = oneOf[uint64](t, "low number", 80, 443, 21003), true
		case "unmanaged any":
			p.Ranges, p.Unmanaged = few("range"), true
		case "unmanaged offset":
			p.Offset, p.Number, p.Unmanaged = true, uint64(upTo(t, 2, "offset")), true
		}
		if !p.Offset && p.Number == 0 && chance(t, 40, "prior number") {
			p.Prior = 21000 + uint64(upTo(t, 7, "number"))
		}
		p.EnvKey = oneOf(t, "variable", "", fmt.Sprintf("PORT_%d", j))
		p.Protocol = oneOf(t, "protocol", "", "udp")
		if p.Discover = chance(t, 40, "discover"); p.Discover {
			p.Labels = []Label{{"k", p.Name}}
		}
		bridged := r.Task.Container == nil || r.Task.Container.Network != HostNetwork
		if bridged && chance(t, 30, "mapped") {
			p.ContainerPort = 80 + uint64(j)
		}
		if !d.taken(r, p) {
			r.Ports = append(r.Ports, p)
		}
	}
	if chance(t, 20, "fixed base") {
		r.PortBase.Number = 21000 + uint64(upTo(t, 3, "base"))
		all := r.Ports
		r.Ports = nil
		for _, p := range all { // with a fixed base, an offset may be another port's number
			if !d.taken(r, p) {
				r.Ports = append(r.Ports, p)
			}
		}
		return
	}
	unmanaged := slices.ContainsFunc(r.Ports, func(p Port) bool { return p.Offset && p.Unmanaged })
	if unmanaged || chance(t, 30, "ranges of base") {
		r.PortBase.Ranges = few("range of base")
	}
	if chance(t, 30, "prior base") {
		r.PortBase.Prior = 21000 + uint64(upTo(t, 5, "base"))
	}
}

// drawnClauses are of all operators, with fields of all kinds.
var drawnClauses = []string{
	"hostname:UNIQUE", "hostname:UNIQUE", "hostname:MAX_PER:2", "hostname:LIKE:h[12]", "hostname:UNLIKE:h[13]", "hostname:IS:h2", "hostname:IS_NOT:h1",
	"hostname:GROUP_BY", "@zone:UNIQUE", "@zone:MAX_PER:2", "@zone:GROUP_BY", "@zone:GROUP_BY:3", "@zone:IS:z1", "@zone:UNLIKE:z[23]", "@region:IS:r1",
	"@region:GROUP_BY:2", "@region:IS_NOT:r2", "rack:UNIQUE", "rack:MAX_PER:2", "rack:GROUP_BY:2", "rack:CLUSTER:a", "rack:IS_NOT:b", "rack:LIKE:a|b",
	"rack:UNLIKE:.*", "ssd:IS:yes",
}

func (d *drawing) placement(r *Requirement) {
	t := d.t
	if chance(t, 40, "constraint") {
		for range 1 + upTo(t, 2, "clauses") {
			c, err := ParseConstraint(oneOf(t, "clause", drawnClauses...))
			if err != nil {
				t.Fatal(err)
			}
			r.Constraint.Clauses = append(r.Constraint.Clauses, c.Clauses...)
		}
	}
	if chance(t, 15, "colocate") {
		r.Colocate = []string{oneOf(t, "with", "meta", "data")}
	}
	if chance(t, 15, "avoid") {
		r.Avoid = []string{oneOf(t, "without", "meta", "data", "registry")}
	}
	if chance(t, 10, "bound to a host") {
		r.Host = oneOf(t, "host", append([]string{"gone"}, d.keys()...)...)
	}
}

func (d *drawing) keys() []string {
	var keys []string
	for _, s := range d.sites {
		keys = append(keys, s.Host)
	}
	return keys
}

// pod is a pod that is no requirement's.
func (d *drawing) pod() {
	site := oneOf(d.t, "site", append([]Site{{Host: "gone", Hostname: "gone", Region: "r1", Zone: "z1"}}, d.sites...)...)
	p := Pod{PodType: oneOf(d.t, "type", "registry", "data", "meta"), Site: site}
	p.Name = fmt.Sprintf("%s-%d", p.PodType, 10+len(d.scene.Pods))
	for range upTo(d.t, 2, "ports in use") {
		p.Ports = append(p.Ports, oneOf[uint64](d.t, "port in use", 80, 443, 21000, 21001, 21002, 21003, 21004))
	}
	d.scene.Pods = append(d.scene.Pods, p)
}

// number draws a port of the agent that has no other use, near the ones wanted; 0 if there is none.
func (d *drawing) number(s *drawnSlot, wanted uint64) uint64 {
	if wanted == 0 {
		wanted = 21000 + uint64(upTo(d.t, 7, "number"))
	}
	if d.used[s.agent][wanted] {
		return 0
	}
	d.used[s.agent][wanted] = true
	return wanted
}

func (s *drawnSlot) add(res Resource) {
	res.Role = s.role
	s.all = append(s.all, res)
}

func (s *drawnSlot) addQuantities(q Quantities, stack []Reservation) {
	s.all = append(s.all, plainResources(q, s.role, stack)...)
}

func (d *drawing) root() string {
	d.next++
	return fmt.Sprintf("/d%d", d.next)
}

// history is what a requirement's pod has had before.
func (d *drawing) history(r *Requirement) {
	if r.Claim == nil {
		if chance(d.t, 25, "comes back") {
			d.resident(r, oneOf(d.t, "site", d.sites...), nil)
		}
		return
	}
	if !chance(d.t, 55, "has something") {
		return
	}
	s := oneOf(d.t, "slot of the pod", d.slots...)
	if s.role == "*" {
		return
	}
	if chance(d.t, 12, "has only volumes on what the operator reserved for the role") {
		d.holdVolumes(s, r, nil)
		if len(r.Volumes) > 0 && chance(d.t, 50, "place recorded") {
			d.resident(r, s.site, nil)
		}
		return
	}
	d.hold(s, r)
	if chance(d.t, 8, "has something elsewhere too") {
		if also := oneOf(d.t, "other slot of the pod", d.slots...); also != s && also.role != "*" {
			d.holdSome(also, r, d.claimed(also, r))
		}
	}
}

// resident says that the pod has been on a host.
func (d *drawing) resident(r *Requirement, site Site, ports []uint64) {
	d.scene.Pods = append(d.scene.Pods, Pod{Name: r.Subject, PodType: r.PodType, Site: site, Ports: ports})
}

// claimed draws the stack of what the pod has reserved.
func (d *drawing) claimed(s *drawnSlot, r *Requirement) []Reservation {
	c := *r.Claim
	c.Framework = oneOf(d.t, "framework", c.Framework, c.Framework, c.Framework, c.Framework, c.Framework, c.Framework, "F0")
	if chance(d.t, 6, "another principal") {
		c.Principal = "p-before"
	}
	var stack []Reservation
	if above := outer(s.role); above != "" && (r.PreReserved == above) != chance(d.t, 10, "odd stack") {
		stack = []Reservation{{Role: above}}
	}
	return append(stack, c.reservation(r.Subject, s.role))
}

func (d *drawing) part(of Milli, label string) Milli {
	return of * oneOf[Milli](d.t, label, 4, 4, 4, 4, 4, 2, 8, 0) / 4
}

// holdSome gives the pod more or less what it needs, without volumes.
func (d *drawing) holdSome(s *drawnSlot, r *Requirement, stack []Reservation) (held Quantities, ports []uint64) {
	held.CPUs, held.Mem, held.Disk = d.part(r.CPUs+r.Executor.CPUs, "cpus held"), d.part(r.Mem+r.Executor.Mem, "mem held"), d.part(r.Disk+r.Executor.Disk, "disk held")
	var own []Range
	for i := range r.Ports {
		p := &r.Ports[i]
		number, fixed := (&need{Requirement: r}).numberOf(p)
		if p.Offset && !fixed && r.PortBase.Prior != 0 {
			number, fixed = r.PortBase.Prior+p.Number, true
		}
		if p.Unmanaged || !chance(d.t, 85, "port held") {
			continue
		}
		if number = d.number(s, number); number == 0 {
			continue
		}
		if !fixed && !p.Offset && chance(d.t, 80, "number recorded") {
			p.Prior = number
		}
		own, ports = append(own, Range{number, number}), append(ports, number)
	}
	if chance(d.t, 10, "port too many") {
		if number := d.number(s, 0); number != 0 {
			own = append(own, Range{number, number})
		}
	}
	held.Ports = Normalize(own)
	s.addQuantities(held, stack)
	return held, ports
}

func (d *drawing) hold(s *drawnSlot, r *Requirement) {
	stack := d.claimed(s, r)
	held, ports := d.holdSome(s, r, stack)
	d.holdVolumes(s, r, stack)
	d.record(s, r, stack, held, ports)
}

// holdVolumes gives the pod volumes, without a stack on what the operator has reserved for the role.
func (d *drawing) holdVolumes(s *drawnSlot, r *Requirement, stack []Reservation) {
	t := d.t
	for i := range r.Volumes {
		v := &r.Volumes[i]
		if !chance(t, 75, "volume exists") {
			continue
		}
		id := r.Claim.PersistenceID(r.Subject, v.Name)
		if chance(t, 60, "volume recorded") {
			v.Prior = id
		}
		if chance(t, 4, "volume is lost") {
			continue
		}
		of := stack
		if stack == nil || chance(t, 15, "volume on what the operator reserved for the role") {
			of = []Reservation{{Role: s.role}}
		}
		d.addVolume(s, v, id, of)
	}
}

// record draws what is recorded of what the pod has, and adds what it does not need.
func (d *drawing) record(s *drawnSlot, r *Requirement, stack []Reservation, held Quantities, ports []uint64) {
	t := d.t
	if chance(t, 8, "volume too many") {
		d.addVolume(s, &Volume{Type: RootVolume, Size: 70000}, "unwanted."+r.Claim.ID, stack)
	}
	if chance(t, 12, "disk too many") {
		s.add(d.mount(stack))
	}
	if chance(t, 30, "disk for a volume") {
		s.addQuantities(Quantities{Disk: 100000}, stack)
		held.Disk += 100000
	}
	switch oneOf(t, "recorded", "exactly", "exactly", "exactly", "nothing", "needed", "more") {
	case "exactly":
		r.Claim.Held = held
	case "needed":
		r.Claim.Held = Quantities{CPUs: r.CPUs + r.Executor.CPUs, Mem: r.Mem + r.Executor.Mem, Disk: r.Disk + r.Executor.Disk, Ports: held.Ports}
	case "more":
		r.Claim.Held = held.Add(Quantities{CPUs: 100, Ports: oneOf(t, "port recorded", nil, []Range{{21007, 21007}})})
	}
	if chance(t, 70, "place recorded") {
		d.resident(r, s.site, ports)
		if chance(t, 50, "bound to its host") {
			r.Host = s.site.Host
		}
	}
}

func (d *drawing) addVolume(s *drawnSlot, v *Volume, id string, stack []Reservation) {
	size := oneOf(d.t, "size of volume", v.Size, v.Size, v.Size/2, v.Size*2)
	disk := &Disk{Persistence: &Persistence{ID: id, Principal: drawnPrincipal}, Volume: &DiskVolume{ContainerPath: "before"}}
	if v.Type == MountVolume {
		disk.Source = Source{Type: MountDisk, Root: d.root()}
	}
	s.add(Resource{Name: "disk", Scalar: size, Reservations: stack, Disk: disk})
}

func (d *drawing) mount(stack []Reservation) Resource {
	res := Resource{Name: "disk", Reservations: stack, Disk: &Disk{Source: Source{Type: MountDisk, Root: d.root()}}}
	res.Scalar = oneOf[Milli](d.t, "size of disk", 50000, 100000, 150000, 200000, 300000)
	if chance(d.t, 20, "provided disk") {
		res.Provider = oneOf(d.t, "provider", "rp1", "rp2")
		res.Disk.Source.Provided = &Provided{ID: res.Disk.Source.Root, Vendor: "csi", Profile: oneOf(d.t, "profile", "fast", "slow", "")}
	}
	return res
}

// fill adds what does not belong to the pods that are being placed.
func (d *drawing) fill(s *drawnSlot) {
	t := d.t
	d.next = 0
	d.unowned(s, nil, 100)
	if chance(t, 35, "reserved by the operator for the role") && s.role != "*" {
		d.unowned(s, []Reservation{{Role: s.role}}, 60)
	}
	if above := outer(s.role); above != "" && chance(t, 50, "reserved by the operator for the role above") {
		d.unowned(s, []Reservation{{Role: above}}, 80)
	}
	d.next = 10
	if s.role != "*" {
		for range upTo(t, 2, "of others") {
			d.ofOthers(s)
		}
	}
	if chance(t, 20, "odd things") {
		d.odd(s)
	}
}

func (d *drawing) unowned(s *drawnSlot, stack []Reservation, percent int) {
	t := d.t
	var q Quantities
	if chance(t, percent, "cpus") {
		q.CPUs = oneOf[Milli](t, "cpus", 1000, 4000, 2000, 500, 0, 8000)
	}
	if chance(t, percent, "mem") {
		q.Mem = oneOf[Milli](t, "mem", 256000, 1024000, 128000, 64000, 512000)
	}
	if chance(t, percent, "disk") {
		q.Disk = oneOf[Milli](t, "disk", 0, 100000, 200000, 500000, 150000)
	}
	if d.roomy && len(stack) == 0 {
		q.CPUs, q.Mem, q.Disk = q.CPUs+8000, q.Mem+2048000, q.Disk+500000
	}
	var own []Range
	for n := uint64(21000); n < 21008; n++ {
		if chance(t, percent*2/3, "port") && !d.used[s.agent][n] {
			d.used[s.agent][n] = true
			own = append(own, Range{n, n})
		}
	}
	q.Ports = Normalize(own)
	s.addQuantities(q, stack)
	for range upTo(t, 3, "disks") {
		s.add(d.mount(stack))
	}
}

// ofOthers adds what others have reserved, or what pods of ours have left behind.
func (d *drawing) ofOthers(s *drawnSlot) {
	t := d.t
	c := Claim{Service: drawnService, Framework: drawnFramework, ID: "old", Principal: drawnPrincipal}
	pod := oneOf(t, "pod of the reservation", "registry-9", "registry-0", "data-1", "registry-10")
	switch oneOf(t, "whose", "pod's", "service's", "framework's", "nobody's", "pod's", "known pod's") {
	case "service's":
		c.Service, c.ID = "other", oneOf(t, "claim of another service", "c0", "old")
	case "framework's":
		c.Framework = "F2"
	case "known pod's":
		c.ID = "live"
	case "nobody's":
		stack := []Reservation{{Dynamic: true, Role: s.role, Principal: "operator", Labels: oneOf(t, "labels", nil, []Label{{"pod", "registry-0"}, {"resource_id", "c0"}})}}
		s.addQuantities(Quantities{CPUs: 1000, Mem: 512000, Disk: 300000}, stack)
		return
	}
	stack := []Reservation{c.reservation(pod, s.role)}
	if above := outer(s.role); above != "" && chance(t, 30, "refined") {
		stack = append([]Reservation{{Role: above}}, stack...)
	}
	q := Quantities{CPUs: 1000, Mem: 512000, Disk: oneOf[Milli](t, "disk of others", 0, 300000)}
	if n := d.number(s, 0); n != 0 {
		q.Ports = []Range{{n, n}}
	}
	s.addQuantities(q, stack)
	for range upTo(t, 2, "volumes of others") {
		d.next++
		v := &Volume{Type: oneOf(t, "type", RootVolume, MountVolume), Size: 100000}
		d.addVolume(s, v, fmt.Sprintf("%s.v%d.%s", pod, d.next, c.ID), stack)
	}
	if chance(t, 30, "disk of others") {
		s.add(d.mount(stack))
	}
}

// odd adds what this package has no use for.
func (d *drawing) odd(s *drawnSlot) {
	c := Claim{Service: drawnService, Framework: drawnFramework, ID: "old", Principal: drawnPrincipal}
	ours := []Reservation{c.reservation("registry-9", s.role)}
	if s.role == "*" {
		ours = nil
	}
	for _, res := range []Resource{
		{Name: "cpus", Scalar: 4000, Revocable: true},
		{Name: "mem", Scalar: 4096000, Revocable: true},
		{Name: "gpus", Scalar: 1000},
		{Name: "zones", Type: Set, Set: []string{"a", "b"}},
		{Name: "disk", Scalar: 500000, Disk: &Disk{Source: Source{Type: PathDisk, Root: "/p"}}},
		{Name: "disk", Scalar: 500000, Provider: "rp1", Disk: &Disk{Source: Source{Type: RawDisk, Provided: &Provided{ID: "raw", Profile: "fast"}}}},
		{Name: "disk", Scalar: 500000, Provider: "rp1"},
		{Name: "disk", Scalar: 200000, Shared: true, Reservations: ours, Disk: &Disk{Persistence: &Persistence{ID: "shared", Principal: "p"}, Volume: &DiskVolume{ContainerPath: "s"}}},
		{Name: "gpus", Scalar: 1000, Reservations: ours},
		{Name: "disk", Scalar: 500000, Reservations: ours, Disk: &Disk{Source: Source{Type: PathDisk, Root: "/p"}}},
	} {
		if chance(d.t, 20, "odd thing") && (ours != nil || !res.Persistent()) {
			s.add(res)
		}
	}
}

// offers makes offers of what is in the slots.
func (d *drawing) offers() {
	var all []Offer
	told := map[string]bool{} // agents of which an offer says that they are scheduled for maintenance
	for _, s := range d.slots {
		for i, part := range split(d.t, s.all) {
			o := offerOf(part)
			o.ID, o.AgentID, o.Role, o.Address, o.Site = fmt.Sprintf("o-%s-%s-%d", s.agent, s.role, i), s.agent, s.role, "10.0.0.1", s.site
			if d.away[s.agent] && (!told[s.agent] || chance(d.t, 40, "maintenance is told")) {
				o.Unavailability = &Unavailability{Start: time.Unix(1e9, 0), Duration: time.Hour}
				told[s.agent] = true
			}
			all = append(all, o)
		}
	}
	all = slices.DeleteFunc(all, func(Offer) bool { return chance(d.t, 3, "offer is not held") })
	if len(all) > 0 && chance(d.t, 5, "offer twice") {
		all = append(all, all[0])
	}
	d.scene.Offers = all
}

// split divides resources among one to three offers, none of which is empty.
func split(t *rapid.T, all Resources) []Resources {
	parts := make([]Resources, 1+upTo(t, 2, "offers"))
	for _, res := range all {
		at := upTo(t, len(parts)-1, "offer of a resource")
		if !res.whole() && res.Type == Scalars && res.Name != "gpus" && res.Scalar%2 == 0 && chance(t, 30, "in halves") {
			res.Scalar /= 2
			other := upTo(t, len(parts)-1, "offer of the other half")
			parts[other] = append(parts[other], res)
		}
		parts[at] = append(parts[at], res)
	}
	return slices.DeleteFunc(parts, func(p Resources) bool { return len(p) == 0 })
}

// offerOf puts resources into the compact form.
func offerOf(all Resources) (o Offer) {
	for _, res := range all.Normalize() {
		plain := len(res.Reservations) == 0 && !res.Revocable && !res.Shared
		switch {
		case plain && res.Disk == nil && res.Provider == "" && slices.Contains([]string{"cpus", "mem", "disk", "ports"}, res.Name):
			o.Free = o.Free.Add(Resources{res}.Quantities())
		case plain && res.Disk != nil && res.Disk.Source.Type == MountDisk:
			o.Mounts = append(o.Mounts, Mount{Size: res.Scalar, Root: res.Disk.Source.Root, Provider: res.Provider, Provided: res.Disk.Source.Provided})
		default:
			o.Rest = append(o.Rest, res)
		}
	}
	return o
}

// knowledge is what the service knows of its pods.
func (d *drawing) knowledge() {
	k := Known{Service: drawnService, Framework: drawnFramework, Claims: map[string]string{}, Complete: true}
	for _, r := range d.scene.Requirements {
		k.Claims[r.Subject] = ""
		if r.Claim != nil {
			k.Claims[r.Subject] = r.Claim.ID
		}
	}
	for _, p := range d.scene.Pods {
		if _, ok := k.Claims[p.Name]; !ok {
			k.Claims[p.Name] = "live"
		}
	}
	d.scene.known = k
}

// copied shares nothing that anybody could change with v, apart from what is not exported.
func copied[T any](v T) T { return copyOf(reflect.ValueOf(v)).Interface().(T) }

func copyOf(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			c.Set(reflect.New(v.Type().Elem()))
			c.Elem().Set(copyOf(v.Elem()))
		}
	case reflect.Slice:
		if !v.IsNil() {
			c.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				c.Index(i).Set(copyOf(v.Index(i)))
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			c.Set(reflect.MakeMap(v.Type()))
			for _, k := range v.MapKeys() {
				c.SetMapIndex(k, copyOf(v.MapIndex(k)))
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if c.Field(i).CanSet() {
				c.Field(i).Set(copyOf(v.Field(i)))
			}
		}
	}
	return c
}

// GoString shows a scene in a readable way, for failures.
func (s scene) GoString() string {
	var b strings.Builder
	for _, r := range s.Requirements {
		fmt.Fprintf(&b, "\nrequirement %s (%s)", r.Subject, r.PodType)
		r.Task, r.Subject, r.PodType = Task{}, "", ""
		v := reflect.ValueOf(r)
		for i := range v.NumField() {
			if f := v.Field(i); !f.IsZero() {
				fmt.Fprintf(&b, "\n  %s: %+v", v.Type().Field(i).Name, reflect.Indirect(f))
			}
		}
	}
	for _, o := range s.Offers {
		fmt.Fprintf(&b, "\noffer %s: %s %s %s, unavailability %v, site %+v", o.ID, o.Host, o.AgentID, o.Role, o.Unavailability, o.Site)
		for _, res := range o.Resources() {
			res.Role = ""
			fmt.Fprintf(&b, "\n  %s", res)
		}
	}
	for _, p := range s.Pods {
		fmt.Fprintf(&b, "\npod %+v", p)
	}
	return b.String()
}
