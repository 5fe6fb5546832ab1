package plans

import (
	"fmt"
	"slices"
	"time"
)

// judge finds the steps that have failed, and lets the run halt if it must.
func (e *evaluator) judge() {
	var failures []failure // the first of each phase in which more have failed than may
	for i := range e.phases {
		p := &e.phases[i]
		first := e.judgePhase(i, p)
		e.under += p.under
		switch canary := p.failedCanary(); {
		case canary != nowhere:
			failures = append(failures, e.failureAt(i, canary))
		case p.failed > p.policy.Tolerate:
			failures = append(failures, e.tooMany(p, first))
		}
	}
	if e.run.Number == 0 || e.run.Ended() || e.run.Halt != nil {
		return
	}
	switch {
	case len(failures) > 0:
		e.halt(failures[0].hold)
	case e.tooSlow():
	default:
		e.onlyFailuresLeft()
	}
}

// failure is a step that has failed.
type failure struct {
	step int
	hold Hold
}

// tooMany is why a run halts in which more steps of a phase failed than may. If some may, it names all.
func (e *evaluator) tooMany(p *phase, first failure) failure {
	if p.policy.Tolerate <= 0 {
		return first
	}
	var names []string
	for j := range p.flags {
		if p.flags[j].has(isFailed) {
			names = append(names, p.def.Steps[j].Name)
		}
	}
	first.hold.Text = fmt.Sprintf("%d steps of phase %q have failed, %d would be tolerated: %s", len(names), p.def.Name, p.policy.Tolerate, abbreviate(names))
	first.hold.Element = p.def.Name
	return first
}

// judgePhase finds the failed steps of a phase, counts what is under way, and returns the first failure.
func (e *evaluator) judgePhase(i int, p *phase) failure {
	first := failure{step: nowhere}
	limited := p.policy.Attempts > 0 || p.policy.StepDeadline > 0
	for j := range p.flags {
		if p.flags[j].has(isNewcomer|isDone) || !(limited || p.flags[j].has(isUnderWay)) {
			continue
		}
		o := e.observation(i, j)
		if hold, ok := e.failureOf(p, j, o); ok {
			p.flags[j] = p.flags[j]&^isUnderWay | isFailed | isDone
			p.failed++
			if first.step < 0 {
				first = failure{step: j, hold: hold}
			}
			e.handOver(p, j)
			continue
		}
		if p.flags[j].has(isUnderWay) {
			p.under++
			p.oldest = earlier(p.oldest, o.TriedAt)
			if p.flags[j].has(isStopped) {
				p.stopping++
				e.lastStop = later(e.lastStop, o.TriedAt)
			}
		}
	}
	return first
}

// handOver leaves the pod of a step that the plan began to the repair plan.
func (e *evaluator) handOver(p *phase, j int) {
	if step := &p.def.Steps[j]; step.Kind == Launch && p.flags[j].has(isBegun|isStopped) {
		e.handedOver = append(e.handedOver, step.Pod)
	}
}

// failureOf says whether a step has failed, and why.
func (e *evaluator) failureOf(p *phase, j int, o *Observation) (Hold, bool) {
	view := &p.view.Steps[j]
	if view.Status == Error || (p.policy.Attempts <= 0 && p.policy.StepDeadline <= 0) {
		return Hold{}, false
	}
	attempts, from := o.Attempts, o.BegunAt
	own := p.saidOf(j)
	if pardon := p.pardonOf(own); pardon != nil {
		attempts -= pardon.Attempts
		from = later(from, pardon.At)
	}
	if restart := e.restartOf(p, own, view.Kind); restart != nil {
		if o.TriedAt.Before(restart.At) {
			return Hold{}, false
		}
		from = later(from, restart.At)
	}
	hold := Hold{Code: CodeFailed, Subject: view.Name, Element: view.Name, Since: view.Since}
	if most := p.policy.Attempts; most > 0 && attempts >= most && idle(view.Status) {
		hold.Text = fmt.Sprintf("step %q failed %s, the most that is allowed%s", view.Name, times(attempts), o.lastWords(e.now))
		return hold, true
	}
	longest := p.policy.StepDeadline
	if longest <= 0 || o.BegunAt.IsZero() || !p.flags[j].has(isBegun) || p.flags[j].has(isSettling) || (own != nil && own.pause != nil) {
		return Hold{}, false
	}
	took := e.worked(from, p.def.Name)
	if took >= longest {
		hold.Text = fmt.Sprintf("step %q takes longer than %s%s", view.Name, longest, o.lastWords(e.now))
		return hold, true
	}
	p.deadline = earlier(p.deadline, e.now.Add(longest-took))
	return Hold{}, false
}

