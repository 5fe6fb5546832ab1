package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/cmd/internal/build"
	"github.com/quobyte/mesos-framework/cmd/internal/tree"
	"github.com/quobyte/mesos-framework/engine/api/client"
)

// Env is all that a command sees of its surroundings.
type Env struct {
	// Args are the arguments without the program's name.
	Args           []string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Now            func() time.Time
	// Actor is who gives verbs if --actor does not say so; empty: the scheduler takes the address that they come from.
	Actor string
	// Build is the version that is shown.
	Build string
}

// OSEnv is the surroundings of the process.
func OSEnv() Env {
	return Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Now: time.Now,
		Actor: osActor(), Build: build.Version(),
	}
}

// osActor is user@host, as far as that is known.
func osActor() string {
	name := userName(os.Getenv, user.Current, os.Getuid())
	host, err := os.Hostname()
	if name == "" || err != nil {
		return name
	}
	return name + "@" + host
}

// userName is who the environment says that the user is; where it says nothing, as under cron and in containers, who the system
// does; and where that knows no name, the number.
func userName(getenv func(string) string, current func() (*user.User, error), uid int) string {
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if value := getenv(name); value != "" {
			return value
		}
	}
	if u, err := current(); err == nil && u.Username != "" {
		return u.Username
	}
	if uid < 0 { // there are none on Windows
		return ""
	}
	return "uid-" + strconv.Itoa(uid)
}

// program is the name that errors begin with.
const program = "dcos-quobyte"

// command is one run of the program.
type command struct {
	env   Env
	flags struct {
		url, name, actor string
		noColour         bool
	}
	named bool // --name was given
}

// Run carries out the command line and returns the exit code.
func Run(ctx context.Context, env Env) int {
	c := &command{env: env}
	root := c.root()
	args := env.Args
	if len(args) > 0 && args[0] == "quobyte" { // the DC/OS CLI gives a plugin the name of its command first
		args = args[1:]
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "dcos quobyte"}
	}
	if args == nil {
		args = []string{} // cobra takes nil for the process's own arguments
	}
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil && err.Error() != "" {
		if ctx.Err() != nil {
			err = &codeError{exitInterrupted, fmt.Errorf("interrupted: %w", err)}
		}
		fmt.Fprintf(env.Stderr, "%s: %s\n", program, oneLine(err))
	}
	return exitCode(err)
}

func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}

func (c *command) root() *cobra.Command {
	info := false
	root := &cobra.Command{
		Use:   program,
		Short: "Show and steer the Quobyte service: its plans, pods, hosts and health",
		Long: `Show and steer the Quobyte service: its plans, pods, hosts and health.

The scheduler is found at --url, else at $QUOBYTE_MESOS_URL, else (as "dcos quobyte") behind $DCOS_URL as the service --name,
else at ` + defaultURL + `.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          oneOfItsCommands,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if info {
				return c.print("Quobyte DC/OS CLI Module\n")
			}
			return cmd.Help()
		},
	}
	root.SetOut(c.env.Stdout)
	root.SetErr(c.env.Stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%s: %w; --help lists the flags", cmd.Name(), err)
	})
	root.Flags().BoolVar(&info, "info", false, "describe the command in one line")
	flags := root.PersistentFlags()
	flags.StringVar(&c.flags.url, "url", "", "address of the scheduler, http://HOST:PORT")
	flags.StringVar(&c.flags.name, "name", "", `name of the DC/OS service (default "quobyte", or $DCOS_QUOBYTE_SERVICE_NAME)`)
	flags.StringVar(&c.flags.actor, "actor", c.env.Actor, "who gives the command, for others to see")
	flags.BoolVar(&c.flags.noColour, "no-color", false, "no colours on a terminal, like $NO_COLOR")
	root.PersistentPreRun = func(cmd *cobra.Command, _ []string) { c.named = cmd.Flags().Changed("name") }
	root.AddCommand(c.plan(), c.pod(), c.task(), c.host(), c.health(), c.version())
	return root
}

// group makes a command that only has commands below it.
func group(use, short string, aliases []string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use: use, Short: short, Aliases: aliases, Args: oneOfItsCommands,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	g.AddCommand(commands...)
	return g
}

// oneOfItsCommands refuses what is not the name of a command.
func oneOfItsCommands(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() || sub.Name() == "help" {
			names = append(names, sub.Name())
		}
	}
	return fmt.Errorf("command %q: unknown; there are: %s", args[0], strings.Join(names, ", "))
}

// arguments wants as many arguments as there are names; those in brackets may be missing.
func arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		for i, name := range names {
			if i >= len(args) && !strings.HasPrefix(name, "[") {
				return fmt.Errorf("%s: %s is missing; usage: %s", cmd.Name(), name, cmd.UseLine())
			}
			if i < len(args) && args[i] == "" {
				return fmt.Errorf("%s: %s is empty", cmd.Name(), strings.Trim(name, "[]"))
			}
		}
		if len(args) > len(names) {
			return fmt.Errorf("%s: argument %q: one too many; usage: %s", cmd.Name(), args[len(names)], cmd.UseLine())
		}
		return nil
	}
}

// screen is where results are drawn.
func (c *command) screen() tree.Screen {
	s := tree.ScreenOf(c.env.Stdout, c.env.Getenv)
	s.Now = c.env.Now
	s.Colour = s.Colour && !c.flags.noColour
	return s
}

func (c *command) print(text string) error {
	_, err := io.WriteString(c.env.Stdout, text)
	return err
}

// printJSON writes a value for machines, indented for people.
func (c *command) printJSON(value any) error {
	e := json.NewEncoder(c.env.Stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(value)
}

// connect makes a client for the scheduler that flags and environment name.
func (c *command) connect(retrying func(err error, wait time.Duration)) (*client.Client, error) {
	cfg, err := c.address()
	if err != nil {
		return nil, err
	}
	cfg.Actor, cfg.Retrying = c.flags.actor, retrying
	return client.New(cfg)
}
