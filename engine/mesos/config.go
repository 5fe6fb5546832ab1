package mesos

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"

	"github.com/quobyte/mesos-framework/engine/mesos/internal/transport"
	"github.com/quobyte/mesos-framework/engine/mesos/recordio"
	"github.com/quobyte/mesos-framework/engine/mesos/wire"
)

// Framework is what a framework says about itself when it subscribes.
type Framework = wire.Framework

// The defaults of a Config.
const (
	DefaultAnswerTimeout    = 15 * time.Second
	DefaultCallTimeout      = 15 * time.Second
	DefaultMinBackoff       = 500 * time.Millisecond
	DefaultMaxBackoff       = 15 * time.Second
	DefaultMissedHeartbeats = 5
	DefaultParallelCalls    = 32
	DefaultQueuedCalls      = 10_000
)

// schedulerPath is where a master takes the calls of the v1 scheduler API.
const schedulerPath = "/api/v1/scheduler"

// Config says how to reach the masters and as whom. Zero values are usable except for Masters and Framework.
type Config struct {
	// Masters are the candidates, as host:port or http(s)://host:port. They are asked in order until one leads or knows
	// who does. Or a single zk://[user:password@]host[:port],…/path, where the leader is found.
	Masters []string
	// Detector finds the masters in another way; Masters must be empty then.
	Detector  Detector
	Framework Framework
	// BesideNamesakes makes a new framework even if there is one of the same name that has tasks or is connected, or if a master shows tasks or
	// reservations of our service.
	BesideNamesakes bool
	// ServiceLabel is the key of the label by which tasks name their service, which is Framework.Name; empty: they don't.
	ServiceLabel string
	// TLS is how to speak with masters of https://; nil: with the certificate authorities of the system. If it is given, that
	// is how to speak with masters that are named without a scheme, and with those found in ZooKeeper, too.
	TLS *tls.Config
	// Credentials say who the framework is. They are sent to masters that were configured or detected, and to nobody else.
	Credentials Credentials
	// HostKeyAttribute is the agent attribute that identifies a host; empty: its hostname does.
	HostKeyAttribute string
	// Logger takes what an operator may want to look up later; nil: nobody does.
	Logger *slog.Logger

	// AnswerTimeout bounds the wait for a connection, for the answer to SUBSCRIBE and for its first event.
	AnswerTimeout time.Duration
	// CallTimeout bounds every other call.
	CallTimeout time.Duration
	// MinBackoff and MaxBackoff bound the wait before the next attempt to subscribe. The upper end of the wait starts at
	// the former and doubles to the latter; within it Jitter decides.
	MinBackoff, MaxBackoff time.Duration
	// MissedHeartbeats is for how many heartbeat intervals of silence the subscription is believed to be alive.
	MissedHeartbeats int
	// ParallelCalls is how many calls of the unordered lane may be under way.
	ParallelCalls int
	// QueuedCalls is how many calls may wait in the lanes before the session stops reading events, since those make more.
	QueuedCalls int
	// MaxRecord is the longest event in bytes; zero: recordio.DefaultMax.
	MaxRecord int
	// Jitter returns numbers in [0, 1); nil: random ones.
	Jitter func() float64
	// Dial opens connections; nil: a net.Dialer does.
	Dial transport.Dial
}

