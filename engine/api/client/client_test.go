package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/api"
	"github.com/quobyte/mesos-framework/engine/api/client"
	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// backend is one with a deploy plan that can be paused.
type backend struct {
	mu    sync.Mutex
	view  machine.View
	next  chan struct{}
	verbs []machine.Verb
	// answer is what every verb is answered with, if the test says so.
	answer *machine.Answer
}

func newBackend() *backend {
	return &backend{next: make(chan struct{}), view: machine.View{
		Revision: 1, FrameworkID: "5-0001",
		Plans: []plans.View{{Name: "deploy", Status: plans.InProgress, Phases: []plans.PhaseView{{Name: "data/ü %"}}}},
		Hosts: []machine.HostView{{Key: "127.0.1.1"}},
		Pods:  []machine.PodView{{Name: "data-0", State: machine.Running}},
	}}
}

func (b *backend) View() (*machine.View, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := b.view
	return &v, b.next
}

func (b *backend) set(s plans.Status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.view.Revision++
	p := b.view.Plans[0]
	p.Status = s
	b.view.Plans = []plans.View{p}
	close(b.next)
	b.next = make(chan struct{})
}

func (b *backend) Do(_ context.Context, v machine.Verb) (machine.Answer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.answer != nil:
		return *b.answer, nil
	case v.Pod == "" && v.Plan != "deploy":
		return machine.Answer{Code: machine.NotFound, Message: fmt.Sprintf("plan %q: not found; there is deploy", v.Plan)}, nil
	case v.Phase != "" && v.Phase != "data/ü %":
		return machine.Answer{Code: machine.NotFound}, nil
	case v.Pod != "" && v.Pod != "data-0":
		return machine.Answer{Code: machine.NotFound, Message: fmt.Sprintf("pod %q: not found", v.Pod)}, nil
	}
	b.verbs = append(b.verbs, v)
	return machine.Answer{Code: machine.Done, Message: fmt.Sprintf("%s is done", v.Kind)}, nil
}

func serve(t *testing.T, h http.Handler, change ...func(*client.Config)) *client.Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	cfg := client.Config{URL: srv.URL + "/service/quobyte/", Token: "secret", Actor: "ann@ops"}
	for _, f := range change {
		f(&cfg)
	}
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// under serves the API below the path that DC/OS's Admin Router gives a service, and wants the token.
func under(h http.Handler) http.Handler {
	return http.StripPrefix("/service/quobyte", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "token=secret" {
			http.Error(w, "wrong token "+got, http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	}))
}

func TestReads(t *testing.T) {
	b := newBackend()
	c := serve(t, under(api.New(api.Config{Backend: b})))
	ctx := t.Context()

	names, err := c.Plans(ctx)
	if diff := cmp.Diff([]string{"deploy"}, names); diff != "" || err != nil {
		t.Errorf("Plans: %v %s", err, diff)
	}
	p, err := c.Plan(ctx, "deploy")
	if err != nil || p.Name != "deploy" || p.Status != plans.InProgress {
		t.Errorf("Plan = %+v, %v", p, err)
	}
	b.set(plans.Error)
	if p, err = c.Plan(ctx, "deploy"); err != nil || p.Status != plans.Error {
		t.Errorf("Plan in ERROR = %+v, %v; want it, for a failed plan is an answer", p, err)
	}
	if h, err := c.Health(ctx); err != nil || h.Value != 500 || len(h.Reasons) == 0 {
		t.Errorf("Health = %+v, %v; want 500 with reasons", h, err)
	}
	if pods, err := c.Pods(ctx); err != nil || len(pods) != 1 || pods[0].State != machine.Running {
		t.Errorf("Pods = %+v, %v", pods, err)
	}
	if v, err := c.View(ctx); err != nil || len(v.Hosts) != 1 || len(v.Plans) == 0 {
		t.Errorf("View: %v, %v; want a host and plans", v, err)
	}
	if hosts, err := c.Hosts(ctx); err != nil || len(hosts) != 1 || hosts[0].Key != "127.0.1.1" {
		t.Errorf("Hosts = %+v, %v", hosts, err)
	}
}

