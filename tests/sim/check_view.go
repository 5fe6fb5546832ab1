package sim

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
	"github.com/quobyte/mesos-framework/quobyte"
)

const (
	// still is how long something may take before it does not move.
	still = 2 * time.Minute
	// instant is how long it may take to find out whether something may begin.
	instant = 15 * time.Second
)

// published looks at what operators see.
func (c *checker) published(i *instance, v *machine.View) {
	c.checkReturns(i)
	for k := range v.Pods {
		if p := &v.Pods[k]; p.Healthy && p.Type != quobyte.Prober && !c.wasWell[p.TaskID] {
			c.fail(trulyDone, "serve %d says that %s is ready, and nobody found its task %s well", i.number, p.Name, p.TaskID)
		}
	}
	for k := range v.Plans {
		p := &v.Plans[k]
		c.checkForced(i, p)
		for k := range p.Phases {
			phase := &p.Phases[k]
			for k := range phase.Steps {
				c.checkHold(i, p, phase, &phase.Steps[k], c.now)
			}
		}
	}
}

// element is a step that is shown.
type element struct{ plan, phase, step string }

func (e element) String() string { return e.plan + "/" + e.phase + "/" + e.step }

func (c *checker) checkHold(i *instance, p *plans.View, phase *plans.PhaseView, s *plans.StepView, at time.Time) {
	key := element{p.Name, phase.Name, s.Name}
	for _, h := range s.Holds {
		if h.Text == "" || h.Code == "" {
			c.fail(holdShown, "serve %d shows %s as %s with a hold that says nothing: %+v", i.number, key, s.Status, h)
		}
	}
	if s.Status == plans.Complete || len(s.Holds)+len(phase.Holds)+len(p.Holds) > 0 {
		delete(c.quiet, key)
		return
	}
	if _, seen := c.quiet[key]; !seen {
		c.quiet[key] = at
	}
	most := instant
	if s.Status == plans.Starting || s.Status == plans.Started {
		most = still
	}
	if since := at.Sub(c.quiet[key]); since > most {
		c.fail(holdShown, "serve %d shows %s as %s for %v without a reason: %s", i.number, key, s.Status, since, s.Message)
	}
}

// ending looks at how all ended.
func (c *checker) ending(wellSince time.Time) {
	if c.broken != "" {
		return
	}
	i := c.serve()
	if wellSince.IsZero() {
		c.fail(completes, "%v after the last fault: %s", c.now.Sub(c.calm).Round(time.Second), c.why(i))
		return
	}
	for _, h := range c.hosts {
		for _, p := range h.up {
			if r := c.disk.pods[p.pod]; r.Task == nil || r.Task.ID != p.task {
				c.fail(noStrays, "%s runs on %s, and is not the task of %s", p.task, h.name, p.pod)
				return
			}
		}
	}
	c.checkSettled()
	c.checkMemory(i)
}

// checkSettled: in the end every pod has a task that was launched with the settings of now, by the record, and by what Mesos was asked for. Of what somebody has
// declared complete, or taken out while a run rolled them out, the next run does so.
func (c *checker) checkSettled() {
	for _, name := range slices.Sorted(maps.Keys(c.disk.pods)) {
		p := c.disk.pods[name]
		if _, out := c.included[name]; p.Task == nil || c.forced[name] || out {
			continue
		}
		if want := c.service.Fingerprint(p.Type); p.Task.Fingerprint != want {
			c.fail(upToDate, "%s has task %s of %.8s, and the settings want %.8s", name, p.Task.ID, p.Task.Fingerprint, want)
		}
		if has, want := c.took[p.Task.ID], c.settings.Resources[p.Type].CPUs; has != want {
			c.fail(upToDate, "%s has task %s with %s processors, and the settings want %s", name, p.Task.ID, has, want)
		}
	}
}

// weighing is how many decisions are made between two looks at what a machine remembers.
const weighing = 150

// checkMemory: what a machine remembers beside its records depends on how many pods and hosts there are, and not on how much has happened.
func (c *checker) checkMemory(i *instance) {
	if i.view == nil {
		return
	}
	volatile, err := i.machine.Volatile()
	if err != nil {
		c.fail(bounded, "%v", err)
		return
	}
	size, parts := 0, []string{}
	for _, p := range volatile {
		size += len(p.Value)
		if len(p.Value) > 1<<10 {
			parts = append(parts, fmt.Sprintf("%s %d", p.Name, len(p.Value)))
		}
	}
	if most := 4<<10 + (len(i.view.Pods)+len(i.view.Hosts))<<10; size > most {
		c.fail(bounded, "%d pods and %d hosts take %d bytes, more than %d: %v", len(i.view.Pods), len(i.view.Hosts), size, most, parts)
	}
}

// why tells what is not done.
func (c *checker) why(i *instance) string {
	if i == nil || i.view == nil {
		return "the framework does not run"
	}
	var b bytes.Buffer
	if !i.view.Connection.Connected {
		fmt.Fprintf(&b, "not connected: %s\n", i.view.Connection.Error)
	}
	for _, p := range i.view.Plans {
		if p.Status == plans.Complete {
			continue
		}
		fmt.Fprintf(&b, "%s is %s\n", p.Name, p.Status)
		for _, phase := range p.Phases {
			for _, s := range phase.Steps {
				if s.Status != plans.Complete {
					fmt.Fprintf(&b, "%s/%s: %s: %s\n", phase.Name, s.Name, s.Status, s.Message)
				}
			}
		}
	}
	for _, p := range i.view.Pods {
		if !p.Healthy {
			fmt.Fprintf(&b, "%s is not well: %s %s\n", p.Name, p.State, p.Message)
		} else if !c.isUp(p.TaskID) {
			fmt.Fprintf(&b, "%s is shown as %s, and does not run\n", p.Name, p.State)
		}
	}
	return strings.TrimSpace(b.String())
}
