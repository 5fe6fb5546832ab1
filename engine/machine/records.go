package machine

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/quobyte/mesos-framework/plans"
)

// Keys of records. Those that end in a slash are prefixes.
const (
	keyFramework = "framework"
	keyTarget    = "target"
	keyRun       = "runs/" + DeployPlan
	prefixHost   = "hosts/"
	prefixPod    = "pods/"
	prefixFact   = "facts/"
	// prefixRelease leads to what is to be given back, by claim.
	prefixRelease = "releases/"
	// prefixHistory leads to ended runs of deploy, by number.
	prefixHistory = "history/"
)

// ErrState is wrapped by New's error when there are records that it does not understand: they are damaged, or of a newer program. No other error of it
// depends on them.
var ErrState = errors.New("state")

// recordFormat is the version of the values' encoding. A newer one is refused: an older program must not guess.
const recordFormat = 1

// envelopeBegin is how a record begins that this program wrote.
const envelopeBegin = `{"format":1,"value":`

// groupBytes bounds a group. The store promises atomicity up to 256 KiB; half of it leaves room for keys and framing.
const groupBytes = 128 << 10

type envelope struct {
	Format int             `json:"format"`
	Value  json.RawMessage `json:"value"`
}

// frameworkRecord is who the framework is to Mesos. Records of older programs say nothing of the registration.
type frameworkRecord struct {
	ID           string        `json:"id"`
	Registration *Registration `json:"registration,omitempty"`
}

// ReadRegistration is what the records say that Mesos was told about the framework when it last subscribed; nil if they don't say it in a way that
// this program understands.
func ReadRegistration(records []Record) *Registration {
	for _, r := range records {
		var f frameworkRecord
		if r.Key == keyFramework && decode(r, &f) == nil {
			return f.Registration
		}
	}
	return nil
}

// ReadClaims are the names of the pods, sorted, for which something is or may be reserved by the records, by the role in which it is. Pods that are
// not recorded in a way that this program understands are left out.
func ReadClaims(records []Record) map[string][]string {
	out := map[string][]string{}
	for _, r := range records {
		var given Release
		if strings.HasPrefix(r.Key, prefixRelease) && decode(r, &given) == nil && !slices.Contains(out[given.Role], given.Pod) {
			out[given.Role] = append(out[given.Role], given.Pod)
		}
		var p Pod
		// Most have none, and to decode 30,000 records takes half a second.
		if !strings.HasPrefix(r.Key, prefixPod) || !bytes.Contains(r.Value, []byte(`"claim"`)) || decode(r, &p) != nil {
			continue
		}
		claims := []*PodClaim{p.Claim}
		if p.Task != nil {
			claims = append(claims, p.Task.Claim)
		}
		for _, c := range claims {
			if c != nil && !slices.Contains(out[c.Role], p.Name) {
				out[c.Role] = append(out[c.Role], p.Name)
			}
		}
	}
	for _, names := range out {
		slices.Sort(names)
	}
	return out
}

// targetRecord is the target and the settings of the boot that made it: only a change against the last boot makes a new one.
type targetRecord struct {
	Target
	Boot string `json:"boot"`
}

func encode(v any) []byte {
	value, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("record: %v", err)) // our own types always encode
	}
	return wrap(value)
}

// wrap makes a record's value of something that json.Marshal has encoded. An envelope would be encoded to the same, in more time.
func wrap(value []byte) []byte {
	out := make([]byte, 0, len(envelopeBegin)+len(value)+1)
	out = append(out, envelopeBegin...)
	out = append(out, value...)
	return append(out, '}')
}

func decode(r Record, v any) error {
	// A state has tens of thousands of records. Those that we wrote are gone over once in place of twice; if that fails, the long way tells why.
	if value, ours := bytes.CutPrefix(r.Value, []byte(envelopeBegin)); ours && bytes.HasSuffix(value, []byte("}")) && json.Unmarshal(value[:len(value)-1], v) == nil {
		return nil
	}
	value, err := unwrap(r)
	if err != nil {
		return err
	}
	return unreadable(r, json.Unmarshal(value, v))
}

// unwrap returns the value of a record whose format this program reads.
func unwrap(r Record) ([]byte, error) {
	var e envelope
	if err := json.Unmarshal(r.Value, &e); err != nil {
		return nil, unreadable(r, err)
	}
	if e.Format > recordFormat {
		return nil, fmt.Errorf("record %s: format %d is newer than %d, the newest that this program reads; start the version that wrote it", r.Key, e.Format, recordFormat)
	}
	if e.Format < 1 {
		return nil, fmt.Errorf("record %s: not readable: no format", r.Key)
	}
	return e.Value, nil
}

func unreadable(r Record, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("record %s: not readable: %w", r.Key, err)
}

