package cluster

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Span is a closed interval of numbers, such as ports.
type Span struct {
	Begin, End uint64
}

// quantity is an amount of one kind of resource: a scalar in thousandths, or spans, or a set of names. Mesos compares
// scalars after rounding to three decimals; whole thousandths make that exact.
type quantity struct {
	kind   kind
	typ    mesos.Value_Type
	milli  int64
	spans  []Span // sorted, neither overlapping nor touching
	items  []string
	origin *mesos.Resource // as it came, for its reservations and disk; the amounts in it mean nothing, and nobody changes it
}

// Resources is a bag of quantities with at most one of each kind, but for exclusive disks, in the order in which they
// first came. The zero value is empty. Values are never changed in place.
type Resources struct {
	list []quantity
}

// parseResources adds up a list of wire resources. It expects them to be valid (see resourceProblem).
func parseResources(wire []mesos.Resource) Resources {
	var r Resources
	for i := range wire {
		r.add(parseQuantity(&wire[i]))
	}
	return r
}

func parseResource(wire *mesos.Resource) (r Resources) {
	r.add(parseQuantity(wire))
	return r
}

func parseQuantity(wire *mesos.Resource) quantity {
	r := upgraded(*wire)
	q := quantity{kind: kindOf(&r), typ: r.GetType(), origin: &r}
	switch q.typ {
	case mesos.SCALAR:
		q.milli = milli(r.GetScalar().GetValue())
	case mesos.RANGES:
		for _, span := range r.GetRanges().GetRange() {
			q.spans = append(q.spans, Span{Begin: span.Begin, End: span.End})
		}
		q.spans = normalize(q.spans)
	case mesos.SET:
		q.items = slices.Clone(r.GetSet().GetItem())
		slices.Sort(q.items)
	}
	return q
}

func milli(x float64) int64 { return int64(math.Round(x * 1000)) }

// Empty tells whether nothing is left.
func (r Resources) Empty() bool { return len(r.list) == 0 }

// scalar is the sum of all scalars of that name, in thousandths, whatever they are reserved for.
func (r Resources) scalar(name string) int64 {
	var sum int64
	for _, q := range r.list {
		if q.kind.name == name && q.typ == mesos.SCALAR {
			sum += q.milli
		}
	}
	return sum
}

// plus adds all that others have.
func (r Resources) plus(other Resources) Resources {
	if other.Empty() {
		return r
	}
	sum := Resources{list: append(make([]quantity, 0, len(r.list)+len(other.list)), r.list...)}
	for i := range other.list {
		sum.add(other.list[i])
	}
	return sum
}

// add is plus for who has just made a value, and has not shown it to anybody.
func (r *Resources) add(q quantity) {
	if q.zero() {
		return
	}
	for i := range r.list {
		if r.list[i].merges(&q) {
			r.list[i] = r.list[i].plus(&q)
			return
		}
	}
	r.list = append(r.list, q)
}

// minus takes away what is there; more than that is not owed.
func (r Resources) minus(other Resources) Resources {
	if r.Empty() || other.Empty() {
		return r
	}
	rest := Resources{list: slices.Clone(r.list)}
	for k := range other.list {
		q := &other.list[k]
		if i := slices.IndexFunc(rest.list, func(have quantity) bool { return have.yields(q) }); i >= 0 {
			rest.take(i, q)
		}
	}
	return rest
}

// take takes away from one of its quantities, as add does.
func (r *Resources) take(i int, q *quantity) {
	if r.list[i] = r.list[i].minus(q); r.list[i].zero() {
		r.list = slices.Delete(r.list, i, i+1)
	}
}

// contains tells whether other could be taken away without remainder. Nothing is contained in anything.
func (r Resources) contains(other Resources) bool {
	rest := r
	for k := range other.list {
		q := &other.list[k]
		i := slices.IndexFunc(rest.list, func(have quantity) bool { return have.yields(q) && have.contains(q) })
		switch {
		case i < 0:
			return false
		case k == len(other.list)-1:
			return true
		case k == 0:
			rest.list = slices.Clone(rest.list)
		}
		rest.take(i, q)
	}
	return true
}

func same(a, b Resources) bool { return a.contains(b) && b.contains(a) }

// holds tells whether a resource is there; one of no size is nowhere.
func (r Resources) holds(one *mesos.Resource) bool {
	parsed := parseResource(one)
	return !parsed.Empty() && r.contains(parsed)
}

// where is the part that fits.
func (r Resources) where(fits func(*mesos.Resource) bool) Resources {
	unfit := func(q quantity) bool { return !fits(q.origin) }
	if !slices.ContainsFunc(r.list, unfit) {
		return r
	}
	return Resources{list: slices.DeleteFunc(slices.Clone(r.list), unfit)}
}

