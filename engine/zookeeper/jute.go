package zookeeper

import (
	"encoding/binary"
	"errors"

	"github.com/go-zookeeper/zk"
)

// Operations of the protocol, by their numbers in it.
const (
	opGet       = 4
	opChildren  = 8
	opMultiRead = 22 // since ZooKeeper 3.6
	opAuth      = 100
	opClose     = -11
	// opNone marks an error, and the end, in the answers to a multi-read.
	opNone = -1
)

// xidAuth is the id of the request that says who we are.
const xidAuth = -4

// errCut is the error of a message that ends too early.
var errCut = errors.New("a message that is cut off")

// encoder builds a message in jute, ZooKeeper's encoding: big-endian numbers, and a length before everything that has one.
type encoder struct{ buf []byte }

func (e *encoder) int(v int32)  { e.buf = binary.BigEndian.AppendUint32(e.buf, uint32(v)) }
func (e *encoder) long(v int64) { e.buf = binary.BigEndian.AppendUint64(e.buf, uint64(v)) }

func (e *encoder) bool(v bool) {
	if v {
		e.buf = append(e.buf, 1)
	} else {
		e.buf = append(e.buf, 0)
	}
}

func (e *encoder) text(v string) {
	e.int(int32(len(v)))
	e.buf = append(e.buf, v...)
}

// begin begins a message, and end makes it a packet, with its length before it.
func (e *encoder) begin() { e.buf = append(e.buf[:0], 0, 0, 0, 0) }

func (e *encoder) end() []byte {
	binary.BigEndian.PutUint32(e.buf, uint32(len(e.buf)-4))
	return e.buf
}

// decoder takes a message apart. After the first error everything is zero.
type decoder struct {
	rest []byte
	err  error
}

// take gives the next n bytes, which are part of the message.
func (d *decoder) take(n int) []byte {
	if d.err != nil || n < 0 || n > len(d.rest) {
		d.err, d.rest = errCut, nil
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) int() int32 {
	if b := d.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (d *decoder) long() int64 {
	if b := d.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (d *decoder) bool() bool {
	b := d.take(1)
	return b != nil && b[0] != 0
}

// bytes gives nil for none at all, for which the length is -1.
func (d *decoder) bytes() []byte {
	n := d.int()
	if n == -1 {
		return nil
	}
	return d.take(int(n))
}

func (d *decoder) texts() []string {
	n := int(d.int())
	if n < 0 || n > len(d.rest)/4 { // each has a length
		d.take(-1)
		return nil
	}
	all := make([]string, 0, n)
	for range n {
		all = append(all, string(d.bytes()))
	}
	return all
}

// stat reads what is known of a node besides its data.
func (d *decoder) stat() zk.Stat {
	return zk.Stat{
		Czxid: d.long(), Mzxid: d.long(), Ctime: d.long(), Mtime: d.long(), Version: d.int(), Cversion: d.int(), Aversion: d.int(),
		EphemeralOwner: d.long(), DataLength: d.int(), NumChildren: d.int(), Pzxid: d.long(),
	}
}
