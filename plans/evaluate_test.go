package plans

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestWrongDefinitionsBeginLess holds Evaluate to its promise about definitions that Validate refuses.
func TestWrongDefinitionsBeginLess(t *testing.T) {
	steps := func(prefix string) []Step {
		return []Step{{Name: prefix + "-0", Kind: Launch, Pod: "x"}, {Name: prefix + "-1", Kind: Launch, Pod: "y"}}
	}
	phase := func(p Phase) Definition { return Definition{Strategy: Parallel, Phases: []Phase{p}} }
	tests := []struct {
		name string
		def  Definition
		want []Candidate
		hold string // of the plan
	}{
		{
			"an unknown strategy is serial",
			Definition{Strategy: "zigzag", Phases: []Phase{{Name: "a", Steps: steps("a")}, {Name: "b", Steps: steps("b")}}},
			[]Candidate{{Phase: 0, Step: 0}}, "",
		},
		{
			"an unknown predecessor is never done", phase(Phase{Name: "a", After: []string{"x"}, Steps: steps("a")}),
			nil, `phase "a": waits for phase "x"`,
		},
		{
			"phases in a cycle never begin",
			Definition{Phases: []Phase{
				{Name: "a", After: []string{"b"}, Steps: steps("a")}, {Name: "b", After: []string{"a"}, Steps: steps("b")},
			}},
			nil, `phase "a": waits for phase "b"`,
		},
		{
			"a phase that waits for itself never begins", phase(Phase{Name: "a", After: []string{"a"}, Steps: steps("a")}),
			nil, `waits for phase "a"`,
		},
		{
			"an unknown kind is never begun", phase(Phase{Name: "a", Steps: []Step{{Name: "a-0", Kind: "dance"}}}),
			nil, `a-0: kind "dance" is unknown`,
		},
		{
			"a step after an unknown one is never begun",
			phase(Phase{Name: "a", Strategy: Parallel, Steps: []Step{{Name: "a-0", Kind: Launch, Pod: "x", After: []string{"x"}}, {Name: "a-1", Kind: Launch, Pod: "y"}}}),
			[]Candidate{{Phase: 0, Step: 1}}, "",
		},
		{
			"steps in a cycle are never begun",
			phase(Phase{Name: "a", Strategy: Parallel, Steps: []Step{
				{Name: "a-0", Kind: Launch, Pod: "x", After: []string{"a-1"}}, {Name: "a-1", Kind: Launch, Pod: "y", After: []string{"a-0"}},
			}}),
			nil, `a-0: waits for step "a-1"`,
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if tc.def.Validate() == nil {
				t.Error("the definition is right")
			}
			e := Evaluate(Input{Definition: tc.def, Run: Run{Number: 1, StartedAt: noon, FrozenAt: noon}, Now: noon})
			if diff := cmp.Diff(tc.want, e.Candidates); diff != "" {
				t.Errorf("candidates (-want +got):\n%s", diff)
			}
			hold := ""
			if len(e.View.Holds) > 0 {
				hold = e.View.Holds[0].Text
			}
			if hold != tc.hold {
				t.Errorf("the plan says %q, want %q", hold, tc.hold)
			}
		})
	}
}

// threeSteps is a run of plan deploy with pods a-0, a-1 and a-2, all alike; each may be tried twice.
func threeSteps(t *testing.T, observed ...Observation) Input {
	return Input{
		Definition:   parseDefinition(t, "plan deploy serial attempts=2\nphase a parallel\nlaunch a-0\nlaunch a-1\nlaunch a-2"),
		Observations: [][]Observation{observed}, Now: noon,
		Run: Run{Number: 2, StartedAt: noon.Add(-time.Hour), FrozenAt: noon.Add(-time.Hour)},
	}
}

