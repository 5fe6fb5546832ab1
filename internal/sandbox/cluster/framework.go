package cluster

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// framework is what the master knows of one scheduler.
type framework struct {
	id             string
	info           mesos.FrameworkInfo
	stream         string    // "" while disconnected
	registered     time.Time // when the master first heard of it
	subscribed     time.Time
	unregistered   time.Time // zero until it is removed
	heartbeatAt    time.Time
	removeAt       time.Time // set while disconnected
	suppressed     map[string]bool
	constraints    *OfferConstraints
	filters        []filter
	tasks          ordered[*task]
	unreachable    ordered[*task] // tasks of agents that were given up
	completed      []*task        // the last that ended, for State alone
	inverseFilters []inverseFilter
	recovered      bool // known from agents alone: its scheduler has not subscribed since the master leads

	operationByID ordered[*operation] // whose success was not acknowledged

	tally tally
}

func (f *framework) has(capability mesos.FrameworkInfo_Capability_Type) bool {
	return slices.ContainsFunc(f.info.Capabilities, func(c mesos.FrameworkInfo_Capability) bool {
		return c.Type == capability
	})
}

func (f *framework) partitionAware() bool {
	return f.has(mesos.FrameworkInfo_Capability_PARTITION_AWARE)
}

func (f *framework) form() resourceForm {
	return resourceForm{
		allocation: f.has(mesos.FrameworkInfo_Capability_MULTI_ROLE),
		refined:    f.has(mesos.FrameworkInfo_Capability_RESERVATION_REFINEMENT),
	}
}

func (f *framework) roles() []string { return rolesOf(&f.info) }

func rolesOf(info *mesos.FrameworkInfo) []string {
	if slices.ContainsFunc(info.Capabilities, func(c mesos.FrameworkInfo_Capability) bool {
		return c.Type == mesos.FrameworkInfo_Capability_MULTI_ROLE
	}) {
		return info.Roles
	}
	return []string{info.GetRole()}
}

// Subscribe handles a SUBSCRIBE call that passed Validate. It always gives a stream, on which the effects put either
// SUBSCRIBED and what follows it, or one ERROR and the end: a master refuses a wrong FrameworkInfo with an event, not
// with a status. The caller must be ready to carry out effects on the stream when it takes them. There is no stream
// without a leading master only: see Unavailable.
func (c *Cluster) Subscribe(now time.Time, call *scheduler.Call) (stream string, effects []Effect) {
	return c.SubscribeConstrained(now, call, nil)
}

// SubscribeConstrained is Subscribe with the offer constraints of the call.
func (c *Cluster) SubscribeConstrained(now time.Time, call *scheduler.Call, constraints *OfferConstraints) (stream string, effects []Effect) {
	c.begin(now, Entry{Name: "Subscribe", Framework: call.GetSubscribe().GetFrameworkInfo().GetID().GetValue(), About: call, Constraints: constraints})
	if !c.leads() {
		c.outcome(Entry{Answer: c.Unavailable()})
		return "", c.end()
	}
	stream = c.newID()
	c.outcome(Entry{Stream: stream, Answer: Answer{Status: statusOK}})
	subscribe := call.GetSubscribe()
	info := *subscribe.GetFrameworkInfo()
	if info.GetID().GetValue() == "" {
		c.tally["messages_register_framework"]++
	} else {
		c.tally["messages_reregister_framework"]++
	}
	if problem := c.subscriptionProblem(&info, subscribe.SuppressedRoles, constraints); problem != "" {
		c.refuse(stream, problem)
		return stream, c.end()
	}
	f := c.frameworkByID(info.GetID().GetValue())
	tell, active := c.tellFrameworkUpdated, f != nil && f.stream != ""
	if f == nil {
		f, tell = c.admit(&info), c.tellFrameworkAdded
	} else {
		c.failOver(f, &info, subscribe.SuppressedRoles)
	}
	c.countCall(f, call)
	f.stream, f.recovered = stream, false
	f.subscribed, f.removeAt = c.now, time.Time{}
	tell(f)
	f.suppressed, f.constraints = setOf(subscribe.SuppressedRoles), constraints
	interval := c.cfg.HeartbeatInterval.Seconds()
	c.send(f, &scheduler.Event{Type: scheduler.Event_SUBSCRIBED, Subscribed: &scheduler.Event_Subscribed{
		FrameworkID:              &mesos.FrameworkID{Value: f.id},
		HeartbeatIntervalSeconds: &interval,
		MasterInfo:               c.masterInfo(),
	}})
	c.send(f, &scheduler.Event{Type: scheduler.Event_HEARTBEAT})
	f.heartbeatAt = c.now.Add(c.cfg.HeartbeatInterval)
	if active { // to the allocator it is the same framework as before, and has to wait for a round
		c.rounds.request(c.now)
	} else {
		c.allocate(c.agents)
	}
	c.resume(f) // the agents hear of it later than the allocator
	return stream, c.end()
}

