package plans

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/go-multierror"
)

// Validate tells everything that is wrong with a ledger and with plans over its pods, all problems at once, as a *multierror.Error; nil if
// nothing is.
func Validate(ledger Ledger, definitions ...Definition) error {
	v := validator{pods: make(map[string]bool, len(ledger.Pods))}
	for i := range ledger.Pods {
		v.pods[ledger.Pods[i].Name] = true
	}
	v.within("ledger: ", func() { v.ledger(&ledger) })
	v.places("plan name", len(definitions), func(i int) string { return definitions[i].Name })
	for i := range definitions {
		v.plan(&definitions[i])
	}
	return v.problems.ErrorOrNil()
}

// Validate tells everything that is wrong with the structure of one definition, as the function Validate does. It knows no pods.
func (d Definition) Validate() error {
	var v validator
	v.plan(&d)
	return v.problems.ErrorOrNil()
}

// The strategies that may be written, aliases included.
var (
	planStrategies  = []Strategy{Serial, Parallel}
	phaseStrategies = []Strategy{Serial, Parallel, SerialCanary, ParallelCanary, Canary}
)

// validator collects problems; prefix leads to the element that it looks at.
type validator struct {
	prefix   string
	problems *multierror.Error
	// pods are the pods that there are; nil: not known.
	pods map[string]bool
}

func (v *validator) problem(format string, args ...any) {
	v.problems = multierror.Append(v.problems, errors.New(v.prefix+fmt.Sprintf(format, args...)))
}

// within looks at something inside the current element.
func (v *validator) within(prefix string, look func()) {
	outer := v.prefix
	v.prefix = outer + prefix
	look()
	v.prefix = outer
}

// element looks at a named element inside the current one.
func (v *validator) element(kind, name string, look func()) {
	v.within(kind+" "+strconv.Quote(name)+": ", look)
}

func (v *validator) plan(d *Definition) {
	v.element("plan", d.Name, func() {
		v.name("service", d.Service)
		v.name("plan", d.Name)
		validateWord(v, "strategy", d.Strategy, planStrategies)
		v.policy(&d.Policy)
		v.parameters(d.Parameters)
		v.phases(d)
	})
}

func (v *validator) phases(d *Definition) {
	name := func(i int) string { return d.Phases[i].Name }
	places := v.places("phase name", len(d.Phases), name)
	waits := make(waitGraph, len(d.Phases))
	for i := range d.Phases {
		v.element("phase", name(i), func() {
			v.phase(&d.Phases[i])
			waits[i] = v.after("phase", d.Phases[i].After, places, func() string { return "the plan has " + quotedNames(len(d.Phases), name) })
		})
	}
	if d.Strategy != Parallel {
		waits = waits.inOrder(func(i int) bool { return d.Phases[i].After == nil })
	}
	v.cycles("phases", waits, len(d.Phases), name)
}

func (v *validator) phase(p *Phase) {
	v.name("phase", p.Name)
	validateWord(v, "strategy", p.Strategy, phaseStrategies)
	if len(p.Steps) == 0 && !p.Open && !p.Optional {
		v.problem("steps are missing; a phase without steps must be open or optional")
	}
	validateNotNegative(v, "canaries", p.Canaries)
	if p.Canaries > 0 && (p.Strategy == Serial || p.Strategy == Parallel) {
		v.problem("canaries is %d; a %s phase has none", p.Canaries, p.Strategy)
	}
	validateNotNegative(v, "batch: max", p.Batch.Max)
	validateNotNegative(v, "settle", p.Settle)
	v.policy(&p.Policy)
	if p.Policy.Deadline > 0 {
		v.problem("policy: deadline is %v; only a plan has one", p.Policy.Deadline)
	}
	v.steps(p)
}

func (v *validator) steps(p *Phase) {
	name := func(i int) string { return p.Steps[i].Name }
	places := v.places("step name", len(p.Steps), name)
	waits := make(waitGraph, len(p.Steps))
	for i := range p.Steps {
		s := &p.Steps[i]
		v.element("step", s.Name, func() {
			v.step(s)
			waits[i] = v.after("step", s.After, places, func() string { return "the phase has " + quotedNames(len(p.Steps), name) })
			if slices.Contains(waits[i], i) {
				v.problem("after: step %q is the step itself", s.Name)
				waits[i] = slices.DeleteFunc(waits[i], func(to int) bool { return to == i })
			}
		})
	}
	v.cycles("steps", waits, len(p.Steps), name)
}

