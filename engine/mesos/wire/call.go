package wire

import (
	"errors"
	"fmt"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// uuidLength is that of the uuid of a status update. Mesos answers 400 to an ACKNOWLEDGE with any other.
const uuidLength = 16

// Call encodes a call of the framework with the given id; for ExcludeHosts there is a function of its own. An error means that a master would refuse the whole call, and
// names what is wrong with it.
func Call(c machine.Call, frameworkID string) ([]byte, error) {
	out, err := callMessage(c, frameworkID)
	if err != nil {
		return nil, fmt.Errorf("%s call: %w", machine.CallName(c), err)
	}
	b, err := out.Marshal()
	if err != nil {
		return nil, fmt.Errorf("%s call: %w", machine.CallName(c), err)
	}
	return b, nil
}

func callMessage(c machine.Call, frameworkID string) (*scheduler.Call, error) {
	if frameworkID == "" {
		return nil, errors.New("framework id is empty: it is known once subscribed")
	}
	out := &scheduler.Call{FrameworkID: &mesos.FrameworkID{Value: frameworkID}}
	var err error
	switch c := c.(type) {
	case machine.Accept:
		out.Type = scheduler.Call_ACCEPT
		out.Accept, err = accept(c, frameworkID)
	case machine.Decline:
		out.Type = scheduler.Call_DECLINE
		out.Decline, err = decline(c)
	case machine.Kill:
		out.Type = scheduler.Call_KILL
		out.Kill, err = kill(c)
	case machine.Acknowledge:
		out.Type = scheduler.Call_ACKNOWLEDGE
		out.Acknowledge, err = acknowledge(c)
	case machine.AcknowledgeOperation:
		out.Type = scheduler.Call_ACKNOWLEDGE_OPERATION_STATUS
		out.AcknowledgeOperationStatus, err = acknowledgeOperation(c)
	case machine.Reconcile:
		out.Type = scheduler.Call_RECONCILE
		out.Reconcile, err = reconcile(c)
	case machine.ReconcileOperations:
		out.Type = scheduler.Call_RECONCILE_OPERATIONS
		out.ReconcileOperations, err = reconcileOperations(c)
	case machine.Revive:
		out.Type = scheduler.Call_REVIVE
		out.Revive = &scheduler.Call_Revive{}
	case machine.Suppress:
		out.Type = scheduler.Call_SUPPRESS
		out.Suppress = &scheduler.Call_Suppress{}
	case machine.Message:
		out.Type = scheduler.Call_MESSAGE
		out.Message, err = message(c)
	default:
		err = errors.New("unknown kind of call")
	}
	return out, err
}

func accept(c machine.Accept, frameworkID string) (*scheduler.Call_Accept, error) {
	ids, err := offerIDs(c.OfferIDs)
	if err != nil {
		return nil, err
	}
	out := &scheduler.Call_Accept{OfferIDs: ids, Filters: filters(c.Refuse)}
	for i := range c.Operations {
		op, err := operation(c.Operations[i], frameworkID)
		if err != nil {
			return nil, fmt.Errorf("operation %d of %d, %s: %w", i+1, len(c.Operations), c.Operations[i].Type, err)
		}
		out.Operations = append(out.Operations, op)
	}
	return out, nil
}

func decline(c machine.Decline) (*scheduler.Call_Decline, error) {
	ids, err := offerIDs(c.OfferIDs)
	if err != nil {
		return nil, err
	}
	return &scheduler.Call_Decline{OfferIDs: ids, Filters: filters(c.Refuse)}, nil
}

func kill(c machine.Kill) (*scheduler.Call_Kill, error) {
	if err := ValidateID("task id", c.TaskID); err != nil {
		return nil, err
	}
	return &scheduler.Call_Kill{
		TaskID:     mesos.TaskID{Value: c.TaskID},
		AgentID:    agentID(c.AgentID),
		KillPolicy: killPolicy(c.Grace),
	}, nil
}

func acknowledge(c machine.Acknowledge) (*scheduler.Call_Acknowledge, error) {
	switch {
	case c.TaskID == "":
		return nil, errors.New("task id is empty")
	case c.AgentID == "":
		return nil, fmt.Errorf("task %q: agent id is empty", c.TaskID)
	case len(c.UUID) != uuidLength:
		return nil, fmt.Errorf("task %q: uuid has %d bytes: %d are needed", c.TaskID, len(c.UUID), uuidLength)
	}
	return &scheduler.Call_Acknowledge{
		AgentID: mesos.AgentID{Value: c.AgentID},
		TaskID:  mesos.TaskID{Value: c.TaskID},
		UUID:    c.UUID,
	}, nil
}

// reconcile always sets the body: Mesos refuses an implicit reconciliation without one.
func reconcile(c machine.Reconcile) (*scheduler.Call_Reconcile, error) {
	out := &scheduler.Call_Reconcile{}
	for i, t := range c.Tasks {
		if t.TaskID == "" {
			return nil, fmt.Errorf("task %d of %d: task id is empty", i+1, len(c.Tasks))
		}
		out.Tasks = append(out.Tasks, scheduler.Call_Reconcile_Task{
			TaskID:  mesos.TaskID{Value: t.TaskID},
			AgentID: agentID(t.AgentID),
		})
	}
	return out, nil
}

func message(c machine.Message) (*scheduler.Call_Message, error) {
	switch {
	case c.AgentID == "":
		return nil, errors.New("agent id is empty")
	case c.ExecutorID == "":
		return nil, errors.New("executor id is empty")
	}
	data := c.Data
	if data == nil {
		data = []byte{} // required by Mesos, also when there is nothing to say
	}
	return &scheduler.Call_Message{
		AgentID:    mesos.AgentID{Value: c.AgentID},
		ExecutorID: mesos.ExecutorID{Value: c.ExecutorID},
		Data:       data,
	}, nil
}

func offerIDs(ids []string) ([]mesos.OfferID, error) {
	if len(ids) == 0 {
		return nil, errors.New("offer ids are empty: at least one is needed")
	}
	out := make([]mesos.OfferID, 0, len(ids))
	for i, id := range ids {
		if id == "" {
			return nil, fmt.Errorf("offer id %d of %d is empty", i+1, len(ids))
		}
		out = append(out, mesos.OfferID{Value: id})
	}
	return out, nil
}

// filters always says how long to refuse: left out it would be 5 s, while zero means no filter at all.
func filters(refuse time.Duration) *mesos.Filters {
	return &mesos.Filters{RefuseSeconds: ptr(max(refuse, 0).Seconds())}
}

func agentID(id string) *mesos.AgentID {
	if id == "" {
		return nil
	}
	return &mesos.AgentID{Value: id}
}

func killPolicy(grace time.Duration) *mesos.KillPolicy {
	if grace <= 0 {
		return nil
	}
	return &mesos.KillPolicy{GracePeriod: &mesos.DurationInfo{Nanoseconds: grace.Nanoseconds()}}
}
