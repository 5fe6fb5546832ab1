package plans

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Evaluate computes what a plan shows and which of its steps may begin now. It is a pure function: see the package
// documentation. Its cost is linear in the number of steps; facts are looked at once for each phase.
func Evaluate(in Input) Evaluation {
	e := evaluator{in: &in, def: &in.Definition, held: -1}
	e.settleSteps()
	e.view.Run = in.Run
	pause := pauseOf(in.Facts, e.def.Name, "", "")
	for i := range e.phases {
		e.evaluatePhase(i, pause)
	}
	e.evaluatePlan(pause)
	return Evaluation{View: e.view, Candidates: e.candidates}
}

// evaluator is the state of one evaluation. It goes over the steps twice, because a phase may wait for one that is defined
// after it: first for what each is by itself, then for what it may do.
type evaluator struct {
	in         *Input
	def        *Definition
	view       View
	phases     []PhaseView
	pauses     []*Fact // of the phases themselves, nil where there is none
	complete   []bool  // which phases are COMPLETE
	done       []bool  // which phases let those after them begin: they are COMPLETE, and nobody has paused them
	held       int     // the first phase that is COMPLETE and paused, and for which another waits; -1 if there is none
	tally      tally   // of the plan
	span       span    // of the plan
	free       bool    // some phase has an unfinished step that nothing holds
	candidates []Candidate
	ids        idMaker
}

// observation returns what is known about a step; the zero value if nothing was given.
func (e *evaluator) observation(phase, step int) *Observation {
	if phase < len(e.in.Observations) && step < len(e.in.Observations[phase]) {
		return &e.in.Observations[phase][step]
	}
	return &Observation{}
}

// settleSteps fills in what each step is by itself, and finds the phases that are COMPLETE.
func (e *evaluator) settleSteps() {
	e.phases = make([]PhaseView, len(e.def.Phases))
	e.pauses = make([]*Fact, len(e.def.Phases))
	e.complete = make([]bool, len(e.def.Phases))
	e.done = make([]bool, len(e.def.Phases))
	for i := range e.def.Phases {
		phase, view := &e.def.Phases[i], &e.phases[i]
		view.ID = ID(e.def.Service, e.def.Name, phase.Name, "")
		view.Name, view.Strategy = phase.Name, phase.Strategy
		view.Steps = make([]StepView, len(phase.Steps))
		for j := range phase.Steps {
			e.settleStep(i, j, &view.Steps[j])
			if view.Steps[j].Status == Complete {
				view.StepsDone++
			}
		}
		e.pauses[i] = pauseOf(e.in.Facts, e.def.Name, phase.Name, view.ID)
		e.complete[i] = !phase.Open && view.StepsDone == len(view.Steps)
		e.done[i] = e.complete[i] && e.pauses[i] == nil
	}
}

// settleStep fills in what a step is by itself.
func (e *evaluator) settleStep(i, j int, view *StepView) {
	step, o := &e.def.Phases[i].Steps[j], e.observation(i, j)
	view.ID = e.ids.id(e.def.Service, e.def.Name, e.def.Phases[i].Name, step.Name)
	view.Name, view.Kind, view.Pod = step.Name, step.Kind, step.Pod
	view.Host, view.Task = o.Host, o.Task
	if view.Host == "" {
		view.Host = step.Host
	}
	view.Status, view.Since, view.Errors = o.settle(e.in.Now)
}

