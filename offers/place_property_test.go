package offers

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// tester is what properties fail with.
type tester interface {
	Helper()
	Fatalf(string, ...any)
}

// census of what was drawn: how often each interesting thing came up.
type seen map[string]int

func (s seen) note(what string) {
	if s != nil {
		s[what]++
	}
}

func TestPlaceAgreesWithATwin(t *testing.T) {
	seen := seen{}
	checkDrawn(t, 1000, func(t *rapid.T) {
		checkRound(t, scenes.Draw(t, "scene").Round, seen)
	})
	seen.atLeast(t, drawnOften)
}

// checkRound compares a round with the twin, requirement by requirement.
func checkRound(t tester, r Round, seen seen) {
	t.Helper()
	b := open(r)
	results := Place(r)
	if len(results) != len(r.Requirements) {
		t.Fatalf("%d requirements have %d results", len(r.Requirements), len(results))
	}
	for i := range results {
		c := &checking{tester: t, books: b, r: &r.Requirements[i], res: &results[i], seen: seen}
		c.check()
	}
}

// drawnOften is what must come up in the scenes so many times at least.
var drawnOften = map[string]int{
	"placed": 500, "ranked among several hosts": 100, "ranked before the first host": 50, "host with several slots": 200,
	"comes back": 100, "comes back to a host in maintenance": 20,

	"RESERVE": 200, "UNRESERVE": 100, "CREATE": 100, "GROW_VOLUME": 10, "volume grows": 10,
	"reuses what is reserved": 100, "only the difference is reserved": 80, "surplus is given back": 80, "some is given back, some is reserved": 50,
	"volume reused": 100, "volume reused on what the operator reserved": 20, "new volume on what the operator reserved for the role": 10,
	"new ROOT volume": 50, "new MOUNT volume": 50, "new MOUNT volume of a provider": 5,

	"fixed port": 200, "based port": 200, "any port": 200, "unmanaged port": 200,
	"number kept": 50, "number not kept": 3, "base kept": 20, "base gives way to another port": 5,

	"refused: no-offer": 20, "refused: scalar": 200, "refused: ports": 50, "refused: port-clash": 50, "refused: port-base": 50, "refused: port-any": 50,
	"refused: mount": 50, "refused: volume": 10, "refused: held": 50, "refused: elsewhere": 50, "refused: role": 50, "refused: constraint": 100,
	"refused: colocate": 50, "refused: avoid": 30, "refused: maintenance": 50, "nearest host": 100,
}

type checking struct {
	tester
	*books
	r    *Requirement
	res  *Result
	p    *Placement
	seen seen
	slot *bookSlot // of the placement
}

func (c *checking) fail(format string, args ...any) {
	c.Helper()
	c.Fatalf("%s: "+format, append([]any{c.r.Subject}, args...)...)
}

func (c *checking) check() {
	a := c.answer(c.r)
	if text := Explain(*c.r, *c.res); strings.TrimSpace(text) == "" || strings.Contains(text, "\n") {
		c.fail("Explain says %q", text)
	}
	if want := len(a.asked); c.res.Hosts != want {
		c.fail("%d hosts were asked, the twin asks %d", c.res.Hosts, want)
	}
	if c.res.Placement == nil {
		c.refused(a)
		return
	}
	c.p = c.res.Placement
	if len(c.res.Refusals)+len(c.res.Summary)+c.res.Refused > 0 || c.res.Nearest != nil {
		c.fail("it has a place, and refusals besides")
	}
	c.slot = c.books.slot(c.p.Host, c.p.Role, c.p.AgentID)
	if !slices.Contains(a.fits, c.slot) {
		c.fail("is placed on %s (%s, %s), where the twin finds that it does not fit: %+v, %v", c.p.Host, c.p.Role, c.p.AgentID, c.missing(c.r, c.slot), c.barred(c.r, c.p.Host))
	}
	if !slices.Contains(a.best, c.slot) {
		c.fail("is placed on %s (%s, %s), the ranking names %s", c.p.Host, c.p.Role, c.p.AgentID, slotNames(a.best))
	}
	c.note("placed")
	c.ranked(a)
	c.placed()
	c.book(c.r, c.slot, c.p)
}

func slotNames(slots []*bookSlot) string {
	var names []string
	for _, s := range slots {
		names = append(names, fmt.Sprintf("%s (%s, %s)", s.host, s.role, s.agent))
	}
	return strings.Join(names, " or ")
}

func (c *checking) note(what string) { c.seen.note(what) }

