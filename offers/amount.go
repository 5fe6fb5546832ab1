package offers

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// canonical is r with its value in the one form that comparing needs: ranges and sets are normal, and values of other types
// than its own are gone.
func canonical(r Resource) Resource {
	switch r.Type {
	case Ranges:
		r.Scalar, r.Ranges, r.Set = 0, Normalize(r.Ranges), nil
	case Set:
		r.Scalar, r.Ranges, r.Set = 0, nil, normalSet(r.Set)
	default:
		r.Ranges, r.Set = nil, nil
	}
	return r
}

func isCanonical(r *Resource) bool {
	switch r.Type {
	case Ranges:
		return r.Scalar == 0 && r.Set == nil && normal(r.Ranges)
	case Set:
		return r.Scalar == 0 && r.Ranges == nil && isNormalSet(r.Set)
	}
	return r.Ranges == nil && r.Set == nil
}

// empty says whether there is nothing in r, which is canonical. Less than nothing is nothing, as with inverted ranges.
func (r *Resource) empty() bool {
	switch r.Type {
	case Ranges:
		return len(r.Ranges) == 0
	case Set:
		return len(r.Set) == 0
	}
	return r.Scalar <= 0
}

// compareAmounts is for canonical resources of one type.
func compareAmounts(a, b *Resource) int {
	switch a.Type {
	case Ranges:
		return slices.CompareFunc(a.Ranges, b.Ranges, compareRanges)
	case Set:
		return slices.Compare(a.Set, b.Set)
	}
	return cmp.Compare(a.Scalar, b.Scalar)
}

func compareRanges(a, b Range) int {
	return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.End, b.End))
}

// amountHolds says whether the amount of a is enough for b. Both are canonical and of one kind.
func amountHolds(a, b *Resource) bool {
	switch a.Type {
	case Ranges:
		return holdsRanges(a.Ranges, b.Ranges)
	case Set:
		return holdsSet(a.Set, b.Set)
	}
	return enough(a.Scalar, b.Scalar)
}

// plus adds the amount of b to a. Both are canonical and of one kind. A number or item that is in both is in the sum once.
func plus(a, b Resource) Resource {
	switch a.Type {
	case Ranges:
		a.Ranges = joinRanges(a.Ranges, b.Ranges)
	case Set:
		a.Set = normalSet(slices.Concat(a.Set, b.Set))
	default:
		a.Scalar = addMilli(a.Scalar, b.Scalar)
	}
	return a
}

// minus takes the amount of b, which a holds, from a.
func minus(a, b Resource) Resource {
	switch a.Type {
	case Ranges:
		a.Ranges = cutRanges(a.Ranges, b.Ranges)
	case Set:
		a.Set = cutSet(a.Set, b.Set)
	default:
		a.Scalar -= b.Scalar
	}
	return a
}

// addMilli adds amounts that are not negative. The sum stops at the largest number: amounts from outside are at most
// maxMilli, so it takes thousands of those to get there, but a wrap would make nothing of a lot.
func addMilli(a, b Milli) Milli {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// normalSet is the items sorted, each once.
func normalSet(items []string) []string {
	if isNormalSet(items) {
		return items
	}
	sorted := slices.Clone(items)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

func isNormalSet(items []string) bool {
	for i := 1; i < len(items); i++ {
		if strings.Compare(items[i-1], items[i]) >= 0 {
			return false
		}
	}
	return true
}

// holdsSet says whether all of part is in items, which are sorted.
func holdsSet(items, part []string) bool {
	for _, p := range part {
		if _, found := slices.BinarySearch(items, p); !found {
			return false
		}
	}
	return true
}

// cutSet is what is in items but not in gone, both sorted.
func cutSet(items, gone []string) []string {
	var left []string
	for _, item := range items {
		if _, found := slices.BinarySearch(gone, item); !found {
			left = append(left, item)
		}
	}
	return left
}
