package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	"github.com/mesos/mesos-go/api/v1/lib/quota"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// state is what the master knows. It shares nothing that changes with the cluster.
func (s *Sandbox) state() (state *master.Response_GetState, info *mesos.MasterInfo, started float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	about := s.cluster.About()
	return s.cluster.State(), about.MasterInfo, about.GetStartTime()
}

// unreachable is how many agents the master has given up.
func (s *Sandbox) unreachable() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cluster.Unreachable()
}

func (s *Sandbox) version(w http.ResponseWriter, _ *http.Request) { writeJSON(w, versionView()) }

// masterState answers /state. What a query asks for is ignored, as a master does.
func (s *Sandbox) masterState(w http.ResponseWriter, _ *http.Request) {
	state, info, started := s.state()
	view := versionView()
	for key, value := range (object{
		"start_time": started, "elected_time": started, "id": info.ID, "pid": info.GetPID(), "hostname": info.GetHostname(),
		"leader": info.GetPID(), "leader_info": object{
			"id": info.ID, "pid": info.GetPID(), "port": info.GetPort(), "hostname": info.GetHostname(),
		},
		"capabilities": masterCapabilities(info), "flags": flagView(s.masterFlags()),
		"slaves": slaveViews(state, false), "recovered_slaves": recoveredViews(state),
		"orphan_tasks": []object{}, "unregistered_frameworks": []object{},
	}) {
		view[key] = value
	}
	view["frameworks"], view["completed_frameworks"] = s.frameworkViews(state)
	active := 0
	for _, a := range state.GetAgents.Agents {
		if a.Active {
			active++
		}
	}
	view["activated_slaves"], view["deactivated_slaves"] = active, len(state.GetAgents.Agents)-active
	view["unreachable_slaves"] = s.unreachable()
	writeJSON(w, view)
}

func masterCapabilities(info *mesos.MasterInfo) []string {
	names := []string{}
	for _, capability := range info.Capabilities {
		name, known := mesos.MasterInfo_Capability_Type_name[int32(capability.Type)]
		if !known {
			name = "QUOTA_V2" // the only one that is newer than the generated types
		}
		names = append(names, name)
	}
	return names
}

// slaves answers /slaves, of one agent if the query names it.
func (s *Sandbox) slaves(w http.ResponseWriter, r *http.Request) {
	state, _, _ := s.state()
	if id := r.FormValue("slave_id"); id != "" {
		keep(&state.GetAgents.Agents, func(a *master.Response_GetAgents_Agent) bool { return a.AgentInfo.ID.Value == id })
	}
	writeJSON(w, object{"slaves": slaveViews(state, true), "recovered_slaves": recoveredViews(state)})
}

// frameworks answers /frameworks, of one framework if the query names it.
func (s *Sandbox) frameworks(w http.ResponseWriter, r *http.Request) {
	state, _, _ := s.state()
	if id := r.FormValue("framework_id"); id != "" {
		named := func(f *master.Response_GetFrameworks_Framework) bool { return f.FrameworkInfo.ID.Value == id }
		keep(&state.GetFrameworks.Frameworks, named)
		keep(&state.GetFrameworks.CompletedFrameworks, named)
	}
	current, completed := s.frameworkViews(state)
	writeJSON(w, object{
		"frameworks": current, "completed_frameworks": completed, "unregistered_frameworks": []object{},
	})
}

// frameworkViews adds what the generated types have no place for.
func (s *Sandbox) frameworkViews(state *master.Response_GetState) (current, completed []object) {
	current, completed = frameworkViews(state)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.cluster.Snapshot().Frameworks {
		for _, view := range current {
			if view["id"] == f.ID && f.Constraints != nil {
				view["offer_constraints"] = embedded(f.Constraints)
			}
		}
	}
	return current, completed
}

func keep[T any](list *[]T, wanted func(*T) bool) {
	*list = slices.DeleteFunc(*list, func(item T) bool { return !wanted(&item) })
}

