package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
	"github.com/quobyte/mesos-framework/quobyte"
)

// rare lists stories that are drawn from a stream of their own, so that all schedules without one are what they would be if there were none. The order is part of
// what a seed means: new ones come last, and take the place of a nil.
var rare = [30]func(*story){
	(*story).registriesTakenOut, (*story).pausedInStop, (*story).tasksOfNobody, (*story).halted, (*story).canary,
	(*story).pausedSoon, (*story).killedLate, (*story).goneUnseen, (*story).tooLarge, (*story).tooLargeLate,
	(*story).recordsOfOld, (*story).registriesIll, (*story).goneAndBack, (*story).joinedUnseen,
	(*story).goneTwice, (*story).evenRegistries, (*story).brokenInTwoRuns, (*story).rolledBack, (*story).firstTakenOut, (*story).excludedLate,
	(*story).answeredLate, (*story).notToldOf, (*story).yesComesLate, (*story).goneSilent, (*story).fellUnseen,
}

// drawRare adds one of them now and then.
func drawRare(s *Schedule) {
	r := rand.New(rand.NewPCG(s.Seed, 0x1de5))
	if tell := rare[r.IntN(len(rare))]; tell != nil {
		tell(&story{Schedule: s, r: r, at: 3*time.Minute + time.Duration(r.Int64N(int64(3*time.Minute))).Round(time.Millisecond)})
	}
}

// registriesTakenOut: of five registries two do not do their work and are taken out, so that no budget counts them, and then the others are restarted. They must not
// be, as long as those that are left are no majority of all.
func (t *story) registriesTakenOut() {
	t.Asks = false // who knows the replica set would not let it be either
	t.Hosts = slices.Clone(t.Hosts)
	count := 0
	for k := range t.Hosts {
		if t.Hosts[k].Registry {
			count++
		}
	}
	for k := 0; k < len(t.Hosts) && count < 5; k++ {
		if !t.Hosts[k].Registry {
			t.Hosts[k].Registry = true
			count++
		}
	}
	first := t.on(quobyte.Registry)
	second := first
	for second == first {
		second = t.on(quobyte.Registry)
	}
	for _, host := range []int{first, second} {
		f := Fault{Kind: []Kind{daemonSick, daemonSick, mountGone, agentReboot}[t.r.IntN(4)], Host: host, What: quobyte.Registry, For: 6*time.Minute + t.upTo(2*time.Minute)}
		t.fault(5*time.Second, f)
		t.Verbs = append(t.Verbs, Verb{At: t.at + 20*time.Second + t.upTo(20*time.Second), Kind: "except", Pod: at(quobyte.Registry, host), Force: true})
	}
	t.at += time.Minute + t.upTo(time.Minute)
	t.roll(quobyte.Registry)
}

// pausedInStop: while pods are restarted, somebody pauses that at the very moment in which one was stopped.
func (t *story) pausedInStop() {
	kind := t.aType()
	t.roll(kind)
	hold := Verb{At: t.at, Kind: "pause", Phase: []string{"", kind}[t.r.IntN(2)], On: stopped}
	t.Verbs = append(t.Verbs, hold, Verb{At: t.at + 5*time.Minute + t.upTo(2*time.Minute), Kind: "continue", Phase: hold.Phase})
	if t.r.IntN(3) == 0 {
		t.fault(time.Minute, Fault{Kind: serveCrash, For: between(t.r, time.Second, 30*time.Second)})
	}
}

// pausedSoon: who has just had registries restarted pauses that a few seconds later, and for long.
func (t *story) pausedSoon() {
	t.at += time.Minute // something must have been deployed
	pause := t.at + 300*time.Millisecond + t.upTo(5*time.Second)
	t.Verbs = append(t.Verbs,
		Verb{At: t.at, Kind: "restart", Phase: quobyte.Registry},
		Verb{At: pause, Kind: "pause", Phase: quobyte.Registry},
		Verb{At: pause + 6*time.Minute, Kind: "continue", Phase: quobyte.Registry})
}

