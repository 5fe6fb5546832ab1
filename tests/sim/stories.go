package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/quobyte"
)

// story is something that goes wrong in more than one way at a time. Faults that are drawn one by one seldom meet in such a way.
type story struct {
	*Schedule
	r  *rand.Rand
	at time.Duration // when it begins
}

// stories lists all of them. The order is part of what a seed means: new ones come last.
var stories = []func(*story){
	(*story).clockFallsBehind, (*story).restartDisturbed, (*story).killOvertaken, (*story).stoppedAmongOffers, (*story).launchLost,
	(*story).fallWithLateAgents, (*story).awayForLong, (*story).pausedAndRestarted,
	(*story).settingsOfTwo, (*story).restartedAgain, (*story).hostReplaced, (*story).yesGetsOld, (*story).budgetOpens,
}

// drawStories adds stories to a schedule.
func drawStories(r *rand.Rand, s *Schedule, span time.Duration) {
	for range 1 + r.IntN(2) {
		t := &story{Schedule: s, r: r, at: time.Duration(r.Int64N(int64(span))).Round(time.Millisecond)}
		stories[r.IntN(len(stories))](t)
	}
}

// fault adds one that comes at most a time after the story began.
func (t *story) fault(within time.Duration, f Fault) {
	f.At = t.at + t.upTo(within)
	t.Faults = append(t.Faults, f)
}

func (t *story) upTo(d time.Duration) time.Duration {
	return time.Duration(t.r.Int64N(int64(d) + 1)).Round(time.Millisecond)
}

// on is a host with a device of a type; any for types without.
func (t *story) on(kind string) int {
	from := t.r.IntN(len(t.Hosts))
	for k := range t.Hosts {
		n := (from + k) % len(t.Hosts)
		h := t.Hosts[n]
		if kind == quobyte.Registry && h.Registry || kind == quobyte.Metadata && h.Metadata || kind == quobyte.Data && h.Data {
			return n
		}
	}
	return from
}

// aType is a type of pods: registries, as those of which the most can go wrong, or another.
func (t *story) aType() string {
	return []string{quobyte.Registry, quobyte.Registry, quobyte.Metadata, quobyte.Data, quobyte.API}[t.r.IntN(5)]
}

// away takes the agent of a host away, in one of several ways.
func (t *story) away(within time.Duration, host int, least, most time.Duration) {
	kinds := []Kind{agentPart, agentPart, agentKill, agentKill, agentLate, agentReboot}
	t.fault(within, Fault{Kind: kinds[t.r.IntN(len(kinds))], Host: host, For: between(t.r, least, most)})
}

// clockFallsBehind: the clock is set back, or ahead, while something that has failed waits to be tried again.
func (t *story) clockFallsBehind() {
	kind := t.aType()
	host := t.on(kind)
	t.fault(0, Fault{Kind: startFails, Host: host, What: kind, Count: 2 + t.r.IntN(4)})
	t.fault(time.Second, Fault{Kind: taskEnds, Host: host, What: kind})
	t.fault(80*time.Second, Fault{Kind: clockJump, For: between(t.r, 30*time.Minute, 3*time.Hour), Count: []int{-1, -1, -1, 1}[t.r.IntN(4)]})
}

// roll has the pods of a type stopped and started, one after the other.
func (t *story) roll(kind string) {
	many := len(t.Hosts) > few && (kind == quobyte.Metadata || kind == quobyte.Data)
	if t.r.IntN(2) == 0 || many {
		t.fault(0, Fault{Kind: newSettings, What: kind})
		return
	}
	t.Verbs = append(t.Verbs, Verb{At: t.at, Kind: "restart", Phase: kind})
}

// restartDisturbed: things go wrong while pods are restarted one after the other.
func (t *story) restartDisturbed() {
	kind := t.aType()
	t.roll(kind)
	for range 2 + t.r.IntN(3) {
		const soon = 100 * time.Second
		switch t.r.IntN(10) {
		case 0:
			t.fault(soon, Fault{Kind: serveCrash, For: between(t.r, time.Second, time.Minute)})
		case 1:
			f := Fault{Kind: commitFails}
			drawOutcome(t.r, &f)
			t.fault(soon, f)
		case 2, 3:
			t.away(soon, t.on(kind), 10*time.Second, 6*time.Minute)
		case 4:
			t.fault(soon, Fault{Kind: taskEnds, Host: t.on(kind), What: kind})
		case 5:
			t.fault(soon, Fault{Kind: startFails, Host: t.on(kind), What: kind, Count: 1 + t.r.IntN(4)})
		case 6:
			t.fault(soon, Fault{Kind: []Kind{apiStale, apiSilent}[t.r.IntN(2)], For: between(t.r, 5*time.Second, 4*time.Minute)})
		case 7:
			t.fault(soon, Fault{Kind: daemonSick, Host: t.on(kind), What: kind, For: between(t.r, 5*time.Second, 100*time.Second)})
		case 8:
			t.fault(soon, Fault{Kind: swallowed, What: "KILL", Count: t.r.IntN(2)})
		case 9:
			t.fault(soon, Fault{Kind: proberHangs, Host: t.on(kind), For: between(t.r, 10*time.Second, 3*time.Minute)})
		}
	}
}

