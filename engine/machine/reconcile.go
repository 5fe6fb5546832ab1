package machine

import (
	"fmt"
	"slices"
	"time"
)

// question is a reconciliation that waits for its answer.
type question struct {
	next  time.Time
	asked int
	since time.Time // when it was first put; zero: not yet
	vague bool      // Mesos has answered in this session, and the answer proves nothing
}

// again is the question put anew: how long it is open does not change with that.
func (q question) again(now time.Time) question {
	return question{next: now, since: q.since, vague: q.vague}
}

// silence is after how long without an answer it is clear that Mesos knows nothing of a task. Until an agent that it still waits for has come
// back, or ten minutes are over, it says nothing of its tasks (mesos-traces F63); of one that is marked gone meanwhile it says nothing for ever (MESOS-9739).
const silence = 15 * time.Minute

// stagingPatience is how long a launched task may stay without any update before Mesos is asked about it.
const stagingPatience = 30 * time.Second

// reconcileRetry is the wait for an answer, by the number of times that was asked. Mesos gives none for tasks on agents
// that have not come back after a master failover (mesos-traces F63).
var reconcileRetry = [...]time.Duration{8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second, time.Minute}

// reconcileBatch bounds the tasks in one call.
const reconcileBatch = 1000

// reconcile asks Mesos for the state of tasks: of all of them after every subscription and every ReconcileInterval, and again of
// those that got no answer.
func (m *Machine) reconcile(now time.Time) {
	if !m.connection.Connected {
		return
	}
	all := !now.Before(m.fullAsk)
	m.reconcileOperations(now, all)
	if all {
		m.fullAsk = now.Add(m.cfg.ReconcileInterval)
		for _, p := range m.order {
			if p.Task != nil && !p.Task.State.Terminal() {
				m.asked[p.Task.ID] = m.asked[p.Task.ID].again(now)
			}
		}
		m.askReplaced(now, "")
	}
	m.wakeAt(m.fullAsk)

	var batch []TaskRef
	if all {
		batch = m.strangerRefs()
	}
	for _, ref := range m.inQuestion() {
		q := m.asked[ref.TaskID]
		if now.Before(q.next) {
			m.wakeAt(q.next)
			continue
		}
		batch = append(batch, ref)
		if q.since.IsZero() {
			q.since = now
		}
		if now.Sub(q.since) >= silence {
			q.vague = true
			m.unheard(now, ref.TaskID)
		}
		q.next = now.Add(reconcileRetry[min(q.asked, len(reconcileRetry)-1)])
		q.asked++
		m.asked[ref.TaskID] = q
		m.wakeAt(q.next)
	}
	for part := range slices.Chunk(batch, reconcileBatch) {
		m.calls = append(m.calls, Reconcile{Tasks: part})
	}
	if all || m.hearing.due(now) { // last: an agent of which Mesos knew a task before is among all
		m.calls = append(m.calls, Reconcile{})
		m.hasAsked(now)
	}
}

// inQuestion are the tasks that Mesos is to be asked about: those of pods, in order, then those that were replaced.
func (m *Machine) inQuestion() []TaskRef {
	if len(m.asked) == 0 {
		return nil
	}
	var refs []TaskRef
	add := func(ref TaskRef) {
		if _, open := m.asked[ref.TaskID]; open {
			refs = append(refs, ref)
		}
	}
	for _, p := range m.order {
		if p.Task != nil {
			add(TaskRef{TaskID: p.Task.ID, AgentID: p.Task.AgentID})
		}
	}
	for _, r := range m.sortedReplaced() {
		if p := m.replaced[r.TaskID]; p.Task == nil || p.Task.ID != r.TaskID {
			add(r.TaskRef)
		}
	}
	return refs
}

// unheard notes that Mesos says nothing of a pod's task, however often it is asked.
func (m *Machine) unheard(now time.Time, task string) {
	p := m.byTask[task]
	if p == nil || p.Task.State.Unproven() || p.Task.State.Terminal() {
		return
	}
	m.changed = true
	m.enterState(now, p, TaskStatus{State: Unknown, Source: "FRAMEWORK", Message: fmt.Sprintf("was %s; Mesos has said nothing of it for %s, although it was asked", p.Task.State, silence)})
}
