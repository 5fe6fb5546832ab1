package e2e

import (
	"strings"
	"syscall"
	"testing"
)

// Settings that Mesos lets a framework change are taken when serve is started again; of the others serve says that it can't have them.
func TestSettingsChangedBetweenRuns(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.26.", 1)
	serve := func(extra ...string) (*process, api) {
		return c.serve(t, "serve "+strings.Join(extra, " "), append(extra, "--expect=registry=1")...)
	}
	first, _ := serve("--framework-principal=store")
	first.find("msg=subscribed")
	first.signal(syscall.SIGTERM)
	first.wait()
	second, _ := serve("--framework-principal=store", "--framework-name=renamed", "--failover-timeout=1h", "--pre-reserved-roles=other",
		"--framework-labels=a=b", "--log-level=debug")
	second.find("msg=subscribed framework=") // the engine was told
	second.signal(syscall.SIGTERM)
	second.wait()
	if text := second.text(); strings.Contains(text, "not confirmed") {
		t.Errorf("the settings were not taken:\n%s", text)
	}
	for setting, args := range map[string][]string{
		"principal":  {"--framework-principal=other"},
		"checkpoint": {"--framework-principal=store", "--framework-checkpoint=false"},
	} {
		out, code := run(t, built(t).framework(), append(c.flags(t), append(args, "--expect=registry=1")...)...)
		if code != 1 || !strings.Contains(out, "Mesos never changes the "+setting+" of a framework: set it back to what it was") {
			t.Errorf("%v: exit code %d, want 1 and a line about the %s:\n%s", args, code, setting, tail(out, 5))
		}
	}
}
