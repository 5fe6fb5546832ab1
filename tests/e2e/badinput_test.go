package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quobyte/mesos-framework/plans"
)

// Each bad input gets clear lines that name the thing and what to do, an exit status, and leaves nothing half-done.
func TestBadFlags(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	takenMaster, takenAgent := busy.Addr().String(), "127.0.33.1:5051"
	agent, err := net.Listen("tcp", takenAgent)
	if err != nil {
		t.Fatal(err)
	}
	defer agent.Close()
	good := []string{"serve", "--master=127.0.0.1:1", "--listen=127.0.0.1:0", "--containerizer=command", "--server_command=x"}
	for _, c := range []struct {
		name string
		args []string
		want []string // each in a line of its own
	}{
		{"unknown flag", []string{"serve", "--nonsense"}, []string{"unknown flag: --nonsense (see quobyte-mesos serve --help)"}},
		{"unknown command", []string{"nonsense"}, []string{`unknown command "nonsense"`}},
		{"all at once", []string{"serve", "--listen=127.0.0.1:0", "--containerizer=rkt", "--expect=registry=-1", "--log-level=loud"}, []string{
			"--master: missing", "--state-dir: missing", "containerizer", "rkt", "expect", "--log-level",
		}},
		{"resources", append(good, "--state-dir=x", "--data_resources=cpus:x;mem:1"), []string{"data-resources", "cpus"}},
		{"a leader's address without an election", append(good, "--state-dir="+t.TempDir(), "--advertise-url=http://x"), []string{"--advertise-url: without --zk"}},
		{"a leader's address that is none", append(good, "--zk=zk://x/y", "--advertise-url=x:7888"), []string{`--advertise-url: "x:7888": must be http://HOST:PORT`}},
		{"port in use", append(good, "--state-dir="+t.TempDir(), "--listen="+busy.Addr().String()), []string{busy.Addr().String() + ": the port is in use"}},
		{"bad listen address", append(good, "--state-dir="+t.TempDir(), "--listen=nonsense"), []string{`--listen: "nonsense": must be HOST:PORT`}},
		{"state dir is a file", append(good, "--state-dir="+file), []string{file}},
		{"state dir where none can be", append(good, "--state-dir=/proc/nope/x"), []string{"no directory can be made there; give another --state-dir"}},
		{"state dir below a file", append(good, "--state-dir="+filepath.Join(file, "x")), []string{file}},
		{"bad master", append(good[:1:1], "--listen=127.0.0.1:0", "--containerizer=command", "--server_command=x", "--state-dir="+t.TempDir(), "--master=ftp://x"), []string{"ftp://x"}},
		{"hosts", []string{"demo", "--hosts=0"}, []string{"--hosts: 0: must be 1 to 200"}},
		{"timeout", []string{"demo", "--once", "--timeout=-1s"}, []string{"--timeout: -1s"}},
		{"network", []string{"demo", "--network=10.0.0."}, []string{`--network: "10.0.0.": must be`}},
		{"master's port in use", []string{"sandbox", "--network=127.0.34", "--master-listen=" + takenMaster}, []string{"address " + takenMaster + " is in use"}},
		{"agent's port in use", []string{"sandbox", "--network=127.0.33", "--master-listen=127.0.0.1:0"}, []string{"address " + takenAgent + " is in use"}},
		{"config file", append(good, "--state-dir=x", "--config="+file+".yaml"), []string{file + ".yaml"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tmp := t.TempDir()
			p := startWith(t, c.name, func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, "TMPDIR="+tmp) }, built(t).framework(), c.args...)
			if code := p.wait(); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			if left, _ := os.ReadDir(tmp); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
			out := p.text()
			for _, want := range c.want {
				if lines(out, want) == 0 {
					t.Errorf("no line says %q", want)
				}
			}
			for _, l := range strings.Split(strings.TrimSpace(out), "\n") {
				if !strings.HasPrefix(l, "quobyte-mesos: ") {
					t.Errorf("line is no message of the program: %q", l)
				}
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}

func TestStateDirectoryIsLocked(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.31.", 1)
	first, _ := c.serve(t, "serve 1", "--expect=registry=1")
	out, code := run(t, built(t).framework(), c.flags(t)...)
	if code != 1 || !strings.Contains(out, filepath.Join(c.dir, "state")) || !strings.Contains(out, fmt.Sprint(first.cmd.Process.Pid)) {
		t.Errorf("exit code %d, want 1 and a line that names the directory and process %d:\n%s", code, first.cmd.Process.Pid, out)
	}
}

// A master that is not there (yet) is told in one clear line; serve goes on trying, and its API says so.
func TestUnreachableMaster(t *testing.T) {
	t.Parallel()
	c := &cluster{dir: t.TempDir(), master: "127.0.0.1:1"}
	p, api := c.serve(t, "serve")
	p.find(`127\.0\.0\.1:1: connection refused`)
	eventually(t, "the plan says why it waits", func() bool {
		for _, ph := range api.deploy().Phases {
			for _, s := range ph.Steps {
				for _, h := range s.Holds {
					if h.Code == plans.CodeDisconnected {
						return true
					}
				}
			}
		}
		return false
	})
}

// Two bootstrap devices, and a device file that can't be read: nothing is deployed on a contradiction, and the plan says where it is.
func TestBadDevices(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.32.", 3)
	second := deviceFile(t, c, "127.0.32.2", "DIR_DEVICE")
	replace(t, second, "device.type=DIR_DEVICE", "device.bootstrap=true\ndevice.type=DIR_DEVICE")
	bad := deviceFile(t, c, "127.0.32.3", "DATA_DEVICE")
	replace(t, bad, "device.type=DATA_DEVICE", "device.type=FLOPPY_DEVICE\ndevice.colour=red")
	p, api := c.serve(t, "serve", "--expect=registry=3,metadata=1,data=1")
	eventually(t, "the conflict is told", func() bool {
		for _, s := range api.phase("probe").Steps {
			for _, h := range s.Holds {
				if h.Code == plans.CodeConflict && strings.Contains(h.Text, "127.0.32.1") && strings.Contains(h.Text, "127.0.32.2") {
					return true
				}
			}
		}
		return false
	})
	eventually(t, "the bad device is told", func() bool {
		told := 0
		for _, w := range api.deploy().Warnings {
			for _, wrong := range []string{"FLOPPY_DEVICE", "device.colour"} {
				if strings.Contains(w.Text, wrong) && strings.Contains(w.Text, "127.0.32.3") && strings.Contains(w.Text, filepath.Dir(bad)) {
					told++
				}
			}
		}
		return told == 2
	})
	p.find(`level=WARN msg=warning plan=deploy code=device about=127.0.32.3 .*FLOPPY_DEVICE`)
	v, _ := api.view()
	for _, p := range v.Pods {
		if p.Type != "prober" {
			t.Errorf("pod %s exists although the devices contradict each other", p.Name)
		}
	}
	if n := lines(p.text(), "FLOPPY_DEVICE"); n != 1 {
		t.Errorf("the log tells of the bad device in %d lines, want 1", n)
	}
	// The operator mends both; the probers see it, and the rollout goes on by itself.
	replace(t, second, "device.bootstrap=true\n", "")
	replace(t, bad, "device.type=FLOPPY_DEVICE\ndevice.colour=red", "device.type=DATA_DEVICE")
	eventually(t, "deploy is complete", func() bool { return api.deploy().Status == plans.Complete })
	if n := len(api.phase("data").Steps); n != 3 {
		t.Errorf("%d data pods, want 3", n)
	}
}

// deviceFile finds the setup file of a host's device of a type.
func deviceFile(t *testing.T, c *cluster, host, deviceType string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.dir, host, "devices", "*", "QUOBYTE_DEV_SETUP"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil && strings.Contains(string(text), "device.type="+deviceType) {
			return f
		}
	}
	t.Fatalf("host %s: no %s among %v", host, deviceType, files)
	return ""
}

func replace(t *testing.T, file, old, replacement string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s: no %q in\n%s", file, old, text)
	}
	// In one step, as an editor would: a prober must not see half of it.
	if err := os.WriteFile(file+".new", []byte(strings.Replace(string(text), old, replacement, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}
