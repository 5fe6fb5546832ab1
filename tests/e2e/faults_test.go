package e2e

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// quickFaults let the cluster notice within a second what takes a real one minutes.
var quickFaults = []string{"--log-level=info", "--heartbeat-interval=300ms", "--agent-ping-timeout=200ms", "--max-agent-ping-timeouts=3"}

// fault lets something go wrong in the cluster.
func (c *cluster) fault(t *testing.T, args ...string) string {
	t.Helper()
	out, code := run(t, built(t).framework(), append(append([]string{"sandbox", "fault"}, args...), "--master", c.master)...)
	if code != 0 {
		t.Fatalf("fault %v: exit %d: %s", args, code, out)
	}
	return out
}

// A whole deployment, in which almost everything goes wrong that can: answers get lost, streams break and fall silent, another master
// takes over, an agent is cut off and returns, and a machine restarts. Nothing is launched twice, nothing is lost, and it completes.
func TestDeployWhileEverythingFails(t *testing.T) {
	t.Parallel()
	c := startClusterWith(t, "127.0.61.", 4, quickFaults...)
	// The first ACCEPT is for all probers; what follows is registry-0's. Its answer gets lost: nobody knows whether it was carried out.
	c.fault(t, "call-lost-after", "--call=ACCEPT", "--skip=1")
	c.fault(t, "stream-cut", "--event=UPDATE", "--task=registry-1-*", "--state=TASK_RUNNING")
	serve, api := c.serve(t, "serve", "--expect=registry=3,metadata=3,data=4")
	sessions := func() int { return strings.Count(serve.text(), "msg=subscribed") }
	launched := func(pod string) bool { return api.pod(pod).TaskID != "" }

	eventually(t, "registry-1 runs, and the stream that said so broke", func() bool {
		return api.pod("registry-1").Healthy && strings.HasPrefix(c.fault(t, "list"), "no faults")
	})
	before := sessions()
	if before < 3 {
		t.Errorf("subscribed %d times; an ambiguous ACCEPT and a broken stream each end a session", before)
	}
	c.fault(t, "master-failover", "--for=400ms", "--delay=200ms", "--spread=200ms")
	eventually(t, "another master is subscribed to, and the agents are back", func() bool {
		return sessions() > before && strings.Count(c.fault(t, "agents"), " registered\n") == 4
	})

	eventually(t, "metadata is being launched", func() bool { return launched("metadata-0") })
	c.fault(t, "agent-partition", "127.0.61.4")
	eventually(t, "the pods of the agent that is cut off are out of sight", func() bool {
		return slices.ContainsFunc(hostPods(api, "127.0.61.4"), func(p machine.PodView) bool { return p.State == machine.Unreachable })
	})
	c.fault(t, "stream-silent")
	before = sessions()
	eventually(t, "the silence is noticed", func() bool { return sessions() > before })
	c.fault(t, "clear") // the partition heals

	eventually(t, "data-1 runs", func() bool { return api.pod("data-1").Healthy })
	died := api.tasks()
	for pod := range died {
		if api.pod(pod).Host != "127.0.61.2" {
			delete(died, pod)
		}
	}
	c.fault(t, "agent-reboot", "127.0.61.2", "--for=500ms")
	eventually(t, "deploy is complete and everything runs", func() bool {
		v, _ := api.view()
		return api.deploy().Status == plans.Complete && len(v.Pods) > 0 && !slices.ContainsFunc(v.Pods, func(p machine.PodView) bool {
			return p.State != machine.Running || !p.Healthy || died[p.Name] == p.TaskID
		})
	})

	history := taskHistory(t, c.text())
	for _, problem := range history.problems {
		t.Error(problem)
	}
	if diff := cmp.Diff(api.tasks(), history.running); diff != "" {
		t.Errorf("tasks by pod (-as the framework knows -as they run):\n%s", diff)
	}
	// Each pod was started once, those of the machine that restarted once more. Who was being launched while that went down has a third try.
	for pod, n := range history.starts {
		most := 1
		if api.pod(pod).Host == "127.0.61.2" {
			most = 3
		}
		if n > most {
			t.Errorf("pod %s was started %d times", pod, n)
		}
	}
	if t.Failed() {
		t.Log(strings.Join(history.lines, "\n"))
	}
}

