package plans

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReasonsPage(t *testing.T) {
	page := filepath.Join("..", "docs", "reasons.md")
	if *update {
		if err := os.WriteFile(page, []byte(Reasons()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(written), "\n"), strings.Split(Reasons(), "\n")); diff != "" {
		t.Errorf("%s is not what Reasons returns; run go test ./plans -run TestReasonsPage -update (-page +Reasons):\n%s", page, diff)
	}
}

func TestReasonsHasEveryCodeOnce(t *testing.T) {
	page := Reasons()
	last := -1
	for _, info := range CodeTable {
		heading := "\n## " + string(info.Code) + "\n"
		if n := strings.Count(page, heading); n != 1 {
			t.Errorf("code %q has %d headings, want 1", info.Code, n)
		}
		place := strings.Index(page, heading)
		if place < last {
			t.Errorf("code %q comes before one of a lower rank", info.Code)
		}
		last = place
		if info.Meaning == "" || info.Advice == "" {
			t.Errorf("code %q has no meaning or no advice", info.Code)
		}
	}
}
