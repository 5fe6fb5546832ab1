//go:build !linux

package sandbox

import (
	"fmt"
	"os"
	"runtime"
)

// SuperviseInherited refuses: only Linux can promise that nothing outlives a supervisor.
func SuperviseInherited(args []string) int { return Supervise(args, nil, nil) }

// Supervise refuses: only Linux can promise that nothing outlives a supervisor.
func Supervise([]string, *os.File, *os.File) int {
	fmt.Fprintf(os.Stderr, "supervisor: the sandbox runs tasks on Linux only, this is %s\n", runtime.GOOS)
	return 2
}
