package cluster

import (
	"errors"
	"fmt"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/maintenance"
	"github.com/mesos/mesos-go/api/v1/lib/master"
)

// OperatorAnswer is what a call of the operator API is answered with over HTTP: a response, or a text, or only a status.
type OperatorAnswer struct {
	Answer
	Response    *master.Response
	Constraints map[string]*OfferConstraints // of the frameworks in Response that have any, by id
}

// ValidateOperatorCall checks what a master checks of any operator call before it does anything. The error is what it
// puts behind "Failed to validate master::Call: ".
func ValidateOperatorCall(call *master.Call) error {
	if call.Type == master.Call_UNKNOWN {
		return errors.New("Expecting 'type' to be present")
	}
	if body, present := operatorBody(call); !present {
		return fmt.Errorf("Expecting '%s' to be present", body)
	}
	var resources []mesos.Resource
	switch call.Type {
	case master.Call_RESERVE_RESOURCES:
		resources = call.ReserveResources.Resources
	case master.Call_UNRESERVE_RESOURCES:
		resources = call.UnreserveResources.Resources
	case master.Call_GROW_VOLUME, master.Call_SHRINK_VOLUME:
		if call.GetGrowVolume().GetAgentID() == nil && call.GetShrinkVolume().GetAgentID() == nil {
			return errors.New("Expecting 'agent_id' to be present; only agent default resources are supported right now")
		}
	}
	if problem := formProblem(pointers(resources)); problem != "" {
		return errors.New(problem)
	}
	return nil
}

// operatorBody names the field that belongs to the type of a call, and tells whether it is there. Those that only read
// need none, but for GET_METRICS.
func operatorBody(call *master.Call) (string, bool) {
	switch call.Type {
	case master.Call_GET_METRICS:
		return "get_metrics", call.GetMetrics != nil
	case master.Call_SET_LOGGING_LEVEL:
		return "set_logging_level", call.SetLoggingLevel != nil
	case master.Call_LIST_FILES:
		return "list_files", call.ListFiles != nil
	case master.Call_READ_FILE:
		return "read_file", call.ReadFile != nil
	case master.Call_UPDATE_WEIGHTS:
		return "update_weights", call.UpdateWeights != nil
	case master.Call_RESERVE_RESOURCES:
		return "reserve_resources", call.ReserveResources != nil
	case master.Call_UNRESERVE_RESOURCES:
		return "unreserve_resources", call.UnreserveResources != nil
	case master.Call_CREATE_VOLUMES:
		return "create_volumes", call.CreateVolumes != nil
	case master.Call_DESTROY_VOLUMES:
		return "destroy_volumes", call.DestroyVolumes != nil
	case master.Call_GROW_VOLUME:
		return "grow_volume", call.GrowVolume != nil
	case master.Call_SHRINK_VOLUME:
		return "shrink_volume", call.ShrinkVolume != nil
	case master.Call_UPDATE_MAINTENANCE_SCHEDULE:
		return "update_maintenance_schedule", call.UpdateMaintenanceSchedule != nil
	case master.Call_START_MAINTENANCE:
		return "start_maintenance", call.StartMaintenance != nil
	case master.Call_STOP_MAINTENANCE:
		return "stop_maintenance", call.StopMaintenance != nil
	case master.Call_DRAIN_AGENT:
		return "drain_agent", call.DrainAgent != nil
	case master.Call_DEACTIVATE_AGENT:
		return "deactivate_agent", call.DeactivateAgent != nil
	case master.Call_REACTIVATE_AGENT:
		return "reactivate_agent", call.ReactivateAgent != nil
	case master.Call_UPDATE_QUOTA:
		return "update_quota", call.UpdateQuota != nil
	case master.Call_SET_QUOTA:
		return "set_quota", call.SetQuota != nil
	case master.Call_REMOVE_QUOTA:
		return "remove_quota", call.RemoveQuota != nil
	case master.Call_TEARDOWN:
		return "teardown", call.Teardown != nil
	case master.Call_MARK_AGENT_GONE:
		return "mark_agent_gone", call.MarkAgentGone != nil
	}
	return "", true
}

// Operate handles any call of the operator API but SUBSCRIBE that passed ValidateOperatorCall. Those that are about the
// process and not the cluster (files, flags, metrics) are the caller's and are answered with 501 here.
func (c *Cluster) Operate(now time.Time, call *master.Call) (OperatorAnswer, []Effect) {
	return c.OperateAs(now, "", call)
}

// OperateAs is Operate for an operator who has shown a principal; "" is none. It counts for reservations and volumes.
func (c *Cluster) OperateAs(now time.Time, principal string, call *master.Call) (OperatorAnswer, []Effect) {
	c.begin(now, Entry{Name: "Operate", Principal: principal, About: call})
	answer := c.answerOperator(principal, call)
	c.outcome(Entry{Answer: answer.Answer})
	return answer, c.end()
}

func (c *Cluster) answerOperator(principal string, call *master.Call) OperatorAnswer {
	if answer := c.Unavailable(); answer.Status != 0 {
		return OperatorAnswer{Answer: answer}
	}
	if response := c.read(call); response != nil {
		return OperatorAnswer{Answer{Status: statusOK}, response, c.constraintsByID()}
	}
	if c.operatorDenied(principal, call) {
		return OperatorAnswer{Answer: forbidden()}
	}
	return OperatorAnswer{Answer: c.change(principal, call)}
}

