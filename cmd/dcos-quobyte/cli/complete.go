package cli

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/engine/api/client"
)

// completion is what cobra asks for the words that may come next.
type completion = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

// completing offers a shell what names returns for the arguments so far, if the server tells soon.
func (c *command) completing(names func(ctx context.Context, cl *client.Client, args []string) ([]string, error)) completion {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second)
		defer cancel()
		cl, err := c.connect(nil)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		found, err := names(ctx, cl, args)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeElement offers the names of plans, then of the phases of the plan, then of the steps of the phase, as far as depth.
func (c *command) completeElement(depth int) completion {
	return c.completing(func(ctx context.Context, cl *client.Client, args []string) ([]string, error) {
		if len(args) >= depth {
			return nil, nil
		}
		if len(args) == 0 {
			return cl.Plans(ctx)
		}
		v, err := cl.Plan(ctx, args[0])
		var names []string
		for _, p := range v.Phases {
			if len(args) == 1 {
				names = append(names, p.Name)
				continue
			}
			if p.Name != args[1] {
				continue
			}
			for _, s := range p.Steps {
				names = append(names, s.Name)
			}
		}
		return names, err
	})
}

// completePod offers the names of the pods.
func (c *command) completePod() completion {
	return c.completing(func(ctx context.Context, cl *client.Client, args []string) ([]string, error) {
		if len(args) > 0 {
			return nil, nil
		}
		pods, err := cl.Pods(ctx)
		names := make([]string, len(pods))
		for i := range pods {
			names[i] = pods[i].Name
		}
		slices.Sort(names)
		return names, err
	})
}
