package plans

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	gocmp "github.com/google/go-cmp/cmp"
)

// TestStories runs the transcripts under testdata. Rewrite them with
//
//	go test ./plans -run TestStories -rewrite
//
// and read the difference: each changed line is a changed promise.
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/stories", func(t *testing.T, path string) {
		s := newStory(t)
		datadriven.RunTest(t, path, s.handle)
	})
}

// story is some plans over the same pods, and what became of them so far. It does what a caller does: it records runs and completions, and
// begins candidates when it is told to. Each command that changes something answers with the elements that now show something else, the
// steps that may begin, and what is asked.
type story struct {
	t     *testing.T
	plans []Input
	world Ledger
	now   time.Time
	shown map[string]string // what each element showed last
}

func newStory(t *testing.T) *story {
	return &story{t: t, now: clock(t, "10:00:00"), shown: map[string]string{}}
}

func (s *story) handle(t *testing.T, d *datadriven.TestData) string {
	commands := map[string]func(*datadriven.TestData) string{
		"define":  s.define,
		"pods":    s.pods,
		"run":     s.run,
		"freeze":  s.freeze,
		"observe": s.observe,
		"launch":  s.launch,
		"ready":   s.ready,
		"gate":    s.gate,
		"at":      s.at,
		"close":   s.close,
		"tree":    s.tree,
		"errors":  s.errors,
		"facts":   s.facts,
		"diff":    s.diff,
	}
	if command, ok := commands[d.Cmd]; ok {
		return command(d)
	}
	return s.say(d)
}

// define replaces or adds plans; steps keep what was observed of them. Example:
//
//	define
//	plan deploy serial attempts=3
//	phase probe parallel open
//	  launch prober-0 host=h1
//	  wait members
//	phase client parallel-canary after=api,webconsole gated settle=20s batch=4 grow
//	  launch client-0 rank=1 after=client-1
func (s *story) define(d *datadriven.TestData) string {
	for _, def := range parseDefinitions(s.t, d.Input) {
		i := slices.IndexFunc(s.plans, func(in Input) bool { return in.Definition.Name == def.Name })
		if i < 0 {
			i = len(s.plans)
			s.plans = append(s.plans, Input{})
		}
		in := &s.plans[i]
		old := *in
		in.Definition, in.Observations = def, nil
		for _, p := range def.Phases {
			observations := make([]Observation, len(p.Steps))
			for j, step := range p.Steps {
				if o := find(&old, step.Name); o != nil {
					observations[j] = *o
				}
				observations[j].Host = step.Host
			}
			in.Observations = append(in.Observations, observations)
		}
		if err := def.Validate(); err != nil {
			return err.Error()
		}
	}
	return s.changes()
}

func parseDefinitions(t *testing.T, text string) []Definition {
	var defs []Definition
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		has := func(word string) bool { return slices.Contains(words, word) }
		switch words[0] {
		case "plan":
			defs = append(defs, Definition{
				Service: "quobyte", Name: words[1], Strategy: Strategy(words[2]), Manual: has("manual"), Repair: has("repair"), Policy: parsePolicy(t, words),
			})
		case "phase":
			def := &defs[len(defs)-1]
			p := Phase{
				Name: words[1], Strategy: Strategy(words[2]), Open: has("open"), Optional: has("optional"), Gated: has("gated"),
				Canaries: number(t, words, "canaries"), Settle: interval(t, words, "settle"), Policy: parsePolicy(t, words),
				Batch: Batch{Max: number(t, words, "batch"), Grow: has("grow")},
			}
			if after, ok := value(words, "after"); ok {
				p.After = strings.FieldsFunc(after, func(r rune) bool { return r == ',' })
			}
			def.Phases = append(def.Phases, p)
		default:
			def := &defs[len(defs)-1]
			phase := &def.Phases[len(def.Phases)-1]
			phase.Steps = append(phase.Steps, parseStep(t, words))
		}
	}
	return defs
}

func parseDefinition(t *testing.T, text string) Definition { return parseDefinitions(t, text)[0] }

