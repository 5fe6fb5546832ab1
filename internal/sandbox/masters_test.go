package sandbox_test

import (
	"io"
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

// answer is what a request is answered with, redirects not followed.
type answer struct {
	status   int
	location string
	body     string
}

func ask(t *testing.T, method, url, body string) answer {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	request, err := http.NewRequestWithContext(deadline(t), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header.Get("Location"), string(text)}
}

// twoMasters is a sandbox with a leader and a standby, one agent and a task that is checkpointed.
func twoMasters(t *testing.T) (s *sandbox.Sandbox, c *client, pid int) {
	t.Helper()
	cfg := oneAgent(filepath.Join(t.TempDir(), "agent"))
	cfg.AllocationInterval = 20 * time.Millisecond
	cfg.Standbys = []string{"127.0.0.1:0"}
	cfg.Model = cluster.Config{RetryInterval: 50 * time.Millisecond, RegistrationDelay: 20 * time.Millisecond}
	s = start(t, cfg)
	c = newClient(t, s.MasterAddress(), protobufCodec())
	checkpoint := true
	c.info.Checkpoint = &checkpoint
	c.subscribe()
	file := filepath.Join(t.TempDir(), "pid")
	c.launch(c.offer(), shell("t1", "echo $$ > "+file+"; exec sleep 1000"))
	c.update("t1", mesos.TASK_STARTING)
	c.update("t1", mesos.TASK_RUNNING)
	return s, c, c.await("the task's pid", func() (int, error) { return readPID(file) })
}

func TestStandbySendsEverybodyToTheLeader(t *testing.T) {
	s, _, _ := twoMasters(t)
	leader, standby := s.MasterAddress(), s.MasterAddresses()[1]
	if leader != s.LeaderAddress() {
		t.Errorf("leader %s, want %s", s.LeaderAddress(), leader)
	}
	for _, test := range []struct{ method, path, body, location string }{
		{"POST", "/api/v1/scheduler", `{"type":"REVIVE"}`, "//" + leader + "/master/api/v1/scheduler"},
		{"POST", "/api/v1/scheduler", "not JSON", "//" + leader + "/master/api/v1/scheduler"},
		{"POST", "/master/api/v1/scheduler", "", "//" + leader + "/master/api/v1/scheduler"},
		{"POST", "/api/v1", `{"type":"GET_HEALTH"}`, "//" + leader + "/master/api/v1"},
		{"GET", "/state", "", "//" + leader + "/master/state"},
		{"GET", "/redirect", "", "//" + leader},
	} {
		want := answer{http.StatusTemporaryRedirect, test.location, ""}
		if got := ask(t, test.method, "http://"+standby+test.path, test.body); got != want {
			t.Errorf("%s %s: %+v, want %+v", test.method, test.path, got, want)
		}
	}
	if got := ask(t, "GET", "http://"+leader+"/redirect", ""); got.location != "//"+leader {
		t.Errorf("/redirect of the leader: %+v", got)
	}
	if got := ask(t, "GET", "http://"+standby+"/health", ""); got.status != http.StatusOK {
		t.Errorf("/health: %+v", got)
	}
	if got := ask(t, "GET", "http://"+standby+"/metrics/snapshot", ""); !strings.Contains(got.body, `"master/elected":0`) {
		t.Errorf("/metrics/snapshot: %+v", got)
	}
	inject(t, s, fault.Fault{Kind: fault.NoLeader})
	if got := ask(t, "GET", "http://"+standby+"/state", ""); got != (answer{http.StatusServiceUnavailable, "", "No leader elected"}) {
		t.Errorf("without a leader: %+v", got)
	}
}

// TestStandbyTakesOver also shows that processes outlive their master.
func TestStandbyTakesOver(t *testing.T) {
	s, c, pid := twoMasters(t)
	former, standby := s.MasterAddress(), s.MasterAddresses()[1]
	inject(t, s, fault.Fault{Kind: fault.MasterFailover})
	for range c.events { // the stream breaks
	}
	if s.LeaderAddress() != standby {
		t.Fatalf("leader %s, want %s", s.LeaderAddress(), standby)
	}
	if got := ask(t, "GET", "http://"+former+"/state", ""); got.location != "//"+standby+"/master/state" {
		t.Errorf("former leader: %+v", got)
	}
	c.url = "http://" + standby + "/api/v1/scheduler"
	c.subscribe()
	c.next(scheduler.Event_OFFERS)
	c.call(&scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{}})
	c.update("t1", mesos.TASK_RUNNING)
	if !alive(pid) {
		t.Error("the task has ended with its master")
	}
	c.kill("t1")
	c.update("t1", mesos.TASK_KILLED)
	c.awaitGone(pid)
}
