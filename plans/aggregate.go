package plans

// statuses is a set of statuses.
type statuses uint16

func set(of ...Status) statuses {
	var s statuses
	for _, status := range of {
		s |= 1 << status
	}
	return s
}

func (s statuses) has(status Status) bool     { return s&(1<<status) != 0 }
func (s statuses) hasAny(other statuses) bool { return s&other != 0 }

// tally is what the status of a parent depends on.
type tally struct {
	// children are the statuses of all children.
	children statuses
	// candidates are the statuses of those children that the parent's strategy would let work now: not COMPLETE, not ERROR,
	// not paused, everything before them COMPLETE. What other reasons say about them does not matter here.
	candidates statuses
	// able says that below the parent a step may begin right now.
	able bool
	// failed says that there is an error in the parent or below it, paused that an operator paused it or its parent, open that
	// children may still join.
	failed, paused, open bool
	// pausing says that the parent is paused, or its run is, as soon as something has ended that is under way.
	pausing bool
}

// add counts a child.
func (t *tally) add(status Status, candidate bool) {
	t.children |= 1 << status
	if candidate {
		t.candidates |= 1 << status
	}
}

// underWay says that a child works.
func (t tally) underWay() bool {
	return t.children.hasAny(set(Prepared, Starting, Started, InProgress))
}

// rule gives a parent its status if it applies.
type rule struct {
	name    string
	applies func(tally) bool
	status  Status
}

// rules is how the status of a parent follows from its children: the first rule that applies wins. It is the DC/OS SDK's order;
// numbers in names are those of the SDK's own sequence. What is mended says which fault it mends.
var rules = [...]rule{
	{"1 an error", func(t tally) bool {
		return t.failed || t.children.has(Error)
	}, Error},

	// A closed parent without children is COMPLETE, paused or not. An open one is not, and so falls to the next rule if it is
	// paused (Q3: the SDK has no open parents and calls each empty one COMPLETE, paused or not).
	{"2 all children COMPLETE", func(t tally) bool {
		return !t.open && t.children&^set(Complete) == 0
	}, Complete},

	{"3 paused", func(t tally) bool {
		return t.paused
	}, Waiting},

	// Q1: the SDK says DELAYED only if all children are, and ERROR for any mixture. Here a backoff shows as DELAYED while
	// nothing else goes on, and as IN_PROGRESS beside other work.
	{"4a a backoff beside other work (Q1)", func(t tally) bool {
		return t.children.has(Delayed) && (t.underWay() || t.able)
	}, InProgress},
	{"4b a backoff and nothing else to do (Q1)", func(t tally) bool {
		return t.children.has(Delayed)
	}, Delayed},

	// The SDK has only pauses that hold at once.
	{"4c a pause waits for work", func(t tally) bool {
		return t.pausing && (t.underWay() || t.able)
	}, InProgress},

	{"5 a child PREPARED", func(t tally) bool {
		return t.children.has(Prepared)
	}, InProgress},
	{"6 a candidate WAITING", func(t tally) bool {
		return t.candidates.has(Waiting)
	}, Waiting},
	{"7 a candidate IN_PROGRESS", func(t tally) bool {
		return t.candidates.has(InProgress)
	}, InProgress},
	{"8-10 a child COMPLETE, a candidate to go on with", func(t tally) bool {
		return t.children.has(Complete) && t.candidates.hasAny(set(Pending, Starting, Started))
	}, InProgress},

	// Q2: the SDK says PENDING as soon as one candidate is, and so hides that others work already.
	{"11a a child under way, a candidate PENDING (Q2)", func(t tally) bool {
		return t.underWay() && t.candidates.has(Pending)
	}, InProgress},
	{"11b a candidate PENDING", func(t tally) bool {
		return t.candidates.has(Pending)
	}, Pending},

	{"12 a child WAITING", func(t tally) bool {
		return t.children.has(Waiting)
	}, Waiting},
	{"13 a candidate STARTING", func(t tally) bool {
		return t.candidates.has(Starting)
	}, Starting},
	{"14 a candidate STARTED", func(t tally) bool {
		return t.candidates.has(Started)
	}, Started},

	// The SDK ends in ERROR ("unexpected state"). What is left here is an open parent whose children are all COMPLETE, and work
	// under way behind a predecessor that is no longer COMPLETE.
	{"15a something has begun", func(t tally) bool {
		return t.underWay() || t.children.has(Complete)
	}, InProgress},
	{"15b nothing has begun", func(tally) bool {
		return true
	}, Pending},
}

// aggregate returns the status of a parent.
func aggregate(t tally) Status {
	for i := range rules {
		if rules[i].applies(t) {
			return rules[i].status
		}
	}
	return Pending // not reached: the last rule always applies
}
