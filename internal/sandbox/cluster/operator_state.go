package cluster

import (
	"cmp"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"
)

// State is all that a master tells about itself, as the GET_STATE call of the operator API does; the other read-only
// calls and the version 0 endpoints show parts of it. Lists that a master writes even if they are empty are not nil. It
// shares nothing that changes with the cluster.
func (c *Cluster) State() *master.Response_GetState {
	return &master.Response_GetState{
		GetTasks: c.allTasks(), GetExecutors: c.allExecutors(), GetFrameworks: c.allFrameworks(), GetAgents: c.allAgents(),
	}
}

func (c *Cluster) allTasks() *master.Response_GetTasks {
	all := &master.Response_GetTasks{
		Tasks: []mesos.Task{}, UnreachableTasks: []mesos.Task{}, CompletedTasks: []mesos.Task{},
	}
	for _, f := range append(slices.Clone(c.frameworks), c.completed...) {
		for _, id := range f.tasks.keys {
			all.Tasks = append(all.Tasks, f.tasks.of[id].wire())
		}
		for _, id := range f.unreachable.keys {
			all.UnreachableTasks = append(all.UnreachableTasks, f.unreachable.of[id].wire())
		}
		for _, t := range f.completed {
			all.CompletedTasks = append(all.CompletedTasks, t.wire())
		}
	}
	return all
}

// wire is a task as the operator API shows it.
func (t *task) wire() mesos.Task {
	state := t.known
	w := mesos.Task{
		Name: t.info.Name, TaskID: mesos.TaskID{Value: t.id}, FrameworkID: mesos.FrameworkID{Value: t.framework.id},
		AgentID: mesos.AgentID{Value: t.agent.id}, State: &state, Resources: t.resources.wire(shown),
		Statuses: slices.Clone(t.statuses), Labels: t.info.Labels, Discovery: t.info.Discovery,
		Container: t.info.Container, HealthCheck: t.info.HealthCheck, KillPolicy: t.info.KillPolicy,
	}
	if t.info.Executor != nil {
		w.ExecutorID = &mesos.ExecutorID{Value: t.info.Executor.ExecutorID.Value}
	}
	if user := t.info.GetCommand().GetUser(); user != "" {
		w.User = &user
	}
	if t.status != nil && len(t.status.UUID) > 0 {
		forwarded := t.status.GetState()
		w.StatusUpdateState, w.StatusUpdateUUID = &forwarded, t.status.UUID
	}
	return w
}

// shown is the form of resources in the operator API where nothing else is said.
var shown = resourceForm{allocation: true, refined: true}

// note keeps a status for the operator API. A master keeps one for each run of equal states, without its data.
func (t *task) note(status mesos.TaskStatus) {
	status.Data = nil
	if last := len(t.statuses) - 1; last >= 0 && t.statuses[last].GetState() == status.GetState() {
		t.statuses = append(slices.Clone(t.statuses[:last]), status)
		return
	}
	t.statuses = append(t.statuses, status)
}

func (c *Cluster) allExecutors() *master.Response_GetExecutors {
	all := &master.Response_GetExecutors{Executors: []master.Response_GetExecutors_Executor{}}
	for _, a := range c.agents {
		for _, key := range a.executors.keys {
			if e := a.executors.of[key]; e.kind != commandExecutor && !c.removed[e.framework.id] {
				all.Executors = append(all.Executors, master.Response_GetExecutors_Executor{
					ExecutorInfo: e.info, AgentID: mesos.AgentID{Value: a.id},
				})
			}
		}
	}
	return all
}

func (c *Cluster) allFrameworks() *master.Response_GetFrameworks {
	all := &master.Response_GetFrameworks{
		Frameworks:          []master.Response_GetFrameworks_Framework{},
		CompletedFrameworks: []master.Response_GetFrameworks_Framework{},
	}
	for _, f := range c.frameworks {
		all.Frameworks = append(all.Frameworks, c.frameworkWire(f))
	}
	for _, f := range c.completed {
		all.CompletedFrameworks = append(all.CompletedFrameworks, c.frameworkWire(f))
	}
	return all
}

// frameworkWire is a framework as the operator API shows it.
func (c *Cluster) frameworkWire(f *framework) master.Response_GetFrameworks_Framework {
	connected := f.stream != ""
	w := master.Response_GetFrameworks_Framework{
		FrameworkInfo: f.info, Active: connected, Connected: connected, Recovered: f.recovered,
		RegisteredTime: timeInfo(f.registered), ReregisteredTime: timeInfo(f.subscribed),
		UnregisteredTime: timeInfo(f.unregistered), AllocatedResources: endpointForm(c.allocatedTo(f)),
	}
	var offered Resources
	for _, o := range c.offersOf(f) {
		w.Offers = append(w.Offers, o.wire(c.unavailability(o.agent)))
		offered = offered.plus(o.resources)
	}
	w.OfferedResources = endpointForm(offered)
	return w
}

// allocatedTo is what the tasks and executors of a framework use.
func (c *Cluster) allocatedTo(f *framework) Resources {
	return c.allocations(func(owner *framework, _ *agent) bool { return owner == f })
}

