package cluster

import (
	"slices"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// completedExecutors is how many executors that have ended an agent remembers, for AgentState alone (Mesos: 150 for each
// framework).
const completedExecutors = 150

// AgentState is what an agent tells about itself.
type AgentState struct {
	Info       mesos.AgentInfo
	Executors  []ExecutorState // in the order of their start
	Completed  []ExecutorState // the last that ended
	Frameworks []mesos.FrameworkInfo
	Former     []mesos.FrameworkInfo // of which nothing runs any more
}

// ExecutorState is one executor of an AgentState, that of a command task included.
type ExecutorState struct {
	Info      mesos.ExecutorInfo
	Agent     string // its id when this was asked
	Framework string
	Container string
	PID       uint32
	Started   bool
	Resources []mesos.Resource // its own and those of its tasks that have not ended
	Queued    []mesos.Task     // that wait for it to subscribe
	Launched  []mesos.Task
	Ended     []mesos.Task // whose end nobody has acknowledged, or that was ended with its framework
	Completed []mesos.Task
}

// StateOf is what the agent of an id tells about itself; false if there is none.
func (c *Cluster) StateOf(id string) (AgentState, bool) {
	a := c.host(id)
	if a == nil {
		return AgentState{}, false
	}
	state := AgentState{Info: a.info()}
	state.Info.Resources = configured(a.owned).wire(shown)
	for _, key := range a.executors.keys {
		state.Executors = append(state.Executors, c.executorState(a.executors.of[key]))
	}
	for _, e := range a.ended {
		state.Completed = append(state.Completed, c.executorState(e))
	}
	known := func(e ExecutorState, list []mesos.FrameworkInfo) bool {
		return slices.ContainsFunc(list, func(f mesos.FrameworkInfo) bool { return f.ID.Value == e.Framework })
	}
	for _, e := range append(slices.Clone(a.executors.keys), "") {
		if run := a.executors.of[e]; run != nil && !known(ExecutorState{Framework: run.framework.id}, state.Frameworks) {
			state.Frameworks = append(state.Frameworks, run.framework.info)
		}
	}
	for _, e := range a.ended {
		s := ExecutorState{Framework: e.framework.id}
		if !known(s, state.Frameworks) && !known(s, state.Former) {
			state.Former = append(state.Former, e.framework.info)
		}
	}
	return state, true
}

// AgentCondition is how an agent is, as somebody sees it who knows both sides.
type AgentCondition struct {
	Up          bool // its process runs
	Partitioned bool // it and the master do not hear each other
	Registered  bool // the master knows it and has not given it up
	Unreachable bool // the master has given it up
	Gone        bool // an operator has
}

// Condition is how the agent is that has an id, or had it before.
func (c *Cluster) Condition(id string) AgentCondition {
	a := c.host(id)
	if a == nil {
		return AgentCondition{}
	}
	_, unreachable := c.registry.unreachable[a.id]
	_, gone := c.registry.gone[a.id]
	return AgentCondition{Up: a.up, Partitioned: a.partitioned, Registered: a.member, Unreachable: unreachable, Gone: gone}
}

// String is the one word that matters most.
func (a AgentCondition) String() string {
	switch {
	case a.Gone:
		return "gone"
	case !a.Up:
		return "down"
	case a.Partitioned:
		return "partitioned"
	case a.Registered:
		return "registered"
	case a.Unreachable:
		return "unreachable"
	}
	return "registering"
}

// AgentOfOffer is the id of the agent that an offer is of; "" if nobody holds such an offer.
func (c *Cluster) AgentOfOffer(id string) string {
	if o := c.offers[id]; o != nil {
		return o.agent.id
	}
	return ""
}

// Unreachable is how many agents the master has given up.
func (c *Cluster) Unreachable() int { return len(c.registry.unreachable) }

func (c *Cluster) executorState(e *executorRun) ExecutorState {
	s := ExecutorState{Info: e.info, Agent: e.agent.id, Framework: e.framework.id, Container: e.container}
	if i := slices.IndexFunc(e.processes, func(p *process) bool { return p.container == e.container }); i >= 0 {
		s.PID, s.Started = e.processes[i].pid, e.processes[i].started
	}
	used := e.resources
	for _, key := range e.agent.tasks.keys {
		t := e.agent.tasks.of[key]
		if t.executor != e {
			continue
		}
		s.describe(e, t)
		switch {
		case terminal(t.latest):
			s.Ended = append(s.Ended, t.wire())
			continue
		case slices.Contains(e.queued, t):
			s.Queued = append(s.Queued, t.wire())
		default:
			s.Launched = append(s.Launched, t.wire())
		}
		used = used.plus(t.resources)
	}
	for _, t := range e.framework.completed {
		if t.executor != e {
			continue
		}
		s.describe(e, t)
		shown := t.wire()
		if seenByAgent(&shown); terminal(*shown.State) {
			s.Completed = append(s.Completed, shown)
		} else {
			s.Ended = append(s.Ended, shown)
		}
	}
	if e.kind == commandExecutor {
		used = parseResources(s.Info.Resources).plus(used)
	}
	s.Resources = used.wire(shown)
	return s
}

// describe makes up what an agent knows of the executor of a command task.
func (s *ExecutorState) describe(e *executorRun, t *task) {
	if e.kind == commandExecutor {
		s.Info = commandExecutorInfo(t)
	}
}

// seenByAgent leaves out of a task what only the master says of it, such as that its framework was removed.
func seenByAgent(t *mesos.Task) {
	t.Statuses = slices.DeleteFunc(t.Statuses, func(s mesos.TaskStatus) bool { return s.GetSource() == mesos.SOURCE_MASTER })
	state := mesos.TASK_STAGING
	if n := len(t.Statuses); n > 0 {
		state = t.Statuses[n-1].GetState()
	}
	t.State = &state
}

// commandExecutorInfo is what an agent makes up for a command task.
func commandExecutorInfo(t *task) mesos.ExecutorInfo {
	const program = "/opt/mesos/libexec/mesos-executor"
	name, source, shell, value := "Command Executor (Task: "+t.id+") (Command: "+commandText(t.info.Command)+")", t.id, false, program
	overhead := []mesos.Resource{Scalar("cpus", 0.1), Scalar("mem", 32)}
	for i := range overhead {
		role := t.role
		overhead[i].AllocationInfo = &mesos.Resource_AllocationInfo{Role: &role}
	}
	return mesos.ExecutorInfo{
		ExecutorID: mesos.ExecutorID{Value: t.id}, FrameworkID: &mesos.FrameworkID{Value: t.framework.id},
		Command:   &mesos.CommandInfo{Shell: &shell, Value: &value, Arguments: []string{"mesos-executor", "--launcher_dir=/opt/mesos/libexec"}},
		Resources: overhead, Name: &name, Source: &source, Discovery: t.info.Discovery, Labels: t.info.Labels,
	}
}

// commandText is a command in the name of its executor: not more than 15 letters of it.
func commandText(command *mesos.CommandInfo) string {
	short := func(text string) string {
		if len(text) > 15 {
			return text[:12] + "..."
		}
		return text
	}
	switch {
	case command.GetShell() && command.Value == nil:
		return "NO COMMAND"
	case command.GetShell():
		return "sh -c '" + short(command.GetValue()) + "'"
	case command.GetValue() == "":
		return "NO EXECUTABLE"
	}
	return short(strings.Join(append([]string{command.GetValue()}, command.Arguments...), ", "))
}
