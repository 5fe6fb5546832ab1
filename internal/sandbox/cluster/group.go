package cluster

import (
	"fmt"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// group is a task group: what was launched together ends together (F41).
type group struct {
	tasks   []*task
	killing bool // one has failed or was killed, so the others are told to end
}

// launchGroup launches all tasks of a LAUNCH_GROUP or, if one thing is wrong, none of them. A group without tasks is
// dropped in silence, but not its executor, which then waits for others (F42).
func (c *Cluster) launchGroup(x *acceptance, op *mesos.Offer_Operation) {
	if op.LaunchGroup == nil {
		return // and it has no tasks
	}
	infos := launched(op)
	if problem := c.groupDenied(x, infos); problem != "" {
		c.refuseTasks(x.framework, op, mesos.REASON_TASK_GROUP_UNAUTHORIZED, problem)
		return
	}
	if problem := x.groupProblem(&op.LaunchGroup.Executor, infos); problem != "" {
		c.refuseTasks(x.framework, op, mesos.REASON_TASK_GROUP_INVALID, problem)
		return
	}
	x.framework.countOperation(op.Type)
	g := &group{}
	for _, info := range infos {
		t := c.newTask(x, info)
		t.group = g
		g.tasks = append(g.tasks, t)
	}
	x.remaining = x.remaining.minus(c.deliverGroup(x, &op.LaunchGroup.Executor, g))
}

// groupProblem looks at the tasks one by one, then at the executor, then at all together.
func (x *acceptance) groupProblem(e *mesos.ExecutorInfo, infos []*mesos.TaskInfo) string {
	seen := map[string]bool{}
	twice := func(info *mesos.TaskInfo) string {
		if id := info.TaskID.Value; seen[id] { // a real master does not look, and ends
			return "Task has duplicate ID: " + id
		}
		seen[info.TaskID.Value] = true
		return ""
	}
	for _, info := range infos {
		if problem := firstProblem(info, x.generalProblem, twice, nestedProblem); problem != "" {
			return "Task '" + info.TaskID.Value + "' is invalid: " + problem
		}
	}
	if problem := firstProblem(e, append(x.executorInfoProblems(), groupExecutorProblem)...); problem != "" {
		return problem
	}
	for _, info := range infos {
		if !info.Executor.Equal(e) {
			return fmt.Sprintf("The `ExecutorInfo` of task '%s' is different from executor '%s'",
				info.TaskID.Value, e.ExecutorID.Value)
		}
	}
	return firstProblem(e, leastProblem,
		func(e *mesos.ExecutorInfo) string { return x.groupFitProblem(e, infos) },
		func(e *mesos.ExecutorInfo) string { return x.cgroupsOfGroupProblem(e, infos) })
}

// nestedProblem is what can't be in a container within that of an executor.
func nestedProblem(info *mesos.TaskInfo) string {
	own := len(info.GetContainer().GetNetworkInfos()) > 0
	check := info.GetHealthCheck()
	switch {
	case own && check != nil && check.Type != mesos.HealthCheck_COMMAND:
		return "HTTP and TCP health checks are not supported for nested containers not joining parent's network"
	case info.Container != nil && info.Container.GetType() == mesos.ContainerInfo_DOCKER:
		return "Docker ContainerInfo is not supported on the task"
	case len(info.Limits) > 0 && inExecutorsCgroups(info):
		return "Resource limits may only be set for tasks within a task group when the 'share_cgroups' field is set to " +
			"'false'."
	}
	return ""
}

// inExecutorsCgroups is the default of a task in a group.
func inExecutorsCgroups(info *mesos.TaskInfo) bool {
	shares, _ := sharesCgroups(info.Container)
	return shares
}

// cgroupsOfGroupProblem wants all tasks of an executor to be alike, also those that run.
func (x *acceptance) cgroupsOfGroupProblem(e *mesos.ExecutorInfo, infos []*mesos.TaskInfo) string {
	if problem := cgroupsOfExecutorProblem(e); problem != "" {
		return problem
	}
	all := slices.Clone(infos)
	for _, tasks := range []ordered[*task]{x.framework.tasks, x.framework.unreachable} {
		for _, id := range tasks.keys {
			t := tasks.of[id]
			if own := t.info.Executor; own != nil && t.agent == x.agent && own.ExecutorID.Value == e.ExecutorID.Value {
				all = append(all, &t.info)
			}
		}
	}
	for _, info := range all {
		if inExecutorsCgroups(info) != inExecutorsCgroups(all[0]) {
			return "If set, the value of 'share_cgroups' must be the same for all tasks in each task group and under a single executor"
		}
	}
	return ""
}

func groupExecutorProblem(e *mesos.ExecutorInfo) string {
	switch {
	case e.Type == mesos.ExecutorInfo_UNKNOWN:
		return "'ExecutorInfo.type' must be set"
	case e.Container != nil && e.Container.GetType() == mesos.ContainerInfo_DOCKER:
		return "Docker ContainerInfo is not supported on the executor"
	}
	return ""
}

// The least that the executor of a group must have.
const (
	leastMilliCPUs = 10
	leastMilliMem  = 32 * 1000
)

func leastProblem(e *mesos.ExecutorInfo) string {
	has, id := parseResources(e.Resources), e.ExecutorID.Value
	named := func(name string) bool {
		return slices.ContainsFunc(e.Resources, func(r mesos.Resource) bool { return r.Name == name })
	}
	amount := func(name, unit string) string {
		if !named(name) {
			return "None"
		}
		return fmt.Sprintf("%g%s", float64(has.scalar(name))/1000, unit)
	}
	switch {
	case has.scalar("cpus") < leastMilliCPUs:
		return fmt.Sprintf("Executor '%s' uses less CPUs (%s) than the minimum required (0.01)", id, amount("cpus", ""))
	case has.scalar("mem") < leastMilliMem:
		return fmt.Sprintf("Executor '%s' uses less memory (%s) than the minimum required (32MB)", id, amount("mem", "MB"))
	case !named("disk"):
		return "Executor '" + id + "' uses no disk"
	}
	return ""
}

func (x *acceptance) groupFitProblem(e *mesos.ExecutorInfo, infos []*mesos.TaskInfo) string {
	needs := Resources{}
	for _, info := range infos {
		needs = needs.plus(parseResources(info.Resources))
	}
	if problem := togetherProblem(e, infos); problem != "" {
		return problem
	}
	if x.isNew(e) {
		needs = needs.plus(parseResources(e.Resources))
	}
	if !x.remaining.contains(needs) {
		return fmt.Sprintf("Total resources %s required by task group and its executor are more than available %s",
			needs, x.remaining)
	}
	return ""
}

// togetherProblem looks at what tasks and executor have together.
func togetherProblem(e *mesos.ExecutorInfo, infos []*mesos.TaskInfo) string {
	var parts []Resources
	var texts []string
	all := Resources{}
	for _, info := range infos {
		part := parseResources(info.Resources)
		parts, texts, all = append(parts, part), append(texts, part.String()), all.plus(part)
	}
	executor := parseResources(e.Resources)
	all = executor.plus(all)
	if problem := uniqueIDProblem(all); problem != "" {
		return "Task group and executor use duplicate persistence ID: " + problem
	}
	if problem := revocableProblem(all); problem != "" {
		return "Task group and executor mix revocable and non-revocable resources: " + problem
	}
	if overlapping(append(parts, executor)...) {
		return "There are overlapping resources in the task group's task resources " + setText(texts) +
			" and/or executor resources " + resourcesJSON(e.Resources)
	}
	return ""
}

// deliverGroup brings a group to its agent. It gives what a new executor takes from the offers.
func (c *Cluster) deliverGroup(x *acceptance, info *mesos.ExecutorInfo, g *group) Resources {
	launch := Delivery{Framework: x.framework.id}
	for _, t := range g.tasks {
		launch.Tasks = append(launch.Tasks, t.id)
	}
	if !c.reaches(x.agent, launch) {
		return c.deliverNothing(x.agent, x.framework, info)
	}
	for _, t := range g.tasks {
		x.agent.tasks.put(taskKey(t.framework, t.id), t)
	}
	if len(g.tasks) > 0 {
		if reason, message := c.untakeable(x.framework, info, g.tasks...); message != "" {
			c.drop(x.framework, info, reason, message, g.tasks...)
			return Resources{}
		}
	}
	var taken Resources
	e := x.agent.executorOf(x.framework, info.ExecutorID.Value)
	if e == nil {
		e = c.groupExecutor(x, info)
		taken = e.resources
	}
	for _, t := range g.tasks {
		if e.stopping {
			c.agentStatus(t, e.id, mesos.TASK_DROPPED, mesos.REASON_EXECUTOR_TERMINATED, "Executor terminating")
			continue
		}
		t.executor = e
		c.remount(t)
	}
	if !e.stopping {
		c.deliverTo(e, g.tasks...)
	}
	return taken
}

func (c *Cluster) groupExecutor(x *acceptance, info *mesos.ExecutorInfo) *executorRun {
	kind := defaultExecutor
	if info.Type == mesos.ExecutorInfo_CUSTOM {
		kind = customExecutor
	}
	e := c.newExecutor(kind, x.framework, x.agent, info.ExecutorID.Value)
	e.info, e.resources = *info, parseResources(info.Resources)
	x.agent.used = x.agent.used.plus(e.resources.allocated(""))
	if kind == customExecutor {
		e.registerBy = c.now.Add(c.cfg.RegistrationLimit)
	}
	c.contain(e, nil, e.container, info.Command)
	return e
}

// startGroups starts the tasks that a default executor was sent, each in a container within its own.
func (c *Cluster) startGroups(e *executorRun, tasks []*task) {
	for _, t := range tasks {
		t.process = c.contain(e, t, c.newID(), t.info.Command)
		c.say(t.process, t.process.word(c, mesos.TASK_STARTING))
	}
}

// endedInGroup does what the default executor does when one of its tasks has ended: one that failed or was killed takes
// the rest of its group with it, and the last one the executor.
func (c *Cluster) endedInGroup(p *process, state mesos.TaskState) {
	e, g := p.executor, p.task.group
	if state != mesos.TASK_FINISHED && !g.killing && !e.stopping {
		g.killing = true
		for _, t := range g.tasks {
			if t.process != nil {
				c.stop(t.process, c.cfg.KillGrace)
			}
		}
	}
	if len(e.nested()) == 0 {
		c.endDefaultExecutor(e)
	}
}

// endDefaultExecutor lets it end when it has nothing more to do. It has ended when its container is gone.
func (c *Cluster) endDefaultExecutor(e *executorRun) {
	e.stopping, e.done = true, true
	for _, own := range e.processes {
		c.signal(own, Kill)
	}
}

// defaultExecutorExited is the end of a default executor. If it had tasks still, somebody has killed it: its containers are
// destroyed, and it is said of its tasks that they were killed.
func (c *Cluster) defaultExecutorExited(e *executorRun, own *process, exit Exit) {
	for _, p := range e.nested() {
		c.signal(p, Kill)
		c.forget(p)
		word, text := p.word(c, mesos.TASK_FAILED), exitText(sigKill)
		word.Message = &text
		c.say(p, word)
	}
	if e.done {
		exit = Exit{}
	}
	c.executorEnded(e, own, exit)
}

// nested are the processes of a default executor's tasks.
func (e *executorRun) nested() []*process {
	return slices.DeleteFunc(slices.Clone(e.processes), func(p *process) bool { return p.task == nil })
}
