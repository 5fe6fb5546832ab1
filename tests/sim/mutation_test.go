package sim_test

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/quobyte/mesos-framework/tests/sim"
)

var (
	mutations = flag.Bool("sim.mutations", false, "build the product with each of the faults in testdata/mutations, and look for it")
	hunt      = flag.Int("sim.hunt", 0, "look for the first of so many seeds that breaks an invariant, and print it")
	table     = flag.String("sim.table", "", "the file in whose table of mutations the rows of those that are tried are to be written anew")
)

// mutation is a fault that somebody could make: a file of testdata/mutations, in the txtar format. Its comment is a sentence about the fault,
// its files are the path of a file of the product, a text that occurs in that exactly once, and what stands there in the product with the fault.
type mutation struct {
	name, sentence, file, old, new string
	within                         int // runs within which it must be found
}

const defaultRuns = 300

func readMutation(t *testing.T, path string) mutation {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := mutation{name: strings.TrimSuffix(filepath.Base(path), ".txtar"), within: defaultRuns}
	for _, line := range strings.Split(strings.TrimSpace(string(archive.Comment)), "\n") {
		if number, ok := strings.CutPrefix(line, "within "); ok {
			if m.within, err = strconv.Atoi(number); err != nil {
				t.Fatalf("%s: %q: %v", path, line, err)
			}
			continue
		}
		m.sentence = strings.TrimSpace(m.sentence + " " + line)
	}
	for _, f := range archive.Files {
		text := strings.TrimSuffix(string(f.Data), "\n")
		switch f.Name {
		case "file":
			m.file = text
		case "old":
			m.old = text
		case "new":
			m.new = text
		default:
			t.Fatalf("%s: part %q: there are file, old and new", path, f.Name)
		}
	}
	if m.sentence == "" || m.file == "" || m.old == "" {
		t.Fatalf("%s: sentence, file or old is missing", path)
	}
	return m
}

// apply writes the product's file with the fault beside it, and an overlay that puts it in the place of the real one.
func (m mutation) apply(t *testing.T, dir string) string {
	t.Helper()
	original, err := filepath.Abs(filepath.Join("..", "..", m.file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		t.Fatalf("%s: the old text occurs %d times in %s: it must be found once; the product has changed, so must the mutation", m.name, n, m.file)
	}
	changed := filepath.Join(dir, filepath.Base(m.file))
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

var foundLine = regexp.MustCompile(`(?m)^hunt: seed (\d+) after (\d+) runs: (.*)$`)

// TestMutations builds the simulator with one fault after the other, and looks how many schedules it takes to find each.
func TestMutations(t *testing.T) {
	files, err := filepath.Glob("testdata/mutations/*.txtar")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d mutations, %v: there must be 20 at least", len(files), err)
	}
	if !*mutations {
		for _, file := range files { // that they apply can be seen at once
			readMutation(t, file).apply(t, t.TempDir())
		}
		t.Skip("mutations are tried with -sim.mutations (make mutations)")
	}
	rows, sentences := make([]string, len(files)), make([]string, len(files))
	for k, file := range files {
		m := readMutation(t, file)
		sentences[k] = m.sentence
		t.Run(m.name, func(t *testing.T) {
			runs, broken := m.hunt(t)
			t.Logf("found after %d runs: %s", runs, broken)
			rows[k] = fmt.Sprintf("| %s | %s | %d |", m.sentence, broken, runs)
		})
	}
	if *table != "" {
		writeTable(t, *table, sentences, rows)
	}
}

func (m mutation) hunt(t *testing.T) (int, string) {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "sim.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", m.apply(t, dir), "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s does not build: %v\n%s", m.name, err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	for next := 1; next <= m.within; {
		run := exec.CommandContext(ctx, program, "-test.run", "^TestHunt$", "-sim.first", strconv.Itoa(next), "-sim.hunt", strconv.Itoa(m.within-next+1))
		out, err := run.CombinedOutput()
		found := foundLine.FindStringSubmatch(string(out))
		if found == nil {
			t.Errorf("not found in %d runs: %s (%v)", m.within, m.sentence, err)
			break
		}
		seed, _ := strconv.Atoi(found[1])
		own := attempt(uint64(seed))
		if own == "" { // the product without the fault holds there
			return seed, found[3]
		}
		t.Logf("seed %d does not count, the product itself does not hold there: %s", seed, own)
		next = seed + 1
	}
	return 0, "**not found**"
}

// TestHunt looks for a seed that breaks something. A machine that panics is found as well.
func TestHunt(t *testing.T) {
	if *hunt == 0 {
		t.Skip("looks for a fault that is known to be there (-sim.hunt)")
	}
	for n := 1; n <= *hunt; n++ {
		seed := *first + uint64(n) - 1
		if broken := attempt(seed); broken != "" {
			fmt.Printf("hunt: seed %d after %d runs: %s\n", seed, n, broken)
			return
		}
	}
}

// attempt runs a seed, and of ten seeds one twice.
func attempt(seed uint64) (broken string) {
	defer func() {
		if r := recover(); r != nil {
			broken = "nothing panics"
		}
	}()
	if seed%10 != 0 {
		return sim.Run(sim.Draw(seed), nil).Broken
	}
	a, b := sim.Run(sim.Draw(seed), io.Discard), sim.Run(sim.Draw(seed), io.Discard)
	if a.Broken == "" && a.Digest != b.Digest {
		return "the same seed gives the same journal"
	}
	return a.Broken
}

// The table stands between these two lines of a document.
const (
	tableBegin = "<!-- mutations: written by make mutations -->\n"
	tableEnd   = "<!-- end of mutations -->\n"
)

// writeTable writes the rows of mutations that were tried, and leaves those of the others.
func writeTable(t *testing.T, path string, sentences, rows []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), tableBegin)
	old, after, also := strings.Cut(rest, tableEnd)
	if !ok || !also {
		t.Fatalf("%s has no place for the table", path)
	}
	known := map[string]string{}
	for _, row := range strings.Split(old, "\n") {
		if cells := strings.Split(row, " | "); len(cells) > 1 {
			known[strings.TrimPrefix(cells[0], "| ")] = row
		}
	}
	for k, sentence := range sentences {
		if rows[k] == "" {
			rows[k] = cmp.Or(known[sentence], fmt.Sprintf("| %s | not tried yet | |", sentence))
		}
	}
	body := "| fault | found by | runs |\n|---|---|---|\n" + strings.Join(rows, "\n") + "\n"
	if err := os.WriteFile(path, []byte(before+tableBegin+body+tableEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
