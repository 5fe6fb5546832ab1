package tracetest

import (
	"errors"
	"net"
	"strconv"
	"sync"
	"syscall"
)

// network connects within the process, so that virtual time knows who waits for whom.
type network struct {
	mu        sync.Mutex
	listeners map[string]*listener // by address
}

func newNetwork() *network { return &network{listeners: map[string]*listener{}} }

type listener struct {
	network *network
	address *net.TCPAddr
	queue   chan net.Conn
	closed  chan struct{}
	once    sync.Once

	mu    sync.Mutex
	conns []net.Conn // of the server's side
}

func (n *network) listen(address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	l := &listener{
		network: n, address: &net.TCPAddr{IP: net.ParseIP(host), Port: number},
		queue: make(chan net.Conn), closed: make(chan struct{}),
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[address] != nil {
		return nil, syscall.EADDRINUSE
	}
	n.listeners[address] = l
	return l, nil
}

func (n *network) dial(address string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[address]
	n.mu.Unlock()
	if l == nil {
		return nil, syscall.ECONNREFUSED
	}
	client, server := net.Pipe()
	select {
	case l.queue <- server:
		l.mu.Lock()
		l.conns = append(l.conns, server)
		l.mu.Unlock()
		return client, nil
	case <-l.closed:
		return nil, syscall.ECONNREFUSED
	}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.queue:
		return conn, nil
	case <-l.closed:
		return nil, errors.New("listener closed")
	}
}

func (l *listener) Close() error {
	l.once.Do(func() {
		close(l.closed)
		l.network.mu.Lock()
		defer l.network.mu.Unlock()
		if at := l.address.String(); l.network.listeners[at] == l {
			delete(l.network.listeners, at)
		}
	})
	return nil
}

func (l *listener) Addr() net.Addr { return l.address }
