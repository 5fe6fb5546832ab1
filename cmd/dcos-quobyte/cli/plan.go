package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/cmd/internal/tree"
	"github.com/quobyte/mesos-framework/plans"
)

func (c *command) plan() *cobra.Command {
	return group("plan", "Rollouts: what they do, why they wait, and what to do about it", []string{"plans"},
		c.planList(), c.planShow(), c.planWatch(), c.planStart(), c.planStop(), c.planRestart(),
		c.planPause(), c.planResume(), c.planForceComplete(), c.planBreak(), c.planUnbreak())
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
		Example: "  dcos-quobyte plan show deploy", Args: arguments("PLAN"), ValidArgsFunction: c.completeElement(1),
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

func jsonFlag(cmd *cobra.Command, to *bool, usage string) {
	cmd.Flags().BoolVar(to, "json", false, usage)
}
