package sandbox_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

func TestCustomExecutor(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	c := newClient(t, s.MasterAddress(), protobufCodec())
	checkpoint := true
	c.info.Checkpoint = &checkpoint
	c.subscribe()
	offer := c.offer()
	c.launch(offer, withExecutor("t1"))
	running := c.update("t1", mesos.TASK_RUNNING)
	environment := map[string]string{}
	for _, line := range strings.Split(string(running.Data), "\n") {
		if name, value, ok := strings.Cut(line, "="); ok {
			environment[name] = value
		}
	}
	want := map[string]string{
		"LIBPROCESS_IP": "127.0.3.1", "MESOS_AGENT_ENDPOINT": s.AgentAddresses()[0], "MESOS_EXECUTOR_ID": "e1",
		"MESOS_FRAMEWORK_ID": c.id, "MESOS_SLAVE_ID": offer.AgentID.Value, "MESOS_CHECKPOINT": "1",
		"MESOS_RECOVERY_TIMEOUT": "15mins", "MESOS_SUBSCRIPTION_BACKOFF_MAX": "2secs",
		"MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "5secs",
	}
	got := map[string]string{}
	for name := range want {
		got[name] = environment[name]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if d := environment["MESOS_SANDBOX"]; d == "" || d != environment["MESOS_DIRECTORY"] {
		t.Errorf("MESOS_SANDBOX %q, MESOS_DIRECTORY %q", d, environment["MESOS_DIRECTORY"])
	}

	// A second task goes to the same process.
	offer = c.wait("offer with the executor", func(event *scheduler.Event) bool {
		return event.Type == scheduler.Event_OFFERS && len(event.Offers.Offers[0].ExecutorIDs) == 1
	}).Offers.Offers[0]
	c.launch(offer, withExecutor("t2"))
	second := c.update("t2", mesos.TASK_RUNNING)
	if diff := cmp.Diff(running.ContainerStatus.ContainerID.Value, second.ContainerStatus.ContainerID.Value); diff != "" {
		t.Errorf("another container: %s", diff)
	}

	executorID, agentID := mesos.ExecutorID{Value: "e1"}, offer.AgentID
	c.call(&scheduler.Call{Type: scheduler.Call_MESSAGE, Message: &scheduler.Call_Message{
		AgentID: agentID, ExecutorID: executorID, Data: []byte{0, 1, 255},
	}})
	if data := c.next(scheduler.Event_MESSAGE).Message.Data; !bytes.Equal(data, []byte{0, 1, 255}) {
		t.Errorf("echo %v", data)
	}
	c.kill("t2")
	c.update("t2", mesos.TASK_KILLED)

	c.call(&scheduler.Call{Type: scheduler.Call_SHUTDOWN, Shutdown: &scheduler.Call_Shutdown{
		AgentID: agentID, ExecutorID: executorID,
	}})
	if failure := c.next(scheduler.Event_FAILURE).Failure; failure.GetStatus() != 7<<8 {
		t.Errorf("status %d, want that of exit 7", failure.GetStatus())
	}
	if reason := c.update("t1", mesos.TASK_FAILED).GetReason(); reason != mesos.REASON_EXECUTOR_TERMINATED {
		t.Errorf("reason %s", reason)
	}
}

func withExecutor(task string) mesos.TaskInfo {
	command, no := os.Args[0], false
	return mesos.TaskInfo{
		Name: task, TaskID: mesos.TaskID{Value: task},
		Executor: &mesos.ExecutorInfo{
			Type: mesos.ExecutorInfo_CUSTOM, ExecutorID: mesos.ExecutorID{Value: "e1"},
			Command: &mesos.CommandInfo{Shell: &no, Value: &command, Arguments: []string{"executor", "be-executor"}},
		},
	}
}

// beExecutor is a small executor: every task runs until it is killed, every message is sent back, SHUTDOWN is exit 7.
// The data of RUNNING is its environment.
func beExecutor() int {
	e := tinyExecutor{url: "http://" + os.Getenv("MESOS_AGENT_ENDPOINT") + "/api/v1/executor"}
	stream, err := e.post(&executor.Call{Type: executor.Call_SUBSCRIBE, Subscribe: &executor.Call_Subscribe{}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	in := bufio.NewReader(stream)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return 2
		}
		n, _ := strconv.Atoi(strings.TrimSpace(line))
		data := make([]byte, n)
		if _, err := io.ReadFull(in, data); err != nil {
			return 3
		}
		var event executor.Event
		if err := event.Unmarshal(data); err != nil {
			return 4
		}
		switch event.Type {
		case executor.Event_LAUNCH:
			e.update(event.Launch.Task.TaskID, mesos.TASK_RUNNING, []byte(strings.Join(os.Environ(), "\n")))
		case executor.Event_KILL:
			e.update(event.Kill.TaskID, mesos.TASK_KILLED, nil)
		case executor.Event_MESSAGE:
			_, _ = e.post(&executor.Call{Type: executor.Call_MESSAGE, Message: &executor.Call_Message{Data: event.Message.Data}})
		case executor.Event_SHUTDOWN:
			return 7
		}
	}
}

type tinyExecutor struct{ url string }

func (e tinyExecutor) post(call *executor.Call) (io.Reader, error) {
	call.ExecutorID = mesos.ExecutorID{Value: os.Getenv("MESOS_EXECUTOR_ID")}
	call.FrameworkID = mesos.FrameworkID{Value: os.Getenv("MESOS_FRAMEWORK_ID")}
	body, err := call.Marshal()
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("Accept", "application/x-protobuf")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode > 202 {
		text, _ := io.ReadAll(response.Body)
		return nil, fmt.Errorf("%s: %s %s", call.Type, response.Status, text)
	}
	return response.Body, nil
}

func (e tinyExecutor) update(task mesos.TaskID, state mesos.TaskState, data []byte) {
	id, source := uuid.New(), mesos.SOURCE_EXECUTOR
	if _, err := e.post(&executor.Call{Type: executor.Call_UPDATE, Update: &executor.Call_Update{
		Status: mesos.TaskStatus{TaskID: task, State: &state, Source: &source, UUID: id[:], Data: data},
	}}); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}
