package cluster

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// kind separates what can't be added up: another name, another allocation, another reservation, another disk.
type kind struct {
	name       string
	allocation string // role it is allocated to, "" for an agent's own view
	facets     string // all else that Mesos compares, "" for plain unreserved resources
}

func kindOf(r *mesos.Resource) kind {
	return kind{name: r.Name, allocation: r.GetAllocationInfo().GetRole(), facets: facets(r)}
}

// facets is the same text for two resources if Mesos takes them for the same: it compares the whole stack of
// reservations, with labels in any order, and of a disk its source and the persistence id. The volume of a disk says
// how it is used this time, and the principal of a persistence who made it; neither makes another resource.
// Nobody reads it: it tells with each text how long that is, so that no text can be taken for another one.
func facets(r *mesos.Resource) string {
	var b []byte // which most resources leave empty
	for i := range r.Reservations {
		v := &r.Reservations[i]
		b = appendFacet(append(b, "reservation "...), v.GetType().String())
		b = appendOptional(appendFacet(b, v.GetRole()), v.Principal)
		if v.Labels != nil {
			b = appendFacet(b, sortedLabels(v.Labels)...)
		}
	}
	if source := r.GetDisk().GetSource(); source != nil {
		b = appendFacet(append(b, "source "...), source.Type.String())
		b = appendOptional(b, rootOf(source), source.Vendor, source.ID, source.Profile)
	}
	if persistence := r.GetDisk().GetPersistence(); persistence != nil {
		b = appendFacet(append(b, "persistence "...), persistence.ID)
	}
	if r.ProviderID != nil {
		b = appendFacet(append(b, "provider "...), r.ProviderID.Value)
	}
	if r.Revocable != nil {
		b = append(b, "revocable "...)
	}
	if r.Shared != nil {
		b = append(b, "shared "...)
	}
	return string(b)
}

func appendFacet(b []byte, texts ...string) []byte {
	for _, text := range texts {
		b = append(append(strconv.AppendInt(b, int64(len(text)), 10), ':'), text...)
	}
	return b
}

func appendOptional(b []byte, texts ...*string) []byte {
	for _, text := range texts {
		if text == nil {
			b = append(b, '-')
		} else {
			b = appendFacet(b, *text)
		}
	}
	return b
}

func sortedLabels(labels *mesos.Labels) []string {
	var list []string
	for _, label := range labels.GetLabels() {
		list = append(list, string(appendOptional(appendFacet(nil, label.Key), label.Value)))
	}
	slices.Sort(list)
	return list
}

func rootOf(source *mesos.Resource_DiskInfo_Source) *string {
	switch {
	case source.Mount != nil:
		return source.Mount.Root
	case source.Path != nil:
		return source.Path.Root
	}
	return nil
}

// exclusive tells whether a resource is given as a whole or not at all, and never merges: a MOUNT disk, which only one
// may have, and a persistent volume, which is one thing.
func exclusive(r *mesos.Resource) bool {
	source := r.GetDisk().GetSource()
	return persistent(r) || source != nil && source.Type != mesos.Resource_DiskInfo_Source_PATH
}

func persistent(r *mesos.Resource) bool { return r.GetDisk().GetPersistence() != nil }

// lastReservation is the one that counts of a stack of refined reservations, nil for unreserved resources.
func lastReservation(r *mesos.Resource) *mesos.Resource_ReservationInfo {
	if len(r.Reservations) == 0 {
		return nil
	}
	return &r.Reservations[len(r.Reservations)-1]
}

func reservationRole(r *mesos.Resource) string { return lastReservation(r).GetRole() }

func dynamic(r *mesos.Resource) bool {
	last := lastReservation(r)
	return last != nil && last.GetType() == mesos.Resource_ReservationInfo_DYNAMIC
}

// checkpointed tells whether an agent keeps a resource because of an operation: one that was reserved by it, or a
// volume (Mesos: needCheckpointing).
func checkpointed(r *mesos.Resource) bool { return dynamic(r) || persistent(r) }

// allocatableTo tells whether a role may have a resource: anybody what is unreserved, and what is reserved for a role
// that role and those below it.
func allocatableTo(role string) func(*mesos.Resource) bool {
	return func(r *mesos.Resource) bool {
		owner := reservationRole(r)
		return lastReservation(r) == nil || role == owner || below(role, owner)
	}
}

// below tells whether a role is a true sub-role, as dev/sub is of dev.
func below(role, ancestor string) bool { return strings.HasPrefix(role, ancestor+"/") }

// upgraded gives a resource the form in which reservations stand in a list, which is the only one used inside. Before
// RESERVATION_REFINEMENT the role alone meant a static reservation, and role with reservation a dynamic one.
func upgraded(r mesos.Resource) mesos.Resource {
	role, reservation := r.GetRole(), r.Reservation
	r.Role, r.Reservation = nil, nil
	if len(r.Reservations) > 0 || role == "*" {
		return r
	}
	typ := mesos.Resource_ReservationInfo_STATIC
	last := mesos.Resource_ReservationInfo{Type: &typ, Role: &role}
	if reservation != nil {
		typ = mesos.Resource_ReservationInfo_DYNAMIC
		last.Principal, last.Labels = reservation.Principal, reservation.Labels
	}
	r.Reservations = []mesos.Resource_ReservationInfo{last}
	return r
}

