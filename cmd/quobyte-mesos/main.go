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
)

// environment is everything that the program gets from outside.
type environment struct {
	Args   []string // without the program's name
	Stdin  io.Reader
	Stdout *os.File
	Stderr *os.File
	Getenv func(string) string
}

func main() {
	os.Exit(run(environment{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
	}))
}

// Exit codes; docs/exit-codes.md explains them.
const (
	exitOK      = 0
	exitError   = 1
	exitFailed  = 2
	exitTimeout = 5
)

// exitCode is an error that chooses the exit code.
type exitCode struct {
	code int
	err  error
}

func (e exitCode) Error() string { return e.err.Error() }
func (e exitCode) Unwrap() error { return e.err }

func run(env environment) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := newRoot(env).ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	for _, line := range problems(err) {
		if line != "" {
			fmt.Fprintf(env.Stderr, "quobyte-mesos: %s\n", line)
		}
	}
	var code exitCode
	if errors.As(err, &code) {
		return code.code
	}
	return exitError
}

// problems lists what is wrong, one line each.
func problems(err error) []string {
	var many *multierror.Error
	if !errors.As(err, &many) {
		return []string{strings.TrimSpace(err.Error())}
	}
	var out []string
	for _, e := range many.Errors {
		out = append(out, problems(e)...)
	}
	return out
}
