package sandbox

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

func slavePID(ip string, port int) string { return fmt.Sprintf("slave(1)@%s:%d", ip, port) }

func (s *Sandbox) agentHandler(a *agentShell) http.Handler {
	mux := http.NewServeMux()
	for path, handler := range map[string]http.HandlerFunc{
		"/api/v1/executor":    func(w http.ResponseWriter, r *http.Request) { s.executorCall(w, r, a) },
		"/health":             healthy,
		"/version":            s.version,
		"/state":              func(w http.ResponseWriter, _ *http.Request) { s.agentState(w, a) },
		"/api/v1":             func(w http.ResponseWriter, r *http.Request) { s.agentCall(w, r, a) },
		"/containers":         func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.containersOf(a, true)) },
		"/monitor/statistics": func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.containersOf(a, false)) },
		"/metrics/snapshot": func(w http.ResponseWriter, _ *http.Request) {
			state := s.stateOf(a)
			writeJSON(w, agentMetrics(&state))
		},
		"/flags":          func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, object{"flags": flagView(s.agentFlags(a))}) },
		"/files/browse":   func(w http.ResponseWriter, r *http.Request) { s.browse(w, r, a) },
		"/files/read":     func(w http.ResponseWriter, r *http.Request) { s.read(w, r, a) },
		"/files/download": func(w http.ResponseWriter, r *http.Request) { s.download(w, r, a) },
	} {
		serve(mux, "/slave(1)", path, s.whileUp(a, handler))
	}
	mux.HandleFunc("/", notFound)
	return mux
}

// whileUp breaks every connection to an agent whose process is down.
func (s *Sandbox) whileUp(a *agentShell, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		up := s.conditionOf(a).Up
		s.mu.Unlock()
		if !up {
			reset(w)
			return
		}
		if !s.faultAtDoor(w, strings.TrimPrefix(r.URL.Path, "/slave(1)"), a) {
			next(w, r)
		}
	}
}

func (s *Sandbox) executorCall(w http.ResponseWriter, r *http.Request, a *agentShell) {
	call := &executor.Call{}
	if s.challengedExecutor(w, r) || !readCall(w, r, call) {
		return
	}
	if err := cluster.ValidateExecutorCall(call); err != nil {
		refuse(w, http.StatusBadRequest, "Failed to validate Executor::Call: "+err.Error())
		return
	}
	media := acceptedMedia(r.Header.Values("Accept"))
	if media == "" && call.Type == executor.Call_SUBSCRIBE {
		refuse(w, http.StatusNotAcceptable, "Expecting 'Accept' to allow 'application/x-protobuf' or 'application/json'")
		return
	}
	if s.refusesExecutor(w, r, a, call) {
		return
	}
	if call.Type == executor.Call_SUBSCRIBE {
		s.subscribeExecutor(w, r, a, call, media)
		return
	}
	var answer cluster.Answer
	s.apply(func(now time.Time) (effects []cluster.Effect) {
		answer, effects = s.cluster.ExecutorCall(now, a.id, call)
		return effects
	})
	s.answer(w, answer)
}

// refusesExecutor turns away who has the token of another executor, once it is known that there is the one that it calls itself. It tells whether it did.
func (s *Sandbox) refusesExecutor(w http.ResponseWriter, r *http.Request, a *agentShell, call *executor.Call) bool {
	problem := s.otherExecutor(r, call)
	if problem == "" || call.Type == executor.Call_HEARTBEAT {
		return false
	}
	s.mu.Lock()
	answer := s.cluster.FindExecutor(a.id, call)
	s.mu.Unlock()
	if answer.Status == http.StatusAccepted {
		answer = cluster.Answer{Status: http.StatusForbidden, Text: problem}
	}
	s.answer(w, answer)
	return true
}

func (s *Sandbox) subscribeExecutor(w http.ResponseWriter, r *http.Request, a *agentShell, call *executor.Call, media string) {
	st := newStream(media)
	var id string
	var answer cluster.Answer
	s.apply(func(now time.Time) (effects []cluster.Effect) {
		id, answer, effects = s.cluster.ExecutorSubscribe(now, a.id, call)
		if id != "" {
			s.streams[id] = st
		}
		return effects
	})
	if id == "" {
		s.answer(w, answer)
		return
	}
	s.log.Info("executor subscribed", "executor", call.ExecutorID.Value, "agent", a.Hostname)
	s.send(w, r, st)
	s.apply(func(now time.Time) []cluster.Effect {
		delete(s.streams, id)
		return s.cluster.ExecutorDisconnect(now, id)
	})
}

func (s *Sandbox) containersOf(a *agentShell, status bool) []object {
	state := s.stateOf(a)
	return a.containersView(&state, status)
}

// agentState answers /state of an agent.
func (s *Sandbox) agentState(w http.ResponseWriter, a *agentShell) {
	state := s.stateOf(a)
	all, info, started := s.state()
	view := versionView()
	for i := range all.GetAgents.Agents {
		if shown := &all.GetAgents.Agents[i]; shown.AgentInfo.ID.Value == state.Info.GetID().GetValue() {
			for key, value := range slaveView(shown, true) {
				view[key] = value
			}
		}
	}
	for _, masters := range []string{"active", "port", "deactivated", "registered_time", "reregistered_time", "used_resources",
		"offered_resources", "used_resources_full", "offered_resources_full"} {
		delete(view, masters)
	}
	var used []mesos.Resource
	for i := range state.Executors {
		used = append(used, state.Executors[i].Resources...)
	}
	reserved, unreserved := split(used)
	byRole := object{}
	for _, role := range sortedKeys(reserved) {
		byRole[role] = resourcesView(reserved[role])
	}
	for key, value := range (object{
		"start_time": started, "master_hostname": info.GetHostname(), "flags": flagView(s.agentFlags(a)),
		"resource_providers": []object{}, "reserved_resources_allocated": byRole,
		"unreserved_resources_allocated": resourcesView(unreserved),
		"frameworks":                     a.agentFrameworkViews(&state, state.Frameworks),
		"completed_frameworks":           a.agentFrameworkViews(&state, state.Former),
	}) {
		view[key] = value
	}
	writeJSON(w, view)
}
