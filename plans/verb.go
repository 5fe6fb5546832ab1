package plans

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/go-multierror"
)

// Verb is something that an operator says to a plan.
type Verb struct {
	Kind VerbKind
	// Plan, Phase and Step lead to the element, by names or ids: empty Step, the phase; empty Phase, the plan.
	Plan, Phase, Step string
	// Pod is what Except and Include are about.
	Pod string
	// When says how soon a Pause takes effect (empty: now), and where a Break or Unbreak lies.
	When When
	// Force lets Restart pass gate and budget, and Except the gate. It takes a Reason.
	Force bool
	// Values are what Start gives for the plan's parameters.
	Values map[string]string

	Actor, Reason string
	// Revision is that of the view that the operator looked at. If the plan is no longer the same the verb is refused; empty: carried out all the same.
	Revision string
}

// VerbKind names a verb.
type VerbKind string

// The verbs.
const (
	VerbPause    VerbKind = "pause"
	VerbContinue VerbKind = "continue"
	VerbStart    VerbKind = "start"
	VerbStop     VerbKind = "stop"
	VerbRestart  VerbKind = "restart"
	VerbForce    VerbKind = "force-complete"
	VerbExcept   VerbKind = "except"
	VerbInclude  VerbKind = "include"
	VerbBreak    VerbKind = "break"
	VerbUnbreak  VerbKind = "unbreak"
)

// Reply is what comes of a verb: what to record, and what to tell.
type Reply struct {
	Code ReplyCode
	// Text says what was done, or why not, and what to do then.
	Text string
	// Put and Delete are the facts to record and to forget. Run is the plan's run after it, Ended one that it ended.
	Put, Delete []Fact
	Run         Run
	Ended       *Run
	// Questions are to be answered before the verb can be carried out: say it again with the verdicts.
	Questions []Question
}

// ReplyCode says how a verb went.
type ReplyCode string

// The replies.
const (
	Done     ReplyCode = "done"
	Already  ReplyCode = "already"   // nothing to do: it is so already
	NotFound ReplyCode = "not-found" // no such plan, phase, step or pod
	Conflict ReplyCode = "conflict"  // the plan has changed since the operator looked
	Refused  ReplyCode = "refused"   // it would do harm, or nothing
	Invalid  ReplyCode = "invalid"   // the verb makes no sense
)

// Apply says what comes of a verb, given what the plan is evaluated from. It changes nothing: the caller records what the reply says, and answers then.
func Apply(in Input, v Verb) Reply {
	e := newEvaluator(&in)
	a := &application{e: e, v: v, reply: Reply{Run: in.Run}, phase: nowhere, step: nowhere}
	if v.Plan != e.def.Name && v.Plan != e.view.ID.String() {
		return a.say(NotFound, "plan %q: not found", v.Plan)
	}
	if !a.find() {
		return a.reply
	}
	e.prepare()
	a.evaluation = e.finish(world{budgets: newAccount(&in.Ledger, e.said.excepted)})
	if now := a.evaluation.View.Revision; v.Revision != "" && v.Revision != now {
		return a.say(Conflict, "%s: has changed since you looked (revision %s, now %s); look again", a.subject(), v.Revision, now)
	}
	apply, known := map[VerbKind]func() Reply{
		VerbPause: a.pause, VerbContinue: a.proceed, VerbStart: a.start, VerbStop: a.stop, VerbRestart: a.restart,
		VerbForce: a.force, VerbExcept: a.except, VerbInclude: a.include, VerbBreak: a.setBreak, VerbUnbreak: a.unbreak,
	}[v.Kind]
	if !known {
		return a.say(Invalid, "verb %q: unknown", v.Kind)
	}
	return apply()
}

// application is the state of applying a verb.
type application struct {
	e           *evaluator
	v           Verb
	evaluation  Evaluation
	phase, step int // places; nowhere if the verb is about something above
	reply       Reply
}

