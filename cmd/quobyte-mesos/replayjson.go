package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/recorder"
)

// replayJSON tells a replay to programs: objects whose field "type" says what they are.
type replayJSON struct{ out *json.Encoder }

type segmentJSON struct {
	Type    string           `json:"type"` // segment
	File    string           `json:"file"`
	Segment recorder.Segment `json:"segment"`
}

func (r *replayJSON) segment(file string, s recorder.Segment) error {
	return r.out.Encode(segmentJSON{"segment", file, s})
}

type decisionJSON struct {
	Type     string        `json:"type"` // decision
	Decision uint64        `json:"decision"`
	At       time.Time     `json:"at"`
	Events   []eventJSON   `json:"events"`
	Records  []changeJSON  `json:"records"`
	Calls    []callJSON    `json:"calls"`
	Answers  []answerJSON  `json:"answers"`
	WakeAt   time.Time     `json:"wake_at,omitzero"`
	View     *machine.View `json:"view,omitempty"` // when one was published; it has the holds
}

type eventJSON struct {
	At    time.Time     `json:"at"`
	Event string        `json:"event"`
	Value machine.Event `json:"value"`
}

type changeJSON struct {
	Group   int             `json:"group"`
	Key     string          `json:"key"`
	Value   json.RawMessage `json:"value,omitempty"`
	Deleted bool            `json:"deleted,omitempty"`
}

type callJSON struct {
	Call  string       `json:"call"`
	After int          `json:"after"` // groups
	Value machine.Call `json:"value"`
}

type answerJSON struct {
	ID      uint64             `json:"id"`
	Code    machine.AnswerCode `json:"code"`
	Message string             `json:"message"`
}

func (r *replayJSON) decision(d recorder.Decision) error {
	j := decisionJSON{
		Type: "decision", Decision: d.Number, At: d.At, WakeAt: d.Effects.WakeAt, View: d.Effects.View,
		Events: []eventJSON{}, Records: []changeJSON{}, Calls: []callJSON{}, Answers: []answerJSON{},
	}
	for _, e := range d.Events {
		j.Events = append(j.Events, eventJSON{At: e.At, Event: fmt.Sprintf("%T", e.Event)[len("machine."):], Value: e.Event})
	}
	for i, g := range d.Effects.Groups {
		for _, p := range g.Puts {
			j.Records = append(j.Records, changeJSON{Group: i, Key: p.Key, Value: p.Value})
		}
		for _, k := range g.Deletes {
			j.Records = append(j.Records, changeJSON{Group: i, Key: k, Deleted: true})
		}
	}
	for _, c := range d.Effects.Calls {
		j.Calls = append(j.Calls, callJSON{Call: machine.CallName(c.Call), After: c.After, Value: c.Call})
	}
	for _, a := range d.Effects.Answers {
		j.Answers = append(j.Answers, answerJSON(a))
	}
	return r.out.Encode(j)
}

type stateJSON struct {
	Type     string                     `json:"type"` // state
	Records  map[string]json.RawMessage `json:"records"`
	Volatile map[string]json.RawMessage `json:"volatile"`
}

func (r *replayJSON) state(s machine.Snapshot) error {
	j := stateJSON{Type: "state", Records: map[string]json.RawMessage{}, Volatile: map[string]json.RawMessage{}}
	for _, rec := range s.Records {
		j.Records[rec.Key] = rec.Value
	}
	for _, p := range s.Volatile {
		j.Volatile[p.Name] = p.Value
	}
	return r.out.Encode(j)
}

type endJSON struct {
	Type      string    `json:"type"` // end
	Segments  int       `json:"segments"`
	Decisions int       `json:"decisions"`
	Compared  int       `json:"compared"`
	At        time.Time `json:"at,omitzero"`
	State     string    `json:"state,omitempty"`
	Error     string    `json:"error,omitempty"`
}

func (r *replayJSON) end(o recorder.Outcome, failed error) error {
	j := endJSON{Type: "end", Segments: o.Segments, Decisions: o.Decisions, Compared: o.Compared, At: o.At}
	if len(o.Snapshot.Volatile) > 0 {
		j.State = o.Snapshot.Digest()
	}
	if failed != nil {
		j.Error = failed.Error()
	}
	return r.out.Encode(j)
}
