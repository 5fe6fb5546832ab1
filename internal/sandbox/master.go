package sandbox

import (
	"net/http"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

const streamIDHeader = "Mesos-Stream-Id"

func (s *Sandbox) masterHandler() http.Handler {
	mux := http.NewServeMux()
	for path, handler := range map[string]http.HandlerFunc{
		"/api/v1/scheduler":  s.schedulerCall,
		"/api/v1/scheduler/": s.schedulerCall,
		"/api/v1":            s.operatorCall,
		"/api/v1/":           s.operatorCall, // a longer path is the rest of it, as for every endpoint of Mesos
		"/health":            healthy,
		"/version":           s.version,
		"/flags":             s.flags,
		"/state":             s.masterState,
		"/state-summary":     s.stateSummary,
		"/slaves":            s.slaves,
		"/tasks":             s.tasks,
		"/roles":             s.roles,
		"/quota":             emptyObject,
		"/weights":           emptyList,
		"/frameworks":        s.frameworks,
		"/metrics/snapshot":  s.metrics,
		"/redirect":          s.redirect,
		"/teardown":          s.teardown,
	} {
		mux.HandleFunc(path, handler)
		mux.HandleFunc("/master"+path, handler)
	}
	mux.HandleFunc("/", notFound)
	return mux
}

// schedulerCall checks a call in the order in which a master does.
func (s *Sandbox) schedulerCall(w http.ResponseWriter, r *http.Request) {
	call, constraints := &scheduler.Call{}, &cluster.CallConstraints{}
	if !readCall(w, r, call, constraints) {
		return
	}
	if err := cluster.Validate(call); err != nil {
		refuse(w, http.StatusBadRequest, "Failed to validate scheduler::Call: "+err.Error())
		return
	}
	if s.cfg.Fault != nil {
		if status := s.cfg.Fault(s.ctx, call.Type.String()); status != 0 {
			refuse(w, status, "fault injected by a test")
			return
		}
	}
	if call.Type == scheduler.Call_SUBSCRIBE {
		s.subscribe(w, r, call, constraints.Constraints())
		return
	}
	var answer cluster.Answer
	s.apply(func(now time.Time) (effects []cluster.Effect) {
		answer, effects = s.cluster.CallConstrained(now, r.Header.Get(streamIDHeader), call, constraints.Constraints())
		return effects
	})
	s.answer(w, answer)
}

func (s *Sandbox) answer(w http.ResponseWriter, answer cluster.Answer) {
	if answer.Text != "" {
		refuse(w, answer.Status, answer.Text)
		return
	}
	w.WriteHeader(answer.Status)
}

func (s *Sandbox) subscribe(w http.ResponseWriter, r *http.Request, call *scheduler.Call, constraints *cluster.OfferConstraints) {
	media := acceptedMedia(r.Header.Values("Accept"))
	if media == "" {
		refuse(w, http.StatusNotAcceptable, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'")
		return
	}
	if r.Header.Get(streamIDHeader) != "" {
		refuse(w, http.StatusBadRequest, "Subscribe calls should not include the 'Mesos-Stream-Id' header")
		return
	}
	st := newStream(media)
	var id string
	s.apply(func(now time.Time) (effects []cluster.Effect) {
		id, effects = s.cluster.SubscribeConstrained(now, call, constraints)
		s.streams[id] = st
		return effects
	})
	w.Header().Set(streamIDHeader, id)
	s.log.Info("scheduler subscribed", "framework", call.Subscribe.FrameworkInfo.Name, "stream", id)
	s.send(w, r, st)
	s.apply(func(now time.Time) []cluster.Effect {
		delete(s.streams, id)
		return s.cluster.Disconnect(now, id)
	})
	s.log.Info("scheduler's stream ended", "framework", call.Subscribe.FrameworkInfo.Name, "stream", id)
}

func (s *Sandbox) redirect(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Location", "//"+s.MasterAddress())
	w.WriteHeader(http.StatusTemporaryRedirect)
}
