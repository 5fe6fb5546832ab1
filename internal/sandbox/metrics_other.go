//go:build !linux

package sandbox

import "runtime"

// systemMetrics are those of this machine, as far as Go knows them.
func systemMetrics() map[string]float64 {
	return map[string]float64{"system/cpus_total": float64(runtime.NumCPU())}
}