func loadRun(r Record, take func(plans.Run)) error {
	value, err := unwrap(r)
	if err != nil {
		return err
	}
	run, err := plans.DecodeRun(value)
	if err != nil {
		return unreadable(r, err)
	}
	take(run)
	return nil
}

// loadFact takes a fact in. One that an older version kept under another key is moved.
func (m *Machine) loadFact(r Record) error {
	value, err := unwrap(r)
	if err != nil {
		return err
	}
	f, err := plans.DecodeFact(value)
	if err != nil {
		return unreadable(r, err)
	}
	if r.Key != factKey(f) {
		m.deleted[r.Key] = true
		m.dirty[factKey(f)] = true
	}
	m.facts[factKey(f)] = f
	return nil
}

func (m *Machine) load(records []Record) error {
	var problems *multierror.Error
	for _, r := range records {
		if err := m.loadOne(r); err != nil {
			problems = multierror.Append(problems, err)
		}
	}
	m.sortPods()
	shared := sharedStrings{}
	for _, h := range m.sortedHosts() {
		shared.shareHost(h)
	}
	for _, p := range m.order {
		shared.sharePod(p)
	}
	return problems.ErrorOrNil()
}

func (m *Machine) loadOne(r Record) error {
	switch {
	case r.Key == keyFramework:
		var f frameworkRecord
		err := decode(r, &f)
		m.frameworkID, m.registration = f.ID, f.Registration
		return err
	case r.Key == keyTarget:
		return decode(r, &m.target)
	case r.Key == keyRun:
		return loadRun(r, func(run plans.Run) { m.run = run })
	case strings.HasPrefix(r.Key, prefixHistory):
		return loadRun(r, func(run plans.Run) { m.history = plans.Archive(m.history, run) })
	case strings.HasPrefix(r.Key, prefixHost):
		h := &Host{}
		err := decode(r, h)
		m.hosts[h.Key] = h
		return err
	case strings.HasPrefix(r.Key, prefixPod):
		p := &Pod{}
		err := decode(r, p)
		if p.Completed != "" && p.Good == "" && p.Task != nil { // of a version that stopped nothing
			p.Good = p.Task.Fingerprint
		}
		m.pods[p.Name] = p
		m.indexPod(p)
		m.nextIndex[p.Type] = max(m.nextIndex[p.Type], p.Index+1)
		if p.Task != nil {
			m.byTask[p.Task.ID] = p
		}
		for _, r := range p.Replaced {
			m.replaced[r.TaskID] = p
		}
		for _, o := range p.Operations {
			m.operations[o.ID] = p.Name
		}
		return err
	case strings.HasPrefix(r.Key, prefixRelease):
		release := &Release{}
		err := decode(r, release)
		m.releases[release.Claim] = release
		for _, o := range release.Operations {
			m.releasing[o.ID] = release.Claim
		}
		return err
	case strings.HasPrefix(r.Key, prefixFact):
		return m.loadFact(r)
	}
	return fmt.Errorf("record %s: unknown key", r.Key)
}

// flush returns the changed records as groups, in an order in which every prefix is consistent: the framework id before anything
// else, and the run, which says that its members are frozen, after the pods that are its members.
func (m *Machine) flush() []Group {
	if len(m.dirty) == 0 && len(m.deleted) == 0 {
		return nil
	}
	keys := make([]string, 0, len(m.dirty))
	for k := range m.dirty {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		if a, b := keyRank(keys[i]), keyRank(keys[j]); a != b {
			return a < b
		}
		return keys[i] < keys[j]
	})
	var groups []Group
	var current Group
	size := 0
	for _, k := range keys {
		r := Record{Key: k, Value: m.value(k)}
		if size > 0 && size+len(r.Value) > groupBytes {
			groups, current, size = append(groups, current), Group{}, 0
		}
		current.Puts = append(current.Puts, r)
		size += len(r.Key) + len(r.Value)
	}
	for k := range m.deleted {
		current.Deletes = append(current.Deletes, k)
	}
	slices.Sort(current.Deletes)
	clear(m.dirty)
	clear(m.deleted)
	return append(groups, current)
}

func keyRank(key string) int {
	switch {
	case key == keyFramework:
		return 0
	case key == keyRun:
		return 2
	}
	return 1
}

// ended returns a run of the history by its number.
func (m *Machine) ended(number string) plans.Run {
	i := slices.IndexFunc(m.history, func(r plans.Run) bool { return strconv.Itoa(r.Number) == number })
	return m.history[i]
}

