package sandbox_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox"
	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

// statusOf is how a GET is answered.
func statusOf(t *testing.T, address, path string) int {
	t.Helper()
	response, err := http.Get("http://" + address + path)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestEndpointsThatRefuse(t *testing.T) {
	s, c := faulty(t, jsonCodec())
	master, agent := s.MasterAddress(), s.AgentAddresses()[0]

	inject(t, s, fault.Fault{Kind: fault.HTTPStatus, Status: 403, Endpoint: "/state*", Count: 2})
	for path, want := range map[string]int{"/health": 200, "/state": 403, "/master/state-summary": 403} {
		if got := statusOf(t, master, path); got != want {
			t.Errorf("%s of the master: %d, want %d", path, got, want)
		}
	}
	if got := statusOf(t, master, "/state"); got != 200 {
		t.Errorf("/state of the master, for the third time: %d, want 200", got)
	}

	inject(t, s, fault.Fault{Kind: fault.HTTPStatus, Status: 500, Agent: "0"})
	if got := statusOf(t, master, "/state"); got != 200 {
		t.Errorf("/state of the master: %d, want 200, since the fault is the agent's", got)
	}
	if got := statusOf(t, agent, "/slave(1)/state"); got != 500 {
		t.Errorf("/state of the agent: %d, want 500", got)
	}

	inject(t, s, fault.Fault{Kind: fault.HTTPStatus, Status: 403, Text: "not you", Endpoint: "/api/v1/scheduler"})
	if status, text := c.try(reconcileOf("t1")); status != 403 || text != "not you" {
		t.Errorf("a call: %d %q, want 403 and the text", status, text)
	}
	c.call(reconcileOf("t1"))
	c.update("t1", mesos.TASK_UNKNOWN)
}

func TestDenied(t *testing.T) {
	var journal bytes.Buffer
	cfg := oneAgent(t.TempDir())
	cfg.AllocationInterval, cfg.Journal = 20*time.Millisecond, &journal
	s := start(t, cfg)
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()

	inject(t, s, fault.Fault{Kind: fault.Deny, Action: "RUN_TASK", Task: "t2"})
	c.launch(c.offer(), shell("t1", "sleep 1000"), shell("t2", "sleep 1000"))
	if status := c.update("t2", mesos.TASK_ERROR); status.GetReason() != mesos.REASON_TASK_UNAUTHORIZED {
		t.Errorf("update: reason %s, want REASON_TASK_UNAUTHORIZED", status.GetReason())
	}
	c.update("t1", mesos.TASK_STARTING)

	inject(t, s, fault.Fault{Kind: fault.Deny, Action: "REGISTER_FRAMEWORK"})
	another := newClient(t, s.MasterAddress(), protobufCodec())
	response := another.post(another.ctx, &scheduler.Call{Type: scheduler.Call_SUBSCRIBE, Subscribe: &scheduler.Call_Subscribe{
		FrameworkInfo: &mesos.FrameworkInfo{User: self(), Name: "another", Roles: []string{"dev"},
			Capabilities: []mesos.FrameworkInfo_Capability{{Type: mesos.FrameworkInfo_Capability_MULTI_ROLE}}},
	}})
	another.events = make(chan *scheduler.Event, 10)
	go another.read(response.Body, another.events)
	if event := another.next(scheduler.Event_ERROR); event.Error.Message != "Not authorized to register framework  with roles { dev }" {
		t.Errorf("error: %s", event.Error.Message)
	}

	inject(t, s, fault.Fault{Kind: fault.Deny, Action: "MARK_AGENT_GONE"})
	if _, err := s.Inject(fault.Fault{Kind: fault.AgentGone, Agent: "0"}); err != nil {
		t.Errorf("agent-gone: %v; faults need no permission", err)
	}

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	replayed, err := sandbox.Replay(strings.NewReader(journal.String()), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range replayed.Differences {
		t.Errorf("line %d of the journal: %s\nplayed again: %s", d.Line, d.Want, d.Got)
	}
}
