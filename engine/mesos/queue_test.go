package mesos

import (
	"runtime"
	"testing"
	"weak"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// A call that was taken out of a queue is not kept by it, however long others wait or come.
func TestQueueForgetsWhatWasTaken(t *testing.T) {
	q := newQueue()
	ids := make([]string, 10_000)
	kept := weak.Make(&ids[0])
	q.push(machine.Decline{OfferIDs: ids})
	q.push(machine.Revive{})
	ids = nil
	if c, ok := q.pop(); !ok || machine.CallName(c) != "DECLINE" {
		t.Fatalf("%v, %t", c, ok)
	}
	runtime.GC()
	if kept.Value() != nil {
		t.Error("the queue keeps a call that was taken")
	}
	if q.len() != 1 {
		t.Errorf("%d calls wait", q.len())
	}
}
