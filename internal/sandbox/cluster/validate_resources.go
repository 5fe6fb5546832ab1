package cluster

import (
	"errors"
	"math"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// formProblem says what is wrong with the form of resources, before anything else is looked at. They are printed as
// they came.
func formProblem(resources []*mesos.Resource) string {
	for _, r := range resources {
		if problem := resourceProblem(r); problem != "" {
			return "Resource '" + asGiven(r) + "' is invalid: " + problem
		}
	}
	return ""
}

func resourceProblem(r *mesos.Resource) string {
	checks := []func(*mesos.Resource) string{valueProblem, diskFormProblem, reservationsProblem, sharedFormProblem}
	for _, check := range checks {
		if problem := check(r); problem != "" {
			return problem
		}
	}
	return ""
}

func valueProblem(r *mesos.Resource) string {
	if r.Name == "" {
		return "Empty resource name"
	}
	bodies := 0
	for _, set := range []bool{r.Scalar != nil, r.Ranges != nil, r.Set != nil} {
		if set {
			bodies++
		}
	}
	switch typ := r.GetType(); {
	case typ == mesos.SCALAR && r.Scalar != nil && bodies == 1:
		return scalarProblem(r.Scalar.Value)
	case typ == mesos.RANGES && r.Ranges != nil && bodies == 1:
		return rangesProblem(r.Ranges.Range)
	case typ == mesos.SET && r.Set != nil && bodies == 1:
		if len(duplicates(r.Set.Item)) > 0 {
			return "Invalid set resource: duplicated elements"
		}
		return ""
	}
	return "Invalid " + strings.ToLower(r.GetType().String()) + " resource"
}

func scalarProblem(value float64) string {
	switch {
	case math.IsNaN(value) || math.IsInf(value, 0):
		return "Invalid scalar resource: not a finite number"
	case value < 0:
		return "Invalid scalar resource: value <= 0"
	case value != 0 && milli(value) == 0:
		return "Invalid scalar resource: smaller than 0.001"
	}
	return ""
}

func rangesProblem(list []mesos.Value_Range) string {
	for i, r := range list {
		if r.Begin > r.End {
			return "Invalid ranges resource: begin > end"
		}
		for _, other := range list[:i] {
			if r.Begin <= other.End && other.Begin <= r.End {
				return "Invalid ranges resource: overlapping ranges"
			}
		}
	}
	return ""
}

func diskFormProblem(r *mesos.Resource) string {
	source := r.GetDisk().GetSource()
	switch {
	case r.Disk != nil && r.Name != "disk":
		return "DiskInfo should not be set for " + r.Name + " resource"
	case source == nil:
		return ""
	}
	switch source.Type {
	case mesos.Resource_DiskInfo_Source_PATH, mesos.Resource_DiskInfo_Source_MOUNT:
	case mesos.Resource_DiskInfo_Source_BLOCK, mesos.Resource_DiskInfo_Source_RAW:
		switch {
		case source.Mount != nil:
			return "Mount should not be set for " + source.Type.String() + " disk source"
		case source.Path != nil:
			return "Path should not be set for " + source.Type.String() + " disk source"
		}
	default:
		return "Unsupported 'DiskInfo.Source.Type'"
	}
	return ""
}

func sharedFormProblem(r *mesos.Resource) string {
	switch {
	case r.Shared == nil:
		return ""
	case r.Name != "disk":
		return "Resource " + r.Name + " cannot be shared"
	case !persistent(r):
		return "Only persistent volumes can be shared"
	}
	return ""
}

// reservationsProblem checks the two forms in which reservations can come, and that they agree if both are there.
func reservationsProblem(r *mesos.Resource) string {
	if len(r.Reservations) == 0 {
		return oldFormProblem(r)
	}
	for i := range r.Reservations {
		if problem := reservationProblem(&r.Reservations[i]); problem != "" {
			return problem
		}
	}
	for i := range r.Reservations[1:] {
		ancestor, v := r.Reservations[i].GetRole(), &r.Reservations[i+1]
		switch {
		case v.GetType() == mesos.Resource_ReservationInfo_STATIC:
			return "Invalid refined reservation: A refined reservation cannot be STATIC"
		case !below(v.GetRole(), ancestor):
			return "Invalid refined reservation: role '" + v.GetRole() + "' is not a refinement of '" + ancestor + "'"
		}
	}
	return bothFormsProblem(r)
}

func oldFormProblem(r *mesos.Resource) string {
	if problem := roleProblem(r.GetRole()); problem != "" {
		return problem
	}
	switch {
	case r.Reservation == nil:
		return ""
	case r.Reservation.Type != nil:
		return "'Resource.ReservationInfo.type' must not be set for the 'Resource.reservation' field"
	case r.Reservation.Role != nil:
		return "'Resource.ReservationInfo.role' must not be set for the 'Resource.reservation' field"
	case r.GetRole() == "*":
		return `Invalid reservation: role "*" cannot be dynamically reserved`
	}
	return ""
}

func reservationProblem(v *mesos.Resource_ReservationInfo) string {
	switch {
	case v.Type == nil:
		return "Invalid reservation: 'Resource.ReservationInfo.type' field must be set."
	case v.Role == nil:
		return "Invalid reservation: 'Resource.ReservationInfo.role' field must be set."
	}
	if problem := roleProblem(*v.Role); problem != "" {
		return problem
	}
	if *v.Role == "*" {
		return `Invalid reservation: role "*" cannot be reserved`
	}
	return ""
}

// bothFormsProblem lets "role" and "reservation" stand beside "reservations" if they say the same.
func bothFormsProblem(r *mesos.Resource) string {
	const wrong = "Invalid resource format: "
	old := upgraded(mesos.Resource{Role: r.Role, Reservation: r.Reservation})
	switch {
	case r.Role == nil && r.Reservation == nil:
		return ""
	case len(r.Reservations) > 1:
		return wrong + "'Resource.role' and 'Resource.reservation' must not be set if there is more than one " +
			"reservation in 'Resource.reservations'"
	case facets(&old) != facets(&mesos.Resource{Reservations: r.Reservations}):
		return wrong + "'Resource.role' and 'Resource.reservation' do not match 'Resource.reservations'"
	}
	return ""
}

// asGiven prints a resource as it came, with its allocation only if that was given.
func asGiven(wire *mesos.Resource) string {
	q := parseQuantity(wire)
	q.spans = nil
	for _, span := range wire.GetRanges().GetRange() {
		q.spans = append(q.spans, Span{Begin: span.Begin, End: span.End})
	}
	q.items = wire.GetSet().GetItem()
	return q.String()
}

// usesProblem checks what a disk is used as and how resources are reserved, for resources whose form is good.
func usesProblem(resources []mesos.Resource) string {
	for i := range resources {
		if problem := diskProblem(&resources[i]); problem != "" {
			return "Invalid DiskInfo: " + problem
		}
	}
	for i := range resources {
		if r := &resources[i]; dynamic(r) && r.Revocable != nil {
			return "Invalid ReservationInfo: Dynamically reserved resource " + asGiven(r) +
				" cannot be created from revocable resources"
		}
	}
	return ""
}

func diskProblem(r *mesos.Resource) string {
	disk := r.Disk
	switch {
	case disk == nil:
		return ""
	case disk.Persistence == nil && disk.Volume != nil:
		return "Non-persistent volume not supported"
	case disk.Persistence == nil && disk.Source == nil:
		return "DiskInfo is set but empty"
	case disk.Persistence == nil:
		return ""
	case r.Revocable != nil:
		return "Persistent volumes cannot be created from revocable resources"
	case lastReservation(r) == nil:
		return "Persistent volumes cannot be created from unreserved resources"
	case disk.Volume == nil:
		return "Expecting 'volume' to be set for persistent volume"
	case disk.Volume.HostPath != nil:
		return "Expecting 'host_path' to be unset for persistent volume"
	}
	if problem := idProblem(disk.Persistence.ID); problem != "" {
		return "Invalid persistence ID for persistent volume: " + problem
	}
	return ""
}

// uniqueIDProblem finds two volumes of one role with the same persistence id.
func uniqueIDProblem(r Resources) string {
	seen := map[[2]string]bool{}
	for _, q := range r.where(persistent).list {
		key := [2]string{reservationRole(&q.origin), q.origin.Disk.Persistence.ID}
		if seen[key] {
			return "Persistence ID '" + key[1] + "' is not unique"
		}
		seen[key] = true
	}
	return ""
}

func singleRoleProblem(resources []mesos.Resource) string {
	for i := range resources {
		first, role := resources[0].GetAllocationInfo().GetRole(), resources[i].GetAllocationInfo().GetRole()
		if role != first {
			return "The resources have multiple allocation roles ('" + role + "' and '" + first +
				"') but only one allocation role is allowed"
		}
	}
	return ""
}

// CheckResources tells what is wrong with resources that an agent is to have. Ids of volumes need not be unique: see Volume.
func CheckResources(resources []mesos.Resource) error {
	if problem := formProblem(pointers(resources)); problem != "" {
		return errors.New(problem)
	}
	for i := range resources {
		r := upgraded(resources[i])
		if problem := diskProblem(&r); problem != "" {
			return errors.New("Resource '" + asGiven(&r) + "' is invalid: " + problem)
		}
		if r.Revocable != nil || r.Shared != nil || r.ProviderID != nil || r.AllocationInfo != nil {
			return errors.New("Resource '" + asGiven(&r) + "' is revocable, shared, allocated or from a resource " +
				"provider, which this sandbox does not have")
		}
	}
	return nil
}

func pointers(resources []mesos.Resource) []*mesos.Resource {
	list := make([]*mesos.Resource, 0, len(resources))
	for i := range resources {
		list = append(list, &resources[i])
	}
	return list
}
