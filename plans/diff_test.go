package plans

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// diffBase is what the stories of TestDiff change.
func diffBase() Definition {
	settings := func(mem string) []Setting {
		return []Setting{{Name: "cpus", Value: "1"}, {Name: "mem", Value: mem}, {Name: "password", Value: "old", Secret: true}}
	}
	server := func(pod, mem string) Step {
		return Step{Name: pod + ":[server]", Kind: Launch, Pod: pod, Settings: settings(mem)}
	}
	return Definition{
		Service: "quobyte", Name: "deploy", Strategy: Serial,
		Policy:     Policy{Attempts: 3, Backoff: Backoff{Initial: time.Second, Factor: 2}},
		Parameters: []Parameter{{Name: "MODE", Type: Text, Default: "slow", Choices: []string{"slow", "fast"}}},
		Phases: []Phase{
			{Name: "registry", Strategy: Serial, Steps: []Step{server("registry-0", "512"), server("registry-1", "512"), server("registry-2", "512")}},
			{Name: "data", Strategy: Parallel, Batch: Batch{Max: 2}, Settle: time.Minute, Steps: []Step{server("data-0", "2048"), server("data-1", "2048")}},
			{Name: "api", Strategy: Canary, Steps: []Step{server("api-0", "256"), server("api-1", "256")}},
		},
	}
}

