package direct

import (
	"fmt"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// Cluster is a model that is spoken to in bytes.
type Cluster struct{ Model *cluster.Cluster }

// Effect is something for the caller to do: one of the types below.
type Effect interface{ effect() }

// Record is one event for the stream of a scheduler, in protobuf.
type Record struct {
	Stream string
	Bytes  []byte
}

// Ended says that the stream of a scheduler has ended, after what was sent before.
type Ended struct{ Stream string }

// Registered says that an agent has another id from now on; Former is empty if it never had one.
type Registered struct{ Former, ID, Hostname string }

// Start asks for the process of a container. Answer with Started or Failed.
type Start struct {
	Container, Agent, Framework string
	Executor                    string // the id of the task, if Custom is false
	Custom                      bool   // it speaks the executor API
	Command                     string
}

// Signal tells the processes of a container to end: by SIGKILL if Kill is set, by SIGTERM if not.
type Signal struct {
	Container string
	Kill      bool
}

// ToExecutor is one event for the stream of an executor.
type ToExecutor struct {
	Stream string
	Type   ExecutorEvent
	TaskID string // of Launch, Kill and Acknowledged
	Data   []byte // of Message
	UUID   []byte // of Acknowledged
}

// ExecutorEvent is the type of an event for an executor.
type ExecutorEvent string

// The events that executors are sent.
const (
	Subscribed   ExecutorEvent = "SUBSCRIBED"
	Launch       ExecutorEvent = "LAUNCH"
	Kill         ExecutorEvent = "KILL"
	Acknowledged ExecutorEvent = "ACKNOWLEDGED"
	Message      ExecutorEvent = "MESSAGE"
	Shutdown     ExecutorEvent = "SHUTDOWN"
)

// ExecutorEnded says that the stream of an executor has ended.
type ExecutorEnded struct{ Stream string }

func (Record) effect()        {}
func (Ended) effect()         {}
func (Registered) effect()    {}
func (Start) effect()         {}
func (Signal) effect()        {}
func (ToExecutor) effect()    {}
func (ExecutorEnded) effect() {}

// Answer is what a master answers a call with.
type Answer struct {
	Status int
	Text   string
}

// Subscribe hands in a SUBSCRIBE. With a status of 200 there is a stream.
func (c Cluster) Subscribe(now time.Time, body []byte) (string, Answer, []Effect) {
	call, constraints, answer := decode(body)
	if answer.Status != 0 {
		return "", answer, nil
	}
	stream, effects := c.Model.SubscribeConstrained(now, call, constraints)
	if stream == "" {
		answer, _ = c.Unavailable()
		return "", answer, translate(effects)
	}
	return stream, Answer{Status: 200}, translate(effects)
}

// Call hands in any other call.
func (c Cluster) Call(now time.Time, stream string, body []byte) (Answer, []Effect) {
	call, constraints, answer := decode(body)
	if answer.Status != 0 {
		return answer, nil
	}
	a, effects := c.Model.CallConstrained(now, stream, call, constraints)
	return Answer{Status: a.Status, Text: a.Text}, translate(effects)
}

func decode(body []byte) (*scheduler.Call, *cluster.OfferConstraints, Answer) {
	call, constraints := &scheduler.Call{}, &cluster.CallConstraints{}
	err := call.Unmarshal(body)
	if err == nil && (call.Subscribe != nil || call.UpdateFramework != nil) { // no other call has any
		err = constraints.Unmarshal(body)
	}
	if err != nil {
		return nil, nil, Answer{400, "Failed to parse body into Call protobuf"}
	}
	if err := cluster.Validate(call); err != nil {
		return nil, nil, Answer{400, "Failed to validate scheduler::Call: " + err.Error()}
	}
	return call, constraints.Constraints(), Answer{}
}

// Disconnect says that the connection of a stream has ended.
func (c Cluster) Disconnect(now time.Time, stream string) []Effect {
	return translate(c.Model.Disconnect(now, stream))
}

// Tick does what is due by now.
func (c Cluster) Tick(now time.Time) []Effect { return translate(c.Model.Tick(now)) }

// Started says that the process of a container runs.
func (c Cluster) Started(now time.Time, container string, pid int) []Effect {
	return translate(c.Model.ProcessStarted(now, container, pid))
}

// Failed says that the process of a container could not be started.
func (c Cluster) Failed(now time.Time, container, problem string) []Effect {
	return translate(c.Model.ProcessFailed(now, container, problem))
}

// Exited says that the processes of a container are gone; status is as of wait(2).
func (c Cluster) Exited(now time.Time, container string, status int) []Effect {
	return translate(c.Model.ProcessExited(now, container, cluster.Exit{Status: status}))
}

// Executor names an executor of a framework on an agent.
type Executor struct{ Agent, Framework, ID string }

func (e Executor) call(kind executor.Call_Type) *executor.Call {
	return &executor.Call{
		Type: kind, FrameworkID: mesos.FrameworkID{Value: e.Framework}, ExecutorID: mesos.ExecutorID{Value: e.ID},
	}
}

// Update is a status of a task that an executor has.
type Update struct {
	TaskID  string
	State   string // without TASK_
	Message string
	Data    []byte
	UUID    []byte // 16 bytes
}

func (u Update) status() mesos.TaskStatus {
	state := mesos.TaskState(mesos.TaskState_value["TASK_"+u.State])
	source := mesos.SOURCE_EXECUTOR
	s := mesos.TaskStatus{TaskID: mesos.TaskID{Value: u.TaskID}, State: &state, Source: &source, Data: u.Data, UUID: u.UUID}
	if u.Message != "" {
		s.Message = &u.Message
	}
	return s
}

// ExecutorSubscribe hands in the SUBSCRIBE of an executor, with the updates that its agent has not acknowledged, and the tasks of which it has
// acknowledged none. With a status of 200 there is a stream.
func (c Cluster) ExecutorSubscribe(now time.Time, e Executor, pending []Update, tasks []string) (string, Answer, []Effect) {
	call := e.call(executor.Call_SUBSCRIBE)
	call.Subscribe = &executor.Call_Subscribe{}
	for _, id := range tasks {
		call.Subscribe.UnacknowledgedTasks = append(call.Subscribe.UnacknowledgedTasks, mesos.TaskInfo{TaskID: mesos.TaskID{Value: id}})
	}
	for _, u := range pending {
		call.Subscribe.UnacknowledgedUpdates = append(call.Subscribe.UnacknowledgedUpdates, executor.Call_Update{Status: u.status()})
	}
	stream, a, effects := c.Model.ExecutorSubscribe(now, e.Agent, call)
	return stream, Answer{Status: a.Status, Text: a.Text}, translate(effects)
}

// ExecutorUpdate hands in the UPDATE of an executor.
func (c Cluster) ExecutorUpdate(now time.Time, e Executor, u Update) (Answer, []Effect) {
	call := e.call(executor.Call_UPDATE)
	call.Update = &executor.Call_Update{Status: u.status()}
	if err := cluster.ValidateExecutorCall(call); err != nil {
		return Answer{400, "Failed to validate Executor::Call: " + err.Error()}, nil
	}
	a, effects := c.Model.ExecutorCall(now, e.Agent, call)
	return Answer{Status: a.Status, Text: a.Text}, translate(effects)
}

func translate(effects []cluster.Effect) []Effect {
	out := make([]Effect, 0, len(effects))
	for _, e := range effects {
		switch e := e.(type) {
		case cluster.SendToScheduler:
			record, err := e.Event.Marshal()
			if err != nil {
				panic(fmt.Sprintf("event %s: %v", e.Event.Type, err)) // the model makes events that can be sent
			}
			out = append(out, Record{e.Stream, record})
		case cluster.CloseScheduler:
			out = append(out, Ended{e.Stream})
		case cluster.CutScheduler:
			out = append(out, Ended{e.Stream})
		case cluster.AgentRegistered:
			out = append(out, Registered{Former: e.Former, ID: e.Agent, Hostname: e.Hostname})
		case cluster.StartProcess:
			out = append(out, Start{
				Container: e.Container, Agent: e.Agent, Framework: e.Framework, Executor: e.Executor, Custom: e.CustomExecutor,
				Command: e.Command.GetValue(),
			})
		case cluster.SignalProcess:
			out = append(out, Signal{e.Container, e.Signal == cluster.Kill})
		case cluster.SendToExecutor:
			if e.Event.Type != executor.Event_HEARTBEAT { // which asks nothing of anybody
				out = append(out, toExecutor(e))
			}
		case cluster.CloseExecutor:
			out = append(out, ExecutorEnded{e.Stream})
		}
	}
	return out
}

func toExecutor(e cluster.SendToExecutor) ToExecutor {
	out := ToExecutor{Stream: e.Stream, Type: ExecutorEvent(e.Event.Type.String())}
	switch e.Event.Type {
	case executor.Event_LAUNCH:
		out.TaskID = e.Event.Launch.Task.TaskID.Value
	case executor.Event_KILL:
		out.TaskID = e.Event.Kill.TaskID.Value
	case executor.Event_ACKNOWLEDGED:
		out.TaskID, out.UUID = e.Event.Acknowledged.TaskID.Value, e.Event.Acknowledged.UUID
	case executor.Event_MESSAGE:
		out.Data = e.Event.Message.Data
	}
	return out
}

// Disk is a disk of a host that is offered as a whole.
type Disk struct {
	Root string // where it is mounted
	MB   float64
}

// Host is what an agent is made of.
type Host struct {
	Hostname, IP    string
	CPUs            float64
	MemMB, DiskMB   float64
	Ports           [][2]uint64
	Disks           []Disk
	TextAttributes  map[string]string
	AttributesOrder []string // the names of TextAttributes in the order in which they are told
}

// AddAgent registers an agent.
func (c Cluster) AddAgent(now time.Time, h Host) (string, []Effect) {
	id, effects := c.Model.AddAgent(now, cluster.AgentConfig{
		Hostname: h.Hostname, IP: h.IP, Port: 5051, Resources: h.resources(), Attributes: h.attributes(),
	})
	return id, translate(effects)
}

func (h Host) resources() []mesos.Resource {
	scalar := func(name string, value float64) mesos.Resource {
		kind := mesos.SCALAR
		return mesos.Resource{Name: name, Type: &kind, Scalar: &mesos.Value_Scalar{Value: value}}
	}
	list := []mesos.Resource{scalar("cpus", h.CPUs), scalar("mem", h.MemMB), scalar("disk", h.DiskMB)}
	kind := mesos.RANGES
	ports := mesos.Resource{Name: "ports", Type: &kind, Ranges: &mesos.Value_Ranges{}}
	for _, p := range h.Ports {
		ports.Ranges.Range = append(ports.Ranges.Range, mesos.Value_Range{Begin: p[0], End: p[1]})
	}
	list = append(list, ports)
	for _, d := range h.Disks {
		disk, root := scalar("disk", d.MB), d.Root
		disk.Disk = &mesos.Resource_DiskInfo{Source: &mesos.Resource_DiskInfo_Source{
			Type: mesos.Resource_DiskInfo_Source_MOUNT, Mount: &mesos.Resource_DiskInfo_Source_Mount{Root: &root},
		}}
		list = append(list, disk)
	}
	return list
}

func (h Host) attributes() []mesos.Attribute {
	var list []mesos.Attribute
	for _, name := range h.AttributesOrder {
		list = append(list, mesos.Attribute{Name: name, Type: mesos.TEXT, Text: &mesos.Value_Text{Value: h.TextAttributes[name]}})
	}
	return list
}
