package tracetest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var (
	// mostShown is how many problems of one recording are printed.
	mostShown = flag.Int("problems", 25, "how many problems of each recording are printed")
	// recordings is where other recordings can be read from.
	recordings = flag.String("recordings", folder, "the folder of the recordings that are replayed")
)

// TestRecordings replays every recording. Run it with -v to see how much of each was compared.
func TestRecordings(t *testing.T) {
	names, used := replayAll(t, *recordings)
	for _, a := range used.unneeded(names) {
		t.Errorf("%s: this difference is allowed but does not occur: take it off the list", a.problem)
	}
}

// TestRenamedRecordings: nothing that a replay knows depends on what a recording is called.
func TestRenamedRecordings(t *testing.T) {
	if testing.Short() {
		t.Skip("replays every recording a second time")
	}
	traces, err := readTraces(*recordings)
	if err != nil {
		t.Fatal(err)
	}
	renamed := t.TempDir()
	for i, trace := range traces {
		text, err := os.ReadFile(filepath.Join(*recordings, trace.name+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("another-%02d.jsonl", len(traces)-i)
		if err := os.WriteFile(filepath.Join(renamed, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	replayAll(t, renamed)
}

// replayAll replays the recordings of a folder. It tells their names, and what was allowed.
func replayAll(t *testing.T, folder string) (names []string, used ledger) {
	t.Helper()
	traces, err := readTraces(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(traces) == 0 {
		t.Fatal("no recordings in " + folder)
	}
	used = ledger{}
	for _, trace := range traces {
		t.Run(trace.name, func(t *testing.T) {
			names = append(names, trace.name)
			r := run(t, trace, used)
			t.Logf("%d events and answers alike, %d differences allowed, %d problems", r.matched, r.allowed, len(r.problems))
			shown := r.problems
			if len(shown) > *mostShown {
				shown = shown[:*mostShown]
			}
			if len(shown) > 0 {
				t.Errorf("%d problems:\n%s", len(r.problems), strings.Join(shown, "\n"))
			}
		})
	}
	return names, used
}
