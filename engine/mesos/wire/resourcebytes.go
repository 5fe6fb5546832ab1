package wire

import (
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/quobyte/mesos-framework/offers"
)

// The resources of an offer, read from the bytes; see offerbytes.go.

// common is a resource as nearly all are.
type common struct {
	name             []byte
	scalar           float64
	hasScalar        bool
	ranges           []byte
	hasRanges, mount bool
	root             []byte
}

func (r *offerReader) resource(out *offers.Offer, b []byte) {
	before := len(r.ports)
	if in, ok := r.common(b); ok && r.take(out, in) {
		return
	}
	r.ports = r.ports[:before]
	var m mesos.Resource
	if r.doubt = !decoded(&m, b); !r.doubt { // the generated code knows what to think of it
		r.decodedResource(out, &m)
	}
}

// take adds a common resource. False means that it is none, and that nothing was added but ports.
func (r *offerReader) take(out *offers.Offer, in common) bool {
	switch name := string(in.name); {
	case in.mount:
		if name != "disk" {
			return false
		}
		r.mounts = append(r.mounts, offers.Mount{Size: sum(0, in.scalar), Root: r.word(in.root)})
	case name == "ports" && in.hasRanges:
		r.ranges(in.ranges)
		return !r.doubt
	case name == "cpus" && in.hasScalar:
		out.Free.CPUs = sum(out.Free.CPUs, in.scalar)
	case name == "mem" && in.hasScalar:
		out.Free.Mem = sum(out.Free.Mem, in.scalar)
	case name == "disk" && in.hasScalar:
		out.Free.Disk = sum(out.Free.Disk, in.scalar)
	default:
		return false
	}
	return true
}

func (r *offerReader) decodedResource(out *offers.Offer, m *mesos.Resource) {
	switch kindOf(m) {
	case plain:
		ports := out.Free.Ports
		out.Free.Ports = r.ports
		addPlain(&out.Free, m)
		r.ports, out.Free.Ports = out.Free.Ports, ports
	case mount:
		r.mounts = append(r.mounts, mountOf(m))
	default:
		r.rest = append(r.rest, resource(m))
	}
}

// common reads a resource; false means that it is another kind.
func (r *offerReader) common(b []byte) (common, bool) {
	c := cursor{b: b}
	var in common
	var seen uint32
	for !r.doubt {
		number, kind, ok := c.next()
		if !ok {
			break
		}
		switch number {
		case 1:
			if r.once(&seen, 1, kind, bytesField) {
				in.name = c.bytes()
			}
		case 2:
			if r.once(&seen, 2, kind, varintField) {
				c.varint()
			}
		case 3:
			if r.once(&seen, 3, kind, bytesField) {
				in.scalar, in.hasScalar = r.double(c.bytes()), true
			}
		case 4:
			if r.once(&seen, 4, kind, bytesField) {
				in.ranges, in.hasRanges = c.bytes(), true
			}
		case 6:
			if r.once(&seen, 6, kind, bytesField) {
				if role := string(c.bytes()); role != "" && role != "*" {
					return in, false
				}
			}
		case 7:
			if r.once(&seen, 7, kind, bytesField) {
				if in.root, in.mount = r.mountRoot(c.bytes()); !in.mount {
					return in, false
				}
			}
		case 11:
			if r.once(&seen, 11, kind, bytesField) {
				r.optional(c.bytes())
			}
		case 5, 8, 9, 10, 12, 13: // a set, reserved, revocable, shared, of a provider
			return in, false
		default:
			c.skip(kind)
		}
	}
	r.need(&c, seen, 1, 2)
	if in.hasRanges && string(in.name) != "ports" {
		return in, false // nobody would look into them
	}
	return in, !r.doubt
}

func (r *offerReader) double(b []byte) float64 {
	c := cursor{b: b}
	var seen uint32
	var out float64
	for !r.doubt {
		number, kind, ok := c.next()
		if !ok {
			break
		}
		if number != 1 {
			c.skip(kind)
			continue
		}
		if r.once(&seen, 1, kind, fixed64) {
			out = c.double()
		}
	}
	r.need(&c, seen, 1)
	return out
}

// ranges adds ranges of ports.
func (r *offerReader) ranges(b []byte) {
	c := cursor{b: b}
	for !r.doubt {
		number, kind, ok := c.next()
		if !ok {
			break
		}
		if number != 1 {
			c.skip(kind)
			continue
		}
		if kind != bytesField {
			r.doubt = true
			return
		}
		r.ports = append(r.ports, r.portRange(c.bytes()))
	}
	r.need(&c, 0)
}

func (r *offerReader) portRange(b []byte) offers.Range {
	c := cursor{b: b}
	var seen uint32
	var out offers.Range
	for !r.doubt {
		number, kind, ok := c.next()
		if !ok {
			break
		}
		switch number {
		case 1:
			if r.once(&seen, 1, kind, varintField) {
				out.Begin = c.varint()
			}
		case 2:
			if r.once(&seen, 2, kind, varintField) {
				out.End = c.varint()
			}
		default:
			c.skip(kind)
		}
	}
	r.need(&c, seen, 1, 2)
	return out
}

// mountRoot reads the DiskInfo of a MOUNT disk of which nothing is told but its root; false means that it is another.
func (r *offerReader) mountRoot(b []byte) ([]byte, bool) {
	source, ok := r.only(b, 3)
	if !ok {
		return nil, false
	}
	c := cursor{b: source}
	var seen uint32
	var root []byte
	for !r.doubt {
		number, kind, ok := c.next()
		if !ok {
			break
		}
		switch number {
		case 1:
			if r.once(&seen, 1, kind, varintField) && c.varint() != uint64(mesos.Resource_DiskInfo_Source_MOUNT) {
				return nil, false
			}
		case 3:
			if r.once(&seen, 3, kind, bytesField) {
				root, _ = r.optional(c.bytes())
			}
		case 2, 4, 5, 6, 7:
			return nil, false
		default:
			c.skip(kind)
		}
	}
	r.need(&c, seen, 1, 3)
	return root, !r.doubt
}

// only reads a message that has this message in it and nothing else.
func (r *offerReader) only(b []byte, number int) ([]byte, bool) {
	c := cursor{b: b}
	got, kind, ok := c.next()
	if !ok || got != number || kind != bytesField {
		return nil, false
	}
	out := c.bytes()
	return out, !c.failed && c.at == len(c.b)
}