func TestVerbs(t *testing.T) {
	b := newBackend()
	c := serve(t, under(api.New(api.Config{Backend: b})))
	ctx := t.Context()
	at := client.Element{Plan: "deploy", Phase: "data/ü %", Step: "data-0:[server]"}
	phase := client.Element{Plan: "deploy", Phase: at.Phase}
	note := client.Note{Reason: "disk & swap", Revision: "3x7"}
	for _, c := range []struct {
		name string
		do   func() (string, error)
		want machine.Verb
	}{
		{"Pause", func() (string, error) { return c.Pause(ctx, phase, plans.PauseAfterSteps, note) }, machine.Verb{
			Kind: machine.Pause, Plan: "deploy", Phase: at.Phase, When: plans.PauseAfterSteps, Reason: note.Reason, Revision: "3x7",
		}},
		{"Pause at once", func() (string, error) { return c.Pause(ctx, at, "", client.Note{}) }, machine.Verb{
			Kind: machine.Pause, Plan: "deploy", Phase: at.Phase, Step: at.Step,
		}},
		{"Resume", func() (string, error) { return c.Resume(ctx, phase, note) }, machine.Verb{
			Kind: machine.Resume, Plan: "deploy", Phase: at.Phase, Reason: note.Reason, Revision: "3x7",
		}},
		{"ForceComplete", func() (string, error) { return c.ForceComplete(ctx, at, note) }, machine.Verb{
			Kind: machine.Force, Plan: "deploy", Phase: at.Phase, Step: at.Step, Reason: note.Reason, Revision: "3x7",
		}},
		{"Break", func() (string, error) { return c.Break(ctx, "deploy", at.Phase, plans.BeforePhase, note) }, machine.Verb{
			Kind: machine.Break, Plan: "deploy", Phase: at.Phase, When: plans.BeforePhase, Reason: note.Reason, Revision: "3x7",
		}},
		{"Unbreak", func() (string, error) { return c.Unbreak(ctx, "deploy", at.Phase, plans.AfterBatch, client.Note{}) }, machine.Verb{
			Kind: machine.Unbreak, Plan: "deploy", Phase: at.Phase, When: plans.AfterBatch,
		}},
		{"Except", func() (string, error) { return c.Except(ctx, "data-0", "burnt", true) }, machine.Verb{
			Kind: machine.Except, Pod: "data-0", Force: true, Reason: "burnt",
		}},
		{"Include", func() (string, error) { return c.Include(ctx, "data-0", "") }, machine.Verb{Kind: machine.Include, Pod: "data-0"}},
	} {
		b.verbs = nil
		text, err := c.do()
		if want := fmt.Sprintf("%s is done", c.want.Kind); err != nil || text != want {
			t.Errorf("%s = %q, %v; want %q", c.name, text, err, want)
		}
		c.want.Actor = "ann@ops"
		if diff := cmp.Diff([]machine.Verb{c.want}, b.verbs); diff != "" {
			t.Errorf("%s: verbs that reached the backend (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestErrors(t *testing.T) {
	b := newBackend()
	c := serve(t, under(api.New(api.Config{Backend: b})))
	ctx := t.Context()
	pause := func(plan, phase string) error {
		return second(c.Pause(ctx, client.Element{Plan: plan, Phase: phase}, "", client.Note{}))
	}
	for _, c := range []struct {
		code machine.AnswerCode
		text string
		want error
	}{
		{machine.Already, `plan "deploy": paused already`, client.ErrAlready},
		{machine.Already, "", client.ErrAlready},
		{machine.Conflict, `plan "deploy": has changed since you looked`, client.ErrConflict},
		{machine.Refused, `plan "deploy": has no run`, client.ErrRefused},
		{machine.Invalid, `plan "deploy": a pause "soon" does not fit`, client.ErrInvalid},
	} {
		b.answer = &machine.Answer{Code: c.code, Message: c.text}
		err := pause("deploy", "")
		if !errors.Is(err, c.want) || c.text != "" && err.Error() != c.text {
			t.Errorf("answer %s %q: error %v, want %v in the server's words", c.code, c.text, err, c.want)
		}
	}
	b.answer = nil
	var notFound *client.NotFoundError
	for _, c := range []struct {
		err  error
		want string
	}{
		{pause("update", ""), `plan "update": not found; there is deploy`},
		{pause("deploy", "x"), `Phase x not found`},
		{second(c.Include(ctx, "data-9", "")), `pod "data-9": not found`},
		{second(c.Plan(ctx, "a/b")), `plan "a/b": not found; there are: deploy`},
		{second(c.Plan(ctx, "..")), `plan "%2E%2E": not found; there are: deploy`},
		{c.Watch(ctx, "update", nil), `plan "update": not found; there are: deploy`},
	} {
		if !errors.As(c.err, &notFound) || c.err.Error() != c.want {
			t.Errorf("%v (%T), want a NotFoundError %q", c.err, c.err, c.want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestAnswersThatAreNotOurs(t *testing.T) {
	answer := func(code int, kind, body string, header ...string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		})
	}
	for _, c := range []struct {
		name    string
		handler http.Handler
		want    string
	}{
		{"not found page", answer(404, "text/html", "<h1>no</h1>"), "HTTP 404, and not from quobyte-mesos"},
		{"page", answer(200, "text/html", "<h1>hi</h1>"), "HTTP 200, and not from quobyte-mesos"},
		{"bad gateway", answer(502, "text/html", "<h1>no</h1>"), "HTTP 502: a proxy answers there"},
		{"unauthorized", answer(401, "text/html", ""), "access denied (HTTP 401): log in again"},
		{"forbidden", answer(403, "text/plain", "not for you"), "access denied (HTTP 403: not for you)"},
		{"redirect", answer(302, "text/html", "", "Location", "https://elsewhere/"), "redirected to https://elsewhere/"},
		{"broken JSON", answer(200, "application/json", "{"), "the answer is not understood"},
		{"server error", answer(500, "text/plain", "no\nit broke\n", api.BuildHeader, "1"), "HTTP 500: it broke"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := serve(t, c.handler)
			err := second(cl.Plan(t.Context(), "deploy"))
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("Plan: %v; want one line with %q", err, c.want)
			}
			if c.name == "broken JSON" {
				return
			}
			if err := cl.Watch(t.Context(), "deploy", nil); err == nil {
				t.Error("Watch returned nil")
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	c, err := client.New(client.Config{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	var unreachable *client.UnreachableError
	for _, err := range []error{second(c.Pause(t.Context(), client.Element{Plan: "deploy"}, "", client.Note{})), c.Watch(t.Context(), "deploy", nil)} {
		if !errors.As(err, &unreachable) || !strings.HasPrefix(err.Error(), srv.URL+": can't be reached") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want one line that names %s", err, srv.URL)
		}
	}
}

func TestNewRefusesBadURLs(t *testing.T) {
	for _, url := range []string{"", "localhost:7888", "ftp://x", "http://", "http://x?y=1", "http://x/#a", "http://[::1", "http://u:secret@/"} {
		_, err := client.New(client.Config{URL: url})
		if err == nil || strings.Contains(err.Error(), "secret") || !strings.HasPrefix(err.Error(), "url ") {
			t.Errorf("New(%q) = %v, want an error that names the URL without its password", url, err)
		}
	}
}

func TestNewRefusesWhatIsNoHeader(t *testing.T) {
	for _, cfg := range []client.Config{{URL: "http://x", Actor: "ann\n"}, {URL: "http://x", Token: "secret\r"}} {
		if _, err := client.New(cfg); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("New(%+v) = %v, want an error that does not show the token", cfg, err)
		}
	}
}

var errEnough = errors.New("enough")

func TestWatchSurvivesARestartOfTheServer(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	b := newBackend()
	var mu sync.Mutex
	cut := func() {} // ends the stream that runs
	attempts := 0
	h := api.New(api.Config{Backend: b})
	flaky := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		attempts++
		n := attempts
		ctx, end := context.WithCancel(r.Context())
		cut = end
		mu.Unlock()
		defer end()
		if n == 2 {
			http.Error(w, "starting", http.StatusServiceUnavailable)
			return
		}
		h.ServeHTTP(w, r.WithContext(ctx))
	})
	var retries []error
	c := serve(t, under(flaky), func(cfg *client.Config) {
		cfg.Retrying = func(err error, _ time.Duration) { retries = append(retries, err) }
	})
	var seen []plans.Status
	err := c.Watch(ctx, "deploy", func(v plans.View) error {
		seen = append(seen, v.Status)
		switch len(seen) {
		case 1:
			b.set(plans.Waiting)
		case 2:
			mu.Lock()
			defer mu.Unlock()
			cut()
			b.set(plans.Complete)
		}
		if v.Status == plans.Complete {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		t.Errorf("Watch = %v, want the error of its function", err)
	}
	want := []plans.Status{plans.InProgress, plans.Waiting, plans.Complete}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("statuses seen (-want +got):\n%s", diff)
	}
	if len(retries) != 2 || attempts != 3 {
		t.Errorf("%d retries %v and %d attempts, want 2 and 3", len(retries), retries, attempts)
	}
}

func TestWatchEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := serve(t, under(api.New(api.Config{Backend: newBackend()})))
	err := c.Watch(ctx, "deploy", func(plans.View) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Watch = %v, want the context's error", err)
	}
}
