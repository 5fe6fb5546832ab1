package tracetest

import (
	"fmt"
	"slices"
	"time"
)

const (
	// tolerance is how much earlier or later than in the recording offers may come: a round.
	tolerance = 600 * time.Millisecond
	// swapped is how far apart in the recording two events of one stream may be that come in the other order: those that
	// different parts of a master or an agent send at the same time.
	swapped = 80 * time.Millisecond
	// lookahead is among how many events the one is searched that a line is about.
	lookahead = 128
)

// key tells which events could be the same one.
func key(ids *bindings, body any) string {
	typ, _ := dig(body, "type").(string)
	part := func(path ...string) string {
		text, _ := dig(body, path...).(string)
		if ids != nil {
			text = ids.translate(text)
		}
		return text
	}
	switch typ {
	case "UPDATE":
		s := []string{"update", "status"}
		return typ + " " + part(append(s, "task_id", "value")...) + " " + part(append(s, "state")...) + " " +
			part(append(s, "reason")...)
	case "UPDATE_OPERATION_STATUS":
		s := []string{"update_operation_status", "status"}
		return typ + " " + part(append(s, "operation_id", "value")...) + " " + part(append(s, "state")...)
	case "FAILURE":
		return typ + " " + part("failure", "agent_id", "value") + " " + part("failure", "executor_id", "value")
	case "RESCIND":
		return typ + " " + part("rescind", "offer_id", "value")
	case "LAUNCH":
		return typ + " " + part("launch", "task", "task_id", "value")
	case "ACKNOWLEDGED":
		return typ + " " + part("acknowledged", "uuid")
	}
	return typ
}

// expectEvent waits for the event of a line and compares it.
func (r *replay) expectEvent(l *line) {
	c := r.client(l.Who)
	if l.typ() == "HEARTBEAT" && c.subscribed.line != nil {
		c.heartbeats = append(c.heartbeats, c.subscribed.at+seconds(l.T-c.subscribed.line.T))
		return
	}
	due := seconds(l.T) + r.offset
	if again, is := c.repeats(l); is {
		due = again
	}
	match := func(exact bool) bool {
		g := r.candidate(c, l, exact)
		if g == nil {
			return false
		}
		r.pair(c, l, g, due)
		return true
	}
	for more := true; ; {
		switch now := r.elapsed(); {
		case match(true):
			return
		case now < due:
			r.waitUntil(due)
		case more:
			more = r.stimulate(l)
			r.settle()
		case now < due+r.patience(l):
			r.waitUntil(due + r.patience(l))
			if checkBrings(r, l) { // which was not under way yet
				r.settle()
			}
		default:
			if !match(false) {
				r.problem(l, "%s never came", describe(l.decoded))
			}
			return
		}
	}
}

// patience is how late, or early, the event of a line may be: offers wait for a round, the loss of an agent for a ping, all
// else for nothing.
func (r *replay) patience(l *line) time.Duration {
	if slow, ok := r.slow[l]; ok {
		return slow
	}
	switch {
	case givesUp(l) || l.typ() == "RESCIND" && r.trace.around(l, givesUp):
		return max(tolerance, duration(r.flags["agent_ping_timeout"])) // since when an agent was pinged, no line tells
	case l.typ() == "OFFERS" || l.typ() == "FAILURE":
		return tolerance
	}
	return tolerance / 2
}

// givesUp tells whether a line shows that a master has given up an agent.
func givesUp(l *line) bool {
	return l.typ() == "FAILURE" && l.at("failure", "executor_id") == nil || l.text("update", "status", "reason") == "REASON_AGENT_REMOVED" ||
		l.text("update_operation_status", "status", "state") == "OPERATION_UNREACHABLE"
}

func (r *replay) stimulate(l *line) bool {
	for _, s := range stimuli {
		if s(r, l) {
			return true
		}
	}
	return false
}

// candidate finds the event of a line among those that have come. If it need not be exact, one of the same type will do:
// then the differences tell more than that one is missing.
func (r *replay) candidate(c *client, l *line, exact bool) *got {
	c.mu.Lock()
	defer c.mu.Unlock()
	want := key(r.ids, l.decoded)
	seen := 0
	var first *got
	for _, g := range c.events {
		if g.paired || typeOf(g.body) == "HEARTBEAT" || r.omits(c, g.body) && typeOf(g.body) != l.typ() {
			continue
		}
		if seen++; seen > lookahead {
			break
		}
		have := key(nil, g.body)
		same := have == want
		if !same && typeOf(l.decoded) == "RESCIND" && typeOf(g.body) == "RESCIND" {
			same = !r.ids.known(l.text("rescind", "offer_id", "value"))
		}
		if !same && !exact {
			same = typeOf(g.body) == l.typ() && subject(g.body) == subject(l.decoded)
		}
		if !same {
			continue
		}
		if first == nil {
			first = g
		}
		if try := (comparison{ids: r.ids.clone()}); r.compareEvent(&try, l, g) {
			return g
		}
	}
	return first
}

func typeOf(body any) string {
	typ, _ := dig(body, "type").(string)
	return typ
}

// subject is what an event is about, for those that are compared although something else is wrong.
func subject(body any) string {
	if id, ok := dig(body, "update", "status", "task_id", "value").(string); ok {
		return id
	}
	id, _ := dig(body, "update_operation_status", "status", "operation_id", "value").(string)
	return id
}

func (r *replay) compareEvent(c *comparison, l *line, g *got) bool {
	if short, ok := l.at("abridged").([]any); ok {
		c.abridged(r.masterID, short, g.body)
	} else {
		c.values("", l.decoded, g.body)
	}
	return len(c.differences) == 0
}

