package cluster

import (
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// A tally counts what happens, under the names that a master has for it. The master that leads has one, which ends with it, and each
// framework another.
type tally map[string]float64

// counted are the counters that a master always shows.
var counted = strings.Fields(`
	dropped_messages http_cache_hits recovery_slave_removals
	messages_authenticate messages_deactivate_framework messages_decline_offers messages_executor_to_framework messages_exited_executor
	messages_framework_to_executor messages_kill_task messages_launch_tasks messages_operation_status_update
	messages_operation_status_update_acknowledgement messages_reconcile_operations messages_reconcile_tasks messages_register_framework
	messages_register_slave messages_reregister_framework messages_reregister_slave messages_resource_request messages_revive_offers
	messages_status_update messages_status_update_acknowledgement messages_suppress_offers messages_unregister_framework
	messages_unregister_slave messages_update_slave
	invalid_executor_to_framework_messages invalid_framework_to_executor_messages invalid_operation_status_update_acknowledgements
	invalid_operation_status_updates invalid_status_update_acknowledgements invalid_status_updates
	valid_executor_to_framework_messages valid_framework_to_executor_messages valid_operation_status_update_acknowledgements
	valid_operation_status_updates valid_status_update_acknowledgements valid_status_updates
	slave_registrations slave_removals slave_removals/reason_registered slave_removals/reason_unhealthy slave_removals/reason_unregistered
	slave_reregistrations slave_shutdowns_canceled slave_shutdowns_completed slave_shutdowns_scheduled
	slave_unreachable_canceled slave_unreachable_completed slave_unreachable_scheduled
	tasks_dropped tasks_error tasks_failed tasks_finished tasks_gone tasks_gone_by_operator tasks_killed tasks_lost`)

// callCounters are the counters of the calls that are as old as Mesos.
var callCounters = map[scheduler.Call_Type]string{
	scheduler.Call_TEARDOWN:                     "messages_unregister_framework",
	scheduler.Call_DECLINE:                      "messages_decline_offers",
	scheduler.Call_REVIVE:                       "messages_revive_offers",
	scheduler.Call_SUPPRESS:                     "messages_suppress_offers",
	scheduler.Call_KILL:                         "messages_kill_task",
	scheduler.Call_ACKNOWLEDGE:                  "messages_status_update_acknowledgement",
	scheduler.Call_ACKNOWLEDGE_OPERATION_STATUS: "messages_operation_status_update_acknowledgement",
	scheduler.Call_RECONCILE:                    "messages_reconcile_tasks",
	scheduler.Call_RECONCILE_OPERATIONS:         "messages_reconcile_operations",
	scheduler.Call_MESSAGE:                      "messages_framework_to_executor",
	scheduler.Call_REQUEST:                      "messages_resource_request",
}

// validity is the counter of a thing that comes to something or does not.
func validity(valid bool, what string) string {
	if valid {
		return "valid_" + what
	}
	return "invalid_" + what
}

func (f *framework) count(name string, n int) {
	if f.tally == nil {
		f.tally = tally{}
	}
	f.tally[name] += float64(n)
}

// countCall counts a call of a framework that may make it.
func (c *Cluster) countCall(f *framework, call *scheduler.Call) {
	f.count("calls", 1)
	f.count("calls/"+strings.ToLower(call.Type.String()), 1)
	if name := callCounters[call.Type]; name != "" {
		c.tally[name]++
	}
	operations := call.GetAccept().GetOperations()
	for i := range operations {
		switch {
		case operations[i].Type != mesos.Offer_Operation_LAUNCH:
		case len(operations[i].GetLaunch().GetTaskInfos()) > 0:
			c.tally["messages_launch_tasks"]++
		default:
			c.tally["messages_decline_offers"]++
		}
	}
}

// countOperation counts what a framework has brought about with an offer: each task of a LAUNCH, all else as one.
func (f *framework) countOperation(kind mesos.Offer_Operation_Type) {
	f.count("operations", 1)
	f.count("operations/"+strings.ToLower(kind.String()), 1)
}

// registered counts an agent that has an id from this master.
func (c *Cluster) registered() {
	c.tally["messages_register_slave"]++
	c.tally["slave_registrations"]++
}

// countEnd counts the end of a task of which the master hears by a status: how, and if it has a reason by whose doing.
func (c *Cluster) countEnd(status *mesos.TaskStatus) {
	name := strings.ToLower(status.GetState().String())
	if terminal(status.GetState()) {
		c.tally["tasks_"+strings.TrimPrefix(name, "task_")]++
	}
	if status.Reason != nil {
		c.tally[name+"/"+strings.ToLower(status.GetSource().String())+"/"+strings.ToLower(status.Reason.String())]++
	}
}

// Counters are what the master that leads has counted since it does, by its names for metrics without "master/".
func (c *Cluster) Counters() map[string]float64 {
	values := map[string]float64{"operator_event_stream_subscribers": float64(len(c.operators))}
	for _, name := range counted {
		values[name] = 0
	}
	for _, state := range operationStates {
		values["operations/"+state] = 0
		for number, name := range mesos.Offer_Operation_Type_name {
			if _, known := kindOfOperation(mesos.Offer_Operation_Type(number)); known {
				values["operations/"+strings.ToLower(name)+"/"+state] = 0
			}
		}
	}
	for name, n := range c.tally {
		values[name] = n
	}
	return values
}

// FrameworkCounters are what the master knows of a framework in numbers.
type FrameworkCounters struct {
	ID, Name  string
	Principal string
	Values    map[string]float64 // by its names for metrics, from the framework's on
}

// FrameworksCounters lists them for the frameworks that it knows, and for those of the removed ones that it remembers.
func (c *Cluster) FrameworksCounters() []FrameworkCounters {
	var all []FrameworkCounters
	for _, list := range [][]*framework{c.completed, c.frameworks} {
		for _, f := range list {
			all = append(all, FrameworkCounters{ID: f.id, Name: f.info.Name, Principal: f.info.GetPrincipal(), Values: f.counters()})
		}
	}
	return all
}

func (f *framework) counters() map[string]float64 {
	values := map[string]float64{"subscribed": 0}
	for _, name := range []string{"calls", "events", "operations", "offers/sent", "offers/accepted", "offers/declined", "offers/rescinded"} {
		values[name] = 0
	}
	kinds := func(prefix string, names map[int32]string) {
		for number, name := range names {
			if number != 0 { // UNKNOWN
				values[prefix+strings.ToLower(name)] = 0
			}
		}
	}
	kinds("calls/", scheduler.Call_Type_name)
	kinds("events/", scheduler.Event_Type_name)
	kinds("operations/", mesos.Offer_Operation_Type_name)
	for number, name := range mesos.TaskState_name {
		kind := "tasks/active/"
		if terminal(mesos.TaskState(number)) {
			kind = "tasks/terminal/"
		}
		values[kind+strings.ToLower(name)] = 0
	}
	for name, n := range f.tally {
		values[name] = n
	}
	for _, id := range f.tasks.keys {
		if t := f.tasks.of[id]; !terminal(t.known) {
			values["tasks/active/"+strings.ToLower(t.known.String())]++
		}
	}
	values["tasks/active/task_unreachable"] += float64(len(f.unreachable.keys))
	if f.stream != "" {
		values["subscribed"] = 1
	}
	for _, role := range f.roles() {
		values["roles/"+role+"/suppressed"] = 0
		if f.suppressed[role] {
			values["roles/"+role+"/suppressed"] = 1
		}
	}
	return values
}
