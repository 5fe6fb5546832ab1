package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

const streamIDHeader = "Mesos-Stream-Id"

// masterHandler serves what a master serves that listens at an address.
func (s *Sandbox) masterHandler(address string) http.Handler {
	mux := http.NewServeMux()
	quota := byMethod(served{"GET", s.quotas}, served{"POST", s.setQuota}, served{"DELETE", s.removeQuota})
	for path, handler := range map[string]http.HandlerFunc{
		"/api/v1/scheduler": s.schedulerCall,
		"/api/v1":           s.operatorCall,
		"/health":           healthy,
		"/version":          s.version,
		"/flags":            s.flags,
		"/state":            s.masterState,
		"/state-summary":    s.stateSummary,
		"/slaves":           s.slaves,
		"/tasks":            s.tasks,
		"/roles":            s.roles,
		"/quota":            quota,
		"/weights":          byMethod(served{"GET", s.weights}, served{"PUT", s.setWeights}),
		"/reserve":          s.onAgent("resources", "Error parsing", reserveCall),
		"/unreserve":        s.onAgent("resources", "Error in parsing", unreserveCall),
		"/create-volumes":   s.onAgent("volumes", "Error in parsing", createCall),
		"/destroy-volumes":  s.onAgent("volumes", "Error in parsing", destroyCall),
		"/machine/down":     s.machines(downCall),
		"/machine/up":       s.machines(upCall),

		"/maintenance/schedule": byMethod(served{"GET", s.maintenanceSchedule}, served{"POST", s.setMaintenanceSchedule}),
		"/maintenance/status":   s.maintenanceStatus,
		"/frameworks":           s.frameworks,
		"/metrics/snapshot":     s.metrics,
		"/redirect":             s.redirect,
		"/teardown":             posted(s.teardown),
	} {
		serve(mux, "/master", path, s.gated(address, handler))
	}
	if s.cfg.ServiceAccounts != nil {
		mux.HandleFunc(loginPath, s.logIn)
	}
	mux.Handle("/sandbox/", s.adminHandler())
	mux.HandleFunc("/", notFound)
	return mux
}

// serve lets an endpoint be found with and without the name of its process. A longer path is found as well: what is behind is no business of Mesos'.
func serve(mux *http.ServeMux, process, path string, handler http.HandlerFunc) {
	for _, pattern := range []string{path, path + "/", process + path, process + path + "/"} {
		mux.HandleFunc(pattern, handler)
	}
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
	if problem := s.claim(r, call); problem != "" {
		refuse(w, http.StatusBadRequest, "Failed to validate scheduler::Call: "+problem)
		return
	}
	media := acceptedMedia(r.Header.Values("Accept"))
	if media == "" && (call.Type == scheduler.Call_SUBSCRIBE || call.Type == scheduler.Call_RECONCILE_OPERATIONS) {
		refuse(w, http.StatusNotAcceptable, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'")
		return // of the other calls nobody looks at Accept
	}
	if problem := s.foreign(r, call); problem != "" {
		refuse(w, http.StatusBadRequest, problem)
		return
	}
	request := &schedulerRequest{
		call: call, stream: r.Header.Get(streamIDHeader), constraints: constraints.Constraints(), subject: s.subjectOf(call),
	}
	if s.faultBefore(w, request) {
		return
	}
	if call.Type == scheduler.Call_SUBSCRIBE {
		s.subscribe(w, r, request, media)
		return
	}
	answer := s.carryOut(request)
	s.releaseHeld(call.FrameworkID.GetValue(), fault.UntilCall)
	if !s.faultAfter(w, request) {
		s.answer(w, answer)
	}
}

// carryOut lets the cluster carry out any call but SUBSCRIBE.
func (s *Sandbox) carryOut(request *schedulerRequest) (answer cluster.Answer) {
	s.apply(func(now time.Time) (effects []cluster.Effect) {
		answer, effects = s.cluster.CallConstrained(now, request.stream, request.call, request.constraints)
		return effects
	})
	return answer
}

func (s *Sandbox) answer(w http.ResponseWriter, answer cluster.Answer) {
	if answer.Text != "" {
		refuse(w, answer.Status, answer.Text)
		return
	}
	w.WriteHeader(answer.Status)
}

func (s *Sandbox) subscribe(w http.ResponseWriter, r *http.Request, request *schedulerRequest, media string) {
	if request.stream != "" {
		refuse(w, http.StatusBadRequest, "Subscribe calls should not include the 'Mesos-Stream-Id' header")
		return
	}
	st := newStream(media)
	info := request.call.Subscribe.FrameworkInfo
	st.framework = []string{info.Name}
	var id string
	s.apply(func(now time.Time) (effects []cluster.Effect) {
		id, effects = s.cluster.SubscribeConstrained(now, request.call, request.constraints)
		s.streams[id] = st
		return effects
	})
	s.releaseHeld(info.ID.GetValue(), fault.UntilSession)
	lost := s.faultAfter(w, request)
	broken := false
	if !lost {
		w.Header().Set(streamIDHeader, id)
		s.log.Info("scheduler subscribed", "framework", info.Name, "stream", id)
		broken = s.send(w, r, st)
	}
	s.apply(func(now time.Time) []cluster.Effect {
		delete(s.streams, id)
		return s.cluster.Disconnect(now, id)
	})
	s.log.Info("scheduler's stream ended", "framework", info.Name, "stream", id)
	if broken {
		reset(w)
	}
}

// local are the endpoints that a master answers itself even if it does not lead.
var local = []string{"/health", "/metrics/snapshot", "/redirect", "/version", "/flags"}

// gated lets through only what a master answers in the state that it is in.
func (s *Sandbox) gated(address string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, "/master")
		s.mu.Lock()
		master, unavailable := s.cluster.Master(), s.cluster.Unavailable()
		leader := s.cluster.MasterAddress()
		f, redirects := s.faults.Find(func(f *fault.Active) bool { return f.Kind == fault.Redirect })
		s.mu.Unlock()
		own := slices.Contains(local, path)
		switch {
		case address == leader && master == cluster.Down:
			reset(w)
		case address == leader && master == cluster.Starting:
			s.answer(w, unavailable)
		case s.faultAtDoor(w, path, nil):
		case s.challenged(w, r, path):
		case address != leader:
			s.standBy(w, r, path, next, leader)
		case unavailable.Status != 0 && !own, master == cluster.Leaderless && path == "/redirect":
			s.answer(w, unavailable)
		case redirects && path == "/redirect":
			redirectTo(w, s.elsewhere(f.To))
		case redirects && !own:
			redirectTo(w, s.elsewhere(f.To)+"/master"+path)
		default:
			next(w, r)
		}
	}
}

// elsewhere is the address that a redirect fault sends to.
func (s *Sandbox) elsewhere(to string) string {
	switch to {
	case fault.ToLoop:
		return s.LeaderAddress()
	case fault.ToNowhere:
		return "nowhere.invalid:5050"
	}
	return to
}

func redirectTo(w http.ResponseWriter, address string) {
	w.Header().Set("Location", "//"+address)
	w.WriteHeader(http.StatusTemporaryRedirect)
}

func (s *Sandbox) redirect(w http.ResponseWriter, _ *http.Request) {
	redirectTo(w, s.LeaderAddress())
}
