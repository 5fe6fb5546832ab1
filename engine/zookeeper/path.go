package zookeeper

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-zookeeper/zk"
)

// MakePath makes a node, and those above it, without data, as far as they are missing.
func MakePath(conn *Conn, path string) error {
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' || path == "/" {
			continue
		}
		err := conn.Repeat(context.Background(), func(z *zk.Conn) error {
			if there, _, err := z.Exists(path[:i]); there || err != nil {
				return err // it may not be ours to create anything above it
			}
			_, err := z.Create(path[:i], nil, 0, conn.ACL())
			return err
		})
		if err != nil && !errors.Is(err, zk.ErrNodeExists) {
			return fmt.Errorf("node %s: %w", path[:i], err)
		}
	}
	return nil
}
