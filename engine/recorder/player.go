package recorder

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// Player replays recordings. Service is needed, the others may be nil.
type Player struct {
	// Service builds the service that a segment was recorded with, from its settings.
	Service func(Segment) (machine.Service, error)
	// Until ends the replay before the first decision that was made later; zero: at the end.
	Until time.Time
	// Segment is called when the state at the beginning of a segment is restored.
	Segment func(file string, s Segment)
	// Decision is called with each decision. An error of it ends the replay.
	Decision func(Decision) error
	// Note is called with what is worth knowing about the recording itself: torn lines, gaps.
	Note func(text string)
}

// Decision is a decision as it was made again.
type Decision struct {
	Number  uint64
	At      time.Time
	Events  []Taken
	Effects machine.Effects
}

// Taken is an event that the machine took before a decision.
type Taken struct {
	At    time.Time
	Event machine.Event
}

// Outcome is where a replay has come to.
type Outcome struct {
	// Snapshot is the state after the last decision; empty if nothing was replayed.
	Snapshot machine.Snapshot
	// Segments and Decisions count what was replayed, Compared the digests of the state that were compared and found equal,
	// those of effects not counted.
	Segments, Decisions, Compared int
	// At is the time of the last decision.
	At time.Time
}

// Difference says where a replay first differs from what was recorded. It is an error.
type Difference struct {
	File           string
	Line           int
	Decision       uint64
	What           string // effects or state
	Recorded, Have string // digests
	Version        string // of the program that recorded
}

func (d *Difference) Error() string {
	return fmt.Sprintf("%s: line %d: decision %d: %s differ from what was recorded by %s (recorded %s, replayed %s)",
		d.File, d.Line, d.Decision, d.What, d.Version, d.Recorded, d.Have)
}

// PanicError says that the machine panicked during a replay, and presumably when it was recorded.
type PanicError struct {
	File     string
	Line     int
	Decision uint64
	Value    any
	Stack    []byte
}

func (p *PanicError) Error() string {
	return fmt.Sprintf("%s: line %d: decision %d: the machine panics: %v\n%s", p.File, p.Line, p.Decision, p.Value, p.Stack)
}

// errUntil ends a replay in time.
var errUntil = errors.New("until")

// replay is the state of a Player at work.
type replay struct {
	Player
	outcome Outcome
	machine *machine.Machine
	last    Segment // the one that was replayed last
	ended   string  // how it ended
	number  uint64  // of the last decision
}

// Play replays segments in their order. The outcome tells how far it came also if there is an error.
func (p Player) Play(files []string) (Outcome, error) {
	r := &replay{Player: p}
	for _, file := range files {
		err := r.file(file)
		if errors.Is(err, errUntil) {
			break
		}
		if err != nil {
			return r.finish(), err
		}
	}
	return r.finish(), nil
}

// finish takes the last snapshot, unless the machine was left in the middle of something.
func (r *replay) finish() Outcome {
	if r.machine != nil {
		if s, err := r.machine.Snapshot(); err == nil {
			r.outcome.Snapshot = s
		}
	}
	return r.outcome
}

func (r *replay) note(text string, args ...any) {
	if r.Note != nil {
		r.Note(fmt.Sprintf(text, args...))
	}
}

func (r *replay) file(name string) error {
	in, err := open(name)
	if err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	defer in.close()
	return r.segment(in)
}

// segment replays one segment.
func (r *replay) segment(in *reader) error {
	head, err := in.head()
	if errors.Is(err, errTorn) {
		r.note("%s: ends before it begins: whoever wrote it was stopped there", in.name)
		return nil
	}
	if err != nil {
		return fmt.Errorf("recording: %w", err)
	}
	if !r.Until.IsZero() && head.At.After(r.Until) {
		return errUntil
	}
	began, err := r.begin(in, head)
	if err != nil || !began {
		return err
	}
	r.outcome.Segments++
	if r.Segment != nil {
		r.Segment(in.name, head)
	}
	return r.inputs(in)
}

// begin restores the state at the beginning of a segment. It returns false if that is not complete.
func (r *replay) begin(in *reader, head Segment) (bool, error) {
	var s machine.Snapshot
	for {
		l, err := in.next()
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, errTorn):
			r.note("%s: ends in its snapshot: whoever wrote it was stopped there", in.name)
			return false, nil
		case err != nil:
			return false, fmt.Errorf("recording: %w", err)
		case l.Record != nil:
			s.Records = append(s.Records, machine.Record{Key: l.Record.Key, Value: l.Record.Value})
		case l.Part != nil:
			s.Volatile = append(s.Volatile, *l.Part)
		case l.Begin != nil:
			return true, r.restore(in, head, s, l.Begin.State)
		default:
			return false, fmt.Errorf("recording: %w", in.errorf("does not belong into a snapshot"))
		}
	}
}

func (r *replay) restore(in *reader, head Segment, s machine.Snapshot, state string) error {
	if err := r.compare(in, head, state); err != nil {
		return err
	}
	service, err := r.Service(head)
	if err != nil {
		return fmt.Errorf("recording: %s: settings: %w", in.name, err)
	}
	service = recorded{Service: service, fingerprints: head.Fingerprints}
	var m *machine.Machine
	if head.Boot != nil {
		m, err = machine.New(head.Machine, service, s.Records, *head.Boot)
	} else {
		m, err = machine.Restore(head.Machine, service, s)
	}
	if err != nil {
		return fmt.Errorf("recording: %s: %w", in.name, err)
	}
	r.machine, r.last, r.ended, r.number = m, head, "", head.Decisions
	r.outcome.At = head.At
	return r.compareState(in, head.Decisions, state)
}

