package plans

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// reasons collects, for a parent, why its children do not move: the first reason of each code, and how many children have one.
type reasons struct {
	own   []Hold // the parent's own; what these tell already is left out
	found []reason
	last  *Hold // the list of the child before: neighbours often share it
	added []int // what that list was counted as
}

type reason struct {
	hold  Hold
	of    lender
	count int
	waits bool // it is that of a wait step, which may well wait for its siblings
}

// lender is a child that lends its reasons to its parent.
type lender interface{ lend(Hold) Hold }

// addStep counts the reasons of a step that is not COMPLETE.
func (r *reasons) addStep(v *StepView) {
	if v.Status == Complete || len(v.Holds) == 0 {
		return
	}
	if r.last == &v.Holds[0] {
		for _, k := range r.added {
			r.found[k].count++
		}
		return
	}
	r.last, r.added = &v.Holds[0], r.added[:0]
	r.add(v.Holds, v, v.Kind == Wait)
}

// addPhase does the same for a phase, whose last reasons are those of wait steps. A breakpoint that it has not come to is no reason of the
// plan's.
func (r *reasons) addPhase(v *PhaseView, last int) {
	if v.Status == Complete {
		return
	}
	r.last, r.added = nil, r.added[:0]
	first := len(v.Holds) - last
	r.add(v.Holds[:first], v, false)
	r.add(v.Holds[first:], v, true)
}

func (r *reasons) add(holds []Hold, of lender, waits bool) {
	for i := range holds {
		if r.told(&holds[i]) || liesAhead(of, &holds[i]) {
			continue
		}
		k := slices.IndexFunc(r.found, func(f reason) bool { return f.hold.Code == holds[i].Code })
		if k < 0 {
			k = len(r.found)
			r.found = append(r.found, reason{hold: holds[i], of: of, waits: waits})
		}
		if !waits && r.found[k].waits {
			r.found[k].hold, r.found[k].of, r.found[k].waits = holds[i], of, false
		}
		if slices.Contains(r.added, k) {
			continue // a child counts once
		}
		r.found[k].count += max(holds[i].Count, 1)
		r.added = append(r.added, k)
	}
}

// liesAhead says that a phase has a breakpoint that it has not come to: one that holds it makes it WAITING.
func liesAhead(of lender, h *Hold) bool {
	if h.Code != CodeBreakpoint {
		return false
	}
	v, ok := of.(*PhaseView)
	return ok && v.Status != Waiting
}

// told says that the parent's own reasons tell already what a child's does: the same, or the error that the child has.
func (r *reasons) told(h *Hold) bool {
	for i := range r.own {
		if r.own[i].Code == h.Code && (h.Code == CodeError || r.own[i] == *h) {
			return true
		}
	}
	return false
}

// order says that a code only tells of the order among siblings. That says little about their parent.
func (c Code) order() bool { return c == CodePredecessor || c == CodeBatch }

// withOwn returns the parent's own reasons and those of its children, each named after the first child that has it. What wait steps wait
// for comes last: it may well be one of the others. It also returns how many those are.
func (r *reasons) withOwn() (holds []Hold, waiting int) {
	holds = slices.Clone(r.own)
	var last []Hold
	others := len(r.own) > 0 || slices.ContainsFunc(r.found, func(f reason) bool { return !f.hold.Code.order() })
	for _, f := range r.found {
		if (f.hold.Code.order() && others) || r.told(&f.hold) {
			continue
		}
		h := f.of.lend(f.hold)
		h.Count = f.count
		if f.waits {
			last = append(last, h)
			continue
		}
		holds = append(holds, h)
	}
	sortHolds(holds)
	sortHolds(last)
	return append(holds, last...), len(last)
}

// lend returns a hold of the phase as the plan shows it: it names the phase, unless it names a step already.
func (v *PhaseView) lend(h Hold) Hold {
	if h.Element != "" {
		return h
	}
	h.Element = v.Name
	if !strings.Contains(h.Text, fmt.Sprintf("phase %q", v.Name)) {
		h.Text = fmt.Sprintf("phase %q: %s", v.Name, h.Text)
	}
	return h
}

// lend returns a hold of the step as its phase shows it: it names the step, unless its text does so or names the step's task.
// What a wait step waits for is told in full by its text, and is as true of the phase.
func (v *StepView) lend(h Hold) Hold {
	h.Element = v.Name
	named := strings.Contains(h.Text, v.Name) || (v.Task != "" && strings.Contains(h.Text, v.Task)) || (v.Pod != "" && strings.Contains(h.Text, v.Pod))
	if v.Kind != Wait && !named {
		h.Text = v.Name + ": " + h.Text
	}
	return h
}

// ownHolds are the reasons of a phase, those of its steps included unless some step has none. A COMPLETE phase shows only what holds up
// those after it.
func (b *barrier) ownHolds(free bool, of *reasons) []Hold {
	p := b.p
	if p.view.Status == Complete {
		switch f := p.holdsUp(); {
		case f == nil:
			return nil
		case f.Kind == Breakpoint:
			return []Hold{f.breakHold(p.def.Name)}
		default:
			return []Hold{f.hold()}
		}
	}
	var holds []Hold
	if b.failed != nil {
		holds = append(holds, errorHold(b.failed, appendErrors(nil, "", p.view)))
	}
	holds = append(holds, b.fresh...)
	if p.pause != nil && !p.quiet() {
		holds = append(holds, p.pause.pausing())
	}
	if p.def.Open {
		holds = append(holds, Hold{
			Code: CodeDiscovering, Subject: p.def.Name, Since: b.e.run.StartedAt,
			Text: fmt.Sprintf("members are still being found: %d so far", p.def.launches()),
		})
	}
	sortHolds(holds)
	if free && p.view.Status != Waiting {
		return holds
	}
	of.own = holds
	holds, p.waiting = of.withOwn()
	return holds
}

