package plans

import (
	"encoding/json"
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

// TestProperties tries the sentences below on random plans in random states: also in states that no run of a plan would lead to,
// since an evaluation knows nothing of how things came to be. What may begin, and what all is shown as, is compared with the plain twin
// elsewhere; these sentences are what somebody who has read neither would count on.
func TestProperties(t *testing.T) {
	properties := []struct {
		sentence string
		check    func(*rapid.T, Input, Evaluation)
	}{
		// What may begin.
		{"a paused element begins no step, save those that were stopped", pausedBeginsNothing},
		{"what waits for a paused phase does not begin", behindAPauseNothingBegins},
		{"a breakpoint that is reached begins no step, save those that were stopped", breakpointsHold},
		{"candidates of a serial phase are at most one, those that were stopped aside", serialBeginsOne},
		{"candidates are in definition order", candidatesInOrder},
		{"an ended run begins nothing, and asks nothing", endedBeginsNothing},
		{"a canary begins only what it was released for", canaryBeginsWhatWasReleased},
		{"newcomers do not begin, and are not counted", newcomersHaveNoPart},
		{"a batch never spans two failure domains", batchesKeepToADomain},
		{"nothing is stopped that does not fit", nothingIsStoppedThatDoesNotFit},
		{"nothing of a gated phase is stopped without an open verdict that counts", gatesAreAsked},
		{"a step that was stopped is a candidate or says why, and a pause is never why", stoppedGoesOn},
		// What is shown.
		{"a message is the status and the first hold", messagesAreTrue},
		{"every element that does not move has a hold", everyHoldIsTold},
		{"every hold has a code and a text", holdsHaveCodesAndTexts},
		{"holds of steps are ordered, the most fundamental first", holdsAreOrdered},
		{"no hold is shown that is over", noHoldIsOver},
		{"an open phase is never COMPLETE", openIsNeverComplete},
		{"a parent that shows the reason of an element below it names that", reasonsNameTheirElement},
		{"a parent never says PENDING while a child is STARTING or STARTED", workIsNeverHidden},
		{"a parent never says ERROR without an error", errorsHaveReasons},
		{"what runs is shown as what it is", runningStepsAreLeftAlone},
		{"a plan is COMPLETE if all of its phases are, and only then", completeMeansComplete},
		{"counts add up to the members", countsAddUp},
		{"no time that is shown lies in the future, save Until", nothingBeginsLater},
		{"pods that are handed over are sorted, and each is there once", handedOverIsASet},
		// What an evaluation is.
		{"evaluation is a pure function", evaluationIsPure},
		{"the order of facts decides nothing", factOrderDecidesNothing},
		{"the order of verdicts decides nothing", verdictOrderDecidesNothing},
		{"to record what an evaluation says changes nothing that is shown", recordingChangesNothing},
		{"nothing changes before WakeAt, which lies in the future", nothingChangesBeforeWakeAt},
		{"lists that JSON shows are never null", listsAreNeverNull},
		{"a view comes back from its JSON", viewsComeBack},
		{"the revision changes with a fact that changes the view", revisionsTellOfFacts},
		{"the revision does not change when only time passes", revisionsDoNotTellTheTime},
		{"Share is equal to what comes after", sharedViewsAreEqual},
		{"what continue would release is what Apply releases", continueReleasesWhatIsShown},
	}
	for _, p := range properties {
		t.Run(p.sentence, func(t *testing.T) {
			checkDrawn(t, func(t *rapid.T) {
				in := drawInput(t)
				p.check(t, in, Evaluate(in))
				if t.Failed() {
					t.Logf("%s", show(reflect.ValueOf(in)))
				}
			})
		})
	}
}

// TestPropertiesOfWorlds does the same for several plans over the same pods.
func TestPropertiesOfWorlds(t *testing.T) {
	properties := []struct {
		sentence string
		check    func(*rapid.T, Ledger, []Input, []Evaluation)
	}{
		{"new stops never exceed the budget, save by force", stopsKeepToBudgets},
		{"while a quorum pod is being repaired nothing is stopped, save by force", repairComesFirst},
		{"no two plans have a candidate on one pod", onePlanWorksOnAPod},
	}
	for _, p := range properties {
		t.Run(p.sentence, func(t *testing.T) {
			checkDrawn(t, func(t *rapid.T) {
				ledger, ins := drawWorld(t)
				p.check(t, ledger, ins, Coordinate(ledger, ins))
				if t.Failed() {
					t.Logf("%s\n%s", show(reflect.ValueOf(ins)), show(reflect.ValueOf(ledger)))
				}
			})
		})
	}
}

// began are the candidates that somebody could stop from beginning: those that were stopped go on whatever is said.
func began(in Input, e Evaluation) []Candidate {
	return slices.DeleteFunc(slices.Clone(e.Candidates), func(c Candidate) bool { return plain{in: in}.owed(c.Phase, c.Step) })
}

// observed is what is known about a step, none known is zero.
func observed(in Input, i, j int) Observation { return plain{in: in}.observation(i, j) }

// lets says whether a pause lets a step begin that has begun before, in a phase of which some step has.
func (w When) lets(stepBegan, phaseBegan bool) bool {
	return w == PauseAfterSteps && stepBegan || w == PauseAfterPhase && phaseBegan
}

func pausedBeginsNothing(t *rapid.T, in Input, e Evaluation) {
	p := plain{in: in}
	for _, c := range began(in, e) {
		stepBegan, phaseBegan := p.begun(c.Phase, c.Step), p.phaseBegun(c.Phase)
		for _, f := range p.onPlan(Paused) {
			if !f.When.lets(stepBegan, phaseBegan) {
				t.Errorf("candidate %v, and the plan is paused %s", c, f.When)
			}
		}
		for _, f := range p.onPhase(Paused, c.Phase) {
			if !f.When.lets(stepBegan, true) {
				t.Errorf("candidate %v, and its phase is paused %s", c, f.When)
			}
		}
		for _, f := range p.onStep(Paused, c.Phase, c.Step) {
			if !f.When.lets(stepBegan, false) {
				t.Errorf("candidate %v, and it is paused %s", c, f.When)
			}
		}
		if e.Run.Halt != nil && !stepBegan {
			t.Errorf("candidate %v, and the run is halted", c)
		}
	}
}

func behindAPauseNothingBegins(t *rapid.T, in Input, e Evaluation) {
	p := plain{in: in}
	for _, c := range began(in, e) {
		for i := range in.Definition.Phases {
			if p.waitsFor(c.Phase, i) && len(p.onPhase(Paused, i)) > 0 {
				t.Errorf("candidate %v waits for phase %d, which is paused", c, i)
			}
		}
	}
}

func breakpointsHold(t *rapid.T, in Input, e Evaluation) {
	p := plain{in: in}
	for _, c := range began(in, e) {
		for _, f := range p.onPhase(Breakpoint, c.Phase) {
			if f.When == BeforePhase {
				t.Errorf("candidate %v, and a breakpoint lies before its phase", c)
			}
		}
		for i := range in.Definition.Phases {
			for _, f := range p.onPhase(Breakpoint, i) {
				if f.When == AfterPhase && p.waitsFor(c.Phase, i) {
					t.Errorf("candidate %v waits for phase %d, behind which lies a breakpoint", c, i)
				}
			}
		}
	}
}

func serialBeginsOne(t *rapid.T, in Input, e Evaluation) {
	counts := make([]int, len(in.Definition.Phases))
	for _, c := range began(in, e) {
		counts[c.Phase]++
	}
	for i, n := range counts {
		if s := in.Definition.Phases[i].Strategy; s != Parallel && s != ParallelCanary && n > 1 {
			t.Errorf("phase %d is %s and has %d candidates", i, s, n)
		}
	}
}

func candidatesInOrder(t *rapid.T, _ Input, e Evaluation) {
	for k := 1; k < len(e.Candidates); k++ {
		a, b := e.Candidates[k-1], e.Candidates[k]
		if a.Phase > b.Phase || a.Phase == b.Phase && a.Step >= b.Step {
			t.Errorf("candidates %v", e.Candidates)
		}
	}
}

func endedBeginsNothing(t *rapid.T, in Input, e Evaluation) {
	if in.Run.Ended() && len(e.Candidates)+len(e.Questions)+len(e.Completed) > 0 {
		t.Errorf("candidates %v, questions %v, completed %v", e.Candidates, e.Questions, e.Completed)
	}
	if in.Run.Ended() && !e.Run.Equal(in.Run) {
		t.Errorf("run %s, was %s", EncodeRun(e.Run), EncodeRun(in.Run))
	}
}

func canaryBeginsWhatWasReleased(t *rapid.T, in Input, e Evaluation) {
	p := plain{in: in}
	for _, c := range began(in, e) {
		if !in.Definition.Phases[c.Phase].Strategy.canary() || p.begun(c.Phase, c.Step) || p.releasedByName(c.Phase, c.Step) {
			continue
		}
		all := false
		for _, f := range p.onPhase(Released, c.Phase) {
			all = all || f.All
		}
		if !all || p.releasedLeft(c.Phase) {
			t.Errorf("candidate %v: released %v, and others before it are not done: %v", c, all, p.releasedLeft(c.Phase))
		}
	}
}

func newcomersHaveNoPart(t *rapid.T, in Input, e Evaluation) {
	for _, c := range slices.Concat(e.Candidates, e.Completed) {
		if observed(in, c.Phase, c.Step).Newcomer {
			t.Errorf("%v is a newcomer", c)
		}
	}
	for i, phase := range e.View.Phases {
		n := 0
		for j, step := range phase.Steps {
			if step.Newcomer {
				n++
			}
			if observed(in, i, j).Newcomer && !step.Newcomer {
				t.Errorf("step %s of phase %s is a newcomer, and is not shown as one", step.Name, phase.Name)
			}
		}
		if n != phase.Newcomers {
			t.Errorf("phase %s has %d newcomers, and says %d", phase.Name, n, phase.Newcomers)
		}
	}
}

// unforced are the steps of a phase whose pods may be stopped now, save those that an operator restarts by force.
func unforced(in Input, e Evaluation, phase int) []int {
	var steps []int
	for _, c := range e.Candidates {
		if c.Phase == phase && c.Stops && !(plain{in: in}).restartedWithForce(c.Phase, c.Step) {
			steps = append(steps, c.Step)
		}
	}
	return steps
}

func batchesKeepToADomain(t *rapid.T, in Input, e Evaluation) {
	p := plain{in: in}
	for i := range in.Definition.Phases {
		steps := unforced(in, e, i)
		if len(steps) == 0 {
			continue
		}
		domains := map[string][]string{}
		for _, pod := range p.podsOf(i, append(steps, p.disrupted(i)...)) {
			if state, known := p.podState(pod); known {
				domains[state.Domain] = append(domains[state.Domain], pod)
			}
		}
		if len(domains) > 1 {
			t.Errorf("phase %d stops pods of several failure domains together: %v", i, domains)
		}
		if n := len(steps) + len(p.disrupted(i)); n > p.batchLimit(i) {
			t.Errorf("phase %d has stopped %d pods, at most %d belong to a batch", i, n, p.batchLimit(i))
		}
	}
}

func nothingIsStoppedThatDoesNotFit(t *rapid.T, in Input, e Evaluation) {
	for _, c := range e.Candidates {
		if c.Stops && in.Definition.Phases[c.Phase].Steps[c.Step].Kind == Launch && observed(in, c.Phase, c.Step).Fit != Fits {
			t.Errorf("candidate %v, of which it is not known that it fits", c)
		}
	}
}

func gatesAreAsked(t *rapid.T, in Input, e Evaluation) {
	p := plain{in: in}
	settled := in.Ledger.SettledAt
	for _, c := range e.Run.Batches {
		settled = later(settled, c.SettledAt)
	}
	for i, phase := range in.Definition.Phases {
		steps := unforced(in, e, i)
		if !phase.Gated || len(steps) == 0 {
			continue
		}
		pods := p.podsOf(i, append(steps, p.disrupted(i)...))
		open := slices.ContainsFunc(in.Verdicts, func(v Verdict) bool {
			covers := !slices.ContainsFunc(pods, func(pod string) bool { return !slices.Contains(v.Pods, pod) })
			contradicted := slices.ContainsFunc(in.Verdicts, func(w Verdict) bool {
				return w.Gate != GateOpen && sameSet(v.Pods, w.Pods) && !w.AskedAt.Before(v.AskedAt) && !w.AskedAt.After(in.Now)
			})
			age := in.Now.Sub(v.AskedAt)
			return v.Gate == GateOpen && covers && !contradicted && age >= 0 && age < FreshVerdict && !v.AskedAt.Before(settled)
		})
		if !open {
			t.Errorf("phase %d stops %v", i, pods)
		}
	}
}

func stoppedGoesOn(t *rapid.T, in Input, e Evaluation) {
	never := []Code{CodePaused, CodeHalted, CodeBreakpoint, CodeCanary, CodePredecessor, CodeBatch, CodeBudget, CodeRepair, CodeFit,
		CodeGateClosed, CodeGateUnknown, CodePausing}
	p := plain{in: in}
	for i, phase := range e.View.Phases {
		for j, step := range phase.Steps {
			if !p.owed(i, j) || step.Status == Complete || step.Status == Error || p.failed(i, j) || p.newcomer(i, j) {
				continue
			}
			if len(step.Holds) == 0 && !slices.Contains(e.Candidates, Candidate{Phase: i, Step: j}) {
				t.Errorf("step %d of phase %d is %s, no candidate, and does not say why", j, i, step.Status)
			}
			for _, h := range step.Holds {
				if slices.Contains(never, h.Code) {
					t.Errorf("step %d of phase %d was stopped, and is held: %s: %s", j, i, h.Code, h.Text)
				}
			}
		}
	}
}

func messagesAreTrue(t *rapid.T, _ Input, e Evaluation) {
	for _, p := range e.View.Phases {
		for _, step := range p.Steps {
			want := step.Status.String()
			if len(step.Holds) > 0 {
				want += ": " + step.Holds[0].Text
			}
			if step.Message != want {
				t.Errorf("step %s says %q, want %q", step.Name, step.Message, want)
			}
		}
	}
}

// eachElement calls look with the plan, each phase and each step; begins counts the candidates in it.
func eachElement(e Evaluation, look func(name string, status Status, holds []Hold, begins int)) {
	look(e.View.Name, e.View.Status, e.View.Holds, len(e.Candidates))
	for i, p := range e.View.Phases {
		inPhase := 0
		for j, step := range p.Steps {
			begins := 0
			if slices.ContainsFunc(e.Candidates, func(c Candidate) bool { return c.Phase == i && c.Step == j }) {
				begins = 1
			}
			inPhase += begins
			look(step.Name, step.Status, step.Holds, begins)
		}
		look(p.Name, p.Status, p.Holds, inPhase)
	}
}

func everyHoldIsTold(t *rapid.T, _ Input, e Evaluation) {
	eachElement(e, func(name string, status Status, holds []Hold, begins int) {
		if status != Complete && len(holds) == 0 && begins == 0 {
			t.Errorf("%s is %s, begins nothing and does not say why", name, status)
		}
	})
}

func holdsHaveCodesAndTexts(t *rapid.T, _ Input, e Evaluation) {
	eachElement(e, func(name string, _ Status, holds []Hold, _ int) {
		for _, h := range holds {
			if h.Text == "" || h.Code == "" {
				t.Errorf("%s: hold %q says %q", name, h.Code, h.Text)
			}
		}
	})
}

func holdsAreOrdered(t *rapid.T, _ Input, e Evaluation) {
	for _, p := range e.View.Phases {
		for _, step := range p.Steps {
			if !slices.IsSortedFunc(step.Holds, func(a, b Hold) int { return a.Code.Info().Rank - b.Code.Info().Rank }) {
				t.Errorf("%s: holds are not ordered: %+v", step.Name, step.Holds)
			}
		}
	}
}

func noHoldIsOver(t *rapid.T, in Input, e Evaluation) {
	eachElement(e, func(name string, _ Status, holds []Hold, _ int) {
		for _, h := range holds {
			if h.over(in.Now) {
				t.Errorf("%s: hold %+v is over", name, h)
			}
		}
	})
}

func openIsNeverComplete(t *rapid.T, in Input, e Evaluation) {
	for i, p := range in.Definition.Phases {
		if p.Open && (e.View.Phases[i].Status == Complete || e.View.Status == Complete) {
			t.Errorf("phase %s is open, says %s, its plan %s", p.Name, e.View.Phases[i].Status, e.View.Status)
		}
	}
}

func reasonsNameTheirElement(t *rapid.T, _ Input, e Evaluation) {
	below := []string{""}
	for _, p := range e.View.Phases {
		steps := []string{""}
		for _, step := range p.Steps {
			steps = append(steps, step.Name)
		}
		for _, h := range p.Holds {
			if !slices.Contains(steps, h.Element) {
				t.Errorf("phase %s: reason %q is said to be of %q, which is no step of it", p.Name, h.Text, h.Element)
			}
		}
		below = append(append(below, p.Name), steps...)
	}
	for _, h := range e.View.Holds {
		if !slices.Contains(below, h.Element) {
			t.Errorf("reason %q is said to be of %q, which is nothing below the plan", h.Text, h.Element)
		}
	}
	eachElement(e, func(name string, _ Status, holds []Hold, _ int) {
		for _, h := range holds {
			if h.Count > 0 && h.Element == "" {
				t.Errorf("%s: reason %q is that of %d, and names none of them", name, h.Text, h.Count)
			}
		}
	})
}

func workIsNeverHidden(t *rapid.T, _ Input, e Evaluation) {
	work := func(s Status) bool { return s == Starting || s == Started || s == InProgress || s == Prepared }
	anyPhase := false
	for _, p := range e.View.Phases {
		anyPhase = anyPhase || work(p.Status)
		if p.Status == Pending && slices.ContainsFunc(p.Steps, func(s StepView) bool { return !s.Newcomer && work(s.Status) }) {
			t.Errorf("phase %s says PENDING above work", p.Name)
		}
	}
	if anyPhase && e.View.Status == Pending {
		t.Errorf("the plan says PENDING above work")
	}
}

func errorsHaveReasons(t *rapid.T, _ Input, e Evaluation) {
	total := 0
	for _, p := range e.View.Phases {
		n := 0
		for _, step := range p.Steps {
			if (step.Status == Error) != (len(step.Errors) > 0) {
				t.Errorf("step %s is %s with errors %q", step.Name, step.Status, step.Errors)
			}
			if !step.Newcomer {
				n += len(step.Errors)
			}
		}
		if (p.Status == Error) != (n > 0) {
			t.Errorf("phase %s is %s with %d errors", p.Name, p.Status, n)
		}
		total += n
	}
	if (e.View.Status == Error) != (total > 0) || len(e.View.Errors) != total {
		t.Errorf("the plan is %s with errors %q", e.View.Status, e.View.Errors)
	}
}

// runningStepsAreLeftAlone leaves aside what doc.go names: what is excepted, forced or restarted, what was COMPLETE in the run, and what is
// ready.
func runningStepsAreLeftAlone(t *rapid.T, in Input, e Evaluation) {
	p := plain{in: in}
	for i, phase := range e.View.Phases {
		for j, step := range phase.Steps {
			o := observed(in, i, j)
			runs := o.Status == Starting || o.Status == Started
			excused := p.excepted(step.Pod) || p.forced(i, j) || p.restarted(i, j) || p.doneInRun(i, j) || o.Status == Started && p.ready(i, j)
			if runs && !excused && len(o.Errors) == 0 && (step.Status != o.Status || !step.Since.Equal(o.Since)) {
				t.Errorf("step %s was observed %s since %s and is shown %s since %s", step.Name, o.Status, o.Since, step.Status, step.Since)
			}
		}
	}
}

func completeMeansComplete(t *rapid.T, _ Input, e Evaluation) {
	all, done := true, 0
	for _, p := range e.View.Phases {
		all = all && p.Status == Complete
		done += p.StepsDone
		if members := len(p.Steps) - p.Newcomers; p.Status == Complete && p.StepsDone != members {
			t.Errorf("phase %s is COMPLETE with %d of %d steps done", p.Name, p.StepsDone, members)
		}
	}
	if (e.View.Status == Complete) != all || e.View.StepsDone != done {
		t.Errorf("plan is %s, %d of %d steps done", e.View.Status, e.View.StepsDone, e.View.StepsTotal)
	}
}

func countsAddUp(t *rapid.T, _ Input, e Evaluation) {
	var all Counts
	members, newcomers := 0, 0
	for _, p := range e.View.Phases {
		var counts Counts
		for _, step := range p.Steps {
			if !step.Newcomer {
				counts.Add(step.Status)
				all.Add(step.Status)
			}
		}
		if p.Counts != counts || p.StepsDone != counts[Complete] {
			t.Errorf("phase %s counts %s and says %s, %d done", p.Name, counts, p.Counts, p.StepsDone)
		}
		members += len(p.Steps) - p.Newcomers
		newcomers += p.Newcomers
	}
	v := e.View
	if v.Counts != all || all.Total() != members || v.StepsTotal != members || v.StepsDone != all[Complete] || v.Newcomers != newcomers {
		t.Errorf("the plan says %s, %d of %d done, %d newcomers; it has %d members: %s", v.Counts, v.StepsDone, v.StepsTotal, v.Newcomers, members, all)
	}
}

func nothingBeginsLater(t *rapid.T, in Input, e Evaluation) {
	times := []time.Time{e.View.Since}
	for _, p := range e.View.Phases {
		times = append(times, p.Since)
		for _, step := range p.Steps {
			times = append(times, step.Since)
			for _, f := range step.Facts {
				times = append(times, f.At)
			}
		}
	}
	eachElement(e, func(_ string, _ Status, holds []Hold, _ int) {
		for _, h := range holds {
			times = append(times, h.Since)
		}
	})
	for _, at := range times {
		if at.After(in.Now) {
			t.Errorf("%s is later than now", at)
		}
	}
}

func handedOverIsASet(t *rapid.T, _ Input, e Evaluation) {
	if !slices.IsSorted(e.HandedOver) || len(slices.Compact(slices.Clone(e.HandedOver))) != len(e.HandedOver) || slices.Contains(e.HandedOver, "") {
		t.Errorf("handed over: %q", e.HandedOver)
	}
}

func evaluationIsPure(t *rapid.T, in Input, e Evaluation) {
	before := deepCopy(in)
	if diff := cmp.Diff(e, Evaluate(in)); diff != "" {
		t.Errorf("second evaluation (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(before, in); diff != "" {
		t.Errorf("the input was changed (-before +after):\n%s", diff)
	}
	for i := range in.Observations { // the result must not depend on what happens to the input later
		for j := range in.Observations[i] {
			clear(in.Observations[i][j].Holds)
			clear(in.Observations[i][j].Errors)
		}
	}
	if diff := cmp.Diff(Evaluate(before), e); diff != "" {
		t.Errorf("the result shares memory with the observations:\n%s", diff)
	}
}

// deepCopy copies a value with all that it leads to.
func deepCopy[T any](value T) T {
	var copyOf func(v reflect.Value) reflect.Value
	copyOf = func(v reflect.Value) reflect.Value {
		switch v.Kind() {
		case reflect.Slice:
			if v.IsNil() {
				return v
			}
			out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
			for i := range v.Len() {
				out.Index(i).Set(copyOf(v.Index(i)))
			}
			return out
		case reflect.Pointer:
			if v.IsNil() {
				return v
			}
			out := reflect.New(v.Type().Elem())
			out.Elem().Set(copyOf(v.Elem()))
			return out
		case reflect.Struct:
			out := reflect.New(v.Type()).Elem()
			out.Set(v)
			for i := range v.NumField() {
				if v.Type().Field(i).IsExported() {
					out.Field(i).Set(copyOf(v.Field(i)))
				}
			}
			return out
		}
		return v
	}
	return copyOf(reflect.ValueOf(value)).Interface().(T)
}

func factOrderDecidesNothing(t *rapid.T, in Input, e Evaluation) {
	in.Facts = rapid.Permutation(in.Facts).Draw(t, "another order")
	if diff := cmp.Diff(e, Evaluate(in)); diff != "" {
		t.Errorf("with facts in another order (-as given +then):\n%s", diff)
	}
}

func verdictOrderDecidesNothing(t *rapid.T, in Input, e Evaluation) {
	in.Verdicts = rapid.Permutation(in.Verdicts).Draw(t, "another order")
	if diff := cmp.Diff(e, Evaluate(in)); diff != "" {
		t.Errorf("with verdicts in another order (-as given +then):\n%s", diff)
	}
}

// recorded is the input after what an evaluation says was recorded.
func recorded(in Input, e Evaluation) Input {
	in = deepCopy(in)
	in.Run = e.Run
	for _, c := range e.Completed {
		for c.Phase >= len(in.Observations) {
			in.Observations = append(in.Observations, nil)
		}
		for c.Step >= len(in.Observations[c.Phase]) {
			in.Observations[c.Phase] = append(in.Observations[c.Phase], Observation{})
		}
		in.Observations[c.Phase][c.Step].Done = Mark{Run: e.Run.Number, At: e.View.Phases[c.Phase].Steps[c.Step].Since}
	}
	return in
}

// contradicts says that a step is observed as COMPLETE since before it was begun last.
func contradicts(o Observation) bool { return o.Status == Complete && o.Since.Before(o.TriedAt) }

func recordingChangesNothing(t *rapid.T, in Input, e Evaluation) {
	if slices.ContainsFunc(in.Observations, func(of []Observation) bool { return slices.ContainsFunc(of, contradicts) }) {
		return
	}
	again := Evaluate(recorded(in, e))
	if len(again.Completed) > 0 || !again.Run.Equal(e.Run) {
		t.Errorf("there is more to be recorded: %v, %s, was %s", again.Completed, EncodeRun(again.Run), EncodeRun(e.Run))
	}
	if !e.Run.Ended() {
		e.Completed = nil
		if diff := cmp.Diff(e, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-before it was recorded +after):\n%s", diff)
		}
		return
	}
	e.View.Revision, again.View.Revision = "", "" // it tells of the outcome
	if diff := cmp.Diff(e.View, again.View, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-before it was recorded +after):\n%s", diff)
	}
}

