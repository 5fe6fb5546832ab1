package sim

import (
	"maps"
	"slices"
	"strings"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
)

// checkClaims: a pod loses what is reserved for it, and its volumes, only if an operator gave that up. Where it is not known that anything is reserved, nothing is lost.
func (c *checker) checkClaims(i *instance) {
	for name, p := range c.disk.pods {
		had, has := c.claimed[name], p.Claim
		if had == has { // records are read anew when they change
			continue
		}
		if had != nil && !c.givenUp[had.ID] {
			c.checkKept(i, name, had, has)
		}
		if has != nil && has.Held.IsZero() && len(has.Volumes) == 0 {
			has = nil
		}
		c.claimed[name] = has
	}
}

func (c *checker) checkKept(i *instance, pod string, had, has *machine.PodClaim) {
	if has == nil || had.ID != has.ID {
		c.fail(keeps, "serve %d takes claim %s from %s, which nobody has given up", i.number, had.ID, pod)
		return
	}
	for _, v := range had.Volumes {
		if !slices.Contains(has.Volumes, v) {
			c.fail(keeps, "serve %d takes volume %s from %s, which nobody has given up", i.number, v.ID, pod)
		}
	}
}

// checkVolumes: what is launched has all volumes on record of its pod that the service wants, and none of them is made anew.
func (c *checker) checkVolumes(i *instance, call machine.Accept) {
	for _, task := range call.Launches() {
		pod, _ := podOf(task.ID)
		record := c.disk.pods[pod]
		if record.Claim == nil {
			continue
		}
		var has []string
		for _, r := range task.Resources {
			if r.Persistent() {
				has = append(has, r.Disk.Persistence.ID)
			}
		}
		wanted := c.service.Requirement(record).Volumes
		if len(has) != len(wanted) {
			c.fail(keeps, "serve %d launches %s with volumes %v, and it wants %d", i.number, task.ID, has, len(wanted))
		}
		for _, v := range record.Claim.Volumes {
			named := func(want offers.Volume) bool { return want.Name == v.Name }
			if slices.ContainsFunc(wanted, named) && !slices.Contains(has, v.ID) {
				c.fail(keeps, "serve %d launches %s with volumes %v, and not with %s, which is its pod's", i.number, task.ID, has, v.ID)
			}
		}
	}
	for k := range call.Operations {
		op := &call.Operations[k]
		if op.Type != offers.Create {
			continue
		}
		for _, r := range op.Resources {
			c.checkCreates(i, r.Disk.Persistence.ID)
		}
	}
}

// checkCreates looks at a volume that is made: it is on record whose it will be, and that pod is not known to have it.
func (c *checker) checkCreates(i *instance, id string) {
	c.note("serve %d: makes volume %s", i.number, id)
	owned := false
	for name, p := range c.disk.pods {
		if p.Claim == nil {
			continue
		}
		owned = owned || strings.HasPrefix(id, name+".") && strings.HasSuffix(id, "."+p.Claim.ID)
		if slices.ContainsFunc(p.Claim.Volumes, func(v machine.PodVolume) bool { return v.ID == id }) {
			c.fail(keeps, "serve %d makes volume %s anew, which %s has", i.number, id, name)
		}
	}
	if !owned {
		c.fail(keeps, "serve %d makes volume %s, and no record says whose it will be", i.number, id)
	}
}

// checkGivenBack looks at what an ACCEPT destroys or gives back: nobody's by the records, and an operator has said so; or what a pod that is launched with it
// needs no more.
func (c *checker) checkGivenBack(i *instance, call machine.Accept) {
	given, operations := map[offers.Owned]offers.Resources{}, map[string]bool{}
	for k := range call.Operations {
		op := &call.Operations[k]
		operations[op.ID] = true
		if op.Type != offers.Unreserve && op.Type != offers.Destroy {
			continue
		}
		for _, r := range op.Resources {
			owned := (offers.Offer{Rest: offers.Resources{r}}).Owned(c.settings.Name)
			if len(owned) != 1 {
				c.fail(keeps, "serve %d: %s of %v, which is not ours", i.number, op.Type, r)
				return
			}
			given[owned[0]] = append(given[owned[0]], r)
			if pod := c.disk.ownerOf(owned[0].ID); pod != "" && op.Type == offers.Destroy {
				c.fail(keeps, "serve %d: DESTROY of %v, which is that of %s", i.number, r, pod)
			}
		}
	}
	byClaim := func(a, b offers.Owned) int { return strings.Compare(a.ID, b.ID) }
	for _, owned := range slices.SortedFunc(maps.Keys(given), byClaim) {
		what := given[owned]
		c.note("serve %d: gives back %s of %s", i.number, what, owned.ID)
		switch pod := c.disk.ownerOf(owned.ID); {
		case pod != "":
			c.checkSurplus(i, call, pod, what)
		case !slices.ContainsFunc(c.disk.releases[owned.ID].Operations, func(o machine.PodOperation) bool { return operations[o.ID] }):
			c.fail(keeps, "serve %d gives back %s, which was reserved for %s, and that is not on record", i.number, what, owned.Pod)
		case c.disk.releases[owned.ID].Claim == "" || !c.named[owned.ID]:
			c.fail(keeps, "serve %d gives back %s, which was reserved for %s, and nobody has said so", i.number, what, owned.Pod)
		}
	}
}

// checkSurplus: what a pod gives back it is launched without, or its volume grows and it is to be launched when that is done; and what its record says that it keeps is
// still there.
func (c *checker) checkSurplus(i *instance, call machine.Accept, pod string, what offers.Resources) {
	record := c.disk.pods[pod]
	launched := record.Task != nil && slices.ContainsFunc(call.Launches(), func(t offers.Task) bool { return t.ID == record.Task.ID })
	var used []offers.Offer
	for _, id := range call.OfferIDs {
		used = append(used, c.offered[id])
	}
	claim := offers.Claim{Service: c.settings.Name, ID: record.Claim.ID}
	there := offers.Reserved(used, pod, claim)
	gone := offers.Reserved([]offers.Offer{{Rest: what}}, pod, claim)
	if down := record.Task == nil || ended(record.Task.State); down {
		launched = slices.ContainsFunc(call.Operations, func(op offers.Operation) bool { return op.Type == offers.GrowVolume })
	}
	if !launched || !there.Contains(record.Claim.Held.Add(gone)) {
		c.fail(keeps, "serve %d gives back %s of %s, of which %s was on offer and %s is to be kept", i.number, gone, pod, there, record.Claim.Held)
	}
}
