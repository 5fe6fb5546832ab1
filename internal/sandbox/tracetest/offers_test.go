package tracetest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// Recordings leave out events, OFFERS above all. When a call names an offer that no line has told of, the replay takes one
// that its sandbox has made: of the agent that the call is about, with all that this agent has to offer.

var offerID = regexp.MustCompile(`^[0-9a-f-]{36}-O\d+$`)

// supply finds offers of the replay for those that a call names and no event told of. It is called before the time of the
// line has come, since it may take a round of offers.
func (r *replay) supply(l *line) {
	if l.HTTP.Path != "" || l.HTTP.Case != "" {
		return
	}
	var unknown []string
	for _, id := range offersOf(l) {
		if offerID.MatchString(id) && !r.ids.known(id) && !slices.Contains(unknown, id) {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) == 0 {
		return
	}
	r.leave(l.Who, "OFFERS")
	if l.typ() == "DECLINE" {
		r.supplyAny(l, unknown)
		return
	}
	for _, id := range unknown {
		if offer := r.elsewhere(l, id); offer != "" {
			r.ids.rebind(id, offer)
			continue
		}
		if offer := r.whole(l, r.agentFor(l, id)); offer != "" {
			r.ids.rebind(id, offer)
		}
	}
}

// driverDeclines: an offer of an agent came again, so the one before was declined; the recording leaves out that call.
func driverDeclines(r *replay, l *line) bool {
	if l.typ() != "OFFERS" {
		return false
	}
	declined := false
	for _, who := range sortedKeys(r.left) {
		if r.client(who).end() != "" {
			continue
		}
		var held []string
		for _, agent := range r.agentsIn(l) {
			held = append(held, r.heldBy(who, agent)...)
		}
		if r.left[who]["OFFERS"] && len(held) > 0 {
			r.declineAll(l, who, held)
			declined = true
		}
	}
	return declined
}

// agentsIn lists the agents whose offers a line has, as the replay calls them.
func (r *replay) agentsIn(l *line) []string {
	var list []string
	for _, number := range agentNumbers(l) {
		list = append(list, r.ids.translate(fmt.Sprintf("%s-S%d", r.masterID, number)))
	}
	return list
}

// agentNumbers are those of the agents whose offers a line has.
func agentNumbers(l *line) []int {
	var list []int
	offers, _ := l.at("offers", "offers").([]any)
	for _, o := range offers {
		agent, _ := dig(o, "agent_id", "value").(string)
		list = append(list, agentNumber(agent))
	}
	short, _ := l.at("abridged").([]any)
	for _, o := range short {
		var id, agent string
		_, _ = fmt.Sscan(o.(string), &id, &agent)
		list = append(list, agentNumber("-"+agent))
	}
	return list
}

func offersOf(l *line) []string {
	var ids []string
	for _, body := range []string{"accept", "decline"} {
		list, _ := l.at(body, "offer_ids").([]any)
		for _, entry := range list {
			id, _ := dig(entry, "value").(string)
			ids = append(ids, id)
		}
	}
	return ids
}

// supplyAny lets a DECLINE be about whatever is held, oldest first.
func (r *replay) supplyAny(l *line, unknown []string) {
	held := r.heldBy(l.Who, "")
	for i, id := range unknown {
		if i < len(held) {
			r.ids.rebind(id, held[i])
		}
	}
}

// heldBy lists the offers that a scheduler has got and not answered, of one agent or of all, oldest first.
func (r *replay) heldBy(who, agent string) []string {
	c := r.client(who)
	c.mu.Lock()
	defer c.mu.Unlock()
	var held []string
	for _, g := range c.events {
		offers, _ := dig(g.body, "offers", "offers").([]any)
		for _, o := range offers {
			id, _ := dig(o, "id", "value").(string)
			of, _ := dig(o, "agent_id", "value").(string)
			if r.held[id] == nil && (agent == "" || of == agent) {
				held = append(held, id)
			}
		}
		if id, ok := dig(g.body, "rescind", "offer_id", "value").(string); ok {
			held = slices.DeleteFunc(held, func(other string) bool { return other == id })
		}
	}
	return held
}

// answered notes that the offers of a call are not held any more.
func (r *replay) answered(l *line) {
	for _, id := range offersOf(l) {
		r.held[r.ids.translate(id)] = map[string]any{}
	}
}

var (
	expectedAgent = regexp.MustCompile(`while agent (\S+) is expected`)
	offerOfAgent  = regexp.MustCompile(`Offer (\S+) uses agent (\S+) and agent (\S+)$`)
)

var offerOfFramework = regexp.MustCompile(`Offer (\S+) has invalid framework (\S+) while`)

// elsewhere finds an offer that somebody else holds, if that is what the call is answered with.
func (r *replay) elsewhere(l *line, id string) string {
	for _, answer := range r.trace.lines[l.number:min(l.number+4, len(r.trace.lines))] {
		m := offerOfFramework.FindStringSubmatch(answer.text("update", "status", "message"))
		if m == nil || m[1] != id {
			continue
		}
		for _, who := range sortedKeys(r.clients) {
			if held := r.heldBy(who, r.agentFor(l, id)); r.clients[who].framework == r.ids.translate(m[2]) && len(held) > 0 {
				return held[len(held)-1]
			}
		}
	}
	return ""
}

// agentFor guesses which agent an offer was of that the recording does not show: from what the answers to the call say,
// from what the call says, or it is the last that was asked for.
func (r *replay) agentFor(l *line, id string) string {
	for _, answer := range r.trace.lines[l.number:min(l.number+4, len(r.trace.lines))] {
		message := answer.text("update", "status", "message")
		if m := offerOfAgent.FindStringSubmatch(message); m != nil {
			if m[1] == id {
				return r.ids.translate(m[2])
			}
			return r.ids.translate(m[3])
		}
		if m := expectedAgent.FindStringSubmatch(message); m != nil {
			return r.ids.translate(m[1])
		}
	}
	operations, _ := l.at("accept", "operations").([]any)
	for _, op := range operations {
		tasks, _ := dig(op, "launch", "task_infos").([]any)
		group, _ := dig(op, "launch_group", "task_group", "tasks").([]any)
		for _, task := range append(tasks, group...) {
			if agent, ok := dig(task, "agent_id", "value").(string); ok && agentID.MatchString(agent) {
				r.lastAgent = r.ids.translate(agent)
				return r.lastAgent
			}
		}
	}
	return r.lastAgent
}

// whole waits for one offer that has all that an agent can give: several are declined so that they come again as one.
func (r *replay) whole(l *line, agent string) string {
	for range 4 {
		switch held := r.heldBy(l.Who, agent); len(held) {
		case 0:
		case 1:
			return held[0]
		default:
			r.declineAll(l, l.Who, held)
		}
		before := r.elapsed()
		for r.elapsed() < before+tolerance && len(r.heldBy(l.Who, agent)) == 0 {
			r.waitUntil(before + tolerance)
		}
	}
	r.problem(l, "no offer of agent %q came that this call could use", agent)
	return ""
}

func (r *replay) declineAll(l *line, who string, offers []string) {
	type id struct {
		Value string `json:"value"`
	}
	var ids []id
	for _, offer := range offers {
		r.held[offer] = map[string]any{}
		ids = append(ids, id{offer})
	}
	list, _ := json.Marshal(ids)
	c := r.client(who)
	c.mu.Lock()
	stream, framework := c.stream, c.framework
	c.mu.Unlock()
	aside := &client{r: r, name: c.name}
	aside.call(&request{address: r.master, method: "POST", path: "/api/v1/scheduler",
		header: map[string]string{"Content-Type": "application/json", "Mesos-Stream-Id": stream},
		body: fmt.Appendf(nil, `{"framework_id":{"value":%q},"type":"DECLINE","decline":{"offer_ids":%s,"filters":{"refuse_seconds":0}}}`,
			framework, list)})
	r.settle()
	if a := aside.take(); a == nil || a.status != 202 {
		r.problem(l, "offers that are in pieces can't be declined: %+v", a)
	}
	r.pass(time.Millisecond)
}

// operatorCalls: calls of operators are written down when their answer is there, so what they cause may stand before them.
func operatorCalls(r *replay, l *line) bool {
	call := r.trace.next(l, swapped, func(other *line) bool {
		return other.Dir == callLine && other.Who == "operator" && !r.ahead[other]
	})
	if call.number == 0 {
		return false
	}
	r.ahead[call] = true
	r.makeCall(call)
	return true
}
