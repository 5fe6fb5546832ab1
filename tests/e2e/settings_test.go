package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/internal/zktest"
	"github.com/quobyte/mesos-framework/plans"
)

// Settings that Mesos lets a framework change are taken when serve is started again; of the others serve says that it can't have them.
func TestSettingsChangedBetweenRuns(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.49.", 1)
	// serve runs until what it subscribed with is durable.
	serve := func(extra ...string) *process {
		p, api := c.serve(t, "serve "+strings.Join(extra, " "), append(extra, "--expect=registry=1")...)
		eventually(t, "the framework id is durable", func() bool { v, ok := api.view(); return ok && v.FrameworkID != "" && v.Connection.Connected })
		p.signal(syscall.SIGTERM)
		p.wait()
		return p
	}
	serve("--framework-principal=store")
	second := serve("--framework-principal=store", "--framework-name=renamed", "--failover-timeout=1h", "--pre-reserved-roles=other",
		"--framework-labels=a=b", "--log-level=debug")
	if text := second.text(); strings.Contains(text, "not confirmed") {
		t.Errorf("the settings were not taken:\n%s", text)
	}
	refused := func(wants []string, args ...string) string {
		t.Helper()
		out, code := run(t, built(t).framework(), append(c.flags(t), append(args, "--expect=registry=1")...)...)
		if code != 17 {
			t.Errorf("%v: exit code %d, want 17", args, code)
		}
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("%v: no %q in\n%s", args, want, tail(out, 8))
			}
		}
		return out
	}
	// What the framework last subscribed with is durable: nothing is asked of Mesos, and all is told at once.
	out := refused([]string{
		`--framework-principal: "other": it was "store" when the framework last subscribed, and Mesos never changes the principal of a framework; set it back with --framework-principal=store`,
		`--framework-checkpoint: "false": it was "true"`,
		"begin as a new framework instead, tear this one down",
	}, "--framework-principal=other", "--framework-checkpoint=false")
	if strings.Contains(out, "msg=serving") || strings.Contains(out, "msg=subscribed") {
		t.Errorf("it went as far as to subscribe:\n%s", out)
	}
	// A state of an older version does not say, but Mesos does.
	c.forgetRegistration(t)
	refused([]string{"Mesos never changes the principal of a framework: set it back to what it was"}, "--framework-principal=other")
	serve("--framework-principal=store")
	refused([]string{`--framework-principal: "": it was "store"`})
}

// forgetRegistration makes of the state one of a version that did not keep what Mesos was told.
func (c *cluster) forgetRegistration(t *testing.T) {
	t.Helper()
	dir := filepath.Join(c.dir, "state")
	text, code := run(t, built(t).framework(), "state", "export", "--state-dir", dir)
	if code != 0 {
		t.Fatalf("export: exit %d: %s", code, text)
	}
	var state map[string]any
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		t.Fatal(err)
	}
	for _, r := range state["records"].([]any) {
		if r := r.(map[string]any); r["key"] == "framework" {
			value := r["value"].(map[string]any)["value"].(map[string]any)
			if value["registration"] == nil {
				t.Errorf("record framework: %v has no registration", value)
			}
			delete(value, "registration")
		}
	}
	changed, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(file, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := run(t, built(t).framework(), "state", "import", "--state-dir", dir, "--replace", file); code != 0 {
		t.Fatalf("import: exit %d: %s", code, out)
	}
}

