package plans

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// foldLetters are the statuses in the tests of folding; in upper case it is a remarkable step.
const foldLetters = "prstcwdie"

// foldPhase makes a phase from a letter for each step, for instance "cccsp".
func foldPhase(status Status, steps string) PhaseView {
	p := PhaseView{Status: status}
	for _, letter := range steps {
		lower := strings.ToLower(string(letter))
		s := StepView{Status: Status(strings.Index(foldLetters, lower)), Newcomer: lower != string(letter)}
		if s.Newcomer {
			p.Newcomers++
		} else {
			p.Counts.Add(s.Status)
		}
		p.Steps = append(p.Steps, s)
	}
	return p
}

// foldShows draws what remains of a phase: its letters, and in brackets what a "more" line stands for.
func foldShows(f PhaseFold, p PhaseView) string {
	if f.Whole {
		return "whole"
	}
	var b strings.Builder
	for _, l := range f.Lines(p) {
		letter := foldLetters[l.Status : l.Status+1]
		switch {
		case l.Hidden > 0:
			fmt.Fprintf(&b, "[%d%s]", l.Hidden, letter)
		case p.Steps[l.Step].Newcomer:
			b.WriteString(strings.ToUpper(letter))
		default:
			b.WriteString(letter)
		}
	}
	return b.String()
}

