package mesos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/internal/transport"
	"github.com/quobyte/mesos-framework/engine/mesos/wire"
)

// errClosed is why a subscription ended when the caller ended it.
var errClosed = errors.New("session closed")

// lateLimit is how long after it began a subscription can still fall to a SUBSCRIBE of our own that was given up before.
const lateLimit = 5 * time.Minute

// Session keeps a framework subscribed.
type Session struct {
	cfg      Config
	detector Detector
	masters  []endpoint // that were configured
	decoder  wire.Decoder
	counters counters

	mu      sync.Mutex
	current *subscription // nil while none stands
}

// New checks the Config and returns a Session that has not begun. The error tells all problems at once.
func New(cfg Config) (*Session, error) {
	cfg = cfg.withDefaults()
	detector, masters, err := cfg.validate()
	if err != nil {
		return nil, err
	}
	return &Session{cfg: cfg, detector: detector, masters: masters, decoder: wire.Decoder{HostKeyAttribute: cfg.HostKeyAttribute}}, nil
}

// Run subscribes, again and again, and hands what happens to sink, until ctx ends (then it returns nil) or there is no
// point in going on: then the last event was a Disconnected with Fatal set, and the error wraps ErrFailedOver, ErrRemoved or
// ErrRefused. An empty frameworkID asks for a new framework; the id that the first subscription gave is used for the next.
func (s *Session) Run(ctx context.Context, frameworkID string, sink func(machine.Event)) error {
	if frameworkID != "" {
		if err := wire.ValidateID("framework id", frameworkID); err != nil {
			return err
		}
	}
	r := s.newRun()
	r.frameworkID, r.resumed, r.confirmed, r.sink = frameworkID, frameworkID != "", frameworkID == "", sink
	return r.detecting(ctx, r.subscribe)
}

func (s *Session) newRun() *run {
	trip := transport.New(s.cfg.Dial)
	trip.TLSClientConfig = s.cfg.TLS
	r := &run{
		Session: s,
		client:  &http.Client{Transport: trip, CheckRedirect: keepRedirect},
		lead:    newLeadership(s.cfg.scheme(), s.masters),
	}
	r.lead.note = func(address string, err error) { s.cfg.Logger.Warn("master ignored", "address", address, "error", err) }
	return r
}

// detecting does something while the Detector watches who leads.
func (r *run) detecting(ctx context.Context, do func(context.Context) error) error {
	defer r.client.CloseIdleConnections()
	ctx, cancel := context.WithCancel(ctx)
	var detecting sync.WaitGroup
	detecting.Go(func() { r.detector.Watch(ctx, r.lead.report) })
	defer detecting.Wait()
	defer cancel()
	return do(ctx)
}

// subscribe makes one subscription after the other.
func (r *run) subscribe(ctx context.Context) error {
	for failures := 0; ; failures++ {
		_, _, news := r.lead.candidates()
		began, err := r.once(ctx)
		subscribed, stopped := !began.IsZero(), ctx.Err() != nil
		if stopped {
			err = errClosed
		}
		switch {
		case !stopped:
			r.cfg.Logger.Warn("not subscribed", "error", err, "fatal", fatal(err))
		case subscribed:
			r.cfg.Logger.Info("session closed")
		}
		if subscribed || !stopped {
			r.deliver(machine.Disconnected{Err: err.Error(), Fatal: fatal(err)})
		}
		if stopped {
			return nil
		}
		if fatal(err) {
			return err
		}
		// A subscription that dies young is a failure like any other: a master that drops us must not be stormed.
		if subscribed && time.Since(began) > r.cfg.MaxBackoff {
			failures = 0
		}
		if r.wait(ctx, r.backoff(failures), news) {
			failures = 0
		}
		if ctx.Err() != nil {
			return nil
		}
	}
}

// wait waits, but no more than the least that has to be when there is news of who leads, and says whether there was.
func (r *run) wait(ctx context.Context, d time.Duration, news <-chan struct{}) bool {
	began := time.Now()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return false
	case <-ctx.Done():
		return false
	case <-news:
	}
	sleep(ctx, min(d, r.backoff(0))-time.Since(began))
	return true
}

