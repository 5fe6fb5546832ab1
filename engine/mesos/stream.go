package mesos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/internal/transport"
	"github.com/quobyte/mesos-framework/engine/mesos/recordio"
	"github.com/quobyte/mesos-framework/engine/mesos/wire"
)

// maxHops is how many redirects are followed to find the leader: during an election two masters may name each other.
const maxHops = 5

const streamIDHeader = "Mesos-Stream-Id"

// stream is the event stream of a subscription.
type stream struct {
	ctx     context.Context
	end     context.CancelCauseFunc // the first cause is why the stream ended
	dog     *watchdog
	body    io.ReadCloser
	records *recordio.Reader
	id      string
	master  endpoint
	callee  atomic.Pointer[endpoint] // takes the calls
}

// errUnsent is wrapped by the error of a call of which nothing was sent.
var errUnsent = errors.New("not sent")

func (st *stream) close() {
	st.dog.stop()
	st.end(nil)
	st.body.Close()
}

// connect asks the candidates in turn until one answers with an event stream.
func (r *run) connect(ctx context.Context) (*stream, error) {
	call, err := wire.Subscribe(r.cfg.Framework, r.frameworkID)
	if err != nil {
		return nil, err
	}
	masters, changed, err := r.candidates(ctx)
	if err != nil {
		return nil, err
	}
	var tried []error
	for _, m := range masters {
		r.lead.ask(m) // from here on, news end the attempt
		select {
		case <-changed:
			return nil, errors.New("who leads has changed; asking again")
		default:
		}
		st, err := r.connectVia(ctx, m, call)
		if err == nil {
			return st, nil
		}
		if fatal(err) || ctx.Err() != nil {
			return nil, because(ctx, err)
		}
		tried = append(tried, err)
	}
	if len(tried) == 1 {
		return nil, tried[0]
	}
	return nil, errors.New(oneLine(tried))
}

// candidates waits until there is a master to ask, and after a while tells why there is none. The channel is closed when there are others.
func (r *run) candidates(ctx context.Context) ([]endpoint, <-chan struct{}, error) {
	t := time.NewTimer(r.cfg.AnswerTimeout)
	defer t.Stop()
	for {
		masters, _, changed := r.lead.candidates()
		if len(masters) > 0 {
			return masters, changed, nil
		}
		select {
		case <-changed:
		case <-t.C:
			_, reason, _ := r.lead.candidates()
			return nil, nil, errors.New(reason)
		case <-ctx.Done():
			return nil, nil, because(ctx, ctx.Err())
		}
	}
}

// connectVia follows one candidate to the leader.
func (r *run) connectVia(ctx context.Context, m endpoint, call []byte) (*stream, error) {
	for range maxHops {
		r.lead.ask(m)
		location, err := r.makeWay(ctx, m)
		if err != nil {
			return nil, err
		}
		elsewhere := location != ""
		if !elsewhere {
			var st *stream
			if st, location, err = r.open(ctx, m, call); st != nil || err != nil {
				return st, err
			}
		}
		if m, err = r.hop(m, location); err != nil {
			return nil, err
		}
		if elsewhere {
			m.path = schedulerPath // it is the operator API that was redirected
		}
	}
	return nil, fmt.Errorf("%s: no leader after %d redirects: an election may be under way", m, maxHops)
}

// hop is where a redirect leads. Credentials are not for whoever a redirect names, and not for a wire that all can read if the
// operator asked for another.
func (r *run) hop(from endpoint, location string) (endpoint, error) {
	next, err := from.redirect(location)
	if err != nil {
		return next, fmt.Errorf("%s: redirect: %w", from, err)
	}
	if r.cfg.Credentials != nil && !r.lead.knows(next) {
		return next, fmt.Errorf("%s: redirect to %s://%s, which was neither configured nor detected, and credentials are only for masters that were: "+
			"name it as well", from, next.scheme, next.address)
	}
	r.cfg.Logger.Debug("redirected", "from", from.address, "to", next.address)
	return next, nil
}

