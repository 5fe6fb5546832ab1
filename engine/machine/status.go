package machine

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// Terminal says whether a task in this state is proven to have ended, or never to have begun. LOST, UNREACHABLE, UNKNOWN and
// GONE_BY_OPERATOR prove nothing: such a task can run again (mesos-traces F58).
func (s TaskState) Terminal() bool {
	switch s {
	case Finished, Failed, Killed, Errored, Dropped, Gone:
		return true
	}
	return false
}

// Unproven says that Mesos does not know whether the task runs.
func (s TaskState) Unproven() bool {
	switch s {
	case Lost, Unreachable, Unknown, GoneByOperator:
		return true
	}
	return false
}

// freeRelaunches is how often in a row a task that never ran is replaced without a wait.
const freeRelaunches = 3

// reasonInvalidOffers is the master's when an ACCEPT came too late for its offers: it had taken them back.
const reasonInvalidOffers = "INVALID_OFFERS"

// raceBackoffMax bounds the wait after many ACCEPTs in a row that came too late.
const raceBackoffMax = 30 * time.Second

// steady is how long a pod must have been ready for its earlier failures to be forgotten.
const steady = time.Minute

// maxMessage bounds what is kept of a message, in bytes: executors and agents write what they like into it, and a pod's record must fit a group
// of the store.
const maxMessage = 4 << 10

func kept(message string) string {
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	return message
}

// takeStatus notes the state of a task. The acknowledgement waits for the record like every call.
func (m *Machine) takeStatus(now time.Time, s TaskStatus) {
	s.Message = kept(s.Message)
	if m.acknowledge(now, s.UUID) {
		m.calls = append(m.calls, Acknowledge{TaskID: s.TaskID, AgentID: s.AgentID, UUID: s.UUID})
	}
	if s.State == GoneByOperator && s.Source == "EXECUTOR" {
		s.State = Killed // a drain with mark_gone: the executor itself says that the task has ended (mesos-traces F59)
	}
	p := m.byTask[s.TaskID]
	if marked := m.replaced[s.TaskID]; marked != nil {
		m.takeReplaced(now, marked, s)
		return
	}
	m.hearing.hears(s)
	if p == nil {
		m.takeStranger(now, s)
		return
	}
	t := p.Task
	if t.State.Terminal() {
		return // the proof stands; repeats and late copies change nothing
	}
	m.answered(now, s)
	m.proveClaim(p, s)
	if t.State != s.State {
		m.enterState(now, p, s)
	}
	if s.State == Running && len(s.Data) > 0 && p.Type == m.service.Scout() {
		m.takeReport(now, p, s.Data)
	}
	if s.State == Running && p.Type != m.service.Scout() && !m.service.Health(p.Type) {
		m.setHealth(now, p, true, "")
	}
}

// answered closes the question about a task. An answer that proves nothing leaves it open: when the agent is back, Mesos tells unasked
// of the tasks that live, but of one that never reached its agent only when asked (mesos-traces 11a, F60).
func (m *Machine) answered(now time.Time, s TaskStatus) {
	if !s.State.Unproven() {
		delete(m.asked, s.TaskID)
		return
	}
	q, open := m.asked[s.TaskID]
	if !open {
		q.next = now.Add(reconcileRetry[0])
	}
	q.vague = true
	m.asked[s.TaskID] = q
}

func (m *Machine) enterState(now time.Time, p *Pod, s TaskStatus) {
	t := p.Task
	if t.State == Running && (s.State == Staging || s.State == Starting) {
		return // an answer to a reconciliation that a later update has overtaken
	}
	if m.gated[p.Type] && p.unseen(s) {
		m.noteServed(p)
	}
	if t.State == Staging && (s.State == Starting || s.State == Running) {
		m.gotThere(t)
	}
	wasUnproven, early := t.State.Unproven(), m.quorate[p.Type] && (t.State == Staging || t.State == Starting)
	t.State, t.StateAt = s.State, now
	t.Message, t.Reason, t.Source = s.Message, s.Reason, s.Source
	m.touchPod(p)
	switch {
	case s.State == Running:
		if !t.Healthy.IsZero() { // it was only out of sight
			m.setHealth(now, p, true, "")
		}
		if early {
			t.Sick = "" // by what was seen before it ran
		}
		if h := m.hosts[p.Host]; h != nil && (wasUnproven || early) {
			h.Heard = "" // reports may have been passed over meanwhile: a scout that is told something reports at once
		}
		return
	case s.State == Staging || s.State == Starting || s.State == Killing:
		return
	case s.State.Terminal():
		m.endTask(now, p)
	}
	if p.Completed != "" && p.Fallen.IsZero() && p.Stop == nil { // what a plan has stopped it brings back itself
		p.Fallen = now
	}
}

