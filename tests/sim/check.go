package sim

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
	"github.com/quobyte/mesos-framework/quobyte"
)

// The invariants, as sentences.
const (
	quorumKept   = "a registry is never stopped voluntarily when the others are no majority of the replica set"
	budgetKept   = "new stops never exceed the budget"
	reasonFirst  = "no task is killed before it is on record why"
	comesBack    = "no pod that was stopped stays down because of a pause"
	freshGate    = "what may be stopped was asked, once for each stop, and the answer is fresh"
	oneTask      = "no two tasks of one pod run at the same time on one device"
	durableTask  = "no task runs that is not in durable state"
	uniqueTask   = "no task id is used twice"
	keeps        = "nothing is destroyed that a pod owns"
	pausedRests  = "a paused element begins no step"
	durableAck   = "no update is acknowledged before it is durable"
	ackedOnce    = "nothing is acknowledged that has no uuid, and nothing twice at once"
	verbKept     = "no verb that was answered is forgotten"
	holdShown    = "every element that does not move has a hold"
	completes    = "when faults cease, every run that is not paused completes in bounded time"
	bounded      = "the machine's memory is bounded"
	liveOffers   = "no offer is used that was taken back, or used before"
	trulyDone    = "nothing counts as ready that never was"
	inOrder      = "phases wait for those before them, and registries for each other"
	noStrays     = "in the end nothing runs that no pod has"
	timeMoves    = "the machine never decides without end at one moment"
	loads        = "what was recorded can be loaded"
	wellFormed   = "no call or message is malformed"
	reproducible = "the same seed gives the same journal"
)

// Invariants lists what every run is checked for.
var Invariants = []string{
	quorumKept, budgetKept, reasonFirst, comesBack, freshGate, oneTask, durableTask, uniqueTask, keeps, pausedRests, durableAck, ackedOnce, verbKept, holdShown, completes, bounded, liveOffers, trulyDone, inOrder, noStrays, timeMoves, loads, wellFormed,
	reproducible,
}

// checker watches a run.
type checker struct {
	*world
	broken, detail string
	at             time.Time

	moment        time.Time // of the last decision
	decisionsThen int       // that were made then

	launches  int
	launched  map[string]bool               // task ids that an ACCEPT brought
	statuses  map[string]machine.TaskStatus // that a machine took, by uuid
	asOf      map[uint64]int                // verb -> the run that was on record when it was said
	acks      map[string]time.Time          // uuids that were acknowledged in a session, unless that failed, and when
	verbs     map[uint64]machine.Verb
	paused    map[string]plans.Fact // what operators were told is paused or excepted
	forced    map[string]bool       // pods of which operators said that they count as deployed
	spent     map[string]string     // offers that a machine may not use any more, and why
	open      []string              // offers that it may use
	began     map[string]bool       // pods that were launched
	excused   map[string]bool       // pods that operators once took out
	answers   []yes
	stops     map[string]bool      // tasks that were killed
	downSince map[string]time.Time // pods that a plan has stopped and that are down without hindrance
	quiet     map[string]time.Time // steps that do not move and show no reason, since when
	wasWell   map[string]bool      // tasks whose daemon was well when its host's prober asked
}

func newChecker(w *world) *checker {
	return &checker{
		world: w, launched: map[string]bool{}, statuses: map[string]machine.TaskStatus{}, verbs: map[uint64]machine.Verb{}, asOf: map[uint64]int{}, acks: map[string]time.Time{},
		paused: map[string]plans.Fact{}, forced: map[string]bool{}, spent: map[string]string{}, wasWell: map[string]bool{}, quiet: map[string]time.Time{}, stops: map[string]bool{}, downSince: map[string]time.Time{}, began: map[string]bool{}, excused: map[string]bool{},
	}
}

// fail notes that an invariant does not hold. The first counts.
func (c *checker) fail(invariant, format string, args ...any) {
	if c.broken != "" {
		return
	}
	c.broken, c.detail, c.at = invariant, fmt.Sprintf(format, args...), c.now
	c.note("BROKEN: %s: %s", c.broken, c.detail)
}

