package plans

import (
	"flag"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// checkDrawn is rapid.Check with draws of its own for each test, the same every time: so a test fails for the change that broke it, and
// for no other. Go farther with -rapid.seed=… and -rapid.checks=….
func checkDrawn(t *testing.T, property func(*rapid.T)) {
	t.Helper()
	const seed = "rapid.seed"
	if given := flag.Lookup(seed).Value.String(); given == "0" {
		h := fnv.New64a()
		h.Write([]byte(t.Name()))
		if err := flag.Set(seed, strconv.FormatUint(h.Sum64(), 10)); err != nil {
			t.Fatal(err)
		}
		defer flag.Set(seed, given)
	}
	rapid.Check(t, property)
}

// Random definitions, and inputs in all states: also such as no run would lead to.

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const drawnService = "quobyte"

// evenly draws a number below 1024. rapid's own numbers, and its choice among samples, are small ones and first ones mostly, which leaves
// too little of what takes several things at once.
var evenly = rapid.Custom(func(t *rapid.T) int {
	n := 0
	for range 10 {
		n *= 2
		if rapid.Bool().Draw(t, "") {
			n++
		}
	}
	return n
})

// chance is true so many times in a hundred. It is false in the simplest case.
func chance(t *rapid.T, percent int, label string) bool {
	return evenly.Draw(t, label) >= 1024-percent*1024/100
}

// oneOf draws one of the values, all alike; what is to be drawn more often is named more often. The first is the simplest.
func oneOf[T any](t *rapid.T, label string, values ...T) T {
	return values[evenly.Draw(t, label)*len(values)/1024]
}

// trouble is how much of what gets in the way of a rollout an input has, in percent. Were there much of it in all, hardly anything would
// ever be stopped.
type trouble int

func drawTrouble(t *rapid.T) trouble { return oneOf[trouble](t, "trouble", 4, 4, 30, 100) }

// befalls is true so many times in a hundred, where there is full trouble.
func (much trouble) befalls(t *rapid.T, percent int, label string) bool {
	return evenly.Draw(t, label) >= 1024-percent*int(much)*1024/10000
}

// ago draws a time before noon, or noon. Many are equal.
func ago(t *rapid.T, label string) time.Time {
	return noon.Add(-oneOf(t, label, 0, time.Second, time.Minute, 2*time.Minute, 5*time.Minute, 10*time.Minute, 20*time.Minute, 30*time.Minute,
		45*time.Minute, time.Hour, 2*time.Hour))
}

// justAgo draws a time in the last seconds: where verdicts are fresh or just not so any more.
func justAgo(t *rapid.T, label string) time.Time {
	return noon.Add(-oneOf(t, label, time.Second, 2*time.Second, 5*time.Second, time.Second, 3*time.Second, FreshVerdict-time.Nanosecond, 0,
		FreshVerdict, time.Minute, -time.Second))
}

// maybe draws a time before noon, or none.
func maybe(t *rapid.T, percent int, label string) time.Time {
	if !chance(t, percent, label+"?") {
		return time.Time{}
	}
	return ago(t, label)
}

// subset draws some of the values, in their order.
func subset[T any](t *rapid.T, percent int, label string, values []T) []T {
	var some []T
	for i, v := range values {
		if chance(t, percent, fmt.Sprint(label, i)) {
			some = append(some, v)
		}
	}
	return some
}

// podTypes are the types of pods that steps concern; there are five pods of each.
var podTypes = []string{"registry", "data", "api"}

func drawDefinition(t *rapid.T) Definition { return drawPlan(t, "deploy") }

func drawPlan(t *rapid.T, name string) Definition {
	d := Definition{
		Service: drawnService, Name: name,
		Strategy: oneOf(t, "plan strategy", Serial, Parallel),
		Manual:   chance(t, 15, "manual"),
		Repair:   chance(t, 10, "repair"),
		Policy:   drawPolicy(t, true),
	}
	names := rapid.Permutation([]string{"registry", "data", "api", "client"}).Draw(t, "phase names")
	for _, name := range names[:oneOf(t, "phases", 1, 2, 1, 2, 3, 3, 4, 2, 3, 4, 1, 2, 3, 0)] {
		d.Phases = append(d.Phases, drawPhase(t, name))
	}
	var all []string
	for _, phase := range d.Phases {
		all = append(all, phase.Name)
	}
	for i := range d.Phases {
		if !chance(t, 30, "phase after") {
			continue
		}
		d.Phases[i].After = append([]string{}, subset(t, 40, "after", slices.DeleteFunc(slices.Clone(all), func(name string) bool {
			return name == all[i]
		}))...)
		if phasesCyclic(d) {
			d.Phases[i].After = nil
		}
		if phasesCyclic(d) { // another After, of a phase before this one, names this one
			d.Phases[i].After = []string{}
		}
	}
	return d
}

func drawPhase(t *rapid.T, name string) Phase {
	phase := Phase{
		Name: name,
		Strategy: oneOf(t, "phase strategy", Serial, Parallel, Parallel, Serial, Parallel, Parallel, SerialCanary, ParallelCanary, ParallelCanary,
			Canary),
		Open:     chance(t, 12, "open"),
		Canaries: oneOf(t, "canaries", 0, 0, 1, 3),
		Batch:    Batch{Max: oneOf(t, "max", 0, 0, 0, 1, 2, 3), Grow: chance(t, 30, "grow")},
		Gated:    chance(t, 45, "gated"),
		Settle:   oneOf(t, "settle", 0, time.Minute, 5*time.Minute),
	}
	if chance(t, 40, "own policy") {
		phase.Policy = drawPolicy(t, false)
	}
	if !phase.Strategy.canary() {
		phase.Canaries = 0
	}
	podType := oneOf(t, "pod type", podTypes...)
	pods := []string{podType + "-0", podType + "-1", podType + "-2", podType + "-3", podType + "-4"}
	n := oneOf(t, "steps", 3, 2, 1, 4, 5, 3, 4, 5, 3, 4, 5, 0)
	phase.Optional = n == 0 && !phase.Open || chance(t, 10, "optional")
	plainly := chance(t, 60, "plain steps") // what there is most of: pods to be launched, one like the other
	for j, pod := range pods[:n] {
		step := Step{
			Name: fmt.Sprintf("step-%d", j),
			Kind: oneOf(t, "kind", Launch, Launch, Launch, Launch, Launch, Stop, Stop, Action, Wait, Unreserve),
			Pod:  pod,
			Rank: oneOf(t, "rank", 0, 0, 0, 0, 1, 2, -1),
		}
		if plainly {
			step.Kind, step.Rank = Launch, 0
		}
		if step.Kind == Wait || step.Kind != Launch && step.Kind != Stop && chance(t, 50, "no pod") {
			step.Pod = ""
		}
		if chance(t, 10, "host") {
			step.Host = fmt.Sprintf("h%d", j)
		}
		if chance(t, 10, "settings") {
			step.Settings = []Setting{{Name: "a", Value: "1"}, {Name: "b", Value: "2", Secret: true}}
		}
		phase.Steps = append(phase.Steps, step)
	}
	for j := range phase.Steps {
		if plainly || !chance(t, 25, "step after") {
			continue
		}
		phase.Steps[j].After = []string{oneOf(t, "after", phase.Steps...).Name}
		if stepsCyclic(phase) {
			phase.Steps[j].After = nil
		}
	}
	return phase
}

func drawPolicy(t *rapid.T, ofPlan bool) Policy {
	p := Policy{
		Attempts:     oneOf(t, "attempts", 0, 0, 3, 2, 1),
		Tolerate:     oneOf(t, "tolerate", 0, 1, 2, 5),
		StepDeadline: oneOf(t, "step deadline", 0, 0, 10*time.Minute, time.Hour),
		GatePatience: oneOf(t, "gate patience", 0, time.Minute, 10*time.Minute),
	}
	if ofPlan {
		p.Deadline = oneOf(t, "deadline", 0, 0, time.Hour, 20*time.Minute)
	}
	if chance(t, 20, "backoff") {
		p.Backoff = Backoff{Initial: time.Second, Max: time.Minute}
	}
	return p
}

func phasesCyclic(d Definition) bool {
	p := plain{in: Input{Definition: d}}
	return cyclic(len(d.Phases), p.waitsFor)
}

func stepsCyclic(phase Phase) bool {
	return cyclic(len(phase.Steps), func(a, b int) bool { return slices.Contains(phase.Steps[a].After, phase.Steps[b].Name) })
}

// cyclic takes away what waits for nothing that is left; a cycle remains.
func cyclic(n int, waits func(a, b int) bool) bool {
	left := map[int]bool{}
	for i := range n {
		left[i] = true
	}
	for range n {
		for a := range left {
			free := true
			for b := range left {
				free = free && !waits(a, b)
			}
			if free {
				delete(left, a)
			}
		}
	}
	return len(left) > 0
}

func drawInput(t *rapid.T) Input { return drawState(t, drawDefinition(t), nil) }

// drawState draws everything about a plan but its definition; the ledger is drawn, too, if none is given.
func drawState(t *rapid.T, d Definition, ledger *Ledger) Input {
	much := drawTrouble(t)
	in := Input{Definition: d, Now: noon, Run: drawRun(t, d, much)}
	in.Observations = drawObservations(t, in, much)
	in.Facts = drawFacts(t, in, much)
	if ledger != nil {
		in.Ledger = *ledger
	} else {
		in.Ledger = drawLedger(t)
	}
	if chance(t, 10, "paused") {
		in.Facts = append(in.Facts, drawPaused(t, d))
	}
	switch {
	case chance(t, 4, "only failed left"):
		onlyFailedLeft(t, &in)
	case chance(t, 15, "wide batch"):
		wideBatch(t, &in)
	}
	in.Verdicts = drawVerdicts(t, in)
	for n := range oneOf(t, "past", 0, 0, 1, 2) {
		past := Run{Number: n + 1, Actor: "alice", StartedAt: noon.Add(-48 * time.Hour), CompletedAt: noon.Add(-47 * time.Hour)}
		for _, phase := range d.Phases {
			past.Durations = append(past.Durations, Duration{Phase: phase.Name, Steps: 3, P50: time.Minute, P90: 2 * time.Minute})
		}
		in.Past = append(in.Past, past)
	}
	return in
}

// drawPaused draws a pause of the plan or one of its phases.
func drawPaused(t *rapid.T, d Definition) Fact {
	f := Fact{Kind: Paused, Plan: d.Name, When: oneOf(t, "when", PauseAfterSteps, PauseNow, PauseAfterPhase), Actor: "alice", At: ago(t, "said")}
	if len(d.Phases) > 0 && chance(t, 60, "phase paused") {
		f.Phase = oneOf(t, "paused phase", d.Phases...).Name
	}
	return f
}

// onlyFailedLeft makes an input in which most steps are COMPLETE and some have failed.
func onlyFailedLeft(t *rapid.T, in *Input) {
	in.Definition.Policy.Attempts, in.Definition.Policy.Tolerate = 2, 5
	for i := range in.Definition.Phases {
		phase := &in.Definition.Phases[i]
		phase.Open = chance(t, 10, "nevertheless open")
		phase.Policy = Policy{}
		if i >= len(in.Observations) {
			continue
		}
		for j := range in.Observations[i] {
			o := &in.Observations[i][j]
			o.Status, o.Errors = oneOf(t, "status", Complete, Complete, Delayed, Pending), nil
			if o.Status != Complete {
				o.Attempts = oneOf(t, "attempts", 2, 3, 4, 2, 3, 4, 1)
			}
		}
	}
}

// wideBatch makes a phase stop, or have stopped, many pods together.
func wideBatch(t *rapid.T, in *Input) {
	var wide []int
	for i, phase := range in.Definition.Phases {
		if len(phase.Steps) > 1 && i < len(in.Observations) {
			wide = append(wide, i)
		}
	}
	if len(wide) == 0 {
		return
	}
	i := oneOf(t, "wide", wide...)
	phase := &in.Definition.Phases[i]
	phase.Strategy, phase.After, phase.Gated = Parallel, []string{}, chance(t, 60, "gated")
	if chance(t, 70, "no limit") {
		phase.Batch = Batch{}
	}
	stops := chance(t, 60, "stops")
	for j := range in.Observations[i] {
		if j >= len(phase.Steps) || phase.Steps[j].Pod == "" {
			continue
		}
		phase.Steps[j].Kind, phase.Steps[j].Rank, phase.Steps[j].After = Launch, 0, nil
		in.Observations[i][j] = Observation{Running: true, Fit: Fits}
		o := &in.Observations[i][j]
		if stops && chance(t, 40, "was stopped") {
			*o = Observation{Stopped: true, BegunAt: noon.Add(-time.Minute), TriedAt: noon.Add(-time.Minute), Fit: Fits}
			if chance(t, 40, "is back") {
				o.Status = Started
			}
		}
	}
	in.Ledger.Budgets = slices.Clone(in.Ledger.Budgets) // it may be other plans', too
	for k := range in.Ledger.Budgets {
		in.Ledger.Budgets[k].MaxUnavailable = Amount{Value: 5}
	}
	if chance(t, 70, "one domain") {
		in.Ledger.Pods = slices.Clone(in.Ledger.Pods)
		for k := range in.Ledger.Pods {
			in.Ledger.Pods[k].Domain = "a"
		}
	}
}

func drawRun(t *rapid.T, d Definition, much trouble) Run {
	if chance(t, 12, "no run") {
		return Run{}
	}
	r := Run{
		Number: oneOf(t, "number", 1, 2, 3), Target: "target", Actor: "alice", Reason: "to test", StartedAt: noon.Add(-3 * time.Hour),
		FrozenAt: maybe(t, 70, "frozen"), ContinuedAt: maybe(t, 25, "continued"),
	}
	if much.befalls(t, 20, "ended") {
		r.CompletedAt = ago(t, "completed")
		r.Outcome = oneOf(t, "outcome", "", Completed, Superseded, Stopped)
		if r.Outcome == Superseded {
			r.Successor = r.Number + 1
		}
	}
	if much.befalls(t, 25, "halted") {
		r.Halt = &Halt{Cause: Hold{Code: CodeFailed, Text: "it failed"}, At: ago(t, "halt"), Command: "plan continue " + d.Name}
	}
	for _, phase := range d.Phases {
		for _, step := range phase.Steps {
			if chance(t, 8, "pardon") {
				r.Pardons = append(r.Pardons, Pardon{Phase: phase.Name, Step: step.Name,
					Attempts: oneOf(t, "pardoned", 1, 2, 3, 0), At: ago(t, "pardoned at")})
			}
		}
		if chance(t, 50, "cursor") {
			c := BatchCursor{Phase: phase.Name, Done: oneOf(t, "batches", 0, 1, 2, 3)}
			c.Stops = oneOf(t, "stops", 0, c.Done, c.Done)
			c.Open = chance(t, 40, "batch open")
			c.Stopping = c.Open && chance(t, 60, "batch stopping")
			if c.Stops > 0 && chance(t, 70, "settled") {
				c.SettledAt = oneOf(t, "settled at", ago(t, "settled"), justAgo(t, "just settled"))
			}
			if phase.Gated && chance(t, 50, "unknown for a while") {
				c.UnknownSince = ago(t, "unknown since")
			}
			if c.SettledAt.After(noon) {
				c.SettledAt = noon
			}
			r.Batches = append(r.Batches, c)
		}
		if chance(t, 20, "still") {
			r.Stills = append(r.Stills, drawStill(t, phase.Name))
		}
	}
	for range oneOf(t, "stills", 0, 0, 1, 2) {
		r.Stills = append(r.Stills, drawStill(t, ""))
	}
	return r
}

func drawStill(t *rapid.T, phase string) Still {
	from, to := ago(t, "still from"), maybe(t, 75, "still to")
	if !to.IsZero() && to.Before(from) {
		from, to = to, from
	}
	return Still{Phase: phase, From: from, To: to}
}

// A phase's mood is what most of its steps do.
type mood int

const (
	moodDone mood = iota
	moodFresh
	moodRolling
	moodUpdate
	moodLaunched
	moodWild
)

func drawObservations(t *rapid.T, in Input, much trouble) [][]Observation {
	var all [][]Observation
	front := 0 // the phases before it are done
	if len(in.Definition.Phases) > 0 && chance(t, 70, "front?") {
		front = oneOf(t, "front", 0, 1, 2, 3) % len(in.Definition.Phases)
	}
	for i, phase := range in.Definition.Phases {
		m := oneOf(t, "mood", moodUpdate, moodUpdate, moodUpdate, moodUpdate, moodRolling, moodRolling, moodFresh, moodLaunched)
		if much.befalls(t, 50, "wild") {
			m = moodWild
		}
		if i < front || chance(t, 10, "done") {
			m = moodDone
		}
		var of []Observation
		for _, step := range phase.Steps {
			of = append(of, drawObservation(t, in, m, much, phase, step))
		}
		switch oneOf(t, "aligned", 0, 0, 0, 0, 0, 0, 0, 0, 1, 2) {
		case 1:
			of = append(of, Observation{Status: Complete})
		case 2:
			of = of[:len(of)/2]
		}
		all = append(all, of)
	}
	if chance(t, 3, "surplus phase") {
		all = append(all, []Observation{{Status: Error}})
	}
	if len(all) > 0 && chance(t, 3, "missing phase") {
		all = all[:len(all)-1]
	}
	return all
}

func drawObservation(t *rapid.T, in Input, m mood, much trouble, phase Phase, step Step) Observation {
	o := Observation{}
	switch m {
	case moodDone:
		o.Status = Complete
		if much.befalls(t, 10, "not quite done") {
			o.Status = oneOf(t, "status", Pending, Started, Delayed)
		}
	case moodFresh:
		o.Status = oneOf(t, "status", Pending, Pending, Pending, Prepared)
	case moodRolling:
		o.Status = oneOf(t, "status", Pending, Complete, Pending, Complete, Complete, Prepared, Pending, Started, Starting, Pending)
	case moodUpdate:
		o.Status = oneOf(t, "status", Pending, Complete, Pending, Pending, Prepared, Pending, Pending, Started)
	case moodLaunched:
		o.Status = oneOf(t, "status", Starting, Started, Started, Started)
	case moodWild:
		o.Status = oneOf(t, "status", Pending, Complete, Prepared, Starting, Started, Delayed, Delayed, Complete, Pending)
	}
	wild := func(percent int, label string) bool {
		if m != moodWild {
			percent /= 3
		}
		return much.befalls(t, percent, label)
	}

	if wild(10, "error status") {
		o.Status = Error
	}
	if o.Status == Error && chance(t, 70, "errors of ERROR") || wild(5, "errors") {
		o.Errors = []string{"no such device"}
	}
	if o.Status != Pending || chance(t, 30, "since?") {
		o.Since = ago(t, "since")
	}
	if o.Status == Delayed {
		o.Until = oneOf(t, "until", time.Time{}, noon, noon.Add(time.Minute), noon.Add(-time.Minute))
	}
	for range oneOf(t, "holds", 0, 1, 2) {
		if !much.befalls(t, 30, "hold") {
			continue
		}
		o.Holds = append(o.Holds, Hold{
			Code: oneOf(t, "code", CodeNoOffer, CodeNoMatch, CodeService, CodeUnhealthy, CodeMissing, CodeUnknownTask, CodeCondition,
				Code("unheard-of")),
			Text: "as it is", Since: maybe(t, 50, "hold since"),
			Until: oneOf(t, "hold until", time.Time{}, noon, noon.Add(time.Minute), noon.Add(-time.Minute)),
		})
	}
	if chance(t, 20, "host") {
		o.Host, o.Task = "h1", "task-1"
	}

	active := o.Status == Starting || o.Status == Started || o.Status == Delayed
	if active && chance(t, 85, "begun") || !active && much.befalls(t, 20, "begun?") {
		o.BegunAt = ago(t, "begun at")
		o.TriedAt = o.BegunAt
		if chance(t, 30, "tried again") {
			o.TriedAt = oneOf(t, "tried at", ago(t, "tried"), o.BegunAt)
		}
		if o.TriedAt.Before(o.BegunAt) {
			o.TriedAt = o.BegunAt
		}
	}
	if m != moodDone && much.befalls(t, 25, "attempts?") || wild(20, "attempts!") {
		o.Attempts = oneOf(t, "attempts", 1, 2, 3, 4)
	}
	if stoppable := step.Kind == Launch || step.Kind == Stop; stoppable || wild(10, "odd kind") {
		idle := o.Status == Pending || o.Status == Prepared
		running, stopped := 60, 10
		if m == moodUpdate {
			running, stopped = 95, 55
		}
		o.Running = idle && chance(t, running, "running") || wild(20, "running!")
		if !idle {
			stopped = 40
		}
		o.Stopped = o.Status != Complete && (!o.Running && chance(t, stopped, "stopped") || wild(8, "stopped!"))
	}
	if o.Status == Started && chance(t, 50, "ready?") || wild(10, "ready!") {
		o.Ready = oneOf(t, "ready", noon.Add(-time.Second), noon.Add(-phase.Settle), noon.Add(time.Nanosecond-phase.Settle), ago(t, "ready at"))
		if o.Ready.After(noon) {
			o.Ready = noon
		}
	}
	o.Fit = oneOf(t, "fit", Fits, Fits, Fits, Fits, Fits, Fits, Fits, FitUnknown, FitsNot)
	o.Rank = oneOf(t, "observed rank", 0, 0, 0, 0, 0, 0, 0, 0, 1, -1)
	o.Newcomer = much.befalls(t, 8, "newcomer")
	if chance(t, 8, "done?") || o.Status == Complete && chance(t, 40, "done!") {
		o.Done = Mark{Run: max(in.Run.Number+oneOf(t, "done run", 0, 0, 0, -1, 1), 0), At: ago(t, "done at")}
		if o.Status == Complete && chance(t, 80, "done since") {
			o.Done.At = o.Since
		}
	}
	if active || o.Stopped {
		o.Plan = oneOf(t, "plan", "", "", "", in.Definition.Name)
		if much.befalls(t, 30, "other's") {
			o.Plan = "recovery"
		}
	}
	return o
}

func drawFacts(t *rapid.T, in Input, much trouble) []Fact {
	var facts []Fact
	for range oneOf(t, "facts", 1, 2, 3, 4) {
		if much.befalls(t, 100, "fact?") || chance(t, 10, "fact!") {
			facts = append(facts, drawFact(t, in))
		}
	}
	for i, phase := range in.Definition.Phases {
		for j, step := range phase.Steps {
			if p := (plain{in: in}); p.runs(i, j) && chance(t, 5, "restart with force") {
				facts = append(facts, Fact{Kind: Restarted, Plan: in.Definition.Name, Phase: phase.Name, Step: step.Name, Run: in.Run.Number,
					Force: chance(t, 90, "with force"), Actor: "alice", At: ago(t, "said")})
			}
			if much.befalls(t, 5, "forced and restarted") {
				for _, kind := range []FactKind{Forced, Restarted} {
					facts = append(facts, Fact{Kind: kind, Plan: in.Definition.Name, Phase: phase.Name, Step: step.Name, Run: in.Run.Number,
						Actor: "alice", At: ago(t, "said")})
				}
			}
		}
		if phase.Strategy.canary() && chance(t, 80, "released?") {
			facts = append(facts, drawReleased(t, in, phase))
		}
		if much.befalls(t, 20, "breakpoint?") {
			facts = append(facts, Fact{Kind: Breakpoint, Plan: in.Definition.Name, Phase: phase.Name,
				When:    oneOf(t, "where", AfterBatch, BeforePhase, AfterPhase, AfterBatch),
				Batches: oneOf(t, "after batches", 0, 1, 2), BatchRun: oneOf(t, "batch run", in.Run.Number, in.Run.Number, 0, in.Run.Number+1),
				Actor: "alice", At: ago(t, "said")})
		}
	}
	return facts
}

func drawReleased(t *rapid.T, in Input, phase Phase) Fact {
	f := Fact{Kind: Released, Plan: in.Definition.Name, Phase: phase.Name, Run: oneOf(t, "release run", in.Run.Number, in.Run.Number,
		in.Run.Number, in.Run.Number+1), Actor: "alice", At: ago(t, "said"), All: chance(t, 40, "all")}
	var names []string
	for _, step := range phase.Steps {
		names = append(names, step.Name)
	}
	if chance(t, 75, "first ones") {
		f.Steps = names[:min(len(names), oneOf(t, "so many", 1, 2))]
	} else {
		f.Steps = subset(t, 40, "released ", names)
	}
	return f
}

func drawFact(t *rapid.T, in Input) Fact {
	d := in.Definition
	f := Fact{
		Kind:  oneOf(t, "fact", Paused, Paused, Restarted, Forced, Restarted, Breakpoint, Excepted, Released),
		Plan:  d.Name,
		Actor: "alice", Reason: oneOf(t, "reason", "", "because"), At: ago(t, "said"),
	}
	level := oneOf(t, "level", 1, 2, 2, 3, 3, 3)
	if (f.Kind == Restarted || f.Kind == Forced) && chance(t, 70, "of a step") {
		level = 3
	}
	if f.Kind == Breakpoint || f.Kind == Released {
		level = 2
	}
	if len(d.Phases) > 0 && level > 1 {
		phase := oneOf(t, "fact phase", d.Phases...)
		f.Phase = phase.Name
		if len(phase.Steps) > 0 && level > 2 {
			f.Step = oneOf(t, "fact step", phase.Steps...).Name
		}
	}
	switch f.Kind {
	case Paused:
		f.When = oneOf(t, "when", PauseAfterSteps, PauseNow, "", PauseAfterPhase)
		if f.Step != "" && f.When == PauseAfterPhase { // it means nothing there
			f.When = PauseAfterSteps
		}
	case Breakpoint:
		f.When = oneOf(t, "where", BeforePhase, AfterPhase, AfterBatch)
		f.Batches, f.BatchRun = oneOf(t, "after batches", 0, 1, 2), oneOf(t, "batch run", in.Run.Number, 0)
		if f.Phase == "" {
			f.Phase = "no-such-phase"
		}
	case Restarted:
		f.Force = chance(t, 40, "force")
	case Excepted:
		f.Plan, f.Phase, f.Step = "", "", ""
		f.Pod = oneOf(t, "pod type", podTypes...) + "-" + fmt.Sprint(rapid.IntRange(0, 4).Draw(t, "pod"))
	case Released:
		for _, phase := range d.Phases {
			if phase.Name == f.Phase {
				return drawReleased(t, in, phase)
			}
		}
		f.All = true
		f.Phase = "no-such-phase"
	}
	if f.Kind == Restarted || f.Kind == Forced || f.Kind == Released {
		f.Run = max(in.Run.Number+oneOf(t, "fact run", 0, 0, 0, 0, -1, 1), 0)
	}
	if chance(t, 25, "by id") && f.Kind != Excepted {
		if f.Step != "" {
			f.Step = ID(d.Service, d.Name, f.Phase, f.Step).String()
		}
		if f.Phase != "" && chance(t, 50, "phase by id") {
			f.Phase = ID(d.Service, d.Name, f.Phase, "").String()
		}
		if chance(t, 50, "plan by id") {
			f.Plan = ID(d.Service, d.Name, "", "").String()
		}
	}
	if chance(t, 7, "other plan") && f.Kind != Excepted {
		f.Plan = "another"
	}
	return f
}

func drawLedger(t *rapid.T) Ledger {
	if chance(t, 3, "no ledger") {
		return Ledger{}
	}
	l := Ledger{}
	domains := oneOf(t, "domains", []string{"", "", "", "", ""}, []string{"a", "a", "b", "b", "c"}, []string{"a", "b", "a", "b", "a"})
	sortedTypes := slices.Sorted(slices.Values(podTypes))
	for _, podType := range sortedTypes {
		for n := range 5 {
			if chance(t, 4, "unknown pod") {
				continue
			}
			state := PodState{Name: fmt.Sprintf("%s-%d", podType, n), Type: podType, Domain: domains[n], Down: chance(t, 8, "down")}
			if state.Down {
				state.Since, state.By = ago(t, "down since"), oneOf(t, "by", "", "deploy")
				state.MayServe = chance(t, 40, "may serve")
			}
			l.Pods = append(l.Pods, state)
		}
		if chance(t, 25, "no budget") {
			continue
		}
		b := Budget{PodType: podType, MaxUnavailable: drawAmount(t), Quorum: chance(t, 35, "quorum")}
		if chance(t, 35, "per domain") {
			amount := drawAmount(t)
			b.PerDomain = &amount
		}
		l.Budgets = append(l.Budgets, b)
	}
	if chance(t, 30, "settled?") {
		l.SettledAt = oneOf(t, "settled at", ago(t, "settled"), justAgo(t, "just settled"))
		if l.SettledAt.After(noon) {
			l.SettledAt = noon
		}
	}
	return l
}

func drawAmount(t *rapid.T) Amount {
	return oneOf(t, "amount", Amount{Value: 2}, Amount{Value: 3}, Amount{Value: 1}, Amount{Value: 5}, Amount{Value: 4}, Amount{Value: 0},
		Amount{Value: 40, Percent: true}, Amount{Value: 50, Percent: true}, Amount{Value: 100, Percent: true}, Amount{Value: 19, Percent: true},
		Amount{Value: 61, Percent: true})
}

// drawVerdicts answers the questions that the plan has, and others.
func drawVerdicts(t *rapid.T, in Input) []Verdict {
	var verdicts []Verdict
	say := func(pods []string, gates ...Gate) {
		v := Verdict{Pods: slices.Clone(pods), AskedAt: justAgo(t, "asked"), Code: "code", Text: "its own words",
			Gate: oneOf(t, "gate", append(gates, GateOpen, GateOpen, GateOpen, GateClosed, GateClosed,
				GateUnknown, GateUnknown)...)}
		if chance(t, 10, "another order") {
			slices.Reverse(v.Pods)
		}
		v.Since = v.AskedAt.Add(-oneOf(t, "said so since", 0, 20*time.Second, 30*time.Second, time.Minute, 20*time.Minute))
		verdicts = append(verdicts, v)
	}
	for _, q := range plainEvaluate(in, plainOthers{}).Questions {
		if !q.Gate || !chance(t, 85, "answered") {
			continue
		}
		switch oneOf(t, "about", 0, 0, 0, 0, 0, 0, 1, 2) {
		case 0:
			say(q.Pods)
		case 1:
			say(append(slices.Clone(q.Pods), podTypes[0]+"-0", podTypes[1]+"-1"))
		case 2:
			say(q.Pods[:len(q.Pods)-1])
		}
		if chance(t, 10, "answered again") {
			say(q.Pods)
		}
	}
	p := plain{in: in}
	for i, phase := range in.Definition.Phases {
		disrupted := p.podsOf(i, p.disrupted(i))
		if phase.Gated && len(disrupted) == 0 && !chance(t, 50, "of a phase") {
			continue
		}
		if !phase.Gated && !chance(t, 3, "of a phase without gate") {
			continue
		}
		var others []string
		for _, step := range phase.Steps {
			if step.Pod != "" && !slices.Contains(disrupted, step.Pod) {
				others = append(others, step.Pod)
			}
		}
		if len(disrupted) > 0 && chance(t, 85, "holds all that are under way") {
			say(append(disrupted, subset(t, 80, "and", others)...), GateOpen, GateOpen, GateOpen, GateOpen, GateOpen)
		} else if some := subset(t, 50, "of", others); len(some) > 0 {
			say(some)
		}
	}
	return verdicts
}

// drawWorld draws plans over the same pods: one that deploys, one that repairs, and another.
func drawWorld(t *rapid.T) (Ledger, []Input) {
	ledger := drawLedger(t)
	var ins []Input
	for _, name := range []string{"deploy", "recovery", "another"} {
		d := drawPlan(t, name)
		d.Repair = name == "recovery"
		if d.Repair {
			d.Strategy = Parallel
		}
		in := drawState(t, d, &ledger)
		// What goes on with a pod was begun by one of them. If it was another plan, this one merely sees it.
		for i := range in.Observations {
			for j := range in.Observations[i] {
				if o := &in.Observations[i][j]; o.Plan != "" {
					o.Plan = oneOf(t, "begun by", "", name, "deploy", "recovery")
				}
			}
		}
		in.Ledger = ledger
		ins = append(ins, in)
	}
	if chance(t, 50, "recovery first") {
		ins[0], ins[1] = ins[1], ins[0]
	}
	return ledger, ins
}

func TestDrawnDefinitionsAreSensible(t *testing.T) {
	checkDrawn(t, func(t *rapid.T) {
		d := drawDefinition(t)
		if err := d.Validate(); err != nil {
			t.Fatal(err)
		}
		if phasesCyclic(d) {
			t.Fatal("phases wait for each other")
		}
		phases := map[string]bool{}
		for _, phase := range d.Phases {
			if phases[phase.Name] {
				t.Fatalf("two phases %s", phase.Name)
			}
			phases[phase.Name] = true
		}
		for _, phase := range d.Phases {
			if stepsCyclic(phase) {
				t.Fatalf("steps of %s wait for each other", phase.Name)
			}
			if len(phase.Steps) == 0 && !phase.Open && !phase.Optional {
				t.Fatalf("phase %s has no steps", phase.Name)
			}
			for _, name := range phase.After {
				if !phases[name] || name == phase.Name {
					t.Fatalf("phase %s waits for %q", phase.Name, name)
				}
			}
			steps, pods := map[string]bool{}, map[string]bool{}
			for _, step := range phase.Steps {
				if steps[step.Name] || step.Pod != "" && pods[step.Pod] {
					t.Fatalf("phase %s has two steps %s, or two of pod %s", phase.Name, step.Name, step.Pod)
				}
				steps[step.Name], pods[step.Pod] = true, true
				if step.Pod == "" && (step.Kind == Launch || step.Kind == Stop) {
					t.Fatalf("step %s of kind %s has no pod", step.Name, step.Kind)
				}
				if !slices.Contains(Kinds, step.Kind) {
					t.Fatalf("kind %q", step.Kind)
				}
			}
			for _, step := range phase.Steps {
				for _, name := range step.After {
					if !steps[name] || name == step.Name {
						t.Fatalf("step %s waits for %q", step.Name, name)
					}
				}
			}
		}
	})
}

// The properties are worth something only if all that they are about occurs.
func TestDrawnInputsAreManifold(t *testing.T) {
	const draws = 1500
	inputs := rapid.Custom(drawInput)
	counts := map[string]int{}
	for n := range draws {
		in := inputs.Example(n)
		for situation := range situations(in) {
			counts[situation]++
		}
	}
	for _, situation := range allSituations() {
		if counts[situation] < draws/600 {
			t.Errorf("%s: only %d of %d", situation, counts[situation], draws)
		}
	}
	if testing.Verbose() {
		var lines []string
		for situation, n := range counts {
			lines = append(lines, fmt.Sprintf("%5d %s", n, situation))
		}
		slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[6:], b[6:]) })
		t.Log("\n" + strings.Join(lines, "\n"))
	}
}