// Principal is that of a framework that the master knows, "" if it has none.
func (c *Cluster) Principal(framework string) (principal string, known bool) {
	f := c.frameworkByID(framework)
	if f == nil {
		return "", false
	}
	return f.info.GetPrincipal(), true
}

func (c *Cluster) refuse(stream, problem string) {
	c.emit(SendToScheduler{Stream: stream, Event: &scheduler.Event{
		Type: scheduler.Event_ERROR, Error: &scheduler.Event_Error{Message: problem},
	}})
	c.emit(CloseScheduler{Stream: stream})
}

func (c *Cluster) subscriptionProblem(info *mesos.FrameworkInfo, suppressed []string, constraints *OfferConstraints) string {
	if problem := frameworkInfoProblem(info); problem != "" {
		return problem
	}
	id := info.GetID().GetValue()
	if c.removed[id] {
		return "Framework has been removed"
	}
	if problem := suppressedProblem(info, suppressed); problem != "" {
		return problem
	}
	if problem := constraintsProblem(info, constraints); problem != "" {
		return problem
	}
	if problem := c.registrationDenied(info); problem != "" {
		return problem
	}
	if f := c.frameworkByID(id); f != nil && f.info.GetPrincipal() != info.GetPrincipal() {
		return "Changing framework's principal is not allowed."
	}
	return ""
}

func (c *Cluster) admit(info *mesos.FrameworkInfo) *framework {
	id := info.GetID().GetValue()
	if id == "" {
		id = fmt.Sprintf("%s-%04d", c.masterID, c.frameworksMade)
		c.frameworksMade++
	}
	f := c.identities[id] // agents may have something of it from before this master
	if f == nil {
		f = &framework{id: id}
		c.identities[id] = f
	}
	f.forget()
	f.info, f.registered = *info, c.now
	f.info.ID = &mesos.FrameworkID{Value: id}
	c.frameworks = append(c.frameworks, f)
	return f
}

// failOver takes over the subscription of a known framework. A new subscription always wins. What a scheduler has declined stays declined if the
// master has not noticed that its connection had ended: who does not know what was before had better REVIVE.
func (c *Cluster) failOver(f *framework, info *mesos.FrameworkInfo, suppressed []string) {
	if f.stream != "" {
		c.refuse(f.stream, "Framework failed over")
		f.stream = ""
	}
	c.dropOffers(f)
	user, checkpoint := f.info.User, f.info.Checkpoint
	f.reviseFilters(rolesOf(info), suppressed)
	f.info = *info
	f.info.User, f.info.Checkpoint = user, checkpoint // Mesos keeps these two silently
}

// reviseFilters forgets what was refused for roles that a framework gives up, or does not suppress any more, and all that it has said of inverse
// offers.
func (f *framework) reviseFilters(roles, suppressed []string) {
	f.inverseFilters = nil
	f.filters = slices.DeleteFunc(f.filters, func(filter filter) bool {
		return !slices.Contains(roles, filter.role) || f.suppressed[filter.role] && !slices.Contains(suppressed, filter.role)
	})
}

