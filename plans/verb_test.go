package plans

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// saying is a verb, said to the plan of verbInput after some changes, and what is to come of it.
type saying struct {
	name   string
	change func(in *Input)
	verb   Verb // by alice, to plan deploy, unless it says otherwise

	code      ReplyCode
	text      string
	put       []Fact // by alice, at noon, about plan deploy, unless they say otherwise
	forgets   []int  // places in the facts
	run       func(r *Run)
	ended     func(r *Run)
	questions []Question
}

// verbInput is a plan in the middle: registry is COMPLETE, data under way, client to come.
func verbInput(t *testing.T) Input {
	def := parseDefinition(t, `plan deploy serial attempts=2
phase registry serial
  launch registry-0
  launch registry-1
phase data parallel gated
  launch data-0
  launch data-1
  wait members
phase client serial-canary
  launch client-0
  launch client-1
  launch client-2`)
	in := Input{
		Definition: def,
		Run:        Run{Number: 1, Target: "t1", Actor: "framework", StartedAt: clock(t, "10:00:00"), FrozenAt: clock(t, "10:00:00")},
		Now:        noon,
		Ledger: Ledger{Budgets: []Budget{{PodType: "registry", MaxUnavailable: Amount{Value: 1}, Quorum: true}}, Pods: []PodState{
			{Name: "client-0", Type: "client", Down: true}, {Name: "client-1", Type: "client", Down: true}, {Name: "client-2", Type: "client"},
			{Name: "data-0", Type: "data", Down: true}, {Name: "data-1", Type: "data"}, {Name: "registry-0", Type: "registry", Down: true},
			{Name: "registry-1", Type: "registry"},
		}},
	}
	done := Observation{Status: Complete, BegunAt: clock(t, "10:01:00"), TriedAt: clock(t, "10:01:00"), Done: Mark{Run: 1, At: clock(t, "10:02:00")}}
	starting := Observation{Status: Starting, BegunAt: clock(t, "11:00:00"), TriedAt: clock(t, "11:00:00")}
	in.Observations = [][]Observation{{done, done}, {starting, {}, {}}, make([]Observation, 3)}
	return in
}

// allComplete makes the plan COMPLETE, and what is known of its run.
func allComplete(in *Input) {
	for i := range in.Observations {
		for j := range in.Observations[i] {
			in.Observations[i][j] = Observation{Status: Complete, TriedAt: noon.Add(-time.Hour), Done: Mark{Run: 1, At: noon.Add(-time.Minute)}}
		}
	}
}

// hasCompleted is a run that ended COMPLETE.
func hasCompleted(in *Input) {
	allComplete(in)
	in.Run.CompletedAt, in.Run.Outcome = noon.Add(-time.Minute), Completed
}

// wasStopped is a run that an operator stopped.
func wasStopped(in *Input) {
	in.Run.CompletedAt, in.Run.Outcome, in.Run.EndedBy, in.Run.EndReason = noon.Add(-time.Minute), Stopped, "bob", "too slow"
}

func wasNeverStarted(in *Input) {
	in.Definition.Manual, in.Run, in.Observations = true, Run{}, nil
}

// hasHalted is a run that paused itself because data-0 has failed.
func hasHalted(in *Input) {
	*find(in, "data-0") = Observation{BegunAt: noon.Add(-time.Hour), TriedAt: noon.Add(-time.Hour), Attempts: 2}
	in.Run.Halt = &Halt{Cause: Hold{Code: CodeFailed, Text: `step "data-0" failed 2 times`}, At: noon.Add(-time.Minute), Command: "plan resume deploy"}
}

// atClient is a plan that has come to its canary phase.
func atClient(in *Input) {
	done := in.Observations[0][0]
	in.Observations[1] = []Observation{done, done, done}
}

// together makes one change of several.
func together(changes ...func(in *Input)) func(in *Input) {
	return func(in *Input) {
		for _, change := range changes {
			change(in)
		}
	}
}

// saidBefore adds facts of bob, of an hour ago.
func saidBefore(facts ...Fact) func(in *Input) {
	return func(in *Input) {
		for _, f := range facts {
			f.Actor = "bob"
			f.At = noon.Add(-time.Hour)
			if f.Pod == "" {
				f.Plan = "deploy"
			}
			in.Facts = append(in.Facts, f)
		}
	}
}

// observing replaces what is known of a step.
func observing(step string, o Observation) func(in *Input) {
	return func(in *Input) { *find(in, step) = o }
}

// checkSayings says the verbs, by names, by ids, and with facts that use ids.
func checkSayings(t *testing.T, sayings []saying) {
	t.Helper()
	for _, s := range sayings {
		t.Run(s.name, func(t *testing.T) {
			in := verbInput(t)
			if s.change != nil {
				s.change(&in)
			}
			v := s.verb
			v.Plan, v.Actor = cmp.Or(v.Plan, "deploy"), cmp.Or(v.Actor, "alice")
			before := deepCopy(in)
			reply := Apply(in, v)
			if diff := gocmp.Diff(before, in); diff != "" {
				t.Errorf("the input was changed (-before +after):\n%s", diff)
			}
			if diff := gocmp.Diff(s.reply(in, v), reply, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("reply (-want +got):\n%s", diff)
			}
			if w, ok := byIDs(in.Definition, v); ok {
				if diff := gocmp.Diff(reply, Apply(in, w)); diff != "" {
					t.Errorf("the same by ids is not the same (-names +ids):\n%s", diff)
				}
			}
			for i, f := range in.Facts {
				in.Facts[i] = factByIDs(in.Definition, f)
			}
			for i, f := range reply.Delete {
				reply.Delete[i] = factByIDs(in.Definition, f)
			}
			v.Revision = ""
			if diff := gocmp.Diff(reply, Apply(in, v)); diff != "" && s.verb.Revision == "" {
				t.Errorf("with facts that use ids it is not the same (-names +ids):\n%s", diff)
			}
		})
	}
}

// reply is what is to come of a saying.
func (s *saying) reply(in Input, v Verb) Reply {
	r := Reply{Code: s.code, Text: s.text, Run: deepCopy(in.Run), Questions: s.questions}
	for _, f := range s.put {
		f.Actor, f.Reason, f.Revision = cmp.Or(f.Actor, v.Actor), cmp.Or(f.Reason, v.Reason), v.Revision
		if f.Kind != Excepted {
			f.Plan = "deploy"
		}
		if f.At.IsZero() {
			f.At = noon
		}
		r.Put = append(r.Put, f)
	}
	for _, i := range s.forgets {
		r.Delete = append(r.Delete, in.Facts[i])
	}
	if s.run != nil {
		s.run(&r.Run)
	}
	if s.ended != nil {
		ended := deepCopy(in.Run)
		s.ended(&ended)
		r.Ended = &ended
	}
	return r
}

// byIDs names the same element by ids; not ok if there is none.
func byIDs(d Definition, v Verb) (Verb, bool) {
	if v.Plan != d.Name {
		return v, false
	}
	w := v
	w.Plan = ID(d.Service, d.Name, "", "").String()
	if v.Phase == "" {
		return w, v.Step == ""
	}
	w.Phase = ID(d.Service, d.Name, v.Phase, "").String()
	i := slices.IndexFunc(d.Phases, func(p Phase) bool { return p.Name == v.Phase })
	if i < 0 || v.Step == "" {
		return w, i >= 0
	}
	w.Step = ID(d.Service, d.Name, v.Phase, v.Step).String()
	return w, slices.ContainsFunc(d.Phases[i].Steps, func(s Step) bool { return s.Name == v.Step })
}

func factByIDs(d Definition, f Fact) Fact {
	if f.Plan == "" {
		return f
	}
	w, _ := byIDs(d, Verb{Plan: f.Plan, Phase: f.Phase, Step: f.Step})
	f.Plan, f.Phase, f.Step = w.Plan, w.Phase, w.Step
	return f
}

