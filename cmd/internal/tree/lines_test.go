package tree

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/plans"
)

func TestLinesTellEachChangeOnce(t *testing.T) {
	step := func(s plans.Status, host string, holds ...plans.Hold) plans.StepView {
		return plans.StepView{Name: "data-0:[server]", Status: s, Host: host, Holds: holds}
	}
	of := func(s, ph plans.Status, st plans.StepView) plans.View { return plan(s, phase("data", ph, noon, st)) }
	pausedView := of(plans.Waiting, plans.Waiting, step(plans.Waiting, ""))
	why := hold(plans.CodePaused, "ann", "paused by ann since 2026-11-23T12:00:03Z: lunch")
	pausedView.Holds, pausedView.Phases[0].Holds, pausedView.Phases[0].Steps[0].Holds = why, why, why
	predecessor := plans.Hold{Code: plans.CodePredecessor, Subject: "probe", Text: `waits for phase "probe"`}
	noOffer := plans.Hold{Code: plans.CodeNoOffer, Subject: "127.0.1.1", Text: "no offer from 127.0.1.1 since 3 s"}
	later := noOffer
	later.Text = "no offer from 127.0.1.1 since 4 s"

	var l Lines
	for i, c := range []struct {
		what string
		view plans.View
		want []string
	}{
		{"what only waits for its turn is not told", of(plans.Pending, plans.Pending, step(plans.Pending, "", predecessor)), []string{
			"12:00:00  deploy  PENDING  0 of 1 step",
		}},
		{"nothing new, nothing told", of(plans.Pending, plans.Pending, step(plans.Pending, "", predecessor)), nil},
		{"a reason from outside is told", of(plans.Pending, plans.Pending, step(plans.Pending, "", noOffer)), []string{
			"12:00:02  data-0:[server]  PENDING  no offer from 127.0.1.1 since 3 s",
		}},
		{"other words for the same reason are not", of(plans.Pending, plans.Pending, step(plans.Pending, "", later)), nil},
		{"a pause is told once, where it was said", pausedView, []string{
			"12:00:04  deploy  WAITING  0 of 1 step  paused by ann since 2026-11-23T12:00:03Z: lunch",
		}},
		{"work is told", of(plans.InProgress, plans.Starting, step(plans.Starting, "127.0.1.1")), []string{
			"12:00:05  deploy  IN_PROGRESS  0 of 1 step",
			"12:00:05  data  STARTING  0 of 1 step",
			"12:00:05  data-0:[server]  STARTING  127.0.1.1",
		}},
		{"the end is told", of(plans.Complete, plans.Complete, step(plans.Complete, "127.0.1.1")), []string{
			"12:00:06  deploy  COMPLETE  1 of 1 step",
			"12:00:06  data  COMPLETE  1 of 1 step",
			"12:00:06  data-0:[server]  COMPLETE  127.0.1.1",
		}},
	} {
		got := l.Next(c.view, noon.Add(time.Duration(i)*time.Second))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
	}
}

