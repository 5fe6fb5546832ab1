package engine

import (
	"context"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// Asker answers the machine's asks: whether running pods may be stopped together. It knows more than the service's Judge, and can only be stricter:
// it is asked about what Judge lets be stopped.
type Asker interface {
	// Ask may be called by several goroutines at once. It must return when ctx ends, which is at the ask's deadline or with the engine. With an error
	// the answer is not known, which is never a yes.
	Ask(ctx context.Context, a machine.Ask) (machine.Judgement, error)
}

// ask puts asks to the Asker, each in a goroutine of its own that Run joins. The answers are events like any other.
func (e *Engine) ask(ctx context.Context, asks []machine.Ask) {
	for _, a := range asks {
		patience := a.Deadline.Sub(e.clock.now())
		e.cfg.Logger.Debug("ask", "id", a.ID, "pods", a.Pods)
		e.asking.Go(func() {
			limited, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			said, err := e.cfg.Asker.Ask(limited, a)
			if err != nil {
				said = machine.Judgement{Text: err.Error()} // the zero Gate is unknown
			}
			select {
			case e.inbox <- machine.Judged{ID: a.ID, Judgement: said}:
			case <-ctx.Done():
			}
		})
	}
}
