package offers

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func TestScalar(t *testing.T) {
	for _, test := range []struct {
		in   float64
		want Milli
		text string
	}{
		{0, 0, "0"},
		{0.1, 100, "0.1"},
		{0.1 + 0.2, 300, "0.3"},
		{2084, 2084000, "2084"},
		{0.0005, 1, "0.001"}, // half away from zero
		{0.00049, 0, "0"},
		{-0.0005, -1, "-0.001"},
		{1.25, 1250, "1.25"},
		{math.NaN(), 0, "0"},
		{math.Inf(1), 1e15, "1000000000000"},
		{math.Inf(-1), -1e15, "-1000000000000"},
	} {
		got := Scalar(test.in)
		if got != test.want || got.String() != test.text {
			t.Errorf("Scalar(%v) = %d (%s), want %d (%s)", test.in, got, got, test.want, test.text)
		}
	}
	if got := Milli(math.MinInt64).String(); got != "-9223372036854775.808" {
		t.Errorf("the smallest amount prints as %s", got)
	}
}

func TestNormalize(t *testing.T) {
	for _, test := range []struct {
		name     string
		in, want []Range
	}{
		{"nothing", nil, nil},
		{"one", []Range{{5, 7}}, []Range{{5, 7}}},
		{"unsorted", []Range{{9, 9}, {5, 7}}, []Range{{5, 7}, {9, 9}}},
		{"touching", []Range{{5, 7}, {8, 9}}, []Range{{5, 9}}},
		{"overlapping", []Range{{5, 8}, {6, 7}, {8, 9}}, []Range{{5, 9}}},
		{"inverted", []Range{{7, 5}, {1, 1}}, []Range{{1, 1}}},
		{"at the end of the numbers", []Range{{math.MaxUint64, math.MaxUint64}, {0, math.MaxUint64 - 1}}, []Range{{0, math.MaxUint64}}},
	} {
		if diff := cmp.Diff(test.want, Normalize(test.in)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", test.name, diff)
		}
	}
}

// few draws numbers so small that ranges often touch and overlap.
func few(t *rapid.T, name string) []Range {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Range {
		begin := rapid.Uint64Range(0, 15).Draw(t, "begin")
		return Range{begin, begin + rapid.Uint64Range(0, 5).Draw(t, "more")}
	}), 0, 5).Draw(t, name)
}

// numbers is the plain twin of ranges: the set of what is in them.
func numbers(ranges []Range) map[uint64]bool {
	set := map[uint64]bool{}
	for _, r := range ranges {
		for n := r.Begin; n <= r.End; n++ {
			set[n] = true
		}
	}
	return set
}

func TestRangesAreSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := Normalize(few(t, "a")), Normalize(few(t, "b"))
		inA, inB := numbers(a), numbers(b)
		join, cut, both := map[uint64]bool{}, map[uint64]bool{}, map[uint64]bool{}
		holds := true
		for n := range inA {
			join[n] = true
			cut[n] = !inB[n]
			both[n] = inB[n]
		}
		for n := range inB {
			join[n] = true
			holds = holds && inA[n]
		}
		for _, test := range []struct {
			what string
			want map[uint64]bool
			got  []Range
		}{{"join", join, joinRanges(a, b)}, {"cut", cut, cutRanges(a, b)}, {"shared", both, sharedRanges(a, b)}} {
			want := cmpopts.IgnoreMapEntries(func(_ uint64, in bool) bool { return !in })
			if diff := cmp.Diff(test.want, numbers(test.got), want); diff != "" {
				t.Fatalf("%s of %v and %v: %v (-want +got)\n%s", test.what, a, b, test.got, diff)
			}
			if !normal(test.got) {
				t.Fatalf("%s of %v and %v is not in normal form: %v", test.what, a, b, test.got)
			}
		}
		if got := holdsRanges(a, b); got != holds {
			t.Fatalf("%v holds %v: %v, want %v", a, b, got, holds)
		}
	})
}

func drawResources(t *rapid.T, name string) Quantities {
	amount := func(of string) Milli { return Milli(rapid.Int64Range(0, 4000).Draw(t, name+" "+of)) }
	return Quantities{CPUs: amount("cpus"), Mem: amount("mem"), Disk: amount("disk"), Ports: Normalize(few(t, name+" ports"))}
}

func TestWhatIsAddedCanBeTakenAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawResources(t, "a"), drawResources(t, "b")
		b.Ports = cutRanges(b.Ports, a.Ports) // what Mesos offers twice is never the same port
		sum := a.Add(b)
		if !sum.Equal(b.Add(a)) {
			t.Fatalf("%s + %s depends on the order", a, b)
		}
		left, ok := sum.Sub(b)
		if !ok || !left.Equal(a) {
			t.Fatalf("%s + %s - %s = %s, %v", a, b, b, left, ok)
		}
		if got, ok := a.Sub(b); ok != a.Contains(b) || !ok && !got.IsZero() {
			t.Fatalf("%s - %s = %s, %v; contains says %v", a, b, got, ok, a.Contains(b))
		}
	})
}

func TestNothingContainsLessThanNothing(t *testing.T) {
	if (Quantities{CPUs: 1000}).Contains(Quantities{CPUs: -1}) {
		t.Error("a negative amount is said to be contained")
	}
}

func TestArgumentsAreLeftAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := few(t, "a"), few(t, "b")
		before := append([]Range(nil), a...)
		x := Quantities{Ports: Normalize(a)}
		y := Quantities{Ports: Normalize(b)}
		text := x.String()
		x.Add(y)
		x.Sub(y)
		if diff := cmp.Diff(before, a, cmpopts.EquateEmpty()); diff != "" || x.String() != text {
			t.Fatalf("changed: %s -> %s\n%s", text, x, diff)
		}
	})
}

// sharedRanges is what is in both.
func sharedRanges(a, b []Range) []Range { return cutRanges(a, cutRanges(a, b)) }
