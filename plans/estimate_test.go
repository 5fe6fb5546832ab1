package plans

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// estimateNow is the time of the tests of estimates.
var estimateNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// tookOf counts durations.
func tookOf(all ...time.Duration) durations {
	var d durations
	for _, took := range all {
		d.add(took)
	}
	return d
}

func drawDuration(t *rapid.T) time.Duration {
	octave := rapid.IntRange(0, 62).Draw(t, "octave")
	return time.Duration(rapid.Int64Range(0, 1<<octave).Draw(t, "duration"))
}

func TestPercentilesAreWithinTenPercentOfASortedList(t *testing.T) {
	checkDrawn(t, func(t *rapid.T) {
		all := rapid.SliceOfN(rapid.Custom(drawDuration), 1, 200).Draw(t, "all")
		p := rapid.Float64Range(0, 1).Draw(t, "p")
		d := tookOf(all...)
		slices.Sort(all)
		want := all[max(int(math.Ceil(p*float64(len(all)))), 1)-1]
		got := d.percentile(p)
		if off := math.Abs(float64(got - want)); off > float64(want)/10 {
			t.Fatalf("percentile(%v) = %v, the sorted list says %v", p, got, want)
		}
		if d.count() != len(all) {
			t.Fatalf("count() = %d, want %d", d.count(), len(all))
		}
	})
}

func TestPercentilesGrowWithTheShare(t *testing.T) {
	checkDrawn(t, func(t *rapid.T) {
		d := tookOf(rapid.SliceOf(rapid.Custom(drawDuration)).Draw(t, "all")...)
		p, q := rapid.Float64Range(-1, 2).Draw(t, "p"), rapid.Float64Range(-1, 2).Draw(t, "q")
		if low, high := d.percentile(min(p, q)), d.percentile(max(p, q)); low > high {
			t.Fatalf("percentile(%v) = %v is more than percentile(%v) = %v", min(p, q), low, max(p, q), high)
		}
	})
}

func TestEveryDurationHasABucketAndTheyAreInOrder(t *testing.T) {
	checkDrawn(t, func(t *rapid.T) {
		a, b := drawDuration(t), drawDuration(t)
		if a > b {
			a, b = b, a
		}
		if bucketOf(a) > bucketOf(b) {
			t.Fatalf("%v is in bucket %d, and %v in %d", a, bucketOf(a), b, bucketOf(b))
		}
		if bucketOf(middleOf(bucketOf(a))) != bucketOf(a) {
			t.Fatalf("the middle of the bucket of %v is %v, in another bucket", a, middleOf(bucketOf(a)))
		}
	})
	if got := bucketOf(math.MaxInt64); got != durationBuckets-1 {
		t.Errorf("the longest duration is in bucket %d of %d", got, durationBuckets)
	}
}

