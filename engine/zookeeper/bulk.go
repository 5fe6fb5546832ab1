package zookeeper

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/go-zookeeper/zk"
)

const (
	// bulkNodes and bulkBytes bound the nodes that a request asks for, and its paths.
	bulkNodes = 100
	bulkBytes = 64 << 10
	// bulkWindow is how many requests are under way: the server answers one while we take the answer to another apart.
	bulkWindow = 4
	// bulkAnswer is the size in bytes of the largest answer: as many nodes of 1 MiB as a request asks for, and what there is to say about them.
	bulkAnswer = (bulkNodes + 1) << 20
)

var (
	// ErrBulk is the error of a Bulk that can't be had or has failed, which says nothing about the nodes: they are to be read one by one.
	ErrBulk = errors.New("nodes can't be read many at a time")
	// errOld is that of a server before 3.6.
	errOld = errors.New("the server does not know how")
)

// Bulk is a session of its own that reads nodes many at a time (multiRead), which the client does not know. A server then does little more
// than copy them; asked one by one, it spends ten times as long on everything around. The methods must not be called at the same time.
type Bulk struct {
	line  net.Conn
	in    *bufio.Reader
	limit time.Duration // for an answer
	xid   int32
	out   encoder
	buf   []byte // the last answer
}

// OpenBulk opens a session with the server that c has its own with. It sees everything up to the transaction seen (zk.Stat.Mzxid), or fails.
func (c *Conn) OpenBulk(ctx context.Context, seen int64) (*Bulk, error) {
	line, err := c.dialBulk(ctx)
	if err != nil {
		return nil, c.bulkError(err)
	}
	b := &Bulk{line: line, in: bufio.NewReaderSize(line, 64<<10), limit: c.timeout * 2 / 3}
	defer b.until(ctx)()
	if err := b.begin(c, seen); err != nil {
		line.Close()
		return nil, c.bulkError(err)
	}
	return b, nil
}

func (c *Conn) bulkError(err error) error {
	c.log.Debug("zookeeper: nodes are read one by one", "reason", err)
	return fmt.Errorf("zookeeper %s: %w: %w", c.address, ErrBulk, err)
}

func (c *Conn) dialBulk(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, min(dialTimeout, c.timeout))
	defer cancel()
	var d net.Dialer
	return d.DialContext(ctx, "tcp", c.zk.Server())
}

// begin makes the session, and says who we are.
func (b *Bulk) begin(c *Conn, seen int64) error {
	b.out.begin()
	b.out.int(0)                               // version of the protocol
	b.out.long(seen)                           // a server that is behind hangs up
	b.out.int(int32(c.timeout.Milliseconds())) // of the session
	b.out.long(0)                              // a new one
	b.out.text(string(make([]byte, 16)))       // without a password
	if err := b.send(); err != nil {
		return err
	}
	answer, err := b.receive()
	if err != nil {
		return err
	}
	answer.int() // version
	answer.int() // timeout
	if answer.long() == 0 {
		return errors.New("no session")
	}
	if c.address.User == "" {
		return answer.err
	}
	b.out.begin()
	b.out.int(xidAuth)
	b.out.int(opAuth)
	b.out.int(0)
	b.out.text("digest")
	b.out.text(c.address.User + ":" + c.address.Password)
	if err := b.send(); err != nil {
		return err
	}
	_, err = b.answer(xidAuth)
	return err
}

// until bounds everything by a context, until the function that it returns is called.
func (b *Bulk) until(ctx context.Context) (end func() bool) {
	return context.AfterFunc(ctx, func() { b.line.Close() })
}

// Get reads nodes, and calls each for every one, in their order. The data is there for the length of that call. An error that wraps ErrBulk is
// that of the session, to which only Close may follow; others are the context's, or that of a node, named in it.
func (b *Bulk) Get(ctx context.Context, paths []string, each func(i int, data []byte, stat zk.Stat)) error {
	return b.read(ctx, opGet, paths, func(i int, answer *decoder) {
		data, stat := answer.bytes(), answer.stat()
		if answer.err == nil {
			each(i, data, stat)
		}
	})
}

// Children is Get for the names of the nodes below.
func (b *Bulk) Children(ctx context.Context, paths []string, each func(i int, names []string)) error {
	return b.read(ctx, opChildren, paths, func(i int, answer *decoder) {
		names := answer.texts()
		if answer.err == nil {
			each(i, names)
		}
	})
}

// asked is a request that waits for its answer.
type asked struct {
	xid      int32
	from, to int // paths
}

