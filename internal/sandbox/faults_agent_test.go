package sandbox_test

import (
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox"
	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

// fragile is a sandbox with one agent, in which everything that has to do with agents and masters is quick, and a client
// that checkpoints and has one task, which writes its pid to a file.
func fragile(t *testing.T) (s *sandbox.Sandbox, c *client, pid int) {
	t.Helper()
	cfg := oneAgent(filepath.Join(t.TempDir(), "agent"))
	cfg.AllocationInterval = 20 * time.Millisecond
	cfg.Model = cluster.Config{
		RetryInterval: 50 * time.Millisecond, PingTimeout: 20 * time.Millisecond, PingTimeouts: 3,
		RegistrationDelay: 20 * time.Millisecond, ReregistrationLimit: 30 * time.Millisecond,
	}
	s = start(t, cfg)
	c = newClient(t, s.MasterAddress(), protobufCodec())
	checkpoint := true
	c.info.Checkpoint = &checkpoint
	c.subscribe()
	file := filepath.Join(t.TempDir(), "pid")
	c.launch(c.offer(), shell("t1", "echo $$ > "+file+"; exec sleep 1000"))
	c.update("t1", mesos.TASK_STARTING)
	c.update("t1", mesos.TASK_RUNNING)
	pid = c.await("the task's pid", func() (int, error) { return readPID(file) })
	return s, c, pid
}

func (c *client) failure() {
	c.t.Helper()
	c.next(scheduler.Event_FAILURE)
}

func TestKilledAgentLeavesItsTasksRunning(t *testing.T) {
	s, c, pid := fragile(t)
	down := inject(t, s, fault.Fault{Kind: fault.AgentKill, Agent: "0"})
	c.update("t1", mesos.TASK_UNREACHABLE)
	c.failure()
	if !alive(pid) {
		t.Error("the task ended with its agent")
	}
	if _, err := http.Get("http://" + s.AgentAddresses()[0] + "/health"); err == nil {
		t.Error("an agent that is down answers")
	}
	if names := s.AgentNames(); names[0].State != "down" {
		t.Errorf("state %s", names[0].State)
	}
	if _, err := s.Inject(fault.Fault{Kind: fault.AgentReboot, Agent: "0"}); err == nil || !strings.Contains(err.Error(), "it is down already; agent-start starts it") {
		t.Errorf("reboot of what is down: %v", err)
	}
	if _, err := s.ClearFaults(down.ID); err != nil {
		t.Fatal(err)
	}
	if status := c.update("t1", mesos.TASK_RUNNING); status.GetReason() != mesos.REASON_AGENT_REREGISTERED {
		t.Errorf("update %v", status)
	}
	c.kill("t1")
	c.wait("t1 KILLED", func(e *scheduler.Event) bool {
		return e.GetUpdate().GetStatus().State != nil && e.Update.Status.GetState() == mesos.TASK_KILLED
	})
	c.awaitGone(pid)
}

func TestRebootEndsTheTasksOfAMachine(t *testing.T) {
	s, c, pid := fragile(t)
	inject(t, s, fault.Fault{Kind: fault.AgentReboot, Agent: "127.0.3.1", For: fault.Duration(50 * time.Millisecond)})
	c.awaitGone(pid)
	c.wait("the end of t1", func(e *scheduler.Event) bool {
		return e.Type == scheduler.Event_UPDATE && e.Update.Status.GetState() == mesos.TASK_FAILED
	})
	c.wait("offers of the machine", func(e *scheduler.Event) bool { return e.Type == scheduler.Event_OFFERS })
	if left := s.Faults(); len(left) != 0 {
		t.Errorf("active: %v", left)
	}
}

func TestPartitionedAgentComesBackWithItsTasks(t *testing.T) {
	s, c, pid := fragile(t)
	inject(t, s, fault.Fault{Kind: fault.AgentPartition, Agent: "0"})
	c.update("t1", mesos.TASK_UNREACHABLE)
	inject(t, s, fault.Fault{Kind: fault.AgentHeal, Agent: "0"})
	c.update("t1", mesos.TASK_RUNNING)
	if !alive(pid) {
		t.Error("the task has ended")
	}
}

func TestAgentThatComesBackAsAnother(t *testing.T) {
	s, c, pid := fragile(t)
	before := s.AgentNames()[0].ID
	inject(t, s, fault.Fault{Kind: fault.AgentRestart, Agent: before, NewID: true})
	c.awaitGone(pid)
	c.update("t1", mesos.TASK_LOST)
	c.wait("an offer of the new agent", func(e *scheduler.Event) bool {
		return e.Type == scheduler.Event_OFFERS && e.Offers.Offers[0].AgentID.Value != before
	})
	if now := s.AgentNames()[0].ID; now == before {
		t.Errorf("agent %s, was %s", now, before)
	}
	get(t, "http://"+s.AgentAddresses()[0]+"/state")
}

func TestAgentMarkedGone(t *testing.T) {
	s, c, pid := fragile(t)
	inject(t, s, fault.Fault{Kind: fault.AgentGone, Agent: "0"})
	c.update("t1", mesos.TASK_GONE_BY_OPERATOR)
	c.failure()
	c.awaitGone(pid)
	if status, text := operate(t, s.MasterAddress(), `{"type":"MARK_AGENT_GONE","mark_agent_gone":{"agent_id":{"value":"nope"}}}`); status != 404 || text != "Agent 'nope' not found" {
		t.Errorf("gone: %d %q", status, text)
	}
}

func TestMasterFailover(t *testing.T) {
	s, c, pid := fragile(t)
	inject(t, s, fault.Fault{Kind: fault.MasterFailover, For: fault.Duration(100 * time.Millisecond), Delay: fault.Duration(50 * time.Millisecond)})
	for range c.events { // the stream breaks
	}
	c.await("another master", func() (int, error) {
		response, err := http.Get("http://" + s.MasterAddress() + "/state")
		if err != nil {
			return 0, err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return 0, errors.New(response.Status)
		}
		return 1, nil
	})
	c.subscribe()
	c.call(&scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{}})
	c.next(scheduler.Event_OFFERS)
	c.call(&scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{}})
	c.update("t1", mesos.TASK_RUNNING)
	if !alive(pid) {
		t.Error("the task has ended")
	}
}

