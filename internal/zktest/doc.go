// Package zktest runs ZooKeeper for tests: the real server, from Debian's package zookeeper, and a proxy that cuts connections when a
// test says so.
//
// A test calls Start, StartUsual for one with an operator's tick, or StartEnsemble for several servers, which skips it with one line where ZooKeeper or Java is missing, and ends the server with the test. NewProxy stands
// between a client and the server.
package zktest
