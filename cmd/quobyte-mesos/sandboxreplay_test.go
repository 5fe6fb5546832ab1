package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

// journalOfASandbox is one in which agents came, were killed, and came back.
func journalOfASandbox(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "journal")
	o := clusterOptions{Master: "127.0.0.1:0", Network: "127.0.73.", Hosts: 2, Dir: t.TempDir(), Journal: name}
	o.Timing = timing{AllocationInterval: time.Second, HeartbeatInterval: time.Second, PingTimeout: time.Second, PingTimeouts: 5}
	c, err := startCluster(context.Background(), o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Inject(fault.Fault{Kind: fault.AgentRestart, Agent: "1", NewID: true}); err != nil {
		t.Error(err)
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestReplayOfASandbox(t *testing.T) {
	name := journalOfASandbox(t)
	got := runHere(t, nil, "sandbox", "replay", name)
	if got.Code != exitOK || len(got.Stdout) != 1 || !strings.Contains(got.Stdout[0], "inputs in") {
		t.Errorf("%+v", got)
	}
	got = runHere(t, nil, "sandbox", "replay", name, "--state", "--until", "0s")
	if got.Code != exitOK || len(got.Stdout) != 1 || !strings.Contains(got.Stdout[0], `"get_agents"`) {
		t.Errorf("%+v", got)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, `"kind":"answer"`) {
			line = strings.Replace(line, "-S1", "-S7", 1)
		}
		lines = append(lines, line)
	}
	if err := os.WriteFile(name, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	got = runHere(t, nil, "sandbox", "replay", name)
	if got.Code != exitError || !strings.Contains(strings.Join(got.Stderr, "\n"), "what comes out is not what the journal says, from line 4 on") ||
		len(got.Stdout) != 3 || !strings.Contains(got.Stdout[1], "-S7") || !strings.Contains(got.Stdout[2], "-S1") {
		t.Errorf("of a changed journal: %+v", got)
	}
}

func TestReplayProblems(t *testing.T) {
	name := journalOfASandbox(t)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"nowhere"}, "open nowhere: no such file"},
		{[]string{name, "--until", "yesterday"}, `--until: "yesterday": must be a time such as`},
		{[]string{name, "--until=-5s"}, `--until: "-5s": must be a time such as`},
		{[]string{os.DevNull}, "journal: has no line of kind start"},
		{nil, "accepts 1 arg"},
	} {
		got := runHere(t, nil, append([]string{"sandbox", "replay"}, test.args...)...)
		if got.Code != exitError || !strings.Contains(strings.Join(got.Stderr, "\n"), test.want) {
			t.Errorf("%q: %+v, want %s", test.args, got, test.want)
		}
	}
}
