package sim

import (
	"container/heap"
	"time"
)

// event is something that happens at a time. Of events at one time, the one that was planned first happens first.
type event struct {
	at   time.Time
	seq  uint64
	what string
	do   func()
}

type events []event

func (q events) Len() int { return len(q) }
func (q events) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].seq < q[j].seq
}
func (q events) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *events) Push(e any)   { *q = append(*q, e.(event)) }
func (q *events) Pop() any {
	old := *q
	e := old[len(old)-1]
	*q = old[:len(old)-1]
	return e
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
	heap.Push(&q.events, event{at: t, seq: q.seq, what: what, do: do})
}

func (q *queue) after(d time.Duration, what string, do func()) { q.at(q.now.Add(d), what, do) }

// next makes the next thing happen; false if there is none until the end.
func (q *queue) next(end time.Time) bool {
	if len(q.events) == 0 || q.events[0].at.After(end) {
		return false
	}
	e := heap.Pop(&q.events).(event)
	q.now = e.at
	q.count++
	e.do()
	return true
}
