package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/cmd/internal/tree"
	"github.com/quobyte/mesos-framework/engine/machine"
)

func (c *command) pod() *cobra.Command {
	return group("pod", "The daemons of the service", []string{"pods"}, c.podList())
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
	return group("host", "The Mesos agents that are known", []string{"hosts"}, c.hostList())
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
			hosts, err := cl.Hosts(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return c.printJSON(hosts)
			}
			return c.printHosts(hosts)
		},
	}
	jsonFlag(cmd, &asJSON, "as JSON")
	return cmd
}

func (c *command) printHosts(hosts []machine.HostView) error {
	opt := c.screen().Options()
	var rows [][]string
	for _, h := range hosts {
		why := ""
		if len(h.Holds) > 0 {
			why = h.Holds[0].Text
		}
		rows = append(rows, []string{
			h.Key, h.Hostname, h.Address, orDash(h.AgentID), tree.Age(opt.Now, h.FirstSeen),
			orDash(tree.Age(opt.Now, h.ReportedAt)), why,
		})
	}
	return tree.Table(c.env.Stdout, []string{"HOST", "HOSTNAME", "ADDRESS", "AGENT", "SEEN", "REPORTED", "WHY"}, rows, opt)
}

func (c *command) health() *cobra.Command {
	var asJSON, verbose bool
	cmd := &cobra.Command{
		Use: "health", Short: "Say in one word how the service does", Args: arguments(),
		Long: `Say in one word how the service does, with the DC/OS SDK's graded code.

It ends with 0 while the scheduler works, with 2 when a plan has errors, and with 8 while the scheduler is starting.`,
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
				err = c.print(fmt.Sprintf("%s (%d)\n", h.Status, h.Value))
			}
			if err == nil && verbose && !asJSON {
				err = c.print(strings.Join(h.Reasons, "\n") + "\n")
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

// healthCode is an error without text that sets the exit code for the SDK's graded code.
func healthCode(value int) error {
	switch {
	case value >= 200 && value < 300:
		return nil
	case value == 500:
		return &codeError{code: exitFailed}
	}
	return &codeError{code: exitInProgress}
}

func (c *command) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of this program", Args: arguments(),
		RunE: func(*cobra.Command, []string) error { return c.print(program + " " + c.env.Build + "\n") },
	}
}
