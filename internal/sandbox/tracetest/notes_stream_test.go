package tracetest

import "regexp"

// streamNotes are about subscriptions and about the recording itself.
var streamNotes = []note{
	{regexp.MustCompile(`^stream of (\S+) ended: EOFError: final zero-length chunk`), (*replay).expectEnd},
	{regexp.MustCompile(`^stream of (\S+) ended: EOFError: connection closed by peer`), (*replay).hangUp},
	{regexp.MustCompile(`Mesos-Stream-Id header on SUBSCRIBE`), func(r *replay, _ *line, _ []string) {
		r.extra = map[string]string{"Mesos-Stream-Id": "00000000-0000-4000-8000-000000000000"}
	}},
	{regexp.MustCompile(`^OFFERS and HEARTBEAT events of (\S+) are left out`), func(r *replay, _ *line, m []string) {
		r.leave(m[1], "OFFERS")
	}},
}

// expectEnd checks that the sandbox has ended a stream as it should.
func (r *replay) expectEnd(l *line, m []string) {
	c := r.client(m[1])
	for until := r.elapsed() + tolerance; c.end() == "" && r.elapsed() < until; {
		r.waitUntil(until)
	}
	if end := c.end(); end != endedProperly {
		r.problem(l, "stream: want its end with a %s, got %q", endedProperly, end)
		return
	}
	r.count(true)
}

// hangUp ends a stream from the scheduler's side: the recording says so in these words also where it was the driver that
// closed the connection.
func (r *replay) hangUp(_ *line, m []string) {
	if c := r.client(m[1]); c.end() == "" {
		c.hangUp()
		r.settle()
	}
}
