package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/quobyte/mesos-framework/engine/api"
	"github.com/quobyte/mesos-framework/engine/leader"
	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos"
	"github.com/quobyte/mesos-framework/engine/store"
	"github.com/quobyte/mesos-framework/engine/zookeeper"
)

// rejoinPause is the time between two attempts to reach ZooKeeper.
const rejoinPause = time.Second

// leadingInterval is how soon an instance ends at the latest that may not lead any more. What it writes is fenced from the first moment.
const leadingInterval = 250 * time.Millisecond

// takeoverCheck is how long an instance has stood by when it looks whether it could take over.
const takeoverCheck = 2 * time.Second

// stateNode is where the state of the service is in ZooKeeper.
func (o *serveOptions) stateNode(log *slog.Logger) (store.ZooKeeper, error) {
	c, err := o.node("state", log)
	return store.ZooKeeper{Config: c}, err
}

func (o *serveOptions) node(name string, log *slog.Logger) (zookeeper.Config, error) {
	return serviceNode(o.ZooKeeper, o.Quobyte.Name, name, o.ZooKeeperSessionTimeout, log)
}

// serviceNode is a node of a service: PATH/SERVICE/NAME, of the path in the address.
func serviceNode(address, service, name string, timeout time.Duration, log *slog.Logger) (zookeeper.Config, error) {
	a, err := zookeeper.ParseAddress(address)
	if err != nil {
		return zookeeper.Config{}, err
	}
	a = a.At(service).At(name)
	if _, err := zookeeper.ParseAddress(a.String()); err != nil { // the name of the service may not do for a node
		return zookeeper.Config{}, err
	}
	return zookeeper.Config{Address: a, SessionTimeout: timeout, Logger: log}, nil
}

