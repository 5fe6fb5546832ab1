// Package direct speaks with a model of a cluster (package cluster) in the bytes that would be on the wire, without a wire: for who plays a
// scheduler and its executors in the same thread, as a simulator does, and must not know the messages of the sandbox.
//
// The caller makes a Cluster of a model, hands calls to Subscribe and Call as protobuf, plays processes with Started, Failed and Exited, and executors with
// ExecutorSubscribe and ExecutorUpdate. Each of these returns what there is to do, in order, as Effects.
//
// A Cluster is as safe for concurrent use as the model: not at all. The package is pure: it starts nothing and reads no clock, and the same
// calls give the same effects, byte for byte.
package direct
