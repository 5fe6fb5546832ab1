package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/store"
)

// inboxSize bounds the events that wait for the loop, and inboxOffers the offers in them, up to the last event, which may bring any number. When
// there is no more room the session stops reading: a slow disk slows the intake of offers and takes no memory.
const (
	inboxSize   = 1024
	inboxOffers = 20_000
)

// Session is a connection with a Mesos master: engine/mesos has the real one.
type Session interface {
	// Run keeps subscribing until ctx ends, or until it is no use. Events go to sink, which may block.
	Run(ctx context.Context, frameworkID string, sink func(machine.Event)) error
	// Send queues a call for the current subscription; it is dropped if there is none. It never blocks.
	Send(machine.Call)
}

// Recorder is told everything that goes into the machine, in its order: engine/recorder has the real one. Its methods are called by one
// goroutine; but for Run, which writes until End, and End they never wait, and none of them fails. End waits until Run is at its end, though not for
// long: if it is not, End has told that in the log, and returns false.
type Recorder interface {
	Run()
	Begin(machine.Config, machine.Service, []machine.Record, machine.Boot, *machine.Machine)
	Take(time.Time, machine.Event)
	Decide(now time.Time, random [16]byte)
	Decided(machine.Effects, *machine.Machine)
	End(*machine.Machine) (written bool)
}

// Config is what an Engine is made of.
type Config struct {
	Machine machine.Config
	Service machine.Service
	Store   store.Store
	Session Session
	// Fence is asked before anything of a decision is written, and before it is sent, since writing may take its time; with an error it is not, and
	// the loop ends. Nil: nobody else can lead.
	Fence func() error
	// Asker is asked before running pods of gated phases are stopped, if the service itself lets them be. Nil: the service's word is enough.
	Asker Asker
	// Recorder may be nil.
	Recorder Recorder
	// By says where the settings come from [operator].
	By     string
	Logger *slog.Logger
}

// Engine runs a machine.
type Engine struct {
	cfg        Config
	machine    *machine.Machine
	registered *machine.Registration
	claimed    map[string][]string
	clock      *clock
	ahead      atomic.Int64 // of the clock, in ns
	inbox      chan machine.Event
	offers     atomic.Int64  // in the inbox
	taken      chan struct{} // tells that some were taken from it
	load       load
	exports    chan chan<- []machine.Record

	published atomic.Pointer[publication]

	mu      sync.Mutex
	nextID  uint64
	waiting map[uint64]chan machine.Answer

	asking sync.WaitGroup // who asks the Asker; joined by Run
}

// publication is a view and the channel that closes when the next one is there.
type publication struct {
	view *machine.View
	next chan struct{}
}

// New loads the state and builds the machine.
func New(ctx context.Context, cfg Config) (*Engine, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.By == "" {
		cfg.By = "operator"
	}
	records, err := cfg.Store.Load(ctx)
	if err != nil {
		return nil, err
	}
	cfg.Machine.Asks = cfg.Asker != nil
	clock := newClock(time.Now)
	boot := machine.Boot{Now: clock.now(), By: cfg.By}
	m, err := machine.New(cfg.Machine, cfg.Service, records, boot)
	if err != nil {
		return nil, err
	}
	if cfg.Recorder == nil {
		cfg.Recorder = unrecorded{}
	}
	cfg.Recorder.Begin(cfg.Machine, cfg.Service, records, boot, m)
	e := &Engine{
		cfg: cfg, machine: m, registered: m.Registration(), claimed: machine.ReadClaims(records), clock: clock,
		inbox: make(chan machine.Event, inboxSize), taken: make(chan struct{}, 1),
		exports: make(chan chan<- []machine.Record), waiting: map[uint64]chan machine.Answer{},
	}
	e.published.Store(&publication{next: make(chan struct{})})
	return e, nil
}

// Registered is what Mesos had been told about the framework when it last subscribed before this engine was made; nil if that is not known.
func (e *Engine) Registered() *machine.Registration { return e.registered }

// Claimed are the pods, by role, for which something was reserved before this engine was made (machine.ReadClaims).
func (e *Engine) Claimed() map[string][]string { return e.claimed }

// View returns the last published view, nil before the first, and a channel that is closed when there is a newer one.
func (e *Engine) View() (*machine.View, <-chan struct{}) {
	p := e.published.Load()
	return p.view, p.next
}

// Do hands a verb to the machine and waits for the answer, which comes when the verb's changes are durable. Without an answer
// (ctx ended, the engine stopped) it is not known whether the verb was carried out.
func (e *Engine) Do(ctx context.Context, v machine.Verb) (machine.Answer, error) {
	answer := make(chan machine.Answer, 1)
	e.mu.Lock()
	e.nextID++
	v.ID = e.nextID
	e.waiting[v.ID] = answer
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		delete(e.waiting, v.ID)
		e.mu.Unlock()
	}()
	select {
	case e.inbox <- v:
	case <-ctx.Done():
		return machine.Answer{}, fmt.Errorf("verb %s: not taken: %w", v.Kind, ctx.Err())
	}
	select {
	case a := <-answer:
		return a, nil
	case <-ctx.Done():
		return machine.Answer{}, fmt.Errorf("verb %s: no answer: %w", v.Kind, ctx.Err())
	}
}

