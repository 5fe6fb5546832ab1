package plans

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Change is what has become of an element from one definition to another.
type Change struct {
	Kind ChangeKind `json:"kind"`
	// Phase and Step name the element: empty Step, the phase; empty Phase, the plan. What was removed is named as it was before, all else
	// as it is after.
	Phase string `json:"phase,omitempty"`
	Step  string `json:"step,omitempty"`
	// Why says what is different; nil for what was added or removed.
	Why []FieldChange `json:"why,omitempty"`
}

// ChangeKind is what has become of an element.
type ChangeKind string

// The kinds of changes.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
	// Moved is a step that was in another phase. Why names that first.
	Moved ChangeKind = "moved"
)

// FieldChange says how a field of an element is different. Before and After are for people: what is empty, or could be misread, is quoted
// as Go does, and words in parentheses are not values.
type FieldChange struct {
	// Field is the field, in words: "pod", "setting mem", "policy attempts". The field "order" is that of a phase's steps, or a plan's
	// phases.
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
	// Secret says that the value is not shown.
	Secret bool `json:"secret,omitempty"`
}

// What stands in the place of values.
const (
	noValue        = "(none)"
	secretValue    = "(secret)"
	notSecretValue = "(not secret)"
	byStrategy     = "(by strategy)"
)

// Diff tells what is different in a definition from one before, in the order of the definition after; what was removed follows what it
// followed before. Phases and steps are the same if they have the same name. If Diff returns nothing, the definitions are the same, save
// that parameters may be in another order, that lists may be nil or empty (Phase.After excepted), and that Canary is another name for
// SerialCanary.
func Diff(before, after Definition) []Change {
	d := differ{before: before.Phases, after: after.Phases}
	d.pair()
	d.add(Change{Kind: Changed, Why: d.plan(&before, &after)})
	d.removedPhases(0)
	for i := range d.after {
		d.phase(i)
		if from := d.phases.from[i]; from >= 0 {
			d.removedPhases(from + 1)
		}
	}
	return d.changes
}

// String returns the change as a line for people.
func (c Change) String() string {
	line := changeSigns[c.Kind] + c.element()
	if len(c.Why) == 0 {
		return line
	}
	why := make([]string, len(c.Why))
	for i := range c.Why {
		why[i] = c.Why[i].String()
	}
	return line + ": " + strings.Join(why, ", ")
}

// changeSigns begin the lines of changes.
var changeSigns = map[ChangeKind]string{Added: "+ ", Removed: "- ", Changed: "~ ", Moved: "> "}

func (c *Change) element() string {
	switch {
	case c.Step != "":
		return readable(c.Phase) + "/" + readable(c.Step)
	case c.Phase != "":
		return readable(c.Phase)
	}
	return "the plan"
}

// String returns the difference in words.
func (f FieldChange) String() string { return f.Field + " " + f.Before + " -> " + f.After }

// differ compares two definitions.
type differ struct {
	before, after []Phase
	phases        pairing
	// steps of each phase after that was there before; those of others are zero.
	steps []pairing
	// movedFrom are the places before of steps that are in another phase after, by their places after; gone are their places before.
	movedFrom map[diffPlace]diffPlace
	gone      map[diffPlace]bool
	changes   []Change
}

// diffPlace is the place of a step in a definition.
type diffPlace struct{ phase, step int }

// pairing says which items of two lists are the same.
type pairing struct {
	// to has, for each item before, its place after, and from the other way around; -1 if there is none.
	to, from []int
}

// pairNames pairs items by name: the first of a name with the first of that name, the second with the second, and so on.
func pairNames(before, after int, nameBefore, nameAfter func(int) string) pairing {
	p := pairing{to: unpaired(before), from: unpaired(after)}
	same := 0 // as long as nothing changed, the names need not be looked up
	for ; same < min(before, after) && nameBefore(same) == nameAfter(same); same++ {
		p.to[same], p.from[same] = same, same
	}
	if same == after {
		return p
	}
	first := make(map[string]int, before-same) // the first of a name that is not paired, plus one
	next := make([]int, before)                // the one after it
	for i := before - 1; i >= same; i-- {
		next[i] = first[nameBefore(i)]
		first[nameBefore(i)] = i + 1
	}
	for i := same; i < after; i++ {
		if at := first[nameAfter(i)] - 1; at >= 0 {
			p.to[at], p.from[i] = i, at
			first[nameAfter(i)] = next[at]
		}
	}
	return p
}

func unpaired(n int) []int {
	places := make([]int, n)
	for i := range places {
		places[i] = -1
	}
	return places
}

