package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quobyte/mesos-framework/internal/sandbox"
	model "github.com/quobyte/mesos-framework/internal/sandbox/cluster"
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
	Timing  timing
	Images  []string // NAME=COMMAND
	Journal string   // file, "" for none

	Access accessOptions

	Standbys []string // addresses of masters that do not lead

	Registry          string        // replicated_log, or in_memory: gone with the master; "" is the first
	ReregisterTimeout time.Duration // for agents, to come to a new master; 0 is 10 min
	OfferTimeout      time.Duration // 0 for none
}

// timing are the times of a master that are worth choosing, with the names that they have there.
type timing struct {
	AllocationInterval time.Duration
	HeartbeatInterval  time.Duration
	PingTimeout        time.Duration
	PingTimeouts       int
}

func (o *timing) bind(f *pflag.FlagSet) {
	f.DurationVar(&o.AllocationInterval, "allocation-interval", 500*time.Millisecond, "time between two rounds of offers")
	f.DurationVar(&o.HeartbeatInterval, "heartbeat-interval", 15*time.Second, "time between two HEARTBEAT events")
	f.DurationVar(&o.PingTimeout, "agent-ping-timeout", 15*time.Second, "time that an agent has to answer a ping of the master")
	f.IntVar(&o.PingTimeouts, "max-agent-ping-timeouts", 5, "pings in a row that an agent may miss before it is unreachable")
}

func (o *timing) validate() error {
	var problems *multierror.Error
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"allocation-interval", o.AllocationInterval}, {"heartbeat-interval", o.HeartbeatInterval}, {"agent-ping-timeout", o.PingTimeout},
	} {
		if d.value <= 0 {
			problems = multierror.Append(problems, fmt.Errorf("--%s: %s: must be more than 0", d.name, d.value))
		}
	}
	if o.PingTimeouts < 1 {
		problems = multierror.Append(problems, fmt.Errorf("--max-agent-ping-timeouts: %d: must be 1 or more", o.PingTimeouts))
	}
	return problems.ErrorOrNil()
}

func (o *clusterOptions) bind(f *pflag.FlagSet) {
	f.StringVar(&o.Master, "master-listen", "127.0.0.1:5050", "address of the embedded Mesos master")
	f.StringVar(&o.Network, "network", "127.0.1.", "first three bytes of the hosts' loopback addresses: 127.X.Y")
	f.IntVar(&o.Hosts, "hosts", 5, "number of hosts, 1 to 200")
	f.StringVar(&o.Dir, "dir", "", "directory for the hosts' devices and for state, kept at the end (default: a temporary one)")
}

// complete makes the options uniform, and tells everything that is wrong with them.
func (o *clusterOptions) complete() error {
	var problems *multierror.Error
	if o.Hosts < 1 || o.Hosts > 200 {
		problems = multierror.Append(problems, fmt.Errorf("--hosts: %d: must be 1 to 200", o.Hosts))
	}
	if at, err := netip.ParseAddrPort(o.Master); err != nil || !at.Addr().Is4() {
		problems = multierror.Append(problems, fmt.Errorf("--master-listen: %q: must be IP:PORT, such as 127.0.0.1:5050", o.Master))
	}
	network := strings.TrimSuffix(o.Network, ".") + "."
	if ip, err := netip.ParseAddr(network + "1"); err != nil || !ip.Is4() || !ip.IsLoopback() {
		problems = multierror.Append(problems, fmt.Errorf("--network: %q: must be the first three bytes of loopback addresses, 127.X.Y", o.Network))
	}
	o.Network = network
	for _, standby := range o.Standbys {
		if at, err := netip.ParseAddrPort(standby); err != nil || !at.Addr().Is4() {
			problems = multierror.Append(problems, fmt.Errorf("--standby: %q: must be IP:PORT, such as 127.0.0.1:5060", standby))
		}
	}
	if _, err := o.images(); err != nil {
		problems = multierror.Append(problems, err)
	}
	if _, known := registries[o.Registry]; !known {
		problems = multierror.Append(problems, fmt.Errorf("--registry: %q: must be replicated_log or in_memory", o.Registry))
	}
	if o.ReregisterTimeout < 0 {
		problems = multierror.Append(problems, fmt.Errorf("--agent-reregister-timeout: %s: must not be less than 0", o.ReregisterTimeout))
	}
	if o.OfferTimeout < 0 {
		problems = multierror.Append(problems, fmt.Errorf("--offer-timeout: %s: must not be less than 0", o.OfferTimeout))
	}
	return problems.ErrorOrNil()
}

