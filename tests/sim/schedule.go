package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
)

// Schedule is all that a run is made of, besides the code.
type Schedule struct {
	Seed uint64 `json:"seed"`
	// Hosts are the cluster's agents.
	Hosts []Host `json:"hosts"`
	// Speed is how fast things go.
	Speed Speed `json:"speed"`
	// Reserve says that the pods of a device have their resources reserved.
	Reserve bool `json:"reserve,omitempty"`
	// Forgetful says that the master's registry is in its memory.
	Forgetful bool `json:"forgetful,omitempty"`
	// Asks says that somebody besides the service answers whether pods may be stopped.
	Asks bool `json:"asks,omitempty"`
	// Closed says that no hosts may join once all is deployed (--new-hosts=off).
	Closed bool `json:"closed,omitempty"`
	// HostPorts says that ports are used without asking for them (--ports-from=host): they keep nobody from running beside another one.
	HostPorts bool `json:"host_ports,omitempty"`
	// MaxUnavailable is how many metadata and data services may be down at once, or which part of them; empty: one.
	MaxUnavailable string `json:"max_unavailable,omitempty"`
	// OfferTimeout is after how long masters take back offers of which they hear nothing; 0: never.
	OfferTimeout time.Duration `json:"offer_timeout,omitempty"`
	// Volumes are the persistent volumes of pods.
	Volumes []Volume `json:"volumes,omitempty"`
	// Attempts is how often a step may fail before its run pauses itself; 0: as often as Quobyte's service lets it.
	Attempts int `json:"attempts,omitempty"`
	// Canaries are the phases that operators let go step by step.
	Canaries []string `json:"canaries,omitempty"`

	Faults []Fault `json:"faults"`
	Verbs  []Verb  `json:"verbs,omitempty"`
}

// Host is an agent's machine.
type Host struct {
	Registry  bool          `json:"registry,omitempty"`
	Bootstrap bool          `json:"bootstrap,omitempty"`
	Metadata  bool          `json:"metadata,omitempty"`
	Data      bool          `json:"data,omitempty"`
	Joins     time.Duration `json:"joins,omitempty"` // after the start
}

// Speed is how long things take at most; each time a part of it is drawn.
type Speed struct {
	Network time.Duration `json:"network"` // one way
	Disk    time.Duration `json:"disk"`    // one commit
	Start   time.Duration `json:"start"`   // of a process
	CatchUp time.Duration `json:"catch_up"`
	Probe   time.Duration `json:"probe"`  // the time between two looks of a prober
	Decide  time.Duration `json:"decide"` // how long events gather before a decision
}

// Fault is something that goes wrong.
type Fault struct {
	At    time.Duration `json:"at"`
	Kind  Kind          `json:"kind"`
	Host  int           `json:"host,omitempty"`
	For   time.Duration `json:"for,omitempty"`
	Count int           `json:"count,omitempty"`
	// What narrows it: the name of a call, a pod type.
	What string `json:"what,omitempty"`
}

// Verb is something that an operator does.
type Verb struct {
	At    time.Duration `json:"at"`
	Kind  string        `json:"kind"`
	Plan  string        `json:"plan,omitempty"` // deploy if it is empty
	Phase string        `json:"phase,omitempty"`
	Step  int           `json:"step,omitempty"` // the how-manieth of the phase's steps, from 1; 0: none
	Pod   string        `json:"pod,omitempty"`
	Task  string        `json:"task,omitempty"` // of kill-task: no task at all, that of a pod, or one that belongs to none
	On    string        `json:"on,omitempty"`   // it is said when this happens first after its time
	When  string        `json:"when,omitempty"`
	Force bool          `json:"force,omitempty"`
	Stale bool          `json:"stale,omitempty"` // who says it looks at a plan of long ago
	// Blind: whoever marks a task gone has not looked whether it runs.
	Blind bool `json:"blind,omitempty"`
}

// The tasks that operators want to kill.
const (
	noTask  = "of nobody"
	podTask = "of a pod"

	strangerTask = "of no pod"
)

// stopped is when it is on record that a pod was stopped, and its task may not have been killed yet.
const stopped = "stop"

// Kind is a kind of fault.
type Kind string

// chaos is the part of the time at the start of a run in which faults begin.
const chaos = 4 * time.Minute

