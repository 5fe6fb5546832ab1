package sandbox

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"

	"github.com/quobyte/mesos-framework/internal/sandbox/protojson"
)

// The functions of this file turn what the operator API shows into the JSON of the version 0 endpoints, which use other
// names and forms for the same.

// object is a JSON object.
type object = map[string]any

func unixSeconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

func timeView(t *mesos.TimeInfo) float64 {
	if t == nil {
		return 0
	}
	return unixSeconds(time.Unix(0, t.Nanoseconds))
}

// embedded is a message as it is written in the v1 API.
func embedded(message any) json.RawMessage {
	text, err := protojson.Marshal(message)
	if err != nil {
		text = []byte("null") // no Mesos message has a field that can't be written
	}
	return text
}

// listOf is a list of messages as they are written in the v1 API.
func listOf[T any](items []T) []json.RawMessage {
	list := []json.RawMessage{}
	for i := range items {
		list = append(list, embedded(&items[i]))
	}
	return list
}

// resourcesView adds resources up by name. Those that every agent has are always there.
func resourcesView(resources []mesos.Resource) object {
	view := object{"cpus": 0.0, "mem": 0.0, "disk": 0.0, "gpus": 0.0}
	spans := map[string][]mesos.Value_Range{}
	for i := range resources {
		r := &resources[i]
		switch r.GetType() {
		case mesos.SCALAR:
			sum, _ := view[r.Name].(float64)
			view[r.Name] = milli(sum + r.GetScalar().GetValue())
		case mesos.RANGES:
			spans[r.Name] = append(spans[r.Name], r.GetRanges().GetRange()...)
		case mesos.SET:
			view[r.Name] = setView(r.GetSet().GetItem())
		}
	}
	for name, list := range spans {
		view[name] = rangesView(list)
	}
	return view
}

// quantities adds resources up by name, ranges by how many numbers are in them, and leaves out what is not there.
func quantities(resources []mesos.Resource) object {
	view := object{}
	for i := range resources {
		r := &resources[i]
		amount := r.GetScalar().GetValue()
		for _, span := range r.GetRanges().GetRange() {
			amount += float64(span.End - span.Begin + 1)
		}
		sum, _ := view[r.Name].(float64)
		view[r.Name] = milli(sum + amount)
	}
	return view
}

// slaveViews lists agents. Those of /slaves have their resources in full.
func slaveViews(state *master.Response_GetState, full bool) []object {
	views := []object{}
	for i := range state.GetAgents.Agents {
		views = append(views, slaveView(&state.GetAgents.Agents[i], full))
	}
	return views
}

func slaveView(a *master.Response_GetAgents_Agent, full bool) object {
	reserved, unreserved := split(a.TotalResources)
	view := object{
		"id": a.AgentInfo.ID.Value, "hostname": a.AgentInfo.Hostname, "port": a.AgentInfo.GetPort(), "pid": a.GetPID(),
		"attributes": attributesView(a.AgentInfo.Attributes), "active": a.Active, "deactivated": a.GetDeactivated(),
		"version": a.Version, "capabilities": agentCapabilities(a.Capabilities),
		"registered_time": timeView(a.RegisteredTime), "resources": resourcesView(a.TotalResources),
		"used_resources": resourcesView(a.AllocatedResources), "offered_resources": resourcesView(a.OfferedResources),
		"unreserved_resources": resourcesView(unreserved),
	}
	byRole, byRoleFull := object{}, object{}
	for _, role := range slices.Sorted(maps.Keys(reserved)) {
		byRole[role], byRoleFull[role] = resourcesView(reserved[role]), listOf(reserved[role])
	}
	view["reserved_resources"] = byRole
	if a.ReregisteredTime != nil {
		view["reregistered_time"] = timeView(a.ReregisteredTime)
	}
	if a.DrainInfo != nil {
		view["drain_info"] = embedded(a.DrainInfo)
	}
	if a.EstimatedDrainStartTime != nil {
		view["estimated_drain_start_time_seconds"] = a.EstimatedDrainStartTime.Nanoseconds / int64(time.Second)
	}
	if full {
		view["reserved_resources_full"], view["unreserved_resources_full"] = byRoleFull, listOf(unreserved)
		view["used_resources_full"], view["offered_resources_full"] = listOf(a.AllocatedResources), listOf(a.OfferedResources)
	}
	return view
}

