package sim

import (
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
	"github.com/quobyte/mesos-framework/quobyte"
)

// killing looks at a KILL that reaches the master: a registry that is the task of its pod and runs is stopped only if those of the others that are well are enough,
// and so is a metadata or data service, which finds the others by them, if it was ever ready and Mesos has not said that it is ending already.
// Those that operators took out count as what they are, for Quobyte has them in its replica set as before. What nobody could have known does not count.
func (c *checker) killing(i *instance, call machine.Kill) {
	pod, kind := podOf(call.TaskID)
	record := c.disk.pods[pod]
	takenForGone := func(said machine.Consent) bool { return said.TaskID == call.TaskID && said.Verb == machine.MarkGone }
	if c.consented[call.TaskID] != "" || slices.ContainsFunc(record.Consents, takenForGone) { // also if nobody was told: the framework may have died before the answer
		return // and whatever depends on it was taken for gone with it
	}
	if !hasDevice(kind) || record.Task == nil || record.Task.ID != call.TaskID || record.Stop != nil && record.Stop.Forced {
		return
	}
	dependent := kind != quobyte.Registry
	if c.underWay(i, record, call.TaskID) || c.unknownVictim(call.TaskID, dependent) {
		return
	}
	victim, up, all := dependent && record.Completed != "" && !c.beingKilled[call.TaskID], 0, 0
	for _, h := range c.replicas {
		all++
		r := c.running(quobyte.Registry, h)
		switch {
		case r != nil && r.task == call.TaskID:
			unheard := c.killed[call.TaskID].Sub(r.joined) < verdict
			victim = !unheard // that it belongs to them
		case r != nil && c.serves(r, c.killed[call.TaskID]) || c.news(h.died[quobyte.Registry], call.TaskID):
			up++
		case r == nil && c.unknownMember(h):
			all--
		}
	}
	switch {
	case !victim || up > all/2:
	case dependent:
		c.fail(quorumThere, "serve %d stops %s, and %d of %d registries are up", i.number, call.TaskID, up, all)
	case all > 1: // the first registry alone is no majority of anything yet
		c.fail(quorumKept, "serve %d stops %s, and %d of %d remain", i.number, call.TaskID, up, all)
	}
}

// unknownVictim says that nobody knows that what is to be stopped does its work, or belongs to the replica set: it began to, or came back from before a backup, and nobody
// has seen it ready, before it fell ill or the majority was lost. Its prober, which is asked right before the KILL, can't tell it from one that never was ready.
func (c *checker) unknownVictim(task string, dependent bool) bool {
	if dependent {
		return c.restores > 0 && !c.served[task] && !c.quorum()
	}
	for _, h := range c.replicas {
		if r := c.taskOn(task, h); r != nil && !c.members[h.name] {
			return !c.quorum() || c.killed[task].Before(h.sick[r.kind].till.Add(verdict))
		}
	}
	return false
}

// member notes that a registry of a host is known to belong to the replica set, or has to be reckoned with as one.
func (c *checker) member(kind, host string) {
	if kind == quobyte.Registry {
		c.members[host] = true
	}
}

// serves says that a registry counted when a KILL was given away: it had caught up and was well, or had fallen ill so lately that nobody could know. Whether it is a
// member of the replica set and whether that has a majority is looked at by who asks.
func (c *checker) serves(r *container, at time.Time) bool {
	ill := r.host.sick[r.kind]
	return at.Sub(r.since) >= r.catchUp && (!at.Before(ill.till) || at.Sub(ill.since) < verdict)
}

// news says that a death is too new for the framework to know of it when it gave the KILL of another one away: it asks the probers of all the others
// right before that, and what they say counts for as long as a verdict does. What it has stopped itself it knows.
func (c *checker) news(d death, victim string) bool {
	return !d.at.IsZero() && !c.stops[d.task] && c.killed[victim].Sub(d.at) < verdict
}