func parseStep(t *testing.T, words []string) Step {
	step := Step{Name: words[1], Kind: Kind(words[0]), Rank: number(t, words, "rank")}
	if !slices.Contains(Kinds, step.Kind) {
		t.Fatalf("definition: kind %q is unknown", words[0])
	}
	if step.Kind == Launch || step.Kind == Stop {
		step.Pod, _, _ = strings.Cut(step.Name, ":")
	}
	if pod, ok := value(words, "pod"); ok {
		step.Pod = pod
	}
	step.Host, _ = value(words, "host")
	if after, ok := value(words, "after"); ok {
		step.After = strings.Split(after, ",")
	}
	for _, w := range words {
		if setting, ok := strings.CutPrefix(w, "set:"); ok {
			name, v, _ := strings.Cut(setting, "=")
			step.Settings = append(step.Settings, Setting{Name: name, Value: v})
		}
	}
	return step
}

func parsePolicy(t *testing.T, words []string) Policy {
	return Policy{
		Attempts: number(t, words, "attempts"), Tolerate: number(t, words, "tolerate"), StepDeadline: interval(t, words, "step-deadline"),
		Deadline: interval(t, words, "deadline"), GatePatience: interval(t, words, "gate-patience"),
	}
}

// value returns what follows "name=" in one of the words.
func value(words []string, name string) (string, bool) {
	for _, w := range words {
		if v, ok := strings.CutPrefix(w, name+"="); ok {
			return v, true
		}
	}
	return "", false
}

func number(t *testing.T, words []string, name string) int {
	v, ok := value(words, name)
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func interval(t *testing.T, words []string, name string) time.Duration {
	v, ok := value(words, name)
	if !ok {
		return 0
	}
	d, err := time.ParseDuration(v)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// pods fills the ledger. Example:
//
//	pods
//	budget registry max=1 quorum
//	budget data max=50% per-domain=1
//	registry-0 registry
//	data-0 data rack-1 down
func (s *story) pods(d *datadriven.TestData) string {
	amount := func(text string) Amount {
		a, err := ParseAmount(text)
		if err != nil {
			d.Fatalf(s.t, "%v", err)
		}
		return a
	}
	s.world = Ledger{SettledAt: s.world.SettledAt}
	for line := range strings.Lines(d.Input) {
		words := strings.Fields(line)
		if words[0] == "budget" {
			most, _ := value(words, "max")
			b := Budget{PodType: words[1], MaxUnavailable: amount(most), Quorum: slices.Contains(words, "quorum")}
			if per, ok := value(words, "per-domain"); ok {
				a := amount(per)
				b.PerDomain = &a
			}
			s.world.Budgets = append(s.world.Budgets, b)
			continue
		}
		p := PodState{Name: words[0], Type: words[1]}
		for _, w := range words[2:] {
			if w == "down" {
				p.Down, p.Since = true, s.now
				continue
			}
			p.Domain = w
		}
		s.world.Pods = append(s.world.Pods, p)
	}
	slices.SortFunc(s.world.Pods, func(a, b PodState) int { return cmp.Compare(a.Name, b.Name) })
	return s.changes()
}

// plan returns the plan that the command is about: the first, or that of plan=NAME.
func (s *story) plan(d *datadriven.TestData) *Input {
	for _, arg := range d.CmdArgs {
		if arg.Key == "plan" {
			i := slices.IndexFunc(s.plans, func(in Input) bool { return in.Definition.Name == arg.Vals[0] })
			return &s.plans[i]
		}
	}
	return &s.plans[0]
}

// run begins a run: "run target=t2 by=alice reason=(new release)". One that works is superseded. Members are frozen unless it says
// "discovering".
func (s *story) run(d *datadriven.TestData) string {
	in := s.plan(d)
	b := Beginning{Target: "t1", Actor: "framework", Frozen: true, Now: s.now}
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "target":
			b.Target = arg.Vals[0]
		case "by":
			b.Actor = arg.Vals[0]
		case "provenance":
			b.Provenance = arg.Vals[0]
		case "reason":
			b.Reason = strings.Join(arg.Vals, ",")
		case "discovering":
			b.Frozen = false
		}
	}
	var ended *Run
	in.Run, ended = Start(in.Run, b)
	s.end(in, ended)
	s.renew(in)
	return s.changes()
}

// renew forgets what is known of steps in an earlier run, as a caller does whose records name the run.
func (s *story) renew(in *Input) {
	for i := range in.Observations {
		for j := range in.Observations[i] {
			o := &in.Observations[i][j]
			o.BegunAt, o.TriedAt, o.Attempts = time.Time{}, time.Time{}, 0
		}
	}
}

func (s *story) end(in *Input, ended *Run) {
	if ended != nil {
		in.Past = Archive(in.Past, *ended)
	}
}

