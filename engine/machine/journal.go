package machine

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

// Snapshot is the whole state of a machine between two decisions: what it keeps in records, and what it would lose with the
// process. A machine that Restore builds from it decides like the one that it was taken of.
type Snapshot struct {
	Records  []Record // sorted by key
	Volatile []Part   // in a fixed order
}

// Part is a part of the volatile state, in JSON.
type Part struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// Snapshot returns the state. It must be called after Decide and before the next Take, when nothing is half done.
func (m *Machine) Snapshot() (Snapshot, error) {
	volatile, err := m.Volatile()
	if err != nil {
		return Snapshot{}, err
	}
	return Snapshot{Records: m.Records(), Volatile: volatile}, nil
}

// Volatile returns the part of the state that is in no record. Like Snapshot it must be called between Decide and the next Take.
func (m *Machine) Volatile() ([]Part, error) {
	var parts []Part
	reports := m.reports()
	for _, p := range append(m.volatile(), part{"reports", &reports}) {
		value, err := json.Marshal(p.at)
		if err != nil {
			return nil, fmt.Errorf("state: %s: %w", p.name, err)
		}
		parts = append(parts, Part{Name: p.name, Value: value})
	}
	return parts, nil
}

// Records returns what a store has when everything that was decided is durable, sorted by key. Like Snapshot it must be called between Decide and the
// next Take.
func (m *Machine) Records() []Record {
	var records []Record
	for _, key := range m.recordKeys() {
		records = append(records, Record{Key: key, Value: m.value(key)})
	}
	return records
}

// Digest identifies the state, in 32 hex digits.
func (s Snapshot) Digest() string {
	h := sha256.New()
	write := func(b []byte) {
		h.Write(binary.AppendUvarint(nil, uint64(len(b))))
		h.Write(b)
	}
	for _, r := range s.Records {
		write([]byte(r.Key))
		write(Canonical(r.Value))
	}
	for _, p := range s.Volatile {
		write([]byte(p.Name))
		write(Canonical(p.Value))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Canonical writes in one way what encoding/json writes in two: a byte of a text that is not UTF-8 becomes an escape (\ufffd),
// and the character that this is read as is written as itself. So what is read and written again stays the same.
func Canonical(text []byte) []byte {
	const escape = `\ufffd`
	if !bytes.Contains(text, []byte(escape)) {
		return text
	}
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		switch {
		case text[0] != '\\' || len(text) == 1:
			out, text = append(out, text[0]), text[1:]
		case bytes.HasPrefix(text, []byte(escape)):
			out, text = append(out, "\ufffd"...), text[len(escape):]
		default: // an escape, the second byte of which may be a backslash
			out, text = append(out, text[:2]...), text[2:]
		}
	}
	return out
}

// Restore builds a machine from a snapshot. Parts that it does not know, of another version, are left out.
func Restore(cfg Config, service Service, s Snapshot) (*Machine, error) {
	m, err := New(cfg, service, nil, Boot{})
	if err != nil {
		return nil, err
	}
	if err := m.load(s.Records); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	clear(m.dirty) // what an empty machine would record, which is not so
	clear(m.deleted)
	var reports map[string]report
	parts := append(m.volatile(), part{"reports", &reports})
	for _, given := range s.Volatile {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == given.Name })
		if i < 0 || bytes.Equal(given.Value, []byte("null")) {
			continue
		}
		if err := json.Unmarshal(given.Value, parts[i].at); err != nil {
			return nil, fmt.Errorf("state: %s: not readable: %w", given.Name, err)
		}
	}
	m.restoreReports(reports)
	return m, nil
}

// part is a field of the volatile state.
type part struct {
	name string
	at   any
}

// volatile lists the fields that are neither kept in records nor follow from those, and outlive a decision.
// TestSnapshotKnowsEveryField finds one that is missing.
func (m *Machine) volatile() []part {
	return []part{
		{"connection", &m.connection}, {"offers", &m.offers}, {"agents", &m.agents}, {"tries", &m.tries}, {"asked", &m.asked},
		{"fullAsk", &m.fullAsk}, {"told", &m.told}, {"retell", &m.retell}, {"strangers", &m.strangers}, {"resumed", &m.resumed}, {"hearsUntil", &m.hearsUntil}, {"hearing", &m.hearing}, {"hostHolds", &m.hostHolds},
		{"leftovers", &m.leftovers}, {"revived", &m.revived}, {"returned", &m.returned}, {"drops", &m.drops}, {"moved", &m.moved}, {"pace", &m.pace}, {"heardAt", &m.heardAt},
		{"silent", &m.silent}, {"stunted", &m.stunted}, {"opAsked", &m.opAsked}, {"opRefused", &m.opRefused}, {"tokens", &m.tokens}, {"refilled", &m.refilled}, {"suppressed", &m.suppressed},
		{"exclusion", &m.exclusion},
		{"acked", &m.acked}, {"killed", &m.killed}, {"fits", &m.fits}, {"opinions", &m.opinions}, {"inquiries", &m.inquiries}, {"lastAsk", &m.lastAsk},
		{"survey", &m.survey}, {"surveyed", &m.surveyed}, {"changed", &m.changed},
		{"urgent", &m.urgent}, {"viewed", &m.viewed}, {"revision", &m.revision},
	}
}

