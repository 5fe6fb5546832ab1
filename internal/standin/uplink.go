package standin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// lifetime is how long an answer counts: a late one must not look like a failure, and with the default interval a dead
// process is noticed after two seconds.
func lifetime(interval time.Duration) time.Duration { return 4 * interval }

// uplink tells the registries of a service, every interval, and so knows whether a healthy one can be reached.
type uplink struct {
	self       presence
	seeds      []string // configured addresses
	interval   time.Duration
	rpc        *rpcClient
	registered func(registry string) error // called once, after the first welcome; its error ends the service

	mu       sync.Mutex // guards what follows
	known    []string   // seeds and the members of the replica set
	welcomed time.Time
	by       string // the registry that welcomed last
	err      error  // why the last round reached nobody
}

func (u *uplink) run(ctx context.Context) error {
	ticker := time.NewTicker(u.interval)
	defer ticker.Stop()
	for done := false; ; {
		u.round(ctx)
		if by := u.registry(); by != "" && !done && ctx.Err() == nil {
			if err := u.registered(by); err != nil {
				return err
			}
			done = true
		}
		if !wait(ctx, ticker.C) {
			return nil
		}
	}
}

// round tells every known registry: each keeps its own list of services, so that any can answer for all.
func (u *uplink) round(ctx context.Context) {
	addresses := u.addresses()
	answers, errs := make([]welcome, len(addresses)), make([]error, len(addresses))
	var round sync.WaitGroup
	for i, address := range addresses {
		round.Go(func() {
			errs[i] = u.rpc.call(ctx, address, pathServices, u.self, &answers[i])
		})
	}
	round.Wait()
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, address := range addresses {
		if errs[i] == nil {
			u.welcomed, u.by, u.err = time.Now(), address, nil
			u.known = union(u.seeds, answers[i].Registries)
			return
		}
	}
	if len(errs) > 0 {
		u.err = errs[0] // one line has to do; the first address is the one that an operator looks at first
	}
}

func (u *uplink) addresses() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return union(u.seeds, u.known)
}

// registry is the healthy registry that this service has reached last, "" if none lately.
func (u *uplink) registry() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	if time.Since(u.welcomed) < lifetime(u.interval) {
		return u.by
	}
	return ""
}

func (u *uplink) health() string {
	if u.registry() != "" {
		return ""
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.err != nil {
		return "no healthy registry: " + u.err.Error()
	}
	return "no healthy registry: none asked yet"
}

// cluster asks the known registries, one after the other, what they know.
func (u *uplink) cluster(ctx context.Context) (clusterView, error) {
	err := errors.New("QUOBYTE_REGISTRY is empty")
	for _, address := range u.addresses() {
		var view clusterView
		if err = u.rpc.call(ctx, address, pathCluster, struct{}{}, &view); err == nil {
			return view, nil
		}
	}
	return clusterView{}, fmt.Errorf("no healthy registry: %w", err)
}

func union(a, b []string) []string {
	all := slices.Clone(a)
	for _, e := range b {
		if !slices.Contains(all, e) {
			all = append(all, e)
		}
	}
	return all
}