func TestLinesTellWhichPhasesArePaused(t *testing.T) {
	why := plans.Hold{Code: plans.CodePaused, Subject: "ann", Text: "paused by ann"}
	lent := why
	lent.Element, lent.Text = "api", `phase "api": paused by ann`
	of := func(status plans.Status, of []plans.Hold, names ...string) plans.View {
		var phases []plans.PhaseView
		for _, name := range []string{"api", "web"} {
			p := phase(name, plans.Pending, noon, plans.StepView{Name: name + "-0", Status: plans.Pending})
			if slices.Contains(names, name) {
				p.Status, p.Holds = plans.Waiting, []plans.Hold{why}
				p.Steps[0].Status, p.Steps[0].Holds = plans.Waiting, p.Holds
			}
			phases = append(phases, p)
		}
		v := plan(status, phases...)
		v.Holds = of
		return v
	}
	var l Lines
	for _, c := range []struct {
		what string
		view plans.View
		want []string
	}{
		{"one phase, told by the plan", of(plans.Waiting, []plans.Hold{lent}, "api"), []string{
			`12:00:00  deploy  WAITING  0 of 2 steps  phase "api": paused by ann`,
		}},
		{"another one, that the plan does not tell", of(plans.Waiting, []plans.Hold{lent}, "api", "web"), []string{
			"12:00:00  web  WAITING  0 of 1 step  paused by ann",
		}},
		{"the whole plan", of(plans.Waiting, []plans.Hold{why}, "api", "web"), []string{
			"12:00:00  deploy  WAITING  0 of 2 steps  paused by ann",
		}},
	} {
		if diff := cmp.Diff(c.want, l.Next(c.view, noon)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
	}
}

func TestLinesTellAPausedPhaseAndAnError(t *testing.T) {
	why := hold(plans.CodePaused, "ann", "paused by ann since 2026-11-23T12:00:03Z")
	p := phase("data", plans.Waiting, noon, plans.StepView{Name: "data-0", Status: plans.Waiting, Holds: why})
	p.Holds = why
	bad := phase("api", plans.Error, noon, plans.StepView{Name: "api-0", Status: plans.Error, Errors: []string{"no\nimage"}})
	want := []string{
		"12:00:00  deploy  ERROR  0 of 2 steps",
		"12:00:00  data  WAITING  0 of 1 step  paused by ann since 2026-11-23T12:00:03Z",
		"12:00:00  api  ERROR  0 of 1 step",
		"12:00:00  api-0  ERROR  no image",
	}
	var l Lines
	if diff := cmp.Diff(want, l.Next(plan(plans.Error, p, bad), noon)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestLinesDoNotTellWhatMovesAllTheTime(t *testing.T) {
	var l Lines
	l.Next(halfway(), noon)
	for _, c := range []struct {
		what   string
		change func(v *plans.View)
	}{
		{"nothing", func(*plans.View) {}},
		{"the estimates", func(v *plans.View) {
			v.Estimate = &plans.Estimate{Likely: ago(time.Hour), Latest: ago(time.Minute), Steps: 99}
			v.Phases[0].Estimate = v.Estimate
		}},
		{"the counts", func(v *plans.View) {
			v.Counts[plans.Error], v.Newcomers, v.StepsDone = 7, 9, 8
			v.Phases[0].Counts[plans.Error], v.Phases[0].Newcomers, v.Phases[0].StepsDone = 7, 9, 8
			v.Phases[0].Holds[0].Count = 44
		}},
		{"what operators said", func(v *plans.View) {
			fact := []plans.Fact{{Kind: plans.Forced, Actor: "carol"}}
			v.Facts, v.Phases[0].Facts, v.Phases[0].Steps[0].Facts = fact, fact, fact
		}},
		{"what continue begins", func(v *plans.View) { v.Phases[0].Continue = &plans.Release{Step: "data-7"} }},
		{"who works on the pods", func(v *plans.View) { v.Phases[0].Steps[0].Works = "recovery" }},
		{"the revision", func(v *plans.View) { v.Revision = "another" }},
	} {
		v := halfway()
		c.change(&v)
		if got := l.Next(v, noon); got != nil {
			t.Errorf("%s changed, and lines tell it: %q", c.what, got)
		}
	}
}

func TestLinesTellWhoForcedAStep(t *testing.T) {
	v := plan(plans.InProgress, phase("data", plans.Started, noon, many("data", 0, 1, plans.Started)...))
	var l Lines
	l.Next(v, noon)
	s := &v.Phases[0].Steps[0]
	s.Status, s.Facts = plans.Complete, []plans.Fact{{Kind: plans.Forced, Actor: "alice", Reason: "disk is on its way"}}
	want := []string{"12:00:00  data-0:[server]  COMPLETE  127.0.1.1  force-completed by alice: disk is on its way"}
	if diff := cmp.Diff(want, l.Next(v, noon)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}
