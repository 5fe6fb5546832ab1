package plans

import (
	"fmt"
	"slices"
)

// pause is something that keeps steps from beginning until an operator says otherwise: his own pause, or the run's.
type pause struct {
	when When
	hold Hold
}

// pausesOfPlan collects what pauses the plan as a whole.
func (e *evaluator) pausesOfPlan() {
	if e.run.halted() {
		e.pauses = append(e.pauses, pause{when: PauseAfterSteps, hold: e.run.Halt.hold()})
	}
	if f := e.said.pause; f != nil {
		e.pauses = append(e.pauses, pause{when: f.When, hold: f.hold()})
	}
	if hold, ok := e.notStarted(); ok {
		e.ended = []Hold{hold}
	}
}

// notStarted says why the plan begins nothing at all.
func (e *evaluator) notStarted() (Hold, bool) {
	r := &e.run
	hold := Hold{Code: CodeNotStarted, Subject: e.def.Name, Since: r.CompletedAt}
	switch {
	case r.Ended():
		hold.Text = r.ending()
	case r.Number == 0 && e.def.Manual:
		hold.Text = fmt.Sprintf("plan %q was not started", e.def.Name)
	default:
		return Hold{}, false
	}
	return hold, true
}

// ending says in words how a run ended.
func (r *Run) ending() string {
	text := fmt.Sprintf("run %d is %s", r.Number, r.outcome())
	if r.EndedBy != "" {
		text += " by " + r.EndedBy
	}
	if r.Successor != 0 {
		text += fmt.Sprintf(", by run %d", r.Successor)
	}
	if r.EndReason != "" {
		text += ": " + r.EndReason
	}
	return text
}

// outcome is how an ended run ended.
func (r *Run) outcome() Outcome {
	if r.Outcome == "" {
		return Completed
	}
	return r.Outcome
}

// holdsSteps says whether a pause keeps steps of the phase from beginning: such as have begun before, or others.
func (p pause) holdsSteps(of *phase, begun bool) bool {
	switch p.when {
	case PauseAfterSteps:
		return !begun
	case PauseAfterPhase:
		return !of.begun
	case wholePhase:
		return false
	}
	return true
}

// quietIn says that nothing of the phase goes on any more in spite of a pause of the plan.
func (p pause) quietIn(of *phase) bool {
	switch p.when {
	case PauseAfterSteps:
		return of.under == 0
	case PauseAfterPhase:
		return !of.begun
	}
	return true
}

// quiet says that nothing of the plan goes on any more in spite of its pause.
func (e *evaluator) quiet(p pause) bool {
	switch p.when {
	case PauseAfterSteps:
		return e.under == 0
	case PauseAfterPhase:
		return !slices.ContainsFunc(e.phases, func(p phase) bool { return p.begun && !p.over() })
	}
	return true
}

// quietIn says the same of a phase's own pause.
func (p *phase) quiet() bool {
	switch p.pause.When {
	case PauseAfterSteps:
		return p.under == 0
	case PauseAfterPhase:
		return p.over()
	}
	return true
}

// pausing is the hold of an element whose pause waits for something to end.
func (f *Fact) pausing() Hold {
	what := "the steps under way have ended"
	switch {
	case f.When == PauseAfterPhase && f.Phase != "":
		what = "the phase has ended"
	case f.When == PauseAfterPhase:
		what = "the phases that have begun have ended"
	}
	return Hold{Code: CodePausing, Subject: f.Actor, Since: f.At, Text: fmt.Sprintf("pauses when %s, as asked by %s", what, f.who())}
}

// hold is what a pause shows on the element and on all below it that has not begun.
func (f *Fact) hold() Hold {
	return Hold{Code: CodePaused, Subject: f.Actor, Text: "paused" + f.by(), Since: f.At}
}

// breakHold is what a breakpoint shows on what it holds.
func (f *Fact) breakHold(phase string) Hold {
	where := fmt.Sprintf("%s phase %q", f.When, phase)
	if f.When == AfterBatch {
		where = fmt.Sprintf("after each batch of phase %q", phase)
	}
	return Hold{Code: CodeBreakpoint, Subject: f.Actor, Since: f.At, Text: fmt.Sprintf("breakpoint %s, set%s", where, f.by())}
}

// by is " by alice since 10:00: reason".
func (f *Fact) by() string {
	text := ""
	if f.Actor != "" {
		text += " by " + f.Actor
	}
	if !f.At.IsZero() {
		text += " since " + stamp(f.At)
	}
	if f.Reason != "" {
		text += ": " + f.Reason
	}
	return text
}

// who names the actor for a sentence.
func (f *Fact) who() string {
	who := f.Actor
	if who == "" {
		who = "somebody"
	}
	if f.Reason != "" {
		who += ": " + f.Reason
	}
	return who
}

// forOperator says that a hold of the code ends when an operator says something.
func (c Code) forOperator() bool {
	switch c {
	case CodeNotStarted, CodeHalted, CodePaused, CodeBreakpoint, CodeCanary, CodeFailed:
		return true
	}
	return false
}
