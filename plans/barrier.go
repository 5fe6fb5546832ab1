package plans

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// barrier is what keeps the steps of a phase from beginning. Steps share what they have in common, since in a large plan most steps wait
// for the same.
type barrier struct {
	e        *evaluator
	p        *phase
	waitsFor []string // phases
	turn     turn
	canary   canary

	failed *StepView // the first step with an error
	quiet  bool      // nothing in the phase moves until an operator says something
	broken bool      // a breakpoint is reached
	since  time.Time // from when on
	fresh  []Hold    // from above, for steps that have not begun
	again  []Hold    // and for those that have
	lists  [classes]bars

	room  []Hold // for the reasons of steps that have their own
	made  int    // how large room was when it was made last
	words messages
}

// holdsRoom is how many reasons room is made for at once, first and at most: each time twice as many.
const (
	leastHoldsRoom = 4
	holdsRoom      = 128
)

// list makes a list of reasons, with room for as many as n. Many steps share an allocation.
func (b *barrier) list(n int) []Hold {
	if len(b.room) < n {
		b.made = min(max(2*b.made, leastHoldsRoom), holdsRoom)
		b.room = make([]Hold, max(n, b.made))
	}
	list := b.room[:0:n]
	b.room = b.room[n:]
	return list
}

// bars are the reasons that the steps of a class have in common.
type bars struct {
	made  bool
	holds []Hold
	waits bool // an operator is waited for
	since time.Time
}

// The class of a step says which reasons from above and in the phase hold it.
const (
	classBegun   = 1 << iota // it has begun, and must be tried again
	classBehind              // it is another step's turn
	classCanary              // its canary was not released
	classFollows             // its canary was released, and others come first
	classError               // it has an error itself
	classes      = 1 << iota
)

// above collects what holds the phase from above, and says whether it is paused.
func (b *barrier) above() {
	e, p := b.e, b.p
	b.canary.next = e.nextRelease(p.at, p, &b.canary)
	if p.errors {
		b.failed = firstError(p.view)
	}
	both := func(h Hold) { b.fresh, b.again = append(b.fresh, h), append(b.again, h) }
	for _, h := range e.ended {
		both(h)
		b.stop(h.Since)
	}
	for _, pause := range e.pauses {
		b.pause(pause, pause.quietIn(p))
	}
	if p.pause != nil {
		b.pause(pause{when: p.pause.phaseWhen(), hold: p.pause.hold()}, p.quiet())
	}
	if len(b.waitsFor) > 0 {
		both(e.predecessorHold(b.waitsFor))
	}
	if p.before != nil {
		both(p.before.breakHold(p.def.Name))
		if len(b.waitsFor) == 0 {
			b.stop(p.before.At)
			b.broken = true
		}
	}
	if f := p.batch; f != nil && p.cursor.Done > f.batchesIn(&e.run) {
		hold := f.breakHold(p.def.Name)
		b.broken = true
		b.fresh = append(b.fresh, hold)
		if p.under == 0 { // otherwise something fell over after its batch, and comes back
			b.again = append(b.again, hold)
			b.stop(f.At)
		}
	}
}

// stop says that the phase is paused since some time.
func (b *barrier) stop(since time.Time) {
	b.quiet = true
	b.since = earlier(b.since, since)
}

func (b *barrier) pause(p pause, quiet bool) {
	if p.holdsSteps(b.p, false) {
		b.fresh = append(b.fresh, p.hold)
	}
	if p.holdsSteps(b.p, true) {
		b.again = append(b.again, p.hold)
	}
	if quiet {
		b.stop(p.hold.Since)
	}
}

// wholePhase is a pause that holds none of the phase's steps, only what follows.
const wholePhase When = "phase"

// phaseWhen is how soon the pause of a phase holds its steps: one "after the phase" never does.
func (f *Fact) phaseWhen() When {
	if f.When == PauseAfterPhase {
		return wholePhase
	}
	return f.When
}

// batchesIn is after how many batches of the run a breakpoint was continued last.
func (f *Fact) batchesIn(run *Run) int {
	if f.BatchRun != run.Number {
		return 0
	}
	return f.Batches
}

// predecessorHold says for which phases another one waits.
func (e *evaluator) predecessorHold(names []string) Hold {
	hold := Hold{Code: CodePredecessor, Subject: names[0], Text: "waits for " + nameList("phase", names), Since: e.run.StartedAt}
	if i := e.heldBack(names[:1]); i >= 0 {
		if f := e.phases[i].holdsUp(); f.Kind == Breakpoint {
			hold.Text += ", behind which lies a " + f.breakHold(names[0]).Text
		} else {
			hold.Text += ", which is " + f.hold().Text
		}
	}
	return hold
}

