package machine

import (
	"fmt"
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

// runs says whether a pod has a task that is not known to have ended.
func (p *Pod) runs() bool { return p.Task != nil && !p.Task.State.Terminal() }

// stopping says that the task which a plan has stopped is not known to have ended yet.
func (p *Pod) stopping() bool { return p.Stop != nil && p.runs() && p.Task.ID == p.Stop.TaskID }

// owedBy says that the pod was stopped, and that the plan owes it its return.
func (p *Pod) owedBy(plan string) bool {
	return p.Stop != nil && (plan == RecoveryPlan && p.Stop.Left || plan == p.Stop.Plan && !p.Stop.Left)
}

// stop begins to stop a pod for a plan: that is in the records before Mesos hears of it, so that whatever happens next, the plan knows that it owes
// the pod its return. It is forced if that is why the plan lets it be stopped, and not because somebody has once asked for that.
func (m *Machine) stop(now time.Time, plan string, p *Pod, forced bool) {
	now = m.afterRestart(now, p)
	p.Stop = &PodStop{Plan: plan, Run: m.run.Number, At: now, TaskID: p.Task.ID, Reason: m.run.Reason, Forced: forced}
	p.BegunIn, p.BegunAt = m.run.Number, now
	p.Failures, p.NextTry = 0, time.Time{}
	m.stopped[p.Name] = true
	delete(m.drops, p.Name)
	m.touchPod(p)
	m.changed = true
}

// killRetry is the wait before a KILL is sent again, by how often it was: Mesos loses calls in silence. When Mesos has said that the task is
// being killed, the last of these counts: that may take as long as daemons have to end by themselves.
var killRetry = [...]time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute}

// killStopped kills the tasks of pods that plans have stopped, again and again until they have ended. The first time is in the decision after the one
// that has recorded why: that may take long, and whether the pod may be stopped is looked at once more when it is done.
func (m *Machine) killStopped(now time.Time) {
	defer clear(m.stopped)
	if !m.connection.Connected {
		return
	}
	for _, p := range m.order {
		if !p.stopping() {
			continue
		}
		if m.stopped[p.Name] {
			m.wakeAt(now)
			continue
		}
		if due := m.killDue(p); now.Before(due) {
			m.wakeAt(due)
			continue
		}
		if !m.mayStillKill(now, p) {
			continue
		}
		count := m.killed[p.Task.ID].count
		next := now.Add(killRetry[min(count, len(killRetry)-1)])
		m.killed[p.Task.ID] = retry{next: next, count: count + 1}
		delete(m.fits, p.Name) // what was known of that counts for one KILL
		m.wakeAt(next)
		m.calls = append(m.calls, Kill{TaskID: p.Task.ID, AgentID: p.Task.AgentID})
	}
}

// killDue is when the task of a pod that was stopped is to be killed next.
func (m *Machine) killDue(p *Pod) time.Time {
	due := m.killed[p.Task.ID].next
	if p.Task.State == Killing {
		due = later(due, p.Task.StateAt.Add(killRetry[len(killRetry)-1]))
	}
	return due
}

// mayStillKill says whether a task may be killed now. When its stop began that was allowed; now the world may be another one: recording it took long, and another
// pod fell meanwhile; or a registry whose KILL was lost with its agent is back, and by now one of two that keep the quorum. Then the stop is taken back, so that
// the step begins anew, with all that is asked for that, and others may have their turn. Not so if its place is gone, or the settings ask for a larger one by
// now: others may be as large, and the KILL may have got through, so that the pod is ending and costs its budget.
func (m *Machine) mayStillKill(now time.Time, p *Pod) bool {
	if p.Task.State == Killing {
		return true
	}
	if fit, _ := m.fit(now, p); fit != plans.Fits {
		return false
	}
	if p.Stop.Forced {
		return true
	}
	room := m.hasRoom(now, p)
	if room && !m.gated[p.Type] {
		return true
	}
	said, waits := Judgement{}, false
	if room {
		said, waits = m.judge(now, []string{p.Name}, m.standings(now))
	}
	switch {
	case said.Gate == plans.GateOpen:
		return true
	case waits:
		return false
	case p.Task.State.Unproven() || m.unconfirmed(p):
		m.wakeAt(now.Add(killRetry[0])) // nobody knows how it is: it may have ended, and its stop with it
		return false
	}
	p.Stop, p.BegunIn, p.BegunAt = nil, 0, time.Time{}
	if !p.Task.Healthy.IsZero() {
		p.Fallen = time.Time{}
		if !m.outdated(p, m.restartsIn(m.sortedFacts())) { // nobody wants it stopped any more, and it may have become ready since it was
			m.noteReady(now, p)
		}
	}
	delete(m.killed, p.Task.ID)
	m.touchPod(p)
	m.changed = true
	return false
}

