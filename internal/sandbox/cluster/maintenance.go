package cluster

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/allocator"
	"github.com/mesos/mesos-go/api/v1/lib/maintenance"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// machine is what the registry has of a machine that is in the maintenance schedule.
type machine struct {
	id             mesos.MachineID
	unavailability mesos.Unavailability
	down           bool
}

// inverseOffer asks a framework to leave an agent.
type inverseOffer struct {
	id             string
	framework      *framework
	agent          *agent
	unavailability mesos.Unavailability
}

// inverseFilter is how long a framework does not want to be asked again.
type inverseFilter struct {
	agent *agent
	until time.Time
}

// UpdateMaintenance replaces the maintenance schedule. Machines that were not in it begin to drain, which is advice only:
// their offers say when they will be unavailable, and who has something there gets an inverse offer. Whether a machine is in the
// schedule or not, its offers are rescinded (F27, F28).
func (c *Cluster) UpdateMaintenance(now time.Time, windows []maintenance.Window) (Answer, []Effect) {
	c.begin(now, Entry{Name: "UpdateMaintenance", About: about(c, windows)})
	answer := c.updateMaintenance(windows)
	return c.answered(answer)
}

func (c *Cluster) updateMaintenance(windows []maintenance.Window) Answer {
	var machines []*machine
	for _, window := range windows {
		switch {
		case len(window.MachineIDs) == 0:
			return refused("List of machines in the maintenance window is empty")
		case window.Unavailability.GetDuration().GetNanoseconds() < 0:
			return refused("Unavailability 'duration' is negative")
		}
		for _, id := range window.MachineIDs {
			if problem := machineProblem(id); problem != "" {
				return refused(problem)
			}
			if find(machines, id) != nil {
				return refused("Machine '" + machineText(id) + "' appears more than once in the schedule")
			}
			m := &machine{id: id, unavailability: window.Unavailability}
			if old := find(c.registry.machines, id); old != nil {
				m.down = old.down
			}
			machines = append(machines, m)
		}
	}
	for _, m := range c.registry.machines {
		if m.down && find(machines, m.id) == nil {
			return refused("Machine '" + machineText(m.id) + "' is deactivated and cannot be removed from the schedule")
		}
	}
	c.registry.windows, c.registry.machines = windows, machines
	for _, a := range c.agents {
		c.rescindAll(a)
	}
	for _, a := range c.agents {
		c.rescindInverse(a)
	}
	for _, f := range c.frameworks {
		f.inverseFilters = nil
	}
	c.allocate(c.agents)
	return Answer{Status: statusOK}
}

// StartMaintenance takes machines down that are in the schedule: their agents are removed, with TASK_LOST for everything,
// and end; none can register from there.
func (c *Cluster) StartMaintenance(now time.Time, ids []mesos.MachineID) (Answer, []Effect) {
	c.begin(now, Entry{Name: "StartMaintenance", About: about(c, ids)})
	answer := c.startMaintenance(ids)
	return c.answered(answer)
}

const machineDown = "Operator initiated 'Machine DOWN'"

func (c *Cluster) startMaintenance(ids []mesos.MachineID) Answer {
	if answer := c.checkMachines(ids, false, "DRAINING", "down"); answer.Status != statusOK {
		return answer
	}
	for _, id := range ids {
		find(c.registry.machines, id).down = true
		for _, a := range slices.Clone(c.agents) {
			if a.on(id) {
				linked := a.linked()
				c.removeMember(a, machineDown)
				if linked {
					c.shutDownAgent(a)
				}
			}
		}
	}
	return Answer{Status: statusOK}
}

// StopMaintenance lets machines back that are down, and takes them out of the schedule. Their agents have to be started.
func (c *Cluster) StopMaintenance(now time.Time, ids []mesos.MachineID) (Answer, []Effect) {
	c.begin(now, Entry{Name: "StopMaintenance", About: about(c, ids)})
	answer := c.stopMaintenance(ids)
	return c.answered(answer)
}