// pair finds what of the two definitions is the same.
func (d *differ) pair() {
	d.phases = pairNames(len(d.before), len(d.after),
		func(i int) string { return d.before[i].Name }, func(i int) string { return d.after[i].Name })
	d.steps = make([]pairing, len(d.after))
	for i, from := range d.phases.from {
		if from < 0 {
			continue
		}
		b, a := d.before[from].Steps, d.after[i].Steps
		d.steps[i] = pairNames(len(b), len(a), func(k int) string { return b[k].Name }, func(k int) string { return a[k].Name })
	}
	d.pairMoved()
}

// pairMoved pairs steps that are no longer in their phase with those that are new in another.
func (d *differ) pairMoved() {
	var lost, found []diffPlace
	for i := range d.before {
		for k := range d.before[i].Steps {
			if to := d.phases.to[i]; to < 0 || d.steps[to].to[k] < 0 {
				lost = append(lost, diffPlace{i, k})
			}
		}
	}
	for i := range d.after {
		for k := range d.after[i].Steps {
			if d.phases.from[i] < 0 || d.steps[i].from[k] < 0 {
				found = append(found, diffPlace{i, k})
			}
		}
	}
	moves := pairNames(len(lost), len(found),
		func(i int) string { return d.before[lost[i].phase].Steps[lost[i].step].Name },
		func(i int) string { return d.after[found[i].phase].Steps[found[i].step].Name })
	d.movedFrom, d.gone = map[diffPlace]diffPlace{}, map[diffPlace]bool{}
	for i, from := range moves.from {
		if from >= 0 {
			d.movedFrom[found[i]] = lost[from]
			d.gone[lost[from]] = true
		}
	}
}

// add leaves out changes of nothing.
func (d *differ) add(c Change) {
	if c.Kind != Changed || len(c.Why) > 0 {
		d.changes = append(d.changes, c)
	}
}

// phase tells about the phase at the place after, and its steps.
func (d *differ) phase(i int) {
	a := &d.after[i]
	from := d.phases.from[i]
	if from < 0 {
		d.add(Change{Kind: Added, Phase: a.Name})
		for k := range a.Steps {
			d.newStep(i, k)
		}
		return
	}
	b := &d.before[from]
	why := fieldChanges("", phaseFields, b, a)
	why = append(why, fieldChanges("policy ", policyFields, &b.Policy, &a.Policy)...)
	why = append(why, orderChange(d.steps[i], func(k int) string { return b.Steps[k].Name })...)
	d.add(Change{Kind: Changed, Phase: a.Name, Why: why})
	d.removedSteps(from, 0)
	for k, at := range d.steps[i].from {
		if at < 0 {
			d.newStep(i, k)
			continue
		}
		d.add(Change{Kind: Changed, Phase: a.Name, Step: a.Steps[k].Name, Why: stepChanges(&b.Steps[at], &a.Steps[k])})
		d.removedSteps(from, at+1)
	}
}

// newStep tells about a step that is new in its phase.
func (d *differ) newStep(phase, step int) {
	p, s := &d.after[phase], &d.after[phase].Steps[step]
	from, moved := d.movedFrom[diffPlace{phase, step}]
	if !moved {
		d.add(Change{Kind: Added, Phase: p.Name, Step: s.Name})
		return
	}
	old := &d.before[from.phase]
	why := []FieldChange{{Field: "phase", Before: shownText(old.Name), After: shownText(p.Name)}}
	d.add(Change{Kind: Moved, Phase: p.Name, Step: s.Name, Why: append(why, stepChanges(&old.Steps[from.step], s)...)})
}

// removedPhases tells about those that lie, before, from a place up to the next that is still there.
func (d *differ) removedPhases(at int) {
	for ; at < len(d.before) && d.phases.to[at] < 0; at++ {
		d.add(Change{Kind: Removed, Phase: d.before[at].Name})
		for k := range d.before[at].Steps {
			d.removedStep(at, k)
		}
	}
}

func (d *differ) removedSteps(phase, at int) {
	to := d.steps[d.phases.to[phase]].to
	for ; at < len(to) && to[at] < 0; at++ {
		d.removedStep(phase, at)
	}
}

func (d *differ) removedStep(phase, step int) {
	if p := &d.before[phase]; !d.gone[diffPlace{phase, step}] {
		d.add(Change{Kind: Removed, Phase: p.Name, Step: p.Steps[step].Name})
	}
}

