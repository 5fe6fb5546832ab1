package plans

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkEvaluate evaluates a plan of 30,000 steps from scratch: 10,000 hosts with a prober, a data pod and a client each.
func BenchmarkEvaluate(b *testing.B) {
	states := []struct {
		name string
		make func(phase, step int) Observation
	}{
		{"nothing-begun", func(int, int) Observation { return Observation{} }},
		{"half-way", func(phase, step int) Observation {
			switch {
			case phase == 0 || (phase == 1 && step < 5000):
				return Observation{
					Status: Complete, Since: noon, Host: "h", Task: "t", BegunAt: noon.Add(-time.Duration(step) * time.Millisecond), Done: Mark{Run: 1, At: noon},
				}
			case phase == 1 && step < 5100:
				return Observation{Status: Started, Since: noon, Holds: []Hold{{Code: CodeUnhealthy, Text: "data is not ready"}}}
			case phase == 1:
				return Observation{Status: Prepared, Holds: []Hold{{Code: CodeNoOffer, Text: fmt.Sprintf("no offer from host h%d", step)}}}
			}
			return Observation{}
		}},
		{"complete", func(int, int) Observation {
			return Observation{Status: Complete, Since: noon, Done: Mark{Run: 1, At: noon}}
		}},
		{"each-with-a-reason", func(_, step int) Observation {
			return Observation{Status: Prepared, Since: noon, Holds: []Hold{{Code: CodeNoOffer, Text: fmt.Sprintf("no offer from host h%d", step)}}}
		}},
	}
	for _, state := range states {
		b.Run(state.name, func(b *testing.B) {
			in := largeInput(10_000, state.make)
			in.Run = Run{Number: 1, StartedAt: noon.Add(-time.Hour), FrozenAt: noon.Add(-time.Hour)}
			b.ReportAllocs()
			for b.Loop() {
				Evaluate(in)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/30_000, "ns/step")
		})
	}
}

func largeInput(hosts int, observe func(phase, step int) Observation) Input {
	in := Input{Definition: Definition{Service: "quobyte", Name: "deploy", Strategy: Serial}, Now: noon.Add(time.Minute)}
	for i, pod := range []string{"prober", "data", "client"} {
		p := Phase{Name: pod, Strategy: Parallel}
		observations := make([]Observation, hosts)
		for j := range hosts {
			name := fmt.Sprintf("%s-%d", pod, j)
			p.Steps = append(p.Steps, Step{Name: name + ":[server]", Kind: Launch, Pod: name, Host: fmt.Sprintf("h%d", j)})
			observations[j] = observe(i, j)
		}
		in.Definition.Phases = append(in.Definition.Phases, p)
		in.Observations = append(in.Observations, observations)
	}
	return in
}

// BenchmarkRollingUpdate evaluates the same plan when all of it runs and has to be stopped batch by batch: 10,000 pods of a gated phase, in
// a hundred racks.
func BenchmarkRollingUpdate(b *testing.B) {
	in := largeInput(10_000, func(phase, _ int) Observation {
		if phase == 0 {
			return Observation{Status: Complete, Since: noon, Done: Mark{Run: 1, At: noon}}
		}
		return Observation{Running: true, Fit: Fits}
	})
	in.Run = Run{Number: 1, StartedAt: noon.Add(-time.Hour), FrozenAt: noon.Add(-time.Hour)}
	in.Definition.Phases[1].Gated = true
	in.Ledger.Budgets = []Budget{{PodType: "data", MaxUnavailable: Amount{Value: 2, Percent: true}}}
	for _, p := range in.Definition.Phases {
		for j, s := range p.Steps {
			in.Ledger.Pods = append(in.Ledger.Pods, PodState{Name: s.Pod, Type: p.Name, Domain: fmt.Sprint("rack-", j%100)})
		}
	}
	slices.SortFunc(in.Ledger.Pods, func(a, b PodState) int { return strings.Compare(a.Name, b.Name) })
	if n := len(Evaluate(in).Questions[0].Pods); n != 100 {
		b.Fatalf("the first batch has %d pods", n)
	}
	b.ReportAllocs()
	for b.Loop() {
		Evaluate(in)
	}
}

// BenchmarkCoordinate evaluates it beside a recovery plan of 1,000 phases.
func BenchmarkCoordinate(b *testing.B) {
	deploy := largeInput(10_000, func(_, step int) Observation {
		if step < 1_000 {
			return Observation{}
		}
		return Observation{Status: Complete, Since: noon}
	})
	recovery := Input{Definition: Definition{Service: "quobyte", Name: "recovery", Strategy: Parallel, Repair: true}, Now: deploy.Now}
	for j := range 1_000 {
		pod := fmt.Sprintf("data-%d", j)
		recovery.Definition.Phases = append(recovery.Definition.Phases, Phase{Name: pod, Strategy: Serial, Steps: []Step{{Name: pod, Kind: Launch, Pod: pod}}})
	}
	b.ReportAllocs()
	for b.Loop() {
		Coordinate(Ledger{}, []Input{deploy, recovery})
	}
}

// BenchmarkID is what it takes to write an element's id.
func BenchmarkID(b *testing.B) {
	id := ID("quobyte", "deploy", "data", "data-1234:[server]")
	b.ReportAllocs()
	for b.Loop() {
		id.UUID()
	}
}
