package plans

import (
	"cmp"
	"slices"
	"time"
)

// The plain twin of Evaluate: slow, and as near to the sentences of doc.go as Go allows. It looks at everything anew for every
// question that it asks, knows neither holds' texts nor times, and shares no code with the evaluator beyond plain data (Hold.over and
// CodeTable among it). Where the sentences allow two readings, the one taken is marked READING.

// plainOthers is what the plans evaluated before, and beside, this one mean for it.
type plainOthers struct {
	works     map[string]string // pod -> the other plan that works on it
	repairing string            // a pod of a quorum budget that another plan repairs; "": none
	taken     []string          // pods whose stop was granted to earlier plans: they count as down
	handed    map[string]string // pod -> the plan that hands it over
}

// plainPhase is what a phase and its steps are shown as.
type plainPhase struct {
	Status Status
	Steps  []Status
}

// plainResult is what the twin says.
type plainResult struct {
	Status     Status
	Phases     []plainPhase
	Candidates []Candidate
	Questions  []Question
	Halted     bool

	// stops says, for the test that counts what the drawn inputs lead to, why running steps may not be stopped; "" if they may.
	stops map[Candidate]Code
	late  bool // the run halts because a gate is unknown
}

// plain holds the arguments. halted is known after the first things have been looked at, and counts at once.
type plain struct {
	in     Input
	others plainOthers
	halted bool
}

func plainEvaluate(in Input, others plainOthers) plainResult {
	p := plain{in: in, others: others}
	p.halted = p.isHalted()
	r := p.evaluate()
	if !p.halted && r.late {
		p.halted = true // "a halt counts at once"
		r = p.evaluate()
		r.late = true
	}
	return r
}

func (p plain) evaluate() plainResult {
	in, others := p.in, p.others
	r := plainResult{Halted: p.halted, stops: map[Candidate]Code{}}

	var decisions []plainDecision
	taken := slices.Clone(others.taken)
	for i := range in.Definition.Phases {
		d := p.decide(i, taken)
		decisions = append(decisions, d)
		// "Stops that an evaluation grants count for the phases and plans that follow."
		for _, j := range d.granted {
			taken = append(taken, p.step(i, j).Pod)
		}
		r.Candidates = append(r.Candidates, d.candidates...)
		r.Questions = append(r.Questions, d.questions...)
		r.late = r.late || r.Status != Complete && p.gateUnknownTooLong(i, d)
		for j, code := range d.why {
			r.stops[Candidate{Phase: i, Step: j, Stops: true}] = code
		}
	}
	for i := range in.Definition.Phases {
		phase := plainPhase{Status: p.phaseStatus(i, decisions[i])}
		for j := range in.Definition.Phases[i].Steps {
			phase.Steps = append(phase.Steps, p.shown(i, j, decisions[i]))
		}
		r.Phases = append(r.Phases, phase)
	}
	r.Status = p.planStatus(decisions)
	r.late = r.late && r.Status != Complete
	r.Halted = r.Halted && r.Status != Complete // a run that is COMPLETE is halted no more
	return r
}

// plainCoordinate: "evaluates plans over the same pods, in order of priority … All share one ledger."
func plainCoordinate(ledger Ledger, ins []Input) []plainResult {
	var results []plainResult
	var taken []string
	// Excepted facts "count in all plans".
	var exceptions []Fact
	for _, in := range ins {
		for _, f := range in.Facts {
			if f.Kind == Excepted {
				exceptions = append(exceptions, f)
			}
		}
	}
	ins = slices.Clone(ins)
	for k := range ins {
		ins[k].Facts = slices.Concat(ins[k].Facts, exceptions)
	}
	for k, in := range ins {
		in.Ledger = ledger
		others := plainOthers{works: map[string]string{}, repairing: plainRepairing(ledger, ins, k), taken: taken, handed: plainHanded(ins)}
		for _, phase := range in.Definition.Phases {
			for _, step := range phase.Steps {
				if worker := plainWorker(ins, results, step.Pod); worker >= 0 && worker != k {
					others.works[step.Pod] = ins[worker].Definition.Name
				}
			}
		}
		r := plainEvaluate(in, others)
		results = append(results, r)
		taken = slices.Clone(taken)
		for _, c := range r.Candidates {
			if c.Stops {
				taken = append(taken, in.Definition.Phases[c.Phase].Steps[c.Step].Pod)
			}
		}
	}
	return results
}

// plainWorker: "At most one of them works on a pod: the one that has begun, otherwise the first in which its step is a candidate." -1:
// none, of those that were evaluated. READING: a plan whose run has ended, or whose step has failed, works on the pod no more.
func plainWorker(ins []Input, results []plainResult, pod string) int {
	for k, in := range ins {
		p := plain{in: in}
		for i, phase := range in.Definition.Phases {
			for _, j := range p.members(i) {
				by := p.observation(i, j).Plan
				// "those that it owes their return, and those that it has launched and that are not ready yet"
				working := p.owed(i, j) || p.own(i, j) == Starting || p.own(i, j) == Started
				if pod != "" && phase.Steps[j].Pod == pod && working && p.underWay(i, j) && !p.ended() && (by == "" || by == in.Definition.Name) {
					return k
				}
			}
		}
	}
	for k, r := range results {
		for _, c := range r.Candidates {
			if pod != "" && ins[k].Definition.Phases[c.Phase].Steps[c.Step].Pod == pod {
				return k
			}
		}
	}
	return -1
}

// plainHanded: which plans hand which pods over. The last one counts, if several do.
func plainHanded(ins []Input) map[string]string {
	handed := map[string]string{}
	for _, in := range ins {
		p := plain{in: in}
		for i, phase := range in.Definition.Phases {
			for j, step := range phase.Steps {
				if p.handsOver(i, j) {
					handed[step.Pod] = in.Definition.Name
				}
			}
		}
	}
	return handed
}

// handsOver: "of failed steps, of steps that are COMPLETE only because somebody forced them, of a run that was stopped or superseded", and
// what it stopped for a step that has an error or has no part in the run any more.
func (p plain) handsOver(i, j int) bool {
	o, own, run := p.observation(i, j), p.own(i, j), p.in.Run
	if p.step(i, j).Kind != Launch || !p.begun(i, j) {
		return false
	}
	if p.otherPlans(i, j) {
		return !p.newcomer(i, j) && p.failed(i, j)
	}
	abandoned := p.ended() && run.Outcome != Completed && run.Outcome != ""
	switch {
	case p.newcomer(i, j), own == Error:
		return p.owed(i, j) || p.forced(i, j) && !p.excepted(p.step(i, j).Pod) && own == Complete && o.Status != Complete
	case own == Complete:
		return p.forced(i, j) && !p.excepted(p.step(i, j).Pod) && o.Status != Complete
	}
	return p.failed(i, j) || abandoned && p.underWay(i, j)
}

// otherPlans says that another plan began what goes on with the pod.
func (p plain) otherPlans(i, j int) bool {
	o := p.observation(i, j)
	return o.Plan != "" && o.Plan != p.in.Definition.Name && (o.Stopped || o.Status == Starting || o.Status == Started)
}