// popped is the resource before its last reservation.
func popped(r mesos.Resource) mesos.Resource {
	last := len(r.Reservations) - 1
	if last < 1 {
		r.Reservations = nil // and not empty, which would be told
		return r
	}
	r.Reservations = r.Reservations[:last:last]
	return r
}

// stripped is the disk that a persistent volume was made of.
func stripped(r mesos.Resource) mesos.Resource {
	r.Shared = nil
	source := r.GetDisk().GetSource()
	if r.Disk = nil; source != nil {
		r.Disk = &mesos.Resource_DiskInfo{Source: source}
	}
	return r
}

// resourceForm is what a framework's capabilities make of the shape of a resource (Mesos: no allocation_info without
// MULTI_ROLE; "role" with or without "reservation" in place of "reservations" without RESERVATION_REFINEMENT).
type resourceForm struct {
	allocation bool
	refined    bool
}

// shows tells whether a resource can be told in this form: a refined reservation has none in the old one, so a
// framework without RESERVATION_REFINEMENT is not offered it.
func (form resourceForm) shows(r *mesos.Resource) bool {
	return form.refined || len(r.Reservations) < 2
}

// wire gives the resources in the form that a framework with these capabilities is sent.
func (r Resources) wire(form resourceForm) []mesos.Resource {
	out := make([]mesos.Resource, 0, len(r.list))
	for _, q := range r.list {
		out = append(out, q.wire(form))
	}
	return out
}

func (q quantity) wire(form resourceForm) mesos.Resource {
	typ := q.typ
	w := mesos.Resource{Name: q.kind.name, Type: &typ, Reservations: q.origin.Reservations, Disk: q.origin.Disk}
	switch typ {
	case mesos.SCALAR:
		w.Scalar = &mesos.Value_Scalar{Value: float64(q.milli) / 1000}
	case mesos.RANGES:
		w.Ranges = &mesos.Value_Ranges{}
		for _, span := range q.spans {
			w.Ranges.Range = append(w.Ranges.Range, mesos.Value_Range{Begin: span.Begin, End: span.End})
		}
	case mesos.SET:
		w.Set = &mesos.Value_Set{Item: slices.Clone(q.items)}
	}
	if form.allocation && q.kind.allocation != "" {
		role := q.kind.allocation
		w.AllocationInfo = &mesos.Resource_AllocationInfo{Role: &role}
	}
	if !form.refined {
		downgrade(&w)
	}
	return w
}

func downgrade(r *mesos.Resource) {
	role := cmp.Or(reservationRole(r), "*")
	r.Role = &role
	if dynamic(r) {
		last := lastReservation(r)
		r.Reservation = &mesos.Resource_ReservationInfo{Principal: last.Principal, Labels: last.Labels}
	}
	r.Reservations = nil
}

// facetText prints what distinguishes a resource beyond its name, in the notation of a master's messages.
func facetText(r *mesos.Resource) string {
	var b strings.Builder
	if len(r.Reservations) > 0 {
		var stack []string
		for i := range r.Reservations {
			stack = append(stack, reservationText(&r.Reservations[i]))
		}
		b.WriteString("(reservations: [" + strings.Join(stack, ",") + "])")
	}
	if r.Disk != nil {
		b.WriteString("[" + diskText(r.Disk) + "]")
	}
	if r.Revocable != nil {
		b.WriteString("{REV}")
	}
	if r.Shared != nil {
		b.WriteString("<SHARED>")
	}
	return b.String()
}

func reservationText(r *mesos.Resource_ReservationInfo) string {
	parts := []string{r.GetType().String(), r.GetRole()}
	if r.Principal != nil {
		parts = append(parts, *r.Principal)
	}
	if r.Labels != nil {
		parts = append(parts, labelsText(r.Labels))
	}
	return "(" + strings.Join(parts, ",") + ")"
}

func labelsText(labels *mesos.Labels) string {
	var pairs []string
	for _, label := range labels.GetLabels() {
		pair := label.Key
		if label.Value != nil {
			pair += ": " + *label.Value
		}
		pairs = append(pairs, pair)
	}
	return "{" + strings.Join(pairs, ", ") + "}"
}

func diskText(d *mesos.Resource_DiskInfo) string {
	var parts []string
	if d.Source != nil {
		text := d.Source.Type.String()
		if d.Source.ID != nil || d.Source.Profile != nil {
			text += "(" + d.Source.GetVendor() + "," + d.Source.GetID() + "," + d.Source.GetProfile() + ")"
		} else if root := rootOf(d.Source); root != nil {
			text += ":" + *root
		}
		parts = append(parts, text)
	}
	if d.Persistence != nil {
		parts = append(parts, d.Persistence.ID)
	}
	text := strings.Join(parts, ",")
	if d.Volume == nil {
		return text
	}
	text += ":"
	if d.Volume.HostPath != nil {
		return text + *d.Volume.HostPath + ":" + d.Volume.ContainerPath + ":" + strings.ToLower(d.Volume.GetMode().String())
	}
	return text + d.Volume.ContainerPath
}
