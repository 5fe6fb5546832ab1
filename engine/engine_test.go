package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/store"
	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

// journal notes in which order the loop's effects come.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.lines, "\n")
}

// fakeSession lets a test play the master.
type fakeSession struct {
	journal *journal
	events  chan machine.Event
	fail    chan error
	ended   func() // is called when Run ends
	id      string
}

func newSession(j *journal) *fakeSession {
	return &fakeSession{journal: j, events: make(chan machine.Event), fail: make(chan error), ended: func() {}}
}

func (s *fakeSession) Run(ctx context.Context, frameworkID string, sink func(machine.Event)) error {
	s.id = frameworkID
	defer func() { s.ended() }()
	for {
		select {
		case e := <-s.events:
			sink(e)
		case err := <-s.fail:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *fakeSession) Send(c machine.Call) { s.journal.add("send %s", machine.CallName(c)) }

// single is a service of one pod that runs anywhere.
type single struct{}

func (single) Name() string              { return "single" }
func (single) Fingerprint(string) string { return "1" }
func (single) Phases() []machine.PhaseSpec {
	return []machine.PhaseSpec{{Name: "web", Strategy: plans.Serial, PodTypes: []string{"web"}}}
}
func (single) Admit(machine.Host) *plans.Hold      { return nil }
func (single) Scout() string                       { return "" }
func (single) Read([]byte) (machine.Report, error) { return machine.Report{}, nil }
func (single) Survey(h []machine.Host) machine.Survey {
	if len(h) == 0 {
		return machine.Survey{Missing: []plans.Hold{{Code: plans.CodeMissing, Text: "no host"}}}
	}
	return machine.Survey{Pods: []machine.Wanted{{Type: "web"}}}
}
func (single) Requirement(p machine.Pod) offers.Requirement {
	return offers.Requirement{Subject: p.Name, CPUs: 1000}
}
func (single) Task(machine.Pod, machine.Place, machine.Cluster) (offers.Task, error) {
	return offers.Task{Command: offers.Command{Value: "web"}}, nil
}
func (single) Budgets() []plans.Budget { return nil }
func (single) Judge([]string, []machine.Standing) machine.Judgement {
	return machine.Judgement{Gate: plans.GateOpen}
}
func (single) ScoutSilence() time.Duration                { return 0 }
func (single) TaskName(string) string                     { return "server" }
func (single) Message(machine.Host, []machine.Pod) []byte { return nil }
func (single) Health(string) bool                         { return false }

func offer(id string) machine.Event {
	return machine.Offered{Offers: []offers.Offer{{ID: id, AgentID: "S", Site: offers.Site{Host: "h", Hostname: "h"}, Role: "r", Free: offers.Quantities{CPUs: 4000}}}}
}

// bench is an engine under test, in a bubble of virtual time.
type bench struct {
	journal *journal
	session *fakeSession
	disk    *store.Disk
	engine  *Engine
	cancel  context.CancelFunc
	ended   chan error
}

func newBench(t *testing.T, disk *store.Disk) *bench {
	t.Helper()
	return newRecordedBench(t, disk, nil)
}

func newRecordedBench(t *testing.T, disk *store.Disk, r Recorder) *bench {
	t.Helper()
	j := &journal{}
	b := &bench{journal: j, session: newSession(j), disk: disk, ended: make(chan error, 1)}
	before := disk.Before
	disk.Before = func(g machine.Group) error {
		var keys []string
		for _, r := range g.Puts {
			keys = append(keys, r.Key)
		}
		j.add("commit %s", strings.Join(append(keys, g.Deletes...), " "))
		if before != nil {
			return before(g)
		}
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	b.cancel = cancel
	var err error
	b.engine, err = New(ctx, Config{
		Machine: machine.Config{DiscoveryWindow: time.Second}, Service: single{}, Store: disk.Open(), Session: b.session, Recorder: r,
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() { b.ended <- b.engine.Run(ctx) }()
	synctest.Wait() // the first decision is made before the first event comes
	return b
}

func (b *bench) event(e machine.Event) {
	b.session.events <- e
	synctest.Wait()
}

// Nothing is sent before the record of it is durable: the framework id, the task's id, the new status.
func TestDutiesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &store.Disk{})
		b.event(machine.Subscribed{FrameworkID: "F"})
		b.event(offer("O1"))
		time.Sleep(2 * time.Second) // the discovery window, in virtual time
		b.event(offer("O2"))
		v, _ := b.engine.View()
		b.event(machine.Updated{Status: machine.TaskStatus{TaskID: v.Pods[0].TaskID, State: machine.Running, AgentID: "S", UUID: make([]byte, 16)}})
		want := strings.Join([]string{
			"commit target runs/deploy",
			"commit framework", "send RECONCILE",
			"commit hosts/h", "send DECLINE",
			"commit pods/web-0 runs/deploy", "send REVIVE",
			"commit pods/web-0 runs/deploy", "send ACCEPT",
			"commit history/1 pods/web-0 runs/deploy", "send ACKNOWLEDGE",
		}, "\n")
		if got := b.journal.text(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		b.cancel()
		if err := <-b.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// When a commit fails, nothing of the decision is sent, and the engine ends.
func TestCommitFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("disk is full")
		disk := &store.Disk{Before: func(g machine.Group) error {
			for _, r := range g.Puts {
				if r.Key == "hosts/h" {
					return broken
				}
			}
			return nil
		}}
		b := newBench(t, disk)
		b.event(machine.Subscribed{FrameworkID: "F"})
		b.session.events <- offer("O1")
		if err := <-b.ended; !errors.Is(err, broken) || !strings.Contains(err.Error(), "nothing of it was sent") {
			t.Errorf("Run: %v, want one that says that the disk is full", err)
		}
		if got := b.journal.text(); strings.Contains(got, "send DECLINE") {
			t.Errorf("sent although the commit failed:\n%s", got)
		}
	})
}

// When a commit is cut short because the engine is told to end, what has come meanwhile is not decided on: the machine believes to be durable
// what is not.
func TestNothingIsDecidedOnTopOfACommitCutShort(t *testing.T) {
	for range 20 { // select takes any of the cases that are ready
		synctest.Test(t, func(t *testing.T) {
			var b *bench
			disk := &store.Disk{Before: func(g machine.Group) error {
				if g.Puts[0].Key != "hosts/h" {
					return nil
				}
				b.engine.inbox <- machine.Updated{Status: machine.TaskStatus{TaskID: "stranger", State: machine.Failed, AgentID: "S", UUID: make([]byte, 16)}}
				b.cancel()
				return context.Canceled
			}}
			b = newBench(t, disk)
			b.event(machine.Subscribed{FrameworkID: "F"})
			b.session.events <- offer("O1")
			if err := <-b.ended; err != nil {
				t.Errorf("Run: %v", err)
			}
			if got := b.journal.text(); strings.Contains(got, "send ACKNOWLEDGE") {
				t.Fatalf("decided on top of it:\n%s", got)
			}
		})
	}
}

// Who gets the answer to a verb sees its effect; after a restart it is still there, under the same framework id.
func TestVerbIsDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &store.Disk{}
		b := newBench(t, disk)
		b.event(machine.Subscribed{FrameworkID: "F"})
		a, err := b.engine.Do(t.Context(), machine.Verb{Kind: machine.Pause, Plan: "deploy", Actor: "alice"})
		if err != nil || a.Code != machine.Done {
			t.Fatalf("pause: %v %v", a, err)
		}
		v, _ := b.engine.View()
		if p, _ := v.Plan("deploy"); p.Status != plans.Waiting {
			t.Errorf("after the answer deploy is %s, want WAITING", p.Status)
		}
		b.cancel()
		<-b.ended

		disk.Before = nil
		b = newBench(t, disk)
		synctest.Wait()
		if b.session.id != "F" {
			t.Errorf("subscribes as %q, want F", b.session.id)
		}
		v, _ = b.engine.View()
		if p, _ := v.Plan("deploy"); p.Status != plans.Waiting {
			t.Errorf("after a restart deploy is %s, want WAITING", p.Status)
		}
		b.cancel()
		<-b.ended
	})
}