// registries are the kinds by the names that --registry of a master has for them.
var registries = map[string]model.RegistryKind{"": model.Replicated, "replicated_log": model.Replicated, "in_memory": model.InMemory}

// images are the commands that stand for container images, by their names.
func (o *clusterOptions) images() (map[string]string, error) {
	images := map[string]string{}
	var problems *multierror.Error
	for _, given := range o.Images {
		name, command, ok := strings.Cut(given, "=")
		_, twice := images[name]
		switch {
		case !ok || strings.TrimSpace(name) == "" || strings.TrimSpace(command) == "":
			problems = multierror.Append(problems, fmt.Errorf("--image: %q: must be NAME=COMMAND, such as busybox='exec \"$@\"'", given))
		case twice:
			problems = multierror.Append(problems, fmt.Errorf("--image: %q: the image has a command already", given))
		}
		images[name] = command
	}
	return images, problems.ErrorOrNil()
}

// expect are the minimums that the cluster meets: its first three hosts have registry and metadata devices.
func (o *clusterOptions) expect() map[string]int {
	return map[string]int{quobyte.Registry: min(3, o.Hosts), quobyte.Metadata: min(3, o.Hosts), quobyte.Data: o.Hosts}
}

// cluster is a running embedded cluster.
type cluster struct {
	*sandbox.Sandbox
	dir       string
	temporary bool
	journal   *os.File // nil if there is none
}

// startCluster starts a cluster with complete options. After an error nothing of it is left.
func startCluster(ctx context.Context, o clusterOptions, log *slog.Logger) (*cluster, error) {
	c := &cluster{temporary: o.Dir == ""}
	if err := c.makeDir(o.Dir); err != nil {
		return nil, err
	}
	if err := c.start(ctx, o, log); err != nil {
		return nil, errors.Join(err, c.closeJournal(), c.removeDir())
	}
	return c, nil
}

func (c *cluster) makeDir(dir string) (err error) {
	if c.temporary {
		if c.dir, err = os.MkdirTemp("", "quobyte-mesos-"); err != nil {
			return fmt.Errorf("temporary directory: %w; set TMPDIR to a directory that can be written, or give --dir", err)
		}
		return nil
	}
	if c.dir, err = filepath.Abs(dir); err == nil {
		err = os.MkdirAll(c.dir, 0o755)
	}
	if err != nil {
		return fmt.Errorf("--dir: %w", err)
	}
	return nil
}

func (c *cluster) start(ctx context.Context, o clusterOptions, log *slog.Logger) error {
	hosts, err := sandbox.MakeHosts(c.dir, o.Network, o.Hosts)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("own binary, which supervises tasks: %w", err)
	}
	images, err := o.images()
	if err != nil {
		return err
	}
	cfg := sandbox.Config{
		MasterAddress: o.Master, Standbys: o.Standbys, Agents: sandbox.Agents(hosts), Logger: log, Images: images,
		Supervisor:         []string{self, "sandbox", "supervise", "--"},
		AllocationInterval: o.Timing.AllocationInterval,
		Model: model.Config{
			HeartbeatInterval: o.Timing.HeartbeatInterval, PingTimeout: o.Timing.PingTimeout, PingTimeouts: o.Timing.PingTimeouts,
			Registry: registries[o.Registry], ReregisterTimeout: o.ReregisterTimeout, OfferTimeout: o.OfferTimeout,
		},
	}
	if err := o.Access.complete(&cfg, filepath.Join(c.dir, certificates)); err != nil {
		return err
	}
	if o.Journal != "" {
		// It shows the environment of tasks, which may have secrets.
		if c.journal, err = os.OpenFile(o.Journal, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600); err != nil {
			return fmt.Errorf("--journal: %w", err)
		}
		cfg.Journal = c.journal
	}
	c.Sandbox, err = sandbox.Start(ctx, cfg)
	if err != nil {
		return fmt.Errorf("%w (--master-listen and --network choose the addresses)", err)
	}
	return nil
}

