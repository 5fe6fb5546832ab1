package tree

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/plans"
)

// said are the words for facts that no hold tells, since they do not keep anything from moving.
var said = [...]struct {
	kind  plans.FactKind
	when  plans.When
	words string
}{
	{plans.Forced, "", "force-completed"},
	{plans.Excepted, "", "excepted"},
	{plans.Restarted, "", "restarted"},
	{plans.Breakpoint, plans.BeforePhase, "breakpoint before it"},
	{plans.Breakpoint, plans.AfterPhase, "breakpoint after it"},
	{plans.Breakpoint, plans.AfterBatch, "breakpoint after each batch"},
}

// stepText is why a step does not move, or what is wrong with it, and what operators said about it.
func stepText(s *plans.StepView, now time.Time) string {
	texts := []string{firstHold(s.Holds, now)}
	if texts[0] == "" && len(s.Errors) > 0 {
		texts[0] = clean(s.Errors[0])
	}
	texts = append(texts, factTexts(s.Facts, s.Holds)...)
	if s.Works != "" && !hasCode(s.Holds, plans.CodeOtherPlan) {
		texts = append(texts, clean(s.Works)+" works on its pod")
	}
	return joinTexts(texts)
}

// phaseText says how far a phase has come and why it does not move, what operators said about it, and what "continue" does.
func phaseText(p *plans.PhaseView, now time.Time) string {
	texts := append([]string{phaseSteps(p), firstHold(p.Holds, now)}, factTexts(p.Facts, p.Holds)...)
	if !hasCode(p.Holds, plans.CodeCanary) { // its text says it already
		texts = append(texts, continueText(p.Continue))
	}
	return joinTexts(texts)
}

// factTexts says what operators did, who did it and why, unless the hold that is shown says so. A breakpoint that lies ahead is told, too.
func factTexts(facts []plans.Fact, holds []plans.Hold) []string {
	var texts []string
	for _, f := range facts {
		if f.Kind == plans.Breakpoint && len(holds) > 0 && tells(&holds[0], &f) {
			continue
		}
		if text := factText(f); text != "" {
			texts = append(texts, text)
		}
	}
	return texts
}

// tells says whether a hold is that of a breakpoint.
func tells(h *plans.Hold, f *plans.Fact) bool {
	return h.Code == plans.CodeBreakpoint && h.Since.Equal(f.At) && h.Subject == f.Actor
}

// factText is for instance "force-completed by ann: the disk is on its way".
func factText(f plans.Fact) string {
	for _, s := range said {
		if s.kind != f.Kind || s.when != "" && s.when != f.When {
			continue
		}
		text := s.words
		if f.Force {
			text += " with force"
		}
		return text + byWhom(f.Actor, f.Reason)
	}
	return ""
}

// byWhom says who did something, and why, if that is known.
func byWhom(actor, reason string) string {
	text := ""
	if actor != "" {
		text += " by " + clean(actor)
	}
	if reason != "" {
		text += ": " + clean(reason)
	}
	return text
}

// continueText says what "continue" of a canary phase begins.
func continueText(r *plans.Release) string {
	if r == nil {
		return ""
	}
	var what []string
	if r.Step != "" {
		what = append(what, clean(r.Step))
	}
	if r.All && r.Others > 0 {
		what = append(what, plural(r.Others, "other"))
	}
	if len(what) == 0 {
		return ""
	}
	return `"continue" begins ` + strings.Join(what, ", then ")
}

// phaseSteps says how far a phase has come. Newcomers are beside what it has to do.
func phaseSteps(p *plans.PhaseView) string {
	return stepsText(p.StepsDone, len(p.Steps)-p.Newcomers) + newcomersText(p.Newcomers)
}

func newcomersText(n int) string {
	if n == 0 {
		return ""
	}
	return ", " + plural(n, "newcomer")
}

// plural is for instance "1 newcomer" or "2 newcomers".
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

func hasCode(holds []plans.Hold, code plans.Code) bool {
	return slices.ContainsFunc(holds, func(h plans.Hold) bool { return h.Code == code })
}

// joinTexts separates the texts that are not empty by semicolons.
func joinTexts(texts []string) string {
	return strings.Join(slices.DeleteFunc(texts, func(t string) bool { return t == "" }), "; ")
}