// open posts a SUBSCRIBE to one master. It returns the stream, or where the master says that the leader is.
func (r *run) open(ctx context.Context, m endpoint, call []byte) (*stream, string, error) {
	ctx, end := context.WithCancelCause(ctx)
	st := &stream{ctx: ctx, end: end, master: m}
	st.dog = watch(r.cfg.AnswerTimeout, func() {
		end(fmt.Errorf("%s: no subscription within %v; is the address right?", m, r.cfg.AnswerTimeout))
	})
	traced, connected := connection(ctx)
	resp, err := r.post(traced, m, call, http.Header{"Accept": {transport.ContentType}})
	if err != nil {
		if connected.Load() && r.frameworkID != "" {
			r.unanswered = true
		}
		st.dog.stop()
		defer end(nil)
		return nil, "", because(ctx, fmt.Errorf("%s: %s", m, transport.Explain(err)))
	}
	st.body = resp.Body
	if fault := refusal(m, resp, r.proven, r.resumed); fault != nil || resp.StatusCode != http.StatusOK {
		defer st.close()
		return nil, resp.Header.Get("Location"), fault
	}
	st.id = resp.Header.Get(streamIDHeader)
	st.callee.Store(&m)
	st.records = recordio.NewReader(&watched{resp.Body, st.dog}, r.cfg.MaxRecord)
	return st, "", nil
}

// refusal says why an answer to SUBSCRIBE is neither a stream nor a redirect; nil if it is one of these.
func refusal(m endpoint, resp *http.Response, proven, resumed bool) error {
	switch resp.StatusCode {
	case http.StatusTemporaryRedirect:
		return nil
	case http.StatusOK:
		if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); kind != transport.ContentType {
			return fmt.Errorf("%s: answered with %q instead of an event stream; is it a Mesos master?", m, resp.Header.Get("Content-Type"))
		}
		if resp.Header.Get(streamIDHeader) == "" {
			return fmt.Errorf("%s: answered without a %s header; is it a Mesos master?", m, streamIDHeader)
		}
		return nil
	}
	return subscribeError(m, resp.StatusCode, transport.Text(resp.Body), proven, resumed)
}

// post sends a call, and once more if the master refused the credentials and there are others. A call that was refused so was not
// looked at. errUnsent is wrapped if nothing of the call was sent.
func (r *run) post(ctx context.Context, m endpoint, call []byte, header http.Header) (*http.Response, error) {
	if r.cfg.Credentials == nil {
		return r.exchange(ctx, m, call, header, "")
	}
	authorization, err := r.cfg.Credentials.Authorization(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnsent, err)
	}
	resp, err := r.exchange(ctx, m, call, header, authorization)
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return resp, err
	}
	other, err := r.cfg.Credentials.Authorization(ctx, authorization)
	if err != nil || other == authorization {
		if err != nil {
			r.cfg.Logger.Warn("credentials refused, and there are no others", "master", m.address, "error", err)
		}
		return resp, nil
	}
	transport.Text(resp.Body) // lets the connection be used again
	resp.Body.Close()
	return r.exchange(ctx, m, call, header, other)
}

// exchange is one round trip: a GET if there is no call.
func (r *run) exchange(ctx context.Context, m endpoint, call []byte, header http.Header, authorization string) (*http.Response, error) {
	method := http.MethodPost
	if call == nil {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, m.url(), bytes.NewReader(call))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", transport.ContentType)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	return r.client.Do(req)
}

// connection notes whether a request got as far as to a connection; if not, nothing of it was sent.
func connection(ctx context.Context) (context.Context, *atomic.Bool) {
	connected := &atomic.Bool{}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	}), connected
}

// because returns why a stream's context ended if one of us ended it, and err otherwise.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// settle makes certain that an older framework has the settings of now. A SUBSCRIBE changes the most of them, but says nothing of a
// user or checkpoint that it did not change; UPDATE_FRAMEWORK with the same settings tells.
func (r *run) settle(st *stream) error {
	if !r.resumed {
		return nil
	}
	body, err := wire.UpdateFramework(r.cfg.Framework, r.frameworkID)
	if err != nil {
		return err
	}
	v, text := r.call(st, body)
	r.counters.outcome("UPDATE_FRAMEWORK", v)
	if st.ctx.Err() != nil {
		return because(st.ctx, fmt.Errorf("%s: UPDATE_FRAMEWORK: %s", st.master, text))
	}
	switch {
	case v == wire.Accepted:
		r.confirmed = true
	case fixedSetting(text) != "":
		return settingError(st.master, fixedSetting(text), text)
	case v == wire.Lost && !forbidden(v, text):
		return fmt.Errorf("%s: UPDATE_FRAMEWORK: %s; subscribing again", st.master, text)
	default: // masters before 1.9 know no such call; and what SUBSCRIBE could change, it has changed
		r.cfg.Logger.Warn("settings of the framework are not confirmed", "master", st.master.address, "answer", text)
	}
	return nil
}

