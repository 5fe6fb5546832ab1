package plans

import "slices"

// Folding says what of a plan is not shown, so that the rest fits where there is little room. It is the same for a terminal and a web page.
type Folding struct {
	// Phases are aligned with the plan's.
	Phases []PhaseFold
}

// PhaseFold says what of a phase is not shown.
type PhaseFold struct {
	// Whole: only the line of the phase itself is shown.
	Whole bool
	// Hidden counts, by status, the steps that one "more" line stands for. Lines says which they are.
	Hidden Counts
}

// FoldLine is a line below a phase: a step, or what stands for several.
type FoldLine struct {
	// Step is the place of the step in the phase; of several, that of the first of them.
	Step int
	// Hidden is how many steps of Status the line stands for; 0: it is a step.
	Hidden int
	Status Status
}

// foldOrder lists the statuses of steps from the least to the most interesting one.
var foldOrder = [...]Status{Complete, Pending, Waiting, Prepared, Delayed, InProgress, Starting, Started, Error}

// Fold decides what to leave out so that at most so many lines remain, one for each phase and each step; 0 or less leaves out nothing. It
// goes only as far as it must: phases that are COMPLETE become one line each, then steps of one status become a "more" line (the largest
// such group first, and of it only as much as is needed), then whole phases. A plan of more phases than lines still does not
// fit.
func Fold(v View, lines int) Folding {
	f := folding{phases: v.Phases, folds: make([]PhaseFold, len(v.Phases))}
	total := 0
	for i := range v.Phases {
		total += 1 + len(v.Phases[i].Steps)
	}
	if lines > 0 && total > lines {
		f.fold(total, lines)
	}
	return Folding{Phases: f.folds}
}

// folding is the work on one plan.
type folding struct {
	phases []PhaseView
	folds  []PhaseFold
	counts []Counts // of all steps that are shown, newcomers too
}

// fold folds until at most so many lines remain of a total.
func (f *folding) fold(total, lines int) {
	f.counts = make([]Counts, len(f.phases))
	for i := range f.phases {
		f.counts[i] = countsOf(&f.phases[i])
	}
	total -= f.foldPhases(Complete)
	for _, s := range foldOrder {
		if total <= lines {
			return
		}
		total -= f.foldSteps(s, total-lines)
	}
	for _, s := range foldOrder {
		if total <= lines {
			return
		}
		total -= f.foldPhases(s)
	}
}

// foldPhases makes every phase of the status one line and returns how many lines that saves.
func (f *folding) foldPhases(s Status) int {
	saved := 0
	for i := range f.phases {
		if f.phases[i].Status == s && !f.folds[i].Whole {
			saved += f.below(i)
			f.folds[i].Whole = true
		}
	}
	return saved
}

// foldSteps hides steps of the status until enough lines are saved or no group is left, and returns how many it saved.
func (f *folding) foldSteps(s Status, need int) int {
	type group struct{ phase, steps int }
	var groups []group
	for i := range f.phases {
		if n := f.counts[i][s]; n > 1 && !f.folds[i].Whole {
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
		f.folds[g.phase].Hidden[s] = hide
		saved += hide - 1
	}
	return saved
}

// below is how many lines a phase that is not folded as a whole takes below its own.
func (f *folding) below(i int) int {
	n := len(f.phases[i].Steps)
	for _, hidden := range f.folds[i].Hidden {
		n -= max(hidden-1, 0)
	}
	return n
}

// countsOf counts all steps of a phase by status. The phase has done it already, unless there are newcomers, whose statuses it does not
// count, or nobody has filled in its counts.
func countsOf(p *PhaseView) Counts {
	if p.Newcomers == 0 && p.Counts.Total() == len(p.Steps) {
		return p.Counts
	}
	var counts Counts
	for i := range p.Steps {
		counts.Add(p.Steps[i].Status)
	}
	return counts
}

// Lines returns what is shown below the phase. Of the COMPLETE steps the first are hidden, of others the last: those which were
// done just now, and those which are next, remain in sight. Before those it hides all that are ordinary: not newcomers, and nobody said
// anything about them. The "more" line is where the first step is that it stands for.
func (f PhaseFold) Lines(p PhaseView) []FoldLine {
	if f.Whole || len(p.Steps) == 0 {
		return nil
	}
	u := unfolding{steps: p.Steps}
	for s, hidden := range f.Hidden {
		if hidden > 0 {
			u.hide(Status(s), hidden)
		}
	}
	return u.lines(max(len(p.Steps)-f.Hidden.Total(), 0) + len(f.Hidden))
}

// unfolding is the work on the lines of one phase.
type unfolding struct {
	steps []StepView
	kinds [Error + 1][2]hiding // by status; ordinary steps, and remarkable ones
	told  [Error + 1]bool      // the "more" line is there
}

// hiding says which steps of a kind are hidden, in the order of the phase.
type hiding struct {
	from, to int // of this kind, counted from 0
	seen     int
}

// hide hides steps of a status, the ordinary ones first.
func (u *unfolding) hide(s Status, hidden int) {
	kinds := &u.kinds[s]
	var count [len(kinds)]int
	for i := range u.steps {
		if u.steps[i].Status == s {
			count[remarkable(&u.steps[i])]++
		}
	}
	for k, n := range count {
		hide := min(hidden, n)
		hidden -= hide
		kinds[k] = hiding{from: n - hide, to: n}
		if s == Complete {
			kinds[k] = hiding{to: hide}
		}
	}
}

// remarkable is 1 for a step that somebody may want to see more than others of its status, otherwise 0.
func remarkable(s *StepView) int {
	if s.Newcomer || len(s.Facts) > 0 {
		return 1
	}
	return 0
}

// hides says whether the next step is hidden. Each is asked about once, in order.
func (u *unfolding) hides(s *StepView) bool {
	if int(s.Status) >= len(u.kinds) { // a newer server's
		return false
	}
	h := &u.kinds[s.Status][remarkable(s)]
	h.seen++
	return h.from < h.seen && h.seen <= h.to
}

// lines goes through the steps; there will be about so many lines.
func (u *unfolding) lines(about int) []FoldLine {
	all := make([]FoldLine, 0, about)
	for i := range u.steps {
		step := &u.steps[i]
		switch {
		case !u.hides(step):
			all = append(all, FoldLine{Step: i, Status: step.Status})
		case !u.told[step.Status]:
			u.told[step.Status] = true
			all = append(all, FoldLine{Step: i, Hidden: u.count(step.Status), Status: step.Status})
		}
	}
	return all
}

// count is how many steps of the status are hidden.
func (u *unfolding) count(s Status) int {
	n := 0
	for _, h := range u.kinds[s] {
		n += h.to - h.from
	}
	return n
}