// find leads to the element that the verb names.
func (a *application) find() bool {
	switch {
	case a.v.Phase == "" && a.v.Step != "":
		a.say(Invalid, "step %q: the phase is missing; a step is named by its phase and its name", a.v.Step)
		return false
	case a.v.Phase == "":
		return true
	}
	if a.phase = a.e.phaseNamed(a.v.Phase); a.phase < 0 {
		a.say(NotFound, "plan %q: phase %q: not found; there are %s", a.e.def.Name, a.v.Phase, a.phaseNames())
		return false
	}
	if a.v.Step == "" {
		return true
	}
	if a.step = a.e.stepNamed(a.phase, a.v.Step); a.step < 0 {
		a.say(NotFound, "plan %q: phase %q: step %q: not found; there are %s", a.e.def.Name, a.e.def.Phases[a.phase].Name, a.v.Step, a.stepNames())
		return false
	}
	return true
}

func (a *application) phaseNames() string {
	if len(a.e.def.Phases) == 0 {
		return "none at the moment"
	}
	names := make([]string, len(a.e.def.Phases))
	for i := range names {
		names[i] = a.e.def.Phases[i].Name
	}
	return strings.Join(names, ", ")
}

func (a *application) stepNames() string {
	steps := a.e.def.Phases[a.phase].Steps
	if len(steps) == 0 {
		return "none at the moment"
	}
	names := make([]string, 0, len(steps))
	for i := range steps {
		names = append(names, steps[i].Name)
	}
	return abbreviate(names)
}

// subject leads to the element in words.
func (a *application) subject() string {
	text := fmt.Sprintf("plan %q", a.e.def.Name)
	if a.phase >= 0 {
		text += fmt.Sprintf(": phase %q", a.e.def.Phases[a.phase].Name)
	}
	if a.step >= 0 {
		text += fmt.Sprintf(": step %q", a.e.def.Phases[a.phase].Steps[a.step].Name)
	}
	return text
}

func (a *application) say(code ReplyCode, format string, args ...any) Reply {
	a.reply.Code, a.reply.Text = code, fmt.Sprintf(format, args...)
	return a.reply
}

// done says what was done to the element.
func (a *application) done(format string, args ...any) Reply {
	return a.say(Done, "%s: %s", a.subject(), fmt.Sprintf(format, args...))
}

func (a *application) already(format string, args ...any) Reply {
	return a.say(Already, "%s: %s", a.subject(), fmt.Sprintf(format, args...))
}

func (a *application) refused(format string, args ...any) Reply {
	a.reply.Put, a.reply.Delete, a.reply.Run, a.reply.Ended = nil, nil, a.e.in.Run, nil
	return a.say(Refused, "%s: %s", a.subject(), fmt.Sprintf(format, args...))
}

// fact is what the operator says about the element.
func (a *application) fact(kind FactKind) Fact {
	f := Fact{Kind: kind, Plan: a.e.def.Name, Actor: a.v.Actor, Reason: a.v.Reason, At: a.e.now, Revision: a.v.Revision}
	if a.phase >= 0 {
		f.Phase = a.e.def.Phases[a.phase].Name
	}
	if a.step >= 0 {
		f.Step = a.e.def.Phases[a.phase].Steps[a.step].Name
	}
	return f
}

// status is what the element is shown as.
func (a *application) status() Status {
	switch view := &a.evaluation.View; {
	case a.step >= 0:
		return view.Phases[a.phase].Steps[a.step].Status
	case a.phase >= 0:
		return view.Phases[a.phase].Status
	default:
		return view.Status
	}
}

// ownPause is the pause of the element itself; nil if there is none.
func (a *application) ownPause() *Fact {
	switch said := &a.e.said; {
	case a.step >= 0:
		if s := said.phases[a.phase].steps[a.step]; s != nil {
			return s.pause
		}
		return nil
	case a.phase >= 0:
		return said.phases[a.phase].pause
	default:
		return said.pause
	}
}

