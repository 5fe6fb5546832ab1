package sandbox

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/agent"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// agentCall answers the v1 operator API of an agent, as far as it reads.
func (s *Sandbox) agentCall(w http.ResponseWriter, r *http.Request, a *agentShell) {
	call := &agent.Call{}
	if !readCall(w, r, call) {
		return
	}
	if problem := agentCallProblem(call); problem != "" {
		refuse(w, http.StatusBadRequest, "Failed to validate agent::Call: "+problem)
		return
	}
	media := acceptedMedia(r.Header.Values("Accept"))
	if media == "" {
		refuse(w, http.StatusNotAcceptable, "Expecting 'Accept' to allow application/json or application/x-protobuf or application/recordio")
		return
	}
	switch call.Type {
	case agent.Call_LIST_FILES:
		s.listFiles(w, media, a, call.ListFiles.Path)
	case agent.Call_READ_FILE:
		s.readFile(w, media, a, call.ReadFile)
	default:
		response := s.agentResponse(a, call)
		if response == nil {
			refuse(w, http.StatusNotImplemented, "call type "+call.Type.String()+" is not implemented")
			return
		}
		respond(w, media, response)
	}
}

func agentCallProblem(call *agent.Call) string {
	switch {
	case call.Type == agent.Call_UNKNOWN:
		return "Expecting 'type' to be present"
	case call.Type == agent.Call_GET_METRICS && call.GetMetrics == nil:
		return "Expecting 'get_metrics' to be present"
	case call.Type == agent.Call_LIST_FILES && call.ListFiles == nil:
		return "Expecting 'list_files' to be present"
	case call.Type == agent.Call_READ_FILE && call.ReadFile == nil:
		return "Expecting 'read_file' to be present"
	}
	return ""
}

func (s *Sandbox) listFiles(w http.ResponseWriter, media string, a *agentShell, dir string) {
	infos, err := s.listDirectory(a, dir)
	if err != nil {
		refuse(w, http.StatusNotFound, "")
		return
	}
	respond(w, media, &agent.Response{Type: agent.Response_LIST_FILES, ListFiles: &agent.Response_ListFiles{FileInfos: infos}})
}

func (s *Sandbox) readFile(w http.ResponseWriter, media string, a *agentShell, asked *agent.Call_ReadFile) {
	file, err := s.open(a, asked.Path)
	if err != nil {
		refuse(w, http.StatusNotFound, "")
		return
	}
	defer file.Close()
	length := int64(longestRead)
	if asked.Length != nil {
		length = int64(min(*asked.Length, longestRead))
	}
	size, data, err := part(file, int64(min(asked.Offset, 1<<62)), length)
	if err != nil {
		refuseFile(w, err)
		return
	}
	respond(w, media, &agent.Response{Type: agent.Response_READ_FILE,
		ReadFile: &agent.Response_ReadFile{Size_: uint64(size), Data: data}})
}

// agentResponse answers a call; nil for one that is not known.
func (s *Sandbox) agentResponse(a *agentShell, call *agent.Call) *agent.Response {
	state := s.stateOf(a)
	switch call.Type {
	case agent.Call_GET_HEALTH:
		return &agent.Response{Type: agent.Response_GET_HEALTH, GetHealth: &agent.Response_GetHealth{Healthy: true}}
	case agent.Call_GET_VERSION:
		return &agent.Response{Type: agent.Response_GET_VERSION, GetVersion: &agent.Response_GetVersion{VersionInfo: versionInfo()}}
	case agent.Call_GET_FLAGS:
		return &agent.Response{Type: agent.Response_GET_FLAGS, GetFlags: &agent.Response_GetFlags{Flags: s.agentFlags(a)}}
	case agent.Call_GET_METRICS:
		return &agent.Response{Type: agent.Response_GET_METRICS, GetMetrics: &agent.Response_GetMetrics{Metrics: metricList(agentMetrics(&state))}}
	case agent.Call_GET_LOGGING_LEVEL:
		return &agent.Response{Type: agent.Response_GET_LOGGING_LEVEL, GetLoggingLevel: &agent.Response_GetLoggingLevel{}}
	case agent.Call_GET_AGENT:
		return &agent.Response{Type: agent.Response_GET_AGENT, GetAgent: &agent.Response_GetAgent{AgentInfo: &state.Info}}
	case agent.Call_GET_TASKS:
		return &agent.Response{Type: agent.Response_GET_TASKS, GetTasks: agentTasks(&state)}
	case agent.Call_GET_EXECUTORS:
		return &agent.Response{Type: agent.Response_GET_EXECUTORS, GetExecutors: agentExecutors(&state)}
	case agent.Call_GET_FRAMEWORKS:
		return &agent.Response{Type: agent.Response_GET_FRAMEWORKS, GetFrameworks: agentFrameworks(&state)}
	case agent.Call_GET_STATE:
		return &agent.Response{Type: agent.Response_GET_STATE, GetState: &agent.Response_GetState{
			GetTasks: agentTasks(&state), GetExecutors: agentExecutors(&state), GetFrameworks: agentFrameworks(&state),
		}}
	case agent.Call_GET_CONTAINERS:
		return &agent.Response{Type: agent.Response_GET_CONTAINERS,
			GetContainers: &agent.Response_GetContainers{Containers: a.containers(&state)}}
	case agent.Call_GET_OPERATIONS:
		return &agent.Response{Type: agent.Response_GET_OPERATIONS, GetOperations: &agent.Response_GetOperations{}}
	case agent.Call_GET_RESOURCE_PROVIDERS:
		return &agent.Response{Type: agent.Response_GET_RESOURCE_PROVIDERS,
			GetResourceProviders: &agent.Response_GetResourceProviders{}}
	}
	return nil
}