// hasRoom says whether the budget has room for a pod that is being stopped, with all that are down by now. One that does not work costs nothing more.
func (m *Machine) hasRoom(now time.Time, p *Pod) bool {
	if p.Task.Healthy.IsZero() {
		return true
	}
	ledger := m.ledger(now)
	for i := range ledger.Pods {
		if s := &ledger.Pods[i]; s.Name == p.Name {
			s.MayServe = true
		}
	}
	return ledger.HasRoom(p.Name, m.sortedFacts())
}

// beingStopped is why a pod that was stopped is not launched yet.
func (m *Machine) beingStopped(now time.Time, p *Pod) []plans.Hold {
	stopping := plans.Hold{
		Code: plans.CodeStopping, Subject: p.Name, Since: p.Stop.At,
		Text: fmt.Sprintf("stopped by %s; waits for the end of task %s on agent %s, which is %s", p.Stop.Plan, p.Task.ID, p.Task.AgentID, p.Task.State),
	}
	if p.Task.State == Killing || now.Before(m.killDue(p)) {
		return []plans.Hold{stopping}
	}
	fit, why := m.fit(now, p)
	switch fit {
	case plans.FitsNot:
		stopping.Text += "; it is not killed, because what takes its place does not fit"
	case plans.FitUnknown:
		stopping.Text += "; it is not killed before it is known that what takes its place fits"
	}
	return append([]plans.Hold{stopping}, why...)
}

// endStop takes note that a pod which was stopped is back for good.
func (m *Machine) endStop(now time.Time, p *Pod) {
	p.Stop = nil
	p.Completed, p.CompletedAt, p.Good, p.Served = p.Task.Target, now, p.Task.Fingerprint, false
	m.touchPod(p)
}

// fitting is what offers said about whether a pod would fit anew.
type fitting struct {
	Fit  plans.Fit   `json:"fit"`
	At   time.Time   `json:"at"`
	Hold *plans.Hold `json:"hold,omitempty"` // why it does not
}

// fit says whether what takes a running pod's place is known to fit: it needs no more than the pod has, or offers of a moment ago had the rest.
func (m *Machine) fit(now time.Time, p *Pod) (plans.Fit, []plans.Hold) {
	if p.Task.Fingerprint == m.service.Fingerprint(p.Type) {
		return plans.Fits, nil
	}
	r := m.ownRequirement(p)
	if (r.Host != "" || len(r.Constraint.Clauses) == 0) && len(r.Volumes) == 0 && p.Task.Took.Contains(demand(r)) {
		return plans.Fits, nil
	}
	known, ok := m.fits[p.Name]
	switch end := known.At.Add(plans.FreshVerdict); {
	case !ok || !now.Before(end):
		return plans.FitUnknown, nil
	default:
		m.wakeAt(end)
	}
	if known.Hold != nil {
		return known.Fit, []plans.Hold{*known.Hold}
	}
	return known.Fit, nil
}

