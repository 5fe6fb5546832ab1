package cluster

import (
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"
)

// operatorStream is a subscription to what happens in the cluster. Nothing on it is acknowledged or repeated.
type operatorStream struct {
	id          string
	heartbeatAt time.Time
}

// OperatorSubscribe handles a SUBSCRIBE call of the operator API: the state as it is now, then what changes in it. The
// caller must be ready to carry out effects on the stream when it takes them.
func (c *Cluster) OperatorSubscribe(now time.Time) (stream string, effects []Effect) {
	c.begin(now, Entry{Name: "OperatorSubscribe"})
	o := &operatorStream{id: c.newID(), heartbeatAt: c.now.Add(c.cfg.HeartbeatInterval)}
	c.operators = append(c.operators, o)
	c.outcome(Entry{Stream: o.id})
	interval := c.cfg.HeartbeatInterval.Seconds()
	c.emit(SendToOperator{Stream: o.id, Event: &master.Event{Type: master.Event_SUBSCRIBED,
		Subscribed: &master.Event_Subscribed{GetState: c.State(), HeartbeatIntervalSeconds: &interval}}})
	c.emit(SendToOperator{Stream: o.id, Event: &master.Event{Type: master.Event_HEARTBEAT}})
	return o.id, c.end()
}

// OperatorDisconnect says that the connection of an operator's subscription has ended.
func (c *Cluster) OperatorDisconnect(now time.Time, stream string) []Effect {
	c.begin(now, Entry{Name: "OperatorDisconnect", Stream: stream})
	c.operators = slices.DeleteFunc(c.operators, func(o *operatorStream) bool { return o.id == stream })
	return c.end()
}

func (c *Cluster) operatorHeartbeats() {
	for _, o := range c.operators {
		if !due(o.heartbeatAt, c.now) {
			continue
		}
		c.emit(SendToOperator{Stream: o.id, Event: &master.Event{Type: master.Event_HEARTBEAT}})
		o.heartbeatAt = nextBeat(o.heartbeatAt, c.now, c.cfg.HeartbeatInterval)
	}
}

// tellOperators puts an event on every subscription. It is made only if somebody listens.
func (c *Cluster) tellOperators(event func() *master.Event) {
	if len(c.operators) == 0 {
		return
	}
	made := event()
	for _, o := range c.operators {
		c.emit(SendToOperator{Stream: o.id, Event: made})
	}
}

func (c *Cluster) tellTaskAdded(t *task) {
	c.tellOperators(func() *master.Event {
		return &master.Event{Type: master.Event_TASK_ADDED, TaskAdded: &master.Event_TaskAdded{Task: t.wire()}}
	})
}

func (c *Cluster) tellTaskUpdated(t *task, status mesos.TaskStatus) {
	c.tellOperators(func() *master.Event {
		state := t.known
		return &master.Event{Type: master.Event_TASK_UPDATED, TaskUpdated: &master.Event_TaskUpdated{
			FrameworkID: mesos.FrameworkID{Value: t.framework.id}, Status: status, State: &state,
		}}
	})
}

func (c *Cluster) tellFrameworkAdded(f *framework) {
	c.tellOperators(func() *master.Event {
		return &master.Event{Type: master.Event_FRAMEWORK_ADDED,
			FrameworkAdded: &master.Event_FrameworkAdded{Framework: c.frameworkEvent(f)}}
	})
}

func (c *Cluster) tellFrameworkUpdated(f *framework) {
	c.tellOperators(func() *master.Event {
		return &master.Event{Type: master.Event_FRAMEWORK_UPDATED,
			FrameworkUpdated: &master.Event_FrameworkUpdated{Framework: c.frameworkEvent(f)}}
	})
}

// frameworkEvent is a framework in an event: shorter than in an answer, and with a time of its end that is zero.
func (c *Cluster) frameworkEvent(f *framework) master.Response_GetFrameworks_Framework {
	w := c.frameworkWire(f)
	w.UnregisteredTime = &mesos.TimeInfo{}
	return w
}

func (c *Cluster) tellFrameworkRemoved(f *framework) {
	c.tellOperators(func() *master.Event {
		return &master.Event{Type: master.Event_FRAMEWORK_REMOVED,
			FrameworkRemoved: &master.Event_FrameworkRemoved{FrameworkInfo: f.info}}
	})
}

func (c *Cluster) tellAgentAdded(a *agent) {
	c.tellOperators(func() *master.Event {
		return &master.Event{Type: master.Event_AGENT_ADDED, AgentAdded: &master.Event_AgentAdded{Agent: c.agentWire(a)}}
	})
}

// tellAgentRemoved is for agents that are removed for good: of one that is unreachable operators are not told (recorded).
func (c *Cluster) tellAgentRemoved(a *agent) {
	c.tellOperators(func() *master.Event {
		return &master.Event{Type: master.Event_AGENT_REMOVED,
			AgentRemoved: &master.Event_AgentRemoved{AgentID: mesos.AgentID{Value: a.id}}}
	})
}
