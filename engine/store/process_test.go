//go:build unix

package store

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/zookeeper"
)

// childVar names what the test binary is to do instead of testing: a key of children.
const childVar = "STORE_TEST_CHILD"

// children are programs that open the store in their last argument, a directory or zk://…. They say what they did, a line for each thing.
var children = map[string]func(s Store) error{
	"hold":   hold,
	"commit": commitForEver,
	"full":   fillUp,
}

func TestMain(m *testing.M) {
	child, is := children[os.Getenv(childVar)]
	if !is {
		os.Exit(m.Run())
	}
	s, err := openNamed(os.Args[len(os.Args)-1])
	if err == nil {
		fmt.Println("open")
		err = errors.Join(child(s), s.Close())
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

func openNamed(name string) (Store, error) {
	if !strings.HasPrefix(name, "zk://") {
		return OpenBolt(name)
	}
	address, err := zookeeper.ParseAddress(name)
	if err != nil {
		return nil, err
	}
	return OpenZooKeeper(context.Background(), ZooKeeper{Config: zookeeper.Config{Address: address}, Owner: "child"})
}

// hold keeps the store open until its input ends.
func hold(Store) error {
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// commitForEver commits groups of two records that belong together, and says the number of each.
func commitForEver(s Store) error {
	for n := 1; ; n++ {
		text := strconv.Itoa(n)
		if err := s.Commit(context.Background(), put("a/n", text, "b/n", text, "log/"+text, strings.Repeat("x", 3000))); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// fillUp commits until files may grow no more, and then goes on as far as the store allows it.
func fillUp(s Store) error {
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: 1 << 20}); err != nil {
		return err
	}
	for n := 1; ; n++ {
		text := strconv.Itoa(n)
		err := s.Commit(context.Background(), put("a/n", text, "b/n", text, "log/"+text, strings.Repeat("x", 30_000)))
		if err == nil {
			fmt.Println(n)
			continue
		}
		again := s.Commit(context.Background(), put("a/n", "small"))
		_, read := s.Load(context.Background())
		fmt.Printf("%v; same again %v, same on load %v\n", err, errors.Is(again, err), errors.Is(read, err))
		return nil
	}
}

type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	input io.Closer
	lines *bufio.Scanner
}

// start starts a child. It ends with the test at the latest.
func start(t *testing.T, what, dir string) *child {
	t.Helper()
	return startUnder(t, "", what, dir)
}

// startUnder starts a child after a line of shell.
func startUnder(t *testing.T, line, what, dir string) *child {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", line+"\n"+`exec "$0" "$@"`, exe, dir)
	cmd.Env = append(os.Environ(), childVar+"="+what)
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe()
	must(t, err)
	output, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	return &child{t, cmd, input, bufio.NewScanner(output)}
}

// line is the next thing that the child says; empty at its end.
func (c *child) line() string {
	if c.lines.Scan() {
		return c.lines.Text()
	}
	return ""
}

func (c *child) want(line string) {
	c.t.Helper()
	if diff := cmp.Diff(line, c.line()); diff != "" {
		c.t.Fatalf("child (-want +got)\n%s", diff)
	}
}

func TestOneProcessAtATime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	first := start(t, "hold", dir)
	first.want("open")
	inUse := fmt.Sprintf("state directory T: in use by another quobyte-mesos (pid %d); stop it, or give another --state-dir", first.cmd.Process.Pid)
	if diff := cmp.Diff(inUse, refused(t, dir, dir)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	second := start(t, "hold", dir)
	second.want("error: " + strings.Replace(inUse, "T", dir, 1))
	if err := second.cmd.Wait(); err == nil {
		t.Error("the second process ended well")
	}

	must(t, first.input.Close())
	first.want("")
	must(t, first.cmd.Wait())
	s, err := OpenBolt(dir)
	must(t, err)
	must(t, s.Close())
}

// The disk is full, or the process is killed, when the file is there and nothing is in it yet.
func TestEndsBeforeTheFirstWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	c := startUnder(t, "ulimit -f 0", "hold", dir)
	if line := c.line(); line == "open" {
		t.Fatal("the child could write")
	}
	if err := c.cmd.Wait(); err == nil {
		t.Error("the child ended well")
	}
	if info, err := os.Stat(filepath.Join(dir, fileName)); err != nil || info.Size() != 0 {
		t.Fatalf("the file after the child's end: %v, %v; want an empty one", info, err)
	}
	s, err := OpenBolt(dir)
	must(t, err)
	must(t, s.Commit(t.Context(), put("a", "1")))
	must(t, s.Close())
	must(t, os.Truncate(filepath.Join(dir, fileName), 0))
	if text := refused(t, dir, dir); !strings.Contains(text, "state.db is empty") {
		t.Errorf("when it is emptied later: %s", text)
	}
}

// number is the number of the last group.
func number(records []machine.Record) int {
	for _, r := range records {
		if n, err := strconv.Atoi(string(r.Value)); err == nil && r.Key == "a/n" {
			return n
		}
	}
	return 0
}

func TestNoMoreSpace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	c := start(t, "full", dir)
	c.want("open")
	said, line := 0, ""
	for {
		line = c.line()
		n, err := strconv.Atoi(line)
		if err != nil {
			break
		}
		said = n
	}
	if diff := cmp.Diff("store: commit: file resize error: truncate "+dir+"/state.db: file too large; same again true, same on load true", line); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	c.want("")
	must(t, c.cmd.Wait())

	s, err := OpenBolt(dir)
	must(t, err)
	defer s.Close()
	records, err := s.Load(t.Context())
	must(t, err)
	must(t, halves(records))
	if said < 5 || number(records) != said {
		t.Errorf("the child said %d, and %d is there", said, number(records))
	}
}
