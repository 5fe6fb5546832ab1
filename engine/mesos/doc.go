// Package mesos holds the session of a framework with a Mesos master over the v1 scheduler API.
//
// A caller makes a Session with New, which tells everything that is wrong with the Config at once, and calls Run, which
// finds the leading master, subscribes, hands events to a sink and does it again whenever the subscription is lost,
// until the context ends or trying again is pointless. Send queues a call for the subscription of the moment. Stats
// counts what happens.
//
// Masters are candidates that are asked in turn and redirect to the leader, or a Detector tells who leads: ZooKeeper
// watches where masters contend. While it knows of nobody, the session waits; when it names another leader, the
// subscription with the old one is ended. It stands while ZooKeeper is out of reach, or says that nobody leads: a
// master that leads no more says so itself.
//
// Credentials go into the Authorization header of requests to masters that were configured or detected, never to
// whoever a redirect names, and never over http if it leads away from https. A 401 is answered once, if the Credentials
// know better then. Basic is a principal with a secret, ServiceAccount logs in to DC/OS.
//
// The first subscription of an older framework is followed by UPDATE_FRAMEWORK with the same settings, before anybody
// hears of it: SUBSCRIBE changes all settings but the user and checkpoint, of which it says nothing, and
// UPDATE_FRAMEWORK tells.
//
// Who has no framework id asks the operator API of the leading master, before each SUBSCRIBE, for frameworks of the same name. Any that has tasks,
// executors, operations or reservations, had any, or is of an earlier master's time, ends Run with ErrNamesake, whatever its principal and its
// roles: those are what operators change. So does what shows our service under another name (wire.Remains). One that is only connected
// is waited for. One that an earlier SUBSCRIBE left behind because its id was lost is torn down: it has our principal and roles; the present
// master made its id, so that it knows all that it ever had; it never had anything; and nobody subscribed with it between two
// looks half a minute apart. If it is such a one but for its principal or roles, it is left to itself, with a warning. Where the API can't be
// asked, that is logged, and a new framework is made. Operator calls carry our credentials by the same rules as all others.
//
// The order of events is a promise: for each subscription Subscribed comes first and Disconnected last, and nothing of it comes after. An
// attempt that fails yields a Disconnected alone, and so does one that waits half a minute because of an orphan. All offers of a subscription
// die with it. What Send was given for it and was not sent is dropped in silence: who reads Disconnected must take the outcome of everything
// under way as unknown. The framework id of Subscribed must be durable before anything else is done with it.
//
// The sink is called from one goroutine at a time. It may block, which is how a busy caller slows the intake: the
// session reads nothing meanwhile, and what the master says waits in the connection. So it is while more than
// Config.QueuedCalls calls wait. Such a time is not taken for silence of the master: only time spent waiting for bytes
// is. But news waits as well, that the subscription has ended included, and Run does not return before the sink does.
// The sink may call Send. Send may be called from any goroutine; it never blocks. Run may be called once at a time.
//
// Calls travel in two lanes (machine.Ordered says in which): one at a time in the order in which they were sent, or up
// to 32 at once. A call that fails yields CallFailed and leaves the subscription alone, unless the answer says that
// there is none any more, or the call was an ACCEPT that the master may or may not have carried out: then the session
// ends the subscription, because only a new one makes the offers of a late copy invalid. It does so before it tells, so
// that no question that comes of it is asked of the old one. Redirects are followed with every call.
//
// To exclude hosts from offers is to say all that the framework says of itself once more, since UPDATE_FRAMEWORK replaces it (wire.ExcludeHosts). A
// master that forbids it has refused a call; the subscription stands.
//
// A master that hangs may find a SUBSCRIBE in a socket that the session gave up long ago, and then ends the present
// subscription with "Framework failed over" although nobody else is there. So the first failover after a SUBSCRIBE that
// stayed without an answer is not fatal, unless the subscription had stood for five minutes.
//
// The session never tears down its own framework, never sends a call twice (one that was refused for its credentials was not looked at), never
// acknowledges, declines or reconciles by itself, and keeps nothing on disk.
package mesos
