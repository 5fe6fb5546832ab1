package mesos_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/engine/machine"
	session "github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/engine/mesos/internal/pipenet"
	"github.com/quobyte/mesos-framework/engine/mesos/mesostest"
	"github.com/quobyte/mesos-framework/engine/mesos/recordio"
	"github.com/quobyte/mesos-framework/offers"
)

var welcome = machine.Subscribed{
	FrameworkID: "F-0000",
	Heartbeat:   15 * time.Second,
	Master:      machine.Master{ID: "M", Version: "1.11.0", Address: "master-a:5050", Hostname: "master-a"},
	Registration: &machine.Registration{
		User: "root", Name: "quobyte", Roles: []string{"quobyte"}, FailoverTimeout: time.Hour, Checkpoint: true,
	},
}

// bubble runs a test in virtual time with a network of its own.
func bubble(t *testing.T, f func(t *testing.T, network *pipenet.Network)) {
	synctest.Test(t, func(t *testing.T) { f(t, &pipenet.Network{}) })
}

func wantEvents(t *testing.T, h *harness, want ...machine.Event) {
	t.Helper()
	if diff := cmp.Diff(want, h.take()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func offersEvent(id string) *scheduler.Event {
	return &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{Offers: []mesos.Offer{{
		ID: mesos.OfferID{Value: id}, AgentID: mesos.AgentID{Value: "S0"}, Hostname: "h1",
	}}}}
}

func offered(id string) machine.Offered {
	return machine.Offered{Offers: []offers.Offer{{ID: id, AgentID: "S0", Site: offers.Site{Host: "h1", Hostname: "h1"}, Address: "h1"}}}
}

func errorEvent(text string) *scheduler.Event {
	return &scheduler.Event{Type: scheduler.Event_ERROR, Error: &scheduler.Event_Error{Message: text}}
}

var heartbeat = &scheduler.Event{Type: scheduler.Event_HEARTBEAT}

func TestSubscribe(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		h := start(t, network, config(masterA), "")
		m.emit(offersEvent("O1"))
		m.emit(&scheduler.Event{Type: scheduler.Event_Type(99)})
		m.emit(heartbeat)
		m.emit(&scheduler.Event{Type: scheduler.Event_RESCIND, Rescind: &scheduler.Event_Rescind{OfferID: mesos.OfferID{Value: "O1"}}})
		wantEvents(t, h, welcome, offered("O1"), machine.Rescinded{OfferID: "O1"})
		if m.subscribes[0].FrameworkID != nil || m.subscribes[0].Subscribe.FrameworkInfo.ID != nil {
			t.Error("a new framework subscribed with an id")
		}
		if err := h.stop(); err != nil {
			t.Errorf("run = %v", err)
		}
		wantEvents(t, h, machine.Disconnected{Err: "session closed"})
	})
}

// However the stream is cut, the events are the same.
func TestStreamCutAtEveryByte(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		m.cutBytes = true
		h := start(t, network, config(masterA), "")
		m.emit(offersEvent("O1"))
		m.emit(offersEvent("O2"))
		wantEvents(t, h, welcome, offered("O1"), offered("O2"))
		h.stop()
	})
}

// The id that the first subscription gave is that of the second, and so is one that the caller knows.
func TestSubscribeAgain(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		h := start(t, network, config(masterA), "")
		close(m.stream().finish)
		wantEvents(t, h, welcome, machine.Disconnected{Err: "master master-a:5050: ended the event stream"})
		h.after(time.Second)
		wantEvents(t, h, welcome)
		again := m.subscribes[1]
		if again.GetFrameworkID().GetValue() != "F-0000" || again.Subscribe.FrameworkInfo.GetID().GetValue() != "F-0000" {
			t.Errorf("second SUBSCRIBE has the ids %v and %v", again.FrameworkID, again.Subscribe.FrameworkInfo.ID)
		}
		h.session.Send(machine.Revive{})
		h.after(0)
		if got := m.headers[0].Get("Mesos-Stream-Id"); got != "stream-2" {
			t.Errorf("stream id = %q", got)
		}
		h.stop()
	})
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		h := start(t, network, config(masterA), "F-known")
		want := welcome
		want.FrameworkID = "F-known"
		wantEvents(t, h, want)
		h.stop()
	})
}

