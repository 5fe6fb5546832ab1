package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

// What is wrong is told before anybody is asked, all at once, with what is allowed.
func TestProblemsOfFaults(t *testing.T) {
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"call-status"}, []string{"STATUS: missing: status of HTTP, such as 429, 500 or 503"}},
		{[]string{"call-status", "x"}, []string{`STATUS: "x": must be a whole number`}},
		{[]string{"call-status", "200", "--count=-5"}, []string{
			"fault call-status: count: -5: must be 1 or more, or -1 for no end",
			"fault call-status: status: 200: must be 300 to 599"}},
		{[]string{"agent-delay", "0"}, []string{"DELAY: missing: how long it takes, such as 500ms"}},
		{[]string{"agent-delay"}, []string{
			"AGENT: missing: agent: its id, its hostname, or its number from 0", "DELAY: missing: how long it takes, such as 500ms"}},
		{[]string{"agent-heal", "0", "1"}, []string{`"1": too much; the command is quobyte-mesos sandbox fault agent-heal AGENT`}},
		{[]string{"event-unknown", "--what=thing"}, []string{`fault event-unknown: what: "thing": must be one of type, enum, field`}},
		{[]string{"clear", "one", "two"}, []string{
			`ID: "one": must be a number that list shows`, `ID: "two": must be a number that list shows`}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			got := runHere(t, nil, append([]string{"sandbox", "fault"}, c.args...)...)
			for i, line := range c.want {
				c.want[i] = "quobyte-mesos: " + line
			}
			for i, line := range got.Stderr {
				got.Stderr[i], _, _ = strings.Cut(line, " [flags]")
			}
			if diff := cmp.Diff(outcome{Code: exitError, Stderr: c.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	got := runHere(t, nil, "sandbox", "fault", "agent-explode")
	if got.Code != exitError || !strings.Contains(got.Stderr[0], `fault "agent-explode": there is no such command; there are list, clear, agents, agent-deactivate,`) {
		t.Error(got)
	}
	got = runHere(t, nil, "sandbox", "fault", "list", "--master", "127.0.0.1:1")
	if got.Code != exitError || !strings.HasPrefix(got.Stderr[0], "quobyte-mesos: sandbox 127.0.0.1:1: dial tcp 127.0.0.1:1: ") {
		t.Error(got)
	}
}

func TestFaultsOfARunningSandbox(t *testing.T) {
	o := clusterOptions{Master: "127.0.0.1:0", Network: "127.0.71.", Hosts: 2, Dir: t.TempDir()}
	o.Timing = timing{AllocationInterval: time.Second, HeartbeatInterval: time.Second, PingTimeout: time.Second, PingTimeouts: 5}
	c, err := startCluster(context.Background(), o, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	do := func(args ...string) []string {
		t.Helper()
		got := runHere(t, nil, append(append([]string{"sandbox", "fault"}, args...), "--master", c.MasterAddress())...)
		if got.Code != exitOK {
			t.Fatalf("%v: %d %v", args, got.Code, got.Stderr)
		}
		return got.Stdout
	}
	if got := do("list"); !cmp.Equal(got, []string{"no faults"}) {
		t.Error(got)
	}
	if got := do("call-lost-after", "--call", "ACCEPT", "--count", "2"); !cmp.Equal(got, []string{"1: call-lost-after call=ACCEPT count=2"}) {
		t.Error(got)
	}
	if got := do("agent-partition", "127.0.71.2"); !cmp.Equal(got, []string{"2: agent-partition agent=127.0.71.2"}) {
		t.Error(got)
	}
	want := []string{
		"ID  STRUCK  LEFT  ENDS IN  FAULT", "1   0       2     -        call-lost-after call=ACCEPT count=2", "2   0       -     -        agent-partition agent=127.0.71.2",
	}
	if diff := cmp.Diff(want, do("list")); diff != "" {
		t.Error(diff)
	}
	agents := do("agents")
	if len(agents) != 3 || !strings.HasSuffix(agents[1], "registered") || !strings.HasSuffix(agents[2], "partitioned") {
		t.Error(agents)
	}
	var listed []fault.Active
	if err := json.Unmarshal([]byte(strings.Join(do("list", "--json"), "\n")), &listed); err != nil || len(listed) != 2 || listed[1].Agent != "127.0.71.2" {
		t.Error(listed, err)
	}
	if got := do("clear", "2"); !cmp.Equal(got, []string{"2: agent-partition agent=127.0.71.2"}) {
		t.Error(got)
	}
	if got := do("clear"); !cmp.Equal(got, []string{"1: call-lost-after call=ACCEPT count=2"}) {
		t.Error(got)
	}
	got := runHere(t, nil, "sandbox", "fault", "agent-kill", "2", "--master", c.MasterAddress())
	if got.Code != exitError || len(got.Stderr) != 1 || !strings.HasPrefix(got.Stderr[0], `quobyte-mesos: fault agent-kill: agent "2": there is none; there are 0 = 127.0.71.1 = `) {
		t.Error(got)
	}
}
