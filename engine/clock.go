package engine

import (
	"log/slog"
	"time"
)

// clockTold is by how much the clock must have been set for that to be told.
const clockTold = time.Second

// clock tells the time of day and never goes back: everything that the machine waits for is a time of day, and a clock that is set back
// by an hour would stop it for an hour. One that is set forward is followed. Not safe for concurrent use.
type clock struct {
	wall    func() time.Time // with a monotonic reading, as time.Now has it
	started time.Time        // by wall, with its monotonic reading
	base    time.Time        // what the clock said then

	ahead  time.Duration // of the time of day, when it was last asked: that was set back
	jumped time.Duration // by how much more than time had passed when it was last asked: the time of day was set forward, or the machine slept
	told   time.Duration // how much ahead it was when that was last told
}

func newClock(wall func() time.Time) *clock {
	t := wall()
	return &clock{wall: wall, started: t, base: t.Round(0)}
}

// now returns the time in UTC without a monotonic reading: times are compared with those that were read back from the store.
func (c *clock) now() time.Time {
	t := c.wall()
	steady := c.base.Add(t.Sub(c.started)) // by the monotonic readings
	day := t.Round(0)
	c.ahead, c.jumped = max(steady.Sub(day), 0), max(day.Sub(steady), 0)
	if day.After(steady) {
		c.started, c.base, steady = t, day, day
	}
	return steady.UTC()
}

// tell logs that the time of day was set. That holds up nothing: what waits for a time goes by this clock. But what it shows, and records, is ahead of other clocks
// for as long as the process lives.
func (c *clock) tell(log *slog.Logger) {
	if c.jumped > clockTold {
		log.Warn("the clock was set forward, or the machine slept: what waited for a time in between is due", "by", c.jumped.Round(time.Millisecond))
	}
	if more := c.ahead - c.told; max(more, -more) <= clockTold {
		return
	}
	c.told = c.ahead
	if c.ahead > clockTold {
		log.Warn("the clock was set back: times go on from where they were, ahead of it, until it has caught up or this is started again", "ahead", c.ahead.Round(time.Millisecond))
		return
	}
	log.Info("the clock has caught up")
}
