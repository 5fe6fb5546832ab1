package store

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// lockTimeout is how long to wait for another process that is just ending.
const lockTimeout = time.Second

var (
	errDamaged = errors.New("damaged")
	// errFault is the damage on which bbolt panics. Its locks are then in an unknown state.
	errFault = fmt.Errorf("%w", errDamaged)
)

// boltFile is a database and the file below it.
type boltFile struct {
	db   *bolt.DB
	file *os.File
}

func openFile(path string) (*boltFile, error) {
	f := &boltFile{}
	options := &bolt.Options{
		Timeout:      lockTimeout,
		FreelistType: bolt.FreelistMapType,
		NoStatistics: true,
		OpenFile: func(path string, flag int, mode os.FileMode) (file *os.File, err error) {
			f.file, err = os.OpenFile(path, flag, mode)
			return f.file, err
		},
	}
	err := guard(func() (err error) {
		f.db, err = bolt.Open(path, 0o600, options)
		return err
	})
	var system syscall.Errno
	switch {
	case err == nil:
		return f, nil
	case errors.Is(err, errFault):
		return nil, errors.Join(err, f.close(err))
	case errors.Is(err, berrors.ErrTimeout), errors.As(err, &system):
		return nil, err
	}
	// What is left are many ways of saying that the content is not what it should be; few of them have a name.
	return nil, fmt.Errorf("%w: %w", errDamaged, err)
}

// close closes the file and frees its lock. After a fault bbolt could wait for ever for itself, and is left as it is; the
// file then stays mapped, which would keep the lock.
func (f *boltFile) close(after error) error {
	if !errors.Is(after, errFault) {
		return f.db.Close()
	}
	return errors.Join(syscall.Flock(int(f.file.Fd()), syscall.LOCK_UN), f.file.Close())
}

// guard turns what bbolt does with a damaged or truncated file (panics, and faults in mapped memory) into an error.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errFault, r)
		}
	}()
	return f()
}
