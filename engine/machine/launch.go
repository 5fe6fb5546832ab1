package machine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

// try is the outcome of evaluating offers for a candidate in vain.
type try struct {
	since time.Time
	hold  plans.Hold
	// looked is when offers were last looked at, and last what was said of them. Kept: the hold still tells of those.
	looked time.Time
	last   string
	kept   bool
}

// lookPatience is for how long a pod shows what the last offers lacked. They were given back for RefuseWanted, and come again in one of the
// next rounds; most decisions are made in between.
const lookPatience = 30 * time.Second

// REVIVEs come from a bucket of tokens, because Mesos answers each with offers of everything: reviveBurst at once, then one every
// reviveRefill.
const (
	reviveBurst  = 8
	reviveRefill = 5 * time.Second
)

// launch evaluates the candidates against the offers, launches what fits, and gives back the rest.
func (m *Machine) launch(now time.Time, random [16]byte, candidates []*Pod) {
	if !m.connection.Connected {
		return
	}
	refused := map[string]try{}
	unplaced := map[string]offers.Requirement{}
	pool := m.usableOffers(now)
	candidates, reqs := m.requirements(now, random, candidates, pool, refused)
	var results []offers.Result
	if len(candidates) > 0 {
		results = offers.Place(offers.Round{Requirements: reqs, Offers: pool, Pods: m.residents(candidates)})
	}

	operations := map[int][]offers.Operation{} // by index of result
	var cluster Cluster
	if slices.ContainsFunc(results, func(r offers.Result) bool { return r.Placement != nil }) { // it is large
		cluster = m.cluster()
	}
	room := m.room(now)
	for i, p := range candidates {
		if results[i].Placement != nil && room == 0 {
			results[i].Placement = nil
			refused[p.Name] = m.keepSince(now, p, m.paced(p))
			unplaced[p.Name] = reqs[i]
			continue
		}
		if results[i].Placement == nil {
			refused[p.Name] = m.notPlaced(now, p, reqs[i], results[i])
			unplaced[p.Name] = reqs[i]
			continue
		}
		at := *results[i].Placement
		if at.Grows {
			refused[p.Name] = m.keepSince(now, p, growing(p, at))
			unplaced[p.Name] = reqs[i]
			if m.grow(now, p, reqs[i], at) {
				operations[i] = m.nameOperations(now, random, p, at)
			} else {
				results[i].Placement = nil
			}
			continue
		}
		task, err := m.task(random, p, at, cluster)
		if err != nil {
			results[i].Placement = nil
			refused[p.Name] = m.keepSince(now, p, plans.Hold{Code: plans.CodeService, Subject: p.Name, Text: err.Error()})
			unplaced[p.Name] = reqs[i]
			continue
		}
		room--
		m.claim(p, reqs[i], at)
		m.stage(now, p, task, reqs[i], at)
		operations[i] = append(m.nameOperations(now, random, p, at), at.Launch(task))
	}
	m.lookForFits(now, refused, unplaced)
	m.lookForReleases(unplaced)
	m.tries = refused
	wanted := wantedHosts(unplaced)
	m.accept(results, operations, wanted)
	m.decline(now, wanted)
	m.revive(now, unplaced)
	m.suppress(len(candidates))
	m.exclude(now)
}

// requirements are what the candidates need. One that is not valid is refused before it is looked at: it is the service's fault,
// and Mesos would refuse it each time.
func (m *Machine) requirements(now time.Time, random [16]byte, all []*Pod, pool []offers.Offer, refused map[string]try) ([]*Pod, []offers.Requirement) {
	owned := map[offers.Owned]bool{}
	for i := range pool {
		for _, o := range pool[i].Owned(m.service.Name()) {
			owned[o] = true
		}
	}
	candidates, reqs := make([]*Pod, 0, len(all)), make([]offers.Requirement, 0, len(all))
	for _, p := range all {
		r := m.requirement(random, p, owned)
		if err := r.Validate(); err != nil {
			refused[p.Name] = m.keepSince(now, p, plans.Hold{Code: plans.CodeService, Subject: p.Name, Text: err.Error()})
			continue
		}
		candidates, reqs = append(candidates, p), append(reqs, r)
	}
	return candidates, reqs
}

