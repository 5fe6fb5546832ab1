package plans

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestViewAsJSON fixes what clients of the HTTP API see. Fields may join; those that are there stay.
func TestViewAsJSON(t *testing.T) {
	got, err := json.MarshalIndent(Evaluate(exampleInput(t)).View, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	golden(t, "testdata/view.json", got)

	var back View
	if err := json.Unmarshal(got, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Evaluate(exampleInput(t)).View, back); diff != "" {
		t.Errorf("the view does not survive its encoding (-evaluated +decoded):\n%s", diff)
	}
}

// TestViewHasTheSDKsFields checks that a client written for the DC/OS SDK finds what it looks for.
func TestViewHasTheSDKsFields(t *testing.T) {
	for _, in := range []Input{exampleInput(t), {Definition: Definition{Name: "empty", Phases: []Phase{{Name: "a"}}}}} {
		text, err := json.Marshal(Evaluate(in).View)
		if err != nil {
			t.Fatal(err)
		}
		var plan struct {
			Status, Strategy *string
			Errors           *[]string
			Phases           *[]struct {
				ID, Name, Strategy, Status *string
				Steps                      *[]struct{ ID, Name, Status, Message *string }
			}
		}
		if err := json.Unmarshal(text, &plan); err != nil {
			t.Fatal(err)
		}
		if plan.Status == nil || plan.Strategy == nil || plan.Errors == nil || plan.Phases == nil {
			t.Fatalf("the plan lacks a field: %s", text)
		}
		for _, p := range *plan.Phases {
			if p.ID == nil || p.Name == nil || p.Strategy == nil || p.Status == nil || p.Steps == nil {
				t.Fatalf("a phase lacks a field: %s", text)
			}
			for _, s := range *p.Steps {
				if s.ID == nil || s.Name == nil || s.Status == nil || s.Message == nil {
					t.Fatalf("a step lacks a field: %s", text)
				}
			}
		}
	}
}

// exampleInput is a plan of which one phase is done, one paused while a step runs, one waits and one is open.
func exampleInput(t *testing.T) Input {
	return Input{
		Definition: parseDefinition(t, `plan deploy serial
			phase registry serial
			  launch registry-0:[server] host=h1
			phase data parallel
			  launch data-0:[server] host=h1
			  launch data-1:[server] host=h2
			phase client parallel open after=data`),
		Observations: [][]Observation{
			{{Status: Complete, Since: clock(t, "10:00:10"), Host: "h1", Task: "registry-0-server__1"}},
			{{Status: Started, Since: clock(t, "10:00:20"), Host: "h1", Task: "data-0-server__1", Holds: []Hold{{
				Code: CodeUnhealthy, Text: "data-0 is not ready: no registry answers", Since: clock(t, "10:00:20"),
			}}}},
		},
		Facts: []Fact{{Kind: Paused, Plan: "deploy", Phase: "data", Actor: "alice@host", Reason: "swap a disk", At: clock(t, "10:00:30")}},
		Run:   Run{Number: 1, Target: "t1", Actor: "operator", Reason: "first install", StartedAt: clock(t, "10:00:00")},
		Now:   clock(t, "10:01:00"),
	}
}

// golden compares with a file, or rewrites it under -update.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s (-want +got; -update rewrites it):\n%s", path, cmp.Diff(string(want), string(got)))
	}
}

// TestIDsAreStable writes ids down: they are promised never to change.
func TestIDsAreStable(t *testing.T) {
	tests := []struct{ service, plan, phase, step, want string }{
		{"quobyte", "deploy", "", "", "07b67d23-a30b-5a8d-98de-86f3e13060ff"},
		{"quobyte", "deploy", "data", "", "31270ddd-2711-50ab-8180-97ec81876a46"},
		{"quobyte", "deploy", "data", "data-0:[server]", "fa961467-7e1b-5390-9dbc-567596485c69"},
		{"other", "deploy", "", "", "c6709cee-e0d1-5203-9ec8-d799ad176419"},
	}
	seen := map[string]bool{}
	for _, tc := range tests {
		got := ID(tc.service, tc.plan, tc.phase, tc.step).String()
		if got != tc.want {
			t.Errorf("ID(%q, %q, %q, %q) = %s, want %s", tc.service, tc.plan, tc.phase, tc.step, got, tc.want)
		}
		if id, err := uuid.Parse(got); err != nil || id.Version() != 5 || seen[got] {
			t.Errorf("%s is no UUIDv5 of its own", got)
		}
		seen[got] = true
	}
}

