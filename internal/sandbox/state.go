package sandbox

import (
	"net/http"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"
)

// state is what the master knows. It shares nothing that changes with the cluster.
func (s *Sandbox) state() (state *master.Response_GetState, info *mesos.MasterInfo, started float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	about := s.cluster.Master()
	return s.cluster.State(), about.MasterInfo, about.GetStartTime()
}

// unreachable is how many agents the master has given up.
func (s *Sandbox) unreachable() int { return 0 }

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
		names = append(names, capability.Type.String())
	}
	return append(names, "QUOTA_V2") // which the generated types do not know
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
	tasks := everyTask(state)
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
