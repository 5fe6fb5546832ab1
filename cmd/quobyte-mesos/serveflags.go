package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"
	"github.com/spf13/pflag"

	"github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/engine/zookeeper"
	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/quobyte"
)

// serveOptions are the flags of serve. Where the predecessor had a flag, it has the same name, and means the same.
type serveOptions struct {
	Masters  []string
	StateDir string
	// ZooKeeper is where the state is instead, and the election of the instance that leads.
	ZooKeeper               string
	ZooKeeperSessionTimeout time.Duration

	// AdvertiseURL is where clients are sent that another instance redirects to this one.
	AdvertiseURL string

	Listen   string
	Config   string
	LogLevel string

	FrameworkUser      string
	FrameworkRole      string
	FrameworkPrincipal string
	IgnoreLeftovers    bool
	NewHosts           string // on or off
	OfferConstraints   string // on or off
	OperationFeedback  string // on or off
	FailoverTimeout    time.Duration
	HostKeyAttribute   string
	DiscoveryWindow    time.Duration
	ScoutPatience      time.Duration

	Mesos   mesosOptions
	Quobyte quobyte.Settings
	Record  recordOptions

	refused refusals
}

func defaultServeOptions() serveOptions {
	return serveOptions{
		Listen:        "0.0.0.0:7888",
		LogLevel:      "info",
		FrameworkUser: currentUser(),
		FrameworkRole: "quobyte",
		NewHosts:      "on",

		OfferConstraints: "on",

		OperationFeedback: "on",
		FailoverTimeout:   14 * 24 * time.Hour,
		DiscoveryWindow:   10 * time.Second,

		ZooKeeperSessionTimeout: zookeeper.DefaultSessionTimeout,
		ScoutPatience:           2 * time.Minute,
		Mesos:                   defaultMesosOptions(),
		Quobyte:                 quobyte.DefaultSettings(),
		Record:                  defaultRecordOptions(),
	}
}

// currentUser is the user that tasks run as unless another is named. Mesos refuses a framework without a user.
func currentUser() string {
	u, err := user.Current()
	if err != nil {
		return "root"
	}
	return u.Username
}

// bind declares the flags of serve. Those of the service are apart, because the demo shares them.
func (o *serveOptions) bind(f *pflag.FlagSet) {
	f.StringSliceVar(&o.Masters, "master", o.Masters, "Mesos master: host:port or http(s)://host:port, several are candidates for the leader; or zk://[user:password@]host,…/path")
	f.StringVar(&o.StateDir, "state-dir", o.StateDir, "directory of the durable state; made if it is missing")
	f.StringVar(&o.ZooKeeper, "zk", o.ZooKeeper, "in place of --state-dir: zk://[user:password@]host:port,…/path of the durable state; one of several instances leads")
	f.DurationVar(&o.ZooKeeperSessionTimeout, "zk-session-timeout", o.ZooKeeperSessionTimeout, "with --zk: how long a leader may be out of sight before another takes over")
	f.StringVar(&o.AdvertiseURL, "advertise-url", o.AdvertiseURL, "with --zk: where clients find this instance when another one, which stands by, redirects them to it (default: --framework-url)")
	f.StringVar(&o.Listen, "listen", o.Listen, "address of the HTTP API, which also serves artifacts to the hosts")
	f.StringVar(&o.Config, "config", o.Config, "YAML, TOML or JSON file with values for these flags, by their names")
	f.StringVar(&o.LogLevel, "log-level", o.LogLevel, "debug, info, warn or error")
	f.StringVar(&o.FrameworkUser, "framework-user", o.FrameworkUser, "user that tasks run as")
	f.StringVar(&o.FrameworkRole, "framework-role", o.FrameworkRole, "Mesos role")
	f.StringVar(&o.FrameworkPrincipal, "framework-principal", o.FrameworkPrincipal, "Mesos principal")
	f.DurationVar(&o.FailoverTimeout, "failover-timeout", o.FailoverTimeout, "how long Mesos lets tasks run while the framework is away")
	f.StringVar(&o.HostKeyAttribute, "host-key-attribute", o.HostKeyAttribute, "agent attribute that identifies a host (default: its hostname)")
	f.DurationVar(&o.DiscoveryWindow, "discovery-window", o.DiscoveryWindow, "a rollout takes in hosts until none has come for so long")
	f.DurationVar(&o.ScoutPatience, "prober-patience", o.ScoutPatience, "a rollout goes on without a host whose prober was not heard for so long")
	o.Mesos.bind(f)
	f.StringVar(&o.NewHosts, "new-hosts", o.NewHosts, "on: hosts may join at any time; off: once everything is deployed no offers are asked for (SUPPRESS) until there is work")
	f.StringVar(&o.OfferConstraints, "offer-constraints", o.OfferConstraints, "on: masters from 1.11 on are told which hosts are idle, and do not offer them; off: idle hosts are offered at least once an hour")
	f.StringVar(&o.OperationFeedback, "operation-feedback", o.OperationFeedback, "on: Mesos tells how reservations went; off: for agents that know no operation feedback (before 1.8)")
	f.BoolVar(&o.IgnoreLeftovers, "ignore-leftovers", o.IgnoreLeftovers, "begin anew, although a framework, tasks or reservations show that the service is there already")
	bindQuobyte(f, &o.Quobyte)
	o.Record.bind(f)
}

