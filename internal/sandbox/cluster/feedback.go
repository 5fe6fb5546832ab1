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
	status  mesos.OperationStatus
	retryAt time.Time
	wait    time.Duration
}

// finish starts the update of an operation that succeeded. Two operations may have one id; then the master knows only
// the later one by it.
func (c *Cluster) finish(f *framework, a *agent, id mesos.OperationID) {
	o := &operation{wait: c.cfg.RetryInterval, status: mesos.OperationStatus{
		OperationID: &id, State: mesos.OPERATION_FINISHED, UUID: &mesos.UUID{Value: c.newUUID()},
		AgentID: &mesos.AgentID{Value: a.id},
	}}
	f.operations = append(f.operations, o)
	f.operationByID.put(id.Value, o)
	c.tellOperation(f, o)
}

func (c *Cluster) tellOperation(f *framework, o *operation) {
	o.retryAt = c.now.Add(o.wait)
	c.sendOperation(f, o.status)
}

// repeatOperations sends again what nobody acknowledged in time.
func (c *Cluster) repeatOperations(f *framework) {
	for _, o := range f.operations {
		if due(o.retryAt, c.now) {
			o.wait = min(2*o.wait, c.cfg.RetryLimit)
			c.tellOperation(f, o)
		}
	}
}

// acknowledgeOperation ends the update of the operation that has the id, if it is that very update. Of two operations
// with one id the earlier is never acknowledged (recorded: its update came again after both had been), and after the
// later is the master knows no operation of that id.
func (c *Cluster) acknowledgeOperation(f *framework, ack *scheduler.Call_AcknowledgeOperationStatus) {
	o := f.operationByID.of[ack.OperationID.Value]
	if o == nil || o.status.AgentID.Value != ack.AgentID.GetValue() || !bytes.Equal(o.status.UUID.Value, ack.UUID) {
		return
	}
	f.operationByID.drop(ack.OperationID.Value)
	f.operations = slices.DeleteFunc(f.operations, func(other *operation) bool { return other == o })
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
		message := "Reconciliation: Operation is unknown"
		c.sendOperation(f, mesos.OperationStatus{
			OperationID: &entry.OperationID, AgentID: entry.AgentID, State: mesos.OPERATION_UNKNOWN, Message: &message,
		})
	}
}

func (c *Cluster) sendLatestOperation(f *framework, o *operation) {
	status := o.status
	status.UUID = nil
	c.sendOperation(f, status)
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
