package plans

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// workedIn is how long the clock of a phase has run in a run.
func workedIn(run Run, now, from time.Time, phase string) time.Duration {
	return newEvaluator(&Input{Run: run, Now: now}).worked(from, phase)
}

func TestWorked(t *testing.T) {
	at := func(minute int) time.Time { return noon.Add(time.Duration(minute) * time.Minute) }
	still := func(phase string, from, to int) Still { return Still{Phase: phase, From: at(from), To: at(to)} }
	lasting := func(phase string, from int) Still { return Still{Phase: phase, From: at(from)} }
	tests := []struct {
		name   string
		stills []Still
		from   int
		phase  string
		want   int // minutes until minute 60
	}{
		{"nothing stood still", nil, 10, "a", 50},
		{"from a time ahead", nil, 61, "a", 0},
		{"from now on", nil, 60, "a", 0},
		{"a standstill", []Still{still("a", 20, 30)}, 10, "a", 40},
		{"one before", []Still{still("a", 0, 10)}, 10, "a", 50},
		{"one that began before", []Still{still("a", 0, 20)}, 10, "a", 40},
		{"one that lasts", []Still{lasting("a", 50)}, 10, "a", 40},
		{"one that lasts since before", []Still{lasting("a", 0)}, 10, "a", 0},
		{"one that ends later, by another clock", []Still{still("a", 50, 70)}, 10, "a", 40},
		{"one that begins later, by another clock", []Still{lasting("a", 70)}, 10, "a", 50},
		{"of another phase", []Still{still("b", 20, 30), lasting("b", 40)}, 10, "a", 50},
		{"of the plan", []Still{still("", 20, 30)}, 10, "a", 40},
		{"of a phase, for the plan", []Still{still("a", 20, 30)}, 10, "", 50},
		{"of both, one after the other", []Still{still("", 20, 30), still("a", 40, 45)}, 10, "a", 35},
		{"of both, overlapping", []Still{still("", 20, 30), still("a", 25, 40)}, 10, "a", 30},
		{"of both, one in the other", []Still{still("a", 20, 40), still("", 25, 30)}, 10, "a", 30},
		{"of both, the same", []Still{still("a", 20, 40), still("", 20, 40)}, 10, "a", 30},
		{"of both, until now", []Still{lasting("a", 40), lasting("", 30), still("a", 35, 38)}, 10, "a", 20},
		{"in any order", []Still{still("a", 40, 50), still("a", 20, 30), still("", 25, 45)}, 10, "a", 20},
		{"without length", []Still{still("a", 20, 20)}, 10, "a", 50},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			run := Run{Number: 1, Stills: tc.stills}
			before := deepCopy(run)
			if got := workedIn(run, at(60), at(tc.from), tc.phase); got != time.Duration(tc.want)*time.Minute {
				t.Errorf("%s, want %d minutes", got, tc.want)
			}
			if diff := cmp.Diff(before, run); diff != "" {
				t.Errorf("the run was changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestSetStill(t *testing.T) {
	at := func(minute int) time.Time { return noon.Add(time.Duration(minute) * time.Minute) }
	tests := []struct {
		name   string
		stills []Still
		phase  string
		still  bool
		want   []Still
	}{
		{"runs on", nil, "a", false, nil},
		{"stands", nil, "a", true, []Still{{Phase: "a", From: at(30)}}},
		{"stands still", []Still{{Phase: "a", From: at(10)}}, "a", true, []Still{{Phase: "a", From: at(10)}}},
		{"goes on", []Still{{Phase: "a", From: at(10)}}, "a", false, []Still{{Phase: "a", From: at(10), To: at(30)}}},
		{"goes on before it stood, by another clock", []Still{{Phase: "a", From: at(40)}}, "a", false, []Still{{Phase: "a", From: at(40), To: at(40)}}},
		{"stands again", []Still{{From: at(10), To: at(20)}}, "", true, []Still{{From: at(10), To: at(20)}, {From: at(30)}}},
		{"goes on alone", []Still{{From: at(10)}, {Phase: "a", From: at(10)}}, "", false, []Still{{From: at(10), To: at(30)}, {Phase: "a", From: at(10)}}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			run := Run{Stills: tc.stills}
			before := deepCopy(tc.stills)
			run.setStill(tc.phase, tc.still, at(30))
			if diff := cmp.Diff(tc.want, run.Stills); diff != "" {
				t.Errorf("stills (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, tc.stills); diff != "" {
				t.Errorf("the record before was changed (-before +after):\n%s", diff)
			}
			if run.still(tc.phase) != tc.still {
				t.Errorf("stands still: %v", !tc.still)
			}
		})
	}
}

func TestEndStills(t *testing.T) {
	r := Run{Stills: []Still{{From: noon}, {Phase: "a", From: noon.Add(time.Hour)}, {Phase: "b", From: noon}, {From: noon, To: noon.Add(time.Second)}}}
	r.endStills(func(s Still) bool { return s.Phase != "b" && s.To.IsZero() }, noon.Add(time.Minute))
	want := []Still{
		{From: noon, To: noon.Add(time.Minute)}, {Phase: "a", From: noon.Add(time.Hour), To: noon.Add(time.Hour)}, {Phase: "b", From: noon},
		{From: noon, To: noon.Add(time.Second)},
	}
	if diff := cmp.Diff(want, r.Stills); diff != "" {
		t.Errorf("stills (-want +got):\n%s", diff)
	}
}

// TestJoinedStillsAreAsLong lets clocks stand and go on at random, more often than a run keeps, and keeps all of it beside.
func TestJoinedStillsAreAsLong(t *testing.T) {
	phases := []string{"", "a", "b"}
	total := func(r Run, phase string, now time.Time) time.Duration {
		sum := time.Duration(0)
		for _, s := range r.Stills {
			if s.Phase != phase {
				continue
			}
			if s.To.IsZero() {
				s.To = now
			}
			sum += s.To.Sub(s.From)
		}
		return sum
	}
	joined := false
	checkDrawn(t, func(t *rapid.T) {
		of := phases[:oneOf(t, "phases", 1, 3)] // with one, no standstills overlap
		var r, all Run
		now := noon
		for range oneOf(t, "changes", 20, 100, 200) {
			now = now.Add(time.Duration(rapid.IntRange(0, 600).Draw(t, "later")) * time.Second)
			phase := oneOf(t, "phase", of...)
			still := ownStill(all, phase) == oneOf(t, "again", false, false, false, true)
			r.setStill(phase, still, now)
			if ownStill(all, phase) != still {
				if still {
					all.Stills = append(all.Stills, Still{Phase: phase, From: now})
				} else {
					all.endStills(func(s Still) bool { return s.Phase == phase && s.To.IsZero() }, now)
				}
			}
			if len(r.Stills) > maxStills {
				t.Fatalf("%d standstills are kept, at the most %d should be", len(r.Stills), maxStills)
			}
		}
		joined = joined || len(r.Stills) < len(all.Stills)
		for _, phase := range phases {
			if got, want := total(r, phase, now), total(all, phase, now); got != want {
				t.Errorf("the clock of phase %q stood still for %s, the record says %s", phase, want, got)
			}
			if r.still(phase) != all.still(phase) {
				t.Errorf("the clock of phase %q stands still: %v, the record says %v", phase, all.still(phase), r.still(phase))
			}
		}
		if len(of) > 1 {
			return
		}
		if got, want := workedIn(r, now, noon, ""), workedIn(all, now, noon, ""); got != want {
			t.Errorf("a step begun before all worked for %s, the record says %s", want, got)
		}
	})
	if !joined {
		t.Error("nothing was ever joined")
	}
}

// ownStill says whether the phase itself has a standstill that lasts.
func ownStill(r Run, phase string) bool {
	for _, s := range r.Stills {
		if s.Phase == phase && s.To.IsZero() {
			return true
		}
	}
	return false
}
