package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// kills is how often serve is killed: ten times, or as often as SOAK_KILLS says (make soak).
func kills(t *testing.T) int {
	t.Helper()
	text := os.Getenv("SOAK_KILLS")
	if text == "" {
		return 10
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("SOAK_KILLS: %q: want a number from 1", text)
	}
	return n
}

// serve is killed at random moments of deployments: no task is launched twice, none is lost, and each plan completes. The moments are
// numbers of lines that it has written, because that is where it is busy; SOAK_SEED plays the same ones again.
func TestKilledAtRandomMoments(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("SOAK_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("SOAK_SEED: %q: want a number", text)
		}
		seed = n
	}
	t.Logf("SOAK_SEED=%d", seed)
	draw := rand.New(rand.NewPCG(seed, 0))
	reportTakeovers(t, "serve killed and started again, until SUBSCRIBED again", fall(t, kills(t), func(deployment, most int) (int, takeovers) {
		return killed(t, draw, deployment, most)
	}))
}

// fall deploys until so many instances have fallen, and says how long the take-overs took. A deployment in which none fell, because the moments that were
// drawn were later than its end, does not count.
func fall(t testing.TB, want int, deploy func(deployment, most int) (fell int, took takeovers)) takeovers {
	t.Helper()
	var all takeovers
	fell, idle := 0, 0
	for deployment := 0; fell < want; deployment++ {
		n, took := deploy(deployment, want-fell)
		all = append(all, took...)
		fell += n
		if idle++; n > 0 {
			idle = 0
		}
		if idle == mostIdle {
			t.Fatalf("%d of %d have fallen, and none in %d deployments in a row: the moments that are drawn never come", fell, want, idle)
		}
	}
	if fell != want {
		t.Errorf("%d have fallen, want %d", fell, want)
	}
	t.Logf("%d have fallen", fell)
	return all
}

// mostIdle is how many deployments in a row nothing falls in before the test is taken to be wrong.
const mostIdle = 5

// Only what has fallen counts.
func TestWhatHasFallenIsCounted(t *testing.T) {
	var asked []int
	one := takeovers{time.Second}
	falls := []int{0, 3, 0, 0, 5, 2}
	if all := fall(t, 10, func(deployment, most int) (int, takeovers) {
		asked = append(asked, most)
		return falls[deployment], one
	}); len(all) != len(falls) || !slices.Equal(asked, []int{10, 10, 7, 7, 7, 2}) {
		t.Errorf("%v take-overs; at most %v were to fall", all, asked)
	}
}

// perDeployment is how often serve is killed in one deployment at most.
const perDeployment = 10

// killed deploys on a new cluster, and kills serve at up to most moments meanwhile. It says how often, and how long it then took until the same framework
// was SUBSCRIBED again, if it was not killed before.
func killed(t *testing.T, draw *rand.Rand, deployment, most int) (int, takeovers) {
	c := startCluster(t, fmt.Sprintf("127.0.%d.", 60+deployment%40), 3)
	recording := filepath.Join(c.dir, "recording")
	flags := []string{"--expect=registry=3,metadata=3,data=3", "--reserve=devices", "--framework-principal=quobyte", "--record", recording}
	n := 0
	var took takeovers
	framework := "" // as which it was SUBSCRIBED last
	note := func(p *process, killed time.Time) {
		id, at, ok := p.subscription()
		if ok && id == framework && !killed.IsZero() {
			took = append(took, at.Sub(killed))
		}
		if ok {
			framework = id
		}
	}
	begun, last := time.Now(), time.Time{}
	p, api := c.serve(t, fmt.Sprintf("serve %d.0", deployment), flags...)
	for n < min(most, perDeployment) && p.lines(1+draw.IntN(60)) {
		p.signal(syscall.SIGKILL)
		now := time.Now()
		if code := p.wait(); code != -1 {
			t.Fatalf("%s was not killed: it ended before, with exit code %d", p.name, code)
		}
		note(p, last)
		n++
		begun, last = time.Now(), now
		p, api = c.serve(t, fmt.Sprintf("serve %d.%d", deployment, n), flags...)
	}
	eventually(t, "deploy is complete", func() bool { return api.deploy().Status == plans.Complete })
	t.Logf("deployment %d: killed %d times; complete %s after the last start", deployment, n, time.Since(begun).Round(time.Millisecond))
	note(p, last)
	for name, tasks := range c.everLaunched(t) {
		// While serve is dead, no agent can fetch the prober from it: that task fails, and another is right.
		if len(tasks) != 1 && !strings.HasPrefix(name, "prober-") {
			t.Errorf("%s was launched %d times: %s", name, len(tasks), strings.Join(tasks, ", "))
		}
	}
	running := api.tasks()
	if want := 3 + 3 + 3 + 3 + 1 + 1 + 3; len(running) != want {
		t.Errorf("%d tasks run, want %d: %v", len(running), want, running)
	}
	for _, q := range []*process{p, c.process} {
		q.signal(syscall.SIGTERM)
		q.wait()
	}
	if out, code := run(t, built(t).framework(), "replay", "--quiet", recording); code != 0 {
		t.Errorf("what was recorded is not what replay decides: exit %d: %s", code, tail(out, 20))
	}
	return n, took
}

// lines waits until so many lines were written. It says no if none comes for a while: the program is done with what it had to do.
func (p *process) lines(n int) bool {
	p.t.Helper()
	for {
		text, more := p.out.state()
		if strings.Count(text, "\n") >= n {
			return true
		}
		select {
		case <-more:
		case <-p.done:
			p.t.Fatalf("%s ended: %v", p.name, p.err)
		case <-time.After(3 * time.Second):
			return false
		}
	}
}

// everLaunched are the ids of all tasks that the master ever saw, by the task's name.
func (c *cluster) everLaunched(t *testing.T) map[string][]string {
	t.Helper()
	resp, err := http.Get("http://" + c.master + "/state")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var state struct {
		Frameworks []struct {
			Tasks     []struct{ ID, Name string } `json:"tasks"`
			Completed []struct{ ID, Name string } `json:"completed_tasks"`
		} `json:"frameworks"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&state); err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	busy := 0
	for _, f := range state.Frameworks {
		// Killed between the answer to its first subscription and the first commit, serve is another framework to Mesos when it
		// comes back. That the first one has nothing is what counts.
		if len(f.Tasks)+len(f.Completed) > 0 {
			busy++
		}
		for _, task := range slices.Concat(f.Tasks, f.Completed) {
			out[task.Name] = append(out[task.Name], task.ID)
		}
	}
	if busy != 1 {
		t.Errorf("%d frameworks have or had tasks", busy)
	}
	return out
}
