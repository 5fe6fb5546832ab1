package sim

import (
	"slices"
	"strings"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
	"github.com/quobyte/mesos-framework/quobyte"
)

func (c *checker) accepting(i *instance, call machine.Accept) {
	for _, id := range call.OfferIDs {
		if why := c.spent[id]; why != "" {
			c.fail(liveOffers, "serve %d accepts offer %s, which %s", i.number, id, why)
		}
		c.spent[id] = "was accepted"
	}
	c.checkGivenBack(i, call)
	c.checkVolumes(i, call)
	for _, task := range call.Launches() {
		c.note("serve %d: launches %s", i.number, task.ID)
		pod, kind := podOf(task.ID)
		record, known := c.disk.pods[pod]
		if !known || record.Task == nil || record.Task.ID != task.ID {
			c.fail(durableTask, "serve %d launches %s, and the record of %s does not say so", i.number, task.ID, pod)
			continue
		}
		c.checkEnded(i, record, task.ID)
		c.checkPause(record, kind)
		if record.Fallen.IsZero() && record.Stop == nil && record.BegunAt.Equal(record.Task.LaunchedAt) {
			c.checkBegins(record, kind, record.BegunAt)
		}
		c.checkOrder(record, kind)
		c.checkBeside(i, record)
	}
}

// checkEnded: a pod is launched anew when its task has ended, or somebody took it for gone; one without a device also when it is on record that nobody knows. Probers'
// tasks end before the processes do that they are part of.
func (c *checker) checkEnded(i *instance, p machine.Pod, task string) {
	before := c.newest[p.Name]
	c.newest[p.Name] = task
	if p.Stop != nil && p.Stop.TaskID == before {
		c.inPlace[task] = true
	}
	consent := slices.ContainsFunc(p.Consents, func(said machine.Consent) bool { return said.TaskID == before })
	doubt := slices.ContainsFunc(p.Replaced, func(r machine.ReplacedTask) bool { return r.TaskID == before })
	switch {
	case before == "" || before == task || p.Type == quobyte.Prober || consent:
	case doubt && hasDevice(p.Type): // whoever has seen it dead can say so
		c.fail(knownEnd, "serve %d launches %s, and nobody has proven that %s has ended, or vouched for it", i.number, task, before)
	case !doubt && !c.beyondKnowledge(i, p, before) && c.isUp(before):
		c.fail(knownEnd, "serve %d launches %s, and %s runs", i.number, task, before)
	}
}

// isUp says whether a process of a task runs. One that is still being prepared when its task is killed is not waited for by Mesos either.
func (w *world) isUp(task string) bool {
	for _, c := range w.containers {
		if c.task == task && c.up {
			return true
		}
	}
	return false
}

// checkPause: nothing is launched of what is paused in the plan that launches it, nor what is taken out of all plans. What was stopped comes back whoever pauses.
func (c *checker) checkPause(p machine.Pod, kind string) {
	if p.Stop != nil {
		return
	}
	covered := covers
	switch {
	case p.Fallen.IsZero():
	case !c.deploys(p, kind):
		covered = coversFallen
	default:
		covered = func(plans.Fact, machine.Pod, string) bool { return false } // by either plan
	}
	for _, f := range c.disk.facts {
		now := f.When == "" || f.When == plans.PauseNow
		if f.Kind == plans.Paused && now && covered(f, p, kind) {
			c.fail(pausedRests, "%s is launched, although %s%s%s is paused since %v", p.Name, f.Plan, prefixed("/", f.Phase), prefixed("/", f.Step), f.At.Sub(began))
		}
		if f.Kind == plans.Excepted && f.Pod == p.Name {
			c.fail(pausedRests, "%s is launched, although it is excepted since %v", p.Name, f.At.Sub(began))
		}
	}
}

