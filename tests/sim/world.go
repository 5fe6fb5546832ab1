package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/engine/mesos/wire"
	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/direct"
	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/quobyte"
)

// began is when every run begins.
var began = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// patience is how long after the last fault everything must be deployed and well, for a reconciliation of everything and the
// longest backoff. Of 500 schedules nine in ten take 3 minutes, and all less than 8, but for those in which Mesos says nothing of a task.
const patience = 20 * time.Minute

// slowly is what each host adds to that: its pods may have to be stopped and started one after the other.
const slowly = 15 * time.Second

// world is one run.
type world struct {
	queue
	schedule Schedule
	settings quobyte.Settings
	changes  map[string]int  // pod type -> how often its settings have changed
	outgrown map[string]bool // pod types that the settings give more than any host has
	service  machine.Service

	model   *cluster.Cluster
	cluster direct.Cluster
	ticking time.Time // when the model's next tick is planned

	chance *rand.Rand // how long things take
	ids    *rand.Rand // identifiers, the machine's random numbers
	disk   *disk
	lives  []*instance // of the framework, the newest last
	conns  map[string]*conn
	hosts  []*host

	containers map[string]*container
	probers    map[string]*prober // by stream
	pids       int
	decisions  int
	replicas   []*host // whose registries belong to the replica set

	network network
	silent  time.Time // until when nobody answers asks
	slow    slowness  // of the answers
	stale   time.Time // until when the answers are those of past
	past    []bool    // which hosts' registries ran then
	store   storeFaults
	check   *checker
	strayed []string          // tasks that got there and that no record knows
	eager   []func(*instance) // what operators say as soon as a session begins
	onStop  []func()          // and when a pod was stopped

	restores int // of backups

	calm    time.Time // when faults and verbs have ceased
	named   int       // counts the times that an agent got an id
	looked  wellness
	turns   int // processes that began or ended
	hash    hash.Hash
	journal io.Writer
	line    []byte // that was written last
}

// Result is how a run went.
type Result struct {
	Schedule Schedule
	// Broken is the invariant that did not hold first, empty if all did; Detail says how, At when.
	Broken, Detail string
	At             time.Duration
	// Took is the virtual time until everything was deployed and well for good, or the end; Calm when faults had ceased.
	Took, Calm time.Duration
	// Digest is that of the journal, and of all calls, records and answers in full, and of some views; empty without a journal.
	Digest                                     string
	Events, Decisions, Launches, Boots, Faults int
}

func (r Result) String() string {
	if r.Broken == "" {
		return fmt.Sprintf("seed %d: %d hosts, %d faults: held; deployed and well after %v", r.Schedule.Seed, len(r.Schedule.Hosts), len(r.Schedule.Faults), r.Took)
	}
	return fmt.Sprintf("seed %d: %d hosts, %d faults: after %v: %s\n    %s", r.Schedule.Seed, len(r.Schedule.Hosts), len(r.Schedule.Faults), r.At, r.Broken,
		strings.ReplaceAll(r.Detail, "\n", "\n    "))
}

// Run carries out a schedule. The journal may be nil, which is quicker, since nothing is told then.
func Run(s Schedule, journal io.Writer) Result {
	w := newWorld(s, journal)
	w.plan()
	latest := w.calm.Add(patience + time.Duration(len(s.Hosts))*slowly)
	if slices.ContainsFunc(s.Faults, func(f Fault) bool { return f.Kind == goneSilent }) {
		latest = latest.Add(longSilence)
	}
	end := latest
	wellSince, heardSince := time.Time{}, time.Time{}
	for w.check.broken == "" && w.next(end) {
		if w.now.Before(w.calm) {
			continue
		}
		switch well := w.well(); {
		case !well:
			wellSince, end = time.Time{}, latest // if it was to end at this very moment it does not
		case wellSince.IsZero():
			wellSince, heardSince = w.now, w.now
		case w.unheardOf():
			heardSince = w.now
		case w.now.Sub(heardSince) > time.Minute:
			end = w.now // and nothing more
		}
	}
	w.check.ending(wellSince)
	if wellSince.IsZero() {
		wellSince = w.now
	}
	digest := ""
	if journal != nil {
		digest = hex.EncodeToString(w.hash.Sum(nil)[:8])
	}
	return Result{
		Schedule: s, Broken: w.check.broken, Detail: w.check.detail, At: w.check.at.Sub(began), Took: wellSince.Sub(began), Calm: w.calm.Sub(began),
		Decisions: w.decisions, Digest: digest, Events: w.count, Launches: w.check.launches, Boots: len(w.lives), Faults: len(s.Faults),
	}
}

