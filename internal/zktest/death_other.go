//go:build !linux

package zktest

import "syscall"

// withParent: elsewhere a server ends with its test, or is left behind by a process that was killed.
func withParent() *syscall.SysProcAttr { return nil }
