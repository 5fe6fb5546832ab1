// Package build says which build of the project runs: what make has stamped it with, or else what the Go tool has recorded.
//
// Its functions may be called from any goroutine, and always say the same. It never looks at files or at the repository.
package build
