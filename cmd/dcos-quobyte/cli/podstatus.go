package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/cmd/internal/tree"
	"github.com/quobyte/mesos-framework/engine/api/client"
	"github.com/quobyte/mesos-framework/engine/machine"
)

func (c *command) podStatus() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "status POD", Short: "Show a pod: its task, tasks that gave way to it, and what operators have taken upon themselves", Args: arguments("POD"),
		ValidArgsFunction: c.completePod(),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := c.connect(nil)
			if err != nil {
				return err
			}
			p, err := podNamed(cmd.Context(), cl, args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return c.printJSON(p)
			}
			return c.print(podText(p, c.screen().Options().Now))
		},
	}
	jsonFlag(cmd, &asJSON, "as JSON")
	return cmd
}

// podNamed is what a pod shows.
func podNamed(ctx context.Context, cl *client.Client, name string) (machine.PodView, error) {
	pods, err := cl.Pods(ctx)
	if err != nil {
		return machine.PodView{}, err
	}
	i := slices.IndexFunc(pods, func(p machine.PodView) bool { return p.Name == name })
	if i < 0 {
		return machine.PodView{}, fmt.Errorf("pod %q: not found", name)
	}
	return pods[i], nil
}

// podText is what a pod shows, a fact a line.
func podText(p machine.PodView, now time.Time) string {
	var lines [][2]string
	add := func(what, format string, args ...any) {
		lines = append(lines, [2]string{what, fmt.Sprintf(format, args...)})
	}
	add("pod", "%s", p.Name)
	add("type", "%s", p.Type)
	add("host", "%s", orDash(p.Host))
	add("task", "%s", orDash(p.TaskID))
	add("agent", "%s", orDash(p.AgentID))
	state := orDash(string(p.State))
	if age := tree.Age(now, p.Since); age != "" {
		state += " since " + age
	}
	if word := healthWord(p); word != "-" {
		state += ", " + word
	}
	add("state", "%s", state)
	if p.Message != "" {
		add("message", "%s", p.Message)
	}
	if p.Claim != nil {
		add("reserved", "%s (claim %s)", p.Claim.Text, p.Claim.Claim)
	}
	for _, r := range p.Replaced {
		seen := "not seen since"
		if r.Seen != "" {
			seen = "has shown up again, " + string(r.Seen)
		}
		add("gave way", "%s on agent %s, %s", r.TaskID, r.AgentID, seen)
	}
	for _, said := range p.Consents {
		add(string(said.Verb), "%s", consentText(said))
	}
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "%-9s  %s\n", l[0], tree.OneLine(l[1]))
	}
	return b.String()
}

// consentText is what an operator has taken upon himself, when, and why.
func consentText(c machine.Consent) string {
	text := fmt.Sprintf("%s by %s: %s", c.At.UTC().Format(time.RFC3339), c.By, c.Reason)
	if c.TaskID != "" {
		text += fmt.Sprintf(" (task %s on agent %s, which was %s)", c.TaskID, c.AgentID, c.State)
	}
	return text
}
