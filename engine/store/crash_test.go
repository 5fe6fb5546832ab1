//go:build unix

package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/zookeeper"
	"github.com/quobyte/mesos-framework/internal/zktest"
)

// crashPoint is a moment of a commit at which a process, or what it stands on, comes to its end, and what whoever opens the state next has to find.
type crashPoint struct {
	name string
	want []outcome // one of these
}

type outcome string

const (
	nothing outcome = "nothing of the group"
	all     outcome = "all of the group"
)

func crashPoints() []crashPoint {
	return []crashPoint{
		{"before anything is written", []outcome{nothing}},
		{"within what is written", []outcome{nothing}},
		{"at the turn", []outcome{nothing, all}},
		{"after it is written", []outcome{all}},
		{"after it was said to be durable", []outcome{all}},
		{"at any moment", []outcome{nothing, all}},
		{"of what is below, which the process outlives", []outcome{all}},
	}
}

// crash is a way to end at a point.
type crash struct {
	name string
	// run commits firstGroup, ends in the commit of secondGroup, and calls check with what is left: several places if there are several
	// ways for it to look; none if it has looked itself. Nil: there is no such moment.
	run func(t *testing.T, check func(left opener))
}

// none says why a kind of store has no such moment.
func none(why string) []crash { return []crash{{name: why}} }

// The groups that crashes are about. They are large enough for several pages of a file.
func firstGroup() machine.Group {
	return put("a/1", "1", "b/1", "1", "gone", "1", "kept", strings.Repeat("k", 20_000), "large", strings.Repeat("1", 30_000))
}

func secondGroup() machine.Group {
	g := put("a/1", "2", "b/1", "2", "large", strings.Repeat("2", 40_000), "new", "2")
	g.Deletes = []string{"gone"}
	return g
}

// recordsAfter are the records after some groups.
func recordsAfter(t *testing.T, groups ...machine.Group) []string {
	t.Helper()
	s := OpenMemory()
	for _, g := range groups {
		must(t, s.Commit(t.Context(), g))
	}
	return briefly(loaded(t, s))
}

// briefly are records with large values shortened, so that they are soon compared.
func briefly(records []string) []string {
	for i, r := range records {
		if len(r) > 100 {
			records[i] = fmt.Sprintf("%s… %d bytes, %x", r[:20], len(r), sha256.Sum256([]byte(r)))
		}
	}
	return records
}

// crashesAt tries all ways to end at a point, and what is left of each: it is what it has to be, and is worked with.
func crashesAt(t *testing.T, p crashPoint, ways []crash) {
	if len(ways) == 0 {
		t.Fatal("nobody says how this ends")
	}
	found := map[outcome][]string{nothing: recordsAfter(t, firstGroup()), all: recordsAfter(t, firstGroup(), secondGroup())}
	for _, way := range ways {
		if way.run == nil {
			t.Logf("no such moment: %s", way.name)
			continue
		}
		t.Run(way.name, func(t *testing.T) {
			n, seen := 0, map[outcome]int{}
			way.run(t, func(left opener) {
				n++
				s := left(t)
				records := briefly(loaded(t, s))
				is := slices.IndexFunc(p.want, func(o outcome) bool { return slices.Equal(found[o], records) })
				if is < 0 {
					t.Fatalf("left %d: neither of %q (-%s +found)\n%s", n, p.want, p.want[0], cmp.Diff(found[p.want[0]], records))
				}
				seen[p.want[is]]++
				third := put("after", "3")
				third.Deletes = []string{"large"}
				must(t, s.Commit(t.Context(), third))
				must(t, s.Close())
				s = left(t)
				records = briefly(loaded(t, s))
				must(t, s.Close())
				groups := []machine.Group{firstGroup(), third}
				if p.want[is] == all {
					groups = slices.Insert(groups, 1, secondGroup())
				}
				if diff := cmp.Diff(recordsAfter(t, groups...), records); diff != "" {
					t.Fatalf("left %d: after another group (-want +got)\n%s", n, diff)
				}
			})
			t.Logf("found %v", seen)
		})
	}
}

func memoryCrashes() map[string][]crash {
	lost := errors.New("the process ended")
	with := func(prepare func(*Disk), want error) []crash {
		return []crash{{"a disk that fails", func(t *testing.T, check func(opener)) {
			disk := new(Disk)
			s := disk.Open()
			must(t, s.Commit(t.Context(), firstGroup()))
			prepare(disk)
			if err := s.Commit(t.Context(), secondGroup()); !errors.Is(err, want) {
				t.Errorf("commit: %v, want %v", err, want)
			}
			disk.Before, disk.After = nil, nil
			check(func(fataler) Store { return disk.Open() })
		}}}
	}
	fails := func(machine.Group) error { return lost }
	atomic := none("a group is written under a lock")
	return map[string][]crash{
		"before anything is written":                   with(func(d *Disk) { d.Before = fails }, lost),
		"within what is written":                       atomic,
		"at the turn":                                  atomic,
		"after it is written":                          with(func(d *Disk) { d.After = fails }, lost),
		"after it was said to be durable":              with(func(*Disk) {}, nil),
		"at any moment":                                none("it ends with its process"),
		"of what is below, which the process outlives": none("nothing is below"),
	}
}

