package machine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// discover starts runs of the deploy plan and freezes their members: "all hosts" is never known, so a run takes in hosts
// until the declared minimums are met and nobody new came for the discovery window.
func (m *Machine) discover(now time.Time) {
	if !m.surveyed {
		m.survey, m.surveyed = m.service.Survey(m.reported()), true
		m.compared = comparison{}
	}
	switch {
	case m.run.Number == 0:
		m.startRun(now, "first install")
	case m.run.Target != m.target.ID:
		m.startRun(now, "the settings have changed")
	case m.run.Ended() && m.run.Outcome != plans.Stopped && m.hasNewcomers(now): // who has stopped it starts it
		m.startRun(now, "newcomers")
	}
	m.passOn(now)
	if !m.run.FrozenAt.IsZero() {
		return
	}
	m.joinHosts()
	if len(m.waitingForMembers(now)) == 0 && !m.pausedDiscovery() {
		m.freeze(now)
	}
}

func (m *Machine) startRun(now time.Time, reason string) {
	run, ended := plans.Start(m.run, plans.Beginning{Target: m.target.ID, Provenance: m.target.By, Actor: "framework", Reason: reason, Now: now})
	if ended != nil {
		m.archive(*ended)
	}
	m.setRun(run)
	m.forgetExpired()
}

// passOn leaves to recovery what was launched, and is down before it was ever ready, and that deploy does not bring back: somebody has declared its step complete.
// Of a quorum also what another one of its type may need to become ready or to be stopped, for it may belong to the quorum all the same: whatever deploy has to do
// first, which the recovery of the other one may hold, it does not wait for.
func (m *Machine) passOn(now time.Time) {
	m.stepsOfDeploy()
	for _, p := range m.order {
		down := p.Task != nil && (p.Task.State.Terminal() || p.Task.State.Unproven())
		if !down || p.Completed != "" || !p.Fallen.IsZero() || p.Stop != nil || m.excepted(p) {
			continue
		}
		if m.declared(p) || m.quorate[p.Type] && m.mayBeNeeded(p) {
			p.Fallen = now
			m.touchPod(p)
		}
	}
}

// mayBeNeeded says whether another pod of the type runs, and is not done in deploy or not ready, or is recovery's.
func (m *Machine) mayBeNeeded(p *Pod) bool {
	restarts, wanted := m.restartsIn(m.sortedFacts()), m.service.Fingerprint(p.Type)
	return slices.ContainsFunc(m.order, func(other *Pod) bool {
		switch {
		case other == p || other.Type != p.Type:
			return false
		case !other.Fallen.IsZero():
			return true
		case !other.runs():
			return false
		}
		done := other.Completed != "" && other.Good == wanted && other.Stop == nil
		return !done || other.Task.Healthy.IsZero() || m.outdated(other, restarts)
	})
}

// hasNewcomers says whether there is a host or a pod that no run has taken in, or one that the last run went without.
func (m *Machine) hasNewcomers(now time.Time) bool {
	for _, h := range m.hosts {
		if m.mayJoin(h) {
			return true
		}
	}
	return len(m.comparison().unmade) > 0 || m.hasLeftOver(now)
}

// hasLeftOver says whether there is a pod that was never up, that the last run does not count as done, and that is not left to recovery: one that was
// excepted while the run worked, and is included again.
func (m *Machine) hasLeftOver(now time.Time) bool {
	never := func(p *Pod) bool { return p.Completed == "" && p.Fallen.IsZero() && m.member(p) && !m.excepted(p) }
	if !slices.ContainsFunc(m.order, never) {
		return false
	}
	view := plans.Evaluate(m.planInputs(now)[0]).View
	for _, phase := range view.Phases {
		for _, s := range phase.Steps {
			if p := m.pods[s.Pod]; s.Newcomer && p != nil && never(p) {
				return true
			}
		}
	}
	return false
}

// mayJoin: a host that a run left behind joins a later one only when its scout has been heard.
func (m *Machine) mayJoin(h *Host) bool {
	return h.Run == 0 && len(m.hostHolds[h.Key]) == 0 && (h.Left == 0 || h.Facts != nil)
}

func (m *Machine) joinHosts() {
	for _, h := range m.sortedHosts() {
		if m.mayJoin(h) {
			h.Run = m.run.Number
			m.touchHost(h)
			m.deploy = nil // its scout is a member now
		}
	}
}

// comparison is what differs between the survey and the pods that there are. It changes only with these.
type comparison struct {
	made     bool
	pods     int      // that there were
	unmade   []Wanted // what the survey wants and no pod stands for; pods without a host count by their number
	unneeded []*Pod   // those that belong to a host and that the survey does not want there, scouts left aside
}

func (m *Machine) comparison() *comparison {
	c := &m.compared
	if c.made && c.pods == len(m.order) { // pods are never forgotten
		return c
	}
	*c = comparison{made: true, pods: len(m.order)}
	free := map[string]int{}
	for _, p := range m.order {
		if !p.Bound {
			free[p.Type]++
		}
	}
	wanted := make(map[Wanted]bool, len(m.survey.Pods))
	for _, w := range m.survey.Pods {
		wanted[w] = true
		switch {
		case w.Host == "" && free[w.Type] > 0:
			free[w.Type]--
		case !m.bound[w]:
			c.unmade = append(c.unmade, w)
		}
	}
	for _, p := range m.order {
		if p.Bound && p.Type != m.service.Scout() && !wanted[Wanted{Type: p.Type, Host: p.Host}] {
			c.unneeded = append(c.unneeded, p)
		}
	}
	return c
}