func TestHandedOver(t *testing.T) {
	begun := noon.Add(-time.Minute)
	working := Observation{Status: Starting, BegunAt: begun, TriedAt: begun}
	failed := Observation{Status: Delayed, BegunAt: begun, TriedAt: begun, Attempts: 2}
	stopped := Observation{BegunAt: begun, TriedAt: begun, Stopped: true}
	complete := Observation{Status: Complete, BegunAt: begun, TriedAt: begun}
	of := func(o Observation, change func(o *Observation)) Observation { change(&o); return o }
	force := func(step string) func(in *Input) {
		return func(in *Input) {
			in.Facts = append(in.Facts, Fact{Kind: Forced, Plan: "deploy", Phase: "a", Step: step, Run: 2, Actor: "alice", At: noon})
		}
	}
	ended := func(outcome Outcome) func(in *Input) {
		return func(in *Input) { in.Run.CompletedAt, in.Run.Outcome = noon, outcome }
	}
	asFacts := func(kind FactKind) func(in *Input) {
		return func(in *Input) {
			in.Facts = append(in.Facts, Fact{Kind: kind, Plan: "deploy", Phase: "a", Step: "a-0", Run: 2, Actor: "alice", At: noon})
		}
	}
	tests := []struct {
		name     string
		observed []Observation
		change   func(in *Input)
		want     []string
	}{
		{"nothing was begun", nil, nil, nil},
		{"what is under way is not", []Observation{working, stopped, complete}, nil, nil},
		{"what has failed", []Observation{working, failed, failed}, nil, []string{"a-1", "a-2"}},
		{"what has failed, and was never begun", []Observation{{Status: Pending, Attempts: 2}}, nil, nil},
		{"what failed less often", []Observation{of(failed, func(o *Observation) { o.Attempts = 1 })}, nil, nil},
		{"what has failed, and was restarted", []Observation{failed}, asFacts(Restarted), nil},
		{"what has failed after the plan stopped it", []Observation{of(stopped, func(o *Observation) { o.Attempts = 2 })}, nil, []string{"a-0"}},
		{"what is of another kind", []Observation{failed}, func(in *Input) { in.Definition.Phases[0].Steps[0].Kind = Stop }, nil},
		{"what was forced while it was under way", []Observation{working, working}, force("a-0"), []string{"a-0"}},
		{"what was forced while it was down", []Observation{stopped}, force("a-0"), []string{"a-0"}},
		{"what was forced before it began", []Observation{{}}, force("a-0"), nil},
		{"what was forced, and is COMPLETE by now", []Observation{complete}, force("a-0"), nil},
		{"all of the phase, forced", []Observation{working, {}, complete}, force(""), []string{"a-0"}},
		{"what was under way when the run was stopped", []Observation{working, stopped, complete}, ended(Stopped), []string{"a-0", "a-1"}},
		{"what was under way when the run was superseded", []Observation{complete, of(failed, func(o *Observation) { o.Attempts = 1 }), {}}, ended(Superseded), []string{"a-1"}},
		{"never begun when the run was stopped", []Observation{{}, {Status: Prepared}, {Running: true}}, ended(Stopped), nil},
		{"of a run that is COMPLETE", []Observation{working, complete, {}}, ended(Completed), nil},
		{"what the plan stopped, and has an error", []Observation{of(stopped, func(o *Observation) { o.Errors = []string{"device is on fire"} })}, nil, []string{"a-0"}},
		{"an error of what it did not stop", []Observation{of(working, func(o *Observation) { o.Errors = []string{"device is on fire"} })}, nil, nil},
		{"what the plan stopped, and is a newcomer", []Observation{of(stopped, func(o *Observation) { o.Newcomer = true })}, nil, []string{"a-0"}},
		{"what another plan stopped", []Observation{of(stopped, func(o *Observation) { o.Plan, o.Errors = "recovery", []string{"fire"} })}, nil, nil},
		{"sorted, and once", []Observation{stopped, failed, stopped}, together(ended(Stopped), func(in *Input) {
			s := in.Definition.Phases[0].Steps
			s[0].Pod, s[1].Pod, s[2].Pod = "z", "y", "z"
		}), []string{"y", "z"}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			in := threeSteps(t, tc.observed...)
			if tc.change != nil {
				tc.change(&in)
			}
			if diff := cmp.Diff(tc.want, Evaluate(in).HandedOver); diff != "" {
				t.Errorf("handed over (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompleted(t *testing.T) {
	at := noon.Add(-time.Minute)
	complete := Observation{Status: Complete, BegunAt: at, TriedAt: at, Since: at}
	recorded := func(run int) Observation {
		o := complete
		o.Done = Mark{Run: run, At: at}
		return o
	}
	fact := func(kind FactKind, at time.Time) func(in *Input) {
		return func(in *Input) {
			in.Facts = append(in.Facts, Fact{Kind: kind, Plan: "deploy", Phase: "a", Step: "a-0", Run: 2, Actor: "alice", At: at})
		}
	}
	first := []Candidate{{}}
	tests := []struct {
		name     string
		observed Observation
		change   func(in *Input)
		want     []Candidate
	}{
		{"nothing is COMPLETE", Observation{Status: Started}, nil, nil},
		{"COMPLETE", complete, nil, first},
		{"ready", Observation{Status: Started, Ready: at}, nil, first},
		{"ready, and not settled", Observation{Status: Started, Ready: at, Stopped: true}, func(in *Input) { in.Definition.Phases[0].Settle = time.Hour }, nil},
		{"recorded", recorded(2), nil, nil},
		{"recorded, and fallen since", Observation{Status: Delayed, Done: Mark{Run: 2, At: at}}, nil, nil},
		{"recorded in an earlier run", recorded(1), nil, first},
		{"restarted, and not tried since", recorded(2), fact(Restarted, noon.Add(-time.Second)), nil},
		{"restarted, and COMPLETE again", Observation{Status: Complete, TriedAt: noon, Since: noon, Done: Mark{Run: 2, At: at}}, fact(Restarted, noon.Add(-time.Second)), first},
		{"restarted, and recorded again", Observation{Status: Complete, TriedAt: noon, Since: noon, Done: Mark{Run: 2, At: noon}}, fact(Restarted, noon.Add(-time.Second)), nil},
		{"forced", Observation{Status: Starting}, fact(Forced, noon), nil},
		{"a newcomer", Observation{Status: Complete, Newcomer: true}, nil, nil},
		{"without a run", complete, func(in *Input) { in.Run = Run{} }, nil},
		{"in a run that has ended", complete, func(in *Input) { in.Run.CompletedAt, in.Run.Outcome = noon, Stopped }, nil},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			in := threeSteps(t, tc.observed)
			if tc.change != nil {
				tc.change(&in)
			}
			e := Evaluate(in)
			if diff := cmp.Diff(tc.want, e.Completed); diff != "" {
				t.Errorf("completed (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTheStepsThatCompleteARunAreTold checks that the last completions are told together with the end of the run.
func TestTheStepsThatCompleteARunAreTold(t *testing.T) {
	complete := Observation{Status: Complete, Since: noon}
	in := threeSteps(t, complete, complete, complete)
	e := Evaluate(in)
	if diff := cmp.Diff([]Candidate{{Step: 0}, {Step: 1}, {Step: 2}}, e.Completed); diff != "" {
		t.Errorf("completed (-want +got):\n%s", diff)
	}
	if !e.Run.Ended() {
		t.Error("the run has not ended")
	}
	in.Run = e.Run
	if again := Evaluate(in).Completed; len(again) > 0 {
		t.Errorf("completed once more: %+v", again)
	}
}

// TestRecoveryHasWhatDeployHandsOver lets a step of deploy fail whose pod it had stopped, and looks at what recovery may do.
func TestRecoveryHasWhatDeployHandsOver(t *testing.T) {
	begun := noon.Add(-time.Minute)
	tests := []struct {
		name     string
		attempts int // of deploy
		stopped  bool
		plan     string // as recovery observes it
		want     []Candidate
		works    string // by what recovery is held
	}{
		{"deploy works on it", 1, true, "deploy", nil, "deploy"},
		{"deploy works on it, and recovery observed nothing", 1, false, "", nil, "deploy"},
		{"deploy has failed", 2, true, "deploy", []Candidate{{}}, ""},
		{"deploy has failed, and the stop is no longer told", 2, false, "", []Candidate{{}}, ""},
		{"a plan that is not here works on it", 2, true, "backup", nil, "backup"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			deploy := threeSteps(t, Observation{BegunAt: begun, TriedAt: begun, Attempts: tc.attempts, Stopped: true, Plan: "deploy"})
			recovery := Input{
				Definition:   parseDefinition(t, "plan recovery parallel repair\nphase a-0 serial\nlaunch a-0"),
				Observations: [][]Observation{{{Plan: tc.plan, Stopped: tc.stopped}}}, Now: noon,
			}
			for _, order := range [][]Input{{recovery, deploy}, {deploy, recovery}} {
				i := 0
				if order[1].Definition.Repair {
					i = 1
				}
				e := Coordinate(Ledger{Pods: []PodState{{Name: "a-0", Type: "a", Down: true, Since: begun, By: "deploy"}}}, order)
				if diff := cmp.Diff(tc.want, e[i].Candidates); diff != "" {
					t.Errorf("recovery, plan %d, may begin (-want +got):\n%s", i, diff)
				}
				if works := e[i].View.Phases[0].Steps[0].Works; works != tc.works {
					t.Errorf("recovery, plan %d, is held by %q, want %q", i, works, tc.works)
				}
				handed := len(e[1-i].HandedOver) > 0
				if handed != (tc.attempts == 2) {
					t.Errorf("deploy hands over %v", e[1-i].HandedOver)
				}
			}
		})
	}
}
