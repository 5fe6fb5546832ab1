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

// TestRepeat: what came in, once more, brings the same out of another cluster, in whatever story.
func TestRepeat(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		s := newStory()
		s.idle = func() { s.entries = append(s.entries, cluster.Entry{At: s.now, Kind: cluster.Input, Name: "Tick"}) }
		var original, twin *cluster.Cluster
		var came []cluster.Entry // out of the twin
		repeated := 0
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.out.Reset()
			if original != s.c {
				original, twin = s.c, s.twin(&came)
			}
			if err := s.run(d); err != nil {
				fmt.Fprintf(&s.out, "error: %v\n", err)
			}
			if original != s.c {
				original, twin = s.c, s.twin(&came)
			}
			went := s.entries
			s.entries = nil
			for len(went) > 0 {
				input := went[0]
				n := 1
				for n < len(went) && went[n].Kind != cluster.Input {
					n++
				}
				came = nil
				if err := twin.Repeat(input); err != nil {
					t.Fatal(err)
				}
				if n == 1 && len(came) == 0 {
					came = went[:1] // an idle Tick
				}
				if got, want := s.entriesText(came), s.entriesText(went[:n]); got != want {
					t.Fatalf("%s: once more:\n%s\nand before:\n%s", d.Pos, got, want)
				}
				went = went[n:]
				repeated++
			}
			return d.Expected // another test looks at it
		})
		if repeated == 0 {
			t.Error("nothing was repeated of this story")
		}
	})
}

// twin is another cluster that is as this one was in the beginning.
func (s *story) twin(journal *[]cluster.Entry) *cluster.Cluster {
	cfg, ids := s.cfg, 0
	cfg.NewID = func() [16]byte {
		ids++
		return s.given[ids-1]
	}
	cfg.Journal = func(e cluster.Entry) { *journal = append(*journal, e) }
	return cluster.New(s.now, cfg)
}

func (s *story) entriesText(entries []cluster.Entry) string {
	var text strings.Builder
	for _, e := range entries {
		fmt.Fprintf(&text, "%s %s\n", e.At.Sub(epoch), s.entryText(e))
	}
	return text.String()
}

func TestRepeatRefuses(t *testing.T) {
	c := cluster.New(epoch, cluster.Config{MasterID: "M", NewID: func() (id [16]byte) { return id }})
	for _, test := range []struct {
		entry cluster.Entry
		want  string
	}{
		{cluster.Entry{Kind: cluster.Answered, Name: "Call"}, "entry of kind answer: must be an input"},
		{cluster.Entry{Kind: cluster.Input, Name: "Explode"}, `input "Explode": there is none of that name`},
		{cluster.Entry{Kind: cluster.Input, Name: "Call", About: 7}, "input Call: is about something else than inputs of this name are"},
		{cluster.Entry{Kind: cluster.Input, Name: "AddAgent"}, "input AddAgent: is about something else than inputs of this name are"},
	} {
		if err := c.Repeat(test.entry); err == nil || err.Error() != test.want {
			t.Errorf("%+v: %v, want %s", test.entry, err, test.want)
		}
	}
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
