package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/cmd/internal/tree"
	"github.com/quobyte/mesos-framework/engine/api/client"
	"github.com/quobyte/mesos-framework/plans"
)

func (c *command) plan() *cobra.Command {
	return group("plan", "Rollouts: what they do, why they wait, and their pauses", []string{"plans"},
		c.planList(), c.planShow(), c.planPause(), c.planResume(), c.planWatch())
}

// planLine is a plan in a list.
type planLine struct {
	ID         string       `json:"id"`
	Name       string       `json:"name"`
	Status     plans.Status `json:"status"`
	Since      time.Time    `json:"since,omitzero"`
	StepsDone  int          `json:"steps_done"`
	StepsTotal int          `json:"steps_total"`
	Errors     []string     `json:"errors,omitempty"`
	Holds      []plans.Hold `json:"holds,omitempty"`
	Warnings   []plans.Hold `json:"warnings,omitempty"`
}

func (c *command) planList() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "list", Short: "List the plans", Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			views, err := c.planViews(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return c.printJSON(planLines(views))
			}
			opt := c.screen().Options()
			var rows [][]string
			for _, v := range views {
				rows = append(rows, []string{
					v.Name, v.Status.String(), fmt.Sprintf("%d/%d", v.StepsDone, v.StepsTotal), tree.PlanAge(opt.Now, v), planWhy(v, opt.Now),
				})
			}
			return tree.Table(c.env.Stdout, []string{"NAME", "STATUS", "STEPS", "AGE", "WHY"}, rows, opt)
		},
	}
	jsonFlag(cmd, &asJSON, "as JSON")
	return cmd
}