func TestDiff(t *testing.T) {
	tests := []struct {
		name   string
		change func(d *Definition)
		want   string
	}{
		{"nothing", func(*Definition) {}, ""},
		{"another name of a strategy", func(d *Definition) { d.Phases[2].Strategy = SerialCanary }, ""},
		{"empty lists", func(d *Definition) {
			d.Phases[0].Steps[0].After = []string{}
			d.Parameters[0].Choices = slices.Clone(d.Parameters[0].Choices)
		}, ""},
		{"a setting", func(d *Definition) { d.Phases[1].Steps[0].Settings[1].Value = "4096" }, `
~ data/data-0:[server]: setting mem 2048 -> 4096`},
		{"settings that come, go, and are secret", func(d *Definition) {
			d.Phases[1].Steps[0].Settings = []Setting{
				{Name: "disk", Value: ""}, {Name: "mem", Value: "2048", Secret: true}, {Name: "password", Value: "new", Secret: true},
				{Name: "token", Value: "hidden", Secret: true},
			}
			d.Phases[1].Steps[1].Settings = []Setting{{Name: "cpus", Value: "2", Secret: true}, {Name: "mem", Value: " a\nb"}}
		}, `
~ data/data-0:[server]: setting cpus 1 -> (none), setting disk (none) -> "", setting mem (not secret) -> (secret), setting password (secret) -> (secret), setting token (none) -> (secret)
~ data/data-1:[server]: setting cpus (secret) -> (secret), setting mem 2048 -> " a\nb", setting password (secret) -> (none)`},
		{"all of a step", func(d *Definition) {
			d.Phases[1].Steps[1] = Step{
				Name: "data-1:[server]", Kind: Stop, Pod: "data-9", Host: "h1", After: []string{"data-0:[server]", "a, b"}, Rank: -1,
				Settings: d.Phases[1].Steps[1].Settings,
			}
		}, `
~ data/data-1:[server]: kind launch -> stop, pod data-1 -> data-9, host (none) -> h1, after (none) -> data-0:[server], "a, b", rank 0 -> -1`},
		{"all of a phase", func(d *Definition) {
			steps := d.Phases[1].Steps
			d.Phases[1] = Phase{
				Name: "data", Strategy: ParallelCanary, After: []string{"registry", "api"}, Open: true, Optional: true, Canaries: 3, Batch: Batch{Grow: true},
				Gated: true, Policy: Policy{Attempts: 1, Tolerate: 2, StepDeadline: time.Hour}, Steps: steps,
			}
			d.Phases[2].After = []string{}
		}, `
~ data: strategy parallel -> parallel-canary, after (by strategy) -> registry, api, open false -> true, optional false -> true, canaries 0 -> 3, batch max 2 -> 0, batch grow false -> true, gated false -> true, settle 1m0s -> 0s, policy attempts 0 -> 1, policy tolerate 0 -> 2, policy step deadline 0s -> 1h0m0s
~ api: after (by strategy) -> (none)`},
		{"all of a plan", func(d *Definition) {
			d.Service, d.Name, d.Strategy, d.Manual, d.Repair = "other", "", "zigzag", true, true
			d.Policy = Policy{Deadline: time.Hour, GatePatience: time.Minute, Backoff: Backoff{Max: time.Second, Factor: 1.5, Jitter: 0.1}}
			d.Parameters = []Parameter{{Name: "DRY", Type: Boolean, Default: "true"}, {Name: "MODE", Type: Text, Required: true, Choices: []string{"fast"}, Help: "How."}}
		}, `
~ the plan: service quobyte -> other, name deploy -> "", strategy serial -> zigzag, manual false -> true, repair false -> true, policy attempts 3 -> 0, policy deadline 0s -> 1h0m0s, policy gate patience 0s -> 1m0s, policy backoff initial 1s -> 0s, policy backoff max 0s -> 1s, policy backoff factor 2 -> 1.5, policy backoff jitter 0 -> 0.1, parameter DRY (none) -> boolean, parameter MODE default slow -> "", parameter MODE required false -> true, parameter MODE choices slow, fast -> fast, parameter MODE help "" -> How.`},
		{"a parameter less", func(d *Definition) { d.Parameters = nil }, `
~ the plan: parameter MODE text -> (none)`},
		{"steps that come and go", func(d *Definition) {
			d.Phases[0].Steps = d.Phases[0].Steps[1:2]
			d.Phases[1].Steps = append([]Step{{Name: "prepare", Kind: Action}}, append(d.Phases[1].Steps, Step{Name: "data-2:[server]"})...)
		}, `
- registry/registry-0:[server]
- registry/registry-2:[server]
+ data/prepare
+ data/data-2:[server]`},
		{"phases that come and go", func(d *Definition) {
			d.Phases = []Phase{d.Phases[0], {Name: "new", Steps: []Step{{Name: "new-0"}}}, d.Phases[2]}
		}, `
- data
- data/data-0:[server]
- data/data-1:[server]
+ new
+ new/new-0`},
		{"the first phase goes", func(d *Definition) { d.Phases = d.Phases[1:] }, `
- registry
- registry/registry-0:[server]
- registry/registry-1:[server]
- registry/registry-2:[server]`},
		{"everything goes", func(d *Definition) { d.Phases = nil }, `
- registry
- registry/registry-0:[server]
- registry/registry-1:[server]
- registry/registry-2:[server]
- data
- data/data-0:[server]
- data/data-1:[server]
- api
- api/api-0:[server]
- api/api-1:[server]`},
		{"a step that moves, and is different there", func(d *Definition) {
			moved := d.Phases[1].Steps[0]
			moved.Host = "h1"
			d.Phases[1].Steps = d.Phases[1].Steps[1:]
			d.Phases[0].Steps = slices.Insert(d.Phases[0].Steps, 1, moved)
		}, `
> registry/data-0:[server]: phase data -> registry, host (none) -> h1`},
		{"a phase with another name", func(d *Definition) { d.Phases[1].Name = "devices" }, `
- data
+ devices
> devices/data-0:[server]: phase data -> devices
> devices/data-1:[server]: phase data -> devices`},
		{"another order of steps", func(d *Definition) {
			steps := d.Phases[0].Steps
			steps[1], steps[2] = steps[2], steps[1]
			d.Phases[0].Steps = append([]Step{{Name: "first"}}, steps...)
		}, `
~ registry: order registry-1:[server], registry-2:[server] -> registry-2:[server], registry-1:[server]
+ registry/first`},
		{"another order of phases", func(d *Definition) { slices.Reverse(d.Phases) }, `
~ the plan: order registry, data, api -> api, data, registry`},
		{"names that do not fit in a line", func(d *Definition) {
			d.Phases[2] = Phase{Name: "a\nb", Steps: []Step{{Name: "c\td"}}}
			d.Phases[1].Steps[0].Settings = append(d.Phases[1].Steps[0].Settings, Setting{Name: "x\ny", Value: "(none)"})
		}, `
~ data/data-0:[server]: setting "x\ny" (none) -> "(none)"
- api
- api/api-0:[server]
- api/api-1:[server]
+ "a\nb"
+ "a\nb"/"c\td"`},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			after := diffBase()
			tc.change(&after)
			if diff := cmp.Diff(strings.TrimPrefix(tc.want, "\n"), diffLines(Diff(diffBase(), after))); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func diffLines(changes []Change) string {
	lines := make([]string, len(changes))
	for i := range changes {
		lines[i] = changes[i].String()
	}
	return strings.Join(lines, "\n")
}

func TestDiffIsData(t *testing.T) {
	after := diffBase()
	after.Phases[1].Steps[0].Settings[2].Value = "new"
	after.Phases[1].Steps = append(after.Phases[1].Steps, Step{Name: "x"})
	want := []Change{
		{Kind: Changed, Phase: "data", Step: "data-0:[server]", Why: []FieldChange{{Field: "setting password", Before: "(secret)", After: "(secret)", Secret: true}}},
		{Kind: Added, Phase: "data", Step: "x"},
	}
	if diff := cmp.Diff(want, Diff(diffBase(), after)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// diffDefinitions are small and often alike, valid or not.
func diffDefinitions() *rapid.Generator[Definition] {
	few := rapid.IntRange(0, 1)
	lengths := rapid.SampledFrom([]time.Duration{0, time.Second})
	name := rapid.SampledFrom([]string{"a", "b", "c", "d, e", ""})
	names := rapid.SampledFrom([][]string{nil, {}, {"a"}, {"a", "b"}, {"a, b"}, {""}})
	policy := rapid.Custom(func(t *rapid.T) Policy {
		if rapid.IntRange(0, 4).Draw(t, "policy") > 0 {
			return Policy{}
		}
		return Policy{
			Attempts: few.Draw(t, "attempts"), Tolerate: few.Draw(t, "tolerate"), StepDeadline: lengths.Draw(t, "step deadline"),
			Deadline: lengths.Draw(t, "deadline"), GatePatience: lengths.Draw(t, "patience"),
			Backoff: Backoff{lengths.Draw(t, "initial"), lengths.Draw(t, "max"), float64(few.Draw(t, "factor")), float64(few.Draw(t, "jitter"))},
		}
	})
	setting := rapid.Custom(func(t *rapid.T) Setting {
		return Setting{name.Draw(t, "name"), rapid.SampledFrom([]string{"", "(none)", "(secret)", "1"}).Draw(t, "value"), rapid.Bool().Draw(t, "secret")}
	})
	step := rapid.Custom(func(t *rapid.T) Step {
		s := Step{Name: name.Draw(t, "name")}
		if rapid.IntRange(0, 3).Draw(t, "more") == 0 {
			s.Kind, s.Pod, s.Host = rapid.SampledFrom(Kinds).Draw(t, "kind"), name.Draw(t, "pod"), name.Draw(t, "host")
			s.After, s.Rank, s.Settings = names.Draw(t, "after"), few.Draw(t, "rank"), rapid.SliceOfN(setting, 0, 3).Draw(t, "settings")
		}
		return s
	})
	phase := rapid.Custom(func(t *rapid.T) Phase {
		p := Phase{Name: name.Draw(t, "name"), Policy: policy.Draw(t, "policy"), Steps: rapid.SliceOfN(step, 0, 4).Draw(t, "steps")}
		if rapid.IntRange(0, 3).Draw(t, "more") == 0 {
			p.Strategy, p.After = rapid.SampledFrom(phaseStrategies).Draw(t, "strategy"), names.Draw(t, "after")
			p.Open, p.Optional, p.Gated = rapid.Bool().Draw(t, "open"), rapid.Bool().Draw(t, "optional"), rapid.Bool().Draw(t, "gated")
			p.Canaries, p.Settle = few.Draw(t, "canaries"), lengths.Draw(t, "settle")
			p.Batch = Batch{few.Draw(t, "max"), rapid.Bool().Draw(t, "grow")}
		}
		return p
	})
	parameter := rapid.Custom(func(t *rapid.T) Parameter {
		return Parameter{
			Name: name.Draw(t, "name"), Type: rapid.SampledFrom(parameterTypes).Draw(t, "type"), Default: name.Draw(t, "default"),
			Required: rapid.Bool().Draw(t, "required"), Choices: names.Draw(t, "choices"), Help: name.Draw(t, "help"),
		}
	})
	return rapid.Custom(func(t *rapid.T) Definition {
		d := Definition{Name: "p", Policy: policy.Draw(t, "policy"), Phases: rapid.SliceOfN(phase, 0, 4).Draw(t, "phases")}
		if rapid.IntRange(0, 3).Draw(t, "more") == 0 {
			d.Service, d.Name, d.Strategy = name.Draw(t, "service"), name.Draw(t, "name"), rapid.SampledFrom(planStrategies).Draw(t, "strategy")
			d.Manual, d.Repair = rapid.Bool().Draw(t, "manual"), rapid.Bool().Draw(t, "repair")
			d.Parameters = rapid.SliceOfN(parameter, 0, 2).Draw(t, "parameters")
		}
		return d
	})
}

// diffNeighbour returns the definition with one thing different, or none.
func diffNeighbour(t *rapid.T, d Definition) Definition {
	d.Phases = slices.Clone(d.Phases)
	other := diffDefinitions().Draw(t, "other")
	if len(d.Phases) == 0 || len(other.Phases) == 0 {
		return other
	}
	i := rapid.IntRange(0, len(d.Phases)-1).Draw(t, "phase")
	p := &d.Phases[i]
	switch rapid.IntRange(0, 6).Draw(t, "what") {
	case 0:
		d.Strategy, d.Parameters, d.Policy = other.Strategy, other.Parameters, other.Policy
	case 1:
		*p = other.Phases[0]
	case 2:
		steps := p.Steps
		*p = other.Phases[0]
		p.Steps = steps
	case 3:
		p.Steps = rapid.Permutation(p.Steps).Draw(t, "steps")
	case 4:
		d.Phases = rapid.Permutation(d.Phases).Draw(t, "phases")
	case 5:
		p.Steps = other.Phases[0].Steps
	case 6: // a step moves
		if len(p.Steps) > 0 {
			to := &d.Phases[rapid.IntRange(0, len(d.Phases)-1).Draw(t, "to")]
			to.Steps = append(slices.Clone(to.Steps), p.Steps[0])
			p.Steps = p.Steps[1:]
		}
	}
	return d
}

// plainForm brings definitions that Diff promises to say nothing about into one form.
func plainForm(d Definition) Definition {
	d.Strategy = d.Strategy.canonical()
	d.Parameters = slices.Clone(d.Parameters)
	slices.SortStableFunc(d.Parameters, func(a, b Parameter) int { return strings.Compare(a.Name, b.Name) })
	d.Phases = slices.Clone(d.Phases)
	for i := range d.Phases {
		p := &d.Phases[i]
		p.Strategy = p.Strategy.canonical()
		if p.After == nil {
			p.After = []string{"nil is not empty"}
		}
		p.Steps = slices.Clone(p.Steps)
		for k := range p.Steps {
			settings := slices.Clone(p.Steps[k].Settings)
			slices.SortStableFunc(settings, func(a, b Setting) int { return strings.Compare(a.Name, b.Name) })
			p.Steps[k].Settings = settings
		}
	}
	return d
}

func TestDiffTellsWhetherDefinitionsAreTheSame(t *testing.T) {
	checkDrawn(t, func(t *rapid.T) {
		a := diffDefinitions().Draw(t, "a")
		b := diffNeighbour(t, a)
		for name, d := range map[string]Definition{"a": a, "b": b} {
			if changes := Diff(d, d); changes != nil {
				t.Fatalf("%s is different from itself:\n%s", name, diffLines(changes))
			}
		}
		same := cmp.Equal(plainForm(a), plainForm(b), cmpopts.EquateEmpty())
		changes := Diff(a, b)
		if same != (len(changes) == 0) {
			t.Fatalf("the two are the same: %v, and Diff says:\n%s\n\n%s", same, diffLines(changes), cmp.Diff(a, b))
		}
		if again := Diff(a, b); !cmp.Equal(changes, again) {
			t.Fatalf("the same question has two answers (-first +second):\n%s", cmp.Diff(changes, again))
		}
		for _, c := range changes {
			if line := c.String(); strings.ContainsAny(line, "\n\r") {
				t.Fatalf("a change is not one line: %q", line)
			}
			for _, why := range c.Why {
				// A step may move from a phase to another of the same name, in definitions that are not valid.
				if why.Before == why.After && !why.Secret && why.Field != "phase" {
					t.Fatalf("a difference can't be seen: %v", c)
				}
			}
		}
	})
}

func TestWhatIsAddedOneWayIsRemovedTheOther(t *testing.T) {
	of := func(changes []Change, kind ChangeKind) []string {
		var elements []string
		for _, c := range changes {
			if c.Kind == kind {
				elements = append(elements, fmt.Sprintf("%q/%q", c.Phase, c.Step))
			}
		}
		slices.Sort(elements)
		return elements
	}
	checkDrawn(t, func(t *rapid.T) {
		a := diffDefinitions().Draw(t, "a")
		b := diffNeighbour(t, a)
		there, back := Diff(a, b), Diff(b, a)
		if diff := cmp.Diff(of(there, Added), of(back, Removed)); diff != "" {
			t.Fatalf("what is added one way is not what is removed the other (-added +removed):\n%s", diff)
		}
		if diff := cmp.Diff(of(there, Removed), of(back, Added)); diff != "" {
			t.Fatalf("what is removed one way is not what is added the other (-removed +added):\n%s", diff)
		}
		if m, n := len(of(there, Moved)), len(of(back, Moved)); m != n {
			t.Fatalf("%d steps move one way, %d the other", m, n)
		}
		if len(of(there, Changed)) != len(of(back, Changed)) {
			t.Fatalf("elements that changed one way are not those of the other:\n%s\n\n%s", diffLines(there), diffLines(back))
		}
	})
}

// TestDiffShowsNoSecrets looks for secret values in all that Diff returns.
func TestDiffShowsNoSecrets(t *testing.T) {
	checkDrawn(t, func(t *rapid.T) {
		settings := func(label string) []Setting {
			return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Setting {
				return Setting{Name: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "name"), Value: "hunter" + rapid.StringMatching("[0-9]").Draw(t, "value"), Secret: true}
			}), 0, 3).Draw(t, label)
		}
		a := validPlan(Phase{Name: "a", Steps: []Step{{Name: "s", Settings: settings("before")}}})
		b := validPlan(Phase{Name: "a", Steps: []Step{{Name: "s", Settings: settings("after")}}})
		if text := fmt.Sprintf("%v %+v", diffLines(Diff(a, b)), Diff(a, b)); strings.Contains(text, "hunter") {
			t.Fatalf("a secret is shown: %s", text)
		}
	})
}

func TestDiffOfManySteps(t *testing.T) {
	const n = 30_000
	_, before := bigPlan(n, func(int, *Step) {})
	tests := []struct {
		name   string
		change func(d *Definition)
		want   int // changes
	}{
		{"the same", func(*Definition) {}, 0},
		{"the other way around", func(d *Definition) { slices.Reverse(d.Phases[0].Steps) }, 1},
		{"all different", func(d *Definition) {
			for i := range d.Phases[0].Steps {
				d.Phases[0].Steps[i].Rank = i + 1
			}
		}, n},
		{"all of one name", func(d *Definition) {
			for i := range d.Phases[0].Steps {
				d.Phases[0].Steps[i].Name = "x"
			}
		}, 2 * n},
		{"all moved", func(d *Definition) { d.Phases[0].Name = "other" }, n + 2},
		{"a phase each", func(d *Definition) {
			var phases []Phase
			for _, s := range d.Phases[0].Steps {
				phases = append(phases, Phase{Name: s.Name, Steps: []Step{s}})
			}
			d.Phases = phases
		}, 2*n + 1},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			_, after := bigPlan(n, func(int, *Step) {})
			tc.change(&after)
			start := time.Now()
			got := Diff(before, after)
			if len(got) != tc.want {
				t.Errorf("%d changes, want %d", len(got), tc.want)
			}
			// Generous, for slow machines: what is quadratic takes minutes.
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("comparing %d steps took %v", n, took)
			}
			for _, c := range got {
				if len(c.String()) > 1000 {
					t.Fatalf("a change of %d characters is not for people", len(c.String()))
				}
			}
		})
	}
}

func BenchmarkDiff(b *testing.B) {
	_, before := bigPlan(30_000, func(int, *Step) {})
	_, after := bigPlan(30_000, func(int, *Step) {})
	b.ReportAllocs()
	for b.Loop() {
		if changes := Diff(before, after); changes != nil {
			b.Fatal(changes)
		}
	}
}
