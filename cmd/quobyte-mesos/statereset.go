package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/engine/store"
)

// masterPatience bounds the question to the master. The answer of a large cluster is long.
const masterPatience = 60 * time.Second

// resetOptions are the flags of reset.
type resetOptions struct {
	place  statePlace
	Master string
	Force  bool
	Yes    bool
}

func newStateReset(env environment) *cobra.Command {
	var o resetOptions
	cmd := &cobra.Command{
		Use:   "reset {--state-dir DIR | --zk zk://HOST:PORT/PATH} {--master HOST:PORT | --force}",
		Short: "Remove all records, so that the next serve is a new framework",
		Long: `Remove all records, so that the next serve is a new framework. What the old one has in Mesos is not touched, and nobody looks after it any more: reset says what that
is. It refuses (exit status 13) while the master knows the framework, unless it is given --force, and while an instance works on the state. Export the
state beforehand.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.place.check(cmd, env); err != nil {
				return err
			}
			return o.run(cmd.Context(), env)
		},
	}
	o.place.bind(cmd)
	cmd.Flags().StringVar(&o.Master, "master", "", "Mesos master to ask whether it knows the framework: host:port or http(s)://host:port")
	cmd.Flags().BoolVar(&o.Force, "force", false, "reset although the framework is registered, or without asking a master")
	cmd.Flags().BoolVar(&o.Yes, "yes", false, "do not ask for the name of the service")
	return cmd
}

func (o *resetOptions) run(ctx context.Context, env environment) (err error) {
	s, done, err := o.place.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	records, err := s.Load(ctx)
	if err != nil {
		return err
	}
	if len(records) == 0 {
		_, err := fmt.Fprintf(env.Stdout, "there is nothing in %s\n", &o.place)
		return err
	}
	sum := summarize(o.place.Service, o.place.String(), records)
	if err := o.mayForget(ctx, sum); err != nil {
		return err
	}
	if _, err := io.WriteString(env.Stdout, orphaned(sum)); err != nil {
		return err
	}
	if err := confirmed(env, o.place.Service, o.Yes); err != nil {
		return err
	}
	if err := store.Replace(ctx, s, nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "%d records were removed from %s\n", len(records), &o.place)
	return err
}

// mayForget refuses to forget a framework that is registered.
func (o *resetOptions) mayForget(ctx context.Context, s summary) error {
	if s.FrameworkID == "" && len(s.Unread) == 0 || o.Force {
		return nil
	}
	if o.Master == "" {
		return exitCode{exitRefused, fmt.Errorf("framework %s: it may be registered; give --master, so that it can be asked, or --force", s.FrameworkID)}
	}
	tasks, registered, err := registeredFramework(ctx, o.Master, s.FrameworkID)
	if err != nil {
		return fmt.Errorf("master %s: %w; give another, or --force", o.Master, err)
	}
	if !registered {
		return nil
	}
	return exitCode{exitRefused, fmt.Errorf("framework %s: it is registered with the master at %s, with %d tasks; tear it down first "+
		"(POST frameworkId=%s to the master's /teardown, which kills them), or give --force", s.FrameworkID, o.Master, tasks, s.FrameworkID)}
}

// registeredFramework asks the master whether it knows a framework, connected or not, and how many tasks it has.
func registeredFramework(ctx context.Context, master, id string) (tasks int, registered bool, err error) {
	if !strings.Contains(master, "://") {
		master = "http://" + master
	}
	ctx, cancel := context.WithTimeout(ctx, masterPatience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(master, "/")+"/state", nil)
	if err != nil {
		return 0, false, err
	}
	resp, err := http.DefaultClient.Do(r) // follows to the leading master
	if err != nil {
		return 0, false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, false, fmt.Errorf("GET /state: HTTP %s", resp.Status)
	}
	var state struct {
		Frameworks *[]struct {
			ID    string            `json:"id"`
			Tasks []json.RawMessage `json:"tasks"`
		} `json:"frameworks"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&state); err != nil {
		return 0, false, fmt.Errorf("GET /state: %w", err)
	}
	if state.Frameworks == nil {
		return 0, false, errors.New("GET /state: the answer is not a Mesos master's")
	}
	for _, f := range *state.Frameworks {
		if f.ID == id {
			return len(f.Tasks), true, nil
		}
	}
	return 0, false, nil
}

// orphaned says what nobody would look after any more.
func orphaned(s summary) string {
	var b strings.Builder
	tasks, reserved := s.tasks(), s.reserved()
	if len(tasks)+len(reserved) == 0 {
		return "no task of it is known to run, and nothing is known to be reserved for it\n"
	}
	if len(tasks) > 0 {
		fmt.Fprintf(&b, "%d tasks may run, and would not be known any more:\n", len(tasks))
		for _, p := range tasks {
			fmt.Fprintf(&b, "  %s on %s: %s, %s\n", p.Name, p.Host, p.Task.State, p.Task.ID)
		}
	}
	if len(reserved) > 0 {
		fmt.Fprintf(&b, "%d pods have reservations, which nobody would use any more:\n", len(reserved))
		for _, p := range reserved {
			claim := p.Claim
			if claim == nil {
				claim = p.Task.Claim
			}
			fmt.Fprintf(&b, "  %s on %s: %s", p.Name, p.Host, claim.Held)
			for _, v := range claim.Volumes {
				fmt.Fprintf(&b, ", volume %s (%s)", v.Name, v.ID)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}
