package protojson_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox/protojson"
)

func TestMarshalWritesWhatAMasterWrites(t *testing.T) {
	state, scalar, ranges := mesos.TASK_STARTING, mesos.SCALAR, mesos.RANGES
	role, interval := "dev", 15.0
	strange := mesos.TaskStatus_Reason(9999)
	for _, tc := range []struct {
		name    string
		message any
		want    string
	}{
		{"nothing set", &scheduler.Event{}, `{}`},
		{"required zero values are written, optional ones are not",
			&mesos.TaskStatus{TaskID: mesos.TaskID{}, State: &state, Reason: &strange},
			`{"task_id":{"value":""},"state":"TASK_STARTING"}`},
		{"doubles", &scheduler.Event{Type: scheduler.Event_SUBSCRIBED, Subscribed: &scheduler.Event_Subscribed{
			FrameworkID: &mesos.FrameworkID{Value: "F"}, HeartbeatIntervalSeconds: &interval}},
			`{"type":"SUBSCRIBED","subscribed":{"framework_id":{"value":"F"},"heartbeat_interval_seconds":15.0}}`},
		{"resources", &mesos.Offer_Operation_Reserve{Resources: []mesos.Resource{
			{Name: "cpus", Type: &scalar, Scalar: &mesos.Value_Scalar{Value: 0.1},
				AllocationInfo: &mesos.Resource_AllocationInfo{Role: &role}},
			{Name: "ports", Type: &ranges, Ranges: &mesos.Value_Ranges{Range: []mesos.Value_Range{{Begin: 1, End: 2}}}},
		}}, `{"resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":0.1},"allocation_info":{"role":"dev"}},` +
			`{"name":"ports","type":"RANGES","ranges":{"range":[{"begin":1,"end":2}]}}]}`},
		{"bytes, also empty ones", &executor.Call_Message{Data: []byte{}}, `{"data":""}`},
		{"infinity and maps, by key", &mesos.TaskInfo{Limits: map[string]mesos.Value_Scalar{
			"mem": {Value: 2}, "cpus": {Value: math.Inf(1)}}},
			`{"name":"","task_id":{"value":""},"agent_id":{"value":""},"limits":{"cpus":{"value":"Infinity"},"mem":{"value":2.0}}}`},
		{"what an unset field is taken for, unless it is deprecated", &mesos.ContainerInfo_DockerInfo{Image: "i", Parameters: []mesos.Parameter{}},
			`{"image":"i","network":"HOST","privileged":false}`},
		{"an unset number", &mesos.FrameworkInfo{User: "u", Name: "n"},
			`{"user":"u","name":"n","failover_timeout":0.0,"checkpoint":false}`},
		{"no HTML escapes", &scheduler.Event_Error{Message: `<a & "b">`}, `{"message":"<a & \"b\">"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := protojson.Marshal(tc.message)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !json.Valid(got) {
				t.Errorf("not JSON: %s", got)
			}
		})
	}
}

func TestUnmarshalReadsWhatAMasterReads(t *testing.T) {
	call := &scheduler.Call{}
	err := protojson.Unmarshal([]byte(`{"type":"DECLINE","unknown":[1,{}],"framework_id":null,
		"decline":{"offer_ids":[{"value":"a"},{"value":"b"}],"filters":{"refuse_seconds":"0.5"}}}`), call)
	if err != nil {
		t.Fatal(err)
	}
	half := 0.5
	want := &scheduler.Call{Type: scheduler.Call_DECLINE, Decline: &scheduler.Call_Decline{
		OfferIDs: []mesos.OfferID{{Value: "a"}, {Value: "b"}}, Filters: &mesos.Filters{RefuseSeconds: &half},
	}}
	if !want.Equal(call) {
		t.Errorf("got %v, want %v", call, want)
	}
}

func TestUnmarshalReadsWhatMesosGoWrites(t *testing.T) {
	principal := "p"
	want := &scheduler.Call{Type: scheduler.Call_SUBSCRIBE, Subscribe: &scheduler.Call_Subscribe{
		FrameworkInfo: &mesos.FrameworkInfo{User: "root", Name: "x", Roles: []string{"dev"}, Principal: &principal,
			Capabilities: []mesos.FrameworkInfo_Capability{{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE}}},
	}}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), "null") {
		t.Fatalf("mesos-go writes no null any more: %s", data)
	}
	got := &scheduler.Call{}
	if err := protojson.Unmarshal(data, got); err != nil {
		t.Fatal(err)
	}
	if !want.Equal(got) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	for _, tc := range []struct{ body, want string }{
		{`[]`, "Expecting a JSON object"},
		{`{"type":12}`, "Not expecting a JSON number for field 'type'"},
		{`{"framework_id":"x"}`, "Not expecting a JSON string for field 'framework_id'"},
		{`{"decline":{"offer_ids":{}}}`, "Not expecting a JSON object for field 'offer_ids'"},
		{`{"decline":{"offer_ids":[null]}}`, "Not expecting a JSON null for field 'offer_ids'"},
		{`{"decline":{"filters":{"refuse_seconds":true}}}`, "Not expecting a JSON boolean for field 'refuse_seconds'"},
		{`{"decline":{"filters":{"refuse_seconds":"soon"}}}`, "Failed to parse 'soon' as a number for field 'refuse_seconds'"},
		{`{"kill":{}}`, "Missing required fields: kill.task_id"},
		{`{"kill":{"task_id":null},"acknowledge":{"agent_id":{},"task_id":{"value":"t"},"uuid":"AAAA"}}`,
			"Missing required fields: kill.task_id, acknowledge.agent_id.value"},
		{`{"acknowledge":{"uuid":"!!"}}`, "Failed to base64 decode bytes field 'uuid': Invalid character '!'"},
		{"", "syntax error at line 1 near: "},
		{"{}\n{}", "syntax error at line 1 near: {}"},
		{"{\"a\":1,\n \"b\":nope}", "syntax error at line 2 near: nope}"},
	} {
		err := protojson.Unmarshal([]byte(tc.body), &scheduler.Call{})
		if err == nil || err.Error() != tc.want {
			t.Errorf("%s: %v, want %s", tc.body, err, tc.want)
		}
		var syntax *protojson.SyntaxError
		if errors.As(err, &syntax) != strings.HasPrefix(tc.want, "syntax error") {
			t.Errorf("%s: kind of error %T", tc.body, err)
		}
	}
}

func TestOnlyPointersToMessages(t *testing.T) {
	if _, err := protojson.Marshal(scheduler.Call{}); err == nil {
		t.Error("a message by value was written")
	}
	if err := protojson.Unmarshal([]byte("{}"), (*scheduler.Call)(nil)); err == nil {
		t.Error("a nil message was read")
	}
}

// FuzzUnmarshal: whatever is read can be written, and reading that gives the same.
func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{
		`{"type":"REVIVE"}`, `[]`, `{"type":null,"decline":{"offer_ids":[{"value":"\u0000"}]}}`,
		`{"accept":{"operations":[{"type":"LAUNCH","launch":{"task_infos":[{"name":"n","task_id":{"value":"t"},` +
			`"agent_id":{"value":"a"},"data":"AA==","limits":{"cpus":{"value":"Infinity"}},` +
			`"resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":1e3}}]}]}}]}}`,
		`{"acknowledge":{"agent_id":{"value":"a"},"task_id":{"value":"t"},"uuid":""}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		first, second := &scheduler.Call{}, &scheduler.Call{}
		if protojson.Unmarshal(data, first) != nil {
			return
		}
		text, err := protojson.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		if err := protojson.Unmarshal(text, second); err != nil {
			t.Fatalf("%s was written as %s: %v", data, text, err)
		}
		again, err := protojson.Marshal(second)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(text), string(again)); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
	})
}

// What is not set is not written by MarshalSet, and so is not set when that is read.
func TestMarshalSet(t *testing.T) {
	command := &mesos.CommandInfo{}
	text, err := protojson.MarshalSet(command)
	if err != nil || string(text) != "{}" {
		t.Errorf("%s, %v", text, err)
	}
	if text, _ = protojson.Marshal(command); string(text) == "{}" {
		t.Errorf("and Marshal writes %s", text)
	}
}
