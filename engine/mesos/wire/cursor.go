package wire

import (
	"encoding/binary"
	"math"
)

// The wire types of protobuf fields. Groups are not read here.
const (
	varintField = 0
	fixed64     = 1
	bytesField  = 2
	fixed32     = 5
)

// cursor reads a protobuf message field by field. What it can't read, it does not judge: failed is set, and everything after is empty.
// It counts where it is, rather than cut off what it has read: that would be a pointer to store with each step, of which the garbage collector
// wants to know.
type cursor struct {
	b      []byte
	at     int
	failed bool
}

// next returns the number and wire type of the next field; false at the end.
func (c *cursor) next() (number, kind int, ok bool) {
	if c.at >= len(c.b) {
		return 0, 0, false
	}
	tag := uint64(c.b[c.at])
	if tag < 0x80 {
		c.at++
	} else {
		tag = c.longVarint()
	}
	if tag>>3 == 0 || tag > math.MaxUint32 {
		c.fail()
		return 0, 0, false
	}
	return int(tag >> 3), int(tag & 7), true
}

func (c *cursor) varint() uint64 {
	if c.at < len(c.b) && c.b[c.at] < 0x80 {
		c.at++
		return uint64(c.b[c.at-1])
	}
	return c.longVarint()
}

func (c *cursor) longVarint() uint64 {
	v, n := binary.Uvarint(c.b[c.at:])
	if n <= 0 {
		c.fail()
		return 0
	}
	c.at += n
	return v
}

func (c *cursor) bytes() []byte {
	n := c.varint()
	if n > uint64(len(c.b)-c.at) {
		c.fail()
		return nil
	}
	from := c.at
	c.at += int(n)
	return c.b[from:c.at:c.at]
}

func (c *cursor) double() float64 {
	if len(c.b)-c.at < 8 {
		c.fail()
		return 0
	}
	c.at += 8
	return math.Float64frombits(binary.LittleEndian.Uint64(c.b[c.at-8:]))
}

// skip passes over the value of a field that nobody here knows.
func (c *cursor) skip(kind int) {
	switch kind {
	case varintField:
		c.varint()
	case fixed64:
		c.double()
	case bytesField:
		c.bytes()
	case fixed32:
		if len(c.b)-c.at < 4 {
			c.fail()
			return
		}
		c.at += 4
	default:
		c.fail()
	}
}

func (c *cursor) fail() { c.failed, c.at = true, len(c.b) }
