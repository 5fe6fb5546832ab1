package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/internal/zktest"
)

// TestConformance runs one suite against every kind of store: what holds for one holds for all.
func TestConformance(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			running := k.start(t)
			for _, test := range []struct {
				name string
				run  func(t *testing.T, open func() Store)
			}{
				{"records outlive the store", recordsOutliveTheStore},
				{"deletes come before puts", deletesComeBeforePuts},
				{"an empty group does nothing", anEmptyGroupDoesNothing},
				{"a closed store refuses", aClosedStoreRefuses},
				{"a cancelled context prevents", aCancelledContextPrevents},
				{"groups that cannot be carried out", groupsThatCannotBeCarriedOut},
				{"values are not shared", valuesAreNotShared},
				{"many at once", manyAtOnce},
				{"all records are replaced", replaceAll},
				{"it has one owner", func(t *testing.T, open func() Store) { hasOneOwner(t, open, k.locked) }},
			} {
				t.Run(test.name, func(t *testing.T) {
					open := running.place()
					test.run(t, func() Store { return open(t) })
				})
			}
			t.Run("it is a map", func(t *testing.T) { isAMap(t, running.place) })
			if k.name == breaking {
				return // its crashes are those of the one before
			}
			for _, p := range crashPoints() {
				t.Run("crash "+p.name, func(t *testing.T) { crashesAt(t, p, running.crashes[p.name]) })
			}
		})
	}
}

// kind is a kind of store.
type kind struct {
	name   string
	locked bool // a second owner is not let in
	// start runs what it needs, until the end of the test.
	start func(t testing.TB) running
}

// running are stores of a kind.
type running struct {
	// place makes a place for records.
	place func() opener
	// crashes are the ways to end at the crash points, by their names.
	crashes map[string][]crash
}

// opener opens the store at a place, again and again.
type opener func(fataler) Store

// breaking is ZooKeeper with connections that break in the middle of commits.
const breaking = "zookeeper whose connections break"

func kinds() []kind {
	return []kind{
		{name: "memory", start: func(testing.TB) running {
			return running{crashes: memoryCrashes(), place: func() opener {
				disk := new(Disk)
				return func(fataler) Store { return disk.Open() }
			}}
		}},
		{name: "bolt", locked: true, start: func(t testing.TB) running {
			return running{crashes: boltCrashes(), place: func() opener { return boltAt(filepath.Join(t.TempDir(), "state")) }}
		}},
		{name: "zookeeper", start: func(t testing.TB) running {
			server := zktest.Start(t)
			return running{crashes: zooCrashes(server.Address), place: zooPlaces(server.Address)}
		}},
		{name: breaking, start: func(t testing.TB) running {
			proxy := zktest.NewProxy(t, zktest.Start(t).Address)
			proxy.Judge(breaker())
			return running{place: zooPlaces(proxy.Address)}
		}},
	}
}

func boltAt(dir string) opener {
	return func(f fataler) Store {
		f.Helper()
		s, err := OpenBolt(dir)
		must(f, err)
		return s
	}
}

func zooAt(at ZooKeeper) opener {
	return func(f fataler) Store {
		f.Helper()
		s, err := OpenZooKeeper(context.Background(), at)
		must(f, err)
		return s
	}
}

func zooPlaces(server string) func() opener {
	n := 0
	return func() opener {
		n++
		return zooAt(place(server, fmt.Sprintf("tests/%d/state", n)))
	}
}

// breaker breaks connections over groups: before one has reached the server, after it was carried out, and now and then with the attempt that
// follows too. Reading many nodes at a time the server knows only sometimes, and breaks as well.
func breaker() func(operation int32) zktest.Fault {
	n, reads := 0, 0
	return func(operation int32) zktest.Fault {
		switch operation {
		case zktest.OpMultiRead:
			reads++
			return [...]zktest.Fault{zktest.Unknown, zktest.Pass, zktest.Pass, zktest.Pass, zktest.CutBefore, zktest.CutAfter}[reads%6]
		case zktest.OpMulti:
			n++
		default:
			return zktest.Pass
		}
		switch {
		case n%7 == 1 || n%40 == 2:
			return zktest.CutBefore
		case n%7 == 3 || n%40 == 4:
			return zktest.CutAfter
		}
		return zktest.Pass
	}
}

