package main

import (
	"fmt"

	"github.com/hashicorp/go-multierror"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// mayRegister tells all settings at once that Mesos does not let the framework change, before anything is said to a master: SUBSCRIBE would
// keep some of them as they were without a word.
func (f *framework) mayRegister(before *machine.Registration) error {
	if before == nil {
		return nil // a new framework, or the state is of an older version: then Mesos tells
	}
	var problems *multierror.Error
	changes := f.registration.Changes(*before)
	for _, c := range changes {
		if c.Forbidden {
			problems = multierror.Append(problems, fmt.Errorf("--framework-%s: %q: it was %q when the framework last subscribed, and Mesos never changes the %s of a framework; %s",
				c.Setting, c.Is, c.Was, c.Setting, setBack(c.Setting, c.Was)))
		}
	}
	if problems != nil {
		return multierror.Append(problems, fmt.Errorf("to begin as a new framework instead, tear this one down, which kills its tasks; its state is in %s", f.options.stateAdvice()))
	}
	for _, c := range changes {
		f.log.Info("setting changed since the framework last subscribed", "setting", c.Setting, "was", c.Was, "is", c.Is)
	}
	return nil
}

// setBack says how to give a setting the value that it had. Only a principal can have been empty.
func setBack(setting, was string) string {
	if was == "" {
		return fmt.Sprintf("leave --framework-%s and any service account out", setting)
	}
	return fmt.Sprintf("set it back with --framework-%s=%s", setting, was)
}
