package cluster

import (
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// The functions of this file say why a master refuses an operation, in the order in which it looks. The texts that
// the recordings have are those of a real master; the others have its wording as far as it is known.

// reserveProblem lets volumes be reserved for deeper roles, as masters have since Mesos 1.10. It does not ask whether there is
// one with that role and id already.
func (x *acceptance) reserveProblem(op *mesos.Offer_Operation) string {
	resources := op.Reserve.Resources
	if problem := operandProblem(resources); problem != "" {
		return problem
	}
	for i := range resources {
		if problem := x.pushProblem(&resources[i]); problem != "" {
			return problem
		}
	}
	if problem := singleRoleProblem(resources); problem != "" {
		return "Invalid reservation resources: " + problem
	}
	return ""
}

// operandProblem is for lists of resources: good uses, and all from one provider.
func operandProblem(resources []mesos.Resource) string {
	if problem := usesProblem(resources); problem != "" {
		return "Invalid resources: " + problem
	}
	if problem := providersProblem(resources); problem != "" {
		return "Invalid resources: " + problem
	}
	return ""
}

// providersProblem finds resources of several providers. An empty list has none, and that is not one either.
func providersProblem(resources []mesos.Resource) string {
	if len(resources) == 0 {
		return "The resources have multiple resource providers: "
	}
	for i := range resources {
		one, first := resources[i].ProviderID, resources[0].ProviderID
		switch {
		case (one == nil) != (first == nil):
			return "Some resources have a resource provider and some do not"
		case one != nil && one.Value != first.Value:
			return "The resources have multiple resource providers: " + first.Value + ", " + one.Value
		}
	}
	return ""
}

// reserverProblem tells what is wrong if somebody reserves in the name of another. Who has shown no principal may do so.
func reserverProblem(principal, reserved *string) string {
	const attempt = "A reserve operation was attempted by "
	switch {
	case principal == nil:
	case reserved == nil:
		return attempt + "principal '" + *principal + "', but there is a reserved resource in the request with no principal set"
	case *reserved != *principal:
		return attempt + "authenticated principal '" + *principal +
			"', which does not match a reserved resource in the request with principal '" + *reserved + "'"
	}
	return ""
}

// pushProblem checks one resource that is to be reserved: for the role that it is allocated to, in the name of
// the framework's principal if it has one.
func (x *acceptance) pushProblem(r *mesos.Resource) string {
	if !dynamic(r) {
		return "Resource " + asGiven(r) + " is not dynamically reserved"
	}
	last, allocated := lastReservation(r), r.GetAllocationInfo().GetRole()
	if problem := reserverProblem(x.framework.info.Principal, last.Principal); problem != "" {
		return problem
	}
	switch roles := x.framework.roles(); {
	case allocated != last.GetRole():
		return "A reserve operation was attempted for a resource with role '" + last.GetRole() +
			"', but the resource was allocated to role '" + allocated + "'"
	case !setOf(roles)[allocated]:
		return "A reserve operation was attempted for a resource allocated to role '" + allocated +
			"', but the framework only has roles '" + setText(roles) + "'"
	}
	return ""
}

// unreserveProblem does not look at principals: any framework may unreserve what it was offered.
func (x *acceptance) unreserveProblem(op *mesos.Offer_Operation) string {
	resources := op.Unreserve.Resources
	if problem := operandProblem(resources); problem != "" {
		return problem
	}
	for i := range resources {
		switch r := &resources[i]; {
		case !dynamic(r):
			return "Resource " + asGiven(r) + " is not dynamically reserved"
		case persistent(r):
			return "A dynamically reserved persistent volume " + asGiven(r) + " cannot be unreserved directly. " +
				"Please destroy the persistent volume first then unreserve the resource"
		}
	}
	return ""
}

func (x *acceptance) createProblem(op *mesos.Offer_Operation) string {
	volumes := op.Create.Volumes
	if problem := operandProblem(volumes); problem != "" {
		return problem
	}
	if problem := volumesProblem(volumes); problem != "" {
		return "Not a persistent volume: " + problem
	}
	all := x.agent.total.where(persistent).plus(parseResources(volumes).allocated(""))
	if problem := uniqueIDProblem(all); problem != "" {
		return problem
	}
	for i := range volumes {
		if problem := x.creationProblem(&volumes[i]); problem != "" {
			return problem
		}
	}
	if problem := singleRoleProblem(volumes); problem != "" {
		return "Invalid volume resources: " + problem
	}
	return ""
}

// volumesProblem finds what is no persistent volume that a task could write to.
func volumesProblem(volumes []mesos.Resource) string {
	for i := range volumes {
		switch r := &volumes[i]; {
		case r.Disk == nil:
			return "Resource " + asGiven(r) + " does not have DiskInfo"
		case r.Disk.Persistence == nil:
			return "'persistence' is not set in DiskInfo"
		case r.Disk.Volume == nil:
			return "Expecting 'volume' to be set for persistent volume"
		case r.Disk.Volume.GetMode() == mesos.RO:
			return "Read-only persistent volume not supported"
		}
	}
	return ""
}

func (x *acceptance) creationProblem(volume *mesos.Resource) string {
	if volume.Shared != nil {
		if !x.framework.has(mesos.FrameworkInfo_Capability_SHARED_RESOURCES) {
			return "Create volume operation for '" + asGiven(volume) + "' has been attempted by framework '" +
				x.framework.id + "' with no SHARED_RESOURCES capability"
		}
		return "shared volumes are not supported by this sandbox"
	}
	principal, own := x.framework.info.Principal, volume.Disk.Persistence.Principal
	switch {
	case principal == nil:
	case own == nil:
		return "Create volume operation attempted by principal '" + *principal +
			"', but there is a volume in the operation with no principal set in 'disk.persistence'"
	case *own != *principal:
		return "Create volume operation attempted by authenticated principal '" + *principal +
			"', which does not match a volume in the operation with principal '" + *own + "' set in 'disk.persistence'"
	}
	return ""
}

// destroyProblem looks at what the agent has and uses, not at the offers: those come later.
func (x *acceptance) destroyProblem(op *mesos.Offer_Operation) string {
	var volumes []mesos.Resource
	for _, v := range op.Destroy.Volumes {
		v.AllocationInfo = nil
		volumes = append(volumes, v)
	}
	if problem := operandProblem(volumes); problem != "" {
		return problem
	}
	if problem := volumesProblem(volumes); problem != "" {
		return "Not a persistent volume: " + problem
	}
	for i := range volumes {
		if !x.agent.total.holds(&volumes[i]) {
			return "Persistent volumes not found"
		}
	}
	for i := range volumes {
		if x.agent.used.holds(&volumes[i]) {
			return "Persistent volumes in use"
		}
	}
	return ""
}

func (x *acceptance) growProblem(op *mesos.Offer_Operation) string {
	volume, addition := op.GrowVolume.Volume, op.GrowVolume.Addition
	if milli(addition.GetScalar().GetValue()) <= 0 {
		return "The size of 'GrowVolume.addition' field must be greater than zero"
	}
	if volume.ProviderID != nil {
		return "Growing a volume from a resource provider is not supported"
	}
	if problem := volumesProblem([]mesos.Resource{volume}); problem != "" {
		return "Invalid persistent volume in the 'GrowVolume.volume' field: " + problem
	}
	if volume.Shared != nil {
		return "Growing a shared persistent volume is not supported"
	}
	if milli(volume.GetScalar().GetValue()) == 0 {
		return "Persistent volumes not found" // it would come from nowhere, and be without a CREATE
	}
	bare := stripped(volume)
	if sum := parseResources([]mesos.Resource{bare, addition}); len(sum.list) != 1 {
		return "Incompatible resources in the 'GrowVolume.volume' and 'GrowVolume.addition' fields"
	}
	return ""
}

func (x *acceptance) shrinkProblem(op *mesos.Offer_Operation) string {
	volume, subtract := op.ShrinkVolume.Volume, milli(op.ShrinkVolume.Subtract.Value)
	switch {
	case subtract <= 0:
		return "Value of 'ShrinkVolume.subtract' must be greater than zero"
	case milli(volume.GetScalar().GetValue()) <= subtract:
		return "Value of 'ShrinkVolume.subtract' must be smaller than the size of 'ShrinkVolume.volume'"
	case volume.ProviderID != nil:
		return "Shrinking a volume from a resource provider is not supported"
	case volume.GetDisk().GetSource().GetType() == mesos.Resource_DiskInfo_Source_MOUNT:
		return "Shrinking a volume on a MOUNT disk is not supported"
	}
	if problem := volumesProblem([]mesos.Resource{volume}); problem != "" {
		return "Invalid persistent volume in the 'ShrinkVolume.volume' field: " + problem
	}
	if volume.Shared != nil {
		return "Shrinking a shared persistent volume is not supported"
	}
	return ""
}

// createDiskProblem refuses what is not the disk of a resource provider. What is can't be on offer, since there are none here.
func (x *acceptance) createDiskProblem(op *mesos.Offer_Operation) string {
	source := &op.CreateDisk.Source
	if problem := providedProblem(source); problem != "" {
		return problem
	}
	profile, target := source.GetDisk().GetSource().GetProfile() != "", op.CreateDisk.TargetProfile != nil
	switch typ := op.CreateDisk.TargetType; {
	case !diskOf(source, mesos.Resource_DiskInfo_Source_RAW):
		return "'source' is not a RAW disk resource"
	case typ != mesos.Resource_DiskInfo_Source_MOUNT && typ != mesos.Resource_DiskInfo_Source_BLOCK:
		return "'target_type' is neither MOUNT or BLOCK"
	case profile && target:
		return "'target_profile' must not be set when 'source' has a profile"
	case !profile && !target:
		return "'target_profile' must be set when 'source' has no profile"
	}
	return ""
}

func (x *acceptance) destroyDiskProblem(op *mesos.Offer_Operation) string {
	source := &op.DestroyDisk.Source
	if problem := providedProblem(source); problem != "" {
		return problem
	}
	switch {
	case !diskOf(source, mesos.Resource_DiskInfo_Source_MOUNT, mesos.Resource_DiskInfo_Source_BLOCK, mesos.Resource_DiskInfo_Source_RAW):
		return "'source' is neither a MOUNT, BLOCK or RAW disk resource"
	case source.Disk.Source.ID == nil:
		return "'source' is not backed by a CSI volume"
	case persistent(source):
		return "A disk resource containing a persistent volume " + asGiven(source) + " cannot be destroyed directly. " +
			"Please destroy the persistent volume first then destroy the disk resource"
	}
	return ""
}

func providedProblem(source *mesos.Resource) string {
	if problem := usesProblem([]mesos.Resource{*source}); problem != "" {
		return "Invalid resource: " + problem
	}
	if source.ProviderID == nil {
		return "'source' is not managed by a resource provider"
	}
	return ""
}

func diskOf(r *mesos.Resource, types ...mesos.Resource_DiskInfo_Source_Type) bool {
	source := r.GetDisk().GetSource()
	return source != nil && slices.Contains(types, source.Type)
}
