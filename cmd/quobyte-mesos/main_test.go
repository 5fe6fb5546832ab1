package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/cmd/internal/tree"
	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// outcome is what a command line comes to.
type outcome struct {
	Code           int
	Stdout, Stderr []string
}

// runHere runs a command line that ends by itself, in this process.
func runHere(t *testing.T, vars map[string]string, args ...string) outcome {
	t.Helper()
	file := func() *os.File {
		f, err := os.CreateTemp(t.TempDir(), "out")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	env := environment{
		Args: args, Stdout: file(), Stderr: file(),
		Getenv: func(name string) string { return vars[name] },
		Environ: func() (list []string) {
			for name, value := range vars {
				list = append(list, name+"="+value)
			}
			return list
		},
	}
	if dir, ok := vars["TMPDIR"]; ok {
		t.Setenv("TMPDIR", dir) // os.MkdirTemp asks nobody else
	}
	code := run(env)
	return outcome{Code: code, Stdout: linesOf(t, env.Stdout), Stderr: linesOf(t, env.Stderr)}
}

func linesOf(t *testing.T, f *os.File) []string {
	t.Helper()
	text, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	if len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func write(t *testing.T, file, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// serve and validate tell the problems of the environment, the file and the flags together, and no problem that follows from another.
func TestProblemsOfFlagsAreToldTogether(t *testing.T) {
	dir := t.TempDir()
	badFile := write(t, filepath.Join(dir, "bad.yaml"), "nonsense: 1\nprobe_interval: often\nfailover-timeout: x\nport-range-base: 1.5\n")
	goodFile := write(t, filepath.Join(dir, "good.yaml"), "containerizer: command\nserver_command: x\nmaster: [a:1, b:2]\nexpect: {registry: 1}\n")
	noSuffix := write(t, filepath.Join(dir, "conf"), "")
	for _, c := range []struct {
		name string
		vars map[string]string
		args []string
		want []string
	}{
		{"file and flags", nil, []string{"--config", badFile, "--master=ftp://x", "--master=a", "--listen=foo", "--framework-role=a//b"}, []string{
			"config file " + badFile + ": nonsense: no such flag",
			`config file ` + badFile + `: --failover-timeout: "x": must be a duration, such as 500ms, 90s or 2h`,
			`config file ` + badFile + `: --port-range-base: "1.5": must be a whole number`,
			`config file ` + badFile + `: --probe-interval: "often": must be a duration, such as 500ms, 90s or 2h`,
			"--state-dir: missing; give a directory for the durable state, or --zk",
			`--listen: "foo": must be HOST:PORT, such as 0.0.0.0:7888`,
			`--master "ftp://x": scheme "ftp" is not supported; allowed are host:port, http://host:port, https://host:port, and alone zk://host:port/path`,
			`--master "a": missing port in address; allowed are host:port, http://host:port, https://host:port, and alone zk://host:port/path`,
			`--framework-role "a//b" is empty or has an empty part: parts are separated by single slashes`,
			"--docker-image: is empty; an image is needed with --containerizer=docker",
			"--release: is empty; a release is needed with --containerizer=docker, it is the image's tag",
		}},
		{"a good file", nil, []string{"--config", goodFile}, []string{"--state-dir: missing; give a directory for the durable state, or --zk"}},
		{"a file by the environment", map[string]string{"QUOBYTE_MESOS_CONFIG": goodFile}, nil, []string{
			"--state-dir: missing; give a directory for the durable state, or --zk"}},
		{"name of the file", nil, []string{"--config", noSuffix, "--port-range-base=0"}, []string{
			"config file " + noSuffix + ": name must end in .yaml, .toml or .json, which tells what is in it",
			"--port-range-base: 0 is out of range; use 1 to 65524, 12 ports are taken from there on",
		}},
		{"no file", nil, []string{"--config", filepath.Join(dir, "none.json")}, []string{
			"config file " + filepath.Join(dir, "none.json") + ": not readable: open " + filepath.Join(dir, "none.json") + ": no such file or directory"}},
		{"environment", map[string]string{
			"QUOBYTE_MESOS_STATEDIR": "x", "QUOBYTE_MESOS_URL": "the CLI's", "QUOBYTE_MESOS_DISCOVERY_WINDOW": "soon", "PATH": "/bin",
		}, []string{"--config", goodFile, "--state-dir=x"}, []string{
			"warning: environment: QUOBYTE_MESOS_STATEDIR: no such flag; it is ignored",
			`environment: --discovery-window: "soon": must be a duration, such as 500ms, 90s or 2h`,
		}},
		{"listen", nil, []string{"--config", goodFile, "--state-dir=x", "--listen=a:70000"}, []string{
			`--listen: "a:70000": "70000" is not a port number, 0 to 65535`}},
		{"empty names", nil, []string{"--config", goodFile, "--state-dir=x", "--framework-role=", "--framework-user="}, []string{
			"--framework-user: empty; give the user that tasks run as", "--framework-role: empty; give a Mesos role, or * for none of its own"}},
		{"values that can't be read", nil, []string{
			"--config", goodFile, "--api-port=many", "--expect=registry", "--enable-assertions=perhaps", "--data-resources=cpus:x", "--probe-interval=soon",
		}, []string{
			`--api-port: "many": must be a whole number`,
			`--expect: "registry": must be NAME=NUMBER, several separated by commas`,
			`--enable-assertions: "perhaps": must be true or false`,
			`--data-resources: "cpus:x": resource "cpus": value "x" is not a number; allowed is a number from 0 to 1000000000000 with up to three decimals, such as 0.5`,
			`--probe-interval: "soon": must be a duration, such as 500ms, 90s or 2h`,
			"--state-dir: missing; give a directory for the durable state, or --zk",
		}},
		{"unknown flag", nil, []string{"--nonsense"}, []string{"unknown flag: --nonsense (see quobyte-mesos COMMAND --help)"}},
	} {
		for _, command := range []string{"serve", "validate"} {
			t.Run(c.name+"/"+command, func(t *testing.T) {
				want := outcome{Code: 1}
				for _, l := range c.want {
					want.Stderr = append(want.Stderr, "quobyte-mesos: "+strings.ReplaceAll(l, "COMMAND", command))
				}
				if diff := cmp.Diff(want, runHere(t, c.vars, append([]string{command}, c.args...)...)); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			})
		}
	}
}

func TestProblemsOfDemoAreToldBeforeAnythingIsStarted(t *testing.T) {
	network := func(value string) outcome {
		return outcome{Code: 1, Stderr: []string{`quobyte-mesos: --network: "` + value + `": must be the first three bytes of loopback addresses, 127.X.Y`}}
	}
	none := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct {
		name string
		args []string
		want outcome
	}{
		{"all at once", []string{"--start-delay=-1s", "--timeout=0s", "--hosts=0", "--master-listen=q", "--network=1", "--listen=x", "--discovery-window=0s", "--probe-interval=1h"}, outcome{Code: 1, Stderr: []string{
			"quobyte-mesos: --timeout: 0s: must be more than 0",
			"quobyte-mesos: --start-delay: -1s: must not be less than 0",
			"quobyte-mesos: --hosts: 0: must be 1 to 200",
			`quobyte-mesos: --master-listen: "q": must be IP:PORT, such as 127.0.0.1:5050`,
			`quobyte-mesos: --network: "1": must be the first three bytes of loopback addresses, 127.X.Y`,
			`quobyte-mesos: --listen: "x": must be HOST:PORT, such as 0.0.0.0:7888`,
			"quobyte-mesos: --discovery-window: 0s: must be more than 0",
			"quobyte-mesos: --probe-interval: 1h0m0s is out of range; use 100ms to 10m0s",
		}}},
		{"word for a number", []string{"--hosts=x"}, outcome{Code: 1, Stderr: []string{`quobyte-mesos: --hosts: "x": must be a whole number (see quobyte-mesos demo --help)`}}},
		{"no network", []string{"--network=foo"}, network("foo")},
		{"four bytes", []string{"--network=127.0.0.1"}, network("127.0.0.1")},
		{"not loopback", []string{"--network=10.0.0."}, network("10.0.0.")},
		{"two dots", []string{"--network=127.0.1.."}, network("127.0.1..")},
		{"temporary directory", []string{"--network=127.0.1"}, outcome{Code: 1, Stdout: []string{"starting a cluster of 5 hosts …"}, Stderr: []string{
			"quobyte-mesos: temporary directory: stat " + none + ": no such file or directory; set TMPDIR to a directory that can be written, or give --dir",
		}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, runHere(t, map[string]string{"TMPDIR": none}, append([]string{"demo"}, c.args...)...)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestNetworkMayEndWithADot(t *testing.T) {
	for _, network := range []string{"127.9.8", "127.9.8."} {
		o := clusterOptions{Hosts: 1, Master: "127.0.0.1:0", Network: network}
		if err := o.complete(); err != nil || o.Network != "127.9.8." {
			t.Errorf("%q: network %q, error %v", network, o.Network, err)
		}
	}
}

func TestProblemsOfImagesAreToldAtOnce(t *testing.T) {
	got := runHere(t, nil, "sandbox", "--image=busybox", "--image==x", "--image=a=b", "--image=a=c=d")
	want := outcome{Code: 1, Stderr: []string{
		`quobyte-mesos: --image: "busybox": must be NAME=COMMAND, such as busybox='exec "$@"'`,
		`quobyte-mesos: --image: "=x": must be NAME=COMMAND, such as busybox='exec "$@"'`,
		`quobyte-mesos: --image: "a=c=d": the image has a command already`,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestCredentialsOfTheSandbox(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	if err := os.WriteFile(bad, []byte("store s3cret more"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		bad:                           "--credentials: " + bad + ": credentials: line 1: 3 words: want a principal and a secret",
		filepath.Join(dir, "missing"): "--credentials: open " + filepath.Join(dir, "missing") + ": no such file or directory",
	} {
		got := runHere(t, nil, "sandbox", "--hosts=1", "--dir", dir, "--master-listen=127.0.0.1:0", "--network=127.9.5.", "--credentials", file)
		if diff := cmp.Diff(outcome{Code: 1, Stderr: []string{"quobyte-mesos: " + want}}, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

func TestJournalOfTheSandbox(t *testing.T) {
	dir := t.TempDir()
	got := runHere(t, nil, "sandbox", "--hosts=1", "--dir", dir, "--master-listen=127.0.0.1:0", "--network=127.9.6.",
		"--journal", filepath.Join(dir, "missing", "journal"))
	if got.Code != 1 || len(got.Stderr) != 1 || !strings.Contains(got.Stderr[0], "--journal: open "+dir) {
		t.Errorf("a journal in no directory: %+v", got)
	}

	journal := filepath.Join(dir, "journal")
	o := clusterOptions{Hosts: 1, Dir: dir, Master: "127.0.0.1:0", Network: "127.9.6.", Journal: journal, Timing: timing{AllocationInterval: time.Second}}
	c, err := startCluster(t.Context(), o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	if first, rest, _ := strings.Cut(string(text), "\n"); !strings.Contains(first, `"kind":"start"`) || !strings.Contains(rest, `"kind":"input","name":"AddAgent"`) {
		t.Errorf("the journal begins with %s", first)
	}
}

func TestMasterOfTheSandbox(t *testing.T) {
	got := runHere(t, nil, "sandbox", "--registry", "paper", "--offer-timeout=-1s", "--agent-reregister-timeout=-1s")
	want := outcome{Code: exitError, Stderr: []string{
		`quobyte-mesos: --registry: "paper": must be replicated_log or in_memory`,
		"quobyte-mesos: --agent-reregister-timeout: -1s: must not be less than 0",
		"quobyte-mesos: --offer-timeout: -1s: must not be less than 0",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	o := clusterOptions{Hosts: 1, Dir: t.TempDir(), Master: "127.0.0.1:0", Network: "127.9.5.", Registry: "in_memory", OfferTimeout: 3 * time.Second, Timing: timing{AllocationInterval: time.Second}}
	c, err := startCluster(t.Context(), o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	response, err := http.Get("http://" + c.MasterAddress() + "/flags")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	flags, err := io.ReadAll(response.Body)
	if err != nil || !strings.Contains(string(flags), `"registry":"in_memory"`) || !strings.Contains(string(flags), `"offer_timeout":"3secs"`) {
		t.Errorf("%v, %s", err, flags)
	}
}

// The command line that is printed must be able to complete: a cluster of two hosts has two registry devices.
func TestPrintedServeExpectsWhatThereIs(t *testing.T) {
	for hosts, want := range map[string]string{
		"2": "    --expect registry=2,metadata=2,data=2", "5": "    --expect registry=3,metadata=3,data=5",
	} {
		got := runHere(t, nil, "sandbox", "hosts", "--dir", t.TempDir(), "--hosts", hosts)
		if last := got.Stdout[len(got.Stdout)-1]; got.Code != 0 || last != want {
			t.Errorf("--hosts %s: exit code %d, last line %q, want %q", hosts, got.Code, last, want)
		}
	}
}

func TestHelpNamesEveryPodTypeCorrectly(t *testing.T) {
	help := strings.Join(runHere(t, nil, "serve", "--help").Stdout, "\n")
	for _, bad := range []string{" a api ", " a s3 "} {
		if strings.Contains(help, bad) {
			t.Errorf("help of serve contains %q", bad)
		}
	}
	for _, command := range []string{"serve", "demo"} {
		help = strings.Join(runHere(t, nil, command, "--help").Stdout, "\n")
		if strings.Contains(help, "(default [") || command == "serve" && !strings.Contains(help, "(default data=1,metadata=1,registry=3)") {
			t.Errorf("help of %s: defaults of maps are not written as they are given", command)
		}
	}
	if usage := "quobyte-mesos validate [flags] [DEVICE...]"; !strings.HasSuffix(runHere(t, nil, "validate", "--help").Stdout[5], usage) {
		t.Errorf("help of validate: no line %q", usage)
	}
}

// Who leaves connections behind must not use up the framework's file descriptors.
func TestIdleConnectionsAreClosed(t *testing.T) {
	o := defaultServeOptions()
	o.Masters, o.Listen, o.StateDir = []string{"127.0.0.1:1"}, "127.0.0.1:0", t.TempDir()
	o.Quobyte.DockerImage, o.Quobyte.Release = "quobyte/server", "3.0"
	f, err := newFramework(t.Context(), o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer f.listener.Close()
	defer f.store.Close()
	if f.server.IdleTimeout <= 0 || f.server.ReadTimeout != 0 {
		t.Errorf("idle connections are kept for %v, and streams end after %v", f.server.IdleTimeout, f.server.ReadTimeout)
	}
}

func TestValidateComparesDevices(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "one/QUOBYTE_DEV_SETUP", "device.serial=1\ndevice.bootstrap=true\n")
	write(t, "two/QUOBYTE_DEV_SETUP", "device.serial=1\ndevice.type=DIR_DEVICE\ndevice.bootstrap=true\n")
	write(t, "three/QUOBYTE_DEV_SETUP", "device.serial=3\ndevice.type=DATA_DEVICE\n")
	write(t, "bad/QUOBYTE_DEV_SETUP", "device.serial=3\ndevice.colour=red\n")
	if err := os.Symlink("one", "alias"); err != nil {
		t.Fatal(err)
	}
	const key = `key "device.colour" is unknown; use device.serial, device.model, device.bootstrap, device.type`
	for _, c := range []struct {
		name    string
		devices []string
		want    []string // no problem: empty
	}{
		{"different", []string{"one", "three"}, nil},
		{"one by three names", []string{"one", "alias", "one/QUOBYTE_DEV_SETUP"}, nil},
		{"two to bootstrap from, with one serial", []string{"one", "three", "two"}, []string{
			`two/QUOBYTE_DEV_SETUP: has the serial "1" of one/QUOBYTE_DEV_SETUP; every device needs its own`,
			"2 registry devices carry device.bootstrap=true: one/QUOBYTE_DEV_SETUP, two/QUOBYTE_DEV_SETUP; exactly one may, remove the line from the others",
		}},
		{"everything", []string{"none", "bad", "three"}, []string{
			"device file: stat none: no such file or directory",
			"bad/QUOBYTE_DEV_SETUP: line 2: " + key,
			`three/QUOBYTE_DEV_SETUP: has the serial "3" of bad/QUOBYTE_DEV_SETUP; every device needs its own`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := outcome{Stdout: []string{"no problem found"}}
			if c.want != nil {
				want = outcome{Code: 1}
				for _, l := range c.want {
					want.Stderr = append(want.Stderr, "quobyte-mesos: "+l)
				}
			}
			if diff := cmp.Diff(want, runHere(t, nil, append([]string{"validate"}, c.devices...)...)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestNewWarnings(t *testing.T) {
	a := plans.Hold{Code: plans.CodeDevice, Subject: "h", Text: "a", Since: time.Unix(1, 0)}
	later := a
	later.Since = time.Unix(2, 0)
	b := plans.Hold{Code: plans.CodeDevice, Subject: "h", Text: "b"}
	for _, c := range []struct {
		name              string
		before, now, want []plans.Hold
	}{
		{"first", nil, []plans.Hold{a, b}, []plans.Hold{a, b}},
		{"the same since another time", []plans.Hold{a}, []plans.Hold{later, b}, []plans.Hold{b}},
		{"twice", nil, []plans.Hold{b, b}, []plans.Hold{b}},
		{"none is left", []plans.Hold{a}, nil, nil},
	} {
		if diff := cmp.Diff(c.want, newWarnings(c.before, c.now)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// still is a viewer of one view.
type still struct{ plan plans.View }

func (s still) View() (*machine.View, <-chan struct{}) {
	return &machine.View{Plans: []plans.View{s.plan}}, make(chan struct{})
}

func TestDemoOnceEndsWithThePlan(t *testing.T) {
	for _, c := range []struct {
		status plans.Status
		want   error
	}{
		{plans.Complete, nil},
		{plans.Error, exitCode{exitFailed, errors.New("deploy is in ERROR: 1 of 2 steps; a step can't go on")}},
	} {
		p := plans.View{Name: machine.DeployPlan, Status: c.status, StepsDone: 1, StepsTotal: 2, Holds: []plans.Hold{{Text: "a step can't go on"}}}
		err := followDeploy(context.Background(), still{p}, true, make(chan tree.Frame, 1))
		var got, want exitCode
		errors.As(err, &got)
		errors.As(c.want, &want)
		if (err == nil) != (c.want == nil) || got.code != want.code || err != nil && err.Error() != c.want.Error() {
			t.Errorf("%s: error %v, want %v", c.status, err, c.want)
		}
	}
}

func TestDirectoryOfADemo(t *testing.T) {
	dir := t.TempDir()
	for _, want := range []string{dir, filepath.Join(dir, "run.2"), filepath.Join(dir, "run.3")} {
		got, err := unused(dir)
		if err != nil || got != want {
			t.Fatalf("directory %q, error %v, want %q", got, err, want)
		}
		write(t, filepath.Join(dir, "state", "state.db"), "x")
	}
	if got, err := unused(write(t, filepath.Join(dir, "file"), "")); err == nil {
		t.Errorf("a file: directory %q, want an error", got)
	}
}

func TestPathFromHere(t *testing.T) {
	for _, c := range []struct{ here, path, want string }{
		{"/a", "/a/bin/cli", "bin/cli"}, {"/a/bin", "/a/bin/cli", "./cli"}, {"/a/bin", "/a/cli", "/a/cli"}, {"", "/a/cli", "/a/cli"},
	} {
		if got := fromHere(c.here, c.path); got != c.want {
			t.Errorf("%s from %q: %s, want %s", c.path, c.here, got, c.want)
		}
	}
}