func (c *checking) ranked(a answer) {
	hosts := map[string]bool{}
	for _, s := range a.fits {
		hosts[s.host] = true
	}
	if len(hosts) > 1 && !a.bound {
		c.note("ranked among several hosts")
		if a.best[0] != a.fits[0] {
			c.note("ranked before the first host")
		}
	}
	if c.slot.away {
		c.note("comes back to a host in maintenance")
	}
	if len(c.books.on(c.slot.host)) > 1 {
		c.note("host with several slots")
	}
	if c.came(c.r, c.slot.host) {
		c.note("comes back")
	}
}

// placed checks what a placement gives and does, on what the slot had before it.
func (c *checking) placed() {
	p, r := c.p, c.r
	if !slices.Equal(p.OfferIDs, c.slot.ids) {
		c.fail("uses offers %v, of its agent and role are %v", p.OfferIDs, c.slot.ids)
	}
	if p.Site.Host != c.slot.site.Host || p.Hostname != c.slot.site.Hostname || p.Zone != c.slot.site.Zone || p.Address != "10.0.0.1" {
		c.fail("is told the place %+v, it is %+v", p.Site, c.slot.site)
	}
	c.ports()
	ops := slices.Clone(p.Operations)
	if !p.Grows {
		ops = append(ops, p.Launch(r.Task))
	}
	c.order()
	left, launched, err := c.slot.left.ApplyAll(ops, drawnPrincipal)
	if err != nil {
		c.fail("Mesos would refuse %v: %v", ops, err)
	}
	if before, after := c.slot.left.Quantities(), left.Add(launched).Quantities(); !before.Equal(after) {
		c.fail("of %s it makes %s", before, after)
	}
	c.leavesOthersAlone(left, launched)
	c.volumes(left, launched)
	c.reservations(left, launched)
	if p.Grows {
		c.note("volume grows")
		if len(p.Task)+len(p.Executor) > 0 {
			c.fail("has a volume that grows, and resources to launch with")
		}
		return
	}
	c.launch()
}

// ports checks the numbers.
func (c *checking) ports() {
	r := c.r
	if len(c.p.Ports) != len(r.Ports) {
		c.fail("has ports %v for %d that it needs", c.p.Ports, len(r.Ports))
	}
	offered := c.offered()
	base, based := uint64(0), false
	seen := map[uint64]int{}
	for i, number := range c.p.Ports {
		p := &r.Ports[i]
		if !c.freeFor(r, c.slot, offered, p, number) {
			c.fail("port %s gets %d, which is not to be had", p.Name, number)
		}
		want, fixed := fixedNumber(r, p)
		switch {
		case fixed:
			if number != want {
				c.fail("port %s gets %d, want %d", p.Name, number, want)
			}
			c.note("fixed port")
		case p.Offset && based && base+p.Number != number:
			c.fail("port %s gets %d, which does not count from base %d", p.Name, number, base)
		case p.Offset:
			base, based = number-p.Number, true
			if base == 0 || !within(base, r.PortBase.Ranges) {
				c.fail("port %s gets %d: %d is no base for it", p.Name, number, base)
			}
			c.note("based port")
		case !within(number, p.Ranges):
			c.fail("port %s gets %d, out of its ranges", p.Name, number)
		default:
			c.note("any port")
		}
		if p.Unmanaged {
			c.note("unmanaged port")
		}
		if at, twice := seen[number]; twice && !(r.Ports[at].Offset && p.Offset) {
			if _, other := fixedNumber(r, &r.Ports[at]); !fixed || !other {
				c.fail("ports %s and %s both get %d", r.Ports[at].Name, p.Name, number)
			}
		}
		seen[number] = i
	}
	c.keepsNumbers(offered, base, based)
}

func (c *checking) offered() []Range {
	var offered []Range
	for _, p := range c.slot.useful(c.r) {
		offered = joinRanges(offered, p.free.Ports)
	}
	return offered
}