// evaluatePhase finishes the view of a phase and of its steps, and adds it to the plan's tally.
func (e *evaluator) evaluatePhase(i int, planPause *Fact) {
	phase, view := &e.def.Phases[i], &e.phases[i]
	pause := e.pauses[i]
	pausedAt := pausedSince(planPause, pause)
	paused := planPause != nil || pause != nil
	waitsFor := e.def.pendingPredecessors(i, e.done)
	if e.held < 0 && !e.complete[i] {
		e.held = e.heldBack(waitsFor)
	}
	handedDown := e.phaseHolds(planPause, pause, waitsFor)
	bar := newBarrier(view, handedDown)

	counts := tally{open: phase.Open, paused: paused, failed: bar.failed}
	var times span
	var free bool
	first := len(e.candidates)
	for j := range view.Steps {
		step, o := &view.Steps[j], e.observation(i, j)
		behind := phase.Strategy != Parallel && bar.firstPending >= 0 && j > bar.firstPending
		shared := bar.inherited(step, behind)
		if step.mayBegin(shared, o, e.in.Now) {
			e.candidates = append(e.candidates, Candidate{Phase: i, Step: j})
		}
		begun := step.Status != Pending
		if paused && (step.Status == Pending || step.Status == Prepared) {
			step.Status, step.Since = Waiting, later(step.Since, pausedAt)
		}
		step.Holds = step.reasons(shared, o, e.in.Now)
		step.Message = bar.message(step)

		counts.add(step.Status, !behind && step.Status != Complete && step.Status != Error)
		times.add(step.Status, step.Since, begun)
		free = free || (step.Status != Complete && len(step.Holds) == 0)
	}
	counts.able = len(e.candidates) > first

	view.Status = aggregate(counts)
	view.Since = times.since(view.Status, pausedAt)
	view.Holds = e.ownHolds(phase, view, pause, handedDown)
	if view.Status != Complete && !free {
		view.Holds = withChildHold(view.Holds, len(view.Steps), func(j int) (Status, []Hold) {
			return view.Steps[j].Status, view.Steps[j].Holds
		}, func(j int, h Hold) Hold { return view.Steps[j].lend(h) })
	}

	eligible := !paused && len(waitsFor) == 0 && view.Status != Complete && view.Status != Error
	e.tally.add(view.Status, eligible)
	e.tally.able = e.tally.able || counts.able
	e.span.add(view.Status, view.Since, times.begun)
	e.free = e.free || free
}

// evaluatePlan finishes the view of the plan.
func (e *evaluator) evaluatePlan(pause *Fact) {
	v := &e.view
	v.ID = ID(e.def.Service, e.def.Name, "", "")
	v.Name, v.Strategy, v.Phases = e.def.Name, e.def.Strategy, e.phases
	v.Errors = make([]string, 0)
	var failed string
	for i := range e.phases {
		v.StepsDone += e.phases[i].StepsDone
		v.StepsTotal += len(e.phases[i].Steps)
		before := len(v.Errors)
		v.Errors = appendErrors(v.Errors, fmt.Sprintf("phase %q: ", e.phases[i].Name), &e.phases[i])
		if failed == "" && len(v.Errors) > before {
			failed = e.phases[i].Name
		}
	}
	if e.held >= 0 {
		e.tally.add(Waiting, false)
		e.span.add(Waiting, e.pauses[e.held].At, false)
	}
	e.tally.paused, e.tally.failed = pause != nil, len(v.Errors) > 0
	v.Status = aggregate(e.tally)
	v.Since = e.span.since(v.Status, pausedSince(pause))

	if len(v.Errors) > 0 {
		v.Holds = append(v.Holds, errorHold(failed, v.Errors))
	}
	if pause != nil {
		v.Holds = append(v.Holds, pause.hold())
	}
	if e.held >= 0 && pause == nil && !e.free {
		v.Holds = append(v.Holds, e.phases[e.held].lend(e.pauses[e.held].hold()))
	}
	if v.Status != Complete && !e.free {
		v.Holds = withChildHold(v.Holds, len(e.phases), func(i int) (Status, []Hold) {
			return e.phases[i].Status, e.phases[i].Holds
		}, func(i int, h Hold) Hold { return e.phases[i].lend(h) })
	}
}

// heldBack returns which of the phases that are waited for is COMPLETE and paused, -1 if none is. The SDK goes on after a phase that
// completes while it is interrupted; here the pause of a phase whose last steps were under way stops the rollout behind it, which is
// what somebody who types "pause" in the middle of a phase wants.
func (e *evaluator) heldBack(waitsFor []string) int {
	for _, name := range waitsFor {
		if i := e.def.phaseIndex(name); i >= 0 && e.complete[i] {
			return i
		}
	}
	return -1
}

