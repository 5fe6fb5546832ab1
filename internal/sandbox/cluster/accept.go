package cluster

import (
	"fmt"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// acceptance is one ACCEPT under way: offers of one agent and role, and what the operations have left of them.
type acceptance struct {
	framework *framework
	agent     *agent
	role      string
	offered   Resources
	remaining Resources
	finished  []finished
}

// finished is an operation that succeeded and has an id.
type finished struct {
	id   mesos.OperationID
	kind mesos.Offer_Operation_Type
	lost bool // it never reached the agent
}

// accept uses up offers. Operations apply in order to what remains; one that is refused leaves the others be. One
// bad offer id refuses everything, and the good ones of the same call are used up all the same.
func (c *Cluster) accept(f *framework, accept *scheduler.Call_Accept) {
	offers, problem := c.listed(f, accept.OfferIDs)
	for _, o := range offers {
		c.take(o)
	}
	if problem != "" {
		for _, o := range offers {
			c.recover(o.framework, o.agent, o.role, o.resources, 0)
		}
		for i := range accept.Operations {
			c.refuseForOffers(f, &accept.Operations[i], problem)
		}
		return
	}
	f.count("offers/accepted", len(offers))
	x := &acceptance{framework: f, agent: offers[0].agent, role: offers[0].role}
	for _, o := range offers {
		x.offered = x.offered.plus(o.resources)
	}
	x.remaining = x.offered
	for _, op := range c.wellFormed(x, accept.Operations) {
		c.operate(x, op)
	}
	x.settle(c, c.refusal(accept.Filters))
}

// wellFormed refuses operations that are wrong by themselves, before any is carried out, and brings the others into the form of
// the master. One task that is malformed spoils all of its LAUNCH.
func (c *Cluster) wellFormed(x *acceptance, operations []mesos.Offer_Operation) []*mesos.Offer_Operation {
	var good []*mesos.Offer_Operation
	for i := range operations {
		op := &operations[i]
		switch problem := operationFormProblem(op); {
		case problem == "":
			x.complete(op)
			good = append(good, op)
		case op.Type == mesos.Offer_Operation_LAUNCH:
			c.refuseTasks(x.framework, op, mesos.REASON_TASK_INVALID, problem)
		case op.Type == mesos.Offer_Operation_LAUNCH_GROUP:
			c.refuseTasks(x.framework, op, mesos.REASON_TASK_GROUP_INVALID, problem)
		default:
			c.dropOperation(x.framework, op, "Operation attempted with invalid resources: "+problem)
		}
	}
	return good
}

func (c *Cluster) refuseTasks(f *framework, op *mesos.Offer_Operation, reason mesos.TaskStatus_Reason, problem string) {
	for _, info := range launched(op) {
		c.refuseTask(f, info, mesos.TASK_ERROR, reason, problem)
	}
}

func operationFormProblem(op *mesos.Offer_Operation) string {
	if kind, known := kindOfOperation(op.Type); known {
		return kind.formProblem(op)
	}
	if op.Type != mesos.Offer_Operation_LAUNCH && op.Type != mesos.Offer_Operation_LAUNCH_GROUP {
		return ""
	}
	var resources []*mesos.Resource
	if op.Type == mesos.Offer_Operation_LAUNCH_GROUP && op.LaunchGroup != nil {
		resources = pointers(op.LaunchGroup.Executor.Resources)
	}
	for _, info := range launched(op) {
		resources = append(resources, pointers(info.Resources)...)
		if info.Executor != nil {
			resources = append(resources, pointers(info.Executor.Resources)...)
		}
	}
	if problem := formProblem(resources); problem != "" {
		return problem
	}
	if op.ID != nil {
		return "The `id` field cannot be set on " + op.Type.String() + " operations"
	}
	return ""
}

// settle gives back what remains. What operations have made and nothing was launched on is offered again at once, since
// the framework did not refuse that; only the rest is kept from it for a while. The agent reports last: its word comes
// behind those of the master.
func (x *acceptance) settle(c *Cluster, refuse time.Duration) {
	converted := x.remaining.minus(x.offered)
	c.recover(x.framework, x.agent, x.role, converted, 0)
	c.recover(x.framework, x.agent, x.role, x.remaining.minus(converted), refuse)
	for _, done := range x.finished {
		c.finish(x.framework, x.agent, done)
	}
}

// listed finds the offers that a call names. On a problem it gives those that exist.
func (c *Cluster) listed(f *framework, ids []mesos.OfferID) (offers []*offer, problem string) {
	seen := map[string]bool{}
	var twice string
	for _, id := range ids {
		if seen[id.Value] {
			twice = id.Value
			continue
		}
		seen[id.Value] = true
		if o := c.offers[id.Value]; o != nil {
			offers = append(offers, o)
		}
	}
	if len(ids) == 0 {
		return nil, "No offers specified"
	}
	if twice != "" {
		return offers, "Duplicate offer " + twice + " in offer list"
	}
	for _, id := range ids {
		if c.offers[id.Value] == nil {
			return offers, "Offer " + id.Value + " is no longer valid"
		}
	}
	return offers, mismatch(f, offers)
}

func mismatch(f *framework, offers []*offer) string {
	first := offers[0]
	for _, o := range offers {
		if o.framework != f {
			return fmt.Sprintf("Offer %s has invalid framework %s while framework %s is expected",
				o.id, o.framework.id, f.id)
		}
	}
	for _, o := range offers {
		if o.role != first.role {
			return fmt.Sprintf("Aggregated offers must be allocated to the same role. Offer %s uses role '%s but another is using role '%s",
				o.id, o.role, first.role) // its quotes are not ours to close
		}
	}
	for _, o := range offers {
		if o.agent != first.agent {
			return fmt.Sprintf("Aggregated offers must belong to one single agent. Offer %s uses agent %s and "+
				"agent %s", o.id, o.agent.id, first.agent.id)
		}
	}
	return ""
}

func (c *Cluster) refuseForOffers(f *framework, op *mesos.Offer_Operation, problem string) {
	for _, info := range launched(op) {
		c.refuseTask(f, info, mesos.TASK_DROPPED, mesos.REASON_INVALID_OFFERS,
			"Task launched with invalid offers: "+problem)
	}
	if len(launched(op)) == 0 {
		c.dropOperation(f, op, "Operation attempted with invalid offers: "+problem)
	}
}

// launched lists the tasks of LAUNCH and LAUNCH_GROUP.
func launched(op *mesos.Offer_Operation) []*mesos.TaskInfo {
	var tasks []*mesos.TaskInfo
	switch op.Type {
	case mesos.Offer_Operation_LAUNCH:
		infos := op.GetLaunch().GetTaskInfos()
		for i := range infos {
			tasks = append(tasks, &infos[i])
		}
	case mesos.Offer_Operation_LAUNCH_GROUP:
		if op.LaunchGroup != nil {
			infos := op.LaunchGroup.TaskGroup.Tasks
			for i := range infos {
				tasks = append(tasks, &infos[i])
			}
		}
	}
	return tasks
}

// operate applies one operation to what remains. One of a kind that the master does not know is passed over.
func (c *Cluster) operate(x *acceptance, op *mesos.Offer_Operation) {
	switch op.Type {
	case mesos.Offer_Operation_LAUNCH:
		for _, info := range launched(op) {
			c.launch(x, info)
		}
	case mesos.Offer_Operation_LAUNCH_GROUP:
		c.launchGroup(x, op)
	default:
		c.convert(x, op)
	}
}

func (c *Cluster) launch(x *acceptance, info *mesos.TaskInfo) {
	if what, denied := c.taskDenied(x, info); denied {
		c.refuseTask(x.framework, info, mesos.TASK_ERROR, mesos.REASON_TASK_UNAUTHORIZED,
			"Principal '"+x.framework.info.GetPrincipal()+"' no authorized to "+what)
		return
	}
	if problem := x.taskProblem(info); problem != "" {
		c.refuseTask(x.framework, info, mesos.TASK_ERROR, mesos.REASON_TASK_INVALID, problem)
		return
	}
	x.framework.countOperation(mesos.Offer_Operation_LAUNCH)
	x.remaining = x.remaining.minus(c.deliver(c.newTask(x, info)))
}

// newTask is one that passed all checks, with its resources taken from what remains.
func (c *Cluster) newTask(x *acceptance, info *mesos.TaskInfo) *task {
	t := &task{
		id: info.TaskID.Value, framework: x.framework, agent: x.agent, role: x.role, info: *info,
		state: mesos.TASK_STAGING, latest: mesos.TASK_STAGING, known: mesos.TASK_STAGING,
		resources: parseResources(info.Resources),
	}
	x.remaining = x.remaining.minus(t.resources)
	x.agent.used = x.agent.used.plus(t.resources.allocated(""))
	x.framework.tasks.put(t.id, t)
	c.tellTaskAdded(t)
	return t
}

// complete fills in what a master fills in: the allocation of resources, for a LAUNCH the framework of executors and the type of
// health checks, and for a LAUNCH_GROUP the executor of its tasks, but not the framework of that (F42).
func (x *acceptance) complete(op *mesos.Offer_Operation) {
	if kind, known := kindOfOperation(op.Type); known {
		x.adopt(kind.resources(op))
		return
	}
	for _, info := range launched(op) {
		x.adopt(pointers(info.Resources))
		if info.Executor != nil {
			x.adopt(pointers(info.Executor.Resources))
		}
	}
	switch {
	case op.Type == mesos.Offer_Operation_LAUNCH:
		for _, info := range launched(op) {
			inferHealthCheckType(info.HealthCheck)
			if info.Executor != nil && info.Executor.FrameworkID == nil {
				info.Executor.FrameworkID = &mesos.FrameworkID{Value: x.framework.id}
			}
		}
	case op.LaunchGroup != nil:
		e := &op.LaunchGroup.Executor
		x.adopt(pointers(e.Resources))
		for _, info := range launched(op) {
			if info.Executor == nil {
				copied := *e
				info.Executor = &copied
			}
		}
	}
}

// adopt brings resources of a call into the form of the master: reservations in a list, allocated to the role of the
// offers if nothing is said. Their form must be good.
func (x *acceptance) adopt(resources []*mesos.Resource) {
	for _, r := range resources {
		*r = upgraded(*r)
		if r.AllocationInfo == nil {
			role := x.role
			r.AllocationInfo = &mesos.Resource_AllocationInfo{Role: &role}
		}
	}
}

// refuseTask sends the master's own verdict on a task that never started. It has no uuid: it is sent once and not to
// be acknowledged. Frameworks that are not PARTITION_AWARE know only TASK_LOST for a dropped task.
func (c *Cluster) refuseTask(f *framework, info *mesos.TaskInfo, state mesos.TaskState,
	reason mesos.TaskStatus_Reason, message string) {
	if state == mesos.TASK_DROPPED && !f.partitionAware() {
		state = mesos.TASK_LOST
	}
	agentID := info.AgentID
	status := c.status(info.TaskID.Value, state, mesos.SOURCE_MASTER)
	status.Reason, status.Message, status.AgentID = &reason, &message, &agentID
	c.countEnd(&status)
	c.sendStatus(f, status)
}