func allSituations() []string {
	all := []string{
		"halted before", "halts: too many failed", "halts: nothing became COMPLETE", "halts: gate unknown", "halts: only failed left",
		"no run", "ended", "not started", "newcomer", "excepted", "forced", "forced and restarted later", "restarted",
		"restarted with force", "latched by Done", "Done of another run", "ready", "settling", "backoff over",
		"failed by attempts", "failed by deadline", "pardoned", "clocks stood still",
		"held by pause", "begun goes on in a pause", "breakpoint before", "breakpoint before, not reached", "breakpoint after batch",
		"breakpoint after batch, not reached", "behind a paused phase", "held by canary", "released by name", "All waits for those by name",
		"out of turn", "step waits for After", "phase waits for After", "held from outside",
		"hold that does not block", "held by other plan", "error in the phase",
		"Stopped goes on", "Stopped goes on in a pause", "stop granted", "two stops granted", "stop granted by force", "start granted",
		"rest of a set granted", "batch of several domains cut", "grows", "batch over", "stops nothing more",
		"held by batch", "held by budget", "held by fit", "held by gate-closed", "held by gate-unknown",
		"question fit", "question gate", "fact by id", "fact of another plan", "fact of another run", "pod unknown to the ledger",
		"budget percent", "budget per domain", "budget zero", "budget absent", "verdict stale", "verdict on more",
	}
	for _, kind := range []FactKind{Paused, Breakpoint, Released, Restarted, Forced, Excepted} {
		all = append(all, "fact "+string(kind))
	}
	for _, when := range []When{"", PauseNow, PauseAfterSteps, PauseAfterPhase} {
		all = append(all, "plan paused "+string(when), "phase paused "+string(when))
		if when != PauseAfterPhase {
			all = append(all, "step paused "+string(when))
		}
	}
	for s := Pending; s <= Error; s++ {
		if s != InProgress {
			all = append(all, "step "+s.String())
		}
		if s != Prepared {
			all = append(all, "phase "+s.String(), "plan "+s.String())
		}
	}
	for _, kind := range Kinds {
		all = append(all, "kind "+string(kind))
		if kind != Wait {
			all = append(all, "candidate "+string(kind))
		}
	}
	for _, s := range []Strategy{Serial, Parallel, SerialCanary, ParallelCanary, Canary} {
		all = append(all, "candidate in "+string(s), "stop in "+string(s))
	}
	return all
}

