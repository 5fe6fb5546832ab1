package tracetest

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// agentNotes are about agents that fail, leave or come back. The first that fits counts, so the general ones are at the end.
var agentNotes = []note{
	{regexp.MustCompile(`killed together with its executors, back with the same work_dir`), (*replay).rebootAgent},
	{regexp.MustCompile(`agent restarted inside the timeouts \(([\d.]+) s\)`), (*replay).restartAgent},
	{regexp.MustCompile(`agent restarted within the ping timeout`), (*replay).killAndStartAgent},
	{regexp.MustCompile(`agent stopped with SIGSTOP`), (*replay).freezeAgent},
	{regexp.MustCompile(`^SIGCONT$`), (*replay).thawAgent},
	{regexp.MustCompile(`^agent( \d)? started again|^agent restarted during maintenance|agent( \d)? returns`), (*replay).startAgent},
	{regexp.MustCompile(`^STOP_MAINTENANCE, agent restarted|^agent process exit code: 0`), (*replay).replaceAgent},
	{regexp.MustCompile(`SIGUSR1`), (*replay).stopAgent},
	{regexp.MustCompile(`(fresh|new|empty|other) work_dir|new (agent )?id\b`), (*replay).killAndReplaceAgent},
	{regexp.MustCompile(`^agent (SIGKILLed|stopped with SIGTERM)`), func(*replay, *line, []string) {}}, // see executorLeft
	{regexp.MustCompile(`(?i)(SIGKILL|kill -9)( to| of)?( the)? agent|\bagent( \d)? (was )?(killed|SIGKILL)`), (*replay).killAgent},
}

var numbered = regexp.MustCompile(`\bagent (\d)\b`)

// agentOf is the agent that a note means: that with the number in it, or the one that is lost after it, or the only one. Its
// id is the first that it had.
func (r *replay) agentOf(l *line) *agentSpec {
	if m := numbered.FindStringSubmatch(l.note()); m != nil {
		number, _ := strconv.Atoi(m[1])
		_, port, _ := net.SplitHostPort(r.master)
		base, _ := strconv.Atoi(port)
		for _, a := range r.agents {
			if a.port == base+number {
				return a
			}
		}
	}
	for _, next := range r.trace.lines[l.number:] {
		if next.Dir == noteLine && aboutCluster.MatchString(next.note()) {
			break
		}
		id := next.text("failure", "agent_id", "value")
		if i := slices.IndexFunc(r.agents, func(a *agentSpec) bool { return a.id == id }); i >= 0 && next.at("failure", "executor_id") == nil {
			return r.agents[i]
		}
	}
	return r.agents[0]
}

// do does something to the cluster now.
func (r *replay) do(l *line, what func(now time.Time, c *cluster.Cluster) ([]cluster.Effect, error)) {
	r.sandbox.Do(func(now time.Time, c *cluster.Cluster) []cluster.Effect {
		effects, err := what(now, c)
		if err != nil {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.failures = append(r.failures, fmt.Sprintf("%s: %v", r.trace.where(l), err))
		}
		return effects
	})
}

// after does something at a time of the recording.
func (r *replay) after(t float64, what func()) {
	done := r.background()
	time.AfterFunc(max(0, seconds(t)+r.offset-r.elapsed()), func() { defer done(); what() })
}

type agentFault func(c *cluster.Cluster, now time.Time, id string) []cluster.Effect

func (r *replay) befall(l *line, a *agentSpec, fault agentFault) {
	r.do(l, func(now time.Time, c *cluster.Cluster) ([]cluster.Effect, error) { return fault(c, now, a.id), nil })
}

func (r *replay) killAgent(l *line, _ []string) {
	r.befall(l, r.agentOf(l), (*cluster.Cluster).KillAgent)
}

func (r *replay) stopAgent(l *line, _ []string) {
	r.befall(l, r.agentOf(l), (*cluster.Cluster).StopAgent)
}

func (r *replay) freezeAgent(l *line, _ []string) {
	r.befall(l, r.agentOf(l), (*cluster.Cluster).PartitionAgent)
}

func (r *replay) thawAgent(l *line, _ []string) {
	r.befall(l, r.agentOf(l), (*cluster.Cluster).HealAgent)
}

