package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// Health is the body of GET /v1/health.
type Health struct {
	// Value is the SDK's graded code. The HTTP status is 200 for all but these: 500 has 500, 318 has 503, and 503 has 503 if
	// there is nothing to show.
	Value int `json:"value"`
	// Status is the SDK's name of the code.
	Status string `json:"status"`
	// Message says in a sentence why.
	Message string `json:"message"`
	// Reasons, on demand, list all grades in the order in which they were tried.
	Reasons []string `json:"reasons,omitempty"`
}

// grade is a state of health.
type grade struct {
	value  int
	status string
	http   int
	text   string
	holds  func(v *machine.View) bool
	// detail says more than text where the grade holds; nil: there is no more to say.
	detail func(v *machine.View) string
}

// message is what the grade says of a view in which it holds.
func (g *grade) message(v *machine.View) string {
	if v == nil || g.detail == nil {
		return g.text
	}
	return g.detail(v)
}

// lostAfter is how long there may be no session with Mesos before that is told. A failover of masters takes seconds.
const lostAfter = 15 * time.Second

// grades are tried from first to last. They and their codes are the SDK's; their order is not, see the package documentation.
func grades(now time.Time) []grade {
	deploy := func(statuses ...plans.Status) func(*machine.View) bool {
		return hasStep(machine.DeployPlan, statuses...)
	}
	recovery := func(statuses ...plans.Status) func(*machine.View) bool {
		return hasStep(machine.RecoveryPlan, statuses...)
	}
	return []grade{
		{500, "ERROR_CREATING_SERVICE", 500, "a plan has errors", anyError, firstError},
		{318, "INITIALIZING", 503, "Mesos has not given a framework id yet", func(v *machine.View) bool { return v.FrameworkID == "" }, nil},
		{503, "SERVICE_UNAVAILABLE", 200, "there is no session with a Mesos master", lostSession(now), lostReason},
		{203, "RECOVERING_PENDING", 200, "a step of the recovery plan waits to begin", recovery(plans.Pending, plans.Prepared, plans.Waiting), fallen},
		{205, "RECOVERING_STARTING", 200, "a step of the recovery plan is starting", recovery(plans.Starting, plans.Started, plans.InProgress), fallen},
		{206, "DEGRADED", 200, "a pod is not ready, or not known to be", degraded, fallen},
		{207, "DEPLOYING_WAITING_USER", 200, "the deploy plan or a phase of it waits for an operator", pausedDeploy, nil},
		{208, "DELAYED", 200, "a step of the deploy plan backs off", deploy(plans.Delayed), nil},
		{204, "DEPLOYING_PENDING", 200, "a step of the deploy plan waits to begin", deploy(plans.Pending, plans.Prepared, plans.Waiting), nil},
		{202, "DEPLOYING_STARTING", 200, "a step of the deploy plan is starting", deploy(plans.Starting, plans.Started, plans.InProgress), nil},
		{204, "DEPLOYING_PENDING", 200, "the deploy plan is not COMPLETE", incompleteDeploy, nil},
		{200, "RUNNING", 200, "the deploy plan is COMPLETE", func(v *machine.View) bool {
			p, ok := v.Plan(machine.DeployPlan)
			return ok && p.Status == plans.Complete
		}, nil},
	}
}

// unavailable is the grade if nothing else holds.
var unavailable = grade{value: 503, status: "SERVICE_UNAVAILABLE", http: 503, text: "there is no deploy plan"}

// starting is the grade without a view.
var starting = grade{value: 318, status: "INITIALIZING", http: 503, text: "the scheduler is starting"}

// Grade grades a view; nil is a scheduler that is starting. It returns the HTTP status to answer with, too.
func Grade(v *machine.View, now time.Time, verbose bool) (Health, int) {
	found := unavailable
	var reasons []string
	if v == nil {
		found, reasons = starting, []string{reason(1, &starting, nil, true)}
	} else {
		found, reasons = tryGrades(v, now)
	}
	h := Health{Value: found.value, Status: found.status, Message: found.message(v)}
	if verbose {
		h.Reasons = reasons
	}
	return h, found.http
}

func tryGrades(v *machine.View, now time.Time) (grade, []string) {
	found, any := unavailable, false
	var reasons []string
	for i, g := range grades(now) {
		holds := g.holds(v)
		reasons = append(reasons, reason(i+1, &g, v, holds))
		if holds && !any {
			found, any = g, true
		}
	}
	return found, reasons
}

