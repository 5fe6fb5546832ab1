package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/quobyte/mesos-framework/plans"
)

// serve records a deployment and is killed in the middle of it; the next one records the rest. All of it is decided again by
// replay, from both recordings, to the same state; and no secret is in it.
func TestRecordedRunIsReplayed(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	c := startCluster(t, "127.0.28.", 3)
	dir := filepath.Join(c.dir, "recording")
	flags := []string{
		"--expect=registry=3,metadata=3,data=3", "--reserve=devices", "--framework-principal=quobyte",
		"--extra-service-config=password=" + secret, "--record", dir,
	}
	first, before := c.serve(t, "serve 1", flags...)
	eventually(t, "the third registry runs, and metadata is next", func() bool { return len(before.tasks()) > 5 })
	first.signal(syscall.SIGKILL)
	first.wait()

	second, after := c.serve(t, "serve 2", flags...)
	eventually(t, "deploy is complete", func() bool { return after.deploy().Status == plans.Complete })
	if out, code := run(t, built(t).cli(), "--url", after.url, "plan", "pause", "recovery", "--reason", "overnight"); code != 0 {
		t.Fatalf("pause: exit %d: %s", code, out)
	}
	second.signal(syscall.SIGTERM)
	if code := second.wait(); code != 0 {
		t.Fatalf("serve 2: exit %d", code)
	}

	out, code := run(t, built(t).framework(), "replay", dir)
	if code != 0 {
		t.Fatalf("replay: exit %d:\n%s", code, tail(out, 20))
	}
	for _, want := range []string{
		`note: .*00000001\.jsonl\.gz: .*ends without an end: the framework was killed`,
		`framework started, recorded by quobyte-mesos`, `→ ACCEPT +LAUNCH data-`, `→ ACCEPT +RESERVE `,
		`deploy +deploy +COMPLETE`,
		`· verb +pause recovery, by .*overnight`, `→ answer +done`, `decisions replayed, all as recorded`, `(?m)^state [0-9a-f]{32} at `,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("replay: nothing like %q in\n%s", want, tail(out, 40))
		}
	}
	lastState := stateAtEnd(t, filepath.Join(dir, "recording-00000002.jsonl"))
	if !strings.Contains(out, "state "+lastState+" at") {
		t.Errorf("replay does not end with the state that was recorded, %s:\n%s", lastState, tail(out, 3))
	}

	// The same for programs, in part, and without the secret.
	out, code = run(t, built(t).framework(), "replay", "--json", "--state", dir)
	if code != 0 || !strings.Contains(out, `"type":"end"`) || !strings.Contains(out, `"state":"`+lastState+`"`) {
		t.Errorf("replay --json: exit %d: %s", code, tail(out, 3))
	}
	at := regexp.MustCompile(`"type":"decision","decision":20,"at":"([^"]+)"`).FindStringSubmatch(out)
	if at == nil {
		t.Fatal("replay --json: no decision 20")
	}
	if strings.Contains(out, secret) {
		t.Error("the secret is in what replay prints")
	}
	out, code = run(t, built(t).framework(), "replay", "--quiet", "--until", at[1], dir)
	if code != 0 || !strings.Contains(out, "20 decisions replayed, all as recorded") || strings.Contains(out, "ACCEPT") {
		t.Errorf("replay --until: exit %d: %s", code, out)
	}
	for _, file := range []string{"recording-00000001.jsonl.gz", "recording-00000002.jsonl"} {
		if info, err := os.Stat(filepath.Join(dir, file)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want it to be its owner's alone", file, info, err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "recording-00000002.jsonl"))
	if err != nil || strings.Contains(string(text), secret) {
		t.Errorf("the secret is in the recording (%v)", err)
	}

	// A recording that was tampered with is told, with an exit status of its own.
	changed := filepath.Join(t.TempDir(), "changed.jsonl")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), `"State":"RUNNING"`, `"State":"FAILED"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, code = run(t, built(t).framework(), "replay", "--quiet", changed)
	if code != 15 || !regexp.MustCompile(`line \d+: decision \d+: (effects|state) differ from what was recorded`).MatchString(out) {
		t.Errorf("replay of a changed recording: exit %d, want 15: %s", code, out)
	}
}

// stateAtEnd is the digest of the state with which a recording ends.
func stateAtEnd(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var last struct {
		End *struct{ Reason, State string }
	}
	s := bufio.NewScanner(f)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		last.End = nil
		if err := json.Unmarshal(s.Bytes(), &last); err != nil {
			t.Fatal(err)
		}
	}
	if last.End == nil || last.End.Reason != "stopped" {
		t.Fatalf("%s: ends with %+v, want an end in order", file, last.End)
	}
	return last.End.State
}
