package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// serve is killed in the middle of the data phase, with a pause set; it comes back as the same framework, relaunches nothing that runs, is
// paused still, and completes the plan when it is resumed.
func TestKilledInTheMiddleOfThePlan(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.21.", 5)
	// Slow enough that the data phase can be caught in the middle.
	slow := "--server_command=" + built(t).framework() + " standin --start-delay=1s"
	first, before := c.serve(t, "serve 1", slow)
	eventually(t, "data is being started", func() bool {
		launched := 0
		for _, s := range before.phase("data").Steps {
			if s.Task != "" {
				launched++
			}
		}
		return launched > 0
	})
	if out, code := run(t, built(t).cli(), "--url", before.url, "plan", "pause", "deploy", "client", "--reason", "overnight"); code != 0 {
		t.Fatalf("pause: exit %d: %s", code, out)
	}
	view, ok := before.view()
	if !ok {
		t.Fatal("no view")
	}
	running := before.tasks()
	if len(running) < 6 {
		t.Fatalf("only %d pods run in the data phase: %v", len(running), running)
	}
	first.signal(syscall.SIGKILL)
	first.wait()

	second, after := c.serve(t, "serve 2", slow)
	second.find(`msg=subscribed .*framework_id=` + view.FrameworkID + ` `)
	eventually(t, "everything before client is complete", func() bool {
		for _, name := range []string{"probe", "registry", "metadata", "data", "api", "webconsole"} {
			if p := after.phase(name); p.Status != plans.Complete {
				return false
			}
		}
		return true
	})
	now := after.tasks()
	for pod, task := range running {
		if now[pod] != task {
			t.Errorf("pod %s: task %s runs, before the kill it was %s", pod, now[pod], task)
		}
	}
	client := after.phase("client")
	if client.Status != plans.Waiting || len(client.Holds) == 0 || client.Holds[0].Code != plans.CodePaused {
		t.Errorf("client: %s %v, want WAITING: paused", client.Status, client.Holds)
	}
	if out, code := run(t, built(t).cli(), "--url", after.url, "plan", "resume", "deploy", "client"); code != 0 {
		t.Fatalf("resume: exit %d: %s", code, out)
	}
	eventually(t, "deploy is complete", func() bool { return after.deploy().Status == plans.Complete })
	if diff := cmp.Diff(running, intersect(after.tasks(), running)); diff != "" {
		t.Errorf("tasks that ran before the kill (-before +after):\n%s", diff)
	}
}

func intersect(a, keys map[string]string) map[string]string {
	out := map[string]string{}
	for k := range keys {
		out[k] = a[k]
	}
	return out
}

// A daemon dies after deploy is complete: recovery brings it back, deploy stays complete, nothing else is touched. Its resources were
// reserved, and are found again: nothing is reserved a second time.
func TestDaemonDiesAndIsRelaunched(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.22.", 3)
	serve, api := c.serve(t, "serve", "--expect=registry=3,metadata=3,data=3", "--reserve=devices", "--framework-principal=quobyte",
		"--api-constraint=hostname:LIKE:.*[.]3")
	reservations := func() int {
		text, _ := serve.out.state()
		return strings.Count(text, "type=RESERVE")
	}
	eventually(t, "deploy is complete", func() bool { return api.deploy().Status == plans.Complete })
	if host := hostOf(t, api, "api-0"); host != "127.0.22.3" {
		t.Errorf("api-0 runs on %s, which its constraint excludes", host)
	}
	if n := reservations(); n != 9 {
		t.Errorf("%d reservations for 3 registries, 3 metadata and 3 data pods", n)
	}
	before := api.tasks()
	victim := pidOf(t, c, "data", hostOf(t, api, "data-1"))
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "data-1 runs again as another task", func() bool {
		v, _ := api.view()
		for _, p := range v.Pods {
			if p.Name == "data-1" {
				return p.Healthy && p.TaskID != before["data-1"]
			}
		}
		return false
	})
	if n := reservations(); n != 9 {
		t.Errorf("%d reservations after data-1 was launched again", n)
	}
	after := api.tasks()
	delete(before, "data-1")
	delete(after, "data-1")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("other pods (-before +after):\n%s", diff)
	}
	if got := api.deploy().Status; got != plans.Complete {
		t.Errorf("deploy is %s, want COMPLETE", got)
	}
}

