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
			e.work(t.Context(), func(error) {})
		}()
		wg.Wait()
	})
	_, _, err := replay(t, dir, brittle{})
	var panicked *recorder.PanicError
	if !errors.As(err, &panicked) || panicked.Value != "brittle" {
		t.Errorf("replay: %v, want the same panic", err)
	}
}

// stuck records to a disk that hangs: Run ends when the test does.
type stuck struct {
	unrecorded
	disk  chan struct{}
	ended chan time.Time
}

// stuckFarewell is how long its End waits for the disk.
const stuckFarewell = 5 * time.Second

func (s stuck) Run() { <-s.disk }
func (s stuck) End(*machine.Machine) bool {
	s.ended <- time.Now()
	time.Sleep(stuckFarewell)
	return false
}

// A recorder whose disk hangs keeps nobody from ending, and all else ends without it: with ZooKeeper, another instance waits.
func TestARecorderThatHangsIsGivenUp(t *testing.T) {
	broken := errors.New("ZooKeeper is away")
	for _, test := range []struct {
		name string
		end  func(*bench)
		want error
	}{
		{"told to end", func(b *bench) { b.cancel() }, nil},
		{"the session is no use", func(b *bench) { b.session.fail <- broken }, broken},
		{"a commit fails", func(b *bench) { b.session.events <- offer("O1") }, broken},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := stuck{disk: make(chan struct{}), ended: make(chan time.Time, 1)}
				defer close(r.disk)
				disk := &store.Disk{Before: func(g machine.Group) error {
					if g.Puts[0].Key == "hosts/h" {
						return broken
					}
					return nil
				}}
				b := newRecordedBench(t, disk, r)
				sessionEnded := make(chan struct{})
				b.session.ended = func() { close(sessionEnded) }
				b.event(machine.Subscribed{FrameworkID: "F"})
				begun := time.Now()
				test.end(b)
				<-sessionEnded
				if d := time.Since(begun); d > 0 {
					t.Errorf("the session went on for %s", d)
				}
				select {
				case err := <-b.ended:
					if !errors.Is(err, test.want) {
						t.Errorf("Run: %v, want %v", err, test.want)
					}
				case <-time.After(time.Minute):
					t.Fatal("Run waits for a recorder that hangs")
				}
				if d := time.Since(<-r.ended); d > stuckFarewell {
					t.Errorf("Run ended %s after the recorder was told to end, want %s", d, stuckFarewell)
				}
			})
		})
	}
}

// A Recorder that writes is waited for.
func TestARecorderThatWritesIsJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := slow{end: make(chan struct{}), done: make(chan struct{})}
		b := newRecordedBench(t, &store.Disk{}, r)
		b.cancel()
		<-b.ended
		select {
		case <-r.done:
		default:
			t.Error("Run ended before the recorder's did")
		}
	})
}

// slow has things to do after everything is written.
type slow struct {
	unrecorded
	end, done chan struct{}
}

func (s slow) Run() {
	<-s.end
	time.Sleep(time.Second)
	close(s.done)
}

func (s slow) End(*machine.Machine) bool {
	close(s.end)
	return true
}