// usableOffers returns the offers in a stable order; those of hosts that may not be used are left out. Maintenance that is over by its window
// keeps nobody away: whoever forgot to take it out of the schedule may never do so.
func (m *Machine) usableOffers(now time.Time) []offers.Offer {
	ids := make([]string, 0, len(m.offers))
	for id := range m.offers {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	out := make([]offers.Offer, 0, len(ids))
	for _, id := range ids {
		o := m.offers[id]
		if len(m.hostHolds[o.Host]) > 0 {
			continue
		}
		if o.Unavailability != nil && o.Unavailability.Over(now) {
			o.Unavailability = nil
		}
		out = append(out, o)
	}
	return out
}

// residents are the pods that have a place: what runs or may run; those that are down and come back to their hosts, because they
// are bound or something is reserved for them; and the candidates that ran before, whose ports others may have.
func (m *Machine) residents(candidates []*Pod) []offers.Pod {
	out, ports := make([]offers.Pod, 0, len(m.order)), make([]uint64, 0, len(m.order))
	for _, p := range m.order {
		if p.Task != nil && (!p.Task.State.Terminal() || p.returns()) {
			first := len(ports)
			ports = m.appendPorts(ports, p)
			out = append(out, offers.Pod{Name: p.Name, PodType: p.Type, Site: m.site(p), Ports: ports[first:len(ports):len(ports)]})
		}
	}
	for _, p := range candidates {
		if p.Task != nil && p.Task.State.Terminal() && !p.returns() {
			out = append(out, offers.Pod{Name: p.Name, PodType: p.Type, Site: m.site(p)})
		}
	}
	return out
}

// returns says whether the pod comes back to its host when it is down.
func (p *Pod) returns() bool { return p.Bound || p.Claim != nil && p.Claim.proven() }

// site is where a pod is, as far as its host is known.
func (m *Machine) site(p *Pod) offers.Site {
	if h := m.hosts[p.Host]; h != nil {
		return offers.Site{Host: h.Key, Hostname: h.Hostname, Region: h.Region, Zone: h.Zone, Attributes: h.Attributes}
	}
	return offers.Site{Host: p.Host, Hostname: p.Task.Hostname}
}

// appendPorts adds the numbers that a pod was launched with. Tasks of versions that did not record them had fixed ones.
func (m *Machine) appendPorts(ports []uint64, p *Pod) []uint64 {
	for _, port := range p.Task.Ports {
		ports = append(ports, port.Number)
	}
	if p.Task.Ports != nil {
		return ports
	}
	for _, port := range m.service.Requirement(*p).Ports {
		if port.Number != 0 && !port.Offset {
			ports = append(ports, port.Number)
		}
	}
	return ports
}

// notPlaced is why a candidate was not launched. While there is nothing on offer, that is what the last offers lacked.
func (m *Machine) notPlaced(now time.Time, p *Pod, req offers.Requirement, r offers.Result) try {
	before := m.tries[p.Name]
	end := before.looked.Add(lookPatience)
	switch {
	case r.Hosts > 0:
		t := m.refusal(now, p, req, r)
		t.looked, t.last = now, t.hold.Text
		return t
	case before.looked.IsZero():
		return m.refusal(now, p, req, r)
	case now.Before(end):
		m.wakeAt(end)
		before.kept = true
		return before
	}
	t := m.refusal(now, p, req, r)
	t.looked, t.last = before.looked, before.last
	t.hold.Text += fmt.Sprintf(" since %s; then: %s", t.looked.UTC().Format("15:04:05Z"), t.last)
	return t
}

func (m *Machine) refusal(now time.Time, p *Pod, req offers.Requirement, r offers.Result) try {
	hold := plans.Hold{Code: plans.CodeNoOffer, Subject: p.Name, Text: offers.Explain(req, r)}
	if len(r.Summary) > 0 && r.Summary[0].Code != offers.CodeNoOffer {
		hold.Code, hold.Need, hold.Have = plans.CodeNoMatch, r.Summary[0].Need, r.Summary[0].Have
	}
	return m.keepSince(now, p, hold)
}

// starves says whether nothing was on offer.
func (t try) starves() bool { return t.kept || t.hold.Code == plans.CodeNoOffer }

// keepSince: a reason holds since it first held, even when its details change.
func (m *Machine) keepSince(now time.Time, p *Pod, hold plans.Hold) try {
	since := now
	if before, ok := m.tries[p.Name]; ok {
		since = before.since
		if before.hold.Code == hold.Code {
			hold.Since = before.hold.Since
		}
	}
	if hold.Since.IsZero() {
		hold.Since = now
	}
	return try{since: since, hold: hold}
}

// task renders the pod's task. Ids are made from the decision's random number and the pod's name, so they are never used twice.
func (m *Machine) task(random [16]byte, p *Pod, at offers.Placement, c Cluster) (offers.Task, error) {
	name := fmt.Sprintf("%s-%s", p.Name, m.service.TaskName(p.Type))
	id := fmt.Sprintf("%s__%s", name, uuid.NewSHA1(uuid.UUID(random), []byte(p.Name)))
	place := Place{Host: at.Host, Hostname: at.Hostname, Address: at.Address, TaskID: id}
	task, err := m.service.Task(*p, place, c)
	if err != nil {
		return offers.Task{}, fmt.Errorf("pod %s: %w", p.Name, err)
	}
	task.ID, task.Name = id, name
	if task.Executor != nil {
		task.Executor.ID = id
	}
	return task, nil
}

// stage records the task before Mesos hears of it.
func (m *Machine) stage(now time.Time, p *Pod, task offers.Task, r offers.Requirement, at offers.Placement) {
	now = m.afterRestart(now, p)
	if t := p.Task; t != nil {
		delete(m.byTask, t.ID)
		delete(m.asked, t.ID)
		if !t.State.Terminal() {
			m.replace(p, t)
		}
	}
	p.Host = at.Host
	p.NextTry = time.Time{}
	delete(m.stunted, p.Name)
	delete(m.fits, p.Name)
	if p.BegunIn != m.run.Number {
		p.BegunIn, p.BegunAt = m.run.Number, now
	}
	p.Task = &PodTask{
		ID: task.ID, AgentID: at.AgentID, Address: at.Address, Hostname: at.Hostname,
		Target: m.target.ID, Fingerprint: m.service.Fingerprint(p.Type), LaunchedAt: now,
		State: Staging, StateAt: now, Ports: portsOf(r, at), Claim: claimOf(r, at),
		Took: at.Task.Quantities().Add(at.Executor.Quantities()),
	}
	if task.Executor != nil {
		p.Task.ExecutorID = task.Executor.ID
	}
	m.byTask[task.ID] = p
	m.touchPod(p)
	m.asked[task.ID] = question{next: now.Add(stagingPatience)}
	m.wakeAt(now.Add(stagingPatience))
}

// accept sends one ACCEPT for each set of offers that placements share.
func (m *Machine) accept(results []offers.Result, operations map[int][]offers.Operation, wanted map[string]bool) {
	for _, group := range offers.Group(results) {
		call := Accept{OfferIDs: group.OfferIDs, Refuse: m.refuse(group.Host, wanted)}
		for _, i := range group.Results {
			call.Operations = append(call.Operations, operations[i]...)
		}
		for _, id := range group.OfferIDs {
			delete(m.offers, id)
		}
		m.calls = append(m.calls, call)
	}
}

// decline gives back every offer that was not used: for long where nobody needs it, shortly where it did not fit.
func (m *Machine) decline(now time.Time, wanted map[string]bool) {
	byRefuse := map[time.Duration][]string{}
	for id, o := range m.offers {
		d := m.refuse(o.Host, wanted)
		if d == m.cfg.RefuseIdle {
			m.noteIdle(now, o.Host)
		}
		if byRefuse[d] == nil {
			byRefuse[d] = make([]string, 0, len(m.offers))
		}
		byRefuse[d] = append(byRefuse[d], id)
	}
	clear(m.offers)
	for id, r := range m.returned {
		switch {
		case now.After(r.next.Add(returnsForgotten)): // it has not failed since
			delete(m.returned, id)
		case r.count < 0:
		case now.Before(r.next):
			m.wakeAt(r.next)
		default:
			byRefuse[m.cfg.RefuseWanted] = append(byRefuse[m.cfg.RefuseWanted], id)
			m.returned[id] = retry{next: now, count: -r.count}
		}
	}
	for _, d := range []time.Duration{m.cfg.RefuseWanted, m.cfg.RefuseIdle} {
		ids := byRefuse[d]
		if len(ids) == 0 {
			continue
		}
		slices.Sort(ids)
		m.calls = append(m.calls, Decline{OfferIDs: ids, Refuse: d})
	}
}

// wantedHosts are those that candidates without a place could use; the key "" stands for all.
func wantedHosts(unplaced map[string]offers.Requirement) map[string]bool {
	wanted := make(map[string]bool, len(unplaced))
	for _, r := range unplaced {
		wanted[r.Host] = true
	}
	return wanted
}

// refuse says how long the rest of a host's offers is refused: shortly if a candidate could use the host, if it can't be used only
// because another agent claims to be it, or if its offers may soon prove something.
func (m *Machine) refuse(host string, wanted map[string]bool) time.Duration {
	if wanted[""] || wanted[host] || len(m.agents[host]) > 1 || m.moved[host] && m.mayProve(host) {
		return m.cfg.RefuseWanted
	}
	return m.cfg.RefuseIdle
}

// mayProve says whether a pod of the host has a task on an agent that the host is no more, and what was reserved for it: if that is on offer, the task has ended. Mesos
// may have to say first that it knows nothing of the task, and the host would not be offered again for an hour. A host of which that is not so is not looked at
// again before its agent is another one.
func (m *Machine) mayProve(host string) bool {
	h := m.hosts[host]
	if h != nil && slices.ContainsFunc(m.order, func(p *Pod) bool { return p.Host == host && p.wentFrom(h.AgentID) && !m.excepted(p) }) {
		return true
	}
	delete(m.moved, host)
	return false
}

// wentFrom says whether the pod's task, for which something was reserved, was launched on another agent, and is not known to have ended.
func (p *Pod) wentFrom(agent string) bool {
	return p.Task != nil && p.Task.Claim != nil && !p.Task.State.Terminal() && p.Task.AgentID != agent
}

// reviveRetry is the wait before offers are asked for again for a candidate that still has none: a REVIVE can be overtaken by the
// DECLINE of an earlier decision, which then keeps the host away for as long as it says.
var reviveRetry = [...]time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute}

