package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/quobyte/mesos-framework/engine/api/client"
	"github.com/quobyte/mesos-framework/engine/backup"
	"github.com/quobyte/mesos-framework/engine/leader"
	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/store"
	"github.com/quobyte/mesos-framework/engine/zookeeper"
)

// claimPatience is how long import and reset wait for a state in ZooKeeper that another instance has.
const claimPatience = 3 * time.Second

// statePlace says where a state is: one of the two.
type statePlace struct {
	StateDir  string
	ZooKeeper string
	Service   string
}

// bind declares the flags of a command about the state. Their values may also come from the environment, as those of serve.
func (p *statePlace) bind(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.StateDir, "state-dir", "", "directory of the state")
	f.StringVar(&p.ZooKeeper, "zk", "", "in place of --state-dir: zk://[user:password@]host:port,…/path of the state")
	f.StringVar(&p.Service, "framework-name", "quobyte", "name of the deployed system")
	f.SetNormalizeFunc(dashes)
}

func (p *statePlace) check(cmd *cobra.Command, env environment) error {
	changed := cmd.Flags().Changed
	place := changed("state-dir") || changed("zk") // the command line decides which it is
	for _, v := range []struct {
		flag, name string
		to         *string
		given      bool
	}{
		{"state-dir", "QUOBYTE_MESOS_STATE_DIR", &p.StateDir, place}, {"zk", "QUOBYTE_MESOS_ZK", &p.ZooKeeper, place},
		{"framework-name", "QUOBYTE_MESOS_FRAMEWORK_NAME", &p.Service, changed("framework-name")},
	} {
		if value := env.Getenv(v.name); value != "" && !v.given {
			*v.to = value
		}
	}
	switch {
	case p.StateDir == "" && p.ZooKeeper == "":
		return errors.New("--state-dir: missing; say where the state is, with it or with --zk")
	case p.StateDir != "" && p.ZooKeeper != "":
		return errors.New("--zk: given together with --state-dir; the state is in one of them")
	case p.ZooKeeper == "":
		return nil
	}
	if _, err := p.node("state"); err != nil {
		return fmt.Errorf("--zk: %w", err)
	}
	return nil
}

func (p *statePlace) node(name string) (zookeeper.Config, error) {
	return serviceNode(p.ZooKeeper, p.Service, name, zookeeper.DefaultSessionTimeout, nil)
}

func (p *statePlace) String() string {
	if p.ZooKeeper == "" {
		return p.StateDir
	}
	at, err := p.node("state")
	if err != nil {
		return "" // check has told
	}
	return at.Address.String()
}

// read reads the records. In ZooKeeper the framework may go on meanwhile.
func (p *statePlace) read(ctx context.Context) ([]machine.Record, error) {
	if p.ZooKeeper == "" {
		records, err := store.ReadBolt(ctx, p.StateDir)
		if errors.Is(err, store.ErrInUse) {
			err = fmt.Errorf("%w; or ask it for what it has: quobyte-mesos state export --url http://…", err)
		}
		return records, err
	}
	at, err := p.node("state")
	if err != nil {
		return nil, err
	}
	records, _, err := store.ReadZooKeeper(ctx, store.ZooKeeper{Config: at})
	return records, err
}

// open opens the state so that nobody else works on it. The function that it returns closes it.
func (p *statePlace) open(ctx context.Context) (store.Store, func() error, error) {
	if p.ZooKeeper == "" {
		s, err := store.OpenBolt(p.StateDir)
		if err != nil {
			return nil, nil, err
		}
		return s, s.Close, nil
	}
	at, err := p.node("election")
	if err != nil {
		return nil, nil, err
	}
	e, err := leader.Join(ctx, leader.Config{Config: at, ID: uuid.NewString(), Candidate: leader.Candidate{Since: time.Now().UTC()}})
	if err != nil {
		return nil, nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, claimPatience)
	defer cancel()
	if err := e.Await(waiting); err != nil {
		who, _ := e.Leader()
		e.Leave()
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, nil, exitCode{exitRefused, fmt.Errorf("state in %s: in use by the instance at %s; stop all instances first (one that was killed is gone after its session timeout)", p, who.URL)}
		}
		return nil, nil, err
	}
	if at, err = p.node("state"); err != nil {
		e.Leave()
		return nil, nil, err
	}
	s, err := store.OpenZooKeeper(ctx, store.ZooKeeper{Config: at, Owner: "quobyte-mesos state"})
	if err != nil {
		e.Leave()
		return nil, nil, err
	}
	return s, func() error {
		defer e.Leave()
		return s.Close()
	}, nil
}