// plainRepairing: "While a Repair plan has work on a pod of a quorum budget, other plans stop nothing." READING: it has work as long as a
// step that concerns the pod is not COMPLETE.
func plainRepairing(ledger Ledger, ins []Input, k int) string {
	for other, in := range ins {
		if other == k || !in.Definition.Repair {
			continue
		}
		p := plain{in: in}
		p.in.Ledger = ledger
		for i, phase := range in.Definition.Phases {
			for _, j := range p.members(i) {
				state, known := p.podState(phase.Steps[j].Pod)
				for _, b := range ledger.Budgets {
					if known && b.PodType == state.Type && b.Quorum && p.own(i, j) != Complete {
						return state.Name
					}
				}
			}
		}
	}
	return ""
}

// The definition and what is known of its steps.

func (p plain) step(i, j int) Step { return p.in.Definition.Phases[i].Steps[j] }

// "Missing ones are zero, surplus ones are ignored."
func (p plain) observation(i, j int) Observation {
	if i >= len(p.in.Observations) || j >= len(p.in.Observations[i]) {
		return Observation{}
	}
	return p.in.Observations[i][j]
}

// "Newcomer … The step has no part in the run: it does not begin, and nothing waits for it." "what is not COMPLETE in a run that is, is a
// newcomer"
func (p plain) newcomer(i, j int) bool {
	run := p.in.Run
	completed := !run.CompletedAt.IsZero() && (run.Outcome == Completed || run.Outcome == "")
	return p.observation(i, j).Newcomer || completed && p.own(i, j) != Complete
}

func (p plain) members(i int) []int {
	var members []int
	for j := range p.in.Definition.Phases[i].Steps {
		if !p.newcomer(i, j) {
			members = append(members, j)
		}
	}
	return members
}

// "Observation.Rank, Step.Rank, place"
func (p plain) before(i, a, b int) bool {
	return cmp.Or(p.compareRanks(i, a, b), cmp.Compare(a, b)) < 0
}

func (p plain) compareRanks(i, a, b int) int {
	return cmp.Or(
		cmp.Compare(p.observation(i, a).Rank, p.observation(i, b).Rank),
		cmp.Compare(p.step(i, a).Rank, p.step(i, b).Rank))
}

// inOrder sorts steps of a phase by their order.
func (p plain) inOrder(i int, steps []int) []int {
	sorted := slices.Clone(steps)
	slices.SortFunc(sorted, func(a, b int) int {
		if p.before(i, a, b) {
			return -1
		}
		if p.before(i, b, a) {
			return 1
		}
		return 0
	})
	return sorted
}

func (p plain) parallelPhase(i int) bool {
	s := p.in.Definition.Phases[i].Strategy
	return s == Parallel || s == ParallelCanary
}

func (p plain) canaryPhase(i int) bool {
	s := p.in.Definition.Phases[i].Strategy
	return s == SerialCanary || s == ParallelCanary || s == Canary
}

// "Policy takes the place of the plan's, field by field where it is not zero."
func (p plain) attempts(i int) int {
	if n := p.in.Definition.Phases[i].Policy.Attempts; n != 0 {
		return n
	}
	return p.in.Definition.Policy.Attempts
}

func (p plain) tolerate(i int) int {
	if n := p.in.Definition.Phases[i].Policy.Tolerate; n != 0 {
		return n
	}
	return p.in.Definition.Policy.Tolerate
}

func (p plain) stepDeadline(i int) time.Duration {
	if d := p.in.Definition.Phases[i].Policy.StepDeadline; d != 0 {
		return d
	}
	return p.in.Definition.Policy.StepDeadline
}

func (p plain) gatePatience(i int) time.Duration {
	if d := p.in.Definition.Phases[i].Policy.GatePatience; d != 0 {
		return d
	}
	return p.in.Definition.Policy.GatePatience
}

// Facts.

// "Plan, Phase and Step lead to the element, by names or ids: empty Step, the phase; empty Phase, the plan."
func (p plain) aboutPlan(f Fact) bool {
	d := p.in.Definition
	return f.Plan == d.Name || f.Plan == ID(d.Service, d.Name, "", "").String()
}

func (p plain) aboutPhase(f Fact, i int) bool {
	d := p.in.Definition
	name := d.Phases[i].Name
	return p.aboutPlan(f) && f.Phase != "" && (f.Phase == name || f.Phase == ID(d.Service, d.Name, name, "").String())
}

func (p plain) aboutStep(f Fact, i, j int) bool {
	d := p.in.Definition
	name := d.Phases[i].Steps[j].Name
	return p.aboutPhase(f, i) && f.Step != "" &&
		(f.Step == name || f.Step == ID(d.Service, d.Name, d.Phases[i].Name, name).String())
}

// onPlan, onPhase and onStep are the facts of a kind about that very element.
func (p plain) onPlan(kind FactKind) []Fact {
	return p.factsIf(kind, func(f Fact) bool { return p.aboutPlan(f) && f.Phase == "" && f.Step == "" })
}

func (p plain) onPhase(kind FactKind, i int) []Fact {
	return p.factsIf(kind, func(f Fact) bool { return p.aboutPhase(f, i) && f.Step == "" })
}

func (p plain) onStep(kind FactKind, i, j int) []Fact {
	return p.factsIf(kind, func(f Fact) bool { return p.aboutStep(f, i, j) })
}

// "Facts of the kinds Released, Restarted and Forced name a run and mean nothing in another one; Paused, Breakpoint and Excepted
// persist until somebody takes them back."
func (p plain) factsIf(kind FactKind, about func(Fact) bool) []Fact {
	var facts []Fact
	for _, f := range p.in.Facts {
		ofRun := kind == Released || kind == Restarted || kind == Forced
		if f.Kind == kind && about(f) && (!ofRun || f.Run == p.in.Run.Number) {
			facts = append(facts, f)
		}
	}
	return facts
}

// over are the facts of a kind about the step, its phase or the plan.
func (p plain) over(kind FactKind, i, j int) []Fact {
	return slices.Concat(p.onPlan(kind), p.onPhase(kind, i), p.onStep(kind, i, j))
}

// "Excepted: the pod is dead and has no part in runs and budgets." "it counts in all plans"
func (p plain) excepted(pod string) bool {
	for _, f := range p.in.Facts {
		if f.Kind == Excepted && f.Pod == pod && pod != "" {
			return true
		}
	}
	return false
}

// "that was forced and not restarted later"
func (p plain) forced(i, j int) bool {
	for _, force := range p.over(Forced, i, j) {
		later := false
		for _, restart := range p.restarts(i, j) {
			later = later || restart.At.After(force.At)
		}
		if !later {
			return true
		}
	}
	return false
}

// restarts are what was said that makes the step be done again. "A wait step does nothing that could be done again."
func (p plain) restarts(i, j int) []Fact {
	if p.step(i, j).Kind == Wait {
		return nil
	}
	return p.over(Restarted, i, j)
}

// "that was restarted and not tried since"
func (p plain) restarted(i, j int) bool {
	for _, restart := range p.restarts(i, j) {
		if p.observation(i, j).TriedAt.Before(restart.At) {
			return true
		}
	}
	return false
}

