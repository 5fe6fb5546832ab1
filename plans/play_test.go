package plans

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// TestContinuingEveryPauseLeadsToComplete plays plans to their end in a small honest world: what is begun runs, fails or gets ready, questions are
// answered, and what an evaluation says is recorded. At first all kinds of things get in the way; then everything is continued, every step succeeds
// and every gate opens. That must lead to COMPLETE, and on the way nothing may happen that doc.go rules out.
func TestContinuingEveryPauseLeadsToComplete(t *testing.T) {
	checkDrawn(t, func(t *rapid.T) {
		p := newPlay(t)
		for range oneOf(t, "disturbances", 10, 20, 0, 40) {
			p.pass(oneOf(t, "passes", time.Second, 0, 5*time.Second, time.Second, time.Minute, 10*time.Minute, time.Second, 2*time.Hour, 0))
			p.disturb(p.evaluate())
		}
		p.finish()
	})
}

// at is a step by its place.
type at struct{ phase, step int }

// play is a plan, and the world in which it is carried out.
type play struct {
	t  *rapid.T
	in Input
	// byForce are pods that were stopped because an operator accepts what it costs, wasDown those that were down already, which cost nothing.
	byForce, wasDown map[at]bool
	// latched are steps that were COMPLETE in this run and that nobody restarted.
	latched map[at]bool
	// disordered are phases of which more than one step may be under way, because an operator has changed what was done already.
	disordered map[int]bool
	log        []string
}

func newPlay(t *rapid.T) *play {
	p := &play{t: t, byForce: map[at]bool{}, wasDown: map[at]bool{}, latched: map[at]bool{}, disordered: map[int]bool{}}
	d := drawPlan(t, "deploy")
	d.Repair = false
	p.in = Input{Now: noon}
	domains := oneOf(t, "domains", []string{"", "", "", "", ""}, []string{"a", "a", "b", "b", "c"}, []string{"a", "b", "a", "b", "a"})
	for i := range d.Phases {
		phase := &d.Phases[i]
		phase.Open, phase.Optional = false, true
		runs := chance(t, 70, "runs already")
		of := make([]Observation, len(phase.Steps))
		for j := range phase.Steps {
			s := &phase.Steps[j]
			of[j] = Observation{Rank: oneOf(t, "observed rank", 0, 0, 0, 1, -1)}
			if s.Pod == "" {
				continue
			}
			podType, _, _ := strings.Cut(s.Pod, "-")
			s.Pod = fmt.Sprintf("%s-%s-%d", podType, phase.Name, j) // each pod is the concern of one phase
			p.in.Ledger.Pods = append(p.in.Ledger.Pods, PodState{Name: s.Pod, Type: podType, Domain: domains[j]})
			if s.Kind == Launch || s.Kind == Stop {
				of[j].Running = runs || s.Kind == Stop && chance(t, 80, "runs until it is stopped")
				of[j].Fit = oneOf(t, "fit", FitUnknown, Fits)
			}
		}
		p.in.Observations = append(p.in.Observations, of)
	}
	slices.SortFunc(p.in.Ledger.Pods, func(a, b PodState) int { return strings.Compare(a.Name, b.Name) })
	for _, podType := range slices.Sorted(slices.Values(podTypes)) {
		b := Budget{PodType: podType, MaxUnavailable: drawAmount(t)}
		b.MaxUnavailable.Value = max(b.MaxUnavailable.Value, 1) // of what may never be stopped nothing comes
		if chance(t, 30, "per domain") {
			amount := drawAmount(t)
			amount.Value = max(amount.Value, 1)
			b.PerDomain = &amount
		}
		if chance(t, 80, "budget") {
			p.in.Ledger.Budgets = append(p.in.Ledger.Budgets, b)
		}
	}
	p.in.Definition = d
	if err := Validate(p.in.Ledger, d); err != nil {
		t.Fatalf("the drawn definition is not valid: %v", err)
	}
	if !d.Manual {
		p.in.Run, _ = Start(Run{}, Beginning{Target: "t1", Actor: "framework", Frozen: chance(t, 70, "frozen"), Now: noon})
	}
	return p
}

func (p *play) note(format string, args ...any) {
	p.log = append(p.log, p.in.Now.Sub(noon).String()+" "+fmt.Sprintf(format, args...))
}

