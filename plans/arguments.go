package plans

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Bind returns the arguments of a run: what an operator gives for the plan's parameters, and the defaults of the others, sorted by name.
// Values are brought into one form, the same for all that mean the same: true or false, digits, and durations as Go writes them. Of what is
// wrong it tells all problems at once, as a *multierror.Error, and returns no arguments.
func (d Definition) Bind(values map[string]string) ([]Argument, error) {
	var v validator
	var arguments []Argument
	v.element("plan", d.Name, func() {
		v.parameters(d.Parameters)
		if v.problems != nil {
			return // what an operator gives can't be right where the plan is wrong
		}
		arguments = v.bind(d.Parameters, values)
		v.unknownArguments(d.Parameters, values)
	})
	if v.problems != nil {
		return nil, v.problems
	}
	slices.SortFunc(arguments, func(a, b Argument) int { return cmp.Compare(a.Name, b.Name) })
	return arguments, nil
}

func (v *validator) bind(parameters []Parameter, values map[string]string) []Argument {
	var arguments []Argument
	for i := range parameters {
		p := &parameters[i]
		v.element("parameter", p.Name, func() {
			arguments = append(arguments, Argument{Name: p.Name, Value: v.argument(p, values)})
		})
	}
	return arguments
}

// argument returns the value of a parameter. Where one is required an empty one is none: that is what a shell makes of a variable that is
// not set.
func (v *validator) argument(p *Parameter, values map[string]string) string {
	value, given := values[p.Name]
	if p.Required && value == "" {
		v.problem("value is missing; use %s", p.values())
		return ""
	}
	if !given {
		value = p.Default
	}
	canonical, ok := p.canonicalValue(value)
	if !ok {
		v.problem("value is %q; use %s", value, p.values())
	}
	return canonical
}

func (v *validator) unknownArguments(parameters []Parameter, values map[string]string) {
	name := func(i int) string { return parameters[i].Name }
	for _, given := range slices.Sorted(maps.Keys(values)) {
		if !slices.ContainsFunc(parameters, func(p Parameter) bool { return p.Name == given }) {
			v.problem("parameter %q is unknown (value %q); the plan has %s", given, values[given], quotedNames(len(parameters), name))
		}
	}
}

// canonicalValue returns the value as all that mean the same are written, and whether the parameter may have it.
func (p *Parameter) canonicalValue(value string) (string, bool) {
	canonical, ok := p.Type.canonicalValue(value)
	if !ok || len(p.Choices) == 0 {
		return canonical, ok
	}
	chosen := slices.ContainsFunc(p.Choices, func(choice string) bool {
		same, ok := p.Type.canonicalValue(choice)
		return ok && same == canonical
	})
	return canonical, chosen
}

// values says in words which values the parameter may have.
func (p *Parameter) values() string {
	if len(p.Choices) == 0 {
		return p.Type.values()
	}
	quoted := make([]string, len(p.Choices))
	for i, choice := range p.Choices {
		quoted[i] = strconv.Quote(choice)
	}
	return alternatives(quoted)
}

// parameterTypes lists all types of parameters.
var parameterTypes = []ParameterType{Text, Integer, Boolean, TimeInterval}

// canonicalValue returns the value as all of the type that mean the same are written, and whether it is of the type.
func (t ParameterType) canonicalValue(value string) (string, bool) {
	switch t {
	case Text:
		// Environment variables hold no NUL, and records no other encoding.
		return value, utf8.ValidString(value) && !strings.ContainsRune(value, 0)
	case Integer:
		n, err := strconv.ParseInt(value, 10, 64)
		return strconv.FormatInt(n, 10), err == nil
	case Boolean:
		b, err := strconv.ParseBool(value)
		return strconv.FormatBool(b), err == nil
	case TimeInterval:
		length, err := time.ParseDuration(value)
		return length.String(), err == nil
	}
	return "", false
}

// values says in words which values are of the type.
func (t ParameterType) values() string {
	switch t {
	case Text:
		return "text in UTF-8 without NUL characters"
	case Integer:
		return "an integer such as 3"
	case Boolean:
		return "true or false"
	case TimeInterval:
		return "a duration such as 1h30m"
	}
	return "another type"
}
