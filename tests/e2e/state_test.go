package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/store"
	"github.com/quobyte/mesos-framework/internal/zktest"
	"github.com/quobyte/mesos-framework/plans"
)

// The state moves from a directory into ZooKeeper as docs/state.md says: the same framework goes on there, and nothing is launched again.
func TestStateMovesIntoZooKeeper(t *testing.T) {
	t.Parallel()
	zk := "zk://" + zktest.Start(t).Address + "/quobyte"
	c := startCluster(t, "127.0.28.", 3)
	first, before := c.serve(t, "serve with a directory", "--expect=registry=3")
	eventually(t, "deploy is complete", func() bool { return before.deploy().Status == plans.Complete })
	view, _ := before.view()
	tasks := before.tasks()
	dir := filepath.Join(c.dir, "state")
	if out, code := run(t, built(t).framework(), "state", "export", "--state-dir", dir); code != 1 || !strings.Contains(out, "in use by another quobyte-mesos") {
		t.Errorf("export while serve works: exit %d: %s", code, out)
	}
	first.signal(syscall.SIGTERM)
	if code := first.wait(); code != 0 {
		t.Fatalf("SIGTERM: exit code %d", code)
	}
	out, code := run(t, built(t).framework(), "state", "reset", "--state-dir", dir, "--master", c.master, "--yes")
	if code != 13 || !strings.Contains(out, "framework "+view.FrameworkID+": it is registered with the master") || !strings.Contains(out, "registry-0 on ") {
		t.Errorf("reset of a framework that is registered: exit %d: %s", code, out)
	}
	backup := filepath.Join(t.TempDir(), "backup.json")
	text, code := run(t, built(t).framework(), "state", "export", "--state-dir", dir)
	if code != 0 {
		t.Fatalf("export: exit %d: %s", code, text)
	}
	if err := os.WriteFile(backup, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := run(t, built(t).framework(), "state", "import", "--zk", zk, backup); code != 0 {
		t.Fatalf("import: exit %d: %s", code, out)
	}
	second, after := c.serveZK(t, "serve with ZooKeeper", zk, "--expect=registry=3")
	second.find(`msg=subscribed .*framework_id=` + view.FrameworkID + ` `)
	eventually(t, "deploy is complete again", func() bool { return after.deploy().Status == plans.Complete })
	if diff := cmp.Diff(tasks, after.tasks()); diff != "" {
		t.Errorf("tasks (-before +after the move):\n%s", diff)
	}
	wantEachOnce(t, c)
	shown, code := run(t, built(t).framework(), "state", "show", "--zk", zk)
	if code != 0 || !strings.Contains(shown, view.FrameworkID) || strings.Count(shown, "data-") < 3 {
		t.Errorf("show while serve works: exit %d: %s", code, shown)
	}
	if out, code := run(t, built(t).framework(), "state", "reset", "--zk", zk, "--force", "--yes"); code != 13 || !strings.Contains(out, "in use by the instance at "+after.url) {
		t.Errorf("reset while serve works: exit %d: %s", code, out)
	}
}

// A backup is made while a deployment runs, without serve noticing; the state is lost, and serve goes on from the backup.
func TestABackupOfARunningFramework(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.35.", 3)
	first, before := c.serve(t, "serve", "--expect=registry=3")
	export := func() string {
		t.Helper()
		text, code := run(t, built(t).framework(), "state", "export", "--url", before.url)
		if code != 0 {
			t.Fatalf("export: exit %d: %s", code, text)
		}
		return text
	}
	imported := func(text, dir string) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "backup.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, code := run(t, built(t).framework(), "state", "import", "--state-dir", dir, file); code != 0 {
			t.Fatalf("import: exit %d: %s", code, out)
		}
	}
	eventually(t, "metadata is deployed, a backup after the other", func() bool {
		imported(export(), filepath.Join(t.TempDir(), "state"))
		return before.phase("metadata").Status == plans.Complete
	})
	if out, code := run(t, built(t).cli(), "--url", before.url, "plan", "pause", "deploy"); code != 0 {
		t.Fatalf("pause: exit %d: %s", code, out)
	}
	eventually(t, "all that was launched runs", func() bool {
		v, _ := before.view()
		running := 0
		for _, p := range v.Pods {
			if p.TaskID != "" && p.State != machine.Running {
				return false
			}
			if p.TaskID != "" {
				running++
			}
		}
		return running > 0
	})
	backup, view, tasks := export(), func() machine.View { v, _ := before.view(); return v }(), before.tasks()
	first.signal(syscall.SIGKILL)
	first.wait()
	if err := os.Rename(filepath.Join(c.dir, "state"), filepath.Join(c.dir, "lost")); err != nil {
		t.Fatal(err)
	}
	imported(backup, filepath.Join(c.dir, "state"))
	second, after := c.serve(t, "serve from the backup", "--expect=registry=3")
	second.find(`msg=subscribed .*framework_id=` + view.FrameworkID + ` `)
	eventually(t, "the pause is there", func() bool { return after.deploy().Status == plans.Waiting })
	if diff := cmp.Diff(tasks, after.tasks()); diff != "" {
		t.Errorf("tasks (-before +after):\n%s", diff)
	}
	if out, code := run(t, built(t).cli(), "--url", after.url, "plan", "resume", "deploy"); code != 0 {
		t.Fatalf("resume: exit %d: %s", code, out)
	}
	eventually(t, "deploy is complete", func() bool { return after.deploy().Status == plans.Complete })
	wantEachOnce(t, c)
}