// recordKeys are the keys of all records, sorted.
func (m *Machine) recordKeys() []string {
	keys := []string{keyTarget}
	if m.frameworkID != "" {
		keys = append(keys, keyFramework)
	}
	if m.run.Number != 0 {
		keys = append(keys, keyRun)
	}
	for _, r := range m.history {
		keys = append(keys, prefixHistory+strconv.Itoa(r.Number))
	}
	for key := range m.hosts {
		keys = append(keys, prefixHost+key)
	}
	for name := range m.pods {
		keys = append(keys, prefixPod+name)
	}
	for key := range m.facts {
		keys = append(keys, key)
	}
	for claim := range m.releases {
		keys = append(keys, prefixRelease+claim)
	}
	slices.SortFunc(keys, strings.Compare)
	return keys
}

// report is what a scout said of a host ("hosts/" and its key) or of a task (its id), and is in no record.
type report struct {
	Heard string `json:"heard,omitempty"`
	Sick  string `json:"sick,omitempty"`
	Seq   uint64 `json:"seq,omitempty"`
}

func (m *Machine) reports() map[string]report {
	out := map[string]report{}
	for key, h := range m.hosts {
		if h.Heard != "" {
			out[prefixHost+key] = report{Heard: h.Heard}
		}
	}
	for _, p := range m.order {
		if t := p.Task; t != nil && (t.Sick != "" || t.Seq != 0) {
			out[t.ID] = report{Sick: t.Sick, Seq: t.Seq}
		}
	}
	return out
}

func (m *Machine) restoreReports(reports map[string]report) {
	for key, h := range m.hosts {
		h.Heard = reports[prefixHost+key].Heard
	}
	for _, p := range m.order {
		if p.Task != nil {
			p.Task.Sick, p.Task.Seq = reports[p.Task.ID].Sick, reports[p.Task.ID].Seq
		}
	}
}

// The volatile state in JSON: the fields of these types are nobody else's.

type tryJSON struct {
	Since  time.Time  `json:"since"`
	Hold   plans.Hold `json:"hold"`
	Looked time.Time  `json:"looked,omitzero"`
	Last   string     `json:"last,omitempty"`
	Kept   bool       `json:"kept,omitempty"`
}

func (t try) MarshalJSON() ([]byte, error) {
	return json.Marshal(tryJSON{t.since, t.hold, t.looked, t.last, t.kept})
}

func (t *try) UnmarshalJSON(data []byte) error {
	var j tryJSON
	err := json.Unmarshal(data, &j)
	*t = try{since: j.Since, hold: j.Hold, looked: j.Looked, last: j.Last, kept: j.Kept}
	return err
}

type attemptJSON struct {
	Next  time.Time `json:"next"`
	Count int       `json:"count"`
	Since time.Time `json:"since,omitzero"`
	Vague bool      `json:"vague,omitempty"`
}

func (q question) MarshalJSON() ([]byte, error) {
	return json.Marshal(attemptJSON{q.next, q.asked, q.since, q.vague})
}

func (q *question) UnmarshalJSON(data []byte) error {
	var j attemptJSON
	err := json.Unmarshal(data, &j)
	*q = question{next: j.Next, asked: j.Count, since: j.Since, vague: j.Vague}
	return err
}

func (r retry) MarshalJSON() ([]byte, error) {
	return json.Marshal(attemptJSON{Next: r.next, Count: r.count})
}

func (r *retry) UnmarshalJSON(data []byte) error {
	var j attemptJSON
	err := json.Unmarshal(data, &j)
	*r = retry{next: j.Next, count: j.Count}
	return err
}

type tellingJSON struct {
	Digest string    `json:"digest"`
	Next   time.Time `json:"next"`
}

func (t telling) MarshalJSON() ([]byte, error) { return json.Marshal(tellingJSON{t.digest, t.next}) }

func (t *telling) UnmarshalJSON(data []byte) error {
	var j tellingJSON
	err := json.Unmarshal(data, &j)
	*t = telling{digest: j.Digest, next: j.Next}
	return err
}

// MarshalJSON writes them by id.
func (l liveAgents) MarshalJSON() ([]byte, error) {
	byID := make(map[string]identity, len(l))
	for _, a := range l {
		byID[a.id] = a.identity
	}
	return json.Marshal(byID)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (l *liveAgents) UnmarshalJSON(data []byte) error {
	var byID map[string]identity
	err := json.Unmarshal(data, &byID)
	*l = make(liveAgents, 0, len(byID))
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		*l = append(*l, agent{id, byID[id]})
	}
	return err
}

type identityJSON struct {
	Site    offers.Site `json:"site"`
	Address string      `json:"address"`
	Unkept  int         `json:"unkept,omitempty"`
}

func (i identity) MarshalJSON() ([]byte, error) {
	return json.Marshal(identityJSON{i.site, i.address, i.unkept})
}

func (i *identity) UnmarshalJSON(data []byte) error {
	var j identityJSON
	err := json.Unmarshal(data, &j)
	*i = identity{site: j.Site, address: j.Address, unkept: j.Unkept}
	return err
}
