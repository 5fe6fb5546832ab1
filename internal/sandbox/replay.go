package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/maintenance"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/protojson"
)

// Replayed is what came of a journal.
type Replayed struct {
	Began, Ended time.Time // of the first line, and of the last that was repeated
	Inputs       int
	Lines        int // of answers, effects and losses that are as they were

	// Differences are lines that came out otherwise this time: none, unless the journal is not as it was written or was written by another version.
	Differences []Difference

	State []byte // JSON, as GET_STATE would answer at the end; nil if no master leads
}

// Difference is a line of a journal that came out otherwise. Want or Got is "" if there was no such line.
type Difference struct {
	Line      int // of the input that it belongs to, from 1
	Want, Got string
}

// mostDifferences are told of: what follows the first is mostly its consequence.
const mostDifferences = 10

// Replay builds the model of a sandbox once more from its journal, and compares all that comes out of it with what the journal says. It stops before
// the first line that is later than until, if that is not zero. A journal that ends in the middle of a line or of a step is good as far as it goes.
// The error is about journals that can't be read.
func Replay(journal io.Reader, until time.Time) (*Replayed, error) {
	p := &replay{until: until}
	in := bufio.NewReader(journal)
	for {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break // and half a line says nothing
		}
		if err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		p.line++
		more, err := p.take(bytes.TrimSuffix(text, []byte("\n")))
		if err != nil {
			return nil, fmt.Errorf("journal: line %d: %w", p.line, err)
		}
		if !more {
			break
		}
	}
	if p.cluster == nil {
		return nil, errors.New("journal: has no line of kind start")
	}
	if err := p.step(true); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	state, err := p.state()
	if err != nil {
		return nil, err
	}
	p.done.State = state
	return &p.done, nil
}

// replay is one under way.
type replay struct {
	until   time.Time
	cluster *cluster.Cluster
	line    int

	input   *JournalLine // that has not been repeated yet
	inputAt int
	want    [][]byte // what it brought
	lost    []cluster.Delivery
	denied  []cluster.AuthorizationRequest
	got     [][]byte // what it brings now

	done Replayed
}

// take reads a line. more is false when enough has been read.
func (p *replay) take(text []byte) (more bool, err error) {
	var l JournalLine
	if err := json.Unmarshal(text, &l); err != nil {
		return false, err
	}
	if p.cluster == nil {
		return true, p.begin(&l)
	}
	if !p.until.IsZero() && l.At.After(p.until) {
		return false, nil
	}
	switch l.Kind {
	case "input", "tick":
		if err := p.step(false); err != nil {
			return false, err
		}
		p.input, p.inputAt = &l, p.line
		if l.Kind == "tick" {
			l.Kind, l.Name = "input", "Tick"
			break
		}
		p.want = append(p.want, text)
	case "answer", "effect", "lost", "denied":
		p.want = append(p.want, text)
		if err := p.note(&l); err != nil {
			return false, fmt.Errorf("body: %w", err)
		}
	case "fault", "fault-end": // what they do to the model are inputs
	default:
		return false, fmt.Errorf("kind %q: there is none of that name", l.Kind)
	}
	return true, nil
}

// note keeps for the step what the world had its hand in.
func (p *replay) note(l *JournalLine) error {
	switch l.Kind {
	case "lost":
		return noted(l, &p.lost)
	case "denied":
		return noted(l, &p.denied)
	}
	return nil
}

func noted[T any](l *JournalLine, list *[]T) error {
	var one T
	if err := json.Unmarshal(l.Body, &one); err != nil {
		return err
	}
	*list = append(*list, one)
	return nil
}

func (p *replay) begin(l *JournalLine) error {
	var start JournalStart
	if l.Kind != "start" {
		return fmt.Errorf("kind %q: a journal begins with a line of kind start", l.Kind)
	}
	if err := json.Unmarshal(l.Body, &start); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	if !start.Repeatable {
		return errors.New("this sandbox was given ids, an order of agents or scripts of tasks by its caller, which no journal can tell")
	}
	if start.Config.MasterID == "" || len(start.Seed) != 32 {
		return errors.New("body: must have a MasterID and a Seed of 32 bytes")
	}
	start.Config.NewID = idsFrom([32]byte(start.Seed))
	start.Config.Lose = func(d cluster.Delivery) bool { return again(&p.lost, d) }
	start.Config.Deny = func(r cluster.AuthorizationRequest) bool { return again(&p.denied, r) }
	start.Config.Journal = func(e cluster.Entry) {
		if text, err := json.Marshal(lineOf(e)); err == nil {
			p.got = append(p.got, text)
		}
	}
	p.cluster = cluster.New(l.At, start.Config)
	p.done.Began, p.done.Ended = l.At, l.At
	return nil
}

