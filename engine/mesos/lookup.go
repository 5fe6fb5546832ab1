package mesos

import (
	"context"
	"errors"
	"fmt"

	"github.com/quobyte/mesos-framework/engine/mesos/wire"
)

// Lookup asks the leading master whether it knows a framework, connected or not, and how many tasks of it may run. The master is found, and
// told who asks, as by a Session; what Config says of the framework is of no matter. Every candidate is asked once: who wants to try again calls again.
func Lookup(ctx context.Context, cfg Config, frameworkID string) (tasks int, known bool, err error) {
	cfg = cfg.withDefaults()
	detector, masters, err := cfg.detector()
	if err != nil {
		return 0, false, err
	}
	r := (&Session{cfg: cfg, detector: detector, masters: masters}).newRun()
	err = r.detecting(ctx, func(ctx context.Context) error {
		text, err := r.askLeader(ctx, summaryPath)
		if err == nil {
			tasks, known, err = wire.TasksOf(frameworkID, text)
		}
		return err
	})
	return tasks, known, err
}

// askLeader makes a call of the operator API to the first candidate that leads or knows who does.
func (r *run) askLeader(ctx context.Context, call string) ([]byte, error) {
	masters, _, err := r.candidates(ctx)
	if err != nil {
		return nil, err
	}
	var tried []error
	for _, m := range masters {
		text, err := r.askVia(ctx, m, call)
		if err == nil || ctx.Err() != nil {
			return text, err
		}
		tried = append(tried, err)
	}
	return nil, errors.New(oneLine(tried))
}

func (r *run) askVia(ctx context.Context, m endpoint, call string) ([]byte, error) {
	for range maxHops {
		text, err := r.operator(ctx, m, call, operatorTimeout)
		var to moved
		if !errors.As(err, &to) {
			return text, err
		}
		if m, err = r.hop(m, string(to)); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s: no leader after %d redirects: an election may be under way", m, maxHops)
}
