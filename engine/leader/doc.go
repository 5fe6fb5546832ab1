// Package leader elects one among the instances of a service, through ZooKeeper.
//
// A caller makes an Election with Join, waits in Await until it leads, works until Lost is closed, and calls Leave in the end, whereupon the next one leads
// at once. While it waits, Leader says who leads: each candidate publishes an address. A candidate that dies is followed by the next one
// when its session ends; one that loses its session may not lead any more and has to join anew.
//
// An election is a hint of who should work, and cannot prevent that a process which was stopped goes on for a moment where it was.
// What does is the epoch of the state (engine/store), which the next leader raises before it reads; and Leading, which a leader asks
// before it acts: it is false as soon as the session may have ended by the server's clock, whether or not that has been heard.
//
// An Election may be used by several goroutines. Join starts one goroutine, which Leave joins.
package leader
