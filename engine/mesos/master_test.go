package mesos_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/engine/machine"
	session "github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/engine/mesos/internal/pipenet"
	"github.com/quobyte/mesos-framework/engine/mesos/recordio"
)

const (
	masterA = "master-a:5050"
	masterB = "master-b:5050"
)

// answer is what a fake master says to a call.
type answer struct {
	status   int
	text     string
	location string
	hold     bool // never answer
	cut      bool // break the connection
}

// fakeMaster is a master of few words: it keeps what it is told, and does as the test says.
type fakeMaster struct {
	t       *testing.T
	address string
	server  *http.Server
	prefix  string // of stream ids

	// refuse, if set, answers SUBSCRIBE; a zero status lets it pass. onCall answers other calls, 202 if nil. first, if set,
	// is sent in place of SUBSCRIBED.
	refuse func() answer
	onCall func(*scheduler.Call) answer
	first  *scheduler.Event
	// onUpdate, if set, answers UPDATE_FRAMEWORK, otherwise 200. guard, if set, answers requests before they are looked at; a zero
	// status lets them pass.
	onUpdate func() answer
	guard    func(*http.Request) answer
	// operator, if set, answers the operator API: it is given the type of the call, or the path of a GET, and the framework that is to be torn
	// down. Without it there is no such API.
	operator func(call, frameworkID string) answer
	// heartbeat is what SUBSCRIBED announces, in seconds; zero announces nothing.
	heartbeat float64
	// cutBytes makes the master send its stream byte by byte.
	cutBytes bool

	mu         sync.Mutex
	subscribes []*scheduler.Call
	updates    []*scheduler.Call
	calls      []*scheduler.Call
	headers    []http.Header
	streams    []*fakeStream
	inFlight   int
	most       int
}

// fakeStream is one subscription's stream.
type fakeStream struct {
	id     string
	out    chan []byte
	finish chan struct{}
	ended  bool // whether a test has closed finish
}

func newMaster(t *testing.T, network *pipenet.Network, address string) *fakeMaster {
	m := &fakeMaster{t: t, address: address, heartbeat: 15}
	m.serve(network.Listen(address))
	return m
}

func (m *fakeMaster) serve(l net.Listener) {
	m.server = &http.Server{Handler: m}
	go m.server.Serve(l)
}

func (m *fakeMaster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away
	}
	if r.Method == http.MethodGet || r.Header.Get("Content-Type") == "application/json" {
		m.operate(w, r, body)
		return
	}
	call := &scheduler.Call{}
	if err := call.Unmarshal(body); err != nil {
		m.t.Errorf("call: %v", err)
	}
	if got := r.Header.Get("Content-Type"); got != "application/x-protobuf" {
		m.t.Errorf("content type = %q", got)
	}
	if r.ProtoMajor != 1 || r.Header.Get("Accept-Encoding") != "" {
		m.t.Errorf("request is %s with accept-encoding %q", r.Proto, r.Header.Get("Accept-Encoding"))
	}
	if m.guard != nil {
		if a := m.guard(r); a != (answer{}) {
			m.say(w, r, a)
			return
		}
	}
	switch call.Type {
	case scheduler.Call_SUBSCRIBE:
		m.subscribe(w, r, call)
	case scheduler.Call_UPDATE_FRAMEWORK:
		m.update(w, r, call)
	default:
		m.call(w, r, call)
	}
}

func (m *fakeMaster) operate(w http.ResponseWriter, r *http.Request, body []byte) {
	var call struct {
		Type     string `json:"type"`
		Teardown struct {
			FrameworkID struct {
				Value string `json:"value"`
			} `json:"framework_id"`
		} `json:"teardown"`
	}
	if r.Method == http.MethodPost {
		if err := json.Unmarshal(body, &call); err != nil || r.URL.Path != "/api/v1" {
			m.t.Errorf("operator call to %s: %v: %s", r.URL.Path, err, body)
		}
	}
	a := (&registry{t: m.t}).operator(cmp.Or(call.Type, r.URL.Path), "") // nothing is there
	if m.operator != nil {
		if m.guard != nil {
			if a := m.guard(r); a != (answer{}) {
				m.say(w, r, a)
				return
			}
		}
		a = m.operator(cmp.Or(call.Type, r.URL.Path), call.Teardown.FrameworkID.Value)
	}
	m.say(w, r, a)
}

func (m *fakeMaster) call(w http.ResponseWriter, r *http.Request, call *scheduler.Call) {
	m.mu.Lock()
	m.calls = append(m.calls, call)
	m.headers = append(m.headers, r.Header)
	m.inFlight++
	m.most = max(m.most, m.inFlight)
	onCall := m.onCall
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.inFlight--
		m.mu.Unlock()
	}()
	a := answer{status: http.StatusAccepted}
	if onCall != nil {
		a = onCall(call)
	}
	m.say(w, r, a)
}

func (m *fakeMaster) update(w http.ResponseWriter, r *http.Request, call *scheduler.Call) {
	m.mu.Lock()
	m.updates = append(m.updates, call)
	onUpdate := m.onUpdate
	m.mu.Unlock()
	a := answer{status: http.StatusOK}
	if onUpdate != nil {
		a = onUpdate()
	}
	m.say(w, r, a)
}

