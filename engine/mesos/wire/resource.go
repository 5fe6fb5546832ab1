package wire

import (
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/quobyte/mesos-framework/offers"
)

// resource decodes a resource with all that tells it apart.
func resource(r *mesos.Resource) offers.Resource {
	out := offers.Resource{
		Name:         r.Name,
		Role:         r.GetAllocationInfo().GetRole(),
		Reservations: reservations(r),
		Disk:         disk(r.Disk),
		Provider:     providerOf(r),
		Shared:       r.Shared != nil,
		Revocable:    r.Revocable != nil,
	}
	switch r.GetType() {
	case mesos.RANGES:
		out.Type = offers.Ranges
		for _, p := range r.GetRanges().GetRange() {
			out.Ranges = append(out.Ranges, offers.Range{Begin: p.Begin, End: p.End})
		}
		out.Ranges = merge(out.Ranges)
	case mesos.SET:
		out.Type = offers.Set
		out.Set = slices.Sorted(slices.Values(r.GetSet().GetItem()))
	default:
		out.Scalar = sum(0, r.GetScalar().GetValue())
	}
	return out
}

func providerOf(r *mesos.Resource) string {
	if r.ProviderID == nil {
		return ""
	}
	return r.ProviderID.Value
}

// reservations reads the stack, or the form of before Mesos 1.5: one role, and a reservation if it is dynamic.
func reservations(r *mesos.Resource) []offers.Reservation {
	if len(r.Reservations) == 0 {
		if role := r.GetRole(); role != "" && role != "*" {
			old := offers.Reservation{Role: role, Dynamic: r.Reservation != nil}
			if r.Reservation != nil {
				old.Principal, old.Labels = r.Reservation.GetPrincipal(), labelsOf(r.Reservation.Labels)
			}
			return []offers.Reservation{old}
		}
		return nil
	}
	out := make([]offers.Reservation, len(r.Reservations))
	for i := range r.Reservations {
		in := &r.Reservations[i]
		out[i] = offers.Reservation{
			Dynamic:   in.GetType() == mesos.Resource_ReservationInfo_DYNAMIC,
			Role:      in.GetRole(),
			Principal: in.GetPrincipal(),
			Labels:    labelsOf(in.Labels),
		}
	}
	return out
}

func labelsOf(l *mesos.Labels) []offers.Label {
	if l == nil || len(l.Labels) == 0 {
		return nil
	}
	out := make([]offers.Label, len(l.Labels))
	for i := range l.Labels {
		out[i] = offers.Label{Key: l.Labels[i].Key, Value: l.Labels[i].GetValue()}
	}
	return out
}

// sources are the kinds of disks.
var sources = [...]struct {
	ours   offers.SourceType
	theirs mesos.Resource_DiskInfo_Source_Type
}{
	{offers.PathDisk, mesos.Resource_DiskInfo_Source_PATH},
	{offers.MountDisk, mesos.Resource_DiskInfo_Source_MOUNT},
	{offers.BlockDisk, mesos.Resource_DiskInfo_Source_BLOCK},
	{offers.RawDisk, mesos.Resource_DiskInfo_Source_RAW},
}

func disk(d *mesos.Resource_DiskInfo) *offers.Disk {
	if d == nil {
		return nil
	}
	out := &offers.Disk{}
	if s := d.Source; s != nil {
		out.Source = offers.Source{Type: offers.RawDisk, Provided: provided(s)} // a kind of disk that nobody here knows is left alone like RAW
		for _, kind := range sources {
			if kind.theirs == s.Type {
				out.Source.Type = kind.ours
			}
		}
		switch {
		case s.Mount != nil:
			out.Source.Root = s.Mount.GetRoot()
		case s.Path != nil:
			out.Source.Root = s.Path.GetRoot()
		}
	}
	if p := d.Persistence; p != nil {
		out.Persistence = &offers.Persistence{ID: p.ID, Principal: p.GetPrincipal()}
	}
	if v := d.Volume; v != nil {
		out.Volume = &offers.DiskVolume{ContainerPath: v.ContainerPath, ReadOnly: v.GetMode() == mesos.RO}
	}
	return out
}