// After the master's failover nobody knows the framework before its agents are back: reset must not take it for gone. With the registry the master says for
// whom it waits; without one, that it has no way to know.
func TestResetWhileAgentsHaveNotComeBack(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.105.", 1)
	forgetful := startClusterWith(t, "127.0.106.", 1, "--registry=in_memory")
	for _, test := range []struct {
		*cluster
		want string
	}{
		{c, "1 agents have not come back since this master was elected"},
		{forgetful, "does not know the agents of the one before it (--registry=in_memory)"},
	} {
		p, api := test.serve(t, "serve", "--expect=registry=1,metadata=1,data=1")
		eventually(t, "the registry runs", func() bool { return len(api.tasks()) >= 2 })
		p.signal(syscall.SIGTERM)
		if code := p.wait(); code != 0 {
			t.Fatalf("SIGTERM: exit code %d", code)
		}
		if out, code := run(t, built(t).framework(), "sandbox", "fault", "master-failover", "--master", test.master, "--delay=10s", "--for=100ms"); code != 0 {
			t.Fatalf("master-failover: exit code %d: %s", code, out)
		}
		reset := func() (string, int) {
			return run(t, built(t).framework(), "state", "reset", "--state-dir", filepath.Join(test.dir, "state"), "--master", test.master, "--yes")
		}
		out, code := "", 1
		eventually(t, "the next master leads", func() bool {
			out, code = reset()
			return code != 1
		})
		if code != 13 || !strings.Contains(out, test.want) {
			t.Fatalf("reset while agents are away: exit code %d, want 13 and %q:\n%s", code, test.want, tail(out, 5))
		}
		eventually(t, "the agent is back, and the framework with it", func() bool {
			out, code := reset()
			if code != 13 {
				t.Fatalf("reset of a framework that runs: exit code %d:\n%s", code, tail(out, 5))
			}
			return strings.Contains(out, "it is registered with the master, with ")
		})
		if records, err := store.ReadBolt(t.Context(), filepath.Join(test.dir, "state")); err != nil || len(records) < 5 {
			t.Errorf("%d records are left: %v", len(records), err)
		}
	}
}

// The state is a backup from before most of the pods were launched, and the master is new, so that nothing is known of them until their agents are back,
// much later than serve. None of them is launched a second time.
func TestAnOldBackupAfterAMasterFailover(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.98.", 3)
	flags := []string{"--expect=registry=3,metadata=3,data=3", "--ports-from=host"}
	first, before := c.serve(t, "serve", flags...)
	eventually(t, "registries are deployed", func() bool { return before.phase("registry").Status == plans.Complete })
	backup, code := run(t, built(t).framework(), "state", "export", "--url", before.url)
	if code != 0 {
		t.Fatalf("export: exit %d: %s", code, backup)
	}
	eventually(t, "deploy is complete", func() bool { return before.deploy().Status == plans.Complete })
	tasks := before.tasks()
	first.signal(syscall.SIGKILL)
	first.wait()
	if err := os.Rename(filepath.Join(c.dir, "state"), filepath.Join(c.dir, "newer")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "backup.json")
	if err := os.WriteFile(file, []byte(backup), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := run(t, built(t).framework(), "state", "import", "--state-dir", filepath.Join(c.dir, "state"), file); code != 0 {
		t.Fatalf("import: exit %d: %s", code, out)
	}
	c.fault(t, "master-failover", "--delay=6s", "--for=100ms")
	second, after := c.serve(t, "serve from the backup", flags...)
	second.find("msg=subscribed")
	known := func(v machine.View) map[string]bool {
		all := map[string]bool{}
		for _, p := range v.Pods {
			all[p.TaskID] = true
		}
		for _, s := range v.Strangers {
			all[s.TaskID] = true
		}
		return all
	}
	eventually(t, "Mesos has told of all tasks, and the pods that have none on record wait for them", func() bool {
		v, _ := after.view()
		all := known(v)
		for _, id := range tasks {
			if !all[id] {
				return false
			}
		}
		held := 0
		for _, s := range after.phase("data").Steps {
			if len(s.Holds) > 0 && s.Holds[0].Code == plans.CodeUnknownTask && strings.Contains(s.Holds[0].Text, "is on no record") {
				held++
			}
		}
		return held == 3
	})
	wantEachOnce(t, c)
}
