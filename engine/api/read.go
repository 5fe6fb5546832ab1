package api

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// current returns the newest view; if there is none it answers the request itself.
func (s *server) current(w http.ResponseWriter) (*machine.View, bool) {
	v, _ := s.Backend.View()
	if v == nil {
		w.Header().Set("Retry-After", "1") // seconds
		text(w, http.StatusServiceUnavailable, "the scheduler is starting; try again")
		return nil, false
	}
	return v, true
}

func (s *server) plans(w http.ResponseWriter, _ *http.Request) {
	if v, ok := s.current(w); ok {
		s.json(w, http.StatusOK, planNames(v))
	}
}

// planNames never returns nil, so that it is a list in JSON.
func planNames(v *machine.View) []string {
	names := make([]string, len(v.Plans))
	for i := range v.Plans {
		names[i] = v.Plans[i].Name
	}
	return names
}

func (s *server) plan(w http.ResponseWriter, r *http.Request) {
	v, ok := s.current(w)
	if !ok {
		return
	}
	p, ok := v.Plan(r.PathValue("plan"))
	if !ok {
		planNotFound(w, v, r.PathValue("plan"))
		return
	}
	if p.Revision != "" {
		w.Header().Set(RevisionHeader, p.Revision)
	}
	s.json(w, planCode(p.Status), whole(p))
}

// planNotFound answers in the SDK's words, and on a second line in ours.
func planNotFound(w http.ResponseWriter, v *machine.View, name string) {
	there := strings.Join(planNames(v), ", ")
	text(w, http.StatusNotFound, "Plan %s not found\nplan %q: not found; there are: %s", name, name, there)
}

// planCode is the SDK's HTTP status for a plan in a status.
func planCode(s plans.Status) int {
	switch s {
	case plans.Complete:
		return http.StatusOK
	case plans.Error:
		return http.StatusExpectationFailed
	}
	return http.StatusAccepted
}

// whole returns the plan with empty lists in place of nil ones, as the SDK's clients expect. The view itself is shared and
// stays as it is.
func whole(p plans.View) plans.View {
	if p.Errors == nil {
		p.Errors = []string{}
	}
	p.Phases = slices.Clone(p.Phases)
	if p.Phases == nil {
		p.Phases = []plans.PhaseView{}
	}
	for i := range p.Phases {
		if p.Phases[i].Steps == nil {
			p.Phases[i].Steps = []plans.StepView{}
		}
	}
	return p
}

// wholeView does the same for everything.
func wholeView(v *machine.View) *machine.View {
	w := *v
	w.Plans = make([]plans.View, len(v.Plans))
	for i := range v.Plans {
		w.Plans[i] = whole(v.Plans[i])
	}
	w.Hosts, w.Pods = orEmpty(v.Hosts), orEmpty(v.Pods)
	return &w
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (s *server) frameworkID(w http.ResponseWriter, _ *http.Request) {
	v, ok := s.current(w)
	if !ok {
		return
	}
	if v.FrameworkID == "" {
		text(w, http.StatusNotFound, "framework id: Mesos has not given one yet")
		return
	}
	s.json(w, http.StatusOK, []string{v.FrameworkID}) // a list, as the SDK has it
}

func (s *server) podNames(w http.ResponseWriter, _ *http.Request) {
	v, ok := s.current(w)
	if !ok {
		return
	}
	names := make([]string, len(v.Pods))
	for i := range v.Pods {
		names[i] = v.Pods[i].Name
	}
	slices.Sort(names)
	s.json(w, http.StatusOK, names)
}

func (s *server) pods(w http.ResponseWriter, _ *http.Request) {
	if v, ok := s.current(w); ok {
		s.json(w, http.StatusOK, orEmpty(v.Pods))
	}
}

func (s *server) strangers(w http.ResponseWriter, _ *http.Request) {
	if v, ok := s.current(w); ok {
		s.json(w, http.StatusOK, orEmpty(v.Strangers))
	}
}

func (s *server) hosts(w http.ResponseWriter, _ *http.Request) {
	if v, ok := s.current(w); ok {
		s.json(w, http.StatusOK, orEmpty(v.Hosts))
	}
}

func (s *server) view(w http.ResponseWriter, _ *http.Request) {
	if v, ok := s.current(w); ok {
		s.json(w, http.StatusOK, wholeView(v))
	}
}

// artifact serves a file. Only names that are configured lead to a file, whatever else they contain.
func (s *server) artifact(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	path, ok := s.Artifacts[name]
	if !ok {
		text(w, http.StatusNotFound, "artifact %q: not found; there are: %s", name, s.artifactNames())
		return
	}
	f, err := os.Open(path)
	if err != nil {
		s.unreadable(w, name, err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		s.unreadable(w, name, err)
		return
	}
	// An executable's kind is not to be guessed from its first bytes or its name.
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", info.ModTime(), f)
}

func (s *server) unreadable(w http.ResponseWriter, name string, err error) {
	s.Logger.Error("artifact is not readable", "name", name, "error", err)
	text(w, http.StatusInternalServerError, "artifact %q: not readable; the scheduler's log says why", name)
}

func (s *server) artifactNames() string {
	if len(s.Artifacts) == 0 {
		return "none"
	}
	names := make([]string, 0, len(s.Artifacts))
	for name := range s.Artifacts {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// json answers with a value. It is encoded before anything is sent, so that an error can still become a 500.
func (s *server) json(w http.ResponseWriter, code int, value any) {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		s.Logger.Error("answer can't be encoded", "error", err)
		text(w, http.StatusInternalServerError, "answer: can't be encoded; the scheduler's log says why")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	w.Write(append(data, '\n'))
}
