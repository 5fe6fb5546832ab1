package cluster_test

import (
	"testing"

	"github.com/gogo/protobuf/proto"
	"github.com/google/go-cmp/cmp"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/protojson"
)

const constrainedCall = `{"update_framework":{"offer_constraints":{"role_constraints":{"dev":{"groups":[{"attribute_constraints":[` +
	`{"selector":{"pseudoattribute_type":"HOSTNAME"},"predicate":{"text_not_equals":{"value":"h1"}}},` +
	`{"selector":{"attribute_name":"rack"},"predicate":{"exists":{}}}]}]}}}}}`

// A call says the same in protobuf as in JSON, also when it says much else.
func TestConstraintsInProtobuf(t *testing.T) {
	var want, got cluster.CallConstraints
	if err := protojson.Unmarshal([]byte(constrainedCall), &want); err != nil {
		t.Fatal(err)
	}
	body, err := proto.Marshal(&want)
	if err != nil {
		t.Fatal(err)
	}
	other, err := (&scheduler.Call{Type: scheduler.Call_UPDATE_FRAMEWORK, FrameworkID: &mesos.FrameworkID{Value: "F"}}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Unmarshal(append(other, body...)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Constraints(), got.Constraints()); diff != "" || got.Constraints() == nil {
		t.Errorf("constraints (-JSON +protobuf):\n%s", diff)
	}
	text, err := protojson.Marshal(got.Constraints())
	if err != nil {
		t.Fatal(err)
	}
	if whole := `{"update_framework":{"offer_constraints":` + string(text) + `}}`; whole != constrainedCall {
		t.Errorf("written again:\n%s\nwant:\n%s", whole, constrainedCall)
	}
}

// Whatever comes in place of a call, reading ends with an error or without.
func FuzzConstraints(f *testing.F) {
	var call cluster.CallConstraints
	if err := protojson.Unmarshal([]byte(constrainedCall), &call); err != nil {
		f.Fatal(err)
	}
	body, err := proto.Marshal(&call)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Fuzz(func(t *testing.T, body []byte) {
		var c cluster.CallConstraints
		if c.Unmarshal(body) != nil {
			return
		}
		s := newStory()
		info := &mesos.FrameworkInfo{Roles: []string{"dev"}, Capabilities: []mesos.FrameworkInfo_Capability{{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE}}}
		s.c.AddAgent(s.now, cluster.AgentConfig{Hostname: "h1", Resources: []mesos.Resource{cluster.Scalar("cpus", 1)}})
		s.c.SubscribeConstrained(s.now, &scheduler.Call{Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: info}}, c.Constraints())
	})
}
