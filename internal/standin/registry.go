package standin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
)

// registry keeps the replica set and the list of services.
type registry struct {
	self     member
	dir      string // its device
	peers    []string
	interval time.Duration
	rpc      *rpcClient
	log      *slog.Logger
	uplink   *uplink // it registers itself too, with every registry, so that each can list them all

	change sync.Mutex // held while the set changes on disk and in memory; taken before mu

	mu       sync.Mutex // guards what follows
	set      replicaSet
	seen     map[string]sighting // by member id
	judged   bool                // a round of pings is over, so that "down" means something
	joinErr  error
	services map[string]serviceView // by uuid
	strayed  map[string]bool        // addresses already warned about
}

// sighting is the last answer of a member.
type sighting struct {
	at      time.Time
	version int
}

func newRegistry(s Settings, dev device, u *uplink, interval time.Duration, rpc *rpcClient, log *slog.Logger) (*registry, error) {
	id, err := dev.deviceID()
	if err != nil {
		return nil, err
	}
	r := &registry{
		self:     member{ID: dev.serial, DeviceID: id, Address: s.rpcAddress()},
		dir:      dev.dir,
		peers:    s.Registry,
		interval: interval,
		rpc:      rpc,
		log:      log,
		uplink:   u,
		seen:     map[string]sighting{},
		services: map[string]serviceView{},
		strayed:  map[string]bool{},
	}
	if r.set, err = loadReplicaSet(dev.dir); err != nil {
		return nil, err
	}
	if r.set.empty() && dev.bootstrap {
		return r, r.commit(bootstrapSet(r.self))
	}
	return r, nil
}

func (r *registry) run(ctx context.Context) error {
	return together(ctx, r.keepReplicaSet, r.uplink.run)
}

// keepReplicaSet pings the members and, as long as the set does not name this registry at its address, asks to join.
func (r *registry) keepReplicaSet(ctx context.Context) error {
	ticker := time.NewTicker(r.interval)
	defer ticker.Stop()
	for attempt := 0; ; attempt++ {
		if set, _ := r.judge(); !set.empty() {
			r.pingRound(ctx)
		}
		if r.settled() {
			if !wait(ctx, ticker.C) {
				return nil
			}
			continue
		}
		r.enter(ctx, attempt)
		if r.settled() {
			continue
		}
		// Joiners of one moment must not keep step with each other.
		pause := time.NewTimer(r.interval*2/5 + rand.N(r.interval*3/5+1))
		if !wait(ctx, pause.C) {
			pause.Stop()
			return nil
		}
	}
}

// settled says whether the replica set has this registry at its address.
func (r *registry) settled() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, in := r.set.member(r.self.ID)
	return in && known == r.self
}

// enter makes one attempt to have this registry, or its new address, in the replica set.
func (r *registry) enter(ctx context.Context, attempt int) {
	set, st := r.judge()
	if st.primary == r.self.ID { // it moved, and nobody else is to be asked
		r.noteJoin(r.propose(ctx, r.self))
		return
	}
	candidates := r.targets(set)
	if len(candidates) == 0 {
		r.noteJoin(fmt.Errorf("QUOBYTE_REGISTRY names no other registry, and the device %s has no device.bootstrap=true", r.dir))
		return
	}
	address := candidates[attempt%len(candidates)]
	var answer replicaSet
	err := r.rpc.call(ctx, address, pathJoin, joinRequest{Member: r.self}, &answer)
	if err == nil {
		err = r.adopt(answer)
	}
	r.noteJoin(err)
}

func (r *registry) noteJoin(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil && (r.joinErr == nil || r.joinErr.Error() != err.Error()) {
		r.log.Info("replica set not entered yet", "error", err)
	}
	r.joinErr = err
}

// targets are the addresses of the other registries: members first, then those of QUOBYTE_REGISTRY, where a member
// that moved can be found.
func (r *registry) targets(set replicaSet) []string {
	var list []string
	for _, address := range append(set.addresses(), r.peers...) {
		if address != r.self.Address && !slices.Contains(list, address) {
			list = append(list, address)
		}
	}
	return list
}

