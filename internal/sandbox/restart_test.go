package sandbox_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox"
	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
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

// A call that is late is carried out, also when its sender has given it up: so a SUBSCRIBE takes the framework from the one
// that came after it.
func TestSubscriptionThatComesLate(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	inject(t, s, fault.Fault{Kind: fault.CallDelay, Call: "SUBSCRIBE", Delay: fault.Duration(500 * time.Millisecond)})
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.id = "F-0000"
	c.info.ID = &mesos.FrameworkID{Value: c.id}
	impatient, giveUp := context.WithCancel(c.ctx)
	refused := make(chan error, 1)
	go func() { refused <- c.attempt(impatient) }()
	c.await("the first SUBSCRIBE to be there", func() (int, error) {
		if len(s.Faults()) > 0 {
			return 0, errors.New("the fault has not struck")
		}
		return 1, nil
	})
	giveUp()
	if err := <-refused; err == nil {
		t.Fatal("the first SUBSCRIBE was answered")
	}
	c.subscribe()
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
