package sandbox

import (
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func splitAddress(address string) (host, port string, err error) { return net.SplitHostPort(address) }

// metrics answers /metrics/snapshot.
func (s *Sandbox) metrics(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.masterMetrics()) }

// masterMetrics are those of a master's metrics that follow from its state and from what it has done, under its names.
func (s *Sandbox) masterMetrics() map[string]float64 {
	state, _, started := s.state()
	values := map[string]float64{
		"master/elected": s.elected(), "master/uptime_secs": max(0, unixSeconds(time.Now())-started),
		"master/frameworks_active": 0, "master/frameworks_connected": 0, "master/frameworks_inactive": 0,
		"master/frameworks_disconnected": 0, "master/outstanding_offers": 0, "master/slaves_active": 0,
		"master/slaves_connected": 0, "master/slaves_inactive": 0, "master/slaves_disconnected": 0,
		"master/slaves_unreachable": float64(s.unreachable()),
	}
	for _, name := range []string{"killing", "running", "staging", "starting", "unreachable"} {
		values["master/tasks_"+name] = 0
	}
	for _, t := range everyTask(state) {
		name := "master/tasks_" + strings.ToLower(strings.TrimPrefix(t.State.String(), "TASK_"))
		if _, active := values[name]; active {
			values[name]++
		}
	}
	s.countersInto(values)
	for i := range state.GetFrameworks.Frameworks {
		f := &state.GetFrameworks.Frameworks[i]
		values["master/outstanding_offers"] += float64(len(f.Offers))
		count(values, "master/frameworks_", "active", "inactive", f.Active)
		count(values, "master/frameworks_", "connected", "disconnected", f.Connected)
	}
	for i := range state.GetAgents.Agents {
		a := &state.GetAgents.Agents[i]
		count(values, "master/slaves_", "active", "inactive", a.Active)
		values["master/slaves_connected"]++
	}
	resourceMetrics(values, state)
	for name, value := range systemMetrics() {
		values[name] = value
	}
	return values
}

// countersInto adds what the master has counted, and what each framework has.
func (s *Sandbox) countersInto(values map[string]float64) {
	s.mu.Lock()
	counters, frameworks, allocator := s.cluster.Counters(), s.cluster.FrameworksCounters(), s.cluster.AllocatorMetrics()
	s.timings().runs.into(values, "allocator/mesos/allocation_run_ms")
	s.timings().late.into(values, "allocator/mesos/allocation_run_latency_ms")
	s.mu.Unlock()
	for name, value := range allocator {
		values["allocator/mesos/"+name] = value
	}
	steps := float64(s.waiting.steps.Load())
	for name, value := range map[string]float64{ // master and allocator are one here, and agents send no messages that could wait
		"master/event_queue_dispatches": steps, "allocator/event_queue_dispatches": steps, "allocator/mesos/event_queue_dispatches": steps,
		"master/event_queue_http_requests": float64(s.waiting.requests.Load()), "master/event_queue_messages": 0,
	} {
		values[name] = value
	}
	for name, value := range counters {
		values["master/"+name] = value
	}
	for _, f := range frameworks {
		if f.Principal != "" { // messages of frameworks that use libprocess: there are none
			values["frameworks/"+f.Principal+"/messages_received"], values["frameworks/"+f.Principal+"/messages_processed"] = 0, 0
		}
		for name, value := range f.Values {
			values["master/frameworks/"+percentEncoded(f.Name)+"/"+f.ID+"/"+name] = value
		}
	}
}

// percentEncoded writes a name as it may stand in the name of a metric.
func percentEncoded(name string) string { return strings.ReplaceAll(url.QueryEscape(name), "+", "%20") }

// elected is 1 for a master that leads.
func (s *Sandbox) elected() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cluster.Master() == cluster.Leaderless {
		return 0
	}
	return 1
}

func count(values map[string]float64, prefix, yes, no string, is bool) {
	if is {
		values[prefix+yes]++
		return
	}
	values[prefix+no]++
}

func resourceMetrics(values map[string]float64, state *master.Response_GetState) {
	for _, name := range []string{"cpus", "mem", "disk", "gpus"} {
		var total, used, offered float64
		for i := range state.GetAgents.Agents {
			total += scalarOf(state.GetAgents.Agents[i].TotalResources, name)
			used += scalarOf(state.GetAgents.Agents[i].AllocatedResources, name)
			offered += scalarOf(state.GetAgents.Agents[i].OfferedResources, name)
		}
		if total > 0 {
			values["allocator/mesos/resources/"+name+"/total"] = milli(total)
			values["allocator/mesos/resources/"+name+"/offered_or_allocated"] = milli(used + offered)
		}
		for _, what := range []string{"percent", "total", "used"} {
			values["master/"+name+"_revocable_"+what] = 0
		}
		values["master/"+name+"_total"], values["master/"+name+"_used"] = milli(total), milli(used)
		values["master/"+name+"_percent"] = 0
		if total > 0 {
			values["master/"+name+"_percent"] = used / total
		}
	}
}

func scalarOf(resources []mesos.Resource, name string) (sum float64) {
	for i := range resources {
		if resources[i].Name == name {
			sum += resources[i].GetScalar().GetValue()
		}
	}
	return sum
}

// metricList is metrics in the form of the operator API.
func metricList(values map[string]float64) []mesos.Metric {
	var list []mesos.Metric
	for _, name := range sortedKeys(values) {
		value := values[name]
		list = append(list, mesos.Metric{Name: name, Value: &value})
	}
	return list
}
