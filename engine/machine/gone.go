package machine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// ReplacedTask is a task that gave way to another one, or was marked gone, while nobody could say whether it ran.
type ReplacedTask struct {
	TaskRef
	// Seen is the state that Mesos told last after the task had shown up again; empty while it has not. Then nobody can take it for gone any more.
	Seen TaskState `json:",omitempty"`
}

// Consent is an operator's word for something that nobody can prove, or that can't be undone.
type Consent struct {
	Verb VerbKind `json:"verb"`
	// TaskID, AgentID and Host say which task it was about and where that was, State what Mesos had said of it.
	TaskID  string    `json:"task_id,omitempty"`
	AgentID string    `json:"agent_id,omitempty"`
	Host    string    `json:"host,omitempty"`
	State   TaskState `json:"state,omitempty"`
	By      string    `json:"by"`
	Reason  string    `json:"reason"`
	At      time.Time `json:"at"`
}

// maxConsents bounds what is kept of what operators have consented to, for a pod.
const maxConsents = 10

// sourceOperator is the source of a state that an operator has vouched for. Mesos has none of that name.
const sourceOperator = "OPERATOR"

// markGone takes the task of a pod for gone because an operator says so. Only of a task of which Mesos has said in this session that it
// does not know can that be said: one that runs is never taken for gone, whatever somebody saw a minute ago. From then on it is never the pod's task again:
// when it shows up it is killed.
func (m *Machine) markGone(now time.Time, v Verb) (AnswerCode, string) {
	p := m.pods[v.Pod]
	switch {
	case p == nil:
		return NotFound, fmt.Sprintf("pod %q: not found", v.Pod)
	case strings.TrimSpace(v.Reason) == "":
		return Invalid, fmt.Sprintf("pod %q: the reason is missing; say why its task is certainly gone, for others to see", v.Pod)
	case m.lingering(p) != nil:
		return m.markReplacedGone(now, p, v)
	case !p.runs() && m.namesake(p) != "":
		return m.markNamesakeGone(now, p, v)
	case p.Task == nil:
		return Already, fmt.Sprintf("pod %q: it has no task; it was never launched", p.Name)
	case p.Task.State.Terminal():
		return Already, fmt.Sprintf("pod %q: its task %s has ended: %s", p.Name, p.Task.ID, ending(p.Task))
	}
	if code, why := m.mayBeGone(p, p.Task.ID, p.Task.State); code != Done {
		return code, why
	}
	t := *p.Task
	m.consent(now, p, v, TaskRef{t.ID, t.AgentID}, t.State)
	m.replace(p, p.Task)
	m.enterState(now, p, TaskStatus{State: Gone, Source: sourceOperator, Message: fmt.Sprintf("was %s, marked gone by %s: %s", t.State, v.Actor, v.Reason)})
	return Done, m.markedGone(p, t.ID, t.AgentID, t.State)
}

// markReplacedGone is the same of a task that was taken for gone already, has shown up again, and is out of sight once more.
func (m *Machine) markReplacedGone(now time.Time, p *Pod, v Verb) (AnswerCode, string) {
	r := m.lingering(p)
	if code, why := m.mayBeGone(p, r.TaskID, r.Seen); code != Done {
		return code, why
	}
	seen := r.Seen
	m.consent(now, p, v, r.TaskRef, seen)
	r.Seen = ""
	m.touchPod(p)
	return Done, m.markedGone(p, r.TaskID, r.AgentID, seen)
}

