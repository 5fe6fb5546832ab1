package tracetest

import "regexp"

var agentAllowances = []*allowance{
	{file: "08a", who: "noPA-nock", problem: regexp.MustCompile(`^HEARTBEAT of \S+ never came`),
		reason: "its framework was torn down 20 ms after this heartbeat, and the replay is that much ahead of the recording"},
	{file: "11a", who: "B", problem: regexp.MustCompile(`^unexpected at .*: OFFERS S0 b `),
		reason: "the recording's master was killed between the offers of this round to A and those to B"},
}
