package tracetest

import (
	"regexp"
	"slices"
)

// allowance is a difference to a recording that is meant to be. It holds for every recording, whatever that is called.
type allowance struct {
	problem  *regexp.Regexp            // in the text of the problem
	when     func(*replay, *line) bool // what the recording must show where the problem is, nil for nothing
	reason   string
	seen     string // the name of a recording that needs it, "" if it is prepared for ones that are not in the folder
	chance   bool   // it is a race, which another recording of the same may not show
	scopeout bool   // needs a feature that the sandbox leaves out (see package sandbox), not another decision
}

var allowances = slices.Concat(taskAllowances, dockerAllowances, operatorAllowances, agentAllowances, []*allowance{
	{seen: "01-subscribe-offers-errors", problem: regexp.MustCompile(`received 'HEAD'`),
		reason: "a server of Go sends no body with the answer to HEAD, which no client would read"},
	{seen: "01-subscribe-offers-errors", problem: regexp.MustCompile(`^answer to UNKNOWN: `),
		reason: "this call ends the real master (FACTS 15); the sandbox refuses it as one without a type"},
})

// ledger counts what each allowance allowed.
type ledger map[*allowance]int

// allow tells whether a problem at a line is allowed, and notes what allows it.
func (used ledger) allow(r *replay, l *line, problem string) bool {
	for _, a := range allowances {
		if a.problem.MatchString(problem) && (a.when == nil || a.when(r, l)) {
			used[a]++
			return true
		}
	}
	return false
}

// unneeded lists allowances that allowed nothing though the recording that they were seen in was replayed.
func (used ledger) unneeded(replayed []string) []*allowance {
	return slices.DeleteFunc(slices.Clone(allowances), func(a *allowance) bool {
		return used[a] > 0 || a.chance || !slices.Contains(replayed, a.seen)
	})
}
