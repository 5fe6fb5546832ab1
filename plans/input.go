package plans

import "time"

// Input is everything that an evaluation depends on.
type Input struct {
	Definition Definition
	// Observations are aligned with Definition.Phases and their Steps. Missing ones are zero, surplus ones are ignored.
	Observations [][]Observation
	// Facts of this plan and others, in any order; those of other plans, and of other runs, are ignored.
	Facts []Fact
	Run   Run
	// Ledger says which pods are down and how many may be. Without it no running pod is stopped, unless by force.
	Ledger Ledger
	// Verdicts are the service's answers to Questions of earlier evaluations, in any order.
	Verdicts []Verdict
	// Past are ended runs of the plan, newest last. Only their durations are looked at, for the estimate of the time left.
	Past []Run
	// Now is the time. It may not go back: after a failover to a machine whose clock is behind, bring what was recorded in what is now the
	// future to now first, in the order in which it was said. Otherwise a pod that was begun anew since looks as if it had not been.
	Now time.Time
}

// Observation is what is known about one step from outside the plan: the machine derives it from the pod's record.
// The zero value says that nothing has happened.
type Observation struct {
	// Status is the step's own status, without regard to operators and strategies: Pending, Prepared, Starting, Started,
	// Complete, Delayed or Error.
	Status Status
	// Since is when Status began; zero if it never did.
	Since time.Time
	// Until is when a Delayed step may try again: from then on it is PENDING without a further observation. Zero: not known, it
	// is DELAYED until something else is observed.
	Until time.Time
	// Holds are the reasons from outside why the step does not move: offers, proofs, health. A hold whose code blocks (see
	// CodeTable) keeps a Pending or Prepared step from being a candidate. Those of a Complete step are not shown.
	Holds []Hold
	// Errors make the step ERROR.
	Errors []string
	// Host and Task say where the step's pod runs, or ran last; shown only.
	Host, Task string

	// BegunAt is when the step first began in this run, and TriedAt when it last did: when the stop of its pod, its launch or its
	// action became durable. Zero: not in this run. What was begun and undone again (the pod Running as before) has to begin anew,
	// and is not too long at it until it does; it has another BegunAt then.
	BegunAt, TriedAt time.Time
	// Attempts is how often the step has failed in this run.
	Attempts int

	// Running says that the step's pod runs (has a task that is not known to have ended) and nobody has stopped it: to begin the step is to
	// stop the pod, a voluntary disruption. It is looked at while the step is shown as PENDING or PREPARED, be it because of a restart.
	Running bool
	// Stopped says that the plan has stopped the pod for this step, and the step has not been COMPLETE since: from when the stop is
	// durable, over all attempts to launch the pod again, until it has settled, or is handed over. The plan owes the pod its return:
	// nothing but failure and reasons from outside keep the step from going on, no pause either.
	Stopped bool
	// Ready is since when the pod is ready, by the service's own word. A Started step with it is COMPLETE when it has settled.
	Ready time.Time
	// Fit says whether the new pod is known to fit where the running one is. A running pod is stopped only if it does.
	Fit Fit
	// Rank orders the steps of a phase before Step.Rank does. It is for what only observation tells: a primary, which comes last.
	Rank int

	// Newcomer says that the step's pod or host came after the run's members were frozen. The step has no part in the run: it does not
	// begin, and nothing waits for it.
	Newcomer bool
	// Done is the run in which the step was COMPLETE, and since when. In that run the step stays COMPLETE (completion is latched), until an
	// operator restarts it. Evaluation.Completed says which steps to record so.
	Done Mark
	// Plan is the plan that began what goes on with the pod (Stopped, Starting, Started); empty: this one. If it is another, that holds the
	// step, unless that plan is evaluated beside this one and hands the pod over.
	Plan string
}

// Mark names a run and a time in it.
type Mark struct {
	Run int
	At  time.Time
}

// Fit says whether something is known to fit.
type Fit uint8

// What may be known of a fit.
const (
	FitUnknown Fit = iota // nobody has looked; Evaluation.Questions says for which steps somebody should
	Fits
	FitsNot // the observation's holds say why
)
