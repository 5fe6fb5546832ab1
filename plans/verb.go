package plans

import (
	"fmt"
	"strings"
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
	// Revision is that of the view that the operator looked at. If the plan is no longer the same the verb is refused; empty: carried out
	// all the same.
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
	// Put and Delete are the facts to record and to forget. Run is the plan's run after it, Ended one that has ended with it.
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

// Apply says what comes of a verb, given what the plan is evaluated from. It changes nothing: the caller records what the reply says, and
// answers then.
func Apply(in Input, v Verb) Reply {
	e := newEvaluator(&in)
	a := &application{e: e, v: v, reply: Reply{Run: in.Run}, phase: nowhere, step: nowhere}
	if v.Plan != e.def.Name && v.Plan != e.view.ID.String() {
		return a.say(NotFound, "plan %q: not found", v.Plan)
	}
	if v.Actor == "" {
		return a.say(Invalid, "actor: empty; say who you are")
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

// say answers. What is not done changes nothing.
func (a *application) say(code ReplyCode, format string, args ...any) Reply {
	a.reply.Code, a.reply.Text = code, fmt.Sprintf(format, args...)
	if code != Done {
		a.reply.Put, a.reply.Delete, a.reply.Run, a.reply.Ended = nil, nil, a.e.in.Run, nil
	}
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
