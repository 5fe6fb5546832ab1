package wire

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestChangesOfAFramework(t *testing.T) {
	f := Framework{User: "root", Name: "n", Roles: []string{"a"}, FailoverTimeout: time.Hour, Checkpoint: true, Hostname: "h"}
	before := *f.Registration()
	f.Hostname, f.WebUIURL = "other", "http://other" // only shown: another instance has others
	if got := f.Changes(before); got != nil {
		t.Errorf("changes = %v, want none", got)
	}
	f.User, f.Name, f.Roles, f.Principal, f.FailoverTimeout, f.Checkpoint = "bob", "m", []string{"a", "b"}, "p", time.Minute, false
	want := []Change{
		{"principal", "", "p", true}, {"user", "root", "bob", true}, {"checkpoint", "true", "false", true},
		{"name", "n", "m", false}, {"roles", "a", "a b", false}, {"failover-timeout", "1h0m0s", "1m0s", false},
	}
	if diff := cmp.Diff(want, f.Changes(before)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}