// forget deletes all facts of a kind about the element, however they name it; of breakpoints those at a place.
func (a *application) forget(kind FactKind, when When) {
	for _, f := range a.e.in.Facts {
		if f.Kind != kind || (kind == Breakpoint && f.When != when) {
			continue
		}
		if a.about(&f) {
			a.reply.Delete = append(a.reply.Delete, f)
		}
	}
}

// about says whether a fact is about the element.
func (a *application) about(f *Fact) bool {
	if f.Plan != a.e.def.Name && f.Plan != a.e.view.ID.String() {
		return false
	}
	phase, step := nowhere, nowhere
	if f.Phase != "" {
		if phase = a.e.phaseNamed(f.Phase); phase < 0 {
			return false
		}
	}
	if f.Step != "" && phase >= 0 {
		if step = a.e.stepNamed(phase, f.Step); step < 0 {
			return false
		}
	}
	return phase == a.phase && step == a.step
}

var pauseWords = map[When]string{
	PauseNow:        "paused",
	PauseAfterSteps: "pauses when the steps under way have ended",
	PauseAfterPhase: "pauses when the phases that have begun have ended",
}

func (a *application) pause() Reply {
	when := a.v.When
	if when == "" {
		when = PauseNow
	}
	words, known := pauseWords[when]
	if !known || (a.step >= 0 && when == PauseAfterPhase) {
		return a.say(Invalid, "%s: a pause %q does not fit; use %s, %s, or for a plan or phase %s", a.subject(), when, PauseNow, PauseAfterSteps, PauseAfterPhase)
	}
	if old := a.ownPause(); old != nil {
		if old.soon() == when {
			return a.already("paused already by %s since %s", old.Actor, stamp(old.At))
		}
		a.forget(Paused, "")
	}
	// A repair plan is COMPLETE whenever nothing has fallen; pausing it then means the next repair.
	if a.status() == Complete && !(a.e.def.Repair && a.phase < 0) {
		return a.already("is COMPLETE; there is nothing to pause")
	}
	f := a.fact(Paused)
	if when != PauseNow {
		f.When = when
	}
	a.reply.Put = append(a.reply.Put, f)
	return a.done("%s", words)
}

// soon is how soon a pause takes effect.
func (f *Fact) soon() When {
	switch f.When {
	case PauseAfterSteps, PauseAfterPhase:
		return f.When
	}
	return PauseNow
}

// proceed takes away the first that holds the element: a pause, the run's halt, breakpoints that are reached, or the next of a canary.
func (a *application) proceed() Reply {
	if a.ownPause() != nil {
		a.forget(Paused, "")
		text := "resumed"
		if a.phase < 0 && a.e.run.Halt != nil {
			a.pardon()
			text = "resumed; the run goes on"
		}
		return a.done("%s%s", text, a.stillHeld())
	}
	switch {
	case a.step >= 0:
		return a.already("is not paused%s", a.stillHeld())
	case a.phase >= 0:
		return a.proceedPhase(a.phase)
	}
	return a.proceedPlan()
}

func (a *application) proceedPlan() Reply {
	var what []string
	if a.e.run.Halt != nil {
		a.pardon()
		what = append(what, "the run goes on")
	}
	for i := range a.e.phases {
		what = append(what, a.passBreakpoints(i)...)
	}
	if len(what) > 0 {
		return a.done("%s", strings.Join(what, "; "))
	}
	return a.already("is not paused%s", a.stillHeld())
}

func (a *application) proceedPhase(i int) Reply {
	if passed := a.passBreakpoints(i); len(passed) > 0 {
		return a.done("%s%s", strings.Join(passed, "; "), a.stillHeld())
	}
	if next := a.evaluation.View.Phases[i].Continue; next != nil {
		return a.release(i, next)
	}
	return a.already("is not paused%s", a.stillHeld())
}

