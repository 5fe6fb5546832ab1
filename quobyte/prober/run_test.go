package prober

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/executor"
	"github.com/quobyte/mesos-framework/quobyte"
)

// update is what a fakeSession was given.
type update struct {
	TaskID  string
	State   machine.TaskState
	Message string
	Report  *quobyte.Report
}

// fakeSession stands in for the agent.
type fakeSession struct {
	events chan executor.Event
	gone   chan error

	mu      sync.Mutex
	updates []update
	flushed bool
}

func newFakeSession() *fakeSession {
	return &fakeSession{events: make(chan executor.Event), gone: make(chan error, 1)}
}

func (s *fakeSession) Run(ctx context.Context, handler func(executor.Event)) error {
	for {
		select {
		case e := <-s.events:
			handler(e)
		case err := <-s.gone:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *fakeSession) Update(taskID string, state machine.TaskState, message string, data []byte) error {
	u := update{TaskID: taskID, State: state, Message: message}
	if data != nil {
		u.Report = &quobyte.Report{}
		if err := json.Unmarshal(data, u.Report); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.updates, s.flushed = append(s.updates, u), false
	return nil
}

func (s *fakeSession) Flush(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushed = true
	return nil
}

// world is a prober in a synctest bubble with all that surrounds it.
type world struct {
	t       *testing.T
	session *fakeSession
	cancel  context.CancelFunc
	result  chan error

	mu     sync.Mutex
	facts  quobyte.Facts
	health map[string]int // URL -> HTTP status
	hang   chan struct{}  // scans wait for it, if it is there
}

func start(t *testing.T) *world {
	ctx, cancel := context.WithCancel(t.Context())
	w := &world{t: t, session: newFakeSession(), cancel: cancel, result: make(chan error, 1), health: map[string]int{}}
	w.facts = quobyte.Facts{Devices: []quobyte.FoundDevice{{Path: "/mnt/a", Serial: "1"}}}
	cfg := Config{
		DeviceDir: "/mnt", Interval: 5 * time.Second, Session: w.session, Transport: transport(w.ask), scan: w.scan,
		Getenv: func(string) string { return "" },
	}
	go func() { w.result <- Run(ctx, cfg) }()
	return w
}

func (w *world) scan() quobyte.Facts {
	w.mu.Lock()
	hang := w.hang
	w.mu.Unlock()
	if hang != nil {
		<-hang
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.facts
}

func (w *world) ask(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return answer(w.health[r.URL.String()], "so it is"), nil
}

func (w *world) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) say(e executor.Event) {
	w.session.events <- e
	synctest.Wait()
}

// pass lets time pass, all of it virtual.
func (w *world) pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// sent returns the updates since it was asked last.
func (w *world) sent() []update {
	w.session.mu.Lock()
	defer w.session.mu.Unlock()
	updates := w.session.updates
	w.session.updates = nil
	return updates
}

func (w *world) expect(what string, want ...update) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.sent()); diff != "" {
		w.t.Errorf("%s: updates (-want +got):\n%s", what, diff)
	}
}

// ends waits for the prober's end, which all stories must come to: a bubble waits for its goroutines.
func (w *world) ends() error {
	w.cancel()
	return <-w.result
}

func running(seq uint64, facts quobyte.Facts, heard string, health ...quobyte.PodHealth) update {
	if health == nil {
		health = []quobyte.PodHealth{}
	}
	return update{TaskID: "t", State: machine.Running, Report: &quobyte.Report{Seq: seq, Facts: facts, Health: health, Heard: heard}}
}

func story(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		f(t, w)
		if err := w.ends(); err != nil {
			t.Errorf("end: %v", err)
		}
	})
}

const (
	one = `{"pods":[{"task_id":"data-0__1","type":"data","url":"http://h:1/"}]}`
	two = `{"pods":[{"task_id":"api-0__1","type":"api","url":"http://h:2/"},{"task_id":"data-0__1","type":"data","url":"http://h:1/"}]}`
)

func TestNothingIsSaidBeforeTheLaunch(t *testing.T) {
	story(t, func(t *testing.T, w *world) {
		w.say(executor.Subscribed{AgentID: "S0"})
		w.say(executor.Message{Data: []byte(one)})
		w.pass(59 * time.Second)
		w.expect("before the launch")
	})
}

func TestReportsComeAtOnceOnChangeAndEveryTenthInterval(t *testing.T) {
	story(t, func(t *testing.T, w *world) {
		facts := w.facts
		w.say(executor.Launched{TaskID: "t"})
		w.expect("after the launch", running(1, facts, ""))
		w.pass(48 * time.Second)
		w.expect("as long as nothing changes")
		w.pass(4 * time.Second)
		w.expect("after ten intervals", running(2, facts, ""))

		changed := quobyte.Facts{Devices: []quobyte.FoundDevice{{Path: "/mnt/a", Serial: "1", ID: "17"}}, ClientMountPoint: true}
		w.change(func() { w.facts = changed })
		w.pass(5 * time.Second)
		w.expect("after a change", running(3, changed, ""))
		w.pass(45 * time.Second)
		w.expect("less than ten intervals after the change")
		w.pass(5 * time.Second)
		w.expect("ten intervals after the change", running(4, changed, ""))
	})
}