// "A restart with Force passes repair, batch, budget and gate": the last one that was said, if there are several; of those said at one time
// the nearest to the step.
func (p plain) restartedWithForce(i, j int) bool {
	var last Fact
	for _, restart := range p.restarts(i, j) {
		nearer := restart.At.Equal(last.At) && cmp.Or(cmp.Compare(restart.Phase, last.Phase), cmp.Compare(restart.Step, last.Step)) >= 0
		if restart.At.After(last.At) || nearer && (restart.Force || restart.Phase != last.Phase || restart.Step != last.Step) {
			last = restart
		}
	}
	return last.Force && p.observation(i, j).TriedAt.Before(last.At)
}

// "one that was COMPLETE in this run (Observation.Done)"; "In that run the step stays COMPLETE … until an operator restarts it."
// READING: nothing was done in run 0, which is none; a restart at the very time of Done is earlier.
func (p plain) doneInRun(i, j int) bool {
	done := p.observation(i, j).Done
	if p.in.Run.Number == 0 || done.Run != p.in.Run.Number {
		return false
	}
	for _, restart := range p.restarts(i, j) {
		if restart.At.After(done.At) {
			return false
		}
	}
	return true
}

// Steps by themselves.

// own is what a step is by itself: "shown as that, save that, in this order"
func (p plain) own(i, j int) Status {
	o := p.observation(i, j)
	switch {
	case p.excepted(p.step(i, j).Pod), p.forced(i, j): // "one whose pod is excepted, or that was forced and not restarted later"
		return Complete
	case len(o.Errors) > 0, o.Status == Error: // "one with errors is ERROR"
		return Error
	case p.restarted(i, j): // "one that was restarted and not tried later is PENDING"
		return Pending
	case p.doneInRun(i, j): // "one that was COMPLETE in this run (Observation.Done) is COMPLETE"
		return Complete
	case o.Status == Started && p.ready(i, j):
		return Complete
	case o.Status == Delayed && !o.Until.IsZero() && !p.in.Now.Before(o.Until): // "PENDING from the moment Until on"
		return Pending
	}
	return o.Status
}

// "one that is STARTED and Ready is COMPLETE; if it replaced a pod that the plan had stopped, only after the phase's Settle time"
func (p plain) ready(i, j int) bool {
	o := p.observation(i, j)
	if o.Ready.IsZero() {
		return false
	}
	return !p.owed(i, j) || !p.in.Now.Before(o.Ready.Add(p.in.Definition.Phases[i].Settle))
}

// A step settles while it is Ready and not COMPLETE for that reason alone.
func (p plain) settling(i, j int) bool {
	o := p.observation(i, j)
	return p.own(i, j) == Started && p.owed(i, j) && !o.Ready.IsZero()
}

// owed says that the plan stopped the pod for the step, and that the step has not been COMPLETE since.
func (p plain) owed(i, j int) bool {
	o := p.observation(i, j)
	return o.Stopped && (o.Plan == "" || o.Plan == p.in.Definition.Name)
}

// "A step has begun if it is STARTING, STARTED or DELAYED, or has BegunAt, and was not restarted since; or if it was Stopped. What is
// PENDING or PREPARED and Running has to begin anew."
func (p plain) begun(i, j int) bool {
	if p.owed(i, j) {
		return true
	}
	o, own := p.observation(i, j), p.own(i, j)
	if p.restarted(i, j) || p.runs(i, j) && (own == Pending || own == Prepared) {
		return false
	}
	return own == Starting || own == Started || own == Delayed || !o.BegunAt.IsZero()
}

// "It is under way if it has begun, is neither COMPLETE nor ERROR, and has not failed."
func (p plain) underWay(i, j int) bool {
	own := p.own(i, j)
	return p.begun(i, j) && own != Complete && own != Error && !p.failed(i, j)
}

func (p plain) phaseUnderWay(i int) bool {
	for _, j := range p.members(i) {
		if p.underWay(i, j) {
			return true
		}
	}
	return false
}

func (p plain) phaseBegun(i int) bool {
	for _, j := range p.members(i) {
		if p.begun(i, j) {
			return true
		}
	}
	return false
}

// Failure.

func (p plain) pardon(i, j int) Pardon {
	for _, pardon := range p.in.Run.Pardons {
		if pardon.Phase == p.in.Definition.Phases[i].Name && pardon.Step == p.step(i, j).Name {
			return pardon
		}
	}
	return Pardon{}
}

// "A step has failed when it was tried Policy.Attempts times in vain, or takes longer than Policy.StepDeadline, the time it settles left
// aside." READING: one that is COMPLETE or ERROR is that; one that was restarted and not tried later is to be tried.
func (p plain) failed(i, j int) bool {
	own := p.own(i, j)
	if own == Complete || own == Error || p.restarted(i, j) {
		return false
	}
	return p.triedTooOften(i, j) || p.takesTooLong(i, j)
}

func (p plain) triedTooOften(i, j int) bool {
	most, own := p.attempts(i), p.own(i, j)
	idle := own == Pending || own == Prepared || own == Delayed
	return idle && most > 0 && p.observation(i, j).Attempts-p.pardon(i, j).Attempts >= most
}

func (p plain) takesTooLong(i, j int) bool {
	o, most := p.observation(i, j), p.stepDeadline(i)
	if most <= 0 || o.BegunAt.IsZero() || !p.begun(i, j) || p.settling(i, j) || len(p.onStep(Paused, i, j)) > 0 {
		return false
	}
	begin := o.BegunAt
	if at := p.pardon(i, j).At; at.After(begin) {
		begin = at
	}
	for _, restart := range p.restarts(i, j) {
		if restart.At.After(begin) {
			begin = restart.At
		}
	}
	return p.workingTime(begin, p.in.Definition.Phases[i].Name) >= most
}

// workingTime is the time since begin in which the clocks of the plan, and of the phase if one is named, did not stand still.
// "now minus begin minus the union of the stills". It goes from each time at which anything changes to the next.
func (p plain) workingTime(begin time.Time, phase string) time.Duration {
	now := p.in.Now
	times := []time.Time{begin, now}
	for _, s := range p.in.Run.Stills {
		times = append(times, s.From, s.To)
	}
	slices.SortFunc(times, time.Time.Compare)
	var working time.Duration
	for k := 1; k < len(times); k++ {
		from, to := times[k-1], times[k]
		if from.Before(begin) || to.After(now) {
			continue
		}
		still := false
		for _, s := range p.in.Run.Stills {
			ours := s.Phase == "" || s.Phase == phase
			still = still || ours && !s.From.After(from) && (s.To.IsZero() || !s.To.Before(to))
		}
		if !still {
			working += to.Sub(from)
		}
	}
	return working
}

// Halt.

// "Halt says that the run has paused itself"
func (p plain) isHalted() bool {
	run := p.in.Run
	if run.Number == 0 || !run.CompletedAt.IsZero() {
		return false // READING: what has ended does not pause itself any more
	}
	if run.Halt != nil {
		return true
	}
	return p.tooManyFailed() || p.nothingBecameComplete() || p.onlyFailedLeft()
}

