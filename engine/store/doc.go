// Package store keeps the records of the machine durable.
//
// A caller opens a store, loads all records once, gives them to a new machine, and from then on commits the groups of its effects
// one after the other. It sends nothing that depends on a group before Commit of that group has returned nil. In the end it closes
// the store.
//
// OpenBolt keeps records in a file, OpenZooKeeper in ZooKeeper, a node for each; what is there and empty they take for lost, never
// for a fresh start. OpenMemory and Disk keep them in memory, for tests and simulations. Stores do not look at values: their
// encoding, and what a newer one means, is the machine's business. The file, and the nodes, have a format version of their own, and
// a newer one is refused.
//
// A state has one owner. A file is locked by it. In ZooKeeper, and on a Disk, whoever opens the state last owns it: each commit is
// made on the condition that nobody has opened it since, and fails otherwise with ErrDeposed, as does Load. Who gets that error must
// stop: another works.
//
// After a Commit that failed it is not known whether its group is durable (Linux reports a failed write once, and forgets the data).
// The store then refuses everything but Close with that error; a caller opens it anew and starts from what Load gives. A Load that failed counts alike. Groups that
// are refused before anything is written (ErrClosed, a GroupError, a context that was over) do not count as failures.
//
// A connection with ZooKeeper that breaks in the middle of a Commit is no failure: when there is another, the group is sent again, on the same condition,
// which is not met a second time; and who is refused finds in the node of the epoch whether that was by himself. It is a failure when
// there is none for the session timeout and a few seconds, or when the caller's context ends meanwhile.
//
// The methods of a store may be called from several goroutines; commits are carried out one after the other. A store never changes
// what it is given, never deletes a state file, and never repairs a damaged one. Only that in ZooKeeper has goroutines, which Close
// joins.
package store
