package plans

import (
	"fmt"
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
				return Observation{Status: Complete, Since: noon, Host: "h", Task: "t"}
			case phase == 1 && step < 5100:
				return Observation{Status: Started, Since: noon, Holds: []Hold{{Code: CodeUnhealthy, Text: "data is not ready"}}}
			case phase == 1:
				return Observation{Status: Prepared, Holds: []Hold{{Code: CodeNoOffer, Text: fmt.Sprintf("no offer from host h%d", step)}}}
			}
			return Observation{}
		}},
		{"complete", func(int, int) Observation { return Observation{Status: Complete, Since: noon} }},
	}
	for _, state := range states {
		b.Run(state.name, func(b *testing.B) {
			in := largeInput(10_000, state.make)
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

// BenchmarkID is the part of an evaluation that goes into element ids.
func BenchmarkID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ID("quobyte", "deploy", "data", "data-1234:[server]")
	}
}
