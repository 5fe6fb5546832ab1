package sandbox_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRefusals sends what a master refuses before it looks at the state of a framework, or accepts and ignores.
func TestRefusals(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	c := newClient(t, s.MasterAddress(), jsonCodec())
	c.subscribe()
	const jsonType = "application/json"
	known := `{"framework_id":{"value":"` + c.id + `"},`
	type answer struct {
		Status int
		Text   string
	}
	type request struct {
		name, method, media, accept, stream, body string
		want                                      answer
	}
	plain := func(name, body string, status int, text string) request {
		return request{name, "POST", jsonType, "", c.stream, body, answer{status, text}}
	}
	const (
		validate = "Failed to validate scheduler::Call: "
		convert  = "Failed to convert JSON into Call protobuf: "
	)
	for _, r := range []request{
		{"GET", "GET", "", "", "", "", answer{405, "405 Method Not Allowed. Expecting one of { 'POST' }, but received 'GET'."}},
		{"no Content-Type", "POST", "", "", "", "{}", answer{400, "Expecting 'Content-Type' to be present"}},
		{"charset", "POST", jsonType + "; charset=utf-8", "", "", "{}",
			answer{415, "Expecting 'Content-Type' of application/json or application/x-protobuf"}},
		{"bad protobuf", "POST", "application/x-protobuf", "", "", "\xff", answer{400, "Failed to parse body into Call protobuf"}},
		plain("not JSON", "not json", 400, "Failed to parse body into JSON: syntax error at line 1 near: not json"),
		plain("empty", "", 400, "Failed to parse body into JSON: syntax error at line 1 near: "),
		plain("array", "[]", 400, convert+"Expecting a JSON object"),
		plain("nothing", "{}", 400, validate+"Expecting 'type' to be present"),
		plain("lower-case type", known+`"type":"revive"}`, 400, validate+"Expecting 'type' to be present"),
		plain("number for an enum", `{"type":12}`, 400, convert+"Not expecting a JSON number for field 'type'"),
		plain("string for a message", `{"framework_id":"x"}`, 400, convert+"Not expecting a JSON string for field 'framework_id'"),
		plain("no framework_id", `{"type":"REVIVE"}`, 400, validate+"Expecting 'framework_id' to be present"),
		plain("no task_id", known+`"type":"KILL","kill":{}}`, 400, convert+"Missing required fields: kill.task_id"),
		plain("no name", known+`"type":"ACCEPT","accept":{"operations":[{"type":"LAUNCH","launch":{"task_infos":[{"task_id":{"value":"t"},"agent_id":{"value":"a"}}]}}]}}`,
			400, convert+"Missing required fields: accept.operations[0].launch.task_infos[0].name"),
		plain("no decline", known+`"type":"DECLINE"}`, 400, validate+"Expecting 'decline' to be present"),
		plain("bad base64", known+`"type":"MESSAGE","message":{"agent_id":{"value":"a"},"executor_id":{"value":"t"},"data":"%%%"}}`,
			400, convert+"Failed to base64 decode bytes field 'data': Invalid character '%'"),
		plain("short uuid", known+`"type":"ACKNOWLEDGE","acknowledge":{"agent_id":{"value":"a"},"task_id":{"value":"t"},"uuid":"AAAA"}}`,
			400, validate+"Not a valid UUID"),
		plain("id differs", `{"type":"SUBSCRIBE","framework_id":{"value":"x"},"subscribe":{"framework_info":{"user":"u","name":"n"}}}`,
			400, validate+"'framework_id' differs from 'subscribe.framework_info.id'"),
		plain("stream id on SUBSCRIBE", `{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"}}}`,
			400, "Subscribe calls should not include the 'Mesos-Stream-Id' header"),
		{"Accept", "POST", jsonType, "text/html", "", `{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"u","name":"n"}}}`,
			answer{406, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'"}},
		plain("unknown framework", `{"type":"REVIVE","framework_id":{"value":"x"}}`, 400, "Framework cannot be found"),
		{"no stream id", "POST", jsonType, "", "", known + `"type":"REVIVE"}`,
			answer{400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header"}},
		{"other stream id", "POST", jsonType, "", "garbage", known + `"type":"REVIVE"}`,
			answer{400, "The stream ID 'garbage' included in this request didn't match the stream ID currently associated with framework ID " + c.id}},
		plain("unknown field and null", known+`"type":"DECLINE","x":1,"accept":null,"decline":{"offer_ids":[{"value":"nope"}],"filters":null}}`, 202, ""),
		plain("quoted number", known+`"type":"DECLINE","decline":{"offer_ids":[],"filters":{"refuse_seconds":"5"}}}`, 202, ""),
		{"Accept of RECONCILE_OPERATIONS", "POST", jsonType, "text/html", c.stream, known + `"type":"RECONCILE_OPERATIONS","reconcile_operations":{}}`,
			answer{406, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'"}},
		{"Accept is ignored here", "POST", jsonType, "text/html", c.stream, known + `"type":"SUPPRESS"}`, answer{202, ""}},
		plain("UPDATE_FRAMEWORK", known+`"type":"UPDATE_FRAMEWORK","update_framework":{"framework_info":{"id":{"value":"`+c.id+`"},"user":"`+self()+`","name":"test","roles":["dev"],"capabilities":[{"type":"MULTI_ROLE"}]}}}`,
			200, ""),
	} {
		t.Run(r.name, func(t *testing.T) {
			request, err := http.NewRequest(r.method, c.url, strings.NewReader(r.body))
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range map[string]string{
				"Content-Type": r.media, "Accept": r.accept, "Mesos-Stream-Id": r.stream,
			} {
				if value != "" {
					request.Header.Set(name, value)
				}
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(r.want, answer{response.StatusCode, string(body)}); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			wantType := ""
			if r.want.Text != "" {
				wantType = "text/plain; charset=utf-8"
			}
			if got := response.Header.Get("Content-Type"); got != wantType {
				t.Errorf("content type %q, want %q", got, wantType)
			}
			if r.want.Status == 202 && response.Header.Get("Content-Length") != "0" {
				t.Errorf("headers %v: want Content-Length: 0", response.Header)
			}
		})
	}
}

func TestUnknownPath(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	response, err := http.Get("http://" + s.MasterAddress() + "/nope")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); response.StatusCode != 404 || string(body) != "404 Not Found." {
		t.Errorf("%s %q", response.Status, body)
	}
}

// What is behind the path of an endpoint is no business of Mesos', and neither is whether the name of the process is before it.
func TestLongerPaths(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	master, agent := s.MasterAddress(), s.AgentAddresses()[0]
	for _, tc := range []struct {
		address, path string
		want          int
	}{
		{master, "/state/", 200}, {master, "/master/state/x/y", 200}, {master, "/api/v1/scheduler/x", 405}, {master, "/stat", 404}, {master, "/", 404},
		{agent, "/state/", 200}, {agent, "/slave(1)/containers/x", 200}, {agent, "/master/state", 404},
	} {
		if got := statusOf(t, tc.address, tc.path); got != tc.want {
			t.Errorf("%s%s: %d, want %d", tc.address, tc.path, got, tc.want)
		}
	}
}