func (s *story) freeze(d *datadriven.TestData) string {
	in := s.plan(d)
	in.Run = Freeze(in.Run, s.now)
	return s.changes()
}

// observe tells what is known about steps: status, what else is so, and reasons as code: text. Example:
//
//	observe
//	registry-0 STARTED | unhealthy: no majority
//	registry-1 DELAYED until=10:01:00 attempts=2
//	data-0 PENDING running fits rank=1
//	data-1 PENDING | error! device is on fire
func (s *story) observe(d *datadriven.TestData) string {
	for line := range strings.Lines(d.Input) {
		head, reason, _ := strings.Cut(strings.TrimSpace(line), " | ")
		words := strings.Fields(head)
		for k := range s.plans {
			if at := find(&s.plans[k], words[0]); at != nil {
				s.observeStep(d, at, words, reason)
			}
		}
	}
	return s.changes()
}

func (s *story) observeStep(d *datadriven.TestData, at *Observation, words []string, reason string) {
	has := func(word string) bool { return slices.Contains(words, word) }
	o := Observation{
		Since: s.now, Host: at.Host, BegunAt: at.BegunAt, TriedAt: at.TriedAt, Done: at.Done, Attempts: at.Attempts,
		Running: has("running"), Stopped: has("stopped"), Newcomer: has("newcomer"), Rank: number(s.t, words, "rank"),
	}
	if err := o.Status.UnmarshalText([]byte(words[1])); err != nil {
		d.Fatalf(s.t, "%v", err)
	}
	if until, ok := value(words, "until"); ok {
		o.Until = clock(s.t, until)
	}
	if _, ok := value(words, "attempts"); ok {
		o.Attempts = number(s.t, words, "attempts")
	}
	switch {
	case has("fits"):
		o.Fit = Fits
	case has("fits-not"):
		o.Fit = FitsNot
	}
	if text, ok := strings.CutPrefix(reason, "error! "); ok {
		o.Errors = []string{text}
	} else if reason != "" {
		code, text, _ := strings.Cut(reason, ": ")
		o.Holds = []Hold{{Code: Code(code), Text: text, Since: s.now}}
	}
	*at = o
}

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

// launch begins all candidates: running pods are stopped, others are STARTING from then on. The same pod is seen alike by all plans.
func (s *story) launch(*datadriven.TestData) string {
	for k, e := range s.evaluate() {
		in := &s.plans[k]
		for _, c := range e.Candidates {
			o := &in.Observations[c.Phase][c.Step]
			begun := o.BegunAt
			if begun.IsZero() {
				begun = s.now
			}
			next := Observation{Status: Starting, Since: s.now, BegunAt: begun, TriedAt: s.now, Attempts: o.Attempts, Done: o.Done, Host: o.Host, Plan: in.Definition.Name}
			next.Stopped = o.Stopped
			if c.Stops {
				next.Status, next.Stopped = Pending, true
			}
			*o = next
			step := &in.Definition.Phases[c.Phase].Steps[c.Step]
			if p := s.world.pod(step.Pod); p != nil && step.Pod != "" {
				p.Down, p.Since = true, s.now
				if c.Stops {
					p.By = in.Definition.Name
				}
			}
		}
	}
	return s.changes()
}

// ready says that pods are ready: "ready data-0 data-1".
func (s *story) ready(d *datadriven.TestData) string {
	for _, arg := range d.CmdArgs {
		for k := range s.plans {
			o := find(&s.plans[k], arg.Key)
			if o == nil {
				continue
			}
			if o.Stopped {
				o.Status, o.Ready = Started, s.now
			} else {
				o.Status, o.Ready = Complete, time.Time{}
			}
			o.Since = s.now
			o.Running, o.Holds = false, nil
		}
	}
	return s.changes()
}

// gate answers what was asked: "gate open data-0 data-1", "gate closed registry-1 text=(catching up)".
func (s *story) gate(d *datadriven.TestData) string {
	v := Verdict{AskedAt: s.now, Since: s.now}
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "open":
			v.Gate = GateOpen
		case "closed":
			v.Gate = GateClosed
		case "unknown":
			v.Gate = GateUnknown
		case "text":
			v.Text = strings.Join(arg.Vals, ",")
		case "code":
			v.Code = arg.Vals[0]
		default:
			v.Pods = append(v.Pods, arg.Key)
		}
	}
	for k := range s.plans {
		in := &s.plans[k]
		in.Verdicts = slices.DeleteFunc(in.Verdicts, func(old Verdict) bool {
			if sameSet(old.Pods, v.Pods) && old.Gate == v.Gate {
				v.Since = old.Since
			}
			return sameSet(old.Pods, v.Pods)
		})
		in.Verdicts = append(in.Verdicts, v)
	}
	return s.changes()
}

