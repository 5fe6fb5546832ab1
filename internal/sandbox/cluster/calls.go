package cluster

import (
	"errors"
	"fmt"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/allocator"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// Statuses of HTTP that a call is answered with.
const (
	statusOK          = 200
	statusAccepted    = 202
	statusBadRequest  = 400
	statusForbidden   = 403
	statusNotFound    = 404
	statusUnsupported = 501
	statusUnavailable = 503

	uuidBytes          = 16
	streamIDHeaderName = "Mesos-Stream-Id"
)

// Answer is what a call is answered with over HTTP. Text is empty unless the call was refused.
type Answer struct {
	Status int
	Text   string
}

func refused(text string) Answer { return Answer{Status: statusBadRequest, Text: text} }

// Validate checks what a master checks of any scheduler call before it looks at who calls. The error is what it puts
// behind "Failed to validate scheduler::Call: ".
func Validate(call *scheduler.Call) error {
	if call.Type == scheduler.Call_UNKNOWN {
		return errors.New("Expecting 'type' to be present")
	}
	if call.Type == scheduler.Call_SUBSCRIBE {
		return validateSubscribe(call)
	}
	if call.FrameworkID == nil {
		return errors.New("Expecting 'framework_id' to be present")
	}
	if body, present := bodyOf(call); !present {
		return fmt.Errorf("Expecting '%s' to be present", body)
	}
	switch call.Type {
	case scheduler.Call_ACKNOWLEDGE:
		if len(call.Acknowledge.UUID) != uuidBytes {
			return errors.New("Not a valid UUID")
		}
	case scheduler.Call_ACKNOWLEDGE_OPERATION_STATUS:
		if len(call.AcknowledgeOperationStatus.UUID) != uuidBytes {
			return errors.New("Not a valid UUID")
		}
		if call.AcknowledgeOperationStatus.AgentID == nil {
			return errors.New("Expecting 'agent_id' to be present")
		}
	case scheduler.Call_UPDATE_FRAMEWORK:
		if call.UpdateFramework.FrameworkInfo.GetID().GetValue() != call.FrameworkID.Value {
			return errors.New("'framework_id' differs from 'update_framework.framework_info.id'")
		}
	}
	return nil
}

func validateSubscribe(call *scheduler.Call) error {
	if call.Subscribe == nil {
		return errors.New("Expecting 'subscribe' to be present")
	}
	inside := call.Subscribe.FrameworkInfo.GetID()
	if (call.FrameworkID == nil) != (inside == nil) || call.FrameworkID.GetValue() != inside.GetValue() {
		return errors.New("'framework_id' differs from 'subscribe.framework_info.id'")
	}
	return nil
}

// bodyOf names the field that belongs to the type of a call, and tells whether it is there. REVIVE, SUPPRESS and
// TEARDOWN need none.
func bodyOf(call *scheduler.Call) (string, bool) {
	switch call.Type {
	case scheduler.Call_ACCEPT:
		return "accept", call.Accept != nil
	case scheduler.Call_DECLINE:
		return "decline", call.Decline != nil
	case scheduler.Call_ACCEPT_INVERSE_OFFERS:
		return "accept_inverse_offers", call.AcceptInverseOffers != nil
	case scheduler.Call_DECLINE_INVERSE_OFFERS:
		return "decline_inverse_offers", call.DeclineInverseOffers != nil
	case scheduler.Call_KILL:
		return "kill", call.Kill != nil
	case scheduler.Call_SHUTDOWN:
		return "shutdown", call.Shutdown != nil
	case scheduler.Call_ACKNOWLEDGE:
		return "acknowledge", call.Acknowledge != nil
	case scheduler.Call_ACKNOWLEDGE_OPERATION_STATUS:
		return "acknowledge_operation_status", call.AcknowledgeOperationStatus != nil
	case scheduler.Call_RECONCILE:
		return "reconcile", call.Reconcile != nil
	case scheduler.Call_RECONCILE_OPERATIONS:
		return "reconcile_operations", call.ReconcileOperations != nil
	case scheduler.Call_MESSAGE:
		return "message", call.Message != nil
	case scheduler.Call_REQUEST:
		return "request", call.Request != nil
	case scheduler.Call_UPDATE_FRAMEWORK:
		return "update_framework", call.UpdateFramework != nil
	}
	return "", true
}

// Call handles any call but SUBSCRIBE that passed Validate. stream is the value of its Mesos-Stream-Id header, or
// empty. An answer of 202 says nothing about the call having done anything: that shows in events only.
func (c *Cluster) Call(now time.Time, stream string, call *scheduler.Call) (Answer, []Effect) {
	return c.CallConstrained(now, stream, call, nil)
}

// CallConstrained is Call with the offer constraints of an UPDATE_FRAMEWORK call, which replace those of before also when there are none.
func (c *Cluster) CallConstrained(now time.Time, stream string, call *scheduler.Call, constraints *OfferConstraints) (Answer, []Effect) {
	c.begin(now, Entry{Name: "Call", Stream: stream, Framework: call.FrameworkID.GetValue(), About: call, Constraints: constraints})
	if answer := c.Unavailable(); answer.Status != 0 {
		return c.answered(answer)
	}
	f := c.frameworkByID(call.FrameworkID.GetValue())
	if answer := checkCaller(f, stream); answer.Status != statusAccepted {
		return c.answered(answer)
	}
	c.countCall(f, call)
	answer := c.dispatch(f, call, constraints)
	return c.answered(answer)
}

// checkCaller checks who calls, in the order in which a master does.
func checkCaller(f *framework, stream string) Answer {
	switch {
	case f == nil:
		return refused("Framework cannot be found")
	case f.stream == "":
		return Answer{Status: statusForbidden, Text: "Framework is not subscribed"}
	case stream == "":
		return refused("All non-subscribe calls should include the '" + streamIDHeaderName + "' header")
	case stream != f.stream:
		return refused("The stream ID '" + stream + "' included in this request didn't match the stream ID " +
			"currently associated with framework ID " + f.id)
	}
	return Answer{Status: statusAccepted}
}

func (c *Cluster) dispatch(f *framework, call *scheduler.Call, constraints *OfferConstraints) Answer {
	switch call.Type {
	case scheduler.Call_TEARDOWN:
		c.remove(f)
	case scheduler.Call_ACCEPT:
		c.accept(f, call.Accept)
	case scheduler.Call_DECLINE:
		c.decline(f, call.Decline)
	case scheduler.Call_REVIVE:
		c.revive(f, call.GetRevive().GetRoles())
	case scheduler.Call_SUPPRESS:
		c.suppress(f, call.GetSuppress().GetRoles())
	case scheduler.Call_KILL:
		c.kill(f, call.Kill)
	case scheduler.Call_SHUTDOWN:
		c.shutDownExecutor(f, call.Shutdown)
	case scheduler.Call_ACKNOWLEDGE:
		c.acknowledge(f, call.Acknowledge)
	case scheduler.Call_RECONCILE:
		c.reconcile(f, call.Reconcile)
	case scheduler.Call_ACKNOWLEDGE_OPERATION_STATUS:
		c.acknowledgeOperation(f, call.AcknowledgeOperationStatus)
	case scheduler.Call_RECONCILE_OPERATIONS:
		c.reconcileOperations(f, call.ReconcileOperations)
	case scheduler.Call_MESSAGE:
		c.messageToExecutor(f, call.Message)
	case scheduler.Call_UPDATE_FRAMEWORK:
		return c.updateFramework(f, call.UpdateFramework, constraints)
	case scheduler.Call_ACCEPT_INVERSE_OFFERS:
		accept := call.AcceptInverseOffers
		c.answerInverse(f, accept.InverseOfferIDs, accept.Filters, allocator.InverseOfferStatus_ACCEPT)
	case scheduler.Call_DECLINE_INVERSE_OFFERS:
		decline := call.DeclineInverseOffers
		c.answerInverse(f, decline.InverseOfferIDs, decline.Filters, allocator.InverseOfferStatus_DECLINE)
	case scheduler.Call_REQUEST:
		// Taken and ignored, as by every master.
	default:
		return Answer{Status: statusUnsupported, Text: "call type " + call.Type.String() + " is not implemented"}
	}
	return Answer{Status: statusAccepted}
}
