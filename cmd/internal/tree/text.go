package tree

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// OneLine returns text that is safe on a terminal and stays on its line.
func OneLine(s string) string { return clean(s) }

// clean returns text that is safe on a terminal and stays on its line: white space becomes a blank; control, format and
// invalid characters become visible. Texts come from operators, devices and Mesos, so an escape sequence is possible in all.
func clean(s string) string {
	if plainASCII(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t', r == '\u2028', r == '\u2029':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return utf8.RuneError
		}
		return r
	}, s)
}

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// wide holds the ranges that terminals draw two columns wide (Unicode: East Asian Width W and F, in blocks).
var wide = [...]struct{ from, to rune }{
	{0x1100, 0x115f}, {0x2e80, 0xa4cf}, {0xac00, 0xd7a3}, {0xf900, 0xfaff}, {0xfe30, 0xfe6f}, {0xff00, 0xff60},
	{0xffe0, 0xffe6}, {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
}

// runeWidth is how many columns a terminal uses for a rune.
func runeWidth(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	for _, w := range wide {
		if r >= w.from && r <= w.to {
			return 2
		}
	}
	return 1
}

// textWidth is how many columns a terminal uses for a text.
func textWidth(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// prefix returns the longest beginning of s that is at most width columns wide.
func prefix(s string, width int) string {
	n := 0
	for i, r := range s {
		if n += runeWidth(r); n > width {
			return s[:i]
		}
	}
	return s
}

// cut shortens s to width columns; what was cut off is marked.
func cut(s string, width int, mark string) string {
	if textWidth(s) <= width {
		return s
	}
	if width <= textWidth(mark) {
		return prefix(mark, width)
	}
	return prefix(s, width-textWidth(mark)) + mark
}

// pad appends blanks up to width columns.
func pad(s string, width int) string {
	if n := width - textWidth(s); n > 0 {
		return s + strings.Repeat(" ", n)
	}
	return s
}