func TestFrameworkIDIsChecked(t *testing.T) {
	h, err := session.New(config(masterA))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Run(t.Context(), "a/b", func(machine.Event) {}); err == nil || !strings.Contains(err.Error(), `framework id "a/b"`) {
		t.Errorf("run = %v", err)
	}
}

func TestRedirect(t *testing.T) {
	tests := map[string]string{
		"as Mesos writes it":      "//master-b:5050/master/api/v1/scheduler",
		"as its documents say":    "master-b:5050",
		"with a scheme":           "http://master-b:5050/api/v1/scheduler",
		"without a path":          "//master-b:5050",
		"with a slash for a path": "//master-b:5050/",
	}
	for name, location := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				a, b := newMaster(t, network, masterA), newMaster(t, network, masterB)
				defer a.server.Close()
				defer b.server.Close()
				a.refuse = func() answer { return answer{status: 307, location: location} }
				h := start(t, network, config(masterA), "")
				wantEvents(t, h, welcome)
				h.session.Send(machine.Revive{})
				h.after(0)
				if diff := cmp.Diff([]string{"REVIVE"}, b.received()); diff != "" || len(a.received()) > 0 {
					t.Errorf("calls go to the leader; to the other: %v, to the leader: %s", a.received(), diff)
				}
				h.stop()
			})
		})
	}
}

func TestRedirectsThatLeadNowhere(t *testing.T) {
	tests := []struct {
		name, location, want string
	}{
		{"in circles", "//master-a:5050/", "master master-a:5050: no leader after 5 redirects: an election may be under way"},
		{"nowhere", "", "master master-a:5050: redirect: it names no other master"},
		{"to a master that is down", "//master-c:5050/x", "master master-c:5050: connection refused; is it running?"},
		{"to an odd place", "ftp://master-b:5050/x", `location "ftp://master-b:5050/x": master "ftp://master-b:5050": scheme "ftp" is not supported`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				m := newMaster(t, network, masterA)
				defer m.server.Close()
				m.refuse = func() answer { return answer{status: 307, location: tt.location} }
				h := start(t, network, config(masterA), "")
				got := h.take()
				if len(got) != 1 || !strings.Contains(got[0].(machine.Disconnected).Err, tt.want) {
					t.Errorf("events = %v, want %q", got, tt.want)
				}
				h.stop()
			})
		})
	}
}

// Candidates are asked in turn; only when none answers is the attempt over, and the words name all of them.
func TestCandidates(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		h := start(t, network, config(masterA, masterB), "")
		wantEvents(t, h, machine.Disconnected{Err: "master master-a:5050: connection refused; is it running?; " +
			"master master-b:5050: connection refused; is it running?"})
		m := newMaster(t, network, masterB)
		defer m.server.Close()
		h.after(time.Second)
		wantEvents(t, h, welcome)
		h.stop()
	})
}

// Attempts are made after 0.5 s, then within bounds that double to 15 s; a jitter of one half takes the middle.
func TestBackoff(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		h := start(t, network, config(masterA), "")
		h.after(40 * time.Second)
		want := []time.Duration{0, 500, 1250, 2500, 4750, 9000, 16750, 24500, 32250, 40000}
		for i := range want {
			want[i] *= time.Millisecond
		}
		if diff := cmp.Diff(want, h.times); diff != "" {
			t.Errorf("times of attempts (-want +got):\n%s", diff)
		}
		h.stop()
	})
}

