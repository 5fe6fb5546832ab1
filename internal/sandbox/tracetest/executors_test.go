package tracetest

import (
	"strings"
	"time"
)

// Executors are clients of an agent. Their lines were put among those of the others by time, so that the update of a task
// can stand before the call of the executor that made it.

const (
	executorPrefix        = "executor:"
	executorStreamFollows = "(stream follows)"
	// interleaved is how much later than its consequence a call of an executor can stand.
	interleaved = 15 * time.Millisecond
)

// endpointOf is where calls of a line's `who` go if it does not say.
func endpointOf(l *line) string {
	if strings.HasPrefix(l.Who, executorPrefix) {
		return "/api/v1/executor"
	}
	return "/api/v1/scheduler"
}

// executorCalls: what an executor calls right after a line may be what the line is a consequence of.
func executorCalls(r *replay, l *line) bool {
	for _, next := range r.trace.lines[l.number:] {
		if seconds(next.T-l.T) > interleaved {
			return false
		}
		if next.Dir != callLine || !strings.HasPrefix(next.Who, executorPrefix) || r.ahead[next] {
			continue
		}
		r.ahead[next] = true
		r.makeCall(next)
		return true
	}
	return false
}
