package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// That the state's file is removed, or that another takes its place, is told, and nothing else is.
func TestStateThatIsRemovedIsTold(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(path string) error
		want   int
	}{
		"written to": {func(path string) error { return os.WriteFile(path, []byte("more"), 0o600) }, 0},
		"removed":    {os.Remove, 1},
		"replaced": {func(path string) error {
			if err := os.WriteFile(path+".new", nil, 0o600); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		}, 1},
		"removed with its directory": {func(path string) error { return os.RemoveAll(filepath.Dir(path)) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state", "state.db")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				told := 0
				done := make(chan struct{})
				go func() {
					defer close(done)
					watchState(ctx, path, stateWatch, func() { told++ })
				}()
				time.Sleep(stateWatch + time.Second) // in virtual time
				if err := tt.change(path); err != nil {
					t.Fatal(err)
				}
				time.Sleep(3 * stateWatch)
				cancel()
				<-done
				if told != tt.want {
					t.Errorf("told %d times, want %d", told, tt.want)
				}
			})
		})
	}
}