// keepsNumbers: a base and ports of any number keep what they had before, if they can.
func (c *checking) keepsNumbers(offered []Range, base uint64, based bool) {
	r := c.r
	bases := c.bases(r, c.slot, offered)
	if based {
		if slices.Contains(bases, r.PortBase.Prior) {
			if base != r.PortBase.Prior {
				c.fail("its ports count from %d, though %d, from where they counted before, would do", base, r.PortBase.Prior)
			}
			c.note("base kept")
		} else if base != bases[0] {
			c.fail("its ports count from %d, the lowest is %d", base, bases[0])
		}
		if len(bases) > 1 && c.greedyBaseFails(offered) {
			c.note("base gives way to another port")
		}
	}
	used, ok := c.withBase(r, c.slot, offered, base)
	if !ok {
		c.fail("its ports count from %d, which is not to be had", base)
	}
	// Those that keep their number, and one more that does not: if there is a way, then it could have kept it.
	kept := maps.Clone(used)
	var rest []Port
	for i := range r.Ports {
		p := r.Ports[i]
		if _, fixed := fixedNumber(r, &p); fixed || p.Offset {
			continue
		}
		if p.Prior != 0 && p.Prior == c.p.Ports[i] {
			kept[p.Prior] = true
			c.note("number kept")
			continue
		}
		rest = append(rest, p)
	}
	for i, p := range rest {
		if p.Prior == 0 || !within(p.Prior, p.Ranges) || kept[p.Prior] || !c.freeFor(r, c.slot, offered, &p, p.Prior) {
			continue
		}
		with := maps.Clone(kept)
		with[p.Prior] = true
		if c.anyFit(r, c.slot, offered, with, slices.Delete(slices.Clone(rest), i, i+1)) {
			c.fail("port %s does not keep its number %d (ports are now %v), though it could", p.Name, p.Prior, c.p.Ports)
		}
		c.note("number not kept")
	}
}

// greedyBaseFails says whether the lowest base leaves no number for another port.
func (c *checking) greedyBaseFails(offered []Range) bool {
	for _, base := range c.maybeBases(c.r, offered) {
		if used, ok := c.withBase(c.r, c.slot, offered, base); ok {
			return !c.anyFit(c.r, c.slot, offered, used, c.r.Ports)
		}
	}
	return false
}

// order: UNRESERVE, RESERVE, CREATE, GROW_VOLUME, and nothing else.
func (c *checking) order() {
	types := []OperationType{Unreserve, Reserve, Create, GrowVolume}
	at := 0
	for _, op := range c.p.Operations {
		i := slices.Index(types, op.Type)
		if i < at {
			c.fail("has operations in the wrong order: %v", c.p.Operations)
		}
		at = i
		c.note(string(op.Type))
	}
}

// leavesOthersAlone: what is of use for nobody, or reserved for others, is afterwards as it was before, and never named.
func (c *checking) leavesOthersAlone(left, launched Resources) {
	alien := func(all Resources) (some Resources) {
		for _, res := range all {
			useless := res.Shared || res.Revocable || !slices.Contains([]string{"cpus", "mem", "disk", "ports"}, res.Name)
			if d := res.Disk; d != nil && (d.Source.Type == PathDisk || d.Source.Type == RawDisk || d.Source.Type == BlockDisk) {
				useless = true
			}
			if useless || c.slot.whose(c.r, res) == others || res.Provider != "" && (res.Disk == nil || res.Disk.Source.Type != MountDisk) {
				some = append(some, res)
			}
		}
		return some
	}
	// What the pod gives back may lie in a reservation that it would not take from now.
	var back Resources
	for _, op := range c.p.Operations {
		for _, res := range op.Resources {
			if bare, _ := res.Pop(); op.Type == Unreserve {
				back = append(back, bare)
			}
		}
	}
	if before, after := alien(c.slot.left).Add(alien(back)), alien(left); !before.Equal(after) {
		c.fail("changes what is not its own: %s, afterwards %s", before, after)
	}
	if taken := alien(launched); len(taken) > 0 {
		c.fail("takes what is not its own: %s", taken)
	}
	for _, op := range c.p.Operations {
		of := slices.Clone(op.Resources)
		if op.Type == GrowVolume {
			of = Resources{op.Volume, op.Addition}
		}
		if op.Type == Reserve {
			for i := range of {
				of[i], _ = of[i].Pop()
			}
		}
		if some := alien(of); len(some) > 0 {
			c.fail("%s of what is not its own: %s", op.Type, some)
		}
	}
}