func TestApplyFindsTheElement(t *testing.T) {
	pause := func(phase, step string) Verb { return Verb{Kind: VerbPause, Phase: phase, Step: step} }
	checkSayings(t, []saying{
		{name: "no such plan", verb: Verb{Kind: VerbPause, Plan: "repair"}, code: NotFound, text: `plan "repair": not found`},
		{name: "no such phase", verb: pause("x", ""), code: NotFound, text: `plan "deploy": phase "x": not found; there are registry, data, client`},
		{name: "no phases", verb: pause("x", ""), change: func(in *Input) { in.Definition.Phases, in.Observations = nil, nil }, code: NotFound,
			text: `plan "deploy": phase "x": not found; there are none at the moment`},
		{name: "no such step", verb: pause("data", "x"), code: NotFound,
			text: `plan "deploy": phase "data": step "x": not found; there are data-0, data-1, members`},
		{name: "no steps", verb: pause("data", "x"), change: func(in *Input) { in.Definition.Phases[1].Steps = nil }, code: NotFound,
			text: `plan "deploy": phase "data": step "x": not found; there are none at the moment`},
		{name: "a step of another phase", verb: pause("registry", "data-0"), code: NotFound,
			text: `plan "deploy": phase "registry": step "data-0": not found; there are registry-0, registry-1`},
		{name: "a step without its phase", verb: pause("", "data-0"), code: Invalid,
			text: `step "data-0": the phase is missing; a step is named by its phase and its name`},
		{name: "an unknown verb", verb: Verb{Kind: "dance"}, code: Invalid, text: `verb "dance": unknown`},
		{name: "looked at another state", verb: Verb{Kind: VerbPause, Phase: "data", Revision: "x"}, code: Conflict,
			text: fmt.Sprintf(`plan "deploy": phase "data": has changed since you looked (revision x, now %s); look again`, Evaluate(verbInput(t)).View.Revision)},
		{name: "looked at this state", verb: Verb{Kind: VerbPause, Phase: "data", Revision: Evaluate(verbInput(t)).View.Revision}, code: Done,
			text: `plan "deploy": phase "data": paused`, put: []Fact{{Kind: Paused, Phase: "data"}}},
	})
}

