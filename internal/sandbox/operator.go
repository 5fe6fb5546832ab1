package sandbox

import (
	"net/http"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/protojson"
)

// operatorCall answers the v1 operator API of the master.
func (s *Sandbox) operatorCall(w http.ResponseWriter, r *http.Request) {
	call := &master.Call{}
	if !readCall(w, r, call) {
		return
	}
	if err := cluster.ValidateOperatorCall(call); err != nil {
		refuse(w, http.StatusBadRequest, "Failed to validate master::Call: "+err.Error())
		return
	}
	media := acceptedMedia(r.Header.Values("Accept"))
	if media == "" {
		refuse(w, http.StatusNotAcceptable, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'")
		return
	}
	switch call.Type {
	case master.Call_SUBSCRIBE:
		s.subscribeOperator(w, r, media)
		return
	case master.Call_LIST_FILES, master.Call_READ_FILE:
		refuse(w, http.StatusNotFound, "") // a master serves its logs, and this one writes none
		return
	}
	if response := s.ownResponse(call); response != nil {
		respond(w, media, response)
		return
	}
	s.operate(w, r, media, call)
}

// subscribeOperator is the life of an operator's subscription.
func (s *Sandbox) subscribeOperator(w http.ResponseWriter, r *http.Request, media string) {
	st := newStream(media)
	var id string
	s.apply(func(now time.Time) (effects []cluster.Effect) {
		id, effects = s.cluster.OperatorSubscribe(now)
		s.streams[id] = st
		return effects
	})
	broken := s.send(w, r, st)
	s.apply(func(now time.Time) []cluster.Effect {
		delete(s.streams, id)
		return s.cluster.OperatorDisconnect(now, id)
	})
	if broken {
		reset(w)
	}
}

// operate lets the cluster answer.
func (s *Sandbox) operate(w http.ResponseWriter, r *http.Request, media string, call *master.Call) {
	var answer cluster.OperatorAnswer
	principal := s.operator(r)
	s.apply(func(now time.Time) (effects []cluster.Effect) {
		answer, effects = s.cluster.OperateAs(now, principal, call)
		return effects
	})
	if answer.Response == nil {
		s.answer(w, answer.Answer)
		return
	}
	if media == mediaJSON {
		respondWith(w, answer)
		return
	}
	respond(w, media, answer.Response)
}

// respondWith writes a response in JSON, with what the generated types have no place for: the offer constraints of
// frameworks, and that agents write checkpoints, which all do now.
func respondWith(w http.ResponseWriter, answer cluster.OperatorAnswer) {
	body, err := protojson.MarshalLists(answer.Response, func(message any) (string, any) {
		switch m := message.(type) {
		case *mesos.AgentInfo:
			return "checkpoint", true
		case *master.Response_GetFrameworks_Framework:
			if constraints := answer.Constraints[m.FrameworkInfo.ID.GetValue()]; constraints != nil {
				return "offer_constraints", constraints
			}
			return "offer_constraints", &cluster.OfferConstraints{}
		}
		return "", nil
	})
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	writeBody(w, mediaJSON, body)
}

// respond writes a response of either operator API.
func respond(w http.ResponseWriter, media string, response message) {
	body, err := encode(media, response)
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	writeBody(w, media, body)
}

// ownResponse answers what is about the process and not the cluster; nil for everything else.
func (s *Sandbox) ownResponse(call *master.Call) *master.Response {
	switch call.Type {
	case master.Call_GET_VERSION:
		return &master.Response{Type: master.Response_GET_VERSION,
			GetVersion: &master.Response_GetVersion{VersionInfo: versionInfo()}}
	case master.Call_GET_FLAGS:
		return &master.Response{Type: master.Response_GET_FLAGS, GetFlags: &master.Response_GetFlags{Flags: s.masterFlags()}}
	case master.Call_GET_METRICS:
		return &master.Response{Type: master.Response_GET_METRICS,
			GetMetrics: &master.Response_GetMetrics{Metrics: metricList(s.masterMetrics())}}
	case master.Call_GET_LOGGING_LEVEL:
		return &master.Response{Type: master.Response_GET_LOGGING_LEVEL,
			GetLoggingLevel: &master.Response_GetLoggingLevel{}}
	}
	return nil
}

// teardown is the endpoint of version 0: the framework is named in a form.
func (s *Sandbox) teardown(w http.ResponseWriter, r *http.Request) {
	values, ok := form(w, r)
	if !ok {
		return
	}
	id := values.Get("frameworkId")
	if !values.Has("frameworkId") {
		refuse(w, http.StatusBadRequest, "Missing 'frameworkId' query parameter in the request body")
		return
	}
	s.operate(w, r, mediaJSON, &master.Call{
		Type: master.Call_TEARDOWN, Teardown: &master.Call_Teardown{FrameworkID: mesos.FrameworkID{Value: id}},
	})
}
