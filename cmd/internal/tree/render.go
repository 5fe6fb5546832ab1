package tree

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// Options say how a plan is drawn. The zero value draws all of it, without ages and colours.
type Options struct {
	// Now is what ages are counted to; zero: no ages are shown.
	Now time.Time
	// Width and Height are what the terminal has, in columns and lines; zero: as much as is needed. Longer lines are cut,
	// and a higher tree is folded.
	Width, Height int
	// Colour adds ANSI colours.
	Colour bool
	// ASCII draws without Unicode glyphs.
	ASCII bool
	// Note is an additional last line, for instance that the connection is lost.
	Note string
	// Hints are lines below the plan, for instance commands to go on with.
	Hints []string
}

// span is a piece of a line in one colour.
type span struct {
	text   string
	colour colour
}

// line is what one line shows.
type line []span

// row is a line of the table below the header.
type row struct {
	branch, name    string
	status          string
	colour          colour
	host, age, text string
}

// shownTexts is how many errors, and how many warnings, of a plan are shown on a terminal of limited height.
const shownTexts = 3

// Render writes the plan to w, in no more than opt.Height lines. The only error is w's.
func Render(w io.Writer, v plans.View, opt Options) error {
	lines := header(v, opt)
	below := footer(v, opt)
	room := 0
	if opt.Height > 0 {
		titles := 2 // a blank line and the names of the columns
		room = max(opt.Height-len(lines)-len(below)-titles, 1)
	}
	if len(v.Phases) > 0 {
		lines = append(lines, table(limit(rows(v, plans.Fold(v, room), opt), room, opt), opt)...)
	}
	lines = append(lines, below...)
	if opt.Height > 0 && len(lines) > opt.Height {
		lines = lines[:opt.Height]
	}
	b := bufio.NewWriter(w)
	for _, l := range lines {
		l.write(b, opt)
	}
	return b.Flush()
}

// header says what the plan is and how far it has come.
func header(v plans.View, opt Options) []line {
	status := statusCell(v.Status, opt.ASCII) + elapsed(v, opt.Now)
	first := line{
		{clean(v.Name), bold}, {"  ", plain}, {status, lookOf(v.Status).colour},
		{"  " + planSteps(v) + timeLeft(v.Estimate, opt.Now) + "  " + runText(v.Run), plain},
	}
	lines := []line{first}
	why := joinTexts(append([]string{firstHold(v.Holds, opt.Now)}, factTexts(v.Facts, v.Holds)...))
	if why != "" {
		lines = append(lines, line{{why, plain}})
	}
	return lines
}

// footer says what is wrong with the plan, and the note.
func footer(v plans.View, opt Options) []line {
	warnings := make([]string, len(v.Warnings))
	for i, w := range v.Warnings {
		warnings[i] = w.Text
	}
	lines := append(list("errors:", red, v.Errors, opt), list("warnings:", yellow, warnings, opt)...)
	if len(opt.Hints) > 0 {
		lines = append(lines, line{})
	}
	for _, h := range opt.Hints {
		lines = append(lines, line{{clean(h), plain}})
	}
	if opt.Note != "" {
		lines = append(lines, line{}, line{{clean(opt.Note), yellow}})
	}
	return lines
}

// list shows texts below a title; on a terminal of limited height only the first of them.
func list(title string, c colour, texts []string, opt Options) []line {
	if len(texts) == 0 {
		return nil
	}
	shown := texts
	if opt.Height > 0 && len(shown) > shownTexts {
		shown = shown[:shownTexts]
	}
	lines := []line{{}, {{title, c}}}
	for _, t := range shown {
		lines = append(lines, line{{"- " + clean(t), plain}})
	}
	if n := len(texts) - len(shown); n > 0 {
		lines = append(lines, line{{fmt.Sprintf("- %s %d more", glyphsOf(opt.ASCII).more, n), plain}})
	}
	return lines
}

// runText says which run it is. Plans that do not work in runs, such as recovery, say nothing.
func runText(r plans.Run) string {
	if r.Number == 0 {
		return ""
	}
	return fmt.Sprintf("run %d", r.Number) + byWhom(r.Actor, r.Reason)
}

// planSteps says how far a plan has come.
func planSteps(v plans.View) string {
	if v.Status == plans.Complete && v.StepsTotal == 0 {
		return "nothing to do" + newcomersText(v.Newcomers)
	}
	return stepsText(v.StepsDone, v.StepsTotal) + newcomersText(v.Newcomers)
}

func stepsText(done, total int) string {
	if total == 1 {
		return fmt.Sprintf("%d of 1 step", done)
	}
	return fmt.Sprintf("%d of %d steps", done, total)
}

// rows are the lines of the tree, folded.
func rows(v plans.View, f plans.Folding, opt Options) []row {
	g := glyphsOf(opt.ASCII)
	var all []row
	for i, p := range v.Phases {
		branch, trunk := g.tee, g.bar
		if i == len(v.Phases)-1 {
			branch, trunk = g.end, g.gap
		}
		all = append(all, phaseRow(p, branch, opt))
		all = appendSteps(all, p, f.Phases[i].Lines(p), trunk, opt)
	}
	return all
}

func phaseRow(p plans.PhaseView, branch string, opt Options) row {
	return row{
		branch: branch, name: clean(p.Name), status: statusCell(p.Status, opt.ASCII), colour: lookOf(p.Status).colour,
		age: Age(opt.Now, p.Since), text: phaseText(&p, opt.Now),
	}
}

