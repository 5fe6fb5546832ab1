package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/recorder"
	"github.com/quobyte/mesos-framework/quobyte"
)

// replayOptions are the flags of replay.
type replayOptions struct {
	Until string
	JSON  bool
	Quiet bool
	State bool
}

func newReplay(env environment) *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay FILE|DIR",
		Short: "Decide again what serve --record has recorded, and show it",
		Long: `Rebuild the state of the framework from a recording of serve --record, step by step, and show what came in and what was decided. A file is
replayed alone, a directory from its oldest file on. Nothing is contacted or changed.

Every decision is compared with what was recorded of it, and the whole state now and then. When something differs the replay ends there, with
exit status 15. A line that is torn at the end of a file, because the framework was killed, is left out, and told.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), env, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&o.Until, "until", "", "replay decisions up to this time only, such as 2026-11-25T10:00:00Z")
	f.BoolVar(&o.JSON, "json", false, "print JSON, an object in a line for each file, decision and the end")
	f.BoolVar(&o.Quiet, "quiet", false, "print no decisions, only the end")
	f.BoolVar(&o.State, "state", false, "print the whole state at the end, too")
	return cmd
}

// account is what a replay prints. There is one for people and one for programs.
type account interface {
	segment(file string, s recorder.Segment) error
	decision(recorder.Decision) error
	state(machine.Snapshot) error
	end(recorder.Outcome, error) error
}

func (o replayOptions) run(ctx context.Context, env environment, path string) error {
	until, err := o.until()
	if err != nil {
		return err
	}
	files, err := recorder.Files(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(env.Stdout)
	var to account = &replayText{out: out}
	if o.JSON {
		to = &replayJSON{out: json.NewEncoder(out)}
	}
	err = o.play(ctx, env.Stderr, to, files, until)
	if flushed := out.Flush(); flushed != nil {
		return flushed
	}
	var differs *recorder.Difference
	if errors.As(err, &differs) {
		return exitCode{exitDiffers, err}
	}
	return err
}

func (o replayOptions) until() (time.Time, error) {
	if o.Until == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, o.Until)
	if err != nil {
		return t, fmt.Errorf("--until: %q: must be a time with its zone, such as 2026-11-25T10:00:00Z", o.Until)
	}
	return t, nil
}

func (o replayOptions) play(ctx context.Context, stderr io.Writer, to account, files []string, until time.Time) error {
	var failed error // of printing
	warned := map[string]bool{version(): true}
	note := func(text string) { fmt.Fprintf(stderr, "quobyte-mesos: note: %s\n", text) }
	p := recorder.Player{
		Until: until, Note: note, Service: recordedService,
		Segment: func(file string, s recorder.Segment) {
			if !warned[s.Version] {
				warned[s.Version] = true
				note(fmt.Sprintf("%s: recorded by another version, which may have decided otherwise: %s; this is %s", file, s.Version, version()))
			}
			if !o.Quiet {
				failed = errors.Join(failed, to.segment(filepath.Base(file), s))
			}
		},
		Decision: func(d recorder.Decision) error {
			if failed != nil || ctx.Err() != nil {
				return errors.Join(failed, ctx.Err())
			}
			if o.Quiet {
				return nil
			}
			return to.decision(d)
		},
	}
	outcome, err := p.Play(files)
	if errors.Is(err, context.Canceled) {
		return exitCode{exitInterrupted, errors.New("interrupted")}
	}
	if o.State {
		failed = errors.Join(failed, to.state(outcome.Snapshot))
	}
	if failed == nil {
		failed = to.end(outcome, err)
	}
	if err != nil {
		return err
	}
	return failed
}

// recordedService is Quobyte as its settings were when a segment was recorded. Those that the version which recorded did not
// know have their defaults.
func recordedService(s recorder.Segment) (machine.Service, error) {
	settings := quobyte.DefaultSettings()
	// Are not to be mixed with what was recorded.
	settings.Resources, settings.ExtraRAM, settings.Constraints, settings.Expect, settings.MaxUnavailable, settings.Settle = nil, nil, nil, nil, nil, nil
	if err := json.Unmarshal(s.Settings, &settings); err != nil {
		return nil, err
	}
	service, err := quobyte.New(settings)
	if err != nil {
		return nil, errors.New(strings.Join(problems(err), "; "))
	}
	return service, nil
}