func (v *validator) step(s *Step) {
	v.name("step", s.Name)
	validateWord(v, "kind", s.Kind, Kinds)
	switch {
	case s.Pod == "" && (s.Kind == Launch || s.Kind == Stop):
		v.problem("pod is empty; a %s step needs one", s.Kind)
	case s.Pod != "" && s.Kind == Wait:
		v.problem("pod is %q; a wait step has none", s.Pod)
	case s.Pod != "" && v.pods != nil && !v.pods[s.Pod]:
		v.problem("pod %q is unknown", s.Pod)
	}
	v.settings(s.Settings)
}

// settings are not sorted here but by whoever renders them, once for all steps that share them.
func (v *validator) settings(settings []Setting) {
	for i := range settings {
		switch name := settings[i].Name; {
		case name == "":
			v.problem("settings: a name is empty")
		case i > 0 && name == settings[i-1].Name:
			v.problem("settings: %q is there twice", name)
		case i > 0 && name < settings[i-1].Name:
			v.problem("settings: %q comes after %q; they must be sorted by name", name, settings[i-1].Name)
		}
	}
}

func (v *validator) policy(p *Policy) {
	v.within("policy: ", func() {
		validateNotNegative(v, "attempts", p.Attempts)
		validateNotNegative(v, "tolerate", p.Tolerate)
		validateNotNegative(v, "step deadline", p.StepDeadline)
		validateNotNegative(v, "deadline", p.Deadline)
		validateNotNegative(v, "gate patience", p.GatePatience)
		validateNotNegative(v, "backoff initial", p.Backoff.Initial)
		validateNotNegative(v, "backoff max", p.Backoff.Max)
		// Written so that NaN, which is in no order with anything, is refused as well.
		if f := p.Backoff.Factor; f != 0 && !(f >= 1 && f <= math.MaxFloat64) {
			v.problem("backoff factor is %v; use 0, or 1 or more", f)
		}
		if j := p.Backoff.Jitter; !(j >= 0 && j <= 1) {
			v.problem("backoff jitter is %v; use 0 to 1", j)
		}
	})
}

func (v *validator) parameters(parameters []Parameter) {
	v.places("parameter name", len(parameters), func(i int) string { return parameters[i].Name })
	for i := range parameters {
		v.element("parameter", parameters[i].Name, func() { v.parameter(&parameters[i]) })
	}
}

func (v *validator) parameter(p *Parameter) {
	if !variableName(p.Name) {
		v.problem("name is %q; use letters, digits and _, not beginning with a digit", p.Name)
	}
	validateWord(v, "type", p.Type, parameterTypes)
	if !slices.Contains(parameterTypes, p.Type) {
		return // of no type, nothing is right
	}
	for _, choice := range p.Choices {
		if _, ok := p.Type.canonicalValue(choice); !ok {
			v.problem("choice is %q; use %s", choice, p.Type.values())
		}
	}
	_, fits := p.canonicalValue(p.Default)
	switch {
	case p.Required && p.Default != "":
		v.problem("default is %q; a required parameter has none", p.Default)
	case !p.Required && !fits:
		v.problem("default is %q; use %s", p.Default, p.values())
	}
}

