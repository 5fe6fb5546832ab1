package plans

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// moveCursors moves the batches of the run on: one is over when nothing of its phase is under way any more.
func (e *evaluator) moveCursors() {
	var moved []BatchCursor
	changed := false
	cursors := make(map[string]BatchCursor, len(e.in.Run.Batches))
	for _, c := range e.in.Run.Batches {
		cursors[c.Phase] = c
	}
	for i := range e.phases {
		p := &e.phases[i]
		before := cursors[p.def.Name]
		before.Phase = p.def.Name
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
	if e.run.Number == 0 || e.run.Ended() {
		return
	}
	if e.view.Status == Complete {
		e.complete()
		return
	}
	e.noteUnknown()
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

// noteUnknown notes since when gates are unknown, and halts a run whose gate was so for too long. That no gate has answered at all is no
// better.
func (e *evaluator) noteUnknown() {
	for i := range e.phases {
		p := &e.phases[i]
		since := p.cursor.UnknownSince
		switch {
		case !p.unknown:
			p.cursor.UnknownSince = time.Time{}
		case since.IsZero():
			p.cursor.UnknownSince = e.now
		}
		if p.cursor.UnknownSince != since {
			e.run.setCursor(p.cursor)
		}
		if p.unknown && p.policy.GatePatience > 0 && e.run.Halt == nil {
			e.loseTemper(p)
		}
	}
}

// loseTemper halts the run if the phase's gate was unknown for too long.
func (e *evaluator) loseTemper(p *phase) {
	patience := p.policy.GatePatience
	since := later(p.cursor.UnknownSince, e.run.ContinuedAt)
	if waited := e.worked(since, ""); waited < patience {
		p.deadline = earlier(p.deadline, e.now.Add(patience-waited))
		return
	}
	e.halt(Hold{
		Code: CodeGateUnknown, Subject: p.def.Name, Element: p.def.Name, Since: p.cursor.UnknownSince,
		Text: fmt.Sprintf("whether running pods of phase %q may be stopped is unknown for %s", p.def.Name, patience),
	})
	e.late = true
}

// wakeForDeadlines asks to be called when a deadline ends, unless its clock stands still from now on.
func (e *evaluator) wakeForDeadlines() {
	if e.run.still("") {
		return
	}
	e.wakeAt(e.deadline)
	for i := range e.phases {
		if p := &e.phases[i]; !e.run.still(p.def.Name) {
			e.wakeAt(p.deadline)
		}
	}
}

// setCursor records how far the batches of a phase have come.
func (r *Run) setCursor(c BatchCursor) {
	r.Batches = slices.Clone(r.Batches)
	i := slices.IndexFunc(r.Batches, func(old BatchCursor) bool { return old.Phase == c.Phase })
	if i < 0 {
		r.Batches = append(r.Batches, c)
		return
	}
	r.Batches[i] = c
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
	e.run.CompletedAt, e.run.Outcome, e.run.Halt = e.run.notBefore(e.now), Completed, nil
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

// leave hands over the pods that the plan began to work on and will not go on with: those of a run that has ended before it was complete,
// those of steps that are COMPLETE only because somebody forced them, and those that it stopped for steps that have an error, or have no
// part in the run any more.
func (e *evaluator) leave() {
	abandoned := e.in.Run.Ended() && e.in.Run.outcome() != Completed
	for i := range e.phases {
		p := &e.phases[i]
		for j, f := range p.flags {
			switch {
			case f.has(isOthers):
			case f.has(isStopped) && (f.has(isNewcomer) || p.view.Steps[j].Status == Error),
				abandoned && f.has(isUnderWay) && !f.has(isNewcomer),
				f.has(hasSaid) && f.has(isBegun) && e.forced(p, j) && e.observation(i, j).Status != Complete:
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
	e.explicit = slices.ContainsFunc(e.def.Phases, func(p Phase) bool { return p.After != nil })
	all := make([]progress, len(e.phases))
	each := make([]*Estimate, len(e.phases))
	for i := range e.phases {
		all[i] = e.progressOf(i, &e.phases[i])
	}
	e.view.Estimate = estimate(all, e.run.FrozenAt, each) // what is not anchored counts from then, so that it does not move with the time
	for i := range each {
		e.view.Phases[i].Estimate = each[i]
	}
}

func (e *evaluator) progressOf(i int, p *phase) progress {
	anchor, waits := p.newest, e.predecessors(i)
	if anchor.IsZero() && len(waits) == 0 {
		anchor = e.run.FrozenAt
	}
	width, least := e.width(p), time.Duration(0)
	if width > 0 || p.stopping > 0 {
		least = p.def.Settle
	}
	return progress{
		phase: p.def.Name, parallel: p.def.Strategy.parallel(), width: width, least: least,
		left: p.members - p.complete - p.failed - p.under, underWay: p.under, begun: p.oldest, anchor: anchor,
		took: p.took, past: pastDurations(e.in.Past, p.def.Name), waits: waits, done: p.over(), open: p.def.Open,
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

// predecessors returns the places of the phases for which a phase waits at first: in a serial plan without any After only the one before,
// which waits for the others itself.
func (e *evaluator) predecessors(i int) []int {
	var places []int
	switch {
	case e.def.Phases[i].After != nil:
		for _, name := range e.def.Phases[i].After {
			if j := e.placeOfPhase(name); j >= 0 {
				places = append(places, j)
			}
		}
	case e.def.Strategy == Parallel || i == 0:
	case !e.explicit:
		places = []int{i - 1}
	default:
		for j := range i {
			places = append(places, j)
		}
	}
	return places
}

// revision names the state of definition, facts and run: a hash of what makes them up. The run's clocks and batches are left out: they move
// by themselves, and no verb depends on them, save a breakpoint after a batch.
func (e *evaluator) revision() string {
	h := digestStart
	h.definition(e.def)
	h.run(&e.run)
	for i := range e.said.phases {
		h.facts(e.said.phases[i].facts)
		h.int(e.phases[i].cursor.Done)
		if next := e.view.Phases[i].Continue; next != nil {
			h.text(next.Step)
			h.int(next.Others)
		}
	}
	h.facts(e.said.facts)
	for i := range e.in.Facts {
		if f := &e.in.Facts[i]; f.Step != "" && (f.Plan == e.def.Name || f.Plan == e.view.ID.String()) {
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
	h.policy(&d.Policy)
	var settings []Setting // of the step before: steps of a pod type share them
	var ofSettings digest
	for i := range d.Phases {
		p := &d.Phases[i]
		h.phase(p)
		for j := range p.Steps {
			s := &p.Steps[j]
			h.step(s)
			if len(s.Settings) > 0 && !sameSettings(settings, s.Settings) {
				settings, ofSettings = s.Settings, digestOf(s.Settings)
			}
			if len(s.Settings) > 0 {
				h.word(uint64(ofSettings))
			}
		}
	}
}

// sameSettings says that two lists are one in memory.
func sameSettings(a, b []Setting) bool { return len(a) == len(b) && &a[0] == &b[0] }

func digestOf(settings []Setting) digest {
	h := digestStart
	for _, s := range settings {
		h.text(s.Name)
		h.text(s.Value)
	}
	return h
}

func (h *digest) policy(p *Policy) {
	for _, n := range [...]int{p.Attempts, p.Tolerate, int(p.StepDeadline), int(p.Deadline), int(p.GatePatience)} {
		h.int(n)
	}
}

func (h *digest) phase(p *Phase) {
	h.text(p.Name)
	h.text(string(p.Strategy))
	h.policy(&p.Policy)
	for _, n := range [...]int{len(p.Steps), len(p.After), p.Canaries, p.Batch.Max, int(p.Settle)} {
		h.int(n)
	}
	for _, yes := range [...]bool{p.After == nil, p.Open, p.Batch.Grow, p.Gated} {
		h.int(oneIf(yes))
	}
	for _, name := range p.After {
		h.text(name)
	}
}

func oneIf(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func (h *digest) step(s *Step) {
	h.text(s.Name)
	h.text(string(s.Kind))
	h.text(s.Pod)
	h.text(s.Host)
	h.int(s.Rank)
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
