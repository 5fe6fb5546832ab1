package machine

import "time"

// Effects are what a decision asks for, in the order in which it must be done:
//
//  1. Groups are committed one after the other. When one fails, nothing after it may be done.
//  2. Each call is sent when the group it names is durable.
//  3. Asks are put to whoever answers them; the answers come back as events. That may be done at any time.
//  4. View is published.
//  5. Answers are given; who gets one sees its effect in the view.
//  6. Decide is called again at WakeAt at the latest.
type Effects struct {
	Groups  []Group
	Calls   []Sending
	Asks    []Ask
	Answers []Answer
	View    *View
	WakeAt  time.Time // zero: time alone changes nothing
}

// Group is a set of record changes that must become durable together or not at all.
type Group struct {
	Puts    []Record
	Deletes []string
}

// Record is a durable value under its key, for instance pods/registry-0. The machine encodes and decodes values itself;
// stores do not look at them.
type Record struct {
	Key   string
	Value []byte
}

// Sending is a call and the number of groups that must be durable before it may be sent.
type Sending struct {
	Call  Call
	After int
}