// An instance that stands by with settings that Mesos would not take is of no use: it says so and ends, and the leader goes on.
func TestSettingsOfAStandby(t *testing.T) {
	t.Parallel()
	zk := "zk://" + zktest.Start(t).Address + "/quobyte"
	c := startCluster(t, "127.0.40.", 1)
	_, lead := c.serveZK(t, "leader", zk, "--expect=registry=1", "--framework-principal=store")
	eventually(t, "deploy is complete", func() bool { return lead.deploy().Status == plans.Complete })
	out, code := run(t, built(t).framework(), c.zkFlags(t, zk, "--expect=registry=1", "--framework-principal=other")...)
	if code != 17 || !strings.Contains(out, "standing by") || !strings.Contains(out, `--framework-principal: "other": it was "store"`) {
		t.Errorf("exit code %d, want 17 and a line about the principal:\n%s", code, tail(out, 5))
	}
	standby, _ := c.serveZK(t, "standby", zk, "--expect=registry=1", "--framework-principal=store", "--failover-timeout=1h")
	standby.find(`msg="setting changed since the framework last subscribed" setting=failover-timeout was=336h0m0s is=1h0m0s`)
	if v, ok := lead.view(); !ok || !v.Connection.Connected {
		t.Error("the leader has no session any more")
	}
}

// What is reserved carries the name of the service, and is only offered to its role: while anything is, neither may change, and that is told before
// anything is said to a master. In ZooKeeper another name is another node, whose state is empty: then it is what runs that tells.
func TestSettingsThatWouldStrandReservations(t *testing.T) {
	t.Parallel()
	zk := "zk://" + zktest.Start(t).Address + "/quobyte"
	c := startCluster(t, "127.0.51.", 1)
	flags := []string{"--expect=registry=1", "--reserve=devices", "--framework-principal=store"}
	lead, api := c.serveZK(t, "serve", zk, flags...)
	eventually(t, "deploy is complete", func() bool { return api.deploy().Status == plans.Complete })
	before, tasks := c.frameworks(t), api.tasks()
	refused := func(code int, want string, extra ...string) {
		t.Helper()
		out, got := run(t, built(t).framework(), c.zkFlags(t, zk, append(slices.Clone(flags), extra...)...)...)
		if got != code || !strings.Contains(out, want) {
			t.Errorf("%v: exit code %d, want %d and %s:\n%s", extra, got, code, want, tail(out, 5))
		}
	}
	refused(17, "set it back with --framework-role=quobyte, or keep it besides with --pre-reserved-roles=quobyte", "--framework-role=other") // standing by
	lead.signal(syscall.SIGTERM)
	lead.wait()
	refused(17, "set it back with --framework-role=quobyte, or keep it besides with --pre-reserved-roles=quobyte", "--framework-role=other")
	refused(13, `tasks of the service "quobyte" in the same role "quobyte"`, "--framework-name=renamed")

	// The state in a directory is the same one under another name.
	exported, code := run(t, built(t).framework(), "state", "export", "--zk", zk)
	if code != 0 {
		t.Fatalf("export: exit %d: %s", code, exported)
	}
	file := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(file, []byte(exported), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := run(t, built(t).framework(), "state", "import", "--state-dir", filepath.Join(c.dir, "state"), file); code != 0 {
		t.Fatalf("import: exit %d: %s", code, out)
	}
	out, code := run(t, built(t).framework(), append(c.flags(t), append(slices.Clone(flags), "--framework-name=renamed")...)...)
	if code != 17 || !strings.Contains(out, "set it back with --framework-name=quobyte") || strings.Contains(out, "msg=serving") {
		t.Errorf("exit code %d, want 17 and a line about the name:\n%s", code, tail(out, 5))
	}
	if diff := cmp.Diff(before.All, c.frameworks(t).All); diff != "" {
		t.Errorf("frameworks (-before +after):\n%s", diff)
	}

	// A role besides does no harm: what runs stays, and what falls over comes back to what is reserved for it.
	_, after := c.serve(t, "serve with one role more", append(slices.Clone(flags), "--framework-role=other", "--pre-reserved-roles=quobyte")...)
	eventually(t, "deploy is complete", func() bool { return after.deploy().Status == plans.Complete })
	if diff := cmp.Diff(tasks, after.tasks()); diff != "" {
		t.Errorf("tasks (-before +after):\n%s", diff)
	}
	victim := pidOf(t, c, "data", hostOf(t, after, "data-0"))
	last := after.tasks()["data-0"]
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "data-0 runs again as another task", func() bool { p := after.pod("data-0"); return p.Healthy && p.TaskID != last })
}
