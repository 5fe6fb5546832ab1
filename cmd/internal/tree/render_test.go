package tree

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/quobyte/mesos-framework/plans"
)

// paused is a rollout that an operator has paused in the middle of a phase.
func paused() plans.View {
	why := hold(plans.CodePaused, "ann@ops1", "paused by ann@ops1 since 2026-11-23T11:57:00Z: disk swap")
	data := append(many("data", 0, 2, plans.Started), many("data", 2, 3, plans.Waiting)...)
	for i := 2; i < 5; i++ {
		data[i].Holds = why
	}
	p := phase("data", plans.Waiting, ago(3*time.Minute), data...)
	p.Holds = why
	return plan(plans.InProgress, phase("registry", plans.Complete, ago(4*24*time.Hour), many("registry", 0, 3, plans.Complete)...), p)
}

// failed has errors and a step in each status.
func failed() plans.View {
	var steps []plans.StepView
	for s := plans.Pending; s <= plans.Error; s++ {
		steps = append(steps, plans.StepView{Name: "pod-" + strings.ToLower(s.String()), Status: s, Since: ago(time.Minute)})
	}
	steps[plans.Error].Errors = []string{"no such image: quobyte/server:9"}
	v := plan(plans.Error, phase("all", plans.Error, ago(time.Minute), steps...))
	v.Errors = []string{"one", "two", "three", "four", "five"}
	return v
}

// hostile has names that mean harm to a terminal or to a printf.
func hostile() plans.View {
	return plan(plans.Pending, phase("100%s\x1b[2Jdone", plans.Pending, time.Time{},
		plans.StepView{Name: "a\nb\tc\u202ed", Status: plans.Pending, Host: "%d\r", Holds: hold(plans.CodeDevice, "", "bad \xff\x07 label %!x")},
		plans.StepView{Name: "数据-0:[server]", Status: plans.Complete, Host: "127.0.1.1"},
		plans.StepView{Name: "data-1:[server]", Status: plans.Complete, Host: "127.0.1.1"},
	))
}

// huge has 10,000 steps.
func huge() plans.View {
	data := append(many("data", 0, 6000, plans.Complete), many("data", 6000, 12, plans.Started)...)
	data = append(data, many("data", 6012, 3488, plans.Pending)...)
	return plan(plans.InProgress,
		phase("probe", plans.Complete, ago(time.Hour), many("prober", 0, 500, plans.Complete)...),
		phase("data", plans.InProgress, ago(time.Minute), data...))
}

func empty() plans.View {
	v := plan(plans.Complete)
	v.Name, v.Run, v.Since = "recovery", plans.Run{}, time.Time{}
	return v
}

// backingOff is a plan without runs, such as recovery, whose only step waits after a failure.
func backingOff() plans.View {
	why := plans.Hold{
		Code: plans.CodeBackoff, Subject: "data-0", Text: "failed once: FAILED, exit status 1; tries again at 12:00:04Z", Until: noon.Add(4 * time.Second),
	}
	p := phase("data-0", plans.Delayed, ago(6*time.Second), plans.StepView{
		Name: "data-0:[server]", Status: plans.Delayed, Since: ago(6 * time.Second), Host: "127.0.1.1", Holds: []plans.Hold{why},
	})
	why.Element, why.Text = "data-0:[server]", "data-0:[server]: "+why.Text
	p.Holds = []plans.Hold{why}
	v := plan(plans.Delayed, p)
	v.Name, v.Run, v.Since, v.Holds = "recovery", plans.Run{}, ago(6*time.Second), p.Holds
	return v
}

// ended is a rollout that took 12 minutes.
func ended() plans.View {
	v := plan(plans.Complete, phase("registry", plans.Complete, ago(time.Minute), many("registry", 0, 1, plans.Complete)...))
	v.Since, v.Run.CompletedAt = ago(time.Minute), ago(time.Minute)
	v.Warnings = []plans.Hold{{Code: plans.CodeDisconnected, Text: "no session with a Mesos master"}}
	return v
}

// pausedPlan is paused as a whole.
func pausedPlan() plans.View {
	v := paused()
	v.Status, v.Since, v.Holds = plans.Waiting, ago(3*time.Minute), v.Phases[1].Holds
	return v
}

