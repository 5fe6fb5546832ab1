package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/quobyte/mesos-framework/cmd/dcos-quobyte/cli"
)

func main() {
	os.Exit(run(cli.OSEnv()))
}

// run ends early and in order on the first interrupt; the second one ends the process.
func run(env cli.Env) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return cli.Run(ctx, env)
}
