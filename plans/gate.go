package plans

import "time"

// Question asks what must be known before a set of running pods is stopped together.
type Question struct {
	// Phase and Steps name the steps, Pods their pods, in the order in which they would be stopped.
	Phase string
	Steps []string
	Pods  []string
	// Fit: it is not known of all these steps whether their new pods fit. The answer is Observation.Fit.
	// Gate: may these pods be stopped now? The answer is a Verdict about this very set.
	Fit, Gate bool
}

// Verdict is the service's answer to the question whether a set of pods may be stopped now.
type Verdict struct {
	Pods []string
	Gate Gate
	// Code and Text say why, if the gate is not open. The code is the service's own.
	Code, Text string
	// AskedAt is when it was asked. A verdict counts for FreshVerdict from then, and only if nothing was disrupted and had to settle since.
	AskedAt time.Time
	// Since is when the service first answered so about this set.
	Since time.Time
}

// Gate is an answer of the service.
type Gate uint8

// The answers. Unknown, the zero value, is never open.
const (
	GateUnknown Gate = iota
	GateOpen
	GateClosed
)

// FreshVerdict is how long a verdict counts from when it was asked for.
const FreshVerdict = 10 * time.Second
