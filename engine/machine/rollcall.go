package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// Before the gate lets a pod be stopped, the scouts of the others of a quorum are asked how these are at that very moment, and so is its own. What was heard before is
// no proof that they live: a stream may have fallen silent, a scout may hang, an agent may be out of reach, and for a minute or more nobody notices.

// inquiry is a question to a scout how its pods are right now. It is part of the message that the scout is told (Host.AskedAt), so a scout which has
// heard that message has looked since. The first one of a session is as old as the session: what a scout says before it has heard that may be as old as
// the time for which the framework was away, because agents keep updates until they are acknowledged.
type inquiry struct {
	// At is when it was asked. Since is when it was asked first of those that have no answer; zero if only the session began.
	At    time.Time `json:"at"`
	Since time.Time `json:"since,omitzero"`
	// Digest is that of the last message that asked, Answered says that the scout has heard it, Met that it has heard one of this session.
	Digest   string `json:"digest,omitempty"`
	Answered bool   `json:"answered,omitempty"`
	Met      bool   `json:"met,omitempty"`
}

// counts says whether the answer, if there is one, is young enough: its age is that of the question.
func (q inquiry) counts(now time.Time) bool { return q.Answered && q.asks(now) }

// asks says whether the question is young enough to be waited for.
func (q inquiry) asks(now time.Time) bool {
	return !q.At.IsZero() && !now.Before(q.At) && now.Sub(q.At) < plans.FreshVerdict
}

// overdue says that scouts had the time that they need to answer.
func (q inquiry) overdue(now time.Time) bool {
	return !q.Answered && !q.Since.IsZero() && !now.Before(q.Since.Add(askPatience))
}

// judge is what the service says of stopping some pods at this moment; waits says that scouts have to be asked first, or have yet to answer.
func (m *Machine) judge(now time.Time, pods []string, all []Standing) (said Judgement, waits bool) {
	said = m.service.Judge(pods, all)
	if said.Gate != plans.GateOpen {
		return said, false
	}
	sure, others := m.sure(now, pods, all)
	watched, own := m.watched(now, pods, all)
	if sure != nil {
		said = m.service.Judge(pods, sure)
	}
	if said.Gate == plans.GateOpen {
		said = watched
	}
	if said.Gate == plans.GateOpen {
		return said, false
	}
	for _, host := range slices.Concat(others, own) {
		m.inquire[host] = true
		q := m.inquiries[host]
		waits = waits || !q.overdue(now)
	}
	return said, waits
}

// sure are the standings with those pods of a quorum in doubt, beside the ones to be stopped, whose scout has not said just now how they are; and its
// hosts. It is nil if there are none.
func (m *Machine) sure(now time.Time, pods []string, all []Standing) (sure []Standing, hosts []string) {
	for i, s := range all {
		if s.State != Up || !m.quorate[s.Type] || slices.Contains(pods, s.Name) || m.seen(now, s) {
			continue
		}
		if sure == nil {
			sure = slices.Clone(all)
		}
		sure[i].State, sure[i].Text = Unsure, m.unseen(s.Host)
		hosts = append(hosts, s.Host)
	}
	return sure, hosts
}

// watched says yes if the scouts of those pods that are to be stopped and may be at work have answered, too: nobody else could say that they are
// well again. So must those of pods of a quorum that may run and were never ready: they may have become so since somebody looked last. Otherwise it returns the hosts of
// those that have not.
func (m *Machine) watched(now time.Time, pods []string, all []Standing) (said Judgement, hosts []string) {
	said.Gate = plans.GateOpen
	for _, s := range all {
		if !slices.Contains(pods, s.Name) || m.seen(now, s) {
			continue
		}
		switch {
		case s.State != Down:
			said = Judgement{Text: "nobody could say when it is well again: " + m.unseen(s.Host)}
		case !s.Served && m.quorate[s.Type] && m.mayRun(s.Name):
			said = Judgement{Text: "it may have become ready: " + m.unseen(s.Host)}
		default:
			continue
		}
		hosts = append(hosts, s.Host)
	}
	return said, hosts
}

// mayRun says whether a pod's task may run: it was launched, and Mesos has not said that it has ended. That it runs is told by an update, which may be on its way, or lost.
func (m *Machine) mayRun(pod string) bool {
	p := m.pods[pod]
	return p != nil && p.Task != nil && !p.Task.State.Terminal()
}

// seen says whether the scout of a pod has looked at it just now; of pods that are ready when they run Mesos's word is all there is.
func (m *Machine) seen(now time.Time, s Standing) bool {
	return !m.service.Health(s.Type) || m.inquiries[s.Host].counts(now)
}

// unseen is what is said of a pod whose scout has not answered.
func (m *Machine) unseen(host string) string {
	q := m.inquiries[host]
	if q.Since.IsZero() || q.Answered {
		return fmt.Sprintf("the %s on %s is asked how it is", m.service.Scout(), host)
	}
	return fmt.Sprintf("the %s on %s was asked at %s how it is, and has not answered", m.service.Scout(), host, q.Since.UTC().Format("15:04:05Z"))
}

// callTheRoll asks the scouts of which a judgement depends.
func (m *Machine) callTheRoll(now time.Time) {
	for host := range m.inquire {
		q := m.inquiries[host]
		if !q.asks(now) {
			since := q.Since
			if q.Answered || since.IsZero() || since.After(now) {
				since = now
			}
			q = inquiry{At: now, Since: since, Met: q.Met}
			m.inquiries[host] = q
			m.retell[host] = true
		}
		m.wakeAt(q.At.Add(plans.FreshVerdict))
		if end := q.Since.Add(askPatience); now.Before(end) {
			m.wakeAt(end)
		}
	}
}

// askEvery is how often scouts are asked although nobody wants to know, so that those that are not asked for long know that nobody listens to them. It is
// spread over half as much more, in steps of askStep: hosts are asked together.
const (
	askEvery = 10 * time.Minute
	askStep  = 10 * time.Second
)

// keepAsking asks a scout again that was not asked for long.
func (m *Machine) keepAsking(now time.Time, host string) {
	q, open := m.inquiries[host]
	if !open || !q.Answered {
		return // it is being told
	}
	h := fnv.New32a()
	h.Write([]byte(host))
	due := q.At.Add(askEvery + time.Duration(h.Sum32())%(askEvery/2)).Truncate(askStep).Add(askStep)
	if now.Before(due) {
		m.wakeAt(due)
		return
	}
	m.inquire[host] = true
}

// asking returns when a host's scout was asked, for the message to it.
func (m *Machine) asking(host string) time.Time {
	q, open := m.inquiries[host]
	if !open {
		return m.connection.Since
	}
	return q.At
}

// noteTold notes that a message asks what is asked of its host.
func (m *Machine) noteTold(host, digest string) {
	q, open := m.inquiries[host]
	if !open {
		q.At = m.connection.Since
	}
	if q.Digest != digest {
		q.Digest = digest
		m.inquiries[host] = q
	}
}

// hasLooked notes that a scout has looked since it heard a message.
func (m *Machine) hasLooked(host, digest string) {
	if q, open := m.inquiries[host]; open && digest != "" && q.Digest == digest && !q.Answered {
		q.Answered, q.Met = true, true
		m.inquiries[host] = q
	}
}

// listens says whether what a scout says is of this session: it has heard something of it, or there was nothing to tell.
func (m *Machine) listens(host string) bool {
	q, open := m.inquiries[host]
	return !open || q.Met
}

// digestOf identifies a message to a scout, see Report.Heard.
func digestOf(message []byte) string {
	sum := sha256.Sum256(message)
	return hex.EncodeToString(sum[:])
}