// endTask says when the pod may be launched again. A task that never ran, through a race with the master, costs no wait the first times:
// an offer that was gone, a launch that was lost. That offers are gone says nothing about the task however often it happens: many launches over a slow line
// to a master that soon takes offers back get there one by one. What an agent refuses, it will refuse again.
func (m *Machine) endTask(now time.Time, p *Pod) {
	delete(m.told, p.Host)
	delete(m.asked, p.Task.ID)
	t := p.Task
	delete(m.killed, t.ID)
	if p.Stop != nil && p.Stop.TaskID == t.ID {
		t.Healthy, t.Sick = time.Time{}, ""
		return // as was wanted
	}
	if t.Source == sourceOperator { // who takes it for gone wants it launched
		p.NextTry, t.Healthy, t.Sick = time.Time{}, time.Time{}, ""
		return
	}
	if neverRan := (t.State == Dropped || t.State == Gone) && t.Source != "AGENT"; neverRan {
		m.drops[p.Name]++
		waits := m.drops[p.Name] - freeRelaunches
		if t.Reason == reasonInvalidOffers {
			m.tooLate(now, t, m.drops[p.Name])
		}
		switch {
		case waits <= 0:
			p.NextTry = time.Time{}
			return
		case t.Reason == reasonInvalidOffers:
			p.NextTry = now.Add(m.backoff(p, waits, raceBackoffMax))
			return
		}
	}
	if !t.Healthy.IsZero() && now.Sub(t.Healthy) >= steady {
		p.Failures = 0
	}
	t.Healthy, t.Sick = time.Time{}, ""
	p.Failures++
	p.NextTry = now.Add(m.backoff(p, p.Failures, m.cfg.BackoffMax))
}

// backoff doubles with every failure, up to a longest. The jitter, up to a tenth, comes from the task's id, which is random: pods that fell
// together do not come back together.
func (m *Machine) backoff(p *Pod, failures int, longest time.Duration) time.Duration {
	longest = min(longest, m.cfg.BackoffMax)
	d := m.cfg.BackoffInitial
	for i := 1; i < failures && d < longest; i++ {
		d *= 2
	}
	d = min(d, longest)
	h := fnv.New32a()
	h.Write([]byte(p.Task.ID))
	return d + time.Duration(h.Sum32()%1000)*d/10000
}

// maxFacts bounds what is kept of a host: its record must fit a group of the store.
const maxFacts = 128 << 10

// takeReport takes a scout's report apart. One that can't be read is shown and changes nothing.
func (m *Machine) takeReport(now time.Time, scout *Pod, data []byte) {
	report, err := m.service.Read(data)
	if err != nil {
		scout.Task.Sick = fmt.Sprintf("report not readable: %v", err)
		return
	}
	if report.Seq <= scout.Task.Seq {
		return
	}
	if len(report.Facts) > maxFacts {
		scout.Task.Sick = fmt.Sprintf("reports %d bytes of facts about its host, more than the %d that can be kept", len(report.Facts), maxFacts)
		return
	}
	scout.Task.Seq = report.Seq
	m.hasLooked(scout.Host, report.Heard)
	if m.listens(scout.Host) {
		m.heardAt[scout.Host] = now
	}
	m.setHealth(now, scout, true, "")
	if h := m.hosts[scout.Host]; h != nil {
		if h.Heard != report.Heard {
			h.Heard = report.Heard
			m.retell[h.Key] = true
		}
		if h.Facts == nil || string(h.Facts) != string(report.Facts) {
			h.Facts, h.Inspected, h.ReportedAt = report.Facts, nil, now
			m.surveyed = false
			m.touchHost(h)
		}
	}
	for _, r := range report.Pods {
		p := m.byTask[r.TaskID]
		if p == nil || p.Host != scout.Host {
			continue
		}
		if r.Healthy && p.Task.State != Running {
			m.noteServed(p)
			continue // it has been ready; what has ended or is out of sight has not become so
		}
		if p.Task.State.Terminal() {
			continue
		}
		m.setHealth(now, p, r.Healthy, r.Text)
	}
}