// stopping looks at a KILL that the machine gives away: why is on record, and of pods that keep data no other one is down.
func (c *checker) stopping(i *instance, call machine.Kill) {
	pod, kind := podOf(call.TaskID)
	c.killed[call.TaskID] = c.now
	record := c.disk.pods[pod]
	replaced := slices.ContainsFunc(record.Replaced, func(r machine.ReplacedTask) bool { return r.TaskID == call.TaskID })
	if replaced || record.Task == nil || record.Task.ID != call.TaskID && c.unwanted[call.TaskID] {
		return // nobody's, or operators want to be rid of it, and it is no pod's any more
	}
	worked := !record.Task.Healthy.IsZero() // what does not work costs nothing more
	if record.Stop == nil || record.Stop.TaskID != call.TaskID {
		c.fail(reasonFirst, "serve %d kills %s, and the record of %s does not say so", i.number, call.TaskID, pod)
		return
	}
	if worked && !record.Stop.Forced && record.Task.State != machine.Killing {
		c.checkBudget(i, record, i.clock())
	}
	if c.beingKilled[call.TaskID] = record.Task.State == machine.Killing; !c.beingKilled[call.TaskID] {
		c.checkFit(i, record, "kills")
	}
	if c.stops[call.TaskID] {
		return
	}
	c.stops[call.TaskID] = true
	c.checkPauseOfStop(i, record, kind)
	c.checkBegins(record, kind, record.Stop.At)
	if c.schedule.Asks && worked && !record.Stop.Forced && slices.Contains([]string{quobyte.Registry, quobyte.Metadata, quobyte.Data}, kind) {
		c.checkAnswer(i, record)
	}
}

// checkStops looks at stops when they become durable: the budget counts then, and again at each KILL, see stopping.
func (c *checker) checkStops(i *instance) {
	for _, p := range c.disk.pods {
		if p.Stop == nil {
			if p.Task != nil {
				delete(c.budgeted, p.Task.ID)
			}
			continue
		}
		c.checkForce(i, p)
		if !p.Stop.At.After(c.budgeted[p.Stop.TaskID]) { // of before only when a clock has gone back
			continue
		}
		c.budgeted[p.Stop.TaskID] = p.Stop.At
		c.stopSeen()
		c.checkFit(i, p, "stops")
		if !p.Stop.Forced && p.Stop.Plan == machine.DeployPlan {
			c.checkRepair(i, p)
		}
		if p.Task != nil && p.Task.ID == p.Stop.TaskID && !p.Task.Healthy.IsZero() && !p.Stop.Forced { // what does not work costs nothing more
			c.checkBudget(i, p, p.Stop.At)
		}
	}
}

// checkFit: what takes the place of a pod wants no more than any host has, when its stop becomes durable and at each KILL.
func (c *checker) checkFit(i *instance, p machine.Pod, does string) {
	if want := c.settings.Resources[p.Type].CPUs; want > hostCPUs*1000 {
		c.fail(mustFit, "serve %d %s %s, and what takes its place wants %s processors of a host's %d", i.number, does, p.Name, want, hostCPUs)
	}
}

// checkRepair: nothing is stopped while recovery has a registry to bring back, which is on record from its fall on until it is ready.
func (c *checker) checkRepair(i *instance, p machine.Pod) {
	for name, other := range c.disk.pods {
		t := other.Task
		down := t == nil || t.State != machine.Running || t.Healthy.IsZero()
		if other.Type != quobyte.Registry || other.Fallen.IsZero() || !down || !other.Fallen.Before(p.Stop.At) || c.excusedAt(name, p.Stop.At) || c.letBe(other) {
			continue
		}
		c.fail(repairFirst, "serve %d stops %s, and %s has fallen at %v and is not back", i.number, p.Name, name, other.Fallen.Sub(began))
	}
}

// letBe says that somebody has declared complete in recovery what is to be brought back.
func (c *checker) letBe(p machine.Pod) bool {
	for _, f := range c.disk.facts {
		if f.Kind == plans.Forced && coversFallen(f, p, p.Type) {
			return true
		}
	}
	return false
}

// checkBudget: as many of a type may be down as its budget says, the one that is stopped among them.
func (c *checker) checkBudget(i *instance, p machine.Pod, at time.Time) {
	if c.excusedAt(p.Name, at) {
		return // it was stopped before it was taken out, and the KILL is said again: it has no part in budgets
	}
	total := 0
	var down []string
	for name, other := range c.disk.pods {
		if other.Type != p.Type {
			continue
		}
		total++
		t := other.Task
		if name == p.Name || t == nil || c.excusedAt(name, at) {
			continue
		}
		if c.unsettled(i, other) || outOfSight(t.State) || other.Completed != "" && (ended(t.State) || t.Healthy.IsZero()) || c.downUnheard(other) {
			down = append(down, name+" "+string(t.State))
		}
	}
	if most := c.schedule.mostDown(p.Type, total); len(down)+1 > most {
		c.fail(budgetKept, "serve %d stops %s, %d of %d may be down, and down are %v", i.number, p.Name, most, total, down)
	}
}

// downUnheard says of a pod that is ready by its record that it is not, and that the framework knows that, or knows that nobody tells: it was so when the session began,
// and what is on record from before counts for nothing until a prober that has heard of the session has looked; or it is so for longer than a prober may be silent.
func (c *checker) downUnheard(p machine.Pod) bool {
	h := c.hostNamed(p.Host)
	if h == nil || p.Type == quobyte.Prober {
		return false
	}
	long := c.now.Add(-silence * c.settings.ProbeInterval)
	if r := c.taskOn(p.Task.ID, h); r != nil {
		ill := h.sick[p.Type]
		return c.now.Before(ill.till) && (ill.since.Before(c.session) || ill.since.Before(long))
	}
	d := h.died[p.Type]
	return d.task == p.Task.ID && (d.at.Before(c.session) || d.at.Before(long))
}