func (p *play) fail(format string, args ...any) {
	p.t.Helper()
	p.t.Log(strings.Join(p.log, "\n"))
	p.t.Log(show(reflect.ValueOf(p.in)))
	p.t.Fatalf(format, args...)
}

func (p *play) name(s at) string {
	return p.in.Definition.Phases[s.phase].Name + "/" + p.step(s).Name
}

func (p *play) step(s at) *Step           { return &p.in.Definition.Phases[s.phase].Steps[s.step] }
func (p *play) of(s at) *Observation      { return &p.in.Observations[s.phase][s.step] }
func (p *play) launches(s at) bool        { return p.step(s).Kind == Launch }
func (p *play) plain() plain              { return plain{in: p.in} }
func (p *play) pass(d time.Duration)      { p.in.Now = p.in.Now.Add(d) }
func (p *play) pod(name string) *PodState { return p.in.Ledger.pod(name) }

// all are the places of all steps.
func (p *play) all() []at {
	var all []at
	for i, phase := range p.in.Definition.Phases {
		for j := range phase.Steps {
			all = append(all, at{i, j})
		}
	}
	return all
}

// down says that a pod does not do its work, or does again.
func (p *play) down(pod string, down bool) {
	state := p.pod(pod)
	if state == nil || state.Down == down && !state.MayServe {
		return
	}
	state.Down, state.MayServe, state.Since, state.By = down, false, p.in.Now, ""
	if down {
		state.By = p.in.Definition.Name
	}
}

// evaluate evaluates the plan and records what is to be recorded, until nothing is new.
func (p *play) evaluate() Evaluation {
	for _, s := range p.all() {
		if o := p.of(s); o.Status == Started && p.plain().ready(s.phase, s.step) {
			p.down(p.step(s).Pod, false) // whatever the step is shown as
		}
	}
	for range 4 {
		e := Evaluate(p.in)
		p.check(e)
		if e.Run.Equal(p.in.Run) && len(e.Completed) == 0 {
			return e
		}
		p.record(e)
	}
	p.fail("there is always more to be recorded")
	return Evaluation{}
}

func (p *play) record(e Evaluation) {
	if e.Run.Ended() && !p.in.Run.Ended() {
		p.note("run %d is %s", e.Run.Number, e.Run.Outcome)
		p.in.Past = Archive(p.in.Past, e.Run)
	}
	if e.Run.Halt != nil && p.in.Run.Halt == nil {
		p.note("halts: %s", e.Run.Halt.Cause.Text)
	}
	p.in.Run = e.Run
	for _, c := range e.Completed {
		s := at{c.Phase, c.Step}
		o, since := p.of(s), e.View.Phases[c.Phase].Steps[c.Step].Since
		p.note("%s is COMPLETE", p.name(s))
		p.latched[s] = true
		delete(p.byForce, s)
		o.Done = Mark{Run: e.Run.Number, At: since}
		if o.Stopped {
			p.in.Ledger.SettledAt = later(p.in.Ledger.SettledAt, p.in.Now)
		}
		o.Status, o.Since, o.Stopped, o.Ready, o.Until = Complete, since, false, time.Time{}, time.Time{}
		switch p.step(s).Kind {
		case Launch:
			p.down(p.step(s).Pod, false)
		case Stop: // it is no longer one of those that there should be
			p.in.Ledger.Pods = slices.DeleteFunc(slices.Clone(p.in.Ledger.Pods), func(pod PodState) bool { return pod.Name == p.step(s).Pod })
		}
	}
}

// begin begins a candidate.
func (p *play) begin(c Candidate) {
	s := at{c.Phase, c.Step}
	o, step := p.of(s), p.step(s)
	p.note("begins %s, stops it: %v", p.name(s), c.Stops)
	if p.in.Run.Number > 0 {
		if o.BegunAt.IsZero() || c.Stops {
			o.BegunAt = p.in.Now
		}
		o.TriedAt = p.in.Now
	}
	if c.Stops {
		p.byForce[s] = p.plainForced(s)
		if !p.byForce[s] {
			delete(p.byForce, s)
		}
		p.wasDown[s] = p.pod(step.Pod).Down && !p.pod(step.Pod).MayServe
	}
	o.Since, o.Until, o.Ready = p.in.Now, time.Time{}, time.Time{}
	switch {
	case c.Stops && step.Kind == Launch:
		o.Status, o.Stopped, o.Running, o.Fit = Pending, true, false, FitUnknown
	case step.Kind == Stop:
		o.Status, o.Stopped, o.Running = Starting, o.Stopped || c.Stops, false
	case step.Kind == Launch:
		o.Status, o.Running = Starting, true
	default:
		o.Status = Starting
	}
	if step.Kind == Launch || step.Kind == Stop {
		p.down(step.Pod, true)
	}
}

