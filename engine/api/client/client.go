package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/quobyte/mesos-framework/engine/api"
	"github.com/quobyte/mesos-framework/engine/backup"
	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// Config configures a client.
type Config struct {
	// URL is where the API's paths begin, for instance http://127.0.0.1:7888 or https://dcos/service/quobyte. Required.
	URL string
	// Token is a DC/OS access token; empty: none is sent.
	Token string
	// Actor is who gives the verbs; empty: the server takes the address that they come from.
	Actor string
	// HTTP is what requests are made with; nil: http.DefaultTransport. It should have no Timeout, which would end streams.
	HTTP *http.Client
	// Timeout bounds every request but a stream; zero: 30 s.
	Timeout time.Duration
	// Retrying is told when Watch lost its stream, why, and how long it waits before it tries again; nil: nobody is.
	Retrying func(err error, wait time.Duration)
}

const (
	defaultTimeout = 30 * time.Second
	// maxAnswer is how many bytes of an answer are read: far more than a plan of 100,000 steps takes.
	maxAnswer = 256 << 20
)

// Client asks one server.
type Client struct {
	cfg  Config
	base *url.URL
	http *http.Client
}

// New checks the configuration. It asks nothing yet.
func New(cfg Config) (*Client, error) {
	base, err := url.Parse(cfg.URL)
	if err != nil && strings.Contains(cfg.URL, "@") {
		return nil, errors.New("url with a user: not understood, want http://USER:PASSWORD@HOST:PORT") // it may hold a password
	}
	if err != nil {
		return nil, fmt.Errorf("url %q: want http://HOST:PORT or https://HOST/PATH (%w)", cfg.URL, errors.Unwrap(err))
	}
	if base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("url %q: want http://HOST:PORT or https://HOST/PATH", base.Redacted())
	}
	if base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("url %q: want no query and no fragment", base.Redacted())
	}
	if strings.ContainsFunc(cfg.Actor, unicode.IsControl) {
		return nil, fmt.Errorf("actor %q: has control characters", cfg.Actor)
	}
	if strings.ContainsFunc(cfg.Token, unicode.IsControl) {
		return nil, errors.New("token: has control characters")
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	c := &Client{cfg: cfg, base: base, http: &http.Client{}}
	if cfg.HTTP != nil {
		*c.http = *cfg.HTTP
	}
	c.http.CheckRedirect = follow
	return c, nil
}

// follow follows an instance that stands by to the one that leads, and nobody else. A verb that is redirected otherwise would become a GET (RFC
// 9110, 15.4), and a token would go where it does not belong.
func follow(next *http.Request, before []*http.Request) error {
	r := next.Response
	ours := r != nil && r.StatusCode == http.StatusTemporaryRedirect && r.Header.Get(api.BuildHeader) != ""
	if !ours || len(before) > 2 || before[0].Header.Get("Authorization") != "" {
		return http.ErrUseLastResponse
	}
	return nil
}

// URL returns the server's address, without a password.
func (c *Client) URL() string { return c.base.Redacted() }

// Plans returns the names of the plans.
func (c *Client) Plans(ctx context.Context) ([]string, error) {
	var names []string
	err := c.get(ctx, &names, "v1", "plans")
	return names, err
}

// Plan returns a plan by its name or id.
func (c *Client) Plan(ctx context.Context, name string) (plans.View, error) {
	var v plans.View
	err := c.get(ctx, &v, "v1", "plans", name)
	return v, err
}

// Pods returns the pods.
func (c *Client) Pods(ctx context.Context) ([]machine.PodView, error) {
	var pods []machine.PodView
	err := c.get(ctx, &pods, "v1", "pods")
	return pods, err
}

// Strangers returns the tasks that run in the framework's name and belong to no pod.
func (c *Client) Strangers(ctx context.Context) ([]machine.Stranger, error) {
	var tasks []machine.Stranger
	err := c.get(ctx, &tasks, "v1", "tasks", "strangers")
	return tasks, err
}

// Hosts returns the hosts.
func (c *Client) Hosts(ctx context.Context) ([]machine.HostView, error) {
	var hosts []machine.HostView
	err := c.get(ctx, &hosts, "v1", "hosts")
	return hosts, err
}

// View returns everything at once: plans, pods, hosts and warnings of one moment.
func (c *Client) View(ctx context.Context) (*machine.View, error) {
	var v machine.View
	if err := c.get(ctx, &v, "v1", "view"); err != nil {
		return nil, err
	}
	return &v, nil
}

// Export returns the durable state as it is at one moment: a backup.
func (c *Client) Export(ctx context.Context) (backup.File, error) {
	var text json.RawMessage
	if err := c.get(ctx, &text, "v1", "state", "export"); err != nil {
		return backup.File{}, err
	}
	f, err := backup.Read(bytes.NewReader(text))
	if err != nil {
		return backup.File{}, fmt.Errorf("%s: %w", c.URL(), err)
	}
	return f, nil
}