// ownRequirement is what a pod that runs needs beside what is its own wherever it is: its reservations are freed with its task, and the volumes that it has
// stay. Whether those can grow is not looked at.
func (m *Machine) ownRequirement(p *Pod) offers.Requirement {
	r := m.service.Requirement(*p)
	r.Volumes = slices.DeleteFunc(slices.Clone(r.Volumes), p.hasVolume)
	r.Claim = nil
	if len(r.Volumes) > 0 {
		r.Claim = &offers.Claim{Service: m.service.Name(), Framework: m.frameworkID, Principal: m.cfg.Principal, ID: "fit"} // nothing bears this id
	}
	if p.Claim != nil {
		r.Host = p.Host
	}
	return r
}

func (p *Pod) hasVolume(v offers.Volume) bool {
	return p.Claim != nil && slices.ContainsFunc(p.Claim.Volumes, func(has PodVolume) bool { return has.Name == v.Name })
}

// demand is what a requirement takes of offers. Ports of any number are left out: a pod that has some keeps them.
func demand(r offers.Requirement) offers.Quantities {
	q := offers.Quantities{CPUs: r.CPUs + r.Executor.CPUs, Mem: r.Mem + r.Executor.Mem, Disk: r.Disk + r.Executor.Disk}
	var ports []offers.Range
	for _, p := range r.Ports {
		if p.Number != 0 && !p.Offset && !p.Unmanaged {
			ports = append(ports, offers.Range{Begin: p.Number, End: p.Number})
		}
	}
	q.Ports = offers.Normalize(ports)
	return q
}

// tryFits looks at offers for pods of which somebody wants to know whether they fit anew, and says whether anything is known now that was not.
func (m *Machine) tryFits(now time.Time, evaluations []plans.Evaluation) bool {
	clear(m.unfit)
	found := false
	for _, e := range evaluations {
		for _, q := range e.Questions {
			for _, name := range q.Pods {
				p := m.pods[name]
				if !q.Fit || p == nil || !p.runs() {
					continue
				}
				if fit, _ := m.fit(now, p); fit != plans.FitUnknown {
					continue
				}
				found = m.tryFit(now, p) || found
			}
		}
	}
	for _, p := range m.order {
		if m.asksForFit(now, p) {
			found = m.tryFit(now, p) || found
		}
	}
	return found
}

// asksForFit says whether a pod that was stopped is killed as soon as it is known that what takes its place still fits.
func (m *Machine) asksForFit(now time.Time, p *Pod) bool {
	if !p.stopping() || p.Task.State == Killing || p.Task.State.Unproven() || now.Before(m.killDue(p)) {
		return false
	}
	fit, _ := m.fit(now, p)
	return fit == plans.FitUnknown
}

// tryFit looks whether a running pod would fit anew into what is on offer, with what it has. Without an offer of its host, or of any host if it
// belongs to none, nothing is known, and offers are asked for.
func (m *Machine) tryFit(now time.Time, p *Pod) bool {
	r := m.ownRequirement(p)
	pool, seen := m.offersWith(now, p, r)
	if !seen {
		m.unfit[p.Name] = true
		return false
	}
	residents := m.residents(nil)
	for i := range residents {
		if residents[i].Name == p.Name {
			residents = append(residents[:i], residents[i+1:]...)
			break
		}
	}
	result := offers.Place(offers.Round{Requirements: []offers.Requirement{r}, Offers: pool, Pods: residents})[0]
	f := fitting{Fit: plans.Fits, At: now}
	if result.Placement == nil {
		hold := m.refusal(now, p, r, result).hold
		f.Fit, f.Hold = plans.FitsNot, &hold
	}
	m.fits[p.Name] = f
	return true
}

// offersWith are the offers that a pod may use, with what it has itself, and whether there is any of a host that will do.
func (m *Machine) offersWith(now time.Time, p *Pod, r offers.Requirement) (pool []offers.Offer, seen bool) {
	own := false
	for _, o := range m.usableOffers(now) {
		if r.Host != "" && o.Host != r.Host {
			continue
		}
		seen = true
		if o.AgentID == p.Task.AgentID && !own {
			o.Free, own = o.Free.Add(p.Task.Took), true
		}
		pool = append(pool, o)
	}
	return pool, seen
}