func TestDurations(t *testing.T) {
	for _, c := range []struct {
		name string
		took durations
		want Duration
	}{
		{"none", tookOf(), Duration{Phase: "data"}},
		{"one is exact", tookOf(61 * time.Second), Duration{Phase: "data", Steps: 1, P50: 61 * time.Second, P90: 61 * time.Second}},
		{"negative is 0", tookOf(-time.Second), Duration{Phase: "data", Steps: 1}},
		{"the middle one is told within a sixteenth", tookOf(30*time.Second, 10*time.Second, 50*time.Second),
			Duration{Phase: "data", Steps: 3, P50: 28_991_029_248, P90: 50 * time.Second}},
		{"equal ones are exact", tookOf(7*time.Second, 7*time.Second, 7*time.Second, 7*time.Second),
			Duration{Phase: "data", Steps: 4, P50: 7 * time.Second, P90: 7 * time.Second}},
	} {
		if diff := cmp.Diff(c.want, c.took.record("data")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	d := tookOf(time.Second, time.Minute)
	if got := d.percentile(math.NaN()); got != time.Second {
		t.Errorf("percentile(NaN) = %v, want the shortest", got)
	}
}

func TestPastDurationsAreThoseOfTheNewestRunThatHasSome(t *testing.T) {
	of := func(steps int, phase string) Duration {
		return Duration{Phase: phase, Steps: steps, P50: time.Duration(steps)}
	}
	past := []Run{
		{Number: 1, Durations: []Duration{of(1, "data"), of(1, "old")}},
		{Number: 2, Durations: []Duration{of(2, "api"), of(2, "data"), of(2, "web")}},
		{Number: 3, Durations: []Duration{of(0, "data"), of(3, "api")}},
		{Number: 4},
	}
	for _, c := range []struct {
		phase string
		want  Duration
	}{
		{"data", of(2, "data")}, {"api", of(3, "api")}, {"old", of(1, "old")}, {"web", of(2, "web")}, {"new", Duration{}},
	} {
		if diff := cmp.Diff(c.want, pastDurations(past, c.phase)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.phase, diff)
		}
	}
}

// tenOrTwenty says that steps take 10 s mostly and 20 s at most.
var tenOrTwenty = Duration{Phase: "data", Steps: 5, P50: 10 * time.Second, P90: 20 * time.Second}

func TestEstimate(t *testing.T) {
	at := func(seconds int) time.Time { return estimateNow.Add(time.Duration(seconds) * time.Second) }
	in := func(likely, latest int) *Estimate { return &Estimate{Likely: at(likely), Latest: at(latest), Steps: 5} }
	of := func(steps, likely, latest int) *Estimate {
		return &Estimate{Likely: at(likely), Latest: at(latest), Steps: steps}
	}
	minute := tookOf(time.Minute)
	minutes := tookOf(time.Minute, time.Minute, time.Minute)
	for _, c := range []struct {
		name   string
		phases []progress
		want   []*Estimate
		plan   *Estimate
	}{
		{"no phase", nil, nil, nil},
		{"all done", []progress{{past: tenOrTwenty, done: true}}, []*Estimate{nil}, nil},
		{"serial, one under way", []progress{{past: tenOrTwenty, left: 3, underWay: 1, begun: at(-4), anchor: at(-4)}},
			[]*Estimate{in(36, 76)}, in(36, 76)},
		{"serial, none under way", []progress{{past: tenOrTwenty, left: 3, anchor: at(-4)}}, []*Estimate{in(26, 56)}, in(26, 56)},
		{"serial, and what is stopped has to settle for 15 s", []progress{{past: tenOrTwenty, left: 3, least: 15 * time.Second}}, []*Estimate{in(45, 60)}, in(45, 60)},
		{"serial, nothing known of time", []progress{{past: tenOrTwenty, left: 3}}, []*Estimate{in(30, 60)}, in(30, 60)},
		{"serial, only the last is under way", []progress{{past: tenOrTwenty, underWay: 1, begun: at(-4), anchor: at(-4)}},
			[]*Estimate{in(6, 16)}, in(6, 16)},
		{"overdue: the points in time stay where they were", []progress{{past: tenOrTwenty, left: 1, underWay: 1, begun: at(-60), anchor: at(-60)}},
			[]*Estimate{in(-40, -20)}, in(-40, -20)},
		{"a slow step ends when something else does, at the earliest", []progress{{past: tenOrTwenty, parallel: true, underWay: 2, begun: at(-60), anchor: at(-3)}},
			[]*Estimate{in(-3, -3)}, in(-3, -3)},
		{"parallel, all under way", []progress{{past: tenOrTwenty, parallel: true, underWay: 100, begun: at(-4), anchor: at(-1)}},
			[]*Estimate{in(6, 16)}, in(6, 16)},
		{"parallel, the others join", []progress{{past: tenOrTwenty, parallel: true, left: 50, underWay: 100, begun: at(-4), anchor: at(-1)}},
			[]*Estimate{in(9, 19)}, in(9, 19)},
		{"parallel, not begun", []progress{{past: tenOrTwenty, parallel: true, left: 50, anchor: at(-1)}}, []*Estimate{in(9, 19)}, in(9, 19)},
		{"in waves, one under way", []progress{{past: tenOrTwenty, parallel: true, width: 4, left: 9, underWay: 2, begun: at(-4), anchor: at(-1)}},
			[]*Estimate{in(36, 76)}, in(36, 76)},
		{"in waves, the last one whole", []progress{{past: tenOrTwenty, parallel: true, width: 4, left: 8, anchor: at(0)}},
			[]*Estimate{in(20, 40)}, in(20, 40)},
		{"two phases, one after the other", []progress{
			{past: tenOrTwenty, left: 1, underWay: 1, begun: at(-5), anchor: at(-5)},
			{past: tenOrTwenty, left: 2, waits: []int{0}},
		}, []*Estimate{in(15, 35), in(35, 75)}, of(10, 35, 75)},
		{"two phases, the later one first in the list", []progress{
			{past: tenOrTwenty, left: 2, waits: []int{1}},
			{past: tenOrTwenty, left: 1, underWay: 1, begun: at(-5), anchor: at(-5)},
		}, []*Estimate{in(35, 75), in(15, 35)}, of(10, 35, 75)},
		{"two phases side by side", []progress{
			{past: tenOrTwenty, left: 1, anchor: at(0)},
			{past: tenOrTwenty, left: 2, anchor: at(0)},
		}, []*Estimate{in(10, 20), in(20, 40)}, of(10, 20, 40)},
		{"what is done is not waited for", []progress{
			{done: true},
			{past: tenOrTwenty, left: 2, anchor: at(-1), waits: []int{0}},
		}, []*Estimate{nil, in(19, 39)}, in(19, 39)},
		{"a phase that has not begun could when what it waits for was done", []progress{
			{done: true, anchor: at(-5)},
			{past: tenOrTwenty, left: 1, waits: []int{0}},
		}, []*Estimate{nil, in(5, 15)}, in(5, 15)},
		{"a phase that has begun and must wait again", []progress{
			{past: tenOrTwenty, underWay: 1, begun: at(-5), anchor: at(-5)},
			{past: tenOrTwenty, left: 1, underWay: 1, begun: at(-50), anchor: at(-50), waits: []int{0}},
		}, []*Estimate{in(5, 15), in(15, 35)}, of(10, 15, 35)},
		{"three steps of this run count for more than an earlier run", []progress{{past: tenOrTwenty, took: &minutes, left: 1, anchor: at(0)}},
			[]*Estimate{of(3, 60, 60)}, of(3, 60, 60)},
		{"one step does not", []progress{{past: tenOrTwenty, took: &minute, left: 1, anchor: at(0)}}, []*Estimate{in(10, 20)}, in(10, 20)},
		{"and counts for more than nothing", []progress{{took: &minute, left: 1, anchor: at(0)}}, []*Estimate{of(1, 60, 60)}, of(1, 60, 60)},
		{"an earlier run that says nonsense", []progress{{past: Duration{Steps: 5, P50: -time.Second, P90: -time.Minute}, left: 1, anchor: at(0)}},
			[]*Estimate{in(0, 0)}, in(0, 0)},
		{"no data in one phase: none for the plan", []progress{
			{past: tenOrTwenty, left: 1, anchor: at(0)},
			{left: 1, waits: []int{0}},
		}, []*Estimate{in(10, 20), nil}, nil},
		{"no data: none for what waits", []progress{
			{left: 1, anchor: at(0)},
			{past: tenOrTwenty, left: 1, waits: []int{0}},
		}, []*Estimate{nil, nil}, nil},
		{"no data: what is under way does not wait", []progress{
			{left: 1, anchor: at(0)},
			{past: tenOrTwenty, underWay: 1, begun: at(0), waits: []int{0}},
		}, []*Estimate{nil, in(10, 20)}, nil},
		{"open", []progress{
			{past: tenOrTwenty, left: 1, anchor: at(0), open: true},
			{past: tenOrTwenty, left: 1, waits: []int{0}},
		}, []*Estimate{nil, nil}, nil},
		{"in a circle", []progress{
			{past: tenOrTwenty, left: 1, waits: []int{1}},
			{past: tenOrTwenty, left: 1, waits: []int{2}},
			{past: tenOrTwenty, left: 1, waits: []int{1}},
			{past: tenOrTwenty, left: 1, anchor: at(0)},
		}, []*Estimate{nil, nil, nil, in(10, 20)}, nil},
		{"waits for itself", []progress{{past: tenOrTwenty, left: 1, waits: []int{0}}}, []*Estimate{nil}, nil},
		{"waits for what does not exist", []progress{
			{past: tenOrTwenty, left: 1, waits: []int{-1}},
			{past: tenOrTwenty, left: 1, waits: []int{2}},
		}, []*Estimate{nil, nil}, nil},
		{"longer than a date can tell", []progress{
			{past: Duration{Steps: 5, P50: math.MaxInt64, P90: math.MaxInt64}, left: 30, anchor: time.Date(9900, 1, 1, 0, 0, 0, 0, time.UTC)},
		}, []*Estimate{nil}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := make([]*Estimate, len(c.phases))
			plan := estimate(c.phases, estimateNow, got)
			want := append(make([]*Estimate, 0), c.want...)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("phases (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.plan, plan); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
		})
	}
}

// drawProgress draws phases that wait for any others.
func drawProgress(t *rapid.T) []progress {
	second := rapid.Custom(func(t *rapid.T) time.Time {
		return estimateNow.Add(-time.Duration(rapid.IntRange(0, 600).Draw(t, "seconds ago")) * time.Second)
	})
	phases := make([]progress, rapid.IntRange(1, 5).Draw(t, "phases"))
	for i := range phases {
		p := &phases[i]
		p.parallel = rapid.Bool().Draw(t, "parallel")
		p.width = rapid.IntRange(0, 3).Draw(t, "width")
		p.left, p.underWay = rapid.IntRange(0, 9).Draw(t, "left"), rapid.IntRange(0, 4).Draw(t, "under way")
		if p.underWay > 0 {
			p.begun = second.Draw(t, "begun")
		}
		if rapid.Bool().Draw(t, "anchored") {
			p.anchor = later(second.Draw(t, "anchor"), p.begun)
		}
		p.took = &durations{}
		for range rapid.IntRange(0, 5).Draw(t, "took") {
			p.took.add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "step")) * time.Second)
		}
		if rapid.Bool().Draw(t, "past") {
			p.past = tenOrTwenty
		}
		p.waits = rapid.SliceOfN(rapid.IntRange(-1, len(phases)), 0, 2).Draw(t, "waits")
		p.done, p.open = rapid.IntRange(0, 9).Draw(t, "done") == 0, rapid.IntRange(0, 9).Draw(t, "open") == 0
	}
	return phases
}