// plainForced says that the step is being restarted by force; TriedAt has just moved on.
func (p *play) plainForced(s at) bool {
	q := p.plain()
	q.in.Observations = deepCopy(q.in.Observations)
	q.in.Observations[s.phase][s.step].TriedAt = time.Time{}
	return q.restartedWithForce(s.phase, s.step)
}

// goOn lets what was begun come nearer to its end.
func (p *play) goOn(s at) {
	o := p.of(s)
	switch {
	case p.step(s).Kind == Wait && o.Status != Complete:
		o.Status, o.Since = Complete, p.in.Now
	case o.Status == Starting && p.launches(s):
		o.Status, o.Since = Started, p.in.Now
	case o.Status == Starting:
		o.Status, o.Since = Complete, p.in.Now
	case o.Status == Started && o.Ready.IsZero():
		o.Ready = p.in.Now
	default:
		return
	}
	p.note("%s is %s, ready %v", p.name(s), o.Status, !o.Ready.IsZero())
}

// breaks lets what was begun fail.
func (p *play) breaks(s at) {
	o := p.of(s)
	if o.Status != Starting && o.Status != Started || p.step(s).Kind == Wait {
		return
	}
	o.Attempts++
	wait := p.in.Definition.policy(s.phase).Backoff.Delay(o.Attempts, 0)
	o.Status, o.Since, o.Until, o.Ready = Delayed, p.in.Now, p.in.Now.Add(max(wait, time.Second)), time.Time{}
	o.Running = false
	if p.step(s).Kind == Stop && chance(p.t, 50, "it runs on") {
		o.Stopped, o.Running = false, true
		p.down(p.step(s).Pod, false)
	}
	p.note("%s fails, %d times by now", p.name(s), o.Attempts)
}

// crashes takes down a pod that the plan has not touched yet, or that it has just stopped.
func (p *play) crashes(s at) {
	o := p.of(s)
	if !p.launches(s) || o.Status != Pending || p.pod(p.step(s).Pod) == nil || !o.Running && !o.Stopped {
		return
	}
	o.Running = false
	o.Holds = []Hold{{Code: CodeUnknownTask, Text: "it is not known whether it still runs", Since: p.in.Now}}
	p.down(p.step(s).Pod, true)
	p.note("%s crashes", p.name(s))
}

// recovers does what a repair plan does: it brings up, with the old configuration, what is down and no plan works on.
func (p *play) recovers(s at) {
	o, step := p.of(s), p.step(s)
	state := p.pod(step.Pod)
	if state == nil || !state.Down || !p.launches(s) || o.Status == Complete {
		return
	}
	if q := p.plain(); !q.failed(s.phase, s.step) && (q.underWay(s.phase, s.step) || o.Status == Starting || o.Status == Started) {
		return
	}
	o.Status, o.Since, o.Stopped, o.Running, o.Ready, o.Until, o.Holds = Pending, p.in.Now, false, true, time.Time{}, time.Time{}, nil
	o.Fit = FitUnknown
	p.down(step.Pod, false)
	p.note("recovery brings %s back", step.Pod)
}

// answer answers a question.
func (p *play) answer(q Question, fit Fit, gate Gate) {
	if q.Fit {
		for _, s := range p.all() {
			if p.in.Definition.Phases[s.phase].Name == q.Phase && slices.Contains(q.Steps, p.step(s).Name) {
				p.of(s).Fit = fit
			}
		}
	}
	if q.Gate {
		v := Verdict{Pods: q.Pods, Gate: gate, AskedAt: p.in.Now, Since: p.in.Now, Code: "code", Text: "its own words"}
		kept := p.in.Verdicts[:0:0]
		for _, old := range p.in.Verdicts {
			if !sameSet(old.Pods, v.Pods) {
				kept = append(kept, old)
			} else if old.Gate == v.Gate {
				v.Since = old.Since
			}
		}
		p.in.Verdicts = append(kept, v)
	}
	p.note("asked about %v (fit %v, gate %v): %v, %v", q.Pods, q.Fit, q.Gate, fit, gate)
}

