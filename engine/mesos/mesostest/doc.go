// Package mesostest is a master for benchmarks, which costs next to nothing itself.
//
// The caller makes a Master with a number of hosts, serves it over HTTP, and lets a framework subscribe. Each Offer sends what the hosts offer, in
// one event that was encoded once, and a value comes from Declined when all of it was declined. StorageOffer is one such offer.
//
// Methods may be called from several goroutines, but only one may wait for Declined. It checks nothing that a master checks, launches nothing and
// tells nothing but what Told says: whoever wants a master to be right about anything takes the sandbox.
package mesostest