func (m *fakeMaster) say(w http.ResponseWriter, r *http.Request, a answer) {
	switch {
	case a.hold:
		<-r.Context().Done()
		return
	case a.cut:
		panic(http.ErrAbortHandler)
	}
	if a.location != "" {
		w.Header().Set("Location", a.location)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(a.status)
	io.WriteString(w, a.text)
}

func (m *fakeMaster) subscribe(w http.ResponseWriter, r *http.Request, call *scheduler.Call) {
	m.mu.Lock()
	m.subscribes = append(m.subscribes, call)
	st := &fakeStream{id: fmt.Sprintf("%sstream-%d", m.prefix, len(m.streams)+1), out: make(chan []byte, 100), finish: make(chan struct{})}
	refuse := m.refuse
	m.mu.Unlock()
	if r.Header.Get("Mesos-Stream-Id") != "" || r.Header.Get("Accept") != "application/x-protobuf" {
		m.t.Errorf("headers of SUBSCRIBE: %v", r.Header)
	}
	if refuse != nil {
		if a := refuse(); a != (answer{}) {
			m.say(w, r, a)
			return
		}
	}
	m.mu.Lock()
	m.streams = append(m.streams, st)
	m.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.Header().Set("Mesos-Stream-Id", st.id)
	w.WriteHeader(http.StatusOK)
	if m.first != nil {
		st.event(m.t, m.first)
	} else {
		st.event(m.t, m.subscribed(call))
		st.event(m.t, &scheduler.Event{Type: scheduler.Event_HEARTBEAT})
	}
	m.pump(w, r, st)
}

func (m *fakeMaster) pump(w http.ResponseWriter, r *http.Request, st *fakeStream) {
	flush := w.(http.Flusher).Flush
	flush()
	for {
		select {
		case b := <-st.out:
			step := len(b)
			if m.cutBytes {
				step = 1
			}
			for part := range slices.Chunk(b, step) {
				w.Write(part)
				flush()
			}
		case <-st.finish:
			return
		case <-r.Context().Done():
			return
		}
	}
}

func (m *fakeMaster) subscribed(call *scheduler.Call) *scheduler.Event {
	id := "F-0000"
	if call.FrameworkID != nil {
		id = call.FrameworkID.Value
	}
	port := uint32(5050)
	e := &scheduler.Event{Type: scheduler.Event_SUBSCRIBED, Subscribed: &scheduler.Event_Subscribed{
		FrameworkID: &mesos.FrameworkID{Value: id},
		MasterInfo:  &mesos.MasterInfo{ID: "M", Port: &port, Hostname: ptr("master-a"), Version: ptr("1.11.0")},
	}}
	if m.heartbeat > 0 {
		e.Subscribed.HeartbeatIntervalSeconds = &m.heartbeat
	}
	return e
}

func (st *fakeStream) event(t *testing.T, e *scheduler.Event) {
	b, err := e.Marshal()
	if err != nil {
		t.Errorf("event: %v", err)
	}
	st.out <- recordio.Append(nil, b)
}

// stream returns the newest stream.
func (m *fakeMaster) stream() *fakeStream {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.streams) == 0 {
		m.t.Fatal("nobody has subscribed")
	}
	return m.streams[len(m.streams)-1]
}

// attempts counts the SUBSCRIBEs so far.
func (m *fakeMaster) attempts() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.subscribes)
}

func (m *fakeMaster) emit(e *scheduler.Event) { m.stream().event(m.t, e) }

// received lists the types of the calls so far.
func (m *fakeMaster) received() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for _, c := range m.calls {
		out = append(out, c.Type.String())
	}
	return out
}

// harness runs a session in a synctest bubble.
type harness struct {
	t       *testing.T
	network *pipenet.Network
	session *session.Session
	cancel  context.CancelFunc
	done    chan error
	began   time.Time

	mu     sync.Mutex
	inSink bool
	events []machine.Event
	times  []time.Duration
	react  func(machine.Event)
}

// config is a valid configuration for the masters given.
func config(masters ...string) session.Config {
	return session.Config{
		Masters:   masters,
		Framework: session.Framework{User: "root", Name: "quobyte", Roles: []string{"quobyte"}, FailoverTimeout: time.Hour, Checkpoint: true},
		Jitter:    func() float64 { return 0.5 },
	}
}

func start(t *testing.T, network *pipenet.Network, cfg session.Config, frameworkID string) *harness {
	t.Helper()
	cfg.Dial = network.Dial
	s, err := session.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	h := &harness{t: t, network: network, session: s, cancel: cancel, done: make(chan error, 1), began: time.Now()}
	go func() { h.done <- s.Run(ctx, frameworkID, h.sink) }()
	synctest.Wait()
	return h
}

func (h *harness) sink(e machine.Event) {
	h.mu.Lock()
	if h.inSink {
		h.t.Error("the sink is called from two goroutines at a time")
	}
	h.inSink = true
	h.events = append(h.events, e)
	h.times = append(h.times, time.Since(h.began))
	react := h.react
	h.mu.Unlock()
	if react != nil {
		react(e)
	}
	h.mu.Lock()
	h.inSink = false
	h.mu.Unlock()
}

// after lets virtual time pass.
func (h *harness) after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// take returns the events since the last take.
func (h *harness) take() []machine.Event {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.events
	h.events = nil
	return out
}

// stop ends the session and returns what Run returned.
func (h *harness) stop() error {
	h.cancel()
	return h.result()
}

// result waits for Run to return, at most for a virtual hour.
func (h *harness) result() error {
	h.t.Helper()
	defer h.cancel()
	select {
	case err := <-h.done:
		return err
	case <-time.After(time.Hour):
		h.t.Error("run goes on")
		h.cancel()
		return <-h.done
	}
}

func ptr[T any](v T) *T { return &v }
