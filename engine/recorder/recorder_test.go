package recorder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

const secret = "hunter2"

// run is a machine that is recorded, and all that it decided.
type run struct {
	t        fataler
	dir      string
	cfg      Config
	m        *machine.Machine
	r        *Recorder
	wg       sync.WaitGroup
	now      time.Time
	draws    int
	serial   int
	records  map[string][]byte
	tasks    []offers.Task
	launches []machine.Call
	decided  []string // what each decision asked for
	states   []string // the digest after each, unless hasty
	hasty    bool
	patient  bool // settle after each decision: then it is known which segment it is in
	times    []time.Time
}

type fataler interface {
	Fatal(...any)
	Fatalf(string, ...any)
	Helper()
}

var machineConfig = machine.Config{DiscoveryWindow: time.Second}

func newRun(t fataler, dir string, cfg Config) *run {
	return &run{t: t, dir: dir, cfg: cfg, now: time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC), records: map[string][]byte{}}
}

// start begins a process, from what is stored.
func (r *run) start() {
	r.t.Helper()
	cfg := r.cfg
	cfg.Dir, cfg.Version, cfg.Settings = r.dir, "test", json.RawMessage(`{"password":"redacted"}`)
	var err error
	if r.r, err = New(cfg); err != nil {
		r.t.Fatal(err)
	}
	var records []machine.Record
	for k, v := range r.records {
		records = append(records, machine.Record{Key: k, Value: bytes.Clone(v)})
	}
	slices.SortFunc(records, func(a, b machine.Record) int { return strings.Compare(a.Key, b.Key) })
	boot := machine.Boot{Now: r.now, By: "operator"}
	if r.m, err = machine.New(machineConfig, toy{secret: secret}, records, boot); err != nil {
		r.t.Fatal(err)
	}
	r.r.Begin(machineConfig, toy{secret: secret}, records, boot, r.m)
	r.wg.Go(r.r.Run)
}

func (r *run) stop() {
	r.r.End(r.m)
	r.wg.Wait()
}

func (r *run) take(e machine.Event) {
	r.r.Take(r.now, e)
	r.m.Take(r.now, e)
}

func (r *run) decide() {
	r.draws++
	random := [16]byte{byte(r.draws), byte(r.draws >> 8)}
	r.r.Decide(r.now, random)
	e := r.m.Decide(r.now, random)
	r.r.Decided(e, r.m)
	for _, g := range e.Groups {
		for _, p := range g.Puts {
			r.records[p.Key] = p.Value
		}
		for _, k := range g.Deletes {
			delete(r.records, k)
		}
	}
	for _, c := range e.Calls {
		if a, ok := c.Call.(machine.Accept); ok {
			r.tasks = append(r.tasks, a.Launches()...)
			r.launches = append(r.launches, a)
		}
	}
	r.decided, r.times = append(r.decided, asText(r.t, e)), append(r.times, r.now)
	if r.patient {
		r.settle()
	}
	if !r.hasty {
		r.states = append(r.states, r.state())
	}
}

// settle waits until everything is written.
func (r *run) settle() {
	for r.r.weight.Load() > 0 {
		runtime.Gosched()
	}
}

func (r *run) state() string {
	s, err := r.m.Snapshot()
	if err != nil {
		r.t.Fatal(err)
	}
	return s.Digest()
}

// asText is all that a decision asks for, but for how tasks are to run, which a replay does not know.
func asText(t fataler, e machine.Effects) string {
	var out strings.Builder
	calls, groups := e.Calls, e.Groups
	e.Calls, e.Groups = nil, nil
	for _, g := range groups {
		for _, p := range g.Puts {
			fmt.Fprintf(&out, "%s %s\n", p.Key, machine.Canonical(p.Value))
		}
		fmt.Fprintf(&out, "-%q\n", g.Deletes)
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(machine.Canonical(text))
	for _, c := range calls {
		text, err := json.Marshal(redactCall(c.Call))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&out, "\n%d %T %s", c.After, c.Call, text)
	}
	return out.String()
}

func (r *run) offer(host string) machine.Event {
	r.serial++
	o := offers.Offer{
		ID: fmt.Sprintf("O%d", r.serial), AgentID: "S-" + host, Site: offers.Site{Host: host, Hostname: host}, Role: "r",
		Free:   offers.Quantities{CPUs: 4000, Disk: 1_000_000, Ports: []offers.Range{{Begin: 7000, End: 7010}}},
		Mounts: []offers.Mount{{Size: 5000, Root: "/d1"}},
	}
	if host == "h3" {
		o.Unavailability = &offers.Unavailability{Start: r.now.Add(time.Hour)}
	}
	return machine.Offered{Offers: []offers.Offer{o}}
}

