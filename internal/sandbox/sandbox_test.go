package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox"
)

func TestCommandTasks(t *testing.T) {
	for name, codec := range map[string]codec{"protobuf": protobufCodec(), "json": jsonCodec()} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := start(t, oneAgent(dir))
			c := newClient(t, s.MasterAddress(), codec)
			c.subscribe()
			c.next(scheduler.Event_HEARTBEAT)
			offer := c.offer()
			if offer.Hostname != "127.0.3.1" || offer.Attributes[0].GetText().GetValue() != "r1" {
				t.Errorf("offer %v", offer)
			}
			missing := "/no/such/program"
			plain := shell("plain", missing)
			no := false
			plain.Command.Shell = &no
			c.launch(offer, shell("long", "sleep 1000"), shell("three", "echo $LIBPROCESS_IP; pwd; exit 3"), plain,
				shell("segfault", "kill -SEGV $$"))
			for _, task := range []string{"long", "three", "plain", "segfault"} {
				status := c.update(task, mesos.TASK_STARTING)
				address := status.ContainerStatus.NetworkInfos[0].IPAddresses[0].GetIPAddress()
				if address != "127.0.3.1" || status.ContainerStatus.GetExecutorPID() == 0 {
					t.Errorf("task %s: container status %v", task, status.ContainerStatus)
				}
				c.update(task, mesos.TASK_RUNNING)
			}
			for task, text := range map[string]string{
				"three": "Command exited with status 3", "plain": "Command exited with status 1",
				"segfault": "Command terminated with signal Segmentation fault",
			} {
				if got := c.update(task, mesos.TASK_FAILED).GetMessage(); got != text {
					t.Errorf("task %s: %q, want %q", task, got, text)
				}
			}
			c.kill("long")
			if got := c.update("long", mesos.TASK_KILLED).GetMessage(); got != "Command terminated with signal Terminated" {
				t.Errorf("killed: %q", got)
			}

			run := filepath.Join(dir, "slaves", offer.AgentID.Value, "frameworks", c.id, "executors", "three", "runs", "latest")
			resolved, err := filepath.EvalSymlinks(run)
			if err != nil {
				t.Fatal(err)
			}
			query := url.Values{"path": {filepath.Join(run, "stdout")}, "offset": {"0"}}
			var file struct {
				Data   string
				Offset int
			}
			if err := json.Unmarshal([]byte(get(t, "http://"+s.AgentAddresses()[0]+"/files/read?"+query.Encode())), &file); err != nil {
				t.Fatal(err)
			}
			if want := "127.0.3.1\n" + resolved + "\n"; file.Data != want {
				t.Errorf("stdout %q, want %q", file.Data, want)
			}
		})
	}
}

func TestStubbornTaskIsKilledAfterItsGrace(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	deaf := shell("deaf", "trap '' TERM; echo ready; while :; do sleep 0.1; done")
	deaf.KillPolicy = &mesos.KillPolicy{GracePeriod: &mesos.DurationInfo{Nanoseconds: 200e6}}
	c.launch(c.offer(), deaf)
	c.update("deaf", mesos.TASK_STARTING)
	c.update("deaf", mesos.TASK_RUNNING)
	c.kill("deaf")
	// Without a trap set yet it may have ended by TERM: both are right, but it must end.
	if err := prefixed(c.update("deaf", mesos.TASK_KILLED).GetMessage(), "Command terminated with signal "); err != nil {
		t.Error(err)
	}
}

