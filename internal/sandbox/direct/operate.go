package direct

import (
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/maintenance"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
)

// StopAgent ends the process of an agent as SIGUSR1 does: it takes its leave, and ends what runs there.
func (c Cluster) StopAgent(now time.Time, id string) []Effect {
	return translate(c.Model.StopAgent(now, id))
}

// DelayAgent makes an agent register so much later that has not registered yet.
func (c Cluster) DelayAgent(now time.Time, id string, delay time.Duration) []Effect {
	return translate(c.Model.DelayAgent(now, id, delay))
}

// DrainAgent has an operator empty an agent: it is offered no more, and its tasks are killed, with no more time to end than grace.
func (c Cluster) DrainAgent(now time.Time, id string, grace time.Duration) (Answer, []Effect) {
	a, effects := c.Model.DrainAgent(now, id, cluster.Drain{MaxGrace: &grace})
	return Answer{Status: a.Status, Text: a.Text}, translate(effects)
}

// DeactivateAgent has an operator stop the offers of an agent, and nothing else.
func (c Cluster) DeactivateAgent(now time.Time, id string) (Answer, []Effect) {
	a, effects := c.Model.DeactivateAgent(now, id)
	return Answer{Status: a.Status, Text: a.Text}, translate(effects)
}

// ReactivateAgent ends that, and a drain that is complete.
func (c Cluster) ReactivateAgent(now time.Time, id string) (Answer, []Effect) {
	a, effects := c.Model.ReactivateAgent(now, id)
	return Answer{Status: a.Status, Text: a.Text}, translate(effects)
}

// Window is when a machine will not be available, as an operator has announced it.
type Window struct {
	Hostname, IP string
	From         time.Time
	For          time.Duration
}

func (w Window) machine() mesos.MachineID { return mesos.MachineID{Hostname: &w.Hostname, IP: &w.IP} }

// Announce replaces the schedule of maintenance.
func (c Cluster) Announce(now time.Time, windows []Window) (Answer, []Effect) {
	var schedule []maintenance.Window
	for _, w := range windows {
		schedule = append(schedule, maintenance.Window{
			MachineIDs: []mesos.MachineID{w.machine()},
			Unavailability: mesos.Unavailability{
				Start: mesos.TimeInfo{Nanoseconds: w.From.UnixNano()}, Duration: &mesos.DurationInfo{Nanoseconds: int64(w.For)},
			},
		})
	}
	a, effects := c.Model.UpdateMaintenance(now, schedule)
	return Answer{Status: a.Status, Text: a.Text}, translate(effects)
}

// TakeDown has a machine of the schedule removed, with its agent and all of its tasks.
func (c Cluster) TakeDown(now time.Time, w Window) (Answer, []Effect) {
	a, effects := c.Model.StartMaintenance(now, []mesos.MachineID{w.machine()})
	return Answer{Status: a.Status, Text: a.Text}, translate(effects)
}

// BringUp lets it back, and takes it out of the schedule. Its agent has to be started.
func (c Cluster) BringUp(now time.Time, w Window) (Answer, []Effect) {
	a, effects := c.Model.StopMaintenance(now, []mesos.MachineID{w.machine()})
	return Answer{Status: a.Status, Text: a.Text}, translate(effects)
}