// release begins the next of a canary.
func (a *application) release(i int, next *Release) Reply {
	if len(a.e.ended) > 0 {
		return a.refused("%s", a.e.ended[0].Text)
	}
	if a.e.run.Number == 0 {
		return a.refused("has no run that could be continued")
	}
	f := a.fact(Released)
	f.Run = a.e.run.Number
	if old := a.e.said.phases[i].release; old != nil {
		f.Steps = slices.Clone(old.Steps)
	}
	f.Steps = append(f.Steps, next.Step)
	f.All = next.All
	a.forget(Released, "")
	a.reply.Put = append(a.reply.Put, f)
	if next.All && next.Others > 0 {
		return a.done("step %q begins, and the other %d when it is COMPLETE", next.Step, next.Others)
	}
	return a.done("step %q begins", next.Step)
}

// passBreakpoints takes away the breakpoints of a phase that are reached, and says which.
func (a *application) passBreakpoints(i int) []string {
	p := &a.e.phases[i]
	phase, step := a.phase, a.step
	a.phase, a.step = i, nowhere
	defer func() { a.phase, a.step = phase, step }()
	var passed []string
	if p.before != nil && !p.over() && len(a.e.def.pendingPredecessors(i, a.e.phaseDone)) == 0 {
		a.forget(Breakpoint, BeforePhase)
		passed = append(passed, fmt.Sprintf("passes the breakpoint before phase %q", p.def.Name))
	}
	if p.after != nil && p.over() {
		a.forget(Breakpoint, AfterPhase)
		passed = append(passed, fmt.Sprintf("passes the breakpoint after phase %q", p.def.Name))
	}
	if f := p.batch; f != nil && p.under == 0 && p.cursor.Done > f.batchesIn(&a.e.run) && !p.over() {
		moved := *f
		moved.Batches, moved.BatchRun = p.cursor.Done, a.e.run.Number
		a.forget(Breakpoint, AfterBatch)
		a.reply.Put = append(a.reply.Put, moved)
		passed = append(passed, fmt.Sprintf("passes the breakpoint after batch %d of phase %q", p.cursor.Done, p.def.Name))
	}
	return passed
}

// pardon lets a halted run go on: what had failed counts anew.
func (a *application) pardon() {
	r := &a.reply.Run
	r.Halt, r.ContinuedAt = nil, a.e.now
	r.Pardons = slices.Clone(r.Pardons)
	for i := range a.e.phases {
		for j := range a.e.phases[i].flags {
			if a.e.phases[i].flags[j].has(isFailed) {
				r.pardon(&a.e.phases[i], j, a.e.observation(i, j), a.e)
			}
		}
	}
}

// pardon lets the failures of one step count anew.
func (r *Run) pardon(p *phase, j int, o *Observation, e *evaluator) {
	name := p.def.Steps[j].Name
	r.Pardons = slices.DeleteFunc(r.Pardons, func(q Pardon) bool { return q.Phase == p.def.Name && q.Step == name })
	r.Pardons = append(r.Pardons, Pardon{Phase: p.def.Name, Step: name, Attempts: o.Attempts, At: e.now})
}

// stillHeld says, at the end of an answer, what else an operator would have to continue.
func (a *application) stillHeld() string {
	var still []string
	said := &a.e.said
	if a.phase >= 0 && said.pause != nil {
		still = append(still, "the whole plan is paused"+said.pause.by())
	}
	if a.phase >= 0 && a.e.run.Halt != nil {
		still = append(still, "the whole run paused itself")
	}
	if a.step >= 0 && said.phases[a.phase].pause != nil {
		still = append(still, "its phase is paused"+said.phases[a.phase].pause.by())
	}
	if a.phase < 0 {
		for i := range said.phases {
			if p := &said.phases[i]; p.pause != nil {
				still = append(still, fmt.Sprintf("phase %q is paused%s", a.e.def.Phases[i].Name, p.pause.by()))
			} else if a.evaluation.View.Phases[i].Continue != nil {
				still = append(still, fmt.Sprintf("the canary of phase %q is continued by naming the phase", a.e.def.Phases[i].Name))
			}
		}
	}
	if a.phase >= 0 && a.step < 0 && a.ownPause() != nil {
		if next := a.evaluation.View.Phases[a.phase].Continue; next != nil {
			still = append(still, fmt.Sprintf("its canary still waits: to continue once more begins step %q", next.Step))
		}
	}
	if len(still) == 0 {
		return ""
	}
	return "; " + strings.Join(still, "; ")
}