// A file is written in two steps, with the disk told to keep each before the next: pages that are not in use, and then the one page, of two, that
// says which are. What is left is made from the file as it was before and as it was after.
func boltCrashes() map[string][]crash {
	const rounds = 40
	return map[string][]crash{
		"before anything is written": {leftFiles("the file of before", func(f *files, left func([]byte)) { left(f.before) })},
		"within what is written": {
			leftFiles("some pages, and a part of one more", func(f *files, left func([]byte)) {
				for n := range f.data {
					left(f.written(f.data[:n], f.data[n], 512))
				}
			}),
			leftFiles("any pages, and any part of one more", func(f *files, left func([]byte)) {
				draw := rand.New(rand.NewPCG(1, 2))
				for range rounds {
					draw.Shuffle(len(f.data), func(i, j int) { f.data[i], f.data[j] = f.data[j], f.data[i] })
					n := draw.IntN(len(f.data))
					left(f.written(f.data[:n], f.data[n], 1+draw.IntN(f.page)))
				}
			}),
			leftFiles("all pages but the one that says which are in use", func(f *files, left func([]byte)) { left(f.written(f.data, 0, 0)) }),
		},
		"at the turn": {leftFiles("a part of that page", func(f *files, left func([]byte)) {
			for n := 8; n < 128; n += 8 {
				left(f.written(f.data, f.meta, n))
			}
		})},
		"after it is written":             {leftFiles("the file of after", func(f *files, left func([]byte)) { left(f.after) })},
		"after it was said to be durable": {leftFiles("the file of after", func(f *files, left func([]byte)) { left(f.after) })},
		"at any moment": {killedProcess("SIGKILL", func(t *testing.T) (string, opener) {
			dir := filepath.Join(t.TempDir(), "state")
			return dir, boltAt(dir)
		})},
		"of what is below, which the process outlives": none("a write to a file fails for good"),
	}
}

// files are a file before and after a commit.
type files struct {
	before, after []byte
	page          int
	data          []int // numbers of the pages that differ, but for
	meta          int
}

// written is the file when some pages, and the first bytes of one more, were written.
func (f *files) written(pages []int, partly, n int) []byte {
	b := make([]byte, len(f.after)) // it grows first
	copy(b, f.before)
	for _, p := range pages {
		copy(b[p*f.page:(p+1)*f.page], f.after[p*f.page:])
	}
	copy(b[partly*f.page:partly*f.page+n], f.after[partly*f.page:])
	return b
}

// leftFiles opens files that a crash may leave behind, which make gives one after the other.
func leftFiles(name string, make func(f *files, left func([]byte))) crash {
	return crash{name, func(t *testing.T, check func(opener)) {
		dir := t.TempDir()
		s, err := OpenBolt(dir)
		must(t, err)
		defer s.Close()
		read := func() []byte {
			b, err := os.ReadFile(filepath.Join(dir, fileName))
			must(t, err)
			return b
		}
		must(t, s.Commit(t.Context(), firstGroup()))
		f := &files{before: read(), page: os.Getpagesize()}
		must(t, s.Commit(t.Context(), secondGroup()))
		f.after = read()
		f.compare(t)
		make(f, func(content []byte) {
			left := t.TempDir()
			must(t, os.WriteFile(filepath.Join(left, fileName), content, 0o600))
			check(boltAt(left))
		})
	}}
}

func (f *files) compare(t *testing.T) {
	t.Helper()
	grown := make([]byte, len(f.after))
	copy(grown, f.before)
	var metas []int
	for p := range len(f.after) / f.page {
		from, to := p*f.page, (p+1)*f.page
		switch {
		case bytes.Equal(grown[from:to], f.after[from:to]):
		case p < 2:
			metas = append(metas, p)
		default:
			f.data = append(f.data, p)
		}
	}
	if len(metas) != 1 || len(f.data) < 5 {
		t.Fatalf("the commit wrote the meta pages %v, and %d others; want one, and several", metas, len(f.data))
	}
	f.meta = metas[0]
}

// killedProcess kills children that commit groups, one after the other, and say the number of each when it is durable: that one is there, or the next.
func killedProcess(name string, where func(t *testing.T) (string, opener)) crash {
	return crash{name, func(t *testing.T, _ func(opener)) {
		at, open := where(t)
		for range 3 {
			c := start(t, "commit", at)
			c.want("open")
			said := 0
			listen := func(line string) {
				n, err := strconv.Atoi(line)
				must(t, err)
				said = n
			}
			for range 10 {
				listen(c.line())
			}
			must(t, c.cmd.Process.Kill())
			for line := c.line(); line != ""; line = c.line() {
				listen(line)
			}
			if err := c.cmd.Wait(); err == nil {
				t.Fatal("the child was not killed")
			}
			s := open(t)
			records, err := s.Load(t.Context())
			must(t, err)
			must(t, halves(records))
			if there := number(records); there < said || there > said+1 {
				t.Errorf("the child said %d, and %d is there", said, there)
			}
			must(t, s.Close())
		}
	}}
}

