package mesostest

import (
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
	welcome, offers []byte
	hosts           int
	turn, declined  chan struct{}

	mu    sync.Mutex
	given int // how many offers were declined since Declined told the last time
}

// NewMaster returns a master of so many hosts.
func NewMaster(hosts int) (*Master, error) {
	event := &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{}}
	for i := range hosts {
		event.Offers.Offers = append(event.Offers.Offers, StorageOffer(i))
	}
	m := &Master{hosts: hosts, turn: make(chan struct{}), declined: make(chan struct{}, 1)}
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

// Declined tells when as many offers were declined as Offer has sent.
func (m *Master) Declined() <-chan struct{} { return m.declined }

// ServeHTTP takes the calls of the v1 scheduler API as protobuf.
func (m *Master) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
	for {
		select {
		case <-r.Context().Done():
			return
		case <-m.turn:
			w.Write(m.offers)
			flusher.Flush()
		}
	}
}

func (m *Master) noteDeclined(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.given += n; m.given >= m.hosts {
		m.given -= m.hosts
		m.declined <- struct{}{}
	}
}