func (a *application) start() Reply {
	if a.phase >= 0 {
		return a.say(Invalid, "%s: only whole plans are started", a.subject())
	}
	if r := &a.e.run; r.Number > 0 && !r.Ended() {
		return a.already("runs already: run %d by %s", r.Number, r.Actor)
	}
	arguments, err := a.e.def.Bind(a.v.Values)
	if err != nil {
		return a.say(Invalid, "%s", onOneLine(err))
	}
	a.begin(arguments)
	return a.done("run %d begins", a.reply.Run.Number)
}

// onOneLine puts several problems into one sentence.
func onOneLine(err error) string {
	var several *multierror.Error
	if !errors.As(err, &several) {
		return err.Error()
	}
	texts := make([]string, len(several.Errors))
	for i, e := range several.Errors {
		texts[i] = e.Error()
	}
	return strings.Join(texts, "; ")
}

// begin starts a run like the last one.
func (a *application) begin(arguments []Argument) {
	last := a.e.run
	open := slices.ContainsFunc(a.e.def.Phases, func(p Phase) bool { return p.Open })
	a.reply.Run, a.reply.Ended = Start(last, Beginning{
		Target: last.Target, Provenance: last.Provenance, Actor: a.v.Actor, Reason: a.v.Reason, Arguments: arguments, Frozen: !open, Now: a.e.now,
	})
}

func (a *application) stop() Reply {
	switch r := &a.e.run; {
	case a.phase >= 0:
		return a.say(Invalid, "%s: only whole plans are stopped", a.subject())
	case r.Number == 0 && a.e.def.Manual:
		return a.already("was not started")
	case r.Number == 0:
		return a.refused("is always at work, and can't be stopped; pause it")
	case r.Ended():
		return a.already("%s", r.ending())
	}
	r := a.e.run
	r.end(Halted, a.v.Actor, a.v.Reason, a.e.now)
	a.reply.Run, a.reply.Ended = r, &r
	return a.done("run %d is stopped; what runs is left alone%s", r.Number, a.leftDown())
}

// leftDown says which pods the plan has stopped and leaves to repair.
func (a *application) leftDown() string {
	var pods []string
	for i := range a.e.phases {
		for j := range a.e.phases[i].flags {
			if a.e.phases[i].flags[j].has(isStopped) && a.covers(i, j) {
				pods = append(pods, a.e.def.Phases[i].Steps[j].Pod)
			}
		}
	}
	if len(pods) == 0 {
		return ""
	}
	return fmt.Sprintf("; repair brings back what it had stopped: %s", abbreviate(pods))
}

// covers says whether a step is at or below the element.
func (a *application) covers(i, j int) bool {
	return (a.phase < 0 || a.phase == i) && (a.step < 0 || a.step == j)
}