// "When more steps of a phase have failed than Policy.Tolerate"
func (p plain) tooManyFailed() bool {
	for i := range p.in.Definition.Phases {
		failed := 0
		for _, j := range p.members(i) {
			if p.failed(i, j) {
				failed++
			}
			// "A canary that fails is never tolerated"
			if p.failed(i, j) && p.canaryPhase(i) && p.releasedByName(i, j) {
				return true
			}
		}
		if failed > p.tolerate(i) {
			return true
		}
	}
	return false
}

// "when no step became COMPLETE for Policy.Deadline"
func (p plain) nothingBecameComplete() bool {
	most := p.in.Definition.Policy.Deadline
	if most <= 0 || p.in.Run.FrozenAt.IsZero() || p.allComplete() {
		return false
	}
	last := p.in.Run.FrozenAt
	if p.in.Run.ContinuedAt.After(last) {
		last = p.in.Run.ContinuedAt
	}
	for i := range p.in.Definition.Phases {
		for _, j := range p.members(i) {
			if p.own(i, j) == Complete && p.completeSince(i, j).After(last) {
				last = p.completeSince(i, j)
			}
		}
	}
	return p.workingTime(last, "") >= most
}

func (p plain) allComplete() bool {
	for i, phase := range p.in.Definition.Phases {
		if phase.Open {
			return false
		}
		for _, j := range p.members(i) {
			if p.own(i, j) != Complete {
				return false
			}
		}
	}
	return true
}

// completeSince is since when a step is COMPLETE. READING: what made it so, by the order of the list, tells.
func (p plain) completeSince(i, j int) time.Time {
	o := p.observation(i, j)
	var excepted, forced time.Time
	for _, f := range p.in.Facts {
		if f.Kind == Excepted && f.Pod == p.step(i, j).Pod && (excepted.IsZero() || f.At.Before(excepted)) {
			excepted = f.At
		}
	}
	for _, f := range p.over(Forced, i, j) {
		if f.At.After(forced) {
			forced = f.At
		}
	}
	switch {
	case p.excepted(p.step(i, j).Pod):
		return excepted
	case p.forced(i, j):
		return forced
	case p.doneInRun(i, j):
		return o.Done.At
	case o.Status == Started && p.owed(i, j):
		return o.Ready.Add(p.in.Definition.Phases[i].Settle)
	case o.Status == Started:
		return o.Ready
	}
	return o.Since
}

// "when a gate was unknown for Policy.GatePatience": it is unknown now, and was all the time since UnknownSince, or since the run was
// continued.
func (p plain) gateUnknownTooLong(i int, d plainDecision) bool {
	patience := p.gatePatience(i)
	if patience <= 0 || p.in.Run.Number == 0 || p.ended() {
		return false
	}
	since := p.in.Now
	if known := p.cursor(i).UnknownSince; !known.IsZero() {
		since = known
	}
	if p.in.Run.ContinuedAt.After(since) {
		since = p.in.Run.ContinuedAt
	}
	for _, code := range d.why {
		if code == CodeGateUnknown && p.workingTime(since, "") >= patience {
			return true
		}
	}
	return false
}

// "or when only failed steps are left"
func (p plain) onlyFailedLeft() bool {
	some := false
	for i, phase := range p.in.Definition.Phases {
		if phase.Open {
			return false
		}
		for _, j := range p.members(i) {
			if p.failed(i, j) {
				some = true
			} else if p.own(i, j) != Complete {
				return false
			}
		}
	}
	return some
}

// What comes first.

// "Done means COMPLETE or failed"
func (p plain) done(i, j int) bool { return p.own(i, j) == Complete || p.failed(i, j) }

// finished says that a phase is not open and all its steps are done: it has come to its end.
func (p plain) finished(i int) bool {
	if p.in.Definition.Phases[i].Open {
		return false
	}
	for _, j := range p.members(i) {
		if !p.done(i, j) {
			return false
		}
	}
	return true
}

// "A phase is done when it is not open, all its steps are done, it is not itself paused, and no breakpoint lies after it."
func (p plain) phaseDone(i int) bool { return p.finished(i) && !p.stopsBehind(i) }

// "What comes after a paused phase does not begin". READING: a breakpoint after batches does not lie after the phase.
func (p plain) stopsBehind(i int) bool {
	if len(p.onPhase(Paused, i)) > 0 {
		return true
	}
	for _, f := range p.onPhase(Breakpoint, i) {
		if f.When == AfterPhase {
			return true
		}
	}
	return false
}

// waitsFor: "those named in After, otherwise all before it in a serial plan, otherwise none"
func (p plain) waitsFor(i, other int) bool {
	phase := p.in.Definition.Phases[i]
	if phase.After != nil {
		return slices.Contains(phase.After, p.in.Definition.Phases[other].Name)
	}
	// "an unknown strategy is taken as serial"
	return p.in.Definition.Strategy != Parallel && other < i
}

// waitsOnlyFor says that the phase waits for the other, and that it is not, by the order of the plan, one before that which it waits for.
func (p plain) waitsOnlyFor(i, other int) bool {
	if p.in.Definition.Phases[i].After == nil {
		for k := range other {
			if p.waitsFor(i, k) && !p.phaseDone(k) {
				return false
			}
		}
	}
	return p.waitsFor(i, other)
}

// "A phase may begin when the phases that it waits for are done"
func (p plain) predecessorsDone(i int) bool {
	for _, name := range p.in.Definition.Phases[i].After {
		// "an unknown name in After is never COMPLETE"
		if !slices.ContainsFunc(p.in.Definition.Phases, func(phase Phase) bool { return phase.Name == name }) {
			return false
		}
	}
	for other := range p.in.Definition.Phases {
		if p.waitsFor(i, other) && !p.phaseDone(other) {
			return false
		}
	}
	return true
}

// "Steps named in After must be done." "nothing waits for" newcomers.
func (p plain) afterDone(i, j int) bool {
	for _, name := range p.step(i, j).After {
		known := false
		for k, step := range p.in.Definition.Phases[i].Steps {
			if step.Name != name {
				continue
			}
			known = true
			if !p.newcomer(i, k) && !p.done(i, k) {
				return false
			}
		}
		if !known {
			return false
		}
	}
	return true
}

// inTurn: "A serial phase begins one step, the first that is not done, in the order …, among those whose After is done. A parallel phase
// begins, among those, all of the lowest rank (both numbers) that is not done." In a canary phase "the others … begin when those released
// one by one are done". READING: as long as one of those is not done, the turn goes round among them, and those that have begun, alone.
func (p plain) inTurn(i, j int) bool {
	var round []int
	keeps := false // "In a serial phase what is under way, and whose After is done, keeps the turn"
	for _, k := range p.members(i) {
		keeps = keeps || !p.parallelPhase(i) && p.underWay(i, k) && (p.afterDone(i, k) || p.owed(i, k))
	}
	for _, k := range p.members(i) {
		if keeps && !p.underWay(i, k) && !p.passedOver(i, k) {
			continue
		}
		if !p.done(i, k) && (p.afterDone(i, k) || keeps && p.owed(i, k)) && (!p.releasedLeft(i) || p.releasedByName(i, k) || p.begun(i, k) || p.yieldsTo(i, k)) {
			round = append(round, k)
		}
	}
	if !slices.Contains(round, j) {
		return false
	}
	if p.parallelPhase(i) && p.underWay(i, j) {
		return true // "and goes on with what has begun"
	}
	for _, k := range round {
		if p.parallelPhase(i) && p.compareRanks(i, k, j) < 0 || !p.parallelPhase(i) && p.before(i, k, j) {
			return false
		}
	}
	return true
}