// Send queues a call for the present subscription. Without one the call is dropped: whoever sent it has been told, or is
// about to be told, that everything under way is void.
func (s *Session) Send(c machine.Call) {
	s.mu.Lock()
	sub := s.current
	s.mu.Unlock()
	if sub == nil {
		s.cfg.Logger.Debug("call dropped: not subscribed", "call", machine.CallName(c))
		return
	}
	sub.send(c)
}

func (s *Session) setCurrent(sub *subscription) {
	s.mu.Lock()
	s.current = sub
	s.mu.Unlock()
}

// backoff spreads many frameworks that lost the same master over the wait, but never waits for less than the minimum.
func (s *Session) backoff(failures int) time.Duration {
	upper := s.cfg.MinBackoff
	for range failures {
		if upper *= 2; upper >= s.cfg.MaxBackoff {
			upper = s.cfg.MaxBackoff
			break
		}
	}
	return s.cfg.MinBackoff + time.Duration(s.cfg.Jitter()*float64(upper-s.cfg.MinBackoff))
}

// sleep waits and says whether the context still stands.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// keepRedirect makes a redirect an answer like any other: the session decides where to go.
func keepRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// run is the state of one Run.
type run struct {
	*Session
	client      *http.Client
	lead        *leadership
	frameworkID string
	// resumed says that the framework is an older one, of which this Run has had no subscription yet; proven, that it has had one.
	// Only the goroutine of Run touches them.
	resumed, proven bool
	// confirmed says that the master is known to have the framework's settings as they are. Only the goroutine of Run touches it.
	confirmed bool
	// blind is why it is not known whether a framework of ours was left behind; nil: it is known that there is none. Only the goroutine of Run
	// touches it.
	blind error
	// unanswered says that a SUBSCRIBE with our framework id was sent and given up: a master that hung may still find it in
	// a socket, and take it for another instance that takes over. Only the goroutine of Run touches it.
	unanswered bool

	sinkMu sync.Mutex
	sink   func(machine.Event)
}

// deliver hands one event to the sink. The reader and the lanes all have events to tell.
func (r *run) deliver(e machine.Event) {
	r.sinkMu.Lock()
	defer r.sinkMu.Unlock()
	r.sink(e)
}

// once makes one subscription and stays with it to its end. All goroutines of it are gone when it returns. It returns when
// the subscription began, zero if it never did, and why it is over.
func (r *run) once(ctx context.Context) (time.Time, error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	r.lead.begin(end)
	defer r.lead.finish()
	r.client.CloseIdleConnections() // a name may stand for another master by now, and is only looked up for a new connection
	st, err := r.connect(ctx)
	if err != nil {
		return time.Time{}, err
	}
	defer st.close()
	welcome, err := r.welcome(st)
	if err != nil {
		return time.Time{}, err
	}
	if err := r.settle(st); err != nil {
		return time.Time{}, err
	}
	if r.blind != nil {
		r.cfg.Logger.Warn("a new framework was made, and it is not known whether an older one was left behind: the operator API can't be asked", "answer", r.blind)
		r.blind = nil
	}
	if r.confirmed {
		welcome.Registration = r.cfg.Framework.Registration()
	}
	began := time.Now()
	r.proven, r.resumed = true, false
	r.counters.subscribed()
	sub := newSubscription(r, st)
	// The sink may answer Subscribed with calls, but nothing that comes of them may overtake it.
	r.setCurrent(sub)
	r.deliver(welcome)
	sub.start()
	err = r.doubt(st.master, r.follow(st, sub), time.Since(began))
	r.setCurrent(nil)
	r.counters.ended()
	st.end(err)
	sub.stop()
	return began, err
}

// doubt makes the first failover after an unanswered SUBSCRIBE one more reason to subscribe again: it may be that SUBSCRIBE
// which took over. If there is another instance after all, it fails over itself, or comes back and ends us then.
func (r *run) doubt(at endpoint, err error, age time.Duration) error {
	ours := r.unanswered && age < lateLimit && errors.Is(err, ErrFailedOver)
	if ours || age >= lateLimit {
		r.unanswered = false
	}
	if ours {
		return fmt.Errorf("%s: %v, perhaps to a SUBSCRIBE of our own that was given up before; subscribing again", at, ErrFailedOver)
	}
	return err
}
