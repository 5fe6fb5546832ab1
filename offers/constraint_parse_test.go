package offers

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/go-multierror"
	"pgregory.net/rapid"
)

var updateConstraints = flag.Bool("update-constraints", false, "rewrite testdata/constraints")

func TestParseConstraint(t *testing.T) {
	hostname, region, zone := Field{Kind: FieldHostname}, Field{Kind: FieldRegion}, Field{Kind: FieldZone}
	rack := Field{FieldAttribute, "rack"}
	for _, test := range []struct {
		in   string
		want []Clause
	}{
		{"", nil},
		{" \t\n", nil},
		{"[]", nil},
		{" [ ] ", nil},
		{"hostname:UNIQUE", []Clause{{Field: hostname, Operator: OperatorUnique}}},
		{"@hostname:unique", []Clause{{Field: hostname, Operator: OperatorUnique}}},
		{"@region:Is:eu", []Clause{{Field: region, Operator: OperatorIs, Param: "eu"}}},
		{"@zone:is_NOT:eu-1", []Clause{{Field: zone, Operator: OperatorIsNot, Param: "eu-1"}}},
		{"rack:CLUSTER:r1", []Clause{{Field: rack, Operator: OperatorCluster, Param: "r1"}}},
		{"rack:LIKE:r[12]", []Clause{{Field: rack, Operator: OperatorLike, Param: "r[12]"}}},
		{"rack:UNLIKE:r[12]", []Clause{{Field: rack, Operator: OperatorUnlike, Param: "r[12]"}}},
		{"rack:MAX_PER:2", []Clause{{Field: rack, Operator: OperatorMaxPer, Param: "2", N: 2}}},
		{"rack:GROUP_BY", []Clause{{Field: rack, Operator: OperatorGroupBy}}},
		{"rack:GROUP_BY:3", []Clause{{Field: rack, Operator: OperatorGroupBy, Param: "3", N: 3}}},
		{"rack:GROUP_BY:2147483647", []Clause{{Field: rack, Operator: OperatorGroupBy, Param: "2147483647", N: maxCount}}},
		{"Hostname:UNIQUE", []Clause{{Field: Field{FieldAttribute, "Hostname"}, Operator: OperatorUnique}}},
		{"region:UNIQUE", []Clause{{Field: Field{FieldAttribute, "region"}, Operator: OperatorUnique}}},

		{" rack : unique , hostname : max_per : 2 ", []Clause{
			{Field: rack, Operator: OperatorUnique}, {Field: hostname, Operator: OperatorMaxPer, Param: "2", N: 2}}},
		{"rack:UNIQUE:", []Clause{{Field: rack, Operator: OperatorUnique}}},     // the SDK reads an empty part, and ignores it
		{"rack:GROUP_BY: ", []Clause{{Field: rack, Operator: OperatorGroupBy}}}, // the SDK refuses it
		{`rack:LIKE:rack-{1\,3}`, []Clause{{Field: rack, Operator: OperatorLike, Param: "rack-{1,3}"}}},
		{`rack:LIKE:foo\:bar\:baz`, []Clause{{Field: rack, Operator: OperatorLike, Param: "foo:bar:baz"}}},
		{`rack:LIKE:\d+\.x`, []Clause{{Field: rack, Operator: OperatorLike, Param: `\d+\.x`}}},
		{`rack:IS:a\\,hostname:UNIQUE`, []Clause{
			{Field: rack, Operator: OperatorIs, Param: `a\\`}, {Field: hostname, Operator: OperatorUnique}}},
		{`rack:IS:a\\\,b`, []Clause{{Field: rack, Operator: OperatorIs, Param: `a\\,b`}}},
		{`rack:IS:a\`, []Clause{{Field: rack, Operator: OperatorIs, Param: `a\`}}},
		{`a\:b\,c:UNIQUE`, []Clause{{Field: Field{FieldAttribute, "a:b,c"}, Operator: OperatorUnique}}},

		{`["rack", "unique"]`, []Clause{{Field: rack, Operator: OperatorUnique}}},
		{"\t[ [\"rack\" ,\n\"LIKE\", \"r\\u0031{1,3}:\\\\d\\\"\"] , [\"@hostname\",\"UNIQUE\"] ]\r\n", []Clause{
			{Field: rack, Operator: OperatorLike, Param: `r1{1,3}:\d"`}, {Field: hostname, Operator: OperatorUnique}}},
		{`["rack","MAX_PER",2]`, []Clause{{Field: rack, Operator: OperatorMaxPer, Param: "2", N: 2}}},
		{`["rack","MAX_PER","2"]`, []Clause{{Field: rack, Operator: OperatorMaxPer, Param: "2", N: 2}}},
		{`[["rack","GROUP_BY",3]]`, []Clause{{Field: rack, Operator: OperatorGroupBy, Param: "3", N: 3}}},
		{`["rack","IS",2.50]`, []Clause{{Field: rack, Operator: OperatorIs, Param: "2.50"}}},
		{`["rack","IS",""]`, []Clause{{Field: rack, Operator: OperatorIs}}},
		{`["rack","IS"," a\\,"]`, []Clause{{Field: rack, Operator: OperatorIs, Param: ` a\,`}}},
	} {
		got, err := ParseConstraint(test.in)
		if err != nil {
			t.Errorf("%q: %v", test.in, err)
		}
		if diff := cmp.Diff(test.want, got.Clauses, cmpopts.IgnoreUnexported(Clause{})); diff != "" {
			t.Errorf("%q (-want +got)\n%s", test.in, diff)
		}
	}
}

// refused are texts and where their problems are, in characters from 1. What is said is in testdata/constraints/errors.txt.
var refused = []struct {
	text string
	at   []int
}{
	{"hostname:LIK:h1", []int{10}},
	{"hostname", []int{1}},
	{" hostname ", []int{2}},
	{"hostname:UNIQUE,", []int{17}},
	{",hostname:UNIQUE", []int{1}},
	{"hostname:UNIQUE, ,rack:UNIQUE", []int{18}},
	{"hostname:UNIQUE rack:UNIQUE", []int{10}},
	{"hostname:LIKE:h1:h2:h3", []int{18}},
	{"hostname:LIKE:h{1,3}", []int{19}},
	{":UNIQUE", []int{1}},
	{"rack: :r1", []int{7}},
	{"@rack:UNIQUE", []int{1}},
	{"@Zone:UNIQUE", []int{1}},
	{"rack:CLUSTER", []int{6}},
	{"rack:IS:", []int{6}},
	{"rack:IS_NOT", []int{6}},
	{"rack:LIKE", []int{6}},
	{"rack:UNLIKE:", []int{6}},
	{"rack:MAX_PER", []int{6}},
	{"rack:UNIQUE:2", []int{13}},
	{"rack:MAX_PER:0", []int{14}},
	{"rack:MAX_PER:-1", []int{14}},
	{"rack:MAX_PER:two", []int{14}},
	{"rack:MAX_PER:1.5", []int{14}},
	{"rack:MAX_PER:2147483648", []int{14}},
	{"rack:GROUP_BY:0", []int{15}},
	{"rack:GROUP_BY:x", []int{15}},
	{"hostname:LIKE:h[1-3", []int{15}},
	{"hostname:LIKE:h1)|(h2", []int{15}},
	{"hostname:LIKE:(?=a)b", []int{15}},
	{"hostname:LIKE:(?!a)b", []int{15}},
	{"hostname:UNLIKE:(?<=a)b", []int{17}},
	{"hostname:UNLIKE:(?<!a)b", []int{17}},
	{`hostname:LIKE:(a)\1`, []int{15}},
	{`hostname:LIKE:(?P<x>a)\k<x>`, []int{15}},
	{`hostname:LIKE:(?P<x>a)(?P=x)`, []int{15}},
	{`hostname:LIKE:h++`, []int{15}},
	{"ü:LIKE:ö, é :LIK: ö", []int{14}},
	{"é:x:1,@y:UNIQUE:3,z:MAX_PER:no,q", []int{3, 7, 17, 29, 32}},

	{`["hostname","LIK","h1"]`, []int{13}},
	{`[["hostname","UNIQUE"], ["@y","UNIQUE"], ["z","MAX_PER",0]]`, []int{26, 57}},
	{`[ "é\u00e9" , "LIKE" , "[" ]`, []int{24}},
	{`["rack","UNIQUE",""]`, []int{18}},
	{`["rack","GROUP_BY",""]`, []int{20}},
	{`["rack","MAX_PER",1.0]`, []int{19}},
	{`["","UNIQUE"]`, []int{2}},
	{`["rack"]`, []int{1}},
	{`["rack","IS","a","b"]`, []int{18}},
	{`[[]]`, []int{2}},
	{`[["rack","UNIQUE"],[]]`, []int{20}},
	{`["hostname","UNIQUE"],[["hostname","LIKE","10.0.3.6"]`, []int{22}},
	{`["hostname","UNIQUE"] x`, []int{23}},
	{`["hostname","UNIQUE"]]`, []int{22}},
	{`[["hostname","UNIQUE"],["hostname","LIKE","10.0.3.6"]`, []int{54}},
	{`[["hostname","UNIQ"],`, []int{14, 22}},
	{`[["hostname","UNIQUE"],]`, []int{24}},
	{`["hostname","UNIQUE",]`, []int{22}},
	{`["hostname" "UNIQUE"]`, []int{13}},
	{`["hostname","UNIQUE"`, []int{21}},
	{`["hostname","UNIQUE`, []int{13}},
	{`["hostname",UNIQUE]`, []int{13}},
	{`['hostname','UNIQUE']`, []int{2}},
	{`["hostname",true]`, []int{13}},
	{`["hostname",{"a":1}]`, []int{13}},
	{`["hostname","MAX_PER",1-2]`, []int{23}},
	{`["hostname","IS","\x"]`, []int{18}},
	{"[\"hostname\",\"IS\",\"a\nb\"]", []int{18}},
	{`["hostname",["UNIQUE"]]`, []int{13}},
	{`[["hostname","UNIQUE"],"rack"]`, []int{24}},
	{`[[["hostname","UNIQUE"]]]`, []int{3}},
	{"[", []int{2}},
	{"[\x00]", []int{2}},
	{"[]\x00", []int{3}},

	{"rack:IS:\xff", []int{9}},
	{strings.Repeat("é", 150) + ":LIK:" + strings.Repeat("ü", 150), []int{152}},
	{strings.Repeat("x", maxConstraintText) + "é", []int{maxConstraintText + 1}},
	{strings.Repeat("a:UNIQUE,", maxClauses) + "b:LIK", []int{901}},
	{"[" + strings.Repeat(`["a","UNIQUE"],`, maxClauses) + `[]]`, []int{1502}},
	{"rack:IS:r1,rack:LIKE:(" + strings.Repeat("x", 98) + "){656}", []int{22}},
	{"rack:LIKE:" + strings.Repeat("a{1000}", 66), []int{11}},
	{"rack:LIKE:(x{9}){7000}", []int{11}},                                                                      // no more than compiles
	{"a:LIKE:(" + strings.Repeat("x", 60) + "){500},b:LIKE:(" + strings.Repeat("x", 60) + "){500}", []int{83}}, // together
	{`["a","IS","` + strings.Repeat(",", 40000) + `"]`, []int{1}},
}

func problemsOf(t rapid.TB, text string, err error) []*ConstraintError {
	t.Helper()
	var all *multierror.Error
	if !errors.As(err, &all) {
		t.Fatalf("%q: error is %v, a %T", text, err, err)
	}
	var problems []*ConstraintError
	for _, one := range all.Errors {
		problem, ok := one.(*ConstraintError)
		if !ok || problem.Text != text || problem.Offset < 0 || problem.Offset > len(text) {
			t.Fatalf("%q: problem is %#v", text, one)
		}
		problems = append(problems, problem)
	}
	return problems
}

func TestParseConstraintRefuses(t *testing.T) {
	const golden = "testdata/constraints/errors.txt"
	var told strings.Builder
	for _, test := range refused {
		c, err := ParseConstraint(test.text)
		if err == nil || c.Clauses != nil {
			t.Errorf("%q: read as %q, error %v", test.text, c, err)
			continue
		}
		var at []int
		for _, problem := range problemsOf(t, test.text, err) {
			var n int
			_, after, _ := strings.Cut(problem.Error(), ": at character ")
			if _, err := fmt.Sscanf(after, "%d", &n); err != nil {
				t.Errorf("%q: no position in %v", test.text, problem)
			}
			if before := len([]rune(test.text[:problem.Offset])); n != before+1 {
				t.Errorf("%q: character %d at byte %d", test.text, n, problem.Offset)
			}
			at = append(at, n)
			fmt.Fprintln(&told, problem)
		}
		if diff := cmp.Diff(test.at, at); diff != "" {
			t.Errorf("%q: positions (-want +got)\n%s", test.text, diff)
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: the error has several lines: %v", test.text, err)
		}
	}
	if *updateConstraints {
		if err := os.WriteFile(golden, []byte(told.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(told.String(), "\n")); diff != "" {
		t.Errorf("%s differs; run go test ./offers -run TestParseConstraintRefuses -update-constraints and read the diff "+
			"(-want +got)\n%s", golden, diff)
	}
}

func TestParseConstraintTellsAllProblemsInOneLine(t *testing.T) {
	_, err := ParseConstraint("a:b:1,c")
	want := `constraint "a:b:1,c": at character 3: unknown operator "b"; allowed are ` + operatorNames() + `; ` +
		`constraint "a:b:1,c": at character 7: clause "c" has no operator; allowed is ` + allowedParts
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// The largest texts that are read.
func TestParseConstraintTakesWhatItsBoundsAllow(t *testing.T) {
	for name, text := range map[string]string{
		"a long text":            "a:IS:" + strings.Repeat("x", maxConstraintText-5),
		"many clauses":           strings.Repeat("a:UNIQUE,", maxClauses-1) + "b:UNIQUE",
		"many clauses, in JSON":  "[" + strings.Repeat(`["a","UNIQUE"],`, maxClauses-1) + `["b","UNIQUE"]]`,
		"many hosts":             "hostname:LIKE:" + strings.Repeat("node-1.example.com|", 3000) + "x",
		"many small repetitions": `[["id","LIKE","[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"],["ip","LIKE","([0-9]{1,3}\\.){3}[0-9]{1,3}"]]`,
	} {
		c, err := ParseConstraint(text)
		if err != nil {
			t.Errorf("%s: %.300s", name, err)
		} else if _, err := ParseConstraint(c.String()); err != nil {
			t.Errorf("%s, read again: %.300s", name, err)
		}
	}
}

// Rubbish must not hold up the scheduler. The bound is generous: a machine that is busy is no fault.
func TestParseConstraintIsDoneSoon(t *testing.T) {
	for name, text := range map[string]string{
		"groups in groups":        "a:LIKE:" + strings.Repeat("(a|", 20000),
		"repetitions":             "a:LIKE:" + strings.Repeat("a{1000}", 9000),
		"repetitions of groups":   "a:LIKE:" + strings.Repeat("(a{30}){30}", 5000),
		"repetitions without end": "a:LIKE:" + strings.Repeat("(a{1000,}){1000,}", 3000),
		"large repetitions":       "a:LIKE:" + strings.Repeat("a{99999999999999999999}", 2500),
		"colons":                  strings.Repeat(":", maxConstraintText),
		"commas":                  strings.Repeat(",", maxConstraintText),
		"backslashes":             strings.Repeat(`\`, maxConstraintText),
		"brackets":                strings.Repeat("[", maxConstraintText),
		"lists":                   "[" + strings.Repeat("[],", 20000) + "[]]",
		"quotes":                  "[" + strings.Repeat(`""`, 30000),
		"much too long":           strings.Repeat("a:LIKE:(a{1000}),", 1<<20),
	} {
		begin := time.Now()
		_, err := ParseConstraint(text)
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("%s took %s", name, took)
		}
		if err == nil {
			t.Errorf("%s: no error", name)
		} else if n := len(err.Error()); n > 100_000 {
			t.Errorf("%s: an error of %d bytes", name, n)
		}
	}
}

func TestConstraintErrorOfAnyOffset(t *testing.T) {
	for offset, want := range map[int]int{-5: 1, 0: 1, 2: 2, 3: 3, 100: 3} {
		got := (&ConstraintError{"éa", offset, "odd"}).Error()
		if got != fmt.Sprintf(`constraint "éa": at character %d: odd`, want) {
			t.Errorf("%d: %s", offset, got)
		}
	}
}

func checkParsed(t rapid.TB, text string) {
	t.Helper()
	c, err := ParseConstraint(text)
	if err != nil {
		for _, problem := range problemsOf(t, text, err) {
			if problem.Problem == "" || len(problem.Error()) > 2000 {
				t.Fatalf("%q: %v", text, problem)
			}
		}
		return
	}
	canonical := c.String()
	again, err := ParseConstraint(canonical)
	if err != nil {
		t.Fatalf("%q: its canonical text is refused: %v", text, err)
	}
	if got := again.String(); got != canonical {
		t.Fatalf("%q: its canonical text %q becomes %q", text, canonical, got)
	}
	site := Site{Hostname: "h1", Zone: "z", Attributes: attributes("a=1.000", "rack=x")}
	for i, clause := range c.Clauses {
		if clause.Accepts(site) != again.Clauses[i].Accepts(site) {
			t.Fatalf("%q: clause %s accepts otherwise when it is read again", text, clause)
		}
	}
}

func TestParseConstraintNeverPanics(t *testing.T) {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{
			"hostname", "@zone", "@region", "@x", "rack", "UNIQUE", "max_per", "LIKE", "IS_NOT", "GROUP_BY", "2",
			"[", "]", `"`, ":", ",", `\`, " ", "(", "a{3}", "é", "\xff",
		}),
		drawnPiece(),
	)
	rapid.Check(t, func(t *rapid.T) {
		checkParsed(t, strings.Join(rapid.SliceOfN(piece, 0, 20).Draw(t, "pieces"), ""))
	})
}

func FuzzParseConstraint(f *testing.F) {
	for _, test := range refused {
		if len(test.text) < 1000 {
			f.Add(test.text)
		}
	}
	for _, text := range []string{
		"", "[]", "hostname:UNIQUE", " rack : LIKE : r{1\\,3} , @zone:GROUP_BY:3",
		`["a","IS",""]`, `[["a","IS","b\\,"],["@hostname","MAX_PER",2]]`,
		`a:IS:b\\,c:IS:d\`, `a:LIKE:\Qa`, "[\"a\",\"IS\",\"\\ud800\"]",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkParsed(t, text) })
}
