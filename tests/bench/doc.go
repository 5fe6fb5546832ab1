// Package bench has the benchmarks of the whole program: serve as a process of its own, with a master that costs next to nothing.
package bench
