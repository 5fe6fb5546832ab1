package plans

import (
	"github.com/google/uuid"
)

// Strategy says how a parent orders its children.
type Strategy string

// The strategies of the DC/OS SDK that this package knows.
const (
	// Serial begins a child when every child before it is COMPLETE.
	Serial Strategy = "serial"
	// Parallel begins all children at once.
	Parallel Strategy = "parallel"
)

// Kind says what a step does.
type Kind string

// The kinds of steps.
const (
	// Launch starts a pod: the unit of offer evaluation.
	Launch Kind = "launch"
	// Wait does nothing itself: it is COMPLETE when something else has come true.
	Wait Kind = "wait"
)

// Definition is what a plan consists of. It is plain data: two definitions that are equal under go-cmp are the same plan.
type Definition struct {
	Service  string
	Name     string
	Strategy Strategy
	Phases   []Phase
}

// Phase is a group of steps.
type Phase struct {
	Name     string
	Strategy Strategy
	// After names the phases of the same plan that must be COMPLETE before this one may begin. When it is not nil it
	// takes the place of the plan's strategy for this phase: empty but not nil, the phase may begin at once. It is not
	// transitive.
	After []string
	// Open says that steps may still join: an open phase is never COMPLETE, however many of its steps are. A phase whose members
	// are not known yet must be open, because a closed phase without steps is COMPLETE.
	Open  bool
	Steps []Step
}

// Step concerns one pod or one host.
type Step struct {
	Name string
	Kind Kind
	// Pod is the name of the pod that a launch step starts; empty for a step without one.
	Pod string
	// Host is the key of the host that the step is bound to; empty if any host will do.
	Host string
}

// namespace is the UUIDv5 namespace of element ids. It must never change: ids are promised to be stable for ever.
var namespace = uuid.MustParse("5f6a3c0e-8d1f-5b7e-9a44-0c9d5b1e7a21")

// ID returns the stable id of an element: a UUIDv5 of the names that lead to it. Phase and step are empty for a plan, step is
// empty for a phase.
func ID(service, plan, phase, step string) string {
	ids := idMaker{name: make([]byte, 0, 128)}
	return ids.id(service, plan, phase, step)
}

// idMaker makes ids, and keeps the memory in which it puts names together.
type idMaker struct{ name []byte }

func (m *idMaker) id(service, plan, phase, step string) string {
	m.name = m.name[:0]
	for i, part := range [...]string{service, plan, phase, step} {
		if i > 0 {
			m.name = append(m.name, 0)
		}
		m.name = append(m.name, part...)
	}
	return uuid.NewSHA1(namespace, m.name).String()
}
