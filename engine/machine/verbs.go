package machine

import (
	"fmt"
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// verbKinds are the verbs that the machine carries out.
var verbKinds = []VerbKind{Start, Stop, Restart, Pause, Resume, Force, Except, Include, Break, Unbreak}

// takeVerb carries out what an operator asks for, or says why not. The answer is given when the change is durable.
func (m *Machine) takeVerb(now time.Time, v Verb) {
	m.urgent = true
	code, message := m.carryOut(now, v)
	m.answers = append(m.answers, Answer{ID: v.ID, Code: code, Message: message})
}

func (m *Machine) carryOut(now time.Time, v Verb) (AnswerCode, string) {
	switch v.Kind {
	case KillTask:
		return m.killTask(v)
	case MarkGone:
		return m.markGone(now, v)
	case Replace:
		return m.replacePod(now, v)
	case ReleaseLeftover:
		return m.releaseLeftover(now, v)
	case CancelRelease:
		return m.cancelRelease(v)
	case ForgetReservations:
		return m.forgetReservations(now, v)
	}
	if !slices.Contains(verbKinds, v.Kind) {
		return Invalid, fmt.Sprintf("verb %q: unknown", v.Kind)
	}
	if v.Plan == "" && (v.Kind == Except || v.Kind == Include) {
		v.Plan = DeployPlan // what is said of a pod counts in all plans
	}
	in, ok := m.planInput(now, v.Plan)
	if !ok {
		return NotFound, fmt.Sprintf("plan %q: not found; there are %s and %s", v.Plan, DeployPlan, RecoveryPlan)
	}
	in.Ledger = m.ledgerAsRecorded()
	if v.Kind == Except {
		in.Verdicts = m.verdictOf(now, v.Pod)
	}
	r := plans.Apply(in, plans.Verb{
		Kind: v.Kind, Plan: in.Definition.Name, Phase: v.Phase, Step: v.Step, Pod: v.Pod, When: v.When, Force: v.Force,
		Actor: v.Actor, Reason: v.Reason, Revision: v.Revision,
	})
	for _, f := range r.Delete {
		m.forget(f)
	}
	for _, f := range r.Put {
		m.remember(f)
	}
	if in.Definition.Name == DeployPlan && r.Code == Done {
		m.followRun(v.Kind, r)
	}
	return r.Code, r.Text
}

// followRun records the run that a verb has led to.
func (m *Machine) followRun(kind VerbKind, r plans.Reply) {
	if r.Ended != nil {
		m.archive(*r.Ended)
	}
	if kind == Start {
		r.Run.FrozenAt = time.Time{} // its members are searched for
	}
	m.setRun(r.Run)
	m.forgetExpired()
}

// verdictOf is what the service says about a pod that is to be given up.
func (m *Machine) verdictOf(now time.Time, pod string) []plans.Verdict {
	said := m.service.Judge([]string{pod}, m.standings(now))
	return []plans.Verdict{{Pods: []string{pod}, Gate: said.Gate, Code: said.Code, Text: said.Text, AskedAt: now, Since: now}}
}

// killTask kills a task that no pod has. It is a stranger until Mesos says that it has ended; a KILL that was lost is given
// again by saying it again.
func (m *Machine) killTask(v Verb) (AnswerCode, string) {
	id := v.Task
	if p := m.byTask[id]; p != nil {
		return Refused, fmt.Sprintf("task %q: is the task of pod %s; only tasks that belong to no pod are killed so", id, p.Name)
	}
	task, ok := m.strangers[id]
	if !ok {
		return NotFound, fmt.Sprintf("task %q: not among the tasks that belong to no pod", id)
	}
	if !m.connection.Connected {
		return Refused, fmt.Sprintf("task %q: there is no session with a Mesos master that it could be killed by", id)
	}
	m.calls = append(m.calls, Kill{TaskID: id, AgentID: task.Agent})
	m.taskKills = append(m.taskKills, taskKill{v.ID, id})
	said := fmt.Sprintf("task %q: Mesos is asked to kill it on agent %s", id, task.Agent)
	if task.State.Unproven() {
		said += fmt.Sprintf("; it is %s, so that may come to nothing: say so again when it has shown up", task.State)
	}
	return Done, said
}

// taskKill is a task that an operator has killed, and the verb that says so.
type taskKill struct {
	verb uint64
	task string
}

// notKilled: the session ends before Mesos was asked to kill what operators want killed. On record is nothing of that, so they have to say it again.
func (m *Machine) notKilled() {
	for _, k := range m.taskKills {
		i := slices.IndexFunc(m.answers, func(a Answer) bool { return a.ID == k.verb && a.Code == Done })
		if i >= 0 {
			m.answers[i].Code = Refused
			m.answers[i].Message = fmt.Sprintf("task %q: the session with the Mesos master has ended before it could be asked to kill it; try again when there is one", k.task)
		}
	}
	m.taskKills = nil
}

// forgetReservations takes from a pod's record what is reserved for it: if that is gone for good, the pod would wait for it without
// end. What is still there is left as it is, and told among the warnings.
func (m *Machine) forgetReservations(now time.Time, v Verb) (AnswerCode, string) {
	name, p := v.Pod, m.pods[v.Pod]
	switch {
	case p == nil:
		return NotFound, fmt.Sprintf("pod %q: not found", name)
	case p.Claim == nil:
		return Already, fmt.Sprintf("pod %q: nothing is recorded as reserved for it", name)
	case p.Task != nil && p.Task.State.Unproven() && !v.Force:
		return Refused, fmt.Sprintf("pod %q: its task is %s and may use what is reserved; with force that is forgotten all the same", name, p.Task.State)
	case p.Task != nil && !p.Task.State.Terminal() && !p.Task.State.Unproven():
		return Refused, fmt.Sprintf("pod %q: its task is %s and uses what is reserved", name, p.Task.State)
	case len(p.Claim.Volumes) > 0 && !v.Force:
		return Refused, fmt.Sprintf("pod %q: has %d volumes with its data on host %s; with force new ones are made, and those are left as they are",
			name, len(p.Claim.Volumes), p.Claim.Host)
	}
	var task TaskRef
	var state TaskState
	if t := p.Task; t != nil {
		task, state = TaskRef{t.ID, t.AgentID}, t.State
		t.Claim = nil
	}
	host, ports := p.Claim.Host, ""
	if len(p.Claim.Held.Ports) > 0 {
		ports = " with its ports, for which the pod then waits"
	}
	p.Claim = nil
	m.forgetOperations(p)
	m.consent(now, p, v, task, state)
	return Done, fmt.Sprintf("pod %q: its resources are reserved anew when it is launched next; what is still reserved for it on host %s stays so%s; to give it back: host release %s --reason …",
		name, host, ports, host)
}

// planInput is what a plan, known by its name or id, is evaluated from.
func (m *Machine) planInput(now time.Time, name string) (plans.Input, bool) {
	for _, in := range m.planInputs(now) {
		if in.Definition.Name == name || plans.ID(in.Definition.Service, in.Definition.Name, "", "").String() == name {
			return in, true
		}
	}
	return plans.Input{}, false
}

func (m *Machine) remember(f plans.Fact) {
	key := factKey(f)
	m.facts[key] = f
	m.dirty[key] = true
	delete(m.deleted, key)
}

func (m *Machine) forget(f plans.Fact) {
	key := factKey(f)
	delete(m.facts, key)
	delete(m.dirty, key)
	m.deleted[key] = true
}

func factKey(f plans.Fact) string { return prefixFact + f.Key() }

// forgetExpired forgets what was said about earlier runs.
func (m *Machine) forgetExpired() {
	for _, f := range plans.Expired(m.sortedFacts(), DeployPlan, m.run) {
		m.forget(f)
	}
}

// excepted says whether an operator has left a pod out of all plans.
func (m *Machine) excepted(p *Pod) bool {
	_, ok := m.facts[factKey(plans.Fact{Kind: plans.Excepted, Pod: p.Name})]
	return ok
}