func TestHealthIsReportedOnceForEachChange(t *testing.T) {
	story(t, func(t *testing.T, w *world) {
		facts := w.facts
		w.say(executor.Launched{TaskID: "t"})
		w.sent()

		w.change(func() { w.health["http://h:1/"], w.health["http://h:2/"] = 503, 200 })
		heard := quobyte.HeardDigest([]byte(one))
		w.say(executor.Message{Data: []byte(one)})
		sick := quobyte.PodHealth{TaskID: "data-0__1", Text: "so it is (HTTP 503)"}
		w.expect("as soon as the list is there", running(2, facts, heard, sick))

		w.change(func() { w.health["http://h:1/"] = 200 })
		w.pass(5 * time.Second)
		well := quobyte.PodHealth{TaskID: "data-0__1", Healthy: true}
		w.expect("when it is well", running(3, facts, heard, well))

		w.say(executor.Message{Data: []byte("junk")})
		w.pass(5 * time.Second)
		w.expect("after a message that can't be read")

		heard = quobyte.HeardDigest([]byte(two))
		w.say(executor.Message{Data: []byte(two)})
		w.expect("after another list", running(4, facts, heard, quobyte.PodHealth{TaskID: "api-0__1", Healthy: true}, well))

		changed := quobyte.Facts{Devices: []quobyte.FoundDevice{}}
		w.change(func() { w.facts, w.health["http://h:1/"], w.health["http://h:2/"] = changed, 503, 503 })
		w.pass(5 * time.Second)
		w.expect("a burst of changes is one report",
			running(5, changed, heard, quobyte.PodHealth{TaskID: "api-0__1", Text: sick.Text}, sick))
	})
}

func TestAMessageDuringARoundIsAnsweredByTheNextOneAtOnce(t *testing.T) {
	story(t, func(t *testing.T, w *world) {
		facts := w.facts
		hang := make(chan struct{})
		w.change(func() { w.hang, w.health["http://h:1/"] = hang, 200 })
		w.say(executor.Launched{TaskID: "t"})
		w.say(executor.Message{Data: []byte(one)})
		w.change(func() { w.hang = nil })
		close(hang)
		synctest.Wait()
		w.expect("when the round ends",
			running(1, facts, ""),
			running(2, facts, quobyte.HeardDigest([]byte(one)), quobyte.PodHealth{TaskID: "data-0__1", Healthy: true}))
	})
}

// The framework may have had no use for what it was told: a message that says the same as the one before asks for it again.
func TestEveryMessageIsAnsweredByAReport(t *testing.T) {
	story(t, func(t *testing.T, w *world) {
		facts, heard := w.facts, quobyte.HeardDigest([]byte(one))
		well := quobyte.PodHealth{TaskID: "data-0__1", Healthy: true}
		w.change(func() { w.health["http://h:1/"] = 200 })
		w.say(executor.Launched{TaskID: "t"})
		w.say(executor.Message{Data: []byte(one)})
		w.sent()
		w.pass(7 * time.Second)
		w.expect("while nothing changes and nobody asks")
		w.say(executor.Message{Data: []byte(one)})
		w.expect("the same message again", running(3, facts, heard, well))
		w.pass(5 * time.Second)
		w.expect("the round after it")

		hang := make(chan struct{})
		w.change(func() { w.hang = hang })
		w.pass(5 * time.Second) // a round is under way, and what it found was found before the message
		w.say(executor.Message{Data: []byte(one)})
		w.say(executor.Message{Data: []byte(one)})
		w.change(func() { w.hang = nil })
		close(hang)
		synctest.Wait()
		w.expect("two messages during a round", running(4, facts, heard, well))
	})
}

// Agents keep what is reported until a framework acknowledges it. One that asks now and then, and has not for long, is away.
func TestNothingIsReportedWhenNobodyListens(t *testing.T) {
	story(t, func(t *testing.T, w *world) {
		const asking = `{"asked_at": "2026-11-26T10:00:00Z", "pods": [{"task_id": "data-0__1", "type": "data", "url": "http://h:1/"}]}`
		facts, heard := w.facts, quobyte.HeardDigest([]byte(asking))
		well, ill := quobyte.PodHealth{TaskID: "data-0__1", Healthy: true}, quobyte.PodHealth{TaskID: "data-0__1", Text: "so it is (HTTP 503)"}
		w.change(func() { w.health["http://h:1/"] = 200 })
		w.say(executor.Launched{TaskID: "t"})
		w.say(executor.Message{Data: []byte(asking)})
		w.pass(quobyte.UnheardAfter - time.Second)
		if n := len(w.sent()); n < 30 {
			t.Errorf("%d reports in half an hour", n)
		}
		w.change(func() { w.health["http://h:1/"] = 503 })
		w.pass(6 * time.Hour)
		w.expect("hours later")
		w.say(executor.Message{Data: []byte(asking)})
		w.expect("when it is back", running(38, facts, heard, ill))
		w.change(func() { w.health["http://h:1/"] = 200 })
		w.pass(5 * time.Second)
		w.expect("after that", running(39, facts, heard, well))
	})
}