// withDefaults fills in what was left zero.
func (c Config) withDefaults() Config {
	c.AnswerTimeout = cmp.Or(c.AnswerTimeout, DefaultAnswerTimeout)
	c.CallTimeout = cmp.Or(c.CallTimeout, DefaultCallTimeout)
	c.MinBackoff = cmp.Or(c.MinBackoff, DefaultMinBackoff)
	c.MaxBackoff = cmp.Or(c.MaxBackoff, max(DefaultMaxBackoff, c.MinBackoff))
	c.MissedHeartbeats = cmp.Or(c.MissedHeartbeats, DefaultMissedHeartbeats)
	c.ParallelCalls = cmp.Or(c.ParallelCalls, DefaultParallelCalls)
	c.QueuedCalls = cmp.Or(c.QueuedCalls, DefaultQueuedCalls)
	c.MaxRecord = cmp.Or(c.MaxRecord, recordio.DefaultMax)
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// scheme is that of masters that are named without one.
func (c Config) scheme() string {
	if c.TLS != nil {
		return "https"
	}
	return "http"
}

// detector makes the Detector that the Config asks for, and returns the masters that it names itself.
func (c Config) detector() (Detector, []endpoint, error) {
	masters := joinMasters(c.Masters)
	switch {
	case c.Detector != nil && len(masters) > 0:
		return nil, nil, errors.New("masters and a detector are given: only one of them is allowed")
	case c.Detector != nil:
		return c.Detector, nil, nil
	case len(masters) == 0:
		return nil, nil, errors.New("masters are empty: name at least one as host:port, or give zk://host:port/path")
	case strings.HasPrefix(masters[0], zkScheme):
		z, err := ParseZooKeeper(masters[0])
		if err != nil {
			return nil, nil, err
		}
		z.PreferHostname, z.Logger = c.TLS != nil, c.Logger
		return z, nil, nil
	}
	var all *multierror.Error
	var endpoints []endpoint
	for _, m := range masters {
		e, err := parseEndpoint(m, c.scheme())
		if err != nil {
			all = multierror.Append(all, err)
		}
		endpoints = append(endpoints, e)
	}
	return candidateList(masters), endpoints, all.ErrorOrNil()
}

// Addresses are where masters that are given as in Config.Masters are looked for: their own, or those of ZooKeeper's servers. What is no
// address is left out.
func Addresses(masters []string) []string {
	var out []string
	for _, m := range joinMasters(masters) {
		if z, err := ParseZooKeeper(m); err == nil {
			return z.Address.Servers
		}
		if e, err := parseEndpoint(m, ""); err == nil {
			out = append(out, e.address)
		}
	}
	return out
}

// validate tells all problems at once, after the defaults have been filled in.
func (c Config) validate() (Detector, []endpoint, error) {
	var all *multierror.Error
	detector, endpoints, err := c.detector()
	if err != nil {
		all = multierror.Append(all, err)
	}
	if err := c.Framework.Validate(); err != nil {
		all = multierror.Append(all, err)
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"answer timeout", c.AnswerTimeout}, {"call timeout", c.CallTimeout},
		{"min backoff", c.MinBackoff}, {"max backoff", c.MaxBackoff},
	} {
		if d.value < 0 {
			all = multierror.Append(all, fmt.Errorf("%s %v is negative", d.name, d.value))
		}
	}
	if c.MinBackoff > c.MaxBackoff {
		all = multierror.Append(all, fmt.Errorf("min backoff %v is greater than max backoff %v", c.MinBackoff, c.MaxBackoff))
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"missed heartbeats", c.MissedHeartbeats}, {"parallel calls", c.ParallelCalls}, {"queued calls", c.QueuedCalls}, {"max record", c.MaxRecord}} {
		if n.value < 0 {
			all = multierror.Append(all, fmt.Errorf("%s %d is negative", n.name, n.value))
		}
	}
	if all != nil {
		all.ErrorFormat = oneLine
	}
	return detector, endpoints, all.ErrorOrNil()
}

func oneLine(errs []error) string {
	texts := make([]string, len(errs))
	for i, err := range errs {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

// endpoint is the scheduler API of one master.
type endpoint struct{ scheme, address, path string }

func (e endpoint) url() string { return e.scheme + "://" + e.address + e.path }

// origin is the master without the path of its API.
func (e endpoint) origin() endpoint { return endpoint{scheme: e.scheme, address: e.address} }

// String names the master in messages.
func (e endpoint) String() string { return "master " + e.address }

// parseEndpoint reads the address of a master as an operator writes it. The scheme is that of an address without one.
func parseEndpoint(s, scheme string) (endpoint, error) {
	out := endpoint{scheme: cmp.Or(scheme, "http"), address: s, path: schedulerPath}
	if scheme, rest, ok := strings.Cut(s, "://"); ok {
		out.scheme, out.address = scheme, strings.TrimSuffix(rest, "/")
	}
	bad := func(why string) (endpoint, error) {
		return endpoint{}, fmt.Errorf("master %q: %s; "+
			"allowed are host:port, http://host:port, https://host:port, and alone zk://host:port/path", hideUser(s), why)
	}
	if out.scheme != "http" && out.scheme != "https" {
		return bad(fmt.Sprintf("scheme %q is not supported", out.scheme))
	}
	host, port, err := net.SplitHostPort(out.address)
	if err != nil {
		return bad(reasonOf(err))
	}
	if host == "" || strings.ContainsAny(host, "/@?# ") {
		return bad(fmt.Sprintf("%q is not a host", hideUser(host)))
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return bad(fmt.Sprintf("%q is not a port number", port))
	}
	return out, nil
}

// hideUser leaves out of an address what may be a password.
func hideUser(s string) string {
	at := strings.LastIndex(s, "@")
	if at < 0 {
		return s
	}
	scheme, _, found := strings.Cut(s, "://")
	if !found {
		return "…" + s[at:]
	}
	return scheme + "://…" + s[at:]
}

func reasonOf(err error) string {
	var addr *net.AddrError
	if errors.As(err, &addr) {
		return addr.Err
	}
	return err.Error()
}

// redirect is where a Location header points, seen from e. Mesos writes it without a scheme (//host:port/path), so that of
// e is kept; its documentation shows a bare host:port.
func (e endpoint) redirect(location string) (endpoint, error) {
	if location == "" {
		return endpoint{}, errors.New("it names no other master")
	}
	if !strings.Contains(location, "//") && !strings.HasPrefix(location, "/") {
		location = "//" + location
	}
	base := url.URL{Scheme: e.scheme, Host: e.address, Path: e.path}
	u, err := base.Parse(location)
	if err != nil {
		return endpoint{}, fmt.Errorf("location %q: %w", location, err)
	}
	next, err := parseEndpoint(u.Scheme+"://"+u.Host, "")
	if err != nil {
		return endpoint{}, fmt.Errorf("location %q: %w", location, err)
	}
	if strings.Trim(u.Path, "/") != "" {
		next.path = u.Path
	}
	return next, nil
}
