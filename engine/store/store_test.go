package store

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/quobyte/mesos-framework/engine/machine"
)

type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func must(t fataler, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put is a group from pairs of keys and values.
func put(pairs ...string) machine.Group {
	var g machine.Group
	for i := 0; i < len(pairs); i += 2 {
		g.Puts = append(g.Puts, machine.Record{Key: pairs[i], Value: []byte(pairs[i+1])})
	}
	return g
}

func loaded(t fataler, s Store) []string {
	t.Helper()
	records, err := s.Load(context.Background())
	must(t, err)
	var all []string
	for _, r := range records {
		all = append(all, r.Key+"="+string(r.Value))
	}
	return all
}

func wantLoaded(t fataler, s Store, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, loaded(t, s), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("records (-want +got)\n%s", diff)
	}
}

func TestDiskHooks(t *testing.T) {
	var before, after error
	disk := &Disk{
		Before: func(machine.Group) error { return before },
		After:  func(machine.Group) error { return after },
	}
	s := disk.Open()
	must(t, s.Commit(t.Context(), put("a", "1")))

	before = errors.New("lost")
	if err := s.Commit(t.Context(), put("a", "2")); !errors.Is(err, before) {
		t.Errorf("commit: %v, want %v", err, before)
	}
	lost := before
	before = nil
	if err := s.Commit(t.Context(), put("a", "3")); !errors.Is(err, lost) {
		t.Errorf("commit after one that failed: %v, want %v", err, lost)
	}
	if _, err := s.Load(t.Context()); !errors.Is(err, lost) {
		t.Errorf("load after a commit that failed: %v, want %v", err, lost)
	}

	s = disk.Open()
	wantLoaded(t, s, "a=1")
	after = errors.New("answer lost")
	if err := s.Commit(t.Context(), put("a", "4")); !errors.Is(err, after) {
		t.Errorf("commit: %v, want %v", err, after)
	}
	wantLoaded(t, disk.Open(), "a=4")
}