// stateOf is what an agent tells about itself.
func (s *Sandbox) stateOf(a *agentShell) cluster.AgentState {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, _ := s.cluster.StateOf(a.id)
	return state
}

func agentTasks(state *cluster.AgentState) *agent.Response_GetTasks {
	tasks := &agent.Response_GetTasks{
		PendingTasks: []mesos.Task{}, QueuedTasks: []mesos.Task{}, LaunchedTasks: []mesos.Task{},
		TerminatedTasks: []mesos.Task{}, CompletedTasks: []mesos.Task{},
	}
	for _, e := range slices.Concat(state.Executors, state.Completed) {
		tasks.QueuedTasks = append(tasks.QueuedTasks, e.Queued...)
		tasks.LaunchedTasks = append(tasks.LaunchedTasks, e.Launched...)
		tasks.TerminatedTasks = append(tasks.TerminatedTasks, e.Ended...)
		tasks.CompletedTasks = append(tasks.CompletedTasks, e.Completed...)
	}
	return tasks
}

func agentExecutors(state *cluster.AgentState) *agent.Response_GetExecutors {
	executors := &agent.Response_GetExecutors{
		Executors: []agent.Response_GetExecutors_Executor{}, CompletedExecutors: []agent.Response_GetExecutors_Executor{},
	}
	for _, e := range state.Executors {
		executors.Executors = append(executors.Executors, agent.Response_GetExecutors_Executor{ExecutorInfo: e.Info})
	}
	for _, e := range state.Completed {
		executors.CompletedExecutors = append(executors.CompletedExecutors, agent.Response_GetExecutors_Executor{ExecutorInfo: e.Info})
	}
	return executors
}

func agentFrameworks(state *cluster.AgentState) *agent.Response_GetFrameworks {
	frameworks := &agent.Response_GetFrameworks{
		Frameworks: []agent.Response_GetFrameworks_Framework{}, CompletedFrameworks: []agent.Response_GetFrameworks_Framework{},
	}
	for _, f := range state.Frameworks {
		frameworks.Frameworks = append(frameworks.Frameworks, agent.Response_GetFrameworks_Framework{FrameworkInfo: f})
	}
	for _, f := range state.Former {
		frameworks.CompletedFrameworks = append(frameworks.CompletedFrameworks, agent.Response_GetFrameworks_Framework{FrameworkInfo: f})
	}
	return frameworks
}

func (a *agentShell) containers(state *cluster.AgentState) []agent.Response_GetContainers_Container {
	containers := []agent.Response_GetContainers_Container{}
	for i := range state.Executors {
		e := &state.Executors[i]
		if !e.Started {
			continue
		}
		name, pid := e.Info.GetName(), e.PID
		containers = append(containers, agent.Response_GetContainers_Container{
			FrameworkID: &mesos.FrameworkID{Value: e.Framework}, ExecutorID: &mesos.ExecutorID{Value: e.Info.ExecutorID.Value},
			ExecutorName: &name, ContainerID: mesos.ContainerID{Value: e.Container},
			ContainerStatus:    &mesos.ContainerStatus{ContainerID: &mesos.ContainerID{Value: e.Container}, ExecutorPID: &pid},
			ResourceStatistics: a.statistics(e),
		})
	}
	return containers
}

