package tracetest

import (
	"path/filepath"
	"regexp"
	"testing"
)

// TestFreshAgents: an agent that comes back with another id is followed, whatever words tell of it. The recordings in testdata/fresh were made up
// from what FACTS 57 and 58 say.
func TestFreshAgents(t *testing.T) {
	about := regexp.MustCompile(`(?i)\bagent\b`)
	for _, tc := range []struct{ file, killed, back string }{
		{"inside-the-timeouts", "SIGKILL agent", "agent started again, empty work_dir"},
		{"inside-the-timeouts", "SIGKILL agent, rm -rf work_dir", "agent started again"},
		{"inside-the-timeouts", "agent killed with -9", "agent back with new id"},
		{"inside-the-timeouts", "agent restarted within the ping timeout with a fresh work_dir", "step"},
		{"inside-the-timeouts", "agent 1 restarted with a new work_dir", "step"},
		{"inside-the-timeouts", "agent restarted inside the timeouts (0.5 s), fresh work_dir", "step"},
		{"inside-the-timeouts", "fresh work_dir at the same address, inside the timeouts", "step"},
		{"after-the-timeouts", "SIGKILL agent; wait past the timeouts", "agent started again, fresh work_dir"},
		{"after-the-timeouts", "SIGKILL agent, fresh work_dir after the timeouts", "step"},
		{"after-the-timeouts", "SIGKILL agent, wait past the timeouts, then fresh work_dir", "agent started"},
		{"after-the-timeouts", "agent killed", "wiped work_dir, started again"},
		{"after-the-timeouts-offered-late", "SIGKILL agent past the timeouts", "agent started again, fresh work_dir"},
		{"after-the-timeouts-offered-late", "step", "new agent"},
	} {
		t.Run(tc.file+"/"+tc.killed+"/"+tc.back, func(t *testing.T) {
			trace, err := readTrace(filepath.Join("testdata", "fresh", tc.file+".jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			words := []string{tc.killed, tc.back}
			for _, l := range trace.lines {
				if l.Dir == noteLine && about.MatchString(l.note()) {
					l.decoded, words = words[0], words[1:]
				}
			}
			if r := run(t, trace, ledger{}); len(r.problems) > 0 {
				t.Errorf("%d problems: %s", len(r.problems), r.problems[0])
			}
		})
	}
}
