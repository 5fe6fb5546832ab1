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
	origin mesos.Resource // as it came, for its reservations and disk; the amounts in it mean nothing
}

// kind separates what can't be added up: another name, another allocation, another reservation, another disk.
type kind struct {
	name       string
	allocation string // role it is allocated to, "" for an agent's own view
	facets     string // reservations and disk as a master prints them, "" for plain unreserved resources
}

// Resources is a bag of quantities with at most one of each kind, in the order in which the kinds first came.
// The zero value is empty. Values are never changed in place.
type Resources struct {
	list []quantity
}

// parseResources adds up a list of wire resources. It expects them to be valid (see resourceProblem).
func parseResources(wire []mesos.Resource) Resources {
	var r Resources
	for i := range wire {
		r = r.plus(Resources{list: []quantity{parseQuantity(&wire[i])}})
	}
	return r
}

func parseQuantity(r *mesos.Resource) quantity {
	q := quantity{
		kind:   kind{name: r.Name, allocation: r.GetAllocationInfo().GetRole(), facets: facets(r)},
		typ:    r.GetType(),
		origin: *r,
	}
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

// facets prints what distinguishes a resource beyond its name, in the notation of a master's messages.
func facets(r *mesos.Resource) string {
	var b strings.Builder
	var stack []string
	for i := range r.Reservations {
		stack = append(stack, reservationText(&r.Reservations[i]))
	}
	if role := r.GetRole(); r.Role != nil && role != "*" {
		if r.Reservation != nil {
			stack = append(stack, "(DYNAMIC,"+role+","+r.Reservation.GetPrincipal()+")")
		} else {
			stack = append(stack, "(STATIC,"+role+")")
		}
	}
	if len(stack) > 0 {
		b.WriteString("(reservations: [" + strings.Join(stack, ", ") + "])")
	}
	if r.Disk != nil {
		b.WriteString("[" + diskText(r.Disk) + "]")
	}
	return b.String()
}

func reservationText(r *mesos.Resource_ReservationInfo) string {
	parts := []string{r.GetType().String(), r.GetRole()}
	if r.Principal != nil {
		parts = append(parts, r.GetPrincipal())
	}
	if labels := r.GetLabels().GetLabels(); len(labels) > 0 {
		var pairs []string
		for _, label := range labels {
			pairs = append(pairs, label.Key+": "+label.GetValue())
		}
		parts = append(parts, "{"+strings.Join(pairs, ", ")+"}")
	}
	return "(" + strings.Join(parts, ",") + ")"
}

func diskText(d *mesos.Resource_DiskInfo) string {
	var parts []string
	if source := d.Source; source != nil {
		root := source.GetMount().GetRoot() + source.GetPath().GetRoot()
		parts = append(parts, source.Type.String()+":"+root+source.GetID())
	}
	if d.Persistence != nil {
		parts = append(parts, d.Persistence.ID+":"+d.GetVolume().GetContainerPath())
	}
	return strings.Join(parts, ",")
}

// Empty tells whether nothing is left.
func (r Resources) Empty() bool { return len(r.list) == 0 }

func (r Resources) find(k kind) (quantity, bool) {
	for _, q := range r.list {
		if q.kind == k {
			return q, true
		}
	}
	return quantity{}, false
}

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

func (r Resources) plus(other Resources) Resources {
	sum := Resources{list: slices.Clone(r.list)}
	for _, q := range other.list {
		i := slices.IndexFunc(sum.list, func(have quantity) bool { return have.kind == q.kind })
		if i < 0 {
			sum.list = append(sum.list, q)
			continue
		}
		sum.list[i] = sum.list[i].plus(q)
	}
	return sum
}

// minus takes away what is there; more than that is not owed.
func (r Resources) minus(other Resources) Resources {
	var rest Resources
	for _, q := range r.list {
		if taken, ok := other.find(q.kind); ok {
			q = q.minus(taken)
		}
		if !q.zero() {
			rest.list = append(rest.list, q)
		}
	}
	return rest
}

// contains tells whether other could be taken away without remainder. Nothing is contained in anything.
func (r Resources) contains(other Resources) bool {
	for _, q := range other.list {
		have, _ := r.find(q.kind)
		if !have.contains(q) {
			return false
		}
	}
	return true
}

// allocated is the same resources as the property of a role.
func (r Resources) allocated(role string) Resources {
	out := Resources{list: slices.Clone(r.list)}
	for i := range out.list {
		out.list[i].kind.allocation = role
	}
	return out
}

func (q quantity) zero() bool { return q.milli == 0 && len(q.spans) == 0 && len(q.items) == 0 }

func (q quantity) plus(other quantity) quantity {
	q.milli += other.milli
	q.spans = normalize(append(slices.Clone(q.spans), other.spans...))
	q.items = append(slices.Clone(q.items), other.items...)
	slices.Sort(q.items)
	q.items = slices.Compact(q.items)
	return q
}

func (q quantity) minus(other quantity) quantity {
	q.milli = max(0, q.milli-other.milli)
	for _, cut := range other.spans {
		q.spans = without(q.spans, cut)
	}
	q.items = slices.DeleteFunc(slices.Clone(q.items), func(item string) bool {
		return slices.Contains(other.items, item)
	})
	return q
}

func (q quantity) contains(other quantity) bool {
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

// wire gives the resources in the form that a framework with these capabilities is sent.
func (r Resources) wire(form resourceForm) []mesos.Resource {
	out := make([]mesos.Resource, 0, len(r.list))
	for _, q := range r.list {
		out = append(out, q.wire(form))
	}
	return out
}

// resourceForm is what a framework's capabilities make of the shape of a resource (Mesos: no allocation_info without
// MULTI_ROLE; "role" with or without "reservation" in place of "reservations" without RESERVATION_REFINEMENT).
type resourceForm struct {
	allocation bool
	refined    bool
}

func (q quantity) wire(form resourceForm) mesos.Resource {
	typ := q.typ
	w := mesos.Resource{Name: q.kind.name, Type: &typ, Reservations: q.origin.Reservations, Disk: q.origin.Disk}
	switch typ {
	case mesos.SCALAR:
		w.Scalar = &mesos.Value_Scalar{Value: float64(q.milli) / 1000}
	case mesos.RANGES:
		w.Ranges = &mesos.Value_Ranges{}
		for _, span := range q.spans {
			w.Ranges.Range = append(w.Ranges.Range, mesos.Value_Range{Begin: span.Begin, End: span.End})
		}
	case mesos.SET:
		w.Set = &mesos.Value_Set{Item: slices.Clone(q.items)}
	}
	if form.allocation && q.kind.allocation != "" {
		role := q.kind.allocation
		w.AllocationInfo = &mesos.Resource_AllocationInfo{Role: &role}
	}
	if !form.refined {
		star := "*"
		w.Role = &star
	}
	return w
}

// String is the notation of a master's messages: "cpus(allocated: dev):3.9; ports(allocated: dev):[31000-31999]".
func (r Resources) String() string {
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
	return name + q.kind.facets + ":" + q.amount()
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
