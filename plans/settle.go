package plans

import (
	"fmt"
	"slices"
	"time"
)

// settlePhase fills in what each step of a phase is by itself.
func (e *evaluator) settlePhase(i int, p *phase) {
	path := phasePath(e.path, p.def.Name)
	p.view.Steps = make([]StepView, len(p.def.Steps))
	for j := range p.def.Steps {
		step, view, o := &p.def.Steps[j], &p.view.Steps[j], e.observation(i, j)
		view.ID = stepID(path, step.Name)
		view.Name, view.Kind, view.Pod = step.Name, step.Kind, step.Pod
		view.Host, view.Task = o.Host, o.Task
		if view.Host == "" {
			view.Host = step.Host
		}
		p.flags[j] = e.settleStep(p, j, view, o) | e.known(step, view, o)
		p.count(step, view, o, p.flags[j])
	}
}

// count takes a step, settled, into what is known of its phase.
func (p *phase) count(step *Step, view *StepView, o *Observation, f flags) {
	if f.has(isNewcomer) {
		p.view.Newcomers++
		return
	}
	p.members++
	p.ranked = p.ranked || step.Rank != 0 || o.Rank != 0
	p.linked = p.linked || len(step.After) > 0
	p.begun = p.begun || f.has(isBegun)
	p.errors = p.errors || view.Status == Error
	if f.has(isBegun) {
		p.newest = later(p.newest, o.TriedAt)
	}
	if view.Status == Complete {
		p.complete++
		p.newest = later(p.newest, view.Since)
		if !o.BegunAt.IsZero() && view.Since.After(o.BegunAt) {
			if p.took == nil {
				p.took = &durations{}
			}
			p.took.add(view.Since.Sub(o.BegunAt))
		}
	}
}

// settleStep fills in what a step is by itself, and returns what it is beside its status; whether it has failed is not yet known.
func (e *evaluator) settleStep(p *phase, j int, view *StepView, o *Observation) flags {
	var f flags
	if o.Newcomer {
		f |= isNewcomer
		view.Newcomer = true
	}
	own := p.saidOf(j)
	restart := e.restartOf(p, own, view.Kind)
	redo := restart != nil && o.TriedAt.Before(restart.At)
	view.Status, view.Since, view.Errors = e.statusOf(p, view, o, own, restart, redo)
	if view.Status != Complete && e.in.Run.Ended() && e.in.Run.outcome() == Completed {
		f |= isNewcomer // all that was of a run that is COMPLETE was COMPLETE, and stays so
		view.Newcomer = true
	}
	if e.said.excepted != nil || own != nil || restart != nil || p.forced != nil || e.said.forced != nil {
		view.Facts = e.factsOf(p, own, view, redo)
	}
	if view.Facts != nil || own != nil {
		f |= hasSaid
	}
	active := view.Status == Starting || view.Status == Started || view.Status == Delayed
	owed := o.owedBy(e.def.Name)
	undone := o.Running && !owed && (view.Status == Pending || view.Status == Prepared) && stopsPods(view.Kind)
	if owed || (!redo && !undone && (active || !o.BegunAt.IsZero())) {
		f |= isBegun
	}
	switch view.Status {
	case Complete:
		if e.recorded(p, own, view, o, restart) {
			f |= isRecorded
		}
		return f | isDone
	case Started:
		if !o.Ready.IsZero() {
			f |= isSettling
		}
	}
	if owed {
		f |= isStopped
	}
	if view.Status == Error {
		return f
	}
	if f.has(isBegun) {
		f |= isUnderWay
	}
	return f
}

// known are the flags that say what was observed of a step that is settled.
func (e *evaluator) known(step *Step, view *StepView, o *Observation) flags {
	var f flags
	if begins(step.Kind) && (view.Status == Pending || view.Status == Prepared) {
		f |= isIdle
		if o.Running && !o.owedBy(e.def.Name) && stopsPods(step.Kind) {
			f |= isRunning
		}
		if step.Kind == Launch && !o.Running && o.TriedAt.IsZero() {
			f |= isUntried
		}
	}
	if len(o.Holds) > 0 {
		f |= hasHolds
	}
	if o.Plan != "" && o.Plan != e.def.Name && (o.Stopped || o.Status == Starting || o.Status == Started) {
		f |= isOthers
	}
	return f
}

