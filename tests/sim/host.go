package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox/direct"
	"github.com/quobyte/mesos-framework/quobyte"
)

// host is a machine with an agent.
type host struct {
	*world
	number int
	name   string
	plan   Host
	up     []*container       // the processes that run, oldest first
	away   bool               // its agent is down
	cut    bool               // its agent and the master do not hear each other
	died   map[string]death   // pod type -> when its last process ended
	agent  string             // its id; empty before it joins
	hung   time.Time          // until when its probers do nothing
	broken map[string]int     // pod type -> how many starts will fail
	sick   map[string]illness // pod type -> when its daemon is not well
	closed bool               // it is not offered, until somebody reactivates it
	window *direct.Window     // of maintenance that was announced
	down   bool               // for maintenance
	lost   []string           // devices that have vanished, by pod type
	full   time.Time          // until when nothing can be started on it
	late   time.Time          // until when its agent, which runs, does not register
}

// hindered says that pods of a type can't be launched on the host now.
func (h *host) hindered(kind string) bool {
	return h.away || h.cut || h.closed || h.broken[kind] > 0 || h.now.Before(h.full) || h.now.Before(h.late) || slices.Contains(h.lost, kind)
}

// has says whether the host has a device of a type, there or not.
func (h *host) has(kind string) bool {
	return kind == quobyte.Registry && h.plan.Registry || kind == quobyte.Metadata && h.plan.Metadata || kind == quobyte.Data && h.plan.Data
}

func (h *host) address() string { return fmt.Sprintf("10.0.1.%d", h.number+1) }

// hostCPUs is how many processors each host has.
const hostCPUs = 32

func (h *host) join() {
	agent, effects := h.cluster.AddAgent(h.now, direct.Host{
		Hostname: h.name, IP: h.address(), CPUs: hostCPUs, MemMB: 65536, DiskMB: 500000,
		Ports: [][2]uint64{{8880, 8890}, {21000, 21020}, {31000, 32000}}, Disks: disksOf(h.schedule),
	})
	h.agent = agent
	h.named++
	h.note("%s: joins as %s", h.name, agent)
	h.act(effects)
}

// devices says of which of the deviceTypes there is one.
type devices [len(deviceTypes)]bool

// devices is what a prober finds on the host.
func (h *host) devices() (found devices) {
	for k, kind := range deviceTypes {
		found[k] = h.has(kind) && !slices.Contains(h.lost, kind)
	}
	return found
}

// facts is how a prober tells of what it has found.
func (h *host) facts(found devices) quobyte.Facts {
	var f quobyte.Facts
	for k, kind := range deviceTypes {
		if found[k] {
			f.Devices = append(f.Devices, quobyte.FoundDevice{
				Path: "/mnt/" + kind, Serial: h.name + "-" + kind, Types: []string{kind}, Bootstrap: kind == quobyte.Registry && h.plan.Bootstrap,
			})
		}
	}
	return f
}

// renamed notes the id that an agent has from now on.
func (w *world) renamed(e direct.Registered) {
	for _, h := range w.hosts {
		if h.agent == e.Former && e.Former != "" || h.name == e.Hostname {
			w.note("%s: is %s from now on", h.name, e.ID)
			h.agent = e.ID
			w.named++
		}
	}
}

func (w *world) hostOf(agent string) *host {
	for _, h := range w.hosts {
		if h.agent == agent {
			return h
		}
	}
	return nil
}

// illness is a time in which a daemon is not well.
type illness struct {
	since, till time.Time
}

// fallsIll makes a daemon not well until a time.
func (h *host) fallsIll(kind string, till time.Time) {
	ill := h.sick[kind]
	if !h.now.Before(ill.till) {
		ill.since = h.now
	}
	h.sick[kind] = illness{ill.since, till}
}

// death is the end of a process.
type death struct {
	task string
	at   time.Time
}

// container is a process of a task, or of an executor.
type container struct {
	*world
	id, framework string
	task          string // for an executor its id
	pod, kind     string // registry-0, registry
	host          *host
	custom        bool
	prober        *prober
	up            bool // it runs
	gone          bool
	killed        bool // while it was still being started
	since         time.Time
	catchUp       time.Duration
	joined        time.Time // when, as a registry, it became a member of the replica set, if it was not one before
}

// podOf takes apart a task's id: the pod's name, and its type.
func podOf(task string) (pod, kind string) {
	name, _, _ := strings.Cut(task, "__")
	if i := strings.LastIndexByte(name, '-'); i >= 0 {
		pod = name[:i]
	}
	kind, _, _ = strings.Cut(pod, "-")
	return pod, kind
}

func (w *world) start(e direct.Start) {
	c := &container{
		world: w, id: e.Container, framework: e.Framework, task: e.Executor, host: w.hostOf(e.Agent), custom: e.Custom,
		catchUp: w.upTo(w.schedule.Speed.CatchUp),
	}
	c.pod, c.kind = podOf(e.Executor)
	w.containers[c.id] = c
	w.check.starts(c)
	w.note("%s: %s starts", c.host.name, c.task)
	w.after(w.upTo(w.schedule.Speed.Start), "start", c.started)
}

func (c *container) started() {
	if c.gone {
		return
	}
	problem := ""
	switch {
	case c.killed:
		problem = "was killed while it was being started"
	case c.host.broken[c.kind] > 0:
		c.host.broken[c.kind]--
		problem = "the image is missing"
	case c.now.Before(c.host.full):
		problem = "Failed to create executor directory: No space left on device"
	case slices.Contains(c.host.lost, c.kind):
		problem = "the device is missing"
	}
	if problem != "" {
		c.gone = true
		delete(c.containers, c.id)
		c.note("%s: %s does not start: %s", c.host.name, c.task, problem)
		c.act(c.cluster.Failed(c.now, c.id, problem))
		return
	}
	c.pids++
	c.up, c.since = true, c.now
	c.turns++
	c.host.up = append(c.host.up, c)
	c.check.runs(c)
	c.act(c.cluster.Started(c.now, c.id, c.pids))
	if c.kind == quobyte.Registry {
		c.after(c.catchUp, "caught up", c.seekReplicas)
	}
	if c.custom {
		c.prober = &prober{container: c}
		c.prober.begin()
	}
}

func (c *container) signal(kill bool) {
	switch {
	case c.gone:
	case !c.up:
		c.killed = true
	case kill:
		c.exit(9)
	default:
		c.after(c.upTo(4*time.Second), "ends", func() { c.exit(15) })
	}
}

// exit ends the process.
func (c *container) exit(status int) {
	if c.gone || !c.up {
		return
	}
	c.gone, c.up = true, false
	c.turns++
	delete(c.containers, c.id)
	c.host.up = slices.DeleteFunc(c.host.up, func(other *container) bool { return other == c })
	if c.host.died == nil {
		c.host.died = map[string]death{}
	}
	c.host.died[c.kind] = death{c.task, c.now}
	if slices.Contains(c.replicas, c.host) && !c.check.stops[c.task] {
		c.check.member(c.kind, c.host.name) // it may have been ready, and everybody must reckon with that
	}
	c.note("%s: %s ends with %d", c.host.name, c.task, status)
	if c.prober != nil {
		delete(c.probers, c.prober.stream)
	}
	c.act(c.cluster.Exited(c.now, c.id, status))
}