// deploys says that deploy may launch a pod that has fallen: it is not what the settings want, or is to be restarted.
func (c *checker) deploys(p machine.Pod, kind string) bool {
	if p.Completed == "" || p.Good != c.service.Fingerprint(kind) {
		return true
	}
	for _, f := range c.disk.facts {
		if f.Kind == plans.Restarted && f.Run == c.disk.run.Number && covers(f, p, kind) {
			return true
		}
	}
	return false
}

// coversFallen says whether a fact about recovery is about the step of a pod as well: its phases are named by pods.
func coversFallen(f plans.Fact, p machine.Pod, _ string) bool {
	return f.Plan == machine.RecoveryPlan && (f.Phase == "" || f.Phase == p.Name)
}

// covers says whether a fact about deploy is about the step of a pod as well.
func covers(f plans.Fact, p machine.Pod, kind string) bool {
	return f.Plan == machine.DeployPlan && (f.Phase == "" || f.Phase == phaseOf(kind)) && (f.Step == "" || strings.HasPrefix(f.Step, p.Name+":"))
}

// phaseOf is the phase of deploy that pods of a type are in.
func phaseOf(kind string) string {
	if kind == quobyte.Prober {
		return "probe"
	}
	return kind
}

// before lists the pod types that come before a type in the deploy plan, as quobyte's doc.go says it.
var before = map[string][]string{
	quobyte.Metadata:   {quobyte.Registry},
	quobyte.Data:       {quobyte.Registry, quobyte.Metadata},
	quobyte.API:        {quobyte.Registry, quobyte.Metadata, quobyte.Data},
	quobyte.Webconsole: {quobyte.Registry, quobyte.Metadata, quobyte.Data},
}

// checkOrder looks at the first launch of a pod in the first run. Those that operators took out, or declared complete, hold up nobody.
func (c *checker) checkOrder(p machine.Pod, kind string) {
	if c.began[p.Name] {
		return
	}
	c.began[p.Name] = true
	if p.BegunIn != 1 || !p.Fallen.IsZero() {
		return
	}
	_, out := c.included[p.Name]
	passedOver := out || c.forced[p.Name] // and is a part of the run again: nothing that comes after it has to be complete
	for name, other := range c.disk.pods {
		waits := slices.Contains(before[kind], other.Type) || kind == quobyte.Registry && other.Type == kind && other.Task != nil && !c.toRestart(other)
		if passedOver && other.Type == kind && other.Index > p.Index {
			continue
		}
		settles := other.Task != nil && !other.Task.Healthy.IsZero() // it was begun anew, or is to be, and is up
		if name != p.Name && waits && other.Completed == "" && !settles && !c.forced[name] && !c.excused[name] {
			c.fail(inOrder, "%s is launched for the first time, and %s is not complete", p.Name, name)
		}
	}
}

// toRestart says that an operator wants a pod restarted, and that has not begun: then it has its turn like one that was never launched.
func (c *checker) toRestart(p machine.Pod) bool {
	for _, f := range c.disk.facts {
		if f.Kind == plans.Restarted && f.Run == c.disk.run.Number && covers(f, p, p.Type) && p.Task.LaunchedAt.Before(f.At) {
			return true
		}
	}
	return false
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// progress orders the states that a task goes through.
func progress(s machine.TaskState) int {
	switch {
	case ended(s):
		return 9
	case s == machine.Killing:
		return 3
	case s == machine.Running:
		return 2
	case s == machine.Starting:
		return 1
	}
	return 0
}

// arrives looks at a call when it reaches the master.
func (c *checker) arrives(i *instance, _ string, call machine.Call) {
	switch call := call.(type) {
	case machine.Accept:
		for _, task := range call.Launches() {
			if c.launched[task.ID] {
				c.fail(uniqueTask, "%s arrives a second time", task.ID)
			}
			c.launched[task.ID] = true
			c.took[task.ID] = task.Resources.Quantities().CPUs
			if task.Executor != nil {
				c.took[task.ID] += task.Executor.Resources.Quantities().CPUs
			}
			c.launches++
		}
	case machine.Kill:
		c.killing(i, call)
	}
}