// say gives a verb, and records what comes of it.
func (p *play) say(v Verb) Reply {
	v.Plan, v.Actor = "deploy", "alice"
	r := Apply(p.in, v)
	if r.Code == Done || chance(p.t, 5, "told") {
		p.note("%s %s %s %s %s force=%v: %s: %s", v.Kind, v.Phase, v.Step, v.Pod, v.When, v.Force, r.Code, r.Text)
	}
	if r.Code != Done {
		if len(r.Put)+len(r.Delete) > 0 || r.Ended != nil || !r.Run.Equal(p.in.Run) {
			p.fail("%+v: %s: %s, and nevertheless it changes something: %+v", v, r.Code, r.Text, r)
		}
		return r
	}
	for _, f := range r.Delete {
		if !slices.ContainsFunc(p.in.Facts, func(g Fact) bool { return f.Key() == g.Key() }) {
			p.fail("%+v deletes %+v, which is not there", v, f)
		}
		p.in.Facts = slices.DeleteFunc(slices.Clone(p.in.Facts), func(g Fact) bool { return f.Key() == g.Key() })
	}
	for _, f := range r.Put {
		if slices.ContainsFunc(p.in.Facts, func(g Fact) bool { return f.Key() == g.Key() }) {
			p.fail("%+v puts %+v beside another of that key", v, f)
		}
		p.in.Facts = append(slices.Clip(p.in.Facts), f)
	}
	if len(r.Run.Pardons) > 0 {
		for i := range p.in.Definition.Phases {
			p.disordered[i] = true
		}
	}
	if r.Ended != nil {
		p.in.Past = Archive(p.in.Past, *r.Ended)
	}
	renewed := r.Run.Number != p.in.Run.Number
	p.in.Run = r.Run
	if renewed {
		p.renew()
	}
	p.undo(v)
	return r
}

// renew forgets what belongs to an earlier run.
func (p *play) renew() {
	clear(p.latched)
	for _, s := range p.all() {
		o := p.of(s)
		o.BegunAt, o.TriedAt, o.Attempts = time.Time{}, time.Time{}, 0
		p.disordered[s.phase] = true
	}
	if chance(p.t, 50, "forgets") {
		expired := Expired(p.in.Facts, "deploy", p.in.Run)
		p.in.Facts = slices.DeleteFunc(slices.Clone(p.in.Facts), func(f Fact) bool {
			return slices.ContainsFunc(expired, func(g Fact) bool { return cmp.Equal(f, g) })
		})
	}
}

// undo notes that steps which were COMPLETE need not be so any more.
func (p *play) undo(v Verb) {
	if v.Kind != VerbRestart && v.Kind != VerbInclude && v.Kind != VerbForce && v.Kind != VerbExcept {
		return
	}
	for _, s := range p.all() {
		phase := &p.in.Definition.Phases[s.phase]
		ofPhase := v.Phase == "" || v.Phase == phase.Name || v.Phase == ID(drawnService, "deploy", phase.Name, "").String()
		ofStep := v.Step == "" || v.Step == p.step(s).Name || v.Step == ID(drawnService, "deploy", phase.Name, p.step(s).Name).String()
		if v.Pod != "" {
			ofPhase, ofStep = p.step(s).Pod == v.Pod, true
		}
		if !ofPhase || !ofStep {
			continue
		}
		p.disordered[s.phase] = true
		if v.Kind == VerbRestart {
			delete(p.latched, s)
		}
	}
}

