package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// lastAgent is where an agent notes its id below its work directory, as the target of a symbolic link (Mesos: the same, to a
// directory that has more in it).
const lastAgent = "meta/slaves/latest"

// keptID is the id that the agent of a work directory had before; "" if it never had one.
func keptID(workDir string) (string, error) {
	link := filepath.Join(workDir, lastAgent)
	target, err := os.Readlink(link)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if id := filepath.Base(target); err == nil && id != "." && id != ".." && id != "/" {
		return id, nil
	}
	return "", fmt.Errorf("agent id: %s is no link to one; remove it, and the agent gets a new id", link)
}

// keepID notes an id for the next start. The link is replaced in one step.
func keepID(workDir, id string) error {
	link := filepath.Join(workDir, lastAgent)
	if err := os.MkdirAll(filepath.Join(filepath.Dir(link), id), 0o755); err != nil {
		return fmt.Errorf("agent id: %w", err)
	}
	next := link + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("agent id: %w", err)
	}
	if err := os.Symlink(id, next); err != nil {
		return fmt.Errorf("agent id: %w", err)
	}
	if err := os.Rename(next, link); err != nil {
		return fmt.Errorf("agent id: %w", err)
	}
	return nil
}