func recordsOutliveTheStore(t *testing.T, open func() Store) {
	ctx := t.Context()
	s := open()
	wantLoaded(t, s)
	must(t, s.Commit(ctx, put("pods/b", "2", "framework", "f", "pods/a", "1", "pods/a-1", "3", "Pods", "")))
	must(t, s.Commit(ctx, machine.Group{Puts: put("pods/a", "4").Puts, Deletes: []string{"pods/b", "pods/none"}}))
	want := []string{"Pods=", "framework=f", "pods/a=4", "pods/a-1=3"}
	wantLoaded(t, s, want...)
	must(t, s.Close())
	s = open()
	wantLoaded(t, s, want...)
	must(t, s.Close())
}

func deletesComeBeforePuts(t *testing.T, open func() Store) {
	s := open()
	defer s.Close()
	must(t, s.Commit(t.Context(), put("a", "1")))
	g := put("a", "2", "b", "3", "a", "4")
	g.Deletes = []string{"a", "b", "a"}
	must(t, s.Commit(t.Context(), g))
	wantLoaded(t, s, "a=4", "b=3")
}

func anEmptyGroupDoesNothing(t *testing.T, open func() Store) {
	s := open()
	defer s.Close()
	must(t, s.Commit(t.Context(), machine.Group{}))
	wantLoaded(t, s)
}

func aClosedStoreRefuses(t *testing.T, open func() Store) {
	s := open()
	must(t, s.Commit(t.Context(), put("a", "1")))
	must(t, s.Close())
	must(t, s.Close())
	if err := s.Commit(t.Context(), put("a", "2")); !errors.Is(err, ErrClosed) {
		t.Errorf("commit: %v", err)
	}
	if err := s.Commit(t.Context(), machine.Group{}); !errors.Is(err, ErrClosed) {
		t.Errorf("commit of an empty group: %v", err)
	}
	if _, err := s.Load(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("load: %v", err)
	}
	s = open()
	defer s.Close()
	wantLoaded(t, s, "a=1")
}

func aCancelledContextPrevents(t *testing.T, open func() Store) {
	s := open()
	defer s.Close()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Commit(over, put("a", "1")); !errors.Is(err, context.Canceled) {
		t.Errorf("commit: %v", err)
	}
	if _, err := s.Load(over); !errors.Is(err, context.Canceled) {
		t.Errorf("load: %v", err)
	}
	wantLoaded(t, s)
	must(t, s.Commit(t.Context(), put("a", "2")))
	wantLoaded(t, s, "a=2")
}

func groupsThatCannotBeCarriedOut(t *testing.T, open func() Store) {
	big := strings.Repeat("x", MaxGroup)
	tests := []struct {
		name  string
		group machine.Group
		want  string
	}{
		{"empty key", put("a", "1", "", "2"), `record "": a key must not be empty`},
		{"empty key to delete", machine.Group{Deletes: []string{""}}, `record "": a key must not be empty`},
		{"long key", put(strings.Repeat("k", MaxKey+1), ""), `record "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk…": its key has 1025 bytes; at most 1024 are allowed`},
		{"large record", put("a", "1", "hosts/b", big, "c", "2"),
			`record "hosts/b": its 262144 bytes are the most of a group of 3 records and 0 deletes with 262155 bytes; at most 262144 bytes are allowed`},
		{"large sum", put("a", big[:MaxGroup/2], "b", big[:MaxGroup/2]),
			`record "a": its 131072 bytes are the most of a group of 2 records and 0 deletes with 262146 bytes; at most 262144 bytes are allowed`},
	}
	s := open()
	defer s.Close()
	must(t, s.Commit(t.Context(), put("old", "1")))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := s.Commit(t.Context(), test.group)
			var refused *GroupError
			if !errors.As(err, &refused) {
				t.Fatalf("commit: %v", err)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			wantLoaded(t, s, "old=1")
		})
	}
	must(t, s.Commit(t.Context(), put("a", big[:MaxGroup-1])))
}

func valuesAreNotShared(t *testing.T, open func() Store) {
	s := open()
	defer s.Close()
	g := put("a", "one")
	must(t, s.Commit(t.Context(), g))
	copy(g.Puts[0].Value, "two")
	records, err := s.Load(t.Context())
	must(t, err)
	copy(records[0].Value, "tre")
	wantLoaded(t, s, "a=one")
}

