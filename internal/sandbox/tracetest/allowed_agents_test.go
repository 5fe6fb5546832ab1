package tracetest

import "regexp"

var agentAllowances = []*allowance{
	{seen: "11a-master-restart-in-memory", problem: regexp.MustCompile(`^unexpected at .*: OFFERS `), when: masterEnds, chance: true,
		reason: "a master may be killed between the offers of a round to one framework and those to the next"},
}

var masterEnded = regexp.MustCompile(`(?i)\bmaster\b.*\b(SIGKILL|SIGKILLed|killed|stopped)`)

// masterEnds tells whether a master ends around a line.
func masterEnds(r *replay, l *line) bool {
	return r.trace.around(l, func(other *line) bool { return other.Dir == noteLine && masterEnded.MatchString(other.note()) })
}
