package sandbox

import (
	"fmt"
	"net/http"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// mesosVersion is that of the Mesos whose recordings the sandbox follows.
const mesosVersion = "1.12.0"

// built is what the sandbox says about when it was built: the same for ever, since nobody is to depend on it.
var built = struct {
	date string
	time float64
}{"1970-01-01 00:00:00 UTC", 0}

func versionInfo() mesos.VersionInfo {
	user := ""
	date, at := built.date, built.time
	return mesos.VersionInfo{Version: mesosVersion, BuildDate: &date, BuildTime: &at, BuildUser: &user}
}

func versionView() object {
	return object{"version": mesosVersion, "build_date": built.date, "build_time": built.time, "build_user": ""}
}

// masterFlags are the flags of a master that the sandbox can be said to have.
func (s *Sandbox) masterFlags() []mesos.Flag {
	host, port, _ := splitAddress(s.MasterAddress())
	return flagList(map[string]string{
		"allocation_interval": durationFlag(s.cfg.AllocationInterval), "allocator": "hierarchical",
		"agent_ping_timeout": "15secs", "max_agent_ping_timeouts": "5", "agent_reregister_timeout": "10mins",
		"authenticate_agents": "false", "authenticate_frameworks": "false", "authenticate_http_frameworks": "false",
		"authenticate_http_readonly": "false", "authenticate_http_readwrite": "false", "hostname": host, "ip": host,
		"port": port, "registry": "in_memory", "max_completed_frameworks": "50",
		"max_completed_tasks_per_framework": "1000", "min_allocatable_resources": "cpus:0.01|mem:32",
	})
}

// agentFlags are the flags of an agent that the sandbox can be said to have.
func (s *Sandbox) agentFlags(a *agentShell) []mesos.Flag {
	return flagList(map[string]string{
		"containerizers": "mesos", "executor_registration_timeout": durationFlag(s.cfg.RegistrationLimit),
		"hostname": a.Hostname, "ip": a.IP, "isolation": "posix/cpu,posix/mem", "launcher": "posix",
		"master": s.MasterAddress(), "port": fmt.Sprint(a.Port), "switch_user": "true", "work_dir": a.WorkDir,
	})
}

func flagList(flags map[string]string) []mesos.Flag {
	var list []mesos.Flag
	for _, name := range sortedKeys(flags) {
		value := flags[name]
		list = append(list, mesos.Flag{Name: name, Value: &value})
	}
	return list
}

func flagView(flags []mesos.Flag) map[string]string {
	view := map[string]string{}
	for _, flag := range flags {
		view[flag.Name] = flag.GetValue()
	}
	return view
}

func (s *Sandbox) flags(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, object{"flags": flagView(s.masterFlags())})
}

// durationFlag writes a duration in the way of Mesos.
func durationFlag(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprintf("%dsecs", d/time.Second)
	}
	return fmt.Sprintf("%dms", d/time.Millisecond)
}
