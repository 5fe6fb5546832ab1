package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	bolt "go.etcd.io/bbolt"

	"github.com/quobyte/mesos-framework/engine/machine"
)

const (
	fileName  = "state.db"
	ownerName = "owner"
	// beginName is a file that is there from before state.db is made until there is something in it.
	beginName = "state.db.new"
	// format is the version of the layout of the file: which buckets there are and what is in them.
	format = 1
)

// The buckets of the file. A file of ours has both.
const (
	metaBucket    = "meta" // formatKey and nothing else
	recordsBucket = "records"
	formatKey     = "format"
)

// OpenBolt opens the store in a directory, which is made with mode 0700 if it is missing. The records are in the file
// state.db there. While the store is open the file is locked, and the file owner holds the process id. Errors are one
// line that names the directory and what to do; one that the lock is held comes after a second. A state.db that was
// emptied is refused: to take it for a new one would be to forget the tasks that run. A missing one is made.
func OpenBolt(dir string) (Store, error) {
	s, err := openBolt(dir)
	if err != nil {
		return nil, fmt.Errorf("state directory %s: %w", dir, reword(dir, err))
	}
	return s, nil
}

// File is the file of a state in a directory.
func File(dir string) string { return filepath.Join(dir, fileName) }

type boltStore struct {
	owner string // path of the file that names the process

	mu     sync.Mutex
	file   *boltFile // nil when closed
	failed error
}

func openBolt(dir string) (*boltStore, error) {
	if err := prepare(dir); err != nil {
		return nil, err
	}
	if err := announce(dir); err != nil {
		return nil, err
	}
	file, err := openFile(filepath.Join(dir, fileName))
	if err != nil {
		return nil, err
	}
	s := &boltStore{file: file, owner: filepath.Join(dir, ownerName)}
	if err := s.begin(dir); err != nil {
		return nil, errors.Join(err, file.close(err))
	}
	return s, nil
}

// begin readies a file that is open and locked.
func (s *boltStore) begin(dir string) error {
	if err := guard(func() error { return adopt(s.file.db) }); err != nil {
		return err
	}
	// bbolt syncs the file, but not the directory that names it.
	if err := syncDir(dir); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, beginName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(s.owner, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600)
}

// adopt makes a new file ours, and checks that any other is.
func adopt(db *bolt.DB) error {
	isNew := false
	err := db.View(func(tx *bolt.Tx) error {
		if key, _ := tx.Cursor().First(); key == nil {
			isNew = true
			return nil
		}
		return checkFile(tx)
	})
	if err != nil || !isNew {
		return err
	}
	return db.Update(func(tx *bolt.Tx) error {
		meta, err := tx.CreateBucket([]byte(metaBucket))
		if err != nil {
			return err
		}
		if _, err := tx.CreateBucket([]byte(recordsBucket)); err != nil {
			return err
		}
		return meta.Put([]byte(formatKey), []byte(strconv.Itoa(format)))
	})
}

// checkFile checks that the file is ours, that we understand it, and that all of it can be read.
func checkFile(tx *bolt.Tx) error {
	meta := tx.Bucket([]byte(metaBucket))
	if meta == nil {
		return errForeign
	}
	version, err := strconv.Atoi(string(meta.Get([]byte(formatKey))))
	switch {
	case err != nil || version < 1:
		return errForeign
	case version > format:
		return formatError(version)
	}
	records := tx.Bucket([]byte(recordsBucket))
	if records == nil {
		return errForeign
	}
	return records.ForEach(func(_, value []byte) error {
		if value == nil {
			return errForeign // a bucket where a record should be
		}
		return nil
	})
}

func (s *boltStore) Load(ctx context.Context) ([]machine.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	var all []machine.Record
	err := guard(func() error {
		return s.file.db.View(func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(recordsBucket)).ForEach(func(key, value []byte) error {
				all = append(all, machine.Record{Key: string(key), Value: clone(value)})
				return nil
			})
		})
	})
	if err != nil {
		s.failed = fmt.Errorf("store: load: %w", err)
		return nil, s.failed
	}
	s.file.forget()
	return all, nil
}

func (s *boltStore) Commit(ctx context.Context, g machine.Group) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	if err := check(g); err != nil || empty(g) {
		return err
	}
	err := guard(func() error {
		return s.file.db.Update(func(tx *bolt.Tx) error { return apply(tx.Bucket([]byte(recordsBucket)), g) })
	})
	if err != nil {
		s.failed = fmt.Errorf("store: commit: %w", err)
	}
	return s.failed
}

func apply(records *bolt.Bucket, g machine.Group) error {
	for _, key := range g.Deletes {
		if err := records.Delete([]byte(key)); err != nil {
			return fmt.Errorf("record %q: %w", key, err)
		}
	}
	for _, r := range g.Puts {
		if err := records.Put([]byte(r.Key), r.Value); err != nil {
			return fmt.Errorf("record %q: %w", r.Key, err)
		}
	}
	return nil
}

// usable wants the lock.
func (s *boltStore) usable(ctx context.Context) error {
	switch {
	case s.file == nil:
		return ErrClosed
	case s.failed != nil:
		return s.failed
	}
	return ctx.Err()
}

func (s *boltStore) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	// The owner goes first: once the lock is free, the directory may be another's.
	err := os.Remove(s.owner)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	err = errors.Join(err, s.file.close(s.failed))
	s.file = nil
	if err != nil {
		return fmt.Errorf("store: close: %w", err)
	}
	return nil
}