// nothingChangesBeforeWakeAt says it of all that an evaluation returns, once it is recorded.
func nothingChangesBeforeWakeAt(t *rapid.T, in Input, e Evaluation) {
	if !e.WakeAt.IsZero() && !e.WakeAt.After(in.Now) {
		t.Errorf("wake at %s", e.WakeAt)
	}
	in = recorded(in, e)
	in.Verdicts = slices.DeleteFunc(in.Verdicts, func(v Verdict) bool { return v.AskedAt.After(in.Now) }) // nobody has asked later than now
	e = Evaluate(in)
	last := in.Now.Add(100 * time.Hour) // never
	if !e.WakeAt.IsZero() {
		last = e.WakeAt.Add(-1)
	}
	times := []time.Time{last, in.Now.Add(last.Sub(in.Now) / 2), in.Now.Add(1)}
	for _, at := range times {
		if at.After(last) {
			continue
		}
		in.Now = at
		if diff := cmp.Diff(e, Evaluate(in), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("wake at %s, and at %s something else is so (-before +then):\n%s", e.WakeAt, at, diff)
		}
	}
}

func listsAreNeverNull(t *rapid.T, _ Input, e Evaluation) {
	data, err := json.Marshal(e.View)
	if err != nil {
		t.Fatal(err)
	}
	if at := strings.Index(string(data), ":null"); at >= 0 {
		t.Errorf("null in %s", data[max(at-40, 0):])
	}
}