// taking looks at an event before the machine does.
func (c *checker) taking(i *instance, e machine.Event) {
	switch e := e.(type) {
	case machine.CallFailed:
		c.note("serve %d: %s failed: %s", i.number, machine.CallName(e.Call), e.Err)
		if ack, ok := e.Call.(machine.Acknowledge); ok {
			delete(c.acks, string(ack.UUID))
		}
	case machine.Updated:
		if len(e.Status.UUID) > 0 {
			c.statuses[string(e.Status.UUID)] = e.Status
		}
		c.note("serve %d: UPDATE %s %s %s %s", i.number, e.Status.TaskID, e.Status.State, e.Status.Source, e.Status.Reason)
	case machine.Rescinded:
		c.spent[e.OfferID] = "was rescinded"
	case machine.Offered:
		for k := range e.Offers {
			c.open = append(c.open, e.Offers[k].ID)
			delete(c.spent, e.Offers[k].ID) // it may have come twice
		}
	case machine.Disconnected:
		for _, id := range c.open {
			c.spent[id] = "is of a subscription that has ended"
		}
		c.open = nil
	case machine.Subscribed:
		clear(c.acks)
		c.note("serve %d: subscribed as %s", i.number, e.FrameworkID)
	}
}

// crowd is more decisions than any moment is worth.
const crowd = 2000

// decided looks at what a machine wants.
func (c *checker) decided(i *instance, e machine.Effects) {
	if !c.moment.Equal(c.now) {
		c.moment, c.decisionsThen = c.now, 0
	}
	if c.decisionsThen++; c.decisionsThen > crowd {
		c.fail(timeMoves, "serve %d decides for the %dth time at %v", i.number, c.decisionsThen, c.now.Sub(began))
	}
	for _, s := range e.Calls {
		if s.After > len(e.Groups) {
			c.fail(durableTask, "%s waits for group %d of %d", machine.CallName(s.Call), s.After, len(e.Groups))
		}
		if ack, ok := s.Call.(machine.Acknowledge); ok {
			c.acknowledgingOnce(i, ack)
		}
	}
}

// committed looks at the disk after a commit.
func (c *checker) committed(i *instance) {
	if len(c.disk.removed) > 0 {
		c.fail(keeps, "serve %d forgets %v", i.number, c.disk.removed)
	}
	if most := 64<<10 + (len(c.disk.pods)+len(c.disk.hosts))*8<<10; c.disk.size > most {
		c.fail(bounded, "%d records of %d pods and %d hosts take %d bytes, more than %d", len(c.disk.records), len(c.disk.pods), len(c.disk.hosts), c.disk.size, most)
	}
	for _, f := range c.disk.facts { // also those that nobody was told of any more
		switch f.Kind {
		case plans.Forced:
			pod, _, _ := strings.Cut(f.Step, ":")
			c.forced[pod] = true
		case plans.Excepted:
			c.excused[f.Pod] = true
		}
	}
	for key, was := range c.paused {
		if _, still := c.disk.facts[key]; !still {
			c.fail(verbKept, "%s %s%s%s by %s was answered with done, and is not recorded any more", was.Kind, was.Phase, was.Step, was.Pod, was.Actor)
		}
	}
}

// sending looks at a call when the machine gives it away, which is after what it waits for is durable.
func (c *checker) sending(i *instance, call machine.Call) {
	switch call := call.(type) {
	case machine.Accept:
		c.accepting(i, call)
	case machine.Decline:
		for _, id := range call.OfferIDs {
			c.spent[id] = "was declined"
		}
	case machine.Acknowledge:
		c.acknowledging(i, call)
	case machine.Kill:
		c.note("serve %d: KILL %s", i.number, call.TaskID)
		c.stopping(i, call)
	}
}

func (c *checker) accepting(i *instance, call machine.Accept) {
	for _, id := range call.OfferIDs {
		if why := c.spent[id]; why != "" {
			c.fail(liveOffers, "serve %d accepts offer %s, which %s", i.number, id, why)
		}
		c.spent[id] = "was accepted"
	}
	for _, task := range call.Launches() {
		c.note("serve %d: launches %s", i.number, task.ID)
		pod, kind := podOf(task.ID)
		record, known := c.disk.pods[pod]
		if !known || record.Task == nil || record.Task.ID != task.ID {
			c.fail(durableTask, "serve %d launches %s, and the record of %s does not say so", i.number, task.ID, pod)
			continue
		}
		c.checkPause(record, kind)
		c.checkOrder(record, kind)
	}
}

// checkPause: deploy launches nothing of what is paused. Recovery has a pause of its own, which nobody here sets.
func (c *checker) checkPause(p machine.Pod, kind string) {
	if !p.Fallen.IsZero() || p.Stop != nil { // what was stopped comes back whoever pauses
		return
	}
	for _, f := range c.disk.facts {
		now := f.When == "" || f.When == plans.PauseNow
		if f.Kind == plans.Paused && now && covers(f, p, kind) {
			c.fail(pausedRests, "%s is launched, although %s%s%s is paused since %v", p.Name, f.Plan, prefixed("/", f.Phase), prefixed("/", f.Step), f.At.Sub(began))
		}
		if f.Kind == plans.Excepted && f.Pod == p.Name {
			c.fail(pausedRests, "%s is launched, although it is excepted since %v", p.Name, f.At.Sub(began))
		}
	}
}

