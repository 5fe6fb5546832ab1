package cluster

import (
	"bytes"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// operation is one that has succeeded and whose framework wants to know: the agent says so until it is acknowledged.
type operation struct {
	framework *framework
	agent     *agent
	kind      mesos.Offer_Operation_Type
	status    mesos.OperationStatus
	retryAt   time.Time
	wait      time.Duration
}

// finish starts the update of an operation that succeeded. Two operations may have one id; then the master knows only
// the later one by it.
func (c *Cluster) finish(f *framework, a *agent, done finished) {
	id := done.id
	o := &operation{framework: f, agent: a, kind: done.kind, wait: c.cfg.RetryInterval, status: mesos.OperationStatus{
		OperationID: &id, State: mesos.OPERATION_FINISHED, UUID: &mesos.UUID{Value: c.newUUID()},
		AgentID: &mesos.AgentID{Value: a.id},
	}}
	f.operationByID.put(id.Value, o)
	if a.linked() && !done.lost {
		a.operations = append(a.operations, o)
		c.tellOperation(o)
	}
}

func (c *Cluster) tellOperation(o *operation) {
	o.retryAt = c.now.Add(o.wait)
	c.tally["messages_operation_status_update"]++
	c.tally["valid_operation_status_updates"]++
	c.sendOperation(o.framework, o.status)
}

// acknowledgeOperation ends the update of the operation that has the id, if it is that very update. Of two operations
// with one id the earlier is never acknowledged (recorded: its update came again after both had been), and after the
// later is the master knows no operation of that id.
func (c *Cluster) acknowledgeOperation(f *framework, ack *scheduler.Call_AcknowledgeOperationStatus) {
	o := f.operationByID.of[ack.OperationID.Value]
	valid := !(o == nil || !o.agent.linked() || o.status.AgentID.Value != ack.AgentID.GetValue() || !bytes.Equal(o.status.UUID.Value, ack.UUID))
	c.tally[validity(valid, "operation_status_update_acknowledgements")]++
	if !valid {
		return
	}
	f.operationByID.drop(ack.OperationID.Value)
	o.agent.operations = slices.DeleteFunc(o.agent.operations, func(other *operation) bool { return other == o })
	c.checkDrained(o.agent)
}

// reconcileOperations answers for each operation of the request, or for each that the master knows if it names none.
// The answers are not to be acknowledged.
func (c *Cluster) reconcileOperations(f *framework, request *scheduler.Call_ReconcileOperations) {
	if len(request.Operations) == 0 {
		for _, id := range f.operationByID.keys {
			c.sendLatestOperation(f, f.operationByID.of[id])
		}
		return
	}
	for i := range request.Operations {
		entry := &request.Operations[i]
		if o := f.operationByID.of[entry.OperationID.Value]; o != nil {
			c.sendLatestOperation(f, o)
			continue
		}
		state, message := c.unknownOperation(entry.AgentID)
		c.sendOperation(f, mesos.OperationStatus{
			OperationID: &entry.OperationID, AgentID: entry.AgentID, State: state, Message: &message,
		})
	}
}

// unknownOperation is what a master says of an operation that it does not know.
func (c *Cluster) unknownOperation(agentID *mesos.AgentID) (mesos.OperationState, string) {
	id := agentID.GetValue()
	_, unreachable := c.registry.unreachable[id]
	_, gone := c.registry.gone[id]
	switch {
	case agentID == nil:
		return mesos.OPERATION_UNKNOWN, "Reconciliation: Operation is unknown and no 'agent_id' was provided"
	case c.recovered[id]:
		return mesos.OPERATION_RECOVERING, "Reconciliation: Agent is recovered but has not re-registered"
	case c.agentByID(id) != nil:
		return mesos.OPERATION_UNKNOWN, "Reconciliation: Operation is unknown"
	case unreachable:
		return mesos.OPERATION_UNREACHABLE, "Reconciliation: Agent is unreachable"
	case gone:
		return mesos.OPERATION_GONE_BY_OPERATOR, "Reconciliation: Agent marked gone by operator"
	}
	return mesos.OPERATION_UNKNOWN, "Reconciliation: Both operation and agent are unknown"
}

func (c *Cluster) sendLatestOperation(f *framework, o *operation) {
	status := o.status
	status.UUID = nil
	c.sendOperation(f, status)
}

// dropOperation refuses one, and tells of that if it has an id.
func (c *Cluster) dropOperation(f *framework, op *mesos.Offer_Operation, message string) {
	c.countOperationState(op.Type, "error")
	if op.ID != nil {
		c.refuseOperation(f, op, message)
	}
}

func (c *Cluster) refuseOperation(f *framework, op *mesos.Offer_Operation, message string) {
	c.sendOperation(f, mesos.OperationStatus{OperationID: op.ID, State: mesos.OPERATION_ERROR, Message: &message})
}

func (c *Cluster) sendOperation(f *framework, status mesos.OperationStatus) {
	c.send(f, &scheduler.Event{
		Type:                  scheduler.Event_UPDATE_OPERATION_STATUS,
		UpdateOperationStatus: &scheduler.Event_UpdateOperationStatus{Status: status},
	})
}
