package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/quobyte"
)

// withStray adds a task to a launch that no record knows, if there is to be one: as a framework would have left it behind whose records were lost.
func (s *session) withStray(c machine.Call) machine.Call {
	a, ok := c.(machine.Accept)
	if !ok || s.network.strays == 0 || len(a.Launches()) == 0 {
		return c
	}
	a.Operations = slices.Clone(a.Operations)
	last := &a.Operations[len(a.Operations)-1]
	beside := last.Tasks[0]
	at := slices.IndexFunc(beside.Resources, func(r offers.Resource) bool { return r.Name == "cpus" && len(r.Reservations) == 0 })
	if at < 0 {
		return c // there may be nothing but what is reserved
	}
	s.network.strays--
	cpus := beside.Resources[at]
	cpus.Scalar = 10
	s.pids++
	stray := offers.Task{
		ID: fmt.Sprintf("stray-0-server__%d", s.pids), Name: "stray-0-server", AgentID: beside.AgentID, Resources: offers.Resources{cpus},
		Command: offers.Command{Shell: true, Value: "exec stray"},
	}
	last.Tasks = append(slices.Clip(last.Tasks), stray)
	s.check.launched[stray.ID] = true
	s.strayed = append(s.strayed, stray.ID)
	s.note("serve %d: %s gets there, too", s.number, stray.ID)
	return a
}

// killStranger has an operator kill a task that belongs to no pod.
func (w *world) killStranger(id uint64, v Verb, tries int) {
	i := w.serve()
	switch {
	case i != nil && i.view != nil && len(i.view.Strangers) > 0:
		task := i.view.Strangers[v.Step%len(i.view.Strangers)].TaskID
		w.tell(i, machine.Verb{ID: id, Kind: machine.KillTask, Task: task, Actor: "operator", Reason: "simulated"})
	case tries > 0 && w.now.Before(w.calm):
		w.after(w.upTo(10*time.Second), "verb", func() { w.killStranger(id, v, tries-1) })
	}
}

// unheardOf says whether a task runs that belongs to no pod and of which the framework has not heard, so that nobody can have it killed. A question about
// everything may have got lost just before faults ceased; the next is due.
func (w *world) unheardOf() bool {
	if w.now.After(w.calm.Add(asksAgain)) {
		return false
	}
	return slices.ContainsFunc(w.strayed, func(task string) bool {
		state, told := w.check.told[task]
		return (!told || outOfSight(state)) && w.isUp(task)
	})
}

// killStrangers has operators kill all tasks that belong to no pod, when faults have ceased. It says whether there were any.
func (w *world) killStrangers(i *instance, n *uint64) bool {
	ended := map[string]bool{}
	for _, s := range i.view.Strangers {
		_, kind := podOf(s.TaskID)
		if ended[kind] && kind == quobyte.Registry || !w.mayEnd(i, s.TaskID) {
			continue
		}
		ended[kind] = true
		*n++
		w.tell(i, machine.Verb{ID: 1000 + *n, Kind: machine.KillTask, Task: s.TaskID, Actor: "operator", Reason: "calm"})
	}
	return len(i.view.Strangers) > 0
}
