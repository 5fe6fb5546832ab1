package tracetest

import (
	"regexp"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
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

// agentFails is in what a recording says of a case in which an agent is killed under its executors.
var agentFails = regexp.MustCompile(`agent SIGKILLed|agent stopped with SIGTERM|agent restart`)

// executorLeft: the stream of an executor ends since its agent is killed, if that is what the case is about.
func (r *replay) executorLeft(l *line, _ []string) {
	a := r.agentWith(strings.TrimPrefix(l.Who, executorPrefix))
	if a == nil || r.isDown(a) || !agentFails.MatchString(r.trace.caseOf(l)) && !r.triesAgain(l) {
		return
	}
	r.befall(l, a, (*cluster.Cluster).KillAgent)
	r.after(r.startsAgain(l), func() {
		r.do(l, func(now time.Time, c *cluster.Cluster) ([]cluster.Effect, error) {
			return c.StartAgent(now, a.id, cluster.AgentStart{})
		})
	})
}

// triesAgain tells whether an executor whose stream has ended finds nobody at its agent, or subscribes anew: then it is not the executor that ended.
func (r *replay) triesAgain(l *line) bool {
	return r.trace.next(l, 2*time.Second, func(other *line) bool {
		return other.Who == l.Who && (strings.Contains(other.note(), "ConnectionRefused") || other.Dir == callLine && other.typ() == "SUBSCRIBE")
	}).number > 0
}

// startsAgain is when an agent starts whose executor has noticed its end in a line: after the last attempt of the executor
// to subscribe that found nobody, or before one that was refused, or some time later if the executor tries no more.
func (r *replay) startsAgain(l *line) float64 {
	starts := l.T + 0.4
	for _, next := range r.trace.lines[l.number:] {
		if next.Who != l.Who {
			continue
		}
		switch text := next.note(); {
		case next.Dir == responseLine && text == executorStreamFollows:
			return starts
		case next.Dir == responseLine: // refused by an agent that is there
			starts = next.T - 0.05
		case next.Dir == noteLine && strings.HasPrefix(text, "stream to the agent ended"):
			starts = next.T + 0.01
		}
	}
	return starts
}

// agentWith is the agent that an executor runs on, nil if there is no such executor.
func (r *replay) agentWith(executor string) *agentSpec {
	p := r.machine.process(executor)
	if p == nil {
		return nil
	}
	for _, a := range r.agents {
		if a.id == p.start.Agent {
			return a
		}
	}
	return nil
}