// ZooKeeper carries out a group as a whole, when it has all of it.
func zooCrashes(server string) map[string][]crash {
	n := 0
	next := func(through string) (at, direct ZooKeeper) {
		n++
		path := fmt.Sprintf("crashes/%d/state", n)
		return place(through, path), place(server, path)
	}
	// gone ends the process in the commit, by what happens to the request.
	gone := func(name string, fault zktest.Fault) crash {
		return crash{name, func(t *testing.T, check func(opener)) {
			proxy := zktest.NewProxy(t, server)
			at, direct := next(proxy.Address)
			s := openZoo(t, at)
			must(t, s.Commit(t.Context(), firstGroup()))
			ctx, end := context.WithCancel(t.Context())
			proxy.Judge(func(operation int32) zktest.Fault {
				if operation != zktest.OpMulti {
					return zktest.Pass
				}
				end()
				return fault
			})
			if err := s.Commit(ctx, secondGroup()); !errors.As(err, new(unclearError)) {
				t.Errorf("commit: %v", err)
			}
			check(zooAt(direct))
		}}
	}
	// lives goes on after what happens to the first attempt, and to the connection with it.
	lives := func(name string, timeout time.Duration, fault zktest.Fault, happens func(t *testing.T, proxy *zktest.Proxy, s *zooStore) (begin func())) crash {
		return crash{name, func(t *testing.T, check func(opener)) {
			proxy := zktest.NewProxy(t, server)
			at, direct := next(proxy.Address)
			at.SessionTimeout = timeout
			s := openZoo(t, at)
			must(t, s.Commit(t.Context(), firstGroup()))
			begin := happens(t, proxy, s.(*zooStore))
			done := false
			proxy.Judge(func(operation int32) zktest.Fault {
				if operation != zktest.OpMulti || done {
					return zktest.Pass
				}
				done = true
				go begin() // the proxy waits for this function
				return fault
			})
			must(t, s.Commit(t.Context(), secondGroup()))
			if !done {
				t.Error("nothing happened")
			}
			check(zooAt(direct))
		}}
	}
	breaks := func(name string, fault zktest.Fault) crash {
		return lives(name, 2*time.Second, fault, func(*testing.T, *zktest.Proxy, *zooStore) func() { return func() {} })
	}
	expires := func(name string, fault zktest.Fault) crash {
		return lives(name, 400*time.Millisecond, fault, func(t *testing.T, proxy *zktest.Proxy, s *zooStore) func() {
			n++
			gone := sessionEnds(t, server, s, fmt.Sprintf("/session-%d", n))
			return func() {
				proxy.Down(true)
				<-gone
				proxy.Down(false)
			}
		})
	}
	return map[string][]crash{
		"before anything is written": {gone("the request is not sent", zktest.CutBefore)},
		"within what is written":     {gone("half of the request is sent", zktest.CutWithin)},
		"at the turn":                none("the servers vote on all of it at once"),
		"after it is written":        {gone("the answer does not arrive", zktest.CutAfter)},
		"after it was said to be durable": {{"the connection is cut", func(t *testing.T, check func(opener)) {
			proxy := zktest.NewProxy(t, server)
			at, direct := next(proxy.Address)
			s := openZoo(t, at)
			must(t, s.Commit(t.Context(), firstGroup()))
			must(t, s.Commit(t.Context(), secondGroup()))
			proxy.Down(true)
			check(zooAt(direct))
		}}},
		"at any moment": {killedProcess("SIGKILL", func(*testing.T) (string, opener) {
			at, _ := next(server)
			return at.Address.String(), zooAt(at)
		})},
		"of what is below, which the process outlives": {
			breaks("the connection breaks before the request", zktest.CutBefore),
			breaks("the connection breaks in the request", zktest.CutWithin),
			breaks("the connection breaks before the answer", zktest.CutAfter),
			breaks("the server keeps silent", zktest.Swallow),
			expires("the session expires before the request", zktest.CutBefore),
			expires("the session expires before the answer", zktest.CutAfter),
		},
	}
}

// sessionEnds tells when the servers have ended a store's session.
func sessionEnds(t *testing.T, server string, s *zooStore, node string) <-chan zk.Event {
	t.Helper()
	watch, err := zookeeper.Connect(t.Context(), place(server, "x").Config)
	must(t, err)
	t.Cleanup(watch.Close)
	var gone <-chan zk.Event
	must(t, s.conn.Do(func(z *zk.Conn) error { _, err := z.Create(node, nil, zk.FlagEphemeral, s.conn.ACL()); return err }))
	must(t, watch.Do(func(z *zk.Conn) (err error) { _, _, gone, err = z.ExistsW(node); return err }))
	return gone
}
