package plans

import "slices"

var breakWords = map[When]string{BeforePhase: "before it", AfterPhase: "after it", AfterBatch: "after each of its batches"}

func (a *application) setBreak() Reply {
	if reply, ok := a.checkBreak(); !ok {
		return reply
	}
	p := &a.e.phases[a.phase]
	switch a.v.When {
	case BeforePhase:
		if p.begun || p.over() {
			return a.refused("has begun; a breakpoint before it would come too late. Pause it, or set one %s", AfterBatch)
		}
	case AfterPhase:
		if p.over() && a.e.held != a.phase {
			return a.refused("is over; a breakpoint after it would come too late")
		}
		if !a.waitedFor() {
			return a.refused("nothing waits for it; a breakpoint after it would hold up nothing")
		}
	case AfterBatch:
		if p.over() {
			return a.refused("is over; a breakpoint in it would come too late")
		}
	}
	if old := a.breakpoint(); old != nil {
		return a.already("has a breakpoint %s already, set%s", breakWords[a.v.When], old.by())
	}
	f := a.fact(Breakpoint)
	f.When = a.v.When
	if f.When == AfterBatch {
		f.Batches, f.BatchRun = p.cursor.Done, a.e.run.Number
	}
	a.reply.Put = append(a.reply.Put, f)
	return a.done("breakpoint %s is set", breakWords[a.v.When])
}

func (a *application) unbreak() Reply {
	if reply, ok := a.checkBreak(); !ok {
		return reply
	}
	if a.breakpoint() == nil {
		return a.already("has no breakpoint %s", breakWords[a.v.When])
	}
	a.forget(Breakpoint, a.v.When)
	return a.done("breakpoint %s is taken away", breakWords[a.v.When])
}

// checkBreak says whether the verb names a place where a breakpoint may lie.
func (a *application) checkBreak() (Reply, bool) {
	switch a.v.When {
	case BeforePhase, AfterPhase, AfterBatch:
	default:
		return a.say(Invalid, "%s: a breakpoint %q is unknown; use %s, %s or %s", a.subject(), a.v.When, BeforePhase, AfterPhase, AfterBatch), false
	}
	if a.phase < 0 || a.step >= 0 {
		return a.say(Invalid, "%s: breakpoints lie at phases; name one", a.subject()), false
	}
	return Reply{}, true
}

// breakpoint returns the one that lies where the verb says.
func (a *application) breakpoint() *Fact {
	p := &a.e.said.phases[a.phase]
	return map[When]*Fact{BeforePhase: p.before, AfterPhase: p.after, AfterBatch: p.batch}[a.v.When]
}

// waitedFor says whether any phase waits for the one that the verb names.
func (a *application) waitedFor() bool {
	name := a.e.def.Phases[a.phase].Name
	for i, p := range a.e.def.Phases {
		inOrder := p.After == nil && a.e.def.Strategy != Parallel && i > a.phase
		if inOrder || slices.Contains(p.After, name) {
			return true
		}
	}
	return false
}