// killOvertaken: registries are restarted, the KILL of one is lost with its agent, and when that is back, another one is down.
func (t *story) killOvertaken() {
	t.roll(quobyte.Registry)
	t.away(70*time.Second, t.on(quobyte.Registry), time.Minute, 6*time.Minute)
	t.away(4*time.Minute, t.on(quobyte.Registry), time.Minute, 6*time.Minute)
	if t.r.IntN(2) == 0 {
		t.fault(4*time.Minute, Fault{Kind: taskEnds, Host: t.on(quobyte.Registry), What: quobyte.Registry})
	}
}

// stoppedAmongOffers: the framework's process stands still for a moment, in which it is offered a host that is new or back, and in which that is taken back.
func (t *story) stoppedAmongOffers() {
	host := t.on(t.aType())
	if t.r.IntN(2) == 0 {
		t.at = between(t.r, 5*time.Second, time.Minute)
		t.Hosts[host].Joins = t.at
		t.at -= time.Second
	} else {
		down := between(t.r, 5*time.Second, 20*time.Second)
		t.fault(0, Fault{Kind: []Kind{agentReboot, agentReboot, agentStops}[t.r.IntN(3)], Host: host, For: down})
		t.at += down - time.Second
	}
	t.fault(time.Second, Fault{Kind: serveStop, For: 4*time.Second + t.upTo(leaseTimeout-4*time.Second)})
	t.at += 2 * time.Second
	for range 1 + t.r.IntN(2) {
		kinds := []Kind{streamCut, streamCut, noLeader, agentClosed, agentKill, agentKill, masterFalls}
		t.fault(3*time.Second, Fault{Kind: kinds[t.r.IntN(len(kinds))], Host: host, For: between(t.r, time.Second, 20*time.Second)})
	}
}

// launchLost: nobody knows what became of an ACCEPT, and its agent is not there to be asked.
func (t *story) launchLost() {
	t.Reserve = t.Reserve || t.r.IntN(2) == 0
	kind := t.aType()
	host := t.on(kind)
	if t.r.IntN(3) > 0 { // so that it is launched again
		t.fault(0, Fault{Kind: taskEnds, Host: host, What: kind})
	}
	if t.r.IntN(3) > 0 {
		f := Fault{Kind: acceptFails}
		drawCallFault(t.r, &f)
		f.Count = 0
		t.fault(5*time.Second, f)
	}
	t.away(10*time.Second, host, time.Second, 5*time.Minute)
}

// fallWithLateAgents: another master leads, and some agents are long in coming back to it.
func (t *story) fallWithLateAgents() {
	for range 1 + t.r.IntN(3) {
		t.away(20*time.Second, t.on(t.aType()), 10*time.Second, 4*time.Minute)
	}
	f := Fault{Kind: masterFalls}
	drawFall(t.r, &f)
	t.fault(30*time.Second, f)
	if t.r.IntN(2) == 0 {
		t.fault(time.Minute, Fault{Kind: serveCrash, For: between(t.r, time.Second, 30*time.Second)})
	}
}

// awayForLong: agents are out of sight for so long that what ran there is replaced where that may be.
func (t *story) awayForLong() {
	for range 1 + t.r.IntN(2) {
		t.away(time.Minute, t.r.IntN(len(t.Hosts)), 6*time.Minute, 12*time.Minute)
	}
	if t.r.IntN(2) == 0 {
		f := Fault{Kind: []Kind{masterFalls, serveCrash}[t.r.IntN(2)], For: between(t.r, time.Second, 30*time.Second)}
		t.fault(8*time.Minute, f)
	}
}

