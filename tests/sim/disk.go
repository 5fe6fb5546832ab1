package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// disk is the durable state, as all instances of the framework find it.
type disk struct {
	records map[string][]byte
	epoch   int

	// What the records say, for those who check.
	pods     map[string]machine.Pod
	facts    map[string]plans.Fact
	hosts    map[string]machine.Host
	releases map[string]machine.Release // by claim
	run      plans.Run                  // of deploy

	version int      // counts the changes of records
	size    int      // of all records, in bytes
	removed []string // records of pods and hosts that were deleted
}

func newDisk() *disk {
	return &disk{records: map[string][]byte{}, pods: map[string]machine.Pod{}, facts: map[string]plans.Fact{}, hosts: map[string]machine.Host{}, releases: map[string]machine.Release{}}
}

// open begins an epoch: nobody with an older one can write any more.
func (d *disk) open() (epoch int, records []machine.Record) {
	d.epoch++
	for _, key := range slices.Sorted(maps.Keys(d.records)) {
		records = append(records, machine.Record{Key: key, Value: slices.Clone(d.records[key])})
	}
	return d.epoch, records
}

var errDeposed = errors.New("deposed")

func (d *disk) commit(epoch int, g machine.Group) error {
	if epoch != d.epoch {
		return errDeposed
	}
	for _, key := range g.Deletes {
		if strings.HasPrefix(key, "pods/") || strings.HasPrefix(key, "hosts/") {
			d.removed = append(d.removed, key)
		}
		d.size -= len(d.records[key])
		delete(d.records, key)
		d.learn(key, nil)
	}
	for _, r := range g.Puts {
		d.size += len(r.Value) - len(d.records[r.Key])
		d.records[r.Key] = slices.Clone(r.Value)
		d.learn(r.Key, r.Value)
	}
	return nil
}

// isPods says whether a task is that of a pod.
func (d *disk) isPods(task string) bool {
	for _, p := range d.pods {
		if p.Task != nil && p.Task.ID == task {
			return true
		}
	}
	return false
}

// learn reads a record that was written, or, if it is nil, forgets it.
func (d *disk) learn(key string, record []byte) {
	d.version++
	kind, name, _ := strings.Cut(key, "/")
	switch kind {
	case "pods":
		note(d.pods, name, record)
	case "facts":
		note(d.facts, key, record)
	case "hosts":
		note(d.hosts, name, record)
	case "releases":
		note(d.releases, name, record)
	case "runs":
		run, err := plans.DecodeRun(valueOf[json.RawMessage](key, record))
		if err != nil {
			panic("record " + key + ": " + err.Error())
		}
		d.run = run
	}
}

func note[T any](in map[string]T, key string, record []byte) {
	if record == nil {
		delete(in, key)
		return
	}
	in[key] = valueOf[T](key, record)
}

// valueOf is what a record says.
func valueOf[T any](key string, record []byte) T {
	var envelope struct {
		Value *T `json:"value"`
	}
	if err := json.Unmarshal(record, &envelope); err != nil || envelope.Value == nil {
		panic(fmt.Sprintf("record %s has no value: %v", key, err))
	}
	return *envelope.Value
}

// outcome is what becomes of a commit.
type outcome string

const (
	stored        outcome = ""
	failsBefore   outcome = "fails, nothing stored"
	failsAfter    outcome = "fails, although stored"
	crashesBefore outcome = "crash before it is stored"
	crashesAfter  outcome = "crash after it is stored"
)

// storeFaults are what is about to go wrong with commits.
type storeFaults struct {
	next []outcome // of the next commits that write something
	skip int       // commits until then

	fullTill time.Time // until when every commit fails
}

// draw says what becomes of the next commit.
func (f *storeFaults) draw(now time.Time) outcome {
	if now.Before(f.fullTill) {
		return failsBefore
	}
	if len(f.next) == 0 {
		return stored
	}
	if f.skip > 0 {
		f.skip--
		return stored
	}
	o := f.next[0]
	f.next = f.next[1:]
	return o
}

// ownerOf is the pod that a claim belongs to; empty if there is none.
func (d *disk) ownerOf(claim string) string {
	for name, p := range d.pods {
		if p.Claim != nil && p.Claim.ID == claim {
			return name
		}
	}
	return ""
}
