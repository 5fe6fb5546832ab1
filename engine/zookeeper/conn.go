package zookeeper

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-zookeeper/zk"
)

// DefaultSessionTimeout is long enough for a garbage collection of the server, and short enough for a failover that nobody minds.
const DefaultSessionTimeout = 10 * time.Second

// dialTimeout bounds the connecting to one server.
const dialTimeout = time.Second

// farewell is for how long an operation may go on whose context has ended. An answer that is on its way comes within it.
const farewell = time.Second

// repeatPause is the time between the second, third, … attempt at an operation with which the connection breaks.
const repeatPause = 100 * time.Millisecond

var (
	// ErrTimeout is the error of an operation that was not answered in time. It may have been carried out.
	ErrTimeout = errors.New("no answer")
	// ErrClosed is the error of a connection that was closed.
	ErrClosed = errors.New("connection closed")
)

// Config is what a connection is made of.
type Config struct {
	Address Address
	// SessionTimeout is for how long the session outlives the connection; zero: DefaultSessionTimeout. The server may choose another.
	SessionTimeout time.Duration
	Logger         *slog.Logger // nil: nothing is logged
}

// Conn is a session with ZooKeeper.
type Conn struct {
	address Address
	zk      *zk.Conn
	acl     []zk.ACL
	log     *slog.Logger
	timeout time.Duration // that was asked for
	chosen  atomic.Int64  // by the server, in milliseconds; 0: not known yet

	stop    context.CancelFunc // ends dialing
	session chan struct{}      // closed when there is one
	expired chan struct{}

	once    struct{ session, expired, closed sync.Once }
	drained chan struct{} // closed when the client's goroutines have ended

	mu   sync.Mutex
	line net.Conn // the current connection, to be cut by Close
	over bool
}

