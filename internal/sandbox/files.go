package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/user"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// longestRead is how much of a file one /files/read gives, in bytes: 16 pages, whatever is asked for.
const longestRead = 16 * 4096

// usualWorkDir is where the work directory of an agent is usually: paths below it are taken as well.
const usualWorkDir = "/var/lib/mesos"

// place is where a path that a client names lies below the agent's work directory. Besides the real path it may be one
// below the usual work directory, or begin with /frameworks, which stands for the agent's own directory.
func (s *Sandbox) place(a *agentShell, path string) (string, bool) {
	if strings.HasPrefix(path, "/frameworks/") {
		s.mu.Lock()
		defer s.mu.Unlock()
		return filepath.Join("slaves", a.id, path), true
	}
	for _, root := range []string{a.WorkDir, usualWorkDir} {
		if relative, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(relative) {
			return relative, true
		}
	}
	return "", false
}

// open opens a file or a directory of an agent. Nothing outside its work directory is reachable, links included, and nobody waits for what a
// task will write into a pipe.
func (s *Sandbox) open(a *agentShell, path string) (*os.File, error) {
	relative, ok := s.place(a, path)
	if !ok {
		return nil, fs.ErrNotExist
	}
	root, err := os.OpenRoot(a.WorkDir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	file, err := root.OpenFile(relative, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() && !info.IsDir() {
		file.Close()
		return nil, fs.ErrNotExist
	}
	return file, nil
}

// errDirectory is about one that is read as a file.
var errDirectory = errors.New("is a directory")

// refuseFile answers for a file that can't be read.
func refuseFile(w http.ResponseWriter, err error) {
	if errors.Is(err, errDirectory) {
		refuse(w, http.StatusBadRequest, "Cannot read a directory.\n")
		return
	}
	refuse(w, http.StatusNotFound, "")
}

// openAsked opens the file that a query names, or refuses it.
func (s *Sandbox) openAsked(w http.ResponseWriter, r *http.Request, a *agentShell) *os.File {
	path := r.FormValue("path")
	if path == "" {
		refuse(w, http.StatusBadRequest, "Expecting 'path=value' in query.\n")
		return nil
	}
	file, err := s.open(a, path)
	if err != nil {
		refuse(w, http.StatusNotFound, "")
		return nil
	}
	return file
}

// read answers /files/read: text from an offset on, and where it ends with offset=-1.
func (s *Sandbox) read(w http.ResponseWriter, r *http.Request, a *agentShell) {
	if r.FormValue("path") == "" {
		refuse(w, http.StatusBadRequest, "Expecting 'path=value' in query.\n")
		return
	}
	offset, length := int64(-1), int64(longestRead)
	for _, argument := range []struct {
		name  string
		value *int64
	}{{"offset", &offset}, {"length", &length}} {
		text := r.FormValue(argument.name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		switch {
		case err != nil:
			refuse(w, http.StatusBadRequest, fmt.Sprintf("Failed to parse %s: Failed to convert '%s' to number.\n", argument.name, text))
			return
		case n < -1:
			refuse(w, http.StatusBadRequest, fmt.Sprintf("Negative %s provided: %d.\n", argument.name, n))
			return
		}
		*argument.value = n
	}
	file := s.openAsked(w, r, a)
	if file == nil {
		return
	}
	defer file.Close()
	size, data, err := part(file, offset, length)
	switch {
	case err != nil:
		refuseFile(w, err)
	case offset < 0:
		writeJSON(w, fileText{Offset: size})
	default:
		writeJSON(w, fileText{Data: string(data), Offset: offset})
	}
}

type fileText struct {
	Data   string `json:"data"`
	Offset int64  `json:"offset"`
}

// part gives the size of a file and what is in it from an offset on; nothing with one that is negative.
func part(file *os.File, offset, length int64) (size int64, data []byte, err error) {
	info, err := file.Stat()
	switch {
	case err != nil:
		return 0, nil, err
	case info.IsDir():
		return 0, nil, errDirectory
	case offset < 0:
		return info.Size(), nil, nil
	}
	if length < 0 || length > longestRead {
		length = longestRead
	}
	data, err = io.ReadAll(io.NewSectionReader(file, offset, length))
	return info.Size(), data, err
}

func (s *Sandbox) download(w http.ResponseWriter, r *http.Request, a *agentShell) {
	file := s.openAsked(w, r, a)
	if file == nil {
		return
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		refuse(w, http.StatusNotFound, "")
		return
	case info.IsDir():
		refuse(w, http.StatusBadRequest, "Cannot download a directory.\n")
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", "attachment; filename="+path.Base(r.FormValue("path")))
	_, _ = io.Copy(w, file)
}

// browse answers /files/browse.
func (s *Sandbox) browse(w http.ResponseWriter, r *http.Request, a *agentShell) {
	if r.FormValue("path") == "" {
		refuse(w, http.StatusBadRequest, "Expecting 'path=value' in query.\n")
		return
	}
	infos, err := s.listDirectory(a, r.FormValue("path"))
	if err != nil {
		refuse(w, http.StatusNotFound, "")
		return
	}
	views := []object{}
	for i := range infos {
		f := &infos[i]
		views = append(views, object{
			"path": f.Path, "size": f.GetSize_(), "nlink": f.GetNlink(), "mode": modeText(f.GetMode()),
			"mtime": float64(f.Mtime.Nanoseconds / int64(time.Second)), "uid": f.GetUID(), "gid": f.GetGID(),
		})
	}
	writeJSON(w, views)
}

// listDirectory lists the files of a directory, by name.
func (s *Sandbox) listDirectory(a *agentShell, dir string) ([]mesos.FileInfo, error) {
	directory, err := s.open(a, dir)
	if err != nil {
		return nil, err
	}
	defer directory.Close()
	entries, err := directory.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	infos := []mesos.FileInfo{}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			continue // it went away while we looked
		}
		infos = append(infos, fileInfo(strings.TrimRight(dir, "/")+"/"+entry.Name(), info))
	}
	return infos, nil
}

// fileInfo is a file as the operator API tells of it. Times are whole seconds, as in stat(2).
func fileInfo(path string, info fs.FileInfo) mesos.FileInfo {
	size, mode, links := uint64(info.Size()), uint32(info.Mode().Perm()), int32(1)
	uid, gid := "", ""
	if stat, is := info.Sys().(*syscall.Stat_t); is {
		mode, links = uint32(stat.Mode), int32(stat.Nlink)
		uid, gid = userName(stat.Uid), groupName(stat.Gid)
	}
	return mesos.FileInfo{
		Path: path, Size_: &size, Mode: &mode, Nlink: &links, UID: &uid, GID: &gid,
		Mtime: &mesos.TimeInfo{Nanoseconds: info.ModTime().Unix() * int64(time.Second)},
	}
}

func userName(id uint32) string {
	text := strconv.FormatUint(uint64(id), 10)
	if u, err := user.LookupId(text); err == nil {
		return u.Username
	}
	return text
}

func groupName(id uint32) string {
	text := strconv.FormatUint(uint64(id), 10)
	if g, err := user.LookupGroupId(text); err == nil {
		return g.Name
	}
	return text
}

// modeText is what ls -l shows of a mode of stat(2).
func modeText(mode uint32) string {
	kind := "?"
	switch mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		kind = "-"
	case syscall.S_IFDIR:
		kind = "d"
	case syscall.S_IFLNK:
		kind = "l"
	case syscall.S_IFIFO:
		kind = "p"
	case syscall.S_IFSOCK:
		kind = "s"
	}
	const letters = "rwxrwxrwx"
	text := []byte(letters)
	for i := range text {
		if mode&(1<<(8-i)) == 0 {
			text[i] = '-'
		}
	}
	return kind + string(text)
}