func viewsComeBack(t *rapid.T, _ Input, e Evaluation) {
	data, err := json.Marshal(e.View)
	if err != nil {
		t.Fatal(err)
	}
	var back View
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e.View, back, cmpopts.EquateEmpty()); diff != "" { // ids are compared by their method Equal
		t.Errorf("(-view +from JSON):\n%s", diff)
	}
	again, err := json.Marshal(back)
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != string(data) {
		t.Errorf("the JSON comes back as\n%s, was\n%s", again, data)
	}
}

func revisionsTellOfFacts(t *rapid.T, in Input, e Evaluation) {
	in.Facts = append(slices.Clone(in.Facts), drawFact(t, in))
	after := Evaluate(in)
	revision := after.View.Revision
	after.View.Revision = e.View.Revision
	if changed := !cmp.Equal(e.View, after.View); changed && revision == e.View.Revision {
		t.Errorf("fact %+v changes the view, and not its revision:\n%s", in.Facts[len(in.Facts)-1], cmp.Diff(e.View, after.View))
	}
}

// revisionsDoNotTellTheTime leaves aside what time brings about: that the run halts or ends, and that a batch is over.
func revisionsDoNotTellTheTime(t *rapid.T, in Input, e Evaluation) {
	in.Now = in.Now.Add(time.Duration(rapid.Int64Range(1, int64(3*time.Hour)).Draw(t, "passes")))
	in.Run = e.Run
	after := Evaluate(in)
	over := func(r Run) (n int) {
		for _, c := range r.Batches {
			n += c.Done
		}
		return n
	}
	brought := (e.Run.Halt == nil) != (after.Run.Halt == nil) || e.Run.Ended() != after.Run.Ended() || over(e.Run) != over(after.Run)
	if !in.Run.Ended() && !brought && after.View.Revision != e.View.Revision {
		t.Errorf("revision %s, later %s", e.View.Revision, after.View.Revision)
	}
}

