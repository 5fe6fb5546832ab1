// Package sandbox is a Mesos-compatible cluster in one process: masters, and agents on loopback addresses of their
// own, that run tasks as real processes. It is what the demo deploys to and what tests speak to over real HTTP.
//
// The caller makes hosts with MakeHosts (or brings its own), gives them to Start as agents, and speaks the v1
// scheduler API to MasterAddress. Close, or the end of the context, kills every task and joins every goroutine; Wait
// blocks until that has happened.
//
// The decisions are made in the pure package cluster; this package is the shell around it: sockets, clock, processes
// and files. One lock orders everything that happens, streams have queues of their own, and a slow reader delays
// nobody. All methods are safe for concurrent use.
//
// One master leads. Config.Standbys are addresses of others: they send everybody to the leader, and one of them leads after a
// failover. The model knows one master only, which moves. Processes have nothing to do with masters, nor with the agents
// that the model plays: they outlive the failover of a master, and the end of an agent if their framework checkpoints. What
// can be done to masters, agents, calls and streams is in package fault, and done by Inject, over HTTP below /sandbox/ at a
// master's address, or by quobyte-mesos sandbox fault.
//
// A task is run by a supervisor, a child process that the caller names in Config.Supervisor and that must call
// Supervise. It holds the read end of a pipe whose only write end is in this process; when that closes, for whatever
// reason, it kills the task and all of its descendants. So nothing outlives the sandbox, not even when that is killed.
//
// Tasks run as the user that the framework or their command names, if the sandbox runs as root; otherwise only its own user
// is accepted. What was fetched for a task is removed when it has ended; its stdout and stderr stay.
//
// An agent keeps its id in its work directory, as one of Mesos does: started again with the same directories, the sandbox
// is to its frameworks a cluster whose machines have rebooted. Its master has a new id, so that offers of before are void.
// Frameworks are taken with the ids that they bring, and a task that ran is TASK_GONE when its framework asks for it with
// the agent's id, TASK_UNKNOWN without. Reservations and persistent volumes with their data are the agent's, and stay. All
// else is lost: the tasks, updates that nobody had acknowledged (no FAILURE and no update tells of the end of the tasks),
// which frameworks were removed, and filters and suppressed roles, which Mesos forgets as well.
//
// A persistent volume is a directory below the agent's work directory, or the disk itself if it is a MOUNT disk; a task
// finds a link to it where it asked for it. Nothing keeps a task within the size of its volumes.
//
// Checks and health checks are performed for real: a command as the task is run, with its user, directory and environment,
// what it prints being lost; HTTP and TCP at the address of the task's agent. The tasks of a group have directories within
// that of their executor. The executors that are a part of Mesos have no processes of their own: they are a part of the
// model.
//
// There is no Docker. Config.Images names commands that are run in place of images, with the words of the executors that
// run containers: see there for what such a command gets. Nothing of the host is mounted for it.
//
// Things go wrong on purpose: Inject, Faults and ClearFaults are for this process, the endpoints below /sandbox of the
// master's listener for others, Remote speaks to them, and package fault lists what there is. Faults of agents and masters
// are calls of the model; those of calls and streams are of this package.
//
// Config.Credentials, ServiceAccounts and what follows them say who has to show who he is, and Config.TLS that masters and agents speak TLS, with
// certificates that MakeCertificates makes. That is asked at the sockets; the model knows nothing of it but principals.
//
// What the sandbox never does: isolate tasks from each other or limit what they use, mount anything, pull images, or unpack
// archives.
package sandbox
