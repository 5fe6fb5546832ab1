package offers

import "slices"

// Accept is the content of one ACCEPT call: offers of one agent and role, and the results whose placements use them.
type Accept struct {
	Host, AgentID, Role string
	OfferIDs            []string // sorted
	Results             []int    // indices into the results, ascending
}

// Group gathers the placements of one round into as many ACCEPT calls as are needed, in the order in which their first
// placements come. Placements on one agent and role share offers, and an offer may be accepted only once. Results without
// a placement are passed over, so a caller may drop placements (set them to nil) before it groups.
func Group(results []Result) []Accept {
	type key struct{ agent, role string }
	var accepts []Accept
	index := map[key]int{}
	for i, r := range results {
		p := r.Placement
		if p == nil {
			continue
		}
		k := key{p.AgentID, p.Role}
		at, known := index[k]
		if !known {
			at = len(accepts)
			index[k] = at
			accepts = append(accepts, Accept{Host: p.Host, AgentID: p.AgentID, Role: p.Role, OfferIDs: p.OfferIDs})
		}
		a := &accepts[at]
		a.Results = append(a.Results, i)
		if !slices.Equal(a.OfferIDs, p.OfferIDs) { // an agent that is taken for two hosts
			a.OfferIDs = slices.Compact(slices.Sorted(slices.Values(slices.Concat(a.OfferIDs, p.OfferIDs))))
		}
	}
	return accepts
}
