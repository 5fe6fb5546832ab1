package tracetest

import (
	"path/filepath"
	"testing"
)

// TestWordsOfNotes: the same is said of an agent in many ways.
func TestWordsOfNotes(t *testing.T) {
	type meaning struct{ leaves, ends, fresh, starts bool }
	for note, want := range map[string]meaning{
		"agent killed with -9":                                    {ends: true},
		"SIGKILL agent; wait past the timeouts":                   {ends: true},
		"SIGKILL to the agent, other work_dir":                    {ends: true, fresh: true},
		"kill -9 agent; rm -rf work_dir; start":                   {ends: true, fresh: true, starts: true},
		"agent killed, wiped work_dir":                            {ends: true, fresh: true},
		"agent killed; work_dir deleted; agent started":           {ends: true, fresh: true, starts: true},
		"agent 2 restarted with a new work_dir":                   {fresh: true, starts: true},
		"fresh work_dir at the same address, inside the timeouts": {fresh: true},
		"rm -rf work_dir of the agent, started again":             {fresh: true, starts: true},
		"agent back with new id":                                  {fresh: true, starts: true},
		"agent started again, same work_dir, executors alive":     {starts: true},
		"agent returns":               {starts: true},
		"agent 1 is up again":         {starts: true},
		"agent restart":               {starts: true},
		"started again":               {starts: true},
		"SIGUSR1 to the agent":        {leaves: true},
		"agent stopped with SIGUSR1":  {leaves: true, ends: true},
		"kill -USR1 agent":            {leaves: true, ends: true},
		"MESSAGE after agent restart": {},
		"master started again":        {},
		"REVIVE: the new agent":       {},
		"kill -9 of executor pid (agent /containers status.executor_pid)":                      {},
		"framework B with checkpoint=false: executor and agent restart":                        {},
		"KILL of a task id never seen, with and without agent_id":                              {},
		"KILL / RECONCILE unknown task on the disconnected agent":                              {},
		"subscribed with a new framework id":                                                   {},
		"operator stream: what it sees when a task is killed, a framework ends, an agent goes": {},
	} {
		acts := agentLeaves.MatchString(note) || agentEnds.MatchString(note) || agentFresh.MatchString(note)
		got := meaning{
			leaves: agentLeaves.MatchString(note), ends: agentEnds.MatchString(note), fresh: agentFresh.MatchString(note),
			starts: agentRestarts.MatchString(note) || agentStarts.MatchString(note) || acts && startsLater.MatchString(note),
		}
		if got != want {
			t.Errorf("%q means %+v, want %+v", note, got, want)
		}
	}
}

// TestRewordedNotes: what happens does not hang on the words of those who recorded it.
func TestRewordedNotes(t *testing.T) {
	const killed, back = "SIGKILL agent; wait past the timeouts", "agent started again, same work_dir, executors alive"
	for _, words := range [][2]string{
		{"agent killed with -9", "agent is back"},
		{"kill -9 agent", "start agent"},
		{"the agent is killed, later it is started again", "agent process started"},
		{"agent SIGKILLed; back after the timeouts", "with the same work_dir"},
		{"agent stopped with SIGKILL", "started again"},
		{"agent crashes", "agent restarted, fresh work_dir"}, // which the recording contradicts
		{"first part: agent lost", "agent 1 returns"},
	} {
		t.Run(words[0], func(t *testing.T) {
			trace, err := readTrace(filepath.Join(folder, "08a-agent-lost-and-back.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			for i, note := range []string{killed, back} {
				first(trace, func(l *line) bool { return l.note() == note }).decoded = words[i]
			}
			if r := run(t, trace, ledger{}); len(r.problems) > 0 {
				t.Errorf("%d problems: %s", len(r.problems), r.problems[0])
			}
		})
	}
}
