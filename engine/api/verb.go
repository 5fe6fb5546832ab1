package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// verb is what an operator can ask for.
type verb struct {
	// name is the SDK's name of the verb, where it has one.
	name    string
	kind    machine.VerbKind
	meaning string
	// query lists the parameters that the verb knows.
	query []string
	// element says that the SDK's answer to it names the element.
	element bool
}

// planVerbs are the verbs on plans and what they consist of.
var planVerbs = [...]verb{
	{"start", machine.Start, "begin a new run", []string{"reason", "revision"}, false},
	{"stop", machine.Stop, "end the run; what runs is left alone", []string{"reason", "revision"}, false},
	{"restart", machine.Restart, "do it again: running pods are stopped and started, one after the other", []string{"phase", "step", "force", "reason", "revision"}, true},
	{"interrupt", machine.Pause, "begin no new step", []string{"phase", "step", "when", "reason", "revision"}, false},
	{"continue", machine.Resume, "go on, with a canary too", []string{"phase", "step", "reason", "revision"}, false},
	{"forceComplete", machine.Force, "count as COMPLETE", []string{"phase", "step", "reason", "revision"}, true},
	{"break", machine.Break, "set a breakpoint", []string{"phase", "when", "reason", "revision"}, false},
	{"unbreak", machine.Unbreak, "take a breakpoint away", []string{"phase", "when", "reason", "revision"}, false},
}

// podVerbs are the verbs on pods.
var podVerbs = [...]verb{
	{"except", machine.Except, "leave a dead pod out of plans", []string{"reason", "force"}, false},
	{"include", machine.Include, "take it into plans again", []string{"reason"}, false},
	{"markGone", machine.MarkGone, "take its task for gone, of which Mesos can't say whether it runs", []string{"reason"}, false},
	{"replace", machine.Replace, "give up what is reserved for it, which claim= names, and place it anew", []string{"claim", "reason"}, false},
	{"forgetReservations", machine.ForgetReservations, "have its resources reserved anew", []string{"reason", "force"}, false},
}

// hostVerbs are the verbs on hosts.
var hostVerbs = [...]verb{
	{"release", machine.ReleaseLeftover, "give back what is reserved there for no pod, which claim= names", []string{"claim", "reason"}, false},
	{"cancelRelease", machine.CancelRelease, "take that back, of all or of what claim= names, as long as Mesos was not told", []string{"claim", "reason"}, false},
}

// taskVerbs are the verbs on tasks that belong to no pod.
var taskVerbs = [...]verb{
	{"kill", machine.KillTask, "kill a task that belongs to no pod", []string{"reason"}, false},
}

// The most characters that parameters may have. Reasons and actors are stored, and shown beside what they concern.
const (
	maxReason   = 1000
	maxActor    = 200
	maxRevision = 100
)

func verbNames(verbs []verb) string {
	names := make([]string, len(verbs))
	for i, v := range verbs {
		names[i] = v.name
	}
	return strings.Join(names, ", ")
}

// routesOf returns the routes of verbs below a path.
func (s *server) routesOf(path string, verbs []verb) []route {
	routes := make([]route, len(verbs))
	for i, v := range verbs {
		meaning := v.meaning + "; ?" + strings.Join(v.query, "=, ?") + "="
		routes[i] = route{http.MethodPost, path + v.name, meaning, func(w http.ResponseWriter, r *http.Request) { s.verb(w, r, v) }}
	}
	return routes
}

// unknownVerb answers verbs that do not exist.
func (s *server) unknownVerb(verbs []verb) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text(w, http.StatusNotFound, "verb %q: not found; there are: %s", r.PathValue("verb"), verbNames(verbs))
	}
}

