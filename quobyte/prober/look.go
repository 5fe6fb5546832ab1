package prober

import (
	"context"
	"fmt"
	"time"

	"github.com/quobyte/mesos-framework/quobyte"
)

// round is what a look at the host has found.
type round struct {
	facts  *quobyte.Facts // of the last scan that ended; nil if none ever did
	health []quobyte.PodHealth
	heard  string
	asked  bool   // a message came before it, and after the round before it
	note   string // what the operator should know of the round itself
}

// looker scans and polls at the same time. It must not be used by two rounds at once.
type looker struct {
	scan    func() quobyte.Facts
	poller  poller
	timeout time.Duration

	facts   *quobyte.Facts
	pending chan quobyte.Facts // the scan that is under way; nil if there is none
	late    bool               // it has had its time
}

// look waits for the scan as long as the timeout allows. There is never a second one beside a scan that takes longer, and no other round waits for
// that one: the framework wants to know at once how pods are, also on a host whose disk hangs.
func (l *looker) look(ctx context.Context, list quobyte.Watchlist) round {
	if l.pending == nil {
		l.pending = make(chan quobyte.Facts, 1)
		go func(result chan<- quobyte.Facts) { result <- l.scan() }(l.pending)
	}
	patience := l.timeout
	if l.late {
		patience = 0
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	r := round{health: l.poller.poll(ctx, list)}
	select {
	case facts := <-l.pending: // the polls took a moment: if it has ended meanwhile that must not be left to chance
		l.scanned(facts)
		r.facts = l.facts
		return r
	default:
	}
	select {
	case facts := <-l.pending:
		l.scanned(facts)
	case <-timeout.C:
		l.late = true
		r.note = fmt.Sprintf("the scan for devices takes longer than %v; does a disk hang?", l.timeout)
	case <-ctx.Done():
	}
	r.facts = l.facts
	return r
}

func (l *looker) scanned(facts quobyte.Facts) { l.facts, l.pending, l.late = &facts, nil, false }