func (b *Bulk) read(ctx context.Context, op int32, paths []string, each func(i int, answer *decoder)) error {
	defer b.until(ctx)()
	var waiting []asked
	var problem error // of a node; what was asked after it is answered all the same
	for next := 0; next < len(paths) && problem == nil || len(waiting) > 0; {
		if next < len(paths) && problem == nil && len(waiting) < bulkWindow {
			to := next + b.ask(op, paths[next:])
			if err := b.send(); err != nil {
				return b.failed(ctx, err)
			}
			waiting = append(waiting, asked{b.xid, next, to})
			next = to
			continue
		}
		answer, err := b.answer(waiting[0].xid)
		if err != nil {
			return b.failed(ctx, err)
		}
		for i := waiting[0].from; i < waiting[0].to && problem == nil; i++ {
			switch err := answer.part(op); {
			case errors.Is(err, ErrBulk):
				return b.failed(ctx, err)
			case err != nil:
				problem = fmt.Errorf("node %s: %w", paths[i], err)
				continue
			}
			if each(i, answer); answer.err != nil {
				return b.failed(ctx, answer.err)
			}
		}
		waiting = waiting[1:]
	}
	return problem
}

// failed is the error of a session that is not to be used any more.
func (b *Bulk) failed(ctx context.Context, err error) error {
	b.line.Close()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, ErrBulk) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrBulk, err)
}

// ask makes a request for the first of paths, and returns how many.
func (b *Bulk) ask(op int32, paths []string) int {
	b.xid++
	b.out.begin()
	b.out.int(b.xid)
	b.out.int(opMultiRead)
	n := 0
	for ; n < len(paths) && n < bulkNodes && (n == 0 || len(b.out.buf)+len(paths[n]) <= bulkBytes); n++ {
		b.out.part(op, false)
		b.out.text(paths[n])
		b.out.bool(false) // no watch
	}
	b.out.part(opNone, true)
	return n
}

// part begins an operation of a request, or ends all.
func (e *encoder) part(op int32, last bool) {
	e.int(op)
	e.bool(last)
	e.int(-1)
}

// part begins the answer to an operation, or returns the server's word on it.
func (d *decoder) part(op int32) error {
	got, last, code := d.int(), d.bool(), d.int()
	switch {
	case d.err != nil:
		return fmt.Errorf("%w: %w", ErrBulk, d.err)
	case got == opNone && !last:
		return codeError(code)
	case got != op || last:
		return fmt.Errorf("%w: an answer to something else", ErrBulk)
	}
	return nil
}

func (b *Bulk) send() error {
	if err := b.line.SetWriteDeadline(time.Now().Add(b.limit)); err != nil {
		return err
	}
	_, err := b.line.Write(b.out.end())
	return err
}

// receive waits for a packet. It is there until the next one.
func (b *Bulk) receive() (*decoder, error) {
	if err := b.line.SetReadDeadline(time.Now().Add(b.limit)); err != nil {
		return nil, err
	}
	var length [4]byte
	if _, err := io.ReadFull(b.in, length[:]); err != nil {
		return nil, err
	}
	n := int(int32(binary.BigEndian.Uint32(length[:])))
	if n < 0 || n > bulkAnswer {
		return nil, fmt.Errorf("an answer of %d bytes; at most %d are allowed", n, bulkAnswer)
	}
	if n > cap(b.buf) {
		b.buf = make([]byte, n)
	}
	_, err := io.ReadFull(b.in, b.buf[:n])
	return &decoder{rest: b.buf[:n]}, err
}

// answer waits for the answer to a request.
func (b *Bulk) answer(xid int32) (*decoder, error) {
	answer, err := b.receive()
	if err != nil {
		return nil, err
	}
	got, _, code := answer.int(), answer.long(), answer.int()
	switch {
	case answer.err != nil:
		return nil, answer.err
	case code != 0:
		return nil, codeError(code)
	case got != xid:
		return nil, fmt.Errorf("an answer to request %d in place of %d", got, xid)
	}
	return answer, nil
}

// codeError is what the server says, as the client would.
func codeError(code int32) error {
	switch code {
	case -6:
		return errOld
	case -101:
		return zk.ErrNoNode
	case -102:
		return zk.ErrNoAuth
	case -112:
		return zk.ErrSessionExpired
	case -115:
		return zk.ErrAuthFailed
	}
	return fmt.Errorf("error %d", code)
}

// Close ends the session, if the server can be reached.
func (b *Bulk) Close() {
	defer b.line.Close()
	b.limit = min(b.limit, dialTimeout)
	b.xid++
	b.out.begin()
	b.out.int(b.xid)
	b.out.int(opClose)
	if b.send() == nil {
		b.answer(b.xid)
	}
}