// Draw makes the schedule of a seed.
func Draw(seed uint64) Schedule {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	s := Schedule{Seed: seed, Reserve: r.IntN(4) == 0, Closed: r.IntN(8) == 0, Forgetful: r.IntN(3) == 0, Asks: r.IntN(3) == 0, Speed: drawSpeed(r)}
	s.Hosts = drawHosts(r)
	span := chaos
	switch r.IntN(4) {
	case 0, 1: // crowd them into the deployment itself
		span = chaos / 4
	case 2: // also long after it
		span = 4 * chaos
	}
	for range drawCount(r) {
		f := drawFault(r, len(s.Hosts))
		f.At = time.Duration(r.Int64N(int64(span))).Round(time.Millisecond)
		s.Faults = append(s.Faults, f)
	}
	if r.IntN(4) == 0 {
		s.MaxUnavailable = []string{"2", "20%", "50%", "100%"}[r.IntN(4)]
	}
	if r.IntN(5) == 0 || s.losesOffers() {
		s.OfferTimeout = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute}[r.IntN(3)]
	}
	if r.IntN(2) == 0 {
		s.Verbs = drawVerbs(r, len(s.Hosts), span)
	}
	if r.IntN(3) == 0 {
		drawStories(r, &s, span)
	}
	s.Verbs = append(s.Verbs, drawConsents(r, s.Faults)...)
	s.Verbs = append(s.Verbs, drawReleases(r, s)...)
	drawVolumes(&s)
	drawRare(&s)
	s.inOrder()
	return s
}

// drawCount draws how many faults there are: 0 to 20, most often a handful.
func drawCount(r *rand.Rand) int {
	switch r.IntN(10) {
	case 0:
		return 0
	case 1:
		return 6 + r.IntN(15)
	}
	return 1 + r.IntN(6)
}

