package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// verbName is a verb and the SDK's name for it.
type verbName struct {
	name string
	kind machine.VerbKind
}

// verbs are what operators can ask for.
var verbs = [...]verbName{
	{"interrupt", machine.Pause},
	{"continue", machine.Resume},
}

// The most characters that a reason and an actor may have. They are stored, and shown beside what they concern.
const (
	maxReason = 1000
	maxActor  = 200
)

// verbQuery lists the query parameters that verbs know.
var verbQuery = [...]string{"phase", "reason"}

func verbNames() string {
	names := make([]string, len(verbs))
	for i, v := range verbs {
		names[i] = v.name
	}
	return strings.Join(names, ", ")
}

func verbsMeaning() string {
	return "verbs: " + verbNames() + "; ?phase=NAME, ?reason=TEXT"
}

// verb carries out POST /v1/plans/{plan}/{verb}.
func (s *server) verb(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("verb")
	i := slices.IndexFunc(verbs[:], func(v verbName) bool { return v.name == name })
	if i < 0 {
		text(w, http.StatusNotFound, "verb %q: not found; there are: %s", name, verbNames())
		return
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		bodyRefused(w, err)
		return
	}
	v, err := readVerb(r)
	if err != nil {
		text(w, http.StatusBadRequest, "%v", err)
		return
	}
	v.Kind = verbs[i].kind
	ctx, cancel := context.WithTimeout(r.Context(), verbTimeout)
	defer cancel()
	answer, err := s.Backend.Do(ctx, v)
	if err != nil {
		s.Logger.Warn("verb got no answer", "verb", name, "plan", v.Plan, "phase", v.Phase, "actor", v.Actor, "error", err)
		text(w, http.StatusServiceUnavailable,
			"plan %q: %s: the scheduler gave no answer (%v); it may still be carried out", v.Plan, name, err)
		return
	}
	s.answer(w, name, v, answer)
}

func bodyRefused(w http.ResponseWriter, err error) {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		text(w, http.StatusRequestEntityTooLarge, "body: larger than %d bytes; a verb needs none", large.Limit)
		return
	}
	text(w, http.StatusBadRequest, "body: %v", err)
}

// readVerb reads everything of a verb but its kind.
func readVerb(r *http.Request) (machine.Verb, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return machine.Verb{}, fmt.Errorf("query: %w", err)
	}
	for name, values := range query {
		if !slices.Contains(verbQuery[:], name) {
			return machine.Verb{}, fmt.Errorf("query %q: unknown; there are: %s", name, strings.Join(verbQuery[:], ", "))
		}
		if len(values) > 1 {
			return machine.Verb{}, fmt.Errorf("query %q: given %d times, want it once", name, len(values))
		}
	}
	v := machine.Verb{
		Plan: r.PathValue("plan"), Phase: query.Get("phase"), Reason: strings.TrimSpace(query.Get("reason")), Actor: actor(r),
	}
	if query.Has("phase") && v.Phase == "" {
		return machine.Verb{}, errors.New(`query "phase": empty; name a phase, or leave it out to mean the whole plan`)
	}
	return v, errors.Join(checkText(`query "reason"`, v.Reason, maxReason), checkText(ActorHeader, v.Actor, maxActor))
}

// actor is who the request says gives the verb, else where it comes from.
func actor(r *http.Request) string {
	if a := strings.TrimSpace(r.Header.Get(ActorHeader)); a != "" {
		return a
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// checkText refuses what can't be shown on one line.
func checkText(field, value string, limit int) error {
	if !utf8.ValidString(value) {
		return fmt.Errorf("%s: not UTF-8", field)
	}
	if n := utf8.RuneCountInString(value); n > limit {
		return fmt.Errorf("%s: %d characters long, %d are allowed", field, n, limit)
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("%s: has control characters", field)
	}
	return nil
}

// answer says how a verb went: on the first line in the SDK's words, on the second in the machine's, which say more.
func (s *server) answer(w http.ResponseWriter, name string, v machine.Verb, a machine.Answer) {
	switch a.Code {
	case machine.Done:
		s.json(w, http.StatusOK, map[string]string{"message": "Received cmd: " + name})
	case machine.Already:
		text(w, http.StatusAlreadyReported, "%s", lines("Command has already been reported or completed", a.Message))
	case machine.NotFound:
		text(w, http.StatusNotFound, "%s", lines(s.notFound(v), a.Message))
	default:
		s.Logger.Error("verb has an answer of unknown code", "code", a.Code, "message", a.Message)
		text(w, http.StatusInternalServerError, "plan %q: %s: %s", v.Plan, name, a.Message)
	}
}

// notFound says in the SDK's words which of the two names leads nowhere.
func (s *server) notFound(v machine.Verb) string {
	view, _ := s.Backend.View()
	if view != nil && v.Phase != "" {
		if _, ok := view.Plan(v.Plan); ok {
			return fmt.Sprintf("Phase %s not found", v.Phase)
		}
	}
	return fmt.Sprintf("Plan %s not found", v.Plan)
}

// lines joins what is not empty.
func lines(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "\n")
}
