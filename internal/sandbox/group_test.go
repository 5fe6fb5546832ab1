package sandbox_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// launchGroup starts tasks as a group of the default executor.
func (c *client) launchGroup(offer mesos.Offer, executor string, tasks ...mesos.TaskInfo) {
	c.t.Helper()
	for i := range tasks {
		tasks[i].AgentID = offer.AgentID
		tasks[i].Resources = []mesos.Resource{scalar("cpus", 0.1), scalar("mem", 32)}
	}
	group := &mesos.Offer_Operation_LaunchGroup{
		Executor: mesos.ExecutorInfo{
			Type: mesos.ExecutorInfo_DEFAULT, ExecutorID: mesos.ExecutorID{Value: executor},
			FrameworkID: &mesos.FrameworkID{Value: c.id},
			Resources:   []mesos.Resource{scalar("cpus", 0.1), scalar("mem", 32), scalar("disk", 32)},
		},
		TaskGroup: mesos.TaskGroupInfo{Tasks: tasks},
	}
	refuse := 0.0
	c.call(&scheduler.Call{Type: scheduler.Call_ACCEPT, Accept: &scheduler.Call_Accept{
		OfferIDs:   []mesos.OfferID{offer.ID},
		Operations: []mesos.Offer_Operation{{Type: mesos.Offer_Operation_LAUNCH_GROUP, LaunchGroup: group}},
		Filters:    &mesos.Filters{RefuseSeconds: &refuse},
	}})
}

// TestTaskGroups runs groups as real processes, each task in a directory within that of the executor.
func TestTaskGroups(t *testing.T) {
	dir := t.TempDir()
	cfg := oneAgent(dir)
	cfg.Model.KillGrace = 200 * time.Millisecond
	s := start(t, cfg)
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	offer := c.offer()
	c.launchGroup(offer, "ex1", shell("fails", "sleep 0.2; exit 3"), shell("deaf", "trap '' TERM; while true; do sleep 0.1; done"))
	for _, task := range []string{"fails", "deaf"} {
		if status := c.update(task, mesos.TASK_STARTING); status.GetExecutorID().GetValue() != "ex1" {
			t.Errorf("task %s: executor %v", task, status.ExecutorID)
		}
		status := c.update(task, mesos.TASK_RUNNING)
		if status.ContainerStatus.ContainerID.Parent == nil || status.ContainerStatus.GetExecutorPID() == 0 {
			t.Errorf("task %s: container status %v", task, status.ContainerStatus)
		}
	}
	c.update("fails", mesos.TASK_FAILED)
	if got := c.update("deaf", mesos.TASK_KILLED).GetMessage(); got != "Command terminated with signal Killed" &&
		got != "Command terminated with signal Terminated" { // it may not have got as far as its trap
		t.Errorf("deaf: %q", got)
	}
	if failure := c.next(scheduler.Event_FAILURE).Failure; failure.ExecutorID.GetValue() != "ex1" || failure.GetStatus() != 0 {
		t.Errorf("failure %v", failure)
	}
	run := filepath.Join(dir, "slaves", offer.AgentID.Value, "frameworks", c.id, "executors", "ex1", "runs", "latest")
	for _, task := range []string{"fails", "deaf"} {
		if _, err := os.Stat(filepath.Join(run, "tasks", task, "stdout")); err != nil {
			t.Error(err)
		}
	}

	// SHUTDOWN kills the tasks, and the executor goes when they have.
	c.launchGroup(c.offer(), "ex2", shell("a", "sleep 1000"), shell("b", "sleep 1000"))
	for _, task := range []string{"a", "b"} {
		c.update(task, mesos.TASK_STARTING)
		c.update(task, mesos.TASK_RUNNING)
	}
	c.call(&scheduler.Call{Type: scheduler.Call_SHUTDOWN, Shutdown: &scheduler.Call_Shutdown{
		ExecutorID: mesos.ExecutorID{Value: "ex2"}, AgentID: offer.AgentID,
	}})
	for _, task := range []string{"a", "b"} {
		if got := c.update(task, mesos.TASK_KILLED).GetMessage(); got != "Command terminated with signal Terminated" {
			t.Errorf("task %s: %q", task, got)
		}
	}
	if failure := c.next(scheduler.Event_FAILURE).Failure; failure.ExecutorID.GetValue() != "ex2" || failure.GetStatus() != 0 {
		t.Errorf("failure %v", failure)
	}
}