// appendSteps appends what is shown of the steps of a phase.
func appendSteps(all []row, p plans.PhaseView, lines []plans.FoldLine, trunk string, opt Options) []row {
	g := glyphsOf(opt.ASCII)
	first := len(all)
	for _, l := range lines {
		r := row{name: fmt.Sprintf("%s %d more %s", g.more, l.Hidden, l.Status), colour: dim}
		if l.Hidden == 0 {
			r = stepRow(&p.Steps[l.Step], opt)
		}
		r.branch = trunk + g.tee
		all = append(all, r)
	}
	if len(all) > first {
		all[len(all)-1].branch = trunk + g.end
	}
	return all
}

func stepRow(s *plans.StepView, opt Options) row {
	return row{
		name: clean(s.Name), status: statusCell(s.Status, opt.ASCII), colour: lookOf(s.Status).colour,
		host: clean(s.Host), age: Age(opt.Now, s.Since), text: stepText(s, opt.Now),
	}
}

// limit cuts off what folding could not fit.
func limit(all []row, room int, opt Options) []row {
	if room <= 0 || len(all) <= room {
		return all
	}
	more := row{name: fmt.Sprintf("%s %d more lines", glyphsOf(opt.ASCII).more, len(all)-room+1), colour: dim}
	return append(all[:room-1:room-1], more)
}

// narrow is the least width of the name column on a terminal that is too narrow for all columns.
const narrow = 16

// table aligns the rows below the names of the columns.
func table(all []row, opt Options) []line {
	titles := row{name: "NAME", status: "STATUS", host: "HOST", age: "AGE", text: "WHY"}
	all = append([]row{titles}, all...)
	var name, status, host, age int
	for i := range all {
		r := &all[i]
		name = max(name, textWidth(r.branch)+nameWidth(r))
		status = max(status, textWidth(r.status))
		host = max(host, textWidth(r.host))
		age = max(age, len(r.age))
	}
	if over := name + status + host + age + 6 - opt.Width; opt.Width > 0 && over > 0 {
		host = 0 // the least of the columns on a narrow terminal
		// What remains for WHY is the mark that it was cut off.
		name = max(min(name, opt.Width-status-age-6-textWidth(glyphsOf(opt.ASCII).more)), narrow)
	}
	lines := []line{{}}
	for i := range all {
		lines = append(lines, all[i].line(name, status, host, age, opt))
	}
	return lines
}

// nameWidth is what a row's name asks of its column. A row without a status is free to reach into the next one.
func nameWidth(r *row) int {
	if r.status == "" {
		return 0
	}
	return textWidth(r.name)
}

// line lays a row out in columns of the given widths; a column of width 0 is left out.
func (r *row) line(name, status, host, age int, opt Options) line {
	if r.status == "" {
		return line{{r.branch, plain}, {r.name, r.colour}}
	}
	left := name - textWidth(r.branch)
	l := line{
		{r.branch + pad(cut(r.name, left, glyphsOf(opt.ASCII).more), left) + "  ", plain},
		{pad(r.status, status), r.colour},
	}
	rest := ""
	if host > 0 {
		rest += "  " + pad(r.host, host)
	}
	rest += "  " + strings.Repeat(" ", age-len(r.age)) + r.age
	return append(l, span{rest + "  " + r.text, plain})
}

// write writes the line, cut to the width, without trailing blanks.
func (l line) write(b *bufio.Writer, opt Options) {
	l = l.trim()
	if opt.Width > 0 {
		l = l.cut(opt.Width, glyphsOf(opt.ASCII).more)
	}
	for _, s := range l {
		if !opt.Colour || s.colour == plain || s.text == "" {
			b.WriteString(s.text)
			continue
		}
		b.WriteString("\x1b[" + string(s.colour) + "m" + s.text + "\x1b[0m")
	}
	b.WriteByte('\n')
}

// trim removes blanks at the end.
func (l line) trim() line {
	for len(l) > 0 {
		last := &l[len(l)-1]
		if last.text = strings.TrimRight(last.text, " "); last.text != "" {
			break
		}
		l = l[:len(l)-1]
	}
	return l
}

// cut shortens the line to width columns; what was cut off is marked.
func (l line) cut(width int, mark string) line {
	total := 0
	for _, s := range l {
		total += textWidth(s.text)
	}
	if total <= width {
		return l
	}
	left := width - textWidth(mark)
	if left <= 0 {
		return line{{prefix(mark, width), plain}}
	}
	var out line
	for _, s := range l {
		n := textWidth(s.text)
		if n >= left {
			return append(out, span{prefix(s.text, left), s.colour}, span{mark, plain})
		}
		out = append(out, s)
		left -= n
	}
	return out
}

// Table writes rows below their titles in aligned columns, cut to the width. Cells may hold any text; missing ones are empty.
// The only error is w's.
func Table(w io.Writer, titles []string, cells [][]string, opt Options) error {
	widths := make([]int, len(titles))
	all := append([][]string{titles}, cells...)
	for _, r := range all {
		for i := range min(len(r), len(widths)) {
			widths[i] = max(widths[i], textWidth(clean(r[i])))
		}
	}
	b := bufio.NewWriter(w)
	for _, r := range all {
		var l line
		for i := range min(len(r), len(widths)) {
			l = append(l, span{pad(clean(r[i]), widths[i]) + "  ", plain})
		}
		l.write(b, opt)
	}
	return b.Flush()
}
