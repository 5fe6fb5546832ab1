package cluster

import (
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// Messages between schedulers and executors are not acknowledged. Who knows that the other side is not there drops them; into a partition that nobody
// has noticed they are sent, and TCP brings them when it ends.

// heldMessage is one between a scheduler and an executor.
type heldMessage struct {
	framework *framework
	executor  string
	data      []byte
}

// mostHeld is for how long TCP repeats what is not confirmed (Linux: 15 min, about).
const mostHeld = 15 * time.Minute

// messageToExecutor handles a MESSAGE call: lost in silence if there is no such executor.
func (c *Cluster) messageToExecutor(f *framework, message *scheduler.Call_Message) {
	a := c.agentByID(message.AgentID.Value)
	connected := a != nil && a.connected
	c.tally[validity(connected, "framework_to_executor_messages")]++
	m := heldMessage{f, message.ExecutorID.Value, message.Data}
	switch {
	case !connected:
	case a.linked():
		c.deliverMessage(a, m)
	case a.partitioned && a.up:
		a.toExecutors = append(a.toExecutors, m)
	}
}

// deliverMessage is a message that has come to its agent. One that ends gets no more.
func (c *Cluster) deliverMessage(a *agent, m heldMessage) {
	if e := a.executorOf(m.framework, m.executor); e != nil && !e.stopping {
		c.sendExecutor(e, &executor.Event{Type: executor.Event_MESSAGE, Message: &executor.Event_Message{Data: m.data}})
	}
}

// messageToFramework is a message of an executor at its agent, which drops it unless it believes that it is registered: it gives its master up
// when no ping has come for as long as a master waits for it.
func (c *Cluster) messageToFramework(a *agent, m heldMessage) {
	switch {
	case a.linked():
		c.deliverToFramework(a, m)
	case a.partitioned && a.member && c.now.Sub(a.severedAt) < c.cfg.PingTimeout*time.Duration(c.cfg.PingTimeouts):
		a.toFrameworks = append(a.toFrameworks, m)
	}
}

// deliverToFramework is a message that has come to the master, which drops it if it has given the agent up.
func (c *Cluster) deliverToFramework(a *agent, m heldMessage) {
	valid := a.member && m.framework.stream != ""
	c.tally["messages_executor_to_framework"]++
	c.tally[validity(valid, "executor_to_framework_messages")]++
	if !valid {
		return
	}
	c.send(m.framework, &scheduler.Event{Type: scheduler.Event_MESSAGE, Message: &scheduler.Event_Message{
		AgentID: mesos.AgentID{Value: a.id}, ExecutorID: mesos.ExecutorID{Value: m.executor}, Data: m.data,
	}})
}

// loseMessages is the end of a connection with what is still on its way.
func (a *agent) loseMessages() { a.toExecutors, a.toFrameworks = nil, nil }

// releaseMessages is the end of a partition: what was sent into it arrives, before either side says anything else.
func (c *Cluster) releaseMessages(a *agent) {
	toExecutors, toFrameworks := a.toExecutors, a.toFrameworks
	a.loseMessages()
	if c.now.Sub(a.severedAt) > mostHeld {
		return
	}
	for _, m := range toExecutors {
		c.deliverMessage(a, m)
	}
	for _, m := range toFrameworks {
		c.deliverToFramework(a, m)
	}
}
