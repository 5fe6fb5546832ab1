package plans

import (
	"slices"
	"time"
)

// Evaluate computes what a plan shows and which of its steps may begin now. It is a pure function: see the package
// documentation. Its cost is linear in the number of steps; facts are looked at once for each phase. For several plans over the same pods,
// use Coordinate.
func Evaluate(in Input) Evaluation {
	e := newEvaluator(&in)
	e.prepare()
	evaluation := e.finish(world{budgets: newAccount(&in.Ledger, e.said.excepted)})
	if e.late {
		in.Run = e.run
		return Evaluate(in) // once: a run halts once
	}
	return evaluation
}

// world is what an evaluation must know of other plans.
type world struct {
	budgets *account
	// works says which plan works on a pod, and with which step.
	works map[string]claim
	// handed says of pods which plan hands them over.
	handed map[string]string
	// repairing is a pod of a quorum that a repair plan works on, by is that plan; nil if there is none.
	repairing *claim
}

// claim says that a plan works on a pod.
type claim struct{ plan, step, pod string }

// evaluator is the state of one evaluation. prepare goes over the steps for what each is by itself, finish for what it may do, because a
// phase may wait for one that is defined after it, and because a run halts before anything of it may begin.
type evaluator struct {
	in     *Input
	def    *Definition
	now    time.Time
	path   string // leads to the plan's phases, in ids
	said   said
	view   View
	phases []phase
	run    Run // as it is to be recorded
	world  world

	phasePlaces map[string]int // by name; nil before somebody asked
	pending     int            // the first phase that is not done; all of them if all are

	pauses   []pause // of the plan: an operator's, the run's own
	ended    []Hold  // why the plan begins nothing at all
	under    int     // steps that are under way
	held     int     // the first phase that is over and holds another one up, because it is paused or a breakpoint lies after it; -1 if there is none
	tally    tally
	span     span
	reasons  reasons
	explicit bool // some phase has After
	free     bool // some phase has an unfinished step that nothing holds
	human    bool // somebody is waited for: nothing moves until an operator says something

	candidates []Candidate
	questions  []Question
	completed  []Candidate
	handedOver []string
	wake       time.Time
	deadline   time.Time // when nothing has moved for too long, if the plan's clock does not stand still
	lastStop   time.Time // when the last of the pods that the plan owes was tried
	late       bool      // the run halts for what was found out after its steps were told what they may do
}

// phase is the state of a phase in an evaluation.
type phase struct {
	*phaseSaid
	at     int // its place in the plan
	def    *Phase
	view   *PhaseView
	policy Policy
	flags  []flags          // aligned with the steps
	known  []Observation    // what was observed, of as many steps as that is
	places map[string]place // of the steps by name; nil before somebody asked
	cursor BatchCursor

	members  int // steps that are no newcomers
	complete int
	failed   int
	under    int       // steps under way
	waiting  int       // how many of its last reasons are those of wait steps
	stopping int       // of these, those whose pod the plan stopped
	begun    bool      // some step has begun
	errors   bool      // some step has an error
	ranked   bool      // steps are not in the order of their place
	linked   bool      // steps have After
	deadline time.Time // when the first of its steps takes too long, if no clock stands still
	unknown  bool      // a gate has not said yes or no to its next batch
	newest   time.Time
	oldest   time.Time
	took     *durations // nil: of none
}

// flags say what a step is, beside its status.
type flags uint16

const (
	isBegun    flags = 1 << iota // see the package documentation
	isUnderWay                   // begun, and neither COMPLETE nor ERROR nor failed
	isFailed                     // tried as often, or as long, as it may
	isDone                       // COMPLETE or failed
	isStopped                    // the plan stopped its pod, and has not launched it again
	isNewcomer                   // of the next run
	isSettling                   // STARTED, ready, and watched
	isReady                      // After is done, and it is a member
	isEligible                   // it is the step's turn, and nothing holds it

	// What is known of it, so that the observation need not be looked at again: memory is what an evaluation waits for most.
	isIdle     // PENDING or PREPARED, and of a kind that begins something
	isRunning  // to begin it is to stop a pod that runs
	isOthers   // another plan began what goes on with its pod
	isRecorded // COMPLETE, and the record says so
	hasHolds   // something was observed that may hold it
	hasSaid    // something was said about it
	isUntried  // idle, and to begin it is to launch a pod that does not run and was not tried in this run
)

func (f flags) has(g flags) bool { return f&g != 0 }

