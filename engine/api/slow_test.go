package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/quobyte/mesos-framework/engine/machine"
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