// revive asks for offers for candidates that found none: idle hosts were refused for long, and nothing else would bring them back.
func (m *Machine) revive(now time.Time, unplaced map[string]offers.Requirement) {
	for name := range m.revived {
		if _, ok := unplaced[name]; !ok {
			delete(m.revived, name)
		}
	}
	var due []string
	for name := range unplaced {
		last, asked := m.revived[name]
		switch {
		case asked && (strings.HasPrefix(name, releaseSubject) || !m.tries[name].starves()): // offers come, and are refused shortly
		case asked && now.Before(last.next):
			m.wakeAt(last.next)
		default:
			due = append(due, name)
		}
	}
	ask := len(due) > 0 || m.suppressed && m.seeksProof()
	lift := !(m.suppressed && !ask) && m.liftDue(now, unplaced) || m.overtaken(due) // to be told of hosts takes back a SUPPRESS
	if !ask && !lift || !m.takeReviveToken(now) {
		return
	}
	if lift {
		m.include() // before REVIVE, which offers at once, but not what is excluded
	}
	if !ask {
		return
	}
	for _, name := range due {
		count := m.revived[name].count
		next := now.Add(reviveRetry[min(count, len(reviveRetry)-1)])
		m.revived[name] = retry{next: next, count: count + 1}
		m.wakeAt(next)
	}
	m.calls = append(m.calls, Revive{})
	m.suppressed = false
}