// volumes: each is there once, of the right size, with the content that it had.
func (c *checking) volumes(left, launched Resources) {
	r, p := c.r, c.p
	if len(p.Volumes) != len(r.Volumes) {
		c.fail("has volumes %v for %d that it needs", p.Volumes, len(r.Volumes))
	}
	piles := c.slot.useful(r)
	for i := range r.Volumes {
		v, got := &r.Volumes[i], p.Volumes[i]
		before, at := volumeAt(r, v, piles)
		created := c.created(idOf(r, v))
		if got.Name != v.Name || got.ID != idOf(r, v) {
			c.fail("volume %s is told as %+v", v.Name, got)
		}
		if got.New != (at == nil) || created != got.New {
			c.fail("volume %s: was there: %t, is told to be new: %t, is created: %t", v.Name, at != nil, got.New, created)
		}
		after := c.find(slices.Concat(left, launched), idOf(r, v))
		if got.Size != after.Scalar || got.Root != after.Disk.Source.Root {
			c.fail("volume %s is told as %+v, and is %s", v.Name, got, after)
		}
		if !p.Grows && (!launched.Contains(Resources{after}) || after.Disk.Volume == nil || after.Disk.Volume.ContainerPath != v.ContainerPath || after.Disk.Volume.ReadOnly) {
			c.fail("volume %s is not launched with at %s: %s", v.Name, v.ContainerPath, after)
		}
		if at == nil {
			c.newVolume(v, after, piles)
			continue
		}
		c.note("volume reused")
		grown := before
		if v.Size > before.Scalar && before.Disk.Source.Type == RootDisk {
			grown.Scalar = v.Size
		}
		if !grown.Equal(after) {
			c.fail("volume %s was %s, and is %s", v.Name, before, after)
		}
		if at.whose != ownHere {
			c.note("volume reused on what the operator reserved")
		}
	}
	ofOthers := func(all Resources) (some Resources) {
		for _, res := range all {
			if res.Persistent() && !slices.ContainsFunc(r.Volumes, func(v Volume) bool { return r.Claim != nil && idOf(r, &v) == res.Disk.Persistence.ID }) {
				some = append(some, res)
			}
		}
		return some
	}
	if before, after := ofOthers(c.slot.left), ofOthers(left); !before.Equal(after) {
		c.fail("volumes that are not its own were %s, and are %s", before, after)
	}
	c.smallestDisks(piles)
}

func (c *checking) created(id string) bool {
	for _, op := range c.p.Operations {
		if op.Type == Create && slices.ContainsFunc(op.Resources, func(res Resource) bool { return res.Disk.Persistence.ID == id }) {
			return true
		}
	}
	return false
}

func (c *checking) find(all Resources, id string) Resource {
	for _, res := range all {
		if res.Persistent() && res.Disk.Persistence.ID == id && c.slot.whose(c.r, res) != others {
			return res
		}
	}
	c.fail("volume %s is nowhere", id)
	return Resource{}
}

func (c *checking) newVolume(v *Volume, after Resource, piles []*pile) {
	if v.Prior != "" {
		c.fail("volume %s is made anew, though the pod has one", v.Name)
	}
	bare := after.WithoutVolume()
	switch {
	case v.Type == RootVolume:
		if bare.Disk != nil || after.Scalar != v.Size || after.Provider != "" {
			c.fail("volume %s of %s MB is %s", v.Name, v.Size, after)
		}
		c.note("new ROOT volume")
	default:
		if bare.Disk == nil || bare.Disk.Source.Type != MountDisk || !mountFits(v, bare) {
			c.fail("volume %s (%+v) is made on %s", v.Name, v, after)
		}
		c.note("new MOUNT volume")
		if after.Provider != "" {
			c.note("new MOUNT volume of a provider")
		}
	}
	if len(after.Reservations) == 1 && !after.Reservations[0].Dynamic {
		c.note("new volume on what the operator reserved for the role")
	}
}

// smallestDisks: no volume is on a disk while a smaller one that would do is left over.
func (c *checking) smallestDisks(piles []*pile) {
	used := map[string]bool{}
	for _, got := range c.p.Volumes {
		if got.New {
			used[got.Root] = true
		}
	}
	var fresh []*Volume
	for i, got := range c.p.Volumes {
		v := &c.r.Volumes[i]
		if !got.New || v.Type != MountVolume {
			continue
		}
		fresh = append(fresh, v)
		var on *pile
		for _, p := range piles {
			for _, m := range p.mounts {
				if m.Disk.Source.Root == got.Root {
					on = p
				}
			}
		}
		for _, p := range piles {
			for _, m := range p.mounts {
				better := p.whose == on.whose && m.Scalar < got.Size || p.whose == ownHere && on.whose != ownHere
				if better && !used[m.Disk.Source.Root] && mountFits(v, m) {
					c.fail("volume %s is made on %s (%s), though %s would do", v.Name, got.Root, got.Size, m)
				}
			}
		}
	}
	if greedyMountsFail(fresh, allMounts(piles)) {
		c.note("disks are divided though a simple way fails")
	}
}