// halfway is an upgrade in which operators have had their say, and to which hosts have come.
func halfway() plans.View {
	data := many("data", 0, 9, plans.Complete)
	data[1].Facts = []plans.Fact{{Kind: plans.Forced, Actor: "alice@ops1", Reason: "disk is on its way"}}
	data[2].Facts = []plans.Fact{{Kind: plans.Excepted, Pod: "data-2", Actor: "bob"}}
	data[4].Status, data[4].Holds = plans.Started, hold(plans.CodeUnhealthy, "", "runs, is not ready yet")
	data[4].Facts = []plans.Fact{{Kind: plans.Restarted, Force: true, Actor: "bob", Reason: "wrong\nlabel"}}
	data[5].Status, data[5].Works = plans.Started, "recovery"
	for i := 6; i < 9; i++ {
		data[i].Status, data[i].Since = plans.Pending, time.Time{}
		data[i].Holds = hold(plans.CodeBudget, "data", "2 of 2 pods that may be down are")
	}
	data[8].Newcomer, data[8].Holds = true, hold(plans.CodeNewcomer, "", "came after the members of run 7 were frozen")
	clients := phase("client", plans.Pending, time.Time{}, many("client", 0, 2, plans.Pending)...)
	clients.Facts = []plans.Fact{{Kind: plans.Breakpoint, When: plans.BeforePhase, Actor: "alice@ops1"}}
	p := phase("data", plans.InProgress, ago(time.Minute), data...)
	p.Holds = []plans.Hold{{Code: plans.CodeUnhealthy, Element: "data-4:[server]", Text: "data-4:[server]: runs, is not ready yet", Count: 3}}
	v := plan(plans.InProgress, p, clients)
	v.Run.Number, v.Run.Reason = 7, "upgrade to 4.2"
	v.Estimate = &plans.Estimate{Likely: noon.Add(3 * time.Minute), Latest: noon.Add(400 * time.Second), Steps: 4}
	return v
}

// canary is a phase that waits for an operator. Mostly a hold says so; not while it is at work.
func canary(held bool) plans.View {
	data := append(many("data", 0, 1, plans.Starting), many("data", 1, 3, plans.Waiting)...)
	status := plans.InProgress
	if held {
		data[0].Status, status = plans.Complete, plans.Waiting
	}
	p := phase("data", status, ago(time.Minute), data...)
	p.Strategy, p.Continue = plans.SerialCanary, &plans.Release{Step: "data-1:[server]", All: true, Others: 2}
	if held {
		p.Holds = hold(plans.CodeCanary, "", "waits for continue, which begins data-1:[server], then 2 others")
	}
	v := plan(status, p)
	v.Estimate = &plans.Estimate{Likely: ago(time.Second), Latest: noon.Add(time.Minute), Steps: 4}
	if held {
		v.Estimate = nil
	}
	return v
}

// halted is a run that paused itself.
func halted() plans.View {
	why := plans.Hold{
		Code: plans.CodeHalted, Element: "data-1:[server]",
		Text: `halted at 2026-11-23T11:57:00Z: data-1:[server] failed 3 times: exit status 1; go on with "plan continue deploy"`,
	}
	data := many("data", 0, 3, plans.Waiting)
	data[1].Holds = hold(plans.CodeFailed, "", "failed 3 times: exit status 1")
	v := plan(plans.Waiting, phase("data", plans.Waiting, ago(3*time.Minute), data...))
	v.Since, v.Holds, v.Run.Halt = ago(3*time.Minute), []plans.Hold{why}, &plans.Halt{Cause: data[1].Holds[0], At: ago(3 * time.Minute)}
	return v
}

