package plans

import (
	"slices"
	"strconv"
)

// moveCursors moves the batches of the run on: one is over when nothing of its phase is under way any more.
func (e *evaluator) moveCursors() {
	var moved []BatchCursor
	changed := false
	for i := range e.phases {
		p := &e.phases[i]
		before := e.in.Run.cursor(p.def.Name)
		p.cursor = before.next(e, p)
		if p.cursor != (BatchCursor{Phase: p.def.Name}) {
			moved = append(moved, p.cursor)
		}
		changed = changed || p.cursor != before
	}
	if changed && e.run.Number > 0 && !e.run.Ended() {
		e.run.Batches = moved
	}
}

// cursor returns how far the batches of a phase have come.
func (r *Run) cursor(phase string) BatchCursor {
	i := slices.IndexFunc(r.Batches, func(c BatchCursor) bool { return c.Phase == phase })
	if i < 0 {
		return BatchCursor{Phase: phase}
	}
	return r.Batches[i]
}

// next is the cursor after what is observed now.
func (c BatchCursor) next(e *evaluator, p *phase) BatchCursor {
	if p.under > 0 {
		c.Stopping = (c.Open && c.Stopping) || p.stopping > 0
		c.Open = true
		return c
	}
	if !c.Open {
		return c
	}
	c.Done++
	if c.Stopping {
		c.Stops++
		c.SettledAt = e.now
	}
	c.Open, c.Stopping = false, false
	return c
}

// advance brings the run to where the evaluation has found it.
func (e *evaluator) advance() {
	e.leave()
	if e.run.Number == 0 || e.run.Ended() {
		return
	}
	if e.view.Status == Complete {
		e.complete()
		return
	}
	waits := e.human && e.unpausedWork() == 0 && len(e.candidates) == 0 && len(e.questions) == 0
	e.run.setStill("", e.tally.paused || waits, e.now)
	for i := range e.phases {
		p := &e.phases[i]
		e.run.setStill(p.def.Name, p.pause != nil && p.quiet() && !p.over(), e.now)
	}
	if !e.tally.paused && !e.human && !e.run.FrozenAt.IsZero() && e.view.Status != Error {
		e.estimate()
	}
}

// unpausedWork counts the steps under way in phases that nobody has paused.
func (e *evaluator) unpausedWork() int {
	n := 0
	for i := range e.phases {
		if e.phases[i].pause == nil {
			n += e.phases[i].under
		}
	}
	return n
}

// complete ends a run whose plan is COMPLETE.
func (e *evaluator) complete() {
	e.run.CompletedAt, e.run.Outcome, e.run.Halt = e.now, Completed, nil
	e.run.setStill("", false, e.now)
	for i := range e.phases {
		p := &e.phases[i]
		e.run.setStill(p.def.Name, false, e.now)
		if p.took.count() > 0 {
			e.run.Durations = append(slices.Clip(e.run.Durations), p.took.record(p.def.Name))
		}
		for j := range p.view.Steps {
			if e.byDecree(p, j) {
				e.run.Failures++
			}
		}
	}
}

// byDecree says that a step is COMPLETE only because an operator said so.
func (e *evaluator) byDecree(p *phase, j int) bool {
	return slices.ContainsFunc(p.view.Steps[j].Facts, func(f Fact) bool { return f.Kind == Forced || f.Kind == Excepted })
}

// leave hands over the pods that the plan began to work on and will not go on with: those of a run that has ended before it was complete, and
// those of steps that are COMPLETE only because somebody forced them.
func (e *evaluator) leave() {
	abandoned := e.in.Run.Ended() && e.in.Run.outcome() != Completed
	for i := range e.phases {
		p := &e.phases[i]
		for j, f := range p.flags {
			forced := f.has(hasSaid) && e.forced(p, j) && e.observation(i, j).Status != Complete
			if (forced && f.has(isBegun)) || (abandoned && f.has(isUnderWay) && !f.has(isNewcomer)) {
				e.handOver(p, j)
			}
		}
	}
}

// forced says that the step counts as COMPLETE because an operator said so.
func (e *evaluator) forced(p *phase, j int) bool {
	s := &p.view.Steps[j]
	return s.Status == Complete && slices.ContainsFunc(s.Facts, func(f Fact) bool { return f.Kind == Forced })
}

// estimate says when the run, and each of its phases, will have ended.
func (e *evaluator) estimate() {
	all := make([]progress, len(e.phases))
	each := make([]*Estimate, len(e.phases))
	for i := range e.phases {
		all[i] = e.progressOf(i, &e.phases[i])
	}
	e.view.Estimate = estimate(all, e.now, each)
	for i := range each {
		e.view.Phases[i].Estimate = each[i]
	}
}