// greedyMountsFail: giving each volume in turn the smallest disk that will do leaves nothing for another.
func greedyMountsFail(volumes []*Volume, mounts []Resource) bool {
	slices.SortFunc(mounts, func(a, b Resource) int { return int(a.Scalar - b.Scalar) })
	for _, v := range volumes {
		at := slices.IndexFunc(mounts, func(m Resource) bool { return mountFits(v, m) })
		if at < 0 {
			return true
		}
		mounts = slices.Delete(mounts, at, at+1)
	}
	return false
}

// plain is what is no volume and no MOUNT disk; of whom says whose.
func (c *checking) plain(all Resources, whose whose) (q Quantities) {
	for _, res := range all {
		if res.Disk == nil && res.Provider == "" && !res.Shared && !res.Revocable && c.slot.whose(c.r, res) == whose {
			q = q.Add(Resources{res}.Quantities())
		}
	}
	return q
}

func (c *checking) mountsOf(all Resources) (roots []string) {
	for _, res := range all {
		if c.slot.whose(c.r, res) == ownHere && !res.Persistent() && !res.Shared && res.Disk != nil && res.Disk.Source.Type == MountDisk {
			roots = append(roots, res.Disk.Source.Root)
		}
	}
	return roots
}

// stays says whether there is something in the slot that the pod may take and cannot reserve: what the operator has reserved
// for the role itself.
func (c *checking) stays() bool {
	return slices.ContainsFunc(c.slot.useful(c.r), func(p *pile) bool { return p.whose == open4u && !c.slot.reservable(c.r, p.stack) })
}

// reservations: the pod has reserved what it needs, and no more was reserved or given back than that took.
func (c *checking) reservations(left, launched Resources) {
	r, p := c.r, c.p
	if r.Claim == nil {
		if len(p.Operations) > 0 || !p.Held.IsZero() {
			c.fail("has no claim, and operations %v, held %s", p.Operations, p.Held)
		}
		return
	}
	after := c.plain(launched, ownHere).Add(c.plain(left, ownHere))
	if !after.Equal(p.Held) {
		c.fail("has reserved %s afterwards, and is told %s", after, p.Held)
	}
	if !p.Grows && !c.plain(left, ownHere).IsZero() {
		c.fail("leaves %s reserved that it does not need", c.plain(left, ownHere))
	}
	if roots := c.mountsOf(slices.Concat(left, launched)); len(roots) > 0 {
		c.fail("leaves disks %v reserved that it does not need", roots)
	}
	need := needs(r)
	var managed []Range
	for i, n := range p.Ports {
		if !r.Ports[i].Unmanaged {
			managed = append(managed, Range{n, n})
		}
	}
	need.Ports = Normalize(managed)
	if !c.stays() && !need.Equal(p.Held) {
		c.fail("needs %s, and has reserved %s", need, p.Held)
	}
	if !need.Contains(p.Held) {
		c.fail("needs %s, and has reserved %s, which is too much", need, p.Held)
	}
	own := c.slot.own(r)
	reserved, given := c.moved(Reserve), c.moved(Unreserve)
	if !own.IsZero() {
		c.note("reuses what is reserved")
	}
	for _, name := range []string{"cpus", "mem"} {
		if want := max(0, amount(own, name)-amount(need, name)); amount(given, name) != want {
			c.fail("gives back %s %s, has %s and needs %s", amount(given, name), name, amount(own, name), amount(need, name))
		}
		want := max(0, amount(need, name)-amount(own, name))
		if got := amount(reserved, name); got > want || !c.stays() && got != want {
			c.fail("reserves %s %s, has %s and needs %s", got, name, amount(own, name), amount(need, name))
		}
	}
	if surplus := cutRanges(own.Ports, need.Ports); !slices.Equal(given.Ports, surplus) {
		c.fail("gives back ports %v, has %v and needs %v", given.Ports, own.Ports, need.Ports)
	}
	if !given.IsZero() {
		c.note("surplus is given back")
		if !reserved.IsZero() {
			c.note("some is given back, some is reserved")
		}
	}
	if !own.IsZero() && !reserved.IsZero() {
		c.note("only the difference is reserved")
	}
	c.disks(own.Disk, reserved.Disk, given.Disk)
}