// verb carries out a verb on a plan or a pod.
func (s *server) verb(w http.ResponseWriter, r *http.Request, asked verb) {
	body, err := readBody(w, r)
	if err != nil {
		bodyRefused(w, err)
		return
	}
	if given := strings.Join(strings.Fields(string(body)), ""); asked.kind == machine.Start && given != "" && given != "{}" {
		text(w, http.StatusBadRequest, "body: has parameters, and plan %q takes none", r.PathValue("plan"))
		return
	}
	v, err := readVerb(r, asked)
	if err != nil {
		text(w, http.StatusBadRequest, "%v", err)
		return
	}
	select {
	case s.verbs <- struct{}{}:
		defer func() { <-s.verbs }()
	default:
		w.Header().Set("Retry-After", "5")
		text(w, http.StatusServiceUnavailable, "%s: %s: not carried out: %d others wait for the scheduler, whose disk or ZooKeeper is slow", subject(v), asked.name, waitingVerbs)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), verbTimeout)
	defer cancel()
	answer, err := s.Backend.Do(ctx, v)
	if err != nil {
		s.Logger.Warn("verb got no answer", "verb", asked.name, "plan", v.Plan, "phase", v.Phase, "step", v.Step, "pod", v.Pod, "actor", v.Actor, "error", err)
		text(w, http.StatusServiceUnavailable,
			"%s: %s: the scheduler gave no answer (%v); it may still be carried out", subject(v), asked.name, err)
		return
	}
	s.answer(w, asked, v, answer)
}

// subject is what a verb is about, in words.
func subject(v machine.Verb) string {
	switch {
	case v.Pod != "":
		return fmt.Sprintf("pod %q", v.Pod)
	case v.Task != "":
		return fmt.Sprintf("task %q", v.Task)
	case v.Host != "":
		return fmt.Sprintf("host %q", v.Host)
	}
	return fmt.Sprintf("plan %q", v.Plan)
}

// readBody reads what a request brings, which must come soon.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout)) // a writer without one is a test's
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	return io.ReadAll(r.Body)
}

func bodyRefused(w http.ResponseWriter, err error) {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		text(w, http.StatusRequestEntityTooLarge, "body: larger than %d bytes; a verb needs none", large.Limit)
		return
	}
	text(w, http.StatusBadRequest, "body: %v", err)
}

// readVerb reads a verb from a request.
func readVerb(r *http.Request, asked verb) (machine.Verb, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return machine.Verb{}, fmt.Errorf("query: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !slices.Contains(asked.query, name) {
			return machine.Verb{}, fmt.Errorf("query %q: unknown; there are: %s", name, strings.Join(asked.query, ", "))
		}
		if n := len(query[name]); n > 1 {
			return machine.Verb{}, fmt.Errorf("query %q: given %d times, want it once", name, n)
		}
		if query.Get(name) == "" && name != "reason" {
			return machine.Verb{}, fmt.Errorf("query %q: empty; %s", name, missing[name])
		}
	}
	v := machine.Verb{
		Kind: asked.kind, Plan: r.PathValue("plan"), Phase: query.Get("phase"), Step: query.Get("step"), Pod: r.PathValue("pod"), Task: r.PathValue("task"),
		Host: r.PathValue("host"), Claim: query.Get("claim"),
		When: plans.When(query.Get("when")), Revision: query.Get("revision"), Reason: strings.TrimSpace(query.Get("reason")), Actor: actor(r),
	}
	if v.Step != "" && v.Phase == "" {
		return v, fmt.Errorf("%s\nstep %q: the phase is missing; a step is named by its phase and its name", "Missing phase", v.Step) // the SDK's words first
	}
	if force := query.Get("force"); force != "" {
		if v.Force, err = strconv.ParseBool(force); err != nil {
			return v, fmt.Errorf("query \"force\": %q: want true or false", force)
		}
	}
	if v.Reason == "" && needsReason(v) {
		return v, fmt.Errorf("query \"reason\": missing; %s gives something up that others may miss: say why", asked.name)
	}
	return v, errors.Join(
		checkText(`query "reason"`, v.Reason, maxReason), checkText(`query "revision"`, v.Revision, maxRevision), checkText(`query "claim"`, v.Claim, maxRevision), checkText(ActorHeader, v.Actor, maxActor),
	)
}

