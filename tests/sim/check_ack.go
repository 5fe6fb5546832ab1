package sim

import (
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/quobyte"
)

// acknowledgingOnce looks for a copy of an update that is acknowledged too, by the clock of the machine, which may be put back.
func (c *checker) acknowledgingOnce(i *instance, uuid []byte, of string) {
	now := i.clock()
	at, before := i.acks[string(uuid)]
	if since := now.Sub(at); before && since >= 0 && since < 5*time.Second {
		c.fail(ackedOnce, "serve %d acknowledges %x of %s again after %v", i.number, uuid, of, since)
	}
	i.acks[string(uuid)] = now
}

func (c *checker) acknowledging(i *instance, call machine.Acknowledge) {
	s, known := c.statuses[string(call.UUID)]
	if !known {
		c.fail(ackedOnce, "serve %d acknowledges %x of %s, which nobody sent", i.number, call.UUID, call.TaskID)
		return
	}
	pod, kind := podOf(call.TaskID)
	record := c.disk.pods[pod]
	if record.Task == nil || record.Task.ID != call.TaskID {
		if ended(s.State) && slices.ContainsFunc(record.Replaced, func(r machine.ReplacedTask) bool { return r.TaskID == call.TaskID }) {
			c.fail(durableAck, "serve %d acknowledges that %s is %s, and the record still waits for that", i.number, call.TaskID, s.State)
		}
		return
	}
	if have := record.Task.State; !outOfSight(have) && progress(have) < progress(s.State) {
		c.fail(durableAck, "serve %d acknowledges that %s is %s, and the record says %s", i.number, call.TaskID, s.State, have)
	}
	if kind == quobyte.Prober && len(s.Data) > 0 && !ended(record.Task.State) && c.disk.hosts[record.Host].Facts == nil {
		c.fail(durableAck, "serve %d acknowledges what %s says of %s, and that is not recorded", i.number, pod, record.Host)
	}
}

// acknowledgingOperation: what Mesos says of how an operation went it forgets once that is acknowledged, so by then no record may wait for it any more.
func (c *checker) acknowledgingOperation(i *instance, call machine.AcknowledgeOperation) {
	s, known := c.outcomes[string(call.UUID)]
	if !known {
		c.fail(ackedOnce, "serve %d acknowledges %x of %s, which nobody sent", i.number, call.UUID, call.OperationID)
		return
	}
	if !settledOperation(s.State) {
		return
	}
	mine := func(o machine.PodOperation) bool { return o.ID == call.OperationID }
	for name, p := range c.disk.pods {
		if slices.ContainsFunc(p.Operations, mine) {
			c.fail(durableAck, "serve %d acknowledges that %s is %s, and the record of %s still waits for that", i.number, call.OperationID, s.State, name)
		}
	}
	for claim, r := range c.disk.releases {
		if slices.ContainsFunc(r.Operations, mine) {
			c.fail(durableAck, "serve %d acknowledges that %s is %s, and the record of what is given back of %s still waits for that", i.number, call.OperationID, s.State, claim)
		}
	}
}

// settledOperation says that nothing else will be told of an operation after a state.
func settledOperation(state string) bool {
	return slices.Contains([]string{"FINISHED", "ERROR", "FAILED", "DROPPED", "GONE_BY_OPERATOR"}, state)
}
