package mesostest

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"sync"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/engine/mesos/recordio"
)

// Master makes offers when it is told to. It is an http.Handler.
type Master struct {
	// Told answers messages to executors: with the task whose update brings the answer, and its data. Without a task there is none. It must be
	// set before the master is served, and is called by one goroutine at a time. Nil: nobody answers.
	Told func(agentID, executorID string, message []byte) (taskID string, data []byte)

	welcome, offers []byte
	hosts           int
	turn, declined  chan struct{}
	subscribed      chan struct{}
	answers         chan []byte

	mu    sync.Mutex
	given int // how many offers were declined since Declined told the last time
	told  uint64
}

// NewMaster returns a master of so many hosts.
func NewMaster(hosts int) (*Master, error) {
	event := &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{}}
	for i := range hosts {
		event.Offers.Offers = append(event.Offers.Offers, StorageOffer(i))
	}
	m := &Master{hosts: hosts, turn: make(chan struct{}), declined: make(chan struct{}, 1), subscribed: make(chan struct{}, 1), answers: make(chan []byte, hosts)}
	var err error
	if m.offers, err = encode(event); err != nil {
		return nil, err
	}
	m.welcome, err = encode(&scheduler.Event{
		Type: scheduler.Event_SUBSCRIBED, Subscribed: &scheduler.Event_Subscribed{FrameworkID: &mesos.FrameworkID{Value: "F"}},
	})
	return m, err
}

func encode(e *scheduler.Event) ([]byte, error) {
	raw, err := e.Marshal()
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.Type, err)
	}
	return recordio.Append(nil, raw), nil
}

// Size is that of all offers in bytes, as they are sent.
func (m *Master) Size() int { return len(m.offers) }

// Offer sends what all hosts offer. It waits until a framework is subscribed, and must not be called again before Declined has told.
func (m *Master) Offer() { m.turn <- struct{}{} }

// Subscribed tells when a framework subscribes, unless nobody has asked since it told the last time.
func (m *Master) Subscribed() <-chan struct{} { return m.subscribed }

// Declined tells when as many offers were declined as Offer has sent.
func (m *Master) Declined() <-chan struct{} { return m.declined }

// ServeHTTP takes the calls of the v1 scheduler API as protobuf.
func (m *Master) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/api/v1/scheduler" {
		http.Error(w, "nobody may ask that", http.StatusForbidden)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the framework has gone
	}
	var call scheduler.Call
	if err := call.Unmarshal(body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	switch call.Type {
	case scheduler.Call_SUBSCRIBE:
		m.stream(w, r)
	case scheduler.Call_UPDATE_FRAMEWORK:
		w.WriteHeader(http.StatusOK)
	case scheduler.Call_MESSAGE:
		w.WriteHeader(http.StatusAccepted)
		m.message(call.Message)
	default:
		w.WriteHeader(http.StatusAccepted)
		m.noteDeclined(len(call.GetDecline().GetOfferIDs()))
	}
}

func (m *Master) stream(w http.ResponseWriter, r *http.Request) {
	flusher := http.NewResponseController(w)
	w.Header().Set("Content-Type", "application/x-protobuf")
	w.Header().Set("Mesos-Stream-Id", "s")
	w.Write(m.welcome)
	flusher.Flush()
	select {
	case m.subscribed <- struct{}{}:
	default:
	}
	for {
		select {
		case <-r.Context().Done():
			return
		case <-m.turn:
			w.Write(m.offers)
		case answer := <-m.answers:
			w.Write(answer)
		}
		flusher.Flush()
	}
}

// message answers what an executor is told.
func (m *Master) message(c *scheduler.Call_Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Told == nil {
		return
	}
	task, data := m.Told(c.AgentID.Value, c.ExecutorID.Value, c.Data)
	if task == "" {
		return
	}
	m.told++
	answer, err := encode(&scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: mesos.TaskStatus{
		TaskID: mesos.TaskID{Value: task}, AgentID: &c.AgentID, State: mesos.TASK_RUNNING.Enum(), Source: mesos.SOURCE_EXECUTOR.Enum(),
		Data: data, UUID: binary.BigEndian.AppendUint64(make([]byte, 8), m.told),
	}}})
	if err != nil {
		panic(err) // a message of ours always encodes
	}
	m.answers <- answer
}

func (m *Master) noteDeclined(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.given += n; m.given >= m.hosts {
		m.given -= m.hosts
		m.declined <- struct{}{}
	}
}
