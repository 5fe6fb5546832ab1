package api

import (
	"net/http"
	"runtime/debug"
	"time"
)

// guard wraps everything: it limits bodies, sets the headers that all answers have, and reports panics.
func (s *server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set(BuildHeader, s.Build)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		watched := &watchedWriter{ResponseWriter: w, control: http.NewResponseController(w)}
		defer s.report(watched, r)
		next.ServeHTTP(watched, r)
	})
}

// report logs a panic and lets the client know: by a 500 if nothing was sent yet, else by cutting the answer short, so that
// nobody takes half of it for the whole.
func (s *server) report(w *watchedWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p)
	}
	s.Logger.Error("request panicked", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
	if w.begun {
		panic(http.ErrAbortHandler)
	}
	text(w, http.StatusInternalServerError, "%s %s: an error inside the scheduler; its log says more", r.Method, r.URL.Path)
}

// watchedWriter remembers whether an answer has begun, and does not wait without end for who reads it.
type watchedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

func (w *watchedWriter) WriteHeader(code int) {
	w.begun = true
	w.ResponseWriter.WriteHeader(code)
}

const (
	// writeTimeout is how long a reader may accept nothing before its answer is cut off.
	writeTimeout = 30 * time.Second
	// pieceSize is how much of an answer must be accepted within that time.
	pieceSize = 64 << 10
)

// Write gives each piece a deadline of its own: a reader that is slow is waited for, one that stands still is not.
func (w *watchedWriter) Write(p []byte) (int, error) {
	w.begun = true
	for n := 0; ; {
		// Not every writer has deadlines (a recorder in a test has none); one without can't be slow.
		_ = w.control.SetWriteDeadline(time.Now().Add(writeTimeout))
		written, err := w.ResponseWriter.Write(p[n:min(n+pieceSize, len(p))])
		n += written
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// Unwrap lets http.ResponseController reach the connection.
func (w *watchedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