// passedOver: "save that a launch that was never tried in this run goes first if it comes before it by rank and by place"
func (p plain) passedOver(i, j int) bool {
	if !p.untried(i, j) || p.begun(i, j) {
		return false
	}
	first := -1 // of what is under way, and keeps the turn
	for _, k := range p.members(i) {
		if p.underWay(i, k) && (p.afterDone(i, k) || p.owed(i, k)) && (first < 0 || p.before(i, k, first)) {
			first = k
		}
	}
	return first > j && p.compareRanks(i, first, j) >= 0
}

// Canary.

// "Steps are those that a canary phase was continued with"
func (p plain) releasedByName(i, j int) bool {
	for _, f := range p.onPhase(Released, i) {
		if slices.Contains(f.Steps, p.step(i, j).Name) {
			return true
		}
	}
	return false
}

// releasedLeft says that a step that a canary phase was released for one by one is not done.
func (p plain) releasedLeft(i int) bool {
	if !p.canaryPhase(i) {
		return false
	}
	for _, j := range p.members(i) {
		if p.releasedByName(i, j) && !p.done(i, j) && p.afterDone(i, j) {
			return true
		}
	}
	return false
}

// yields: "also among launches of pods that do not run, if all of those have to stop a pod that runs"
func (p plain) yields(i int) bool {
	for _, j := range p.members(i) {
		own := p.own(i, j)
		toStop := p.runs(i, j) && (own == Pending || own == Prepared)
		if p.releasedByName(i, j) && !p.done(i, j) && p.afterDone(i, j) && !toStop {
			return false
		}
	}
	return slices.ContainsFunc(p.onPhase(Released, i), func(f Fact) bool { return f.All })
}

// yieldsTo: "…, and among launches that were never tried in this run and come before all of those"
func (p plain) yieldsTo(i, j int) bool {
	all := slices.ContainsFunc(p.onPhase(Released, i), func(f Fact) bool { return f.All })
	own := p.own(i, j)
	if all && p.step(i, j).Kind == Launch && (own == Pending || own == Prepared) && !p.observation(i, j).Running && p.yields(i) {
		return true
	}
	if !all || !p.untried(i, j) {
		return false
	}
	for _, k := range p.members(i) {
		if k < j && p.releasedByName(i, k) && !p.done(i, k) && p.afterDone(i, k) {
			return false
		}
	}
	return true
}

func (p plain) untried(i, j int) bool {
	own, o := p.own(i, j), p.observation(i, j)
	return p.step(i, j).Kind == Launch && (own == Pending || own == Prepared) && !o.Running && o.TriedAt.IsZero()
}

// "A canary phase begins only what it was released for. Everything else waits for "continue"; the last one, All, releases the others"
func (p plain) heldByCanary(i, j int) bool {
	// "A wait step, and one that has begun, is not held by a canary."
	if !p.canaryPhase(i) || p.releasedByName(i, j) || p.step(i, j).Kind == Wait || p.begun(i, j) {
		return false
	}
	for _, f := range p.onPhase(Released, i) {
		if f.All {
			return false
		}
	}
	return true
}

// Pauses and breakpoints.

// "Manual plans begin nothing until an operator starts them". READING: others begin without a run, too.
func (p plain) notStarted() bool { return p.in.Definition.Manual && p.in.Run.Number == 0 }

func (p plain) ended() bool { return !p.in.Run.CompletedAt.IsZero() }

// heldByPause: "it, its phase or the plan is paused (a pause that lets steps or phases finish leaves those out), or the run is halted"
func (p plain) heldByPause(i, j int) bool {
	for _, f := range p.onStep(Paused, i, j) {
		if f.When == PauseNow || f.When == "" || !p.begun(i, j) {
			return true
		}
	}
	for _, f := range p.onPhase(Paused, i) {
		switch f.When {
		case PauseAfterSteps: // "brings the steps that have begun to their end, further attempts included, and begins no other"
			if !p.begun(i, j) {
				return true
			}
		case PauseAfterPhase: // READING: such a pause of the phase itself lets it come to its end, begun or not
		default: // "begins nothing any more, and does not try again what failed"
			return true
		}
	}
	for _, f := range p.onPlan(Paused) {
		switch f.When {
		case PauseAfterSteps:
			if !p.begun(i, j) {
				return true
			}
		case PauseAfterPhase: // "brings the phases that have begun to their end, and begins no other"
			if !p.phaseBegun(i) {
				return true
			}
		default:
			return true
		}
	}
	// "it pauses itself, as PauseAfterSteps does"
	return p.halted && !p.begun(i, j)
}

// A breakpoint before a phase "is reached when the phases the phase waits for are done".
func (p plain) atBefore(i int) bool {
	for _, f := range p.onPhase(Breakpoint, i) {
		if f.When == BeforePhase && p.predecessorsDone(i) {
			return true
		}
	}
	return false
}

// One after batches is reached if Done > fact.Batches, where Batches counts as 0 if BatchRun is not this run: so many batches are over.
func (p plain) atBatch(i int) bool {
	for _, f := range p.onPhase(Breakpoint, i) {
		continued := 0
		if f.BatchRun == p.in.Run.Number {
			continued = f.Batches
		}
		if f.When == AfterBatch && p.cursor(i).Done > continued {
			return true
		}
	}
	return false
}

// heldByBatch: "what falls over after its batch, and is the phase's to bring back, is begun again".
func (p plain) heldByBatch(i, j int) bool {
	return p.atBatch(i) && !(p.phaseUnderWay(i) && p.begun(i, j))
}

// cursor is how far the phase has come with its batches, moved on "if cursor.Open and nothing of the phase is under way any more".
func (p plain) cursor(i int) BatchCursor {
	var c BatchCursor
	for _, known := range p.in.Run.Batches {
		if known.Phase == p.in.Definition.Phases[i].Name {
			c = known
			break
		}
	}
	if c.Open && !p.phaseUnderWay(i) {
		c.Done++
		if c.Stopping {
			c.Stops++
			c.SettledAt = p.in.Now
		}
		c.Open, c.Stopping = false, false
	}
	return c
}

// What a step is shown as.

// waits: "… is WAITING if it is for an operator or a gate to let it go on"
func (p plain) waits(i, j int, d plainDecision) bool {
	if p.failed(i, j) || p.ended() || p.notStarted() {
		return true
	}
	// "A step that was Stopped is held by nothing from above or in the phase"
	if p.owed(i, j) {
		return false
	}
	return p.heldByPause(i, j) || p.atBefore(i) || p.heldByBatch(i, j) || p.heldByCanary(i, j) ||
		d.why[j] == CodeGateClosed || d.why[j] == CodeGateUnknown
}