func TestNobodyMaySayAnything(t *testing.T) {
	in := verbInput(t)
	for _, kind := range verbKinds {
		r := Apply(in, Verb{Kind: kind, Plan: "deploy"})
		if diff := gocmp.Diff(Reply{Code: Invalid, Text: "actor: empty; say who you are", Run: in.Run}, r); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
}

var verbKinds = []VerbKind{VerbPause, VerbContinue, VerbStart, VerbStop, VerbRestart, VerbForce, VerbExcept, VerbInclude, VerbBreak, VerbUnbreak}

func TestPause(t *testing.T) {
	pause := func(when When, path ...string) Verb {
		path = append(path, "", "")
		return Verb{Kind: VerbPause, When: when, Phase: path[0], Step: path[1]}
	}
	checkSayings(t, []saying{
		{name: "plan", verb: pause(""), code: Done, text: `plan "deploy": paused`, put: []Fact{{Kind: Paused}}},
		{name: "plan, for a reason", verb: Verb{Kind: VerbPause, Reason: "lunch", Actor: "bob"}, code: Done, text: `plan "deploy": paused`,
			put: []Fact{{Kind: Paused, Actor: "bob", Reason: "lunch"}}},
		{name: "plan after steps", verb: pause(PauseAfterSteps), code: Done, text: `plan "deploy": pauses when the steps under way have ended`,
			put: []Fact{{Kind: Paused, When: PauseAfterSteps}}},
		{name: "plan after phase", verb: pause(PauseAfterPhase), code: Done, text: `plan "deploy": pauses when the phases that have begun have ended`,
			put: []Fact{{Kind: Paused, When: PauseAfterPhase}}},
		{name: "phase", verb: pause(PauseNow, "data"), code: Done, text: `plan "deploy": phase "data": paused`,
			put: []Fact{{Kind: Paused, Phase: "data"}}},
		{name: "phase after steps", verb: pause(PauseAfterSteps, "data"), code: Done,
			text: `plan "deploy": phase "data": pauses when the steps under way have ended`,
			put:  []Fact{{Kind: Paused, Phase: "data", When: PauseAfterSteps}}},
		{name: "phase after phase", verb: pause(PauseAfterPhase, "data"), code: Done,
			text: `plan "deploy": phase "data": what follows it waits when it has ended`, put: []Fact{{Kind: Paused, Phase: "data", When: PauseAfterPhase}}},
		{name: "step", verb: pause("", "data", "data-1"), code: Done, text: `plan "deploy": phase "data": step "data-1": paused`,
			put: []Fact{{Kind: Paused, Phase: "data", Step: "data-1"}}},
		{name: "step after steps", verb: pause(PauseAfterSteps, "data", "data-0"), code: Done,
			text: `plan "deploy": phase "data": step "data-0": pauses when it has ended`,
			put:  []Fact{{Kind: Paused, Phase: "data", Step: "data-0", When: PauseAfterSteps}}},
		{name: "step after phase", verb: pause(PauseAfterPhase, "data", "data-0"), code: Invalid,
			text: `plan "deploy": phase "data": step "data-0": a pause "after-phase" does not fit; use now, after-steps, or for a plan or phase after-phase`},
		{name: "soon", verb: pause("soon"), code: Invalid,
			text: `plan "deploy": a pause "soon" does not fit; use now, after-steps, or for a plan or phase after-phase`},
		{name: "paused already", change: saidBefore(Fact{Kind: Paused, Phase: "data"}), verb: pause("", "data"), code: Already,
			text: `plan "deploy": phase "data": paused already by bob since 2026-11-23T11:00:00Z`},
		{name: "paused already, said in another way", change: saidBefore(Fact{Kind: Paused, When: PauseNow}), verb: pause(""), code: Already,
			text: `plan "deploy": paused already by bob since 2026-11-23T11:00:00Z`},
		{name: "another pause takes the place of the first",
			change: saidBefore(Fact{Kind: Paused, Phase: "data"}, Fact{Kind: Paused, Phase: "data", When: PauseAfterPhase}, Fact{Kind: Paused}),
			verb:   pause(PauseAfterSteps, "data"), code: Done, text: `plan "deploy": phase "data": pauses when the steps under way have ended`,
			put: []Fact{{Kind: Paused, Phase: "data", When: PauseAfterSteps}}, forgets: []int{0, 1}},
		{name: "a step that is COMPLETE", verb: pause("", "registry", "registry-0"), code: Already,
			text: `plan "deploy": phase "registry": step "registry-0": is COMPLETE; there is nothing to pause`},
		{name: "a phase that is COMPLETE keeps the pause of another", change: saidBefore(Fact{Kind: Paused, Phase: "registry", When: PauseAfterPhase}),
			verb: pause("", "registry"), code: Already, text: `plan "deploy": phase "registry": is COMPLETE; there is nothing to pause`},
		{name: "a plan that is COMPLETE", change: hasCompleted, verb: pause(""), code: Already,
			text: `plan "deploy": is COMPLETE; there is nothing to pause`},
		{name: "a repair plan that is COMPLETE", change: together(hasCompleted, func(in *Input) { in.Definition.Repair = true }), verb: pause(""), code: Done,
			text: `plan "deploy": paused`, put: []Fact{{Kind: Paused}}},
		{name: "a plan that was not started", change: wasNeverStarted, verb: pause(""), code: Done, text: `plan "deploy": paused`,
			put: []Fact{{Kind: Paused}}},
	})
}

func TestContinue(t *testing.T) {
	proceed := func(path ...string) Verb {
		path = append(path, "", "")
		return Verb{Kind: VerbContinue, Phase: path[0], Step: path[1]}
	}
	goesOn := func(pardons ...Pardon) func(r *Run) {
		return func(r *Run) { r.Halt, r.ContinuedAt, r.Pardons = nil, noon, pardons }
	}
	ofData0 := Pardon{Phase: "data", Step: "data-0", Attempts: 2, At: noon}
	checkSayings(t, []saying{
		{name: "plan that is not paused", verb: proceed(), code: Already,
			text: `plan "deploy": is not paused; the canary of phase "client" is continued by naming the phase`},
		{name: "phase that is not paused", verb: proceed("data"), code: Already, text: `plan "deploy": phase "data": is not paused`},
		{name: "step that is not paused", verb: proceed("data", "data-1"), code: Already,
			text: `plan "deploy": phase "data": step "data-1": is not paused`},
		{name: "plan", change: saidBefore(Fact{Kind: Paused}), verb: proceed(), code: Done,
			text: `plan "deploy": resumed; the canary of phase "client" is continued by naming the phase`, forgets: []int{0}},
		{name: "plan, with all its pauses",
			change: saidBefore(Fact{Kind: Paused}, Fact{Kind: Paused, Phase: "client"}, Fact{Kind: Paused, When: PauseAfterSteps}),
			verb:   proceed(), code: Done, text: `plan "deploy": resumed; phase "client" is paused by bob since 2026-11-23T11:00:00Z`, forgets: []int{0, 2}},
		{name: "phase", change: saidBefore(Fact{Kind: Paused, Phase: "data"}), verb: proceed("data"), code: Done,
			text: `plan "deploy": phase "data": resumed`, forgets: []int{0}},
		{name: "phase, under a paused plan", change: saidBefore(Fact{Kind: Paused, Phase: "data"}, Fact{Kind: Paused}), verb: proceed("data"), code: Done,
			text: `plan "deploy": phase "data": resumed; the whole plan is paused by bob since 2026-11-23T11:00:00Z`, forgets: []int{0}},
		{name: "phase, under a halted run", change: together(hasHalted, saidBefore(Fact{Kind: Paused, Phase: "data"})), verb: proceed("data"), code: Done,
			text: `plan "deploy": phase "data": resumed; the whole run paused itself`, forgets: []int{0}},
		{name: "canary phase that is paused", change: together(atClient, saidBefore(Fact{Kind: Paused, Phase: "client"})), verb: proceed("client"), code: Done,
			text: `plan "deploy": phase "client": resumed; its canary still waits: to continue once more begins step "client-0"`, forgets: []int{0}},
		{name: "step that has not begun", change: saidBefore(Fact{Kind: Paused, Phase: "data", Step: "data-1"}), verb: proceed("data", "data-1"),
			code: Done,
			text: `plan "deploy": phase "data": step "data-1": resumed`, forgets: []int{0}},
		{name: "step that has begun: its time counts anew", change: saidBefore(Fact{Kind: Paused, Phase: "data", Step: "data-0"}),
			verb: proceed("data", "data-0"), code: Done, text: `plan "deploy": phase "data": step "data-0": resumed`, forgets: []int{0},
			run: func(r *Run) { r.Pardons = []Pardon{{Phase: "data", Step: "data-0", At: noon}} }},
		{name: "step that has begun in a run that has ended", change: together(wasStopped, saidBefore(Fact{Kind: Paused, Phase: "data", Step: "data-0"})),
			verb: proceed("data", "data-0"), code: Done, text: `plan "deploy": phase "data": step "data-0": resumed`, forgets: []int{0}},
		{name: "step that has failed: its attempts do not", change: together(observing("data-0", Observation{BegunAt: noon.Add(-time.Hour), Attempts: 1}),
			saidBefore(Fact{Kind: Paused, Phase: "data", Step: "data-0"})), verb: proceed("data", "data-0"), code: Done,
			text: `plan "deploy": phase "data": step "data-0": resumed`, forgets: []int{0},
			run: func(r *Run) { r.Pardons = []Pardon{{Phase: "data", Step: "data-0", At: noon}} }},
		{name: "step that was pardoned stays so", change: together(func(in *Input) {
			in.Run.Pardons = []Pardon{{Phase: "registry", Step: "registry-0", Attempts: 1}, {Phase: "data", Step: "data-0", Attempts: 1, At: noon.Add(-time.Hour)}}
		}, saidBefore(Fact{Kind: Paused, Phase: "data", Step: "data-0"})), verb: proceed("data", "data-0"), code: Done,
			text: `plan "deploy": phase "data": step "data-0": resumed`, forgets: []int{0},
			run: func(r *Run) { r.Pardons[1].At = noon }},
		{name: "step, under a paused phase and plan",
			change: saidBefore(Fact{Kind: Paused, Phase: "data", Step: "data-1"}, Fact{Kind: Paused, Phase: "data"}, Fact{Kind: Paused}),
			verb:   proceed("data", "data-1"), code: Done, forgets: []int{0},
			text: `plan "deploy": phase "data": step "data-1": resumed; the whole plan is paused by bob since 2026-11-23T11:00:00Z; its phase is paused by bob since 2026-11-23T11:00:00Z`},
		{name: "halted run", change: hasHalted, verb: proceed(), code: Done, text: `plan "deploy": the run goes on`, run: goesOn(ofData0)},
		{name: "halted run, by naming a phase", change: hasHalted, verb: proceed("data"), code: Already,
			text: `plan "deploy": phase "data": is not paused; the whole run paused itself`},
		{name: "halted run under a pause", change: together(hasHalted, saidBefore(Fact{Kind: Paused})), verb: proceed(), code: Done,
			text: `plan "deploy": resumed; the run goes on; the canary of phase "client" is continued by naming the phase`, forgets: []int{0},
			run: goesOn(ofData0)},
		{name: "run that halts at this moment", change: together(hasHalted, func(in *Input) { in.Run.Halt = nil }), verb: proceed(), code: Done,
			text: `plan "deploy": the run goes on`, run: goesOn(ofData0)},
		{name: "halted run that was stopped", change: together(hasHalted, wasStopped), verb: proceed(), code: Already,
			text: `plan "deploy": is not paused; the canary of phase "client" is continued by naming the phase`},
		{name: "breakpoint before a phase that is not reached", change: saidBefore(Fact{Kind: Breakpoint, When: BeforePhase, Phase: "client"}),
			verb: proceed(), code: Already,
			text: `plan "deploy": is not paused; the canary of phase "client" is continued by naming the phase`},
		{name: "breakpoint before a phase", change: together(atClient, saidBefore(Fact{Kind: Breakpoint, When: BeforePhase, Phase: "client"})),
			verb: proceed("client"), code: Done,
			text: `plan "deploy": phase "client": passes the breakpoint before phase "client"`, forgets: []int{0}},
		{name: "breakpoints, by the plan", change: together(atClient, func(in *Input) { in.Definition.Strategy = Parallel },
			saidBefore(Fact{Kind: Breakpoint, When: BeforePhase, Phase: "client"}, Fact{Kind: Breakpoint, When: AfterPhase, Phase: "data"})),
			verb: proceed(), code: Done,
			text: `plan "deploy": passes the breakpoint after phase "data"; passes the breakpoint before phase "client"`, forgets: []int{1, 0}},
		{name: "breakpoint after a batch",
			change: together(saidBefore(Fact{Kind: Breakpoint, When: AfterBatch, Phase: "data"}), observing("data-0", Observation{Status: Complete}),
				func(in *Input) { in.Run.Batches = []BatchCursor{{Phase: "data", Done: 2}} }), verb: proceed("data"), code: Done,
			text: `plan "deploy": phase "data": passes the breakpoint after batch 2 of phase "data"`, forgets: []int{0},
			put: []Fact{{Kind: Breakpoint, When: AfterBatch, Phase: "data", Batches: 2, BatchRun: 1, Actor: "bob", At: noon.Add(-time.Hour)}}},
		{name: "breakpoint after a batch, and something has fallen over", change: together(saidBefore(Fact{Kind: Breakpoint, When: AfterBatch, Phase: "data"}),
			func(in *Input) { in.Run.Batches = []BatchCursor{{Phase: "data", Done: 2, Open: true}} }), verb: proceed("data"), code: Done,
			text: `plan "deploy": phase "data": passes the breakpoint after batch 2 of phase "data"`, forgets: []int{0},
			put: []Fact{{Kind: Breakpoint, When: AfterBatch, Phase: "data", Batches: 2, BatchRun: 1, Actor: "bob", At: noon.Add(-time.Hour)}}},
		{name: "breakpoint after a batch that goes on", change: together(saidBefore(Fact{Kind: Breakpoint, When: AfterBatch, Phase: "data", Batches: 2, BatchRun: 1}),
			func(in *Input) { in.Run.Batches = []BatchCursor{{Phase: "data", Done: 2, Open: true}} }), verb: proceed("data"), code: Already,
			text: `plan "deploy": phase "data": is not paused`},
	})
}

func TestContinueACanary(t *testing.T) {
	proceed := Verb{Kind: VerbContinue, Phase: "client"}
	released := func(all bool, steps ...string) Fact {
		return Fact{Kind: Released, Phase: "client", Run: 1, Steps: steps, All: all}
	}
	checkSayings(t, []saying{
		{name: "the first", change: atClient, verb: proceed, code: Done, text: `plan "deploy": phase "client": step "client-0" begins`,
			put: []Fact{released(false, "client-0")}},
		{name: "the last takes all others along", change: together(atClient, saidBefore(released(false, "client-0"))), verb: proceed, code: Done,
			text: `plan "deploy": phase "client": step "client-1" begins, and the other 1 when it is COMPLETE`,
			put:  []Fact{released(true, "client-0", "client-1")}, forgets: []int{0}},
		{name: "more canaries", change: together(atClient, saidBefore(released(false, "client-0")), func(in *Input) { in.Definition.Phases[2].Canaries = 3 }),
			verb: proceed, code: Done,
			text: `plan "deploy": phase "client": step "client-1" begins`, put: []Fact{released(false, "client-0", "client-1")}, forgets: []int{0}},
		{name: "all was released", change: together(atClient, saidBefore(released(true, "client-0", "client-1"))), verb: proceed, code: Already,
			text: `plan "deploy": phase "client": is not paused`},
		{name: "what was released in an earlier run does not count",
			change: together(atClient, func(in *Input) { in.Run.Number = 2 }, saidBefore(released(true, "client-0", "client-1"))),
			verb:   proceed, code: Done, text: `plan "deploy": phase "client": step "client-0" begins`,
			put: []Fact{{Kind: Released, Phase: "client", Run: 2, Steps: []string{"client-0"}}}, forgets: []int{0}},
		{name: "in the order of the phase", change: together(atClient, observing("client-0", Observation{Rank: 1})), verb: proceed, code: Done,
			text: `plan "deploy": phase "client": step "client-1" begins`, put: []Fact{released(false, "client-1")}},
		{name: "what is under way needs no release", change: together(atClient, observing("client-0", Observation{Status: Starting, BegunAt: noon})),
			verb: proceed, code: Done,
			text: `plan "deploy": phase "client": step "client-1" begins`, put: []Fact{released(false, "client-1")}},
		{name: "before its turn", verb: proceed, code: Done, text: `plan "deploy": phase "client": step "client-0" begins`,
			put: []Fact{released(false, "client-0")}},
		{name: "one alone", change: together(atClient, func(in *Input) { in.Definition.Phases[2].Steps = in.Definition.Phases[2].Steps[:1] }), verb: proceed,
			code: Done,
			text: `plan "deploy": phase "client": step "client-0" begins`, put: []Fact{released(true, "client-0")}},
		{name: "without a run", change: wasNeverStarted, verb: proceed, code: Refused,
			text: `plan "deploy": phase "client": plan "deploy" was not started`},
		{name: "without a run, always at work", change: together(wasNeverStarted, func(in *Input) { in.Definition.Manual = false }), verb: proceed,
			code: Refused,
			text: `plan "deploy": phase "client": has no run that could be continued`},
		{name: "in a run that has ended", change: together(atClient, wasStopped), verb: proceed, code: Refused,
			text: `plan "deploy": phase "client": run 1 is stopped by bob: too slow`},
	})
}

func TestACanaryThatChangedIsAConflict(t *testing.T) {
	in := verbInput(t)
	atClient(&in)
	seen := Evaluate(in).View
	if got := seen.Phases[2].Continue; got == nil || got.Step != "client-0" {
		t.Fatalf("continue would release %+v", got)
	}
	v := Verb{Kind: VerbContinue, Plan: "deploy", Phase: "client", Actor: "alice", Revision: seen.Revision}
	if r := Apply(in, v); r.Code != Done {
		t.Errorf("%s: %s", r.Code, r.Text)
	}
	observing("client-0", Observation{Rank: 1})(&in) // it is the primary by now
	now := Evaluate(in).View.Revision
	want := fmt.Sprintf(`plan "deploy": phase "client": has changed since you looked (revision %s, now %s); look again`, seen.Revision, now)
	r := Apply(in, v)
	if diff := gocmp.Diff(Reply{Code: Conflict, Text: want, Run: in.Run}, r); diff != "" {
		t.Errorf("reply (-want +got):\n%s", diff)
	}
}

// TestManyPardonsAreOne halts a run in which so many steps of a phase have failed.
func TestManyPardonsAreOne(t *testing.T) {
	for _, n := range []int{1, maxPardons, maxPardons + 1, 500} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			phase := Phase{Name: "data", Strategy: Parallel}
			var observations []Observation
			var want []Pardon
			for j := range n {
				name := fmt.Sprintf("data-%d", j)
				phase.Steps = append(phase.Steps, Step{Name: name, Kind: Launch, Pod: name})
				observations = append(observations, Observation{BegunAt: noon, TriedAt: noon, Attempts: 2 + j%3})
				want = append(want, Pardon{Phase: "data", Step: name, Attempts: 2 + j%3, At: noon})
			}
			if n > maxPardons {
				want = []Pardon{{Phase: "data", Attempts: 4, At: noon}}
			}
			in := Input{
				Definition:   Definition{Service: "quobyte", Name: "deploy", Strategy: Serial, Policy: Policy{Attempts: 2}, Phases: []Phase{phase}},
				Observations: [][]Observation{observations}, Run: Run{Number: 1, StartedAt: noon, FrozenAt: noon}, Now: noon,
			}
			in.Run = Evaluate(in).Run
			if in.Run.Halt == nil {
				t.Fatal("the run has not halted")
			}
			r := Apply(in, Verb{Kind: VerbContinue, Plan: "deploy", Actor: "alice"})
			if diff := gocmp.Diff(want, r.Run.Pardons); diff != "" {
				t.Errorf("%s: %s: pardons (-want +got):\n%s", r.Code, r.Text, diff)
			}
			in.Run = r.Run
			if e := Evaluate(in); e.Run.Halt != nil || len(e.Candidates) != n {
				t.Errorf("after it %d of %d may begin; halt %+v", len(e.Candidates), n, e.Run.Halt)
			}
		})
	}
}