func (c *Cluster) constraintsByID() map[string]*OfferConstraints {
	byID := map[string]*OfferConstraints{}
	for _, f := range append(slices.Clone(c.frameworks), c.completed...) {
		if f.constraints != nil {
			byID[f.id] = f.constraints
		}
	}
	return byID
}

// read answers the calls that change nothing; nil for others.
func (c *Cluster) read(call *master.Call) *master.Response {
	switch call.Type {
	case master.Call_GET_HEALTH:
		return &master.Response{Type: master.Response_GET_HEALTH, GetHealth: &master.Response_GetHealth{Healthy: true}}
	case master.Call_GET_STATE:
		return &master.Response{Type: master.Response_GET_STATE, GetState: c.State()}
	case master.Call_GET_TASKS:
		return &master.Response{Type: master.Response_GET_TASKS, GetTasks: c.allTasks()}
	case master.Call_GET_EXECUTORS:
		return &master.Response{Type: master.Response_GET_EXECUTORS, GetExecutors: c.allExecutors()}
	case master.Call_GET_FRAMEWORKS:
		return &master.Response{Type: master.Response_GET_FRAMEWORKS, GetFrameworks: c.allFrameworks()}
	case master.Call_GET_AGENTS:
		return &master.Response{Type: master.Response_GET_AGENTS, GetAgents: c.allAgents()}
	case master.Call_GET_MASTER:
		return &master.Response{Type: master.Response_GET_MASTER, GetMaster: c.About()}
	case master.Call_GET_ROLES:
		return &master.Response{Type: master.Response_GET_ROLES, GetRoles: c.allRoles()}
	case master.Call_GET_OPERATIONS:
		return &master.Response{Type: master.Response_GET_OPERATIONS, GetOperations: c.allOperations()}
	case master.Call_GET_QUOTA:
		return &master.Response{Type: master.Response_GET_QUOTA, GetQuota: c.allQuotas()}
	case master.Call_GET_WEIGHTS:
		return &master.Response{Type: master.Response_GET_WEIGHTS, GetWeights: c.allWeights()}
	case master.Call_GET_MAINTENANCE_STATUS:
		return &master.Response{Type: master.Response_GET_MAINTENANCE_STATUS,
			GetMaintenanceStatus: &master.Response_GetMaintenanceStatus{Status: c.maintenanceStatus()}}
	case master.Call_GET_MAINTENANCE_SCHEDULE:
		return &master.Response{Type: master.Response_GET_MAINTENANCE_SCHEDULE,
			GetMaintenanceSchedule: &master.Response_GetMaintenanceSchedule{
				Schedule: maintenance.Schedule{Windows: c.registry.windows}}}
	}
	return nil
}

// About is what a master tells about itself, as the GET_MASTER call of the operator API does.
func (c *Cluster) About() *master.Response_GetMaster {
	started := seconds1970(c.started)
	return &master.Response_GetMaster{MasterInfo: c.masterInfo(), StartTime: &started, ElectedTime: &started}
}

func (c *Cluster) change(principal string, call *master.Call) Answer {
	switch call.Type {
	case master.Call_TEARDOWN:
		return c.tearDown(call.Teardown.FrameworkID)
	case master.Call_MARK_AGENT_GONE:
		return c.markAgentGone(call.MarkAgentGone.AgentID.Value)
	case master.Call_DRAIN_AGENT:
		return c.drainAgent(call.DrainAgent.AgentID.Value, drainOf(call.DrainAgent))
	case master.Call_DEACTIVATE_AGENT:
		return c.deactivateAgent(call.DeactivateAgent.AgentID.Value)
	case master.Call_REACTIVATE_AGENT:
		return c.reactivateAgent(call.ReactivateAgent.AgentID.Value)
	case master.Call_UPDATE_MAINTENANCE_SCHEDULE:
		return c.updateMaintenance(call.UpdateMaintenanceSchedule.Schedule.Windows)
	case master.Call_START_MAINTENANCE:
		return c.startMaintenance(call.StartMaintenance.Machines)
	case master.Call_STOP_MAINTENANCE:
		return c.stopMaintenance(call.StopMaintenance.Machines)
	case master.Call_UPDATE_QUOTA:
		return c.updateQuota(call.UpdateQuota)
	case master.Call_SET_QUOTA:
		return c.setQuota(&call.SetQuota.QuotaRequest)
	case master.Call_REMOVE_QUOTA:
		return c.removeQuota(call.RemoveQuota.Role)
	case master.Call_UPDATE_WEIGHTS:
		return c.updateWeights(call.UpdateWeights.WeightInfos)
	}
	if agent, op := operationOf(call); op != nil {
		return c.operateOn(principal, agent, op)
	}
	return Answer{Status: statusUnsupported, Text: "call type " + call.Type.String() + " is not implemented"}
}

func drainOf(call *master.Call_DrainAgent) Drain {
	how := Drain{MarkGone: call.GetMarkGone()}
	if d := call.MaxGracePeriod; d != nil {
		grace := time.Duration(d.Seconds)*time.Second + time.Duration(d.Nanos)
		how.MaxGrace = &grace
	}
	return how
}

func (c *Cluster) tearDown(id mesos.FrameworkID) Answer {
	f := c.frameworkByID(id.Value)
	if f == nil {
		return refused("No framework found with specified ID")
	}
	c.remove(f)
	return Answer{Status: statusOK}
}

func seconds1970(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
