package plans

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestStart(t *testing.T) {
	at := func(hour string) time.Time { return clock(t, hour) }
	beginning := Beginning{
		Target: "t2", Provenance: "rollback", Actor: "alice", Reason: "t1 is slow", Arguments: []Argument{{Name: "n", Value: "1"}}, Frozen: true, Now: at("11:00:00"),
	}
	begun := func(number int) Run {
		return Run{
			Number: number, Target: "t2", Provenance: "rollback", Actor: "alice", Reason: "t1 is slow", Arguments: []Argument{{Name: "n", Value: "1"}},
			StartedAt: at("11:00:00"), FrozenAt: at("11:00:00"),
		}
	}
	working := Run{
		Number: 3, Target: "t1", Actor: "framework", StartedAt: at("10:00:00"), FrozenAt: at("10:05:00"),
		Halt: &Halt{Cause: Hold{Code: CodeFailed, Text: "a-0 failed"}, At: at("10:40:00")}, ContinuedAt: at("10:30:00"),
		Pardons: []Pardon{{Phase: "a", Step: "a-0", Attempts: 2, At: at("10:30:00")}}, Batches: []BatchCursor{{Phase: "a", Done: 2}},
		Stills: []Still{{From: at("10:10:00"), To: at("10:30:00")}, {From: at("10:40:00")}, {Phase: "a", From: at("10:50:00")}},
	}
	superseded := deepCopy(working)
	superseded.CompletedAt, superseded.Outcome, superseded.Successor = at("11:00:00"), Superseded, 4
	superseded.EndedBy, superseded.EndReason = "alice", "t1 is slow"
	superseded.Stills[1].To, superseded.Stills[2].To = at("11:00:00"), at("11:00:00")
	ahead := Run{Number: 3, StartedAt: at("11:00:05"), Stills: []Still{{From: at("11:00:07")}}}
	endedAhead := Run{
		Number: 3, StartedAt: at("11:00:05"), Stills: []Still{{From: at("11:00:07"), To: at("11:00:07")}}, CompletedAt: at("11:00:05"),
		Outcome: Superseded, Successor: 4, EndedBy: "alice", EndReason: "t1 is slow",
	}
	tests := []struct {
		name  string
		last  Run
		next  Run
		ended *Run
	}{
		{"the first run", Run{}, begun(1), nil},
		{"one that works is superseded, and its clocks go on", working, begun(4), &superseded},
		{"one that has ended is left alone", Run{Number: 3, StartedAt: at("10:00:00"), CompletedAt: at("10:30:00"), Outcome: Stopped}, begun(4), nil},
		{"one that is COMPLETE as well", Run{Number: 7, StartedAt: at("10:00:00"), CompletedAt: at("10:30:00")}, begun(8), nil},
		{"one that began later, by another clock, does not end before", ahead, begun(4), &endedAhead},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			before := deepCopy(tc.last)
			next, ended := Start(tc.last, beginning)
			if diff := cmp.Diff(tc.next, next); diff != "" {
				t.Errorf("the next run (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.ended, ended); diff != "" {
				t.Errorf("the run that it ended (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, tc.last); diff != "" {
				t.Errorf("the last run was changed (-before +after):\n%s", diff)
			}
			if ended != nil && !ended.Ended() {
				t.Error("the run that was ended has not ended")
			}
		})
	}
}

func TestFreeze(t *testing.T) {
	discovering, _ := Start(Run{}, Beginning{Target: "t1", Actor: "framework", Now: clock(t, "10:00:00")})
	if !discovering.FrozenAt.IsZero() {
		t.Fatalf("frozen at %s from the start", discovering.FrozenAt)
	}
	tests := []struct {
		name      string
		run       Run
		now, want string
	}{
		{"frozen now", discovering, "10:05:00", "10:05:00"},
		{"frozen once", Freeze(discovering, clock(t, "10:05:00")), "10:06:00", "10:05:00"},
		{"not before it began", discovering, "09:59:59", "10:00:00"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			want := tc.run
			want.FrozenAt = clock(t, tc.want)
			if diff := cmp.Diff(want, Freeze(tc.run, clock(t, tc.now))); diff != "" {
				t.Errorf("run (-want +got):\n%s", diff)
			}
		})
	}
}

