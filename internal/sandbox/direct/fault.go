package direct

import (
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// KillAgent ends the process of an agent as SIGKILL does. Its containers go on.
func (c Cluster) KillAgent(now time.Time, id string) []Effect {
	return translate(c.Model.KillAgent(now, id))
}

// RebootAgent ends everything on the machine of an agent.
func (c Cluster) RebootAgent(now time.Time, id string) []Effect {
	return translate(c.Model.RebootAgent(now, id))
}

// StartAgent starts an agent again that was killed or rebooted; with another id if it has forgotten its own. The error says why it does not start.
func (c Cluster) StartAgent(now time.Time, id string, forgot bool) ([]Effect, error) {
	effects, err := c.Model.StartAgent(now, id, cluster.AgentStart{NewID: forgot})
	return translate(effects), err
}

// MarkAgentGone says that an agent will never come back. If it is there it ends, with all that it runs; if not, it does when it comes back, which
// it can only with another id.
func (c Cluster) MarkAgentGone(now time.Time, id string) []Effect {
	_, effects := c.Model.MarkAgentGone(now, id)
	return translate(effects)
}

// PartitionAgent and HealAgent cut an agent off from the master and let it come back.
func (c Cluster) PartitionAgent(now time.Time, id string) []Effect {
	return translate(c.Model.PartitionAgent(now, id))
}

// HealAgent ends a partition.
func (c Cluster) HealAgent(now time.Time, id string) []Effect {
	return translate(c.Model.HealAgent(now, id))
}

// Outage is how long a master stays in each of the states on its way to leading: it does not listen, has no routes, waits for an election, reads its
// registry. Back is how much time its agents then take to come back.
type Outage struct{ Down, Starting, Leaderless, Recovering, Back time.Duration }

// FailOver ends the leading master, with all that it had in memory.
func (c Cluster) FailOver(now time.Time, o Outage) []Effect {
	f := cluster.MasterFailover{Delay: o.Back}
	for _, stage := range []cluster.Stage{
		{State: cluster.Down, For: o.Down}, {State: cluster.Starting, For: o.Starting},
		{State: cluster.Leaderless, For: o.Leaderless}, {State: cluster.Recovering, For: o.Recovering},
	} {
		if stage.For > 0 {
			f.Outage = append(f.Outage, stage)
		}
	}
	return translate(c.Model.FailOver(now, f))
}

// Unavailable is what every call is answered with while nobody leads; down, that there is no answer at all. The status is 0 if somebody leads.
func (c Cluster) Unavailable() (answer Answer, down bool) {
	a := c.Model.Unavailable()
	return Answer{Status: a.Status, Text: a.Text}, c.Model.Master() == cluster.Down
}
