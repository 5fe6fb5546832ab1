package offers

import "slices"

// maxExact is how many offers of one agent and role are tried in all combinations. Mesos rarely gives more than three.
const maxExact = 10

// missing is what has to be added to have to get need.
func missing(have, need Quantities) Quantities {
	return Quantities{
		CPUs:  max(0, need.CPUs-have.CPUs),
		Mem:   max(0, need.Mem-have.Mem),
		Disk:  max(0, need.Disk-have.Disk),
		Ports: cutRanges(need.Ports, have.Ports),
	}
}

// fewest are the indices of as few portions as suffice for what is missing; earlier ones where there is a choice. All of
// them together suffice. With more than maxExact to choose from it may pick one or two too many.
func fewest(lack Quantities, from []portion) []int {
	if lack.IsZero() {
		return nil
	}
	var picked, open []int
	for i, f := range from {
		// A port is in one offer only, so there is no choice.
		if disjoint(lack.Ports, f.free.Ports) {
			open = append(open, i)
			continue
		}
		picked = append(picked, i)
		lack = missing(f.free, lack)
	}
	if lack.scalarsZero() {
		return picked
	}
	if len(open) > maxExact {
		return append(picked, greedy(lack, from, open)...)
	}
	for k := 1; k <= len(open); k++ {
		if more, ok := choose(k, lack, from, open); ok {
			return append(picked, more...)
		}
	}
	return append(picked, open...)
}

// choose looks for k of the open portions that suffice.
func choose(k int, lack Quantities, from []portion, open []int) ([]int, bool) {
	if lack.scalarsZero() {
		return nil, true
	}
	if k == 0 {
		return nil, false
	}
	for n := 0; n+k <= len(open); n++ {
		i := open[n]
		if more, ok := choose(k-1, missing(from[i].free, lack), from, open[n+1:]); ok {
			return append([]int{i}, more...), true
		}
	}
	return nil, false
}

// greedy picks the portion that covers most of what is still missing, until nothing is.
func greedy(lack Quantities, from []portion, open []int) []int {
	var picked []int
	open = slices.Clone(open)
	for !lack.scalarsZero() && len(open) > 0 {
		best := 0
		for n := range open {
			if cover(lack, from[open[n]].free) > cover(lack, from[open[best]].free) {
				best = n
			}
		}
		picked = append(picked, open[best])
		lack = missing(from[open[best]].free, lack)
		open = slices.Delete(open, best, best+1)
	}
	return picked
}

// cover is how much of what is missing there is, as the sum of the shares of each resource.
func cover(lack, have Quantities) float64 {
	var sum float64
	offered := have.scalars()
	for i, s := range lack.scalars() {
		if s.amount > 0 {
			sum += float64(min(s.amount, offered[i].amount)) / float64(s.amount)
		}
	}
	return sum
}
