package e2e

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/internal/zktest"
	"github.com/quobyte/mesos-framework/plans"
)

// sessionTimeout is that of the instances in these tests; a standby has to take over within it and two seconds.
const sessionTimeout = 6 * time.Second

// zkFlags are the flags of serve with the state in ZooKeeper in place of a directory.
func (c *cluster) zkFlags(t *testing.T, zk string, extra ...string) []string {
	flags := c.flags(t)
	for i, f := range flags {
		if f == "--state-dir" {
			flags[i], flags[i+1] = "--zk", zk
		}
	}
	return append(append(flags, "--zk-session-timeout="+sessionTimeout.String()), extra...)
}

func (c *cluster) serveZK(t *testing.T, name, zk string, extra ...string) (*process, api) {
	t.Helper()
	p := start(t, name, built(t).framework(), c.zkFlags(t, zk, extra...)...)
	return p, api{t: t, url: p.find(`msg=serving api=(\S+)`)[1]}
}

// launched returns the ids of all tasks that the cluster has ever been asked to run, by name.
func (c *cluster) launched(t *testing.T) map[string][]string {
	t.Helper()
	resp, err := http.Get("http://" + c.master + "/state")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	type task struct{ ID, Name string }
	var state struct {
		Frameworks []struct {
			Tasks     []task `json:"tasks"`
			Completed []task `json:"completed_tasks"`
		} `json:"frameworks"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&state); err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, f := range state.Frameworks {
		for _, x := range append(f.Tasks, f.Completed...) {
			out[x.Name] = append(out[x.Name], x.ID)
		}
	}
	return out
}

func wantEachOnce(t *testing.T, c *cluster) {
	t.Helper()
	all := c.launched(t)
	for name, ids := range all {
		if len(ids) != 1 {
			t.Errorf("task %s was launched %d times: %v", name, len(ids), ids)
		}
	}
	if len(all) < 10 {
		t.Errorf("only %d tasks were launched: %v", len(all), all)
	}
}

// redirects checks that an instance that stands by sends clients to the leader.
func redirects(t *testing.T, standby, leader api) {
	t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, path := range []string{"/v1/plans/deploy?x=1", "/"} {
		resp, err := client.Get(standby.url + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusTemporaryRedirect || got != leader.url+path {
			t.Errorf("GET %s of the standby: %s, Location %q, want 307 to %s", path, resp.Status, got, leader.url)
		}
	}
	out, code := run(t, built(t).cli(), "--url", standby.url, "plan", "pause", "deploy", "client", "--reason", "through the standby")
	if code != 0 {
		t.Errorf("a verb given to the standby: exit %d: %s", code, out)
	}
}

func (a api) begun(phase string) bool {
	for _, s := range a.phase(phase).Steps {
		if s.Task != "" {
			return true
		}
	}
	return false
}

var leading = regexp.MustCompile(`msg=leading `)

// The leader is killed in the middle of the deployment, with a pause set: the standby takes over, launches nothing twice, and completes the plan.
func TestStandbyTakesOverFromALeaderThatWasKilled(t *testing.T) {
	t.Parallel()
	zk := "zk://ann:secret@" + zktest.Start(t).Address + "/mesos/quobyte"
	c := startCluster(t, "127.0.26.", 5)
	slow := "--server_command=" + built(t).framework() + " standin --start-delay=1s"
	first, before := c.serveZK(t, "leader", zk, slow)
	first.find(leading.String())
	second, after := c.serveZK(t, "standby", zk, slow)
	if at := second.find(`msg="standing by" leader=(\S+)`)[1]; at != before.url {
		t.Errorf("the standby takes %s for the leader, want %s", at, before.url)
	}
	redirects(t, after, before)
	eventually(t, "data is being started", func() bool { return before.begun("data") })
	view, ok := before.view()
	if !ok {
		t.Fatal("no view")
	}
	running := before.tasks()
	first.signal(syscall.SIGKILL)
	killed := time.Now()
	second.find(leading.String())
	takeover := time.Since(killed)
	t.Logf("the standby leads %s after the kill", takeover.Round(time.Millisecond))
	if takeover > sessionTimeout+2*time.Second {
		t.Errorf("the takeover took %s", takeover)
	}
	second.find(`msg=subscribed .*framework_id=` + view.FrameworkID + ` `)
	client := func() plans.PhaseView { return after.phase("client") }
	eventually(t, "all but the client is complete", func() bool { return after.phase("webconsole").Status == plans.Complete })
	if got := client(); got.Status != plans.Waiting || len(got.Holds) == 0 || got.Holds[0].Code != plans.CodePaused {
		t.Errorf("client: %s %v, want WAITING: paused", got.Status, got.Holds)
	}
	if out, code := run(t, built(t).cli(), "--url", after.url, "plan", "resume", "deploy", "client"); code != 0 {
		t.Fatalf("resume: exit %d: %s", code, out)
	}
	eventually(t, "deploy is complete", func() bool { return after.deploy().Status == plans.Complete })
	if diff := cmp.Diff(running, intersect(after.tasks(), running)); diff != "" {
		t.Errorf("tasks that ran before the kill (-before +after):\n%s", diff)
	}
	wantEachOnce(t, c)
	for _, p := range []*process{first, second} {
		if strings.Contains(p.text(), "secret") {
			t.Errorf("%s logs the password", p.name)
		}
	}
	// Told to end, a leader does not make the next one wait.
	third, _ := c.serveZK(t, "third", zk, slow)
	third.find(`msg="standing by" leader=` + after.url + ` `)
	second.signal(syscall.SIGTERM)
	ended := time.Now()
	if code := second.wait(); code != 0 {
		t.Errorf("SIGTERM: exit code %d", code)
	}
	third.find(leading.String())
	if d := time.Since(ended); d > sessionTimeout/2 {
		t.Errorf("after SIGTERM the takeover took %s", d)
	}
	third.find(`msg=subscribed .*framework_id=` + view.FrameworkID + ` `)
}

// The leader is stopped in the middle of the deployment and goes on when another leads: it ends without having done anything.
func TestALeaderThatWasStoppedStandsDown(t *testing.T) {
	t.Parallel()
	zk := zktest.Start(t).Address + "/quobyte"
	c := startCluster(t, "127.0.27.", 3)
	first, before := c.serveZK(t, "leader", zk, "--log-level=debug")
	first.find(leading.String())
	second, after := c.serveZK(t, "standby", zk)
	second.find(`msg="standing by"`)
	eventually(t, "registry is being started", func() bool { return before.begun("registry") })
	first.signal(syscall.SIGSTOP)
	stopped := time.Now()
	second.find(leading.String())
	takeover := time.Since(stopped)
	t.Logf("the standby leads %s after the stop", takeover.Round(time.Millisecond))
	if takeover > sessionTimeout+2*time.Second {
		t.Errorf("the takeover took %s", takeover)
	}
	second.find(`msg=subscribed `)
	eventually(t, "metadata is being started", func() bool { return after.begun("metadata") })
	said := len(first.text())
	first.signal(syscall.SIGCONT)
	if code := first.wait(); code != 14 {
		t.Errorf("exit code %d, want 14", code)
	}
	rest := first.text()[said:]
	t.Logf("the old leader said:\n%s", rest)
	if strings.Contains(rest, "msg=call") || strings.Contains(rest, "msg=subscribed") {
		t.Error("the old leader has acted")
	}
	if !strings.Contains(rest, "standing down: ") {
		t.Error("the old leader does not say why it ends")
	}
	eventually(t, "deploy is complete", func() bool { return after.deploy().Status == plans.Complete })
	wantEachOnce(t, c)
	// Started again, it stands by.
	third, _ := c.serveZK(t, "old leader again", zk)
	third.find(`msg="standing by" leader=` + after.url + ` `)
}

// ZooKeeper goes away: the leader ends when its session may be over, an instance that is started waits, and leads when ZooKeeper is back. The pods
// run on all the while.
func TestZooKeeperIsAway(t *testing.T) {
	t.Parallel()
	server := zktest.Start(t)
	zk := "zk://ann:secret@" + server.Address + "/quobyte"
	c := startCluster(t, "127.0.29.", 1)
	expect := "--expect=registry=1,metadata=1,data=1"
	first, before := c.serveZK(t, "leader", zk, expect)
	eventually(t, "deploy is complete", func() bool { return before.deploy().Status == plans.Complete })
	tasks := before.tasks()
	server.Kill()
	if code := first.wait(); code != 14 {
		t.Errorf("exit code %d, want 14", code)
	}
	second, after := c.serveZK(t, "serve without ZooKeeper", zk, expect)
	second.find(`msg="election: not joined, trying again"`)
	resp, err := http.Get(after.url + "/v1/health")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("without a leader: %s, Retry-After %q, want 503", resp.Status, resp.Header.Get("Retry-After"))
	}
	server.Run()
	second.find(leading.String())
	eventually(t, "the same tasks run", func() bool { return cmp.Equal(tasks, after.tasks()) })
	out, code := run(t, built(t).framework(), c.zkFlags(t, strings.Replace(zk, "secret", "wrong", 1), expect)...)
	if code != 1 || !strings.Contains(out, "the nodes belong to another user") || strings.Contains(out, "wrong") {
		t.Errorf("with a wrong password: exit %d: %s", code, out)
	}
}
