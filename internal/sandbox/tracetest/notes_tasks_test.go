package tracetest

import (
	"regexp"
	"strings"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// taskNotes are about what was done to the processes of tasks and executors.
var taskNotes = []note{
	{regexp.MustCompile(`^\{"executor started, environment"`), func(r *replay, l *line, _ []string) {
		if p := r.machine.process(strings.TrimPrefix(l.Who, executorPrefix)); p != nil {
			r.machine.begin(p)
		}
	}},
	{regexp.MustCompile(`^stream to the agent ended: EOFError`), (*replay).executorLeft},
	{regexp.MustCompile(`^default executor process killed with kill -9 under (\S+)`), func(r *replay, _ *line, m []string) {
		if p := r.machine.process(m[1]); p != nil {
			r.machine.exit(r.machine.process(p.start.Executor), cluster.Exit{Status: 9})
		}
	}},
}

var taskAllowances = []*allowance{
	{seen: "05-task-group-default-executor", chance: true, problem: regexp.MustCompile(`^update\.status\.container_status\.(network_infos|executor_pid)`), when: groupStarting,
		reason: "TASK_STARTING of a group: an agent adds what it knows of the container by then, which is a race; here it is always too early"},
}

// groupStarting tells whether a line is the first update of a task of a group, whose executor is that of the group.
func groupStarting(_ *replay, l *line) bool {
	executor := l.text("update", "status", "executor_id", "value")
	return l.text("update", "status", "state") == "TASK_STARTING" && executor != "" && executor != l.text("update", "status", "task_id", "value")
}