// covers says whether a fact about deploy is about the step of a pod as well.
func covers(f plans.Fact, p machine.Pod, kind string) bool {
	phase := kind
	if kind == quobyte.Prober {
		phase = "probe"
	}
	return f.Plan == machine.DeployPlan && (f.Phase == "" || f.Phase == phase) && (f.Step == "" || strings.HasPrefix(f.Step, p.Name+":"))
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
	for name, other := range c.disk.pods {
		waits := slices.Contains(before[kind], other.Type) || kind == quobyte.Registry && other.Type == kind && other.Task != nil
		if name != p.Name && waits && other.Completed == "" && !c.forced[name] && !c.excused[name] {
			c.fail(inOrder, "%s is launched for the first time, and %s is not complete", p.Name, name)
		}
	}
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
	case s.Terminal():
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

// acknowledgingOnce looks for a copy of an update that is acknowledged too, by the clock of the machine, which may be put back.
func (c *checker) acknowledgingOnce(i *instance, call machine.Acknowledge) {
	now := i.clock()
	at, before := c.acks[string(call.UUID)]
	if since := now.Sub(at); before && since >= 0 && since < 5*time.Second {
		c.fail(ackedOnce, "serve %d acknowledges %x of %s again after %v", i.number, call.UUID, call.TaskID, since)
	}
	c.acks[string(call.UUID)] = now
}

func (c *checker) acknowledging(i *instance, call machine.Acknowledge) {
	s, known := c.statuses[string(call.UUID)]
	if !known {
		c.fail(ackedOnce, "serve %d acknowledges %x of %s, which nobody sent", i.number, call.UUID, call.TaskID)
		return
	}
	pod, kind := podOf(call.TaskID)
	record := c.disk.pods[pod]
	if record.Task == nil || record.Task.ID != call.TaskID {
		if s.State.Terminal() && slices.ContainsFunc(record.Replaced, func(r machine.TaskRef) bool { return r.TaskID == call.TaskID }) {
			c.fail(durableAck, "serve %d acknowledges that %s is %s, and the record still waits for that", i.number, call.TaskID, s.State)
		}
		return
	}
	if have := record.Task.State; !have.Unproven() && progress(have) < progress(s.State) {
		c.fail(durableAck, "serve %d acknowledges that %s is %s, and the record says %s", i.number, call.TaskID, s.State, have)
	}
	if kind == quobyte.Prober && len(s.Data) > 0 && !record.Task.State.Terminal() && c.disk.hosts[record.Host].Facts == nil {
		c.fail(durableAck, "serve %d acknowledges what %s says of %s, and that is not recorded", i.number, pod, record.Host)
	}
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
			c.launches++
		}
		for k := range call.Operations {
			if kind := string(call.Operations[k].Type); strings.Contains(kind, "UNRESERVE") || strings.Contains(kind, "DESTROY") {
				c.fail(keeps, "serve %d: %s", i.number, kind)
			}
		}
	case machine.Kill:
		c.killing(i, call)
	}
}

// killing looks at a KILL that reaches the master: a registry that is the task of its pod and runs is stopped only if the others are enough. What
// nobody could have known does not count.
func (c *checker) killing(i *instance, call machine.Kill) {
	pod, kind := podOf(call.TaskID)
	if kind != quobyte.Registry || c.disk.pods[pod].Task == nil || c.disk.pods[pod].Task.ID != call.TaskID || c.gaveUp() {
		return
	}
	victim, up, all := false, 0, 0
	for _, h := range c.hosts {
		if !c.replicas[h.name] {
			continue
		}
		all++
		r := c.running(quobyte.Registry, h)
		switch {
		case r != nil && r.task == call.TaskID:
			victim = true
		case r != nil || c.unknown(h.died[quobyte.Registry]):
			up++
		}
	}
	if victim && all > 1 && up <= all/2 { // the first registry alone is no majority of anything yet
		c.fail(quorumKept, "serve %d stops %s, and %d of %d remain", i.number, call.TaskID, up, all)
	}
}

// gaveUp says that operators took registries out, which they do with open eyes.
func (c *checker) gaveUp() bool {
	for pod := range c.excused {
		if strings.HasPrefix(pod, quobyte.Registry+"-") {
			return true
		}
	}
	return false
}

