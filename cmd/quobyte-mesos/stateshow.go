package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/engine/backup"
	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/store"
	"github.com/quobyte/mesos-framework/plans"
)

// summary is what a state says, in short.
type summary struct {
	Service     string `json:"service"`
	From        string `json:"from"`
	FrameworkID string `json:"framework_id,omitempty"`
	// Registration is what Mesos was told when the framework last subscribed, if the state says so.
	Registration *machine.Registration `json:"registration,omitempty"`
	Target       *machine.Target       `json:"target,omitempty"`
	Hosts        []machine.Host        `json:"hosts"`
	Pods         []machine.Pod         `json:"pods"`
	Runs         []plans.Run           `json:"runs"`
	Facts        []plans.Fact          `json:"facts"`
	// NotReadable is why the record of the framework's id can't be read; empty if it can be, or if there is none.
	NotReadable string `json:"framework_not_readable,omitempty"`
	// Unread are records that this program does not understand.
	Unread     []string `json:"unread,omitempty"`
	Incomplete bool     `json:"incomplete,omitempty"`
	Records    int      `json:"records"`
}

// summarize reads records as far as it understands them: it is also of use with a state that serve refuses.
func summarize(service, from string, records []machine.Record) summary {
	s := summary{
		Service: service, From: from, Records: len(records),
		Hosts: []machine.Host{}, Pods: []machine.Pod{}, Runs: []plans.Run{}, Facts: []plans.Fact{},
	}
	for _, r := range records {
		if err := s.add(r); err != nil {
			s.Unread = append(s.Unread, fmt.Sprintf("%s: %v", r.Key, err))
			if r.Key == "framework" {
				s.NotReadable = err.Error()
			}
		}
	}
	slices.SortFunc(s.Pods, func(a, b machine.Pod) int {
		return cmp.Or(strings.Compare(a.Type, b.Type), a.Index-b.Index)
	})
	return s
}