// Connect opens a session. It waits for it until ctx ends, for the session timeout and three seconds at most.
func Connect(ctx context.Context, cfg Config) (*Conn, error) {
	if cfg.SessionTimeout <= 0 {
		cfg.SessionTimeout = DefaultSessionTimeout
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	dialing, stop := context.WithCancel(context.Background())
	c := &Conn{
		address: cfg.Address, acl: zk.WorldACL(zk.PermAll), log: cfg.Logger, timeout: cfg.SessionTimeout, stop: stop,
		session: make(chan struct{}), expired: make(chan struct{}), drained: make(chan struct{}),
	}
	client, events, err := zk.Connect(cfg.Address.Servers, cfg.SessionTimeout,
		zk.WithHostProvider(&servers{}), zk.WithEventCallback(c.notice), zk.WithLogger(c), zk.WithLogInfo(true),
		zk.WithDialer(func(network, address string, _ time.Duration) (net.Conn, error) {
			return c.dial(dialing, network, address)
		}),
	)
	if err != nil {
		stop()
		return nil, fmt.Errorf("zookeeper %s: %w", cfg.Address, err)
	}
	c.zk = client
	go func() { // joined by Close: the channel is closed when the client has ended
		for range events {
		}
		close(c.drained)
	}()
	if err := c.begin(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("zookeeper %s: %w", cfg.Address, err)
	}
	return c, nil
}

// begin waits for the session and says who we are.
func (c *Conn) begin(ctx context.Context) error {
	patience := time.NewTimer(c.patience())
	defer patience.Stop()
	select {
	case <-c.session:
	case <-ctx.Done():
		return ctx.Err()
	case <-patience.C:
		return fmt.Errorf("no session in %s: no server can be reached, or they have no leader", c.patience())
	}
	if c.address.User == "" {
		return nil
	}
	c.acl = zk.AuthACL(zk.PermAll)
	return c.Do(func(z *zk.Conn) error {
		return z.AddAuth("digest", []byte(c.address.User+":"+c.address.Password))
	})
}

// Address is the address that the connection was made for.
func (c *Conn) Address() Address { return c.address }

// ACL is what nodes are to be created with.
func (c *Conn) ACL() []zk.ACL { return c.acl }

// Expired is closed when the session has ended, and with it all its ephemeral nodes. The connection goes on with a new one.
func (c *Conn) Expired() <-chan struct{} { return c.expired }

// SessionTimeout is for how long the session outlives the connection: the server's choice.
func (c *Conn) SessionTimeout() time.Duration {
	if ms := c.chosen.Load(); ms > 0 {
		return time.Duration(ms) * time.Millisecond
	}
	return c.timeout
}

// Do carries out an operation, which must use the client for nothing else and share nothing that it writes with anybody until Do has
// returned. One that could not be sent is tried again for as long as the session may live. An error is the client's, ErrTimeout or ErrClosed.
func (c *Conn) Do(operation func(*zk.Conn) error) error {
	return c.do(context.Background(), operation)
}

func (c *Conn) do(ctx context.Context, operation func(*zk.Conn) error) error {
	limit := c.patience()
	until := time.Now().Add(limit)
	done := make(chan error, 1)
	go func() {
		for {
			err := operation(c.zk)
			// This error is that of requests that were still in the queue after every server was tried.
			if errors.Is(err, zk.ErrNoServer) && time.Now().Before(until) {
				continue
			}
			done <- err
			return
		}
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	var err error
	select {
	case err = <-done:
	case <-timer.C:
		err = c.giveUp(done, limit)
	case <-ctx.Done():
		timer.Reset(min(farewell, time.Until(until)))
		select {
		case err = <-done:
		case <-timer.C:
			err = c.giveUp(done, farewell)
		}
	}
	if err != nil && !errors.Is(err, ErrTimeout) && c.closed() {
		return ErrClosed
	}
	return err
}

// giveUp closes the connection, since what was sent can't be taken back otherwise, and waits for an operation to notice.
func (c *Conn) giveUp(done <-chan error, waited time.Duration) error {
	c.Close()
	if err := <-done; err != nil {
		return fmt.Errorf("%w in %s", ErrTimeout, waited)
	}
	return nil
}

// Read is Repeat for an operation that only reads.
func (c *Conn) Read(operation func(*zk.Conn) error) error {
	return c.Repeat(context.Background(), operation)
}

// Repeat is Do for an operation that does no harm when it is carried out twice: it is repeated when the connection breaks, for as long as
// the session may live, and not after ctx has ended. An attempt that is under way then is left a second; without an answer it fails with
// ErrTimeout, and takes the connection with it.
func (c *Conn) Repeat(ctx context.Context, operation func(*zk.Conn) error) error {
	until := time.Now().Add(c.patience())
	for pause := time.Duration(0); ; pause = repeatPause {
		err := c.do(ctx, operation)
		if !Broken(err) || time.Now().After(until) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// Broken says that an operation failed with the connection or the session, which are then made anew: it may have been carried out, and it
// may be tried again.
func Broken(err error) bool {
	return errors.Is(err, zk.ErrConnectionClosed) || errors.Is(err, zk.ErrSessionExpired) || errors.Is(err, zk.ErrSessionMoved)
}

// patience bounds an operation: a session's time, and time to connect anew, for which the client waits a second after every server was tried.
func (c *Conn) patience() time.Duration { return max(c.SessionTimeout(), c.timeout) + 3*dialTimeout }

func (c *Conn) closed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over
}

// Certain says that an operation which failed with this error was certainly not carried out, because the server answered so, or because there was none.
func Certain(err error) bool {
	for _, answer := range []error{
		zk.ErrNoNode, zk.ErrNodeExists, zk.ErrBadVersion, zk.ErrNoAuth, zk.ErrNotEmpty, zk.ErrInvalidACL, zk.ErrAuthFailed,
		zk.ErrNoChildrenForEphemerals, zk.ErrInvalidPath, zk.ErrBadArguments, zk.ErrNoServer,
	} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}

// Answered says that a server has refused the operation, so that it makes no sense to try it again as it is.
func Answered(err error) bool {
	return Certain(err) && !errors.Is(err, zk.ErrNoServer)
}

// Denied says that the servers do not let this user do it: not before its password, or the access to the nodes, has been changed.
func Denied(err error) bool { return errors.Is(err, zk.ErrNoAuth) || errors.Is(err, zk.ErrAuthFailed) }

// Explain adds to an error what an operator can do about it, if that is known.
func Explain(err error) error {
	switch {
	case errors.Is(err, zk.ErrNoAuth):
		return fmt.Errorf("%w: the nodes belong to another user; give its user:password@ in the address", err)
	case errors.Is(err, zk.ErrAuthFailed):
		return fmt.Errorf("%w: the servers do not take the user and password of the address", err)
	}
	return err
}

// Close ends the session, and with it its ephemeral nodes, if a server can be reached. It may be called again, and at any time.
func (c *Conn) Close() {
	c.once.closed.Do(func() {
		c.mu.Lock()
		c.over = true
		c.mu.Unlock()
		c.zk.Close() // waits for the server's answer, for a second or two
		c.stop()
		c.mu.Lock()
		if c.line != nil {
			c.line.Close()
		}
		c.mu.Unlock()
	})
	<-c.drained
}

// dial connects to a server. Names are looked up each time: addresses of servers change.
func (c *Conn) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, min(dialTimeout, c.timeout))
	defer cancel()
	var d net.Dialer
	line, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	line = capped{Conn: line, answers: bufio.NewReaderSize(line, 64<<10), limit: c.timeout * 2 / 3}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over && ctx.Err() != nil {
		line.Close()
		return nil, ErrClosed
	}
	c.line = line
	return line, nil
}

// capped bounds how long the client waits for anything. It grants a server that says nothing at all, a stopped one for instance, ten times
// as long when connecting as afterwards.
type capped struct {
	net.Conn
	answers *bufio.Reader
	limit   time.Duration
}

func (c capped) Read(p []byte) (int, error) { return c.answers.Read(p) }

func (c capped) SetReadDeadline(t time.Time) error {
	if at := time.Now().Add(c.limit); t.IsZero() || t.After(at) {
		t = at
	}
	return c.Conn.SetReadDeadline(t)
}

// notice is called by the client's goroutine for every event, and must not block.
func (c *Conn) notice(e zk.Event) {
	if e.Type != zk.EventSession {
		return
	}
	switch e.State {
	case zk.StateHasSession:
		c.once.session.Do(func() { close(c.session) })
	case zk.StateExpired:
		c.once.expired.Do(func() { close(c.expired) })
	}
}

// Printf takes the client's log. It is also the only place where the client says which session timeout the server chose.
func (c *Conn) Printf(format string, args ...any) {
	if strings.HasPrefix(format, "authenticated: id=") && len(args) == 2 {
		if ms, ok := args[1].(int32); ok {
			c.chosen.Store(int64(ms))
		}
	}
	c.log.Debug("zookeeper", "text", fmt.Sprintf(format, args...))
}

// servers gives the servers one after the other. The client's own looks their names up once and for all.
type servers struct {
	mu   sync.Mutex
	all  []string
	next int
	// tried is the number of servers that were tried since the last that answered.
	tried int
}

func (s *servers) Init(all []string) error {
	s.all = all
	return nil
}

func (s *servers) Len() int { return len(s.all) }

// Next returns the next server, and true if all have been tried in vain: the client then waits for a second.
func (s *servers) Next() (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	server := s.all[s.next]
	s.next = (s.next + 1) % len(s.all)
	s.tried++
	round := s.tried > len(s.all)
	if round {
		s.tried = 1
	}
	return server, round
}

func (s *servers) Connected() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried = 0
}
