package plans

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"
)

func (a *application) start() Reply {
	if a.phase >= 0 {
		return a.say(Invalid, "%s: only whole plans are started", a.subject())
	}
	switch r := &a.e.run; {
	case r.Number > 0 && !r.Ended():
		return a.already("runs already: run %d by %s", r.Number, r.Actor)
	case r.Number == 0 && !a.e.def.Manual:
		return a.already("is always at work, and needs no start")
	}
	arguments, err := a.e.def.Bind(a.v.Values)
	if err != nil {
		return a.say(Invalid, "%s", onOneLine(err))
	}
	a.begin(arguments)
	paused := ""
	if pause := a.ownPause(); pause != nil {
		paused = "; it is paused" + pause.by()
	}
	return a.done("run %d begins%s%s", a.reply.Run.Number, paused, a.stillHeld())
}

// onOneLine puts several problems into one sentence.
func onOneLine(err error) string {
	var several *multierror.Error
	if !errors.As(err, &several) {
		return err.Error()
	}
	texts := make([]string, len(several.Errors))
	for i, e := range several.Errors {
		texts[i] = e.Error()
	}
	return strings.Join(texts, "; ")
}

// begin starts a run like the last one.
func (a *application) begin(arguments []Argument) {
	last := a.e.run
	open := slices.ContainsFunc(a.e.def.Phases, func(p Phase) bool { return p.Open })
	a.reply.Run, a.reply.Ended = Start(last, Beginning{
		Target: last.Target, Provenance: last.Provenance, Actor: a.v.Actor, Reason: a.v.Reason, Arguments: arguments, Frozen: !open, Now: a.e.now,
	})
	if last.Ended() && !a.e.in.Run.Ended() {
		a.reply.Ended = &last // it is found to be COMPLETE at this very moment: nobody has recorded that yet
	}
}

func (a *application) stop() Reply {
	switch r := &a.e.run; {
	case a.phase >= 0:
		return a.say(Invalid, "%s: only whole plans are stopped", a.subject())
	case r.Number == 0 && a.e.def.Manual:
		return a.already("was not started")
	case r.Number == 0:
		return a.refused("is always at work, and can't be stopped; pause it")
	case r.Ended():
		return a.already("%s", r.ending())
	}
	r := a.e.run
	r.end(Stopped, a.v.Actor, a.v.Reason, a.e.now)
	a.reply.Run, a.reply.Ended = r, &r
	return a.done("run %d is stopped; what runs is left alone%s", r.Number, a.leftDown())
}

// leftDown says which pods the plan has stopped and leaves to repair. Those that are ready again, and were only watched, are back.
func (a *application) leftDown() string {
	var pods []string
	for i := range a.e.phases {
		for j := range a.e.phases[i].flags {
			step, f := &a.e.def.Phases[i].Steps[j], a.e.phases[i].flags[j]
			if step.Kind == Launch && f.has(isStopped) && !f.has(isSettling) && a.covers(i, j) {
				pods = append(pods, step.Pod)
			}
		}
	}
	if len(pods) == 0 {
		return ""
	}
	return fmt.Sprintf("; repair brings back what it had stopped: %s", abbreviate(pods))
}

// covers says whether a step is at or below the element.
func (a *application) covers(i, j int) bool {
	return (a.phase < 0 || a.phase == i) && (a.step < 0 || a.step == j)
}

func (a *application) restart() Reply {
	if reply, ok := a.checkRestart(); !ok {
		return reply
	}
	f := a.fact(Restarted)
	f.Force = a.v.Force
	f.At = a.afterAll(f.At)
	a.forget(Paused, "") // as in the SDK, to restart an element is to continue it as well
	text := "is done again"
	switch {
	case a.e.run.Ended():
		a.begin(a.e.run.Arguments)
		text = fmt.Sprintf("is done again, in run %d", a.reply.Run.Number)
	case a.phase < 0 && a.e.run.Halt != nil:
		a.reply.Run.Halt, a.reply.Run.ContinuedAt = nil, a.e.now
		text = "is done again; the run goes on"
	}
	f.Run = a.reply.Run.Number
	a.forget(Restarted, "")
	a.forget(Forced, "") // one of the element itself, also of a time that has not come yet: clocks of leaders differ
	a.reply.Put = append(a.reply.Put, f)
	if !a.e.run.Ended() { // in a new run nothing has failed yet
		a.pardonSteps(func(p *phase, j int) bool {
			return a.covers(p.at, j) && (a.e.observation(p.at, j).Attempts > 0 || p.flags[j].has(isFailed))
		})
	}
	return a.done("%s%s", text, a.stillHeld())
}

