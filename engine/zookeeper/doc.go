// Package zookeeper is a connection with ZooKeeper that behaves: what waits for an answer waits for a bounded time, the end of the session
// is told, and Close leaves no goroutine behind. engine/store, engine/leader and engine/mesos are made with it;
// it knows nothing of what is kept.
//
// A caller reads an Address with ParseAddress, opens a Conn with Connect, which waits until there is a session, and closes it in the end.
// The methods of a Conn may be called from several goroutines. A connection that breaks is made anew by itself, to whichever server
// answers; the session, with its ephemeral nodes, goes on if that happens within the session timeout. Otherwise Expired is closed.
//
// An operation that fails with an error of which Certain says false may have been carried out. None is ever repeated, except one that was not
// sent at all, and those of which the caller says that it does no harm (Read, Repeat). One that is not answered within the session timeout and
// three seconds fails with ErrTimeout and takes the connection with it: a server that keeps silent for so long would have ended the session. So does one that is not
// answered within a second after the context of its caller (Repeat) has ended: who has to go does not wait for a server.
//
// A Bulk is a second, short session that reads tens of thousands of nodes, from servers that can (3.6 and newer).
//
// Nodes belong to the user whom the address names (digest), who alone may read and write them; without a user to everybody.
package zookeeper
