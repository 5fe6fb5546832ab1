package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// Store holds records by key.
type Store interface {
	// Load gives all records, sorted by key. They are the caller's. An empty value comes back as nil.
	Load(ctx context.Context) ([]machine.Record, error)
	// Commit carries out a group: its deletes, then its puts in their order. When it returns nil the group is durable; in
	// no case is a part of it. To delete what is not there is no error, and an empty group does nothing. A context that is
	// over before the work has begun prevents it; later all it can do is to end the wait for a ZooKeeper that can't be reached.
	Commit(ctx context.Context, g machine.Group) error
	// Close gives up the store, and waits for a Commit in progress. A second Close does nothing.
	Close() error
}

var (
	// ErrClosed is the error of a store that was closed.
	ErrClosed = errors.New("store: closed")
	// ErrDeposed is the error of a store that another has opened meanwhile. What of the group is not durable by now never will be: nothing, unless
	// a connection broke in the middle of it; then nothing or all.
	ErrDeposed = errors.New("store: deposed: another instance has taken over the state")
	// ErrInUse is the error of opening a directory that another process has open.
	ErrInUse = errors.New("in use by another quobyte-mesos")
	// ErrMissing is the error of reading a state that is not there.
	ErrMissing = errors.New("no state")
)

const (
	// MaxGroup is the size in bytes of the largest group that is atomic: keys and values of its puts, keys of its deletes.
	MaxGroup = 256 << 10
	// MaxKey is the length in bytes of the longest key.
	MaxKey = 1 << 10
)

// GroupError says why a group was refused. Nothing of it was written, and the store can be used as before.
type GroupError struct {
	Key    string // of the record at fault
	Reason string
}

func (e *GroupError) Error() string { return fmt.Sprintf("record %q: %s", e.Key, e.Reason) }

// check refuses groups that a store can't carry out.
func check(g machine.Group) error {
	size, largest := 0, machine.Record{}
	for _, key := range g.Deletes {
		if err := checkKey(key); err != nil {
			return err
		}
		size += len(key)
	}
	for _, r := range g.Puts {
		if err := checkKey(r.Key); err != nil {
			return err
		}
		size += len(r.Key) + len(r.Value)
		if largest.Key == "" || len(r.Value) > len(largest.Value) {
			largest = r
		}
	}
	if size <= MaxGroup {
		return nil
	}
	return &GroupError{largest.Key, fmt.Sprintf("its %d bytes are the most of a group of %d records and %d deletes with %d bytes; at most %d bytes are allowed",
		len(largest.Value), len(g.Puts), len(g.Deletes), size, MaxGroup)}
}

func checkKey(key string) error {
	switch {
	case key == "":
		return &GroupError{key, "a key must not be empty"}
	case len(key) > MaxKey:
		return &GroupError{key[:32] + "…", fmt.Sprintf("its key has %d bytes; at most %d are allowed", len(key), MaxKey)}
	}
	return nil
}

func empty(g machine.Group) bool { return len(g.Puts) == 0 && len(g.Deletes) == 0 }
