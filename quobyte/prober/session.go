package prober

import (
	"context"
	"log/slog"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/executor"
)

// Session is what a prober needs of its connection to the agent: an executor.Session, which says what the methods promise.
// Run must go on reading while its handler waits.
type Session interface {
	Run(ctx context.Context, handler func(executor.Event)) error
	Update(taskID string, state machine.TaskState, message string, data []byte) error
	Flush(ctx context.Context) error
}

var _ Session = (*executor.Session)(nil)

// agentSession makes the session from what Mesos tells executors.
func agentSession(getenv func(string) string, logger *slog.Logger) (Session, error) {
	cfg, err := executor.FromEnviron(getenv)
	if err != nil {
		return nil, err
	}
	cfg.Logger = logger
	session, err := executor.New(cfg)
	if err != nil {
		return nil, err
	}
	return session, nil
}
