package plans

import (
	"testing"
)

// child is one child of a parent in these tests.
type child struct {
	status    Status
	candidate bool
}

func tallyOf(children []child) tally {
	var t tally
	for _, c := range children {
		t.add(c.status, c.candidate)
	}
	return t
}

// can and not make children: one that the strategy would let work, and one that it would not.
func can(s Status) child { return child{s, true} }
func not(s Status) child { return child{s, false} }

func TestAggregation(t *testing.T) {
	tests := []struct {
		name     string
		children []child
		change   func(*tally)
		want     Status
	}{
		{name: "an error wins over everything", children: []child{not(Complete), not(Error), can(Started)}, want: Error},
		{name: "an error of the parent itself", children: []child{not(Complete)}, change: failed, want: Error},
		{name: "an error wins over a pause", children: []child{not(Error)}, change: paused, want: Error},
		{name: "all COMPLETE", children: []child{not(Complete), not(Complete)}, want: Complete},
		{name: "COMPLETE wins over a pause", children: []child{not(Complete)}, change: paused, want: Complete},
		{name: "no children", want: Complete},
		{name: "Q3: paused, no children, closed", change: paused, want: Complete},
		{name: "Q3: paused, no children, open", change: pausedOpen, want: Waiting},
		{name: "open, no children", change: open, want: Pending},
		{name: "open, all COMPLETE", children: []child{not(Complete)}, change: open, want: InProgress},
		{name: "paused", children: []child{not(Complete), not(Waiting), not(Started)}, change: paused, want: Waiting},

		{name: "all DELAYED", children: []child{can(Delayed), can(Delayed)}, want: Delayed},
		{name: "Q1: COMPLETE and DELAYED", children: []child{not(Complete), can(Delayed)}, want: Delayed},
		{name: "Q1: serial, DELAYED before PENDING", children: []child{can(Delayed), not(Pending)}, want: Delayed},
		{name: "Q1: DELAYED beside one that is held", children: []child{can(Delayed), can(Pending)}, want: Delayed},
		{name: "Q1: DELAYED beside one that may begin", children: []child{can(Delayed), can(Pending)}, change: able, want: InProgress},
		{name: "Q1: DELAYED beside one that runs", children: []child{can(Delayed), can(Started)}, want: InProgress},
		{name: "Q1: DELAYED beside a paused one", children: []child{can(Delayed), not(Waiting)}, want: Delayed},

		{name: "a pause that waits for a STARTING child", children: []child{can(Starting), can(Waiting)}, change: pausing, want: InProgress},
		{name: "a pause that waits for one that is tried again", children: []child{can(Pending), can(Waiting)}, change: pausingAble, want: InProgress},
		{name: "a pause that waits for nothing that moves", children: []child{can(Pending), can(Waiting)}, change: pausing, want: Waiting},

		{name: "PREPARED", children: []child{can(Prepared), can(Pending)}, want: InProgress},
		{name: "a candidate WAITING", children: []child{can(Waiting), can(InProgress)}, want: Waiting},
		{name: "a candidate IN_PROGRESS beside a paused child", children: []child{can(InProgress), not(Waiting)}, want: InProgress},
		{name: "COMPLETE and PENDING", children: []child{not(Complete), can(Pending)}, want: InProgress},
		{name: "COMPLETE and STARTING", children: []child{not(Complete), can(Starting)}, want: InProgress},
		{name: "COMPLETE and STARTED", children: []child{not(Complete), can(Started)}, want: InProgress},

		{name: "Q2: parallel, STARTING and PENDING", children: []child{can(Starting), can(Pending), can(Pending)}, want: InProgress},
		{name: "Q2: parallel, STARTED and PENDING", children: []child{can(Started), can(Pending)}, want: InProgress},
		{name: "Q2: a later child runs while an earlier is PENDING again", children: []child{can(Pending), not(Started)}, want: InProgress},

		{name: "nothing has begun", children: []child{can(Pending), not(Pending)}, want: Pending},
		{name: "PENDING beside a paused child", children: []child{can(Pending), not(Waiting)}, want: Pending},
		{name: "a paused child before the others", children: []child{not(Complete), not(Waiting), not(Pending)}, want: Waiting},
		{name: "serial, STARTING before PENDING", children: []child{can(Starting), not(Pending)}, want: Starting},
		{name: "STARTING before STARTED", children: []child{can(Starting), can(Started)}, want: Starting},
		{name: "serial, STARTED before PENDING", children: []child{can(Started), not(Pending)}, want: Started},
		{name: "no candidate at all, some COMPLETE", children: []child{not(Complete), not(Pending)}, want: InProgress},
		{name: "no candidate at all, none COMPLETE", children: []child{not(Pending)}, want: Pending},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			counts := tallyOf(tc.children)
			if tc.change != nil {
				tc.change(&counts)
			}
			if got := aggregate(counts); got != tc.want {
				t.Errorf("aggregate(%v) = %s, want %s", tc.children, got, tc.want)
			}
		})
	}
}

func failed(t *tally)      { t.failed = true }
func paused(t *tally)      { t.paused = true }
func open(t *tally)        { t.open = true }
func able(t *tally)        { t.able = true }
func pausing(t *tally)     { t.pausing = true }
func pausingAble(t *tally) { t.pausing, t.able = true, true }
func pausedOpen(t *tally)  { t.paused, t.open = true, true }

// TestAggregationAgreesWithItsPlainTwin tries all parents with up to three children.
func TestAggregationAgreesWithItsPlainTwin(t *testing.T) {
	var kinds []child
	for s := Pending; s <= Error; s++ {
		kinds = append(kinds, not(s))
		if s != Complete && s != Error {
			kinds = append(kinds, can(s))
		}
	}
	tried := 0
	var try func(children []child)
	try = func(children []child) {
		for flags := range 32 {
			p := plainParent{paused: flags&1 > 0, open: flags&2 > 0, able: flags&4 > 0, pausing: flags&8 > 0}
			for _, c := range children {
				p.children = append(p.children, c.status)
				if c.candidate {
					p.candidates = append(p.candidates, c.status)
				}
			}
			counts := tallyOf(children)
			counts.paused, counts.open, counts.able, counts.pausing, counts.failed = p.paused, p.open, p.able, p.pausing, flags&16 > 0
			want := p.status()
			if counts.failed {
				want = Error
			}
			if got := aggregate(counts); got != want {
				t.Fatalf("aggregate(%+v) = %s, its plain twin says %s", p, got, want)
			}
			tried++
		}
		if len(children) == 3 {
			return
		}
		for _, k := range kinds {
			try(append(children[:len(children):len(children)], k))
		}
	}
	try(nil)
	if n := len(kinds); tried != 32*(1+n+n*n+n*n*n) {
		t.Errorf("tried %d parents", tried)
	}
}

// TestEachRuleIsNeeded makes sure that no rule is shadowed by those before it.
func TestEachRuleIsNeeded(t *testing.T) {
	used := make([]bool, len(rules))
	for children := range statuses(1 << (Error + 1)) {
		for flags := range 32 {
			for _, candidates := range []statuses{0, children &^ set(Complete, Error), children & set(Pending, Starting), children & set(Started, Waiting)} {
				counts := tally{children: children, candidates: candidates,
					failed: flags&1 > 0, paused: flags&2 > 0, open: flags&4 > 0, able: flags&8 > 0, pausing: flags&16 > 0}
				for i := range rules {
					if rules[i].applies(counts) {
						used[i] = true
						break
					}
				}
			}
		}
	}
	for i, u := range used {
		if !u {
			t.Errorf("rule %q never decides", rules[i].name)
		}
	}
}
