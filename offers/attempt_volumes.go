package offers

import (
	"cmp"
	"slices"
	"strings"
)

// takeVolumes finds the pod's volumes again, and disks for those that it does not have yet.
func (a *attempt) takeVolumes() bool {
	n := a.n
	if len(n.Volumes) == 0 {
		return true
	}
	if n.Claim == nil { // Mesos makes volumes of reserved resources only; Validate says so
		return a.lack(lack{code: CodeVolume, resource: "disk", name: n.Volumes[0].Name, text: n.Volumes[0].Name})
	}
	a.volumes = slices.Grow(a.volumes, len(n.Volumes))[:len(n.Volumes)]
	clear(a.volumes)
	ok := true
	var mounts, roots []int
	for i := range n.Volumes {
		v := &n.Volumes[i]
		switch {
		case a.findVolume(i):
			if a.missing(i) > 0 {
				roots = append(roots, i)
			}
		case v.Prior != "":
			ok = a.lack(lack{code: CodeVolume, resource: "disk", name: v.Name, text: v.Prior})
		case v.Type == MountVolume:
			mounts = append(mounts, i)
		default:
			roots = append(roots, i)
		}
	}
	ok = a.takeRootDisk(roots) && ok
	return a.newMountVolumes(mounts) && ok
}

// persistenceID is the id of a volume of the requirement.
func (n *need) persistenceID(v *Volume) string {
	if v.Prior != "" {
		return v.Prior
	}
	return n.Claim.PersistenceID(n.Subject, v.Name)
}

// findVolume looks for the volume among those that are there.
func (a *attempt) findVolume(i int) bool {
	v := &a.n.Volumes[i]
	id := a.n.persistenceID(v)
	for j := range a.lanes {
		for _, b := range [...]*base{a.lanes[j].own, a.lanes[j].free, a.lanes[j].kept} {
			if b == nil {
				continue
			}
			for k := range b.volumes {
				if b.volumes[k].Disk.Persistence.ID == id {
					a.volumes[i] = placedVolume{lane: j, found: &b.volumes[k]}
					return true
				}
			}
		}
	}
	return false
}

// missing is what of the root disk a volume takes: all of a new one, what is missing of one that is there and too small.
// Only what lies on the root disk can grow from it.
func (a *attempt) missing(i int) Milli {
	v, p := &a.n.Volumes[i], &a.volumes[i]
	switch {
	case p.found == nil:
		return v.Size
	case p.found.Disk.Source.Type != RootDisk || v.Type == MountVolume:
		return 0 // it is used as it is
	}
	return v.Size - p.found.Scalar
}

// takeRootDisk takes from the root disk for volumes that are made or grow. All of a volume has one stack of reservations, so
// they choose before task and executor, which can do with pieces: these give back what they have taken.
func (a *attempt) takeRootDisk(volumes []int) bool {
	if len(volumes) == 0 {
		return true
	}
	if !a.lacksDisk() {
		a.putBackDisk()
		if a.divideDisk(volumes) {
			return true
		}
		a.putBackDisk()
		a.takeScalar(diskScalar, a.n.disk)
	}
	for _, i := range volumes {
		if a.volumes[i].found != nil {
			a.growVolume(i)
		} else {
			a.newRootVolume(i)
		}
	}
	return false
}

func (a *attempt) lacksDisk() bool {
	return slices.ContainsFunc(a.lacks, func(l lack) bool { return l.code == CodeScalar && l.resource == "disk" })
}

func (a *attempt) putBackDisk() {
	for j := range a.lanes {
		l := &a.lanes[j]
		l.useOwn.Disk, l.useFree.Disk, l.newDisk = 0, 0, 0
	}
}

// divideDisk finds a way to give volumes, task and executor what they need of the root disk, if there is one.
func (a *attempt) divideDisk(volumes []int) bool {
	var spare Milli
	need := a.n.disk
	for j := range a.lanes {
		spare += a.spareDisk(j)
	}
	for _, i := range volumes {
		need += a.missing(i)
	}
	if need > spare {
		return false
	}
	// Those that have no choice come first, then the largest, so that they are not left with what is too small.
	sorted := slices.Clone(volumes)
	slices.SortStableFunc(sorted, func(i, j int) int {
		return cmp.Or(compareBools(a.volumes[i].found == nil, a.volumes[j].found == nil), cmp.Compare(a.missing(j), a.missing(i)))
	})
	return a.placeDisk(sorted) && a.takeScalar(diskScalar, a.n.disk) == 0
}

// placeDisk tries all lanes for the first volume, with all ways for the others.
func (a *attempt) placeDisk(volumes []int) bool {
	if len(volumes) == 0 {
		return true
	}
	i := volumes[0]
	p, amount := &a.volumes[i], a.missing(i)
	for j := range a.lanes {
		if a.spareDisk(j) < amount || p.found != nil && p.lane != j {
			continue
		}
		before := a.lanes[j]
		a.takeDisk(j, amount)
		if a.placeDisk(volumes[1:]) {
			if p.lane = j; p.found != nil {
				p.grow, a.grown = amount, true
			}
			return true
		}
		a.lanes[j] = before
	}
	return false
}

// growVolume gives a volume that is too small what is missing. Mesos: the volume can then not be used in the same ACCEPT.
func (a *attempt) growVolume(i int) bool {
	v, p, missing := &a.n.Volumes[i], &a.volumes[i], a.missing(i)
	if have := a.takeDisk(p.lane, missing); have < missing {
		return a.lack(lack{code: CodeScalar, resource: "disk", name: v.Name, need: v.Size, have: p.found.Scalar + have})
	}
	return true
}

