// Package wire maps between our own small types and the protobuf messages of the Mesos v1 scheduler API.
//
// A session encodes its subscription with Subscribe and everything else with Call, and hands every record of the event
// stream to Decoder.Event. The mapping loses what we do not use: reserved, revocable and shared resources and disks with a
// source are not part of an offer's free resources, and inverse offers are skipped with a note.
//
// Judge says what a master means by its answer to a call.
//
// Offers come by the ten thousands, so they are read from the bytes of their event rather than by way of mesos-go's messages, with the
// same outcome (offerbytes.go).
//
// The package is pure: same arguments, same bytes; it may be used from any goroutine. It never fails on what a newer
// master may send (unknown event types, states, reasons), only on bytes that are not an event. mesos-go's types do not
// appear in its API. Facts about Mesos are from its 1.x protocol documentation and from recordings of a 1.12 master.
package wire
