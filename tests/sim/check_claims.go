package sim

import (
	"slices"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
)

// checkClaims: a pod loses what is reserved for it only if an operator gave it up. Where it is not known that anything is reserved, nothing is lost.
func (c *checker) checkClaims(i *instance) {
	for name, p := range c.disk.pods {
		had, has := c.claimed[name], ""
		if p.Claim != nil {
			has = p.Claim.ID
		}
		if had != "" && had != has && !c.givenUp[had] {
			c.fail(keeps, "serve %d takes claim %s from %s, which nobody has given up", i.number, had, name)
		}
		c.claimed[name] = has
	}
}

// checkGivenBack looks at what an ACCEPT destroys or gives back: nobody's by the records, and an operator has said so; or what a pod that is launched with it
// needs no more.
func (c *checker) checkGivenBack(i *instance, call machine.Accept) {
	given := map[offers.Owned]offers.Resources{}
	for k := range call.Operations {
		op := &call.Operations[k]
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
	for owned, what := range given {
		c.note("serve %d: gives back %s of %s", i.number, what, owned.ID)
		switch pod := c.disk.ownerOf(owned.ID); {
		case pod != "":
			c.checkSurplus(i, call, pod, what)
		case c.disk.releases[owned.ID].Claim == "" || !c.named[owned.ID]:
			c.fail(keeps, "serve %d gives back %s, which was reserved for %s, and nobody has said so", i.number, what, owned.Pod)
		}
	}
}

// checkSurplus: what a pod gives back it is launched without, and what its record says that it keeps is still there.
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
	if !launched || !there.Contains(record.Claim.Held.Add(gone)) {
		c.fail(keeps, "serve %d gives back %s of %s, of which %s was on offer and %s is to be kept", i.number, gone, pod, there, record.Claim.Held)
	}
}
