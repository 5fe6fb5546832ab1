package standin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Config says how to run a service; what the service is comes from its environment. The zero value is usable.
type Config struct {
	// Getenv looks up a variable of the environment; nil means os.Getenv.
	Getenv func(string) string
	// Stdout takes one line for every change of health; nil drops them.
	Stdout io.Writer
	// Logger takes diagnostics; nil drops them.
	Logger *slog.Logger
	// StartDelay passes before the RPC port opens and the service takes up its work; meanwhile /serviceHealth answers
	// 503 "starting". It makes a rollout slow enough to be watched. Zero: none.
	StartDelay time.Duration
	// Interval is the time between two pings of a registry, and between two calls of a service to the registries. A
	// process that is silent for four intervals counts as down. Zero means 500 ms.
	Interval time.Duration
}

const (
	defaultInterval = 500 * time.Millisecond
	shutdownGrace   = 300 * time.Millisecond // for requests under way when the context ends
)

// role is the work of a service, as the process around it sees it.
type role interface {
	run(ctx context.Context) error // until ctx ends
	handler() http.Handler         // of the RPC port; nil: none
	front() http.Handler           // of the port users talk to; nil: none
	health() string                // a one-line reason, "" when healthy
	facts() []fact
}

// fact is a line of the status page; with a metric it is also one of /prometheus.
type fact struct {
	label, text string
	metric      string
	value       float64
}

func (r *registry) front() http.Handler { return nil }

// Run is one service, from start to the end of ctx, which is no error. Before it opens a port it checks the
// environment, the devices and the mount point, and returns every problem of the environment at once.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Getenv == nil {
		cfg.Getenv = os.Getenv
	}
	if cfg.Stdout == nil {
		cfg.Stdout = io.Discard
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Interval == 0 {
		cfg.Interval = defaultInterval
	}
	if cfg.StartDelay < 0 || cfg.Interval < 0 {
		return fmt.Errorf("start delay %s, interval %s: want no negative duration", cfg.StartDelay, cfg.Interval)
	}
	settings, err := ParseSettings(cfg.Getenv)
	if err != nil {
		return err
	}
	p := &process{Config: cfg, settings: settings, began: time.Now()}
	p.Logger = cfg.Logger.With("service", settings.Service, "host", settings.Host.String())
	p.rpc = newRPCClient(2 * cfg.Interval)
	defer p.rpc.close()
	if p.role, err = p.newRole(); err != nil {
		return fmt.Errorf("%s: %w", settings.Service, err)
	}
	if err := p.run(ctx); err != nil {
		return fmt.Errorf("%s: %w", settings.Service, err)
	}
	return nil
}

// process is a service with its ports.
type process struct {
	Config
	settings Settings
	role     role
	rpc      *rpcClient
	began    time.Time
	started  atomic.Bool // the start delay is over and all ports are open
	stdout   sync.Mutex
}

func (p *process) run(ctx context.Context) error {
	status, err := p.listen("http", p.settings.httpAddress(), p.statusHandler())
	if err != nil {
		return err
	}
	return together(ctx, status, p.work, p.announce)
}

func (p *process) work(ctx context.Context) error {
	if p.StartDelay > 0 {
		delay := time.NewTimer(p.StartDelay)
		defer delay.Stop()
		if !wait(ctx, delay.C) {
			return nil
		}
	}
	rpc, err := p.listen("rpc", p.settings.rpcAddress(), p.rpcHandler())
	if err != nil {
		return err
	}
	front, err := p.listen(p.settings.Service, p.settings.frontAddress(), p.role.front())
	if err != nil {
		// The port that is open already is closed by a context that has ended.
		ended, cancel := context.WithCancel(ctx)
		cancel()
		return errors.Join(err, rpc(ended))
	}
	p.started.Store(true)
	return together(ctx, rpc, front, p.role.run)
}

func (p *process) health() string {
	if !p.started.Load() {
		return "starting"
	}
	return p.role.health()
}

// announce prints every change of health, as the log of a service would.
func (p *process) announce(ctx context.Context) error {
	ticker := time.NewTicker(p.Interval)
	defer ticker.Stop()
	for last := "unknown"; ; {
		if now := p.health(); now != last {
			last = now
			if now == "" {
				now = "healthy"
			}
			p.say(now)
		}
		if !wait(ctx, ticker.C) {
			p.say("stopped")
			return nil
		}
	}
}

func (p *process) say(text string) {
	p.stdout.Lock()
	defer p.stdout.Unlock()
	fmt.Fprintf(p.Stdout, "quobyte-%s %s: %s\n", p.settings.Service, p.settings.Host, text)
}

// listen opens a port and returns what serves it until a context ends. A service without that port serves nothing.
func (p *process) listen(name, address string, handler http.Handler) (func(context.Context) error, error) {
	if address == "" || handler == nil {
		return func(context.Context) error { return nil }, nil
	}
	listener, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s port %s is in use by another process; stop that or choose another port", name, address)
	}
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		return nil, fmt.Errorf("%s port %s: no interface of this host has that address; check HOST_IP", name, address)
	}
	if err != nil {
		return nil, fmt.Errorf("%s port %s: %w", name, address, dialReason(err))
	}
	p.say(name + " port " + address)
	return func(ctx context.Context) error { return p.serve(ctx, listener, handler) }, nil
}

func (p *process) serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ErrorLog:          slog.NewLogLogger(p.Logger.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("port %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if server.Shutdown(grace) != nil {
		server.Close() // the listener is closed already; this cuts the connections that are left
	}
	<-ended
	return nil
}
