package offers

import (
	"cmp"
	"slices"
	"strings"
)

// Equal says whether Mesos takes both for the same: kind and amount. It ignores where a task finds a volume, and who
// created it.
func (r Resource) Equal(o Resource) bool {
	r, o = canonical(r), canonical(o)
	return sameKind(&r, &o) && compareAmounts(&r, &o) == 0
}

// compareKinds orders resources by all that tells them apart, whatever their amounts. It is 0 for two of one kind: those
// that Mesos takes for parts of one, if they can be divided (whole). As Mesos does, it ignores where a task finds a volume,
// and of persistence it knows only the id.
func compareKinds(a, b *Resource) int {
	if c := compareNames(a.Name, b.Name); c != 0 {
		return c // most pairs differ here already
	}
	return cmp.Or(
		cmp.Compare(a.Type, b.Type),
		strings.Compare(a.Role, b.Role),
		slices.CompareFunc(a.Reservations, b.Reservations, compareReservations),
		compareDisks(a.Disk, b.Disk),
		strings.Compare(a.Provider, b.Provider),
		compareBools(a.Shared, b.Shared),
		compareBools(a.Revocable, b.Revocable),
	)
}

func sameKind(a, b *Resource) bool { return a.Name == b.Name && compareKinds(a, b) == 0 }

// compareNames gives the order in which Quantities are written, then all other names.
func compareNames(a, b string) int {
	if a == b {
		return 0
	}
	return cmp.Or(cmp.Compare(nameRank(a), nameRank(b)), strings.Compare(a, b))
}

func nameRank(name string) int {
	switch name {
	case "cpus":
		return 0
	case "mem":
		return 1
	case "disk":
		return 2
	case "ports":
		return 3
	}
	return 4
}

func compareReservations(a, b Reservation) int {
	return cmp.Or(
		compareBools(a.Dynamic, b.Dynamic),
		strings.Compare(a.Role, b.Role),
		strings.Compare(a.Principal, b.Principal),
		slices.CompareFunc(a.Labels, b.Labels, compareLabels),
	)
}

func compareLabels(a, b Label) int {
	return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Value, b.Value))
}

// compareDisks takes a disk that says nothing for none: both are the root disk as such.
func compareDisks(a, b *Disk) int {
	if a == b {
		return 0
	}
	x, y := diskOf(a), diskOf(b)
	return cmp.Or(compareSources(x.Source, y.Source), comparePersistence(x.Persistence, y.Persistence))
}

func diskOf(d *Disk) Disk {
	if d == nil {
		return Disk{}
	}
	return *d
}

func compareSources(a, b Source) int {
	return cmp.Or(
		cmp.Compare(a.Type, b.Type),
		strings.Compare(a.Root, b.Root),
		compareProvided(a.Provided, b.Provided),
	)
}

func compareProvided(a, b *Provided) int {
	if a == nil || b == nil {
		return compareBools(a != nil, b != nil)
	}
	return cmp.Or(
		strings.Compare(a.ID, b.ID),
		strings.Compare(a.Vendor, b.Vendor),
		strings.Compare(a.Profile, b.Profile),
		slices.CompareFunc(a.Metadata, b.Metadata, compareLabels),
	)
}

func comparePersistence(a, b *Persistence) int {
	if a == nil || b == nil {
		return compareBools(a != nil, b != nil)
	}
	return strings.Compare(a.ID, b.ID)
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// compareWhole is the order of the normal form. What compareKinds ignores comes before the amounts: so of two that become
// one, the same is kept whatever they are.
func compareWhole(a, b *Resource) int {
	if c := compareKinds(a, b); c != 0 {
		return c
	}
	return cmp.Or(compareIgnored(diskOf(a.Disk), diskOf(b.Disk)), compareAmounts(a, b))
}

func compareIgnored(a, b Disk) int {
	if a.Persistence != nil && b.Persistence != nil {
		if c := strings.Compare(a.Persistence.Principal, b.Persistence.Principal); c != 0 {
			return c
		}
	}
	if a.Volume == nil || b.Volume == nil {
		return compareBools(a.Volume != nil, b.Volume != nil)
	}
	return cmp.Or(
		strings.Compare(a.Volume.ContainerPath, b.Volume.ContainerPath),
		compareBools(a.Volume.ReadOnly, b.Volume.ReadOnly),
	)
}

// whole says whether r is used as it is or not at all. Mesos never adds up nor divides persistent volumes, MOUNT and BLOCK
// disks, and counts shared resources instead of adding them. (It divides a RAW disk that has no id, a pool of storage. No
// part of one is ever wanted here.)
func (r *Resource) whole() bool {
	if r.Shared {
		return true
	}
	return r.Disk != nil && (r.Disk.Persistence != nil || r.Disk.Source.Type.whole())
}

func (t SourceType) whole() bool { return t == MountDisk || t == BlockDisk || t == RawDisk }
