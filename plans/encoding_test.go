package plans

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestDecodeFact(t *testing.T) {
	at := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	const said = `"actor":"ann","at":"2026-11-25T10:00:00Z"`
	tests := []struct {
		name, json string
		want       Fact
		problems   []string
	}{
		{
			name: "a paused plan, from an old program", json: `{"kind":"pause","plan":"deploy",` + said + `}`,
			want: Fact{Kind: Paused, Plan: "deploy", Actor: "ann", At: at},
		},
		{
			name: "a pause of a newer program", json: `{"kind":"pause","plan":"deploy","phase":"data","step":"data-0","when":"after-phase","mood":[1],` + said + `}`,
			want: Fact{Kind: Paused, Plan: "deploy", Phase: "data", Step: "data-0", When: PauseAfterPhase, Actor: "ann", At: at},
		},
		{
			name: "a breakpoint", json: `{"kind":"breakpoint","plan":"deploy","phase":"data","when":"after-batch","batches":2,"batch_run":3,` + said + `}`,
			want: Fact{Kind: Breakpoint, Plan: "deploy", Phase: "data", When: AfterBatch, Batches: 2, BatchRun: 3, Actor: "ann", At: at},
		},
		{
			name: "a release, with an empty list", json: `{"kind":"release","plan":"deploy","phase":"data","run":3,"steps":[],"all":true,` + said + `}`,
			want: Fact{Kind: Released, Plan: "deploy", Phase: "data", Run: 3, All: true, Actor: "ann", At: at},
		},
		{
			name: "a restart, in another time zone", json: `{"kind":"restart","plan":"deploy","run":1,"force":true,"actor":"ann","at":"2026-11-25T11:00:00+01:00"}`,
			want: Fact{Kind: Restarted, Plan: "deploy", Run: 1, Force: true, Actor: "ann", At: at},
		},
		{
			name: "an exception", json: `{"kind":"except","pod":"data-0","reason":"burnt","revision":"r",` + said + `}`,
			want: Fact{Kind: Excepted, Pod: "data-0", Reason: "burnt", Revision: "r", Actor: "ann", At: at},
		},
		{name: "no JSON", json: `pause`, problems: []string{"fact: invalid character 'p' looking for beginning of value"}},
		{name: "nothing", json: ``, problems: []string{"fact: unexpected end of JSON input"}},
		{name: "two", json: `{} {}`, problems: []string{"fact: invalid character '{' after top-level value"}},
		{name: "text that is not UTF-8", json: "{\"kind\":\"pause\",\"plan\":\"\xff\"}", problems: []string{"fact: text is not valid UTF-8"}},
		{
			name: "null", json: `null`,
			problems: []string{
				"fact: plan is empty",
				`fact: kind "" is unknown; use pause, breakpoint, release, restart, force-complete or except`,
			},
		},
		{
			name: "much wrong at once", json: `{"kind":"dance","pod":"x","step":"s","run":-1,"batches":-2,"batch_run":-3,"at":"0000-01-01T00:00:00+01:00"}`,
			problems: []string{
				"fact: at is in the year -1; use 0 to 9999, in UTC",
				`fact: pod is "x"; only except facts have one`,
				"fact: plan is empty",
				`fact: phase is empty; step "s" needs one`,
				"fact: run is -1; use 0 or more",
				"fact: batches is -2; use 0 or more",
				"fact: batch_run is -3; use 0 or more",
				`fact: kind "dance" is unknown; use pause, breakpoint, release, restart, force-complete or except`,
			},
		},
		{
			name: "an exception of an element", json: `{"kind":"except","plan":"p","phase":"f","step":"s","run":1,"when":"now"}`,
			problems: []string{
				"fact: pod is empty; except facts need one",
				`fact: plan is "p", phase "f", step "s"; except facts have only a pod`,
				"fact: run is 1; except facts belong to none",
				`fact: when is "now"; except facts have none`,
			},
		},
		{
			name: "a breakpoint in a step", json: `{"kind":"breakpoint","plan":"p","step":"s","run":1,"when":"now"}`,
			problems: []string{
				`fact: phase is empty; step "s" needs one`,
				`fact: step is "s"; breakpoint facts have none`,
				"fact: run is 1; breakpoint facts belong to none",
				`fact: when "now" is unknown; use before, after or after-batch`,
			},
		},
		{
			name: "a breakpoint of a plan, nowhere", json: `{"kind":"breakpoint","plan":"p"}`,
			problems: []string{
				"fact: phase is empty; breakpoint facts need one",
				`fact: when "" is unknown; use before, after or after-batch`,
			},
		},
		{
			name: "a pause in a run, at a wrong time", json: `{"kind":"pause","plan":"p","run":1,"when":"after"}`,
			problems: []string{
				"fact: run is 1; pause facts belong to none",
				`fact: when "after" is unknown; use now, after-steps or after-phase`,
			},
		},
		{
			name: "a restart without a run", json: `{"kind":"restart","plan":"p","when":"now"}`,
			problems: []string{"fact: run is 0; restart facts belong to a run", `fact: when is "now"; restart facts have none`},
		},
		{name: "a release without a run", json: `{"kind":"release","plan":"p"}`, problems: []string{"fact: run is 0; release facts belong to a run"}},
		{
			name: "a forced step with a negative run", json: `{"kind":"force-complete","plan":"p","run":-1}`,
			problems: []string{"fact: run is -1; use 0 or more"},
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := DecodeFact([]byte(tc.json))
			if diff := cmp.Diff(tc.problems, problems(err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("fact (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeRun(t *testing.T) {
	at := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	const started = `{"number":3,"target":"t","actor":"ann","reason":"r","started_at":"2026-11-25T10:00:00Z"`
	begun := Run{Number: 3, Target: "t", Actor: "ann", Reason: "r", StartedAt: at}
	ended := begun
	ended.CompletedAt = at
	tests := []struct {
		name, json string
		want       Run
		problems   []string
	}{
		{name: "one that never ran", json: `{}`},
		{name: "one that works, with empty lists and unknown fields", want: begun, json: started +
			`,"arguments":[],"pardons":[],"batches":[],"stills":[],"durations":[],"weather":"fine"}`},
		{name: "one of an old program, that ended", want: ended, json: started + `,"completed_at":"2026-11-25T11:00:00+01:00"}`},
		{name: "no JSON", json: `{`, problems: []string{"run: unexpected end of JSON input"}},
		{name: "a wrong type", json: `{"number":"three"}`, problems: []string{"run: json: cannot unmarshal string into Go struct field Run.number of type int"}},
		{name: "text that is not UTF-8", json: "{\"target\":\"\xc0\"}", problems: []string{"run: text is not valid UTF-8"}},
		{
			name: "negative numbers", json: `{"number":-1,"successor":-2,"failures":-3,"halt":{"cause":{"count":-4}},"pardons":[{"attempts":-5}],` +
				`"batches":[{"phase":"a","done":-6,"stops":-7}],"durations":[{"steps":-8,"p50":-10,"p90":-9}]}`,
			problems: []string{
				"run -1: number is -1; use 0 or more",
				"run -1: successor is -2; use 0 or more",
				"run -1: failures is -3; use 0 or more",
				"run -1: halt: cause: count is -4; use 0 or more",
				"run -1: pardons[0]: attempts is -5; use 0 or more",
				"run -1: batches[0]: done is -6; use 0 or more",
				"run -1: batches[0]: stops is -7; use 0 or more",
				"run -1: durations[0]: steps is -8; use 0 or more",
				"run -1: durations[0]: p50 is -10ns; use 0 or more",
				"run -1: durations[0]: p90 is -9ns; use 0 or more",
			},
		},
		{
			name: "times in a wrong order", json: started + `,"frozen_at":"2026-11-25T09:00:00Z","completed_at":"2026-11-25T09:59:59.5Z",` +
				`"stills":[{"from":"2026-11-25T10:00:00Z"},{"from":"2026-11-25T10:00:00Z","to":"2026-11-25T09:00:00Z"}]}`,
			problems: []string{
				"run 3: frozen_at is 2026-11-25T09:00:00Z, before started_at, 2026-11-25T10:00:00Z",
				"run 3: completed_at is 2026-11-25T09:59:59.5Z, before started_at, 2026-11-25T10:00:00Z",
				"run 3: stills[1]: to is 2026-11-25T09:00:00Z, before from, 2026-11-25T10:00:00Z",
			},
		},
		{
			name: "an outcome of one that works", json: started + `,"outcome":"completed"}`,
			problems: []string{`run 3: completed_at is missing; the outcome is "completed"`},
		},
		{
			name: "an unknown outcome", json: started + `,"completed_at":"2026-11-25T10:00:00Z","outcome":"fine"}`,
			problems: []string{`run 3: outcome "fine" is unknown; use completed, superseded or stopped`},
		},
		{
			name: "names that come twice, and empty ones", json: started + `,"arguments":[{"name":"a"},{"name":"a"},{"name":""}],"batches":[{"phase":"p"},{"phase":""},{"phase":"p"}]}`,
			problems: []string{
				`run 3: arguments: name "a" is not unique`,
				"run 3: arguments: name is empty",
				`run 3: batches: phase "p" is not unique`,
				"run 3: batches: phase is empty",
			},
		},
		{
			name: "quantiles in a wrong order", json: started + `,"durations":[{"phase":"a","steps":1,"p50":2000000000,"p90":1000000000}]}`,
			problems: []string{"run 3: durations[0]: p50 is 2s; use at most p90, 1s"},
		},
		{
			name: "a year with five digits", json: `{"started_at":"9999-12-31T23:59:59-01:00","stills":[{"from":"9999-12-31T23:59:59-01:00"}]}`,
			problems: []string{
				"run 0: started_at is in the year 10000; use 0 to 9999, in UTC",
				"run 0: stills: from is in the year 10000; use 0 to 9999, in UTC",
			},
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := DecodeRun([]byte(tc.json))
			if diff := cmp.Diff(tc.problems, problems(err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("run (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEncoded holds the format still: records outlive programs.
func TestEncoded(t *testing.T) {
	at := time.Date(2026, 11, 25, 11, 0, 0, 5, time.FixedZone("", 3600))
	fact := Fact{
		Kind: Released, Plan: "deploy", Phase: "data", Run: 3, Steps: []string{"data-0"}, All: true, Actor: "ann", Reason: "fine <so far>", At: at, Revision: "r7",
	}
	run := Run{
		Number: 3, Target: "t", Provenance: "operator", Actor: "ann", Reason: "r", Arguments: []Argument{{"A", "1"}},
		StartedAt: at, FrozenAt: at, CompletedAt: at, Outcome: Superseded, Successor: 4,
		Halt:        &Halt{Cause: Hold{Code: CodeFailed, Element: "data-0", Text: "failed", Since: at}, At: at, Command: "plan continue deploy"},
		ContinuedAt: at, Pardons: []Pardon{{Phase: "data", Step: "data-0", Attempts: 2, At: at}},
		Batches:   []BatchCursor{{Phase: "data", Done: 2, Stops: 1, Open: true, Stopping: true, SettledAt: at}},
		Stills:    []Still{{From: at, To: at}, {Phase: "data", From: at}},
		Durations: []Duration{{Phase: "data", Steps: 4, P50: time.Second, P90: time.Minute}}, Failures: 1,
	}
	tests := []struct{ name, want, got string }{
		{
			"a fact", `{"kind":"release","plan":"deploy","phase":"data","run":3,"steps":["data-0"],"all":true,"actor":"ann",` +
				`"reason":"fine \u003cso far\u003e","at":"2026-11-25T10:00:00.000000005Z","revision":"r7"}`, string(EncodeFact(fact)),
		},
		{
			"a run", strings.ReplaceAll(`{"number":3,"target":"t","provenance":"operator","actor":"ann","reason":"r","arguments":[{"name":"A","value":"1"}],`+
				`"started_at":AT,"frozen_at":AT,"completed_at":AT,"outcome":"superseded","successor":4,`+
				`"halt":{"cause":{"code":"failed","element":"data-0","text":"failed","since":AT},"at":AT,"command":"plan continue deploy"},`+
				`"continued_at":AT,"pardons":[{"phase":"data","step":"data-0","attempts":2,"at":AT}],`+
				`"batches":[{"phase":"data","done":2,"stops":1,"open":true,"stopping":true,"settled_at":AT}],`+
				`"stills":[{"from":AT,"to":AT},{"phase":"data","from":AT}],`+
				`"durations":[{"phase":"data","steps":4,"p50":1000000000,"p90":60000000000}],"failures":1}`, "AT", `"2026-11-25T10:00:00.000000005Z"`),
			string(EncodeRun(run)),
		},
		{"a run that never was", `{"number":0,"target":"","actor":"","reason":"","started_at":"0001-01-01T00:00:00Z"}`, string(EncodeRun(Run{}))},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.got); diff != "" {
				t.Errorf("encoded (-want +got):\n%s", diff)
			}
		})
	}
	if run.StartedAt.Location() == time.UTC || run.Stills[0].From != at || run.Halt.At != at || fact.At != at {
		t.Error("encoding changed its argument")
	}
}

func TestTimesAreRecordedPlainly(t *testing.T) {
	now := time.Now() // with a monotonic part, in the local zone
	fact, err := DecodeFact(EncodeFact(Fact{Kind: Paused, Plan: "p", At: now}))
	if want := now.Round(0).UTC(); err != nil || fact.At != want {
		t.Errorf("recorded as %#v, %v; want %#v", fact.At, err, want)
	}
	for _, at := range []time.Time{time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)} {
		fact, err := DecodeFact(EncodeFact(Fact{Kind: Paused, Plan: "p", At: at}))
		if want := recordable(at); err != nil || fact.At != want || want.Year() < 0 || want.Year() > 9999 {
			t.Errorf("%v is recorded as %v, %v; want %v", at, fact.At, err, want)
		}
	}
}

func recordedTimes() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.IntRange(0, 3).Draw(t, "known") == 0 {
			return time.Time{}
		}
		zone := time.FixedZone("", 60*rapid.IntRange(-12*60, 14*60).Draw(t, "zone"))
		seconds := rapid.Int64Range(firstRecordable.Unix(), lastRecordable.Unix()).Draw(t, "seconds")
		return time.Unix(seconds, rapid.Int64Range(0, 999999999).Draw(t, "nanoseconds")).In(zone)
	})
}

// recordedNames have what is special in JSON and in keys.
func recordedNames() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"data", "data-0:[server]", "a/b", "a%2Fb", "@after", "pods", "except", "pause", "..", "\x00", "<&>\u2028", "\ufffd", "%"}),
		rapid.StringN(1, 5, -1),
	)
}

