package plans

import (
	"fmt"
	"slices"
	"strings"
)

// pauseWords say what becomes of an element that is paused.
func (a *application) pauseWords(when When) (words string, fits bool) {
	switch {
	case when == PauseNow:
		return "paused", true
	case when == PauseAfterSteps && a.step >= 0:
		return "pauses when it has ended", true
	case when == PauseAfterSteps:
		return "pauses when the steps under way have ended", true
	case when == PauseAfterPhase && a.phase < 0:
		return "pauses when the phases that have begun have ended", true
	case when == PauseAfterPhase && a.step < 0:
		return "what follows it waits when it has ended", true
	}
	return "", false
}

func (a *application) pause() Reply {
	when := a.v.When
	if when == "" {
		when = PauseNow
	}
	words, fits := a.pauseWords(when)
	if !fits {
		return a.say(Invalid, "%s: a pause %q does not fit; use %s, %s, or for a plan or phase %s", a.subject(), when, PauseNow, PauseAfterSteps, PauseAfterPhase)
	}
	old := a.ownPause()
	if old != nil && old.soon() == when {
		return a.already("paused already by %s since %s", old.Actor, stamp(old.At))
	}
	// A repair plan is COMPLETE whenever nothing has fallen; pausing it then means the next repair.
	if a.status() == Complete && !(a.e.def.Repair && a.phase < 0) {
		return a.already("is COMPLETE; there is nothing to pause")
	}
	a.forget(Paused, "")
	f := a.fact(Paused)
	if when != PauseNow {
		f.When = when
	}
	a.reply.Put = append(a.reply.Put, f)
	return a.done("%s", words)
}

// soon is how soon a pause takes effect.
func (f *Fact) soon() When {
	switch f.When {
	case PauseAfterSteps, PauseAfterPhase:
		return f.When
	}
	return PauseNow
}

// proceed takes away the first that holds the element: a pause, the run's halt, breakpoints that are reached, or the next of a canary.
func (a *application) proceed() Reply {
	if a.ownPause() != nil {
		a.forget(Paused, "")
		text := "resumed"
		switch {
		case a.step >= 0:
			a.restartClock()
		case a.phase < 0 && a.e.run.halted():
			a.pardon()
			text = "resumed; the run goes on"
		}
		return a.done("%s%s", text, a.stillHeld())
	}
	switch {
	case a.step >= 0:
		return a.already("is not paused%s", a.stillHeld())
	case a.phase >= 0:
		return a.proceedPhase(a.phase)
	}
	return a.proceedPlan()
}

func (a *application) proceedPlan() Reply {
	var what []string
	if a.e.run.halted() {
		a.pardon()
		what = append(what, "the run goes on")
	}
	for i := range a.e.phases {
		what = append(what, a.passBreakpoints(i)...)
	}
	if len(what) > 0 {
		return a.done("%s", strings.Join(what, "; "))
	}
	return a.already("is not paused%s", a.stillHeld())
}

func (a *application) proceedPhase(i int) Reply {
	if passed := a.passBreakpoints(i); len(passed) > 0 {
		return a.done("%s%s", strings.Join(passed, "; "), a.stillHeld())
	}
	if next := a.evaluation.View.Phases[i].Continue; next != nil {
		return a.release(i, next)
	}
	return a.already("is not paused%s", a.stillHeld())
}

// release begins the next of a canary.
func (a *application) release(i int, next *Release) Reply {
	if len(a.e.ended) > 0 {
		return a.refused("%s", a.e.ended[0].Text)
	}
	if a.e.run.Number == 0 {
		return a.refused("has no run that could be continued")
	}
	f := a.fact(Released)
	f.Run = a.e.run.Number
	if old := a.e.said.phases[i].release; old != nil {
		f.Steps = slices.Clone(old.Steps)
	}
	f.Steps = append(f.Steps, next.Step)
	f.All = next.All
	a.forget(Released, "")
	a.reply.Put = append(a.reply.Put, f)
	if next.All && next.Others > 0 {
		return a.done("step %q begins, and the other %d when it is COMPLETE", next.Step, next.Others)
	}
	return a.done("step %q begins", next.Step)
}

