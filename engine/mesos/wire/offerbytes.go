package wire

import (
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
)

// Offers come by the ten thousands, and to build mesos-go's messages of them takes most of the time. So they are read from the bytes: what
// nearly all resources are (plain, or a MOUNT disk of the agent's own) and what surrounds them. The generated code decodes the others, one by one.
// At the least doubt (a field that comes twice, one that is missing, a wire type that does not fit) it decodes the whole event; the outcome
// is always the same as if it had.

// maxWords bounds how many different words of an event are kept to be shared.
const maxWords = 4096

// offerReader reads the offers of one event.
type offerReader struct {
	decoder Decoder
	doubt   bool
	words   map[string]string // what many agents say alike is kept once: roles, attributes, zones, roots of disks
	mounts  []offers.Mount    // of one offer, as the following two: they are copied when it is known how long they are
	ports   []offers.Range
	rest    []offers.Resource
}

// readOffers reads an OFFERS event. False means that it is another event, or that there is doubt.
func (d Decoder) readOffers(record []byte) (machine.Offered, bool) {
	c := cursor{b: record}
	var list []byte
	isOffers, lists := false, 0
	for {
		number, kind, ok := c.next()
		if !ok {
			break
		}
		switch {
		case number == 1 && kind == varintField && !isOffers:
			if c.varint() != uint64(scheduler.Event_OFFERS) {
				return machine.Offered{}, false
			}
			isOffers = true
		case number == 3 && kind == bytesField:
			list = c.bytes()
			lists++
		case number <= 11: // another event's body; the reserved 7 is not worth a case
			return machine.Offered{}, false
		default:
			c.skip(kind)
		}
	}
	if c.failed || !isOffers || lists != 1 {
		return machine.Offered{}, false
	}
	r := offerReader{decoder: d, words: make(map[string]string)}
	out := machine.Offered{Offers: make([]offers.Offer, 0, countOffers(list))}
	c = cursor{b: list}
	for {
		number, kind, ok := c.next()
		if !ok {
			break
		}
		if number != 1 {
			c.skip(kind)
			continue
		}
		if kind != bytesField {
			return machine.Offered{}, false
		}
		out.Offers = append(out.Offers, offers.Offer{})
		if r.offer(&out.Offers[len(out.Offers)-1], c.bytes()); r.doubt {
			return machine.Offered{}, false
		}
	}
	return out, !c.failed
}

func countOffers(list []byte) int {
	n, c := 0, cursor{b: list}
	for {
		number, kind, ok := c.next()
		if !ok {
			return n
		}
		if number == 1 {
			n++
		}
		c.skip(kind)
	}
}

// once notes that a field has come, and doubts if it had already, or is of another wire type than it should be.
func (r *offerReader) once(seen *uint32, number, kind, want int) bool {
	bit := uint32(1) << number
	if kind != want || *seen&bit != 0 {
		r.doubt = true
		return false
	}
	*seen |= bit
	return true
}

// need doubts unless all these fields have come.
func (r *offerReader) need(c *cursor, seen uint32, numbers ...int) {
	if c.failed {
		r.doubt = true
	}
	for _, n := range numbers {
		if seen&(1<<n) == 0 {
			r.doubt = true
		}
	}
}

func (r *offerReader) offer(out *offers.Offer, b []byte) {
	r.mounts, r.ports, r.rest = r.mounts[:0], r.ports[:0], r.rest[:0]
	c := cursor{b: b}
	var seen uint32
	for !r.doubt {
		number, kind, ok := c.next()
		if !ok {
			break
		}
		switch {
		case number > 11:
			c.skip(kind)
			continue
		case number == 5 || number == 6 || number == 7: // repeated
			if kind != bytesField {
				r.doubt = true
				return
			}
		case !r.once(&seen, number, kind, bytesField):
			return
		}
		field := c.bytes()
		switch number {
		case 1:
			out.ID = string(r.value(field))
		case 2:
			r.value(field)
		case 3:
			out.AgentID = string(r.value(field))
		case 4:
			out.Hostname = string(field)
		case 5:
			r.resource(out, field)
		case 6:
			r.value(field)
		case 7:
			out.Attributes = append(out.Attributes, r.attribute(field))
		case 8:
			out.Address = r.ip(field)
		case 9:
			out.Unavailability = r.unavailability(field)
		case 10:
			out.Role = r.role(field)
		case 11:
			out.Region, out.Zone = r.domain(field)
		}
	}
	r.need(&c, seen, 1, 2, 3, 4)
	out.Free.Ports = merge(copied(r.ports))
	out.Mounts, out.Rest = copied(r.mounts), copied(r.rest)
	complete(out, r.decoder.HostKeyAttribute)
}

func copied[T any](in []T) []T {
	if len(in) == 0 {
		return nil
	}
	return slices.Clone(in)
}