// killedLate: the KILL of a registry is lost, and lost again, while others fall ill whose probers hang, so that nobody tells of it unasked.
func (t *story) killedLate() {
	t.Asks = false // who knows the replica set would know
	t.at += time.Minute
	for range 2 {
		t.Faults = append(t.Faults, Fault{At: t.at - time.Second, Kind: swallowed, What: "KILL"})
	}
	t.Verbs = append(t.Verbs, Verb{At: t.at, Kind: "restart", Phase: quobyte.Registry})
	spared := t.on(quobyte.Registry)
	for k := range t.Hosts {
		if h := t.Hosts[k]; !h.Registry || k == spared {
			continue
		}
		at := t.at + time.Second + t.upTo(3*time.Second)
		t.Faults = append(t.Faults,
			Fault{At: at, Kind: proberHangs, Host: k, For: time.Minute + t.upTo(time.Minute)},
			Fault{At: at, Kind: daemonSick, Host: k, What: quobyte.Registry, For: 2*time.Minute + t.upTo(time.Minute)})
	}
}

// registriesIll: all registries but one run and do not do their work, and somebody has what needs them restarted.
func (t *story) registriesIll() {
	t.at += time.Minute // something must have been deployed
	spared := t.on(quobyte.Registry)
	for k := range t.Hosts {
		if t.Hosts[k].Registry && k != spared {
			t.Faults = append(t.Faults, Fault{At: t.at + t.upTo(3*time.Second), Kind: daemonSick, Host: k, What: quobyte.Registry, For: 2*time.Minute + t.upTo(2*time.Minute)})
		}
	}
	t.at += 15*time.Second + t.upTo(time.Minute)
	t.roll([]string{quobyte.Metadata, quobyte.Data}[t.r.IntN(2)])
}

// evenRegistries: of four registries one does not do its work and is taken out, so that no budget counts it, and then the others are restarted: two of four would be no
// majority.
func (t *story) evenRegistries() {
	t.Asks = false // who knows the replica set would not let it be either
	t.Hosts = slices.Clone(t.Hosts)
	count := 0
	for k := range t.Hosts {
		h := &t.Hosts[k]
		h.Registry = h.Bootstrap || h.Registry && count < 3
		if h.Registry && !h.Bootstrap {
			count++
		}
	}
	for k := 0; count < 3; k++ {
		if h := &t.Hosts[k]; !h.Registry {
			h.Registry = true
			count++
		}
	}
	ill := t.on(quobyte.Registry)
	t.fault(5*time.Second, Fault{Kind: []Kind{daemonSick, mountGone}[t.r.IntN(2)], Host: ill, What: quobyte.Registry, For: 6*time.Minute + t.upTo(2*time.Minute)})
	t.Verbs = append(t.Verbs, Verb{At: t.at + 20*time.Second + t.upTo(20*time.Second), Kind: "except", Pod: at(quobyte.Registry, ill), Force: true})
	t.at += time.Minute + t.upTo(time.Minute)
	t.roll(quobyte.Registry)
}

// brokenInTwoRuns: somebody has a phase stop after each batch, lets it go on, and never says that it need not stop any more; then new settings begin another run.
func (t *story) brokenInTwoRuns() {
	kind := []string{quobyte.Registry, quobyte.Metadata, quobyte.Data}[t.r.IntN(3)]
	if len(t.Hosts) > few {
		kind = quobyte.Registry
	}
	t.Verbs = append(t.Verbs, Verb{At: t.upTo(20 * time.Second), Kind: "break", Phase: kind, When: string(plans.AfterBatch)})
	for at := time.Minute; at < t.at; at += 20*time.Second + t.upTo(20*time.Second) {
		t.Verbs = append(t.Verbs, Verb{At: at, Kind: "continue", Phase: kind})
	}
	t.at += 30 * time.Second
	t.fault(0, Fault{Kind: newSettings, What: kind})
	for range 3 {
		t.Verbs = append(t.Verbs, Verb{At: t.at + 20*time.Second + t.upTo(2*time.Minute), Kind: "continue", Phase: kind})
	}
	if t.r.IntN(2) == 0 {
		t.fault(2*time.Minute, Fault{Kind: serveCrash, For: between(t.r, time.Second, 30*time.Second)})
	}
}

