package machine

import (
	"time"

	"github.com/quobyte/mesos-framework/offers"
)

// Task is what Mesos is asked to run. It is our own small form of a v1 TaskInfo.
type Task struct {
	ID        string
	Name      string
	AgentID   string
	Role      string // allocation role of its resources
	Resources offers.Quantities
	Command   Command // of a command task; unused when Executor is set
	Container *Container
	Executor  *Executor
	KillGrace time.Duration // zero: Mesos's default, 3 s
	Discovery *Discovery
	Labels    []Var
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

// Container is a ContainerInfo of type DOCKER on the host's network.
type Container struct {
	Image      string
	Privileged bool
	ForcePull  bool
	Volumes    []Volume
	Parameters []Var
}

// Volume binds a host path into a container.
type Volume struct {
	HostPath, ContainerPath string
	ReadOnly                bool
}

// Executor is an ExecutorInfo of type CUSTOM. Its id must never be used twice: an agent refuses a second, different
// executor under an id it knows.
type Executor struct {
	ID        string
	Name      string
	Source    string
	Resources offers.Quantities
	Command   Command
	Container *Container
}

// Discovery is a DiscoveryInfo with visibility EXTERNAL.
type Discovery struct {
	Name, Version string
	Ports         []offers.Port
}

// TaskState is a Mesos task state without its TASK_ prefix.
type TaskState string

// The states of Mesos 1.x with PARTITION_AWARE.
const (
	Staging        TaskState = "STAGING"
	Starting       TaskState = "STARTING"
	Running        TaskState = "RUNNING"
	Killing        TaskState = "KILLING"
	Finished       TaskState = "FINISHED"
	Failed         TaskState = "FAILED"
	Killed         TaskState = "KILLED"
	Errored        TaskState = "ERROR"
	Lost           TaskState = "LOST"
	Dropped        TaskState = "DROPPED"
	Unreachable    TaskState = "UNREACHABLE"
	Gone           TaskState = "GONE"
	GoneByOperator TaskState = "GONE_BY_OPERATOR"
	Unknown        TaskState = "UNKNOWN"
)

// TaskStatus is what Mesos says about a task.
type TaskStatus struct {
	TaskID     string
	State      TaskState
	Source     string // MASTER, AGENT or EXECUTOR (the SOURCE_ prefix is dropped)
	Reason     string // without the REASON_ prefix; often empty
	Message    string
	AgentID    string
	ExecutorID string
	// UUID is 16 bytes for updates that must be acknowledged, nil for those that must not be (made by the master).
	UUID []byte
	// Data is what a custom executor attached.
	Data []byte
	// Timestamp is the time of the update by its maker's clock.
	Timestamp time.Time
}
