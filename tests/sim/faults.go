package sim

import (
	"math/rand/v2"
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox/direct"
	"github.com/quobyte/mesos-framework/quobyte"
)

// The kinds of faults.
const (
	serveCrash    Kind = "serve-crash"    // SIGKILL, started again after For
	serveStop     Kind = "serve-stop"     // SIGSTOP for For; a standby takes over if that is long
	clockJump     Kind = "clock-jump"     // SIGKILL, started again with a clock that is For ahead, or behind if Count is negative
	commitFails   Kind = "commit-fails"   // What: an outcome; Count commits from now
	streamCut     Kind = "stream-cut"     // both sides notice
	streamMute    Kind = "stream-mute"    // nobody notices
	eventsDoubled Kind = "events-doubled" // Count records arrive twice
	callFails     Kind = "call-fails"     // What: how; the next call after Count others
	acceptFails   Kind = "accept-fails"   // the same for an ACCEPT
	noLeader      Kind = "no-leader"      // for For
	taskEnds      Kind = "task-ends"      // What: the pod type, Host where
	startFails    Kind = "start-fails"    // the next Count starts of What on Host
	proberHangs   Kind = "prober-hangs"   // for For
	daemonSick    Kind = "daemon-sick"    // What on Host, for For
	agentKill     Kind = "agent-kill"     // the agent's process, started again after For
	agentReboot   Kind = "agent-reboot"   // the whole machine, up again after For
	agentPart     Kind = "agent-part"     // it and the master do not hear each other for For
	newSettings   Kind = "new-settings"   // the framework is started again with other settings for the pods of the type What
	apiSilent     Kind = "api-silent"     // nobody answers whether pods may be stopped, for For
	apiStale      Kind = "api-stale"      // the answer is that of now, for For
	updatesLost   Kind = "updates-lost"   // the next Count status updates do not reach the framework; agents repeat them
	agentReborn   Kind = "agent-reborn"   // an agent that has forgotten its id starts again after For
	agentGone     Kind = "agent-gone"     // an agent is marked gone in Mesos, Count 1: after its process has ended; it starts again, as another one, after For
	masterFalls   Kind = "master-falls"   // another one leads after at most For; Count: how many of the stages it takes
	agentDrain    Kind = "agent-drain"    // with Count seconds of grace; reactivated after For
	agentClosed   Kind = "agent-closed"   // deactivated for For
	maintenance   Kind = "maintenance"    // announced for For, and taken down if Count is not 0
	agentStops    Kind = "agent-stops"    // SIGUSR1, started again after For
	agentLate     Kind = "agent-late"     // started again at once, registers For later
	mountGone     Kind = "mount-gone"     // the device of the type What vanishes for For
	deviceNew     Kind = "device-new"     // a host gets a device of the type What
	diskFull      Kind = "disk-full"      // nothing can be started on Host for For
	storeFull     Kind = "store-full"     // every commit fails for For
	redirects     Kind = "redirects"      // for For masters send everybody on: to a standby if Count is 0, in circles otherwise
	swallowed     Kind = "swallowed"      // a What is accepted after Count others, and nobody hears of it: 202 says nothing
	offersLost    Kind = "offers-lost"    // the next Count OFFERS do not reach the framework
	goneUnseen    Kind = "gone-unseen"    // an agent is cut off, and marked gone after Count seconds, and what it runs runs on until another one starts there after For. What: on which a pod of this type runs
	goneSilent    Kind = "gone-silent"    // another master leads, and an agent is marked gone before it is back, so that nothing is told of its tasks; another one starts there after For
	tooLarge      Kind = "too-large"      // for For the settings give the pods of the type What more than any host has
	apiSlow       Kind = "api-slow"       // for For the answer whether pods may be stopped comes Count seconds late
	excludeFails  Kind = "exclude-fails"  // What: how; the next call that says which hosts are idle
	oldBackup     Kind = "old-backup"     // the records of now take the place of those of then after For, and the framework starts again Count seconds later
	strayTask     Kind = "stray-task"     // with the next Count launches a task gets there that no record knows, as if records were lost
)

// faultKind says how a fault is drawn and what it does.
type faultKind struct {
	kind   Kind
	weight int
	draw   func(r *rand.Rand, f *Fault)
	inject func(w *world, f Fault)
}

