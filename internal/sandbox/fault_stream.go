package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

// pushToScheduler puts an event on the stream of a subscription, or what faults make of it. It is called with the lock
// held.
func (s *Sandbox) pushToScheduler(id string, event *scheduler.Event) {
	st := s.streams[id]
	if st == nil {
		return
	}
	if event.Type == scheduler.Event_SUBSCRIBED {
		st.framework = append([]string{event.Subscribed.FrameworkID.GetValue()}, st.framework...)
	}
	if s.faults.Empty() {
		s.push(id, event)
		return
	}
	if err := s.pushStruck(st, event); err != nil {
		s.log.Error("event can't be encoded", "stream", id, "error", err)
	}
}

func (s *Sandbox) pushStruck(st *stream, event *scheduler.Event) error {
	subject := s.subjectOfEvent(st, event)
	if _, lost := s.strikeLocked(subject, fault.EventLost, fault.UpdateLost, fault.HeartbeatsStop); lost {
		return nil
	}
	data, err := encode(st.media, event)
	if err != nil {
		return err
	}
	if f, struck := s.strikeLocked(subject, fault.OffersOversized); struck {
		if data, err = st.padded(data, strings.Repeat("x", f.Bytes)); err != nil {
			return err
		}
	}
	if f, struck := s.strikeLocked(subject, fault.EventUnknown); struck {
		data, err = st.unknown(f.What, event, data)
	}
	if err != nil {
		return err
	}
	r := record{data: framed(data)}
	if f, struck := s.strikeLocked(subject, fault.StreamTrickle); struck {
		r.perByte = time.Duration(f.Delay)
	}
	if _, r.broken = s.strikeLocked(subject, fault.StreamCut); r.broken {
		st.put(r)
		return nil
	}
	st.put(r)
	if _, twice := s.strikeLocked(subject, fault.EventDuplicate, fault.UpdateDuplicate); twice {
		st.put(r)
	}
	return nil
}

// subjectOfEvent is what a fault can know of an event.
func (s *Sandbox) subjectOfEvent(st *stream, event *scheduler.Event) fault.Subject {
	subject := fault.Subject{Framework: st.framework, Event: event.Type.String()}
	if event.Type == scheduler.Event_UPDATE {
		status := &event.Update.Status
		subject.Tasks, subject.State = []string{status.TaskID.Value}, status.State.String()
		subject.Agents = s.namesOf(status.AgentID.GetValue())
	}
	return subject
}

// Names and numbers that no version of Mesos has.
const (
	unknownName   = "FROM_THE_FUTURE"
	unknownNumber = 9999
)

// unknown changes an encoded event into one of a future version.
func (st *stream) unknown(what string, event *scheduler.Event, data []byte) ([]byte, error) {
	switch what {
	case fault.WhatField:
		return st.padded(data, "from the future")
	case fault.WhatEnum:
		return st.withReason(event)
	}
	strange := []byte(`{"type":"` + unknownName + `","from_the_future":{"value":1}}`)
	if st.media == mediaProtobuf {
		strange = protobufVarint(protobufVarint(nil, 1<<3), unknownNumber)
	}
	st.put(record{data: framed(strange)})
	return data, nil
}

// padded is an encoded event with a field that no version of Mesos has.
func (st *stream) padded(data []byte, value string) ([]byte, error) {
	if st.media == mediaProtobuf {
		data = protobufVarint(protobufVarint(bytes.Clone(data), unknownNumber<<3|2), uint64(len(value)))
		return append(data, value...), nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil {
		return nil, err
	}
	text, err := json.Marshal(map[string]any{"value": []any{1, map[string]any{"deep": nil}, value}})
	if err != nil {
		return nil, err
	}
	object["from_the_future"] = text
	return json.Marshal(object)
}

// withReason gives an UPDATE a reason that does not exist. The schema has no name for it, so that its place is taken by
// another until it is encoded.
func (st *stream) withReason(event *scheduler.Event) ([]byte, error) {
	update := *event.Update
	reason := mesos.TaskStatus_Reason(unknownNumber)
	if st.media == mediaJSON {
		reason = mesos.REASON_IO_SWITCHBOARD_EXITED
	}
	update.Status.Reason = &reason
	data, err := encode(st.media, &scheduler.Event{Type: event.Type, Update: &update})
	return bytes.Replace(data, []byte(reason.String()), []byte("REASON_"+unknownName), 1), err
}

func protobufVarint(to []byte, n uint64) []byte {
	for ; n >= 0x80; n >>= 7 {
		to = append(to, byte(n)|0x80)
	}
	return append(to, byte(n))
}

// writeFaulty writes a record as its faults want it, and tells whether the connection is to break now.
func writeFaulty(gone <-chan struct{}, w http.ResponseWriter, out *http.ResponseController, r record) (broken bool, err error) {
	data := r.data
	if r.broken {
		data = data[:(len(data)+1)/2]
	}
	if r.perByte == 0 {
		if _, err := w.Write(data); err != nil {
			return r.broken, err
		}
		return r.broken, out.Flush()
	}
	for i := range data {
		if _, err := w.Write(data[i : i+1]); err != nil {
			return r.broken, err
		}
		if err := out.Flush(); err != nil {
			return r.broken, err
		}
		select {
		case <-time.After(r.perByte):
		case <-gone:
			return false, nil
		}
	}
	return r.broken, nil
}
