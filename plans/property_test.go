package plans

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestProperties tries the sentences below on random plans in random states: also in states that no run of a plan would lead to,
// since an evaluation knows nothing of how things came to be.
func TestProperties(t *testing.T) {
	properties := []struct {
		sentence string
		check    func(*rapid.T, Input, Evaluation)
	}{
		{"a paused element begins no step", pausedBeginsNothing},
		{"candidates of a serial phase are at most one", serialBeginsOne},
		{"candidates are exactly the steps that the plain twin lets begin", candidatesAreTheTwins},
		{"candidates are in definition order", candidatesInOrder},
		{"the status of a parent is what the plain twin says", statusesAreTheTwins},
		{"a message is the status and the first hold", messagesAreTrue},
		{"evaluation is a pure function", evaluationIsPure},
		{"the order of facts decides nothing", factOrderDecidesNothing},
		{"every element that does not move has a hold", everyHoldIsTold},
		{"holds are ordered, the most fundamental first", holdsAreOrdered},
		{"no hold is shown that is over", noHoldIsOver},
		{"an open phase is never COMPLETE", openIsNeverComplete},
		{"a parent that shows the reason of an element below it names that", reasonsNameTheirElement},
		{"a parent never says PENDING while a child is STARTING or STARTED", workIsNeverHidden},
		{"a parent never says ERROR without an error", errorsHaveReasons},
		{"what runs is shown as what it is, paused or not", runningStepsAreLeftAlone},
		{"a plan is COMPLETE if all of its phases are", completeMeansComplete},
		{"lists that JSON shows are never null", listsAreNeverNil},
		{"no time that is shown lies in the future, save Until", nothingBeginsLater},
	}
	for _, p := range properties {
		t.Run(p.sentence, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				in := drawInput(t)
				p.check(t, in, Evaluate(in))
			})
		})
	}
}

// TestContinuingEveryPauseLeadsToComplete plays plans to their end: pauses come and go, candidates are launched in any number,
// steps fail and back off, and in the end all is continued and every step succeeds.
func TestContinuingEveryPauseLeadsToComplete(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		def := drawDefinition(t)
		for i := range def.Phases {
			def.Phases[i].Open = false
		}
		in := Input{Definition: def, Now: noon}
		for _, p := range def.Phases {
			in.Observations = append(in.Observations, make([]Observation, len(p.Steps)))
		}
		for range rapid.IntRange(0, 30).Draw(t, "disturbances") {
			in.Now = in.Now.Add(time.Second)
			disturb(t, &in)
		}
		in.Facts = nil
		in.Now = in.Now.Add(time.Hour) // past all backoffs
		steps := 0
		for _, p := range def.Phases {
			steps += len(p.Steps)
		}
		for range 2*steps + 1 {
			succeed(&in)
		}
		if e := Evaluate(in); e.View.Status != Complete {
			t.Fatalf("all pauses were continued and every step succeeded, but the plan is %s:\n%+v", e.View.Status, e.View)
		}
	})
}

// disturb does one thing to a plan that is under way.
func disturb(t *rapid.T, in *Input) {
	candidates := Evaluate(*in).Candidates
	switch rapid.IntRange(0, 3).Draw(t, "disturbance") {
	case 0:
		in.Facts = append(in.Facts, drawFact(t, in.Definition, in.Now))
	case 1:
		in.Facts = nil
	default:
		if len(candidates) > 0 {
			c := rapid.SampledFrom(candidates).Draw(t, "candidate")
			status := rapid.SampledFrom([]Status{Starting, Started, Complete, Delayed, Prepared}).Draw(t, "becomes")
			in.Observations[c.Phase][c.Step] = Observation{Status: status, Since: in.Now, Until: in.Now.Add(time.Minute)}
		}
	}
}