func manyAtOnce(t *testing.T, open func() Store) {
	s := open()
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := range 5 {
				text := fmt.Sprint(n)
				if err := s.Commit(t.Context(), put(fmt.Sprintf("a/%d", i), text, fmt.Sprintf("b/%d", i), text)); err != nil {
					t.Error(err)
				}
				records, err := s.Load(t.Context())
				if err != nil {
					t.Error(err)
				}
				if err := halves(records); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	must(t, s.Close())
}

// halves checks that each record a/x has a twin b/x with the same value, as every group leaves it.
func halves(records []machine.Record) error {
	values := map[string]string{}
	for _, r := range records {
		values[r.Key] = string(r.Value)
	}
	for key, value := range values {
		if rest, is := strings.CutPrefix(key, "a/"); is && values["b/"+rest] != value {
			return fmt.Errorf("half a group: %s is %s, but its other half is %q", key, value, values["b/"+rest])
		}
	}
	return nil
}

// A state is replaced by another as a whole, or can't be used.
func replaceAll(t *testing.T, open func() Store) {
	s := open()
	defer s.Close()
	must(t, s.Commit(t.Context(), put("a", "1", "hosts/b", "2")))
	var many []machine.Record
	for i := range 1200 {
		many = append(many, put(fmt.Sprintf("pods/%04d", i), strings.Repeat("x", 500)).Puts...)
	}
	must(t, Replace(t.Context(), s, many))
	records, err := s.Load(t.Context())
	must(t, err)
	same := func(a, b machine.Record) bool { return a.Key == b.Key && bytes.Equal(a.Value, b.Value) }
	if !slices.EqualFunc(many, records, same) {
		t.Errorf("%d records, want the %d others", len(records), len(many))
	}
	many[700].Key = ""
	if err := Replace(t.Context(), s, many); err == nil {
		t.Fatal("replaced by what can't be stored")
	}
	records, err = s.Load(t.Context())
	must(t, err)
	if len(records) == 0 || records[0].Key != IncompleteKey {
		t.Errorf("%d records, and no word that some are missing", len(records))
	}
	must(t, Replace(t.Context(), s, put("c", "3").Puts))
	wantLoaded(t, s, "c=3")
	must(t, Replace(t.Context(), s, nil))
	wantLoaded(t, s)
}

// isAMap compares with a map, over reopening.
func isAMap(t *testing.T, place func() opener) {
	rapid.Check(t, func(r *rapid.T) {
		open := place()
		s := open(r)
		defer func() { must(r, s.Close()) }()
		want := map[string]string{}
		key := rapid.SampledFrom([]string{"a", "b", "b/1", "b/1/x/y", "b/2", "b//", "/", "ü", "%", ".", "z"})
		value := rapid.OneOf(rapid.StringN(0, 20, -1), rapid.Just("\x00"), rapid.Just("\x00x"))
		for range rapid.IntRange(1, 6).Draw(r, "groups") {
			g := machine.Group{Deletes: rapid.SliceOfN(key, 0, 2).Draw(r, "deletes")}
			for _, k := range g.Deletes {
				delete(want, k)
			}
			for _, k := range rapid.SliceOfN(key, 0, 3).Draw(r, "puts") {
				v := value.Draw(r, "value")
				g.Puts = append(g.Puts, machine.Record{Key: k, Value: []byte(v)})
				want[k] = v
			}
			must(r, s.Commit(context.Background(), g))
			if rapid.IntRange(0, 3).Draw(r, "reopened") == 0 {
				must(r, s.Close())
				s = open(r)
			}
		}
		var texts []string
		for _, k := range slices.Sorted(maps.Keys(want)) {
			texts = append(texts, k+"="+want[k])
		}
		wantLoaded(r, s, texts...)
	})
}

// Of two owners one has the state: the second is not let in, or the first is deposed, and can neither read nor write any more.
func hasOneOwner(t *testing.T, open func() Store, locked bool) {
	old := open()
	must(t, old.Commit(t.Context(), put("a", "1")))
	if locked { // see TestTheLockIsNamed and TestOneProcessAtATime
		must(t, old.Close())
	}
	next := open()
	defer next.Close()
	if !locked {
		for _, g := range []machine.Group{put("a", "2"), {Deletes: []string{"a"}}} {
			if err := old.Commit(t.Context(), g); !errors.Is(err, ErrDeposed) {
				t.Errorf("commit of the old owner: %v, want %v", err, ErrDeposed)
			}
		}
		if _, err := old.Load(t.Context()); !errors.Is(err, ErrDeposed) {
			t.Errorf("load of the old owner: %v, want %v", err, ErrDeposed)
		}
	}
	must(t, next.Commit(t.Context(), put("b", "3")))
	must(t, old.Close())
	wantLoaded(t, next, "a=1", "b=3")
	must(t, next.Commit(t.Context(), put("b", "4")))
	wantLoaded(t, next, "a=1", "b=4")
}
