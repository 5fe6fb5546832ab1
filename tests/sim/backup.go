package sim

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
	"github.com/quobyte/mesos-framework/quobyte"
)

// backup is what was on record at some moment, and what operators had been told then.
type backup struct {
	records map[string][]byte
	memory  memory
}

// backUp has the records saved, and put in the place of the newer ones after a while, when the framework does not run. It is started Count seconds later.
func (w *world) backUp(f Fault) {
	restored := w.now.Add(f.For)
	w.saveFor(restored, time.Duration(f.Count)*time.Second)
}

// saveFor saves the records as soon as they say which framework this is: without that they are of no use to anybody, since to Mesos it would be another one.
func (w *world) saveFor(restored time.Time, down time.Duration) {
	if w.disk.records["framework"] == nil || !bytes.Contains(w.disk.records["framework"], []byte(`"id":"`)) {
		if next := w.now.Add(time.Second); next.Before(restored) {
			w.at(next, "backup", func() { w.saveFor(restored, down) })
		}
		return
	}
	saved := backup{records: maps.Clone(w.disk.records), memory: w.check.memory.clone()}
	w.note("operator: saves %d records", len(saved.records))
	w.at(restored, "restore", func() { w.restore(saved, down) })
}

// restore has an operator kill the framework, put a backup in the place of its records, and start it again.
func (w *world) restore(saved backup, down time.Duration) {
	for _, i := range w.lives { // nothing else may work on the state, also if it was only stopped
		if !i.dead {
			i.note("serve %d: killed", i.number)
			i.dead = true
			i.session.abandon()
		}
	}
	w.note("operator: restores %d records in the place of %d", len(saved.records), len(w.disk.records))
	w.disk.replace(saved.records)
	w.check.restored(saved.memory)
	w.strayed = append(w.strayed, slices.Sorted(maps.Keys(w.check.lost))...)
	w.restores++
	w.after(down, "restart", func() {
		if w.serve() == nil {
			w.boot(0)
		}
	})
}

// replace puts other records in the place of all that there are.
func (d *disk) replace(records map[string][]byte) {
	for key := range d.records {
		if records[key] == nil {
			d.learn(key, nil)
		}
	}
	d.records, d.size, d.run = map[string][]byte{}, 0, plans.Run{}
	for _, key := range slices.Sorted(maps.Keys(records)) {
		d.records[key] = slices.Clone(records[key])
		d.size += len(records[key])
		d.learn(key, records[key])
	}
}

// keeper is the task of no pod that keeps a pod from being launched: it bears the pod's name, or is of its type on its host, if that is where it belongs. The
// newest view has it; nil if there is none.
func (w *world) keeper(v *machine.View, p machine.Pod) *machine.Stranger {
	if v == nil || p.Name == "" {
		return nil
	}
	h := w.hostNamed(p.Host)
	for k := range v.Strangers {
		s := &v.Strangers[k]
		name, kind := podOf(s.TaskID)
		if name == p.Name || p.Bound && kind == p.Type && h != nil && h.agent == s.AgentID {
			return s
		}
	}
	return nil
}

// forsaken are the pods that such a task keeps back of which Mesos can't say any more whether it runs, by name.
func (w *world) forsaken(i *instance, least time.Duration) []machine.Pod {
	var out []machine.Pod
	for _, name := range slices.Sorted(maps.Keys(w.disk.pods)) {
		p := w.disk.pods[name]
		if p.Task != nil && !ended(p.Task.State) {
			continue
		}
		if s := w.keeper(i.view, p); s != nil && outOfSight(s.State) && i.clock().Sub(s.Since) >= least {
			out = append(out, p)
		}
	}
	return out
}

// markStranger has an operator take a task for gone that no record knows, that has been out of sight for a while, and that keeps a pod back.
func (w *world) markStranger(id uint64, v Verb, tries int) {
	var lost []string
	if i := w.serve(); i != nil && i.view != nil {
		for _, p := range w.forsaken(i, doubt) {
			if v.Blind || !w.alive(w.keeper(i.view, p).TaskID) {
				lost = append(lost, p.Name)
			}
		}
	}
	switch {
	case len(lost) > 0 && v.Blind && v.Step%2 == 0: // and says so as soon as there is a new session
		w.eager = append(w.eager, func(i *instance) { w.sayGone(i, id, lost[v.Step%len(lost)]) })
	case len(lost) > 0:
		w.sayGone(w.serve(), id, lost[v.Step%len(lost)])
	case tries > 0 && w.now.Before(w.calm):
		w.after(5*time.Second, "verb", func() { w.markStranger(id, v, tries-1) })
	}
}

// recover has operators see to what a backup does not know, when faults have ceased. It says whether they have to come again: who does not know what is missing looks
// until all is well.
func (w *world) recover(i *instance, n *uint64) bool {
	if w.restores == 0 {
		return false
	}
	for _, p := range w.forsaken(i, despair) {
		if !w.alive(w.keeper(i.view, p).TaskID) {
			*n++
			w.sayGone(i, 1000+*n, p.Name)
		}
	}
	w.giveUpAgain(i, n)
	w.letOthersBegin(i, n)
	w.letMembersJoin(i, n)
	return !w.well()
}

