package sandbox

import (
	"encoding/json"
	"io"
	mathrand "math/rand/v2"
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
	"github.com/quobyte/mesos-framework/internal/sandbox/protojson"
)

// JournalLine is a line of Config.Journal: an entry of the model's journal, or a fault. Fields that say nothing are left
// out. Messages of Mesos are as a master writes them, calls without what their
// sender has not set.
type JournalLine struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`           // start, input, tick, answer, lost, effect, fault or fault-end
	Name string    `json:"name,omitempty"` // what the model was asked to do, or the type of the effect

	Agent     string `json:"agent,omitempty"`
	Framework string `json:"framework,omitempty"`
	Task      string `json:"task,omitempty"`
	Container string `json:"container,omitempty"`
	Stream    string `json:"stream,omitempty"`
	Principal string `json:"principal,omitempty"`

	Status  int    `json:"status,omitempty"` // of HTTP
	Text    string `json:"text,omitempty"`   // of an answer
	Problem string `json:"problem,omitempty"`

	Body        json.RawMessage `json:"body,omitempty"` // the call, the event, or whatever else it is about
	Constraints json.RawMessage `json:"offer_constraints,omitempty"`
}

// journal writes lines until it can't.
type journal struct {
	to     io.Writer
	failed func(error)
	lines  int // that there have been, also when they could not be written
}

// JournalStart is the body of a journal's first line: with what the model began.
type JournalStart struct {
	Config     cluster.Config
	Seed       []byte // of all ids
	Repeatable bool   // false if it was made by hand in a way that no journal can tell
}

func (j *journal) start(now time.Time, cfg cluster.Config, seed [32]byte, repeatable bool) {
	if j != nil {
		j.write(JournalLine{At: now, Kind: "start", Body: body(JournalStart{cfg, seed[:], repeatable})})
	}
}

// idsFrom gives random uuids, the same for the same seed.
func idsFrom(seed [32]byte) func() [16]byte {
	source := mathrand.NewChaCha8(seed)
	return func() (id [16]byte) {
		_, _ = source.Read(id[:]) // which never fails
		id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
		return id
	}
}

func (j *journal) write(l JournalLine) {
	j.lines++
	if j.to == nil {
		return
	}
	text, err := json.Marshal(l)
	if err == nil {
		_, err = j.to.Write(append(text, '\n'))
	}
	if err != nil {
		j.to = nil // half a journal is of use, one with gaps is not
		j.failed(err)
	}
}

// entry writes an entry of the model's journal.
func (j *journal) entry(e cluster.Entry) {
	if j.to == nil {
		j.lines++
		return
	}
	j.write(lineOf(e))
}

func lineOf(e cluster.Entry) JournalLine {
	l := JournalLine{
		At: e.At, Kind: e.Kind.String(), Name: e.Name, Agent: e.Agent, Framework: e.Framework, Task: e.Task,
		Container: e.Container, Stream: e.Stream, Principal: e.Principal, Status: e.Answer.Status, Text: e.Answer.Text, Problem: e.Problem,
	}
	if e.About != nil {
		l.Body = inputBody(e.About)
	}
	if e.Constraints != nil {
		l.Constraints = inputBody(e.Constraints)
	}
	if e.Kind == cluster.Effected {
		l.effect(e.Effect)
	}
	return l
}

// effect fills in what an effect is about.
func (l *JournalLine) effect(effect cluster.Effect) {
	switch e := effect.(type) {
	case cluster.SendToScheduler:
		l.Name, l.Stream, l.Body = "SendToScheduler", e.Stream, body(e.Event)
	case cluster.SendToOperator:
		l.Name, l.Stream, l.Body = "SendToOperator", e.Stream, body(e.Event)
	case cluster.SendToExecutor:
		l.Name, l.Stream, l.Body = "SendToExecutor", e.Stream, body(e.Event)
	case cluster.CloseScheduler:
		l.Name, l.Stream = "CloseScheduler", e.Stream
	case cluster.CutScheduler:
		l.Name, l.Stream = "CutScheduler", e.Stream
	case cluster.CutOperator:
		l.Name, l.Stream = "CutOperator", e.Stream
	case cluster.CloseExecutor:
		l.Name, l.Stream = "CloseExecutor", e.Stream
	case cluster.AgentRegistered:
		l.Name, l.Agent, l.Body = "AgentRegistered", e.Agent, body(e)
	case cluster.StartProcess:
		l.Name, l.Agent, l.Framework, l.Task, l.Container, l.Body = "StartProcess", e.Agent, e.Framework, e.Task, e.Container, body(e)
	case cluster.SignalProcess:
		l.Name, l.Container, l.Text = "SignalProcess", e.Container, e.Signal.String()
	case cluster.PerformCheck:
		l.Name, l.Agent, l.Container, l.Body = "PerformCheck", e.Agent, e.Container, body(e)
	case cluster.MountVolumes:
		l.Name, l.Container, l.Body = "MountVolumes", e.Container, body(e.Volumes)
	case cluster.CreateVolume:
		l.Name, l.Agent, l.Body = "CreateVolume", e.Agent, body(e.Volume)
	case cluster.DestroyVolume:
		l.Name, l.Agent, l.Body = "DestroyVolume", e.Agent, body(e.Volume)
	case cluster.CheckpointResources:
		l.Name, l.Agent, l.Body = "CheckpointResources", e.Agent, body(e.Resources)
	}
}

// fault tells that a fault begins or ends, and why it could not, if it could not.
func (j *journal) fault(now time.Time, kind string, f fault.Fault, problem error) {
	if j == nil {
		return
	}
	l := JournalLine{At: now, Kind: kind, Name: string(f.Kind), Body: body(f)}
	if problem != nil {
		l.Problem = problem.Error()
	}
	j.write(l)
}

// inputBody is what an input is about, so that it can be read again as it was.
func inputBody(value any) json.RawMessage {
	if text, err := protojson.MarshalSet(value); err == nil {
		return text
	}
	return body(value)
}

// body is a value as JSON: messages of Mesos as a master writes them, all else as Go does.
func body(value any) json.RawMessage {
	if text, err := protojson.Marshal(value); err == nil {
		return text
	}
	text, err := json.Marshal(value)
	if err != nil {
		text, _ = json.Marshal(err.Error())
	}
	return text
}