// TestFactsMayNamePhasesByID: an id is accepted wherever a name is.
func TestFactsMayNamePhasesByID(t *testing.T) {
	in := exampleInput(t)
	byName := Evaluate(in)
	in.Facts[0].Phase = byName.View.Phases[1].ID.String()
	if diff := cmp.Diff(byName, Evaluate(in)); diff != "" {
		t.Errorf("evaluation (-by name +by id):\n%s", diff)
	}
}

// TestStepMessages is the sentence that people read, for each state of a step.
func TestStepMessages(t *testing.T) {
	until := clock(t, "10:02:00")
	tests := []struct {
		name string
		o    Observation
		want string
	}{
		{"nothing is known", Observation{}, "PENDING"},
		{"tried", Observation{Status: Prepared, Holds: []Hold{{Code: CodeNoOffer, Text: "no offer from host h1"}}}, "PREPARED: no offer from host h1"},
		{"launched", Observation{Status: Starting}, "STARTING: launched, Mesos has not said yet that it runs"},
		{"runs", Observation{Status: Started}, "STARTED: runs, is not ready yet"},
		{
			"sick", Observation{Status: Started, Holds: []Hold{{
				Code: CodeUnhealthy, Text: "registry is not ready: replica set has no majority: 1 of 3 up",
			}}}, "STARTED: registry is not ready: replica set has no majority: 1 of 3 up",
		},
		{"done", Observation{Status: Complete, Holds: []Hold{{Code: CodeUnhealthy, Text: "old"}}}, "COMPLETE"},
		{"failed", Observation{Status: Delayed, Until: until}, "DELAYED: waits after a failure and tries again at 2026-11-23T10:02:00Z"},
		{"failed, nobody knows until when", Observation{Status: Delayed}, "DELAYED: waits after a failure"},
		{"failed long ago", Observation{Status: Delayed, Until: clock(t, "10:01:00")}, "PENDING"},
		{"errors", Observation{Errors: []string{"no port", "no disk"}}, "ERROR: no port; no disk"},
		{"an error without a reason", Observation{Status: Error}, "ERROR: no reason was given"},
		{"an error with a hold", Observation{Status: Error, Holds: []Hold{{Code: CodeError, Text: "no port"}}}, "ERROR: no port"},
		{
			"an error whose hold is over", Observation{Status: Error, Errors: []string{"no port"}, Holds: []Hold{{
				Code: CodeError, Text: "old", Until: clock(t, "10:01:00"),
			}}}, "ERROR: no port",
		},
		{
			"failed, with a backoff that is over", Observation{Status: Delayed, Until: until, Holds: []Hold{{
				Code: CodeBackoff, Text: "old", Until: clock(t, "10:01:00"),
			}}}, "DELAYED: waits after a failure and tries again at 2026-11-23T10:02:00Z",
		},
		{"a status that can't be", Observation{Status: InProgress}, "ERROR: observed status IN_PROGRESS is not one that a step can have"},
		{"a hold that is over", Observation{Holds: []Hold{{Code: CodeBackoff, Text: "old", Until: clock(t, "10:01:00")}}}, "PENDING"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			in := Input{
				Definition:   parseDefinition(t, "plan deploy serial\nphase a serial\nlaunch a-0"),
				Observations: [][]Observation{{tc.o}},
				Now:          clock(t, "10:01:00"),
			}
			if got := Evaluate(in).View.Phases[0].Steps[0].Message; got != tc.want {
				t.Errorf("message %q, want %q", got, tc.want)
			}
		})
	}
}