func (d *differ) plan(b, a *Definition) []FieldChange {
	why := fieldChanges("", planFields, b, a)
	why = append(why, fieldChanges("policy ", policyFields, &b.Policy, &a.Policy)...)
	why = append(why, mergeChanges(b.Parameters, a.Parameters, func(p Parameter) string { return p.Name }, parameterChanges)...)
	return append(why, orderChange(d.phases, func(i int) string { return d.before[i].Name })...)
}

// orderChange tells how the order of items that were there before is another: by their names, from the first to the last that has another
// place.
func orderChange(p pairing, nameBefore func(int) string) []FieldChange {
	stayed := slices.DeleteFunc(slices.Clone(p.from), func(at int) bool { return at < 0 })
	if slices.IsSorted(stayed) {
		return nil
	}
	sorted := slices.Sorted(slices.Values(stayed))
	for sorted[0] == stayed[0] {
		sorted, stayed = sorted[1:], stayed[1:]
	}
	for n := len(sorted) - 1; sorted[n] == stayed[n]; n-- {
		sorted, stayed = sorted[:n], stayed[:n]
	}
	names := func(places []int) string {
		return namesList(len(places), func(i int) string { return nameBefore(places[i]) })
	}
	return []FieldChange{{Field: "order", Before: names(sorted), After: names(stayed)}}
}

func stepChanges(b, a *Step) []FieldChange {
	return append(fieldChanges("", stepFields, b, a),
		mergeChanges(b.Settings, a.Settings, func(s Setting) string { return s.Name }, settingChanges)...)
}

// diffField is a field of an element and how it is shown. What is shown alike is the same.
type diffField[T any] struct {
	name string
	show func(*T) string
}

func fieldChanges[T any](prefix string, fields []diffField[T], b, a *T) []FieldChange {
	var changes []FieldChange
	for _, f := range fields {
		if before, after := f.show(b), f.show(a); before != after {
			changes = append(changes, FieldChange{Field: prefix + f.name, Before: before, After: after})
		}
	}
	return changes
}

var planFields = []diffField[Definition]{
	{"service", func(d *Definition) string { return shownText(d.Service) }},
	{"name", func(d *Definition) string { return shownText(d.Name) }},
	{"strategy", func(d *Definition) string { return shownText(string(d.Strategy.canonical())) }},
	{"manual", func(d *Definition) string { return strconv.FormatBool(d.Manual) }},
	{"repair", func(d *Definition) string { return strconv.FormatBool(d.Repair) }},
}

var phaseFields = []diffField[Phase]{
	{"strategy", func(p *Phase) string { return shownText(string(p.Strategy.canonical())) }},
	{"after", shownAfter},
	{"open", func(p *Phase) string { return strconv.FormatBool(p.Open) }},
	{"optional", func(p *Phase) string { return strconv.FormatBool(p.Optional) }},
	{"canaries", func(p *Phase) string { return strconv.Itoa(p.Canaries) }},
	{"batch max", func(p *Phase) string { return strconv.Itoa(p.Batch.Max) }},
	{"batch grow", func(p *Phase) string { return strconv.FormatBool(p.Batch.Grow) }},
	{"gated", func(p *Phase) string { return strconv.FormatBool(p.Gated) }},
	{"settle", func(p *Phase) string { return p.Settle.String() }},
}

var policyFields = []diffField[Policy]{
	{"attempts", func(p *Policy) string { return strconv.Itoa(p.Attempts) }},
	{"tolerate", func(p *Policy) string { return strconv.Itoa(p.Tolerate) }},
	{"step deadline", func(p *Policy) string { return p.StepDeadline.String() }},
	{"deadline", func(p *Policy) string { return p.Deadline.String() }},
	{"gate patience", func(p *Policy) string { return p.GatePatience.String() }},
	{"backoff initial", func(p *Policy) string { return p.Backoff.Initial.String() }},
	{"backoff max", func(p *Policy) string { return p.Backoff.Max.String() }},
	{"backoff factor", func(p *Policy) string { return strconv.FormatFloat(p.Backoff.Factor, 'g', -1, 64) }},
	{"backoff jitter", func(p *Policy) string { return strconv.FormatFloat(p.Backoff.Jitter, 'g', -1, 64) }},
}

var stepFields = []diffField[Step]{
	{"kind", func(s *Step) string { return shownText(string(s.Kind)) }},
	{"pod", func(s *Step) string { return shownName(s.Pod) }},
	{"host", func(s *Step) string { return shownName(s.Host) }},
	{"after", func(s *Step) string { return shownList(s.After) }},
	{"rank", func(s *Step) string { return strconv.Itoa(s.Rank) }},
}