// ownHolds are the reasons of a phase that do not come from its steps. A COMPLETE phase shows only that it is itself paused:
// that holds what comes after it.
func (e *evaluator) ownHolds(phase *Phase, view *PhaseView, pause *Fact, handedDown []Hold) []Hold {
	if view.Status == Complete {
		return e.phaseHolds(nil, pause, nil)
	}
	var holds []Hold
	if errs := appendErrors(nil, "", view); len(errs) > 0 {
		holds = append(holds, errorHold(failedStep(view), errs))
	}
	holds = append(holds, handedDown...)
	if phase.Open {
		holds = append(holds, Hold{
			Code: CodeDiscovering, Subject: phase.Name, Since: e.in.Run.StartedAt,
			Text: fmt.Sprintf("members are still being found: %d so far", phase.launches()),
		})
	}
	return holds
}

// phaseHolds are the reasons that a phase hands down to those of its steps that have not begun.
func (e *evaluator) phaseHolds(planPause, pause *Fact, waitsFor []string) []Hold {
	var holds []Hold
	for _, p := range [...]*Fact{planPause, pause} {
		if p != nil {
			holds = append(holds, p.hold())
		}
	}
	if len(waitsFor) == 0 {
		return holds
	}
	hold := predecessorHold("phase", waitsFor)
	if i := e.heldBack(waitsFor[:1]); i >= 0 {
		hold.Text += ", which is " + e.pauses[i].hold().Text
	}
	return append(holds, hold)
}

// maxParentHolds bounds the holds of a phase or plan: a reader wants the root, not the list.
const maxParentHolds = 3

// withChildHold adds to the holds of a parent whose unfinished children are all held the most fundamental hold of the first of
// them, as that lends it. A child that merely waits for a sibling says little about the parent: it is taken only if there is no
// other.
func withChildHold(own []Hold, children int, child func(int) (Status, []Hold), lend func(int, Hold) Hold) []Hold {
	var found *Hold
	lender := 0
	for i := range children {
		status, holds := child(i)
		if status == Complete || len(holds) == 0 {
			continue
		}
		if found == nil || holds[0].Code != CodePredecessor {
			found, lender = &holds[0], i
		}
		if found.Code != CodePredecessor {
			break
		}
	}
	if found != nil && !covers(own, found) {
		own = append(own, lend(lender, *found))
	}
	sortHolds(own)
	return own[:min(len(own), maxParentHolds)]
}

// lend returns a hold of the phase as the plan shows it: it names the phase, unless it names a step already.
func (v *PhaseView) lend(h Hold) Hold {
	if h.Element != "" {
		return h
	}
	h.Element = v.Name
	h.Text = fmt.Sprintf("phase %q: %s", v.Name, h.Text)
	return h
}

// lend returns a hold of the step as its phase shows it: it names the step, unless its text does so or names the step's task.
// What a wait step waits for is told in full by its text, and is as true of the phase.
func (v *StepView) lend(h Hold) Hold {
	h.Element = v.Name
	named := strings.Contains(h.Text, v.Name) || (v.Task != "" && strings.Contains(h.Text, v.Task))
	if v.Kind != Wait && !named {
		h.Text = v.Name + ": " + h.Text
	}
	return h
}

// covers says that a parent's own holds tell already what the child's does: the same, or the error that the child has.
func covers(own []Hold, h *Hold) bool {
	return slices.ContainsFunc(own, func(o Hold) bool {
		return o == *h || (o.Code == CodeError && h.Code == CodeError)
	})
}

// appendErrors adds the errors of a phase's steps, each after the prefix and the step's name.
func appendErrors(errs []string, prefix string, phase *PhaseView) []string {
	for i := range phase.Steps {
		for _, text := range phase.Steps[i].Errors {
			errs = append(errs, fmt.Sprintf("%sstep %q: %s", prefix, phase.Steps[i].Name, text))
		}
	}
	return errs
}

// failedStep names the first step with an error.
func failedStep(phase *PhaseView) string {
	for i := range phase.Steps {
		if phase.Steps[i].Status == Error {
			return phase.Steps[i].Name
		}
	}
	return ""
}

// errorHold tells the first of several errors.
func errorHold(subject string, errs []string) Hold {
	text := errs[0]
	if more := len(errs) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return Hold{Code: CodeError, Subject: subject, Text: text}
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

// since is the Since of a parent in the status, as View documents it: COMPLETE since the last child is, WAITING since the pause (its own or a
// child's), otherwise since the earliest of those children that work now, or if none does, since the first one began. It is
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