func (m *Machine) setHealth(now time.Time, p *Pod, healthy bool, text string) {
	t := p.Task
	t.Sick = text
	if !healthy {
		if !t.Healthy.IsZero() {
			t.Healthy = time.Time{}
			m.touchPod(p)
		}
		return
	}
	if t.Healthy.IsZero() {
		t.Healthy = now
		m.touchPod(p)
	}
	switch {
	case p.stopping(): // its last words, unless its KILL is lost
		m.noteServed(p)
		return
	case p.owedBy(RecoveryPlan):
		m.endStop(now, p)
	case p.Stop != nil: // when it has settled
		m.noteServed(p)
	default:
		m.noteReady(now, p)
	}
	delete(m.drops, p.Name)
	if !p.Fallen.IsZero() || !p.NextTry.IsZero() {
		p.Fallen, p.NextTry = time.Time{}, time.Time{}
		m.touchPod(p)
	}
}

// noteReady takes note that a pod is ready with what its task was launched with.
func (m *Machine) noteReady(now time.Time, p *Pod) {
	t := p.Task
	switch {
	case p.Completed == "":
		p.Completed, p.CompletedAt, p.Good, p.Served = t.Target, now, t.Fingerprint, false
		m.touchPod(p)
	case p.Good != t.Fingerprint:
		p.Good = t.Fingerprint
		m.touchPod(p)
	}
}

// launchable says whether a new task may be launched for the pod: no task, or the last one proven gone. Pods that hold no device may be
// replaced without proof, so that a lost agent does not take them along: scouts when their host has another agent, others after a grace.
func (m *Machine) launchable(now time.Time, p *Pod) bool {
	switch {
	case m.lingering(p) != nil || m.namesake(p) != "":
		return false
	case p.Task == nil || p.Task.State.Terminal():
		return !m.hears(now, p)
	case !p.Task.State.Unproven():
		return false
	case p.Type == m.service.Scout():
		h := m.hosts[p.Host]
		return h != nil && h.AgentID != p.Task.AgentID
	case p.Bound:
		return false
	}
	end := p.Task.StateAt.Add(m.cfg.FreePodGrace)
	if now.Before(end) {
		m.wakeAt(end)
	}
	return !now.Before(end) && !m.hears(now, p)
}

// observe says how far the launch of a pod has come.
func (m *Machine) observe(now time.Time, p *Pod) plans.Observation {
	o := m.observed(p)
	t := p.Task
	switch {
	case len(m.hostHolds[p.Host]) > 0:
		o.Holds = m.hostHolds[p.Host]
	case !p.runs() && m.namesake(p) != "":
		m.observeIdle(now, p, &o)
		o.Holds = append([]plans.Hold{m.taken(p)}, o.Holds...)
	case !p.runs() && m.lingering(p) != nil:
		hold := m.lingers(p)
		o.Since, o.Holds = hold.Since, []plans.Hold{hold}
	case !p.runs() && m.hears(now, p):
		m.observeIdle(now, p, &o)
		o.Holds = append([]plans.Hold{m.heardFirst(now, p)}, o.Holds...)
	case m.launchable(now, p):
		m.observeIdle(now, p, &o)
	case t.State.Unproven():
		o.Since, o.Holds = t.StateAt, m.doubtful(now, p)
	case p.stopping():
		o.Status, o.Since = plans.Starting, p.Stop.At
		o.Holds = m.beingStopped(now, p)
	case t.State == Running:
		o.Status, o.Since = plans.Started, t.StateAt
		if !t.Healthy.IsZero() {
			o.Status, o.Since = plans.Complete, t.Healthy
			break
		}
		o.Holds = []plans.Hold{m.sickness(p)}
	case t.State == Killing:
		o.Status, o.Since = plans.Started, t.StateAt
		o.Holds = []plans.Hold{{Code: plans.CodeUnhealthy, Subject: p.Name, Text: "is being stopped", Since: t.StateAt}}
	default:
		o.Status, o.Since = plans.Starting, t.LaunchedAt
	}
	return o
}

// observed is what is known of a pod's step whatever its state is.
func (m *Machine) observed(p *Pod) plans.Observation {
	o := plans.Observation{Host: p.Host, Attempts: p.Failures}
	if p.Task == nil {
		return o
	}
	o.Task = p.Task.ID
	if p.BegunIn == m.run.Number {
		o.BegunAt, o.TriedAt = p.BegunAt, later(p.BegunAt, p.Task.LaunchedAt) // it begins with a launch or with a stop
	}
	return o
}

