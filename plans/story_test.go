package plans

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/google/go-cmp/cmp"
)

// TestStories runs the transcripts under testdata. Rewrite them with
//
//	go test ./plans -run TestStories -rewrite
//
// and read the difference: each changed line is a changed promise.
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		s := &story{t: t, in: Input{Now: clock(t, "10:00:00")}}
		datadriven.RunTest(t, path, s.handle)
	})
}

// story is a plan and what became of it so far. Each command that changes something answers with the elements that now show
// something else, and with the steps that may begin.
type story struct {
	t     *testing.T
	in    Input
	shown map[string]string // what each element showed last
}

func (s *story) handle(t *testing.T, d *datadriven.TestData) string {
	commands := map[string]func(*datadriven.TestData) string{
		"define":   s.define,
		"observe":  s.observe,
		"launch":   s.launch,
		"at":       s.at,
		"pause":    s.pause,
		"continue": s.proceed,
		"close":    s.close,
		"tree":     s.tree,
		"errors":   s.errors,
	}
	command, ok := commands[d.Cmd]
	if !ok {
		d.Fatalf(t, "command %q is unknown", d.Cmd)
	}
	return command(d)
}

// define replaces the plan; steps keep what was observed of them. Example:
//
//	define
//	plan deploy serial
//	phase probe parallel open
//	  launch prober-0 host=h1
//	  wait members
//	phase client parallel after=api,webconsole
func (s *story) define(d *datadriven.TestData) string {
	old := s.in
	s.in.Definition = parseDefinition(s.t, d.Input)
	s.in.Observations = nil
	for _, p := range s.in.Definition.Phases {
		s.in.Observations = append(s.in.Observations, make([]Observation, len(p.Steps)))
		for j, step := range p.Steps {
			if o := find(&old, step.Name); o != nil {
				*s.find(step.Name) = *o
			}
			s.in.Observations[len(s.in.Observations)-1][j].Host = step.Host
		}
	}
	if err := s.in.Definition.Validate(); err != nil {
		return err.Error()
	}
	return s.changes()
}

func parseDefinition(t *testing.T, text string) Definition {
	def := Definition{Service: "quobyte"}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		last := len(def.Phases) - 1
		switch words[0] {
		case "plan":
			def.Name, def.Strategy = words[1], Strategy(words[2])
		case "phase":
			p := Phase{Name: words[1], Strategy: Strategy(words[2])}
			for _, w := range words[3:] {
				if after, ok := strings.CutPrefix(w, "after="); ok {
					p.After = strings.FieldsFunc(after, func(r rune) bool { return r == ',' })
				}
				p.Open = p.Open || w == "open"
			}
			def.Phases = append(def.Phases, p)
		case "launch", "wait":
			step := Step{Name: words[1], Kind: Kind(words[0])}
			if step.Kind == Launch {
				step.Pod, _, _ = strings.Cut(step.Name, ":")
			}
			if len(words) > 2 {
				step.Host = strings.TrimPrefix(words[2], "host=")
			}
			def.Phases[last].Steps = append(def.Phases[last].Steps, step)
		default:
			t.Fatalf("definition: line %q is unknown", line)
		}
	}
	return def
}

// observe tells what is known about steps: status, for DELAYED until when, and reasons as code: text. Example:
//
//	observe
//	registry-0 STARTED | unhealthy: no majority
//	registry-1 DELAYED until=10:01:00
//	data-0 PENDING | error! device is on fire
func (s *story) observe(d *datadriven.TestData) string {
	for line := range strings.Lines(d.Input) {
		head, reason, _ := strings.Cut(strings.TrimSpace(line), " | ")
		words := strings.Fields(head)
		var o Observation
		if err := o.Status.UnmarshalText([]byte(words[1])); err != nil {
			d.Fatalf(s.t, "%v", err)
		}
		o.Since = s.in.Now
		for _, w := range words[2:] {
			o.Until = clock(s.t, strings.TrimPrefix(w, "until="))
		}
		if text, ok := strings.CutPrefix(reason, "error! "); ok {
			o.Errors = []string{text}
		} else if reason != "" {
			code, text, _ := strings.Cut(reason, ": ")
			o.Holds = []Hold{{Code: Code(code), Text: text, Since: s.in.Now}}
		}
		at := s.find(words[0])
		if at == nil {
			d.Fatalf(s.t, "step %q is unknown", words[0])
		}
		*at = o
	}
	return s.changes()
}

// find returns the observation of the step.
func (s *story) find(step string) *Observation { return find(&s.in, step) }

func find(in *Input, step string) *Observation {
	for i, p := range in.Definition.Phases {
		for j := range p.Steps {
			if p.Steps[j].Name == step {
				return &in.Observations[i][j]
			}
		}
	}
	return nil
}

