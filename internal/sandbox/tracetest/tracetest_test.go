package tracetest

import (
	"flag"
	"strings"
	"testing"
)

// mostShown is how many problems of one recording are printed.
var mostShown = flag.Int("problems", 25, "how many problems of each recording are printed")

// TestRecordings replays every recording. Run it with -v to see how much of each was compared.
func TestRecordings(t *testing.T) {
	traces, err := readTraces()
	if err != nil {
		t.Fatal(err)
	}
	if len(traces) == 0 {
		t.Fatal("no recordings in " + folder)
	}
	used := ledger{}
	var replayed []string
	for _, trace := range traces {
		t.Run(trace.name, func(t *testing.T) {
			replayed = append(replayed, trace.name)
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
	for _, a := range used.unused(replayed) {
		t.Errorf("%s %s %s: this difference is allowed but does not occur: take it off the list", a.file, a.who, a.problem)
	}
}