// waitingForMembers says why the members can't be frozen yet, most fundamental first. As a side effect it asks to be called when
// time alone would change the answer.
func (m *Machine) waitingForMembers(now time.Time) []plans.Hold {
	var holds []plans.Hold
	newest := m.run.StartedAt
	var silent []string
	for _, h := range m.sortedHosts() {
		if h.Run == 0 {
			continue
		}
		newest = later(newest, h.FirstSeen)
		newest = later(newest, h.ReportedAt)
		patience := later(h.FirstSeen, m.run.StartedAt).Add(m.cfg.ScoutPatience)
		if h.Facts == nil && m.service.Scout() != "" && now.Before(patience) {
			silent = append(silent, h.Key)
			m.wakeAt(patience)
		}
	}
	if lost := m.lostState(); lost != nil {
		holds = append(holds, *lost)
	}
	holds = append(holds, m.survey.Missing...)
	if len(silent) > 0 {
		holds = append(holds, plans.Hold{
			Code: plans.CodeDiscovering, Subject: strings.Join(silent, ", "),
			Text: fmt.Sprintf("waits for the first report of the %s on %s", m.service.Scout(), abbreviate(silent, 5)),
		})
	}
	if end := newest.Add(m.cfg.DiscoveryWindow); now.Before(end) {
		m.wakeAt(end)
		holds = append(holds, plans.Hold{
			Code: plans.CodeDiscovering, Since: newest, Until: end,
			Text: fmt.Sprintf("%d hosts so far; goes on when no new one has come for %s", m.joined(), m.cfg.DiscoveryWindow),
		})
	}
	return holds
}

func (m *Machine) joined() int {
	n := 0
	for _, h := range m.hosts {
		if h.Run != 0 {
			n++
		}
	}
	return n
}

// pausedDiscovery says whether an operator has paused the search for members: pauses that let what has begun come to its end let that
// search go on which had begun before.
func (m *Machine) pausedDiscovery() bool {
	for _, f := range m.facts {
		if m.pausesSearch(f) && (f.When == "" || f.When == plans.PauseNow || !m.searchedAt(f.At)) {
			return true
		}
	}
	return false
}

// mayNotSearch says whether the search of the present run has never begun, because it was paused before that run came.
func (m *Machine) mayNotSearch() bool {
	for _, f := range m.facts {
		if m.pausesSearch(f) && !m.searchedAt(f.At) {
			return true
		}
	}
	return false
}

// pausesSearch says whether a fact is a pause of what the search for members belongs to. That of its phase until this has ended holds only what follows.
func (m *Machine) pausesSearch(f plans.Fact) bool {
	if f.Kind != plans.Paused || f.Plan != DeployPlan || f.Step != "" {
		return false
	}
	return f.Phase == "" || f.Phase == m.service.Phases()[0].Name && f.When != plans.PauseAfterPhase
}

// searchedAt says whether the present run had begun at some time, and searches for members still. The next search is that of another run.
func (m *Machine) searchedAt(at time.Time) bool {
	return m.run.FrozenAt.IsZero() && at.After(m.run.StartedAt)
}

// freeze makes the pods that the run is about. Hosts that were not heard are left to a later run; their scouts to recovery.
func (m *Machine) freeze(now time.Time) {
	for _, w := range m.comparison().unmade {
		m.newPod(w.Type, w.Host)
	}
	m.sortPods()
	for _, h := range m.sortedHosts() {
		if h.Run != 0 && h.Facts == nil && m.service.Scout() != "" {
			h.Run, h.Left = 0, m.run.Number
			m.touchHost(h)
		}
	}
	for _, p := range m.order {
		if h := m.hosts[p.Host]; p.Type == m.service.Scout() && h != nil && h.Left != 0 && p.Fallen.IsZero() && p.Completed == "" {
			p.Fallen = now
			m.touchPod(p)
		}
	}
	m.setRun(plans.Freeze(m.run, now))
}

// finish evaluates the plans after all that was decided, which ends the run when its plan is complete. worked says whether the run was at work before this
// decision: one that an evaluation before has ended may leave newcomers behind as well.
func (m *Machine) finish(now time.Time, worked bool) []plans.Evaluation {
	evaluations := m.evaluate(now)
	if worked && m.run.Ended() && m.run.Outcome != plans.Stopped && m.hasNewcomers(now) || m.mayBegin(now, evaluations) {
		m.wakeAt(now)
	}
	return evaluations
}

// mayBegin says whether something may begin since what was decided that could not before, so that nobody has looked yet whether it fits.
func (m *Machine) mayBegin(now time.Time, evaluations []plans.Evaluation) bool {
	if !m.connection.Connected {
		return false
	}
	for _, e := range evaluations {
		for _, c := range e.Candidates {
			p := m.pods[e.View.Phases[c.Phase].Steps[c.Step].Pod]
			if p == nil {
				continue
			}
			if _, tried := m.tries[p.Name]; !tried && (c.Stops || m.launchable(now, p)) {
				return true
			}
		}
	}
	return false
}

// abbreviate lists at most n names.
func abbreviate(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}