func TestEstimateProperties(t *testing.T) {
	for _, c := range []struct {
		sentence string
		check    func(t *rapid.T, phases []progress, phase []*Estimate, plan *Estimate)
	}{
		{"what is likely is not later than the latest", likelyIsNotLaterThanLatest},
		{"a phase does not end before its steps have taken as long as the shortest did", endsAfterTheShortest},
		{"a phase does not end before those that it waits for", endsAfterWhatItWaitsFor},
		{"the plan ends with the last of its phases", planEndsWithTheLast},
		{"where something is anchored nothing moves when only time passes", anchoredEstimatesStay},
		{"one more step does not make the end come sooner", moreStepsTakeLonger},
		{"every estimate is concluded from something", estimatesHaveGrounds},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			checkDrawn(t, func(t *rapid.T) {
				phases := drawProgress(t)
				phase := make([]*Estimate, len(phases))
				plan := estimate(phases, estimateNow, phase)
				c.check(t, phases, phase, plan)
			})
		})
	}
}

func likelyIsNotLaterThanLatest(t *rapid.T, _ []progress, phase []*Estimate, plan *Estimate) {
	for i, e := range append(phase, plan) {
		if e != nil && e.Likely.After(e.Latest) {
			t.Fatalf("estimate %d: likely %v, at the latest %v", i, e.Likely, e.Latest)
		}
	}
}

