package plans

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The twin says of parents what the table says.
func TestPlainParentIsTheTable(t *testing.T) {
	checkDrawn(t, func(t *rapid.T) {
		var plain plainParent
		var table tally
		for n := range rapid.IntRange(0, 4).Draw(t, "children") {
			s := oneOf(t, "child", Pending, Prepared, Starting, Started, Complete, Waiting, Delayed, InProgress, Error)
			candidate := s != Complete && s != Error && chance(t, 50, fmt.Sprint("candidate", n))
			table.add(s, candidate)
			plain.children = append(plain.children, s)
			if candidate {
				plain.candidates = append(plain.candidates, s)
			}
		}
		plain.able, plain.paused, plain.open = chance(t, 30, "able"), chance(t, 30, "paused"), chance(t, 30, "open")
		plain.pausing = chance(t, 30, "pausing")
		table.able, table.paused, table.open, table.pausing = plain.able, plain.paused, plain.open, plain.pausing
		if want, got := aggregate(table), plain.status(); got != want {
			t.Fatalf("%s; the table says %s", got, want)
		}
	})
}

// A few inputs of which it is plain to everybody what is to come out, so that the twin is not wrong together with the evaluator.
func TestPlainTwin(t *testing.T) {
	steps := func(n int) []Step {
		var s []Step
		for j := range n {
			s = append(s, Step{Name: fmt.Sprintf("s%d", j), Kind: Launch, Pod: fmt.Sprintf("data-%d", j)})
		}
		return s
	}
	ledger := func(domains ...string) Ledger {
		l := Ledger{Budgets: []Budget{{PodType: "data", MaxUnavailable: Amount{Value: 2}}}}
		for j, domain := range domains {
			l.Pods = append(l.Pods, PodState{Name: fmt.Sprintf("data-%d", j), Type: "data", Domain: domain})
		}
		return l
	}
	input := func(strategy Strategy, of ...Observation) Input {
		return Input{
			Definition: Definition{Service: "q", Name: "deploy", Strategy: Serial, Phases: []Phase{
				{Name: "data", Strategy: strategy, Steps: steps(len(of))},
				{Name: "api", Strategy: Serial, Steps: []Step{{Name: "a", Kind: Launch, Pod: "api-0"}}},
			}},
			Observations: [][]Observation{of, {{}}},
			Run:          Run{Number: 1, StartedAt: noon.Add(-time.Hour)},
			Now:          noon,
			Ledger:       ledger("a", "b", "a", "a"),
		}
	}
	running := Observation{Running: true, Fit: Fits}
	failed := Observation{Status: Delayed, Attempts: 2, BegunAt: noon.Add(-time.Minute), TriedAt: noon.Add(-time.Minute)}
	pause := func(phase string, when When) Fact {
		return Fact{Kind: Paused, Plan: "deploy", Phase: phase, When: when, At: noon}
	}
	tests := []struct {
		name       string
		in         Input
		change     func(in *Input)
		plan       Status
		data       Status
		steps      []Status
		candidates string
		questions  string
		halted     bool
	}{
		{name: "parallel, fresh", in: input(Parallel, Observation{}, Observation{}),
			plan: Pending, data: Pending, steps: []Status{Pending, Pending}, candidates: "0 1"},
		{name: "serial, fresh", in: input(Serial, Observation{}, Observation{}),
			plan: Pending, data: Pending, steps: []Status{Pending, Pending}, candidates: "0"},
		{name: "serial, the first failed", in: input(Serial, failed, Observation{}),
			change: func(in *Input) { in.Definition.Policy = Policy{Attempts: 2, Tolerate: 1} },
			plan:   Pending, data: Pending, steps: []Status{Waiting, Pending}, candidates: "1"},
		{name: "more failed than tolerated", in: input(Serial, failed, Observation{}),
			change: func(in *Input) { in.Definition.Policy = Policy{Attempts: 2} },
			plan:   Waiting, data: Waiting, steps: []Status{Waiting, Waiting}, halted: true},
		{name: "phase paused, one under way", in: input(Parallel, Observation{Status: Complete}, Observation{Status: Starting}, Observation{}),
			change: func(in *Input) { in.Facts = []Fact{pause("data", PauseNow)} },
			plan:   Waiting, data: Waiting, steps: []Status{Complete, Starting, Waiting}},
		{name: "phase paused after steps, one under way", in: input(Parallel, Observation{Status: Starting}, Observation{}),
			change: func(in *Input) { in.Facts = []Fact{pause("data", PauseAfterSteps)} },
			plan:   InProgress, data: InProgress, steps: []Status{Starting, Waiting}},
		{name: "a batch of one domain, as budget allows", in: input(Parallel, running, running, running, running),
			plan: Pending, data: Pending, steps: []Status{Pending, Pending, Pending, Pending}, candidates: "0! 2!"},
		{name: "a batch of one step", in: input(Serial, running, running, running, running),
			plan: Pending, data: Pending, steps: []Status{Pending, Pending, Pending, Pending}, candidates: "0!"},
		{name: "gated", in: input(Parallel, running, running, running, running),
			change: func(in *Input) { in.Definition.Phases[0].Gated = true },
			plan:   Waiting, data: Waiting, steps: []Status{Waiting, Pending, Waiting, Pending}, questions: "gate s0 s2"},
		{name: "gated and open", in: input(Parallel, running, running, running, running),
			change: func(in *Input) {
				in.Definition.Phases[0].Gated = true
				in.Verdicts = []Verdict{{Pods: []string{"data-0", "data-2"}, Gate: GateOpen, AskedAt: noon.Add(-time.Second)}}
			},
			plan: Pending, data: Pending, steps: []Status{Pending, Pending, Pending, Pending}, candidates: "0! 2!"},
		{name: "a fit is unknown", in: input(Parallel, Observation{Running: true}, running, running),
			plan: Pending, data: Pending, steps: []Status{Pending, Pending, Pending}, questions: "fit s0 s2"},
		{name: "stopped, paused", in: input(Serial, Observation{}, Observation{Stopped: true, BegunAt: noon}),
			change: func(in *Input) { in.Facts = []Fact{pause("", PauseNow)} },
			plan:   Waiting, data: Waiting, steps: []Status{Waiting, Pending}, candidates: "1"},
		{name: "canary", in: input(ParallelCanary, Observation{}, Observation{}),
			plan: Waiting, data: Waiting, steps: []Status{Waiting, Waiting}},
		{name: "canary, first released", in: input(ParallelCanary, Observation{}, Observation{}),
			change: func(in *Input) {
				in.Facts = []Fact{{Kind: Released, Plan: "deploy", Phase: "data", Run: 1, Steps: []string{"s0"}, At: noon}}
			},
			plan: Pending, data: Pending, steps: []Status{Pending, Waiting}, candidates: "0"},
		{name: "run ended", in: input(Parallel, Observation{Status: Complete}, Observation{}),
			change: func(in *Input) { in.Run.CompletedAt, in.Run.Outcome = noon, Stopped },
			plan:   Waiting, data: Waiting, steps: []Status{Complete, Waiting}},
		{name: "phase COMPLETE and paused", in: input(Parallel, Observation{Status: Complete}),
			change: func(in *Input) { in.Facts = []Fact{pause("data", PauseNow)} },
			plan:   Waiting, data: Complete, steps: []Status{Complete}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.change != nil {
				test.change(&test.in)
			}
			r := plainEvaluate(test.in, plainOthers{})
			candidates, questions := "", ""
			for _, c := range r.Candidates {
				if candidates != "" {
					candidates += " "
				}
				candidates += fmt.Sprint(c.Step)
				if c.Stops {
					candidates += "!"
				}
			}
			for _, q := range r.Questions {
				kind := "gate"
				if q.Fit {
					kind = "fit"
				}
				questions += kind
				for _, s := range q.Steps {
					questions += " " + s
				}
			}
			if r.Status != test.plan || r.Phases[0].Status != test.data || !slices.Equal(r.Phases[0].Steps, test.steps) {
				t.Errorf("%s, %s, %s; want %s, %s, %s", r.Status, r.Phases[0].Status, r.Phases[0].Steps, test.plan, test.data, test.steps)
			}
			if candidates != test.candidates || questions != test.questions || r.Halted != test.halted {
				t.Errorf("candidates %q, questions %q, halted %v", candidates, questions, r.Halted)
			}
		})
	}
}

