package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/plans"
)

// inTemp makes temporary directories below dir.
func inTemp(dir string) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, "TMPDIR="+dir) }
}

func demo(t *testing.T, name, network, dir string, extra ...string) *process {
	return demoWith(t, name, func(*exec.Cmd) {}, network, append(extra, "--dir", dir)...)
}

func demoWith(t *testing.T, name string, change func(*exec.Cmd), network string, extra ...string) *process {
	args := []string{
		"demo", "--network", network, "--master-listen", "127.0.0.1:0", "--listen", "127.0.0.1:0",
		"--start-delay=300ms", "--probe-interval=300ms", "--discovery-window=1s",
	}
	return startWith(t, name, change, built(t).framework(), append(args, extra...)...)
}

// The main job: everything is deployed in the order of the plan, and nothing is left behind.
func TestDemoOnceDeploysInOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := demo(t, "demo", "127.0.11.", dir, "--once")
	if code := p.wait(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	text := p.text()
	if strings.ContainsRune(text, '\x1b') {
		t.Error("plain output contains control characters")
	}
	// Every line that says that something is complete, by its first word.
	order := map[string]int{}
	for i, l := range strings.Split(text, "\n") {
		if f := strings.Fields(l); len(f) > 2 && f[2] == "COMPLETE" {
			order[f[1]] = i + 1
		}
	}
	before := [][2]string{
		{"probe", "registry-0:[server]"}, {"registry-0:[server]", "registry-1:[server]"}, {"registry-1:[server]", "registry-2:[server]"},
		{"registry-2:[server]", "metadata-0:[server]"}, {"metadata", "data-0:[server]"}, {"data-4:[server]", "api-0:[server]"},
		{"data", "webconsole-0:[server]"}, {"api", "client-0:[mount]"}, {"webconsole", "client-0:[mount]"},
	}
	for _, b := range before {
		first, second := order[b[0]], order[b[1]]
		if first == 0 || second == 0 || first > second {
			t.Errorf("%s (line %d) must be COMPLETE before %s (line %d)", b[0], first, b[1], second)
		}
	}
	if left := orphans(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if t.Failed() {
		t.Log(text)
	}
}

// It says how far it came and why no further, and keeps its log.
func TestDemoOnceTimesOut(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	p := demoWith(t, "demo", inTemp(tmp), "127.0.12.", "--once", "--timeout=6s", "--start-delay=1m")
	if code := p.wait(); code != 5 {
		t.Errorf("exit code %d, want 5", code)
	}
	p.find(`quobyte-mesos: deploy was not COMPLETE after 6s: \d+ of \d+ steps; \S+`)
	log := p.find(`quobyte-mesos: the log is (\S+)`)[1]
	if text, err := os.ReadFile(log); err != nil || !strings.Contains(string(text), "msg=subscribed") {
		t.Errorf("log %s: %v\n%s", log, err, text)
	}
	if left, _ := os.ReadDir(tmp); len(left) != 1 || filepath.Join(tmp, left[0].Name()) != log {
		t.Errorf("left behind: %v, want only the log", left)
	}
	if left := orphans(tmp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Only COMPLETE is success: a script must see that the demo was ended before.
func TestDemoOnceInterrupted(t *testing.T) {
	for _, c := range []struct {
		name    string
		network string
		signal  syscall.Signal
	}{{"interrupted", "127.0.41.", syscall.SIGINT}, {"terminated", "127.0.42.", syscall.SIGTERM}, {"hung up", "127.0.43.", syscall.SIGHUP}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tmp := t.TempDir()
			p := demoWith(t, "demo", inTemp(tmp), c.network, "--once", "--hosts=1", "--start-delay=1m")
			p.find(`registry-0:\[server\]  START`)
			p.signal(c.signal)
			if code := p.wait(); code != 130 {
				t.Errorf("exit code %d, want 130", code)
			}
			p.find(`quobyte-mesos: interrupted; deploy is not COMPLETE: \d+ of \d+ steps`)
			if left, _ := os.ReadDir(tmp); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			if left := orphans(tmp); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// Who reads the output may go before the end (head -3).
func TestDemoWhoseReaderGoes(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := demoWith(t, "demo", func(cmd *exec.Cmd) {
		inTemp(tmp)(cmd)
		cmd.Stdout = w
	}, "127.0.44.", "--once", "--hosts=1")
	w.Close()
	if line, err := bufio.NewReaderSize(r, 16).ReadString('\n'); err != nil {
		t.Fatalf("first line %q: %v", line, err)
	}
	r.Close()
	if code := p.wait(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	p.find(`quobyte-mesos: standard output: .*broken pipe`)
	if left, _ := os.ReadDir(tmp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if left := orphans(tmp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// The second demo in a directory is a demo, too: it launches everything.
func TestDemoTwiceInOneDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, first := range []string{"starting a cluster", dir + " holds an earlier run"} {
		p := demo(t, "demo", "127.0.45.", dir, "--once", "--hosts=1")
		if code := p.wait(); code != 0 {
			t.Fatalf("exit code %d", code)
		}
		if !strings.HasPrefix(p.text(), first) || lines(p.text(), "  data-0:[server]  COMPLETE") != 1 {
			t.Errorf("want a first line with %q, and data-0 launched:\n%s", first, p.text())
		}
	}
}

// What the demo tells to try next works for this demo, and only for it.
func TestDemoTellsWhatToTryNext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := demo(t, "demo", "127.0.46.", dir, "--hosts=1")
	p.find("Ctrl-C ends everything")
	show := strings.Fields(p.find(`(?m)^  (\S*dcos-quobyte .*plan show deploy)$`)[1])
	if out, code := run(t, show[0], show[1:]...); code != 0 || !strings.Contains(out, "COMPLETE") {
		t.Errorf("%v: exit code %d\n%s", show, code, out)
	}
	pattern := regexp.MustCompile(p.find(`(?m)^  pkill -9 -f '(.*)' && `)[1])
	var hit []running
	for _, r := range processes("") {
		if pattern.MatchString(strings.Join(r.words, " ")) {
			hit = append(hit, r)
		}
	}
	if len(hit) != 1 || !slices.Contains(hit[0].environ, "QUOBYTE_SERVICE=data") || !strings.HasPrefix(hit[0].cwd, dir+"/") {
		t.Errorf("%s hits %v, want the data daemon of this demo", pattern, hit)
	}
}

// No child outlives the demo, however it ends.
func TestNoChildOutlivesTheDemo(t *testing.T) {
	for _, c := range []struct {
		name    string
		network string
		signal  syscall.Signal
		code    int
	}{
		{"interrupted", "127.0.13.", syscall.SIGINT, 0},
		{"terminated", "127.0.14.", syscall.SIGTERM, 0},
		{"hung up", "127.0.18.", syscall.SIGHUP, 0},
		{"killed", "127.0.15.", syscall.SIGKILL, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := demo(t, "demo", c.network, dir)
			p.find(`registry-0:\[server\]  COMPLETE`)
			if len(orphans(dir)) == 0 {
				t.Fatal("nothing runs below the demo's directory, so this test would see nothing")
			}
			p.signal(c.signal)
			if code := p.wait(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			eventually(t, "no process is left", func() bool { return len(orphans(dir)) == 0 })
		})
	}
}

// The CLI finds its way to a demo and steers it.
func TestPauseInTheMiddleOfThePlan(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.16.", 5)
	_, api := c.serve(t, "serve")
	cli := func(args ...string) (string, int) {
		return run(t, built(t).cli(), append([]string{"--url", api.url}, args...)...)
	}
	eventually(t, "the registries are being started", func() bool { return api.phase("registry").StepsDone >= 1 })
	if out, code := cli("plan", "pause", "deploy", "data", "--reason", "look at the registries"); code != 0 {
		t.Fatalf("pause: exit %d: %s", code, out)
	}
	eventually(t, "metadata is complete", func() bool { p := api.phase("metadata"); return len(p.Steps) > 0 && p.StepsDone == len(p.Steps) })
	show, _ := cli("plan", "show", "deploy")
	for _, want := range []string{"WAITING", "paused by", "look at the registries", "since"} {
		if !strings.Contains(show, want) {
			t.Errorf("plan show does not say %q:\n%s", want, show)
		}
	}
	for _, s := range api.phase("data").Steps {
		if s.Task != "" {
			t.Errorf("%s was started while its phase is paused", s.Name)
		}
	}
	if _, code := cli("plan", "pause", "deploy", "data"); code == 0 {
		t.Error("pausing twice: exit 0")
	}
	if out, code := cli("plan", "resume", "deploy", "data"); code != 0 {
		t.Fatalf("resume: exit %d: %s", code, out)
	}
	if out, code := cli("plan", "watch", "deploy", "--timeout", "80s"); code != 0 {
		t.Fatalf("watch: exit %d: %s", code, out)
	}
	if out, code := cli("plan", "list"); code != 0 || !strings.Contains(out, "recovery") {
		t.Errorf("list: exit %d: %s", code, out)
	}
}

// Paused while some data pods start, one runs, and one is to be tried again: what runs goes on, and nothing new begins until it is resumed.
func TestPauseInTheMiddleOfTheDataPhase(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.47.", 4)
	const broken = "127.0.47.2"
	mended := filepath.Join(c.dir, "mended")
	script := filepath.Join(c.dir, "server.sh")
	text := fmt.Sprintf(`[ "$QUOBYTE_SERVICE $HOST_IP" != "data %s" ] || [ -e %s ] || exit 1
delay=200ms
[ "$QUOBYTE_SERVICE" != data ] || delay=3s
exec %s standin --start-delay=$delay
`, broken, mended, built(t).framework())
	if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	_, api := c.serve(t, "serve", "--server_command=sh "+script)
	cli := func(args ...string) {
		t.Helper()
		if out, code := run(t, built(t).cli(), append([]string{"--url", api.url}, args...)...); code != 0 {
			t.Fatalf("%v: exit code %d: %s", args, code, out)
		}
	}
	// count says how many steps of the data phase have a status.
	count := func(want plans.Status) (n int) {
		for _, s := range api.phase("data").Steps {
			if s.Status == want {
				n++
			}
		}
		return n
	}
	eventually(t, "some data pods start, and the broken one is backing off", func() bool {
		return count(plans.Started) == 3 && count(plans.Delayed) == 1
	})
	cli("plan", "pause", "deploy", "--reason", "look at it")
	before := api.dataTasks()
	if err := os.WriteFile(mended, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what runs is ready, and the broken one could be tried again", func() bool {
		steps := api.phase("data").Steps
		backingOff := slices.ContainsFunc(steps, func(s plans.StepView) bool {
			return slices.ContainsFunc(s.Holds, func(h plans.Hold) bool { return h.Code == plans.CodeBackoff })
		})
		return count(plans.Complete) == 3 && count(plans.Waiting) == 1 && !backingOff
	})
	if diff := cmp.Diff(before, api.dataTasks()); diff != "" {
		t.Errorf("data tasks since the pause (-before +after):\n%s", diff)
	}
	for _, phase := range []string{"api", "webconsole", "client"} {
		for _, s := range api.phase(phase).Steps {
			if s.Task != "" {
				t.Errorf("%s was started while the plan is paused", s.Name)
			}
		}
	}
	cli("plan", "resume", "deploy")
	eventually(t, "deploy is complete", func() bool { return api.deploy().Status == plans.Complete })
	for host, task := range api.dataTasks() {
		if same := task == before[host]; same == (host == broken) {
			t.Errorf("data on %s: task %s, when it was paused %s", host, task, before[host])
		}
	}
}

func TestFilesAreWhereTheOperatorPutThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := demo(t, "demo", "127.0.17.", filepath.Join(dir, "a dir"), "--once", "--hosts", "1")
	if code := p.wait(); code != 0 {
		t.Fatalf("one host, and a directory with a blank: exit code %d", code)
	}
}