// statistics is what a container may use and uses.
func (a *agentShell) statistics(e *cluster.ExecutorState) *mesos.ResourceStatistics {
	u := usageOf(e.PID)
	cpus, mem := scalarOf(e.Resources, "cpus"), uint64(scalarOf(e.Resources, "mem")*(1<<20))
	statistics := &mesos.ResourceStatistics{
		Timestamp: unixSeconds(time.Now()), CPUsUserTimeSecs: &u.user, CPUsSystemTimeSecs: &u.system, CPUsSoftLimit: &cpus,
		MemLimitBytes: &mem, MemSoftLimitBytes: &mem, MemRSSBytes: &u.resident,
	}
	if disk := scalarOf(e.Resources, "disk"); disk > 0 {
		limit, used := uint64(disk*(1<<20)), sizeOf(a.directory(e))
		statistics.DiskLimitBytes, statistics.DiskUsedBytes = &limit, &used
		statistics.DiskStatistics = []mesos.DiskStatistics{{LimitBytes: &limit, UsedBytes: &used}}
	}
	return statistics
}

// directory is where the sandbox of an executor is.
func (a *agentShell) directory(e *cluster.ExecutorState) string {
	return filepath.Join(a.WorkDir, "slaves", e.Agent, "frameworks", e.Framework, "executors", e.Info.ExecutorID.Value, "runs", e.Container)
}

// containersView answers /containers and, without the status, /monitor/statistics.
func (a *agentShell) containersView(state *cluster.AgentState, status bool) []object {
	views := []object{}
	for _, c := range a.containers(state) {
		source := ""
		for i := range state.Executors {
			if e := &state.Executors[i]; e.Container == c.ContainerID.Value {
				source = e.Info.GetSource()
			}
		}
		view := object{
			"executor_id": c.ExecutorID.Value, "executor_name": c.GetExecutorName(), "framework_id": c.FrameworkID.Value,
			"source": source, "statistics": embedded(c.ResourceStatistics),
		}
		if status {
			view["container_id"], view["status"] = c.ContainerID.Value, embedded(c.ContainerStatus)
		}
		views = append(views, view)
	}
	return views
}

func agentMetrics(state *cluster.AgentState) map[string]float64 {
	values := map[string]float64{
		"slave/registered": 1, "slave/executors_running": 0, "slave/executors_registering": 0, "slave/frameworks_active": float64(len(state.Frameworks)),
		"slave/tasks_staging": 0, "slave/tasks_starting": 0, "slave/tasks_running": 0, "slave/tasks_killing": 0,
	}
	for i := range state.Executors {
		e := &state.Executors[i]
		count(values, "slave/executors_", "running", "registering", e.Started)
		values["slave/tasks_staging"] += float64(len(e.Queued))
		for j := range e.Launched {
			values["slave/tasks_"+strings.ToLower(strings.TrimPrefix(e.Launched[j].State.String(), "TASK_"))]++
		}
	}
	for _, name := range []string{"cpus", "mem", "disk"} {
		total, used := scalarOf(state.Info.Resources, name), 0.0
		for i := range state.Executors {
			used += scalarOf(state.Executors[i].Resources, name)
		}
		values["slave/"+name+"_total"], values["slave/"+name+"_used"], values["slave/"+name+"_percent"] = milli(total), milli(used), 0
		if total > 0 {
			values["slave/"+name+"_percent"] = used / total
		}
	}
	return values
}

// agentFrameworkViews are the frameworks of an agent's /state, with their executors and these with their directories.
func (a *agentShell) agentFrameworkViews(state *cluster.AgentState, frameworks []mesos.FrameworkInfo) []object {
	views := []object{}
	for i := range frameworks {
		info := &frameworks[i]
		of := func(list []cluster.ExecutorState) []object {
			executors := []object{}
			for j := range list {
				if list[j].Framework == info.GetID().GetValue() {
					executors = append(executors, a.agentExecutorView(&list[j]))
				}
			}
			return executors
		}
		view := object{
			"id": info.GetID().GetValue(), "name": info.Name, "user": info.User, "hostname": info.GetHostname(),
			"failover_timeout": info.GetFailoverTimeout(), "checkpoint": info.GetCheckpoint(),
			"executors": of(state.Executors), "completed_executors": of(state.Completed),
		}
		if info.Principal != nil {
			view["principal"] = *info.Principal
		}
		if info.Role != nil {
			view["role"] = *info.Role
		} else {
			view["roles"] = append([]string{}, info.Roles...)
		}
		views = append(views, view)
	}
	return views
}

func (a *agentShell) agentExecutorView(e *cluster.ExecutorState) object {
	view := executorView(&e.Info)
	for key, value := range (object{
		"id": e.Info.ExecutorID.Value, "source": e.Info.GetSource(), "container": e.Container,
		"directory": a.directory(e),
		"resources": resourcesView(e.Resources), "tasks": taskViews(e.Launched),
		"queued_tasks": taskViews(e.Queued), "completed_tasks": taskViews(slices.Concat(e.Completed, e.Ended)),
	}) {
		view[key] = value
	}
	return view
}
