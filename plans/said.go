package plans

import (
	"cmp"
	"slices"
)

// said is what operators said about one plan, by the place of the element that it is about. Most plans have no facts, and most phases
// none about steps.
type said struct {
	spoken
	facts    []Fact // about the plan as a whole
	phases   []phaseSaid
	excepted map[string]*Fact // by pod
}

type phaseSaid struct {
	spoken
	before, after, batch *Fact // breakpoints
	release              *Fact // of a canary
	pardon               *Pardon

	facts []Fact // about the phase as a whole
	steps map[int]*stepSaid
}

type stepSaid struct {
	spoken
	pardon *Pardon
}

// spoken is what may be said about any element.
type spoken struct{ pause, restart, forced *Fact }

// hear takes a fact in, if it is one of these.
func (s *spoken) hear(f *Fact) bool {
	switch f.Kind {
	case Paused:
		strictest(&s.pause, f)
	case Restarted:
		last(&s.restart, f)
	case Forced:
		last(&s.forced, f)
	default:
		return false
	}
	return true
}

// listen sorts the facts of the plan, and the pardons of its run, by element. Facts about elements that the plan does not have, and those
// of other runs, are left out. Which of several facts of one kind counts does not depend on the order in which they are given.
func (e *evaluator) listen() {
	e.said.phases = make([]phaseSaid, len(e.def.Phases))
	for i := range e.in.Facts {
		f := &e.in.Facts[i]
		if f.Kind == Excepted {
			e.except(f)
			continue
		}
		if f.Run == e.in.Run.Number || !f.Kind.ofRun() {
			e.hear(f)
		}
	}
	for i := range e.in.Run.Pardons {
		e.pardon(&e.in.Run.Pardons[i])
	}
}

// pardon puts a pardon where it belongs: to a step, or to the whole phase.
func (e *evaluator) pardon(p *Pardon) {
	i := e.phaseNamed(p.Phase)
	if i < 0 {
		return
	}
	slot := &e.said.phases[i].pardon
	if p.Step != "" {
		s := e.stepSaid(p.Phase, p.Step)
		if s == nil {
			return
		}
		slot = &s.pardon
	}
	if *slot == nil || (*slot).At.Before(p.At) {
		*slot = p
	}
}

// ofRun says that facts of the kind belong to a run.
func (k FactKind) ofRun() bool { return k == Released || k == Restarted || k == Forced }

func (e *evaluator) except(f *Fact) {
	if e.said.excepted == nil {
		e.said.excepted = map[string]*Fact{}
	}
	slot := e.said.excepted[f.Pod]
	e.said.excepted[f.Pod] = *first(&slot, f)
}

// hear puts a fact where it belongs.
func (e *evaluator) hear(f *Fact) {
	if f.Plan != e.def.Name && f.Plan != e.view.ID.String() {
		return
	}
	if f.Phase == "" {
		e.said.hear(e.named(f, "", ""))
		return
	}
	i := e.phaseNamed(f.Phase)
	if i < 0 {
		return
	}
	if f.Step == "" {
		e.said.phases[i].hear(e.named(f, e.def.Phases[i].Name, ""), &e.in.Run)
		return
	}
	s := e.stepSaid(f.Phase, f.Step)
	if s == nil {
		return
	}
	s.hear(e.named(f, e.def.Phases[i].Name, e.def.Phases[i].Steps[e.stepNamed(i, f.Step)].Name))
}

// named returns the fact with names in the place of ids.
func (e *evaluator) named(f *Fact, phase, step string) *Fact {
	if f.Plan == e.def.Name && f.Phase == phase && f.Step == step {
		return f
	}
	g := *f
	g.Plan, g.Phase, g.Step = e.def.Name, phase, step
	return &g
}

func (s *said) hear(f *Fact) {
	if s.spoken.hear(f) {
		s.facts = insertFact(s.facts, *f)
	}
}

func (s *phaseSaid) hear(f *Fact, run *Run) {
	switch {
	case s.spoken.hear(f):
	case f.Kind == Released:
		s.release = joinReleases(s.release, f)
	case f.Kind == Breakpoint:
		s.hearBreakpoint(f, run)
	default:
		return
	}
	s.facts = insertFact(s.facts, *f)
}