func (p plain) shown(i, j int, d plainDecision) Status {
	own := p.own(i, j)
	if p.newcomer(i, j) {
		return own
	}
	// "one that is PENDING or PREPARED, or DELAYED and failed, is WAITING if …"
	if own == Pending || own == Prepared || own == Delayed && p.failed(i, j) {
		if p.waits(i, j, d) {
			return Waiting
		}
	}
	return own
}

// What may begin.

// "holds that block (CodeTable says which)"; "From Until on, an evaluation leaves the hold out."
func (p plain) heldFromOutside(i, j int) bool {
	for _, h := range p.observation(i, j).Holds {
		blocks := true // "A code that is not in CodeTable … blocks"
		for _, info := range CodeTable {
			if info.Code == h.Code {
				blocks = info.Blocks
			}
		}
		over := !h.Until.IsZero() && !p.in.Now.Before(h.Until)
		if blocks && !over {
			return true
		}
	}
	return false
}

// heldByOtherPlan: "another plan that works on the pod". "Plan is the plan that began what goes on with the pod (Starting, Started,
// Stopped, Delayed); empty: this one."
func (p plain) heldByOtherPlan(i, j int) bool {
	o := p.observation(i, j)
	goesOn := o.Stopped || o.Status == Starting || o.Status == Started
	if goesOn && p.others.handed[p.step(i, j).Pod] != o.Plan && o.Plan != "" && o.Plan != p.in.Definition.Name {
		return true
	}
	pod := p.step(i, j).Pod
	return pod != "" && p.others.works[pod] != ""
}

// "an error in the phase"
func (p plain) errorIn(i int) bool {
	for _, j := range p.members(i) {
		if p.own(i, j) == Error {
			return true
		}
	}
	return false
}

// runs: "If the pod is Running (of a launch or stop step)"; a Stopped step's does not.
func (p plain) runs(i, j int) bool {
	o, kind := p.observation(i, j), p.step(i, j).Kind
	return o.Running && !p.owed(i, j) && (kind == Launch || kind == Stop)
}

// free says that nothing but what concerns the stop of running pods holds the step.
func (p plain) free(i, j int) bool {
	own := p.own(i, j)
	// "A launch, stop, action or unreserve step is a candidate if it is PENDING or PREPARED …. A wait step never is."
	if p.newcomer(i, j) || own != Pending && own != Prepared || p.step(i, j).Kind == Wait {
		return false
	}
	// "Only failure, a reason from outside, the end of the run, or another plan's work on the pod holds" a Stopped step.
	if p.failed(i, j) || p.ended() || p.notStarted() || p.heldFromOutside(i, j) || p.heldByOtherPlan(i, j) {
		return false
	}
	if p.owed(i, j) {
		return true
	}
	return !p.errorIn(i) && !p.heldByPause(i, j) && !p.atBefore(i) && !p.heldByBatch(i, j) && p.predecessorsDone(i) &&
		p.inTurn(i, j) && !p.heldByCanary(i, j)
}

// plainDecision is what may begin in a phase.
type plainDecision struct {
	candidates []Candidate
	granted    []int // steps whose pods may be stopped
	questions  []Question
	why        map[int]Code // why others, which nothing else holds, may not
}

// decide says what may begin in the phase; down are the pods whose stop was granted to others.
func (p plain) decide(i int, down []string) plainDecision {
	d := plainDecision{why: map[int]Code{}}
	p.decideForced(i, &d)
	for _, j := range d.granted {
		down = append(slices.Clone(down), p.step(i, j).Pod)
	}
	p.decideBatch(i, down, &d)

	for j := range p.in.Definition.Phases[i].Steps {
		if p.free(i, j) && (!p.runs(i, j) || slices.Contains(d.granted, j)) {
			d.candidates = append(d.candidates, Candidate{Phase: i, Step: j, Stops: p.runs(i, j), Forced: p.runs(i, j) && p.restartedWithForce(i, j)})
		}
	}
	return d
}

// question asks about steps, and their pods, "in the order in which they would be stopped".
func (p plain) question(i int, steps []int, q Question) Question {
	q.Phase = p.in.Definition.Phases[i].Name
	for _, j := range p.inOrder(i, steps) {
		q.Steps = append(q.Steps, p.step(i, j).Name)
		q.Pods = append(q.Pods, p.step(i, j).Pod)
	}
	return q
}

// "A launch must be known to fit."
func (p plain) fits(i, j int) bool {
	return p.step(i, j).Kind != Launch || p.observation(i, j).Fit == Fits
}

// decideForced: "A restart with Force passes repair, batch, budget and gate"; it must fit.
func (p plain) decideForced(i int, d *plainDecision) {
	var unknown []int
	for _, j := range p.members(i) {
		if !p.free(i, j) || !p.runs(i, j) || !p.restartedWithForce(i, j) {
			continue
		}
		if p.fits(i, j) {
			d.granted = append(d.granted, j)
		} else {
			d.why[j] = CodeFit
		}
		if p.step(i, j).Kind == Launch && p.observation(i, j).Fit == FitUnknown {
			unknown = append(unknown, j)
		}
	}
	if len(unknown) > 0 {
		d.questions = append(d.questions, p.question(i, unknown, Question{Fit: true}))
	}
}

// decideBatch: "Of those that could begin otherwise the phase stops one batch at a time".
func (p plain) decideBatch(i int, down []string, d *plainDecision) {
	var running []int
	for _, j := range p.members(i) {
		if p.free(i, j) && p.runs(i, j) && !p.restartedWithForce(i, j) {
			running = append(running, j)
		}
	}
	running = p.inOrder(i, running)

	// "While a Repair plan has work on a pod of a quorum budget, other plans stop nothing."
	if p.others.repairing != "" {
		for _, j := range running {
			d.why[j] = CodeRepair
		}
		return
	}

	// "While steps of the phase that were Stopped, or that Replace a pod, are under way, it stops nothing more, save the rest of the set
	// that an open and fresh verdict is about, if that set holds all that are under way."
	disrupted := p.disrupted(i)
	allowed := running
	if len(disrupted) > 0 {
		p.decideRest(i, running, disrupted, down, d)
		return
	}

	// "the first that may be stopped, and those after it in the same failure domain"
	// READING: what was stopped and is under way is of this batch.
	var batch []int
	for _, j := range allowed {
		switch {
		case p.step(i, j).Kind == Launch && p.observation(i, j).Fit == FitsNot: // "What does not fit is left out of batches"
			d.why[j] = CodeFit
		case !p.budgetLeaves(p.step(i, j).Pod, slices.Concat(down, p.podsOf(i, batch))):
			d.why[j] = CodeBudget
		case len(batch) >= p.batchLimit(i), !p.sameDomain(i, j, batch):
			d.why[j] = CodeBatch
		default:
			batch = append(batch, j)
		}
	}
	if len(batch) == 0 {
		return
	}

	gated := p.in.Definition.Phases[i].Gated
	// "what it does not let be stopped together may go in smaller sets"
	for gated && len(batch) > 1 {
		if gate, said := p.verdictAbout(p.podsOf(i, batch), nil); !said || gate != GateClosed {
			break
		}
		for _, j := range batch[(len(batch)+1)/2:] {
			d.why[j] = CodeBatch
		}
		batch = batch[:(len(batch)+1)/2]
	}
	// "A verdict knows nothing of what the same evaluation stops elsewhere."
	if gated && (len(p.others.taken) > 0 || len(down) > 0) {
		for _, j := range batch {
			d.why[j] = CodeBatch
		}
		return
	}

	// "while a fit in the batch is unknown, the batch waits". "If the phase is Gated, the service must have said that this very set may be
	// stopped". Both are asked at once.
	waits := false
	for _, j := range batch {
		waits = waits || !p.fits(i, j)
	}
	gate, said := p.verdictAbout(p.podsOf(i, batch), nil)
	if waits || gated && !said {
		d.questions = append(d.questions, p.question(i, batch, Question{Fit: waits, Gate: gated && !said}))
	}
	if waits {
		for _, j := range batch {
			d.why[j] = CodeFit
		}
		return
	}
	if gated && gate != GateOpen {
		for _, j := range batch {
			d.why[j] = CodeGateUnknown
			if gate == GateClosed {
				d.why[j] = CodeGateClosed
			}
		}
		return
	}
	for _, j := range batch {
		d.why[j] = ""
		d.granted = append(d.granted, j)
	}
}