// Health returns the graded health with its reasons. A service that is not well is no error: the grade says so.
func (c *Client) Health(ctx context.Context) (api.Health, error) {
	var h api.Health
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	resp, err := c.send(ctx, http.MethodGet, c.base.JoinPath("v1", "health"), url.Values{"verbose": {"true"}})
	if err != nil {
		return h, err
	}
	defer resp.Body.Close()
	ill := resp.StatusCode == http.StatusInternalServerError || resp.StatusCode == http.StatusServiceUnavailable
	if ill && isJSON(resp) || succeeded(resp.StatusCode) {
		err := c.decode(resp, &h)
		return h, err
	}
	return h, c.failure(resp)
}

// Element leads to a part of a plan, by names or ids: without Step it is the phase, without Phase the plan.
type Element struct{ Plan, Phase, Step string }

// Note is what goes with a verb.
type Note struct {
	// Reason is why, for others to see.
	Reason string
	// Revision is that of the view (plans.View) which the verb is given for: if the plan has changed since, the verb is not carried out. Empty:
	// it is carried out in any case.
	Revision string
}

// Pause makes an element begin no new step: at once, which is the same as an empty when, or when what is under way has ended. Like all verbs it
// returns what was done, in words, or an error that wraps ErrAlready, ErrConflict, ErrRefused or ErrInvalid, or is a NotFoundError.
func (c *Client) Pause(ctx context.Context, at Element, when plans.When, note Note) (string, error) {
	query := at.query(note)
	set(query, "when", string(when))
	return c.verb(ctx, query, "plans", at.Plan, "interrupt")
}

// Resume lets an element go on: it takes a pause back, passes a breakpoint that is reached, or begins the next of a canary phase.
func (c *Client) Resume(ctx context.Context, at Element, note Note) (string, error) {
	return c.verb(ctx, at.query(note), "plans", at.Plan, "continue")
}

// ForceComplete makes an element count as COMPLETE in the plan's present run, whatever its pods do.
func (c *Client) ForceComplete(ctx context.Context, at Element, note Note) (string, error) {
	return c.verb(ctx, at.query(note), "plans", at.Plan, "forceComplete")
}

// Start begins a new run of a plan that has none at work.
func (c *Client) Start(ctx context.Context, plan string, note Note) (string, error) {
	return c.verb(ctx, Element{}.query(note), "plans", plan, "start")
}

// Stop ends the run of a plan. What runs is left alone, and what the run had stopped is brought back.
func (c *Client) Stop(ctx context.Context, plan string, note Note) (string, error) {
	return c.verb(ctx, Element{}.query(note), "plans", plan, "stop")
}

// Restart has an element done again: running pods are stopped and started, as budget and gate let them, or with force whatever those say.
func (c *Client) Restart(ctx context.Context, at Element, force bool, note Note) (string, error) {
	query := at.query(note)
	if force {
		query.Set("force", "true")
	}
	return c.verb(ctx, query, "plans", at.Plan, "restart")
}

// Break sets a breakpoint before a phase, after it, or after each of its batches.
func (c *Client) Break(ctx context.Context, plan, phase string, at plans.When, note Note) (string, error) {
	query := Element{Phase: phase}.query(note)
	set(query, "when", string(at))
	return c.verb(ctx, query, "plans", plan, "break")
}

// Unbreak takes a breakpoint away.
func (c *Client) Unbreak(ctx context.Context, plan, phase string, at plans.When, note Note) (string, error) {
	query := Element{Phase: phase}.query(note)
	set(query, "when", string(at))
	return c.verb(ctx, query, "plans", plan, "unbreak")
}

// Except leaves a pod that is dead out of all plans, until Include. With force the service is not asked whether it can do without it.
func (c *Client) Except(ctx context.Context, pod, reason string, force bool) (string, error) {
	query := Element{}.query(Note{Reason: reason})
	if force {
		query.Set("force", "true")
	}
	return c.verb(ctx, query, "pods", pod, "except")
}

// Include takes a pod into all plans again.
func (c *Client) Include(ctx context.Context, pod, reason string) (string, error) {
	return c.verb(ctx, Element{}.query(Note{Reason: reason}), "pods", pod, "include")
}

// MarkGone takes the task of a pod for gone, of which Mesos can't say whether it runs: the pod is launched again, and the task is killed if it
// shows up. Whoever says so must be certain; the reason must not be empty.
func (c *Client) MarkGone(ctx context.Context, pod, reason string) (string, error) {
	return c.verb(ctx, Element{}.query(Note{Reason: reason}), "pods", pod, "markGone")
}

// Replace gives up what is reserved for a pod that is down, volumes with their data, and has it placed anew. The claim is that of its PodView: what the
// caller has seen. The reason must not be empty.
func (c *Client) Replace(ctx context.Context, pod, claim, reason string) (string, error) {
	query := Element{}.query(Note{Reason: reason})
	set(query, "claim", claim)
	return c.verb(ctx, query, "pods", pod, "replace")
}

// Release gives back what is reserved on a host for no pod, volumes with their data. The claim is that of a LeftoverView of the host. The reason must not
// be empty.
func (c *Client) Release(ctx context.Context, host, claim, reason string) (string, error) {
	query := Element{}.query(Note{Reason: reason})
	set(query, "claim", claim)
	return c.verb(ctx, query, "hosts", host, "release")
}