// needsReason says whether a verb has to say why it is given: those of ours that give something up for good, and what is forced. The SDK's own verbs need no
// reason, because its clients give none.
func needsReason(v machine.Verb) bool {
	return v.Force || slices.Contains([]machine.VerbKind{machine.Except, machine.MarkGone, machine.Replace, machine.ReleaseLeftover, machine.ForgetReservations}, v.Kind)
}

// missing says what to do instead of giving a parameter without a value.
var missing = map[string]string{
	"phase": "name a phase, or leave it out to mean the whole plan", "step": "name a step, or leave it out to mean the whole phase",
	"when": "say when, or leave it out", "revision": "give the plan's revision, or leave it out", "force": "want true or false",
	"claim": "name what is given back, as /v1/pods and /v1/hosts show it",
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

// Done is the body of the answer to a verb that was carried out.
type Done struct {
	// Message is the SDK's, Detail is the machine's: what was done to what.
	Message string `json:"message"`
	Detail  string `json:"detail,omitempty"`
}

// answer says how a verb went: on the first line in the SDK's words where it has some, on the last in the machine's, which say more.
func (s *server) answer(w http.ResponseWriter, asked verb, v machine.Verb, a machine.Answer) {
	switch a.Code {
	case machine.Done:
		s.json(w, http.StatusOK, Done{received(asked, v), a.Message})
	case machine.Already:
		text(w, http.StatusAlreadyReported, "%s", lines("Command has already been reported or completed", a.Message))
	case machine.NotFound:
		text(w, http.StatusNotFound, "%s", lines(s.notFound(v), a.Message))
	case machine.Conflict:
		text(w, http.StatusConflict, "%s", a.Message)
	case machine.Refused:
		text(w, http.StatusUnprocessableEntity, "%s", a.Message)
	case machine.Invalid:
		text(w, http.StatusBadRequest, "%s", a.Message)
	default:
		s.Logger.Error("verb has an answer of unknown code", "code", a.Code, "message", a.Message)
		text(w, http.StatusInternalServerError, "%s: %s: %s", subject(v), asked.name, a.Message)
	}
}

// received is the SDK's message to a verb that was carried out.
func received(asked verb, v machine.Verb) string {
	message := "Received cmd: " + asked.name
	if asked.kind == machine.Start {
		message += fmt.Sprintf(" %s with parameters: {}", v.Plan)
	}
	if asked.element {
		message += fmt.Sprintf(" for Plan: %s, Phase: %s, Step: %s", v.Plan, orNull(v.Phase), orNull(v.Step))
	}
	return message
}

// orNull is how the SDK writes a name that was not given.
func orNull(name string) string {
	if name == "" {
		return "null"
	}
	return name
}

// notFound says in the SDK's words which of the names leads nowhere.
func (s *server) notFound(v machine.Verb) string {
	switch {
	case v.Pod != "":
		return fmt.Sprintf("Pod %s not found", v.Pod)
	case v.Task != "":
		return fmt.Sprintf("Task %s not found", v.Task)
	case v.Host != "":
		return fmt.Sprintf("Host %s not found", v.Host)
	}
	view, _ := s.Backend.View()
	if view == nil || v.Phase == "" {
		return fmt.Sprintf("Plan %s not found", v.Plan)
	}
	plan, ok := view.Plan(v.Plan)
	if !ok {
		return fmt.Sprintf("Plan %s not found", v.Plan)
	}
	known := slices.ContainsFunc(plan.Phases, func(p plans.PhaseView) bool { return p.Name == v.Phase || p.ID.String() == v.Phase })
	if known && v.Step != "" {
		return fmt.Sprintf("Step %s not found", v.Step)
	}
	return fmt.Sprintf("Phase %s not found", v.Phase)
}

// lines joins what is not empty.
func lines(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "\n")
}
