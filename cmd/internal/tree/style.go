package tree

import "github.com/quobyte/mesos-framework/plans"

// colour is the parameter of an ANSI "select graphic rendition" sequence; empty: the terminal's own.
type colour string

const (
	plain  colour = ""
	bold   colour = "1"
	dim    colour = "2"
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
	cyan   colour = "36"
)

// look is how a status is shown. The word beside the glyph is always the status's name.
type look struct {
	glyph, ascii string
	colour       colour
}

// looks has a look for every status. The glyphs are of text presentation: terminals draw them one column wide.
var looks = [...]look{
	plans.Pending:    {"○", ".", dim},
	plans.Prepared:   {"◌", "o", dim},
	plans.Starting:   {"◔", "/", cyan},
	plans.Started:    {"◑", "+", cyan},
	plans.Complete:   {"✓", "*", green},
	plans.Waiting:    {"‖", "=", yellow},
	plans.Delayed:    {"↻", "~", yellow},
	plans.InProgress: {"▸", ">", cyan},
	plans.Error:      {"✗", "!", red},
}

// lookOf returns the look of a status, also of one that a newer server may know and we do not.
func lookOf(s plans.Status) look {
	if int(s) < len(looks) {
		return looks[s]
	}
	return look{"?", "?", plain}
}

// glyphs are the drawing characters of a tree.
type glyphs struct{ tee, end, bar, gap, more string }

func glyphsOf(ascii bool) glyphs {
	if ascii {
		return glyphs{"|- ", "`- ", "|  ", "   ", "..."}
	}
	return glyphs{"├─ ", "└─ ", "│  ", "   ", "…"}
}

// statusCell is the glyph and the word of a status.
func statusCell(s plans.Status, ascii bool) string {
	l := lookOf(s)
	if ascii {
		return l.ascii + " " + s.String()
	}
	return l.glyph + " " + s.String()
}
