package plans

import "time"

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
}

// Fact is something that an operator said about an element, as long as it holds. Only the current intent is kept: a
// "continue" is the absence of a pause.
type Fact struct {
	Kind   FactKind  `json:"kind"`
	Plan   string    `json:"plan"`
	Phase  string    `json:"phase,omitempty"` // name or id; empty: the whole plan
	Actor  string    `json:"actor"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// FactKind is what the operator said.
type FactKind string

// Paused: the element begins no new step until somebody continues it.
const Paused FactKind = "pause"

// Run is one execution of a plan.
type Run struct {
	// Number counts the runs of a plan from 1; 0 says that it never ran.
	Number int    `json:"number"`
	Target string `json:"target"`
	// Actor and Reason say who started it and why.
	Actor  string `json:"actor"`
	Reason string `json:"reason"`

	StartedAt time.Time `json:"started_at"`
	// FrozenAt is when its members were frozen; zero while it is still discovering.
	FrozenAt time.Time `json:"frozen_at,omitzero"`
	// CompletedAt is when it ended; zero while it works.
	CompletedAt time.Time `json:"completed_at,omitzero"`
}

// Input is everything that an evaluation depends on.
type Input struct {
	Definition Definition
	// Observations are aligned with Definition.Phases and their Steps. Missing ones are zero, surplus ones are ignored.
	Observations [][]Observation
	// Facts of this plan and others, in any order; those of other plans are ignored.
	Facts []Fact
	Run   Run
	Now   time.Time
}
