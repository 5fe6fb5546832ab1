package mesos

import (
	"context"
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
	workers            sync.WaitGroup
}

func newSubscription(r *run, st *stream) *subscription {
	return &subscription{run: r, stream: st, frameworkID: r.frameworkID, ordered: newQueue(), unordered: newQueue()}
}

func (s *subscription) send(c machine.Call) {
	if machine.Ordered(c) {
		s.ordered.push(c)
		return
	}
	s.unordered.push(c)
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
		if !ok {
			return
		}
		s.carryOut(c)
	}
}

// carryOut sends one call and tells what came of it.
func (s *subscription) carryOut(c machine.Call) {
	body, err := wire.Call(c, s.frameworkID)
	if err != nil {
		s.run.deliver(machine.CallFailed{Call: c, Err: err.Error()})
		return
	}
	v, text := s.post(body)
	if s.stream.ctx.Err() != nil || v == accepted {
		return // when the subscription has ended meanwhile, its Disconnected says all that can be said
	}
	text = fmt.Sprintf("%s: %s: %s", s.stream.master, machine.CallName(c), text)
	if v == lost {
		s.stream.end(fmt.Errorf("%s; subscribing again", text))
		return
	}
	s.run.cfg.Logger.Warn("call failed", "call", machine.CallName(c), "error", text, "ambiguous", v == ambiguous)
	s.run.deliver(machine.CallFailed{Call: c, Err: text, Ambiguous: v == ambiguous})
	if _, launches := c.(machine.Accept); launches && v == ambiguous {
		s.stream.end(fmt.Errorf("%s; the master may have carried it out, so its offers are given up by subscribing again", text))
	}
}

// post makes the exchange with the master. The text says what went wrong.
func (s *subscription) post(body []byte) (verdict, string) {
	ctx, cancel := context.WithTimeout(s.stream.ctx, s.run.cfg.CallTimeout)
	defer cancel()
	ctx, connected := connection(ctx)
	resp, err := s.run.post(ctx, s.stream.master, body, http.Header{streamIDHeader: {s.stream.id}})
	if err != nil {
		if !connected.Load() {
			return refused, transport.Explain(err) // nothing was sent
		}
		return ambiguous, transport.Explain(err)
	}
	defer resp.Body.Close()
	text := transport.Text(resp.Body) // also lets the connection be used again
	return judge(resp.StatusCode, text), fmt.Sprintf("%d %s", resp.StatusCode, text)
}

// queue is an unbounded queue of calls.
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
	q.calls = q.calls[1:]
	return c, true
}

// close drops all calls and wakes all who wait.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.calls = true, nil
	q.filled.Broadcast()
}
