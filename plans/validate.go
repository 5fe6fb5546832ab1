package plans

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/go-multierror"
)

// Validate tells everything that is wrong with a definition, all problems at once, as a *multierror.Error; nil if nothing is.
func (d Definition) Validate() error {
	v := validator{prefix: fmt.Sprintf("plan %q: ", d.Name)}
	if d.Service == "" {
		v.problem("service name is empty")
	}
	v.name("plan", d.Name)
	v.strategy(d.Strategy)
	v.duplicates("phase", len(d.Phases), func(i int) string { return d.Phases[i].Name })
	for i := range d.Phases {
		v.phase(&d, &d.Phases[i])
	}
	v.cycles(&d)
	return v.problems.ErrorOrNil()
}

// validator collects problems; prefix leads to the element that it looks at.
type validator struct {
	prefix   string
	problems *multierror.Error
}

func (v *validator) problem(format string, args ...any) {
	v.problems = multierror.Append(v.problems, errors.New(v.prefix+fmt.Sprintf(format, args...)))
}

// within looks at an element inside the current one.
func (v *validator) within(kind, name string, look func()) {
	outer := v.prefix
	v.prefix = fmt.Sprintf("%s%s %q: ", outer, kind, name)
	look()
	v.prefix = outer
}

func (v *validator) phase(d *Definition, p *Phase) {
	v.within("phase", p.Name, func() {
		v.name("phase", p.Name)
		v.strategy(p.Strategy)
		v.after(d, p)
		v.duplicates("step", len(p.Steps), func(i int) string { return p.Steps[i].Name })
		for i := range p.Steps {
			v.step(&p.Steps[i])
		}
	})
}

func (v *validator) step(s *Step) {
	v.within("step", s.Name, func() {
		v.name("step", s.Name)
		switch {
		case s.Kind == Launch && s.Pod == "":
			v.problem("pod is empty; a launch step needs one")
		case s.Kind == Wait && s.Pod != "":
			v.problem("pod is %q; a wait step has none", s.Pod)
		case s.Kind != Launch && s.Kind != Wait:
			v.problem("kind %q is unknown; use %s or %s", s.Kind, Launch, Wait)
		}
	})
}

// name refuses what would make an element id ambiguous.
func (v *validator) name(element, name string) {
	if name == "" {
		v.problem("%s name is empty", element)
	}
	if strings.ContainsRune(name, 0) {
		v.problem("%s name contains a NUL character", element)
	}
}

func (v *validator) strategy(s Strategy) {
	if s != Serial && s != Parallel {
		v.problem("strategy %q is unknown; use %s or %s", s, Serial, Parallel)
	}
}

// duplicates reports each name that occurs again, once; empty ones are told elsewhere.
func (v *validator) duplicates(element string, n int, name func(int) string) {
	count := make(map[string]int, n)
	for i := range n {
		count[name(i)]++
		if name(i) != "" && count[name(i)] == 2 {
			v.problem("%s name %q is not unique", element, name(i))
		}
	}
}

func (v *validator) after(d *Definition, p *Phase) {
	for i, name := range p.After {
		switch {
		case slices.Contains(p.After[:i], name):
			v.problem("after: phase %q is named twice", name)
		case d.phaseIndex(name) < 0:
			v.problem("after: phase %q is unknown; the plan has %s", name, d.phaseNames())
		}
	}
}

// phaseNames lists the plan's phases in words.
func (d *Definition) phaseNames() string {
	quoted := make([]string, len(d.Phases))
	for i := range d.Phases {
		quoted[i] = fmt.Sprintf("%q", d.Phases[i].Name)
	}
	return strings.Join(quoted, ", ")
}

// cycles reports phases that wait for themselves. The order that the plan's strategy gives to phases without After counts: in a
// serial plan a phase must not come After a later one that has no After of its own.
func (v *validator) cycles(d *Definition) {
	remaining := d.neverComplete()
	for len(remaining) > 0 {
		cycle := d.cycleFrom(remaining)
		if cycle == nil {
			return
		}
		names := make([]string, 0, len(cycle)+1)
		for _, i := range append(cycle, cycle[0]) {
			names = append(names, fmt.Sprintf("%q", d.Phases[i].Name))
		}
		v.problem("phases wait for each other: %s", strings.Join(names, " waits for "))
		remaining = slices.DeleteFunc(remaining, func(i int) bool { return slices.Contains(cycle, i) })
	}
}

// neverComplete returns the places of the phases that would still wait if each phase became COMPLETE as soon as it may begin.
// Unknown names are taken as COMPLETE here: they are another problem.
func (d *Definition) neverComplete() []int {
	remaining := make([]int, len(d.Phases))
	for i := range remaining {
		remaining[i] = i
	}
	for {
		left := slices.DeleteFunc(slices.Clone(remaining), func(i int) bool {
			return d.waitsWithin(i, remaining) < 0
		})
		if len(left) == len(remaining) {
			return left
		}
		remaining = left
	}
}

// cycleFrom follows predecessors among the remaining phases until one comes again, and returns the places on the way from there
// to itself; nil if there is none.
func (d *Definition) cycleFrom(remaining []int) []int {
	for _, start := range remaining {
		var way []int
		for at := start; at >= 0; at = d.waitsWithin(at, remaining) {
			if k := slices.Index(way, at); k >= 0 {
				return way[k:]
			}
			way = append(way, at)
		}
	}
	return nil
}

// waitsWithin returns the place of the first phase among the given ones for which phase i waits, -1 if there is none.
func (d *Definition) waitsWithin(i int, among []int) int {
	for _, j := range among {
		switch {
		case d.Phases[i].After != nil:
			if slices.Contains(d.Phases[i].After, d.Phases[j].Name) {
				return j
			}
		case d.Strategy != Parallel && j < i:
			return j
		}
	}
	return -1
}