// situations tells what occurs in an input.
func situations(in Input) map[string]bool {
	seen := map[string]bool{}
	see := func(situation string, is bool) {
		if is {
			seen[situation] = true
		}
	}
	r := plainEvaluate(in, plainOthers{})
	p := plain{in: in, halted: r.Halted}
	d := in.Definition
	live := in.Run.Halt == nil && in.Run.Number > 0 && !in.Run.Ended()
	see("halted before", in.Run.Halt != nil)
	see("halts: too many failed", live && p.tooManyFailed())
	see("halts: nothing became COMPLETE", live && p.nothingBecameComplete())
	see("halts: gate unknown", live && r.late)
	see("halts: only failed left", live && p.onlyFailedLeft())
	see("no run", in.Run.Number == 0)
	see("ended", p.ended())
	see("not started", p.notStarted())
	see("plan "+r.Status.String(), true)
	for _, f := range in.Facts {
		see("fact "+string(f.Kind), true)
		see("fact by id", len(f.Step) == 36 || len(f.Phase) == 36 || len(f.Plan) == 36)
		see("fact of another plan", f.Plan == "another")
		see("fact of another run", f.Run != 0 && f.Run != in.Run.Number)
	}
	for _, f := range p.onPlan(Paused) {
		see("plan paused "+string(f.When), true)
	}
	for _, b := range in.Ledger.Budgets {
		see("budget percent", b.MaxUnavailable.Percent)
		see("budget per domain", b.PerDomain != nil)
		see("budget zero", b.MaxUnavailable.Value == 0)
	}
	see("budget absent", len(in.Ledger.Budgets) < len(podTypes) && len(in.Ledger.Pods) > 0)
	for _, v := range in.Verdicts {
		see("verdict stale", !p.fresh(v))
		see("verdict on more", len(v.Pods) > 2)
	}
	for _, q := range r.Questions {
		see("question fit", q.Fit)
		see("question gate", q.Gate)
	}
	for i, phase := range d.Phases {
		see("phase "+r.Phases[i].Status.String(), true)
		for _, f := range p.onPhase(Paused, i) {
			see("phase paused "+string(f.When), true)
		}
		before, batch := false, false
		for _, f := range p.onPhase(Breakpoint, i) {
			before = before || f.When == BeforePhase
			batch = batch || f.When == AfterBatch
		}
		see("breakpoint before", p.atBefore(i))
		see("breakpoint before, not reached", before && !p.atBefore(i))
		see("breakpoint after batch", p.atBatch(i))
		see("breakpoint after batch, and something has fallen over", p.atBatch(i) && p.phaseUnderWay(i))
		see("breakpoint after batch, not reached", batch && !p.atBatch(i))
		see("error in the phase", p.errorIn(i))
		see("phase waits for After", len(phase.After) > 0 && !p.predecessorsDone(i))
		see("grows", phase.Batch.Grow && p.parallelPhase(i) && p.batchLimit(i) > 1)
		for _, c := range in.Run.Batches {
			see("batch over", c.Phase == phase.Name && c.Open && !p.cursor(i).Open)
		}
		for other := range d.Phases {
			see("behind a paused phase", p.waitsFor(i, other) && p.finished(other) && p.stopsBehind(other))
		}
		granted, free := 0, 0
		domains := map[string]bool{}
		for _, c := range r.Candidates {
			if c.Phase != i {
				continue
			}
			see("candidate "+string(phase.Steps[c.Step].Kind), true)
			see("candidate in "+string(phase.Strategy), true)
			see("start granted", !c.Stops)
			if c.Stops {
				granted++
				see("stop granted by force", p.restartedWithForce(i, c.Step))
				see("stop in "+string(phase.Strategy), true)
				see("rest of a set granted", len(p.disrupted(i)) > 0 && !p.restartedWithForce(i, c.Step))
			}
		}
		see("stop granted", granted > 0)
		see("two stops granted", granted > 1)
		for _, j := range p.members(i) {
			if p.free(i, j) && p.runs(i, j) {
				free++
				state, _ := p.podState(phase.Steps[j].Pod)
				domains[state.Domain] = true
			}
		}
		see("batch of several domains cut", granted > 0 && len(domains) > 1)
		see("stops nothing more", free > 0 && granted == 0 && len(p.disrupted(i)) > 0)

		for j, step := range phase.Steps {
			o, own := p.observation(i, j), p.own(i, j)
			see("step "+r.Phases[i].Steps[j].String(), true)
			see("kind "+string(step.Kind), true)
			see("newcomer", o.Newcomer)
			for _, f := range p.onStep(Paused, i, j) {
				see("step paused "+string(f.When), true)
			}
			see("excepted", p.excepted(step.Pod))
			see("forced", p.forced(i, j))
			see("forced and restarted later", !p.forced(i, j) && len(p.over(Forced, i, j)) > 0)
			see("restarted", p.restarted(i, j))
			see("restarted with force", p.restartedWithForce(i, j) && p.runs(i, j))
			see("latched by Done", own == Complete && p.doneInRun(i, j) && o.Status != Complete)
			see("Done of another run", o.Done.Run != 0 && o.Done.Run != in.Run.Number)
			see("ready", own == Complete && o.Status == Started)
			see("settling", p.settling(i, j))
			see("backoff over", own == Pending && o.Status == Delayed)
			if o.Newcomer {
				continue
			}
			see("failed by attempts", p.failed(i, j) && p.triedTooOften(i, j))
			see("failed by deadline", p.failed(i, j) && p.takesTooLong(i, j))
			without := p
			without.in.Run.Pardons = nil
			see("pardoned", !p.failed(i, j) && without.failed(i, j))
			without = p
			without.in.Run.Stills = nil
			see("clocks stood still", !p.failed(i, j) && without.failed(i, j))
			see("released by name", p.canaryPhase(i) && p.releasedByName(i, j))
			if own != Pending && own != Prepared {
				continue
			}
			see("held by pause", p.heldByPause(i, j))
			pauses := len(p.over(Paused, i, j)) > 0 || p.halted
			see("begun goes on in a pause", p.begun(i, j) && !o.Stopped && pauses && !p.heldByPause(i, j))
			see("held by canary", p.heldByCanary(i, j))
			see("All waits for those by name", p.canaryPhase(i) && !p.heldByCanary(i, j) && !p.releasedByName(i, j) && p.releasedLeft(i))
			see("out of turn", !p.inTurn(i, j))
			see("step waits for After", !p.afterDone(i, j))
			see("held from outside", p.heldFromOutside(i, j))
			see("hold that does not block", len(o.Holds) > 0 && !p.heldFromOutside(i, j))
			see("held by other plan", p.heldByOtherPlan(i, j))
			see("Stopped goes on", o.Stopped && p.free(i, j))
			see("Stopped goes on in a pause", o.Stopped && p.free(i, j) && p.heldByPause(i, j))
			if p.free(i, j) && p.runs(i, j) {
				_, known := p.podState(step.Pod)
				see("pod unknown to the ledger", !known)
				if code := r.stops[Candidate{Phase: i, Step: j, Stops: true}]; code != "" {
					see("held by "+string(code), true)
				}
			}
		}
	}
	return seen
}

func TestDrawnWorldsAreManifold(t *testing.T) {
	worlds := rapid.Custom(func(t *rapid.T) []Input {
		_, ins := drawWorld(t)
		return ins
	})
	counts := map[string]int{}
	const draws = 250
	for n := range draws {
		ins := worlds.Example(n)
		stops, pods := 0, map[string]int{}
		for _, in := range ins {
			for _, c := range plainEvaluate(in, plainOthers{}).Candidates {
				if c.Stops {
					stops++
				}
				pods[in.Definition.Phases[c.Phase].Steps[c.Step].Pod]++
			}
		}
		delete(pods, "")
		if stops > 1 {
			counts["several stops"]++
		}
		for _, n := range pods {
			if n > 1 {
				counts["two plans want one pod"]++
				break
			}
		}
	}
	t.Log(counts)
	for _, situation := range []string{"several stops", "two plans want one pod"} {
		if counts[situation] < draws/50 {
			t.Errorf("%s: only %d of %d", situation, counts[situation], draws)
		}
	}
}
