package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/cmd/internal/tree"
	"github.com/quobyte/mesos-framework/plans"
)

// watchOptions are the flags of plan watch.
type watchOptions struct {
	json        bool
	timeout     time.Duration
	exitOnPause bool
}

func (c *command) planWatch() *cobra.Command {
	var o watchOptions
	cmd := &cobra.Command{
		Use: "watch PLAN", Short: "Follow a plan until it is COMPLETE or in ERROR",
		Long: `Follow a plan until it is COMPLETE (exit code 0) or in ERROR (2).

On a terminal the plan is redrawn as it changes. Elsewhere there is one line per change.`,
		Example: "  dcos-quobyte plan watch deploy --timeout 10m",
		Args:    arguments("PLAN"), ValidArgsFunction: c.completeElement(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.timeout < 0 {
				return fmt.Errorf("watch: --timeout %v: want a positive duration, or 0 for none", o.timeout)
			}
			return c.watch(cmd.Context(), args[0], o)
		},
	}
	jsonFlag(cmd, &o.json, "one JSON object per line for each change")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 0, "end with code 5 after this time, for instance 10m; 0: never")
	cmd.Flags().BoolVar(&o.exitOnPause, "exit-on-pause", false, "end with code 4 when the plan is WAITING")
	return cmd
}

// errOver ends a watch whose plan has come to an end.
var errOver = errors.New("the plan has come to an end")

// watch follows the plan and returns how it ended.
func (c *command) watch(ctx context.Context, plan string, o watchOptions) error {
	within := ctx
	if o.timeout > 0 {
		var cancel context.CancelFunc
		within, cancel = context.WithTimeout(ctx, o.timeout)
		defer cancel()
	}
	show := c.watchLive
	if o.json {
		show = c.watchJSON
	}
	last := plans.View{}
	err := show(within, plan, func(v plans.View) error {
		last = v
		if v.Status == plans.Complete || v.Status == plans.Error || o.exitOnPause && v.Status == plans.Waiting {
			return errOver
		}
		return nil
	})
	switch {
	case errors.Is(err, errOver):
		return outcome(last)
	case ctx.Err() != nil:
		return &codeError{code: exitInterrupted}
	case within.Err() != nil:
		return &codeError{exitTimeout, fmt.Errorf("plan %q: not COMPLETE after %v: %s", plan, o.timeout, summary(last))}
	}
	return err
}

// outcome says how a plan ended.
func outcome(v plans.View) error {
	switch v.Status {
	case plans.Error:
		return &codeError{exitFailed, fmt.Errorf("plan %q: %s", v.Name, summary(v))}
	case plans.Waiting:
		return &codeError{exitPaused, fmt.Errorf("plan %q: %s", v.Name, summary(v))}
	}
	return nil
}

// summary is the state of a plan and the reason for it, in one line.
func summary(v plans.View) string {
	if v.Name == "" {
		return "nothing was heard of it"
	}
	text := fmt.Sprintf("%s, %d of %d steps", v.Status, v.StepsDone, v.StepsTotal)
	switch {
	case len(v.Errors) > 0:
		return text + ": " + v.Errors[0]
	case len(v.Holds) > 0:
		return text + ": " + v.Holds[0].Text
	}
	return text
}

// watchJSON writes each view that follow is given as a line of JSON.
func (c *command) watchJSON(ctx context.Context, plan string, follow func(plans.View) error) error {
	cl, err := c.connect(func(err error, wait time.Duration) {
		fmt.Fprintf(c.env.Stderr, "%s: %s\n", program, lostNote(err, wait))
	})
	if err != nil {
		return err
	}
	e := json.NewEncoder(c.env.Stdout)
	e.SetEscapeHTML(false)
	return cl.Watch(ctx, plan, func(v plans.View) error {
		if err := e.Encode(v); err != nil {
			return err
		}
		return follow(v)
	})
}

func lostNote(err error, wait time.Duration) string {
	return fmt.Sprintf("%v; trying again in %v", err, wait)
}

// watchLive shows the views on the screen. The client works in a goroutine of its own, which ends before watchLive does.
func (c *command) watchLive(ctx context.Context, plan string, follow func(plans.View) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	frames := make(chan tree.Frame)
	send := func(f tree.Frame) {
		select {
		case frames <- f:
		case <-ctx.Done():
		}
	}
	var last plans.View // of the goroutine below
	cl, err := c.connect(func(err error, wait time.Duration) { send(tree.Frame{View: last, Note: lostNote(err, wait)}) })
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		defer close(frames)
		ended <- cl.Watch(ctx, plan, func(v plans.View) error {
			last = v
			send(tree.Frame{View: v})
			return follow(v)
		})
	}()
	// The frames end when the context does, so Live need not look at it and always shows the last one.
	live := tree.Live(context.WithoutCancel(ctx), c.screen(), frames)
	cancel()
	err = <-ended
	if live != nil {
		return live
	}
	return err
}
