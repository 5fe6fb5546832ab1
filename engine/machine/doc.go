// Package machine is the framework's brain: it takes events, decides, and yields effects.
//
// It is pure. It starts no goroutine, takes no lock, reads no clock, file, network, environment or random source, and logs
// nothing; time and randomness come in as arguments. The same records and the same inputs in the same order give the same
// effects, byte for byte. It is not safe for concurrent use: one loop owns it.
//
// # The owner's loop
//
//	m, err := machine.New(config, service, records, boot)
//	for {
//		for each event that is waiting {
//			m.Take(now, event)
//		}
//		effects := m.Decide(now, random)
//		// in this order:
//		//  1. commit each of effects.Groups; stop for good if one fails
//		//  2. send each of effects.Calls, not before the groups that it names are durable
//		//  3. put effects.Asks to whoever answers them
//		//  4. publish effects.View
//		//  5. give effects.Answers to whoever asked
//		//  6. wait for an event, until effects.WakeAt at the latest
//	}
//
// Take only notes what happened; Decide does everything else. So a batch of events (all offers of an allocation, a burst of
// updates) costs one decision.
//
// # What it knows
//
// Hosts (agents, found through their offers), pods (instances of daemons) with their last task and stop, the run of the deploy plan, and what
// operators said. All of that is kept in records and survives the process. Offers, the session, and the reasons why nothing
// matched do not.
//
// What is particular to the deployed system comes from a Service. The machine itself knows no daemon, port or device.
//
// # Rules it keeps
//
//   - A task's id, agent and executor id are in a group that every call of the same decision waits for; so nothing runs that
//     is not in the records.
//   - A status update is acknowledged after the record that it changed is durable, only if it carries a uuid, and once: copies that follow within
//     seconds are not acknowledged.
//   - A pod bound to a host is launched again only when it is proven that its last task is gone: a terminal state from agent,
//     executor or master. UNKNOWN, LOST, UNREACHABLE and GONE_BY_OPERATOR prove nothing (a lost task can run again,
//     mesos-traces F58), and hold the pod. Pods without a host of their own are replaced after a grace.
//   - An operator's word that a task is gone (MarkGone) stands for the proof, if Mesos has said in this session that it does not know. It is on record, with the
//     reason, before it is answered. If the task shows up after all it is killed and never is the pod's again, and while it may run no other is launched for
//     a pod that is bound to a host and has none.
//   - A paused element begins no new step; what runs is left alone. A pod that is excepted is not launched by any plan.
//   - A running pod is stopped only for a step of deploy that must be done again: the settings render another task than the one that it completed
//     with, or an operator restarts it. Package plans says when: budget, gate, fit, settling. Only what was heard in this session with Mesos says that
//     a pod is up (Standing); after a restart of the framework nothing is stopped before it was. Of the other pods of a quorum only the answer to a question
//     that the scouts were asked within the last ten seconds says so (rollcall.go).
//   - A running pod of a quorum counts as none of it only if it is known of each of its tasks that it was never ready (Pod.Served), and of the present one by such an answer.
//   - That a plan has stopped a pod, and why, is in the pod's record (PodStop) before its task is killed. The KILL is said in a later decision, and again until it is
//     proven that the task has ended; each time only if the budget, and of gated pods Judge, let it be, and otherwise the stop is taken back; and only if what
//     takes its place fits, and otherwise later. Then the pod is launched again, whoever has paused what, until it is ready and has settled.
//   - A pod whose step somebody forced to be COMPLETE is recovery's, if it was launched; otherwise the next run's.
//   - A pod of a quorum that was launched, and is down before it was ever ready, is recovery's if deploy has still to do another one that runs: that may not
//     become ready without it.
//   - No pod but a scout is launched beside a task of ours that bears its name, or is of its type on its host, and is on no record, as it is when the records
//     are a backup. A process that took over records launches nothing in its first seconds of a session, in which Mesos tells of such tasks, and no pod on its
//     host before Mesos, asked about everything when it knew the host's agent, has had time to tell.
//   - Only a host that was offered and that nothing is expected of is kept out of sight with offer constraints, and never longer than a day.
//   - Nothing that is reserved is given back, and no volume destroyed, but what a pod gives up because it needs less when it is launched, and what an operator
//     has named (Release): what was a pod's that is down, or is no pod's. That is on record first, and what a pod owns by its record is never given back.
//   - It kills no other task by itself, but for one that was replaced, or marked gone, without proof and has shown up again; and it never forgets a pod.
package machine
