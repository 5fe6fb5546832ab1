package plans

import "time"

// Fact is something that an operator said about an element, as long as it holds. Only the current intent is kept: a
// "continue" is the absence of a pause. Apply makes facts from verbs.
type Fact struct {
	Kind FactKind `json:"kind"`
	// Plan, Phase and Step lead to the element, by names or ids: empty Step, the phase; empty Phase, the plan. Apply makes facts with names
	// only, so that there is one key (see Key) for one element.
	Plan  string `json:"plan,omitempty"`
	Phase string `json:"phase,omitempty"`
	Step  string `json:"step,omitempty"`
	// Pod is what an Excepted fact is about, in place of an element: it counts in all plans.
	Pod string `json:"pod,omitempty"`
	// Run is the run that the fact belongs to; in any other it means nothing. Paused, Breakpoint and Excepted outlive runs: theirs is 0.
	Run int `json:"run,omitempty"`
	// When says of a Paused fact how soon, of a Breakpoint where.
	When When `json:"when,omitempty"`
	// Steps are those that a canary phase was continued with, and All says that all others may follow them.
	Steps []string `json:"steps,omitempty"`
	All   bool     `json:"all,omitempty"`
	// Batches is the number of batches after which a Breakpoint AfterBatch was continued last, in run BatchRun.
	Batches  int `json:"batches,omitempty"`
	BatchRun int `json:"batch_run,omitempty"`
	// Force says of a Restarted fact that neither gate nor budget is asked: the operator has consented to what it costs.
	Force bool `json:"force,omitempty"`

	// Actor said it, for Reason, at At, looking at Revision of the plan (empty: not said).
	Actor    string    `json:"actor"`
	Reason   string    `json:"reason,omitempty"`
	At       time.Time `json:"at"`
	Revision string    `json:"revision,omitempty"`
}

// FactKind is what the operator said.
type FactKind string

// The kinds of facts.
const (
	// Paused: the element begins no new step until somebody continues it.
	Paused FactKind = "pause"
	// Breakpoint: the plan will pause before or after the phase, or after each of its batches.
	Breakpoint FactKind = "breakpoint"
	// Released: a canary phase was continued.
	Released FactKind = "release"
	// Restarted: the element must be done again, from the time of the fact on.
	Restarted FactKind = "restart"
	// Forced: the element counts as COMPLETE.
	Forced FactKind = "force-complete"
	// Excepted: the pod is dead and has no part in runs and budgets.
	Excepted FactKind = "except"
)

// When says how soon a pause takes effect, or where a breakpoint lies.
type When string

const (
	// PauseNow begins nothing any more, and does not try again what failed. It is the same as no When.
	PauseNow When = "now"
	// PauseAfterSteps brings the steps that have begun to their end, further attempts included, and begins no other.
	PauseAfterSteps When = "after-steps"
	// PauseAfterPhase brings the phases that have begun to their end, and begins no other.
	PauseAfterPhase When = "after-phase"
)

// Where breakpoints lie.
const (
	BeforePhase When = "before"
	AfterPhase  When = "after"
	AfterBatch  When = "after-batch"
)
