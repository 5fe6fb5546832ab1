package plans

import (
	"fmt"
	"slices"
	"time"
)

// place names a step of a phase by its place; nowhere is none.
type place = int

const nowhere place = -1

// turn says which steps of a phase may begin by their order alone.
type turn struct {
	next  place // the first, by rank and place, of those that are not done and whose After is
	order order // its rank
	byAll bool  // all of that rank may begin, not only the first
}

// evaluatePhase finishes the view of a phase and of its steps, and adds it to what is known of the plan.
func (e *evaluator) evaluatePhase(i int, p *phase) {
	waitsFor := e.def.pendingPredecessors(i, e.phaseDone)
	if e.held < 0 && !p.finished() {
		e.held = e.heldBack(waitsFor)
	}
	e.link(i, p)
	b := &barrier{e: e, p: p, waitsFor: waitsFor, canary: p.canaryOf()}
	b.turn = e.turnOf(i, p, &b.canary)
	b.above()
	pool := e.findEligible(i, p, b)
	stops := e.arrangeStops(i, p, pool)

	counts := tally{open: p.def.Open, paused: b.quiet, pausing: len(e.pauses) > 0 || p.pause != nil, failed: b.failed != nil}
	var times span
	why := reasons{own: b.fresh}
	free := false
	from := len(e.candidates)
	for j := range p.view.Steps {
		step, o, f := &p.view.Steps[j], e.observation(i, j), p.flags[j]
		w := b.reasons(j, step, o, stops.of(j))
		mayBegin := f.has(isEligible) && !stops.of(j).holds()
		if mayBegin {
			e.candidates = append(e.candidates, Candidate{Phase: i, Step: j, Stops: p.stops(j, o)})
		}
		was := step.Status
		if w.waits {
			step.Status, step.Since = Waiting, later(step.Since, w.since)
		}
		step.Holds = w.holds
		step.Message = b.message(step)
		if f.has(isNewcomer) {
			continue
		}
		p.view.Counts[step.Status]++
		counts.add(step.Status, b.inTurn(j) && !b.behindCanary(j) && !f.has(isDone) && step.Status != Error)
		times.add(step.Status, step.Since, was != Pending)
		why.addStep(step)
		free = free || (!f.has(isDone) && len(step.Holds) == 0)
		if step.Status == Complete {
			e.latch(i, j, p, o)
		}
	}
	counts.able = len(e.candidates) > from
	p.view.StepsDone = p.complete
	p.view.Continue = b.canary.next
	p.view.Facts = p.phaseSaid.facts

	p.view.Status = aggregate(counts)
	p.view.Since = times.since(p.view.Status, b.since)
	p.view.Holds = b.ownHolds(free, &why)
	e.human = e.human || b.human()

	eligible := !b.quiet && len(waitsFor) == 0 && p.view.Status != Complete && p.view.Status != Error
	e.tally.add(p.view.Status, eligible)
	e.tally.able = e.tally.able || counts.able
	e.span.add(p.view.Status, p.view.Since, times.begun)
	if len(waitsFor) > 0 {
		p.waiting = len(p.view.Holds) // what holds those before it comes first
	}
	e.reasons.addPhase(p.view, p.waiting)
	e.free = e.free || free
}

// latch notes a step that is COMPLETE and of which no record says so.
func (e *evaluator) latch(i, j int, p *phase, o *Observation) {
	if e.run.Number == 0 || e.in.Run.Ended() {
		return
	}
	if o.Done.Run == e.run.Number && len(p.view.Steps[j].Facts) == 0 {
		return
	}
	own := p.saidOf(j)
	restart := e.restartOf(p, own, p.view.Steps[j].Kind)
	if o.doneIn(&e.run, restart) || e.settledBy(p, own, &p.view.Steps[j], restart) != nil {
		return
	}
	e.completed = append(e.completed, Candidate{Phase: i, Step: j})
}

// heldBack returns which of the phases that are waited for is over and only holds up what follows, because of a pause or a breakpoint; -1 if none is.
// The SDK goes on after a phase that completes while it is interrupted; here the pause of a phase whose last steps were under way stops the rollout
// behind it, which is what somebody who types "pause" in the middle of a phase wants.
func (e *evaluator) heldBack(waitsFor []string) int {
	for _, name := range waitsFor {
		if i := e.def.phaseIndex(name); i >= 0 && e.phases[i].over() {
			return i
		}
	}
	return nowhere
}

// link finds the steps whose After is done.
func (e *evaluator) link(i int, p *phase) {
	var places map[string]int
	if p.linked {
		places = make(map[string]int, len(p.def.Steps))
		for j := range p.def.Steps {
			places[p.def.Steps[j].Name] = j
		}
	}
	for j := range p.flags {
		if p.flags[j].has(isNewcomer) {
			continue
		}
		waits := slices.ContainsFunc(p.def.Steps[j].After, func(name string) bool {
			k, known := places[name]
			return !known || !p.flags[k].has(isDone|isNewcomer)
		})
		if !waits {
			p.flags[j] |= isReady
		}
	}
}

// orderOf is where a step stands in its phase, its place left aside.
func (e *evaluator) orderOf(i, j int) order {
	return order{observed: e.observation(i, j).Rank, defined: e.def.Phases[i].Steps[j].Rank}
}