func (a *application) restart() Reply {
	if a.v.Force && a.v.Reason == "" {
		return a.say(Invalid, "%s: a restart by force stops pods whatever that costs; it takes a reason", a.subject())
	}
	if a.e.run.Number == 0 {
		return a.refused("has no run, so that nothing of it could be done again")
	}
	f := a.fact(Restarted)
	f.Force = a.v.Force
	if a.justTried() {
		f.At = f.At.Add(1) // what was begun at this very time was begun before it
	}
	a.forget(Paused, "") // as in the SDK, to restart an element is to continue it as well
	text := "is done again"
	if a.e.run.Ended() {
		a.begin(a.e.run.Arguments)
		text = fmt.Sprintf("is done again, in run %d", a.reply.Run.Number)
	}
	f.Run = a.reply.Run.Number
	a.forget(Restarted, "")
	a.reply.Put = append(a.reply.Put, f)
	a.reply.Run.Pardons = slices.Clone(a.reply.Run.Pardons)
	for i := range a.e.phases {
		for j := range a.e.phases[i].flags {
			if o := a.e.observation(i, j); a.covers(i, j) && (o.Attempts > 0 || a.e.phases[i].flags[j].has(isFailed)) {
				a.reply.Run.pardon(&a.e.phases[i], j, o, a.e)
			}
		}
	}
	return a.done("%s%s", text, a.stillHeld())
}

// justTried says whether a step of the element was begun at this very time.
func (a *application) justTried() bool {
	for i := range a.e.phases {
		for j := range a.e.phases[i].flags {
			if a.covers(i, j) && a.e.observation(i, j).TriedAt.Equal(a.e.now) {
				return true
			}
		}
	}
	return false
}

func (a *application) force() Reply {
	switch r := &a.e.run; {
	case a.status() == Complete:
		return a.already("is COMPLETE")
	case r.Number == 0:
		return a.refused("has no run, so that nothing of it could be counted as COMPLETE")
	case r.Ended():
		return a.refused("%s", r.ending())
	}
	f := a.fact(Forced)
	f.Run = a.e.run.Number
	a.forget(Forced, "")
	a.reply.Put = append(a.reply.Put, f)
	n, running := 0, 0
	for i := range a.e.phases {
		for j := range a.e.phases[i].flags {
			if !a.covers(i, j) || a.e.phases[i].flags[j].has(isNewcomer) || a.e.phases[i].view.Steps[j].Status == Complete {
				continue
			}
			n++
			if a.e.phases[i].flags[j].has(isUnderWay) {
				running++
			}
		}
	}
	text := fmt.Sprintf("counts as COMPLETE in run %d, whatever its pods do: %d steps were not", f.Run, n)
	if a.step >= 0 {
		text = fmt.Sprintf("counts as COMPLETE in run %d, whatever its pod does", f.Run)
	}
	if running > 0 && a.step < 0 {
		text += fmt.Sprintf(", %d of them under way", running)
	}
	return a.done("%s%s", text, a.leftDown())
}

func (a *application) except() Reply {
	pod := a.e.in.Ledger.pod(a.v.Pod)
	switch {
	case a.v.Pod == "":
		return a.say(Invalid, "pod: empty; name the pod that is dead")
	case pod == nil:
		return a.say(NotFound, "pod %q: not found", a.v.Pod)
	case a.e.said.excepted[pod.Name] != nil:
		return a.say(Already, "pod %q: excepted already by %s since %s", pod.Name, a.e.said.excepted[pod.Name].Actor, stamp(a.e.said.excepted[pod.Name].At))
	case !pod.Down:
		return a.say(Refused, "pod %q: is not down; only a pod that is dead can be taken out of runs and budgets", pod.Name)
	case a.v.Force && a.v.Reason == "":
		return a.say(Invalid, "pod %q: to except a pod by force passes the service's checks; it takes a reason", pod.Name)
	}
	if !a.v.Force && a.gated(pod.Name) {
		v := (&arrangement{e: a.e}).newestVerdict([]string{pod.Name})
		if v == nil || !v.recent(a.e.now) {
			a.reply.Questions = []Question{{Pods: []string{pod.Name}, Gate: true}}
			return a.say(Refused, "pod %q: the service was not asked whether it can do without it", pod.Name)
		}
		if v.Gate != GateOpen {
			return a.say(Refused, "pod %q: %s", pod.Name, gateHold([]string{pod.Name}, v).Text)
		}
	}
	f := Fact{Kind: Excepted, Pod: pod.Name, Actor: a.v.Actor, Reason: a.v.Reason, At: a.e.now, Revision: a.v.Revision}
	a.reply.Put = append(a.reply.Put, f)
	return a.say(Done, "pod %q: has no part in runs and budgets until it is included again", pod.Name)
}