// newRootVolume takes a part of the root disk.
func (a *attempt) newRootVolume(i int) bool {
	v := &a.n.Volumes[i]
	var most Milli
	for j := range a.lanes {
		have := a.spareDisk(j)
		if have >= v.Size {
			a.takeDisk(j, v.Size)
			return true
		}
		most = max(most, have)
	}
	return a.lack(lack{code: CodeScalar, resource: "disk", name: v.Name, need: v.Size, have: most})
}

// spareDisk is how much of the root disk a lane has left.
func (a *attempt) spareDisk(lane int) Milli {
	l := &a.lanes[lane]
	var spare Milli
	if l.own != nil {
		spare += l.own.free.Disk - l.useOwn.Disk
	}
	if l.free != nil {
		spare += l.free.free.Disk - l.useFree.Disk
	}
	return spare
}

// takeDisk takes up to an amount of the root disk from a lane, and says how much.
func (a *attempt) takeDisk(lane int, amount Milli) Milli {
	l := &a.lanes[lane]
	left := amount
	if l.own != nil {
		left -= move(l.own.free, &l.useOwn, diskScalar, left)
	}
	if l.free != nil {
		left -= move(l.free.free, &l.useFree, diskScalar, left)
	}
	l.newDisk += amount - left
	return amount - left
}

// freeMount is a MOUNT disk that a volume may be made on.
type freeMount struct {
	*Mount
	lane int
	own  bool
}

// newMountVolumes gives each volume a disk of its own: the smallest that will do, those that are reserved already first.
func (a *attempt) newMountVolumes(wanted []int) bool {
	if len(wanted) == 0 {
		return true
	}
	if len(wanted) == 1 {
		return a.newMountVolume(wanted[0])
	}
	mounts := a.freeMounts()
	slices.SortStableFunc(mounts, compareMounts)
	// The largest choose first, so that they are not left with what is too small.
	slices.SortStableFunc(wanted, func(i, j int) int { return cmp.Compare(a.n.Volumes[j].Size, a.n.Volumes[i].Size) })
	match := matching[int]{candidates: make([][]int, len(wanted))}
	ok := true
	for k, i := range wanted {
		for m := range mounts {
			if a.n.Volumes[i].accepts(mounts[m].Mount) {
				match.candidates[k] = append(match.candidates[k], m)
			}
		}
		if !match.place(k) {
			ok = a.lackMount(i, mounts, &match)
		}
	}
	if !ok {
		return false
	}
	for k, i := range wanted {
		at, _ := match.of(k)
		a.useMount(i, mounts[at])
	}
	return true
}

// newMountVolume is newMountVolumes for one volume, where there is nothing to be divided.
func (a *attempt) newMountVolume(i int) bool {
	v := &a.n.Volumes[i]
	var best freeMount
	for j := range a.lanes {
		for k, b := range [...]*base{a.lanes[j].own, a.lanes[j].free} {
			if b == nil {
				continue
			}
			for m := range b.mounts {
				one := freeMount{&b.mounts[m], j, k == 0}
				if v.accepts(one.Mount) && (best.Mount == nil || compareMounts(one, best) < 0) {
					best = one
				}
			}
		}
	}
	if best.Mount == nil {
		return a.lackMount(i, a.freeMounts(), nil)
	}
	return a.useMount(i, best)
}

func (a *attempt) useMount(i int, m freeMount) bool {
	a.volumes[i] = placedVolume{lane: m.lane, mount: m.Mount, own: m.own}
	if l := &a.lanes[m.lane]; m.own {
		l.ownMounts = append(l.ownMounts, *m.Mount)
	} else {
		l.taken = append(l.taken, *m.Mount)
	}
	return true
}

// freeMounts lists the disks of all lanes.
func (a *attempt) freeMounts() []freeMount {
	all := a.mounts[:0]
	for j := range a.lanes {
		for k, b := range [...]*base{a.lanes[j].own, a.lanes[j].free} {
			if b == nil {
				continue
			}
			for m := range b.mounts {
				all = append(all, freeMount{&b.mounts[m], j, k == 0})
			}
		}
	}
	a.mounts = all
	return all
}

// compareMounts puts those that are reserved for the pod first, then orders by size and path.
func compareMounts(x, y freeMount) int {
	switch {
	case x.own != y.own:
		return compareBools(y.own, x.own)
	case x.Size != y.Size:
		return cmp.Compare(x.Size, y.Size)
	}
	return cmp.Compare(x.Root, y.Root)
}

// accepts says whether a volume may be made on a disk.
func (v *Volume) accepts(m *Mount) bool { return m.Size >= v.Size && v.fits(m) }

// fits is accepts without the size. Without profiles, disks that have one are kept for those who ask for it (SDK).
func (v *Volume) fits(m *Mount) bool {
	profile := ""
	if m.Provided != nil {
		profile = m.Provided.Profile
	}
	if len(v.Profiles) == 0 && profile != "" || len(v.Profiles) > 0 && !slices.Contains(v.Profiles, profile) {
		return false
	}
	return v.Root == "" || v.Root == m.Root
}

// lackMount tells the largest disk that is left, or that the one with the path is not there.
func (a *attempt) lackMount(i int, mounts []freeMount, taken *matching[int]) bool {
	v := &a.n.Volumes[i]
	l := lack{code: CodeMount, resource: "disk", name: v.Name, text: v.Root, need: v.Size}
	if len(v.Profiles) > 0 {
		l.name += " of profile " + strings.Join(v.Profiles, " or ")
	}
	for at, m := range mounts {
		if v.fits(m.Mount) && (taken == nil || taken.holder(at) < 0) {
			l.have = max(l.have, m.Size)
			l.count++
		}
	}
	return a.lack(l)
}
