package sim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
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
			s := readStory(t, file)
			if r := sim.Run(s.Schedule, nil); r.Broken != "" {
				t.Errorf("%s\nagain: %s", r, s.Found)
			}
		})
	}
}

func readStory(t *testing.T, file string) story {
	t.Helper()
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
	return s
}

// keep writes down a schedule that failed: into a folder if one is given, or else shows it, and how to keep it.
func keep(t *testing.T, r sim.Result) {
	t.Helper()
	text, err := json.MarshalIndent(story{Found: r.Broken + ": " + r.Detail, Schedule: r.Schedule}, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if *save == "" {
		t.Logf("shrunk: %s\nto keep it, put this into testdata/corpus (or use -sim.save):\n%s", r, text)
		return
	}
	path, err := saveStory(*save, r.Schedule.Seed, text)
	if err != nil {
		t.Errorf("saving the schedule: %v", err)
		return
	}
	t.Logf("shrunk: %s\nsaved as %s: say there in \"found\" what was wrong, and name it after that", r, path)
}

// saveStory writes a story into a folder, with the number after the highest there.
func saveStory(dir string, seed uint64, text []byte) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return "", err
	}
	number := 0
	for _, file := range files {
		var n int
		if _, err := fmt.Sscanf(filepath.Base(file), "%d_", &n); err == nil {
			number = max(number, n)
		}
	}
	path := filepath.Join(dir, fmt.Sprintf("%03d_seed_%d.json", number+1, seed))
	return path, os.WriteFile(path, append(text, '\n'), 0o644)
}

// TestSaveStory: what is saved is numbered, and can be read as a part of the corpus.
func TestSaveStory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "corpus")
	text, err := json.Marshal(story{Found: "something", Schedule: sim.Draw(3)})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"001_seed_3.json", "002_seed_3.json"} {
		path, err := saveStory(dir, 3, text)
		if err != nil || filepath.Base(path) != want {
			t.Fatalf("saved as %s, not as %s: %v", path, want, err)
		}
		if s := readStory(t, path); !reflect.DeepEqual(s.Schedule, sim.Draw(3)) {
			t.Errorf("read again: %+v", s.Schedule)
		}
	}
}
