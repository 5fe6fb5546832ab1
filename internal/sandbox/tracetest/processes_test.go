package tracetest

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// launchFailure is in what agents say of containers that could not be launched: the words of the fetcher, of isolators, of docker, of the system.
var launchFailure = regexp.MustCompile(`\bFailed to |\bexited with status \d|\bCollect failed: |\bNo such |\bUnknown |\b[Nn]ot found\b|\bdenied\b|\b[Uu]nable to |\b[Ii]nvalid `)

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
	case launched && launchFailure.MatchString(problem):
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
	p := r.machine.process(l.text("update", "status", "executor_id", "value"))
	if p == nil || l.text("update", "status", "message") != "Executor terminated" || !r.machine.stillRuns(p) {
		return false
	}
	exit := cluster.Exit{Status: 9, Lost: true}
	failure := r.trace.next(l, swapped, func(other *line) bool {
		return other.Who == l.Who && other.text("failure", "executor_id", "value") == p.start.Executor
	})
	if status, told := failure.at("failure", "status").(float64); told {
		exit.Status = int(status)
	}
	r.machine.drop(p)
	p.report.Exited(exit)
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

// hidden is the end of a process that a line tells of much later, since its update had to wait behind others. Its time is in
// the update itself.
type hidden struct {
	at   float64 // time of the recording
	line *line
}

// hiddenEnds lists them in their order.
func (t *trace) hiddenEnds() []hidden {
	const queued = 0.5 // seconds, longer than any update is on its way
	var told []hidden
	earliest := math.Inf(1)
	for _, l := range t.lines {
		stamp, ok := l.at("update", "status", "timestamp").(float64)
		if !ok || l.Dir != eventLine || l.text("update", "status", "uuid") == "" {
			continue
		}
		earliest = min(earliest, l.T-stamp)
		told = append(told, hidden{at: stamp, line: l})
	}
	var ends []hidden
	for _, h := range told {
		h.at += earliest
		if message := h.line.text("update", "status", "message"); h.line.T-h.at > queued &&
			(exitedWith.MatchString(message) || message == "Executor terminated") {
			ends = append(ends, h)
		}
	}
	slices.SortFunc(ends, func(a, b hidden) int { return cmp.Compare(a.at, b.at) })
	return ends
}

// endHidden lets those processes end that have ended before a line.
func (r *replay) endHidden(l *line) {
	for len(r.hidden) > 0 && r.hidden[0].at <= l.T {
		h := r.hidden[0]
		r.hidden = r.hidden[1:]
		r.reach(&line{T: h.at})
		if !processExits(r, h.line) {
			executorKilled(r, h.line)
		}
		r.settle()
	}
}

// drop takes a process for ended, without a word of it.
func (m *machine) drop(p *process) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p.started, p.ended = true, true
}
