package zookeeper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/google/go-cmp/cmp"

	"github.com/quobyte/mesos-framework/internal/zktest"
)

// create makes a node, and returns its path.
func create(t *testing.T, c *Conn, path string, data []byte) string {
	t.Helper()
	err := c.Do(func(z *zk.Conn) error { _, err := z.Create(path, data, 0, c.ACL()); return err })
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func bulk(t *testing.T, c *Conn, seen int64) *Bulk {
	t.Helper()
	b, err := c.OpenBulk(t.Context(), seen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// many makes nodes of all sizes below one.
func many(t *testing.T, c *Conn) (top string, paths []string) {
	t.Helper()
	top = create(t, c, "/many", nil)
	for i := range 3*bulkNodes + 1 {
		name := fmt.Sprint(i)
		if i%50 == 0 {
			name += strings.Repeat("x", 20_000) // few of these fit into a request
		}
		paths = append(paths, create(t, c, top+"/"+name, bytes.Repeat([]byte{byte(i)}, i*i)))
	}
	return top, paths
}

func TestNodesAreReadManyAtATime(t *testing.T) {
	c := connect(t, "ann:secret@"+zktest.Start(t).Address, 5*time.Second)
	top, paths := many(t, c)
	b := bulk(t, c, 0)
	next := 0
	err := b.Get(t.Context(), paths, func(i int, data []byte, stat zk.Stat) {
		if i != next {
			t.Errorf("node %d, want %d", i, next)
		}
		next++
		var want []byte
		var there *zk.Stat
		if err := c.Read(func(z *zk.Conn) (err error) { want, there, err = z.Get(paths[i]); return err }); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, data) {
			t.Errorf("node %d: %d bytes, want %d", i, len(data), len(want))
		}
		if diff := cmp.Diff(*there, stat); diff != "" {
			t.Errorf("node %d (-client +bulk)\n%s", i, diff)
		}
	})
	if err != nil || next != len(paths) {
		t.Errorf("%d nodes, want %d: %v", next, len(paths), err)
	}
	var names [][]string
	if err := b.Children(t.Context(), []string{paths[0], top}, func(_ int, n []string) { names = append(names, n) }); err != nil {
		t.Fatal(err)
	}
	for i, name := range names[1] {
		names[1][i] = top + "/" + name
	}
	slices.Sort(names[1])
	slices.Sort(paths)
	if diff := cmp.Diff([][]string{{}, paths}, names); diff != "" {
		t.Errorf("names (-want +got)\n%s", diff)
	}
	if err := b.Get(t.Context(), nil, nil); err != nil {
		t.Errorf("nothing at all: %v", err)
	}
}

// What the server says of a node is told as the client tells it, and the session goes on.
func TestNodesThatCannotBeReadManyAtATime(t *testing.T) {
	server := zktest.Start(t).Address
	ann := connect(t, "ann:secret@"+server, 5*time.Second)
	top, paths := many(t, ann)
	gone := slices.Clone(paths)
	gone[bulkNodes/2] = top + "/none"
	bob := connect(t, "bob:secret@"+server, 5*time.Second)
	for _, test := range []struct {
		name  string
		conn  *Conn
		paths []string
		want  error
		text  string
	}{
		{"missing", ann, gone, zk.ErrNoNode, "node /many/none: "},
		{"another's", bob, paths, zk.ErrNoAuth, "node " + paths[0] + ": "},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := bulk(t, test.conn, 0)
			for _, read := range []func() error{
				func() error { return b.Get(t.Context(), test.paths, func(int, []byte, zk.Stat) {}) },
				func() error { return b.Children(t.Context(), test.paths, func(int, []string) {}) },
			} {
				if err := read(); !errors.Is(err, test.want) || errors.Is(err, ErrBulk) || !strings.HasPrefix(err.Error(), test.text) {
					t.Errorf("%v, want %v", err, test.want)
				}
			}
			n := 0
			if err := b.Get(t.Context(), []string{"/", "/"}, func(int, []byte, zk.Stat) { n++ }); err != nil || n != 2 {
				t.Errorf("after it: %d nodes, %v", n, err)
			}
		})
	}
}

