package cluster_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// journal shows what was written since it was last shown, with times since the story began.
func (s *story) journal(*datadriven.TestData) error {
	for _, e := range s.entries {
		fmt.Fprintf(&s.out, "%s %s\n", e.At.Sub(epoch), strings.TrimRight(short(s.entryText(e)), " \n"))
	}
	s.entries = nil
	return nil
}

func (s *story) entryText(e cluster.Entry) string {
	if e.Kind == cluster.Effected {
		return "effect " + s.describe(e.Effect)
	}
	text := strings.TrimSpace(fmt.Sprintf("%s %s", e.Kind, e.Name))
	for _, field := range []struct{ name, value string }{
		{"agent", e.Agent}, {"framework", e.Framework}, {"task", e.Task}, {"container", e.Container}, {"stream", e.Stream},
	} {
		if field.value != "" {
			text += fmt.Sprintf(" %s=%s", field.name, field.value)
		}
	}
	if e.Answer.Status != 0 {
		text += fmt.Sprintf(" %d %s", e.Answer.Status, e.Answer.Text)
	}
	if e.Problem != "" {
		text += ": " + e.Problem
	}
	switch about := e.About.(type) {
	case nil, cluster.AgentConfig:
	case *scheduler.Call:
		text += " " + about.GetType().String()
	case *executor.Call:
		text += " " + about.GetType().String()
	case *master.Call:
		text += " " + about.GetType().String()
	default:
		detail, _ := json.Marshal(about)
		text += " " + string(detail)
	}
	return text
}

// TestJournalHasEveryEffect: what the journal says came out is what came out, in whatever story.
func TestJournalHasEveryEffect(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		s := newStory()
		told := 0
		s.told = func(effects []cluster.Effect) {
			var journaled []cluster.Effect
			for _, e := range s.entries {
				if e.Kind == cluster.Effected {
					journaled = append(journaled, e.Effect)
				}
			}
			s.entries = nil
			told += len(effects)
			if got, want := fmt.Sprintf("%+v", journaled), fmt.Sprintf("%+v", effects); got != want {
				t.Errorf("effects in the journal:\n%s\nand those that came out:\n%s", got, want)
			}
		}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.out.Reset()
			if err := s.run(d); err != nil {
				fmt.Fprintf(&s.out, "error: %v\n", err)
			}
			return d.Expected // the other test looks at it
		})
		if told == 0 {
			t.Error("nothing came out of this story")
		}
	})
}

// TestNoJournalCostsNothing: what is only for the journal is not even made without one.
func TestNoJournalCostsNothing(t *testing.T) {
	c := cluster.New(epoch, cluster.Config{MasterID: "M", NewID: func() (id [16]byte) { return id }})
	call := &scheduler.Call{Type: scheduler.Call_REVIVE, FrameworkID: &mesos.FrameworkID{Value: "F"}}
	if made := testing.AllocsPerRun(100, func() {
		c.Call(epoch, "stream", call)
		c.Checked(epoch, "container", true, cluster.CheckResult{Problem: "timeout"})
		c.ProcessExited(epoch, "container", cluster.Exit{Status: 256})
		c.DelayAgent(epoch, "agent", time.Hour)
		c.Tick(epoch)
	}); made != 0 {
		t.Errorf("%v allocations", made)
	}
}