func (r *registry) pingRound(ctx context.Context) {
	set, _ := r.judge()
	message := ping{From: r.self.ID, Replica: set}
	var round sync.WaitGroup
	for _, address := range r.targets(set) {
		round.Go(func() {
			var answer pong
			if err := r.rpc.call(ctx, address, pathPing, message, &answer); err != nil {
				r.log.Debug("ping", "error", err)
				return
			}
			r.hear(address, answer)
		})
	}
	round.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.judged = true
}

func (r *registry) hear(address string, answer pong) {
	r.mu.Lock()
	cluster, warned := r.set.Cluster, r.strayed[address]
	stranger := answer.Replica.Cluster != cluster
	r.strayed[address] = stranger
	if !stranger {
		r.seen[answer.ID] = sighting{at: time.Now(), version: answer.Replica.Version}
	}
	r.mu.Unlock()
	if stranger {
		if !warned {
			r.log.Warn("registry belongs to another installation; was a second device bootstrapped?", "address", address)
		}
		return
	}
	if err := r.adopt(answer.Replica); err != nil {
		r.log.Warn("replica set not adopted", "from", address, "error", err)
	}
}

// judge returns the set and what follows from it now.
func (r *registry) judge() (replicaSet, standing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.set, r.standing()
}

// standing needs mu.
func (r *registry) standing() standing { return r.set.standing(r.up) }

// up needs mu.
func (r *registry) up(id string) bool {
	return id == r.self.ID || time.Since(r.seen[id].at) < lifetime(r.interval)
}

// adopt takes over a set that another member holds, if it is newer.
func (r *registry) adopt(set replicaSet) error {
	if err := set.check(); err != nil {
		return fmt.Errorf("replica set: %w", err)
	}
	r.change.Lock()
	defer r.change.Unlock()
	current, _ := r.judge()
	_, included := set.member(r.self.ID)
	switch {
	case current.empty() && !included:
		return fmt.Errorf("replica set without %q", r.self.ID)
	case !current.empty() && current.Cluster != set.Cluster:
		return fmt.Errorf("device %s belongs to another installation: cluster %s, not %s", r.dir, current.Cluster, set.Cluster)
	case !set.supersedes(current):
		return nil
	}
	return r.commit(set)
}

// commit makes the set durable before anyone hears of it. It needs change, except in the constructor.
func (r *registry) commit(set replicaSet) error {
	if err := storeReplicaSet(r.dir, set); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set = set
	r.log.Info("replica set", "version", set.Version, "members", strings.Join(set.addresses(), ","))
	return nil
}

// propose changes the set, if this registry is the primary, and tells everyone. A member that misses it hears of it
// with the next ping.
func (r *registry) propose(ctx context.Context, m member) error {
	next, err := r.decide(m)
	if err != nil {
		return err
	}
	r.push(ctx, next)
	return nil
}

func (r *registry) decide(m member) (replicaSet, error) {
	r.change.Lock()
	defer r.change.Unlock()
	current, st := r.judge()
	if !st.healthy {
		return replicaSet{}, errors.New(st.reason)
	}
	if st.primary != r.self.ID {
		primary, _ := current.member(st.primary)
		return replicaSet{}, &redirectError{address: primary.Address}
	}
	r.mu.Lock()
	r.seen[m.ID] = sighting{at: time.Now()} // it has just asked; else the set would lose its majority by growing
	r.mu.Unlock()
	next := current.with(m)
	return next, r.commit(next)
}

func (r *registry) push(ctx context.Context, set replicaSet) {
	var pushes sync.WaitGroup
	for _, address := range r.targets(set) {
		pushes.Go(func() {
			if err := r.rpc.call(ctx, address, pathReplicas, set, &struct{}{}); err != nil {
				r.log.Debug("push of the replica set", "error", err)
			}
		})
	}
	pushes.Wait()
}

func (r *registry) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+pathPing, rpcHandler(r.onPing))
	mux.Handle("POST "+pathJoin, rpcHandler(r.onJoin))
	mux.Handle("POST "+pathReplicas, rpcHandler(r.onReplicas))
	mux.Handle("POST "+pathServices, rpcHandler(r.onPresence))
	mux.Handle("POST "+pathCluster, rpcHandler(r.onCluster))
	return mux
}

