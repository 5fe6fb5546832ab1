package machine

import (
	"slices"

	"github.com/quobyte/mesos-framework/plans"
)

// shown is what the last view showed. Most of the next one is the same, and shares its memory.
type shown struct {
	plans  []plans.View // before warnings were added
	hosts  []HostView
	pods   []PodView
	claims []*PodClaim // those that pods show; what they show does not change
}

// share are the views of the plans.
func (s *shown) share(evaluations []plans.Evaluation) []plans.View {
	views := make([]plans.View, len(evaluations))
	for i := range evaluations {
		if i < len(s.plans) {
			evaluations[i].View = plans.Share(s.plans[i], evaluations[i].View) // there as well, since they may be kept
		}
		views[i] = evaluations[i].View
	}
	s.plans = views
	return slices.Clone(views)
}

// rows makes a list of n rows that is the one before as long as all rows are equal to those.
type rows[T any] struct {
	before []T
	n      int
	equal  int // so many are equal
	made   []T // nil: they all are
}

// add adds the next row.
func (r *rows[T]) add(row *T, equal func(a, b *T) bool) {
	if r.made == nil {
		if r.equal < len(r.before) && equal(&r.before[r.equal], row) {
			r.equal++
			return
		}
		r.made = append(make([]T, 0, r.n), r.before[:r.equal]...)
	}
	r.made = append(r.made, *row)
}

// done returns all rows.
func (r *rows[T]) done() []T {
	switch {
	case r.made != nil:
		return r.made
	case r.before != nil && r.equal == len(r.before):
		return r.before
	}
	return append(make([]T, 0, r.equal), r.before[:r.equal]...)
}

// equal says whether two hosts show the same. It does not look into what is being given back.
func (v *HostView) equal(other *HostView) bool {
	return v.Key == other.Key && v.HeardAt == other.HeardAt && v.ReportedAt == other.ReportedAt && v.FirstSeen == other.FirstSeen &&
		v.Hostname == other.Hostname && v.Address == other.Address && v.AgentID == other.AgentID && v.Excluded == other.Excluded &&
		slices.Equal(v.Holds, other.Holds) && slices.Equal(v.Leftovers, other.Leftovers) && len(v.Releases) == 0 && len(other.Releases) == 0
}

// equal says whether two pods show the same, and their claims the very same.
func (v *PodView) equal(other *PodView) bool {
	return v.Name == other.Name && v.State == other.State && v.Since == other.Since && v.Healthy == other.Healthy && v.TaskID == other.TaskID &&
		v.AgentID == other.AgentID && v.Message == other.Message && v.Type == other.Type && v.Host == other.Host && v.Claim == other.Claim &&
		slices.Equal(v.Replaced, other.Replaced) && slices.Equal(v.Consents, other.Consents)
}
