package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
	"github.com/quobyte/mesos-framework/quobyte"
)

// checkBegins looks at a step of deploy that begins: pauses that let what has begun come to its end hold it, and so do breakpoints.
func (c *checker) checkBegins(p machine.Pod, kind string, at time.Time) {
	if p.BegunIn != c.disk.run.Number || p.Failures > 0 { // another attempt at what has begun
		return
	}
	c.checkTurn(p, kind, at)
	c.checkCanary(p, kind)
	for _, f := range c.disk.facts {
		if f.Plan != machine.DeployPlan || !at.After(f.At) {
			continue
		}
		held := false
		switch f.When {
		case plans.PauseAfterSteps:
			held = covers(f, p, kind)
		case plans.PauseAfterPhase:
			held = (f.Phase == "" || slices.Contains(before[kind], f.Phase)) && f.Step == "" && !c.hasBegun(phaseOf(kind), p.Name) && !c.searchedAt(kind, f.At)
		case plans.BeforePhase:
			held = f.Phase == phaseOf(kind) && !c.hasBegun(f.Phase, p.Name) && !c.searchedAt(kind, f.At)
		case plans.AfterPhase:
			held = slices.Contains(before[kind], f.Phase) && !c.hasBegun(phaseOf(kind), p.Name)
		case plans.AfterBatch:
			held = f.Phase == phaseOf(kind) && c.batchesOver(f)
		}
		if held {
			c.fail(pausedRests, "%s begins, although %s of %s%s%s %s was said at %v", p.Name, f.Kind, f.Plan, prefixed("/", f.Phase), prefixed("/", f.Step), f.When, f.At.Sub(began))
		}
	}
}

// checkTurn: a step begins when all those before it are done with what the settings say now.
func (c *checker) checkTurn(p machine.Pod, kind string, at time.Time) {
	for name, other := range c.disk.pods {
		if !slices.Contains(before[kind], other.Type) || c.excusedAt(name, at) || c.forced[name] || other.BegunAt.After(at) {
			continue
		}
		if other.Good != c.service.Fingerprint(other.Type) {
			c.fail(inOrder, "%s begins, and %s is not what the settings want", p.Name, name)
		}
	}
}

// checkCanary: of a staged phase nothing begins that no operator has let go.
func (c *checker) checkCanary(p machine.Pod, kind string) {
	if !slices.Contains(c.schedule.Canaries, phaseOf(kind)) {
		return
	}
	let := false
	for _, f := range c.disk.facts {
		mine := func(step string) bool { return strings.HasPrefix(step, p.Name+":") }
		of := f.Kind == plans.Released && f.Plan == machine.DeployPlan && f.Phase == phaseOf(kind) && f.Run == c.disk.run.Number
		let = let || of && (f.All || slices.ContainsFunc(f.Steps, mine))
	}
	if !let {
		c.fail(pausedRests, "%s begins, and nobody has let it go, of the staged phase %s", p.Name, phaseOf(kind))
	}
}

// hasBegun says whether the run has begun something of a phase besides a pod, or found something of it that was not done.
func (c *checker) hasBegun(phase, besides string) bool {
	for name, p := range c.disk.pods {
		if name == besides || phaseOf(p.Type) != phase {
			continue
		}
		if p.BegunIn == c.disk.run.Number || p.Failures > 0 || p.Task != nil && p.Task.Healthy.IsZero() {
			return true
		}
	}
	return false
}

// searchedAt says whether the run was searching for members when something was said, and does so still: probers of hosts that come meanwhile belong to what had begun.
func (c *checker) searchedAt(kind string, at time.Time) bool {
	return kind == quobyte.Prober && c.disk.run.FrozenAt.IsZero() && at.After(c.disk.run.StartedAt)
}

// batchesOver says whether a batch is over in which a breakpoint lies.
func (c *checker) batchesOver(f plans.Fact) bool {
	passed := 0
	if f.BatchRun == c.disk.run.Number {
		passed = f.Batches
	}
	return slices.ContainsFunc(c.disk.run.Batches, func(b plans.BatchCursor) bool { return b.Phase == f.Phase && b.Done > passed })
}
