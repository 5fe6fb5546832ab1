package cluster

import (
	"encoding/json"
	"fmt"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/master"

	"github.com/quobyte/mesos-framework/internal/sandbox/protojson"
)

// AuthorizationRequest is what a master asks its authorizer. Without Config.Deny everybody may do everything.
type AuthorizationRequest struct {
	Action    string // as Mesos names it, such as RUN_TASK
	Principal string // who wants it; "" if he has shown none
	Framework string // id, "" for an operator and for a framework that has none yet
	Name      string // of the framework
	Roles     []string
	Agent     string // whose resources, or that is to be changed
	Task      string // of RUN_TASK
}

// denied asks, and tells the journal if the answer is no.
func (c *Cluster) denied(r AuthorizationRequest) bool {
	if c.cfg.Deny == nil || !c.cfg.Deny(r) {
		return false
	}
	if c.cfg.Journal != nil {
		c.tellTick()
		c.record(Denied, Entry{Agent: r.Agent, Framework: r.Framework, Task: r.Task, About: r})
	}
	return true
}

// registrationDenied is the text with which a framework may not subscribe, or change, as it says; "" if it may.
func (c *Cluster) registrationDenied(info *mesos.FrameworkInfo) string {
	roles := slices.Sorted(slices.Values(rolesOf(info)))
	if !c.denied(AuthorizationRequest{
		Action: "REGISTER_FRAMEWORK", Principal: info.GetPrincipal(), Framework: info.GetID().GetValue(), Name: info.Name, Roles: roles,
	}) {
		return ""
	}
	return "Not authorized to register framework " + info.GetID().GetValue() + " with roles " + setText(roles)
}

// taskDenied tells whether a framework may not run a task, and what that would be.
func (c *Cluster) taskDenied(x *acceptance, info *mesos.TaskInfo) (what string, denied bool) {
	f := x.framework
	if c.cfg.Deny == nil || !c.denied(AuthorizationRequest{
		Action: "RUN_TASK", Principal: f.info.GetPrincipal(), Framework: f.id, Name: f.info.Name, Roles: []string{x.role},
		Agent: x.agent.id, Task: info.TaskID.Value,
	}) {
		return "", false
	}
	return fmt.Sprintf("launch task %s of framework %s under user '%s'", info.TaskID.Value, f.id, taskUser(f, info)), true
}

func taskUser(f *framework, info *mesos.TaskInfo) string {
	switch {
	case info.GetCommand().GetUser() != "":
		return info.Command.GetUser()
	case info.GetExecutor().GetCommand().GetUser() != "":
		return info.Executor.Command.GetUser()
	}
	return f.info.User
}

// groupDenied is the text with which a group may not run, "" if all of it may. Of several tasks the last is named.
func (c *Cluster) groupDenied(x *acceptance, infos []*mesos.TaskInfo) (problem string) {
	for _, info := range infos {
		if what, denied := c.taskDenied(x, info); denied {
			problem = "Task '" + info.TaskID.Value + "' is not authorized to" + what // no blank, as in Mesos
		}
	}
	return problem
}

// operationDenied is the text with which a framework may not do something to an agent's resources, "" if it may.
func (c *Cluster) operationDenied(x *acceptance, kind operationKind, op *mesos.Offer_Operation) string {
	if c.cfg.Deny == nil || kind.action == "" {
		return ""
	}
	f := x.framework
	for _, object := range authorizedObjects(kind, op) {
		if c.denied(AuthorizationRequest{
			Action: kind.action, Principal: f.info.GetPrincipal(), Framework: f.id, Name: f.info.Name, Roles: []string{roleOfReservation(object.Resource)},
			Agent: x.agent.id,
		}) {
			return "Principal '" + f.info.GetPrincipal() + "' no authorized to perform action " + kind.action + " on object " + object.text()
		}
	}
	return ""
}

// authorizedObject is what an authorizer is asked about.
type authorizedObject struct {
	Value    string
	Resource *mesos.Resource
}

func (o authorizedObject) text() string {
	resource, err := protojson.Marshal(o.Resource)
	value, _ := json.Marshal(o.Value) // of a string, which never fails
	if err != nil {
		resource = []byte("{}") // no resource that was read can't be written
	}
	return `{"value":` + string(value) + `,"resource":` + string(resource) + "}"
}

