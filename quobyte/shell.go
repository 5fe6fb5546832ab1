package quobyte

import (
	"strings"

	"github.com/quobyte/mesos-framework/offers"
)

// quote makes one word of a text for /bin/sh, whatever is in it. Words that need no quotes are left as they are.
func quote(text string) string {
	if text != "" && !strings.ContainsFunc(text, needsQuote) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

func needsQuote(r rune) bool {
	switch {
	case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
		return false
	}
	return !strings.ContainsRune("_-./:,@+%", r)
}

// exportLine is a shell line that exports the variables and then runs a command in the shell's place, so that signals
// reach it.
func exportLine(env []offers.Var, command string) string {
	var line strings.Builder
	for i, v := range env {
		if i == 0 {
			line.WriteString("export")
		}
		line.WriteString(" " + v.Name + "=" + quote(v.Value))
	}
	if len(env) > 0 {
		line.WriteString(" && ")
	}
	return line.String() + "exec " + command
}