func TestRender(t *testing.T) {
	for _, c := range []struct {
		name string
		view plans.View
		opt  Options
	}{
		{"middle", inTheMiddle(), Options{Now: noon}},
		{"middle-ascii", inTheMiddle(), Options{Now: noon, ASCII: true}},
		{"middle-colour", inTheMiddle(), Options{Now: noon, Colour: true}},
		{"middle-no-ages", inTheMiddle(), Options{}},
		{"middle-width-72", inTheMiddle(), Options{Now: noon, Width: 72}},
		{"middle-width-40", inTheMiddle(), Options{Now: noon, Width: 40}},
		{"middle-width-1", inTheMiddle(), Options{Now: noon, Width: 1}},
		{"middle-height-16", inTheMiddle(), Options{Now: noon, Height: 16}},
		{"middle-height-12", inTheMiddle(), Options{Now: noon, Height: 12}},
		{"middle-height-8", inTheMiddle(), Options{Now: noon, Height: 8}},
		{"middle-height-5", inTheMiddle(), Options{Now: noon, Height: 5}},
		{"paused", paused(), Options{Now: noon}},
		{"paused-note", paused(), Options{Now: noon, Height: 10, Note: "connection refused; trying again"}},
		{"failed", failed(), Options{Now: noon}},
		{"failed-ascii-height-20", failed(), Options{Now: noon, ASCII: true, Height: 20}},
		{"hostile", hostile(), Options{Now: noon}},
		{"huge-height-24", huge(), Options{Now: noon, Width: 100, Height: 24}},
		{"empty", empty(), Options{Now: noon}},
		{"backing-off", backingOff(), Options{Now: noon}},
		{"backing-off-no-ages", backingOff(), Options{}},
		{"ended", ended(), Options{Now: noon}},
		{"halfway", halfway(), Options{Now: noon}},
		{"halfway-height-12", halfway(), Options{Now: noon, Height: 12}},
		{"halfway-no-ages-width-72", halfway(), Options{Width: 72}},
		{"canary", canary(false), Options{Now: noon}},
		{"canary-held", canary(true), Options{Now: noon}},
		{"halted", halted(), Options{Now: noon}},
		{"paused-plan-hints", pausedPlan(), Options{Now: noon, Hints: []string{"resume with: x plan resume deploy", "a\x1b[2Jb"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := Render(&b, c.view, c.opt); err != nil {
				t.Fatal(err)
			}
			golden(t, c.name, b.String())
		})
	}
}

func TestRenderDrawsEveryStepOfAHugePlanWhenThereIsRoom(t *testing.T) {
	var b bytes.Buffer
	v := huge()
	if err := Render(&b, v, Options{Now: noon}); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Count(b.String(), "-"), 10_000; got < want {
		t.Errorf("%d names in the picture, want at least %d", got, want)
	}
	if got, want := strings.Count(b.String(), "\n"), 3+2+10_000; got != want {
		t.Errorf("%d lines, want %d", got, want)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestRenderReportsTheWritersError(t *testing.T) {
	if err := Render(brokenPipe{}, inTheMiddle(), Options{}); err == nil {
		t.Error("Render returned nil, want the error of the writer")
	}
}

func TestElapsed(t *testing.T) {
	started := plans.Run{Number: 1, StartedAt: ago(time.Minute)}
	done := plans.Run{Number: 1, StartedAt: ago(time.Minute), CompletedAt: ago(39 * time.Second)}
	for _, c := range []struct {
		name   string
		status plans.Status
		since  time.Time
		run    plans.Run
		want   string
	}{
		{"at work", plans.InProgress, ago(0), started, ", running for 1m"},
		{"not begun", plans.Pending, time.Time{}, started, " for 1m"},
		{"at work without a run", plans.InProgress, ago(5 * time.Second), plans.Run{}, " for 5s"},
		{"paused", plans.Waiting, ago(5 * time.Second), started, " for 5s"},
		{"in error", plans.Error, ago(5 * time.Second), started, " for 5s"},
		{"complete", plans.Complete, ago(40 * time.Second), done, " for 40s, took 21s"},
		{"complete, and the run not yet closed", plans.Complete, ago(40 * time.Second), started, " for 40s, took 20s"},
		{"complete since before the run", plans.Complete, ago(time.Hour), started, " for 1h"},
		{"complete without a run", plans.Complete, ago(time.Hour), plans.Run{}, " for 1h"},
		{"nothing known", plans.Complete, time.Time{}, plans.Run{}, ""},
	} {
		if got := elapsed(plans.View{Status: c.status, Since: c.since, Run: c.run}, noon); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestTheEndOfAHoldIsToldAsALength(t *testing.T) {
	for _, c := range []struct {
		text  string
		until time.Time
		now   time.Time
		want  string
	}{
		{"tries again at 12:00:04Z", noon.Add(4 * time.Second), noon, "tries again in 4s"},
		{"tries again at 2026-11-23T12:05:00Z", noon.Add(5 * time.Minute), noon, "tries again in 5m"},
		{"waits, at most until 12:00:04Z", noon.Add(4 * time.Second), noon, "waits, at most for 4s"},
		{"tries again at 11:59:59Z", ago(time.Second), noon, "tries again in 0s"},
		{"paused at 11:00:00Z", noon.Add(4 * time.Second), noon, "paused at 11:00:00Z"},
		{"paused at 11:00:00Z", time.Time{}, noon, "paused at 11:00:00Z"},
		{"tries again at 12:00:04Z", noon.Add(4 * time.Second), time.Time{}, "tries again at 12:00:04Z"},
	} {
		if got := HoldText(plans.Hold{Text: c.text, Until: c.until}, c.now); got != c.want {
			t.Errorf("HoldText(%q) = %q, want %q", c.text, got, c.want)
		}
	}
}

func TestAge(t *testing.T) {
	for _, c := range []struct {
		since time.Duration
		want  string
	}{
		{0, "0s"}, {-time.Minute, "0s"}, {12 * time.Second, "12s"}, {59*time.Second + 999*time.Millisecond, "59s"},
		{time.Minute, "1m"}, {time.Hour - 1, "59m"}, {2 * time.Hour, "2h"}, {24*time.Hour - 1, "23h"}, {97 * time.Hour, "4d"},
	} {
		if got := Age(noon, ago(c.since)); got != c.want {
			t.Errorf("Age(%v ago) = %q, want %q", c.since, got, c.want)
		}
	}
	if got := Age(noon, time.Time{}) + Age(time.Time{}, noon); got != "" {
		t.Errorf("Age of unknown times = %q, want nothing", got)
	}
}

func TestWhatAPhaseIsHeldBy(t *testing.T) {
	at := ago(time.Minute)
	before := plans.Fact{Kind: plans.Breakpoint, When: plans.BeforePhase, Actor: "bob", At: at}
	after := plans.Fact{Kind: plans.Breakpoint, When: plans.AfterPhase, Actor: "bob", At: ago(time.Hour), Reason: "look"}
	ahead := plans.Hold{Code: plans.CodeBreakpoint, Subject: "bob", Since: at, Text: `breakpoint before phase "a", set by bob`}
	first := plans.Hold{Code: plans.CodePredecessor, Text: `waits for phase "b"`}
	paused := plans.Hold{Code: plans.CodePaused, Subject: "ann", Since: at, Text: "paused by ann"}
	pausing := plans.Hold{Code: plans.CodePausing, Subject: "ann", Since: at, Text: "pauses when the steps under way have ended, as asked by ann"}
	canary := plans.Hold{Code: plans.CodeCanary, Text: `canary: continue begins step "a-0"`, Count: 3}
	for _, c := range []struct {
		name  string
		holds []plans.Hold
		facts []plans.Fact
		want  string
	}{
		{"a breakpoint that lies ahead", []plans.Hold{first, ahead}, []plans.Fact{before}, `waits for phase "b"; breakpoint before it by bob`},
		{"a breakpoint that is reached, and another", []plans.Hold{ahead}, []plans.Fact{after, before}, `breakpoint before phase "a", set by bob; breakpoint after it by bob: look`},
		{"a pause that has taken effect", []plans.Hold{paused}, nil, "paused by ann"},
		{"a pause that waits", []plans.Hold{paused, pausing}, nil, pausing.Text},
		{"a pause at once, and another's that waits", []plans.Hold{paused, {Code: plans.CodePausing, Subject: "bob", Since: at}}, nil, "paused by ann"},
		{"a canary is no list", []plans.Hold{canary}, nil, canary.Text},
	} {
		got := phaseText(&plans.PhaseView{Holds: c.holds, Facts: c.facts}, noon)
		if want := "0 of 0 steps; " + c.want; got != want {
			t.Errorf("%s: %q, want %q", c.name, got, want)
		}
	}
}

// drawView draws any plan, with counts that fit together.
func drawView(t *rapid.T) plans.View {
	status := rapid.Custom(func(t *rapid.T) plans.Status {
		return plans.Status(rapid.IntRange(0, int(plans.Error)).Draw(t, "status"))
	})
	v := plan(status.Draw(t, "plan status"))
	for i := range rapid.IntRange(0, 5).Draw(t, "phases") {
		var steps []plans.StepView
		for j := range rapid.IntRange(0, 12).Draw(t, "steps") {
			s := status.Draw(t, "step status")
			step := plans.StepView{Name: fmt.Sprintf("s%d", j), Status: s, Host: rapid.String().Draw(t, "host")}
			if step.Newcomer = rapid.Bool().Draw(t, "newcomer"); step.Newcomer {
				step.Facts = []plans.Fact{{Kind: plans.Forced, Actor: rapid.String().Draw(t, "actor"), Reason: rapid.String().Draw(t, "reason")}}
			}
			steps = append(steps, step)
		}
		v.Phases = append(v.Phases, phase(rapid.String().Draw(t, "name")+fmt.Sprint(i), status.Draw(t, "phase status"), noon, steps...))
	}
	v.Errors = rapid.SliceOfN(rapid.String(), 0, 5).Draw(t, "errors")
	return v
}

func TestAPictureFitsTheTerminal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawView(t)
		opt := Options{
			Now: noon, Width: rapid.IntRange(1, 120).Draw(t, "width"), Height: rapid.IntRange(1, 40).Draw(t, "height"),
			ASCII: rapid.Bool().Draw(t, "ascii"),
		}
		var b bytes.Buffer
		if err := Render(&b, v, opt); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		if len(lines) > opt.Height {
			t.Fatalf("%d lines on a terminal of %d", len(lines), opt.Height)
		}
		for _, l := range lines {
			if w := textWidth(l); w > opt.Width {
				t.Fatalf("line %q is %d columns wide on a terminal of %d", l, w, opt.Width)
			}
			if clean(l) != l {
				t.Fatalf("line %q has control characters", l)
			}
		}
	})
}

func TestEveryLineOfTheFoldedPlanIsDrawn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := drawView(t)
		f := plans.Fold(v, rapid.IntRange(1, 40).Draw(t, "height"))
		want := len(v.Phases)
		for i, p := range v.Phases {
			want += len(f.Phases[i].Lines(p))
		}
		if got := len(rows(v, f, Options{})); got != want {
			t.Fatalf("%d rows are drawn, %d were planned", got, want)
		}
	})
}

