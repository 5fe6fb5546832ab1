package tracetest

import (
	"regexp"
	"slices"
	"strings"
)

// allowance is a difference to a recording that is meant to be. One that is not needed any more fails the test.
type allowance struct {
	file     string         // the beginning of the recording's name
	who      string         // "" is everybody
	problem  *regexp.Regexp // in the text of the problem
	reason   string
	prepared bool // for a recording that is not there yet: it may turn out that it is not needed
	scopeout bool // needs a feature that the sandbox leaves out (see package sandbox), not another decision
}

var allowances = slices.Concat(taskAllowances, dockerAllowances, operatorAllowances, agentAllowances, []*allowance{
	{file: "01", who: "raw", problem: regexp.MustCompile(`received 'HEAD'`),
		reason: "a server of Go sends no body with the answer to HEAD, which no client would read"},
	{file: "01", who: "raw", problem: regexp.MustCompile(`^answer to UNKNOWN: `),
		reason: "this call ends the real master (FACTS 15); the sandbox refuses it as one without a type"},
})

// ledger counts what each allowance allowed.
type ledger map[*allowance]int

// allow tells whether a problem is allowed, and notes what allows it.
func (used ledger) allow(file, who, problem string) bool {
	for _, a := range allowances {
		if strings.HasPrefix(file, a.file) && (a.who == "" || a.who == who) && a.problem.MatchString(problem) {
			used[a]++
			return true
		}
	}
	return false
}

// unused lists allowances that allowed nothing in recordings that were replayed.
func (used ledger) unused(replayed []string) []*allowance {
	var list []*allowance
	for _, a := range allowances {
		if used[a] > 0 || a.prepared {
			continue
		}
		for _, name := range replayed {
			if strings.HasPrefix(name, a.file) {
				list = append(list, a)
				break
			}
		}
	}
	return list
}
