package tracetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// kept are notes that a driver writes itself, or that tell of flags: every recording has them in the same words.
var kept = regexp.MustCompile(`^stream of|^stream to the agent|^executor |left out|--\w+=|registry (in_memory|replicated_log)|^port open|header on`)

// hard is how many problems a recording still has when nothing says what was done. The rest of what a note tells can't be seen in calls and events.
var hard = map[string]int{
	"05-task-group-default-executor":    1,  // that an executor was killed, where its tasks come first
	"06-custom-executor":                1,  // when an agent without executors came back
	"07-bad-accepts":                    1,  // that an agent was killed of which no offer is told
	"11a-master-restart-in-memory":      16, // that a round of offers was under way when the master was killed
	"11b-master-restart-replicated-log": 1,  // that an agent was killed just before its master
	"11c-zk-two-masters":                15, // which of two masters was killed, and what was asked again and again meanwhile
	"14-operator-api-state":             2,  // when an agent was killed that nobody had an offer of
}

// TestUnknownNotes: what was done to a cluster is mostly seen in what came of it, so that the notes of a new recording may be in any words.
func TestUnknownNotes(t *testing.T) {
	if testing.Short() {
		t.Skip("replays every recording again")
	}
	traces, err := readTraces(folder)
	if err != nil {
		t.Fatal(err)
	}
	reworded := t.TempDir()
	for _, trace := range traces {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		for i, l := range bytes.Split(bytes.TrimSpace(read(t, filepath.Join(folder, trace.name+".jsonl"))), []byte("\n")) {
			var fields map[string]json.RawMessage
			if err := json.Unmarshal(l, &fields); err != nil {
				t.Fatal(err)
			}
			if note, said := trace.lines[i].decoded.(string); trace.lines[i].Dir == noteLine && said && !kept.MatchString(note) {
				fields["body"] = json.RawMessage(fmt.Sprintf(`"step %d"`, i))
			}
			if err := encoder.Encode(fields); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(reworded, trace.name+".jsonl"), text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	traces, err = readTraces(reworded)
	if err != nil {
		t.Fatal(err)
	}
	for _, trace := range traces {
		t.Run(trace.name, func(t *testing.T) {
			r := run(t, trace, ledger{})
			t.Logf("%d events and answers alike, %d problems", r.matched, len(r.problems))
			if len(r.problems) > hard[trace.name] {
				t.Errorf("%d problems, want at most %d: %s", len(r.problems), hard[trace.name], r.problems[0])
			}
		})
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