// CancelRelease takes Release or Replace back, of a claim or, if that is empty, of all on the host, as long as Mesos was not told.
func (c *Client) CancelRelease(ctx context.Context, host, claim, reason string) (string, error) {
	query := Element{}.query(Note{Reason: reason})
	set(query, "claim", claim)
	return c.verb(ctx, query, "hosts", host, "cancelRelease")
}

// ForgetReservations has a pod's resources reserved anew when it is launched next. With force also if it has volumes, which are
// left as they are.
func (c *Client) ForgetReservations(ctx context.Context, pod, reason string, force bool) (string, error) {
	query := Element{}.query(Note{Reason: reason})
	if force {
		query.Set("force", "true")
	}
	return c.verb(ctx, query, "pods", pod, "forgetReservations")
}

// KillTask kills a task that belongs to no pod (see Strangers).
func (c *Client) KillTask(ctx context.Context, task, reason string) (string, error) {
	return c.verb(ctx, Element{}.query(Note{Reason: reason}), "tasks", task, "kill")
}

// query is what a verb about the element asks with.
func (at Element) query(note Note) url.Values {
	query := url.Values{}
	set(query, "phase", at.Phase)
	set(query, "step", at.Step)
	set(query, "reason", note.Reason)
	set(query, "revision", note.Revision)
	return query
}

// set sets a parameter that has a value.
func set(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}

// verb asks for a verb, and returns what was done.
func (c *Client) verb(ctx context.Context, query url.Values, kind, name, verb string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	resp, err := c.send(ctx, http.MethodPost, c.path("v1", kind, name, verb), query)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", c.failure(resp)
	}
	var done api.Done
	if err := c.decode(resp, &done); err != nil {
		return "", err
	}
	return done.Detail, nil
}

// get decodes the answer of a path into value.
func (c *Client) get(ctx context.Context, value any, segments ...string) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	resp, err := c.send(ctx, http.MethodGet, c.path(segments...), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	// 417 is a plan in ERROR, with the plan as its body.
	if !succeeded(resp.StatusCode) && resp.StatusCode != http.StatusExpectationFailed {
		return c.failure(resp)
	}
	return c.decode(resp, value)
}

func succeeded(code int) bool { return code >= 200 && code < 300 }

// path appends segments, each of which may hold any character, to the base. The segments "." and ".." can't be asked for:
// they become names that do not exist.
func (c *Client) path(segments ...string) *url.URL {
	escaped := make([]string, len(segments))
	for i, s := range segments {
		escaped[i] = url.PathEscape(s)
		if s == "." || s == ".." {
			escaped[i] = strings.ReplaceAll(s, ".", "%252E")
		}
	}
	return c.base.JoinPath(escaped...)
}

// send makes a request and returns the answer, whatever its code.
func (c *Client) send(ctx context.Context, method string, target *url.URL, query url.Values) (*http.Response, error) {
	target.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, method, target.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("url %q: %w", target.Redacted(), err)
	}
	r.Header.Set("Accept", "application/json, text/event-stream;q=0.9, text/plain;q=0.5")
	if c.cfg.Token != "" {
		r.Header.Set("Authorization", "token="+c.cfg.Token)
	}
	if c.cfg.Actor != "" && method == http.MethodPost {
		r.Header.Set(api.ActorHeader, c.cfg.Actor)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, c.unreachable(err)
	}
	return resp, nil
}

// unreachable strips the request from the error, whose URL is told already.
func (c *Client) unreachable(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return &UnreachableError{URL: c.URL(), Err: err}
}

// decode reads an answer.
func (c *Client) decode(resp *http.Response, value any) error {
	if !isJSON(resp) {
		return &ForeignError{URL: c.URL(), Code: resp.StatusCode}
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return c.unreachable(err)
	}
	if err := json.Unmarshal(data, value); err != nil {
		return fmt.Errorf("%s: the answer is not understood: %w", c.URL(), err)
	}
	return nil
}

func isJSON(resp *http.Response) bool {
	return strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json")
}

// failure turns an answer that is no success into an error.
func (c *Client) failure(resp *http.Response) error {
	ours := resp.Header.Get(api.BuildHeader) != ""
	text := ""
	if ours || strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
		text = lastLine(resp.Body)
	}
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return &DeniedError{URL: c.URL(), Code: code, Text: text}
	case code >= 300 && code < 400:
		return &StatusError{URL: c.URL(), Code: code, Text: "redirected to " + resp.Header.Get("Location") + "; give that address instead"}
	case !ours:
		return &ForeignError{URL: c.URL(), Code: code}
	case code == http.StatusNotFound:
		return &NotFoundError{Text: text}
	}
	if kind := kinds[resp.StatusCode]; kind != nil && text != "" {
		return &verbError{text, kind}
	} else if kind != nil {
		return kind
	}
	return &StatusError{URL: c.URL(), Code: resp.StatusCode, Text: text}
}

// lastLine returns the last line of a text, which is the one that says most. It reads no more than 64 KiB.
func lastLine(r io.Reader) string {
	data, err := io.ReadAll(io.LimitReader(r, 64<<10))
	if err != nil && len(data) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
