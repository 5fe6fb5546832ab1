package sim

import (
	"strings"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// checkForce looks at a stop that becomes durable and says that an operator consented to it, so that neither budget nor quorum count: an operator was heard to say so
// of this pod, or of what it belongs to, and was not refused; that is on record; and it is about the task that runs, not about one of before.
func (c *checker) checkForce(i *instance, p machine.Pod) {
	if !p.Stop.Forced || c.backed[p.Stop.TaskID] {
		return
	}
	c.backed[p.Stop.TaskID] = true
	switch f, recorded := c.forceOnRecord(p); {
	case !recorded:
		c.fail(forceSaid, "serve %d records that %s is stopped by force, and no restart by force of it is on record", i.number, p.Name)
	case !c.forceHeard(f):
		c.fail(forceSaid, "serve %d records that %s is stopped by force, and no operator has said so", i.number, p.Name)
	}
}

// forceOnRecord is a restart by force, in the run that stops a pod, that the task to be stopped has not been launched for.
func (c *checker) forceOnRecord(p machine.Pod) (plans.Fact, bool) {
	for _, f := range c.disk.facts {
		before := p.Task == nil || p.Task.ID != p.Stop.TaskID || p.Task.LaunchedAt.Before(f.At)
		if f.Kind == plans.Restarted && f.Force && f.Run == p.Stop.Run && covers(f, p, p.Type) && before {
			return f, true
		}
	}
	return plans.Fact{}, false
}

// forceHeard says whether an operator has said what a fact says.
func (c *checker) forceHeard(f plans.Fact) bool {
	for _, v := range c.forces {
		if v.Plan == f.Plan && v.Phase == f.Phase && v.Step == f.Step {
			return true
		}
	}
	return false
}

// heardForce notes that an operator asks for a restart by force, and refusedForce that nothing comes of it.
func (c *checker) heardForce(v machine.Verb) {
	if v.Kind == machine.Restart && v.Force && strings.TrimSpace(v.Reason) != "" {
		c.forces[v.ID] = v
	}
}

func (c *checker) refusedForce(a machine.Answer) {
	if a.Code != machine.Done && a.Code != machine.Already {
		delete(c.forces, a.ID)
	}
}
