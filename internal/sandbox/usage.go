package sandbox

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// clockTick is the unit of times in /proc, in seconds: Linux shows hundredths to programs, whatever it counts in.
const clockTick = 0.01

// usage is what a process and everything below it uses.
type usage struct {
	user, system float64 // seconds
	resident     uint64  // bytes
}

// usageOf reads /proc. What is not there, because it has ended or this is no Linux, uses nothing.
func usageOf(pid uint32) usage {
	var u usage
	u.add(int(pid))
	return u
}

func (u *usage) add(pid int) {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(proc, "stat"))
	if err != nil {
		return
	}
	// The name of the program may have anything in it; it ends with the last parenthesis.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const user, system, resident = 11, 12, 21
	if len(fields) <= resident {
		return
	}
	number := func(i int) float64 {
		n, _ := strconv.ParseFloat(fields[i], 64)
		return n
	}
	u.user += number(user) * clockTick
	u.system += number(system) * clockTick
	u.resident += uint64(number(resident)) * uint64(os.Getpagesize())
	threads, _ := filepath.Glob(filepath.Join(proc, "task", "*", "children"))
	for _, thread := range threads {
		children, err := os.ReadFile(thread)
		if err != nil {
			continue // it ended while we looked
		}
		for _, word := range strings.Fields(string(children)) {
			var child int
			if _, err := fmt.Sscan(word, &child); err == nil {
				u.add(child)
			}
		}
	}
}

// sizeOf is how many bytes the files of a directory have, links not followed.
func sizeOf(dir string) uint64 {
	var size uint64
	_ = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // it went away while we looked
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			size += uint64(info.Size())
		}
		return nil
	})
	return size
}