func TestStartVerb(t *testing.T) {
	ofAlice := func(number int, reason string, arguments ...Argument) func(r *Run) {
		return func(r *Run) {
			*r = Run{Number: number, Target: r.Target, Provenance: r.Provenance, Actor: "alice", Reason: reason, Arguments: arguments, StartedAt: noon, FrozenAt: noon}
		}
	}
	withParameters := func(in *Input) {
		in.Definition.Parameters = []Parameter{{Name: "speed", Type: Integer, Required: true}, {Name: "dry", Type: Boolean, Default: "false"}}
	}
	const canary = `; the canary of phase "client" is continued by naming the phase`
	checkSayings(t, []saying{
		{name: "the first run", change: wasNeverStarted, verb: Verb{Kind: VerbStart, Reason: "nightly"}, code: Done,
			text: `plan "deploy": run 1 begins` + canary, run: ofAlice(1, "nightly")},
		{name: "not all members are known", change: together(wasNeverStarted, func(in *Input) { in.Definition.Phases[1].Open = true }),
			verb: Verb{Kind: VerbStart}, code: Done,
			text: `plan "deploy": run 1 begins` + canary, run: func(r *Run) { *r = Run{Number: 1, Actor: "alice", StartedAt: noon} }},
		{name: "after one that was stopped", change: together(wasStopped, func(in *Input) { in.Run.Provenance = "package" }), verb: Verb{Kind: VerbStart},
			code: Done,
			text: `plan "deploy": run 2 begins` + canary, run: ofAlice(2, "")},
		{name: "after one that is COMPLETE", change: hasCompleted, verb: Verb{Kind: VerbStart}, code: Done, text: `plan "deploy": run 2 begins`,
			run: ofAlice(2, "")},
		{name: "after one that becomes COMPLETE at this moment", change: allComplete, verb: Verb{Kind: VerbStart}, code: Done,
			text: `plan "deploy": run 2 begins`,
			run:  ofAlice(2, ""), ended: func(r *Run) { r.CompletedAt, r.Outcome = noon, Completed }},
		{name: "a plan without runs", change: together(wasNeverStarted, func(in *Input) { in.Definition.Manual = false }), verb: Verb{Kind: VerbStart}, code: Already,
			text: `plan "deploy": is always at work, and needs no start`},
		{name: "while it runs", verb: Verb{Kind: VerbStart}, code: Already, text: `plan "deploy": runs already: run 1 by framework`},
		{name: "under a pause", change: together(wasStopped, saidBefore(Fact{Kind: Paused, Reason: "lunch"}, Fact{Kind: Paused, Phase: "client"})),
			verb: Verb{Kind: VerbStart}, code: Done,
			text: `plan "deploy": run 2 begins; it is paused by bob since 2026-11-23T11:00:00Z: lunch; phase "client" is paused by bob since 2026-11-23T11:00:00Z`, run: ofAlice(2, "")},
		{name: "with values", change: together(wasNeverStarted, withParameters), verb: Verb{Kind: VerbStart, Values: map[string]string{"speed": "007"}},
			code: Done,
			text: `plan "deploy": run 1 begins` + canary, run: ofAlice(1, "", Argument{"dry", "false"}, Argument{"speed", "7"})},
		{name: "with an unknown parameter", change: wasNeverStarted, verb: Verb{Kind: VerbStart, Values: map[string]string{"colour": "red"}},
			code: Invalid,
			text: `plan "deploy": parameter "colour" is unknown (value "red"); the plan has none`},
		{name: "all that is wrong with the values", change: together(wasNeverStarted, withParameters),
			verb: Verb{Kind: VerbStart, Values: map[string]string{"dry": "wet", "colour": "red"}},
			code: Invalid, text: `plan "deploy": parameter "speed": value is missing; use an integer such as 3; plan "deploy": parameter "dry": value is "wet"; use true or false; ` +
				`plan "deploy": parameter "colour" is unknown (value "red"); the plan has "speed", "dry"`},
		{name: "a phase", change: wasNeverStarted, verb: Verb{Kind: VerbStart, Phase: "data"}, code: Invalid,
			text: `plan "deploy": phase "data": only whole plans are started`},
	})
}

