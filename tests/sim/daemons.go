package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
	"github.com/quobyte/mesos-framework/quobyte"
)

// ill says why a task's daemon is not well, as who asks it on its host hears; empty if it is.
//
// Registries form a replica set: the one with the bootstrap device begins it, the others join when they have caught up while a majority of
// it runs. Everything else needs a majority of the replica set.
func (w *world) ill(task string, on *host) string {
	c := w.taskOn(task, on)
	switch {
	case c == nil:
		return "connection refused"
	case w.now.Sub(c.since) < c.catchUp:
		return "catching up"
	case w.now.Before(c.host.sick[c.kind].till):
		return "not well"
	case c.kind == quobyte.Registry:
		return w.registryIll(c)
	case !w.quorum():
		return "no registry answers"
	}
	return ""
}

func (w *world) registryIll(c *container) string {
	if len(w.replicas) == 0 && c.host.plan.Bootstrap {
		w.replicas = append(w.replicas, c.host)
	}
	if !w.quorum() {
		up, all := w.registriesUp()
		return fmt.Sprintf("no quorum: %d of %d", up, all)
	}
	c.join()
	return ""
}

func (c *container) join() {
	if !slices.Contains(c.replicas, c.host) {
		c.replicas, c.joined = append(c.replicas, c.host), c.now
	}
}

// joinInterval is how often a registry that is no member of the replica set tries to become one.
const joinInterval = 5 * time.Second

// seekReplicas has a registry become a member of the replica set as soon as it can, whether anybody looks or not.
func (c *container) seekReplicas() {
	if c.gone || slices.Contains(c.replicas, c.host) {
		return
	}
	if c.world.ill(c.task, c.host) != "" {
		c.after(joinInterval, "seeks the replica set", c.seekReplicas)
	}
}

// registriesUp counts the members of the replica set that run, and all of them.
func (w *world) registriesUp() (up, all int) {
	for _, h := range w.replicas {
		if w.running(quobyte.Registry, h) != nil {
			up++
		}
	}
	return up, len(w.replicas)
}

// quorum says whether a majority of the replica set runs.
func (w *world) quorum() bool {
	up, all := w.registriesUp()
	return all > 0 && up > all/2
}

// judge says whether a majority of the replica set runs without some pods; as it was, if that is all that the API knows.
func (w *world) judge(pods []string) machine.Judgement {
	up, all := 0, 0
	for _, h := range w.replicas {
		all++
		c := w.running(quobyte.Registry, h)
		runs := c != nil && !slices.Contains(pods, c.pod)
		if w.now.Before(w.stale) {
			runs = w.past[h.number] && (c == nil || !slices.Contains(pods, c.pod))
		}
		if runs {
			up++
		}
	}
	if up > all/2 {
		return machine.Judgement{Gate: plans.GateOpen}
	}
	return machine.Judgement{Gate: plans.GateClosed, Code: "quorum", Text: fmt.Sprintf("%d of %d would remain", up, all)}
}

// slowness is by how much answers come later until a time.
type slowness struct {
	till time.Time
	by   time.Duration
}

// remember has the API know for a while only what is so now.
func (w *world) remember(f Fault) {
	w.stale, w.past = w.now.Add(f.For), nil
	for _, h := range w.hosts {
		w.past = append(w.past, w.running(quobyte.Registry, h) != nil)
	}
}

// running returns a process of a pod type on a host that runs.
func (w *world) running(kind string, h *host) *container {
	for _, c := range h.up {
		if c.kind == kind {
			return c
		}
	}
	return nil
}

func (w *world) taskOn(task string, h *host) *container {
	for _, c := range h.up {
		if c.task == task {
			return c
		}
	}
	return nil
}