func recordedFacts() *rapid.Generator[Fact] {
	return rapid.Custom(func(t *rapid.T) Fact {
		names := recordedNames()
		rule := rapid.SampledFrom(factRules).Draw(t, "rule")
		f := Fact{
			Kind: rule.kind, When: rapid.SampledFrom(rule.whens).Draw(t, "when"), Force: rapid.Bool().Draw(t, "force"), All: rapid.Bool().Draw(t, "all"),
			Batches: rapid.IntRange(0, 3).Draw(t, "batches"), BatchRun: rapid.IntRange(0, 3).Draw(t, "batch run"),
			Actor: names.Draw(t, "actor"), Reason: rapid.String().Draw(t, "reason"), Revision: rapid.String().Draw(t, "revision"),
			At: recordedTimes().Draw(t, "at"),
		}
		if steps := rapid.SliceOfN(names, 0, 2).Draw(t, "steps"); len(steps) > 0 {
			f.Steps = steps
		}
		if rule.inRun {
			f.Run = rapid.IntRange(1, 1<<40).Draw(t, "run")
		}
		if f.Kind == Excepted {
			f.Pod = names.Draw(t, "pod")
			return f
		}
		f.Plan = names.Draw(t, "plan")
		if f.Kind == Breakpoint || rapid.Bool().Draw(t, "of a phase") {
			f.Phase = names.Draw(t, "phase")
		}
		if f.Kind != Breakpoint && f.Phase != "" && rapid.Bool().Draw(t, "of a step") {
			f.Step = names.Draw(t, "step")
		}
		return f
	})
}

