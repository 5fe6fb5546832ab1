// Package sim tries the machine against thousands of failure schedules: one thread, one queue of events in virtual time, one seed.
//
// A run joins what the framework is made of, without its sockets: the machine with Quobyte's service, the wire mapping, the sandbox's model of a
// cluster, and, played by this package, the session, the store, the processes with their probers, and the daemons of Quobyte themselves.
// Draw makes a Schedule of a seed: hosts, the speed of things, faults and what operators do. Run carries it out and says which of the Invariants
// did not hold. The same schedule gives the same journal, byte for byte. Shrink looks for a smaller schedule that fails in the same way.
//
//	go test ./tests/sim -run TestSeeds -sim.seeds 1000      # more seeds; make sim SEEDS=1000
//	go test ./tests/sim -run TestSeeds -sim.seed 4711 -v    # one seed, with its journal
//
// Schedules that have found a fault are kept in testdata/corpus and run with every test. Deliberate faults of the product that the simulator
// must find are in testdata/mutations.
//
// A run is not safe for concurrent use; several can be run side by side. Nothing in it reads a clock, sleeps, or starts a goroutine.
package sim