// authorizedObjects are asked about one by one: reserving and creating for each role, taking back for each resource.
func authorizedObjects(kind operationKind, op *mesos.Offer_Operation) []authorizedObject {
	var objects []authorizedObject
	for _, r := range kind.resources(op) {
		switch op.Type {
		case mesos.Offer_Operation_UNRESERVE:
			objects = append(objects, authorizedObject{principalOfReservation(r), r})
		case mesos.Offer_Operation_DESTROY:
			objects = append(objects, authorizedObject{r.GetDisk().GetPersistence().GetPrincipal(), r})
		default:
			role := roleOfReservation(r)
			if !slices.ContainsFunc(objects, func(o authorizedObject) bool { return o.Value == role }) {
				objects = append(objects, authorizedObject{role, r})
			}
		}
	}
	if op.Type == mesos.Offer_Operation_GROW_VOLUME {
		return objects[:1] // of the volume, not of what it gets
	}
	return objects
}

func roleOfReservation(r *mesos.Resource) string {
	if n := len(r.Reservations); n > 0 {
		return r.Reservations[n-1].GetRole()
	}
	return "*"
}

func principalOfReservation(r *mesos.Resource) string {
	if n := len(r.Reservations); n > 0 {
		return r.Reservations[n-1].GetPrincipal()
	}
	return ""
}

// operatorActions are what calls of operators have to be allowed, by their type. Those that only read show less to who may not
// see, which is not modelled.
var operatorActions = map[master.Call_Type]string{
	master.Call_TEARDOWN: "TEARDOWN_FRAMEWORK", master.Call_RESERVE_RESOURCES: "RESERVE_RESOURCES", master.Call_UNRESERVE_RESOURCES: "UNRESERVE_RESOURCES",
	master.Call_CREATE_VOLUMES: "CREATE_VOLUME", master.Call_DESTROY_VOLUMES: "DESTROY_VOLUME", master.Call_GROW_VOLUME: "RESIZE_VOLUME",
	master.Call_SHRINK_VOLUME: "RESIZE_VOLUME", master.Call_UPDATE_QUOTA: "UPDATE_QUOTA", master.Call_SET_QUOTA: "UPDATE_QUOTA",
	master.Call_REMOVE_QUOTA: "UPDATE_QUOTA", master.Call_UPDATE_WEIGHTS: "UPDATE_WEIGHT", master.Call_DRAIN_AGENT: "DRAIN_AGENT",
	master.Call_DEACTIVATE_AGENT: "DEACTIVATE_AGENT", master.Call_REACTIVATE_AGENT: "REACTIVATE_AGENT", master.Call_MARK_AGENT_GONE: "MARK_AGENT_GONE",
	master.Call_UPDATE_MAINTENANCE_SCHEDULE: "UPDATE_MAINTENANCE_SCHEDULE", master.Call_START_MAINTENANCE: "START_MAINTENANCE",
	master.Call_STOP_MAINTENANCE: "STOP_MAINTENANCE",
}

// operatorDenied tells whether an operator may not do what he calls for.
func (c *Cluster) operatorDenied(principal string, call *master.Call) bool {
	action := operatorActions[call.Type]
	if c.cfg.Deny == nil || action == "" {
		return false
	}
	r := AuthorizationRequest{Action: action, Principal: principal, Framework: call.GetTeardown().GetFrameworkID().Value, Agent: agentOf(call)}
	if f := c.frameworkByID(r.Framework); f != nil {
		r.Name = f.info.Name
	}
	return c.denied(r)
}

// agentOf is the agent that an operator's call is about, "" if it is about none.
func agentOf(call *master.Call) string {
	for _, id := range []string{
		call.GetReserveResources().GetAgentID().Value, call.GetUnreserveResources().GetAgentID().Value, call.GetCreateVolumes().GetAgentID().Value,
		call.GetDestroyVolumes().GetAgentID().Value, call.GetGrowVolume().GetAgentID().GetValue(), call.GetShrinkVolume().GetAgentID().GetValue(),
		call.GetDrainAgent().GetAgentID().Value, call.GetDeactivateAgent().GetAgentID().Value, call.GetReactivateAgent().GetAgentID().Value,
		call.GetMarkAgentGone().GetAgentID().Value,
	} {
		if id != "" {
			return id
		}
	}
	return ""
}

// forbidden is the answer to who may not do what he calls for.
func forbidden() Answer { return Answer{Status: statusForbidden, Text: "403 Forbidden."} }