// markNamesakeGone is the same of a task that is on no record and keeps the pod back. From then on it is one that gave way: it is killed if it shows up.
func (m *Machine) markNamesakeGone(now time.Time, p *Pod, v Verb) (AnswerCode, string) {
	id := m.namesake(p)
	s := m.strangers[id]
	switch {
	case !s.State.Unproven():
		return Refused, fmt.Sprintf("pod %q: task %s, which is on no record, is %s, by Mesos's word; end it: task kill %s", p.Name, id, s.State, id)
	case !m.connection.Connected || now.Before(m.connection.Since.Add(hearsFirst)):
		return Refused, fmt.Sprintf("pod %q: task %s, which is on no record and was %s, may have shown up again: Mesos was not asked in this session, or has not had the time to answer; try again in %s",
			p.Name, id, s.State, hearsFirst)
	}
	task := TaskRef{TaskID: id, AgentID: s.Agent}
	m.consent(now, p, v, task, s.State)
	delete(m.strangers, id)
	m.giveWay(p, task)
	return Done, m.markedGone(p, id, s.Agent, s.State)
}

// mayBeGone says Done if an operator may take a task for gone.
func (m *Machine) mayBeGone(p *Pod, task string, state TaskState) (AnswerCode, string) {
	q := m.asked[task]
	switch {
	case !state.Unproven() && !q.since.IsZero():
		return Refused, fmt.Sprintf("pod %q: its task %s was %s, and Mesos, which was asked first at %s, has not said how it is; after %s of silence it counts as %s, and can be marked gone",
			p.Name, task, state, q.since.UTC().Format("15:04:05Z"), silence, Unknown)
	case !state.Unproven():
		return Refused, fmt.Sprintf("pod %q: its task %s is %s, by Mesos's word; only one of which Mesos can't say whether it runs (%s, %s, %s, %s) can be marked gone",
			p.Name, task, state, Lost, Unreachable, Unknown, GoneByOperator)
	case !m.connection.Connected:
		return Refused, fmt.Sprintf("pod %q: there is no session with a Mesos master, so its task %s, which was %s, may have shown up again meanwhile", p.Name, task, state)
	case !q.vague:
		return Refused, fmt.Sprintf("pod %q: Mesos was asked about its task %s, which was %s, and has not answered since the session began; try again when it has",
			p.Name, task, state)
	}
	return Done, ""
}

func (m *Machine) markedGone(p *Pod, task, agent string, state TaskState) string {
	next := "the pod is placed anew"
	switch {
	case m.excepted(p):
		next = "the pod has no part in plans until it is included again"
	case p.Bound:
		next = "the pod is launched again on host " + p.Host
	}
	return fmt.Sprintf("pod %q: task %s on agent %s, which was %s, is taken for gone; %s, and the task is killed if it shows up", p.Name, task, agent, state, next)
}

// consent puts an operator's word on record.
func (m *Machine) consent(now time.Time, p *Pod, v Verb, task TaskRef, state TaskState) {
	c := Consent{Verb: v.Kind, TaskID: task.TaskID, AgentID: task.AgentID, Host: p.Host, State: state, By: v.Actor, Reason: v.Reason, At: now}
	p.Consents = append(slices.Clone(p.Consents), c) // readers may have the old ones
	if n := len(p.Consents); n > maxConsents {
		p.Consents = p.Consents[n-maxConsents:]
	}
	m.touchPod(p)
}

// whoKnows says what somebody can do who knows that a pod's task is gone.
func whoKnows(p *Pod) string {
	return fmt.Sprintf("if it is gone for certain, say so: pod mark-gone %s --reason …", p.Name)
}

// replace notes that a task gives way, and may still run.
func (m *Machine) replace(p *Pod, t *PodTask) {
	m.giveWay(p, TaskRef{TaskID: t.ID, AgentID: t.AgentID})
}

func (m *Machine) giveWay(p *Pod, task TaskRef) {
	p.Replaced = append(p.Replaced, ReplacedTask{TaskRef: task})
	m.replaced[task.TaskID] = p
	m.touchPod(p)
}

func (m *Machine) forgetReplaced(p *Pod, id string) {
	delete(m.replaced, id)
	delete(m.killed, id)
	delete(m.asked, id)
	p.Replaced = slices.DeleteFunc(p.Replaced, func(r ReplacedTask) bool { return r.TaskID == id })
	m.touchPod(p)
}

// replacedTask returns what is on record of a task that gave way; nil if nothing is.
func (p *Pod) replacedTask(id string) *ReplacedTask {
	for i := range p.Replaced {
		if p.Replaced[i].TaskID == id {
			return &p.Replaced[i]
		}
	}
	return nil
}

