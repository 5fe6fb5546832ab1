package tracetest

import (
	"path/filepath"
	"testing"
)

// TestOwnRecordings: the recordings in testdata/own are of other things than those of Mesos, and were made otherwise. Most are of a sandbox in real
// time: their driver waits for no answer before it reacts to what comes, so that calls are answered out of order; agents are several, reboot, take
// their leave and return with what they had; checks fail close to their interval. One was made up: while an agent is away, an update is repeated by the
// clock.
func TestOwnRecordings(t *testing.T) {
	replayAll(t, filepath.Join("testdata", "own"))
}

// TestAlteredOwnRecordings: what is changed in them is noticed.
func TestAlteredOwnRecordings(t *testing.T) {
	update := func(task, state string) func(*line) bool {
		return func(l *line) bool {
			return l.text("update", "status", "task_id", "value") == task && l.text("update", "status", "state") == state
		}
	}
	for _, tc := range []struct {
		name, file string
		alter      func(*trace)
	}{
		{"no TASK_STARTING", "framework-failover", remove(update("t1", "TASK_STARTING"))},
		{"a failed check less", "updates", remove(func(l *line) bool { return l.at("update", "status", "healthy") == false })},
		{"the agent has another id", "agent-leaves", func(tr *trace) {
			all := list(first(tr, func(l *line) bool { return l.typ() == "OFFERS" && l.T > 3 }).at("offers", "offers"))
			id := dig(all[0], "agent_id").(map[string]any)
			id["value"] = id["value"].(string)[:36] + "-S7"
		}},
		{"a task survives the reboot", "reboot", set(update("t1", "TASK_FAILED"), "TASK_RUNNING", "update", "status", "state")},
		{"repeated after 8 s", "repeated-meanwhile", func(tr *trace) { tr.lines[len(tr.lines)-1].T -= 2 }},
		{"the task is forgotten", "master-failover-0", func(tr *trace) {
			last := tr.lines[len(tr.lines)-1]
			for _, l := range tr.lines {
				if l.text("update", "status", "reason") == "REASON_RECONCILIATION" {
					last = l
				}
			}
			last.at("update", "status").(map[string]any)["state"] = "TASK_UNKNOWN"
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			wantNoticed(t, filepath.Join("testdata", "own", tc.file+".jsonl"), tc.alter)
		})
	}
}
