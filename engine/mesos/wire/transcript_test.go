package wire_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/gogo/protobuf/proto"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/wire"
)

// TestEvents: event takes an event in the JSON of the v1 API, as masters send it to those who ask for JSON, turns it into
// protobuf and shows what the decoder makes of that.
func TestEvents(t *testing.T) {
	d := wire.Decoder{HostKeyAttribute: "rack"}
	datadriven.RunTest(t, "testdata/events.txt", func(t *testing.T, td *datadriven.TestData) string {
		var e scheduler.Event
		if err := json.Unmarshal([]byte(td.Input), &e); err != nil {
			td.Fatalf(t, "input: %v", err)
		}
		record, err := e.Marshal()
		if err != nil {
			td.Fatalf(t, "protobuf: %v", err)
		}
		got, err := d.Event(record)
		if err != nil {
			return "fails: " + err.Error()
		}
		return show(got)
	})
}

func show(d wire.Decoded) string {
	var out strings.Builder
	for _, e := range d.Events {
		fmt.Fprintf(&out, "%s\n", reflect.TypeOf(e).Name())
		if o, ok := e.(machine.Offered); ok {
			for _, offer := range o.Offers {
				fmt.Fprintf(&out, "  %s\n", compact(offer))
			}
			continue
		}
		fmt.Fprintf(&out, "  %s\n", compact(e))
	}
	if d.Error != "" {
		fmt.Fprintf(&out, "error: %s\n", d.Error)
	}
	if d.Note != "" {
		fmt.Fprintf(&out, "note: %s\n", d.Note)
	}
	if out.Len() == 0 {
		return "nothing\n"
	}
	return out.String()
}

// TestCalls: the command names a call, the input is our form of it in JSON, and the output what a master would read, in the
// JSON of the v1 API.
func TestCalls(t *testing.T) {
	kinds := map[string]func() any{
		"accept":                func() any { return &machine.Accept{} },
		"decline":               func() any { return &machine.Decline{} },
		"kill":                  func() any { return &machine.Kill{} },
		"acknowledge":           func() any { return &machine.Acknowledge{} },
		"reconcile":             func() any { return &machine.Reconcile{} },
		"acknowledge-operation": func() any { return &machine.AcknowledgeOperation{} },
		"revive":                func() any { return &machine.Revive{} },
		"suppress":              func() any { return &machine.Suppress{} },
		"reconcile-operations":  func() any { return &machine.ReconcileOperations{} },
		"message":               func() any { return &machine.Message{} },
	}
	datadriven.RunTest(t, "testdata/calls.txt", func(t *testing.T, td *datadriven.TestData) string {
		var body []byte
		var err error
		switch td.Cmd {
		case "subscribe", "update-framework":
			var f wire.Framework
			parse(t, td, &f)
			var id string
			td.MaybeScanArgs(t, "framework", &id)
			encode := wire.Subscribe
			if td.Cmd == "update-framework" {
				encode = wire.UpdateFramework
			}
			body, err = encode(f, id)
		case "exclude-hosts": // framework=F hosts=(h,…) [attribute=A]
			var id, attribute string
			td.MaybeScanArgs(t, "framework", &id)
			td.MaybeScanArgs(t, "attribute", &attribute)
			var hosts []string
			if td.HasArg("hosts") {
				arg, _ := td.Arg("hosts")
				hosts = arg.Vals
			}
			var f wire.Framework
			parse(t, td, &f)
			if body, err = wire.ExcludeHosts(f, id, attribute, hosts); err == nil {
				return readConstraints(t, body) + readBack(t, body)
			}
		default:
			make, ok := kinds[td.Cmd]
			if !ok {
				td.Fatalf(t, "unknown command %s", td.Cmd)
			}
			c := make()
			parse(t, td, c)
			body, err = wire.Call(reflect.ValueOf(c).Elem().Interface().(machine.Call), "F-0000")
		}
		if err != nil {
			return "fails: " + err.Error()
		}
		return readBack(t, body)
	})
}

// constrainedCall is what mesos-go's messages lose of a call, by the numbers and names of v1/scheduler/scheduler.proto.
type constrainedCall struct {
	UpdateFramework *struct {
		OfferConstraints *struct {
			RoleConstraints map[string]*struct {
				Groups []*struct {
					AttributeConstraints []*struct {
						Selector *struct {
							PseudoattributeType *int32  `protobuf:"varint,1,opt,name=pseudoattribute_type" json:"pseudoattribute_type,omitempty"`
							AttributeName       *string `protobuf:"bytes,2,opt,name=attribute_name" json:"attribute_name,omitempty"`
						} `protobuf:"bytes,1,req,name=selector" json:"selector"`
						Predicate *struct {
							TextNotEquals *struct {
								Value *string `protobuf:"bytes,1,req,name=value" json:"value"`
							} `protobuf:"bytes,4,opt,name=text_not_equals" json:"text_not_equals"`
						} `protobuf:"bytes,2,req,name=predicate" json:"predicate"`
					} `protobuf:"bytes,1,rep,name=attribute_constraints" json:"attribute_constraints"`
				} `protobuf:"bytes,1,rep,name=groups" json:"groups"`
			} `protobuf:"bytes,1,rep,name=role_constraints" protobuf_key:"bytes,1,opt,name=key" protobuf_val:"bytes,2,opt,name=value" json:"role_constraints"`
		} `protobuf:"bytes,3,opt,name=offer_constraints" json:"offer_constraints"`
	} `protobuf:"bytes,19,opt,name=update_framework" json:"update_framework"`
}

func (c *constrainedCall) Reset()         { *c = constrainedCall{} }
func (c *constrainedCall) String() string { return "" }
func (*constrainedCall) ProtoMessage()    {}

// readConstraints shows the offer constraints of a call, a line for each.
func readConstraints(t *testing.T, body []byte) string {
	t.Helper()
	var c constrainedCall
	if err := proto.Unmarshal(body, &c); err != nil {
		t.Fatalf("a master could not read it: %v", err)
	}
	if c.UpdateFramework.OfferConstraints == nil {
		return "no constraints\n"
	}
	var out strings.Builder
	for _, role := range slices.Sorted(maps.Keys(c.UpdateFramework.OfferConstraints.RoleConstraints)) {
		for _, g := range c.UpdateFramework.OfferConstraints.RoleConstraints[role].Groups {
			fmt.Fprintf(&out, "role %s:\n", role)
			for _, a := range g.AttributeConstraints {
				fmt.Fprintf(&out, "  %s\n", compact(a))
			}
		}
	}
	return out.String()
}

func parse(t *testing.T, td *datadriven.TestData, into any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(td.Input))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		td.Fatalf(t, "input: %v", err)
	}
}

// readBack decodes a call and shows it without the nulls that mesos-go writes for what is not set.
func readBack(t *testing.T, body []byte) string {
	t.Helper()
	var c scheduler.Call
	if err := c.Unmarshal(body); err != nil {
		t.Fatalf("a master could not read it: %v", err)
	}
	b, err := json.Marshal(&c)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	b, err = json.MarshalIndent(prune(v), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if e == nil {
				delete(v, k)
				continue
			}
			v[k] = prune(e)
		}
	case []any:
		for i := range v {
			v[i] = prune(v[i])
		}
	}
	return v
}

// compact shows a value as JSON without what is empty.
func compact(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return string(b)
	}
	for k, e := range m {
		if s, ok := e.(string); e == nil || e == false || (ok && s == "") {
			delete(m, k)
		}
	}
	b, err = json.Marshal(m)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
