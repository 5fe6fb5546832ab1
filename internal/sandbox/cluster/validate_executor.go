package cluster

import mesos "github.com/mesos/mesos-go/api/v1/lib"

// executorInfoProblems are the checks of any executor, in the order in which a master looks.
func (x *acceptance) executorInfoProblems() []func(*mesos.ExecutorInfo) string {
	return []func(*mesos.ExecutorInfo) string{
		executorTypeProblem,
		func(e *mesos.ExecutorInfo) string { return idProblem(e.ExecutorID.Value) },
		executorShapeProblem,
		x.ownerOfExecutorProblem,
		resourcesOfExecutorProblem,
		x.compatibilityProblem,
	}
}

func executorTypeProblem(e *mesos.ExecutorInfo) string {
	switch {
	case e.Type == mesos.ExecutorInfo_CUSTOM && e.Command == nil:
		return "'ExecutorInfo.command' must be set for 'CUSTOM' executor"
	case e.Type != mesos.ExecutorInfo_DEFAULT:
	case e.Command != nil:
		return "'ExecutorInfo.command' must not be set for 'DEFAULT' executor"
	case e.Container != nil && e.Container.GetType() != mesos.ContainerInfo_MESOS:
		return "'ExecutorInfo.container.type' must be 'MESOS' for 'DEFAULT' executor"
	case e.GetContainer().GetMesos().GetImage() != nil:
		return "'ExecutorInfo.container.mesos.image' must not be set for 'DEFAULT' executor"
	}
	return ""
}

func executorShapeProblem(e *mesos.ExecutorInfo) string {
	if e.GetShutdownGracePeriod().GetNanoseconds() < 0 {
		return "ExecutorInfo's 'shutdown_grace_period' must be non-negative"
	}
	if problem := environmentProblem(e.GetCommand().GetEnvironment()); problem != "" {
		return "Executor's `CommandInfo` is invalid: " + problem
	}
	if problem := containerProblem(e.Container); problem != "" {
		return "Executor's `ContainerInfo` is invalid: " + problem
	}
	return ""
}

// ownerOfExecutorProblem finds a missing id only in a group: for LAUNCH the master has filled it in.
func (x *acceptance) ownerOfExecutorProblem(e *mesos.ExecutorInfo) string {
	switch {
	case e.FrameworkID == nil:
		return "'ExecutorInfo.framework_id' must be set"
	case e.FrameworkID.Value != x.framework.id:
		return "ExecutorInfo has an invalid FrameworkID (Actual: " + e.FrameworkID.Value + " vs Expected: " +
			x.framework.id + ")"
	}
	return ""
}

func resourcesOfExecutorProblem(e *mesos.ExecutorInfo) string {
	if problem := usesProblem(e.Resources); problem != "" {
		return "Executor uses invalid resources: " + problem
	}
	parsed := parseResources(e.Resources)
	if problem := uniqueIDProblem(parsed); problem != "" {
		return "Executor uses duplicate persistence ID: " + problem
	}
	if problem := singleRoleProblem(e.Resources); problem != "" {
		return "Invalid executor resources: " + problem
	}
	if problem := revocableProblem(parsed); problem != "" {
		return "Executor mixes revocable and non-revocable resources: " + problem
	}
	return ""
}

// compatibilityProblem compares with an executor of that id that runs.
func (x *acceptance) compatibilityProblem(e *mesos.ExecutorInfo) string {
	run := x.agent.executorOf(x.framework, e.ExecutorID.Value)
	if run == nil || run.info.Equal(e) {
		return ""
	}
	const rule = "\n------------------------------------------------------------\n"
	return "ExecutorInfo is not compatible with existing ExecutorInfo with same ExecutorID." + rule +
		"Existing ExecutorInfo:\n" + debugText(&run.info) + rule +
		"ExecutorInfo:\n" + debugText(e) + rule
}
