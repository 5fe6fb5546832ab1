package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

const (
	// silence is how long a stream may say nothing before it is taken for dead: three heartbeats of the server.
	silence = 45 * time.Second
	// The waits between attempts to get a lost stream back double from the first to the last.
	firstWait = 200 * time.Millisecond
	lastWait  = 5 * time.Second
)

// errSilent ends a stream that says nothing.
var errSilent = fmt.Errorf("no sign of life for %v", silence)

// Watch calls fn with the plan as it is, and then each time it has changed, at most ten times a second. A stream that is lost
// later is opened again for as long as it takes, since a framework that restarts or fails over comes back; that the first one
// can't be opened is an error at once. It ends with the error of fn, with the context's, or with one that no repetition can
// cure: the plan does not exist, or access is denied.
func (c *Client) Watch(ctx context.Context, plan string, fn func(plans.View) error) error {
	wait := firstWait
	for connected := false; ; {
		seen, err := c.watchOnce(ctx, plan, fn)
		var stop *callbackError
		switch {
		case errors.As(err, &stop):
			return stop.err
		case ctx.Err() != nil:
			return ctx.Err()
		case !seen && !connected, final(err):
			return err
		}
		connected = true
		if seen {
			wait = firstWait
		}
		if c.cfg.Retrying != nil {
			c.cfg.Retrying(err, wait)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, lastWait)
	}
}

// callbackError is an error of the caller's function, which ends a watch.
type callbackError struct{ err error }

func (e *callbackError) Error() string { return e.err.Error() }

// final says whether trying again can't help.
func final(err error) bool {
	var notFound *NotFoundError
	var denied *DeniedError
	return errors.As(err, &notFound) || errors.As(err, &denied)
}

// watchOnce follows one stream to its end, which is always an error. seen says whether there was an event.
func (c *Client) watchOnce(ctx context.Context, plan string, fn func(plans.View) error) (seen bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer watchdog.Stop()

	resp, err := c.send(ctx, http.MethodGet, c.base.JoinPath("v1", "stream"), url.Values{"plan": {plan}})
	if err != nil {
		return false, c.silent(ctx, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return false, c.failure(resp)
	}
	if resp.Header.Get("Content-Type") != "text/event-stream" {
		return false, &ForeignError{URL: c.URL(), Code: resp.StatusCode}
	}
	events := &eventReader{r: bufio.NewReaderSize(resp.Body, 64<<10), alive: func() { watchdog.Reset(silence) }}
	for {
		ev, err := events.next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("the server closed the connection")
			}
			return seen, c.silent(ctx, c.unreachable(err))
		}
		if ev.name != "plan" {
			continue
		}
		var v plans.View
		if err := json.Unmarshal(ev.data, &v); err != nil {
			return seen, &callbackError{fmt.Errorf("%s: an event is not understood: %w", c.URL(), err)}
		}
		seen = true
		// The caller may take its time; that is not the server's silence.
		watchdog.Stop()
		if err := fn(v); err != nil {
			return seen, &callbackError{err}
		}
		watchdog.Reset(silence)
	}
}

// silent puts the reason in place of the cancellation that it caused.
func (c *Client) silent(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errSilent) {
		return c.unreachable(errSilent)
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
