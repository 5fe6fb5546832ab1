package engine

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// Who reads the log afterwards must see what a command was about.
func TestTheLogTellsWhatAVerbIsAbout(t *testing.T) {
	for want, v := range map[string]machine.Verb{
		`msg=operator verb=kill-task task=t-1 actor=ann reason=""`: {Kind: machine.KillTask, Task: "t-1", Actor: "ann"},
		`msg=operator verb=restart plan=deploy phase=data step=data-0:[server] force=true actor=ann reason=why`: {
			Kind: machine.Restart, Plan: "deploy", Phase: "data", Step: "data-0:[server]", Force: true, Actor: "ann", Reason: "why",
		},
		`msg=operator verb=release host=h1 claim=c1 actor=ann reason=why`: {Kind: machine.ReleaseLeftover, Host: "h1", Claim: "c1", Actor: "ann", Reason: "why"},
	} {
		var out strings.Builder
		logEvent(slog.New(slog.NewTextHandler(&out, nil)), v)
		if !strings.HasSuffix(out.String(), want+"\n") {
			t.Errorf("%s, want %s", out.String(), want)
		}
	}
}