// A master that takes the framework and drops it at once is not stormed; the end of a subscription that lasted begins anew.
func TestBackoffAfterSubscriptions(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		cfg := config(masterA)
		cfg.Jitter = func() float64 { return 1 }
		h := start(t, network, cfg, "")
		var waits []time.Duration
		for _, lives := range []time.Duration{0, 10 * time.Second, time.Second, 0, time.Minute, 0} {
			h.after(lives)
			ended := time.Now()
			close(m.stream().finish)
			for n := m.attempts(); m.attempts() == n; {
				h.after(500 * time.Millisecond)
			}
			waits = append(waits, time.Since(ended))
		}
		want := []time.Duration{500, 1000, 2000, 4000, 500, 1000}
		for i := range want {
			want[i] *= time.Millisecond
		}
		if diff := cmp.Diff(want, waits); diff != "" {
			t.Errorf("waits before the next subscription (-want +got):\n%s", diff)
		}
		h.stop()
	})
}

func TestAnswersToSubscribe(t *testing.T) {
	tests := []struct {
		name  string
		in    answer
		new   bool             // there is no framework id yet
		first *scheduler.Event // instead of SUBSCRIBED
		fatal error
		want  string
	}{
		{name: "no credentials", in: answer{status: 401, text: "no"},
			want: "master master-a:5050: 401 no; it wants credentials, or wants others than it got"},
		{name: "not authorized", in: answer{status: 403, text: "no"},
			want: "master master-a:5050: 403 no; the framework's principal is not allowed to subscribe"},
		{name: "no credentials for a new framework", in: answer{status: 401, text: "no"}, new: true, fatal: session.ErrRefused,
			want: "subscription refused: master master-a:5050: 401 no; it wants credentials, or wants others than it got"},
		{name: "a new framework not authorized", in: answer{status: 403, text: "no"}, new: true, fatal: session.ErrRefused,
			want: "subscription refused: master master-a:5050: 403 no; the framework's principal is not allowed to subscribe"},
		{name: "bad call", in: answer{status: 400, text: "Failed to validate\nscheduler::Call"}, fatal: session.ErrRefused,
			want: "subscription refused: master master-a:5050: 400 Failed to validate scheduler::Call"},
		{name: "no routes yet", in: answer{status: 404, text: "404 Not Found."},
			want: "master master-a:5050: 404 404 Not Found.: it is still starting, or it is no Mesos master"},
		{name: "no leader", in: answer{status: 503, text: "No leader elected"}, want: "master master-a:5050: not ready: No leader elected"},
		{name: "broken", in: answer{status: 500}, want: "master master-a:5050: unexpected answer 500 "},
		{name: "a web server", in: answer{status: 200, text: "<html>"},
			want: `master master-a:5050: answered with "text/plain; charset=utf-8" instead of an event stream; is it a Mesos master?`},
		{name: "cut", in: answer{cut: true}, want: "master master-a:5050: connection closed by the other side"},
		{name: "no answer", in: answer{hold: true}, want: "master master-a:5050: no subscription within 15s; is the address right?"},
		{name: "not subscribed", in: answer{status: 403, text: "Framework is not subscribed"},
			want: "master master-a:5050: 403 Framework is not subscribed; the framework's principal is not allowed to subscribe"},
		{name: "unknown", in: answer{status: 400, text: "Framework cannot be found"}, want: "master master-a:5050: 400 Framework cannot be found"},
		{name: "recovering", in: answer{status: 503, text: "Master has not finished recovery"},
			want: "master master-a:5050: not ready: Master has not finished recovery"},
		{name: "role not allowed", first: errorEvent("Not authorized to receive offers for role 'x'"),
			want: "master master-a:5050: subscription refused: Not authorized to receive offers for role 'x'; correct the framework's settings or its rights"},
		{name: "another principal", first: errorEvent("Changing framework's principal is not allowed."), fatal: session.ErrRefused,
			want: "subscription refused: master master-a:5050: Changing framework's principal is not allowed.; Mesos never changes the principal of a " +
				"framework: set it back to what it was, or forget the stored framework id to start as a new framework"},
		{name: "removed", first: errorEvent("Framework has been removed"), fatal: session.ErrRemoved,
			want: "framework removed: master master-a:5050: it was torn down or gone for longer than its failover timeout, and its tasks " +
				"are killed; forget the stored framework id to start as a new framework"},
		{name: "another protocol", first: heartbeat,
			want: "master master-a:5050: the event stream does not begin with SUBSCRIBED; is it a Mesos master?"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				m := newMaster(t, network, masterA)
				defer m.server.Close()
				m.first = tt.first
				m.refuse = func() answer { return tt.in }
				id := "F-0000"
				if tt.new {
					id = ""
				}
				h := start(t, network, config(masterA), id)
				h.after(15*time.Second + 10*time.Millisecond)
				got := h.take()
				want := machine.Disconnected{Err: tt.want, Fatal: tt.fatal != nil}
				if diff := cmp.Diff(machine.Event(want), got[0]); diff != "" {
					t.Errorf("event (-want +got):\n%s", diff)
				}
				if tt.fatal == nil {
					if m.attempts() < 2 && !tt.in.hold {
						t.Error("it was not tried again")
					}
					h.stop()
					return
				}
				if err := h.result(); !errors.Is(err, tt.fatal) || err.Error() != tt.want {
					t.Errorf("run = %v", err)
				}
				if m.attempts() != 1 || len(got) != 1 {
					t.Errorf("%d attempts and the events %v after a fatal answer", m.attempts(), got)
				}
			})
		})
	}
}

