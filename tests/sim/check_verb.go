package sim

import (
	"maps"
	"slices"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// takesBack lists which verbs a verb may take back that were said before and not answered yet: of the same element, or where a run may end with it, of any.
var takesBack = map[machine.VerbKind][]machine.VerbKind{
	machine.Pause:   {machine.Resume},
	machine.Resume:  {machine.Pause},
	machine.Break:   {machine.Unbreak},
	machine.Unbreak: {machine.Break},
	machine.Except:  {machine.Include},
	machine.Include: {machine.Except},
	machine.Restart: {machine.Pause},
}

var endsRun = map[machine.VerbKind][]machine.VerbKind{
	machine.Restart: {machine.Force, machine.Stop, machine.Restart},
	machine.Force:   {machine.Restart},
	machine.Start:   {machine.Stop, machine.Restart, machine.Force},
	machine.Stop:    {machine.Start, machine.Restart, machine.Force},
}

// overtakes says whether a verb may take back an earlier one.
func overtakes(v, before machine.Verb) bool {
	same := v.Plan == before.Plan && v.Phase == before.Phase && v.Step == before.Step && v.Pod == before.Pod
	passes := v.Kind == machine.Resume && before.Kind == machine.Break // what is reached
	return same && slices.Contains(takesBack[v.Kind], before.Kind) || slices.Contains(endsRun[v.Kind], before.Kind) || passes
}

// asked notes what an operator says, and answered what they are told.
// From the moment on in which an operator lets go of something, it may be gone.
func (c *checker) asked(i *instance, v machine.Verb) {
	maps.DeleteFunc(c.verbs, func(_ uint64, before machine.Verb) bool { return overtakes(v, before) })
	c.verbs[v.ID], c.said[v.ID] = v, c.now
	if v.Kind == machine.MarkGone {
		c.doubts(i, v.Pod)
	}
	if v.Kind == machine.KillTask {
		c.unwanted[v.Task] = true
	}
	if v.Claim != "" {
		c.named[v.Claim] = true
	}
	c.asOf[v.ID] = c.disk.run.Number
	if h := c.disk.run.Halt; h != nil && v.Kind == machine.Resume && v.Plan == machine.DeployPlan && v.Phase == "" && v.Step == "" {
		c.halts[v.ID] = h.At
	}
	if claim := c.disk.pods[v.Pod].Claim; claim != nil && (v.Kind == machine.ForgetReservations || v.Kind == machine.Replace) {
		c.claims[v.ID] = claim.ID
		c.givenUp[claim.ID] = true
	}
	c.heardForce(v)
	c.letGoOf(v)
}

func (c *checker) answered(i *instance, a machine.Answer) {
	v, known := c.verbs[a.ID]
	c.note("serve %d: answers verb %d: %s %s", i.number, a.ID, a.Code, a.Message)
	c.settled(a.ID, a.Code)
	c.refusedForce(a)
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
		if key, found := c.factOf(plans.Released, v); found && v.Kind == machine.Resume {
			c.promised(key, false)
		}
	}
	if kind, ok := makes[v.Kind]; ok {
		key, found := c.factOf(kind, v)
		if needs := kind == plans.Paused || kind == plans.Excepted || kind == plans.Breakpoint; needs && !found && a.Code == machine.Done { // for others see done
			c.fail(verbKept, "serve %d answers %s of %q %q %q with done, and nothing of it is recorded", i.number, v.Kind, v.Phase, v.Step, v.Pod)
			return
		}
		if found {
			c.promised(key, kind == plans.Restarted)
		}
	}
	if kind, ok := ends[v.Kind]; ok {
		if key, found := c.factOf(kind, v); found {
			c.fail(verbKept, "serve %d answers %s with done, and %s is still recorded", i.number, v.Kind, key)
		}
	}
}

// makes lists of which facts there is one when a verb was carried out, and ends of which there is none.
var (
	makes = map[machine.VerbKind]plans.FactKind{
		machine.Pause: plans.Paused, machine.Except: plans.Excepted, machine.Break: plans.Breakpoint, machine.Restart: plans.Restarted, machine.Force: plans.Forced,
	}
	ends = map[machine.VerbKind]plans.FactKind{machine.Resume: plans.Paused, machine.Include: plans.Excepted, machine.Unbreak: plans.Breakpoint}
)

// done looks at what is recorded of a verb that changes more than what is held.
func (c *checker) done(i *instance, v machine.Verb) {
	recorded := true
	switch v.Kind {
	case machine.Resume:
		at, halted := c.halts[v.ID]
		run := c.disk.run
		recorded = !halted || run.Number > c.asOf[v.ID] || run.Ended() || run.Halt == nil || !run.Halt.At.Equal(at)
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
		p := c.disk.pods[v.Pod]
		recorded = (p.Claim == nil || p.Claim.ID != v.Claim) && c.disk.releases[v.Claim].Pod == v.Pod
		if t := p.Task; t != nil && !ended(t.State) && t.Claim == nil { // one that was launched since has another claim
			c.fail(keeps, "serve %d gives up what is reserved for %s, whose task %s is %s", i.number, v.Pod, t.ID, t.State)
		}
	case machine.ReleaseLeftover:
		recorded = c.disk.releases[v.Claim].Host == v.Host
		if pod := c.disk.ownerOf(v.Claim); pod != "" {
			c.fail(keeps, "serve %d gives back claim %s, which is that of %s", i.number, v.Claim, pod)
		}
	case machine.KillTask:
		recorded = !c.killed[v.Task].Before(c.said[v.ID]) // nothing is on record of what is no pod's, but Mesos is asked to kill it
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
		element := f.Phase == v.Phase && f.Step == v.Step && f.Pod == v.Pod && (f.Plan == v.Plan || f.Pod != "")
		if f.Kind == kind && element && (kind != plans.Breakpoint || f.When == v.When) {
			return key, true
		}
	}
	return "", false
}
