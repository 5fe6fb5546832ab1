package tracetest

import (
	"strings"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// processFails: an agent says of a task that its container could not be launched, or that there was no room for it. The
// words are the world's, not the model's, so they are taken from the recording.
func processFails(r *replay, l *line) bool {
	p := r.machine.process(l.text("update", "status", "task_id", "value"))
	if p == nil || l.text("update", "status", "source") != "SOURCE_AGENT" || !r.machine.stillRuns(p) {
		return false
	}
	message := r.ids.translate(l.text("update", "status", "message"))
	problem, launched := strings.CutPrefix(message, "Failed to launch container: ")
	switch {
	case launched:
		r.machine.drop(p)
		p.report.Failed(problem)
	case strings.HasPrefix(message, "Failed to create executor directory"):
		r.machine.drop(p)
		p.report.Refused(message)
	default:
		return false
	}
	return true
}

// executorKilled: the agent's word that an executor has terminated shows that somebody killed it, or that it has ended.
func executorKilled(r *replay, l *line) bool {
	p := r.machine.process(l.text("update", "status", "task_id", "value"))
	if p == nil || l.text("update", "status", "message") != "Executor terminated" || !r.machine.stillRuns(p) {
		return false
	}
	r.machine.drop(p)
	p.report.Exited(cluster.Exit{Status: 9, Lost: true})
	return true
}

// executorEnds: a FAILURE tells how an executor that is no task's has ended.
func executorEnds(r *replay, l *line) bool {
	if l.typ() != "FAILURE" {
		return false
	}
	p := r.machine.process(l.text("failure", "executor_id", "value"))
	if p == nil {
		return false
	}
	status, _ := l.at("failure", "status").(float64)
	return r.machine.exit(p, cluster.Exit{Status: int(status)})
}

// drop takes a process for ended, without a word of it.
func (m *machine) drop(p *process) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p.started, p.ended = true, true
}