// reload is what a scheduler does that starts anew: it knows what was recorded, and nothing else.
func (p *play) reload() {
	before := Evaluate(p.in)
	run, err := DecodeRun(EncodeRun(p.in.Run))
	if err != nil {
		p.fail("the run can't be read: %v", err)
	}
	p.in.Run = run
	var facts []Fact
	for _, f := range p.in.Facts {
		back, err := DecodeFact(EncodeFact(f))
		if err != nil {
			p.fail("a fact can't be read: %v", err)
		}
		facts = append(facts, back)
	}
	p.in.Facts = facts
	if diff := cmp.Diff(before, Evaluate(p.in), cmpopts.EquateEmpty()); diff != "" {
		p.fail("after a restart of the scheduler (-before +after):\n%s", diff)
	}
}

// disturb does one thing.
func (p *play) disturb(e Evaluation) {
	t := p.t
	steps := p.all()
	if len(steps) == 0 {
		p.say(p.drawVerb(steps))
		return
	}
	one := oneOf(t, "step", steps...)
	switch oneOf(t, "disturbance", "begin", "begin", "begin", "go on", "go on", "go on", "answer", "answer", "verb", "verb", "verb", "break", "crash", "recover",
		"error", "restart", "freeze", "all") {
	case "begin":
		for _, c := range e.Candidates {
			if chance(t, 60, "begins") {
				p.begin(c)
			}
		}
		p.checkStops()
	case "go on":
		for _, s := range steps {
			if p.step(s).Kind != Wait && chance(t, 60, "goes on") || chance(t, 20, "comes true") {
				p.goOn(s)
			}
		}
	case "all":
		p.help(e)
	case "answer":
		for _, q := range e.Questions {
			p.answer(q, oneOf(t, "fit", Fits, Fits, FitsNot, FitUnknown), oneOf(t, "gate", GateOpen, GateOpen, GateClosed, GateUnknown))
		}
	case "verb":
		v, before := p.drawVerb(steps), deepCopy(p.in)
		Apply(p.in, v)
		if !reflect.DeepEqual(before, p.in) {
			p.fail("%+v: Apply has changed its input", v)
		}
		p.say(v)
	case "break":
		p.breaks(one)
	case "crash":
		p.crashes(one)
	case "recover":
		for _, s := range steps {
			p.recovers(s)
		}
	case "error":
		p.of(one).Errors = nil
		if chance(t, 50, "error") {
			p.of(one).Errors = []string{"no such device"}
		}
		p.note("%s has errors: %q", p.name(one), p.of(one).Errors)
	case "restart":
		p.reload()
	case "freeze":
		if p.in.Run.Number > 0 && !p.in.Run.Ended() {
			p.in.Run = Freeze(p.in.Run, p.in.Now)
		}
	}
}

// drawVerb draws something that an operator may say.
func (p *play) drawVerb(steps []at) Verb {
	t := p.t
	v := Verb{Kind: oneOf(t, "verb", VerbPause, VerbContinue, VerbRestart, VerbContinue, VerbBreak, VerbPause, VerbRestart, VerbForce, VerbExcept, VerbInclude,
		VerbUnbreak, VerbStop, VerbStart, VerbContinue), Reason: oneOf(t, "reason", "", "because"), Force: chance(t, 20, "force")}
	if len(steps) > 0 && v.Kind != VerbStart && v.Kind != VerbStop {
		s := oneOf(t, "of step", steps...)
		level := oneOf(t, "level", 3, 2, 1)
		phase := p.in.Definition.Phases[s.phase].Name
		if level > 1 || v.Kind == VerbBreak || v.Kind == VerbUnbreak {
			v.Phase = phase
		}
		if level > 2 && v.Kind != VerbBreak && v.Kind != VerbUnbreak {
			v.Step = p.step(s).Name
			if chance(t, 10, "by id") {
				v.Step = ID(drawnService, "deploy", phase, v.Step).String()
			}
		}
		if v.Phase != "" && chance(t, 10, "phase by id") {
			v.Phase = ID(drawnService, "deploy", phase, "").String()
		}
		if v.Kind == VerbExcept || v.Kind == VerbInclude {
			v.Phase, v.Step, v.Pod = "", "", p.step(s).Pod
		}
	}
	switch v.Kind {
	case VerbPause:
		v.When = oneOf(t, "when", PauseNow, PauseAfterSteps, PauseAfterPhase, "")
	case VerbBreak, VerbUnbreak:
		v.When = oneOf(t, "where", BeforePhase, AfterPhase, AfterBatch)
	}
	if chance(t, 10, "having looked") {
		v.Revision = Evaluate(p.in).View.Revision
	}
	return v
}

