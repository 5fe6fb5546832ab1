package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	if code != 13 || !strings.Contains(out, "framework "+view.FrameworkID+": it is registered with the master") {
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
