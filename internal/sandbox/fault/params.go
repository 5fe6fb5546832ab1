package fault

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// A Param is one field of a Fault, as it is named in JSON and on the command line.
type Param struct {
	Name  string
	Usage string
	// Value gives a pointer to the field: *string, *int, *bool or *Duration.
	Value   func(*Fault) any
	problem func(*Fault) error
}

func (p Param) given(f *Fault) bool {
	switch v := p.Value(f).(type) {
	case *string:
		return *v != ""
	case *int:
		return *v != 0
	case *bool:
		return *v
	case *Duration:
		return *v != 0
	}
	return false
}

// ParamsOf lists what a kind takes, in the order in which it is told.
func ParamsOf(kind Kind) []Param {
	entry, _ := Lookup(kind)
	var list []Param
	for _, name := range entry.Takes {
		for _, p := range params() {
			if p.Name == name {
				list = append(list, p)
			}
		}
	}
	return list
}

// Required tells whether a kind cannot do without a param.
func Required(kind Kind, param string) bool {
	entry, _ := Lookup(kind)
	return entry.requires(param)
}

func params() []Param {
	return []Param{
		{paramAgent, "agent: its id, its hostname, or its number from 0",
			func(f *Fault) any { return &f.Agent }, nil},
		{paramFramework, "only for the framework with this id or name",
			func(f *Fault) any { return &f.Framework }, nil},
		{paramTask, "task: its id, or the beginning of one followed by *",
			func(f *Fault) any { return &f.Task }, nil},
		{paramCall, "only calls of this type, such as ACCEPT",
			func(f *Fault) any { return &f.Call }, func(f *Fault) error { return oneOf(f.Call, Calls()) }},
		{paramEvent, "only events of this type, such as OFFERS",
			func(f *Fault) any { return &f.Event }, func(f *Fault) error { return oneOf(f.Event, Events()) }},
		{paramState, "only updates to this state, such as TASK_RUNNING",
			func(f *Fault) any { return &f.State }, func(f *Fault) error { return oneOf(f.State, States()) }},
		{paramCount, "how often; -1 until it is cleared (default 1, or -1 if it is given a time)",
			func(f *Fault) any { return &f.Count }, func(f *Fault) error {
				if f.Count < -1 {
					return fmt.Errorf("%d: must be 1 or more, or -1 for no end", f.Count)
				}
				return nil
			}},
		{paramSkip, "let so many pass first",
			func(f *Fault) any { return &f.Skip }, func(f *Fault) error {
				if f.Skip < 0 {
					return fmt.Errorf("%d: must not be negative", f.Skip)
				}
				return nil
			}},
		{paramFor, "how long, such as 5s (default: until it is cleared)",
			func(f *Fault) any { return &f.For }, func(f *Fault) error { return positive(f.For) }},
		{paramDelay, "how long it takes, such as 500ms",
			func(f *Fault) any { return &f.Delay }, func(f *Fault) error { return positive(f.Delay) }},
		{paramSpread, "time between two agents that register, such as 500ms",
			func(f *Fault) any { return &f.Spread }, func(f *Fault) error { return positive(f.Spread) }},
		{paramStatus, "status of HTTP, such as 429, 500 or 503",
			func(f *Fault) any { return &f.Status }, func(f *Fault) error {
				if f.Status < 300 || f.Status > 599 {
					return fmt.Errorf("%d: must be 300 to 599", f.Status)
				}
				return nil
			}},
		{paramText, "text of the answer",
			func(f *Fault) any { return &f.Text }, nil},
		{paramNewID, "as a new agent: what ran is ended, reservations and volumes stay",
			func(f *Fault) any { return &f.NewID }, nil},
		{paramWipe, "as a new agent with nothing of before: no reservations, no volumes",
			func(f *Fault) any { return &f.Wipe }, nil},
		{paramGrace, "longest time from SIGTERM to SIGKILL",
			func(f *Fault) any { return &f.Grace }, func(f *Fault) error { return positive(f.Grace) }},
		{paramMarkGone, "mark the agent gone when it is drained",
			func(f *Fault) any { return &f.MarkGone }, nil},
		{paramPath, "directory: an absolute path, or one below the agent's work directory",
			func(f *Fault) any { return &f.Path }, nil},
		{paramTo, "where to: HOST:PORT, loop (the master itself) or nowhere (a host that nobody knows)",
			func(f *Fault) any { return &f.To }, func(f *Fault) error {
				if f.To == ToLoop || f.To == ToNowhere {
					return nil
				}
				if _, _, err := net.SplitHostPort(f.To); err != nil {
					return fmt.Errorf("%q: must be HOST:PORT, loop or nowhere", f.To)
				}
				return nil
			}},
		{paramWhat, "what is unknown: type, enum or field",
			func(f *Fault) any { return &f.What },
			func(f *Fault) error { return oneOf(f.What, []string{WhatType, WhatEnum, WhatField}) }},
		{paramBytes, "size in bytes",
			func(f *Fault) any { return &f.Bytes }, func(f *Fault) error {
				if f.Bytes < 1 || f.Bytes > 1<<30 {
					return errors.New("must be 1 to 1073741824")
				}
				return nil
			}},
		{paramUntil, "carried out after the next call, or after the next subscription: call or session",
			func(f *Fault) any { return &f.Until },
			func(f *Fault) error { return oneOf(f.Until, []string{UntilCall, UntilSession}) }},
		{paramEndpoint, "only requests to this path, such as /state, or the beginning of one followed by *",
			func(f *Fault) any { return &f.Endpoint }, func(f *Fault) error {
				if !strings.HasPrefix(f.Endpoint, "/") {
					return fmt.Errorf("%q: must begin with a slash", f.Endpoint)
				}
				return nil
			}},
		{paramAction, "what is denied, such as RUN_TASK",
			func(f *Fault) any { return &f.Action }, func(f *Fault) error { return oneOf(f.Action, Actions()) }},
	}
}
