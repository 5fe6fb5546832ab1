// Package recorder is the flight recorder: it writes down every input of the machine, so that what it decided can be decided
// again, elsewhere and later.
//
// The machine is pure: the same records and the same inputs in the same order give the same effects. A Recorder is told them
// by the engine's loop, and writes them to files; a Player reads the files, feeds a machine with them, and shows what it
// decides.
//
// # Segments
//
// A recording is a directory of segments, recording-00000001.jsonl and so on, that are numbered across starts of the
// framework. Each begins with the whole state of the machine at that moment, so that each can be replayed alone, and old ones
// can be deleted at any time. For the first segment of a process that state is the records that it loaded, from which
// machine.New makes the rest. A later one begins in the middle of the process's life, when the machine also has state that no
// record holds (offers, open questions, what scouts said last): it begins with a machine.Snapshot, which contains that too.
// (The other way would have been a chain, whose later segments need the earlier ones. Then nothing could be deleted but whole
// chains, and a framework that runs for months is one chain.) When several segments are replayed in a row, the machine is
// built anew from each snapshot, after it was compared with the state that replay has come to. So restoring is tested by every
// replay.
//
// A segment is JSON, an object in a line, named by its only key:
//
//	segment   format, versions, settings; always the first
//	record    a record, as it was loaded or as it would be written
//	part      a part of the state that no record holds; not in the first segment of a process
//	begin     the snapshot is complete; the digest of the state
//	take      an event, and when it was taken
//	decide    time and random number of a decision, which ends the batch of the events before it; a digest of its effects,
//	          and now and then one of the state
//	end       why no more follows. After a kill it is missing, and the line before may be torn
//
// Events are JSON too, with a name for their type. One that JSON can't carry to the byte (text that is not UTF-8, a time
// beyond year 9999) is encoded with gob instead. Closed segments are compressed with gzip. The format is numbered, and a newer
// one is refused.
//
// # What it costs
//
// The loop only appends to a list and hands it over; a goroutine of its own (Run) encodes, compresses and writes, and flushes
// when it has nothing more to do, which is after each decision unless the next one is waiting already. It does not sync: a
// kill of the process loses at most what is in the queue, a power cut what the system had not written. The queue is bounded:
// when writing does not keep up, events are lost rather than the loop slowed. Then the segment ends, and when the queue is
// empty a new one begins with a snapshot. The digest of the state is computed in the loop, and so are snapshots; that is why
// they are rare.
//
// An error of writing (a full disk, for instance) ends the recording, with a warning. Nothing here ever ends the framework, nor keeps it from ending:
// a disk that hangs is waited for five seconds, when a recording begins, which then is an error, and when it ends. Whoever is in a system call can't
// be joined; Run, or the goroutine that claims the directory, is then left behind, and ends with the process.
//
// # Secrets
//
// The settings are given without what could be secret (see Config.Settings); fingerprints that the service computes from them
// are recorded, and stand in for those that a service with redacted settings would compute. Of a call that failed, only what
// it was about is kept, not how tasks were to run.
//
// # Concurrency
//
// Run is called once, in a goroutine of the engine's. The other methods of a Recorder are called by one goroutine, that of the
// loop. A Player belongs to one goroutine and starts none.
package recorder
