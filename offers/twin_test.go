package offers

import (
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A second evaluation of offers, written from the documentation. It is slow and says only whether and where a pod fits; how
// resources are divided is for the judge of placements (see placed). It tries out everything.

// books are what the twin knows in a round: what is left on offer after each placement, and where pods are.
type books struct {
	slots []*bookSlot // by host, role, agent
	pods  []bookPod
	// all is what all hosts have at the beginning of the round: what an average host has is a fixed part of it.
	all Quantities
}

type bookSlot struct {
	host, role, agent string
	site              Site
	ids               []string
	away              bool // the agent is scheduled for maintenance
	left              Resources
}

type bookPod struct {
	Pod
	gone bool // it was placed anew
}

func open(r Round) *books {
	b := &books{}
	seen := map[string]bool{}
	for _, o := range r.Offers {
		if seen[o.ID] {
			continue
		}
		seen[o.ID] = true
		s := b.slot(o.Host, o.Role, o.AgentID)
		if s == nil {
			s = &bookSlot{host: o.Host, role: o.Role, agent: o.AgentID, site: o.Site}
			b.slots = append(b.slots, s)
		}
		s.ids = append(s.ids, o.ID)
		s.left = s.left.Add(o.Resources())
	}
	for _, s := range b.slots {
		slices.Sort(s.ids)
		for _, o := range r.Offers {
			s.away = s.away || o.AgentID == s.agent && o.Unavailability != nil
		}
	}
	slices.SortFunc(b.slots, func(x, y *bookSlot) int {
		return slices.Compare([]string{x.host, x.role, x.agent}, []string{y.host, y.role, y.agent})
	})
	for _, p := range r.Pods {
		b.pods = append(b.pods, bookPod{Pod: p})
	}
	for _, h := range b.hosts() {
		b.all = b.all.Add(b.most(h))
	}
	return b
}

func (b *books) slot(host, role, agent string) *bookSlot {
	for _, s := range b.slots {
		if s.host == host && s.role == role && s.agent == agent {
			return s
		}
	}
	return nil
}

func (b *books) hosts() []string {
	var hosts []string
	for _, s := range b.slots {
		if !slices.Contains(hosts, s.host) {
			hosts = append(hosts, s.host)
		}
	}
	return hosts
}

func (b *books) on(host string) []*bookSlot {
	var all []*bookSlot
	for _, s := range b.slots {
		if s.host == host {
			all = append(all, s)
		}
	}
	return all
}

// capacity is what a slot has for new pods, whatever it is reserved for by the operator.
func (s *bookSlot) capacity() (q Quantities) {
	for _, p := range s.piles(&Requirement{}) {
		if len(p.stack) == 0 || len(p.stack) == 1 && !p.stack[0].Dynamic {
			q = q.Add(p.free)
		}
	}
	return q
}

// most is the largest amount of each resource that any slot of a host has.
func (b *books) most(host string) (most Quantities) {
	for _, s := range b.on(host) {
		q := s.capacity()
		most.CPUs, most.Mem, most.Disk = max(most.CPUs, q.CPUs), max(most.Mem, q.Mem), max(most.Disk, q.Disk)
	}
	return most
}

// Whose resources are.
type whose int

const (
	others  whose = iota // or of no use
	ownHere              // reserved for the pod
	open4u               // may be taken
)

// pile is what has one stack of reservations.
type pile struct {
	stack   []Reservation
	text    string // of the stack
	whose   whose
	free    Quantities
	mounts  []Resource
	volumes []Resource
	// target is the stack that it has once the pod has it.
	target []Reservation
}

// stackText is the same for stacks that are the same only.
func stackText(stack []Reservation) string {
	var b strings.Builder
	for _, r := range stack {
		if b.WriteString("|" + r.Role + "|" + r.Principal); r.Dynamic {
			b.WriteString("|dynamic")
		}
		for _, l := range r.Labels {
			b.WriteString("|" + l.Key + "=" + l.Value)
		}
	}
	return b.String()
}

func labelOf(labels []Label, key string) string {
	for _, l := range slices.Backward(labels) {
		if l.Key == key {
			return l.Value
		}
	}
	return ""
}

// carries says whether a resource is reserved with the claim of a pod.
func carries(res Resource, service, pod, id string) bool {
	last, ok := res.lastReservation()
	return ok && last.Dynamic && labelOf(last.Labels, LabelService) == service && labelOf(last.Labels, LabelPod) == pod &&
		labelOf(last.Labels, LabelResource) == id
}

// piles sorts what a slot has left by stacks of reservations, as far as a pod could have a use for it.
func (s *bookSlot) piles(r *Requirement) []*pile {
	var piles []*pile
	for _, res := range s.left {
		if res.Shared || res.Revocable {
			continue
		}
		text, whose := stackText(res.Reservations), s.whose(r, res)
		at := slices.IndexFunc(piles, func(p *pile) bool { return p.text == text && p.whose == whose })
		if at < 0 {
			at = len(piles)
			piles = append(piles, &pile{stack: res.Reservations, text: text, whose: whose, target: res.Reservations})
		}
		p := piles[at]
		kind := Source{}
		if res.Disk != nil {
			kind = res.Disk.Source
		}
		switch {
		case res.Persistent():
			p.volumes = append(p.volumes, res)
		case res.Name == "disk" && kind.Type == MountDisk:
			p.mounts = append(p.mounts, res)
		case kind.Type != RootDisk || res.Provider != "":
		default:
			p.free = p.free.Add(Resources{res}.Quantities())
		}
	}
	for _, p := range piles {
		if p.whose == open4u && s.reservable(r, p.stack) {
			p.target = s.target(r, piles, p.stack)
		}
	}
	return piles
}

func (s *bookSlot) whose(r *Requirement, res Resource) whose {
	n := len(res.Reservations)
	switch {
	case r.Claim != nil && carries(res, r.Claim.Service, r.Subject, r.Claim.ID):
		return ownHere
	case n > 1 || n == 1 && res.Reservations[0].Dynamic:
		return others
	case n == 1 && res.Persistent() && slices.ContainsFunc(r.Volumes, func(v Volume) bool { return r.Claim != nil && idOf(r, &v) == res.Disk.Persistence.ID }):
		return open4u // wherever it takes from now, its data is there
	case r.PreReserved != "":
		if n == 1 && res.Reservations[0].Role == r.PreReserved {
			return open4u
		}
	case n == 0 || res.Reservations[0].Role == s.role:
		return open4u
	}
	return others
}

// reservable says whether Mesos allows one more reservation on a stack.
func (s *bookSlot) reservable(r *Requirement, stack []Reservation) bool {
	return r.Claim != nil && (len(stack) == 0 || strings.HasPrefix(s.role, stack[0].Role+"/"))
}

// target is the stack with the reservation of the pod: one that it has there already, if the framework can still make it.
func (s *bookSlot) target(r *Requirement, piles []*pile, stack []Reservation) []Reservation {
	for _, p := range piles {
		n := len(p.stack) - 1
		if p.whose == ownHere && stackText(p.stack[:n]) == stackText(stack) && p.stack[n].Role == s.role && p.stack[n].Principal == r.Claim.Principal {
			return p.stack
		}
	}
	return append(slices.Clone(stack), Reservation{Dynamic: true, Role: s.role, Principal: r.Claim.Principal, Labels: []Label{
		{"framework_id", r.Claim.Framework}, {"service", r.Claim.Service}, {"pod", r.Subject}, {"resource_id", r.Claim.ID},
	}})
}

// useful are the piles that a pod may have.
func (s *bookSlot) useful(r *Requirement) []*pile {
	return slices.DeleteFunc(s.piles(r), func(p *pile) bool { return p.whose == others })
}

func (s *bookSlot) own(r *Requirement) (own Quantities) {
	for _, p := range s.useful(r) {
		if p.whose == ownHere {
			own = own.Add(p.free)
		}
	}
	return own
}

// needs is cpus, mem and disk of task and executor, without volumes.
func needs(r *Requirement) Quantities {
	return Quantities{CPUs: r.CPUs + r.Executor.CPUs, Mem: r.Mem + r.Executor.Mem, Disk: r.Disk + r.Executor.Disk}
}

func idOf(r *Requirement, v *Volume) string {
	if v.Prior != "" {
		return v.Prior
	}
	return r.Subject + "." + v.Name + "." + r.Claim.ID
}

// volumeAt finds an existing volume of the pod, and where.
func volumeAt(r *Requirement, v *Volume, piles []*pile) (Resource, *pile) {
	for _, p := range piles {
		for _, res := range p.volumes {
			if r.Claim != nil && res.Disk.Persistence.ID == idOf(r, v) {
				return res, p
			}
		}
	}
	return Resource{}, nil
}

// holds says whether there is anything of the pod in the slot.
func (s *bookSlot) holds(r *Requirement) bool {
	if r.Claim == nil {
		return false
	}
	piles := s.useful(r)
	for _, p := range piles {
		if p.whose == ownHere {
			return true
		}
	}
	for i := range r.Volumes {
		if _, p := volumeAt(r, &r.Volumes[i], piles); p != nil {
			return true
		}
	}
	return false
}

// recorded says whether it is known that the pod has something that it must find again.
func recorded(r *Requirement) bool {
	if r.Claim == nil {
		return false
	}
	return !r.Claim.Held.IsZero() || slices.ContainsFunc(r.Volumes, func(v Volume) bool { return v.Prior != "" })
}

// What a slot lacks, each by itself.
type missing struct {
	held    []string // names of resources
	scalars []string // cpus, mem, disk without volumes
	ports   []uint64 // fixed ones that are not on offer
	clashes []uint64
	numbers bool // no way to give every port a number, though fixed ones are there
	volumes []string
	disk    bool // no way to divide the root disk between task and volumes
	mounts  bool // no way to give every MOUNT volume a disk
}

func (m missing) nothing() bool {
	return len(m.held)+len(m.scalars)+len(m.ports)+len(m.clashes)+len(m.volumes) == 0 && !m.numbers && !m.disk && !m.mounts
}

func (b *books) missing(r *Requirement, s *bookSlot) (m missing) {
	piles := s.useful(r)
	m.held = heldMissing(r, s.own(r))
	var all Quantities
	for _, p := range piles {
		all = all.Add(p.free)
	}
	need := needs(r)
	for _, name := range []string{"cpus", "mem", "disk"} {
		if amount(need, name) > amount(all, name) {
			m.scalars = append(m.scalars, name)
		}
	}
	b.portsMissing(r, s, all.Ports, &m)
	grown := map[string]Milli{}
	var roots, mounts []*Volume
	for i := range r.Volumes {
		v := &r.Volumes[i]
		found, at := volumeAt(r, v, piles)
		switch {
		case at != nil && v.Size > found.Scalar && found.Disk.Source.Type == RootDisk:
			grown[stackText(at.target)] += v.Size - found.Scalar
		case at != nil:
		case v.Prior != "":
			m.volumes = append(m.volumes, v.Prior)
		case v.Type == MountVolume:
			mounts = append(mounts, v)
		default:
			roots = append(roots, v)
		}
	}
	m.mounts = !mountsFit(mounts, allMounts(piles))
	m.disk = !diskFits(piles, grown, roots, need.Disk)
	return m
}

func amount(q Quantities, name string) Milli {
	return map[string]Milli{"cpus": q.CPUs, "mem": q.Mem, "disk": q.Disk}[name]
}

// heldMissing: of each scalar as much as is still needed must be there, and the ports that the pod wants again.
func heldMissing(r *Requirement, own Quantities) []string {
	if r.Claim == nil {
		return nil
	}
	var names []string
	for _, name := range []string{"cpus", "mem", "disk"} {
		if amount(own, name) < min(amount(needs(r), name), amount(r.Claim.Held, name)) {
			names = append(names, name)
		}
	}
	for n := range numbers(r.Claim.Held.Ports) {
		if !wantsAgain(r, n) {
			continue
		}
		if !numbers(own.Ports)[n] {
			return append(names, "ports")
		}
	}
	return names
}

// diskFits tries every way to make new volumes, each of what has one stack.
func diskFits(piles []*pile, grown map[string]Milli, volumes []*Volume, rest Milli) bool {
	room := map[string]Milli{}
	for _, p := range piles {
		room[stackText(p.target)] += p.free.Disk
	}
	for stack, more := range grown {
		room[stack] -= more
	}
	return divide(room, volumes, rest)
}

func divide(room map[string]Milli, volumes []*Volume, rest Milli) bool {
	if len(volumes) > 0 {
		for stack := range room {
			less := maps.Clone(room)
			less[stack] -= volumes[0].Size
			if less[stack] >= 0 && divide(less, volumes[1:], rest) {
				return true
			}
		}
		return false
	}
	for _, left := range room {
		if left < 0 {
			return false
		}
		rest -= left
	}
	return rest <= 0
}

func allMounts(piles []*pile) []Resource {
	var all []Resource
	for _, p := range piles {
		all = append(all, p.mounts...)
	}
	return all
}

func mountFits(v *Volume, m Resource) bool {
	profile := ""
	if p := m.Disk.Source.Provided; p != nil {
		profile = p.Profile
	}
	wanted := profile == ""
	if len(v.Profiles) > 0 {
		wanted = slices.Contains(v.Profiles, profile)
	}
	return wanted && m.Scalar >= v.Size && (v.Root == "" || v.Root == m.Disk.Source.Root)
}

func mountsFit(volumes []*Volume, mounts []Resource) bool {
	if len(volumes) == 0 {
		return true
	}
	for i, m := range mounts {
		if mountFits(volumes[0], m) && mountsFit(volumes[1:], slices.Delete(slices.Clone(mounts), i, i+1)) {
			return true
		}
	}
	return false
}

// taken says whether another pod uses a number on the host.
func (b *books) taken(r *Requirement, host string, number uint64) bool {
	for _, p := range b.pods {
		if !p.gone && p.Name != r.Subject && p.Site.Host == host && slices.Contains(p.Ports, number) {
			return true
		}
	}
	return false
}

// fixedNumber is the number of a port that takes no other.
func fixedNumber(r *Requirement, p *Port) (uint64, bool) {
	switch {
	case p.Offset:
		return r.PortBase.Number + p.Number, r.PortBase.Number > 0
	default:
		return p.Number, p.Number > 0
	}
}

func within(number uint64, ranges []Range) bool { return len(ranges) == 0 || numbers(ranges)[number] }

func (b *books) portsMissing(r *Requirement, s *bookSlot, offered []Range, m *missing) {
	for i := range r.Ports {
		number, fixed := fixedNumber(r, &r.Ports[i])
		switch {
		case !fixed:
		case b.taken(r, s.host, number):
			m.clashes = append(m.clashes, number)
		case !r.Ports[i].Unmanaged && !numbers(offered)[number]:
			m.ports = append(m.ports, number)
		}
	}
	if len(m.clashes)+len(m.ports) == 0 {
		m.numbers = len(b.bases(r, s, offered)) == 0
	}
}

// free says whether a port may have a number, as far as it does not depend on the pod's other ports.
func (b *books) freeFor(r *Requirement, s *bookSlot, offered []Range, p *Port, number uint64) bool {
	return number > 0 && number <= 65535 && !b.taken(r, s.host, number) && (p.Unmanaged || numbers(offered)[number])
}

// bases are all bases of the ports with an offset with which every port gets a number, 0 if there are no such ports.
func (b *books) bases(r *Requirement, s *bookSlot, offered []Range) []uint64 {
	var fits []uint64
	for _, base := range b.maybeBases(r, offered) {
		used, ok := b.withBase(r, s, offered, base)
		if ok && b.anyFit(r, s, offered, used, r.Ports) {
			fits = append(fits, base)
		}
	}
	return fits
}

// maybeBases are all that come into question: by ranges, and by what is offered.
func (b *books) maybeBases(r *Requirement, offered []Range) []uint64 {
	maybe := map[uint64]bool{}
	for _, p := range r.Ports {
		if !p.Offset || r.PortBase.Number > 0 {
			continue
		}
		for n := range numbers(offered) {
			if n > p.Number && within(n-p.Number, r.PortBase.Ranges) {
				maybe[n-p.Number] = true
			}
		}
		for n := range numbers(r.PortBase.Ranges) {
			maybe[n] = true
		}
	}
	if len(maybe) == 0 && !slices.ContainsFunc(r.Ports, func(p Port) bool { return p.Offset && r.PortBase.Number == 0 }) {
		return []uint64{0}
	}
	return slices.Sorted(maps.Keys(maybe))
}

// withBase is the numbers in use when ports with an offset count from a base; false if that is not possible.
func (b *books) withBase(r *Requirement, s *bookSlot, offered []Range, base uint64) (map[uint64]bool, bool) {
	used := map[uint64]bool{}
	for i := range r.Ports {
		if number, fixed := fixedNumber(r, &r.Ports[i]); fixed {
			used[number] = true
		}
	}
	based := map[uint64]bool{}
	for i := range r.Ports {
		p := &r.Ports[i]
		if !p.Offset || r.PortBase.Number > 0 {
			continue
		}
		if used[base+p.Number] || !b.freeFor(r, s, offered, p, base+p.Number) {
			return nil, false
		}
		based[base+p.Number] = true
	}
	maps.Copy(used, based)
	return used, true
}

// anyFit tries all ways to give the ports that take any number one each.
func (b *books) anyFit(r *Requirement, s *bookSlot, offered []Range, used map[uint64]bool, ports []Port) bool {
	if len(ports) == 0 {
		return true
	}
	p := &ports[0]
	if p.Offset || p.Number > 0 {
		return b.anyFit(r, s, offered, used, ports[1:])
	}
	among := numbers(offered)
	if p.Unmanaged {
		among = numbers(p.Ranges)
	}
	for n := range among {
		if used[n] || !within(n, p.Ranges) || !b.freeFor(r, s, offered, p, n) {
			continue
		}
		more := maps.Clone(used)
		more[n] = true
		if b.anyFit(r, s, offered, more, ports[1:]) {
			return true
		}
	}
	return false
}

// Which hosts a pod may go to.

// wantsAgain says whether the pod asks Mesos for just this number: it is fixed, or one that it had.
func wantsAgain(r *Requirement, n uint64) bool {
	return slices.ContainsFunc(r.Ports, func(p Port) bool {
		switch {
		case p.Unmanaged:
			return false
		case p.Offset && r.PortBase.Number != 0:
			return r.PortBase.Number+p.Number == n
		case p.Offset && r.PortBase.Prior != 0:
			return r.PortBase.Prior+p.Number == n
		case p.Number != 0 && !p.Offset:
			return p.Number == n
		}
		return p.Prior == n
	})
}

// lived says whether the pod was last on the host.
func (b *books) lived(r *Requirement, host string) bool {
	return slices.ContainsFunc(b.pods, func(p bookPod) bool { return p.Name == r.Subject && p.Site.Host == host })
}

// came says whether the pod comes back to the host.
func (b *books) came(r *Requirement, host string) bool {
	return r.Host == host && b.lived(r, host) || slices.ContainsFunc(b.on(host), func(s *bookSlot) bool { return s.holds(r) })
}

func (b *books) count(r *Requirement, podType string, like func(Site) bool) (n int) {
	for _, p := range b.pods {
		if !p.gone && p.Name != r.Subject && p.PodType == podType && like(p.Site) {
			n++
		}
	}
	return n
}

// barred says which rules keep the pod from a host, by their codes; constraints by their clauses besides.
func (b *books) barred(r *Requirement, host string) []string {
	if b.came(r, host) {
		return nil
	}
	here := func(s Site) bool { return s.Host == host }
	anywhere := func(Site) bool { return true }
	var rules []string
	for _, c := range r.Constraint.Clauses {
		if !b.clauseHolds(r, c, b.on(host)[0].site) {
			rules = append(rules, "constraint "+c.String())
		}
	}
	for _, t := range r.Colocate {
		if b.count(r, t, anywhere) > 0 && b.count(r, t, here) == 0 {
			rules = append(rules, "colocate "+t)
		}
	}
	for _, t := range r.Avoid {
		if b.count(r, t, here) > 0 {
			rules = append(rules, "avoid "+t)
		}
	}
	return rules
}

// values are those of the field that a clause names.
func values(c Clause, s Site) []string {
	one := map[string]string{"hostname": s.Hostname, "@region": s.Region, "@zone": s.Zone}
	if v, ok := one[c.Field.String()]; ok {
		return slices.DeleteFunc([]string{v}, func(v string) bool { return v == "" })
	}
	var all []string
	for _, a := range s.Attributes {
		if a.Name == c.Field.String() || c.Operator == "GROUP_BY" && strings.EqualFold(a.Name, c.Field.String()) {
			all = append(all, a.Value)
		}
	}
	return all
}

func (b *books) clauseHolds(r *Requirement, c Clause, s Site) bool {
	all := values(c, s)
	is := func(v string) bool { return v == c.Param }
	like := func(v string) bool { return regexp.MustCompile(`\A(?:` + c.Param + `)\z`).MatchString(v) }
	switch c.Operator {
	case "IS", "CLUSTER":
		return slices.ContainsFunc(all, is)
	case "IS_NOT":
		return !slices.ContainsFunc(all, is)
	case "LIKE":
		return slices.ContainsFunc(all, like)
	case "UNLIKE":
		return !slices.ContainsFunc(all, like)
	}
	if len(all) == 0 {
		return false
	}
	has := func(v string) func(Site) bool {
		return func(s Site) bool { w := values(c, s); return len(w) > 0 && w[0] == v }
	}
	here := b.count(r, r.PodType, has(all[0]))
	switch c.Operator {
	case "UNIQUE":
		return here == 0
	case "MAX_PER":
		return here < number(c.Param)
	}
	// GROUP_BY: values in use, by how many.
	inUse := map[string]int{}
	for _, p := range b.pods {
		if v := values(c, p.Site); len(v) > 0 {
			if n := b.count(r, r.PodType, has(v[0])); n > 0 {
				inUse[v[0]] = n
			}
		}
	}
	if c.Param != "" && len(inUse) < number(c.Param) {
		return here == 0
	}
	return len(inUse) == 0 || here <= slices.Min(slices.Collect(maps.Values(inUse)))
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return n
}

func roleWill(r *Requirement, s *bookSlot) bool {
	return (len(r.Roles) == 0 || slices.Contains(r.Roles, s.role)) && (r.Claim == nil || s.role != "*")
}

// The answer.

// verdictOf is what the twin says of a requirement.
type answer struct {
	asked []string    // hosts
	only  []*bookSlot // the slots that come into question; all of asked if nil
	bound bool        // only is not nil
	fits  []*bookSlot // in the order of the books
	// best are the slots that the documented ranking names: one, or several where it says nothing.
	best []*bookSlot
}

func (b *books) answer(r *Requirement) answer {
	var a answer
	var held []*bookSlot
	for _, s := range b.slots {
		if s.holds(r) && (r.Host == "" || r.Host == s.host) {
			held = append(held, s)
		}
	}
	held = b.own(r, held)
	a.bound = len(held) > 0 || recorded(r)
	a.only = held
	a.asked = b.hosts()
	if r.Host != "" {
		a.asked = slices.DeleteFunc(a.asked, func(h string) bool { return h != r.Host })
	}
	for _, s := range b.slots {
		if slices.Contains(a.asked, s.host) && (!a.bound || slices.Contains(held, s)) && b.fits(r, s) {
			a.fits = append(a.fits, s)
		}
	}
	switch {
	case len(a.fits) == 0:
	case r.Host == "" && len(held) > 0:
		a.best = a.fits
	default:
		a.best = b.ranked(r, a.fits)
	}
	return a
}

// own keeps the places that count, if several have something of the pod: those on its own host, then those that have most of
// its volumes.
func (b *books) own(r *Requirement, held []*bookSlot) []*bookSlot {
	if len(held) == 0 {
		return nil
	}
	held = least(held, func(s *bookSlot) int {
		if b.lived(r, s.host) {
			return 0
		}
		return 1
	})
	return least(held, func(s *bookSlot) int {
		there := 0
		for i := range r.Volumes {
			if _, p := volumeAt(r, &r.Volumes[i], s.useful(r)); p != nil {
				there++
			}
		}
		return -there
	})
}

func (b *books) fits(r *Requirement, s *bookSlot) bool {
	return roleWill(r, s) && (!s.away || b.came(r, s.host)) && len(b.barred(r, s.host)) == 0 && b.missing(r, s).nothing()
}

// ranked are the slots that the documented ranking names first: one, and others that differ from it only in the last digits of
// floating point.
func (b *books) ranked(r *Requirement, fits []*bookSlot) []*bookSlot {
	count := func(like func(a, b Site) bool) func(*bookSlot) int {
		return func(s *bookSlot) int { return b.count(r, r.PodType, func(o Site) bool { return like(s.site, o) }) }
	}
	fits = least(fits, count(func(a, b Site) bool { return a.Region == b.Region && a.Zone == b.Zone }))
	fits = least(fits, count(func(a, b Site) bool { return a.Host == b.Host }))
	var ofHosts []*bookSlot
	for _, host := range b.hosts() {
		here := slices.DeleteFunc(slices.Clone(fits), func(s *bookSlot) bool { return s.host != host })
		if len(here) > 0 {
			ofHosts = append(ofHosts, b.fullest(least(here, func(s *bookSlot) int { return slices.Index(r.Roles, s.role) }))...)
		}
	}
	return b.fullest(ofHosts)
}

func least(all []*bookSlot, of func(*bookSlot) int) []*bookSlot {
	lowest := of(slices.MinFunc(all, func(a, b *bookSlot) int { return of(a) - of(b) }))
	return slices.DeleteFunc(slices.Clone(all), func(s *bookSlot) bool { return of(s) > lowest })
}

// fullest are those with least left over, the first of any that have the same.
func (b *books) fullest(slots []*bookSlot) []*bookSlot {
	lowest := b.leftOver(slots[0])
	for _, s := range slots {
		if left := b.leftOver(s); left.Cmp(lowest) < 0 {
			lowest = left
		}
	}
	limit := new(big.Rat).Add(lowest, big.NewRat(1, 1e12))
	var best []*bookSlot
	alike := map[[3]Milli]bool{}
	for _, s := range slots {
		q := s.capacity()
		amounts := [3]Milli{q.CPUs, q.Mem, q.Disk}
		if b.leftOver(s).Cmp(limit) < 0 && !alike[amounts] {
			alike[amounts] = true
			best = append(best, s)
		}
	}
	return best
}

// leftOver is how much there is of each resource, in parts of what all hosts have: what the pod takes of that is the same
// everywhere.
func (b *books) leftOver(s *bookSlot) *big.Rat {
	q := s.capacity()
	sum := new(big.Rat)
	for _, part := range [][2]Milli{{q.CPUs, b.all.CPUs}, {q.Mem, b.all.Mem}, {q.Disk, b.all.Disk}} {
		sum.Add(sum, big.NewRat(int64(part[0]), max(1, int64(part[1]))))
	}
	return sum
}

// book notes a placement: what it takes from what nobody had is gone, and the pod is where it is put.
func (b *books) book(r *Requirement, s *bookSlot, p *Placement) {
	var taken Resources
	for _, op := range p.Operations {
		if op.Type == Reserve {
			for _, res := range op.Resources {
				bare, _ := res.Pop()
				taken = append(taken, bare)
			}
		}
	}
	// Resources reserved by the operator for the role itself stay as they are.
	as := func(res Resource) bool { return s.whose(r, res) == open4u && !s.reservable(r, res.Reservations) }
	for _, op := range p.Operations {
		for _, res := range op.Resources {
			if op.Type == Create && as(res) {
				taken = append(taken, res.WithoutVolume())
			}
		}
		if op.Type == GrowVolume && as(op.Addition) {
			taken = append(taken, op.Addition)
		}
	}
	for _, res := range slices.Concat(p.Task, p.Executor) {
		if as(res) && !res.Persistent() {
			taken = append(taken, res)
		}
	}
	if p.Grows {
		taken = append(taken, s.waiting(r, p)...)
	}
	var ok bool
	if s.left, ok = s.left.Sub(taken); !ok {
		panic("a placement takes what is not there")
	}
	for i := range b.pods {
		if b.pods[i].Name == r.Subject {
			b.pods[i].gone = true
		}
	}
	b.pods = append(b.pods, bookPod{Pod: Pod{Name: r.Subject, PodType: r.PodType, Site: s.site, Ports: p.Ports}})
}

// waiting is what a pod whose volume has to grow will take, when it has grown, of what stays as it is.
func (s *bookSlot) waiting(r *Requirement, p *Placement) Resources {
	need := needs(r)
	var ports []Range
	for i, n := range p.Ports {
		if !r.Ports[i].Unmanaged {
			ports = append(ports, Range{n, n})
		}
	}
	need.CPUs, need.Mem, need.Disk = need.CPUs-p.Held.CPUs, need.Mem-p.Held.Mem, need.Disk-p.Held.Disk
	need.Ports = cutRanges(Normalize(ports), p.Held.Ports)
	for _, pile := range s.useful(r) {
		if pile.whose == open4u && !s.reservable(r, pile.stack) {
			return plainResources(need, s.role, pile.stack)
		}
	}
	return nil
}
