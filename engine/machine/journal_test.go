package machine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// outsideSnapshot are the fields of a machine that a snapshot does without, and why.
var outsideSnapshot = map[string]string{
	"cfg": "given", "service": "given",
	"frameworkID": "in a record", "registration": "in a record", "target": "in a record", "run": "in a record",
	"hosts": "in records", "pods": "in records", "history": "in records", "facts": "in records", "releases": "in records", "releasing": "follows from the releases",
	"byTask": "follows from the pods", "operations": "follows from the pods", "replaced": "follows from the pods", "order": "follows from the pods", "sorted": "follows from the pods",
	"hostOrder": "follows from the hosts", "scouts": "follows from the pods", "bound": "follows from the pods", "deploy": "only saves time", "inputs": "only saves time", "nextIndex": "follows from the pods",
	"settle": "given", "gated": "given", "quorate": "given", "wanted": "empty after a decision", "inquire": "empty after a decision", "stopped": "empty after a decision", "asks": "empty after a decision", "unfit": "made anew in every decision", "dirty": "empty after a decision", "deleted": "empty after a decision", "calls": "empty after a decision", "answers": "empty after a decision", "taskKills": "empty after a decision",
	"shown": "only saves memory", "byName": "follows from the pods", "budgets": "given", "compared": "follows from the survey", "wake": "every decision begins with none",
}

// A field that is added to the machine is either part of a snapshot or need not be.
func TestSnapshotKnowsEveryField(t *testing.T) {
	m, err := New(Config{}, toy{}, nil, Boot{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range m.volatile() {
		names = append(names, p.name)
	}
	for f := range reflect.TypeFor[Machine]().Fields() {
		if _, outside := outsideSnapshot[f.Name]; outside == slices.Contains(names, f.Name) {
			t.Errorf("field %s: must be either in volatile (journal.go), or in outsideSnapshot with the reason why a replay can do without", f.Name)
		}
	}
}

// What is in no record of hosts and pods is in the snapshot's reports.
func TestSnapshotKnowsWhatPodsAndHostsDoNotRecord(t *testing.T) {
	known := []string{"Host.Heard", "PodTask.Sick", "PodTask.Seq", "Host.AskedAt", "Host.Inspected"} // the last two are only told to the service
	for _, s := range []reflect.Type{reflect.TypeFor[Host](), reflect.TypeFor[Pod](), reflect.TypeFor[PodTask](), reflect.TypeFor[PodClaim]()} {
		for f := range s.Fields() {
			if name := s.Name() + "." + f.Name; f.Tag.Get("json") == "-" && !slices.Contains(known, name) {
				t.Errorf("%s: is not recorded; add it to report (journal.go)", name)
			}
		}
	}
}

// In random play, a machine that is restored after any decision is the same, and goes on to decide the same.
func TestRestoredMachineGoesOn(t *testing.T) {
	checkDrawn(t, func(rt *rapid.T) {
		p := newPlay(rt)
		p.take(Subscribed{FrameworkID: "F"})
		p.decide()
		actions := p.actions()
		actions["restore"] = func(t *rapid.T) {
			before, err := p.m.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			m, err := Restore(Config{DiscoveryWindow: 2 * time.Second}, p.toy, before)
			if err != nil {
				t.Fatal(err)
			}
			after, err := m.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			if before.Digest() != after.Digest() {
				t.Fatalf("a restored machine differs (-before +after):\n%s", cmp.Diff(texts(before), texts(after)))
			}
			p.m = m // its twin was never restored, and decides the same
		}
		rt.Repeat(actions)
	})
}

func texts(s Snapshot) []string {
	var out []string
	for _, r := range s.Records {
		out = append(out, r.Key+" "+string(r.Value))
	}
	for _, p := range s.Volatile {
		out = append(out, p.Name+" "+string(p.Value))
	}
	return out
}

func newPlay(t *rapid.T) *play {
	p := &play{
		t: t, toy: toy{expect: 1}, now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC),
		records: map[string][]byte{}, tasks: map[string]bool{}, pods: map[string][]string{}, agent: map[string]string{},
		begun: map[string]int{}, lost: map[string]bool{}, killed: map[string]bool{}, ready: map[string]bool{}, served: map[string]bool{},
		gone: map[string]bool{}, given: map[string]bool{},
	}
	p.m, p.twin = p.build(), p.build()
	p.forget()
	return p
}

func TestCanonical(t *testing.T) {
	for _, text := range []string{"plain", "\xff", "a\xff\xfeb", `\ufffd`, `\\ufffd`, "\ufffd", "\\\xff", `"`, ""} {
		once, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var read string
		if err := json.Unmarshal(once, &read); err != nil {
			t.Fatal(err)
		}
		twice, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := Canonical(once), Canonical(twice); !bytes.Equal(a, b) {
			t.Errorf("%q: %s, read and written again %s", text, a, b)
		}
		var same string
		if err := json.Unmarshal(Canonical(once), &same); err != nil || same != read {
			t.Errorf("%q: canonical form is read as %q (%v), want %q", text, same, err, read)
		}
	}
}

// BenchmarkSnapshot measures what the loop does for a digest of the state, or for the snapshot that begins a segment of a
// recording, with two pods on each host.
func BenchmarkSnapshot(b *testing.B) {
	for _, hosts := range []int{100, 1000, 10000} {
		b.Run(fmt.Sprintf("hosts=%d", hosts), func(b *testing.B) {
			m, _ := deployed(b, hosts)
			size := 0
			for b.Loop() {
				s, err := m.Snapshot()
				if err != nil {
					b.Fatal(err)
				}
				if s.Digest() == "" {
					b.Fatal("no digest")
				}
				size = 0
				for _, text := range texts(s) {
					size += len(text)
				}
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
