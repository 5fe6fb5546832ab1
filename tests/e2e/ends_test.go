package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// A state that no restart makes usable ends serve with a code of its own, so that a supervisor can leave it at that; and the state stays as it is.
func TestStateThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	c := &cluster{dir: t.TempDir(), master: "127.0.0.1:1"} // it does not get as far as that
	file := filepath.Join(c.dir, "state", "state.db")
	if out, code := run(t, built(t).framework(), "state", "import", "--state-dir", filepath.Dir(file), write(t, filepath.Join(c.dir, "backup"), []byte(`{"format":1,"service":"quobyte","records":[{"key":"framework","value":{"format":1,"value":{"id":"F-1"}}}]}`))); code != 0 {
		t.Fatalf("import: exit code %d: %s", code, out)
	}
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	put := func(bucket, key, value string) func() error {
		return func() error {
			db, err := bolt.Open(file, 0o600, nil)
			if err != nil {
				return err
			}
			defer db.Close()
			return db.Update(func(tx *bolt.Tx) error { return tx.Bucket([]byte(bucket)).Put([]byte(key), []byte(value)) })
		}
	}
	overwrite := func(content []byte) func() error { return func() error { return os.WriteFile(file, content, 0o600) } }
	for _, tt := range []struct {
		name  string
		spoil func() error
		want  string
	}{
		{"something else", overwrite([]byte(strings.Repeat("no state ", 2000))), "state.db is damaged"},
		{"cut short", overwrite(good[:len(good)/3]), "state.db is damaged"},
		{"emptied", overwrite(nil), "its content was lost"},
		{"a newer layout", put("meta", "format", "2"), "its format is 2"},
		{"a newer record", put("records", "framework", `{"format":99,"value":{}}`), "record framework: format 99 is newer"},
		{"a damaged record", put("records", "framework", `{"form`), "record framework: not readable"},
		{"half of an import", put("records", "incomplete", `{"format":1,"value":"x"}`), "an import or a reset of it did not come to its end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(file, good, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := tt.spoil(); err != nil {
				t.Fatal(err)
			}
			spoilt, _ := os.ReadFile(file)
			out, code := run(t, built(t).framework(), c.flags(t)...)
			if code != 18 || !strings.Contains(out, tt.want) {
				t.Errorf("exit code %d, want 18 and %s:\n%s", code, tt.want, tail(out, 5))
			}
			if now, _ := os.ReadFile(file); string(now) != string(spoilt) {
				t.Error("the state was changed")
			}
		})
	}
}

// Without ZooKeeper, two instances with the same state are a mistake. The one that is pushed aside must not push back when it is started again, and says so
// with a code of its own.
func TestTwoInstancesWithTheSameState(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "127.0.103.", 1)
	first, api := c.serve(t, "first", "--expect=registry=1")
	eventually(t, "the registry runs", func() bool { return len(api.tasks()) >= 2 })
	out, code := run(t, built(t).framework(), "state", "export", "--url", api.url)
	if code != 0 {
		t.Fatalf("export: exit code %d: %s", code, out)
	}
	copied := filepath.Join(c.dir, "copy")
	if out, code := run(t, built(t).framework(), "state", "import", "--state-dir", copied, write(t, filepath.Join(c.dir, "backup"), []byte(out))); code != 0 {
		t.Fatalf("import: exit code %d: %s", code, out)
	}
	second, _ := c.serve(t, "second", "--expect=registry=1", "--state-dir", copied)
	second.find(`msg=subscribed `)
	if code := first.wait(); code != 19 || !strings.Contains(first.text(), "standing down: framework failed over") {
		t.Errorf("exit code %d, want 19 and why:\n%s", code, tail(first.text(), 5))
	}
	second.signal(syscall.SIGTERM)
	second.wait()
}
