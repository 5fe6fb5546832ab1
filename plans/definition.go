package plans

import "time"

// Strategy says how a parent orders its children.
type Strategy string

// The strategies of the DC/OS SDK. A plan is serial or parallel; a phase may be any of them.
const (
	// Serial begins a child when every child before it is done: COMPLETE, or failed and tolerated.
	Serial Strategy = "serial"
	// Parallel begins all children at once.
	Parallel Strategy = "parallel"
	// SerialCanary is serial, and begins the first steps (Phase.Canaries) only one by one, each when an operator says continue.
	SerialCanary Strategy = "serial-canary"
	// ParallelCanary does the same, and then begins all others at once.
	ParallelCanary Strategy = "parallel-canary"
	// Canary is another name for SerialCanary; views show the latter.
	Canary Strategy = "canary"
)

func (s Strategy) parallel() bool { return s == Parallel || s == ParallelCanary }

func (s Strategy) canary() bool {
	return s == SerialCanary || s == ParallelCanary || s == Canary
}

// canonical returns the name under which views show the strategy.
func (s Strategy) canonical() Strategy {
	if s == Canary {
		return SerialCanary
	}
	return s
}

// Kind says what a step does.
type Kind string

// The kinds of steps.
const (
	// Launch starts a pod, or starts it anew: the unit of offer evaluation.
	Launch Kind = "launch"
	// Stop ends a pod for good.
	Stop Kind = "stop"
	// Action is a call to the service that the plan deploys.
	Action Kind = "action"
	// Wait does nothing itself: it is COMPLETE when something else has come true.
	Wait Kind = "wait"
	// Unreserve gives back what is reserved for a pod, or on a host.
	Unreserve Kind = "unreserve"
)

// Kinds lists all kinds of steps. It is read-only.
var Kinds = []Kind{Launch, Stop, Action, Wait, Unreserve}

// DefaultCanaries is how many steps of a canary phase wait for an operator if the phase does not say: two, as in the DC/OS SDK.
const DefaultCanaries = 2

// Definition is what a plan consists of. It is plain data: two definitions that are equal under go-cmp are the same plan.
type Definition struct {
	Service  string
	Name     string
	Strategy Strategy
	// Manual plans begin nothing until an operator starts them, and nothing again when they have ended. Others begin with their run,
	// which the caller makes.
	Manual bool
	// Repair plans bring back what fell over. While one has work on a pod of a quorum budget, no other plan stops anything.
	Repair bool
	// Parameters are what an operator may say when starting the plan.
	Parameters []Parameter
	// Policy is what to do about failures.
	Policy Policy
	Phases []Phase
}

// Phase is a group of steps.
type Phase struct {
	Name     string
	Strategy Strategy
	// After names the phases of the same plan that must be done before this one may begin. When it is not nil it
	// takes the place of the plan's strategy for this phase: empty but not nil, the phase may begin at once. It is not
	// transitive.
	After []string
	// Open says that steps may still join: an open phase is never COMPLETE, however many of its steps are. A phase whose members
	// are not known yet must be open, because a closed phase without steps is COMPLETE.
	Open bool
	// Optional says that the phase may have no steps at all: otherwise a closed phase without steps is not valid.
	Optional bool
	// Canaries is how many steps of a canary phase wait for an operator, one "continue" each; 0: DefaultCanaries.
	Canaries int
	// Batch bounds how many running pods the phase stops together.
	Batch Batch
	// Gated says that the service must be asked before running pods of the phase are stopped (see Verdict).
	Gated bool
	// Settle is how long a pod that was stopped by the phase and is ready again must have been so before its step is COMPLETE, and
	// with that before the phase stops the next.
	Settle time.Duration
	// Policy takes the place of the plan's, field by field where it is not zero; Backoff as a whole.
	Policy Policy
	Steps  []Step
}

// Batch bounds how many running pods a phase stops together. A batch is stopped, started, and left to settle, before the next.
type Batch struct {
	// Max is the most pods in a batch; 0: as many as the budget allows.
	Max int
	// Grow begins with one pod, and doubles with every batch that has settled, up to Max.
	Grow bool
}

// Step concerns one pod or one host.
type Step struct {
	Name string
	Kind Kind
	// Pod is the name of the pod that the step concerns; empty for a step without one. Launch and stop steps have one.
	Pod string
	// Host is the key of the host that the step is bound to; empty if any host will do.
	Host string
	// After names steps of the same phase that must be done before this one may begin, whatever the strategy says besides. It is
	// not transitive.
	After []string
	// Rank orders the steps of a phase before their place does: steps of a lower rank come first. In a parallel phase a rank begins
	// when those before are done.
	Rank int
	// Settings are what the step renders, sorted by name. Steps of a pod type may share them. Only Diff looks at them.
	Settings []Setting
}

// Setting is a setting that a step renders.
type Setting struct {
	Name, Value string
	// Secret values are compared, and not shown.
	Secret bool
}

// Policy says what is done about failures. Zero values are no limits; in a phase they stand for the plan's, so that a phase can change a
// limit of the plan, and not lift it.
type Policy struct {
	// Attempts is how often a step may fail in a run. One that has failed so often is not tried again: it has failed.
	Attempts int
	// Tolerate is how many steps of a phase may fail before the run pauses itself. What follows does not wait for those.
	Tolerate int
	// StepDeadline is how long a step may take from when it first began. One that takes longer has failed.
	StepDeadline time.Duration
	// Deadline is how long a run may be without a step becoming COMPLETE, and without being paused, before it pauses itself. It is the
	// plan's; phases have none.
	Deadline time.Duration
	// GatePatience is how long a gate may be unknown before the run pauses itself.
	GatePatience time.Duration
	// Backoff is the wait after a failure.
	Backoff Backoff
}

// over returns the policy with the fields of another where those are not zero.
func (p Policy) over(base Policy) Policy {
	orElse(&p.Attempts, base.Attempts)
	orElse(&p.Tolerate, base.Tolerate)
	orElse(&p.StepDeadline, base.StepDeadline)
	orElse(&p.GatePatience, base.GatePatience)
	if p.Backoff == (Backoff{}) {
		p.Backoff = base.Backoff
	}
	p.Deadline = base.Deadline
	return p
}

func orElse[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// policy returns what holds for the phase at the place: its own policy over the plan's.
func (d *Definition) policy(phase int) Policy { return d.Phases[phase].Policy.over(d.Policy) }