const (
	// reach is how long the news of a death may take.
	reach = 10 * time.Second
	// outOfReach is how long it may take if nobody is there to tell: missed pings, and silent probers.
	outOfReach = 5 * time.Minute
)

func (c *checker) unknown(d death) bool {
	if c.stops[d.task] {
		return false // that is what we have done ourselves
	}
	since := c.now.Sub(d.at)
	return !d.at.IsZero() && (since < reach || d.unseen && since < outOfReach)
}

// stopping looks at a KILL that the machine gives away: why is on record, and of pods that keep data no other one is down.
func (c *checker) stopping(i *instance, call machine.Kill) {
	pod, kind := podOf(call.TaskID)
	record := c.disk.pods[pod]
	replaced := slices.ContainsFunc(record.Replaced, func(r machine.TaskRef) bool { return r.TaskID == call.TaskID })
	if replaced || record.Task == nil {
		return
	}
	worked := !record.Task.Healthy.IsZero() // what does not work costs nothing more
	if record.Stop == nil || record.Stop.TaskID != call.TaskID {
		c.fail(reasonFirst, "serve %d kills %s, and the record of %s does not say so", i.number, call.TaskID, pod)
		return
	}
	if c.stops[call.TaskID] {
		return
	}
	c.stops[call.TaskID] = true
	c.checkPauseOfStop(i, record, kind)
	if c.schedule.Asks && worked && slices.Contains([]string{quobyte.Registry, quobyte.Metadata, quobyte.Data}, kind) {
		c.checkAnswer(i, record)
	}
	if worked && !c.forcedStop(record) {
		c.checkBudget(i, record)
	}
}

// checkBudget: as many of a type may be down as its budget says, the one that is stopped among them.
func (c *checker) checkBudget(i *instance, p machine.Pod) {
	total := 0
	var down []string
	for name, other := range c.disk.pods {
		if other.Type != p.Type {
			continue
		}
		total++
		t := other.Task
		if name == p.Name || t == nil || c.excused[name] {
			continue
		}
		if other.Stop != nil || t.State.Unproven() || other.Completed != "" && (t.State.Terminal() || t.Healthy.IsZero()) {
			down = append(down, name+" "+string(t.State))
		}
	}
	for _, b := range c.service.Budgets() {
		if most := max(b.MaxUnavailable.Of(total), 1); b.PodType == p.Type && len(down)+1 > most {
			c.fail(budgetKept, "serve %d stops %s, %d of %d may be down, and down are %v", i.number, p.Name, most, total, down)
		}
	}
}

// forcedStop says that an operator has consented to whatever it costs. Nobody here does.
func (c *checker) forcedStop(p machine.Pod) bool { return p.Stop.Forced }

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
		h := c.hostNamed(p.Host)
		if p.Stop == nil || p.Task == nil || !p.Task.State.Terminal() || h == nil || c.excused[name] {
			delete(c.downSince, name)
			continue
		}
		hindered := h.away || h.cut || h.broken[p.Type] > 0 || !i.view.Connection.Connected || p.Failures > 0
		if since, seen := c.downSince[name]; !seen || hindered {
			c.downSince[name] = c.now
		} else if c.now.Sub(since) > stayDown {
			c.fail(comesBack, "%s was stopped by %s and is down for %v: %s", name, p.Stop.Plan, c.now.Sub(since), c.why(i))
		}
	}
}

// stayDown is how long a pod that was stopped may take to be launched again when nothing hinders that.
const stayDown = 3 * time.Minute

func (c *checker) hostNamed(name string) *host {
	for _, h := range c.hosts {
		if h.name == name {
			return h
		}
	}
	return nil
}

// starts looks at a process that is to be started.
func (c *checker) starts(p *container) {
	if !c.launched[p.task] {
		c.fail(durableTask, "%s starts and was never launched", p.task)
	}
}

// runs looks at a process that runs from now on. Pods without a device may be replaced when nobody knows what became of them.
func (c *checker) runs(p *container) {
	for _, other := range p.host.up {
		if other != p && other.kind == p.kind && slices.Contains([]string{quobyte.Registry, quobyte.Metadata, quobyte.Data}, p.kind) {
			c.fail(oneTask, "%s and %s run on %s", other.task, p.task, p.host.name)
		}
	}
}

const (
	// still is how long something may take before it does not move.
	still = 2 * time.Minute
	// instant is how long it may take to find out whether something may begin.
	instant = 15 * time.Second
)

