package sandbox_test

import (
	"context"
	"net/http"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox"
)

// To a framework, a sandbox that is started again with its directories is a cluster whose machines have rebooted: the agents
// are known, the tasks are gone for certain.
func TestStartedAgain(t *testing.T) {
	cfg := oneAgent(t.TempDir())
	first, err := sandbox.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	c := newClient(t, first.MasterAddress(), protobufCodec())
	c.subscribe()
	before := c.offer()
	c.launch(before, shell("t1", "sleep 1000"))
	c.update("t1", mesos.TASK_STARTING)
	c.update("t1", mesos.TASK_RUNNING)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	for range c.events { // until the stream ends
	}

	cfg.MasterAddress = first.MasterAddress()
	second := start(t, cfg)
	if second.MasterAddress() != first.MasterAddress() {
		t.Fatalf("master at %s, was at %s", second.MasterAddress(), first.MasterAddress())
	}
	known := c.id
	c.subscribe()
	after := c.offer()
	if c.id != known || after.AgentID != before.AgentID || after.ID == before.ID {
		t.Errorf("framework %s, agent %s, offer %s; were %s, %s and %s", c.id, after.AgentID.Value, after.ID.Value,
			known, before.AgentID.Value, before.ID.Value)
	}
	c.call(&scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{
		Tasks: []scheduler.Call_Reconcile_Task{{TaskID: mesos.TaskID{Value: "t1"}, AgentID: &before.AgentID}},
	}})
	if reason := c.update("t1", mesos.TASK_GONE).GetReason(); reason != mesos.REASON_RECONCILIATION {
		t.Errorf("reason %s", reason)
	}
	c.launch(before, shell("t2", "true"))
	if reason := c.update("t2", mesos.TASK_DROPPED).GetReason(); reason != mesos.REASON_INVALID_OFFERS {
		t.Errorf("offer of the master before: reason %s", reason)
	}
	c.launch(after, shell("t1", "sleep 1000"))
	c.update("t1", mesos.TASK_STARTING)
	c.update("t1", mesos.TASK_RUNNING)
}

// A call that Fault holds up is carried out late, also when its sender has given it up: so a SUBSCRIBE takes the framework
// from the one that came after it. One that Fault answers is not carried out.
func TestFaults(t *testing.T) {
	cfg := oneAgent(t.TempDir())
	held, release, refused := make(chan struct{}), make(chan struct{}), make(chan int, 1)
	cfg.Fault = func(ctx context.Context, call string) int {
		select {
		case <-held:
		default:
			if call == "SUBSCRIBE" {
				close(held)
				select {
				case <-release:
				case <-ctx.Done():
				}
			}
		}
		select {
		case status := <-refused:
			return status
		default:
			return 0
		}
	}
	s := start(t, cfg)
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.id = "F-0000"
	impatient, giveUp := context.WithCancel(c.ctx)
	c.info.ID = &mesos.FrameworkID{Value: c.id}
	go func() {
		<-held
		giveUp()
	}()
	if err := c.attempt(impatient); err == nil {
		t.Fatal("the first SUBSCRIBE was answered")
	}
	c.subscribe()
	refused <- http.StatusServiceUnavailable
	if status, _ := c.try(&scheduler.Call{Type: scheduler.Call_TEARDOWN}); status != http.StatusServiceUnavailable {
		t.Errorf("status %d", status)
	}
	c.call(&scheduler.Call{Type: scheduler.Call_REVIVE}) // it was not torn down
	close(release)
	if text := c.next(scheduler.Event_ERROR).Error.Message; text != "Framework failed over" {
		t.Errorf("error event %q", text)
	}
	for range c.events {
	}
	c.subscribe()
}

// attempt sends a SUBSCRIBE of which nobody reads the answer.
func (c *client) attempt(ctx context.Context) error {
	c.t.Helper()
	request := c.request(ctx, &scheduler.Call{
		Type: scheduler.Call_SUBSCRIBE, FrameworkID: c.info.ID, Subscribe: &scheduler.Call_Subscribe{FrameworkInfo: &c.info},
	})
	response, err := http.DefaultClient.Do(request)
	if err == nil {
		response.Body.Close()
	}
	return err
}
