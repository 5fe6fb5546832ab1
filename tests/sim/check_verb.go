package sim

import (
	"maps"
	"slices"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// takesBack lists which verbs a verb may take back that were said before and not answered yet.
var takesBack = map[machine.VerbKind][]machine.VerbKind{
	machine.Pause:   {machine.Resume, machine.Restart},
	machine.Resume:  {machine.Pause},
	machine.Restart: {machine.Pause, machine.Force, machine.Stop, machine.Restart},
	machine.Force:   {machine.Restart},
	machine.Except:  {machine.Include},
	machine.Include: {machine.Except},
	machine.Start:   {machine.Stop, machine.Restart, machine.Force},
	machine.Stop:    {machine.Start, machine.Restart, machine.Force},
}

// asked notes what an operator says, and answered what they are told.
// From the moment on in which an operator lets go of something, it may be gone.
func (c *checker) asked(_ *instance, v machine.Verb) {
	maps.DeleteFunc(c.verbs, func(_ uint64, before machine.Verb) bool { return slices.Contains(takesBack[v.Kind], before.Kind) })
	c.verbs[v.ID] = v
	if v.Kind == machine.MarkGone {
		c.doubts(v.Pod)
	}
	if v.Claim != "" {
		c.named[v.Claim] = true
	}
	c.asOf[v.ID] = c.disk.run.Number
	if claim := c.disk.pods[v.Pod].Claim; claim != nil && (v.Kind == machine.ForgetReservations || v.Kind == machine.Replace) {
		c.claims[v.ID] = claim.ID
		c.givenUp[claim.ID] = true
	}
	for key, f := range c.paused {
		switch {
		case v.Kind == machine.Include && f.Pod == v.Pod,
			(v.Kind == machine.Resume || v.Kind == machine.Restart) && f.Pod == "" && (v.Phase == "" || v.Phase == f.Phase): // to restart is to continue as well
			delete(c.paused, key)
		}
	}
}

func (c *checker) answered(i *instance, a machine.Answer) {
	v, known := c.verbs[a.ID]
	c.note("serve %d: answers verb %d: %s %s", i.number, a.ID, a.Code, a.Message)
	if !known {
		return
	}
	if a.Code != machine.Done && a.Code != machine.Already {
		return
	}
	if v.Revision != "" && v.Pod == "" {
		c.fail(currentPlan, "serve %d answers %s of %q %q with %s", i.number, v.Kind, v.Phase, v.Step, a.Code)
	}
	if a.Code == machine.Done {
		c.done(i, v)
	}
	want := map[machine.VerbKind]plans.FactKind{machine.Pause: plans.Paused, machine.Except: plans.Excepted}
	gone := map[machine.VerbKind]plans.FactKind{machine.Resume: plans.Paused, machine.Include: plans.Excepted}
	if kind, ok := want[v.Kind]; ok {
		key, found := c.factOf(kind, v)
		if !found && a.Code == machine.Done {
			c.fail(verbKept, "serve %d answers %s of %q %q %q with done, and nothing of it is recorded", i.number, v.Kind, v.Phase, v.Step, v.Pod)
			return
		}
		if found {
			c.paused[key] = c.disk.facts[key]
		}
	}
	if kind, ok := gone[v.Kind]; ok {
		if key, found := c.factOf(kind, v); found {
			c.fail(verbKept, "serve %d answers %s with done, and %s is still recorded", i.number, v.Kind, key)
		}
	}
}

// done looks at what is recorded of a verb that changes more than what is held.
func (c *checker) done(i *instance, v machine.Verb) {
	recorded := true
	switch v.Kind {
	case machine.MarkGone:
		recorded = c.markedGone(i, v)
	case machine.Force:
		_, recorded = c.factOf(plans.Forced, v)
		recorded = recorded || v.Plan == machine.DeployPlan && c.disk.run.Ended()
	case machine.Restart:
		_, recorded = c.factOf(plans.Restarted, v)
		recorded = recorded || v.Plan == machine.DeployPlan && c.disk.run.Number > c.asOf[v.ID]
	case machine.Start:
		recorded = v.Plan == machine.DeployPlan && c.disk.run.Number > c.asOf[v.ID]
	case machine.ForgetReservations:
		claim := c.disk.pods[v.Pod].Claim
		recorded = claim == nil || claim.ID != c.claims[v.ID]
	case machine.Replace:
		claim := c.disk.pods[v.Pod].Claim
		recorded = (claim == nil || claim.ID != v.Claim) && c.disk.releases[v.Claim].Pod == v.Pod
	case machine.ReleaseLeftover:
		recorded = c.disk.releases[v.Claim].Host == v.Host
		if pod := c.disk.ownerOf(v.Claim); pod != "" {
			c.fail(keeps, "serve %d gives back claim %s, which is that of %s", i.number, v.Claim, pod)
		}
	case machine.KillTask:
		if _, kind := podOf(v.Task); kind != "" && c.disk.isPods(v.Task) {
			c.fail(reasonFirst, "serve %d kills %s, because an operator said so, and it is the task of a pod", i.number, v.Task)
		}
	case machine.Stop:
		recorded = v.Plan == machine.DeployPlan && (c.disk.run.Outcome == plans.Stopped || c.disk.run.Number > c.asOf[v.ID])
	}
	if !recorded {
		c.fail(verbKept, "serve %d answers %s of %s %q %q with done, and nothing of it is recorded", i.number, v.Kind, v.Plan, v.Phase, v.Step)
	}
}

func (c *checker) factOf(kind plans.FactKind, v machine.Verb) (string, bool) {
	for key, f := range c.disk.facts {
		if f.Kind == kind && f.Phase == v.Phase && f.Step == v.Step && f.Pod == v.Pod && (f.Plan == v.Plan || f.Pod != "") {
			return key, true
		}
	}
	return "", false
}
