package plans

import (
	"slices"
	"time"
)

// maxStills bounds how many times of standstill a run keeps. Beyond that the oldest two become one of the same length.
const maxStills = 32

// worked is how long the clock of a phase (empty: of the plan) has run since a time. It stands still with that of the plan.
func (e *evaluator) worked(from time.Time, phase string) time.Duration {
	if !from.Before(e.now) {
		return 0
	}
	run := e.now.Sub(from)
	end := from // what lies before is accounted for
	for _, s := range e.stillsOf(phase) {
		to := s.To
		if to.IsZero() || to.After(e.now) {
			to = e.now
		}
		begin := later(end, s.From)
		if to.After(begin) {
			run -= to.Sub(begin)
			end = to
		}
	}
	return max(run, 0)
}

// stillsOf returns the standstills of the plan and of a phase by their beginning.
func (e *evaluator) stillsOf(phase string) []Still {
	var out []Still
	for _, s := range e.in.Run.Stills {
		if s.Phase == "" || s.Phase == phase {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b Still) int { return a.From.Compare(b.From) })
	return out
}

// still says whether the clock of a phase (empty: of the plan) stands still from now on.
func (r *Run) still(phase string) bool {
	return slices.ContainsFunc(r.Stills, func(s Still) bool { return s.To.IsZero() && (s.Phase == "" || s.Phase == phase) })
}

// setStill begins or ends a standstill of the plan or a phase.
func (r *Run) setStill(phase string, still bool, now time.Time) {
	lasts := func(s Still) bool { return s.Phase == phase && s.To.IsZero() }
	if slices.ContainsFunc(r.Stills, lasts) == still {
		return
	}
	r.Stills = slices.Clone(r.Stills)
	if still {
		r.Stills = append(r.Stills, Still{Phase: phase, From: now})
	} else {
		r.endStills(lasts, now)
	}
	if len(r.Stills) > maxStills {
		r.joinStills()
	}
}

// endStills ends standstills; one that began later than now, by another clock, had no length.
func (r *Run) endStills(which func(Still) bool, now time.Time) {
	for i := range r.Stills {
		if s := &r.Stills[i]; which(*s) {
			s.To = later(s.From, now)
		}
	}
}

// joinStills makes one of the oldest two standstills of one phase that are over. It ends when the later one did and is as long as both:
// the sum of each phase, and of the plan, stays. Where the joined one of a plan now lies over one of a phase, that counts once; so beyond
// maxStills the clock of a step may be ahead by that much.
func (r *Run) joinStills() {
	for i := range r.Stills {
		for j := i + 1; j < len(r.Stills); j++ {
			a, b := r.Stills[i], r.Stills[j]
			if a.Phase != b.Phase || a.To.IsZero() || b.To.IsZero() {
				continue
			}
			r.Stills[j].From = b.From.Add(-a.To.Sub(a.From))
			r.Stills = slices.Delete(r.Stills, i, i+1)
			return
		}
	}
}
