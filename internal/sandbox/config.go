package sandbox

import (
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/go-multierror"
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// DefaultMasterAddress is where a Mesos master listens, on loopback.
const DefaultMasterAddress = "127.0.0.1:5050"

// DefaultAgentPort is where a Mesos agent listens.
const DefaultAgentPort = 5051

// defaultPath is the PATH of tasks.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Config describes a sandbox.
type Config struct {
	// MasterAddress is an IPv4 address with a port; port 0 means any free one. Default DefaultMasterAddress.
	MasterAddress string

	// Standbys are addresses of further masters, as MasterAddress. They send everybody to the one that leads, until it fails and
	// one of them takes over. Default: none.
	Standbys []string

	// Agents are the machines of the cluster, in the order in which they register. May be empty.
	Agents []Agent

	// Supervisor is the command, with its first arguments, that calls Supervise with the further arguments that it is
	// given. Required if there are agents.
	Supervisor []string // not needed with a Runner

	// AllocationInterval is the time between two rounds of offers. Default 500 ms (Mesos: 1 s).
	AllocationInterval time.Duration

	// RegistrationLimit is how long an executor may take to subscribe. Default 1 min, as in Mesos.
	RegistrationLimit time.Duration

	// Path is the PATH of tasks. Default: the usual system directories.
	Path string

	// Images names the shell command that is run in place of each image, be it in a Docker container or in one of Mesos. A name
	// without a tag stands for all of its tags. The command's $0 is the image, and "$@" what the container would run; it gets
	// the task's environment, and CONTAINER_VOLUMES with a line for each directory of the host that the container has: path in
	// the container, tab, path on the host. Without images, agents have no Docker.
	Images map[string]string

	// Model tells the model more than the fields above do: intervals, timeouts, the domain of the master. MasterID and NewID
	// default to random ones; addresses are those that the sandbox listens on, whatever is said here.
	Model cluster.Config

	// Runner runs the containers. Default: each is a real process below a Supervisor, with volumes as real directories.
	Runner Runner

	// Listen opens the socket of a master or an agent. Default: a TCP socket of the system.
	Listen func(address string) (net.Listener, error)

	// Credentials are secrets by principal. Schedulers must show one, in HTTP basic authentication, and be the framework's
	// principal. nil means that nobody is asked, unless there are ServiceAccounts.
	Credentials map[string]string

	// AuthenticateOperators asks those who call the operator API and the version 0 endpoints for a credential as well, but not for health, version
	// and who leads. AuthenticateExecutors gives executors a token and asks them for it.
	AuthenticateOperators, AuthenticateExecutors bool

	// ServiceAccounts are the keys of those who may log in as with DC/OS, by uid, which is then the principal: with a token that they have signed,
	// at /acs/api/v1/auth/login of a master. nil means that there are none.
	ServiceAccounts map[string]*rsa.PublicKey

	// TLS lets masters and agents speak it. nil means plain HTTP.
	TLS *TLS

	// Journal gets a line of JSON, a JournalLine, for everything that comes into the model and out of it, and for every fault, in
	// order. It is written to while everything else waits, one line at a time, and not any more after an error, which is
	// logged. Default: there is none.
	Journal io.Writer

	// Logger gets what happens. Default: nothing is logged.
	Logger *slog.Logger
}

// Agent describes one machine of the cluster.
type Agent struct {
	Hostname   string // default: IP
	IP         string // IPv4 loopback address, its own for each agent unless Port differs
	Port       int    // 0 means DefaultAgentPort; AnyPort means any free one
	Resources  Resources
	Further    []mesos.Resource // what Resources can't say, such as what is statically reserved
	Attributes []Attribute
	// FurtherAttributes is what Attributes can't say, such as numbers. They come first.
	FurtherAttributes []mesos.Attribute
	Domain            *mesos.DomainInfo // default: unknown, which means that of the master
	// WorkDir is where sandboxes of tasks and persistent volumes are made, and where the agent keeps its id and what is
	// reserved for its next start. Created if it is not there; no two agents have the same.
	WorkDir string
}

// AnyPort as an agent's port lets the system choose.
const AnyPort = -1

// Resources are what an agent offers unreserved.
type Resources struct {
	CPUs  float64
	Mem   float64 // MB
	Disk  float64 // MB
	Ports []PortRange
	// Mounts are disks that are given as a whole or not at all. A volume on one is the directory itself.
	Mounts []Mount
}

// Mount is a MOUNT disk of an agent. Any directory will do; a relative one is below the work directory. It is made when
// a volume is created on it.
type Mount struct {
	Root string
	MB   float64
}

// PortRange is a closed interval of ports.
type PortRange struct {
	Begin, End uint16
}

// Attribute is a text attribute of an agent, such as rack r1.
type Attribute struct {
	Name, Value string
}

// complete fills in defaults and names everything that is wrong.
func (cfg Config) complete() (Config, error) {
	var problems *multierror.Error
	fail := func(format string, args ...any) { problems = multierror.Append(problems, fmt.Errorf(format, args...)) }
	if cfg.MasterAddress == "" {
		cfg.MasterAddress = DefaultMasterAddress
	}
	if err := checkAddress(cfg.MasterAddress); err != nil {
		fail("master address %q: %w", cfg.MasterAddress, err)
	}
	for _, address := range cfg.Standbys {
		if err := checkAddress(address); err != nil {
			fail("standby %q: %w", address, err)
		}
	}
	if cfg.AllocationInterval <= 0 {
		cfg.AllocationInterval = 500 * time.Millisecond
	}
	if cfg.Path == "" {
		cfg.Path = defaultPath
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	cfg.Agents = append([]Agent(nil), cfg.Agents...)
	for i := range cfg.Agents {
		if err := cfg.Agents[i].complete(); err != nil {
			fail("agent %d: %w", i, err)
		}
		for j, other := range cfg.Agents[:i] {
			if dir := cfg.Agents[i].WorkDir; dir != "" && dir == other.WorkDir {
				fail("agent %d: work directory %q: it is that of agent %d", i, dir, j)
			}
		}
	}
	for _, problem := range imageProblems(cfg.Images) {
		fail("%w", problem)
	}
	cfg.Model.Docker = cfg.Model.Docker || len(cfg.Images) > 0
	if cfg.Listen == nil {
		cfg.Listen = listenOn
	}
	if cfg.TLS != nil {
		secure, err := cfg.TLS.config()
		if err != nil {
			fail("TLS: %w", err)
		}
		open := cfg.Listen
		cfg.Listen = func(address string) (net.Listener, error) {
			listener, err := open(address)
			if err != nil {
				return nil, err
			}
			return tls.NewListener(listener, secure), nil
		}
	}
	if len(cfg.Agents) > 0 && cfg.Runner == nil {
		supervisor, err := completeSupervisor(cfg.Supervisor)
		if err != nil {
			fail("supervisor: %w", err)
		}
		cfg.Supervisor = supervisor
	}
	return cfg, problems.ErrorOrNil()
}

// completeSupervisor makes the program's path absolute, since tasks start in directories of their own.
func completeSupervisor(command []string) ([]string, error) {
	if len(command) == 0 {
		return nil, errors.New("missing: name the command that calls sandbox.Supervise")
	}
	program, err := exec.LookPath(command[0])
	if err != nil {
		return nil, err
	}
	if program, err = filepath.Abs(program); err != nil {
		return nil, err
	}
	return append([]string{program}, command[1:]...), nil
}

func (a *Agent) complete() error {
	if a.Port == 0 {
		a.Port = DefaultAgentPort
	}
	if a.Hostname == "" {
		a.Hostname = a.IP
	}
	if ip := net.ParseIP(a.IP); ip == nil || ip.To4() == nil {
		return fmt.Errorf("ip %q: want an IPv4 address such as 127.0.1.1", a.IP)
	}
	if a.Port < AnyPort || a.Port > 65535 {
		return fmt.Errorf("port %d: want 1 to 65535, or AnyPort", a.Port)
	}
	if a.WorkDir == "" {
		return errors.New("work directory: missing")
	}
	dir, err := filepath.Abs(a.WorkDir)
	if err != nil {
		return fmt.Errorf("work directory %q: %w", a.WorkDir, err)
	}
	a.WorkDir = dir
	if err := cluster.CheckResources(a.wireResources()); err != nil {
		return fmt.Errorf("resources: %w", err)
	}
	return nil
}

func (a *Agent) address() string { return net.JoinHostPort(a.IP, strconv.Itoa(max(a.Port, 0))) }

func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return errors.New("want IP:PORT such as " + DefaultMasterAddress)
	}
	if ip := net.ParseIP(host); ip == nil || ip.To4() == nil {
		return fmt.Errorf("host %q: want an IPv4 address", host)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("port %q: want 0 to 65535", port)
	}
	return nil
}