// disks: of the root disk, what is kept and reserved is what is needed, with new volumes and growth.
func (c *checking) disks(own, reserved, given Milli) {
	need := needs(c.r).Disk
	for i, got := range c.p.Volumes {
		if v := &c.r.Volumes[i]; got.New && v.Type == RootVolume {
			need += got.Size
		}
	}
	for _, op := range c.p.Operations {
		if op.Type == GrowVolume {
			need += op.Addition.Scalar
		}
	}
	targets := map[string]bool{}
	for _, p := range c.slot.useful(c.r) {
		if p.free.Disk > 0 {
			targets[stackText(p.target)] = true
		}
	}
	if got := own + reserved - given; got > need || !c.stays() && got != need {
		c.fail("has %s MB of disk reserved, reserves %s and gives back %s, needs %s", own, reserved, given, need)
	}
	if len(targets) == 1 && !c.stays() && (reserved != max(0, need-own) || given != max(0, own-need)) {
		c.fail("has %s MB of disk reserved, reserves %s and gives back %s, needs %s", own, reserved, given, need)
	}
}

func (c *checking) moved(t OperationType) (q Quantities) {
	for _, op := range c.p.Operations {
		for _, res := range op.Resources {
			if op.Type == t && res.Disk == nil {
				q = q.Add(Resources{res}.Quantities())
			}
		}
	}
	return q
}

// launch checks what task and executor get and are told.
func (c *checking) launch() {
	r, p := c.r, c.p
	op := p.Launch(r.Task)
	if op.Type != Launch || len(op.Tasks) != 1 {
		c.fail("is launched by %v", op)
	}
	task := op.Tasks[0]
	if task.AgentID != p.AgentID || task.ID != r.Task.ID || task.Name != r.Task.Name {
		c.fail("is launched as %s %q on %s", task.ID, task.Name, task.AgentID)
	}
	bare := func(all Resources) (q Quantities) {
		for _, res := range all {
			if !res.Persistent() {
				q = q.Add(Resources{res}.Quantities())
			}
		}
		return q
	}
	var ports []Range
	for i, n := range p.Ports {
		if !r.Ports[i].Unmanaged {
			ports = append(ports, Range{n, n})
		}
	}
	if got, want := bare(task.Resources), (Quantities{r.CPUs, r.Mem, r.Disk, Normalize(ports)}); !got.Equal(want) {
		c.fail("its task gets %s, needs %s", got, want)
	}
	if got := bare(p.Executor); !got.Equal(r.Executor) {
		c.fail("its executor gets %s, needs %s", got, r.Executor)
	}
	if !task.Resources.Equal(p.Task) || task.Executor != nil && !task.Executor.Resources.Equal(p.Executor) {
		c.fail("is launched with something else than its placement has")
	}
	for _, res := range slices.Concat(task.Resources, p.Executor) {
		if r.Claim == nil && slices.ContainsFunc(res.Reservations, func(o Reservation) bool { return o.Dynamic }) {
			c.fail("has no claim, and gets %s", res)
		}
	}
	c.told(task)
}

// told: a task is told its ports by environment, discovery and port mappings.
func (c *checking) told(task Task) {
	var env []Var
	var discovered []DiscoveryPort
	var mapped []PortMapping
	for i := range c.r.Ports {
		port, n := &c.r.Ports[i], c.p.Ports[i]
		if port.EnvKey != "" {
			env = append(env, Var{port.EnvKey, strconv.FormatUint(n, 10)})
		}
		if port.Discover {
			discovered = append(discovered, DiscoveryPort{port.Name, n, port.Protocol, port.Labels})
		}
		if port.ContainerPort > 0 {
			mapped = append(mapped, PortMapping{n, port.ContainerPort, port.Protocol})
		}
	}
	before, command, container := c.r.Task.Command, task.Command, task.Container
	inContainer := c.r.Task.Container != nil
	if x := c.r.Task.Executor; x != nil {
		before, command, container = x.Command, task.Executor.Command, task.Executor.Container
		inContainer = x.Container != nil
	}
	if want := slices.Concat(before.Env, env); !slices.Equal(command.Env, want) {
		c.fail("has the environment %v, want %v", command.Env, want)
	}
	var got []DiscoveryPort
	if task.Discovery != nil {
		got = task.Discovery.Ports
	}
	if d := cmp.Diff(discovered, got); d != "" {
		c.fail("is discovered by other ports (-want +got):\n%s", d)
	}
	if inContainer && !slices.Equal(container.PortMappings, mapped) || !inContainer && container != nil {
		c.fail("has the container %+v, want mappings %v", container, mapped)
	}
}

// Refusals.