// next reads and decodes one event.
func (r *run) next(st *stream) (wire.Decoded, error) {
	record, err := st.records.Next()
	if err != nil {
		if err == io.EOF {
			return wire.Decoded{}, because(st.ctx, fmt.Errorf("%s: ended the event stream", st.master))
		}
		if errors.Is(err, recordio.ErrTooLong) {
			return wire.Decoded{}, fmt.Errorf("%s: event stream: %w; raise the limit if the cluster is that large", st.master, err)
		}
		return wire.Decoded{}, because(st.ctx, fmt.Errorf("%s: event stream: %s", st.master, transport.Explain(err)))
	}
	d, err := r.decoder.Event(record)
	if err != nil {
		return d, fmt.Errorf("%s: %w", st.master, err)
	}
	r.counters.event(len(record), d)
	if d.Note != "" {
		r.cfg.Logger.Debug(d.Note)
	}
	return d, nil
}

// welcome waits for SUBSCRIBED, which is the first event if the master takes the framework.
func (r *run) welcome(st *stream) (machine.Subscribed, error) {
	var s machine.Subscribed
	d, err := r.next(st)
	if err != nil {
		return s, err
	}
	if d.Error != "" {
		return s, eventError(st.master, d.Error, false)
	}
	if len(d.Events) == 1 {
		s, _ = d.Events[0].(machine.Subscribed)
	}
	if s.FrameworkID == "" {
		return s, fmt.Errorf("%s: the event stream does not begin with SUBSCRIBED; is it a Mesos master?", st.master)
	}
	r.frameworkID = s.FrameworkID
	silence := time.Duration(r.cfg.MissedHeartbeats) * s.Heartbeat
	st.dog.rearm(silence, func() {
		st.end(fmt.Errorf("%s: silent for %v, %d heartbeats are missing", st.master, silence, r.cfg.MissedHeartbeats))
	})
	r.cfg.Logger.Info("subscribed", "master", st.master.address, "version", s.Master.Version, "framework_id", s.FrameworkID, "heartbeat", s.Heartbeat)
	return s, nil
}

// follow hands on events until the stream ends. It reads none while too many calls wait: events make calls.
func (r *run) follow(st *stream, sub *subscription) error {
	for {
		if err := sub.room(); err != nil {
			return because(st.ctx, err)
		}
		d, err := r.next(st)
		if err != nil {
			return err
		}
		if d.Error != "" {
			return eventError(st.master, d.Error, true)
		}
		for _, e := range d.Events {
			r.deliver(e)
		}
	}
}

// watchdog calls a function once when nothing has happened for a while.
type watchdog struct {
	silence time.Duration
	timer   *time.Timer
}

func watch(silence time.Duration, bark func()) *watchdog {
	return &watchdog{timer: time.AfterFunc(silence, bark)}
}

// rearm turns to another kind of silence, one that counts only between listen and heard; zero is for none. A master that
// announces no heartbeats may be silent for ever.
func (w *watchdog) rearm(silence time.Duration, bark func()) {
	w.timer.Stop()
	w.silence = silence
	if silence > 0 {
		w.timer = time.AfterFunc(silence, bark)
		w.timer.Stop()
	}
}

func (w *watchdog) listen() {
	if w.silence > 0 {
		w.timer.Reset(w.silence)
	}
}

func (w *watchdog) heard() {
	if w.silence > 0 {
		w.timer.Stop()
	}
}

func (w *watchdog) stop() { w.timer.Stop() }

// watched has the watchdog count the time that reads wait, so that one long event on a slow link is no silence, and neither
// is what the master said while the sink was busy.
type watched struct {
	in  io.Reader
	dog *watchdog
}

func (w *watched) Read(p []byte) (int, error) {
	w.dog.listen()
	defer w.dog.heard()
	return w.in.Read(p)
}
