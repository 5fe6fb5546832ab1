package plans

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// settle returns what a step is by itself, since when, and its errors. A DELAYED step may try again from Until on: it is PENDING
// since then. A status that a step can't have is an error, so that it does not pass for something harmless.
func (o *Observation) settle(now time.Time) (Status, time.Time, []string) {
	switch {
	case len(o.Errors) > 0:
		return Error, o.Since, slices.Clone(o.Errors)
	case o.Status == Error:
		return Error, o.Since, []string{o.errorText()}
	case o.Status == Waiting || o.Status == InProgress || o.Status > Error:
		return Error, o.Since, []string{fmt.Sprintf("observed status %s is not one that a step can have", o.Status)}
	case o.Status == Delayed && !o.Until.IsZero() && !now.Before(o.Until):
		return Pending, o.Until, nil
	}
	return o.Status, o.Since, nil
}

// errorText is the reason of an ERROR that came without errors.
func (o *Observation) errorText() string {
	if i := slices.IndexFunc(o.Holds, func(h Hold) bool { return h.Code == CodeError }); i >= 0 {
		return o.Holds[i].Text
	}
	return "no reason was given"
}

// liveHolds counts those holds from outside that are not over, and says whether one of them blocks.
func (o *Observation) liveHolds(now time.Time) (live int, blocked bool) {
	for i := range o.Holds {
		if o.Holds[i].over(now) {
			continue
		}
		live++
		blocked = blocked || o.Holds[i].Code.Info().Blocks
	}
	return live, blocked
}

// mayBegin says whether the step is a candidate: it can, has not begun, and nothing from above or outside holds it.
func (v *StepView) mayBegin(inherited []Hold, o *Observation, now time.Time) bool {
	if v.Kind != Launch || (v.Status != Pending && v.Status != Prepared) || len(inherited) > 0 {
		return false
	}
	_, blocked := o.liveHolds(now)
	return !blocked
}

// reasons are the holds of the step: those that it inherits, those from outside, and one that its status implies where nothing
// more particular is known.
func (v *StepView) reasons(inherited []Hold, o *Observation, now time.Time) []Hold {
	if v.Status == Complete {
		return nil
	}
	live, _ := o.liveHolds(now)
	implied, ok := v.implied(len(inherited)+live, o, now)
	if live == 0 && !ok {
		return inherited
	}
	holds := make([]Hold, 0, len(inherited)+live+1)
	holds = append(holds, inherited...)
	for i := range o.Holds {
		if !o.Holds[i].over(now) {
			holds = append(holds, o.Holds[i])
		}
	}
	if ok {
		holds = append(holds, implied)
	}
	sortHolds(holds)
	return holds
}

// implied is the hold that the status of a step implies. STARTING, STARTED and the waiting of a wait step explain themselves
// only if there are no other reasons; a backoff and an error are told unless the observation does.
func (v *StepView) implied(others int, o *Observation, now time.Time) (Hold, bool) {
	told := func(code Code) bool {
		return slices.ContainsFunc(o.Holds, func(h Hold) bool { return h.Code == code && !h.over(now) })
	}
	hold := Hold{Subject: v.Name, Since: v.Since}
	switch v.Status {
	case Error:
		if told(CodeError) {
			return Hold{}, false
		}
		hold.Code, hold.Text = CodeError, strings.Join(v.Errors, "; ")
		return hold, true
	case Delayed:
		if told(CodeBackoff) {
			return Hold{}, false
		}
		hold.Code, hold.Text, hold.Until = CodeBackoff, "waits after a failure", o.Until
		if !o.Until.IsZero() {
			hold.Text = "waits after a failure and tries again at " + stamp(o.Until)
		}
		return hold, true
	case Starting:
		hold.Code, hold.Text = CodeLaunching, "launched, Mesos has not said yet that it runs"
		return hold, others == 0
	case Started:
		hold.Code, hold.Text = CodeUnhealthy, "runs, is not ready yet"
		return hold, others == 0
	}
	switch v.Kind {
	case Launch:
		return Hold{}, false
	case Wait:
		hold.Code, hold.Text = CodeCondition, "waits for something outside the plan"
		return hold, others == 0
	}
	hold.Code, hold.Text = CodeError, fmt.Sprintf("kind %q is unknown", v.Kind)
	return hold, true
}

// barrier is what the steps of a phase have in common: the reasons that hold those that have not begun. Steps share these slices,
// since in a large plan most steps wait for the same.
type barrier struct {
	failed       bool
	firstPending int // place of the first step that is not COMPLETE, -1 if all are
	open         []Hold
	behind       []Hold // for the steps that wait for an earlier one, too
	lastStatus   Status
	lastText     string
	lastMessage  string
}

// newBarrier looks at the phase's steps, which must be settled. An error in a phase keeps its other steps from beginning.
func newBarrier(phase *PhaseView, holds []Hold) *barrier {
	b := &barrier{firstPending: -1}
	var failed *StepView
	for i := range phase.Steps {
		step := &phase.Steps[i]
		if b.firstPending < 0 && step.Status != Complete {
			b.firstPending = i
		}
		if failed == nil && step.Status == Error {
			failed = step
		}
	}
	if failed != nil {
		b.failed = true
		text := fmt.Sprintf("phase %q has an error: step %q: %s", phase.Name, failed.Name, failed.Errors[0])
		b.open = append(b.open, Hold{Code: CodeError, Subject: failed.Name, Text: text})
	}
	b.open = slices.Clip(append(b.open, holds...))
	b.behind = b.open
	if b.firstPending >= 0 {
		b.behind = slices.Clip(append(b.open, predecessorHold("step", []string{phase.Steps[b.firstPending].Name})))
	}
	return b
}

// inherited are the reasons from above that hold a step. A step that runs is not held by them; one with an error has its own.
func (b *barrier) inherited(step *StepView, behind bool) []Hold {
	switch step.Status {
	case Complete, Starting, Started:
		return nil
	}
	holds := b.open
	if behind {
		holds = b.behind
	}
	if step.Status == Error {
		holds = holds[1:]
	}
	return holds
}

// message is one sentence for people: the status, and the most fundamental reason for waiting. Neighbours often say the same and
// then share it.
func (b *barrier) message(step *StepView) string {
	if len(step.Holds) == 0 {
		return step.Status.String()
	}
	text := step.Holds[0].Text
	if b.lastMessage == "" || b.lastStatus != step.Status || b.lastText != text {
		b.lastStatus, b.lastText = step.Status, text
		b.lastMessage = step.Status.String() + ": " + text
	}
	return b.lastMessage
}
