package store

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/go-zookeeper/zk"

	"github.com/quobyte/mesos-framework/engine/machine"
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
