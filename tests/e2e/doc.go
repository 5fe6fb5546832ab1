// Package e2e holds the tests that run the real programs: processes, sockets, files, signals. They wait on conditions and never sleep for
// a fixed time. It has no code of its own.
package e2e
