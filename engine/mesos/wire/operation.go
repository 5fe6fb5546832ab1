package wire

import (
	"errors"
	"fmt"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
)

// operation encodes an operation of an ACCEPT.
func operation(op offers.Operation, frameworkID string) (mesos.Offer_Operation, error) {
	var out mesos.Offer_Operation
	if op.ID != "" {
		if err := ValidateID("operation id", op.ID); err != nil {
			return out, err
		}
		if op.Type == offers.Launch {
			return out, fmt.Errorf("id %q: Mesos refuses the tasks of a LAUNCH that has one", op.ID)
		}
		out.ID = &mesos.OperationID{Value: op.ID}
	}
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

func operationStatus(s *mesos.OperationStatus) machine.OperationStatus {
	out := machine.OperationStatus{
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

// acknowledgeOperation: Mesos wants the bare bytes of the uuid, while that of the status is a message.
func acknowledgeOperation(c machine.AcknowledgeOperation) (*scheduler.Call_AcknowledgeOperationStatus, error) {
	switch {
	case c.OperationID == "":
		return nil, errors.New("operation id is empty")
	case c.AgentID == "":
		return nil, fmt.Errorf("operation %q: agent id is empty", c.OperationID)
	case len(c.UUID) != uuidLength:
		return nil, fmt.Errorf("operation %q: uuid has %d bytes: %d are needed", c.OperationID, len(c.UUID), uuidLength)
	}
	out := &scheduler.Call_AcknowledgeOperationStatus{
		AgentID: agentID(c.AgentID), UUID: c.UUID, OperationID: mesos.OperationID{Value: c.OperationID},
	}
	if c.Provider != "" {
		out.ResourceProviderID = &mesos.ResourceProviderID{Value: c.Provider}
	}
	return out, nil
}

func reconcileOperations(c machine.ReconcileOperations) (*scheduler.Call_ReconcileOperations, error) {
	out := &scheduler.Call_ReconcileOperations{}
	if len(c.Operations) == 0 {
		return nil, errors.New("operations are empty: at least one is needed")
	}
	for i, o := range c.Operations {
		if o.OperationID == "" {
			return nil, fmt.Errorf("operation %d of %d: operation id is empty", i+1, len(c.Operations))
		}
		out.Operations = append(out.Operations, scheduler.Call_ReconcileOperations_Operation{
			OperationID: mesos.OperationID{Value: o.OperationID}, AgentID: agentID(o.AgentID),
		})
	}
	return out, nil
}