func (c *command) planViews(ctx context.Context) ([]plans.View, error) {
	cl, err := c.connect(nil)
	if err != nil {
		return nil, err
	}
	names, err := cl.Plans(ctx)
	if err != nil {
		return nil, err
	}
	var views []plans.View
	for _, name := range names {
		v, err := cl.Plan(ctx, name)
		if err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	return views, nil
}

// planLines never returns nil, so that it is a list in JSON.
func planLines(views []plans.View) []planLine {
	lines := make([]planLine, len(views))
	for i, v := range views {
		lines[i] = planLine{v.ID.String(), v.Name, v.Status, v.Since, v.StepsDone, v.StepsTotal, v.Errors, v.Holds, v.Warnings}
	}
	return lines
}

// planWhy is what is wrong with a plan or holds it, and the most fundamental thing to look at.
func planWhy(v plans.View, now time.Time) string {
	var texts []string
	switch {
	case len(v.Errors) > 0:
		texts = append(texts, v.Errors[0])
	case len(v.Holds) > 0:
		texts = append(texts, tree.HoldText(v.Holds[0], now))
	}
	if len(v.Warnings) > 0 {
		w := slices.MinFunc(v.Warnings, func(a, b plans.Hold) int { return a.Code.Info().Rank - b.Code.Info().Rank })
		if text := tree.HoldText(w, now); !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "; ")
}

func (c *command) planShow() *cobra.Command {
	var asJSON, byStatus bool
	cmd := &cobra.Command{
		Use: "show PLAN", Aliases: []string{"status"}, Short: "Show every step of a plan, and why it waits",
		Example: "  dcos-quobyte plan show deploy", Args: arguments("PLAN"), ValidArgsFunction: c.completePlan,
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.connect(nil)
			if err != nil {
				return err
			}
			v, err := cl.Plan(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if asJSON {
				err = c.printJSON(v)
			} else {
				opt := c.screen().Options()
				opt.Hints = c.resumeHints(cmd, v)
				err = tree.Render(c.env.Stdout, v, opt)
			}
			if err != nil || !byStatus {
				return err
			}
			return statusCode(v.Status)
		},
	}
	jsonFlag(cmd, &asJSON, "as JSON")
	cmd.Flags().BoolVar(&byStatus, "exit-code", false, "end with 0 if the plan is COMPLETE, 2 if ERROR, 4 if WAITING, else 8")
	return cmd
}

// resumeHints are the commands that take back the pauses of the plan and its phases.
func (c *command) resumeHints(cmd *cobra.Command, v plans.View) []string {
	resume := "resume with: " + cmd.Root().DisplayName()
	for _, flag := range []struct{ name, value string }{{"url", c.flags.url}, {"name", c.flags.name}} {
		if cmd.Flags().Changed(flag.name) {
			resume += " --" + flag.name + " " + shellWord(flag.value)
		}
	}
	resume += " plan resume " + shellWord(v.Name)
	var hints []string
	own := slices.IndexFunc(v.Holds, func(h plans.Hold) bool { return h.Code == plans.CodePaused && h.Element == "" })
	if own >= 0 {
		hints = append(hints, resume)
	}
	for _, p := range v.Phases {
		paused := slices.ContainsFunc(p.Holds, func(h plans.Hold) bool {
			return h.Code == plans.CodePaused && h.Element == "" && (own < 0 || h != v.Holds[own])
		})
		if paused {
			hints = append(hints, resume+" "+shellWord(p.Name))
		}
	}
	return hints
}

// shellWord quotes what a shell would not take for one plain word.
func shellWord(s string) string {
	special := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./:@%+=,", r)
	}
	if s != "" && !strings.ContainsFunc(s, special) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// statusCode is an error without text that sets the exit code for a plan in the status.
func statusCode(s plans.Status) error {
	switch s {
	case plans.Complete:
		return nil
	case plans.Error:
		return &codeError{code: exitFailed}
	case plans.Waiting:
		return &codeError{code: exitPaused}
	}
	return &codeError{code: exitInProgress}
}

func (c *command) planPause() *cobra.Command {
	return c.verb("pause", "interrupt", "Begin no new step of a plan or phase; what runs goes on", "paused", (*client.Client).Pause)
}

func (c *command) planResume() *cobra.Command {
	return c.verb("resume", "continue", "Go on with a plan or phase that is paused", "resumed", (*client.Client).Resume)
}

// verb makes a command that does something to a plan or one of its phases.
func (c *command) verb(
	name, alias, short, done string, do func(*client.Client, context.Context, string, string, string) error,
) *cobra.Command {
	reason := ""
	cmd := &cobra.Command{
		Use: name + " PLAN [PHASE]", Aliases: []string{alias}, Short: short,
		Example: fmt.Sprintf("  dcos-quobyte plan %s deploy data", name),
		Args:    arguments("PLAN", "[PHASE]"), ValidArgsFunction: c.completePlan,
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.connect(nil)
			if err != nil {
				return err
			}
			plan, phase := args[0], ""
			if len(args) > 1 {
				phase = args[1]
			}
			if err := do(cl, cmd.Context(), plan, phase, reason); err != nil {
				return err
			}
			if phase == "" {
				return c.print(fmt.Sprintf("%q plan has been %s.\n", plan, done))
			}
			return c.print(fmt.Sprintf("%q plan: phase %q has been %s.\n", plan, phase, done))
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for others to see")
	return cmd
}

// completePlan offers the plans' names, and those of the phases of a plan, to a shell.
func (c *command) completePlan(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	const silent = cobra.ShellCompDirectiveNoFileComp
	ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second)
	defer cancel()
	cl, err := c.connect(nil)
	if err != nil {
		return nil, silent
	}
	if len(args) == 0 {
		names, err := cl.Plans(ctx)
		if err != nil {
			return nil, silent
		}
		return names, silent
	}
	v, err := cl.Plan(ctx, args[0])
	if err != nil || len(args) > 1 {
		return nil, silent
	}
	var names []string
	for _, p := range v.Phases {
		names = append(names, p.Name)
	}
	return names, silent
}

func jsonFlag(cmd *cobra.Command, to *bool, usage string) {
	cmd.Flags().BoolVar(to, "json", false, usage)
}