func hostPods(a api, host string) []machine.PodView {
	v, _ := a.view()
	return slices.DeleteFunc(slices.Clone(v.Pods), func(p machine.PodView) bool { return p.Host != host })
}

// history is what a cluster's log says of the tasks on it.
type history struct {
	running  map[string]string // by pod
	starts   map[string]int    // by pod
	problems []string
	lines    []string
}

var taskLine = regexp.MustCompile(`msg="task (started|ended)" task=(\S+) agent=(\S+)`)

// taskHistory reads which processes were started and ended, and says where a task was started twice, or two of one pod ran at a time.
func taskHistory(t *testing.T, log string) history {
	t.Helper()
	h := history{running: map[string]string{}, starts: map[string]int{}}
	seen := map[string]bool{}
	for _, m := range taskLine.FindAllStringSubmatch(log, -1) {
		what, task := m[1], m[2]
		pod := podOf(task)
		h.lines = append(h.lines, strings.Join(m[1:], " "))
		if what == "ended" {
			if h.running[pod] == task {
				delete(h.running, pod)
			}
			continue
		}
		if seen[task] {
			h.problems = append(h.problems, fmt.Sprintf("task %s was started twice", task))
		}
		if other := h.running[pod]; other != "" {
			h.problems = append(h.problems, fmt.Sprintf("pod %s: task %s was started while %s ran", pod, task, other))
		}
		seen[task] = true
		h.running[pod] = task
		h.starts[pod]++
	}
	if len(seen) == 0 {
		t.Fatal("the cluster's log tells of no task")
	}
	return h
}

// podOf is the pod of a task: data-0 of data-0-server__<uuid>.
func podOf(task string) string {
	name, _, _ := strings.Cut(task, "__")
	return name[:strings.LastIndexByte(name, '-')]
}

// Calls are refused, late, lost and out of order, events come twice, oversized or from another age: a deployment goes through all of it.
func TestDeployThroughFaultsOfMessages(t *testing.T) {
	t.Parallel()
	c := startClusterWith(t, "127.0.62.", 3, quickFaults...)
	for _, args := range [][]string{
		{"call-status", "503", "--call=SUBSCRIBE", "--count=2"},
		{"call-status", "429", "--call=DECLINE"},
		{"call-lost-before", "--call=ACCEPT", "--skip=2"},
		{"call-reorder", "--call=ACCEPT", "--skip=5"},
		{"call-lost-after", "--call=ACKNOWLEDGE", "--count=3", "--skip=4"},
		{"call-delay", "300ms", "--call=RECONCILE"},
		{"event-unknown", "--what=type", "--count=3", "--skip=1"}, // SUBSCRIBED comes first
		{"event-unknown", "--what=field", "--count=5", "--skip=3"},
		{"event-unknown", "--what=enum", "--count=2"},
		{"event-duplicate", "--event=OFFERS"},
		{"update-duplicate", "--count=5"},
		{"offers-oversized", "--bytes=6000000"},
		{"stream-trickle", "--event=RESCIND"},
	} {
		c.fault(t, args...)
	}
	_, api := c.serve(t, "serve", "--expect=registry=3,metadata=3,data=3")
	eventually(t, "deploy is complete and everything runs", func() bool {
		v, _ := api.view()
		return api.deploy().Status == plans.Complete && len(v.Pods) > 0 && !slices.ContainsFunc(v.Pods, func(p machine.PodView) bool {
			return p.State != machine.Running || !p.Healthy
		})
	})
	history := taskHistory(t, c.text())
	for _, problem := range history.problems {
		t.Error(problem)
	}
	if diff := cmp.Diff(api.tasks(), history.running); diff != "" {
		t.Errorf("tasks by pod (-as the framework knows -as they run):\n%s", diff)
	}
	for _, pod := range slices.Sorted(maps.Keys(history.starts)) {
		if n := history.starts[pod]; n != 1 {
			t.Errorf("pod %s was started %d times", pod, n)
		}
	}
	for _, kind := range []string{"call-status", "call-lost-before", "call-reorder", "call-lost-after", "event-unknown", "offers-oversized"} {
		if !strings.Contains(c.text(), "fault="+kind) && !strings.Contains(c.text(), `fault="`+kind) {
			t.Errorf("%s never struck", kind)
		}
	}
}
