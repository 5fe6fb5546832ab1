package executor_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	exec "github.com/mesos/mesos-go/api/v1/lib/executor"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/executor"
	"github.com/quobyte/mesos-framework/engine/mesos/internal/pipenet"
)

func launch(id string) *exec.Event {
	return &exec.Event{Type: exec.Event_LAUNCH, Launch: &exec.Event_Launch{Task: mesos.TaskInfo{
		Name: "probe", TaskID: mesos.TaskID{Value: id}, AgentID: mesos.AgentID{Value: "S0"}, Data: []byte("orders"),
	}}}
}

func killEvent(id string, grace time.Duration) *exec.Event {
	return &exec.Event{Type: exec.Event_KILL, Kill: &exec.Event_Kill{
		TaskID:     mesos.TaskID{Value: id},
		KillPolicy: &mesos.KillPolicy{GracePeriod: &mesos.DurationInfo{Nanoseconds: int64(grace)}},
	}}
}

func update(t *testing.T, h *harness, task string, state machine.TaskState, data string) {
	t.Helper()
	if err := h.session.Update(task, state, "", []byte(data)); err != nil {
		t.Error(err)
	}
}

func wantEvents(t *testing.T, h *harness, want ...executor.Event) {
	t.Helper()
	if diff := cmp.Diff(want, h.take()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func wantStrings(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestLifeOfATask(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		a := newAgent(t, network)
		defer a.stop()
		h := start(t, config(network), nil)
		a.emit(launch("t1"))
		a.emit(&exec.Event{Type: exec.Event_HEARTBEAT})
		a.emit(&exec.Event{Type: exec.Event_Type(99)})
		a.emit(&exec.Event{Type: exec.Event_MESSAGE, Message: &exec.Event_Message{Data: []byte("hello")}})
		a.emit(killEvent("t1", 1500*time.Millisecond))
		wantEvents(t, h,
			executor.Subscribed{AgentID: "S0", Hostname: "host-1"},
			executor.Launched{TaskID: "t1", Name: "probe", Data: []byte("orders")},
			executor.Message{Data: []byte("hello")},
			executor.KillRequested{TaskID: "t1", Grace: 1500 * time.Millisecond},
		)
		update(t, h, "t1", machine.Starting, "")
		update(t, h, "t1", machine.Running, "1")
		update(t, h, "t2", machine.Running, "x")
		update(t, h, "t1", machine.Running, "2")
		update(t, h, "t1", machine.Killed, "")
		if err := h.session.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		wantStrings(t, "updates", a.took(),
			"t1 TASK_STARTING ", "t1 TASK_RUNNING 1", "t2 TASK_RUNNING x", "t1 TASK_RUNNING 2", "t1 TASK_KILLED ")
		seen := make(map[string]bool)
		for _, st := range a.updates {
			seen[string(st.UUID)] = true
			if len(st.UUID) != 16 || st.GetSource() != mesos.SOURCE_EXECUTOR || st.GetExecutorID().GetValue() != "e1" ||
				st.GetTimestamp() != float64(time.Now().Unix()) {
				t.Errorf("status lacks what an agent needs: %v", st)
			}
		}
		if len(seen) != 5 {
			t.Errorf("%d different uuids on 5 updates", len(seen))
		}
		if err := h.stop(); err != nil {
			t.Errorf("run = %v", err)
		}
	})
}

func TestUpdateIsChecked(t *testing.T) {
	s, err := executor.New(executor.Config{AgentEndpoint: "a:1", ExecutorID: "e1", FrameworkID: "F"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		task  string
		state machine.TaskState
		want  string
	}{
		{"", machine.Running, "update: task id is empty"},
		{"t1", machine.Staging, `update of task "t1": state "STAGING" is not one that an executor may report`},
		{"t1", "RUNING", `update of task "t1": state "RUNING" is not one that an executor may report`},
	} {
		if err := s.Update(tt.task, tt.state, "", nil); err == nil || err.Error() != tt.want {
			t.Errorf("update %q %q = %v, want %s", tt.task, tt.state, err, tt.want)
		}
	}
}

// What an agent that was restarted has not stored is told again, in order; what it has is not.
func TestAgentRestart(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		a := newAgent(t, network)
		h := start(t, config(network), nil)
		a.emit(launch("t1"))
		a.emit(launch("t2"))
		h.take()
		update(t, h, "t1", machine.Running, "stored")
		a.took()
		a.set(func() { a.mute = true })
		update(t, h, "t1", machine.Running, "2")
		update(t, h, "t1", machine.Running, "3")
		a.took()
		a.stop()
		h.after(10 * time.Second)
		update(t, h, "t1", machine.Running, "4")
		a.set(func() { a.mute, a.refuse = false, http.StatusServiceUnavailable })
		a.start()
		h.after(2 * time.Second)
		a.set(func() { a.refuse = 0 })
		h.after(2 * time.Second)
		wantEvents(t, h, executor.Subscribed{AgentID: "S0", Hostname: "host-1", Again: true})
		tasks, updates := a.lastSubscribe()
		wantStrings(t, "unacknowledged tasks", tasks, "t2")
		wantStrings(t, "unacknowledged updates", updates, "t1 TASK_RUNNING 2", "t1 TASK_RUNNING 3", "t1 TASK_RUNNING 4")
		update(t, h, "t1", machine.Finished, "")
		if err := h.session.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		wantStrings(t, "updates", a.took(),
			"t1 TASK_RUNNING stored", "t1 TASK_RUNNING 2", "t1 TASK_RUNNING 3", "t1 TASK_FINISHED ")
		if err := h.stop(); err != nil {
			t.Errorf("run = %v", err)
		}
		a.stop()
	})
}

