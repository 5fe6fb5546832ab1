package offers

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/go-multierror"
)

// The bounds of a constraint, so that reading what is none takes no time. They hold for the canonical text as well.
const (
	maxConstraintText = 64 << 10 // bytes
	maxClauses        = 100
	maxCount          = 1<<31 - 1 // of MAX_PER and GROUP_BY, an int of Java in the SDK
)

// The words for what is allowed.
const (
	allowedParts  = `field:operator or field:operator:parameter, with \, and \: for a comma and a colon inside`
	allowedLists  = `["field","operator","parameter"] or a list of such lists`
	allowedFields = "hostname, @hostname, @region, @zone and the names of attributes, which do not begin with @"
)

// ConstraintError is one problem of the text of a constraint.
type ConstraintError struct {
	Text string
	// Offset is where in the text the problem is, in bytes from 0. It is the length of the text if something lacks at its end.
	Offset int
	// Problem says what is wrong and what is allowed.
	Problem string
}

// Error shows the position as people count, in characters from 1. Of a long text it quotes what is around.
func (e *ConstraintError) Error() string {
	offset := max(min(e.Offset, len(e.Text)), 0)
	position := utf8.RuneCountInString(e.Text[:offset]) + 1
	return fmt.Sprintf("constraint %s: at character %d: %s", quote(around(e.Text, offset)), position, e.Problem)
}

// ParseConstraint reads a constraint as the DC/OS SDK does (MarathonConstraintParser): f:OP:p,f:OP:p, or in JSON
// ["f","OP","p"] or a list of such lists. A text that is blank, or an empty list, is a constraint without clauses.
//
// In the first form a backslash protects a comma or a colon and stays with anything else, spaces around the parts do not
// count, and a parameter that is empty is none. In JSON the texts are taken as they are, and numbers stand for their digits.
//
// The error tells all problems, in the order of the text, each a *ConstraintError.
func ParseConstraint(text string) (Constraint, error) {
	p := constraintParser{text: text}
	c := p.parse()
	if len(p.problems) == 0 {
		return c, nil
	}
	slices.SortStableFunc(p.problems, func(a, b *ConstraintError) int { return cmp.Compare(a.Offset, b.Offset) })
	told := &multierror.Error{ErrorFormat: oneLine}
	for _, problem := range p.problems {
		told.Errors = append(told.Errors, problem)
	}
	return Constraint{}, told
}

type constraintParser struct {
	text     string
	json     bool
	problems []*ConstraintError
	written  int // length of the regular expressions so far, with their repetitions written out
}

// part is a field, an operator or a parameter, without escapes, and where in the text it begins.
type part struct {
	text string
	at   int
}

// row is a clause that nobody has looked at yet.
type row struct {
	parts []part
	at    int
}

func (p *constraintParser) fail(at int, format string, args ...any) {
	p.problems = append(p.problems, &ConstraintError{Text: p.text, Offset: at, Problem: fmt.Sprintf(format, args...)})
}

func (p *constraintParser) parse() Constraint {
	if len(p.text) > maxConstraintText {
		p.fail(maxConstraintText, "the text has %d bytes; allowed are %d", len(p.text), maxConstraintText)
		return Constraint{}
	}
	if at := invalidUTF8(p.text); at >= 0 {
		p.fail(at, "the text is not UTF-8")
		return Constraint{}
	}
	rows := p.rows()
	if len(rows) > maxClauses {
		p.fail(rows[maxClauses].at, "too many clauses; allowed are %d", maxClauses)
		return Constraint{}
	}
	var c Constraint
	for _, r := range rows {
		c.Clauses = append(c.Clauses, p.clause(r))
	}
	if len(p.problems) == 0 && len(c.String()) > maxConstraintText {
		p.fail(0, "the text has more than %d bytes when its clauses are written in full", maxConstraintText)
	}
	return c
}

// invalidUTF8 is where the text ceases to be UTF-8, -1 if it is. Hostnames and attributes of Mesos always are.
func invalidUTF8(text string) int {
	for at, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[at:], string(utf8.RuneError)) {
			return at
		}
	}
	return -1
}

func (p *constraintParser) rows() []row {
	switch trimmed := strings.TrimSpace(p.text); {
	case trimmed == "":
		return nil
	case trimmed[0] == '[':
		p.json = true
		r := listReader{text: p.text}
		rows := r.rows()
		if r.problem != "" {
			p.fail(r.at, "%s", r.problem)
		}
		return rows
	}
	return p.textRows()
}

