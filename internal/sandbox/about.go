package sandbox

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// mesosVersion is that of the Mesos whose recordings the sandbox follows.
const mesosVersion = "1.12.0"

// built is what the sandbox says about when it was built: what that Mesos says.
var built = struct {
	date string
	time float64
}{"2026-11-22 17:10:19 UTC", 1795367419}

func versionInfo() mesos.VersionInfo {
	user := ""
	date, at := built.date, built.time
	return mesos.VersionInfo{Version: mesosVersion, BuildDate: &date, BuildTime: &at, BuildUser: &user}
}

func versionView() object {
	return object{"version": mesosVersion, "build_date": built.date, "build_time": built.time, "build_user": ""}
}

// usualFlags are those of a master that was told nothing.
var usualFlags = map[string]string{
	"agent_reregister_timeout": "10mins", "allocator": "hierarchical", "allocator_agent_recovery_factor": "0.8",
	"allocator_recovery_timeout": "10mins", "authenticate_agents": "false", "authenticate_frameworks": "false",
	"authenticate_http_frameworks": "false", "authenticate_http_readonly": "false", "authenticate_http_readwrite": "false",
	"authentication_v0_timeout": "15secs", "authenticators": "crammd5", "authorizers": "local",
	"filter_gpu_resources": "true", "framework_sorter": "drf", "help": "false", "hostname_lookup": "true",
	"http_authenticators": "basic", "initialize_driver_logging": "true", "log_auto_initialize": "true", "logbufsecs": "0",
	"logging_level": "INFO", "max_completed_frameworks": "50", "max_completed_tasks_per_framework": "1000",
	"max_operator_event_stream_subscribers": "1000", "max_unreachable_tasks_per_framework": "1000",
	"memory_profiling": "false", "min_allocatable_resources": "cpus:0.01|mem:32", "offer_constraints_re2_max_mem": "4KB",
	"offer_constraints_re2_max_program_size": "100", "publish_per_framework_metrics": "true", "quiet": "false",
	"recovery_agent_removal_limit": "100%", "registry_fetch_timeout": "1mins", "registry_gc_interval": "15mins",
	"registry_max_agent_age": "2weeks", "registry_max_agent_count": "102400", "registry_store_timeout": "20secs",
	"registry_strict": "false", "require_agent_domain": "false", "role_sorter": "drf", "root_submissions": "true",
	"version": "false", "zk_session_timeout": "10secs",
}

// masterFlags are those of a master that works as this one does.
func (s *Sandbox) masterFlags() []mesos.Flag {
	host, port, _ := splitAddress(s.MasterAddress())
	flags := maps.Clone(usualFlags)
	for name, value := range map[string]string{
		"hostname": host, "ip": host, "port": port, "registry": "replicated_log",
		"allocation_interval":     cluster.DurationText(cmp.Or(s.cfg.Model.AllocationInterval, s.cfg.AllocationInterval)),
		"agent_ping_timeout":      cluster.DurationText(cmp.Or(s.cfg.Model.PingTimeout, 15*time.Second)),
		"max_agent_ping_timeouts": fmt.Sprint(cmp.Or(s.cfg.Model.PingTimeouts, 5)),
	} {
		flags[name] = value
	}
	if s.cfg.Model.Registry == cluster.InMemory {
		flags["registry"] = "in_memory"
	}
	if timeout := s.cfg.Model.OfferTimeout; timeout > 0 {
		flags["offer_timeout"] = cluster.DurationText(timeout)
	}
	if timeout := s.cfg.Model.ReregisterTimeout; timeout > 0 {
		flags["agent_reregister_timeout"] = cluster.DurationText(timeout)
	}
	if s.authenticates() {
		flags["authenticate_http_frameworks"] = "true"
		flags["authenticate_http_readonly"], flags["authenticate_http_readwrite"] = fmt.Sprint(s.cfg.AuthenticateOperators), fmt.Sprint(s.cfg.AuthenticateOperators)
	}
	return flagList(flags)
}

// agentFlags are the flags of an agent that the sandbox can be said to have.
func (s *Sandbox) agentFlags(a *agentShell) []mesos.Flag {
	return flagList(map[string]string{
		"containerizers": "mesos", "executor_registration_timeout": cluster.DurationText(s.cfg.RegistrationLimit),
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
