// Package tracetest holds the sandbox against recordings of a real Mesos. It has tests only.
//
// Each file of ../testdata/traces is one scenario (see docs/testing.md for how to read and add one). The test sets up a
// sandbox like the cluster of the recording, with virtual time and connections in memory, makes the calls of the recording
// at their times, and compares what comes back, line by line: the same events in the same order, the same fields, texts,
// statuses and headers. Identifiers are translated; times, pids and the like need only be there.
//
// The world around master and agents is played from the recording too: a process starts when the recording says
// TASK_STARTING and ends when it says that the command exited; what somebody did to the cluster stands in notes, each of
// which has an entry in a table of what to do. Files are by subject:
//
//	trace_test.go     the lines of a recording, and what they tell of the cluster that it was made on
//	network_test.go   connections in memory
//	client_test.go    schedulers, operators, executors: calls and streams
//	replay_test.go    going through the lines
//	pairing_test.go   which event is the answer to which line
//	compare_test.go   what has to be alike
//	machine_test.go   processes that follow the recording
//	notes_*_test.go   what a note makes happen, by subject
//	allowed_test.go   what differs on purpose, and why
package tracetest