// published looks at what operators see.
func (c *checker) published(i *instance, v *machine.View) {
	c.checkReturns(i)
	for _, p := range v.Pods {
		if p.Healthy && p.Type != quobyte.Prober && !c.wasWell[p.TaskID] {
			c.fail(trulyDone, "serve %d says that %s is ready, and nobody found its task %s well", i.number, p.Name, p.TaskID)
		}
	}
	for _, p := range v.Plans {
		for _, phase := range p.Phases {
			for k := range phase.Steps {
				c.checkHold(i, p, phase, &phase.Steps[k], c.now)
			}
		}
	}
}

func (c *checker) checkHold(i *instance, p plans.View, phase plans.PhaseView, s *plans.StepView, at time.Time) {
	key := p.Name + "/" + phase.Name + "/" + s.Name
	for _, h := range s.Holds {
		if h.Text == "" || h.Code == "" {
			c.fail(holdShown, "serve %d shows %s as %s with a hold that says nothing: %+v", i.number, key, s.Status, h)
		}
	}
	if s.Status == plans.Complete || len(s.Holds)+len(phase.Holds)+len(p.Holds) > 0 {
		delete(c.quiet, key)
		return
	}
	if _, seen := c.quiet[key]; !seen {
		c.quiet[key] = at
	}
	most := instant
	if s.Status == plans.Starting || s.Status == plans.Started {
		most = still
	}
	if since := at.Sub(c.quiet[key]); since > most {
		c.fail(holdShown, "serve %d shows %s as %s for %v without a reason: %s", i.number, key, s.Status, since, s.Message)
	}
}

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
	c.asOf[v.ID] = c.disk.run.Number
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
	case machine.Force:
		_, recorded = c.factOf(plans.Forced, v)
		recorded = recorded || c.disk.run.Ended()
	case machine.Restart:
		_, recorded = c.factOf(plans.Restarted, v)
		recorded = recorded || c.disk.run.Number > c.asOf[v.ID]
	case machine.Start:
		recorded = c.disk.run.Number > c.asOf[v.ID]
	case machine.Stop:
		recorded = c.disk.run.Outcome == plans.Stopped || c.disk.run.Number > c.asOf[v.ID]
	}
	if !recorded {
		c.fail(verbKept, "serve %d answers %s of %q %q with done, and nothing of it is recorded", i.number, v.Kind, v.Phase, v.Step)
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

// ending looks at how all ended.
func (c *checker) ending(wellSince time.Time) {
	if c.broken != "" {
		return
	}
	i := c.serve()
	if wellSince.IsZero() {
		c.fail(completes, "%v after the last fault: %s", c.now.Sub(c.calm).Round(time.Second), c.why(i))
		return
	}
	for _, h := range c.hosts {
		for _, p := range h.up {
			if r := c.disk.pods[p.pod]; r.Task == nil || r.Task.ID != p.task {
				c.fail(noStrays, "%s runs on %s, and is not the task of %s", p.task, h.name, p.pod)
				return
			}
		}
	}
	snapshot, err := i.machine.Snapshot()
	if err != nil {
		c.fail(bounded, "%v", err)
		return
	}
	size := 0
	for _, p := range snapshot.Volatile {
		size += len(p.Value)
	}
	if most := 4<<10 + (len(i.view.Pods)+len(i.view.Hosts))<<10; size > most {
		c.fail(bounded, "%d pods and %d hosts take %d bytes, more than %d", len(i.view.Pods), len(i.view.Hosts), size, most)
	}
}

// why tells what is not done.
func (c *checker) why(i *instance) string {
	if i == nil || i.view == nil {
		return "the framework does not run"
	}
	var b bytes.Buffer
	if !i.view.Connection.Connected {
		fmt.Fprintf(&b, "not connected: %s\n", i.view.Connection.Error)
	}
	for _, p := range i.view.Plans {
		if p.Status == plans.Complete {
			continue
		}
		fmt.Fprintf(&b, "%s is %s\n", p.Name, p.Status)
		for _, phase := range p.Phases {
			for _, s := range phase.Steps {
				if s.Status != plans.Complete {
					fmt.Fprintf(&b, "%s/%s: %s: %s\n", phase.Name, s.Name, s.Status, s.Message)
				}
			}
		}
	}
	for _, p := range i.view.Pods {
		if !p.Healthy {
			fmt.Fprintf(&b, "%s is not well: %s %s\n", p.Name, p.State, p.Message)
		}
	}
	return strings.TrimSpace(b.String())
}
