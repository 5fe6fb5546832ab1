package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/quobyte/mesos-framework"

// room says what the packages at or below a path may import of this module.
type room struct {
	path   string
	may    []string // prefixes of packages; a trailing "!" means that very package only
	reason string
}

// rooms is searched from the top; the first path that fits a package counts.
var rooms = []room{
	{"plans", nil, "plans is a library for anybody's plans: it knows neither offers nor the machine nor Quobyte"},
	{"offers", nil, "offers is a library for anybody's tasks: it knows neither plans nor the machine nor Quobyte"},
	{"engine/machine", []string{"plans", "offers"}, "the machine translates between plans and offers; everything else is told to it through events and its Service"},
	{"engine/zookeeper", []string{"internal/zktest!"}, "a connection knows nothing of what is kept through it"},
	{"engine/store", []string{"engine/machine!", "engine/zookeeper!", "internal/zktest!"}, "a store keeps records and never looks at them"},
	{"engine/leader", []string{"engine/zookeeper!", "internal/zktest!"}, "an election knows who leads and not what for"},
	{"engine/mesos", []string{"engine/mesos", "engine/machine!", "engine/zookeeper!", "offers!", "internal/zktest!"}, "the session maps messages to the machine's words; it decides nothing"},
	{"engine/recorder", []string{"engine/machine!", "plans!", "offers!"}, "the recorder writes down what goes into a machine, of any service; who calls it and what it records are told to it"},
	{"engine/backup", []string{"engine/machine!"}, "a backup is records in a file; whose they are, and how they are stored, is nothing to it"},
	{"engine/api", []string{"engine/api", "engine/backup!", "engine/machine!", "plans!"}, "readers see published views and hand over verbs; they never touch the loop"},
	{"engine", []string{"engine", "plans", "offers", "internal/zktest!"}, "the engine must know nothing of Quobyte: it is an SDK"},
	{"quobyte/prober", []string{"quobyte!", "engine/mesos/executor!", "engine/machine!", "offers!"}, "the prober is an executor that speaks Quobyte"},
	{"quobyte", []string{"engine/machine!", "plans!", "offers!"}, "quobyte implements the machine's Service and knows no I/O"},
	{"internal/sandbox", []string{"internal/sandbox"}, "the sandbox only speaks the protocol: what it shared with the engine it could not check"},
	{"internal/zktest", nil, "ZooKeeper for tests knows nothing of what is tested with it"},
	{"internal/standin", []string{"internal/standin"}, "the stand-in stands for somebody else's program"},
	{"cmd", []string{"cmd", "engine", "plans", "offers", "quobyte", "internal"}, "programs are made of the rooms, not of their tests"},
	{"tests", []string{"cmd", "engine", "plans", "offers", "quobyte", "internal", "tests"}, "tests may look into every room"},
}

// pure packages are functions of their arguments.
var pure = []string{"plans", "offers", "quobyte", "engine/machine", "engine/mesos/wire", "internal/sandbox/cluster", "internal/sandbox/direct", "internal/sandbox/fault"}

// pureImports is what pure packages may import besides rooms of this module: values and functions of their arguments, nothing that reads a
// clock, a file, the network, the environment or chance, and nothing to run or wait with.
var pureImports = []string{
	"bytes", "cmp", "container/heap", "crypto/sha1", "crypto/sha256", "encoding/base64", "encoding/binary", "encoding/hex", "encoding/json", "errors", "fmt", "hash/fnv", "io", "iter",
	"maps", "math", "math/bits", "net/netip", "path", "reflect", "regexp", "regexp/syntax", "slices", "sort", "strconv", "strings", "time", "unicode", "unicode/utf8",
	"github.com/google/uuid", "github.com/hashicorp/go-multierror",
}