// evaluatePlan finishes the view of the plan.
func (e *evaluator) evaluatePlan() {
	v := &e.view
	v.Errors = make([]string, 0)
	var failed *StepView
	for i := range e.phases {
		p := &v.Phases[i]
		v.StepsDone += p.StepsDone
		v.StepsTotal += e.phases[i].members
		v.Newcomers += p.Newcomers
		for s, n := range p.Counts {
			v.Counts[s] += n
		}
		if p.Status != Error {
			continue
		}
		v.Errors = appendErrors(v.Errors, fmt.Sprintf("phase %q: ", p.Name), p)
		if failed == nil {
			failed = firstError(p)
		}
	}
	v.Facts = e.said.facts
	if e.held >= 0 {
		e.tally.add(Waiting, false)
		e.span.add(Waiting, e.phases[e.held].holdsUp().At, false)
		e.human = e.human || e.under == 0
	}
	var since time.Time
	e.tally.failed, e.tally.pausing = len(v.Errors) > 0, len(e.pauses) > 0
	for _, h := range e.ended {
		e.tally.paused = true
		since = earlier(since, h.Since)
	}
	for _, p := range e.pauses {
		if e.quiet(p) {
			e.tally.paused = true
			since = earlier(since, p.hold.Since)
		}
	}
	v.Status = aggregate(e.tally)
	v.Since = e.span.since(v.Status, since)
	v.Holds = e.planHolds(failed)
}

// planHolds are the reasons of the plan.
func (e *evaluator) planHolds(failed *StepView) []Hold {
	v := &e.view
	var holds []Hold
	if len(v.Errors) > 0 {
		holds = append(holds, errorHold(failed, v.Errors))
	}
	for _, p := range e.pauses {
		if v.Status != Complete || p.hold.Code != CodeHalted { // a run that is COMPLETE is halted no more
			holds = append(holds, p.hold)
		}
	}
	if f := e.said.pause; f != nil && !e.quiet(pause{when: f.When}) {
		holds = append(holds, f.pausing())
	}
	if v.Status == Complete {
		return holds
	}
	holds = append(holds, e.ended...)
	if e.held >= 0 && e.said.pause == nil && !e.free { // those of COMPLETE phases are not collected
		held := e.phases[e.held].view
		holds = append(holds, held.lend(held.Holds[0]))
	}
	sortHolds(holds)
	if e.free && v.Status != Waiting {
		return holds
	}
	e.reasons.own = holds
	holds, _ = e.reasons.withOwn()
	return holds
}

// appendErrors adds the errors of a phase's steps, each after the prefix and the step's name.
func appendErrors(errs []string, prefix string, phase *PhaseView) []string {
	for i := range phase.Steps {
		if phase.Steps[i].Newcomer {
			continue
		}
		for _, text := range phase.Steps[i].Errors {
			errs = append(errs, fmt.Sprintf("%sstep %q: %s", prefix, phase.Steps[i].Name, text))
		}
	}
	return errs
}

func firstError(phase *PhaseView) *StepView {
	for i := range phase.Steps {
		if phase.Steps[i].Status == Error && !phase.Steps[i].Newcomer {
			return &phase.Steps[i]
		}
	}
	return nil
}

// errorHold tells the first of several errors.
func errorHold(failed *StepView, errs []string) Hold {
	text := errs[0]
	if more := len(errs) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return Hold{Code: CodeError, Subject: failed.Name, Text: text, Since: failed.Since}
}

// span collects from when to when the children of a parent worked.
type span struct {
	begun      bool      // a child has begun
	first      time.Time // earliest Since of the children that have begun
	unfinished time.Time // the same, of those that are not COMPLETE
	last       time.Time // latest Since of all
	waiting    time.Time // earliest Since of those that are WAITING
}

// add counts a child.
func (s *span) add(status Status, since time.Time, begun bool) {
	s.last = later(s.last, since)
	if status == Waiting {
		s.waiting = earlier(s.waiting, since)
	}
	if !begun {
		return
	}
	s.begun = true
	s.first = earlier(s.first, since)
	if status != Complete {
		s.unfinished = earlier(s.unfinished, since)
	}
}

// since is the Since of a parent in the status, as View documents it: COMPLETE since the last child is, WAITING since the pause (its own or
// a child's), otherwise since the earliest of those children that work now, or if none does, since the first one began. It is
// zero before anything has begun.
func (s *span) since(status Status, pausedAt time.Time) time.Time {
	switch {
	case status == Complete:
		return s.last
	case status == Waiting && !pausedAt.IsZero():
		return pausedAt
	case status == Waiting:
		return s.waiting
	case !s.unfinished.IsZero():
		return s.unfinished
	}
	return s.first
}
