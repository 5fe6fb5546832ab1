package executor

import (
	"fmt"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	exec "github.com/mesos/mesos-go/api/v1/lib/executor"
)

// Event is what an agent tells an executor.
type Event interface{ event() }

// Subscribed says that the session with the agent stands, for the first time or again.
type Subscribed struct {
	AgentID, Hostname string
	// Again is set when the executor was subscribed before: its tasks run on.
	Again bool
}

// Launched asks the executor to run a task. It must be answered with updates.
type Launched struct {
	TaskID, Name string
	// Data is what the framework attached to the task.
	Data []byte
}

// KillRequested asks for the end of a task. Mesos: it may come for a task that has ended or was never known.
type KillRequested struct {
	TaskID string
	// Grace is how long the task may take to end by itself; zero: nothing was said.
	Grace time.Duration
}

// Message brings data from the framework.
type Message struct{ Data []byte }

// Shutdown asks the executor to end all tasks and itself. It is the last event.
type Shutdown struct {
	// Grace is how long the agent will wait before it kills the executor.
	Grace time.Duration
}

func (Subscribed) event()    {}
func (Launched) event()      {}
func (KillRequested) event() {}
func (Message) event()       {}
func (Shutdown) event()      {}

// unmarshal guards against the generated decoder, which is older than the fix of CVE-2021-3121: lengths that overflow make
// it index out of range.
func unmarshal(record []byte) (e *exec.Event, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, err = nil, fmt.Errorf("event of %d bytes: malformed protobuf: %v", len(record), r)
		}
	}()
	e = &exec.Event{}
	if err := e.Unmarshal(record); err != nil {
		return nil, fmt.Errorf("event of %d bytes: %w", len(record), err)
	}
	return e, nil
}

// launches returns the tasks that an event asks to run.
func launches(e *exec.Event) []mesos.TaskInfo {
	switch {
	case e.Type == exec.Event_LAUNCH && e.Launch != nil:
		return []mesos.TaskInfo{e.Launch.Task}
	case e.Type == exec.Event_LAUNCH_GROUP && e.LaunchGroup != nil:
		return e.LaunchGroup.TaskGroup.Tasks
	}
	return nil
}

// decode turns an event into those for the handler, none if it is not for it.
func (s *Session) decode(e *exec.Event, again bool) []Event {
	switch {
	case e.Type == exec.Event_SUBSCRIBED && e.Subscribed != nil:
		a := &e.Subscribed.AgentInfo
		return []Event{Subscribed{AgentID: a.GetID().GetValue(), Hostname: a.Hostname, Again: again}}
	case e.Type == exec.Event_KILL && e.Kill != nil:
		grace := time.Duration(e.Kill.GetKillPolicy().GetGracePeriod().GetNanoseconds())
		return []Event{KillRequested{TaskID: e.Kill.TaskID.Value, Grace: max(grace, 0)}}
	case e.Type == exec.Event_MESSAGE && e.Message != nil:
		return []Event{Message{Data: e.Message.Data}}
	case e.Type == exec.Event_SHUTDOWN:
		return []Event{Shutdown{Grace: s.cfg.ShutdownGrace}}
	}
	var out []Event
	for _, t := range launches(e) {
		out = append(out, Launched{TaskID: t.TaskID.Value, Name: t.Name, Data: t.Data})
	}
	return out
}
