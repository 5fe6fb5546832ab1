package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/agent"
)

func TestAgentShowsWhatRunsAndItsFiles(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	c.launch(c.offer(), shell("long", "sleep 1000"), shell("fin", "echo out; echo err >&2; exit 3"))
	for task, end := range map[string]bool{"long": false, "fin": true} {
		c.update(task, mesos.TASK_STARTING)
		c.update(task, mesos.TASK_RUNNING)
		if end {
			c.update(task, mesos.TASK_FAILED)
		}
	}
	at := "http://" + s.AgentAddresses()[0]

	var state struct {
		Frameworks []struct {
			ID        string
			Executors []struct {
				ID, Name, Directory, Container string
				Tasks                          []struct{ ID, State string }
				Completed                      []struct{ ID, State string } `json:"completed_tasks"`
			}
		}
	}
	if err := json.Unmarshal([]byte(get(t, at+"/state")), &state); err != nil {
		t.Fatal(err)
	}
	if len(state.Frameworks) != 1 || state.Frameworks[0].ID != c.id {
		t.Fatalf("frameworks %v", state.Frameworks)
	}
	directory := ""
	for _, e := range state.Frameworks[0].Executors {
		if e.ID == "fin" {
			directory = e.Directory
		}
		if e.ID == "long" && (e.Name != "Command Executor (Task: long) (Command: sh -c 'sleep 1000')" || len(e.Tasks) != 1 || e.Tasks[0].State != "TASK_RUNNING") {
			t.Errorf("executor %+v", e)
		}
	}

	call := func(body string) agent.Response {
		t.Helper()
		status, data := postTo(t, at+"/api/v1", "application/json", "application/x-protobuf", []byte(body))
		var response agent.Response
		if err := response.Unmarshal([]byte(data)); err != nil || status != http.StatusOK {
			t.Fatalf("%s: %d %q %v", body, status, data, err)
		}
		return response
	}
	virtual := "/frameworks/" + c.id + "/executors/fin/runs/latest"
	for _, dir := range []string{virtual, "/var/lib/mesos/slaves/" + c.agentID(s) + virtual} {
		listed := call(fmt.Sprintf(`{"type":"LIST_FILES","list_files":{"path":%q}}`, dir)).ListFiles.FileInfos
		if len(listed) != 2 || listed[0].Path != dir+"/stderr" || listed[1].Path != dir+"/stdout" || listed[1].GetSize_() != 4 {
			t.Errorf("files of %s: %v", dir, listed)
		}
	}
	if directory != "" {
		read := call(fmt.Sprintf(`{"type":"READ_FILE","read_file":{"path":%q,"offset":1}}`, filepath.Join(directory, "stdout"))).ReadFile
		if read.Size_ != 4 || !bytes.Equal(read.Data, []byte("ut\n")) {
			t.Errorf("read %d %q", read.Size_, read.Data)
		}
	}
	if metrics := get(t, at+"/metrics/snapshot"); !strings.Contains(metrics, `"slave/tasks_running":1`) || !strings.Contains(metrics, `"slave/cpus_used":0.3`) {
		t.Errorf("metrics: %s", metrics)
	}
	browse := get(t, at+"/files/browse?"+url.Values{"path": {virtual}}.Encode())
	if !strings.Contains(browse, `"mode":"-rw-r--r--"`) || !strings.Contains(browse, `"path":"`+virtual+`/stderr"`) {
		t.Errorf("browse: %s", browse)
	}
	if text := get(t, at+"/files/read?"+url.Values{"path": {virtual + "/stdout"}}.Encode()); text != `{"data":"","offset":4}` {
		t.Errorf("read: %s", text)
	}
	if text := get(t, at+"/files/download?"+url.Values{"path": {virtual + "/stderr"}}.Encode()); text != "err\n" {
		t.Errorf("download: %q", text)
	}
	containers := call(`{"type":"GET_CONTAINERS"}`).GetContainers.Containers
	if len(containers) == 0 || containers[0].ExecutorID.Value != "long" || containers[0].ContainerStatus.GetExecutorPID() == 0 {
		t.Errorf("containers: %v", containers)
	}
	if tasks := call(`{"type":"GET_TASKS"}`).GetTasks; len(tasks.LaunchedTasks) != 1 || len(tasks.CompletedTasks) != 1 {
		t.Errorf("tasks: %v", tasks)
	}
	for _, path := range []string{"/files/browse?path=/nope", "/files/read?path=/nope&offset=0", "/files/download?path=/etc/passwd"} {
		response, err := http.Get(at + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusNotFound || response.ContentLength != 0 {
			t.Errorf("%s: %s, %d bytes", path, response.Status, response.ContentLength)
		}
	}
}

// agentID is the id of the only agent.
func (c *client) agentID(s interface{ MasterAddress() string }) string {
	c.t.Helper()
	var view struct{ Slaves []struct{ ID string } }
	if err := json.Unmarshal([]byte(get(c.t, "http://"+s.MasterAddress()+"/slaves")), &view); err != nil || len(view.Slaves) != 1 {
		c.t.Fatal(view, err)
	}
	return view.Slaves[0].ID
}
