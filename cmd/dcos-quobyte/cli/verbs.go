package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/cmd/internal/tree"
	"github.com/quobyte/mesos-framework/engine/api/client"
	"github.com/quobyte/mesos-framework/plans"
)

func (c *command) planPause() *cobra.Command {
	when := choice{words: []plans.When{plans.PauseNow, plans.PauseAfterSteps, plans.PauseAfterPhase}}
	cmd := c.planVerb(&planVerb{
		name: "pause", alias: "interrupt", done: "paused", short: "Begin no new step of a plan, phase or step; what runs goes on",
		do: func(ctx context.Context, cl *client.Client, at client.Element, note client.Note) (string, error) {
			return cl.Pause(ctx, at, when.value, note)
		},
	})
	cmd.Flags().Var(&when, "when", "how soon: now, after-steps (steps that have begun come to their end) or after-phase (phases too)")
	cmd.RegisterFlagCompletionFunc("when", cobra.FixedCompletions(when.completions(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (c *command) planResume() *cobra.Command {
	cmd := c.planVerb(&planVerb{
		name: "resume", alias: "continue", done: "resumed", short: "Go on with what is paused, is at a breakpoint, or is a canary",
		do: func(ctx context.Context, cl *client.Client, at client.Element, note client.Note) (string, error) {
			return cl.Resume(ctx, at, note)
		},
	})
	cmd.Long = `Go on with a plan, phase or step: the first of these that there is.

  - a pause of just this element is taken back
  - a run that paused itself goes on (name the plan)
  - a breakpoint that is reached is passed
  - of a canary, the next step begins; when as many have begun as there are canaries, so do the others (name the phase)`
	return cmd
}

func (c *command) planForceComplete() *cobra.Command {
	yes := false
	cmd := c.planVerb(&planVerb{
		name: "force-complete", alias: "force", done: "forced to complete", short: "Let a plan, phase or step count as COMPLETE, whatever its pods do",
		do: func(ctx context.Context, cl *client.Client, at client.Element, note client.Note) (string, error) {
			if !yes {
				if err := c.confirmForce(ctx, cl, at, &note); err != nil {
					return "", err
				}
			}
			return cl.ForceComplete(ctx, at, note)
		},
	})
	cmd.Long = `Let a plan, phase or step count as COMPLETE in the plan's present run, whatever its pods do.

What waits for it begins. Nothing is stopped, and nothing makes sure that its pods run: those that the plan had begun are left to
recovery, others to the plan's next run. Use it for a step that can't become COMPLETE, for instance because its host has died; to
leave a dead pod alone for good, and in all plans, except it (pod except).`
	yesFlag(cmd, &yes)
	return cmd
}

// confirmForce asks whether an element, as it is shown, shall count as COMPLETE. What is confirmed holds for the plan as it was looked at.
func (c *command) confirmForce(ctx context.Context, cl *client.Client, at client.Element, note *client.Note) error {
	if !c.asks() {
		return fmt.Errorf("force-complete: %s would count as COMPLETE whatever its pods do; there is no terminal to confirm that on, so give --yes", subject(at))
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
		fmt.Sprintf("Force-completed, it counts as COMPLETE in run %d whatever its pods do, and what waits for it begins.", v.Run.Number),
	)
}

// subject leads to an element in words.
func subject(at client.Element) string {
	text := fmt.Sprintf("plan %q", at.Plan)
	if at.Phase != "" {
		text += fmt.Sprintf(": phase %q", at.Phase)
	}
	if at.Step != "" {
		text += fmt.Sprintf(": step %q", at.Step)
	}
	return text
}

// state is what an element of a plan is, and why; of one that the view does not have the server will say so.
func state(v plans.View, at client.Element) string {
	if at.Phase == "" {
		return summary(v)
	}
	for _, p := range v.Phases {
		if p.Name != at.Phase && p.ID.String() != at.Phase {
			continue
		}
		if at.Step == "" {
			return fmt.Sprintf("%s, %d of %d steps", p.Status, p.StepsDone, len(p.Steps)-p.Newcomers)
		}
		for _, s := range p.Steps {
			if s.Name == at.Step || s.ID.String() == at.Step {
				return s.Message
			}
		}
	}
	return "not shown by the plan"
}

// planVerb is a command that says something to a plan, a phase or a step.
type planVerb struct {
	name, alias, short string
	done               string // the SDK's word for what was done
	do                 func(ctx context.Context, cl *client.Client, at client.Element, note client.Note) (string, error)
}

func (c *command) planVerb(verb *planVerb) *cobra.Command {
	var note client.Note
	cmd := &cobra.Command{
		Use: verb.name + " PLAN [PHASE [STEP]]", Aliases: []string{verb.alias}, Short: verb.short,
		Example: fmt.Sprintf("  dcos-quobyte plan %s deploy data", verb.name),
		Args:    arguments("PLAN", "[PHASE]", "[STEP]"), ValidArgsFunction: c.completeElement(3),
		PreRunE: checkNote,
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.connect(nil)
			if err != nil {
				return err
			}
			at := elementOf(args)
			detail, err := verb.do(cmd.Context(), cl, at, note)
			if err != nil {
				return err
			}
			return c.tell(at, verb.done, detail)
		},
	}
	noteFlags(cmd, &note)
	return cmd
}

func elementOf(args []string) client.Element {
	at := client.Element{Plan: args[0]}
	if len(args) > 1 {
		at.Phase = args[1]
	}
	if len(args) > 2 {
		at.Step = args[2]
	}
	return at
}

// tell says what was done: in the words of the SDK's CLI if the server says no more than those.
func (c *command) tell(at client.Element, done, detail string) error {
	what := ""
	switch {
	case detail != "" && !strings.HasSuffix(detail, ": "+done):
		return c.print(tree.OneLine(detail) + "\n")
	case at.Step != "":
		what = fmt.Sprintf(": step %q in phase %q", at.Step, at.Phase)
	case at.Phase != "":
		what = fmt.Sprintf(": phase %q", at.Phase)
	}
	return c.print(fmt.Sprintf("%q plan%s has been %s.\n", at.Plan, what, done))
}

func (c *command) planBreak() *cobra.Command {
	return c.breakpoint("break", "Pause a plan beforehand: before or after a phase, or after each of its batches", "given a breakpoint", (*client.Client).Break)
}

func (c *command) planUnbreak() *cobra.Command {
	return c.breakpoint("unbreak", "Take a breakpoint away", "relieved of a breakpoint", (*client.Client).Unbreak)
}

// breakpoint makes a command that is about a breakpoint.
func (c *command) breakpoint(
	name, short, done string, do func(cl *client.Client, ctx context.Context, plan, phase string, at plans.When, note client.Note) (string, error),
) *cobra.Command {
	var note client.Note
	var before, after, afterBatch bool
	cmd := &cobra.Command{
		Use: name + " PLAN PHASE --before|--after|--after-batch", Short: short, DisableFlagsInUseLine: true,
		Example: fmt.Sprintf("  dcos-quobyte plan %s deploy data --before", name),
		Args:    arguments("PLAN", "PHASE"), ValidArgsFunction: c.completeElement(2),
		PreRunE: checkNote,
		RunE: func(cmd *cobra.Command, args []string) error {
			var at []plans.When
			for _, f := range []struct {
				set  bool
				when plans.When
			}{{before, plans.BeforePhase}, {after, plans.AfterPhase}, {afterBatch, plans.AfterBatch}} {
				if f.set {
					at = append(at, f.when)
				}
			}
			if len(at) != 1 {
				return fmt.Errorf("%s: want one of --before, --after and --after-batch, have %d", name, len(at))
			}
			cl, err := c.connect(nil)
			if err != nil {
				return err
			}
			detail, err := do(cl, cmd.Context(), args[0], args[1], at[0], note)
			if err != nil {
				return err
			}
			return c.tell(client.Element{Plan: args[0], Phase: args[1]}, done, detail)
		},
	}
	cmd.Flags().BoolVar(&before, "before", false, "before the phase begins")
	cmd.Flags().BoolVar(&after, "after", false, "after the phase, before what waits for it begins")
	cmd.Flags().BoolVar(&afterBatch, "after-batch", false, "after each of its batches, which in a serial phase are its steps")
	noteFlags(cmd, &note)
	return cmd
}

func (c *command) podExcept() *cobra.Command {
	var reason string
	var force, yes bool
	cmd := c.podVerb("except", "Leave a pod that is dead out of all plans", "excepted", func(ctx context.Context, cl *client.Client, pod string) (string, error) {
		if strings.TrimSpace(reason) == "" {
			return "", errors.New("except: --reason is missing; say why the pod is given up, for others to see")
		}
		if !yes {
			if err := c.confirmExcept(ctx, pod, force); err != nil {
				return "", err
			}
		}
		return cl.Except(ctx, pod, reason, force)
	})
	cmd.Long = `Leave a pod that is dead out of all plans, until it is included again (pod include).

Its steps count as COMPLETE and recovery leaves it alone. Only a pod that is down can be excepted. Nothing is stopped or erased.`
	cmd.Example = "  dcos-quobyte pod except data-3 --reason 'host burnt down'"
	cmd.Flags().StringVar(&reason, "reason", "", "why, for others to see; required")
	cmd.Flags().BoolVar(&force, "force", false, "do not ask the service whether it can do without the pod")
	yesFlag(cmd, &yes)
	return cmd
}

func (c *command) confirmExcept(ctx context.Context, pod string, force bool) error {
	if !c.asks() {
		return fmt.Errorf("except: pod %q would have no part in plans any more; there is no terminal to confirm that on, so give --yes", pod)
	}
	meaning := []string{
		fmt.Sprintf("Excepted, pod %q is left out of all plans until it is included again: its steps count as COMPLETE, and recovery leaves it alone.", pod),
	}
	if force {
		meaning = append(meaning, "With --force the service is not asked whether it can do without the pod.")
	}
	return c.confirm(ctx, meaning...)
}

func (c *command) podInclude() *cobra.Command {
	reason := ""
	cmd := c.podVerb("include", "Take a pod that was excepted into all plans again", "included", func(ctx context.Context, cl *client.Client, pod string) (string, error) {
		return cl.Include(ctx, pod, reason)
	})
	cmd.Flags().StringVar(&reason, "reason", "", "why, for others to see")
	return cmd
}

func (c *command) podMarkGone() *cobra.Command {
	reason, yes := "", false
	cmd := c.podVerb("mark-gone", "Take a pod's task for gone, of which Mesos can't say whether it runs", "marked gone",
		func(ctx context.Context, cl *client.Client, pod string) (string, error) {
			if strings.TrimSpace(reason) == "" {
				return "", errors.New("mark-gone: --reason is missing; say why its task is certainly gone, for others to see")
			}
			if !yes {
				if err := c.confirmMarkGone(ctx, cl, pod); err != nil {
					return "", err
				}
			}
			return cl.MarkGone(ctx, pod, reason)
		})
	cmd.Long = `Take the task of a pod for gone, so that the pod is launched again.

Only for a task of which Mesos can't say whether it runs: LOST, UNREACHABLE, UNKNOWN or GONE_BY_OPERATOR. Such a pod waits (task-unknown),
because a second task on its device could destroy data. Make sure first that no process of it is left: look at the host, or switch it off. Mesos is told
nothing, and nothing that is reserved is given back. A task that shows up later is killed, and never becomes the pod's task again.

The same is said of an agent, and of all tasks on it, with Mesos's own MARK_AGENT_GONE; pods that hold a device wait for this word even then.`
	cmd.Example = "  dcos-quobyte pod mark-gone data-3 --reason 'host burnt down'"
	cmd.Flags().StringVar(&reason, "reason", "", "why it is certain, for others to see; required")
	yesFlag(cmd, &yes)
	return cmd
}

func (c *command) confirmMarkGone(ctx context.Context, cl *client.Client, pod string) error {
	if !c.asks() {
		return fmt.Errorf("mark-gone: the task of pod %q would be taken for gone; there is no terminal to confirm that on, so give --yes", pod)
	}
	p, err := podNamed(ctx, cl, pod)
	if err != nil {
		return err
	}
	return c.confirm(ctx,
		fmt.Sprintf("Task %s of pod %q, on agent %s, is %s.", orDash(p.TaskID), pod, orDash(p.AgentID), orDash(string(p.State))),
		"Taken for gone, it is replaced by another one. If a process of it still runs, both use the same device, which can destroy its data.",
	)
}

func (c *command) podForgetReservations() *cobra.Command {
	var reason string
	var force, yes bool
	cmd := c.podVerb("forget-reservations", "Have a pod's resources reserved anew", "forgotten",
		func(ctx context.Context, cl *client.Client, pod string) (string, error) {
			if strings.TrimSpace(reason) == "" {
				return "", errors.New("forget-reservations: --reason is missing; say why, for others to see")
			}
			if force && !yes {
				if err := c.confirmForget(ctx, pod); err != nil {
					return "", err
				}
			}
			return cl.ForgetReservations(ctx, pod, reason, force)
		})
	cmd.Long = `Take from a pod's record what is reserved for it, so that its resources are reserved anew when it is launched next.

For a pod that waits for reservations that are gone for good (an agent was wiped, somebody has taken them away). The pod must be down. What is
still reserved is left as it is, with the data in volumes, and is among the warnings of plan show.`
	cmd.Example = "  dcos-quobyte pod forget-reservations data-3 --reason 'agent was reinstalled'"
	cmd.Flags().StringVar(&reason, "reason", "", "why, for others to see; required")
	cmd.Flags().BoolVar(&force, "force", false, "also if it has volumes: new, empty ones are made; or if Mesos can't say whether its task still uses them")
	yesFlag(cmd, &yes)
	return cmd
}

func (c *command) confirmForget(ctx context.Context, pod string) error {
	if !c.asks() {
		return fmt.Errorf("forget-reservations: pod %q would get new, empty volumes; there is no terminal to confirm that on, so give --yes", pod)
	}
	return c.confirm(ctx, fmt.Sprintf("Pod %q forgets what is reserved for it: it gets new, empty volumes. Those that it had are left as they are, with its data, for nobody.", pod))
}

// podVerb makes a command that says something about a pod.
func (c *command) podVerb(name, short, done string, do func(ctx context.Context, cl *client.Client, pod string) (string, error)) *cobra.Command {
	return &cobra.Command{
		Use: name + " POD", Short: short, Args: arguments("POD"), ValidArgsFunction: c.completePod(),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.connect(nil)
			if err != nil {
				return err
			}
			detail, err := do(cmd.Context(), cl, args[0])
			if err != nil {
				return err
			}
			if detail == "" {
				detail = fmt.Sprintf("%q pod has been %s.", args[0], done)
			}
			return c.print(tree.OneLine(detail) + "\n")
		},
	}
}

// choice is a flag that takes one of some words.
type choice struct {
	value plans.When
	words []plans.When
}

func (c *choice) String() string { return string(c.value) }
func (c *choice) Type() string   { return "when" }

func (c *choice) Set(word string) error {
	if !slices.Contains(c.words, plans.When(word)) {
		return fmt.Errorf("want one of %s", strings.Join(c.completions(), ", "))
	}
	c.value = plans.When(word)
	return nil
}

func (c *choice) completions() []string {
	var words []string
	for _, w := range c.words {
		words = append(words, string(w))
	}
	return words
}

func noteFlags(cmd *cobra.Command, note *client.Note) {
	cmd.Flags().StringVar(&note.Reason, "reason", "", "why, for others to see")
	cmd.Flags().StringVar(&note.Revision, "revision", "", "refuse if the plan's revision (plan show --json) is another one by now")
}

// checkNote refuses a revision that is empty: a script that meant to give one must not go on without.
func checkNote(cmd *cobra.Command, _ []string) error {
	if f := cmd.Flags().Lookup("revision"); f.Changed && f.Value.String() == "" {
		return fmt.Errorf("%s: --revision is empty", cmd.Name())
	}
	return nil
}

func yesFlag(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVarP(to, "yes", "y", false, "do not ask; needed where there is no terminal")
}
