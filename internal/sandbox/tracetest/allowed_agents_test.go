package tracetest

import "regexp"

var agentAllowances = []*allowance{
	{file: "11a", who: "B", problem: regexp.MustCompile(`^unexpected at .*: OFFERS S0 b `),
		reason: "the recording's master was killed between the offers of this round to A and those to B"},
}
