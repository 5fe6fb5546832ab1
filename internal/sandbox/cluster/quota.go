package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	quotas "github.com/mesos/mesos-go/api/v1/lib/quota"
)

// amounts are scalars by name, in thousandths.
type amounts map[string]int64

func amountsOf(values map[string]mesos.Value_Scalar) amounts {
	a := amounts{}
	for name, value := range values {
		a[name] = milli(value.Value)
	}
	return a
}

func (r Resources) amounts() amounts {
	a := amounts{}
	for _, q := range r.list {
		if q.typ == mesos.SCALAR {
			a[q.kind.name] += q.milli
		}
	}
	return a
}

func (a amounts) add(other amounts) {
	for name, milli := range other {
		a[name] += milli
	}
}

// within tells whether a limit is kept; what it does not name is not limited.
func (a amounts) within(limits amounts) bool {
	for name, limit := range limits {
		if a[name] > limit {
			return false
		}
	}
	return true
}

// text is the notation of a master's messages, by name.
func (a amounts) text() string {
	if len(a) == 0 {
		return "{}"
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		parts = append(parts, name+":"+quantity{typ: mesos.SCALAR, milli: a[name]}.amount())
	}
	return strings.Join(parts, "; ")
}

// quota is what an operator has set for a role and those below it.
type quota struct {
	guarantees amounts // that others leave for it
	limits     amounts // that it does not get beyond
}

// updateQuota answers UPDATE_QUOTA: all of the configurations, or none.
func (c *Cluster) updateQuota(update *master.Call_UpdateQuota) Answer {
	const force = " (use 'force' flag to bypass this check)"
	for i := range update.QuotaConfigs {
		config := &update.QuotaConfigs[i]
		if strings.Contains(config.Role, "/") {
			return refused("Updating quota on nested role '" + config.Role + "' is not supported yet")
		}
		if problem := quotaProblem(config); problem != "" {
			return refused("Invalid QuotaConfig: " + problem)
		}
	}
	next := maps.Clone(c.registry.quotas)
	for i := range update.QuotaConfigs {
		config := &update.QuotaConfigs[i]
		q := quota{guarantees: amountsOf(config.Guarantees), limits: amountsOf(config.Limits)}
		if consumed := c.taken(config.Role); !consumed.within(q.limits) && !update.GetForce() {
			return refused("Invalid QuotaConfig: Role '" + config.Role + "' is already consuming '" + consumed.text() +
				"'; this is more than the requested limits '" + q.limits.text() + "'" + force)
		}
		next[config.Role] = q
		if len(q.guarantees)+len(q.limits) == 0 {
			delete(next, config.Role)
		}
	}
	if promised, has, over := c.overcommitted(next); over && !update.GetForce() {
		return refused(fmt.Sprintf("Invalid QuotaConfig: total quota guarantees '%s' exceed cluster capacity '%s'%s",
			promised.text(), has.text(), force))
	}
	c.registry.quotas = next
	for i := range update.QuotaConfigs {
		c.rescindForQuota(update.QuotaConfigs[i].Role)
	}
	c.rounds.request(c.now)
	return Answer{Status: statusOK}
}

func quotaProblem(config *quotas.QuotaConfig) string {
	if problem := roleProblem(config.Role); problem != "" {
		return "Invalid 'QuotaConfig.role': " + problem
	}
	parts := []struct {
		field, word string
		values      map[string]mesos.Value_Scalar
	}{{"guarantees", "guarantee", config.Guarantees}, {"limits", "limit", config.Limits}}
	for _, part := range parts {
		if problem := hugeProblem(part.values); problem != "" {
			return "Invalid 'QuotaConfig." + part.field + "': " + problem
		}
	}
	for _, part := range parts {
		for _, name := range slices.Sorted(maps.Keys(part.values)) {
			if problem := inputScalarProblem(part.values[name].Value); problem != "" {
				return "Invalid " + part.word + " configuration {" + scalarText("'"+name+"'", part.values[name]) + "}: " + problem
			}
		}
	}
	if !amountsOf(config.Guarantees).within(amountsOf(config.Limits)) {
		return "'QuotaConfig.guarantees' " + mapText(config.Guarantees) + " is not contained within the 'QuotaConfig.limits' " +
			mapText(config.Limits)
	}
	return ""
}

// hugeProblem finds amounts that could not be counted in thousandths without loss.
func hugeProblem(values map[string]mesos.Value_Scalar) string {
	const exabyte, trillion = 1 << 40, 1_000_000_000_000 // MB; of whatever
	for _, name := range slices.Sorted(maps.Keys(values)) {
		most, unit := float64(trillion), "1 trillion (1000000000000)"
		if name == "mem" || name == "disk" {
			most, unit = exabyte, "1 exabyte (1099511627776)"
		}
		if value := values[name]; value.Value > most {
			return "{" + scalarText("'"+name+"'", value) + "} is invalid: values greater than " + unit + " are not supported"
		}
	}
	return ""
}

func scalarText(name string, value mesos.Value_Scalar) string {
	return name + ": " + quantity{typ: mesos.SCALAR, milli: milli(value.Value)}.amount()
}

