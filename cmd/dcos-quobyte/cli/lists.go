package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/cmd/internal/tree"
	"github.com/quobyte/mesos-framework/engine/api"
	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

func (c *command) pod() *cobra.Command {
	return group("pod", "The daemons of the service", []string{"pods"},
		c.podList(), c.podStatus(), c.podExcept(), c.podInclude(), c.podMarkGone(), c.podReplace(), c.podForgetReservations())
}

func (c *command) podList() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "list", Short: "List the pods: where they are and how they do", Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.connect(nil)
			if err != nil {
				return err
			}
			pods, err := cl.Pods(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return c.printJSON(pods)
			}
			return c.printPods(pods)
		},
	}
	jsonFlag(cmd, &asJSON, "as JSON")
	return cmd
}

func (c *command) printPods(pods []machine.PodView) error {
	opt := c.screen().Options()
	var rows [][]string
	for _, p := range pods {
		rows = append(rows, []string{
			p.Name, p.Host, orDash(string(p.State)), healthWord(p), tree.Age(opt.Now, p.Since), orDash(p.TaskID), p.Message,
		})
	}
	return tree.Table(c.env.Stdout, []string{"NAME", "HOST", "STATE", "HEALTH", "AGE", "TASK", "MESSAGE"}, rows, opt)
}

// healthWord says how a pod does. Only one that runs can be unhealthy.
func healthWord(p machine.PodView) string {
	switch {
	case p.Healthy:
		return "healthy"
	case p.State == machine.Running:
		return "unhealthy"
	}
	return "-"
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (c *command) host() *cobra.Command {
	return group("host", "The Mesos agents that are known", []string{"hosts"}, c.hostList(), c.hostRelease())
}

func (c *command) hostList() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "list", Short: "List the hosts: since when they are known, and what holds them", Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.connect(nil)
			if err != nil {
				return err
			}
			if asJSON {
				hosts, err := cl.Hosts(cmd.Context())
				if err != nil {
					return err
				}
				return c.printJSON(hosts)
			}
			v, err := cl.View(cmd.Context())
			if err != nil {
				return err
			}
			return c.printHosts(v)
		},
	}
	jsonFlag(cmd, &asJSON, "as JSON")
	return cmd
}

func (c *command) printHosts(v *machine.View) error {
	opt := c.screen().Options()
	var rows [][]string
	for i := range v.Hosts {
		h := &v.Hosts[i]
		rows = append(rows, []string{
			h.Key, h.Hostname, h.Address, orDash(h.AgentID), tree.Age(opt.Now, h.FirstSeen),
			orDash(tree.Age(opt.Now, h.HeardAt)), hostWhy(h, v.Warnings, opt.Now),
		})
	}
	return tree.Table(c.env.Stdout, []string{"HOST", "HOSTNAME", "ADDRESS", "AGENT", "SEEN", "HEARD", "WHY"}, rows, opt)
}

// hostWhy is what holds a host, what there is to look at on it, and whether nothing is expected of it.
func hostWhy(h *machine.HostView, warnings []plans.Hold, now time.Time) string {
	var texts []string
	for _, hold := range h.Holds {
		texts = append(texts, tree.HoldText(hold, now))
	}
	for _, w := range warnings {
		if text := tree.HoldText(w, now); w.Subject == h.Key && !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	if h.Excluded {
		texts = append(texts, "idle: Mesos is asked not to offer it")
	}
	return strings.Join(texts, "; ")
}

func (c *command) health() *cobra.Command {
	var asJSON, verbose bool
	cmd := &cobra.Command{
		Use: "health", Short: "Say in one word how the service does", Args: arguments(),
		Long: `Say in one word how the service does, with the DC/OS SDK's graded code, and why.

It ends with 0 while all is well or being deployed, with 2 when a plan has errors, with 8 while the scheduler is starting, and
with 9 when pods that were ready are not (RECOVERING_PENDING, RECOVERING_STARTING, DEGRADED) or the scheduler has no session with
Mesos (SERVICE_UNAVAILABLE).`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := c.connect(nil)
			if err != nil {
				return err
			}
			h, err := cl.Health(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				err = c.printJSON(h)
			} else {
				err = c.print(healthText(h, verbose))
			}
			if err != nil {
				return err
			}
			return healthCode(h.Value)
		},
	}
	jsonFlag(cmd, &asJSON, "as JSON, with the reasons")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "list all grades, and which of them hold")
	return cmd
}

// healthText is the grade and the reason for it on one line, and if verbose, how each grade was tried.
func healthText(h api.Health, verbose bool) string {
	lines := []string{fmt.Sprintf("%s (%d)", h.Status, h.Value)}
	if h.Message != "" {
		lines[0] += ": " + h.Message
	}
	if verbose {
		lines = append(lines, h.Reasons...)
	}
	for i := range lines {
		lines[i] = tree.OneLine(lines[i])
	}
	return strings.Join(lines, "\n") + "\n"
}

// healthCode is an error without text that sets the exit code for the SDK's graded code.
func healthCode(value int) error {
	switch value {
	case 203, 205, 206, 503:
		return &codeError{code: exitUnwell}
	case 500:
		return &codeError{code: exitFailed}
	}
	if value >= 200 && value < 300 {
		return nil
	}
	return &codeError{code: exitInProgress}
}

func (c *command) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of this program", Args: arguments(),
		RunE: func(*cobra.Command, []string) error { return c.print(program + " " + c.env.Build + "\n") },
	}
}