func TestTimeLeft(t *testing.T) {
	for _, c := range []struct {
		likely, latest time.Duration
		want           string
	}{
		{3 * time.Minute, 7 * time.Minute, ", about 3m left (at most 7m)"},
		{3*time.Minute + 29*time.Second, 7*time.Minute + 1, ", about 3m left (at most 8m)"},
		{3*time.Minute + 31*time.Second, 4 * time.Minute, ", about 4m left"},
		{59*time.Minute + 40*time.Second, 25 * time.Hour, ", about 1h left (at most 2d)"},
		{time.Second, time.Second, ", about 1s left"},
		{1, time.Second, ", about 0s left (at most 1s)"},
		{36 * time.Hour, 36 * time.Hour, ", about 2d left"},
		{0, time.Minute, ", longer than usual"},
		{-time.Minute, time.Minute, ", longer than usual"},
		{-time.Hour, -time.Minute, ", longer than usual"},
	} {
		e := &plans.Estimate{Likely: noon.Add(c.likely), Latest: noon.Add(c.latest), Steps: 9}
		if got := timeLeft(e, noon); got != c.want {
			t.Errorf("likely in %v, at the latest in %v: %q, want %q", c.likely, c.latest, got, c.want)
		}
		if got := timeLeft(e, time.Time{}); got != "" {
			t.Errorf("without the time: %q, want nothing", got)
		}
	}
	if got := timeLeft(nil, noon); got != "" {
		t.Errorf("without an estimate: %q, want nothing", got)
	}
}

func TestContinueText(t *testing.T) {
	for _, c := range []struct {
		release *plans.Release
		want    string
	}{
		{nil, ""},
		{&plans.Release{}, ""},
		{&plans.Release{Step: "data-0"}, `"continue" begins data-0`},
		{&plans.Release{Step: "data-1", All: true, Others: 1}, `"continue" begins data-1, then 1 other`},
		{&plans.Release{Step: "data-1", All: true}, `"continue" begins data-1`},
		{&plans.Release{All: true, Others: 97}, `"continue" begins 97 others`},
	} {
		if got := continueText(c.release); got != c.want {
			t.Errorf("continueText(%+v) = %q, want %q", c.release, got, c.want)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	v := huge()
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if err := Render(&out, v, Options{Now: noon, Width: 120, Height: 50}); err != nil {
			b.Fatal(err)
		}
	}
}