// at sets the clock: "at 10:00:05".
func (s *story) at(d *datadriven.TestData) string {
	s.now = clock(s.t, d.CmdArgs[0].String())
	return s.changes()
}

// say gives a verb: "pause data", "pause data data-0 when=after-steps reason=(swap disks) by=bob", "restart plan=deploy", "except
// pod=data-3".
func (s *story) say(d *datadriven.TestData) string {
	in := s.plan(d)
	v := Verb{Kind: VerbKind(d.Cmd), Plan: in.Definition.Name, Actor: "alice@host", Values: map[string]string{}}
	var path []string
	for _, arg := range d.CmdArgs {
		switch arg.Key {
		case "plan":
		case "reason":
			v.Reason = strings.Join(arg.Vals, ",")
		case "by":
			v.Actor = arg.Vals[0]
		case "when":
			v.When = When(arg.Vals[0])
		case "pod":
			v.Pod = arg.Vals[0]
		case "force":
			v.Force = true
		case "revision":
			v.Revision = arg.Vals[0]
		default:
			if len(arg.Vals) > 0 {
				v.Values[arg.Key] = arg.Vals[0]
				continue
			}
			path = append(path, arg.Key)
		}
	}
	if len(path) > 0 {
		v.Phase = path[0]
	}
	if len(path) > 1 {
		v.Step = path[1]
	}
	asked := *in
	asked.Now, asked.Ledger = s.now, s.world
	r := Apply(asked, v)
	s.record(in, r)
	return fmt.Sprintf("%s: %s\n%s", r.Code, r.Text, s.changes())
}

// record does what a reply says. Facts about pods are everybody's.
func (s *story) record(in *Input, r Reply) {
	for k := range s.plans {
		p := &s.plans[k]
		p.Facts = slices.DeleteFunc(slices.Clone(p.Facts), func(f Fact) bool {
			return slices.ContainsFunc(r.Delete, func(g Fact) bool { return gocmp.Equal(f, g) })
		})
		p.Facts = append(p.Facts, r.Put...)
	}
	if r.Run.Number != in.Run.Number {
		s.renew(in)
	}
	in.Run = r.Run
	s.end(in, r.Ended)
}

// close says that no more steps will join a phase: "close probe".
func (s *story) close(d *datadriven.TestData) string {
	in := s.plan(d)
	in.Definition.Phases = slices.Clone(in.Definition.Phases)
	for i := range in.Definition.Phases {
		if in.Definition.Phases[i].Name == d.CmdArgs[len(d.CmdArgs)-1].Key {
			in.Definition.Phases[i].Open = false
		}
	}
	return s.changes()
}

// errors shows the errors of the first plan.
func (s *story) errors(*datadriven.TestData) string {
	return strings.Join(s.evaluate()[0].View.Errors, "\n")
}

