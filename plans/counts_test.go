package plans

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func drawCounts(t *rapid.T) Counts {
	var c Counts
	for s := range c {
		c[s] = rapid.IntRange(0, 3).Draw(t, Status(s).String())
	}
	return c
}

func TestCountsAsTextAndJSON(t *testing.T) {
	for _, c := range []struct {
		name       string
		counts     Counts
		total      int
		text, json string
	}{
		{"none", Counts{}, 0, "", "{}"},
		{"one", Counts{Complete: 1}, 1, "1 COMPLETE", `{"COMPLETE":1}`},
		{"two", Counts{Pending: 3, Complete: 2}, 5, "2 COMPLETE, 3 PENDING", `{"PENDING":3,"COMPLETE":2}`},
		{"all", Counts{1, 2, 3, 4, 5, 6, 7, 8, 9}, 45,
			"9 ERROR, 5 COMPLETE, 4 STARTED, 3 STARTING, 8 IN_PROGRESS, 7 DELAYED, 2 PREPARED, 6 WAITING, 1 PENDING",
			`{"PENDING":1,"PREPARED":2,"STARTING":3,"STARTED":4,"COMPLETE":5,"WAITING":6,"DELAYED":7,"IN_PROGRESS":8,"ERROR":9}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.counts.Total(); got != c.total {
				t.Errorf("Total() = %d, want %d", got, c.total)
			}
			if got := c.counts.String(); got != c.text {
				t.Errorf("String() = %q, want %q", got, c.text)
			}
			got, err := json.Marshal(c.counts)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != c.json {
				t.Errorf("JSON %s, want %s", got, c.json)
			}
		})
	}
}

func TestCountsAdd(t *testing.T) {
	var c Counts
	for _, s := range []Status{Pending, Error, Pending, Error + 1, 255} {
		c.Add(s)
	}
	if diff := cmp.Diff(Counts{Pending: 2, Error: 1}, c); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func TestEveryStatusIsToldOnce(t *testing.T) {
	var told Counts
	for _, s := range tellingOrder {
		told.Add(s)
	}
	for s, n := range told {
		if n != 1 {
			t.Errorf("%s is told %d times", Status(s), n)
		}
	}
}

func TestCountsRefuseWhatTheyWouldNotWrite(t *testing.T) {
	for _, c := range []struct{ json, want string }{
		{`null`, "counts: <nil> in place of {"},
		{`[]`, "counts: [ in place of {"},
		{`5`, "counts: 5 in place of {"},
		{`{"RUNNING":1}`, `counts: status "RUNNING": unknown`},
		{`{"pending":1}`, `counts: status "pending": unknown`},
		{`{"PENDING":-1}`, "counts: PENDING: -1 is not a number of steps"},
		{`{"PENDING":1.5}`, "counts: PENDING: 1.5 is not a number of steps"},
		{`{"PENDING":1e3}`, "counts: PENDING: 1e3 is not a number of steps"},
		{`{"PENDING":99999999999999999999}`, "counts: PENDING: 99999999999999999999 is not a number of steps"},
		{`{"PENDING":"1"}`, "counts: PENDING: 1 is not a number"},
		{`{"PENDING":{}}`, "counts: PENDING: { is not a number"},
		{`{"PENDING":null}`, "counts: PENDING: <nil> is not a number"},
		{`{"PENDING":1,"PENDING":1}`, "counts: PENDING comes twice"},
		{`{} {}`, "counts: something follows the object"},
		{`{"PENDING"`, "counts: "},
		{``, "counts: EOF"},
	} {
		before := Counts{Error: 7}
		got := before
		err := got.UnmarshalJSON([]byte(c.json))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.json, err, c.want)
		}
		if got != before {
			t.Errorf("%s: the counts are %v, want them as before", c.json, got)
		}
	}
}

func TestCountsComeBackFromJSON(t *testing.T) {
	checkDrawn(t, func(t *rapid.T) {
		want := drawCounts(t)
		text, err := json.Marshal(map[string]Counts{"counts": want})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]Counts{}
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got["counts"]); diff != "" {
			t.Fatalf("%s came back as something else (-want +got):\n%s", text, diff)
		}
	})
}

func FuzzCountsUnmarshalJSON(f *testing.F) {
	for _, seed := range []string{`{}`, `{"PENDING":3,"COMPLETE":2}`, ` { "ERROR" : 1 } `, `{"PENDING":0}`, `{"PENDING":1,}`, `null`, `{"\u0050ENDING":1}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var c Counts
		if err := c.UnmarshalJSON(data); err != nil {
			if c != (Counts{}) {
				t.Fatalf("%q is refused and counts all the same: %v", data, c)
			}
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q is not JSON and is accepted", data)
		}
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var again Counts
		if err := again.UnmarshalJSON(text); err != nil || again != c {
			t.Fatalf("%q is read as %v, written as %s and read again as %v, %v", data, c, text, again, err)
		}
	})
}

func BenchmarkCountsAdd(b *testing.B) {
	b.ReportAllocs()
	var c Counts
	for b.Loop() {
		for i := range 30_000 {
			c.Add(Status(i % 9))
		}
	}
}