// decideRest: "it stops nothing more, save the rest of their batch: pods in the set of the newest verdict that counts and is about all of
// them, if that is open."
func (p plain) decideRest(i int, running, disrupted []int, down []string, d *plainDecision) {
	for _, j := range running {
		d.why[j] = CodeBatch
	}
	if !p.in.Definition.Phases[i].Gated || len(down) > 0 {
		return
	}
	with := slices.Clone(disrupted)
	for _, j := range running {
		pods := p.podsOf(i, append(slices.Clone(with), j))
		if len(with) >= p.batchLimit(i) || !p.fits(i, j) || !p.budgetLeaves(p.step(i, j).Pod, slices.Concat(down, p.podsOf(i, d.granted))) {
			continue
		}
		if !p.sameDomain(i, j, disrupted) || !p.newestIsOpen(pods, p.podsOf(i, disrupted)) {
			continue
		}
		with = append(with, j)
		d.why[j] = ""
		d.granted = append(d.granted, j)
	}
}

// newestIsOpen says whether the newest verdict that counts beside a batch under way, and is about at least the pods, is open; of several at
// one time one that is not.
func (p plain) newestIsOpen(pods, underWay []string) bool {
	var newest *Verdict
	for k := range p.in.Verdicts {
		v := &p.in.Verdicts[k]
		about := p.counts(*v, underWay)
		for _, pod := range pods {
			about = about && slices.Contains(v.Pods, pod)
		}
		if about && (newest == nil || v.AskedAt.After(newest.AskedAt) || v.AskedAt.Equal(newest.AskedAt) && v.Gate != GateOpen) {
			newest = v
		}
	}
	return newest != nil && newest.Gate == GateOpen
}

func (p plain) podsOf(i int, steps []int) []string {
	var pods []string
	for _, j := range steps {
		pods = append(pods, p.step(i, j).Pod)
	}
	return pods
}

// disrupted are the "steps of the phase that were Stopped, or that Replace a pod, or in a serial phase any," that are under way.
func (p plain) disrupted(i int) []int {
	var steps []int
	for _, j := range p.members(i) {
		if p.underWay(i, j) && (p.owed(i, j) || !p.parallelPhase(i) && p.afterDone(i, j)) {
			steps = append(steps, j)
		}
	}
	return p.inOrder(i, steps)
}

// batchLimit: "It has one step in a serial phase, otherwise at most Batch.Max, and with Batch.Grow at most 1, 2, 4, … by the number of
// batches that stopped something and are over."
func (p plain) batchLimit(i int) int {
	if !p.parallelPhase(i) {
		return 1
	}
	batch, most := p.in.Definition.Phases[i].Batch, 1<<20
	if batch.Max > 0 {
		most = batch.Max
	}
	if batch.Grow {
		grown := 1
		for range min(p.cursor(i).Stops, 20) {
			grown *= 2
		}
		most = min(most, grown)
	}
	return most
}

func (p plain) podState(pod string) (PodState, bool) {
	for _, state := range p.in.Ledger.Pods {
		if state.Name == pod {
			return state, true
		}
	}
	return PodState{}, false
}

func (p plain) sameDomain(i, j int, others []int) bool {
	mine, _ := p.podState(p.step(i, j).Pod)
	for _, k := range others {
		if its, known := p.podState(p.step(i, k).Pod); known && its.Domain != mine.Domain {
			return false
		}
	}
	return true
}

// budgetLeaves: "A pod takes one of what its budget leaves, for its type and for its domain: MaxUnavailable less the pods that are down. A
// pod that is down already takes nothing; if it may serve all the same (PodState.MayServe), it must be within the budget, as one of those that are
// down. … A pod that the ledger does not know is not stopped."
func (p plain) budgetLeaves(pod string, alsoDown []string) bool {
	mine, known := p.podState(pod)
	if !known {
		return false
	}
	isDown := func(state PodState) bool { return state.Down || slices.Contains(alsoDown, state.Name) }
	own := 0
	switch {
	case slices.Contains(alsoDown, mine.Name) || mine.Down && !mine.MayServe:
		return true
	case mine.Down: // "if it may serve all the same, it must be within the budget, as one of those that are down"
		own = 1
	}
	budget := Budget{MaxUnavailable: Amount{Value: 1}} // "Of a type without a budget, one pod may be down."
	for _, b := range p.in.Ledger.Budgets {
		if b.PodType == mine.Type {
			budget = b
			break
		}
	}
	var total, down, totalInDomain, downInDomain int
	for _, state := range p.in.Ledger.Pods {
		// "Excepted: the pod is dead and has no part in runs and budgets."
		if state.Type != mine.Type || p.excepted(state.Name) {
			continue
		}
		total++
		if isDown(state) {
			down++
		}
		if state.Domain == mine.Domain {
			totalInDomain++
			if isDown(state) {
				downInDomain++
			}
		}
	}
	if plainAmount(budget.MaxUnavailable, total)-(down-own) < 1 {
		return false
	}
	return budget.PerDomain == nil || plainAmount(*budget.PerDomain, totalInDomain)-(downInDomain-own) >= 1
}

// "percent rounds down, but at least 1 if percent is above 0"
func plainAmount(a Amount, total int) int {
	if a.Percent && a.Value > 0 && total > 0 {
		return max(a.Value*total/100, 1)
	}
	if a.Percent {
		return 0
	}
	return a.Value
}

// fresh: "AskedAt less than FreshVerdict ago, not in the future"
func (p plain) fresh(v Verdict) bool {
	return !v.AskedAt.After(p.in.Now) && p.in.Now.Sub(v.AskedAt) < FreshVerdict
}