// split separates what is reserved, by role, from what is not.
func split(resources []mesos.Resource) (reserved map[string][]mesos.Resource, unreserved []mesos.Resource) {
	reserved = map[string][]mesos.Resource{}
	for _, r := range resources {
		if n := len(r.Reservations); n > 0 {
			role := r.Reservations[n-1].GetRole()
			reserved[role] = append(reserved[role], r)
			continue
		}
		unreserved = append(unreserved, r)
	}
	return reserved, unreserved
}

func attributesView(attributes []mesos.Attribute) object {
	view := object{}
	for _, a := range attributes {
		switch a.Type {
		case mesos.TEXT:
			view[a.Name] = a.GetText().GetValue()
		case mesos.SCALAR:
			view[a.Name] = a.GetScalar().GetValue()
		case mesos.RANGES:
			view[a.Name] = rangesView(a.GetRanges().GetRange())
		}
	}
	return view
}

func agentCapabilities(list []mesos.AgentInfo_Capability) []string {
	names := []string{}
	for _, capability := range list {
		names = append(names, capability.Type.String())
	}
	return names
}

// recoveredViews lists agents of the registry that have not come back.
func recoveredViews(state *master.Response_GetState) []object {
	views := []object{}
	for i := range state.GetAgents.RecoveredAgents {
		a := &state.GetAgents.RecoveredAgents[i]
		views = append(views, object{
			"id": a.GetID().GetValue(), "hostname": a.Hostname, "port": a.GetPort(),
			"attributes": attributesView(a.Attributes), "resources": resourcesView(a.Resources),
		})
	}
	return views
}

func frameworkViews(state *master.Response_GetState) (current, completed []object) {
	current, completed = []object{}, []object{}
	for i := range state.GetFrameworks.Frameworks {
		current = append(current, frameworkView(&state.GetFrameworks.Frameworks[i], state))
	}
	for i := range state.GetFrameworks.CompletedFrameworks {
		completed = append(completed, frameworkView(&state.GetFrameworks.CompletedFrameworks[i], state))
	}
	return current, completed
}

// frameworkHead is what /state-summary shows of a framework too.
func frameworkHead(f *master.Response_GetFrameworks_Framework) object {
	info := &f.FrameworkInfo
	capabilities := []string{}
	for _, capability := range info.Capabilities {
		capabilities = append(capabilities, capability.Type.String())
	}
	view := object{
		"id": info.GetID().GetValue(), "name": info.Name, "hostname": info.GetHostname(), "webui_url": info.GetWebUiURL(),
		"active": f.Active, "connected": f.Connected, "recovered": f.Recovered, "capabilities": capabilities,
		"used_resources": resourcesView(f.AllocatedResources), "offered_resources": resourcesView(f.OfferedResources),
	}
	return view
}

func frameworkView(f *master.Response_GetFrameworks_Framework, state *master.Response_GetState) object {
	info := &f.FrameworkInfo
	id := info.GetID().GetValue()
	of := func(tasks []mesos.Task) []object {
		return taskViews(slices.DeleteFunc(slices.Clone(tasks), func(t mesos.Task) bool { return t.FrameworkID.Value != id }))
	}
	view := frameworkHead(f)
	for key, value := range (object{
		"user": info.User, "failover_timeout": info.GetFailoverTimeout(), "checkpoint": info.GetCheckpoint(),
		"registered_time": timeView(f.RegisteredTime), "unregistered_time": timeView(f.UnregisteredTime),
		"resources": resourcesView(slices.Concat(f.AllocatedResources, f.OfferedResources)),
		"tasks":     of(state.GetTasks.Tasks), "unreachable_tasks": of(state.GetTasks.UnreachableTasks),
		"completed_tasks": of(state.GetTasks.CompletedTasks), "offers": offerViews(f.Offers),
		"executors": executorViews(id, state), "offer_constraints": object{},
	}) {
		view[key] = value
	}
	if info.Principal != nil {
		view["principal"] = *info.Principal
	}
	if timeView(f.ReregisteredTime) != timeView(f.RegisteredTime) {
		view["reregistered_time"] = timeView(f.ReregisteredTime)
	}
	if info.Labels != nil {
		view["labels"] = listOf(info.Labels.Labels)
	}
	if info.Role != nil {
		view["role"] = *info.Role
	} else {
		view["roles"] = append([]string{}, info.Roles...)
	}
	return view
}

