package plans

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestBind(t *testing.T) {
	parameters := []Parameter{
		{Name: "TARGET", Type: Text, Required: true},
		{Name: "COUNT", Type: Integer, Default: "+03"},
		{Name: "DRY", Type: Boolean, Default: "F"},
		{Name: "WAIT", Type: TimeInterval, Default: "90m"},
		{Name: "MODE", Type: Text, Default: "slow", Choices: []string{"slow", "fast"}},
		{Name: "SIZE", Type: Integer, Default: "1", Choices: []string{"01", "2"}},
	}
	tests := []struct {
		name       string
		parameters []Parameter
		values     map[string]string
		want       []Argument
		problems   []string
	}{
		{name: "a plan without parameters"},
		{
			name: "defaults", parameters: parameters, values: map[string]string{"TARGET": "h1"},
			want: []Argument{{"COUNT", "3"}, {"DRY", "false"}, {"MODE", "slow"}, {"SIZE", "1"}, {"TARGET", "h1"}, {"WAIT", "1h30m0s"}},
		},
		{
			name: "all given", parameters: parameters,
			values: map[string]string{"TARGET": " h 1 ", "COUNT": "-0", "DRY": "TRUE", "WAIT": "1.5s", "MODE": "fast", "SIZE": "+2"},
			want:   []Argument{{"COUNT", "0"}, {"DRY", "true"}, {"MODE", "fast"}, {"SIZE", "2"}, {"TARGET", " h 1 "}, {"WAIT", "1.5s"}},
		},
		{
			name: "an empty text is a value", parameters: []Parameter{{Name: "NOTE", Type: Text, Default: "x"}}, values: map[string]string{"NOTE": ""},
			want: []Argument{{"NOTE", ""}},
		},
		{
			name: "everything wrong at once", parameters: parameters,
			values: map[string]string{"zeal": "1", "COUNT": "three", "DRY": "maybe", "WAIT": "1 hour", "MODE": "warp", "SIZE": "3", "ardour": "2"},
			problems: []string{
				`plan "p": parameter "TARGET": value is missing; use text in UTF-8 without NUL characters`,
				`plan "p": parameter "COUNT": value is "three"; use an integer such as 3`,
				`plan "p": parameter "DRY": value is "maybe"; use true or false`,
				`plan "p": parameter "WAIT": value is "1 hour"; use a duration such as 1h30m`,
				`plan "p": parameter "MODE": value is "warp"; use "slow" or "fast"`,
				`plan "p": parameter "SIZE": value is "3"; use "01" or "2"`,
				`plan "p": parameter "ardour" is unknown (value "2"); the plan has "TARGET", "COUNT", "DRY", "WAIT", "MODE", "SIZE"`,
				`plan "p": parameter "zeal" is unknown (value "1"); the plan has "TARGET", "COUNT", "DRY", "WAIT", "MODE", "SIZE"`,
			},
		},
		{
			name: "an empty value where one is required", parameters: []Parameter{{Name: "TARGET", Type: Text, Required: true, Choices: []string{"a", "b"}}},
			values:   map[string]string{"TARGET": ""},
			problems: []string{`plan "p": parameter "TARGET": value is missing; use "a" or "b"`},
		},
		{
			name: "text that no environment variable can hold", parameters: []Parameter{{Name: "A", Type: Text}, {Name: "B", Type: Text}},
			values: map[string]string{"A": "\xff", "B": "a\x00"},
			problems: []string{
				`plan "p": parameter "A": value is "\xff"; use text in UTF-8 without NUL characters`,
				`plan "p": parameter "B": value is "a\x00"; use text in UTF-8 without NUL characters`,
			},
		},
		{
			name: "numbers that are too large", parameters: []Parameter{{Name: "A", Type: Integer, Default: "0"}, {Name: "B", Type: TimeInterval, Default: "0"}},
			values: map[string]string{"A": "9223372036854775808", "B": "3000000h"},
			problems: []string{
				`plan "p": parameter "A": value is "9223372036854775808"; use an integer such as 3`,
				`plan "p": parameter "B": value is "3000000h"; use a duration such as 1h30m`,
			},
		},
		{
			name: "no parameters", values: map[string]string{"x": "1"},
			problems: []string{`plan "p": parameter "x" is unknown (value "1"); the plan has none`},
		},
		{
			name: "a definition that is wrong", parameters: []Parameter{{Name: "A", Type: Integer}}, values: map[string]string{"A": "1", "B": "2"},
			problems: []string{`plan "p": parameter "A": default is ""; use an integer such as 3`},
		},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Definition{Name: "p", Parameters: tc.parameters}.Bind(tc.values)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.problems, problems(err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBoundValuesAreBoundToThemselves: what Bind returned, given again, is returned again; so a run can be started again with its
// arguments.
func TestBoundValuesAreBoundToThemselves(t *testing.T) {
	samples := map[ParameterType][]string{
		Text:         {"", "a", " b", "1"},
		Integer:      {"1", "+1", "01", "-7", "0"},
		Boolean:      {"1", "0", "T", "false", "True"},
		TimeInterval: {"0", "0s", "90s", "1.5h", "-3m", "1us"},
	}
	checkDrawn(t, func(t *rapid.T) {
		d := Definition{Name: "p"}
		given := map[string]string{}
		for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"d", "a", "c", "b"}), rapid.ID).Draw(t, "names") {
			p := Parameter{Name: name, Type: rapid.SampledFrom(parameterTypes).Draw(t, "type")}
			p.Default = rapid.SampledFrom(samples[p.Type]).Draw(t, "default")
			if rapid.Bool().Draw(t, "choosy") {
				p.Choices = samples[p.Type]
			}
			if rapid.Bool().Draw(t, "given") {
				given[name] = rapid.SampledFrom(samples[p.Type]).Draw(t, "value")
			}
			d.Parameters = append(d.Parameters, p)
		}
		first, err := d.Bind(given)
		if err != nil {
			t.Fatalf("good values are refused: %v", err)
		}
		if len(first) != len(d.Parameters) || !slices.IsSortedFunc(first, func(a, b Argument) int { return strings.Compare(a.Name, b.Name) }) {
			t.Fatalf("arguments are not those of all parameters, sorted: %v", first)
		}
		again := map[string]string{}
		for _, a := range first {
			again[a.Name] = a.Value
		}
		second, err := d.Bind(again)
		if err != nil {
			t.Fatalf("bound values are refused: %v", err)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Fatalf("bound values are bound to others (-first +second):\n%s", diff)
		}
	})
}
