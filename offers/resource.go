package offers

// Type is the type of a resource's value.
type Type uint8

// The types of values. Mesos: cpus, mem, disk and gpus are scalars, ports are ranges; operators may add resources of any
// name and type.
const (
	Scalars Type = iota
	Ranges
	Set
)

// Resource is one resource as Mesos tells resources apart: an amount, and everything that keeps it from being one with
// another amount of the same name. The slices and pointers in it are shared; nobody changes what they point to.
type Resource struct {
	Name string
	Type Type
	// Scalar is the amount of a scalar, Ranges that of ranges (sorted, apart from each other), Set that of a set (sorted).
	Scalar Milli
	Ranges []Range
	Set    []string
	// Role is the role that it is allocated to (allocation_info.role); empty if it is allocated to none.
	Role string
	// Reservations is the refinement stack: who it is reserved for, the outermost role first. Empty: unreserved. Mesos: only
	// the first may be static, and each role is a strict sub-role of the one before.
	Reservations []Reservation
	// Disk says what disk it is a part of, and which volume; nil for the agent's root disk as such and all that is no disk.
	Disk *Disk
	// Provider is the resource provider that it comes from; empty for the agent's own.
	Provider string
	// Shared resources may be used by several tasks at once, Revocable ones may be taken back. This package leaves both alone.
	Shared, Revocable bool
}

// Reservation is one level of a reservation stack. A static one is the operator's (an agent's --resources), without
// principal and labels.
type Reservation struct {
	Dynamic   bool
	Role      string
	Principal string
	Labels    []Label
}

// Label is a key with its value, of a reservation or a task. Mesos keeps the order of labels, and takes those in another order
// for the same. Here the order counts, which is the stricter: labels of ours are always written in one.
type Label struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Disk is what Mesos calls DiskInfo.
type Disk struct {
	Source Source
	// Persistence makes it a persistent volume, which exists from CREATE to DESTROY, with its content.
	Persistence *Persistence
	// Volume is where a task sees the volume. It is no part of what the resource is: Mesos ignores it when it compares.
	Volume *DiskVolume
}

// Source is the disk that a disk resource is a part of. The zero value is the agent's root disk.
type Source struct {
	Type SourceType
	// Root is the path on the agent, of PATH and MOUNT disks.
	Root string
	// Provided is what a resource provider (CSI) says of it; nil for disks of the agent's --resources.
	Provided *Provided
}

// SourceType is the kind of a disk.
type SourceType uint8

// The kinds of disks. Mesos: ROOT and PATH disks are divided like any scalar; a MOUNT disk is used whole or not at all. BLOCK
// and RAW come from resource providers and are left alone.
const (
	RootDisk SourceType = iota
	PathDisk
	MountDisk
	BlockDisk
	RawDisk
)

// Provided is what a resource provider says of a disk.
type Provided struct {
	ID, Vendor, Profile string
	Metadata            []Label
}

// Persistence is the identity of a persistent volume. Mesos: the id is unique per role on an agent. The principal is no part
// of the identity.
type Persistence struct {
	ID, Principal string
}

// DiskVolume is where a task finds a volume: relative to its sandbox, or absolute in a container with an image. Mesos: a
// persistent volume is always mounted read-write when it is created.
type DiskVolume struct {
	ContainerPath string
	ReadOnly      bool
}
