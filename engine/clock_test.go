package engine

import (
	"testing"
	"time"
)

// TestClock plays a wall clock that is set. Times without a monotonic reading are compared by the wall, so a set clock is played by giving
// started and base what they would have been.
func TestClock(t *testing.T) {
	start := time.Now()
	c := newClock(func() time.Time { return start })
	first := c.now()
	if !first.Equal(start) {
		t.Fatalf("starts at %s, want %s", first, start)
	}
	// 10 s pass; meanwhile the wall clock was set back by an hour: base is ahead of the wall.
	c.base = c.base.Add(time.Hour)
	c.wall = func() time.Time { return start.Add(10 * time.Second) }
	if got, want := c.now(), first.Add(time.Hour+10*time.Second); !got.Equal(want) {
		t.Errorf("set back: %s, want to go on from where it was: %s", got, want)
	}
	// Set forward, it follows at once, and goes on from there.
	c.base = c.base.Add(-3 * time.Hour)
	if got, want := c.now(), start.Add(10*time.Second); !got.Equal(want) {
		t.Errorf("set forward: %s, want %s", got, want)
	}
	c.wall = func() time.Time { return start.Add(11 * time.Second) }
	if got, want := c.now(), start.Add(11*time.Second); !got.Equal(want) {
		t.Errorf("a second later: %s, want %s", got, want)
	}
}
