package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// A daemon dies after deploy is complete: recovery brings it back, deploy stays complete, nothing else is touched.
func TestDaemonDiesAndIsRelaunched(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.22.", 3)
	_, api := c.serve(t, "serve", "--expect=registry=3,metadata=3,data=3")
	eventually(t, "deploy is complete", func() bool { return api.deploy().Status == plans.Complete })
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
	v, _ := a.view()
	for _, p := range v.Pods {
		if p.Name == pod {
			return p.Host
		}
	}
	t.Fatalf("pod %s: not found", pod)
	return ""
}

// pidOf finds the stand-in of a service on a host of the cluster.
func pidOf(t *testing.T, c *cluster, service, host string) int {
	t.Helper()
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range procs {
		environ, err := os.ReadFile(filepath.Join(proc, "environ"))
		if err != nil {
			continue
		}
		cmdline, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
		words := strings.Split(string(cmdline), "\x00")
		vars := strings.Split(string(environ), "\x00")
		if len(words) > 1 && words[1] == "standin" && slices.Contains(vars, "QUOBYTE_SERVICE="+service) &&
			slices.Contains(vars, "QUOBYTE_DEVICE_DIR="+filepath.Join(c.dir, host, "devices")) {
			pid, err := strconv.Atoi(filepath.Base(proc))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("%s on %s: no such process", service, host)
	return 0
}
