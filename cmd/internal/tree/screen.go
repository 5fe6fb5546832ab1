package tree

import (
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// Screen is where Live shows a plan.
type Screen struct {
	Out io.Writer
	// Size returns the columns and lines that the terminal has at the moment; nil: Out is not a terminal.
	Size func() (width, height int)
	// Colour and ASCII are as in Options.
	Colour, ASCII bool
	// Now is the time that ages are counted to and the time of day of lines; nil: time.Now.
	Now func() time.Time
}

// ScreenOf finds out what out can show. A file that is a terminal can be drawn on, unless the environment says TERM=dumb.
// There are colours on a terminal, unless NO_COLOR is set to anything (no-color.org). Where the locale names an encoding
// other than UTF-8, only ASCII is drawn.
func ScreenOf(out io.Writer, getenv func(string) string) Screen {
	s := Screen{Out: out, ASCII: asciiLocale(getenv)}
	f, ok := out.(*os.File)
	if !ok || getenv("TERM") == "dumb" || !term.IsTerminal(int(f.Fd())) {
		return s
	}
	s.Colour = getenv("NO_COLOR") == ""
	s.Size = func() (int, int) {
		width, height, err := term.GetSize(int(f.Fd()))
		if err != nil || width <= 0 || height <= 0 {
			return 80, 24 // what a terminal that does not tell has had ever since the VT100
		}
		return width, height
	}
	return s
}

// Options returns how to draw a plan once on the screen: cut to its width, but not folded, since one can scroll.
func (s Screen) Options() Options {
	now := s.Now
	if now == nil {
		now = time.Now
	}
	opt := Options{Now: now(), Colour: s.Colour, ASCII: s.ASCII}
	if s.Size != nil {
		opt.Width, _ = s.Size()
	}
	return opt
}

// asciiLocale says whether the locale rules out Unicode. POSIX: the first of these that is set and not empty counts.
func asciiLocale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := getenv(name); v != "" {
			v = strings.ToLower(v)
			return !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8")
		}
	}
	return false
}
