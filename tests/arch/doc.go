// Package arch holds the tests of the architecture: which room may import which, what a pure package must not do, and that every
// package is documented. It has no code of its own.
package arch
