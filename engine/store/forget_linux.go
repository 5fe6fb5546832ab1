package store

import (
	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// forget takes out of the process's memory what was read of the file: all of it, when a state was loaded. What is needed again comes from the system's cache,
// or the disk.
func (f *boltFile) forget() {
	_ = f.db.View(func(tx *bolt.Tx) error { // so that it stays mapped
		// A failure costs memory and nothing else.
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, f.db.Info().Data, uintptr(tx.Size()), unix.MADV_DONTNEED)
		return nil
	})
}