// faultKinds lists all kinds. The order is part of what a seed means: new ones come last.
var faultKinds = []faultKind{
	{serveCrash, 6, drawFor(time.Second, 90*time.Second), func(w *world, f Fault) { w.crash(f, 0) }},
	{serveStop, 3, drawFor(time.Second, 60*time.Second), (*world).stopServe},
	{clockJump, 2, drawJump, func(w *world, f Fault) { w.crash(f, time.Duration(f.Count)*f.For) }},
	{commitFails, 6, drawOutcome, func(w *world, f Fault) { w.store.next, w.store.skip = []outcome{outcome(f.What)}, f.Count }},
	{streamCut, 4, nil, (*world).cutStream},
	{streamMute, 2, nil, (*world).muteStream},
	{eventsDoubled, 2, drawCountUpTo(20), func(w *world, f Fault) { w.network.doubled += f.Count }},
	{callFails, 5, drawCallFault, func(w *world, f Fault) { w.network.calls = append(w.network.calls, callFaultOf(f, "")) }},
	{acceptFails, 6, drawCallFault, func(w *world, f Fault) { w.network.calls = append(w.network.calls, callFaultOf(f, "ACCEPT")) }},
	{noLeader, 2, drawFor(time.Second, 40*time.Second), (*world).loseLeader},
	{taskEnds, 8, drawType, (*world).endTask},
	{startFails, 3, drawStarts, func(w *world, f Fault) { w.host(f).broken[f.What] += f.Count }},
	{proberHangs, 2, drawFor(5*time.Second, 200*time.Second), func(w *world, f Fault) { w.host(f).hung = w.now.Add(f.For) }},
	{daemonSick, 3, drawSickness, func(w *world, f Fault) { w.host(f).fallsIll(f.What, w.now.Add(f.For)) }},
	{agentKill, 5, drawFor(time.Second, 12*time.Minute), func(w *world, f Fault) { w.loseAgent(f, w.cluster.KillAgent) }},
	{agentReboot, 5, drawFor(time.Second, 3*time.Minute), func(w *world, f Fault) { w.loseAgent(f, w.cluster.RebootAgent) }},
	{agentPart, 5, drawFor(time.Second, 12*time.Minute), (*world).partition},
	{masterFalls, 6, drawFall, (*world).fallOver},
	{newSettings, 5, drawSettings, (*world).change},
	{apiSilent, 2, drawFor(time.Second, 4*time.Minute), func(w *world, f Fault) { w.silent = w.now.Add(f.For) }},
	{updatesLost, 4, drawCountUpTo(8), func(w *world, f Fault) { w.network.lost += f.Count }},
	{agentReborn, 3, drawFor(time.Second, 3*time.Minute), (*world).bear},
	{apiStale, 2, drawFor(time.Second, 4*time.Minute), (*world).remember},
	{agentDrain, 4, drawGrace, (*world).drain},
	{agentClosed, 2, drawFor(time.Second, 8*time.Minute), (*world).deactivate},
	{maintenance, 4, drawWindow, (*world).maintain},
	{agentStops, 4, drawFor(time.Second, 5*time.Minute), (*world).stopAgent},
	{agentLate, 2, drawFor(time.Second, 12*time.Minute), (*world).late},
	{mountGone, 3, drawMount, (*world).loseMount},
	{deviceNew, 2, drawDevice, (*world).addDevice},
	{diskFull, 2, drawFor(time.Second, 3*time.Minute), func(w *world, f Fault) { w.host(f).full = w.now.Add(f.For) }},
	{storeFull, 2, drawFor(time.Second, time.Minute), func(w *world, f Fault) { w.store.fullTill = w.now.Add(f.For) }},
	{redirects, 2, drawRedirect, (*world).redirect},
	{swallowed, 4, drawSwallowed, func(w *world, f Fault) {
		w.network.calls = append(w.network.calls, callFault{kind: unheard, call: f.What, count: 1, skip: f.Count})
	}},
	{offersLost, 3, drawCountUpTo(6), func(w *world, f Fault) { w.network.offersLost += f.Count }},
	{agentGone, 3, drawGone, (*world).markAgentGone},
	{strayTask, 0, nil, func(w *world, f Fault) { w.network.strays += f.Count }}, // only in a story
	{goneUnseen, 0, nil, (*world).markGoneUnseen},                                // and these
	{goneSilent, 0, nil, (*world).markGoneSilent},
	{tooLarge, 0, nil, (*world).outgrow},
	{apiSlow, 0, nil, func(w *world, f Fault) { w.slow = slowness{w.now.Add(f.For), time.Duration(f.Count) * time.Second} }},
	{excludeFails, 0, nil, func(w *world, f Fault) { w.network.calls = append(w.network.calls, callFaultOf(f, "UPDATE_FRAMEWORK")) }},
	{oldBackup, 0, nil, (*world).backUp},
}

