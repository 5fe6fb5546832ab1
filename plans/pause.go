package plans

import (
	"cmp"
	"time"
)

// pauseOf returns the pause of an element, nil if it is not paused. The element is a phase, known by its name or its id, or the
// plan if both are empty. Of several pauses it is the oldest: since then nothing new has begun.
func pauseOf(facts []Fact, plan, phase, phaseID string) *Fact {
	var oldest *Fact
	for i := range facts {
		f := &facts[i]
		if f.Kind != Paused || f.Plan != plan || (f.Phase != phase && f.Phase != phaseID) {
			continue
		}
		if oldest == nil || comparePauses(f, oldest) < 0 {
			oldest = f
		}
	}
	return oldest
}

// comparePauses orders by time, then by content, so that the order in which facts are given decides nothing.
func comparePauses(a, b *Fact) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Actor, b.Actor), cmp.Compare(a.Reason, b.Reason))
}

// hold is what a pause shows on the element and on all below it that has not begun.
func (f *Fact) hold() Hold {
	text := "paused"
	if f.Actor != "" {
		text += " by " + f.Actor
	}
	if !f.At.IsZero() {
		text += " since " + stamp(f.At)
	}
	if f.Reason != "" {
		text += ": " + f.Reason
	}
	return Hold{Code: CodePaused, Subject: f.Actor, Text: text, Since: f.At}
}

// pausedSince is when the first of the pauses that are in force began; zero if there is none.
func pausedSince(pauses ...*Fact) time.Time {
	var since time.Time
	for _, p := range pauses {
		if p != nil {
			since = earlier(since, p.At)
		}
	}
	return since
}

// stamp writes a time as texts show it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// earlier returns the earlier time; a zero one is unknown and gives way to the other.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// later returns the later time.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
