package store

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"
)

// refused opens a directory that can't be opened, and gives the error with the test's directory shortened to T.
func refused(t *testing.T, root, dir string) string {
	t.Helper()
	s, err := OpenBolt(dir)
	if err == nil {
		s.Close()
		t.Fatalf("%s was opened", dir)
	}
	text := strings.ReplaceAll(err.Error(), root, "T")
	if strings.Contains(text, "\n") {
		t.Errorf("more than one line: %s", text)
	}
	return text
}

func TestTheDirectoryIsMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "state")
	s, err := OpenBolt(dir)
	must(t, err)
	for path, want := range map[string]os.FileMode{
		filepath.Dir(dir):              os.ModeDir | 0o700,
		dir:                            os.ModeDir | 0o700,
		filepath.Join(dir, "state.db"): 0o600,
		filepath.Join(dir, "owner"):    0o600,
	} {
		info, err := os.Stat(path)
		must(t, err)
		if info.Mode() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode(), want)
		}
	}
	must(t, s.Close())
	if _, err := os.Stat(filepath.Join(dir, "owner")); !os.IsNotExist(err) {
		t.Errorf("the owner is still named: %v", err)
	}
}

func TestThingsInTheWay(t *testing.T) {
	const advice = "; move it, or give another --state-dir"
	file := func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte("x"), 0o600)) }
	mkdir := func(t *testing.T, path string) { must(t, os.MkdirAll(path, 0o700)) }
	for _, test := range []struct {
		name string
		make func(t *testing.T, path string)
		at   string
		want string
	}{
		{"directory is a file", file, "s", "state directory T/s: T/s is in the way, a directory is needed there" + advice},
		{"parent is a file", file, "", "state directory T/s: T is in the way, a directory is needed there" + advice},
		{"state file is a directory", mkdir, "s/state.db", "state directory T/s: T/s/state.db is in the way, a file is needed there" + advice},
		{"word of the beginning is a directory", mkdir, "s/state.db.new", "state directory T/s: T/s/state.db.new is in the way, a file is needed there" + advice},
		{"owner is a directory", mkdir, "s/owner", "state directory T/s: T/s/owner is in the way, a file is needed there" + advice},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "root")
			if test.at != "" {
				mkdir(t, root)
			}
			test.make(t, filepath.Join(root, test.at))
			if diff := cmp.Diff(test.want, refused(t, root, filepath.Join(root, "s"))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestTheLockIsNamed(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenBolt(dir)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "owner"), []byte("4711\n"), 0o600))
	want := "state directory T: in use by another quobyte-mesos (pid 4711); stop it, or give another --state-dir"
	if diff := cmp.Diff(want, refused(t, dir, dir)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	must(t, os.Remove(filepath.Join(dir, "owner")))
	want = "state directory T: in use by another quobyte-mesos; stop it, or give another --state-dir"
	if diff := cmp.Diff(want, refused(t, dir, dir)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	must(t, s.Close())
}

// edit changes the file behind the store's back.
func edit(t *testing.T, dir string, f func(tx *bolt.Tx) error) {
	t.Helper()
	db, err := bolt.Open(filepath.Join(dir, fileName), 0o600, nil)
	must(t, err)
	must(t, db.Update(f))
	must(t, db.Close())
}

func TestOtherFormats(t *testing.T) {
	setFormat := func(text string) func(tx *bolt.Tx) error {
		return func(tx *bolt.Tx) error { return tx.Bucket([]byte(metaBucket)).Put([]byte(formatKey), []byte(text)) }
	}
	const foreign = "state directory T: state.db is not a state file of quobyte-mesos; move it, or give another --state-dir"
	for _, test := range []struct {
		name string
		edit func(tx *bolt.Tx) error
		want string
	}{
		{"newer", setFormat("2"), "state directory T: state.db: its format is 2, and this quobyte-mesos knows formats up to 1; " +
			"use the newer one that wrote it, or give another --state-dir"},
		{"nonsense", setFormat("x"), foreign},
		{"no meta", func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte(metaBucket)) }, foreign},
		{"no records", func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte(recordsBucket)) }, foreign},
		{"bucket among the records", func(tx *bolt.Tx) error {
			_, err := tx.Bucket([]byte(recordsBucket)).CreateBucket([]byte("x"))
			return err
		}, foreign},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := OpenBolt(dir)
			must(t, err)
			must(t, s.Commit(t.Context(), put("a", "1")))
			must(t, s.Close())
			edit(t, dir, test.edit)
			before, err := os.ReadFile(filepath.Join(dir, fileName))
			must(t, err)
			if diff := cmp.Diff(test.want, refused(t, dir, dir)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			after, err := os.ReadFile(filepath.Join(dir, fileName))
			must(t, err)
			if string(before) != string(after) {
				t.Error("the file was changed")
			}
			edit(t, dir, func(*bolt.Tx) error { return nil }) // the lock is free again
		})
	}
}

