package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// say has an operator say something, and returns what they are told.
func (a api) say(code int, args ...string) string {
	a.t.Helper()
	out, got := run(a.t, built(a.t).cli(), append([]string{"--url", a.url}, args...)...)
	if got != code {
		a.t.Fatalf("%v: exit %d, want %d: %s", args, got, code, out)
	}
	return out
}

// An operator takes a task for gone that runs on. It never becomes the pod's task again: it is killed, and only then the pod is launched in its place.
func TestTaskThatWasWronglyMarkedGone(t *testing.T) {
	t.Parallel()
	c := startClusterWith(t, "127.0.63.", 4, quickFaults...)
	_, api := c.serve(t, "serve", "--expect=registry=3,metadata=3,data=4")
	api.complete(1)
	const host = "127.0.63.4"
	pod := ""
	for _, p := range hostPods(api, host) {
		if p.Type == "data" {
			pod = p.Name
		}
	}
	before := api.pod(pod).TaskID
	if said := api.say(13, "pod", "mark-gone", pod, "--reason=test", "--yes"); !strings.Contains(said, "is RUNNING, by Mesos's word") {
		t.Errorf("of a pod that runs: %s", said)
	}

	c.fault(t, "agent-partition", host)
	eventually(t, "its pods are out of sight", func() bool { return api.pod(pod).State == machine.Unreachable })
	api.say(0, "pod", "mark-gone", pod, "--reason=the host is off", "--yes")
	if said := api.pod(pod).Consents; len(said) != 1 || said[0].TaskID != before || said[0].Reason != "the host is off" {
		t.Errorf("on record is %+v", said)
	}
	c.fault(t, "clear")
	eventually(t, "another task of the pod runs", func() bool { p := api.pod(pod); return p.Healthy && p.TaskID != before })
	eventually(t, "the one that was taken for gone has ended, and is forgotten", func() bool { return len(api.pod(pod).Replaced) == 0 })
	for _, problem := range taskHistory(t, c.text()).problems { // two tasks of a pod at a time are one
		t.Error(problem)
	}
}

// An agent is marked gone in Mesos, which proves nothing of its tasks. An operator says that a pod's is gone, and gives up what is reserved for it: when the
// host is back, as another agent, that is given back, and the pod is launched with reservations of its own.
func TestPlaceIsGivenUp(t *testing.T) {
	t.Parallel()
	c := startClusterWith(t, "127.0.64.", 3, quickFaults...)
	_, api := c.serve(t, "serve", "--expect=registry=3,metadata=3,data=3", "--reserve=devices", "--framework-role=quobyte")
	api.complete(1)
	before := api.pod("metadata-1")
	c.fault(t, "agent-gone", before.Host)
	eventually(t, "its pods are gone by an operator's word", func() bool { return api.pod("metadata-1").State == machine.GoneByOperator })
	if said := api.say(13, "pod", "replace", "metadata-1", "--reason=test", "--yes"); !strings.Contains(said, "pod mark-gone metadata-1 --reason") {
		t.Errorf("of a pod whose task may run: %s", said)
	}
	api.say(0, "pod", "mark-gone", "metadata-1", "--reason=looked at", "--yes")
	api.say(0, "pod", "replace", "metadata-1", "--reason=disk broke", "--yes")
	c.fault(t, "agent-start", before.Host, "--new-id")
	eventually(t, "the pod runs with other reservations", func() bool {
		p := api.pod("metadata-1")
		return p.Healthy && p.Claim != nil && p.Claim.Claim != before.Claim.Claim
	})
	eventually(t, "what was reserved before is given back", func() bool {
		resp, err := http.Get("http://" + c.master + "/slaves")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return err == nil && !strings.Contains(string(text), before.Claim.Claim) && strings.Contains(string(text), api.pod("metadata-1").Claim.Claim)
	})
}
