package offers

import "fmt"

// OperationType is what Mesos calls an offer operation.
type OperationType string

// The operations that this package makes.
const (
	Reserve    OperationType = "RESERVE"
	Unreserve  OperationType = "UNRESERVE"
	Create     OperationType = "CREATE"
	Destroy    OperationType = "DESTROY"
	GrowVolume OperationType = "GROW_VOLUME"
	Launch     OperationType = "LAUNCH"
)

// Operation is one operation of an ACCEPT. Mesos applies them in order; one that is refused changes nothing, and those
// behind it are still tried (FACTS 51). So a LAUNCH behind a refused RESERVE fails as well, instead of running elsewhere.
type Operation struct {
	Type OperationType
	// ID asks Mesos to tell how it went; empty: it is silent. A LAUNCH has none: Mesos would refuse its tasks (FACTS 53).
	ID string
	// Resources are what RESERVE, UNRESERVE, CREATE and DESTROY are about: those of RESERVE carry the new reservation, those
	// of UNRESERVE still carry the one that goes, those of CREATE are the volumes with their persistence. All of one
	// operation come from one resource provider.
	Resources Resources
	// Volume is what GROW_VOLUME enlarges by Addition. Mesos: the result can't be used in the same ACCEPT.
	Volume, Addition Resource
	// Tasks are what LAUNCH launches.
	Tasks []Task
}

// Grown is the volume that GROW_VOLUME makes. Mesos does so on the agent, after the ACCEPT: nothing in it can use it.
func (op Operation) Grown() Resource { return plus(op.Volume, op.Addition) }

// OperationError is why Mesos refuses an operation.
type OperationError struct {
	Type OperationType
	// Problem says what is wrong, noun first.
	Problem string
	// Resource is what it is about; the zero value if that is no single one.
	Resource Resource
}

func (e *OperationError) Error() string { return string(e.Type) + ": " + e.Problem }

// resourceError is the error about one resource.
func resourceError(t OperationType, r *Resource, format string, args ...any) *OperationError {
	return &OperationError{Type: t, Problem: r.subject() + ": " + fmt.Sprintf(format, args...), Resource: *r}
}
