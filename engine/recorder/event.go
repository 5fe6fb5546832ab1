package recorder

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
)

// encoded is an event or a call: its type's name, and its fields in JSON, or in gob if JSON would change them.
type encoded struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value,omitempty"`
	Gob   []byte          `json:"gob,omitempty"`
}

// failedCall is machine.CallFailed with its call encoded.
type failedCall struct {
	Call      encoded
	Err       string
	Ambiguous bool
}

// codec encodes and decodes one type of events or calls.
type codec[T any] struct {
	name   string
	of     string // the Go type, for tests
	is     func(T) bool
	decode func(encoded) (T, error)
}

func codecOf[C, T any](name string) codec[T] {
	return codec[T]{
		name: name,
		of:   reflect.TypeFor[C]().Name(),
		is:   func(v T) bool { _, ok := any(v).(C); return ok },
		decode: func(e encoded) (T, error) {
			var c C
			err := e.into(&c)
			v, _ := any(c).(T)
			return v, err
		},
	}
}

// eventCodecs are the types of events but for CallFailed, which contains a call.
var eventCodecs = []codec[machine.Event]{
	codecOf[machine.Offered, machine.Event]("offered"), codecOf[machine.Updated, machine.Event]("updated"),
	codecOf[machine.Rescinded, machine.Event]("rescinded"), codecOf[machine.Subscribed, machine.Event]("subscribed"),
	codecOf[machine.Disconnected, machine.Event]("disconnected"), codecOf[machine.Failure, machine.Event]("failure"),
	codecOf[machine.Verb, machine.Event]("verb"), codecOf[machine.OperationUpdated, machine.Event]("operation-updated"),
	codecOf[machine.Judged, machine.Event]("judged"),
}

var callCodecs = []codec[machine.Call]{
	codecOf[machine.Accept, machine.Call]("accept"), codecOf[machine.Decline, machine.Call]("decline"), codecOf[machine.Kill, machine.Call]("kill"),
	codecOf[machine.Acknowledge, machine.Call]("acknowledge"), codecOf[machine.Reconcile, machine.Call]("reconcile"),
	codecOf[machine.Revive, machine.Call]("revive"), codecOf[machine.Suppress, machine.Call]("suppress"),
	codecOf[machine.Message, machine.Call]("message"), codecOf[machine.AcknowledgeOperation, machine.Call]("acknowledge-operation"),
	codecOf[machine.ReconcileOperations, machine.Call]("reconcile-operations"), codecOf[machine.ExcludeHosts, machine.Call]("exclude-hosts"),
}

const callFailed = "call-failed"

func encodeEvent(e machine.Event) (encoded, error) {
	if f, ok := e.(machine.CallFailed); ok {
		call, err := encodeCall(redactCall(f.Call))
		if err != nil {
			return encoded{}, err
		}
		return encode(callFailed, failedCall{Call: call, Err: f.Err, Ambiguous: f.Ambiguous})
	}
	for _, c := range eventCodecs {
		if c.is(e) {
			return encode(c.name, e)
		}
	}
	return encoded{}, fmt.Errorf("event %T: unknown to the recorder", e)
}

func decodeEvent(e encoded) (machine.Event, error) {
	if e.Type == callFailed {
		var f failedCall
		if err := e.into(&f); err != nil {
			return nil, err
		}
		call, err := decodeAs(f.Call, callCodecs, "call")
		if err != nil {
			return nil, err
		}
		return machine.CallFailed{Call: call, Err: f.Err, Ambiguous: f.Ambiguous}, nil
	}
	return decodeAs(e, eventCodecs, "event")
}

func encodeCall(call machine.Call) (encoded, error) {
	if call == nil {
		return encoded{Type: "none"}, nil
	}
	for _, c := range callCodecs {
		if c.is(call) {
			return encode(c.name, call)
		}
	}
	return encoded{}, fmt.Errorf("call %T: unknown to the recorder", call)
}

func decodeAs[T any](e encoded, codecs []codec[T], kind string) (v T, err error) {
	if kind == "call" && e.Type == "none" {
		return v, nil
	}
	for _, c := range codecs {
		if c.name == e.Type {
			v, err := c.decode(e)
			if err != nil {
				return v, fmt.Errorf("%s %q: %w", kind, e.Type, err)
			}
			return v, nil
		}
	}
	return v, fmt.Errorf("%s %q: unknown to this version", kind, e.Type)
}

func encode(name string, v any) (encoded, error) {
	value, err := json.Marshal(v)
	if err == nil && bytes.Equal(value, machine.Canonical(value)) { // nothing in it was replaced, all of it is UTF-8
		return encoded{Type: name, Value: value}, nil
	}
	var out bytes.Buffer
	if err := gob.NewEncoder(&out).Encode(v); err != nil {
		return encoded{}, fmt.Errorf("%s: %w", name, err)
	}
	return encoded{Type: name, Gob: out.Bytes()}, nil
}

func (e encoded) into(v any) error {
	if len(e.Gob) > 0 {
		return gob.NewDecoder(bytes.NewReader(e.Gob)).Decode(v)
	}
	if len(e.Value) == 0 {
		return fmt.Errorf("no value")
	}
	return json.Unmarshal(e.Value, v)
}

// redactCall leaves out of a call how tasks are to run: commands, environments and containers are rendered from settings,
// which may hold secrets. The machine only asks which tasks and offers a call was about.
func redactCall(call machine.Call) machine.Call {
	accept, ok := call.(machine.Accept)
	if !ok {
		return call
	}
	operations := make([]offers.Operation, len(accept.Operations))
	for i, op := range accept.Operations {
		operations[i] = op
		operations[i].Tasks = nil
		for _, t := range op.Tasks {
			operations[i].Tasks = append(operations[i].Tasks, offers.Task{ID: t.ID, Name: t.Name, AgentID: t.AgentID, Resources: t.Resources})
		}
	}
	accept.Operations = operations
	return accept
}
