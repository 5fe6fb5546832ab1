package cli

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quobyte/mesos-framework/engine/api"
	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// backend publishes what a script says and does what an operator says: with a plan that it evaluates itself all of it, with other views only pauses.
type backend struct {
	mu       sync.Mutex
	view     *machine.View
	input    *plans.Input // what the view is evaluated from; nil: it is as it is
	revision uint64
	next     chan struct{}
	verbs    []string
	paused   map[string]plans.Hold // by phase; the whole plan by the empty name
	events   int
	sent     chan struct{} // closed when an event was sent
}

func newBackend() *backend {
	return &backend{next: make(chan struct{}), sent: make(chan struct{}), paused: make(map[string]plans.Hold)}
}

func (b *backend) View() (*machine.View, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.view, b.next
}

func (b *backend) publish(v *machine.View) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.input = nil
	b.set(v)
}

// evaluate publishes a plan that is evaluated.
func (b *backend) evaluate(in plans.Input) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.input = &in
	b.set(evaluated(in))
}

// evaluated is the view of a deploy plan.
func evaluated(in plans.Input) *machine.View {
	v := complete()
	v.Plans[0] = plans.Evaluate(in).View
	return v
}

// apply does to the plan what a verb says.
func (b *backend) apply(v machine.Verb) machine.Answer {
	b.input.Now = time.Now()
	r := plans.Apply(*b.input, plans.Verb{
		Kind: v.Kind, Plan: cmp.Or(v.Plan, "deploy"), Phase: v.Phase, Step: v.Step, Pod: v.Pod, When: v.When, Force: v.Force,
		Actor: v.Actor, Reason: v.Reason, Revision: v.Revision,
	})
	gone := func(f plans.Fact) bool {
		return slices.ContainsFunc(slices.Concat(r.Delete, r.Put), func(g plans.Fact) bool { return f.Key() == g.Key() })
	}
	b.input.Facts = append(slices.DeleteFunc(b.input.Facts, gone), r.Put...)
	b.input.Run = r.Run
	b.set(evaluated(*b.input))
	return machine.Answer{Code: r.Code, Message: r.Text}
}

// set publishes a view with the pauses. It wants b.mu.
func (b *backend) set(v *machine.View) {
	if v != nil {
		b.revision++
		v.Revision = b.revision
		for i := range v.Plans {
			b.pause(&v.Plans[i])
		}
	}
	b.view = v
	close(b.next)
	b.next = make(chan struct{})
}

func (b *backend) pause(p *plans.View) {
	if p.Name != "deploy" || p.Status == plans.Complete {
		return
	}
	whole, paused := b.paused[""]
	if paused {
		p.Status, p.Holds = plans.Waiting, []plans.Hold{whole}
	}
	for i := range p.Phases {
		ph := &p.Phases[i]
		if paused {
			ph.Status, ph.Holds = plans.Waiting, []plans.Hold{whole}
		}
		h, ok := b.paused[ph.Name]
		if !ok {
			continue
		}
		ph.Status = plans.Waiting
		ph.Holds = append(ph.Holds, h)
		if !paused {
			h.Element, h.Text = ph.Name, fmt.Sprintf("phase %q: %s", ph.Name, h.Text)
			p.Status, p.Holds = plans.Waiting, []plans.Hold{h}
		}
	}
}

// Do answers in the machine's way, and publishes the working scene anew.
func (b *backend) Do(_ context.Context, v machine.Verb) (machine.Answer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.verbs = append(b.verbs, fmt.Sprintf("%s plan=%q phase=%q step=%q pod=%q when=%q force=%v revision=%q actor=%q reason=%q",
		v.Kind, v.Plan, v.Phase, v.Step, v.Pod, v.When, v.Force, v.Revision, v.Actor, v.Reason))
	if v.Kind == machine.ForgetReservations {
		return machine.Answer{Code: machine.Done, Message: fmt.Sprintf("pod %q: its resources are reserved anew when it is launched next", v.Pod)}, nil
	}
	if v.Kind == machine.KillTask {
		return b.kill(v.Task), nil
	}
	if v.Kind == machine.MarkGone {
		return b.markGone(v), nil
	}
	if v.Kind == machine.Replace || v.Kind == machine.ReleaseLeftover {
		b.verbs[len(b.verbs)-1] += fmt.Sprintf(" host=%q claim=%q", v.Host, v.Claim)
		return machine.Answer{Code: machine.Done, Message: fmt.Sprintf("%s%s: claim %s is given back when the host offers it", v.Pod, v.Host, v.Claim)}, nil
	}
	if v.Kind == machine.CancelRelease {
		b.verbs[len(b.verbs)-1] += fmt.Sprintf(" host=%q claim=%q", v.Host, v.Claim)
		return machine.Answer{Code: machine.Done, Message: fmt.Sprintf("host %q: claim c-7 stays reserved", v.Host)}, nil
	}
	if b.input != nil {
		return b.apply(v), nil
	}
	p, ok := b.view.Plan(v.Plan)
	if !ok {
		return notFound("plan %q: not found; there are deploy, recovery", v.Plan), nil
	}
	if v.Phase != "" && !slices.ContainsFunc(p.Phases, func(ph plans.PhaseView) bool { return ph.Name == v.Phase }) {
		return notFound("plan %q: phase %q: not found; there are data, api", v.Plan, v.Phase), nil
	}
	_, paused := b.paused[v.Phase]
	switch {
	case v.Kind == machine.Pause && paused:
		return machine.Answer{Code: machine.Already, Message: fmt.Sprintf("plan %q: paused already", v.Plan)}, nil
	case v.Kind == machine.Resume && !paused:
		return machine.Answer{Code: machine.Already, Message: fmt.Sprintf("plan %q: is not paused", v.Plan)}, nil
	case v.Kind == machine.Pause:
		text := fmt.Sprintf("paused by %s since 2026-11-23T10:00:00Z: %s", v.Actor, v.Reason)
		b.paused[v.Phase] = plans.Hold{Code: plans.CodePaused, Subject: v.Actor, Text: text}
	default:
		delete(b.paused, v.Phase)
	}
	b.set(working())
	return machine.Answer{Code: machine.Done}, nil
}

