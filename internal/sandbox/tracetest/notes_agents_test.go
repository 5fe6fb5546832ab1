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
	{regexp.MustCompile(`(?i)\bkill(ed)?\b.* (with|and) (all )?(its |the )?executors|\breboot`), (*replay).rebootAgent},
	{regexp.MustCompile(`agent restarted inside the timeouts \(([\d.]+) s\)`), (*replay).restartAgent},
	{regexp.MustCompile(`(?i)\bagent\b.*\bSIGSTOP|\bSIGSTOP\b.*\bagent\b`), (*replay).freezeAgent},
	{regexp.MustCompile(`^SIGCONT\b|(?i)\bagent\b.*\bSIGCONT|\bSIGCONT\b.*\bagent\b`), (*replay).thawAgent},
	{regexp.MustCompile(`^STOP_MAINTENANCE, agent restarted|^agent process exit code: 0`), (*replay).replaceAgent},
	{regexp.MustCompile(`^agent restarted during maintenance`), (*replay).startAgent},
	{agentLeaves, (*replay).killAgent},
	{agentEnds, (*replay).killAgent},
	{agentFresh, (*replay).killAgent},
	{agentRestarts, (*replay).killAgent},
	{agentStarts, (*replay).startAgent},
}

// What notes say of an agent.
var (
	agentLeaves = regexp.MustCompile(`\bSIGUSR1\b|\bkill -USR1\b`)
	agentEnds   = regexp.MustCompile(`(?i)(\bSIGKILL|\bSIGTERM|\bSIGINT|\bkill -\w+|\bkilling|\bsignal \d+)( is| was)?( sent)?( to| of)?( the)?( \w+)? agent\b|` +
		`\bagent( \w+)?( process)?( is| was| gets)? (SIGKILL|SIGTERM|kill|stopped|terminated|shut down|crash|dies|died)`)
	agentFresh = regexp.MustCompile(`(?i)\b(fresh|new|empty|other|another|different|clean|wiped|removed?|deleted?|cleared) (\w+ )?work[_ ]?dir|` +
		`\bwork[_ ]?dir\w*( \w+)? (wiped|removed|deleted|cleared|emptied|empty|new|fresh|gone)\b|\brm -rf? .*work|\bwip(e|ed|ing)\b.*\b(agent|work)|\bagent\b.*\bwip(e|ed|ing)\b|` +
		`\bagent\b.*\b(new|another|other|different|fresh) (agent )?id\b|\b(new|another|other|different|fresh) agent id\b|^new id\b`)
	agentRestarts = regexp.MustCompile(`(?i)\bagent( \w+)?( process)?( is| was)? restarted\b|^(the )?agent( \w+)? restarts?\b|\brestart(ed|ing)?( of)?( the)? agent\b`)
	agentStarts   = regexp.MustCompile(`(?i)\bagent( \w+)?( process)?( is| was| comes)? (started|starts|returns|back|up)\b|^(the )?agent( \w+)? start\b|\b(start|starting)( of)?( the)? agent\b|` +
		`^(then )?((re)?start(s|ed)?|back|up)( again)?$`)

	// startsLater is in notes about ends of agents that come back, and givenUp in those about ones that do after the timeouts.
	startsLater = regexp.MustCompile(`(?i)\b(re-?)?start(s|ed)?\b|\bback\b|\breturns\b`)
	neverStarts = regexp.MustCompile(`(?i)\bnever\b|\bnot (re)?start|\bfor good\b`)
	givenUp     = regexp.MustCompile(`(?i)\b(after|past|beyond|until|once|when)\b.*\b(timeouts?|unreachable|lost|removed|given up)`)
)

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
		if next.Dir == noteLine && endsSomebody.MatchString(next.note()) {
			break
		}
		id := next.text("failure", "agent_id", "value")
		if next.text("update", "status", "reason") == "REASON_AGENT_REMOVED" {
			id = next.text("update", "status", "agent_id", "value")
		}
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

// planned is something that happens at a time of the recording.
type planned struct {
	t     float64
	timer *time.Timer
}

// after does something at a time of the recording. The replay may be ahead of that by then, or behind: see shift.
func (r *replay) after(t float64, what func()) {
	done := r.background()
	r.mu.Lock()
	defer r.mu.Unlock()
	p := &planned{t: t}
	p.timer = time.AfterFunc(r.until(t), func() { defer done(); what() })
	r.planned = append(r.planned, p)
}

// until is how long it is until a time of the recording, under mu.
func (r *replay) until(t float64) time.Duration { return max(0, seconds(t)+r.offset-r.elapsed()) }