func drawHosts(r *rand.Rand) []Host {
	n := 6 + r.IntN(5)
	if r.IntN(6) == 0 {
		n = 5
	}
	switch r.IntN(12) {
	case 0:
		n = 20 + r.IntN(31)
	case 1, 2:
		n = 10 + r.IntN(15)
	}
	registries := 3
	if n > 5 && r.IntN(4) == 0 {
		registries = 5
	}
	hosts := make([]Host, n)
	for i := range hosts {
		h := Host{Registry: i < registries, Bootstrap: i == 0, Metadata: i < registries || r.IntN(8) == 0, Data: i >= registries || r.IntN(2) == 0}
		if r.IntN(10) == 0 {
			h.Joins = time.Duration(r.IntN(90)) * time.Second
		}
		hosts[i] = h
	}
	hosts[registries].Data = true // one at least
	r.Shuffle(n, func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
	return hosts
}

func drawSpeed(r *rand.Rand) Speed {
	pick := func(of ...time.Duration) time.Duration { return of[r.IntN(len(of))] }
	return Speed{
		Network: pick(time.Millisecond, time.Millisecond, 20*time.Millisecond, 800*time.Millisecond),
		Disk:    pick(0, 0, 5*time.Millisecond, 500*time.Millisecond),
		Start:   pick(200*time.Millisecond, 2*time.Second, 20*time.Second),
		CatchUp: pick(500*time.Millisecond, 5*time.Second, 30*time.Second),
		Probe:   pick(5*time.Second, 10*time.Second, 20*time.Second),
		Decide:  pick(0, 0, time.Millisecond),
	}
}

// few is how many hosts are restarted in a while one after the other.
const few = 9

// drawConsents draws operators who see that agents are lost, and mark tasks gone that were there. Some do not look first whether they run.
func drawConsents(r *rand.Rand, faults []Fault) []Verb {
	var out []Verb
	for _, f := range faults {
		if slices.Contains([]Kind{agentKill, agentReboot, agentPart, agentReborn, agentGone, masterFalls}, f.Kind) && r.IntN(3) > 0 {
			after := time.Duration(r.Int64N(int64(f.For + 2*time.Minute))).Round(time.Millisecond)
			out = append(out, Verb{At: f.At + after, Kind: markGone, Step: r.IntN(5), Blind: r.IntN(2) == 0})
		}
	}
	return out
}

// drawReleases draws operators who give up what is reserved: of pods that are down, and what is nobody's, or of which they believe so.
func drawReleases(r *rand.Rand, s Schedule) []Verb {
	var out []Verb
	if !s.Reserve {
		return nil
	}
	for _, f := range s.Faults {
		if r.IntN(3) > 0 {
			continue
		}
		kind := []machine.VerbKind{machine.Replace, machine.Replace, machine.ReleaseLeftover}[r.IntN(3)]
		after := time.Duration(r.Int64N(int64(f.For + 2*time.Minute))).Round(time.Millisecond)
		out = append(out, Verb{At: f.At + after, Kind: string(kind), Step: r.IntN(7), Blind: r.IntN(3) == 0})
		if r.IntN(3) == 0 {
			out = append(out, Verb{At: f.At + after/2, Kind: string(machine.ForgetReservations), Pod: []string{"registry-0", "registry-1", "metadata-0", "data-0", "data-1"}[r.IntN(5)], Force: true})
		}
	}
	return out
}

// drawVerbs draws a few things that operators do. Whatever they hold is let go of when the faults have ceased.
func drawVerbs(r *rand.Rand, hosts int, span time.Duration) []Verb {
	var out []Verb
	phases := []string{"", "", "probe", "registry", "metadata", "data", "api", "webconsole"}
	for range 1 + r.IntN(5) {
		v := Verb{At: time.Duration(r.Int64N(int64(max(span, chaos)))).Round(time.Millisecond), Phase: phases[r.IntN(len(phases))]}
		switch r.IntN(16) {
		case 0, 1, 2:
			v.Kind = "pause"
			v.When = []string{"", "", "after-steps", "after-phase"}[r.IntN(4)]
		case 3, 4:
			v.Kind = "continue"
		case 5:
			v.Kind, v.Phase = "except", ""
			v.Pod = []string{"registry-1", "metadata-0", "data-0", "data-1"}[r.IntN(4)]
		case 6:
			v.Kind, v.Phase = "include", ""
			v.Pod = []string{"registry-1", "metadata-0", "data-0", "data-1"}[r.IntN(4)]
		case 7:
			v.Kind, v.Step = "force-complete", 1+r.IntN(hosts)
		case 8:
			v.Kind, v.Step = "pause", 1+r.IntN(hosts)
		case 9, 10:
			v.Kind = "restart"
		case 11:
			v.Kind, v.Step = "restart", 1+r.IntN(hosts)
		case 12:
			v.Kind, v.Phase = []string{"stop", "start"}[r.IntN(2)], ""
		}
		if special, drawn := drawSpecial(r); drawn {
			special.At = v.At
			v = special
		}
		if v.Kind == "" {
			v.Kind = "continue"
		}
		if v.Kind == "restart" && v.Step == 0 && hosts > few { // or it takes for ever
			v.Phase = []string{"registry", "api", "webconsole"}[r.IntN(3)]
		}
		if v.Kind == "force-complete" && v.Phase == "registry" {
			v.Phase = "metadata" // without the first registry, which an operator may say is complete, no other comes up
		}
		if v.Step > 0 && v.Phase == "" {
			v.Phase = "data"
		}
		v.Force = v.Force || v.Kind == "restart" && v.Phase != "" && r.IntN(4) == 0
		v.Stale = r.IntN(20) == 0
		out = append(out, v)
	}
	return out
}

// VerbKinds lists what operators do, by the names of the machine's verbs.
func VerbKinds() []string {
	return []string{
		"start", "stop", "restart", "pause", "continue", "force-complete", "break", "unbreak", "except", "include", "forget-reservations", "kill-task",
		markGone, string(machine.Replace), string(machine.ReleaseLeftover),
	}
}

// drawSpecial draws what operators do now and then.
func drawSpecial(r *rand.Rand) (Verb, bool) {
	pods := []string{"registry-0", "registry-1", "metadata-0", "data-0", "data-1", "prober-0"}
	switch k := r.IntN(40); {
	case k == 0:
		return Verb{Kind: "pause", Plan: "recovery"}, true
	case k == 1:
		return Verb{Kind: []string{"start", "stop", "restart", "continue", "force-complete"}[r.IntN(5)], Plan: "recovery"}, true
	case k < 7:
		return Verb{
			Kind: []string{"break", "break", "unbreak"}[r.IntN(3)], Phase: []string{"registry", "metadata", "data", "api", "webconsole"}[r.IntN(5)],
			When: []string{"before", "after", "after-batch"}[r.IntN(3)],
		}, true
	case k == 7:
		return Verb{Kind: "kill-task", Task: []string{noTask, podTask}[r.IntN(2)], Pod: pods[r.IntN(len(pods))]}, true
	case k < 10:
		return Verb{Kind: "forget-reservations", Pod: pods[r.IntN(len(pods))], Force: r.IntN(2) == 0}, true
	case k == 10:
		return Verb{Kind: "except", Pod: pods[r.IntN(len(pods))], Force: true}, true
	}
	return Verb{}, false
}

// losesOffers says that offers get lost. Masters must take them back after a time then: without, what is lost is lost.
func (s *Schedule) losesOffers() bool {
	return slices.ContainsFunc(s.Faults, func(f Fault) bool { return f.Kind == offersLost })
}
