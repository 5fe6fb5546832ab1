package offers

import (
	"fmt"
	"strings"
)

// String is the resource as Mesos prints it in its messages, e.g. disk(allocated: dev)(reservations:
// [(DYNAMIC,dev,store,{k: v})])[MOUNT:/data/d1,vol-1:data]:1000.
func (r Resource) String() string {
	var b strings.Builder
	b.WriteString(r.Name)
	if r.Role != "" {
		b.WriteString("(allocated: " + r.Role + ")")
	}
	if len(r.Reservations) > 0 {
		b.WriteString("(reservations: [" + joined(r.Reservations, ",", Reservation.String) + "])")
	}
	if text := diskOf(r.Disk).String(); text != "" {
		b.WriteString("[" + text + "]")
	}
	if r.Revocable {
		b.WriteString("{REV}")
	}
	if r.Shared {
		b.WriteString("<SHARED>")
	}
	return b.String() + ":" + r.value()
}

func (r *Resource) value() string {
	switch r.Type {
	case Ranges:
		return "[" + joined(r.Ranges, ", ", func(r Range) string { return fmt.Sprintf("%d-%d", r.Begin, r.End) }) + "]"
	case Set:
		return "{" + strings.Join(r.Set, ", ") + "}"
	}
	return r.Scalar.String()
}

func joined[T any](items []T, between string, text func(T) string) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = text(item)
	}
	return strings.Join(texts, between)
}

// String is the reservation as Mesos prints it: (DYNAMIC,dev,store,{k: v}).
func (r Reservation) String() string {
	parts := []string{"STATIC", r.Role}
	if r.Dynamic {
		parts[0] = "DYNAMIC"
	}
	if r.Principal != "" {
		parts = append(parts, r.Principal)
	}
	if len(r.Labels) > 0 {
		parts = append(parts, "{"+joined(r.Labels, ", ", Label.String)+"}")
	}
	return "(" + strings.Join(parts, ",") + ")"
}

// String is the label as Mesos prints it: k: v.
func (l Label) String() string { return l.Key + ": " + l.Value }

// String is the disk as Mesos prints it: MOUNT:/data/d1,vol-1:data.
func (d Disk) String() string {
	text := d.Source.String()
	if d.Persistence != nil {
		if text != "" {
			text += ","
		}
		text += d.Persistence.ID
	}
	if d.Volume != nil {
		text += ":" + d.Volume.ContainerPath
	}
	return text
}

// String is the disk's source as Mesos prints it: PATH:/data/d1, and with a resource provider's (vendor,id,profile) behind
// the type.
func (s Source) String() string {
	text := s.Type.String()
	if p := s.Provided; p != nil && (p.ID != "" || p.Profile != "") {
		text += "(" + p.Vendor + "," + p.ID + "," + p.Profile + ")"
	}
	if s.Root != "" {
		text += ":" + s.Root
	}
	return text
}

// String is Mesos's name of the type; empty for the root disk, which has none.
func (t SourceType) String() string {
	switch t {
	case RootDisk:
		return ""
	case PathDisk:
		return "PATH"
	case MountDisk:
		return "MOUNT"
	case BlockDisk:
		return "BLOCK"
	case RawDisk:
		return "RAW"
	}
	return fmt.Sprintf("SourceType(%d)", uint8(t))
}

// String is Mesos's name of the type.
func (t Type) String() string {
	switch t {
	case Scalars:
		return "SCALAR"
	case Ranges:
		return "RANGES"
	case Set:
		return "SET"
	}
	return fmt.Sprintf("Type(%d)", uint8(t))
}
