// Package client asks the framework's HTTP API, for the CLI and for other callers in Go.
//
// A caller makes a Client with New and calls its methods; each takes a context that bounds it, and returns errors of the types
// in errors.go, which tell apart what a caller may want to treat differently: the server can't be reached, the name does not
// exist, there is nothing to do, the plan has changed, the server refuses, the access is denied. All their texts are one line and
// say what to do.
//
// A Client may be used by any number of goroutines. It keeps no state between calls, starts no goroutine that outlives one,
// never repeats a verb by itself, and sends its token nowhere but to its own URL.
package client