func TestStop(t *testing.T) {
	stopped := func(r *Run) {
		r.CompletedAt, r.Outcome, r.EndedBy, r.EndReason = noon, Stopped, "alice", "too slow"
		r.Batches = []BatchCursor{{Phase: "data", Open: true}}
	}
	stopping := func(r *Run) { stopped(r); r.Batches[0].Stopping = true }
	stop := Verb{Kind: VerbStop, Reason: "too slow"}
	checkSayings(t, []saying{
		{name: "a run", verb: stop, code: Done, text: `plan "deploy": run 1 is stopped; what runs is left alone`, run: stopped, ended: stopped},
		{name: "a run whose clocks stand still", change: func(in *Input) { in.Run.Stills = []Still{{From: noon.Add(-time.Minute)}} }, verb: stop,
			code: Done,
			text: `plan "deploy": run 1 is stopped; what runs is left alone`, run: func(r *Run) { stopped(r); r.Stills[0].To = noon },
			ended: func(r *Run) { stopped(r); r.Stills[0].To = noon }},
		{name: "pods that it has stopped",
			change: together(observing("data-0", Observation{Stopped: true}), observing("data-1", Observation{Status: Delayed, Stopped: true})), verb: stop,
			code: Done, text: `plan "deploy": run 1 is stopped; what runs is left alone; repair brings back what it had stopped: data-0, data-1`,
			run: stopping, ended: stopping},
		{name: "a pod that it has stopped and that settles", change: together(func(in *Input) { in.Definition.Phases[1].Settle = time.Minute },
			observing("data-0", Observation{Stopped: true}), observing("data-1", Observation{Status: Started, Stopped: true, Ready: noon})), verb: stop,
			code: Done, text: `plan "deploy": run 1 is stopped; what runs is left alone; repair brings back what it had stopped: data-0`,
			run: stopping, ended: stopping},
		{name: "one that was stopped", change: wasStopped, verb: stop, code: Already, text: `plan "deploy": run 1 is stopped by bob: too slow`},
		{name: "one that is COMPLETE", change: hasCompleted, verb: stop, code: Already, text: `plan "deploy": run 1 is completed`},
		{name: "not started", change: wasNeverStarted, verb: stop, code: Already, text: `plan "deploy": was not started`},
		{name: "a plan without runs", change: together(wasNeverStarted, func(in *Input) { in.Definition.Manual = false }), verb: stop, code: Refused,
			text: `plan "deploy": is always at work, and can't be stopped; pause it`},
		{name: "a phase", verb: Verb{Kind: VerbStop, Phase: "data"}, code: Invalid, text: `plan "deploy": phase "data": only whole plans are stopped`},
	})
}