// class says which of the common reasons hold a step that has not begun, or must be tried again.
func (b *barrier) class(j int) int {
	c, f := 0, b.p.flags[j]
	if f.has(isBegun) {
		c |= classBegun
	}
	if f.has(isReady) && !f.has(isDone) && !b.inTurn(j) {
		c |= classBehind
	}
	if b.canary.holds(b.p, j) {
		if b.canary.all {
			c |= classFollows
		} else {
			c |= classCanary
		}
	}
	if b.p.view.Steps[j].Status == Error {
		c |= classError
	}
	return c
}

// common returns what the steps of a class have in common.
func (b *barrier) common(class int) *bars {
	list := &b.lists[class]
	if list.made {
		return list
	}
	var holds []Hold
	if b.failed != nil && class&classError == 0 {
		text := fmt.Sprintf("phase %q has an error: step %q: %s", b.p.def.Name, b.failed.Name, b.failed.Errors[0])
		holds = append(holds, Hold{Code: CodeError, Subject: b.failed.Name, Text: text, Since: b.failed.Since})
	}
	if class&classBegun != 0 {
		holds = append(holds, b.again...)
	} else {
		holds = append(holds, b.fresh...)
	}
	if class&classBehind != 0 {
		holds = append(holds, b.stepHold(b.p.def.Steps[b.turn.next].Name))
	}
	if class&classCanary != 0 {
		holds = append(holds, b.canary.next.hold(b.p.def.Name, b.e.run.StartedAt))
	}
	behindThat := class&classBehind != 0 && b.p.def.Steps[b.turn.next].Name == b.canary.pending
	if class&classFollows != 0 && !behindThat {
		holds = append(holds, b.stepHold(b.canary.pending))
	}
	sortHolds(holds)
	*list = bars{made: true, holds: slices.Clip(holds)}
	for i := range holds {
		unreached := holds[i].Code == CodeBreakpoint && !b.broken
		if holds[i].Code.forOperator() && !unreached {
			list.waits = true
			list.since = earlier(list.since, holds[i].Since)
		}
	}
	return list
}

// stepHold says that a step comes first.
func (b *barrier) stepHold(names ...string) Hold {
	return Hold{Code: CodePredecessor, Subject: names[0], Text: "waits for " + nameList("step", names), Since: b.e.run.StartedAt}
}

// inTurn says whether the order of the phase lets a step begin.
func (b *barrier) inTurn(j int) bool {
	if j == b.turn.next {
		return true
	}
	if b.turn.next == nowhere || !b.turn.byAll || !b.p.flags[j].has(isReady) || !b.canary.lets(b.p, j) {
		return false
	}
	return !b.p.ranked || b.p.flags[j].has(isUnderWay) || b.e.orderOf(b.p.at, j) == b.turn.order
}

// behindCanary says whether a step waits for released ones, or for a release while released ones work.
func (b *barrier) behindCanary(j int) bool {
	return b.canary.pending != "" && b.canary.holds(b.p, j)
}

// pausedStep is what an operator said so that this very step does not begin.
func (b *barrier) pausedStep(j int) *Fact {
	said := b.p.saidOf(j)
	if said == nil || said.pause == nil || (said.pause.soon() != PauseNow && b.p.flags[j].has(isBegun)) {
		return nil
	}
	return said.pause
}

// human says that the phase goes on only when an operator says so.
func (b *barrier) human() bool {
	if b.p.over() || len(b.waitsFor) > 0 {
		return false
	}
	return b.quiet || (b.canary.next != nil && b.canary.pending == "")
}

// why is what a step shows: its reasons, and whether it is for an operator or a gate to let it go on.
type why struct {
	holds []Hold
	waits bool
	since time.Time
}

// reasons are the holds of a step: those from above and in the phase, its own, those from outside, and one that its status implies where
// nothing more particular is known.
func (b *barrier) reasons(j int, step *StepView, o *Observation, stop *stopHold) why {
	f := b.p.flags[j]
	if step.Status == Complete {
		return why{}
	}
	w := b.inherited(j, step, f)
	if plain := isIdle | isReady; f&^(isBegun|isUnderWay|isEligible|isRunning) == plain && stop == nil && len(b.e.world.works) == 0 {
		return w // as most steps
	}
	own := b.own(j, step, o, stop)
	live := 0
	if f.has(hasHolds) {
		live, _ = o.liveHolds(b.e.now)
	}
	implied, ok := step.implied(len(w.holds)+len(own)+live, o, b.e.now)
	ok = ok && !(f.has(isFailed) && implied.Code == CodeBackoff)
	idles := step.Status == Pending || step.Status == Prepared || (step.Status == Delayed && f.has(isFailed))
	w.waits = w.waits && idles && !f.has(isNewcomer)
	if live == 0 && !ok && len(own) == 0 {
		return w
	}
	n := len(w.holds) + len(own) + live
	if ok {
		n++
	}
	holds := append(b.list(n), w.holds...)
	for i := range own {
		holds = append(holds, own[i])
		if idles && own[i].Code.asks() {
			w.waits = true
			w.since = earlier(w.since, own[i].Since)
		}
	}
	for i := range o.Holds {
		if o.Holds[i].over(b.e.now) || (f.has(isFailed) && o.Holds[i].Code == CodeBackoff) {
			continue // what has failed is not tried again, whatever the observation says
		}
		holds = append(holds, o.Holds[i])
		b.e.wakeAt(o.Holds[i].Until)
	}
	if ok {
		holds = append(holds, implied)
	}
	sortHolds(holds)
	w.holds = holds
	return w
}

