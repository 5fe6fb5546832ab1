package sandbox

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

// A Sandbox is a running cluster.
type Sandbox struct {
	cfg    Config
	log    *slog.Logger
	ctx    context.Context // ends when the sandbox is to end
	stop   context.CancelFunc
	master *endpoint

	standbys []*endpoint // the other masters
	agents   []*agentShell

	goroutines sync.WaitGroup // every goroutine and every HTTP handler
	waiting    waiting
	kick       chan struct{} // the next wake-up may have changed
	done       chan struct{} // closed when all of goroutines have ended
	closeOnce  sync.Once

	mu         sync.Mutex // orders everything below
	closing    bool
	cluster    *cluster.Cluster
	streams    map[string]*stream
	containers map[string]*container
	faults     fault.Set
	journal    *journal   // nil if there is none
	held       []heldCall // in the order in which they came
	timed      timings

	logins         map[string]login          // of service accounts, by token
	executorTokens map[string]executorClaims // by token
	failure        error                     // of serving, for Wait
}

// endpoint is one listener with its server.
type endpoint struct {
	listener net.Listener
	server   *http.Server
}

// agentShell is one agent: what the world needs to know of it.
type agentShell struct {
	Agent
	id       string
	endpoint *endpoint
}

// Start brings up a master and its agents. They listen when it returns. The sandbox ends with ctx, or with Close. On
// error nothing is left behind.
func Start(ctx context.Context, cfg Config) (*Sandbox, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s := &Sandbox{
		cfg: cfg, log: cfg.Logger,
		kick: make(chan struct{}, 1), done: make(chan struct{}),
		streams: map[string]*stream{}, containers: map[string]*container{},
		logins: map[string]login{}, executorTokens: map[string]executorClaims{},
	}
	s.ctx, s.stop = context.WithCancel(ctx)
	if err := s.listen(); err != nil {
		s.stop()
		s.closeListeners()
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	if err := s.populate(); err != nil {
		s.stop()
		s.closeListeners()
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s.goroutines.Go(s.beat)
	for _, e := range s.endpoints() {
		s.goroutines.Go(func() { s.serve(e) })
	}
	context.AfterFunc(s.ctx, s.shut)
	s.log.Info("sandbox is up", "master", s.MasterAddress(), "agents", len(s.agents))
	return s, nil
}

// listen opens all sockets and directories, before anything moves.
func (s *Sandbox) listen() error {
	listener, err := s.cfg.Listen(s.cfg.MasterAddress)
	if err != nil {
		return fmt.Errorf("master: %w", err)
	}
	s.master = &endpoint{listener: listener}
	s.master.server = s.newServer(s.masterHandler(listener.Addr().String()))
	if err := s.listenStandbys(); err != nil {
		return err
	}
	for _, cfg := range s.cfg.Agents {
		if err := os.MkdirAll(cfg.WorkDir, 0o755); err != nil {
			return fmt.Errorf("agent %s: work directory: %w", cfg.Hostname, err)
		}
		listener, err := s.cfg.Listen(cfg.address())
		if err != nil {
			return fmt.Errorf("agent %s: %w", cfg.Hostname, err)
		}
		a := &agentShell{Agent: cfg, endpoint: &endpoint{listener: listener}}
		a.Port = listener.Addr().(*net.TCPAddr).Port
		a.endpoint.server = s.newServer(s.agentHandler(a))
		s.agents = append(s.agents, a)
		if err := s.recall(a); err != nil {
			return fmt.Errorf("agent %s: %w", cfg.Hostname, err)
		}
	}
	return nil
}

// recall gives an agent the id that it had before, if it had one.
func (s *Sandbox) recall(a *agentShell) error {
	id, err := keptID(a.WorkDir)
	if err != nil {
		return err
	}
	if other := s.agentByID(id); id != "" && other != nil {
		return fmt.Errorf("agent id: %s has that of agent %s; is it a copy? remove %s, and the agent gets a new id",
			a.WorkDir, other.Hostname, filepath.Join(a.WorkDir, lastAgent))
	}
	a.id = id
	return nil
}

// listenOn explains the two ways in which listening usually fails.
func listenOn(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp4", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		_, port, _ := net.SplitHostPort(address)
		return nil, fmt.Errorf("address %s is in use: stop the program that listens there (ss -ltnp 'sport = :%s' shows "+
			"it) or choose another address", address, port)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("address %s is not on this machine: Linux has all of 127.0.0.0/8 on its loopback "+
			"interface; elsewhere add the address to that interface first, or choose another", address)
	case err != nil:
		return nil, fmt.Errorf("address %s: %w", address, err)
	}
	return listener, nil
}

func (s *Sandbox) newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           s.tracked(handler),
		BaseContext:       func(net.Listener) context.Context { return s.ctx },
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// tracked lets Close wait for handlers, which http.Server.Close does not.
func (s *Sandbox) tracked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.waiting.requests.Add(1)
		s.mu.Lock()
		s.waiting.requests.Add(-1)
		closing := s.closing
		if !closing {
			s.goroutines.Add(1)
		}
		s.mu.Unlock()
		if closing {
			http.Error(w, "the sandbox is going down", http.StatusServiceUnavailable)
			return
		}
		defer s.goroutines.Done()
		next.ServeHTTP(w, r)
	})
}

