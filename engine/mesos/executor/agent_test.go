package executor_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	exec "github.com/mesos/mesos-go/api/v1/lib/executor"

	"github.com/quobyte/mesos-framework/engine/mesos/executor"
	"github.com/quobyte/mesos-framework/engine/mesos/internal/pipenet"
	"github.com/quobyte/mesos-framework/engine/mesos/recordio"
)

const agentAddress = "agent:5051"

// fakeAgent keeps what it is told and does as the test says.
type fakeAgent struct {
	t       *testing.T
	network *pipenet.Network
	server  *http.Server

	mu         sync.Mutex
	subscribes []*exec.Call
	updates    []mesos.TaskStatus
	stream     chan *exec.Event // of the newest subscription
	// refuse, if not zero, is the status of the answer to SUBSCRIBE; onUpdate is that to UPDATE, zero breaks the connection.
	refuse   int
	onUpdate func(mesos.TaskStatus) int
	// mute keeps it from acknowledging.
	mute bool
}

func newAgent(t *testing.T, network *pipenet.Network) *fakeAgent {
	a := &fakeAgent{t: t, network: network}
	a.start()
	return a
}

// start begins to listen, after stop also again.
func (a *fakeAgent) start() {
	a.server = &http.Server{Handler: a}
	go func(s *http.Server, l net.Listener) { s.Serve(l) }(a.server, a.network.Listen(agentAddress))
}

// stop breaks all connections and refuses new ones.
func (a *fakeAgent) stop() { a.server.Close() }

func (a *fakeAgent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the executor went away
	}
	call := &exec.Call{}
	if err := call.Unmarshal(body); err != nil {
		a.t.Errorf("call: %v", err)
	}
	if r.URL.Path != "/api/v1/executor" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		a.t.Errorf("%s with content type %q", r.URL.Path, r.Header.Get("Content-Type"))
	}
	if call.ExecutorID.Value != "e1" || call.FrameworkID.Value != "F-0000" {
		a.t.Errorf("call of executor %q of framework %q", call.ExecutorID.Value, call.FrameworkID.Value)
	}
	switch call.Type {
	case exec.Call_SUBSCRIBE:
		a.subscribe(w, r, call)
	case exec.Call_UPDATE:
		a.update(w, call.Update.Status)
	default:
		a.t.Errorf("unexpected call %s", call.Type)
	}
}

func (a *fakeAgent) subscribe(w http.ResponseWriter, r *http.Request, call *exec.Call) {
	a.mu.Lock()
	a.subscribes = append(a.subscribes, call)
	refuse := a.refuse
	a.mu.Unlock()
	if refuse != 0 {
		http.Error(w, "Agent has not finished recovery", refuse)
		return
	}
	stream := make(chan *exec.Event, 100)
	a.mu.Lock()
	a.stream = stream
	a.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-protobuf")
	stream <- &exec.Event{Type: exec.Event_SUBSCRIBED, Subscribed: &exec.Event_Subscribed{
		ExecutorInfo:  mesos.ExecutorInfo{ExecutorID: call.ExecutorID},
		FrameworkInfo: mesos.FrameworkInfo{User: "root", Name: "quobyte"},
		AgentInfo:     mesos.AgentInfo{Hostname: "host-1", ID: &mesos.AgentID{Value: "S0"}},
	}}
	for _, u := range call.Subscribe.UnacknowledgedUpdates {
		a.acknowledge(u.Status)
	}
	out := recordio.NewWriter(w)
	for {
		select {
		case e := <-stream:
			if e == nil {
				return
			}
			b, err := e.Marshal()
			if err != nil {
				a.t.Errorf("event: %v", err)
			}
			if out.Write(b) != nil {
				return
			}
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func (a *fakeAgent) update(w http.ResponseWriter, st mesos.TaskStatus) {
	a.mu.Lock()
	a.updates = append(a.updates, st)
	onUpdate := a.onUpdate
	a.mu.Unlock()
	code := http.StatusAccepted
	if onUpdate != nil {
		code = onUpdate(st)
	}
	if code == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(code)
	if code == http.StatusAccepted {
		a.acknowledge(st)
	}
}

func (a *fakeAgent) acknowledge(st mesos.TaskStatus) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.mute {
		a.stream <- &exec.Event{Type: exec.Event_ACKNOWLEDGED, Acknowledged: &exec.Event_Acknowledged{TaskID: st.TaskID, UUID: st.UUID}}
	}
}

func (a *fakeAgent) set(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

// emit sends an event; nil ends the stream.
func (a *fakeAgent) emit(e *exec.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stream <- e
}

// took lists the updates that came by UPDATE so far, as "task STATE data".
func (a *fakeAgent) took() []string {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	return describe(a.updates)
}

// lastSubscribe lists what the newest SUBSCRIBE carried.
func (a *fakeAgent) lastSubscribe() (tasks, updates []string) {
	synctest.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	sub := a.subscribes[len(a.subscribes)-1].Subscribe
	for _, t := range sub.UnacknowledgedTasks {
		tasks = append(tasks, t.TaskID.Value)
	}
	var list []mesos.TaskStatus
	for _, u := range sub.UnacknowledgedUpdates {
		list = append(list, u.Status)
	}
	return tasks, describe(list)
}

func describe(list []mesos.TaskStatus) []string {
	var out []string
	for _, st := range list {
		out = append(out, fmt.Sprintf("%s %s %s", st.TaskID.Value, st.State, st.Data))
	}
	return out
}

// harness runs an executor session in a synctest bubble.
type harness struct {
	t       *testing.T
	session *executor.Session
	cancel  context.CancelFunc
	done    chan error

	mu     sync.Mutex
	events []executor.Event
	react  func(executor.Event)
}

func config(network *pipenet.Network) executor.Config {
	return executor.Config{
		AgentEndpoint:   agentAddress,
		ExecutorID:      "e1",
		FrameworkID:     "F-0000",
		Checkpoint:      true,
		RecoveryTimeout: 5 * time.Minute,
		Jitter:          func() float64 { return 0.5 },
		Dial:            network.Dial,
	}
}

func start(t *testing.T, cfg executor.Config, react func(executor.Event)) *harness {
	t.Helper()
	s, err := executor.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	h := &harness{t: t, session: s, cancel: cancel, done: make(chan error, 1), react: react}
	go func() { h.done <- s.Run(ctx, h.handle) }()
	synctest.Wait()
	return h
}

func (h *harness) handle(e executor.Event) {
	h.mu.Lock()
	h.events = append(h.events, e)
	h.mu.Unlock()
	if h.react != nil {
		h.react(e)
	}
}

func (h *harness) take() []executor.Event {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.events
	h.events = nil
	return out
}

// after lets virtual time pass.
func (h *harness) after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

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

func bubble(t *testing.T, f func(t *testing.T, network *pipenet.Network)) {
	synctest.Test(t, func(t *testing.T) { f(t, &pipenet.Network{}) })
}
