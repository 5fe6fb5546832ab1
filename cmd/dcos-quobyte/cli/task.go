package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/cmd/internal/tree"
	"github.com/quobyte/mesos-framework/engine/api/client"
	"github.com/quobyte/mesos-framework/engine/machine"
)

func (c *command) task() *cobra.Command {
	return group("task", "Tasks that belong to no pod", []string{"tasks"}, c.taskList(), c.taskKill())
}

func (c *command) taskList() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "list", Short: "List the tasks that run in the framework's name and belong to no pod", Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.connect(nil)
			if err != nil {
				return err
			}
			tasks, err := cl.Strangers(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return c.printJSON(tasks)
			}
			return c.printTasks(tasks)
		},
	}
	cmd.Long = `List the tasks that run in the framework's name and belong to no pod: those of an earlier life of the framework, whose records
were lost, for instance. One that is UNREACHABLE may run as well. They are left alone until somebody who knows what they are has them killed (task kill).`
	jsonFlag(cmd, &asJSON, "as JSON")
	return cmd
}

func (c *command) printTasks(tasks []machine.Stranger) error {
	var rows [][]string
	for _, t := range tasks {
		rows = append(rows, []string{t.TaskID, orDash(t.AgentID), orDash(string(t.State))})
	}
	return tree.Table(c.env.Stdout, []string{"TASK", "AGENT", "STATE"}, rows, c.screen().Options())
}

func (c *command) taskKill() *cobra.Command {
	reason, yes := "", false
	cmd := &cobra.Command{
		Use: "kill TASK", Short: "Kill a task that belongs to no pod", Args: arguments("TASK"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.connect(nil)
			if err != nil {
				return err
			}
			if !yes {
				if err := c.confirmKill(cmd.Context(), args[0]); err != nil {
					return err
				}
			}
			return c.kill(cmd.Context(), cl, args[0], reason)
		},
	}
	cmd.Long = `Kill a task that belongs to no pod (task list). It stays in the list until Mesos says that it has ended, or that it knows nothing of it.
Mesos is asked once: kill it again if it stays, or shows up again. The task of a pod is not killed so.`
	cmd.Flags().StringVar(&reason, "reason", "", "why, for others to see")
	yesFlag(cmd, &yes)
	return cmd
}

func (c *command) kill(ctx context.Context, cl *client.Client, task, reason string) error {
	detail, err := cl.KillTask(ctx, task, reason)
	if err != nil {
		return err
	}
	return c.print(tree.OneLine(detail) + "\n")
}

func (c *command) confirmKill(ctx context.Context, task string) error {
	if !c.asks() {
		return fmt.Errorf("kill: task %q would be ended; there is no terminal to confirm that on, so give --yes", task)
	}
	return c.confirm(ctx, fmt.Sprintf("Task %q is killed. If it is a daemon on a device, that ends it while it may be in use.", task))
}