func (c *Cluster) stopMaintenance(ids []mesos.MachineID) Answer {
	if answer := c.checkMachines(ids, true, "DOWN", "up"); answer.Status != statusOK {
		return answer
	}
	stopped := func(id mesos.MachineID) bool {
		return slices.ContainsFunc(ids, func(other mesos.MachineID) bool { return sameMachine(id, other) })
	}
	c.registry.machines = slices.DeleteFunc(slices.Clone(c.registry.machines), func(m *machine) bool { return stopped(m.id) })
	var windows []maintenance.Window
	for _, window := range c.registry.windows {
		window.MachineIDs = slices.DeleteFunc(slices.Clone(window.MachineIDs), stopped)
		if len(window.MachineIDs) > 0 {
			windows = append(windows, window)
		}
	}
	c.registry.windows = windows
	return Answer{Status: statusOK}
}

func (c *Cluster) checkMachines(ids []mesos.MachineID, down bool, mode, direction string) Answer {
	if len(ids) == 0 {
		return refused("List of machines is empty")
	}
	for i, id := range ids {
		if problem := machineProblem(id); problem != "" {
			return refused(problem)
		}
		if slices.ContainsFunc(ids[:i], func(other mesos.MachineID) bool { return sameMachine(id, other) }) {
			return refused("Machine '" + machineText(id) + "' appears more than once in the schedule")
		}
	}
	for _, id := range ids {
		m := find(c.registry.machines, id)
		switch {
		case m == nil:
			return refused("Machine '" + machineText(id) + "' is not part of a maintenance schedule")
		case m.down != down:
			return refused("Machine '" + machineText(id) + "' is not in " + mode + " mode and cannot be brought " + direction)
		}
	}
	return Answer{Status: statusOK}
}

func machineText(id mesos.MachineID) string {
	switch {
	case id.Hostname == nil:
		return fmt.Sprintf(`{"ip":%q}`, id.GetIP())
	case id.IP == nil:
		return fmt.Sprintf(`{"hostname":%q}`, id.GetHostname())
	}
	return fmt.Sprintf(`{"hostname":%q,"ip":%q}`, id.GetHostname(), id.GetIP())
}

func machineProblem(id mesos.MachineID) string {
	if id.GetHostname() == "" && id.GetIP() == "" {
		return "Both 'hostname' and 'ip' for a machine are empty"
	}
	if address, err := netip.ParseAddr(id.GetIP()); id.GetIP() != "" && (err != nil || !address.Is4()) {
		return "Failed to parse IPv4: " + id.GetIP()
	}
	return ""
}

// sameMachine compares as a master does: what is not set is not the same as what is.
func sameMachine(a, b mesos.MachineID) bool {
	return (a.Hostname == nil) == (b.Hostname == nil) && strings.EqualFold(a.GetHostname(), b.GetHostname()) &&
		(a.IP == nil) == (b.IP == nil) && a.GetIP() == b.GetIP()
}

func find(machines []*machine, id mesos.MachineID) *machine {
	i := slices.IndexFunc(machines, func(m *machine) bool { return sameMachine(m.id, id) })
	if i < 0 {
		return nil
	}
	return machines[i]
}

// on tells whether an agent is on a machine. One that is named by its hostname alone, or its address, is another machine, without agents.
func (a *agent) on(id mesos.MachineID) bool {
	return sameMachine(id, mesos.MachineID{Hostname: &a.hostname, IP: &a.ip})
}

func (c *Cluster) machineOf(a *agent) *machine {
	i := slices.IndexFunc(c.registry.machines, func(m *machine) bool { return a.on(m.id) })
	if i < 0 {
		return nil
	}
	return c.registry.machines[i]
}

// unavailability is what offers of an agent say of its future.
func (c *Cluster) unavailability(a *agent) *mesos.Unavailability {
	if m := c.machineOf(a); m != nil {
		u := m.unavailability
		return &u
	}
	return nil
}

// askToLeave sends inverse offers of agents that will be unavailable to all who have something there and have not been
// asked, or not lately.
func (c *Cluster) askToLeave(agents []*agent) {
	if len(c.registry.machines) == 0 {
		return
	}
	for _, f := range c.frameworks {
		var batch []mesos.InverseOffer
		for _, a := range agents {
			if m := c.machineOf(a); m != nil && c.offersFrom(a) && c.mayAsk(f, a) {
				batch = append(batch, c.makeInverseOffer(f, a, m.unavailability).wire())
			}
		}
		if len(batch) > 0 {
			c.send(f, &scheduler.Event{Type: scheduler.Event_INVERSE_OFFERS,
				InverseOffers: &scheduler.Event_InverseOffers{InverseOffers: batch}})
		}
	}
}

