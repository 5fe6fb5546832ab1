package sandbox

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// systemMetrics are those of this machine, as every process of Mesos shows them.
func systemMetrics() map[string]float64 {
	values := map[string]float64{"system/cpus_total": float64(runtime.NumCPU())}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return values
	}
	const scale = 1 << 16 // of loads
	for i, name := range []string{"system/load_1min", "system/load_5min", "system/load_15min"} {
		values[name] = float64(info.Loads[i]) / scale
	}
	values["system/mem_total_bytes"] = float64(info.Totalram) * float64(info.Unit)
	values["system/mem_free_bytes"] = float64(info.Freeram) * float64(info.Unit)
	return values
}
