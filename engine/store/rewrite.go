package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// IncompleteKey is the key of a record that is there while Replace is at work, and stays if it does not come to its end. A machine
// refuses a state with a record that it does not know.
const IncompleteKey = "incomplete"

// groupRecords and groupBytes bound the groups of Replace.
const (
	groupRecords = 500
	groupBytes   = MaxGroup / 2
)

// Replace replaces all records by others, in many groups. If that does not come to its end, the state can't be loaded by a machine, and
// Replace may be tried again.
func Replace(ctx context.Context, s Store, records []machine.Record) error {
	old, err := s.Load(ctx)
	if err != nil {
		return err
	}
	mark := machine.Record{Key: IncompleteKey, Value: []byte(`{"format":1,"value":"an import or a reset of the state did not come to its end; repeat it"}`)}
	if err := s.Commit(ctx, machine.Group{Puts: []machine.Record{mark}}); err != nil {
		return err
	}
	var g machine.Group
	size := 0
	flush := func(add int) error {
		if size += add; size <= groupBytes && len(g.Puts)+len(g.Deletes) < groupRecords {
			return nil
		}
		err := s.Commit(ctx, g)
		g, size = machine.Group{}, add
		return err
	}
	for _, r := range old {
		if r.Key == IncompleteKey {
			continue
		}
		if err := flush(len(r.Key)); err != nil {
			return err
		}
		g.Deletes = append(g.Deletes, r.Key)
	}
	if err := s.Commit(ctx, g); err != nil {
		return err
	}
	g, size = machine.Group{}, 0
	for _, r := range records {
		if err := flush(len(r.Key) + len(r.Value)); err != nil {
			return err
		}
		g.Puts = append(g.Puts, r)
	}
	g.Deletes = append(g.Deletes, IncompleteKey)
	return s.Commit(ctx, g)
}

// ReadBolt reads the records in a directory. Nobody else may have it open; ErrMissing says that there is no state.
func ReadBolt(ctx context.Context, dir string) ([]machine.Record, error) {
	if _, err := os.Stat(filepath.Join(dir, fileName)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("state directory %s: there is no %s: %w", dir, fileName, ErrMissing)
	}
	s, err := OpenBolt(dir)
	if err != nil {
		return nil, err
	}
	records, err := s.Load(ctx)
	return records, errors.Join(err, s.Close())
}
