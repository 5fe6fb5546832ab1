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
	byAll bool  // all of that rank may begin, not only the first; and what has begun goes on
}

// evaluatePhase finishes the view of a phase and of its steps, and adds it to what is known of the plan.
func (e *evaluator) evaluatePhase(i int, p *phase) {
	waitsFor := e.pendingPredecessors(i)
	if e.held < 0 && !p.finished() {
		e.held = e.heldBack(waitsFor)
	}
	e.link(p)
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
			e.candidates = append(e.candidates, Candidate{Phase: i, Step: j, Stops: f.has(isRunning), Forced: f.has(isRunning) && e.byForce(p, j)})
		}
		was := step.Status
		if w.waits {
			step.Status, step.Since = Waiting, later(step.Since, w.since)
		}
		step.Holds = w.holds
		b.words.add(p.view.Steps, j)
		if f.has(isNewcomer) {
			continue
		}
		p.view.Counts[step.Status]++
		counts.add(step.Status, b.inTurn(j) && !b.behindCanary(j) && !f.has(isDone) && step.Status != Error)
		times.add(step.Status, step.Since, was != Pending)
		why.addStep(step)
		free = free || (!f.has(isDone) && len(step.Holds) == 0)
		if step.Status == Complete && !f.has(isRecorded) && e.run.Number > 0 && !e.in.Run.Ended() {
			e.completed = append(e.completed, Candidate{Phase: i, Step: j})
		}
	}
	b.words.done(p.view.Steps)
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

// heldBack returns which of the phases that are waited for is over and only holds up what follows, because of a pause or a breakpoint; -1
// if none is. The SDK goes on after a phase that completes while it is interrupted; here the pause of a phase whose last steps were under
// way stops the rollout behind it, which is what somebody who types "pause" in the middle of a phase wants.
func (e *evaluator) heldBack(waitsFor []string) int {
	for _, name := range waitsFor {
		if i := e.placeOfPhase(name); i >= 0 && e.phases[i].over() {
			return i
		}
	}
	return nowhere
}

// placeOf returns the place of a step by its name, nowhere if there is none.
func (p *phase) placeOf(name string) place {
	if p.places == nil {
		p.places = make(map[string]place, len(p.def.Steps))
		for j := range p.def.Steps {
			p.places[p.def.Steps[j].Name] = j
		}
	}
	if j, known := p.places[name]; known {
		return j
	}
	return nowhere
}

// waitsFor says whether a step named in After is still to be done. Nothing waits for newcomers.
func (p *phase) waitsFor(name string) bool {
	j := p.placeOf(name)
	return j < 0 || !p.flags[j].has(isDone|isNewcomer)
}

// link finds the steps whose After is done.
func (e *evaluator) link(p *phase) {
	if !p.linked {
		for j, f := range p.flags {
			if !f.has(isNewcomer) {
				p.flags[j] |= isReady
			}
		}
		return
	}
	for j := range p.flags {
		if !p.flags[j].has(isNewcomer) && !slices.ContainsFunc(p.def.Steps[j].After, p.waitsFor) {
			p.flags[j] |= isReady
		}
	}
}

// orderOf is where a step stands in its phase, its place left aside.
func (e *evaluator) orderOf(i, j int) order {
	return order{observed: e.observation(i, j).Rank, defined: e.def.Phases[i].Steps[j].Rank}
}

// turnOf finds out whose turn it is. In a serial phase what is under way, and may go on, keeps the turn until it is done, whatever becomes
// of the order meanwhile, unless it was begun too soon. While released canaries work the turn goes round among them.
func (e *evaluator) turnOf(i int, p *phase, c *canary) turn {
	if !p.def.Strategy.parallel() && p.under > 0 {
		goesOn := func(f flags) bool { return f.has(isUnderWay) && f.has(isReady|isStopped) && !f.has(isNewcomer) }
		if t := e.turnAmong(i, p, c, goesOn); t.next != nowhere {
			return e.passedOver(i, p, c, t)
		}
	}
	return e.turnAmong(i, p, c, func(f flags) bool { return f.has(isReady) && !f.has(isDone) })
}