// populate makes the cluster. No lock is needed: nothing serves yet.
func (s *Sandbox) populate() error {
	address := s.master.listener.Addr().(*net.TCPAddr)
	now := time.Now()
	model := s.cfg.Model
	model.MasterID = cmp.Or(model.MasterID, uuid.NewString())
	model.Hostname, model.IP, model.Port = address.IP.String(), address.IP.String(), address.Port
	model.AllocationInterval = cmp.Or(model.AllocationInterval, s.cfg.AllocationInterval)
	model.RegistrationLimit = cmp.Or(model.RegistrationLimit, s.cfg.RegistrationLimit)
	model.Lose, model.Deny = s.lose, s.deny
	if s.cfg.Journal != nil {
		s.journal = &journal{to: s.cfg.Journal, failed: func(err error) { s.log.Error("the journal ends", "error", err) }}
		model.Journal = s.journal.entry
	}
	repeatable := model.NewID == nil && model.Shuffle == nil && model.Script == nil
	if model.NewID == nil {
		var seed [32]byte
		_, _ = rand.Read(seed[:]) // which never fails
		model.NewID = idsFrom(seed)
		s.journal.start(now, model, seed, repeatable)
	} else {
		s.journal.start(now, model, [32]byte{}, false)
	}
	s.cluster = cluster.New(now, model)
	for _, a := range s.agents {
		resources, err := s.restore(a)
		if err != nil {
			return fmt.Errorf("agent %s: %w", a.Hostname, err)
		}
		a.id, _ = s.cluster.AddAgent(now, cluster.AgentConfig{
			ID: a.id, Hostname: a.Hostname, IP: a.IP, Port: a.Port,
			Resources: resources, Attributes: a.wireAttributes(), Domain: a.Domain,
		})
		if err := keepID(a.WorkDir, a.id); err != nil {
			return fmt.Errorf("agent %s: %w", a.Hostname, err)
		}
	}
	return nil
}

func (s *Sandbox) endpoints() []*endpoint {
	all := append([]*endpoint{s.master}, s.standbys...)
	for _, a := range s.agents {
		all = append(all, a.endpoint)
	}
	return all
}

func (s *Sandbox) serve(e *endpoint) {
	err := e.server.Serve(e.listener)
	if errors.Is(err, http.ErrServerClosed) {
		return
	}
	s.mu.Lock()
	s.failure = errors.Join(s.failure, fmt.Errorf("address %s: %w", e.listener.Addr(), err))
	s.mu.Unlock()
	s.stop()
}

