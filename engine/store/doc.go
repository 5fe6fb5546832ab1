// Package store keeps the records of the machine durable.
//
// A caller opens a store, loads all records once, gives them to a new machine, and from then on commits the groups of its
// effects one after the other. It sends nothing that depends on a group before Commit of that group has returned nil. In
// the end it closes the store.
//
// OpenBolt keeps records in a file, and takes an empty file for one that was lost, never for a fresh start; OpenMemory and Disk keep them in memory, for tests and simulations. Stores do not look
// at values: their encoding, and what a newer one means, is the machine's business. The file has a format version of its
// own, and a file with a newer one is refused.
//
// After a Commit that failed it is not known whether its group is durable (Linux reports a failed write once, and forgets
// the data). The store then refuses everything but Close with that error; a caller opens it anew and starts from what Load
// gives. A Load that failed counts alike. Groups that are refused before anything is written (ErrClosed, a GroupError, a
// context that was over) do not count as failures.
//
// The methods of a store may be called from several goroutines; commits are carried out one after the other. A store
// starts no goroutine, never changes what it is given, never deletes a state file, and never repairs a damaged one.
package store
