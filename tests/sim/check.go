package sim

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
	"github.com/quobyte/mesos-framework/plans"
	"github.com/quobyte/mesos-framework/quobyte"
)

// checker watches a run.
type checker struct {
	*world
	memory
	lost           map[string]bool // tasks that are on no record because a backup was restored
	lifeless       int             // how many lives of the framework there were when a backup was restored last
	served         map[string]bool // tasks whose daemon was well since then when its host's prober asked, or by that backup
	members        map[string]bool // hosts whose registry was well when their prober asked, or fell by itself when it was a member, since then, or by that backup
	broken, detail string
	at             time.Time

	moment        time.Time // of the last decision
	decisionsThen int       // that were made then

	started     map[string]bool // task ids of which a process was started
	reserved    map[string]bool // ids of what was reserved for pods, that of tasks that were started
	launches    int
	launched    map[string]bool                    // task ids that an ACCEPT brought
	statuses    map[string]machine.TaskStatus      // that a machine took, by uuid
	outcomes    map[string]machine.OperationStatus // the same, of operations
	asOf        map[uint64]int                     // verb -> the run that was on record when it was said
	claims      map[uint64]string                  // verb -> what was reserved for its pod when it was said
	halts       map[uint64]time.Time               // verb that has a run go on -> when that had paused itself
	verbs       map[uint64]machine.Verb
	said        map[uint64]time.Time // when
	spent       map[string]string    // offers that a machine may not use any more, and why
	open        []string             // offers that it may use
	answers     []yes
	killed      map[string]time.Time                    // tasks, by when their KILL was given away last
	beingKilled map[string]bool                         // tasks of pods of which it was on record that they are being killed when their KILL was given away last
	budgeted    map[string]time.Time                    // tasks whose stop was held against the budget, and the time of that
	unwanted    map[string]bool                         // tasks that operators want killed
	downSince   map[string]time.Time                    // pods that a plan has stopped and that are down without hindrance
	quiet       map[element]time.Time                   // steps that do not move and show no reason, since when
	doubted     map[string]string                       // tasks that somebody said are gone while they ran -> of which pod
	mistaken    map[string]bool                         // those of them that are on record as gone
	session     time.Time                               // when the session began
	named       map[string]bool                         // claims that operators named to have them given back
	givenUp     map[string]bool                         // claims that operators gave up
	claimed     map[string]*machine.PodClaim            // pod -> what is on record as reserved for it
	offered     map[string]offers.Offer                 // those with something reserved, by id
	told        map[string]machine.TaskState            // what a machine was told last in it of each task
	knew        map[uint64]map[string]machine.TaskState // the same, when it heard a verb
	took        map[string]offers.Milli                 // tasks that an ACCEPT brought -> the processors that they take, with their executors
	newest      map[string]string                       // pod -> the task that it was launched with last
	inPlace     map[string]bool                         // tasks that were launched in the place of one that a plan had stopped
	forces      map[uint64]machine.Verb                 // restarts by force that operators asked for and that were not refused
	backed      map[string]bool                         // tasks of which it was looked at whether they were to be stopped by force
	wasWell     map[string]bool                         // tasks whose daemon was well when its host's prober asked
}

func newChecker(w *world) *checker {
	return &checker{
		world: w, memory: newMemory(), lost: map[string]bool{}, served: map[string]bool{}, members: map[string]bool{}, started: map[string]bool{}, reserved: map[string]bool{}, launched: map[string]bool{}, doubted: map[string]string{}, mistaken: map[string]bool{},
		statuses: map[string]machine.TaskStatus{}, outcomes: map[string]machine.OperationStatus{}, asOf: map[uint64]int{}, claims: map[uint64]string{}, halts: map[uint64]time.Time{}, verbs: map[uint64]machine.Verb{},
		said: map[uint64]time.Time{}, spent: map[string]string{},
		killed: map[string]time.Time{}, beingKilled: map[string]bool{}, budgeted: map[string]time.Time{}, unwanted: map[string]bool{}, downSince: map[string]time.Time{}, quiet: map[element]time.Time{}, wasWell: map[string]bool{},
		named: map[string]bool{}, givenUp: map[string]bool{}, claimed: map[string]*machine.PodClaim{}, offered: map[string]offers.Offer{},
		took: map[string]offers.Milli{}, newest: map[string]string{}, inPlace: map[string]bool{}, forces: map[uint64]machine.Verb{}, backed: map[string]bool{}, told: map[string]machine.TaskState{}, knew: map[uint64]map[string]machine.TaskState{},
	}
}

// fail notes that an invariant does not hold. The first counts.
func (c *checker) fail(invariant, format string, args ...any) {
	if c.broken != "" {
		return
	}
	c.broken, c.detail, c.at = invariant, fmt.Sprintf(format, args...), c.now
	c.note("BROKEN: %s: %s", c.broken, c.detail)
}

