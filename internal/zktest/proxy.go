package zktest

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
)

// Operations of ZooKeeper that a Fault may wait for.
const (
	OpSync      = 9
	OpMulti     = 14
	OpMultiRead = 22
)

// Fault is what a proxy does to an operation.
type Fault int

const (
	// Pass lets it through.
	Pass Fault = iota
	// CutBefore cuts the connection before the operation reaches the server.
	CutBefore
	// CutWithin cuts it when half of the operation has reached the server.
	CutWithin
	// CutAfter cuts it when the server has carried the operation out, before the answer reaches the client.
	CutAfter
	// Unknown makes it one that the server does not know, as one of an older version would not.
	Unknown
	// Swallow leaves it and everything after it unanswered: the server never hears of them.
	Swallow
)

// Proxy stands before a server, and looks at what clients ask of it.
type Proxy struct {
	// Address is where clients reach it.
	Address string

	server   string
	listener net.Listener
	joined   sync.WaitGroup

	mu    sync.Mutex
	lines map[net.Conn]bool
	judge func(operation int32) Fault
	down  bool
}

// NewProxy starts a proxy that ends with the test.
func NewProxy(t testing.TB, server string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Address: l.Addr().String(), server: server, listener: l, lines: map[net.Conn]bool{}}
	p.joined.Go(p.accept)
	t.Cleanup(func() {
		l.Close()
		p.Cut()
		p.joined.Wait()
	})
	return p
}

// Judge says what is to be done to every operation from now on; nil: all pass.
func (p *Proxy) Judge(judge func(operation int32) Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.judge = judge
}

// Once does something to the next operation of a kind.
func (p *Proxy) Once(operation int32, fault Fault) {
	done := false
	p.Judge(func(op int32) Fault {
		if op != operation || done {
			return Pass
		}
		done = true
		return fault
	})
}

// Cut cuts all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.lines {
		c.Close()
	}
}

// Down cuts all connections, and any new one as soon as it is made, until it is told otherwise.
func (p *Proxy) Down(down bool) {
	p.mu.Lock()
	p.down = down
	p.mu.Unlock()
	if down {
		p.Cut()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.joined.Go(func() { p.serve(client) })
	}
}

// keep notes a connection, so that it can be cut.
func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return false
	}
	p.lines[c] = true
	return true
}

func (p *Proxy) forget(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.lines, c)
	c.Close()
}

func (p *Proxy) serve(client net.Conn) {
	defer p.forget(client)
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer p.forget(server)
	if !p.keep(client) || !p.keep(server) {
		return
	}
	// cut is the id of the operation whose answer is not to reach the client.
	cut := make(chan int32, 1)
	var both sync.WaitGroup
	both.Go(func() {
		defer client.Close()
		defer server.Close()
		p.requests(client, server, cut)
	})
	both.Go(func() {
		defer client.Close()
		defer server.Close()
		answers(server, client, cut)
	})
	both.Wait()
}

// requests passes on what a client asks. A packet is its length, and then, but for the first, an id and an operation.
func (p *Proxy) requests(from io.Reader, to io.Writer, cut chan<- int32) {
	for first := true; ; first = false {
		packet, err := read(from)
		if err != nil {
			return
		}
		fault := Pass
		if !first && len(packet) >= 12 {
			fault = p.judged(int32(binary.BigEndian.Uint32(packet[8:])))
		}
		switch fault {
		case CutBefore:
			return
		case CutWithin:
			to.Write(packet[:len(packet)/2])
			return
		case CutAfter:
			cut <- int32(binary.BigEndian.Uint32(packet[4:]))
		case Unknown:
			binary.BigEndian.PutUint32(packet[8:], 99)
		case Swallow:
			io.Copy(io.Discard, from)
			return
		}
		if _, err := to.Write(packet); err != nil {
			return
		}
	}
}

func (p *Proxy) judged(operation int32) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.judge == nil {
		return Pass
	}
	return p.judge(operation)
}

func answers(from io.Reader, to io.Writer, cut <-chan int32) {
	var until int32
	for first := true; ; first = false {
		packet, err := read(from)
		if err != nil {
			return
		}
		select {
		case until = <-cut:
		default:
		}
		if !first && until != 0 && int32(binary.BigEndian.Uint32(packet[4:])) == until {
			return
		}
		if _, err := to.Write(packet); err != nil {
			return
		}
	}
}

// read reads a packet with its length.
func read(from io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return nil, err
	}
	packet := make([]byte, 4+binary.BigEndian.Uint32(length[:]))
	copy(packet, length[:])
	_, err := io.ReadFull(from, packet[4:])
	return packet, err
}
