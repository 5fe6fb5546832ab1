package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/hashicorp/go-multierror"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quobyte/mesos-framework/internal/sandbox"
	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

// faultPatience is how long a sandbox may take to answer.
const faultPatience = 30 * time.Second

// faultCommand is what all commands on faults have in common.
type faultCommand struct {
	env    environment
	Master string
	TLS    string // directory of certificates, "" for plain HTTP
	JSON   bool
}

// newSandboxFault has one command for each kind of fault, made from the table of kinds.
func newSandboxFault(env environment) *cobra.Command {
	c := &faultCommand{env: env}
	cmd := &cobra.Command{
		Use:   "fault",
		Short: "Let something go wrong in a running sandbox",
		Long: `Let something go wrong in a running sandbox: agents, masters, streams, calls, updates, tasks, disks. There is a command for each kind of fault; list shows
those that last or wait to strike, and clear ends them. What a fault chooses by flags it strikes only there; without flags it strikes the next.`,
		Args: func(_ *cobra.Command, args []string) error { return unknownFault(args) },
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	f := cmd.PersistentFlags()
	f.StringVar(&c.Master, "master", sandbox.DefaultMasterAddress, "address of the sandbox's master")
	f.StringVar(&c.TLS, "tls", "", "directory of the sandbox's certificates, if it speaks TLS: DIR/tls")
	f.BoolVar(&c.JSON, "json", false, "write JSON")
	cmd.AddCommand(c.newList(), c.newClear(), c.newAgents())
	for _, entry := range fault.Table() {
		cmd.AddCommand(c.newInject(entry))
	}
	return cmd
}

// newInject makes the command of one kind. What it requires are arguments, what else it takes are flags.
func (c *faultCommand) newInject(entry fault.Entry) *cobra.Command {
	f := &fault.Fault{Kind: entry.Kind}
	var required, optional []fault.Param
	use := string(entry.Kind)
	for _, p := range fault.ParamsOf(entry.Kind) {
		if fault.Required(entry.Kind, p.Name) {
			required = append(required, p)
			use += " " + strings.ToUpper(p.Name)
			continue
		}
		optional = append(optional, p)
	}
	cmd := &cobra.Command{
		Use: use, Short: strings.ToUpper(entry.Summary[:1]) + entry.Summary[1:], Long: longText(entry, required),
		Args: func(cmd *cobra.Command, args []string) error { return checkArguments(cmd, required, args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			for i, p := range required {
				if err := setParam(p, f, args[i]); err != nil {
					return err
				}
			}
			if _, err := f.Complete(); err != nil { // with the names of all agents, calls and events at hand
				return err
			}
			return c.inject(cmd.Context(), *f)
		},
	}
	for _, p := range optional {
		bindParam(cmd.Flags(), p, f)
	}
	return cmd
}

func longText(entry fault.Entry, required []fault.Param) string {
	text := entry.Text
	for _, p := range required {
		text += fmt.Sprintf("\n\n%s: %s.", strings.ToUpper(p.Name), p.Usage)
	}
	switch entry.Nature {
	case fault.State:
		text += "\n\nIt lasts until its time (--for) is over or it is cleared, and is undone then."
	case fault.Rule:
		text += "\n\nIt strikes once, unless --count or --for say otherwise."
	}
	return text
}

// checkArguments names what is missing.
func checkArguments(cmd *cobra.Command, required []fault.Param, args []string) error {
	if len(args) > len(required) {
		return fmt.Errorf("%q: too much; the command is %s", strings.Join(args[len(required):], " "), cmd.UseLine())
	}
	var problems *multierror.Error
	for _, p := range required[len(args):] {
		problems = multierror.Append(problems, fmt.Errorf("%s: missing: %s", strings.ToUpper(p.Name), p.Usage))
	}
	return problems.ErrorOrNil()
}

func bindParam(flags *pflag.FlagSet, p fault.Param, f *fault.Fault) {
	switch v := p.Value(f).(type) {
	case *string:
		flags.StringVar(v, p.Name, "", p.Usage)
	case *int:
		flags.IntVar(v, p.Name, 0, p.Usage)
	case *bool:
		flags.BoolVar(v, p.Name, false, p.Usage)
	case *fault.Duration:
		flags.DurationVar((*time.Duration)(v), p.Name, 0, p.Usage)
	}
}

func setParam(p fault.Param, f *fault.Fault, text string) error {
	var err error
	switch v := p.Value(f).(type) {
	case *string:
		*v = text
	case *int:
		if *v, err = strconv.Atoi(text); err != nil {
			return fmt.Errorf("%s: %q: must be a whole number", strings.ToUpper(p.Name), text)
		}
	case *fault.Duration:
		if err = v.UnmarshalText([]byte(text)); err != nil {
			return fmt.Errorf("%s: %w", strings.ToUpper(p.Name), err)
		}
	}
	return nil
}

func (c *faultCommand) remote() (sandbox.Remote, error) {
	r := sandbox.Remote{Address: c.Master}
	if c.TLS == "" {
		return r, nil
	}
	secure, err := sandbox.ClientTLS(c.TLS)
	if err != nil {
		return r, fmt.Errorf("--tls: %w", err)
	}
	r.TLS = secure
	return r, nil
}

func (c *faultCommand) inject(ctx context.Context, f fault.Fault) error {
	ctx, cancel := context.WithTimeout(ctx, faultPatience)
	defer cancel()
	remote, err := c.remote()
	if err != nil {
		return err
	}
	active, err := remote.Inject(ctx, f)
	if err != nil {
		return err
	}
	if c.JSON {
		return c.writeJSON(active)
	}
	_, err = fmt.Fprintln(c.env.Stdout, faultLine(active))
	return err
}

func faultLine(a fault.Active) string {
	if a.ID == 0 {
		return a.Fault.String()
	}
	return fmt.Sprintf("%d: %s", a.ID, a.Fault)
}

func (c *faultCommand) newList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the faults that last or wait to strike", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), faultPatience)
			defer cancel()
			remote, err := c.remote()
			if err != nil {
				return err
			}
			active, err := remote.Faults(ctx)
			if err != nil {
				return err
			}
			if c.JSON {
				return c.writeJSON(active)
			}
			return writeFaults(c.env.Stdout, active, time.Now())
		},
	}
}

