// Package protojson writes and reads the JSON dialect of a Mesos master: the one that the generated code of
// mesos-go does not speak.
//
// A master omits every field that is not set, writes doubles with a fraction ("2.0") and infinite ones as strings,
// bytes as base64 and enums by name. When reading, it takes null for "not set", ignores fields and enum names that
// it does not know, accepts quoted numbers, and refuses numbers for enums, strings for messages and bodies that lack
// a required field, naming the path of that field. The texts of these refusals are part of the protocol as clients
// see it, so they are reproduced here.
//
// The caller passes pointers to the generated message structs of mesos-go; the package reads their protobuf struct
// tags. All functions are safe for concurrent use, keep no state, and never retain what they are given.
package protojson
