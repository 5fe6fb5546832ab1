package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/hashicorp/go-multierror"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/store"
	"github.com/quobyte/mesos-framework/engine/zookeeper"
)

// environment is everything that the program gets from outside.
type environment struct {
	Args   []string // without the program's name
	Stdin  io.Reader
	Stdout *os.File
	Stderr *os.File
	Getenv func(string) string
	// Environ lists all variables, as NAME=VALUE.
	Environ func() []string
}

func main() {
	os.Exit(run(environment{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Environ: os.Environ,
	}))
}

// Exit codes; docs/exit-codes.md explains them.
const (
	exitOK          = 0
	exitError       = 1
	exitFailed      = 2
	exitTimeout     = 5
	exitRefused     = 13
	exitDeposed     = 14
	exitDiffers     = 15
	exitRemoved     = 16
	exitSettings    = 17
	exitState       = 18
	exitTakenOver   = 19
	exitInterrupted = 130
)

// exitCode is an error that chooses the exit code.
type exitCode struct {
	code int
	err  error
}

func (e exitCode) Error() string { return e.err.Error() }
func (e exitCode) Unwrap() error { return e.err }

func run(env environment) int {
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	defer stop()
	context.AfterFunc(ctx, stop) // who says it twice is not made to wait: nothing is lost, what is durable is so, and tasks of a sandbox end with it
	// Unless somebody takes it, SIGPIPE kills a program whose reader has gone, and what it has to clean up stays. The error of the write
	// ends it in order. (To ignore the signal would not do: children would inherit that.)
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	defer signal.Stop(pipes)
	err := newRoot(env).ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	for _, line := range problems(err) {
		if line != "" {
			fmt.Fprintf(env.Stderr, "quobyte-mesos: %s\n", line)
		}
	}
	return codeOf(err)
}

// codeOf is the exit code of an error.
func codeOf(err error) int {
	var code exitCode
	switch {
	case errors.As(err, &code):
		return code.code
	case store.Unusable(err), errors.Is(err, machine.ErrState):
		return exitState
	case zookeeper.Denied(err):
		return exitSettings
	}
	return exitError
}

// endings are the signals that end the program in order. Who started it with nohup wants it to outlive its terminal.
func endings() []os.Signal {
	s := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		s = append(s, syscall.SIGHUP)
	}
	return s
}

// problems lists what is wrong, one line each.
func problems(err error) []string {
	var many *multierror.Error
	if !errors.As(err, &many) {
		return strings.Split(strings.TrimSpace(err.Error()), "\n")
	}
	var out []string
	for _, e := range many.Errors {
		out = append(out, problems(e)...)
	}
	return out
}