// lead stands by until the instance leads, and then works until it may not any more.
func (f *framework) lead(ctx context.Context) error {
	standing, stop := context.WithCancelCause(ctx)
	var check sync.WaitGroup
	check.Go(func() {
		if err := f.mayTakeOver(standing); err != nil {
			stop(err)
		}
	})
	defer check.Wait() // not before: to lead must not wait for a reader
	defer stop(nil)
	e, err := f.stand(standing)
	if err != nil {
		return err
	}
	stop(nil)
	f.log.Info("leading", "state", f.options.statePlace())
	if err := f.open(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ended := make(chan struct{})
	go func() { // joined below
		defer close(ended)
		cancel(untilLost(ctx, e))
	}()
	err = f.work(ctx)
	cancel(err)
	<-ended
	return context.Cause(ctx)
}

// stand makes the instance a candidate, again and again, until it leads or ctx ends.
func (f *framework) stand(ctx context.Context) (*leader.Election, error) {
	for {
		e, err := f.join(ctx)
		if err == nil {
			if err = e.Await(ctx); err == nil {
				return e, nil
			}
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if e == nil || !errors.Is(err, leader.ErrLost) {
			return nil, err
		}
		// It has not led yet: nothing is lost but the place in the queue.
		f.log.Warn("election: joining anew", "error", err)
		f.standsWithout(err)
		f.election.Store(nil)
		e.Leave()
	}
}

// mayTakeOver tells at once what an instance that stands by would be refused for when it has to lead: then it is too late. A state that can't be
// read now, because its owner changes it or ZooKeeper is out of reach, is looked at when it is opened.
func (f *framework) mayTakeOver(ctx context.Context) error {
	t := time.NewTimer(takeoverCheck)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
		return nil
	}
	at, err := f.options.stateNode(f.log)
	if err != nil {
		return err
	}
	records, _, err := store.ReadZooKeeper(ctx, at)
	if err != nil {
		f.log.Debug("settings not compared with those in the state", "error", err)
		return nil
	}
	return f.mayRegister(machine.ReadRegistration(records), machine.ReadClaims(records))
}

// untilLost returns why the instance may not lead any more. That time has passed is not told by anybody: it has to be asked for.
func untilLost(ctx context.Context, e *leader.Election) error {
	tick := time.NewTicker(leadingInterval)
	defer tick.Stop()
	for {
		select {
		case <-e.Lost():
			return e.Leading()
		case <-tick.C:
			if err := e.Leading(); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// advertised is where clients find this instance.
func (o *serveOptions) advertised() string {
	return strings.TrimSuffix(cmp.Or(o.AdvertiseURL, o.Quobyte.FrameworkURL), "/")
}

// sessionAsked is how long a session a candidate asks for, so that another leads within the session timeout and two seconds: a server ends sessions on its
// ticks, and so up to one late, which is two seconds as a rule. What is asked for less is for the rest of taking over.
func sessionAsked(timeout time.Duration) time.Duration { return timeout - min(timeout/5, time.Second) }

// join makes the instance a candidate, as soon as ZooKeeper can be reached.
func (f *framework) join(ctx context.Context) (*leader.Election, error) {
	at, err := f.options.node("election", f.log)
	if err != nil {
		return nil, err
	}
	at.SessionTimeout = sessionAsked(at.SessionTimeout)
	pause := time.NewTicker(rejoinPause)
	defer pause.Stop()
	for {
		e, err := leader.Join(ctx, leader.Config{
			Config: at, ID: uuid.NewString(), Candidate: leader.Candidate{URL: f.options.advertised(), Since: time.Now().UTC()},
		})
		if err == nil {
			f.election.Store(e)
			f.unheard.Store(nil)
			return e, nil
		}
		if ctx.Err() != nil || zookeeper.Answered(err) {
			return nil, err
		}
		f.log.Warn("election: not joined, trying again until ZooKeeper answers", "error", err)
		f.standsWithout(err)
		select {
		case <-pause.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// standsWithout notes why the instance is no candidate, for who asks it.
func (f *framework) standsWithout(err error) {
	text := err.Error()
	f.unheard.Store(&text)
}

// fence is what the engine asks before it acts; nil if nobody else can.
func (f *framework) fence() func() error {
	if e := f.election.Load(); e != nil {
		return e.Leading
	}
	return nil
}

// dialFenced connects to a master. Whatever is written there, a SUBSCRIBE of a session that was cut off above all, is written only while the
// instance leads: that of an instance that was stopped and goes on would take the framework away from the one that leads now.
func (f *framework) dialFenced(ctx context.Context, network, address string) (net.Conn, error) {
	fence := f.fence()
	if fence == nil {
		return nil, fmt.Errorf("connect to %s: %w", address, leader.ErrLost)
	}
	if err := fence(); err != nil {
		return nil, err
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return fencedConn{c, fence}, nil
}

type fencedConn struct {
	net.Conn
	fence func() error
}

func (c fencedConn) Write(p []byte) (int, error) {
	if err := c.fence(); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// deposed says that another instance works now, or may. Without an election nobody stands by, and an instance too many is a mistake.
func deposed(err error, elected bool) bool {
	return elected && (errors.Is(err, store.ErrDeposed) || errors.Is(err, leader.ErrLost) || errors.Is(err, mesos.ErrFailedOver))
}

// ServeHTTP serves the API if this instance leads. Otherwise it redirects to the one that does.
func (f *framework) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := f.handler.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	w.Header().Set(api.BuildHeader, version())
	w.Header().Set("Cache-Control", "no-store")
	var at leader.Candidate
	known := false
	if e := f.election.Load(); e != nil {
		at, known = e.Leader()
	}
	if !known || at.URL == f.options.advertised() {
		why := "this instance stands by, and no leader is known yet"
		if known {
			why = "this instance leads, and still reads its state"
		} else if text := f.unheard.Load(); text != nil {
			why = "this instance stands by, and waits for ZooKeeper to answer: " + *text
		}
		w.Header().Set("Retry-After", "1")
		http.Error(w, why, http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Location", at.URL+r.URL.RequestURI())
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusTemporaryRedirect)
	fmt.Fprintf(w, "this instance stands by; %s leads\n", at.URL)
}

// statePlace says where the state is, without a password.
func (o *serveOptions) statePlace() string {
	if o.ZooKeeper == "" {
		return o.StateDir
	}
	at, err := o.stateNode(nil)
	if err != nil {
		return "" // validate has told
	}
	return at.Address.String()
}

// stateAdvice names the state, and says how to begin without it. What was reserved outlives a framework, and keeps the next one from beginning.
func (o *serveOptions) stateAdvice() string {
	const begins = "it starts as a new framework, if something was reserved for this one with --ignore-leftovers"
	if o.ZooKeeper == "" {
		return o.StateDir + ": with another --state-dir, or without that one, " + begins
	}
	return o.statePlace() + ": after quobyte-mesos state reset " + begins
}
