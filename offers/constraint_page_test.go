package offers

import (
	"os"
	"strings"
	"testing"
)

// The page for operators must show what is really said.
func TestConstraintsPageShowsTheMessages(t *testing.T) {
	page, err := os.ReadFile("../docs/constraints.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for line := range strings.Lines(string(page)) {
		message := strings.TrimSpace(line)
		if !strings.HasPrefix(message, "constraint ") {
			continue
		}
		shown++
		text := strings.Trim(strings.TrimPrefix(message[:strings.Index(message, ": at character")], "constraint "), "\"`")
		if _, err := ParseConstraint(text); err == nil || err.Error() != message {
			t.Errorf("the page shows\n%s\nbut the error of %s is\n%v", message, text, err)
		}
	}
	if shown < 3 {
		t.Errorf("the page shows %d messages, want 3", shown)
	}
	for _, d := range demands {
		if !strings.Contains(string(page), "| `"+string(d.operator)) {
			t.Errorf("operator %s has no row in the page", d.operator)
		}
	}
}