func TestRestart(t *testing.T) {
	restart := func(path ...string) Verb {
		path = append(path, "", "")
		return Verb{Kind: VerbRestart, Phase: path[0], Step: path[1]}
	}
	anew := func(path ...string) Fact {
		path = append(path, "", "")
		return Fact{Kind: Restarted, Phase: path[0], Step: path[1], Run: 1}
	}
	again := func(f Fact, run int, at time.Time) []Fact { f.Run, f.At = run, at; return []Fact{f} }
	second := func(r *Run) {
		*r = Run{Number: 2, Target: "t1", Actor: "alice", StartedAt: noon, FrozenAt: noon}
	}
	const canary = `; the canary of phase "client" is continued by naming the phase`
	checkSayings(t, []saying{
		{name: "a step", verb: restart("registry", "registry-0"), code: Done, text: `plan "deploy": phase "registry": step "registry-0": is done again`,
			put: []Fact{anew("registry", "registry-0")}},
		{name: "a phase", verb: restart("registry"), code: Done, text: `plan "deploy": phase "registry": is done again`, put: []Fact{anew("registry")}},
		{name: "the plan", verb: restart(), code: Done, text: `plan "deploy": is done again` + canary, put: []Fact{anew()}},
		{name: "once more", change: saidBefore(anew("registry"), anew("registry", "registry-0"), anew("data")), verb: restart("registry"), code: Done,
			text: `plan "deploy": phase "registry": is done again`, put: []Fact{anew("registry")}, forgets: []int{0}},
		{name: "what is paused goes on", change: saidBefore(Fact{Kind: Paused, Phase: "data", Step: "data-1"}, Fact{Kind: Paused, Phase: "data"}),
			verb: restart("data", "data-1"), code: Done,
			text: `plan "deploy": phase "data": step "data-1": is done again; its phase is paused by bob since 2026-11-23T11:00:00Z`,
			put:  []Fact{anew("data", "data-1")}, forgets: []int{0}},
		{name: "what has failed counts anew", change: hasHalted, verb: restart("data", "data-0"), code: Done,
			text: `plan "deploy": phase "data": step "data-0": is done again; the whole run paused itself`, put: []Fact{anew("data", "data-0")},
			run: func(r *Run) { r.Pardons = []Pardon{{Phase: "data", Step: "data-0", Attempts: 2, At: noon}} }},
		{name: "attempts count anew, even if they were fewer", change: observing("data-1", Observation{Attempts: 1}), verb: restart("data"), code: Done,
			text: `plan "deploy": phase "data": is done again`, put: []Fact{anew("data")},
			run: func(r *Run) { r.Pardons = []Pardon{{Phase: "data", Step: "data-1", Attempts: 1, At: noon}} }},
		{name: "a halted plan goes on", change: hasHalted, verb: restart(), code: Done, text: `plan "deploy": is done again; the run goes on` + canary,
			put: []Fact{anew()},
			run: func(r *Run) {
				r.Halt, r.ContinuedAt, r.Pardons = nil, noon, []Pardon{{Phase: "data", Step: "data-0", Attempts: 2, At: noon}}
			}},
		{name: "begun at this very time", change: observing("data-0", Observation{Status: Starting, BegunAt: noon, TriedAt: noon}), verb: restart("data"),
			code: Done,
			text: `plan "deploy": phase "data": is done again`, put: again(anew("data"), 1, noon.Add(1))},
		{name: "COMPLETE at this very time", change: observing("data-0", Observation{Status: Complete, Done: Mark{Run: 1, At: noon}}),
			verb: restart("data"), code: Done,
			text: `plan "deploy": phase "data": is done again`, put: again(anew("data"), 1, noon.Add(1))},
		{name: "forced at this very time",
			change: together(saidBefore(Fact{Kind: Forced, Phase: "data", Step: "data-1", Run: 1}), func(in *Input) { in.Facts[0].At = noon }),
			verb:   restart("data", "data-1"), code: Done, text: `plan "deploy": phase "data": step "data-1": is done again`,
			put: again(anew("data", "data-1"), 1, noon.Add(1)), forgets: []int{0}},
		{name: "forced by a clock that is ahead",
			change: together(saidBefore(Fact{Kind: Forced, Phase: "data", Step: "data-1", Run: 1}), func(in *Input) { in.Facts[0].At = noon.Add(time.Hour) }),
			verb:   restart("data", "data-1"), code: Done, text: `plan "deploy": phase "data": step "data-1": is done again`,
			put: []Fact{anew("data", "data-1")}, forgets: []int{0}},
		{name: "another was begun at this very time", change: observing("data-0", Observation{Status: Starting, BegunAt: noon, TriedAt: noon}),
			verb: restart("data", "data-1"), code: Done,
			text: `plan "deploy": phase "data": step "data-1": is done again`, put: []Fact{anew("data", "data-1")}},
		{name: "in a COMPLETE run", change: together(hasCompleted, func(in *Input) { in.Run.Arguments = []Argument{{"n", "1"}} }),
			verb: restart("data", "data-0"), code: Done,
			text: `plan "deploy": phase "data": step "data-0": is done again, in run 2`, put: again(anew("data", "data-0"), 2, time.Time{}),
			run: func(r *Run) { second(r); r.Arguments = []Argument{{"n", "1"}} }},
		{name: "in a COMPLETE run what failed in it does not count", change: together(hasCompleted, func(in *Input) { find(in, "data-0").Attempts = 1 }),
			verb: restart("data"), code: Done,
			text: `plan "deploy": phase "data": is done again, in run 2`, put: again(anew("data"), 2, time.Time{}), run: second},
		{name: "in a run that becomes COMPLETE at this moment", change: allComplete, verb: restart("data"), code: Done,
			text: `plan "deploy": phase "data": is done again, in run 2`, put: again(anew("data"), 2, time.Time{}), run: second,
			ended: func(r *Run) { r.CompletedAt, r.Outcome = noon, Completed }},
		{name: "in a stopped run", change: wasStopped, verb: restart("data"), code: Refused,
			text: `plan "deploy": phase "data": run 1 is stopped by bob: too slow; start the plan to do it all`},
		{name: "without a run", change: wasNeverStarted, verb: restart(), code: Refused,
			text: `plan "deploy": has no run, so that nothing of it could be done again`},
		{name: "a wait step", verb: restart("data", "members"), code: Refused,
			text: `plan "deploy": phase "data": step "members": a wait step does nothing that could be done again`},
		{name: "by force", verb: Verb{Kind: VerbRestart, Phase: "registry", Force: true, Reason: "it leaks"}, code: Done,
			text: `plan "deploy": phase "registry": is done again`,
			put:  []Fact{{Kind: Restarted, Phase: "registry", Run: 1, Force: true}}},
		{name: "by force, without a reason", verb: Verb{Kind: VerbRestart, Phase: "registry", Force: true}, code: Invalid,
			text: `plan "deploy": phase "registry": a restart by force stops pods whatever that costs; it takes a reason`},
	})
}

func TestForceComplete(t *testing.T) {
	force := func(path ...string) Verb {
		path = append(path, "", "")
		return Verb{Kind: VerbForce, Phase: path[0], Step: path[1], Reason: "done by hand"}
	}
	forced := func(path ...string) []Fact {
		path = append(path, "", "")
		return []Fact{{Kind: Forced, Phase: path[0], Step: path[1], Run: 1}}
	}
	checkSayings(t, []saying{
		{name: "a step", verb: force("data", "data-0"), code: Done,
			text: `plan "deploy": phase "data": step "data-0": counts as COMPLETE in run 1, whatever its pod does`,
			put:  forced("data", "data-0")},
		{name: "a phase", verb: force("data"), code: Done,
			text: `plan "deploy": phase "data": counts as COMPLETE in run 1, whatever its pods do: 3 steps were not, 1 of them under way`,
			put:  forced("data")},
		{name: "a phase that has not begun", verb: force("client"), code: Done,
			text: `plan "deploy": phase "client": counts as COMPLETE in run 1, whatever its pods do: 3 steps were not`, put: forced("client")},
		{name: "newcomers have no part in it", change: observing("client-2", Observation{Newcomer: true}), verb: force("client"), code: Done,
			text: `plan "deploy": phase "client": counts as COMPLETE in run 1, whatever its pods do: 2 steps were not`, put: forced("client")},
		{name: "the plan", verb: force(), code: Done,
			text: `plan "deploy": counts as COMPLETE in run 1, whatever its pods do: 6 steps were not, 1 of them under way`, put: forced()},
		{name: "a pod that it has stopped", change: observing("data-1", Observation{Stopped: true, BegunAt: noon, TriedAt: noon}),
			verb: force("data", "data-1"), code: Done,
			text: `plan "deploy": phase "data": step "data-1": counts as COMPLETE in run 1, whatever its pod does; repair brings back what it had stopped: data-1`,
			put:  forced("data", "data-1")},
		{name: "another step has stopped one", change: observing("data-1", Observation{Stopped: true, BegunAt: noon, TriedAt: noon}),
			verb: force("data", "data-0"), code: Done,
			text: `plan "deploy": phase "data": step "data-0": counts as COMPLETE in run 1, whatever its pod does`, put: forced("data", "data-0")},
		{name: "what was forced and restarted",
			change: together(saidBefore(forced("data", "data-1")[0], Fact{Kind: Restarted, Run: 1}), func(in *Input) { in.Facts[1].At = noon.Add(-time.Minute) }),
			verb:   force("data", "data-1"), code: Done,
			text: `plan "deploy": phase "data": step "data-1": counts as COMPLETE in run 1, whatever its pod does`,
			put:  forced("data", "data-1"), forgets: []int{0}},
		{name: "restarted by a clock that is ahead",
			change: together(saidBefore(Fact{Kind: Restarted, Phase: "data", Run: 1}), func(in *Input) { in.Facts[0].At = noon.Add(time.Second) }),
			verb:   force("data", "data-1"), code: Done,
			text: `plan "deploy": phase "data": step "data-1": counts as COMPLETE in run 1, whatever its pod does`,
			put:  []Fact{{Kind: Forced, Phase: "data", Step: "data-1", Run: 1, At: noon.Add(time.Second)}}},
		{name: "COMPLETE", verb: force("registry"), code: Already, text: `plan "deploy": phase "registry": is COMPLETE`},
		{name: "forced", change: saidBefore(forced("data", "data-1")[0]), verb: force("data", "data-1"), code: Already,
			text: `plan "deploy": phase "data": step "data-1": is COMPLETE`},
		{name: "without a run", change: wasNeverStarted, verb: force(), code: Refused,
			text: `plan "deploy": has no run, so that nothing of it could be counted as COMPLETE`},
		{name: "in a stopped run", change: wasStopped, verb: force(), code: Refused, text: `plan "deploy": run 1 is stopped by bob: too slow`},
	})
}

