package plans_test

import (
	"fmt"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// A caller keeps what it observes, and the run. Whenever something has happened it evaluates the plan, records what is to be recorded, and
// begins what may begin. Here every step succeeds at once; an operator pauses the plan in the middle.
func Example() {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	definition := plans.Definition{
		Service: "quobyte", Name: "deploy", Strategy: plans.Serial,
		Phases: []plans.Phase{
			{Name: "registry", Strategy: plans.Serial, Steps: []plans.Step{
				{Name: "registry-0", Kind: plans.Launch, Pod: "registry-0"},
				{Name: "registry-1", Kind: plans.Launch, Pod: "registry-1"},
			}},
			{Name: "data", Strategy: plans.Parallel, Steps: []plans.Step{
				{Name: "data-0", Kind: plans.Launch, Pod: "data-0"},
				{Name: "data-1", Kind: plans.Launch, Pod: "data-1"},
			}},
		},
	}
	if err := definition.Validate(); err != nil {
		fmt.Println(err)
		return
	}
	run, _ := plans.Start(plans.Run{}, plans.Beginning{Target: "t1", Actor: "alice", Reason: "first install", Frozen: true, Now: now})
	in := plans.Input{
		Definition: definition, Run: run, Now: now,
		Observations: [][]plans.Observation{make([]plans.Observation, 2), make([]plans.Observation, 2)},
	}
	for round := 1; ; round++ {
		in.Now = in.Now.Add(time.Second)
		if round == 3 {
			reply := plans.Apply(in, plans.Verb{Kind: plans.VerbPause, Plan: "deploy", Phase: "data", Actor: "bob", Reason: "lunch"})
			in.Facts, in.Run = append(in.Facts, reply.Put...), reply.Run // recorded before the operator is answered
			fmt.Println(reply.Text)
		}
		e := plans.Evaluate(in)
		in.Run = e.Run // recorded before anything is begun
		fmt.Printf("%s, %d of %d steps\n", e.View.Status, e.View.StepsDone, e.View.StepsTotal)
		if e.View.Status == plans.Complete {
			return
		}
		if len(e.Candidates) == 0 {
			fmt.Println("  ", e.View.Holds[0].Text)
			in.Facts = nil // bob is back
		}
		for _, c := range e.Candidates {
			fmt.Println("   begins", definition.Phases[c.Phase].Steps[c.Step].Name)
			in.Observations[c.Phase][c.Step] = plans.Observation{Status: plans.Complete, Since: in.Now, BegunAt: in.Now, TriedAt: in.Now}
		}
	}
	// Output:
	// PENDING, 0 of 4 steps
	//    begins registry-0
	// IN_PROGRESS, 1 of 4 steps
	//    begins registry-1
	// plan "deploy": phase "data": paused
	// WAITING, 2 of 4 steps
	//    phase "data": paused by bob since 2026-11-23T10:00:03Z: lunch
	// IN_PROGRESS, 2 of 4 steps
	//    begins data-0
	//    begins data-1
	// COMPLETE, 4 of 4 steps
}