// Disconnect says that the connection of a subscription has ended. Tasks go on; the framework is removed if it does
// not return within its failover_timeout (Mesos: the default is 0, so at once).
func (c *Cluster) Disconnect(now time.Time, stream string) []Effect {
	c.begin(now, Entry{Name: "Disconnect", Stream: stream})
	for _, f := range slices.Clone(c.frameworks) {
		if f.stream != stream || stream == "" {
			continue
		}
		f.stream = ""
		f.filters, f.inverseFilters = nil, nil
		c.dropOffers(f)
		f.removeAt = c.now.Add(seconds(f.info.GetFailoverTimeout()))
		if due(f.removeAt, c.now) {
			c.remove(f)
		}
	}
	return c.end()
}

func seconds(s float64) time.Duration {
	if s*float64(time.Second) >= math.MaxInt64 {
		return math.MaxInt64
	}
	return time.Duration(s * float64(time.Second))
}

// remove forgets a framework for good: its executors are shut down and their resources are free at once.
func (c *Cluster) remove(f *framework) {
	if f.stream != "" {
		c.emit(CloseScheduler{Stream: f.stream})
		f.stream = ""
	}
	c.dropOffers(f)
	for _, a := range c.agents {
		c.freeAll(a, f)
		if a.linked() {
			c.shutDownFramework(a, f)
		}
	}
	for _, id := range slices.Clone(f.tasks.keys) {
		c.endRemoved(f.tasks.of[id])
	}
	f.unregistered = c.now
	c.completed = append(c.completed, f)
	c.removed[f.id] = true
	if surplus := len(c.completed) - c.cfg.CompletedFrameworks; surplus > 0 {
		for _, forgotten := range c.completed[:surplus] {
			delete(c.removed, forgotten.id)
		}
		c.completed = c.completed[surplus:]
	}
	c.frameworks = slices.DeleteFunc(c.frameworks, func(other *framework) bool { return other == f })
	c.rounds.request(c.now)
	c.tellFrameworkRemoved(f)
	for _, a := range slices.Clone(c.agents) {
		c.checkDrained(a)
	}
}

// endRemoved ends a task of a framework that is removed, as operators see it; nobody else is told.
func (c *Cluster) endRemoved(t *task) {
	if !terminal(t.known) {
		message, reason := "Framework "+t.framework.id+" removed", mesos.REASON_FRAMEWORK_REMOVED
		status := c.status(t.id, mesos.TASK_KILLED, mesos.SOURCE_MASTER)
		status.Message, status.Reason, status.AgentID = &message, &reason, &mesos.AgentID{Value: t.agent.id}
		t.known, t.latest = mesos.TASK_KILLED, mesos.TASK_KILLED
		c.countEnd(&status)
		f := t.framework
		f.count("tasks/terminal/task_killed", 1)
		t.note(status)
		c.tellTaskUpdated(t, status)
	}
	c.complete(t)
}

// updateFramework answers an UPDATE_FRAMEWORK call.
func (c *Cluster) updateFramework(f *framework, update *scheduler.Call_UpdateFramework, constraints *OfferConstraints) Answer {
	info := update.FrameworkInfo
	if problem := frameworkInfoProblem(&info); problem != "" {
		return refused("Supplied FrameworkInfo is not valid: " + problem)
	}
	if problem := f.changeProblem(&info); problem != "" {
		return refused("FrameworkInfo update is not valid: " + problem)
	}
	if problem := suppressedProblem(&info, update.SuppressedRoles); problem != "" {
		return refused("'UpdateFramework' call is not valid: " + problem)
	}
	if problem := constraintsProblem(&info, constraints); problem != "" {
		return refused("'UpdateFramework' call is not valid: " + problem)
	}
	if problem := c.registrationDenied(&info); problem != "" {
		return Answer{Status: statusForbidden, Text: problem}
	}
	changed := !equivalent(info, f.info)
	f.reviseFilters(rolesOf(&info), update.SuppressedRoles)
	f.info = info
	c.forgetTurns()
	f.suppressed, f.constraints = setOf(update.SuppressedRoles), constraints
	for _, o := range c.offersOf(f) {
		if !slices.Contains(f.roles(), o.role) {
			c.rescind(f, o)
		}
	}
	if changed { // else neither operators nor agents are told, which would repeat their updates
		c.tellFrameworkUpdated(f)
		c.resume(f)
	}
	c.rounds.request(c.now)
	return Answer{Status: statusOK}
}

