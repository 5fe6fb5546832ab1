package offers

import "slices"

// Reserved says whether it is reserved for a role.
func (r Resource) Reserved() bool { return len(r.Reservations) > 0 }

// Owner is the role that it is reserved for, the innermost one of the stack; empty if it is unreserved.
func (r Resource) Owner() string {
	if last, ok := r.lastReservation(); ok {
		return last.Role
	}
	return ""
}

func (r *Resource) lastReservation() (Reservation, bool) {
	if len(r.Reservations) == 0 {
		return Reservation{}, false
	}
	return r.Reservations[len(r.Reservations)-1], true
}

// dynamic says whether it is reserved dynamically. Mesos: that is a matter of the last reservation alone.
func (r *Resource) dynamic() bool {
	last, ok := r.lastReservation()
	return ok && last.Dynamic
}

// Push is r with one more reservation on its stack, the way RESERVE wants it.
func (r Resource) Push(res Reservation) Resource {
	r.Reservations = append(slices.Clip(r.Reservations), res)
	return r
}

// Pop is r without the last reservation of its stack; r and false if it is unreserved.
func (r Resource) Pop() (Resource, bool) {
	last := len(r.Reservations) - 1
	if last < 0 {
		return r, false
	}
	r.Reservations = slices.Clip(r.Reservations[:last])
	if last == 0 {
		r.Reservations = nil
	}
	return r, true
}

// Persistent says whether it is a persistent volume.
func (r Resource) Persistent() bool { return r.Disk != nil && r.Disk.Persistence != nil }

// WithoutVolume is the disk that a persistent volume is made of, as CREATE needs it and DESTROY gives it back.
func (r Resource) WithoutVolume() Resource {
	r.Shared = false
	if r.Disk == nil || r.Disk.Source == (Source{}) {
		r.Disk = nil
		return r
	}
	r.Disk = &Disk{Source: r.Disk.Source}
	return r
}