func recordedRuns() *rapid.Generator[Run] {
	return rapid.Custom(func(t *rapid.T) Run {
		names, times, numbers := recordedNames(), recordedTimes(), rapid.IntRange(0, 1<<40)
		later := func(at time.Time, label string) time.Time {
			if other := times.Draw(t, label); other.IsZero() || !other.Before(at) {
				return other
			}
			return at
		}
		r := Run{
			Number: numbers.Draw(t, "number"), Target: names.Draw(t, "target"), Provenance: names.Draw(t, "provenance"),
			Actor: names.Draw(t, "actor"), Reason: rapid.String().Draw(t, "reason"),
			StartedAt: times.Draw(t, "started"), ContinuedAt: times.Draw(t, "continued"),
			Successor: numbers.Draw(t, "successor"), Failures: numbers.Draw(t, "failures"),
		}
		r.FrozenAt, r.CompletedAt = later(r.StartedAt, "frozen"), later(r.StartedAt, "completed")
		if r.Ended() {
			r.Outcome = rapid.SampledFrom([]Outcome{"", Completed, Superseded, Stopped}).Draw(t, "outcome")
		}
		if rapid.Bool().Draw(t, "halted") {
			r.Halt = &Halt{
				Cause: Hold{
					Code: rapid.SampledFrom(CodeTable).Draw(t, "code").Code, Subject: names.Draw(t, "subject"), Element: names.Draw(t, "element"),
					Text: rapid.String().Draw(t, "text"), Need: names.Draw(t, "need"), Have: names.Draw(t, "have"), Count: numbers.Draw(t, "count"),
					Since: times.Draw(t, "since"), Until: times.Draw(t, "until"),
				},
				At: times.Draw(t, "halted at"), Command: names.Draw(t, "command"),
			}
		}
		for _, name := range rapid.SliceOfNDistinct(names, 0, 2, rapid.ID).Draw(t, "names") {
			r.Arguments = append(r.Arguments, Argument{Name: name, Value: rapid.String().Draw(t, "value")})
			r.Pardons = append(r.Pardons, Pardon{Phase: name, Step: names.Draw(t, "pardoned"), Attempts: numbers.Draw(t, "attempts"), At: times.Draw(t, "at")})
			r.Batches = append(r.Batches, BatchCursor{
				Phase: name, Done: numbers.Draw(t, "done"), Stops: numbers.Draw(t, "stops"), Open: rapid.Bool().Draw(t, "open"),
				Stopping: rapid.Bool().Draw(t, "stopping"), SettledAt: times.Draw(t, "settled"),
			})
			from := times.Draw(t, "from")
			r.Stills = append(r.Stills, Still{Phase: name, From: from, To: later(from, "to")})
			half := numbers.Draw(t, "p50")
			r.Durations = append(r.Durations, Duration{Phase: name, Steps: numbers.Draw(t, "steps"), P50: time.Duration(half), P90: time.Duration(half + 1)})
		}
		return r
	})
}