// succeed launches what may begin, and lets all that runs, and all wait steps, complete.
func succeed(in *Input) {
	for _, c := range Evaluate(*in).Candidates {
		in.Observations[c.Phase][c.Step] = Observation{Status: Starting, Since: in.Now}
	}
	for i, p := range in.Definition.Phases {
		for j := range p.Steps {
			o := &in.Observations[i][j]
			if p.Steps[j].Kind == Wait || o.Status == Starting || o.Status == Started {
				*o = Observation{Status: Complete, Since: in.Now}
			}
		}
	}
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// drawDefinition draws a valid definition.
func drawDefinition(t *rapid.T) Definition {
	strategies := rapid.SampledFrom([]Strategy{Serial, Parallel})
	def := Definition{Service: "quobyte", Name: "deploy", Strategy: strategies.Draw(t, "plan strategy")}
	for i := range rapid.IntRange(0, 4).Draw(t, "phases") {
		p := Phase{
			Name: fmt.Sprintf("p%d", i), Strategy: strategies.Draw(t, "strategy"),
			Open: rapid.IntRange(0, 4).Draw(t, "open") == 0,
		}
		if rapid.IntRange(0, 3).Draw(t, "has after") == 0 {
			p.After = []string{}
			for j := range i {
				if rapid.Bool().Draw(t, "after") {
					p.After = append(p.After, def.Phases[j].Name)
				}
			}
		}
		for j := range rapid.IntRange(0, 4).Draw(t, "steps") {
			step := Step{Name: fmt.Sprintf("s%d-%d", i, j), Kind: Launch, Pod: "pod"}
			if rapid.IntRange(0, 5).Draw(t, "wait") == 0 {
				step = Step{Name: step.Name, Kind: Wait}
			}
			p.Steps = append(p.Steps, step)
		}
		def.Phases = append(def.Phases, p)
	}
	if err := def.Validate(); err != nil {
		t.Fatalf("the drawn definition is not valid: %v", err)
	}
	return def
}

// drawInput draws a definition in any state. Half of the steps are COMPLETE, so that later phases have their turn.
func drawInput(t *rapid.T) Input {
	def := drawDefinition(t)
	in := Input{Definition: def, Now: noon, Run: Run{Number: 1, StartedAt: noon.Add(-time.Hour)}}
	for _, p := range def.Phases {
		observations := make([]Observation, rapid.IntRange(len(p.Steps)/2, len(p.Steps)).Draw(t, "observed"))
		for j := range observations {
			observations[j] = drawObservation(t)
		}
		in.Observations = append(in.Observations, observations)
	}
	for range rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "facts") {
		in.Facts = append(in.Facts, drawFact(t, def, noon.Add(-drawMinutes(t))))
	}
	return in
}

func drawMinutes(t *rapid.T) time.Duration {
	return time.Duration(rapid.IntRange(0, 30).Draw(t, "minutes")) * time.Minute
}

func drawObservation(t *rapid.T) Observation {
	status := rapid.SampledFrom([]Status{
		Complete, Complete, Complete, Complete, Complete, Pending, Pending, Prepared, Starting, Started, Delayed, Error, Waiting,
	}).Draw(t, "status")
	o := Observation{Status: status, Since: noon.Add(-drawMinutes(t))}
	if status == Error && rapid.Bool().Draw(t, "with text") {
		o.Errors = []string{"it is on fire"}
	}
	if rapid.Bool().Draw(t, "with until") {
		o.Until = noon.Add(rapid.SampledFrom([]time.Duration{-time.Second, 0, time.Minute}).Draw(t, "until"))
	}
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "holds") {
		h := Hold{
			Code: rapid.SampledFrom(CodeTable).Draw(t, "code").Code,
			Text: rapid.SampledFrom([]string{"because", "therefore"}).Draw(t, "text"),
		}
		if rapid.IntRange(0, 3).Draw(t, "with until") == 0 {
			h.Until = noon.Add(rapid.SampledFrom([]time.Duration{-time.Second, 0, time.Minute}).Draw(t, "hold until"))
		}
		o.Holds = append(o.Holds, h)
	}
	return o
}

func drawFact(t *rapid.T, def Definition, at time.Time) Fact {
	f := Fact{
		Kind: Paused, At: at, Plan: rapid.SampledFrom([]string{"deploy", "deploy", "other"}).Draw(t, "plan"),
		Actor: rapid.SampledFrom([]string{"alice", "bob"}).Draw(t, "actor"),
	}
	if len(def.Phases) > 0 && rapid.Bool().Draw(t, "of a phase") {
		f.Phase = rapid.SampledFrom(def.Phases).Draw(t, "phase").Name
	}
	return f
}

