package offers

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// FieldKind says what of a host a clause looks at.
type FieldKind string

// The kinds of fields.
const (
	FieldHostname  FieldKind = "hostname"
	FieldRegion    FieldKind = "@region"
	FieldZone      FieldKind = "@zone"
	FieldAttribute FieldKind = "attribute"
)

// Field is what of a host a clause looks at. Name is that of the attribute, empty for the other kinds.
type Field struct {
	Kind FieldKind
	Name string
}

// String is the field as constraints name it: hostname, @region, @zone, or the name of the attribute.
func (f Field) String() string {
	if f.Kind == FieldAttribute {
		return f.Name
	}
	return string(f.Kind)
}

// Operator is what a clause demands of its field.
type Operator string

// The operators, which are those of Marathon that the DC/OS SDK knows (MarathonConstraintParser).
const (
	OperatorCluster Operator = "CLUSTER"  // the value is the parameter
	OperatorGroupBy Operator = "GROUP_BY" // evenly over the values, of which there are as many as the parameter says
	OperatorIs      Operator = "IS"       // as CLUSTER
	OperatorIsNot   Operator = "IS_NOT"   // not IS
	OperatorLike    Operator = "LIKE"     // the value as a whole matches the parameter, a regular expression
	OperatorMaxPer  Operator = "MAX_PER"  // at most as many on one value as the parameter says
	OperatorUnique  Operator = "UNIQUE"   // MAX_PER 1
	OperatorUnlike  Operator = "UNLIKE"   // not LIKE
)

// Constraint is a list of clauses which must all hold; the zero value allows every host. Constraints are equal if their
// texts (String) are.
type Constraint struct{ Clauses []Clause }

// Clause is one demand of a constraint. Those of ParseConstraint have their regular expression compiled; one that is put
// together by hand compiles it each time that it is asked, and matches nothing with one that does not compile.
type Clause struct {
	Field    Field
	Operator Operator
	// Param is the parameter as written, without escapes. It is empty if there is none, or if JSON gave an empty text.
	Param string
	// N is the number of MAX_PER and GROUP_BY, 0 if GROUP_BY was given none, and for UNIQUE, whose number is always 1.
	N       int
	pattern *regexp.Regexp // of LIKE and UNLIKE, anchored at both ends
}

// Counts says whether the clause is about how many run where (UNIQUE, MAX_PER, GROUP_BY), which Accepts cannot tell.
func (c Clause) Counts() bool {
	return c.Operator == OperatorUnique || c.Operator == OperatorMaxPer || c.Operator == OperatorGroupBy
}

// Accepts says whether the static part of the clause holds for a site. It is the whole clause for operators that do not
// count; for those that do, it is whether the site has what is counted by.
//
// Of several attributes with one name, CLUSTER, IS and LIKE want any that fits, and IS_NOT and UNLIKE want none that does.
// A site that lacks the field passes IS_NOT and UNLIKE. In the SDK an agent passes IS_NOT if any of its attributes differs
// from name and value, so an agent with two attributes always does, and one with none never: that is taken for a fault.
func (c Clause) Accepts(s Site) bool {
	switch c.Operator {
	case OperatorCluster, OperatorIs, OperatorLike:
		return c.fitsAny(s)
	case OperatorIsNot, OperatorUnlike:
		return !c.fitsAny(s)
	}
	_, ok := c.Key(s)
	return ok && c.Counts()
}

// Key is what the operators that count count by: the hostname, region or zone, or the first value of the attribute; false if
// the site has none. GROUP_BY alone takes the name of the attribute in any case (SDK, RoundRobinByAttributeRule).
func (c Clause) Key(s Site) (string, bool) {
	switch c.Field.Kind {
	case FieldHostname:
		return s.Hostname, s.Hostname != ""
	case FieldRegion:
		return s.Region, s.Region != ""
	case FieldZone:
		return s.Zone, s.Zone != ""
	}
	for _, a := range s.Attributes {
		if c.names(a) {
			return a.Value, true
		}
	}
	return "", false
}

func (c Clause) names(a Attribute) bool {
	return a.Name == c.Field.Name || c.Operator == OperatorGroupBy && strings.EqualFold(a.Name, c.Field.Name)
}

// fitsAny says whether a value that the site has for the field is, or matches, the parameter.
func (c Clause) fitsAny(s Site) bool {
	if c.Field.Kind != FieldAttribute {
		value, ok := c.Key(s)
		return ok && c.fits(value)
	}
	for _, a := range s.Attributes {
		if c.names(a) && c.fits(a.Value) {
			return true
		}
	}
	return false
}