func newState(env environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Show, back up, move or remove the durable state",
		Long: `Show, back up, move or remove the durable state of the framework: that in a directory (--state-dir) while no serve works on it, that in ZooKeeper (--zk)
at any time, except for import and reset. A serve that works is asked with export --url. See docs/state.md.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newStateExport(env), newStateImport(env), newStateShow(env), newStateReset(env))
	return cmd
}

// exportHead says whose state an export is of.
func exportHead(service, place string) backup.Head {
	return backup.Head{Service: service, ExportedAt: time.Now().UTC().Truncate(time.Second), From: place, Version: version()}
}

// exportPatience bounds an export from a framework that works: a state has tens of megabytes at most.
const exportPatience = 5 * time.Minute

func newStateExport(env environment) *cobra.Command {
	var p statePlace
	address := ""
	cmd := &cobra.Command{
		Use:   "export {--state-dir DIR | --zk zk://HOST:PORT/PATH | --url http://HOST:PORT}",
		Short: "Write all records, as JSON, to standard output",
		Long: `Write all records, as JSON, to standard output: a backup, or the first half of a move. There are no secrets in it. What is written is the state
as it is at one moment. A state in a directory can be exported while no serve works on it, that in ZooKeeper at any time, and with --url a
serve that works is asked for its state, wherever that is.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if address != "" {
				if p.StateDir != "" || p.ZooKeeper != "" {
					return errors.New("--url: given together with --state-dir or --zk; serve knows where its state is")
				}
				return exportFrom(cmd.Context(), env, address)
			}
			if err := p.check(cmd, env); err != nil {
				return err
			}
			records, err := p.read(cmd.Context())
			if err != nil {
				return err
			}
			return backup.New(exportHead(p.Service, p.String()), records).Write(env.Stdout)
		},
	}
	p.bind(cmd)
	cmd.Flags().StringVar(&address, "url", "", "in place of --state-dir and --zk: address of the API of a serve that works")
	return cmd
}

// exportFrom writes the state of a framework that works. Nothing is written unless all of it has come.
func exportFrom(ctx context.Context, env environment, address string) error {
	c, err := client.New(client.Config{URL: address, Token: tokenFor(address, env), Timeout: exportPatience})
	if err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	f, err := c.Export(ctx)
	if err != nil {
		return err
	}
	return f.Write(env.Stdout)
}

// tokenFor is the DC/OS token of the environment if the address is in its cluster. Other servers don't get it.
func tokenFor(address string, env environment) string {
	cluster, err := url.Parse(env.Getenv("DCOS_URL"))
	if err != nil || cluster.Host == "" {
		return ""
	}
	if at, err := url.Parse(address); err != nil || at.Host != cluster.Host || at.Scheme != cluster.Scheme {
		return ""
	}
	return strings.TrimSpace(env.Getenv("DCOS_ACS_TOKEN"))
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func newStateImport(env environment) *cobra.Command {
	var p statePlace
	replace := false
	cmd := &cobra.Command{
		Use:   "import {--state-dir DIR | --zk zk://HOST:PORT/PATH} FILE",
		Short: "Read records that export wrote into an empty state",
		Long: `Read records that export wrote (from FILE, or - for standard input) into a state that is empty, or with --replace in place of what is there. No serve
may work on it. Use it for the newest export only: what has happened since would be forgotten, tasks that were launched meanwhile included.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.check(cmd, env); err != nil {
				return err
			}
			records, err := readExport(env, args[0], p.Service)
			if err != nil {
				return err
			}
			return p.importRecords(cmd.Context(), env, records, replace)
		},
	}
	p.bind(cmd)
	cmd.Flags().BoolVar(&replace, "replace", false, "remove what is in the state now")
	return cmd
}

func (p *statePlace) importRecords(ctx context.Context, env environment, records []machine.Record, replace bool) (err error) {
	s, done, err := p.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	old, err := s.Load(ctx)
	if err != nil {
		return err
	}
	if len(old) > 0 && !replace {
		return exitCode{exitRefused, fmt.Errorf("state in %s: has %d records; with --replace they are removed (state export backs them up)", p, len(old))}
	}
	if err := store.Replace(ctx, s, records); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "%d records are now in %s\n", len(records), p)
	return err
}

func readExport(env environment, name, service string) ([]machine.Record, error) {
	from := env.Stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		from = file
	}
	in, err := backup.Read(from)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if in.Service != service {
		return nil, fmt.Errorf("%s: is the state of %q, not of %q; give --framework-name=%s if that is meant", name, in.Service, service, in.Service)
	}
	records, err := in.Records()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if slices.ContainsFunc(records, func(r machine.Record) bool { return r.Key == store.IncompleteKey }) {
		return nil, fmt.Errorf("%s: is of a state that is not complete", name)
	}
	return records, nil
}

// confirmed asks for the name of the service, unless the operator has said yes already.
func confirmed(env environment, service string, yes bool) error {
	if yes {
		return nil
	}
	fmt.Fprintf(env.Stderr, "Type the name of the service, %s, to go on: ", service)
	line, err := bufio.NewReader(env.Stdin).ReadString('\n')
	if err != nil && line == "" {
		return errors.New("not confirmed; nothing was done (--yes confirms beforehand)")
	}
	if strings.TrimSpace(line) != service {
		return fmt.Errorf("%q is not %q; nothing was done", strings.TrimSpace(line), service)
	}
	return nil
}
