package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/quobyte/mesos-framework/internal/sandbox/cluster"
	"github.com/quobyte/mesos-framework/internal/sandbox/fault"
)

// beginAgent is what a fault of an agent does at once. It is called with the lock held.
func (s *Sandbox) beginAgent(now time.Time, a *agentShell, f fault.Fault) error {
	switch f.Kind {
	case fault.AgentKill:
		return s.takeDown(now, a, s.cluster.KillAgent)
	case fault.AgentStop:
		return s.takeDown(now, a, s.cluster.StopAgent)
	case fault.AgentReboot:
		return s.takeDown(now, a, s.cluster.RebootAgent)
	case fault.AgentRestart:
		s.performAll(s.cluster.KillAgent(now, a.id))
		return s.startAgent(now, a, f)
	case fault.AgentStart:
		return s.startAgent(now, a, f)
	case fault.AgentPartition:
		s.performAll(s.cluster.PartitionAgent(now, a.id))
	case fault.AgentHeal:
		s.performAll(s.cluster.HealAgent(now, a.id))
	case fault.AgentDisconnect:
		s.performAll(s.cluster.DisconnectAgent(now, a.id))
	case fault.AgentDelay:
		s.performAll(s.cluster.DelayAgent(now, a.id, time.Duration(f.Delay)))
	case fault.AgentGone:
		return s.operation(s.cluster.MarkAgentGone(now, a.id))
	case fault.AgentDrain:
		how := cluster.Drain{MarkGone: f.MarkGone}
		if grace := time.Duration(f.Grace); grace > 0 {
			how.MaxGrace = &grace
		}
		return s.operation(s.cluster.DrainAgent(now, a.id, how))
	case fault.AgentDeactivate:
		return s.operation(s.cluster.DeactivateAgent(now, a.id))
	case fault.AgentReactivate:
		return s.operation(s.cluster.ReactivateAgent(now, a.id))
	case fault.DiskFull:
		s.fillDisk(a, true)
	}
	return nil
}

// operation carries out what an operator asked the master for. A refusal is an error.
func (s *Sandbox) operation(answer cluster.Answer, effects []cluster.Effect) error {
	s.performAll(effects)
	if answer.Text != "" {
		return errors.New(answer.Text)
	}
	return nil
}

// endAgent undoes what a fault of an agent did. It is called with the lock held.
func (s *Sandbox) endAgent(now time.Time, a *agentShell, f fault.Fault) error {
	switch f.Kind {
	case fault.AgentKill, fault.AgentStop, fault.AgentReboot:
		if s.conditionOf(a).Up {
			return nil // somebody else has started it
		}
		return s.startAgent(now, a, fault.Fault{})
	case fault.AgentPartition:
		s.performAll(s.cluster.HealAgent(now, a.id))
	case fault.AgentDeactivate:
		return s.operation(s.cluster.ReactivateAgent(now, a.id))
	case fault.DiskFull:
		s.fillDisk(a, false)
	}
	return nil
}

// fillDisk lets no process on an agent write to files, or lets them again unless the disk is full for another reason. It is called with the lock held.
func (s *Sandbox) fillDisk(a *agentShell, full bool) {
	for _, id := range sortedKeys(s.containers) {
		if c := s.containers[id]; c.agent == a {
			c.tellDisk(full || s.diskFull(a))
		}
	}
}

// takeDown ends the process of an agent, unless that is down.
func (s *Sandbox) takeDown(now time.Time, a *agentShell, how func(time.Time, string) []cluster.Effect) error {
	if !s.conditionOf(a).Up {
		return fmt.Errorf("agent %s: it is down already; agent-start starts it", a.Hostname)
	}
	s.performAll(how(now, a.id))
	return nil
}

// startAgent starts an agent that is down. One that is wiped has the directory of a new one, but for its logs.
func (s *Sandbox) startAgent(now time.Time, a *agentShell, f fault.Fault) error {
	effects, err := s.cluster.StartAgent(now, a.id, cluster.AgentStart{NewID: f.NewID, Wipe: f.Wipe, Delay: time.Duration(f.Delay)})
	s.performAll(effects)
	if err != nil || !f.Wipe {
		return err
	}
	return errors.Join(os.RemoveAll(filepath.Join(a.WorkDir, "volumes")), os.RemoveAll(filepath.Join(a.WorkDir, keptResources)))
}

func (s *Sandbox) conditionOf(a *agentShell) cluster.AgentCondition { return s.cluster.Condition(a.id) }

// deny lets faults strike what somebody asks to be allowed. It is called with the lock held, by the cluster.
func (s *Sandbox) deny(r cluster.AuthorizationRequest) bool {
	subject := fault.Subject{Action: r.Action, Agents: s.namesOf(r.Agent), Framework: []string{r.Framework, r.Name}, Tasks: []string{r.Task}}
	_, denied := s.strikeLocked(subject, fault.Deny)
	return denied
}

// lose lets faults strike what the master sends to agents. It is called with the lock held, by the cluster.
func (s *Sandbox) lose(d cluster.Delivery) bool {
	subject := fault.Subject{Agents: s.namesOf(d.Agent), Framework: []string{d.Framework}, Tasks: d.Tasks}
	kind := fault.TaskDrop
	if d.Operation != "" {
		kind = fault.OperationDrop
	}
	_, lost := s.strikeLocked(subject, kind)
	return lost
}