func (r *run) status(t offers.Task, s machine.TaskState, data []byte) machine.Event {
	r.serial++
	return machine.Updated{Status: machine.TaskStatus{
		TaskID: t.ID, AgentID: t.AgentID, State: s, Source: "EXECUTOR", Message: "m", UUID: fmt.Appendf(nil, "%016d", r.serial), Data: data,
		Timestamp: r.now.Add(-time.Second),
	}}
}

// deploy lets everything go well for a while.
func (r *run) deploy() { r.progress(3) }

func (r *run) progress(rounds int) {
	r.take(machine.Subscribed{FrameworkID: "F", Heartbeat: 15 * time.Second, Master: machine.Master{ID: "M", Address: "m:5050"}})
	r.decide()
	for range rounds {
		for _, h := range []string{"h1", "h2"} {
			r.take(r.offer(h))
		}
		r.decide()
		r.now = r.now.Add(1500 * time.Millisecond)
		for _, t := range r.tasks {
			r.take(r.status(t, machine.Running, nil))
		}
		r.decide()
		for _, t := range r.tasks {
			if !strings.HasPrefix(t.ID, "agent") {
				continue
			}
			r.serial++
			report := machine.Report{Seq: uint64(r.serial), Facts: []byte("db")}
			for _, other := range r.tasks {
				report.Pods = append(report.Pods, machine.Health{TaskID: other.ID, Healthy: true})
			}
			data, _ := json.Marshal(report)
			r.take(r.status(t, machine.Running, data))
		}
		r.decide()
		r.now = r.now.Add(1500 * time.Millisecond)
		r.decide()
	}
}

// replayed is what a replay showed.
type replayed struct {
	decided []string
	notes   []string
	outcome Outcome
}

func replayAll(t fataler, files []string, until time.Time) (replayed, error) {
	var out replayed
	p := Player{
		Until:   until,
		Service: func(s Segment) (machine.Service, error) { return toy{secret: "redacted"}, nil },
		Note:    func(text string) { out.notes = append(out.notes, text) },
		Decision: func(d Decision) error {
			out.decided = append(out.decided, asText(t, d.Effects))
			return nil
		},
	}
	var err error
	out.outcome, err = p.Play(files)
	return out, err
}

