package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/internal/sandbox"
)

// replayCommand is what sandbox replay was asked for.
type replayCommand struct {
	Until string // time, or duration since the beginning, "" for all
	State bool
}

func newSandboxReplay(env environment) *cobra.Command {
	c := replayCommand{}
	cmd := &cobra.Command{
		Use:   "replay JOURNAL",
		Short: "Build the state of a sandbox again from its journal",
		Long: `Play the inputs of a journal (sandbox --journal) to a new model of a cluster, and compare what comes out of it with what came out then. No process
is started, and no time passes. With --until it stops at a moment, and with --state it prints what the master's GET_STATE would have answered then.
A journal whose sandbox was killed is good as far as it goes.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return c.run(args[0], env.Stdout) },
	}
	cmd.Flags().StringVar(&c.Until, "until", "", "moment at which to stop: a time such as 2026-11-22T17:00:03.5Z, or how long after the beginning, such as 90s (default: the end)")
	cmd.Flags().BoolVar(&c.State, "state", false, "print the state of the cluster at that moment, as JSON")
	return cmd
}

func (c *replayCommand) run(name string, out io.Writer) error {
	until, err := c.until(name)
	if err != nil {
		return err
	}
	done, err := replayFile(name, until)
	if err != nil {
		return err
	}
	for _, d := range done.Differences {
		if _, err := fmt.Fprintf(out, "%s:%d:\n  want %s\n  got  %s\n", name, d.Line, orNothing(d.Want), orNothing(d.Got)); err != nil {
			return err
		}
	}
	if len(done.Differences) > 0 {
		return fmt.Errorf("%s: what comes out is not what the journal says, from line %d on", name, done.Differences[0].Line)
	}
	if !c.State {
		_, err = fmt.Fprintf(out, "%d inputs in %v brought the same %d lines\n", done.Inputs, done.Ended.Sub(done.Began).Round(time.Millisecond), done.Lines)
		return err
	}
	if done.State == nil {
		return fmt.Errorf("%s: no master leads at %s", name, done.Ended.Format(time.RFC3339Nano))
	}
	_, err = fmt.Fprintf(out, "%s\n", done.State)
	return err
}

func replayFile(name string, until time.Time) (*sandbox.Replayed, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	done, err := sandbox.Replay(file, until)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return done, nil
}

// until is the moment to stop at, zero for none. A duration counts from the beginning of the journal.
func (c *replayCommand) until(name string) (time.Time, error) {
	if c.Until == "" {
		return time.Time{}, nil
	}
	if moment, err := time.Parse(time.RFC3339Nano, c.Until); err == nil {
		return moment, nil
	}
	after, err := time.ParseDuration(c.Until)
	if err != nil || after < 0 {
		return time.Time{}, fmt.Errorf("--until: %q: must be a time such as 2026-11-22T17:00:03.5Z, or a duration such as 90s", c.Until)
	}
	begun, err := replayFile(name, time.Unix(0, 1)) // nothing is that early
	if err != nil {
		return time.Time{}, err
	}
	return begun.Began.Add(after), nil
}

func orNothing(line string) string {
	if line == "" {
		return "(nothing)"
	}
	return line
}