func (c *Cluster) mayAsk(f *framework, a *agent) bool {
	if f.stream == "" || len(c.tasksOn(f, a)) == 0 {
		return false
	}
	asked := slices.ContainsFunc(c.inverse, func(o *inverseOffer) bool { return o.framework == f && o.agent == a })
	return !asked && !slices.ContainsFunc(f.inverseFilters, func(filter inverseFilter) bool {
		return filter.agent == a && !due(filter.until, c.now)
	})
}

func (c *Cluster) makeInverseOffer(f *framework, a *agent, u mesos.Unavailability) *inverseOffer {
	o := &inverseOffer{id: fmt.Sprintf("%s-O%d", c.masterID, c.offersMade), framework: f, agent: a, unavailability: u}
	c.offersMade++
	c.inverse = append(c.inverse, o)
	return o
}

func (o *inverseOffer) wire() mesos.InverseOffer {
	return mesos.InverseOffer{
		OfferID: mesos.OfferID{Value: o.id}, URL: o.agent.url(), FrameworkID: mesos.FrameworkID{Value: o.framework.id},
		AgentID: &mesos.AgentID{Value: o.agent.id}, Unavailability: o.unavailability,
	}
}

// answerInverse takes what a framework says to inverse offers: it changes nothing but what operators are shown. The
// framework is asked again when its filter ends, whatever it said (F28).
func (c *Cluster) answerInverse(f *framework, ids []mesos.OfferID, filters *mesos.Filters, status allocator.InverseOfferStatus_Status) {
	refuse := c.refusal(filters)
	for _, id := range ids {
		i := slices.IndexFunc(c.inverse, func(o *inverseOffer) bool { return o.id == id.Value })
		if i < 0 {
			continue
		}
		o := c.inverse[i]
		c.inverse = slices.Delete(c.inverse, i, i+1)
		o.framework.inverseFilters = append(o.framework.inverseFilters, inverseFilter{o.agent, c.now.Add(refuse)})
		c.rounds.request(c.now)
		c.inverseAnswers = slices.DeleteFunc(c.inverseAnswers, func(w inverseAnswer) bool {
			return w.agent == o.agent && w.FrameworkID.Value == f.id
		})
		c.inverseAnswers = append(c.inverseAnswers, inverseAnswer{o.agent, allocator.InverseOfferStatus{
			Status: &status, FrameworkID: mesos.FrameworkID{Value: f.id},
			Timestamp: mesos.TimeInfo{Nanoseconds: c.now.UnixNano()},
		}})
	}
}

// inverseAnswer is what a framework said last to being asked to leave an agent.
type inverseAnswer struct {
	agent *agent
	allocator.InverseOfferStatus
}

// rescindInverse takes back what a member's frameworks were asked.
func (c *Cluster) rescindInverse(a *agent) {
	for _, o := range slices.Clone(c.inverse) {
		if o.agent == a {
			c.send(o.framework, &scheduler.Event{Type: scheduler.Event_RESCIND_INVERSE_OFFER,
				RescindInverseOffer: &scheduler.Event_RescindInverseOffer{InverseOfferID: mesos.OfferID{Value: o.id}}})
		}
	}
	c.inverse = slices.DeleteFunc(c.inverse, func(o *inverseOffer) bool { return o.agent == a })
}

// maintenanceStatus is the schedule as the operator API shows its effect.
func (c *Cluster) maintenanceStatus() maintenance.ClusterStatus {
	var status maintenance.ClusterStatus
	for _, m := range c.registry.machines {
		if m.down {
			status.DownMachines = append(status.DownMachines, m.id)
			continue
		}
		draining := maintenance.ClusterStatus_DrainingMachine{ID: m.id}
		for _, answer := range c.inverseAnswers {
			if answer.agent.on(m.id) {
				draining.Statuses = append(draining.Statuses, answer.InverseOfferStatus)
			}
		}
		status.DrainingMachines = append(status.DrainingMachines, draining)
	}
	return status
}
