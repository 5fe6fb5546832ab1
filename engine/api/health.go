package api

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// Health is the body of GET /v1/health.
type Health struct {
	// Value is the SDK's graded code. Only 500, 318 and 503 are also told by the HTTP status: as 500, 503 and 503.
	Value int `json:"value"`
	// Status is the SDK's name of the code.
	Status string `json:"status"`
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
}

// grades are tried from first to last. They and their codes are the SDK's; that a pause comes before pending work is not.
func grades() []grade {
	deploy := func(statuses ...plans.Status) func(*machine.View) bool { return hasStep("deploy", statuses...) }
	recovery := func(statuses ...plans.Status) func(*machine.View) bool { return hasStep("recovery", statuses...) }
	return []grade{
		{500, "ERROR_CREATING_SERVICE", 500, "a plan has errors", anyError},
		{318, "INITIALIZING", 503, "Mesos has not given a framework id yet", func(v *machine.View) bool { return v.FrameworkID == "" }},
		{207, "DEPLOYING_WAITING_USER", 200, "the deploy plan or a phase of it is paused", pausedDeploy},
		{208, "DELAYED", 200, "a step of the deploy plan backs off", deploy(plans.Delayed)},
		{204, "DEPLOYING_PENDING", 200, "a step of the deploy plan waits to begin", deploy(plans.Pending, plans.Prepared, plans.Waiting)},
		{202, "DEPLOYING_STARTING", 200, "a step of the deploy plan is starting", deploy(plans.Starting, plans.Started, plans.InProgress)},
		{208, "DELAYED", 200, "a step of the recovery plan backs off", recovery(plans.Delayed)},
		{203, "RECOVERING_PENDING", 200, "a step of the recovery plan waits to begin", recovery(plans.Pending, plans.Prepared, plans.Waiting)},
		{205, "RECOVERING_STARTING", 200, "a step of the recovery plan is starting", recovery(plans.Starting, plans.Started, plans.InProgress)},
		{204, "DEPLOYING_PENDING", 200, "the deploy plan is not COMPLETE", incompleteDeploy},
		{200, "RUNNING", 200, "the deploy plan is COMPLETE", func(v *machine.View) bool {
			p, ok := v.Plan("deploy")
			return ok && p.Status == plans.Complete
		}},
	}
}

// unavailable is the grade if nothing else holds.
var unavailable = grade{503, "SERVICE_UNAVAILABLE", 503, "there is no deploy plan", nil}

// starting is the grade without a view.
var starting = grade{318, "INITIALIZING", 503, "the scheduler is starting", nil}

// Grade grades a view; nil is a scheduler that is starting. It returns the HTTP status to answer with, too.
func Grade(v *machine.View, verbose bool) (Health, int) {
	found := unavailable
	var reasons []string
	if v == nil {
		found, reasons = starting, []string{reason(1, starting, true)}
	} else {
		found, reasons = tryGrades(v)
	}
	h := Health{Value: found.value, Status: found.status}
	if verbose {
		h.Reasons = reasons
	}
	return h, found.http
}

func tryGrades(v *machine.View) (grade, []string) {
	found, any := unavailable, false
	var reasons []string
	for i, g := range grades() {
		holds := g.holds(v)
		reasons = append(reasons, reason(i+1, g, holds))
		if holds && !any {
			found, any = g, true
		}
	}
	return found, reasons
}

func reason(priority int, g grade, holds bool) string {
	truth := "FALSE"
	if holds {
		truth = "TRUE"
	}
	return fmt.Sprintf("Priority %d. Status Code %d is %s. %s: %s", priority, g.value, truth, g.status, g.text)
}

func anyError(v *machine.View) bool {
	return slices.ContainsFunc(v.Plans, func(p plans.View) bool { return p.Status == plans.Error || len(p.Errors) > 0 })
}

// pausedDeploy says whether an operator holds up the deploy plan. A gate that makes a step WAITING does not count.
func pausedDeploy(v *machine.View) bool {
	p, ok := v.Plan("deploy")
	if !ok || p.Status == plans.Complete {
		return false
	}
	return isPaused(p.Holds) || slices.ContainsFunc(p.Phases, func(ph plans.PhaseView) bool {
		return ph.Status != plans.Complete && isPaused(ph.Holds)
	})
}

func isPaused(holds []plans.Hold) bool {
	return slices.ContainsFunc(holds, func(h plans.Hold) bool { return h.Code == plans.CodePaused })
}

func incompleteDeploy(v *machine.View) bool {
	p, ok := v.Plan("deploy")
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
	h, code := Grade(v, r.URL.Query().Get("verbose") == "true")
	s.json(w, code, h)
}
