package cluster

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// offer is a set of resources of one agent that one framework may use for one of its roles.
type offer struct {
	id        string
	number    int
	framework *framework
	agent     *agent
	role      string
	resources Resources // allocated to role
	expireAt  time.Time // zero without Config.OfferTimeout
}

// filter keeps an agent's resources from being offered again, as long as there are no more of them than were refused.
type filter struct {
	role      string
	agent     string
	resources Resources
	until     time.Time
}

// roundDrift is how much later each round of offers comes than the interval says: a master arms the next round when
// the last one has ended. It makes "refuse for 5 s" with an interval of 500 ms last 5.01 s, as recorded, not 5.5 s.
const roundDrift = time.Millisecond

// rounds is the beat of allocation: it tells when the next round has something to do.
type rounds struct {
	epoch     time.Time
	period    time.Duration
	last      time.Time
	wanted    bool
	requested time.Time
	between   int // allocations that were not rounds
	done      int // all that were carried out

	// A master with quotas that has just begun to lead offers nothing until it knows enough of the cluster.
	heldUntil time.Time // zero if it does not wait
	expected  int       // agents that are enough
}

// request asks for a round later than t, since resources or wishes may have become free then.
func (r *rounds) request(t time.Time) {
	if !r.wanted {
		r.wanted, r.requested = true, t.Add(1)
	}
}

// after is the first beat at or after t that has not been used.
func (r *rounds) after(t time.Time) time.Time {
	if !t.After(r.last) {
		t = r.last.Add(1)
	}
	beats := t.Sub(r.epoch) / r.period
	beat := r.epoch.Add(beats * r.period)
	if beat.Before(t) {
		beat = beat.Add(r.period)
	}
	return beat
}

// nextRound is when the next round has something to do, or zero.
func (c *Cluster) nextRound() time.Time {
	var next time.Time
	if !c.leads() {
		return next
	}
	if !c.rounds.heldUntil.IsZero() {
		return c.rounds.heldUntil
	}
	if c.rounds.wanted {
		next = c.rounds.after(c.rounds.requested)
	}
	if opens := c.nextOpening(); !opens.IsZero() {
		next = earlier(next, c.rounds.after(opens))
	}
	return next
}

// nextOpening is when the first filter of anybody who listens ends.
func (c *Cluster) nextOpening() time.Time {
	var next time.Time
	for _, f := range c.frameworks {
		if f.stream == "" {
			continue
		}
		for i := range f.filters {
			next = earlier(next, f.filters[i].until)
		}
		for i := range f.inverseFilters {
			next = earlier(next, f.inverseFilters[i].until)
		}
	}
	return next
}

func (c *Cluster) round() {
	if !due(c.nextRound(), c.now) {
		return
	}
	if !c.rounds.heldUntil.IsZero() {
		c.release()
		return
	}
	c.rounds.last, c.rounds.wanted = c.now, false
	for _, f := range c.frameworks {
		f.filters = slices.DeleteFunc(f.filters, func(filter filter) bool { return due(filter.until, c.now) })
		f.inverseFilters = slices.DeleteFunc(f.inverseFilters, func(filter inverseFilter) bool {
			return due(filter.until, c.now)
		})
	}
	c.offerAll(c.agents)
}

const (
	recoveryHold   = 10 * time.Minute
	recoveryFactor = 0.8 // of the agents in the registry
)

// hold is a master that begins to lead: with quotas it waits for most of its agents, since it would give too much to who has one if it knew only a part of
// what that uses.
func (c *Cluster) hold() {
	expected := int(float64(len(c.registry.admitted)) * recoveryFactor)
	if len(c.registry.quotas) > 0 && expected > 0 {
		c.rounds.heldUntil, c.rounds.expected = c.now.Add(recoveryHold), expected
	}
}

func (c *Cluster) release() {
	c.rounds.heldUntil = time.Time{}
	c.rounds.request(c.now)
}

// allocate is an allocation between two rounds.
func (c *Cluster) allocate(agents []*agent) {
	c.rounds.between++
	c.offerAll(agents)
}

// offerAll offers everything that is free on these agents to whoever may have it, in one OFFERS event per framework.
// One agent gives several offers if some of it is reserved for a role that does not get the rest.
func (c *Cluster) offerAll(agents []*agent) {
	if !c.rounds.heldUntil.IsZero() {
		return
	}
	c.rounds.done++
	batches := map[*framework][]mesos.Offer{}
	for _, a := range c.shuffled(agents) {
		if !c.offersFrom(a) {
			continue
		}
		for free := a.free(); !free.Empty(); {
			f, role, part := c.claimant(a, free)
			if f == nil {
				break
			}
			o := c.makeOffer(f, a, role, part)
			free = free.minus(part)
			batches[f] = append(batches[f], o.wire(c.unavailability(o.agent)))
		}
	}
	for _, f := range c.frameworks {
		if batch := batches[f]; len(batch) > 0 {
			f.count("offers/sent", len(batch))
			c.send(f, &scheduler.Event{Type: scheduler.Event_OFFERS, Offers: &scheduler.Event_Offers{Offers: batch}})
		}
	}
	c.askToLeave(agents)
}

