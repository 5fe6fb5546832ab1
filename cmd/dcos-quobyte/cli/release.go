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
	"github.com/quobyte/mesos-framework/engine/machine"
)

func (c *command) podReplace() *cobra.Command {
	reason, yes := "", false
	cmd := c.podVerb("replace", "Give up what is reserved for a pod that is down, and place it anew", "replaced",
		func(ctx context.Context, cl *client.Client, pod string) (string, error) {
			if strings.TrimSpace(reason) == "" {
				return "", errors.New("replace: --reason is missing; say why its place is given up, for others to see")
			}
			p, err := podNamed(ctx, cl, pod)
			if err != nil {
				return "", err
			}
			claim := ""
			if p.Claim != nil {
				claim = p.Claim.Claim
				if !yes {
					err = c.confirmRelease("replace", fmt.Sprintf("pod %q", pod), p.Claim.Text)(ctx)
				}
			}
			if err != nil {
				return "", err
			}
			return cl.Replace(ctx, pod, claim, reason)
		})
	cmd.Long = `Give up what is reserved for a pod that is down: its resources, and persistent volumes with the data in them. Then the pod is placed anew.

What is given back is named before it is confirmed, and it is given back when its host offers it. Registries, metadata and data services belong to a device of
their host, which Mesos does not know and nothing here ever erases: they are launched there again, and only what was reserved for them with --reserve is given back and
reserved anew. To go on without such a pod, because its host or device is dead for good, except it (pod except).

A task of which Mesos can't say whether it runs is marked gone first (pod mark-gone).`
	cmd.Example = "  dcos-quobyte pod replace data-3 --reason 'agent was reinstalled'"
	cmd.Flags().StringVar(&reason, "reason", "", "why, for others to see; required")
	yesFlag(cmd, &yes)
	return cmd
}

func (c *command) hostRelease() *cobra.Command {
	reason, yes, cancel := "", false, false
	cmd := &cobra.Command{
		Use: "release HOST", Short: "Give back what is reserved on a host for the service and for no pod of it", Args: arguments("HOST"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if cancel {
				return c.cancelRelease(cmd.Context(), args[0], reason)
			}
			if strings.TrimSpace(reason) == "" {
				return errors.New("release: --reason is missing; say why what is reserved there is of no use, for others to see")
			}
			cl, err := c.connect(nil)
			if err != nil {
				return err
			}
			left, err := leftoversOf(cmd.Context(), cl, args[0])
			if err != nil {
				return err
			}
			if !yes {
				if err := c.confirmRelease("release", fmt.Sprintf("host %q", args[0]), leftoverTexts(left)...)(cmd.Context()); err != nil {
					return err
				}
			}
			return c.release(cmd.Context(), cl, args[0], left, reason)
		},
	}
	cmd.Long = `Give back what is reserved on a host for the service and for no pod of it, such as what an earlier framework has left behind: resources, and
persistent volumes with the data in them. It is among the warnings of plan show, and in host list --json.

Each thing is named before it is confirmed. What a pod owns by its record is never given back so, and nothing is without this command.

It is given back when the host offers it, so that of a host that is dead it waits for ever. With --cancel it is taken back, with what pod replace gives back
there, as far as Mesos was not told yet.`
	cmd.Example = "  dcos-quobyte host release node7 --reason 'left behind by the test installation'\n  dcos-quobyte host release node7 --cancel"
	cmd.Flags().StringVar(&reason, "reason", "", "why, for others to see; required, but with --cancel")
	cmd.Flags().BoolVar(&cancel, "cancel", false, "take back what waits for the host's offer")
	yesFlag(cmd, &yes)
	return cmd
}

func (c *command) cancelRelease(ctx context.Context, host, reason string) error {
	cl, err := c.connect(nil)
	if err != nil {
		return err
	}
	detail, err := cl.CancelRelease(ctx, host, "", reason)
	if err != nil {
		return err
	}
	return c.print(tree.OneLine(detail) + "\n")
}

// leftoversOf is what is reserved on a host for no pod.
func leftoversOf(ctx context.Context, cl *client.Client, host string) ([]machine.LeftoverView, error) {
	hosts, err := cl.Hosts(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(hosts, func(h machine.HostView) bool { return h.Key == host })
	switch {
	case i < 0:
		return nil, fmt.Errorf("host %q: not found", host)
	case len(hosts[i].Leftovers) == 0:
		return nil, &codeError{code: exitConflict, err: fmt.Errorf("host %q: nothing was offered there that is reserved for no pod, or all of it is being given back", host)}
	}
	return hosts[i].Leftovers, nil
}

func leftoverTexts(left []machine.LeftoverView) []string {
	var texts []string
	for _, l := range left {
		text := fmt.Sprintf("%s (claim %s)", l.Text, l.Claim)
		if l.Volume {
			text += ", with a volume, which is destroyed with its data"
		}
		texts = append(texts, text)
	}
	return texts
}

func (c *command) release(ctx context.Context, cl *client.Client, host string, left []machine.LeftoverView, reason string) error {
	for _, l := range left {
		detail, err := cl.Release(ctx, host, l.Claim, reason)
		if err != nil {
			return err
		}
		if err := c.print(tree.OneLine(detail) + "\n"); err != nil {
			return err
		}
	}
	return nil
}

// confirmRelease asks whether what is named shall be given back.
func (c *command) confirmRelease(verb, subject string, what ...string) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		if !c.asks() {
			return fmt.Errorf("%s: %s: %s would be given back; there is no terminal to confirm that on, so give --yes", verb, subject, strings.Join(what, "; "))
		}
		lines := []string{fmt.Sprintf("Of %s is given back:", subject)}
		for _, w := range what {
			lines = append(lines, "  "+w)
		}
		return c.confirm(ctx, append(lines, "That can't be undone.")...)
	}
}
