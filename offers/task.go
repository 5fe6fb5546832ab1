package offers

import "time"

// Task is what Mesos is asked to run, our own small form of a v1 TaskInfo. What a service leaves open, Placement.Launch
// fills in: ids of agent, resources, and the ports and volumes that it was given.
type Task struct {
	ID        string
	Name      string
	AgentID   string
	Resources Resources
	Command   Command // of a command task; unused when Executor is set
	Container *Container
	Executor  *Executor
	KillGrace time.Duration // zero: Mesos's default, 3 s
	Discovery *Discovery
	Labels    []Label
	Data      []byte // handed to a custom executor
}

// Command is a CommandInfo.
type Command struct {
	// Shell runs Value with /bin/sh -c; otherwise Value is the binary (or empty for the image's entry point) and Args are
	// the arguments, argv[0] included.
	Shell bool
	Value string
	Args  []string
	Env   []Var
	URIs  []URI
	User  string // empty: the framework's user
}

// Var is a name and its value.
type Var struct{ Name, Value string }

// URI is a file that the agent fetches into the sandbox before the command starts.
type URI struct {
	Value      string
	Executable bool
	Cache      bool
	OutputFile string
}

// Containerizer is what runs a container.
type Containerizer string

// The containerizers. Docker needs an image; Mesos (the agent's own) takes one, or shows the host's file system.
const (
	DockerContainer Containerizer = "DOCKER"
	MesosContainer  Containerizer = "MESOS"
)

// The networks that every agent has; any other name is that of a network which the cluster's operator has set up.
const (
	HostNetwork   = ""
	BridgeNetwork = "bridge"
	NoNetwork     = "none"
)

// Container is a ContainerInfo. A task without one runs on the host as it is.
type Container struct {
	// Type is the containerizer; empty means Docker.
	Type  Containerizer
	Image string
	// Network is HostNetwork, BridgeNetwork, NoNetwork or the name of another one.
	Network string
	// PortMappings lead ports of the host to ports in the container, where Network is not the host's. Placement.Launch adds
	// those of the requirement's ports that have a ContainerPort.
	PortMappings []PortMapping
	Privileged   bool // Docker only
	ForcePull    bool
	Volumes      []HostVolume
	Parameters   []Var // of the docker command; Docker only
}

// PortMapping leads a port of the host to one in a container.
type PortMapping struct {
	HostPort, ContainerPort uint64
	Protocol                string // tcp or udp; empty: tcp
}

// HostVolume binds a host path into a container.
type HostVolume struct {
	HostPath, ContainerPath string
	ReadOnly                bool
}

// Executor is an ExecutorInfo of type CUSTOM. Its id must never be used twice: an agent refuses a second, different
// executor under an id it knows.
type Executor struct {
	ID        string
	Name      string
	Source    string
	Resources Resources
	Command   Command
	Container *Container
}

// Visibility is how far a task is to be found. Mesos only passes it on.
type Visibility string

// The visibilities; an empty one means External.
const (
	FrameworkOnly Visibility = "FRAMEWORK"
	ClusterWide   Visibility = "CLUSTER"
	External      Visibility = "EXTERNAL"
)

// Discovery is a DiscoveryInfo. Placement.Launch adds the requirement's ports that are marked for it.
type Discovery struct {
	Name, Version string
	Visibility    Visibility
	Ports         []DiscoveryPort
}

// DiscoveryPort is a port by which a task is to be found.
type DiscoveryPort struct {
	Name     string
	Number   uint64
	Protocol string // tcp or udp; empty: tcp
	Labels   []Label
}
