package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// stuck is a backend whose disk hangs.
type stuck struct {
	*fake
	waiting chan struct{}
	release chan struct{}
}

func (s *stuck) Do(ctx context.Context, _ machine.Verb) (machine.Answer, error) {
	s.waiting <- struct{}{}
	select {
	case <-s.release:
		return machine.Answer{Code: machine.Done}, nil
	case <-ctx.Done():
		return machine.Answer{}, ctx.Err()
	}
}

// Verbs that wait are bounded; the one that is too much is told so at once.
func TestVerbsThatWaitAreBounded(t *testing.T) {
	backend := &stuck{fake: newFake(nil), waiting: make(chan struct{}), release: make(chan struct{})}
	handler := New(Config{Backend: backend})
	give := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("POST", "/v1/plans/deploy/interrupt", nil))
		return w
	}
	var all sync.WaitGroup
	for range waitingVerbs {
		all.Go(func() {
			if w := give(); w.Code != http.StatusOK {
				t.Errorf("a verb that waited: %d %s", w.Code, w.Body)
			}
		})
		<-backend.waiting
	}
	if w := give(); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "not carried out: 100 others wait") {
		t.Errorf("one too many: %d %s", w.Code, w.Body)
	}
	close(backend.release)
	all.Wait()
	all.Go(func() { <-backend.waiting })
	if w := give(); w.Code != http.StatusOK {
		t.Errorf("afterwards: %d %s", w.Code, w.Body)
	}
	all.Wait()
}

// stalled is the writer of a connection whose reader stands still after the first piece.
type stalled struct {
	*httptest.ResponseRecorder
	deadline time.Time
	pieces   []int
}

func (s *stalled) SetWriteDeadline(t time.Time) error {
	s.deadline = t
	return nil
}

func (s *stalled) Write(p []byte) (int, error) {
	if s.deadline.IsZero() {
		return 0, errors.New("would wait without end")
	}
	s.deadline = time.Time{}
	s.pieces = append(s.pieces, len(p))
	if len(s.pieces) > 1 {
		return 0, os.ErrDeadlineExceeded
	}
	return len(p), nil
}

// Whatever is asked for, who does not take the answer is not waited for without end; nor is it the whole that must be taken in time.
func TestAnswersHaveDeadlines(t *testing.T) {
	v := deploying(1, plans.Pending)
	v.Warnings = []plans.Hold{{Text: strings.Repeat("x", 10*pieceSize)}}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, make([]byte, 10*pieceSize), 0o644); err != nil {
		t.Fatal(err)
	}
	handler := New(Config{Backend: newFake(v), Artifacts: map[string]string{"file": file}})
	for _, path := range []string{"/v1/view", "/v1/stream", "/v1/artifacts/file"} {
		w := &stalled{ResponseRecorder: httptest.NewRecorder()}
		handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if len(w.pieces) != 2 || max(w.pieces[0], w.pieces[1]) > pieceSize {
			t.Errorf("%s: pieces of %v bytes", path, w.pieces)
		}
	}
}

// hesitant is a connection on which the body of a request never comes.
type hesitant struct {
	*httptest.ResponseRecorder
	deadlines []time.Time
}

func (h *hesitant) SetReadDeadline(t time.Time) error {
	h.deadlines = append(h.deadlines, t)
	return nil
}

func (h *hesitant) Read([]byte) (int, error) {
	if len(h.deadlines) == 0 {
		return 0, errors.New("would wait without end")
	}
	return 0, os.ErrDeadlineExceeded
}

// The body of a verb is waited for, but not without end; the deadline is not that of the verb, which may take longer.
func TestBodiesHaveADeadline(t *testing.T) {
	w := &hesitant{ResponseRecorder: httptest.NewRecorder()}
	r := httptest.NewRequest("POST", "/v1/plans/deploy/interrupt", nil)
	r.Body = io.NopCloser(w)
	New(Config{Backend: newFake(nil)}).ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest || len(w.deadlines) != 2 || !w.deadlines[1].IsZero() {
		t.Errorf("%d %s, deadlines %v", w.Code, w.Body, w.deadlines)
	}
}
