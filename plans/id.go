package plans

import (
	"crypto/sha1"

	"github.com/google/uuid"
)

// ElementID identifies a plan, phase or step for ever. It is a UUIDv5 of the names that lead to the element, and is that in text and JSON;
// in memory it is the names, because most ids are never looked at. Compare with Equal or by String: one that was decoded has no names.
type ElementID struct {
	// path leads to the element's parent, name is its own name; without a path, name is the id as text.
	path, name string
}

// namespace is the UUIDv5 namespace of element ids. It must never change: ids are promised to be stable for ever.
var namespace = uuid.MustParse("5f6a3c0e-8d1f-5b7e-9a44-0c9d5b1e7a21")

// ID returns the id of an element. Phase and step are empty for a plan, step is empty for a phase.
func ID(service, plan, phase, step string) ElementID {
	path := planPath(service, plan)
	switch {
	case phase == "" && step == "":
		return planID(path)
	case step == "":
		return phaseID(path, phase)
	}
	return stepID(phasePath(path, phase), step)
}

// What the UUID is made of: the names of service, plan, phase and step, separated by NUL. An element has empty names for what lies below
// it.

func planPath(service, plan string) string { return service + "\x00" + plan + "\x00" }
func phasePath(path, phase string) string  { return path + phase + "\x00" }
func planID(path string) ElementID         { return ElementID{path: path, name: "\x00"} }
func phaseID(path, phase string) ElementID { return ElementID{path: path, name: phase + "\x00"} }
func stepID(path, step string) ElementID   { return ElementID{path: path, name: step} }

// UUID returns the id as a UUID; the zero UUID for the zero ElementID, and for a decoded one that is none.
func (id ElementID) UUID() uuid.UUID {
	if id.path == "" {
		u, err := uuid.Parse(id.name)
		if err != nil {
			return uuid.UUID{}
		}
		return u
	}
	name := make([]byte, 0, 128)
	name = append(name, namespace[:]...)
	name = append(name, id.path...)
	name = append(name, id.name...)
	hash := sha1.Sum(name) // a UUIDv5, as RFC 9562 has it
	var u uuid.UUID
	copy(u[:], hash[:])
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return u
}

// String returns the id as text.
func (id ElementID) String() string {
	if id.path == "" {
		return id.name
	}
	return id.UUID().String()
}

// Equal says whether two ids are of the same element.
func (id ElementID) Equal(other ElementID) bool {
	return id == other || ((id.path == "" || other.path == "") && id.String() == other.String())
}

// MarshalText encodes the id as text.
func (id ElementID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText decodes an id. Any text is taken: what it identifies is for others to say.
func (id *ElementID) UnmarshalText(text []byte) error {
	*id = ElementID{name: string(text)}
	return nil
}
