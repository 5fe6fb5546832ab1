package main

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos"
)

// What is reserved is found by the name of the service, and in its role: neither may be changed under it, and all that is wrong is told at once.
func TestSettingsUnderWhichNothingIsFoundAgain(t *testing.T) {
	before := &machine.Registration{User: "root", Name: "quobyte", Roles: []string{"quobyte"}, Principal: "store"}
	claimed := map[string][]string{"quobyte": {"data-0", "data-1", "metadata-0", "registry-0"}}
	const (
		name = `--framework-name: "renamed": it was "quobyte" when the framework last subscribed, and what is reserved for 4 pods (data-0, data-1, metadata-0, …) carries that name, and would not be found again; set it back with --framework-name=quobyte`
		role = `--framework-role: "other": role "quobyte" is not among the roles any more (other), and what is reserved in it for 4 pods (data-0, data-1, metadata-0, …) would not be offered; set it back with --framework-role=quobyte, or keep it besides with --pre-reserved-roles=quobyte`
	)
	for what, test := range map[string]struct {
		before  *machine.Registration
		claimed map[string][]string
		now     mesos.Framework
		want    []string
	}{
		"nothing is changed":                 {before, claimed, mesos.Framework{User: "root", Name: "quobyte", Roles: []string{"quobyte"}, Principal: "store"}, nil},
		"another name":                       {before, claimed, mesos.Framework{User: "root", Name: "renamed", Roles: []string{"quobyte"}, Principal: "store"}, []string{name}},
		"another role":                       {before, claimed, mesos.Framework{User: "root", Name: "quobyte", Roles: []string{"other"}, Principal: "store"}, []string{role}},
		"another role besides":               {before, claimed, mesos.Framework{User: "root", Name: "quobyte", Roles: []string{"other", "quobyte"}, Principal: "store"}, nil},
		"both, with nothing reserved":        {before, nil, mesos.Framework{User: "root", Name: "renamed", Roles: []string{"other"}, Principal: "store"}, nil},
		"both, and the state is of old":      {nil, claimed, mesos.Framework{User: "root", Name: "renamed", Roles: []string{"other"}}, []string{role}},
		"everything, and it is told at once": {before, claimed, mesos.Framework{User: "root", Name: "renamed", Roles: []string{"other"}, Principal: "p"}, []string{`--framework-principal: "p": it was "store"`, name, role}},
	} {
		t.Run(what, func(t *testing.T) {
			f := &framework{registration: test.now, log: slog.New(slog.DiscardHandler)}
			f.options.FrameworkRole = test.now.Roles[0]
			err := f.mayRegister(test.before, test.claimed)
			if (err != nil) != (len(test.want) > 0) {
				t.Fatalf("error = %v, want %q", err, test.want)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error = %v\nwant %s", err, want)
				}
			}
		})
	}
}
