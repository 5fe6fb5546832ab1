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
//     started (for a Docker container ImagePulled before it, and ContainerNotRun as one more way to fail), and later ProcessExited for each one that was started. Likewise Checked once for each PerformCheck. None of
//     this for tasks that Config.Script has a Script for: the cluster plays those by itself, in its Ticks.
//  5. Tick when the time that NextWake names has come: offers, heartbeats, retries and timeouts happen there.
//  6. What happens to agents (KillAgent, StopAgent, RebootAgent, StartAgent, PartitionAgent, HealAgent, DisconnectAgent, DelayAgent), to
//     masters (FailOver, StopMaster) and what operators do (MarkAgentGone, DrainAgent, DeactivateAgent, ReactivateAgent,
//     UpdateMaintenance, StartMaintenance, StopMaintenance, or Operate for the calls of their API). An agent is named by the
//     id that it has, or by any that it had before. While Master is not Leading, Call and Operate answer with Unavailable,
//     Subscribe gives no stream, and all else goes on.
//
// After each of these calls the caller carries out the returned effects in their order. An effect that names a stream
// which is closed by now is void.
//
// Config.Journal is told of each of these calls, of its answer and of its effects, while it is carried out.
//
// A Cluster is not safe for concurrent use: the caller holds one lock, or one goroutine, around it. Messages that are
// handed in belong to the cluster from then on, and events that come out share memory with it: the caller changes
// neither, and encodes or copies an event before it lets go of the lock.
//
// What is modelled follows recordings of Mesos 1.12, and is held against them in package tracetest: subscription and
// failover, offers with filters, quotas and turns (share.go, quota.go), LAUNCH and LAUNCH_GROUP with the validation of a
// master, command tasks, task groups and Docker containers with their checks and health checks, custom executors, status
// updates with acknowledgement and retry, reconciliation, teardown. The executors of command tasks and Docker containers,
// and the default executor of groups, are parts of the model; only what runs in their containers is a process. What is not
// modelled is refused as a master refuses what it cannot do: shared and revocable resources, resource providers with their
// CREATE_DISK and DESTROY_DISK.
//
// Reservations and persistent volumes are the agent's: RESERVE, UNRESERVE, CREATE, DESTROY, GROW_VOLUME and
// SHRINK_VOLUME in an ACCEPT change what it has, and that outlives tasks and frameworks. A failed operation is silent, or
// an OPERATION_ERROR if it has an id; a successful one with an id is an OPERATION_FINISHED that the agent repeats until
// it is acknowledged. Offers of one agent may be several, since what is reserved goes to its role and those below it.
// An operator does the same with what is free; what is on offer is taken back for it.
// A RESERVE may give a volume a deeper role, as masters let it since Mesos 1.10: its directory is then another one, and its
// data lost, unless it is a MOUNT disk.
// A caller that starts an agent again gives AddAgent what Restore makes of the last CheckpointResources effect.
//
// Config.Deny is the authorizer of a master with ACLs: what it denies is refused in the master's words, and told to the journal.
//
// # What survives what
//
// There are three places where something is kept, and each ends in its own way.
//
//   - The memory of the master that leads: frameworks with their subscriptions, tasks, offers, filters, timers, which
//     frameworks were removed (50), who was offered something how often. FailOver and StopMaster end it.
//   - The registry: which agents belong to the cluster, which are unreachable since when, which are gone, what operators have
//     drained, deactivated and scheduled, quotas. It outlives masters if Config.Registry is Replicated, but forgets agents that have been
//     unreachable or gone for Config.RegistryAge.
//   - The agents: reservations and volumes, executors and tasks with their state, updates and outcomes of operations that
//     nobody has acknowledged. A new master learns from them which frameworks and tasks there are; such a framework is recovered
//     until its scheduler subscribes. What an agent has of frameworks that do not checkpoint ends with its process, the rest
//     when its machine reboots, and all but what is on its disks when it gets a new id.
//
// Between master and agent messages pass only while they are linked: the agent runs, is registered with this master and
// connected, and no partition is between them. What is sent otherwise is lost, in both directions, but for messages between
// schedulers and executors, which come when the partition ends (message.go). Both sides compare notes
// when the agent registers again: tasks that never arrived are dropped by the agent, a KILL is sent again, executors of
// frameworks that were removed are shut down, and the heads of all queues of updates are repeated, once for the registration
// and once for each connected framework there (recorded: two or three copies within milliseconds).
//
// An agent that does not answer the pings (15 s, five times) becomes unreachable, and its tasks with it; it may come back with
// all of them, also with those that were TASK_LOST for frameworks that are not PARTITION_AWARE. One that a new master knows
// from the registry alone is recovered: nobody hears anything of its tasks until it is back, or until 10 min are over (F57 to
// F63).
package cluster
