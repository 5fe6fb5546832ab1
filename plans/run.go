package plans

import "time"

// Run is one execution of a plan, from start to outcome: what it froze, counted and released. Evaluate returns the run as it is to be
// recorded next; nobody else needs to know how that comes about.
type Run struct {
	// Number counts the runs of a plan from 1; 0 says that it never ran.
	Number int `json:"number"`
	// Target is the configuration that the run brings about, and Provenance where that comes from: operator, package, rollback.
	Target     string `json:"target"`
	Provenance string `json:"provenance,omitempty"`
	// Actor and Reason say who started it and why.
	Actor  string `json:"actor"`
	Reason string `json:"reason"`
	// Arguments are the values of the plan's parameters, all of them, sorted by name.
	Arguments []Argument `json:"arguments,omitempty"`

	StartedAt time.Time `json:"started_at"`
	// FrozenAt is when its members were frozen; zero while it is still discovering.
	FrozenAt time.Time `json:"frozen_at,omitzero"`
	// CompletedAt is when it ended, however it did; zero while it works.
	CompletedAt time.Time `json:"completed_at,omitzero"`
	// Outcome is how it ended, empty while it works. A run with CompletedAt and without it ended COMPLETE.
	Outcome Outcome `json:"outcome,omitempty"`
	// EndedBy and EndReason say who ended it and why; empty if it completed by itself.
	EndedBy   string `json:"ended_by,omitempty"`
	EndReason string `json:"end_reason,omitempty"`
	// Successor is the run that superseded it; 0 if none did.
	Successor int `json:"successor,omitempty"`

	// Halt says that the run has paused itself, and why. "Continue" of the plan takes it away.
	Halt *Halt `json:"halt,omitempty"`
	// ContinuedAt is when an operator last continued it after a halt: the plan's deadline counts from then at the earliest.
	ContinuedAt time.Time `json:"continued_at,omitzero"`
	// Pardons are steps that had failed when an operator continued: their attempts and their time count anew.
	Pardons []Pardon `json:"pardons,omitempty"`
	// Batches says how far phases have come with their batches.
	Batches []BatchCursor `json:"batches,omitempty"`
	// Stills are the times in which the run's clocks stood still, because it was paused.
	Stills []Still `json:"stills,omitempty"`
	// Durations say how long the steps of phases took, recorded when the run ends.
	Durations []Duration `json:"durations,omitempty"`
	// Failures is how many steps had failed and were tolerated, forced or excepted when it ended.
	Failures int `json:"failures,omitempty"`
}

// Outcome is how a run ended.
type Outcome string

// The outcomes.
const (
	Completed  Outcome = "completed"
	Superseded Outcome = "superseded" // another target, or a rollback, took its place
	Stopped    Outcome = "stopped"    // an operator stopped it
)

// Halt is a pause that the run gave itself.
type Halt struct {
	// Cause is why. Its Element is the step or phase, its Text the whole reason.
	Cause Hold      `json:"cause"`
	At    time.Time `json:"at"`
	// Command goes on when the cause is mended: what follows the name of the program.
	Command string `json:"command"`
}

// Pardon lets the failures of a step count anew, or of all steps of a phase (Step empty) if they were too many to name.
type Pardon struct {
	Phase    string    `json:"phase"`
	Step     string    `json:"step,omitempty"`
	Attempts int       `json:"attempts"` // that no longer count
	At       time.Time `json:"at"`       // before which no time counts
}

// BatchCursor says how far a phase has come. A batch is what is begun between two moments in which nothing of the phase is under way: in
// a serial phase a step, otherwise all that may begin together.
type BatchCursor struct {
	Phase string `json:"phase"`
	// Done is how many batches are over, and Stops how many of these stopped running pods.
	Done  int `json:"done,omitempty"`
	Stops int `json:"stops,omitempty"`
	// Open says that a batch is under way, and Stopping that it has stopped running pods.
	Open     bool `json:"open,omitempty"`
	Stopping bool `json:"stopping,omitempty"`
	// SettledAt is when the last batch that stopped running pods was over.
	SettledAt time.Time `json:"settled_at,omitzero"`
	// UnknownSince is since when a gate was asked and has said neither yes nor no; zero: it has, or nothing is asked.
	UnknownSince time.Time `json:"unknown_since,omitzero"`
}

// Still is a time in which the clocks of the plan, or of one phase, stood still.
type Still struct {
	Phase string    `json:"phase,omitempty"` // empty: the whole plan
	From  time.Time `json:"from"`
	To    time.Time `json:"to,omitzero"` // zero: it lasts
}

// Duration says how long the steps of a phase took: half of them at most P50, nine tenths at most P90.
type Duration struct {
	Phase string        `json:"phase"`
	Steps int           `json:"steps"`
	P50   time.Duration `json:"p50"` // nanoseconds
	P90   time.Duration `json:"p90"`
}

// Ended says that the run is over.
func (r *Run) Ended() bool { return !r.CompletedAt.IsZero() }

// halted says that the run has paused itself, and could go on.
func (r *Run) halted() bool { return r.Halt != nil && !r.Ended() }
