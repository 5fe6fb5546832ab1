package plans

import "slices"

// Coordinate evaluates several plans over the same pods, given in the order of their priority, with one ledger in the place of each plan's
// own. The evaluations are in the order of the plans. At most one plan works on a pod: the one that has begun to, otherwise the first in
// which its step is a candidate.
func Coordinate(ledger Ledger, plans []Input) []Evaluation {
	evaluators := make([]*evaluator, len(plans))
	facts := exceptions(plans)
	for i := range plans {
		in := plans[i]
		in.Ledger = ledger
		in.Facts = slices.Concat(in.Facts, facts)
		evaluators[i] = newEvaluator(&in)
		evaluators[i].prepare()
	}
	excepted := map[string]*Fact{}
	if len(evaluators) > 0 {
		excepted = evaluators[0].said.excepted // all have the same
	}
	w := world{budgets: newAccount(&ledger, excepted), works: map[string]claim{}, handed: map[string]string{}}
	for _, e := range evaluators {
		for _, pod := range e.handedOver {
			w.handed[pod] = e.def.Name
		}
	}
	for _, e := range evaluators {
		e.claimBegun(w.works)
	}
	repairs := make([]*claim, len(plans))
	for i, e := range evaluators {
		repairs[i] = e.repairs(&ledger)
	}
	out := make([]Evaluation, len(plans))
	late := false
	for i, e := range evaluators {
		w.repairing = otherThan(i, repairs)
		out[i] = e.finish(w)
		e.claimCandidates(w.works, out[i].Candidates)
		late = late || e.late
	}
	if late {
		return Coordinate(ledger, after(plans, out)) // at most once a plan: a run halts once
	}
	return out
}

// after returns the plans with the runs that an evaluation has found.
func after(plans []Input, out []Evaluation) []Input {
	plans = slices.Clone(plans)
	for i := range plans {
		plans[i].Run = out[i].Run
	}
	return plans
}

// exceptions are what was said about pods in any of the plans: it counts in all.
func exceptions(plans []Input) []Fact {
	var facts []Fact
	for i := range plans {
		for _, f := range plans[i].Facts {
			if f.Kind == Excepted {
				facts = append(facts, f)
			}
		}
	}
	return facts
}

// otherThan returns the first claim that is not of plan i; nil if there is none.
func otherThan(i int, claims []*claim) *claim {
	for k, c := range claims {
		if k != i && c != nil {
			return c
		}
	}
	return nil
}

// claimBegun notes the pods that the plan works on: those that it owes their return, and those that it has launched and that are not ready
// yet, if no other plan began that.
func (e *evaluator) claimBegun(works map[string]claim) {
	for i := range e.phases {
		p := &e.phases[i]
		if p.under == 0 {
			continue
		}
		for j := range p.flags {
			step := &p.def.Steps[j]
			by := e.observation(i, j).Plan
			working := p.flags[j].has(isStopped) || p.view.Steps[j].Status == Starting || p.view.Steps[j].Status == Started
			if !working || !p.flags[j].has(isUnderWay) || p.flags[j].has(isNewcomer) || step.Pod == "" || (by != "" && by != e.def.Name) || e.run.Ended() {
				continue // to back off is no work: another plan may know better
			}
			if _, taken := works[step.Pod]; !taken {
				works[step.Pod] = claim{plan: e.def.Name, step: step.Name, pod: step.Pod}
			}
		}
	}
}

// claimCandidates notes the pods that the plan may begin to work on.
func (e *evaluator) claimCandidates(works map[string]claim, candidates []Candidate) {
	for _, c := range candidates {
		step := &e.def.Phases[c.Phase].Steps[c.Step]
		if _, taken := works[step.Pod]; !taken && step.Pod != "" {
			works[step.Pod] = claim{plan: e.def.Name, step: step.Name, pod: step.Pod}
		}
	}
}

// repairs returns a pod of a quorum that the plan has still to bring back, if it is a repair plan.
func (e *evaluator) repairs(ledger *Ledger) *claim {
	if !e.def.Repair {
		return nil
	}
	for i := range e.phases {
		p := &e.phases[i]
		for j := range p.flags {
			step := &p.def.Steps[j]
			if p.flags[j].has(isNewcomer) || p.view.Steps[j].Status == Complete {
				continue
			}
			if pod := ledger.pod(step.Pod); pod != nil && ledger.budget(pod.Type).Quorum {
				return &claim{plan: e.def.Name, step: step.Name, pod: step.Pod}
			}
		}
	}
	return nil
}
