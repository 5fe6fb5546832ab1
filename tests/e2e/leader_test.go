package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/zookeeper"
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

// takeoverLimit is how long a standby may take from when the leader fell until it is SUBSCRIBED in its place.
const takeoverLimit = sessionTimeout + 2*time.Second

// wantTakeover waits until a standby is SUBSCRIBED as a framework whose leader fell, and returns how long that took.
func wantTakeover(t *testing.T, standby *process, framework string, fell time.Time) time.Duration {
	t.Helper()
	return wantTakeoverWithin(t, takeoverLimit, standby, framework, fell)
}

func wantTakeoverWithin(t *testing.T, limit time.Duration, standby *process, framework string, fell time.Time) time.Duration {
	t.Helper()
	standby.find(`msg=subscribed .*framework_id=` + framework + ` `)
	_, at, _ := standby.subscription()
	took := at.Sub(fell)
	if took > limit {
		t.Errorf("%s: SUBSCRIBED %.2f s after the leader fell; it has a session timeout and two seconds, %s", standby.name, took.Seconds(), limit)
	}
	return took
}

// reportStandby reports takeovers of standbys beside what they may take.
func reportStandby(t *testing.T, what string, all takeovers) {
	t.Helper()
	reportTakeovers(t, fmt.Sprintf("%s, until the standby is SUBSCRIBED (at most session timeout + 2 s = %s)", what, takeoverLimit), all)
}

func wantEachOnce(t *testing.T, c *cluster) {
	t.Helper()
	all := c.everLaunched(t)
	for name, ids := range all {
		if len(ids) != 1 {
			t.Errorf("task %s was launched %d times: %v", name, len(ids), ids)
		}
	}
	if len(all) < 10 {
		t.Errorf("only %d tasks were launched: %v", len(all), all)
	}
}

// redirects checks that an instance that stands by sends clients to the leader, those that change something too.
func redirects(t *testing.T, standby, leader api) {
	t.Helper()
	redirectsReaders(t, standby, leader)
	out, code := run(t, built(t).cli(), "--url", standby.url, "plan", "pause", "deploy", "client", "--reason", "through the standby")
	if code != 0 {
		t.Errorf("a verb given to the standby: exit %d: %s", code, out)
	}
}

func redirectsReaders(t *testing.T, standby, leader api) {
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
	eventually(t, "the leader has read its state", func() bool { _, ok := before.view(); return ok })
	redirects(t, after, before)
	eventually(t, "data is being started", func() bool { return before.begun("data") })
	view, ok := before.view()
	if !ok {
		t.Fatal("no view")
	}
	running := before.tasks()
	first.signal(syscall.SIGKILL)
	killed := time.Now()
	reportStandby(t, "leader killed", takeovers{wantTakeover(t, second, view.FrameworkID, killed)})
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

// ZooKeeper as operators have it, and serve with what it has if nothing else is said: a tick of two seconds, a session of ten. Sessions end on a tick, so that
// serve asks for a bit less than may pass.
func TestTakeoverWithTheUsualTimes(t *testing.T) {
	t.Parallel()
	const limit = zookeeper.DefaultSessionTimeout + 2*time.Second
	zk := zktest.StartUsual(t).Address + "/quobyte"
	c := startCluster(t, "127.0.107.", 3)
	usual := []string{"--zk-session-timeout=" + zookeeper.DefaultSessionTimeout.String(), "--log-level=debug", "--server_command=" + built(t).framework() + " standin --start-delay=1s"}
	lead, api := c.serveZK(t, "leader", zk, usual...)
	lead.find(leading.String())
	lead.find(`text="authenticated: id=[0-9]+, timeout=9000"`)
	eventually(t, "registry is being started", func() bool { return api.begun("registry") })
	framework, _, _ := lead.subscription()
	var all takeovers
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
		next, nextAPI := c.serveZK(t, "standby for "+signal.String(), zk, usual...)
		next.find(`msg="standing by"`)
		lead.signal(signal)
		all = append(all, wantTakeoverWithin(t, limit, next, framework, time.Now()))
		lead, api = next, nextAPI
	}
	reportTakeovers(t, fmt.Sprintf("tick 2 s, session %s: leader killed, then stopped, until the standby is SUBSCRIBED (at most %s)", zookeeper.DefaultSessionTimeout, limit), all)
	eventually(t, "deploy is complete", func() bool { return api.deploy().Status == plans.Complete })
	wantEachOnce(t, c)
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
	framework, _, _ := first.subscription()
	reportStandby(t, "leader stopped", takeovers{wantTakeover(t, second, framework, stopped)})
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
	second.find(`msg="election: not joined, trying again until ZooKeeper answers"`)
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
	if code != 17 || !strings.Contains(out, "the nodes belong to another user") || strings.Contains(out, "wrong") {
		t.Errorf("with a wrong password: exit %d: %s", code, out)
	}
}

