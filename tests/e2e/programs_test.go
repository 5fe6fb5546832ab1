package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// patience bounds every wait. It is generous: what it guards against is waiting for ever.
const patience = 90 * time.Second

// programs is where TestMain built the two binaries.
type programs struct{ dir string }

func (p programs) framework() string { return filepath.Join(p.dir, "quobyte-mesos") }
func (p programs) cli() string       { return filepath.Join(p.dir, "dcos-quobyte") }

func built(t *testing.T) programs {
	t.Helper()
	dir := os.Getenv("E2E_PROGRAMS")
	if dir == "" {
		t.Fatal("E2E_PROGRAMS: not set; TestMain builds the programs")
	}
	return programs{dir: dir}
}

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "e2e-programs-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir+"/", "./cmd/quobyte-mesos", "./cmd/dcos-quobyte")
	build.Dir = filepath.Join("..", "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	os.Setenv("E2E_PROGRAMS", dir)
	atOnce()
	return m.Run()
}

// atOnce lets more tests run at once than there are processors, unless -parallel says how many: what they do most of the time is to wait.
func atOnce() {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		flag.Set("test.parallel", strconv.Itoa(max(4, runtime.GOMAXPROCS(0))))
	}
}

// go test keeps results and does not see that these tests build programs from files all over the module. What a test looks at counts,
// however: after any change they run again.
func TestResultsAreNotKeptAfterAChange(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(filepath.Join("..", ".."), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "bin" || d.Name() == "testdata"):
			return filepath.SkipDir
		case filepath.Ext(path) == ".go" || d.Name() == "go.mod":
			seen++
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil || seen < 100 {
		t.Errorf("%d files seen: %v", seen, err)
	}
}

// process is a program under test, with everything that it has written.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	out  *output
	done chan struct{}
	err  error
}

// output collects lines and wakes who waits for one.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	more  chan struct{}
	ended bool
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	close(o.more)
	o.more = make(chan struct{})
	return len(p), nil
}

func (o *output) state() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.more
}

func start(t *testing.T, name, program string, args ...string) *process {
	t.Helper()
	return startWith(t, name, func(*exec.Cmd) {}, program, args...)
}

// startWith is start with a change to how the program is run.
func startWith(t *testing.T, name string, change func(*exec.Cmd), program string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, cmd: exec.Command(program, args...), out: &output{more: make(chan struct{})}, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.Env = append(os.Environ(), "NO_COLOR=1")
	change(p.cmd)
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.done
		if t.Failed() {
			text, _ := p.out.state()
			t.Logf("output of %s:\n%s", name, tail(text, 120))
		}
	})
	return p
}

func tail(text string, lines int) string {
	all := strings.Split(text, "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// find waits until the output matches, and returns the submatches.
func (p *process) find(pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	timeout := time.After(patience)
	for {
		text, more := p.out.state()
		if m := re.FindStringSubmatch(text); m != nil {
			return m
		}
		select {
		case <-more:
		case <-p.done:
			if text, _ := p.out.state(); re.FindStringSubmatch(text) == nil {
				p.t.Fatalf("%s ended (%v) and never wrote %q", p.name, p.err, pattern)
			}
		case <-timeout:
			p.t.Fatalf("%s: %q: not written in %s", p.name, pattern, patience)
		}
	}
}

// wait waits for the end and returns the exit code.
func (p *process) wait() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatalf("%s: did not end in %s", p.name, patience)
	}
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		return exit.ExitCode()
	}
	if p.err != nil {
		p.t.Fatalf("%s: %v", p.name, p.err)
	}
	return 0
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
}

func (p *process) text() string {
	text, _ := p.out.state()
	return text
}

// run runs a program to its end.
func run(t *testing.T, program string, args ...string) (output string, code int) {
	t.Helper()
	p := start(t, filepath.Base(program)+" "+strings.Join(args, " "), program, args...)
	code = p.wait()
	return p.text(), code
}

// eventually waits until the condition is true; it is asked every 50 ms.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(patience)
	for !condition() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("%s: not so after %s", what, patience)
		}
	}
}

// orphans lists the processes whose binary or working directory lies below one of the directories.
func orphans(dirs ...string) []string {
	var out []string
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range procs {
		for _, link := range []string{"exe", "cwd"} {
			target, err := os.Readlink(filepath.Join(proc, link))
			if err != nil {
				continue
			}
			for _, dir := range dirs {
				if strings.HasPrefix(target, dir+"/") {
					cmdline, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
					out = append(out, filepath.Base(proc)+" "+string(bytes.ReplaceAll(cmdline, []byte{0}, []byte{' '})))
				}
			}
		}
	}
	return out
}

