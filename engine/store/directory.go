package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	berrors "go.etcd.io/bbolt/errors"
)

const another = "give another --state-dir"

var (
	errForeign = errors.New("not a state file of quobyte-mesos")
	errEmptied = errors.New("empty")
)

// Unusable says that a state can't be used as it is, however often one tries: it is damaged, was emptied, is of a newer format, or is something else. Nothing
// of it was changed.
func Unusable(err error) bool {
	return errors.Is(err, errForeign) || errors.Is(err, errEmptied) || errors.Is(err, errDamaged) || errors.As(err, new(formatError))
}

// formatError is the newer format of a state.
type formatError int

func (e formatError) Error() string {
	return fmt.Sprintf("its format is %d, and this quobyte-mesos knows formats up to %d; use the newer one that wrote it", int(e), format)
}

// wayError is something that is in the way of a directory or file of ours.
type wayError struct{ path, wanted string }

func (e wayError) Error() string {
	return fmt.Sprintf("%s is in the way, a %s is needed there; move it, or %s", e.path, e.wanted, another)
}

// prepare makes the directory, and looks whether anything is in the way.
func prepare(dir string) error {
	if at := fileOnTheWay(dir); at != "" {
		return wayError{at, "directory"}
	}
	if err := makeDir(filepath.Clean(dir)); err != nil {
		return err
	}
	for _, name := range []string{fileName, ownerName, beginName} {
		path := filepath.Join(dir, name)
		switch info, err := os.Stat(path); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		case !info.Mode().IsRegular():
			return wayError{path, "file"}
		}
	}
	return nil
}

// announce leaves word that an empty state.db is one that is being made, and refuses one of which nobody left word: a
// crash or a full disk may come between bbolt's making the file and its first write. Of two processes at once each may
// do this; the lock that decides comes later.
func announce(dir string) error {
	path, begin := filepath.Join(dir, fileName), filepath.Join(dir, beginName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		file, err := os.OpenFile(begin, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		return errors.Join(file.Close(), syncDir(dir))
	}
	if !isEmpty(path) {
		return nil
	}
	// When there is no word any more, the one who left it may just have filled the file.
	if _, err := os.Stat(begin); errors.Is(err, fs.ErrNotExist) && isEmpty(path) {
		return errEmptied
	}
	return nil
}

func isEmpty(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Size() == 0
}

// makeDir makes the directory and those above it that are missing, so that they outlive a crash.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeDir(filepath.Dir(dir)); err != nil {
		return err
	}
	switch err := os.Mkdir(dir, 0o700); {
	case errors.Is(err, fs.ErrNotExist): // /proc and the like
		return fmt.Errorf("%s: no directory can be made there; %s", dir, another)
	case err != nil && !errors.Is(err, fs.ErrExist):
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// fileOnTheWay is the first part of the path that is there and is no directory, empty if there is none.
func fileOnTheWay(dir string) string {
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		if info, err := os.Stat(at); err == nil && !info.IsDir() {
			return at
		}
		if at == filepath.Dir(at) {
			return ""
		}
	}
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// reword says what an error of opening means for the operator.
func reword(dir string, err error) error {
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return fmt.Errorf("%w%s; stop it, or %s", ErrInUse, owner(dir), another)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("not writable: %w; make it writable for user id %d, or %s", err, os.Geteuid(), another)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("disk full: %w; free some space, or %s", err, another)
	case errors.As(err, new(formatError)):
		return fmt.Errorf("%s: %w, or %s", fileName, err, another)
	case errors.Is(err, errForeign):
		return fmt.Errorf("%s is %w; move it, or %s", fileName, err, another)
	case errors.Is(err, errEmptied):
		return fmt.Errorf("%s is %w: its content was lost, and to start without it would be to forget the tasks that run; "+
			"restore it from a backup, or remove the file only if no task of the service runs any more", fileName, err)
	case errors.Is(err, errDamaged):
		return fmt.Errorf("%s is %w; restore it from a backup (with an empty state, nothing would be known about the tasks that run)", fileName, err)
	}
	return err
}

// owner names the process that has the directory, if it left its id.
func owner(dir string) string {
	text, err := os.ReadFile(filepath.Join(dir, ownerName))
	if err != nil {
		return ""
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (pid %d)", pid)
}
