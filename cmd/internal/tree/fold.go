package tree

import (
	"slices"

	"github.com/quobyte/mesos-framework/plans"
)

// folding says what of a plan is not drawn, so that the rest fits.
type folding struct {
	phases []phaseFold // aligned with the plan's phases
}

// phaseFold says what of a phase is not drawn.
type phaseFold struct {
	// whole: only the line of the phase itself.
	whole bool
	// hidden counts, by status, the steps that one "more" line stands for.
	hidden [len(looks)]int
}

// foldOrder lists the statuses of steps from the least to the most interesting one.
var foldOrder = [...]plans.Status{
	plans.Complete, plans.Pending, plans.Waiting, plans.Prepared, plans.Delayed, plans.InProgress, plans.Starting,
	plans.Started, plans.Error,
}

// fold decides what to leave out so that at most height lines remain; height 0 or less leaves out nothing. It goes only as
// far as it must: phases that are COMPLETE become one line each, then steps of one status become a "more" line (the largest
// such group first, and of it only as much as is needed), then whole phases. A plan of more phases than lines still does not
// fit.
func fold(v plans.View, height int) folding {
	f := folding{phases: make([]phaseFold, len(v.Phases))}
	total := 0
	for _, p := range v.Phases {
		total += 1 + len(p.Steps)
	}
	if height <= 0 || total <= height {
		return f
	}
	total -= f.foldPhases(v, plans.Complete)
	for _, s := range foldOrder {
		if total <= height {
			return f
		}
		total -= f.foldSteps(v, s, total-height)
	}
	for _, s := range foldOrder {
		if total <= height {
			return f
		}
		total -= f.foldPhases(v, s)
	}
	return f
}

// foldPhases makes every phase of the status one line and returns how many lines that saves.
func (f *folding) foldPhases(v plans.View, s plans.Status) int {
	saved := 0
	for i, p := range v.Phases {
		if p.Status == s && !f.phases[i].whole {
			saved += f.lines(i, p) - 1
			f.phases[i].whole = true
		}
	}
	return saved
}

// foldSteps hides steps of the status until enough lines are saved or no group is left, and returns how many it saved.
func (f *folding) foldSteps(v plans.View, s plans.Status, need int) int {
	type group struct{ phase, steps int }
	var groups []group
	for i, p := range v.Phases {
		if n := countSteps(p, s); n > 1 && !f.phases[i].whole {
			groups = append(groups, group{i, n})
		}
	}
	slices.SortStableFunc(groups, func(a, b group) int { return b.steps - a.steps })
	saved := 0
	for _, g := range groups {
		if saved >= need {
			break
		}
		hide := min(g.steps, need-saved+1) // its "more" line costs one
		f.phases[g.phase].hidden[s] = hide
		saved += hide - 1
	}
	return saved
}

// lines is how many lines a phase takes.
func (f *folding) lines(i int, p plans.PhaseView) int {
	if f.phases[i].whole {
		return 1
	}
	n := 1 + len(p.Steps)
	for _, hidden := range f.phases[i].hidden {
		if hidden > 0 {
			n -= hidden - 1
		}
	}
	return n
}

// countSteps is how many steps of the phase have the status.
func countSteps(p plans.PhaseView, s plans.Status) int {
	n := 0
	for i := range p.Steps {
		if p.Steps[i].Status == s {
			n++
		}
	}
	return n
}
