package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"sync"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/google/uuid"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/zookeeper"
)

// The nodes of a service, below its own, whose data is a zooFormat.
const (
	epochNode   = "/epoch"   // data: a zooEpoch; its version is that of the state
	recordsNode = "/records" // the records are below it, see nodeOf
)

// zooFormat is the version of the layout.
type zooFormat struct {
	Format int `json:"format"`
}

// zooEpoch says who owns the state. Every opening and every commit writes it, so that its version fences both. No two write the same, so
// that who finds there what it was about to write has written it.
type zooEpoch struct {
	Epoch   int64     `json:"epoch"`             // counts owners
	Commits int64     `json:"commits"`           // of this owner
	Opening string    `json:"opening,omitempty"` // tells this owner from every other (an older version wrote none)
	Owner   string    `json:"owner,omitempty"`
	Since   time.Time `json:"since"`
}

// ZooKeeper says where a store in ZooKeeper is.
type ZooKeeper struct {
	zookeeper.Config // the address is that of the service's node
	// Owner is who opens it, for people to read.
	Owner string
}

// OpenZooKeeper opens the store at a node, which is made if it is missing. Whoever had it open is deposed. That there is one who opens it at a
// time is up to the election of a leader (engine/leader): two that take it from each other harm nothing, but get nowhere.
func OpenZooKeeper(ctx context.Context, z ZooKeeper) (Store, error) {
	s, err := openZooKeeper(ctx, z)
	if err != nil {
		return nil, stateError(z.Address, err)
	}
	return s, nil
}

func stateError(a zookeeper.Address, err error) error {
	return fmt.Errorf("state in %s: %w", a, zooReword(err))
}

type zooStore struct {
	conn *zookeeper.Conn
	root string

	mu      sync.Mutex
	closed  bool
	failed  error
	epoch   zooEpoch
	version int32 // of the epoch node when we last wrote it
	written int64 // the transaction in which we did
	tree    tree
	// loaded are the records as they were read when the store was opened, until they are asked for or one changes.
	loaded []machine.Record
}

func openZooKeeper(ctx context.Context, z ZooKeeper) (*zooStore, error) {
	conn, err := zookeeper.Connect(ctx, z.Config)
	if err != nil {
		return nil, err
	}
	s := &zooStore{conn: conn, root: conn.Address().Path}
	if err := s.begin(ctx, z.Owner); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// begin makes the nodes if they are missing, deposes the owner, and reads everything. The order matters: what the old owner commits after it
// was deposed fails, and what it has committed before is seen, because a session sees what came before its own writes.
func (s *zooStore) begin(ctx context.Context, owner string) error {
	if err := s.adopt(ctx); err != nil {
		return err
	}
	before, stat, err := readEpoch(ctx, s.conn, s.root)
	if err != nil {
		return err
	}
	s.version = stat.Version
	now := time.Now().UTC().Truncate(time.Millisecond)
	err = s.write(ctx, zooEpoch{Epoch: before.Epoch + 1, Opening: uuid.NewString(), Owner: owner, Since: now}, nil)
	if errors.Is(err, ErrDeposed) {
		return fmt.Errorf("another opens it at the same moment: %w", err)
	}
	if err != nil {
		return err
	}
	return reading(ctx, s.conn, s.written, func(from source) (err error) {
		s.loaded, s.tree, err = walk(ctx, from, s.root+recordsNode)
		return err
	})
}

func (e zooEpoch) encode() []byte {
	data, err := json.Marshal(e)
	if err != nil {
		panic(fmt.Sprintf("store: epoch: %v", err)) // a struct of ours always encodes
	}
	return data
}

// adopt makes the nodes of the service if there are none, and checks that those that are there are ours.
func (s *zooStore) adopt(ctx context.Context) error {
	if err := zookeeper.MakePath(s.conn, path.Dir(s.root)); err != nil {
		return err
	}
	format, _ := json.Marshal(zooFormat{Format: format})
	err := s.conn.Repeat(ctx, func(z *zk.Conn) error {
		_, err := z.Multi( // all or nothing: a root without records is refused as lost
			&zk.CreateRequest{Path: s.root, Data: format, Acl: s.conn.ACL()},
			&zk.CreateRequest{Path: s.root + epochNode, Data: zooEpoch{}.encode(), Acl: s.conn.ACL()},
			&zk.CreateRequest{Path: s.root + recordsNode, Acl: s.conn.ACL()},
		)
		return err
	})
	if err == nil || errors.Is(err, zk.ErrNodeExists) {
		return checkNodes(ctx, s.conn, s.root)
	}
	return err
}

// checkNodes checks that the node is ours and that we understand it.
func checkNodes(ctx context.Context, conn *zookeeper.Conn, root string) error {
	data, _, err := get(ctx, conn, root)
	if err != nil {
		return err
	}
	var f zooFormat
	switch err := json.Unmarshal(data, &f); {
	case err != nil || f.Format < 1:
		return errForeign
	case f.Format > format:
		return formatError(f.Format)
	}
	for _, node := range []string{epochNode, recordsNode} {
		if _, _, err := get(ctx, conn, root+node); errors.Is(err, zk.ErrNoNode) {
			return errEmptied
		} else if err != nil {
			return err
		}
	}
	return nil
}

func get(ctx context.Context, conn *zookeeper.Conn, path string) (data []byte, stat *zk.Stat, err error) {
	err = conn.Repeat(ctx, func(z *zk.Conn) (err error) {
		data, stat, err = z.Get(path)
		return err
	})
	return data, stat, err
}

func readEpoch(ctx context.Context, conn *zookeeper.Conn, root string) (zooEpoch, zk.Stat, error) {
	return epochFrom(ctx, singleSource{conn}, root)
}

func (s *zooStore) Load(ctx context.Context) ([]machine.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	all, err := s.load(ctx)
	if err != nil && ctx.Err() == nil {
		s.failed = fmt.Errorf("store: load: %w", zooReword(err))
		return nil, s.failed
	}
	return all, err
}

func (s *zooStore) load(ctx context.Context) (all []machine.Record, err error) {
	if all = s.loaded; all != nil {
		err = s.owns(ctx, singleSource{s.conn})
	} else {
		err = reading(ctx, s.conn, s.written, func(from source) (err error) {
			if all, _, err = walk(ctx, from, s.root+recordsNode); err != nil {
				return err
			}
			return s.owns(ctx, from)
		})
	}
	if err != nil {
		return nil, err
	}
	s.loaded = nil
	return all, nil
}

// owns is nil if nobody else has written until now, as far as a source has seen.
func (s *zooStore) owns(ctx context.Context, from source) error {
	_, stat, err := epochFrom(ctx, from, s.root)
	if err == nil && stat.Version != s.version {
		err = ErrDeposed
	}
	return err
}

func (s *zooStore) Commit(ctx context.Context, g machine.Group) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	if err := check(g); err != nil || empty(g) {
		return err
	}
	change := newChange(s.tree, s.root+recordsNode, s.conn.ACL())
	if err := change.group(g); err != nil {
		return err
	}
	s.loaded = nil
	next := s.epoch
	next.Commits++
	if err := s.write(ctx, next, change.operations); err != nil {
		s.failed = fmt.Errorf("store: commit: %w", zooReword(err))
		return s.failed
	}
	change.done()
	return nil
}

