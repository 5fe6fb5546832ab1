package machine

import (
	"fmt"
	"time"

	"github.com/quobyte/mesos-framework/offers"
)

// Call is a call to the Mesos master (SUBSCRIBE excepted, which belongs to the session).
type Call interface{ call() }

// Accept accepts offers of one agent and role, and carries out operations on them, in order.
type Accept struct {
	OfferIDs   []string
	Operations []offers.Operation
	// Refuse is how long the rest of the offers is refused.
	Refuse time.Duration
}

// Launches are the tasks that are launched.
func (a Accept) Launches() []offers.Task {
	var tasks []offers.Task
	for i := range a.Operations {
		tasks = append(tasks, a.Operations[i].Tasks...)
	}
	return tasks
}

// Decline gives offers back.
type Decline struct {
	OfferIDs []string
	Refuse   time.Duration
}

// Kill asks for the end of a task. Mesos: of a task that the master does not know it is answered like a reconciliation.
type Kill struct {
	TaskID, AgentID string
	Grace           time.Duration // zero: the task's own
}

// Acknowledge acknowledges a status update; without it the agent repeats it after 10 s, doubling to 10 min, and sends no later
// one of that task.
type Acknowledge struct {
	TaskID, AgentID string
	UUID            []byte
}

// AcknowledgeOperation acknowledges the status of an operation, which is repeated like that of a task.
type AcknowledgeOperation struct {
	OperationID, AgentID string
	Provider             string // of a resource provider's resources
	UUID                 []byte
}

// Reconcile asks for the state of tasks; of all that the master knows if Tasks is empty (implicit).
type Reconcile struct{ Tasks []TaskRef }

// TaskRef names a task for Reconcile. The agent id should always be given: without it some questions get no answer.
type TaskRef struct{ TaskID, AgentID string }

// ReconcileOperations asks how operations went.
type ReconcileOperations struct{ Operations []OperationRef }

// OperationRef names an operation for ReconcileOperations. Without the agent Mesos knows less to say of one that it does not know.
type OperationRef struct{ OperationID, AgentID string }

// ExcludeHosts asks for no offers of some hosts, for any role, in place of those that were named before. Offers that are held stay
// valid, and filters are left alone. Mesos: UPDATE_FRAMEWORK with offer constraints, known to masters from 1.11 on; it takes back a
// Suppress, and lasts as long as the subscription.
type ExcludeHosts struct {
	// Hosts are keys, sorted; none: all hosts are offered.
	Hosts []string
}

// Revive clears filters and suppression for all roles; the master offers at once.
type Revive struct{}

// Suppress asks for no more offers, of any role, until a Revive. Mesos: offers that are held stay valid.
type Suppress struct{}

// Message sends data to a custom executor: unacknowledged, and lost in silence if it is not there.
type Message struct {
	AgentID, ExecutorID string
	Data                []byte
}

func (Accept) call()               {}
func (Decline) call()              {}
func (Kill) call()                 {}
func (Acknowledge) call()          {}
func (AcknowledgeOperation) call() {}
func (Reconcile) call()            {}
func (ReconcileOperations) call()  {}
func (ExcludeHosts) call()         {}
func (Revive) call()               {}
func (Suppress) call()             {}
func (Message) call()              {}

// Ordered says whether the call belongs to the ordered lane (one in flight) or may overtake others.
func Ordered(c Call) bool {
	switch c.(type) {
	case Acknowledge, AcknowledgeOperation, Decline, Message:
		return false
	}
	return true
}

// CallName is what Mesos calls a call, for messages.
func CallName(c Call) string {
	switch c.(type) {
	case Accept:
		return "ACCEPT"
	case Decline:
		return "DECLINE"
	case Kill:
		return "KILL"
	case Acknowledge:
		return "ACKNOWLEDGE"
	case AcknowledgeOperation:
		return "ACKNOWLEDGE_OPERATION_STATUS"
	case Reconcile:
		return "RECONCILE"
	case ReconcileOperations:
		return "RECONCILE_OPERATIONS"
	case ExcludeHosts:
		return "UPDATE_FRAMEWORK"
	case Revive:
		return "REVIVE"
	case Suppress:
		return "SUPPRESS"
	case Message:
		return "MESSAGE"
	}
	return fmt.Sprintf("%T", c)
}