func endsAfterTheShortest(t *rapid.T, phases []progress, phase []*Estimate, _ *Estimate) {
	for i, e := range phase {
		if e == nil {
			continue
		}
		p := &phases[i]
		shortest := p.took.shortest
		if p.took.count() < enoughSteps && p.past.Steps > 0 {
			shortest = p.past.P50
		}
		if p.underWay > 0 && e.Likely.Before(p.begun.Add(shortest)) {
			t.Fatalf("phase %d: likely %v, and its step began at %v and takes at least %v", i, e.Likely, p.begun, shortest)
		}
		if p.left > 0 && e.Likely.Before(p.anchor.Add(shortest)) {
			t.Fatalf("phase %d: likely %v, and its next step begins after %v and takes at least %v", i, e.Likely, p.anchor, shortest)
		}
	}
}

func endsAfterWhatItWaitsFor(t *rapid.T, phases []progress, phase []*Estimate, _ *Estimate) {
	for i, e := range phase {
		if e == nil || phases[i].left == 0 {
			continue
		}
		for _, w := range phases[i].waits {
			if phases[w].done {
				continue
			}
			if phase[w] == nil {
				t.Fatalf("phase %d has an estimate and waits for %d, which has none", i, w)
			}
			if e.Likely.Before(phase[w].Likely) || e.Latest.Before(phase[w].Latest) {
				t.Fatalf("phase %d ends %v and waits for %d, which ends %v", i, e, w, phase[w])
			}
		}
	}
}