// rolledBack: new settings of registries are rolled back when one runs with them, before it has settled, and its KILL is lost. Before that is said again another one
// falls ill, so that its stop is taken back.
func (t *story) rolledBack() {
	t.Asks = false // who knows the replica set would know
	t.Speed = Speed{Network: time.Millisecond, Start: 200 * time.Millisecond, CatchUp: 500 * time.Millisecond, Probe: 5 * time.Second}
	t.at += time.Minute
	change := Fault{Kind: newSettings, What: quobyte.Registry}
	t.fault(0, change)
	t.at += time.Second
	t.fault(0, change)
	t.at += 14*time.Second + t.upTo(25*time.Second)
	t.fault(0, change) // as it was
	for range 2 {
		t.fault(0, Fault{Kind: swallowed, What: "KILL"})
	}
	t.at += 4 * time.Second
	for range 1 + t.r.IntN(2) {
		t.fault(8*time.Second, Fault{Kind: daemonSick, Host: t.on(quobyte.Registry), What: quobyte.Registry, For: 2*time.Minute + t.upTo(2*time.Minute)})
	}
}

// firstTakenOut: the host of the first registry is not offered, so that somebody takes that out, and the next are begun, which can't become ready without it. Then it
// takes part again.
func (t *story) firstTakenOut() {
	t.Speed = Speed{Network: time.Millisecond, Start: 2 * time.Second, CatchUp: 500 * time.Millisecond, Probe: 5 * time.Second}
	t.Hosts = slices.Clone(t.Hosts)
	first := 0
	for k := range t.Hosts {
		t.Hosts[k].Joins = 0
		if t.Hosts[k].Bootstrap {
			first = k
		}
	}
	if t.r.IntN(2) == 0 { // all that is let go one by one needs it
		t.Canaries = []string{quobyte.Registry}
		for range 1 + t.r.IntN(3) {
			t.Verbs = append(t.Verbs, Verb{At: 45*time.Second + t.upTo(time.Minute), Kind: "continue", Phase: quobyte.Registry})
		}
	}
	t.Faults = append(t.Faults, Fault{At: 8*time.Second + t.upTo(2*time.Second), Kind: agentClosed, Host: first, For: time.Minute + t.upTo(time.Minute)})
	t.Verbs = append(t.Verbs, Verb{At: 25*time.Second + t.upTo(20*time.Second), Kind: "except", Pod: at(quobyte.Registry, first), Force: true})
}

// tooLarge: new settings ask for more than any host has, and somebody may even restart what they are about by force.
func (t *story) tooLarge() {
	f := Fault{Kind: tooLarge, What: t.aType(), For: time.Minute + t.upTo(2*time.Minute)}
	t.fault(0, f)
	if t.r.IntN(2) == 0 {
		t.Verbs = append(t.Verbs, Verb{At: t.at + t.upTo(f.For), Kind: "restart", Phase: f.What, Force: t.r.IntN(2) == 0})
	}
	if t.r.IntN(3) == 0 {
		t.fault(f.For, Fault{Kind: taskEnds, Host: t.on(f.What), What: f.What})
	}
}

// tooLargeLate: pods are restarted, the KILL of one is lost, and before it is said again settings ask for more than any host has.
func (t *story) tooLargeLate() {
	kind := t.aType()
	t.at += time.Minute
	t.Faults = append(t.Faults,
		Fault{At: t.at - time.Second, Kind: swallowed, What: "KILL"},
		Fault{At: t.at + time.Second + t.upTo(8*time.Second), Kind: tooLarge, What: kind, For: time.Minute + t.upTo(2*time.Minute)})
	t.Verbs = append(t.Verbs, Verb{At: t.at, Kind: "restart", Phase: kind, Force: t.r.IntN(3) == 0})
}

// tasksOfNobody: tasks run in the framework's name that no record knows, and operators have them killed.
func (t *story) tasksOfNobody() {
	t.at = t.upTo(time.Minute)
	t.fault(0, Fault{Kind: strayTask, Count: 1 + t.r.IntN(3)})
	for range 1 + t.r.IntN(4) {
		t.Verbs = append(t.Verbs, Verb{At: t.at + t.upTo(4*time.Minute), Kind: string(machine.KillTask), Task: strangerTask, Step: t.r.IntN(3)})
	}
	switch t.r.IntN(3) {
	case 0:
		t.fault(4*time.Minute, Fault{Kind: serveCrash, For: between(t.r, time.Second, 30*time.Second)})
	case 1:
		t.fault(4*time.Minute, Fault{Kind: swallowed, What: "KILL"})
	}
}

