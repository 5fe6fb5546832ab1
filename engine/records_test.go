package engine

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/store"
)

// What is exported is what is durable, at any time.
func TestRecordsAreThoseOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &store.Disk{}
		b := newBench(t, disk)
		var mu sync.Mutex
		durable := map[string]string{}
		note := disk.Before
		disk.Before = nil
		disk.After = func(g machine.Group) error {
			mu.Lock()
			defer mu.Unlock()
			for _, key := range g.Deletes {
				delete(durable, key)
			}
			for _, r := range g.Puts {
				durable[r.Key] = string(r.Value)
			}
			return note(g)
		}
		b.cancel()
		<-b.ended
		b = newBench(t, disk)
		for _, e := range []machine.Event{machine.Subscribed{FrameworkID: "F"}, offer("O1"), nil, offer("O2")} {
			if e == nil {
				time.Sleep(2 * time.Second) // the discovery window, in virtual time
				synctest.Wait()
				continue
			}
			b.event(e)
			records, err := b.engine.Records(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, r := range records {
				got[r.Key] = string(r.Value)
			}
			mu.Lock()
			for key, value := range durable {
				if diff := cmp.Diff(value, got[key]); diff != "" {
					t.Errorf("after %T: record %s (-durable +exported)\n%s", e, key, diff)
				}
			}
			mu.Unlock()
		}
		if len(durable) < 4 {
			t.Errorf("too little is durable for this test: %v", durable)
		}
		b.cancel()
		<-b.ended
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := b.engine.Records(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("records of an engine that has ended: %v", err)
		}
	})
}