// gated says whether the service must be asked about a pod.
func (a *application) gated(pod string) bool {
	return slices.ContainsFunc(a.e.def.Phases, func(p Phase) bool {
		return p.Gated && slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Pod == pod })
	})
}

func (a *application) include() Reply {
	if a.e.said.excepted[a.v.Pod] == nil {
		return a.say(Already, "pod %q: is not excepted", a.v.Pod)
	}
	for _, f := range a.e.in.Facts {
		if f.Kind == Excepted && f.Pod == a.v.Pod {
			a.reply.Delete = append(a.reply.Delete, f)
		}
	}
	return a.say(Done, "pod %q: has part in runs and budgets again", a.v.Pod)
}

var breakWords = map[When]string{BeforePhase: "before it", AfterPhase: "after it", AfterBatch: "after each of its batches"}

func (a *application) setBreak() Reply {
	if reply, ok := a.checkBreak(); !ok {
		return reply
	}
	p := &a.e.phases[a.phase]
	switch a.v.When {
	case BeforePhase:
		if p.begun || p.over() {
			return a.refused("has begun; a breakpoint before it would come too late. Pause it, or set one %s", AfterBatch)
		}
	case AfterPhase:
		if p.over() && a.e.held != a.phase {
			return a.refused("is over; a breakpoint after it would come too late")
		}
		if !a.waitedFor() {
			return a.refused("nothing waits for it; a breakpoint after it would hold up nothing")
		}
	case AfterBatch:
		if p.over() {
			return a.refused("is over; a breakpoint in it would come too late")
		}
	}
	if old := a.breakpoint(); old != nil {
		return a.already("has a breakpoint %s already, set%s", breakWords[a.v.When], old.by())
	}
	f := a.fact(Breakpoint)
	f.When = a.v.When
	if f.When == AfterBatch {
		f.Batches, f.BatchRun = p.cursor.Done, a.e.run.Number
	}
	a.reply.Put = append(a.reply.Put, f)
	return a.done("breakpoint %s is set", breakWords[a.v.When])
}

func (a *application) unbreak() Reply {
	if reply, ok := a.checkBreak(); !ok {
		return reply
	}
	if a.breakpoint() == nil {
		return a.already("has no breakpoint %s", breakWords[a.v.When])
	}
	a.forget(Breakpoint, a.v.When)
	return a.done("breakpoint %s is taken away", breakWords[a.v.When])
}

// checkBreak says whether the verb names a place where a breakpoint may lie.
func (a *application) checkBreak() (Reply, bool) {
	switch a.v.When {
	case BeforePhase, AfterPhase, AfterBatch:
	default:
		return a.say(Invalid, "%s: a breakpoint %q is unknown; use %s, %s or %s", a.subject(), a.v.When, BeforePhase, AfterPhase, AfterBatch), false
	}
	if a.phase < 0 || a.step >= 0 {
		return a.say(Invalid, "%s: breakpoints lie at phases; name one", a.subject()), false
	}
	return Reply{}, true
}

// breakpoint returns the one that lies where the verb says.
func (a *application) breakpoint() *Fact {
	p := &a.e.said.phases[a.phase]
	return map[When]*Fact{BeforePhase: p.before, AfterPhase: p.after, AfterBatch: p.batch}[a.v.When]
}

// waitedFor says whether any phase waits for the one that the verb names.
func (a *application) waitedFor() bool {
	for i := range a.e.def.Phases {
		if slices.Contains(a.e.def.predecessors(i), a.phase) {
			return true
		}
	}
	return false
}
