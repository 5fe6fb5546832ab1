package cluster

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"unicode"

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
	return firstProblem(info, x.generalProblem, commandOrExecutorProblem, x.executorProblem, withExecutorProblem,
		x.fitProblem, ownCgroupsProblem)
}

// generalProblem is what may be wrong with any task, be it of a group or alone.
func (x *acceptance) generalProblem(info *mesos.TaskInfo) string {
	return firstProblem(info,
		func(t *mesos.TaskInfo) string { return idProblem(t.TaskID.Value) },
		x.duplicateProblem,
		x.agentProblem,
		durationsProblem,
		checkProblem,
		healthCheckProblem,
		resourcesOfTaskProblem,
		environmentOfTaskProblem,
		containerOfTaskProblem,
		x.limitsProblem,
	)
}

func firstProblem[T any](subject T, checks ...func(T) string) string {
	for _, check := range checks {
		if problem := check(subject); problem != "" {
			return problem
		}
	}
	return ""
}

func (x *acceptance) duplicateProblem(info *mesos.TaskInfo) string {
	id := info.TaskID.Value
	if _, live := x.framework.tasks.of[id]; live {
		return "Task has duplicate ID: " + id
	}
	if _, unreachable := x.framework.unreachable.of[id]; unreachable {
		return "Task reuses the ID of an unreachable task: " + id
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
		return "Task's `max_completion_time` must be non-negative"
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
	parsed := parseResources(info.Resources)
	if problem := uniqueIDProblem(parsed); problem != "" {
		return "Task uses duplicate persistence ID: " + problem
	}
	if problem := singleRoleProblem(info.Resources); problem != "" {
		return "Invalid task resources: " + problem
	}
	if problem := revocableProblem(parsed); problem != "" {
		return "Task mixes revocable and non-revocable resources: " + problem
	}
	return ""
}

func environmentOfTaskProblem(info *mesos.TaskInfo) string {
	if problem := environmentProblem(info.GetCommand().GetEnvironment()); problem != "" {
		return "Task's `CommandInfo` is invalid: " + problem
	}
	return ""
}

func environmentProblem(environment *mesos.Environment) string {
	for i := range environment.GetVariables() {
		if problem := variableProblem(&environment.Variables[i]); problem != "" {
			return problem
		}
	}
	return ""
}

func variableProblem(v *mesos.Environment_Variable) string {
	name := "Environment variable '" + v.Name + "' "
	switch v.GetType() {
	case mesos.Environment_Variable_VALUE:
		switch {
		case v.Value == nil:
			return name + "of type 'VALUE' must have a value set"
		case v.Secret != nil:
			return name + "of type 'VALUE' must not have a secret set"
		}
		return ""
	case mesos.Environment_Variable_SECRET:
		switch {
		case v.Secret == nil:
			return name + "of type 'SECRET' must have a secret set"
		case v.Value != nil:
			return name + "of type 'SECRET' must not have a value set"
		}
		if problem := secretProblem(v.Secret); problem != "" {
			return name + "specifies an invalid secret: " + problem
		}
		if bytes.IndexByte(v.Secret.GetValue().GetData(), 0) >= 0 {
			return name + "specifies a secret containing null bytes, which is not allowed in the environment"
		}
		return ""
	}
	return "Environment variable of type 'UNKNOWN' is not allowed"
}

func secretProblem(s *mesos.Secret) string {
	switch reference := s.Type == mesos.Secret_REFERENCE; {
	case reference && s.Reference == nil:
		return "Secret of type REFERENCE must have the 'reference' field set"
	case reference && s.Value != nil:
		return "Secret '" + s.Reference.Name + "' of type REFERENCE must not have the 'value' field set"
	case s.Type == mesos.Secret_VALUE && s.Value == nil:
		return "Secret of type VALUE must have the 'value' field set"
	case s.Type == mesos.Secret_VALUE && s.Reference != nil:
		return "Secret of type VALUE must not have the 'reference' field set"
	}
	return ""
}

func (x *acceptance) limitsProblem(info *mesos.TaskInfo) string {
	if len(info.Limits) == 0 {
		return ""
	}
	cpus, limited := info.Limits["cpus"]
	mem, bounded := info.Limits["mem"]
	known := 0
	for _, set := range []bool{limited, bounded} {
		if set {
			known++
		}
	}
	requests := parseResources(info.Resources)
	switch {
	case len(info.Limits) > known:
		return "Only cpus and mem may be included in a task's resource limits"
	case limited && requests.scalar("cpus") == 0:
		return "When a CPU limit is specified, a CPU request must also be specified"
	case limited && !covers(cpus, requests.scalar("cpus")):
		return "The cpu limit must be greater than or equal to the cpu request"
	case bounded && requests.scalar("mem") == 0:
		return "When a memory limit is specified, a memory request must also be specified"
	case bounded && !covers(mem, requests.scalar("mem")):
		return "The memory limit must be greater than or equal to the memory request"
	}
	return ""
}

func covers(limit mesos.Value_Scalar, milli int64) bool {
	return !math.IsNaN(limit.Value) && limit.Value*1000 >= float64(milli)
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
	if problem := firstProblem(e, x.executorInfoProblems()...); problem != "" {
		return problem
	}
	switch {
	case e.Type == mesos.ExecutorInfo_DEFAULT:
		return "'ExecutorInfo.type' must be 'CUSTOM'"
	case e.Command == nil:
		return "'ExecutorInfo.command' must be set"
	}
	return cgroupsOfExecutorProblem(e)
}

// sharesCgroups is what is said of it, and whether anything is.
func sharesCgroups(container *mesos.ContainerInfo) (shares, said bool) {
	linux := container.GetLinuxInfo()
	if linux == nil || linux.ShareCgroups == nil {
		return true, false
	}
	return *linux.ShareCgroups, true
}

func cgroupsOfExecutorProblem(e *mesos.ExecutorInfo) string {
	if shares, said := sharesCgroups(e.Container); shares && said {
		return "The 'share_cgroups' field cannot be set to 'true' on executor containers"
	}
	return ""
}

// ownCgroupsProblem comes last of all.
func ownCgroupsProblem(info *mesos.TaskInfo) string {
	if shares, _ := sharesCgroups(info.Container); !shares {
		return "Only tasks in a task group may have 'share_cgroups' set to 'false'"
	}
	return ""
}

// withExecutorProblem looks at what a task and its executor have together, whether that runs already or not.
func withExecutorProblem(info *mesos.TaskInfo) string {
	if info.Executor == nil {
		return ""
	}
	own, others := parseResources(info.Resources), parseResources(info.Executor.Resources)
	if overlapping(own, others) {
		return "There are overlapping resources in the task resources " + resourcesJSON(info.Resources) +
			" and executor resources " + resourcesJSON(info.Executor.Resources)
	}
	both := own.plus(others)
	if problem := uniqueIDProblem(both); problem != "" {
		return "Task and its executor use duplicate persistence ID: " + problem
	}
	if problem := revocableProblem(both); problem != "" {
		return "Task and its executor mix revocable and non-revocable resources: " + problem
	}
	return ""
}

// isNew tells whether an executor would have to be started, as far as the master knows.
func (x *acceptance) isNew(e *mesos.ExecutorInfo) bool {
	id := e.ExecutorID.Value
	return x.agent.executorOf(x.framework, id) == nil && !x.agent.expected[executorKey(x.framework.id, id)]
}

// fitProblem compares what a task and, if it is new, its executor need with what remains of the offers.
func (x *acceptance) fitProblem(info *mesos.TaskInfo) string {
	needs := parseResources(info.Resources)
	if e := info.Executor; e != nil && x.isNew(e) {
		needs = needs.plus(parseResources(e.Resources))
	}
	if x.remaining.contains(needs) {
		return ""
	}
	return fmt.Sprintf("Total resources %s required by task and its executor is more than available %s",
		needs, x.remaining)
}
