package executor

import (
	"bytes"
	"context"
	"slices"
	"sync"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	exec "github.com/mesos/mesos-go/api/v1/lib/executor"
)

// ledger remembers what the agent has not yet said that it has stored: updates, and tasks of which it has stored none.
type ledger struct {
	mu      sync.Mutex
	updates []entry // in the order in which they were made
	tasks   []mesos.TaskInfo
	changed chan struct{} // closed and replaced at each change
}

type entry struct {
	status mesos.TaskStatus
	sent   bool // to the present subscription
}

func newLedger() *ledger { return &ledger{changed: make(chan struct{})} }

// change tells those who wait that something is different. The lock is held.
func (l *ledger) change() {
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *ledger) launched(t mesos.TaskInfo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tasks = append(l.tasks, t)
}

func (l *ledger) add(st mesos.TaskStatus) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.updates = append(l.updates, entry{status: st})
	l.change()
}

// drop forgets an update that the agent refuses.
func (l *ledger) drop(uuid []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.updates = slices.DeleteFunc(l.updates, func(e entry) bool { return bytes.Equal(e.status.UUID, uuid) })
	l.change()
}

// acknowledged forgets an update that the agent has stored, and that its task is unknown to the agent.
func (l *ledger) acknowledged(task string, uuid []byte) {
	l.drop(uuid)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tasks = slices.DeleteFunc(l.tasks, func(t mesos.TaskInfo) bool { return t.TaskID.Value == task })
}

// subscribe returns what SUBSCRIBE must carry. The updates in it count as sent.
func (l *ledger) subscribe() *exec.Call_Subscribe {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := &exec.Call_Subscribe{UnacknowledgedTasks: slices.Clone(l.tasks)}
	for i := range l.updates {
		l.updates[i].sent = true
		out.UnacknowledgedUpdates = append(out.UnacknowledgedUpdates, exec.Call_Update{Status: l.updates[i].status})
	}
	return out
}

// next waits for an update that has not been sent to the present subscription.
func (l *ledger) next(ctx context.Context) (mesos.TaskStatus, error) {
	var found mesos.TaskStatus
	err := l.await(ctx, func() bool {
		i := slices.IndexFunc(l.updates, func(e entry) bool { return !e.sent })
		if i < 0 {
			return false
		}
		l.updates[i].sent = true
		found = l.updates[i].status
		return true
	})
	return found, err
}

// empty waits until no update is outstanding.
func (l *ledger) empty(ctx context.Context) error {
	return l.await(ctx, func() bool { return len(l.updates) == 0 })
}

// await calls ok with the lock held, now and after each change, until it returns true or the context ends.
func (l *ledger) await(ctx context.Context, ok func() bool) error {
	for {
		l.mu.Lock()
		done, changed := ok(), l.changed
		l.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
