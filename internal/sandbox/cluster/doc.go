// Package cluster is a model of a Mesos master with its agents: what they decide and say, without any doing.
//
// It is pure: no goroutines, locks, clock, randomness, files or network. Time comes in with every call, identifiers
// come from Config.NewID, and everything that is to happen in the world comes out as a list of effects. The same
// calls give the same effects, byte for byte, so that a test can be read as a story and a simulator can run
// thousands of them in one thread.
//
// The caller does this, always with a time that never goes back:
//
//  1. New, then AddAgent for each agent.
//  2. Subscribe for each SUBSCRIBE call of a scheduler, Call for every other call of one, Disconnect when the
//     connection that carries a subscription ends by itself. Offer constraints, which the generated calls have no place
//     for, come with SubscribeConstrained and CallConstrained; CallConstraints reads them.
//  3. ExecutorSubscribe, ExecutorCall and ExecutorDisconnect likewise for the v1 executor API of an agent.
//  4. ProcessStarted once for each StartProcess effect, or ProcessFailed or ContainerRefused if it could not be
//     started, and later ProcessExited for each one that was started. Likewise Checked once for each PerformCheck. None of
//     this for tasks that Config.Script has a Script for: the cluster plays those by itself, in its Ticks.
//  5. Tick when the time that NextWake names has come: offers, heartbeats, retries and timeouts happen there.
//
// After each of these calls the caller carries out the returned effects in their order. An effect that names a stream
// which is closed by now is void.
//
// A Cluster is not safe for concurrent use: the caller holds one lock, or one goroutine, around it. Messages that are
// handed in belong to the cluster from then on, and events that come out share memory with it: the caller changes
// neither, and encodes or copies an event before it lets go of the lock.
//
// What is modelled follows recordings of Mesos 1.12: subscription and failover, offers with filters, LAUNCH and
// LAUNCH_GROUP with the validation of a master, command tasks and task groups with their checks and health checks, custom
// executors, status updates with acknowledgement and retry, reconciliation, teardown. The executor of a command task and
// the default executor of groups are parts of the model; only what runs in their containers is a process. What is not
// modelled is refused as a master refuses what it cannot do: Docker containers (the task fails), shared and revocable
// resources, resource providers with their CREATE_DISK and DESTROY_DISK.
//
// Reservations and persistent volumes are the agent's: RESERVE, UNRESERVE, CREATE, DESTROY, GROW_VOLUME and
// SHRINK_VOLUME in an ACCEPT change what it has, and that outlives tasks and frameworks. A failed operation is silent, or
// an OPERATION_ERROR if it has an id; a successful one with an id is an OPERATION_FINISHED that the agent repeats until
// it is acknowledged. Offers of one agent may be several, since what is reserved goes to its role and those below it.
// A caller that starts an agent again gives AddAgent what Restore makes of the last CheckpointResources effect.
package cluster
