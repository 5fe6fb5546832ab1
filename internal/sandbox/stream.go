package sandbox

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/agent"
	"github.com/mesos/mesos-go/api/v1/lib/master"

	"github.com/quobyte/mesos-framework/internal/sandbox/protojson"
)

const (
	mediaJSON     = "application/json"
	mediaProtobuf = "application/x-protobuf"
)

// message is an event of either API; the generated types have this.
type message interface {
	Marshal() ([]byte, error)
}

// stream is the queue of events for one subscriber. It is unbounded, so that a slow reader never holds up the cluster.
type stream struct {
	media     string
	wake      chan struct{}
	framework []string // its id and name; guarded by the sandbox's lock

	mu      sync.Mutex
	records []record
	ended   bool
	silent  bool // what is put on it is lost, and it does not end
	broken  bool // the connection is to break, after what is there
}

// record is one event as it is written.
type record struct {
	data    []byte
	broken  bool          // only half of it is written, and then the connection breaks
	perByte time.Duration // so long after each byte
}

func newStream(media string) *stream {
	return &stream{media: media, wake: make(chan struct{}, 1)}
}

// push encodes at once, so that the event may share memory with the cluster.
func (st *stream) push(event message) error {
	data, err := encode(st.media, event)
	if err != nil {
		return err
	}
	st.put(record{data: framed(data)})
	return nil
}

// framed puts the length in front of a message, as RecordIO wants it.
func framed(data []byte) []byte {
	return append(append(strconv.AppendInt(nil, int64(len(data)), 10), '\n'), data...)
}

func (st *stream) put(r record) {
	st.mu.Lock()
	if !st.ended && !st.silent {
		st.records = append(st.records, r)
	}
	st.mu.Unlock()
	st.signal()
}

// fallSilent makes the stream half-open: it stays, and nothing arrives any more.
func (st *stream) fallSilent() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.records, st.silent = nil, true
}

// cut breaks the connection of the stream, after what was put on it.
func (st *stream) cut() {
	st.mu.Lock()
	st.broken = true
	st.mu.Unlock()
	st.signal()
}

func (st *stream) end() {
	st.mu.Lock()
	st.ended = true
	st.mu.Unlock()
	st.signal()
}

func (st *stream) signal() {
	select {
	case st.wake <- struct{}{}:
	default:
	}
}

func (st *stream) take() (records []record, ended, broken bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	records, st.records = st.records, nil
	return records, st.ended && !st.silent, st.broken && !st.silent
}

func encode(media string, event message) ([]byte, error) {
	if media == mediaProtobuf {
		return event.Marshal()
	}
	switch event.(type) {
	case *master.Response, *master.Event, *agent.Response:
		return protojson.MarshalLists(event, nil)
	}
	return protojson.Marshal(event)
}

// send writes a stream to its subscriber, one record per chunk, until the stream or the connection ends. It tells whether
// the connection is to break now; the caller breaks it when the cluster knows that the stream has ended.
func (s *Sandbox) send(w http.ResponseWriter, r *http.Request, st *stream) (broken bool) {
	w.Header().Set("Content-Type", st.media)
	w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(w)
	for {
		records, ended, broken := st.take()
		for _, record := range records {
			if broken, err := writeFaulty(r.Context().Done(), w, out, record); broken || err != nil {
				return broken
			}
		}
		if ended || broken {
			return broken
		}
		select {
		case <-st.wake:
		case <-r.Context().Done():
			return false
		}
	}
}

// acceptedMedia chooses how to encode a stream: JSON if that is allowed, as a master does; "" if neither is.
func acceptedMedia(header []string) string {
	if len(header) == 0 {
		return mediaJSON
	}
	protobuf := false
	for _, item := range strings.Split(strings.Join(header, ","), ",") {
		media, _, _ := strings.Cut(item, ";")
		switch strings.TrimSpace(media) {
		case mediaJSON, "*/*", "application/*":
			return mediaJSON
		case mediaProtobuf:
			protobuf = true
		}
	}
	if protobuf {
		return mediaProtobuf
	}
	return ""
}