// pausedAndRestarted: what operators hold is held by the next life of the framework as well, and goes on where it was stopped.
func (t *story) pausedAndRestarted() {
	kind := t.aType()
	t.roll(kind)
	hold := Verb{Kind: "pause", Phase: []string{"", kind}[t.r.IntN(2)], When: []string{"", "", "after-steps", "after-phase"}[t.r.IntN(4)]}
	if t.r.IntN(3) == 0 {
		hold = Verb{Kind: "break", Phase: kind, When: []string{"before", "after", "after-batch"}[t.r.IntN(3)]}
	}
	hold.At = t.at + t.upTo(40*time.Second)
	t.Verbs = append(t.Verbs, hold)
	for range 1 + t.r.IntN(2) {
		f := Fault{Kind: []Kind{serveCrash, serveStop, clockJump}[t.r.IntN(3)], For: between(t.r, time.Second, 30*time.Second), Count: 1 - 2*t.r.IntN(2)}
		t.fault(time.Minute, f)
	}
}

// settingsOfTwo: the settings of two types change, one of which comes before the other.
func (t *story) settingsOfTwo() {
	types := []string{quobyte.Registry, quobyte.Metadata, quobyte.Data, quobyte.API, quobyte.Webconsole}
	first := t.r.IntN(3)
	second := first + 1 + t.r.IntN(len(types)-first-1)
	changes := []string{types[first], types[second]}
	t.r.Shuffle(2, func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
	for _, kind := range changes {
		t.fault(20*time.Second, Fault{Kind: newSettings, What: kind})
	}
	if t.r.IntN(2) == 0 {
		t.fault(30*time.Second, Fault{Kind: taskEnds, Host: t.on(types[first]), What: types[first]})
	}
}

// restartedAgain: who has just restarted something does it again, while the answer that it may be stopped is fresh.
func (t *story) restartedAgain() {
	t.Asks = true
	t.Speed = Speed{Network: time.Millisecond, Start: 200 * time.Millisecond, CatchUp: 500 * time.Millisecond, Probe: 5 * time.Second}
	kind := []string{quobyte.Registry, quobyte.Metadata, quobyte.Data}[t.r.IntN(3)]
	t.at += 3 * time.Minute // something must have been deployed
	if len(t.Hosts) > few {
		kind = quobyte.Registry
	}
	for range 2 + t.r.IntN(3) {
		t.Verbs = append(t.Verbs, Verb{At: t.at, Kind: "restart", Phase: kind})
		t.at += 3*time.Second + t.upTo(6*time.Second)
	}
}

// hostReplaced: when all is deployed, the agent of a host comes back as another one, and only what is reserved tells that the tasks of the old one have ended.
func (t *story) hostReplaced() {
	t.Reserve, t.Closed = true, t.Closed || t.r.IntN(2) == 0
	t.at = 5*time.Minute + t.upTo(10*time.Minute)
	t.fault(0, Fault{Kind: agentReborn, Host: t.r.IntN(len(t.Hosts)), For: between(t.r, time.Second, 4*time.Minute)})
}

// yesGetsOld: somebody says that a pod may be stopped, and it is not, because probers don't say how registries are; when they do, nobody answers any more.
func (t *story) yesGetsOld() {
	t.Asks = true
	t.at += time.Minute
	for range 1 + t.r.IntN(2) {
		t.fault(2*time.Second, Fault{Kind: proberHangs, Host: t.on(quobyte.Registry), For: between(t.r, 10*time.Second, time.Minute)})
	}
	t.at += time.Second
	t.roll([]string{quobyte.Registry, quobyte.Registry, quobyte.Metadata, quobyte.Data}[t.r.IntN(4)])
	t.fault(20*time.Second, Fault{Kind: apiSilent, For: between(t.r, 10*time.Second, 2*time.Minute)})
}

// budgetOpens: pods are restarted several at a time, while others of them fall and come back.
func (t *story) budgetOpens() {
	t.Asks, t.MaxUnavailable = t.Asks || t.r.IntN(2) == 0, []string{"2", "3", "50%"}[t.r.IntN(3)]
	t.at += time.Minute
	kind := []string{quobyte.Metadata, quobyte.Data}[t.r.IntN(2)]
	if len(t.Hosts) > few {
		kind = quobyte.Registry
	}
	t.roll(kind)
	for range 2 + t.r.IntN(4) {
		t.fault(100*time.Second, Fault{Kind: taskEnds, Host: t.on(kind), What: kind})
	}
}

// inOrder sorts what a schedule is made of by time.
func (s *Schedule) inOrder() {
	slices.SortStableFunc(s.Faults, func(a, b Fault) int { return int(a.At - b.At) })
	slices.SortStableFunc(s.Verbs, func(a, b Verb) int { return int(a.At - b.At) })
}
