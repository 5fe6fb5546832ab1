package wire

import (
	"errors"
	"fmt"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/offers"
)

// operation encodes an operation of an ACCEPT.
func operation(op offers.Operation, frameworkID string) (mesos.Offer_Operation, error) {
	var out mesos.Offer_Operation
	if op.Type != offers.Launch && op.Type != offers.GrowVolume && len(resources(op.Resources)) == 0 {
		return out, errors.New("resources are empty: Mesos refuses an operation on nothing")
	}
	switch op.Type {
	case offers.Reserve:
		out.Type, out.Reserve = mesos.Offer_Operation_RESERVE, &mesos.Offer_Operation_Reserve{Resources: resources(op.Resources)}
	case offers.Unreserve:
		out.Type, out.Unreserve = mesos.Offer_Operation_UNRESERVE, &mesos.Offer_Operation_Unreserve{Resources: resources(op.Resources)}
	case offers.Create:
		out.Type, out.Create = mesos.Offer_Operation_CREATE, &mesos.Offer_Operation_Create{Volumes: resources(op.Resources)}
	case offers.Destroy:
		out.Type, out.Destroy = mesos.Offer_Operation_DESTROY, &mesos.Offer_Operation_Destroy{Volumes: resources(op.Resources)}
	case offers.GrowVolume:
		out.Type = mesos.Offer_Operation_GROW_VOLUME
		out.GrowVolume = &mesos.Offer_Operation_GrowVolume{Volume: resourceMessage(&op.Volume), Addition: resourceMessage(&op.Addition)}
	case offers.Launch:
		launch, err := launch(op.Tasks, frameworkID)
		if err != nil {
			return out, err
		}
		out.Type, out.Launch = mesos.Offer_Operation_LAUNCH, launch
	default:
		return out, fmt.Errorf("type %q is unknown", op.Type)
	}
	return out, nil
}

func launch(tasks []offers.Task, frameworkID string) (*mesos.Offer_Operation_Launch, error) {
	if len(tasks) == 0 {
		return nil, errors.New("tasks are empty")
	}
	out := &mesos.Offer_Operation_Launch{}
	for _, t := range tasks {
		info, err := taskInfo(t, frameworkID)
		if err != nil {
			return nil, err
		}
		out.TaskInfos = append(out.TaskInfos, info)
	}
	return out, nil
}

// OperationStatus is how an operation of an ACCEPT went. Mesos tells it of operations that had an id, which none of ours has so far.
type OperationStatus struct {
	OperationID string
	State       string // FINISHED, ERROR, UNKNOWN, …
	Message     string
	AgentID     string // empty if the master refused the operation
	Provider    string // of a resource provider's resources
	// UUID asks for an acknowledgement; nil: there is nothing to acknowledge, as of what the master says itself.
	UUID []byte
}

func operationStatus(s *mesos.OperationStatus) *OperationStatus {
	out := &OperationStatus{
		OperationID: s.GetOperationID().GetValue(),
		State:       strings.TrimPrefix(s.State.String(), "OPERATION_"),
		Message:     s.GetMessage(),
		AgentID:     s.GetAgentID().GetValue(),
		Provider:    s.GetResourceProviderID().GetValue(),
	}
	if s.UUID != nil && len(s.UUID.Value) > 0 {
		out.UUID = s.UUID.Value
	}
	return out
}

// AcknowledgeOperation encodes the acknowledgement of a status. Mesos: its uuid is the bare bytes, while that of the status is a message.
func AcknowledgeOperation(s OperationStatus, frameworkID string) ([]byte, error) {
	switch {
	case frameworkID == "":
		return nil, errors.New("acknowledge operation status call: framework id is empty: it is known once subscribed")
	case s.OperationID == "":
		return nil, errors.New("acknowledge operation status call: operation id is empty")
	case s.AgentID == "":
		return nil, fmt.Errorf("acknowledge operation status call: operation %q: agent id is empty", s.OperationID)
	case len(s.UUID) != uuidLength:
		return nil, fmt.Errorf("acknowledge operation status call: operation %q: uuid has %d bytes: %d are needed", s.OperationID, len(s.UUID), uuidLength)
	}
	ack := &scheduler.Call_AcknowledgeOperationStatus{
		AgentID: agentID(s.AgentID), UUID: s.UUID, OperationID: mesos.OperationID{Value: s.OperationID},
	}
	if s.Provider != "" {
		ack.ResourceProviderID = &mesos.ResourceProviderID{Value: s.Provider}
	}
	call := &scheduler.Call{
		Type: scheduler.Call_ACKNOWLEDGE_OPERATION_STATUS, FrameworkID: &mesos.FrameworkID{Value: frameworkID}, AcknowledgeOperationStatus: ack,
	}
	b, err := call.Marshal()
	if err != nil {
		return nil, fmt.Errorf("acknowledge operation status call: %w", err)
	}
	return b, nil
}
