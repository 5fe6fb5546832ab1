package sim

import (
	"maps"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/plans"
	"github.com/quobyte/mesos-framework/quobyte"
)

// memory is what operators were told, and what the framework knew to have done. It is as old as the records are: whoever puts a backup in their place takes back with
// that what was said and done since. Nothing else is forgiven: what was launched was launched, and runs or does not, whether or not it is on record.
type memory struct {
	promises  map[string]*promise  // what operators were told is on record
	lastRun   plans.Run            // of deploy, that was on record
	forced    map[string]bool      // pods of which operators said that they count as deployed
	began     map[string]bool      // pods that were launched
	excused   map[string]bool      // pods that operators have taken out
	included  map[string]time.Time // when they took them in again last
	stops     map[string]bool      // tasks that were killed
	consented map[string]string    // tasks that operators took for gone, and were told so -> the pod
	seen      map[string]seen      // tasks that gave way and have shown up again
}

func newMemory() memory {
	return memory{
		promises: map[string]*promise{}, forced: map[string]bool{}, began: map[string]bool{}, excused: map[string]bool{}, included: map[string]time.Time{},
		stops: map[string]bool{}, consented: map[string]string{}, seen: map[string]seen{},
	}
}

func (m memory) clone() memory {
	out := memory{
		promises: map[string]*promise{}, lastRun: m.lastRun, forced: maps.Clone(m.forced), began: maps.Clone(m.began), excused: maps.Clone(m.excused),
		included: maps.Clone(m.included), stops: maps.Clone(m.stops), consented: maps.Clone(m.consented), seen: maps.Clone(m.seen),
	}
	for key, p := range m.promises {
		out.promises[key] = &promise{fact: p.fact, let: map[uint64]bool{}, tasks: maps.Clone(p.tasks)}
	}
	return out
}

// restored notes that the records are those of a backup, which is as old as what was remembered then. What was on record by then and not answered yet counts as it is
// on record: nobody was told anything of it.
func (c *checker) restored(then memory) {
	c.memory = then
	for key := range c.promises {
		if _, still := c.disk.facts[key]; !still {
			delete(c.promises, key) // somebody had let go of it
		}
	}
	for pod, task := range c.newest {
		if t := c.disk.pods[pod].Task; t == nil || t.ID != task {
			c.lost[task] = true
		}
	}
	clear(c.served)
	clear(c.members)
	clear(c.claimed)
	for name, p := range c.disk.pods {
		if t := p.Task; t != nil && (p.Completed != "" || !t.Healthy.IsZero()) {
			c.served[t.ID] = true
			c.member(p.Type, p.Host)
		}
		if p.Claim != nil && (!p.Claim.Held.IsZero() || len(p.Claim.Volumes) > 0) {
			c.claimed[name] = p.Claim
		}
	}
	c.lifeless = len(c.lives)
}

// underWay says that a KILL is that of a life from before a backup was restored which does not know of the stop: whoever decides by the backup can't know that it will
// get there.
func (c *checker) underWay(i *instance, p machine.Pod, task string) bool {
	return i.number <= c.lifeless && (p.Stop == nil || p.Stop.TaskID != task)
}

// beyondKnowledge says that nobody can know of a task, so that another one is launched for its pod: it is on no record since a backup was restored, and the life of the
// framework that launches was not told of it, because its agent is not back yet and the new master does not know it. Pods with a device belong to their host, and wait
// until its agent is back and Mesos has said what runs there; the others can't wait for every agent that there may be. Nor can those that have got the number of a pod
// on another host: they have another device.
func (c *checker) beyondKnowledge(i *instance, p machine.Pod, task string) bool {
	switch i.told[task] {
	case "", machine.Unknown, machine.GoneByOperator:
		h := c.hostNamed(p.Host)
		return c.lost[task] && (!hasDevice(p.Type) || h != nil && c.taskOn(task, h) == nil)
	}
	return false
}

// unknownMember says that nobody knows that a host, of which no registry runs, belongs to the replica set: since a backup was restored no record says that there ever
// was one. Who asks the replica set itself would know.
func (c *checker) unknownMember(h *host) bool {
	if c.restores == 0 || c.schedule.Asks {
		return false
	}
	for _, p := range c.disk.pods {
		if p.Type == quobyte.Registry && p.Host == h.name && p.Task != nil {
			return false
		}
	}
	return true
}
