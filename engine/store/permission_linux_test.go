package store

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// nobody is a user who owns nothing.
const nobody = 65534

// asNobody runs f without the rights of root over files, if we have them.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		_, err := unix.SetfsuidRetUid(nobody)
		if err == nil {
			f()
		}
		done <- err
	}()
	must(t, <-done)
}

func TestNotWritable(t *testing.T) {
	advice := fmt.Sprintf("; make it writable for user id %d, or give another --state-dir", os.Geteuid())
	for _, test := range []struct {
		name string
		make func(t *testing.T, root, dir string)
		want string
	}{
		{"directory above", func(t *testing.T, root, _ string) { must(t, os.Chmod(root, 0o555)) },
			"state directory T/s: not writable: mkdir T/s: permission denied"},
		{"directory", func(t *testing.T, _, dir string) { must(t, os.Mkdir(dir, 0o555)) },
			"state directory T/s: not writable: open T/s/state.db.new: permission denied"},
		{"state file", func(t *testing.T, _, dir string) {
			s, err := OpenBolt(dir)
			must(t, err)
			must(t, s.Close())
			must(t, os.Chmod(dir, 0o755))
			must(t, os.Chmod(filepath.Join(dir, fileName), 0o444))
		}, "state directory T/s: not writable: open T/s/state.db: permission denied"},
		{"owner", func(t *testing.T, _, dir string) {
			s, err := OpenBolt(dir)
			must(t, err)
			must(t, s.Close())
			must(t, os.Chmod(filepath.Join(dir, fileName), 0o666))
			must(t, os.Chmod(dir, 0o555))
		}, "state directory T/s: not writable: open T/s/owner: permission denied"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := filepath.Join(t.TempDir(), "root")
			must(t, os.Mkdir(root, 0o755))
			must(t, os.Chmod(filepath.Dir(root), 0o755))
			must(t, os.Chmod(filepath.Dir(filepath.Dir(root)), 0o755))
			dir := filepath.Join(root, "s")
			test.make(t, root, dir)
			var err error
			asNobody(t, func() { _, err = OpenBolt(dir) })
			if err == nil {
				t.Fatal("the directory was opened")
			}
			if diff := cmp.Diff(test.want+advice, strings.ReplaceAll(err.Error(), root, "T")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			must(t, os.Chmod(root, 0o755))
			if err := os.Chmod(dir, 0o755); err != nil && !os.IsNotExist(err) {
				t.Error(err)
			}
		})
	}
}