// isPaused says whether the plan (phase -1) or a phase or its plan is paused.
func isPaused(in Input, phase int) bool {
	return slices.ContainsFunc(in.Facts, func(f Fact) bool {
		return f.Plan == in.Definition.Name && (f.Phase == "" || (phase >= 0 && f.Phase == in.Definition.Phases[phase].Name))
	})
}

// isItselfPaused says whether somebody paused this very phase.
func isItselfPaused(in Input, phase int) bool {
	p := in.Definition.Phases[phase]
	return slices.ContainsFunc(in.Facts, func(f Fact) bool {
		return f.Plan == in.Definition.Name && (f.Phase == p.Name || f.Phase == ID(in.Definition.Service, in.Definition.Name, p.Name, ""))
	})
}

func pausedBeginsNothing(t *rapid.T, in Input, e Evaluation) {
	for _, c := range e.Candidates {
		if isPaused(in, c.Phase) {
			t.Errorf("candidate %v is in a paused element", c)
		}
	}
	for i, p := range e.View.Phases {
		if isPaused(in, i) && p.Status != Complete && p.Status != Error && p.Status != Waiting {
			t.Errorf("phase %s is paused and says %s", p.Name, p.Status)
		}
	}
}

func serialBeginsOne(t *rapid.T, in Input, e Evaluation) {
	counts := make([]int, len(in.Definition.Phases))
	for _, c := range e.Candidates {
		counts[c.Phase]++
	}
	for i, n := range counts {
		if in.Definition.Phases[i].Strategy == Serial && n > 1 {
			t.Errorf("serial phase %d has %d candidates", i, n)
		}
	}
}

// candidatesAreTheTwins states independently, slowly and without holds which steps may begin.
func candidatesAreTheTwins(t *rapid.T, in Input, e Evaluation) {
	status := func(i, j int) Status { s, _, _ := observed(in, i, j).settle(in.Now); return s }
	complete := func(i int) bool {
		for j := range in.Definition.Phases[i].Steps {
			if status(i, j) != Complete {
				return false
			}
		}
		return !in.Definition.Phases[i].Open
	}
	var want []Candidate
	for i, p := range in.Definition.Phases {
		for j, step := range p.Steps {
			may := step.Kind == Launch && !isPaused(in, i) && (status(i, j) == Pending || status(i, j) == Prepared)
			for k, other := range in.Definition.Phases {
				before := p.After == nil && in.Definition.Strategy == Serial && k < i
				if before || slices.Contains(p.After, other.Name) {
					may = may && complete(k) && !isItselfPaused(in, k)
				}
			}
			for k := range p.Steps {
				may = may && status(i, k) != Error
				if k < j && p.Strategy == Serial {
					may = may && status(i, k) == Complete
				}
			}
			for _, h := range observed(in, i, j).Holds {
				may = may && (!h.Code.Info().Blocks || (!h.Until.IsZero() && !h.Until.After(in.Now)))
			}
			if may {
				want = append(want, Candidate{i, j})
			}
		}
	}
	if diff := cmp.Diff(want, e.Candidates); diff != "" {
		t.Errorf("candidates (-twin +Evaluate):\n%s", diff)
	}
}