// A session that is no use any more ends the engine with its words.
func TestSessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &store.Disk{})
		b.session.fail <- errors.New("framework was removed")
		if err := <-b.ended; err == nil || err.Error() != "framework was removed" {
			t.Errorf("Run: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.engine.Do(ctx, machine.Verb{Kind: machine.Pause, Plan: "deploy"}); err == nil {
			t.Error("a verb was answered by an engine that has ended")
		}
	})
}

// A watcher learns of every new view and can't hold up the loop.
func TestViewsArePublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, &store.Disk{})
		synctest.Wait()
		first, next := b.engine.View()
		if first == nil {
			t.Fatal("no view after the start")
		}
		time.Sleep(time.Second)
		b.event(machine.Subscribed{FrameworkID: "F"})
		select {
		case <-next:
		default:
			t.Fatal("the channel was not closed by a newer view")
		}
		second, _ := b.engine.View()
		if second.Revision <= first.Revision || !second.Connection.Connected || first.Connection.Connected {
			t.Errorf("views %d %v, %d %v", first.Revision, first.Connection.Connected, second.Revision, second.Connection.Connected)
		}
		b.cancel()
		<-b.ended
	})
}

func TestUnreadableState(t *testing.T) {
	disk := &store.Disk{}
	s := disk.Open()
	for _, r := range []machine.Record{{Key: "pods/web-0", Value: []byte(`{"format":99,"value":{}}`)}, {Key: "framework", Value: []byte("rubbish")}} {
		if err := s.Commit(t.Context(), machine.Group{Puts: []machine.Record{r}}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := New(t.Context(), Config{Service: single{}, Store: disk.Open(), Session: newSession(&journal{})})
	if err == nil || !strings.Contains(err.Error(), "pods/web-0: format 99 is newer") || !strings.Contains(err.Error(), "framework: not readable") {
		t.Errorf("New: %v, want both records named", err)
	}
}