func newEvaluator(in *Input) *evaluator {
	e := &evaluator{in: in, def: &in.Definition, now: in.Now, held: -1, run: in.Run}
	e.path = planPath(e.def.Service, e.def.Name)
	e.view.ID = planID(e.path)
	e.view.Name, e.view.Strategy = e.def.Name, e.def.Strategy
	e.view.Phases = make([]PhaseView, len(e.def.Phases))
	e.phases = make([]phase, len(e.def.Phases))
	steps := 0
	for i := range e.def.Phases {
		steps += len(e.def.Phases[i].Steps)
	}
	all := make([]flags, steps)
	for i := range e.phases {
		p, def, view := &e.phases[i], &e.def.Phases[i], &e.view.Phases[i]
		view.ID, view.Name, view.Strategy = phaseID(e.path, def.Name), def.Name, def.Strategy.canonical()
		p.at, p.def, p.view, p.policy = i, def, view, e.def.policy(i)
		n := len(def.Steps)
		p.flags, all = all[:n:n], all[n:]
		if i < len(in.Observations) {
			p.known = in.Observations[i]
		}
	}
	return e
}

// prepare finds out what each step is by itself, which have failed, and whether the run halts.
func (e *evaluator) prepare() {
	e.listen()
	for i := range e.phases {
		e.phases[i].phaseSaid = &e.said.phases[i]
		e.settlePhase(i, &e.phases[i])
	}
	e.judge()
	e.leave()
	e.moveCursors()
	e.pausesOfPlan()
	e.pending = e.firstPending()
}

// finish says what each step may do, and with that what each phase and the plan are.
func (e *evaluator) finish(w world) Evaluation {
	e.world = w
	for _, p := range e.pauses {
		e.reasons.own = append(e.reasons.own, p.hold)
	}
	e.reasons.own = append(e.reasons.own, e.ended...)
	for i := range e.phases {
		e.evaluatePhase(i, &e.phases[i])
	}
	e.evaluatePlan()
	e.advance()
	e.wakeForDeadlines()
	e.view.Run = e.run
	e.view.Revision = e.revision()
	slices.Sort(e.handedOver)
	return Evaluation{
		View: e.view, Candidates: e.candidates, Questions: e.questions, Run: e.run,
		Completed: e.completed, HandedOver: slices.Compact(e.handedOver), WakeAt: e.wake,
	}
}

// observation returns what is known about a step; the zero value if nothing was given.
func (e *evaluator) observation(phase, step int) *Observation {
	if known := e.phases[phase].known; step < len(known) {
		return &known[step]
	}
	return &nothing
}

// nothing is what is known of a step that nobody observed. It is read-only.
var nothing Observation

// wakeAt asks to be evaluated again at a time that lies ahead.
func (e *evaluator) wakeAt(t time.Time) {
	if t.After(e.now) && (e.wake.IsZero() || t.Before(e.wake)) {
		e.wake = t
	}
}

// firstPending returns the place of the first phase that is not done.
func (e *evaluator) firstPending() int {
	for i := range e.phases {
		if !e.phaseDone(i) {
			return i
		}
	}
	return len(e.phases)
}

// placeOfPhase returns the place of a phase by its name, nowhere if there is none.
func (e *evaluator) placeOfPhase(name string) int {
	if e.phasePlaces == nil {
		e.phasePlaces = make(map[string]int, len(e.phases))
		for i := range e.phases {
			e.phasePlaces[e.phases[i].def.Name] = i
		}
	}
	if i, known := e.phasePlaces[name]; known {
		return i
	}
	return nowhere
}

// pendingPredecessors names the phases for which phase i waits; none if it may begin. Of a serial plan it names the first only:
// the others wait for that one themselves. A name that the plan does not have is never done.
func (e *evaluator) pendingPredecessors(i int) []string {
	if after := e.def.Phases[i].After; after != nil {
		return slices.DeleteFunc(slices.Clone(after), func(name string) bool {
			j := e.placeOfPhase(name)
			return j >= 0 && e.phaseDone(j)
		})
	}
	if e.def.Strategy == Parallel || e.pending >= i {
		return nil
	}
	return []string{e.def.Phases[e.pending].Name}
}

// phaseDone says whether what waits for the phase may begin. A phase that is paused, or behind which lies a breakpoint, holds up what
// follows.
func (e *evaluator) phaseDone(i int) bool {
	return e.phases[i].over() && e.phases[i].holdsUp() == nil
}

// over says that nothing of the phase is left to do.
func (p *phase) over() bool { return !p.def.Open && p.complete+p.failed == p.members }

// finished says that all of the phase is COMPLETE.
func (p *phase) finished() bool { return !p.def.Open && p.complete == p.members }

// holdsUp is what an operator said so that what follows the phase does not begin.
func (p *phase) holdsUp() *Fact {
	if p.pause != nil {
		return p.pause
	}
	return p.after
}

// earlier returns the earlier time; a zero one is unknown and gives way to the other.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// later returns the later time.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// stamp writes a time as texts show it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