// asks says that a hold of the code ends when an operator or the service says something.
func (c Code) asks() bool {
	return c.forOperator() || c == CodeGateClosed || c == CodeGateUnknown
}

// inherited are the reasons from above and in the phase. A step that runs is not held by them, nor is one whose pod the plan stopped.
func (b *barrier) inherited(j int, step *StepView, f flags) why {
	switch {
	case f.has(isNewcomer), !f.has(isFailed) && (step.Status == Starting || step.Status == Started):
		return why{}
	case f.has(isStopped) && !f.has(isFailed):
		return why{holds: b.e.ended, waits: len(b.e.ended) > 0}
	}
	c := b.common(b.class(j))
	return why{holds: c.holds, waits: c.waits, since: c.since}
}

// own are the reasons that only this step has.
func (b *barrier) own(j int, step *StepView, o *Observation, stop *stopHold) []Hold {
	var holds []Hold
	f, p := b.p.flags[j], b.p
	if f.has(isNewcomer) {
		return []Hold{{Code: CodeNewcomer, Subject: step.Name, Text: "came after the members of this run were frozen; joins the next run", Since: step.Since}}
	}
	if f.has(isFailed) {
		if hold, ok := b.e.failureOf(p, j, o); ok {
			holds = append(holds, hold)
		}
	}
	idles := step.Status != Starting && step.Status != Started && !f.has(isStopped)
	if !f.has(isReady) && idles {
		holds = append(holds, b.stepHold(b.missing(j)...))
	}
	if pause := b.pausedStep(j); pause != nil && idles {
		holds = append(holds, pause.hold())
	}
	if c, ok := b.e.worksOn(b.p.at, j); ok {
		step.Works = c.plan
		holds = append(holds, c.hold(step.Pod))
	}
	if stop.holds() {
		holds = append(holds, stop.hold)
	}
	if f.has(isSettling) {
		until := o.Ready.Add(p.def.Settle)
		holds = append(holds, Hold{
			Code: CodeSettling, Subject: step.Name, Since: o.Ready, Until: until,
			Text: fmt.Sprintf("is ready; must stay so until %s", stamp(until)),
		})
	}
	return holds
}

// missing names the steps of After that are not done.
func (b *barrier) missing(j int) []string {
	var names []string
	for _, name := range b.p.def.Steps[j].After {
		if b.p.waitsFor(name) {
			names = append(names, name)
		}
	}
	return names
}

// hold says that another plan works on a pod.
func (c claim) hold(pod string) Hold {
	text := fmt.Sprintf("held by %s of %s", c.plan, pod)
	return Hold{Code: CodeOtherPlan, Subject: c.plan, Text: text}
}

// implied is the hold that the status of a step implies. STARTING, STARTED and the waiting of a wait step explain themselves
// only if there are no other reasons; a backoff and an error are told unless the observation does.
func (v *StepView) implied(others int, o *Observation, now time.Time) (Hold, bool) {
	if (v.Status == Pending || v.Status == Prepared || v.Status == Waiting) && begins(v.Kind) {
		return Hold{}, false
	}
	told := func(code Code) bool {
		return slices.ContainsFunc(o.Holds, func(h Hold) bool { return h.Code == code && !h.over(now) })
	}
	hold := Hold{Subject: v.Name, Since: v.Since}
	switch v.Status {
	case Error:
		hold.Code, hold.Text = CodeError, strings.Join(v.Errors, "; ")
		return hold, !told(CodeError)
	case Delayed:
		hold.Code, hold.Text, hold.Until = CodeBackoff, "waits after a failure", o.Until
		if !o.Until.IsZero() {
			hold.Text = "waits after a failure and tries again at " + stamp(o.Until)
		}
		return hold, !told(CodeBackoff)
	case Starting:
		hold.Code, hold.Text = CodeLaunching, "launched, Mesos has not said yet that it runs"
		return hold, others == 0
	case Started:
		hold.Code, hold.Text = CodeUnhealthy, "runs, is not ready yet"
		return hold, others == 0
	}
	if v.Kind == Wait {
		hold.Code, hold.Text = CodeCondition, "waits for something outside the plan"
		return hold, others == 0
	}
	hold.Code, hold.Text = CodeError, fmt.Sprintf("kind %q is unknown", v.Kind)
	return hold, true
}