// What the twin stops keeps to the budgets, whatever the input.
func TestPlainTwinKeepsToBudgets(t *testing.T) {
	checkDrawn(t, func(t *rapid.T) {
		ledger, ins := drawWorld(t)
		for i := range ins {
			for f := range ins[i].Facts {
				ins[i].Facts[f].Force = false
			}
			ins[i].Facts = slices.DeleteFunc(ins[i].Facts, func(f Fact) bool { return f.Kind == Excepted })
		}
		stopped := map[string]bool{}
		for k, r := range plainCoordinate(ledger, ins) {
			for _, c := range r.Candidates {
				if c.Stops {
					stopped[ins[k].Definition.Phases[c.Phase].Steps[c.Step].Pod] = true
				}
			}
		}
		for _, podType := range podTypes {
			total, down, stops := 0, 0, 0
			for _, state := range ledger.Pods {
				if state.Type != podType {
					continue
				}
				total++
				if state.Down || stopped[state.Name] {
					down++
				}
				if stopped[state.Name] && (!state.Down || state.MayServe) {
					stops++
				}
			}
			most := 1
			for _, b := range ledger.Budgets {
				if b.PodType == podType {
					most = plainAmount(b.MaxUnavailable, total)
				}
			}
			if stops > 0 && down > most {
				t.Fatalf("%d %s down of %d, %d of them stopped", down, podType, most, stops)
			}
		}
	})
}
