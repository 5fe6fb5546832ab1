package cluster

import (
	"bytes"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// task is what master and agent know of a task until its end is acknowledged.
type task struct {
	id        string
	framework *framework
	agent     *agent
	executor  *executorRun // nil if the agent dropped it
	process   *process     // nil unless one runs, and for those of a custom executor
	group     *group       // nil if it was launched alone
	role      string
	info      mesos.TaskInfo
	resources Resources
	state     mesos.TaskState      // of the last update that was let through to the master
	latest    mesos.TaskState      // as the agent knows it
	known     mesos.TaskState      // as the agent knew it when it last let an update through: what operators are shown
	status    *mesos.TaskStatus    // the last one let through
	statuses  []mesos.TaskStatus   // those let through, for State alone
	kill      *scheduler.Call_Kill // that the master sends again if the agent may have missed it
	acked     [][]byte             // uuids of the last updates of a custom executor that the scheduler has acknowledged
}

// mostAcked is how many an agent is taken to remember (Mesos: all). Executors send again what was under way when their agent ended, which is less.
const mostAcked = 16

func (t *task) acknowledged(uuid []byte) bool {
	return slices.ContainsFunc(t.acked, func(other []byte) bool { return bytes.Equal(other, uuid) })
}

// noteAcknowledged keeps an executor from bringing an update once more.
func (t *task) noteAcknowledged(uuid []byte) {
	if t.executor == nil || t.executor.kind != customExecutor {
		return
	}
	if t.acked = append(t.acked, uuid); len(t.acked) > mostAcked {
		t.acked = t.acked[1:]
	}
}

// taskKey is how an agent knows a task.
func taskKey(f *framework, id string) string { return f.id + "/" + id }

// updates is the queue of status updates of one task at its agent. Only the head is under way; it is repeated until
// it is acknowledged, and the others wait behind it. It is the agent's, and outlives the master.
type updates struct {
	agent     *agent
	framework *framework
	queue     []*update
}

type update struct {
	status  mesos.TaskStatus
	told    bool // to operators, who hear it once
	retryAt time.Time
	wait    time.Duration
}

func terminal(state mesos.TaskState) bool {
	return slices.Contains([]mesos.TaskState{
		mesos.TASK_FINISHED, mesos.TASK_FAILED, mesos.TASK_KILLED, mesos.TASK_ERROR, mesos.TASK_LOST,
		mesos.TASK_DROPPED, mesos.TASK_GONE, mesos.TASK_GONE_BY_OPERATOR,
	}, state)
}

func (c *Cluster) timestamp() *float64 {
	t := float64(c.now.UnixNano()/1000) / 1e6
	return &t
}

func (c *Cluster) status(taskID string, state mesos.TaskState, source mesos.TaskStatus_Source) mesos.TaskStatus {
	return mesos.TaskStatus{
		TaskID: mesos.TaskID{Value: taskID}, State: &state, Source: &source, Timestamp: c.timestamp(),
	}
}

// sendStatus sends an update that is not to be acknowledged.
func (c *Cluster) sendStatus(f *framework, status mesos.TaskStatus) {
	c.send(f, &scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: status}})
}

// word is a new update of a task by the executor that Mesos provides. An update of a task with a check always has
// something of that.
func (p *process) word(c *Cluster, state mesos.TaskState) mesos.TaskStatus {
	status := c.status(p.task.id, state, mesos.SOURCE_EXECUTOR)
	status.UUID = c.newUUID()
	status.AgentID = &mesos.AgentID{Value: p.executor.agent.id}
	status.ExecutorID = &mesos.ExecutorID{Value: p.executor.id}
	status.ContainerStatus = p.containerStatus()
	if p.executor.kind == defaultExecutor && (!p.started || terminal(state)) {
		status.ContainerStatus = &mesos.ContainerStatus{ContainerID: status.ContainerStatus.ContainerID}
	}
	if p.docker() {
		status.ContainerStatus.ExecutorPID = nil
	}
	if check := p.task.info.GetCheck(); check != nil && !p.docker() {
		nothing := emptyCheckStatus(check.Type)
		status.CheckStatus = &nothing
	}
	if terminal(state) && p.executor.unhealthy {
		status.Healthy = new(bool)
	}
	if p.overdue {
		reason := mesos.REASON_MAX_COMPLETION_TIME_REACHED
		status.Reason = &reason
	}
	return status
}

// further is an update with all that the last one of the task has said, but for a Docker container.
func (p *process) further(c *Cluster) mesos.TaskStatus {
	if p.docker() {
		return p.word(c, mesos.TASK_RUNNING)
	}
	status := *p.said
	status.UUID, status.Timestamp = c.newUUID(), c.timestamp()
	return status
}

// say publishes what the executor that Mesos provides says of a task.
func (c *Cluster) say(p *process, status mesos.TaskStatus) {
	p.said = &status
	c.publish(p.executor.framework, p.executor.agent, status)
}

// agentStatus publishes what an agent says of a task by itself. It carries no container status.
func (c *Cluster) agentStatus(t *task, executorID string, state mesos.TaskState, reason mesos.TaskStatus_Reason,
	message string) {
	if (state == mesos.TASK_DROPPED || state == mesos.TASK_GONE) && !t.framework.partitionAware() {
		state = mesos.TASK_LOST
	}
	status := c.status(t.id, state, mesos.SOURCE_AGENT)
	status.UUID = c.newUUID()
	status.Reason, status.Message = &reason, &message
	status.AgentID = &mesos.AgentID{Value: t.agent.id}
	if executorID != "" {
		status.ExecutorID = &mesos.ExecutorID{Value: executorID}
	}
	c.publish(t.framework, t.agent, status)
}

