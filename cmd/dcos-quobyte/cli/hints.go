package cli

import (
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/plans"
)

// resumeHints are the commands that let go on what waits for an operator: pauses, the run's halt, breakpoints that are reached, and canaries.
func (c *command) resumeHints(cmd *cobra.Command, v plans.View) []string {
	resume := "resume with: " + cmd.Root().DisplayName()
	for _, flag := range []struct{ name, value string }{{"url", c.flags.url}, {"name", c.flags.name}} {
		if cmd.Flags().Changed(flag.name) {
			resume += " --" + flag.name + " " + shellWord(flag.value)
		}
	}
	resume += " plan resume " + shellWord(v.Name)
	var hints []string
	own := slices.IndexFunc(v.Holds, func(h plans.Hold) bool { return h.Code == plans.CodePaused && h.Element == "" })
	if own >= 0 || v.Run.Halt != nil {
		hints = append(hints, resume)
	}
	for _, p := range v.Phases {
		paused := slices.ContainsFunc(p.Holds, func(h plans.Hold) bool {
			return h.Code == plans.CodePaused && h.Element == "" && (own < 0 || h != v.Holds[own])
		})
		if paused || stopped(&p) {
			hints = append(hints, resume+" "+shellWord(p.Name))
		}
		for _, s := range p.Steps {
			if s.Status != plans.Complete && slices.ContainsFunc(s.Facts, func(f plans.Fact) bool { return f.Kind == plans.Paused }) {
				hints = append(hints, resume+" "+shellWord(p.Name)+" "+shellWord(s.Name))
			}
		}
	}
	return hints
}

// stopped says whether a phase has come to a breakpoint of its own, or to where its canary is continued.
func stopped(p *plans.PhaseView) bool {
	broken := slices.ContainsFunc(p.Facts, func(f plans.Fact) bool { return f.Kind == plans.Breakpoint })
	return slices.ContainsFunc(p.Holds, func(h plans.Hold) bool {
		switch h.Code {
		case plans.CodeBreakpoint: // what lies behind a phase is shown there when it is COMPLETE
			return broken && (p.Status == plans.Waiting || p.Status == plans.Complete)
		case plans.CodeCanary:
			return p.Status == plans.Waiting && p.Continue != nil
		}
		return false
	})
}

// shellWord quotes what a shell would not take for one plain word.
func shellWord(s string) string {
	special := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_./:@%+=,", r)
	}
	if s != "" && !strings.ContainsFunc(s, special) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
