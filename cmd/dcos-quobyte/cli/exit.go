package cli

import (
	"context"
	"errors"

	"github.com/quobyte/mesos-framework/engine/api/client"
)

// The exit codes, as docs/exit-codes.md promises them. 3 is reserved for "rolled back", 10 to 12 for previews.
const (
	exitOK          = 0
	exitError       = 1 // wrong usage, or any error that has no code of its own
	exitFailed      = 2
	exitPaused      = 4
	exitTimeout     = 5
	exitConflict    = 6
	exitDenied      = 7
	exitInProgress  = 8
	exitUnwell      = 9
	exitRefused     = 13
	exitInterrupted = 130 // as shells have it: 128 and SIGINT
)

// codeError is an error with an exit code. One without text only sets the code.
type codeError struct {
	code int
	err  error
}

func (e *codeError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *codeError) Unwrap() error { return e.err }

// exitCode returns the code for what a command returned.
func exitCode(err error) int {
	var coded *codeError
	var denied *client.DeniedError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &coded):
		return coded.code
	case errors.Is(err, client.ErrAlready), errors.Is(err, client.ErrConflict):
		return exitConflict
	case errors.Is(err, client.ErrRefused):
		return exitRefused
	case errors.As(err, &denied):
		return exitDenied
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitError
}