// publish takes an update into the queue of its task. Behind another one it waits, and the master does not know of it
// before that is sent again.
func (c *Cluster) publish(f *framework, a *agent, status mesos.TaskStatus) {
	if c.removed[f.id] {
		return
	}
	a.draining(f, &status)
	key := taskKey(f, status.TaskID.Value)
	u := a.updates.of[key]
	if u == nil {
		u = &updates{agent: a, framework: f}
		a.updates.put(key, u)
	}
	if u.known(status.UUID) {
		return
	}
	if t := a.tasks.of[key]; t != nil && !terminal(t.latest) {
		if t.latest = status.GetState(); terminal(t.latest) {
			c.remount(t)
		}
	}
	u.queue = append(u.queue, &update{status: status, wait: c.cfg.RetryInterval})
	if len(u.queue) == 1 && a.linked() {
		c.forward(u)
	}
}

func (u *updates) known(uuid []byte) bool {
	return slices.ContainsFunc(u.queue, func(q *update) bool { return bytes.Equal(q.status.UUID, uuid) })
}

// free makes available what a task used, as soon as the master knows that it has ended: the update that it hears that from
// may be an earlier one, long before the scheduler sees the last.
func (c *Cluster) free(t *task) {
	t.agent.used = t.agent.used.minus(t.resources.allocated(""))
	c.rounds.request(c.now)
}

// forward lets the head of a queue through: the master notes it and, if the scheduler is there, sends it.
func (c *Cluster) forward(u *updates) {
	f, head := u.framework, u.queue[0]
	head.retryAt = c.now.Add(head.wait)
	status := head.status
	t := f.tasks.of[status.TaskID.Value]
	if t != nil && t.agent != u.agent {
		t = nil
	}
	c.tally["messages_status_update"]++
	c.tally[validity(t != nil && f.stream != "", "status_updates")]++
	if t != nil {
		if terminal(t.latest) && !terminal(t.known) {
			c.free(t)
			c.countEnd(&status) // of an end that is still behind another status nobody counts how it was
			f.count("tasks/terminal/"+strings.ToLower(t.latest.String()), 1)
		}
		t.state, t.known, t.status = status.GetState(), t.latest, &status
		t.note(status)
		if !head.told {
			head.told = true
			c.tellTaskUpdated(t, status)
		}
	}
	c.sendStatus(f, status)
}

// repeatUpdates sends again what nobody acknowledged in time.
func (c *Cluster) repeatUpdates(a *agent) {
	if !a.linked() {
		return
	}
	for _, u := range a.updates.values {
		if head := u.queue[0]; due(head.retryAt, c.now) {
			head.wait = min(2*head.wait, c.cfg.RetryLimit)
			c.forward(u)
		}
	}
	for _, o := range a.operations {
		if due(o.retryAt, c.now) {
			o.wait = min(2*o.wait, c.cfg.RetryLimit)
			c.tellOperation(o)
		}
	}
}

// nextRepetition is when repeatUpdates has something to do.
func (a *agent) nextRepetition() time.Time {
	var next time.Time
	if !a.linked() {
		return next
	}
	for _, u := range a.updates.values {
		next = earlier(next, u.queue[0].retryAt)
	}
	for _, o := range a.operations {
		next = earlier(next, o.retryAt)
	}
	return next
}

// resume has the agents of a framework hear where its scheduler is now.
func (c *Cluster) resume(f *framework) {
	for _, a := range c.agents {
		if a.linked() && a.has(f) {
			c.resumeAgent(a)
		}
	}
}

// resumeAgent sends all heads at once, of whatever framework, as agents do when the master tells them where a scheduler
// is.
func (c *Cluster) resumeAgent(a *agent) {
	for _, key := range a.updates.keys {
		u := a.updates.of[key]
		u.queue[0].wait = c.cfg.RetryInterval
		c.forward(u)
	}
}

// acknowledge removes the head of a queue and lets the next one through. Anything but the head's uuid is ignored.
// With the end acknowledged, the master forgets the task.
func (c *Cluster) acknowledge(f *framework, ack *scheduler.Call_Acknowledge) {
	a := c.agentByID(ack.AgentID.Value)
	linked := a != nil && a.linked()
	c.tally[validity(linked, "status_update_acknowledgements")]++ // what the agent makes of it is another question
	if !linked {
		return
	}
	key := taskKey(f, ack.TaskID.Value)
	u := a.updates.of[key]
	if u == nil || !bytes.Equal(u.queue[0].status.UUID, ack.UUID) {
		return
	}
	done := u.queue[0].status
	if t := a.tasks.of[key]; t != nil {
		t.noteAcknowledged(ack.UUID)
	}
	if u.queue = u.queue[1:]; len(u.queue) > 0 {
		c.forward(u)
		return
	}
	a.updates.drop(key)
	if t := a.tasks.of[key]; t != nil && terminal(t.latest) && terminal(done.GetState()) {
		a.tasks.drop(key)
		if f.tasks.of[t.id] == t {
			c.complete(t)
			c.checkDrained(a)
		}
	}
}

func (c *Cluster) complete(t *task) {
	f := t.framework
	f.completed = append(f.completed, t)
	if surplus := len(f.completed) - c.cfg.CompletedTasks; surplus > 0 {
		f.completed = f.completed[surplus:]
	}
	f.tasks.drop(t.id)
}
