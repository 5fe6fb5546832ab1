package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hashicorp/go-multierror"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/engine/store"
)

// masterPatience bounds the question to the masters. The answer of a large cluster is long.
const masterPatience = 60 * time.Second

// resetOptions are the flags of reset.
type resetOptions struct {
	place     statePlace
	Masters   []string
	Principal string
	Mesos     mesosOptions
	access    *pflag.FlagSet // flags of those three
	Force     bool
	Yes       bool
}

func newStateReset(env environment) *cobra.Command {
	o := resetOptions{Mesos: defaultMesosOptions(), access: pflag.NewFlagSet("access", pflag.ContinueOnError)}
	cmd := &cobra.Command{
		Use:   "reset {--state-dir DIR | --zk zk://HOST:PORT/PATH} {--master MASTERS | --force}",
		Short: "Remove all records, so that the next serve is a new framework",
		Long: `Remove all records, so that the next serve is a new framework. What the old one has in Mesos is not touched, and nobody looks after it any more: reset says what that
is. It refuses (exit status 13) while the master knows the framework, or was elected so lately that it need not know it yet, or the state does not say which
framework that is, unless it is given --force, and while an instance works on the state. Export the state beforehand.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.place.check(cmd, env); err != nil {
				return err
			}
			return o.run(cmd.Context(), env)
		},
	}
	o.place.bind(cmd)
	f := cmd.Flags()
	o.access.StringSliceVar(&o.Masters, "master", nil, "Mesos masters to ask whether they know the framework, as those of serve: host:port, http(s)://host:port, or zk://[user:password@]host,…/path")
	o.access.StringVar(&o.Principal, "framework-principal", "", "Mesos principal that asks")
	o.Mesos.bindAccess(o.access)
	f.AddFlagSet(o.access)
	f.BoolVar(&o.Force, "force", false, "reset although the framework is, or may be, registered, or without asking a master")
	f.BoolVar(&o.Yes, "yes", false, "do not ask for the name of the service")
	return cmd
}

// master is where to ask, and as whom, by the flags and what the environment has for them.
func (o *resetOptions) master(env environment) (mesos.Config, error) {
	var all *multierror.Error
	o.access.VisitAll(func(f *pflag.Flag) {
		value := env.Getenv(envName(f.Name))
		if value == "" || f.Changed {
			return
		}
		if err := f.Value.Set(value); err != nil {
			all = multierror.Append(all, fmt.Errorf("environment: %w", plain(f, value, err)))
		}
	})
	o.Mesos.getenv = env.Getenv
	c := mesos.Config{Masters: o.Masters, Framework: mesos.Framework{Principal: o.Principal}}
	all = multierror.Append(all, o.Mesos.access(&c))
	return c, all.ErrorOrNil()
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
	if _, err := io.WriteString(env.Stdout, orphaned(sum)); err != nil {
		return err
	}
	if err := o.mayForget(ctx, env, sum); err != nil {
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

// mayForget refuses to forget a framework that is registered, or may be.
func (o *resetOptions) mayForget(ctx context.Context, env environment, s summary) error {
	switch {
	case o.Force, s.FrameworkID == "" && len(s.Unread) == 0:
		return nil
	case s.FrameworkID == "":
		return exitCode{exitRefused, fmt.Errorf("framework: %s; no master can be asked about it: use a quobyte-mesos that can read the state, or give --force", s.framework())}
	}
	cfg, err := o.master(env)
	if err != nil {
		return err
	}
	if len(cfg.Masters) == 0 {
		return exitCode{exitRefused, fmt.Errorf("framework %s: it may be registered; give --master, so that it can be asked, or --force", s.FrameworkID)}
	}
	ctx, cancel := context.WithTimeout(ctx, masterPatience)
	defer cancel()
	found, err := mesos.Lookup(ctx, cfg, s.FrameworkID)
	switch {
	case err != nil:
		return fmt.Errorf("--master: %w; give another, or --force", err)
	case found.Known:
		return exitCode{exitRefused, fmt.Errorf("framework %s: it is registered with the master, with %d tasks; tear it down first "+
			"(POST frameworkId=%s to the master's /teardown, which kills them), or give --force", s.FrameworkID, found.Tasks, s.FrameworkID)}
	case found.Doubt != "":
		return exitCode{exitRefused, fmt.Errorf("framework %s: the master does not list it, which does not say that it is gone: %s; or give --force", s.FrameworkID, found.Doubt)}
	case found.Unreachable > 0:
		_, err := fmt.Fprintf(env.Stdout, "the master does not know the framework; what ran on %d agents that it can't reach it does not know either\n", found.Unreachable)
		return err
	}
	return nil
}

// orphaned says what nobody would look after any more.
func orphaned(s summary) string {
	var b strings.Builder
	tasks, reserved := s.tasks(), s.reserved()
	if len(s.Unread) > 0 {
		fmt.Fprintf(&b, "%d records can't be read, and what they are about is not listed here: %s\n", len(s.Unread), s.Unread[0])
	}
	if len(tasks)+len(reserved) == 0 {
		b.WriteString("no task of it is known to run, and nothing is known to be reserved for it\n")
		return b.String()
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