// write writes the next epoch, and carries out operations with it, if the state is still ours. When the connection breaks it does the same
// again: it can't be done twice, because the version of the epoch is that of before.
func (s *zooStore) write(ctx context.Context, next zooEpoch, operations []any) error {
	operations = append([]any{&zk.SetDataRequest{Path: s.root + epochNode, Data: next.encode(), Version: s.version}}, operations...)
	var answers []zk.MultiResponse
	broken := 0
	err := s.conn.Repeat(ctx, func(z *zk.Conn) (err error) {
		if answers, err = z.Multi(operations...); zookeeper.Broken(err) {
			broken++
		}
		return err
	})
	switch {
	case errors.Is(err, zk.ErrBadVersion): // only the first operation names a version
		return s.recognize(ctx, next)
	case errors.Is(err, zk.ErrNoNode) && len(answers) > 0 && errors.Is(answers[0].Error, zk.ErrNoNode):
		return fmt.Errorf("the nodes were removed: %w", ErrDeposed)
	case err != nil && (broken > 0 || !zookeeper.Certain(err)):
		return unclearError{err, broken}
	case err != nil:
		return err
	case len(answers) == 0 || answers[0].Stat == nil:
		return errors.New("an answer without a version")
	}
	s.epoch, s.version, s.written = next, answers[0].Stat.Version, answers[0].Stat.Mzxid
	return nil
}

// recognize looks who has written the epoch since we did: we have ourselves if the answer to an earlier attempt was lost.
func (s *zooStore) recognize(ctx context.Context, next zooEpoch) error {
	there, stat, err := readEpoch(ctx, s.conn, s.root) // at least as new as what we were refused for
	switch {
	case err != nil:
		return unclearError{err, 0}
	case there.Opening != next.Opening || there.Commits != next.Commits:
		return ErrDeposed
	}
	s.epoch, s.version, s.written = next, stat.Version, stat.Mzxid
	return nil
}

// unclearError is the error of a write of which it is not known whether it was carried out.
type unclearError struct {
	err    error
	broken int // connections
}

func (e unclearError) Error() string {
	text := "it is not known whether it was carried out; who opens the state next reads what is there"
	if e.broken > 0 {
		text += fmt.Sprintf(" (attempts with which the connection broke: %d)", e.broken)
	}
	return fmt.Sprintf("%s: %v", text, e.err)
}

func (e unclearError) Unwrap() error { return e.err }

// usable wants the lock.
func (s *zooStore) usable(ctx context.Context) error {
	switch {
	case s.closed:
		return ErrClosed
	case s.failed != nil:
		return s.failed
	}
	return ctx.Err()
}

func (s *zooStore) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.conn.Close()
	return nil
}

// zooReword says what an error means for the operator.
func zooReword(err error) error {
	switch {
	case errors.Is(err, errForeign):
		return fmt.Errorf("the node is %w; give another path", err)
	case errors.Is(err, errEmptied):
		return fmt.Errorf("the nodes below are %w: their content was lost, and to start without it would be to forget the tasks that run; "+
			"restore them from a backup (state import), or remove the node only if no task of the service runs any more", err)
	}
	return zookeeper.Explain(err)
}