func TestResubscribe(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	first := newClient(t, s.MasterAddress(), protobufCodec())
	first.subscribe()
	first.launch(first.offer(), shell("t1", "sleep 1000"))
	first.update("t1", mesos.TASK_STARTING)
	first.update("t1", mesos.TASK_RUNNING)

	second := newClient(t, s.MasterAddress(), jsonCodec())
	second.id = first.id
	second.subscribe()
	if second.id != first.id || second.stream == first.stream {
		t.Errorf("framework %s stream %s, was %s %s", second.id, second.stream, first.id, first.stream)
	}
	if text := first.next(scheduler.Event_ERROR).Error.Message; text != "Framework failed over" {
		t.Errorf("error event %q", text)
	}
	for range first.events { // until the stream ends
	}
	status, text := first.try(&scheduler.Call{Type: scheduler.Call_REVIVE})
	if err := prefixed(text, "The stream ID '"+first.stream+"' included in this request didn't match"); status != 400 || err != nil {
		t.Error(status, err)
	}
	second.call(&scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{}})
	if reason := second.update("t1", mesos.TASK_RUNNING).GetReason(); reason != mesos.REASON_RECONCILIATION {
		t.Errorf("reason %s", reason)
	}

	// The connection ends; calls are refused until it is back. The task does not notice.
	second.hangUp()
	for status != http.StatusForbidden {
		if status, text = second.try(&scheduler.Call{Type: scheduler.Call_REVIVE}); second.ctx.Err() != nil {
			t.Fatal("still subscribed: ", status, text)
		}
	}
	if text != "Framework is not subscribed" {
		t.Error(text)
	}
	second.subscribe()
	second.offer()
	second.kill("t1")
	second.update("t1", mesos.TASK_KILLED)
	second.call(&scheduler.Call{Type: scheduler.Call_TEARDOWN})
	for range second.events {
	}
}

func TestFetcher(t *testing.T) {
	files := httptest.NewServer(http.FileServer(http.Dir(t.TempDir())))
	defer files.Close()
	script := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("#!/bin/sh\nexit 42\n"))
	}))
	defer script.Close()
	local := filepath.Join(t.TempDir(), "local.txt")
	if err := os.WriteFile(local, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := start(t, oneAgent(dir))
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	yes, in := true, "sub/again.txt"
	good, bad, archive := shell("good", "test \"$(cat local.txt sub/again.txt)\" = hellohello && touch sub/made-by-task && ./run.sh"), shell("bad", "true"), shell("archive", "true")
	good.Command.URIs = []mesos.CommandInfo_URI{{Value: script.URL + "/run.sh?x=y", Executable: &yes}, {Value: local}, {Value: local, OutputFile: &in}}
	bad.Command.URIs = []mesos.CommandInfo_URI{{Value: local}, {Value: files.URL + "/missing"}}
	archive.Command.URIs = []mesos.CommandInfo_URI{{Value: script.URL + "/a.tar.gz"}}
	offer := c.offer()
	c.launch(offer, good, bad, archive)
	c.update("good", mesos.TASK_STARTING)
	c.update("good", mesos.TASK_RUNNING)
	if got := c.update("good", mesos.TASK_FAILED).GetMessage(); got != "Command exited with status 42" {
		t.Errorf("good: %q", got)
	}
	executors := filepath.Join(dir, "slaves", offer.AgentID.Value, "frameworks", c.id, "executors")
	c.wantFiles(filepath.Join(executors, "good", "runs", "latest"), "stderr", "stdout", "sub", "sub/made-by-task")
	for _, task := range []string{"bad", "archive"} {
		status := c.update(task, mesos.TASK_FAILED)
		if status.GetSource() != mesos.SOURCE_AGENT || status.GetReason() != mesos.REASON_CONTAINER_LAUNCH_FAILED {
			t.Errorf("%s: %v", task, status)
		}
		if err := prefixed(status.GetMessage(), "Failed to launch container: Failed to fetch all URIs for container '"); err != nil {
			t.Error(err)
		}
		c.wantFiles(filepath.Join(executors, task, "runs", "latest"), "stderr", "stdout")
	}
}