func (p *constraintParser) textRows() []row {
	var rows []row
	var r row
	for at := 0; ; {
		end := at + separator(p.text[at:])
		piece := trimmedPart(p.text, at, end)
		if len(r.parts) == 0 {
			r.at = piece.at
		}
		r.parts = append(r.parts, piece)
		if end == len(p.text) {
			return append(rows, r)
		}
		if p.text[end] == ',' {
			rows, r = append(rows, r), row{}
		}
		at = end + 1
	}
}

// separator is where the next comma or colon is that no backslash protects, or the length of the text. As in the SDK
// (escapedSplit) a backslash belongs with the character behind it, so two of them protect nothing.
func separator(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ',', ':':
			return i
		}
	}
	return len(s)
}

func trimmedPart(text string, from, to int) part {
	left := strings.TrimLeftFunc(text[from:to], unicode.IsSpace)
	return part{unescape(strings.TrimSpace(left)), to - len(left)}
}

// unescape drops the backslashes that protect a comma or a colon and keeps all others, of which regular expressions are full.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if s[i] != ',' && s[i] != ':' {
				b.WriteByte('\\')
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// demand is how many parameters an operator takes, and how it reads one if not as a text.
type demand struct {
	operator    Operator
	least, most int
	read        func(*constraintParser, *Clause, part)
}

// demands is in the order in which errors name the operators.
var demands = []demand{
	{OperatorCluster, 1, 1, nil},
	{OperatorGroupBy, 0, 1, (*constraintParser).count},
	{OperatorIs, 1, 1, nil},
	{OperatorIsNot, 1, 1, nil},
	{OperatorLike, 1, 1, (*constraintParser).pattern},
	{OperatorMaxPer, 1, 1, (*constraintParser).count},
	{OperatorUnique, 0, 0, nil},
	{OperatorUnlike, 1, 1, (*constraintParser).pattern},
}

func demandOf(name string) (demand, bool) {
	name = strings.ToUpper(strings.TrimSpace(name))
	i := slices.IndexFunc(demands, func(d demand) bool { return string(d.operator) == name })
	if i < 0 {
		return demand{}, false
	}
	return demands[i], true
}

func operatorNames() string {
	names := make([]string, len(demands))
	for i, d := range demands {
		names[i] = string(d.operator)
	}
	return strings.Join(names, ", ")
}

// clause reads a row. What it returns is of use only if it had no problem to tell.
func (p *constraintParser) clause(r row) Clause {
	if len(r.parts) < 2 || len(r.parts) > 3 {
		p.arity(r)
		return Clause{}
	}
	c := Clause{Field: p.field(r.parts[0])}
	name, given := r.parts[1], r.parts[2:]
	if !p.json && len(given) == 1 && given[0].text == "" {
		given = nil
	}
	d, known := demandOf(name.text)
	if !known {
		p.fail(name.at, "unknown operator %s; allowed are %s", quote(short(name.text)), operatorNames())
		return c
	}
	c.Operator = d.operator
	switch {
	case len(given) < d.least:
		p.fail(name.at, "operator %s lacks its parameter", d.operator)
	case len(given) > d.most:
		p.fail(given[0].at, "parameter %s, but operator %s takes none", quote(short(given[0].text)), d.operator)
	case len(given) > 0:
		p.parameter(&c, d, given[0])
	}
	return c
}

func (p *constraintParser) parameter(c *Clause, d demand, given part) {
	c.Param = given.text
	if d.read != nil {
		d.read(p, c, given)
	}
}

// arity tells that a row has too few parts, or where there are too many.
func (p *constraintParser) arity(r row) {
	allowed := allowedParts
	if p.json {
		allowed = allowedLists
	}
	switch {
	case len(r.parts) > 3:
		p.fail(r.parts[3].at, "%s is a fourth part of a clause; allowed is %s", quote(short(r.parts[3].text)), allowed)
	case len(r.parts) == 0 || len(r.parts) == 1 && r.parts[0].text == "":
		p.fail(r.at, "an empty clause; allowed is %s", allowed)
	default:
		p.fail(r.at, "clause %s has no operator; allowed is %s", quote(short(r.parts[0].text)), allowed)
	}
}