func writeFaults(w io.Writer, active []fault.Active, now time.Time) error {
	if len(active) == 0 {
		_, err := fmt.Fprintln(w, "no faults")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSTRUCK\tLEFT\tENDS IN\tFAULT")
	for _, a := range active {
		left, ends := "-", "-"
		switch {
		case a.Left > 0:
			left = strconv.Itoa(a.Left)
		case a.Left < 0:
			left = "no end"
		}
		if !a.Ends.IsZero() {
			ends = max(0, a.Ends.Sub(now)).Round(100 * time.Millisecond).String()
		}
		fmt.Fprintf(table, "%d\t%d\t%s\t%s\t%s\n", a.ID, a.Struck, left, ends, a.Fault)
	}
	return table.Flush()
}

func (c *faultCommand) newClear() *cobra.Command {
	return &cobra.Command{
		Use:   "clear [ID...]",
		Short: "End faults and undo what they did",
		Long: `End faults, all of them if no ID is given, and undo what they did: partitions heal, agents that were killed start, mounts come back, another master
leads where none did.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := faultIDs(args)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), faultPatience)
			defer cancel()
			remote, err := c.remote()
			if err != nil {
				return err
			}
			cleared, err := remote.ClearFaults(ctx, ids...)
			if err != nil {
				return err
			}
			if c.JSON {
				return c.writeJSON(cleared)
			}
			for _, a := range cleared {
				if _, err := fmt.Fprintln(c.env.Stdout, faultLine(a)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func faultIDs(args []string) ([]int, error) {
	var ids []int
	var problems *multierror.Error
	for _, arg := range args {
		id, err := strconv.Atoi(arg)
		if err != nil {
			problems = multierror.Append(problems, fmt.Errorf("ID: %q: must be a number that list shows", arg))
		}
		ids = append(ids, id)
	}
	return ids, problems.ErrorOrNil()
}

func (c *faultCommand) newAgents() *cobra.Command {
	return &cobra.Command{
		Use: "agents", Short: "List the agents, by the names that faults take", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), faultPatience)
			defer cancel()
			remote, err := c.remote()
			if err != nil {
				return err
			}
			agents, err := remote.AgentNames(ctx)
			if err != nil {
				return err
			}
			if c.JSON {
				return c.writeJSON(agents)
			}
			table := tabwriter.NewWriter(c.env.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "AGENT\tHOSTNAME\tID\tSTATE")
			for _, a := range agents {
				fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", a.Index, a.Hostname, a.ID, a.State)
			}
			return table.Flush()
		},
	}
}

func (c *faultCommand) writeJSON(value any) error {
	encoder := json.NewEncoder(c.env.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// unknownFault explains a word after "fault" that is no command.
func unknownFault(args []string) error {
	if len(args) == 0 {
		return nil
	}
	names := append([]string{"list", "clear", "agents"}, fault.Kinds()...)
	slices.Sort(names[3:])
	return errors.New("fault " + strconv.Quote(args[0]) + ": there is no such command; there are " + strings.Join(names, ", "))
}
