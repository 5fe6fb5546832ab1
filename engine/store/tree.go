package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-zookeeper/zk"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/zookeeper"
)

const (
	// readers is how many nodes are asked for at once: it hides the time that ZooKeeper is away.
	readers = 128
	// batch is how many nodes one reader reads between two looks at the clock. That all of them take longer than a session may live is a failure.
	batch = 32
)

// maxMulti is the size in bytes of the largest request. ZooKeeper takes up to 1 MiB less one byte (jute.maxbuffer), and adds to it what it
// needs for itself.
const maxMulti = 1<<20 - 64<<10

// The name of a node is a part of a key between slashes, with %XX in place of every byte that ZooKeeper does not allow everywhere, and of %.
// A part that is empty is a single %. So pods/registry-0 is a node registry-0 below a node pods.
//
// A node is there because it is a record, or because something is below it, or both. Without data it is no record. A record without a
// value, or whose value begins with a zero byte, has a zero byte before it.

func nodeOf(key string) string {
	var b strings.Builder
	for _, part := range strings.Split(key, "/") {
		b.WriteByte('/')
		switch part {
		case "":
			b.WriteByte('%')
			continue
		case ".", "..":
			b.WriteString(strings.ReplaceAll(part, ".", "%2E"))
			continue
		}
		for i := range len(part) {
			if c := part[i]; c > ' ' && c < 0x7f && c != '%' {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		}
	}
	return b.String()
}

func keyOf(node string) (string, error) {
	var b strings.Builder
	for i, part := range strings.Split(node[1:], "/") {
		if i > 0 {
			b.WriteByte('/')
		}
		if part == "%" {
			continue
		}
		for len(part) > 0 {
			if part[0] != '%' {
				b.WriteByte(part[0])
				part = part[1:]
				continue
			}
			if len(part) < 3 {
				return "", errForeign
			}
			c, err := strconv.ParseUint(part[1:3], 16, 8)
			if err != nil {
				return "", errForeign
			}
			b.WriteByte(byte(c))
			part = part[3:]
		}
	}
	return b.String(), nil
}

func dataOf(value []byte) []byte {
	if len(value) == 0 || value[0] == 0 {
		return append([]byte{0}, value...)
	}
	return value
}

func valueOf(data []byte) []byte {
	if data[0] == 0 {
		data = data[1:]
	}
	return clone(data)
}

// node is what we know of one without looking.
type node struct {
	record   bool
	children int
}

// tree are the nodes below the records' node, by their path from there. Nobody else changes them while we own the state.
type tree map[string]node

// found is a node as it was read.
type found struct {
	path     string // from the records' node
	data     []byte
	children []string
}

// walk reads all records, all nodes of a level at once.
func walk(ctx context.Context, conn *zookeeper.Conn, top string) ([]machine.Record, tree, error) {
	t, records := tree{}, []machine.Record{}
	for level := []found{{}}; len(level) > 0; {
		if err := readLevel(ctx, conn, top, level); err != nil {
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

// readLevel reads nodes whose paths are given.
func readLevel(ctx context.Context, conn *zookeeper.Conn, top string, level []found) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches := make(chan []found)
	var all sync.WaitGroup
	for range min(readers, (len(level)+batch-1)/batch) {
		all.Go(func() {
			for b := range batches {
				if err := readBatch(conn, top, b); err != nil {
					cancel(err)
				}
			}
		})
	}
	for b := range slices.Chunk(level, batch) {
		if ctx.Err() != nil {
			break
		}
		batches <- b
	}
	close(batches)
	all.Wait()
	return context.Cause(ctx)
}

func readBatch(conn *zookeeper.Conn, top string, nodes []found) error {
	at := 0
	err := conn.Read(func(z *zk.Conn) error { // repeated, it goes on where it was
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
	f.data, f.children = data, nil
	if stat.NumChildren > 0 {
		f.children, _, err = z.Children(top + f.path)
	}
	return err
}

// change makes operations of a group. What they do to the tree counts when they are done.
type change struct {
	tree       tree
	now        tree // the nodes that changed; without children and no record: gone
	top        string
	acl        []zk.ACL
	operations []any
	size       int
}

func newChange(t tree, top string, acl []zk.ACL) *change {
	return &change{tree: t, now: tree{}, top: top, acl: acl, size: 1 << 10}
}

func (c *change) node(path string) (n node, there bool) {
	if n, changed := c.now[path]; changed {
		return n, path == "" || n.record || n.children > 0
	}
	n, there = c.tree[path]
	return n, there
}

func (c *change) group(g machine.Group) error {
	for _, key := range g.Deletes {
		c.delete(nodeOf(key))
		if err := c.fits(key); err != nil {
			return err
		}
	}
	for _, r := range g.Puts {
		c.put(nodeOf(r.Key), dataOf(r.Value))
		if err := c.fits(r.Key); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) fits(key string) error {
	if c.size <= maxMulti {
		return nil
	}
	return &GroupError{key, fmt.Sprintf("with it the request to ZooKeeper has %d bytes; at most %d are allowed", c.size, maxMulti)}
}

func (c *change) add(operation any, path string, data []byte) {
	c.operations = append(c.operations, operation)
	c.size += 64 + len(c.top) + len(path) + len(data)
	for _, a := range c.acl {
		c.size += 12 + len(a.Scheme) + len(a.ID)
	}
}

func (c *change) put(path string, data []byte) {
	n, there := c.node(path)
	if there {
		c.add(&zk.SetDataRequest{Path: c.top + path, Data: data, Version: -1}, path, data)
	} else {
		c.create(path, data)
		n, _ = c.node(path)
	}
	n.record = true
	c.now[path] = n
}

// create creates a node, and before it those above it that are missing.
func (c *change) create(path string, data []byte) {
	above := parent(path)
	p, there := c.node(above)
	if !there {
		c.create(above, nil)
		p, _ = c.node(above)
	}
	p.children++
	c.now[above] = p
	c.now[path] = node{}
	c.add(&zk.CreateRequest{Path: c.top + path, Data: data, Acl: c.acl}, path, data)
}

func (c *change) delete(path string) {
	n, _ := c.node(path)
	if !n.record {
		return
	}
	n.record = false
	c.now[path] = n
	if n.children > 0 {
		c.add(&zk.SetDataRequest{Path: c.top + path, Version: -1}, path, nil)
		return
	}
	c.remove(path)
}

// remove deletes a node that has no use any more, and those above it that had none but for it.
func (c *change) remove(path string) {
	c.add(&zk.DeleteRequest{Path: c.top + path, Version: -1}, path, nil)
	above := parent(path)
	p, _ := c.node(above)
	p.children--
	c.now[above] = p
	if above != "" && !p.record && p.children == 0 {
		c.remove(above)
	}
}

// done makes the change that of the tree.
func (c *change) done() {
	for path, n := range c.now {
		if path != "" && !n.record && n.children == 0 {
			delete(c.tree, path)
			continue
		}
		c.tree[path] = n
	}
}

func parent(path string) string { return path[:strings.LastIndexByte(path, '/')] }

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

func readZooKeeper(ctx context.Context, conn *zookeeper.Conn) ([]machine.Record, string, error) {
	root := conn.Address().Path
	// The server that we ask may be behind.
	err := conn.Read(func(z *zk.Conn) error { _, err := z.Sync(root); return err })
	if err != nil {
		return nil, "", err
	}
	if err := checkNodes(conn, root); errors.Is(err, zk.ErrNoNode) {
		return nil, "", fmt.Errorf("there is none: %w", ErrMissing)
	} else if err != nil {
		return nil, "", err
	}
	for range 10 {
		_, before, err := readEpoch(conn, root)
		if err != nil {
			return nil, "", err
		}
		records, _, problem := walk(ctx, conn, root+recordsNode)
		epoch, after, err := readEpoch(conn, root)
		switch {
		case err != nil:
			return nil, "", err
		case before == after:
			return records, epoch.Owner, problem
		case problem != nil && !errors.Is(problem, zk.ErrNoNode): // a node that was there is gone: no wonder
			return nil, "", problem
		}
	}
	return nil, "", errBusy
}