// Records returns the durable state as it is between two decisions, sorted by key. The loop waits while it is collected: about a tenth of a
// second for 30,000 pods.
func (e *Engine) Records(ctx context.Context) ([]machine.Record, error) {
	reply := make(chan []machine.Record, 1)
	select {
	case e.exports <- reply:
	case <-ctx.Done():
		return nil, fmt.Errorf("state: the scheduler is busy: %w", ctx.Err())
	}
	select {
	case records := <-reply:
		return records, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Run works until ctx ends (nil) or until it can't go on.
func (e *Engine) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	frameworkID := e.machine.FrameworkID()
	var wg sync.WaitGroup
	wg.Go(func() { cancel(e.runSession(ctx, frameworkID)) })
	recorded := make(chan struct{})
	go func() {
		defer close(recorded)
		e.cfg.Recorder.Run()
	}()
	written := false
	wg.Go(func() { written = e.work(ctx, cancel) })
	wg.Wait()
	e.asking.Wait() // the loop has ended, so that nobody asks any more
	// If it is not written its disk hangs: who is in a system call can't be joined, and no other instance is made to wait for it. It ends with the process.
	if written {
		<-recorded
	}
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (e *Engine) runSession(ctx context.Context, frameworkID string) error {
	return e.cfg.Session.Run(ctx, frameworkID, func(ev machine.Event) {
		for e.offers.Load() >= inboxOffers {
			select {
			case <-e.taken:
			case <-ctx.Done():
				return
			}
		}
		e.offers.Add(offersIn(ev))
		select {
		case e.inbox <- ev:
		case <-ctx.Done():
		}
	})
}

func offersIn(ev machine.Event) int64 {
	o, _ := ev.(machine.Offered)
	return int64(len(o.Offers))
}

// work runs the loop to its end, and then ends the recording. All else ends when the loop does, and not after the last of that is written.
func (e *Engine) work(ctx context.Context, cancel context.CancelCauseFunc) (written bool) {
	defer func() { written = e.cfg.Recorder.End(e.machine) }() // also if the machine panics: then it matters most
	cancel(e.loop(ctx))
	return false
}

func (e *Engine) loop(ctx context.Context) error {
	wake := time.NewTimer(0)
	defer wake.Stop()
	var exports chan chan<- []machine.Record // nil before the first decision: until then not all of it is durable
	for {
		select {
		case <-ctx.Done():
			return nil
		case ev := <-e.inbox:
			e.take(ev)
			e.drain()
		case <-wake.C:
		case reply := <-exports:
			if ctx.Err() != nil {
				return nil // the last decision may not have been carried out
			}
			reply <- e.machine.Records()
			continue
		}
		at, err := e.decide(ctx)
		if err != nil || ctx.Err() != nil {
			return err // if ctx ended the decision may not be durable: no other may be made on top of it
		}
		exports = e.exports
		if at.IsZero() {
			wake.Stop()
			continue
		}
		wake.Reset(max(at.Sub(e.clock.now()), 0))
	}
}

// drain takes every event that is waiting, so that a burst costs one decision.
func (e *Engine) drain() {
	for range inboxSize {
		select {
		case ev := <-e.inbox:
			e.take(ev)
		default:
			return
		}
	}
}

func (e *Engine) take(ev machine.Event) {
	if n := offersIn(ev); n > 0 {
		e.offers.Add(-n)
		select {
		case e.taken <- struct{}{}:
		default:
		}
	}
	logEvent(e.cfg.Logger, ev)
	now := e.now()
	e.cfg.Recorder.Take(now, ev)
	e.machine.Take(now, ev)
}

// decide carries out one decision. An error means that nothing after it was done, and that the loop must end: the machine's memory is
// ahead of the store.
func (e *Engine) decide(ctx context.Context) (time.Time, error) {
	var random [16]byte
	rand.Read(random[:]) // never fails (crypto/rand)
	now := e.now()
	e.cfg.Recorder.Decide(now, random)
	effects := e.machine.Decide(now, random)
	e.cfg.Recorder.Decided(effects, e.machine)
	if err := e.leading(); err != nil {
		return time.Time{}, err
	}
	e.send(effects.Calls, 0)
	for i, g := range effects.Groups {
		e.load.begin(time.Now())
		err := e.cfg.Store.Commit(ctx, g)
		e.load.end(time.Now())
		if err != nil {
			if ctx.Err() != nil {
				return time.Time{}, nil
			}
			return time.Time{}, fmt.Errorf("state: commit failed, nothing of it was sent to Mesos: %w", err)
		}
		if err := e.leading(); err != nil {
			return time.Time{}, err
		}
		e.send(effects.Calls, i+1)
	}
	e.ask(ctx, effects.Asks)
	if effects.View != nil {
		e.publish(effects.View)
	}
	e.answer(effects.Answers)
	return effects.WakeAt, nil
}

// now is what the clock says. Only the loop asks.
func (e *Engine) now() time.Time {
	now := e.clock.now()
	e.clock.tell(e.cfg.Logger)
	e.ahead.Store(int64(e.clock.ahead))
	return now
}

func (e *Engine) leading() error {
	if e.cfg.Fence == nil {
		return nil
	}
	return e.cfg.Fence()
}

// send sends the calls that waited for exactly this many groups.
func (e *Engine) send(calls []machine.Sending, durable int) {
	for _, c := range calls {
		if c.After == durable {
			logCall(e.cfg.Logger, c.Call)
			e.cfg.Session.Send(c.Call)
		}
	}
}

func (e *Engine) publish(v *machine.View) {
	old := e.published.Swap(&publication{view: v, next: make(chan struct{})})
	close(old.next)
}

func (e *Engine) answer(answers []machine.Answer) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, a := range answers {
		if ch, ok := e.waiting[a.ID]; ok {
			ch <- a
		}
	}
}
