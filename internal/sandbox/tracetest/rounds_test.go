package tracetest

import (
	"cmp"
	"slices"
	"strings"
)

// shuffle lets agents be looked at in the order of the recording: in its next OFFERS those come last that were looked at
// first. One that is not in it comes last, unless the master was killed in the middle of a round: then it was offered to
// somebody whom that did not reach.
func (r *replay) shuffle(agents []string) {
	if order, several := r.turns(agents); several {
		copy(agents, order)
		return
	}
	var order []int
	killed := false
	for _, l := range r.trace.lines[r.current.Load():] {
		if l.typ() == "OFFERS" {
			order = agentNumbers(l)
			killed = r.trace.next(l, swapped, func(other *line) bool { return other.note() == masterKilled }).number > 0
			break
		}
	}
	place := func(agent string) int {
		if i := slices.Index(order, agentNumber(agent)); i >= 0 || !killed {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(agents, func(a, b string) int { return place(b) - place(a) })
}

// turns is the order of agents for a round in which the recording offers some to one scheduler and some to another: as soon as it is a role's turn, one of
// those agents comes that it got. Whose turn it is, shares decide, as ever, so that agents go to somebody else if the sandbox sees that otherwise.
func (r *replay) turns(agents []string) (order []string, several bool) {
	given, schedulers := r.nextRound()
	waiting := map[string][]string{} // agents by role
	var rest []string
	for _, agent := range agents {
		if role, is := given[agentNumber(agent)]; is {
			waiting[role] = append(waiting[role], agent)
			continue
		}
		rest = append(rest, agent)
	}
	if schedulers < 2 || len(waiting) < 2 || r.model == nil {
		return nil, false
	}
	shares, offered := r.standings()
	for len(waiting) > 0 {
		next := slices.MinFunc(sortedKeys(waiting), func(a, b string) int {
			return cmp.Or(cmp.Compare(shares[a], shares[b]), cmp.Compare(offered[a], offered[b]), cmp.Compare(a, b))
		})
		order = append(order, waiting[next][0])
		if waiting[next] = waiting[next][1:]; len(waiting[next]) == 0 {
			delete(waiting, next)
		}
		offered[next]++
		shares[next] += 1 / float64(len(agents)) // about
	}
	return append(order, rest...), true
}

// nextRound tells the role that each agent is offered to in the next round of the recording, by the number of the agent, and how many schedulers
// get something.
func (r *replay) nextRound() (given map[int]string, schedulers int) {
	given = map[int]string{}
	whose := map[string]bool{}
	var first *line
	for _, l := range r.trace.lines[r.current.Load():] {
		if l.typ() != "OFFERS" {
			continue
		}
		if first == nil {
			first = l
		}
		if seconds(l.T-first.T) > swapped {
			break
		}
		whose[l.Who] = true
		for _, o := range list(l.at("offers", "offers")) {
			agent, _ := dig(o, "agent_id", "value").(string)
			given[agentNumber(agent)], _ = dig(o, "allocation_info", "role").(string)
		}
		for _, o := range list(l.at("abridged")) {
			text, _ := o.(string)
			if words := strings.Fields(text); len(words) > 2 {
				given[agentNumber("-"+words[1])] = words[2]
			}
		}
	}
	return given, len(whose)
}

// standings are what shares roles have, and how often they were offered something.
func (r *replay) standings() (shares, offered map[string]float64) {
	shares, offered = map[string]float64{}, map[string]float64{}
	for name, value := range r.model.AllocatorMetrics() {
		if role, is := strings.CutPrefix(name, "roles/"); is {
			shares[strings.TrimSuffix(role, "/shares/dominant")] = value
		}
	}
	for _, f := range r.model.FrameworksCounters() {
		for name := range f.Values {
			if role, is := strings.CutSuffix(name, "/suppressed"); is {
				offered[strings.TrimPrefix(role, "roles/")] += f.Values["offers/sent"]
			}
		}
	}
	return shares, offered
}