// hearBreakpoint takes a breakpoint in. Of several after each batch, that counts which holds first.
func (s *phaseSaid) hearBreakpoint(f *Fact, run *Run) {
	switch f.When {
	case BeforePhase:
		first(&s.before, f)
	case AfterPhase:
		first(&s.after, f)
	case AfterBatch:
		if s.batch == nil || f.batchesIn(run) < s.batch.batchesIn(run) {
			s.batch = f
		} else if f.batchesIn(run) == s.batch.batchesIn(run) {
			first(&s.batch, f)
		}
	}
}

// joinReleases adds up what a canary was released for. Nothing takes a release back.
func joinReleases(a, b *Fact) *Fact {
	if a == nil {
		return b
	}
	joined := *a
	last(&a, b)
	joined.Steps = slices.Compact(slices.Sorted(slices.Values(slices.Concat(joined.Steps, b.Steps))))
	joined.All = joined.All || b.All
	joined.At, joined.Actor, joined.Reason = a.At, a.Actor, a.Reason
	return &joined
}

// insertFact keeps a list of facts in an order of its own.
func insertFact(facts []Fact, f Fact) []Fact {
	i, _ := slices.BinarySearchFunc(facts, f, func(a, b Fact) int { return compareFacts(&a, &b) })
	return slices.Insert(facts, i, f)
}

// first keeps the older of two facts: what has been said since then says no more.
func first(slot **Fact, f *Fact) **Fact {
	if *slot == nil || compareFacts(f, *slot) < 0 {
		*slot = f
	}
	return slot
}

// strictest keeps the pause that lets less begin; of two that are as strict, the older.
func strictest(slot **Fact, f *Fact) {
	strict := func(f *Fact) int { return slices.Index([]When{PauseAfterPhase, PauseAfterSteps, PauseNow}, f.soon()) }
	if *slot == nil || strict(f) > strict(*slot) || (strict(f) == strict(*slot) && compareFacts(f, *slot) < 0) {
		*slot = f
	}
}

// last keeps the newer of two facts.
func last(slot **Fact, f *Fact) {
	if *slot == nil || compareFacts(f, *slot) > 0 {
		*slot = f
	}
}

// compareFacts orders by time, then by content, so that the order in which facts are given decides nothing.
func compareFacts(a, b *Fact) int {
	return cmp.Or(
		a.At.Compare(b.At), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Phase, b.Phase), cmp.Compare(a.Step, b.Step), cmp.Compare(a.When, b.When),
		cmp.Compare(len(a.Steps), len(b.Steps)), slices.Compare(a.Steps, b.Steps), compareBools(a.All, b.All), cmp.Compare(a.Batches, b.Batches),
		cmp.Compare(a.BatchRun, b.BatchRun), compareBools(a.Force, b.Force), cmp.Compare(a.Actor, b.Actor), cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Revision, b.Revision),
	)
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// stepSaid returns the place for what is said about a step; nil if the plan does not have it.
func (e *evaluator) stepSaid(phase, step string) *stepSaid {
	i := e.phaseNamed(phase)
	if i < 0 {
		return nil
	}
	j := e.stepNamed(i, step)
	if j < 0 {
		return nil
	}
	p := &e.said.phases[i]
	if p.steps == nil {
		p.steps = map[int]*stepSaid{}
	}
	if p.steps[j] == nil {
		p.steps[j] = &stepSaid{}
	}
	return p.steps[j]
}

// idLength is the length of an id as text. Names of that length are names first.
const idLength = 36

// phaseNamed returns the place of a phase by its name or id, -1 if there is none.
func (e *evaluator) phaseNamed(name string) int {
	if i := e.placeOfPhase(name); i >= 0 || len(name) != idLength {
		return i
	}
	return slices.IndexFunc(e.view.Phases, func(p PhaseView) bool { return p.ID.String() == name })
}

// stepNamed does the same for a step of a phase.
func (e *evaluator) stepNamed(phase int, name string) int {
	if j := e.phases[phase].placeOf(name); j >= 0 || len(name) != idLength {
		return j
	}
	steps := e.def.Phases[phase].Steps
	path := phasePath(e.path, e.def.Phases[phase].Name)
	return slices.IndexFunc(steps, func(s Step) bool { return stepID(path, s.Name).String() == name })
}

// latestOf returns the newest of some facts, nil if there is none.
func latestOf(facts ...*Fact) *Fact {
	var newest *Fact
	for _, f := range facts {
		if f != nil {
			last(&newest, f)
		}
	}
	return newest
}