// taking looks at an event before the machine does.
func (c *checker) taking(i *instance, e machine.Event) {
	switch e := e.(type) {
	case machine.CallFailed:
		c.note("serve %d: %s failed: %s", i.number, machine.CallName(e.Call), e.Err)
		switch ack := e.Call.(type) {
		case machine.Acknowledge:
			delete(i.acks, string(ack.UUID))
		case machine.AcknowledgeOperation:
			delete(i.acks, string(ack.UUID))
		}
	case machine.Updated:
		if len(e.Status.UUID) > 0 {
			c.statuses[string(e.Status.UUID)] = e.Status
		}
		c.note("serve %d: UPDATE %s %s %s %s", i.number, e.Status.TaskID, e.Status.State, e.Status.Source, e.Status.Reason)
		c.told[e.Status.TaskID] = e.Status.State
		i.told[e.Status.TaskID] = e.Status.State
		if ended(e.Status.State) {
			delete(c.seen, e.Status.TaskID)
		}
	case machine.OperationUpdated:
		if len(e.Status.UUID) > 0 {
			c.outcomes[string(e.Status.UUID)] = e.Status
		}
	case machine.Verb:
		if e.Kind == machine.MarkGone {
			c.knew[e.ID] = maps.Clone(c.told)
		}
	case machine.Rescinded:
		c.spent[e.OfferID] = "was rescinded"
	case machine.Offered:
		for k := range e.Offers {
			c.open = append(c.open, e.Offers[k].ID)
			if len(e.Offers[k].Rest) > 0 {
				c.offered[e.Offers[k].ID] = e.Offers[k]
			}
			delete(c.spent, e.Offers[k].ID) // it may have come twice
		}
	case machine.Disconnected:
		for _, id := range c.open {
			c.spent[id] = "is of a subscription that has ended"
		}
		c.open = nil
	case machine.Subscribed:
		clear(i.acks)
		clear(c.told)
		c.session = c.now
		c.note("serve %d: subscribed as %s", i.number, e.FrameworkID)
	}
}

// crowd is more decisions than any moment is worth.
const crowd = 2000

// decided looks at what a machine wants.
func (c *checker) decided(i *instance, e machine.Effects) {
	c.seal(e)
	if !c.moment.Equal(c.now) {
		c.moment, c.decisionsThen = c.now, 0
	}
	if c.decisionsThen++; c.decisionsThen > crowd {
		c.fail(timeMoves, "serve %d decides for the %dth time at %v", i.number, c.decisionsThen, c.now.Sub(began))
	}
	for _, s := range e.Calls {
		if s.After > len(e.Groups) {
			c.fail(durableTask, "%s waits for group %d of %d", machine.CallName(s.Call), s.After, len(e.Groups))
		}
		switch ack := s.Call.(type) {
		case machine.Acknowledge:
			c.acknowledgingOnce(i, ack.UUID, ack.TaskID)
		case machine.AcknowledgeOperation:
			c.acknowledgingOnce(i, ack.UUID, ack.OperationID)
		}
	}
}

// committed looks at the disk after a commit.
func (c *checker) committed(i *instance) {
	if len(c.disk.removed) > 0 {
		c.fail(keeps, "serve %d forgets %v", i.number, c.disk.removed)
	}
	if most := 64<<10 + (len(c.disk.pods)+len(c.disk.hosts))*8<<10; c.disk.size > most {
		c.fail(bounded, "%d records of %d pods and %d hosts take %d bytes, more than %d", len(c.disk.records), len(c.disk.pods), len(c.disk.hosts), c.disk.size, most)
	}
	for _, f := range c.disk.facts { // also those that nobody was told of any more
		if f.Kind == plans.Forced {
			pod, _, _ := strings.Cut(f.Step, ":")
			c.forced[pod] = true
		}
	}
	c.outsiders()
	c.believed()
	c.showsUp()
	c.checkGone(i)
	c.checkClaims(i)
	c.checkPromises(i)
	c.checkStops(i)
}

// sending looks at a call when the machine gives it away, which is after what it waits for is durable.
func (c *checker) sending(i *instance, call machine.Call) {
	switch call := call.(type) {
	case machine.Accept:
		c.accepting(i, call)
	case machine.Decline:
		for _, id := range call.OfferIDs {
			c.spent[id] = "was declined"
		}
	case machine.Acknowledge:
		c.acknowledging(i, call)
	case machine.AcknowledgeOperation:
		c.acknowledgingOperation(i, call)
	case machine.Kill:
		c.note("serve %d: KILL %s", i.number, call.TaskID)
		c.stopping(i, call)
	}
}

// hasDevice says whether pods of a type have a device.
func hasDevice(kind string) bool {
	return kind == quobyte.Registry || kind == quobyte.Metadata || kind == quobyte.Data
}

// starts looks at a process that is to be started.
func (c *checker) starts(p *container) {
	c.started[p.task] = true
	if claim := c.disk.pods[p.pod].Claim; claim != nil {
		c.reserved[claim.ID] = true
	}
	if !c.launched[p.task] {
		c.fail(durableTask, "%s starts and was never launched", p.task)
	}
}

// runs looks at a process that runs from now on. Pods without a device may be replaced when nobody knows what became of them, and the task of one that
// somebody took for gone while it ran may run beside another one.
func (c *checker) runs(p *container) {
	for _, other := range p.host.up {
		if c.mistaken[other.task] || c.mistaken[p.task] {
			continue
		}
		if other != p && other.kind == p.kind && hasDevice(p.kind) {
			c.fail(oneTask, "%s and %s run on %s", other.task, p.task, p.host.name)
		}
	}
}
