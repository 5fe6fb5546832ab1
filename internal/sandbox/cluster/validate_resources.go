package cluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/quobyte/mesos-framework/internal/sandbox/protojson"
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
	if typ := r.GetType(); typ == mesos.TEXT {
		return "Unsupported resource type"
	}
	return "Invalid " + strings.ToLower(r.GetType().String()) + " resource"
}

func scalarProblem(value float64) string {
	switch {
	case math.IsNaN(value) || math.IsInf(value, 0):
		return "Invalid scalar resource: not a finite number"
	case value != 0 && milli(value) <= 0: // what is less than 0.001 is nothing
		return "Invalid scalar resource: value <= 0"
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
		return "Unsupported 'DiskInfo.Source.Type' in 'UNKNOWN'"
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
	if len(r.Reservations) > 1 {
		for _, old := range []struct {
			field string
			set   bool
		}{{"role", r.Role != nil}, {"reservation", r.Reservation != nil}} {
			if old.set {
				return wrong + "'Resource." + old.field + "' must not be set if there is more than one reservation in 'Resource.reservations'"
			}
		}
		return ""
	}
	only := &r.Reservations[0]
	if r.Role != nil && *r.Role != only.GetRole() {
		return wrong + "'Resource.role' field with '" + *r.Role + "' does not match the role '" + only.GetRole() + "' in 'Resource.reservations'"
	}
	switch only.GetType() {
	case mesos.Resource_ReservationInfo_STATIC:
		if r.Reservation != nil {
			return wrong + "'Resource.reservation' must not be set if the single reservation in 'Resource.reservations' is STATIC"
		}
		return ""
	case mesos.Resource_ReservationInfo_DYNAMIC:
		return bothDynamicProblem(r, only)
	}
	return "Unsupported 'Resource.ReservationInfo.Type'"
}

func bothDynamicProblem(r *mesos.Resource, only *mesos.Resource_ReservationInfo) string {
	const wrong = "Invalid resource format: "
	old := r.Reservation
	switch {
	case (r.Role != nil) != (old != nil):
		return wrong + "'Resource.role' and 'Resource.reservation' must either be both set or both not set if the single reservation " +
			"in 'Resource.reservations' is DYNAMIC"
	case old == nil:
		return ""
	case old.GetPrincipal() != only.GetPrincipal():
		return wrong + "'Resource.reservation.principal' field with '" + old.GetPrincipal() + "' does not match the principal '" +
			only.GetPrincipal() + "' in 'Resource.reservations'"
	case !slices.Equal(sortedLabels(old.Labels), sortedLabels(only.Labels)):
		return wrong + "'Resource.reservation.labels' field with '" + labelsText(old.Labels) + "' does not match the labels '" +
			labelsText(only.Labels) + "' in 'Resource.reservations'"
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
	var gpus int64
	for i := range resources {
		if resources[i].Name == "gpus" {
			gpus += milli(resources[i].GetScalar().GetValue())
		}
	}
	if gpus%1000 != 0 {
		return "Invalid 'gpus' resource: The 'gpus' resource must be an unsigned integer"
	}
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
		key := [2]string{reservationRole(q.origin), q.origin.Disk.Persistence.ID}
		if seen[key] {
			return "Persistence ID '" + key[1] + "' is not unique"
		}
		seen[key] = true
	}
	return ""
}

// revocableProblem finds amounts of one name of which some may be taken away and others not.
func revocableProblem(r Resources) string {
	can := func(revocable bool) func(*mesos.Resource) bool {
		return func(one *mesos.Resource) bool { return (one.Revocable != nil) == revocable }
	}
	for _, q := range r.where(can(true)).list {
		for _, other := range r.where(can(false)).list {
			if q.kind.name == other.kind.name {
				return "Cannot use both revocable and non-revocable '" + q.kind.name + "' at the same time"
			}
		}
	}
	return ""
}

// overlapping tells whether the same port, or whatever else comes in ranges and sets, is in several of them. Scalars have no
// identity.
func overlapping(lists ...Resources) bool {
	var seen []quantity
	for _, r := range lists {
		for _, q := range r.list {
			for _, other := range seen {
				if q.merges(&other) && q.meets(other) {
					return true
				}
			}
		}
		seen = append(seen, r.list...)
	}
	return false
}

func (q quantity) meets(other quantity) bool {
	for _, span := range q.spans {
		if slices.ContainsFunc(other.spans, func(s Span) bool { return s.Begin <= span.End && span.Begin <= s.End }) {
			return true
		}
	}
	return slices.ContainsFunc(q.items, func(item string) bool { return slices.Contains(other.items, item) })
}

// resourcesJSON prints a list as it is in a message: in JSON, fields by name (stout prints objects, not messages).
func resourcesJSON(list []mesos.Resource) string {
	objects := make([]any, 0, len(list))
	for i := range list {
		text, err := protojson.Marshal(&list[i])
		if err != nil {
			return err.Error()
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		var object any
		if err := decoder.Decode(&object); err != nil {
			return err.Error()
		}
		objects = append(objects, object)
	}
	text, err := json.Marshal(objects)
	if err != nil {
		return err.Error()
	}
	return string(text)
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