func offerViews(offers []mesos.Offer) []object {
	views := []object{}
	for i := range offers {
		o := &offers[i]
		view := object{
			"id": o.ID.Value, "framework_id": o.FrameworkID.Value, "slave_id": o.AgentID.Value,
			"resources": resourcesView(o.Resources),
		}
		if o.AllocationInfo != nil {
			view["allocation_info"] = embedded(o.AllocationInfo)
		}
		views = append(views, view)
	}
	return views
}

func executorViews(framework string, state *master.Response_GetState) []object {
	views := []object{}
	for i := range state.GetExecutors.Executors {
		e := &state.GetExecutors.Executors[i]
		if info := &e.ExecutorInfo; info.GetFrameworkID().GetValue() == framework {
			view := executorView(info)
			view["executor_id"], view["framework_id"], view["slave_id"] = info.ExecutorID.Value, framework, e.AgentID.Value
			view["command"] = commandView(info.Command)
			views = append(views, view)
		}
	}
	return views
}

// executorView is what master and agent both show of an executor.
func executorView(info *mesos.ExecutorInfo) object {
	view := object{"name": info.GetName(), "resources": resourcesView(info.Resources), "role": roleOf(info.Resources)}
	if info.Type != mesos.ExecutorInfo_UNKNOWN {
		view["type"] = info.Type.String()
	}
	if info.Labels != nil {
		view["labels"] = listOf(info.Labels.Labels)
	}
	return view
}

func commandView(command *mesos.CommandInfo) object {
	view := object{"argv": append([]string{}, command.GetArguments()...), "uris": []object{}}
	if command == nil {
		return view
	}
	view["shell"] = command.GetShell()
	if command.Value != nil {
		view["value"] = *command.Value
	}
	if command.Environment != nil {
		view["environment"] = embedded(command.Environment)
	}
	uris := []object{}
	for i := range command.URIs {
		uris = append(uris, object{"value": command.URIs[i].Value, "executable": command.URIs[i].GetExecutable()})
	}
	view["uris"] = uris
	return view
}

func roleOf(resources []mesos.Resource) string {
	for i := range resources {
		if info := resources[i].AllocationInfo; info != nil {
			return info.GetRole()
		}
	}
	return "*"
}

func taskViews(tasks []mesos.Task) []object {
	views := []object{}
	for i := range tasks {
		views = append(views, taskView(&tasks[i]))
	}
	return views
}

func taskView(t *mesos.Task) object {
	statuses := []object{}
	for i := range t.Statuses {
		statuses = append(statuses, statusView(&t.Statuses[i]))
	}
	view := object{
		"id": t.TaskID.Value, "name": t.Name, "framework_id": t.FrameworkID.Value,
		"executor_id": t.GetExecutorID().GetValue(), "slave_id": t.AgentID.Value, "state": t.State.String(),
		"resources": resourcesView(t.Resources), "role": roleOf(t.Resources), "statuses": statuses,
	}
	if t.Labels != nil {
		view["labels"] = listOf(t.Labels.Labels)
	}
	if t.Discovery != nil {
		view["discovery"] = embedded(t.Discovery)
	}
	if t.Container != nil {
		view["container"] = embedded(t.Container)
	}
	if t.HealthCheck != nil {
		view["health_check"] = embedded(t.HealthCheck)
	}
	if t.User != nil {
		view["user"] = *t.User
	}
	return view
}

func statusView(status *mesos.TaskStatus) object {
	view := object{"state": status.State.String(), "timestamp": status.GetTimestamp()}
	if status.Labels != nil {
		view["labels"] = listOf(status.Labels.Labels)
	}
	if container := status.ContainerStatus; container != nil {
		shown := object{}
		if container.ContainerID != nil {
			shown["container_id"] = embedded(container.ContainerID)
		}
		if len(container.NetworkInfos) > 0 {
			shown["network_infos"] = listOf(container.NetworkInfos)
		}
		view["container_status"] = shown
	}
	if status.Healthy != nil {
		view["healthy"] = *status.Healthy
	}
	return view
}
