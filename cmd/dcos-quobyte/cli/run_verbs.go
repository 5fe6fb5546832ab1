package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/engine/api/client"
)

func (c *command) planStart() *cobra.Command {
	cmd := c.wholePlan("start", "Begin a new run of a plan that has none at work", "started", (*client.Client).Start)
	cmd.Long = `Begin a new run of a plan that has none at work: one that was stopped, or is COMPLETE.

Its members are searched for, and what is not as the settings want it is done. Runs for newcomers and for settings that have changed begin by
themselves, unless the last run was stopped.`
	return cmd
}

func (c *command) planStop() *cobra.Command {
	cmd := c.wholePlan("stop", "End the run of a plan; what runs is left alone", "stopped", (*client.Client).Stop)
	cmd.Long = `End the run of a plan. What runs is left alone, and what the run has stopped itself is brought back by recovery.

Nothing begins any more until the plan is started, or the settings change: to hold a run and go on with it later, pause it.`
	return cmd
}

// wholePlan makes a command that is about a whole plan.
func (c *command) wholePlan(name, short, done string, do func(cl *client.Client, ctx context.Context, plan string, note client.Note) (string, error)) *cobra.Command {
	var note client.Note
	cmd := &cobra.Command{
		Use: name + " PLAN", Short: short, Args: arguments("PLAN"), ValidArgsFunction: c.completeElement(1), PreRunE: checkNote,
		Example: fmt.Sprintf("  dcos-quobyte plan %s deploy", name),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.connect(nil)
			if err != nil {
				return err
			}
			detail, err := do(cl, cmd.Context(), args[0], note)
			if err != nil {
				return err
			}
			return c.tell(client.Element{Plan: args[0]}, done, detail)
		},
	}
	noteFlags(cmd, &note)
	return cmd
}

func (c *command) planRestart() *cobra.Command {
	force, yes := false, false
	cmd := c.planVerb(&planVerb{
		name: "restart", alias: "force-restart", done: "restarted", short: "Do a plan, phase or step again: running pods are restarted, one after the other",
		do: func(ctx context.Context, cl *client.Client, at client.Element, note client.Note) (string, error) {
			if force && strings.TrimSpace(note.Reason) == "" {
				return "", errors.New("restart: --reason is missing; with --force pods are stopped whatever that costs, so say why, for others to see")
			}
			if force && !yes {
				if err := c.confirmRestart(ctx, cl, at, &note); err != nil {
					return "", err
				}
			}
			return cl.Restart(ctx, at, force, note)
		},
	})
	cmd.Long = `Do a plan, phase or step again. If its run is COMPLETE, that is done in a new one.

Pods that run are stopped and started again: as many at once as their budget allows, of registries, metadata and data services only with the
quorum's consent, none before the last one is ready and has stayed so for a while, and none that would not fit anew. plan show says what each one
waits for; plan pause holds those that have not begun.

With --force neither budget nor quorum is asked. It is for what can't be had otherwise: a system with a single registry, for instance, has no
quorum without it. What the pods serve is unavailable until they are back.`
	cmd.Example = "  dcos-quobyte plan restart deploy registry\n  dcos-quobyte plan restart deploy registry 'registry-0:[server]' --force --reason 'the only registry'"
	cmd.Flags().BoolVar(&force, "force", false, "do not ask budget and quorum; takes a reason")
	yesFlag(cmd, &yes)
	return cmd
}

// confirmRestart asks whether pods shall be stopped whatever that costs. What is confirmed holds for the plan as it was looked at.
func (c *command) confirmRestart(ctx context.Context, cl *client.Client, at client.Element, note *client.Note) error {
	if !c.asks() {
		return fmt.Errorf("restart: pods of %s would be stopped without asking budget and quorum; there is no terminal to confirm that on, so give --yes", subject(at))
	}
	v, err := cl.Plan(ctx, at.Plan)
	if err != nil {
		return err
	}
	if note.Revision == "" {
		note.Revision = v.Revision
	}
	return c.confirm(ctx,
		fmt.Sprintf("%s: %s", subject(at), state(v, at)),
		"Restarted by force, its pods are stopped whatever budget and quorum say: what they serve is unavailable until they are back.",
	)
}