func (r *run) files() []string {
	r.t.Helper()
	files, err := Files(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	return files
}

func (r *run) check(got replayed) {
	r.t.Helper()
	if diff := cmp.Diff(r.decided, got.decided); diff != "" {
		r.t.Fatalf("decisions (-recorded +replayed):\n%s", diff)
	}
	if want := r.state(); got.outcome.Snapshot.Digest() != want {
		r.t.Fatalf("state %s at the end, want %s", got.outcome.Snapshot.Digest(), want)
	}
}

func TestReplayDecidesTheSame(t *testing.T) {
	r := newRun(t, t.TempDir(), Config{StateEvery: 1})
	r.start()
	r.deploy()
	r.stop()
	if len(r.tasks) < 4 {
		t.Fatalf("only %d tasks were launched: nothing to replay", len(r.tasks))
	}
	got, err := replayAll(t, r.files(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	r.check(got)
	if got.outcome.Compared < len(r.decided) || got.notes != nil {
		t.Errorf("%d states compared of %d, notes %q", got.outcome.Compared, len(r.decided), got.notes)
	}
}

// Several processes, each with several segments: all in a row, and every segment alone.
func TestSegments(t *testing.T) {
	r := newRun(t, t.TempDir(), Config{SegmentBytes: 2000, Segments: 1000})
	r.patient = true
	for range 3 {
		r.start()
		r.deploy()
		r.stop()
		r.now = r.now.Add(time.Minute)
	}
	files := r.files()
	if len(files) < 6 {
		t.Fatalf("only %d segments", len(files))
	}
	got, err := replayAll(t, files, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	r.check(got)
	if got.notes != nil {
		t.Errorf("notes %q", got.notes)
	}
	zipped, total := 0, 0
	for _, f := range files {
		alone, err := replayAll(t, []string{f}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		total += len(alone.decided)
		if strings.HasSuffix(f, gzipped) {
			zipped++
		}
	}
	if total != len(r.decided) {
		t.Errorf("%d decisions in all segments, want %d", total, len(r.decided))
	}
	if zipped != len(files)-1 {
		t.Errorf("%d of %d segments are compressed, want all but the last", zipped, len(files))
	}
}

// The oldest segments are deleted, and what is left can be replayed.
func TestOldSegmentsAreDeleted(t *testing.T) {
	r := newRun(t, t.TempDir(), Config{SegmentBytes: 2000, Segments: 3})
	r.patient = true
	r.start()
	r.deploy()
	r.deploy()
	r.stop()
	files := r.files()
	if len(files) != 3 {
		t.Fatalf("%d segments are left, want 3: %v", len(files), files)
	}
	got, err := replayAll(t, files, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.decided); n == 0 || n >= len(r.decided) {
		t.Fatalf("%d decisions of %d are left", n, len(r.decided))
	}
	r.decided = r.decided[len(r.decided)-len(got.decided):]
	r.check(got)
}

func TestUntil(t *testing.T) {
	r := newRun(t, t.TempDir(), Config{SegmentBytes: 3000, Segments: 1000})
	r.patient = true
	r.start()
	r.deploy()
	r.stop()
	for i := range r.decided {
		if i+1 < len(r.decided) && r.times[i+1].Equal(r.times[i]) {
			continue // both are replayed
		}
		got, err := replayAll(t, r.files(), r.times[i])
		if err != nil {
			t.Fatal(err)
		}
		if len(got.decided) != i+1 || got.outcome.Snapshot.Digest() != r.states[i] {
			t.Fatalf("until %s: %d decisions and state %s, want %d and %s", r.times[i], len(got.decided), got.outcome.Snapshot.Digest(), i+1, r.states[i])
		}
	}
}

// A kill may cut a file anywhere. What is whole is replayed, and the rest is told.
func TestTornAnywhere(t *testing.T) {
	r := newRun(t, t.TempDir(), Config{StateEvery: 2})
	r.start()
	r.deploy()
	r.stop()
	whole, err := os.ReadFile(r.files()[0])
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "torn.jsonl")
	last := 0
	for cut := 0; cut < len(whole); cut += 97 {
		if err := os.WriteFile(file, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := replayAll(t, []string{file}, time.Time{})
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if len(got.notes) == 0 {
			t.Fatalf("cut at %d: nothing is told of it", cut)
		}
		if n := len(got.decided); n < last || n > 0 && got.outcome.Snapshot.Digest() != r.states[n-1] {
			t.Fatalf("cut at %d: %d decisions, %d before, or another state", cut, n, last)
		}
		last = len(got.decided)
	}
	if last < len(r.decided)-1 {
		t.Errorf("cut at the end: only %d decisions of %d", last, len(r.decided))
	}
}

// After a kill the next process begins anew from what was stored, in a segment of its own; the torn one is compressed as it is.
func TestKilled(t *testing.T) {
	r := newRun(t, t.TempDir(), Config{})
	r.start()
	r.deploy()
	r.stop()
	first := r.files()[0]
	text, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	torn := bytes.Join(lines[:len(lines)-2], nil) // without the end
	if err := os.WriteFile(first, append(torn, `{"take":{"at":"20`...), 0o600); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.deploy()
	r.stop()
	got, err := replayAll(t, r.files(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	r.check(got)
	if len(got.notes) != 1 || !strings.Contains(got.notes[0], "is torn") {
		t.Errorf("notes %q", got.notes)
	}
}

// When one input is changed, replay says at which decision it first went another way.
func TestDifferenceIsFound(t *testing.T) {
	r := newRun(t, t.TempDir(), Config{})
	r.start()
	r.deploy()
	r.stop()
	file := r.files()[0]
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(text, []byte(`"State":"RUNNING"`), []byte(`"State":"FAILED"`), 1)
	if err := os.WriteFile(file, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := replayAll(t, []string{file}, time.Time{})
	var d *Difference
	if !errors.As(err, &d) || d.What != "effects" || int(d.Decision) != len(got.decided) {
		t.Fatalf("%v, want a difference of effects at decision %d", err, len(got.decided))
	}
	if got.decided[d.Decision-1] == r.decided[d.Decision-1] || got.decided[d.Decision-2] != r.decided[d.Decision-2] {
		t.Errorf("decision %d is not the first that differs", d.Decision)
	}
	if want := fmt.Sprintf("decision %d: effects differ from what was recorded by test", d.Decision); !strings.Contains(err.Error(), want) {
		t.Errorf("error %q, want it to contain %q", err, want)
	}
}

// refused replays a file with this text, which must end in an error.
func refused(t *testing.T, text, want string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "r.jsonl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := replayAll(t, []string{file}, time.Time{}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want it to contain %q", err, want)
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"newer", `{"segment":{"format":2,"version":"v9"}}` + "\n", "format 2 is newer than 1, the newest that this program reads; replay it with the version"},
		{"no recording", "hello\n", "is it a recording?"},
		{"no head", `{"end":{"reason":"stopped"}}` + "\n", "not a recording: no head"},
		{"no format", `{"segment":{}}` + "\n", "not a recording: no format"},
	} {
		t.Run(test.name, func(t *testing.T) {
			refused(t, test.text, test.want)
		})
	}
}

// Nothing that the service renders from its settings is recorded, and replay does without.
func TestNoSecretIsRecorded(t *testing.T) {
	r := newRun(t, t.TempDir(), Config{})
	r.start()
	r.deploy()
	r.take(machine.CallFailed{Call: r.launches[0], Err: "400 Bad Request"})
	r.decide()
	r.stop()
	text, err := os.ReadFile(r.files()[0])
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte("call-failed")) {
		t.Fatal("the call that failed is not recorded")
	}
	if bytes.Contains(text, []byte("password="+secret)) {
		t.Error("the secret is in the recording")
	}
	got, err := replayAll(t, r.files(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	r.check(got)
}

// An error of writing ends the recording with a warning; the machine works on.
func TestErrorStopsRecordingOnly(t *testing.T) {
	var log bytes.Buffer
	r := newRun(t, t.TempDir(), Config{SegmentBytes: 1, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	// A directory is in the way of the first segment's compressed form.
	if err := os.Mkdir(filepath.Join(r.dir, segmentName(1)+".tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.deploy()
	r.deploy()
	r.stop()
	if got := log.String(); strings.Count(got, "recording: stopped; the framework goes on without") != 1 {
		t.Errorf("log:\n%s", got)
	}
}

func TestOneRecorderPerDirectory(t *testing.T) {
	r := newRun(t, t.TempDir(), Config{})
	r.start()
	if _, err := New(Config{Dir: r.dir}); err == nil || !strings.Contains(err.Error(), "another process records there") {
		t.Errorf("error %v", err)
	}
	r.stop()
	r.start()
	r.stop()
}

// When the queue is full the loop goes on, and recording does when there is room again.
func TestQueueIsFull(t *testing.T) {
	var log bytes.Buffer
	r := newRun(t, t.TempDir(), Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	r.start()
	r.take(machine.Subscribed{FrameworkID: "F"})
	r.decide()
	r.r.weight.Add(queueWeight) // as if a lot waited
	r.take(r.offer("h1"))
	r.decide()
	r.take(r.offer("h2"))
	r.decide()
	lost := len(r.decided)
	r.r.weight.Add(-queueWeight)
	r.settle()
	r.decide() // its snapshot begins the segment
	r.deploy()
	r.stop()
	got, err := replayAll(t, r.files(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	r.decided = slices.Delete(r.decided, lost-2, lost+1)
	r.check(got)
	told := strings.Count(log.String(), "does not keep up") == 1
	if !told || len(got.notes) != 1 || !strings.Contains(got.notes[0], "what happened before is missing") {
		t.Errorf("notes %q, log %s", got.notes, log.String())
	}
}

// The input at which the machine panicked is in the recording, and replay shows where.
func TestPanicIsRecorded(t *testing.T) {
	r := newRun(t, t.TempDir(), Config{})
	r.start()
	r.take(machine.Subscribed{FrameworkID: "F"})
	r.decide()
	r.r.Take(r.now, r.offer("h1"))
	r.r.Decide(r.now, [16]byte{9})
	r.r.End(r.m) // as the loop does in a panic
	r.wg.Wait()
	got, err := replayAll(t, r.files(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.decided) != 2 || len(got.notes) != 1 || !strings.Contains(got.notes[0], "decision 2 was not finished when it was recorded") {
		t.Errorf("%d decisions, notes %q", len(got.decided), got.notes)
	}
	p := Player{Service: func(Segment) (machine.Service, error) { return panicky{}, nil }}
	var panicked *PanicError
	if _, err := p.Play(r.files()); !errors.As(err, &panicked) || panicked.Value != "boom" || panicked.Decision != 2 {
		t.Errorf("error %v, want one about a panic in decision 2", err)
	}
}

// panicky panics when it has to render a task.
type panicky struct{ toy }

func (panicky) Task(machine.Pod, machine.Place, machine.Cluster) (offers.Task, error) { panic("boom") }

// Whatever happens, in whatever order, with segments that end at any time and kills: replay decides the same.
func TestRandomRunsAreReplayed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		r := newRun(rt, dir, Config{SegmentBytes: int64(rapid.IntRange(20_000, 200_000).Draw(rt, "size")), Segments: 10000, StateEvery: 10})
		r.hasty = true
		r.start()
		r.take(machine.Subscribed{FrameworkID: "F"})
		r.decide()
		host := rapid.SampledFrom([]string{"h1", "h2", "h3"})
		task := func(t *rapid.T) offers.Task {
			if len(r.tasks) == 0 {
				t.Skip("nothing was launched")
			}
			return rapid.SampledFrom(r.tasks).Draw(t, "task")
		}
		rt.Repeat(map[string]func(*rapid.T){
			"decide":    func(*rapid.T) { r.decide() },
			"deploy":    func(*rapid.T) { r.deploy() },
			"subscribe": func(*rapid.T) { r.take(machine.Subscribed{FrameworkID: "F"}) },
			"disconnect": func(t *rapid.T) {
				r.take(machine.Disconnected{Err: rapid.SampledFrom([]string{"gone", "g\xffne", "\ufffd"}).Draw(t, "error")})
			},
			"offer":   func(t *rapid.T) { r.take(r.offer(host.Draw(t, "host"))) },
			"rescind": func(t *rapid.T) { r.take(machine.Rescinded{OfferID: fmt.Sprintf("O%d", r.serial)}) },
			"failure": func(t *rapid.T) { r.take(machine.Failure{AgentID: "S-" + host.Draw(t, "host")}) },
			"status": func(t *rapid.T) {
				s := rapid.SampledFrom([]machine.TaskState{machine.Running, machine.Failed, machine.Unreachable, machine.Gone, machine.Lost}).Draw(t, "state")
				r.take(r.status(task(t), s, nil))
			},
			"call failed": func(t *rapid.T) {
				if len(r.launches) == 0 {
					t.Skip("nothing was launched")
				}
				r.take(machine.CallFailed{Call: rapid.SampledFrom(r.launches).Draw(t, "call"), Err: "400", Ambiguous: rapid.Bool().Draw(t, "ambiguous")})
			},
			"verb": func(t *rapid.T) {
				r.take(machine.Verb{
					ID: 7, Actor: "a", Plan: "deploy", Phase: rapid.SampledFrom([]string{"", "db", "probe"}).Draw(t, "phase"),
					Kind: rapid.SampledFrom([]machine.VerbKind{machine.Pause, machine.Resume, machine.Force}).Draw(t, "verb"), When: plans.When(""),
				})
			},
			"time": func(t *rapid.T) {
				r.now = r.now.Add(time.Duration(rapid.IntRange(1, 300000).Draw(t, "ms")) * time.Millisecond)
			},
			"restart": func(*rapid.T) { r.decide(); r.stop(); r.start() },
		})
		r.decide()
		r.stop()
		got, err := replayAll(rt, r.files(), time.Time{})
		if err != nil {
			rt.Fatal(err)
		}
		r.check(got)
	})
}

// A disk that hangs keeps the loop for a few seconds, and is told.
func TestEndDoesNotWaitForADiskThatHangs(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r, err := New(Config{Dir: dir, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		defer r.lock.Close()
		m, err := machine.New(machineConfig, toy{}, nil, machine.Boot{Now: time.Now(), By: "operator"})
		if err != nil {
			t.Fatal(err)
		}
		r.Begin(machineConfig, toy{}, nil, machine.Boot{Now: time.Now()}, m)
		begun := time.Now() // Run is not called: it might as well hang
		if r.End(m) || time.Since(begun) != farewell || !strings.Contains(log.String(), "not everything is written") {
			t.Errorf("ended after %s, want %s; the log: %s", time.Since(begun), farewell, &log)
		}
	})
}

// A disk that hangs from the first is an error.
func TestNewDoesNotWaitForADiskThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := make(chan struct{})
		defer close(disk)
		begun := time.Now()
		_, err := inTime("/d", func(string) (*os.File, error) {
			<-disk
			return nil, nil
		})
		if err == nil || !strings.Contains(err.Error(), "directory /d: its disk has not answered within 5s") || time.Since(begun) != patience {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
	})
}