// beat calls the cluster when time alone changes something.
func (s *Sandbox) beat() {
	for {
		s.mu.Lock()
		next := earlier(s.cluster.NextWake(), s.faults.Next())
		s.mu.Unlock()
		wait := time.Hour
		if !next.IsZero() {
			wait = max(0, time.Until(next))
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			s.apply(func(now time.Time) []cluster.Effect {
				s.expireFaults()
				before := s.cluster.Allocations()
				effects := s.tick(now)
				if s.cluster.Allocations() != before {
					s.timings().late.note(now.Sub(next))
				}
				return effects
			})
		case <-s.kick:
		case <-s.ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// tick lets the model do what is due. An idle Tick is nothing to the model's journal, but whoever repeats it all needs to know.
func (s *Sandbox) tick(now time.Time) []cluster.Effect {
	if s.journal == nil {
		return s.cluster.Tick(now)
	}
	lines := s.journal.lines
	effects := s.cluster.Tick(now)
	if s.journal.lines == lines {
		s.journal.write(JournalLine{At: now, Kind: "tick"})
	}
	return effects
}

// apply calls the cluster and carries out what comes of it, as one step.
func (s *Sandbox) apply(call func(now time.Time) []cluster.Effect) {
	s.waiting.steps.Add(1)
	s.mu.Lock()
	s.waiting.steps.Add(-1)
	defer s.mu.Unlock()
	now, before := time.Now(), s.cluster.Allocations()
	effects := call(now)
	if s.cluster.Allocations() != before {
		s.timings().runs.note(time.Since(now))
	}
	s.performAll(effects)
	s.rouse()
}

func (s *Sandbox) performAll(effects []cluster.Effect) {
	for _, effect := range effects {
		s.perform(effect)
	}
}

// rouse lets beat look again at when it is to wake.
func (s *Sandbox) rouse() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// earlier takes zero for never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// perform carries out one effect. It is called with the lock held and never waits for anything but the local disk.
func (s *Sandbox) perform(effect cluster.Effect) {
	switch e := effect.(type) {
	case cluster.SendToScheduler:
		s.pushToScheduler(e.Stream, e.Event)
	case cluster.CloseScheduler:
		s.endStream(e.Stream)
	case cluster.CutScheduler:
		s.cutStream(e.Stream)
	case cluster.CutOperator:
		s.cutStream(e.Stream)
	case cluster.SendToOperator:
		s.push(e.Stream, e.Event)
	case cluster.SendToExecutor:
		s.push(e.Stream, e.Event)
	case cluster.CloseExecutor:
		s.endStream(e.Stream)
	case cluster.AgentRegistered:
		s.rename(e)
	case cluster.CheckpointResources:
		s.performOnDisk(e.Agent, "checkpoint", func(a *agentShell) error { return a.checkpoint(e.Resources) })
	default:
		if s.cfg.Runner != nil {
			s.delegate(effect)
			return
		}
		s.performForReal(effect)
	}
}

// performForReal carries out what concerns processes and volumes on this machine.
func (s *Sandbox) performForReal(effect cluster.Effect) {
	switch e := effect.(type) {
	case cluster.StartProcess:
		s.launch(e)
	case cluster.SignalProcess:
		if c := s.containers[e.Container]; c != nil {
			c.signal(e.Signal)
		}
	case cluster.PerformCheck:
		s.check(e)
	case cluster.MountVolumes:
		s.mount(e)
	case cluster.CreateVolume:
		s.performOnDisk(e.Agent, "volume creation", func(a *agentShell) error { return a.createVolume(e.Volume) })
	case cluster.DestroyVolume:
		s.performOnDisk(e.Agent, "volume destruction", func(a *agentShell) error { return a.destroyVolume(e.Volume) })
	}
}

func (s *Sandbox) push(id string, event message) {
	st := s.streams[id]
	if st == nil {
		return
	}
	if err := st.push(event); err != nil {
		s.log.Error("event can't be encoded", "stream", id, "error", err)
	}
}

func (s *Sandbox) endStream(id string) {
	if st := s.streams[id]; st != nil {
		st.end()
	}
}

func (s *Sandbox) cutStream(id string) {
	if st := s.streams[id]; st != nil {
		st.cut()
	}
}

// rename notes the id that an agent has got.
func (s *Sandbox) rename(e cluster.AgentRegistered) {
	for _, a := range s.agents {
		if a.id != e.Former || e.Former == "" && a.Hostname != e.Hostname {
			continue
		}
		a.id = e.Agent
		s.log.Info("agent has a new id", "agent", a.Hostname, "id", a.id, "former", e.Former)
		if err := keepID(a.WorkDir, a.id); err != nil {
			s.log.Error("agent id can't be kept", "agent", a.Hostname, "error", err)
		}
		return
	}
}

func (s *Sandbox) agentByID(id string) *agentShell {
	for _, a := range s.agents {
		if a.id == id {
			return a
		}
	}
	return nil
}

// MasterAddress is where the master listens that leads at first, as IP:PORT.
func (s *Sandbox) MasterAddress() string { return s.master.listener.Addr().String() }

// AgentAddresses is where the agents listen, in the order of Config.Agents.
func (s *Sandbox) AgentAddresses() []string {
	var list []string
	for _, a := range s.agents {
		list = append(list, a.endpoint.listener.Addr().String())
	}
	return list
}

// Wait blocks until the sandbox has ended. The error says why it ended by itself, if it did.
func (s *Sandbox) Wait() error {
	<-s.done
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

// Close kills every task, closes every connection and waits for all of it. It may be called more than once.
func (s *Sandbox) Close() error {
	s.stop()
	return s.Wait()
}

// shut is what happens, once, when the context ends.
func (s *Sandbox) shut() {
	s.closeOnce.Do(func() {
		s.mu.Lock()
		s.closing = true
		for _, c := range s.containers {
			c.abandon()
		}
		s.mu.Unlock()
		s.closeListeners()
		s.goroutines.Wait()
		close(s.done)
	})
}

func (s *Sandbox) closeListeners() {
	if s.master == nil {
		return
	}
	for _, e := range s.endpoints() {
		if e.server != nil {
			_ = e.server.Close() // knows its listener only while it serves
		}
		_ = e.listener.Close()
	}
}
