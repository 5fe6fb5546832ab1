package sandbox_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// operate posts a JSON call of the operator API and gives status and body.
func operate(t *testing.T, address, call string) (int, string) {
	t.Helper()
	return postTo(t, "http://"+address+"/api/v1", "application/json", "", []byte(call))
}

func postTo(t *testing.T, url, media, accept string, body []byte) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(deadline(t), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", media)
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestOperatorSeesFrameworksUntilTheyAreTornDown(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	c.launch(c.offer(), shell("t1", "sleep 1000"))
	c.update("t1", mesos.TASK_STARTING)
	c.update("t1", mesos.TASK_RUNNING)

	type shown struct {
		Active    bool
		Tasks     int
		Completed int
		State     string
	}
	look := func() (current, completed []shown) {
		var view struct {
			Frameworks, Completed_Frameworks []struct {
				ID     string
				Active bool
				Tasks  []struct{ State string }
				Ended  []struct{ State string } `json:"completed_tasks"`
			}
		}
		if err := json.Unmarshal([]byte(get(t, "http://"+s.MasterAddress()+"/frameworks")), &view); err != nil {
			t.Fatal(err)
		}
		for _, f := range view.Frameworks {
			current = append(current, shown{f.Active, len(f.Tasks), len(f.Ended), f.Tasks[0].State})
		}
		for _, f := range view.Completed_Frameworks {
			completed = append(completed, shown{f.Active, len(f.Tasks), len(f.Ended), f.Ended[0].State})
		}
		return current, completed
	}
	current, completed := look()
	if diff := cmp.Diff([]shown{{true, 1, 0, "TASK_RUNNING"}}, current); diff != "" || completed != nil {
		t.Errorf("before: %s, completed %v", diff, completed)
	}

	if status, text := operate(t, s.MasterAddress(), `{"type":"TEARDOWN","teardown":{"framework_id":{"value":"`+c.id+`"}}}`); status != 200 || text != "" {
		t.Fatalf("teardown: %d %q", status, text)
	}
	for range c.events { // the stream ends, without an event
	}
	current, completed = look()
	if diff := cmp.Diff([]shown{{false, 0, 1, "TASK_KILLED"}}, completed); diff != "" || current != nil {
		t.Errorf("after: %s, current %v", diff, current)
	}
	for body, want := range map[string]string{
		"frameworkId=" + url.QueryEscape(c.id): "No framework found with specified ID",
		"":                                     "Missing 'frameworkId' query parameter in the request body",
	} {
		status, text := postTo(t, "http://"+s.MasterAddress()+"/master/teardown", "application/x-www-form-urlencoded", "", []byte(body))
		if status != 400 || text != want {
			t.Errorf("/teardown %q: %d %q, want %q", body, status, text, want)
		}
	}
}

func TestOperatorCallsInBothEncodings(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	c.next(scheduler.Event_OFFERS)
	body, err := (&master.Call{Type: master.Call_GET_FRAMEWORKS}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	status, data := postTo(t, "http://"+s.MasterAddress()+"/master/api/v1", "application/x-protobuf", "application/x-protobuf", body)
	var response master.Response
	if err := response.Unmarshal([]byte(data)); err != nil || status != 200 {
		t.Fatal(status, err)
	}
	frameworks := response.GetFrameworks.Frameworks
	if len(frameworks) != 1 || frameworks[0].FrameworkInfo.ID.Value != c.id || len(frameworks[0].Offers) != 1 {
		t.Errorf("protobuf: %v", frameworks)
	}
	_, text := operate(t, s.MasterAddress(), `{"type":"GET_FRAMEWORKS"}`)
	for _, want := range []string{`"id":{"value":"` + c.id + `"}`, `"connected":true`, `"completed_frameworks":[]`, `"role":"*"`} {
		if !strings.Contains(text, want) {
			t.Errorf("JSON without %s: %s", want, text)
		}
	}
}

func TestBadOperatorCalls(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	for call, want := range map[string]string{
		`{"type":"NOPE"}`:        "400 Failed to validate master::Call: Expecting 'type' to be present",
		`{}`:                     "400 Failed to validate master::Call: Expecting 'type' to be present",
		`{"type":"GET_METRICS"}`: "400 Failed to validate master::Call: Expecting 'get_metrics' to be present",
		`{"type":"TEARDOWN"}`:    "400 Failed to validate master::Call: Expecting 'teardown' to be present",
		`{"type":"TEARDOWN","teardown":{"framework_id":{"value":"nope"}}}`: "400 No framework found with specified ID",
		`{"type":"LIST_FILES","list_files":{"path":"/nope"}}`:              "404 ",
	} {
		status, text := operate(t, s.MasterAddress(), call)
		if got := fmt.Sprint(status, " ", text); got != want {
			t.Errorf("%s: %q, want %q", call, got, want)
		}
	}
}

func TestOperatorStream(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	events := operatorEvents(t, s.MasterAddress())
	wait := func(what string, wanted func(*master.Event) bool) *master.Event {
		t.Helper()
		for event := range events {
			if wanted(event) {
				return event
			}
		}
		t.Fatalf("the stream ended before %s", what)
		return nil
	}
	first := wait("SUBSCRIBED", func(*master.Event) bool { return true })
	if first.Type != master.Event_SUBSCRIBED || len(first.Subscribed.GetState.GetAgents.Agents) != 1 {
		t.Fatalf("first event %v", first)
	}
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	wait("the framework", func(e *master.Event) bool {
		return e.Type == master.Event_FRAMEWORK_ADDED && e.FrameworkAdded.Framework.FrameworkInfo.ID.Value == c.id
	})
	c.launch(c.offer(), shell("t1", "sleep 1000"))
	wait("the task", func(e *master.Event) bool { return e.GetTaskAdded().GetTask().TaskID.Value == "t1" })
	for _, state := range []mesos.TaskState{mesos.TASK_STARTING, mesos.TASK_RUNNING} {
		wait(state.String(), func(e *master.Event) bool {
			return e.Type == master.Event_TASK_UPDATED && e.TaskUpdated.GetState() == state
		})
		c.update("t1", state)
	}
	c.call(&scheduler.Call{Type: scheduler.Call_TEARDOWN})
	killed := wait("the end", func(e *master.Event) bool { return e.Type == master.Event_TASK_UPDATED })
	if status := killed.TaskUpdated.Status; status.GetReason() != mesos.REASON_FRAMEWORK_REMOVED || status.GetState() != mesos.TASK_KILLED {
		t.Errorf("update of a task whose framework is torn down: %v", status)
	}
	wait("the framework's end", func(e *master.Event) bool { return e.Type == master.Event_FRAMEWORK_REMOVED })
}

// operatorEvents subscribes to the operator API until the test ends.
func operatorEvents(t *testing.T, address string) <-chan *master.Event {
	t.Helper()
	body, err := (&master.Call{Type: master.Call_SUBSCRIBE}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(deadline(t), http.MethodPost, "http://"+address+"/api/v1", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	request.Header.Set("Accept", "application/x-protobuf")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan *master.Event)
	done := t.Context().Done()
	go func() {
		defer response.Body.Close()
		defer close(events)
		reader := bufio.NewReader(response.Body)
		for {
			line, err := reader.ReadString('\n')
			if err != nil {
				return
			}
			size, err := strconv.Atoi(strings.TrimSpace(line))
			if err != nil {
				return
			}
			record := make([]byte, size)
			if _, err := io.ReadFull(reader, record); err != nil {
				return
			}
			event := &master.Event{}
			if err := event.Unmarshal(record); err != nil {
				return
			}
			select {
			case events <- event:
			case <-done:
				return
			}
		}
	}()
	return events
}

func TestWeights(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	base := "http://" + s.MasterAddress()
	if got := get(t, base+"/weights"); got != "[]" {
		t.Errorf("weights %s before any is set", got)
	}
	set := `{"type":"UPDATE_WEIGHTS","update_weights":{"weight_infos":[{"role":"heavy","weight":2.5}]}}`
	if got := ask(t, "POST", base+"/api/v1", set); got.status != http.StatusOK {
		t.Fatalf("UPDATE_WEIGHTS: %+v", got)
	}
	if got := get(t, base+"/weights"); got != `[{"role":"heavy","weight":2.5}]` {
		t.Errorf("weights %s", got)
	}
	if got := get(t, base+"/roles"); !strings.Contains(got, `"name":"heavy"`) || !strings.Contains(got, `"weight":2.5`) {
		t.Errorf("roles %s", got)
	}
}
