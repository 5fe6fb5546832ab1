// Package executor holds the session of a custom executor with its Mesos agent over the v1 executor API.
//
// A program that Mesos starts as an executor reads its Config with FromEnviron, makes a Session with New, and calls Run with
// a handler of events. It reports what becomes of its tasks with Update; the session sends updates in the order in which
// they were given, keeps each until the agent says that it is stored, and gives those that are not to the agent again when it
// subscribes the next time. Flush waits until nothing is outstanding. After the event Shutdown nothing more comes: when the
// handler has returned from it, Run waits for what is outstanding, at most for the grace period, and returns.
//
// The handler is called from one goroutine at a time, in the order of the agent, and may take its time: the session goes on
// reading meanwhile. It may call Update and Flush, which may also be called from any other goroutine. Run may be called once.
//
// With checkpointing the session outlives a restart of the agent: it tries to subscribe again until the recovery timeout has
// passed. Without, the end of the event stream is the end of Run, because the agent has given up the tasks. Either way it is
// for the program to end its tasks when Run returns.
//
// To an agent that authenticates executors the session shows the token that the agent gave it, and with one that speaks TLS it does too; both are part
// of the Config that FromEnviron reads. A token that is not taken ends Run with ErrRefused.
//
// The session runs no tasks, keeps nothing on disk, and gives up an update only if the agent refuses it as malformed.
package executor
