// Package standin runs in place of the proprietary Quobyte server image, so that a deployment can be demonstrated and
// tested on any Linux machine. One call of [Run] is one Quobyte service, chosen and configured by the environment that
// the real image takes (QUOBYTE_SERVICE, QUOBYTE_REGISTRY, the ports, HOST_IP, …; [Settings] lists them all).
//
// # What the caller does
//
//  1. Fill a [Config]; its zero values are usable as they are.
//  2. Call [Run] with a context that ends on SIGTERM. Run tells every problem of the environment at once, opens the
//     HTTP status port, lets the start delay pass, opens the other ports and serves until the context ends.
//  3. A nil error means that the context ended and everything was shut down, which takes less than a second.
//
// # What it imitates
//
// The order in which services become healthy, since that is what a rollout waits for. A registry whose device carries
// device.bootstrap=true starts a replica set of one; the others join it, one by one, at a member that has a healthy
// majority. A registry is healthy when a majority of its replica set is up; every other service is healthy when it
// reaches a healthy registry. The replica set is kept in a file on the registry's device, so that a restart rejoins
// under the same id (the serial number of the device).
//
// The stand-ins talk plain HTTP and JSON on their RPC ports; Quobyte's own protocol is not public.
//
// # Concurrency
//
// Run starts goroutines and joins all of them before it returns. Any number of Runs may live in one process, provided
// that their addresses and device directories differ: there is no package-level state.
//
// # What it never does
//
// It stores no user data and mounts no file system. It never listens on all interfaces. Its replica set is not a
// consensus protocol: the higher version of the member list wins, which suffices to rehearse the loss and return of a
// quorum, and for nothing else.
package standin