// launch begins all candidates: they are STARTING from then on.
func (s *story) launch(*datadriven.TestData) string {
	for _, c := range Evaluate(s.in).Candidates {
		s.in.Observations[c.Phase][c.Step] = Observation{Status: Starting, Since: s.in.Now}
	}
	return s.changes()
}

// at sets the clock: "at 10:00:05".
func (s *story) at(d *datadriven.TestData) string {
	s.in.Now = clock(s.t, d.CmdArgs[0].String())
	return s.changes()
}

// pause pauses the plan or a phase: "pause data reason=(swap disks)".
func (s *story) pause(d *datadriven.TestData) string {
	f := Fact{Kind: Paused, Plan: s.in.Definition.Name, Actor: "alice@host", At: s.in.Now}
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "reason":
			f.Reason = strings.Join(arg.Vals, ",")
		case "by":
			f.Actor = arg.Vals[0]
		default:
			f.Phase = arg.Key
		}
	}
	s.in.Facts = append(s.in.Facts, f)
	return s.changes()
}

// proceed takes back a pause: "continue data".
func (s *story) proceed(d *datadriven.TestData) string {
	phase := ""
	if len(d.CmdArgs) > 0 {
		phase = d.CmdArgs[0].Key
	}
	s.in.Facts = slices.DeleteFunc(s.in.Facts, func(f Fact) bool { return f.Phase == phase })
	return s.changes()
}

// close says that no more steps will join a phase: "close probe".
func (s *story) close(d *datadriven.TestData) string {
	s.in.Definition.Phases = slices.Clone(s.in.Definition.Phases)
	s.in.Definition.Phases[s.in.Definition.phaseIndex(d.CmdArgs[0].Key)].Open = false
	return s.changes()
}

// errors shows the errors of the plan.
func (s *story) errors(*datadriven.TestData) string {
	return strings.Join(Evaluate(s.in).View.Errors, "\n")
}

// tree shows all.
func (s *story) tree(*datadriven.TestData) string {
	v := Evaluate(s.in).View
	var b strings.Builder
	line := func(indent int, name, what string, since time.Time) {
		at := ""
		if !since.IsZero() {
			at = since.Format("15:04:05")
		}
		fmt.Fprintf(&b, "%-8s  %s%s  %s\n", at, strings.Repeat("  ", indent), name, what)
	}
	line(0, v.Name, fmt.Sprintf("%s (%d of %d)", parentShows(v.Status, v.Holds), v.StepsDone, v.StepsTotal), v.Since)
	for _, p := range v.Phases {
		line(1, p.Name, parentShows(p.Status, p.Holds), p.Since)
		for _, step := range p.Steps {
			line(2, step.Name, stepShows(step), step.Since)
		}
	}
	return b.String()
}

// changes evaluates the plan, and shows what has changed and what may begin.
func (s *story) changes() string {
	e := Evaluate(s.in)
	now := map[string]string{}
	var b strings.Builder
	show := func(name, what string) {
		now[name] = what
		if s.shown[name] != what {
			fmt.Fprintf(&b, "%s  %s\n", name, what)
		}
	}
	show(e.View.Name, parentShows(e.View.Status, e.View.Holds))
	for _, p := range e.View.Phases {
		show("  "+p.Name, parentShows(p.Status, p.Holds))
		for _, step := range p.Steps {
			show("    "+step.Name, stepShows(step))
		}
	}
	s.shown = now
	b.WriteString("may begin: " + candidateNames(s.in.Definition, e.Candidates))
	return b.String()
}

func candidateNames(def Definition, candidates []Candidate) string {
	if len(candidates) == 0 {
		return "nothing"
	}
	var names []string
	for _, c := range candidates {
		names = append(names, def.Phases[c.Phase].Steps[c.Step].Name)
	}
	return strings.Join(names, ", ")
}

// parentShows is the status of a phase or plan with all its reasons.
func parentShows(status Status, holds []Hold) string {
	text := status.String()
	for _, h := range holds {
		text += fmt.Sprintf(" [%s: %s]", h.Code, h.Text)
	}
	return text
}

// stepShows is the message of a step with those reasons that it leaves out.
func stepShows(v StepView) string {
	text := v.Message
	for i, h := range v.Holds {
		if i > 0 {
			text += fmt.Sprintf(" [%s: %s]", h.Code, h.Text)
		}
	}
	return text
}

// clock is a time on the day on which all stories happen.
func clock(t testing.TB, hour string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateTime, "2026-11-23 "+hour)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestStoryAnswersAreWholeTrees guards the transcripts' own machinery: what a story shows as changes adds up to the tree.
func TestStoryAnswersAreWholeTrees(t *testing.T) {
	s := &story{t: t, in: Input{Definition: parseDefinition(t, "plan deploy serial\nphase a serial\nlaunch a-0")}}
	s.changes()
	want := map[string]string{"deploy": "PENDING", "  a": "PENDING", "    a-0": "PENDING"}
	if diff := cmp.Diff(want, s.shown); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}
