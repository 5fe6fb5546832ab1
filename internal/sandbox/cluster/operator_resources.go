package cluster

import (
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"
)

const statusConflict = 409

// operationOf is the operation that a call of the operator API asks for, with the agent that it is for; nil if it is no such call.
func operationOf(call *master.Call) (mesos.AgentID, *mesos.Offer_Operation) {
	switch call.Type {
	case master.Call_RESERVE_RESOURCES:
		body := call.ReserveResources
		return body.AgentID, &mesos.Offer_Operation{Type: mesos.Offer_Operation_RESERVE,
			Reserve: &mesos.Offer_Operation_Reserve{Source: body.Source, Resources: body.Resources}}
	case master.Call_UNRESERVE_RESOURCES:
		body := call.UnreserveResources
		return body.AgentID, &mesos.Offer_Operation{Type: mesos.Offer_Operation_UNRESERVE,
			Unreserve: &mesos.Offer_Operation_Unreserve{Resources: body.Resources}}
	case master.Call_CREATE_VOLUMES:
		body := call.CreateVolumes
		return body.AgentID, &mesos.Offer_Operation{Type: mesos.Offer_Operation_CREATE,
			Create: &mesos.Offer_Operation_Create{Volumes: body.Volumes}}
	case master.Call_DESTROY_VOLUMES:
		body := call.DestroyVolumes
		return body.AgentID, &mesos.Offer_Operation{Type: mesos.Offer_Operation_DESTROY,
			Destroy: &mesos.Offer_Operation_Destroy{Volumes: body.Volumes}}
	case master.Call_GROW_VOLUME:
		body := call.GrowVolume
		return *body.AgentID, &mesos.Offer_Operation{Type: mesos.Offer_Operation_GROW_VOLUME,
			GrowVolume: &mesos.Offer_Operation_GrowVolume{Volume: body.Volume, Addition: body.Addition}}
	case master.Call_SHRINK_VOLUME:
		body := call.ShrinkVolume
		return *body.AgentID, &mesos.Offer_Operation{Type: mesos.Offer_Operation_SHRINK_VOLUME,
			ShrinkVolume: &mesos.Offer_Operation_ShrinkVolume{Volume: body.Volume, Subtract: body.Subtract}}
	}
	return mesos.AgentID{}, nil
}

// operateOn carries out an operation that an operator asks for, on what is free on an agent. Offers that have what is
// needed for it are taken back first.
func (c *Cluster) operateOn(principal string, agentID mesos.AgentID, op *mesos.Offer_Operation) Answer {
	a := c.agentByID(agentID.Value)
	if a == nil {
		return refused("No agent found with specified ID")
	}
	kind, _ := kindOfOperation(op.Type)
	resources := kind.resources(op)
	if problem := formProblem(resources); problem != "" {
		return refused(problem)
	}
	for _, r := range resources {
		*r = upgraded(*r)
	}
	if problem := operatorProblem(principal, a, op); problem != "" {
		where := " on agent " + a.text()
		if op.Type == mesos.Offer_Operation_UNRESERVE || op.Type == mesos.Offer_Operation_DESTROY {
			where = "" // these two do not say
		}
		return refused("Invalid " + op.Type.String() + " operation" + where + ": " + problem)
	}
	conversions := kind.conversions(op)
	c.makeRoom(a, conversions)
	free, total := a.free(), a.total
	for _, v := range conversions {
		if !free.contains(v.consumed) {
			return Answer{Status: statusConflict, Text: free.String() + " does not contain " + v.consumed.String()}
		}
		free, total = free.minus(v.consumed).plus(v.converted), total.minus(v.consumed).plus(v.converted)
	}
	a.total = total
	if a.linked() {
		c.own(a, a.total)
		c.countOperationState(op.Type, "finished")
	} else {
		a.expectOperation(c, op.Type)
	}
	c.rounds.request(c.now)
	return Answer{Status: statusAccepted}
}

// makeRoom rescinds offers of an agent that have something of what an operation needs, oldest first, until they have all of it. What is free
// besides does not count: the master fears that it has been offered meanwhile. Who loses an offer is not offered the same for 5 s.
func (c *Cluster) makeRoom(a *agent, conversions []conversion) {
	var missing, taken Resources
	for _, v := range conversions {
		missing = missing.plus(v.consumed)
	}
	needed := missing
	for _, o := range c.outstanding() {
		has := o.resources.allocated("")
		if o.agent != a || same(missing, missing.minus(has)) {
			continue
		}
		missing, taken = missing.minus(has), taken.plus(has)
		c.rescindFor(o.framework, o, c.refusal(nil))
		if taken.contains(needed) {
			return
		}
	}
}

// operatorProblem checks what a master checks of operations whoever asks for them: an operator has no offer and no roles, and a principal only
// if somebody asked for it.
func operatorProblem(principal string, a *agent, op *mesos.Offer_Operation) string {
	x := &acceptance{framework: &framework{}, agent: a}
	if principal != "" {
		x.framework.info.Principal = &principal
	}
	switch op.Type {
	case mesos.Offer_Operation_RESERVE:
		return operatorReserveProblem(x.framework.info.Principal, op.Reserve)
	case mesos.Offer_Operation_UNRESERVE:
		return x.unreserveProblem(op)
	case mesos.Offer_Operation_CREATE:
		return x.createProblem(op)
	case mesos.Offer_Operation_DESTROY:
		return x.destroyProblem(op)
	case mesos.Offer_Operation_GROW_VOLUME:
		return x.growProblem(op)
	case mesos.Offer_Operation_SHRINK_VOLUME:
		return x.shrinkProblem(op)
	}
	return ""
}

func operatorReserveProblem(principal *string, reserve *mesos.Offer_Operation_Reserve) string {
	if len(reserve.Source) > 0 {
		return "updates of reservations are not supported by this sandbox"
	}
	if problem := operandProblem(reserve.Resources); problem != "" {
		return problem
	}
	for i := range reserve.Resources {
		switch r := &reserve.Resources[i]; {
		case !dynamic(r):
			return "Resource " + asGiven(r) + " is not dynamically reserved"
		case reserverProblem(principal, lastReservation(r).Principal) != "":
			return reserverProblem(principal, lastReservation(r).Principal)
		case r.AllocationInfo != nil:
			return "A reserve operation was attempted with an allocated resource, but the operator API only allows " +
				"reservations to be made to unallocated resources"
		}
	}
	return ""
}
