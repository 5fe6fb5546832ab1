package engine

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/store"
)

// Who may not lead any more carries out nothing of what it decides, not even what needs no commit.
func TestNothingIsDoneBehindTheFence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal{}
		session := newSession(j)
		lost := errors.New("lost")
		var leading error
		e, err := New(t.Context(), Config{
			Service: single{}, Session: session, Store: store.OpenMemory(), Fence: func() error { return leading },
		})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- e.Run(t.Context()) }()
		session.events <- machine.Subscribed{FrameworkID: "F"}
		synctest.Wait()
		before := j.text()
		if !strings.Contains(before, "send ") {
			t.Fatalf("nothing was sent before:\n%s", before)
		}
		leading = lost
		session.events <- offer("O1")
		if err := <-ended; !errors.Is(err, lost) {
			t.Errorf("the engine ended with %v, want %v", err, lost)
		}
		if j.text() != before {
			t.Errorf("after it was deposed it did\n%s", strings.TrimPrefix(j.text(), before))
		}
	})
}

// Leadership is lost while a group is being written. The group may be durable, and whoever leads then reads it; what waited for it is not sent.
func TestNothingIsSentWhenLeadershipIsLostInACommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal{}
		session := newSession(j)
		lost := errors.New("lost")
		var leading error
		disk := &store.Disk{After: func(g machine.Group) error {
			for _, r := range g.Puts {
				if r.Key == "hosts/h" {
					leading = lost
				}
			}
			return nil
		}}
		e, err := New(t.Context(), Config{
			Service: single{}, Session: session, Store: disk.Open(), Fence: func() error { return leading },
		})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- e.Run(t.Context()) }()
		session.events <- machine.Subscribed{FrameworkID: "F"}
		session.events <- offer("O1")
		if err := <-ended; !errors.Is(err, lost) {
			t.Errorf("the engine ended with %v, want %v", err, lost)
		}
		if strings.Contains(j.text(), "DECLINE") {
			t.Errorf("after it was deposed it sent\n%s", j.text())
		}
	})
}
