package mesos_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/engine/machine"
	session "github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/engine/mesos/internal/pipenet"
	"github.com/quobyte/mesos-framework/offers"
)

func launch(offer string) machine.Accept {
	return machine.Accept{OfferIDs: []string{offer}, Operations: []offers.Operation{{Type: offers.Launch, Tasks: []offers.Task{{
		ID: "t", Name: "t", AgentID: "S0", Resources: offers.Resources{{Name: "cpus", Scalar: 100, Role: "quobyte"}},
	}}}}}
}

var ack = machine.Acknowledge{TaskID: "t", AgentID: "S0", UUID: make([]byte, 16)}

// Calls of the ordered lane arrive one after the other; those of the other lane do not wait for them, 32 at a time.
func TestLanes(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		slow := func(*scheduler.Call) answer {
			<-time.After(time.Second)
			return answer{status: 202}
		}
		m.onCall = slow
		h := start(t, network, config(masterA), "")
		for i := range 5 {
			h.session.Send(machine.Kill{TaskID: fmt.Sprint("t", i)})
		}
		h.session.Send(machine.Reconcile{})
		for range 40 {
			h.session.Send(ack)
		}
		h.after(10 * time.Second)
		m.mu.Lock()
		defer m.mu.Unlock()
		var order []string
		for _, c := range m.calls {
			switch c.Type {
			case scheduler.Call_KILL:
				order = append(order, c.Kill.TaskID.Value)
			case scheduler.Call_RECONCILE:
				order = append(order, "reconcile")
			}
			if c.GetFrameworkID().GetValue() != "F-0000" {
				t.Errorf("framework id of %s = %v", c.Type, c.FrameworkID)
			}
		}
		if diff := cmp.Diff([]string{"t0", "t1", "t2", "t3", "t4", "reconcile"}, order); diff != "" {
			t.Errorf("ordered calls (-want +got):\n%s", diff)
		}
		if len(m.calls) != 46 || m.most != 33 {
			t.Errorf("%d calls arrived, at most %d at a time; want 46 and 33", len(m.calls), m.most)
		}
		for _, head := range m.headers {
			if got := head.Get("Mesos-Stream-Id"); got != "stream-1" {
				t.Fatalf("stream id = %q", got)
			}
		}
		h.stop()
	})
}

