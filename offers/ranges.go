package offers

import (
	"cmp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Range is a range of port numbers, both ends included.
type Range struct {
	Begin uint64 `json:"begin"`
	End   uint64 `json:"end"`
}

// Normalize sorts ranges and joins those that overlap or touch. Ranges that end before they begin hold nothing and are
// dropped. Everything in this package expects ports in this form, and gives them back in it.
func Normalize(ranges []Range) []Range {
	if normal(ranges) {
		return ranges
	}
	sorted := slices.DeleteFunc(slices.Clone(ranges), func(r Range) bool { return r.End < r.Begin })
	slices.SortFunc(sorted, func(a, b Range) int { return cmp.Compare(a.Begin, b.Begin) })
	var joined []Range
	for _, r := range sorted {
		last := len(joined) - 1
		if last >= 0 && !apart(joined[last], r) {
			joined[last].End = max(joined[last].End, r.End)
			continue
		}
		joined = append(joined, r)
	}
	return joined
}

// normal says whether ranges are sorted, not empty and apart from each other.
func normal(ranges []Range) bool {
	for i, r := range ranges {
		if r.End < r.Begin || i > 0 && !apart(ranges[i-1], r) {
			return false
		}
	}
	return true
}

// apart says whether b begins behind a with at least one number between them.
func apart(a, b Range) bool { return b.Begin > a.End && b.Begin-a.End > 1 }

// joinRanges is every number that is in a or b.
func joinRanges(a, b []Range) []Range {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	return Normalize(slices.Concat(a, b))
}

// holdsRange says whether all of r is in ranges.
func holdsRange(ranges []Range, r Range) bool {
	i := sort.Search(len(ranges), func(i int) bool { return ranges[i].End >= r.Begin })
	return i < len(ranges) && ranges[i].Begin <= r.Begin && r.End <= ranges[i].End
}

// holdsRanges says whether all of part is in ranges.
func holdsRanges(ranges, part []Range) bool {
	for _, r := range part {
		if !holdsRange(ranges, r) {
			return false
		}
	}
	return true
}

// cutRanges is what is in ranges but not in gone.
func cutRanges(ranges, gone []Range) []Range {
	if disjoint(ranges, gone) {
		return ranges
	}
	left := make([]Range, 0, len(ranges)+len(gone))
	for _, r := range ranges {
		for len(gone) > 0 && gone[0].End < r.Begin {
			gone = gone[1:]
		}
		left = cutRange(left, r, gone)
	}
	if len(left) == 0 {
		return nil
	}
	return left
}

// commonRanges is every number that is in both.
func commonRanges(a, b []Range) []Range {
	var common []Range
	for len(a) > 0 && len(b) > 0 {
		if begin, end := max(a[0].Begin, b[0].Begin), min(a[0].End, b[0].End); begin <= end {
			common = append(common, Range{begin, end})
		}
		if a[0].End < b[0].End {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return common
}

// disjoint says whether there is no number in both.
func disjoint(a, b []Range) bool {
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].End < b[0].Begin:
			a = a[1:]
		case b[0].End < a[0].Begin:
			b = b[1:]
		default:
			return false
		}
	}
	return true
}

// cutRange appends to left what is in r but not in gone, which begins with the first range that ends in or behind r.
func cutRange(left []Range, r Range, gone []Range) []Range {
	for _, g := range gone {
		if g.Begin > r.End {
			break
		}
		if g.Begin > r.Begin {
			left = append(left, Range{r.Begin, g.Begin - 1})
		}
		if g.End >= r.End {
			return left
		}
		r.Begin = g.End + 1
	}
	return append(left, r)
}

// String is the range as 21000-21001, or 21000 if it holds one number.
func (r Range) String() string {
	if r.Begin == r.End {
		return strconv.FormatUint(r.Begin, 10)
	}
	return strconv.FormatUint(r.Begin, 10) + "-" + strconv.FormatUint(r.End, 10)
}

// maxShown is how many ranges of ports a line of text names.
const maxShown = 4

// showRanges names ranges in a line of text: the first ones, and how many more there are.
func showRanges(ranges []Range) string {
	if len(ranges) == 0 {
		return "none"
	}
	var b strings.Builder
	for i, r := range ranges {
		if i == maxShown {
			b.WriteString(" and " + strconv.Itoa(len(ranges)-maxShown) + " more")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(r.String())
	}
	return b.String()
}
