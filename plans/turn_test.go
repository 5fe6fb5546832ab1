package plans

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestWhatHasBegunGoesOn checks whose turn it is where the order alone would let nothing more happen.
func TestWhatHasBegunGoesOn(t *testing.T) {
	before := noon.Add(-time.Minute)
	down := Observation{BegunAt: before, TriedAt: before, Attempts: 1}
	runs := Observation{Running: true, Fit: Fits}
	waits := Observation{Status: Started, Since: before, BegunAt: before, TriedAt: before}
	stopped := Observation{BegunAt: before, TriedAt: before, Stopped: true}
	tests := []struct {
		name     string
		strategy Strategy
		ranks    [2]int
		observed [2]Observation
		want     []Candidate
	}{
		// The budget of the pod that comes first is taken by the one that is down.
		{"in a parallel phase, whatever its rank", Parallel, [2]int{1, 0}, [2]Observation{down, runs}, []Candidate{{Step: 0}}},
		{"in a serial phase, whatever its rank", Serial, [2]int{1, 0}, [2]Observation{down, runs}, []Candidate{{Step: 0}}},
		{"but by the order what has not begun", Parallel, [2]int{1, 0}, [2]Observation{{}, {}}, []Candidate{{Step: 1}}},
		{"but what was passed over is not left behind", Serial, [2]int{}, [2]Observation{{}, waits}, []Candidate{{Step: 0}}},
		{"nor if what has begun has to be launched again", Serial, [2]int{}, [2]Observation{{}, down}, []Candidate{{Step: 0}}},
		{"but by the order it would come later", Serial, [2]int{1, 0}, [2]Observation{{}, down}, []Candidate{{Step: 1}}},
		{"and what the plan stopped comes back all the same", Serial, [2]int{}, [2]Observation{{}, stopped}, []Candidate{{Step: 0}, {Step: 1}}},
		{
			"a newcomer that was stopped has no turn", Serial, [2]int{},
			[2]Observation{{Status: Starting, Since: before, BegunAt: before, TriedAt: before, Stopped: true, Newcomer: true}, {}},
			[]Candidate{{Step: 1}},
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			in := Input{
				Definition: Definition{Name: "deploy", Phases: []Phase{{Name: "data", Strategy: tc.strategy, Steps: []Step{
					{Name: "data-0", Kind: Launch, Pod: "data-0", Rank: tc.ranks[0]}, {Name: "data-1", Kind: Launch, Pod: "data-1", Rank: tc.ranks[1]},
				}}}},
				Observations: [][]Observation{tc.observed[:]},
				Run:          Run{Number: 1, StartedAt: before, FrozenAt: before},
				Ledger:       Ledger{Pods: []PodState{{Name: "data-0", Type: "data", Down: true, Since: before}, {Name: "data-1", Type: "data"}}},
				Now:          noon,
			}
			if diff := cmp.Diff(tc.want, Evaluate(in).Candidates); diff != "" {
				t.Errorf("candidates (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTheRestOfABatchStaysInItsDomain checks that no pod joins a batch which is in another domain than any of it.
func TestTheRestOfABatchStaysInItsDomain(t *testing.T) {
	before := noon.Add(-time.Minute)
	stopped := Observation{BegunAt: before, TriedAt: before, Stopped: true}
	for _, tc := range []struct {
		domains [3]string
		want    []Candidate
	}{
		{[3]string{"a", "a", "a"}, []Candidate{{Step: 0}, {Step: 1}, {Step: 2, Stops: true}}},
		{[3]string{"a", "a", "b"}, []Candidate{{Step: 0}, {Step: 1}}},
		{[3]string{"a", "b", "a"}, []Candidate{{Step: 0}, {Step: 1}}},
		{[3]string{"a", "b", "b"}, []Candidate{{Step: 0}, {Step: 1}}},
	} {
		pods := []string{"data-0", "data-1", "data-2"}
		phase := Phase{Name: "data", Strategy: Parallel, Gated: true}
		ledger := Ledger{Budgets: []Budget{{PodType: "data", MaxUnavailable: Amount{Value: 3}}}}
		for k, pod := range pods {
			phase.Steps = append(phase.Steps, Step{Name: pod, Kind: Launch, Pod: pod})
			ledger.Pods = append(ledger.Pods, PodState{Name: pod, Type: "data", Domain: tc.domains[k], Down: k < 2, Since: before})
		}
		e := Evaluate(Input{
			Definition:   Definition{Name: "deploy", Phases: []Phase{phase}},
			Observations: [][]Observation{{stopped, stopped, {Running: true, Fit: Fits}}},
			Run:          Run{Number: 1, StartedAt: before, FrozenAt: before},
			Ledger:       ledger,
			Verdicts:     []Verdict{{Pods: pods, Gate: GateOpen, AskedAt: noon.Add(-time.Second)}},
			Now:          noon,
		})
		if diff := cmp.Diff(tc.want, e.Candidates); diff != "" {
			t.Errorf("domains %v: candidates (-want +got):\n%s", tc.domains, diff)
		}
	}
}