// takeReviveToken says whether a REVIVE may be sent now. If not, it sees to it that it is looked at again.
func (m *Machine) takeReviveToken(now time.Time) bool {
	if gained := int(now.Sub(m.refilled) / reviveRefill); m.refilled.IsZero() || gained >= reviveBurst-m.tokens {
		m.tokens, m.refilled = reviveBurst, now
	} else if gained > 0 {
		m.tokens, m.refilled = m.tokens+gained, m.refilled.Add(time.Duration(gained)*reviveRefill)
	}
	if m.tokens == 0 {
		m.wakeAt(m.refilled.Add(reviveRefill))
		return false
	}
	m.tokens--
	return true
}

// suppress asks for no more offers when there is nothing to do and no host may join. Otherwise idle means to decline for long: a
// framework without offers is blind to new hosts.
func (m *Machine) suppress(candidates int) {
	idle := candidates == 0 && !m.run.FrozenAt.IsZero() && !m.run.CompletedAt.IsZero()
	if !m.cfg.NoNewHosts || !idle || m.suppressed || m.seeksProof() || len(m.releases) > 0 {
		return
	}
	m.suppressed = true
	m.calls = append(m.calls, Suppress{})
}

// seeksProof says whether nobody knows of some pod whether its task runs: an offer may be all that ever proves that it does not.
func (m *Machine) seeksProof() bool {
	return slices.ContainsFunc(m.order, func(p *Pod) bool { return p.Task != nil && p.Task.State.Unproven() && !m.excepted(p) })
}

// lookForFits keeps offers coming for running pods of which only those can say whether what takes their place fits.
func (m *Machine) lookForFits(now time.Time, refused map[string]try, unplaced map[string]offers.Requirement) {
	for name := range m.unfit {
		p := m.pods[name]
		unplaced[name] = m.ownRequirement(p)
		text := offers.Explain(unplaced[name], offers.Result{}) // shown if its task ends before there is one
		refused[name] = m.keepSince(now, p, plans.Hold{Code: plans.CodeNoOffer, Subject: name, Text: text})
	}
	for name, f := range m.fits {
		switch end := f.At.Add(plans.FreshVerdict); {
		case m.unfit[name]:
		case !now.Before(end) || !m.pods[name].runs():
			delete(m.fits, name)
		case f.Fit == plans.FitsNot:
			unplaced[name] = m.ownRequirement(m.pods[name])
			refused[name] = m.keepSince(now, m.pods[name], *f.Hold)
		}
	}
}
