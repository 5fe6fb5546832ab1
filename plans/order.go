package plans

import (
	"fmt"
	"strconv"
	"strings"
)

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

// maxNamed bounds how many elements a text lists.
const maxNamed = 3

// nameList is `phase "a"`, `phases "a", "b"`, or with many names `phases "a", "b", "c" and 4 more`.
func nameList(element string, names []string) string {
	if len(names) == 1 {
		return element + " " + strconv.Quote(names[0])
	}
	quoted := make([]string, 0, maxNamed)
	for _, name := range names[:min(len(names), maxNamed)] {
		quoted = append(quoted, strconv.Quote(name))
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
