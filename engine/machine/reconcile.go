package machine

import (
	"slices"
	"time"
)

// question is a reconciliation that waits for its answer.
type question struct {
	next  time.Time
	asked int
	vague bool // Mesos has answered in this session, and the answer proves nothing
}

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
				m.asked[p.Task.ID] = question{next: now, vague: m.asked[p.Task.ID].vague}
			}
		}
		m.askReplaced(now, "")
		m.calls = append(m.calls, Reconcile{})
	}
	m.wakeAt(m.fullAsk)

	var batch []TaskRef
	for _, ref := range m.inQuestion() {
		q := m.asked[ref.TaskID]
		if now.Before(q.next) {
			m.wakeAt(q.next)
			continue
		}
		batch = append(batch, ref)
		q.next = now.Add(reconcileRetry[min(q.asked, len(reconcileRetry)-1)])
		q.asked++
		m.asked[ref.TaskID] = q
		m.wakeAt(q.next)
	}
	for part := range slices.Chunk(batch, reconcileBatch) {
		m.calls = append(m.calls, Reconcile{Tasks: part})
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