// Kinds lists all kinds of faults.
func Kinds() []Kind {
	var kinds []Kind
	for _, k := range faultKinds {
		kinds = append(kinds, k.kind)
	}
	return kinds
}

func drawFault(r *rand.Rand, hosts int) Fault {
	total := 0
	for _, k := range faultKinds {
		total += k.weight
	}
	n := r.IntN(total)
	for _, k := range faultKinds {
		if n -= k.weight; n >= 0 {
			continue
		}
		f := Fault{Kind: k.kind, Host: r.IntN(hosts)}
		if k.draw != nil {
			k.draw(r, &f)
		}
		return f
	}
	panic("unreachable")
}

// between draws a time of which small ones are as likely as large ones.
func between(r *rand.Rand, least, most time.Duration) time.Duration {
	for most/2 > least && r.IntN(2) == 0 {
		most /= 2
	}
	return least + time.Duration(r.Int64N(int64(most-least)+1)).Round(time.Millisecond)
}

func drawFor(least, most time.Duration) func(*rand.Rand, *Fault) {
	return func(r *rand.Rand, f *Fault) { f.For = between(r, least, most) }
}

func drawCountUpTo(n int) func(*rand.Rand, *Fault) {
	return func(r *rand.Rand, f *Fault) { f.Count = 1 + r.IntN(n) }
}

func drawJump(r *rand.Rand, f *Fault) {
	f.For, f.Count = between(r, time.Second, 2*time.Hour), 1-2*r.IntN(2)
}

func drawOutcome(r *rand.Rand, f *Fault) {
	f.What = string([]outcome{failsBefore, failsAfter, crashesBefore, crashesAfter}[r.IntN(4)])
	f.Count = r.IntN(6)
}

func drawCallFault(r *rand.Rand, f *Fault) {
	f.What = []string{lostBefore, lostAfter, "silent " + lostBefore, "silent " + lostAfter, delayed, "500", "503", "429", afterNext, afterNext, afterSession, afterSession}[r.IntN(12)]
	f.Count = r.IntN(5)
	if f.What == delayed {
		f.For = between(r, 100*time.Millisecond, 30*time.Second)
	}
}

func drawSwallowed(r *rand.Rand, f *Fault) {
	f.What = []string{"ACKNOWLEDGE", "ACKNOWLEDGE", "KILL", "MESSAGE", "RECONCILE"}[r.IntN(5)]
	f.Count = r.IntN(6)
}

var serverTypes = []string{quobyte.Registry, quobyte.Metadata, quobyte.Data, quobyte.API, quobyte.Webconsole}

func drawType(r *rand.Rand, f *Fault) {
	f.What = append(serverTypes, quobyte.Prober, quobyte.Registry)[r.IntN(len(serverTypes)+2)]
}

func drawStarts(r *rand.Rand, f *Fault) {
	drawType(r, f)
	f.Count = 1 + r.IntN(4)
}

func drawSickness(r *rand.Rand, f *Fault) {
	f.What = serverTypes[r.IntN(len(serverTypes))]
	f.For = between(r, time.Second, 100*time.Second)
}

func drawFall(r *rand.Rand, f *Fault) {
	f.For, f.Count = between(r, 100*time.Millisecond, 40*time.Second), r.IntN(5)
}

func drawGone(r *rand.Rand, f *Fault) {
	f.For, f.Count = between(r, time.Second, 6*time.Minute), r.IntN(2)
}

func drawSettings(r *rand.Rand, f *Fault) {
	f.What = []string{quobyte.Registry, quobyte.Registry, quobyte.API, quobyte.Webconsole, quobyte.Metadata, quobyte.Data, quobyte.Prober}[r.IntN(7)]
}

