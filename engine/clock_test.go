package engine

import (
	"bytes"
	"log/slog"
	"strings"
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

// That the clock was set is told once for each time that it was, and what it does meanwhile is what it is.
func TestAClockThatIsSetIsTold(t *testing.T) {
	var log bytes.Buffer
	start := time.Now()
	c := newClock(func() time.Time { return start })
	after := func(passed, set time.Duration, ahead time.Duration, want string) {
		t.Helper()
		log.Reset()
		c.base = c.base.Add(-set) // see TestClock
		c.wall = func() time.Time { return start.Add(passed) }
		for range 3 {
			c.now()
			c.tell(slog.New(slog.NewTextHandler(&log, nil)))
		}
		if got := strings.Count(log.String(), "\n"); c.ahead != ahead || want == "" && got > 0 || want != "" && (got != 1 || !strings.Contains(log.String(), want)) {
			t.Errorf("after %s, set by %s: ahead %s, want %s; told %q, want %q", passed, set, c.ahead, ahead, log.String(), want)
		}
	}
	after(time.Second, 0, 0, "")
	after(2*time.Second, -100*time.Millisecond, 100*time.Millisecond, "")
	after(3*time.Second, -time.Hour, time.Hour+100*time.Millisecond, `was set back: times go on from where they were, ahead of it, until it has caught up or this is started again" ahead=1h0m0.1s`)
	after(4*time.Second, 0, time.Hour+100*time.Millisecond, "")
	after(5*time.Second, time.Hour, 100*time.Millisecond, "the clock has caught up")
	after(6*time.Second, time.Minute, 0, "was set forward, or the machine slept")
}