// A server that has not seen what we have is not read from.
func TestASecondSessionIsNotBehindTheFirst(t *testing.T) {
	c := connect(t, zktest.Start(t).Address, 5*time.Second)
	path := create(t, c, "/a", nil)
	var stat *zk.Stat
	if err := c.Do(func(z *zk.Conn) (err error) { stat, err = z.Set(path, []byte("x"), -1); return err }); err != nil {
		t.Fatal(err)
	}
	bulk(t, c, stat.Mzxid)
	if _, err := c.OpenBulk(t.Context(), stat.Mzxid+100); !errors.Is(err, ErrBulk) {
		t.Errorf("a server that is behind: %v, want %v", err, ErrBulk)
	}
}

func TestASecondSessionThatFails(t *testing.T) {
	server := zktest.Start(t)
	ends, end := context.WithCancel(t.Context())
	defer end()
	for _, test := range []struct {
		name  string
		fault zktest.Fault
		ctx   context.Context
		want  error
	}{
		{"an old server", zktest.Unknown, t.Context(), errOld},
		{"cut before", zktest.CutBefore, t.Context(), ErrBulk},
		{"cut after", zktest.CutAfter, t.Context(), ErrBulk},
		{"silence", zktest.Swallow, t.Context(), ErrBulk},
		{"given up", zktest.Swallow, ends, context.Canceled},
	} {
		t.Run(test.name, func(t *testing.T) {
			proxy := zktest.NewProxy(t, server.Address)
			c := connect(t, proxy.Address, time.Second)
			b := bulk(t, c, 0)
			proxy.Judge(func(operation int32) zktest.Fault {
				if operation != zktest.OpMultiRead {
					return zktest.Pass
				}
				if test.ctx == ends {
					end()
				}
				return test.fault
			})
			paths := slices.Repeat([]string{"/"}, 10*bulkNodes)
			err := b.Get(test.ctx, paths, func(int, []byte, zk.Stat) {})
			if !errors.Is(err, test.want) || errors.Is(err, ErrBulk) != (test.ctx != ends) {
				t.Errorf("%v, want %v", err, test.want)
			}
			if err := b.Get(t.Context(), paths, func(int, []byte, zk.Stat) {}); !errors.Is(err, ErrBulk) {
				t.Errorf("after it: %v, want %v", err, ErrBulk)
			}
			if err := c.Do(func(z *zk.Conn) error { _, _, err := z.Exists("/"); return err }); err != nil {
				t.Errorf("the first session: %v", err)
			}
		})
	}
	t.Run("no server", func(t *testing.T) {
		c := connect(t, server.Address, time.Second)
		b := bulk(t, c, 0)
		server.Signal(syscall.SIGSTOP)
		begun := time.Now()
		if _, err := c.OpenBulk(t.Context(), 0); !errors.Is(err, ErrBulk) {
			t.Errorf("%v, want %v", err, ErrBulk)
		}
		if err := b.Get(t.Context(), []string{"/"}, func(int, []byte, zk.Stat) {}); !errors.Is(err, ErrBulk) {
			t.Errorf("%v, want %v", err, ErrBulk)
		}
		b.Close()
		if d := time.Since(begun); d > 10*time.Second {
			t.Errorf("it took %s", d)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	var e encoder
	for _, op := range []int32{opGet, opChildren, opNone} {
		e.buf = nil
		e.part(op, false)
		e.int(2)
		e.text("ab")
		e.text("c")
		f.Add(op, e.buf)
		e.buf = append(e.buf, make([]byte, 80)...)
		f.Add(op, e.buf)
	}
	f.Fuzz(func(t *testing.T, op int32, message []byte) {
		d := decoder{rest: message}
		for d.err == nil && len(d.rest) > 0 {
			if err := d.part(op); err != nil {
				if !errors.Is(err, ErrBulk) && d.err != nil {
					t.Errorf("%v, but it was the message: %v", err, d.err)
				}
				continue
			}
			size := 0
			if op == opChildren {
				for _, name := range d.texts() {
					size += 4 + len(name)
				}
			} else {
				size = len(d.bytes())
				d.stat()
			}
			if size > len(message) {
				t.Errorf("%d bytes from a message of %d", size, len(message))
			}
			if d.err != nil && len(d.rest) > 0 {
				t.Errorf("%d bytes left after %v", len(d.rest), d.err)
			}
		}
	})
}