func reason(priority int, g *grade, v *machine.View, holds bool) string {
	truth, text := "FALSE", g.text
	if holds {
		truth, text = "TRUE", g.message(v)
	}
	return fmt.Sprintf("Priority %d. Status Code %d is %s. %s: %s", priority, g.value, truth, g.status, text)
}

func anyError(v *machine.View) bool {
	return slices.ContainsFunc(v.Plans, func(p plans.View) bool { return p.Status == plans.Error || len(p.Errors) > 0 })
}

// firstError is the first error of the first plan that has one.
func firstError(v *machine.View) string {
	for _, p := range v.Plans {
		if len(p.Errors) > 0 {
			return fmt.Sprintf("plan %q: %s", p.Name, p.Errors[0])
		}
	}
	return "a plan has errors"
}

// lostSession says whether there has been no session with Mesos for longer than a change of masters takes. A scheduler that has
// not had any since it began, and was given its id by an earlier one, has no time since when.
func lostSession(now time.Time) func(*machine.View) bool {
	return func(v *machine.View) bool {
		return !v.Connection.Connected && now.Sub(v.Connection.Since) >= lostAfter
	}
}

func lostReason(v *machine.View) string {
	text := "no session with a Mesos master"
	if !v.Connection.Since.IsZero() {
		text += " since " + v.Connection.Since.UTC().Format(time.RFC3339)
	}
	if v.Connection.Error != "" {
		text += ": " + v.Connection.Error
	}
	return text
}

// degraded says whether pods that have been ready are not, or nobody can say whether they are.
func degraded(v *machine.View) bool {
	p, ok := v.Plan(machine.RecoveryPlan)
	return ok && p.Status != plans.Complete || slices.ContainsFunc(v.Warnings, isSickness)
}

func isSickness(h plans.Hold) bool { return h.Code == plans.CodeUnhealthy }

// maxFallen is how many of the pods that recover are told; a reader of health wants to know where to look, not the list.
const maxFallen = 5

// fallen names the pods that recover, and tells of those that run and are not ready.
func fallen(v *machine.View) string {
	var parts, names []string
	if p, ok := v.Plan(machine.RecoveryPlan); ok {
		for _, ph := range p.Phases {
			if ph.Status != plans.Complete {
				names = append(names, fmt.Sprintf("%s (%s)", ph.Name, ph.Status))
			}
		}
	}
	if more := len(names) - maxFallen; more > 0 {
		names = append(names[:maxFallen], fmt.Sprintf("and %d more", more))
	}
	if len(names) > 0 {
		parts = append(parts, "in recovery: "+strings.Join(names, ", "))
	}
	for _, h := range v.Warnings {
		if isSickness(h) {
			parts = append(parts, h.Text)
		}
	}
	return strings.Join(parts, "; ")
}

// pausedDeploy says whether it is for an operator to let the deploy plan go on. A gate that makes a step WAITING does not count.
func pausedDeploy(v *machine.View) bool {
	p, ok := v.Plan(machine.DeployPlan)
	if !ok || p.Status == plans.Complete {
		return false
	}
	return waitsForUser(p.Status, p.Holds) || slices.ContainsFunc(p.Phases, func(ph plans.PhaseView) bool {
		return ph.Status != plans.Complete && waitsForUser(ph.Status, ph.Holds)
	})
}

// waitsForUser says whether an element is paused, or has come to where an operator has to let it go on. A breakpoint that lies ahead is no such place.
func waitsForUser(status plans.Status, holds []plans.Hold) bool {
	return slices.ContainsFunc(holds, func(h plans.Hold) bool {
		switch h.Code {
		case plans.CodePaused, plans.CodeHalted:
			return true
		case plans.CodeBreakpoint, plans.CodeCanary:
			return status == plans.Waiting
		}
		return false
	})
}

func incompleteDeploy(v *machine.View) bool {
	p, ok := v.Plan(machine.DeployPlan)
	return ok && p.Status != plans.Complete
}

// hasStep says whether the plan is incomplete and has a step in one of the statuses.
func hasStep(plan string, statuses ...plans.Status) func(*machine.View) bool {
	return func(v *machine.View) bool {
		p, ok := v.Plan(plan)
		if !ok || p.Status == plans.Complete {
			return false
		}
		return slices.ContainsFunc(p.Phases, func(ph plans.PhaseView) bool {
			return slices.ContainsFunc(ph.Steps, func(s plans.StepView) bool { return slices.Contains(statuses, s.Status) })
		})
	}
}

func (s *server) health(w http.ResponseWriter, r *http.Request) {
	v, _ := s.Backend.View()
	h, code := Grade(v, s.Now(), r.URL.Query().Get("verbose") == "true")
	s.json(w, code, h)
}