// value reads a message with one required string, as ids and texts are.
func (r *offerReader) value(b []byte) []byte {
	out, ok := r.optional(b)
	if !ok {
		r.doubt = true
	}
	return out
}

// optional reads a message with one string, and says whether it is there.
func (r *offerReader) optional(b []byte) ([]byte, bool) {
	c := cursor{b: b}
	var out []byte
	var seen uint32
	for {
		number, kind, ok := c.next()
		if !ok {
			break
		}
		if number != 1 {
			c.skip(kind)
			continue
		}
		if !r.once(&seen, 1, kind, bytesField) {
			break
		}
		out = c.bytes()
	}
	r.need(&c, seen)
	return out, seen != 0
}

// word makes a string that many messages contain.
func (r *offerReader) word(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if w, ok := r.words[string(b)]; ok {
		return w
	}
	w := string(b)
	if len(r.words) < maxWords {
		r.words[w] = w
	}
	return w
}

func (r *offerReader) role(b []byte) string {
	role, _ := r.optional(b)
	return r.word(role)
}

func (r *offerReader) attribute(b []byte) offers.Attribute {
	c := cursor{b: b}
	var seen uint32
	var name, text []byte
	kindOfValue := uint64(mesos.TEXT)
	for !r.doubt {
		number, kind, ok := c.next()
		if !ok {
			break
		}
		switch number {
		case 1:
			if r.once(&seen, 1, kind, bytesField) {
				name = c.bytes()
			}
		case 2:
			if r.once(&seen, 2, kind, varintField) {
				kindOfValue = c.varint()
			}
		case 5:
			if r.once(&seen, 5, kind, bytesField) {
				text = r.value(c.bytes())
			}
		case 3, 4, 6:
			return r.decodedAttribute(b)
		default:
			c.skip(kind)
		}
	}
	r.need(&c, seen, 1, 2)
	if kindOfValue != uint64(mesos.TEXT) {
		return r.decodedAttribute(b)
	}
	return offers.Attribute{Name: r.word(name), Value: r.word(text)}
}

func (r *offerReader) decodedAttribute(b []byte) offers.Attribute {
	var a mesos.Attribute
	if !decoded(&a, b) {
		r.doubt = true
		return offers.Attribute{}
	}
	return offers.Attribute{Name: r.word([]byte(a.Name)), Value: attributeText(&a)}
}

// ip is that of the agent's URL.
func (r *offerReader) ip(b []byte) string {
	c := cursor{b: b}
	var seen uint32
	var out []byte
	for !r.doubt {
		number, kind, ok := c.next()
		if !ok {
			break
		}
		switch number {
		case 1, 3, 5:
			if r.once(&seen, number, kind, bytesField) {
				c.bytes()
			}
		case 2:
			if r.once(&seen, 2, kind, bytesField) {
				out = r.address(c.bytes())
			}
		case 4: // a query has required fields: agents have none
			r.doubt = true
		default:
			c.skip(kind)
		}
	}
	r.need(&c, seen, 1, 2)
	return string(out)
}

func (r *offerReader) address(b []byte) (ip []byte) {
	c := cursor{b: b}
	var seen uint32
	for !r.doubt {
		number, kind, ok := c.next()
		if !ok {
			break
		}
		switch number {
		case 1:
			if r.once(&seen, 1, kind, bytesField) {
				c.bytes()
			}
		case 2:
			if r.once(&seen, 2, kind, bytesField) {
				ip = c.bytes()
			}
		case 3:
			if r.once(&seen, 3, kind, varintField) {
				c.varint()
			}
		default:
			c.skip(kind)
		}
	}
	r.need(&c, seen, 3)
	return ip
}

func (r *offerReader) unavailability(b []byte) *offers.Unavailability {
	var u mesos.Unavailability
	if !decoded(&u, b) {
		r.doubt = true
		return nil
	}
	return unavailability(&u)
}

// domain reads the fault domain of a DomainInfo.
func (r *offerReader) domain(b []byte) (region, zone string) {
	fault, ok := r.optional(b)
	if !ok {
		return "", ""
	}
	c := cursor{b: fault}
	var seen uint32
	for !r.doubt {
		number, kind, ok := c.next()
		if !ok {
			break
		}
		switch number {
		case 1:
			if r.once(&seen, 1, kind, bytesField) {
				region = r.word(r.value(c.bytes()))
			}
		case 2:
			if r.once(&seen, 2, kind, bytesField) {
				zone = r.word(r.value(c.bytes()))
			}
		default:
			c.skip(kind)
		}
	}
	r.need(&c, seen, 1, 2)
	return region, zone
}

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

// decoded has the generated code decode a message, and says whether it could; see unmarshal.
func decoded(m interface{ Unmarshal([]byte) error }, b []byte) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return m.Unmarshal(b) == nil
}
