package machine

import (
	"fmt"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// standing says how a pod stands, by what was heard since the session with Mesos began. What the records of an earlier session say is not
// taken for the present: a pod may have fallen meanwhile. One that fell by itself has to settle, too, before it counts.
func (m *Machine) standing(now time.Time, p *Pod) Standing {
	s := Standing{Name: p.Name, Type: p.Type, Host: p.Host, State: Down, Served: p.Completed != "" || p.Served}
	t := p.Task
	s.Served = s.Served || t != nil && m.mayServe(p, t)
	switch {
	case t == nil:
		s.Text = "was never launched"
	case t.State.Terminal():
		s.Text = "does not run: " + ending(t)
	case p.Stop != nil && p.Stop.TaskID == t.ID:
		s.Text = "is being stopped"
	case t.State.Unproven():
		s.State, s.Text = Unsure, fmt.Sprintf("its task is %s", t.State)
	case t.State != Running || t.Healthy.IsZero():
		s.Text = "is not ready"
		if t.Sick != "" {
			s.Text += ": " + t.Sick
		}
	case m.unconfirmed(p):
		s.State, s.Text = Unsure, "was not heard of since the session with Mesos began"
	case m.silent[p.Host] && m.service.Health(p.Type):
		s.State, s.Text = Unsure, fmt.Sprintf("the %s on %s is silent", m.service.Scout(), p.Host)
	default:
		if end := t.Healthy.Add(m.settle[p.Type]); now.Before(end) {
			m.wakeAt(end)
			s.Text = fmt.Sprintf("is ready since %s, and has not settled", t.Healthy.UTC().Format("15:04:05Z"))
			break // whatever is owed to it: a pod that a plan stopped has settled when it was ready for so long, also if that plan is no more
		}
		s.State = Up
	}
	return s
}

// mayServe says that a task is ready, or may be so without anybody having seen it: it runs, and its host's scout has not said that it is not ready.
func (m *Machine) mayServe(p *Pod, t *PodTask) bool {
	unseen := (t.State == Running || t.State.Unproven()) && t.Sick == "" && m.service.Health(p.Type)
	return !t.Healthy.IsZero() || unseen
}

// noteServed records that a task of the pod was ready, or may have been: from then on it may belong to a quorum, with what is on its device, whatever becomes of
// the task. Of a pod that was completed that is known.
func (m *Machine) noteServed(p *Pod) {
	if p.Completed == "" && !p.Served {
		p.Served = true
		m.touchPod(p)
	}
}

// unseen says that a task, which is about to be in another state, may have been ready without anybody having seen it: it goes out of sight, or it ran and has
// ended, and the scout looks only now and then. What was stopped was known not to be ready. Mesos's word about what ran while nobody listened tells the end alone.
func (p *Pod) unseen(next TaskStatus) bool {
	switch t := p.Task; {
	case next.State.Unproven():
		return true
	case !next.State.Terminal():
		return false
	case t.State == Running || t.State == Killing || t.State.Unproven():
		return !p.stopping() || next.Source != "EXECUTOR"
	}
	ended := next.State == Finished || next.State == Failed || next.State == Killed
	return ended && next.Source == "MASTER"
}

// unconfirmed says that a pod runs and is ready by the records, and that nobody has said so in this session: Mesos was asked about its task and
// has not answered, or the scout that says how it is was not heard yet.
func (m *Machine) unconfirmed(p *Pod) bool {
	if !m.connection.Connected {
		return true
	}
	if _, open := m.asked[p.Task.ID]; open {
		return true
	}
	return m.service.Health(p.Type) && p.Type != m.service.Scout() && m.heardAt[p.Host].Before(m.connection.Since)
}

// standings are those of all pods.
func (m *Machine) standings(now time.Time) []Standing {
	out := make([]Standing, len(m.order))
	for i, p := range m.order {
		out[i] = m.standing(now, p)
	}
	return out
}

// ledger says which pods are down, and how many may be, for those who want to stop one: what is not known to do its work is down. A pod that never ran is so only as
// long as it is going to be launched.
func (m *Machine) ledger(now time.Time) plans.Ledger {
	return m.ledgerOf(func(p *Pod) (down, mayServe bool) {
		down = m.standing(now, p).State != Up && !(p.Task == nil && m.declared(p))
		return down, down && p.runs() && !p.stopping() && !p.Task.Healthy.IsZero()
	})
}

// declared says whether somebody has declared the pod's step complete, in this run and after all that has it done again: nobody launches it.
func (m *Machine) declared(p *Pod) bool {
	phase, step := m.deploy.phase[p.Type], m.stepName(p)
	var forced, again time.Time
	for _, f := range m.facts {
		about := f.Plan == DeployPlan && f.Run == m.run.Number && (f.Phase == "" || f.Phase == phase && (f.Step == "" || f.Step == step))
		switch {
		case !about:
		case f.Kind == plans.Forced:
			forced = later(forced, f.At)
		case f.Kind == plans.Restarted:
			again = later(again, f.At)
		}
	}
	return !forced.IsZero() && !again.After(forced)
}

// ledgerAsRecorded says which pods are down by the records, for those who want to give one up.
func (m *Machine) ledgerAsRecorded() plans.Ledger {
	return m.ledgerOf(func(p *Pod) (down, mayServe bool) {
		return p.Task == nil || p.Stop != nil || p.Task.State != Running || p.Task.Healthy.IsZero(), false
	})
}

func (m *Machine) ledgerOf(state func(*Pod) (down, mayServe bool)) plans.Ledger {
	l := plans.Ledger{Budgets: m.budgets, Pods: make([]plans.PodState, 0, len(m.order))}
	for _, p := range m.podsByName() {
		s := plans.PodState{Name: p.Name, Type: p.Type}
		s.Down, s.MayServe = state(p)
		switch {
		case p.Stop != nil:
			s.Since, s.By = p.Stop.At, p.Stop.Plan
		case p.Task != nil:
			s.Since = p.Task.StateAt
		}
		l.SettledAt = later(l.SettledAt, p.CompletedAt)
		l.Pods = append(l.Pods, s)
	}
	return l
}
