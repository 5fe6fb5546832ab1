package offers

import "time"

// Offer is one Mesos offer in compact form: what one agent has free for one role. Most of what agents offer is plain, and
// apart from the rest, so that ten thousand hosts can be looked at in no time; Resources gives it all in Mesos's form.
type Offer struct {
	ID      string
	AgentID string
	// Role is the role that all of it is allocated to.
	Role string
	// Address is the agent's own IP address (offer.url.address.ip), the hostname if there was none.
	Address string
	Site
	// Free is what is unreserved and plain: cpus, mem, disk of the root disk, and ports. Ports are sorted and do not touch.
	Free Quantities
	// Mounts are the unreserved MOUNT disks.
	Mounts []Mount
	// Rest is everything else: reserved resources, volumes, and what this package leaves alone.
	Rest []Resource
	// Unavailability is set if the agent is scheduled for maintenance.
	Unavailability *Unavailability
}

// Mount is a MOUNT disk: a whole file system, used by one volume or not at all.
type Mount struct {
	Size     Milli // MB
	Root     string
	Provider string    // empty for the agent's own
	Provided *Provided // nil for disks of the agent's --resources
}

// Unavailability is a window of maintenance. A zero Duration has no end.
type Unavailability struct {
	Start    time.Time
	Duration time.Duration
}

// Over says whether the window has ended. Mesos shows it for as long as it is in the schedule, until an operator brings the machine up.
func (u *Unavailability) Over(now time.Time) bool {
	return u.Duration > 0 && !now.Before(u.Start.Add(u.Duration))
}

// String is the window in UTC.
func (u *Unavailability) String() string {
	text := "from " + u.Start.UTC().Format(time.RFC3339)
	if u.Duration > 0 {
		text += " until " + u.Start.Add(u.Duration).UTC().Format(time.RFC3339)
	}
	return text
}

// Resources is all that is offered, in normal form.
func (o Offer) Resources() Resources {
	all := plainResources(o.Free, o.Role, nil)
	for _, m := range o.Mounts {
		all = append(all, m.resource(o.Role, nil))
	}
	return append(all, o.Rest...).Normalize()
}

// plainResources are amounts as resources with one stack of reservations.
func plainResources(q Quantities, role string, stack []Reservation) Resources {
	return appendPlain(nil, q, role, stack)
}

func appendPlain(all Resources, q Quantities, role string, stack []Reservation) Resources {
	for i, name := range scalarNames {
		if amount := *q.scalar(i); amount > 0 {
			all = append(all, Resource{Name: name, Scalar: amount, Role: role, Reservations: stack})
		}
	}
	if len(q.Ports) > 0 {
		all = append(all, Resource{Name: "ports", Type: Ranges, Ranges: q.Ports, Role: role, Reservations: stack})
	}
	return all
}

func (m Mount) resource(role string, stack []Reservation) Resource {
	return Resource{
		Name: "disk", Scalar: m.Size, Role: role, Reservations: stack, Provider: m.Provider,
		Disk: &Disk{Source: Source{Type: MountDisk, Root: m.Root, Provided: m.Provided}},
	}
}