func (c *checking) refused(a answer) {
	if len(a.fits) > 0 {
		c.fail("has no place (%s), the twin finds %s", Explain(*c.r, *c.res), slotNames(a.fits))
	}
	res := c.res
	if len(res.Summary) == 0 || len(res.Summary) > MaxKinds+1 || len(res.Refusals) > MaxRefusals {
		c.fail("has no place, with %d kinds of reasons and %d refusals", len(res.Summary), len(res.Refusals))
	}
	c.summary(a)
	if len(a.asked) == 0 {
		if len(res.Refusals) != 1 || res.Refusals[0].Code != CodeNoOffer || res.Refusals[0].Host != c.r.Host {
			c.fail("nothing is on offer, and the refusals are %v", res.Refusals)
		}
		c.note("refused: no-offer")
		return
	}
	if res.Refused != len(res.Refusals) {
		if len(res.Refusals) < MaxRefusals {
			c.fail("%d of %d refusals are told", len(res.Refusals), res.Refused)
		}
		return
	}
	byHost := map[string][]Refusal{}
	last := ""
	for _, refusal := range res.Refusals {
		if refusal.Host < last {
			c.fail("refusals are not in the order of hosts: %v", res.Refusals)
		}
		last = refusal.Host
		byHost[last] = append(byHost[last], refusal)
	}
	for _, host := range a.asked {
		if len(byHost[host]) == 0 {
			c.fail("host %s has no reason to refuse it: %s", host, Explain(*c.r, *res))
		}
		c.reasons(a, host, byHost[host])
		delete(byHost, host)
	}
	if len(byHost) > 0 {
		c.fail("hosts refuse it that were not asked: %v", byHost)
	}
	c.nearest(a)
}

func (c *checking) summary(a answer) {
	sum := 0
	for i, tally := range c.res.Summary {
		if tally.Code == CodeOtherHost {
			if tally.Hosts != len(c.hosts()) || c.r.Host == "" {
				c.fail("%d other hosts are told, there are %d", tally.Hosts, len(c.hosts()))
			}
			continue
		}
		if i > 0 && tally.Code != CodeOther && tally.Hosts > c.res.Summary[i-1].Hosts {
			c.fail("kinds of refusals are not in order: %v", c.res.Summary)
		}
		if tally.Hosts > max(1, len(a.asked)) {
			c.fail("%s is told of %d hosts, %d were asked", tally.Code, tally.Hosts, len(a.asked))
		}
		sum += tally.Hosts
	}
	// With many sets of missing ports, hosts are counted for each port.
	ports := slices.ContainsFunc(c.res.Summary, func(t Tally) bool { return t.Code == CodePorts })
	if len(a.asked) > 0 && (sum < c.res.Refused || sum > c.res.Refused && !ports) && len(c.res.Summary) <= MaxKinds {
		c.fail("%d refusals are summed up as %d", c.res.Refused, sum)
	}
}

// reasons: what a host says is true, and nothing that keeps the pod from it is left out.
func (c *checking) reasons(a answer, host string, said []Refusal) {
	for _, refusal := range said {
		c.note("refused: " + string(refusal.Code))
		if text := refusal.phrase(); strings.TrimSpace(text) == "" {
			c.fail("refusal %+v says nothing", refusal)
		}
	}
	var texts []string
	for _, s := range c.on(host) {
		if a.bound && !slices.Contains(a.only, s) {
			continue
		}
		problem := c.reasonsOfSlot(a, s, said)
		if problem == "" {
			return
		}
		texts = append(texts, fmt.Sprintf("%s, %s: %s", s.role, s.agent, problem))
	}
	if problem := c.reasonsOfHost(a, host, said); problem != "" {
		c.fail("host %s refuses it because of %+v, but: %s", host, said, strings.Join(append(texts, problem), "; "))
	}
}

// reasonsOfHost are those for which nothing is looked at more closely.
func (c *checking) reasonsOfHost(a answer, host string, said []Refusal) string {
	if len(said) != 1 {
		return "these are not of the host as such"
	}
	r := said[0]
	slots := c.on(host)
	held := !a.bound || slices.ContainsFunc(slots, func(s *bookSlot) bool { return slices.Contains(a.only, s) })
	if a.bound && held {
		slots = slices.DeleteFunc(slots, func(s *bookSlot) bool { return !slices.Contains(a.only, s) })
	}
	wills := slices.ContainsFunc(slots, func(s *bookSlot) bool { return roleWill(c.r, s) })
	switch r.Code {
	case CodeElsewhere:
		has := func(s *bookSlot) bool {
			return s.host == r.Name && s.holds(c.r) && (len(a.only) == 0 || slices.Contains(a.only, s))
		}
		if !held && slices.ContainsFunc(c.slots, has) {
			return ""
		}
	case CodeHeld:
		if !held && r.Resource == "" && !slices.ContainsFunc(c.slots, func(s *bookSlot) bool { return s.holds(c.r) }) {
			return ""
		}
	case CodeConstraint:
		if held && slices.Contains(c.barred(c.r, host), "constraint "+r.Clause) {
			return ""
		}
	case CodeColocate, CodeAvoid:
		if held && slices.Contains(c.barred(c.r, host), string(r.Code)+" "+r.Name) {
			return ""
		}
	case CodeRole:
		var roles []string
		for _, s := range slots {
			if !slices.Contains(roles, s.role) {
				roles = append(roles, s.role)
			}
		}
		if held && !wills && r.Have == strings.Join(roles, ", ") {
			return ""
		}
	case CodeMaintenance:
		usable := slices.ContainsFunc(slots, func(s *bookSlot) bool { return roleWill(c.r, s) && !s.away })
		if held && wills && !usable && !c.came(c.r, host) {
			return ""
		}
	}
	return "the host itself has no such reason"
}

