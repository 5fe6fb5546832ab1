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
}

// look waits for the scan as long as the timeout allows. A scan that takes longer is waited for again in the next round;
// there is never a second one beside it.
func (l *looker) look(ctx context.Context, list quobyte.Watchlist) round {
	if l.pending == nil {
		l.pending = make(chan quobyte.Facts, 1)
		go func(result chan<- quobyte.Facts) { result <- l.scan() }(l.pending)
	}
	timeout := time.NewTimer(l.timeout)
	defer timeout.Stop()
	r := round{health: l.poller.poll(ctx, list)}
	select {
	case facts := <-l.pending:
		l.facts, l.pending = &facts, nil
	case <-timeout.C:
		r.note = fmt.Sprintf("the scan for devices takes longer than %v; does a disk hang?", l.timeout)
	case <-ctx.Done():
	}
	r.facts = l.facts
	return r
}
