// Package fault is the list of what can go wrong in a sandbox on purpose: the kinds, what each of them takes, and the set
// of those that are active, with how often they have struck and when they end. What they do is the business of the
// sandbox.
//
// The caller makes a Fault, has it checked and completed by Complete, adds it to a Set, and asks the Set with Strike
// whenever something happens that a fault could be about. Expire gives those whose time is over, so that what they did is
// undone; Next says when to ask.
//
// It is pure: time comes in with every call, and the same calls give the same answers. A Set is not safe for concurrent
// use.
package fault
