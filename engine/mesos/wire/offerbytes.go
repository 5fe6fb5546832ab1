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

// decoded has the generated code decode a message, and says whether it could; see unmarshal.
func decoded(m interface{ Unmarshal([]byte) error }, b []byte) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return m.Unmarshal(b) == nil
}