func (c *Cluster) shuffled(agents []*agent) []*agent {
	if c.cfg.Shuffle == nil {
		return agents
	}
	var ids []string
	byID := map[string]*agent{}
	for _, a := range agents {
		ids, byID[a.id] = append(ids, a.id), a
	}
	c.cfg.Shuffle(ids)
	var list []*agent
	for _, id := range ids {
		list = append(list, byID[id])
	}
	return list
}

func (c *Cluster) makeOffer(f *framework, a *agent, role string, part Resources) *offer {
	o := &offer{
		id:        fmt.Sprintf("%s-O%d", c.masterID, c.offersMade),
		number:    c.offersMade,
		framework: f, agent: a, role: role,
		resources: part.allocated(role),
	}
	if c.cfg.OfferTimeout > 0 {
		o.expireAt = c.now.Add(c.cfg.OfferTimeout)
	}
	c.offersMade++
	c.offers[o.id] = o
	c.noteTurn(f, role)
	a.offered = a.offered.plus(part)
	return o
}

// claim is a wish for a part of an agent's resources.
type claim struct {
	f    *framework
	role string
	part Resources
}

// claimant is the claim whose turn it is, its framework nil if nobody wants anything.
func (c *Cluster) claimant(a *agent, free Resources) (*framework, string, Resources) {
	var claims []claim
	for _, f := range c.frameworks {
		if f.stream == "" {
			continue
		}
		for _, role := range f.roles() {
			if f.excludes(role, a) || c.remote(a) && !f.has(mesos.FrameworkInfo_Capability_REGION_AWARE) {
				continue
			}
			part := c.withinQuota(role, free.where(allocatableTo(role)).where(f.form().shows))
			if f.wants(role, part) && !f.suppressed[role] && !f.refuses(role, a, part) {
				claims = append(claims, claim{f, role, part})
			}
		}
	}
	first := c.first(claims)
	return first.f, first.role, first.part
}

func (f *framework) refuses(role string, a *agent, free Resources) bool {
	return slices.ContainsFunc(f.filters, func(filter filter) bool {
		return filter.agent == a.id && filter.role == role && filter.resources.contains(free)
	})
}

// remote tells whether an agent is in another region than the master. One whose domain is not known is not.
func (c *Cluster) remote(a *agent) bool {
	if a.domain == nil || c.cfg.Domain == nil {
		return false
	}
	return a.domain.GetFaultDomain().GetRegion().Name != c.cfg.Domain.GetFaultDomain().GetRegion().Name
}

// expireOffers takes back what was held for too long, oldest first.
func (c *Cluster) expireOffers() {
	for _, o := range c.outstanding() {
		if due(o.expireAt, c.now) {
			c.rescind(o.framework, o)
		}
	}
}

func (c *Cluster) nextExpiry() time.Time {
	var next time.Time
	for _, o := range c.offers {
		next = earlier(next, o.expireAt)
	}
	return next
}

func (o *offer) wire(unavailability *mesos.Unavailability) mesos.Offer {
	a, form := o.agent, o.framework.form()
	w := mesos.Offer{
		ID:          mesos.OfferID{Value: o.id},
		FrameworkID: mesos.FrameworkID{Value: o.framework.id},
		AgentID:     mesos.AgentID{Value: a.id},
		Hostname:    a.hostname,
		URL:         a.url(),
		Domain:      a.domain,
		Resources:   o.resources.wire(form),
		Attributes:  a.attributes,

		Unavailability: unavailability,
	}
	if form.allocation {
		role := o.role
		w.AllocationInfo = &mesos.Resource_AllocationInfo{Role: &role}
	}
	for _, id := range a.executors.keys {
		if e := a.executors.of[id]; e.framework == o.framework && e.kind != commandExecutor {
			w.ExecutorIDs = append(w.ExecutorIDs, mesos.ExecutorID{Value: e.id})
		}
	}
	return w
}

// outstanding lists all offers that are held, oldest first.
func (c *Cluster) outstanding() []*offer {
	held := slices.Collect(maps.Values(c.offers))
	slices.SortFunc(held, func(a, b *offer) int { return cmp.Compare(a.number, b.number) })
	return held
}

// offersOf lists the offers that a framework holds, oldest first.
func (c *Cluster) offersOf(f *framework) []*offer {
	return slices.DeleteFunc(c.outstanding(), func(o *offer) bool { return o.framework != f })
}