// stateSummary answers /state-summary: agents and frameworks with counts of tasks by state.
func (s *Sandbox) stateSummary(w http.ResponseWriter, _ *http.Request) {
	state, info, _ := s.state()
	view := object{"hostname": info.GetHostname()}
	known := map[string]bool{} // tasks of frameworks that are gone do not count
	for i := range state.GetFrameworks.Frameworks {
		known[state.GetFrameworks.Frameworks[i].FrameworkInfo.GetID().GetValue()] = true
	}
	tasks := everyTask(state)
	keep(&tasks, func(t *mesos.Task) bool { return known[t.FrameworkID.Value] })
	slaves, frameworks := []object{}, []object{}
	for i := range state.GetAgents.Agents {
		id := state.GetAgents.Agents[i].AgentInfo.ID.Value
		slaves = append(slaves, summary(slaveView(&state.GetAgents.Agents[i], false), "framework_ids", tasks,
			func(t *mesos.Task) (bool, string) { return t.AgentID.Value == id, t.FrameworkID.Value }))
	}
	for i := range state.GetFrameworks.Frameworks {
		f := &state.GetFrameworks.Frameworks[i]
		id := f.FrameworkInfo.ID.Value
		frameworks = append(frameworks, summary(frameworkHead(f), "slave_ids", tasks,
			func(t *mesos.Task) (bool, string) { return t.FrameworkID.Value == id, t.AgentID.Value }))
	}
	view["slaves"], view["frameworks"] = slaves, frameworks
	writeJSON(w, view)
}

// everyTask lists the tasks of a state, those that have ended last.
func everyTask(state *master.Response_GetState) []mesos.Task {
	return slices.Concat(state.GetTasks.Tasks, state.GetTasks.UnreachableTasks, state.GetTasks.CompletedTasks)
}

// summary adds to a view how many tasks it has in each state, and the ids of what they belong to on the other side.
func summary(view object, others string, tasks []mesos.Task, belongs func(*mesos.Task) (bool, string)) object {
	counts := map[string]int{}
	ids := []string{}
	for i := range tasks {
		mine, other := belongs(&tasks[i])
		if !mine {
			continue
		}
		counts[tasks[i].State.String()]++
		if !slices.Contains(ids, other) {
			ids = append(ids, other)
		}
	}
	for _, name := range []string{"TASK_STAGING", "TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_FINISHED",
		"TASK_KILLED", "TASK_FAILED", "TASK_LOST", "TASK_ERROR", "TASK_UNREACHABLE"} {
		view[name] = counts[name]
	}
	view[others] = ids
	return view
}

// tasks answers /tasks: all that the master remembers, at most "limit" (100) of them from "offset" on, the last to be
// launched first unless "order" is asc; of one framework or with one id if the query says so.
func (s *Sandbox) tasks(w http.ResponseWriter, r *http.Request) {
	offset, limit := 0, 100
	for _, argument := range []struct {
		name  string
		value *int
	}{{"offset", &offset}, {"limit", &limit}} {
		text := r.FormValue(argument.name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			refuse(w, http.StatusBadRequest, "Failed to parse query: Failed to convert '"+text+"' to number")
			return
		}
		*argument.value = n
	}
	state, _, _ := s.state()
	tasks := everyTask(state)
	framework, task := r.FormValue("framework_id"), r.FormValue("task_id")
	keep(&tasks, func(t *mesos.Task) bool {
		return (framework == "" || t.FrameworkID.Value == framework) && (task == "" || t.TaskID.Value == task)
	})
	slices.SortStableFunc(tasks, func(a, b mesos.Task) int { return cmp.Compare(firstSeen(&a), firstSeen(&b)) })
	if r.FormValue("order") != "asc" {
		slices.Reverse(tasks)
	}
	tasks = tasks[min(offset, len(tasks)):]
	writeJSON(w, object{"tasks": taskViews(tasks[:min(limit, len(tasks))])})
}