// checkRestart says whether anything could be done again.
func (a *application) checkRestart() (Reply, bool) {
	switch r := &a.e.run; {
	case a.v.Force && a.v.Reason == "":
		return a.say(Invalid, "%s: a restart by force stops pods whatever that costs; it takes a reason", a.subject()), false
	case r.Number == 0:
		return a.refused("has no run, so that nothing of it could be done again"), false
	case r.Ended() && r.outcome() != Completed:
		return a.refused("%s; start the plan to do it all", r.ending()), false
	case a.step >= 0 && a.e.def.Phases[a.phase].Steps[a.step].Kind == Wait:
		return a.refused("a wait step does nothing that could be done again"), false
	}
	return Reply{}, true
}

// afterAll returns a time that is not before the given one, and after everything that was begun, COMPLETE or forced of the element so far.
func (a *application) afterAll(at time.Time) time.Time {
	later := func(t time.Time) {
		if !t.Before(at) {
			at = t.Add(1)
		}
	}
	for i := range a.e.phases {
		p := &a.e.phases[i]
		for j := range p.flags {
			if !a.covers(i, j) {
				continue
			}
			o := a.e.observation(i, j)
			for _, t := range [...]time.Time{o.TriedAt, o.Done.At} {
				if !t.After(a.e.now) {
					later(t)
				}
			}
			for _, f := range p.view.Steps[j].Facts {
				if f.Kind == Forced && !f.At.After(a.e.now) {
					later(f.At)
				}
			}
		}
	}
	return at
}

// afterRestarts returns a time that is not before the given one, nor before any restart that concerns the element: of one clock that is
// ahead of another, or said at this very moment.
func (a *application) afterRestarts(at time.Time) time.Time {
	for i := range a.e.phases {
		p := &a.e.phases[i]
		for j := range p.flags {
			if !a.covers(i, j) {
				continue
			}
			if restart := a.e.restartOf(p, p.saidOf(j), p.def.Steps[j].Kind); restart != nil {
				at = later(at, restart.At)
			}
		}
	}
	return at
}

func (a *application) force() Reply {
	switch r := &a.e.run; {
	case a.status() == Complete:
		return a.already("is COMPLETE")
	case r.Number == 0:
		return a.refused("has no run, so that nothing of it could be counted as COMPLETE")
	case r.Ended():
		return a.refused("%s", r.ending())
	}
	f := a.fact(Forced)
	f.Run = a.e.run.Number
	f.At = a.afterRestarts(f.At)
	a.forget(Forced, "")
	a.reply.Put = append(a.reply.Put, f)
	n, running := 0, 0
	for i := range a.e.phases {
		for j := range a.e.phases[i].flags {
			if !a.covers(i, j) || a.e.phases[i].flags[j].has(isNewcomer) || a.e.phases[i].view.Steps[j].Status == Complete {
				continue
			}
			n++
			if a.e.phases[i].flags[j].has(isUnderWay) {
				running++
			}
		}
	}
	text := fmt.Sprintf("counts as COMPLETE in run %d, whatever its pods do: %d steps were not", f.Run, n)
	if a.step >= 0 {
		text = fmt.Sprintf("counts as COMPLETE in run %d, whatever its pod does", f.Run)
	}
	if running > 0 && a.step < 0 {
		text += fmt.Sprintf(", %d of them under way", running)
	}
	return a.done("%s%s", text, a.leftDown())
}
