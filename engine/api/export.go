package api

import (
	"bufio"
	"context"
	"net/http"
	"time"
)

// exportTimeout bounds how long an export waits for the loop.
const exportTimeout = 30 * time.Second

// export sends the durable state as a file, a piece at a time. When it does not come to its end the connection is cut, so that nobody takes
// half of it for the whole.
func (s *server) export(w http.ResponseWriter, r *http.Request) {
	if !s.exporting.TryLock() {
		w.Header().Set("Retry-After", "1")
		text(w, http.StatusServiceUnavailable, "another export is under way; try again")
		return
	}
	defer s.exporting.Unlock()
	ctx, cancel := context.WithTimeout(r.Context(), exportTimeout)
	defer cancel()
	f, err := s.Export(ctx)
	if err != nil {
		text(w, http.StatusServiceUnavailable, "%v", err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	out := bufio.NewWriterSize(w, pieceSize)
	if err := f.Write(out); err != nil {
		s.cutExport(r, err)
	}
	if err := out.Flush(); err != nil {
		s.cutExport(r, err)
	}
}

func (s *server) cutExport(r *http.Request, err error) {
	s.Logger.Warn("export ended early", "remote", r.RemoteAddr, "error", err)
	panic(http.ErrAbortHandler)
}