// running is a process of this machine.
type running struct {
	pid     int
	words   []string // of its command line
	environ []string
	cwd     string
}

// processes lists those whose working directory lies below dir.
func processes(dir string) []running {
	var out []running
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range procs {
		pid, err := strconv.Atoi(filepath.Base(proc))
		if err != nil {
			continue
		}
		cwd, _ := os.Readlink(filepath.Join(proc, "cwd"))
		cmdline, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
		environ, _ := os.ReadFile(filepath.Join(proc, "environ"))
		if len(cmdline) == 0 || !strings.HasPrefix(cwd, dir+"/") {
			continue // it ended meanwhile, or is none of ours
		}
		split := func(text []byte) []string { return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00") }
		out = append(out, running{pid: pid, words: split(cmdline), environ: split(environ), cwd: cwd})
	}
	return out
}

// api reads the framework's HTTP API.
type api struct {
	t   *testing.T
	url string
}

func (a api) view() (machine.View, bool) {
	var v machine.View
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+"/v1/view", nil)
	if err != nil {
		a.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return v, false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return v, false
	}
	if err := json.Unmarshal(body, &v); err != nil {
		a.t.Fatalf("view: %v\n%s", err, body)
	}
	return v, true
}

func (a api) deploy() plans.View {
	v, ok := a.view()
	if !ok {
		return plans.View{}
	}
	p, _ := v.Plan(machine.DeployPlan)
	return p
}

func (a api) phase(name string) plans.PhaseView {
	for _, p := range a.deploy().Phases {
		if p.Name == name {
			return p
		}
	}
	return plans.PhaseView{}
}

func (a api) pod(name string) machine.PodView {
	v, _ := a.view()
	for _, p := range v.Pods {
		if p.Name == name {
			return p
		}
	}
	return machine.PodView{}
}

// metric is a figure without labels; -1 if it is not there.
func (a api) metric(name string) float64 {
	resp, err := http.Get(a.url + "/v1/metrics")
	if err != nil {
		return -1
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if text, is := strings.CutPrefix(lines.Text(), name+" "); is {
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				a.t.Fatalf("metric %s: %v", name, err)
			}
			return value
		}
	}
	return -1
}

// tasks returns the task id of every pod that runs.
func (a api) tasks() map[string]string {
	out := map[string]string{}
	v, _ := a.view()
	for _, p := range v.Pods {
		if p.State == machine.Running {
			out[p.Name] = p.TaskID
		}
	}
	return out
}

// cluster is a sandbox process, and the flags of serve that fit it.
type cluster struct {
	*process
	dir    string
	master string
}

func startCluster(t *testing.T, network string, hosts int) *cluster {
	t.Helper()
	return startClusterWith(t, network, hosts)
}

// startClusterWith is startCluster with further flags of the sandbox.
func startClusterWith(t *testing.T, network string, hosts int, extra ...string) *cluster {
	t.Helper()
	dir := t.TempDir()
	args := []string{"sandbox", "--dir", dir, "--network", network, "--hosts", fmt.Sprint(hosts), "--master-listen", "127.0.0.1:0"}
	p := start(t, "sandbox", built(t).framework(), append(args, extra...)...)
	return &cluster{process: p, dir: dir, master: p.find(`(?m)^master (\S+)$`)[1]}
}

// serve starts the framework on the cluster and returns it with its API.
func (c *cluster) serve(t *testing.T, name string, extra ...string) (*process, api) {
	t.Helper()
	p := start(t, name, built(t).framework(), append(c.flags(t), extra...)...)
	return p, api{t: t, url: p.find(`msg=serving api=(\S+)`)[1]}
}

func (c *cluster) flags(t *testing.T) []string {
	return []string{
		"serve", "--master", c.master, "--state-dir", filepath.Join(c.dir, "state"), "--listen", "127.0.0.1:0",
		"--containerizer=command", "--server_command=" + built(t).framework() + " standin --start-delay=300ms",
		"--host_device_directory=" + filepath.Join(c.dir, "{host}", "devices"),
		"--client_mount_point=" + filepath.Join(c.dir, "{host}", "mnt"),
		"--probe_interval=300ms", "--discovery-window=1s",
	}
}

// dataTasks returns the last task of every data pod, by host.
func (a api) dataTasks() map[string]string {
	out := map[string]string{}
	v, _ := a.view()
	for _, p := range v.Pods {
		if p.Type == "data" {
			out[p.Host] = p.TaskID
		}
	}
	return out
}

// lines counts the lines of a text that contain a word.
func lines(text, word string) int {
	n := 0
	s := bufio.NewScanner(strings.NewReader(text))
	for s.Scan() {
		if strings.Contains(s.Text(), word) {
			n++
		}
	}
	return n
}