// help lets everything succeed that may go on.
func (p *play) help(e Evaluation) {
	for _, q := range e.Questions {
		p.answer(q, Fits, GateOpen)
	}
	for _, c := range p.evaluate().Candidates {
		p.begin(c)
	}
	p.checkStops()
	for _, s := range p.all() {
		p.goOn(s)
	}
}

// finish continues all that was paused, and helps, until the plan is COMPLETE.
func (p *play) finish() {
	p.note("from now on all goes well")
	for range 20 + 6*len(p.all()) {
		p.pass(time.Second)
		e := p.evaluate()
		if e.View.Status == Complete && (e.Run.Ended() || e.Run.Number == 0) {
			if e.Run.Number > 0 && e.Run.Outcome != Completed {
				p.say(Verb{Kind: VerbStart})
				continue
			}
			return
		}
		for _, s := range p.all() {
			p.of(s).Errors, p.of(s).Holds = nil, nil
			if p.of(s).Fit == FitsNot {
				p.of(s).Fit = Fits
			}
		}
		p.continueAll()
		p.redoFailedStops()
		for range 3 {
			p.help(p.evaluate())
		}
		for _, s := range p.all() {
			p.recovers(s)
		}
		p.pass(p.untilNext())
	}
	p.fail("every pause was continued and every step succeeded, but the plan is %s: %s", p.in.Run.Outcome, p.lastWords())
}

// redoFailedStops does again what has failed to stop a pod for good: no repair ends that, and what is tolerated is not continued. Until then
// the pod is down, and uses its budget.
func (p *play) redoFailedStops() {
	for _, s := range p.all() {
		if p.step(s).Kind == Stop && p.of(s).Stopped && p.plain().failed(s.phase, s.step) {
			p.say(Verb{Kind: VerbRestart, Phase: p.in.Definition.Phases[s.phase].Name, Step: p.step(s).Name})
		}
	}
}

// lastWords is what a plan shows that is stuck.
func (p *play) lastWords() string {
	v := Evaluate(p.in).View
	words := fmt.Sprintf("%s %+v", v.Status, v.Holds)
	for _, phase := range v.Phases {
		words += fmt.Sprintf("\n%s %s", phase.Name, phase.Status)
		for _, step := range phase.Steps {
			words += fmt.Sprintf("\n   %s %s", step.Name, step.Message)
		}
	}
	return words
}

// untilNext is how long it takes until something that is ready has settled, or something that failed is tried again.
func (p *play) untilNext() time.Duration {
	var longest time.Duration
	for _, s := range p.all() {
		o := p.of(s)
		if o.Status == Delayed {
			longest = max(longest, o.Until.Sub(p.in.Now))
		}
		if o.Status == Started && !o.Ready.IsZero() {
			longest = max(longest, o.Ready.Add(p.in.Definition.Phases[s.phase].Settle).Sub(p.in.Now))
		}
	}
	return longest
}

func (p *play) continueAll() {
	if p.in.Run.Number == 0 || p.in.Run.Ended() {
		p.say(Verb{Kind: VerbStart})
	}
	p.in.Run = Freeze(p.in.Run, p.in.Now)
	verbs := []Verb{{Kind: VerbContinue}}
	for _, phase := range p.in.Definition.Phases {
		verbs = append(verbs, Verb{Kind: VerbContinue, Phase: phase.Name})
	}
	for _, f := range p.in.Facts {
		if f.Kind == Paused && f.Step != "" {
			verbs = append(verbs, Verb{Kind: VerbContinue, Phase: f.Phase, Step: f.Step})
		}
	}
	for _, v := range verbs {
		for n := 0; p.say(v).Code == Done; n++ {
			if n > 10 {
				p.fail("%+v never ends", v)
			}
		}
	}
}