// takeReplaced notes what Mesos says of a task that gave way: when it has ended it is forgotten, and when it has shown up it is killed.
func (m *Machine) takeReplaced(now time.Time, p *Pod, s TaskStatus) {
	r := p.replacedTask(s.TaskID)
	switch {
	case s.State.Terminal():
		m.forgetReplaced(p, s.TaskID)
		return
	case s.State.Unproven() && r.Seen == "": // as was said; it is asked about again when there is a reason to
		delete(m.asked, s.TaskID)
		return
	}
	m.answered(now, s)
	if r.Seen == "" || r.Seen.Unproven() {
		delete(m.killed, s.TaskID) // at once, however often it was killed when it was in sight last
	}
	if r.Seen != s.State {
		r.Seen = s.State
		m.touchPod(p)
	}
}

// askReplaced has Mesos asked about the tasks that gave way on an agent that has come into sight, or on all: of one that lives Mesos tells
// unasked only sometimes (mesos-traces F63), and of one that has ended never.
func (m *Machine) askReplaced(now time.Time, agent string) {
	for id, p := range m.replaced {
		if r := p.replacedTask(id); agent == "" || r.AgentID == agent {
			m.asked[id] = m.asked[id].again(now)
		}
	}
}

// sortedReplaced are the tasks that gave way, by id.
func (m *Machine) sortedReplaced() []ReplacedTask {
	if len(m.replaced) == 0 {
		return nil
	}
	out := make([]ReplacedTask, 0, len(m.replaced))
	for id, p := range m.replaced {
		out = append(out, *p.replacedTask(id))
	}
	slices.SortFunc(out, func(a, b ReplacedTask) int { return strings.Compare(a.TaskID, b.TaskID) })
	return out
}

// killReplaced kills tasks that gave way and have shown up again, until they have ended.
func (m *Machine) killReplaced(now time.Time) {
	if !m.connection.Connected {
		return
	}
	for _, r := range m.sortedReplaced() {
		if r.Seen == "" || r.Seen.Unproven() {
			continue
		}
		last := m.killed[r.TaskID]
		if now.Before(last.next) {
			m.wakeAt(last.next)
			continue
		}
		next := now.Add(killRetry[min(last.count, len(killRetry)-1)])
		m.killed[r.TaskID] = retry{next: next, count: last.count + 1}
		m.wakeAt(next)
		m.calls = append(m.calls, Kill{TaskID: r.TaskID, AgentID: r.AgentID})
	}
}

// lingering is a task that gave way, has shown up again and is not known to have ended since, so that the pod must not be launched; nil if there is
// none. Of one that is out of sight once more nobody knows: pods that hold no device do not wait for that.
func (m *Machine) lingering(p *Pod) *ReplacedTask {
	device := p.Bound && p.Type != m.service.Scout()
	for i := range p.Replaced {
		if seen := p.Replaced[i].Seen; seen != "" && (device || !seen.Unproven()) {
			return &p.Replaced[i]
		}
	}
	return nil
}

// lingers is why a pod is not launched although its last task has ended.
func (m *Machine) lingers(p *Pod) plans.Hold {
	r := m.lingering(p)
	hold := plans.Hold{Code: plans.CodeStopping, Subject: r.TaskID}
	if p.Task != nil {
		hold.Since = p.Task.StateAt
	}
	hold.Text = fmt.Sprintf("task %s was taken for gone, has shown up again on agent %s, and is killed; waits for its end; it is %s", r.TaskID, r.AgentID, r.Seen)
	if r.Seen.Unproven() {
		hold.Code = plans.CodeUnknownTask
		hold.Text = fmt.Sprintf("task %s was taken for gone, has shown up again on agent %s, and is %s: it may still run; waits until Mesos says that it is gone; %s",
			r.TaskID, r.AgentID, r.Seen, whoKnows(p))
	}
	return hold
}
