package engine

import (
	"context"
	"log/slog"

	"github.com/quobyte/mesos-framework/engine/machine"
	"github.com/quobyte/mesos-framework/offers"
)

// logEvent tells what happened, in the words of the Mesos protocol. What comes often, and what the session tells itself, is for
// debugging only.
func logEvent(log *slog.Logger, ev machine.Event) {
	switch e := ev.(type) {
	case machine.Subscribed:
		log.Debug("subscribed", "framework", e.FrameworkID, "master", e.Master.Address, "version", e.Master.Version)
	case machine.Disconnected:
		log.Debug("disconnected", "error", e.Err, "fatal", e.Fatal)
	case machine.Offered:
		log.Debug("offers", "count", len(e.Offers))
	case machine.Rescinded:
		log.Debug("offer rescinded", "offer", e.OfferID)
	case machine.Updated:
		logStatus(log, e.Status)
	case machine.Failure:
		log.Warn("failure", "agent", e.AgentID, "executor", e.ExecutorID, "status", e.Status)
	case machine.CallFailed:
		log.Debug("call failed", "call", machine.CallName(e.Call), "error", e.Err, "ambiguous", e.Ambiguous)
	case machine.Judged:
		log.Debug("judged", "id", e.ID, "gate", e.Gate, "code", e.Code, "text", e.Text)
	case machine.Verb:
		logVerb(log, e)
	}
}

// logVerb names what the verb is about, and leaves out what it is not.
func logVerb(log *slog.Logger, v machine.Verb) {
	attrs := []any{"verb", v.Kind}
	for _, a := range [...]struct{ key, value string }{
		{"plan", v.Plan}, {"phase", v.Phase}, {"step", v.Step}, {"pod", v.Pod}, {"task", v.Task}, {"host", v.Host}, {"claim", v.Claim}, {"when", string(v.When)},
	} {
		if a.value != "" {
			attrs = append(attrs, a.key, a.value)
		}
	}
	if v.Force {
		attrs = append(attrs, "force", true)
	}
	log.Info("operator", append(attrs, "actor", v.Actor, "reason", v.Reason)...)
}

func logStatus(log *slog.Logger, s machine.TaskStatus) {
	level := slog.LevelInfo
	if len(s.Data) > 0 {
		level = slog.LevelDebug
	}
	log.Log(context.Background(), level, "task", "id", s.TaskID, "state", s.State, "source", s.Source, "reason", s.Reason, "message", s.Message)
}

func logCall(log *slog.Logger, c machine.Call) {
	switch c := c.(type) {
	case machine.Accept:
		for _, op := range c.Operations {
			logOperation(log, op)
		}
	case machine.Reconcile:
		log.Info("reconcile", "tasks", len(c.Tasks))
	case machine.ReconcileOperations:
		log.Info("reconcile operations", "operations", len(c.Operations))
	case machine.ExcludeHosts:
		log.Info("idle hosts are not to be offered", "hosts", len(c.Hosts))
	case machine.Kill:
		log.Info("kill", "task", c.TaskID)
	default:
		log.Debug("call", "call", machine.CallName(c))
	}
}

func logOperation(log *slog.Logger, op offers.Operation) {
	switch op.Type {
	case offers.Launch:
		for _, t := range op.Tasks {
			log.Info("launch", "task", t.ID, "agent", t.AgentID)
		}
	case offers.GrowVolume:
		log.Info("operation", "type", op.Type, "volume", op.Volume.String(), "addition", op.Addition.String())
	default:
		log.Info("operation", "type", op.Type, "pod", podOf(op.Resources), "resources", op.Resources.Quantities().String())
	}
}

// podOf is the pod that the first of some resources is reserved for.
func podOf(list offers.Resources) string {
	for _, r := range list {
		for _, reservation := range r.Reservations {
			for _, l := range reservation.Labels {
				if l.Key == offers.LabelPod {
					return l.Value
				}
			}
		}
	}
	return ""
}