func TestErrorEvents(t *testing.T) {
	tests := []struct {
		text  string
		fatal error
		want  string
	}{
		{"Framework failed over", session.ErrFailedOver, failedOver},
		{"Framework has been removed", session.ErrRemoved,
			"framework removed: master master-a:5050: it was torn down or gone for longer than its failover timeout, and its tasks are " +
				"killed; forget the stored framework id to start as a new framework"},
		{"something else", nil, "master master-a:5050: error event: something else"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				m := newMaster(t, network, masterA)
				defer m.server.Close()
				h := start(t, network, config(masterA), "")
				m.emit(errorEvent(tt.text))
				wantEvents(t, h, welcome, machine.Disconnected{Err: tt.want, Fatal: tt.fatal != nil})
				if tt.fatal != nil {
					if err := h.result(); !errors.Is(err, tt.fatal) {
						t.Errorf("run = %v", err)
					}
					return
				}
				h.after(time.Second)
				wantEvents(t, h, welcome)
				h.stop()
			})
		})
	}
}

const failedOver = "framework failed over: master master-a:5050: another instance subscribed with this framework id and took over; run only one"

// A master that hung may carry out late what it never answered, and so end the subscription that came after. That is
// forgiven once, and only soon after.
func TestALateSubscribeOfOurOwn(t *testing.T) {
	const forgiven = "master master-a:5050: framework failed over, perhaps to a SUBSCRIBE of our own that was given up before; subscribing again"
	end := errorEvent("Framework failed over")
	tests := []struct {
		name        string
		in          answer // to the first SUBSCRIBE
		frameworkID string
		lives       time.Duration
		forgiven    bool
	}{
		{"no answer", answer{hold: true}, "F-0000", time.Second, true},
		{"no answer, and failed over just in time", answer{hold: true}, "F-0000", 5*time.Minute - time.Second, true},
		{"no answer, long ago", answer{hold: true}, "F-0000", 5 * time.Minute, false},
		{"cut", answer{cut: true}, "F-0000", time.Second, true},
		{"answered", answer{status: 503, text: "x"}, "F-0000", time.Second, false},
		{"no answer to a new framework", answer{hold: true}, "", time.Second, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				m := newMaster(t, network, masterA)
				defer m.server.Close()
				m.heartbeat = 0
				asked := 0
				m.refuse = func() answer {
					if asked++; asked == 1 {
						return tt.in
					}
					return answer{}
				}
				h := start(t, network, config(masterA), tt.frameworkID)
				for m.attempts() < 2 {
					h.after(500 * time.Millisecond)
				}
				h.take()
				h.after(tt.lives)
				m.emit(end)
				again := welcome
				again.Heartbeat = 0
				if tt.forgiven {
					wantEvents(t, h, machine.Disconnected{Err: forgiven})
					h.after(2 * time.Second)
					wantEvents(t, h, again)
					m.emit(end)
				}
				wantEvents(t, h, machine.Disconnected{Err: failedOver, Fatal: true})
				if err := h.result(); !errors.Is(err, session.ErrFailedOver) {
					t.Errorf("run = %v", err)
				}
			})
		})
	}
}