func newWorld(s Schedule, journal io.Writer) *world {
	w := &world{
		schedule: s, journal: journal, hash: sha256.New(),
		chance: rand.New(rand.NewPCG(s.Seed, 1)), ids: rand.New(rand.NewPCG(s.Seed, 2)),
		conns: map[string]*conn{}, containers: map[string]*container{}, probers: map[string]*prober{},
		calm: began,
	}
	w.queue.now = began
	w.changes, w.outgrown = map[string]int{}, map[string]bool{}
	w.configure()
	registry := cluster.Replicated
	if s.Forgetful {
		registry = cluster.InMemory
	}
	w.model = cluster.New(began, cluster.Config{
		MasterID: "master", Hostname: "master", IP: "10.0.0.1", Port: 5050, NewID: w.newID, Registry: registry, OfferTimeout: s.OfferTimeout,
	})
	w.cluster = direct.Cluster{Model: w.model}
	w.disk = newDisk()
	w.check = newChecker(w)
	return w
}

// configure makes the service anew, as an operator does who starts the framework with other settings.
func (w *world) configure() {
	w.settings = settingsOf(w.schedule, w.changes, w.outgrown)
	service, err := quobyte.New(w.settings)
	if err != nil {
		panic(err) // the settings are ours
	}
	w.service = service
	if len(w.schedule.Volumes)+len(w.schedule.Canaries) > 0 {
		w.service = newVariant(service, w.schedule, w.changes)
	}
}

func settingsOf(s Schedule, changes map[string]int, outgrown map[string]bool) quobyte.Settings {
	settings := quobyte.DefaultSettings()
	settings.DockerImage, settings.ClientImage, settings.Release = "quobyte/quobyte-server", "quobyte/quobyte-client", "1.0"
	settings.Containerizer, settings.ServerCommand = quobyte.Command, "quobyte-server"
	settings.FrameworkURL = "http://10.0.0.2:8080"
	settings.ProbeInterval = s.Speed.Probe
	for kind, n := range changes {
		r := settings.Resources[kind]
		r.CPUs += offers.Milli(n)
		settings.Resources[kind] = r
	}
	for kind := range outgrown {
		r := settings.Resources[kind]
		r.CPUs = (hostCPUs + 8) * 1000
		settings.Resources[kind] = r
	}
	if s.MaxUnavailable != "" {
		settings.MaxUnavailable[quobyte.Metadata], settings.MaxUnavailable[quobyte.Data] = s.MaxUnavailable, s.MaxUnavailable
	}
	if s.Attempts > 0 {
		settings.StepAttempts = s.Attempts
	}
	if s.HostPorts {
		settings.PortsFrom = quobyte.PortsFromHost
	}
	if s.Reserve {
		settings.Reserve = quobyte.ReserveDevices
	}
	return settings
}

func frameworkOf(s quobyte.Settings) wire.Framework {
	return wire.Framework{Name: s.Name, User: "root", Principal: "quobyte", Roles: []string{"quobyte"}, FailoverTimeout: 14 * 24 * time.Hour, Checkpoint: true}
}

// plan puts the schedule into the queue.
func (w *world) plan() {
	for i, h := range w.schedule.Hosts {
		w.hosts = append(w.hosts, &host{number: i, name: fmt.Sprintf("host%02d", i), plan: h, world: w, broken: map[string]int{}, sick: map[string]illness{}})
		w.at(began.Add(h.Joins), "host joins", w.hosts[i].join)
		w.until(began.Add(h.Joins))
	}
	for _, f := range w.schedule.Faults {
		w.at(began.Add(f.At), "fault", func() { w.inject(f) })
		w.until(began.Add(f.At + f.For))
	}
	for i, v := range w.schedule.Verbs {
		w.at(began.Add(v.At), "verb", func() {
			if v.On == stopped {
				w.onStop = append(w.onStop, func() { w.say(uint64(i+1), v) })
				return
			}
			w.say(uint64(i+1), v)
		})
		w.until(began.Add(v.At))
	}
	w.until(began.Add(time.Second))
	w.at(w.calm, "calm", w.letGo)
	w.boot(0)
}