func (a *Agent) wireResources() []mesos.Resource { return append(a.Resources.wire(), a.Further...) }

func (r Resources) wire() []mesos.Resource {
	var list []mesos.Resource
	for _, scalar := range []struct {
		name  string
		value float64
	}{{"cpus", r.CPUs}, {"mem", r.Mem}, {"disk", r.Disk}} {
		if scalar.value > 0 {
			list = append(list, cluster.Scalar(scalar.name, scalar.value))
		}
	}
	if len(r.Ports) > 0 {
		var spans []cluster.Span
		for _, p := range r.Ports {
			spans = append(spans, cluster.Span{Begin: uint64(p.Begin), End: uint64(p.End)})
		}
		list = append(list, cluster.Ranges("ports", spans...))
	}
	for _, mount := range r.Mounts {
		disk := cluster.Scalar("disk", mount.MB)
		disk.Disk = &mesos.Resource_DiskInfo{Source: &mesos.Resource_DiskInfo_Source{
			Type:  mesos.Resource_DiskInfo_Source_MOUNT,
			Mount: &mesos.Resource_DiskInfo_Source_Mount{Root: &mount.Root},
		}}
		list = append(list, disk)
	}
	return list
}

func (a *Agent) wireAttributes() []mesos.Attribute {
	list := slices.Clone(a.FurtherAttributes)
	for _, attribute := range a.Attributes {
		list = append(list, mesos.Attribute{
			Name: attribute.Name, Type: mesos.TEXT, Text: &mesos.Value_Text{Value: attribute.Value},
		})
	}
	return list
}
