package plans

import (
	"bytes"
	"slices"
	"time"
)

// What follows says whether values are the same, so that a caller need not evaluate again what he has evaluated already: of equal inputs, and before
// WakeAt, the evaluations are equal. Times are equal if they are under ==; who takes equal values for different ones only works in vain.

// Equal says whether two observations are the same. It begins with what changes most.
func (o *Observation) Equal(other *Observation) bool {
	return o.Status == other.Status && equalTime(o.Since, other.Since) && o.Task == other.Task && equalSlices(o.Holds, other.Holds, equalHold) &&
		equalTime(o.Until, other.Until) && equalSlices(o.Errors, other.Errors, equalString) && o.Host == other.Host &&
		equalTime(o.BegunAt, other.BegunAt) && equalTime(o.TriedAt, other.TriedAt) && o.Attempts == other.Attempts &&
		o.Running == other.Running && o.Stopped == other.Stopped && equalTime(o.Ready, other.Ready) && o.Fit == other.Fit && o.Rank == other.Rank &&
		o.Newcomer == other.Newcomer && o.Done == other.Done && o.Plan == other.Plan
}

// Equal says whether two facts are the same.
func (f *Fact) Equal(other *Fact) bool { return equalFact(f, other) }

// Equal says whether two ledgers are the same.
func (l *Ledger) Equal(other *Ledger) bool {
	return equalTime(l.SettledAt, other.SettledAt) && slices.EqualFunc(l.Budgets, other.Budgets, Budget.equal) && slices.Equal(l.Pods, other.Pods)
}

func (b Budget) equal(other Budget) bool {
	return b.PodType == other.PodType && b.MaxUnavailable == other.MaxUnavailable && equalPointees(b.PerDomain, other.PerDomain) && b.Quorum == other.Quorum
}

// Equal says whether two runs are recorded alike. Most are the same in memory already, which is quicker to see.
func (r Run) Equal(other Run) bool {
	return r.Same(&other) || bytes.Equal(EncodeRun(r), EncodeRun(other))
}

// Same says whether two runs are the same in memory; others may be recorded alike nevertheless.
func (r *Run) Same(other *Run) bool {
	times := func(r *Run) [4]time.Time {
		return [...]time.Time{r.StartedAt, r.FrozenAt, r.CompletedAt, r.ContinuedAt}
	}
	return r.Number == other.Number && times(r) == times(other) && r.Target == other.Target && r.Provenance == other.Provenance &&
		r.Actor == other.Actor && r.Reason == other.Reason && slices.Equal(r.Arguments, other.Arguments) &&
		r.Outcome == other.Outcome && r.EndedBy == other.EndedBy && r.EndReason == other.EndReason && r.Successor == other.Successor &&
		equalPointees(r.Halt, other.Halt) && slices.Equal(r.Pardons, other.Pardons) && slices.Equal(r.Batches, other.Batches) &&
		slices.Equal(r.Stills, other.Stills) && slices.Equal(r.Durations, other.Durations) && r.Failures == other.Failures
}