func TestFactsAndRunsRoundTripThroughTheirEncoding(t *testing.T) {
	t.Run("facts", rapid.MakeCheck(func(t *rapid.T) {
		fact := recordedFacts().Draw(t, "fact")
		back, err := DecodeFact(EncodeFact(fact))
		if err != nil {
			t.Fatalf("a good fact is refused: %v", err)
		}
		if diff := cmp.Diff(fact, back); diff != "" {
			t.Fatalf("a fact comes back as another one (-before +after):\n%s", diff)
		}
	}))
	t.Run("runs", rapid.MakeCheck(func(t *rapid.T) {
		run := recordedRuns().Draw(t, "run")
		back, err := DecodeRun(EncodeRun(run))
		if err != nil {
			t.Fatalf("a good run is refused: %v", err)
		}
		if diff := cmp.Diff(run, back); diff != "" {
			t.Fatalf("a run comes back as another one (-before +after):\n%s", diff)
		}
		for _, at := range back.recordTimes() {
			if at.at.Location() != time.UTC {
				t.Fatalf("%s comes back in %v", at.field, at.at.Location())
			}
		}
	}))
}

func TestFactKey(t *testing.T) {
	tests := []struct {
		fact Fact
		want string
	}{
		{Fact{Kind: Paused, Plan: "deploy"}, "deploy/pause"},
		{Fact{Kind: Paused, Plan: "deploy", When: PauseAfterSteps}, "deploy/pause"},
		{Fact{Kind: Paused, Plan: "deploy", Phase: "data"}, "deploy/pause/data"},
		{Fact{Kind: Restarted, Plan: "deploy", Phase: "data", Step: "data-0:[server]", Run: 3}, "deploy/restart/data/data-0:[server]"},
		{Fact{Kind: Breakpoint, Plan: "deploy", Phase: "data", When: AfterBatch}, "deploy/breakpoint/data@after-batch"},
		{Fact{Kind: Excepted, Pod: "data-0"}, "pods/except/data-0"},
		{Fact{Kind: Paused, Plan: "a/b%c@d\x00\n\x7fä"}, "a%2Fb%25c%40d%00%0A%7Fä/pause"},
	}
	for _, tc := range tests {
		if got := tc.fact.Key(); got != tc.want {
			t.Errorf("key %q, want %q", got, tc.want)
		}
	}
}

