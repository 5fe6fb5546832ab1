package prober

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/hashicorp/go-multierror"

	"github.com/quobyte/mesos-framework/quobyte"
)

// idFile is what Quobyte writes on a device when it registers it: device.id=<number>.
const idFile = "QUOBYTE_DEV_ID"

const (
	maxIDFile = 4 << 10 // bytes
	maxID     = 64
	// The bounds of a device's problems in a report: their number, and the bytes of each.
	maxProblems, maxText = 8, 300
)

// contents are the directories that a device's users keep on it, with the pod type of each.
var contents = []struct{ name, podType string }{
	{"quobyte-dir", quobyte.Registry},
	{"quobyte-metadata", quobyte.Metadata},
	{"quobyte-data", quobyte.Data},
}

// scanner looks at a host's file systems.
type scanner struct {
	deviceDir, mountPoint, procMounts string
}

// scan says what the host carries. It never fails: what it can't see is a problem among the facts.
func (s scanner) scan() quobyte.Facts {
	var facts quobyte.Facts
	mounts, err := s.mounts()
	if err != nil {
		facts.Problems = append(facts.Problems, problem(s.procMounts, err))
	}
	facts.ClientMountPoint = s.hasMountPoint(mounts)
	places, err := s.places(mounts)
	if err != nil {
		facts.Problems = append(facts.Problems, problem("device directory "+s.deviceDir, err))
	}
	for _, p := range places {
		if d, ok := inspect(p); ok {
			facts.Devices = append(facts.Devices, d)
		}
	}
	return facts
}

func (s scanner) mounts() ([]mount, error) {
	f, err := os.Open(s.procMounts)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseMounts(f)
}

// hasMountPoint says whether the client mount point exists. What is mounted is not touched: when a client has died, its
// mount point answers ENOTCONN, or not at all.
func (s scanner) hasMountPoint(mounts []mount) bool {
	if s.mountPoint == "" {
		return false
	}
	at := filepath.Clean(s.mountPoint)
	for _, m := range mounts {
		if m.path == at {
			return true
		}
	}
	info, err := os.Stat(at)
	return err == nil && info.IsDir() || errors.Is(err, syscall.ENOTCONN)
}

// place is a directory that may be a device.
type place struct {
	real string // where it is
	name string // what it is called: below the device directory as the operator named it
	fs   string // of the mount that it is; empty if it is none
}

// places lists ext4 and xfs mounts at and below the device directory, and the directories one level below it.
func (s scanner) places(mounts []mount) ([]place, error) {
	root, err := filepath.EvalSymlinks(s.deviceDir) // the kernel knows mounts by their real paths
	if err != nil {
		return nil, err
	}
	mounted := map[string]string{}
	for _, m := range mounts {
		mounted[m.path] = m.fs
	}
	var places []place
	seen := map[string]bool{}
	add := func(path string) {
		if below, err := filepath.Rel(root, path); err == nil && !seen[path] {
			seen[path] = true
			places = append(places, place{real: path, name: filepath.Join(s.deviceDir, below), fs: mounted[path]})
		}
	}
	for _, m := range mounts {
		inside := m.path == root || strings.HasPrefix(m.path, strings.TrimSuffix(root, "/")+"/")
		if inside && isDeviceFS(mounted[m.path]) {
			add(m.path)
		}
	}
	entries, err := os.ReadDir(root)
	for _, e := range entries {
		if e.IsDir() {
			add(filepath.Join(root, e.Name()))
		}
	}
	return places, err
}

// isDeviceFS says whether Quobyte takes file systems of the type for devices.
func isDeviceFS(fs string) bool { return fs == "ext4" || fs == "xfs" }

// inspect reads what marks a device, if the place is one. One that can't be looked at is shown with its problems.
func inspect(p place) (quobyte.FoundDevice, bool) {
	found := quobyte.FoundDevice{Path: p.name, FS: p.fs}
	marked := readSetup(&found, filepath.Join(p.real, quobyte.SetupFile))
	for _, c := range contents {
		switch info, err := os.Lstat(filepath.Join(p.real, c.name)); {
		case err == nil && info.IsDir():
			marked = true
			found.Types = append(found.Types, c.podType)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			marked = true
			found.Problems = append(found.Problems, problem(c.name, err))
		}
	}
	if !marked {
		return found, false
	}
	readID(&found, filepath.Join(p.real, idFile))
	if len(found.Problems) > maxProblems {
		found.Problems = append(found.Problems[:maxProblems-1], "more problems follow")
	}
	return found, true
}

// readSetup takes in the device file; false if there is none.
func readSetup(found *quobyte.FoundDevice, path string) bool {
	f, err := openFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false
	}
	if err != nil {
		found.Problems = append(found.Problems, problem(quobyte.SetupFile, err))
		return true
	}
	defer f.Close()
	d, err := quobyte.ParseDeviceFile(f) // bounds what it reads
	found.Serial, found.Model, found.Bootstrap = d.Serial, d.Model, d.Bootstrap
	if d.PodType != "" {
		found.Types = append(found.Types, d.PodType)
	}
	var all *multierror.Error
	if errors.As(err, &all) {
		for _, e := range all.Errors {
			found.Problems = append(found.Problems, problem(quobyte.SetupFile, e))
		}
	}
	return true
}

// readID takes in the device's number. Other lines are Quobyte's own business, and no number means that the device is not
// registered yet.
func readID(found *quobyte.FoundDevice, path string) {
	f, err := openFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	var text []byte
	if err == nil {
		defer f.Close()
		text, err = io.ReadAll(io.LimitReader(f, maxIDFile))
	}
	if err != nil {
		found.Problems = append(found.Problems, problem(idFile, err))
		return
	}
	for line := range strings.Lines(string(text)) {
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), "device.id="); ok {
			found.ID = shorten(id, maxID)
		}
	}
}

// openFile opens regular files only: a pipe would never answer, and a link could lead anywhere.
func openFile(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is no regular file")
	}
	return os.Open(path)
}

// problem is one line about a file, without the path that the caller shows beside it.
func problem(file string, err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return shorten(fmt.Sprintf("%s: %v", file, err), maxText)
}

// shorten cuts a text to so many bytes, at a character's end.
func shorten(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