func bindQuobyte(f *pflag.FlagSet, s *quobyte.Settings) {
	f.StringVar(&s.Name, "framework-name", s.Name, "name of the deployed system")
	f.StringVar(&s.Release, "release", s.Release, "Quobyte release: the tag of the image")
	f.StringVar(&s.Containerizer, "containerizer", s.Containerizer, "docker, or command: pods are plain commands on the host")
	f.StringVar(&s.DockerImage, "docker-image", s.DockerImage, "server image without a tag")
	f.StringVar(&s.ClientImage, "client-image", s.ClientImage, "client image")
	f.StringVar(&s.ServerCommand, "server-command", s.ServerCommand, "with --containerizer=command: command line of the server daemons")
	f.StringVar(&s.ClientCommand, "client-command", s.ClientCommand, "with --containerizer=command: command line of the client (default: the server's)")
	f.StringVar(&s.ProberFrom, "prober-from", s.ProberFrom, "artifact: hosts fetch this binary from the framework; image: --framework-image contains it")
	f.StringVar(&s.FrameworkURL, "framework-url", s.FrameworkURL, "where hosts reach the framework (default: found out)")
	f.StringVar(&s.FrameworkImage, "framework-image", s.FrameworkImage, "image of the prober")
	f.DurationVar(&s.ProbeInterval, "probe-interval", s.ProbeInterval, "time between two scans and health polls of a host")
	f.IntVar(&s.PortRangeBase, "port-range-base", s.PortRangeBase, "first of twelve ports for the daemons")
	f.StringVar(&s.PortsFrom, "ports-from", s.PortsFrom, "offers: ask Mesos for the ports; host: use them without asking (stock agents offer only 31000-32000)")
	f.IntVar(&s.APIPort, "api-port", s.APIPort, "port of the API service")
	f.IntVar(&s.WebconsolePort, "webconsole-port", s.WebconsolePort, "port of the web console")
	f.IntVar(&s.S3Port, "s3-port", s.S3Port, "port of the S3 proxy")
	f.IntVar(&s.ClientPort, "client-port", s.ClientPort, "status port of clients; never asked of Mesos")
	f.StringVar(&s.S3Hostname, "s3-hostname", s.S3Hostname, "domain of the S3 proxy; without it there is none")
	f.StringVar(&s.RegistryDNSName, "registry-dns-name", s.RegistryDNSName, "name to give to daemons in place of the list of registries")
	f.StringVar(&s.HostDeviceDirectory, "host-device-directory", s.HostDeviceDirectory, "where a host's devices are mounted; {host} stands for the host")
	f.StringVar(&s.ClientMountPoint, "client-mount-point", s.ClientMountPoint, "hosts where this directory exists get a client; {host} stands for the host")
	f.StringVar(&s.ExtraServiceConfig, "extra-service-config", s.ExtraServiceConfig, "a line for every daemon's configuration")
	f.IntVar(&s.ServiceDebugPort, "service-debug-port", s.ServiceDebugPort, "port of every daemon's debugger")
	f.BoolVar(&s.EnableAssertions, "enable-assertions", s.EnableAssertions, "enable the daemons' assertions")
	f.BoolVar(&s.AutodetectServiceIP, "autodetect-service-ip", s.AutodetectServiceIP, "let the image find its address; otherwise daemons get the agent's as HOST_IP (plain commands always do)")
	f.StringSliceVar(&s.RestrictHosts, "restrict-hosts", s.RestrictHosts, "the only hosts that may be used")
	f.StringToStringVar(&s.MaxUnavailable, "max-unavailable", s.MaxUnavailable, "how many pods of a type may be down for another one to be restarted: data=2,client=25% (default: 1; of clients a tenth, of probers half)")
	f.StringToStringVar(&s.Settle, "settle", s.Settle, "how long a pod of a type must be ready before another one is restarted (default: registry=30s,metadata=10s,data=10s)")
	f.IntVar(&s.StepAttempts, "step-attempts", s.StepAttempts, "how often a step may fail before its run pauses itself; 0: without end")
	f.DurationVar(&s.StepDeadline, "step-deadline", s.StepDeadline, "how long a step may take from when it began, also while the framework is away, before its run pauses itself; 0: without end")
	f.StringToIntVar(&s.Expect, "expect", s.Expect, "least number of hosts with a device of each type")
	for _, t := range slices.Sorted(maps.Keys(s.Resources)) {
		f.Var(resourcesFlag{of: s.Resources, podType: t}, t+"-resources", "resources of each "+t+" pod")
	}
	f.StringVar(&s.Reserve, "reserve", s.Reserve, "devices: what registry, metadata and data pods get is reserved for them; none: nothing is (reservations outlive the framework)")
	for _, t := range slices.Sorted(maps.Keys(s.PreReservedRoles)) {
		f.Var(roleFlag{of: s.PreReservedRoles, podType: t}, t+"-pre-reserved-role", "Mesos role, such as slave_public, of whose static reservations "+t+" pods get all that they need; its resources are then offered")
	}
	for _, t := range slices.Sorted(maps.Keys(s.Constraints)) {
		f.Var(constraintFlag{of: s.Constraints, podType: t}, t+"-constraint", "hosts for "+t+" pods, as in Marathon: hostname:UNLIKE:gpu.*,@zone:MAX_PER:1")
	}
	for _, t := range slices.Sorted(maps.Keys(s.ExtraRAM)) {
		f.Var(extraRAMFlag{of: s.ExtraRAM, podType: t}, t+"-extra-ram-mb", "part of each "+t+" pod's mem that is not heap, in MB")
	}
}