func (c Clause) fits(value string) bool {
	if c.Operator == OperatorLike || c.Operator == OperatorUnlike {
		return c.matches(value)
	}
	return value == c.Param || c.Field.Kind == FieldAttribute && sameNumber(value, c.Param)
}

func (c Clause) matches(value string) bool {
	if c.pattern != nil {
		return c.pattern.MatchString(value)
	}
	pattern, err := compilePattern(c.Param)
	return err == nil && pattern.MatchString(value)
}

// sameNumber says whether both are decimal numbers that are the same in three decimals: scalars of Mesos have no more, and
// who writes 2 means the scalar 2.000.
func sameNumber(a, b string) bool {
	m, ok := thousandths(a)
	if !ok {
		return false
	}
	n, ok := thousandths(b)
	return ok && m == n
}

// maxDigits is how many digits before the point a text may have to be taken for a number: no more fit with three decimals.
const maxDigits = 15

// thousandths reads a decimal number, rounded half away from zero as Mesos does. It does not allocate, since it is called for
// every attribute of every agent.
func thousandths(s string) (int64, bool) {
	positive, negative := strings.CutPrefix(s, "-")
	whole, decimals, dotted := strings.Cut(positive, ".")
	if !digits(whole) || len(whole) > maxDigits || dotted && !digits(decimals) {
		return 0, false
	}
	n := int64(0)
	for i := range len(whole) {
		n = n*10 + int64(whole[i]-'0')
	}
	for i := range 3 {
		n *= 10
		if i < len(decimals) {
			n += int64(decimals[i] - '0')
		}
	}
	if len(decimals) > 3 && decimals[3] >= '5' {
		n++
	}
	if negative {
		n = -n
	}
	return n, true
}

// String is the clause for people: hostname LIKE h[1-3], rack UNIQUE, @zone MAX_PER 2.
func (c Clause) String() string {
	parts := c.parts()
	for i, part := range parts {
		if part == "" || strings.TrimSpace(part) != part || strings.ContainsFunc(part, unprintable) {
			parts[i] = strconv.Quote(part)
		}
	}
	return strings.Join(parts, " ")
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// parts are field, operator and, where there is one, parameter.
func (c Clause) parts() []string {
	parts := []string{c.Field.String(), string(c.Operator)}
	switch {
	case c.Counts() && (c.Operator == OperatorUnique || c.N == 0):
		return parts
	case c.Counts():
		return append(parts, strconv.Itoa(c.N))
	}
	return append(parts, c.Param)
}

// String is the canonical text: ParseConstraint reads an equal constraint from it. It has the form f:OP:p,f:OP:p, or that of
// JSON if a part is such as the other form cannot express.
func (c Constraint) String() string {
	rows := make([][]string, len(c.Clauses))
	for i, clause := range c.Clauses {
		rows[i] = clause.parts()
	}
	if text, ok := plainText(rows); ok {
		return text
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // it is for terminals, not for browsers
	_ = e.Encode(rows)     // lists of texts, into memory: nothing can fail
	return strings.TrimSuffix(b.String(), "\n")
}

func plainText(rows [][]string) (string, bool) {
	var b strings.Builder
	for i, parts := range rows {
		for j, part := range parts {
			escaped, ok := escape(part)
			if !ok {
				return "", false
			}
			b.WriteString(separatorBefore(i, j))
			b.WriteString(escaped)
		}
	}
	text := b.String()
	return text, !strings.HasPrefix(text, "[") // which is read as JSON
}

func separatorBefore(clause, part int) string {
	switch {
	case part > 0:
		return ":"
	case clause > 0:
		return ","
	}
	return ""
}

// escape puts a backslash before commas and colons. It cannot do so with a text that is empty or has space around it, nor
// where the text has a backslash that would pair with it (see separator).
func escape(part string) (string, bool) {
	if part == "" || strings.TrimSpace(part) != part {
		return "", false
	}
	var b strings.Builder
	for i := 0; i < len(part); i++ {
		switch part[i] {
		case ',', ':':
			b.WriteByte('\\')
		case '\\':
			if i+1 == len(part) || part[i+1] == ',' || part[i+1] == ':' {
				return "", false
			}
			b.WriteByte('\\')
			i++
		}
		b.WriteByte(part[i])
	}
	return b.String(), true
}
