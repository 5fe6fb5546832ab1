// Package pipenet is a network in memory for tests: servers listen at names, and clients dial them through net.Pipe.
//
// A test makes a Network, serves Listeners of it and gives Dial to what it tests. Because nothing leaves the process, all
// of it works inside a testing/synctest bubble, where a real socket would stop the clock. A Network may be used from any
// goroutine. It never delays, loses or reorders anything by itself.
package pipenet
