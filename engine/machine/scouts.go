package machine

import (
	"slices"
	"time"
)

// telling is a message to a scout that has not been heard yet.
type telling struct {
	digest string
	next   time.Time
}

// messageRetry is the wait before a message that was not heard is sent again: Mesos loses messages in silence.
const messageRetry = 5 * time.Second

// tellScouts sends running scouts what the service wants them to know, until they say that they have heard it. It looks at hosts
// where something has changed, and at those that were told and have not been heard.
func (m *Machine) tellScouts(now time.Time) {
	if !m.connection.Connected {
		return
	}
	for host := range m.told {
		m.retell[host] = true
	}
	if len(m.retell) == 0 {
		return
	}
	hosts := make([]string, 0, len(m.retell))
	for host := range m.retell {
		hosts = append(hosts, host)
	}
	slices.Sort(hosts)
	pods := m.podsOn(m.retell)
	for _, host := range hosts {
		scout, h := m.scouts[host], m.hosts[host]
		if scout != nil && h != nil && scout.Task != nil && scout.Task.State == Running {
			m.tell(now, scout, h, pods[host])
		}
	}
	clear(m.retell)
}

// podsOn returns the pods on some hosts, in order.
func (m *Machine) podsOn(hosts map[string]bool) map[string][]Pod {
	out := make(map[string][]Pod, len(hosts))
	for _, p := range m.order {
		if hosts[p.Host] {
			out[p.Host] = append(out[p.Host], *p)
		}
	}
	return out
}

func (m *Machine) tell(now time.Time, scout *Pod, h *Host, pods []Pod) {
	host := *h
	host.AskedAt = m.asking(h.Key)
	data := m.service.Message(host, pods)
	if data == nil {
		delete(m.told, h.Key)
		if m.inquiries[h.Key].Digest == "" { // nothing is asked of it, and it need not have heard anything
			delete(m.inquiries, h.Key)
		}
		return
	}
	digest := digestOf(data)
	m.noteTold(h.Key, digest)
	if h.Heard == digest {
		delete(m.told, h.Key)
		return
	}
	if last, ok := m.told[h.Key]; ok && last.digest == digest && now.Before(last.next) {
		m.wakeAt(last.next)
		return
	}
	m.told[h.Key] = telling{digest: digest, next: now.Add(messageRetry)}
	m.wakeAt(now.Add(messageRetry))
	m.calls = append(m.calls, Message{AgentID: scout.Task.AgentID, ExecutorID: scout.Task.ExecutorID, Data: data})
}

// listenToScouts finds scouts that run, by Mesos's word, and say nothing any more: what they said of their pods is not worth much.
// It says whether all are as they were before.
func (m *Machine) listenToScouts(now time.Time) (same bool) {
	patience := m.service.ScoutSilence()
	if patience == 0 || !m.connection.Connected {
		return true
	}
	same = true
	for host, p := range m.scouts {
		if p.Task == nil || p.Task.State != Running {
			same = m.hush(host, false) && same
			continue
		}
		// Nothing can be heard without a session, nor before the task runs.
		m.keepAsking(now, host)
		end := later(later(m.heardAt[host], m.connection.Since), p.Task.StateAt).Add(patience)
		if now.Before(end) {
			m.wakeAt(end)
		}
		same = m.hush(host, !now.Before(end)) && same
	}
	return same
}

// hush notes whether the scout of a host is silent, and says whether it was so before.
func (m *Machine) hush(host string, silent bool) (same bool) {
	same = m.silent[host] == silent
	if !same {
		m.changed = true
	}
	if silent {
		m.silent[host] = true
		return same
	}
	delete(m.silent, host)
	return same
}
