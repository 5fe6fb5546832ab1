package sandbox

import (
	"net/http"
	"strconv"
	"strings"
	"sync"

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
	media string
	wake  chan struct{}

	mu      sync.Mutex
	records [][]byte
	ended   bool
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
	record := append(strconv.AppendInt(nil, int64(len(data)), 10), '\n')
	st.mu.Lock()
	if !st.ended {
		st.records = append(st.records, append(record, data...))
	}
	st.mu.Unlock()
	st.signal()
	return nil
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

func (st *stream) take() (records [][]byte, ended bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	records, st.records = st.records, nil
	return records, st.ended
}

func encode(media string, event message) ([]byte, error) {
	if media == mediaProtobuf {
		return event.Marshal()
	}
	switch event.(type) {
	case *master.Response, *master.Event, *agent.Response:
		return protojson.MarshalLists(event)
	}
	return protojson.Marshal(event)
}

// send writes a stream to its subscriber, one record per chunk, until the stream or the connection ends.
func (s *Sandbox) send(w http.ResponseWriter, r *http.Request, st *stream) {
	w.Header().Set("Content-Type", st.media)
	w.WriteHeader(http.StatusOK)
	out := http.NewResponseController(w)
	for {
		records, ended := st.take()
		for _, record := range records {
			if _, err := w.Write(record); err != nil {
				return
			}
			if err := out.Flush(); err != nil {
				return
			}
		}
		if ended {
			return
		}
		select {
		case <-st.wake:
		case <-r.Context().Done():
			return
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
