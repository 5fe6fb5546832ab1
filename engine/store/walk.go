package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/go-zookeeper/zk"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/zookeeper"
)

const (
	// readers is how many nodes are asked for at once, one by one: it hides the time that ZooKeeper is away.
	readers = 128
	// batch is how many nodes one reader reads between two looks at the clock. That all of them take longer than a session may live is a failure.
	batch = 32
)

// found is a node as it was read.
type found struct {
	path     string // from the node that is walked
	data     []byte
	stat     zk.Stat
	children []string // their names
}

// source is what nodes are read from. What it reads is never older than what it has read before.
type source interface {
	// read reads nodes whose paths are given.
	read(ctx context.Context, top string, nodes []found) error
}

// reading reads from a source that sees everything up to a transaction: many nodes at a time, or, if that can't be had or fails, one by one, again from the beginning.
func reading(ctx context.Context, conn *zookeeper.Conn, seen int64, read func(source) error) error {
	b, err := conn.OpenBulk(ctx, seen)
	if err == nil {
		err = read(bulkSource{b})
		b.Close()
	}
	if errors.Is(err, zookeeper.ErrBulk) && ctx.Err() == nil {
		return read(singleSource{conn})
	}
	return err
}

// walk reads all records, all nodes of a level at once.
func walk(ctx context.Context, from source, top string) ([]machine.Record, tree, error) {
	t, records := tree{}, []machine.Record{}
	for level := []found{{}}; len(level) > 0; {
		if err := from.read(ctx, top, level); err != nil {
			return nil, nil, err
		}
		var below []found
		for _, f := range level {
			record := len(f.data) > 0 && f.path != ""
			t[f.path] = node{record: record, children: len(f.children)}
			if record {
				key, err := keyOf(f.path)
				if err != nil || nodeOf(key) != f.path {
					return nil, nil, fmt.Errorf("node %s: %w", top+f.path, errForeign)
				}
				records = append(records, machine.Record{Key: key, Value: valueOf(f.data)})
			}
			for _, name := range f.children {
				below = append(below, found{path: f.path + "/" + name})
			}
		}
		level = below
	}
	slices.SortFunc(records, func(a, b machine.Record) int { return strings.Compare(a.Key, b.Key) })
	return records, t, nil
}

// epochFrom reads who owns the state.
func epochFrom(ctx context.Context, from source, root string) (zooEpoch, zk.Stat, error) {
	var e zooEpoch
	nodes := []found{{path: epochNode}}
	if err := from.read(ctx, root, nodes); err != nil {
		return e, zk.Stat{}, err
	}
	if err := json.Unmarshal(nodes[0].data, &e); err != nil {
		return e, zk.Stat{}, errForeign
	}
	return e, nodes[0].stat, nil
}

// bulkSource reads many nodes at a time.
type bulkSource struct{ bulk *zookeeper.Bulk }

func (s bulkSource) read(ctx context.Context, top string, nodes []found) error {
	paths := make([]string, len(nodes))
	for i := range nodes {
		paths[i] = top + nodes[i].path
	}
	var parents []int
	err := s.bulk.Get(ctx, paths, func(i int, data []byte, stat zk.Stat) {
		nodes[i].data, nodes[i].stat = clone(data), stat
		if stat.NumChildren > 0 {
			parents = append(parents, i)
		}
	})
	if err != nil {
		return err
	}
	above := make([]string, len(parents))
	for k, i := range parents {
		above[k] = paths[i]
	}
	return s.bulk.Children(ctx, above, func(k int, names []string) { nodes[parents[k]].children = names })
}

// singleSource reads nodes one by one.
type singleSource struct{ conn *zookeeper.Conn }

func (s singleSource) read(ctx context.Context, top string, nodes []found) error {
	// A batch that fails ends the reading, but not the others at once: that would take the connection, which is needed for another attempt.
	together, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches := make(chan []found)
	var working sync.WaitGroup
	for range min(readers, (len(nodes)+batch-1)/batch) {
		working.Go(func() {
			for b := range batches {
				if err := readBatch(ctx, s.conn, top, b); err != nil {
					cancel(err)
				}
			}
		})
	}
	for b := range slices.Chunk(nodes, batch) {
		if together.Err() != nil {
			break
		}
		batches <- b
	}
	close(batches)
	working.Wait()
	return context.Cause(together)
}

func readBatch(ctx context.Context, conn *zookeeper.Conn, top string, nodes []found) error {
	at := 0
	err := conn.Repeat(ctx, func(z *zk.Conn) error { // repeated, it goes on where it was
		for ; at < len(nodes); at++ {
			if err := nodes[at].read(z, top); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("node %s: %w", top+nodes[at].path, err)
	}
	return nil
}

func (f *found) read(z *zk.Conn, top string) error {
	data, stat, err := z.Get(top + f.path)
	if err != nil {
		return err
	}
	f.data, f.stat, f.children = data, *stat, nil
	if stat.NumChildren > 0 {
		f.children, _, err = z.Children(top + f.path)
	}
	return err
}

// ReadZooKeeper reads the records at a node without opening the store: its owner goes on. What it returns is the state as it was at one
// moment, and who owned it.
func ReadZooKeeper(ctx context.Context, z ZooKeeper) (records []machine.Record, owner string, err error) {
	conn, err := zookeeper.Connect(ctx, z.Config)
	if err != nil {
		return nil, "", stateError(z.Address, err)
	}
	defer conn.Close()
	records, owner, err = readZooKeeper(ctx, conn)
	if err != nil {
		return nil, "", stateError(z.Address, err)
	}
	return records, owner, nil
}

// errBusy is the error of a reader whom the owner gave no moment to read.
var errBusy = errors.New("it changes all the time; try again when the plans are at rest")

func readZooKeeper(ctx context.Context, conn *zookeeper.Conn) (records []machine.Record, owner string, err error) {
	root := conn.Address().Path
	// The server that we ask may be behind.
	err = conn.Repeat(ctx, func(z *zk.Conn) error { _, err := z.Sync(root); return err })
	if err != nil {
		return nil, "", err
	}
	if err := checkNodes(ctx, conn, root); errors.Is(err, zk.ErrNoNode) {
		return nil, "", fmt.Errorf("there is none: %w", ErrMissing)
	} else if err != nil {
		return nil, "", err
	}
	_, stat, err := readEpoch(ctx, conn, root)
	if err != nil {
		return nil, "", err
	}
	err = reading(ctx, conn, stat.Mzxid, func(from source) (err error) {
		records, owner, err = readMoment(ctx, from, root)
		return err
	})
	return records, owner, err
}

// readMoment reads until nobody has written meanwhile.
func readMoment(ctx context.Context, from source, root string) ([]machine.Record, string, error) {
	for range 10 {
		_, before, err := epochFrom(ctx, from, root)
		if err != nil {
			return nil, "", err
		}
		records, _, problem := walk(ctx, from, root+recordsNode)
		if errors.Is(problem, zookeeper.ErrBulk) {
			return nil, "", problem
		}
		epoch, after, err := epochFrom(ctx, from, root)
		switch {
		case err != nil:
			return nil, "", err
		case before.Version == after.Version:
			return records, epoch.Owner, problem
		case problem != nil && !errors.Is(problem, zk.ErrNoNode): // a node that was there is gone: no wonder
			return nil, "", problem
		}
	}
	return nil, "", errBusy
}