// change starts the framework again with other settings. Many data services would take for ever.
func (w *world) change(f Fault) {
	kind := f.What
	if len(w.hosts) > few && (kind == quobyte.Data || kind == quobyte.Metadata || kind == quobyte.Prober) {
		kind = quobyte.Registry
	}
	if w.changes[kind]++; w.changes[kind]%3 == 0 {
		w.changes[kind] = 0 // as it was
	}
	w.configure()
	w.crash(Fault{For: w.upTo(5 * time.Second)}, 0)
}

// outgrow starts the framework again with settings with which no pod of a type fits anywhere, and again when somebody has noticed.
func (w *world) outgrow(f Fault) {
	w.outgrown[f.What] = true
	w.configure()
	w.crash(Fault{For: w.upTo(5 * time.Second)}, 0)
	w.after(f.For, "settings", func() {
		w.note("operator: takes back the settings of %s", f.What)
		delete(w.outgrown, f.What)
		w.configure()
		w.crash(Fault{For: w.upTo(5 * time.Second)}, 0)
	})
}

func callFaultOf(f Fault, call string) callFault {
	out := callFault{kind: f.What, call: call, count: 1, skip: f.Count, delay: f.For}
	switch f.What {
	case "silent " + lostBefore:
		out.kind, out.silent = lostBefore, true
	case "silent " + lostAfter:
		out.kind, out.silent = lostAfter, true
	case "500":
		out.status, out.text = 500, "Internal error"
	case "503":
		out.status, out.text = 503, "Service unavailable"
	case "429":
		out.status, out.text = 429, "Too many requests"
	}
	return out
}

func (w *world) host(f Fault) *host {
	return w.hosts[f.Host%len(w.hosts)]
}

func (w *world) inject(f Fault) {
	w.note("fault: %s host %d for %v count %d %s", f.Kind, f.Host, f.For, f.Count, f.What)
	for _, k := range faultKinds {
		if k.kind == f.Kind {
			k.inject(w, f)
			return
		}
	}
	panic("unknown kind of fault " + string(f.Kind))
}

// crash kills the framework's process, which comes back with a clock that is off by skew.
func (w *world) crash(f Fault, skew time.Duration) {
	i := w.serve()
	if i == nil {
		return
	}
	i.note("serve %d: killed", i.number)
	i.dead = true
	i.session.abandon()
	down := f.For
	if skew != 0 {
		down = w.upTo(5 * time.Second)
	}
	w.after(down, "restart", func() {
		if w.serve() == nil {
			w.boot(i.skew + skew)
		}
	})
}

// leaseTimeout is after how long a standby takes over from a leader that is not heard.
const leaseTimeout = 6 * time.Second

func (w *world) stopServe(f Fault) {
	i := w.serve()
	if i == nil || i.stopped {
		return
	}
	i.stop()
	if f.For > leaseTimeout {
		w.after(leaseTimeout+w.upTo(2*time.Second), "standby", func() { w.boot(0) })
	}
	w.after(f.For, "SIGCONT", i.resume)
}

func (w *world) cutStream(Fault) {
	i := w.serve()
	if i == nil || i.session.conn == nil || i.session.conn.mute {
		return
	}
	c := i.session.conn
	c.closed = true
	w.after(w.upTo(w.schedule.Speed.Network), "cut", func() { i.session.running(func() { i.session.cut(c) }) })
	i.session.hangUp(c)
}

func (s *session) cut(c *conn) {
	if s.attempt == c.attempt {
		s.lose("connection reset", false)
	}
}

func (w *world) muteStream(Fault) {
	if i := w.serve(); i != nil && i.session.conn != nil {
		i.session.conn.mute = true
	}
}

func drawRedirect(r *rand.Rand, f *Fault) {
	f.For, f.Count = between(r, time.Second, 2*time.Minute), r.IntN(2)
}

// redirect has masters send everybody on. Streams that stand are left alone.
func (w *world) redirect(f Fault) {
	if f.Count == 0 {
		w.network.hopTill = w.now.Add(f.For)
		return
	}
	w.network.loopTill = w.now.Add(f.For)
}

// loseLeader has the master lead no more, or not answer, for a while. Its streams end.
func (w *world) loseLeader(f Fault) {
	w.network.downTill, w.network.down = w.now.Add(f.For), "No leader elected"
	w.cutStream(f)
}

