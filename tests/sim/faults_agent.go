package sim

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox/direct"
)

// The faults of this file are what operators of the cluster do to agents.

func drawGrace(r *rand.Rand, f *Fault) {
	f.For, f.Count = between(r, time.Second, 8*time.Minute), r.IntN(6) // seconds of grace
}

func drawWindow(r *rand.Rand, f *Fault) {
	f.For, f.Count = between(r, time.Second, 6*time.Minute), r.IntN(3) // 0: only announced
}

// drain has an agent emptied, and reactivated when it is empty and its time is over.
func (w *world) drain(f Fault) {
	h := w.host(f)
	if h.agent == "" {
		return
	}
	answer, effects := w.cluster.DrainAgent(w.now, h.agent, time.Duration(f.Count)*time.Second)
	w.act(effects)
	w.closed(h, answer, f.For)
}

// deactivate has an agent offered no more for a while.
func (w *world) deactivate(f Fault) {
	h := w.host(f)
	if h.agent == "" {
		return
	}
	answer, effects := w.cluster.DeactivateAgent(w.now, h.agent)
	w.act(effects)
	w.closed(h, answer, f.For)
}

// closed has a host that is not offered any more offered again after a while.
func (w *world) closed(h *host, answer direct.Answer, d time.Duration) {
	w.note("%s: is offered no more: %d %s", h.name, answer.Status, answer.Text)
	if answer.Status != 200 || h.closed {
		return // the master does not know it, or somebody will see to it already
	}
	h.closed = true
	w.after(d, "reactivate", func() { w.reactivate(h) })
}

// reactivate tries until there is nothing left to do: an agent that is still being emptied can't be reactivated.
func (w *world) reactivate(h *host) {
	answer, effects := w.cluster.ReactivateAgent(w.now, h.agent)
	w.act(effects)
	switch answer.Text {
	case "", "Agent is not deactivated": // of which a new master may know nothing
		w.note("%s: is offered again %s", h.name, answer.Text)
		h.closed = false
	default:
		w.after(5*time.Second, "reactivate", func() { w.reactivate(h) })
	}
}

// maintain announces that a machine will not be there for a while, and may take it down then.
func (w *world) maintain(f Fault) {
	h := w.host(f)
	if h.agent == "" || h.window != nil {
		return
	}
	h.window = &direct.Window{Hostname: h.name, IP: h.address(), From: w.now.Add(f.For / 4), For: f.For}
	w.announce()
	w.after(f.For, "end of maintenance", func() { w.endMaintenance(h) })
	if f.Count > 0 {
		w.after(f.For/4, "maintenance", func() { w.takeDown(h) })
	}
}

// announce tells the master all windows.
func (w *world) announce() {
	var windows []direct.Window
	for _, h := range w.hosts {
		if h.window != nil {
			windows = append(windows, *h.window)
		}
	}
	answer, effects := w.cluster.Announce(w.now, windows)
	w.note("operator: announces %d windows of maintenance: %d %s", len(windows), answer.Status, answer.Text)
	w.act(effects)
}

func (w *world) takeDown(h *host) {
	if h.away {
		return
	}
	answer, effects := w.cluster.TakeDown(w.now, *h.window)
	w.note("%s: is taken down: %d %s", h.name, answer.Status, answer.Text)
	h.down = answer.Status == 200
	h.away = h.down
	w.act(effects)
}

// endMaintenance brings a machine up that was taken down, which takes it out of the schedule. A master that was elected meanwhile may know of the window and
// not that the machine was down, and refuse; whoever does that leaves it at that, so that the window stays in the schedule when it is over.
func (w *world) endMaintenance(h *host) {
	window := *h.window
	h.window = nil
	if !h.down {
		w.announce()
		return
	}
	answer, effects := w.cluster.BringUp(w.now, window)
	w.note("%s: is brought up: %d %s", h.name, answer.Status, answer.Text)
	w.act(effects)
	h.down = false
	w.startWhenEmpty(h)
}

// stopAgent has an agent take its leave, and start again after a while.
func (w *world) stopAgent(f Fault) {
	h := w.host(f)
	if h.agent == "" || h.away {
		return
	}
	h.away = true
	w.act(w.cluster.StopAgent(w.now, h.agent))
	w.after(f.For, "agent", func() { w.startWhenEmpty(h) })
}

// startWhenEmpty starts an agent that has ended what ran on its host: its process is there until all of that is gone.
func (w *world) startWhenEmpty(h *host) {
	if w.model.AgentProcess(h.agent).Up { // it was cut off, and never heard that it was to end
		h.away = false
		return
	}
	for _, c := range w.containers {
		if c.host == h {
			w.after(time.Second, "agent", func() { w.startWhenEmpty(h) })
			return
		}
	}
	w.startAgent(h, false)
}

// late restarts an agent, which takes its time to register.
func (w *world) late(f Fault) {
	h := w.host(f)
	if h.agent == "" || h.away {
		return
	}
	h.away = true
	w.act(w.cluster.KillAgent(w.now, h.agent))
	w.startAgent(h, false)
	w.act(w.cluster.DelayAgent(w.now, h.agent, f.For))
	h.late = w.now.Add(f.For)
}

// startAgent starts an agent again that is away, unless its machine is down: then that is done when it is brought up. What took the agent away may be over
// when something else has brought it back already.
func (w *world) startAgent(h *host, forgot bool) {
	if h.down || !h.away {
		return
	}
	h.away = false
	if w.model.AgentProcess(h.agent).Up {
		return // of two who took it away, the other has started it
	}
	effects, err := w.cluster.StartAgent(w.now, h.agent, forgot)
	if err != nil { // it was taken down while the master could not tell it so, and runs on
		w.note("%s: its agent is there: %v", h.name, err)
		return
	}
	w.note("%s: its agent is back", h.name)
	w.act(effects)
}

// The faults of the rest of this file are those of disks.

var deviceTypes = [...]string{"registry", "metadata", "data"}

func drawMount(r *rand.Rand, f *Fault) {
	f.What, f.For = deviceTypes[r.IntN(3)], between(r, time.Second, 5*time.Minute)
}

func drawDevice(r *rand.Rand, f *Fault) {
	f.What = []string{"registry", "metadata", "metadata", "data", "data"}[r.IntN(5)]
}

// loseMount has a mounted device of a host vanish for a while, with the daemon that used it: on the host if there is one, else anywhere.
func (w *world) loseMount(f Fault) {
	for k := range w.hosts {
		h := w.hosts[(f.Host+k)%len(w.hosts)]
		if h.agent == "" || !h.has(f.What) || slices.Contains(h.lost, f.What) {
			continue
		}
		w.note("%s: its %s device vanishes", h.name, f.What)
		h.lost = append(h.lost, f.What)
		if c := w.running(f.What, h); c != nil {
			c.exit(5)
		}
		w.after(f.For, "mount", func() {
			w.note("%s: its %s device is back", h.name, f.What)
			h.lost = slices.DeleteFunc(h.lost, func(kind string) bool { return kind == f.What })
		})
		return
	}
}

// addDevice gives a host that has none a device of a type.
func (w *world) addDevice(f Fault) {
	for k := range w.hosts {
		h := w.hosts[(f.Host+k)%len(w.hosts)]
		if h.has(f.What) {
			continue
		}
		w.note("%s: gets a %s device", h.name, f.What)
		h.plan.Registry = h.plan.Registry || f.What == "registry"
		h.plan.Metadata = h.plan.Metadata || f.What == "metadata"
		h.plan.Data = h.plan.Data || f.What == "data"
		return
	}
}
