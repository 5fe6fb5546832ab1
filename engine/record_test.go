package engine

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/recorder"
	"github.com/quobyte/mesos-framework/engine/store"
	"github.com/quobyte/mesos-framework/offers"
)

func newRecorder(t *testing.T, dir string) *recorder.Recorder {
	t.Helper()
	r, err := recorder.New(recorder.Config{Dir: dir, StateEvery: 1, Version: "test", Settings: json.RawMessage("{}")})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func replay(t *testing.T, dir string, s machine.Service) ([]recorder.Decision, recorder.Outcome, error) {
	t.Helper()
	files, err := recorder.Files(dir)
	if err != nil {
		t.Fatal(err)
	}
	var decisions []recorder.Decision
	p := recorder.Player{
		Service:  func(recorder.Segment) (machine.Service, error) { return s, nil },
		Decision: func(d recorder.Decision) error { decisions = append(decisions, d); return nil },
		Note:     func(text string) { t.Log(text) },
	}
	outcome, err := p.Play(files)
	return decisions, outcome, err
}

// What the loop does can be decided again from what it told the recorder: over a restart, and to the records that are stored.
func TestLoopIsRecorded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "recording")
	disk := &store.Disk{}
	synctest.Test(t, func(t *testing.T) {
		b := newRecordedBench(t, disk, newRecorder(t, dir))
		b.event(machine.Subscribed{FrameworkID: "F"})
		b.event(offer("O1"))
		time.Sleep(2 * time.Second) // the discovery window, in virtual time
		b.event(offer("O2"))
		if a, err := b.engine.Do(t.Context(), machine.Verb{Kind: machine.Pause, Plan: "deploy", Actor: "alice"}); err != nil || a.Code != machine.Done {
			t.Fatalf("pause: %v %v", a, err)
		}
		b.cancel()
		<-b.ended
		disk.Before = nil
		b = newRecordedBench(t, disk, newRecorder(t, dir))
		b.event(machine.Subscribed{FrameworkID: "F"})
		b.cancel()
		<-b.ended
	})
	decisions, outcome, err := replay(t, dir, single{})
	if err != nil {
		t.Fatal(err)
	}
	launches := 0
	for _, d := range decisions {
		for _, c := range d.Effects.Calls {
			if a, ok := c.Call.(machine.Accept); ok {
				launches += len(a.Launches())
			}
		}
	}
	if launches != 1 || outcome.Segments != 2 || outcome.Compared < len(decisions) {
		t.Errorf("%d launches in %d segments, %d of %d states compared", launches, outcome.Segments, outcome.Compared, len(decisions))
	}
	stored, err := disk.Open().Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	replayed := map[string]string{}
	for _, r := range outcome.Snapshot.Records {
		replayed[r.Key] = string(r.Value)
	}
	for _, r := range stored {
		if replayed[r.Key] != string(r.Value) {
			t.Errorf("record %s: stored %s, replayed %s", r.Key, r.Value, replayed[r.Key])
		}
	}
	if len(stored) != len(replayed) {
		t.Errorf("%d records are stored, %d were replayed", len(stored), len(replayed))
	}
}

// brittle panics when it has to render a task.
type brittle struct{ single }

func (brittle) Task(machine.Pod, machine.Place, machine.Cluster) (offers.Task, error) {
	panic("brittle")
}

// When the machine panics, what it panicked at is written before the process ends.
func TestPanicIsRecorded(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := newRecorder(t, dir)
		e, err := New(t.Context(), Config{
			Machine: machine.Config{DiscoveryWindow: time.Nanosecond}, Service: brittle{},
			Store: (&store.Disk{}).Open(), Session: newSession(&journal{}), Recorder: r,
		})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(r.Run)
		e.inbox <- machine.Subscribed{FrameworkID: "F"}
		e.inbox <- offer("O1")
		go func() { // what a second offer brings: the first shows the host
			time.Sleep(time.Second)
			e.inbox <- offer("O2")
		}()
		func() {
			defer func() {
				if v := recover(); v != "brittle" {
					t.Errorf("recovered %v", v)
				}
			}()
			_ = e.loop(t.Context())
		}()
		wg.Wait()
	})
	_, _, err := replay(t, dir, brittle{})
	var panicked *recorder.PanicError
	if !errors.As(err, &panicked) || panicked.Value != "brittle" {
		t.Errorf("replay: %v, want the same panic", err)
	}
}
