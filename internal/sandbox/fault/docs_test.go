package fault_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

var update = flag.Bool("update", false, "write the table of kinds into docs/sandbox.md")

// The table of kinds in the documentation is that of the code.
func TestDocumentedKinds(t *testing.T) {
	file := filepath.Join("..", "..", "..", "docs", "sandbox.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- kinds -->\n", "<!-- /kinds -->"
	before, rest, found := strings.Cut(string(text), begin)
	old, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the table of kinds: %s … %s", file, begin, end)
	}
	var b strings.Builder
	b.WriteString("| kind | takes | nature | what it does |\n|---|---|---|---|\n")
	for _, e := range fault.Table() {
		var takes []string
		for _, p := range fault.ParamsOf(e.Kind) {
			if fault.Required(e.Kind, p.Name) {
				takes = append(takes, strings.ToUpper(p.Name))
				continue
			}
			takes = append(takes, "`--"+p.Name+"`")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", e.Kind, strings.Join(takes, " "), e.Nature, e.Text)
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+b.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(old, b.String()); diff != "" {
		t.Errorf("%s (-has +should have; go test ./internal/sandbox/fault -update writes it):\n%s", file, diff)
	}
}