// reasonsOfSlot says what is wrong with refusals, if the slot is meant.
func (c *checking) reasonsOfSlot(a answer, s *bookSlot, said []Refusal) string {
	if !roleWill(c.r, s) || s.away && !c.came(c.r, s.host) || len(c.barred(c.r, s.host)) > 0 {
		return "the slot is not looked at"
	}
	m := c.missing(c.r, s)
	told := map[string]bool{}
	for _, r := range said {
		if problem := c.reason(s, m, r); problem != "" {
			return fmt.Sprintf("%+v: %s", r, problem)
		}
		told[string(r.Code)+" "+r.Resource] = true
	}
	for _, name := range m.scalars {
		if !told["scalar "+name] {
			return "it lacks " + name
		}
	}
	for _, name := range m.held {
		if !told["held "+name] {
			return "it does not have what is held of " + name
		}
	}
	for kind, lacks := range map[string]bool{
		"ports ports": len(m.ports) > 0, "port-clash ports": len(m.clashes) > 0, "volume disk": len(m.volumes) > 0, "scalar disk": m.disk, "mount disk": m.mounts,
	} {
		if lacks && !told[kind] {
			return "it lacks: " + kind
		}
	}
	if m.numbers && !told["port-base ports"] && !told["port-any ports"] {
		return "it lacks numbers for ports"
	}
	return ""
}

func (c *checking) reason(s *bookSlot, m missing, r Refusal) string {
	var all Quantities
	for _, p := range s.useful(c.r) {
		all = all.Add(p.free)
	}
	need := needs(c.r)
	no := func(wrong bool) string {
		if wrong {
			return "not so"
		}
		return ""
	}
	switch r.Code {
	case CodeScalar:
		if r.Name != "" {
			return no(!m.disk)
		}
		return no(!slices.Contains(m.scalars, r.Resource) || r.Need != amount(need, r.Resource).String() || r.Have != amount(all, r.Resource).String())
	case CodeHeld:
		return no(!slices.Contains(m.held, r.Resource))
	case CodePorts:
		return no(!sameNumbers(r.Need, m.ports))
	case CodePortClash:
		return no(!sameNumbers(r.Need, m.clashes))
	case CodePortBase, CodePortAny:
		return no(!m.numbers && len(m.ports)+len(m.clashes) == 0)
	case CodeMount:
		return no(!m.mounts)
	case CodeVolume:
		return no(!slices.Contains(m.volumes, r.Need))
	}
	return "no reason of a slot"
}

func sameNumbers(text string, of []uint64) bool {
	var ranges []Range
	for _, n := range of {
		ranges = append(ranges, Range{n, n})
	}
	return text == showRanges(Normalize(ranges))
}

// nearest is a host that would do with more of something, if there is one.
func (c *checking) nearest(a answer) {
	measurable := map[string]bool{}
	for _, refusal := range c.res.Refusals {
		is := slices.Contains([]Code{CodeScalar, CodePorts, CodeMount}, refusal.Code)
		if before, known := measurable[refusal.Host]; known {
			is = is && before
		}
		measurable[refusal.Host] = is
	}
	any := slices.Contains(slices.Collect(maps.Values(measurable)), true)
	switch n := c.res.Nearest; {
	case n == nil && any:
		c.fail("no host is told to be nearest, though some only lack something: %v", c.res.Refusals)
	case n != nil && (!measurable[n.Host] || len(n.Lacks) == 0):
		c.fail("host %s is told to be nearest, which lacks %v: %v", n.Host, n.Lacks, c.res.Refusals)
	case n != nil:
		c.note("nearest host")
	}
}