// endTask kills a process of a pod type: on the host if there is one, else anywhere.
func (w *world) endTask(f Fault) {
	for k := range w.hosts {
		h := w.hosts[(f.Host+k)%len(w.hosts)]
		if c := w.running(f.What, h); c != nil {
			c.exit(11)
			return
		}
	}
}

// loseAgent takes an agent away, and starts it again.
func (w *world) loseAgent(f Fault, take func(time.Time, string) []direct.Effect) {
	h := w.host(f)
	if h.agent == "" || h.away {
		return
	}
	h.away = true
	w.act(take(w.now, h.agent))
	w.after(f.For, "agent", func() { w.startAgent(h, false) })
}

// bear has an agent forget who it was.
func (w *world) bear(f Fault) {
	w.succeedAgent(f, w.cluster.KillAgent)
}

// markAgentGone has an operator tell Mesos that an agent is gone, which was there until then, or has just died and left its tasks running.
func (w *world) markAgentGone(f Fault) {
	if why, _ := w.cluster.Unavailable(); why.Text != "" {
		return // nobody takes note of it
	}
	if is := w.model.Condition(w.host(f).agent); !is.Registered && !is.Unreachable {
		return // of its tasks nobody would hear anything before the next master (MESOS-9739): see goneSilent
	}
	w.disown(f)
}

// disown marks an agent gone, whether or not the master has heard of it.
func (w *world) disown(f Fault) {
	w.succeedAgent(f, func(now time.Time, agent string) []direct.Effect {
		var effects []direct.Effect
		if f.Count > 0 {
			effects = w.cluster.KillAgent(now, agent)
		}
		return append(effects, w.cluster.MarkAgentGone(now, agent)...)
	})
}

// markGoneUnseen has an agent cut off, so that it does not hear that it is marked gone.
func (w *world) markGoneUnseen(f Fault) {
	for k := range w.hosts {
		n := (f.Host + k) % len(w.hosts)
		if w.running(f.What, w.hosts[n]) == nil {
			continue
		}
		gone := time.Duration(f.Count) * time.Second
		w.partition(Fault{Host: n, For: f.For})
		w.after(gone, "gone", func() { w.markAgentGone(Fault{Host: n, For: f.For - gone}) })
		return
	}
}

// markGoneSilent has the master fall while an agent is cut off, which is marked gone when the next one leads.
func (w *world) markGoneSilent(f Fault) {
	const gone = 20 * time.Second
	w.partition(Fault{Host: f.Host, For: f.For})
	w.fallOver(Fault{For: 5 * time.Second})
	w.after(gone, "gone", func() {
		if why, _ := w.cluster.Unavailable(); why.Text == "" {
			w.disown(Fault{Host: f.Host, For: f.For - gone})
		}
	})
}

// succeedAgent takes an agent away, and starts another one in its place. Of a pod whose resources were not reserved nobody can say then whether it
// runs, other than an operator.
func (w *world) succeedAgent(f Fault, take func(time.Time, string) []direct.Effect) {
	h := w.host(f)
	if h.agent == "" || h.away {
		return
	}
	h.away = true
	w.act(take(w.now, h.agent))
	w.after(f.For, "agent", func() {
		w.act(w.cluster.KillAgent(w.now, h.agent)) // it may not have heard yet that it is gone
		w.startAgent(h, true)
	})
}

func (w *world) partition(f Fault) {
	h := w.host(f)
	if h.agent == "" {
		return
	}
	h.cut = true
	w.act(w.cluster.PartitionAgent(w.now, h.agent))
	w.after(f.For, "heals", func() {
		h.cut = false
		w.note("%s: is heard again", h.name)
		w.act(w.cluster.HealAgent(w.now, h.agent))
	})
}

// fallOver ends the master. The next one takes some of the stages on its way to leading, and its agents come back in their time.
func (w *world) fallOver(f Fault) {
	if _, down := w.cluster.Unavailable(); down {
		return
	}
	part := f.For / 5
	o := direct.Outage{Back: part}
	for k, stage := range []*time.Duration{&o.Down, &o.Leaderless, &o.Starting, &o.Recovering} {
		if k < f.Count {
			*stage = part
		}
	}
	w.act(w.cluster.FailOver(w.now, o))
}
