package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/cmd/internal/tree"
	"github.com/quobyte/mesos-framework/engine"
	"github.com/quobyte/mesos-framework/engine/api"
	"github.com/quobyte/mesos-framework/engine/backup"
	"github.com/quobyte/mesos-framework/engine/leader"
	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/engine/store"
	"github.com/quobyte/mesos-framework/plans"
	"github.com/quobyte/mesos-framework/quobyte"
)

// garbagePercent is how much garbage there may be, as a part of what is alive, before it is collected. With Go's own 100 a framework of 10,000 hosts takes
// 400 MB in place of 300, and takes in a tenth more offers in a second. GOGC overrides it.
const garbagePercent = 40

func newServe(env environment) *cobra.Command {
	o := defaultServeOptions()
	cmd := &cobra.Command{
		Use:   "serve --master HOST:PORT {--state-dir DIR | --zk zk://HOST:PORT/PATH}",
		Short: "Run the framework",
		Long: `Run the framework: subscribe to a Mesos master, deploy Quobyte, and serve the HTTP API.

Flags may also come from the environment (QUOBYTE_MESOS_STATE_DIR for --state-dir) and from the file named by --config; the command line
wins over the environment, and that over the file. Names may be written with dashes or, as the predecessor did, with underscores.

It stops on SIGINT, SIGTERM or SIGHUP; the pods run on, and it takes them up again when it is started with the same --state-dir.

With --zk the state is in ZooKeeper, and several instances may run: one leads, the others stand by, redirect to the leader, and one of them takes over when
that is gone. An instance that has led and may not any more ends with exit status 14; start it again, and it stands by.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd, env); err != nil {
				return err
			}
			level, err := o.level()
			if err != nil {
				return err
			}
			if env.Getenv("GOGC") == "" {
				debug.SetGCPercent(garbagePercent)
			}
			log := slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: level}))
			f, err := newFramework(cmd.Context(), o, log)
			if err != nil {
				return err
			}
			for _, w := range o.Quobyte.Warnings() {
				log.Warn("settings", "warning", w)
			}
			log.Info("serving", "api", f.url, "state", o.statePlace(), "version", version())
			return f.run(cmd.Context())
		},
	}
	o.bind(cmd.Flags())
	tidyDefaults(cmd.Flags())
	o.refused.tolerate(cmd)
	return cmd
}

// idleTimeout is how long a connection to the API on which nothing is asked is kept.
const idleTimeout = 2 * time.Minute

// framework is everything that serve runs: state, session, engine, API.
type framework struct {
	options serveOptions
	url     string
	session *mesos.Session
	// registration is what Mesos is told about the framework.
	registration mesos.Framework
	service      machine.Service
	server       *http.Server
	listener     net.Listener
	log          *slog.Logger

	// handler is that of the API; there is none before the state is open.
	handler  atomic.Pointer[http.Handler]
	election atomic.Pointer[leader.Election] // with --zk
	unheard  atomic.Pointer[string]          // with --zk: why the instance is no candidate; nil if it is one, or was not asked yet

	// Set by open.
	engine *engine.Engine
	store  store.Store
}

// newFramework checks everything that can be wrong before anything is done: flags, port, state. State in ZooKeeper may be another's; it
// is opened when run has won the election.
func newFramework(ctx context.Context, o serveOptions, log *slog.Logger) (f *framework, err error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	o.FrameworkPrincipal = o.Mesos.principal(o.FrameworkPrincipal)
	listener, err := listen(o.Listen)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			listener.Close()
		}
	}()
	if o.Quobyte.FrameworkURL == "" {
		o.Quobyte.FrameworkURL = reachableURL(listener, mesos.Addresses(o.Masters))
	}
	o.Quobyte.Role = o.FrameworkRole
	service, err := quobyte.New(o.Quobyte)
	if err != nil {
		return nil, err
	}
	f = &framework{options: o, url: "http://" + browsable(listener), service: service, listener: listener, log: log}
	cfg := mesosConfig(o, log)
	if err := o.Mesos.complete(&cfg); err != nil {
		return nil, err
	}
	cfg.Framework.Roles = withRoles(cfg.Framework.Roles, o.Quobyte.PreReservedRoles)
	if o.ZooKeeper != "" {
		cfg.Dial = f.dialFenced
	}
	if f.session, err = mesos.New(cfg); err != nil {
		return nil, err
	}
	f.registration = cfg.Framework
	f.server = &http.Server{
		Handler: f, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: idleTimeout, // no ReadTimeout: it would end streams
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	if o.ZooKeeper == "" {
		if err = f.open(ctx); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// open opens the state, and makes of it the engine and the API.
func (f *framework) open(ctx context.Context) (err error) {
	state, err := f.openStore(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			state.Close()
		}
	}()
	record, err := newRecorder(f.options.Record, f.options.Quobyte, f.log)
	if err != nil {
		return err
	}
	e, err := engine.New(ctx, engine.Config{
		Machine: machine.Config{
			DiscoveryWindow: f.options.DiscoveryWindow, ScoutPatience: f.options.ScoutPatience, Principal: f.options.FrameworkPrincipal,
			IgnoreLeftovers: f.options.IgnoreLeftovers, NoNewHosts: f.options.NewHosts == "off",
			NoOfferConstraints: f.options.OfferConstraints == "off", SilentOperations: f.options.OperationFeedback == "off",
		},
		Service: f.service, Store: state, Session: f.session, Recorder: record, Logger: f.log, Fence: f.fence(),
	})
	if err != nil {
		return f.unusable(ctx, state, err)
	}
	if err := f.mayRegister(e.Registered(), e.Claimed()); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("own binary, which hosts fetch as the prober: %w", err)
	}
	handler := api.New(api.Config{
		Backend: e, Artifacts: map[string]string{quobyte.Artifact: self}, Build: version(), Logger: f.log,
		Export: func(ctx context.Context) (backup.File, error) { return f.export(ctx, e) },
		Metrics: func() []api.Metric {
			return slices.Concat(sessionMetrics(f.session.Stats()), loopMetrics(e.Stats()), processMetrics())
		},
	})
	f.engine, f.store = e, state
	f.handler.Store(&handler)
	return nil
}

// export is the state as a file, as state export writes it.
func (f *framework) export(ctx context.Context, e *engine.Engine) (backup.File, error) {
	records, err := e.Records(ctx)
	return backup.New(exportHead(f.options.Quobyte.Name, f.options.statePlace()), records), err
}

// unusable says why a state can't be used, if there is more to say than that a record is not understood.
func (f *framework) unusable(ctx context.Context, state store.Store, err error) error {
	records, _ := state.Load(ctx)
	if slices.ContainsFunc(records, func(r machine.Record) bool { return r.Key == store.IncompleteKey }) {
		return exitCode{exitState, fmt.Errorf("state in %s: an import or a reset of it did not come to its end; repeat it with quobyte-mesos state", f.options.statePlace())}
	}
	return err
}

func (f *framework) openStore(ctx context.Context) (store.Store, error) {
	if f.options.ZooKeeper == "" {
		return store.OpenBolt(f.options.StateDir)
	}
	at, err := f.options.stateNode(f.log)
	if err != nil {
		return nil, err
	}
	at.Owner = f.options.advertised()
	return store.OpenZooKeeper(ctx, at)
}

func mesosConfig(o serveOptions, log *slog.Logger) mesos.Config {
	hostname, _ := os.Hostname()
	return mesos.Config{
		Masters: o.Masters,
		Framework: mesos.Framework{
			User: o.FrameworkUser, Name: o.Quobyte.Name, Roles: []string{o.FrameworkRole}, Principal: o.FrameworkPrincipal,
			FailoverTimeout: o.FailoverTimeout, Checkpoint: true, Hostname: hostname, WebUIURL: o.Quobyte.FrameworkURL,
		},
		HostKeyAttribute: o.HostKeyAttribute,
		BesideNamesakes:  o.IgnoreLeftovers,
		ServiceLabel:     quobyte.ServiceLabel,
		Logger:           log,
	}
}

// withRoles adds the roles of whose resources pods are to be made, by pod type, as far as they are not there.
func withRoles(roles []string, podTypes map[string]string) []string {
	for _, t := range slices.Sorted(maps.Keys(podTypes)) {
		if role := podTypes[t]; role != "" && !slices.Contains(roles, role) {
			roles = append(slices.Clip(roles), role)
		}
	}
	return roles
}

// run works until ctx ends (nil) or the framework can't go on. It starts the goroutines of the framework and joins them.
func (f *framework) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		if f.options.ZooKeeper != "" {
			cancel(f.lead(ctx))
			return
		}
		cancel(f.work(ctx))
	})
	wg.Go(func() {
		f.server.BaseContext = func(net.Listener) context.Context { return ctx }
		if err := f.server.Serve(f.listener); !errors.Is(err, http.ErrServerClosed) {
			cancel(fmt.Errorf("http api: %w", err))
		}
	})
	<-ctx.Done()
	f.server.Close() // streams never end by themselves
	wg.Wait()
	if f.store != nil {
		if err := f.store.Close(); err != nil {
			return err
		}
	}
	if e := f.election.Load(); e != nil {
		e.Leave() // after the state is closed: the next one may open it now
	}
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, context.Canceled):
		return nil
	case errors.Is(cause, mesos.ErrRemoved):
		return exitCode{exitRemoved, fmt.Errorf("%w (all that is stored is in %s)", cause, f.options.stateAdvice())}
	case errors.Is(cause, mesos.ErrRefused):
		return exitCode{exitSettings, cause}
	case errors.Is(cause, mesos.ErrNamesake):
		return exitCode{exitRefused, fmt.Errorf("%w; or begin anew beside it with --ignore-leftovers", cause)}
	case deposed(cause, f.options.ZooKeeper != ""):
		return exitCode{exitDeposed, fmt.Errorf("standing down: %w", cause)}
	case errors.Is(cause, mesos.ErrFailedOver):
		return exitCode{exitTakenOver, fmt.Errorf("standing down: %w (this one's state is in %s: find out which of them has the newer one, and let only that run)", cause, f.options.statePlace())}
	default:
		return cause
	}
}

// work runs the engine, and tells what it does.
func (f *framework) work(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { cancel(f.engine.Run(ctx)) })
	wg.Go(func() { f.logProgress(ctx) })
	if f.options.ZooKeeper == "" {
		wg.Go(func() { watchState(ctx, store.File(f.options.StateDir), stateWatch, func() { f.tellStateIsGone() }) })
	}
	wg.Wait()
	return context.Cause(ctx)
}

// logProgress tells in the log what the plans do, in the words of plan watch, and what the deploy plan warns of.
func (f *framework) logProgress(ctx context.Context) {
	lines := map[string]*tree.Lines{}
	var warned []plans.Hold
	for {
		view, next := f.engine.View()
		if view != nil {
			deploy, _ := view.Plan(machine.DeployPlan)
			for _, w := range newWarnings(warned, deploy.Warnings) {
				if w.Code == plans.CodeDisconnected {
					continue // so it begins, and the session tells more of it
				}
				f.log.Warn("warning", "plan", deploy.Name, "code", w.Code, "about", w.Subject, "text", w.Text)
			}
			warned = deploy.Warnings
			for _, p := range view.Plans {
				if lines[p.Name] == nil {
					lines[p.Name] = &tree.Lines{}
				}
				for _, l := range lines[p.Name].Next(p, view.At) {
					_, l, _ = strings.Cut(l, "  ") // the log has a clock of its own
					f.log.Info("plan", "plan", p.Name, "progress", l)
				}
			}
		}
		select {
		case <-next:
		case <-ctx.Done():
			return
		}
	}
}

// newWarnings are those of now that were not among those before. One that ended and comes again is new.
func newWarnings(before, now []plans.Hold) []plans.Hold {
	same := func(a, b plans.Hold) bool { return a.Code == b.Code && a.Subject == b.Subject && a.Text == b.Text }
	var out []plans.Hold
	for i, w := range now {
		known := func(o plans.Hold) bool { return same(o, w) }
		if !slices.ContainsFunc(before, known) && !slices.ContainsFunc(now[:i], known) {
			out = append(out, w)
		}
	}
	return out
}

func listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("--listen %s: the port is in use; stop what listens there, or give another address", address)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("--listen %s: not permitted; ports below 1024 need privileges", address)
	}
	return nil, fmt.Errorf("--listen %s: %w; give host:port", address, errors.Unwrap(err))
}

// reachableURL guesses where hosts reach the framework: at the address that is bound if it is one, otherwise at the address from
// which this machine talks to the master.
func reachableURL(l net.Listener, masters []string) string {
	host, port, _ := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
		return "http://" + net.JoinHostPort(host, port)
	}
	for _, m := range masters {
		if local := localAddress(m); local != "" {
			return "http://" + net.JoinHostPort(local, port)
		}
	}
	if name, err := os.Hostname(); err == nil {
		return "http://" + net.JoinHostPort(name, port)
	}
	return "http://" + net.JoinHostPort("127.0.0.1", port)
}

// localAddress is the source address of packets to the master. Connecting a UDP socket sends nothing.
func localAddress(master string) string {
	_, rest, found := strings.Cut(master, "://")
	if !found {
		rest = master
	}
	c, err := net.Dial("udp", strings.TrimSuffix(rest, "/"))
	if err != nil {
		return ""
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).IP.String()
}

// browsable is the listener's address as a person on this machine can use it.
func browsable(l net.Listener) string {
	host, port, _ := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
