package plans

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-multierror"
	"pgregory.net/rapid"
)

func validLaunch(name string) Step { return Step{Name: name, Kind: Launch, Pod: "pod"} }

func validPhase(name string, after ...string) Phase {
	return Phase{Name: name, Strategy: Serial, Optional: true, After: after}
}

func validPlan(phases ...Phase) Definition {
	return Definition{Service: "quobyte", Name: "deploy", Strategy: Serial, Phases: phases}
}

func TestValidateDefinition(t *testing.T) {
	withSteps := func(steps ...Step) Definition {
		return validPlan(Phase{Name: "a", Strategy: Serial, Steps: steps})
	}
	waiting := func(name string, after ...string) Step { return Step{Name: name, Kind: Wait, After: after} }
	tests := []struct {
		name string
		def  Definition
		want []string
	}{
		{"a plan without phases", validPlan(), nil},
		{
			"a good plan", Definition{
				Service: "quobyte", Name: "deploy", Strategy: Serial,
				Policy: Policy{
					Attempts: 3, Tolerate: 1, StepDeadline: time.Minute, Deadline: time.Hour, GatePatience: time.Second,
					Backoff: Backoff{Initial: time.Second, Max: time.Minute, Factor: 1, Jitter: 1},
				},
				Parameters: []Parameter{
					{Name: "NODE_1", Type: Text, Required: true, Choices: []string{"a", "b"}},
					{Name: "_", Type: Integer, Default: "+3", Choices: []string{"3"}},
					{Name: "dry", Type: Boolean, Default: "false"},
					{Name: "patience", Type: TimeInterval, Default: "90m"},
					{Name: "note", Type: Text},
				},
				Phases: []Phase{
					{Name: "a", Strategy: Parallel, Batch: Batch{Max: 2, Grow: true}, Settle: time.Second, Gated: true, Steps: []Step{
						validLaunch("a-0"), {Name: "members", Kind: Wait, After: []string{"a-0"}},
						{Name: "gone", Kind: Stop, Pod: "x"}, {Name: "call", Kind: Action}, {Name: "free", Kind: Unreserve, Host: "h", Pod: "y"},
					}},
					{Name: "b", Strategy: Canary, Canaries: 3, Open: true},
					{Name: "c", Strategy: SerialCanary, After: []string{"a", "b"}, Optional: true},
					{Name: "d", Strategy: ParallelCanary, After: []string{}, Optional: true, Policy: Policy{Attempts: 1}},
				},
			}, nil,
		},
		{
			"nothing at all", Definition{},
			[]string{
				`plan "": service name is empty`,
				`plan "": plan name is empty`,
				`plan "": strategy "" is unknown; use serial or parallel`,
			},
		},
		{
			"a plan is no canary", Definition{Service: "q", Name: "p", Strategy: SerialCanary},
			[]string{`plan "p": strategy "serial-canary" is unknown; use serial or parallel`},
		},
		{
			"bad names", Definition{Service: "a\x00b", Name: "\xff", Strategy: Serial, Phases: []Phase{
				validPhase(""), validPhase(""), validPhase("b"), validPhase("b"), validPhase("b"), validPhase("c"), validPhase("c"),
			}},
			[]string{
				`plan "\xff": service name contains a NUL character`,
				`plan "\xff": plan name is not valid UTF-8`,
				`plan "\xff": phase name "b" is not unique`,
				`plan "\xff": phase name "c" is not unique`,
				`plan "\xff": phase "": phase name is empty`,
				`plan "\xff": phase "": phase name is empty`,
			},
		},
		{
			"bad steps", withSteps(
				Step{Name: "a-0", Kind: Launch},
				Step{Name: "a-1", Kind: Wait, Pod: "a-1"},
				Step{Name: "a-2", Kind: "dance", Pod: "nobody"},
				Step{Name: "a-3", Kind: Stop},
				validLaunch(""), validLaunch(""), validLaunch("x\x00y"), validLaunch("a-9"), validLaunch("a-9"), validLaunch("a-9"),
			),
			[]string{
				`plan "deploy": phase "a": step name "a-9" is not unique`,
				`plan "deploy": phase "a": step "a-0": pod is empty; a launch step needs one`,
				`plan "deploy": phase "a": step "a-1": pod is "a-1"; a wait step has none`,
				`plan "deploy": phase "a": step "a-2": kind "dance" is unknown; use launch, stop, action, wait or unreserve`,
				`plan "deploy": phase "a": step "a-3": pod is empty; a stop step needs one`,
				`plan "deploy": phase "a": step "": step name is empty`,
				`plan "deploy": phase "a": step "": step name is empty`,
				`plan "deploy": phase "a": step "x\x00y": step name contains a NUL character`,
			},
		},
		{
			"bad phases", validPlan(
				Phase{Name: "a", Strategy: "zigzag", Canaries: 1},
				Phase{Name: "b", Strategy: Parallel, Canaries: 2, Open: true},
				Phase{Name: "c", Strategy: Canary, Canaries: -1, Open: true, Batch: Batch{Max: -1}, Settle: -time.Second},
				Phase{Name: "d", Strategy: Serial, Canaries: -1, Open: true},
			),
			[]string{
				`plan "deploy": phase "a": strategy "zigzag" is unknown; use serial, parallel, serial-canary, parallel-canary or canary`,
				`plan "deploy": phase "a": steps are missing; a phase without steps must be open or optional`,
				`plan "deploy": phase "b": canaries is 2; a parallel phase has none`,
				`plan "deploy": phase "c": canaries is -1; use 0 or more`,
				`plan "deploy": phase "c": batch: max is -1; use 0 or more`,
				`plan "deploy": phase "c": settle is -1s; use 0 or more`,
				`plan "deploy": phase "d": canaries is -1; use 0 or more`,
			},
		},
		{
			"bad policies", Definition{
				Service: "q", Name: "p", Strategy: Serial,
				Policy: Policy{
					Attempts: -1, Tolerate: -2, StepDeadline: -time.Second, Deadline: -time.Minute, GatePatience: -time.Hour,
					Backoff: Backoff{Initial: -1, Max: -2, Factor: math.NaN(), Jitter: math.NaN()},
				},
				Phases: []Phase{
					{Name: "a", Strategy: Serial, Open: true, Policy: Policy{Deadline: time.Hour, Backoff: Backoff{Factor: 0.5, Jitter: 1.5}}},
					{Name: "b", Strategy: Serial, Open: true, Policy: Policy{Deadline: -time.Hour, Backoff: Backoff{Factor: -2, Jitter: -1}}},
					{Name: "c", Strategy: Serial, Open: true, Policy: Policy{Backoff: Backoff{Factor: math.Inf(1)}}},
				},
			},
			[]string{
				`plan "p": policy: attempts is -1; use 0 or more`,
				`plan "p": policy: tolerate is -2; use 0 or more`,
				`plan "p": policy: step deadline is -1s; use 0 or more`,
				`plan "p": policy: deadline is -1m0s; use 0 or more`,
				`plan "p": policy: gate patience is -1h0m0s; use 0 or more`,
				`plan "p": policy: backoff initial is -1ns; use 0 or more`,
				`plan "p": policy: backoff max is -2ns; use 0 or more`,
				`plan "p": policy: backoff factor is NaN; use 0, or 1 or more`,
				`plan "p": policy: backoff jitter is NaN; use 0 to 1`,
				`plan "p": phase "a": policy: backoff factor is 0.5; use 0, or 1 or more`,
				`plan "p": phase "a": policy: backoff jitter is 1.5; use 0 to 1`,
				`plan "p": phase "a": policy: deadline is 1h0m0s; only a plan has one`,
				`plan "p": phase "b": policy: deadline is -1h0m0s; use 0 or more`,
				`plan "p": phase "b": policy: backoff factor is -2; use 0, or 1 or more`,
				`plan "p": phase "b": policy: backoff jitter is -1; use 0 to 1`,
				`plan "p": phase "c": policy: backoff factor is +Inf; use 0, or 1 or more`,
			},
		},
		{
			"bad parameters", Definition{Service: "q", Name: "p", Strategy: Serial, Parameters: []Parameter{
				{Name: "", Type: Text}, {Name: "1st", Type: Text}, {Name: "a-b", Type: Text}, {Name: "ä", Type: Text},
				{Name: "dup", Type: Text}, {Name: "dup", Type: Text},
				{Name: "float", Type: "float", Default: "x", Choices: []string{"y"}},
				{Name: "count", Type: Integer, Default: "many"},
				{Name: "missing", Type: Integer},
				{Name: "choosy", Type: Integer, Default: "3", Choices: []string{"1", "two", "4"}},
				{Name: "both", Type: Boolean, Required: true, Default: "true"},
				{Name: "late", Type: TimeInterval, Default: "3 weeks"},
				{Name: "nul", Type: Text, Default: "a\x00"},
			}},
			[]string{
				`plan "p": parameter name "dup" is not unique`,
				`plan "p": parameter "": name is ""; use letters, digits and _, not beginning with a digit`,
				`plan "p": parameter "1st": name is "1st"; use letters, digits and _, not beginning with a digit`,
				`plan "p": parameter "a-b": name is "a-b"; use letters, digits and _, not beginning with a digit`,
				`plan "p": parameter "ä": name is "ä"; use letters, digits and _, not beginning with a digit`,
				`plan "p": parameter "float": type "float" is unknown; use text, integer, boolean or duration`,
				`plan "p": parameter "count": default is "many"; use an integer such as 3`,
				`plan "p": parameter "missing": default is ""; use an integer such as 3`,
				`plan "p": parameter "choosy": choice is "two"; use an integer such as 3`,
				`plan "p": parameter "choosy": default is "3"; use "1", "two" or "4"`,
				`plan "p": parameter "both": default is "true"; a required parameter has none`,
				`plan "p": parameter "late": default is "3 weeks"; use a duration such as 1h30m`,
				`plan "p": parameter "nul": default is "a\x00"; use text in UTF-8 without NUL characters`,
			},
		},
		{
			"bad settings", withSteps(
				Step{Name: "a-0", Kind: Wait, Settings: []Setting{{Name: "a"}, {Name: "c"}, {Name: "b", Value: "hidden", Secret: true}, {Name: "b"}}},
				Step{Name: "a-1", Kind: Wait, Settings: []Setting{{Name: ""}, {Name: "c"}, {Name: "d"}}},
			),
			[]string{
				`plan "deploy": phase "a": step "a-0": settings: "b" comes after "c"; they must be sorted by name`,
				`plan "deploy": phase "a": step "a-0": settings: "b" is there twice`,
				`plan "deploy": phase "a": step "a-1": settings: a name is empty`,
			},
		},
		{
			"unknown and repeated predecessors", validPlan(validPhase("a"), validPhase("b", "a", "x", "a", "x")),
			[]string{
				`plan "deploy": phase "b": after: phase "x" is unknown; the plan has "a", "b"`,
				`plan "deploy": phase "b": after: phase "a" is named twice`,
				`plan "deploy": phase "b": after: phase "x" is named twice`,
			},
		},
		{
			"two cycles, and a phase behind one", validPlan(
				validPhase("a", "b"), validPhase("b", "c"), validPhase("c", "a"), validPhase("d", "d"), validPhase("e", "d"),
			),
			[]string{
				`plan "deploy": phases wait for each other: "a" waits for "b" waits for "c" waits for "a"`,
				`plan "deploy": phases wait for each other: "d" waits for "d"`,
			},
		},
		{
			"two cycles, one behind the other", validPlan(
				validPhase("a", "b"), validPhase("b", "a"), validPhase("c", "a", "d"), validPhase("d", "c"),
			),
			[]string{
				`plan "deploy": phases wait for each other: "a" waits for "b" waits for "a"`,
				`plan "deploy": phases wait for each other: "c" waits for "d" waits for "c"`,
			},
		},
		{
			"a cycle by way of serial order", validPlan(validPhase("a", "c"), validPhase("b"), validPhase("c")),
			[]string{`plan "deploy": phases wait for each other: "a" waits for "c" waits for "a"`},
		},
		{
			"an unknown strategy orders as serial does", Definition{
				Service: "q", Name: "p", Strategy: "zigzag", Phases: []Phase{validPhase("a", "b"), validPhase("b")},
			},
			[]string{
				`plan "p": strategy "zigzag" is unknown; use serial or parallel`,
				`plan "p": phases wait for each other: "a" waits for "b" waits for "a"`,
			},
		},
		{
			"the way around is the shortest", validPlan(validPhase("a", "e"), validPhase("b", "a"), validPhase("c"), validPhase("d", "b"), validPhase("e")),
			[]string{`plan "deploy": phases wait for each other: "a" waits for "e" waits for "a"`},
		},
		{
			"the same order is no cycle in a parallel plan", Definition{
				Service: "quobyte", Name: "deploy", Strategy: Parallel, Phases: []Phase{validPhase("a", "c"), validPhase("b"), validPhase("c")},
			}, nil,
		},
		{
			"bad orders of steps", withSteps(
				waiting("a", "a"), waiting("b", "c", "c"), waiting("c", "d", "x"), waiting("d", "b"), waiting("e", "b"),
			),
			[]string{
				`plan "deploy": phase "a": step "a": after: step "a" is the step itself`,
				`plan "deploy": phase "a": step "b": after: step "c" is named twice`,
				`plan "deploy": phase "a": step "c": after: step "x" is unknown; the phase has "a", "b", "c", "d", "e"`,
				`plan "deploy": phase "a": steps wait for each other: "b" waits for "c" waits for "d" waits for "b"`,
			},
		},
		{
			"a serial phase in which a step waits for a later one", withSteps(waiting("a", "c"), waiting("b"), waiting("c")), nil,
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, problems(tc.def.Validate())); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			ledger := Ledger{Pods: []PodState{{Name: "nobody", Type: "t"}, {Name: "pod", Type: "t"}, {Name: "x", Type: "t"}, {Name: "y", Type: "t"}}}
			if diff := cmp.Diff(tc.want, problems(Validate(ledger, tc.def))); diff != "" {
				t.Errorf("problems with a ledger that knows all pods (-want +got):\n%s", diff)
			}
		})
	}
}

