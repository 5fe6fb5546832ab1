package cluster

import (
	"fmt"
	"math"
	"strings"
	"unicode"

	"github.com/gogo/protobuf/proto"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// longestID is in bytes (Mesos: an id becomes the name of a directory).
const longestID = 255

// idProblem says what is wrong with the id of a task, executor or framework, or nothing.
func idProblem(id string) string {
	switch {
	case id == "":
		return "ID must not be empty"
	case len(id) > longestID:
		return fmt.Sprintf("ID must not be greater than %d characters", longestID)
	case id == "." || id == "..":
		return "'" + id + "' is disallowed"
	case strings.ContainsFunc(id, func(r rune) bool { return unicode.IsControl(r) || r == '/' || r == '\\' }):
		return "'" + id + "' contains invalid characters"
	}
	return ""
}

// taskProblem says why a master would not launch a task, in the order in which it looks.
func (x *acceptance) taskProblem(info *mesos.TaskInfo) string {
	checks := []func(*mesos.TaskInfo) string{
		func(t *mesos.TaskInfo) string { return idProblem(t.TaskID.Value) },
		x.duplicateProblem,
		x.agentProblem,
		durationsProblem,
		healthCheckProblem,
		resourcesOfTaskProblem,
		environmentOfTaskProblem,
		x.limitsProblem,
		commandOrExecutorProblem,
		x.executorProblem,
		x.fitProblem,
	}
	for _, check := range checks {
		if problem := check(info); problem != "" {
			return problem
		}
	}
	return ""
}

func (x *acceptance) duplicateProblem(info *mesos.TaskInfo) string {
	if _, live := x.framework.tasks.of[info.TaskID.Value]; live {
		return "Task has duplicate ID: " + info.TaskID.Value
	}
	return ""
}

func (x *acceptance) agentProblem(info *mesos.TaskInfo) string {
	if info.AgentID.Value == x.agent.id {
		return ""
	}
	return "Task uses invalid agent " + info.AgentID.Value + " while agent " + x.agent.id + " is expected"
}

func durationsProblem(info *mesos.TaskInfo) string {
	if info.GetKillPolicy().GetGracePeriod().GetNanoseconds() < 0 {
		return "Task's 'kill_policy.grace_period' must be non-negative"
	}
	if info.GetMaxCompletionTime().GetNanoseconds() < 0 {
		return "Task's 'max_completion_time' must be non-negative"
	}
	return ""
}

func healthCheckProblem(info *mesos.TaskInfo) string {
	check := info.GetHealthCheck()
	if check == nil {
		return ""
	}
	const prefix = "Task uses invalid health check: "
	switch {
	case check.Type == mesos.HealthCheck_HTTP && check.HTTP == nil:
		return prefix + "Expecting 'http' to be set for HTTP health check"
	case check.Type == mesos.HealthCheck_TCP && check.TCP == nil:
		return prefix + "Expecting 'tcp' to be set for TCP health check"
	case check.Type == mesos.HealthCheck_COMMAND && check.Command == nil:
		return prefix + "Expecting 'command' to be set for COMMAND health check"
	}
	for _, f := range []struct {
		name  string
		value float64
	}{
		{"delay_seconds", check.GetDelaySeconds()},
		{"grace_period_seconds", check.GetGracePeriodSeconds()},
		{"interval_seconds", check.GetIntervalSeconds()},
		{"timeout_seconds", check.GetTimeoutSeconds()},
	} {
		if f.value < 0 {
			return prefix + "Expecting '" + f.name + "' to be non-negative"
		}
	}
	return ""
}

// resourcesOfTaskProblem looks at resources whose form has been found good (see formsOfTaskProblem).
func resourcesOfTaskProblem(info *mesos.TaskInfo) string {
	if len(info.Resources) == 0 {
		return "Task uses no resources"
	}
	if problem := usesProblem(info.Resources); problem != "" {
		return "Task uses invalid resources: " + problem
	}
	if problem := uniqueIDProblem(parseResources(info.Resources)); problem != "" {
		return "Task uses duplicate persistence ID: " + problem
	}
	if problem := singleRoleProblem(info.Resources); problem != "" {
		return "Task uses invalid resources: " + problem
	}
	return ""
}

func environmentOfTaskProblem(info *mesos.TaskInfo) string {
	return environmentProblem(info.GetCommand().GetEnvironment())
}

func environmentProblem(environment *mesos.Environment) string {
	for _, variable := range environment.GetVariables() {
		secret := variable.GetType() == mesos.Environment_Variable_SECRET
		switch {
		case secret && variable.Secret == nil:
			return "Environment variable '" + variable.Name + "' of type 'SECRET' must have a secret set"
		case !secret && variable.Value == nil:
			return "Environment variable '" + variable.Name + "' of type 'VALUE' must have a value set"
		}
	}
	return ""
}

func (x *acceptance) limitsProblem(info *mesos.TaskInfo) string {
	requests := parseResources(info.Resources)
	for _, name := range []string{"cpus", "mem"} {
		limit, set := info.Limits[name]
		if set && (math.IsNaN(limit.Value) || limit.Value*1000 < float64(requests.scalar(name))) {
			return "Task limit for " + name + " must not be less than its request"
		}
	}
	for name := range info.Limits {
		if name != "cpus" && name != "mem" {
			return "Task limits can only be set for cpus and mem"
		}
	}
	return ""
}

func commandOrExecutorProblem(info *mesos.TaskInfo) string {
	if (info.Command == nil) == (info.Executor == nil) {
		return "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"
	}
	return ""
}

func (x *acceptance) executorProblem(info *mesos.TaskInfo) string {
	e := info.Executor
	if e == nil {
		return ""
	}
	if problem := idProblem(e.ExecutorID.Value); problem != "" {
		return problem
	}
	switch {
	case e.Type == mesos.ExecutorInfo_DEFAULT:
		return "the DEFAULT executor is not supported by this sandbox"
	case e.Command == nil:
		return "'ExecutorInfo.command' must be set for 'CUSTOM' executor"
	case e.FrameworkID.GetValue() != x.framework.id:
		return "ExecutorInfo has an invalid FrameworkID (Actual: " + e.FrameworkID.GetValue() + " vs Expected: " +
			x.framework.id + ")"
	}
	if problem := usesProblem(e.Resources); problem != "" {
		return "Executor uses invalid resources: " + problem
	}
	if problem := uniqueIDProblem(parseResources(e.Resources)); problem != "" {
		return "Executor uses duplicate persistence ID: " + problem
	}
	if problem := singleRoleProblem(e.Resources); problem != "" {
		return "Invalid executor resources: " + problem
	}
	if problem := environmentProblem(e.Command.Environment); problem != "" {
		return "Executor's `CommandInfo` is invalid: " + problem
	}
	if run := x.agent.executorOf(x.framework, e.ExecutorID.Value); run != nil && !run.info.Equal(e) {
		const rule = "\n------------------------------------------------------------\n"
		return "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID." + rule +
			"Existing ExecutorInfo:\n" + proto.MarshalTextString(&run.info) + rule +
			"ExecutorInfo:\n" + proto.MarshalTextString(e) + rule
	}
	return ""
}

// fitProblem compares what a task and, if it is new, its executor need with what remains of the offers.
func (x *acceptance) fitProblem(info *mesos.TaskInfo) string {
	needs := parseResources(info.Resources)
	if e := info.Executor; e != nil && x.agent.executorOf(x.framework, e.ExecutorID.Value) == nil {
		needs = needs.plus(parseResources(e.Resources))
	}
	if x.remaining.contains(needs) {
		return ""
	}
	return fmt.Sprintf("Total resources %s required by task and its executor is more than available %s",
		needs, x.remaining)
}
