package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/cmd/internal/tree"
	"github.com/quobyte/mesos-framework/engine"
	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// errSilent ends the program with an exit code and no words.
var errSilent = errors.New("")

// errComplete ends a demo that was only to show that deploy completes.
var errComplete = errors.New("deploy is COMPLETE")

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

With --once it writes plain lines and ends: exit status 0 when deploy is COMPLETE, 5 when that takes longer than --timeout.`,
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
	return cmd
}

func runDemo(ctx context.Context, env environment, o demoOptions) (err error) {
	if o.Timeout <= 0 {
		return fmt.Errorf("--timeout: %s: must be more than 0", o.Timeout)
	}
	if err := o.cluster.validate(); err != nil {
		return err
	}
	if o.Once {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.Timeout, exitCode{exitTimeout, fmt.Errorf("deploy was not COMPLETE after %s", o.Timeout)})
		defer cancel()
	}
	if o.serve.Quobyte.Expect == nil {
		o.serve.Quobyte.Expect = map[string]int{"registry": min(3, o.cluster.Hosts), "metadata": min(3, o.cluster.Hosts), "data": o.cluster.Hosts}
	}
	fmt.Fprintf(env.Stdout, "starting a cluster of %d hosts …\n", o.cluster.Hosts)
	clusterLog := &lateWriter{}
	c, err := startCluster(ctx, o.cluster, slog.New(slog.NewTextHandler(clusterLog, nil)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	logPath := filepath.Join(c.dir, "demo.log")
	logFile, err := os.Create(logPath)
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	defer logFile.Close()
	clusterLog.to(logFile)

	o.serve.Masters = []string{c.MasterAddress()}
	o.serve.StateDir = filepath.Join(c.dir, "state")
	if err := commandSettings(&o.serve.Quobyte, c.dir, o.StartDelay); err != nil {
		return err
	}
	f, err := newFramework(ctx, o.serve, slog.New(slog.NewTextHandler(logFile, nil)))
	if err != nil {
		return err
	}
	return showDemo(ctx, env, o, c, f, logPath)
}

// showDemo runs the framework beside what the operator sees, and joins both.
func showDemo(ctx context.Context, env environment, o demoOptions, c *cluster, f *framework, logPath string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() { cancel(f.run(ctx)) })
	wg.Go(func() {
		if err := watchDeploy(ctx, env, o.Once, f.engine); err != nil {
			return // ctx ended
		}
		if o.Once {
			cancel(errComplete)
			return
		}
		printNext(env.Stdout, c, f, logPath)
	})
	wg.Wait()
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errComplete):
		_, err := fmt.Fprintln(env.Stdout, cause)
		return err
	case errors.Is(cause, context.Canceled):
		return nil
	default:
		return cause
	}
}

// watchDeploy shows the deploy plan until it is COMPLETE.
func watchDeploy(ctx context.Context, env environment, plain bool, e *engine.Engine) error {
	screen := tree.ScreenOf(env.Stdout, env.Getenv)
	if plain {
		screen.Size, screen.Colour = nil, false
	}
	frames := make(chan tree.Frame)
	var wg sync.WaitGroup
	var shown error
	wg.Go(func() { shown = tree.Live(ctx, screen, frames) })
	err := followDeploy(ctx, e, frames)
	close(frames)
	wg.Wait()
	return errors.Join(err, shown)
}

// followDeploy sends every view of the deploy plan until it is COMPLETE.
func followDeploy(ctx context.Context, e *engine.Engine, frames chan<- tree.Frame) error {
	for {
		view, next := e.View()
		if p, ok := planOf(view); ok {
			select {
			case frames <- tree.Frame{View: p}:
			case <-ctx.Done():
				return ctx.Err()
			}
			if p.Status == plans.Complete {
				return nil
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

func printNext(w io.Writer, c *cluster, f *framework, logPath string) {
	fmt.Fprintf(w, `
deploy is COMPLETE.

  API           %s/v1/plans/deploy
  Web console   %s
  Mesos master  http://%s/state
  Log           %s

Try in another terminal:

  bin/dcos-quobyte plan show deploy
  bin/dcos-quobyte pod list
  bin/dcos-quobyte plan show recovery     after killing a daemon: pkill -9 -nf standin

Ctrl-C ends everything.
`, f.url, webconsole(f.engine), c.MasterAddress(), logPath)
}

// webconsole is the address of the console's page, as the plan knows it.
func webconsole(e *engine.Engine) string {
	v, _ := e.View()
	for _, p := range v.Pods {
		if p.Type == "webconsole" {
			return fmt.Sprintf("http://%s:%d/", p.Host, defaultServeOptions().Quobyte.WebconsolePort)
		}
	}
	return "none"
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
