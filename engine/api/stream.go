package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// eventPause is the least time between two events of a stream: at most ten a second.
const eventPause = 100 * time.Millisecond

// stream sends server-sent events (the event stream format of the HTML standard): one with the present state, then one after
// each change. An event always carries the whole state, so that a reader who missed some has missed nothing.
func (s *server) stream(w http.ResponseWriter, r *http.Request) {
	plan := r.URL.Query().Get("plan")
	v, ok := s.current(w)
	if !ok {
		return
	}
	if r.URL.Query().Has("plan") {
		if _, known := v.Plan(plan); !known {
			planNotFound(w, v, plan)
			return
		}
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx, and with it DC/OS's Admin Router, passes events on at once
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return
	}
	e := &eventWriter{w: w, control: http.NewResponseController(w)}
	if err := s.sendChanges(r, plan, e); err != nil {
		s.Logger.Debug("stream ended", "plan", plan, "remote", r.RemoteAddr, "error", err)
	}
}

// sendChanges sends events until the client or the plan is gone.
func (s *server) sendChanges(r *http.Request, plan string, e *eventWriter) error {
	heartbeat := time.NewTicker(s.Heartbeat)
	defer heartbeat.Stop()
	name := "plan"
	if plan == "" {
		name = "view"
	}
	var last []byte
	for {
		v, newer := s.Backend.View()
		if v != nil {
			data, known, err := s.encoded.encode(v, plan)
			if err != nil || !known {
				return err
			}
			if !bytes.Equal(data, last) {
				if err := e.event(name, v.Revision, data); err != nil {
					return err
				}
				last = data
				if !pause(r, eventPause) {
					return nil
				}
			}
		}
		for waiting := true; waiting; {
			select {
			case <-r.Context().Done():
				return nil
			case <-heartbeat.C:
				if err := e.comment("heartbeat"); err != nil {
					return err
				}
			case <-newer:
				waiting = false
			}
		}
	}
}

// pause waits, and says whether the client is still there.
func pause(r *http.Request, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-r.Context().Done():
		return false
	case <-t.C:
		return true
	}
}

// eventWriter writes events, and sends each at once.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// event sends data, which must not contain line breaks.
func (e *eventWriter) event(name string, id uint64, data []byte) error {
	return e.send(fmt.Appendf(nil, "event: %s\nid: %d\ndata: %s\n\n", name, id, data))
}

func (e *eventWriter) comment(text string) error {
	return e.send([]byte(": " + text + "\n\n"))
}

func (e *eventWriter) send(p []byte) error {
	if _, err := e.w.Write(p); err != nil {
		return err
	}
	return e.control.Flush()
}

// encoder encodes what streams send: each newest view once, however many watch it.
type encoder struct {
	mu   sync.Mutex
	view *machine.View
	data map[string][]byte // by plan name; the whole view by the empty name
}

// encode returns a plan's JSON on one line, or that of the whole view if plan is empty. known is false if there is no such
// plan. The bytes are shared.
func (e *encoder) encode(v *machine.View, plan string) (data []byte, known bool, err error) {
	var value any
	if plan == "" {
		value = wholeView(v)
	} else {
		p, ok := v.Plan(plan)
		if !ok {
			return nil, false, nil
		}
		plan, value = p.Name, whole(p)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.view != v {
		e.view, e.data = v, make(map[string][]byte)
	}
	if data, ok := e.data[plan]; ok {
		return data, true, nil
	}
	if data, err = json.Marshal(value); err == nil {
		e.data[plan] = data
	}
	return data, true, err
}