// at is a time of the recording in the replay.
func (r *replay) at(t float64) time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.start.Add(seconds(t) + r.offset)
}

type agentFault func(c *cluster.Cluster, now time.Time, id string) []cluster.Effect

func (r *replay) befall(l *line, a *agentSpec, fault agentFault) {
	r.do(l, func(now time.Time, c *cluster.Cluster) ([]cluster.Effect, error) { return fault(c, now, a.id), nil })
}

// killAgent ends an agent, as the note says how, and starts it again if the note, or what the recording shows after it, says so. Of a note that
// is a heading, so that the agent still does something after it, everything is seen in what comes of it: see agentLost.
func (r *replay) killAgent(l *line, _ []string) {
	a, fault := r.agentOf(l), (*cluster.Cluster).KillAgent
	switch text := l.note(); {
	case agentLeaves.MatchString(text):
		fault = (*cluster.Cluster).StopAgent
	case !agentEnds.MatchString(text):
		a = r.down(l)
	}
	if r.executorsTell(l) || r.stillThere(l, a) {
		return
	}
	r.befall(l, a, fault)
	const usual, rest = 0.5, 1.0
	switch back, text := r.comeback(l, a), l.note(); {
	case back.dated:
		r.after(max(l.T+rest/10, back.starts), r.startAs(l, a))
	case neverStarts.MatchString(text):
	case back.shown || back.told && !startsLater.MatchString(text), !agentFresh.MatchString(text) && !startsLater.MatchString(text):
	case givenUp.MatchString(text):
		r.after(l.T+r.pingTimeouts().Seconds()+rest, r.startAs(l, a))
	default:
		r.after(l.T+usual, r.startAs(l, a))
	}
}

// executorsTell tells whether the recording has what executors noticed of the end of their agent: see executorLeft.
func (r *replay) executorsTell(after *line) bool {
	for _, l := range r.trace.lines[after.number:] {
		switch {
		case l.Dir != noteLine:
		case strings.HasPrefix(l.note(), "stream to the agent ended"):
			return true
		case aboutCluster.MatchString(l.note()):
			return false
		}
	}
	return false
}

// stillThere tells whether an agent does something after a line and before it is lost.
func (r *replay) stillThere(after *line, a *agentSpec) bool {
	const under = 0.1 // s, way
	alive := false
	for _, l := range r.trace.lines[after.number:] {
		if l.Dir == noteLine && aboutCluster.MatchString(l.note()) {
			return false
		}
		if l.Dir != eventLine {
			continue
		}
		if lost := r.lostAgent(l); lost != nil && lost.port == a.port {
			return alive
		}
		status := l.at("update", "status")
		executors := dig(status, "source") == "SOURCE_EXECUTOR" && dig(status, "agent_id", "value") == r.currentID(a)
		alive = alive || l.T > after.T+under && (executors || slices.Contains(r.idsOffered(l), r.currentID(a)))
	}
	return false
}

func (r *replay) freezeAgent(l *line, _ []string) {
	r.befall(l, r.agentOf(l), (*cluster.Cluster).PartitionAgent)
}

func (r *replay) thawAgent(l *line, _ []string) {
	r.befall(l, r.agentOf(l), (*cluster.Cluster).HealAgent)
}

// startAgent starts the agent that is down, so that it registers when it did in the recording.
func (r *replay) startAgent(l *line, m []string) {
	a := r.down(l)
	if text := l.note(); !r.isDown(a) && strings.Contains(text, "agent") && strings.Contains(text, "again") {
		r.killAgent(l, m) // nothing has told of its end
		return
	}
	r.startAs(l, a)()
}

