package offers

// Requirement is what one pod needs.
type Requirement struct {
	// Subject is the pod's name: registry-0. It is told in refusals and written on what is reserved.
	Subject string
	// PodType is what pods are counted by, when placement spreads them or keeps them together or apart.
	PodType string
	// Host is the key of the only host that will do; empty if any will.
	Host string
	// Roles are the roles whose offers will do, best first; empty if all will. All that a pod has comes from one of them,
	// because one ACCEPT never mixes roles.
	Roles []string
	// PreReserved is the role for which the operator has set resources aside (static reservations, such as slave_public)
	// that the pod takes everything from; empty if it takes unreserved ones, and those set aside for the offer's own role.
	PreReserved string

	// CPUs, Mem and Disk (MB, of the agent's root disk) are what the task needs, without volumes.
	CPUs, Mem, Disk Milli
	// Executor is what a custom executor needs besides.
	Executor Quantities

	// PortBase is where ports with an offset count from.
	PortBase PortBase
	Ports    []Port
	Volumes  []Volume
	// Claim reserves all that the pod gets; nil if it runs on what happens to be free.
	Claim *Claim

	// Constraint, Colocate and Avoid say which hosts will do. They do not bind a pod that comes back to where something is
	// reserved for it, or to the host that it is bound to.
	Constraint Constraint
	// Colocate are pod types of which one must be on the host, once there is one anywhere. Avoid are pod types of which none
	// may be.
	Colocate, Avoid []string

	// Task is what is to be launched, as far as it is known before there is a place. Place does not look at it; see
	// Placement.Launch.
	Task Task
}

// Port is a port that a requirement asks for. It is one of
//
//	Number                     that number
//	Offset (and Number)        the requirement's PortBase plus Number
//	neither                    any number (of Ranges, if there are any)
type Port struct {
	Name   string
	Number uint64
	Offset bool
	Ranges []Range
	// Prior is the number that the pod had before. A port of any number keeps it if it can.
	Prior uint64
	// Unmanaged ports are used on the host's network without asking Mesos for them: stock agents do not offer low ports. No
	// two pods of ours get the same one on a host.
	Unmanaged bool
	// EnvKey is the environment variable that tells the task the number; empty for none.
	EnvKey string
	// Protocol is tcp or udp, for service discovery; empty means tcp. A number is held for both.
	Protocol string
	// Discover lists the port in the task's DiscoveryInfo, with Labels.
	Discover bool
	Labels   []Label
	// ContainerPort is the port inside the container that the number leads to; 0: no mapping.
	ContainerPort uint64
}

// PortBase is where ports with an offset count from: a fixed number, or any number (of Ranges, if there are any) such that
// all ports with an offset are free. Prior is the one that the pod had before.
type PortBase struct {
	Number uint64
	Ranges []Range
	Prior  uint64
}

// VolumeType is the kind of disk that a volume is made on.
type VolumeType string

// The kinds of volumes: a part of the agent's root disk, or a whole MOUNT disk.
const (
	RootVolume  VolumeType = "ROOT"
	MountVolume VolumeType = "MOUNT"
)

// Volume is a persistent volume that a requirement asks for. It needs a Claim.
type Volume struct {
	// Name tells the volumes of a pod apart.
	Name string
	Type VolumeType
	// Size is in MB. A MOUNT disk may be larger: the smallest that is large enough is taken, whole. An existing ROOT volume
	// that is smaller grows; none ever shrinks.
	Size Milli
	// Root is the path of the MOUNT disk; empty if any will do.
	Root string
	// Profiles are the disk profiles that will do. Without any, only disks that have no profile will.
	Profiles []string
	// ContainerPath is where the task sees it.
	ContainerPath string
	// Prior is the persistence id of the volume that the pod has already. Then no other is made in its place: it must be on
	// offer.
	Prior string
}

// Claim is what is written on resources that are reserved for a pod, and how they are found again: after a restart of the
// pod, of its agent (also under a new agent id), or of the framework.
type Claim struct {
	// Service is the service whose pod it is, Framework the id of the framework.
	Service, Framework string
	// ID is made anew when a pod is placed anew, not when it is only launched again, and recorded before an ACCEPT that uses
	// it. What carries another id does not belong to the pod (see Unwanted).
	ID string
	// Principal is the framework's. Mesos: it must be that of every reservation that the framework makes.
	Principal string
	// Held is what is recorded as reserved (see Placement.Held and Kept). What the pod still needs of it must be on offer
	// before anything more is reserved: an agent offers what was freed in several pieces, and what comes late must not be
	// reserved twice.
	Held Quantities
}

// The labels on reservations.
const (
	LabelFramework = "framework_id"
	LabelService   = "service"
	LabelPod       = "pod"
	LabelResource  = "resource_id" // Claim.ID; the SDK's name for it
)

// reservation is the claim of a pod in a role.
func (c Claim) reservation(pod, role string) Reservation {
	return Reservation{Dynamic: true, Role: role, Principal: c.Principal, Labels: []Label{
		{LabelFramework, c.Framework}, {LabelService, c.Service}, {LabelPod, pod}, {LabelResource, c.ID},
	}}
}

// PersistenceID is the id of a pod's volume: registry-0.meta.<claim id>.
func (c Claim) PersistenceID(pod, volume string) string { return pod + "." + volume + "." + c.ID }