// tidyDefaults writes the defaults of maps as they are given: without brackets, nothing for none, and in the same order each time.
func tidyDefaults(f *pflag.FlagSet) {
	f.VisitAll(func(f *pflag.Flag) {
		if f.Value.Type() == "stringToString" || f.Value.Type() == "stringToInt" {
			pairs := strings.Split(strings.Trim(f.DefValue, "[]"), ",")
			slices.Sort(pairs)
			f.DefValue = strings.Join(pairs, ",")
		}
	})
}

// constraintFlag is a flag with a placement constraint; Settings.Validate reads it.
type constraintFlag struct {
	of      map[string]string
	podType string
}

func (f constraintFlag) Type() string { return "constraint" }

func (f constraintFlag) String() string {
	if f.of == nil {
		return ""
	}
	return f.of[f.podType]
}

func (f constraintFlag) Set(text string) error {
	f.of[f.podType] = text
	return nil
}

// roleFlag is a flag with a role; Settings.Validate checks it.
type roleFlag struct {
	of      map[string]string
	podType string
}

func (f roleFlag) Type() string { return "role" }

func (f roleFlag) String() string {
	if f.of == nil {
		return ""
	}
	return f.of[f.podType]
}

func (f roleFlag) Set(text string) error {
	f.of[f.podType] = text
	return nil
}

// resourcesFlag is a flag in the predecessor's syntax: cpus:1.0;mem:2084;disk:32.
type resourcesFlag struct {
	of      map[string]offers.Quantities
	podType string
}

func (r resourcesFlag) Type() string { return "resources" }

func (r resourcesFlag) String() string {
	if r.of == nil {
		return ""
	}
	return r.of[r.podType].String()
}

func (r resourcesFlag) Set(text string) error {
	parsed, err := offers.ParseQuantities(text)
	if err != nil {
		return errors.New(strings.Join(problems(err), "; "))
	}
	r.of[r.podType] = parsed
	return nil
}

type extraRAMFlag struct {
	of      map[string]int
	podType string
}

func (r extraRAMFlag) Type() string { return "int" }

func (r extraRAMFlag) String() string {
	if r.of == nil {
		return ""
	}
	return fmt.Sprint(r.of[r.podType])
}

func (r extraRAMFlag) Set(text string) error {
	var mb int
	if n, err := fmt.Sscanf(text, "%d", &mb); n != 1 || err != nil || fmt.Sprint(mb) != text {
		return fmt.Errorf("%q is not a whole number of MB", text)
	}
	r.of[r.podType] = mb
	return nil
}