func TestNoMaster(t *testing.T) {
	s, c, _ := fragile(t)
	for kind, want := range map[fault.Kind]string{fault.NoLeader: "503 No leader elected", fault.MasterDown: ""} {
		active := inject(t, s, fault.Fault{Kind: kind})
		for range c.events {
		}
		response, err := http.DefaultClient.Do(c.request(c.ctx, &scheduler.Call{Type: scheduler.Call_REVIVE, FrameworkID: &mesos.FrameworkID{Value: c.id}}))
		switch {
		case want == "" && err == nil:
			response.Body.Close()
			t.Errorf("%s: answered with %s", kind, response.Status)
		case want != "" && err != nil:
			t.Errorf("%s: %v", kind, err)
		case want != "":
			response.Body.Close()
			if response.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("%s: %s", kind, response.Status)
			}
		}
		if _, err := s.ClearFaults(active.ID); err != nil {
			t.Fatal(err)
		}
		c.subscribe()
	}
}

func TestLaunchThatNeverReachesItsAgent(t *testing.T) {
	s, c, _ := fragile(t)
	inject(t, s, fault.Fault{Kind: fault.TaskDrop, Agent: "0", Task: "t2"})
	c.launch(c.offer(), shell("t2", "sleep 1000"))
	c.call(reconcileOf("t2"))
	c.update("t2", mesos.TASK_STAGING)
	inject(t, s, fault.Fault{Kind: fault.AgentRestart, Agent: "0"})
	if status := c.update("t2", mesos.TASK_DROPPED); status.GetReason() != mesos.REASON_RECONCILIATION {
		t.Errorf("update %v", status)
	}
}

func TestReservationThatNeverReachesItsAgent(t *testing.T) {
	s, c, _ := fragile(t)
	inject(t, s, fault.Fault{Kind: fault.OperationDrop, Agent: "0"})
	offer := c.offer()
	disk := reserved(scalar("disk", 100))
	task := shell("t2", "sleep 1000")
	task.AgentID, task.Resources = offer.AgentID, []mesos.Resource{scalar("cpus", 0.1), scalar("mem", 32), disk}
	c.accept(offer, reserve(disk), mesos.Offer_Operation{Type: mesos.Offer_Operation_LAUNCH,
		Launch: &mesos.Offer_Operation_Launch{TaskInfos: []mesos.TaskInfo{task}}})
	if status := c.update("t2", mesos.TASK_DROPPED); status.GetReason() != mesos.REASON_RESOURCES_UNKNOWN {
		t.Errorf("update %v", status)
	}
}

func TestDrainedAndDeactivatedAgent(t *testing.T) {
	s, c, pid := fragile(t)
	c.next(scheduler.Event_OFFERS)
	off := inject(t, s, fault.Fault{Kind: fault.AgentDeactivate, Agent: "0"})
	c.next(scheduler.Event_RESCIND)
	if _, err := s.ClearFaults(off.ID); err != nil {
		t.Fatal(err)
	}
	c.next(scheduler.Event_OFFERS)
	inject(t, s, fault.Fault{Kind: fault.AgentDrain, Agent: "0", Grace: fault.Duration(time.Second)})
	if status := c.update("t1", mesos.TASK_KILLED); status.GetReason() != mesos.REASON_AGENT_DRAINING {
		t.Errorf("update %v", status)
	}
	c.awaitGone(pid)
	inject(t, s, fault.Fault{Kind: fault.AgentReactivate, Agent: "0"})
	c.next(scheduler.Event_OFFERS)
}

func TestTwoFaultsOfOneMaster(t *testing.T) {
	s, _, _ := fragile(t)
	down := inject(t, s, fault.Fault{Kind: fault.MasterDown})
	if _, err := s.Inject(fault.Fault{Kind: fault.NoLeader}); err == nil || !strings.Contains(err.Error(), "no master leads already; clear ends that") {
		t.Errorf("no-leader of a master that is down: %v", err)
	}
	inject(t, s, fault.Fault{Kind: fault.MasterFailover})
	leader := func() string { return get(t, "http://"+s.MasterAddress()+"/state-summary") }
	before := leader()
	if _, err := s.ClearFaults(down.ID); err != nil {
		t.Fatal(err)
	}
	if after := leader(); after == "" || before == "" {
		t.Error("nobody leads")
	}
}