// The suspicion outlives a subscription that ends early for another reason, but not one that stood for long.
func TestALateSubscribeIsRemembered(t *testing.T) {
	for lives, fatal := range map[time.Duration]bool{time.Minute: false, 6 * time.Minute: true} {
		t.Run(lives.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				m := newMaster(t, network, masterA)
				defer m.server.Close()
				m.heartbeat = 0
				cut := true
				m.refuse = func() answer { defer func() { cut = false }(); return answer{cut: cut} }
				h := start(t, network, config(masterA), "F-0000")
				h.after(time.Second + lives)
				close(m.stream().finish)
				h.after(time.Second)
				h.take()
				m.emit(errorEvent("Framework failed over"))
				got := h.take()
				if d, ok := got[0].(machine.Disconnected); len(got) != 1 || !ok || d.Fatal != fatal {
					t.Errorf("events = %v; want fatal %v", got, fatal)
				}
				h.stop()
			})
		})
	}
}

// While the sink is busy nothing is read. That is not the master's silence, however long it takes.
func TestABusySinkIsNoSilence(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		cfg := config(masterA)
		cfg.Dial = network.Dial
		s, err := session.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		h := &harness{t: t, session: s, done: make(chan error, 1)}
		var busy time.Duration
		h.react = func(e machine.Event) {
			switch e.(type) {
			case machine.Subscribed, machine.Offered:
				<-time.After(busy)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		h.cancel = cancel
		busy = 10 * time.Minute
		go func() { h.done <- s.Run(ctx, "", h.sink) }()
		h.after(busy + time.Second)
		m.emit(offersEvent("O1"))
		m.emit(offersEvent("O2"))
		h.after(5 * time.Minute)
		wantEvents(t, h, welcome, offered("O1"))
		h.after(16 * time.Minute)
		wantEvents(t, h, offered("O2"))
		h.after(14 * time.Second) // silence counts from the moment that the sink was done, a second less than 75 s ago
		wantEvents(t, h)
		h.after(time.Second)
		wantEvents(t, h, machine.Disconnected{Err: "master master-a:5050: silent for 1m15s, 5 heartbeats are missing"})
		h.stop()
	})
}

// Five heartbeats may be missing; any event puts the end off, and so do the bytes of one.
func TestSilence(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		h := start(t, network, config(masterA), "")
		h.after(74 * time.Second)
		m.emit(heartbeat)
		h.after(74 * time.Second)
		m.stream().out <- []byte("2") // the beginning of a record
		h.after(74 * time.Second)
		wantEvents(t, h, welcome)
		h.after(time.Second)
		wantEvents(t, h, machine.Disconnected{Err: "master master-a:5050: silent for 1m15s, 5 heartbeats are missing"})
		h.after(time.Second)
		wantEvents(t, h, welcome)
		h.stop()
	})
}

// A master that announces no heartbeats may be silent.
func TestNoHeartbeats(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		m.heartbeat = 0
		h := start(t, network, config(masterA), "")
		h.after(24 * time.Hour)
		if got := h.take(); len(got) != 1 {
			t.Errorf("events = %v", got)
		}
		h.stop()
	})
}