func TestExceptAndInclude(t *testing.T) {
	except := func(pod string) Verb { return Verb{Kind: VerbExcept, Pod: pod} }
	by := func(pod string) []Fact { return []Fact{{Kind: Excepted, Pod: pod}} }
	verdict := func(pod string, gate Gate, text, code string) func(in *Input) {
		return func(in *Input) {
			in.Verdicts = append(in.Verdicts, Verdict{Pods: []string{pod}, Gate: gate, Text: text, Code: code, AskedAt: noon, Since: noon})
		}
	}
	old := func(in *Input) { in.Verdicts[0].AskedAt = noon.Add(-FreshVerdict) }
	ask := []Question{{Pods: []string{"registry-0"}, Gate: true}}
	const left = `: has no part in runs and budgets until it is included again`
	checkSayings(t, []saying{
		{name: "a dead pod", verb: except("client-0"), code: Done, text: `pod "client-0"` + left, put: by("client-0")},
		{name: "none", verb: except(""), code: Invalid, text: `pod: empty; name the pod that is dead`},
		{name: "unknown", verb: except("x"), code: NotFound, text: `pod "x": not found`},
		{name: "not down", verb: except("client-2"), code: Refused,
			text: `pod "client-2": is not down; only a pod that is dead can be taken out of runs and budgets`},
		{name: "not down, by force", verb: Verb{Kind: VerbExcept, Pod: "client-2", Force: true, Reason: "dead"}, code: Refused,
			text: `pod "client-2": is not down; only a pod that is dead can be taken out of runs and budgets`},
		{name: "excepted already", change: saidBefore(by("client-0")...), verb: except("client-0"), code: Already,
			text: `pod "client-0": excepted already by bob since 2026-11-23T11:00:00Z`},
		{name: "of a quorum, not asked", verb: except("registry-0"), code: Refused,
			text: `pod "registry-0": the service was not asked whether it can do without it`, questions: ask},
		{name: "of a quorum, asked too long ago", change: together(verdict("registry-0", GateOpen, "", ""), old), verb: except("registry-0"), code: Refused,
			text: `pod "registry-0": the service was not asked whether it can do without it`, questions: ask},
		{name: "of a quorum, asked about another", change: verdict("registry-1", GateOpen, "", ""), verb: except("registry-0"), code: Refused,
			text: `pod "registry-0": the service was not asked whether it can do without it`, questions: ask},
		{name: "the service says no", change: verdict("registry-0", GateClosed, "no majority", "QUORUM"), verb: except("registry-0"), code: Refused,
			text: `pod "registry-0": the service does not let pod "registry-0" be stopped: no majority (QUORUM)`},
		{name: "the service does not know", change: verdict("registry-0", GateUnknown, "it sleeps", ""), verb: except("registry-0"), code: Refused,
			text: `pod "registry-0": whether pod "registry-0" may be stopped is not known: it sleeps`},
		{name: "the service agrees", change: verdict("registry-0", GateOpen, "", ""), verb: except("registry-0"), code: Done,
			text: `pod "registry-0"` + left, put: by("registry-0")},
		{name: "by force", change: verdict("registry-0", GateClosed, "no majority", ""),
			verb: Verb{Kind: VerbExcept, Pod: "registry-0", Force: true, Reason: "it burned"}, code: Done,
			text: `pod "registry-0"` + left, put: by("registry-0")},
		{name: "by force, without a reason", verb: Verb{Kind: VerbExcept, Pod: "registry-0", Force: true}, code: Invalid,
			text: `pod "registry-0": to except a pod by force passes the service's checks; it takes a reason`},
		{name: "of a gated phase, not asked", verb: except("data-0"), code: Refused,
			text:      `pod "data-0": the service was not asked whether it can do without it`,
			questions: []Question{{Pods: []string{"data-0"}, Gate: true}}},
		{name: "include", change: saidBefore(by("client-0")[0], by("client-1")[0], by("client-0")[0]), verb: Verb{Kind: VerbInclude, Pod: "client-0"},
			code: Done,
			text: `pod "client-0": has part in runs and budgets again`, forgets: []int{0, 2}},
		{name: "include one that is gone", change: saidBefore(by("x")...), verb: Verb{Kind: VerbInclude, Pod: "x"}, code: Done,
			text: `pod "x": has part in runs and budgets again`, forgets: []int{0}},
		{name: "include none", verb: Verb{Kind: VerbInclude}, code: Invalid, text: `pod: empty; name the pod that is to have part again`},
		{name: "include an unknown one", verb: Verb{Kind: VerbInclude, Pod: "x"}, code: NotFound, text: `pod "x": not found`},
		{name: "include one that is not excepted", change: saidBefore(by("client-1")...), verb: Verb{Kind: VerbInclude, Pod: "client-0"}, code: Already,
			text: `pod "client-0": is not excepted`},
	})
}

func TestBreakAndUnbreak(t *testing.T) {
	set := func(when When, phase string) Verb { return Verb{Kind: VerbBreak, When: when, Phase: phase} }
	unset := func(when When, phase string) Verb { return Verb{Kind: VerbUnbreak, When: when, Phase: phase} }
	point := func(when When, phase string) Fact { return Fact{Kind: Breakpoint, When: when, Phase: phase} }
	batches := func(in *Input) { in.Run.Batches = []BatchCursor{{Phase: "data", Done: 2, Open: true}} }
	checkSayings(t, []saying{
		{name: "before", verb: set(BeforePhase, "client"), code: Done, text: `plan "deploy": phase "client": breakpoint before it is set`,
			put: []Fact{point(BeforePhase, "client")}},
		{name: "after", verb: set(AfterPhase, "data"), code: Done, text: `plan "deploy": phase "data": breakpoint after it is set`,
			put: []Fact{point(AfterPhase, "data")}},
		{name: "after each batch", change: batches, verb: set(AfterBatch, "data"), code: Done,
			text: `plan "deploy": phase "data": breakpoint after each of its batches is set`,
			put:  []Fact{{Kind: Breakpoint, When: AfterBatch, Phase: "data", Batches: 2, BatchRun: 1}}},
		{name: "after one that something names",
			change: func(in *Input) { in.Definition.Strategy, in.Definition.Phases[2].After = Parallel, []string{"data"} },
			verb:   set(AfterPhase, "data"), code: Done, text: `plan "deploy": phase "data": breakpoint after it is set`,
			put: []Fact{point(AfterPhase, "data")}},
		{name: "before one that has begun", verb: set(BeforePhase, "data"), code: Refused,
			text: `plan "deploy": phase "data": has begun; a breakpoint before it would come too late. Pause it, or set one after-batch`},
		{name: "before one that is over", verb: set(BeforePhase, "registry"), code: Refused,
			text: `plan "deploy": phase "registry": has begun; a breakpoint before it would come too late. Pause it, or set one after-batch`},
		{name: "after one that is over", verb: set(AfterPhase, "registry"), code: Refused,
			text: `plan "deploy": phase "registry": is over; a breakpoint after it would come too late`},
		{name: "after one that is over and paused", change: together(atClient, saidBefore(Fact{Kind: Paused, Phase: "data"})), verb: set(AfterPhase, "data"),
			code: Done,
			text: `plan "deploy": phase "data": breakpoint after it is set`, put: []Fact{point(AfterPhase, "data")}},
		{name: "after the batches of one that is over", verb: set(AfterBatch, "registry"), code: Refused,
			text: `plan "deploy": phase "registry": is over; a breakpoint in it would come too late`},
		{name: "after the last", verb: set(AfterPhase, "client"), code: Refused,
			text: `plan "deploy": phase "client": nothing waits for it; a breakpoint after it would hold up nothing`},
		{name: "after one that nothing waits for", change: func(in *Input) { in.Definition.Phases[2].After = []string{"registry"} },
			verb: set(AfterPhase, "data"), code: Refused,
			text: `plan "deploy": phase "data": nothing waits for it; a breakpoint after it would hold up nothing`},
		{name: "in a parallel plan", change: func(in *Input) { in.Definition.Strategy = Parallel }, verb: set(AfterPhase, "data"), code: Refused,
			text: `plan "deploy": phase "data": nothing waits for it; a breakpoint after it would hold up nothing`},
		{name: "set already", change: saidBefore(point(BeforePhase, "client")), verb: set(BeforePhase, "client"), code: Already,
			text: `plan "deploy": phase "client": has a breakpoint before it already, set by bob since 2026-11-23T11:00:00Z`},
		{name: "set elsewhere", change: saidBefore(point(AfterBatch, "client"), point(BeforePhase, "data")), verb: set(BeforePhase, "client"), code: Done,
			text: `plan "deploy": phase "client": breakpoint before it is set`, put: []Fact{point(BeforePhase, "client")}},
		{name: "an unknown place", verb: set("beside", "data"), code: Invalid,
			text: `plan "deploy": phase "data": a breakpoint "beside" is unknown; use before, after or after-batch`},
		{name: "no place", verb: unset("", "data"), code: Invalid,
			text: `plan "deploy": phase "data": a breakpoint "" is unknown; use before, after or after-batch`},
		{name: "of a plan", verb: set(BeforePhase, ""), code: Invalid, text: `plan "deploy": breakpoints lie at phases; name one`},
		{name: "of a step", verb: Verb{Kind: VerbUnbreak, When: BeforePhase, Phase: "data", Step: "data-0"}, code: Invalid,
			text: `plan "deploy": phase "data": step "data-0": breakpoints lie at phases; name one`},
		{name: "unset before", change: saidBefore(point(AfterPhase, "client"), point(BeforePhase, "client"), point(BeforePhase, "client")),
			verb: unset(BeforePhase, "client"), code: Done,
			text: `plan "deploy": phase "client": breakpoint before it is taken away`, forgets: []int{1, 2}},
		{name: "unset after", change: saidBefore(point(AfterPhase, "data"), point(BeforePhase, "data")), verb: unset(AfterPhase, "data"), code: Done,
			text: `plan "deploy": phase "data": breakpoint after it is taken away`, forgets: []int{0}},
		{name: "unset after each batch", change: saidBefore(point(AfterBatch, "data")), verb: unset(AfterBatch, "data"), code: Done,
			text: `plan "deploy": phase "data": breakpoint after each of its batches is taken away`, forgets: []int{0}},
		{name: "not set there", change: saidBefore(point(AfterPhase, "data")), verb: unset(BeforePhase, "data"), code: Already,
			text: `plan "deploy": phase "data": has no breakpoint before it`},
	})
}

