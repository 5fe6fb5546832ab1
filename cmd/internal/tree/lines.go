package tree

import (
	"hash/maphash"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// Lines turns successive views of one plan into lines of progress, one per change of the plan, a phase or a step. The zero
// value is ready; the first view yields what is under way or done already.
type Lines struct {
	seed  maphash.Seed
	known map[plans.ElementID]mark
}

// mark stands for a state, of which there are tens of thousands; 0 is that of what is not told.
type mark uint64

func (l *Lines) mark(s state) mark { return mark(maphash.Comparable(l.seed, s) | 1) }

// state is what a change is measured by. Texts are left out of it: a reason whose words count seconds is one reason. So are counts and
// estimates, which move all the time, and what operators said, which shows in the status.
type state struct {
	status  plans.Status
	host    string
	run     int
	code    plans.Code
	subject string
	element string
}

// Next returns the lines for what has changed since the view before, for instance
//
//	12:00:05  registry-1:[server]  STARTED  127.0.1.2  runs, is not ready yet
//
// at is the time of day that is shown; other times are told as the clock shows them, too. What waits for its turn, or is paused
// by a pause that its parent has told of, is not told.
func (l *Lines) Next(v plans.View, at time.Time) []string {
	if l.known == nil {
		l.seed, l.known = maphash.MakeSeed(), make(map[plans.ElementID]mark)
	}
	clock := at.Format(time.TimeOnly)
	var noTime time.Time // a line is read later: times in texts stay as they are
	var lines []string
	tell := func(id plans.ElementID, now state, quiet bool, cells ...string) {
		var mark mark
		if !quiet {
			mark = l.mark(now)
		}
		if l.known[id] == mark {
			return
		}
		l.known[id] = mark
		if quiet {
			return
		}
		lines = append(lines, joinCells(append([]string{clock}, cells...)))
	}
	plan := stateOf(v.Status, v.Holds)
	plan.run = v.Run.Number
	tell(v.ID, plan, false, v.Name, v.Status.String(), planSteps(v), firstHold(v.Holds, noTime))
	for i := range v.Phases {
		p := &v.Phases[i]
		now := stateOf(p.Status, p.Holds)
		told := plan.code == plans.CodePaused && (plan.element == "" || plan.element == p.Name)
		quiet := awaitsTurn(now) || now.code == plans.CodePaused && told
		tell(p.ID, now, quiet, p.Name, p.Status.String(), phaseSteps(p), firstHold(p.Holds, noTime))
		for j := range p.Steps {
			s := &p.Steps[j]
			now := stateOf(s.Status, s.Holds)
			now.host = s.Host
			quiet := awaitsTurn(now) || now.code == plans.CodePaused
			tell(s.ID, now, quiet, s.Name, s.Status.String(), s.Host, stepText(s, noTime))
		}
	}
	return lines
}

func stateOf(s plans.Status, holds []plans.Hold) state {
	st := state{status: s}
	if len(holds) > 0 {
		st.code, st.subject, st.element = holds[0].Code, holds[0].Subject, holds[0].Element
	}
	return st
}

// awaitsTurn says whether an element only waits for others of its plan.
func awaitsTurn(s state) bool {
	if s.status != plans.Pending {
		return false
	}
	return s.code == "" || s.code == plans.CodePredecessor
}

// joinCells separates the cells that are not empty by two blanks.
func joinCells(cells []string) string {
	var b strings.Builder
	for _, c := range cells {
		if c == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("  ")
		}
		b.WriteString(clean(c))
	}
	return b.String()
}