func hostOf(t *testing.T, a api, pod string) string {
	t.Helper()
	p := a.pod(pod)
	if p.Host == "" {
		t.Fatalf("pod %s: not found", pod)
	}
	return p.Host
}

// pidOf finds the stand-in of a service on a host of the cluster.
func pidOf(t *testing.T, c *cluster, service, host string) int {
	t.Helper()
	for _, p := range processes(filepath.Join(c.dir, host)) {
		if len(p.words) > 1 && p.words[1] == "standin" && slices.Contains(p.environ, "QUOBYTE_SERVICE="+service) {
			return p.pid
		}
	}
	t.Fatalf("%s on %s: no such process", service, host)
	return 0
}

// A prober dies: another takes its place and goes on telling how the pods of the host are; they run on.
func TestProberDiesAndIsRelaunched(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.23.", 1)
	_, api := c.serve(t, "serve", "--expect=registry=1,metadata=1,data=1")
	eventually(t, "deploy is complete", func() bool { return api.deploy().Status == plans.Complete })
	before := api.tasks()
	host := filepath.Join(c.dir, "127.0.23.1")
	killed := 0
	for _, p := range processes(host) {
		if len(p.words) == 2 && p.words[1] == "prober" {
			killed++
			if err := syscall.Kill(p.pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	if killed != 1 {
		t.Fatalf("%d probers run on the host, want 1: %v", killed, processes(host))
	}
	eventually(t, "another prober runs", func() bool {
		p := api.pod("prober-0")
		return p.Healthy && p.TaskID != before["prober-0"]
	})
	// That it does its work shows when a daemon stops answering, and when it answers again.
	daemon := pidOf(t, c, "data", "127.0.23.1")
	for _, step := range []struct {
		signal  syscall.Signal
		healthy bool
	}{{syscall.SIGSTOP, false}, {syscall.SIGCONT, true}} {
		if err := syscall.Kill(daemon, step.signal); err != nil {
			t.Fatal(err)
		}
		eventually(t, fmt.Sprintf("after %s data-0 is healthy: %t", step.signal, step.healthy), func() bool {
			p := api.pod("data-0")
			return p.State == machine.Running && p.Healthy == step.healthy
		})
	}
	after := api.tasks()
	delete(before, "prober-0")
	delete(after, "prober-0")
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("other pods (-before +after):\n%s", diff)
	}
	if got := api.deploy().Status; got != plans.Complete {
		t.Errorf("deploy is %s, want COMPLETE", got)
	}
}

// A framework that was away for longer than its failover timeout is gone for Mesos; serve says so, and how to go on.
func TestFrameworkHasBeenRemoved(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.25.", 1)
	first, api := c.serve(t, "serve 1", "--failover-timeout=1s", "--expect=registry=1")
	eventually(t, "the registry runs", func() bool { return len(api.tasks()) >= 2 })
	first.signal(syscall.SIGKILL)
	first.wait()
	eventually(t, "Mesos has killed its tasks", func() bool { return len(standins(c)) == 0 })
	out, code := run(t, built(t).framework(), c.flags(t)...)
	if code != 16 || !strings.Contains(out, "it was torn down or gone for longer than its failover timeout") || !strings.Contains(out, filepath.Join(c.dir, "state")) {
		t.Errorf("exit code %d, want 16 and a line that says what happened and names the state directory:\n%s", code, tail(out, 5))
	}
}

// standins lists the daemons that run on the cluster.
func standins(c *cluster) []string {
	var out []string
	for _, p := range orphans(c.dir) {
		if strings.Contains(p, " standin") {
			out = append(out, p)
		}
	}
	return out
}
