package mesos

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/quobyte/mesos-framework/engine/mesos/wire"
)

// Registered is what a master knows of a framework.
type Registered struct {
	// Known: it is registered, connected or not.
	Known bool
	// Tasks is how many of it may run.
	Tasks int
	// Doubt says why one that is not known may be registered all the same, and its tasks run; empty: as far as a master can know it is not. A new master
	// learns of it when its agents come back.
	Doubt string
	// Unreachable is how many agents the master has given up, which it knows if the framework is not. They may come back with whatever ran on them.
	Unreachable int
}

// statePath is what knows all that it takes to be sure at one moment, and of one master.
const statePath = "/state"

// Lookup asks the leading master whether it knows a framework. The master is found, and told who asks, as by a Session; what Config says of the
// framework is of no matter. Every candidate is asked once: who wants to try again calls again.
func Lookup(ctx context.Context, cfg Config, frameworkID string) (found Registered, err error) {
	cfg = cfg.withDefaults()
	detector, masters, err := cfg.detector()
	if err != nil {
		return found, err
	}
	r := (&Session{cfg: cfg, detector: detector, masters: masters}).newRun()
	err = r.detecting(ctx, func(ctx context.Context) error {
		text, err := r.askLeader(ctx, summaryPath)
		if err == nil {
			found.Tasks, found.Known, err = wire.TasksOf(frameworkID, text)
		}
		if err == nil && !found.Known {
			found, err = r.absent(ctx, frameworkID)
		}
		return err
	})
	return found, err
}

// absent looks whether a framework that is not listed is not there. Who can't look does not know.
func (r *run) absent(ctx context.Context, frameworkID string) (Registered, error) {
	text, err := r.askLeader(ctx, statePath)
	var a wire.Absence
	if err == nil {
		a, err = wire.AbsenceOf(frameworkID, text)
	}
	switch {
	case ctx.Err() != nil:
		return Registered{}, err
	case err != nil:
		return Registered{Doubt: fmt.Sprintf("whether it waits for agents that may bring it back can't be seen: %s", err)}, nil
	case a.Listed: // it has come back meanwhile, with tasks that were not counted
		return Registered{Doubt: "it has come back to it just now"}, nil
	}
	return Registered{Doubt: a.Doubt(time.Now()), Unreachable: a.Unreachable}, nil
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
