// Package offers answers what fits where on a Mesos cluster, what has to be done for it, and if nothing fits, why not.
//
// A caller converts each Mesos offer once into an Offer, then, in each round,
//
//  1. calls Place with what its pods need, most urgent first, all offers that it holds, and all pods that have a place;
//  2. records what each Placement means to use (task id, agent, claim) before anything is sent;
//  3. calls Group, and makes one ACCEPT of each group: the Operations of its placements in their order, each followed by
//     Placement.Launch of the rendered task, unless the placement Grows;
//  4. shows Explain of every result that has no placement.
//
// It may also ask which reservations belong to no pod (Unwanted), and give back those of one (ReleaseClaim).
//
// # Reservations
//
// A requirement with a Claim reserves all that its pod gets, with labels that name framework, service, pod and claim. By
// those, and volumes by their persistence ids, the pod finds its own again in later offers, whatever the agent's id is then.
// Only what is missing is reserved, and what is no longer needed is given back. Two rules keep data safe:
//
//   - What is recorded (Claim.Held, Volume.Prior) and not on offer is never reserved or created a second time: an agent
//     offers what was freed in pieces, and some of them later. The requirement is refused instead.
//   - What is recorded must be known from proof: a task that was launched with it has been heard of from its agent. An
//     operation that Mesos refuses is silent (FACTS 51).
//
// Mesos applies the operations of an ACCEPT in order. If one is refused, those behind it that need it fail as well, so a task
// never runs without what was reserved for it.
//
// # What is counted
//
// Placement constraints, spreading and colocation count pods of Round.Pods and those placed earlier in the round: by pod,
// however many tasks it has, and by exactly its type. A pod comes back to a host that it is bound to, or where something is
// reserved for it, whatever constraints or maintenance windows say by now; any other is placed anew each time.
//
// Offers are those of one round: nothing here remembers an earlier one. Freed resources come back as further small offers
// while a large one is still held, so offers of one agent and one role are looked at together; roles and agents are never
// mixed, because Mesos refuses an ACCEPT that does so.
//
// Resources, with Add, Sub, Contains, Equal and Apply, is Mesos's own algebra, exact and slow. Place works on compact forms
// and is held against it by tests.
//
// What nobody here has a use for is left alone: revocable and shared resources, GPUs, disks other than ROOT and MOUNT, whatever
// others have reserved. Nothing here destroys a volume but Unwanted and ReleaseClaim, and those only propose.
//
// The package is pure: the same arguments give the same answer, whatever the order of offers and pods. It starts no
// goroutine, takes no lock, reads no clock, file or environment, and changes none of its arguments, so its functions may be
// called from several goroutines. It never decides whether a pod should run, only where it could.
package offers