// turnOf finds out whose turn it is. While released canaries work the turn goes round among them.
func (e *evaluator) turnOf(i int, p *phase, c *canary) turn {
	t := turn{next: nowhere, byAll: p.def.Strategy.parallel()}
	for j := range p.flags {
		if !p.flags[j].has(isReady) || p.flags[j].has(isDone) || !c.lets(p, j) {
			continue
		}
		o := e.orderOf(i, j)
		if t.next == nowhere || o.before(t.order) {
			t.next, t.order = j, o
		}
		if !p.ranked {
			break
		}
	}
	return t
}

// findEligible marks the steps whose turn it is and that nothing holds. Those that would stop a running pod are returned: for them more must be known.
func (e *evaluator) findEligible(i int, p *phase, b *barrier) []place {
	var pool []place
	for j := range p.view.Steps {
		step := &p.view.Steps[j]
		f := p.flags[j]
		if (step.Status != Pending && step.Status != Prepared) || f.has(isNewcomer|isDone) || !begins(step.Kind) {
			continue
		}
		if f.has(isStopped) {
			if len(e.ended) > 0 {
				continue
			}
		} else if !f.has(isReady) || len(b.common(b.class(j)).holds) > 0 || b.pausedStep(j) != nil {
			continue
		}
		o := e.observation(i, j)
		if len(o.Holds) > 0 {
			if _, blocked := o.liveHolds(e.now); blocked {
				continue
			}
		}
		if _, others := e.worksOn(step.Pod, o); others {
			continue
		}
		p.flags[j] |= isEligible
		if p.stops(j, o) {
			pool = append(pool, j)
		}
	}
	return pool
}

// begins says whether steps of the kind ever begin something.
func begins(k Kind) bool { return k == Launch || k == Stop || k == Action || k == Unreserve }

// stops says whether to begin the step is to stop a running pod.
func (p *phase) stops(j int, o *Observation) bool {
	k := p.def.Steps[j].Kind
	return o.Running && !p.flags[j].has(isStopped) && (k == Launch || k == Stop)
}

// worksOn returns what another plan does with a pod.
func (e *evaluator) worksOn(pod string, o *Observation) (claim, bool) {
	if o.Plan != "" && o.Plan != e.def.Name && (o.Stopped || o.Status == Starting || o.Status == Started || o.Status == Delayed) {
		return claim{plan: o.Plan, pod: pod}, true
	}
	if len(e.world.works) == 0 || pod == "" {
		return claim{}, false
	}
	c, ok := e.world.works[pod]
	return c, ok && c.plan != e.def.Name
}

// canary says what of a canary phase may begin.
type canary struct {
	armed    bool            // the phase is a canary, and not all of it is released
	all      bool            // all is released, and the rest follows when the first are done
	released map[string]bool // by name
	pending  string          // a released step that may begin, or has begun, and is not done
	next     *Release        // what "continue" would begin
}

// canaryOf finds out how far a canary phase was released.
func (p *phase) canaryOf() canary {
	var c canary
	if !p.def.Strategy.canary() {
		return c
	}
	c.armed = true
	if p.release == nil {
		return c
	}
	c.all = p.release.All
	c.released = make(map[string]bool, len(p.release.Steps))
	for _, name := range p.release.Steps {
		c.released[name] = true
	}
	for j := range p.def.Steps {
		if c.released[p.def.Steps[j].Name] && p.flags[j].has(isReady) && !p.flags[j].has(isDone) {
			c.pending = p.def.Steps[j].Name
			break
		}
	}
	return c
}

// lets says whether the turn may come to a step: while released steps work it goes round among them, and those that have begun.
func (c *canary) lets(p *phase, j int) bool {
	return c.pending == "" || p.flags[j].has(isBegun) || c.released[p.def.Steps[j].Name]
}

// holds says whether the canary keeps a step from beginning.
func (c *canary) holds(p *phase, j int) bool {
	if !c.armed || p.flags[j].has(isBegun|isDone|isNewcomer) || p.def.Steps[j].Kind == Wait || c.released[p.def.Steps[j].Name] {
		return false
	}
	return !c.all || c.pending != ""
}

// nextRelease is what "continue" would begin; nil if nothing.
func (e *evaluator) nextRelease(i int, p *phase, c *canary) *Release {
	if !c.armed || c.all {
		return nil
	}
	next, left := nowhere, 0
	var least order
	for j := range p.flags {
		if !c.holds(p, j) {
			continue
		}
		left++
		o, links := e.orderOf(i, j), p.flags[j].has(isReady)
		switch {
		case next == nowhere, links && !p.flags[next].has(isReady), links == p.flags[next].has(isReady) && o.before(least):
			next, least = j, o // what could not begin yet is released last
		}
	}
	if next == nowhere {
		return nil
	}
	canaries := p.def.Canaries
	if canaries <= 0 {
		canaries = DefaultCanaries
	}
	r := &Release{Step: p.def.Steps[next].Name, Others: left - 1, All: len(c.released)+1 >= canaries || left == 1}
	if !r.All {
		r.Others = 0
	}
	return r
}

// hold is what the steps that wait for the release show.
func (r *Release) hold(phase string, since time.Time) Hold {
	text := fmt.Sprintf("canary: continue begins step %q", r.Step)
	if r.All && r.Others > 0 {
		text += fmt.Sprintf(", and the other %d when it is COMPLETE", r.Others)
	}
	return Hold{Code: CodeCanary, Subject: phase, Text: text, Since: since}
}
