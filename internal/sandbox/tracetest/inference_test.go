package tracetest

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// Notes are words, and those of a new recording may be ones that no table knows. That an agent is lost or back shows in events
// as well; then it happens when the first of them is due.

// badNews is in notes about agents that are to be lost.
var badNews = regexp.MustCompile(`(?i)\bagents?\b.*\b(kill|SIGKILL|restart|stop|SIGSTOP|lost|dead|down|disconnect|gone|partition|die)`)

// restarted is in notes about agents that are back soon.
var restarted = regexp.MustCompile(`(?i)restart`)

// agentLost: offers are rescinded and nobody asked for it, or an agent is given up.
func agentLost(r *replay, l *line) bool {
	a := r.lostAgent(l)
	if _, done := r.slow[l]; done || a == nil {
		return false
	}
	message := l.text("update", "status", "message")
	switch {
	case strings.Contains(message, "a new agent registered"), l.typ() == "FAILURE" && r.isDown(a) && r.succeeded(l, a):
		return r.replaced(l, a)
	case r.isDown(a):
		return false
	case strings.Contains(message, "unregistered"), l.typ() == "RESCIND" && r.leaves(l, a):
		r.befall(l, a, (*cluster.Cluster).StopAgent)
		return true
	case l.typ() == "RESCIND" && !badNews.MatchString(r.trace.caseOf(l)) && !r.unprompted(l):
		return false
	}
	r.befall(l, a, (*cluster.Cluster).KillAgent)
	r.slow[l] = tolerance
	back := r.comeback(l, a)
	switch {
	case l.typ() != "RESCIND":
		r.slow[l] = r.pingTimeouts()
	case restarted.MatchString(r.trace.caseOf(l)), back.dated && back.at-l.T < r.pingTimeouts().Seconds():
		r.startAs(l, a)()
	}
	return true
}

// unprompted tells whether nobody has called anything just before a line that could be why it came.
func (r *replay) unprompted(l *line) bool {
	return !r.trace.around(l, func(other *line) bool { return other.Dir == callLine && other.T <= l.T })
}

// leaves tells whether the master forgets an agent right after a line, without its tasks being reported as anything but lost: nobody waits for pings.
func (r *replay) leaves(l *line, a *agentSpec) bool {
	return r.unprompted(l) && r.trace.next(l, swapped, func(other *line) bool { return r.failureOf(other, a) }).number > 0 &&
		r.trace.next(l, swapped, func(other *line) bool {
			text := other.text("update", "status", "message")
			return text != "" && !strings.Contains(text, "unregistered")
		}).number == 0
}

func (r *replay) failureOf(l *line, a *agentSpec) bool {
	id := l.text("failure", "agent_id", "value")
	return l.typ() == "FAILURE" && l.at("failure", "executor_id") == nil && (id == a.id || r.ids.translate(id) == r.currentID(a))
}

// succeeded tells whether another agent at the address of one is offered soon after a line.
func (r *replay) succeeded(l *line, a *agentSpec) bool {
	return r.trace.next(l, time.Second, func(other *line) bool {
		return slices.ContainsFunc(r.agents, func(next *agentSpec) bool {
			return next.port == a.port && next.id != r.currentID(a) && r.currentID(next) == "" && slices.Contains(r.idsOffered(other), next.id)
		})
	}).number > 0
}

// idsOffered are the agents of an OFFERS, by the ids of the recording.
func (r *replay) idsOffered(l *line) []string {
	ids := r.offeredAgents(l)
	offers, _ := l.at("offers", "offers").([]any)
	for _, o := range offers {
		id, _ := dig(o, "agent_id", "value").(string)
		ids = append(ids, id)
	}
	return ids
}

// masterEnded tells whether the end of a stream is that of its master: the next subscription finds another one, and nobody has an answer of
// the one before until then.
func (r *replay) masterEnded(l *line) bool {
	if r.masterless {
		return false
	}
	for _, next := range r.trace.lines[l.number:] {
		switch {
		case next.typ() == "SUBSCRIBED":
			id, _ := dig(next.at("subscribed", "master_info"), "id").(string)
			r.masterless = id != "" && id != r.masterID && r.led()
			return r.masterless
		case next.Dir == responseLine && next.text() != "404 Not Found." && next.decoded != streamFollows:
			return false
		case next.Dir == noteLine && r.aboutMasters(next):
			return false // it is said when
		}
	}
	return false
}

