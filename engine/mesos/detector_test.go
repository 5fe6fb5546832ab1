package mesos_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/machine"
	session "github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/engine/mesos/internal/pipenet"
)

// told is a Detector that reports what a test tells it.
type told chan session.Candidates

func (d told) Watch(ctx context.Context, report func(session.Candidates)) {
	for {
		select {
		case c := <-d:
			report(c)
		case <-ctx.Done():
			return
		}
	}
}

func leader(addresses ...string) session.Candidates {
	return session.Candidates{Addresses: addresses, Leader: true}
}

func detected() (session.Config, told) {
	cfg := config()
	d := make(told)
	cfg.Detector = d
	return cfg, d
}

// Without a leader there is nothing to do but wait, and to say so now and then; when one is known, it is asked at once.
func TestNoLeader(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		cfg, detector := detected()
		h := start(t, network, cfg, "")
		h.after(14 * time.Second)
		wantEvents(t, h)
		h.after(2 * time.Second)
		wantEvents(t, h, machine.Disconnected{Err: "the leading master is not known yet"})
		detector <- session.Candidates{Reason: "zookeeper: no master leads"}
		h.after(16 * time.Second)
		wantEvents(t, h, machine.Disconnected{Err: "zookeeper: no master leads"})
		h.after(time.Second)
		detector <- leader(masterA)
		h.after(0)
		wantEvents(t, h, welcome)
		h.stop()
	})
}

// News of a leader cuts a long wait short.
func TestNewsOfALeaderEndsTheBackoff(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		cfg, detector := detected()
		cfg.Jitter = func() float64 { return 1 }
		h := start(t, network, cfg, "")
		detector <- leader(masterA)
		h.after(16 * time.Second) // the next attempt would be at 31.5 s
		m := newMaster(t, network, masterB)
		defer m.server.Close()
		h.take()
		detector <- leader(masterB)
		h.after(600 * time.Millisecond)
		wantEvents(t, h, welcome)
		h.stop()
	})
}

// A change of the leader ends the subscription, and an attempt to get one; that nobody leads, or the same by another name, does not.
func TestLeaderChange(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		a, b := newMaster(t, network, masterA), newMaster(t, network, masterB)
		defer a.server.Close()
		defer b.server.Close()
		cfg, detector := detected()
		h := start(t, network, cfg, "")
		detector <- leader(masterA)
		wantEvents(t, h, welcome)
		detector <- session.Candidates{Reason: "nobody"}
		detector <- leader("10.0.0.1:5050", masterA)
		h.after(time.Minute)
		wantEvents(t, h)
		detector <- leader(masterB)
		wantEvents(t, h, machine.Disconnected{Err: "master master-a:5050: leads no more: master master-b:5050 does; subscribing there"})
		h.after(time.Second)
		wantEvents(t, h, welcome)
		h.session.Send(machine.Revive{})
		h.after(0)
		if diff := cmp.Diff([]string{"REVIVE"}, b.received()); diff != "" {
			t.Errorf("calls at the new leader (-want +got):\n%s", diff)
		}
		h.stop()
	})
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		a, b := newMaster(t, network, masterA), newMaster(t, network, masterB)
		defer a.server.Close()
		defer b.server.Close()
		a.refuse = func() answer { return answer{hold: true} }
		cfg, detector := detected()
		h := start(t, network, cfg, "")
		detector <- leader(masterA)
		h.after(time.Second)
		detector <- leader(masterB)
		h.after(time.Second)
		wantEvents(t, h, machine.Disconnected{Err: "master master-a:5050: leads no more: master master-b:5050 does; subscribing there"}, welcome)
		h.stop()
	})
}

// A leader that was found by its redirect is left alone when the detector names it as well.
func TestLeaderChangeThatWasKnown(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		a, b := newMaster(t, network, masterA), newMaster(t, network, masterB)
		defer a.server.Close()
		defer b.server.Close()
		a.refuse = func() answer { return answer{status: 307, location: "//master-b:5050/master/api/v1/scheduler"} }
		cfg, detector := detected()
		h := start(t, network, cfg, "")
		detector <- leader(masterA)
		wantEvents(t, h, welcome)
		detector <- leader("10.0.0.2:5050", masterB)
		h.after(time.Minute)
		wantEvents(t, h)
		h.stop()
	})
}

// All names of the leader are tried.
func TestNamesOfTheLeader(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		m := newMaster(t, network, masterA)
		defer m.server.Close()
		cfg, detector := detected()
		h := start(t, network, cfg, "")
		detector <- leader("10.0.0.1:5050", "bad address", masterA)
		wantEvents(t, h, welcome)
		h.stop()
	})
}

// The session ends while nothing is known and while it is subscribed.
func TestDetectorEnds(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		cfg, _ := detected()
		h := start(t, network, cfg, "")
		if err := h.stop(); err != nil {
			t.Errorf("run = %v", err)
		}
		wantEvents(t, h)
	})
}

func TestDetectorOrMasters(t *testing.T) {
	cfg, _ := detected()
	cfg.Masters = []string{masterA}
	if _, err := session.New(cfg); err == nil || err.Error() != "masters and a detector are given: only one of them is allowed" {
		t.Errorf("error = %v", err)
	}
}