// A record that is no event ends the subscription: the offers in it would otherwise never be given back.
func TestGarbage(t *testing.T) {
	for name, bytes := range map[string]string{"framing": "<html>", "record": "3\nabc", "too long": "300000000\n"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				m := newMaster(t, network, masterA)
				defer m.server.Close()
				h := start(t, network, config(masterA), "")
				m.stream().out <- []byte(bytes)
				got := h.take()
				if len(got) != 2 || got[1].(machine.Disconnected).Fatal {
					t.Errorf("events = %v", got)
				}
				h.after(time.Second)
				wantEvents(t, h, welcome)
				h.stop()
			})
		})
	}
}

func TestNewTellsAll(t *testing.T) {
	_, err := session.New(session.Config{
		Masters:    []string{"localhost", "zk://u:p@a:2181/mesos", "a:b", ":5050", "a:70000", "http://u@h:5050", "https://ok:5050/", "[::1]:5050"},
		MinBackoff: time.Minute, MaxBackoff: time.Second, CallTimeout: -1, MissedHeartbeats: -1,
	})
	const allowed = "; allowed are host:port, http://host:port, https://host:port, and alone zk://host:port/path; "
	want := `master "localhost": missing port in address` + allowed +
		`master "zk://…@a:2181/mesos": scheme "zk" is not supported` + allowed +
		`master "a:b": "b" is not a port number` + allowed +
		`master ":5050": "" is not a host` + allowed +
		`master "a:70000": "70000" is not a port number` + allowed +
		`master "http://…@h:5050": "…@h" is not a host` + allowed +
		"framework user is empty: name the system user that tasks run as; framework name is empty; " +
		"framework roles are empty: without a role Mesos makes no offers; call timeout -1ns is negative; " +
		"min backoff 1m0s is greater than max backoff 1s; missed heartbeats -1 is negative"
	if err == nil || err.Error() != want {
		t.Errorf("error = %v\nwant    %s", err, want)
	}
	if _, err := session.New(session.Config{Framework: config().Framework}); err == nil ||
		err.Error() != "masters are empty: name at least one as host:port, or give zk://host:port/path" {
		t.Errorf("without masters: %v", err)
	}
}

// Over real sockets: an address where nobody listens is told in one clear line, and tried again.
func TestRealSockets(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	cfg := config(address)
	cfg.MinBackoff, cfg.MaxBackoff = time.Millisecond, 10*time.Millisecond
	s, err := session.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	events := make(chan machine.Event, 1000)
	done := make(chan error, 1)
	go func() {
		done <- s.Run(ctx, "", func(e machine.Event) {
			select {
			case events <- e:
			default: // the test has seen enough
			}
		})
	}()
	want := machine.Disconnected{Err: "master " + address + ": connection refused; is it running?"}
	if diff := cmp.Diff(machine.Event(want), <-events); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	l, err = net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	m := &fakeMaster{t: t, address: address, heartbeat: 15}
	m.serve(l)
	defer m.server.Close()
	for {
		select {
		case e := <-events:
			if _, ok := e.(machine.Subscribed); !ok {
				continue
			}
		case <-ctx.Done():
			t.Fatal("not subscribed in time")
		}
		break
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run = %v", err)
	}
}

// Settings have been right for who was subscribed: if a master refuses them now, that may pass.
func TestRefusedAfterASubscription(t *testing.T) {
	for _, status := range []int{400, 401, 403} {
		bubble(t, func(t *testing.T, network *pipenet.Network) {
			m := newMaster(t, network, masterA)
			defer m.server.Close()
			asked := 0
			m.refuse = func() answer {
				if asked++; asked == 2 {
					return answer{status: status, text: "no"}
				}
				return answer{}
			}
			h := start(t, network, config(masterA), "")
			close(m.stream().finish)
			h.after(5 * time.Second)
			got := h.take()
			if len(got) != 4 || !cmp.Equal(got[3], machine.Event(welcome)) || got[2].(machine.Disconnected).Fatal {
				t.Errorf("events = %v", got)
			}
			h.stop()
		})
	}
}

