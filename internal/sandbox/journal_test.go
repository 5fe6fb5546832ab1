package sandbox_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox"
	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

// journaled runs a task in a sandbox, loses an update of it and kills the agent.
func journaled(t *testing.T, cfg sandbox.Config) {
	t.Helper()
	s, err := sandbox.Start(deadline(t), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	c := newClient(t, s.MasterAddress(), protobufCodec())
	c.subscribe()
	c.launch(c.offer(), shell("t1", "sleep 1000"))
	c.running("t1")
	inject(t, s, fault.Fault{Kind: fault.AgentKill, Agent: "0"})
	if _, err := s.ClearFaults(); err != nil {
		t.Fatal(err)
	}
}

func TestJournal(t *testing.T) {
	var out bytes.Buffer
	cfg := oneAgent(filepath.Join(t.TempDir(), "agent"))
	cfg.AllocationInterval, cfg.Journal = 20*time.Millisecond, &out
	journaled(t, cfg)

	var told []string
	var last time.Time
	for text := range strings.Lines(out.String()) {
		var l sandbox.JournalLine
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		if l.At.IsZero() || l.Kind == "" || l.Name == "" && l.Kind != "lost" {
			t.Errorf("incomplete: %s", text)
		}
		if l.Kind != "fault" && l.Kind != "fault-end" {
			if l.At.Before(last) {
				t.Errorf("earlier than the line before: %s", text)
			}
			last = l.At
		}
		var body struct{ Type string }
		_ = json.Unmarshal(l.Body, &body) // others have no type
		told = append(told, strings.TrimSpace(l.Kind+" "+l.Name+" "+body.Type))
	}
	want := []string{ // among others, in this order
		"input AddAgent", "answer AddAgent", "input Subscribe SUBSCRIBE", "answer Subscribe",
		"effect SendToScheduler SUBSCRIBED", "effect SendToScheduler OFFERS", "input Call ACCEPT", "answer Call",
		"effect StartProcess", "input ProcessStarted", "effect SendToScheduler UPDATE", "fault agent-kill", "input KillAgent",
		"input StartAgent", "fault-end agent-kill",
	}
	rest := told
	for _, line := range want {
		i := slices.Index(rest, line)
		if i < 0 {
			t.Fatalf("no %q, or not in this order, in\n%s", line, strings.Join(told, "\n"))
		}
		rest = rest[i+1:]
	}
}

type fullDisk struct{ written int }

func (d *fullDisk) Write([]byte) (int, error) {
	d.written++
	return 0, errors.New("no space left on device")
}

// A journal that can't be written ends, is told of once, and nothing else is harmed.
func TestJournalThatCannotBeWritten(t *testing.T) {
	var log bytes.Buffer
	disk := &fullDisk{}
	cfg := oneAgent(filepath.Join(t.TempDir(), "agent"))
	cfg.AllocationInterval, cfg.Journal = 20*time.Millisecond, disk
	cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
	journaled(t, cfg)
	if disk.written != 1 || strings.Count(log.String(), "no space left") != 1 {
		t.Errorf("written to %d times, log: %s", disk.written, log.String())
	}
}
