package engine

import "time"

// clock tells the time of day and never goes back: everything that the machine waits for is a time of day, and a clock that is set back
// by an hour would stop it for an hour. One that is set forward is followed. Not safe for concurrent use.
type clock struct {
	wall    func() time.Time // with a monotonic reading, as time.Now has it
	started time.Time        // by wall, with its monotonic reading
	base    time.Time        // what the clock said then
}

func newClock(wall func() time.Time) *clock {
	t := wall()
	return &clock{wall: wall, started: t, base: t.Round(0)}
}

// now returns the time in UTC without a monotonic reading: times are compared with those that were read back from the store.
func (c *clock) now() time.Time {
	t := c.wall()
	steady := c.base.Add(t.Sub(c.started)) // by the monotonic readings
	if day := t.Round(0); day.After(steady) {
		c.started, c.base, steady = t, day, day
	}
	return steady.UTC()
}