// variableName says whether an environment variable may have the name.
func variableName(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

func (v *validator) ledger(l *Ledger) {
	v.places("budget: pod type", len(l.Budgets), func(i int) string { return l.Budgets[i].PodType })
	for i := range l.Budgets {
		v.element("budget", l.Budgets[i].PodType, func() { v.budget(&l.Budgets[i]) })
	}
	v.places("pod name", len(l.Pods), func(i int) string { return l.Pods[i].Name })
	for i := range l.Pods {
		v.element("pod", l.Pods[i].Name, func() {
			v.name("pod", l.Pods[i].Name)
			if l.Pods[i].Type == "" {
				v.problem("type is empty")
			}
			if i > 0 && l.Pods[i].Name < l.Pods[i-1].Name {
				v.problem("comes after %q; pods must be sorted by name", l.Pods[i-1].Name)
			}
		})
	}
}

func (v *validator) budget(b *Budget) {
	if b.PodType == "" {
		v.problem("pod type is empty")
	}
	v.amount("max unavailable", b.MaxUnavailable)
	if b.PerDomain != nil {
		v.amount("per domain", *b.PerDomain)
	}
}

func (v *validator) amount(field string, a Amount) {
	if allowed := a.instead(); allowed != "" {
		v.problem("%s is %v; use %s", field, a, allowed)
	}
}

// name refuses what would make an element id ambiguous, and what could not be recorded.
func (v *validator) name(element, name string) {
	switch {
	case name == "":
		v.problem("%s name is empty", element)
	case strings.ContainsRune(name, 0):
		v.problem("%s name contains a NUL character", element)
	case !utf8.ValidString(name):
		v.problem("%s name is not valid UTF-8", element)
	}
}

// places returns the first place of each name, and reports each name that occurs again, once; empty ones are told elsewhere.
func (v *validator) places(field string, n int, name func(int) string) map[string]int {
	places := make(map[string]int, n)
	var told map[string]bool
	for i := range n {
		if _, again := places[name(i)]; !again {
			places[name(i)] = i
			continue
		}
		if name(i) == "" || told[name(i)] {
			continue
		}
		if told == nil {
			told = map[string]bool{}
		}
		told[name(i)] = true
		v.problem("%s %q is not unique", field, name(i))
	}
	return places
}

// after returns the places of those that an element waits for, and reports names that are unknown or come twice. known says, in words,
// which there are.
func (v *validator) after(kind string, names []string, places map[string]int, known func() string) []int {
	if len(names) == 0 {
		return nil
	}
	waits := make([]int, 0, len(names))
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		place, ok := places[name]
		switch {
		case seen[name]:
			v.problem("after: %s %q is named twice", kind, name)
		case !ok:
			v.problem("after: %s %q is unknown; %s", kind, name, known())
		default:
			waits = append(waits, place)
		}
		seen[name] = true
	}
	return waits
}

// cycles reports elements that wait for themselves: of each group that waits for one another, one way around.
func (v *validator) cycles(kind string, waits waitGraph, n int, name func(int) string) {
	for _, cycle := range waits.cycles(n) {
		names := make([]string, 0, namesTold+1)
		for _, i := range cycle[:min(len(cycle), namesTold)] {
			names = append(names, strconv.Quote(name(i)))
		}
		if len(cycle) > namesTold {
			names = append(names, fmt.Sprintf("%d more", len(cycle)-namesTold))
		}
		names = append(names, strconv.Quote(name(cycle[0])))
		v.problem("%s wait for each other: %s", kind, strings.Join(names, " waits for "))
	}
}

// validateWord refuses words that are not among the known ones.
func validateWord[T ~string](v *validator, field string, word T, known []T) {
	if !slices.Contains(known, word) {
		v.problem("%s %q is unknown; use %s", field, word, alternatives(known))
	}
}

func validateNotNegative[T int | time.Duration](v *validator, field string, value T) {
	if value < 0 {
		v.problem("%s is %v; use 0 or more", field, value)
	}
}

// namesTold is how many names a message lists at the most.
const namesTold = 10

// quotedNames lists names in words.
func quotedNames(n int, name func(int) string) string {
	if n == 0 {
		return "none"
	}
	quoted := make([]string, 0, namesTold+1)
	for i := range min(n, namesTold) {
		quoted = append(quoted, strconv.Quote(name(i)))
	}
	if n > namesTold {
		quoted = append(quoted, fmt.Sprintf("and %d more", n-namesTold))
	}
	return strings.Join(quoted, ", ")
}

// alternatives lists words of which one is to be used.
func alternatives[T ~string](words []T) string {
	var b strings.Builder
	for i, word := range words {
		switch {
		case i > 0 && i == len(words)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(word))
	}
	return b.String()
}
