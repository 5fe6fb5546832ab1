package zktest

import "syscall"

// withParent lets a server end with the process that started it, however that ends.
func withParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