func TestArchive(t *testing.T) {
	runs := func(from, to int) []Run {
		var out []Run
		for n := from; n <= to; n++ {
			out = append(out, Run{Number: n, Target: "t1"})
		}
		return out
	}
	with := func(runs []Run, changed Run) []Run {
		for i := range runs {
			if runs[i].Number == changed.Number {
				runs[i] = changed
			}
		}
		return runs
	}
	without := func(n int, runs []Run) []Run {
		var out []Run
		for _, r := range runs {
			if r.Number != n {
				out = append(out, r)
			}
		}
		return out
	}
	other := func(n int) Run { return Run{Number: n, Target: "t2"} }
	tests := []struct {
		name    string
		history []Run
		ended   Run
		want    []Run
	}{
		{"the first", nil, other(1), []Run{other(1)}},
		{"the newest comes last", runs(1, 3), other(4), append(runs(1, 3), other(4))},
		{"one that is in it is replaced", runs(1, 3), other(2), with(runs(1, 3), other(2))},
		{"one that was left out finds its place", without(2, runs(1, 3)), other(2), with(runs(1, 3), other(2))},
		{"the oldest is forgotten", runs(1, MaxHistory), other(MaxHistory + 1), append(runs(2, MaxHistory), other(MaxHistory+1))},
		{"of a history that is too long as well", runs(1, MaxHistory+5), other(MaxHistory + 6), append(runs(7, MaxHistory+5), other(MaxHistory+6))},
		{"a full one that is replaced keeps all", runs(1, MaxHistory), other(1), with(runs(1, MaxHistory), other(1))},
		{"older than all of a full one", runs(2, MaxHistory+1), other(1), runs(2, MaxHistory+1)},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			before := deepCopy(tc.history)
			if diff := cmp.Diff(tc.want, Archive(tc.history, tc.ended)); diff != "" {
				t.Errorf("history (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, tc.history); diff != "" {
				t.Errorf("the argument was changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestExpired(t *testing.T) {
	of := func(plan string, kind FactKind, run int) Fact { return Fact{Plan: plan, Kind: kind, Run: run} }
	facts := []Fact{
		of("deploy", Restarted, 1), of("deploy", Paused, 0), of("deploy", Released, 2), of("deploy", Forced, 3), of("deploy", Forced, 4),
		of("recovery", Restarted, 1), {Kind: Excepted, Pod: "data-0"}, of("deploy", Breakpoint, 0),
	}
	want := []Fact{of("deploy", Restarted, 1), of("deploy", Released, 2)}
	if diff := cmp.Diff(want, Expired(facts, "deploy", Run{Number: 3})); diff != "" {
		t.Errorf("in run 3 (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Fact(nil), Expired(facts, "deploy", Run{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("without a run (-want +got):\n%s", diff)
	}
}

func TestRunEqual(t *testing.T) {
	base := Run{Number: 1, StartedAt: clock(t, "10:00:00"), Stills: []Still{{From: clock(t, "10:01:00")}}}
	tests := []struct {
		name   string
		change func(r *Run)
		want   bool
	}{
		{"itself", func(*Run) {}, true},
		{"a copy", func(r *Run) { *r = deepCopy(*r) }, true},
		{"the same time elsewhere", func(r *Run) { r.StartedAt = r.StartedAt.In(time.FixedZone("CET", 3600)) }, true},
		{"nothing, as a list", func(r *Run) { r.Pardons = []Pardon{} }, true},
		{"another time", func(r *Run) { r.StartedAt = r.StartedAt.Add(1) }, false},
		{"a halt", func(r *Run) { r.Halt = &Halt{} }, false},
		{"a clock that goes on", func(r *Run) { r.Stills = []Still{{From: r.Stills[0].From, To: clock(t, "10:02:00")}} }, false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			other := base
			tc.change(&other)
			if base.Equal(other) != tc.want || other.Equal(base) != tc.want {
				t.Errorf("equal: %v and %v, want %v", base.Equal(other), other.Equal(base), tc.want)
			}
		})
	}
}
