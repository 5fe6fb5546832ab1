package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-multierror"
	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/quobyte"
)

// newValidate checks what serve would be started with, and device files, without doing anything.
func newValidate(env environment) *cobra.Command {
	o := defaultServeOptions()
	cmd := &cobra.Command{
		Use:   "validate [flags of serve] [DEVICE...]",
		Short: "Check flags, a config file and devices, and tell all problems at once",
		Long: `Check the flags that serve would be started with, and devices: directories that hold a QUOBYTE_DEV_SETUP file, or such files. Nothing is
started, written or contacted. Exit status 0 if there is no problem, else 1.`,
		RunE: func(cmd *cobra.Command, devices []string) error {
			var problems *multierror.Error
			if err := overlay(cmd, env.Getenv, o.Config); err != nil {
				problems = multierror.Append(problems, err)
			}
			if err := o.validate(); err != nil && !(len(devices) > 0 && cmd.Flags().NFlag() == 0) {
				problems = multierror.Append(problems, err)
			}
			for _, d := range devices {
				if err := validateDevice(d); err != nil {
					problems = multierror.Append(problems, err)
				}
			}
			if err := problems.ErrorOrNil(); err != nil {
				return err
			}
			_, err := fmt.Fprintln(env.Stdout, "no problem found")
			return err
		},
	}
	o.bind(cmd.Flags())
	return cmd
}

func validateDevice(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, quobyte.SetupFile)
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("device file: %w", err)
	}
	defer f.Close()
	if _, err := quobyte.ParseDeviceFile(f); err != nil {
		var out *multierror.Error
		for _, line := range problems(err) {
			out = multierror.Append(out, fmt.Errorf("%s: %s", path, line))
		}
		return out.ErrorOrNil()
	}
	return nil
}
