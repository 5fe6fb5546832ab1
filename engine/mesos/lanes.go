package mesos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/internal/transport"
	"github.com/quobyte/mesos-framework/engine/mesos/wire"
)

// subscription carries the calls of one event stream.
type subscription struct {
	run         *run
	stream      *stream
	frameworkID string

	ordered, unordered *queue
	taken              chan struct{} // tells that a call left its queue
	workers            sync.WaitGroup
}

func newSubscription(r *run, st *stream) *subscription {
	return &subscription{
		run: r, stream: st, frameworkID: r.frameworkID, ordered: newQueue(), unordered: newQueue(), taken: make(chan struct{}, 1),
	}
}

func (s *subscription) send(c machine.Call) {
	if machine.Ordered(c) {
		s.ordered.push(c)
		return
	}
	s.unordered.push(c)
}

// queued is how many calls wait.
func (s *subscription) queued() int { return s.ordered.len() + s.unordered.len() }

// room waits until no more calls wait than may. The error says that the stream has ended instead.
func (s *subscription) room() error {
	for s.queued() > s.run.cfg.QueuedCalls {
		select {
		case <-s.taken:
		case <-s.stream.ctx.Done():
			return s.stream.ctx.Err()
		}
	}
	return nil
}

// start begins to carry out what is queued.
func (s *subscription) start() {
	s.workers.Go(func() { s.work(s.ordered) })
	for range s.run.cfg.ParallelCalls {
		s.workers.Go(func() { s.work(s.unordered) })
	}
}

// stop drops what is queued and waits for the workers, after the stream's context has ended.
func (s *subscription) stop() {
	s.ordered.close()
	s.unordered.close()
	s.workers.Wait()
}

func (s *subscription) work(q *queue) {
	for {
		c, ok := q.pop()
		if !ok || s.stream.ctx.Err() != nil {
			return
		}
		select {
		case s.taken <- struct{}{}:
		default:
		}
		s.carryOut(c)
	}
}

// carryOut sends one call and tells what came of it.
func (s *subscription) carryOut(c machine.Call) {
	body, err := s.encode(c)
	if err != nil {
		s.run.counters.outcome(machine.CallName(c), wire.Refused)
		s.run.deliver(machine.CallFailed{Call: c, Err: err.Error()})
		return
	}
	v, text := s.run.call(s.stream, body)
	if _, settings := c.(machine.ExcludeHosts); settings && forbidden(v, text) {
		v = wire.Refused
	}
	s.run.counters.outcome(machine.CallName(c), v)
	if s.stream.ctx.Err() != nil || v == wire.Accepted {
		return // when the subscription has ended meanwhile, its Disconnected says all that can be said
	}
	text = fmt.Sprintf("%s: %s: %s", s.stream.master, machine.CallName(c), text)
	if v == wire.Lost {
		s.stream.end(fmt.Errorf("%s; subscribing again", text))
		return
	}
	s.run.cfg.Logger.Warn("call failed", "call", machine.CallName(c), "error", text, "ambiguous", v == wire.Ambiguous)
	if _, launches := c.(machine.Accept); launches && v == wire.Ambiguous {
		// Before anybody learns of it: what the caller then asks to know must not be asked of this subscription.
		s.stream.end(fmt.Errorf("%s; the master may have carried it out, so its offers are given up by subscribing again", text))
	}
	s.run.deliver(machine.CallFailed{Call: c, Err: text, Ambiguous: v == wire.Ambiguous})
}

// encode: only the session knows what the framework says of itself, which Mesos wants to hear again with each change.
func (s *subscription) encode(c machine.Call) ([]byte, error) {
	if e, ok := c.(machine.ExcludeHosts); ok {
		return wire.ExcludeHosts(s.run.cfg.Framework, s.frameworkID, s.run.cfg.HostKeyAttribute, e.Hosts)
	}
	return wire.Call(c, s.frameworkID)
}

// call makes the exchange with the master of a subscription. The text says what went wrong. A master that leads no more carries nothing
// out and names another; the stream may be with that one, if it was reached through a name that stands for several.
func (r *run) call(st *stream, body []byte) (wire.Verdict, string) {
	ctx, cancel := context.WithTimeout(st.ctx, r.cfg.CallTimeout)
	defer cancel()
	m := *st.callee.Load()
	for hops := range maxHops {
		traced, connected := connection(ctx)
		resp, err := r.post(traced, m, body, http.Header{streamIDHeader: {st.id}})
		if err != nil {
			unsent := errors.Is(err, errUnsent) || !connected.Load()
			switch {
			case unsent && hops > 0: // whoever is said to lead is not there
				return wire.Lost, fmt.Sprintf("redirected to %s: %s", m.address, transport.Explain(err))
			case unsent:
				return wire.Refused, transport.Explain(err)
			}
			return wire.Ambiguous, transport.Explain(err)
		}
		text := transport.Text(resp.Body) // also lets the connection be used again
		resp.Body.Close()
		if resp.StatusCode != http.StatusTemporaryRedirect {
			v := wire.Judge(resp.StatusCode, text)
			if v == wire.Accepted {
				st.callee.Store(&m)
			}
			return v, fmt.Sprintf("%d %s", resp.StatusCode, text)
		}
		next, err := r.hop(m, resp.Header.Get("Location"))
		if err != nil {
			return wire.Lost, err.Error()
		}
		m = next
	}
	return wire.Lost, fmt.Sprintf("no leader after %d redirects: an election may be under way", maxHops)
}

// queue is a queue of calls. It takes all: Send must not block. What bounds it is that room is waited for.
type queue struct {
	mu     sync.Mutex
	filled *sync.Cond
	calls  []machine.Call
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.filled = sync.NewCond(&q.mu)
	return q
}

// push adds a call, unless the queue is closed: then it is dropped.
func (q *queue) push(c machine.Call) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.calls = append(q.calls, c)
	q.filled.Signal()
}

// pop waits for a call; false means that the queue is closed.
func (q *queue) pop() (machine.Call, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.calls) == 0 && !q.closed {
		q.filled.Wait()
	}
	if q.closed {
		return nil, false
	}
	c := q.calls[0]
	q.calls[0] = nil // the array lives on, and a DECLINE can be large
	q.calls = q.calls[1:]
	return c, true
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.calls)
}

// close drops all calls and wakes all who wait.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.calls = true, nil
	q.filled.Broadcast()
}