// counts: "asked after the last disruption had settled, and less than FreshVerdict ago". READING: the last of the whole plan, and of the
// ledger.
//
// "… and after the last that is under way began", those of the batch itself left aside.
func (p plain) counts(v Verdict, batch []string) bool {
	for i := range p.in.Definition.Phases {
		for _, j := range p.members(i) {
			ours := slices.Contains(batch, p.step(i, j).Pod)
			if p.underWay(i, j) && p.owed(i, j) && !ours && !p.observation(i, j).TriedAt.IsZero() && !v.AskedAt.After(p.observation(i, j).TriedAt) {
				return false
			}
		}
	}
	for _, state := range p.in.Ledger.Pods {
		if state.Down && state.By != "" && !slices.Contains(batch, state.Name) && !state.Since.IsZero() && !v.AskedAt.After(state.Since) {
			return false
		}
	}
	for i := range p.in.Definition.Phases {
		if v.AskedAt.Before(p.cursor(i).SettledAt) {
			return false
		}
	}
	return p.fresh(v) && !v.AskedAt.Before(p.in.Ledger.SettledAt)
}

func plainSameSet(a, b []string) bool {
	for _, pod := range a {
		if !slices.Contains(b, pod) {
			return false
		}
	}
	for _, pod := range b {
		if !slices.Contains(a, pod) {
			return false
		}
	}
	return true
}

// verdictAbout is the service's last word about a set, and whether it has said one that counts.
// READING: of two words at one time the one that is not open.
func (p plain) verdictAbout(pods, batch []string) (gate Gate, said bool) {
	var at time.Time
	for _, v := range p.in.Verdicts {
		if !p.counts(v, batch) || !plainSameSet(v.Pods, pods) {
			continue
		}
		if !said || v.AskedAt.After(at) || v.AskedAt.Equal(at) && gate == GateOpen {
			gate, said, at = v.Gate, true, v.AskedAt
		}
	}
	return gate, said
}

// Parents.

// phasePaused: the phase's own or the plan's pause has come to rest in this phase, or a breakpoint is reached, or the plan does not go.
func (p plain) phasePaused(i int) bool {
	if p.notStarted() || p.ended() || p.atBefore(i) || (p.atBatch(i) || p.halted) && !p.phaseUnderWay(i) {
		return true
	}
	for _, f := range p.onPlan(Paused) {
		switch {
		case f.When == PauseAfterSteps && p.phaseUnderWay(i):
		case f.When == PauseAfterPhase && p.phaseBegun(i):
		default:
			return true
		}
	}
	for _, f := range p.onPhase(Paused, i) {
		switch {
		case f.When == PauseAfterSteps && p.phaseUnderWay(i): // "is WAITING when nothing is under way any more"
		case f.When == PauseAfterPhase && !p.finished(i):
		default:
			return true
		}
	}
	return false
}

func (p plain) planPaused() bool {
	stepUnderWay, phaseGoesOn := false, false
	for i := range p.in.Definition.Phases {
		stepUnderWay = stepUnderWay || p.phaseUnderWay(i)
		phaseGoesOn = phaseGoesOn || p.phaseBegun(i) && !p.finished(i)
	}
	if p.notStarted() || p.ended() || p.halted && !stepUnderWay {
		return true
	}
	for _, f := range p.onPlan(Paused) {
		switch {
		case f.When == PauseAfterSteps && stepUnderWay:
		case f.When == PauseAfterPhase && phaseGoesOn:
		default:
			return true
		}
	}
	return false
}

func (p plain) phaseStatus(i int, d plainDecision) Status {
	var children, candidates []Status
	for _, j := range p.members(i) {
		shown := p.shown(i, j, d)
		children = append(children, shown)
		if shown != Complete && shown != Error && !p.failed(i, j) && p.inTurn(i, j) {
			candidates = append(candidates, shown)
		}
	}
	return plainParent{
		children: children, candidates: candidates, able: len(d.candidates) > 0,
		paused: p.phasePaused(i), open: p.in.Definition.Phases[i].Open,
		pausing: p.halted || len(p.onPlan(Paused)) > 0 || len(p.onPhase(Paused, i)) > 0,
	}.status()
}

func (p plain) planStatus(decisions []plainDecision) Status {
	var parent plainParent
	for i := range p.in.Definition.Phases {
		status := p.phaseStatus(i, decisions[i])
		parent.children = append(parent.children, status)
		if status != Complete && status != Error && !p.phasePaused(i) && p.predecessorsDone(i) {
			parent.candidates = append(parent.candidates, status)
		}
		// "a phase that is COMPLETE but itself paused (or with an "after" breakpoint) and for which another unfinished phase waits adds
		// a WAITING child"
		if p.finished(i) && p.stopsBehind(i) {
			for other := range p.in.Definition.Phases {
				if p.waitsOnlyFor(other, i) && p.phaseStatus(other, decisions[other]) != Complete {
					parent.children = append(parent.children, Waiting)
				}
			}
		}
		parent.able = parent.able || len(decisions[i].candidates) > 0
	}
	parent.paused = p.planPaused()
	parent.pausing = p.halted || len(p.onPlan(Paused)) > 0
	return parent.status()
}

// plainParent is what the status of a parent follows from.
type plainParent struct {
	children, candidates []Status
	able, paused, open   bool
	pausing              bool // a pause, or a halt, waits for something to end
}

// status tells the table again, in sentences.
func (t plainParent) status() Status {
	child := func(s Status) bool { return slices.Contains(t.children, s) }
	candidate := func(s Status) bool { return slices.Contains(t.candidates, s) }
	allComplete := true
	for _, s := range t.children {
		allComplete = allComplete && s == Complete
	}
	works := child(Prepared) || child(Starting) || child(Started) || child(InProgress)

	if child(Error) {
		return Error // 1
	}
	if allComplete && !t.open {
		return Complete // 2
	}
	if t.paused {
		return Waiting // 3
	}
	if child(Delayed) { // 4, Q1: "a backoff below a parent makes it DELAYED, or IN_PROGRESS if there is other work"
		if works || t.able {
			return InProgress
		}
		return Delayed
	}
	if t.pausing && (works || t.able) {
		return InProgress // "WAITING when nothing is under way any more"
	}
	if child(Prepared) {
		return InProgress // 5
	}
	if candidate(Waiting) {
		return Waiting // 6
	}
	if candidate(InProgress) {
		return InProgress // 7
	}
	if child(Complete) && (candidate(Pending) || candidate(Starting) || candidate(Started)) {
		return InProgress // 8, 9, 10
	}
	if candidate(Pending) { // 11, Q2: "a parent with a child under way never says PENDING"
		if works {
			return InProgress
		}
		return Pending
	}
	if child(Waiting) {
		return Waiting // 12
	}
	if candidate(Starting) {
		return Starting // 13
	}
	if candidate(Started) {
		return Started // 14
	}
	if works || child(Complete) {
		return InProgress // 15: an open parent whose children are COMPLETE, or work behind a predecessor that no longer is
	}
	return Pending
}