// until moves the time when faults have ceased.
func (w *world) until(t time.Time) {
	if t.After(w.calm) {
		w.calm = t
	}
}

// note writes a line of the journal, if there is one.
func (w *world) note(format string, args ...any) {
	if w.journal == nil {
		return
	}
	line := fmt.Appendf(w.line[:0], "%9.3fs ", w.now.Sub(began).Seconds())
	line = append(fmt.Appendf(line, format, args...), '\n')
	w.hash.Write(line)
	w.journal.Write(line)
	w.line = line
}

// seal adds what a machine wants to the digest of the journal, which tells only what somebody might want to read.
func (w *world) seal(e machine.Effects) {
	if w.journal == nil {
		return
	}
	all := json.NewEncoder(w.hash)
	for _, s := range e.Calls {
		w.sealOne(all, machine.CallName(s.Call))
		w.sealOne(all, s)
	}
	w.sealOne(all, e.Groups)
	w.sealOne(all, e.Asks)
	w.sealOne(all, e.Answers)
	if w.decisions%10 == 0 { // they are long
		w.sealOne(all, e.View)
	}
	w.sealOne(all, e.WakeAt)
}

func (w *world) sealOne(all *json.Encoder, v any) {
	if err := all.Encode(v); err != nil {
		w.check.fail(wellFormed, "%v", err)
	}
}

// upTo draws a time between a tenth of d and d.
func (w *world) upTo(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return d/10 + time.Duration(w.chance.Int64N(int64(d)*9/10+1))
}

func (w *world) newID() (id [16]byte) {
	for i := range 2 {
		v := w.ids.Uint64()
		for k := range 8 {
			id[i*8+k] = byte(v >> (8 * k))
		}
	}
	return id
}

// act carries out what the model of the cluster wants, and sees to its next tick.
func (w *world) act(effects []direct.Effect) {
	for _, e := range effects {
		switch e := e.(type) {
		case direct.Record:
			if c := w.conns[e.Stream]; c != nil {
				c.carry(e.Bytes)
			}
		case direct.Ended:
			if c := w.conns[e.Stream]; c != nil {
				c.close("ended the event stream")
			}
		case direct.Start:
			w.start(e)
		case direct.Signal:
			if c := w.containers[e.Container]; c != nil {
				c.signal(e.Kill)
			}
		case direct.ToExecutor:
			if p := w.probers[e.Stream]; p != nil {
				w.after(w.upTo(w.schedule.Speed.Network), "to executor", func() { p.take(e) })
			}
		case direct.ExecutorEnded:
			if p := w.probers[e.Stream]; p != nil {
				delete(w.probers, e.Stream)
				p.stream = ""
				p.after(time.Second, "executor", p.subscribeAgain)
			}
		case direct.Registered:
			w.renamed(e)
		}
	}
	w.tickLater()
}

func (w *world) tickLater() {
	next := w.model.NextWake()
	if next.IsZero() || !w.ticking.IsZero() && !next.Before(w.ticking) {
		return
	}
	if next.Before(w.now) {
		next = w.now
	}
	w.ticking = next
	w.at(next, "tick", func() {
		if !w.ticking.Equal(next) {
			return // an earlier one was planned meanwhile
		}
		w.ticking = time.Time{}
		w.act(w.cluster.Tick(w.now))
	})
}

// letGo ends everything that was held: pauses, exceptions, breakpoints.
func (w *world) letGo() {
	w.note("calm: faults have ceased")
	w.network, w.onStop = network{blindTill: w.network.blindTill}, nil
	w.silent, w.stale, w.slow = time.Time{}, time.Time{}, slowness{}
	w.store = storeFaults{}
	for _, h := range w.hosts {
		clear(h.broken) // starts that fail at intervals of minutes, as pods back off, would never end
	}
	w.release(0)
}
