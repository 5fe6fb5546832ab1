package offers

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// listReader reads a list of texts, or a list of such lists, from JSON. It does so itself because package encoding/json does
// not say where a value stood; strings and numbers are left to it. After the first problem nothing more is read.
type listReader struct {
	text    string
	at      int
	problem string // what is wrong at at
}

// rows are the clauses up to the first problem, as far as they are complete.
func (r *listReader) rows() []row {
	var rows []row
	r.next()
	flat := row{at: r.at}
	r.list(func() {
		switch nested := r.next() == '['; {
		case nested && len(flat.parts) == 0:
			rows = r.row(rows)
		case len(rows) > 0:
			r.fail("%s where a list in brackets is expected", r.word())
		default:
			r.scalar(&flat)
		}
	})
	if r.problem != "" {
		return rows
	}
	if r.next(); r.at < len(r.text) {
		r.fail("%s behind the closing bracket", r.word())
	}
	if len(flat.parts) > 0 {
		return []row{flat}
	}
	return rows
}

func (r *listReader) row(rows []row) []row {
	nested := row{at: r.at}
	r.list(func() { r.scalar(&nested) })
	if r.problem != "" {
		return rows
	}
	return append(rows, nested)
}

// list reads what is between brackets and calls item where each item begins.
func (r *listReader) list(item func()) {
	r.at++
	if r.next() == ']' {
		r.at++
		return
	}
	for {
		item()
		if r.problem != "" {
			return
		}
		switch r.next() {
		case ']':
			r.at++
			return
		case ',':
			r.at++
			r.next()
		default:
			r.fail("%s where a comma or a closing bracket is expected", r.word())
			return
		}
	}
}

// scalar reads a string or a number, which stands for its digits.
func (r *listReader) scalar(to *row) {
	first := r.next()
	rest := r.text[r.at:]
	length := scalarLength(rest)
	switch {
	case length == 0 && first == '"':
		r.fail("no closing quote behind %s", quote(short(rest)))
		return
	case length == 0:
		r.fail("%s where a text in quotes is expected", r.word())
		return
	}
	value := rest[:length]
	if err := json.Unmarshal([]byte(value), as(first, &value)); err != nil {
		r.fail("%s: %v", quote(short(rest[:length])), err)
		return
	}
	to.parts = append(to.parts, part{value, r.at})
	r.at += length
}

// as is what a literal is read into: a string into its value; a number is only checked.
func as(first byte, value *string) any {
	if first == '"' {
		return value
	}
	return new(json.Number)
}

// scalarLength is how long the string, quotes included, or the number is with which JSON begins; 0 if with neither.
func scalarLength(s string) int {
	switch {
	case strings.HasPrefix(s, `"`):
		return stringLength(s)
	case strings.IndexAny(s, "-0123456789") == 0:
		return len(s) - len(strings.TrimLeft(s, "+-.0123456789Ee"))
	}
	return 0
}

// stringLength is 0 if nothing ends the string.
func stringLength(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}

// next goes to the next character that is no space and returns its first byte, 0 at the end of the text.
func (r *listReader) next() byte {
	r.at = len(r.text) - len(strings.TrimLeftFunc(r.text[r.at:], unicode.IsSpace))
	if r.at == len(r.text) {
		return 0
	}
	return r.text[r.at]
}

// word is what stands at the position, for a problem: a string, or up to the next mark, but at least one character.
func (r *listReader) word() string {
	rest := r.text[r.at:]
	if rest == "" {
		return "the text ends"
	}
	_, length := utf8.DecodeRuneInString(rest)
	if i := strings.IndexAny(rest[length:], ",[]\" \t\r\n"); i >= 0 {
		length += i
	} else {
		length = len(rest)
	}
	if rest[0] == '"' {
		length = max(length, stringLength(rest))
	}
	return "unexpected " + quote(short(rest[:length]))
}

func (r *listReader) fail(format string, args ...any) { r.problem = fmt.Sprintf(format, args...) }
