package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/quobyte/mesos-framework/engine/leader"
)

func TestNothingIsWrittenBehindTheFence(t *testing.T) {
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	read := make(chan byte, 10)
	go func() { // ends with the pipe
		var b [1]byte
		for {
			if _, err := io.ReadFull(there, b[:]); err != nil {
				close(read)
				return
			}
			read <- b[0]
		}
	}()
	var lost error
	c := fencedConn{here, func() error { return lost }}
	if _, err := c.Write([]byte("a")); err != nil || <-read != 'a' {
		t.Fatalf("while it leads: %v", err)
	}
	lost = leader.ErrLost
	if _, err := c.Write([]byte("b")); !errors.Is(err, leader.ErrLost) {
		t.Errorf("write: %v, want %v", err, leader.ErrLost)
	}
	here.Close()
	if b, more := <-read; more {
		t.Errorf("%q was written", b)
	}
	if _, err := new(framework).dialFenced(t.Context(), "tcp", "127.0.0.1:1"); !errors.Is(err, leader.ErrLost) {
		t.Errorf("dial of who never led: %v, want %v", err, leader.ErrLost)
	}
}

func TestAStandbyThatKnowsNoLeader(t *testing.T) {
	w := httptest.NewRecorder()
	new(framework).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/plans/deploy/interrupt", nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d, headers %v; want 503", w.Code, w.Header())
	}
}

func TestSessionThatACandidateAsksFor(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		10 * time.Second: 9 * time.Second, time.Minute: 59 * time.Second, 5 * time.Second: 4 * time.Second, time.Second: 800 * time.Millisecond,
	} {
		if got := sessionAsked(timeout); got != want {
			t.Errorf("of %s it asks for %s, want %s", timeout, got, want)
		}
	}
}
