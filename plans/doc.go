// Package plans says what a rollout may do next, and why it does not do more. It is the DC/OS SDK's plan model (plan, phase,
// step; the same statuses and strategies) with one difference from which the rest follows: a plan here is not an object that
// is told about events and keeps a state. It is computed anew, each time, from values:
//
//	definition    what the plan consists of                     Definition
//	observations  what is known about each step from outside    [][]Observation
//	facts         what operators said and did not take back     []Fact
//	run           this execution: start, batches, halt, …       Run
//	now           the time                                      time.Time
//
// and, where running pods are to be stopped, from a ledger (which pods are down, how many may be: Ledger) and verdicts (what the
// service says of stopping some: Verdict). Whatever lost its memory, a restarted scheduler or a new leader, computes the same plan from
// the same records: pauses, canary progress, forced steps and batches included.
//
// # What the caller does
//
//  1. Build the Definitions and call Validate once; it tells all problems together.
//  2. Start makes the Run of a plan, and supersedes one that works. Freeze fixes its members.
//  3. Whenever something has happened, or at WakeAt, fill in one Observation a step, in the definition's order, and call Evaluate, or
//     Coordinate for several plans over the same pods. A step that nothing is known about has the zero Observation.
//  4. Record Evaluation.Run, and Done of the steps in Completed, before anything else.
//  5. Ask the Questions, and give the answers as Verdicts and as Observation.Fit.
//  6. Begin as many of the Candidates as is possible, best in their order, and make the outcome durable: a step that was begun has
//     BegunAt and TriedAt from then on. A candidate that could not be begun is observed as Prepared with a hold that says why (no-offer,
//     no-match); it remains a candidate.
//  7. Leave the pods that are HandedOver to the repair plan; they are no longer Stopped for the step that gave them up.
//  8. Show the View. It says of every element what it is doing and, if it does not move, why: most fundamental reason first.
//  9. When an operator says something, call Apply, and record the facts and the run that it returns before answering.
//
// # Steps
//
// A step is observed as PENDING, PREPARED, STARTING, STARTED, COMPLETE, DELAYED or ERROR, and shown as that, save that, in this order:
//
//   - one whose pod is excepted, or that was forced and not restarted later, is COMPLETE,
//   - one with errors is ERROR,
//   - one that was restarted and not tried since (TriedAt) is PENDING; a wait step does nothing that could be done again,
//   - one that was COMPLETE in this run (Observation.Done), and was not restarted after that, is COMPLETE,
//   - one that is STARTED and Ready is COMPLETE; if it replaced a pod that the plan had stopped, only after the phase's Settle time,
//   - one that is DELAYED is PENDING from the moment Until on,
//   - one that is PENDING or PREPARED, or DELAYED and failed, is WAITING if it is for an operator or a gate to let it go on: it has failed;
//     the plan is not started, or its run has ended; it, its phase or the plan is paused (a pause that lets steps or phases finish leaves
//     those out), or the run is halted; a breakpoint before its phase, or after one of its batches, is reached; its phase is a canary and
//     it was not released; or a gate is closed or unknown, which includes that nobody has asked yet.
//
// A step has begun if it is STARTING, STARTED or DELAYED, or has BegunAt, and was not restarted since. What is PENDING or PREPARED while
// its pod runs has to begin anew: it was undone, or never begun. A step whose pod the plan has stopped (Stopped) has begun until it is
// COMPLETE: the plan owes that pod its return. A step is under way if it has begun, is neither COMPLETE nor ERROR, and has not failed. It
// is done if it is COMPLETE or has failed.
//
// A launch, stop, action or unreserve step is a candidate if it is PENDING or PREPARED and nothing holds it. A wait step never is. What may
// hold it:
//
//   - From above: an error in the phase; the plan is not started, or its run has ended; pauses; halt; breakpoints; phases that come first.
//   - In the phase: its turn. Steps named in After must be done. A serial phase works on one step: the first that is under way and may go
//     on, otherwise the first that is not done, in the order Observation.Rank, Step.Rank, place, among those whose After is done. So what
//     has begun keeps the turn when the order changes, save that a launch that was never tried in this run goes first if it comes before
//     it by rank and by place: it was passed over, and is a part of the run again, and what was begun meanwhile may need it to become
//     ready. A parallel phase begins, among those whose After is done, all of the lowest rank (both numbers) that is not done, and goes on
//     with what has begun. Neither ranks nor places can wait for each other; only After could, and Validate refuses that.
//   - A canary phase begins only what it was released for (see below).
//   - From outside: holds that block (CodeTable says which), and another plan that works on the pod.
//   - If the pod is Running (of a launch or stop step): repair, batch, budget, fit and gate (see below).
//
// A step whose pod the plan stopped is held by nothing from above or in the phase, whoever says pause, however often its launch fails: a
// pod that the plan stopped does not stay down for that. Only failure, a reason from outside, the end of the run, or another plan's work on
// the pod holds it; and where the plan does not go on with it (it has failed, or an error; its run has ended), the pod is handed over.
//
// Newcomers (Observation.Newcomer; in a run that is COMPLETE, every step that is not) have no part in anything: they do not begin, nothing
// waits for them, and no status or count includes them.
//
// # Stopping what runs
//
// To begin a launch step whose pod is Running is to stop the pod: a voluntary disruption. Of those that could begin otherwise the phase
// stops one batch at a time:
//
//   - While a Repair plan has work on a pod of a quorum budget, all other plans stop nothing.
//   - While a step whose pod the phase stopped is under way, or in a serial phase any step that goes on, it stops nothing more, save the
//     rest of that batch: pods with which all of it is in the set of the newest verdict that counts and is about them, if that is open.
//   - A batch is taken from the steps in their order (rank, place): the first that may be stopped, and those after it in the same failure
//     domain. It has one step in a serial phase, otherwise at most Batch.Max, and with Batch.Grow at most 1, 2, 4, … by the number of
//     batches that stopped something and are over.
//   - A pod takes one of what its budget leaves, for its type and for its domain: MaxUnavailable less the pods that are down. A pod that is
//     down already takes nothing; if it may serve all the same (PodState.MayServe), it must be within the budget, as one of those that are
//     down. Stops that an evaluation grants count for the phases and plans that follow. A pod that the ledger does not know is not stopped.
//     Budgets never hold a start.
//   - A launch must be known to fit. What does not fit is left out of batches; while a fit in the batch is unknown, the batch waits.
//   - If the phase is Gated, the service must have said that this very set may be stopped. A verdict counts if it is younger than
//     FreshVerdict, was asked for after the last disruption (of any phase, and by Ledger.SettledAt of any plan) had settled, and after
//     everything that is down because a plan stopped it (by the steps, and by PodState.By of any plan) was stopped; of several about one
//     set, the newest. It knows nothing of what the same evaluation stops elsewhere: then the batch waits. Of a batch that the gate is
//     closed for, half is tried. What counts no more is asked again. Fit and gate of a batch are asked together.
//
// A batch that begins and is over between two evaluations was never seen: record Ledger.SettledAt, so that its verdict does not count
// again.
//
// A restart with Force passes repair, batch, budget and gate, and a pod that the ledger does not know; it must fit. The operator has
// consented.
//
// # Parents
//
// A phase may begin when the phases that it waits for are done: those named in After, otherwise all before it in a serial
// plan, otherwise none. After is not transitive: a phase waits for what it names and for nothing else. A phase is done when it is not open,
// all its steps are done, it is not itself paused, and no breakpoint lies after it. The statuses of phases and plans follow from their
// children by the table in aggregate.go, which is the SDK's, with its faults mended. All that are mended:
//
//   - Q1: a backoff below a parent makes it DELAYED, or IN_PROGRESS if there is other work; not ERROR.
//   - Q2: a parent with a child under way never says PENDING.
//   - Q3: a paused parent without children is WAITING as long as it is open, COMPLETE if it is closed.
//   - Q5: serial order is looked at in each evaluation. When an earlier step is no longer COMPLETE, later ones that have not
//     begun wait for it again. Nothing remembers the order in which things once became free.
//   - Q6: candidates come in definition order, in every process.
//   - Q7: what a canary was continued with is a fact about named steps. It is never armed again in that run.
//   - Q8: to start a plan is to make a new run, in which nothing counts that an earlier one did.
//
// As in the SDK an ERROR phase begins nothing new, while other phases of a parallel plan go on.
//
// An open phase (one that steps may still join) begins those that it has, and is never COMPLETE.
//
// # Canary
//
// A serial-canary or parallel-canary phase begins nothing by itself; what has begun, and wait steps, it does not hold. Each "continue" of
// the phase releases the next step that has not begun, in the order of the phase, those whose After is not done last. The last "continue"
// (the second, or that of Phase.Canaries) also releases all others, which begin when those released one by one, as far as their After is
// done, are done. Until then the turn goes round among those and what has begun; also among launches of pods that do not run, if all of
// those have to stop a pod that runs, because they are to be done again: what is down uses the budget that the others wait for; and among
// launches that were never tried in this run and come before all of those: they were passed over, and are a part of the run again. A
// canary that fails is never tolerated: the run halts. The SDK's parallel-canary begins the others at once; in all else this is what it does.
// PhaseView.Continue says beforehand what "continue" would release, and Apply releases that.
//
// # Pause
//
// A paused phase or plan begins no new step. What is STARTING or STARTED runs on, and is shown as what it is. The paused element
// and all below that has not begun are WAITING, and name who paused and when. Continue is the removal of the Fact.
// PauseNow does not try again what has failed. PauseAfterSteps does: the element is WAITING when nothing is under way any more.
// PauseAfterPhase of a plan lets phases in which a step has begun come to their end; of a phase it holds nothing but what comes after.
//
// What comes after a paused phase does not begin, even when the last steps of that phase were under way and it is COMPLETE by now (the SDK
// goes on then): who pauses in the middle of a phase wants the rollout to stop.
//
// A breakpoint is a pause that lies ahead: before a phase, reached when those that it waits for are done; after a phase, reached when it is
// over; or after each batch, reached when nothing of the phase is under way; behind the last batch it holds nothing. It holds as PauseNow
// does, save that what falls over after its batch, and is the phase's to bring back, is begun again. Continue takes it away when it is
// reached, or, after a batch, until the next. A batch is what is begun between two moments in which nothing of the phase is under way: in a
// serial phase a step.
//
// # Failure
//
// A step has failed when it is not being tried and was tried Policy.Attempts times in vain, or takes Policy.StepDeadline or longer since it
// first began, the time it settles left aside. A restart, and a "continue" of a halted run (Pardon), let both count anew. When more steps
// of a phase have failed than Policy.Tolerate, when no step became COMPLETE for Policy.Deadline since the members were frozen, when a gate
// was unknown for Policy.GatePatience, or when only failed steps are left, the run halts: it pauses itself, as PauseAfterSteps does, with
// the cause and the command that continues it in Run.Halt. That a gate has not answered at all is unknown, too. The pods of failed steps
// that had begun are handed over.
//
// Clocks stand still (Run.Stills) while the plan, or for the deadlines of its steps a phase, is paused or halted, and that of the plan
// while it waits for an operator; the time to settle goes on. A step that is paused itself does not take too long; continued, its time
// counts anew.
//
// # What outlives a run
//
// A run ends when its plan is COMPLETE, when an operator stops it, or when another target supersedes it. Facts of the kinds Released,
// Restarted and Forced name a run and mean nothing in another one; Paused, Breakpoint and Excepted persist until somebody takes them back.
// Members that come after a run was frozen are newcomers: they are shown, have no part in it, and form the next.
//
// # Several plans
//
// Coordinate evaluates plans over the same pods, in order of priority. At most one of them works on a pod: the one that owes it its return
// or has launched it, otherwise the first in which its step is a candidate; to back off is no work. The other one says which ("held by
// recovery of registry-1"). What a plan hands over is free for the others. All share one ledger.
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
