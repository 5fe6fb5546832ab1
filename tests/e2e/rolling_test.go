package e2e

import (
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/plans"
	"github.com/quobyte/mesos-framework/quobyte"
)

// settleSoon lets a rolling restart end within the time of a test.
const settleSoon = "--settle=registry=2s,metadata=1s,data=1s"

// census counts the hosts on which a daemon of a type runs, again and again, and keeps the least.
type census struct {
	least       int
	quit, ended chan struct{}
}

func (c *cluster) watch(podType string) *census {
	w := &census{least: 1 << 30, quit: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			w.least = min(w.least, len(c.daemons(podType)))
			select {
			case <-tick.C:
			case <-w.quit:
				return
			}
		}
	}()
	return w
}

func (w *census) end() int {
	close(w.quit)
	<-w.ended
	return w.least
}

// daemons are the pids of a pod type's daemons, by address.
func (c *cluster) daemons(podType string) map[string]int {
	out := map[string]int{}
	for _, r := range processes(c.dir) {
		if i := slices.IndexFunc(r.environ, func(v string) bool { return strings.HasPrefix(v, "HOST_IP=") }); i >= 0 && slices.Contains(r.environ, "QUOBYTE_SERVICE="+podType) {
			out[r.environ[i]] = r.pid
		}
	}
	return out
}

// tasksOf are the tasks of the pods of a type.
func (a api) tasksOf(podType string) map[string]string {
	all := a.tasks()
	maps.DeleteFunc(all, func(pod, _ string) bool { return !strings.HasPrefix(pod, podType+"-") })
	return all
}

// complete waits until a run of deploy is COMPLETE, and everything runs.
func (a api) complete(run int) {
	a.t.Helper()
	eventually(a.t, "deploy is complete", func() bool {
		p := a.deploy()
		return p.Status == plans.Complete && p.Run.Number == run && p.Run.Ended()
	})
}

// An operator restarts the registries. One after the other is stopped and comes back, a majority runs at every moment, and that serve is killed
// in the middle makes no difference.
func TestRegistriesAreRestartedOneAfterTheOther(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.94.", 3)
	p, api := c.serve(t, "serve", settleSoon)
	api.complete(1)
	first, others := api.tasksOf(quobyte.Registry), api.tasksOf(quobyte.Data)
	watched := c.watch(quobyte.Registry)
	if out, code := run(t, built(t).cli(), "--url", api.url, "plan", "restart", "deploy", "registry", "--reason", "new kernel"); code != 0 || !strings.Contains(out, "in run 2") {
		t.Fatalf("restart: exit code %d: %s", code, out)
	}
	// For a few milliseconds only is one of them down; that one is another than before stays so, and the others have yet to follow.
	eventually(t, "a registry is restarted", func() bool { return !maps.Equal(first, api.tasksOf(quobyte.Registry)) })
	p.signal(syscall.SIGKILL)
	p.wait()
	_, api = c.serve(t, "second serve", settleSoon)
	api.complete(2)
	if least := watched.end(); least < 2 {
		t.Errorf("at some time %d registries ran, want never less than 2 of 3", least)
	}
	for pod, task := range api.tasksOf(quobyte.Registry) {
		if task == first[pod] {
			t.Errorf("%s was not restarted", pod)
		}
	}
	if now := api.tasksOf(quobyte.Data); !maps.Equal(others, now) {
		t.Errorf("data pods: %v, and %v after the restart of the registries", others, now)
	}
	if d := api.deploy(); d.Run.Reason != "new kernel" {
		t.Errorf("the run is %+v, want the operator's reason", d.Run)
	}
}

// Started again with other settings, serve restarts the pods that are concerned, and no others. With the same settings it restarts nothing.
func TestChangedSettingsRestartWhatTheyConcern(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.95.", 3)
	first, api := c.serve(t, "serve", settleSoon)
	api.complete(1)
	before := api.tasks()
	first.signal(syscall.SIGTERM)
	first.wait()

	second, api := c.serve(t, "serve with the same settings", settleSoon)
	eventually(t, "its probers were heard", func() bool {
		v, _ := api.view()
		for _, h := range v.Hosts {
			if h.HeardAt.IsZero() {
				return false
			}
		}
		return len(v.Hosts) == 3 && api.deploy().Status == plans.Complete
	})
	if now := api.tasks(); !maps.Equal(before, now) || api.deploy().Run.Number != 1 {
		t.Errorf("tasks were %v, are %v in run %d", before, now, api.deploy().Run.Number)
	}
	second.signal(syscall.SIGTERM)
	second.wait()

	watched := c.watch(quobyte.Metadata)
	_, api = c.serve(t, "serve with more memory for metadata", settleSoon, "--metadata-extra-ram-mb=2000")
	api.complete(2)
	if least := watched.end(); least < 2 {
		t.Errorf("at some time %d metadata services ran, want never less than 2 of 3", least)
	}
	now := api.tasks()
	for pod, task := range before {
		if concerned := strings.HasPrefix(pod, "metadata-"); (now[pod] != task) != concerned {
			t.Errorf("%s: task %s, then %s", pod, task, now[pod])
		}
	}
}
