package offers

import "slices"

// matching gives each of several askers one of its candidates, no candidate to two, and finds a way if there is one: an
// asker that has been served moves on to another of its candidates if that helps (augmenting paths).
type matching[T comparable] struct {
	candidates [][]T // by asker, best first
	holders    []holder[T]
}

// holder says which asker has a candidate.
type holder[T comparable] struct {
	candidate T
	asker     int
}

// matchAll serves all askers, and says whether that was possible.
func matchAll[T comparable](candidates [][]T) (*matching[T], bool) {
	m := &matching[T]{candidates: candidates}
	for k := range candidates {
		if !m.place(k) {
			return m, false
		}
	}
	return m, true
}

// place serves an asker, and says whether that was possible without leaving another unserved.
func (m *matching[T]) place(asker int) bool { return m.augment(asker, &[]T{}) }

func (m *matching[T]) augment(asker int, seen *[]T) bool {
	// Nobody is moved while there is something nobody has.
	for _, c := range m.candidates[asker] {
		if m.holder(c) < 0 {
			m.holders = append(m.holders, holder[T]{c, asker})
			return true
		}
	}
	for _, c := range m.candidates[asker] {
		if slices.Contains(*seen, c) {
			continue
		}
		*seen = append(*seen, c)
		if at := m.holder(c); m.augment(m.holders[at].asker, seen) {
			m.holders[at].asker = asker
			return true
		}
	}
	return false
}

// holder is the index of the holder of a candidate, -1 if nobody has it.
func (m *matching[T]) holder(candidate T) int {
	return slices.IndexFunc(m.holders, func(h holder[T]) bool { return h.candidate == candidate })
}

// of is what an asker has been given.
func (m *matching[T]) of(asker int) (T, bool) {
	for _, h := range m.holders {
		if h.asker == asker {
			return h.candidate, true
		}
	}
	var none T
	return none, false
}