// passBreakpoints takes away the breakpoints of a phase that are reached, and says which.
func (a *application) passBreakpoints(i int) []string {
	p := &a.e.phases[i]
	phase, step := a.phase, a.step
	a.phase, a.step = i, nowhere
	defer func() { a.phase, a.step = phase, step }()
	var passed []string
	if p.before != nil && !p.over() && len(a.e.pendingPredecessors(i)) == 0 {
		a.forget(Breakpoint, BeforePhase)
		passed = append(passed, fmt.Sprintf("passes the breakpoint before phase %q", p.def.Name))
	}
	if p.after != nil && p.over() {
		a.forget(Breakpoint, AfterPhase)
		passed = append(passed, fmt.Sprintf("passes the breakpoint after phase %q", p.def.Name))
	}
	if f := p.batch; f != nil && p.cursor.Done > f.batchesIn(&a.e.run) && !p.over() {
		moved := *f
		moved.Batches, moved.BatchRun = p.cursor.Done, a.e.run.Number
		a.forget(Breakpoint, AfterBatch)
		a.reply.Put = append(a.reply.Put, moved)
		passed = append(passed, fmt.Sprintf("passes the breakpoint after batch %d of phase %q", p.cursor.Done, p.def.Name))
	}
	return passed
}

// pardon lets a halted run go on: what had failed counts anew.
func (a *application) pardon() {
	a.reply.Run.Halt, a.reply.Run.ContinuedAt = nil, a.e.now
	a.pardonSteps(func(p *phase, j int) bool { return p.flags[j].has(isFailed) })
}

// maxPardons is how many steps of a phase are pardoned by name. More are pardoned with their whole phase: a run's record must stay small.
const maxPardons = 100

// pardonSteps lets the failures of some steps count anew.
func (a *application) pardonSteps(which func(p *phase, j int) bool) {
	for i := range a.e.phases {
		p := &a.e.phases[i]
		var pardons []Pardon
		most := 0
		for j := range p.flags {
			if which(p, j) {
				o := a.e.observation(i, j)
				pardons = append(pardons, Pardon{Phase: p.def.Name, Step: p.def.Steps[j].Name, Attempts: o.Attempts, At: a.e.now})
				most = max(most, o.Attempts)
			}
		}
		a.reply.Run.addPardons(p.def.Name, pardons, most)
	}
}

// addPardons takes pardons of steps of one phase in, in the place of older ones; most is the most attempts of them.
func (r *Run) addPardons(phase string, pardons []Pardon, most int) {
	if len(pardons) == 0 {
		return
	}
	named := make(map[string]bool, len(pardons))
	for _, p := range pardons {
		named[p.Step] = true
	}
	var others, ofPhase []Pardon
	for _, p := range r.Pardons {
		switch {
		case p.Phase != phase:
			others = append(others, p)
		case !named[p.Step]:
			ofPhase = append(ofPhase, p)
			most = max(most, p.Attempts)
		}
	}
	ofPhase = append(ofPhase, pardons...)
	if len(ofPhase) > maxPardons {
		ofPhase = []Pardon{{Phase: phase, Attempts: most, At: pardons[0].At}}
	}
	r.Pardons = append(others, ofPhase...)
}

// restartClock lets the time of a step that was paused itself count anew: no clock stood still for it. Its attempts count on.
func (a *application) restartClock() {
	p, o := &a.e.phases[a.phase], a.e.observation(a.phase, a.step)
	if o.BegunAt.IsZero() || a.e.run.Ended() {
		return
	}
	pardon := Pardon{Phase: p.def.Name, Step: p.def.Steps[a.step].Name, At: a.e.now}
	if old := p.pardonOf(p.saidOf(a.step)); old != nil {
		pardon.Attempts = old.Attempts
	}
	a.reply.Run.addPardons(p.def.Name, []Pardon{pardon}, pardon.Attempts)
}

// stillHeld says, at the end of an answer, what else an operator would have to continue.
func (a *application) stillHeld() string {
	var still []string
	said := &a.e.said
	if a.phase >= 0 && said.pause != nil {
		still = append(still, "the whole plan is paused"+said.pause.by())
	}
	if a.phase >= 0 && a.e.run.halted() {
		still = append(still, "the whole run paused itself")
	}
	if a.step >= 0 && said.phases[a.phase].pause != nil {
		still = append(still, "its phase is paused"+said.phases[a.phase].pause.by())
	}
	if a.phase < 0 {
		for i := range said.phases {
			if p := &said.phases[i]; p.pause != nil {
				still = append(still, fmt.Sprintf("phase %q is paused%s", a.e.def.Phases[i].Name, p.pause.by()))
			} else if a.evaluation.View.Phases[i].Continue != nil {
				still = append(still, fmt.Sprintf("the canary of phase %q is continued by naming the phase", a.e.def.Phases[i].Name))
			}
		}
	}
	if a.phase >= 0 && a.step < 0 && a.ownPause() != nil {
		if next := a.evaluation.View.Phases[a.phase].Continue; next != nil {
			still = append(still, fmt.Sprintf("its canary still waits: to continue once more begins step %q", next.Step))
		}
	}
	if len(still) == 0 {
		return ""
	}
	return "; " + strings.Join(still, "; ")
}