// firstSeen is the time of a task's first status, as a master sorts them; one without any comes first.
func firstSeen(t *mesos.Task) float64 {
	if len(t.Statuses) == 0 {
		return 0
	}
	return t.Statuses[0].GetTimestamp()
}

// roles answers /roles: those in use, and those that have a quota or a weight.
func (s *Sandbox) roles(w http.ResponseWriter, _ *http.Request) {
	configs := map[string]quota.QuotaConfig{}
	for _, config := range s.ask(master.Call_GET_QUOTA).GetQuota.Status.Configs {
		configs[config.Role] = config
	}
	weights := map[string]float64{}
	for _, info := range s.ask(master.Call_GET_WEIGHTS).GetGetWeights().GetWeightInfos() {
		weights[info.GetRole()] = info.Weight
	}
	s.mu.Lock()
	roles := s.cluster.Roles()
	s.mu.Unlock()
	for _, name := range slices.Compact(slices.Sorted(slices.Values(append(sortedKeys(configs), sortedKeys(weights)...)))) {
		if !slices.ContainsFunc(roles, func(r cluster.RoleView) bool { return r.Name == name }) {
			roles = append(roles, cluster.RoleView{Name: name})
		}
	}
	views := []object{}
	for _, role := range roles {
		config, weight := configs[role.Name], 1.0
		if set, ok := weights[role.Name]; ok {
			weight = set
		}
		consumed := slices.Concat(role.Allocated, role.ReservedUnallocated)
		views = append(views, object{
			"name": role.Name, "weight": weight, "frameworks": append([]string{}, role.Frameworks...),
			"quota": object{
				"role": role.Name, "guarantee": scalars(config.Guarantees), "limit": scalars(config.Limits),
				"consumed": quantities(consumed),
			},
			"resources": quantities(slices.Concat(role.Allocated, role.Offered)), "allocated": quantities(role.Allocated),
			"offered": quantities(role.Offered), "reserved": quantities(role.Reserved),
		})
	}
	writeJSON(w, object{"roles": views})
}

func scalars(amounts map[string]mesos.Value_Scalar) object {
	view := object{}
	for name, amount := range amounts {
		view[name] = amount.Value
	}
	return view
}

// quotas answers /quota: it knows guarantees only.
func (s *Sandbox) quotas(w http.ResponseWriter, _ *http.Request) {
	status := s.ask(master.Call_GET_QUOTA).GetQuota.Status
	writeJSON(w, embedded(&quota.QuotaStatus{Infos: status.Infos}))
}

// weights answers /weights: those that were set.
func (s *Sandbox) weights(w http.ResponseWriter, _ *http.Request) {
	views := []object{}
	for _, info := range s.ask(master.Call_GET_WEIGHTS).GetGetWeights().GetWeightInfos() {
		views = append(views, object{"role": info.GetRole(), "weight": info.Weight})
	}
	writeJSON(w, views)
}

// maintenanceSchedule answers /maintenance/schedule.
func (s *Sandbox) maintenanceSchedule(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, embedded(&s.ask(master.Call_GET_MAINTENANCE_SCHEDULE).GetMaintenanceSchedule.Schedule))
}

// maintenanceStatus answers /maintenance/status.
func (s *Sandbox) maintenanceStatus(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, embedded(&s.ask(master.Call_GET_MAINTENANCE_STATUS).GetMaintenanceStatus.Status))
}

// ask makes a call of the operator API that only reads. Its master leads.
func (s *Sandbox) ask(what master.Call_Type) (response *master.Response) {
	s.apply(func(now time.Time) []cluster.Effect {
		answer, effects := s.cluster.Operate(now, &master.Call{Type: what})
		response = answer.Response
		return effects
	})
	if response == nil { // the master has ended since the caller looked
		return &master.Response{GetQuota: &master.Response_GetQuota{}, GetMaintenanceSchedule: &master.Response_GetMaintenanceSchedule{},
			GetMaintenanceStatus: &master.Response_GetMaintenanceStatus{}}
	}
	return response
}