// statusesAreTheTwins computes the statuses of all parents with the twin of the aggregation, from what their children show.
func statusesAreTheTwins(t *rapid.T, in Input, e Evaluation) {
	plan := parent{paused: isPaused(in, -1), able: len(e.Candidates) > 0}
	for i, p := range e.View.Phases {
		def := in.Definition.Phases[i]
		phase := parent{paused: isPaused(in, i), open: def.Open}
		phase.able = slices.ContainsFunc(e.Candidates, func(c Candidate) bool { return c.Phase == i })
		before := true // all steps before this one are COMPLETE
		for _, step := range p.Steps {
			candidate := (before || def.Strategy == Parallel) && step.Status != Complete && step.Status != Error
			phase.children = append(phase.children, child{step.Status, candidate})
			before = before && step.Status == Complete
		}
		if want := plainStatus(phase); p.Status != want {
			t.Errorf("phase %s is %s, its plain twin says %s", p.Name, p.Status, want)
		}
		waits := false
		for k, other := range e.View.Phases {
			named := slices.Contains(def.After, other.Name)
			implied := def.After == nil && in.Definition.Strategy == Serial && k < i
			if !named && (!implied || waits) || other.Status == Complete && !isItselfPaused(in, k) {
				continue
			}
			waits = true // of a serial plan only for the first
			if other.Status == Complete && p.Status != Complete {
				plan.children = append(plan.children, child{Waiting, false})
			}
		}
		candidate := !waits && !phase.paused && p.Status != Complete && p.Status != Error
		plan.children = append(plan.children, child{p.Status, candidate})
	}
	if want := plainStatus(plan); e.View.Status != want {
		t.Errorf("the plan is %s, its plain twin says %s", e.View.Status, want)
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

func observed(in Input, i, j int) *Observation {
	if j < len(in.Observations[i]) {
		return &in.Observations[i][j]
	}
	return &Observation{}
}

func candidatesInOrder(t *rapid.T, _ Input, e Evaluation) {
	sorted := slices.IsSortedFunc(e.Candidates, func(a, b Candidate) int {
		return slices.Compare([]int{a.Phase, a.Step}, []int{b.Phase, b.Step})
	})
	if !sorted {
		t.Errorf("candidates %v", e.Candidates)
	}
}

func evaluationIsPure(t *rapid.T, in Input, e Evaluation) {
	before := cloneInput(in)
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

func cloneInput(in Input) Input {
	in.Facts = slices.Clone(in.Facts)
	in.Observations = slices.Clone(in.Observations)
	for i := range in.Observations {
		in.Observations[i] = slices.Clone(in.Observations[i])
		for j := range in.Observations[i] {
			o := &in.Observations[i][j]
			o.Holds, o.Errors = slices.Clone(o.Holds), slices.Clone(o.Errors)
		}
	}
	return in
}

func factOrderDecidesNothing(t *rapid.T, in Input, e Evaluation) {
	in.Facts = slices.Clone(in.Facts)
	slices.Reverse(in.Facts)
	if diff := cmp.Diff(e, Evaluate(in)); diff != "" {
		t.Errorf("with facts reversed (-as given +reversed):\n%s", diff)
	}
}

// eachElement calls look with the plan, each phase and each step; begins counts the candidates in it.
func eachElement(e Evaluation, look func(name string, status Status, holds []Hold, begins int)) {
	look(e.View.Name, e.View.Status, e.View.Holds, len(e.Candidates))
	for i, p := range e.View.Phases {
		inPhase := 0
		for j, step := range p.Steps {
			begins := 0
			if slices.Contains(e.Candidates, Candidate{i, j}) {
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
		for _, h := range holds {
			if h.Text == "" {
				t.Errorf("%s: hold %q says nothing", name, h.Code)
			}
		}
	})
	for _, p := range e.View.Phases {
		if len(p.Holds) > maxParentHolds {
			t.Errorf("phase %s has %d holds", p.Name, len(p.Holds))
		}
	}
}

func reasonsNameTheirElement(t *rapid.T, in Input, e Evaluation) {
	for i, p := range e.View.Phases {
		names := []string{""}
		for _, step := range p.Steps {
			names = append(names, step.Name)
		}
		for _, h := range p.Holds {
			if !slices.Contains(names, h.Element) {
				t.Errorf("phase %s: reason %q is said to be of %q, which is no step of it", p.Name, h.Text, h.Element)
			}
			if h.Element != "" && in.Definition.Phases[i].Steps[slices.Index(names, h.Element)-1].Kind == Launch && !strings.Contains(h.Text, h.Element) {
				t.Errorf("phase %s: reason %q of %s does not name it", p.Name, h.Text, h.Element)
			}
		}
	}
	ofPlan := pauseOf(in.Facts, in.Definition.Name, "", "")
	for _, h := range e.View.Holds {
		if h.Code == CodePaused && (h.Element == "") != (ofPlan != nil) {
			t.Errorf("the plan itself is paused: %v; and it says %q of element %q", ofPlan != nil, h.Text, h.Element)
		}
	}
}

func holdsAreOrdered(t *rapid.T, _ Input, e Evaluation) {
	eachElement(e, func(name string, _ Status, holds []Hold, _ int) {
		if !slices.IsSortedFunc(holds, func(a, b Hold) int { return a.Code.Info().Rank - b.Code.Info().Rank }) {
			t.Errorf("%s: holds are not ordered: %+v", name, holds)
		}
	})
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

func workIsNeverHidden(t *rapid.T, _ Input, e Evaluation) {
	work := func(s Status) bool { return s == Starting || s == Started || s == InProgress || s == Prepared }
	anyPhase := false
	for _, p := range e.View.Phases {
		anyPhase = anyPhase || work(p.Status)
		if p.Status == Pending && slices.ContainsFunc(p.Steps, func(s StepView) bool { return work(s.Status) }) {
			t.Errorf("phase %s says PENDING above work", p.Name)
		}
	}
	if anyPhase && e.View.Status == Pending {
		t.Errorf("the plan says PENDING above work")
	}
}

func errorsHaveReasons(t *rapid.T, in Input, e Evaluation) {
	if (e.View.Status == Error) != (len(e.View.Errors) > 0) {
		t.Errorf("the plan is %s with errors %q", e.View.Status, e.View.Errors)
	}
	for i, p := range e.View.Phases {
		n := 0
		for j, step := range p.Steps {
			n += len(step.Errors)
			s, _, _ := observed(in, i, j).settle(in.Now)
			if (step.Status == Error) != (len(step.Errors) > 0) || (step.Status == Error) != (s == Error) {
				t.Errorf("step %s is %s with errors %q", step.Name, step.Status, step.Errors)
			}
		}
		if (p.Status == Error) != (n > 0) {
			t.Errorf("phase %s is %s with %d errors", p.Name, p.Status, n)
		}
	}
}

func runningStepsAreLeftAlone(t *rapid.T, in Input, e Evaluation) {
	for i, p := range e.View.Phases {
		for j, step := range p.Steps {
			o := observed(in, i, j)
			ran := o.Status == Starting || o.Status == Started || o.Status == Complete
			if ran && len(o.Errors) == 0 && (step.Status != o.Status || step.Since != o.Since) {
				t.Errorf("step %s was observed %s and is shown %s", step.Name, o.Status, step.Status)
			}
		}
	}
}

func completeMeansComplete(t *rapid.T, _ Input, e Evaluation) {
	all, done := true, 0
	for _, p := range e.View.Phases {
		all = all && p.Status == Complete
		done += p.StepsDone
		if p.Status == Complete && p.StepsDone != len(p.Steps) {
			t.Errorf("phase %s is COMPLETE with %d of %d steps done", p.Name, p.StepsDone, len(p.Steps))
		}
	}
	if (e.View.Status == Complete) != all || e.View.StepsDone != done {
		t.Errorf("plan is %s, %d of %d steps done", e.View.Status, e.View.StepsDone, e.View.StepsTotal)
	}
}

func listsAreNeverNil(t *rapid.T, _ Input, e Evaluation) {
	if e.View.Phases == nil || e.View.Errors == nil {
		t.Errorf("phases or errors are nil")
	}
	for _, p := range e.View.Phases {
		if p.Steps == nil {
			t.Errorf("steps of phase %s are nil", p.Name)
		}
	}
}

func nothingBeginsLater(t *rapid.T, in Input, e Evaluation) {
	eachSince := []time.Time{e.View.Since}
	for _, p := range e.View.Phases {
		eachSince = append(eachSince, p.Since)
		for _, step := range p.Steps {
			eachSince = append(eachSince, step.Since)
		}
	}
	for _, since := range eachSince {
		if since.After(in.Now) {
			t.Errorf("since %s is later than now", since)
		}
	}
}