// wantFiles compares what there is below a directory.
func (c *client) wantFiles(dir string, want ...string) {
	c.t.Helper()
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		c.t.Fatal(err)
	}
	var got []string
	err = fs.WalkDir(os.DirFS(root), ".", func(path string, _ fs.DirEntry, err error) error {
		if path != "." {
			got = append(got, path)
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		c.t.Errorf("files of %s (-want +got):\n%s", dir, diff)
	}
}

func TestStateForPeople(t *testing.T) {
	s := start(t, oneAgent(t.TempDir()))
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	c.launch(c.offer(), shell("t1", "sleep 1000"))
	c.update("t1", mesos.TASK_STARTING)
	c.update("t1", mesos.TASK_RUNNING)
	var state struct {
		ID     string
		Slaves []struct {
			Hostname string
			Used     struct{ CPUs float64 } `json:"used_resources"`
		}
		Frameworks []struct {
			ID    string
			Tasks []struct{ ID, State string }
		}
	}
	for _, path := range []string{"/state", "/master/state"} {
		if err := json.Unmarshal([]byte(get(t, "http://"+s.MasterAddress()+path)), &state); err != nil {
			t.Fatal(err)
		}
		if state.Slaves[0].Used.CPUs != 0.1 || state.Frameworks[0].ID != c.id || state.Frameworks[0].Tasks[0].State != "TASK_RUNNING" {
			t.Errorf("state %+v", state)
		}
	}
	if got := get(t, "http://"+s.MasterAddress()+"/health"); got != "" {
		t.Errorf("health %q", got)
	}
	if got := get(t, "http://"+s.MasterAddress()+"/metrics/snapshot"); !strings.Contains(got, `"master/tasks_running":1`) {
		t.Errorf("metrics %s", got)
	}
	var metrics map[string]float64
	if err := json.Unmarshal([]byte(get(t, "http://"+s.MasterAddress()+"/metrics/snapshot")), &metrics); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{
		"messages_register_framework": 1, "messages_launch_tasks": 1, "messages_status_update": 2, "valid_status_updates": 2, "invalid_status_updates": 0,
		"slave_registrations": 1, "tasks_finished": 0,
		"frameworks/test/" + c.id + "/offers/accepted": 1, "frameworks/test/" + c.id + "/calls/accept": 1,
		"frameworks/test/" + c.id + "/operations/launch": 1, "frameworks/test/" + c.id + "/events/update": 2,
		"frameworks/test/" + c.id + "/tasks/active/task_running": 1, "frameworks/test/" + c.id + "/subscribed": 1,
	} {
		if got, is := metrics["master/"+name]; !is || got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if got := get(t, "http://"+s.AgentAddresses()[0]+"/state"); !strings.Contains(got, `"id":"t1"`) {
		t.Errorf("agent state %s", got)
	}
	response, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}).Get("http://" + s.MasterAddress() + "/redirect")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 307 || response.Header.Get("Location") != "//"+s.MasterAddress() {
		t.Errorf("redirect: %s %s", response.Status, response.Header)
	}
}

