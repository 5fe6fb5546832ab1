package quobyte

import (
	"strings"
	"testing"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
)

// A registry is stopped only if the others are a majority of all of them, and the same is asked for metadata and data services. Pods are written
// as name and state: + up, - down, ? unsure, . down and never ready.
func TestJudge(t *testing.T) {
	states := map[byte]machine.StandingState{'+': machine.Up, '-': machine.Down, '?': machine.Unsure, '.': machine.Down}
	for _, c := range []struct {
		pods, stop string
		want       plans.Gate
		text       string
	}{
		{"registry-0+ registry-1+ registry-2+", "registry-1", plans.GateOpen, ""},
		{"registry-0+ registry-1+ registry-2-", "registry-2", plans.GateOpen, ""}, // it is down already
		{"registry-0+ registry-1+ registry-2-", "registry-1", plans.GateClosed, "1 of 3 registries are up beside it, and a majority is 2: registry-2 why"},
		{"registry-0+ registry-1+ registry-2?", "registry-1", plans.GateUnknown, "registry-2 why"},
		{"registry-0? registry-1? registry-2?", "registry-1", plans.GateUnknown, ""},
		{"registry-0+ registry-1+ registry-2+ registry-3+", "registry-0", plans.GateOpen, ""},
		{"registry-0+ registry-1+ registry-2+ registry-3-", "registry-0", plans.GateClosed, ""},
		{"registry-0+ registry-1+ registry-2+ registry-3+ registry-4+", "registry-0 registry-1", plans.GateOpen, ""},
		{"registry-0+ registry-1+ registry-2+", "registry-0 registry-1", plans.GateClosed, ""},
		{"registry-0+", "registry-0", plans.GateClosed, "0 of 1 registries"},
		{"registry-0+ registry-1+", "registry-0", plans.GateClosed, ""},
		{"registry-0+ registry-1.", "registry-1", plans.GateOpen, ""},                                  // never one of them
		{"registry-0+ registry-1. registry-2.", "registry-0", plans.GateClosed, ""},                    // but counted all the same
		{"registry-0+ registry-1+ registry-2- data-0+", "data-0", plans.GateOpen, ""},                  // which stops no registry
		{"registry-0+ registry-1- registry-2- data-0+", "data-0", plans.GateClosed, "1 of 3"},          // it would not come back
		{"registry-0+ registry-1- registry-2? metadata-0+", "metadata-0", plans.GateUnknown, "1 of 3"}, // it might not
		{"registry-0- data-0.", "data-0", plans.GateOpen, ""},
		{"registry-0+ registry-1- registry-2- registry-3- registry-4- registry-5- registry-6-", "registry-0", plans.GateClosed, "registry-3 why; and 3 more"},
	} {
		var all []machine.Standing
		for _, word := range strings.Fields(c.pods) {
			name, state := word[:len(word)-1], word[len(word)-1]
			podType, _, _ := strings.Cut(name, "-")
			s := machine.Standing{Name: name, Type: podType, State: states[state], Served: state != '.'}
			if s.State != machine.Up {
				s.Text = "why"
			}
			all = append(all, s)
		}
		got := (&Service{}).Judge(strings.Fields(c.stop), all)
		if got.Gate != c.want || !strings.Contains(got.Text, c.text) || (got.Gate == plans.GateOpen) != (got.Text == "") {
			t.Errorf("%s: stop %s: gate %d, %q; want %d, %q", c.pods, c.stop, got.Gate, got.Text, c.want, c.text)
		}
	}
}