// mapText is how a master prints a map of a message.
func mapText(values map[string]mesos.Value_Scalar) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		parts = append(parts, scalarText(name, values[name]))
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

// setQuota answers SET_QUOTA, the older form: what is guaranteed is the limit as well, and a role that has a quota gets no other.
func (c *Cluster) setQuota(request *quotas.QuotaRequest) Answer {
	const wrong = "Failed to validate set quota request: "
	if problem := formProblem(pointers(request.Guarantee)); problem != "" {
		return refused("Failed to validate set quota request: QuotaInfo with invalid resource: " + problem)
	}
	if problem := quotaInfoProblem(request); problem != "" {
		return refused(wrong + problem)
	}
	role := request.GetRole()
	if _, has := c.registry.quotas[role]; has {
		return refused(wrong + "Cannot set quota for role '" + role + "' which already has quota")
	}
	if strings.Contains(role, "/") {
		return refused("Setting quota on nested role '" + role + "' is not supported yet")
	}
	amount := parseResources(request.Guarantee).amounts()
	next := maps.Clone(c.registry.quotas)
	next[role] = quota{guarantees: amount, limits: amount}
	if promised, has, over := c.overcommitted(next); over && !request.GetForce() {
		return Answer{Status: statusConflict, Text: fmt.Sprintf("Quota guarantees overcommit the cluster (use 'force' to bypass this check): "+
			"Total quota guarantees '%s' exceed cluster capacity '%s'", promised.text(), has.text())}
	}
	c.registry.quotas = next
	c.rescindForGuarantee(role, amount)
	c.rounds.request(c.now)
	return Answer{Status: statusOK}
}

func quotaInfoProblem(request *quotas.QuotaRequest) string {
	if request.Role == nil {
		return "QuotaInfo must specify a role"
	}
	if problem := roleProblem(*request.Role); problem != "" {
		return "QuotaInfo with invalid role: " + problem
	}
	if len(request.Guarantee) == 0 {
		return "QuotaInfo with empty 'guarantee'"
	}
	seen := map[string]bool{}
	for i := range request.Guarantee {
		r := upgraded(request.Guarantee[i])
		switch {
		case len(r.Reservations) > 0:
			return "QuotaInfo must not contain any ReservationInfo"
		case r.Disk != nil:
			return "QuotaInfo must not contain DiskInfo"
		case r.Revocable != nil:
			return "QuotaInfo must not contain RevocableInfo"
		case r.GetType() != mesos.SCALAR:
			return "QuotaInfo must not include non-scalar resources"
		case seen[r.Name]:
			return "QuotaInfo contains duplicate resource name '" + r.Name + "'"
		}
		seen[r.Name] = true
	}
	return ""
}

// rescindForGuarantee takes back all offers of an agent after the other, until they have what is guaranteed and each framework of the role has
// had an agent that it could be offered.
func (c *Cluster) rescindForGuarantee(role string, guarantee amounts) {
	frameworks, agents, rescinded := 0, 0, amounts{}
	for _, f := range c.frameworks {
		if f.stream != "" && slices.Contains(f.roles(), role) {
			frameworks++
		}
	}
	for _, a := range c.agents {
		if guarantee.within(rescinded.covering(guarantee)) && agents >= frameworks {
			return
		}
		visited := false
		for _, o := range c.outstanding() {
			if o.agent == a && c.offersFrom(a) {
				rescinded.add(o.resources.amounts())
				c.rescind(o.framework, o)
				visited = true
			}
		}
		if visited {
			agents++
		}
	}
}

// covering has an amount for each name of others.
func (a amounts) covering(others amounts) amounts {
	all := maps.Clone(a)
	for name := range others {
		all[name] += 0
	}
	return all
}

// removeQuota answers REMOVE_QUOTA.
func (c *Cluster) removeQuota(role string) Answer {
	if _, has := c.registry.quotas[role]; !has {
		return refused("Failed to remove quota: Role '" + role + "' has no quota set")
	}
	next := maps.Clone(c.registry.quotas)
	delete(next, role)
	c.registry.quotas = next
	c.rounds.request(c.now)
	return Answer{Status: statusOK}
}

// overcommitted tells whether more is guaranteed than the cluster has, and both. What is guaranteed to a role includes what is guaranteed below it.
func (c *Cluster) overcommitted(next map[string]quota) (promised, has amounts, over bool) {
	promised, has = amounts{}, amounts{}
	for role, q := range next {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(next)), func(other string) bool { return below(role, other) }) {
			promised.add(q.guarantees)
		}
	}
	for _, a := range c.agents {
		has.add(a.total.amounts())
	}
	for name, milli := range promised {
		over = over || milli > has[name]
	}
	return promised, has, over
}