// An older framework asks, once and before anybody hears of the subscription, whether Mesos has its settings.
func TestSettingsAreConfirmed(t *testing.T) {
	const user = "FrameworkInfo update is not valid: Updating 'FrameworkInfo.user' is unsupported; attempted to update from 'root' to 'nobody'"
	tests := []struct {
		name  string
		in    answer
		want  machine.Event
		fatal error
	}{
		{"they are", answer{status: 200}, machine.Subscribed{}, nil},
		{"a master that knows no such call", answer{status: 400, text: "Failed to validate scheduler::Call: Expecting 'type' to be present"}, machine.Subscribed{}, nil},
		{"forbidden", answer{status: 403, text: "Not authorized to use role 'x'"}, machine.Subscribed{}, nil},
		{"an answer that says nothing", answer{status: 500}, machine.Subscribed{}, nil},
		{"no answer", answer{hold: true}, machine.Subscribed{}, nil},
		{"another user", answer{status: 400, text: user}, machine.Disconnected{Fatal: true, Err: "subscription refused: master master-a:5050: 400 " + user +
			"; Mesos never changes the user of a framework: set it back to what it was, or forget the stored framework id to start as a new framework"}, session.ErrRefused},
		{"the subscription is over", answer{status: 403, text: "Framework is not subscribed"},
			machine.Disconnected{Err: "master master-a:5050: UPDATE_FRAMEWORK: 403 Framework is not subscribed; subscribing again"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				m := newMaster(t, network, masterA)
				defer m.server.Close()
				asked := 0
				m.onUpdate = func() answer {
					if asked++; asked == 1 {
						return tt.in
					}
					return answer{status: 200}
				}
				h := start(t, network, config(masterA), "F-known")
				h.after(15 * time.Second)
				got := h.take()
				want := tt.want
				if _, ok := want.(machine.Subscribed); ok {
					w := welcome
					w.FrameworkID = "F-known"
					if tt.in.status != 200 {
						w.Registration = nil // nobody can say what Mesos has
					}
					want = w
				}
				if diff := cmp.Diff(want, got[0]); diff != "" {
					t.Errorf("event (-want +got):\n%s", diff)
				}
				if tt.fatal != nil {
					if err := h.result(); !errors.Is(err, tt.fatal) || m.attempts() != 1 {
						t.Errorf("run = %v after %d attempts", err, m.attempts())
					}
					return
				}
				close(m.stream().finish)
				h.after(time.Second)
				m.mu.Lock()
				info := m.updates[0].UpdateFramework.FrameworkInfo
				sent := m.subscribes[0].Subscribe.FrameworkInfo
				if !info.Equal(sent) || m.updates[0].GetFrameworkID().GetValue() != "F-known" {
					t.Errorf("UPDATE_FRAMEWORK says %v, SUBSCRIBE said %v", info, sent)
				}
				if _, again := tt.want.(machine.Disconnected); len(m.updates) != 1 && !again {
					t.Errorf("%d times confirmed", len(m.updates))
				}
				m.mu.Unlock()
				h.stop()
			})
		})
	}
}

// A new framework has nothing to confirm.
func TestSettingsOfANewFramework(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		h := start(t, network, config(masterA), "")
		close(m.stream().finish)
		h.after(time.Minute)
		if len(m.updates) > 0 {
			t.Errorf("%d UPDATE_FRAMEWORKs", len(m.updates))
		}
		h.stop()
	})
}