// facts shows what is kept of what operators said.
func (s *story) facts(*datadriven.TestData) string {
	var b strings.Builder
	for _, f := range s.plans[0].Facts {
		fmt.Fprintf(&b, "%s", f.Kind)
		for _, word := range []string{string(f.When), f.Phase, f.Step, f.Pod, strings.Join(f.Steps, "+")} {
			if word != "" {
				b.WriteString(" " + word)
			}
		}
		if f.All {
			b.WriteString(" all")
		}
		if f.Run != 0 {
			fmt.Fprintf(&b, " (run %d)", f.Run)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// diff shows what another definition of the first plan would change.
func (s *story) diff(d *datadriven.TestData) string {
	var b strings.Builder
	for _, c := range Diff(s.plans[0].Definition, parseDefinition(s.t, d.Input)) {
		b.WriteString(c.String() + "\n")
	}
	return b.String()
}

// evaluate evaluates all plans together, without recording anything.
func (s *story) evaluate() []Evaluation {
	ins := slices.Clone(s.plans)
	for k := range ins {
		ins[k].Now = s.now
	}
	return Coordinate(s.world, ins)
}

// settle evaluates and records until nothing is new.
func (s *story) settle() []Evaluation {
	for {
		all := s.evaluate()
		changed := false
		for k, e := range all {
			in := &s.plans[k]
			changed = changed || !gocmp.Equal(in.Run, e.Run) || len(e.Completed) > 0
			if e.Run.Ended() && !in.Run.Ended() {
				s.end(in, &e.Run)
			}
			in.Run = e.Run
			for _, c := range e.Completed {
				o := &in.Observations[c.Phase][c.Step]
				o.Done = Mark{Run: e.Run.Number, At: s.now}
				if o.Stopped {
					s.world.SettledAt, o.Stopped, o.Status = s.now, false, Complete
				}
				if p := s.world.pod(in.Definition.Phases[c.Phase].Steps[c.Step].Pod); p != nil {
					p.Down, p.By = false, ""
				}
			}
		}
		if !changed {
			return all
		}
	}
}

// tree shows all.
func (s *story) tree(*datadriven.TestData) string {
	var b strings.Builder
	line := func(indent int, name, what string, since time.Time) {
		at := ""
		if !since.IsZero() {
			at = since.Format("15:04:05")
		}
		fmt.Fprintf(&b, "%-8s  %s%s  %s\n", at, strings.Repeat("  ", indent), name, what)
	}
	for _, e := range s.evaluate() {
		v := e.View
		line(0, v.Name, fmt.Sprintf("%s (%d of %d)", parentShows(v.Status, v.Holds), v.StepsDone, v.StepsTotal), v.Since)
		for _, p := range v.Phases {
			line(1, p.Name, parentShows(p.Status, p.Holds), p.Since)
			for _, step := range p.Steps {
				line(2, step.Name, stepShows(step), step.Since)
			}
		}
	}
	return b.String()
}

// changes evaluates the plans, records what is to be recorded, and shows what has changed, what may begin and what is asked.
func (s *story) changes() string {
	all := s.settle()
	now := map[string]string{}
	var b strings.Builder
	show := func(plan, indent, name, what string) {
		key := plan + indent + name
		now[key] = what
		if s.shown[key] != what {
			fmt.Fprintf(&b, "%s%s  %s\n", indent, name, what)
		}
	}
	for _, e := range all {
		v := e.View
		show(v.Name, "", v.Name, parentShows(v.Status, v.Holds))
		for _, p := range v.Phases {
			show(v.Name, "  ", p.Name, parentShows(p.Status, p.Holds))
			for _, step := range p.Steps {
				show(v.Name+"/"+p.Name, "    ", step.Name, stepShows(step))
			}
		}
	}
	s.shown = now
	for k, e := range all {
		of := ""
		if len(all) > 1 {
			of = " in " + e.View.Name
		}
		fmt.Fprintf(&b, "may begin%s: %s\n", of, candidateNames(s.plans[k].Definition, e.Candidates))
		for _, q := range e.Questions {
			fmt.Fprintf(&b, "asks%s: %s\n", of, questionShows(q))
		}
		if len(e.HandedOver) > 0 {
			fmt.Fprintf(&b, "hands over%s: %s\n", of, strings.Join(e.HandedOver, ", "))
		}
	}
	return b.String()
}

func questionShows(q Question) string {
	var what []string
	if q.Fit {
		what = append(what, "do they fit")
	}
	if q.Gate {
		what = append(what, "may they be stopped")
	}
	return strings.Join(q.Pods, ", ") + ": " + strings.Join(what, ", ")
}

func candidateNames(def Definition, candidates []Candidate) string {
	if len(candidates) == 0 {
		return "nothing"
	}
	var names []string
	for _, c := range candidates {
		name := def.Phases[c.Phase].Steps[c.Step].Name
		if c.Stops {
			name += " (stops it)"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// parentShows is the status of a phase or plan with all its reasons, and how many elements have each.
func parentShows(status Status, holds []Hold) string {
	text := status.String()
	for _, h := range holds {
		code := string(h.Code)
		if h.Count > 1 {
			code += fmt.Sprintf(" ×%d", h.Count)
		}
		text += fmt.Sprintf(" [%s: %s]", code, h.Text)
	}
	return text
}

// stepShows is the message of a step with those reasons that it leaves out, and what operators said of it.
func stepShows(v StepView) string {
	text := v.Message
	for i, h := range v.Holds {
		if i > 0 {
			text += fmt.Sprintf(" [%s: %s]", h.Code, h.Text)
		}
	}
	for _, f := range v.Facts {
		if f.Kind != Paused {
			text += fmt.Sprintf(" (%s by %s)", f.Kind, f.Actor)
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
