package standin

import (
	"context"
	"sync"
)

// together runs the parts until one fails, all end or ctx ends, and returns when all have ended, with the first error.
// Everything that lives as long as a service is started here; rounds of calls join their own goroutines.
func together(ctx context.Context, parts ...func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	var once sync.Once
	var first error
	for _, part := range parts {
		running.Go(func() {
			if err := part(ctx); err != nil {
				once.Do(func() { first = err })
				cancel(err)
			}
		})
	}
	running.Wait()
	return first
}

// wait returns false if ctx ends before something arrives.
func wait[T any](ctx context.Context, arrival <-chan T) bool {
	select {
	case <-ctx.Done():
		return false
	case <-arrival:
		return ctx.Err() == nil
	}
}
