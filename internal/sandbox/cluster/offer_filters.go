package cluster

import (
	"maps"
	"math"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// offerFiltersProblem says what is wrong with the least that a framework wants to be offered.
func offerFiltersProblem(info *mesos.FrameworkInfo) string {
	for _, role := range slices.Sorted(maps.Keys(info.OfferFilters)) {
		filter := info.OfferFilters[role]
		for _, q := range filter.GetMinAllocatableResources().GetQuantities() {
			if len(q.Quantities) == 0 {
				return "Resource quantities must contain at least one quantity"
			}
			for _, name := range slices.Sorted(maps.Keys(q.Quantities)) {
				if problem := inputScalarProblem(q.Quantities[name].Value); problem != "" {
					return "Invalid resource quantity for '" + name + "': " + problem
				}
			}
		}
	}
	return ""
}

func inputScalarProblem(value float64) string {
	const leastNormal = 0x1p-1022
	switch {
	case math.IsInf(value, 0):
		return "Infinite values not supported"
	case math.IsNaN(value):
		return "NaN not supported"
	case value != 0 && math.Abs(value) < leastNormal:
		return "Subnormal values not supported"
	case value < 0:
		return "Negative values not supported"
	}
	return ""
}

// wants tells whether resources are worth an offer to a framework for a role: cpus:0.01 or mem:32, unless it says otherwise for
// that role (Mesos: min_allocatable_resources). One of the amounts that it names has to be there; if it names none, anything will do.
func (f *framework) wants(role string, r Resources) bool {
	if r.Empty() {
		return false
	}
	filter, ok := f.info.OfferFilters[role]
	if !ok || filter.MinAllocatableResources == nil {
		return r.scalar("cpus") >= 10 || r.scalar("mem") >= 32_000
	}
	least := filter.MinAllocatableResources.Quantities
	return len(least) == 0 || slices.ContainsFunc(least, func(q mesos.OfferFilters_ResourceQuantities) bool {
		for name, amount := range q.Quantities {
			if r.amount(name) < milli(amount.Value) {
				return false
			}
		}
		return true
	})
}

// amount is how much there is of a name, in thousandths: of ranges and sets it is how many they hold.
func (r Resources) amount(name string) int64 {
	sum := r.scalar(name)
	for _, q := range r.list {
		if q.kind.name != name {
			continue
		}
		for _, span := range q.spans {
			sum += int64(span.End-span.Begin+1) * 1000
		}
		sum += int64(len(q.items)) * 1000
	}
	return sum
}
