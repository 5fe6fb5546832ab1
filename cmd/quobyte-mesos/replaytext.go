package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/cmd/internal/tree"
	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/recorder"
	"github.com/quobyte/mesos-framework/offers"
)

// replayText tells a replay to people: what came in, then with an arrow what was decided, then how the plans changed by it.
type replayText struct {
	out   io.Writer
	plans map[string]*tree.Lines
	err   error
}

func (r *replayText) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(r.out, format, args...); err != nil && r.err == nil {
		r.err = err
	}
}

// row prints a line below a decision. What comes from outside can't break it.
func (r *replayText) row(mark, word, text string) {
	r.printf("  %s\n", strings.TrimRight(fmt.Sprintf("%s %-9s %s", mark, word, tree.OneLine(text)), " "))
}

func (r *replayText) segment(file string, s recorder.Segment) error {
	r.plans = map[string]*tree.Lines{}
	how := "goes on"
	if s.Boot != nil {
		how = "framework started"
	}
	r.printf("%s  %s  %s, recorded by %s\n", s.At.Format(time.RFC3339Nano), file, how, tree.OneLine(s.Version))
	return r.err
}

func (r *replayText) decision(d recorder.Decision) error {
	r.printf("%s  decision %d\n", d.At.Format(time.RFC3339Nano), d.Number)
	for _, e := range d.Events {
		r.event(e.Event)
	}
	for _, g := range d.Effects.Groups {
		r.row("→", "commit", keysOf(g))
	}
	for _, c := range d.Effects.Calls {
		r.call(c.Call)
	}
	for _, a := range d.Effects.Answers {
		r.row("→", "answer", fmt.Sprintf("%s: %s", a.Code, a.Message))
	}
	if v := d.Effects.View; v != nil {
		for _, p := range v.Plans {
			if r.plans[p.Name] == nil {
				r.plans[p.Name] = &tree.Lines{}
			}
			for _, l := range r.plans[p.Name].Next(p, v.At) {
				_, l, _ = strings.Cut(l, "  ") // the decision has its time
				r.row(" ", p.Name, l)
			}
		}
	}
	return r.err
}

func keysOf(g machine.Group) string {
	var keys []string
	for _, p := range g.Puts {
		keys = append(keys, p.Key)
	}
	for _, k := range g.Deletes {
		keys = append(keys, "-"+k)
	}
	return strings.Join(keys, " ")
}

func (r *replayText) event(ev machine.Event) {
	switch e := ev.(type) {
	case machine.Subscribed:
		r.row("·", "subscribed", fmt.Sprintf("%s at %s", e.FrameworkID, e.Master.Address))
	case machine.Disconnected:
		r.row("·", "disconnected", e.Err)
	case machine.Offered:
		r.row("·", "offers", offersText(e.Offers))
	case machine.Rescinded:
		r.row("·", "rescinded", e.OfferID)
	case machine.Updated:
		r.row("·", "update", statusText(e.Status))
	case machine.Failure:
		r.row("·", "failure", failureText(e))
	case machine.CallFailed:
		r.row("·", "failed", fmt.Sprintf("%s: %s", machine.CallName(e.Call), e.Err))
	case machine.Verb:
		target := []string{string(e.Kind)}
		for _, part := range []string{e.Plan, e.Phase, e.Step, e.Pod, e.Task, string(e.When)} {
			if part != "" {
				target = append(target, part)
			}
		}
		r.row("·", "verb", fmt.Sprintf("%s, by %s: %s", strings.Join(target, " "), e.Actor, e.Reason))
	}
}

func failureText(f machine.Failure) string {
	text := "agent " + f.AgentID
	if f.ExecutorID != "" {
		text += ", executor " + f.ExecutorID
	}
	return fmt.Sprintf("%s, status %d", text, f.Status)
}

// manyOffers is how many offers are listed.
const manyOffers = 8

func offersText(all []offers.Offer) string {
	var hosts []string
	for _, o := range all[:min(len(all), manyOffers)] {
		hosts = append(hosts, o.Host)
	}
	text := fmt.Sprintf("%d from %s", len(all), strings.Join(hosts, ", "))
	if len(all) > manyOffers {
		text += ", …"
	}
	return text
}

func statusText(s machine.TaskStatus) string {
	text := fmt.Sprintf("%s %s by %s", s.TaskID, s.State, s.Source)
	for _, more := range []string{s.Reason, s.Message} {
		if more != "" {
			text += ", " + more
		}
	}
	if len(s.Data) > 0 {
		text += fmt.Sprintf(", %d bytes of data", len(s.Data))
	}
	return text
}

func (r *replayText) call(call machine.Call) {
	name := machine.CallName(call)
	switch c := call.(type) {
	case machine.Accept:
		for _, op := range c.Operations {
			r.row("→", name, operationText(op))
		}
	case machine.Decline:
		r.row("→", name, fmt.Sprintf("%d offers for %s", len(c.OfferIDs), c.Refuse))
	case machine.Kill:
		r.row("→", name, c.TaskID)
	case machine.Acknowledge:
		r.row("→", name, c.TaskID)
	case machine.Reconcile:
		what := fmt.Sprintf("%d tasks", len(c.Tasks))
		if len(c.Tasks) == 0 {
			what = "everything"
		}
		r.row("→", name, what)
	case machine.Message:
		r.row("→", name, fmt.Sprintf("to %s on %s, %d bytes", c.ExecutorID, c.AgentID, len(c.Data)))
	default:
		r.row("→", name, "")
	}
}

func operationText(op offers.Operation) string {
	switch op.Type {
	case offers.Launch:
		var tasks []string
		for _, t := range op.Tasks {
			tasks = append(tasks, fmt.Sprintf("%s on %s", t.ID, t.AgentID))
		}
		return "LAUNCH " + strings.Join(tasks, ", ")
	case offers.GrowVolume:
		return fmt.Sprintf("%s %s by %s", op.Type, op.Volume.String(), op.Addition.String())
	}
	return fmt.Sprintf("%s %s", op.Type, op.Resources.String())
}

func (r *replayText) state(s machine.Snapshot) error {
	for _, rec := range s.Records {
		r.printf("record %s %s\n", tree.OneLine(rec.Key), tree.OneLine(string(rec.Value)))
	}
	for _, p := range s.Volatile {
		r.printf("volatile %s %s\n", tree.OneLine(p.Name), tree.OneLine(string(p.Value)))
	}
	return r.err
}

func (r *replayText) end(o recorder.Outcome, failed error) error {
	if o.Segments == 0 {
		r.printf("nothing was replayed\n")
		return r.err
	}
	same := "all as recorded"
	if failed != nil {
		same = "the last of which did not end as recorded"
	}
	r.printf("%d decisions replayed, %s; the state was compared %d times\n", o.Decisions, same, o.Compared)
	if len(o.Snapshot.Volatile) > 0 {
		r.printf("state %s at %s\n", o.Snapshot.Digest(), o.At.Format(time.RFC3339Nano))
	}
	return r.err
}
