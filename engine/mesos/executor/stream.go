package executor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	exec "github.com/mesos/mesos-go/api/v1/lib/executor"

	"github.com/quobyte/mesos-framework/engine/mesos/internal/transport"
	"github.com/quobyte/mesos-framework/engine/mesos/recordio"
)

// once makes one subscription and stays with it to its end. The error is never nil.
func (r *run) once(ctx context.Context) (subscribed bool, err error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	early := time.AfterFunc(answerTimeout, func() { end(fmt.Errorf("no subscription within %v", answerTimeout)) })
	defer early.Stop()

	call := r.call(exec.Call_SUBSCRIBE)
	call.Subscribe = r.ledger.subscribe()
	resp, err := r.post(ctx, call)
	if err != nil {
		return false, r.wrap(because(ctx, err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return false, r.refusal(resp)
	}
	records := recordio.NewReader(resp.Body, 0)
	e, err := next(records)
	if err != nil {
		return false, r.wrap(because(ctx, err))
	}
	if e.Type != exec.Event_SUBSCRIBED || e.Subscribed == nil {
		return false, r.wrap(fmt.Errorf("event stream begins with %s instead of SUBSCRIBED", e.Type))
	}
	early.Stop()
	r.cfg.Logger.Info("subscribed", "agent", r.cfg.AgentEndpoint, "again", r.again)
	r.take(e)
	r.again = true

	var sender sync.WaitGroup
	sender.Go(func() { end(r.sendUpdates(ctx)) })
	err = because(ctx, r.read(records))
	end(err)
	sender.Wait()
	return true, r.wrap(err)
}

func (r *run) wrap(err error) error {
	return fmt.Errorf("agent %s: %s", r.cfg.AgentEndpoint, transport.Explain(err))
}

// refusal is what an answer other than a stream means. Mesos: 503 while the agent recovers; a 400 does not heal.
func (r *run) refusal(resp *http.Response) error {
	err := fmt.Errorf("agent %s: %d %s", r.cfg.AgentEndpoint, resp.StatusCode, transport.Text(resp.Body))
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		why := "it does not take the token that is in " + tokenVariable
		if r.cfg.Token == "" {
			why = "it wants executors to authenticate, and there is no token in " + tokenVariable
		}
		return fmt.Errorf("%w: %w: %s", ErrRefused, err, why)
	case http.StatusBadRequest, http.StatusForbidden:
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// read takes events until the stream ends.
func (r *run) read(records *recordio.Reader) error {
	for {
		e, err := next(records)
		if err != nil {
			return err
		}
		if e.Type == exec.Event_ERROR {
			return fmt.Errorf("error event: %s", e.GetError().GetMessage())
		}
		r.take(e)
	}
}

func next(records *recordio.Reader) (*exec.Event, error) {
	record, err := records.Next()
	if err != nil {
		return nil, err
	}
	return unmarshal(record)
}

// take keeps the ledger and passes the event on to the handler.
func (r *run) take(e *exec.Event) {
	if e.Type == exec.Event_ACKNOWLEDGED && e.Acknowledged != nil {
		r.ledger.acknowledged(e.Acknowledged.TaskID.Value, e.Acknowledged.UUID)
		return
	}
	for _, t := range launches(e) {
		r.ledger.launched(t)
	}
	r.ending = r.ending || e.Type == exec.Event_SHUTDOWN
	events := r.decode(e, r.again)
	if len(events) == 0 {
		r.cfg.Logger.Debug("skipped event", "type", e.Type.String())
	}
	for _, out := range events {
		r.inbox.push(out)
	}
}

// sendUpdates sends updates one by one, in order, until the stream ends or an exchange fails. What the agent may or may not
// have got then goes to it again with the next SUBSCRIBE; it knows repetitions by their uuid.
func (r *run) sendUpdates(ctx context.Context) error {
	for {
		status, err := r.ledger.next(ctx)
		if err != nil {
			return err
		}
		call := r.call(exec.Call_UPDATE)
		call.Update = &exec.Call_Update{Status: status}
		code, text, err := r.exchange(ctx, call)
		switch {
		case err != nil:
			return fmt.Errorf("update of task %q: %w", status.TaskID.Value, err)
		case code == http.StatusAccepted || code == http.StatusOK:
		case code == http.StatusBadRequest:
			r.cfg.Logger.Error("update refused", "task", status.TaskID.Value, "state", status.State.String(), "answer", text)
			r.ledger.drop(status.UUID)
		default:
			return fmt.Errorf("update of task %q: %d %s", status.TaskID.Value, code, text)
		}
	}
}

// exchange makes a call that has a short answer.
func (r *run) exchange(ctx context.Context, call *exec.Call) (int, string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	resp, err := r.post(ctx, call)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	return resp.StatusCode, transport.Text(resp.Body), nil
}

func (r *run) post(ctx context.Context, call *exec.Call) (*http.Response, error) {
	body, err := call.Marshal()
	if err != nil {
		return nil, err
	}
	scheme := "http://"
	if r.cfg.TLS != nil {
		scheme = "https://"
	}
	url := scheme + r.cfg.AgentEndpoint + "/api/v1/executor"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", transport.ContentType)
	req.Header.Set("Accept", transport.ContentType)
	if r.cfg.Token != "" {
		req.Header.Set("Authorization", "Bearer "+r.cfg.Token)
	}
	return r.client.Do(req)
}

// because returns why one of us ended the context if one did, and otherwise err.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	if err == io.EOF {
		return errors.New("it ended the event stream")
	}
	return err
}

// inbox is an unbounded queue of events, so that a slow handler does not keep acknowledgements from being read.
type inbox struct {
	mu     sync.Mutex
	filled *sync.Cond
	events []Event
	closed bool
}

func newInbox() *inbox {
	b := &inbox{}
	b.filled = sync.NewCond(&b.mu)
	return b
}

func (b *inbox) push(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, e)
	b.filled.Signal()
}

// pop waits for an event; false means that the inbox is closed.
func (b *inbox) pop() (Event, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.events) == 0 && !b.closed {
		b.filled.Wait()
	}
	if b.closed {
		return nil, false
	}
	e := b.events[0]
	b.events = b.events[1:]
	return e, true
}

func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.filled.Broadcast()
}
