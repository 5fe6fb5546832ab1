// Package plans says what a rollout may do next, and why it does not do more. It is the DC/OS SDK's plan model (plan, phase,
// step; the same statuses and strategies) with one difference from which the rest follows: a plan here is not an object that
// is told about events and keeps a state. It is computed anew, each time, from values:
//
//	definition    what the plan consists of                     Definition
//	observations  what is known about each step from outside    [][]Observation
//	facts         what operators said and did not take back     []Fact
//	run           who started this execution, and when          Run
//	now           the time                                      time.Time
//
// Whatever lost its memory, a restarted scheduler or a new leader, computes the same plan from the same records: pauses
// included.
//
// # What the caller does
//
//  1. Build a Definition and call its Validate once; it tells all problems together.
//  2. Whenever something has happened, or at the earliest Until of a hold, fill in one Observation a step, in the definition's
//     order. A step that nothing is known about has the zero Observation.
//  3. Call Evaluate.
//  4. Begin as many of the Candidates as is possible, best in their order, and make the outcome durable: a step that was begun is
//     observed as Starting from then on. A candidate that could not be begun is observed as Prepared with a hold that says why
//     (no-offer, no-match); it remains a candidate.
//  5. Show the View. It says of every element what it is doing and, if it does not move, why: most fundamental reason first.
//
// # Steps
//
// An observation says PENDING, PREPARED, STARTING, STARTED, COMPLETE, DELAYED or ERROR. A step is shown with that status, save
// that
//
//   - one with errors is ERROR,
//   - one that is DELAYED is PENDING from the moment Until on,
//   - one that is PENDING or PREPARED is WAITING while an operator has paused its phase or plan.
//
// A launch step is a candidate if it is PENDING or PREPARED, nothing above it is paused, its phase may begin and has no error,
// the steps before it in a serial phase are COMPLETE, and no reason from outside blocks it (CodeTable says which codes do).
// A wait step is never a candidate.
//
// # Parents
//
// A phase may begin when the phases that it waits for are COMPLETE: those named in After, otherwise all before it in a serial
// plan, otherwise none. After is not transitive: a phase waits for what it names and for nothing else. The statuses of phases
// and plans follow from their children by the table in aggregate.go, which is the SDK's, with these faults mended:
//
//   - Q1: a backoff below a parent makes it DELAYED, or IN_PROGRESS if there is other work; not ERROR.
//   - Q2: a parent with a child under way never says PENDING.
//   - Q3: a paused parent without children is WAITING as long as it is open, COMPLETE if it is closed.
//   - Q5: serial order is looked at in each evaluation. When an earlier step is no longer COMPLETE, later ones that have not
//     begun wait for it again. Nothing remembers the order in which things once became free.
//   - Q6: candidates come in definition order, in every process.
//
// As in the SDK an ERROR phase begins nothing new, while other phases of a parallel plan go on.
//
// An open phase (one that steps may still join) begins those that it has, and is never COMPLETE.
//
// # Pause
//
// A paused phase or plan begins no new step. What is STARTING or STARTED runs on, and is shown as what it is. The paused element
// and all below that has not begun are WAITING, and name who paused and when. Continue is the removal of the Fact.
//
// What comes after a paused phase does not begin, even when the last steps of that phase were under way and it is COMPLETE by now (the SDK
// goes on then): who pauses in the middle of a phase wants the rollout to stop.
//
// # Promises
//
// All functions are pure: same arguments, same results, byte for byte; arguments are not changed. There is no shared state, so
// all may be called from any number of goroutines. Parts of a View may share memory with other parts of it and with the
// Definition: treat it as read-only.
//
// Evaluate does not validate. It gives a result for any input, and where a definition is wrong it begins less, never more: an
// unknown strategy is taken as serial, an unknown name in After is never COMPLETE.
//
// The package never starts anything, asks for the time, does input or output, logs, or knows what Mesos or Quobyte is.
package plans
