package fault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"
)

// A Fault is one thing that is to go wrong. Which fields a kind takes is in Table; the others must be left alone. The zero
// value of a field that chooses means "any".
type Fault struct {
	Kind Kind `json:"kind"`

	Agent     string `json:"agent,omitempty"`     // id, hostname or index from 0
	Framework string `json:"framework,omitempty"` // id or name
	Task      string `json:"task,omitempty"`      // id; a * at its end stands for anything
	Call      string `json:"call,omitempty"`      // type of a scheduler call, such as ACCEPT
	Event     string `json:"event,omitempty"`     // type of an event, such as OFFERS
	State     string `json:"state,omitempty"`     // of an UPDATE, such as TASK_RUNNING

	Count int      `json:"count,omitempty"` // how often; -1 until it is cleared. Default 1, or -1 if For is given
	Skip  int      `json:"skip,omitempty"`  // let so many pass first
	For   Duration `json:"for,omitempty"`   // how long; 0 until it is cleared

	Delay    Duration `json:"delay,omitempty"`
	Spread   Duration `json:"spread,omitempty"`
	Status   int      `json:"status,omitempty"` // of HTTP
	Text     string   `json:"text,omitempty"`
	NewID    bool     `json:"new-id,omitempty"`
	Wipe     bool     `json:"wipe,omitempty"`
	Grace    Duration `json:"grace,omitempty"`
	MarkGone bool     `json:"mark-gone,omitempty"`
	Path     string   `json:"path,omitempty"`
	To       string   `json:"to,omitempty"`   // HOST:PORT, "loop" or "nowhere"
	What     string   `json:"what,omitempty"` // type, enum or field
	Bytes    int      `json:"bytes,omitempty"`
	Until    string   `json:"until,omitempty"`    // call or session
	Endpoint string   `json:"endpoint,omitempty"` // path of HTTP; a * at its end stands for anything
	Action   string   `json:"action,omitempty"`   // that is denied, as Mesos names it
}

// Duration is a time.Duration that is written as 1m30s in JSON.
type Duration time.Duration

// MarshalText writes it as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration does.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q: must be a duration, such as 500ms, 90s or 2h", text)
	}
	*d = Duration(v)
	return nil
}

// Complete fills in defaults and names everything that is wrong.
func (f Fault) Complete() (Fault, error) {
	entry, known := Lookup(f.Kind)
	if !known {
		return f, fmt.Errorf("fault %q: there is no such kind; there are %s", f.Kind, strings.Join(Kinds(), ", "))
	}
	var problems *multierror.Error
	fail := func(format string, args ...any) {
		problems = multierror.Append(problems, fmt.Errorf("fault %s: "+format, append([]any{f.Kind}, args...)...))
	}
	if f.Event == impliedEvent[f.Kind] { // said by the kind, so that what was completed may be given again
		f.Event = ""
	}
	for _, p := range params() {
		given := p.given(&f)
		switch {
		case given && !entry.takes(p.Name):
			fail("%s: not for this kind, which takes %s", p.Name, list(entry.Takes))
		case !given && entry.requires(p.Name):
			fail("%s: missing; %s", p.Name, p.Usage)
		case given && p.problem != nil:
			if err := p.problem(&f); err != nil {
				fail("%s: %w", p.Name, err)
			}
		}
	}
	if err := problems.ErrorOrNil(); err != nil {
		return f, err
	}
	f.complete(entry)
	return f, nil
}

// impliedEvent is the type of events that a kind is about.
var impliedEvent = map[Kind]string{
	HeartbeatsStop: "HEARTBEAT", UpdateLost: "UPDATE", UpdateDuplicate: "UPDATE", OffersOversized: "OFFERS",
}

func (f *Fault) complete(entry Entry) {
	if f.Count == 0 && entry.Nature == Rule {
		f.Count = 1
		if f.For > 0 {
			f.Count = -1
		}
	}
	if f.Kind == AgentReboot && f.For == 0 {
		f.For = Duration(time.Second)
	}
	if f.Kind == StreamTrickle && f.Delay == 0 {
		f.Delay = Duration(time.Millisecond)
	}
	if f.Kind == OffersOversized && f.Bytes == 0 {
		f.Bytes = 30 << 20
	}
	for _, d := range []struct {
		kind  Kind
		value *string
		usual string
	}{
		{Redirect, &f.To, ToLoop}, {EventUnknown, &f.What, WhatType}, {CallReorder, &f.Until, UntilSession},
	} {
		if f.Kind == d.kind && *d.value == "" {
			*d.value = d.usual
		}
	}
	if event := impliedEvent[f.Kind]; event != "" {
		f.Event = event
	}
	if f.Kind == EventUnknown && f.What == WhatEnum {
		f.Event = "UPDATE"
	}
}

// Values of the params that choose between few.
const (
	ToLoop       = "loop"
	ToNowhere    = "nowhere"
	WhatType     = "type"
	WhatEnum     = "enum"
	WhatField    = "field"
	UntilCall    = "call"
	UntilSession = "session"
)

// Kinds lists the names of all kinds, by subject.
func Kinds() []string {
	var names []string
	for _, e := range Table() {
		names = append(names, string(e.Kind))
	}
	return names
}

func list(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// Calls are the types of calls that a scheduler can make.
func Calls() []string {
	return []string{"SUBSCRIBE", "TEARDOWN", "ACCEPT", "DECLINE", "ACCEPT_INVERSE_OFFERS", "DECLINE_INVERSE_OFFERS", "REVIVE",
		"SUPPRESS", "KILL", "SHUTDOWN", "ACKNOWLEDGE", "ACKNOWLEDGE_OPERATION_STATUS", "RECONCILE", "RECONCILE_OPERATIONS",
		"MESSAGE", "REQUEST", "UPDATE_FRAMEWORK"}
}

// Events are the types of events that a scheduler can be sent.
func Events() []string {
	return []string{"SUBSCRIBED", "OFFERS", "INVERSE_OFFERS", "RESCIND", "RESCIND_INVERSE_OFFER", "UPDATE",
		"UPDATE_OPERATION_STATUS", "MESSAGE", "FAILURE", "ERROR", "HEARTBEAT"}
}

// States are the states that an UPDATE can tell.
func States() []string {
	return []string{"TASK_STAGING", "TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_FINISHED", "TASK_FAILED",
		"TASK_KILLED", "TASK_ERROR", "TASK_LOST", "TASK_DROPPED", "TASK_UNREACHABLE", "TASK_GONE", "TASK_GONE_BY_OPERATOR",
		"TASK_UNKNOWN"}
}

// Actions are what an authorizer can deny: what frameworks do, and what operators change.
func Actions() []string {
	return []string{"REGISTER_FRAMEWORK", "RUN_TASK", "RESERVE_RESOURCES", "UNRESERVE_RESOURCES", "CREATE_VOLUME", "DESTROY_VOLUME",
		"RESIZE_VOLUME", "TEARDOWN_FRAMEWORK", "UPDATE_QUOTA", "UPDATE_WEIGHT", "UPDATE_MAINTENANCE_SCHEDULE", "START_MAINTENANCE",
		"STOP_MAINTENANCE", "DRAIN_AGENT", "DEACTIVATE_AGENT", "REACTIVATE_AGENT", "MARK_AGENT_GONE"}
}

func oneOf(value string, allowed []string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%q: must be one of %s", value, strings.Join(allowed, ", "))
}

func positive(d Duration) error {
	if d < 0 {
		return errors.New("must not be negative")
	}
	return nil
}
