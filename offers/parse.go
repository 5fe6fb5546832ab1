package offers

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/hashicorp/go-multierror"
)

const (
	allowedNames   = "cpus, mem, disk and ports"
	allowedAmounts = "a number from 0 to 1000000000000 with up to three decimals, such as 0.5"
	allowedPorts   = "ranges from 1 to 65535 in brackets, such as [21000-21001,21010-21010]"
)

// ParseQuantities reads resources as the flags of the framework give them: cpus:1;mem:2084;disk:32;ports:[21000-21001].
// mem and disk are in MB. A semicolon at the end, spaces around the parts and ranges that overlap are allowed, and an
// empty text is no resources. The error names everything that is wrong, each with the value and what is allowed.
func ParseQuantities(s string) (Quantities, error) {
	p := parser{seen: map[string]string{}}
	for _, item := range items(s) {
		p.item(item)
	}
	if p.problems != nil {
		p.problems.ErrorFormat = oneLine
		return Quantities{}, p.problems
	}
	return p.got, nil
}

func oneLine(errs []error) string {
	texts := make([]string, len(errs))
	for i, err := range errs {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

// items are the parts between semicolons; the one behind the last semicolon does not count if it is empty.
func items(s string) []string {
	parts := strings.Split(s, ";")
	if last := len(parts) - 1; strings.TrimSpace(parts[last]) == "" {
		parts = parts[:last]
	}
	return parts
}

type parser struct {
	got      Quantities
	seen     map[string]string // values by name
	problems *multierror.Error
}

func (p *parser) fail(format string, args ...any) {
	p.problems = multierror.Append(p.problems, fmt.Errorf(format, args...))
}

func (p *parser) item(item string) {
	name, value, ok := strings.Cut(item, ":")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if !ok {
		p.fail("resource %q: no colon; allowed is name:value, with the names %s", name, allowedNames)
		return
	}
	if first, twice := p.seen[name]; twice {
		p.fail("resource %q: given as %q and again as %q; allowed is once", name, first, value)
		return
	}
	p.seen[name] = value
	switch name {
	case "cpus":
		p.amount(&p.got.CPUs, name, value)
	case "mem":
		p.amount(&p.got.Mem, name, value)
	case "disk":
		p.amount(&p.got.Disk, name, value)
	case "ports":
		p.ports(value)
	default:
		p.fail("resource %q: unknown name, with the value %q; allowed are %s", name, value, allowedNames)
	}
}

func (p *parser) amount(to *Milli, name, value string) {
	m, err := parseMilli(value)
	if err != nil {
		p.fail("resource %q: value %q %w; allowed is %s", name, value, err, allowedAmounts)
		return
	}
	*to = m
}

var (
	errNumber   = errors.New("is not a number")
	errNegative = errors.New("is negative")
	errDecimals = errors.New("has more than three decimals")
	errLarge    = errors.New("is too large")
)

// parseMilli reads a decimal number exactly, without a detour over floating point.
func parseMilli(s string) (Milli, error) {
	positive, negative := strings.CutPrefix(s, "-")
	whole, decimals, dotted := strings.Cut(positive, ".")
	switch {
	case !digits(whole) || dotted && !digits(decimals):
		return 0, errNumber
	case negative:
		return 0, errNegative
	case len(decimals) > 3:
		return 0, errDecimals
	}
	// Only digits are left, so the one possible error is that there are too many.
	m, err := strconv.ParseInt(whole+(decimals + "000")[:3], 10, 64)
	if err != nil || Milli(m) > maxMilli {
		return 0, errLarge
	}
	return Milli(m), nil
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func (p *parser) ports(value string) {
	inner, opened := strings.CutPrefix(value, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	if !opened || !closed || strings.TrimSpace(inner) == "" {
		p.fail("resource %q: value %q is not a list of ranges; allowed are %s", "ports", value, allowedPorts)
		return
	}
	var ranges []Range
	for text := range strings.SplitSeq(inner, ",") {
		text = strings.TrimSpace(text)
		r, err := parseRange(text)
		if err != nil {
			p.fail("resource %q: range %q %w; allowed are %s", "ports", text, err, allowedPorts)
			continue
		}
		ranges = append(ranges, r)
	}
	p.got.Ports = Normalize(ranges)
}

var (
	errRange    = errors.New("is not two numbers with a dash between them")
	errOutside  = errors.New("goes beyond the numbers of ports")
	errInverted = errors.New("ends before it begins")
)

func parseRange(s string) (Range, error) {
	first, last, ok := strings.Cut(s, "-")
	first, last = strings.TrimSpace(first), strings.TrimSpace(last)
	if !ok || !digits(first) || !digits(last) {
		return Range{}, errRange
	}
	begin, err1 := strconv.ParseUint(first, 10, 16)
	end, err2 := strconv.ParseUint(last, 10, 16)
	switch {
	case err1 != nil || err2 != nil || begin == 0 || end == 0:
		return Range{}, errOutside
	case end < begin:
		return Range{}, errInverted
	}
	return Range{begin, end}, nil
}
