package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// fake is a backend whose view and answers the test chooses.
type fake struct {
	mu     sync.Mutex
	view   *machine.View
	next   chan struct{}
	verbs  []machine.Verb
	answer func(machine.Verb) (machine.Answer, error)
}

func newFake(v *machine.View) *fake {
	return &fake{view: v, next: make(chan struct{}), answer: func(machine.Verb) (machine.Answer, error) {
		return machine.Answer{Code: machine.Done}, nil
	}}
}

func (f *fake) View() (*machine.View, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.view, f.next
}

func (f *fake) publish(v *machine.View) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.view = v
	close(f.next)
	f.next = make(chan struct{})
}

func (f *fake) Do(_ context.Context, v machine.Verb) (machine.Answer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.verbs = append(f.verbs, v)
	return f.answer(v)
}

// deploying is a view in which the second phase of deploy has the status.
func deploying(revision uint64, s plans.Status) *machine.View {
	return &machine.View{
		Revision: revision, Service: "quobyte", FrameworkID: "5-0001", Connection: machine.Connection{Connected: true},
		Plans: []plans.View{
			{
				ID: elementID("id-deploy"), Name: "deploy", Strategy: plans.Serial, Status: plans.InProgress, StepsDone: 1, StepsTotal: 2,
				Phases: []plans.PhaseView{
					{ID: elementID("id-1"), Name: "probe", Strategy: plans.Parallel, Status: plans.Complete, StepsDone: 1, Steps: []plans.StepView{
						{ID: elementID("id-1-1"), Name: "prober-0:[prober]", Kind: plans.Launch, Status: plans.Complete, Message: "COMPLETE"},
					}},
					{ID: elementID("id-2"), Name: "data", Strategy: plans.Parallel, Status: s, Steps: []plans.StepView{
						{ID: elementID("id-2-1"), Name: "data-0:[server]", Kind: plans.Launch, Status: s, Message: s.String()},
					}},
				},
			},
			{ID: elementID("id-recovery"), Name: "recovery", Strategy: plans.Parallel, Status: plans.Complete},
		},
		Pods: []machine.PodView{{Name: "prober-0", Type: "prober"}, {Name: "data-0", Type: "data"}},
	}
}

