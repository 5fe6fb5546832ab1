package offers

import (
	"slices"
	"strings"
)

// Resources are resources of one agent. In normal form no two of them could be one: amounts that Mesos would add up are
// added up, and the order is fixed. Add, Sub and Normalize give that form.
//
// No method changes its receiver or an argument. The slice of a result is always a new one; what its elements point to is
// shared.
type Resources []Resource

// Normalize is the normal form: what can be one is one, what is empty (or negative) is dropped, ranges and sets are sorted,
// and so are the resources: by name (cpus, mem, disk, ports, then the others), role, reservations, disk.
func (a Resources) Normalize() Resources {
	own := slices.Clone(a)
	if own.normal() {
		return own
	}
	return normalize(own)
}

// normal says whether a is in normal form.
func (a Resources) normal() bool {
	for i := range a {
		if !isCanonical(&a[i]) || a[i].empty() || i > 0 && !follows(&a[i-1], &a[i]) {
			return false
		}
	}
	return true
}

// follows says whether b may stand behind a in normal form.
func follows(a, b *Resource) bool {
	c := compareWhole(a, b)
	return c < 0 && (a.whole() || !sameKind(a, b)) || c == 0 && a.whole()
}

// normalize brings own into normal form, in place.
func normalize(own Resources) Resources {
	filled := own[:0]
	for _, r := range own {
		if r = canonical(r); !r.empty() {
			filled = append(filled, r)
		}
	}
	slices.SortFunc(filled, func(a, b Resource) int { return compareWhole(&a, &b) })
	merged := filled[:0]
	for i := range filled {
		merged = merged.behind(&filled[i])
	}
	return merged
}

// behind puts r, which is canonical and not before the last one, behind a, or adds it to the last one.
func (a Resources) behind(r *Resource) Resources {
	last := len(a) - 1
	if last < 0 || r.whole() || !sameKind(&a[last], r) {
		return append(a, *r)
	}
	a[last] = plus(a[last], *r)
	return a
}

// normalized is the normal form to look at: a itself if it has that form.
func (a Resources) normalized() Resources {
	if a.normal() {
		return a
	}
	return normalize(slices.Clone(a))
}

// Add is both together, in normal form. A number or item that is in both is in the sum once; of shared resources, which
// Mesos counts, there are both.
func (a Resources) Add(b Resources) Resources {
	a, b = a.normalized(), b.normalized()
	sum := make(Resources, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		first := &a
		if compareWhole(&b[0], &a[0]) < 0 {
			first = &b
		}
		sum = sum.behind(&(*first)[0])
		*first = (*first)[1:]
	}
	for _, rest := range []Resources{a, b} {
		for i := range rest {
			sum = sum.behind(&rest[i])
		}
	}
	return sum
}

// Contains says whether all of b can be taken from a, one after the other: of one MOUNT disk, two are not contained.
// Nothing contains a negative amount, and everything contains an empty one.
func (a Resources) Contains(b Resources) bool {
	_, ok := a.Sub(b)
	return ok
}

// Sub is what is left of a when b is taken from it, in normal form; nothing and false if a does not contain b.
func (a Resources) Sub(b Resources) (Resources, bool) {
	left := a.Normalize()
	for i := range b {
		var ok bool
		if left, ok = left.take(canonical(b[i])); !ok {
			return nil, false
		}
	}
	return left, true
}

// take takes a canonical resource from a, which is in normal form and changed in place.
func (a Resources) take(r Resource) (Resources, bool) {
	if r.Scalar < 0 {
		return a, false
	}
	if r.empty() {
		return a, true
	}
	i := a.find(&r)
	if i < 0 {
		return a, false
	}
	if !r.whole() {
		if a[i] = minus(a[i], r); !a[i].empty() {
			return a, true
		}
	}
	return slices.Delete(a, i, i+1), true
}

// find is where in a, which is in normal form, r can be taken from; -1 if nowhere.
func (a Resources) find(r *Resource) int {
	for i := range a {
		switch {
		case !sameKind(&a[i], r):
		case !r.whole():
			if amountHolds(&a[i], r) {
				return i
			}
			return -1 // there is only one of its kind
		case compareAmounts(&a[i], r) == 0:
			return i
		}
	}
	return -1
}

// Equal says whether both have the same normal form, as far as Mesos compares (see Resource.Equal).
func (a Resources) Equal(b Resources) bool {
	return slices.EqualFunc(a.normalized(), b.normalized(), func(x, y Resource) bool {
		return sameKind(&x, &y) && compareAmounts(&x, &y) == 0
	})
}

// String is the resources as Mesos prints them in its messages, in the order in which they are.
func (a Resources) String() string {
	if len(a) == 0 {
		return "{}"
	}
	texts := make([]string, len(a))
	for i, r := range a {
		texts[i] = r.String()
	}
	return strings.Join(texts, "; ")
}

// Quantities sums cpus, mem, disk and ports, whatever they are reserved for; disk is that of all disks and volumes.
func (a Resources) Quantities() Quantities {
	var q Quantities
	for _, r := range a {
		if r = canonical(r); !r.empty() {
			q.addResource(r)
		}
	}
	return q
}

func (a *Quantities) addResource(r Resource) {
	switch {
	case r.Name == "cpus" && r.Type == Scalars:
		a.CPUs = addMilli(a.CPUs, r.Scalar)
	case r.Name == "mem" && r.Type == Scalars:
		a.Mem = addMilli(a.Mem, r.Scalar)
	case r.Name == "disk" && r.Type == Scalars:
		a.Disk = addMilli(a.Disk, r.Scalar)
	case r.Name == "ports" && r.Type == Ranges:
		a.Ports = joinRanges(a.Ports, r.Ranges)
	}
}
