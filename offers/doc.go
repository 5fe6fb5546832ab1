// Package offers answers what fits where, and if nothing does, why not.
//
// A caller converts each Mesos offer once into an Offer, then
//
//  1. calls Place with what its pods need, most urgent first, and with every offer that it holds;
//  2. calls Group on the results, and turns each Accept into one ACCEPT call;
//  3. shows Explain of every result that has no placement.
//
// Offers are those of one round: nothing here remembers an earlier one. Freed resources come back as further small offers
// while a large one is still held, so offers of one agent and one role are looked at together; roles and agents are never
// mixed, because Mesos refuses an ACCEPT that does so.
//
// The package is pure: the same arguments give the same answer, whatever the order of the pool. It starts no goroutine,
// takes no lock, reads no clock, file or environment, and changes none of its arguments, so its functions may be called
// from several goroutines. It never decides whether a pod should run, only where it could.
package offers