// What an answer means: the call failed, certainly or perhaps, or the subscription is over.
func TestAnswersToCalls(t *testing.T) {
	const at = "master master-a:5050: "
	failed := func(c machine.Call, text string, ambiguous bool) []machine.Event {
		return []machine.Event{machine.CallFailed{Call: c, Err: text, Ambiguous: ambiguous}}
	}
	ended := func(text string) []machine.Event { return []machine.Event{machine.Disconnected{Err: text}} }
	kill := machine.Kill{TaskID: "t"}
	staleID := "The stream ID 'x' included in this request didn't match the stream ID currently associated with framework ID F-0000"
	giveUp := "; the master may have carried it out, so its offers are given up by subscribing again"
	tests := []struct {
		name string
		call machine.Call
		in   answer
		want []machine.Event
	}{
		{"accepted", kill, answer{status: 202}, nil},
		{"done", kill, answer{status: 200}, nil},
		{"another leads", kill, answer{status: 307, location: "//b:1/"}, ended(at + "KILL: redirected to b:1: connection refused; is it running?; subscribing again")},
		{"another leads, and is not named", kill, answer{status: 307},
			ended(at + "KILL: " + at + "redirect: it names no other master; subscribing again")},
		{"recovering", ack, answer{status: 503, text: "Master has not finished recovery"},
			ended(at + "ACKNOWLEDGE: 503 Master has not finished recovery; subscribing again")},
		{"not subscribed", kill, answer{status: 403, text: "Framework is not subscribed"},
			ended(at + "KILL: 403 Framework is not subscribed; subscribing again")},
		{"stream id", ack, answer{status: 400, text: staleID}, ended(at + "ACKNOWLEDGE: 400 " + staleID + "; subscribing again")},
		{"unknown framework", kill, answer{status: 400, text: "Framework cannot be found"},
			ended(at + "KILL: 400 Framework cannot be found; subscribing again")},
		{"restarted", kill, answer{status: 404, text: "404 Not Found."}, ended(at + "KILL: 404 404 Not Found.; subscribing again")},
		{"our fault", kill, answer{status: 400, text: "Not a valid UUID"}, failed(kill, at+"KILL: 400 Not a valid UUID", false)},
		{"our fault in an accept", launch("O1"), answer{status: 415, text: "x"}, failed(launch("O1"), at+"ACCEPT: 415 x", false)},
		{"too many", kill, answer{status: 429}, failed(kill, at+"KILL: 429 ", true)},
		{"unavailable", ack, answer{status: 503, text: "x"}, failed(ack, at+"ACKNOWLEDGE: 503 x", true)},
		{"broken", kill, answer{status: 500}, failed(kill, at+"KILL: 500 ", true)},
		{"cut", kill, answer{cut: true}, failed(kill, at+"KILL: connection closed by the other side", true)},
		{"no answer", kill, answer{hold: true}, failed(kill, at+"KILL: no answer in time", true)},
		{"accept, broken", launch("O1"), answer{status: 503}, append(failed(launch("O1"), at+"ACCEPT: 503 ", true),
			machine.Disconnected{Err: at + "ACCEPT: 503 " + giveUp})},
		{"accept, cut", launch("O1"), answer{cut: true},
			append(failed(launch("O1"), at+"ACCEPT: connection closed by the other side", true),
				machine.Disconnected{Err: at + "ACCEPT: connection closed by the other side" + giveUp})},
		{"accept, no answer", launch("O1"), answer{hold: true}, append(failed(launch("O1"), at+"ACCEPT: no answer in time", true),
			machine.Disconnected{Err: at + "ACCEPT: no answer in time" + giveUp})},
		{"cannot be encoded", machine.Kill{}, answer{status: 202},
			failed(machine.Kill{}, "KILL call: task id is empty", false)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				m := newMaster(t, network, masterA)
				defer m.server.Close()
				first := true
				m.onCall = func(*scheduler.Call) answer {
					if first {
						first = false
						return tt.in
					}
					return answer{status: 202}
				}
				h := start(t, network, config(masterA), "")
				h.session.Send(tt.call)
				h.after(15 * time.Second)
				want := append([]machine.Event{welcome}, tt.want...)
				got := h.take()
				if slices.ContainsFunc(tt.want, func(e machine.Event) bool { _, over := e.(machine.Disconnected); return over }) {
					h.after(time.Second)
					want = append(want, welcome)
					got = append(got, h.take()...)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("events (-want +got):\n%s", diff)
				}
				// Whatever happened, the session goes on, and nothing was sent twice.
				before := len(m.received())
				h.session.Send(machine.Revive{})
				h.after(0)
				if got := m.received(); len(got) != before+1 || before > 1 {
					t.Errorf("calls = %v", got)
				}
				h.stop()
			})
		})
	}
}

// When nothing could be sent, a call has failed for certain, also an ACCEPT; the stream is not to blame.
func TestUnsentCall(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		l := network.Listen(masterA)
		m := &fakeMaster{t: t, address: masterA, heartbeat: 15}
		m.serve(l)
		defer m.server.Close()
		h := start(t, network, config(masterA), "")
		l.Close() // connections that stand go on
		h.session.Send(launch("O1"))
		wantEvents(t, h, welcome, machine.CallFailed{
			Call: launch("O1"), Err: "master master-a:5050: ACCEPT: connection refused; is it running?",
		})
		h.stop()
	})
}

// What waits in the lanes dies with the subscription; the next one begins with none of it.
func TestQueuesDieWithTheSubscription(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		m.onCall = func(*scheduler.Call) answer {
			<-time.After(10 * time.Second)
			return answer{status: 202}
		}
		h := start(t, network, config(masterA), "")
		h.session.Send(machine.Revive{})
		h.session.Send(machine.Kill{TaskID: "t"})
		h.after(time.Second)
		close(m.stream().finish)
		h.after(time.Second)
		wantEvents(t, h, welcome, machine.Disconnected{Err: "master master-a:5050: ended the event stream"}, welcome)
		h.after(time.Minute)
		if diff := cmp.Diff([]string{"REVIVE"}, m.received()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		h.stop()
	})
}