// fellUnseen: as joinedUnseen, but the one that has joined falls before anybody sees it, and the next one is ill.
func (t *story) fellUnseen() {
	t.Asks = false
	t.at = 10*time.Second + t.upTo(70*time.Second)
	for k := range t.Hosts {
		if h := t.Hosts[k]; h.Registry && !h.Bootstrap {
			hangs := Fault{At: t.at + t.upTo(10*time.Second), Kind: proberHangs, Host: k, For: 2*time.Minute + t.upTo(30*time.Second)}
			falls := Fault{At: hangs.At + 40*time.Second + t.upTo(70*time.Second), Kind: taskEnds, Host: k, What: quobyte.Registry}
			ill := Fault{At: falls.At + t.upTo(5*time.Second), Kind: daemonSick, Host: k, What: quobyte.Registry, For: 4*time.Minute + t.upTo(2*time.Minute)}
			t.Faults = append(t.Faults, hangs, falls, ill)
		}
	}
	t.at += 160*time.Second + t.upTo(time.Minute)
	t.roll(quobyte.Registry)
}

// halted: steps fail as often as they may, so that the run pauses itself, and operators have it go on.
func (t *story) halted() {
	t.Attempts = 1 + t.r.IntN(3)
	kind := t.aType()
	if t.r.IntN(2) == 0 {
		t.at = t.upTo(time.Minute)
	} else {
		t.roll(kind)
	}
	for range 1 + t.r.IntN(2) {
		t.fault(10*time.Second, Fault{Kind: startFails, Host: t.on(kind), What: kind, Count: t.Attempts + t.r.IntN(2)})
	}
	for range 1 + t.r.IntN(3) {
		t.Verbs = append(t.Verbs, Verb{At: t.at + 10*time.Second + t.upTo(2*time.Minute), Kind: "continue"})
	}
	if t.r.IntN(2) == 0 {
		t.fault(2*time.Minute, Fault{Kind: serveCrash, For: between(t.r, time.Second, 30*time.Second)})
	}
}

// canary: some phases are staged: nothing of them begins before an operator says so, first of one step, then of the others.
func (t *story) canary() {
	phases := []string{quobyte.Registry, quobyte.Metadata, quobyte.Data, quobyte.API, quobyte.Webconsole}
	for range 1 + t.r.IntN(2) {
		t.Canaries = append(t.Canaries, phases[t.r.IntN(len(phases))])
	}
	for range 3 + t.r.IntN(6) {
		t.Verbs = append(t.Verbs, Verb{At: t.upTo(6 * time.Minute), Kind: "continue", Phase: t.Canaries[t.r.IntN(len(t.Canaries))]})
	}
	if t.r.IntN(2) == 0 {
		t.roll(t.Canaries[0])
	}
	for range 1 + t.r.IntN(2) {
		t.fault(time.Minute, Fault{Kind: []Kind{serveCrash, serveStop}[t.r.IntN(2)], For: between(t.r, time.Second, 30*time.Second)})
	}
}

// at names the pod of a type on a host, of which nobody knows yet which number it will have.
func at(kind string, host int) string { return fmt.Sprintf("%s@%d", kind, host) }

// podAt is the pod that a name means.
func (w *world) podAt(name string) string {
	kind, number, ok := strings.Cut(name, "@")
	if !ok {
		return name
	}
	for pod, p := range w.disk.pods {
		if h := w.hostNamed(p.Host); p.Type == kind && h != nil && fmt.Sprint(h.number) == number {
			return pod
		}
	}
	return kind + "-0"
}

// letCanariesGo has operators let staged phases go on, when faults have ceased. It says whether they have to come again: as long as there are such phases, or steps may
// fail only a few times, and not all is well.
func (w *world) letCanariesGo(i *instance, n *uint64) bool {
	if len(w.schedule.Canaries) == 0 {
		return w.schedule.Attempts > 0 && !w.well()
	}
	deploy, _ := i.view.Plan(machine.DeployPlan)
	for _, p := range deploy.Phases {
		if p.Continue != nil {
			*n++
			w.tell(i, machine.Verb{ID: 1000 + *n, Kind: machine.Resume, Plan: machine.DeployPlan, Phase: p.Name, Actor: "operator", Reason: "calm"})
		}
	}
	return !w.well()
}

// stopSeen has operators say what they wanted to say when a pod is stopped.
func (w *world) stopSeen() {
	waiting := w.onStop
	w.onStop = nil
	for _, say := range waiting {
		w.after(w.upTo(2*time.Second), "verb", say)
	}
}

// staged is the strategy of a phase that operators let go step by step.
func staged(s plans.Strategy) plans.Strategy {
	if s == plans.Parallel {
		return plans.ParallelCanary
	}
	return plans.SerialCanary
}