func TestAScanThatHangsHoldsUpNothingElse(t *testing.T) {
	story(t, func(t *testing.T, w *world) {
		facts := w.facts
		hang := make(chan struct{})
		w.change(func() { w.hang = hang })
		w.say(executor.Launched{TaskID: "t"})
		w.pass(10 * time.Second)
		const note = "the scan for devices takes longer than 10s; does a disk hang?"
		w.expect("when the first scan hangs", update{TaskID: "t", State: machine.Running, Message: note})

		close(hang)
		w.change(func() { w.hang = nil })
		w.pass(5 * time.Second)
		w.expect("when it ends", running(1, facts, ""))

		again := make(chan struct{})
		w.change(func() { w.hang, w.health["http://h:1/"] = again, 200 })
		w.say(executor.Message{Data: []byte(one)})
		w.pass(10 * time.Second)
		want := running(2, facts, quobyte.HeardDigest([]byte(one)), quobyte.PodHealth{TaskID: "data-0__1", Healthy: true})
		want.Message = note
		w.expect("health while a later scan hangs", want)

		w.say(executor.KillRequested{TaskID: "t"})
		w.expect("a kill meanwhile", update{TaskID: "t", State: machine.Killed, Message: "killed on request"})
		close(again)
	})
}

func TestKillIsAnsweredBeforeTheEnd(t *testing.T) {
	story(t, func(t *testing.T, w *world) {
		w.say(executor.Launched{TaskID: "t"})
		w.sent()
		w.say(executor.KillRequested{TaskID: "another"})
		w.expect("a kill of another task")
		w.say(executor.KillRequested{TaskID: "t"})
		w.expect("a kill", update{TaskID: "t", State: machine.Killed, Message: "killed on request"})
		if !w.session.flushed {
			t.Error("the last update was not waited for")
		}
		if err := <-w.result; err != nil {
			t.Errorf("a kill ends with %v", err)
		}
		w.result <- nil
	})
}

func TestShutdownEndsTheProber(t *testing.T) {
	story(t, func(t *testing.T, w *world) {
		w.say(executor.Shutdown{})
		if err := <-w.result; err != nil {
			t.Errorf("shutdown ends with %v", err)
		}
		w.result <- nil
	})
}

func TestAProberWithoutATaskEnds(t *testing.T) {
	story(t, func(t *testing.T, w *world) {
		w.pass(59 * time.Second)
		select {
		case err := <-w.result:
			t.Fatalf("ended after 59 s: %v", err)
		default:
		}
		w.pass(2 * time.Second)
		if err := <-w.result; err == nil || !strings.Contains(err.Error(), "no task came within 1m0s") {
			t.Errorf("ended with %v", err)
		}
		w.result <- nil
	})
}

func TestASecondTaskIsRefused(t *testing.T) {
	story(t, func(t *testing.T, w *world) {
		w.say(executor.Launched{TaskID: "t"})
		w.sent()
		w.say(executor.Launched{TaskID: "u"})
		w.expect("a second launch", update{
			TaskID: "u", State: machine.Failed,
			Message: `this prober serves task "t" already; an executor id must not be used twice`,
		})
	})
}

func TestTheEndOfTheSessionIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t)
		gone := errors.New("agent 10.0.0.1:5051: gone")
		w.session.gone <- gone
		if err := <-w.result; !errors.Is(err, gone) {
			t.Errorf("end: %v", err)
		}
		w.cancel()
	})
}

func TestRunTellsAllThatIsWrongWithItsEnvironment(t *testing.T) {
	env := map[string]string{quobyte.EnvDeviceDir: "mnt", quobyte.EnvMountPoint: "q", quobyte.EnvProbeInterval: "5"}
	err := Run(t.Context(), Config{Getenv: func(name string) string { return env[name] }})
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{
		`prober: QUOBYTE_DEVICE_DIR: "mnt" is not absolute`, `QUOBYTE_MOUNT_POINT: "q" is not absolute`,
		`QUOBYTE_PROBE_INTERVAL: "5" is no duration; use for instance 5s`, "MESOS_AGENT_ENDPOINT is not set", "MESOS_EXECUTOR_ID is not set",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error lacks %q: %v", part, err)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error has several lines: %v", err)
	}
}

func TestSettingsComeFromTheEnvironment(t *testing.T) {
	env := map[string]string{quobyte.EnvDeviceDir: "/mnt", quobyte.EnvMountPoint: "/q", quobyte.EnvProbeInterval: "250ms"}
	cfg, err := Config{Getenv: func(name string) string { return env[name] }, Session: newFakeSession()}.complete()
	if err != nil || cfg.DeviceDir != "/mnt" || cfg.MountPoint != "/q" || cfg.Interval != 250*time.Millisecond {
		t.Errorf("config %+v, error %v", cfg, err)
	}
}
