package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/store"
	"github.com/quobyte/mesos-framework/offers"
)

// flood is a session with a master that offers without end.
type flood struct {
	each  int // offers in an event
	begin chan struct{}
	sent  atomic.Int64
	stop  atomic.Bool
}

func (f *flood) Run(ctx context.Context, _ string, sink func(machine.Event)) error {
	<-f.begin
	sink(machine.Subscribed{FrameworkID: "F"})
	for n := 0; !f.stop.Load() && ctx.Err() == nil; n++ {
		var batch []offers.Offer
		for i := range f.each {
			batch = append(batch, offers.Offer{ID: fmt.Sprint(n, "/", i), AgentID: "S", Site: offers.Site{Host: "h", Hostname: "h"}, Role: "r", Free: offers.Quantities{CPUs: 4000}})
		}
		sink(machine.Offered{Offers: batch})
		f.sent.Add(1)
	}
	<-ctx.Done()
	return nil
}

func (*flood) Send(machine.Call) {}

// The store hangs while the master offers without end: what waits is bounded, verbs give up, views can be read, and the numbers tell. When the store
// answers again, all goes on.
func TestASlowStoreSlowsTheIntake(t *testing.T) {
	for _, test := range []struct{ each, most int }{
		{1, inboxSize + 1},
		{1000, inboxOffers/1000 + 2},
		{3 * inboxOffers, 2}, // an event may be as large as it likes: the master has no more
	} {
		t.Run(fmt.Sprint(test.each), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hangs := make(chan struct{})
				disk := &store.Disk{Before: func(g machine.Group) error {
					if slices.ContainsFunc(g.Puts, func(r machine.Record) bool { return r.Key == "framework" }) {
						<-hangs
					}
					return nil
				}}
				session := &flood{each: test.each, begin: make(chan struct{})}
				e, err := New(t.Context(), Config{Service: single{}, Store: disk.Open(), Session: session})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- e.Run(ctx) }()
				synctest.Wait() // the first decision shows a view
				close(session.begin)
				synctest.Wait()
				begun := time.Now()
				asked, give := context.WithTimeout(ctx, 30*time.Second)
				defer give()
				if _, err := e.Do(asked, machine.Verb{Kind: machine.Pause, Plan: "deploy"}); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("verb: %v", err)
				}
				// The loop has taken some before the commit that hangs.
				s := e.Stats()
				if s.Events == 0 || s.Events > test.most || s.Offers < 1 || s.Offers >= inboxOffers+test.each || s.Committing < time.Since(begun) {
					t.Errorf("%d events have come; %+v, want at most %d events", session.sent.Load(), s, test.most)
				}
				if v, _ := e.View(); v == nil {
					t.Error("no view can be read")
				}
				waited := session.sent.Load()
				time.Sleep(time.Hour)
				if session.sent.Load() != waited {
					t.Errorf("events are still taken: %d, then %d", waited, session.sent.Load())
				}
				session.stop.Store(true)
				close(hangs)
				if a, err := e.Do(ctx, machine.Verb{Kind: machine.Pause, Plan: "deploy"}); err != nil {
					t.Errorf("verb: %v %v", a, err)
				}
				synctest.Wait()
				if s := e.Stats(); s.Events != 0 || s.Offers != 0 || s.Committing != 0 || s.Commits == 0 || s.CommitTime < time.Hour {
					t.Errorf("after it: %+v", s)
				}
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}
