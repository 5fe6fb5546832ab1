// Package quobyte says what Quobyte is to the framework: its pod types, device files, ports, environment, resources, and the
// phases in which it is deployed. It implements machine.Service; the machine knows none of this.
//
// # What the caller does
//
//	settings := quobyte.DefaultSettings()
//	// change what the operator gave flags for
//	for _, w := range settings.Warnings() { … show it … }
//	service, err := quobyte.New(settings) // err names every setting that is wrong, by its flag
//	m, err := machine.New(config, service, records, boot)
//
// # The pod types
//
//	prober      on every host; says which devices the host carries and how its pods are (package quobyte/prober)
//	registry    on every host with a registry device; the bootstrap device's host gets registry-0
//	metadata    on every host with a metadata device
//	data        on every host with a data device
//	api, webconsole, s3
//	            one each, on any host; s3 only with an S3 host name
//	client      on every host where the client mount point exists; only if one is configured
//
// Survey adds up what the probers said. It sees hosts only, never pods: it asks for exactly one bootstrap device among all
// hosts also when registries run already, so the bootstrap device's file must keep its device.bootstrap=true. (Quobyte does
// not change the file.)
//
// # Prober and framework
//
// Two small JSON documents go between a prober and this package. Report travels in the data of the prober's status updates;
// Read decodes it. Watchlist travels in framework messages; Message renders it. A message may be lost in silence, so each
// report carries the HeardDigest of the last message that arrived; the machine compares it with the digest of what Message
// says now and sends again when they differ. Facts are canonical: equal facts are equal bytes.
//
// # Promises
//
// The package is pure: no goroutine, lock, clock, randomness, file, network, environment or log; the same arguments give the
// same answers, byte for byte. A Service is immutable and safe for concurrent use.
//
// It never gives a core pod a health check that could kill it (Mesos kills at consecutive_failures: a lost quorum would make
// it kill the survivors), and it never lets a value reach a shell unquoted. The exceptions are ServerCommand and
// ClientCommand, which are command lines that the operator wrote.
package quobyte