func (e *evaluator) progressOf(i int, p *phase) progress {
	anchor := p.newest
	if anchor.IsZero() && len(e.def.predecessors(i)) == 0 {
		anchor = e.run.FrozenAt
	}
	return progress{
		phase: p.def.Name, parallel: p.def.Strategy.parallel(), width: e.width(p),
		left: p.members - p.complete - p.failed - p.under, underWay: p.under, begun: p.oldest, anchor: anchor,
		took: p.took, past: pastDurations(e.in.Past, p.def.Name), waits: e.def.predecessors(i), done: p.over(), open: p.def.Open,
	}
}

// width is how many steps of a parallel phase can go on together, 0: all. What stops running pods is bounded by batch and budget.
func (e *evaluator) width(p *phase) int {
	for j := range p.flags {
		if p.flags[j].has(isDone|isNewcomer|isUnderWay) || !p.flags[j].has(isRunning) {
			continue
		}
		width := p.def.Batch.Max
		if pod := e.in.Ledger.pod(p.def.Steps[j].Pod); pod != nil {
			total := 0
			for k := range e.in.Ledger.Pods {
				if e.in.Ledger.Pods[k].Type == pod.Type {
					total++
				}
			}
			most := max(e.in.Ledger.budget(pod.Type).MaxUnavailable.Of(total), 1)
			if width == 0 || most < width {
				width = most
			}
		}
		return max(width, 1)
	}
	return 0
}

// predecessors returns the places of the phases for which a phase waits at first.
func (d *Definition) predecessors(i int) []int {
	var places []int
	switch {
	case d.Phases[i].After != nil:
		for _, name := range d.Phases[i].After {
			if j := d.phaseIndex(name); j >= 0 {
				places = append(places, j)
			}
		}
	case d.Strategy != Parallel:
		for j := range i {
			places = append(places, j)
		}
	}
	return places
}

// revision names the state of definition, facts and run: a hash of what makes them up. The run's clocks and batches are left out: they move by
// themselves, and no verb depends on them, save a breakpoint after a batch.
func (e *evaluator) revision() string {
	h := digestStart
	h.definition(e.def)
	h.run(&e.run)
	for i := range e.said.phases {
		h.facts(e.said.phases[i].facts)
		h.int(e.phases[i].cursor.Done)
	}
	h.facts(e.said.facts)
	for i := range e.in.Facts {
		if f := &e.in.Facts[i]; f.Step != "" && f.Plan == e.def.Name {
			h.unordered(f)
		}
	}
	for _, f := range e.said.excepted {
		h.unordered(f)
	}
	return strconv.FormatUint(uint64(h), 36)
}

// digest is a hash of its own, quick on many short texts. It is no more than a name for a state: nobody gains from making two states alike.
type digest uint64

const digestStart digest = 0x9e3779b97f4a7c15

func (h *digest) word(w uint64) {
	x := (uint64(*h) ^ w) * 0xff51afd7ed558ccd
	*h = digest(x ^ x>>32)
}

func (h *digest) text(s string) {
	h.word(uint64(len(s)))
	for ; len(s) >= 8; s = s[8:] {
		h.word(uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56)
	}
	var w uint64
	for i := range len(s) {
		w = w<<8 | uint64(s[i])
	}
	h.word(w)
}

func (h *digest) int(n int) { h.word(uint64(n)) }

func (h *digest) definition(d *Definition) {
	h.text(d.Name)
	h.text(string(d.Strategy))
	for i := range d.Phases {
		p := &d.Phases[i]
		h.text(p.Name)
		h.text(string(p.Strategy))
		h.int(len(p.Steps))
		for _, name := range p.After {
			h.text(name)
		}
		for j := range p.Steps {
			h.step(&p.Steps[j])
		}
	}
}

func (h *digest) step(s *Step) {
	h.text(s.Name)
	h.text(string(s.Kind))
	if s.Rank != 0 {
		h.int(s.Rank)
	}
	for _, name := range s.After {
		h.text(name)
	}
}

func (h *digest) run(r *Run) {
	h.int(r.Number)
	h.text(r.Target)
	h.text(string(r.Outcome))
	h.int(int(r.FrozenAt.Unix()))
	h.int(int(r.ContinuedAt.UnixNano()))
	if r.Halt != nil {
		h.text(r.Halt.Cause.Text)
	}
	h.int(len(r.Pardons))
}

func (h *digest) facts(facts []Fact) {
	for i := range facts {
		h.fact(&facts[i])
	}
}

func (h *digest) fact(f *Fact) {
	for _, s := range [...]string{string(f.Kind), f.Phase, f.Step, f.Pod, string(f.When), f.Actor} {
		h.text(s)
	}
	h.int(int(f.At.UnixNano()))
	h.int(len(f.Steps))
	h.int(f.Batches)
}

// unordered adds a fact in such a way that the order of several makes no difference.
func (h *digest) unordered(f *Fact) {
	own := digestStart
	own.fact(f)
	*h += own
}
