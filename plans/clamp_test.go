package plans

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// No time of a run that was clamped lies in the future but the end of a wait; it is a run that can be recorded, those before now are as they were, and
// the run that was given has not changed.
func TestClampedRuns(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		ages := rapid.Int64Range(-1000, 1000)
		at := func(name string) time.Time { return now.Add(time.Duration(ages.Draw(t, name)) * time.Hour) }
		after := func(name string, from time.Time) time.Time {
			return from.Add(time.Duration(rapid.Int64Range(0, 1000).Draw(t, name)) * time.Hour)
		}
		started, from := at("started"), at("from")
		r := Run{
			Number: 1, StartedAt: started, FrozenAt: after("frozen", started), CompletedAt: after("completed", started), ContinuedAt: at("continued"),
			Halt:    &Halt{At: at("halt"), Cause: Hold{Since: at("since"), Until: at("until")}},
			Pardons: []Pardon{{Phase: "p", At: at("pardon")}}, Batches: []BatchCursor{{Phase: "p", SettledAt: at("settled"), UnknownSince: at("unknown")}},
			Stills: []Still{{From: from, To: after("to", from)}},
		}
		before := EncodeRun(r)
		c := r.Clamped(now)
		if diff := cmp.Diff(string(before), string(EncodeRun(r))); diff != "" {
			t.Fatalf("the run that was given has changed:\n%s", diff)
		}
		if _, err := DecodeRun(EncodeRun(c)); err != nil {
			t.Fatalf("it can't be read any more: %v", err)
		}
		want, got := r.recordTimes(), c.recordTimes()
		for i := range want {
			expect := *want[i].at
			if expect.After(now) && want[i].field != "halt: cause: until" {
				expect = now
			}
			if !got[i].at.Equal(expect) {
				t.Fatalf("%s: %s became %s, want %s", want[i].field, *want[i].at, *got[i].at, expect)
			}
		}
		if !c.Clamped(now).Equal(c) {
			t.Fatal("clamped twice it differs")
		}
	})
}

func TestClampedFacts(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, d := range []time.Duration{-time.Hour, 0, time.Hour} {
		f := Fact{Kind: Paused, At: now.Add(d)}.Clamped(now)
		if want := now.Add(min(d, 0)); !f.At.Equal(want) {
			t.Errorf("%s became %s, want %s", now.Add(d), f.At, want)
		}
	}
}
