package engine

import (
	"sync"
	"time"
)

// Stats are how much waits for the loop, and how long the loop waits for its store.
type Stats struct {
	Events     int           // that wait for the loop
	Offers     int           // in these
	Commits    uint64        // that have ended
	CommitTime time.Duration // that all of them took
	Committing time.Duration // for how long one has been under way; 0: none is
	ClockAhead time.Duration // by how much times are ahead of the time of day, which was set back
}

// Stats may be asked from any goroutine, and never waits for the loop.
func (e *Engine) Stats() Stats {
	s := e.load.stats(time.Now())
	s.Events, s.Offers = len(e.inbox), int(e.offers.Load())
	s.ClockAhead = time.Duration(e.ahead.Load())
	return s
}

// load counts commits.
type load struct {
	mu      sync.Mutex
	commits uint64
	took    time.Duration
	begun   time.Time // zero: none is under way
}

func (l *load) begin(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun = now
}

func (l *load) end(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.commits++
	l.took += now.Sub(l.begun)
	l.begun = time.Time{}
}

func (l *load) stats(now time.Time) Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Stats{Commits: l.commits, CommitTime: l.took}
	if !l.begun.IsZero() {
		s.Committing = now.Sub(l.begun)
	}
	return s
}
