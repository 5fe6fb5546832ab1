package cluster

import (
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// An Effect is something for the caller to do. It is one of the types of this file.
type Effect interface{ effect() }

// SendToScheduler puts one event on the stream of a subscription.
type SendToScheduler struct {
	Stream string
	Event  *scheduler.Event
}

// CloseScheduler ends a subscription's stream, after what was sent before. Disconnect is not called for it.
type CloseScheduler struct {
	Stream string
}

// CutScheduler breaks the connection of a subscription, without the end that HTTP asks for. Disconnect is not called
// for it.
type CutScheduler struct {
	Stream string
}

// CutOperator is CutScheduler for a subscription to the operator API.
type CutOperator struct {
	Stream string
}

// AgentRegistered says that an agent got an id, other than by AddAgent. The effects before it know the agent by the
// former one, those after it by the new one.
type AgentRegistered struct {
	Agent    string
	Former   string // "" if it had none
	Hostname string
}

// SendToOperator puts one event on the stream of a subscription to the operator API.
type SendToOperator struct {
	Stream string
	Event  *master.Event
}

// SendToExecutor puts one event on the stream of an executor.
type SendToExecutor struct {
	Stream string
	Event  *executor.Event
}

// CloseExecutor ends an executor's stream, after what was sent before. ExecutorDisconnect is not called for it.
type CloseExecutor struct {
	Stream string
}

// StartProcess runs a command in a new container: its URIs are fetched, then its command is executed. The caller
// answers with ProcessStarted, ProcessFailed or ContainerRefused.
type StartProcess struct {
	Container string // unique for ever
	Parent    string // the container that it is within, "" if it is in none
	Agent     string
	Framework string
	Executor  string // for a command task the id of the task, as in Mesos
	Task      string // "" for a custom executor
	Command   *mesos.CommandInfo
	User      string // who it is to run as
	// CustomExecutor says that the command speaks the executor API, so that it needs the MESOS_* environment.
	CustomExecutor bool
	// DefaultExecutor says that this is the container that those of task groups are within. There is nothing to run in it,
	// and Command is nil: it is there when it is made, and gone when it is signaled with Kill.
	DefaultExecutor bool
	Checkpoint      bool // of the framework
	// ShutdownGrace and ReregistrationLimit are what a custom executor is told: how long it has after SHUTDOWN, and to
	// subscribe again when its agent was started again.
	ShutdownGrace       time.Duration
	ReregistrationLimit time.Duration
	// Image is what it is to run in, "" for none. If the caller has no such image, it answers with ProcessFailed. Docker says
	// that the answer is ImagePulled first if it has, and may then be ContainerNotRun.
	Image         string
	Docker        bool
	ContainerInfo *mesos.ContainerInfo // all else that was asked for, nil for nothing
	Volumes       []Volume
}

// PerformCheck asks for one check of a running task. The caller answers with Checked when it knows, or when Timeout is
// over; no other check of that kind is asked for meanwhile. It is void if the container is gone. One of Command, HTTP and
// TCP is set.
type PerformCheck struct {
	Container string
	Agent     string
	Health    bool               // it is the health check
	Command   *mesos.CommandInfo // to be executed where the task is, with its environment
	HTTP      *HTTPCheck
	TCP       *TCPCheck
	Timeout   time.Duration // 0 means that it may take for ever
}

// HTTPCheck is a GET at the task's own address.
type HTTPCheck struct {
	Scheme string // http or https
	Port   uint32
	Path   string // "" or beginning with a slash
}

// TCPCheck is a connection to the task's own address.
type TCPCheck struct {
	Port uint32
}

// MountVolumes says which persistent volumes the container of a custom executor has from now on. It is void if the
// container is gone.
type MountVolumes struct {
	Container string
	Volumes   []Volume
}

// CreateVolume makes room for a persistent volume on an agent. It is there before anything is started on it.
type CreateVolume struct {
	Agent  string
	Volume Volume
}

// DestroyVolume removes a persistent volume with everything in it.
type DestroyVolume struct {
	Agent  string
	Volume Volume
}

// CheckpointResources is what an agent has reserved and made into volumes by operations. It needs it when it starts
// again: see Restore.
type CheckpointResources struct {
	Agent     string
	Resources []mesos.Resource
}

// A Signal is what a process can be told.
type Signal int

const (
	// Terminate asks the processes of the container to end.
	Terminate Signal = iota + 1
	// Kill ends them. It can come while the process is still being started.
	Kill
)

func (s Signal) String() string {
	if s == Terminate {
		return "TERM"
	}
	return "KILL"
}

// SignalProcess signals all processes of a container. It is void if they are gone.
type SignalProcess struct {
	Container string
	Signal    Signal
}

func (SendToScheduler) effect()     {}
func (CloseScheduler) effect()      {}
func (CutScheduler) effect()        {}
func (CutOperator) effect()         {}
func (AgentRegistered) effect()     {}
func (SendToOperator) effect()      {}
func (SendToExecutor) effect()      {}
func (CloseExecutor) effect()       {}
func (StartProcess) effect()        {}
func (SignalProcess) effect()       {}
func (PerformCheck) effect()        {}
func (MountVolumes) effect()        {}
func (CreateVolume) effect()        {}
func (DestroyVolume) effect()       {}
func (CheckpointResources) effect() {}