// The sink may send calls, from the first event on, and a call that fails at once does not overtake it.
func TestSendFromTheSink(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		cfg := config(masterA)
		cfg.Dial = network.Dial
		h := &harness{t: t}
		s, err := session.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		h.react = func(e machine.Event) {
			if _, ok := e.(machine.Subscribed); ok {
				s.Send(machine.Kill{})
				s.Send(machine.Revive{})
			}
		}
		s.Send(machine.Revive{}) // dropped: there is no subscription
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx, "", h.sink) }()
		wantEvents(t, h, welcome, machine.CallFailed{Call: machine.Kill{}, Err: "KILL call: task id is empty"})
		if diff := cmp.Diff([]string{"REVIVE"}, m.received()); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		cancel()
		<-done
		s.Send(machine.Revive{}) // dropped again
	})
}

// What a caller asks for when it learns of an ambiguous ACCEPT is not asked of the subscription that the ACCEPT was sent in: a late copy
// of it could still be carried out there, and the answer be false.
func TestNothingIsReconciledAfterAnAmbiguousAccept(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		m.onCall = func(c *scheduler.Call) answer {
			if c.Type == scheduler.Call_ACCEPT {
				return answer{hold: true}
			}
			return answer{status: 202}
		}
		h := start(t, network, config(masterA), "")
		h.react = func(e machine.Event) {
			switch e.(type) {
			case machine.CallFailed, machine.Subscribed:
				h.session.Send(machine.Reconcile{})
				h.session.Send(ack)
			}
		}
		h.session.Send(launch("O1"))
		h.session.Send(machine.Reconcile{})
		h.after(20 * time.Second)
		m.mu.Lock()
		for i, c := range m.calls {
			if c.Type != scheduler.Call_ACCEPT && m.headers[i].Get("Mesos-Stream-Id") != "stream-2" {
				t.Errorf("%s was sent in the subscription of the ACCEPT", c.Type)
			}
		}
		if len(m.calls) != 3 {
			t.Errorf("%d calls, want ACCEPT, and RECONCILE and ACKNOWLEDGE in the second subscription", len(m.calls))
		}
		m.mu.Unlock()
		h.stop()
	})
}

// A name that stands for several masters may lead a call to another than it led the stream to. That one says where the leader is.
func TestCallsFollowRedirects(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		a, b := newMaster(t, network, masterA), newMaster(t, network, masterB)
		defer a.server.Close()
		defer b.server.Close()
		a.onCall = func(*scheduler.Call) answer {
			return answer{status: 307, location: "//master-b:5050/master/api/v1/scheduler"}
		}
		h := start(t, network, config(masterA), "")
		for _, c := range []machine.Call{machine.Revive{}, ack, launch("O1")} {
			h.session.Send(c)
			h.after(time.Second)
		}
		if diff := cmp.Diff([]string{"REVIVE", "ACKNOWLEDGE", "ACCEPT"}, b.received()); diff != "" {
			t.Errorf("calls at the leader (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"REVIVE"}, a.received()); diff != "" {
			t.Errorf("calls at the other (-want +got):\n%s", diff)
		}
		if got := b.headers[2].Get("Mesos-Stream-Id"); got != "stream-1" {
			t.Errorf("stream id = %q", got)
		}
		wantEvents(t, h, welcome)
		b.onCall = func(*scheduler.Call) answer { return answer{status: 307, location: "//master-b:5050/"} }
		h.session.Send(machine.Revive{})
		wantEvents(t, h, machine.Disconnected{
			Err: "master master-a:5050: REVIVE: no leader after 5 redirects: an election may be under way; subscribing again",
		})
		h.stop()
	})
}

// Events make calls. While too many wait, none are read, and nothing is lost.
func TestQueuedCallsHoldBackEvents(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		m.heartbeat = 0
		m.onCall = func(*scheduler.Call) answer {
			<-time.After(10 * time.Second)
			return answer{status: 202}
		}
		cfg := config(masterA)
		cfg.QueuedCalls, cfg.ParallelCalls = 10, 1
		h := start(t, network, cfg, "")
		h.react = func(e machine.Event) {
			if _, ok := e.(machine.Offered); ok {
				for range 10 {
					h.session.Send(ack)
				}
			}
		}
		for range 5 {
			m.emit(offersEvent("O"))
		}
		most := 0
		for range 60 {
			h.after(10 * time.Second)
			most = max(most, h.session.Stats().Queued)
		}
		silent := welcome
		silent.Heartbeat = 0
		wantEvents(t, h, silent, offered("O"), offered("O"), offered("O"), offered("O"), offered("O"))
		if most > 21 {
			t.Errorf("%d calls waited, with a limit of 10 and 10 to an event", most)
		}
		h.stop()
	})
}
