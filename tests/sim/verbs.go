package sim

import (
	"maps"
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// say is an operator's word to whatever instance there is. Nobody says it again: who gets no answer does not know.
func (w *world) say(id uint64, v Verb) {
	i := w.serve()
	switch machine.VerbKind(v.Kind) {
	case machine.MarkGone:
		if v.Task == strangerTask {
			w.markStranger(id, v, 60)
			return
		}
		w.markGone(id, v, 20)
		return
	case machine.Replace:
		w.replace(id, v, 20)
		return
	case machine.ReleaseLeftover:
		w.giveBack(id, v, 20)
		return
	case machine.KillTask:
		if v.Task == strangerTask {
			w.killStranger(id, v, 20)
			return
		}
	}
	if i == nil || i.view == nil {
		return
	}
	v.Pod = w.podAt(v.Pod)
	verb := machine.Verb{
		ID: id, Kind: machine.VerbKind(v.Kind), Plan: machine.DeployPlan, Phase: v.Phase, Pod: v.Pod, When: plans.When(v.When),
		Force: v.Force, Actor: "operator", Reason: "simulated",
	}
	if v.Plan != "" {
		verb.Plan = v.Plan
	}
	if verb.Pod != "" {
		verb.Plan = ""
	}
	if v.Step > 0 {
		verb.Step = w.stepOf(i.view, v)
		if verb.Step == "" {
			return
		}
	}
	if v.Stale {
		verb.Revision = "of long ago"
	}
	switch verb.Kind {
	case machine.KillTask:
		verb.Task, verb.Pod = "nobody-0-server__0", ""
		if t := w.disk.pods[v.Pod].Task; v.Task == podTask && t != nil {
			verb.Task = t.ID
		}
	case machine.ForgetReservations:
		// What is forgotten and still there nobody can have any more, the pod's ports among it. That it never got there, or that a task has ended which nobody
		// hears of, is as much as operators can know.
		if p := w.disk.pods[v.Pod]; p.Claim != nil && p.Task != nil && (outOfSight(p.Task.State) || ended(p.Task.State) && w.check.reserved[p.Claim.ID]) {
			return
		}
	}
	w.note("operator: %s %s %s %s %s %s force %v", verb.Kind, verb.Phase, verb.Step, verb.Pod, verb.Task, verb.When, verb.Force)
	w.check.asked(i, verb)
	i.deliver(verb)
}

// stepOf is the name of the step that a verb means.
func (w *world) stepOf(view *machine.View, v Verb) string {
	deploy, _ := view.Plan(machine.DeployPlan)
	for _, p := range deploy.Phases {
		if p.Name == v.Phase && len(p.Steps) > 0 {
			return p.Steps[v.Step%len(p.Steps)].Name
		}
	}
	return ""
}

// release has operators let go of all that they hold, until nothing is held.
func (w *world) release(n uint64) {
	held := false
	for _, key := range slices.Sorted(maps.Keys(w.disk.facts)) {
		f := w.disk.facts[key]
		v := machine.Verb{Plan: f.Plan, Phase: f.Phase, Step: f.Step, Pod: f.Pod, When: f.When, Actor: "operator", Reason: "calm"}
		switch f.Kind {
		case plans.Paused:
			v.Kind, v.When = machine.Resume, ""
		case plans.Breakpoint:
			v.Kind = machine.Unbreak
		case plans.Excepted:
			v.Kind, v.Plan = machine.Include, ""
		default:
			continue
		}
		held = true
		n++
		v.ID = 1000 + n
		if i := w.serve(); i != nil {
			w.note("operator: %s %s %s %s", v.Kind, v.Phase, v.Step, v.Pod)
			w.check.asked(i, v)
			i.deliver(v)
		}
	}
	if i := w.serve(); i != nil && i.view != nil {
		held = w.markLost(i, &n) || held
		held = w.clean(i, &n) || held
		held = w.killStrangers(i, &n) || held
		held = w.letCanariesGo(i, &n) || held
		held = w.recover(i, &n) || held
		deploy, _ := i.view.Plan(machine.DeployPlan)
		n++
		switch {
		case deploy.Run.Halt != nil && !deploy.Run.Ended():
			held = true
			w.tell(i, machine.Verb{ID: 1000 + n, Kind: machine.Resume, Plan: machine.DeployPlan, Actor: "operator", Reason: "calm"})
			w.note("what has stopped it: %s", deploy.Run.Halt.Cause.Text)
		case deploy.Run.Outcome == plans.Stopped:
			held = true
			w.tell(i, machine.Verb{ID: 1000 + n, Kind: machine.Start, Plan: machine.DeployPlan, Actor: "operator", Reason: "calm"})
		}
	}
	if held || w.now.Before(w.calm.Add(time.Minute)) || w.unheardOf() { // what was said last may not have been carried out yet
		w.after(10*time.Second, "release", func() { w.release(n) })
	}
}

// well says whether everything is deployed and runs.
func (w *world) well() bool {
	i := w.serve()
	if i == nil || i.stopped || i.view == nil {
		return false
	}
	if now := (asOf{i.view, w.disk.version, w.named, w.turns}); now != w.looked.at {
		w.looked = wellness{at: now, well: w.wellIn(i.view)}
	}
	return w.looked.well
}

// allRun says whether what is shown as the task of a pod runs: what is shown may be of long ago.
func (w *world) allRun(v *machine.View) bool {
	up := make(map[string]bool, len(w.containers))
	for _, c := range w.containers {
		up[c.task] = c.up
	}
	for k := range v.Pods {
		if p := &v.Pods[k]; p.TaskID != "" && !up[p.TaskID] {
			return false
		}
	}
	return true
}

// asOf is what it depends on whether all is well: it is asked after every event, and most change nothing of that.
type asOf struct {
	view    *machine.View
	records int
	agents  int
	turns   int
}

// wellness is whether all was well when somebody looked.
type wellness struct {
	at   asOf
	well bool
}

func (w *world) wellIn(v *machine.View) bool {
	if !v.Connection.Connected || len(v.Pods) == 0 || len(w.disk.releases) > 0 {
		return false
	}
	for k := range v.Plans {
		if p := &v.Plans[k]; p.Status != plans.Complete && len(p.Phases) > 0 {
			return false
		}
	}
	for k := range v.Pods {
		if p := &v.Pods[k]; !p.Healthy && !(w.check.forced[p.Name] && p.TaskID == "") { // a later run launches it
			return false
		}
	}
	return w.allRun(v) && w.allUsed()
}

// allUsed says whether every device has a pod. Hosts of which the framework never heard, because it wants no new ones, do not count.
func (w *world) allUsed() bool {
	for _, h := range w.hosts {
		if _, known := w.disk.hosts[h.name]; !known && w.schedule.Closed || h.agent == "" {
			continue
		}
		for _, kind := range deviceTypes {
			if h.has(kind) && !w.hasPod(kind, h) {
				return false
			}
		}
	}
	return true
}

func (w *world) hasPod(kind string, h *host) bool {
	for _, p := range w.disk.pods {
		if p.Type == kind && p.Host == h.name {
			return true
		}
	}
	return false
}