// field knows the names by which the SDK calls what is no attribute (PlacementUtils.getField).
func (p *constraintParser) field(name part) Field {
	switch name.text {
	case "hostname", "@hostname":
		return Field{Kind: FieldHostname}
	case "@region":
		return Field{Kind: FieldRegion}
	case "@zone":
		return Field{Kind: FieldZone}
	case "":
		p.fail(name.at, "the field has no name; allowed are %s", allowedFields)
	}
	if strings.HasPrefix(name.text, "@") {
		p.fail(name.at, "unknown field %s; allowed are %s", quote(short(name.text)), allowedFields)
	}
	return Field{FieldAttribute, name.text}
}

func (p *constraintParser) count(c *Clause, given part) {
	n, err := strconv.ParseInt(given.text, 10, 32)
	if err != nil || n < 1 {
		p.fail(given.at, "parameter %s of %s is not a whole number from 1 to %d", quote(short(given.text)), c.Operator, maxCount)
		return
	}
	c.N = int(n)
}

func (p *constraintParser) pattern(c *Clause, given part) {
	p.written += writtenOut(given.text)
	if p.written > maxConstraintText {
		p.fail(given.at, "the regular expressions up to %s have more than %d characters with their repetitions written out",
			quote(short(given.text)), maxConstraintText)
		return
	}
	pattern, err := compilePattern(given.text)
	if err != nil {
		p.fail(given.at, "regular expression %s does not compile: %s", quote(short(given.text)), regexpProblem(err))
		return
	}
	c.pattern = pattern
}

// compilePattern compiles a regular expression so that it matches whole values only, as Java's matches does.
func compilePattern(text string) (*regexp.Regexp, error) {
	// First for itself: so a)|(b is refused, and errors quote nothing but what somebody wrote.
	if _, err := regexp.Compile(text); err != nil {
		return nil, err
	}
	pattern, err := regexp.Compile(`\A(?:` + text + `)\z`)
	if err != nil && strings.Contains(text, `\Q`) {
		// A quotation that nothing ends takes the anchor for text.
		return regexp.Compile(`\A(?:` + text + `\E)\z`)
	}
	return pattern, err
}

// notInRE2 finds what people bring along from Java, in the piece that an error of package regexp quotes.
var notInRE2 = []struct {
	piece  *regexp.Regexp
	advice string
}{
	{regexp.MustCompile("`\\(\\?<?[=!]"), "lookaround is not supported (the syntax is RE2)"},
	{regexp.MustCompile("`(\\\\[1-9k]|\\(\\?P`)"), "backreferences are not supported (the syntax is RE2)"},
}

func regexpProblem(err error) string {
	text := short(strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	for _, feature := range notInRE2 {
		if feature.piece.MatchString(text) {
			return text + "; " + feature.advice
		}
	}
	return text
}

var repetition = regexp.MustCompile(`(\)?)\{([0-9]+)(?:,([0-9]*))?\}`)

// writtenOut is a bound of how long a regular expression is with its repetitions written out, which is how package regexp
// compiles them: x{1000} takes a thousand times as long as x. A repetition of a group could hold all that the text has, and
// those of other things add what they repeat. No more than a thousand times is anything repeated, or it does not compile.
func writtenOut(text string) int {
	const most = 1000
	length, times := len(text), 1
	for _, m := range repetition.FindAllStringSubmatch(text, -1) {
		n := max(repetitions(m[2]), repetitions(m[3]))
		if m[1] == "" {
			length += min(n, most)
		} else {
			times = min(times*max(n, 1), most)
		}
	}
	return length * times
}

func repetitions(text string) int {
	n, err := strconv.ParseInt(text, 10, 16)
	if err != nil {
		return 0 // empty, or more than compiles
	}
	return int(n)
}

// quote puts a text into quotes, with as few backslashes as can be: JSON and regular expressions have enough of their own.
func quote(text string) string {
	if strings.ContainsAny(text, `"\`) && strconv.CanBackquote(text) {
		return "`" + text + "`"
	}
	return strconv.Quote(text)
}

// short is the beginning of a text that is too long for a message.
func short(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return text[:startOfRune(text, most)] + "…"
}

// around is a text, or if it is too long for a message, what is near an offset.
func around(text string, offset int) string {
	const most, near = 200, 60
	if len(text) <= most {
		return text
	}
	from, to := startOfRune(text, max(offset-near, 0)), startOfRune(text, min(offset+near, len(text)))
	excerpt := text[from:to]
	if from > 0 {
		excerpt = "…" + excerpt
	}
	if to < len(text) {
		excerpt += "…"
	}
	return excerpt
}

// startOfRune is where the character begins that holds a byte of the text.
func startOfRune(text string, at int) int {
	for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
		at--
	}
	return at
}