var parameterFields = []diffField[Parameter]{
	{"type", func(p *Parameter) string { return shownText(string(p.Type)) }},
	{"default", func(p *Parameter) string { return shownText(p.Default) }},
	{"required", func(p *Parameter) string { return strconv.FormatBool(p.Required) }},
	{"choices", func(p *Parameter) string { return shownList(p.Choices) }},
	{"help", func(p *Parameter) string { return shownText(p.Help) }},
}

// mergeChanges compares two lists of named values by name, in order of the names. change gets nil for what is not there.
func mergeChanges[T any](before, after []T, name func(T) string, change func(b, a *T) []FieldChange) []FieldChange {
	before, after = sortedByName(before, name), sortedByName(after, name)
	var changes []FieldChange
	for len(before) > 0 || len(after) > 0 {
		var b, a *T
		order := mergeOrder(before, after, name)
		if order <= 0 {
			b, before = &before[0], before[1:]
		}
		if order >= 0 {
			a, after = &after[0], after[1:]
		}
		changes = append(changes, change(b, a)...)
	}
	return changes
}

// mergeOrder says whether the first item of one list comes before that of the other (less than 0), after it, or is of the same name (0).
func mergeOrder[T any](before, after []T, name func(T) string) int {
	switch {
	case len(after) == 0:
		return -1
	case len(before) == 0:
		return 1
	}
	return strings.Compare(name(before[0]), name(after[0]))
}

// sortedByName copies the list only if it is not sorted.
func sortedByName[T any](list []T, name func(T) string) []T {
	byName := func(a, b T) int { return strings.Compare(name(a), name(b)) }
	if slices.IsSortedFunc(list, byName) {
		return list
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, byName)
	return list
}

func parameterChanges(b, a *Parameter) []FieldChange {
	switch {
	case b == nil:
		return []FieldChange{{Field: "parameter " + shownText(a.Name), Before: noValue, After: shownText(string(a.Type))}}
	case a == nil:
		return []FieldChange{{Field: "parameter " + shownText(b.Name), Before: shownText(string(b.Type)), After: noValue}}
	}
	return fieldChanges("parameter "+shownText(a.Name)+" ", parameterFields, b, a)
}

func settingChanges(b, a *Setting) []FieldChange {
	switch {
	case b == nil:
		return []FieldChange{{Field: "setting " + shownText(a.Name), Before: noValue, After: a.show(a.Secret), Secret: a.Secret}}
	case a == nil:
		return []FieldChange{{Field: "setting " + shownText(b.Name), Before: b.show(b.Secret), After: noValue, Secret: b.Secret}}
	case *b == *a:
		return nil
	}
	change := FieldChange{Field: "setting " + shownText(a.Name), Secret: b.Secret || a.Secret}
	change.Before, change.After = b.show(change.Secret), a.show(change.Secret)
	if b.Value == a.Value { // it only became secret, or ceased to be
		change.Before, change.After = secrecy(b.Secret), secrecy(a.Secret)
	}
	return []FieldChange{change}
}

func (s *Setting) show(secret bool) string {
	if secret {
		return secretValue
	}
	return shownText(s.Value)
}

func secrecy(secret bool) string {
	if secret {
		return secretValue
	}
	return notSecretValue
}

// shownAfter tells apart a phase that waits for none and one that its plan's strategy orders.
func shownAfter(p *Phase) string {
	if p.After == nil {
		return byStrategy
	}
	return shownList(p.After)
}

// shownName is for names that may be left out.
func shownName(name string) string {
	if name == "" {
		return noValue
	}
	return shownText(name)
}

func shownList(names []string) string {
	if len(names) == 0 {
		return noValue
	}
	shown := make([]string, len(names))
	for i, name := range names {
		if shown[i] = shownText(name); strings.Contains(name, ",") {
			shown[i] = strconv.Quote(name)
		}
	}
	return strings.Join(shown, ", ")
}

// namesList lists names for people, and not more than they read.
func namesList(n int, name func(int) string) string {
	names := make([]string, min(n, namesTold))
	for i := range names {
		names[i] = name(i)
	}
	list := shownList(names)
	if n > namesTold {
		list += fmt.Sprintf(" (and %d more)", n-namesTold)
	}
	return list
}

// shownText returns the text, quoted if it could be taken for something else. Different texts are shown differently.
func shownText(text string) string {
	if text == "" || strings.HasPrefix(text, "(") || strings.HasPrefix(text, `"`) || strings.TrimSpace(text) != text {
		return strconv.Quote(text)
	}
	return readable(text)
}

// readable quotes text that does not fit in a line.
func readable(text string) string {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}
