package offers

import (
	"cmp"
	"slices"
)

// takeVolumes finds the pod's volumes again, and disks for those that it does not have yet.
func (a *attempt) takeVolumes() bool {
	n := a.n
	if len(n.Volumes) == 0 {
		return true
	}
	a.volumes = slices.Grow(a.volumes, len(n.Volumes))[:len(n.Volumes)]
	clear(a.volumes)
	ok := true
	var mounts []int
	for i := range n.Volumes {
		v := &n.Volumes[i]
		switch {
		case a.findVolume(i):
			ok = a.growVolume(i) && ok
		case v.Prior != "":
			ok = a.lack(lack{code: CodeVolume, resource: "disk", name: v.Name, text: v.Prior})
		case v.Type == MountVolume:
			mounts = append(mounts, i)
		default:
			ok = a.newRootVolume(i) && ok
		}
	}
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
	if v.Prior == "" && a.n.Claim == nil {
		return false
	}
	id := a.n.persistenceID(v)
	for j := range a.lanes {
		for _, b := range [...]*base{a.lanes[j].own, a.lanes[j].free} {
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

// growVolume gives a volume that is too small what is missing. Mesos: the volume can then not be used in the same ACCEPT.
// A MOUNT disk has the size that it has.
func (a *attempt) growVolume(i int) bool {
	v, p := &a.n.Volumes[i], &a.volumes[i]
	missing := v.Size - p.found.Scalar
	if missing <= 0 || p.found.Disk.Source.Type == MountDisk {
		return true
	}
	if have := a.takeDisk(p.lane, missing); have < missing {
		return a.lack(lack{code: CodeScalar, resource: "disk", name: v.Name, need: v.Size, have: p.found.Scalar + have})
	}
	p.grow = missing
	a.grown = true
	return true
}

// newRootVolume takes a part of the root disk. All of a volume has one stack of reservations.
func (a *attempt) newRootVolume(i int) bool {
	v := &a.n.Volumes[i]
	var most Milli
	for j := range a.lanes {
		have := a.spareDisk(j)
		if have >= v.Size {
			a.takeDisk(j, v.Size)
			a.volumes[i] = placedVolume{lane: j}
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
	mounts := a.freeMounts()
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
			ok = a.lackMount(i, mounts)
		}
	}
	if !ok {
		return false
	}
	for k, i := range wanted {
		at, _ := match.of(k)
		m := mounts[at]
		a.volumes[i] = placedVolume{lane: m.lane, mount: m.Mount, own: m.own}
		if l := &a.lanes[m.lane]; m.own {
			l.ownMounts = append(l.ownMounts, *m.Mount)
		} else {
			l.taken = append(l.taken, *m.Mount)
		}
	}
	return true
}

// freeMounts lists the disks of all lanes: those that are reserved for the pod first, then by size and path.
func (a *attempt) freeMounts() []freeMount {
	var all []freeMount
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
	slices.SortStableFunc(all, func(x, y freeMount) int {
		if x.own != y.own {
			return map[bool]int{true: -1, false: 1}[x.own]
		}
		return cmp.Or(cmp.Compare(x.Size, y.Size), cmp.Compare(x.Root, y.Root))
	})
	return all
}

// accepts says whether a volume may be made on a disk. Without profiles, disks that have one are kept for those who ask for
// it (SDK).
func (v *Volume) accepts(m *Mount) bool {
	profile := ""
	if m.Provided != nil {
		profile = m.Provided.Profile
	}
	if len(v.Profiles) == 0 && profile != "" || len(v.Profiles) > 0 && !slices.Contains(v.Profiles, profile) {
		return false
	}
	return m.Size >= v.Size && (v.Root == "" || v.Root == m.Root)
}

// lackMount tells the largest disk that there is, or that the one with the path is not there.
func (a *attempt) lackMount(i int, mounts []freeMount) bool {
	v := &a.n.Volumes[i]
	l := lack{code: CodeMount, resource: "disk", name: v.Name, text: v.Root, need: v.Size}
	for _, m := range mounts {
		if v.Root == "" || v.Root == m.Root {
			l.have = max(l.have, m.Size)
			l.count++
		}
	}
	return a.lack(l)
}