func TestValidateWithLedger(t *testing.T) {
	quarter, tooMuch, negative := Amount{25, true}, Amount{101, true}, Amount{-1, true}
	deploy := validPlan(Phase{Name: "data", Strategy: Serial, Steps: []Step{
		{Name: "data-0", Kind: Launch, Pod: "data-0"}, {Name: "data-1", Kind: Stop, Pod: "data-1"},
		{Name: "call", Kind: Action}, {Name: "free", Kind: Unreserve, Pod: "data-2"}, {Name: "all", Kind: Wait, Pod: "data-3"},
	}})
	again, other := validPlan(), validPlan()
	again.Name, other.Name = "recover", "recover"
	tests := []struct {
		name        string
		ledger      Ledger
		definitions []Definition
		want        []string
	}{
		{"nothing", Ledger{}, nil, nil},
		{
			"a good ledger", Ledger{
				Budgets: []Budget{{PodType: "data", MaxUnavailable: Amount{100, true}, PerDomain: &quarter}, {PodType: "registry"}},
				Pods:    []PodState{{Name: "data-0", Type: "data"}, {Name: "registry-0", Type: "registry"}, {Name: "web-0", Type: "web"}},
			}, nil, nil,
		},
		{
			"bad budgets", Ledger{Budgets: []Budget{
				{PodType: ""}, {PodType: "a", MaxUnavailable: Amount{Value: -1}}, {PodType: "a", MaxUnavailable: Amount{120, true}},
				{PodType: "b", PerDomain: &tooMuch}, {PodType: "c", PerDomain: &negative},
			}}, nil,
			[]string{
				`ledger: budget: pod type "a" is not unique`,
				`ledger: budget "": pod type is empty`,
				`ledger: budget "a": max unavailable is -1; use 0 or more`,
				`ledger: budget "a": max unavailable is 120%; use at most 100%`,
				`ledger: budget "b": per domain is 101%; use at most 100%`,
				`ledger: budget "c": per domain is -1%; use 0 or more`,
			},
		},
		{
			"bad pods", Ledger{Pods: []PodState{
				{Name: "b", Type: "t"}, {Name: "a", Type: "t"}, {Name: "a", Type: "t"}, {Name: "c"}, {Name: "d\x00", Type: "t"}, {Name: "", Type: "t"},
			}}, nil,
			[]string{
				`ledger: pod name "a" is not unique`,
				`ledger: pod "a": comes after "b"; pods must be sorted by name`,
				`ledger: pod "c": type is empty`,
				`ledger: pod "d\x00": pod name contains a NUL character`,
				`ledger: pod "": pod name is empty`,
				`ledger: pod "": comes after "d\x00"; pods must be sorted by name`,
			},
		},
		{
			"steps of pods that the ledger does not know", Ledger{Pods: []PodState{{Name: "data-1", Type: "data"}}}, []Definition{deploy},
			[]string{
				`plan "deploy": phase "data": step "data-0": pod "data-0" is unknown`,
				`plan "deploy": phase "data": step "free": pod "data-2" is unknown`,
				`plan "deploy": phase "data": step "all": pod is "data-3"; a wait step has none`,
			},
		},
		{
			"an empty ledger knows no pods", Ledger{}, []Definition{deploy},
			[]string{
				`plan "deploy": phase "data": step "data-0": pod "data-0" is unknown`,
				`plan "deploy": phase "data": step "data-1": pod "data-1" is unknown`,
				`plan "deploy": phase "data": step "free": pod "data-2" is unknown`,
				`plan "deploy": phase "data": step "all": pod is "data-3"; a wait step has none`,
			},
		},
		{"plans of one name", Ledger{}, []Definition{again, validPlan(), other, {}}, []string{
			`plan name "recover" is not unique`,
			`plan "": service name is empty`,
			`plan "": plan name is empty`,
			`plan "": strategy "" is unknown; use serial or parallel`,
		}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, problems(Validate(tc.ledger, tc.definitions...))); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// problems are the texts of a multierror.
func problems(err error) []string {
	var list *multierror.Error
	if !errors.As(err, &list) {
		return nil
	}
	var texts []string
	for _, e := range list.Errors {
		texts = append(texts, e.Error())
	}
	return texts
}

// TestPhasesInCyclesAreToldExactly compares with a plain twin: phases that still wait if each became COMPLETE as soon as it may begin.
func TestPhasesInCyclesAreToldExactly(t *testing.T) {
	checkDrawn(t, func(t *rapid.T) {
		names := []string{"a", "b", "c", "d", "e", "f"}[:rapid.IntRange(1, 6).Draw(t, "phases")]
		d := Definition{Service: "q", Name: "p", Strategy: rapid.SampledFrom(planStrategies).Draw(t, "strategy")}
		for _, name := range names {
			p := Phase{Name: name, Strategy: Serial, Optional: true}
			if rapid.Bool().Draw(t, "explicit") {
				p.After = rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 2, rapid.ID).Draw(t, "after")
			}
			d.Phases = append(d.Phases, p)
		}
		waits := func(i, j int) bool {
			if d.Phases[i].After != nil {
				return slices.Contains(d.Phases[i].After, names[j])
			}
			return d.Strategy == Serial && j < i
		}
		told := problems(d.Validate())
		if stuck := stuckNodes(len(names), waits); (len(stuck) > 0) != (len(told) > 0) {
			t.Fatalf("phases %v never begin, and Validate says %q", stuck, told)
		}
		for _, problem := range told {
			way := strings.Split(problem[strings.LastIndex(problem, ": ")+2:], " waits for ")
			for k := range way[1:] {
				i, j := slices.Index(names, strings.Trim(way[k], `"`)), slices.Index(names, strings.Trim(way[k+1], `"`))
				if !waits(i, j) {
					t.Fatalf("%s: %s does not wait for %s", problem, way[k], way[k+1])
				}
			}
			if way[0] != way[len(way)-1] {
				t.Fatalf("%s: the way does not come back", problem)
			}
		}
	})
}

func stuckNodes(n int, waits func(i, j int) bool) []int {
	stuck := make([]int, n)
	for i := range stuck {
		stuck[i] = i
	}
	for {
		left := slices.DeleteFunc(slices.Clone(stuck), func(i int) bool {
			return !slices.ContainsFunc(stuck, func(j int) bool { return waits(i, j) })
		})
		if len(left) == len(stuck) {
			return left
		}
		stuck = left
	}
}

// bigPlan has n steps, in one phase.
func bigPlan(n int, step func(i int, s *Step)) (Ledger, Definition) {
	var ledger Ledger
	settings := make([]Setting, 30)
	for i := range settings {
		settings[i] = Setting{Name: fmt.Sprintf("setting-%02d", i), Value: strings.Repeat("v", 20)}
	}
	p := Phase{Name: "data", Strategy: Parallel}
	for i := range n {
		pod := fmt.Sprintf("data-%05d", i)
		ledger.Pods = append(ledger.Pods, PodState{Name: pod, Type: "data"})
		s := Step{Name: pod, Kind: Launch, Pod: pod, Settings: settings}
		step(i, &s)
		p.Steps = append(p.Steps, s)
	}
	return ledger, validPlan(p)
}

func TestValidateOfManySteps(t *testing.T) {
	const n = 30_000
	tests := []struct {
		name string
		step func(i int, s *Step)
		want int // problems
	}{
		{"all good", func(int, *Step) {}, 0},
		{"a chain", func(i int, s *Step) {
			if i > 0 {
				s.After = []string{fmt.Sprintf("data-%05d", i-1)}
			}
		}, 0},
		{"a ring", func(i int, s *Step) { s.After = []string{fmt.Sprintf("data-%05d", (i+1)%n)} }, 1},
		{"pairs", func(i int, s *Step) { s.After = []string{fmt.Sprintf("data-%05d", i^1)} }, n / 2},
		{"unknown predecessors", func(_ int, s *Step) { s.After = []string{"x"} }, n},
		{"all of one name", func(_ int, s *Step) { s.Name = "x" }, 1},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			ledger, d := bigPlan(n, tc.step)
			start := time.Now()
			got := problems(Validate(ledger, d))
			if len(got) != tc.want {
				t.Errorf("%d problems, want %d; the first: %s", len(got), tc.want, got[:min(1, len(got))])
			}
			// Generous, for slow machines: what is quadratic takes minutes.
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("validating %d steps took %v", n, took)
			}
			for _, problem := range got {
				if len(problem) > 400 {
					t.Fatalf("a problem of %d characters is not for people: %s …", len(problem), problem[:400])
				}
			}
		})
	}
}

func TestLongCyclesAreCutShort(t *testing.T) {
	var phases []Phase
	for i := range 14 {
		phases = append(phases, validPhase(fmt.Sprint(i), fmt.Sprint((i+1)%14)))
	}
	phases = append(phases, validPhase("last", "nobody"))
	want := []string{
		`plan "deploy": phase "last": after: phase "nobody" is unknown; the plan has "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", and 5 more`,
		`plan "deploy": phases wait for each other: "0" waits for "1" waits for "2" waits for "3" waits for "4" waits for "5" waits for "6" ` +
			`waits for "7" waits for "8" waits for "9" waits for 4 more waits for "0"`,
	}
	if diff := cmp.Diff(want, problems(validPlan(phases...).Validate())); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func BenchmarkValidate(b *testing.B) {
	ledger, d := bigPlan(30_000, func(int, *Step) {})
	b.ReportAllocs()
	for b.Loop() {
		if err := Validate(ledger, d); err != nil {
			b.Fatal(err)
		}
	}
}