// again tells whether something happened then, and takes it from what did.
func again[T any](list *[]T, one T) bool {
	i := slices.IndexFunc(*list, func(other T) bool { return reflect.DeepEqual(other, one) })
	if i < 0 {
		return false
	}
	*list = slices.Delete(*list, i, i+1)
	return true
}

// step repeats the input that was read last. What follows it in the journal may not be all of it at the end.
func (p *replay) step(last bool) error {
	if p.input == nil {
		return nil
	}
	e, err := entryOf(p.input)
	if err == nil {
		p.got = nil
		err = p.cluster.Repeat(e)
	}
	if err != nil {
		return fmt.Errorf("line %d: %w", p.inputAt, err)
	}
	p.done.Inputs++
	p.done.Ended = p.input.At
	for i := range max(len(p.want), len(p.got)) {
		want, got := textAt(p.want, i), textAt(p.got, i)
		switch {
		case want == got:
			p.done.Lines++
		case last && want == "":
		case len(p.done.Differences) < mostDifferences:
			p.done.Differences = append(p.done.Differences, Difference{p.inputAt, want, got})
		}
	}
	p.input, p.want, p.lost, p.denied = nil, nil, nil, nil
	return nil
}

func textAt(lines [][]byte, i int) string {
	if i < len(lines) {
		return string(lines[i])
	}
	return ""
}

// state asks the model, which does not change by that.
func (p *replay) state() ([]byte, error) {
	answer, _ := p.cluster.Operate(p.done.Ended, &master.Call{Type: master.Call_GET_STATE})
	if answer.Response == nil {
		return nil, nil
	}
	text, err := protojson.MarshalLists(answer.Response, nil)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	return text, nil
}

// entryOf is what lineOf was made from, of an input.
func entryOf(l *JournalLine) (cluster.Entry, error) {
	e := cluster.Entry{
		At: l.At, Kind: cluster.Input, Name: l.Name, Agent: l.Agent, Framework: l.Framework, Task: l.Task, Container: l.Container,
		Stream: l.Stream, Principal: l.Principal, Problem: l.Problem,
	}
	if l.Constraints != nil {
		e.Constraints = &cluster.OfferConstraints{}
		if err := protojson.Unmarshal(l.Constraints, e.Constraints); err != nil {
			return e, fmt.Errorf("offer_constraints: %w", err)
		}
	}
	read := bodies[l.Name]
	if read == nil {
		return e, nil
	}
	var err error
	if e.About, err = read(l.Body); err != nil {
		return e, fmt.Errorf("body: %w", err)
	}
	return e, nil
}

// bodies read what inputs are about, by their name.
var bodies = map[string]func([]byte) (any, error){
	"AddAgent": value[cluster.AgentConfig], "StartAgent": value[cluster.AgentStart], "DelayAgent": value[time.Duration], "DrainAgent": value[cluster.Drain],
	"FailOver": value[cluster.MasterFailover], "StopMaster": value[cluster.MasterState],
	"ProcessStarted": value[int], "ProcessExited": value[cluster.Exit], "TaskExited": value[cluster.Exit], "ContainerNotRun": value[int],
	"Checked":           value[cluster.CheckOutcome],
	"UpdateMaintenance": value[[]maintenance.Window], "StartMaintenance": value[[]mesos.MachineID], "StopMaintenance": value[[]mesos.MachineID],
	"Subscribe": protoBody[scheduler.Call], "Call": protoBody[scheduler.Call], "Operate": protoBody[master.Call],
	"ExecutorSubscribe": protoBody[executor.Call], "ExecutorCall": protoBody[executor.Call],
}

func value[T any](text []byte) (any, error) {
	var v T
	err := json.Unmarshal(text, &v)
	return v, err
}

func protoBody[T any](text []byte) (any, error) {
	v := new(T)
	err := protojson.Unmarshal(text, v)
	return v, err
}