// TestParentsSince is when a phase came into its status.
func TestParentsSince(t *testing.T) {
	at := func(status Status, hour string) Observation {
		return Observation{Status: status, Since: clock(t, hour)}
	}
	tests := []struct {
		name  string
		steps []Observation
		want  time.Time
	}{
		{"not begun", []Observation{{}, {}}, time.Time{}},
		{"COMPLETE since the last is", []Observation{at(Complete, "10:00:05"), at(Complete, "10:00:03")}, clock(t, "10:00:05")},
		{"working since the first that works", []Observation{at(Complete, "10:00:01"), at(Started, "10:00:04"), at(Starting, "10:00:03")}, clock(t, "10:00:03")},
		{"between two, since the first began", []Observation{at(Complete, "10:00:02"), at(Complete, "10:00:01"), {}}, clock(t, "10:00:01")},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			phase := Phase{Name: "a", Strategy: Parallel}
			for range tc.steps {
				phase.Steps = append(phase.Steps, Step{Name: "x", Kind: Launch, Pod: "x"})
			}
			e := Evaluate(Input{
				Definition:   Definition{Name: "deploy", Strategy: Serial, Phases: []Phase{phase}},
				Observations: [][]Observation{tc.steps},
				Now:          clock(t, "10:01:00"),
			})
			for _, got := range []time.Time{e.View.Phases[0].Since, e.View.Since} {
				if !got.Equal(tc.want) {
					t.Errorf("since %s, want %s", got, tc.want)
				}
			}
		})
	}
}

// TestAPlanThatWaitsForItsPhaseSaysSinceWhen: the pause is the phase's, the plan is WAITING as long.
func TestAPlanThatWaitsForItsPhaseSaysSinceWhen(t *testing.T) {
	v := Evaluate(exampleInput(t)).View
	if want := clock(t, "10:00:30"); v.Status != Waiting || !v.Since.Equal(want) {
		t.Errorf("the plan is %s since %s, want WAITING since %s", v.Status, v.Since, want)
	}
	in := exampleInput(t)
	in.Observations[1][0] = Observation{} // nothing runs, the phase has not begun
	v = Evaluate(in).View
	if want := clock(t, "10:00:30"); v.Status != Waiting || !v.Since.Equal(want) {
		t.Errorf("the plan is %s since %s, want WAITING since %s", v.Status, v.Since, want)
	}
}

// TestParentsNameWhoseReasonTheyShow: a reason says of whom it is, once.
func TestParentsNameWhoseReasonTheyShow(t *testing.T) {
	unknown := "task data-0-server__1 is UNREACHABLE: it may still run"
	tests := []struct {
		name, step      string
		o               Observation
		facts           []Fact
		ofPhase, ofPlan string // what they show
	}{
		{"a step's", "launch data-0:[server]", Observation{Status: Started}, nil,
			"data-0:[server]: runs, is not ready yet", "data-0:[server]: runs, is not ready yet"},
		{"a step's that names its task", "launch data-0:[server]",
			Observation{Task: "data-0-server__1", Holds: []Hold{{Code: CodeUnknownTask, Text: unknown}}}, nil, unknown, unknown},
		{"a wait step's", "wait discover", Observation{Holds: []Hold{{Code: CodeMissing, Text: "registry: 1 of 3 hosts"}}}, nil,
			"registry: 1 of 3 hosts", "registry: 1 of 3 hosts"},
		{"a phase's own", "launch data-0:[server]", Observation{}, []Fact{{Kind: Paused, Plan: "deploy", Phase: "a", Actor: "ann"}},
			"paused by ann", `phase "a": paused by ann`},
		{"the plan's own", "launch data-0:[server]", Observation{}, []Fact{{Kind: Paused, Plan: "deploy", Actor: "ann"}},
			"paused by ann", "paused by ann"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			v := Evaluate(Input{
				Definition:   parseDefinition(t, "plan deploy serial\nphase a serial\n"+tc.step),
				Observations: [][]Observation{{tc.o}}, Facts: tc.facts, Now: clock(t, "10:01:00"),
			}).View
			got := [2]string{v.Phases[0].Holds[0].Text, v.Holds[0].Text}
			if want := [2]string{tc.ofPhase, tc.ofPlan}; got != want {
				t.Errorf("phase and plan show %q, want %q", got, want)
			}
		})
	}
}
