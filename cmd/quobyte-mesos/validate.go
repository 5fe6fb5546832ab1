package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/go-multierror"
	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/quobyte"
)

// newValidate checks what serve would be started with, and device files, without doing anything.
func newValidate(env environment) *cobra.Command {
	o := defaultServeOptions()
	cmd := &cobra.Command{
		Use:   "validate [flags] [DEVICE...]",
		Short: "Check flags, a config file and devices, and tell all problems at once",
		Long: `Check the flags that serve would be started with, and devices: directories that hold a QUOBYTE_DEV_SETUP file, or such files. Devices that are
given together are also compared with each other. With devices and no flag, only the devices are checked. Nothing is started, written or
contacted. Exit status 0 if there is no problem, else 1.`,
		RunE: func(cmd *cobra.Command, devices []string) error {
			var all *multierror.Error
			if len(devices) == 0 || cmd.Flags().NFlag() > 0 {
				all = multierror.Append(all, o.check(cmd, env))
			}
			all = multierror.Append(all, validateDevices(devices)...)
			if err := all.ErrorOrNil(); err != nil {
				return err
			}
			_, err := fmt.Fprintln(env.Stdout, "no problem found")
			return err
		},
	}
	o.bind(cmd.Flags())
	o.refused.tolerate(cmd)
	return cmd
}

// namedDevice is a device and the file that describes it.
type namedDevice struct {
	quobyte.Device
	file string
}

// validateDevices tells what is wrong with each device, and what contradicts each other.
func validateDevices(paths []string) []error {
	var problems []error
	var known []namedDevice
	var seen []os.FileInfo
	for _, path := range paths {
		file, info, err := deviceFile(path)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if slices.ContainsFunc(seen, func(o os.FileInfo) bool { return os.SameFile(o, info) }) {
			continue // the same device by another name
		}
		seen = append(seen, info)
		d, errs := readDevice(file)
		problems = append(problems, errs...)
		known = append(known, namedDevice{Device: d, file: file})
	}
	return append(problems, contradictions(known)...)
}

// deviceFile finds the setup file of a device that is named by it or by its directory.
func deviceFile(path string) (string, os.FileInfo, error) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		path = filepath.Join(path, quobyte.SetupFile)
		info, err = os.Stat(path)
	}
	if err != nil {
		return "", nil, fmt.Errorf("device file: %w", err)
	}
	return path, info, nil
}

func readDevice(file string) (quobyte.Device, []error) {
	f, err := os.Open(file)
	if err != nil {
		return quobyte.Device{}, []error{fmt.Errorf("device file: %w", err)}
	}
	defer f.Close()
	d, err := quobyte.ParseDeviceFile(f)
	if err == nil {
		return d, nil
	}
	var out []error
	for _, line := range problems(err) {
		out = append(out, fmt.Errorf("%s: %s", file, line))
	}
	return d, out
}

// contradictions tells of a second device to bootstrap from, and of serials that occur twice.
func contradictions(devices []namedDevice) []error {
	var out []error
	var bootstrap []string
	first := map[string]string{} // serial -> file
	for _, d := range devices {
		if d.Bootstrap && d.PodType == quobyte.Registry {
			bootstrap = append(bootstrap, d.file)
		}
		if d.Serial == "" {
			continue
		}
		if before, ok := first[d.Serial]; ok {
			out = append(out, fmt.Errorf("%s: has the serial %q of %s; every device needs its own", d.file, d.Serial, before))
			continue
		}
		first[d.Serial] = d.file
	}
	if len(bootstrap) > 1 {
		out = append(out, fmt.Errorf("%d registry devices carry device.bootstrap=true: %s; exactly one may, remove the line from the others",
			len(bootstrap), strings.Join(bootstrap, ", ")))
	}
	return out
}