func TestStats(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		m.onCall = func(c *scheduler.Call) answer {
			return map[scheduler.Call_Type]answer{
				scheduler.Call_REVIVE: {status: 202}, scheduler.Call_KILL: {status: 500}, scheduler.Call_RECONCILE: {status: 415},
				scheduler.Call_ACKNOWLEDGE: {status: 403},
			}[c.Type]
		}
		h := start(t, network, config(masterA), "")
		m.emit(offersEvent("O1"))
		m.emit(&scheduler.Event{Type: scheduler.Event_Type(99)})
		h.after(time.Second)
		last := time.Now().Add(-time.Second)
		for _, c := range []machine.Call{machine.Revive{}, machine.Kill{TaskID: "t"}, machine.Reconcile{}, machine.Kill{}, ack} {
			h.session.Send(c)
			h.after(0)
		}
		got := h.session.Stats()
		if got.Bytes < 50 || !got.LastEvent.Equal(last) {
			t.Errorf("bytes = %d, last event %v", got.Bytes, got.LastEvent)
		}
		got.Bytes, got.LastEvent = 0, time.Time{}
		want := session.Stats{Subscriptions: 1, Events: 4, Skipped: 1, Offers: 1, Calls: map[string]session.Outcomes{
			"REVIVE": {Accepted: 1}, "KILL": {Ambiguous: 1, Refused: 1}, "RECONCILE": {Refused: 1}, "ACKNOWLEDGE": {Lost: 1},
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
		h.after(time.Second)
		if got := h.session.Stats(); !got.Subscribed || got.Subscriptions != 2 {
			t.Errorf("after the second subscription: %+v", got)
		}
		h.stop()
		if h.session.Stats().Subscribed {
			t.Error("subscribed after the end")
		}
	})
}

// An event may be as long as that of a large cluster, and not longer than the limit.
func TestLargeEvents(t *testing.T) {
	one, err := ptr(mesostest.StorageOffer(1)).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	const padding, n = 10_000, 10_000
	one = append(one, 0xfa, 0x01) // field 31, which nobody knows: stands for longer offers
	one = append(binary.AppendUvarint(one, padding), make([]byte, padding)...)
	var list []byte
	for range n {
		list = binary.AppendUvarint(append(list, 0x0a), uint64(len(one)))
		list = append(list, one...)
	}
	record := append(binary.AppendUvarint([]byte{0x08, 0x02, 0x1a}, uint64(len(list))), list...) // type OFFERS, offers
	for limit, want := range map[int]string{
		0:           "",
		100_000_000: fmt.Sprintf("record too long: %d bytes, at most 100000000 are allowed; raise the limit if the cluster is that large", len(record)),
	} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				m := newMaster(t, network, masterA)
				defer m.server.Close()
				cfg := config(masterA)
				cfg.MaxRecord = limit
				h := start(t, network, cfg, "")
				m.stream().out <- recordio.Append(nil, record)
				got := h.take()
				if len(got) != 2 {
					t.Fatalf("%d events", len(got))
				}
				switch e := got[1].(type) {
				case machine.Offered:
					if want != "" || len(e.Offers) != n || len(e.Offers[n-1].Mounts) != 12 {
						t.Errorf("%d offers; want %q", len(e.Offers), want)
					}
				case machine.Disconnected:
					if e.Err != "master master-a:5050: event stream: "+want {
						t.Errorf("error = %s\nwant %s", e.Err, want)
					}
				}
				h.stop()
			})
		})
	}
}

// A name that stands for the leader is looked up for each attempt: a connection that is kept would lead to the old one for ever.
func TestNameStandsForAnotherMaster(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		old := newMaster(t, network, masterA)
		defer old.server.Close()
		old.guard = func(*http.Request) answer { return answer{status: 503, text: "No leader elected"} }
		h := start(t, network, config(masterA), "F-0000")
		h.after(5 * time.Second)
		leader := newMaster(t, network, masterA) // from now on
		defer leader.server.Close()
		h.after(2 * time.Minute)
		if leader.attempts() == 0 {
			t.Error("no SUBSCRIBE reached who leads")
		}
		h.stop()
	})
}