func (s *summary) add(r machine.Record) error {
	if r.Key == store.IncompleteKey {
		s.Incomplete = true
		return nil
	}
	var e struct {
		Format int             `json:"format"`
		Value  json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(r.Value, &e); err != nil {
		return err
	}
	if e.Format != 1 {
		return fmt.Errorf("format %d is not known to this program", e.Format)
	}
	kind, _, _ := strings.Cut(r.Key, "/")
	switch kind {
	case "framework":
		var f struct {
			ID           string                `json:"id"`
			Registration *machine.Registration `json:"registration"`
		}
		err := json.Unmarshal(e.Value, &f)
		s.FrameworkID, s.Registration = f.ID, f.Registration
		return err
	case "target":
		return json.Unmarshal(e.Value, &s.Target)
	case "hosts":
		return appendTo(&s.Hosts, e.Value)
	case "pods":
		return appendTo(&s.Pods, e.Value)
	case "runs", "history":
		run, err := plans.DecodeRun(e.Value)
		if err == nil {
			s.Runs = append(s.Runs, run)
		}
		return err
	case "facts":
		fact, err := plans.DecodeFact(e.Value)
		if err == nil {
			s.Facts = append(s.Facts, fact)
		}
		return err
	}
	return fmt.Errorf("not a key of this program's")
}

func appendTo[T any](list *[]T, value []byte) error {
	var v T
	if err := json.Unmarshal(value, &v); err != nil {
		return err
	}
	*list = append(*list, v)
	return nil
}

// framework says who the framework is to Mesos. That there is no record does not mean that there never was one if others can't be read.
func (s summary) framework() string {
	switch {
	case s.FrameworkID != "":
		return s.FrameworkID
	case s.NotReadable != "":
		return "not readable: " + s.NotReadable
	case len(s.Unread) > 0 || s.Incomplete:
		return "not known: there is no record of it, and others are missing or can't be read"
	}
	return "none: it never subscribed"
}

// tasks are the pods whose task may run, reserved those for which something is reserved.
func (s summary) tasks() (out []machine.Pod) {
	for _, p := range s.Pods {
		if p.Task != nil && !p.Task.State.Terminal() {
			out = append(out, p)
		}
	}
	return out
}

func (s summary) reserved() (out []machine.Pod) {
	for _, p := range s.Pods {
		if p.Claim != nil || p.Task != nil && p.Task.Claim != nil {
			out = append(out, p)
		}
	}
	return out
}

func newStateShow(env environment) *cobra.Command {
	var p statePlace
	asJSON := false
	cmd := &cobra.Command{
		Use:   "show {--state-dir DIR | --zk zk://HOST:PORT/PATH} [KEY]",
		Short: "Show what the state says, or one record, or all below a key that ends in /",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.check(cmd, env); err != nil {
				return err
			}
			records, err := p.read(cmd.Context())
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return showRecords(env.Stdout, records, args[0], asJSON)
			}
			s := summarize(p.Service, p.String(), records)
			if asJSON {
				return writeJSON(env.Stdout, s)
			}
			return s.write(env.Stdout)
		},
	}
	p.bind(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func showRecords(w io.Writer, records []machine.Record, key string, asJSON bool) error {
	found := []backup.Entry{}
	for _, r := range records {
		if r.Key == key || strings.HasSuffix(key, "/") && strings.HasPrefix(r.Key, key) {
			found = append(found, backup.NewEntry(r))
		}
	}
	if len(found) == 0 {
		return fmt.Errorf("record %q: there is none", key)
	}
	if asJSON {
		return writeJSON(w, found)
	}
	for _, r := range found {
		if r.Value == nil {
			if _, err := fmt.Fprintf(w, "%s = %q\n", r.Key, r.Bytes); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintf(w, "%s = ", r.Key); err != nil {
			return err
		}
		if err := writeJSON(w, r.Value); err != nil {
			return err
		}
	}
	return nil
}

func (s summary) write(w io.Writer) error {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", name, strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
	line("service", "%s, %d records in %s", s.Service, s.Records, s.From)
	if s.Incomplete {
		line("INCOMPLETE", "an import or a reset did not come to its end; repeat it")
	}
	line("framework", "%s", s.framework())
	if r := s.Registration; r != nil {
		line("", "user %s, principal %s, checkpoint %t (Mesos never changes these), name %s, roles %s, failover timeout %s",
			r.User, cmp.Or(r.Principal, "none"), r.Checkpoint, r.Name, strings.Join(r.Roles, " "), r.FailoverTimeout)
	}
	if s.Target != nil {
		line("target", "%d, %s, by %s at %s", s.Target.Number, s.Target.ID, s.Target.By, s.Target.At.UTC().Format(time.RFC3339))
	}
	line("hosts", "%d", len(s.Hosts))
	line("pods", "%d: %d with a task that may run, %d with reservations", len(s.Pods), len(s.tasks()), len(s.reserved()))
	for _, p := range s.Pods {
		task := "no task"
		if p.Task != nil {
			task = fmt.Sprintf("%s since %s, %s", p.Task.State, p.Task.StateAt.UTC().Format(time.RFC3339), p.Task.ID)
		}
		line("", "%-14s %-20s %s", p.Name, cmp.Or(p.Host, "-"), task)
	}
	for _, r := range s.Runs {
		outcome := string(r.Outcome)
		if outcome == "" && !r.CompletedAt.IsZero() {
			outcome = "COMPLETE"
		}
		line("run", "%d of deploy, by %s at %s: %s", r.Number, r.Actor, r.StartedAt.UTC().Format(time.RFC3339), cmp.Or(outcome, "at work"))
	}
	for _, f := range s.Facts {
		line("fact", "%s, by %s at %s: %s", f.Key(), f.Actor, f.At.UTC().Format(time.RFC3339), cmp.Or(f.Reason, "no reason given"))
	}
	for _, u := range s.Unread {
		line("unread", "%s", u)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
