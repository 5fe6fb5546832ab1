package plans

import (
	"slices"
	"time"
)

// Evaluate computes what a plan shows and which of its steps may begin now. It is a pure function: see the package
// documentation. Its cost is linear in the number of steps; facts are looked at once for each phase. For several plans over the same pods, use Coordinate.
func Evaluate(in Input) Evaluation {
	e := newEvaluator(&in)
	e.prepare()
	return e.finish(world{budgets: newAccount(&in.Ledger, e.said.excepted)})
}

// world is what an evaluation must know of other plans.
type world struct {
	budgets *account
	// works says which plan works on a pod, and with which step.
	works map[string]claim
	// repairing is a pod of a quorum that a repair plan works on, by is that plan; nil if there is none.
	repairing *claim
}

// claim says that a plan works on a pod.
type claim struct{ plan, step, pod string }

// evaluator is the state of one evaluation. prepare goes over the steps for what each is by itself, finish for what it may do, because a phase may
// wait for one that is defined after it, and because a run halts before anything of it may begin.
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

	pauses  []pause // of the plan: an operator's, the run's own
	ended   []Hold  // why the plan begins nothing at all
	under   int     // steps that are under way
	held    int     // the first phase that is over and holds another one up, because it is paused or a breakpoint lies after it; -1 if there is none
	tally   tally
	span    span
	reasons reasons
	free    bool // some phase has an unfinished step that nothing holds
	human   bool // somebody is waited for: nothing moves until an operator says something

	candidates []Candidate
	questions  []Question
	completed  []Candidate
	handedOver []string
	wake       time.Time
}

// phase is the state of a phase in an evaluation.
type phase struct {
	*phaseSaid
	at     int // its place in the plan
	def    *Phase
	view   *PhaseView
	policy Policy
	flags  []flags       // aligned with the steps
	known  []Observation // what was observed, of as many steps as that is
	cursor BatchCursor

	members  int // steps that are no newcomers
	complete int
	failed   int
	under    int  // steps under way
	waiting  int  // how many of its last reasons are those of wait steps
	stopping int  // of these, those whose pod the plan stopped
	begun    bool // some step has begun
	errors   bool // some step has an error
	ranked   bool // steps are not in the order of their place
	linked   bool // steps have After
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
)

func (f flags) has(g flags) bool { return f&g != 0 }

func newEvaluator(in *Input) *evaluator {
	e := &evaluator{in: in, def: &in.Definition, now: in.Now, held: -1, run: in.Run}
	e.path = planPath(e.def.Service, e.def.Name)
	e.view.ID = planID(e.path)
	e.view.Name, e.view.Strategy = e.def.Name, e.def.Strategy
	e.view.Phases = make([]PhaseView, len(e.def.Phases))
	for i := range e.def.Phases {
		e.view.Phases[i].ID = phaseID(e.path, e.def.Phases[i].Name)
		e.view.Phases[i].Name = e.def.Phases[i].Name
		e.view.Phases[i].Strategy = e.def.Phases[i].Strategy.canonical()
	}
	return e
}

// prepare finds out what each step is by itself, which have failed, and whether the run halts.
func (e *evaluator) prepare() {
	e.listen()
	e.phases = make([]phase, len(e.def.Phases))
	total := 0
	for i := range e.def.Phases {
		total += len(e.def.Phases[i].Steps)
	}
	all := make([]flags, total)
	for i := range e.phases {
		p := &e.phases[i]
		p.at, p.phaseSaid, p.def, p.view, p.policy = i, &e.said.phases[i], &e.def.Phases[i], &e.view.Phases[i], e.def.policy(i)
		n := len(p.def.Steps)
		p.flags, all = all[:n:n], all[n:]
		if i < len(e.in.Observations) {
			p.known = e.in.Observations[i]
		}
		e.settlePhase(i, p)
	}
	e.judge()
	e.moveCursors()
	e.pausesOfPlan()
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

// phaseDone says whether what waits for the phase may begin. A phase that is paused, or behind which lies a breakpoint, holds up what follows.
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