// pureImportsAlso lists what single packages may import as well, with the reason.
var pureImportsAlso = map[string]map[string]string{
	"quobyte":                  {"bufio": "scans a device file that was read already", "net/url": "builds addresses", "net": "joins host and port"},
	"internal/sandbox/cluster": {"net/http": "names of status codes", "github.com/mesos/mesos-go": "the protocol's messages", "github.com/gogo/protobuf": "their runtime"},
	"internal/sandbox/direct":  {"github.com/mesos/mesos-go": "the protocol's messages"},
	"internal/sandbox/fault":   {"net": "splits host and port"},
	"engine/mesos/wire":        {"net": "joins host and port, reads addresses", "net/http": "names of status codes", "github.com/mesos/mesos-go": "the protocol's messages", "github.com/gogo/protobuf": "their runtime"},
}

// bannedCalls in pure packages: import path and function.
var bannedCalls = map[string]string{
	"time.Now": "time comes in with the call", "time.Since": "time comes in with the call", "time.Until": "time comes in with the call",
	"time.Sleep": "nothing here blocks", "time.After": "nothing here blocks", "time.Tick": "nothing here blocks",
	"time.NewTimer": "nothing here blocks", "time.NewTicker": "nothing here blocks", "time.AfterFunc": "nothing here blocks",
	"github.com/google/uuid.New": "random numbers come in with the call", "github.com/google/uuid.NewString": "random numbers come in with the call",
	"github.com/google/uuid.NewRandom": "random numbers come in with the call", "github.com/google/uuid.NewUUID": "random numbers come in with the call",
	"fmt.Print": "printing is I/O", "fmt.Println": "printing is I/O", "fmt.Printf": "printing is I/O",
}

type source struct {
	pkg  string // path below the module
	file string
	test bool
	ast  *ast.File
}

func sources(t *testing.T, fset *token.FileSet) []source {
	t.Helper()
	root := filepath.Join("..", "..")
	var out []source
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != ".." || d.Name() == "testdata" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(file, ".go") {
			return nil
		}
		f, err := parser.ParseFile(fset, file, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		out = append(out, source{pkg: filepath.ToSlash(rel), file: file, test: strings.HasSuffix(file, "_test.go"), ast: f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("found only %d source files below %s", len(out), root)
	}
	return out
}

func roomOf(pkg string) (room, bool) {
	for _, r := range rooms {
		if within(pkg, r.path) {
			return r, true
		}
	}
	return room{}, false
}

func within(pkg, prefix string) bool { return pkg == prefix || strings.HasPrefix(pkg, prefix+"/") }

func allowed(r room, imported string) bool {
	for _, m := range r.may {
		if exact, ok := strings.CutSuffix(m, "!"); ok {
			if imported == exact {
				return true
			}
			continue
		}
		if within(imported, m) {
			return true
		}
	}
	return false
}

func TestImportsGoOneWay(t *testing.T) {
	for _, s := range sources(t, token.NewFileSet()) { // tests included: what a room is tested with, it could come to need
		r, ok := roomOf(s.pkg)
		if !ok {
			t.Errorf("%s: package %s is in no room of the architecture (design: the rooms)", s.file, s.pkg)
			continue
		}
		for _, spec := range s.ast.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if strings.HasPrefix(name, "github.com/mesos/mesos-go") && !within(s.pkg, "engine/mesos") && !within(s.pkg, "internal/sandbox") {
				t.Errorf("%s imports %s: mesos-go's generated types stay inside engine/mesos and internal/sandbox, so that it can be replaced", s.file, name)
			}
			rel, ours := strings.CutPrefix(name, module+"/")
			itself := rel == s.pkg // an example, which sees what callers see
			if ours && !itself && !allowed(r, rel) {
				t.Errorf("%s imports %s: %s", s.file, rel, r.reason)
			}
		}
	}
}

func TestPurePackagesArePure(t *testing.T) {
	fset := token.NewFileSet()
	checked := map[string]bool{}
	for _, s := range sources(t, fset) {
		if s.test || !slices.Contains(pure, s.pkg) {
			continue
		}
		checked[s.pkg] = true
		for _, spec := range s.ast.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			if !strings.HasPrefix(name, module+"/") && !mayImport(s.pkg, name) {
				t.Errorf("%s imports %s: it is not among the packages that a pure package may import (pureImports): pure code is a function of its arguments", s.file, name)
			}
		}
		names := importNames(s.ast)
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if reason := impurity(n, names); reason != "" {
				t.Errorf("%s: %s", fset.Position(n.Pos()), reason)
			}
			return true
		})
	}
	for _, p := range pure {
		if !checked[p] {
			t.Errorf("package %s: not found, so nothing was checked", p)
		}
	}
}

