package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/go-multierror"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/wire"
)

// mayRegister tells all settings at once that the framework can't change, before anything is said to a master: those that Mesos does not let it
// change, of which SUBSCRIBE would keep some as they were without a word, and those by which pods find what is reserved for them. Claimed are the
// pods for which something is, by role. A state of an older version does not say what Mesos was told; then Mesos does.
func (f *framework) mayRegister(before *machine.Registration, claimed map[string][]string) error {
	var problems *multierror.Error
	var changes []wire.Change
	if before != nil {
		changes = f.registration.Changes(*before)
	}
	for _, c := range changes {
		if c.Forbidden {
			problems = multierror.Append(problems, fmt.Errorf("--framework-%s: %q: it was %q when the framework last subscribed, and Mesos never changes the %s of a framework; %s",
				c.Setting, c.Is, c.Was, c.Setting, setBack(c.Setting, c.Was)))
		}
	}
	if problems != nil {
		problems = multierror.Append(problems, fmt.Errorf("to begin as a new framework instead, tear this one down, which kills its tasks; its state is in %s", f.options.stateAdvice()))
	}
	problems = multierror.Append(problems, f.strands(before, claimed)...)
	if err := problems.ErrorOrNil(); err != nil {
		return exitCode{exitSettings, err}
	}
	for _, c := range changes {
		f.log.Info("setting changed since the framework last subscribed", "setting", c.Setting, "was", c.Was, "is", c.Is)
	}
	return nil
}

// strands says for which settings pods would not find what is reserved for them: it carries the name of the service, and is only offered for the role in which
// it was reserved.
func (f *framework) strands(before *machine.Registration, claimed map[string][]string) []error {
	var problems []error
	if before != nil && before.Name != f.registration.Name && len(claimed) > 0 {
		problems = append(problems, fmt.Errorf("--framework-name: %q: it was %q when the framework last subscribed, and what is reserved for %s carries that name, and would not be found again; set it back with --framework-name=%s",
			f.registration.Name, before.Name, podsOf(slices.Concat(slices.Collect(maps.Values(claimed))...)), before.Name))
	}
	for _, role := range slices.Sorted(maps.Keys(claimed)) {
		if role != "" && !slices.Contains(f.registration.Roles, role) {
			problems = append(problems, fmt.Errorf("--framework-role: %q: role %q is not among the roles any more (%s), and what is reserved in it for %s would not be offered; set it back with --framework-role=%s, or keep it besides with --pre-reserved-roles=%s",
				f.options.FrameworkRole, role, strings.Join(f.registration.Roles, ", "), podsOf(claimed[role]), role, role))
		}
	}
	return problems
}

// podsOf names some of the pods, and says how many there are.
func podsOf(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	some, more := names, ""
	if len(names) > 3 {
		some, more = names[:3], ", …"
	}
	return fmt.Sprintf("%d pods (%s%s)", len(names), strings.Join(some, ", "), more)
}

// setBack says how to give a setting the value that it had. Only a principal can have been empty.
func setBack(setting, was string) string {
	if was == "" {
		return fmt.Sprintf("leave --framework-%s and any service account out", setting)
	}
	return fmt.Sprintf("set it back with --framework-%s=%s", setting, was)
}