// allocations adds up what tasks and executors use.
func (c *Cluster) allocations(counts func(*framework, *agent) bool) Resources {
	var sum Resources
	for _, f := range c.frameworks {
		for _, id := range f.tasks.keys {
			if t := f.tasks.of[id]; !terminal(t.known) && counts(f, t.agent) {
				sum = sum.plus(t.resources)
			}
		}
	}
	for _, a := range c.agents {
		for _, key := range a.executors.keys {
			if e := a.executors.of[key]; counts(e.framework, a) {
				sum = sum.plus(e.resources)
			}
		}
	}
	return sum
}

func (c *Cluster) allAgents() *master.Response_GetAgents {
	all := &master.Response_GetAgents{
		Agents: []master.Response_GetAgents_Agent{}, RecoveredAgents: []mesos.AgentInfo{},
	}
	for _, a := range c.agents {
		all.Agents = append(all.Agents, c.agentWire(a))
	}
	for _, id := range sortedKeys(c.recovered) {
		if info, ok := c.registry.admitted[id]; ok {
			all.RecoveredAgents = append(all.RecoveredAgents, info)
		}
	}
	return all
}

// agentWire is an agent as the operator API shows it.
func (c *Cluster) agentWire(a *agent) master.Response_GetAgents_Agent {
	pid, deactivated := a.pid(), c.registry.deactivated[a.id]
	var offered Resources
	for _, f := range c.frameworks {
		for _, o := range c.offersOf(f) {
			if o.agent == a {
				offered = offered.plus(o.resources)
			}
		}
	}
	w := master.Response_GetAgents_Agent{
		AgentInfo: a.shownInfo(), Active: c.offersFrom(a), Deactivated: &deactivated, Version: c.cfg.Version, PID: &pid,
		RegisteredTime: timeInfo(a.registered), ReregisteredTime: timeInfo(a.reregistered),
		TotalResources:     endpointForm(a.total),
		AllocatedResources: endpointForm(c.allocations(func(_ *framework, at *agent) bool { return at == a })),
		OfferedResources:   endpointForm(offered), Capabilities: AgentCapabilities(),
	}
	if d := c.registry.draining[a.id]; d != nil {
		w.DrainInfo, w.EstimatedDrainStartTime = d.wire(), timeInfo(d.began.Truncate(time.Second))
	}
	return w
}

// shownInfo is what an agent said of itself, without what operations have made of its resources.
func (a *agent) shownInfo() mesos.AgentInfo {
	info := a.info()
	info.Resources = configured(a.total).wire(shown)
	return info
}

// AgentCapabilities is what agents tell that they can.
func AgentCapabilities() []mesos.AgentInfo_Capability {
	var list []mesos.AgentInfo_Capability
	for _, typ := range []mesos.AgentInfo_Capability_Type{
		mesos.AgentInfo_Capability_MULTI_ROLE, mesos.AgentInfo_Capability_HIERARCHICAL_ROLE,
		mesos.AgentInfo_Capability_RESERVATION_REFINEMENT, mesos.AgentInfo_Capability_RESOURCE_PROVIDER,
		mesos.AgentInfo_Capability_RESIZE_VOLUME, mesos.AgentInfo_Capability_AGENT_OPERATION_FEEDBACK,
		mesos.AgentInfo_Capability_AGENT_DRAINING, mesos.AgentInfo_Capability_TASK_RESOURCE_LIMITS,
	} {
		list = append(list, mesos.AgentInfo_Capability{Type: typ})
	}
	return list
}

// configured is what an agent has been given, without what operations have made of it.
func configured(total Resources) Resources {
	var sum Resources
	for _, r := range total.wire(shown) {
		if persistent(&r) {
			r = stripped(r)
		}
		for dynamic(&r) {
			r = popped(r)
		}
		sum = sum.plus(parseResource(&r))
	}
	return sum
}

// endpointForm gives resources as the endpoints show them, for readers old and new: unreserved ones have a role, reserved
// ones both forms, unless only the new one can say it.
func endpointForm(r Resources) []mesos.Resource {
	if r.Empty() {
		return nil
	}
	list := r.wire(shown)
	for i := range list {
		if len(list[i].Reservations) > 1 {
			continue
		}
		role := cmp.Or(reservationRole(&list[i]), "*")
		list[i].Role = &role
		if dynamic(&list[i]) {
			last := lastReservation(&list[i])
			list[i].Reservation = &mesos.Resource_ReservationInfo{Principal: last.Principal, Labels: last.Labels}
		}
	}
	return list
}

func timeInfo(t time.Time) *mesos.TimeInfo {
	if t.IsZero() {
		return nil
	}
	return &mesos.TimeInfo{Nanoseconds: t.UnixNano()}
}

// allOperations lists those whose outcome nobody has acknowledged: a master forgets the others.
func (c *Cluster) allOperations() *master.Response_GetOperations {
	all := &master.Response_GetOperations{}
	for _, f := range c.frameworks {
		for _, id := range f.operationByID.keys {
			status := f.operationByID.of[id].status
			all.Operations = append(all.Operations, mesos.Operation{
				FrameworkID: &mesos.FrameworkID{Value: f.id}, AgentID: status.AgentID,
				Info:         mesos.Offer_Operation{ID: status.OperationID},
				LatestStatus: status, Statuses: []mesos.OperationStatus{status}, UUID: *status.UUID,
			})
		}
	}
	return all
}