// rescindForQuota takes offers back: those of the role, if they are beyond its limits, and as many of others as have what
// is guaranteed to it, agent by agent.
func (c *Cluster) rescindForQuota(role string) {
	q := c.registry.quotas[role]
	if !c.consumed(role).within(q.limits) {
		for _, o := range c.outstanding() {
			if inGroup(o.role, role) {
				c.rescind(o.framework, o)
			}
		}
	}
	missing := q.unsatisfied(c.consumed(role))
	for _, a := range c.agents {
		if len(missing) == 0 {
			return
		}
		for _, o := range c.outstanding() {
			if o.agent != a || inGroup(o.role, role) {
				continue
			}
			c.rescind(o.framework, o)
			given := o.resources.where(unreserved).amounts()
			for name := range missing {
				if missing[name] -= given[name]; missing[name] <= 0 {
					delete(missing, name)
				}
			}
		}
	}
}

func unreserved(r *mesos.Resource) bool { return lastReservation(r) == nil }

// unsatisfied is what is guaranteed beyond what is consumed.
func (q quota) unsatisfied(consumed amounts) amounts {
	missing := amounts{}
	for name, milli := range q.guarantees {
		if milli > consumed[name] {
			missing[name] = milli - consumed[name]
		}
	}
	return missing
}

// consumed is what a role and those below it have of their quota: what is offered to them, what they use, and what is
// reserved for them, used or not.
func (c *Cluster) consumed(role string) amounts {
	var allocated, reserved Resources
	for name, use := range c.rolesInUse() {
		if inGroup(name, role) {
			allocated = allocated.plus(use.allocated).plus(use.offered)
			reserved = reserved.plus(use.reserved)
		}
	}
	sum := reserved.amounts()
	sum.add(allocated.where(unreserved).amounts())
	return sum
}

// taken is what of a quota is not just on offer.
func (c *Cluster) taken(role string) amounts {
	var allocated, reserved Resources
	for name, use := range c.rolesInUse() {
		if inGroup(name, role) {
			allocated, reserved = allocated.plus(use.allocated), reserved.plus(use.reserved)
		}
	}
	sum := reserved.amounts()
	sum.add(allocated.where(unreserved).amounts())
	return sum
}

// withinQuota cuts what a role could be offered of an agent to what quotas leave for it: not beyond a limit of it or of a
// role above it, and not into what is guaranteed to others.
func (c *Cluster) withinQuota(role string, part Resources) Resources {
	if len(c.registry.quotas) == 0 {
		return part
	}
	room := map[string]int64{}
	bound := func(name string, milli int64) {
		if have, ok := room[name]; !ok || milli < have {
			room[name] = max(0, milli)
		}
	}
	spare := c.spare()
	for other, q := range c.registry.quotas {
		if inGroup(role, other) {
			consumed := c.consumed(other)
			for name, limit := range q.limits {
				bound(name, limit-consumed[name])
			}
			spare.add(q.unsatisfied(consumed)) // it is its own
		}
	}
	for name := range c.guaranteed() {
		bound(name, spare[name])
	}
	return part.cut(room)
}

// spare is what is free in the cluster beyond what is guaranteed and not yet given.
func (c *Cluster) spare() amounts {
	spare := amounts{}
	for _, a := range c.agents {
		spare.add(a.free().where(unreserved).amounts())
	}
	for name, milli := range c.guaranteed() {
		spare[name] -= milli
	}
	return spare
}

// guaranteed adds up what is guaranteed to roles that do not have it.
func (c *Cluster) guaranteed() amounts {
	sum := amounts{}
	for role, q := range c.registry.quotas {
		sum.add(q.unsatisfied(c.consumed(role)))
	}
	return sum
}

// cut leaves no more of the unreserved scalars than there is room for; of those without a bound everything. A disk that is
// given as a whole or not at all goes if there is no room for it.
func (r Resources) cut(room map[string]int64) Resources {
	var rest Resources
	for _, q := range r.list {
		left, bounded := room[q.kind.name]
		if !bounded || q.typ != mesos.SCALAR || !unreserved(q.origin) {
			rest.list = append(rest.list, q)
			continue
		}
		if q.milli > left {
			if exclusive(q.origin) {
				continue
			}
			q.milli = left
		}
		room[q.kind.name] -= q.milli
		if !q.zero() {
			rest.list = append(rest.list, q)
		}
	}
	return rest
}

// allQuotas answers GET_QUOTA, with infos in the older form.
func (c *Cluster) allQuotas() *master.Response_GetQuota {
	all := &master.Response_GetQuota{}
	for _, role := range slices.Sorted(maps.Keys(c.registry.quotas)) {
		q := c.registry.quotas[role]
		info := quotas.QuotaInfo{Role: &role}
		for _, name := range slices.Sorted(maps.Keys(q.guarantees)) {
			info.Guarantee = append(info.Guarantee, Scalar(name, float64(q.guarantees[name])/1000))
		}
		all.Status.Infos = append(all.Status.Infos, info)
		all.Status.Configs = append(all.Status.Configs, quotas.QuotaConfig{
			Role: role, Guarantees: q.guarantees.wire(), Limits: q.limits.wire(),
		})
	}
	return all
}

func (a amounts) wire() map[string]mesos.Value_Scalar {
	if len(a) == 0 {
		return nil
	}
	values := map[string]mesos.Value_Scalar{}
	for name, milli := range a {
		values[name] = mesos.Value_Scalar{Value: float64(milli) / 1000}
	}
	return values
}
