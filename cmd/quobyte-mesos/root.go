package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quobyte/mesos-framework/cmd/internal/build"
)

func newRoot(env environment) *cobra.Command {
	root := &cobra.Command{
		Use:           "quobyte-mesos",
		Short:         "Deploy, watch and upgrade Quobyte on Apache Mesos",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetArgs(env.Args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		var invalid *pflag.InvalidValueError
		if errors.As(err, &invalid) {
			err = plain(invalid.GetFlag(), invalid.GetValue(), invalid.Unwrap())
		}
		return fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())
	})
	root.AddCommand(
		newServe(env), newDemo(env), newSandbox(env), newValidate(env), newState(env), newReplay(env),
		newProber(env), newStandin(env), newVersion(env),
	)
	for _, cmd := range append(root.Commands(), root) {
		cmd.Flags().SetNormalizeFunc(dashes)
		cmd.PersistentFlags().SetNormalizeFunc(dashes)
	}
	return root
}

// dashes lets flags be written as the predecessor did (--registry_resources) and as everybody else does (--registry-resources).
func dashes(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	return pflag.NormalizedName(strings.ReplaceAll(name, "_", "-"))
}

// plain says in words what a flag takes that could not be read. The flag's own errors may name functions of Go.
func plain(f *pflag.Flag, value string, cause error) error {
	takes, ok := map[string]string{
		"int":            "must be a whole number",
		"bool":           "must be true or false",
		"duration":       "must be a duration, such as 500ms, 90s or 2h",
		"stringToString": "must be NAME=VALUE, several separated by commas",
		"stringToInt":    "must be NAME=NUMBER, several separated by commas",
	}[f.Value.Type()]
	if !ok {
		return fmt.Errorf("--%s: %q: %w", f.Name, value, cause)
	}
	return fmt.Errorf("--%s: %q: %s", f.Name, value, takes)
}

func newVersion(env environment) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(env.Stdout, version())
			return err
		},
	}
}

// version is which build this is.
func version() string { return build.Describe("quobyte-mesos") }