func TestAFileThatWasNeverBegunIsAdopted(t *testing.T) {
	empty := func(t *testing.T, dir, name string) { must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600)) }
	for name, content := range map[string]func(t *testing.T, dir string){
		"announced":  func(t *testing.T, dir string) { empty(t, dir, beginName) },
		"empty":      func(t *testing.T, dir string) { empty(t, dir, beginName); empty(t, dir, fileName) },
		"no buckets": func(t *testing.T, dir string) { edit(t, dir, func(*bolt.Tx) error { return nil }) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			content(t, dir)
			s, err := OpenBolt(dir)
			must(t, err)
			wantLoaded(t, s)
			must(t, s.Close())
		})
	}
}

func TestAFileThatWasEmptiedIsRefused(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenBolt(dir)
	must(t, err)
	must(t, s.Commit(t.Context(), put("a", "1")))
	must(t, s.Close())
	must(t, os.Truncate(filepath.Join(dir, fileName), 0))
	const want = "state directory T: state.db is empty: its content was lost, and to start without it would be to forget the tasks " +
		"that run; restore it from a backup, or remove the file only if no task of the service runs any more"
	for range 2 { // the refusal leaves nothing behind that would let the next one pass
		if diff := cmp.Diff(want, refused(t, dir, dir)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	must(t, os.Remove(filepath.Join(dir, fileName)))
	s, err = OpenBolt(dir)
	must(t, err)
	wantLoaded(t, s)
	must(t, s.Close())
}

func TestDamage(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenBolt(dir)
	must(t, err)
	for i := range 20 {
		must(t, s.Commit(t.Context(), put(string(rune('a'+i)), strings.Repeat("x", 10_000))))
	}
	must(t, s.Close())
	whole, err := os.ReadFile(filepath.Join(dir, fileName))
	must(t, err)
	page := os.Getpagesize()
	for _, test := range []struct {
		name  string
		spoil func(b []byte) []byte
	}{
		{"text", func([]byte) []byte { return []byte("hello\n") }},
		{"long text", func([]byte) []byte { return []byte(strings.Repeat("hello\n", 10_000)) }},
		{"zeros", func(b []byte) []byte { return make([]byte, len(b)) }},
		{"cut in the first page", func(b []byte) []byte { return b[:page/2] }},
		{"cut behind the meta pages", func(b []byte) []byte { return b[:2*page] }},
		{"cut among the records", func(b []byte) []byte { return b[:len(b)/8/page*page] }},
		{"meta pages", func(b []byte) []byte { clear(b[:2*page]); return b }},
		{"all but the meta pages", func(b []byte) []byte { clear(b[2*page:]); return b }},
		{"noise behind the meta pages", func(b []byte) []byte {
			for i := 2 * page; i < len(b); i++ {
				b[i] = byte(i * i >> 3)
			}
			return b
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, fileName)
			spoilt := test.spoil([]byte(string(whole)))
			must(t, os.WriteFile(path, spoilt, 0o600))
			got := refused(t, dir, dir)
			t.Log(got)
			if !strings.HasPrefix(got, "state directory T: state.db is damaged: ") || !strings.Contains(got, "; restore it from a backup") {
				t.Error("not said to be damaged")
			}
			// It is left as it is, and not locked.
			now, err := os.ReadFile(path)
			must(t, err)
			if string(now) != string(spoilt) {
				t.Error("the file was changed")
			}
			must(t, os.WriteFile(path, whole, 0o600))
			s, err := OpenBolt(dir)
			must(t, err)
			if n := len(loaded(t, s)); n != 20 {
				t.Errorf("%d records after the repair, want 20", n)
			}
			must(t, s.Close())
		})
	}
}

func TestAFileThatIsCutWhileOpen(t *testing.T) {
	dir := t.TempDir()
	for name, use := range map[string]func(s Store) error{
		"load":   func(s Store) error { _, err := s.Load(t.Context()); return err },
		"commit": func(s Store) error { return s.Commit(t.Context(), put("a", "2")) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name, fileName)
			s, err := OpenBolt(filepath.Dir(path))
			must(t, err)
			must(t, s.Commit(t.Context(), put("a", "1")))
			must(t, os.Truncate(path, 0))
			if err := use(s); err == nil || !strings.Contains(err.Error(), "damaged") {
				t.Errorf("%s: %v", name, err)
			}
			if err := s.Commit(t.Context(), put("a", "3")); err == nil {
				t.Error("the store goes on after a failure")
			}
			must(t, s.Close())
		})
	}
}