// validate tells all problems of the flags at once, those of the service included. Each begins with its flag if it is about one.
func (o *serveOptions) validate() error {
	var problems *multierror.Error
	if len(o.Masters) == 0 {
		problems = multierror.Append(problems, errors.New("--master: missing; give host:port of a Mesos master"))
	}
	problems = multierror.Append(problems, o.stateProblems()...)
	problems = multierror.Append(problems, o.advertiseProblems()...)
	if err := checkListen(o.Listen); err != nil {
		problems = multierror.Append(problems, err)
	}
	if _, err := o.level(); err != nil {
		problems = multierror.Append(problems, err)
	}
	for _, t := range []struct{ flag, value, want string }{
		{"framework-user", o.FrameworkUser, "give the user that tasks run as"},
		{"framework-role", o.FrameworkRole, "give a Mesos role, or * for none of its own"},
	} {
		if t.value == "" {
			problems = multierror.Append(problems, fmt.Errorf("--%s: empty; %s", t.flag, t.want))
		}
	}
	for _, d := range []struct {
		flag  string
		value time.Duration
	}{
		{"failover-timeout", o.FailoverTimeout}, {"discovery-window", o.DiscoveryWindow}, {"prober-patience", o.ScoutPatience},
	} {
		if d.value <= 0 {
			problems = multierror.Append(problems, fmt.Errorf("--%s: %s: must be more than 0", d.flag, d.value))
		}
	}
	for _, s := range []struct{ flag, value string }{
		{"new-hosts", o.NewHosts}, {"offer-constraints", o.OfferConstraints}, {"operation-feedback", o.OperationFeedback},
	} {
		if s.value != "on" && s.value != "off" {
			problems = multierror.Append(problems, fmt.Errorf("--%s: %q is unknown; use on or off", s.flag, s.value))
		}
	}
	if o.Quobyte.Reserve == quobyte.ReserveDevices && o.FrameworkRole == "*" {
		problems = multierror.Append(problems, errors.New(`--reserve: devices: nothing can be reserved for --framework-role "*"; give a role of the framework's own, or --reserve=none`))
	}
	problems = multierror.Append(problems, o.mesosProblems()...)
	problems = multierror.Append(problems, o.Record.problems()...)
	problems = multierror.Append(problems, o.Mesos.validate(o.FrameworkRole, o.FrameworkPrincipal))
	service := o.Quobyte
	if service.FrameworkURL == "" {
		service.FrameworkURL = "http://127.0.0.1:7888" // any will do: it is found out when the port is open
	}
	if err := service.Validate(); err != nil {
		problems = multierror.Append(problems, err)
	}
	return problems.ErrorOrNil()
}

// advertiseProblems are those of the address for clients.
func (o *serveOptions) advertiseProblems() []error {
	if o.AdvertiseURL == "" {
		return nil
	}
	if o.ZooKeeper == "" {
		return []error{errors.New("--advertise-url: without --zk there is no other instance that redirects to this one")}
	}
	u, err := url.Parse(o.AdvertiseURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return []error{fmt.Errorf("--advertise-url: %q: must be http://HOST:PORT or https://…, perhaps with a path, and nothing else", o.AdvertiseURL)}
	}
	return nil
}

// stateProblems are those of the place of the state.
func (o *serveOptions) stateProblems() []error {
	var out []error
	switch {
	case o.StateDir == "" && o.ZooKeeper == "":
		return []error{errors.New("--state-dir: missing; give a directory for the durable state, or --zk")}
	case o.ZooKeeper == "":
		return nil
	case o.StateDir != "":
		out = append(out, errors.New("--zk: given together with --state-dir; the state is in one of them (quobyte-mesos state export and import move it)"))
	}
	if o.ZooKeeperSessionTimeout < time.Second || o.ZooKeeperSessionTimeout > 10*time.Minute {
		out = append(out, fmt.Errorf("--zk-session-timeout: %s: must be 1s to 10m", o.ZooKeeperSessionTimeout))
	}
	if _, err := zookeeper.ParseAddress(o.ZooKeeper); err != nil {
		for _, text := range problems(err) {
			out = append(out, errors.New("--zk: "+text))
		}
	}
	return out
}

// mesosProblems are those that the session with Mesos has with the flags. What validate has told itself is replaced.
func (o *serveOptions) mesosProblems() []error {
	c := mesos.Config{
		Masters: o.Masters,
		Framework: mesos.Framework{
			User: cmp.Or(o.FrameworkUser, "root"), Name: cmp.Or(o.Quobyte.Name, "quobyte"), Roles: []string{cmp.Or(o.FrameworkRole, "*")},
		},
	}
	if len(c.Masters) == 0 {
		c.Masters = []string{"127.0.0.1:5050"}
	}
	_, err := mesos.New(c)
	if err == nil {
		return nil
	}
	var out []error
	for _, text := range problems(err) {
		text = strings.Replace(text, "framework role", "framework-role", 1)
		out = append(out, errors.New("--"+text))
	}
	return out
}

// checkListen says what is wrong with an address to listen on, as far as that can be seen without trying.
func checkListen(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil || strings.ContainsAny(host, "/@?# ") {
		return fmt.Errorf("--listen: %q: must be HOST:PORT, such as 0.0.0.0:7888", address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("--listen: %q: %q is not a port number, 0 to 65535", address, port)
	}
	return nil
}

func (o *serveOptions) level() (slog.Level, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.LogLevel)); err != nil {
		return 0, fmt.Errorf("--log-level: %q: must be debug, info, warn or error", o.LogLevel)
	}
	return level, nil
}
