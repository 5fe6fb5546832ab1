package cluster

import (
	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

const statusConflict = 409

// operateOn carries out an operation that an operator asks for, on what is free on an agent. Offers that have what is
// needed for it are taken back first.
func (c *Cluster) operateOn(agentID mesos.AgentID, op *mesos.Offer_Operation) Answer {
	a := c.agentByID(agentID.Value)
	if a == nil {
		return refused("No agent found with specified ID")
	}
	kind, _ := kindOfOperation(op.Type)
	resources := kind.resources(op)
	if problem := formProblem(resources); problem != "" {
		return refused("Invalid " + op.Type.String() + " operation on agent " + a.text() + ": " + problem)
	}
	for _, r := range resources {
		*r = upgraded(*r)
		r.AllocationInfo = nil
	}
	if problem := operatorProblem(a, op); problem != "" {
		return refused("Invalid " + op.Type.String() + " operation on agent " + a.text() + ": " + problem)
	}
	total := a.total
	for _, v := range kind.conversions(op) {
		if !total.contains(v.consumed) {
			return Answer{Status: statusConflict, Text: total.String() + " does not contain " + v.consumed.String()}
		}
		total = total.minus(v.consumed).plus(v.converted)
	}
	c.makeRoom(a, kind.conversions(op))
	for _, v := range kind.conversions(op) {
		if !a.free().contains(v.consumed) {
			return Answer{Status: statusConflict, Text: a.free().String() + " does not contain " + v.consumed.String()}
		}
		a.total = a.total.minus(v.consumed).plus(v.converted)
	}
	if a.linked() {
		c.own(a, a.total)
	}
	c.rounds.request(c.now)
	return Answer{Status: statusAccepted}
}

// makeRoom rescinds offers of an agent until what an operation needs is free, oldest first.
func (c *Cluster) makeRoom(a *agent, conversions []conversion) {
	var needed Resources
	for _, v := range conversions {
		needed = needed.plus(v.consumed)
	}
	for _, o := range c.outstanding() {
		if a.free().contains(needed) {
			return
		}
		if o.agent == a {
			c.rescind(o.framework, o)
		}
	}
}

// operatorProblem checks what a master checks of operations whoever asks for them: an operator has no offer, no roles, and
// here no principal.
func operatorProblem(a *agent, op *mesos.Offer_Operation) string {
	x := &acceptance{framework: &framework{}, agent: a}
	switch op.Type {
	case mesos.Offer_Operation_RESERVE:
		resources := op.Reserve.Resources
		if problem := operandProblem(resources); problem != "" {
			return problem
		}
		for i := range resources {
			if !dynamic(&resources[i]) {
				return "Resource " + asGiven(&resources[i]) + " is not dynamically reserved"
			}
		}
		return ""
	case mesos.Offer_Operation_UNRESERVE:
		return x.unreserveProblem(op)
	case mesos.Offer_Operation_CREATE:
		return x.createProblem(op)
	case mesos.Offer_Operation_DESTROY:
		return x.destroyProblem(op)
	}
	return ""
}