func (m *Machine) observeIdle(now time.Time, p *Pod, o *plans.Observation) {
	if now.Before(p.NextTry) {
		m.wakeAt(p.NextTry)
		o.Status, o.Since, o.Until = plans.Delayed, p.Task.StateAt, p.NextTry
		o.Holds = []plans.Hold{{
			Code: plans.CodeBackoff, Subject: p.Name, Since: p.Task.StateAt, Until: p.NextTry,
			Text: fmt.Sprintf("%s: %s; tries again at %s", m.triedInVain(p), m.whyDown(p), p.NextTry.UTC().Format("15:04:05Z")),
		}}
		return
	}
	if tried, ok := m.tries[p.Name]; ok {
		o.Status, o.Since = plans.Prepared, tried.since
		o.Holds = []plans.Hold{tried.hold}
	}
	if p.Task != nil && (p.Failures > 0 || m.drops[p.Name] > 0) {
		o.Holds = append(o.Holds, plans.Hold{
			Code: plans.CodeService, Subject: p.Name, Since: p.Task.StateAt,
			Text: "last task: " + m.whyDown(p),
		})
	}
	if !m.connection.Connected {
		o.Holds = append([]plans.Hold{m.disconnected()}, o.Holds...)
	}
}

// triedInVain is how often a pod was tried in vain.
func (m *Machine) triedInVain(p *Pod) string {
	switch {
	case p.Failures > 0:
		return "failed " + times(p.Failures)
	case m.drops[p.Name] > 0:
		return "came too late for its offers " + times(m.drops[p.Name])
	}
	return "last task"
}

// whyDown is how a pod's last task ended, and what went wrong before it.
func (m *Machine) whyDown(p *Pod) string {
	text := cmp.Or(m.stunted[p.Name], ending(p.Task))
	if refused := m.opRefused[p.Name]; refused != "" && refused != text {
		text += " (" + refused + ")"
	}
	return text
}

func (m *Machine) unproven(p *Pod) plans.Hold {
	t := p.Task
	hold := plans.Hold{Code: plans.CodeUnknownTask, Subject: t.ID, Since: t.StateAt}
	hold.Text = fmt.Sprintf("task %s is %s: it may still run; waits until Mesos says that it runs or is gone", t.ID, t.State)
	if !p.Bound {
		hold.Until = t.StateAt.Add(m.cfg.FreePodGrace)
		hold.Text += fmt.Sprintf(", at most until %s", hold.Until.UTC().Format("15:04:05Z"))
	}
	hold.Text += "; " + whoKnows(p)
	return hold
}

// doubtful is why a pod is not launched anew whose task may still run: a pod that would not wait for a proof any more may have to wait for other tasks.
func (m *Machine) doubtful(now time.Time, p *Pod) []plans.Hold {
	holds := []plans.Hold{m.unproven(p)}
	switch {
	case m.namesake(p) != "":
		holds = append(holds, m.taken(p))
	case !p.Bound && m.hears(now, p):
		holds = append(holds, m.heardFirst(now, p))
	}
	return holds
}

func (m *Machine) disconnected() plans.Hold {
	text := "no session with a Mesos master"
	if m.connection.Error != "" {
		text += ": " + m.connection.Error
	}
	return plans.Hold{Code: plans.CodeDisconnected, Text: text, Since: m.connection.Since}
}

func (m *Machine) sickness(p *Pod) plans.Hold {
	hold := plans.Hold{Code: plans.CodeUnhealthy, Subject: p.Name, Since: p.Task.StateAt}
	switch {
	case p.Type == m.service.Scout() && p.Task.Sick == "":
		hold.Text = "runs, has not reported yet"
	case p.Task.Sick != "":
		hold.Text = "runs, is not ready: " + p.Task.Sick
	case m.silent[p.Host]:
		hold.Text = fmt.Sprintf("runs, nobody can say whether it is ready: the %s on %s is silent", m.service.Scout(), p.Host)
	case m.scoutRuns(p.Host):
		hold.Text = fmt.Sprintf("runs, the %s has not looked at it yet", m.service.Scout())
	default:
		hold.Text = fmt.Sprintf("runs, nobody can say whether it is ready: the %s on %s does not run", m.service.Scout(), p.Host)
	}
	return hold
}

func (m *Machine) scoutRuns(host string) bool {
	p := m.scouts[host]
	return p != nil && p.Task != nil && p.Task.State == Running
}

// ending puts the end of a task into words.
func ending(t *PodTask) string {
	switch {
	case t.Message != "":
		return fmt.Sprintf("%s, %s", t.State, t.Message)
	case t.Reason != "":
		return fmt.Sprintf("%s, %s", t.State, t.Reason)
	}
	return string(t.State)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