var errNoMember = errors.New("not a member of a replica set")

func (r *registry) onPing(_ context.Context, p ping) (pong, error) {
	set, _ := r.judge()
	if !set.empty() && set.Cluster == p.Replica.Cluster {
		if err := r.adopt(p.Replica); err != nil {
			return pong{}, err
		}
		set, _ = r.judge()
	}
	if _, in := set.member(r.self.ID); !in {
		return pong{}, errNoMember
	}
	return pong{ID: r.self.ID, Replica: set}, nil
}

func (r *registry) onJoin(ctx context.Context, request joinRequest) (replicaSet, error) {
	if err := request.Member.check(); err != nil {
		return replicaSet{}, fmt.Errorf("member: %w", err)
	}
	set, _ := r.judge()
	if _, in := set.member(r.self.ID); !in {
		return replicaSet{}, errNoMember
	}
	// A joiner that died before it had stored the answer asks again. It may be the one that the majority lacks.
	if known, in := set.member(request.Member.ID); in && known == request.Member {
		return set, nil
	}
	if err := r.propose(ctx, request.Member); err != nil {
		return replicaSet{}, err
	}
	set, _ = r.judge()
	return set, nil
}

func (r *registry) onReplicas(_ context.Context, set replicaSet) (struct{}, error) {
	return struct{}{}, r.adopt(set)
}

func (r *registry) onPresence(_ context.Context, p presence) (welcome, error) {
	if reason := r.health(); reason != "" {
		return welcome{}, errors.New(reason)
	}
	if p.UUID == "" || p.Type == "" {
		return welcome{}, errors.New("service: uuid and type are required")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.services[p.UUID] = serviceView{Presence: p, LastSeen: time.Now()}
	return welcome{Registries: r.set.addresses()}, nil
}

func (r *registry) onCluster(context.Context, struct{}) (clusterView, error) {
	if reason := r.health(); reason != "" {
		return clusterView{}, errors.New(reason)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	view := clusterView{Replica: r.set, Primary: r.standing().primary, InSync: true}
	for _, m := range r.set.Members {
		up := r.up(m.ID)
		if up {
			view.Up = append(view.Up, m.ID)
		}
		view.InSync = view.InSync && up && (m.ID == r.self.ID || r.seen[m.ID].version == r.set.Version)
	}
	primaryUUID := serviceUUID("registry", view.Primary)
	for uuid, s := range r.services {
		s.Available = time.Since(s.LastSeen) < lifetime(r.interval)
		s.Primary = uuid == primaryUUID
		view.Services = append(view.Services, s)
	}
	sort.Slice(view.Services, func(i, j int) bool {
		a, b := view.Services[i].Presence, view.Services[j].Presence
		return a.Type+"\x00"+a.Name+"\x00"+a.UUID < b.Type+"\x00"+b.Name+"\x00"+b.UUID
	})
	return view, nil
}

func (r *registry) health() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, in := r.set.member(r.self.ID); !in {
		if r.joinErr != nil {
			return "not in a replica set yet: " + r.joinErr.Error()
		}
		return "not in a replica set yet"
	}
	if !r.judged {
		return "starting"
	}
	return r.standing().reason
}

func (r *registry) facts() []fact {
	r.mu.Lock()
	defer r.mu.Unlock()
	st, primary := r.standing(), 0.0
	if st.primary == r.self.ID {
		primary = 1
	}
	return []fact{
		{label: "device", text: r.dir},
		{label: "registry id", text: r.self.ID},
		{label: "replica set", text: strings.Join(r.set.addresses(), ", "), metric: "replica_set_members", value: float64(len(r.set.Members))},
		{label: "members up", text: fmt.Sprint(st.up), metric: "replica_set_members_up", value: float64(st.up)},
		{label: "is_primary", text: fmt.Sprint(primary == 1), metric: "is_primary", value: primary},
		{label: "services", text: fmt.Sprint(len(r.services)), metric: "services", value: float64(len(r.services))},
	}
}