// check looks at an evaluation for what must never be.
func (p *play) check(e Evaluation) {
	q := p.plain()
	for _, s := range p.all() {
		o, view := p.of(s), e.View.Phases[s.phase].Steps[s.step]
		phase := &p.in.Definition.Phases[s.phase]
		candidate := slices.ContainsFunc(e.Candidates, func(c Candidate) bool { return c.Phase == s.phase && c.Step == s.step })
		if p.latched[s] && view.Status != Complete && view.Status != Error && !p.in.Run.Ended() {
			p.fail("%s was COMPLETE in this run, and is %s", p.name(s), view.Message)
		}
		if o.Stopped && o.Ready.IsZero() && p.launches(s) && view.Status == Complete && !q.forced(s.phase, s.step) && !q.excepted(view.Pod) {
			p.fail("%s was stopped and not launched again, and is COMPLETE", p.name(s))
		}
		if o.Stopped && q.failed(s.phase, s.step) {
			if p.launches(s) && !slices.Contains(e.HandedOver, p.step(s).Pod) {
				p.fail("%s was stopped and has failed, and nobody brings its pod back: %v", p.name(s), e.HandedOver)
			}
		} else if o.Stopped && view.Status != Complete && !candidate {
			pause := len(view.Holds) == 0 || view.Holds[0].Code == CodePaused || view.Holds[0].Code == CodeHalted || view.Holds[0].Code == CodeBreakpoint
			if pause {
				p.fail("%s was stopped, and is left down: %s", p.name(s), view.Message)
			}
		}
		if candidate && phase.Strategy.canary() && !q.begun(s.phase, s.step) {
			released := q.releasedByName(s.phase, s.step)
			for _, f := range q.onPhase(Released, s.phase) {
				released = released || f.All
			}
			if !released {
				p.fail("%s begins, and nobody has released it", p.name(s))
			}
		}
	}
	for i, phase := range p.in.Definition.Phases {
		under := 0
		for j := range phase.Steps {
			if q.underWay(i, j) {
				under++
			}
			if q.failed(i, j) { // others begin, and it may yet become ready, or be pardoned
				p.disordered[i] = true
			}
		}
		if s := phase.Strategy; s != Parallel && s != ParallelCanary && under > 1 && !p.disordered[i] {
			p.fail("%d steps of the serial phase %s are under way", under, phase.Name)
		}
	}
	serialBeginsOne(p.t, p.in, e)
	pausedBeginsNothing(p.t, p.in, e)
	stoppedGoesOn(p.t, p.in, e)
	gatesAreAsked(p.t, p.in, e)
	batchesKeepToADomain(p.t, p.in, e)
	stopsKeepToBudgets(p.t, p.in.Ledger, []Input{p.in}, []Evaluation{e})
	countsAddUp(p.t, p.in, e)
	if p.t.Failed() {
		p.fail("see above")
	}
}

// checkStops looks at what is stopped by now: that it is one batch of each phase, and no more than the budgets allow.
func (p *play) checkStops() {
	q := p.plain()
	stopped := map[string]bool{} // pods, not by force
	for i, phase := range p.in.Definition.Phases {
		domains, batch := map[string]bool{}, 0
		for _, j := range q.disrupted(i) {
			state := p.pod(phase.Steps[j].Pod)
			if state == nil || p.byForce[at{i, j}] || !state.Down || !p.in.Observations[i][j].Stopped {
				continue
			}
			domains[state.Domain] = true
			stopped[state.Name] = !p.wasDown[at{i, j}]
			batch++
		}
		if !p.disordered[i] && (len(domains) > 1 || batch > q.batchLimit(i)) {
			p.fail("%d pods of phase %s, in domains %v, are stopped together; a batch has %d", batch, phase.Name, domains, q.batchLimit(i))
		}
	}
	for _, podType := range podTypes {
		total, down := map[string]int{}, map[string]int{}
		for _, state := range p.in.Ledger.Pods {
			if state.Type != podType || q.excepted(state.Name) {
				continue
			}
			for _, of := range []string{"", "in " + state.Domain} {
				total[of]++
				if stopped[state.Name] {
					down[of]++
				}
			}
		}
		b := p.in.Ledger.budget(podType)
		for of, n := range down {
			most := &b.MaxUnavailable
			if of != "" {
				most = b.PerDomain
			}
			if most != nil && n > plainAmount(*most, total[of]) {
				p.fail("%d of %d %s pods %s are stopped, at most %d may be", n, total[of], podType, of, plainAmount(*most, total[of]))
			}
		}
	}
}