func mayImport(pkg, name string) bool {
	if slices.Contains(pureImports, name) {
		return true
	}
	for also := range pureImportsAlso[pkg] {
		if within(name, also) {
			return true
		}
	}
	return false
}

// importNames maps the name by which a file knows a package to its path.
func importNames(f *ast.File) map[string]string {
	out := map[string]string{}
	for _, spec := range f.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		local := path.Base(name)
		if spec.Name != nil {
			local = spec.Name.Name
		}
		out[local] = name
	}
	return out
}

func impurity(n ast.Node, names map[string]string) string {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "a goroutine: pure code has one owner"
	case *ast.ChanType:
		return "a channel: pure code has one owner"
	case *ast.SelectStmt:
		return "a select: nothing here blocks"
	case *ast.SelectorExpr:
		if x, ok := n.X.(*ast.Ident); ok {
			if reason, banned := bannedCalls[names[x.Name]+"."+n.Sel.Name]; banned {
				return fmt.Sprintf("%s.%s: %s", x.Name, n.Sel.Name, reason)
			}
		}
	}
	return ""
}

func TestEveryPackageIsDocumentedOnce(t *testing.T) {
	docs := map[string][]string{}
	packages := map[string]bool{}
	for _, s := range sources(t, token.NewFileSet()) {
		if s.test {
			continue
		}
		packages[s.pkg] = true
		if s.ast.Doc != nil {
			docs[s.pkg] = append(docs[s.pkg], path.Base(filepath.ToSlash(s.file)))
		}
	}
	for pkg := range packages {
		if got := docs[pkg]; !slices.Equal(got, []string{"doc.go"}) {
			t.Errorf("package %s: its comment must stand in doc.go and nowhere else; found it in %v", pkg, got)
		}
	}
}

// packageState finds package-level variables that are assigned to after their declaration would be hard; what can be seen is that
// nothing but tables, errors and compile-time assertions stands there.
func TestNoMutablePackageState(t *testing.T) {
	fset := token.NewFileSet()
	for _, s := range sources(t, fset) {
		if s.test {
			continue
		}
		vars := map[string]bool{}
		for _, d := range s.ast.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					vars[name.Name] = true
				}
			}
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			a, ok := n.(*ast.AssignStmt)
			if !ok || a.Tok == token.DEFINE {
				return true
			}
			for _, l := range a.Lhs {
				if id, ok := l.(*ast.Ident); ok && vars[id.Name] && id.Obj != nil && id.Obj.Kind == ast.Var && isPackageLevel(s.ast, id) {
					t.Errorf("%s: package variable %s is assigned to: there is no package-level mutable state", fset.Position(l.Pos()), id.Name)
				}
			}
			return true
		})
	}
}

func isPackageLevel(f *ast.File, id *ast.Ident) bool {
	o := f.Scope.Lookup(id.Name)
	return o != nil && o == id.Obj
}

// The tests themselves must not sleep: virtual time, or waiting on a condition.
func TestNoSleepsInTests(t *testing.T) {
	fset := token.NewFileSet()
	for _, s := range sources(t, fset) {
		if !s.test {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && sel.Sel.Name == "Sleep" && !usesSynctest(s.ast) {
					t.Errorf("%s: time.Sleep in a test: wait on a condition, or use virtual time", fset.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

func usesSynctest(f *ast.File) bool {
	for _, spec := range f.Imports {
		if name, _ := strconv.Unquote(spec.Path.Value); name == "testing/synctest" {
			return true
		}
	}
	return false
}
