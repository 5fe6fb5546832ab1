package cluster

import (
	"errors"
	"fmt"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// ValidateExecutorCall checks what an agent checks of any executor call before it looks at who calls. The error is
// what it puts behind "Failed to validate Executor::Call: ".
func ValidateExecutorCall(call *executor.Call) error {
	switch call.Type {
	case executor.Call_SUBSCRIBE:
		if call.Subscribe == nil {
			return errors.New("Expecting 'subscribe' to be present")
		}
	case executor.Call_UPDATE:
		return validateExecutorUpdate(call)
	case executor.Call_MESSAGE:
		if call.Message == nil {
			return errors.New("Expecting 'message' to be present")
		}
	case executor.Call_HEARTBEAT:
	default:
		return errors.New("Expecting 'type' to be present")
	}
	return nil
}

func validateExecutorUpdate(call *executor.Call) error {
	if call.Update == nil {
		return errors.New("Expecting 'update' to be present")
	}
	status := &call.Update.Status
	id, framework := call.ExecutorID.Value, call.FrameworkID.Value
	switch {
	case status.UUID == nil:
		return errors.New("Expecting 'uuid' to be present")
	case len(status.UUID) != uuidBytes:
		return errors.New("Not a valid UUID")
	case status.ExecutorID != nil && status.ExecutorID.Value != id:
		return fmt.Errorf("ExecutorID in Call: %s does not match ExecutorID in TaskStatus: %s",
			id, status.ExecutorID.Value)
	case status.GetSource() != mesos.SOURCE_EXECUTOR:
		return fmt.Errorf("Received Call from executor %s of framework %s with invalid source, expecting "+
			"'SOURCE_EXECUTOR'", id, framework)
	case status.GetState() == mesos.TASK_STAGING:
		return fmt.Errorf("Received TASK_STAGING from executor %s of framework %s which is not allowed", id, framework)
	}
	return validateCheckStatus(status.CheckStatus)
}

func validateCheckStatus(status *mesos.CheckStatusInfo) error {
	if status == nil {
		return nil
	}
	if status.Type == nil {
		return errors.New("CheckStatusInfo must specify 'type'")
	}
	var body string
	var set bool
	switch *status.Type {
	case mesos.CheckInfo_COMMAND:
		body, set = "command", status.Command != nil
	case mesos.CheckInfo_HTTP:
		body, set = "http", status.HTTP != nil
	case mesos.CheckInfo_TCP:
		body, set = "tcp", status.TCP != nil
	default:
		return fmt.Errorf("'%s' is not a valid check's status type", status.Type)
	}
	if !set {
		return fmt.Errorf("Expecting '%s' to be set for %s check's status", body, status.Type)
	}
	return nil
}

// ExecutorSubscribe handles a SUBSCRIBE call of an executor that passed ValidateExecutorCall. If the answer is 200 it
// gives the stream that the effects use.
func (c *Cluster) ExecutorSubscribe(now time.Time, agentID string, call *executor.Call) (string, Answer, []Effect) {
	c.begin(now, Entry{Name: "ExecutorSubscribe", Agent: agentID, Framework: call.FrameworkID.Value, About: call})
	e, answer := c.callingExecutor(agentID, call)
	if e == nil {
		c.outcome(Entry{Answer: answer})
		return "", answer, c.end()
	}
	if e.stream != "" {
		c.emit(CloseExecutor{Stream: e.stream})
	}
	e.subscribed = true
	e.stream, e.registerBy, e.heartbeatAt = c.newID(), time.Time{}, c.now.Add(executorHeartbeat)
	c.outcome(Entry{Stream: e.stream, Answer: Answer{Status: statusOK}})
	if e.stopping {
		c.sendExecutor(e, &executor.Event{Type: executor.Event_SHUTDOWN})
		c.killLater(e)
		return e.stream, Answer{Status: statusOK}, c.end()
	}
	c.sendExecutor(e, &executor.Event{Type: executor.Event_SUBSCRIBED, Subscribed: &executor.Event_Subscribed{
		ExecutorInfo: e.info, FrameworkInfo: e.framework.info, AgentInfo: e.agent.info(),
		ContainerID: &mesos.ContainerID{Value: e.container},
	}})
	for i := range call.Subscribe.UnacknowledgedUpdates {
		c.executorUpdate(e, call.Subscribe.UnacknowledgedUpdates[i].Status)
	}
	c.dropUnheard(e, call.Subscribe.UnacknowledgedTasks)
	c.sendLaunches(e, e.queued)
	e.queued = nil
	return e.stream, Answer{Status: statusOK}, c.end()
}

// dropUnheard ends the tasks of an executor that is back after its agent was started again, and has not heard of them: their launch was lost with
// the agent before.
func (c *Cluster) dropUnheard(e *executorRun, known []mesos.TaskInfo) {
	if !e.returning {
		return
	}
	e.returning = false
	for _, t := range e.live() {
		heard := slices.ContainsFunc(known, func(info mesos.TaskInfo) bool { return info.TaskID.Value == t.id })
		if t.latest == mesos.TASK_STAGING && !heard && !slices.Contains(e.queued, t) {
			c.agentStatus(t, e.id, mesos.TASK_DROPPED, mesos.REASON_AGENT_RESTARTED, "Task launched during agent restart")
		}
	}
}

// FindExecutor tells whether an agent has the executor that makes a call, as the calls themselves do: the status is 202 if so. It changes nothing.
func (c *Cluster) FindExecutor(agentID string, call *executor.Call) Answer {
	_, answer := c.callingExecutor(agentID, call)
	return answer
}

func (c *Cluster) callingExecutor(agentID string, call *executor.Call) (*executorRun, Answer) {
	a := c.host(agentID)
	if a == nil {
		return nil, Answer{Status: statusBadRequest, Text: "Agent cannot be found"}
	}
	unready := Answer{Status: statusUnavailable, Text: "Agent has not finished recovery"}
	switch {
	case !a.up || c.now.Before(a.recovering):
		return nil, unready
	case call.Type == executor.Call_HEARTBEAT: // of anybody
		return nil, Answer{Status: statusAccepted}
	case call.Type != executor.Call_SUBSCRIBE && c.now.Before(a.recovered): // executors may come back, and wait
		return nil, unready
	}
	e := a.executors.of[executorKey(call.FrameworkID.Value, call.ExecutorID.Value)]
	switch {
	case e != nil && e.kind == customExecutor:
		return e, Answer{Status: statusAccepted}
	case c.identities[call.FrameworkID.Value] == nil || c.removed[call.FrameworkID.Value]:
		return nil, refused("Framework cannot be found")
	}
	return nil, refused("Executor cannot be found")
}

// ExecutorCall handles UPDATE, MESSAGE and HEARTBEAT of an executor that passed ValidateExecutorCall.
func (c *Cluster) ExecutorCall(now time.Time, agentID string, call *executor.Call) (Answer, []Effect) {
	c.begin(now, Entry{Name: "ExecutorCall", Agent: agentID, Framework: call.FrameworkID.Value, About: call})
	e, answer := c.callingExecutor(agentID, call)
	switch {
	case e == nil:
		return c.answered(answer)
	case !e.subscribed: // since its agent has started; nobody minds that its connection has ended
		return c.answered(Answer{Status: statusForbidden, Text: "Executor is not subscribed"})
	}
	switch call.Type {
	case executor.Call_UPDATE:
		c.executorUpdate(e, call.Update.Status)
	case executor.Call_MESSAGE:
		c.messageToFramework(e.agent, heldMessage{e.framework, e.id, call.Message.Data})
	}
	return c.answered(Answer{Status: statusAccepted})
}

// ExecutorDisconnect says that the connection of an executor's subscription has ended; its process may go on and
// subscribe again.
func (c *Cluster) ExecutorDisconnect(now time.Time, stream string) []Effect {
	c.begin(now, Entry{Name: "ExecutorDisconnect", Stream: stream})
	for _, a := range c.hosts {
		for _, id := range a.executors.keys {
			if e := a.executors.of[id]; stream != "" && e.stream == stream {
				e.stream = ""
			}
		}
	}
	return c.end()
}

// executorUpdate stores an update and acknowledges it to the executor at once: that means "stored by the agent" and
// has nothing to do with the scheduler's acknowledgement (F44). One of a task that the executor has not got is passed on
// and never acknowledged to it (trace 06).
func (c *Cluster) executorUpdate(e *executorRun, status mesos.TaskStatus) {
	t := e.agent.tasks.of[taskKey(e.framework, status.TaskID.Value)]
	known := t != nil && t.executor == e
	if known {
		c.sendExecutor(e, &executor.Event{Type: executor.Event_ACKNOWLEDGED, Acknowledged: &executor.Event_Acknowledged{
			TaskID: status.TaskID, UUID: status.UUID,
		}})
	}
	if known && (terminal(t.latest) || t.acknowledged(status.UUID)) {
		return // it comes too late, or is known to the scheduler for long
	}
	status.AgentID = &mesos.AgentID{Value: e.agent.id}
	status.ExecutorID = &mesos.ExecutorID{Value: e.id}
	if status.Timestamp == nil {
		status.Timestamp = c.timestamp()
	}
	if known && status.ContainerStatus == nil {
		status.ContainerStatus = e.processes[0].containerStatus()
	}
	c.publish(e.framework, e.agent, status)
}

// deliverTo brings tasks to an executor as soon as it listens.
func (c *Cluster) deliverTo(e *executorRun, tasks ...*task) {
	switch {
	case e.kind == defaultExecutor && e.processes[0].started:
		c.startGroups(e, tasks)
	case e.stream != "":
		c.sendLaunches(e, tasks)
	default:
		e.queued = append(e.queued, tasks...)
	}
}

func (c *Cluster) sendLaunches(e *executorRun, tasks []*task) {
	for i, t := range tasks {
		switch {
		case t.group == nil:
			c.sendExecutor(e, &executor.Event{Type: executor.Event_LAUNCH, Launch: &executor.Event_Launch{Task: t.info}})
		case i == 0 || tasks[i-1].group != t.group:
			launch := &executor.Event_LaunchGroup{}
			for _, member := range t.group.tasks {
				launch.TaskGroup.Tasks = append(launch.TaskGroup.Tasks, member.info)
			}
			c.sendExecutor(e, &executor.Event{Type: executor.Event_LAUNCH_GROUP, LaunchGroup: launch})
		}
	}
}

func (c *Cluster) sendExecutor(e *executorRun, event *executor.Event) {
	if e.stream != "" {
		c.emit(SendToExecutor{Stream: e.stream, Event: event})
	}
}

// executorEnded tells of the end of a custom or default executor: one FAILURE, whatever the reason, and one update for
// each of its tasks that had not ended.
func (c *Cluster) executorEnded(e *executorRun, p *process, exit Exit) {
	if e.stream != "" {
		c.emit(CloseExecutor{Stream: e.stream})
		e.stream = ""
	}
	if e.agent.linked() {
		status := int32(exit.Status)
		c.tally["messages_exited_executor"]++
		c.send(e.framework, &scheduler.Event{Type: scheduler.Event_FAILURE, Failure: &scheduler.Event_Failure{
			AgentID:    &mesos.AgentID{Value: e.agent.id},
			ExecutorID: &mesos.ExecutorID{Value: e.id},
			Status:     &status,
		}})
	}
	for _, t := range e.live() {
		c.agentStatus(t, e.id, p.outcome, p.reason, p.message)
	}
	if e.agent.linked() {
		e.agent.used = e.agent.used.minus(e.resources.allocated(""))
	}
	e.resources = Resources{}
	c.dropExecutor(e)
	c.rounds.request(c.now)
}

func (p *process) containerStatus() *mesos.ContainerStatus {
	ip, protocol, pid := p.executor.agent.ip, mesos.IPv4, p.pid
	id := &mesos.ContainerID{Value: p.container}
	if parent := p.parent(); parent != "" {
		id.Parent = &mesos.ContainerID{Value: parent}
	}
	return &mesos.ContainerStatus{
		ContainerID: id,
		NetworkInfos: []mesos.NetworkInfo{{
			IPAddresses: []mesos.NetworkInfo_IPAddress{{IPAddress: &ip, Protocol: &protocol}},
		}},
		ExecutorPID: &pid,
	}
}
