package sim

import "time"

// event is something that happens at a time. Of events at one time, the one that was planned first happens first.
type event struct {
	at   time.Duration // since the run began
	seq  uint64
	what string // for who looks at a queue
	do   func()
}

func (e *event) before(other *event) bool {
	if e.at != other.at {
		return e.at < other.at
	}
	return e.seq < other.seq
}

// events is a heap: each comes before the two at 2k+1 and 2k+2. (Package container/heap would put each event into a box of its own.)
type events []event

func (q *events) push(e event) {
	*q = append(*q, e)
	h, k := *q, len(*q)-1
	for k > 0 {
		above := (k - 1) / 2
		if !e.before(&h[above]) {
			break
		}
		h[k], k = h[above], above
	}
	h[k] = e
}

// pop takes the first out.
func (q *events) pop() event {
	h := *q
	first, last := h[0], h[len(h)-1]
	h[len(h)-1] = event{} // so that nothing is kept alive
	h = h[:len(h)-1]
	*q = h
	if len(h) == 0 {
		return first
	}
	k := 0
	for {
		below := 2*k + 1
		if below >= len(h) {
			break
		}
		if below+1 < len(h) && h[below+1].before(&h[below]) {
			below++
		}
		if !h[below].before(&last) {
			break
		}
		h[k], k = h[below], below
	}
	h[k] = last
	return first
}

// queue is what will happen.
type queue struct {
	events events
	seq    uint64
	now    time.Time
	count  int // that have happened
}

// at plans something. What is planned for the past happens now.
func (q *queue) at(t time.Time, what string, do func()) {
	if t.Before(q.now) {
		t = q.now
	}
	q.seq++
	q.events.push(event{at: t.Sub(began), seq: q.seq, what: what, do: do})
}

func (q *queue) after(d time.Duration, what string, do func()) { q.at(q.now.Add(d), what, do) }

// next makes the next thing happen; false if there is none until the end.
func (q *queue) next(end time.Time) bool {
	if len(q.events) == 0 || q.events[0].at > end.Sub(began) {
		return false
	}
	e := q.events.pop()
	q.now = began.Add(e.at)
	q.count++
	e.do()
	return true
}
