package machine

import (
	"time"
)

// question is a reconciliation that waits for its answer.
type question struct {
	next  time.Time
	asked int
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
				m.asked[p.Task.ID] = question{next: now}
			}
		}
		m.calls = append(m.calls, Reconcile{})
	}
	m.wakeAt(m.fullAsk)

	var batch []TaskRef
	for _, p := range m.order {
		if p.Task == nil {
			continue
		}
		q, open := m.asked[p.Task.ID]
		if !open {
			continue
		}
		if now.Before(q.next) {
			m.wakeAt(q.next)
			continue
		}
		batch = append(batch, TaskRef{TaskID: p.Task.ID, AgentID: p.Task.AgentID})
		wait := reconcileRetry[min(q.asked, len(reconcileRetry)-1)]
		m.asked[p.Task.ID] = question{next: now.Add(wait), asked: q.asked + 1}
		m.wakeAt(now.Add(wait))
		if len(batch) == reconcileBatch {
			m.calls = append(m.calls, Reconcile{Tasks: batch})
			batch = nil
		}
	}
	if len(batch) > 0 {
		m.calls = append(m.calls, Reconcile{Tasks: batch})
	}
}