// close ends every task and removes what was only there for the cluster.
func (c *cluster) close() error {
	return errors.Join(c.Sandbox.Close(), c.closeJournal(), c.removeDir())
}

func (c *cluster) closeJournal() error {
	if c.journal == nil {
		return nil
	}
	if err := c.journal.Close(); err != nil {
		return fmt.Errorf("--journal: %w", err)
	}
	return nil
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
the master's address and a command line of serve that fits it, and runs until it is interrupted. No process outlives it.

Tasks are real processes, with real health checks. There is no Docker: --image names a shell command that is run in place of an image, whose $0 is
the image and "$@" what the container would run; CONTAINER_VOLUMES has a line with path inside, tab, path on the host for each of its directories.
Without --image, agents refuse containers as agents without Docker do.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			level, err := (&serveOptions{LogLevel: logLevel}).level()
			if err != nil {
				return err
			}
			if err := multierror.Append(nil, o.complete(), o.Timing.validate()).ErrorOrNil(); err != nil {
				return err
			}
			log := slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: level}))
			c, err := startCluster(cmd.Context(), o, log)
			if err != nil {
				return err
			}
			err = printServe(env.Stdout, strings.Join(c.MasterAddresses(), ","), c.dir, o.expect(), o.Access.serveFlags(filepath.Join(c.dir, certificates))...)
			if err == nil {
				<-cmd.Context().Done()
			}
			return errors.Join(err, c.close())
		},
	}
	o.bind(cmd.Flags())
	o.Timing.bind(cmd.Flags())
	cmd.Flags().StringArrayVar(&o.Standbys, "standby", nil, "IP:PORT of another master, which sends everybody to the leader and takes over when that fails (repeatable)")
	cmd.Flags().StringVar(&o.Registry, "registry", "replicated_log", "replicated_log, which outlives masters, or in_memory, which does not")
	cmd.Flags().DurationVar(&o.ReregisterTimeout, "agent-reregister-timeout", 10*time.Minute, "time that agents have to come to a new master before they are unreachable")
	cmd.Flags().DurationVar(&o.OfferTimeout, "offer-timeout", 0, "time after which an offer that nobody answered is rescinded (default: never)")
	cmd.Flags().StringArrayVar(&o.Images, "image", nil, "NAME=COMMAND: shell command to run in place of a container image; a name without tag is any tag (repeatable)")
	o.Access.bind(cmd.Flags())
	cmd.Flags().StringVar(&o.Journal, "journal", "", "file to write everything to that comes into the cluster and out of it, a line of JSON each (default: none)")
	cmd.Flags().StringVar(&logLevel, "log-level", "warn", "debug, info, warn or error")
	cmd.AddCommand(newSupervise(env), newSandboxHosts(env), newSandboxFault(env), newSandboxReplay(env))
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
			if err := o.complete(); err != nil {
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
			return printServe(env.Stdout, o.Master, dir, o.expect())
		},
	}
	o.bind(cmd.Flags())
	return cmd
}

// printServe prints the master's address and a command line of serve for hosts whose directories lie below dir.
func printServe(w io.Writer, master, dir string, expect map[string]int, further ...string) error {
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
		fmt.Sprintf("--expect registry=%d,metadata=%d,data=%d", expect[quobyte.Registry], expect[quobyte.Metadata], expect[quobyte.Data]),
	}
	flags = append(flags, further...)
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