// allocated is the same resources as the property of a role.
func (r Resources) allocated(role string) Resources {
	out := Resources{list: slices.Clone(r.list)}
	for i := range out.list {
		out.list[i].kind.allocation = role
	}
	return out
}

// merges tells whether two quantities become one when they come together (Mesos: addable).
func (q *quantity) merges(other *quantity) bool {
	return q.kind == other.kind && q.typ == other.typ && !exclusive(q.origin)
}

// yields tells whether the other can be a part of this one; an exclusive disk is given as a whole (Mesos: subtractable).
func (q *quantity) yields(other *quantity) bool {
	return q.kind == other.kind && q.typ == other.typ && (!exclusive(q.origin) || q.milli == other.milli)
}

func (q *quantity) zero() bool { return q.milli == 0 && len(q.spans) == 0 && len(q.items) == 0 }

func (q quantity) plus(other *quantity) quantity {
	q.milli += other.milli
	q.spans = normalize(append(slices.Clone(q.spans), other.spans...))
	q.items = append(slices.Clone(q.items), other.items...)
	slices.Sort(q.items)
	q.items = slices.Compact(q.items)
	return q
}

func (q quantity) minus(other *quantity) quantity {
	q.milli = max(0, q.milli-other.milli)
	for _, cut := range other.spans {
		q.spans = without(q.spans, cut)
	}
	q.items = slices.DeleteFunc(slices.Clone(q.items), func(item string) bool {
		return slices.Contains(other.items, item)
	})
	return q
}

func (q *quantity) contains(other *quantity) bool {
	if other.milli > q.milli {
		return false
	}
	for _, span := range other.spans {
		inside := func(have Span) bool { return have.Begin <= span.Begin && span.End <= have.End }
		if !slices.ContainsFunc(q.spans, inside) {
			return false
		}
	}
	return !slices.ContainsFunc(other.items, func(item string) bool { return !slices.Contains(q.items, item) })
}

// normalize sorts spans and merges those that overlap or touch.
func normalize(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int {
		if a.Begin != b.Begin {
			return compare(a.Begin, b.Begin)
		}
		return compare(a.End, b.End)
	})
	var out []Span
	for _, span := range spans {
		if last := len(out) - 1; last >= 0 && (out[last].End == math.MaxUint64 || span.Begin <= out[last].End+1) {
			out[last].End = max(out[last].End, span.End)
			continue
		}
		out = append(out, span)
	}
	return out
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func without(spans []Span, cut Span) []Span {
	var out []Span
	for _, span := range spans {
		if cut.End < span.Begin || span.End < cut.Begin {
			out = append(out, span)
			continue
		}
		if span.Begin < cut.Begin {
			out = append(out, Span{Begin: span.Begin, End: cut.Begin - 1})
		}
		if cut.End < span.End {
			out = append(out, Span{Begin: cut.End + 1, End: span.End})
		}
	}
	return out
}

// String is the notation of a master's messages: "cpus(allocated: dev):3.9; ports(allocated: dev):[31000-31999]".
func (r Resources) String() string {
	if r.Empty() {
		return "{}"
	}
	parts := make([]string, 0, len(r.list))
	for _, q := range r.list {
		parts = append(parts, q.String())
	}
	return strings.Join(parts, "; ")
}

func (q quantity) String() string {
	name := q.kind.name
	if q.kind.allocation != "" {
		name += "(allocated: " + q.kind.allocation + ")"
	}
	return name + facetText(q.origin) + ":" + q.amount()
}

func (q quantity) amount() string {
	switch q.typ {
	case mesos.SCALAR:
		return strconv.FormatFloat(float64(q.milli)/1000, 'f', -1, 64)
	case mesos.RANGES:
		parts := make([]string, 0, len(q.spans))
		for _, span := range q.spans {
			parts = append(parts, fmt.Sprintf("%d-%d", span.Begin, span.End))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return "{" + strings.Join(q.items, ", ") + "}"
}

// Scalar is a wire resource of one number, such as 4 cpus or 1024 MB of mem.
func Scalar(name string, value float64) mesos.Resource {
	typ := mesos.SCALAR
	return mesos.Resource{Name: name, Type: &typ, Scalar: &mesos.Value_Scalar{Value: value}}
}

// Ranges is a wire resource of closed intervals, such as ports.
func Ranges(name string, spans ...Span) mesos.Resource {
	typ := mesos.RANGES
	ranges := &mesos.Value_Ranges{}
	for _, span := range spans {
		ranges.Range = append(ranges.Range, mesos.Value_Range{Begin: span.Begin, End: span.End})
	}
	return mesos.Resource{Name: name, Type: &typ, Ranges: ranges}
}