// giveUpAgain: what was given up after the backup was made is on record again, and waited for, and is there no more.
func (w *world) giveUpAgain(i *instance, n *uint64) {
	for _, p := range i.view.Pods {
		if p.Claim != nil && w.check.givenUp[p.Claim.Claim] && ended(p.State) && i.clock().Sub(p.Since) >= despair {
			*n++
			w.tell(i, machine.Verb{ID: 1000 + *n, Kind: machine.Replace, Pod: p.Name, Claim: p.Claim.Claim, Actor: "operator", Reason: "calm"})
		}
	}
}

// letOthersBegin: by the records a registry is the first, and those that come after it were never launched; in fact they belong to its replica set, and without them it
// finds no majority. Who says that it counts as complete lets them begin, and who ends the run lets those join that it has left out.
func (w *world) letOthersBegin(i *instance, n *uint64) {
	deploy, _ := i.view.Plan(machine.DeployPlan)
	if w.quorum() || i.clock().Sub(deploy.Run.StartedAt) < despair || deploy.Run.Ended() {
		return
	}
	all, waits := true, false
	for _, phase := range deploy.Phases {
		if phase.Name == phaseOf(quobyte.Prober) && heldBy(phase, plans.CodeRepair, i.clock()) { // of the first one: those that it needs come after the probers
			*n++
			w.tell(i, machine.Verb{ID: 1000 + *n, Kind: machine.Restart, Plan: machine.DeployPlan, Phase: phase.Name, Force: true, Actor: "operator", Reason: "calm"})
			return
		}
		if phase.Name != quobyte.Registry {
			continue
		}
		for k := range phase.Steps {
			s := &phase.Steps[k]
			pod, _, _ := strings.Cut(s.Name, ":")
			t := w.disk.pods[pod].Task
			runs := t != nil && t.State == machine.Running
			long := runs && i.clock().Sub(t.StateAt) >= despair
			all, waits = all && s.Status == plans.Complete, waits || runs && !long
			if s.Status != plans.Complete && long {
				*n++
				w.tell(i, machine.Verb{ID: 1000 + *n, Kind: machine.Force, Plan: machine.DeployPlan, Phase: phase.Name, Step: s.Name, Actor: "operator", Reason: "calm"})
				return
			}
		}
	}
	if all && !waits { // nothing is left of this run
		*n++
		w.tell(i, machine.Verb{ID: 1000 + *n, Kind: machine.Stop, Plan: machine.DeployPlan, Actor: "operator", Reason: "calm"})
	}
}

// letMembersJoin: a registry that no record knows belongs to the replica set, and was ended; its host has a pod for it only in the next run, and in this one no other may be
// stopped without it. Who ends the run has the next one begin.
func (w *world) letMembersJoin(i *instance, n *uint64) {
	deploy, _ := i.view.Plan(machine.DeployPlan)
	if deploy.Run.Ended() || !slices.ContainsFunc(w.replicas, func(h *host) bool { return w.running(quobyte.Registry, h) == nil && !w.hasPod(quobyte.Registry, h) }) {
		return
	}
	for _, phase := range deploy.Phases {
		if phase.Name == quobyte.Registry && heldBy(phase, plans.CodeGateClosed, i.clock()) {
			*n++
			w.tell(i, machine.Verb{ID: 1000 + *n, Kind: machine.Stop, Plan: machine.DeployPlan, Actor: "operator", Reason: "calm"})
		}
	}
}

// heldBy says whether something holds a step of a phase, for so long that somebody does something about it if it is known since when.
func heldBy(phase plans.PhaseView, code plans.Code, now time.Time) bool {
	return slices.ContainsFunc(phase.Steps, func(s plans.StepView) bool {
		return slices.ContainsFunc(s.Holds, func(h plans.Hold) bool { return h.Code == code && now.Sub(h.Since) >= despair })
	})
}

// mayEnd says whether an operator who wants a stranger ended does so now: registries one after the other, or their majority is gone, unless that is so for long.
func (w *world) mayEnd(i *instance, task string) bool {
	if _, kind := podOf(task); w.restores == 0 || kind != quobyte.Registry {
		return true
	}
	for k := range i.view.Pods {
		p := &i.view.Pods[k]
		stuck := !w.quorum() && i.clock().Sub(p.Since) >= despair
		if p.Type == quobyte.Registry && !p.Healthy && p.TaskID != "" && !ended(p.State) && !outOfSight(p.State) && !stuck {
			return false
		}
	}
	return true
}

// mustBeHeard says whether an event is the answer to a question about everything that tells of a task which is on no record since a backup was restored. Of those a framework
// hears only when it asks, and masters answer over the stream that stands, or it breaks: neither the question nor the answer gets lost in between. If that could be,
// nobody could ever launch anything by old records.
func (w *world) mustBeHeard(e machine.Event) bool {
	u, told := e.(machine.Updated)
	return told && w.check.lost[u.Status.TaskID] && u.Status.Reason == "RECONCILIATION"
}

// faultOf is what becomes of a call.
func (s *session) faultOf(c machine.Call) callFault {
	fault := s.network.call(c)
	if r, asks := c.(machine.Reconcile); asks && len(r.Tasks) == 0 && s.restores > 0 && fault.kind == unheard {
		return callFault{} // see mustBeHeard
	}
	return fault
}
