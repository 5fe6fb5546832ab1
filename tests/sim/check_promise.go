package sim

import (
	"maps"
	"slices"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
	"github.com/quobyte/mesos-framework/quobyte"
)

// promise is what operators were told: a fact that is on record until somebody lets go of it, or until its run is no more.
type promise struct {
	fact  plans.Fact
	let   map[uint64]bool   // verbs that take it away and that were not answered yet
	tasks map[string]string // of a restart: by pod, the tasks that have to give way
}

// lets says whether a verb takes a fact away.
func lets(v machine.Verb, f plans.Fact) bool {
	element := v.Plan == f.Plan && v.Phase == f.Phase && v.Step == f.Step
	switch f.Kind {
	case plans.Paused:
		return element && (v.Kind == machine.Resume || v.Kind == machine.Restart) // to restart is to continue as well
	case plans.Breakpoint: // to continue a plan is to pass all that it has come to
		passes := v.Kind == machine.Resume && v.Plan == f.Plan && (v.Phase == "" || v.Phase == f.Phase) && v.Step == ""
		return passes || element && v.Kind == machine.Unbreak && v.When == f.When
	case plans.Forced:
		return element && v.Kind == machine.Restart
	case plans.Excepted:
		return v.Kind == machine.Include && v.Pod == f.Pod
	}
	return false
}

// promised notes a fact of which operators were told.
func (c *checker) promised(key string, restarted bool) {
	p := &promise{fact: c.disk.facts[key], let: map[uint64]bool{}, tasks: map[string]string{}}
	c.promises[key] = p
	if !restarted {
		return
	}
	for name, pod := range c.disk.pods {
		if t := pod.Task; t != nil && !ended(t.State) && t.LaunchedAt.Before(p.fact.At) && covers(p.fact, pod, pod.Type) && c.takesPart(pod) {
			p.tasks[name] = t.ID
		}
	}
}

// takesPart says whether a pod belongs to the run of deploy: probers of hosts that have joined none do not.
func (c *checker) takesPart(p machine.Pod) bool {
	return p.Type != quobyte.Prober || c.disk.hosts[p.Host].Run != 0
}

// letGoOf notes a verb that takes away what was promised, as long as it is not answered; afterwards that has gone, or is promised as before.
func (c *checker) letGoOf(v machine.Verb) {
	for _, p := range c.promises {
		if lets(v, p.fact) {
			p.let[v.ID] = true
		}
	}
}

func (c *checker) settled(id uint64, code machine.AnswerCode) {
	for key, p := range c.promises {
		if !p.let[id] {
			continue
		}
		delete(p.let, id)
		if _, still := c.disk.facts[key]; !still && code == machine.Done {
			delete(c.promises, key)
		}
	}
}

// checkPromises: what was promised is on record, and runs do not go back.
func (c *checker) checkPromises(i *instance) {
	run, before := c.disk.run, c.lastRun
	if run.Number < before.Number || run.Number == before.Number && before.Outcome == plans.Stopped && run.Outcome != plans.Stopped {
		c.fail(verbKept, "serve %d records run %d %s after run %d %s", i.number, run.Number, run.Outcome, before.Number, before.Outcome)
	}
	c.lastRun = run
	for _, key := range slices.Sorted(maps.Keys(c.promises)) {
		p := c.promises[key]
		if p.fact.Run != 0 && run.Number > p.fact.Run {
			delete(c.promises, key)
			continue
		}
		if _, still := c.disk.facts[key]; !still && len(p.let) == 0 {
			c.fail(verbKept, "%s %s%s%s by %s was answered with done, and is not recorded any more", p.fact.Kind, p.fact.Phase, p.fact.Step, p.fact.Pod, p.fact.Actor)
		}
		if p.fact.Kind == plans.Released && !containsAll(c.disk.facts[key].Steps, p.fact.Steps) {
			c.fail(verbKept, "serve %d has forgotten that of %v of phase %s was let go", i.number, p.fact.Steps, p.fact.Phase)
		}
		c.checkRestarted(i, p)
	}
}

func containsAll(all, some []string) bool {
	return !slices.ContainsFunc(some, func(one string) bool { return !slices.Contains(all, one) })
}

// checkRestarted: a run does not complete before every task has given way that somebody wanted restarted. What is taken out, or declared complete later, need not.
func (c *checker) checkRestarted(i *instance, p *promise) {
	for name, task := range p.tasks {
		pod := c.disk.pods[name]
		if pod.Task == nil || pod.Task.ID != task || c.excused[name] || c.declared(p.fact, pod) || !c.takesPart(pod) { // the last: it was left behind
			delete(p.tasks, name)
		}
	}
	if !c.disk.run.Ended() {
		return
	}
	if c.disk.run.Outcome == plans.Stopped {
		clear(p.tasks)
	}
	for _, name := range slices.Sorted(maps.Keys(p.tasks)) {
		c.fail(verbKept, "serve %d records that run %d is over, and %s, which was to be restarted at %v, still has task %s",
			i.number, c.disk.run.Number, name, p.fact.At.Sub(began), p.tasks[name])
	}
}

// declared says whether somebody has said of a pod, after a restart, that it counts as complete.
func (c *checker) declared(restart plans.Fact, pod machine.Pod) bool {
	for _, f := range c.disk.facts {
		if f.Kind == plans.Forced && f.Run == restart.Run && !f.At.Before(restart.At) && covers(f, pod, pod.Type) {
			return true
		}
	}
	return false
}

// checkForced: what was declared complete is shown so as long as its run lasts, unless it is restarted.
func (c *checker) checkForced(i *instance, v *plans.View) {
	for _, key := range slices.Sorted(maps.Keys(c.promises)) {
		f := c.promises[key].fact
		if f.Kind != plans.Forced || f.Plan != v.Name || f.Run != v.Run.Number {
			continue
		}
		for _, phase := range v.Phases {
			for k := range phase.Steps {
				s := &phase.Steps[k]
				if about(f, phase.Name, s.Name) && s.Status != plans.Complete && !s.Newcomer && !c.againAfter(f, phase.Name, s.Name) {
					c.fail(verbKept, "serve %d shows %s/%s as %s, which was declared complete in run %d", i.number, phase.Name, s.Name, s.Status, f.Run)
				}
			}
		}
	}
}

// about says whether a fact is about a step, or about what it belongs to.
func about(f plans.Fact, phase, step string) bool {
	return (f.Phase == "" || f.Phase == phase) && (f.Step == "" || f.Step == step)
}

// againAfter says whether a step was to be restarted after somebody had declared it complete, or that was taken back. Of both the times on record are compared, which
// are others than those that were told when a clock went back.
func (c *checker) againAfter(forced plans.Fact, phase, step string) bool {
	now, still := c.disk.facts["facts/"+forced.Key()]
	if !still {
		return true
	}
	for _, f := range c.disk.facts {
		if f.Kind == plans.Restarted && f.Plan == forced.Plan && f.Run == forced.Run && f.At.After(now.At) && about(f, phase, step) {
			return true
		}
	}
	return false
}
