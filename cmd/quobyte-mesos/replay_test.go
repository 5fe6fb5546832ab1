package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/recorder"
	"github.com/quobyte/mesos-framework/offers"
)

func TestReplayOfWhatIsNoRecording(t *testing.T) {
	dir := t.TempDir()
	other := write(t, filepath.Join(dir, "x", "notes.txt"), "hello\n")
	newer := write(t, filepath.Join(dir, "recording-00000001.jsonl"), `{"segment":{"format":7,"version":"quobyte-mesos v9"}}`+"\n")
	settings := write(t, filepath.Join(dir, "y", "r.jsonl"), `{"segment":{"format":1,"boot":{},"settings":{}}}`+"\n"+`{"begin":{}}`+"\n")
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{filepath.Join(dir, "gone")}, "no such file"},
		{[]string{filepath.Join(dir, "x")}, "no segments there (recording-NNNNNNNN.jsonl)"},
		{[]string{other}, "notes.txt: line 1: not readable"},
		{[]string{newer}, "format 7 is newer than 1, the newest that this program reads; replay it with the version that wrote it: quobyte-mesos v9"},
		{[]string{settings}, "settings: --docker-image: is empty"},
		{[]string{"--until", "noon", newer}, `--until: "noon": must be a time with its zone, such as 2026-11-25T10:00:00Z`},
		{nil, "accepts 1 arg"},
	} {
		got := runHere(t, nil, append([]string{"replay"}, test.args...)...)
		if got.Code != 1 || !strings.Contains(strings.Join(got.Stderr, "\n"), test.want) {
			t.Errorf("replay %q: exit %d, %q, want 1 and %q", test.args, got.Code, got.Stderr, test.want)
		}
	}
}

// everything has each kind of event, call and answer.
func everything() recorder.Decision {
	at := time.Date(2026, 11, 25, 10, 0, 0, 5000, time.UTC)
	disk := offers.Resource{Name: "disk", Scalar: 5000}
	launch := offers.Operation{Type: offers.Launch, Tasks: []offers.Task{{ID: "data-0-server__1", AgentID: "S0"}}}
	var events []recorder.Taken
	for _, e := range []machine.Event{
		machine.Subscribed{FrameworkID: "F", Master: machine.Master{Address: "m:5050"}}, machine.Disconnected{Err: "gone\x1b[2J\nor not"},
		machine.Offered{Offers: []offers.Offer{{Site: offers.Site{Host: "h1"}}, {Site: offers.Site{Host: "h2"}}}}, machine.Rescinded{OfferID: "O1"},
		machine.Updated{Status: machine.TaskStatus{TaskID: "t", State: machine.Failed, Source: "AGENT", Reason: "R", Message: "m", Data: []byte("xy")}},
		machine.Failure{AgentID: "S0", ExecutorID: "e", Status: 9}, machine.CallFailed{Call: machine.Revive{}, Err: "503"},
		machine.Verb{Kind: machine.Pause, Plan: "deploy", Phase: "data", When: "now", Actor: "alice", Reason: "lunch"},
	} {
		events = append(events, recorder.Taken{At: at, Event: e})
	}
	effects := machine.Effects{
		Groups:  []machine.Group{{Puts: []machine.Record{{Key: "pods/data-0", Value: []byte("{}")}}, Deletes: []string{"facts/deploy/pause"}}},
		Answers: []machine.Answer{{ID: 1, Code: machine.Done, Message: "paused"}},
	}
	for _, c := range []machine.Call{
		machine.Accept{Operations: []offers.Operation{{Type: offers.Reserve, Resources: offers.Resources{disk}}, launch}},
		machine.Accept{Operations: []offers.Operation{{Type: offers.GrowVolume, Volume: disk, Addition: disk}}},
		machine.Decline{OfferIDs: []string{"O1"}, Refuse: time.Hour},
		machine.Kill{TaskID: "t"}, machine.Acknowledge{TaskID: "t"}, machine.Reconcile{},
		machine.Reconcile{Tasks: []machine.TaskRef{{TaskID: "t"}}}, machine.Revive{},
		machine.Message{AgentID: "S0", ExecutorID: "e", Data: []byte("xyz")},
	} {
		effects.Calls = append(effects.Calls, machine.Sending{Call: c, After: 1})
	}
	return recorder.Decision{Number: 7, At: at, Events: events, Effects: effects}
}

func TestReplayText(t *testing.T) {
	var out strings.Builder
	r := &replayText{out: &out}
	at := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	if err := r.segment("recording-00000001.jsonl", recorder.Segment{Version: "v1", At: at, Boot: &machine.Boot{}}); err != nil {
		t.Fatal(err)
	}
	if err := r.decision(everything()); err != nil {
		t.Fatal(err)
	}
	want := strings.TrimPrefix(`
2026-11-25T09:00:00Z  recording-00000001.jsonl  framework started, recorded by v1
2026-11-25T10:00:00.000005Z  decision 7
  · subscribed F at m:5050
  · disconnected gone�[2J or not
  · offers    2 from h1, h2
  · rescinded O1
  · update    t FAILED by AGENT, R, m, 2 bytes of data
  · failure   agent S0, executor e, status 9
  · failed    REVIVE: 503
  · verb      pause deploy data now, by alice: lunch
  → commit    pods/data-0 -facts/deploy/pause
  → ACCEPT    RESERVE disk:5
  → ACCEPT    LAUNCH data-0-server__1 on S0
  → ACCEPT    GROW_VOLUME disk:5 by disk:5
  → DECLINE   1 offers for 1h0m0s
  → KILL      t
  → ACKNOWLEDGE t
  → RECONCILE everything
  → RECONCILE 1 tasks
  → REVIVE
  → MESSAGE   to e on S0, 3 bytes
  → answer    done: paused
`, "\n")
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReplayJSON(t *testing.T) {
	var out strings.Builder
	r := &replayJSON{out: json.NewEncoder(&out)}
	if err := r.decision(everything()); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Type    string
		Events  []struct{ Event string }
		Records []struct {
			Key     string
			Deleted bool
		}
		Calls   []struct{ Call string }
		Answers []struct{ Code, Message string }
	}
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil {
		t.Fatal(err)
	}
	if got.Type != "decision" || len(got.Events) != 8 || got.Events[4].Event != "Updated" || len(got.Records) != 2 || !got.Records[1].Deleted ||
		len(got.Calls) != 9 || got.Calls[0].Call != "ACCEPT" || len(got.Answers) != 1 || got.Answers[0].Message != "paused" {
		t.Errorf("%s", out.String())
	}
}
