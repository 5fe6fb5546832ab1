package sim

import (
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/quobyte"
)

// markGone is the verb that takes a task for gone of which Mesos can't say whether it runs.
const markGone = string(machine.MarkGone)

const (
	// doubt is how long a task must be out of sight before somebody takes it for gone.
	doubt = 30 * time.Second
	// despair is how long, when faults have ceased, a pod waits for a proof that will never come before somebody does something about it.
	despair = 3 * time.Minute
)

// markGone has an operator take a task for gone that has been out of sight for a while: the one that the verb's step chooses among several. While there is
// none it is tried again some times, unless faults have ceased.
func (w *world) markGone(id uint64, v Verb, tries int) {
	var lost []machine.PodView
	i := w.serve()
	if i != nil && v.Task == podTask { // who has one in mind does not look
		w.sayGone(i, id, w.podAt(v.Pod))
		return
	}
	if i != nil && i.view != nil {
		for _, p := range i.view.Pods {
			if v.Pod != "" && p.Name != w.podAt(v.Pod) {
				continue
			}
			if outOfSight(p.State) && i.clock().Sub(p.Since) >= doubt && (v.Blind || !w.alive(p.TaskID)) {
				lost = append(lost, p)
			}
		}
	}
	switch {
	case len(lost) > 0 && v.Pod != "":
		w.sayGone(i, id, lost[0].Name)
	case len(lost) > 0 && v.Blind && v.Step%2 == 0: // and says so as soon as there is a new session
		w.eager = append(w.eager, func(i *instance) { w.sayGone(i, id, lost[v.Step%len(lost)].Name) })
	case len(lost) > 0 && v.Blind: // nor whether it is still out of sight
		pod := lost[v.Step%len(lost)].Name
		w.after(w.upTo(2*time.Minute), "verb", func() {
			if i := w.serve(); i != nil {
				w.sayGone(i, id, pod)
			}
		})
	case len(lost) > 0:
		w.sayGone(i, id, lost[v.Step%len(lost)].Name)
	case tries > 0 && w.now.Before(w.calm):
		w.after(15*time.Second, "verb", func() { w.markGone(id, v, tries-1) })
	}
}

// sayGone says of a pod that its task is gone.
func (w *world) sayGone(i *instance, id uint64, pod string) {
	verb := machine.Verb{ID: id, Kind: machine.MarkGone, Pod: pod, Actor: "operator", Reason: "simulated"}
	w.note("operator: %s %s", verb.Kind, pod)
	w.check.asked(i, verb)
	i.deliver(verb)
}

// markLost has operators take for gone what Mesos will never prove, when faults have ceased: tasks whose agents are no more, because others have taken their
// place. Everything else must find its way by itself: probers, which are replaced when their host is back as another agent, and what is reserved, which is offered
// when it is in no use. It says whether anybody may still have to do something.
func (w *world) markLost(i *instance, n *uint64) bool {
	waits := false
	for _, p := range i.view.Pods {
		h := w.hostNamed(p.Host)
		waits = w.markShownLost(i, n, p.Name) || waits
		claim := w.disk.pods[p.Name].Claim
		reserved := claim != nil && w.check.started[p.TaskID] // if it never got there, neither did its reservations
		if reserved && w.restores > 0 && w.check.givenUp[claim.ID] {
			reserved = false // a backup has it again, and it is there no more
		}
		if p.State == "" || ended(p.State) || h == nil || h.agent == p.AgentID || p.Type == quobyte.Prober || reserved {
			continue
		}
		waits = true // a master says nothing for ten minutes of tasks on an agent that it still waits for
		if outOfSight(p.State) && i.clock().Sub(p.Since) >= despair && !w.alive(p.TaskID) {
			*n++
			w.sayGone(i, 1000+*n, p.Name)
		}
	}
	return waits
}

// markShownLost is the same of a task that was taken for gone, has shown up again, and whose agent is no more.
func (w *world) markShownLost(i *instance, n *uint64, pod string) bool {
	p := w.disk.pods[pod]
	for _, r := range p.Replaced {
		h := w.hostNamed(p.Host)
		if r.Seen == "" || !hasDevice(p.Type) || h == nil || h.agent == r.AgentID {
			continue
		}
		if outOfSight(r.Seen) && !w.alive(r.TaskID) {
			*n++
			w.sayGone(i, 1000+*n, pod)
		}
		return true
	}
	return false
}

// alive says whether a process of a task runs or is being started somewhere.
func (w *world) alive(task string) bool {
	for _, c := range w.containers {
		if c.task == task {
			return true
		}
	}
	return false
}

// replace has an operator give up what is reserved for a pod that is down. Blind ones do so of one that is out of sight, or else of any that has something.
func (w *world) replace(id uint64, v Verb, tries int) {
	var down, lost []machine.PodView
	i := w.serve()
	if i != nil && i.view != nil {
		for _, p := range i.view.Pods {
			if p.Claim == nil {
				continue
			}
			if ended(p.State) || v.Blind {
				down = append(down, p)
			}
			if outOfSight(p.State) {
				lost = append(lost, p)
			}
		}
	}
	if v.Blind && len(lost) > 0 {
		down = lost
	}
	switch {
	case len(down) > 0:
		p := down[v.Step%len(down)]
		w.tell(i, machine.Verb{ID: id, Kind: machine.Replace, Pod: p.Name, Claim: p.Claim.Claim, Actor: "operator", Reason: "simulated"})
	case tries > 0 && w.now.Before(w.calm):
		w.after(10*time.Second, "verb", func() { w.replace(id, v, tries-1) })
	}
}

// giveBack has an operator give back what is reserved for no pod. Blind ones take what is some pod's for that.
func (w *world) giveBack(id uint64, v Verb, tries int) {
	verb := machine.Verb{ID: id, Kind: machine.ReleaseLeftover, Actor: "operator", Reason: "simulated"}
	var found [][2]string
	i := w.serve()
	if i != nil && i.view != nil {
		for k := range i.view.Hosts {
			for _, l := range i.view.Hosts[k].Leftovers {
				found = append(found, [2]string{i.view.Hosts[k].Key, l.Claim})
			}
		}
		for _, p := range i.view.Pods {
			if v.Blind && p.Claim != nil {
				found = append(found, [2]string{p.Claim.Host, p.Claim.Claim})
			}
		}
	}
	switch {
	case len(found) > 0:
		one := found[v.Step%len(found)]
		verb.Host, verb.Claim = one[0], one[1]
		w.tell(i, verb)
	case tries > 0 && w.now.Before(w.calm):
		w.after(10*time.Second, "verb", func() { w.giveBack(id, v, tries-1) })
	}
}

func (w *world) tell(i *instance, verb machine.Verb) {
	w.note("operator: %s %s %s %s%s%s", verb.Kind, verb.Pod, verb.Host, verb.Claim, verb.Task, verb.Phase)
	w.check.asked(i, verb)
	i.deliver(verb)
}

// clean has operators give back what is left over: what somebody made a pod forget may be all that a host has of something, such as a port. It says whether there was
// anything.
func (w *world) clean(i *instance, n *uint64) bool {
	found := false
	for k := range i.view.Hosts {
		h := &i.view.Hosts[k]
		for _, l := range h.Leftovers {
			found = true
			*n++
			w.tell(i, machine.Verb{ID: 1000 + *n, Kind: machine.ReleaseLeftover, Host: h.Key, Claim: l.Claim, Actor: "operator", Reason: "calm"})
		}
	}
	return found
}
