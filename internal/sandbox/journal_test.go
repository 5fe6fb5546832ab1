package sandbox_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox"
	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

// journaled runs a task in a sandbox, loses an update of it and kills the agent.
func journaled(t *testing.T, cfg sandbox.Config) {
	t.Helper()
	s, err := sandbox.Start(deadline(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	c.launch(c.offer(), shell("t1", "sleep 1000"))
	c.running("t1")
	inject(t, s, fault.Fault{Kind: fault.AgentKill, Agent: "0"})
	if _, err := s.ClearFaults(); err != nil {
		t.Fatal(err)
	}
}

func TestJournal(t *testing.T) {
	var out bytes.Buffer
	cfg := oneAgent(filepath.Join(t.TempDir(), "agent"))
	cfg.AllocationInterval, cfg.Journal = 20*time.Millisecond, &out
	journaled(t, cfg)

	var told []string
	var last time.Time
	for text := range strings.Lines(out.String()) {
		var l sandbox.JournalLine
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if l.At.IsZero() || l.Kind == "" || l.Name == "" && !slices.Contains([]string{"lost", "start", "tick"}, l.Kind) {
			t.Errorf("incomplete: %s", text)
		}
		if l.Kind != "fault" && l.Kind != "fault-end" {
			if l.At.Before(last) {
				t.Errorf("earlier than the line before: %s", text)
			}
			last = l.At
		}
		var body struct{ Type string }
		_ = json.Unmarshal(l.Body, &body) // others have no type
		told = append(told, strings.TrimSpace(l.Kind+" "+l.Name+" "+body.Type))
	}
	want := []string{ // among others, in this order
		"input AddAgent", "answer AddAgent", "input Subscribe SUBSCRIBE", "answer Subscribe",
		"effect SendToScheduler SUBSCRIBED", "effect SendToScheduler OFFERS", "input Call ACCEPT", "answer Call",
		"effect StartProcess", "input ProcessStarted", "effect SendToScheduler UPDATE", "fault agent-kill", "input KillAgent",
		"input StartAgent", "fault-end agent-kill",
	}
	rest := told
	for _, line := range want {
		i := slices.Index(rest, line)
		if i < 0 {
			t.Fatalf("no %q, or not in this order, in\n%s", line, strings.Join(told, "\n"))
		}
		rest = rest[i+1:]
	}
}

type fullDisk struct{ written int }

func (d *fullDisk) Write([]byte) (int, error) {
	d.written++
	return 0, errors.New("no space left on device")
}

// A journal that can't be written ends, is told of once, and nothing else is harmed.
func TestJournalThatCannotBeWritten(t *testing.T) {
	var log bytes.Buffer
	disk := &fullDisk{}
	cfg := oneAgent(filepath.Join(t.TempDir(), "agent"))
	cfg.AllocationInterval, cfg.Journal = 20*time.Millisecond, disk
	cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
	journaled(t, cfg)
	if disk.written != 1 || strings.Count(log.String(), "no space left") != 1 {
		t.Errorf("written to %d times, log: %s", disk.written, log.String())
	}
}

// written is the journal of a sandbox that lived a little.
func written(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	cfg := oneAgent(filepath.Join(t.TempDir(), "agent"))
	cfg.AllocationInterval, cfg.Journal = 20*time.Millisecond, &out
	journaled(t, cfg)
	return out.Bytes()
}

func TestReplay(t *testing.T) {
	text := written(t)
	got, err := sandbox.Replay(bytes.NewReader(text), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range got.Differences {
		t.Errorf("line %d:\nwant %s\ngot  %s", d.Line, d.Want, d.Got)
	}
	if got.Inputs < 10 || got.Lines < 20 || !got.Ended.After(got.Began) {
		t.Errorf("%d inputs and %d lines from %v to %v", got.Inputs, got.Lines, got.Began, got.Ended)
	}
	if !bytes.Contains(got.State, []byte(`"agents":[{`)) {
		t.Errorf("state %s", got.State)
	}
}

// What a journal says of a moment is what was then: the task is there from its launch on.
func TestReplayUntil(t *testing.T) {
	text := written(t)
	var before, after time.Time
	for line := range bytes.Lines(text) {
		var l sandbox.JournalLine
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatal(err)
		}
		if l.Name == "Call" && l.Kind == "input" && bytes.Contains(l.Body, []byte("ACCEPT")) {
			after = l.At
			break
		}
		before = l.At
	}
	for _, test := range []struct {
		until time.Time
		want  bool
	}{{before, false}, {after, true}} {
		got, err := sandbox.Replay(bytes.NewReader(text), test.until)
		if err != nil {
			t.Fatal(err)
		}
		if has := bytes.Contains(got.State, []byte(`"task_id":{"value":"t1"}`)); has != test.want || len(got.Differences) > 0 {
			t.Errorf("until %v: task there: %t, differences %v", test.until, has, got.Differences)
		}
	}
}

// A journal ends where its sandbox was killed: in the middle of a line, or of a step.
func TestReplayOfATornJournal(t *testing.T) {
	text := written(t)
	first := bytes.IndexByte(text, '\n') + 1
	for n := first; n < len(text); n += 97 {
		got, err := sandbox.Replay(bytes.NewReader(text[:n]), time.Time{})
		if err != nil || len(got.Differences) > 0 {
			t.Fatalf("torn at byte %d: %v, %+v", n, err, got)
		}
	}
}

func TestReplayTellsDifferences(t *testing.T) {
	text := written(t)
	changed := bytes.Replace(text, []byte(`"kind":"answer","name":"Call","status":202`), []byte(`"kind":"answer","name":"Call","status":400`), 1)
	if bytes.Equal(changed, text) {
		t.Fatal("no call was answered with 202")
	}
	got, err := sandbox.Replay(bytes.NewReader(changed), time.Time{})
	if err != nil || len(got.Differences) != 1 || !strings.Contains(got.Differences[0].Want, "400") || !strings.Contains(got.Differences[0].Got, "202") {
		t.Errorf("%v, %+v", err, got)
	}
	var lines [][]byte
	for line := range bytes.Lines(text) {
		if !bytes.Contains(line, []byte(`"name":"ProcessStarted"`)) {
			lines = append(lines, line)
		}
	}
	if got, err = sandbox.Replay(bytes.NewReader(bytes.Join(lines, nil)), time.Time{}); err != nil || len(got.Differences) == 0 {
		t.Errorf("without the start of a process: %v, %+v", err, got)
	}
}

func TestReplayRefuses(t *testing.T) {
	start, _, _ := bytes.Cut(written(t), []byte("\n"))
	for _, test := range []struct{ name, text, want string }{
		{"nothing", "", "journal: has no line of kind start"},
		{"no JSON", "hello\n", "journal: line 1: invalid character"},
		{"no start", `{"at":"2026-11-22T17:00:00Z","kind":"input","name":"Tick"}` + "\n", "a journal begins with a line of kind start"},
		{"made by hand", `{"at":"2026-11-22T17:00:00Z","kind":"start","body":{}}` + "\n", "given ids, an order of agents or scripts"},
		{"no seed", `{"at":"2026-11-22T17:00:00Z","kind":"start","body":{"Repeatable":true}}` + "\n", "must have a MasterID and a Seed"},
		{"unknown kind", string(start) + "\n" + `{"at":"2026-11-22T17:00:00Z","kind":"surprise"}` + "\n", `journal: line 2: kind "surprise": there is none of that name`},
		{"unknown input", string(start) + "\n" + `{"at":"2026-11-22T17:00:00Z","kind":"input","name":"Explode"}` + "\n", `journal: line 2: input "Explode": there is none`},
		{"wrong body", string(start) + "\n" + `{"at":"2026-11-22T17:00:00Z","kind":"input","name":"Call","body":{"type":7.5}}` + "\n", "journal: line 2: body: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := sandbox.Replay(strings.NewReader(test.text), time.Time{}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}

// FuzzReplay: a journal is a file, and files can have anything in them.
func FuzzReplay(f *testing.F) {
	const at = `{"at":"2026-11-22T17:00:0`
	lines := []string{
		at + `0Z","kind":"start","body":{"Config":{"MasterID":"M","IP":"127.0.0.1","Port":5050,"AllocationInterval":500000000},"Seed":"bmwvXKDWU6iXrS9MLtRLj/BUB1y3gdQgje5urF1ye7I=","Repeatable":true}}`,
		at + `0Z","kind":"input","name":"AddAgent","body":{"ID":"M-S0","Hostname":"h","IP":"127.0.0.2","Port":5051,"Resources":[{"name":"cpus","type":"SCALAR","scalar":{"value":4}},{"name":"mem","type":"SCALAR","scalar":{"value":1024}}]}}`,
		at + `1Z","kind":"input","name":"Subscribe","body":{"type":"SUBSCRIBE","subscribe":{"framework_info":{"user":"root","name":"A","roles":["dev"],"capabilities":[{"type":"MULTI_ROLE"}]}}}}`,
		at + `2Z","kind":"tick"}`,
		at + `3Z","kind":"input","name":"KillAgent","agent":"M-S0"}`,
		at + `4Z","kind":"lost","body":{"Agent":"M-S0","Tasks":["t1"]}}`,
		at + `5Z","kind":"input","name":"StartAgent","agent":"M-S0","body":{"NewID":true,"Delay":1000}}`,
		at + `5Z","kind":"input","name":"Operate","principal":"p","body":{"type":"MARK_AGENT_GONE","mark_agent_gone":{"agent_id":{"value":"M-S0"}}}}`,
		at + `6Z","kind":"input","name":"FailOver","body":{"MasterID":"N","Outage":[{"State":3,"For":5}]}}`,
		at + `7Z","kind":"fault","name":"agent-kill","body":{}}`,
		at + `8Z","kind":"input","name":"Tick"}`,
	}
	f.Add(strings.Join(lines, "\n")+"\n", int64(0))
	f.Add(strings.Join(lines[:4], "\n")+"\n{", int64(1))
	f.Fuzz(func(t *testing.T, text string, after int64) {
		var until time.Time
		if after != 0 {
			until = time.Date(2026, 11, 22, 17, 0, 0, 0, time.UTC).Add(time.Duration(after))
		}
		done, err := sandbox.Replay(strings.NewReader(text), until)
		if (done == nil) == (err == nil) {
			t.Errorf("%v, %v", done, err)
		}
	})
}