func planEndsWithTheLast(t *rapid.T, phases []progress, phase []*Estimate, plan *Estimate) {
	var want Estimate
	for i, e := range phase {
		switch {
		case e == nil && !phases[i].done:
			if plan != nil {
				t.Fatalf("phase %d has no estimate, and the plan has one", i)
			}
			return
		case e != nil:
			want.Likely, want.Latest, want.Steps = later(want.Likely, e.Likely), later(want.Latest, e.Latest), want.Steps+e.Steps
		}
	}
	if want.Steps > 0 && !cmp.Equal(&want, plan) {
		t.Fatalf("the plan's estimate is %v, want %v", plan, want)
	}
}

func anchoredEstimatesStay(t *rapid.T, phases []progress, _ []*Estimate, _ *Estimate) {
	for i := range phases {
		if phases[i].anchor.IsZero() && phases[i].begun.IsZero() {
			phases[i].anchor = estimateNow.Add(-time.Minute)
		}
	}
	before, after := make([]*Estimate, len(phases)), make([]*Estimate, len(phases))
	planBefore, planAfter := estimate(phases, estimateNow, before), estimate(phases, estimateNow.Add(time.Hour), after)
	if diff := cmp.Diff(append(before, planBefore), append(after, planAfter)); diff != "" {
		t.Fatalf("an hour later (-before +after):\n%s", diff)
	}
}

func moreStepsTakeLonger(t *rapid.T, phases []progress, phase []*Estimate, _ *Estimate) {
	more := make([]*Estimate, len(phases))
	i := rapid.IntRange(0, len(phases)-1).Draw(t, "phase with one more step")
	phases[i].left++
	estimate(phases, estimateNow, more)
	for j := range phase {
		if phase[j] == nil || more[j] == nil { // to wait for something takes away the estimate
			continue
		}
		if more[j].Likely.Before(phase[j].Likely) || more[j].Latest.Before(phase[j].Latest) {
			t.Fatalf("phase %d ends %v, with one more step in phase %d %v", j, phase[j], i, more[j])
		}
	}
}

func estimatesHaveGrounds(t *rapid.T, phases []progress, phase []*Estimate, plan *Estimate) {
	for i, e := range append(phase, plan) {
		if e != nil && e.Steps <= 0 {
			t.Fatalf("estimate %d is concluded from %d steps", i, e.Steps)
		}
	}
	for i, e := range phase {
		if e != nil && (phases[i].done || phases[i].open) {
			t.Fatalf("phase %d is done or open and has an estimate", i)
		}
	}
}

func TestCountingDurationsDoesNotAllocate(t *testing.T) {
	var d durations
	if n := testing.AllocsPerRun(100, func() { d.add(time.Minute) }); n != 0 {
		t.Errorf("add allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { d.record("data") }); n != 0 {
		t.Errorf("record allocates %v times", n)
	}
}

func BenchmarkEstimate(b *testing.B) {
	for _, phases := range []int{3, 1000} {
		b.Run(fmt.Sprintf("30000-steps-in-%d-phases", phases), func(b *testing.B) {
			b.ReportAllocs()
			all, phase := make([]progress, phases), make([]*Estimate, phases)
			for b.Loop() {
				clear(all)
				for i := range all {
					p := &all[i]
					for j := range 30_000 / phases {
						p.took.add(time.Duration(j%97) * time.Second)
					}
					p.left, p.anchor = 10, estimateNow
					if i > 0 {
						p.waits = []int{i - 1}
					}
				}
				estimate(all, estimateNow, phase)
			}
		})
	}
}
