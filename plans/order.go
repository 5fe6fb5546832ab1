package plans

import (
	"fmt"
	"slices"
	"strings"
)

// phaseIndex returns the place of the named phase, -1 if there is none.
func (d *Definition) phaseIndex(name string) int {
	return slices.IndexFunc(d.Phases, func(p Phase) bool { return p.Name == name })
}

// stepIndex returns the place of the named step, -1 if there is none.
func (p *Phase) stepIndex(name string) int {
	return slices.IndexFunc(p.Steps, func(s Step) bool { return s.Name == name })
}

// launches counts the phase's launch steps: its members.
func (p *Phase) launches() int {
	n := 0
	for i := range p.Steps {
		if p.Steps[i].Kind == Launch {
			n++
		}
	}
	return n
}

// pendingPredecessors names the phases for which phase i waits; none if it may begin. Of a serial plan it names the first only:
// the others wait for that one themselves.
func (d *Definition) pendingPredecessors(i int, done func(phase int) bool) []string {
	if d.Phases[i].After != nil {
		return d.pendingAfter(i, done)
	}
	if d.Strategy == Parallel {
		return nil
	}
	for j := range i {
		if !done(j) {
			return []string{d.Phases[j].Name}
		}
	}
	return nil
}

// pendingAfter names those predecessors of After that are not done. A name that the plan does not have never is.
func (d *Definition) pendingAfter(i int, done func(phase int) bool) []string {
	var names []string
	for _, name := range d.Phases[i].After {
		if j := d.phaseIndex(name); j < 0 || !done(j) {
			names = append(names, name)
		}
	}
	return names
}

// maxNamed bounds how many elements a text lists.
const maxNamed = 3

// nameList is `phase "a"`, `phases "a", "b"`, or with many names `phases "a", "b", "c" and 4 more`.
func nameList(element string, names []string) string {
	if len(names) == 1 {
		return fmt.Sprintf("%s %q", element, names[0])
	}
	quoted := make([]string, 0, maxNamed)
	for _, name := range names[:min(len(names), maxNamed)] {
		quoted = append(quoted, fmt.Sprintf("%q", name))
	}
	list := element + "s " + strings.Join(quoted, ", ")
	if more := len(names) - maxNamed; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

// order is where a step stands in its phase, its place left aside: what is observed comes before what is defined.
type order struct{ observed, defined int }

func (a order) before(b order) bool {
	return a.observed < b.observed || (a.observed == b.observed && a.defined < b.defined)
}
