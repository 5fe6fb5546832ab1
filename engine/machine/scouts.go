package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// telling is a message to a scout that has not been heard yet.
type telling struct {
	digest string
	next   time.Time
}

// messageRetry is the wait before a message that was not heard is sent again: Mesos loses messages in silence.
const messageRetry = 5 * time.Second

// tellScouts sends each running scout what the service wants it to know, until the scout says that it has heard it.
func (m *Machine) tellScouts(now time.Time) {
	if !m.connection.Connected {
		return
	}
	var cluster *Cluster
	for _, p := range m.order {
		if p.Type != m.service.Scout() || p.Task == nil || p.Task.State != Running {
			continue
		}
		h := m.hosts[p.Host]
		if h == nil {
			continue
		}
		if cluster == nil {
			c := m.cluster()
			cluster = &c
		}
		m.tell(now, p, h, *cluster)
	}
}

func (m *Machine) tell(now time.Time, p *Pod, h *Host, c Cluster) {
	data := m.service.Message(*h, c)
	if data == nil {
		return
	}
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	if h.Heard == digest {
		delete(m.told, p.Name)
		return
	}
	if last, ok := m.told[p.Name]; ok && last.digest == digest && now.Before(last.next) {
		m.wakeAt(last.next)
		return
	}
	m.told[p.Name] = telling{digest: digest, next: now.Add(messageRetry)}
	m.wakeAt(now.Add(messageRetry))
	m.calls = append(m.calls, Message{AgentID: p.Task.AgentID, ExecutorID: p.Task.ExecutorID, Data: data})
}