// TestFactsHaveOneKeyIfOneReplacesTheOther says so both ways: of different ones none replaces the other.
func TestFactsHaveOneKeyIfOneReplacesTheOther(t *testing.T) {
	type element struct {
		Kind                   FactKind
		Plan, Phase, Step, Pod string
		When                   When
	}
	of := func(f Fact) element {
		e := element{Kind: f.Kind, Plan: f.Plan, Phase: f.Phase, Step: f.Step, Pod: f.Pod}
		if f.Kind == Breakpoint {
			e.When = f.When
		}
		return e
	}
	checkDrawn(t, func(t *rapid.T) {
		a := recordedFacts().Draw(t, "a")
		b := recordedFacts().Draw(t, "b")
		if rapid.Bool().Draw(t, "of one element") {
			b.Kind, b.Plan, b.Phase, b.Step, b.Pod, b.When = a.Kind, a.Plan, a.Phase, a.Step, a.Pod, a.When
		}
		if same := of(a) == of(b); same != (a.Key() == b.Key()) {
			t.Fatalf("%+v and %+v are of one element: %v; keys %q and %q", a, b, same, a.Key(), b.Key())
		}
		if strings.ContainsFunc(a.Key(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Fatalf("key %q has control characters", a.Key())
		}
	})
}

// TestKeysOfShortNamesAreDifferent tries all short names of what is special in keys.
func TestKeysOfShortNamesAreDifferent(t *testing.T) {
	names := []string{"", "/", "%", "@", "a", "%2F", "pods", "except", "a/a", "a@before"}
	seen := map[string]Fact{}
	for _, plan := range names[1:] {
		for _, phase := range names {
			for _, step := range names {
				for _, f := range []Fact{
					{Kind: Paused, Plan: plan, Phase: phase, Step: step},
					{Kind: Breakpoint, Plan: plan, Phase: phase, Step: step, When: BeforePhase},
					{Kind: Breakpoint, Plan: plan, Phase: phase, Step: step, When: AfterPhase},
				} {
					if other, ok := seen[f.Key()]; ok {
						t.Errorf("%+v and %+v have the key %q", f, other, f.Key())
					}
					seen[f.Key()] = f
				}
			}
		}
	}
	for _, pod := range names[1:] {
		f := Fact{Kind: Excepted, Pod: pod}
		if other, ok := seen[f.Key()]; ok {
			t.Errorf("%+v and %+v have the key %q", f, other, f.Key())
		}
		seen[f.Key()] = f
	}
}

// FuzzDecodeFact: a fact that is decoded is encoded such that it is decoded as the same.
func FuzzDecodeFact(f *testing.F) {
	f.Add([]byte(`{"kind":"pause","plan":"deploy","actor":"ann","at":"2026-11-25T11:00:00.5+01:00"}`))
	f.Add([]byte(`{"kind":"breakpoint","plan":"p","phase":"f","when":"after-batch","batches":1,"batch_run":2,"steps":[]}`))
	f.Add([]byte(`{"kind":"release","plan":"p","phase":"f","run":1,"steps":["\ud800","a"],"Steps":["b"],"all":true}`))
	f.Add([]byte(`{"kind":"except","pod":"x","at":"0000-01-01T00:00:00+23:59"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		fact, err := DecodeFact(data)
		if err != nil {
			return
		}
		encoded := EncodeFact(fact)
		back, err := DecodeFact(encoded)
		if err != nil {
			t.Fatalf("%s is refused: %v", encoded, err)
		}
		if diff := cmp.Diff(fact, back); diff != "" {
			t.Fatalf("a fact comes back as another one (-before +after):\n%s", diff)
		}
		if again := EncodeFact(back); !bytes.Equal(encoded, again) {
			t.Fatalf("encoded as %s, then as %s", encoded, again)
		}
		if back.Key() != fact.Key() {
			t.Fatalf("key %q, then %q", fact.Key(), back.Key())
		}
	})
}

// FuzzDecodeRun: a run that is decoded is encoded such that it is decoded as the same.
func FuzzDecodeRun(f *testing.F) {
	f.Add([]byte(`{"number":1,"target":"t","started_at":"2026-11-25T11:00:00.5+01:00"}`))
	f.Add([]byte(`{"completed_at":"2026-11-25T11:00:00Z","outcome":"stopped","halt":{"cause":{"code":"failed","text":"x","until":"9999-12-31T23:59:59Z"}}}`))
	f.Add([]byte(`{"arguments":[{"name":"a","value":"b"}],"pardons":[{}],"batches":[{"phase":"a"}],"stills":[{"from":"2026-11-25T11:00:00Z"}],"durations":[{"p90":1}]}`))
	f.Add([]byte(`{"stills":[{"to":"9999-12-31T23:59:59-23:59"}],"Stills":[]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		run, err := DecodeRun(data)
		if err != nil {
			return
		}
		encoded := EncodeRun(run)
		back, err := DecodeRun(encoded)
		if err != nil {
			t.Fatalf("%s is refused: %v", encoded, err)
		}
		if diff := cmp.Diff(run, back); diff != "" {
			t.Fatalf("a run comes back as another one (-before +after):\n%s", diff)
		}
		if again := EncodeRun(back); !bytes.Equal(encoded, again) {
			t.Fatalf("encoded as %s, then as %s", encoded, again)
		}
	})
}
