package executor

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/go-multierror"

	"github.com/quobyte/mesos-framework/engine/mesos/internal/transport"
	"github.com/quobyte/mesos-framework/engine/mesos/wire"
)

// The defaults of Mesos, for what the agent leaves unsaid.
const (
	DefaultRecoveryTimeout = 15 * time.Minute
	DefaultBackoffMax      = 2 * time.Second
	DefaultShutdownGrace   = 5 * time.Second
)

// Config is what an agent tells an executor through its environment. Everything but the first three has a usable zero value.
type Config struct {
	// AgentEndpoint is host:port of the agent.
	AgentEndpoint           string
	ExecutorID, FrameworkID string
	// Token is what an agent wants to be shown that lets only those in that it has started (--authenticate_http_executors); empty: nothing is shown.
	Token string
	// TLS is how to speak TLS with the agent; nil: it speaks plain HTTP.
	TLS *tls.Config
	// Sandbox is the directory that the executor may use.
	Sandbox string
	// Checkpoint says that the agent will look for the executor again after a restart.
	Checkpoint bool
	// RecoveryTimeout is for how long to look for an agent that is gone, if Checkpoint is set. Zero: 15 minutes.
	RecoveryTimeout time.Duration
	// SubscriptionBackoffMax is the longest wait between two attempts to subscribe. Zero: 2 seconds.
	SubscriptionBackoffMax time.Duration
	// ShutdownGrace is how long after Shutdown the agent kills the executor. Zero: 5 seconds.
	ShutdownGrace time.Duration

	// Logger takes what may be worth looking up later; nil: nobody does.
	Logger *slog.Logger
	// Jitter returns numbers in [0, 1); nil: random ones.
	Jitter func() float64
	// Dial opens connections; nil: a net.Dialer does.
	Dial transport.Dial
}

// tokenVariable is where an agent puts the token. Mesos hides it from nobody else in the sandbox either.
const tokenVariable = "MESOS_EXECUTOR_AUTHENTICATION_TOKEN"

// FromEnviron reads the environment that an agent gives to executors. The error tells all that is missing or malformed.
func FromEnviron(getenv func(string) string) (Config, error) {
	var all *multierror.Error
	required := func(name string) string {
		v := getenv(name)
		if v == "" {
			all = multierror.Append(all, fmt.Errorf("%s is not set", name))
		}
		return v
	}
	duration := func(name string) time.Duration {
		v := getenv(name)
		if v == "" {
			return 0
		}
		d, err := ParseDuration(v)
		if err != nil {
			all = multierror.Append(all, fmt.Errorf("%s: %w", name, err))
		}
		return d
	}
	cfg := Config{
		AgentEndpoint:          required("MESOS_AGENT_ENDPOINT"),
		ExecutorID:             required("MESOS_EXECUTOR_ID"),
		FrameworkID:            required("MESOS_FRAMEWORK_ID"),
		Sandbox:                required("MESOS_SANDBOX"),
		Checkpoint:             getenv("MESOS_CHECKPOINT") == "1",
		RecoveryTimeout:        duration("MESOS_RECOVERY_TIMEOUT"),
		SubscriptionBackoffMax: duration("MESOS_SUBSCRIPTION_BACKOFF_MAX"),
		ShutdownGrace:          duration("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD"),
	}
	cfg.Token = getenv(tokenVariable)
	secure, problems := tlsFromEnviron(getenv, cfg.AgentEndpoint)
	cfg.TLS = secure
	all = multierror.Append(all, problems...)
	if all.ErrorOrNil() != nil {
		all.ErrorFormat = func(errs []error) string {
			return "environment: " + oneLine(errs) + "; an executor must be started by a Mesos agent"
		}
	}
	return cfg, all.ErrorOrNil()
}

// units are those that Mesos writes durations in.
var units = [...]struct {
	name string
	unit time.Duration
}{
	{"weeks", 7 * 24 * time.Hour}, {"days", 24 * time.Hour}, {"hrs", time.Hour}, {"mins", time.Minute}, {"secs", time.Second},
	{"ms", time.Millisecond}, {"us", time.Microsecond}, {"ns", time.Nanosecond},
}

// ParseDuration reads a duration as Mesos writes it: a decimal number and a unit, such as 15mins or 1.5secs.
func ParseDuration(s string) (time.Duration, error) {
	for _, u := range units {
		number, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		f, err := strconv.ParseFloat(number, 64)
		if err != nil || strings.ContainsAny(number, "xXpPeEiInN_+") {
			return 0, fmt.Errorf("duration %q: %q is not a decimal number", s, number)
		}
		if d := f * float64(u.unit); d >= 0 && d < math.MaxInt64 {
			return time.Duration(d), nil
		}
		return 0, fmt.Errorf("duration %q: it is negative or longer than 292 years", s)
	}
	return 0, fmt.Errorf("duration %q: it must end in one of ns, us, ms, secs, mins, hrs, days, weeks", s)
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field    *time.Duration
		fallback time.Duration
	}{
		{&c.RecoveryTimeout, DefaultRecoveryTimeout},
		{&c.SubscriptionBackoffMax, DefaultBackoffMax},
		{&c.ShutdownGrace, DefaultShutdownGrace},
	} {
		if *d.field == 0 {
			*d.field = d.fallback
		}
	}
	if c.Jitter == nil {
		c.Jitter = rand.Float64
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	var all *multierror.Error
	if host, port, err := net.SplitHostPort(c.AgentEndpoint); err != nil || host == "" || port == "" {
		all = multierror.Append(all, fmt.Errorf("agent endpoint %q is not host:port", c.AgentEndpoint))
	}
	if strings.ContainsFunc(c.Token, unicode.IsControl) || strings.ContainsRune(c.Token, ' ') {
		all = multierror.Append(all, errors.New("authentication token: has spaces or control characters")) // not what it is: it is a secret
	}
	if err := wire.ValidateID("executor id", c.ExecutorID); err != nil {
		all = multierror.Append(all, err)
	}
	if err := wire.ValidateID("framework id", c.FrameworkID); err != nil {
		all = multierror.Append(all, err)
	}
	if min(c.RecoveryTimeout, c.SubscriptionBackoffMax, c.ShutdownGrace) < 0 {
		all = multierror.Append(all, errors.New("recovery timeout, subscription backoff or shutdown grace is negative"))
	}
	if all != nil {
		all.ErrorFormat = oneLine
	}
	return all.ErrorOrNil()
}

func oneLine(errs []error) string {
	texts := make([]string, len(errs))
	for i, err := range errs {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}
