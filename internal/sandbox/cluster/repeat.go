package cluster

import (
	"errors"
	"fmt"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/maintenance"
	"github.com/mesos/mesos-go/api/v1/lib/master"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// CheckOutcome is what Checked was told, for the journal.
type CheckOutcome struct {
	Health bool // it was the health check
	CheckResult
}

// Repeat does what an entry of a journal says that somebody did, at its time. The same entries in the same order, with all Ticks between them, on
// a cluster with the same Config make the same of it, and give the same entries. The error says why that can't be done; then nothing has happened.
func (c *Cluster) Repeat(e Entry) error {
	if e.Kind != Input {
		return fmt.Errorf("entry of kind %s: must be an input", e.Kind)
	}
	again, known := repetitions[e.Name]
	if !known {
		return fmt.Errorf("input %q: there is none of that name", e.Name)
	}
	if err := again(c, e); err != nil {
		return fmt.Errorf("input %s: %w", e.Name, err)
	}
	return nil
}

// repetition is one that needs to be told nothing but what is in the fields of an entry.
func repetition(do func(c *Cluster, e Entry)) func(*Cluster, Entry) error {
	return func(c *Cluster, e Entry) error {
		do(c, e)
		return nil
	}
}

var errOtherAbout = errors.New("is about something else than inputs of this name are")

// repetitionOf is one that is also told what the entry is about.
func repetitionOf[T any](do func(c *Cluster, e Entry, about T)) func(*Cluster, Entry) error {
	return func(c *Cluster, e Entry) error {
		about, is := e.About.(T)
		if !is {
			return errOtherAbout
		}
		do(c, e, about)
		return nil
	}
}

var repetitions = map[string]func(*Cluster, Entry) error{
	tick:         repetition(func(c *Cluster, e Entry) { c.Tick(e.At) }),
	"AddAgent":   repetitionOf(func(c *Cluster, e Entry, cfg AgentConfig) { c.AddAgent(e.At, cfg) }),
	"Subscribe":  repetitionOf(func(c *Cluster, e Entry, call *scheduler.Call) { c.SubscribeConstrained(e.At, call, e.Constraints) }),
	"Disconnect": repetition(func(c *Cluster, e Entry) { c.Disconnect(e.At, e.Stream) }),
	"Call": repetitionOf(func(c *Cluster, e Entry, call *scheduler.Call) {
		c.CallConstrained(e.At, e.Stream, call, e.Constraints)
	}),
	"ExecutorSubscribe":  repetitionOf(func(c *Cluster, e Entry, call *executor.Call) { c.ExecutorSubscribe(e.At, e.Agent, call) }),
	"ExecutorCall":       repetitionOf(func(c *Cluster, e Entry, call *executor.Call) { c.ExecutorCall(e.At, e.Agent, call) }),
	"ExecutorDisconnect": repetition(func(c *Cluster, e Entry) { c.ExecutorDisconnect(e.At, e.Stream) }),
	"Operate":            repetitionOf(func(c *Cluster, e Entry, call *master.Call) { c.OperateAs(e.At, e.Principal, call) }),
	"OperatorSubscribe":  repetition(func(c *Cluster, e Entry) { c.OperatorSubscribe(e.At) }),
	"OperatorDisconnect": repetition(func(c *Cluster, e Entry) { c.OperatorDisconnect(e.At, e.Stream) }),

	"ProcessStarted":   repetitionOf(func(c *Cluster, e Entry, pid int) { c.ProcessStarted(e.At, e.Container, pid) }),
	"ProcessFailed":    repetition(func(c *Cluster, e Entry) { c.ProcessFailed(e.At, e.Container, e.Problem) }),
	"ProcessExited":    repetitionOf(func(c *Cluster, e Entry, exit Exit) { c.ProcessExited(e.At, e.Container, exit) }),
	"TaskExited":       repetitionOf(func(c *Cluster, e Entry, exit Exit) { c.TaskExited(e.At, e.Framework, e.Task, exit) }),
	"ContainerRefused": repetition(func(c *Cluster, e Entry) { c.ContainerRefused(e.At, e.Container, e.Problem) }),
	"ContainerNotRun":  repetitionOf(func(c *Cluster, e Entry, code int) { c.ContainerNotRun(e.At, e.Container, code) }),
	"ImagePulled":      repetition(func(c *Cluster, e Entry) { c.ImagePulled(e.At, e.Container) }),
	"Checked": repetitionOf(func(c *Cluster, e Entry, outcome CheckOutcome) {
		c.Checked(e.At, e.Container, outcome.Health, outcome.CheckResult)
	}),

	"KillAgent":   repetition(func(c *Cluster, e Entry) { c.KillAgent(e.At, e.Agent) }),
	"StopAgent":   repetition(func(c *Cluster, e Entry) { c.StopAgent(e.At, e.Agent) }),
	"RebootAgent": repetition(func(c *Cluster, e Entry) { c.RebootAgent(e.At, e.Agent) }),
	"StartAgent": repetitionOf(func(c *Cluster, e Entry, start AgentStart) {
		_, _ = c.StartAgent(e.At, e.Agent, start) // an error is in the journal
	}),
	"DisconnectAgent": repetition(func(c *Cluster, e Entry) { c.DisconnectAgent(e.At, e.Agent) }),
	"PartitionAgent":  repetition(func(c *Cluster, e Entry) { c.PartitionAgent(e.At, e.Agent) }),
	"HealAgent":       repetition(func(c *Cluster, e Entry) { c.HealAgent(e.At, e.Agent) }),
	"DelayAgent":      repetitionOf(func(c *Cluster, e Entry, delay time.Duration) { c.DelayAgent(e.At, e.Agent, delay) }),
	"DrainAgent":      repetitionOf(func(c *Cluster, e Entry, how Drain) { c.DrainAgent(e.At, e.Agent, how) }),
	"DeactivateAgent": repetition(func(c *Cluster, e Entry) { c.DeactivateAgent(e.At, e.Agent) }),
	"ReactivateAgent": repetition(func(c *Cluster, e Entry) { c.ReactivateAgent(e.At, e.Agent) }),
	"MarkAgentGone":   repetition(func(c *Cluster, e Entry) { c.MarkAgentGone(e.At, e.Agent) }),

	"FailOver":          repetitionOf(func(c *Cluster, e Entry, failover MasterFailover) { c.FailOver(e.At, failover) }),
	"StopMaster":        repetitionOf(func(c *Cluster, e Entry, state MasterState) { c.StopMaster(e.At, state) }),
	"UpdateMaintenance": repetitionOf(func(c *Cluster, e Entry, windows []maintenance.Window) { c.UpdateMaintenance(e.At, windows) }),
	"StartMaintenance":  repetitionOf(func(c *Cluster, e Entry, ids []mesos.MachineID) { c.StartMaintenance(e.At, ids) }),
	"StopMaintenance":   repetitionOf(func(c *Cluster, e Entry, ids []mesos.MachineID) { c.StopMaintenance(e.At, ids) }),
}