// outsiders notes which pods are on record as taken out, and which are not any more.
func (c *checker) outsiders() {
	now := map[string]bool{}
	for _, f := range c.disk.facts {
		if f.Kind == plans.Excepted {
			now[f.Pod] = true
		}
	}
	for pod := range c.excused {
		if !now[pod] {
			c.included[pod] = c.now
		}
	}
	c.excused = now
}

// excusedAt says that a pod was taken out at a time by the clock of the framework, or is now.
func (c *checker) excusedAt(pod string, at time.Time) bool {
	if i := c.serve(); i != nil {
		at = at.Add(-i.skew)
	}
	return c.excused[pod] || !at.After(c.included[pod])
}

// unsettled says that a pod was stopped by a plan and has not been ready for long enough since, whether its record still says that it was stopped or not.
func (c *checker) unsettled(i *instance, p machine.Pod) bool {
	t := p.Task
	switch {
	case t.State != machine.Running || t.Healthy.IsZero():
		return p.Stop != nil
	case p.Stop != nil && t.ID == p.Stop.TaskID:
		return true
	case p.Stop == nil && !c.inPlace[t.ID]:
		return false
	}
	return i.clock().Before(t.Healthy.Add(settling[p.Type]))
}

// checkPauseOfStop: what is paused is not stopped, if the stop was decided after the pause.
func (c *checker) checkPauseOfStop(i *instance, p machine.Pod, kind string) {
	for _, f := range c.disk.facts {
		if f.Kind == plans.Paused && (f.When == "" || f.When == plans.PauseNow) && covers(f, p, kind) && p.Stop.At.After(f.At) {
			c.fail(pausedRests, "serve %d stops %s, although %s%s%s is paused", i.number, p.Name, f.Plan, prefixed("/", f.Phase), prefixed("/", f.Step))
		}
	}
}

// yes is the answer that some pods may be stopped.
type yes struct {
	asked time.Time
	pods  []string
}

// fresh is how old an answer may be when it is used, and what the way from there to the KILL may take.
const fresh = 10*time.Second + 5*time.Second

// judged notes an answer.
func (c *checker) judged(ask machine.Ask, asked time.Time, answer machine.Judged) {
	if answer.Gate == plans.GateOpen {
		c.answers = append(c.answers, yes{asked, slices.Clone(ask.Pods)})
	}
}

// checkAnswer looks for the answer that a stop is based on, and uses it up. Pods that were never ready may be stopped without.
func (c *checker) checkAnswer(i *instance, p machine.Pod) {
	if p.Completed == "" {
		return
	}
	for k := range c.answers {
		a := &c.answers[k]
		if at := slices.Index(a.pods, p.Name); at >= 0 && p.Stop.At.Add(-i.skew).Sub(a.asked) <= fresh {
			a.pods = slices.Delete(a.pods, at, at+1)
			return
		}
	}
	c.fail(freshGate, "serve %d stops %s, and nobody has said lately that it may", i.number, p.Name)
}

// checkReturns: what a plan has stopped comes back, whatever is paused, if nothing else keeps it.
func (c *checker) checkReturns(i *instance) {
	for name, p := range c.disk.pods {
		var h *host
		if p.Stop != nil && p.Task != nil && ended(p.Task.State) && !c.excused[name] {
			h = c.hostNamed(p.Host)
		}
		if h == nil {
			delete(c.downSince, name)
			continue
		}
		hindered := h.hindered(p.Type) || c.now.Before(c.network.blindTill) || !i.view.Connection.Connected || p.Failures > 0 || c.keeper(i.view, p) != nil ||
			slices.ContainsFunc(p.Replaced, func(r machine.ReplacedTask) bool { return r.Seen != "" })
		if since, seen := c.downSince[name]; !seen || hindered {
			c.downSince[name] = c.now
		} else if c.now.Sub(since) > stayDown {
			c.fail(comesBack, "%s was stopped by %s and is down for %v: %s", name, p.Stop.Plan, c.now.Sub(since), c.why(i))
		}
	}
}

// stayDown is how long a pod that was stopped may take to be launched again when nothing hinders that.
const stayDown = 3 * time.Minute

func (w *world) hostNamed(name string) *host {
	for _, h := range w.hosts {
		if h.name == name {
			return h
		}
	}
	return nil
}