// pardonOf is the last pardon that concerns a step: its own or the phase's.
func (p *phase) pardonOf(own *stepSaid) *Pardon {
	if own == nil || own.pardon == nil || (p.pardon != nil && p.pardon.At.After(own.pardon.At)) {
		return p.pardon
	}
	return own.pardon
}

// idle says that nothing is being done about a step in the status.
func idle(s Status) bool { return s == Pending || s == Prepared || s == Delayed }

// lastWords are what is known of the failure of a step, to be added to a text.
func (o *Observation) lastWords(now time.Time) string {
	for i := range o.Holds {
		switch o.Holds[i].Code {
		case CodeBackoff, CodeUnhealthy, CodeService, CodeNoOffer, CodeNoMatch, CodeUnknownTask, CodeLaunching:
			if !o.Holds[i].over(now) || o.Holds[i].Code == CodeBackoff {
				return ": " + o.Holds[i].Text
			}
		}
	}
	return ""
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// tooSlow halts a run in which no step became COMPLETE for too long.
func (e *evaluator) tooSlow() bool {
	longest := e.def.Policy.Deadline
	if longest <= 0 || e.run.FrozenAt.IsZero() || e.finished() {
		return false
	}
	moved := later(e.run.FrozenAt, e.run.ContinuedAt)
	for i := range e.phases {
		for j := range e.phases[i].flags {
			if s := &e.phases[i].view.Steps[j]; s.Status == Complete && !e.phases[i].flags[j].has(isNewcomer) {
				moved = later(moved, s.Since)
			}
		}
	}
	idle := e.worked(moved, "")
	if idle >= longest {
		e.halt(Hold{Code: CodeFailed, Subject: e.def.Name, Text: fmt.Sprintf("no step became COMPLETE for %s", longest), Since: moved})
		return true
	}
	e.deadline = e.now.Add(longest - idle)
	return false
}

// onlyFailuresLeft halts a run in which all is done, and some of it failed: what was tolerated so far is for a human to decide.
func (e *evaluator) onlyFailuresLeft() {
	first := -1
	for i := range e.phases {
		if !e.phases[i].over() {
			return
		}
		if first < 0 && e.phases[i].failed > 0 {
			first = i
		}
	}
	if first < 0 {
		return
	}
	j := slices.IndexFunc(e.phases[first].flags, func(f flags) bool { return f.has(isFailed) })
	hold := e.failureAt(first, j).hold
	hold.Text = "nothing is left but what failed: " + hold.Text
	e.halt(hold)
}

// failureAt returns the failure of a step that has failed.
func (e *evaluator) failureAt(i, j int) failure {
	hold, _ := e.failureOf(&e.phases[i], j, e.observation(i, j))
	return failure{step: j, hold: hold}
}

// failedCanary returns a failed step that a canary phase was released for one by one, nowhere if there is none. A canary that fails is
// never tolerated: it is there to be looked at.
func (p *phase) failedCanary() place {
	if !p.def.Strategy.canary() || p.release == nil || p.failed == 0 {
		return nowhere
	}
	return slices.IndexFunc(p.release.Steps, func(name string) bool {
		j := p.placeOf(name)
		return j >= 0 && p.flags[j].has(isFailed)
	})
}

// finished says that all of the plan is COMPLETE.
func (e *evaluator) finished() bool {
	for i := range e.phases {
		if !e.phases[i].finished() {
			return false
		}
	}
	return true
}

func (e *evaluator) halt(cause Hold) {
	e.run.Halt = &Halt{Cause: cause, At: e.now, Command: "plan resume " + e.def.Name}
}

// hold is what a halt shows on the plan and on all of it that has not begun.
func (h *Halt) hold() Hold {
	return Hold{
		Code: CodeHalted, Subject: h.Cause.Subject, Since: h.At, Need: h.Cause.Need, Have: h.Cause.Have,
		Text: fmt.Sprintf("the run paused itself at %s: %s; to go on: %s", stamp(h.At), h.Cause.Text, h.Command),
	}
}
