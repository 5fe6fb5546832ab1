package machine

import (
	"fmt"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

func factKey(plan, phase string) string {
	if phase == "" {
		return prefixFact + plan
	}
	return prefixFact + plan + "/" + phase
}

// takeVerb carries out what an operator asks for, or says why not. The answer is given when the change is durable.
func (m *Machine) takeVerb(now time.Time, v Verb) {
	m.urgent = true
	code, message := m.carryOut(now, v)
	m.answers = append(m.answers, Answer{ID: v.ID, Code: code, Message: message})
}

func (m *Machine) carryOut(now time.Time, v Verb) (AnswerCode, string) {
	plan, ok := m.planView(now, v.Plan)
	if !ok {
		return NotFound, fmt.Sprintf("plan %q: not found; there are %s and %s", v.Plan, DeployPlan, RecoveryPlan)
	}
	phase, status := "", plan.Status
	if v.Phase != "" {
		p, ok := findPhase(plan, v.Phase)
		if !ok {
			return NotFound, fmt.Sprintf("plan %q: phase %q: not found; there are %s", plan.Name, v.Phase, phaseNames(plan))
		}
		phase, status = p.Name, p.Status
	}
	key := factKey(plan.Name, phase)
	subject := fmt.Sprintf("plan %q", plan.Name)
	if phase != "" {
		subject = fmt.Sprintf("plan %q: phase %q", plan.Name, phase)
	}
	if v.Kind == Pause {
		return m.pause(now, v, key, subject, plans.Fact{Kind: plans.Paused, Plan: plan.Name, Phase: phase, Actor: v.Actor, Reason: v.Reason, At: now}, status)
	}
	return m.resume(key, subject, plan.Name)
}

func (m *Machine) pause(now time.Time, v Verb, key, subject string, fact plans.Fact, status plans.Status) (AnswerCode, string) {
	if old, ok := m.facts[key]; ok {
		return Already, fmt.Sprintf("%s: paused already by %s since %s", subject, old.Actor, old.At.UTC().Format(time.RFC3339))
	}
	// The recovery plan is complete whenever nothing has fallen; pausing it then means the next repair.
	if status == plans.Complete && fact.Plan != RecoveryPlan {
		return Already, fmt.Sprintf("%s: is COMPLETE; there is nothing to pause", subject)
	}
	m.facts[key] = fact
	m.dirty[key] = true
	delete(m.deleted, key)
	return Done, fmt.Sprintf("%s: paused", subject)
}

func (m *Machine) resume(key, subject, plan string) (AnswerCode, string) {
	if _, ok := m.facts[key]; !ok {
		text := fmt.Sprintf("%s: is not paused", subject)
		if phases := m.pausedPhases(plan); len(phases) > 0 && key == factKey(plan, "") {
			text += fmt.Sprintf("; paused phases: %s", strings.Join(phases, ", "))
		} else if _, ok := m.facts[factKey(plan, "")]; ok {
			text += "; the whole plan is"
		}
		return Already, text
	}
	delete(m.facts, key)
	delete(m.dirty, key)
	m.deleted[key] = true
	return Done, fmt.Sprintf("%s: resumed", subject)
}

func (m *Machine) pausedPhases(plan string) []string {
	var out []string
	for _, f := range m.sortedFacts() {
		if f.Plan == plan && f.Phase != "" {
			out = append(out, f.Phase)
		}
	}
	return out
}

func (m *Machine) planView(now time.Time, name string) (plans.View, bool) {
	for _, evaluate := range []func(time.Time) plans.Evaluation{m.evaluateDeploy, m.evaluateRecovery} {
		if v := evaluate(now).View; v.Name == name || v.ID == name {
			return v, true
		}
	}
	return plans.View{}, false
}

func findPhase(plan plans.View, name string) (plans.PhaseView, bool) {
	for _, p := range plan.Phases {
		if p.Name == name || p.ID == name {
			return p, true
		}
	}
	return plans.PhaseView{}, false
}

func phaseNames(plan plans.View) string {
	if len(plan.Phases) == 0 {
		return "none at the moment"
	}
	names := make([]string, len(plan.Phases))
	for i, p := range plan.Phases {
		names[i] = p.Name
	}
	return strings.Join(names, ", ")
}