func (m *Machine) value(key string) []byte {
	switch {
	case key == keyFramework:
		return encode(frameworkRecord{ID: m.frameworkID, Registration: m.registration})
	case key == keyTarget:
		return encode(m.target)
	case key == keyRun:
		return wrap(plans.EncodeRun(m.run))
	case strings.HasPrefix(key, prefixHistory):
		return wrap(plans.EncodeRun(m.ended(strings.TrimPrefix(key, prefixHistory))))
	case strings.HasPrefix(key, prefixHost):
		return encode(m.hosts[strings.TrimPrefix(key, prefixHost)])
	case strings.HasPrefix(key, prefixPod):
		return encode(m.pods[strings.TrimPrefix(key, prefixPod)])
	case strings.HasPrefix(key, prefixRelease):
		return encode(m.releases[strings.TrimPrefix(key, prefixRelease)])
	}
	return wrap(plans.EncodeFact(m.facts[key]))
}

// retarget makes a new target if the settings are not those of the last boot.
func (m *Machine) retarget(boot Boot) {
	settings := m.fingerprints()
	if m.target.Boot == settings {
		return
	}
	m.target = targetRecord{
		Target: Target{ID: settings[:12], Number: m.target.Number + 1, By: boot.By, At: boot.Now},
		Boot:   settings,
	}
	m.dirty[keyTarget] = true
}

// fingerprints identifies what the settings render, over all pod types.
func (m *Machine) fingerprints() string {
	h := sha256.New()
	for _, phase := range m.service.Phases() {
		for _, t := range phase.PodTypes {
			fmt.Fprintf(h, "%s=%s\n", t, m.service.Fingerprint(t))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// touchPod and touchHost mark a record for the next commit.
func (m *Machine) touchPod(p *Pod) {
	m.dirty[prefixPod+p.Name] = true
	m.retell[p.Host] = true
	m.stir(p)
}

func (m *Machine) touchHost(h *Host) { m.dirty[prefixHost+h.Key] = true }

// sortPods orders pods as their types stand in the deploy plan, and by index.
func (m *Machine) sortPods() {
	if len(m.order) == m.sorted && m.sorted == len(m.pods) {
		return
	}
	m.sorted = len(m.pods)
	m.deploy = nil
	rank := map[string]int{}
	for _, phase := range m.service.Phases() {
		for _, t := range phase.PodTypes {
			rank[t] = len(rank) + 1
		}
	}
	m.order = m.order[:0]
	for _, p := range m.pods {
		m.order = append(m.order, p)
	}
	slices.SortFunc(m.order, func(a, b *Pod) int {
		if c := rank[a.Type] - rank[b.Type]; c != 0 {
			return c
		}
		if c := strings.Compare(a.Type, b.Type); c != 0 {
			return c
		}
		return a.Index - b.Index
	})
}

// newPod creates the next pod of a type. Indices are never reused: pods are never forgotten.
func (m *Machine) newPod(podType, host string) *Pod {
	index := m.nextIndex[podType]
	m.nextIndex[podType] = index + 1
	p := &Pod{Name: fmt.Sprintf("%s-%d", podType, index), Type: podType, Index: index, Host: host, Bound: host != ""}
	m.pods[p.Name] = p
	m.indexPod(p)
	m.touchPod(p)
	m.order = append(m.order, p)
	return p
}

// indexPod notes what is looked up of a pod. It never changes.
func (m *Machine) indexPod(p *Pod) {
	if p.Type == m.service.Scout() {
		m.scouts[p.Host] = p
	}
	if p.Bound {
		m.bound[Wanted{Type: p.Type, Host: p.Host}] = true
	}
}

// podsByName returns all pods by name. It must not be changed.
func (m *Machine) podsByName() []*Pod {
	if len(m.byName) == len(m.order) { // pods are never forgotten
		return m.byName
	}
	m.byName = append(m.byName[:0], m.order...)
	slices.SortFunc(m.byName, func(a, b *Pod) int { return strings.Compare(a.Name, b.Name) })
	return m.byName
}

// sortedHosts returns all hosts by key. It must not be changed.
func (m *Machine) sortedHosts() []*Host {
	if len(m.hostOrder) == len(m.hosts) { // hosts are never forgotten
		return m.hostOrder
	}
	m.hostOrder = m.hostOrder[:0]
	for _, h := range m.hosts {
		m.hostOrder = append(m.hostOrder, h)
	}
	slices.SortFunc(m.hostOrder, func(a, b *Host) int { return strings.Compare(a.Key, b.Key) })
	return m.hostOrder
}

func (m *Machine) cluster() Cluster {
	c := Cluster{Hosts: make([]Host, 0, len(m.hosts)), Pods: make([]Pod, 0, len(m.order))}
	for _, h := range m.sortedHosts() {
		c.Hosts = append(c.Hosts, *h)
	}
	for _, p := range m.order {
		c.Pods = append(c.Pods, *p)
	}
	return c
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