// down is the agent that a note says comes back: the one that is not there.
func (r *replay) down(l *line) *agentSpec {
	for _, a := range r.agents {
		if r.isDown(a) && r.currentID(a) != "" {
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

// startAs is a start of an agent's process some time, unless it is up by then. It registers when the recording first shows
// something of it, unless it needs longer, and with another id if the recording shows that, or a note says so that nothing contradicts.
func (r *replay) startAs(l *line, a *agentSpec) func() {
	back := r.comeback(l, a)
	start := cluster.AgentStart{Wipe: back.fresh || !back.shown && agentFresh.MatchString(l.note())}
	return func() { r.startNow(l, a, start, back) }
}

func (r *replay) startNow(l *line, a *agentSpec, start cluster.AgentStart, back comeback) {
	r.do(l, func(now time.Time, c *cluster.Cluster) ([]cluster.Effect, error) {
		if c.AgentProcess(a.id).Up {
			return nil, nil
		}
		effects, err := c.StartAgent(now, a.id, start)
		if early := r.at(back.at).Sub(c.AgentProcess(a.id).RegisterAt); back.dated && early > 0 {
			effects = append(effects, c.DelayAgent(now, a.id, early)...)
		}
		return effects, err
	})
}

// comeback is what a recording shows of an agent that comes back.
type comeback struct {
	shown  bool
	fresh  bool    // with another id
	dated  bool    // it can't have been there for long
	at     float64 // the time of the recording when it is shown
	starts float64 // when its process starts, at the latest, but not before it is given up
	told   bool    // before it is shown another note is about agents or masters
}

// comeback is what comes of an agent after a line in which it is down.
func (r *replay) comeback(after *line, a *agentSpec) comeback {
	const registration, recovery = 0.35, 2.3 // s, without executors and with
	const under = 0.1                        // s, way
	var givenUp float64
	for _, l := range r.trace.lines[after.number:] {
		if l.Dir == noteLine && aboutCluster.MatchString(l.note()) {
			return comeback{told: true}
		}
		if l.Dir != eventLine {
			continue
		}
		back := comeback{shown: true, at: l.T, dated: !r.afterSubscribed(l), starts: l.T - registration}
		if back.fresh = r.isReplaced(l, a); back.fresh {
			return back
		}
		if r.isOf(l, a) || slices.Contains(r.idsOffered(l), r.currentID(a)) || l.T > after.T+under && r.speaks(l, a) {
			back.starts = min(back.starts, max(givenUp, l.T-recovery))
			return back
		}
		if r.failureOf(l, a) {
			givenUp = l.T + tolerance.Seconds()/2
		}
	}
	return comeback{}
}

// speaks tells whether an event is an update that an agent has sent, which it does only while it is registered.
func (r *replay) speaks(l *line, a *agentSpec) bool {
	source, id := l.text("update", "status", "source"), l.text("update", "status", "agent_id", "value")
	return (source == "SOURCE_AGENT" || source == "SOURCE_EXECUTOR") && (id == a.id || id == r.currentID(a))
}

// isReplaced tells whether an event is that of another agent where one was.
func (r *replay) isReplaced(l *line, a *agentSpec) bool {
	if strings.Contains(l.text("update", "status", "message"), "a new agent registered") {
		id := l.text("update", "status", "agent_id", "value")
		return id == a.id || id == r.currentID(a)
	}
	ids := r.idsOffered(l)
	return slices.ContainsFunc(r.agents, func(next *agentSpec) bool {
		return next.port == a.port && next.id != r.currentID(a) && slices.Contains(ids, next.id)
	})
}

var aboutCluster = regexp.MustCompile(`(?i)\b(killed|SIGKILL|SIGSTOP|SIGUSR1|restart|started again|exit code)|\bagent( \w+)?( is| was| comes)? (started|starts|returns|up)\b`)

var endsSomebody = regexp.MustCompile(`(?i)\b(killed|SIGKILL|SIGSTOP|SIGUSR1|restart)`)

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
	if r.comeback(l, a).fresh || r.stillThere(l, a) {
		return // it is seen: see agentLost
	}
	at := l.T
	for _, next := range r.trace.lines[l.number:] {
		if next.Dir == noteLine || next.T > at+3 && at > l.T {
			break
		}
		at = next.T
	}
	r.after(at+0.6, func() { r.befall(l, a, (*cluster.Cluster).KillAgent) })
	r.after(at+0.6+gap, r.startAs(l, a))
}

// rebootAgent ends everything on a machine. Its agent starts when it must have.
func (r *replay) rebootAgent(l *line, _ []string) {
	const recovery = 2.3
	a := r.agentOf(l)
	r.befall(l, a, (*cluster.Cluster).RebootAgent)
	if back := r.comeback(l, a); back.dated {
		r.after(back.at-recovery, r.startAs(l, a))
	}
}

// replaceAgent starts the agent again, if there is something of it later in the recording.
func (r *replay) replaceAgent(l *line, _ []string) {
	if old := r.down(l); r.isDown(old) && r.comeback(l, old).shown {
		r.startAs(l, old)()
	}
}

// currentID is the id that an agent has in the replay, which is that of the recording.
func (r *replay) currentID(a *agentSpec) (id string) {
	r.sandbox.Do(func(_ time.Time, c *cluster.Cluster) []cluster.Effect {
		id = c.AgentProcess(a.id).ID
		return nil
	})
	return id
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
