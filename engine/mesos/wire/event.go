package wire

import (
	"cmp"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
)

// Decoder decodes events.
type Decoder struct {
	// HostKeyAttribute is the agent attribute whose value is the key of a host; empty: the hostname. An agent without the
	// attribute, or with a value that can't be a key, is known by its hostname.
	HostKeyAttribute string
}

// Decoded is what a record of the event stream says.
type Decoded struct {
	// Events are for the machine. HEARTBEAT and what is skipped yield none.
	Events []machine.Event
	// Error is the text of an ERROR event: the subscription is refused or over.
	Error string
	// Note says what was skipped; empty if nothing.
	Note string
}

// Event decodes a record. It fails only if the bytes are not an event.
func (d Decoder) Event(record []byte) (Decoded, error) {
	if o, ok := d.readOffers(record); ok {
		return Decoded{Events: []machine.Event{o}}, nil
	}
	e, err := unmarshal(record)
	if err != nil {
		return Decoded{}, fmt.Errorf("event of %d bytes: %w", len(record), err)
	}
	return d.decode(e), nil
}

// unmarshal guards against the generated decoder, which is older than the fix of CVE-2021-3121: lengths that overflow make
// it index out of range.
func unmarshal(record []byte) (e *scheduler.Event, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, err = nil, fmt.Errorf("malformed protobuf: %v", r)
		}
	}()
	e = &scheduler.Event{}
	return e, e.Unmarshal(record)
}

func (d Decoder) decode(e *scheduler.Event) Decoded {
	one := func(ev machine.Event) Decoded { return Decoded{Events: []machine.Event{ev}} }
	switch {
	case e.Type == scheduler.Event_HEARTBEAT:
		return Decoded{}
	case e.Type == scheduler.Event_SUBSCRIBED && e.Subscribed != nil:
		return one(subscribed(e.Subscribed))
	case e.Type == scheduler.Event_OFFERS && e.Offers != nil:
		return one(d.offered(e.Offers))
	case e.Type == scheduler.Event_RESCIND && e.Rescind != nil:
		return one(machine.Rescinded{OfferID: e.Rescind.OfferID.Value})
	case e.Type == scheduler.Event_UPDATE && e.Update != nil:
		return one(machine.Updated{Status: status(&e.Update.Status)})
	case e.Type == scheduler.Event_FAILURE && e.Failure != nil:
		return one(failure(e.Failure))
	case e.Type == scheduler.Event_UPDATE_OPERATION_STATUS && e.UpdateOperationStatus != nil:
		return one(machine.OperationUpdated{Status: operationStatus(&e.UpdateOperationStatus.Status)})
	case e.Type == scheduler.Event_ERROR:
		return Decoded{Error: errorText(e.Error)}
	}
	return Decoded{Note: "skipped event " + e.Type.String() + skipReason(e)}
}

// skipReason tells an event that we do not use from one that came without its body.
func skipReason(e *scheduler.Event) string {
	switch e.Type {
	case scheduler.Event_SUBSCRIBED, scheduler.Event_OFFERS, scheduler.Event_RESCIND, scheduler.Event_UPDATE, scheduler.Event_FAILURE,
		scheduler.Event_UPDATE_OPERATION_STATUS:
		return ": it has no body"
	}
	return ""
}

func errorText(e *scheduler.Event_Error) string {
	if e == nil || e.Message == "" {
		return "the master gave no reason"
	}
	return e.Message
}

func subscribed(s *scheduler.Event_Subscribed) machine.Subscribed {
	out := machine.Subscribed{FrameworkID: s.GetFrameworkID().GetValue()}
	if h := s.GetHeartbeatIntervalSeconds(); h > 0 && h < math.MaxInt32 {
		out.Heartbeat = time.Duration(h * float64(time.Second))
	}
	if m := s.MasterInfo; m != nil {
		out.Master = master(m)
	}
	return out
}

func master(m *mesos.MasterInfo) machine.Master {
	out := machine.Master{ID: m.ID, Version: m.GetVersion(), Hostname: cmp.Or(m.GetHostname(), m.GetAddress().GetHostname())}
	host, port := out.Hostname, int64(m.GetPort())
	if a := m.Address; a != nil {
		host, port = cmp.Or(a.GetIP(), a.GetHostname(), host), int64(a.Port)
	}
	out.Address = net.JoinHostPort(host, strconv.FormatInt(port, 10))
	return out
}

func failure(f *scheduler.Event_Failure) machine.Failure {
	return machine.Failure{
		AgentID:    f.GetAgentID().GetValue(),
		ExecutorID: f.GetExecutorID().GetValue(),
		Status:     int(f.GetStatus()),
	}
}

func status(s *mesos.TaskStatus) machine.TaskStatus {
	out := machine.TaskStatus{
		TaskID:     s.TaskID.Value,
		State:      machine.TaskState(strings.TrimPrefix(s.GetState().String(), "TASK_")),
		Message:    s.GetMessage(),
		AgentID:    s.GetAgentID().GetValue(),
		ExecutorID: s.GetExecutorID().GetValue(),
		Timestamp:  timestamp(s.GetTimestamp()),
	}
	if s.Source != nil {
		out.Source = strings.TrimPrefix(s.Source.String(), "SOURCE_")
	}
	if s.Reason != nil {
		out.Reason = strings.TrimPrefix(s.Reason.String(), "REASON_")
	}
	if len(s.UUID) > 0 {
		out.UUID = s.UUID
	}
	if len(s.Data) > 0 {
		out.Data = s.Data
	}
	return out
}

// timestamp turns seconds since 1970 into a time, to the microsecond: a float64 carries no more these days.
func timestamp(seconds float64) time.Time {
	const end = 253402300800 // the year 10000
	if !(seconds > 0 && seconds < end) {
		return time.Time{}
	}
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(math.Round(part*1e6))*1000).UTC()
}

func (d Decoder) offered(list *scheduler.Event_Offers) machine.Offered {
	out := machine.Offered{Offers: make([]offers.Offer, 0, len(list.Offers))}
	for i := range list.Offers {
		out.Offers = append(out.Offers, d.Offer(&list.Offers[i]))
	}
	return out
}