// An exchange with an unknown outcome is settled by a new subscription that carries the update, not by sending it again.
func TestBrokenUpdate(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		a := newAgent(t, network)
		defer a.stop()
		h := start(t, config(network), nil)
		a.set(func() { a.onUpdate = func(mesos.TaskStatus) int { return 0 } })
		update(t, h, "t1", machine.Running, "1")
		a.took()
		a.set(func() { a.onUpdate = nil })
		h.after(5 * time.Second)
		_, updates := a.lastSubscribe()
		wantStrings(t, "unacknowledged updates", updates, "t1 TASK_RUNNING 1")
		wantStrings(t, "updates", a.took(), "t1 TASK_RUNNING 1")
		h.stop()
	})
}

// An update that the agent calls malformed is given up, so that it does not hold up those behind it.
func TestRefusedUpdate(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		a := newAgent(t, network)
		defer a.stop()
		h := start(t, config(network), nil)
		a.set(func() {
			a.onUpdate = func(st mesos.TaskStatus) int {
				if string(st.Data) == "bad" {
					return http.StatusBadRequest
				}
				return http.StatusAccepted
			}
		})
		update(t, h, "t1", machine.Running, "bad")
		update(t, h, "t1", machine.Running, "good")
		if err := h.session.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		wantStrings(t, "updates", a.took(), "t1 TASK_RUNNING bad", "t1 TASK_RUNNING good")
		h.stop()
	})
}

func TestAgentGone(t *testing.T) {
	tests := []struct {
		name   string
		change func(*executor.Config, *fakeAgent)
		stop   bool // the agent stops once the executor is subscribed
		after  time.Duration
		want   error
		text   string
	}{
		{
			name: "without checkpointing at once", stop: true,
			change: func(c *executor.Config, _ *fakeAgent) { c.Checkpoint = false },
			want:   executor.ErrAgentGone, text: "connection closed by the other side; it does not checkpoint",
		},
		{
			name: "with checkpointing after the recovery timeout", stop: true,
			change: func(*executor.Config, *fakeAgent) {}, after: 4*time.Minute + 59*time.Second,
			want: executor.ErrAgentGone, text: "agent agent:5051: connection refused; is it running?; it did not come back within 5m0s",
		},
		{
			name:   "never there",
			change: func(c *executor.Config, a *fakeAgent) { a.stop() }, after: 59 * time.Second,
			want: executor.ErrAgentGone, text: "within 1m0s",
		},
		{
			name:   "does not know us",
			change: func(c *executor.Config, a *fakeAgent) { a.refuse = http.StatusBadRequest },
			want:   executor.ErrRefused, text: "400 Agent has not finished recovery",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				a := newAgent(t, network)
				defer a.stop()
				cfg := config(network)
				tt.change(&cfg, a)
				began := time.Now()
				h := start(t, cfg, nil)
				if tt.stop {
					a.stop()
				}
				err := h.result()
				if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("run = %v, want %v with %q", err, tt.want, tt.text)
				}
				if took := time.Since(began); took < tt.after-2*time.Second || took > tt.after+time.Second {
					t.Errorf("gave up after %v, want about %v", took, tt.after)
				}
			})
		})
	}
}

// Run returns when the updates made while shutting down are stored, and at the latest when the grace period is over.
func TestShutdown(t *testing.T) {
	for _, tt := range []struct {
		name  string
		mute  bool // the agent acknowledges nothing
		drop  bool // the agent ends the stream
		after time.Duration
	}{
		{name: "updates are stored", after: time.Second},
		{name: "updates are not stored", mute: true, after: 5 * time.Second},
		{name: "the agent does not wait", mute: true, drop: true, after: time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, network *pipenet.Network) {
				a := newAgent(t, network)
				defer a.stop()
				a.mute = tt.mute
				var h *harness
				h = start(t, config(network), func(e executor.Event) {
					if _, ok := e.(executor.Shutdown); ok {
						<-time.After(time.Second) // its task takes a moment
						update(t, h, "t1", machine.Killed, "")
					}
				})
				began := time.Now()
				a.emit(&exec.Event{Type: exec.Event_SHUTDOWN})
				if tt.drop {
					a.emit(nil)
				}
				if err := h.result(); err != nil {
					t.Errorf("run = %v", err)
				}
				if took := time.Since(began); took != tt.after {
					t.Errorf("run took %v, want %v", took, tt.after)
				}
				wantEvents(t, h, executor.Subscribed{AgentID: "S0", Hostname: "host-1"}, executor.Shutdown{Grace: 5 * time.Second})
			})
		})
	}
}

