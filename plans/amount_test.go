package plans

import (
	"encoding/json"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestParseAmount(t *testing.T) {
	const use = "use a number such as 2, or a percentage such as 25%"
	tests := []struct {
		text string
		want Amount
		err  string
	}{
		{"0", Amount{}, ""},
		{"2", Amount{Value: 2}, ""},
		{"007", Amount{Value: 7}, ""},
		{"0%", Amount{0, true}, ""},
		{"25%", Amount{25, true}, ""},
		{"100%", Amount{100, true}, ""},
		{"", Amount{}, `amount "": ` + use},
		{"%", Amount{}, `amount "%": ` + use},
		{"-1", Amount{}, `amount "-1": ` + use},
		{"+1", Amount{}, `amount "+1": ` + use},
		{" 1", Amount{}, `amount " 1": ` + use},
		{"1.5%", Amount{}, `amount "1.5%": ` + use},
		{"25 %", Amount{}, `amount "25 %": ` + use},
		{"25%%", Amount{}, `amount "25%%": ` + use},
		{"half", Amount{}, `amount "half": ` + use},
		{"101%", Amount{}, `amount "101%": use at most 100%`},
		{"99999999999999999999", Amount{}, `amount "99999999999999999999": the number is too large`},
	}
	for _, tc := range tests {
		t.Run(tc.text, func(t *testing.T) {
			got, err := ParseAmount(tc.text)
			if got != tc.want || errorText(err) != tc.err {
				t.Errorf("ParseAmount(%q) = %v, %v; want %v, %s", tc.text, got, err, tc.want, tc.err)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAmountOf(t *testing.T) {
	tests := []struct {
		amount      Amount
		total, want int
	}{
		{Amount{Value: 2}, 10, 2},
		{Amount{Value: 2}, 1, 2},
		{Amount{Value: 2}, 0, 2},
		{Amount{Value: 0}, 10, 0},
		{Amount{Value: -3}, 10, 0},
		{Amount{25, true}, 8, 2},
		{Amount{25, true}, 11, 2},
		{Amount{25, true}, 3, 1}, // at least one
		{Amount{1, true}, 1, 1},
		{Amount{1, true}, 199, 1},
		{Amount{1, true}, 200, 2},
		{Amount{0, true}, 100, 0},
		{Amount{-1, true}, 100, 0},
		{Amount{25, true}, 0, 0},
		{Amount{25, true}, -5, 0},
		{Amount{100, true}, 7, 7},
		{Amount{math.MaxInt, true}, 7, 7},
		{Amount{50, true}, math.MaxInt, math.MaxInt / 2},
	}
	for _, tc := range tests {
		if got := tc.amount.Of(tc.total); got != tc.want {
			t.Errorf("%v of %d is %d, want %d", tc.amount, tc.total, got, tc.want)
		}
	}
}

func TestPercentagesStayWithinTheTotal(t *testing.T) {
	checkDrawn(t, func(t *rapid.T) {
		total := rapid.IntRange(0, math.MaxInt).Draw(t, "total")
		a := Amount{rapid.Int().Draw(t, "value"), true}
		more := Amount{rapid.IntRange(a.Value, math.MaxInt).Draw(t, "more"), true}
		of := a.Of(total)
		if of < 0 || of > total {
			t.Fatalf("%v of %d is %d, more than all or less than nothing", a, total, of)
		}
		if a.Value > 0 && total > 0 && of == 0 {
			t.Fatalf("%v of %d is nothing", a, total)
		}
		if more.Of(total) < of {
			t.Fatalf("%v of %d is more than %v", a, total, more)
		}
	})
}

func TestAmountIsTextInJSON(t *testing.T) {
	got, err := json.Marshal(map[string]Amount{"a": {2, false}, "b": {25, true}})
	if want := `{"a":"2","b":"25%"}`; err != nil || string(got) != want {
		t.Errorf("encoded as %s, %v; want %s", got, err, want)
	}
	var back map[string]Amount
	if err := json.Unmarshal(got, &back); err != nil || back["a"] != (Amount{2, false}) || back["b"] != (Amount{25, true}) {
		t.Errorf("decoded as %v, %v", back, err)
	}
	for _, a := range []Amount{{Value: -1}, {101, true}} {
		if got, err := a.MarshalText(); err == nil {
			t.Errorf("%v is encoded as %s, want an error", a, got)
		}
	}
	kept := Amount{Value: 4}
	if err := kept.UnmarshalText([]byte("many")); err == nil || kept.Value != 4 {
		t.Errorf("after a failure the amount is %v, error %v", kept, err)
	}
}

// FuzzParseAmount: an amount that is read is written such that it is read as the same.
func FuzzParseAmount(f *testing.F) {
	for _, seed := range []string{"2", "25%", "0", "100%", "101%", "-1", "007%", "", "%", "9223372036854775808"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAmount(text)
		if err != nil {
			if a != (Amount{}) {
				t.Fatalf("%q is refused, and gives %v", text, a)
			}
			return
		}
		encoded, err := a.MarshalText()
		if err != nil {
			t.Fatalf("%q is read, and not written: %v", text, err)
		}
		if back, err := ParseAmount(string(encoded)); err != nil || back != a {
			t.Fatalf("%q is read as %v, and that as %v, %v", text, a, back, err)
		}
	})
}
