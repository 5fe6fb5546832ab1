package plans

import (
	"slices"
	"time"
)

// Beginning says how a run begins.
type Beginning struct {
	Target     string
	Provenance string // where the target comes from: operator, package, rollback
	Actor      string
	Reason     string
	Arguments  []Argument
	// Frozen says that the members are known from the start. Otherwise Freeze says when they are.
	Frozen bool
	Now    time.Time
}

// Start returns the run that follows the last one of a plan (the zero Run if there was none). If that still works it is superseded: it
// comes back as ended, for the history; otherwise ended is nil, since it is in the history already.
func Start(last Run, b Beginning) (next Run, ended *Run) {
	next = Run{
		Number: last.Number + 1, Target: b.Target, Provenance: b.Provenance, Actor: b.Actor, Reason: b.Reason,
		Arguments: b.Arguments, StartedAt: b.Now,
	}
	if b.Frozen {
		next.FrozenAt = b.Now
	}
	if last.Number == 0 || last.Ended() {
		return next, nil
	}
	last.end(Superseded, b.Actor, b.Reason, b.Now)
	last.Successor = next.Number
	return next, &last
}

// Freeze returns the run with its members frozen: who comes from now on is a newcomer.
func Freeze(run Run, now time.Time) Run {
	if run.FrozenAt.IsZero() {
		run.FrozenAt = run.notBefore(now)
	}
	return run
}

// notBefore is now, or when the run began if that is later: clocks differ, and a run that ends before it began could not be read again.
func (r *Run) notBefore(now time.Time) time.Time { return later(r.StartedAt, now) }

// end ends a run.
func (r *Run) end(outcome Outcome, actor, reason string, now time.Time) {
	r.CompletedAt, r.Outcome, r.EndedBy, r.EndReason = r.notBefore(now), outcome, actor, reason
	r.Stills = slices.Clone(r.Stills)
	r.endStills(func(s Still) bool { return s.To.IsZero() }, now)
}

// MaxHistory is how many ended runs of a plan are worth keeping.
const MaxHistory = 20

// Archive returns the history of a plan with a run that has ended, the newest last, and not more than MaxHistory runs of it. A run that is
// in it already, by its number, is replaced.
func Archive(history []Run, ended Run) []Run {
	kept := slices.DeleteFunc(slices.Clone(history), func(r Run) bool { return r.Number == ended.Number })
	i, _ := slices.BinarySearchFunc(kept, ended, func(a, b Run) int { return a.Number - b.Number })
	kept = slices.Insert(kept, i, ended)
	return kept[max(len(kept)-MaxHistory, 0):]
}

// Expired returns those facts that belong to runs of the plan before its present one. They mean nothing any more, and may be forgotten.
func Expired(facts []Fact, plan string, run Run) []Fact {
	var out []Fact
	for _, f := range facts {
		if f.Plan == plan && f.Run != 0 && f.Run < run.Number {
			out = append(out, f)
		}
	}
	return out
}