// A handler that takes its time keeps neither acknowledgements nor updates from flowing.
func TestSlowHandler(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		a := newAgent(t, network)
		defer a.stop()
		var h *harness
		h = start(t, config(network), func(e executor.Event) {
			if l, ok := e.(executor.Launched); ok {
				update(t, h, l.TaskID, machine.Running, "")
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if err := h.session.Flush(ctx); err != nil {
					t.Errorf("flush within the handler: %v", err)
				}
			}
		})
		for i := range 3 {
			a.emit(launch(fmt.Sprint("t", i)))
		}
		wantStrings(t, "updates", a.took(), "t0 TASK_RUNNING ", "t1 TASK_RUNNING ", "t2 TASK_RUNNING ")
		h.stop()
	})
}

func TestFromEnviron(t *testing.T) {
	full := map[string]string{
		"MESOS_AGENT_ENDPOINT": "127.0.0.1:6141", "MESOS_EXECUTOR_ID": "e1", "MESOS_FRAMEWORK_ID": "F-0000",
		"MESOS_SANDBOX": "/sandbox", "MESOS_CHECKPOINT": "1", "MESOS_RECOVERY_TIMEOUT": "15mins",
		"MESOS_SUBSCRIPTION_BACKOFF_MAX": "4secs", "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "2secs",
	}
	got, err := executor.FromEnviron(func(name string) string { return full[name] })
	want := executor.Config{
		AgentEndpoint: "127.0.0.1:6141", ExecutorID: "e1", FrameworkID: "F-0000", Sandbox: "/sandbox", Checkpoint: true,
		RecoveryTimeout: 15 * time.Minute, SubscriptionBackoffMax: 4 * time.Second, ShutdownGrace: 2 * time.Second,
	}
	if err != nil || got.AgentEndpoint != want.AgentEndpoint || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("from environ = %+v, %v", got, err)
	}
	_, err = executor.FromEnviron(func(name string) string {
		return map[string]string{"MESOS_EXECUTOR_ID": "e1", "MESOS_RECOVERY_TIMEOUT": "soon"}[name]
	})
	const text = `environment: MESOS_AGENT_ENDPOINT is not set; MESOS_FRAMEWORK_ID is not set; MESOS_SANDBOX is not set; ` +
		`MESOS_RECOVERY_TIMEOUT: duration "soon": it must end in one of ns, us, ms, secs, mins, hrs, days, weeks; ` +
		`an executor must be started by a Mesos agent`
	if err == nil || err.Error() != text {
		t.Errorf("error = %v\nwant    %s", err, text)
	}
}

func TestNewTellsAll(t *testing.T) {
	_, err := executor.New(executor.Config{AgentEndpoint: "agent", ExecutorID: "a/b", ShutdownGrace: -1})
	const want = `agent endpoint "agent" is not host:port; executor id "a/b" contains a slash, a backslash or a control character; ` +
		`framework id is empty; recovery timeout, subscription backoff or shutdown grace is negative`
	if err == nil || err.Error() != want {
		t.Errorf("error = %v\nwant    %s", err, want)
	}
}

func TestParseDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"2secs": 2 * time.Second, "15mins": 15 * time.Minute, "1hrs": time.Hour, "1days": 24 * time.Hour, "2weeks": 336 * time.Hour,
		"100ms": 100 * time.Millisecond, "7us": 7 * time.Microsecond, "7ns": 7, "1.5mins": 90 * time.Second, "0ns": 0,
	} {
		if got, err := executor.ParseDuration(in); err != nil || got != want {
			t.Errorf("%q = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "5", "secs", "5 secs", "-5secs", "0x5secs", "1e3secs", "nansecs", "1_0secs", "99999weeks", "5s", "5min"} {
		if got, err := executor.ParseDuration(in); err == nil {
			t.Errorf("%q = %v, want an error", in, got)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"2secs", "1.5mins", "-1ns", "99999999weeks", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := executor.ParseDuration(s)
		if d < 0 || (err != nil && d != 0) {
			t.Errorf("%q = %v, %v", s, d, err)
		}
	})
}

func TestEventsKeepTheirOrder(t *testing.T) {
	bubble(t, func(t *testing.T, network *pipenet.Network) {
		a := newAgent(t, network)
		defer a.stop()
		h := start(t, config(network), nil)
		h.take()
		var want []executor.Event
		for i := range 50 {
			data := []byte(fmt.Sprint(i))
			a.emit(&exec.Event{Type: exec.Event_MESSAGE, Message: &exec.Event_Message{Data: data}})
			want = append(want, executor.Message{Data: data})
		}
		if got := h.take(); !slices.EqualFunc(got, want, func(a, b executor.Event) bool { return cmp.Equal(a, b) }) {
			t.Errorf("events = %v", got)
		}
		h.stop()
	})
}