func TestFilesOutsideTheWorkDirectoryAreNotServed(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/etc", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	s := start(t, oneAgent(dir))
	for _, path := range []string{"/etc/hostname", dir + "/../../../../../../etc/hostname", dir + "/link/hostname"} {
		response, err := http.Get("http://" + s.AgentAddresses()[0] + "/files/read?offset=0&path=" + url.QueryEscape(path))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
}

// What a task leaves in its directory can be anything; a pipe that nobody writes to must not keep anybody, nor the end of the sandbox, waiting.
func TestOddFilesAndArguments(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Skip(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "big"), bytes.Repeat([]byte("x"), 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, oneAgent(dir))
	base := "http://" + s.AgentAddresses()[0] + "/files/"
	at := func(name string) string { return "path=" + url.QueryEscape(filepath.Join(dir, name)) }
	for _, test := range []struct {
		request string
		status  int
		text    string
	}{
		{"read?offset=0&" + at("pipe"), 404, ""},
		{"download?" + at("pipe"), 404, ""},
		{"browse?" + at("pipe"), 404, ""},
		{"read?offset=0&" + at(""), 400, "Cannot read a directory.\n"},
		{"download?" + at(""), 400, "Cannot download a directory.\n"},
		{"read?offset=0", 400, "Expecting 'path=value' in query.\n"},
		{"read?offset=x&path=/nope", 400, "Failed to parse offset: Failed to convert 'x' to number.\n"},
		{"read?offset=-2&path=/nope", 400, "Negative offset provided: -2.\n"},
		{"read?length=-2&path=/nope", 400, "Negative length provided: -2.\n"},
		{"read?offset=0&length=100000&" + at("big"), 200, `{"data":"` + strings.Repeat("x", 65536) + `","offset":0}`},
		{"read?offset=99999&" + at("big"), 200, `{"data":"x","offset":99999}`},
		{"read?offset=200000&" + at("big"), 200, `{"data":"","offset":200000}`},
	} {
		if got := ask(t, "GET", base+test.request, ""); got.status != test.status || got.body != test.text {
			t.Errorf("%s: %d %.100q, want %d %.100q", test.request, got.status, got.body, test.status, test.text)
		}
	}
}

func TestStartRefuses(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.3.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	with := func(change func(*sandbox.Config)) sandbox.Config {
		cfg := oneAgent(t.TempDir())
		change(&cfg)
		return cfg
	}
	port := taken.Addr().(*net.TCPAddr).Port
	for _, tc := range []struct {
		name string
		cfg  sandbox.Config
		want []string
	}{
		{"port in use", with(func(c *sandbox.Config) { c.Agents[0].Port = port }),
			[]string{"agent 127.0.3.1", taken.Addr().String() + " is in use", "ss -ltnp"}},
		{"not our address", with(func(c *sandbox.Config) { c.MasterAddress = "192.0.2.1:5050" }),
			[]string{"master: address 192.0.2.1:5050 is not on this machine", "loopback"}},
		{"no supervisor", with(func(c *sandbox.Config) { c.Supervisor = nil }), []string{"supervisor: missing"}},
		{"everything wrong at once", with(func(c *sandbox.Config) {
			c.MasterAddress = "here"
			c.Agents[0].IP = "::1"
			c.Supervisor = []string{"/no/such/program"}
		}), []string{`master address "here"`, `ip "::1"`, "/no/such/program"}},
		{"work directory of another", with(func(c *sandbox.Config) {
			c.Agents = append(c.Agents, c.Agents[0])
			c.Agents[1].IP = "127.0.3.2"
		}), []string{"agent 1: work directory", "that of agent 0"}},
		{"id of another", with(func(c *sandbox.Config) {
			link(t, "F-S0", c.Agents[0].WorkDir)
			c.Agents = append(c.Agents, c.Agents[0])
			c.Agents[1].IP, c.Agents[1].WorkDir = "127.0.3.2", t.TempDir()
			link(t, "F-S0", c.Agents[1].WorkDir)
		}), []string{"agent 127.0.3.2: agent id", "has that of agent 127.0.3.1", "remove", "/meta/slaves/latest"}},
		{"no id", with(func(c *sandbox.Config) { link(t, "..", c.Agents[0].WorkDir) }),
			[]string{"agent 127.0.3.1: agent id", "/meta/slaves/latest is no link to one; remove it"}},
		{"work directory is a file", with(func(c *sandbox.Config) { c.Agents[0].WorkDir = "/dev/null/x" }),
			[]string{"work directory", "/dev/null"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := sandbox.Start(context.Background(), tc.cfg)
			if err == nil {
				s.Close()
				t.Fatal("started")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

// link makes what an agent of a work directory reads its id from.
func link(t *testing.T, id, workDir string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(workDir, "meta", "slaves"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(id, filepath.Join(workDir, "meta", "slaves", "latest")); err != nil {
		t.Fatal(err)
	}
}

func TestStartLeavesNothingBehindOnError(t *testing.T) {
	probe, err := net.Listen("tcp4", "127.0.3.9:0")
	if err != nil {
		t.Fatal(err)
	}
	master := probe.Addr().String()
	probe.Close()
	cfg := oneAgent(t.TempDir())
	cfg.MasterAddress = master
	cfg.Agents = append(cfg.Agents, sandbox.Agent{IP: "192.0.2.1", WorkDir: t.TempDir()})
	if s, err := sandbox.Start(context.Background(), cfg); err == nil {
		s.Close()
		t.Fatal("started")
	}
	again, err := net.Listen("tcp4", master)
	if err != nil {
		t.Fatalf("the master's address is still taken: %v", err)
	}
	again.Close()
}

func TestContextEndsTheSandbox(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s, err := sandbox.Start(ctx, oneAgent(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	c.launch(c.offer(), shell("t1", "sleep 1000"))
	cancel()
	if err := s.Wait(); err != nil {
		t.Error(err)
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for _, method := range []string{"beat", "serve", "run", "send", "schedulerCall"} {
		if strings.Contains(string(stacks), "sandbox.(*Sandbox)."+method+"(") {
			t.Errorf("%s still runs after Wait", method)
		}
	}
	for range c.events {
	}
}