// passedOver gives the turn of a serial phase to the first launch that was never tried in this run and comes before what is under way, by
// its rank and by its place: it was passed over (taken out of the run, or forced to be COMPLETE) and is a part of the run again, and what
// was begun meanwhile may need it to become ready. A launch disrupts nothing.
func (e *evaluator) passedOver(i int, p *phase, c *canary, underWay turn) turn {
	first := underWay
	for j, f := range p.flags[:underWay.next] {
		if !f.has(isUntried) || !f.has(isReady) || f.has(isDone|isBegun) || !c.lets(p, j) {
			continue
		}
		o := e.orderOf(i, j)
		if o.before(first.order) || first.next == underWay.next && o == first.order {
			first.next, first.order = j, o
		}
	}
	return first
}

// turnAmong finds out whose turn it is among some steps.
func (e *evaluator) turnAmong(i int, p *phase, c *canary, among func(flags) bool) turn {
	t := turn{next: nowhere, byAll: p.def.Strategy.parallel()}
	for j, f := range p.flags {
		if !among(f) || !c.lets(p, j) {
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

// findEligible marks the steps whose turn it is and that nothing holds. Those that would stop a running pod are returned: for them more
// must be known.
func (e *evaluator) findEligible(i int, p *phase, b *barrier) (pool []place) {
	for j, f := range p.flags {
		if !f.has(isIdle) || f.has(isNewcomer|isDone) {
			continue
		}
		if f.has(isStopped) {
			if len(e.ended) > 0 {
				continue
			}
		} else if !f.has(isReady) || len(b.common(b.class(j)).holds) > 0 {
			continue
		} else if b.pausedStep(j) != nil {
			e.human = true
			continue
		}
		if f.has(hasHolds) {
			if _, blocked := e.observation(i, j).liveHolds(e.now); blocked {
				continue
			}
		}
		if _, others := e.worksOn(i, j); others {
			continue
		}
		p.flags[j] |= isEligible
		if f.has(isRunning) {
			pool = append(pool, j)
		}
	}
	return pool
}

// stopsPods says whether to begin a step of the kind is to stop a pod, if that runs.
func stopsPods(k Kind) bool { return k == Launch || k == Stop }

// begins says whether steps of the kind ever begin something.
func begins(k Kind) bool { return k == Launch || k == Stop || k == Action || k == Unreserve }

// worksOn returns what another plan does with the pod of a step.
func (e *evaluator) worksOn(i, j int) (claim, bool) {
	pod := e.def.Phases[i].Steps[j].Pod
	if e.phases[i].flags[j].has(isOthers) {
		if by := e.observation(i, j).Plan; e.world.handed[pod] != by {
			return claim{plan: by, pod: pod}, true
		}
	}
	if len(e.world.works) == 0 {
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
	pending  string          // a released step that may begin, or has begun, and is not done: the first
	at       place           // its place
	yields   bool            // all such steps would stop a pod that runs: what is down goes first, because it uses the budget that they may be waiting for
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
	c.yields = c.all
	for j := range p.def.Steps {
		if c.released[p.def.Steps[j].Name] && p.flags[j].has(isReady) && !p.flags[j].has(isDone) {
			if c.pending == "" {
				c.pending, c.at = p.def.Steps[j].Name, j
			}
			c.yields = c.yields && p.flags[j].has(isRunning)
		}
	}
	return c
}

// lets says whether the turn may come to a step: while released steps work it goes round among them, and those that have begun.
func (c *canary) lets(p *phase, j int) bool {
	return c.pending == "" || p.flags[j].has(isBegun) || c.released[p.def.Steps[j].Name] || c.yieldsTo(p, j)
}

// yieldsTo says whether a launch goes before released steps that are not done, when all is released: its pod is down, and these would all stop one that runs; or it was
// never tried and comes before them: it was passed over, and they may need it to become ready.
func (c *canary) yieldsTo(p *phase, j int) bool {
	f := p.flags[j]
	down := p.def.Steps[j].Kind == Launch && f.has(isIdle) && !f.has(isRunning)
	return c.all && (down && c.yields || f.has(isUntried) && j < c.at)
}

// holds says whether the canary keeps a step from beginning.
func (c *canary) holds(p *phase, j int) bool {
	if !c.armed || p.flags[j].has(isBegun|isDone|isNewcomer) || p.def.Steps[j].Kind == Wait || c.released[p.def.Steps[j].Name] {
		return false
	}
	return !c.all || c.pending != "" && !c.yieldsTo(p, j)
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