func provided(s *mesos.Resource_DiskInfo_Source) *offers.Provided {
	if s.ID == nil && s.Vendor == nil && s.Profile == nil && s.Metadata == nil {
		return nil
	}
	return &offers.Provided{ID: s.GetID(), Vendor: s.GetVendor(), Profile: s.GetProfile(), Metadata: labelsOf(s.Metadata)}
}

// resources encodes resources. What is nothing is left out: Mesos refuses it in some places.
func resources(list offers.Resources) []mesos.Resource {
	var out []mesos.Resource
	for i := range list {
		if r := &list[i]; r.Scalar > 0 || len(r.Ranges) > 0 || len(r.Set) > 0 {
			out = append(out, resourceMessage(r))
		}
	}
	return out
}

func resourceMessage(r *offers.Resource) mesos.Resource {
	out := mesos.Resource{Name: r.Name, Disk: diskMessage(r.Disk)}
	if r.Role != "" {
		out.AllocationInfo = &mesos.Resource_AllocationInfo{Role: ptr(r.Role)}
	}
	if r.Provider != "" {
		out.ProviderID = &mesos.ResourceProviderID{Value: r.Provider}
	}
	if r.Shared {
		out.Shared = &mesos.Resource_SharedInfo{}
	}
	if r.Revocable {
		out.Revocable = &mesos.Resource_RevocableInfo{}
	}
	for _, in := range r.Reservations {
		out.Reservations = append(out.Reservations, reservationMessage(in))
	}
	switch r.Type {
	case offers.Ranges:
		out.Type, out.Ranges = mesos.RANGES.Enum(), &mesos.Value_Ranges{}
		for _, p := range r.Ranges {
			out.Ranges.Range = append(out.Ranges.Range, mesos.Value_Range{Begin: p.Begin, End: p.End})
		}
	case offers.Set:
		out.Type, out.Set = mesos.SET.Enum(), &mesos.Value_Set{Item: r.Set}
	default:
		out.Type, out.Scalar = mesos.SCALAR.Enum(), &mesos.Value_Scalar{Value: r.Scalar.Float()}
	}
	return out
}

func reservationMessage(r offers.Reservation) mesos.Resource_ReservationInfo {
	kind := mesos.Resource_ReservationInfo_STATIC
	if r.Dynamic {
		kind = mesos.Resource_ReservationInfo_DYNAMIC
	}
	return mesos.Resource_ReservationInfo{Type: kind.Enum(), Role: ptr(r.Role), Principal: text(r.Principal), Labels: labels(r.Labels)}
}

func diskMessage(d *offers.Disk) *mesos.Resource_DiskInfo {
	if d == nil || d.Source == (offers.Source{}) && d.Persistence == nil && d.Volume == nil {
		return nil // Mesos refuses a disk that says nothing
	}
	out := &mesos.Resource_DiskInfo{Source: sourceMessage(d.Source)}
	if p := d.Persistence; p != nil {
		out.Persistence = &mesos.Resource_DiskInfo_Persistence{ID: p.ID, Principal: text(p.Principal)}
	}
	if v := d.Volume; v != nil {
		out.Volume = &mesos.Volume{Mode: mode(v.ReadOnly), ContainerPath: v.ContainerPath}
	}
	return out
}

func sourceMessage(s offers.Source) *mesos.Resource_DiskInfo_Source {
	if s == (offers.Source{}) {
		return nil
	}
	out := &mesos.Resource_DiskInfo_Source{}
	for _, kind := range sources {
		if kind.ours == s.Type {
			out.Type = kind.theirs
		}
	}
	switch {
	case s.Root == "":
	case s.Type == offers.MountDisk:
		out.Mount = &mesos.Resource_DiskInfo_Source_Mount{Root: ptr(s.Root)}
	case s.Type == offers.PathDisk:
		out.Path = &mesos.Resource_DiskInfo_Source_Path{Root: ptr(s.Root)}
	}
	if p := s.Provided; p != nil {
		out.ID, out.Vendor, out.Profile, out.Metadata = text(p.ID), text(p.Vendor), text(p.Profile), labels(p.Metadata)
	}
	return out
}

func mode(readOnly bool) *mesos.Volume_Mode {
	if readOnly {
		return mesos.RO.Enum()
	}
	return mesos.RW.Enum()
}
