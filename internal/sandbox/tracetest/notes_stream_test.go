package tracetest

import (
	"cmp"
	"regexp"
)

// streamNotes are about subscriptions and about the recording itself.
var streamNotes = []note{
	{properEnd, (*replay).expectEnd},
	{closedByUs, (*replay).hangUp},
	{regexp.MustCompile(`Mesos-Stream-Id header on SUBSCRIBE`), func(r *replay, _ *line, _ []string) {
		r.extra = map[string]string{"Mesos-Stream-Id": "00000000-0000-4000-8000-000000000000"}
	}},
	{regexp.MustCompile(`^OFFERS and HEARTBEAT events of (\S+) are left out`), func(r *replay, _ *line, m []string) {
		r.leave(m[1], "OFFERS")
	}},
}

// properEnd is said where the master has ended a stream.
var properEnd = regexp.MustCompile(`^stream of (\S+) ended: EOFError: final zero-length chunk`)

// closedByUs is said where the driver closed the connection, and where the master died.
var closedByUs = regexp.MustCompile(`^stream of (\S+) ended: (?:EOFError: connection closed by peer|ConnectionResetError)|^(?:the )?(?:stream|connection)(?: of (\S+))? (?:is |was )?closed\b|` +
	`^(?:\S+ )?closes? (?:its|the) (?:stream|connection)\b|^(?:client|driver|scheduler) closed its connection\b`)

// expectEnd notes that the sandbox has to end a stream. The call that makes it do so may stand on the next line.
func (r *replay) expectEnd(l *line, _ []string) { r.ends = append(r.ends, l) }

// checkEnds checks the ends of streams that were noted some time before a line, or all.
func (r *replay) checkEnds(now *line) {
	for len(r.ends) > 0 && (now == nil || seconds(now.T-r.ends[0].T) > swapped) {
		l := r.ends[0]
		r.ends = r.ends[1:]
		r.checkEnd(l, properEnd.FindStringSubmatch(l.note()))
	}
}

func (r *replay) checkEnd(l *line, m []string) {
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
func (r *replay) hangUp(l *line, m []string) {
	if r.masterEnded(l) {
		r.masterDown(l, nil)
		r.settle()
		return
	}
	who := cmp.Or(l.Who, m[1])
	if len(m) > 2 {
		who = cmp.Or(who, m[2])
	}
	if who == "" {
		return // a remark
	}
	if c := r.client(who); c.end() == "" {
		c.hangUp()
		r.settle()
	}
}
