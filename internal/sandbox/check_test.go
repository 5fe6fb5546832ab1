package sandbox_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// serve listens at the address of the agent's tasks, and gives the port.
func serve(t *testing.T, handler http.Handler) (*httptest.Server, uint32) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.3.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return server, uint32(listener.Addr().(*net.TCPAddr).Port)
}

// often is a health check that is made all the time and kills at the second failure.
func often(check mesos.HealthCheck) *mesos.HealthCheck {
	none, interval, timeout, limit := 0.0, 0.02, 20.0, uint32(2)
	check.DelaySeconds, check.IntervalSeconds, check.GracePeriodSeconds = &none, &interval, &none
	check.TimeoutSeconds, check.ConsecutiveFailures = &timeout, &limit
	return &check
}

func commandCheck(command string) mesos.HealthCheck {
	return mesos.HealthCheck{Type: mesos.HealthCheck_COMMAND, Command: &mesos.CommandInfo{Value: &command}}
}

func checked(task mesos.TaskInfo, check mesos.HealthCheck) mesos.TaskInfo {
	task.HealthCheck = often(check)
	return task
}

// health waits for the next update of a task's health.
func (c *client) health(task string, want bool) {
	c.t.Helper()
	status := c.update(task, mesos.TASK_RUNNING)
	if status.GetReason() != mesos.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED || status.Healthy == nil || *status.Healthy != want {
		c.t.Fatalf("task %s: %s healthy=%v, want healthy=%t", task, status.GetReason(), status.Healthy, want)
	}
}

// running waits until a task runs, which says nothing of its health.
func (c *client) running(task string) {
	c.t.Helper()
	c.update(task, mesos.TASK_STARTING)
	if status := c.update(task, mesos.TASK_RUNNING); status.Healthy != nil {
		c.t.Fatalf("task %s: healthy=%t before any check", task, *status.Healthy)
	}
}

// TestCommandHealthChecks runs them in the directory and environment of the task.
func TestCommandHealthChecks(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	file := filepath.Join(t.TempDir(), "ok")
	flapping := checked(shell("flapping", "sleep 1000"), commandCheck(`test -f $FILE && test $PWD = $MESOS_SANDBOX`))
	flapping.Command.Environment = &mesos.Environment{Variables: []mesos.Environment_Variable{{Name: "FILE", Value: &file}}}
	patient := uint32(1e6)
	flapping.HealthCheck.ConsecutiveFailures = &patient
	slow := checked(shell("slow", "sleep 1000"), commandCheck("sleep 1000"))
	brief := 0.05
	slow.HealthCheck.TimeoutSeconds = &brief
	c.launch(c.offer(), flapping, slow, checked(shell("trigger", "sleep 1000"), commandCheck("false")))

	c.running("flapping")
	c.health("flapping", false)
	c.health("flapping", false)
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for !*c.update("flapping", mesos.TASK_RUNNING).Healthy {
	}

	// One that takes too long has failed, with everything that it has started.
	c.running("slow")
	c.health("slow", false)
	c.health("slow", false)
	if status := c.update("slow", mesos.TASK_KILLED); status.Healthy == nil || *status.Healthy {
		t.Errorf("slow: killed, healthy=%v, want false", status.Healthy)
	}
	c.running("trigger")
	c.health("trigger", false)
	c.health("trigger", false)
	c.update("trigger", mesos.TASK_KILLED)

	// A healthy one that was killed has no word of its health.
	c.kill("flapping")
	if status := c.update("flapping", mesos.TASK_KILLED); status.Healthy != nil {
		t.Errorf("killed, healthy=%t", *status.Healthy)
	}
}

// TestNetworkHealthChecks asks what listens at the task's address.
func TestNetworkHealthChecks(t *testing.T) {
	var status atomic.Int32
	status.Store(http.StatusOK)
	server, port := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/health", http.StatusFound)
		default:
			w.WriteHeader(int(status.Load()))
		}
	}))
	s := start(t, oneAgent(t.TempDir()))
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	path, scheme := "/moved", "http"
	web := mesos.HealthCheck{Type: mesos.HealthCheck_HTTP, HTTP: &mesos.HealthCheck_HTTPCheckInfo{Port: port, Path: &path, Scheme: &scheme}}
	tcp := mesos.HealthCheck{Type: mesos.HealthCheck_TCP, TCP: &mesos.HealthCheck_TCPCheckInfo{Port: port}}
	c.launch(c.offer(), checked(shell("web", "sleep 1000"), web), checked(shell("tcp", "sleep 1000"), tcp))
	for _, task := range []string{"web", "tcp"} {
		c.running(task)
		c.health(task, true)
	}
	status.Store(http.StatusServiceUnavailable)
	c.health("web", false)
	status.Store(http.StatusNoContent)
	c.health("web", true)
	server.Close()
	for _, task := range []string{"web", "tcp"} {
		c.health(task, false)
		c.health(task, false)
		if status := c.update(task, mesos.TASK_KILLED); status.Healthy == nil || *status.Healthy {
			t.Errorf("task %s: killed, healthy=%v, want false", task, status.Healthy)
		}
	}
}

// TestChecks tells what checks bring, and that they never kill.
func TestChecks(t *testing.T) {
	_, port := serve(t, http.NotFoundHandler())
	s := start(t, oneAgent(t.TempDir()))
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	none, interval := 0.0, 0.02
	check := func(id string, check mesos.CheckInfo) mesos.TaskInfo {
		task := shell(id, "sleep 1000")
		check.DelaySeconds, check.IntervalSeconds = &none, &interval
		task.Check = &check
		return task
	}
	path, command := "/nothing", "exit 7"
	c.launch(c.offer(),
		check("command", mesos.CheckInfo{Type: mesos.CheckInfo_COMMAND, Command: &mesos.CheckInfo_Command{Command: mesos.CommandInfo{Value: &command}}}),
		check("http", mesos.CheckInfo{Type: mesos.CheckInfo_HTTP, HTTP: &mesos.CheckInfo_Http{Port: port, Path: &path}}),
		check("tcp", mesos.CheckInfo{Type: mesos.CheckInfo_TCP, TCP: &mesos.CheckInfo_Tcp{Port: port}}))
	seven, notFound, yes := int32(7), uint32(http.StatusNotFound), true
	for task, want := range map[string]mesos.CheckStatusInfo{
		"command": {Type: mesos.CheckInfo_COMMAND.Enum(), Command: &mesos.CheckStatusInfo_Command{ExitCode: &seven}},
		"http":    {Type: mesos.CheckInfo_HTTP.Enum(), HTTP: &mesos.CheckStatusInfo_Http{StatusCode: &notFound}},
		"tcp":     {Type: mesos.CheckInfo_TCP.Enum(), TCP: &mesos.CheckStatusInfo_Tcp{Succeeded: &yes}},
	} {
		c.running(task)
		status := c.update(task, mesos.TASK_RUNNING)
		if status.GetReason() != mesos.REASON_TASK_CHECK_STATUS_UPDATED || !want.Equal(status.CheckStatus) {
			t.Errorf("task %s: %s %v, want %v", task, status.GetReason(), status.CheckStatus, want)
		}
		c.kill(task)
		if status := c.update(task, mesos.TASK_KILLED); status.CheckStatus == nil {
			t.Errorf("task %s: killed without the type of its check", task)
		}
	}
}
