package plans

import (
	"slices"
	"time"
)

// Clamped returns the run with the times that lie after now brought to now. They were written by a clock that was wrong, and would hold up what
// counts from them until the clock gets there. What says until when something waits may lie in the future, and stays.
func (r Run) Clamped(now time.Time) Run {
	r.unshareTimes()
	times := r.recordTimes()
	clamp(slices.DeleteFunc(times, func(t recordTime) bool { return r.Halt != nil && t.at == &r.Halt.Cause.Until }), now)
	return r
}

// Clamped returns the fact with its time brought to now if it lies after that.
func (f Fact) Clamped(now time.Time) Fact {
	clamp(f.recordTimes(), now)
	return f
}

func clamp(times []recordTime, now time.Time) {
	for _, t := range times {
		if t.at.After(now) {
			*t.at = now
		}
	}
}
