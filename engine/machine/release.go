package machine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
)

// Release is something that is reserved for the service and that an operator wants to be given back: what was a pod's until it was replaced, or what
// is no pod's. It lasts until Mesos has said that it is done. Volumes are destroyed with their data. What is not reserved by this framework or one of the same
// service, the devices of hosts above all, is never touched.
type Release struct {
	// Claim is the id that the reservations carry (label resource_id), Pod the name of the pod that they were made for.
	Claim string `json:"claim"`
	Pod   string `json:"pod"`
	Host  string `json:"host"`
	Role  string `json:"role,omitempty"`
	// Holds says in words what is given back, as far as it was known.
	Holds  string    `json:"holds,omitempty"`
	Verb   VerbKind  `json:"verb"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	// Operations are those of the last attempt of which Mesos has not told how they went, Tried is when that was, and Refused why it failed.
	Operations []PodOperation `json:"operations,omitempty"`
	Tried      time.Time      `json:"tried,omitzero"`
	Refused    string         `json:"refused,omitempty"`
}

// maxClaimID bounds the ids of claims that can be released: they are part of a record's key.
const maxClaimID = 100

// releaseRetry is the wait before something that Mesos refused to give back is tried again.
const releaseRetry = time.Minute

// releasePatience is how long something is looked for in a host's offers before it is taken for gone: it may be offered in pieces.
const releasePatience = 10 * time.Minute

// replacePod gives up what is reserved for a pod that is down, and lets it be placed anew: on its host if it is bound to that, else wherever it fits.
func (m *Machine) replacePod(now time.Time, v Verb) (AnswerCode, string) {
	p := m.pods[v.Pod]
	switch {
	case p == nil:
		return NotFound, fmt.Sprintf("pod %q: not found", v.Pod)
	case strings.TrimSpace(v.Reason) == "":
		return Invalid, fmt.Sprintf("pod %q: the reason is missing; say why its place is given up, for others to see", v.Pod)
	case p.Claim == nil && p.Bound:
		return Refused, fmt.Sprintf("pod %q: nothing is reserved for it; it belongs to host %s and what that carries, which is not ours to give up", p.Name, p.Host)
	case p.Claim == nil:
		return Already, fmt.Sprintf("pod %q: nothing is reserved for it; it is placed anew whenever it is launched", p.Name)
	case m.lingering(p) != nil:
		r := m.lingering(p)
		return Refused, fmt.Sprintf("pod %q: task %s, which was taken for gone, has shown up again and may use what is reserved", p.Name, r.TaskID)
	case p.Task != nil && p.Task.State.Unproven():
		return Refused, fmt.Sprintf("pod %q: its task is %s and may use what is reserved; %s", p.Name, p.Task.State, whoKnows(p))
	case p.Task != nil && !p.Task.State.Terminal():
		return Refused, fmt.Sprintf("pod %q: its task is %s; only the place of a pod that is down is given up", p.Name, p.Task.State)
	case v.Claim == "":
		return Refused, fmt.Sprintf("pod %q: %s would be given back; who means that names the claim: %s", p.Name, p.Claim.words(), p.Claim.ID)
	case v.Claim != p.Claim.ID:
		return Conflict, fmt.Sprintf("pod %q: claim %q is not what is reserved for it; that is %s: %s", p.Name, v.Claim, p.Claim.ID, p.Claim.words())
	}
	words := p.Claim.words()
	m.putRelease(&Release{Claim: p.Claim.ID, Pod: p.Name, Host: p.Claim.Host, Role: p.Claim.Role, Holds: words, Verb: v.Kind, By: v.Actor, Reason: v.Reason, At: now})
	var task TaskRef
	var state TaskState
	if t := p.Task; t != nil {
		task, state = TaskRef{t.ID, t.AgentID}, t.State
		t.Claim = nil
	}
	m.consent(now, p, v, task, state)
	m.forgetOperations(p)
	p.Claim = nil
	if !p.Bound {
		p.Host = ""
	}
	return Done, fmt.Sprintf("pod %q: %s is given back when the host offers it; the pod is placed anew", p.Name, words)
}

// words is what a claim is in words.
func (c *PodClaim) words() string {
	text := cmp.Or(c.Held.String(), "what is reserved")
	switch n := len(c.Volumes); {
	case n == 1:
		text += " and a volume, which is destroyed with its data,"
	case n > 1:
		text += fmt.Sprintf(" and %d volumes, which are destroyed with their data,", n)
	}
	return fmt.Sprintf("%s on host %s", text, c.Host)
}

// releaseLeftover gives back what is reserved on a host for the service and for no pod.
func (m *Machine) releaseLeftover(now time.Time, v Verb) (AnswerCode, string) {
	if m.hosts[v.Host] == nil {
		return NotFound, fmt.Sprintf("host %q: not found", v.Host)
	}
	if strings.TrimSpace(v.Reason) == "" {
		return Invalid, fmt.Sprintf("host %q: the reason is missing; say why what is reserved there is of no use, for others to see", v.Host)
	}
	if _, known := m.releases[v.Claim]; known {
		return Already, fmt.Sprintf("host %q: claim %q is being given back", v.Host, v.Claim)
	}
	if owner := m.ownerOf(v.Claim); owner != nil {
		return Refused, fmt.Sprintf("host %q: claim %q is that of pod %s", v.Host, v.Claim, owner.Name)
	}
	i := slices.IndexFunc(m.leftovers[v.Host], func(l leftover) bool { return l.Owned.ID == v.Claim })
	switch {
	case i < 0 && v.Claim == "":
		return Refused, fmt.Sprintf("host %q: it is not said what is given back; who means it names a claim (host list --json)", v.Host)
	case i < 0:
		return NotFound, fmt.Sprintf("host %q: claim %q: nothing of it was offered there since the framework started", v.Host, v.Claim)
	case len(v.Claim) > maxClaimID || strings.ContainsFunc(v.Claim, func(r rune) bool { return r <= ' ' || r == '/' || r > '~' }):
		return Refused, fmt.Sprintf("host %q: claim %q has characters that its record can't, or more than %d", v.Host, v.Claim, maxClaimID)
	}
	l := m.leftovers[v.Host][i]
	m.putRelease(&Release{Claim: l.Owned.ID, Pod: l.Owned.Pod, Host: v.Host, Role: l.Role, Holds: l.Text, Verb: v.Kind, By: v.Actor, Reason: v.Reason, At: now})
	return Done, fmt.Sprintf("host %q: %s is given back when the host offers it", v.Host, l.Text)
}

// cancelRelease takes back what an operator has said of a claim, or of all on a host, as long as Mesos was not told: what is reserved stays, as something that is left over.
func (m *Machine) cancelRelease(v Verb) (AnswerCode, string) {
	var waiting, told, perhaps []string
	for _, r := range m.sortedReleases() {
		switch {
		case r.Host != v.Host || v.Claim != "" && r.Claim != v.Claim:
		case len(r.Operations) > 0:
			told = append(told, r.Claim)
		default:
			waiting = append(waiting, r.Claim)
			if !r.Tried.IsZero() && r.Refused == "" {
				perhaps = append(perhaps, r.Claim)
			}
		}
	}
	switch {
	case m.hosts[v.Host] == nil && len(waiting)+len(told) == 0:
		return NotFound, fmt.Sprintf("host %q: not found", v.Host)
	case len(waiting)+len(told) == 0 && v.Claim != "":
		return NotFound, fmt.Sprintf("host %q: claim %q: is not being given back", v.Host, v.Claim)
	case len(waiting)+len(told) == 0:
		return Already, fmt.Sprintf("host %q: nothing is being given back there", v.Host)
	case len(waiting) == 0:
		return Refused, fmt.Sprintf("host %q: Mesos has been told already to give back %s; how that went is still to come", v.Host, abbreviate(told, 3))
	}
	for _, claim := range waiting {
		m.dropRelease(m.releases[claim])
	}
	text := fmt.Sprintf("host %q: claim %s stays reserved, and is left over when the host offers it", v.Host, abbreviate(waiting, 3))
	if len(perhaps) > 0 {
		text += fmt.Sprintf("; Mesos was told before of %s, and it may be given back already", abbreviate(perhaps, 3))
	}
	if len(told) > 0 {
		text += fmt.Sprintf("; of %s Mesos has been told already", abbreviate(told, 3))
	}
	return Done, text
}

// ownerOf is the pod that a claim belongs to, wherever it is: it is on record as what is, or may become, reserved for it.
func (m *Machine) ownerOf(claim string) *Pod {
	i := slices.IndexFunc(m.order, func(p *Pod) bool {
		return p.Claim != nil && p.Claim.ID == claim || p.runs() && p.Task.Claim != nil && p.Task.Claim.ID == claim
	})
	if i < 0 {
		return nil
	}
	return m.order[i]
}

func (m *Machine) putRelease(r *Release) {
	m.releases[r.Claim] = r
	m.touchRelease(r)
}

func (m *Machine) touchRelease(r *Release) {
	m.dirty[prefixRelease+r.Claim] = true
	delete(m.deleted, prefixRelease+r.Claim)
	m.changed = true
}

// dropRelease takes it from the record.
func (m *Machine) dropRelease(r *Release) {
	m.forgetReleaseOperations(r)
	delete(m.releases, r.Claim)
	delete(m.dirty, prefixRelease+r.Claim)
	m.deleted[prefixRelease+r.Claim] = true
	m.changed = true
}

// forgetRelease: it is done.
func (m *Machine) forgetRelease(r *Release) {
	m.dropRelease(r)
	m.leftovers[r.Host] = slices.DeleteFunc(m.leftovers[r.Host], func(l leftover) bool { return l.Owned.ID == r.Claim })
	if len(m.leftovers[r.Host]) == 0 {
		delete(m.leftovers, r.Host)
	}
}

func (m *Machine) forgetReleaseOperations(r *Release) {
	for _, o := range r.Operations {
		delete(m.releasing, o.ID)
		delete(m.opAsked, o.ID)
	}
	r.Operations = nil
}

// sortedReleases are those on record, by claim.
func (m *Machine) sortedReleases() []*Release {
	if len(m.releases) == 0 {
		return nil
	}
	out := make([]*Release, 0, len(m.releases))
	for _, id := range slices.Sorted(maps.Keys(m.releases)) {
		out = append(out, m.releases[id])
	}
	return out
}

// release gives back what is on offer of that which is to be given back, and forgets what is not there any more. What a pod owns by its record is never given
// back, whatever else the records say.
func (m *Machine) release(now time.Time, random [16]byte) {
	if !m.connection.Connected {
		return
	}
	usable := m.releaseOffers()
	for _, r := range m.dueReleases(now, usable) {
		pool := slices.DeleteFunc(slices.Clone(usable[r.Host]), func(o offers.Offer) bool { return m.offers[o.ID].ID == "" || r.Role != "" && o.Role != r.Role })
		found := offers.ReleaseClaim(pool, r.Pod, offers.Claim{Service: m.service.Name(), ID: r.Claim})
		for _, f := range found {
			m.giveUp(now, random, r, f)
		}
		gone := len(found) == 0 && len(pool) > 0
		if gone && (!r.Tried.IsZero() || now.Sub(r.At) >= releasePatience) {
			m.forgetRelease(r)
		}
	}
}

// releaseOffers are the offers of hosts on which something is to be given back, by id. There may be thousands that wait for hosts which are dead: what is done in every
// decision is no more than to look whether any of them offers something. That the state is empty keeps nothing from being given back: it may be what it waits for.
func (m *Machine) releaseOffers() map[string][]offers.Offer {
	if len(m.releases) == 0 || len(m.offers) == 0 {
		return nil
	}
	usable := map[string][]offers.Offer{}
	for _, r := range m.releases {
		usable[r.Host] = nil
	}
	for _, o := range m.offers {
		if all, ok := usable[o.Host]; ok {
			usable[o.Host] = append(all, o)
		}
	}
	for host, all := range usable {
		if h := m.hosts[host]; h != nil && len(m.holdsOfHost(h)) > 0 {
			delete(usable, host)
			continue
		}
		slices.SortFunc(all, func(a, b offers.Offer) int { return strings.Compare(a.ID, b.ID) })
	}
	return usable
}

// dueReleases are those of which something may be on offer, by claim.
func (m *Machine) dueReleases(now time.Time, usable map[string][]offers.Offer) []*Release {
	var due []*Release
	for _, r := range m.releases {
		if len(r.Operations) > 0 {
			continue
		}
		if next := r.Tried.Add(releaseRetry); r.Refused != "" && now.Before(next) {
			m.wakeAt(next)
			continue
		}
		if len(usable[r.Host]) > 0 && m.ownerOf(r.Claim) == nil {
			due = append(due, r)
		}
	}
	slices.SortFunc(due, func(a, b *Release) int { return strings.Compare(a.Claim, b.Claim) })
	return due
}

// giveUp sends what gives back something on the offers of one agent and role. That it is tried is on record before.
func (m *Machine) giveUp(now time.Time, random [16]byte, r *Release, f offers.Release) {
	for i := range f.Operations {
		op := &f.Operations[i]
		if m.cfg.SilentOperations {
			continue
		}
		unique := uuid.NewSHA1(uuid.UUID(random), []byte(fmt.Sprintf("release/%s/%s/%s/%d", r.Claim, f.AgentID, f.Role, i)))
		op.ID = fmt.Sprintf("%s-%s__%s", strings.ToLower(string(op.Type)), r.Pod, unique)
		r.Operations = append(r.Operations, PodOperation{ID: op.ID, AgentID: f.AgentID})
		m.releasing[op.ID] = r.Claim
		m.opAsked[op.ID] = question{next: now.Add(stagingPatience)}
	}
	r.Tried, r.Refused = now, ""
	m.touchRelease(r)
	for _, id := range f.OfferIDs {
		delete(m.offers, id)
	}
	m.calls = append(m.calls, Accept{OfferIDs: f.OfferIDs, Operations: f.Operations, Refuse: m.cfg.RefuseWanted})
}

// takeReleased notes how an operation went that gives something back. When all of an attempt are done, so is the release: if something is left that was not on
// offer then, it shows as left over.
func (m *Machine) takeReleased(now time.Time, r *Release, s OperationStatus) {
	switch s.State {
	case "FINISHED":
		m.strikeRelease(r, s.OperationID)
		if len(r.Operations) == 0 && r.Refused == "" {
			m.forgetRelease(r)
		}
	case "ERROR", "FAILED", "DROPPED":
		m.strikeRelease(r, s.OperationID)
		r.Refused = cmp.Or(r.Refused, kept(s.Message), s.State)
	case "GONE_BY_OPERATOR", "UNKNOWN": // the next offer of the host will tell
		if s.State == "UNKNOWN" && len(m.agents[r.Host]) == 0 {
			m.askAgain(now, s.OperationID) // see takeOperation
			return
		}
		m.strikeRelease(r, s.OperationID)
	default:
		m.askAgain(now, s.OperationID)
	}
}

func (m *Machine) strikeRelease(r *Release, id string) {
	delete(m.releasing, id)
	delete(m.opAsked, id)
	r.Operations = slices.DeleteFunc(r.Operations, func(o PodOperation) bool { return o.ID == id })
	m.touchRelease(r)
}

// dropReleases: what was to be given back with a call that failed is still there.
func (m *Machine) dropReleases(c Accept) {
	for i := range c.Operations {
		if r := m.releases[m.releasing[c.Operations[i].ID]]; r != nil {
			m.strikeRelease(r, c.Operations[i].ID)
			r.Tried = time.Time{}
		}
	}
}

// lookForReleases keeps offers coming from the hosts on which something is to be given back. They are asked for once in a session: a host that is away
// offers by itself when it is back.
func (m *Machine) lookForReleases(unplaced map[string]offers.Requirement) {
	for _, r := range m.releases {
		if len(r.Operations) == 0 {
			unplaced[releaseSubject+r.Claim] = offers.Requirement{Host: r.Host}
		}
	}
}

// releaseSubject begins the names under which offers are asked for to give something back. No pod's name has a blank.
const releaseSubject = "release "

// maxReleaseWarnings bounds how many of the releases are told of one by one: hosts show all of them.
const maxReleaseWarnings = 20

// releaseWarnings tell of what is to be given back, and what it waits for.
func (m *Machine) releaseWarnings() []plans.Hold {
	var out []plans.Hold
	all := m.sortedReleases()
	for i, r := range all {
		if i == maxReleaseWarnings {
			return append(out, plans.Hold{
				Code: plans.CodeService, Subject: m.service.Name(), Since: r.At,
				Text: fmt.Sprintf("%d more things that were reserved are to be given back; host list --json shows all", len(all)-i),
			})
		}
		waits := "waits for its offer"
		owner := m.ownerOf(r.Claim)
		switch {
		case len(r.Operations) > 0:
			waits = "waits for Mesos to say that it is done"
		case r.Refused != "":
			waits = "Mesos refused it, and is asked again: " + r.Refused
		case owner != nil:
			waits = fmt.Sprintf("is not given back, because it is reserved for pod %s by now", owner.Name)
		case len(m.agents[r.Host]) == 0:
			waits = fmt.Sprintf("waits until the host offers it, which has offered nothing since the session began; if it is dead for good: host release %s --cancel", r.Host)
		}
		out = append(out, plans.Hold{
			Code: plans.CodeService, Subject: r.Host, Since: r.At,
			Text: fmt.Sprintf("host %s: what was reserved for %s (claim %s) is given back, by %s: %s; %s", r.Host, r.Pod, r.Claim, r.By, r.Reason, waits),
		})
	}
	return out
}