func TestFold(t *testing.T) {
	rollout := []PhaseView{foldPhase(Complete, "cccc"), foldPhase(InProgress, "cccccsspppppp"), foldPhase(Pending, "ppp")}
	newcomers := []PhaseView{foldPhase(InProgress, "CcccccPppPppp")}
	for _, c := range []struct {
		name   string
		phases []PhaseView
		lines  int
		want   []string
	}{
		{"no limit", rollout, 0, []string{"cccc", "cccccsspppppp", "ppp"}},
		{"it fits", rollout, 23, []string{"cccc", "cccccsspppppp", "ppp"}},
		{"one line too many: what is COMPLETE goes", rollout, 22, []string{"whole", "cccccsspppppp", "ppp"}},
		{"then COMPLETE steps, no more than needed", rollout, 17, []string{"whole", "[3c]ccsspppppp", "ppp"}},
		{"then those that wait, the largest group first", rollout, 12, []string{"whole", "[5c]sspp[4p]", "ppp"}},
		{"then those of other phases", rollout, 9, []string{"whole", "[5c]ss[6p]", "p[2p]"}},
		{"then what is under way", rollout, 7, []string{"whole", "[5c][2s][6p]", "[3p]"}},
		{"then phases", rollout, 6, []string{"whole", "[5c][2s][6p]", "whole"}},
		{"nothing but phases", rollout, 5, []string{"whole", "whole", "whole"}},
		{"more phases than lines", rollout, 1, []string{"whole", "whole", "whole"}},
		{"no phases", nil, 1, nil},
		{"no steps", []PhaseView{{}, {}}, 1, []string{"whole", "whole"}},
		{"remarkable steps remain", newcomers, 10, []string{"C[5c]PppPppp"}},
		{"as long as they may", newcomers, 6, []string{"[6c]Pp[4p]P"}},
		{"and not longer", newcomers, 5, []string{"[6c]P[5p]P"}},
		{"to the end", newcomers, 4, []string{"[6c]P[6p]"}},
		{"to the very end", newcomers, 3, []string{"[6c][7p]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for i, f := range Fold(View{Phases: c.phases}, c.lines).Phases {
				got = append(got, foldShows(f, c.phases[i]))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("what is shown (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatAnOperatorSaidOfIsRemarkable(t *testing.T) {
	p := foldPhase(InProgress, "cccc")
	p.Steps[0].Facts = []Fact{{Kind: Forced}}
	if diff := cmp.Diff("c[3c]", foldShows(Fold(View{Phases: []PhaseView{p}}, 3).Phases[0], p)); diff != "" {
		t.Errorf("what is shown (-want +got):\n%s", diff)
	}
}

func TestLinesTellWhichStepsTheyStandFor(t *testing.T) {
	p := foldPhase(InProgress, "cccspp")
	want := []FoldLine{
		{Step: 0, Hidden: 2, Status: Complete}, {Step: 2, Status: Complete}, {Step: 3, Status: Starting}, {Step: 4, Hidden: 2, Status: Pending},
	}
	if diff := cmp.Diff(want, PhaseFold{Hidden: Counts{Complete: 2, Pending: 2}}.Lines(p)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if got := (PhaseFold{Whole: true}).Lines(p); got != nil {
		t.Errorf("a phase that is folded as a whole has lines: %v", got)
	}
}

// TestCountsThatAreWrongHideNothingThatIsNotThere has counts of somebody else, for instance of a newer server.
func TestCountsThatAreWrongHideNothingThatIsNotThere(t *testing.T) {
	for _, c := range []struct {
		name   string
		counts Counts
		want   string
	}{
		{"none", Counts{}, "[3c]spp"},
		{"too many", Counts{Complete: 30}, "[3c]spp"},
		{"of other statuses", Counts{Complete: 1, Delayed: 5}, "cccspp"},
		{"more of one status than there are", Counts{Complete: 6}, "[3c]spp"},
	} {
		p := foldPhase(InProgress, "cccspp")
		p.Counts = c.counts
		if diff := cmp.Diff(c.want, foldShows(Fold(View{Phases: []PhaseView{p}}, 5).Phases[0], p)); diff != "" {
			t.Errorf("%s: what is shown (-want +got):\n%s", c.name, diff)
		}
	}
	p := PhaseView{Steps: []StepView{{Status: 200}, {Status: 200}, {Status: Complete}, {Status: Complete}}}
	if got := (PhaseFold{Hidden: Counts{Complete: 2}}).Lines(p); len(got) != 3 {
		t.Errorf("%d lines, want 3: steps of an unknown status are shown", len(got))
	}
}

// drawFoldView draws phases of few statuses, so that there are groups.
func drawFoldView(t *rapid.T) View {
	letters := rapid.StringOfN(rapid.RuneFrom([]rune("cccPppse")), 0, 20, -1)
	var v View
	for range rapid.IntRange(0, 5).Draw(t, "phases") {
		status := Status(rapid.IntRange(0, int(Error)).Draw(t, "status"))
		v.Phases = append(v.Phases, foldPhase(status, letters.Draw(t, "steps")))
	}
	return v
}

func TestFoldProperties(t *testing.T) {
	for _, c := range []struct {
		sentence string
		check    func(t *rapid.T, v View, lines int, f Folding)
	}{
		{"it fits, or every phase is folded", foldFits},
		{"every step is shown or counted, once, and in order", foldAccountsForAll},
		{"no line stands for a single step", foldSavesLines},
		{"a remarkable step is hidden only if no ordinary one of its status is shown", foldKeepsRemarkable},
		{"with more room no less is shown", foldIsMonotone},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			checkDrawn(t, func(t *rapid.T) {
				v := drawFoldView(t)
				lines := rapid.IntRange(1, 60).Draw(t, "lines")
				c.check(t, v, lines, Fold(v, lines))
			})
		})
	}
}

// foldHeight is how many lines a folded plan takes.
func foldHeight(v View, f Folding) int {
	n := len(v.Phases)
	for i, p := range v.Phases {
		n += len(f.Phases[i].Lines(p))
	}
	return n
}

func foldFits(t *rapid.T, v View, lines int, f Folding) {
	if got := foldHeight(v, f); got > lines && got > len(v.Phases) {
		t.Fatalf("%d lines are more than %d, and there are only %d phases", got, lines, len(v.Phases))
	}
}

func foldAccountsForAll(t *rapid.T, v View, _ int, f Folding) {
	for i, p := range v.Phases {
		if f.Phases[i].Whole {
			continue
		}
		var shown Counts
		last := -1
		for _, l := range f.Phases[i].Lines(p) {
			if l.Step <= last {
				t.Fatalf("phase %d: step %d comes after %d", i, l.Step, last)
			}
			last = l.Step
			if l.Hidden == 0 {
				shown.Add(l.Status)
			} else {
				shown[l.Status] += l.Hidden
			}
			if p.Steps[l.Step].Status != l.Status {
				t.Fatalf("phase %d: the line of step %d says %s", i, l.Step, l.Status)
			}
		}
		var want Counts
		for j := range p.Steps {
			want.Add(p.Steps[j].Status)
		}
		if shown != want {
			t.Fatalf("phase %d: %v are shown or counted, want %v", i, shown, want)
		}
	}
}

func foldSavesLines(t *rapid.T, _ View, _ int, f Folding) {
	for i := range f.Phases {
		for s, hidden := range f.Phases[i].Hidden {
			if hidden == 1 {
				t.Fatalf("phase %d: one step of %s is hidden, which saves nothing", i, Status(s))
			}
		}
	}
}

func foldKeepsRemarkable(t *rapid.T, v View, _ int, f Folding) {
	for i, p := range v.Phases {
		var ordinary, shown [Error + 1]int
		var all [Error + 1]int
		for j := range p.Steps {
			all[p.Steps[j].Status] += remarkable(&p.Steps[j])
		}
		for _, l := range f.Phases[i].Lines(p) {
			if l.Hidden > 0 {
				continue
			}
			shown[l.Status] += remarkable(&p.Steps[l.Step])
			ordinary[l.Status] += 1 - remarkable(&p.Steps[l.Step])
		}
		for s := range all {
			if !f.Phases[i].Whole && shown[s] < all[s] && ordinary[s] > 0 {
				t.Fatalf("phase %d: %d remarkable steps of %s are hidden, and %d ordinary ones are shown", i, all[s]-shown[s], Status(s), ordinary[s])
			}
		}
	}
}

func foldIsMonotone(t *rapid.T, v View, lines int, f Folding) {
	if more := Fold(v, lines+1); foldHeight(v, more) < foldHeight(v, f) {
		t.Fatalf("%d lines with room for %d, and %d with room for %d", foldHeight(v, f), lines, foldHeight(v, more), lines+1)
	}
}

// foldHuge has 10,000 steps.
func foldHuge() View {
	return View{Phases: []PhaseView{
		foldPhase(Complete, strings.Repeat("c", 500)),
		foldPhase(InProgress, strings.Repeat("c", 6000)+strings.Repeat("s", 12)+strings.Repeat("p", 2988)+strings.Repeat("P", 500)),
	}}
}

func TestAHugePlanFoldsToAScreen(t *testing.T) {
	v := foldHuge()
	for lines := 2; lines < 80; lines++ {
		f := Fold(v, lines)
		if got := foldHeight(v, f); got > lines {
			t.Errorf("%d lines, want at most %d", got, lines)
		}
	}
}

func BenchmarkFold(b *testing.B) {
	v := foldHuge()
	b.Run("10000-steps", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f := Fold(v, 24)
			for i, p := range v.Phases {
				f.Phases[i].Lines(p)
			}
		}
	})
}