// killAndStartAgent is an agent that is back before it is given up.
func (r *replay) killAndStartAgent(l *line, _ []string) {
	const registration = 0.3
	a := r.agentOf(l)
	r.befall(l, a, (*cluster.Cluster).KillAgent)
	if back, ok := r.shows(l, a); ok {
		r.after(back-registration, r.startAs(l, a, cluster.AgentStart{}))
	}
}

// startAgent starts the agent that is down, so that it registers when it did in the recording. If nothing has told of its end, it ends now.
func (r *replay) startAgent(l *line, _ []string) {
	a := r.down(l)
	if !r.isDown(a) {
		r.befall(l, a, (*cluster.Cluster).KillAgent)
	}
	r.startNow(l, a, cluster.AgentStart{})
}

// down is the agent that a note says comes back: the one that is not there.
func (r *replay) down(l *line) *agentSpec {
	for _, a := range r.agents {
		if r.isDown(a) {
			return a
		}
	}
	return r.agentOf(l)
}

func (r *replay) isDown(a *agentSpec) (down bool) {
	r.sandbox.Do(func(_ time.Time, c *cluster.Cluster) []cluster.Effect {
		down = !c.AgentProcess(a.id).Up
		return nil
	})
	return down
}

// startNow is a start of an agent's process.
func (r *replay) startNow(l *line, a *agentSpec, start cluster.AgentStart) { r.startAs(l, a, start)() }

// startAs is a start of an agent's process some time. It registers when the recording first shows something of it, unless it
// needs longer.
func (r *replay) startAs(l *line, a *agentSpec, start cluster.AgentStart) func() {
	back, ok := r.shows(l, a)
	registers := seconds(back) + r.offset
	return func() {
		r.do(l, func(now time.Time, c *cluster.Cluster) ([]cluster.Effect, error) {
			effects, err := c.StartAgent(now, a.id, start)
			if early := r.start.Add(registers).Sub(c.AgentProcess(a.id).RegisterAt); ok && early > 0 {
				effects = append(effects, c.DelayAgent(now, a.id, early)...)
			}
			return effects, err
		})
	}
}

// shows is when a recording first shows, after a line, that an agent is there, and whether it does before another note
// is about agents or masters.
func (r *replay) shows(after *line, a *agentSpec) (float64, bool) {
	for _, l := range r.trace.lines[after.number:] {
		if l.Dir == noteLine && aboutCluster.MatchString(l.note()) {
			return 0, false
		}
		if l.Dir == eventLine && r.isOf(l, a) {
			return l.T, !r.afterSubscribed(l) // else it may have been there for long
		}
	}
	return 0, false
}

var aboutCluster = regexp.MustCompile(`(?i)\b(killed|SIGKILL|SIGSTOP|restart|started again|exit code)`)

// isOf tells whether an event can only come of an agent that has just registered.
func (r *replay) isOf(l *line, a *agentSpec) bool {
	switch l.typ() {
	case "UPDATE":
		return l.text("update", "status", "reason") == "REASON_AGENT_REREGISTERED" &&
			l.text("update", "status", "agent_id", "value") == a.id
	case "OFFERS":
		return slices.Contains(offeredPorts(l), a.port) || slices.Contains(r.offeredAgents(l), a.id)
	}
	return false
}

// afterSubscribed tells whether an event is one of those that every subscription begins with.
func (r *replay) afterSubscribed(l *line) bool {
	for i := l.number - 2; i >= 0; i-- {
		before := r.trace.lines[i]
		if before.Who != l.Who || before.Dir != eventLine || before.typ() == "HEARTBEAT" {
			continue
		}
		return before.typ() == "SUBSCRIBED" && l.T-before.T < 0.05
	}
	return false
}

func offeredPorts(l *line) []int {
	var ports []int
	offers, _ := l.at("offers", "offers").([]any)
	for _, o := range offers {
		port, _ := dig(o, "url", "address", "port").(float64)
		ports = append(ports, int(port))
	}
	return ports
}

// offeredAgents are those of an OFFERS that the recording has in short. They belong to the first master.
func (r *replay) offeredAgents(l *line) []string {
	var ids []string
	short, _ := l.at("abridged").([]any)
	for _, o := range short {
		if words := strings.Fields(fmt.Sprint(o)); len(words) > 1 {
			for _, a := range r.agents {
				if strings.HasSuffix(a.id, "-"+words[1]) {
					ids = append(ids, a.id)
				}
			}
		}
	}
	return ids
}