func sharedViewsAreEqual(t *rapid.T, in Input, e Evaluation) {
	switch oneOf(t, "what happens", 0, 1, 2) {
	case 0:
		in.Now = in.Now.Add(time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "passes")))
	case 1:
		in.Facts = append(slices.Clone(in.Facts), drawFact(t, in))
	default:
		in.Observations = drawObservations(t, in, drawTrouble(t))
	}
	after := Evaluate(in)
	kept, before := deepCopy(after.View), deepCopy(e.View)
	shared := Share(e.View, after.View)
	if diff := cmp.Diff(kept, shared); diff != "" {
		t.Errorf("(-after +shared):\n%s", diff)
	}
	if !cmp.Equal(before, e.View) || !cmp.Equal(kept, after.View) {
		t.Errorf("Share has changed a view")
	}
}

func continueReleasesWhatIsShown(t *rapid.T, in Input, e Evaluation) {
	p := plain{in: in}
	for i, phase := range e.View.Phases {
		if phase.Continue == nil || len(p.onPhase(Paused, i)) > 0 || len(p.onPhase(Breakpoint, i)) > 0 {
			continue
		}
		reply := Apply(in, Verb{Kind: VerbContinue, Plan: e.View.Name, Phase: phase.Name, Actor: "bob"})
		if in.Run.Ended() || in.Run.Number == 0 {
			if reply.Code != Refused {
				t.Errorf("phase %s: %s: %s, in run %d, ended %v", phase.Name, reply.Code, reply.Text, in.Run.Number, in.Run.Ended())
			}
			continue
		}
		if reply.Code != Done || len(reply.Put) != 1 || !strings.Contains(reply.Text, fmt.Sprintf("%q", phase.Continue.Step)) {
			t.Fatalf("phase %s: %s: %s, puts %+v", phase.Name, reply.Code, reply.Text, reply.Put)
		}
		put := reply.Put[0]
		if put.Kind != Released || put.Run != in.Run.Number || put.All != phase.Continue.All || !slices.Contains(put.Steps, phase.Continue.Step) {
			t.Errorf("phase %s would release %+v; fact %+v", phase.Name, *phase.Continue, put)
		}
		then := in
		then.Facts = append(slices.DeleteFunc(slices.Clone(in.Facts), func(f Fact) bool {
			return slices.ContainsFunc(reply.Delete, func(g Fact) bool { return cmp.Equal(f, g) })
		}), put)
		after := Evaluate(then)
		for _, step := range after.View.Phases[i].Steps {
			if step.Name == phase.Continue.Step && slices.ContainsFunc(step.Holds, func(h Hold) bool { return h.Code == CodeCanary }) {
				t.Errorf("step %s was released, and says %s", step.Name, step.Message)
			}
		}
		if next := after.View.Phases[i].Continue; next != nil && (next.Step == phase.Continue.Step || phase.Continue.All) {
			t.Errorf("phase %s releases %+v again after %+v", phase.Name, *next, *phase.Continue)
		}
	}
}

