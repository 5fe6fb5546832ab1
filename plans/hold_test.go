package plans

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCodeTableIsWhole compares the table with the constants in the source: same codes, same order.
func TestCodeTableIsWhole(t *testing.T) {
	var inTable []Code
	for i, info := range CodeTable {
		inTable = append(inTable, info.Code)
		if info.Rank != i || info.Code.Info() != info {
			t.Errorf("%s: rank %d at place %d", info.Code, info.Rank, i)
		}
		for _, text := range []string{info.Meaning, info.Advice} {
			if !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %q is not a sentence", info.Code, text)
			}
		}
	}
	if diff := cmp.Diff(declaredCodes(t), inTable); diff != "" {
		t.Errorf("codes (-declared +in table):\n%s", diff)
	}
}

// declaredCodes reads the constants of type Code from hold.go.
func declaredCodes(t *testing.T) []Code {
	file, err := parser.ParseFile(token.NewFileSet(), "hold.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Code" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, Code(value))
		}
		return true
	})
	return codes
}

// TestBlockingCodes writes down which reasons keep a step from being tried. Those that come from trying must not be among them.
func TestBlockingCodes(t *testing.T) {
	var got []Code
	for _, info := range CodeTable {
		if !info.Blocks {
			got = append(got, info.Code)
		}
	}
	want := []Code{CodeDisconnected, CodeDevice, CodeNoOffer, CodeNoMatch, CodeLaunching, CodeUnhealthy, CodeSettling, CodePausing, CodeService}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("codes that do not block (-want +got):\n%s", diff)
	}
	if unknown := Code("no-such-code").Info(); !unknown.Blocks || unknown.Rank != len(CodeTable) {
		t.Errorf("an unknown code is %+v", unknown)
	}
	if !slices.ContainsFunc(CodeTable, func(c CodeInfo) bool { return c.Blocks }) {
		t.Errorf("no code blocks")
	}
}