// recorded says that it need not be recorded that the step is COMPLETE: it is, or it is only so because somebody said so.
func (e *evaluator) recorded(p *phase, own *stepSaid, view *StepView, o *Observation, restart *Fact) bool {
	return o.doneIn(&e.in.Run, restart) || e.settledBy(p, own, view, restart) != nil
}

// statusOf is what a step is by itself, since when, and its errors: the list in the package documentation.
func (e *evaluator) statusOf(p *phase, view *StepView, o *Observation, own *stepSaid, restart *Fact, redo bool) (Status, time.Time, []string) {
	if fact := e.settledBy(p, own, view, restart); fact != nil {
		return Complete, fact.At, nil
	}
	status, since, errs := o.settle(e.now)
	switch {
	case status == Error:
		return status, since, errs
	case redo:
		return Pending, later(o.Since, restart.At), nil
	case o.doneIn(&e.in.Run, restart):
		return Complete, o.Done.At, nil
	case status == Started && !o.Ready.IsZero():
		settled := o.Ready
		if o.owedBy(e.def.Name) {
			settled = settled.Add(p.def.Settle)
		}
		if !e.now.Before(settled) {
			return Complete, restart.orLater(settled), nil
		}
		e.wakeAt(settled)
	case status == Complete:
		return Complete, restart.orLater(since), nil
	case status == Delayed:
		e.wakeAt(o.Until)
	}
	return status, since, nil
}

// orLater is a time that is not before the fact; nil is none. What was COMPLETE before a restart, by its record, is not COMPLETE after it.
func (f *Fact) orLater(t time.Time) time.Time {
	if f == nil {
		return t
	}
	return later(t, f.At)
}

// settledBy returns the fact that makes the step COMPLETE whatever is observed; nil if there is none.
func (e *evaluator) settledBy(p *phase, own *stepSaid, view *StepView, restart *Fact) *Fact {
	if e.said.excepted != nil && view.Pod != "" {
		if f := e.said.excepted[view.Pod]; f != nil {
			return f
		}
	}
	if e.said.forced == nil && p.forced == nil && own == nil {
		return nil
	}
	forced := latestOf(e.said.forced, p.forced)
	if own != nil {
		forced = latestOf(forced, own.forced)
	}
	if forced == nil || (restart != nil && restart.At.After(forced.At)) {
		return nil
	}
	return forced
}

// saidOf is what was said about a step; nil if nothing was.
func (p *phase) saidOf(j int) *stepSaid {
	if p.steps == nil {
		return nil
	}
	return p.steps[j]
}

// restartOf returns the newest restart that concerns the step. A wait step does nothing that could be done again.
func (e *evaluator) restartOf(p *phase, own *stepSaid, kind Kind) *Fact {
	if e.said.restart == nil && p.restart == nil && (own == nil || own.restart == nil) || kind == Wait {
		return nil
	}
	if own == nil {
		return latestOf(e.said.restart, p.restart)
	}
	return latestOf(e.said.restart, p.restart, own.restart)
}

// owedBy says that a plan stopped the pod and owes it its return.
func (o *Observation) owedBy(plan string) bool { return o.Stopped && (o.Plan == "" || o.Plan == plan) }

// doneIn says whether the step was COMPLETE in the run, and not restarted since.
func (o *Observation) doneIn(run *Run, restart *Fact) bool {
	return run.Number > 0 && o.Done.Run == run.Number && (restart == nil || !o.Done.At.Before(restart.At))
}

// factsOf are the facts that a step shows: its own, and why it is COMPLETE or must be done again.
func (e *evaluator) factsOf(p *phase, own *stepSaid, view *StepView, redo bool) []Fact {
	var facts []Fact
	restart := e.restartOf(p, own, view.Kind)
	if fact := e.settledBy(p, own, view, restart); fact != nil {
		facts = append(facts, *fact)
	}
	if redo {
		facts = append(facts, *restart)
	}
	if own != nil && own.pause != nil {
		facts = append(facts, *own.pause)
	}
	return facts
}

// settle returns what an observation says, since when, and its errors. A DELAYED step may try again from Until on: it is PENDING
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
		blocked = blocked || o.Holds[i].Code.blocks()
	}
	return live, blocked
}
