package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quobyte/mesos-framework/internal/sandbox"
	"github.com/quobyte/mesos-framework/quobyte"
)

// hostPlaceholder stands for the host's key in directories that the service is told.
const hostPlaceholder = "{host}"

// clusterOptions say what the embedded cluster looks like.
type clusterOptions struct {
	Master  string
	Network string
	Hosts   int
	Dir     string
}

func (o *clusterOptions) bind(f *pflag.FlagSet) {
	f.StringVar(&o.Master, "master-listen", "127.0.0.1:5050", "address of the embedded Mesos master")
	f.StringVar(&o.Network, "network", "127.0.1.", "first three bytes of the hosts' loopback addresses")
	f.IntVar(&o.Hosts, "hosts", 5, "number of hosts, 1 to 200")
	f.StringVar(&o.Dir, "dir", "", "directory for the hosts' devices and for state, kept at the end (default: a temporary one)")
}

func (o *clusterOptions) validate() error {
	if o.Hosts < 1 || o.Hosts > 200 {
		return fmt.Errorf("--hosts: %d: must be 1 to 200", o.Hosts)
	}
	return nil
}

// cluster is a running embedded cluster.
type cluster struct {
	*sandbox.Sandbox
	dir       string
	temporary bool
}

func startCluster(ctx context.Context, o clusterOptions, log *slog.Logger) (c *cluster, err error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	c = &cluster{dir: o.Dir, temporary: o.Dir == ""}
	if c.temporary {
		c.dir, err = os.MkdirTemp("", "quobyte-mesos-")
	} else if c.dir, err = filepath.Abs(o.Dir); err == nil {
		err = os.MkdirAll(c.dir, 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("--dir: %w", err)
	}
	defer func() {
		if err != nil {
			c.removeDir()
		}
	}()
	hosts, err := sandbox.MakeHosts(c.dir, o.Network, o.Hosts)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("own binary, which supervises tasks: %w", err)
	}
	c.Sandbox, err = sandbox.Start(ctx, sandbox.Config{
		MasterAddress: o.Master, Agents: sandbox.Agents(hosts), Logger: log,
		Supervisor: []string{self, "sandbox", "supervise", "--"},
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// close ends every task and removes what was only there for the cluster.
func (c *cluster) close() error {
	return errors.Join(c.Sandbox.Close(), c.removeDir())
}

func (c *cluster) removeDir() error {
	if !c.temporary {
		return nil
	}
	return os.RemoveAll(c.dir)
}

// commandSettings let pods run as plain commands on hosts whose directories lie below dir. They are flags that anybody could
// give; nothing else knows that this is a demo.
func commandSettings(s *quobyte.Settings, dir string, startDelay time.Duration) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("own binary, which stands in for Quobyte: %w", err)
	}
	s.Containerizer = quobyte.Command
	s.ServerCommand = fmt.Sprintf("%s standin --start-delay=%s", quote(self), startDelay)
	s.HostDeviceDirectory = filepath.Join(dir, hostPlaceholder, "devices")
	s.ClientMountPoint = filepath.Join(dir, hostPlaceholder, "mnt")
	return nil
}

func newSandbox(env environment) *cobra.Command {
	var o clusterOptions
	var logLevel string
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Run an embedded Mesos cluster, and nothing else",
		Long: `Run a Mesos-compatible cluster in one process: a master and a number of agents on loopback addresses, each with devices for Quobyte. It prints
the master's address and a command line of serve that fits it, and runs until it is interrupted. No process outlives it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			level, err := (&serveOptions{LogLevel: logLevel}).level()
			if err != nil {
				return err
			}
			log := slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: level}))
			c, err := startCluster(cmd.Context(), o, log)
			if err != nil {
				return err
			}
			err = printServe(env.Stdout, c.MasterAddress(), c.dir)
			if err == nil {
				<-cmd.Context().Done()
			}
			return errors.Join(err, c.close())
		},
	}
	o.bind(cmd.Flags())
	cmd.Flags().StringVar(&logLevel, "log-level", "warn", "debug, info, warn or error")
	cmd.AddCommand(newSupervise(env), newSandboxHosts(env))
	return cmd
}

// newSandboxHosts makes what an agent cannot: devices, for a real Mesos on one machine.
func newSandboxHosts(env environment) *cobra.Command {
	var o clusterOptions
	cmd := &cobra.Command{
		Use:   "hosts --dir DIR --master-listen HOST:PORT",
		Short: "Make only the hosts' directories, to try the framework on a real Mesos whose agents are on one machine",
		Long: `Make the directories of a number of hosts, with devices and client mount points as the sandbox's hosts have them, and print a command line of
serve that fits. Start the agents with --hostname and --ip of the hosts, and --resources='ports:[21000-21011,8888-8889,31000-32000]'.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if o.Dir == "" {
				return errors.New("--dir: missing; give the directory to make the hosts' directories in")
			}
			if err := o.validate(); err != nil {
				return err
			}
			dir, err := filepath.Abs(o.Dir)
			if err != nil {
				return err
			}
			hosts, err := sandbox.MakeHosts(dir, o.Network, o.Hosts)
			if err != nil {
				return err
			}
			for _, h := range hosts {
				fmt.Fprintf(env.Stdout, "host %s  %s\n", h.Name, h.Dir)
			}
			fmt.Fprintln(env.Stdout)
			return printServe(env.Stdout, o.Master, dir)
		},
	}
	o.bind(cmd.Flags())
	return cmd
}

// printServe prints the master's address and a command line of serve for hosts whose directories lie below dir.
func printServe(w io.Writer, master, dir string) error {
	s := quobyte.DefaultSettings()
	if err := commandSettings(&s, dir, 2*time.Second); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	flags := []string{
		"--master " + master,
		"--state-dir " + quote(filepath.Join(dir, "state")),
		"--containerizer command",
		"--server-command " + quote(s.ServerCommand),
		"--host-device-directory " + quote(s.HostDeviceDirectory),
		"--client-mount-point " + quote(s.ClientMountPoint),
	}
	_, err = fmt.Fprintf(w, "master %s\n\nRun the framework on it with\n\n  %s serve \\\n    %s\n", master, quote(self), strings.Join(flags, " \\\n    "))
	return err
}

// quote makes a word safe for a shell.
func quote(s string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-=:,@%+"
	if s != "" && strings.Trim(s, safe) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// newSupervise is what the sandbox runs each task under; it is not for people.
func newSupervise(env environment) *cobra.Command {
	return &cobra.Command{
		Use:    "supervise -- COMMAND...",
		Hidden: true,
		Args:   cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			code := sandbox.SuperviseInherited(args)
			if code == 0 {
				return nil
			}
			return exitCode{code: code, err: errSilent}
		},
	}
}