// equivalent tells whether two infos say the same, in whatever order.
func equivalent(a, b mesos.FrameworkInfo) bool {
	sorted := func(info mesos.FrameworkInfo) *mesos.FrameworkInfo {
		info.Roles, info.Capabilities = slices.Clone(info.Roles), slices.Clone(info.Capabilities)
		slices.Sort(info.Roles)
		slices.SortFunc(info.Capabilities, func(x, y mesos.FrameworkInfo_Capability) int { return cmp.Compare(x.Type, y.Type) })
		return &info
	}
	return sorted(a).Equal(sorted(b))
}

func (f *framework) changeProblem(info *mesos.FrameworkInfo) string {
	const unsupported = "Updating 'FrameworkInfo.%s' is unsupported; attempted to update from '%v' to '%v'"
	switch {
	case info.GetPrincipal() != f.info.GetPrincipal():
		return "Changing framework's principal is not allowed."
	case info.User != f.info.User:
		return fmt.Sprintf(unsupported, "user", f.info.User, info.User)
	case info.GetCheckpoint() != f.info.GetCheckpoint():
		return fmt.Sprintf(unsupported, "checkpoint", f.info.GetCheckpoint(), info.GetCheckpoint())
	}
	return ""
}

func frameworkInfoProblem(info *mesos.FrameworkInfo) string {
	multiRole := slices.ContainsFunc(info.Capabilities, func(c mesos.FrameworkInfo_Capability) bool {
		return c.Type == mesos.FrameworkInfo_Capability_MULTI_ROLE
	})
	switch {
	case multiRole && info.Role != nil:
		return "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable"
	case !multiRole && len(info.Roles) > 0:
		return "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable"
	}
	if twice := duplicates(info.Roles); len(twice) > 0 {
		return "'FrameworkInfo.roles' contains duplicate items: " + setText(twice)
	}
	wrong := "'FrameworkInfo.role' is not a valid role: "
	if multiRole {
		wrong = "'FrameworkInfo.roles' contains invalid role: "
	}
	for _, role := range rolesOf(info) {
		if problem := roleProblem(role); problem != "" {
			return wrong + problem
		}
	}
	if id := info.GetID().GetValue(); id != "" {
		if problem := idProblem(id); problem != "" {
			return problem
		}
	}
	if problem := offerFiltersProblem(info); problem != "" {
		return problem
	}
	if timeout := info.GetFailoverTimeout(); math.IsNaN(timeout) || math.Abs(timeout) >= math.MaxInt64/1e9 {
		return fmt.Sprintf("The framework failover_timeout (%g) is invalid", timeout)
	}
	return ""
}

func suppressedProblem(info *mesos.FrameworkInfo, suppressed []string) string {
	var strange []string
	for _, role := range suppressed {
		if !slices.Contains(rolesOf(info), role) {
			strange = append(strange, role)
		}
	}
	if len(strange) == 0 {
		return ""
	}
	return "Suppressed roles " + setText(strange) + " are not contained in the set of roles"
}

func duplicates(list []string) []string {
	var twice []string
	for i, item := range list {
		if slices.Contains(list[:i], item) && !slices.Contains(twice, item) {
			twice = append(twice, item)
		}
	}
	return twice
}

func setText(list []string) string { return "{ " + strings.Join(list, ", ") + " }" }

func setOf(list []string) map[string]bool {
	set := map[string]bool{}
	for _, item := range list {
		set[item] = true
	}
	return set
}