// ZooKeeper answers nothing for a while in the middle of a deployment, and then falls and comes back, both within the session: the leader waits, tells that it does, and goes on.
func TestZooKeeperIsSlow(t *testing.T) {
	t.Parallel()
	server := zktest.Start(t)
	c := startCluster(t, "127.0.30.", 3)
	slow := "--server_command=" + built(t).framework() + " standin --start-delay=1s"
	p, leader := c.serveZK(t, "leader", server.Address+"/quobyte", slow, "--zk-session-timeout=40s")
	eventually(t, "registry is being started", func() bool { return leader.begun("registry") })
	server.Signal(syscall.SIGSTOP)
	eventually(t, "a commit waits for more than a second", func() bool { return leader.metric("framework_commit_pending_seconds") > 1 })
	if got := leader.metric("framework_inbox_events"); got > 1024 {
		t.Errorf("%v events wait", got)
	}
	if got := leader.metric("process_resident_memory_bytes"); got < 1e6 || got > 300e6 {
		t.Errorf("%v bytes of memory", got)
	}
	server.Signal(syscall.SIGCONT)
	eventually(t, "metadata is being started", func() bool { return leader.begun("metadata") })
	server.Kill()
	server.Run()
	eventually(t, "deploy is complete", func() bool { return leader.deploy().Status == plans.Complete })
	wantEachOnce(t, c)
	if strings.Contains(p.text(), "standing down") {
		t.Error("the leader has stood down")
	}
}

// Leaders are killed, or stopped and let go on when another leads, at random moments of deployments: no task is launched twice, none is lost, the
// plan completes, and who was stopped ends. SOAK_KILLS and SOAK_SEED are as in TestKilledAtRandomMoments; a takeover takes its time, so that there are
// fewer of them.
func TestLeadersFallAtRandomMoments(t *testing.T) {
	t.Parallel()
	zk := zktest.Start(t).Address + "/soak"
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("SOAK_SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("SOAK_SEED=%d", seed)
	draw := rand.New(rand.NewPCG(seed, 1))
	reportStandby(t, "leader killed or stopped at random", fall(t, max(kills(t)/3, 1), func(deployment, most int) (int, takeovers) {
		return leadersFall(t, fmt.Sprintf("%s/%d", zk, deployment), draw, deployment, most)
	}))
}

// leadersFall deploys on a new cluster, where up to most leaders fall. It says how many did, and how long it took until the next was SUBSCRIBED if
// the one before had been.
func leadersFall(t *testing.T, zk string, draw *rand.Rand, deployment, most int) (int, takeovers) {
	c := startCluster(t, fmt.Sprintf("127.0.%d.", 110+deployment%40), 3)
	flags := []string{"--expect=registry=3,metadata=3,data=3", "--reserve=devices", "--framework-principal=quobyte"}
	lead, leadAPI := c.serveZK(t, fmt.Sprintf("instance %d.0", deployment), zk, flags...)
	lead.find(leading.String())
	n := 0
	var took takeovers
	for n < min(most, perDeployment) && lead.lines(strings.Count(lead.text(), "\n")+1+draw.IntN(40)) {
		n++
		next, nextAPI := c.serveZK(t, fmt.Sprintf("instance %d.%d", deployment, n), zk, flags...)
		next.find(`msg="standing by"`)
		signal := []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP}[draw.IntN(2)]
		lead.signal(signal)
		fell := time.Now()
		next.find(leading.String())
		if framework, _, ok := lead.subscription(); ok {
			next.find(`msg=subscribed `)
			// It is another framework if the first one's id was not durable yet; everLaunched looks that this one has nothing then.
			if id, _, _ := next.subscription(); id == framework {
				took = append(took, wantTakeover(t, next, framework, fell))
			}
		}
		t.Logf("deployment %d: %s: the next leads after %s", deployment, signal, time.Since(fell).Round(time.Millisecond))
		if signal == syscall.SIGSTOP {
			said := len(lead.text())
			lead.signal(syscall.SIGCONT)
			if code := lead.wait(); code != 14 || strings.Contains(lead.text()[said:], "msg=launch") {
				t.Errorf("who was stopped: exit code %d, want 14; it said\n%s", code, lead.text()[said:])
			}
		}
		lead, leadAPI = next, nextAPI
	}
	eventually(t, "deploy is complete", func() bool { return leadAPI.deploy().Status == plans.Complete })
	// A prober's binary comes from the instance that launched it. If that falls before it is fetched the task fails, and is rightly launched anew.
	for name, ids := range c.everLaunched(t) {
		if len(ids) != 1 && !strings.HasPrefix(name, "prober-") {
			t.Errorf("task %s was launched %d times: %v", name, len(ids), ids)
		}
	}
	if running := leadAPI.tasks(); len(running) != 17 {
		t.Errorf("%d tasks run, want 17: %v", len(running), running)
	}
	for _, q := range []*process{lead, c.process} {
		q.signal(syscall.SIGTERM)
		q.wait()
	}
	return n, took
}
