package machine

import (
	"encoding/hex"
	"time"
)

const (
	// copiesWithin is how long after an update copies of it are taken for copies: they are normal, and come within milliseconds
	// (mesos-traces F32). What comes later the agent repeats, at the earliest after 10 s, because the acknowledgement got lost.
	copiesWithin = 5 * time.Second
	// maxAcked bounds what is remembered. In a burst of more updates some copies are acknowledged too, which does no harm.
	maxAcked = 1 << 13
)

// acked are the uuids, in hex, that were acknowledged lately in this session, and when. They are forgotten by the set: those in Old when New is full, or is as
// old as copies may be.
type acked struct {
	New   map[string]time.Time `json:"new,omitempty"`
	Old   map[string]time.Time `json:"old,omitempty"`
	Since time.Time            `json:"since,omitzero"` // when New was empty
}

// acknowledge says whether a status with this uuid has to be acknowledged now, and notes that it is. One without a uuid must not be.
func (m *Machine) acknowledge(now time.Time, uuid []byte) bool {
	if len(uuid) == 0 {
		return false
	}
	key := hex.EncodeToString(uuid)
	if m.acked.copied(now, key) {
		return false
	}
	a := &m.acked
	if a.New == nil || len(a.New) >= maxAcked || !near(now, a.Since) {
		a.Old, a.New, a.Since = a.New, map[string]time.Time{}, now
	}
	a.New[key] = now
	return true
}

func (a *acked) copied(now time.Time, key string) bool {
	at, known := a.New[key]
	if !known {
		at, known = a.Old[key]
	}
	return known && near(now, at)
}

// near: a clock that was put back must not keep anything from being acknowledged.
func near(now, at time.Time) bool {
	return !now.Before(at) && now.Sub(at) < copiesWithin
}

// notAcknowledged: the acknowledgement has failed, so that the next copy is acknowledged whenever it comes.
func (m *Machine) notAcknowledged(uuid []byte) {
	key := hex.EncodeToString(uuid)
	delete(m.acked.New, key)
	delete(m.acked.Old, key)
}