func (b *backend) kill(task string) machine.Answer {
	for _, s := range b.view.Strangers {
		if s.TaskID == task {
			return machine.Answer{Code: machine.Done, Message: fmt.Sprintf("task %q: Mesos is asked to kill it on agent %s", task, s.AgentID)}
		}
	}
	return notFound("task %q: not among the tasks that belong to no pod", task)
}

// markGone answers in the machine's words.
func (b *backend) markGone(v machine.Verb) machine.Answer {
	i := slices.IndexFunc(b.view.Pods, func(p machine.PodView) bool { return p.Name == v.Pod })
	if i < 0 {
		return notFound("pod %q: not found", v.Pod)
	}
	view := *b.view
	view.Pods = slices.Clone(view.Pods)
	p := &view.Pods[i]
	if !p.State.Unproven() {
		return machine.Answer{Code: machine.Refused, Message: fmt.Sprintf("pod %q: its task %s is %s, by Mesos's word", v.Pod, p.TaskID, p.State)}
	}
	p.Consents = append(p.Consents, machine.Consent{
		Verb: v.Kind, TaskID: p.TaskID, AgentID: p.AgentID, Host: p.Host, State: p.State, By: v.Actor, Reason: v.Reason, At: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC),
	})
	p.Replaced = append(p.Replaced, machine.ReplacedView{TaskID: p.TaskID, AgentID: p.AgentID})
	p.Message, p.State = fmt.Sprintf("was %s, marked gone by %s: %s", p.State, v.Actor, v.Reason), machine.Gone
	b.set(&view)
	return machine.Answer{Code: machine.Done, Message: fmt.Sprintf("pod %q: task %s on agent %s is taken for gone", v.Pod, p.TaskID, p.AgentID)}
}

func notFound(format string, args ...any) machine.Answer {
	return machine.Answer{Code: machine.NotFound, Message: fmt.Sprintf(format, args...)}
}

// awaitEvents waits until n events were sent.
func (b *backend) awaitEvents(ctx context.Context, n int) error {
	for {
		b.mu.Lock()
		events, sent := b.events, b.sent
		b.mu.Unlock()
		if events >= n {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d events were sent, want %d: %w", events, n, ctx.Err())
		case <-sent:
		}
	}
}

func (b *backend) countEvent() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events++
	close(b.sent)
	b.sent = make(chan struct{})
}

// server is the API over a backend.
type server struct {
	*backend
	http *httptest.Server
	mu   sync.Mutex
	cuts []context.CancelFunc
}

// newServer serves the API at the root, or with a token below the paths that DC/OS gives services.
func newServer(token string) *server {
	s := &server{backend: newBackend()}
	s.publish(working())
	h := s.cuttable(api.New(api.Config{Backend: s.backend, Build: "test", Heartbeat: time.Hour}))
	if token != "" {
		h = s.guarded(token, h)
	}
	s.http = httptest.NewServer(h)
	return s
}

func (s *server) guarded(token string, h http.Handler) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/service/quobyte", "/service/prod/quobyte"} {
		mux.Handle(path+"/", http.StripPrefix(path, h))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "token="+token {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// cuttable lets a script end requests that run, and counts events.
func (s *server) cuttable(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		s.mu.Lock()
		s.cuts = append(s.cuts, cancel)
		s.mu.Unlock()
		if strings.HasSuffix(r.URL.Path, "/v1/stream") {
			w = &countingWriter{w, s.backend}
		}
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (s *server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cancel := range s.cuts {
		cancel()
	}
	s.cuts = nil
}

func (s *server) close() {
	s.cut()
	s.http.CloseClientConnections()
	s.http.Close()
}

// countingWriter counts events: each is flushed once.
type countingWriter struct {
	http.ResponseWriter
	backend *backend
}

func (w *countingWriter) FlushError() error {
	err := http.NewResponseController(w.ResponseWriter).Flush()
	w.backend.countEvent()
	return err
}

func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
