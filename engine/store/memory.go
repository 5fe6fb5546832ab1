package store

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// OpenMemory opens a store whose records are gone when it is closed.
func OpenMemory() Store { return new(Disk).Open() }

// Disk is what survives the end of a store in memory. The zero value is an empty disk. The hooks must be set before it is
// opened, and must not use the disk or its store.
type Disk struct {
	// Before is called before a group is written; with an error the write fails and the group is lost.
	Before func(machine.Group) error
	// After is called after a group is written; with an error the write fails, but the group is there.
	After func(machine.Group) error

	mu      sync.Mutex
	records map[string][]byte
	open    *memory
}

// Open opens the disk. A store that is still open on it is cut off, as if its process had been killed: it is deposed.
func (d *Disk) Open() Store {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = &memory{disk: d}
	return d.open
}

type memory struct {
	disk *Disk
	// Guarded by the disk's lock:
	closed bool
	failed error
}

// usable wants the disk's lock.
func (m *memory) usable(ctx context.Context) error {
	switch {
	case m.closed:
		return ErrClosed
	case m.disk.open != m:
		return ErrDeposed
	case m.failed != nil:
		return m.failed
	}
	return ctx.Err()
}

func (m *memory) Load(ctx context.Context) ([]machine.Record, error) {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return nil, err
	}
	var all []machine.Record
	for _, key := range slices.Sorted(maps.Keys(m.disk.records)) {
		all = append(all, machine.Record{Key: key, Value: clone(m.disk.records[key])})
	}
	return all, nil
}

func (m *memory) Commit(ctx context.Context, g machine.Group) error {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	if err := m.usable(ctx); err != nil {
		return err
	}
	if err := check(g); err != nil || empty(g) {
		return err
	}
	m.failed = m.disk.write(g)
	return m.failed
}

func (d *Disk) write(g machine.Group) error {
	if d.Before != nil {
		if err := d.Before(g); err != nil {
			return err
		}
	}
	if d.records == nil {
		d.records = map[string][]byte{}
	}
	for _, key := range g.Deletes {
		delete(d.records, key)
	}
	for _, r := range g.Puts {
		d.records[r.Key] = clone(r.Value)
	}
	if d.After != nil {
		return d.After(g)
	}
	return nil
}

func (m *memory) Close() error {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	m.closed = true
	return nil
}

// clone is a copy; nil if there is nothing.
func clone(value []byte) []byte {
	if len(value) == 0 {
		return nil
	}
	return bytes.Clone(value)
}
