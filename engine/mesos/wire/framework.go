package wire

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/go-multierror"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
)

// Framework is what a framework says about itself when it subscribes.
type Framework struct {
	// User runs tasks that name no user of their own. Mesos: required; a later subscription cannot change it.
	User string
	// Name is shown to operators. Mesos: required.
	Name string
	// Roles are the roles that offers are made for; without any there are no offers.
	Roles []string
	// Principal is who the framework is to authorization and who its reservations belong to. Mesos: cannot be changed.
	Principal string
	// FailoverTimeout is how long Mesos lets tasks run after the framework's connection is lost before it removes the
	// framework for good and kills them. Zero: at once.
	FailoverTimeout time.Duration
	// Checkpoint lets tasks survive a restart of their agent. Mesos: cannot be changed by a later subscription.
	Checkpoint bool
	// Hostname is where the scheduler runs, and WebUIURL where its page is; both are only shown.
	Hostname, WebUIURL string
	Labels             []offers.Label
}

// capabilities are what a framework that runs long-lived, host-bound daemons needs: several roles, refined reservations,
// states that tell lost from partitioned, offers of remote regions, and notice of a task that is being killed.
var capabilities = [...]mesos.FrameworkInfo_Capability_Type{
	mesos.FrameworkInfo_Capability_MULTI_ROLE,
	mesos.FrameworkInfo_Capability_PARTITION_AWARE,
	mesos.FrameworkInfo_Capability_RESERVATION_REFINEMENT,
	mesos.FrameworkInfo_Capability_TASK_KILLING_STATE,
	mesos.FrameworkInfo_Capability_REGION_AWARE,
}

// Validate tells all that a master would refuse or that would make the framework useless.
func (f Framework) Validate() error {
	var all *multierror.Error
	add := func(format string, args ...any) { all = multierror.Append(all, fmt.Errorf(format, args...)) }
	if f.User == "" {
		add("framework user is empty: name the system user that tasks run as")
	}
	if f.Name == "" {
		add("framework name is empty")
	}
	if f.FailoverTimeout < 0 {
		add("framework failover timeout %v is negative: zero or more is allowed", f.FailoverTimeout)
	}
	if len(f.Roles) == 0 {
		add("framework roles are empty: without a role Mesos makes no offers")
	}
	seen := make(map[string]bool)
	for _, role := range f.Roles {
		if seen[role] {
			add("framework role %q is given twice", role)
		}
		seen[role] = true
		if fault := offers.RoleFault(role); fault != "" {
			add("framework role %q %s", role, fault)
		}
	}
	return all.ErrorOrNil()
}

// ValidateID says whether Mesos takes id as the id of something; what names it in the error.
func ValidateID(what, id string) error {
	switch {
	case id == "":
		return fmt.Errorf("%s is empty", what)
	case len(id) > 255:
		return fmt.Errorf("%s %q is %d bytes long: at most 255 are allowed", what, id, len(id))
	case id == "." || id == "..":
		return fmt.Errorf("%s %q is not allowed by Mesos", what, id)
	case strings.ContainsFunc(id, func(r rune) bool { return r == '/' || r == '\\' || unicode.IsControl(r) }):
		return fmt.Errorf("%s %q contains a slash, a backslash or a control character", what, id)
	}
	return nil
}

// Subscribe encodes the call that opens a session. An empty framework id asks for a new framework. Mesos: the ids of the
// call and of the framework info must both be set or both be absent.
func Subscribe(f Framework, frameworkID string) ([]byte, error) {
	info := frameworkInfo(f, frameworkID)
	call := &scheduler.Call{
		Type:        scheduler.Call_SUBSCRIBE,
		FrameworkID: info.ID,
		Subscribe:   &scheduler.Call_Subscribe{FrameworkInfo: info},
	}
	b, err := call.Marshal()
	if err != nil {
		return nil, fmt.Errorf("subscribe call: %w", err)
	}
	return b, nil
}

// UpdateFramework encodes the call that changes what a subscribed framework says about itself. Mesos: it answers 200, and 400 if the
// principal, the user or checkpoint differ. All that is not said again is forgotten.
func UpdateFramework(f Framework, frameworkID string) ([]byte, error) {
	if frameworkID == "" {
		return nil, errors.New("update framework call: framework id is empty: it is known once subscribed")
	}
	info := frameworkInfo(f, frameworkID)
	call := &scheduler.Call{
		Type:            scheduler.Call_UPDATE_FRAMEWORK,
		FrameworkID:     info.ID,
		UpdateFramework: &scheduler.Call_UpdateFramework{FrameworkInfo: *info},
	}
	b, err := call.Marshal()
	if err != nil {
		return nil, fmt.Errorf("update framework call: %w", err)
	}
	return b, nil
}

// Registration is what is to be remembered of what Mesos was told.
func (f Framework) Registration() *machine.Registration {
	return &machine.Registration{
		User: f.User, Name: f.Name, Roles: slices.Clone(f.Roles), Principal: f.Principal, FailoverTimeout: f.FailoverTimeout, Checkpoint: f.Checkpoint,
	}
}

// Change is a setting that is not what it was when the framework last subscribed.
type Change struct {
	Setting string // as in machine.Registration's JSON, with dashes
	Was, Is string
	// Forbidden: Mesos does not let a framework change it.
	Forbidden bool
}

// Changes are the settings that differ from those with which the framework last subscribed. Principal, user and checkpoint have to be what
// they were when it first did (mesos-traces F68); SUBSCRIBE keeps the old user and checkpoint without a word.
func (f Framework) Changes(before machine.Registration) []Change {
	var out []Change
	for _, c := range []Change{
		{"principal", before.Principal, f.Principal, true},
		{"user", before.User, f.User, true},
		{"checkpoint", strconv.FormatBool(before.Checkpoint), strconv.FormatBool(f.Checkpoint), true},
		{"name", before.Name, f.Name, false},
		{"roles", strings.Join(before.Roles, " "), strings.Join(f.Roles, " "), false}, // there are no spaces in a role
		{"failover-timeout", before.FailoverTimeout.String(), f.FailoverTimeout.String(), false},
	} {
		if c.Was != c.Is {
			out = append(out, c)
		}
	}
	return out
}

// frameworkInfo is what the framework says about itself.
func frameworkInfo(f Framework, frameworkID string) *mesos.FrameworkInfo {
	info := &mesos.FrameworkInfo{
		User:      f.User,
		Name:      f.Name,
		Roles:     f.Roles,
		Principal: text(f.Principal),
		Hostname:  text(f.Hostname),
		WebUiURL:  text(f.WebUIURL),
		Labels:    labels(f.Labels),
	}
	if f.FailoverTimeout > 0 {
		info.FailoverTimeout = ptr(f.FailoverTimeout.Seconds())
	}
	if f.Checkpoint {
		info.Checkpoint = ptr(true)
	}
	for _, c := range capabilities {
		info.Capabilities = append(info.Capabilities, mesos.FrameworkInfo_Capability{Type: c})
	}
	if frameworkID != "" {
		info.ID = &mesos.FrameworkID{Value: frameworkID}
	}
	return info
}

func ptr[T any](v T) *T { return &v }

// text leaves an empty string out of a message.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
