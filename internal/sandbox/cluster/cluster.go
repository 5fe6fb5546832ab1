package cluster

import (
	"fmt"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// Config describes a cluster. MasterID and NewID are required; the zero value of everything else means the default
// of Mesos, which is given with each field.
type Config struct {
	MasterID string // prefix of the ids of frameworks, agents and offers
	Hostname string // of the master, as told to schedulers
	IP       string // IPv4 of the master, as told to schedulers
	Port     int    // of the master, as told to schedulers
	Version  string // "1.12.0"

	// NewID gives 16 bytes that were never given before. They become stream ids, container ids and the uuids of
	// status updates.
	NewID func() [16]byte `json:"-"`

	Domain *mesos.DomainInfo // of the master; default none

	// Shuffle puts ids of agents into the order in which they are looked at when offers are made; a master does so in no
	// order that anybody knows. It calls nothing of the cluster. nil means the order in which they registered.
	Shuffle func(agents []string) `json:"-"`

	AllocationInterval  time.Duration // 1 s; between two rounds of offers
	FirstRound          time.Duration // 0; from New to the first round of offers, which sets the beat of the others
	OfferTimeout        time.Duration // none; after which offers that nobody answered are rescinded
	HeartbeatInterval   time.Duration // 15 s
	RetryInterval       time.Duration // 10 s; first repetition of an unacknowledged update, doubling from there
	RetryLimit          time.Duration // 10 min; longest time between two repetitions
	KillGrace           time.Duration // 3 s; from SIGTERM to SIGKILL for tasks without a kill policy
	RegistrationLimit   time.Duration // 1 min; for an executor to subscribe
	ShutdownGrace       time.Duration // 5 s; for an executor to end after SHUTDOWN
	CompletedTasks      int           // 1000; ended tasks kept per framework, for State alone
	CompletedFrameworks int           // 50; removed frameworks kept, whose ids are refused

	Registry            RegistryKind  // Replicated
	RegistryAge         time.Duration // 2 weeks; for agents that are unreachable or gone to be remembered
	RegistryPruning     time.Duration // 15 min; between two looks for those that are older
	PingTimeout         time.Duration // 15 s; between two pings of the master to an agent
	PingTimeouts        int           // 5; pings that an agent may miss in a row
	ReregisterTimeout   time.Duration // 10 min; for agents to come to a new leader that knows them
	RegistrationDelay   time.Duration // 300 ms; from when an agent could register to when it does
	ReregistrationLimit time.Duration // 2 s; for executors to come back to an agent that was started again

	// Lose tells whether a message of the master to an agent gets lost on its way. It answers by what it is asked alone
	// and calls nothing of the cluster. nil loses nothing.
	Lose func(Delivery) bool `json:"-"`

	// Deny tells whether somebody may not do what he asks for, as the authorizer of a master with ACLs. It answers by what it
	// is asked alone and calls nothing of the cluster. nil denies nothing.
	Deny func(AuthorizationRequest) bool `json:"-"`

	// Docker says that agents have images, and run Docker containers. Others end tasks that need that, as an agent of Mesos
	// does without --containerizers=docker and --image_providers.
	Docker bool

	// Script gives what a task does that the cluster is to play by itself. It answers the same for the same task, and
	// calls nothing of the cluster. nil, and a nil Script, mean that the caller runs a process for it. Custom executors
	// are always run by the caller.
	Script func(ScriptedTask) *Script `json:"-"`

	// Journal gets an Entry for everything that comes in and out, while that happens. It calls nothing of the cluster, and does
	// not keep what the entry refers to, which the cluster may change later. nil costs nothing.
	Journal func(Entry) `json:"-"`
}

func (cfg Config) withDefaults() Config {
	durations := []struct {
		value *time.Duration
		usual time.Duration
	}{
		{&cfg.AllocationInterval, time.Second},
		{&cfg.HeartbeatInterval, 15 * time.Second},
		{&cfg.RetryInterval, 10 * time.Second},
		{&cfg.RetryLimit, 10 * time.Minute},
		{&cfg.KillGrace, 3 * time.Second},
		{&cfg.RegistrationLimit, time.Minute},
		{&cfg.ShutdownGrace, 5 * time.Second},
		{&cfg.RegistryAge, 14 * 24 * time.Hour},
		{&cfg.RegistryPruning, 15 * time.Minute},
		{&cfg.PingTimeout, 15 * time.Second},
		{&cfg.ReregisterTimeout, 10 * time.Minute},
		{&cfg.RegistrationDelay, 300 * time.Millisecond},
		{&cfg.ReregistrationLimit, 2 * time.Second},
	}
	for _, d := range durations {
		if *d.value <= 0 {
			*d.value = d.usual
		}
	}
	if cfg.Version == "" {
		cfg.Version = "1.12.0"
	}
	if cfg.CompletedTasks <= 0 {
		cfg.CompletedTasks = 1000
	}
	if cfg.PingTimeouts <= 0 {
		cfg.PingTimeouts = 5
	}
	if cfg.CompletedFrameworks <= 0 {
		cfg.CompletedFrameworks = 50
	}
	return cfg
}

// A Cluster is the state of a master and its agents. See the package comment for how to use it.
type Cluster struct {
	cfg     Config
	started time.Time
	now     time.Time
	effects []Effect
	input   string // what is being done, for the journal

	// What the master that leads has in memory.
	masterID   string
	agents     []*agent     // members, in the order in which they registered
	frameworks []*framework // in the order in which the master first heard of them
	removed    map[string]bool
	completed  []*framework // the last of those that were removed, for State alone
	tally      tally
	offers     map[string]*offer
	inverse    []*inverseOffer
	recovered  map[string]bool   // agents in the registry that have not come back to this master
	recoverBy  time.Time         // when those are given up
	pruneAt    time.Time         // when the registry has something to forget
	operators  []*operatorStream // in the order of their subscription

	inverseAnswers []inverseAnswer

	offersMade     int
	frameworksMade int
	agentsMade     int

	rounds rounds
	turns  map[turn]int // how often a framework was offered something for a role

	registry  registry
	next      MasterFailover // how the next master begins
	stages    []Stage        // until it does: the one that we are in, and those to come
	stageEnds time.Time      // zero if nothing comes by itself

	// What is there whether a master leads or not.
	hosts      []*agent // one for each machine
	identities map[string]*framework
	processes  map[string]*process // by container
}

// New makes a cluster without agents. It panics if MasterID or NewID is missing, since nothing could work then.
func New(now time.Time, cfg Config) *Cluster {
	if cfg.MasterID == "" || cfg.NewID == nil {
		panic("cluster: Config.MasterID and Config.NewID must be set")
	}
	c := &Cluster{
		cfg:        cfg.withDefaults(),
		started:    now,
		now:        now,
		masterID:   cfg.MasterID,
		removed:    map[string]bool{},
		offers:     map[string]*offer{},
		turns:      map[turn]int{},
		tally:      tally{},
		recovered:  map[string]bool{},
		registry:   newRegistry(),
		identities: map[string]*framework{},
		processes:  map[string]*process{},
	}
	c.rounds = rounds{epoch: now.Add(c.cfg.FirstRound), period: c.cfg.AllocationInterval + roundDrift}
	return c
}

func (c *Cluster) emit(e Effect) { c.effects = append(c.effects, e) }

func (c *Cluster) newID() string {
	b := c.cfg.NewID()
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func (c *Cluster) newUUID() []byte {
	b := c.cfg.NewID()
	return b[:]
}

// Tick does what is due by now: repetitions, timeouts, heartbeats, offers.
func (c *Cluster) Tick(now time.Time) []Effect {
	c.begin(now, Entry{Name: tick})
	c.advanceStage()
	c.registerDue()
	c.unreachableDue()
	c.pruneDue()
	for _, f := range slices.Clone(c.frameworks) {
		if due(f.removeAt, c.now) {
			c.remove(f)
		}
	}
	for _, a := range c.hosts {
		if !due(a.nextExpiry(), c.now) {
			continue
		}
		for _, e := range slices.Clone(a.executors.values) {
			c.expire(e)
		}
	}
	for _, a := range c.agents {
		c.repeatUpdates(a)
	}
	for _, f := range c.frameworks {
		c.heartbeat(f)
	}
	c.operatorHeartbeats()
	c.expireOffers()
	c.round()
	return c.end()
}

// NextWake is the time at which Tick should be called next; zero means that nothing happens by itself. It may be in
// the past. Calls from outside can change it.
func (c *Cluster) NextWake() time.Time {
	next := earlier(c.nextRound(), c.nextExpiry())
	for _, f := range c.frameworks {
		next = earlier(next, f.removeAt)
		if f.stream != "" {
			next = earlier(next, f.heartbeatAt)
		}
	}
	for _, o := range c.operators {
		next = earlier(next, o.heartbeatAt)
	}
	next = earlier(next, c.stageEnds)
	next = earlier(earlier(next, c.recoverBy), c.pruneAt)
	for _, a := range c.agents {
		next = earlier(next, earlier(a.unreachableAt, a.giveUpAt))
		next = earlier(next, a.nextRepetition())
	}
	for _, a := range c.hosts {
		next = earlier(next, earlier(a.registerAt, a.nextExpiry()))
	}
	return next
}

func due(t, now time.Time) bool { return !t.IsZero() && !t.After(now) }

// earlier takes zero for never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func (c *Cluster) send(f *framework, event *scheduler.Event) {
	f.count("events", 1) // also when nobody listens
	f.count("events/"+strings.ToLower(event.Type.String()), 1)
	if f.stream != "" {
		c.emit(SendToScheduler{Stream: f.stream, Event: event})
	}
}

func (c *Cluster) heartbeat(f *framework) {
	if f.stream == "" || !due(f.heartbeatAt, c.now) {
		return
	}
	c.send(f, &scheduler.Event{Type: scheduler.Event_HEARTBEAT})
	f.heartbeatAt = nextBeat(f.heartbeatAt, c.now, c.cfg.HeartbeatInterval)
}

// nextBeat is the first beat after now, of one that is not later. A clock may have jumped far.
func nextBeat(beat, now time.Time, period time.Duration) time.Time {
	for due(beat, now) { // once, but for jumps of centuries
		behind := now.Sub(beat)
		beat = beat.Add(behind - behind%period).Add(period)
	}
	return beat
}

func (c *Cluster) frameworkByID(id string) *framework {
	for _, f := range c.frameworks {
		if f.id == id {
			return f
		}
	}
	return nil
}

func (c *Cluster) agentByID(id string) *agent {
	for _, a := range c.agents {
		if a.id == id {
			return a
		}
	}
	return nil
}

// capabilityQuotaV2 (QUOTA_V2) is newer than the schema that we have.
const capabilityQuotaV2 mesos.MasterInfo_Capability_Type = 3

func (c *Cluster) masterInfo() *mesos.MasterInfo {
	port, ip := uint32(c.cfg.Port), c.cfg.IP
	pid := fmt.Sprintf("master@%s:%d", ip, port)
	hostname, version := c.cfg.Hostname, c.cfg.Version
	return &mesos.MasterInfo{
		ID: c.masterID, IP: networkOrder(ip), Port: &port, PID: &pid, Hostname: &hostname, Version: &version,
		Address: &mesos.Address{Hostname: &hostname, IP: &ip, Port: int32(port)},
		Domain:  c.cfg.Domain,
		Capabilities: []mesos.MasterInfo_Capability{
			{Type: mesos.MasterInfo_Capability_AGENT_UPDATE},
			{Type: mesos.MasterInfo_Capability_AGENT_DRAINING},
			{Type: capabilityQuotaV2},
		},
	}
}

// networkOrder reads the bytes of an IPv4 address as a little-endian number, as a master on x86 does.
func networkOrder(ip string) uint32 {
	var b [4]uint32
	if n, err := fmt.Sscanf(ip, "%d.%d.%d.%d", &b[0], &b[1], &b[2], &b[3]); n != 4 || err != nil {
		return 0
	}
	return b[0] | b[1]<<8 | b[2]<<16 | b[3]<<24
}

// ordered is a map that remembers in which order its keys came, so that no map iteration decides anything.
type ordered[V any] struct {
	keys   []string
	values []V // in the order of keys
	of     map[string]V
}

func (o *ordered[V]) put(key string, value V) {
	if o.of == nil {
		o.of = map[string]V{}
	}
	if _, known := o.of[key]; known {
		o.values[slices.Index(o.keys, key)] = value
	} else {
		o.keys, o.values = append(o.keys, key), append(o.values, value)
	}
	o.of[key] = value
}

func (o *ordered[V]) dropIf(unwanted func(V) bool) {
	for _, key := range slices.Clone(o.keys) {
		if unwanted(o.of[key]) {
			o.drop(key)
		}
	}
}

func (o *ordered[V]) drop(key string) {
	delete(o.of, key)
	if i := slices.Index(o.keys, key); i >= 0 {
		o.keys, o.values = slices.Delete(o.keys, i, i+1), slices.Delete(o.values, i, i+1)
	}
}
