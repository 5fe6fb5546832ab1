package executor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	exec "github.com/mesos/mesos-go/api/v1/lib/executor"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/internal/transport"
	"github.com/quobyte/mesos-framework/engine/mesos/wire"
)

const (
	// registrationPatience is how long the first subscription is tried. Mesos: an agent kills an executor that has not
	// subscribed within executor_registration_timeout, one minute by default.
	registrationPatience = time.Minute
	// minBackoff keeps attempts apart whatever Jitter says.
	minBackoff = 100 * time.Millisecond
	// answerTimeout bounds each exchange with the agent, which is on the same host.
	answerTimeout = 15 * time.Second
)

// ErrAgentGone is wrapped by Run's error when the agent is gone and will not, or did not, come back in time.
var ErrAgentGone = errors.New("agent is gone")

// ErrRefused is wrapped by Run's error when the agent does not know the executor and said so.
var ErrRefused = errors.New("executor refused by the agent")

// Session is the session of one executor with its agent.
type Session struct {
	cfg    Config
	ledger *ledger
}

// New checks the Config and returns a Session that has not begun.
func New(cfg Config) (*Session, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Session{cfg: cfg, ledger: newLedger()}, nil
}

// states are those that an executor may report. Mesos: an agent refuses STAGING; the rest are for agents and masters to say.
var states = map[machine.TaskState]mesos.TaskState{
	machine.Starting: mesos.TASK_STARTING,
	machine.Running:  mesos.TASK_RUNNING,
	machine.Killing:  mesos.TASK_KILLING,
	machine.Finished: mesos.TASK_FINISHED,
	machine.Failed:   mesos.TASK_FAILED,
	machine.Killed:   mesos.TASK_KILLED,
	machine.Errored:  mesos.TASK_ERROR,
	machine.Dropped:  mesos.TASK_DROPPED,
	machine.Lost:     mesos.TASK_LOST,
}

// Update reports the state of a task. It gets a uuid and the time, is sent after all earlier ones, and is repeated after a
// reconnection until the agent has stored it. Message and data may be empty; data is passed on unchanged and must not be
// changed afterwards. Mesos: repeating a state with other data is an update like any other.
func (s *Session) Update(taskID string, state machine.TaskState, message string, data []byte) error {
	if err := wire.ValidateID("task id", taskID); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	st, ok := states[state]
	if !ok {
		return fmt.Errorf("update of task %q: state %q is not one that an executor may report", taskID, state)
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return fmt.Errorf("update of task %q: %w", taskID, err)
	}
	now := float64(time.Now().UnixMicro()) / 1e6
	status := mesos.TaskStatus{
		TaskID:     mesos.TaskID{Value: taskID},
		State:      &st,
		Source:     mesos.SOURCE_EXECUTOR.Enum(),
		ExecutorID: &mesos.ExecutorID{Value: s.cfg.ExecutorID},
		Timestamp:  &now,
		UUID:       id[:],
		Data:       data,
	}
	if message != "" {
		status.Message = &message
	}
	s.ledger.add(status)
	return nil
}

// Flush waits until the agent has stored every update, or the context ends.
func (s *Session) Flush(ctx context.Context) error { return s.ledger.empty(ctx) }

// Run subscribes with the agent and hands its events to the handler until the agent asks for a shutdown or ctx ends, when it
// returns nil, or until the agent is gone for good: the error then wraps ErrAgentGone or ErrRefused. It returns when the
// handler has.
func (s *Session) Run(ctx context.Context, handler func(Event)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	trip := transport.New(s.cfg.Dial)
	trip.TLSClientConfig, trip.TLSHandshakeTimeout = s.cfg.TLS, answerTimeout
	defer trip.CloseIdleConnections()
	answering, silent := context.WithCancel(ctx)
	defer silent()
	r := &run{
		Session:   s,
		client:    &http.Client{Transport: trip, CheckRedirect: keepRedirect},
		inbox:     newInbox(),
		answering: answering,
		silent:    silent,
	}
	handled := make(chan struct{})
	go func() {
		defer close(handled)
		r.handle(handler, cancel)
	}()
	err := r.keepSubscribed(ctx)
	cancel(nil)
	r.inbox.close()
	<-handled
	return err
}

// keepRedirect makes a redirect an answer like any other: an agent has none to give.
func keepRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// run is the state of one Run.
type run struct {
	*Session
	client *http.Client
	inbox  *inbox
	again  bool // subscribed at least once
	ending bool // the agent has asked for a shutdown

	// answering lasts for as long as the agent may still acknowledge something; silent ends it.
	answering context.Context
	silent    context.CancelFunc
}

// errShutdown ends a run after the agent asked for it and the handler has done its part.
var errShutdown = errors.New("shut down by the agent")

// handle calls the handler until the inbox is closed or a Shutdown has been handled.
func (r *run) handle(handler func(Event), cancel context.CancelCauseFunc) {
	for {
		e, ok := r.inbox.pop()
		if !ok {
			return
		}
		if _, last := e.(Shutdown); !last {
			handler(e)
			continue
		}
		// The grace period runs from the arrival of the event; what the handler uses up is not there for the flush.
		flush, done := context.WithTimeout(r.answering, r.cfg.ShutdownGrace)
		handler(e)
		if err := r.Flush(flush); err != nil {
			r.cfg.Logger.Warn("shutdown: updates are not acknowledged", "error", err)
		}
		done()
		cancel(errShutdown)
		return
	}
}

// keepSubscribed subscribes again and again for as long as that makes sense.
func (r *run) keepSubscribed(ctx context.Context) error {
	patience := registrationPatience
	alone := time.Now() // since when there has been no agent
	for {
		subscribed, err := r.once(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case r.ending:
			// The agent does not wait for us; what it has not stored by now it never will.
			r.silent()
			<-ctx.Done() // the handler ends it
			return nil
		case errors.Is(err, ErrRefused):
			return err
		case subscribed && !r.cfg.Checkpoint:
			return fmt.Errorf("%w: %w; it does not checkpoint, so its tasks are given up", ErrAgentGone, err)
		case subscribed:
			alone, patience = time.Now(), r.cfg.RecoveryTimeout
		}
		wait := r.backoff()
		if time.Since(alone)+wait > patience {
			return fmt.Errorf("%w: %w; it did not come back within %v", ErrAgentGone, err, patience)
		}
		r.cfg.Logger.Warn("agent: not subscribed", "error", err, "retry_in", wait)
		if !sleep(ctx, wait) {
			return nil
		}
	}
}

// backoff is evenly spread over the time that the agent allows, so that the executors of a host do not all come at once.
func (r *run) backoff() time.Duration {
	return max(minBackoff, time.Duration(r.cfg.Jitter()*float64(r.cfg.SubscriptionBackoffMax)))
}

// sleep waits and says whether the context still stands.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// call builds a call of this executor.
func (s *Session) call(kind exec.Call_Type) *exec.Call {
	return &exec.Call{
		Type:        kind,
		ExecutorID:  mesos.ExecutorID{Value: s.cfg.ExecutorID},
		FrameworkID: mesos.FrameworkID{Value: s.cfg.FrameworkID},
	}
}