// pair compares a line with its event.
func (r *replay) pair(c *client, l *line, g *got, due time.Duration) {
	g.paired = true
	again, repeated := c.repeats(l)
	if !repeated {
		r.checkOrder(c, l, g)
	}
	result := comparison{ids: r.ids}
	good := r.compareEvent(&result, l, g)
	for _, d := range result.differences {
		r.problem(l, "%s", d)
		good = good && r.lastAllowed
	}
	if g.at < r.shifted.at { // it was there before we waited for something else
		due = seconds(l.T) + r.shifted.from
	}
	if repeated {
		due = again
	}
	late := g.at - due
	if late > r.patience(l) || -late > r.patience(l) {
		r.problem(l, "%s came at %.3f, expected at %.3f", describe(l.decoded), g.at.Seconds(), due.Seconds())
		good = false
	}
	if typeOf(g.body) == "SUBSCRIBED" {
		c.subscribed = subscription{l, g.at}
	}
	c.noteSent(l, g)
	if !repeated && (late > 0 || !hasty(g.body)) {
		r.shift(g.at - seconds(l.T))
	}
	r.count(good)
}

// sentAt is when an update that is to be acknowledged came last, in the recording and in the replay.
type sentAt struct {
	t  float64
	at time.Duration
}

// uuidOf is that of an update that is to be acknowledged, "" if a line is none.
func uuidOf(l *line) string {
	if uuid := l.text("update", "status", "uuid"); uuid != "" {
		return uuid
	}
	return l.text("update_operation_status", "status", "uuid", "value")
}

func (c *client) noteSent(l *line, g *got) {
	if uuid := uuidOf(l); uuid != "" {
		if c.sent == nil {
			c.sent = map[string]sentAt{}
		}
		c.sent[uuid] = sentAt{l.T, g.at}
	}
}

// repeats tells when an update is due that comes again because nobody has acknowledged it for 10 s, 20 s and so on: that does not depend on what
// else was early or late.
func (c *client) repeats(l *line) (due time.Duration, is bool) {
	before, was := c.sent[uuidOf(l)]
	gap := seconds(l.T - before.t)
	for wait := 10 * time.Second; was && wait < gap+tolerance; wait *= 2 {
		if (gap - wait).Abs() < tolerance/2 {
			return before.at + gap, true
		}
	}
	return 0, false
}

// shift changes how much later the replay is than the recording.
func (r *replay) shift(to time.Duration) {
	if to != r.offset {
		r.shifted.at, r.shifted.from = r.elapsed(), r.offset
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.offset = to
	for _, p := range r.planned {
		if p.timer.Stop() {
			p.timer.Reset(r.until(p.t))
		}
	}
}

// subscription is when a stream began, in the recording and in the replay. Heartbeats are counted from there.
type subscription struct {
	line *line
	at   time.Duration
}

// checkHeartbeats compares the heartbeats of a stream with those of the recording. They come by the clock, whatever else
// happens, so they are apart from the order of the other events; and the replay may be a little faster than the recording.
func (r *replay) checkHeartbeats(c *client, last *line) {
	until := r.elapsed()
	if c.end() != "" {
		until = c.endedAt
	}
	for _, due := range c.heartbeats {
		i := slices.IndexFunc(c.events, func(g *got) bool {
			return !g.paired && typeOf(g.body) == "HEARTBEAT" && (g.at-due).Abs() < tolerance/2
		})
		switch {
		case i >= 0:
			c.events[i].paired = true
			r.count(true)
		case due < until-tolerance:
			near := *last
			near.Who = c.name
			r.problem(&near, "HEARTBEAT of %.3f never came", due.Seconds())
		}
	}
}

// hasty tells whether an event that comes early says nothing of how far the replay is: executors and agents of a real
// Mesos only take longer than those of the sandbox.
func hasty(body any) bool {
	source := dig(body, "update", "status", "source")
	return typeOf(body) == "FAILURE" || source == "SOURCE_EXECUTOR" || source == "SOURCE_AGENT"
}

// checkOrder complains if an event of this stream that an earlier line was about came later than this one.
func (r *replay) checkOrder(c *client, l *line, g *got) {
	position := c.position(g)
	if before := c.latest; before != nil && c.latestAt > position && seconds(l.T-before.T) > swapped {
		r.problem(l, "%s came before that of line %d", describe(l.decoded), before.number)
	}
	if position > c.latestAt || c.latest == nil {
		c.latest, c.latestAt = l, position
	}
}

func (c *client) position(g *got) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, have := range c.events {
		if have == g {
			return i
		}
	}
	return -1
}

// describe names an event for people.
func describe(body any) string {
	switch typ := typeOf(body); typ {
	case "OFFERS":
		if short, ok := dig(body, "abridged").([]any); ok {
			return fmt.Sprintf("OFFERS %v", short)
		}
		c := comparison{}
		offers, _ := dig(body, "offers", "offers").([]any)
		return "OFFERS " + summaries(&c, offers)
	case "UPDATE":
		text := key(nil, body)
		if message, ok := dig(body, "update", "status", "message").(string); ok {
			text += " " + message
		}
		return text
	case "UPDATE_OPERATION_STATUS":
		text := key(nil, body)
		if message, ok := dig(body, "update_operation_status", "status", "message").(string); ok {
			text += " " + message
		}
		return text
	case "ERROR":
		message, _ := dig(body, "error", "message").(string)
		return typ + " " + message
	}
	return key(nil, body)
}