// get asks the handler and returns status and body.
func do(t *testing.T, h http.Handler, method, target, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestReads(t *testing.T) {
	complete := deploying(1, plans.Complete)
	complete.Plans[0].Status = plans.Complete
	broken := deploying(1, plans.Error)
	broken.Plans[0].Status = plans.Error
	nothing := &machine.View{}
	for _, c := range []struct {
		name, path string
		view       *machine.View
		code       int
		want       string // in the body, without white space
	}{
		{"plans", "/v1/plans", complete, 200, `["deploy","recovery"]`},
		{"no plans", "/v1/plans", nothing, 200, `[]`},
		{"complete plan", "/v1/plans/deploy", complete, 200, `"status":"COMPLETE"`},
		{"working plan", "/v1/plans/deploy", deploying(1, plans.Starting), 202, `"status":"IN_PROGRESS"`},
		{"broken plan", "/v1/plans/deploy", broken, 417, `"status":"ERROR"`},
		{"plan by id", "/v1/plans/id-deploy", complete, 200, `"name":"deploy"`},
		{"nil lists are empty lists", "/v1/plans/recovery", complete, 200, `"phases":[],"errors":[]`},
		{"unknown plan", "/v1/plans/update", complete, 404, "Plan update not found\nplan \"update\": not found; there are: deploy, recovery\n"},
		{"escaped name", "/v1/plans/a%2Fb%20c", complete, 404, "Plan a/b c not found"},
		{"no view", "/v1/plans/deploy", nil, 503, "the scheduler is starting"},
		{"framework id", "/v1/state/frameworkId", complete, 200, `["5-0001"]`},
		{"no framework id", "/v1/state/frameworkId", nothing, 404, "Mesos has not given one"},
		{"pod names are sorted", "/v1/pod", complete, 200, `["data-0","prober-0"]`},
		{"metrics", "/v1/metrics", complete, 200, "# TYPE framework_plan_status gauge\nframework_plan_status{plan=\"deploy\",status=\"COMPLETE\"} 1\n"},
		{"metrics of others", "/v1/metrics", complete, 200, "# HELP other_total Other things.\n# TYPE other_total counter\nother_total{a=\"q\\\"\\\\\"} 2.5\n"},
		{"strangers", "/v1/tasks/strangers", complete, 200, `[]`},
		{"pods", "/v1/pods", complete, 200, `"name":"prober-0","type":"prober"`},
		{"no pods", "/v1/pods", nothing, 200, `[]`},
		{"no hosts", "/v1/hosts", nothing, 200, `[]`},
		{"everything", "/v1/view", complete, 200, `"framework_id":"5-0001"`},
		{"index", "/", nil, 200, "quobyte-mesos 1.2.3"},
		{"unknown path", "/v2/plans", complete, 404, "/v2/plans: there is no such path; GET / lists them"},
		{"unknown artifact", "/v1/artifacts/..%2Fpasswd", complete, 404, `artifact "../passwd": not found; there are: prober`},
		{"unreadable artifact", "/v1/artifacts/prober", complete, 500, `artifact "prober": not readable`},
		{"stream of an unknown plan", "/v1/stream?plan=update", complete, 404, "Plan update not found"},
		{"stream without a view", "/v1/stream", nil, 503, "starting"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := New(Config{
				Backend: newFake(c.view), Artifacts: map[string]string{"prober": "/nonexistent"}, Build: "1.2.3", Logger: discard(),
				Metrics: func() []Metric {
					return []Metric{{Name: "other_total", Help: "Other things.", Counter: true, Samples: []Sample{{[]string{"a", `q"\`}, 2.5}}}}
				},
			})
			w := do(t, h, "GET", c.path, "")
			if w.Code != c.code {
				t.Errorf("GET %s: code %d, want %d", c.path, w.Code, c.code)
			}
			body := w.Body.String()
			if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
				var compact bytes.Buffer
				if err := json.Compact(&compact, w.Body.Bytes()); err != nil {
					t.Fatalf("GET %s: %v in %q", c.path, err, body)
				}
				body = compact.String()
			}
			if !strings.Contains(body, c.want) {
				t.Errorf("GET %s: body %q, want %q in it", c.path, body, c.want)
			}
			if got := w.Header().Get(BuildHeader); got != "1.2.3" {
				t.Errorf("%s is %q, want 1.2.3", BuildHeader, got)
			}
		})
	}
}

func TestThePlanHasTheFieldsOfTheSDK(t *testing.T) {
	w := do(t, New(Config{Backend: newFake(deploying(1, plans.Starting))}), "GET", "/v1/plans/deploy", "")
	type step struct{ ID, Status, Name, Message string }
	type phase struct {
		ID, Name, Strategy, Status string
		Steps                      []step
	}
	type sdkPlan struct {
		Phases           []phase
		Errors           []string
		Strategy, Status string
	}
	var got sdkPlan
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := sdkPlan{
		Phases: []phase{
			{"id-1", "probe", "parallel", "COMPLETE", []step{{"id-1-1", "COMPLETE", "prober-0:[prober]", "COMPLETE"}}},
			{"id-2", "data", "parallel", "STARTING", []step{{"id-2-1", "STARTING", "data-0:[server]", "STARTING"}}},
		},
		Errors: []string{}, Strategy: "serial", Status: "IN_PROGRESS",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

func TestAnsweringLeavesTheSharedViewAlone(t *testing.T) {
	v := deploying(1, plans.Starting)
	v.Plans[0].Phases[1].Steps = nil
	h := New(Config{Backend: newFake(v)})
	do(t, h, "GET", "/v1/plans/deploy", "")
	do(t, h, "GET", "/v1/view", "")
	if v.Plans[0].Errors != nil || v.Plans[0].Phases[1].Steps != nil || v.Hosts != nil {
		t.Error("the shared view was changed by reading it")
	}
}

func TestMethods(t *testing.T) {
	h := New(Config{Backend: newFake(deploying(1, plans.Starting))})
	for _, c := range []struct {
		method, path string
		code         int
		allow        string
	}{
		{"POST", "/v1/plans", 405, "GET, HEAD"},
		{"DELETE", "/v1/plans/deploy", 405, "GET, HEAD"},
		{"GET", "/v1/plans/deploy/interrupt", 405, "POST"},
		{"GET", "/v1/plans/deploy/rollback", 405, "POST"},
		{"GET", "/v1/pods/data-0/except", 405, "POST"},
		{"PUT", "/", 405, "GET, HEAD"},
		{"HEAD", "/v1/plans", 200, ""},
		{"HEAD", "/v1/stream", 200, ""},
	} {
		w := do(t, h, c.method, c.path, "")
		if w.Code != c.code || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q; want %d, %q", c.method, c.path, w.Code, w.Header().Get("Allow"), c.code, c.allow)
		}
	}
}

func TestVerbs(t *testing.T) {
	answer := func(code machine.AnswerCode, text string) func(machine.Verb) (machine.Answer, error) {
		return func(machine.Verb) (machine.Answer, error) { return machine.Answer{Code: code, Message: text}, nil }
	}
	done := answer(machine.Done, "")
	ask := func(kind machine.VerbKind, plan, phase, step string) *machine.Verb {
		return &machine.Verb{Kind: kind, Plan: plan, Phase: phase, Step: step, Actor: "ann"}
	}
	for _, c := range []struct {
		name, path string // below /v1/
		actor      string
		body       string
		answer     func(machine.Verb) (machine.Answer, error)
		code       int
		text       string
		want       *machine.Verb // nil: the backend must not be asked
	}{
		{"pause", "plans/deploy/interrupt", "ann", "", done, 200, `"message": "Received cmd: interrupt"`, ask(machine.Pause, "deploy", "", "")},
		{
			"pause a phase", "plans/deploy/interrupt?phase=data%2F1&reason=disk+swap&when=after-steps&revision=abc", "", "", done, 200, "interrupt",
			&machine.Verb{
				Kind: machine.Pause, Plan: "deploy", Phase: "data/1", When: plans.PauseAfterSteps, Actor: "192.0.2.1", Reason: "disk swap", Revision: "abc",
			},
		},
		{"pause a step", "plans/deploy/interrupt?phase=data&step=data-0:[server]", "ann", "", done, 200, "", ask(machine.Pause, "deploy", "data", "data-0:[server]")},
		{"resume", "plans/deploy/continue", "ann", "{}", done, 200, `"message": "Received cmd: continue"`, ask(machine.Resume, "deploy", "", "")},
		{"what was done", "plans/deploy/continue", "ann", "", answer(machine.Done, `step "data-0" begins`), 200, `"detail": "step \"data-0\" begins"`, ask(machine.Resume, "deploy", "", "")},
		{
			"force-complete a plan", "plans/deploy/forceComplete", "ann", "", done, 200,
			`"message": "Received cmd: forceComplete for Plan: deploy, Phase: null, Step: null"`, ask(machine.Force, "deploy", "", ""),
		},
		{
			"force-complete a step", "plans/deploy/forceComplete?phase=data&step=data-0", "ann", "", done, 200,
			`"message": "Received cmd: forceComplete for Plan: deploy, Phase: data, Step: data-0"`, ask(machine.Force, "deploy", "data", "data-0"),
		},
		{
			"break", "plans/deploy/break?phase=data&when=before", "ann", "", done, 200, `"message": "Received cmd: break"`,
			&machine.Verb{Kind: machine.Break, Plan: "deploy", Phase: "data", When: plans.BeforePhase, Actor: "ann"},
		},
		{
			"unbreak", "plans/deploy/unbreak?phase=data&when=after-batch", "ann", "", done, 200, `"message": "Received cmd: unbreak"`,
			&machine.Verb{Kind: machine.Unbreak, Plan: "deploy", Phase: "data", When: plans.AfterBatch, Actor: "ann"},
		},
		{
			"except", "pods/data-0/except?reason=burnt&force=true", "ann", "", done, 200, `"message": "Received cmd: except"`,
			&machine.Verb{Kind: machine.Except, Pod: "data-0", Force: true, Actor: "ann", Reason: "burnt"},
		},
		{
			"mark gone", "pods/data-0/markGone?reason=burnt", "ann", "", done, 200, `"message": "Received cmd: markGone"`,
			&machine.Verb{Kind: machine.MarkGone, Pod: "data-0", Actor: "ann", Reason: "burnt"},
		},
		{
			"mark gone what runs", "pods/data-0/markGone?reason=burnt", "ann", "", answer(machine.Refused, `pod "data-0": its task x is RUNNING, by Mesos's word`), 422,
			"pod \"data-0\": its task x is RUNNING, by Mesos's word\n", &machine.Verb{Kind: machine.MarkGone, Pod: "data-0", Actor: "ann", Reason: "burnt"},
		},
		{
			"replace", "pods/data-0/replace?claim=c1&reason=burnt", "ann", "", done, 200, `"message": "Received cmd: replace"`,
			&machine.Verb{Kind: machine.Replace, Pod: "data-0", Claim: "c1", Actor: "ann", Reason: "burnt"},
		},
		{
			"release", "hosts/node1/release?claim=c1&reason=burnt", "ann", "", done, 200, `"message": "Received cmd: release"`,
			&machine.Verb{Kind: machine.ReleaseLeftover, Host: "node1", Claim: "c1", Actor: "ann", Reason: "burnt"},
		},
		{
			"take a release back", "hosts/node1/cancelRelease", "ann", "", done, 200, `"message": "Received cmd: cancelRelease"`,
			&machine.Verb{Kind: machine.CancelRelease, Host: "node1", Actor: "ann"},
		},
		{
			"take the release of a claim back", "hosts/node1/cancelRelease?claim=c1&reason=dead", "ann", "", done, 200, `"message": "Received cmd: cancelRelease"`,
			&machine.Verb{Kind: machine.CancelRelease, Host: "node1", Claim: "c1", Actor: "ann", Reason: "dead"},
		},
		{
			"release on an unknown host", "hosts/node9/release?claim=c1&reason=burnt", "ann", "", answer(machine.NotFound, `host "node9": not found`), 404,
			"Host node9 not found\nhost \"node9\": not found\n", &machine.Verb{Kind: machine.ReleaseLeftover, Host: "node9", Claim: "c1", Actor: "ann", Reason: "burnt"},
		},
		{"include", "pods/data-0/include", "ann", "", done, 200, `"message": "Received cmd: include"`, &machine.Verb{Kind: machine.Include, Pod: "data-0", Actor: "ann"}},
		{
			"already", "plans/deploy/continue", "ann", "", answer(machine.Already, `plan "deploy": is not paused`), 208,
			"Command has already been reported or completed\nplan \"deploy\": is not paused\n", ask(machine.Resume, "deploy", "", ""),
		},
		{"unknown plan", "plans/update/interrupt", "ann", "", answer(machine.NotFound, ""), 404, "Plan update not found\n", ask(machine.Pause, "update", "", "")},
		{
			"unknown phase", "plans/deploy/interrupt?phase=x", "ann", "", answer(machine.NotFound, "there are probe, data"), 404,
			"Phase x not found\nthere are probe, data\n", ask(machine.Pause, "deploy", "x", ""),
		},
		{
			"unknown plan and phase", "plans/update/interrupt?phase=x", "ann", "", answer(machine.NotFound, ""), 404, "Plan update not found",
			ask(machine.Pause, "update", "x", ""),
		},
		{"unknown phase and step", "plans/deploy/interrupt?phase=x&step=y", "ann", "", answer(machine.NotFound, ""), 404, "Phase x not found", ask(machine.Pause, "deploy", "x", "y")},
		{"unknown step", "plans/deploy/interrupt?phase=id-2&step=y", "ann", "", answer(machine.NotFound, ""), 404, "Step y not found", ask(machine.Pause, "deploy", "id-2", "y")},
		{
			"unknown pod", "pods/data-9/include", "ann", "", answer(machine.NotFound, `pod "data-9": not found`), 404, "Pod data-9 not found\npod \"data-9\": not found\n",
			&machine.Verb{Kind: machine.Include, Pod: "data-9", Actor: "ann"},
		},
		{
			"conflict", "plans/deploy/interrupt", "ann", "", answer(machine.Conflict, `plan "deploy": has changed since you looked`), 409,
			"plan \"deploy\": has changed since you looked\n", ask(machine.Pause, "deploy", "", ""),
		},
		{"refused", "plans/deploy/forceComplete", "ann", "", answer(machine.Refused, `plan "deploy": has no run`), 422, "plan \"deploy\": has no run\n", ask(machine.Force, "deploy", "", "")},
		{"invalid", "plans/deploy/break", "ann", "", answer(machine.Invalid, `plan "deploy": name one`), 400, "plan \"deploy\": name one\n", ask(machine.Break, "deploy", "", "")},
		{"an answer from the future", "plans/deploy/break", "ann", "", answer("maybe", "hm"), 500, `plan "deploy": break: hm`, ask(machine.Break, "deploy", "", "")},
		{
			"no answer", "plans/deploy/interrupt", "ann", "", func(machine.Verb) (machine.Answer, error) { return machine.Answer{}, errors.New("the engine stopped") },
			503, `plan "deploy": interrupt: the scheduler gave no answer (the engine stopped)`, ask(machine.Pause, "deploy", "", ""),
		},
		{
			"no answer about a pod", "pods/data-0/include", "ann", "", func(machine.Verb) (machine.Answer, error) { return machine.Answer{}, errors.New("the engine stopped") },
			503, `pod "data-0": include: the scheduler gave no answer`, &machine.Verb{Kind: machine.Include, Pod: "data-0", Actor: "ann"},
		},
		{
			"unknown verb", "plans/deploy/rollback", "ann", "", done, 404,
			`verb "rollback": not found; there are: start, stop, restart, interrupt, continue, forceComplete, break, unbreak`, nil,
		},
		{
			"start", "plans/deploy/start?reason=r", "ann", "{ }\n", done, 200, `"message": "Received cmd: start deploy with parameters: {}"`,
			&machine.Verb{Kind: machine.Start, Plan: "deploy", Reason: "r", Actor: "ann"},
		},
		{"start with parameters", "plans/deploy/start", "ann", `{"A":"b"}`, done, 400, `body: has parameters, and plan "deploy" takes none`, nil},
		{"start of a phase", "plans/deploy/start?phase=data", "ann", "", done, 400, `query "phase": unknown; there are: reason, revision`, nil},
		{"stop", "plans/deploy/stop", "ann", "", done, 200, `"message": "Received cmd: stop"`, ask(machine.Stop, "deploy", "", "")},
		{
			"restart", "plans/deploy/restart?phase=data&step=data-0", "ann", "", done, 200,
			`"message": "Received cmd: restart for Plan: deploy, Phase: data, Step: data-0"`, ask(machine.Restart, "deploy", "data", "data-0"),
		},
		{
			"restart by force", "plans/deploy/restart?force=true&reason=r", "ann", "", done, 200, `Received cmd: restart for Plan: deploy, Phase: null, Step: null`,
			&machine.Verb{Kind: machine.Restart, Plan: "deploy", Force: true, Reason: "r", Actor: "ann"},
		},
		{"unknown verb on a pod", "pods/data-0/restart", "ann", "", done, 404, `verb "restart": not found; there are: except, include`, nil},
		{"misspelt parameter", "plans/deploy/interrupt?phas=data", "ann", "", done, 400, `query "phas": unknown; there are: phase, step, when, reason, revision`, nil},
		{"parameter of another verb", "plans/deploy/continue?when=now", "ann", "", done, 400, `query "when": unknown; there are: phase, step, reason, revision`, nil},
		{"empty phase", "plans/deploy/interrupt?phase=", "ann", "", done, 400, `query "phase": empty`, nil},
		{"empty revision", "plans/deploy/interrupt?revision=", "ann", "", done, 400, `query "revision": empty`, nil},
		{"two phases", "plans/deploy/interrupt?phase=a&phase=b", "ann", "", done, 400, `query "phase": given 2 times`, nil},
		{"a step without its phase", "plans/deploy/forceComplete?step=a", "ann", "", done, 400, "Missing phase\nstep \"a\": the phase is missing", nil},
		{"force that is neither", "pods/data-0/except?force=yes", "ann", "", done, 400, `query "force": "yes": want true or false`, nil},
		{"nothing is given up without a reason", "pods/data-0/except", "ann", "", done, 400, `query "reason": missing; except gives something up`, nil},
		{"a blank is no reason", "pods/data-0/forgetReservations?reason=%20", "ann", "", done, 400, `query "reason": missing`, nil},
		{"nothing is forced without a reason", "plans/deploy/restart?force=true", "ann", "", done, 400, `query "reason": missing`, nil},
		{"broken query", "plans/deploy/interrupt?phase=%zz", "ann", "", done, 400, "query:", nil},
		{"long reason", "plans/deploy/interrupt?reason=" + strings.Repeat("x", maxReason+1), "ann", "", done, 400, "1001 characters long, 1000 are allowed", nil},
		{"reason of two lines", "pods/data-0/include?reason=a%0Ab", "ann", "", done, 400, "control characters", nil},
		{"reason in Latin-1", "plans/deploy/interrupt?reason=%fc", "ann", "", done, 400, "not UTF-8", nil},
		{"long actor", "plans/deploy/interrupt", strings.Repeat("x", maxActor+1), "", done, 400, ActorHeader, nil},
		{"large body", "plans/deploy/interrupt", "ann", strings.Repeat("x", maxBody+1), done, 413, "larger than 65536 bytes", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(deploying(1, plans.Starting))
			f.answer = c.answer
			w := do(t, New(Config{Backend: f, Logger: discard()}), "POST", "/v1/"+c.path, c.body, ActorHeader, c.actor)
			if w.Code != c.code || !strings.Contains(w.Body.String(), c.text) {
				t.Errorf("%d %q, want %d with %q", w.Code, w.Body, c.code, c.text)
			}
			var want []machine.Verb
			if c.want != nil {
				want = []machine.Verb{*c.want}
			}
			if diff := cmp.Diff(want, f.verbs); diff != "" {
				t.Errorf("verbs that reached the backend (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheIndexListsWhatThereIs(t *testing.T) {
	index := do(t, New(Config{Backend: newFake(nil)}), "GET", "/", "").Body.String()
	for _, want := range []string{
		"POST  /v1/plans/{plan}/interrupt      begin no new step; ?phase=, ?step=, ?when=, ?reason=, ?revision=\n",
		"POST  /v1/plans/{plan}/forceComplete ", "POST  /v1/plans/{plan}/unbreak ", "POST  /v1/pods/{pod}/except ",
		"POST  /v1/pods/{pod}/markGone ",
	} {
		if !strings.Contains(index, want) {
			t.Errorf("the index lacks %q:\n%s", want, index)
		}
	}
	for _, other := range []string{"{verb}", "rollback"} {
		if strings.Contains(index, other) {
			t.Errorf("the index lists %q:\n%s", other, index)
		}
	}
}

func TestAPlanTellsItsRevision(t *testing.T) {
	v := deploying(1, plans.Starting)
	v.Plans[0].Revision = "3x7"
	h := New(Config{Backend: newFake(v)})
	for plan, want := range map[string]string{"deploy": "3x7", "recovery": ""} {
		if got := do(t, h, "GET", "/v1/plans/"+plan, "").Header().Get(RevisionHeader); got != want {
			t.Errorf("%s of %s is %q, want %q", RevisionHeader, plan, got, want)
		}
	}
}

func TestBrowsersOfOtherOriginsCannotUseVerbs(t *testing.T) {
	f := newFake(deploying(1, plans.Starting))
	w := do(t, New(Config{Backend: f}), "POST", "/v1/plans/deploy/interrupt", "", "Sec-Fetch-Site", "cross-site")
	if w.Code != http.StatusForbidden || len(f.verbs) > 0 {
		t.Errorf("code %d and %d verbs, want 403 and none", w.Code, len(f.verbs))
	}
}

// noon is the time of the tests of health.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestHealth(t *testing.T) {
	paused := []plans.Hold{{Code: plans.CodePaused, Text: "paused by ann"}}
	with := func(change func(*machine.View)) *machine.View {
		v := deploying(1, plans.Pending)
		change(v)
		return v
	}
	heldBy := func(s plans.Status, code plans.Code) *machine.View {
		return with(func(v *machine.View) {
			v.Plans[0].Phases[1].Status, v.Plans[0].Phases[1].Holds = s, []plans.Hold{{Code: code}}
		})
	}
	complete := func(change func(*machine.View)) *machine.View {
		return with(func(v *machine.View) { v.Plans[0].Status = plans.Complete; change(v) })
	}
	lost := func(ago time.Duration) func(*machine.View) {
		return func(v *machine.View) {
			v.Connection = machine.Connection{Since: noon.Add(-ago), Error: "connection refused"}
		}
	}
	sick := []plans.Hold{{Code: plans.CodeUnhealthy, Text: "1 of 2 pods run and are not ready: data-0 (no registry answers)"}}
	recovering := func(s plans.Status) *machine.View {
		return with(func(v *machine.View) {
			v.Plans[0].Status = plans.Complete
			v.Plans[1].Status = plans.InProgress
			v.Plans[1].Phases = []plans.PhaseView{{Name: "data-0", Status: s, Steps: []plans.StepView{{Status: s}}}}
		})
	}
	for _, c := range []struct {
		name string
		view *machine.View
		code int
		want Health
	}{
		{"no view", nil, 503, Health{Value: 318, Status: "INITIALIZING", Message: "the scheduler is starting"}},
		{"no framework id", with(func(v *machine.View) { v.FrameworkID = "" }), 503, Health{Value: 318, Status: "INITIALIZING"}},
		{"errors", with(func(v *machine.View) { v.Plans[1].Errors = []string{"no"} }), 500, Health{Value: 500, Status: "ERROR_CREATING_SERVICE"}},
		{"pending", deploying(1, plans.Pending), 200, Health{Value: 204, Status: "DEPLOYING_PENDING"}},
		{"starting", deploying(1, plans.Starting), 200, Health{Value: 202, Status: "DEPLOYING_STARTING"}},
		{"delayed", deploying(1, plans.Delayed), 200, Health{Value: 208, Status: "DELAYED"}},
		{"paused plan", with(func(v *machine.View) { v.Plans[0].Holds = paused }), 200, Health{Value: 207, Status: "DEPLOYING_WAITING_USER"}},
		{"paused phase", with(func(v *machine.View) { v.Plans[0].Phases[1].Holds = paused }), 200, Health{Value: 207, Status: "DEPLOYING_WAITING_USER"}},
		{"halted", with(func(v *machine.View) { v.Plans[0].Holds = []plans.Hold{{Code: plans.CodeHalted}} }), 200, Health{Value: 207, Status: "DEPLOYING_WAITING_USER"}},
		{"at a breakpoint", heldBy(plans.Waiting, plans.CodeBreakpoint), 200, Health{Value: 207, Status: "DEPLOYING_WAITING_USER"}},
		{"at a canary", heldBy(plans.Waiting, plans.CodeCanary), 200, Health{Value: 207, Status: "DEPLOYING_WAITING_USER"}},
		{"a breakpoint lies ahead", heldBy(plans.Pending, plans.CodeBreakpoint), 200, Health{Value: 204, Status: "DEPLOYING_PENDING"}},
		{"waiting for a gate", deploying(1, plans.Waiting), 200, Health{Value: 204, Status: "DEPLOYING_PENDING"}},
		{"open phase without steps", with(func(v *machine.View) { v.Plans[0].Phases = nil }), 200, Health{Value: 204, Status: "DEPLOYING_PENDING"}},
		{"recovery pending", recovering(plans.Pending), 200, Health{Value: 203, Status: "RECOVERING_PENDING"}},
		{"recovery starting", recovering(plans.Started), 200, Health{Value: 205, Status: "RECOVERING_STARTING"}},
		{"recovery delayed", recovering(plans.Delayed), 200, Health{Value: 206, Status: "DEGRADED", Message: "in recovery: data-0 (DELAYED)"}},
		{"a recovery beside a rollout", with(func(v *machine.View) { v.Plans[1] = recovering(plans.Pending).Plans[1] }), 200, Health{Value: 203, Status: "RECOVERING_PENDING"}},
		{"complete, and a pod is not ready", complete(func(v *machine.View) { v.Warnings = sick }), 200, Health{Value: 206, Status: "DEGRADED", Message: sick[0].Text}},
		{"paused, and a pod is not ready", with(func(v *machine.View) { v.Plans[0].Holds, v.Warnings = paused, sick }), 200, Health{Value: 206, Status: "DEGRADED"}},
		{"a warning of another kind", complete(func(v *machine.View) { v.Warnings = []plans.Hold{{Code: plans.CodeService}} }), 200, Health{Value: 200, Status: "RUNNING"}},
		{"no session for a moment", complete(lost(14 * time.Second)), 200, Health{Value: 200, Status: "RUNNING"}},
		{"no session for longer", complete(lost(15 * time.Second)), 200, Health{Value: 503, Status: "SERVICE_UNAVAILABLE", Message: "no session with a Mesos master since 2026-11-23T11:59:45Z: connection refused"}},
		{"no session yet", with(func(v *machine.View) { v.Connection = machine.Connection{} }), 200, Health{Value: 503, Status: "SERVICE_UNAVAILABLE", Message: "no session with a Mesos master"}},
		{"no session, and a pod is not ready", complete(func(v *machine.View) { lost(time.Hour)(v); v.Warnings = sick }), 200, Health{Value: 503, Status: "SERVICE_UNAVAILABLE"}},
		{"complete", complete(func(*machine.View) {}), 200, Health{Value: 200, Status: "RUNNING", Message: "the deploy plan is COMPLETE"}},
		{"no plan", with(func(v *machine.View) { v.Plans = nil }), 503, Health{Value: 503, Status: "SERVICE_UNAVAILABLE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := do(t, New(Config{Backend: newFake(c.view), Now: func() time.Time { return noon }}), "GET", "/v1/health", "")
			var got Health
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if got.Message == "" {
				t.Error("the grade has no message")
			}
			if c.want.Message == "" {
				got.Message = ""
			}
			if diff := cmp.Diff(c.want, got); diff != "" || w.Code != c.code {
				t.Errorf("code %d, want %d; body (-want +got):\n%s", w.Code, c.code, diff)
			}
		})
	}
	w := do(t, New(Config{Backend: newFake(deploying(1, plans.Pending))}), "GET", "/v1/health?verbose=true", "")
	if !strings.Contains(w.Body.String(), "Priority 9. Status Code 204 is TRUE. DEPLOYING_PENDING") {
		t.Errorf("verbose health names no reason:\n%s", w.Body)
	}
}

func TestArtifacts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "quobyte-mesos")
	if err := os.WriteFile(path, []byte("0123456789"), 0o755); err != nil {
		t.Fatal(err)
	}
	h := New(Config{Backend: newFake(nil), Artifacts: map[string]string{"a/quobyte mesos": path}})
	if w := do(t, h, "GET", "/v1/artifacts/a%2Fquobyte%20mesos", ""); w.Code != 200 || w.Body.String() != "0123456789" {
		t.Errorf("GET: %d %q", w.Code, w.Body)
	}
	if w := do(t, h, "GET", "/v1/artifacts/a%2Fquobyte%20mesos", "", "Range", "bytes=2-4"); w.Code != 206 || w.Body.String() != "234" {
		t.Errorf("GET of a range: %d %q", w.Code, w.Body)
	}
}

// panicking panics when it is asked for a view after some times.
type panicking struct {
	*fake
	left *int
}

func (p panicking) View() (*machine.View, <-chan struct{}) {
	if *p.left == 0 {
		panic("broken invariant")
	}
	*p.left--
	return p.fake.View()
}

func TestAPanicIsLoggedAndAnswered(t *testing.T) {
	var log bytes.Buffer
	h := New(Config{Backend: panicking{newFake(nil), new(int)}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	w := do(t, h, "GET", "/v1/plans", "")
	if w.Code != 500 || !strings.Contains(log.String(), "broken invariant") || !strings.Contains(log.String(), "stack=") {
		t.Errorf("code %d, log %q; want 500 and the panic with its stack in the log", w.Code, log.String())
	}
}

func TestAPanicInTheMiddleCutsTheAnswerShort(t *testing.T) {
	views := 1 // the stream looks once for the plan, and then for what to send
	h := New(Config{Backend: panicking{newFake(deploying(1, plans.Pending)), &views}, Logger: discard()})
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("panic %v, want http.ErrAbortHandler, by which the server breaks the connection", p)
		}
	}()
	do(t, h, "GET", "/v1/stream", "")
}

// events reads a stream.
type events struct {
	t    *testing.T
	scan *bufio.Scanner
}

func (e events) next() (name, data string) {
	e.t.Helper()
	for e.scan.Scan() {
		line := e.scan.Text()
		switch {
		case strings.HasPrefix(line, ":"):
			name = line
		case strings.HasPrefix(line, "event: "):
			name = line[len("event: "):]
		case strings.HasPrefix(line, "data: "):
			data = line[len("data: "):]
		case line == "":
			return name, data
		}
	}
	e.t.Fatalf("the stream ended: %v", e.scan.Err())
	return "", ""
}

// streaming returns a context for streams, and closes the server after it has ended them.
func streaming(t *testing.T, srv *httptest.Server) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(func() {
		cancel()
		srv.Close()
	})
	return ctx
}

func openStream(t *testing.T, ctx context.Context, url string) events {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("content type %q", got)
	}
	scan := bufio.NewScanner(resp.Body)
	scan.Buffer(nil, 1<<20)
	return events{t, scan}
}

func TestStreamSendsChangesOfItsPlanOnly(t *testing.T) {
	f := newFake(deploying(1, plans.Pending))
	srv := httptest.NewServer(New(Config{Backend: f, Logger: discard(), Heartbeat: time.Hour}))
	ctx := streaming(t, srv)
	plan := openStream(t, ctx, srv.URL+"/v1/stream?plan=deploy")
	all := openStream(t, ctx, srv.URL+"/v1/stream")

	status := func(e events) string {
		name, data := e.next()
		var p plans.View
		if err := json.Unmarshal([]byte(data), &p); err != nil || name != "plan" {
			t.Fatalf("event %q with %q: %v", name, data, err)
		}
		return p.Phases[1].Status.String()
	}
	if got := status(plan); got != "PENDING" {
		t.Errorf("first event says %s, want PENDING", got)
	}
	if name, data := all.next(); name != "view" || !strings.Contains(data, `"revision":1`) {
		t.Errorf("event %q with %q, want the first view", name, data)
	}
	same := deploying(2, plans.Pending)
	same.Pods = nil // a change elsewhere
	f.publish(same)
	if name, data := all.next(); name != "view" || !strings.Contains(data, `"revision":2`) {
		t.Errorf("event %q with %q, want the second view", name, data)
	}
	f.publish(deploying(3, plans.Starting))
	if got := status(plan); got != "STARTING" {
		t.Errorf("second event says %s, want STARTING: the view between has the same plan", got)
	}
	gone := deploying(4, plans.Starting)
	gone.Plans = gone.Plans[1:]
	f.publish(gone)
	for plan.scan.Scan() {
		if plan.scan.Text() != "" {
			t.Errorf("%q after the plan is gone, want the end of the stream", plan.scan.Text())
		}
	}
}

func TestStreamHeartbeats(t *testing.T) {
	srv := httptest.NewServer(New(Config{Backend: newFake(deploying(1, plans.Pending)), Heartbeat: time.Millisecond}))
	ctx := streaming(t, srv)
	e := openStream(t, ctx, srv.URL+"/v1/stream")
	e.next()
	if name, _ := e.next(); name != ": heartbeat" {
		t.Errorf("got %q, want a heartbeat", name)
	}
}

func TestStreamSendsAtMostTenEventsASecond(t *testing.T) {
	f := newFake(deploying(1, plans.Pending))
	srv := httptest.NewServer(New(Config{Backend: f, Heartbeat: time.Hour}))
	ctx := streaming(t, srv)
	e := openStream(t, ctx, srv.URL+"/v1/stream")
	begin := time.Now()
	e.next()
	received := 1
	for revision := uint64(2); time.Since(begin) < 500*time.Millisecond; revision++ {
		f.publish(deploying(revision, plans.Pending))
		if _, data := e.next(); !strings.Contains(data, `"revision":`) {
			t.Fatalf("data %q", data)
		}
		received++
	}
	if limit := 2 + int(time.Since(begin)/eventPause); received > limit {
		t.Errorf("%d events in %v, want at most %d", received, time.Since(begin), limit)
	}
}

func TestAReaderThatReadsNothingDelaysNobody(t *testing.T) {
	big := func(revision uint64) *machine.View {
		v := deploying(revision, plans.Pending)
		for range 20 {
			v.Warnings = append(v.Warnings, plans.Hold{Text: strings.Repeat("x", 100_000)})
		}
		return v
	}
	f := newFake(big(1))
	srv := httptest.NewServer(New(Config{Backend: f, Heartbeat: time.Hour}))
	ctx := streaming(t, srv)
	stuck, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(srv.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Close()
	if _, err := io.WriteString(stuck, "GET /v1/stream HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	e := openStream(t, ctx, srv.URL+"/v1/stream?plan=deploy")
	for revision, s := range []plans.Status{plans.Pending, plans.Prepared, plans.Starting, plans.Started, plans.Complete} {
		if revision > 0 {
			v := big(uint64(revision + 1))
			v.Plans = deploying(1, s).Plans
			f.publish(v)
		}
		if _, data := e.next(); !strings.Contains(data, `"status":"`+s.String()+`"`) {
			t.Fatalf("event %d is %q, want status %s", revision, data, s)
		}
	}
}

// elementID is an id as a reader of JSON has it.
func elementID(text string) (id plans.ElementID) {
	id.UnmarshalText([]byte(text))
	return id
}