// drawVerbFor draws a verb about any element, most of them sensible.
func drawVerbFor(t *rapid.T, in Input) Verb {
	d := in.Definition
	v := Verb{
		Kind: oneOf(t, "verb", append(verbKinds, "dance")...), Plan: oneOf(t, "plan", d.Name, d.Name, d.Name, ID(d.Service, d.Name, "", "").String(), "x"),
		Actor: oneOf(t, "actor", "alice", "alice", "alice", "bob", ""), Reason: oneOf(t, "reason", "because", ""), Force: chance(t, 20, "force"),
		When: oneOf(t, "when", "", PauseNow, PauseAfterSteps, PauseAfterPhase, BeforePhase, AfterPhase, AfterBatch, "soon"),
	}
	if len(d.Phases) > 0 && chance(t, 70, "of a phase") {
		p := oneOf(t, "phase", d.Phases...)
		v.Phase = p.Name
		if len(p.Steps) > 0 && chance(t, 50, "of a step") {
			v.Step = oneOf(t, "step", p.Steps...).Name
		}
	}
	if len(in.Ledger.Pods) > 0 && chance(t, 80, "of a pod") {
		v.Pod = oneOf(t, "pod", in.Ledger.Pods...).Name
	}
	if chance(t, 10, "having looked") {
		v.Revision = oneOf(t, "at", Evaluate(in).View.Revision, "x")
	}
	return v
}

func TestWhatIsNotDoneChangesNothing(t *testing.T) {
	codes := map[ReplyCode]int{}
	checkDrawn(t, func(t *rapid.T) {
		in := drawInput(t)
		v := drawVerbFor(t, in)
		before := deepCopy(in)
		r := Apply(in, v)
		codes[r.Code]++
		if diff := gocmp.Diff(before, in); diff != "" {
			t.Errorf("%+v changed the input (-before +after):\n%s", v, diff)
		}
		if r.Text == "" || strings.Contains(r.Text, "%!") || strings.HasSuffix(r.Text, "\n") {
			t.Errorf("%+v is answered by %q", v, r.Text)
		}
		if r.Code == Done {
			if len(r.Put)+len(r.Delete) == 0 && gocmp.Equal(r.Run, in.Run) {
				t.Errorf("%+v is done, and nothing has come of it: %s", v, r.Text)
			}
			return
		}
		if len(r.Put)+len(r.Delete) > 0 || r.Ended != nil || !gocmp.Equal(r.Run, in.Run) {
			t.Errorf("%+v is %s (%s), and puts %+v, deletes %+v, ends %+v, changes the run:\n%s", v, r.Code, r.Text, r.Put, r.Delete, r.Ended, gocmp.Diff(in.Run, r.Run))
		}
	})
	for _, code := range []ReplyCode{Done, Already, NotFound, Conflict, Refused, Invalid} {
		if codes[code] == 0 {
			t.Errorf("no verb was ever %s", code)
		}
	}
}

// TestRunsThatEndedStay checks that no verb rewrites history.
func TestRunsThatEndedStay(t *testing.T) {
	checkDrawn(t, func(t *rapid.T) {
		in := drawInput(t)
		if !in.Run.Ended() {
			return
		}
		v := drawVerbFor(t, in)
		r := Apply(in, v)
		if r.Run.Number == in.Run.Number && !gocmp.Equal(r.Run, in.Run) {
			t.Errorf("%+v: %s: changes a run that has ended:\n%s", v, r.Text, gocmp.Diff(in.Run, r.Run))
		}
	})
}

// TestForcedAndRestartedAreSo checks that what force-complete and restart say is done is so from that moment on.
func TestForcedAndRestartedAreSo(t *testing.T) {
	forced, restarted := 0, 0
	checkDrawn(t, func(t *rapid.T) {
		in := drawInput(t)
		v := drawVerbFor(t, in)
		v.Kind, v.Revision = oneOf(t, "which", VerbForce, VerbRestart), ""
		r := Apply(in, v)
		if r.Code != Done {
			return
		}
		then := in
		then.Run = r.Run
		then.Facts = append(slices.DeleteFunc(slices.Clone(in.Facts), func(f Fact) bool {
			return slices.ContainsFunc(r.Delete, func(g Fact) bool { return gocmp.Equal(f, g) })
		}), r.Put...)
		for i, p := range Evaluate(then).View.Phases {
			for j, s := range p.Steps {
				switch {
				case (v.Phase != "" && v.Phase != p.Name) || (v.Step != "" && v.Step != s.Name) || s.Newcomer:
				case v.Kind == VerbForce:
					forced++
					if s.Status != Complete {
						t.Errorf("%s; step %s is %s", r.Text, s.Message, s.Status)
					}
				case s.Kind == Wait || s.Status == Error || slices.ContainsFunc(s.Facts, func(f Fact) bool { return f.Kind == Excepted }):
				case i < len(in.Observations) && j < len(in.Observations[i]):
					restarted++
					if s.Status == Complete {
						t.Errorf("%s; step %s is COMPLETE: %s", r.Text, s.Name, s.Message)
					}
				}
			}
		}
	})
	if forced == 0 || restarted == 0 {
		t.Errorf("only %d steps were forced, and %d restarted", forced, restarted)
	}
}

func TestContinuePardonsAllThatFailed(t *testing.T) {
	continued := 0
	checkDrawn(t, func(t *rapid.T) {
		in := drawInput(t)
		in.Run = Evaluate(in).Run
		if in.Run.Halt == nil || in.Run.Ended() || in.Run.Number == 0 {
			return
		}
		r := Apply(in, Verb{Kind: VerbContinue, Plan: in.Definition.Name, Actor: "alice"})
		if r.Code != Done || r.Run.Halt != nil || !r.Run.ContinuedAt.Equal(in.Now) {
			t.Fatalf("%s: %s: halt %+v, continued at %s", r.Code, r.Text, r.Run.Halt, r.Run.ContinuedAt)
		}
		continued++
		in.Run = r.Run
		for _, p := range Evaluate(in).View.Phases {
			for _, s := range p.Steps {
				for _, h := range s.Holds {
					if h.Code == CodeFailed {
						t.Errorf("after it, at once: step %s: %s", s.Name, h.Text)
					}
				}
			}
		}
	})
	if continued == 0 {
		t.Error("nothing was ever halted")
	}
}