// led tells whether somebody leads in the replay.
func (r *replay) led() (leads bool) {
	r.sandbox.Do(func(_ time.Time, c *cluster.Cluster) []cluster.Effect {
		leads = c.Master() == cluster.Leading
		return nil
	})
	return leads
}

func (r *replay) aboutMasters(l *line) bool {
	return slices.ContainsFunc(masterNotes, func(n note) bool { return n.pattern.MatchString(l.note()) })
}

// masterBack: the first call after the end of a master shows that the next one is there.
func (r *replay) masterBack(l *line) {
	if r.masterless {
		r.masterless = false
		r.masterUp(l, nil)
	}
}

// replaced: another agent is at the address of one, unless that is under way.
func (r *replay) replaced(l *line, a *agentSpec) bool {
	under := false
	r.do(l, func(now time.Time, c *cluster.Cluster) ([]cluster.Effect, error) {
		if under = !c.AgentProcess(a.id).RegisterAt.IsZero(); under {
			return nil, nil
		}
		killed := c.KillAgent(now, a.id)
		started, err := c.StartAgent(now, a.id, cluster.AgentStart{Wipe: true})
		return append(killed, started...), err
	})
	r.slow[l] = tolerance
	return !under
}

// lostAgent is the agent whose loss a line shows, nil if it shows none.
func (r *replay) lostAgent(l *line) *agentSpec {
	id := l.text("failure", "agent_id", "value")
	if l.at("failure", "executor_id") != nil {
		return nil
	}
	switch reason := l.text("update", "status", "reason"); {
	case reason == "REASON_AGENT_REMOVED" || reason == "REASON_AGENT_DISCONNECTED":
		id = l.text("update", "status", "agent_id", "value")
	case l.text("update_operation_status", "status", "state") == "OPERATION_UNREACHABLE":
		id = l.text("update_operation_status", "status", "agent_id", "value")
	case l.typ() == "RESCIND":
		if id = r.agentOfOffer(r.ids.translate(l.text("rescind", "offer_id", "value"))); id == "" {
			id = r.givenUpAfter(l)
		}
	}
	for _, a := range r.agents {
		if id != "" && (a.id == id || r.ids.translate(a.id) == id || r.currentID(a) == id) {
			return a
		}
	}
	return nil
}

// agentOfOffer is the agent that an offer of the replay is of, "" if there is no such offer.
func (r *replay) agentOfOffer(offer string) string {
	for _, who := range sortedKeys(r.clients) {
		for _, g := range r.clients[who].soFar() {
			offers, _ := dig(g.body, "offers", "offers").([]any)
			for _, o := range offers {
				if dig(o, "id", "value") == offer {
					id, _ := dig(o, "agent_id", "value").(string)
					return id
				}
			}
		}
	}
	return ""
}

// givenUpAfter is the agent that is given up some time after a line.
func (r *replay) givenUpAfter(l *line) string {
	failure := r.trace.next(l, 2*r.pingTimeouts(), func(other *line) bool {
		return other.typ() == "FAILURE" && other.at("failure", "executor_id") == nil
	})
	return r.ids.translate(failure.text("failure", "agent_id", "value"))
}

// pingTimeouts is how long it takes, at most, until an agent that does not answer is given up.
func (r *replay) pingTimeouts() time.Duration {
	return duration(r.flags["agent_ping_timeout"]) * time.Duration(r.number("max_agent_ping_timeouts")+2)
}

// agentBack: tasks of an agent are told of, or it is offered, though it is down.
func agentBack(r *replay, l *line) bool {
	const registration = 5 * time.Second
	if _, done := r.slow[l]; done {
		return false
	}
	for _, a := range r.agents {
		shown := r.isOf(l, a)
		if ids := r.idsOffered(l); len(ids) > 0 {
			shown = slices.Contains(ids, a.id) // and not another at its address
		}
		if shown && r.currentID(a) == a.id && r.isDown(a) {
			r.startNow(l, a, cluster.AgentStart{}, comeback{})
			r.slow[l] = registration
			return true
		}
		if old := r.before(a); old != nil && shown && r.isDown(old) {
			r.slow[l] = registration
			return r.replaced(l, old)
		}
	}
	return false
}

// before is the agent that was at the address of one that the replay does not know yet, nil if there is none.
func (r *replay) before(a *agentSpec) *agentSpec {
	if r.currentID(a) != "" {
		return nil
	}
	for _, old := range r.agents {
		if old.port == a.port && r.currentID(old) != "" {
			return old
		}
	}
	return nil
}
