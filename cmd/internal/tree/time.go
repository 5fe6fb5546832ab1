package tree

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// Age says in one number and unit how long ago since was: 12s, 3m, 2h, 4d. It is empty if one of the times is unknown; a
// time in the future (clocks differ) is 0s.
func Age(now, since time.Time) string {
	if now.IsZero() || since.IsZero() {
		return ""
	}
	return length(now.Sub(since))
}

// unit is what a duration is counted in.
type unit struct {
	length time.Duration
	name   string
}

// units are the largest first.
var units = [...]unit{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}}

// unitOf is the largest unit of which a duration has one, or the smallest.
func unitOf(d time.Duration) unit {
	for _, u := range units {
		if d >= u.length {
			return u
		}
	}
	return units[len(units)-1]
}

// length says a duration in one number and unit; a negative one is 0s.
func length(d time.Duration) string {
	u := unitOf(d)
	return fmt.Sprintf("%d%s", max(d, 0)/u.length, u.name)
}

// PlanAge says how long a plan has been as it is: at work, since its run began; otherwise, in its status. It is empty if that is
// not known.
func PlanAge(now time.Time, v plans.View) string {
	if atWork(v) && !v.Run.StartedAt.IsZero() {
		return Age(now, v.Run.StartedAt)
	}
	return Age(now, v.Since)
}

// atWork says that the status changes with each step, so that its own age means little.
func atWork(v plans.View) bool {
	switch v.Status {
	case plans.Complete, plans.Waiting, plans.Error:
		return false
	}
	return true
}

// elapsed goes with the status in a plan's head: since when it has it, and how long the run takes or took.
func elapsed(v plans.View, now time.Time) string {
	age := PlanAge(now, v)
	if age == "" {
		return ""
	}
	if atWork(v) && v.Status != plans.Pending && !v.Run.StartedAt.IsZero() {
		return ", running for " + age
	}
	text := " for " + age
	end := v.Run.CompletedAt
	if end.IsZero() {
		end = v.Since
	}
	if v.Status == plans.Complete && !v.Run.StartedAt.IsZero() && end.After(v.Run.StartedAt) {
		text += ", took " + length(end.Sub(v.Run.StartedAt))
	}
	return text
}

// timeLeft goes with the steps in a plan's head: how long it will take from now on. It is empty if the time or the estimate is not known.
func timeLeft(e *plans.Estimate, now time.Time) string {
	if e == nil || now.IsZero() {
		return ""
	}
	left := e.Likely.Sub(now)
	if left <= 0 {
		return ", longer than usual"
	}
	text := ", about " + nearest(left) + " left"
	if most := atLeast(e.Latest.Sub(now)); most != nearest(left) {
		text += " (at most " + most + ")"
	}
	return text
}

// nearest is the length to the nearest unit; atLeast the next that is not less.
func nearest(d time.Duration) string { return length(d + unitOf(d).length/2) }
func atLeast(d time.Duration) string { return length(d + unitOf(d).length - 1) }

// clocks are the forms in which texts write the time at which a hold ends.
var clocks = [...]string{time.RFC3339, "15:04:05Z"}

// HoldText is the text of a hold, to be shown beside ages: there one wants to know in how long it ends, and not when. Given the
// time, "at 12:00:04Z" becomes "in 4s" and "until 12:00:04Z" becomes "for 4s", if that is when the hold ends. It is clean.
func HoldText(h plans.Hold, now time.Time) string {
	if now.IsZero() || h.Until.IsZero() {
		return clean(h.Text)
	}
	text, left := h.Text, length(h.Until.Sub(now))
	for _, form := range clocks {
		stamp := h.Until.UTC().Format(form)
		text = strings.ReplaceAll(text, "at "+stamp, "in "+left)
		text = strings.ReplaceAll(text, "until "+stamp, "for "+left)
	}
	return clean(text)
}

// firstHold is the text of the most fundamental hold. Where a parent shows that of its first child, it says how many others have one like it. A
// pause that lets something come to its end is told as that.
func firstHold(holds []plans.Hold, now time.Time) string {
	if len(holds) == 0 {
		return ""
	}
	first := holds[0]
	if first.Code == plans.CodePaused {
		i := slices.IndexFunc(holds, func(h plans.Hold) bool {
			return h.Code == plans.CodePausing && h.Since.Equal(first.Since) && h.Subject == first.Subject
		})
		first = holds[max(i, 0)]
	}
	text := HoldText(first, now)
	if n := first.Count; n > 1 && first.Code != plans.CodeCanary { // what continue begins is told by its text
		text += fmt.Sprintf(" (and %d more)", n-1)
	}
	return text
}
