package offers

import (
	"cmp"
	"slices"
)

// Known is what is known about the pods of a service, when the question is which reservations belong to none.
type Known struct {
	Service, Framework string
	// Claims are the ids of the claims of all pods, by pod: also of those that have no place, that wait to be removed, and
	// that are being placed in this round. Of a pod without a claim (an empty id) nothing is taken, in case it was lost.
	Claims map[string]string
	// Complete says that every record of a pod could be read, and all of them were.
	Complete bool
}

// Release is what gives back reserved resources of one agent and role: the operations of one ACCEPT.
type Release struct {
	Host, AgentID, Role string
	OfferIDs            []string // sorted
	// Pods are whose they were, sorted.
	Pods []string
	// Operations are DESTROY of the volumes, with their data, then UNRESERVE.
	Operations []Operation
}

// Unwanted finds what is reserved for this service and framework, and for no pod of it: what a pod left behind that is no
// more, or that was placed anew elsewhere. It proposes only; volumes have data in them, so a caller asks an operator first,
// or was told to.
//
// What carries no labels of ours, or those of another service or framework, is never named, even in the same role. If not
// all pods are known, or none is, nothing is: a framework that has lost its records must not take that for a reason to
// destroy (dcos-commons did, issue 679).
func Unwanted(offers []Offer, known Known) []Release {
	if !known.Complete || len(known.Claims) == 0 || known.Service == "" || known.Framework == "" {
		return nil
	}
	return release(offers, func(o owner) bool {
		if o.service != known.Service || o.framework != known.Framework {
			return false
		}
		id, isPod := known.Claims[o.pod]
		return !isPod || id != "" && id != o.id
	})
}

// ReleaseClaim is what gives back all that is reserved for one pod, with the data in its volumes: for a pod that is removed
// for good.
func ReleaseClaim(offers []Offer, pod string, c Claim) []Release {
	if c.Service == "" || pod == "" || c.ID == "" {
		return nil
	}
	return release(offers, func(o owner) bool { return o.service == c.Service && o.pod == pod && o.id == c.ID })
}

func release(offers []Offer, wanted func(owner) bool) []Release {
	var all []Release
	for sorted := sortOffers(offers); len(sorted) > 0; {
		n := prefix(sorted, sameSlot)
		if r := releaseOf(sorted[:n], wanted); len(r.Operations) > 0 {
			all = append(all, r)
		}
		sorted = sorted[n:]
	}
	return all
}

// releaseOf looks at the offers of one agent and role.
func releaseOf(offers []*Offer, wanted func(owner) bool) Release {
	first := offers[0]
	r := Release{Host: first.Host, AgentID: first.AgentID, Role: first.Role}
	var volumes, reserved Resources
	for _, o := range offers {
		r.OfferIDs = append(r.OfferIDs, o.ID)
		for i := range o.Rest {
			res := &o.Rest[i]
			of, ours := ownerOf(res)
			if !ours || res.Shared || res.Revocable || !wanted(of) {
				continue
			}
			r.Pods = append(r.Pods, of.pod)
			if res.Disk != nil && res.Disk.Persistence != nil {
				volumes = append(volumes, *res)
			}
			reserved = append(reserved, res.bare())
		}
	}
	slices.Sort(r.Pods)
	r.Pods = slices.Compact(r.Pods)
	byID := func(a, b Resource) int { return cmp.Compare(a.Disk.Persistence.ID, b.Disk.Persistence.ID) }
	slices.SortStableFunc(volumes, byID)
	r.Operations = appendOperation(appendOperation(nil, Destroy, volumes), Unreserve, reserved.Normalize())
	return r
}

// bare is a resource without its volume: what is left when that is destroyed.
func (r *Resource) bare() Resource {
	bare := *r
	if r.Disk == nil || r.Disk.Persistence == nil {
		return bare
	}
	bare.Disk = nil
	if r.Disk.Source != (Source{}) {
		bare.Disk = &Disk{Source: r.Disk.Source}
	}
	return bare
}

// Owned names a claim of ours that an offer has something of.
type Owned struct{ Pod, ID string }

// Owned lists whose reservations of the service are in the offer, in the order in which they are first met.
func (o Offer) Owned(service string) []Owned {
	var all []Owned
	for i := range o.Rest {
		of, ours := ownerOf(&o.Rest[i])
		if one := (Owned{of.pod, of.id}); ours && of.service == service && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

// Reserved is all that is reserved for a pod in the offers, without volumes. What is on offer is in no task's use.
func Reserved(offers []Offer, pod string, c Claim) Quantities {
	var sum base
	for i := range offers {
		for j := range offers[i].Rest {
			r := &offers[i].Rest[j]
			if of, ours := ownerOf(r); ours && of.service == c.Service && of.pod == pod && of.id == c.ID {
				sum.take(r)
			}
		}
	}
	return sum.free
}

// HasVolume says whether the persistent volume with the id is in the offer.
func (o Offer) HasVolume(id string) bool {
	return slices.ContainsFunc(o.Rest, func(r Resource) bool { return r.Persistent() && r.Disk.Persistence.ID == id })
}
