package main

import (
	"context"
	"os"
	"time"
)

// stateWatch is the time between two looks at the state's file.
const stateWatch = 10 * time.Second

// watchState calls gone, once, when a file is not in its place any more: it was removed, or another was put there. Who has it open goes on writing to it, and
// loses what was written with its end.
func watchState(ctx context.Context, path string, every time.Duration, gone func()) {
	opened, err := os.Stat(path)
	if err != nil {
		gone()
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now, err := os.Stat(path)
		if err == nil && os.SameFile(opened, now) {
			continue
		}
		if err == nil || os.IsNotExist(err) { // otherwise nothing is known
			gone()
			return
		}
	}
}

// tellStateIsGone says what to do: as long as the framework works, it has all of its state.
func (f *framework) tellStateIsGone() {
	f.log.Error("the state's file was removed, or replaced: what is decided from now on is lost when this process ends. Save it before: quobyte-mesos state export --url …, then stop it, and state import",
		"state", f.options.statePlace(), "url", f.url)
}