// compare compares the state that replay has come to with the snapshot that the next segment of the process begins with.
func (r *replay) compare(in *reader, head Segment, state string) error {
	follows := r.machine != nil && head.Boot == nil && head.Started.Equal(r.last.Started) && head.Number == r.last.Number+1 && r.ended == endContinued
	switch {
	case follows:
		return r.compareState(in, head.Decisions, state)
	case head.Lost:
		r.note("%s: what happened before is missing: writing did not keep up", in.name)
	case r.machine != nil && head.Boot == nil:
		r.note("%s: does not follow the segment before; begins with its own snapshot", in.name)
	}
	return nil
}

func (r *replay) compareState(in *reader, decision uint64, recorded string) error {
	s, err := r.machine.Snapshot()
	if err != nil {
		return fmt.Errorf("recording: %w", in.errorf("%w", err))
	}
	if have := s.Digest(); have != recorded {
		return &Difference{File: in.name, Line: in.number, Decision: decision, What: "state", Recorded: recorded, Have: have, Version: r.last.Version}
	}
	r.outcome.Compared++
	return nil
}

// inputs replays what follows the snapshot.
func (r *replay) inputs(in *reader) error {
	var events []Taken
	for {
		l, err := in.next()
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, errTorn):
			r.cut(in, errors.Is(err, errTorn), len(events))
			return nil
		case err != nil:
			return fmt.Errorf("recording: %w", err)
		case r.ended != "":
			return fmt.Errorf("recording: %w", in.errorf("follows the end"))
		case l.Take != nil:
			e, err := decodeEvent(l.Take.Event)
			if err != nil {
				return fmt.Errorf("recording: %w", in.errorf("%w", err))
			}
			events = append(events, Taken{At: l.Take.At, Event: e})
		case l.Decide != nil:
			if err := r.decide(in, *l.Decide, events); err != nil {
				return err
			}
			events = nil
		case l.End != nil:
			if err := r.end(in, *l.End, events); err != nil {
				return err
			}
		default:
			return fmt.Errorf("recording: %w", in.errorf("does not belong after a snapshot"))
		}
	}
}

// cut notes that a segment has no end. Events that no decision followed are left out: nothing came of them.
func (r *replay) cut(in *reader, torn bool, events int) {
	if r.ended != "" {
		return
	}
	text := in.name + ": "
	if torn {
		text += fmt.Sprintf("line %d is torn, and left out; ", in.number+1)
	}
	if events > 0 {
		text += fmt.Sprintf("%d events after the last decision are left out; ", events)
	}
	r.note("%sends without an end: the framework was killed, could not write on, or runs still", text)
}

// decide feeds the machine with the events and lets it decide, as it did when it was recorded.
func (r *replay) decide(in *reader, d decideLine, events []Taken) error {
	if !r.Until.IsZero() && d.At.After(r.Until) {
		return errUntil
	}
	random, err := d.random()
	if err != nil {
		return fmt.Errorf("recording: %w", in.errorf("%w", err))
	}
	var effects machine.Effects
	if err := r.guard(in, d.Number, func() {
		for _, e := range events {
			r.machine.Take(e.At, e.Event)
		}
		effects = r.machine.Decide(d.At, random)
	}); err != nil {
		return err
	}
	r.outcome.Decisions++
	r.number = d.Number
	r.outcome.At = d.At
	if r.Decision != nil {
		if err := r.Decision(Decision{Number: d.Number, At: d.At, Events: events, Effects: effects}); err != nil {
			return err
		}
	}
	if d.Effects == "" {
		r.note("%s: line %d: decision %d was not finished when it was recorded, and is now", in.name, in.number, d.Number)
		return nil
	}
	digest, err := digestEffects(effects)
	if err != nil {
		return fmt.Errorf("recording: %w", in.errorf("%w", err))
	}
	if digest != d.Effects {
		return &Difference{File: in.name, Line: in.number, Decision: d.Number, What: "effects", Recorded: d.Effects, Have: digest, Version: r.last.Version}
	}
	if d.State == "" {
		return nil
	}
	return r.compareState(in, d.Number, d.State)
}

// end takes the end of a segment.
func (r *replay) end(in *reader, e endLine, events []Taken) error {
	r.ended = e.Reason
	if e.State != "" {
		return r.compareState(in, r.number, e.State)
	}
	if len(events) == 0 {
		return nil
	}
	r.note("%s: line %d: the machine did not finish with %d events, the last of which it must have panicked at", in.name, in.number, len(events))
	return r.guard(in, 0, func() {
		for _, e := range events {
			r.machine.Take(e.At, e.Event)
		}
	})
}

// guard turns a panic of the machine into an error. The machine can't be used after it.
func (r *replay) guard(in *reader, decision uint64, work func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			r.machine = nil
			err = &PanicError{File: in.name, Line: in.number, Decision: decision, Value: v, Stack: debug.Stack()}
		}
	}()
	work()
	return nil
}

// recorded is the service with the fingerprints that it had when it was recorded: with redacted settings it would compute others.
type recorded struct {
	machine.Service
	fingerprints map[string]string
}

func (r recorded) Fingerprint(podType string) string {
	if f, ok := r.fingerprints[podType]; ok {
		return f
	}
	return r.Service.Fingerprint(podType)
}
