package e2e

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func demo(t *testing.T, name, network, dir string, extra ...string) *process {
	args := []string{
		"demo", "--network", network, "--dir", dir, "--master-listen", "127.0.0.1:0", "--listen", "127.0.0.1:0",
		"--start-delay=300ms", "--probe-interval=300ms", "--discovery-window=1s",
	}
	return start(t, name, built(t).framework(), append(args, extra...)...)
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

func TestDemoOnceTimesOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := demo(t, "demo", "127.0.12.", dir, "--once", "--timeout=2s", "--start-delay=1m")
	if code := p.wait(); code != 5 {
		t.Errorf("exit code %d, want 5", code)
	}
	p.find(`quobyte-mesos: deploy was not COMPLETE after 2s`)
	if left := orphans(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
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

func TestFilesAreWhereTheOperatorPutThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := demo(t, "demo", "127.0.17.", filepath.Join(dir, "a dir"), "--once", "--hosts", "1")
	if code := p.wait(); code != 0 {
		t.Fatalf("one host, and a directory with a blank: exit code %d", code)
	}
}
