package main

import (
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/internal/standin"
	"github.com/quobyte/mesos-framework/quobyte/prober"
)

// newProber is what the framework runs on every host. It takes its settings from the environment that Mesos and the framework give it.
func newProber(env environment) *cobra.Command {
	return &cobra.Command{
		Use:   "prober",
		Short: "Run as the executor that looks at a host's devices and pods (started by the framework)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log := slog.New(slog.NewTextHandler(env.Stderr, nil))
			return prober.Run(cmd.Context(), prober.Config{Getenv: env.Getenv, Logger: log})
		},
	}
}

func newStandin(env environment) *cobra.Command {
	var delay time.Duration
	cmd := &cobra.Command{
		Use:   "standin [WORD...]",
		Short: "Run in place of the Quobyte image: imitates one service, as its environment says",
		Long: `Run in place of the Quobyte image: imitate one service, as the environment says. Further words change nothing; they are there for ps and
pkill to tell one from the other.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return standin.Run(cmd.Context(), standin.Config{Getenv: env.Getenv, Stdout: env.Stdout, StartDelay: delay})
		},
	}
	cmd.Flags().DurationVar(&delay, "start-delay", 0, "time before the service begins to work, so that there is something to watch")
	return cmd
}