// take ends an offer; its resources are neither offered nor free until used or recovered.
func (c *Cluster) take(o *offer) {
	delete(c.offers, o.id)
	o.agent.offered = o.agent.offered.minus(o.resources.allocated(""))
}

// recover makes resources free that were offered to f, and keeps them from f for a while if it said so.
func (c *Cluster) recover(f *framework, a *agent, role string, resources Resources, refuse time.Duration) {
	c.rounds.request(c.now)
	if refuse > 0 && !resources.Empty() {
		f.filters = append(f.filters, filter{
			role: role, agent: a.id, resources: resources.allocated(""), until: c.now.Add(refuse),
		})
	}
}

func (c *Cluster) dropOffers(f *framework) {
	c.inverse = slices.DeleteFunc(c.inverse, func(o *inverseOffer) bool { return o.framework == f })
	for _, o := range c.offersOf(f) {
		c.take(o)
		c.recover(f, o.agent, o.role, o.resources, 0)
	}
}

func (c *Cluster) rescind(f *framework, o *offer) { c.rescindFor(f, o, 0) }

// rescindFor takes an offer back, and keeps its resources from the framework for a while.
func (c *Cluster) rescindFor(f *framework, o *offer, refuse time.Duration) {
	c.take(o)
	c.recover(f, o.agent, o.role, o.resources, refuse)
	f.count("offers/rescinded", 1)
	c.send(f, &scheduler.Event{Type: scheduler.Event_RESCIND, Rescind: &scheduler.Event_Rescind{
		OfferID: mesos.OfferID{Value: o.id},
	}})
}

// refusal is how long a filter lasts: 5 s if nothing sensible is said, at least one allocation interval unless it is
// zero, at most a year.
func (c *Cluster) refusal(filters *mesos.Filters) time.Duration {
	const usual, longest = 5.0, 365 * 24 * 3600.0
	s := filters.GetRefuseSeconds()
	if filters == nil || s < 0 || math.IsNaN(s) {
		s = usual
	}
	if s == 0 {
		return 0
	}
	return max(seconds(min(s, longest)), c.cfg.AllocationInterval)
}

// decline gives offers back. Whose they are is not looked at, as little as a master does: one that another framework holds is
// kept from that, which hears nothing of it.
func (c *Cluster) decline(f *framework, decline *scheduler.Call_Decline) {
	refuse := c.refusal(decline.Filters)
	for _, id := range decline.OfferIDs {
		o := c.offers[id.Value]
		if o == nil {
			continue
		}
		f.count("offers/declined", 1)
		c.take(o)
		c.recover(o.framework, o.agent, o.role, o.resources, refuse)
	}
}

// revive clears filters and suppression for roles, or for all if none is named, and offers at once.
func (c *Cluster) revive(f *framework, roles []string) {
	roles, ok := f.chosen(roles)
	if !ok {
		return
	}
	for _, role := range roles {
		delete(f.suppressed, role)
	}
	f.filters = slices.DeleteFunc(f.filters, func(filter filter) bool { return slices.Contains(roles, filter.role) })
	f.inverseFilters = nil // of whatever role
	c.allocate(c.agents)
}

// suppress stops new offers for roles, or for all if none is named. Offers that are held stay.
func (c *Cluster) suppress(f *framework, roles []string) {
	roles, ok := f.chosen(roles)
	if !ok {
		return
	}
	for _, role := range roles {
		f.suppressed[role] = true
	}
}

// chosen is the roles that a call means. One role that is not the framework's own voids the whole call, silently.
func (f *framework) chosen(roles []string) ([]string, bool) {
	if len(roles) == 0 {
		return f.roles(), true
	}
	strange := slices.ContainsFunc(roles, func(role string) bool { return !slices.Contains(f.roles(), role) })
	return roles, !strange
}

func roleProblem(role string) string {
	switch {
	case role == "*":
		return ""
	case role == "":
		return "Role names cannot be the empty string"
	case strings.HasPrefix(role, "/"):
		return "Role '" + role + "' cannot start with a slash"
	case strings.HasSuffix(role, "/"):
		return "Role '" + role + "' cannot end with a slash"
	case strings.Contains(role, "//"):
		return "Role '" + role + "' cannot contain two adjacent slashes"
	}
	for _, part := range strings.Split(role, "/") {
		switch {
		case part == "." || part == ".." || part == "*":
			return "Role '" + role + "' cannot include '" + part + "' as a component"
		case strings.HasPrefix(part, "-"):
			return "Role component '" + part + "' is invalid because it starts with a dash"
		case strings.ContainsAny(part, " \t\n\v\f\r\x7f"):
			return "Role component '" + part + "' is invalid because it contains backspace or whitespace"
		}
	}
	return ""
}