// Worlds.

func stopsKeepToBudgets(t *rapid.T, ledger Ledger, ins []Input, es []Evaluation) {
	excepted := map[string]bool{}
	for _, in := range ins {
		for _, f := range in.Facts {
			if f.Kind == Excepted {
				excepted[f.Pod] = true
			}
		}
	}
	stopped := map[string]bool{}
	for k, e := range es {
		for _, c := range e.Candidates {
			if c.Stops {
				stopped[ins[k].Definition.Phases[c.Phase].Steps[c.Step].Pod] = true
			}
		}
	}
	for k, e := range es {
		for _, c := range e.Candidates {
			if p := (plain{in: ins[k]}); p.restartedWithForce(c.Phase, c.Step) {
				delete(stopped, p.step(c.Phase, c.Step).Pod)
			}
		}
	}
	type pool struct{ podType, domain string }
	total, down, stops := map[pool]int{}, map[pool]int{}, map[pool]int{}
	for _, pod := range ledger.Pods {
		for _, of := range []pool{{podType: pod.Type}, {podType: pod.Type, domain: "in " + pod.Domain}} {
			switch {
			case excepted[pod.Name]:
				continue
			case pod.Down && !(pod.MayServe && stopped[pod.Name]):
				down[of]++
			case stopped[pod.Name]:
				stops[of]++
			}
			total[of]++
		}
		delete(stopped, pod.Name)
	}
	if len(stopped) > 0 {
		t.Errorf("%v are stopped, and not in the ledger", stopped)
	}
	for of, n := range stops {
		most := Amount{Value: 1}
		for _, b := range ledger.Budgets {
			if b.PodType == of.podType && of.domain == "" {
				most = b.MaxUnavailable
			} else if b.PodType == of.podType && b.PerDomain != nil {
				most = *b.PerDomain
			} else if b.PodType == of.podType {
				most = Amount{Value: total[of]}
			}
		}
		if of.domain != "" && !slices.ContainsFunc(ledger.Budgets, func(b Budget) bool { return b.PodType == of.podType }) {
			continue // only the type has a limit
		}
		if limit := plainAmount(most, total[of]); down[of]+n > limit {
			t.Errorf("%v: %d of %d are down and %d are stopped, at most %d may be", of, down[of], total[of], n, limit)
		}
	}
}

func repairComesFirst(t *rapid.T, ledger Ledger, ins []Input, es []Evaluation) {
	all := exceptions(ins)
	ins = slices.Clone(ins)
	for k := range ins {
		ins[k].Facts = slices.Concat(ins[k].Facts, all) // what was said about pods counts in all plans
	}
	for k, e := range es {
		repaired := plainRepairing(ledger, ins, k)
		for i := range ins[k].Definition.Phases {
			if steps := unforced(ins[k], e, i); repaired != "" && len(steps) > 0 {
				t.Errorf("plan %s stops steps %v of phase %d while %s is being repaired", e.View.Name, steps, i, repaired)
			}
		}
	}
}

func onePlanWorksOnAPod(t *rapid.T, _ Ledger, ins []Input, es []Evaluation) {
	of := map[string]string{}
	for k, e := range es {
		for _, c := range e.Candidates {
			pod := ins[k].Definition.Phases[c.Phase].Steps[c.Step].Pod
			if other := of[pod]; pod != "" && other != "" && other != e.View.Name {
				t.Errorf("plans %s and %s have a candidate on %s", other, e.View.Name, pod)
			}
			of[pod] = e.View.Name
		}
	}
}