// restartAgent kills an agent and starts it again so many seconds later, when the tasks that are launched after the note
// run: the recording does not say when that was, since nothing was seen of it.
func (r *replay) restartAgent(l *line, m []string) {
	a := r.agentOf(l)
	gap, _ := strconv.ParseFloat(m[1], 64)
	at := l.T
	for _, next := range r.trace.lines[l.number:] {
		if next.Dir == noteLine || next.T > at+3 && at > l.T {
			break
		}
		at = next.T
	}
	r.after(at+0.6, func() { r.befall(l, a, (*cluster.Cluster).KillAgent) })
	r.after(at+0.6+gap, r.startAs(l, a, cluster.AgentStart{}))
}

// rebootAgent ends everything on a machine. Its agent starts when it must have.
func (r *replay) rebootAgent(l *line, _ []string) {
	const recovery = 2.3
	a := r.agentOf(l)
	r.befall(l, a, (*cluster.Cluster).RebootAgent)
	if back, ok := r.shows(l, a); ok {
		r.after(back-recovery, r.startAs(l, a, cluster.AgentStart{}))
	}
}

// replaceAgent starts the agent again, if there is something of it later in the recording, with a fresh work directory if
// it has another id there.
func (r *replay) replaceAgent(l *line, _ []string) {
	old := r.down(l)
	next := r.nextAgent(l, old.port)
	if next == nil || !r.isDown(old) {
		return
	}
	r.startNow(l, old, cluster.AgentStart{Wipe: next.id != r.currentID(old)})
}

// currentID is the id that an agent has in the replay, which is that of the recording.
func (r *replay) currentID(a *agentSpec) (id string) {
	r.sandbox.Do(func(_ time.Time, c *cluster.Cluster) []cluster.Effect {
		id = c.AgentProcess(a.id).ID
		return nil
	})
	return id
}

// nextAgent is the agent that the first offers after a line are of, nil if somebody starts an agent before them.
func (r *replay) nextAgent(after *line, port int) *agentSpec {
	for _, l := range r.trace.lines[after.number:] {
		if l.Dir == noteLine && aboutCluster.MatchString(l.note()) {
			return nil
		}
		offers, _ := l.at("offers", "offers").([]any)
		for _, o := range offers {
			id, _ := dig(o, "agent_id", "value").(string)
			for _, a := range r.agents {
				if a.id == id && a.port == port {
					return a
				}
			}
		}
	}
	return nil
}

// killAndReplaceAgent is another agent at the address of one that dies, at once or when it has been given up. It registers
// as soon as it can.
func (r *replay) killAndReplaceAgent(l *line, _ []string) {
	const registration = 0.3
	a := r.agentOf(l)
	r.befall(l, a, (*cluster.Cluster).KillAgent)
	if back, ok := r.replacedAt(l); ok {
		r.after(back-registration-0.05, func() {
			r.do(l, func(now time.Time, c *cluster.Cluster) ([]cluster.Effect, error) {
				return c.StartAgent(now, a.id, cluster.AgentStart{Wipe: true})
			})
		})
	}
}

// replacedAt is when a recording shows that a new agent has registered where another was.
func (r *replay) replacedAt(after *line) (float64, bool) {
	for _, l := range r.trace.lines[after.number:] {
		switch {
		case strings.Contains(l.text("update", "status", "message"), "a new agent registered"):
			return l.T, true
		case l.Dir == eventLine && l.typ() == "OFFERS":
			return l.T, true
		}
	}
	return 0, false
}

// agentsEnd: at the end of a recording its agents are ended, and the last that is seen of them is that their offers are
// rescinded.
func agentsEnd(r *replay, l *line) bool {
	if l.typ() != "RESCIND" {
		return false
	}
	for _, next := range r.trace.lines[l.number:] {
		if next.Dir != noteLine && next.typ() != "RESCIND" {
			return false
		}
	}
	ended := false
	for _, a := range r.agents {
		if !r.isDown(a) {
			ended = true
			r.befall(l, a, (*cluster.Cluster).KillAgent)
		}
	}
	return ended
}
