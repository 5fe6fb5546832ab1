package plans

import (
	"slices"
	"time"
)

// Share returns after, in which what is equal to a part of before is that part: its memory, not only its value. A reader that shows one
// view after another can then skip what is the same (SameSteps), and an old view that somebody keeps costs little.
//
//   - A phase, found by its id, that is equal in everything is before's.
//   - Of a phase whose steps are all equal, the slice Steps is before's.
//   - If all phases are equal and in the same order, the slice Phases is before's.
//
// Neither view is changed. The result is equal to after under go-cmp, nil and empty slices told apart. Times and ids are equal if they are
// under ==: of two times that go-cmp calls equal and that are written differently, in another time zone, none takes the place of the other.
func Share(before, after View) View {
	if same(before.Phases, after.Phases) {
		return after
	}
	sharing := sharing{before: before.Phases}
	phases := slices.Clone(after.Phases) // after's own are not to be changed
	equal := len(before.Phases) == len(phases) && len(phases) > 0
	for i := range phases {
		place, whole := sharing.phase(&phases[i], i)
		equal = equal && whole && place == i
	}
	switch {
	case equal:
		after.Phases = before.Phases
	case sharing.any:
		after.Phases = phases
	}
	return after
}

// SameSteps says that two slices of steps are one in memory, or both without steps: nothing differs, and none of it needs to be looked at.
func SameSteps(a, b []StepView) bool { return same(a, b) }

// same says that two slices are one, or both empty.
func same[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// sharing is the work on one view.
type sharing struct {
	before []PhaseView
	places map[ElementID]int // of before; nil: not needed yet
	any    bool              // something is shared
}

// phase shares what it can of a phase that is at place i, and says where before has it (-1: nowhere) and whether all of it is shared.
func (s *sharing) phase(p *PhaseView, i int) (place int, whole bool) {
	place = s.find(p.ID, i)
	if place < 0 {
		return place, false
	}
	old := &s.before[place]
	if !equalSlices(old.Steps, p.Steps, equalStep) {
		return place, false
	}
	s.any = true
	p.Steps = old.Steps
	if !equalPhaseHead(old, p) {
		return place, false
	}
	*p = *old
	return place, true
}

// find returns the place that a phase had; mostly it still has it.
func (s *sharing) find(id ElementID, i int) int {
	if i < len(s.before) && s.before[i].ID == id {
		return i
	}
	if s.places == nil {
		s.places = make(map[ElementID]int, len(s.before))
		for i := range s.before {
			s.places[s.before[i].ID] = i
		}
	}
	if place, ok := s.places[id]; ok {
		return place
	}
	return -1
}

// equalPhaseHead compares phases without their steps.
func equalPhaseHead(a, b *PhaseView) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Strategy == b.Strategy && a.Status == b.Status && equalTime(a.Since, b.Since) &&
		equalSlices(a.Holds, b.Holds, equalHold) && equalSlices(a.Facts, b.Facts, equalFact) && a.StepsDone == b.StepsDone &&
		a.Counts == b.Counts && a.Newcomers == b.Newcomers && equalPointees(a.Continue, b.Continue) && equalPointees(a.Estimate, b.Estimate)
}

// equalStep begins with what changes most.
func equalStep(a, b *StepView) bool {
	return a.Status == b.Status && equalTime(a.Since, b.Since) && a.Message == b.Message && a.Host == b.Host && a.Task == b.Task &&
		a.ID == b.ID && a.Name == b.Name && a.Kind == b.Kind && a.Pod == b.Pod && a.Newcomer == b.Newcomer && a.Works == b.Works &&
		equalSlices(a.Holds, b.Holds, equalHold) && equalSlices(a.Errors, b.Errors, equalString) && equalSlices(a.Facts, b.Facts, equalFact)
}

func equalFact(a, b *Fact) bool {
	return a.Kind == b.Kind && a.Plan == b.Plan && a.Phase == b.Phase && a.Step == b.Step && a.Pod == b.Pod && a.Run == b.Run &&
		a.When == b.When && equalSlices(a.Steps, b.Steps, equalString) && a.All == b.All && a.Batches == b.Batches &&
		a.BatchRun == b.BatchRun && a.Force == b.Force && a.Actor == b.Actor && a.Reason == b.Reason && equalTime(a.At, b.At) &&
		a.Revision == b.Revision
}

func equalHold(a, b *Hold) bool { return *a == *b }

func equalString(a, b *string) bool { return *a == *b }

// equalTime is ==, and not Equal, so that what is shared is also written alike.
func equalTime(a, b time.Time) bool { return a == b }

// equalPointees compares what pointers lead to.
func equalPointees[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// equalSlices compares slices by their elements, unless they are one. A nil slice is not equal to an empty one: JSON tells them apart.
func equalSlices[T any](a, b []T, equal func(a, b *T) bool) bool {
	if len(a) != len(b) || (a == nil) != (b == nil) {
		return false
	}
	if same(a, b) {
		return true
	}
	for i := range a {
		if !equal(&a[i], &b[i]) {
			return false
		}
	}
	return true
}
