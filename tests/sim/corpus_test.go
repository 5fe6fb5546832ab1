package sim_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/quobyte/mesos-framework/tests/sim"
)

// story is a schedule that found a fault once.
type story struct {
	// Found is what was wrong, in a sentence or two.
	Found    string       `json:"found"`
	Schedule sim.Schedule `json:"schedule"`
}

// TestCorpus runs the schedules that have found faults.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/corpus/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var s story
			decoder := json.NewDecoder(bytes.NewReader(text))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&s); err != nil {
				t.Fatal(err)
			}
			if r := sim.Run(s.Schedule, nil); r.Broken != "" {
				t.Errorf("%s\nagain: %s", r, s.Found)
			}
		})
	}
}

// keep writes down a schedule that failed, and how to keep it.
func keep(t *testing.T, r sim.Result) {
	t.Helper()
	text, err := json.MarshalIndent(story{Found: r.Broken + ": " + r.Detail, Schedule: r.Schedule}, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("shrunk: %s\nto keep it, put this into testdata/corpus:\n%s", r, text)
}
