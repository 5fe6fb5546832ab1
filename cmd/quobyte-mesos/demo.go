package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-multierror"
	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/cmd/internal/tree"
	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/internal/sandbox"
	"github.com/quobyte/mesos-framework/plans"
)

// errSilent ends the program with an exit code and no words.
var errSilent = errors.New("")

// What ends a demo that was only to show that deploy completes.
var (
	errComplete = errors.New("deploy is COMPLETE")
	errTimedOut = errors.New("timed out")
)

type demoOptions struct {
	cluster    clusterOptions
	serve      serveOptions
	Once       bool
	Timeout    time.Duration
	StartDelay time.Duration
}

func newDemo(env environment) *cobra.Command {
	o := demoOptions{serve: defaultServeOptions()}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Deploy Quobyte on an embedded cluster and show it",
		Long: `Deploy Quobyte on an embedded Mesos cluster, with stand-ins in place of the Quobyte image, and show the plan until it is interrupted. It needs
neither Mesos nor Docker nor root, and no process outlives it.

With --once it writes plain lines and ends: exit status 0 when deploy is COMPLETE, 5 when that takes longer than --timeout, 130 when it is
interrupted before.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), env, o) },
	}
	f := cmd.Flags()
	o.cluster.bind(f)
	f.BoolVar(&o.Once, "once", false, "end when deploy is COMPLETE; plain lines, no terminal needed")
	f.DurationVar(&o.Timeout, "timeout", 2*time.Minute, "with --once: the longest that it may take")
	f.DurationVar(&o.StartDelay, "start-delay", 2*time.Second, "time that each service takes to start, so that there is something to watch")
	f.StringVar(&o.serve.Listen, "listen", "127.0.0.1:7888", "address of the HTTP API")
	f.DurationVar(&o.serve.DiscoveryWindow, "discovery-window", 3*time.Second, "the rollout takes in hosts until none has come for so long")
	f.DurationVar(&o.serve.Quobyte.ProbeInterval, "probe-interval", time.Second, "time between two looks at a host")
	f.StringToIntVar(&o.serve.Quobyte.Expect, "expect", nil, "least number of hosts with a device of each type (default: what the cluster has)")
	tidyDefaults(f)
	return cmd
}

// check completes the options, and tells everything that is wrong with them, before anything is started.
func (o *demoOptions) check() error {
	var all *multierror.Error
	if o.Timeout <= 0 {
		all = multierror.Append(all, fmt.Errorf("--timeout: %s: must be more than 0", o.Timeout))
	}
	if o.StartDelay < 0 {
		all = multierror.Append(all, fmt.Errorf("--start-delay: %s: must not be less than 0", o.StartDelay))
	}
	all = multierror.Append(all, o.cluster.complete())
	if o.serve.Quobyte.Expect == nil {
		o.serve.Quobyte.Expect = o.cluster.expect()
	}
	// What the cluster will give is not known yet, and not the operator's.
	rest := o.serve
	rest.Masters, rest.StateDir = []string{sandbox.DefaultMasterAddress}, "state"
	if err := commandSettings(&rest.Quobyte, "/demo", o.StartDelay); err != nil {
		return err
	}
	return multierror.Append(all, rest.validate()).ErrorOrNil()
}

// demo is a demo at work.
type demo struct {
	env       environment
	options   demoOptions
	cluster   *cluster
	framework *framework
	logPath   string
}

func runDemo(ctx context.Context, env environment, o demoOptions) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	if o.Once {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.Timeout, errTimedOut)
		defer cancel()
	}
	first := ""
	if given := o.cluster.Dir; given != "" {
		if o.cluster.Dir, err = unused(given); err != nil {
			return err
		}
		if o.cluster.Dir != given {
			first = fmt.Sprintf("%s holds an earlier run, whose cluster is gone; beginning anew in %s\n", given, o.cluster.Dir)
		}
	}
	if _, err := fmt.Fprintf(env.Stdout, "%sstarting a cluster of %d hosts …\n", first, o.cluster.Hosts); err != nil {
		return err
	}
	d := &demo{env: env, options: o}
	clusterLog := &lateWriter{}
	if d.cluster, err = startCluster(ctx, o.cluster, slog.New(slog.NewTextHandler(clusterLog, nil))); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.cluster.close()) }()
	d.logPath = filepath.Join(d.cluster.dir, "demo.log")
	logFile, err := os.Create(d.logPath)
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	defer logFile.Close()
	clusterLog.to(logFile)
	return d.end(ctx, d.deploy(ctx, slog.New(slog.NewTextHandler(logFile, nil))))
}

// deploy runs the framework on the cluster until it has a reason not to.
func (d *demo) deploy(ctx context.Context, log *slog.Logger) error {
	o := d.options.serve
	o.Masters = []string{d.cluster.MasterAddress()}
	o.StateDir = filepath.Join(d.cluster.dir, "state")
	if err := commandSettings(&o.Quobyte, d.cluster.dir, d.options.StartDelay); err != nil {
		return err
	}
	o.Quobyte.ServerCommand += recognisable
	var err error
	if d.framework, err = newFramework(ctx, o, log); err != nil {
		return err
	}
	return d.show(ctx)
}

// unused returns dir unless an earlier run has used it, else a new directory in it. What a run leaves behind is about a cluster that is
// gone: the state names its tasks, and the registries' devices say that there are others.
func unused(dir string) (string, error) {
	entries, err := os.ReadDir(filepath.Join(dir, "state"))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return dir, nil
	}
	for n := 2; err == nil; n++ {
		next := filepath.Join(dir, fmt.Sprintf("run.%d", n))
		if err = os.Mkdir(next, 0o755); err == nil {
			return next, nil
		}
		if errors.Is(err, fs.ErrExist) {
			err = nil
		}
	}
	return "", fmt.Errorf("--dir: %w", err)
}

// show runs the framework beside what the operator sees, and joins both. It returns why they ended.
func (d *demo) show(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() { cancel(d.framework.run(ctx)) })
	wg.Go(func() {
		err := d.watchDeploy(ctx)
		switch {
		case err != nil:
			cancel(err)
		case d.options.Once:
			cancel(errComplete)
		default:
			if err := d.printNext(); err != nil {
				cancel(err)
			}
		}
	})
	wg.Wait()
	return context.Cause(ctx)
}

// end says what the end of a demo means. That it was interrupted or that its time was over explains every other error.
func (d *demo) end(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(err, errComplete):
		_, err := fmt.Fprintln(d.env.Stdout, errComplete)
		return err
	case cause == nil:
		return d.failed(err)
	case errors.Is(cause, errTimedOut):
		return exitCode{exitTimeout, d.failed(fmt.Errorf("deploy was not COMPLETE after %s: %s", d.options.Timeout, d.progress()))}
	case d.options.Once:
		return exitCode{exitInterrupted, fmt.Errorf("interrupted; deploy is not COMPLETE: %s", d.progress())}
	}
	return nil
}

// failed adds to an error where the log is. That of a temporary cluster is copied, since it is removed with the cluster.
func (d *demo) failed(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return err // nothing is wrong: who read it has seen enough
	}
	path := d.logPath
	if d.cluster.temporary {
		var kept error
		if path, kept = keep(path); kept != nil {
			return fmt.Errorf("%w\nthe log could not be kept: %w", err, kept)
		}
	}
	return fmt.Errorf("%w\nthe log is %s", err, path)
}

func keep(path string) (string, error) {
	from, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer from.Close()
	to, err := os.CreateTemp("", "quobyte-mesos-demo-*.log")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(to, from)
	return to.Name(), errors.Join(err, to.Close())
}

// progress says how far deploy is, and what it waits for.
func (d *demo) progress() string {
	if d.framework == nil {
		return "it had not begun"
	}
	v, _ := d.framework.engine.View()
	p, _ := planOf(v)
	return progressOf(p)
}

func progressOf(p plans.View) string {
	text := fmt.Sprintf("%d of %d steps", p.StepsDone, p.StepsTotal)
	if len(p.Holds) > 0 {
		text += "; " + p.Holds[0].Text
	}
	return text
}

// watchDeploy shows the deploy plan until it is COMPLETE.
func (d *demo) watchDeploy(ctx context.Context) error {
	screen := tree.ScreenOf(d.env.Stdout, d.env.Getenv)
	if d.options.Once {
		screen.Size, screen.Colour = nil, false
	}
	frames := make(chan tree.Frame)
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	var shown error
	wg.Go(func() {
		shown = tree.Live(watching, screen, frames)
		cancel() // without a reader nobody need follow
	})
	err := followDeploy(watching, d.framework.engine, d.options.Once, frames)
	close(frames)
	wg.Wait()
	if shown != nil && ctx.Err() == nil {
		return fmt.Errorf("standard output: %w", shown)
	}
	return err
}

// viewer is what has views: an engine.
type viewer interface {
	View() (*machine.View, <-chan struct{})
}

// followDeploy sends every view of the deploy plan until it is COMPLETE, or once and for all in ERROR.
func followDeploy(ctx context.Context, e viewer, once bool, frames chan<- tree.Frame) error {
	for {
		view, next := e.View()
		if p, ok := planOf(view); ok {
			select {
			case frames <- tree.Frame{View: p}:
			case <-ctx.Done():
				return ctx.Err()
			}
			switch {
			case p.Status == plans.Complete:
				return nil
			case p.Status == plans.Error && once:
				return exitCode{exitFailed, fmt.Errorf("deploy is in ERROR: %s", progressOf(p))}
			}
		}
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func planOf(v *machine.View) (plans.View, bool) {
	if v == nil {
		return plans.View{}, false
	}
	return v.Plan(machine.DeployPlan)
}

// lateWriter drops what is written before it knows where to.
type lateWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lateWriter) to(w io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.w = w
}

func (l *lateWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.w == nil {
		return len(p), nil
	}
	return l.w.Write(p)
}
